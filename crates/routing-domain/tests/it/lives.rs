use jiff::SignedDuration;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use voordeur_kernel::{Role, TaskId};
use voordeur_routing_domain::{
    ElapsedCalendar,
    reaction::{Reaction, SignalStanding, reaction},
    task::{
        Away, By, Colleague, MeetingWish, Parents, Refusal, StepKind, TaskState, Wish, allowed, decide, table,
    },
    words::{
        AnswerStatus, AssignReason, AwayReason, CancelReason, ContactKind, ContactWith, DeclineReason,
        ErrorReason, FailReason, HandBackReason, HoldReason, MeetingEnd, TaskOutcome, Urgency,
    },
};

use crate::support::{COORDINATOR, World, at, follow_up, follow_up_plan, key, plan_for, sight};

const PEOPLE: [&str; 5] = ["anna", "bea", "cor", "dirk", COORDINATOR];

/// What may happen next.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Person(usize, Wish),
    /// Whoever holds it, when somebody does.
    Holder(Wish),
    /// Whoever is asked to take it over, when somebody is.
    Asked(bool),
    Service(Wish),
    Hold(usize, i64),
    Meet(usize, i64, bool),
    Pass(usize),
    Wait(i64),
    There(u8, bool),
    Repeat(usize),
    Coordinator(usize),
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let who = || prop::sample::select(PEOPLE.to_vec());
    prop_oneof![
        3 => Just(Wish::Accept),
        3 => Just(Wish::Decline(DeclineReason::NoTime)),
        1 => who().prop_map(|p| Wish::Assign(key(p), AssignReason::Workload)),
        1 => Just(Wish::HandBack(HandBackReason::NoTime)),
        1 => Just(Wish::Resume),
        2 => any::<bool>().prop_map(|reached| Wish::RecordContact { kind: ContactKind::Phone, with: ContactWith::Parents, reached }),
        1 => Just(Wish::Answer { outcome: TaskOutcome::Advice, status: Some(AnswerStatus::AdviceGiven), advice: None }),
        1 => Just(Wish::AskColleague(Colleague { role: Role::Jgz, person: None, with_name: false })),
        1 => Just(Wish::RequestCancellation(CancelReason::Duplicate)),
        1 => prop::bool::weighted(0.3).prop_map(Wish::DecideCancellation),
        1 => Just(Wish::Fail(FailReason::Other)),
        2 => who().prop_map(|p| Wish::ProposeTransfer(key(p), AssignReason::TransferOnRequest)),
        2 => prop::bool::weighted(0.6).prop_map(|yes| Wish::AnswerTransfer((!yes).then_some(DeclineReason::TooClose))),
        1 => Just(Wish::WithdrawTransfer),
        1 => Just(Wish::LeaveWithHolder),
        1 => prop::sample::select(MeetingEnd::ALL.to_vec()).prop_map(|end| Wish::RecordMeeting { end, parents_came: false }),
        1 => prop::bool::weighted(0.2).prop_map(|really| if really { Wish::MarkEnteredInError(ErrorReason::Test) } else { Wish::Resume }),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..PEOPLE.len(), any_wish()).prop_map(|(who, wish)| Op::Person(who, wish)),
        6 => any_wish().prop_map(Op::Holder),
        2 => prop::bool::weighted(0.6).prop_map(Op::Asked),
        1 => (0..4usize).prop_map(|who| Op::Service(Wish::WithdrawOffer(key(PEOPLE[who]), AwayReason::Absent))),
        1 => Just(Op::Service(Wish::RequestCancellation(CancelReason::SignalWithdrawn))),
        1 => any::<u8>().prop_map(|b| Op::Service(Wish::Link(TaskId::from_bytes([b; 16])))),
        1 => (0..4usize, 1..200i64).prop_map(|(who, hours)| Op::Hold(who, hours)),
        4 => (0..4usize).prop_map(Op::Pass),
        4 => (1..60i64).prop_map(Op::Wait),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(mask, coordinator)| Op::There(mask, coordinator)),
        2 => any::<usize>().prop_map(Op::Repeat),
        1 => (0..PEOPLE.len()).prop_map(Op::Coordinator),
        1 => Just(Op::Service(Wish::FollowDirectory)),
        2 => (0..4usize, prop::sample::select(AwayReason::ALL.to_vec()), prop::option::of(0..3u8)).prop_map(|(who, reason, week)| Op::Service(away(who, reason, week))),
        1 => (0..4usize).prop_map(|who| Op::Service(Wish::HolderBack(key(PEOPLE[who])))),
        1 => (0..PEOPLE.len()).prop_map(|who| Op::Service(Wish::ColleagueAway(key(PEOPLE[who])))),
        2 => (0..PEOPLE.len(), -5..90i64, any::<bool>()).prop_map(|(who, hours, invited)| Op::Meet(who, hours, invited)),
    ]
}

