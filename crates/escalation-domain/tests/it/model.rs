//! Any facts by anybody in any order, against a model that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::select};
use voordeur_escalation_domain::{
    Action, Actor, Baseline, Change, CloseReason, Command, Correction, Phase, by_people, next_phase, picture,
    standing, words::*,
};
use voordeur_kernel::{CommandId, CommitId};

use crate::{
    History, completed, reached,
    story::{
        Told, checked, closed, corrected, day, goal, history, id, judged, noon, requested, reviewed, second,
        start, started, support, told,
    },
    take,
};

/// What somebody does; facts name earlier numbers, which may be anything or nothing.
fn change(number: u8) -> impl Strategy<Value = Change> {
    let of = 0..=number;
    let baseline = || select(Baseline::ALL);
    prop_oneof![
        baseline().prop_map(judged),
        baseline().prop_map(second),
        Just(goal(number)),
        (of.clone(), any::<bool>()).prop_map(|(of, with_parents)| Change::GoalScored {
            goal: id(of),
            score: GoalScore::Reached,
            with_parents
        }),
        Just(support()),
        Just(Change::SpecialistConsulted { minutes: 30, funding: Funding::Other }),
        Just(requested(number)),
        (of.clone(), select(ReferralDecision::ALL))
            .prop_map(|(of, decision)| Change::ReferralDecided { referral: id(of), decision }),
        of.clone().prop_map(started),
        of.clone().prop_map(|of| Change::CareEnded { referral: id(of), reason: CareEndReason::VolgensPlan }),
        (of.clone(), select(vec!["els", "arts", "noor"]), any::<bool>())
            .prop_map(|(of, who, receiving)| reviewed(of, who, receiving)),
        Just(Change::VeiligThuisReported),
        select(LeavingDestination::ALL).prop_map(|destination| Change::ChildLeft { destination }),
        select(WithdrawalScope::ALL).prop_map(|scope| Change::ConsentWithdrawn { scope }),
        (0_i32..400, select(vec![0_u16, 90, 180, 365])).prop_map(|(covers, asked)| checked(covers, asked)),
        Just(Change::YouthCareStarted),
        (0_i32..900).prop_map(|on| Change::HandOverPlanned { moment: HandOverMoment::ToSchool, on: day(on) }),
        select(vec![CloseReason::WorkDone, CloseReason::WindowEnded, CloseReason::ChildLeft])
            .prop_map(closed),
        (of, any::<bool>(), prop::option::of(0_i32..400), prop::option::of(baseline())).prop_map(
            |(of, void, on, baseline)| {
                let (effective_at, baseline) = if void { (None, None) } else { (on.map(start), baseline) };
                Change::Corrected(Correction { effective_at, baseline, ..corrected(of, void) })
            }
        ),
    ]
}

