//! Everything that runs on its own. Nothing dies silently: an error or a panic of one task ends the process.

use std::{
    any::Any,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument as _;

/// A task that ended as it should not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{task} failed: {cause}")]
pub struct TaskFailure {
    /// Its name.
    pub task: &'static str,
    /// What it said, or the message of its panic.
    pub cause: String,
}

#[derive(Default)]
struct Shared {
    tracker: TaskTracker,
    servers: TaskTracker,
    draining: CancellationToken,
    stop: CancellationToken,
    failed: CancellationToken,
    first: Mutex<Option<TaskFailure>>,
}

/// Spawns tasks, watches over them and stops them together. Clones are the same group.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Shared>);

impl Tasks {
    /// An empty group.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a future until it ends. `Ok` is a good end at any time; an error or a panic is a failure of the whole process.
    pub fn spawn<F, E>(&self, name: &'static str, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.0.tracker.spawn(self.watched(name, future));
    }

    /// Runs a server: it ends when draining begins, before the tasks it leans on.
    pub(crate) fn spawn_server<F, E>(&self, name: &'static str, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.0.servers.spawn(self.watched(name, future));
    }

    fn watched<F, E>(
        &self,
        name: &'static str,
        future: F,
    ) -> impl Future<Output = ()> + Send + 'static + use<F, E>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let shared = Arc::clone(&self.0);
        // On its own heap block: futures of services are large.
        let future = Box::pin(future);
        let watched = async move {
            let outcome = std::panic::AssertUnwindSafe(future).catch_unwind().await;
            let cause = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => format!("panic: {}", panic_text(panic.as_ref())),
            };
            tracing::error!(task = name, cause, "a task failed; the process ends");
            shared
                .first
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(TaskFailure { task: name, cause });
            shared.failed.cancel();
        };
        // Not inside whatever span is current here: a task outlives the call that started it.
        watched.instrument(tracing::Span::none())
    }

    /// Cancelled when nothing new is taken any more; what is in hand goes on.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.0.draining.clone()
    }

    /// Cancelled when the process is to stop; tasks end soon after it.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Waits for the first failure.
    pub async fn failure(&self) -> TaskFailure {
        self.0.failed.cancelled().await;
        self.failed().unwrap_or(TaskFailure { task: "task", cause: "unknown".to_owned() })
    }

    /// The first failure, if there was one.
    #[must_use]
    pub fn failed(&self) -> Option<TaskFailure> {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes nothing new, waits for the servers to finish what is in hand, then tells every task to stop and waits for all.
    pub async fn finish(&self) {
        self.0.draining.cancel();
        self.0.servers.close();
        self.0.servers.wait().await;
        self.0.stop.cancel();
        self.0.tracker.close();
        self.0.tracker.wait().await;
    }

    /// Tasks that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.tracker.len() + self.0.servers.len()
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("running", &self.running()).finish_non_exhaustive()
    }
}

/// The message of a panic. Panics are our own texts; they hold no data of people, and yet only their first line is kept.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test]
    async fn an_error_of_one_task_is_a_failure_of_all() {
        let tasks = Tasks::new();
        tasks.spawn("folds", async { Err("a hole in SIGNALS") });
        let failure = tasks.failure().await;
        assert_eq!(failure.to_string(), "folds failed: a hole in SIGNALS");
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_too() {
        let tasks = Tasks::new();
        tasks.spawn("timers", async {
            assert!(tokio::task::try_id().is_none(), "no time\nsecond line");
            Ok::<(), Infallible>(())
        });
        assert_eq!(tasks.failure().await.to_string(), "timers failed: panic: no time");
    }

    #[tokio::test]
    async fn stopping_waits_for_every_task_and_a_good_end_is_no_failure() {
        let tasks = Tasks::new();
        let stop = tasks.stop();
        tasks.spawn("worker", async move {
            stop.cancelled().await;
            Ok::<(), Infallible>(())
        });
        tasks.spawn("short", async { Ok::<(), Infallible>(()) });
        tasks.finish().await;
        assert_eq!((tasks.running(), tasks.failed()), (0, None));
    }
}
