//! From the events of an episode to what a report counts of it.

use jiff::{civil::date, tz::TimeZone};
use voordeur_escalation_domain::{
    Actor, Change, Check, Closing as Ended, Correction, Destination, Event, Goal, Jeugdhulp, Judgement, Meta,
    Opened, SignalJoined, WordSet,
    outcome::{Classifier, Day, ESC_1},
    words::{
        Baseline, CloseReason, DomainStatus, FollowUpSource, Funding, GoalScore, NeedStatus, SupportKind,
        Verwijzer,
    },
};
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, EpisodeId, ProfessionalKey, SafetyLevel,
    SignalId, TaskId, Timestamp,
};
use voordeur_outcome_report::{
    Period,
    input::{Case, Cause, Endpoint, Outcome, Why},
};

use super::{
    build::{Cases, One},
    compact::{EpisodeFacts, Gathered, half},
};

fn zone() -> TimeZone {
    TimeZone::get("Europe/Amsterdam").unwrap()
}

/// Days after 1 March 2027.
fn day(days: u32) -> jiff::civil::Date {
    voordeur_outcome_report::days_after(date(2027, 3, 1), days)
}

fn moment(days: u32) -> Timestamp {
    day(days).at(10, 0, 0, 0).to_zoned(zone()).unwrap().timestamp()
}

fn id(number: u8) -> CommitId {
    CommitId::from_bytes([number; 16])
}

/// The history of one child: each change with the day on which it happened and was recorded. The n-th has the id `id(base + n)`.
fn episode(child: u8, base: u8, earlier: Option<u8>, changes: Vec<(u32, u32, Change)>) -> EpisodeFacts {
    let mut facts = EpisodeFacts {
        id: EpisodeId::from_bytes([child; 16]),
        child: ChildAlias::from_bytes([child; 16]),
        centre: 0,
        signal: half(&[child; 16]),
        severity: Some(4),
        facts: Vec::new(),
        notes: Vec::new(),
        corrections: Vec::new(),
        earlier: earlier.map(|earlier| EpisodeId::from_bytes([earlier; 16])),
    };
    for (number, (happened, recorded, change)) in (0..).zip(changes) {
        let meta = Meta {
            recorded_at: moment(recorded),
            actor: Actor::Service("escalation".into()),
            command: CommandId::from_bytes([number; 16]),
            directory_version: 0,
            ordinal: u32::from(number) + 1,
        };
        let event =
            Event { meta, effective_at: moment(happened), deadlines: None, continued_by: None, change };
        let known = Day::of_moment(event.meta.recorded_at, &zone());
        facts.take(&event, id(base + number), known, &zone());
    }
    facts
}

fn opened(child: u8) -> Change {
    let signal = SignalJoined {
        signal: SignalId::from_bytes([child; 16]),
        task: TaskId::from_bytes([1; 16]),
        centre: CentreKey::parse("de-wilg").unwrap(),
        safety: SafetyLevel::None,
        severity: Some(4),
    };
    Change::Opened(Opened { child: ChildAlias::from_bytes([child; 16]), child_ordinal: 1, signal })
}

fn contact() -> Change {
    Change::FirstContact { task: TaskId::from_bytes([1; 16]) }
}

fn judged(baseline: Baseline, second: bool) -> Change {
    let (took_part, marks) = (WordSet::empty(), WordSet::empty());
    Change::BaselineAssessed(Judgement {
        baseline,
        probability_percent: 60,
        took_part,
        marks,
        second,
        plan_version: 1,
    })
}

fn requested(referral: CommitId, crisis: bool) -> Change {
    let to = Jeugdhulp { hulpvorm: Some(2), productcategorie: None, crisis, court: false };
    Change::ReferralRequested {
        referral,
        destination: Destination::Jeugdhulp(to),
        verwijzer: Verwijzer::Gemeente,
    }
}

