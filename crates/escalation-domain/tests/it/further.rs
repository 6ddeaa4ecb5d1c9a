//! More work on a task that has ended.

use jiff::tz::TimeZone;
use voordeur_escalation_domain::{
    Action, Actor, Change, Command, TaskOutcome,
    deadline::{day_of, start_of},
    outcome::{ESC_1, FactKind, take_in},
    words::WithdrawalScope,
};
use voordeur_kernel::{ProfessionalKey, Role};

use crate::{History, at, command, completed, reached, take, task};

fn contact_in(number: u8, further: u8) -> Action {
    Action::RecordContact { task: task(number), continued_by: Some(task(further)) }
}

fn completed_in(number: u8, further: u8, outcome: TaskOutcome) -> Action {
    Action::RecordCompletion { task: task(number), continued_by: Some(task(further)), outcome }
}

/// A signal, whose task was completed at minute 60 without contact.
fn done() -> History {
    let mut history = History::default();
    history.give(&command(take(1, 1), 0, 1)).unwrap();
    history.give(&command(completed(1), 60, 61)).unwrap();
    history
}

#[test]
fn each_is_completed_once_beside_the_task_itself() {
    let mut history = done();
    let further = [(8, 90, TaskOutcome::Referred), (9, 95, TaskOutcome::SupportOnTheFloor)];
    for known in [true, false] {
        for (number, minute, outcome) in further {
            let act = command(completed_in(1, number, outcome), minute, 100);
            assert_eq!(history.give(&act), Ok(known));
        }
    }
    assert_eq!(history.give(&command(completed(1), 60, 101)), Ok(false));
    let picture = history.episode.clone().unwrap().picture();
    assert_eq!(picture.tasks.len(), 1);
    assert_eq!(picture.tasks[0].completed.unwrap().outcome, TaskOutcome::Advice);
    let shown: Vec<_> = picture.tasks[0].further.iter().map(|c| (c.at.effective, c.outcome)).collect();
    assert_eq!(shown, [(at(90), TaskOutcome::Referred), (at(95), TaskOutcome::SupportOnTheFloor)]);
    let named: Vec<_> = history.events.iter().map(|(event, _)| event.continued_by).collect();
    assert_eq!(named, [None, None, Some(task(8)), Some(task(9))]);
    assert_eq!(history.replayed(), history.episode);
}

#[test]
fn a_contact_there_is_the_first_when_there_was_none_before() {
    let mut history = done();
    assert_eq!(history.give(&command(contact_in(1, 8), 90, 91)), Ok(true));
    let first = |history: &History| history.episode.as_ref().unwrap().picture().first_contact.unwrap();
    assert_eq!((first(&history).at.effective, first(&history).task), (at(90), task(1)));
    assert_eq!(history.give(&command(contact_in(1, 9), 95, 96)), Ok(false), "a later one is no first");
    // Also when what came before becomes known later.
    assert_eq!(history.give(&command(reached(1), 30, 97)), Ok(true));
    assert_eq!(first(&history).at.effective, at(30));
}

#[test]
fn the_rules_see_a_contact_and_nothing_else_of_it() {
    let mut history = done();
    history.give(&command(contact_in(1, 8), 90, 91)).unwrap();
    history.give(&command(completed_in(1, 8, TaskOutcome::Referred), 95, 96)).unwrap();
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    let mut facts = Vec::new();
    for (event, commit) in &history.events {
        take_in(&mut facts, event, *commit, &ESC_1.endpoints, &zone);
    }
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind).collect();
    assert!(matches!(kinds.as_slice(), [FactKind::Signal(_), FactKind::FirstContact]), "{kinds:?}");
    assert!(matches!(history.events[3].0.change, Change::TaskCompleted { .. }));
}

#[test]
fn what_happens_once_a_withdrawal_is_known_is_not_recorded_not_even_on_that_day() {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    for scope in WithdrawalScope::ALL.iter().copied() {
        let mut history = done();
        let withdrawal = command(Action::Record(Change::ConsentWithdrawn { scope }), 0, 70);
        let today = start_of(day_of(at(70), &zone), &zone).unwrap();
        assert_eq!(day_of(at(100), &zone), day_of(at(70), &zone), "all of it is on one day");
        let noor = Actor::Person(ProfessionalKey::parse("noor").unwrap(), Role::Professional);
        let withdrawal = Command { effective_at: today, actor: noor, ..withdrawal };
        assert_eq!(history.give(&withdrawal), Ok(true));
        let before = history.clone();
        assert_eq!(history.give(&command(contact_in(1, 8), 90, 91)), Ok(false));
        assert_eq!(history.give(&command(completed_in(1, 8, TaskOutcome::Advice), 100, 101)), Ok(false));
        assert_eq!(history, before);
        // What happened before may become known later.
        assert_eq!(history.give(&command(reached(1), 65, 102)), Ok(true));
    }
}
