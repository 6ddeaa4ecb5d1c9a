use jiff::SignedDuration;
use tonic::Code;
use voordeur_contracts::{
    convert::to_wire_time,
    event::TaskState,
    routing::{
        GetPresenceRequest, MarkAbsentRequest, MarkPresentRequest, MarkReturnedRequest, ProfessionalPresence,
    },
};
use voordeur_kernel::Clock as _;

use crate::support::{COORDINATOR, Replica, World, command, of, refused};

fn in_hours(world: &World, hours: i64) -> Option<prost_types::Timestamp> {
    Some(to_wire_time(world.clock.now().saturating_add(SignedDuration::from_hours(hours)).unwrap()))
}

async fn presence(replica: &Replica, caller: &str) -> Vec<ProfessionalPresence> {
    let request = GetPresenceRequest { centre: "wilg".into(), at_least: None };
    replica.presence.clone().get_presence(of(caller, request)).await.unwrap().into_inner().professionals
}

fn here(presence: &[ProfessionalPresence]) -> Vec<&str> {
    presence.iter().filter(|p| p.present).map(|p| p.professional.as_str()).collect()
}

#[tokio::test]
async fn who_says_that_she_is_there_is_asked_and_who_is_absent_is_not() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    assert_eq!(here(&presence(&replica, "bea").await), ["anna"]);
    let mark = MarkPresentRequest {
        command: command("1"),
        professional: "bea".into(),
        centre: "wilg".into(),
        until: in_hours(&world, 8),
    };
    let marked = replica.presence.clone().mark_present(of("bea", mark.clone())).await.unwrap().into_inner();
    assert!(marked.presence.unwrap().present);
    let again = replica.presence.clone().mark_present(of("bea", mark)).await.unwrap().into_inner();
    assert_eq!(again.position.as_ref().unwrap().sequence, marked.position.as_ref().unwrap().sequence);
    let absent = MarkAbsentRequest {
        command: command("2"),
        professional: "anna".into(),
        until: in_hours(&world, 4),
        stand_in: "bea".into(),
        from: None,
    };
    let absent = replica.presence.clone().mark_absent(of(COORDINATOR, absent)).await.unwrap().into_inner();
    replica.presence_reached(absent.position).await;
    let all = presence(&replica, "anna").await;
    assert_eq!(here(&all), ["bea"]);
    let anna = all.iter().find(|p| p.professional == "anna").unwrap();
    assert_eq!((anna.stand_in.as_str(), anna.until), ("bea", in_hours(&world, 4)));

    let task = replica.signal(1).await;
    assert_eq!((task.state(), task.holder.as_str()), (TaskState::Accepted, "bea"));

    let back = MarkReturnedRequest { command: command("3"), professional: "anna".into() };
    let back = replica.presence.clone().mark_returned(of("anna", back)).await.unwrap().into_inner();
    assert!(back.presence.unwrap().present);
    replica.presence_reached(back.position).await;
    assert_eq!(here(&presence(&replica, "anna").await), ["anna", "bea"]);
    replica.stop().await;
}

impl Replica {
    async fn presence_reached(&self, at_least: Option<voordeur_contracts::common::Position>) {
        let request = GetPresenceRequest { centre: "wilg".into(), at_least };
        self.presence.clone().get_presence(of("anna", request)).await.unwrap();
    }
}

#[tokio::test]
async fn open_offers_of_somebody_absent_go_on_to_others_at_once() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    for (person, left) in [("anna", "bea"), ("bea", COORDINATOR)] {
        let absent = MarkAbsentRequest {
            command: command("away"),
            professional: person.into(),
            until: in_hours(&world, 24),
            stand_in: String::new(),
            from: None,
        };
        replica.presence.clone().mark_absent(of(person, absent)).await.unwrap();
        replica.task_when(COORDINATOR, &task, "went on", |t| t.offered_to == [left]).await;
    }
    assert_eq!(world.events(&task).await, ["requested", "offer_withdrawn", "offer_withdrawn"]);
    replica.stop().await;
}

#[tokio::test]
async fn where_somebody_is_is_for_herself_and_her_coordinator_to_say() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let absent = |professional: &str, hours, stand_in: &str| MarkAbsentRequest {
        command: command("1"),
        professional: professional.into(),
        until: in_hours(&world, hours),
        stand_in: stand_in.into(),
        from: None,
    };
    let say = |caller: &'static str, request| {
        let mut api = replica.presence.clone();
        async move { api.mark_absent(of(caller, request)).await }
    };
    refused(say("bea", absent("anna", 1, "")).await, Code::PermissionDenied, "NOT_YOUR_PRESENCE");
    refused(say("eva", absent("anna", 1, "")).await, Code::NotFound, "NOT_FOUND");
    refused(say("anna", absent("anna", -1, "")).await, Code::InvalidArgument, "DATE_NOT_AHEAD");
    refused(say("anna", absent("anna", 1, "eva")).await, Code::InvalidArgument, "NOT_AT_CENTRE");
    let elsewhere = MarkPresentRequest {
        command: command("2"),
        professional: "anna".into(),
        centre: "els".into(),
        until: in_hours(&world, 1),
    };
    refused(
        replica.presence.clone().mark_present(of("anna", elsewhere)).await,
        Code::InvalidArgument,
        "NOT_AT_CENTRE",
    );
    let never_away = MarkReturnedRequest { command: command("3"), professional: "anna".into() };
    let reply = replica.presence.clone().mark_returned(of("anna", never_away)).await.unwrap().into_inner();
    assert!(reply.presence.unwrap().present);
    let foreign = GetPresenceRequest { centre: "wilg".into(), at_least: None };
    refused(replica.presence.clone().get_presence(of("eva", foreign)).await, Code::NotFound, "NOT_FOUND");
    replica.stop().await;
}