fn clear(until: u32) -> Change {
    Change::FollowUpChecked(Check {
        covers_until: day(until),
        jeugdhulp: DomainStatus::None,
        onderwijs: DomainStatus::None,
        need: NeedStatus::Ok,
        source: FollowUpSource::ParentsAndStaff,
        day: 365,
    })
}

fn support(minutes: u16, funding: Funding) -> Change {
    Change::SupportGiven { kind: SupportKind::Parents, minutes, funding }
}

fn void(target: CommitId) -> Change {
    Change::Corrected(Correction {
        target,
        void: true,
        second_person: ProfessionalKey::parse("marit").unwrap(),
        reason: None,
        effective_at: None,
        baseline: None,
    })
}

/// Every case, as known on a day.
fn cases(episodes: Vec<EpisodeFacts>, known: u32) -> Vec<Case> {
    let by_episode = episodes.iter().enumerate().map(|(place, episode)| (episode.id, place)).collect();
    let all = Gathered { episodes, by_episode, ..Gathered::default() };
    let joined = Cases::of(&all);
    let period = Period::new(date(2027, 1, 1), date(2027, 12, 31)).unwrap();
    let known = Day::of_date(day(known)).unwrap();
    let mut classifier = Classifier::new(&ESC_1);
    let of = |members: Vec<&EpisodeFacts>, classifier: &mut Classifier| {
        let facts: Vec<_> = members.iter().flat_map(|episode| episode.facts().to_vec()).collect();
        let one = One { all: &all, cases: &joined, members: &members, facts: &facts, period: &period };
        one.case(classifier, known).unwrap()
    };
    joined.members(&all).filter_map(|members| of(members, &mut classifier)).collect()
}

fn case(changes: Vec<(u32, u32, Change)>, known: u32) -> Case {
    cases(vec![episode(1, 10, None, changes)], known).remove(0)
}

fn begun() -> Vec<(u32, u32, Change)> {
    vec![(0, 0, opened(1)), (2, 2, contact()), (5, 5, judged(Baseline::Imminent, false))]
}

#[test]
fn a_child_that_was_followed_for_a_year_counts_with_its_hours_goals_and_ending() {
    let goal =
        |goal| Change::GoalSet(Goal { goal, domain: ConcernDomain::Gedrag, with_parents: true, text: None });
    let scored = |goal, score| Change::GoalScored { goal, score, with_parents: true };
    let ended = Ended {
        certainty_then: Some(3),
        certainty_now: Some(8),
        ..Ended::for_reason(CloseReason::FamilyEnded)
    };
    let mut changes = begun();
    changes.extend([
        (7, 7, judged(Baseline::Possible, true)),
        (10, 10, support(45, Funding::Beschikkingsvrij)),
        (11, 11, support(60, Funding::MetBeschikking)),
        (12, 12, goal(id(16))),
        (13, 13, goal(id(17))),
        (90, 90, scored(id(16), GoalScore::PartlyReached)),
        (372, 372, clear(371)),
        (380, 380, Change::Closed(ended)),
    ]);
    let found = case(changes, 400);
    assert_eq!(found.outcome, Outcome::NotReferred);
    let judged = found.judged.unwrap();
    assert_eq!((judged.on, judged.level, judged.probability), (day(5), Baseline::Imminent, 60));
    assert_eq!(judged.second, Some(Baseline::Possible));
    assert_eq!((found.minutes, found.first_support), ([0, 0, 45, 0], Some(day(10))));
    assert_eq!((found.goals.reached, found.goals.not_reached, found.goals.not_scored), (1, 0, 1));
    let closing = found.closing.unwrap();
    assert_eq!((closing.on, closing.one_sided, closing.certainty), (day(380), true, Some((3, 8))));
    assert_eq!((closing.until_return.days, closing.until_return.cause), (20, Cause::Censored));
    assert!(found.followed_up && !found.referred_just_after);
    assert_eq!(found.referred_by_730, None, "two years are not over");
    assert_eq!((found.opened_on, found.first_contact), (day(0), Some(day(2))));
}

