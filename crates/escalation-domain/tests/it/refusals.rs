//! An example of every refusal: what is told, and the code of the answer. Nothing changes.

use std::collections::BTreeSet;

use voordeur_escalation_domain::{
    Action, Baseline, Change, CloseReason, Correction, Destination, Earlier, Refusal, faults, words::*,
};
use voordeur_kernel::{ChildAlias, CommandId, EpisodeId, Timestamp};

use crate::{
    History, child, completed, reached,
    story::{
        Told, checked, closed, corrected, day, goal, history, id, jeugdhulp, judged, key, noon, opened,
        requested, reviewed, second, start, started, support, told,
    },
    take,
};

/// Tells it and expects this refusal, and that nothing changed.
fn refused(history: &History, told: &Told, expected: Refusal, seen: &mut BTreeSet<Refusal>) {
    let mut after = history.clone();
    assert_eq!(after.tell(told), Err(expected), "{told:?}");
    assert_eq!((&after.episode, after.events.len()), (&history.episode, history.events.len()));
    seen.insert(expected);
}

fn leave() -> Change {
    Change::ChildLeft { destination: LeavingDestination::Regular }
}

fn withdraw(scope: WithdrawalScope) -> Change {
    Change::ConsentWithdrawn { scope }
}

fn decided(referral: u8, decision: ReferralDecision) -> Change {
    Change::ReferralDecided { referral: id(referral), decision }
}

fn ended(referral: u8) -> Change {
    Change::CareEnded { referral: id(referral), reason: CareEndReason::VolgensPlan }
}

fn scored(goal: u8) -> Change {
    Change::GoalScored { goal: id(goal), score: GoalScore::Reached, with_parents: true }
}

fn planned(on: i32) -> Change {
    Change::HandOverPlanned { moment: HandOverMoment::ToSchool, on: day(on) }
}

fn correct(correction: Correction) -> Change {
    Change::Corrected(correction)
}

#[test]
fn the_baseline_is_judged_in_time_by_two_different_people_and_before_anything_is_known() {
    let seen = &mut BTreeSet::new();
    let contacted = history(Some(3));
    let imminent = |on| told(9, on, judged(Baseline::Imminent));
    refused(&history(None), &imminent(2), Refusal::NoFirstContact, seen);
    refused(&contacted, &imminent(2).known(5), Refusal::BaselineBeforeContact, seen);
    refused(&contacted, &imminent(18), Refusal::BaselineTooLate, seen);
    refused(&contacted, &imminent(17).known(32), Refusal::BaselineRecordedTooLate, seen);
    assert_eq!(contacted.clone().tell(&imminent(17).known(31)), Ok(true), "the last moment");
    let referred = contacted.clone().with(told(1, 5, requested(1)));
    refused(&referred, &imminent(6), Refusal::ReferralKnown, seen);
    refused(&referred, &imminent(4).known(6), Refusal::ReferralKnown, seen);
    let before = contacted.clone().with(told(1, 1, requested(1)));
    assert_eq!(before.clone().tell(&imminent(4)), Ok(true), "an earlier referral does not tell how it ends");
    let other = Change::ReferralRequested {
        referral: id(1),
        destination: Destination::Other(OtherDestination::Zvw),
        verwijzer: Verwijzer::Huisarts,
    };
    assert_eq!(contacted.clone().with(told(1, 5, other)).tell(&imminent(6)), Ok(true), "no endpoint");

    refused(&contacted, &told(9, 5, second(Baseline::None)), Refusal::NoFirstJudgement, seen);
    let judged_once = contacted.with(imminent(4));
    let again = Told { number: 10, ..imminent(5) };
    refused(&judged_once, &again, Refusal::BaselineLocked, seen);
    refused(&judged_once, &told(10, 5, second(Baseline::None)), Refusal::SameJudge, seen);
    let judged_twice = judged_once.with(told(10, 5, second(Baseline::None)).by("sam"));
    refused(&judged_twice, &told(11, 6, second(Baseline::None)).by("els"), Refusal::SecondJudged, seen);
    let episode = judged_twice.episode.unwrap();
    assert_eq!(episode.picture().baseline.unwrap().judgement.baseline, Baseline::Imminent);
    assert_eq!(episode.picture().second_baseline.unwrap().by, Some(key("sam")));
    assert_eq!(seen.len(), 9);
}

