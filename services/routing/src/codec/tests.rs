use prost::Message as _;
use voordeur_contracts::{common, convert::to_wire_time, event};
use voordeur_kernel::{
    ActivityId, CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, DataKeyId, EpisodeId, GroupKey,
    OrganisationKey, ProfessionalKey, Role, SafetyLevel, SignalId, TaskId, Timestamp,
};
use voordeur_routing_domain::{
    ElapsedCalendar,
    ladder::Ladder,
    plan::plan,
    presence::{Absence, PresenceChange},
    sight::{Seen, Sight},
    task::{
        About, Actor, Away, Change, Colleague, Deadline, Meeting, Meta, Offer, Requested, Sealed, StepKind,
        StepTaken, Task, Trigger, evolve,
    },
    words,
};

use super::{
    presence::{read_presence, write_presence},
    read_task,
    words::Word,
    write_task,
};

fn key(text: &str) -> ProfessionalKey {
    ProfessionalKey::parse(text).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_772_000_000 + second, 123_456_789).unwrap()
}

fn meta(ordinal: u32, actor: Actor) -> Meta {
    Meta {
        recorded_at: at(0),
        actor,
        command: CommandId::from_bytes([1; 16]),
        commit: CommitId::from_bytes([2; 16]),
        directory_version: 7,
        ordinal,
    }
}

fn about(trigger: Trigger) -> About {
    About {
        trigger,
        organisation: trigger.has_asker().then(|| OrganisationKey::parse("de-wilg").unwrap()),
        centre: CentreKey::parse("kc-wilg").unwrap(),
        child: Some(ChildAlias::from_bytes([3; 16])),
        group: Some(GroupKey::parse("groep-1").unwrap()),
        subject: words::SubjectKind::Child,
        domains: [ConcernDomain::Gedrag, ConcernDomain::Anders].into(),
        severity: 4,
        safety: SafetyLevel::Structural,
        urgency: words::Urgency::Safety,
        answer_wanted: true,
        asked_by: Some(words::AskedBy::Parent),
        received_at: at(-5),
        name_may_be_shared: true,
    }
}

fn sight() -> Sight {
    let seen = |name: &str| Seen {
        professional: key(name),
        expertise: vec![ConcernDomain::Gedrag],
        attendance: words::Attendance::LaterToday,
        there_from: Some(at(30)),
        registered: name != "cor",
        open_tasks: 3,
        weekly_minutes: 480,
        capacity: 7,
        too_close: name == "bea",
        stand_in: (name == "anna").then(|| key("bea")),
        neighbour: (name == "bea").then(|| CentreKey::parse("kc-els").unwrap()),
    };
    Sight {
        at: at(0),
        known: Some(key("anna")),
        coordinator: key("dora"),
        coordinator_absent: true,
        people: ["anna", "bea", "cor"].map(seen).to_vec(),
    }
}

fn requested(trigger: Trigger) -> Requested {
    let domains = [ConcernDomain::Gedrag];
    let ladder = Ladder::built_in(words::Urgency::Regular);
    Requested {
        about: about(trigger),
        coordinator: key("dora"),
        plan: plan(&ladder, &domains, at(-5), &sight(), &ElapsedCalendar),
        sight: trigger.has_asker().then(sight),
        first_step: step(),
        linked: vec![TaskId::from_bytes([8; 16]), TaskId::from_bytes([9; 16])],
        deadlines: deadlines(),
    }
}

fn step() -> StepTaken {
    StepTaken {
        step: 1,
        skipped: vec![0],
        offers: vec![Offer { professional: key("anna"), role: Role::Professional }],
        assigned_to: None,
        respond_by: Some(at(60)),
    }
}

fn deadlines() -> Vec<Deadline> {
    words::ClockKind::ALL.iter().map(|clock| Deadline { clock: *clock, due: at(90), round: 2 }).collect()
}

fn ended(end: words::TransferEnd, reason: Option<words::DeclineReason>) -> Change {
    Change::TransferEnded { end, reason, deadlines: deadlines() }
}

