//! ESC-1 once more, written row by row from the table, without a thought for speed. It shares the shape of the facts with the real one,
//! and nothing else.

use std::collections::BTreeSet;

use voordeur_escalation_domain::{
    outcome::{
        CaseFact, CheckFact, Classified, Day, Domain, FactKind, Patch, Question, ReferralFact, Subject,
    },
    words::{Baseline, DomainStatus, LeavingDestination, NeedStatus, ReviewVerdict, WithdrawalScope},
};

/// An answer in the words of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) class: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) day: Option<i32>,
    pub(crate) flags: BTreeSet<&'static str>,
    pub(crate) survival: Option<(i32, u8)>,
}

impl From<Classified> for Answer {
    fn from(found: Classified) -> Self {
        Self {
            class: found.class.as_str(),
            reason: found.reason.as_str(),
            day: found.day.map(i32::from),
            flags: found.flags.iter().map(|flag| flag.as_str()).collect(),
            survival: found.survival.map(|survival| (i32::from(survival.time), survival.cause as u8)),
        }
    }
}

fn order(fact: &CaseFact) -> (Day, u32, [u8; 16]) {
    (fact.recorded, fact.order, *fact.id.as_bytes())
}

fn known_on(fact: &CaseFact) -> Day {
    if fact.effective > fact.recorded { fact.effective } else { fact.recorded }
}

fn told(check: &CheckFact, domain: Domain) -> DomainStatus {
    if domain == Domain::Jeugdhulp { check.jeugdhulp } else { check.onderwijs }
}

/// The day until which a check holds.
fn until(fact: &CaseFact, check: &CheckFact) -> Day {
    if check.covers_until > fact.effective { fact.effective } else { check.covers_until }
}

fn is_outcome(fact: &CaseFact) -> Option<Day> {
    match &fact.kind {
        FactKind::Referral(_) | FactKind::Left(_) | FactKind::VeiligThuis => Some(fact.effective),
        FactKind::Checked(c)
            if c.jeugdhulp == DomainStatus::Referred || c.onderwijs == DomainStatus::Referred =>
        {
            Some(until(fact, c))
        }
        _ => None,
    }
}

fn patched(mut fact: CaseFact, patch: Patch) -> CaseFact {
    use voordeur_escalation_domain::outcome::Endpoint;
    match patch {
        Patch::Void | Patch::Stands => {}
        Patch::Effective(day) => fact.effective = day,
        Patch::EffectiveAndBaseline(day, level) => {
            fact.effective = day;
            if matches!(fact.kind, FactKind::Baseline(_)) {
                fact.kind = FactKind::Baseline(level);
            }
        }
        _ => {
            fact.kind = match (fact.kind, patch) {
                (FactKind::Baseline(_), Patch::Baseline(level)) => FactKind::Baseline(level),
                (FactKind::Signal(_), Patch::Subject(subject)) => FactKind::Signal(subject),
                (FactKind::Left(_), Patch::Left(to)) => FactKind::Left(to),
                (FactKind::ConsentWithdrawn(_), Patch::Scope(scope)) => FactKind::ConsentWithdrawn(scope),
                (FactKind::Reviewed { referral, reviewer, .. }, Patch::Verdict(verdict)) => {
                    FactKind::Reviewed { referral, reviewer, verdict }
                }
                (FactKind::Checked(c), Patch::CoversUntil(day)) => {
                    FactKind::Checked(CheckFact { covers_until: day, ..c })
                }
                (FactKind::Checked(c), Patch::Jeugdhulp(s)) => {
                    FactKind::Checked(CheckFact { jeugdhulp: s, ..c })
                }
                (FactKind::Checked(c), Patch::Onderwijs(s)) => {
                    FactKind::Checked(CheckFact { onderwijs: s, ..c })
                }
                (FactKind::Checked(c), Patch::Need(need)) => FactKind::Checked(CheckFact { need, ..c }),
                (FactKind::Referral(r), Patch::Domain(domain)) => FactKind::Referral(ReferralFact {
                    domain,
                    endpoint: Endpoint::plain(domain, r.imposed),
                    ..r
                }),
                (FactKind::Referral(r), Patch::Imposed(imposed)) => FactKind::Referral(ReferralFact {
                    imposed,
                    endpoint: Endpoint::plain(r.domain, imposed),
                    ..r
                }),
                (kind, _) => kind,
            }
        }
    }
    fact
}