#[test]
fn facts_lie_within_the_episode_and_never_in_the_future() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3));
    refused(&history, &told(1, 10, support()).known(9), Refusal::InTheFuture, seen);
    refused(&history, &told(1, -1, support()).known(9), Refusal::BeforeTheEpisode, seen);
    assert_eq!(
        history.clone().tell(&told(1, -40, requested(1)).known(9)),
        Ok(true),
        "it can have been there before"
    );
    let closed_on_20 = history.with(told(2, 20, closed(CloseReason::WorkDone)));
    refused(&closed_on_20, &told(3, 21, support()), Refusal::AfterTheEnd, seen);
    assert_eq!(closed_on_20.clone().tell(&told(3, 19, support()).known(25)), Ok(true), "known later");
    assert_eq!(closed_on_20.clone().tell(&told(3, 100, checked(100, 0))), Ok(true), "checks go on");
    assert_eq!(closed_on_20.clone().tell(&told(3, 100, requested(3))), Ok(true), "and so do referrals");
    refused(&closed_on_20, &told(3, 21, planned(40)), Refusal::AlreadyClosed, seen);
    refused(&closed_on_20, &told(3, 21, closed(CloseReason::WorkDone)), Refusal::AlreadyClosed, seen);
}

#[test]
fn after_consent_was_withdrawn_nothing_that_happens_later_is_processed() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3)).with(told(1, 4, judged(Baseline::Possible)));
    let mut follow_up = history.clone().with(told(2, 20, withdraw(WithdrawalScope::FollowUp)));
    refused(&follow_up, &told(3, 21, support()), Refusal::ConsentWithdrawn, seen);
    refused(&follow_up, &told(3, 30, requested(3)), Refusal::ConsentWithdrawn, seen);
    assert_eq!(
        follow_up.clone().tell(&told(3, 15, support()).known(30)),
        Ok(true),
        "what was before stays lawful"
    );
    refused(&follow_up, &told(3, 30, withdraw(WithdrawalScope::FollowUp)), Refusal::AlreadyWithdrawn, seen);
    assert_eq!(follow_up.clone().tell(&told(3, 30, closed(CloseReason::ConsentWithdrawn))), Ok(true));
    assert_eq!(follow_up.episode.as_ref().unwrap().deadlines().count(), 0, "nobody is asked any more");
    let events = follow_up.events.len();
    follow_up.complete(40);
    assert_eq!(follow_up.events.len(), events, "what tasks tell about later days is left out");
    let mut signal = crate::command(take(1, 2), 0, 0);
    (signal.effective_at, signal.now) = (noon(30), noon(30));
    assert_eq!(follow_up.give(&signal), Err(Refusal::Ended), "a new signal brings its own consent");

    let all = follow_up.with(told(4, 30, withdraw(WithdrawalScope::All)));
    refused(&all, &told(5, 15, support()).known(31), Refusal::ConsentWithdrawnWhole, seen);
    assert_eq!(
        all.clone().tell(&told(5, 31, correct(corrected(4, true)))),
        Ok(true),
        "unless that was a mistake"
    );
    assert_eq!(seen.len(), 3);
}

#[test]
fn goals_are_scored_after_they_were_set() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3)).with(told(1, 10, goal(1))).with(told(2, 11, support()));
    refused(&history, &told(9, 12, scored(2)), Refusal::UnknownGoal, seen);
    refused(&history, &told(9, 12, scored(7)), Refusal::UnknownGoal, seen);
    refused(&history, &told(9, 9, scored(1)).known(12), Refusal::BeforeItsCause, seen);
    let voided = history.with(told(3, 12, correct(corrected(1, true))));
    refused(&voided, &told(9, 12, scored(1)), Refusal::UnknownGoal, seen);
}