fn meeting(without_parents: Option<words::WithoutParentsReason>) -> Meeting {
    Meeting {
        at: at(77),
        roles: [Role::Jgz, Role::InternBegeleider].into(),
        people: [key("eva")].into(),
        without_parents,
    }
}

fn changes() -> Vec<Change> {
    let deadlines = deadlines();
    vec![
        Change::OffersMade { step: step(), deadlines: deadlines.clone() },
        Change::OfferDeclined {
            professional: key("anna"),
            reason: words::DeclineReason::TooClose,
            next_step: Some(step()),
            deadlines: deadlines.clone(),
        },
        Change::OfferDeclined {
            professional: key("anna"),
            reason: words::DeclineReason::NoTime,
            next_step: None,
            deadlines: Vec::new(),
        },
        Change::OffersTimedOut {
            professionals: vec![key("anna")],
            next_step: step(),
            deadlines: deadlines.clone(),
        },
        Change::Accepted {
            professional: key("anna"),
            rescinded: vec![key("bea")],
            deadlines: deadlines.clone(),
        },
        Change::Assigned {
            professional: key("anna"),
            reason: words::AssignReason::Absence,
            rescinded: vec![key("bea")],
            deadlines: deadlines.clone(),
        },
        Change::HandedBack {
            reason: words::HandBackReason::Leaving,
            next_step: StepTaken {
                assigned_to: Some(key("bea")),
                offers: Vec::new(),
                respond_by: None,
                ..step()
            },
            deadlines: deadlines.clone(),
        },
        Change::Held {
            reason: words::HoldReason::MeetingPlanned,
            until: at(99),
            deadlines: deadlines.clone(),
        },
        Change::Resumed { deadlines: deadlines.clone() },
        Change::ContactRecorded {
            kind: words::ContactKind::Observation,
            with: words::ContactWith::Team,
            reached: true,
            at: at(5),
            deadlines: deadlines.clone(),
        },
        Change::Answered {
            outcome: words::TaskOutcome::Referred,
            status: Some(words::AnswerStatus::HandedOver),
            advice: Some(Sealed {
                key: DataKeyId::from_bytes([4; 16]),
                content: vec![1, 2, 3],
                purpose: common::TextPurpose::Answer.into(),
                owner: [5; 16],
            }),
        },
        Change::Answered { outcome: words::TaskOutcome::Done, status: None, advice: None },
        Change::ColleagueAsked(Colleague { role: Role::Jgz, person: Some(key("eva")), with_name: true }),
        Change::CancellationRequested {
            reason: words::CancelReason::ChildLeft,
            deadlines: deadlines.clone(),
        },
        Change::CancellationDecided {
            confirmed: true,
            coordinator: key("dora"),
            deadlines: deadlines.clone(),
        },
        Change::Failed {
            reason: words::FailReason::OutsideCompetence,
            coordinator: key("dora"),
            deadlines: deadlines.clone(),
        },
        Change::EnteredInError { reason: words::ErrorReason::WrongCentre },
        Change::ClockRang {
            deadline: Deadline { clock: words::ClockKind::Answer, due: at(3), round: 1 },
            told: vec![key("anna"), key("dora")],
            deadlines: deadlines.clone(),
        },
        Change::OfferWithdrawn {
            professional: key("anna"),
            reason: words::AwayReason::RegistrationEnded,
            next_step: Some(step()),
            deadlines: deadlines.clone(),
        },
        Change::HolderAway {
            away: Away {
                professional: key("anna"),
                reason: words::AwayReason::Absent,
                until: Some(at(99)),
                stand_in: Some(key("bea")),
            },
            deadlines: deadlines.clone(),
        },
        Change::HolderAway {
            away: Away {
                professional: key("anna"),
                reason: words::AwayReason::LeftCentre,
                until: None,
                stand_in: None,
            },
            deadlines: deadlines.clone(),
        },
        Change::HolderAwayEnded { end: words::HolderAwayEnd::Returned, deadlines: deadlines.clone() },
        Change::HolderAwayEnded { end: words::HolderAwayEnd::LeftWithHer, deadlines: deadlines.clone() },
        Change::TransferProposed {
            professional: key("bea"),
            reason: words::AssignReason::TransferOnRequest,
            deadlines: deadlines.clone(),
        },
        ended(words::TransferEnd::Declined, Some(words::DeclineReason::TooClose)),
        ended(words::TransferEnd::Withdrawn, None),
        ended(words::TransferEnd::Lapsed, None),
        Change::MeetingPlanned {
            meeting: meeting(Some(words::WithoutParentsReason::Safety)),
            deadlines: deadlines.clone(),
        },
        Change::MeetingPlanned { meeting: meeting(None), deadlines: deadlines.clone() },
        Change::MeetingRecorded {
            end: words::MeetingEnd::Held,
            parents_came: true,
            deadlines: deadlines.clone(),
        },
        Change::NobodyToTell { deadlines },
        Change::Linked { task: TaskId::from_bytes([6; 16]) },
        Change::CoordinatorReplaced { coordinator: key("erik") },
    ]
}

