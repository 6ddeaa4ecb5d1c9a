use voordeur_contracts::{
    common,
    event::{CancelReason, ChoiceReason, DeclineReason, TaskState},
    routing::{DecideCancellationRequest, ExplainRoutingRequest},
};
use voordeur_eventlog::{
    Broker as _, StreamName, Version,
    memory::{Faults, Flavour, Options},
};
use voordeur_testkit::eventually;

use crate::{
    step,
    support::{COORDINATOR, SOON, World, command, of, soon},
};

#[tokio::test]
async fn with_one_professional_present_the_task_is_hers() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await;
    assert_eq!((task.state(), task.holder.as_str()), (TaskState::Accepted, "anna"));
    assert!(task.offered_to.is_empty());
    assert_eq!(replica.list("anna").await, std::slice::from_ref(&task.task_id));
    assert!(replica.list("bea").await.is_empty());
    let hers = replica.get("anna", &task.task_id).await.unwrap();
    assert!(!hers.allowed_steps.contains(&"DeclineTask".to_owned()));
    assert!(hers.allowed_steps.contains(&"AnswerTask".to_owned()));
    assert!(task.allowed_steps.contains(&"AssignTask".to_owned()), "{:?}", task.allowed_steps);
    replica.stop().await;
}

#[tokio::test]
async fn with_several_present_all_are_asked_and_the_first_yes_wins() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await;
    assert_eq!(
        (task.state(), task.offered_to.as_slice()),
        (TaskState::Requested, ["anna".into(), "bea".into()].as_slice())
    );
    let id = task.task_id;
    let (accepted, _) =
        step!(replica, "bea", accept_task, AcceptTaskRequest { task_id: id.clone(), command: command("1") })
            .unwrap();
    assert_eq!((accepted.holder.as_str(), accepted.offered_to.len()), ("bea", 0));
    let late =
        step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: id.clone(), command: command("1") });
    crate::support::refused(late, tonic::Code::FailedPrecondition, "ALREADY_TAKEN");
    assert!(replica.list("anna").await.is_empty());
    assert_eq!(world.events(&id).await, ["requested", "accepted"]);
    replica.stop().await;
}

