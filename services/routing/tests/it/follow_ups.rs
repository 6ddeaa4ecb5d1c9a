//! Work that came due by itself becomes a task: once, with the right person, and completed without an answer.

use prost::Message as _;
use tonic::Code;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{
        ActivityEvent, CancelReason, ChoiceReason, DueWork, EpisodeConsentWithdrawn, EpisodeEvent, EventMeta,
        HandOverMoment, LookBackDue, TaskOutcome, TaskState, WorkDue, activity_event, due_work::Work,
        episode_event::Change,
    },
    routing::{
        ExplainRoutingRequest, FollowUp, Task, WatchTasksRequest, follow_up, watch_tasks_response::Item,
    },
};
use voordeur_eventlog::{
    Broker as _, ConsumerName, StreamName, Version,
    dead_letters::{DeadLetters, Standing},
};
use voordeur_kernel::{ActivityId, Clock as _, EpisodeId};
use voordeur_testkit::eventually;

use crate::{
    step,
    support::{COORDINATOR, Replica, SOON, World, command, of, refused, soon},
};

const EPISODE: EpisodeId = EpisodeId::from_bytes([4; 16]);
const ACTIVITY: ActivityId = ActivityId::from_bytes([5; 16]);

impl World {
    /// What escalation appends to the history of the episode.
    async fn episode_event(&self, change: Option<Change>) {
        let log = self.broker.log(StreamName::Episodes);
        let subject = voordeur_eventlog::Subject::of("voordeur.episode.v1", &EPISODE.to_hex()).unwrap();
        let last = log.last(&subject, soon()).await.unwrap();
        let version = last.map_or(Version::ABSENT, |last| Version(last.sequence));
        let event = EpisodeEvent { meta: Some(self.meta()), change, ..EpisodeEvent::default() };
        let (stream, prefix) = (StreamName::Episodes, "voordeur.episode.v1");
        self.append(stream, prefix, &EPISODE.to_hex(), version, event.encode_to_vec()).await;
    }

    fn meta(&self) -> EventMeta {
        EventMeta { recorded_at: Some(to_wire_time(self.clock.now())), ..EventMeta::default() }
    }

    /// Work on the child of signal 1 came due.
    async fn due(&self, work: Work) {
        let due = WorkDue {
            work: Some(DueWork { work: Some(work) }),
            centre: "wilg".into(),
            child: vec![1; 16].into(),
        };
        self.episode_event(Some(Change::WorkDue(due))).await;
    }

    async fn look_back(&self, noted_by: &str) {
        let due = LookBackDue {
            activity: ACTIVITY.as_bytes().to_vec().into(),
            centre: "wilg".into(),
            group: "groep-1".into(),
            noted_by: noted_by.into(),
        };
        let event = ActivityEvent {
            meta: Some(self.meta()),
            change: Some(activity_event::Change::LookBackDue(due)),
            ..ActivityEvent::default()
        };
        let (stream, prefix) = (StreamName::Episodes, "voordeur.activity.v1");
        self.append(stream, prefix, "wilg", Version::ABSENT, event.encode_to_vec()).await;
    }

    fn check(&self, asked_before: u32) -> String {
        self.deriver.task_for_check(EPISODE, 90, asked_before).to_string()
    }

    /// Waits until every wake-up was settled.
    async fn quiet(&self) {
        let wakeups = self.broker.wakeups(ConsumerName::RoutingEpisodes);
        eventually("every wake-up is settled", SOON, || async {
            let backlog = wakeups.backlog(soon()).await.map_err(|error| error.to_string())?;
            if backlog.pending + backlog.unsettled == 0 { Ok(()) } else { Err(format!("{backlog:?}")) }
        })
        .await;
    }

    fn tasks(&self) -> usize {
        let subjects = self.broker.subjects(StreamName::Tasks);
        subjects.iter().filter(|subject| subject.prefix() == "voordeur.task.v1").count()
    }
}

async fn done(replica: &Replica, person: &str, task: &str, key: &str) -> Task {
    let outcome: i32 = TaskOutcome::Done.into();
    let answered = step!(
        replica,
        person,
        answer_task,
        AnswerTaskRequest { task_id: task.to_owned(), command: command(key), outcome: outcome }
    );
    answered.unwrap().0
}

