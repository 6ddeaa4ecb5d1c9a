//! What happened around a judgement, gathered in one walk over the facts. Days are counted from the judgement; nothing here depends on
//! the order of the facts.

use voordeur_kernel::CommitId;

use super::{
    day::Day,
    endpoints::Imposed,
    fact::{CaseFact, CheckFact, Domain, FactKind, ReferralFact, ShortKey},
    result::{Cause, Flag, Flags, Reason, Reviews, Survival},
};
use crate::words::{DomainStatus, LeavingDestination, NeedStatus, ReviewVerdict};

/// Was there a referral before the judgement?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    /// None.
    None,
    /// Every one was over before the judgement.
    Ended,
    /// One wasn't.
    Running,
}

/// An endpoint with a date, on the day of the judgement or later.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated {
    /// Days from the judgement.
    pub(super) day: i32,
    /// The referral; `None` for a child that left for a specialist place.
    pub(super) referral: Option<ReferralFact>,
    /// Requests go before starts, and starts before leaving, on one day; then the id decides.
    place: (u8, CommitId),
}

/// The first days on which something was so, one for each domain.
type PerDomain = [Option<i32>; 2];

/// What happened, in days from the judgement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    start: Day,
    /// The first endpoint with a date.
    pub(super) first: Option<Dated>,
    /// The first endpoint with a date in each domain.
    dated: PerDomain,
    /// The first check in each domain that told of a referral: the day until which it holds.
    told: PerDomain,
    /// The first day on which somebody could know of a referral.
    pub(super) referral_known: Option<Day>,
    /// The first leaving for a regular or an unknown place.
    pub(super) left: Option<i32>,
    /// The first report to Veilig Thuis.
    pub(super) veilig_thuis: Option<i32>,
    /// The first support.
    pub(super) support: Option<i32>,
    /// The first consultation, also one before the judgement.
    consulted: Option<i32>,
    /// Was consent withdrawn?
    pub(super) withdrawn: bool,
    /// The last day for which both domains were told to be clear.
    verified: i32,
}

fn earliest<T: Ord + Copy>(known: &mut Option<T>, found: T) {
    *known = Some(known.map_or(found, |known| known.min(found)));
}

const fn slot(domain: Domain, days: &mut PerDomain) -> &mut Option<i32> {
    let [jeugdhulp, onderwijs] = days;
    match domain {
        Domain::Jeugdhulp => jeugdhulp,
        Domain::Onderwijs => onderwijs,
    }
}

const fn of(domain: Domain, days: PerDomain) -> Option<i32> {
    let [jeugdhulp, onderwijs] = days;
    match domain {
        Domain::Jeugdhulp => jeugdhulp,
        Domain::Onderwijs => onderwijs,
    }
}

fn first_of(days: PerDomain) -> Option<i32> {
    days.into_iter().flatten().min()
}

/// The day until which a check holds, counted from the judgement: nobody can vouch for a day that hasn't come.
fn holds_until(fact: &CaseFact, check: CheckFact, start: Day) -> i32 {
    check.covers_until.min(fact.effective).since(start)
}

impl Course {
    /// What the facts say around a judgement on the day `start`.
    pub(super) fn of(facts: &[CaseFact], start: Day) -> Self {
        let mut course = Self {
            start,
            first: None,
            dated: [None; 2],
            told: [None; 2],
            referral_known: None,
            left: None,
            veilig_thuis: None,
            support: None,
            consulted: None,
            withdrawn: false,
            verified: 0,
        };
        for fact in facts {
            course.take(fact);
        }
        course
    }

