//! The plan of follow-up checks, and what became of it.

use voordeur_escalation_domain::{
    FollowUpPlan,
    outcome::{CaseFact, CheckFact, CheckState, ESC_1, FactKind, planned_checks},
    words::{Baseline, DomainStatus, NeedStatus, WithdrawalScope},
};

use super::{clear, day, fact, on, threatened};

/// Days, and what became of them, on a day of observation.
fn states(facts: &[CaseFact], drawn: bool, observed: i32) -> Vec<(u16, CheckState)> {
    let plan = FollowUpPlan::default();
    let checks = planned_checks(facts, &ESC_1, &plan, drawn, on(observed, 365)).unwrap();
    checks.into_iter().map(|check| (check.after, check.state)).collect()
}

fn made(on: i32) -> CheckState {
    CheckState::Made { on: day(on), complete: true }
}

#[test]
fn a_plan_begins_with_the_judgement_and_a_missed_check_stays_visible() {
    use CheckState::{Ahead, Missed, Open};
    let mut facts = threatened(1, 0);
    assert_eq!(states(&facts, false, 89), [(90, Ahead), (180, Ahead), (365, Ahead)]);
    assert_eq!(states(&facts, false, 90), [(90, Open), (180, Ahead), (365, Ahead)]);
    assert_eq!(states(&facts, false, 110), [(90, Open), (180, Ahead), (365, Ahead)]);
    assert_eq!(states(&facts, false, 111), [(90, Missed), (180, Ahead), (365, Ahead)]);
    facts.push(fact(20, 92, clear(day(92))));
    assert_eq!(states(&facts, false, 200), [(90, made(92)), (180, Open), (365, Ahead)]);
    // A later check answers an earlier day too, and says when.
    facts.push(fact(21, 370, clear(day(370))));
    assert_eq!(states(&facts, false, 400), [(90, made(92)), (180, made(370)), (365, made(370))]);
}

#[test]
fn a_check_with_an_open_question_is_made_but_not_complete() {
    let check = CheckFact {
        covers_until: day(370),
        jeugdhulp: DomainStatus::Referred,
        onderwijs: DomainStatus::Unknown,
        need: NeedStatus::Ok,
    };
    let mut facts = threatened(1, 0);
    facts.push(fact(20, 370, FactKind::Checked(check)));
    let incomplete = CheckState::Made { on: day(370), complete: false };
    assert_eq!(states(&facts, false, 400)[2], (365, incomplete));
    facts.push(fact(21, 380, clear(day(380))));
    assert_eq!(states(&facts, false, 400)[2], (365, made(380)));
}

#[test]
fn without_a_threat_only_the_sample_is_asked_after() {
    let mut facts = threatened(1, 0);
    facts[2] = fact(3, 0, FactKind::Baseline(Baseline::None));
    assert_eq!(states(&facts, false, 100), []);
    assert_eq!(states(&facts, true, 100).len(), 3);
    facts.remove(2);
    assert_eq!(states(&facts, true, 100), []);
}

#[test]
fn after_a_withdrawal_nobody_may_ask() {
    let mut facts = threatened(1, 0);
    facts.push(fact(20, 92, clear(day(92))));
    facts.push(fact(21, 100, FactKind::ConsentWithdrawn(WithdrawalScope::FollowUp)));
    let not_allowed = CheckState::NotAllowed;
    assert_eq!(states(&facts, false, 600), [(90, made(92)), (180, not_allowed), (365, not_allowed)]);
}

#[test]
fn days_and_patience_are_those_of_the_plan() {
    let plan =
        FollowUpPlan { version: 2, days: vec![30, 10], ask_again_after_days: 5, ..FollowUpPlan::default() };
    let checks = planned_checks(&threatened(1, 0), &ESC_1, &plan, false, on(15, 365)).unwrap();
    let told: Vec<_> = checks.iter().map(|check| (check.after, check.due, check.state)).collect();
    assert_eq!(told, [(10, day(10), CheckState::Missed), (30, day(30), CheckState::Ahead)]);
}