#[tokio::test]
async fn a_check_is_hers_who_knows_the_child_and_says_what_it_is_about() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    replica.signal(1).await;
    // From now on bea alone is at work; anna is back another day.
    world.at_work(&["bea"], 1).await;
    world.pass(1);
    world.due(Work::FollowUpDay(90)).await;
    let task = replica.task("anna", &world.check(0)).await;
    assert_eq!((task.state(), task.holder.as_str()), (TaskState::Accepted, "anna"));
    assert_eq!((task.answer_wanted, task.organisation.as_str(), task.signal_id.as_str()), (false, "", ""));
    assert_eq!(
        task.follow_up,
        Some(FollowUp {
            work: Some(follow_up::Work::CheckDay(90)),
            episode_id: EPISODE.to_string(),
            asked_before: 0,
            label: "Controle na 90 dagen".into(),
        })
    );
    assert_eq!(task.linked_task_ids, [world.task_of(1)]);
    assert_eq!(replica.list("anna").await.len(), 2);
    let explained = replica
        .api
        .clone()
        .explain_routing(of("anna", ExplainRoutingRequest { task_id: task.task_id.clone() }))
        .await
        .unwrap()
        .into_inner();
    let reasons: Vec<_> = explained.plan.unwrap().steps[0].candidates[0].reasons().collect();
    assert!(reasons.contains(&ChoiceReason::FollowsHerWork), "{reasons:?}");
    // The open task of the signal knows of it.
    replica
        .task_when("anna", &world.task_of(1), "is linked", |t| t.linked_task_ids == [task.task_id.clone()])
        .await;
    replica.stop().await;
}

#[tokio::test]
async fn it_is_completed_without_an_answer_and_a_signal_never_is() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let signal = replica.signal(1).await.task_id;
    world.due(Work::FollowUpDay(90)).await;
    let task = replica.task("anna", &world.check(0)).await.task_id;
    let told = step!(
        replica,
        "anna",
        answer_task,
        AnswerTaskRequest { task_id: task.clone(), command: command("1"), outcome: 8, status: 1 }
    );
    refused(told, Code::InvalidArgument, "NOBODY_ASKED");
    let after = done(&replica, "anna", &task, "2").await;
    assert_eq!(after.state(), TaskState::Completed);
    let unanswered = step!(
        replica,
        "anna",
        answer_task,
        AnswerTaskRequest { task_id: signal.clone(), command: command("3"), outcome: 1 }
    );
    refused(unanswered, Code::InvalidArgument, "REQUIRED");
    let done = step!(
        replica,
        "anna",
        answer_task,
        AnswerTaskRequest { task_id: signal, command: command("4"), outcome: 8, status: 1 }
    );
    refused(done, Code::InvalidArgument, "NOT_AN_OUTCOME_OF_A_SIGNAL");
    replica.stop().await;
}

#[tokio::test]
async fn a_missed_check_makes_a_second_task_only_when_the_first_has_ended() {
    let world = World::with(&["anna"]).await;
    let (one, two) = (world.start().await, world.start().await);
    one.signal(1).await;
    world.due(Work::FollowUpDay(90)).await;
    let first = one.task("anna", &world.check(0)).await.task_id;
    world.pass(24 * 14);
    world.due(Work::MissedFollowUpDay(90)).await;
    world.quiet().await;
    assert_eq!(world.tasks(), 2, "that of the signal, and the first check, which is open");
    done(&one, "anna", &first, "1").await;
    world.pass(24 * 14);
    world.due(Work::MissedFollowUpDay(90)).await;
    let again = two.task("anna", &world.check(2)).await;
    assert_eq!(again.follow_up.unwrap().label, "Controle na 90 dagen (opnieuw gevraagd)");
    assert_eq!(world.tasks(), 3);

    // Everything is delivered anew: what was decided then, is decided again.
    world.broker.delete_consumer(ConsumerName::RoutingEpisodes);
    world.broker.apply(soon()).await.unwrap();
    world.quiet().await;
    assert_eq!(world.tasks(), 3);
    assert_eq!(world.broker.messages(StreamName::DeadLetters).len(), 0);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_warm_hand_over_is_a_task_of_its_own() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    world.due(Work::HandOver(HandOverMoment::ToSchool.into())).await;
    world.due(Work::HandOver(HandOverMoment::ToSecondarySchool.into())).await;
    for (moment, label) in
        [(1, "Warme overdracht naar school"), (2, "Warme overdracht naar het voortgezet onderwijs")]
    {
        let task = world.deriver.task_for_hand_over(EPISODE, moment).to_string();
        let task = replica.task("anna", &task).await;
        assert_eq!(task.follow_up.unwrap().label, label);
    }
    replica.stop().await;
}

