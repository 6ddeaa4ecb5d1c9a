//! The reply to a safety signal says truthfully whether somebody is there: a complaint about every system that promises help that does
//! not come.

use jiff::SignedDuration;
use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{
        AbsenceWithdrawn, EventMeta, MarkedAbsent, MarkedPresent, PresenceEvent, Returned,
        presence_event::Change,
    },
    intake::OnDuty,
};
use voordeur_eventlog::{Broker as _, Commit, Deadline, StreamName, Subject, Version};
use voordeur_kernel::{Clock as _, CommitId};

use crate::world::{Replica, SOON, World, acute, by_id, consult, guidance};

fn hours(world: &World, hours: i64) -> Option<prost_types::Timestamp> {
    Some(to_wire_time(world.clock.now().checked_add(SignedDuration::from_hours(hours)).unwrap()))
}

/// What routing would store when somebody says where she is.
async fn says(world: &World, person: &str, change: Option<Change>) {
    let log = world.broker.log(StreamName::Tasks);
    let subject = Subject::of("voordeur.presence.v1", person).unwrap();
    let deadline = Deadline::now() + SOON;
    let history = log.history(&subject, 0, deadline).await.unwrap();
    let ordinal = u8::try_from(history.len()).unwrap() + 1;
    let event = PresenceEvent {
        meta: Some(EventMeta {
            recorded_at: hours(world, 0),
            ordinal: ordinal.into(),
            ..EventMeta::default()
        }),
        professional: person.to_owned(),
        change,
    };
    let mut id = [ordinal; 16];
    id[..person.len()].copy_from_slice(person.as_bytes());
    let commit = Commit {
        id: CommitId::from_bytes(id),
        kind: "nl.voordeur.presence.v1",
        source: "voordeur/routing",
        time: world.clock.now(),
        data: event.encode_to_vec().into(),
        trace: Vec::new(),
        urgent: false,
    };
    let version = history.last().map_or(Version::ABSENT, |last| Version(last.sequence));
    log.append(&subject, version, commit, deadline).await.unwrap();
}

fn absent(from: Option<prost_types::Timestamp>, until: Option<prost_types::Timestamp>) -> Option<Change> {
    Some(Change::Absent(MarkedAbsent { from, until, stand_in: String::new() }))
}

fn present(centre: &str, until: Option<prost_types::Timestamp>) -> Option<Change> {
    Some(Change::Present(MarkedPresent { centre: centre.to_owned(), until }))
}

/// What a school hears when it hands over a safety signal, and what it reads.
async fn duty(replica: &Replica, reference: &str) -> OnDuty {
    let mut school = replica.intake("organisation:school-a");
    let receipt = school.submit_signal(acute(consult(reference))).await.unwrap().into_inner();
    let shown = receipt.guidance.unwrap();
    let text = shown.lines.join("\n");
    assert_eq!(text.contains("er nu een jeugdhulpprofessional op"), shown.on_duty() == OnDuty::Yes, "{text}");
    assert_eq!(text.contains("Wacht hier niet op antwoord"), shown.on_duty() != OnDuty::Yes, "{text}");
    let read = school.get_signal(by_id(receipt.signal_id.parse().unwrap())).await.unwrap().into_inner();
    assert_eq!(read.guidance.unwrap().on_duty(), shown.on_duty());
    shown.on_duty()
}

#[tokio::test]
async fn who_was_said_to_be_absent_is_not_claimed_to_be_there_also_after_a_restart() {
    let world = World::new().await;
    assert_eq!(duty(&world.replica, "nood-01").await, OnDuty::Yes);
    says(&world, "noor", absent(None, hours(&world, 4))).await;
    assert_eq!(duty(&world.replica, "nood-02").await, OnDuty::Yes, "Sam is there");
    says(&world, "sam", absent(hours(&world, 1), hours(&world, 4))).await;
    assert_eq!(duty(&world.replica, "nood-03").await, OnDuty::Yes, "hers has not begun");
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(duty(&world.replica, "nood-04").await, OnDuty::No);
    // Another replica has just started, and knows the same at once.
    assert_eq!(duty(&world.another().await, "nood-05").await, OnDuty::No);

    says(&world, "sam", Some(Change::Returned(Returned {}))).await;
    assert_eq!(duty(&world.replica, "nood-06").await, OnDuty::Yes);
    says(&world, "sam", absent(None, hours(&world, 2))).await;
    assert_eq!(duty(&world.replica, "nood-07").await, OnDuty::No);
    world.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(duty(&world.replica, "nood-08").await, OnDuty::Yes, "it ended by itself");
}

#[tokio::test]
async fn who_says_that_she_is_there_outside_her_hours_is_there_until_then_and_at_that_centre_only() {
    let world = World::new().await;
    world.clock.advance(SignedDuration::from_hours(10));
    assert_eq!(duty(&world.replica, "nood-01").await, OnDuty::No);
    says(&world, "noor", present("de-els", hours(&world, 2))).await;
    assert_eq!(duty(&world.replica, "nood-02").await, OnDuty::No);
    says(&world, "noor", present("de-wilg", hours(&world, 2))).await;
    assert_eq!(duty(&world.replica, "nood-03").await, OnDuty::Yes);
    let tomorrow = hours(&world, 20);
    says(&world, "noor", absent(tomorrow, hours(&world, 30))).await;
    says(&world, "noor", Some(Change::AbsenceWithdrawn(AbsenceWithdrawn { from: tomorrow }))).await;
    world.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(duty(&world.replica, "nood-04").await, OnDuty::No);
    world.clock.advance(SignedDuration::from_hours(18));
    assert_eq!(duty(&world.replica, "nood-05").await, OnDuty::Yes, "it was taken back");
}

#[tokio::test]
async fn what_cannot_be_read_is_not_known_and_that_is_what_it_says() {
    let world = World::new().await;
    says(&world, "sam", absent(None, hours(&world, 4))).await;
    // A later release says something that this one cannot read.
    says(&world, "noor", None).await;
    assert_eq!(duty(&world.replica, "nood-01").await, OnDuty::Unknown);
    says(&world, "sam", Some(Change::Returned(Returned {}))).await;
    assert_eq!(duty(&world.replica, "nood-02").await, OnDuty::Yes, "of Sam it is known");
    // The log is away: nothing is stored, and nobody is promised.
    world.broker.set_available(false);
    let mut request = tonic::Request::new(acute(consult("nood-03")));
    request.set_timeout(std::time::Duration::from_millis(600));
    let status = world.school().submit_signal(request).await.unwrap_err();
    assert_eq!(guidance(&status).unwrap().on_duty(), OnDuty::Unknown, "{status:?}");
}

#[tokio::test]
async fn on_a_national_holiday_nobody_is_there() {
    let world = World::new().await;
    // Whit Monday 2026 is 25 May; ten o'clock in the morning.
    let whit_monday: voordeur_kernel::Timestamp = "2026-05-25T08:00:00Z".parse().unwrap();
    world.clock.advance(whit_monday.duration_since(world.clock.now()));
    assert_eq!(duty(&world.replica, "nood-01").await, OnDuty::No);
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(duty(&world.replica, "nood-02").await, OnDuty::Yes);
}
