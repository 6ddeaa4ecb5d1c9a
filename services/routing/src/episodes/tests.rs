use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{EpisodeConsentWithdrawn, EventMeta, FactCorrected, HandOverMoment, LookBackDue},
};
use voordeur_eventlog::Subject;

use super::*;

const EPISODE: EpisodeId = EpisodeId::from_bytes([9; 16]);

fn message(number: u8, change: Change) -> Recorded {
    let at = Timestamp::from_second(1_796_000_000 + i64::from(number)).unwrap();
    let event = EpisodeEvent {
        meta: Some(EventMeta { recorded_at: Some(to_wire_time(at)), ..EventMeta::default() }),
        change: Some(change),
        ..EpisodeEvent::default()
    };
    recorded(&format!("voordeur.episode.v1.{}", EPISODE.to_hex()), number, event.encode_to_vec())
}

fn recorded(subject: &str, number: u8, data: Vec<u8>) -> Recorded {
    Recorded {
        subject: Subject::parse(subject).unwrap(),
        sequence: number.into(),
        stored_at: Timestamp::UNIX_EPOCH,
        commit: Some(CommitId::from_bytes([number; 16])),
        kind: String::new(),
        headers: Vec::new().into(),
        data: data.into(),
    }
}

fn due(work: Work) -> Change {
    Change::WorkDue(WorkDue {
        work: Some(DueWork { work: Some(work) }),
        centre: "de-wilg".into(),
        child: vec![3; 16].into(),
    })
}

fn check(asked_before: u32) -> Trigger {
    Trigger::EpisodeCheck { episode: EPISODE, day: 90, asked_before }
}

#[test]
fn a_check_that_is_asked_for_again_knows_the_tasks_before_it() {
    let history = [
        message(1, due(Work::FollowUpDay(90))),
        message(2, due(Work::MissedFollowUpDay(90))),
        message(3, due(Work::FollowUpDay(180))),
        message(4, due(Work::HandOver(HandOverMoment::ToSchool.into()))),
    ];
    let seen = see(EPISODE, &history).unwrap();
    let triggers: Vec<_> = seen.asked.iter().map(|asked| asked.about.trigger).collect();
    let later = Trigger::EpisodeCheck { episode: EPISODE, day: 180, asked_before: 0 };
    let moment = voordeur_routing_domain::words::HandOverMoment::ToSchool;
    assert_eq!(triggers, [check(0), check(1), later, Trigger::HandOver { episode: EPISODE, moment }]);
    let before: Vec<_> = seen.asked.iter().map(|asked| asked.before.as_slice()).collect();
    assert_eq!(before, [&[][..], &[check(0)], &[], &[]]);
    let about = &seen.asked[0].about;
    assert_eq!(
        (about.answer_wanted, about.subject, about.organisation.as_ref()),
        (false, SubjectKind::Child, None)
    );
}

#[test]
fn a_withdrawal_counts_unless_it_was_recorded_in_error() {
    let withdrawn = || Change::ConsentWithdrawn(EpisodeConsentWithdrawn { scope: 1 });
    let void =
        |void| Change::Corrected(FactCorrected { target: vec![1; 16].into(), void, ..Default::default() });
    let seen = |history: &[Recorded]| see(EPISODE, history).unwrap().withdrawn;
    assert_eq!(seen(&[message(1, withdrawn())]), [CommitId::from_bytes([1; 16])]);
    assert_eq!(seen(&[message(1, withdrawn()), message(2, void(true))]), []);
    let again = [message(1, withdrawn()), message(3, void(false)), message(2, void(true))];
    assert_eq!(seen(&again), [CommitId::from_bytes([1; 16])], "the last correction counts");
}

#[test]
fn what_cannot_be_read_says_which_field_and_nothing_else() {
    let bad = |change| see(EPISODE, &[message(1, change)]).unwrap_err();
    assert_eq!(bad(due(Work::FollowUpDay(70_000))), "work_due.work.day");
    assert_eq!(bad(due(Work::HandOver(9))), "work_due.work.hand_over");
    assert_eq!(bad(Change::WorkDue(WorkDue::default())), "work_due.work");
    let empty = recorded("voordeur.episode.v1.x", 1, Vec::new());
    assert_eq!(see(EPISODE, std::slice::from_ref(&empty)).unwrap_err(), "meta");
    assert!(!says_nothing(&empty), "an event of a later release may ask for anything");
}

#[test]
fn only_a_look_back_that_came_due_is_work() {
    let of = |change| {
        let event = ActivityEvent {
            meta: Some(EventMeta {
                recorded_at: Some(to_wire_time(Timestamp::UNIX_EPOCH)),
                ..EventMeta::default()
            }),
            change: Some(change),
            ..ActivityEvent::default()
        };
        look_back(&recorded("voordeur.activity.v1.de-wilg", 1, event.encode_to_vec()))
    };
    let due = LookBackDue {
        activity: vec![5; 16].into(),
        centre: "de-wilg".into(),
        group: "vossen".into(),
        noted_by: "noor".into(),
    };
    let (about, noted_by) = of(activity_event::Change::LookBackDue(due.clone())).unwrap().unwrap();
    assert_eq!(about.trigger, Trigger::Activity(ActivityId::from_bytes([5; 16])));
    assert_eq!((about.subject, about.child), (SubjectKind::Group, None));
    assert_eq!((about.group.unwrap().as_str(), noted_by.unwrap().as_str()), ("vossen", "noor"));
    assert_eq!(of(activity_event::Change::Noted(Default::default())), Ok(None));
    let strange = LookBackDue { noted_by: "Noor!".into(), ..due };
    assert_eq!(of(activity_event::Change::LookBackDue(strange)).unwrap_err(), "look_back_due.noted_by");
}

#[test]
fn a_task_ended_when_it_ended_also_when_another_one_continues_it_later() {
    use voordeur_contracts::event::{TaskStanding, TaskState};

    let event = |number: u8, state: TaskState| {
        let at = Timestamp::from_second(i64::from(number)).unwrap();
        let event = TaskEvent {
            meta: Some(EventMeta { recorded_at: Some(to_wire_time(at)), ..EventMeta::default() }),
            standing: Some(TaskStanding { state: state.into(), ..TaskStanding::default() }),
            change: None,
        };
        recorded("voordeur.task.v1.01", number, event.encode_to_vec())
    };
    let open = event(1, TaskState::Accepted);
    let history = [open.clone(), event(2, TaskState::Completed), event(9, TaskState::Completed)];
    assert_eq!(ended_at(&history).unwrap(), Some(Timestamp::from_second(2).unwrap()));
    assert_eq!(ended_at(&[open]).unwrap(), None);
}
