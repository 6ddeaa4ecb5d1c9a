//! What must hold for any history, on 20,000 of them and three windows each.

use std::collections::BTreeMap;

use voordeur_escalation_domain::{
    outcome::{
        CaseFact, Cause, Class, Classified, Contradiction, Domain, Endpoint, FactKind, Flag, Question,
        Reason, classify,
    },
    words::{Baseline, DomainStatus, LeavingDestination, NeedStatus, WithdrawalScope},
};

use super::{
    day, known, on,
    random::{Dice, ask, history},
    slow,
};

const HISTORIES: u64 = 20_000;
const WINDOWS: [u16; 3] = [90, 365, 730];

fn class(facts: &[CaseFact], question: Question) -> Classified {
    classify(facts, question).expect("every id is there once")
}

/// Tries a property on every history, and shows the smallest history that breaks it.
#[track_caller]
fn for_all(property: impl Fn(&[CaseFact], &mut Dice) -> Result<(), String>) {
    for seed in 0..HISTORIES {
        let mut facts = history(seed);
        let dice = Dice::new(seed ^ 0x5eed);
        let Err(mut why) = property(&facts, &mut dice.clone()) else { continue };
        let mut index = 0;
        while index < facts.len() {
            let mut fewer = facts.clone();
            fewer.remove(index);
            match property(&fewer, &mut dice.clone()) {
                Err(still) => (facts, why) = (fewer, still),
                Ok(()) => index += 1,
            }
        }
        let shown: Vec<_> = facts.iter().map(|fact| format!("{fact:?}")).collect();
        panic!("seed {seed}: {why}\n{}", shown.join("\n"));
    }
}

fn same<T: PartialEq + std::fmt::Debug>(one: T, other: T, what: &str) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{what}:\n  {one:?}\n  {other:?}")) }
}

fn holds(condition: bool, what: impl Fn() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(what()) }
}

/// A day of observation, and now and then another day of knowledge.
fn question(dice: &mut Dice, window: u16) -> Question {
    let observed = ask(dice);
    let known = if dice.percent(80) { observed } else { ask(dice) };
    Question { observed: day(observed), window, known: day(known) }
}

#[test]
fn a_second_implementation_straight_from_the_table_agrees() {
    for_all(|facts, dice| {
        WINDOWS.into_iter().try_for_each(|window| {
            let question = question(dice, window);
            same(class(facts, question).into(), slow::answer(facts, question), &format!("{question:?}"))
        })
    });
}

#[test]
fn the_histories_reach_every_reason_flag_cause_and_endpoint() {
    let mut reasons: BTreeMap<Reason, u32> = BTreeMap::new();
    let mut flags: BTreeMap<Flag, u32> = BTreeMap::new();
    let mut causes: BTreeMap<Option<Cause>, u32> = BTreeMap::new();
    let mut endpoints: BTreeMap<Option<Endpoint>, u32> = BTreeMap::new();
    for seed in 0..HISTORIES {
        let found = class(&history(seed), on(900, WINDOWS[usize::try_from(seed % 3).unwrap()]));
        *reasons.entry(found.reason).or_default() += 1;
        found.flags.iter().for_each(|flag| *flags.entry(flag).or_default() += 1);
        *causes.entry(found.survival.map(|survival| survival.cause)).or_default() += 1;
        *endpoints.entry(found.endpoint).or_default() += 1;
    }
    // At day 900 no window runs any more.
    for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::Pending) {
        assert!(reasons.get(&reason).is_some_and(|n| *n >= 20), "{reason:?}: {reasons:?}");
    }
    for flag in Flag::ALL {
        assert!(flags.get(&flag).is_some_and(|n| *n >= 20), "{flag:?}: {flags:?}");
    }
    assert_eq!(causes.len(), 5, "{causes:?}");
    assert_eq!(endpoints.len(), 5, "{endpoints:?}");
}