    fn take(&mut self, fact: &CaseFact) {
        let day = fact.effective.since(self.start);
        match fact.kind {
            FactKind::Referral(referral) if day >= 0 => {
                self.take_dated(fact, Some(referral), referral.domain);
            }
            // A specialist place that nothing more is known of is most often a school; that is what a check would be asked about.
            FactKind::Left(LeavingDestination::Specialist) if day >= 0 => {
                self.take_dated(fact, None, Domain::Onderwijs);
            }
            FactKind::Left(LeavingDestination::Regular | LeavingDestination::Unknown) if day >= 0 => {
                earliest(&mut self.left, day);
            }
            FactKind::VeiligThuis if day >= 0 => earliest(&mut self.veilig_thuis, day),
            FactKind::Support if day >= 0 => earliest(&mut self.support, day),
            FactKind::Consultation => earliest(&mut self.consulted, day),
            FactKind::ConsentWithdrawn(_) => self.withdrawn = true,
            FactKind::Checked(check) => self.take_check(fact, check),
            _ => {}
        }
    }

    fn take_dated(&mut self, fact: &CaseFact, referral: Option<ReferralFact>, domain: Domain) {
        let day = fact.effective.since(self.start);
        let rank = referral.map_or(2, |referral| u8::from(referral.started));
        let found = Dated { day, referral, place: (rank, fact.id) };
        if self.first.is_none_or(|first| (day, found.place) < (first.day, first.place)) {
            self.first = Some(found);
        }
        earliest(slot(domain, &mut self.dated), day);
        earliest(&mut self.referral_known, fact.known());
    }

    fn take_check(&mut self, fact: &CaseFact, check: CheckFact) {
        let until = holds_until(fact, check, self.start);
        if until < 0 {
            return;
        }
        for domain in Domain::ALL {
            if check.status(domain) == DomainStatus::Referred {
                earliest(slot(domain, &mut self.told), until);
                earliest(&mut self.referral_known, fact.known());
            }
        }
        if Domain::ALL.into_iter().all(|domain| check.status(domain) == DomainStatus::None) {
            self.verified = self.verified.max(until);
        }
    }

    /// The first referral: the first endpoint with a date, or the first check that told of one without.
    pub(super) fn referral(&self) -> Option<i32> {
        [first_of(self.dated), first_of(self.told)].into_iter().flatten().min()
    }

    /// Was there a referral in this domain of which nobody knows when? One that a check told of is explained only by a date that isn't
    /// later than the check.
    fn undated(&self, domain: Domain) -> bool {
        let told = of(domain, self.told);
        told.is_some_and(|told| of(domain, self.dated).is_none_or(|dated| dated > told))
    }

    /// Is there a referral without a date in either domain?
    pub(super) fn any_undated(&self) -> bool {
        Domain::ALL.into_iter().any(|domain| self.undated(domain))
    }

    /// What is known of how the child does at the end of the window, from the first check that reaches so far and asked: `None` when no
    /// check with two clear domains reaches so far. There is no referral inside of the window when this is asked.
    pub(super) fn need_at(&self, facts: &[CaseFact], window: i32) -> Option<NeedStatus> {
        let clear = |domain, check: CheckFact| match check.status(domain) {
            DomainStatus::None => true,
            DomainStatus::Referred => !self.undated(domain),
            DomainStatus::Unknown => false,
        };
        let answers = facts.iter().filter_map(|fact| match fact.kind {
            FactKind::Checked(check) => {
                let until = holds_until(fact, check, self.start);
                let covers = until >= window && Domain::ALL.into_iter().all(|domain| clear(domain, check));
                // Asked before not asked, then the earliest, then a concern before an "ok" of the same day.
                covers.then_some((check.need == NeedStatus::Unknown, until, check.need == NeedStatus::Ok))
            }
            _ => None,
        });
        answers.min().map(|answer| match answer {
            (true, ..) => NeedStatus::Unknown,
            (false, _, true) => NeedStatus::Ok,
            (false, _, false) => NeedStatus::Concern,
        })
    }

    /// The flags that come from the course alone.
    pub(super) fn flags(&self, window: i32, flags: &mut Flags) {
        flags.insert_if(Flag::SpecialistConsulted, self.consulted.is_some_and(|day| day <= window));
        let told = first_of(self.told);
        let imputed = told.is_some_and(|told| first_of(self.dated).is_none_or(|dated| dated > told));
        flags.insert_if(Flag::ReferralDateImputed, imputed);
    }