/// The preparation: what counts, in any order.
fn prepared(all: &[CaseFact], question: Question, flags: &mut BTreeSet<&'static str>) -> Vec<CaseFact> {
    let mut known: Vec<CaseFact> = Vec::new();
    for fact in all {
        if fact.recorded <= question.known && !known.contains(fact) {
            known.push(*fact);
        }
    }
    let is_correction = |fact: &&CaseFact| matches!(fact.kind, FactKind::Corrected { .. });
    let mut corrections: Vec<CaseFact> = known.iter().filter(is_correction).copied().collect();
    corrections.sort_by_key(order);
    let originals: Vec<CaseFact> = known.iter().filter(|f| !is_correction(f)).copied().collect();
    for correction in &corrections {
        let FactKind::Corrected { target, .. } = correction.kind else { unreachable!() };
        if !originals.iter().any(|fact| fact.id == target) {
            flags.insert("correction_without_target");
        }
    }
    // Everything but judgements first, because the lock asks what the outcomes are.
    let mut standing: Vec<CaseFact> = Vec::new();
    for judgements in [false, true] {
        let outcomes = standing.clone();
        for original in originals.iter().filter(|f| matches!(f.kind, FactKind::Baseline(_)) == judgements) {
            let (mut fact, mut void) = (*original, false);
            for correction in &corrections {
                let FactKind::Corrected { target, patch } = correction.kind else { unreachable!() };
                if target != original.id {
                    continue;
                }
                let late = correction.recorded.since(original.effective) > 14
                    || outcomes.iter().any(|outcome| {
                        is_outcome(outcome).is_some_and(|happened| happened >= original.effective)
                            && known_on(outcome) <= correction.recorded
                    });
                if judgements && late {
                    flags.insert("late_baseline_correction_ignored");
                    continue;
                }
                flags.insert("corrected");
                fact = patched(fact, patch);
                void = patch == Patch::Void;
            }
            if !void {
                standing.push(fact);
            }
        }
    }
    standing.retain(|fact| fact.effective <= question.observed);
    let withdrawals: Vec<CaseFact> =
        standing.iter().filter(|f| matches!(f.kind, FactKind::ConsentWithdrawn(_))).copied().collect();
    standing.retain(|fact| {
        matches!(fact.kind, FactKind::ConsentWithdrawn(_))
            || !withdrawals.iter().any(|w| fact.effective > w.effective && known_on(fact) >= known_on(w))
    });
    standing
}

