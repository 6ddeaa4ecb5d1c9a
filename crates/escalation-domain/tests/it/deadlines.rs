//! What an episode waits for: checks by the plan, a missed one that is asked for again, hand-overs.

use voordeur_escalation_domain::{
    Action, Baseline, Change, CloseReason, Command, Deadline, Refusal, Work, in_sample, words::*,
};
use voordeur_kernel::{CommandId, EpisodeId};

use crate::{
    History,
    story::{checked, closed, corrected, day, history, id, judged, noon, second, start, support, told},
};

fn waits(history: &History) -> Vec<Deadline> {
    history.episode.as_ref().unwrap().deadlines().collect()
}

fn at(days: i32, work: Work) -> Deadline {
    Deadline { due: start(days), work }
}

/// The clock at noon of a day.
fn remind(deadline: Deadline, number: u8, now: i32) -> Command {
    let mut command = told(number, now, support()).command();
    command.action = Action::Remind(deadline);
    command.actor = voordeur_escalation_domain::Actor::Service("escalation".into());
    (command.now, command.effective_at) = (noon(now), deadline.due);
    command
}

fn possible() -> History {
    history(Some(3)).with(told(1, 4, judged(Baseline::Possible)))
}

#[test]
fn a_threatened_child_is_asked_after_at_90_180_and_365_days_from_the_judgement() {
    let expected = [at(94, Work::FollowUp(90)), at(184, Work::FollowUp(180)), at(369, Work::FollowUp(365))];
    for baseline in [Baseline::Possible, Baseline::Imminent] {
        assert_eq!(waits(&history(Some(3)).with(told(1, 4, judged(baseline)))), expected);
    }
    let again = possible().with(told(2, 5, second(Baseline::None)).by("sam"));
    assert_eq!(waits(&again), expected, "a second judgement changes nothing");
    let recorded_late = history(Some(3)).with(told(1, 4, judged(Baseline::Possible)).known(15));
    assert_eq!(waits(&recorded_late), expected, "the days count from the judgement");
}

#[test]
fn a_child_that_nobody_considers_referring_is_asked_after_when_its_episode_is_in_the_sample() {
    let (mut drawn, mut others) = (0, 0);
    for number in 0..=255_u8 {
        let episode = EpisodeId::from_bytes([number; 16]);
        let mut history = history(Some(3));
        let mut command = told(1, 4, judged(Baseline::None)).command();
        command.episode = episode;
        history.give(&command).unwrap();
        let expected = if in_sample(episode, 10) { 3 } else { 0 };
        assert_eq!(waits(&history).len(), expected);
        drawn += usize::from(expected > 0);
        others += usize::from(expected == 0);
    }
    assert!(drawn > 0 && others > drawn);
}

#[test]
fn a_moment_that_came_is_told_once_and_a_check_that_was_not_made_is_asked_for_again_and_stays_visible() {
    let mut history = possible();
    let first = at(94, Work::FollowUp(90));
    assert_eq!(history.give(&remind(first, 9, 93)), Err(Refusal::NotDue));
    assert_eq!(history.give(&remind(first, 9, 94)), Ok(true));
    assert_eq!(history.give(&remind(first, 9, 94)), Ok(false), "another replica");
    assert_eq!(history.give(&remind(first, 10, 95)), Err(Refusal::NotDue), "a stale one");
    let (event, _) = history.events.last().unwrap().clone();
    assert!(
        matches!(&event.change, Change::WorkDue { work: Work::FollowUp(90), centre, .. } if centre.as_str() == "de-wilg")
    );
    assert_eq!(event.effective_at, start(94), "it came when it was due");
    let again = at(115, Work::MissedFollowUp(90));
    assert_eq!(waits(&history)[0], again);
    let missed = |history: &History| {
        let standing = history.episode.as_ref().unwrap().standing();
        voordeur_escalation_domain::missed_follow_ups(&standing, &crate::rules().zone)
    };
    assert_eq!(missed(&history), [0_u16; 0]);
    assert_eq!(history.give(&remind(again, 11, 120)), Ok(true));
    assert_eq!(missed(&history), [90]);
    assert_eq!(waits(&history), [at(184, Work::FollowUp(180)), at(369, Work::FollowUp(365))]);
    // A check that reaches the day answers it, late as it is.
    let history = history.with(told(2, 150, checked(150, 90)));
    assert_eq!(missed(&history), [0_u16; 0]);
}