#[test]
fn the_order_of_the_facts_means_nothing_and_a_fact_twice_is_once() {
    for_all(|facts, dice| {
        WINDOWS.into_iter().try_for_each(|window| {
            let question = question(dice, window);
            let straight = class(facts, question);
            let mut doubled = [facts, &facts[facts.len() / 2..]].concat();
            dice.shuffle(&mut doubled);
            same(straight, class(&doubled, question), "shuffled, and some facts twice")
        })
    });
}

#[test]
fn one_id_with_two_contents_is_an_error_whatever_is_asked() {
    for_all(|facts, dice| {
        let Some(fact) = facts.first() else { return Ok(()) };
        let other = CaseFact { recorded: fact.recorded.plus(1), ..*fact };
        let mut both = [facts, &[other]].concat();
        dice.shuffle(&mut both);
        same(classify(&both, question(dice, 365)), Err(Contradiction(fact.id)), "contradiction")
    });
}

#[test]
fn an_answer_is_consistent_in_itself() {
    for_all(|facts, dice| {
        WINDOWS.into_iter().try_for_each(|window| {
            let question = question(dice, window);
            let found = class(facts, question);
            let show = || format!("{question:?} {found:?}");
            same(found.class, found.reason.class(), "class of the reason")?;
            holds(found.day.is_some() == (found.class == Class::Referred), show)?;
            holds(found.day.is_none_or(|day| day <= window), show)?;
            let judged = found.baseline.is_some();
            let level_flags = [Flag::BaselineNone, Flag::BaselinePossible, Flag::BaselineImminent];
            let levels = level_flags.into_iter().filter(|flag| found.flags.contains(*flag)).count();
            same(levels, usize::from(judged), "flags of the judgement")?;
            if let Some(survival) = found.survival {
                let (level, start) = found.baseline.expect("at risk means judged");
                holds(level != Baseline::None, show)?;
                holds(i32::from(survival.time) <= question.observed.since(start), show)?;
                if let Some(day) = found.day {
                    holds(survival.cause != Cause::Censored && survival.time <= day, show)?;
                }
                let in_window = survival.cause == Cause::Referral && survival.time <= window;
                holds(!in_window || found.class == Class::Referred, show)?;
            }
            let at_risk = [Class::Avoided, Class::Referred].contains(&found.class)
                && !found.flags.contains(Flag::BaselineNone);
            holds(!at_risk || found.survival.is_some(), show)
        })
    });
}

#[test]
fn the_three_counts_add_up_and_bound_the_share() {
    let mut counts: BTreeMap<Class, u32> = BTreeMap::new();
    let mut at_risk = 0;
    for seed in 0..HISTORIES {
        let found = class(&history(seed), on(800, 365));
        if found.survival.is_some() {
            at_risk += 1;
            *counts.entry(found.class).or_default() += 1;
        }
    }
    let count = |class| counts.get(&class).copied().unwrap_or(0);
    let (avoided, unknown) = (count(Class::Avoided), count(Class::Undetermined));
    assert_eq!(avoided + count(Class::Referred) + unknown, at_risk, "{counts:?}");
    assert!(avoided > 0 && unknown > 0 && avoided + unknown < at_risk, "{counts:?}");
}

#[test]
fn a_consultation_never_changes_the_class() {
    for_all(|facts, dice| {
        let without: Vec<_> =
            facts.iter().filter(|fact| fact.kind != FactKind::Consultation).copied().collect();
        let on = dice.between(-50, 700);
        let with = [facts, &[known(500, on, on, FactKind::Consultation)]].concat();
        WINDOWS.into_iter().try_for_each(|window| {
            let question = question(dice, window);
            let told = |facts: &[CaseFact]| {
                let found = class(facts, question);
                (found.class, found.reason, found.day, found.survival, found.baseline)
            };
            same(told(facts), told(&without), "without")?;
            same(told(facts), told(&with), "with one more")
        })
    });
}