/// The class of a case, as somebody with the table and a calendar finds it.
pub(crate) fn answer(all: &[CaseFact], question: Question) -> Answer {
    let mut flags = BTreeSet::new();
    let facts = prepared(all, question, &mut flags);
    let window = i32::from(question.window);
    let plain = |class, reason, flags: &BTreeSet<&'static str>| Answer {
        class,
        reason,
        day: None,
        flags: flags.clone(),
        survival: None,
    };

    // R0
    let signals = facts.iter().filter(|f| f.kind == FactKind::Signal(Subject::Child)).count();
    if signals == 0 {
        return plain("out_of_scope", "NO_CHILD_UNIT", &flags);
    }
    // R1
    if facts.iter().any(|f| f.kind == FactKind::ConsentWithdrawn(WithdrawalScope::All)) {
        return plain("undetermined", "CONSENT_WITHDRAWN", &BTreeSet::new());
    }
    if signals > 1 {
        flags.insert("more_than_one_signal");
    }
    // R2
    let mut in_order = facts.clone();
    in_order.sort_by_key(order);
    let contact = in_order.iter().find(|f| f.kind == FactKind::FirstContact);
    let judgement = in_order.iter().find(|f| {
        let FactKind::Baseline(_) = f.kind else { return false };
        let Some(contact) = contact else { return false };
        (-14..=14).contains(&f.effective.since(contact.effective)) && f.recorded.since(f.effective) <= 14
    });
    let Some(judgement) = judgement else {
        return plain("undetermined", "NO_VALID_BASELINE", &flags);
    };
    let FactKind::Baseline(level) = judgement.kind else { unreachable!() };
    let d = |day: Day| day.since(judgement.effective);
    flags.insert(match level {
        Baseline::None => "baseline_none",
        Baseline::Possible => "baseline_possible",
        Baseline::Imminent => "baseline_imminent",
    });
    if facts.iter().any(|f| f.kind == FactKind::Consultation && d(f.effective) <= window) {
        flags.insert("specialist_consulted");
    }

    // Endpoints: requests and starts with a date, leaving for a specialist place, and what a check tells without a date.
    let specialist = FactKind::Left(LeavingDestination::Specialist);
    let dated: Vec<(i32, u8, CaseFact)> = facts
        .iter()
        .filter_map(|f| match f.kind {
            FactKind::Referral(r) => Some((d(f.effective), u8::from(r.started), *f)),
            kind if kind == specialist => Some((d(f.effective), 2, *f)),
            _ => None,
        })
        .collect();
    let checks: Vec<(i32, CheckFact, CaseFact)> = facts
        .iter()
        .filter_map(|f| match f.kind {
            FactKind::Checked(c) => Some((d(until(f, &c)), c, *f)),
            _ => None,
        })
        .filter(|(day, ..)| *day >= 0)
        .collect();
    let tells = |c: &CheckFact| {
        [Domain::Jeugdhulp, Domain::Onderwijs].iter().any(|x| told(c, *x) == DomainStatus::Referred)
    };
    let first_dated = dated.iter().map(|(day, ..)| *day).filter(|day| *day >= 0).min();
    let first_told = checks.iter().filter(|(_, c, _)| tells(c)).map(|(day, ..)| *day).min();
    if first_told.is_some_and(|told| first_dated.is_none_or(|dated| told < dated)) {
        flags.insert("referral_date_imputed");
    }

    // R3
    let before: Vec<_> = dated.iter().filter(|(day, ..)| *day < 0).collect();
    let running = before.iter().any(|(day, _, f)| {
        let FactKind::Referral(referral) = f.kind else { return true };
        let key = referral.referral;
        !facts.iter().any(|end| {
            let ends = [FactKind::CareEnded(key), FactKind::Refused(key), FactKind::Withdrawn(key)];
            ends.contains(&end.kind) && d(end.effective) >= *day && d(end.effective) < 0
        })
    });
    if running {
        return plain("not_at_risk", "ALREADY_REFERRED", &flags);
    }
    if !before.is_empty() {
        flags.insert("prior_care_ended");
    }
    // R3b
    let typed_afterwards = dated.iter().any(|(day, _, f)| *day >= 0 && known_on(f) < judgement.recorded)
        || checks.iter().any(|(_, c, f)| tells(c) && known_on(f) < judgement.recorded);
    if typed_afterwards {
        return plain("undetermined", "NO_VALID_BASELINE", &flags);
    }

    let left = facts
        .iter()
        .filter(|f| matches!(f.kind, FactKind::Left(to) if to != LeavingDestination::Specialist))
        .map(|f| d(f.effective))
        .filter(|day| *day >= 0)
        .min();
    let reported = facts
        .iter()
        .filter(|f| f.kind == FactKind::VeiligThuis)
        .map(|f| d(f.effective))
        .filter(|day| *day >= 0)
        .min();
    let referral = [first_dated, first_told].into_iter().flatten().min();
    let survival = (level != Baseline::None).then(|| {
        let mut first = None;
        for (end, cause) in [(referral, 1), (left, 2), (reported, 3)] {
            if let Some(end) = end
                && first.is_none_or(|(known, _)| end < known)
            {
                first = Some((end, cause));
            }
        }
        let clear = |c: &CheckFact| c.jeugdhulp == DomainStatus::None && c.onderwijs == DomainStatus::None;
        let verified = checks.iter().filter(|(_, c, _)| clear(c)).map(|(day, ..)| *day).max();
        first.unwrap_or((verified.unwrap_or(0), 0))
    });

    // R4
    if let Some(day) = referral.filter(|day| *day <= window) {
        let mut inside: Vec<_> = dated.iter().filter(|(day, ..)| (0..=window).contains(day)).collect();
        inside.sort_by_key(|(day, rank, f)| (*day, *rank, *f.id.as_bytes()));
        let reason = inside.first().map_or("unknown", |first| which_kind(&facts, first, &d, &mut flags));
        return Answer { class: "referred", reason, day: Some(day), flags, survival };
    }
    // What a check tells is explained by a date in the same domain that isn't later than the check, and by nothing else.
    let undated = |domain: Domain| {
        checks.iter().any(|(day, c, _)| {
            told(c, domain) == DomainStatus::Referred
                && !dated.iter().any(|(on, _, f)| {
                    let of = match f.kind {
                        FactKind::Referral(r) => r.domain,
                        _ => Domain::Onderwijs,
                    };
                    of == domain && (0..=*day).contains(on)
                })
        })
    };
    let any_undated = undated(Domain::Jeugdhulp) || undated(Domain::Onderwijs);
    let supported =
        facts.iter().any(|f| f.kind == FactKind::Support && (0..=window).contains(&d(f.effective)));
    let mut reaching: Vec<(i32, NeedStatus)> = checks
        .iter()
        .filter(|(day, c, _)| {
            *day >= window
                && [Domain::Jeugdhulp, Domain::Onderwijs].into_iter().all(|domain| match told(c, domain) {
                    DomainStatus::None => true,
                    DomainStatus::Referred => !undated(domain),
                    DomainStatus::Unknown => false,
                })
        })
        .map(|(day, c, _)| (*day, c.need))
        .collect();
    let not_asked = !reaching.is_empty();
    reaching.retain(|(_, need)| *need != NeedStatus::Unknown);
    let first_asked = reaching.iter().map(|(day, _)| *day).min();
    let concern =
        reaching.iter().any(|(day, need)| Some(*day) == first_asked && *need == NeedStatus::Concern);

    let (class, reason) = if level == Baseline::None {
        ("not_at_risk", "NO_THREAT")
    } else if reported.is_some_and(|day| day <= window) {
        ("undetermined", "SAFETY_ROUTE")
    } else if concern {
        ("undetermined", "UNMET_NEED")
    } else if first_asked.is_some() && supported {
        ("avoided", "NO_REFERRAL_IN_WINDOW")
    } else if first_asked.is_some() {
        ("undetermined", "NO_SUPPORT_GIVEN")
    } else if not_asked {
        ("undetermined", "NEED_UNKNOWN")
    } else if any_undated {
        ("undetermined", "REFERRAL_DATE_UNKNOWN")
    } else if facts.iter().any(|f| matches!(f.kind, FactKind::ConsentWithdrawn(_))) {
        ("undetermined", "CONSENT_WITHDRAWN")
    } else if left.is_some() {
        ("undetermined", "LEFT_CENTRE")
    } else if d(question.observed) < window {
        ("undetermined", "PENDING")
    } else {
        ("undetermined", "NO_FOLLOW_UP_CHECK")
    };
    if first_dated.is_some() || class == "avoided" && any_undated {
        flags.insert("referred_after_window");
    }
    Answer { class, reason, day: None, flags, survival }
}

