//! The life of a signal, as properties over any order of commands and wake-ups.

use proptest::prelude::*;
use voordeur_intake_domain::{
    AnswerStatus, AskedBy, Helped, SubjectKind, WithdrawReason,
    life::{
        Act, Actor, Answer, Change, Command, Event, Received, Refusal, Signal, Stage, decide, evolve,
        signal::Sealed,
    },
    submission::{Domains, Severity},
};
use voordeur_kernel::{
    CentreKey, CommandId, CommitId, ConcernDomain, OrganisationKey, SafetyLevel, TaskId, Timestamp,
};

fn organisation() -> OrganisationKey {
    OrganisationKey::parse("school-a").unwrap()
}

fn received(severity: u32) -> Change {
    Change::Received(Box::new(Received {
        organisation: organisation(),
        centre: CentreKey::parse("de-wilg").unwrap(),
        subject: SubjectKind::Consult,
        child: None,
        group: None,
        domains: Domains::new(vec![ConcernDomain::Gedrag]).unwrap(),
        severity: Severity::new(severity).unwrap(),
        safety: SafetyLevel::None,
        duration: None,
        asked_by: AskedBy::Staff,
        certainty: None,
        answer_wanted: true,
        urgent: false,
        permission: None,
        details: Sealed { key: [1; 16], sealed: vec![1], purpose: 1, owner: [2; 16] },
        askers: vec![],
        calls: vec![],
        age_band: None,
        waived: vec![],
    }))
}

/// A command; the same number and content make the same commit.
fn command(number: u8, change: Change) -> Command {
    let people =
        matches!(change, Change::Received(_) | Change::Withdrawn { .. } | Change::Acknowledged { .. });
    let mut commit = [number; 16];
    commit[1] = match &change {
        Change::Received(received) => received.severity.get(),
        Change::Withdrawn { reason } => *reason as u8,
        Change::Acknowledged { helped, .. } => 10 + *helped as u8,
        _ => 0,
    };
    Command {
        actor: if people { Actor::Organisation(organisation()) } else { Actor::Service("intake".into()) },
        now: Timestamp::from_second(1_770_000_000 + i64::from(number)).unwrap(),
        command: CommandId::from_bytes([number; 16]),
        commit: CommitId::from_bytes(commit),
        directory_version: 1,
        seen_version: 0,
        change,
    }
}

const TASK: TaskId = TaskId::from_bytes([7; 16]);

fn answered() -> Change {
    Change::Answered { task: TASK, answer: Answer { status: AnswerStatus::AdviceGiven, advice: None } }
}

fn withdrawn(reason: WithdrawReason) -> Change {
    Change::Withdrawn { reason }
}

fn acknowledged(helped: Helped) -> Change {
    Change::Acknowledged { helped, certainty_now: None }
}

/// A history as the log would hold it.
#[derive(Default, Clone)]
struct History {
    events: Vec<Event>,
    state: Option<Signal>,
}

impl History {
    fn begun() -> Self {
        let mut history = Self::default();
        history.give(&command(0, received(2))).unwrap();
        history
    }

    /// Gives a command and stores what was decided; true when something was.
    fn give(&mut self, command: &Command) -> Result<bool, Refusal> {
        let Some(event) = decide(self.state.as_ref(), command)? else { return Ok(false) };
        self.state = Some(evolve(self.state.take(), event.clone()).unwrap());
        self.events.push(event);
        Ok(true)
    }

    fn state(&self) -> &Signal {
        self.state.as_ref().unwrap()
    }

    fn after(changes: &[Change]) -> Self {
        let mut history = Self::begun();
        for (number, change) in (1..).zip(changes) {
            history.give(&command(number, change.clone())).unwrap();
        }
        history
    }
}

fn routed() -> Change {
    Change::Routed { task: TASK }
}

