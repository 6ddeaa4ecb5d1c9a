#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use prost::bytes::Bytes;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{
        AuditEvent, ClockRang, Deadline, EventMeta, OffersMade, OffersTimedOut, SignalErased, SignalEvent,
        SignalReceived, SignalWithdrawn, TaskAccepted, TaskAnswered, TaskLinked, TaskRequested, TaskStanding,
        TaskTrigger, signal_event,
    },
};
use voordeur_eventlog::Subject;

use super::*;

const NOON: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOON + seconds).unwrap()
}

fn due(clock: ClockKind, seconds: i64, round: u32) -> Deadline {
    Deadline { clock: clock.into(), due: Some(to_wire_time(at(seconds))), round }
}

fn recorded(subject: &str, sequence: u64, data: Vec<u8>) -> Recorded {
    Recorded {
        subject: Subject::parse(subject).unwrap(),
        sequence,
        stored_at: at(0),
        commit: None,
        kind: String::new(),
        data: Bytes::from(data),
        headers: [].into(),
    }
}

/// A history in the making.
#[derive(Default)]
struct Log {
    auditor: Auditor,
    sequence: u64,
}

impl Log {
    fn signal(&mut self, id: u8, seconds: i64, change: signal_event::Change) {
        let meta = EventMeta { recorded_at: Some(to_wire_time(at(seconds))), ..EventMeta::default() };
        let event = SignalEvent { meta: Some(meta), change: Some(change) };
        let subject = format!("voordeur.signal.v1.{}", SignalId::from_bytes([id; 16]).to_hex());
        self.auditor.signal_message(&recorded(&subject, 1, event.encode_to_vec()));
    }

    fn received(&mut self, id: u8) {
        self.signal(id, 0, signal_event::Change::Received(SignalReceived::default()));
    }

    fn task(&mut self, id: u8, ordinal: u32, seconds: i64, standing: TaskStanding, change: Change) {
        self.sequence += 1;
        let meta =
            EventMeta { recorded_at: Some(to_wire_time(at(seconds))), ordinal, ..EventMeta::default() };
        let event = TaskEvent { meta: Some(meta), standing: Some(standing), change: Some(change) };
        let subject = format!("voordeur.task.v1.{}", TaskId::from_bytes([id; 16]).to_hex());
        self.auditor.task_message(&recorded(&subject, self.sequence, event.encode_to_vec()));
    }

    /// A task of the signal with the same number, asked of Anna and Bea for an hour.
    fn requested(&mut self, id: u8) {
        self.task(id, 1, 0, standing(id, TaskState::Requested, "", &["anna", "bea"]), requested(three()));
    }

    fn accepted(&mut self, id: u8, deadlines: Vec<Deadline>) {
        let change = TaskAccepted { professional: "anna".into(), deadlines, ..TaskAccepted::default() };
        let standing = standing(id, TaskState::Accepted, "anna", &[]);
        self.task(id, 2, 60, standing, Change::Accepted(change));
    }

    fn found(&self, seconds: i64) -> Vec<&'static str> {
        let moment = Moment { now: at(seconds), grace_s: 60, directory: Some((&Everybody, at(-1_000_000))) };
        codes(&self.auditor.report(moment))
    }
}

fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<_> = report.findings().iter().map(|finding| finding.kind.code()).collect();
    codes.sort_unstable();
    let counted: u64 = FindingKind::ALL.iter().map(|kind| report.count(*kind)).sum();
    assert_eq!((codes.is_empty(), counted as usize), (report.all_well(), codes.len()));
    codes
}

/// A directory in which everybody whose name begins with one of a, b and d works everywhere; Dora coordinates.
struct Everybody;

impl InForce for Everybody {
    fn works_for(&self, person: &str, _: &str) -> bool {
        person.starts_with(['a', 'b', 'd'])
    }

    fn coordinates(&self, person: &str, _: &str) -> bool {
        person == "dora"
    }
}

fn standing(id: u8, state: TaskState, holder: &str, offered: &[&str]) -> TaskStanding {
    TaskStanding {
        state: state.into(),
        holder: holder.into(),
        coordinator: "dora".into(),
        trigger: Some(TaskTrigger { source: Some(Source::Signal(vec![id; 16].into())) }),
        centre: "wilg".into(),
        offered_to: offered.iter().map(|name| (*name).to_owned()).collect(),
        ..TaskStanding::default()
    }
}