#[tokio::test]
async fn two_who_say_yes_at_once_get_one_yes() {
    let world = World::with(&["anna", "bea"]).await;
    let (one, two) = (world.start().await, world.start().await);
    for signal in 1..=10 {
        let task = one.signal(signal).await.task_id;
        two.task(COORDINATOR, &task).await;
        let (a, b) = tokio::join!(
            async {
                step!(
                    one,
                    "anna",
                    accept_task,
                    AcceptTaskRequest { task_id: task.clone(), command: command(&task[..20]) }
                )
            },
            async {
                step!(
                    two,
                    "bea",
                    accept_task,
                    AcceptTaskRequest { task_id: task.clone(), command: command(&task[..20]) }
                )
            },
        );
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
        assert_eq!(world.events(&task).await, ["requested", "accepted"]);
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn with_nobody_present_it_is_the_coordinators_at_once_and_she_assigns_it() {
    let world = World::with(&[]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await;
    assert_eq!(
        (task.state(), task.offered_to.as_slice()),
        (TaskState::Requested, [COORDINATOR.to_owned()].as_slice())
    );
    assert_eq!(replica.list(COORDINATOR).await, std::slice::from_ref(&task.task_id));
    let (assigned, _) = step!(
        replica,
        COORDINATOR,
        assign_task,
        AssignTaskRequest {
            task_id: task.task_id.clone(),
            command: command("1"),
            professional: "cor",
            reason: 1
        }
    )
    .unwrap();
    assert_eq!((assigned.state(), assigned.holder.as_str()), (TaskState::Accepted, "cor"));
    let elsewhere = step!(
        replica,
        COORDINATOR,
        assign_task,
        AssignTaskRequest {
            task_id: task.task_id.clone(),
            command: command("2"),
            professional: "eva",
            reason: 1
        }
    );
    crate::support::refused(elsewhere, tonic::Code::InvalidArgument, "NOT_AT_CENTRE");
    replica.stop().await;
}

#[tokio::test]
async fn when_everybody_declines_it_is_the_coordinators() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    for person in ["anna", "bea"] {
        step!(
            replica,
            person,
            decline_task,
            DeclineTaskRequest {
                task_id: task.clone(),
                command: command("no"),
                reason: DeclineReason::NoTime as i32
            }
        )
        .unwrap();
    }
    let task = replica.get(COORDINATOR, &task).await.unwrap();
    assert_eq!(
        (task.state(), task.offered_to.as_slice()),
        (TaskState::Requested, [COORDINATOR.to_owned()].as_slice())
    );
    assert!(replica.list("anna").await.is_empty());
    replica.stop().await;
}

#[tokio::test]
async fn a_safety_signal_goes_to_everybody_on_duty_and_the_coordinator() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let id = world.signal_with(1, |s| s.safety = common::SafetyLevel::Acute.into()).await;
    let task = replica.task("anna", &id).await;
    assert_eq!((task.state(), task.urgency()), (TaskState::Requested, common::Urgency::Safety));
    assert_eq!(task.offered_to, ["anna", COORDINATOR]);
    world.clock.advance(jiff::SignedDuration::from_mins(6));
    world.happened(&id, "offers_made", 1).await;
    replica.stop().await;
}

#[tokio::test]
async fn two_replicas_make_one_task_of_each_signal_and_remember_the_same() {
    let world = World::with(&["anna", "bea"]).await;
    let (one, two) = (world.start().await, world.start().await);
    for signal in 1..=20 {
        world.signal(signal).await;
    }
    for signal in 1..=20 {
        let task = world.task_of(signal);
        one.task(COORDINATOR, &task).await;
        two.task(COORDINATOR, &task).await;
        assert_eq!(world.events(&task).await, ["requested"]);
    }
    let (a, b) = ((one.digest)(), (two.digest)());
    assert_eq!(a, b);
    assert_eq!(a.histories, 20);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_withdrawn_signal_asks_whoever_holds_its_task() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    world.withdraw(1).await;
    let asked = replica
        .task_when("anna", &task, "is asked to end", |t| t.state() == TaskState::CancelRequested)
        .await;
    assert!(asked.allowed_steps.contains(&"DecideCancellation".to_owned()));
    let (ended, _) = step!(
        replica,
        "anna",
        decide_cancellation,
        DecideCancellationRequest { task_id: task.clone(), command: command("1"), confirmed: true }
    )
    .unwrap();
    assert_eq!(ended.state(), TaskState::Cancelled);
    assert!(replica.list("anna").await.is_empty());
    assert_eq!(replica.get("anna", &task).await.unwrap().state(), TaskState::Cancelled, "from the log");
    replica.stop().await;
}

#[tokio::test]
async fn a_withdrawal_during_another_cancellation_is_asked_after_it() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let (asked, _) = step!(
        replica,
        COORDINATOR,
        request_cancellation,
        RequestCancellationRequest {
            task_id: task.clone(),
            command: command("1"),
            reason: CancelReason::Duplicate as i32
        }
    )
    .unwrap();
    assert_eq!(asked.cancellation_reason(), CancelReason::Duplicate);
    world.withdraw(1).await;
    world.happened(&task, "cancellation_requested", 2).await;
    let no = |key: &'static str| {
        let request =
            DecideCancellationRequest { task_id: task.clone(), command: command(key), confirmed: false };
        let mut api = replica.api.clone();
        async move { api.decide_cancellation(of("anna", request)).await.unwrap().into_inner().task.unwrap() }
    };
    let next = no("2").await;
    assert_eq!(
        (next.state(), next.cancellation_reason()),
        (TaskState::CancelRequested, CancelReason::SignalWithdrawn)
    );
    let back = no("3").await;
    assert_eq!((back.state(), back.cancellation_reason()), (TaskState::Accepted, CancelReason::Unspecified));

    // She said no to it, so it is not asked again, whoever reads the signal once more.
    let other = world.start().await;
    replica.signal(2).await;
    let asked = "cancellation_requested";
    let decided = "cancellation_decided";
    assert_eq!(world.events(&task).await, ["requested", asked, asked, decided, decided]);
    replica.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_signal_that_was_withdrawn_before_anybody_looked_still_becomes_one_task() {
    let world = World::with(&["anna"]).await;
    world.signal(1).await;
    world.withdraw(1).await;
    let replica = world.start().await;
    let task = world.task_of(1);
    world.happened(&task, "cancellation_requested", 1).await;
    assert_eq!(world.events(&task).await, ["requested", "cancellation_requested"]);
    replica.stop().await;
}

