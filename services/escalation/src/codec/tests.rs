use jiff::civil::Date;
use proptest::{prelude::*, sample::select};
use prost::Message as _;
use voordeur_contracts::event::{self, episode_event::Change as Wire};
use voordeur_escalation_domain::{
    Actor, Baseline, Change, Check, CloseReason, Closing, Correction, Deadline, Destination, Event, Goal,
    Jeugdhulp, Judgement, Meta, Opened, Participant, Sealed, SignalJoined, TaskOutcome, Word, WordSet, Work,
    words::*,
};
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, DataKeyId, EpisodeId, OrganisationKey,
    ProfessionalKey, Role, SafetyLevel, SignalId, TaskId, Timestamp,
};

use super::{number, read_event, write, write_event};

fn id16() -> impl Strategy<Value = [u8; 16]> {
    any::<[u8; 16]>()
}

fn commit() -> impl Strategy<Value = CommitId> {
    id16().prop_map(CommitId::from_bytes)
}

fn when() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000, 0_i32..1_000_000_000).prop_map(|(s, n)| Timestamp::new(s, n).unwrap())
}

fn a<W: Word + std::fmt::Debug>() -> impl Strategy<Value = W> {
    select(W::WORDS)
}

fn set<W: Word + std::fmt::Debug>() -> impl Strategy<Value = WordSet<W>> {
    prop::collection::vec(a::<W>(), 0..4).prop_map(|words| words.into_iter().collect())
}

fn date() -> impl Strategy<Value = Date> {
    (2000_i16..2100, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Date::new(y, m, d).unwrap())
}

fn person() -> impl Strategy<Value = ProfessionalKey> {
    "[a-z]{1,9}".prop_map(|key| ProfessionalKey::parse(&key).unwrap())
}

fn joined() -> impl Strategy<Value = SignalJoined> {
    (id16(), id16(), "[a-z][a-z0-9]{0,9}", select(SafetyLevel::ALL.to_vec()), prop::option::of(1_u8..=5))
        .prop_map(|(signal, task, centre, safety, severity)| SignalJoined {
            signal: SignalId::from_bytes(signal),
            task: TaskId::from_bytes(task),
            centre: CentreKey::parse(&centre).unwrap(),
            safety,
            severity,
        })
}

fn destination() -> impl Strategy<Value = Destination> {
    let code = || prop::option::of(1_u8..60);
    prop_oneof![
        (code(), code(), any::<bool>(), any::<bool>()).prop_map(
            |(hulpvorm, productcategorie, crisis, court)| {
                Destination::Jeugdhulp(Jeugdhulp { hulpvorm, productcategorie, crisis, court })
            }
        ),
        a().prop_map(Destination::Onderwijs),
        a().prop_map(Destination::Place),
        a().prop_map(Destination::Other),
    ]
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![
        (1_u16..).prop_map(Work::FollowUp),
        (1_u16..).prop_map(Work::MissedFollowUp),
        a().prop_map(Work::HandOver),
    ]
}

fn of_tasks() -> impl Strategy<Value = Change> {
    prop_oneof![
        (id16(), 1_u32.., joined()).prop_map(|(child, child_ordinal, signal)| Change::Opened(Opened {
            child: ChildAlias::from_bytes(child),
            child_ordinal,
            signal,
        })),
        joined().prop_map(Change::SignalJoined),
        id16().prop_map(|task| Change::FirstContact { task: TaskId::from_bytes(task) }),
        (id16(), a::<TaskOutcome>())
            .prop_map(|(task, outcome)| Change::TaskCompleted { task: TaskId::from_bytes(task), outcome }),
        (work(), id16()).prop_map(|(work, child)| Change::WorkDue {
            work,
            centre: CentreKey::parse("de-wilg").unwrap(),
            child: ChildAlias::from_bytes(child),
        }),
    ]
}