fn three() -> Vec<Deadline> {
    vec![due(ClockKind::Offer, 3_600, 0), due(ClockKind::Accept, 7_200, 0), due(ClockKind::Answer, 36_000, 0)]
}

fn requested(deadlines: Vec<Deadline>) -> Change {
    Change::Requested(TaskRequested { deadlines, ..TaskRequested::default() })
}

fn good() -> Log {
    let mut log = Log::default();
    log.received(1);
    log.requested(1);
    log
}

fn answer() -> Vec<Deadline> {
    vec![due(ClockKind::Answer, 36_000, 0)]
}

#[test]
fn a_good_history_gives_nothing() {
    let mut log = good();
    assert_eq!(log.found(0), [""; 0]);
    let timed_out = OffersTimedOut {
        deadlines: vec![due(ClockKind::Accept, 7_200, 0), due(ClockKind::Answer, 36_000, 0)],
        ..OffersTimedOut::default()
    };
    let asked = standing(1, TaskState::Requested, "", &["dora"]);
    log.task(1, 2, 3_601, asked.clone(), Change::OffersTimedOut(timed_out));
    let rang = ClockRang {
        deadline: Some(due(ClockKind::Accept, 7_200, 0)),
        told: vec!["dora".into()],
        deadlines: vec![due(ClockKind::Accept, 14_400, 1), due(ClockKind::Answer, 36_000, 0)],
    };
    log.task(1, 3, 7_201, asked, Change::ClockRang(rang));
    let accepted =
        TaskAccepted { professional: "dora".into(), deadlines: answer(), ..TaskAccepted::default() };
    log.task(1, 4, 7_300, standing(1, TaskState::Accepted, "dora", &[]), Change::Accepted(accepted));
    assert_eq!(log.found(7_400), [""; 0]);
    let done = standing(1, TaskState::Completed, "dora", &[]);
    log.task(1, 5, 7_500, done, Change::Answered(TaskAnswered::default()));
    assert_eq!(log.found(1_000_000), [""; 0]);
    assert_eq!(log.auditor.open_tasks(), 0);
}

#[test]
fn a_signal_without_a_task_is_found_when_its_grace_is_over() {
    let mut log = Log::default();
    log.received(1);
    assert_eq!(log.found(60), [""; 0]);
    assert_eq!(log.found(61), ["SIGNAL_WITHOUT_TASK"]);
    // Also one that was withdrawn at once: an acknowledged signal becomes exactly one task.
    log.signal(1, 5, signal_event::Change::Withdrawn(SignalWithdrawn::default()));
    assert_eq!(log.found(61), ["SIGNAL_WITHOUT_TASK"]);
    log.requested(1);
    assert_eq!(log.found(61), [""; 0]);
    // Of what was erased nothing is asked.
    log.signal(2, 0, signal_event::Change::Erased(SignalErased::default()));
    assert_eq!(log.found(61), [""; 0]);
}

#[test]
fn a_task_without_its_signal_and_a_second_task_are_found_whatever_stream_is_read_first() {
    let mut log = Log::default();
    log.requested(1);
    assert_eq!(log.found(0), ["TASK_WITHOUT_SIGNAL"]);
    log.received(1);
    assert_eq!(log.found(1_000), [""; 0]);
    log.task(2, 1, 0, standing(1, TaskState::Requested, "", &["anna"]), requested(three()));
    assert_eq!(log.found(1_000), ["SIGNAL_HAS_TWO_TASKS"]);
    let mut early = Log::default();
    early.requested(1);
    early.task(2, 1, 0, standing(1, TaskState::Requested, "", &["anna"]), requested(three()));
    early.received(1);
    assert_eq!(early.found(1_000), ["SIGNAL_HAS_TWO_TASKS"]);
}

#[test]
fn a_deadline_that_passed_without_its_event_is_found() {
    let log = good();
    assert_eq!(log.found(3_660), [""; 0], "what is due gets its event within the grace");
    assert_eq!(log.found(3_661), ["DEADLINE_OVERDUE"]);
    let moment = Moment { now: at(3_700), grace_s: 60, directory: None };
    let report = log.auditor.report(moment);
    assert_eq!((report.oldest_overdue_s, report.findings()[0].since), (100, Some(at(3_600))));
}