#[tokio::test]
async fn who_knows_the_child_is_asked_first_also_after_her_task_has_ended() {
    let world = World::with(&["anna", "bea", "cor"]).await;
    let replica = world.start().await;
    let child = |s: &mut voordeur_contracts::event::SignalReceived| s.child = vec![77; 16].into();
    let first = world.signal_with(1, child).await;
    replica.task(COORDINATOR, &first).await;
    step!(replica, "cor", accept_task, AcceptTaskRequest { task_id: first.clone(), command: command("1") })
        .unwrap();
    step!(
        replica,
        "cor",
        answer_task,
        AnswerTaskRequest { task_id: first.clone(), command: command("2"), outcome: 1, status: 2 }
    )
    .unwrap();
    let second = world.signal_with(2, child).await;
    let task = replica.task(COORDINATOR, &second).await;
    assert_eq!(task.offered_to, ["cor"]);
    assert_eq!(task.linked_task_ids, [first]);

    // A third one is told to the second, which is still open.
    let third = world.signal_with(3, child).await;
    let linked =
        replica.task_when(COORDINATOR, &second, "is linked", |t| t.linked_task_ids.contains(&third)).await;
    assert_eq!(linked.linked_task_ids.len(), 2);
    replica.stop().await;
}

#[tokio::test]
async fn a_choice_can_be_explained() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: task.clone(), command: command("1") })
        .unwrap();
    let request = ExplainRoutingRequest { task_id: task };
    let explained = replica.api.clone().explain_routing(of("anna", request)).await.unwrap().into_inner();
    let plan = explained.plan.unwrap();
    assert_eq!((plan.policy_version, plan.steps.len(), explained.directory_version), (0, 4, 1));
    let cor = plan.steps[2].candidates.iter().find(|c| c.professional == "cor").unwrap();
    assert_eq!((cor.chosen, cor.reasons.as_slice()), (false, [ChoiceReason::NotScheduled as i32].as_slice()));
    let events: Vec<&str> = explained.timeline.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["requested", "accepted"]);
    assert_eq!(explained.timeline[0].step.as_ref().unwrap().skipped_steps, [0, 1]);
    replica.stop().await;
}

#[tokio::test]
async fn a_signal_that_cannot_be_read_is_kept_whole_and_the_next_one_goes_on() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let key = "0".repeat(32);
    world.append(StreamName::Signals, "voordeur.signal.v1", &key, Version::ABSENT, vec![0xff]).await;
    replica.signal(1).await;
    eventually("a dead letter", SOON, || async {
        let end = world.broker.log(StreamName::DeadLetters).end(soon()).await.unwrap().sequence;
        if end == 1 { Ok(()) } else { Err(format!("{end} letters")) }
    })
    .await;
    replica.stop().await;
}

#[tokio::test]
async fn a_signal_of_a_centre_that_the_directory_does_not_know_yet_waits_for_it() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let id = world.signal_with(1, |s| s.centre = "nieuw".into()).await;
    replica.signal(2).await;
    assert!(world.events(&id).await.is_empty());
    let new = crate::support::directory(&["anna"]).replace("wilg", "nieuw");
    let store = voordeur_directory::DirectoryStore::new(
        world.broker.bucket(voordeur_eventlog::BucketName::Directory),
    );
    store.apply(&new, 1, soon()).await.unwrap();
    world.happened(&id, "requested", 1).await;
    replica.stop().await;
}

#[tokio::test]
async fn on_a_bad_day_each_signal_still_becomes_one_task_and_each_deadline_has_one_event() {
    for (seed, flavour) in
        [(1, Flavour::Single), (2, Flavour::Replicated), (3, Flavour::Single), (4, Flavour::Replicated)]
    {
        let faults = Faults { longest_delay: std::time::Duration::from_millis(50), ..Faults::rough(seed) };
        let world = World::on(&["anna", "bea"], Options { faults, flavour, ..Options::default() }).await;
        let (one, two) = (world.start().await, world.start().await);
        for signal in 1..=12 {
            world.signal(signal).await;
        }
        for signal in 1..=12 {
            world.happened(&world.task_of(signal), "requested", 1).await;
        }
        world.pass(5);
        for signal in 1..=12 {
            world.happened(&world.task_of(signal), "offers_timed_out", 1).await;
        }
        // Quiet: what each replica remembers is the same, and nothing happened twice.
        eventually("both replicas to remember the same", SOON, || async {
            let (a, b) = ((one.digest)(), (two.digest)());
            if a == b && a.histories == 12 { Ok(()) } else { Err(format!("{a:?} {b:?}")) }
        })
        .await;
        for signal in 1..=12 {
            assert_eq!(
                world.events(&world.task_of(signal)).await,
                ["requested", "offers_timed_out"],
                "seed {seed}"
            );
        }
        one.stop().await;
        two.stop().await;
    }
}