#[test]
fn a_check_that_was_fired_late_still_has_its_whole_time() {
    let mut history = possible();
    assert_eq!(history.give(&remind(at(94, Work::FollowUp(90)), 9, 130)), Ok(true));
    assert_eq!(waits(&history)[0], at(151, Work::MissedFollowUp(90)));
}

#[test]
fn a_check_takes_away_every_question_that_it_answers() {
    let history = possible().with(told(2, 94, checked(94, 90)));
    assert_eq!(waits(&history), [at(184, Work::FollowUp(180)), at(369, Work::FollowUp(365))]);
    let history = history.with(told(3, 200, checked(200, 0)));
    assert_eq!(waits(&history), [at(369, Work::FollowUp(365))], "one that nobody asked for answers as well");
    let history = history.with(told(4, 201, Change::Corrected(corrected(3, true))));
    assert_eq!(waits(&history)[0], at(184, Work::FollowUp(180)), "voided, it answers nothing");
}

#[test]
fn closing_the_work_ends_no_check_and_withdrawn_consent_ends_all() {
    let history = possible().with(told(2, 30, closed(CloseReason::WorkDone)));
    assert_eq!(waits(&history).len(), 3);
    let gone = history.with(told(3, 40, Change::ConsentWithdrawn { scope: WithdrawalScope::FollowUp }));
    assert_eq!(waits(&gone), []);
    let mistake = gone.with(told(4, 41, Change::Corrected(corrected(3, true))));
    assert_eq!(waits(&mistake).len(), 3);
}

#[test]
fn a_hand_over_comes_up_on_its_day_moves_when_it_is_planned_again_and_goes_when_the_child_leaves() {
    let planned = |number, on, to| {
        told(number, on, Change::HandOverPlanned { moment: HandOverMoment::ToSchool, on: day(to) })
    };
    let hand_over = Work::HandOver(HandOverMoment::ToSchool);
    let history = history(Some(3)).with(planned(1, 4, 60)).with(planned(2, 5, 50));
    assert_eq!(waits(&history), [at(50, hand_over)]);
    let mut came = history.clone();
    assert_eq!(came.give(&remind(at(50, hand_over), 9, 50)), Ok(true));
    assert_eq!(waits(&came), []);
    let left =
        history.clone().with(told(3, 20, Change::ChildLeft { destination: LeavingDestination::Regular }));
    assert_eq!(waits(&left), []);
    let stayed = left.with(told(4, 21, Change::Corrected(corrected(3, true))));
    assert_eq!(waits(&stayed), [at(50, hand_over)]);
    assert_eq!(waits(&history.with(told(3, 20, closed(CloseReason::WorkDone)))), []);
    assert_ne!(id(1), id(2));
    assert_ne!(CommandId::from_bytes([1; 16]), CommandId::from_bytes([2; 16]));
}

#[test]
fn other_days_are_a_matter_of_the_plan() {
    let mut rules = crate::rules();
    rules.plan.days = vec![30];
    rules.plan.version = 2;
    let history = history(Some(3));
    let command = told(1, 4, judged(Baseline::Possible)).command();
    let event =
        voordeur_escalation_domain::decide(history.episode.as_ref(), &command, &rules).unwrap().unwrap();
    assert_eq!(event.deadlines, Some(vec![at(34, Work::FollowUp(30))]));
    assert!(matches!(event.change, Change::BaselineAssessed(judgement) if judgement.plan_version == 2));
}