#[test]
fn an_open_task_that_nobody_is_expected_to_act_on_is_found() {
    for (state, holder, offered) in
        [(TaskState::Requested, "", &[][..]), (TaskState::Accepted, "", &[]), (TaskState::Failed, "", &[])]
    {
        let mut log = Log::default();
        log.received(1);
        log.task(1, 1, 0, standing(1, state, holder, offered), requested(answer()));
        assert!(log.found(0).contains(&"NOBODY_EXPECTED"), "{state:?}");
    }
    let mut log = Log::default();
    log.received(1);
    log.task(1, 1, 0, standing(1, TaskState::Accepted, "anna", &[]), requested(Vec::new()));
    assert_eq!(log.found(0), ["NO_DEADLINE"]);
}

#[test]
fn somebody_whom_the_directory_does_not_know_is_not_expected_to_act() {
    let mut log = Log::default();
    log.received(1);
    log.task(1, 1, 0, standing(1, TaskState::Requested, "", &["zoe", "anna"]), requested(three()));
    assert_eq!(log.found(0), [""; 0], "one of those who are asked is enough");
    log.received(2);
    log.task(2, 1, 0, standing(2, TaskState::Requested, "", &["zoe"]), requested(three()));
    assert_eq!(log.found(0), ["NOT_IN_DIRECTORY"]);
    log.received(3);
    log.task(3, 1, 0, standing(3, TaskState::Accepted, "zoe", &[]), requested(answer()));
    assert_eq!(log.found(0), ["NOT_IN_DIRECTORY"; 2]);
    // The coordinator is asked who goes on.
    log.received(4);
    let asked = vec![due(ClockKind::HolderAway, 3_600, 0), due(ClockKind::Answer, 36_000, 0)];
    log.task(4, 1, 0, standing(4, TaskState::Accepted, "zoe", &[]), requested(asked));
    assert_eq!(log.found(0), ["NOT_IN_DIRECTORY"; 2]);
    // A directory that has just come is being compared with what is open.
    let moment = Moment { now: at(59), grace_s: 60, directory: Some((&Everybody, at(0))) };
    assert!(log.auditor.report(moment).all_well());
}

#[test]
fn a_deadline_cannot_vanish_or_move_by_an_event_that_is_not_about_it() {
    // Whoever accepts does not stop the clock of the answer.
    let mut log = good();
    log.accepted(1, Vec::new());
    assert_eq!(log.found(100), ["DEADLINE_VANISHED", "NO_DEADLINE"]);
    let mut log = good();
    log.accepted(1, vec![due(ClockKind::Answer, 99_000, 0)]);
    assert_eq!(log.found(100), ["DEADLINE_MOVED"]);
    // Nor does she set one that is not hers to set.
    let mut log = good();
    log.accepted(1, vec![due(ClockKind::FirstContact, 500, 0), due(ClockKind::Answer, 36_000, 0)]);
    assert_eq!(log.found(100), ["DEADLINE_MOVED"]);
    let mut log = good();
    log.accepted(1, answer());
    assert_eq!(log.found(100), [""; 0]);
    // One of each clock, in order.
    let mut log = Log::default();
    log.received(1);
    let twice = vec![due(ClockKind::Answer, 500, 0), due(ClockKind::Answer, 600, 0)];
    log.task(1, 1, 0, standing(1, TaskState::Accepted, "anna", &[]), requested(twice));
    assert_eq!(log.found(100), ["DEADLINE_MOVED"]);
}

#[test]
fn a_clock_rings_only_after_its_moment_for_what_stood_there_and_rings_again() {
    let ring = |seconds: i64, about: Deadline, to: Deadline| {
        let mut log = good();
        let deadlines = vec![to, due(ClockKind::Answer, 36_000, 0)];
        let rang = ClockRang { deadline: Some(about), told: Vec::new(), deadlines };
        let made = OffersMade {
            deadlines: vec![due(ClockKind::Accept, 7_200, 0), due(ClockKind::Answer, 36_000, 0)],
            ..OffersMade::default()
        };
        let asked = standing(1, TaskState::Requested, "", &["dora"]);
        log.task(1, 2, 60, asked.clone(), Change::OffersMade(made));
        log.task(1, 3, seconds, asked, Change::ClockRang(rang));
        log.found(seconds)
    };
    let accept = |seconds, round| due(ClockKind::Accept, seconds, round);
    assert_eq!(ring(7_200, accept(7_200, 0), accept(9_000, 1)), [""; 0]);
    assert_eq!(ring(7_199, accept(7_200, 0), accept(9_000, 1)), ["DEADLINE_MOVED"], "before its moment");
    assert_eq!(ring(7_200, accept(7_100, 0), accept(9_000, 1)), ["DEADLINE_MOVED"], "of another deadline");
    assert_eq!(ring(7_200, accept(7_200, 0), accept(7_200, 1)), ["DEADLINE_MOVED"], "and never again");
    assert_eq!(ring(7_200, accept(7_200, 0), accept(9_000, 0)), ["DEADLINE_MOVED"], "as if it had not");
}