fn away(who: usize, reason: AwayReason, week: Option<u8>) -> Wish {
    let until = week.map(|week| {
        at(["2026-03-09T08:00:00Z", "2026-03-16T08:00:00Z", "2026-04-06T06:00:00Z"][usize::from(week)])
    });
    Wish::HolderAway(Away { professional: key(PEOPLE[who]), reason, until, stand_in: None })
}

fn there(world: &mut World, mask: u8, coordinator_absent: bool) {
    world.there.present =
        PEOPLE[..4].iter().enumerate().filter(|(i, _)| mask & (1 << i) != 0).map(|(_, p)| key(p)).collect();
    world.there.coordinator_absent = coordinator_absent;
}

fn person(world: &World, name: &str) -> By {
    let coordinator = world.there.coordinators.contains(&key(name));
    By::Person { key: key(name), professional: name != COORDINATOR, coordinator }
}

/// What asks for the work: a signal with an urgency, or nobody.
pub(crate) type Kind = Option<Urgency>;

/// Who answers, answers as the work wants it.
fn fitting(world: &World, wish: Wish) -> Wish {
    match wish {
        Wish::Answer { .. } if !world.task().about.trigger.has_asker() => {
            Wish::Answer { outcome: TaskOutcome::Done, status: None, advice: None }
        }
        other => other,
    }
}

/// Lives a life; the promises are checked inside, after every step.
pub(crate) fn live(kind: Kind, mask: u8, ops: Vec<Op>) -> World {
    let mut world = World::with(&[]);
    there(&mut world, mask, false);
    let present: Vec<&str> =
        PEOPLE[..4].iter().enumerate().filter(|(i, _)| mask & (1 << i) != 0).map(|(_, p)| *p).collect();
    match kind {
        Some(urgency) => world.request(urgency, plan_for(urgency, &sight(&present), Some("cor"))).unwrap(),
        None => world.request_for(follow_up(), follow_up_plan(&sight(&present), Some("cor"))).unwrap(),
    };
    let mut commands = Vec::new();
    for op in ops {
        let (by, wish) = match op {
            Op::Wait(hours) => {
                world.now = world.now.saturating_add(SignedDuration::from_hours(hours)).unwrap();
                continue;
            }
            Op::There(mask, absent) => {
                there(&mut world, mask, absent);
                continue;
            }
            Op::Coordinator(who) => {
                world.new_coordinator(PEOPLE[who]);
                continue;
            }
            Op::Repeat(which) => {
                if !commands.is_empty() {
                    let before = world.task.clone();
                    let command = &commands[which % commands.len()];
                    // Whatever came of it the first time, once it is in the history it changes nothing.
                    assert_eq!(world.execute(command), Ok(false));
                    assert_eq!(world.task, before);
                }
                continue;
            }
            Op::Person(who, wish) => (person(&world, PEOPLE[who]), fitting(&world, wish)),
            Op::Holder(wish) => match world.holder().map(str::to_owned) {
                Some(holder) => (person(&world, &holder), fitting(&world, wish)),
                None => continue,
            },
            Op::Asked(yes) => match world.task().transfer().map(|transfer| transfer.to.to_string()) {
                Some(asked) => {
                    (person(&world, &asked), Wish::AnswerTransfer((!yes).then_some(DeclineReason::TooClose)))
                }
                None => continue,
            },
            Op::Hold(who, hours) => {
                let until = world.now.saturating_add(SignedDuration::from_hours(hours)).unwrap();
                let by = By::Person { key: key(PEOPLE[who]), professional: true, coordinator: false };
                (by, Wish::Hold(HoldReason::WaitingForParents, until))
            }
            Op::Meet(who, hours, invited) => {
                let at = world.now.saturating_add(SignedDuration::from_hours(hours)).unwrap();
                let parents = if invited { Parents::Invited } else { Parents::AsUsual };
                let wish = MeetingWish { at, roles: vec![Role::Jgz], people: vec![key("bea")], parents };
                (person(&world, PEOPLE[who]), Wish::PlanMeeting(wish))
            }
            Op::Service(wish) => (By::Service, wish),
            Op::Pass(which) => match world.task().due().get(which) {
                Some(deadline) => (By::Service, Wish::DeadlinePassed(*deadline)),
                None => continue,
            },
        };
        let command = world.command(by, wish);
        let before = world.task.clone();
        match world.execute(&command) {
            Ok(true) => {
                let link = matches!(command.wish, Wish::Link(_));
                assert!(
                    link || !before.unwrap().state.is_final(),
                    "something happened to a task that had ended"
                );
                commands.push(command);
            }
            Ok(false) | Err(_) => assert_eq!(world.task, before, "nothing changes without an event"),
        }
    }
    world
}

pub(crate) fn any_life() -> impl Strategy<Value = (Kind, u8, Vec<Op>)> {
    let kinds: Vec<Kind> = Urgency::ALL.iter().copied().map(Some).chain([None]).collect();
    (prop::sample::select(kinds), any::<u8>(), prop::collection::vec(any_op(), 0..40))
}

