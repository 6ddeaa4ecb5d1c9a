//! From events to facts: every kind of event has its place, or is listed as of no importance.

use std::collections::BTreeSet;

use jiff::{civil::date, tz::TimeZone};
use voordeur_escalation_domain::{
    Actor, Change, ChangeKind, Check, Closing, Correction, Destination, Event, Goal, Jeugdhulp, Judgement,
    Meta, Opened, WordSet, Work,
    outcome::{
        CaseFact, CheckFact, Class, Domain, ESC_1, Endpoint, FactKind, Flag, Imposed, Patch, ReferralFact,
        ShortKey, Subject, case_fact, classify, take_in,
    },
    words::{
        Baseline, CareEndReason, CloseReason, CorrectionReason, DomainStatus, FollowUpSource, Funding,
        GoalScore, HandOverMoment, LeavingDestination, NeedStatus, OtherDestination, PlaceDestination,
        ReferralDecision, ReviewVerdict, SupportKind, TaskOutcome, Toelaatbaarheid, Verwijzer,
        WithdrawalScope,
    },
};
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, EpisodeId, ProfessionalKey, Timestamp,
};

use super::{day, id, on};

fn zone() -> TimeZone {
    TimeZone::get("Europe/Amsterdam").unwrap()
}

fn person(key: &str) -> ProfessionalKey {
    ProfessionalKey::parse(key).unwrap()
}

/// The start of a day in Amsterdam, so many days after the first of September 2025.
fn start(number: i32) -> Timestamp {
    day(number).date().to_zoned(zone()).unwrap().timestamp()
}

fn event(ordinal: u32, effective: i32, recorded: i32, change: Change) -> Event {
    Event {
        meta: Meta {
            recorded_at: start(recorded) + jiff::SignedDuration::from_hours(15),
            actor: Actor::Service("escalation".into()),
            command: CommandId::from_bytes([9; 16]),
            directory_version: 1,
            ordinal,
        },
        effective_at: start(effective),
        deadlines: None,
        continued_by: None,
        change,
    }
}

fn judged(baseline: Baseline, second: bool) -> Change {
    Change::BaselineAssessed(Judgement {
        baseline,
        probability_percent: 60,
        took_part: WordSet::empty(),
        marks: WordSet::empty(),
        second,
        plan_version: 1,
    })
}

fn care(crisis: bool) -> Destination {
    Destination::Jeugdhulp(Jeugdhulp { hulpvorm: None, productcategorie: None, crisis, court: false })
}

const fn corrected(target: CommitId, void: bool, second_person: ProfessionalKey) -> Correction {
    Correction {
        target,
        void,
        second_person,
        reason: Some(CorrectionReason::WrongDate),
        effective_at: None,
        baseline: None,
    }
}

/// One of every kind.
fn every_change() -> Vec<Change> {
    let target = id(1);
    let child = ChildAlias::from_bytes([1; 16]);
    let centre = CentreKey::parse("de-wilg").unwrap();
    vec![
        Change::Opened(Opened { child, child_ordinal: 1, signal: crate::signal(1) }),
        Change::SignalJoined(crate::signal(2)),
        Change::FirstContact { task: crate::task(1) },
        Change::TaskCompleted { task: crate::task(1), outcome: TaskOutcome::Referred },
        judged(Baseline::Imminent, false),
        Change::GoalSet(Goal { goal: target, domain: ConcernDomain::Gedrag, with_parents: true, text: None }),
        Change::GoalScored { goal: target, score: GoalScore::Reached, with_parents: true },
        Change::SupportGiven { kind: SupportKind::Child, minutes: 30, funding: Funding::Beschikkingsvrij },
        Change::SpecialistConsulted { minutes: 0, funding: Funding::Other },
        Change::ReferralRequested {
            referral: target,
            destination: care(false),
            verwijzer: Verwijzer::Huisarts,
        },
        Change::ReferralDecided { referral: target, decision: ReferralDecision::Refused },
        Change::CareStarted { referral: target, destination: care(true), verwijzer: None },
        Change::CareEnded { referral: target, reason: CareEndReason::VolgensPlan },
        Change::ReferralReviewed {
            referral: target,
            reviewer: person("noor"),
            verdict: ReviewVerdict::Avoidable,
            of_receiving_provider: false,
        },
        Change::VeiligThuisReported,
        Change::ChildLeft { destination: LeavingDestination::Specialist },
        Change::ConsentWithdrawn { scope: WithdrawalScope::FollowUp },
        Change::FollowUpChecked(Check {
            covers_until: day(370).date(),
            jeugdhulp: DomainStatus::None,
            onderwijs: DomainStatus::Unknown,
            need: NeedStatus::Concern,
            source: FollowUpSource::Parents,
            day: 365,
        }),
        Change::YouthCareStarted,
        Change::HandOverPlanned { moment: HandOverMoment::ToSchool, on: date(2027, 1, 1) },
        Change::EpisodesLinked { earlier: EpisodeId::from_bytes([3; 16]) },
        Change::WorkDue { work: Work::FollowUp(90), centre, child },
        Change::Closed(Closing::for_reason(CloseReason::WorkDone)),
        Change::Corrected(corrected(target, true, person("sam"))),
    ]
}

