//! One episode at a time.

use voordeur_escalation_domain::{
    Actor, BadHistory, Baseline, Change, ChangeKind, CloseReason, Closing, Correction, Event, Judgement,
    Meta, Participant, Phase, Picture, Refusal, TaskOutcome, WordSet, evolve, words::CorrectionReason,
};
use voordeur_kernel::{CommandId, CommitId, ProfessionalKey, Role};

use crate::{History, at, child, command, completed, reached, signal, take, task};

fn running() -> History {
    let mut history = History::default();
    history.give(&command(take(1, 1), 0, 1)).unwrap();
    history
}

/// An event of a professional, written by hand: what the rules of acceptance would say is another test.
fn by_hand(history: &mut History, number: u8, effective: i64, recorded: i64, change: Change) -> CommitId {
    let commit = CommitId::from_bytes([number; 16]);
    let event = Event {
        meta: Meta {
            recorded_at: at(recorded),
            actor: Actor::Person(ProfessionalKey::parse("noor").unwrap(), Role::Professional),
            command: CommandId::from_bytes([number; 16]),
            directory_version: 1,
            ordinal: history.episode.as_ref().map_or(0, |e| e.events()) + 1,
        },
        effective_at: at(effective),
        deadlines: None,
        continued_by: None,
        change,
    };
    history.episode = Some(evolve(history.episode.take(), &event, commit).unwrap());
    history.events.push((event, commit));
    commit
}

#[test]
fn a_signal_about_a_child_opens_an_episode_that_stays_open_when_its_task_is_done() {
    let mut history = running();
    assert_eq!(history.give(&command(reached(1), 30, 31)), Ok(true));
    assert_eq!(history.give(&command(completed(1), 60, 61)), Ok(true));
    let episode = history.episode.as_ref().unwrap();
    assert!(episode.is_open());
    assert_eq!((episode.child(), episode.child_ordinal()), (child(1), 1));
    let picture = episode.picture();
    assert_eq!(picture.opened.unwrap().effective, at(0));
    assert_eq!(picture.first_contact.unwrap().at.effective, at(30));
    assert_eq!(picture.tasks[0].completed.unwrap().outcome, TaskOutcome::Advice);
    assert_eq!(picture.centre().unwrap().as_str(), "de-wilg");
}

#[test]
fn a_second_signal_joins_and_keeps_its_own_severity() {
    let mut history = running();
    assert_eq!(history.give(&command(take(1, 3), 10, 11)), Ok(true));
    let picture = history.episode.as_ref().unwrap().picture();
    let severities: Vec<_> = picture.tasks.iter().map(|t| t.severity).collect();
    assert_eq!(severities, [signal(1).severity, signal(3).severity]);
}

#[test]
fn a_contact_that_became_known_later_but_was_earlier_is_the_first() {
    let mut history = running();
    history.give(&command(take(1, 2), 5, 6)).unwrap();
    assert_eq!(history.give(&command(reached(2), 50, 51)), Ok(true));
    assert_eq!(history.give(&command(reached(1), 60, 61)), Ok(false), "a later one is no first contact");
    assert_eq!(history.give(&command(reached(1), 40, 70)), Ok(true));
    let episode = history.episode.as_ref().unwrap();
    assert_eq!(episode.picture().first_contact.unwrap().task, task(1));
    assert_eq!(episode.picture_as_known(at(65)).first_contact.unwrap().task, task(2));
    assert_eq!(episode.picture_as_known(at(3)).tasks.len(), 1);
    assert_eq!(episode.picture_as_known(at(0)), Default::default());
}

#[test]
fn what_does_not_belong_is_refused_and_changes_nothing() {
    let mut history = running();
    let before = history.episode.clone();
    assert_eq!(history.give(&command(take(2, 2), 5, 6)), Err(Refusal::OtherChild));
    assert_eq!(history.give(&command(reached(9), 5, 6)), Err(Refusal::UnknownTask));
    assert_eq!(history.give(&command(completed(9), 5, 6)), Err(Refusal::UnknownTask));
    assert_eq!(History::default().give(&command(completed(1), 5, 6)), Err(Refusal::UnknownTask));
    let mut other = command(take(1, 1), 0, 1);
    other.commit = CommitId::from_bytes([9; 16]);
    assert_eq!(history.give(&other), Err(Refusal::OtherContent));
    assert_eq!(history.episode, before);
}

fn close() -> Change {
    Change::Closed(Closing::for_reason(CloseReason::WindowEnded))
}

fn judgement(baseline: Baseline) -> Judgement {
    Judgement {
        baseline,
        probability_percent: 40,
        took_part: [Participant::Parent].into_iter().collect(),
        marks: WordSet::empty(),
        second: false,
        plan_version: 1,
    }
}

fn correction(target: CommitId, void: bool) -> Change {
    Change::Corrected(Correction {
        target,
        void,
        second_person: ProfessionalKey::parse("marit").unwrap(),
        reason: Some(CorrectionReason::TypingError),
        effective_at: None,
        baseline: None,
    })
}