#[test]
fn referrals_and_care_follow_each_other() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3));
    refused(&history, &told(9, 12, decided(1, ReferralDecision::Granted)), Refusal::UnknownReferral, seen);
    let asked = history.clone().with(told(1, 10, requested(1)));
    refused(
        &asked,
        &told(9, 9, decided(1, ReferralDecision::Granted)).known(12),
        Refusal::BeforeItsCause,
        seen,
    );
    refused(&asked, &told(9, 12, ended(1)), Refusal::NoCare, seen);
    refused(&asked, &told(9, 200, reviewed(1, "els", false)), Refusal::NoCare, seen);
    let tlv = Change::CareStarted {
        referral: id(1),
        destination: Destination::Onderwijs(Toelaatbaarheid::Sbo),
        verwijzer: Some(Verwijzer::Onderwijs),
    };
    refused(&asked, &told(9, 12, tlv), Refusal::OtherDestination, seen);
    let no = asked.clone().with(told(2, 20, decided(1, ReferralDecision::Refused)));
    refused(&no, &told(9, 21, decided(1, ReferralDecision::Granted)), Refusal::AlreadyDecided, seen);
    refused(&no, &told(9, 21, started(1)), Refusal::NotGranted, seen);
    let yes = asked.with(told(2, 20, decided(1, ReferralDecision::Granted)));
    assert_eq!(yes.clone().tell(&told(9, 21, decided(1, ReferralDecision::Withdrawn))), Ok(true));
    let care = yes.with(told(3, 30, started(1)));
    refused(&care, &told(9, 31, started(1)), Refusal::CareRuns, seen);
    refused(&care, &told(9, 31, decided(1, ReferralDecision::Withdrawn)), Refusal::CareRuns, seen);
    let over = care.with(told(4, 50, ended(1)));
    refused(&over, &told(9, 51, ended(1)), Refusal::CareOver, seen);
    let without_request = history.with(told(5, 30, started(5)));
    assert_eq!(
        without_request.clone().tell(&told(6, 60, ended(5))),
        Ok(true),
        "care is a referral of its own"
    );
    refused(
        &without_request,
        &told(6, 60, decided(5, ReferralDecision::Granted)),
        Refusal::UnknownReferral,
        seen,
    );
    assert_eq!(seen.len(), 8);
}

#[test]
fn two_different_people_review_one_of_the_receiving_provider_and_none_of_the_case() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3))
        .with(told(1, 4, judged(Baseline::Possible)))
        .with(told(2, 10, requested(2)))
        .with(told(3, 30, started(2)));
    refused(&history, &told(9, 119, reviewed(2, "els", false)), Refusal::ReviewTooEarly, seen);
    refused(&history, &told(9, 120, reviewed(2, "noor", false)), Refusal::ReviewerOwnsCase, seen);
    let one = history.clone().with(told(9, 120, reviewed(2, "els", false)));
    refused(&one, &told(10, 121, reviewed(2, "els", false)), Refusal::SameReviewer, seen);
    refused(&one, &told(10, 121, reviewed(2, "els", true)), Refusal::SameReviewer, seen);
    refused(&one, &told(10, 121, reviewed(2, "marit", false)), Refusal::ReviewerOfProviderNeeded, seen);
    let two = one.with(told(10, 121, reviewed(2, "noor", true)));
    refused(&two, &told(11, 122, reviewed(2, "marit", false)), Refusal::ReviewsComplete, seen);
    let other_way = history.with(told(9, 120, reviewed(2, "arts", true)));
    refused(&other_way, &told(10, 121, reviewed(2, "arts-2", true)), Refusal::ReviewerOfProviderNeeded, seen);
    assert_eq!(seen.len(), 5);
}

#[test]
fn a_check_says_what_is_known_and_reaches_the_day_that_it_answers() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3));
    refused(&history, &told(9, 95, checked(95, 90)), Refusal::NoBaseline, seen);
    assert_eq!(history.clone().tell(&told(9, 95, checked(95, 0))), Ok(true), "a check that nobody asked for");
    let judged = history.with(told(1, 4, judged(Baseline::Possible)));
    refused(&judged, &told(9, 93, checked(93, 90)), Refusal::CheckTooEarly, seen);
    refused(&judged, &told(9, 94, checked(95, 90)), Refusal::CoversTheFuture, seen);
    refused(&judged, &told(9, 94, checked(-3, 0)), Refusal::BeforeTheEpisode, seen);
    assert_eq!(judged.clone().tell(&told(9, 94, checked(94, 90))), Ok(true));
}

