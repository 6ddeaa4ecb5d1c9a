//! The watch of notices, for apps that ring.

use jiff::SignedDuration;
use tonic::{Code, Streaming};
use voordeur_contracts::{
    common::{Position, SafetyLevel, Urgency},
    event::NoticeReason,
    routing::{
        AcceptTaskRequest, NoticeItem, WatchNoticesRequest, WatchNoticesResponse,
        notice_service_client::NoticeServiceClient, watch_notices_response::Item,
    },
};

use crate::support::{COORDINATOR, Replica, SOON, World, command, directory, of, refused};

struct Watcher {
    stream: Streaming<WatchNoticesResponse>,
    position: Option<Position>,
}

impl Watcher {
    async fn of(replica: &Replica, person: &str, resume_after: Option<Position>) -> Self {
        let mut request = of(person, WatchNoticesRequest { resume_after: resume_after.clone() });
        request.metadata_mut().remove("grpc-timeout");
        let mut client = NoticeServiceClient::new(replica.channel().await);
        Self { stream: client.watch_notices(request).await.unwrap().into_inner(), position: resume_after }
    }

    async fn next(&mut self) -> Item {
        let message =
            tokio::time::timeout(SOON, self.stream.message()).await.expect("nothing came").unwrap().unwrap();
        self.position = message.position.or(self.position.take());
        message.item.unwrap()
    }

    async fn notice(&mut self) -> NoticeItem {
        match self.next().await {
            Item::Notice(notice) => notice,
            Item::CaughtUp(_) => panic!("no notice"),
        }
    }

    async fn caught_up(&mut self) {
        assert!(matches!(self.next().await, Item::CaughtUp(_)));
    }
}

#[tokio::test]
async fn it_shows_what_still_stands_then_what_is_new_and_resumes_where_it_was() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let first = replica.signal(1).await.task_id;
    let mut anna = Watcher::of(&replica, "anna", None).await;
    let shown = anna.notice().await;
    assert_eq!((shown.task_id.as_str(), shown.reason()), (first.as_str(), NoticeReason::Request));
    assert_eq!((shown.urgency(), shown.centre.as_str(), shown.quiet), (Urgency::Regular, "wilg", false));
    assert_eq!(shown.text, "Verzoek: neem jij dit op je?");
    assert!(shown.notice_id.starts_with("ntc_") && shown.notice_id.len() == 36);
    anna.caught_up().await;
    let here = anna.position.clone();

    let second = replica.signal(2).await.task_id;
    assert_eq!(anna.notice().await.task_id, second);
    // From where it was, the same notice has the same id; a new look shows both.
    let mut again = Watcher::of(&replica, "anna", here).await;
    assert_eq!(again.notice().await.task_id, second);
    again.caught_up().await;
    let mut anew = Watcher::of(&replica, "anna", None).await;
    assert_eq!(anew.notice().await.notice_id, shown.notice_id);
    assert_eq!(anew.notice().await.task_id, second);
    anew.caught_up().await;

    // Taken by somebody else: it stands no more, for nobody.
    let accept = AcceptTaskRequest { task_id: first.clone(), command: command("bea-accepts") };
    replica.api.clone().accept_task(of("bea", accept)).await.unwrap();
    world.signal_with(3, |signal| signal.safety = SafetyLevel::Acute.into()).await;
    let safety = anna.notice().await;
    assert_eq!((safety.reason(), safety.urgency()), (NoticeReason::Safety, Urgency::Safety));
    let mut anew = Watcher::of(&replica, "anna", None).await;
    let left = [anew.notice().await.task_id, anew.notice().await.task_id];
    assert_eq!(left, [second, safety.task_id]);
    anew.caught_up().await;
    drop((anna, again, anew));
    replica.stop().await;
}

#[tokio::test]
async fn everybody_sees_only_what_is_hers_and_what_is_about_a_child_is_on_record_first() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let before = world.looks().len();
    let mut anna = Watcher::of(&replica, "anna", None).await;
    let shown = anna.notice().await;
    assert_eq!((shown.task_id.as_str(), shown.reason()), (task.as_str(), NoticeReason::Yours));
    anna.caught_up().await;
    let looks = world.looks();
    let (_, look) = &looks[before];
    assert_eq!((looks.len(), look.event_id.as_str()), (before + 1, "watch-notices"));
    assert_eq!(look.listed_object_ids.len(), 1);
    for other in ["bea", COORDINATOR, "eva", "nobody-at-all"] {
        Watcher::of(&replica, other, None).await.caught_up().await;
    }
    assert_eq!(world.looks().len(), before + 1, "nothing was shown");

    let mut client = NoticeServiceClient::new(replica.channel().await);
    let mut organisation = of("x", WatchNoticesRequest::default());
    organisation
        .metadata_mut()
        .insert(voordeur_chassis::DEV_IDENTITY, "organisation:school".parse().unwrap());
    refused(client.watch_notices(organisation).await, Code::PermissionDenied, "PEOPLE_ONLY");
    let foreign = Position { stream: "SIGNALS".into(), incarnation: "x".into(), sequence: 1 };
    let request = of("anna", WatchNoticesRequest { resume_after: Some(foreign) });
    refused(client.watch_notices(request).await, Code::InvalidArgument, "FOREIGN_POSITION");
    drop(anna);
    replica.stop().await;
}

#[tokio::test]
async fn it_says_when_it_is_no_moment_to_ring_and_safety_always_rings() {
    let world = World::with(&["anna", "bea"]).await;
    let night = r#"notify = { quiet_from = "18:00", quiet_until = "08:00" }"#;
    let text = directory(&["anna", "bea"]).replace("[person.anna]\n", &format!("[person.anna]\n{night}\n"));
    world.apply(&text, 1).await;
    let replica = world.start().await;
    // 21:00 in Amsterdam.
    world.clock.advance(SignedDuration::from_hours(11));
    replica.signal(1).await;
    world.signal_with(2, |signal| signal.safety = SafetyLevel::Acute.into()).await;
    replica.task("anna", &world.task_of(2)).await;
    let mut anna = Watcher::of(&replica, "anna", None).await;
    let (ordinary, safety) = (anna.notice().await, anna.notice().await);
    assert_eq!((ordinary.quiet, safety.quiet), (true, false));
    assert!(safety.text.contains("112"), "{}", safety.text);
    // Bea works at night, and asked for no quiet.
    let mut bea = Watcher::of(&replica, "bea", None).await;
    assert!(!bea.notice().await.quiet);
    drop((anna, bea));
    replica.stop().await;
}
