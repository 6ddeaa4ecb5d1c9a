//! From the first signal to the last flush.
//!
//! First signal: readiness off, nothing new is taken, watches end with the word to resume elsewhere, what is in hand is finished, then
//! folds and workers stop. A second signal, or the end of the grace, ends everything at once; that is harmless, because nothing that
//! was acknowledged is only in memory.

use std::{process::ExitCode, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{StartError, Tasks, tasks::TaskFailure};

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Everything in hand was finished.
    Finished,
    /// The grace was over, or somebody asked twice.
    CutShort,
    /// A task failed.
    Failed(TaskFailure),
}

impl Ending {
    /// What the shell is told.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Finished => ExitCode::SUCCESS,
            Self::CutShort | Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

/// The signals that ask a process to stop.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn listen() -> Result<Self, StartError> {
        let listen = |kind| signal(kind).map_err(StartError::io("listening for signals"));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Runs until a signal or a failure, then winds down.
pub async fn run(tasks: &Tasks, signals: &mut StopSignals, grace: Duration) -> Ending {
    let failed = tokio::select! {
        () = signals.next() => None,
        failure = tasks.failure() => Some(failure),
    };
    tracing::info!(failed = failed.is_some(), grace_s = grace.as_secs(), "stopping");
    let ending = wind_down(tasks, grace, async { signals.next().await }).await;
    failed.map_or(ending, Ending::Failed)
}

/// Finishes what is in hand, for at most `grace`, unless `hurry` comes first.
pub async fn wind_down(tasks: &Tasks, grace: Duration, hurry: impl Future<Output = ()> + Send) -> Ending {
    let finished = tokio::select! {
        () = tasks.finish() => true,
        () = tokio::time::sleep(grace) => false,
        () = hurry => false,
    };
    match (tasks.failed(), finished) {
        (Some(failure), _) => Ending::Failed(failure),
        (None, true) => Ending::Finished,
        (None, false) => {
            tracing::warn!(running = tasks.running(), "stopping without waiting any longer");
            Ending::CutShort
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_finish_in_the_grace_is_cut_short() {
        let tasks = Tasks::new();
        tasks.spawn("stubborn", std::future::pending::<Result<(), Infallible>>());
        let ending = wind_down(&tasks, Duration::from_secs(20), std::future::pending()).await;
        assert_eq!(ending, Ending::CutShort);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_does_not_wait() {
        let tasks = Tasks::new();
        tasks.spawn("stubborn", std::future::pending::<Result<(), Infallible>>());
        let ending = wind_down(&tasks, Duration::MAX, std::future::ready(())).await;
        assert_eq!(ending, Ending::CutShort);
    }

    #[tokio::test]
    async fn servers_end_before_the_tasks_they_lean_on() {
        let tasks = Tasks::new();
        let (draining, stop) = (tasks.draining(), tasks.stop());
        let stop_seen_by_server = stop.clone();
        tasks.spawn_server("grpc", async move {
            draining.cancelled().await;
            assert!(!stop_seen_by_server.is_cancelled());
            Ok::<(), Infallible>(())
        });
        tasks.spawn("fold", async move {
            stop.cancelled().await;
            Ok::<(), Infallible>(())
        });
        assert_eq!(wind_down(&tasks, Duration::from_secs(5), std::future::pending()).await, Ending::Finished);
    }
}