fn back(meta: &Meta, change: &Change, after: &Task) -> (Meta, Change) {
    let bytes = write_task(meta, change, after);
    let event = event::TaskEvent::decode(&*bytes).unwrap();
    read_task(&event, Some(meta.commit)).unwrap()
}

#[test]
fn every_event_of_a_task_reads_back_what_was_written() {
    let id = TaskId::from_bytes([7; 16]);
    let triggers = [
        Trigger::Signal(SignalId::from_bytes([1; 16])),
        Trigger::EarlierTask {
            task: TaskId::from_bytes([2; 16]),
            reason: words::FurtherWorkReason::OtherExpertiseNeeded,
        },
        Trigger::EpisodeCheck { episode: EpisodeId::from_bytes([3; 16]), day: 365, asked_before: 0 },
        Trigger::EpisodeCheck { episode: EpisodeId::from_bytes([3; 16]), day: 90, asked_before: 2 },
        Trigger::HandOver {
            episode: EpisodeId::from_bytes([3; 16]),
            moment: words::HandOverMoment::ToSecondarySchool,
        },
        Trigger::Activity(ActivityId::from_bytes([4; 16])),
    ];
    let mut kinds = Vec::new();
    for trigger in triggers {
        let change = Change::Requested(Box::new(requested(trigger)));
        let meta = meta(1, Actor::Service("routing".to_owned()));
        let task = evolve(None, id, &meta, &change).unwrap();
        assert_eq!(back(&meta, &change, &task), (meta, change.clone()));
        kinds.push(change.kind());
        for change in changes() {
            for actor in [
                Actor::Person(key("anna"), Role::Coordinator),
                Actor::Organisation(OrganisationKey::parse("de-wilg").unwrap()),
            ] {
                let meta = self::meta(9, actor);
                assert_eq!(back(&meta, &change, &task), (meta, change.clone()));
            }
            kinds.push(change.kind());
        }
    }
    // Of further work the new task has the event.
    let events = StepKind::ALL.iter().filter(|kind| **kind != StepKind::RequestFurtherWork);
    let missing: Vec<_> = events.filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "without a sample: {missing:?}");
}

#[test]
fn every_event_of_presence_reads_back_what_was_written() {
    let centre = CentreKey::parse("kc-wilg").unwrap();
    let absence = |stand_in| PresenceChange::MarkedAbsent(Absence { from: at(3), until: at(9), stand_in });
    for change in [
        PresenceChange::MarkedPresent { centre, until: at(9) },
        absence(Some(key("bea"))),
        absence(None),
        PresenceChange::Returned,
        PresenceChange::AbsenceWithdrawn { from: at(3) },
    ] {
        let meta = meta(1, Actor::Person(key("anna"), Role::Professional));
        let bytes = write_presence(&meta, &key("anna"), &change);
        let event = event::PresenceEvent::decode(&*bytes).unwrap();
        assert_eq!(read_presence(&event, Some(meta.commit)), Ok((meta, key("anna"), change)));
    }
}

