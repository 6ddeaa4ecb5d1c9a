//! The first crash test: load from 16 callers, every service and the broker killed in the middle, then quiet, then everything counted.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tonic::Code;
use voordeur_contracts::{
    common::CommandContext,
    event::{AnswerStatus, ContactKind, ContactWith, TaskOutcome, TaskState},
    intake::signal_intake_service_client::SignalIntakeServiceClient,
    routing::{
        AcceptTaskRequest, AnswerTaskRequest, ListTasksRequest, RecordContactRequest, Task,
        task_service_client::TaskServiceClient,
    },
};
use voordeur_eventlog::Broker;
use voordeur_kernel::{Clock as _, SignalId};
use voordeur_system_tests::{As, Caller, Installation, SERVICES, census};
use voordeur_testkit::eventually;

use voordeur_system_tests::signals::{CHILDREN, PROFESSIONALS, SCHOOL, signal};

/// Signals of one round, and who hands them over.
const SIGNALS: usize = 500;
const CALLERS: usize = 16;

/// Errors after which the very same request is sent again.
fn passes(status: &tonic::Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Aborted
            | Code::ResourceExhausted
            | Code::Unknown
            | Code::Internal
    )
}

/// Hands one signal over, however long it takes, to whichever replica is there.
async fn submit(installation: &Installation, number: usize) -> SignalId {
    let mut turn = number;
    let mut last = String::from("no replica has an address");
    for _ in 0..400 {
        turn += 1;
        if let Some(channel) = installation.channel("intake", turn) {
            let mut client =
                SignalIntakeServiceClient::with_interceptor(channel, As(format!("organisation:{SCHOOL}")));
            match client.submit_signal(signal("crash", number)).await {
                Ok(receipt) => return receipt.into_inner().signal_id.parse().expect("a signal id"),
                Err(status) if passes(&status) => last = status.to_string(),
                Err(status) => panic!("signal {number}: {status:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("signal {number} was never taken: {last}")
}

fn tasks(installation: &Installation, who: &str, turn: usize) -> Option<TaskServiceClient<Caller>> {
    let channel = installation.channel("routing", turn)?;
    Some(TaskServiceClient::with_interceptor(channel, As(format!("person:{who}"))))
}

fn act(task: &Task, step: &str) -> Option<CommandContext> {
    Some(CommandContext { idempotency_key: format!("{step}-{}", task.task_id), seen_version: 0 })
}

/// One step on one task, the next one that is open to her; refusals are part of life among three people.
async fn step(client: &mut TaskServiceClient<Caller>, who: &str, task: &Task) -> Result<bool, tonic::Status> {
    let task_id = task.task_id.clone();
    match task.state() {
        TaskState::Requested if task.offered_to.iter().any(|key| key == who) => {
            let command = act(task, &format!("accept-{who}"));
            client.accept_task(AcceptTaskRequest { task_id, command }).await.map(|_| true)
        }
        TaskState::Accepted if task.holder == who => {
            let request = RecordContactRequest {
                task_id,
                command: act(task, "contact"),
                kind: ContactKind::InPerson.into(),
                with: ContactWith::Signaller.into(),
                reached: true,
            };
            client.record_contact(request).await.map(|_| true)
        }
        TaskState::InProgress if task.holder == who => {
            let request = AnswerTaskRequest {
                task_id,
                command: act(task, "answer"),
                outcome: TaskOutcome::Advice.into(),
                status: AnswerStatus::AdviceGiven.into(),
                advice: None,
            };
            client.answer_task(request).await.map(|_| true)
        }
        _ => Ok(false),
    }
}

/// A professional who works through whatever is put before her until she is told to stop.
async fn work(installation: Arc<Installation>, who: &'static str, stop: Arc<AtomicBool>) {
    let mut turn = 0;
    while !stop.load(Ordering::SeqCst) {
        turn += 1;
        let mut worked = false;
        if let Some(mut client) = tasks(&installation, who, turn)
            && let Ok(list) =
                client.list_tasks(ListTasksRequest { page_size: 20, ..ListTasksRequest::default() }).await
        {
            for task in list.into_inner().tasks {
                match step(&mut client, who, &task).await {
                    Ok(done) => worked |= done,
                    Err(status)
                        if passes(&status)
                            || matches!(
                                status.code(),
                                Code::FailedPrecondition | Code::NotFound | Code::PermissionDenied
                            ) => {}
                    Err(status) => panic!("{who}: {status:?}"),
                }
            }
        }
        if !worked {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_every_service_and_the_broker_are_killed() {
    let installation = Installation::prepare(&[
        // Offers end soon, so that deadlines come due while everything falls over.
        ("VOORDEUR__ROUTING__OFFER_S", "2"),
        ("VOORDEUR__TELEMETRY__LOG", "warn"),
    ])
    .await;
    installation.start_all(2).await;

    let next = Arc::new(AtomicUsize::new(0));
    let receipts = Arc::new(Mutex::new(BTreeSet::new()));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (installation, next, receipts) =
            (Arc::clone(&installation), Arc::clone(&next), Arc::clone(&receipts));
        callers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= SIGNALS {
                    break;
                }
                let id = submit(&installation, number).await;
                receipts.lock().unwrap().insert(id);
            }
        });
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut people = tokio::task::JoinSet::new();
    for who in PROFESSIONALS {
        people.spawn(work(Arc::clone(&installation), who, Arc::clone(&stop)));
    }

    // Everything falls over once, at moments counted in receipts.
    let moments: Vec<_> = (1..=7).map(|n| n * SIGNALS / 8).collect();
    for (index, moment) in moments.into_iter().enumerate() {
        eventually("the next moment to kill", Duration::from_secs(120), || async {
            let now = receipts.lock().unwrap().len();
            if now >= moment { Ok(()) } else { Err(format!("{now} of {moment} receipts")) }
        })
        .await;
        if index == 3 {
            installation.nats.kill().await;
            installation.nats.restart().await;
        } else {
            // The broker's turn took one index; three services with two replicas each have six.
            let turn = if index > 3 { index - 1 } else { index };
            let (service, number) = (SERVICES[turn % 3], turn / 3);
            installation.kill(service, number);
            installation.start(service, number);
        }
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    let receipts = receipts.lock().unwrap().clone();
    assert_eq!(receipts.len(), SIGNALS, "every reference has its own signal");

    // Quiet: everything that has to follow has followed.
    installation.ready().await;
    let broker: Arc<dyn Broker> = Arc::new(installation.broker().await);
    eventually("every promise holds", Duration::from_secs(120), || async {
        let now = voordeur_system_tests::WallClock.now() - jiff::SignedDuration::from_secs(5);
        let census = census::count(&broker).await;
        let mut broken = census.broken_promises(&receipts, now);
        if census.episodes.len() != CHILDREN {
            broken.push(format!("{} of {CHILDREN} children have an episode", census.episodes.len()));
        }
        if broken.is_empty() {
            Ok(())
        } else {
            Err(format!("{} broken, first: {:?}", broken.len(), &broken[..broken.len().min(5)]))
        }
    })
    .await;
    // It was a real test: people worked, and deadlines came due, under fire.
    let census = census::count(&broker).await;
    let happened = |name| census.tasks.values().filter(|task| task.events.contains(&name)).count();
    for name in ["accepted", "contact_recorded", "answered", "offers_timed_out"] {
        assert!(happened(name) > 0, "no task was ever {name}");
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(done) = people.join_next().await {
        done.unwrap();
    }

    // Every replica remembers the same as one that reads the log for the first time.
    for service in SERVICES {
        installation.start(service, 2);
    }
    installation.ready().await;
    eventually("every replica agrees with a fresh replay", Duration::from_secs(60), || async {
        for service in SERVICES {
            let folds: Vec<_> =
                (0..3).map(|number| installation.folds(service, number)).collect::<Result<_, _>>()?;
            if folds.iter().any(|fold| comparable(fold) != comparable(&folds[0])) {
                return Err(format!("{service}: {folds:?}"));
            }
        }
        Ok(())
    })
    .await;
    assert_eq!(installation.died(), Vec::<String>::new());
}

/// What must be equal between replicas: not their names.
fn comparable(folds: &serde_json::Value) -> String {
    folds["folds"].to_string()
}
