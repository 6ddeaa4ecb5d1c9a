//! Load: callers who hand signals over until each has its receipt, and people who work through what is put before them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tonic::Code;
use voordeur_contracts::{
    common::CommandContext,
    event::{AnswerStatus, ContactKind, ContactWith, TaskOutcome, TaskState},
    intake::{SubmitSignalRequest, signal_intake_service_client::SignalIntakeServiceClient},
    routing::{
        AcceptTaskRequest, AnswerTaskRequest, ListTasksRequest, RecordContactRequest, Task,
        task_service_client::TaskServiceClient,
    },
};
use voordeur_kernel::{SignalId, TaskId};

use super::{
    ledger::{Act, Ledger},
    plan::Plan,
};
use crate::{
    As, Caller, Replicas,
    signals::{PROFESSIONALS, SCHOOL, about_child, signal},
};

/// Who hand signals over at the same time.
pub const CALLERS: usize = 16;
/// Who catches what the professionals do not take.
const COORDINATOR: &str = "marit";
/// Children that a round brings for the first time; as many are known from the round before.
const NEW_CHILDREN: usize = 8;
/// How long somebody goes on with one thing before she says that the installation does not work: many times longer than any fault.
const PATIENCE: Duration = Duration::from_secs(120);
/// Wait before something is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(60);

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

/// The n-th signal of a round, and the child that it is about.
fn signal_of(plan: &Plan, number: usize) -> (SubmitSignalRequest, Option<usize>) {
    let mut request = signal(&format!("round-{}", plan.seed), number);
    if !number.is_multiple_of(3) {
        return (request, None);
    }
    // Two rounds that follow each other share half of their children, so that episodes are opened and joined under fire.
    let first = usize::try_from(plan.seed % 1_000_000).expect("small") * NEW_CHILDREN;
    let child = first + (number / 3) % (2 * NEW_CHILDREN);
    request.subject = Some(about_child(child));
    (request, Some(child))
}

/// Hands one signal over, however long it takes, to whichever replica is there.
async fn submit(replicas: &Replicas, request: &SubmitSignalRequest, turn: usize) -> SignalId {
    let mut turn = turn;
    let mut last = String::from("no replica has an address");
    let end = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < end {
        turn += 1;
        if let Some(channel) = replicas.channel("intake", turn) {
            let mut client =
                SignalIntakeServiceClient::with_interceptor(channel, As(format!("organisation:{SCHOOL}")));
            match client.submit_signal(request.clone()).await {
                Ok(receipt) => return receipt.into_inner().signal_id.parse().expect("a signal id"),
                Err(status) if passes(&status) => last = status.to_string(),
                Err(status) => panic!("{}: {status:?}", request.client_reference),
            }
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    panic!("{} was never taken: {last}", request.client_reference)
}

/// Hands every signal of a plan over; returns when each has its receipt.
pub async fn hand_over(replicas: Arc<Replicas>, ledger: Arc<Ledger>, plan: Arc<Plan>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (replicas, ledger, plan, next) =
            (Arc::clone(&replicas), Arc::clone(&ledger), Arc::clone(&plan), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= plan.signals {
                    break;
                }
                let (request, child) = signal_of(&plan, number);
                let ids = if number % 8 == 3 {
                    // An impatient system: the same signal at two replicas at once.
                    let (one, other) =
                        tokio::join!(submit(&replicas, &request, 0), submit(&replicas, &request, 1));
                    vec![one, other]
                } else {
                    vec![submit(&replicas, &request, number).await]
                };
                for id in ids {
                    ledger.receipt(&request.client_reference, child, id);
                }
                tokio::time::sleep(Duration::from_millis(plan.pause_ms)).await;
            }
        });
    }
    finish(&mut callers).await;
}