#[test]
fn referred_in_a_short_window_is_referred_in_a_longer_one_on_the_same_day() {
    for_all(|facts, dice| {
        let asked = question(dice, 0);
        let found: Vec<_> = [0, 1, 90, 180, 365, 730]
            .into_iter()
            .map(|window| class(facts, Question { window, ..asked }))
            .collect();
        found.windows(2).try_for_each(|pair| {
            let referred = pair[0].class == Class::Referred;
            holds(!referred || (pair[1].class == Class::Referred && pair[1].day == pair[0].day), || {
                format!("{asked:?} {pair:?}")
            })
        })
    });
}

#[test]
fn a_known_referral_never_fades_except_by_erasure_or_because_an_older_one_became_known() {
    for_all(|facts, dice| {
        WINDOWS.into_iter().try_for_each(|window| {
            let (one, other) = (ask(dice), ask(dice));
            let (early, late) = (one.min(other), one.max(other));
            let (then, now) = (class(facts, on(early, window)), class(facts, on(late, window)));
            // What a correction says is another history, also when it was known before its fact.
            let became_known = |fact: &CaseFact| fact.recorded > day(early) && fact.recorded <= day(late);
            let corrected = facts.iter().any(|fact| match fact.kind {
                FactKind::Corrected { target, .. } => {
                    became_known(fact) || facts.iter().any(|fact| fact.id == target && became_known(fact))
                }
                _ => false,
            });
            if then.class != Class::Referred || corrected {
                return Ok(());
            }
            let erased = FactKind::ConsentWithdrawn(WithdrawalScope::All);
            let older = |fact: &&CaseFact| {
                matches!(fact.kind, FactKind::Referral(_) | FactKind::Left(LeavingDestination::Specialist))
                    && fact.recorded > day(early)
            };
            holds(
                match now.reason {
                    Reason::ConsentWithdrawn => facts.iter().any(|fact| fact.kind == erased),
                    Reason::AlreadyReferred => facts.iter().any(|fact| older(&fact)),
                    _ => now.class == Class::Referred && now.day <= then.day,
                },
                || format!("{early} {then:?}\n{late} {now:?}"),
            )
        })
    });
}

#[test]
fn unknown_never_becomes_avoided_by_silence() {
    for_all(|facts, dice| {
        WINDOWS.into_iter().try_for_each(|window| {
            let (one, other) = (ask(dice), ask(dice));
            let (early, late) = (day(one.min(other)), day(one.max(other)));
            let told: Vec<_> =
                facts.iter().filter(|f| f.recorded <= early && f.effective <= early).copied().collect();
            let asked = Question { observed: early, window, known: early };
            let then = class(&told, asked);
            let now = class(&told, Question { observed: late, window, known: late });
            // A correction can move a fact to a later day; then that day is news.
            let moved = told.iter().any(|fact| matches!(fact.kind, FactKind::Corrected { .. }));
            holds(moved || now.class != Class::Avoided || then.class == Class::Avoided, || {
                format!("{early} {then:?}\n{late} {now:?}")
            })
        })
    });
}

#[test]
fn avoided_is_never_said_without_a_threat_support_and_a_check_of_both_domains_after_the_window() {
    for_all(|facts, dice| {
        // Corrections would have to be applied here once more.
        let facts: Vec<_> =
            facts.iter().filter(|f| !matches!(f.kind, FactKind::Corrected { .. })).copied().collect();
        WINDOWS.into_iter().try_for_each(|window| {
            let found = class(&facts, question(dice, window));
            if found.class != Class::Avoided {
                return Ok(());
            }
            let (level, start) = found.baseline.expect("judged");
            let end = start.plus(window);
            let checked = facts.iter().any(|fact| match fact.kind {
                FactKind::Checked(check) => {
                    check.covers_until >= end
                        && fact.effective >= end
                        && check.need == NeedStatus::Ok
                        && Domain::ALL.into_iter().all(|d| check.status(d) != DomainStatus::Unknown)
                }
                _ => false,
            });
            let supported = facts
                .iter()
                .any(|f| f.kind == FactKind::Support && f.effective >= start && f.effective <= end);
            holds(level != Baseline::None && checked && supported, || format!("{found:?}"))
        })
    });
}