/// Was the first dated referral needed?
fn which_kind(
    facts: &[CaseFact],
    (on, _, first): &(i32, u8, CaseFact),
    d: &dyn Fn(Day) -> i32,
    flags: &mut BTreeSet<&'static str>,
) -> &'static str {
    let key = match first.kind {
        FactKind::Referral(referral) => Some(referral.referral),
        _ => None,
    };
    let days = |wanted: &dyn Fn(&FactKind) -> bool| {
        facts.iter().filter(|f| wanted(&f.kind)).map(|f| d(f.effective)).max()
    };
    if let Some(key) = key {
        let refused = days(&|kind| *kind == FactKind::Refused(key));
        let granted = days(&|kind| {
            *kind == FactKind::Granted(key)
                || matches!(kind, FactKind::Referral(r) if r.started && r.referral == key)
        });
        if refused.is_some_and(|refused| granted.is_none_or(|granted| granted < refused)) {
            flags.insert("requested_not_granted");
        }
        if facts.iter().any(|f| f.kind == FactKind::Withdrawn(key)) {
            flags.insert("requested_then_withdrawn");
        }
    }
    let mut found = BTreeSet::new();
    let mut reviewers = BTreeSet::new();
    for fact in facts {
        if let FactKind::Reviewed { referral, reviewer, verdict } = fact.kind
            && Some(referral) == key
        {
            found.insert(verdict);
            reviewers.insert(reviewer);
        }
    }
    if found.len() == 2 {
        flags.insert("reviewers_disagree");
    }
    let imposed = facts.iter().any(|f| match f.kind {
        FactKind::Referral(r) if d(f.effective) >= 0 => {
            r.imposed.is_some() && (Some(r.referral) == key || d(f.effective) == *on)
        }
        _ => false,
    });
    match (imposed, reviewers.len(), found.len(), found.first()) {
        (true, ..) => "needed",
        (_, 2.., 1, Some(ReviewVerdict::Needed)) => "needed",
        (_, 2.., 1, Some(ReviewVerdict::Avoidable)) => "avoidable",
        _ => "unknown",
    }
}