#[test]
fn events_are_numbered_without_gaps_and_what_has_ended_stays_so() {
    let mut log = good();
    let accepted =
        TaskAccepted { professional: "anna".into(), deadlines: answer(), ..TaskAccepted::default() };
    let hers = standing(1, TaskState::Accepted, "anna", &[]);
    log.task(1, 3, 60, hers.clone(), Change::Accepted(accepted.clone()));
    assert_eq!(log.found(100), ["ORDINAL_GAP"]);
    let mut log = good();
    let done = standing(1, TaskState::Completed, "anna", &[]);
    log.task(1, 2, 60, done.clone(), Change::Answered(TaskAnswered::default()));
    // A later task that continues it is all it hears of.
    let linked = TaskLinked { task: vec![2; 16].into() };
    log.task(1, 3, 65, done, Change::Linked(linked));
    assert_eq!(log.found(100), [""; 0]);
    log.task(1, 4, 70, hers, Change::Accepted(accepted));
    assert_eq!(log.found(100), ["MOVED_AFTER_END"]);
}

#[test]
fn what_cannot_be_read_is_found_and_what_is_no_task_is_passed_by() {
    let mut log = good();
    let subject = format!("voordeur.task.v1.{}", TaskId::from_bytes([9; 16]).to_hex());
    log.auditor.task_message(&recorded(&subject, 7, vec![0xff]));
    log.auditor.task_message(&recorded(&subject, 8, TaskEvent::default().encode_to_vec()));
    log.auditor.task_message(&recorded("voordeur.presence.v1.noor", 9, vec![0xff]));
    log.auditor.signal_message(&recorded("voordeur.signal.v1.x", 1, AuditEvent::default().encode_to_vec()));
    assert_eq!(log.found(0), ["UNREADABLE"; 3]);
}

#[test]
fn findings_are_counted_whole_and_told_one_by_one_up_to_a_bound() {
    let mut log = Log::default();
    for sequence in 0..1_500 {
        log.auditor.signal_message(&recorded("voordeur.signal.v1.x", sequence, Vec::new()));
    }
    let report = log.auditor.report(Moment { now: at(0), grace_s: 0, directory: None });
    assert_eq!((report.findings().len(), report.count(FindingKind::Unreadable)), (1_000, 1_500));
}

#[test]
fn a_million_open_tasks_fit_in_a_quarter_of_a_gigabyte() {
    let mut auditor = Auditor::default();
    let meta = EventMeta { recorded_at: Some(to_wire_time(at(0))), ordinal: 1, ..EventMeta::default() };
    let mut event = TaskEvent {
        meta: Some(meta),
        standing: Some(standing(0, TaskState::Requested, "", &["anna", "bea", "cor"])),
        change: Some(requested(three())),
    };
    // Decoded once: what is measured is what is kept.
    let mut message = recorded("voordeur.task.v1.x", 1, Vec::new());
    for number in 0..1_000_000_u128 {
        let id = (number << 64 | number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(64);
        message.subject = Subject::of("voordeur.task.v1", &format!("{id:032x}")).unwrap();
        let trigger = TaskTrigger { source: Some(Source::Activity(Bytes::new())) };
        event.standing.as_mut().unwrap().trigger = Some(trigger);
        auditor.task_event(&message, &event);
    }
    assert_eq!(auditor.open_tasks(), 1_000_000);
    let weight = auditor.weight();
    assert!(weight < 256 << 20, "{weight}");
    let report = auditor.report(Moment { now: at(0), grace_s: 60, directory: Some((&Everybody, at(-100))) });
    assert!(report.all_well());
}