#[test]
fn leaving_hand_overs_youth_care_and_closing_are_told_once_and_fit() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3));
    refused(&history, &told(9, 10, planned(10)), Refusal::HandOverDay, seen);
    refused(&history, &told(9, 10, planned(4_000)), Refusal::HandOverDay, seen);
    refused(&history, &told(9, 10, closed(CloseReason::WindowEnded)), Refusal::WindowRuns, seen);
    refused(&history, &told(9, 10, closed(CloseReason::ChildLeft)), Refusal::NotLeft, seen);
    refused(&history, &told(9, 10, closed(CloseReason::ConsentWithdrawn)), Refusal::ConsentStands, seen);
    assert_eq!(history.clone().tell(&told(9, 366, closed(CloseReason::WindowEnded))), Ok(true));
    let left = history.clone().with(told(1, 20, leave()));
    refused(&left, &told(9, 21, leave()), Refusal::AlreadyLeft, seen);
    let mut back = left;
    let mut signal = crate::command(take(1, 2), 0, 0);
    (signal.effective_at, signal.now) = (noon(40), noon(40));
    back.give(&signal).unwrap();
    assert_eq!(back.tell(&told(9, 41, leave())), Ok(true), "it came back and left again");
    let care = history.with(told(1, 20, Change::YouthCareStarted));
    refused(&care, &told(9, 21, Change::YouthCareStarted), Refusal::AlreadyYouthCare, seen);
}

#[test]
fn a_correction_takes_two_people_and_says_something_else() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3)).with(told(1, 10, support()));
    let wrong = |correction| told(9, 12, correct(correction));
    refused(&history, &wrong(corrected(7, true)), Refusal::UnknownFact, seen);
    let alone = Correction { second_person: key("noor"), ..corrected(1, true) };
    refused(&history, &wrong(alone), Refusal::SamePerson, seen);
    refused(&history, &wrong(corrected(1, false)), Refusal::NothingCorrected, seen);
    let answer = Correction { baseline: Some(Baseline::None), ..corrected(1, false) };
    refused(&history, &wrong(answer), Refusal::NothingCorrected, seen);
    let moved = |days| Correction { effective_at: Some(start(days)), ..corrected(1, false) };
    refused(&history, &wrong(moved(13)), Refusal::InTheFuture, seen);
    refused(&history, &wrong(moved(-1)), Refusal::BeforeTheEpisode, seen);
    let history = history.with(told(2, 12, correct(moved(8))));
    let fact =
        history.episode.as_ref().unwrap().standing().into_iter().find(|fact| fact.commit == id(1)).unwrap();
    assert_eq!((fact.effective_at, fact.corrected, fact.voided), (start(8), true, false));
    refused(&history, &told(9, 13, correct(corrected(2, true))), Refusal::NotCorrectable, seen);
}

#[test]
fn a_baseline_is_corrected_within_14_days_and_before_a_referral_is_known() {
    let seen = &mut BTreeSet::new();
    let history = history(Some(3)).with(told(1, 4, judged(Baseline::Possible)));
    let answer = |baseline| Correction { baseline: Some(baseline), ..corrected(1, false) };
    refused(&history, &told(9, 10, correct(answer(Baseline::Imminent))), Refusal::MarkNeeded, seen);
    assert_eq!(history.clone().tell(&told(9, 18, correct(answer(Baseline::None)))), Ok(true), "the last day");
    refused(&history, &told(9, 19, correct(answer(Baseline::None))), Refusal::CorrectionTooLate, seen);
    refused(&history, &told(9, 19, correct(corrected(1, true))), Refusal::CorrectionTooLate, seen);
    let wrong_child = Correction { reason: Some(CorrectionReason::WrongChild), ..corrected(1, true) };
    assert_eq!(history.clone().tell(&told(9, 200, correct(wrong_child))), Ok(true));
    let referred = history.clone().with(told(2, 10, requested(2)));
    refused(&referred, &told(9, 11, correct(answer(Baseline::None))), Refusal::CorrectionTooLate, seen);
    let none = history.with(told(2, 10, correct(answer(Baseline::None))));
    let episode = none.episode.unwrap();
    assert_eq!(episode.picture().baseline.unwrap().judgement.baseline, Baseline::None);
    assert_eq!(episode.deadlines().count(), 0, "nobody considers it any more, so nobody is asked");
}

fn earlier(number: u8, opened_at: Timestamp, judged: bool) -> Earlier {
    Earlier {
        episode: EpisodeId::from_bytes([number; 16]),
        child: ChildAlias::from_bytes([number; 16]),
        opened_at,
        judged,
    }
}