#[test]
fn a_signal_is_received_routed_answered_and_heard() {
    let history = History::after(&[routed(), answered(), acknowledged(Helped::Yes)]);
    assert_eq!(history.state().stage, Stage::Answered);
    assert!(history.state().is_closed());
    assert_eq!(history.state().people_version, 2, "what services note does not count");
    assert_eq!(history.events.iter().map(|e| e.meta.ordinal).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn taking_back_is_final_while_nobody_works_on_it_and_a_request_after() {
    let early = History::after(&[withdrawn(WithdrawReason::Solved)]);
    assert_eq!(early.state().stage, Stage::Withdrawn);

    let mut late = History::after(&[routed(), withdrawn(WithdrawReason::Solved)]);
    assert_eq!(late.state().stage, Stage::Routed);
    assert!(late.state().withdrawal_pending());
    assert_eq!(late.give(&command(9, withdrawn(WithdrawReason::Other))), Ok(false), "she has asked already");
    let mut refused = late.clone();
    late.give(&command(10, Change::Cancelled { task: TASK })).unwrap();
    assert_eq!(late.state().stage, Stage::Withdrawn);
    refused.give(&command(10, answered())).unwrap();
    assert_eq!(refused.state().stage, Stage::Answered, "the holder went on and answered");
}

#[test]
fn a_task_that_was_made_meanwhile_brings_a_withdrawn_signal_back_until_its_holder_agrees() {
    let history = History::after(&[withdrawn(WithdrawReason::Solved), routed()]);
    assert!(history.state().withdrawal_pending());
    let history =
        History::after(&[withdrawn(WithdrawReason::Solved), routed(), Change::Cancelled { task: TASK }]);
    assert_eq!(history.state().stage, Stage::Withdrawn);
}

#[test]
fn steps_that_a_stage_forbids_are_refused_and_change_nothing() {
    let mut fresh = History::begun();
    assert_eq!(fresh.give(&command(1, acknowledged(Helped::Yes))), Err(Refusal::NotNow("NOT_ANSWERED")));
    assert_eq!(Refusal::NotNow("NOT_ANSWERED").to_string(), "there is no answer yet");
    assert_eq!(fresh.give(&command(1, answered())), Err(Refusal::NotNow("NOT_ROUTED")));
    let mut done = History::after(&[routed(), answered()]);
    let withdraw = command(5, withdrawn(WithdrawReason::Other));
    assert_eq!(done.give(&withdraw), Err(Refusal::NotNow("ALREADY_ANSWERED")));
    let other = TaskId::from_bytes([8; 16]);
    assert_eq!(done.give(&command(6, Change::Routed { task: other })), Err(Refusal::OtherTask));
    assert_eq!((fresh.events.len(), done.events.len()), (1, 3));
    assert_eq!(History::default().give(&withdraw), Err(Refusal::NoSuchSignal));
}

#[test]
fn too_early_to_say_may_be_followed_by_a_verdict_and_nothing_else_may() {
    let mut history = History::after(&[routed(), answered(), acknowledged(Helped::TooEarly)]);
    assert!(!history.state().is_closed());
    assert_eq!(history.give(&command(7, acknowledged(Helped::Partly))), Ok(true));
    assert_eq!(
        history.give(&command(8, acknowledged(Helped::Yes))),
        Err(Refusal::NotNow("ALREADY_ACKNOWLEDGED"))
    );
}

#[test]
fn a_known_act_is_answered_before_its_version_is_compared() {
    let mut history = History::begun();
    let withdraw = Command { seen_version: 1, ..command(1, withdrawn(WithdrawReason::Solved)) };
    assert_eq!(history.give(&withdraw), Ok(true));
    assert_eq!(history.give(&withdraw), Ok(false), "a retry, although the version has moved");
    let other = Command { commit: CommitId::from_bytes([99; 16]), ..withdraw };
    assert_eq!(history.give(&other), Err(Refusal::KeyReused));
    let stale = Command { seen_version: 1, ..command(2, withdrawn(WithdrawReason::Solved)) };
    assert_eq!(history.give(&stale), Err(Refusal::VersionChanged));
}

#[test]
fn the_same_reference_with_other_content_is_an_error() {
    let mut history = History::begun();
    assert_eq!(history.give(&command(0, received(2))), Ok(false));
    assert_eq!(history.give(&command(0, received(3))), Err(Refusal::ReferenceReused));
    assert_eq!(history.events.len(), 1);
}

fn any_command() -> impl Strategy<Value = Command> {
    let change = prop_oneof![
        Just(received(2)),
        Just(routed()),
        Just(answered()),
        Just(Change::Cancelled { task: TASK }),
        Just(withdrawn(WithdrawReason::Solved)),
        Just(withdrawn(WithdrawReason::Other)),
        Just(acknowledged(Helped::Yes)),
        Just(acknowledged(Helped::TooEarly)),
    ];
    (0_u8..12, change, 0_u64..4)
        .prop_map(|(number, change, seen_version)| Command { seen_version, ..command(number, change) })
}

fn invariants(before: Option<&Signal>, after: &Signal) {
    assert_eq!(after.stage == Stage::Answered, after.answer.is_some(), "answered is having an answer");
    assert_eq!(after.answer.is_some(), after.answered_at.is_some());
    assert!(after.acknowledged.is_none() || after.stage == Stage::Answered);
    assert!(after.stage != Stage::Routed || after.task.is_some());
    assert!(after.people_version >= 1 && after.people_version < after.next_ordinal());
    if let Some(before) = before {
        assert_eq!(before.received, after.received, "what was accepted never changes");
        assert!(before.stage != Stage::Answered || before.answer == after.answer, "an answer is final");
        assert!(before.task.is_none() || before.task == after.task);
        assert_eq!(before.commands.len() + 1, after.commands.len());
    }
}

proptest! {
    #[test]
    fn any_command_twice_is_once_and_replay_is_live(commands in proptest::collection::vec(any_command(), 0..24)) {
        let mut history = History::begun();
        for command in &commands {
            let before = history.state.clone();
            let first = history.give(command);
            let once = history.state.clone();
            if first == Ok(true) {
                invariants(before.as_ref(), history.state());
            } else {
                prop_assert_eq!(&before, &once, "what is refused or known changes nothing");
            }
            let second = history.give(command);
            prop_assert_eq!(&once, &history.state);
            prop_assert!(second != Ok(true));
            if first == Ok(true) {
                prop_assert_eq!(second, Ok(false));
            }
        }
        let replayed = history.events.iter().try_fold(None, |state, event| evolve(state, event.clone()).map(Some));
        prop_assert_eq!(replayed.unwrap(), history.state);
    }

    /// What intake does at a wake-up of a task: bring the signal up to what the task's history says by then.
    #[test]
    fn any_order_and_number_of_wake_ups_gives_the_same_signal(
        seen in proptest::collection::vec(0..3_usize, 0..12), ends_cancelled: bool, withdrawn_at in proptest::option::of(0..12_usize),
    ) {
        let end = if ends_cancelled { Change::Cancelled { task: TASK } } else { answered() };
        let wake = |history: &mut History, known: usize| {
            // A reader of the task's history sees everything up to some moment, the earlier steps included.
            let steps = [routed(), end.clone()];
            for (number, change) in (100_u8..).zip(steps.iter().take(known)) {
                let _ = history.give(&command(number, change.clone()));
            }
        };
        let mut history = History::begun();
        for (index, known) in seen.iter().enumerate() {
            if withdrawn_at == Some(index) {
                let _ = history.give(&command(1, withdrawn(WithdrawReason::Solved)));
            }
            wake(&mut history, *known);
        }
        wake(&mut history, 2);
        let expected = if ends_cancelled { Stage::Withdrawn } else { Stage::Answered };
        prop_assert_eq!(history.state().stage, expected);
        prop_assert_eq!(history.state().task, Some(TASK));
        let by_service = history.events.iter().filter(|event| !event.meta.actor.is_people()).count();
        prop_assert_eq!(by_service, 2, "each is noted once");
    }
}

#[test]
fn acts_of_the_asker_are_those_that_people_do() {
    let by_asker: Vec<_> = Act::ALL.into_iter().filter(|act| act.by_asker()).collect();
    assert_eq!(by_asker, [Act::Withdraw, Act::Acknowledge]);
}