/// Commands in the order in which they come: facts, tasks that move, and moments.
#[derive(Debug, Clone)]
enum Step {
    Fact(Told),
    Signal(u8, i32),
    Contact(i32),
    Completion(i32),
    /// Whatever is due on that day.
    Clock(i32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = |number: u8| {
        let days = 0_i32..420;
        let fact = (change(number), days.clone(), 0_i32..30, select(vec!["noor", "sam"])).prop_map(
            move |(change, on, later, by)| Step::Fact(told(number, on, change).known(on + later).by(by)),
        );
        prop_oneof![
            12 => fact,
            1 => (2_u8..4, days.clone()).prop_map(|(task, on)| Step::Signal(task, on)),
            1 => days.clone().prop_map(Step::Contact),
            1 => days.clone().prop_map(Step::Completion),
            2 => days.prop_map(Step::Clock),
        ]
    };
    (1_usize..60).prop_flat_map(move |length| {
        (1..=length).map(|number| step(u8::try_from(number).unwrap())).collect::<Vec<_>>()
    })
}

fn commands(history: &History, step: &Step) -> Vec<Command> {
    let on_day = |action, on: i32| {
        let mut command = crate::command(action, 0, 0);
        (command.effective_at, command.now) = (noon(on), noon(on));
        command
    };
    match step {
        Step::Fact(told) => vec![told.command()],
        Step::Signal(task, on) => vec![on_day(take(1, *task), *on)],
        Step::Contact(on) => vec![on_day(reached(1), *on)],
        Step::Completion(on) => vec![on_day(completed(1), *on)],
        Step::Clock(on) => {
            let episode = history.episode.as_ref().unwrap();
            let due = episode.deadlines().filter(|deadline| deadline.due <= noon(*on));
            due.map(|deadline| {
                let mut command = on_day(Action::Remind(deadline), *on);
                let mut bytes = [7; 16];
                bytes[..8].copy_from_slice(&deadline.due.as_millisecond().to_be_bytes());
                bytes[8] = u8::try_from(history.events.len()).unwrap();
                command.id = CommandId::from_bytes(bytes);
                command.commit = CommitId::from_bytes(bytes);
                command.effective_at = deadline.due;
                command.actor = Actor::Service("escalation".into());
                command
            })
            .collect()
        }
    }
}

proptest! {
    #[test]
    fn what_is_decided_is_possible_what_is_refused_changes_nothing_and_what_is_repeated_is_once(steps in steps()) {
        let mut history = history(Some(3));
        let mut phase = Phase::Open;
        for step in &steps {
            for command in commands(&history, step) {
                let before = history.clone();
                // `give` panics when evolve does not take what decide gave.
                match history.give(&command) {
                    Ok(true) => {
                        let (event, commit) = history.events.last().unwrap().clone();
                        prop_assert_eq!(commit, command.commit);
                        let episode = history.episode.as_ref().unwrap();
                        let kind = event.change.kind();
                        let to = next_phase(phase, kind);
                        prop_assert!(to.is_some(), "{kind:?} while {phase:?}");
                        if kind != voordeur_escalation_domain::ChangeKind::Corrected {
                            prop_assert_eq!(Some(episode.phase()), to);
                        }
                        phase = episode.phase();
                        prop_assert_eq!(event.meta.ordinal, episode.events());
                        // Repeated at once, and with other content.
                        let after = history.clone();
                        prop_assert_eq!(history.give(&command), Ok(false));
                        let other = Command { commit: id(255), ..command };
                        prop_assert!(history.give(&other).is_err());
                        prop_assert_eq!(&history, &after);
                    }
                    Ok(false) | Err(_) => prop_assert_eq!(&history, &before),
                }
            }
        }
        // Every command that took effect is still known at the end.
        for (event, commit) in &history.events {
            prop_assert_eq!(history.episode.as_ref().unwrap().commit_of(event.meta.command), Some(*commit));
        }
        prop_assert_eq!(history.replayed(), history.episode);
    }

    #[test]
    fn the_facts_as_they_stand_and_the_picture_do_not_depend_on_the_order_in_which_they_are_kept(
        steps in steps(),
        keys in prop::collection::vec(any::<u32>(), 64),
    ) {
        let mut history = history(Some(3));
        for step in &steps {
            for command in commands(&history, step) {
                let _ = history.give(&command);
            }
        }
        let facts: Vec<_> = history.episode.as_ref().unwrap().facts().collect();
        let mut shuffled: Vec<_> = facts.iter().cloned().enumerate().collect();
        shuffled.sort_by_key(|(index, _)| keys[*index % keys.len()]);
        let by_id = |standing: Vec<voordeur_escalation_domain::Standing>| {
            standing.into_iter().map(|fact| (fact.commit, fact)).collect::<BTreeMap<_, _>>()
        };
        let straight = standing(facts);
        let other = standing(shuffled.into_iter().map(|(_, fact)| fact));
        prop_assert_eq!(picture(&straight), picture(&other));
        prop_assert_eq!(by_id(straight), by_id(other));
    }

    #[test]
    fn the_rules_hold_whatever_was_tried(steps in steps()) {
        let mut history = history(Some(3));
        for step in &steps {
            for command in commands(&history, step) {
                let _ = history.give(&command);
            }
        }
        let zone = crate::rules().zone;
        let episode = history.episode.unwrap();
        let facts: Vec<_> = episode.facts().collect();
        for fact in &facts {
            prop_assert!(fact.effective_at <= fact.recorded_at, "nothing lies in the future");
            if by_people(fact.change.kind()) {
                prop_assert!(fact.by.person().is_some());
            }
        }
        let standing = episode.standing();
        let first_withdrawal = facts.iter().position(|fact| matches!(fact.change, Change::ConsentWithdrawn { .. }));
        let withdrawn_whole = facts
            .iter()
            .position(|fact| matches!(fact.change, Change::ConsentWithdrawn { scope: WithdrawalScope::All }));
        if let Some(place) = withdrawn_whole {
            let mistaken = facts.iter().skip(place).any(|fact| matches!(fact.change, Change::Corrected(_)));
            let more = facts.iter().skip(place + 1).filter(|fact| by_people(fact.change.kind())
                && !matches!(fact.change, Change::Closed(_) | Change::ConsentWithdrawn { .. })).count();
            prop_assert!(mistaken || more == 0);
        }
        let picture = episode.picture();
        if first_withdrawal.is_some() && picture.withdrawn.is_some() {
            prop_assert_eq!(episode.deadlines().count(), 0);
        }
        // Two reviewers at most of each referral, different ones, and one of the receiving provider when there are two.
        let mut reviews: BTreeMap<CommitId, Vec<(String, bool)>> = BTreeMap::new();
        for fact in standing.iter().filter(|fact| !fact.voided) {
            if let Change::ReferralReviewed { referral, reviewer, of_receiving_provider, .. } = &fact.change {
                reviews.entry(*referral).or_default().push((reviewer.to_string(), *of_receiving_provider));
            }
        }
        let voided_any = standing.iter().any(|fact| fact.voided);
        for of_one in reviews.values().filter(|_| !voided_any) {
            prop_assert!(of_one.len() <= 2);
            if let [one, other] = of_one.as_slice() {
                prop_assert!(one.0 != other.0 && one.1 != other.1);
            }
        }
        // Every moment belongs to the plan or to a hand-over, and is there once.
        let mut works: Vec<_> = episode.deadlines().map(|deadline| deadline.work).collect();
        let length = works.len();
        works.dedup();
        prop_assert_eq!(works.len(), length);
        prop_assert!(episode.deadlines().zip(episode.deadlines().skip(1)).all(|(a, b)| a.due <= b.due));
        prop_assert!(picture.window_ends(&zone).is_some());
    }
}