#[test]
fn after_the_work_was_closed_a_signal_inside_the_window_opens_it_again_and_late_knowledge_is_taken() {
    let mut history = running();
    by_hand(&mut history, 7, 100, 100, close());
    assert_eq!(history.episode.as_ref().unwrap().phase(), Phase::Closed);
    assert_eq!(history.give(&command(take(1, 1), 0, 111)), Ok(false), "a task of this episode is known");
    assert_eq!(history.give(&command(reached(1), 90, 120)), Ok(true));
    assert_eq!(history.give(&command(completed(1), 95, 121)), Ok(true));
    let episode = history.episode.as_ref().unwrap();
    assert_eq!(episode.picture().ended.unwrap().closing.reason, CloseReason::WindowEnded);
    assert!(!episode.is_open());
    assert_eq!(history.give(&command(take(1, 2), 130, 131)), Ok(true));
    let episode = history.episode.as_ref().unwrap();
    assert!(episode.is_open(), "a re-entry");
    assert_eq!(episode.picture().tasks.len(), 2);
}

#[test]
fn a_signal_after_the_window_opens_the_next_episode_whether_or_not_the_work_was_closed() {
    const DAY: i64 = 24 * 60;
    for closed in [false, true] {
        let mut history = running();
        if closed {
            by_hand(&mut history, 7, 100, 100, close());
        }
        assert_eq!(history.give(&command(take(1, 2), 367 * DAY, 367 * DAY + 1)), Err(Refusal::Ended));
        assert_eq!(
            history.give(&command(take(1, 2), 365 * DAY, 367 * DAY + 1)),
            Ok(true),
            "it counts when it came"
        );
        // The window runs from the judgement, once there is one.
        let mut history = running();
        by_hand(&mut history, 8, 10 * DAY, 10 * DAY, Change::BaselineAssessed(judgement(Baseline::Possible)));
        assert_eq!(history.give(&command(take(1, 2), 374 * DAY, 374 * DAY + 1)), Ok(true));
        assert_eq!(history.give(&command(take(1, 3), 377 * DAY, 377 * DAY + 1)), Err(Refusal::Ended));
    }
}

#[test]
fn the_first_baseline_stands_and_a_correction_is_one_more_fact() {
    let mut history = running();
    let judged = |baseline| Change::BaselineAssessed(judgement(baseline));
    let first = by_hand(&mut history, 20, 10, 11, judged(Baseline::Imminent));
    by_hand(&mut history, 21, 5, 12, judged(Baseline::None));
    let standing = |picture: Picture| picture.baseline.unwrap().judgement.baseline;
    let episode = history.episode.clone().unwrap();
    assert_eq!(standing(episode.picture()), Baseline::Imminent);
    assert_eq!(episode.made_by_people(), 2);
    by_hand(&mut history, 22, 20, 20, correction(first, true));
    let episode = history.episode.clone().unwrap();
    assert_eq!(standing(episode.picture()), Baseline::None);
    assert_eq!(standing(episode.picture_as_known(at(19))), Baseline::Imminent);
    by_hand(&mut history, 23, 30, 30, correction(first, false));
    let episode = history.episode.clone().unwrap();
    assert_eq!(standing(episode.picture()), Baseline::Imminent);
    assert_eq!(history.replayed(), history.episode);
}

#[test]
fn a_closing_that_was_a_mistake_is_voided_and_the_work_goes_on() {
    let mut history = running();
    let closed = by_hand(&mut history, 7, 100, 100, close());
    by_hand(&mut history, 8, 101, 101, correction(closed, true));
    assert!(history.episode.as_ref().unwrap().is_open());
    by_hand(&mut history, 9, 102, 102, correction(closed, false));
    assert!(!history.episode.as_ref().unwrap().is_open());
}

#[test]
fn a_history_that_cannot_be_is_not_taken_in() {
    let history = running();
    let (opened, commit) = history.events[0].clone();
    let with = |ordinal, change| Event {
        meta: Meta { ordinal, ..opened.meta.clone() },
        effective_at: opened.effective_at,
        deadlines: None,
        continued_by: None,
        change,
    };
    let contact = Change::FirstContact { task: task(9) };
    let cases = [
        (None, with(2, opened.change.clone()), BadHistory::Ordinal { after: 0, found: 2 }),
        (
            None,
            with(1, contact.clone()),
            BadHistory::Step { phase: Phase::Absent, change: ChangeKind::FirstContact },
        ),
        (history.episode.clone(), with(1, contact.clone()), BadHistory::Ordinal { after: 1, found: 1 }),
        (
            history.episode.clone(),
            with(2, opened.change.clone()),
            BadHistory::Step { phase: Phase::Open, change: ChangeKind::Opened },
        ),
        (history.episode.clone(), with(2, contact), BadHistory::UnknownTask(ChangeKind::FirstContact)),
        (history.episode.clone(), with(2, Change::SignalJoined(signal(1))), BadHistory::TaskTwice),
        (
            history.episode.clone(),
            with(2, correction(CommitId::from_bytes([99; 16]), true)),
            BadHistory::UnknownFact(ChangeKind::Corrected),
        ),
    ];
    for (episode, event, expected) in cases {
        assert_eq!(evolve(episode, &event, commit), Err(expected));
    }
}