#[test]
fn episodes_are_linked_from_the_later_to_the_earlier_one() {
    let history = history(Some(3)).with(told(1, 4, judged(Baseline::Possible)));
    let link = |number, other: Earlier| {
        let mut command = told(number, 10, support()).command();
        command.action = Action::Link(other);
        command
    };
    let mut linked = history.clone();
    assert_eq!(linked.give(&link(9, earlier(7, noon(5), true))), Err(Refusal::LinkFromLater));
    let same = Earlier { child: child(1), ..earlier(7, noon(-5), true) };
    assert_eq!(linked.give(&link(9, same)), Err(Refusal::SameChild));
    assert_eq!(linked, history);
    assert_eq!(linked.give(&link(9, earlier(7, noon(-5), true))), Ok(true));
    assert_eq!(linked.give(&link(10, earlier(7, noon(-5), true))), Err(Refusal::AlreadyLinked));
    assert_eq!(
        linked.episode.unwrap().deadlines().count(),
        0,
        "the child is asked after from its earlier baseline"
    );
    let mut unjudged = history;
    assert_eq!(unjudged.give(&link(9, earlier(7, noon(-5), false))), Ok(true));
    assert_eq!(unjudged.episode.unwrap().deadlines().count(), 3);
}

#[test]
fn what_is_not_for_people_or_stale_or_strange_is_refused() {
    let history = history(Some(3));
    let mut command = told(9, 10, support()).command();
    command.seen_version = 1;
    assert_eq!(history.clone().give(&command), Err(Refusal::VersionChanged { now: 0 }));
    let with_one = history.clone().with(told(1, 5, support()));
    assert_eq!(with_one.clone().give(&command), Ok(true), "she saw the last thing that a person did");
    let mut late = with_one.clone();
    late.complete(6);
    assert_eq!(late.give(&command), Ok(true), "what the service does spoils no tap");
    command.seen_version = 0;

    let service = Change::FirstContact { task: crate::task(1) };
    assert_eq!(history.clone().tell(&told(9, 10, service)), Err(Refusal::NotForPeople));
    let link = Change::EpisodesLinked { earlier: EpisodeId::from_bytes([7; 16]) };
    assert_eq!(history.clone().tell(&told(9, 10, link)), Err(Refusal::NotForPeople));
    let minutes = Change::SupportGiven { kind: SupportKind::Child, minutes: 0, funding: Funding::Other };
    assert_eq!(history.clone().tell(&told(9, 10, minutes)), Err(Refusal::Malformed));
    let mut nobody = told(9, 10, support()).command();
    nobody.actor = voordeur_escalation_domain::Actor::Service("routing".into());
    assert_eq!(history.clone().give(&nobody), Err(Refusal::NotForPeople));
    assert_eq!(History::default().tell(&told(9, 10, support())), Err(Refusal::NotThere));
    let mut other = told(1, 6, support()).command();
    other.commit = id(77);
    assert_eq!(with_one.clone().give(&other), Err(Refusal::OtherContent));
    let mut far = told(9, 10, support()).command();
    far.effective_at = Timestamp::MAX;
    assert_eq!(history.clone().give(&far), Err(Refusal::BadMoment));
    let mut unknown = crate::command(reached(9), 0, 0);
    unknown.id = CommandId::from_bytes([99; 16]);
    assert_eq!(history.clone().give(&unknown), Err(Refusal::UnknownTask));
    let mut unknown = crate::command(completed(9), 0, 0);
    unknown.id = CommandId::from_bytes([98; 16]);
    assert_eq!(history.clone().give(&unknown), Err(Refusal::UnknownTask));
    let mut twin = crate::command(take(2, 2), 0, 0);
    (twin.effective_at, twin.now) = (noon(4), noon(4));
    assert_eq!(history.clone().give(&twin), Err(Refusal::OtherChild));
    assert_eq!(opened(), day(0));
    let mut full = history;
    for number in 0_u32..2_100 {
        let mut command = told(9, 10, support()).command();
        let mut bytes = [3; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        command.id = CommandId::from_bytes(bytes);
        command.commit = voordeur_kernel::CommitId::from_bytes(bytes);
        match full.give(&command) {
            Ok(changed) => assert!(changed),
            Err(refusal) => {
                assert_eq!(
                    (refusal, full.episode.as_ref().unwrap().events()),
                    (Refusal::TooManyFacts, 2_000)
                );
                return;
            }
        }
    }
    panic!("an episode takes any number of facts");
}

/// Fields of the faults of a fact.
fn fields(change: &Change) -> Vec<String> {
    faults(change).into_vec().into_iter().map(|fault| format!("{} {}", fault.field, fault.reason)).collect()
}

#[test]
fn codes_that_contradict_each_other_are_told_all_at_once() {
    use voordeur_escalation_domain::{Closing, Jeugdhulp, Judgement, WordSet};
    let judgement = |baseline, marks: WordSet<ImminentMark>| {
        Change::BaselineAssessed(Judgement {
            baseline,
            probability_percent: 50,
            took_part: WordSet::empty(),
            marks,
            second: false,
            plan_version: 0,
        })
    };
    assert_eq!(
        fields(&judgement(Baseline::Imminent, WordSet::empty())),
        ["baseline_assessed.took_part REQUIRED", "baseline_assessed.marks MARK_REQUIRED"]
    );
    let marks = [ImminentMark::Severe].into_iter().collect();
    assert_eq!(
        fields(&judgement(Baseline::Possible, marks))[1],
        "baseline_assessed.marks MARK_WITHOUT_IMMINENT"
    );
    let referral =
        |destination, verwijzer| Change::ReferralRequested { referral: id(1), destination, verwijzer };
    let care = |hulpvorm, productcategorie, court| {
        Destination::Jeugdhulp(Jeugdhulp { hulpvorm, productcategorie, crisis: false, court })
    };
    for (destination, verwijzer, field, reason) in [
        (care(Some(5), None, false), Verwijzer::Huisarts, "destination.jeugdhulp.hulpvorm", "UNKNOWN_CODE"),
        (
            care(None, Some(39), false),
            Verwijzer::Huisarts,
            "destination.jeugdhulp.productcategorie",
            "UNKNOWN_CODE",
        ),
        (
            care(None, Some(46), false),
            Verwijzer::Huisarts,
            "destination.jeugdhulp.productcategorie",
            "CODE_CONTRADICTS",
        ),
        (
            care(None, Some(48), false),
            Verwijzer::Huisarts,
            "destination.jeugdhulp.productcategorie",
            "CODE_CONTRADICTS",
        ),
        (care(Some(1), None, false), Verwijzer::Huisarts, "verwijzer", "VERWIJZER_CONTRADICTS"),
        (care(Some(2), None, false), Verwijzer::Geen, "verwijzer", "VERWIJZER_CONTRADICTS"),
        (care(Some(2), None, false), Verwijzer::Onderwijs, "verwijzer", "VERWIJZER_CONTRADICTS"),
        (care(Some(2), None, true), Verwijzer::Huisarts, "verwijzer", "VERWIJZER_CONTRADICTS"),
        (
            Destination::Onderwijs(Toelaatbaarheid::Sbo),
            Verwijzer::Gemeente,
            "verwijzer",
            "VERWIJZER_CONTRADICTS",
        ),
        (
            Destination::Other(OtherDestination::VrijToegankelijk),
            Verwijzer::Huisarts,
            "verwijzer",
            "VERWIJZER_CONTRADICTS",
        ),
    ] {
        assert_eq!(
            fields(&referral(destination, verwijzer)),
            [format!("referral_requested.{field} {reason}")]
        );
    }
    assert!(fields(&referral(jeugdhulp(), Verwijzer::Huisarts)).is_empty());
    let closing = Closing {
        usefulness: Some(11),
        informant: None,
        certainty_now: Some(11),
        ..Closing::for_reason(CloseReason::FamilyEnded)
    };
    assert_eq!(
        fields(&Change::Closed(closing)),
        [
            "closed.usefulness OUT_OF_RANGE",
            "closed.informant REQUIRED",
            "closed.certainty_now OUT_OF_RANGE",
            "closed.further_help REQUIRED",
            "closed.end END_CONTRADICTS"
        ]
    );
    let correction = Correction { reason: None, baseline: Some(Baseline::None), ..corrected(1, true) };
    assert_eq!(
        fields(&correct(correction)),
        ["corrected_fact.reason REQUIRED", "corrected_fact.void CONTRADICTS"]
    );
}