fn of_work() -> impl Strategy<Value = Change> {
    let sealed =
        (id16(), id16(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(key, owner, sealed)| Sealed {
            key: DataKeyId::from_bytes(key),
            sealed: sealed.into(),
            owner: TaskId::from_bytes(owner),
        });
    let small = || prop::option::of(0_u8..=10);
    prop_oneof![
        (
            a::<Baseline>(),
            0_u8..=100,
            set::<Participant>(),
            set::<ImminentMark>(),
            any::<bool>(),
            any::<u32>()
        )
            .prop_map(|(baseline, probability_percent, took_part, marks, second, plan_version)| {
                Change::BaselineAssessed(Judgement {
                    baseline,
                    probability_percent,
                    took_part,
                    marks,
                    second,
                    plan_version,
                })
            }),
        (commit(), select(ConcernDomain::ALL.to_vec()), any::<bool>(), prop::option::of(sealed)).prop_map(
            |(goal, domain, with_parents, text)| Change::GoalSet(Goal { goal, domain, with_parents, text })
        ),
        (commit(), a(), any::<bool>()).prop_map(|(goal, score, with_parents)| Change::GoalScored {
            goal,
            score,
            with_parents
        }),
        (a(), any::<u16>(), a()).prop_map(|(kind, minutes, funding)| Change::SupportGiven {
            kind,
            minutes,
            funding
        }),
        (any::<u16>(), a()).prop_map(|(minutes, funding)| Change::SpecialistConsulted { minutes, funding }),
        (a(), prop::option::of(a()), small(), prop::option::of(a()), prop::option::of(a()), small(), small())
            .prop_map(|(reason, end, usefulness, informant, further_help, certainty_now, certainty_then)| {
                Change::Closed(Closing {
                    reason,
                    end,
                    usefulness,
                    informant,
                    further_help,
                    certainty_now,
                    certainty_then,
                })
            }),
        (
            commit(),
            any::<bool>(),
            person(),
            prop::option::of(a()),
            prop::option::of(when()),
            prop::option::of(a())
        )
            .prop_map(|(target, void, second_person, reason, effective_at, baseline)| {
                Change::Corrected(Correction { target, void, second_person, reason, effective_at, baseline })
            }),
    ]
}

fn of_outcomes() -> impl Strategy<Value = Change> {
    prop_oneof![
        (commit(), destination(), a()).prop_map(|(referral, destination, verwijzer)| {
            Change::ReferralRequested { referral, destination, verwijzer }
        }),
        (commit(), a()).prop_map(|(referral, decision)| Change::ReferralDecided { referral, decision }),
        (commit(), destination(), prop::option::of(a())).prop_map(|(referral, destination, verwijzer)| {
            Change::CareStarted { referral, destination, verwijzer }
        }),
        (commit(), a()).prop_map(|(referral, reason)| Change::CareEnded { referral, reason }),
        (commit(), person(), a(), any::<bool>()).prop_map(
            |(referral, reviewer, verdict, of_receiving_provider)| {
                Change::ReferralReviewed { referral, reviewer, verdict, of_receiving_provider }
            }
        ),
        Just(Change::VeiligThuisReported),
        Just(Change::YouthCareStarted),
        a().prop_map(|destination| Change::ChildLeft { destination }),
        a().prop_map(|scope| Change::ConsentWithdrawn { scope }),
        (date(), a(), a(), a(), a(), any::<u16>()).prop_map(
            |(covers_until, jeugdhulp, onderwijs, need, source, day)| {
                Change::FollowUpChecked(Check { covers_until, jeugdhulp, onderwijs, need, source, day })
            }
        ),
        (a(), date()).prop_map(|(moment, on)| Change::HandOverPlanned { moment, on }),
        id16().prop_map(|earlier| Change::EpisodesLinked { earlier: EpisodeId::from_bytes(earlier) }),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![of_tasks(), of_work(), of_outcomes()]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Service("escalation".into())),
        "[a-z]{1,9}".prop_map(|key| Actor::Organisation(OrganisationKey::parse(&key).unwrap())),
        (person(), select(Role::ALL.to_vec())).prop_map(|(key, role)| Actor::Person(key, role)),
    ]
}

fn deadlines() -> impl Strategy<Value = Option<Vec<Deadline>>> {
    let one = (when(), work()).prop_map(|(due, work)| Deadline { due, work });
    prop::option::of(prop::collection::vec(one, 0..4))
}