    /// What ended the time at risk first. On one day a referral goes before leaving, and leaving before a report.
    pub(super) fn survival(&self) -> Survival {
        let days = |day: i32| u16::try_from(day).unwrap_or(u16::MAX);
        let ends = [
            (self.referral(), Cause::Referral),
            (self.left, Cause::Left),
            (self.veilig_thuis, Cause::VeiligThuis),
        ];
        let first = ends.into_iter().filter_map(|(day, cause)| day.map(|day| (day, cause))).min();
        let (time, cause) = first.unwrap_or((self.verified, Cause::Censored));
        Survival { time: days(time), cause }
    }
}

/// Was there a referral before the judgement, and was it over?
pub(super) fn earlier_referral(facts: &[CaseFact], start: Day) -> Earlier {
    let is_earlier = |fact: &&CaseFact| fact.effective < start;
    if facts.iter().filter(is_earlier).any(|f| f.kind == FactKind::Left(LeavingDestination::Specialist)) {
        return Earlier::Running;
    }
    if !facts.iter().filter(is_earlier).any(|fact| matches!(fact.kind, FactKind::Referral(_))) {
        return Earlier::None;
    }
    let mut steps: Vec<(ShortKey, Day, bool)> = facts
        .iter()
        .filter(is_earlier)
        .filter_map(|fact| match fact.kind {
            FactKind::Referral(referral) => Some((referral.referral, fact.effective, false)),
            FactKind::Refused(key) | FactKind::Withdrawn(key) | FactKind::CareEnded(key) => {
                Some((key, fact.effective, true))
            }
            _ => None,
        })
        .collect();
    steps.sort_unstable();
    let over = |steps: &[(ShortKey, Day, bool)]| steps.last().is_some_and(|(_, _, end)| *end);
    if steps.chunk_by(|one, other| one.0 == other.0).all(over) { Earlier::Ended } else { Earlier::Running }
}

/// What became of the referral that counts, and whether it was needed.
pub(super) fn judge_referral(
    facts: &[CaseFact],
    first: &Dated,
    start: Day,
    flags: &mut Flags,
) -> (Reason, Reviews) {
    let (mut refused, mut granted): (Option<Day>, Option<Day>) = (None, None);
    let mut imposed: Option<Imposed> = None;
    let (mut needed, mut avoidable) = (false, false);
    let (mut reviewer, mut another) = (None, false);
    for fact in facts {
        let about = |key: ShortKey| first.referral.is_some_and(|referral| referral.referral == key);
        match fact.kind {
            FactKind::Referral(referral) => {
                let day = fact.effective.since(start);
                if day >= 0 && (about(referral.referral) || day == first.day) {
                    imposed = imposed.max(referral.imposed);
                }
                if referral.started && about(referral.referral) {
                    granted = granted.max(Some(fact.effective));
                }
            }
            FactKind::Granted(key) if about(key) => granted = granted.max(Some(fact.effective)),
            FactKind::Refused(key) if about(key) => refused = refused.max(Some(fact.effective)),
            FactKind::Withdrawn(key) if about(key) => flags.insert(Flag::RequestedThenWithdrawn),
            FactKind::Reviewed { referral, reviewer: by, verdict } if about(referral) => {
                needed |= verdict == ReviewVerdict::Needed;
                avoidable |= verdict == ReviewVerdict::Avoidable;
                another |= reviewer.is_some_and(|known| known != by);
                reviewer = reviewer.or(Some(by));
            }
            _ => {}
        }
    }
    flags.insert_if(Flag::RequestedNotGranted, refused.is_some() && granted < refused);
    flags.insert_if(Flag::ReviewersDisagree, needed && avoidable);
    let reviews = match (reviewer, another) {
        (None, _) => Reviews::None,
        _ if needed && avoidable => Reviews::Disagree,
        (Some(_), true) => Reviews::Agree,
        (Some(_), false) => Reviews::One,
    };
    let reason = match reviews {
        _ if imposed.is_some() => Reason::Needed,
        Reviews::Agree if needed => Reason::Needed,
        Reviews::Agree => Reason::Avoidable,
        _ => Reason::NeedNotSettled,
    };
    (reason, reviews)
}