fn converted(change: Change) -> Option<FactKind> {
    case_fact(&event(4, 1, 2, change), id(7), &ESC_1.endpoints, &zone()).map(|fact| fact.kind)
}

#[test]
fn every_kind_of_event_is_a_fact_or_is_listed_as_of_no_importance() {
    // Completions and goals say nothing about a referral; youth care by the embedded professional is no endpoint whatever it is called;
    // a linked episode is merged; plans and moments are not what happened.
    let of_no_importance = BTreeSet::from([
        ChangeKind::TaskCompleted,
        ChangeKind::GoalSet,
        ChangeKind::GoalScored,
        ChangeKind::YouthCareStarted,
        ChangeKind::HandOverPlanned,
        ChangeKind::EpisodesLinked,
        ChangeKind::WorkDue,
    ]);
    let changes = every_change();
    let kinds: BTreeSet<_> = changes.iter().map(Change::kind).collect();
    assert_eq!(kinds, ChangeKind::ALL.iter().copied().collect());
    for change in changes {
        let kind = change.kind();
        assert_eq!(converted(change).is_none(), of_no_importance.contains(&kind), "{kind:?}");
    }
}

#[test]
fn a_fact_says_what_the_event_says() {
    let referral = ShortKey::of_commit(id(1));
    let asked = ReferralFact {
        referral,
        started: false,
        domain: Domain::Jeugdhulp,
        endpoint: Endpoint::R1,
        imposed: None,
    };
    let begun =
        ReferralFact { started: true, endpoint: Endpoint::R4, imposed: Some(Imposed::Crisis), ..asked };
    let expected = [
        (0, FactKind::Signal(Subject::Child)),
        (1, FactKind::Signal(Subject::Child)),
        (2, FactKind::FirstContact),
        (4, FactKind::Baseline(Baseline::Imminent)),
        (7, FactKind::Support),
        (8, FactKind::Consultation),
        (9, FactKind::Referral(asked)),
        (10, FactKind::Refused(referral)),
        (11, FactKind::Referral(begun)),
        (12, FactKind::CareEnded(referral)),
        (
            13,
            FactKind::Reviewed {
                referral,
                reviewer: ShortKey::of_text("noor"),
                verdict: ReviewVerdict::Avoidable,
            },
        ),
        (14, FactKind::VeiligThuis),
        (15, FactKind::Left(LeavingDestination::Specialist)),
        (16, FactKind::ConsentWithdrawn(WithdrawalScope::FollowUp)),
        (
            17,
            FactKind::Checked(CheckFact {
                covers_until: day(370),
                jeugdhulp: DomainStatus::None,
                onderwijs: DomainStatus::Unknown,
                need: NeedStatus::Concern,
            }),
        ),
        (22, FactKind::Closed),
        (23, FactKind::Corrected { target: id(1), patch: Patch::Void }),
    ];
    let changes = every_change();
    for (index, kind) in expected {
        assert_eq!(converted(changes[index].clone()), Some(kind), "{index}");
    }
    let fact =
        case_fact(&event(4, 1, 2, Change::VeiligThuisReported), id(7), &ESC_1.endpoints, &zone()).unwrap();
    let whole =
        CaseFact { id: id(7), effective: day(1), recorded: day(2), order: 4, kind: FactKind::VeiligThuis };
    assert_eq!(fact, whole);
}