#[tokio::test]
async fn a_look_back_reaches_the_stream_of_whoever_noted_the_activity() {
    let world = World::with(&["anna", "bea", "cor"]).await;
    let replica = world.start().await;
    let request = WatchTasksRequest::default();
    let mut watch = replica.api.clone().watch_tasks(of("bea", request)).await.unwrap().into_inner();
    world.look_back("bea").await;
    let task = loop {
        let item = tokio::time::timeout(SOON, watch.message()).await.unwrap().unwrap().unwrap();
        if let Some(Item::Task(task)) = item.item {
            break task;
        }
    };
    assert_eq!((task.holder.as_str(), task.group.as_str()), ("bea", "groep-1"));
    let follow_up = task.follow_up.unwrap();
    assert_eq!((follow_up.label.as_str(), follow_up.episode_id.as_str()), ("Terugblik", ""));
    assert_eq!(follow_up.work, Some(follow_up::Work::ActivityId(ACTIVITY.to_string())));
    assert_eq!(world.looks().len(), 0, "there is no child in it");
    replica.stop().await;
}

#[tokio::test]
async fn a_look_back_of_somebody_who_left_is_put_before_the_others() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    world.look_back("weg").await;
    let task = world.deriver.task_for_look_back(ACTIVITY).to_string();
    let task = replica.task(COORDINATOR, &task).await;
    assert_eq!((task.state(), task.offered_to.len()), (TaskState::Requested, 3), "at work today or not");
    replica.stop().await;
}

#[tokio::test]
async fn a_withdrawn_consent_asks_whoever_holds_the_check_to_end_it() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    replica.signal(1).await;
    world.due(Work::FollowUpDay(90)).await;
    let task = replica.task("anna", &world.check(0)).await.task_id;
    world.episode_event(Some(Change::ConsentWithdrawn(EpisodeConsentWithdrawn { scope: 1 }))).await;
    let asked = |t: &Task| t.state() == TaskState::CancelRequested;
    let task = replica.task_when("anna", &task, "is asked to end", asked).await;
    assert_eq!((task.holder.as_str(), task.cancellation_reason()), ("anna", CancelReason::ConsentWithdrawn));
    replica.stop().await;
}

#[tokio::test]
async fn a_withdrawn_consent_also_ends_the_work_that_continues_a_check() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    replica.signal(1).await;
    world.due(Work::FollowUpDay(90)).await;
    let check = replica.task("anna", &world.check(0)).await.task_id;
    done(&replica, "anna", &check, "1").await;
    let mut earlier = check;
    for key in ["more", "again"] {
        let (more, _) = step!(
            replica,
            "anna",
            request_further_work,
            RequestFurtherWorkRequest { task_id: earlier, command: command(key), reason: 1 }
        )
        .unwrap();
        assert_eq!(more.holder, "anna");
        if key == "more" {
            done(&replica, "anna", &more.task_id, "2").await;
        }
        earlier = more.task_id;
    }
    world.episode_event(Some(Change::ConsentWithdrawn(EpisodeConsentWithdrawn { scope: 1 }))).await;
    let asked = |t: &Task| t.state() == TaskState::CancelRequested;
    let task = replica.task_when("anna", &earlier, "is asked to end", asked).await;
    assert_eq!(task.cancellation_reason(), CancelReason::ConsentWithdrawn);
    replica.stop().await;
}

#[tokio::test]
async fn a_wake_up_that_cannot_be_read_is_parked_and_comes_back_to_its_own_handler() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    world.episode_event(None).await;
    let letters =
        DeadLetters::new(world.broker.log(StreamName::DeadLetters), std::sync::Arc::new(world.clock.clone()));
    let parked = eventually("it is parked", SOON, || async {
        let letters = letters.list(false).await.map_err(|error| error.to_string())?;
        letters.into_iter().next().ok_or_else(|| "nothing is parked".to_owned())
    })
    .await;
    assert_eq!((parked.stream, parked.replays), (StreamName::Episodes, 0));
    letters.request_replay(&parked.subject, soon()).await.unwrap();
    eventually("it was tried again", SOON, || async {
        let letter = letters.get(&parked.subject, soon()).await.map_err(|error| error.to_string())?;
        let tried = letter.replays == 1 && letter.standing == Standing::Parked;
        if tried { Ok(()) } else { Err(format!("{letter:?}")) }
    })
    .await;
    // A signal has its task all the same.
    assert_eq!(replica.signal(1).await.holder, "anna");
    replica.stop().await;
}