#[test]
fn an_event_that_cannot_be_read_names_the_field_and_nothing_else() {
    let id = TaskId::from_bytes([7; 16]);
    let change = Change::Requested(Box::new(requested(Trigger::Signal(SignalId::from_bytes([1; 16])))));
    let meta = meta(1, Actor::Service("routing".to_owned()));
    let task = evolve(None, id, &meta, &change).unwrap();
    let whole = event::TaskEvent::decode(&*write_task(&meta, &change, &task)).unwrap();
    let commit = Some(meta.commit);
    assert_eq!(read_task(&whole, None).unwrap_err(), "headers.Nats-Msg-Id");
    assert_eq!(read_task(&event::TaskEvent::default(), commit).unwrap_err(), "meta");

    let spoil = |spoil: fn(&mut event::TaskRequested)| {
        let mut event = whole.clone();
        let Some(event::task_event::Change::Requested(requested)) = &mut event.change else {
            panic!("not requested")
        };
        spoil(requested);
        read_task(&event, commit).unwrap_err()
    };
    assert_eq!(spoil(|r| r.organisation = "Not A Key".into()), "requested.organisation");
    assert_eq!(spoil(|r| r.organisation = String::new()), "requested.organisation", "a signal has an asker");
    assert_eq!(spoil(|r| r.urgency = 99), "requested.urgency");
    assert_eq!(spoil(|r| r.plan = None), "requested.plan");
    assert_eq!(spoil(|r| r.severity = 999), "requested.severity");
    assert_eq!(spoil(|r| r.deadlines[0].due = None), "requested.deadlines.due");
    assert_eq!(
        spoil(|r| r.sight.as_mut().unwrap().people[0].attendance = 99),
        "requested.sight.people.attendance"
    );
    let planned = event::MeetingPlanned { at: Some(to_wire_time(at(7))), ..event::MeetingPlanned::default() };
    let planned = event::TaskEvent {
        change: Some(event::task_event::Change::MeetingPlanned(planned)),
        ..whole.clone()
    };
    let read = read_task(&planned, commit).unwrap_err();
    assert_eq!(read, "meeting_planned.parents_invited", "neither invited nor a reason");
    let later = event::TaskEvent { change: None, ..whole };
    assert_eq!(read_task(&later, commit).unwrap_err(), "change", "an event of a later release");
}

fn same_names<W: Word + PartialEq + std::fmt::Debug>(
    words: &[W],
    name: impl Fn(W) -> String,
    wire: impl Fn(i32) -> Option<&'static str>,
) {
    for (place, word) in words.iter().enumerate() {
        let number = word.number();
        assert_eq!(W::of(number).as_ref(), Some(word));
        let on_wire = wire(number).unwrap();
        let ours = name(*word).to_uppercase();
        assert!(on_wire.ends_with(&ours), "{on_wire} is not {ours} ({place})");
    }
    assert_eq!(W::of(0), None);
    assert_eq!(W::of(4_711), None);
}

macro_rules! same {
    ($($word:ident)*) => {$(
        same_names(words::$word::ALL, |w| w.name().to_owned(), |n| {
            event::$word::try_from(n).ok().map(|w| w.as_str_name())
        });
    )*};
}

#[test]
fn words_have_the_same_names_on_the_wire() {
    same! {
        AskedBy Audience ChoiceReason ClockKind DeclineReason AssignReason HandBackReason HoldReason ContactKind
        ContactWith TaskOutcome AnswerStatus CancelReason FailReason ErrorReason HandOverMoment Attendance AwayReason
        HolderAwayEnd TransferEnd WithoutParentsReason MeetingEnd FurtherWorkReason NoticeReason
    }
    same_names(
        words::Urgency::ALL,
        |w| w.name().to_owned(),
        |n| common::Urgency::try_from(n).ok().map(|w| w.as_str_name()),
    );
    same_names(
        words::SubjectKind::ALL,
        |w| w.name().to_owned(),
        |n| common::SubjectKind::try_from(n).ok().map(|w| w.as_str_name()),
    );
    same_names(
        &voordeur_routing_domain::task::TaskState::ALL,
        |w| w.name().to_owned(),
        |n| event::TaskState::try_from(n).ok().map(|w| w.as_str_name()),
    );
}