/// Waits for all; what one of them found wrong is found wrong here.
pub async fn finish(tasks: &mut tokio::task::JoinSet<()>) {
    while let Some(done) = tasks.join_next().await {
        if let Err(error) = done {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// The people at the centre, at work until they are told to stop.
#[derive(Debug)]
pub struct People {
    stop: Arc<AtomicBool>,
    people: tokio::task::JoinSet<()>,
}

impl People {
    /// Everybody begins.
    #[must_use]
    pub fn begin(replicas: &Arc<Replicas>, ledger: &Arc<Ledger>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut people = tokio::task::JoinSet::new();
        for who in PROFESSIONALS.into_iter().chain([COORDINATOR]) {
            people.spawn(work(Arc::clone(replicas), Arc::clone(ledger), who, Arc::clone(&stop)));
        }
        Self { stop, people }
    }

    /// Everybody stops, after what she has in hand.
    pub async fn stop(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        finish(&mut self.people).await;
    }
}

/// Tasks that nobody takes up, so that open ones gather and their clocks go on: one of sixteen, by their id.
#[must_use]
pub fn is_left_alone(task: TaskId) -> bool {
    task.to_hex().ends_with('f')
}

async fn work(replicas: Arc<Replicas>, ledger: Arc<Ledger>, who: &'static str, stop: Arc<AtomicBool>) {
    let mut turn = 0;
    while !stop.load(Ordering::SeqCst) {
        turn += 1;
        let mut worked = false;
        if let Some(channel) = replicas.channel("routing", turn) {
            let mut client = TaskServiceClient::with_interceptor(channel, As(format!("person:{who}")));
            let request = ListTasksRequest { page_size: 500, ..ListTasksRequest::default() };
            if let Ok(list) = client.list_tasks(request).await {
                for task in list.into_inner().tasks {
                    worked |= advance(&mut client, &ledger, who, &task).await;
                }
            }
        }
        if !worked {
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}

/// One step on one task; whether it was taken. Refusals are part of life among four people.
async fn advance(client: &mut TaskServiceClient<Caller>, ledger: &Ledger, who: &str, task: &Task) -> bool {
    let id: TaskId = task.task_id.parse().expect("a task id");
    if is_left_alone(id) {
        return false;
    }
    match step(client, who, task).await {
        Ok(Some(act)) => {
            ledger.act(id, act);
            true
        }
        Ok(None) => false,
        Err(status)
            if passes(&status)
                || matches!(
                    status.code(),
                    Code::FailedPrecondition | Code::NotFound | Code::PermissionDenied
                ) =>
        {
            false
        }
        Err(status) => panic!("{who}: {status:?}"),
    }
}

/// The next step that is open to her; the same key whenever she tries it again.
async fn step(
    client: &mut TaskServiceClient<Caller>,
    who: &str,
    task: &Task,
) -> Result<Option<Act>, tonic::Status> {
    let task_id = task.task_id.clone();
    let command = |step: &str| {
        Some(CommandContext { idempotency_key: format!("{step}-{}", task.task_id), seen_version: 0 })
    };
    match task.state() {
        TaskState::Requested if task.offered_to.iter().any(|key| key == who) => {
            let command = command(&format!("accept-{who}"));
            client.accept_task(AcceptTaskRequest { task_id, command }).await.map(|_| Some(Act::Accept))
        }
        TaskState::Accepted if task.holder == who => {
            let request = RecordContactRequest {
                task_id,
                command: command("contact"),
                kind: ContactKind::InPerson.into(),
                with: ContactWith::Signaller.into(),
                reached: true,
            };
            client.record_contact(request).await.map(|_| Some(Act::Contact))
        }
        TaskState::InProgress if task.holder == who => {
            let request = AnswerTaskRequest {
                task_id,
                command: command("answer"),
                outcome: TaskOutcome::Advice.into(),
                status: AnswerStatus::AdviceGiven.into(),
                advice: None,
            };
            client.answer_task(request).await.map(|_| Some(Act::Answer))
        }
        _ => Ok(None),
    }
}