proptest! {
    #[test]
    fn every_event_reads_back_what_was_written(
        change in change(),
        actor in actor(),
        recorded_at in when(),
        effective_at in when(),
        command in id16(),
        directory_version: u64,
        ordinal: u32,
        deadlines in deadlines(),
        more_work in prop::option::of(id16()),
    ) {
        let command = CommandId::from_bytes(command);
        let meta = Meta { recorded_at, actor, command, directory_version, ordinal };
        let of_task = matches!(change, Change::FirstContact { .. } | Change::TaskCompleted { .. });
        let continued_by = more_work.filter(|_| of_task).map(TaskId::from_bytes);
        let event = Event { meta, effective_at, deadlines, continued_by, change };
        let wire = event::EpisodeEvent::decode(&*write(&event)).unwrap();
        prop_assert_eq!(read_event(&wire), Ok(event));
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
        if let Ok(wire) = event::EpisodeEvent::decode(&*bytes) {
            let _ = read_event(&wire);
        }
    }
}

#[test]
fn an_event_of_a_later_release_is_refused_by_field() {
    assert_eq!(read_event(&event::EpisodeEvent::default()), Err("meta is missing or wrong".into()));
    let mut wire = write_event(&Event {
        meta: Meta {
            recorded_at: Timestamp::UNIX_EPOCH,
            actor: Actor::Service("escalation".into()),
            command: CommandId::from_bytes([1; 16]),
            directory_version: 0,
            ordinal: 1,
        },
        effective_at: Timestamp::UNIX_EPOCH,
        deadlines: None,
        continued_by: None,
        change: Change::Closed(Closing::for_reason(CloseReason::WindowEnded)),
    });
    wire.change = Some(Wire::Closed(event::EpisodeClosed { reason: 99, ..Default::default() }));
    assert_eq!(read_event(&wire), Err("closed.reason is missing or wrong".into()));
    wire.change = Some(Wire::GoalScored(event::GoalScored::default()));
    assert_eq!(read_event(&wire), Err("goal_scored.goal is missing or wrong".into()));
    wire.change = None;
    assert_eq!(read_event(&wire), Err("change is missing or wrong".into()));
}

/// The words of a list under their names in the contract.
fn names<W: Word + std::fmt::Debug>(prefix: &str, name: impl Fn(i32) -> Option<&'static str>) {
    for word in W::WORDS {
        let mut snake = prefix.to_owned();
        for letter in format!("{word:?}").chars() {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_uppercase());
        }
        assert_eq!(name(number(*word)), Some(snake.as_str()), "{word:?}");
    }
    let numbers = (1..32).filter(|number| name(*number).is_some()).count();
    assert_eq!(numbers, W::WORDS.len(), "{prefix} has words that the domain does not know");
}

macro_rules! same_words {
    ($($prefix:literal $name:ident;)+) => {
        #[test]
        fn words_have_the_numbers_and_names_of_the_contract() {
            $(names::<$name>($prefix, |number| event::$name::try_from(number).ok().map(|word| word.as_str_name()));)+
            names::<CloseReason>("EPISODE_CLOSE_REASON", |number| {
                event::EpisodeCloseReason::try_from(number).ok().map(|word| word.as_str_name())
            });
            names::<Participant>("BASELINE_PARTICIPANT", |number| {
                event::BaselineParticipant::try_from(number).ok().map(|word| word.as_str_name())
            });
        }
    };
}

same_words! {
    "TASK_OUTCOME" TaskOutcome;
    "BASELINE" Baseline;
    "IMMINENT_MARK" ImminentMark;
    "GOAL_SCORE" GoalScore;
    "SUPPORT_KIND" SupportKind;
    "FUNDING" Funding;
    "TOELAATBAARHEID" Toelaatbaarheid;
    "PLACE_DESTINATION" PlaceDestination;
    "OTHER_DESTINATION" OtherDestination;
    "VERWIJZER" Verwijzer;
    "REFERRAL_DECISION" ReferralDecision;
    "CARE_END_REASON" CareEndReason;
    "REVIEW_VERDICT" ReviewVerdict;
    "LEAVING_DESTINATION" LeavingDestination;
    "WITHDRAWAL_SCOPE" WithdrawalScope;
    "DOMAIN_STATUS" DomainStatus;
    "NEED_STATUS" NeedStatus;
    "FOLLOW_UP_SOURCE" FollowUpSource;
    "HAND_OVER_MOMENT" HandOverMoment;
    "OUTCOME_INFORMANT" OutcomeInformant;
    "FURTHER_HELP" FurtherHelp;
    "CORRECTION_REASON" CorrectionReason;
}