proptest! {
    #[test]
    fn a_life_keeps_its_promises_and_replays_to_the_same_task((kind, mask, ops) in any_life()) {
        let world = live(kind, mask, ops);
        prop_assert_eq!(world.replay(), world.task);
    }

    #[test]
    fn every_deadline_gets_its_event_and_no_clock_ends_anything((kind, mask, ops) in any_life(), days in 1..60i64) {
        let mut world = live(kind, mask, ops);
        let before = world.task().state;
        world.now = world.now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap();
        let due = world.task().due().iter().filter(|d| d.due <= world.now).count();
        let mut rang = 0;
        while let Some(deadline) = world.task().due().iter().find(|d| d.due <= world.now).copied() {
            prop_assert_eq!(world.service(Wish::DeadlinePassed(deadline)), Ok(true));
            rang += 1;
            prop_assert!(rang < 20, "a clock that rang has to wait before it rings again");
        }
        prop_assert!(rang >= due);
        prop_assert_eq!(world.task().state, before);
    }

    #[test]
    fn a_step_happens_when_the_table_lists_it_for_this_person_and_never_otherwise((kind, mask, ops) in any_life(), who in 0..5usize, wish in any_wish()) {
        let mut world = live(kind, mask, ops);
        let by = person(&world, PEOPLE[who]);
        let wish = fitting(&world, wish);
        let command = world.command(by.clone(), wish);
        let kind = command.wish.kind().unwrap();
        let task = world.task();
        let permitted = allowed(task, &by).any(|step| step == kind);
        match decide(Some(task), &command, &ElapsedCalendar) {
            Ok(_) | Err(Refusal::HeldAlready | Refusal::DateNotAhead | Refusal::ColleagueNotThere) => prop_assert!(permitted, "{:?}", command.wish),
            Err(_) => prop_assert!(!permitted, "{:?}", command.wish),
        }
    }

    #[test]
    fn deliveries_in_any_order_and_number_give_the_same_task(withdrawn in any::<bool>(), deliveries in prop::collection::vec(0..2usize, 1..8), urgency in prop::sample::select(Urgency::ALL.to_vec())) {
        // Each delivery reads the history as it stands then; the last one reads it whole.
        let whole = SignalStanding { received: true, withdrawn: withdrawn.then_some(CancelReason::SignalWithdrawn) };
        let early = SignalStanding { received: true, withdrawn: None };
        let run = |standings: &[SignalStanding]| {
            let mut world = World::with(&["anna", "bea"]);
            let plan = plan_for(urgency, &sight(&["anna", "bea"]), None);
            for standing in standings {
                // Derived ids: the same reaction is the same act, from whichever replica.
                for _ in 0..3 {
                    let (id, wish) = match reaction(*standing, world.task.as_ref()) {
                        Reaction::MakeTask => {
                            world.request(urgency, plan.clone()).unwrap();
                            continue;
                        }
                        Reaction::Do(wish) => (77, wish),
                        Reaction::Rest => break,
                    };
                    let mut command = world.command(By::Service, wish);
                    command.id = voordeur_kernel::CommandId::from_bytes([id; 16]);
                    command.commit = voordeur_kernel::CommitId::from_bytes([id; 16]);
                    world.execute(&command).unwrap();
                }
            }
            let mut task = world.task.unwrap();
            task.commands = Box::default();
            task
        };
        let mut standings: Vec<_> = deliveries.iter().map(|d| if *d == 0 { early } else { whole }).collect();
        standings.push(whole);
        prop_assert_eq!(run(&standings), run(&[whole]));
    }
}

#[test]
fn the_lives_that_are_played_hold_every_step() {
    let mut runner = TestRunner::deterministic();
    let mut missing: Vec<StepKind> =
        StepKind::ALL.into_iter().filter(|kind| *kind != StepKind::RequestFurtherWork).collect();
    for _ in 0..3_000 {
        let (kind, mask, ops) = any_life().new_tree(&mut runner).unwrap().current();
        let world = live(kind, mask, ops);
        missing.retain(|kind| world.history.iter().all(|(_, change)| change.kind() != *kind));
    }
    assert!(missing.is_empty(), "never played: {missing:?}");
}

#[test]
fn every_state_and_every_step_is_listed_or_refused() {
    let mut listed = 0;
    for state in TaskState::ALL {
        for step in StepKind::ALL {
            match table::row(Some(state), step) {
                Some(row) => {
                    listed += 1;
                    let continues = matches!(step, StepKind::Link | StepKind::RequestFurtherWork);
                    assert!(continues || !state.is_final());
                    assert!(!row.who.names().is_empty() && !row.needs.is_empty());
                }
                None => assert!(table::allowed(state, table::Who::NOBODY).count() == 0),
            }
        }
    }
    assert_eq!(listed, table::rows().count() - 1, "the first line is the making of the task");
}