#[test]
fn destinations_outside_of_the_list_are_no_facts_and_the_others_explain_their_own_domain() {
    let to = |destination| {
        converted(Change::ReferralRequested { referral: id(1), destination, verwijzer: Verwijzer::Gemeente })
    };
    for other in OtherDestination::ALL {
        assert_eq!(to(Destination::Other(*other)), None);
    }
    let found = [
        Destination::Onderwijs(Toelaatbaarheid::Sbo),
        Destination::Place(PlaceDestination::MedischDagverblijf),
        Destination::Place(PlaceDestination::RegularPlaceEnded),
        care(true),
    ]
    .map(|destination| match to(destination) {
        Some(FactKind::Referral(fact)) => (fact.domain, fact.endpoint),
        other => panic!("{other:?}"),
    });
    let expected = [
        (Domain::Onderwijs, Endpoint::R2),
        (Domain::Jeugdhulp, Endpoint::R3),
        (Domain::Onderwijs, Endpoint::R3),
        (Domain::Jeugdhulp, Endpoint::R4),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_second_judgement_is_no_judgement_of_the_case() {
    assert_eq!(converted(judged(Baseline::None, true)), None);
}

#[test]
fn a_correction_says_what_is_right() {
    let plain = || corrected(id(1), false, person("sam"));
    let patch = |correction| match converted(Change::Corrected(correction)) {
        Some(FactKind::Corrected { patch, .. }) => patch,
        other => panic!("{other:?}"),
    };
    let (at, level) = (Some(start(5)), Some(Baseline::Possible));
    assert_eq!(patch(plain()), Patch::Stands);
    assert_eq!(patch(Correction { effective_at: at, ..plain() }), Patch::Effective(day(5)));
    assert_eq!(patch(Correction { baseline: level, ..plain() }), Patch::Baseline(Baseline::Possible));
    let both = Correction { effective_at: at, baseline: level, ..plain() };
    assert_eq!(patch(both), Patch::EffectiveAndBaseline(day(5), Baseline::Possible));
}

#[test]
fn a_history_of_events_is_classified_and_corrections_of_goals_leave_no_trace() {
    let zone = zone();
    let mut facts = Vec::new();
    let mut ordinal = 0;
    let mut tell = |facts: &mut Vec<CaseFact>, effective, change| {
        ordinal += 1;
        let event = event(ordinal, effective, effective, change);
        take_in(facts, &event, id(u128::from(ordinal)), &ESC_1.endpoints, &zone);
        id(u128::from(ordinal))
    };
    let changes = every_change();
    tell(&mut facts, -7, changes[0].clone());
    tell(&mut facts, -3, changes[2].clone());
    tell(&mut facts, 0, changes[4].clone());
    tell(&mut facts, 10, changes[7].clone());
    let goal = tell(&mut facts, 11, changes[5].clone());
    tell(&mut facts, 12, Change::Corrected(corrected(goal, true, person("sam"))));
    let wrong = tell(&mut facts, 50, changes[9].clone());
    let found = classify(&facts, on(60, 365)).unwrap();
    assert_eq!((found.class, found.endpoint), (Class::Referred, Some(Endpoint::R1)));
    assert!(!found.flags.contains(Flag::CorrectionWithoutTarget) && !found.flags.contains(Flag::Corrected));
    tell(&mut facts, 70, Change::Corrected(corrected(wrong, true, person("sam"))));
    let found = classify(&facts, on(80, 365)).unwrap();
    assert_eq!(found.class, Class::Undetermined);
    assert!(found.flags.contains(Flag::Corrected));
}