#[test]
fn what_became_known_later_is_passed_by() {
    let mut changes = begun();
    changes.extend([
        (10, 10, support(45, Funding::Beschikkingsvrij)),
        (60, 500, requested(id(14), false)),
        (372, 372, clear(371)),
    ]);
    assert_eq!(case(changes.clone(), 499).outcome, Outcome::NotReferred);
    let later = case(changes, 500);
    assert!(matches!(later.outcome, Outcome::Referred(_)), "{later:?}");
    assert_eq!(later.endpoint, Some(Endpoint::R1));
    let survival = later.survival.unwrap();
    assert_eq!((survival.days, survival.cause), (55, Cause::Referral));
}

#[test]
fn a_voided_referral_counts_no_more_from_the_day_on_which_it_was_voided() {
    let mut changes = begun();
    changes.extend([
        (60, 60, requested(id(13), true)),
        (
            60,
            60,
            Change::CareStarted {
                referral: id(13),
                destination: Destination::Jeugdhulp(Jeugdhulp {
                    hulpvorm: None,
                    productcategorie: None,
                    crisis: true,
                    court: false,
                }),
                verwijzer: None,
            },
        ),
        (70, 70, void(id(13))),
        (70, 70, void(id(14))),
    ]);
    let before = case(changes.clone(), 69);
    assert_eq!(
        (before.endpoint, before.crises.as_slice(), before.voids),
        (Some(Endpoint::R4), [day(60)].as_slice(), 0)
    );
    let after = case(changes, 80);
    assert_eq!(after.outcome, Outcome::Unknown(Why::Pending));
    assert_eq!((after.crises.len(), after.voids, after.corrections), (0, 2, 0));
}

#[test]
fn a_request_just_after_the_window_and_one_within_two_years_are_seen() {
    let mut changes = begun();
    changes.extend([
        (10, 10, support(30, Funding::Beschikkingsvrij)),
        (372, 372, clear(371)),
        (390, 390, requested(id(14), false)),
    ]);
    let found = case(changes, 800);
    assert_eq!(found.outcome, Outcome::NotReferred);
    assert_eq!((found.referred_just_after, found.referred_by_730), (true, Some(true)));
}

#[test]
fn linked_histories_of_one_child_are_one_case_and_its_next_question_ends_the_quiet() {
    let first = episode(1, 10, None, begun());
    let second = episode(
        2,
        40,
        Some(1),
        vec![
            (30, 30, opened(2)),
            (40, 40, Change::Closed(Ended::for_reason(CloseReason::WorkDone))),
            (
                100,
                100,
                Change::SignalJoined(SignalJoined {
                    signal: SignalId::from_bytes([3; 16]),
                    task: TaskId::from_bytes([3; 16]),
                    centre: CentreKey::parse("de-wilg").unwrap(),
                    safety: SafetyLevel::None,
                    severity: None,
                }),
            ),
        ],
    );
    let alone =
        cases(vec![episode(1, 10, None, begun()), episode(2, 40, None, vec![(30, 30, opened(2))])], 200);
    assert_eq!(alone.len(), 2);
    let joined = cases(vec![second, first], 200);
    assert_eq!(joined.len(), 1);
    let case = &joined[0];
    assert_eq!((case.opened_on, case.judged.unwrap().on), (day(0), day(5)));
    assert_eq!(case.fingerprint, half(&[1; 16]));
    let quiet = case.closing.unwrap().until_return;
    assert_eq!((quiet.days, quiet.cause), (60, Cause::Referral));
}

#[test]
fn without_a_judgement_in_time_nothing_is_known_to_have_threatened() {
    let late = vec![(0, 0, opened(1)), (2, 2, contact()), (30, 30, judged(Baseline::Imminent, false))];
    let found = case(late, 500);
    assert_eq!((found.judged, found.outcome), (None, Outcome::Unknown(Why::NoValidBaseline)));
    assert_eq!(found.at_risk(), None);
}
