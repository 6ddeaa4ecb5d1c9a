//! A signal that was withdrawn: whatever the order of deliveries and decisions, whoever holds its open task was asked after that.

use proptest::prelude::*;
use voordeur_kernel::{CommandId, CommitId};
use voordeur_routing_domain::{
    reaction::{Reaction, SignalStanding, reaction},
    task::{By, Cancellation, Change, Refusal, Task, TaskState, Wish, evolve},
    words::{AssignReason, CancelReason, FailReason, HandBackReason, HoldReason, Urgency},
};

use crate::support::{COORDINATOR, TASK, World, at, key};

#[derive(Debug, Clone)]
enum Op {
    /// A wake-up of the signal comes; it reads the signal as it stands then.
    Deliver,
    /// The asker takes the signal back.
    Withdraw,
    Person(&'static str, Wish),
    Pass,
}

fn any_op() -> impl Strategy<Value = Op> {
    let person = || prop::sample::select(vec!["anna", "bea", COORDINATOR]);
    let wish = prop_oneof![
        4 => prop::sample::select(CancelReason::ALL.to_vec()).prop_map(Wish::RequestCancellation),
        4 => Just(Wish::DecideCancellation(false)),
        1 => Just(Wish::DecideCancellation(true)),
        1 => Just(Wish::Accept),
        1 => Just(Wish::HandBack(HandBackReason::NoTime)),
        1 => Just(Wish::Fail(FailReason::Other)),
        1 => Just(Wish::Assign(key("bea"), AssignReason::Workload)),
        1 => Just(Wish::Hold(HoldReason::WaitingForParents, at("2026-03-20T09:00:00Z"))),
        1 => Just(Wish::Resume),
    ];
    prop_oneof![
        3 => Just(Op::Deliver),
        1 => Just(Op::Withdraw),
        8 => (person(), wish).prop_map(|(person, wish)| Op::Person(person, wish)),
        1 => Just(Op::Pass),
    ]
}

/// One delivery: the service reacts until there is nothing left to do, with the ids it derives from the signal.
fn deliver(world: &mut World, withdrawn: bool) {
    let standing =
        SignalStanding { received: true, withdrawn: withdrawn.then_some(CancelReason::SignalWithdrawn) };
    let Reaction::Do(wish) = reaction(standing, world.task.as_ref()) else { return };
    let mut command = world.command(By::Service, wish);
    command.id = CommandId::from_bytes([0xAA; 16]);
    command.commit = CommitId::from_bytes([0xBB; 16]);
    match world.execute(&command) {
        Ok(_) => {}
        // The wake-up is settled by a refusal, so it must never lose anything.
        Err(refusal) => assert!(world.task().state.is_final(), "{refusal}"),
    }
}

/// Was the question of the withdrawal put after it and answered, or does it stand?
fn was_asked(world: &World, withdrawn_after: usize) -> bool {
    let mut task: Option<Task> = None;
    // The service asks nothing but withdrawals, and people ask for whatever reason.
    let (mut waits, mut stands) = (false, false);
    for (nth, (meta, change)) in world.history.iter().enumerate() {
        let before = task.as_ref().map(|task| task.state);
        task = Some(evolve(task, TASK, meta, change).unwrap());
        match change {
            Change::CancellationRequested { .. } if !meta.actor.is_person() => {
                assert!(nth >= withdrawn_after);
                (waits, stands) =
                    if before == Some(TaskState::CancelRequested) { (true, false) } else { (false, true) };
            }
            Change::CancellationDecided { .. } if stands => return true,
            Change::CancellationDecided { .. } if waits => (waits, stands) = (false, true),
            _ => {}
        }
    }
    let standing = task.and_then(|task| task.cancellation);
    let withdrawn = CancelReason::SignalWithdrawn;
    (stands && matches!(standing, Some(Cancellation { reason, .. }) if reason == withdrawn))
        || (waits && matches!(standing, Some(Cancellation { next: Some(next), .. }) if next == withdrawn))
}

proptest! {
    #[test]
    fn a_withdrawal_is_always_put_to_whoever_holds_the_task(ops in prop::collection::vec(any_op(), 0..30), rest in prop::collection::vec(any_op(), 0..10), safety: bool) {
        let urgency = if safety { Urgency::Safety } else { Urgency::Regular };
        let mut world = World::asked(urgency, &["anna", "bea"]);
        let mut withdrawn_after = None;
        // Every withdrawal is delivered some time after it; more may happen before and after that.
        for op in ops.into_iter().chain([Op::Withdraw, Op::Deliver]).chain(rest) {
            match op {
                Op::Deliver => deliver(&mut world, withdrawn_after.is_some()),
                Op::Withdraw => {
                    withdrawn_after.get_or_insert(world.history.len());
                }
                Op::Person(person, wish) => {
                    let _ = world.does(person, wish);
                }
                Op::Pass => {
                    if !world.task().state.is_final() {
                        world.next_deadline();
                    }
                }
            }
        }
        let ended = world.task().state.is_final();
        prop_assert!(ended || was_asked(&world, withdrawn_after.unwrap()), "{:#?}", world.history);
        // And once: who said no to it is not asked again.
        let asked = world.history.iter().filter(|(meta, change)| !meta.actor.is_person() && matches!(change, Change::CancellationRequested { .. }));
        prop_assert!(asked.count() <= 1);
    }
}

#[test]
fn a_withdrawal_is_refused_only_when_the_task_has_ended() {
    for state in TaskState::ALL {
        let row = voordeur_routing_domain::task::table::row(
            Some(state),
            voordeur_routing_domain::task::StepKind::RequestCancellation,
        );
        let asks = row.is_some_and(|row| row.who.any_of(voordeur_routing_domain::task::table::Who::SERVICE));
        assert_eq!(asks, !state.is_final(), "{state:?}");
    }
    let mut world = World::asked(Urgency::Regular, &["anna"]);
    world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)).unwrap();
    world.does("anna", Wish::DecideCancellation(true)).unwrap();
    let late = world.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn));
    assert!(matches!(late, Err(Refusal::NotNow { .. })));
}
