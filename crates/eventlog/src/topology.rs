//! The streams, consumers and buckets of the system, as data. The operations command applies it, services verify it.

use std::{fmt, time::Duration};

/// Most deliveries of one consumer that may be unsettled at a time.
pub const MAX_UNSETTLED: usize = 10_000;

/// A stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamName {
    /// Histories of signals; owner intake.
    Signals,
    /// Histories of tasks, presence and notices; owner routing.
    Tasks,
    /// Histories of episodes, work on the floor and published reports; owner escalation.
    Episodes,
    /// Who saw or changed what; every service its own subjects.
    Audit,
    /// Messages that could not be handled.
    DeadLetters,
}

impl StreamName {
    /// Every stream.
    pub const ALL: [Self; 5] = [Self::Signals, Self::Tasks, Self::Episodes, Self::Audit, Self::DeadLetters];

    /// Name at the broker.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signals => "SIGNALS",
            Self::Tasks => "TASKS",
            Self::Episodes => "EPISODES",
            Self::Audit => "AUDIT",
            Self::DeadLetters => "DEAD_LETTERS",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.as_str() == name)
    }

    /// Prefixes of its subjects; each is followed by one token, the key of the history (audit and dead letters by more).
    #[must_use]
    pub const fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Signals => &["voordeur.signal.v1"],
            Self::Tasks => &["voordeur.task.v1", "voordeur.presence.v1", "voordeur.notice.v1"],
            Self::Episodes => &["voordeur.episode.v1", "voordeur.activity.v1", "voordeur.report.v1"],
            Self::Audit => &["voordeur.audit.v1"],
            Self::DeadLetters => &["voordeur.dead.v1"],
        }
    }

    /// The subjects it takes in.
    #[must_use]
    pub fn subjects(self) -> Vec<String> {
        let rest = match self {
            Self::Signals | Self::Tasks | Self::Episodes => "*",
            Self::Audit | Self::DeadLetters => ">",
        };
        self.prefixes().iter().map(|prefix| format!("{prefix}.{rest}")).collect()
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A durable consumer: who is woken by which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsumerName {
    /// Routing makes a task of each signal.
    RoutingSignals,
    /// Routing makes a task of work that came due: checks and hand-overs of episodes, look-backs on work on the floor.
    RoutingEpisodes,
    /// Intake brings the task and the answer back to the signal.
    IntakeTasks,
    /// Escalation opens and follows episodes.
    EscalationTasks,
    /// Intake tries its parked messages again.
    IntakeReplays,
    /// Routing tries its parked messages again.
    RoutingReplays,
    /// Escalation tries its parked messages again.
    EscalationReplays,
}

impl ConsumerName {
    /// Every consumer.
    pub const ALL: [Self; 7] = [
        Self::RoutingSignals,
        Self::RoutingEpisodes,
        Self::IntakeTasks,
        Self::EscalationTasks,
        Self::IntakeReplays,
        Self::RoutingReplays,
        Self::EscalationReplays,
    ];

    /// Name at the broker.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoutingSignals => "routing-signals",
            Self::RoutingEpisodes => "routing-episodes",
            Self::IntakeTasks => "intake-tasks",
            Self::EscalationTasks => "escalation-tasks",
            Self::IntakeReplays => "intake-replays",
            Self::RoutingReplays => "routing-replays",
            Self::EscalationReplays => "escalation-replays",
        }
    }

    /// The stream it reads.
    #[must_use]
    pub const fn stream(self) -> StreamName {
        match self {
            Self::RoutingSignals => StreamName::Signals,
            Self::RoutingEpisodes => StreamName::Episodes,
            Self::IntakeTasks | Self::EscalationTasks => StreamName::Tasks,
            Self::IntakeReplays | Self::RoutingReplays | Self::EscalationReplays => StreamName::DeadLetters,
        }
    }

    /// The subjects it is woken by.
    #[must_use]
    pub const fn filter(self) -> &'static str {
        match self {
            Self::RoutingSignals => "voordeur.signal.v1.*",
            // Of every kind of history on that stream.
            Self::RoutingEpisodes => "voordeur.*.v1.*",
            Self::IntakeTasks | Self::EscalationTasks => "voordeur.task.v1.*",
            Self::IntakeReplays => "voordeur.dead.v1.intake.>",
            Self::RoutingReplays => "voordeur.dead.v1.routing.>",
            Self::EscalationReplays => "voordeur.dead.v1.escalation.>",
        }
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A bucket of small values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BucketName {
    /// Versions of the directory and the pointer to the newest.
    Directory,
    /// Child look-ups and wrapped data keys; intake only.
    Keys,
}

impl BucketName {
    /// Every bucket.
    pub const ALL: [Self; 2] = [Self::Directory, Self::Keys];

    /// Name at the broker.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "DIRECTORY",
            Self::Keys => "KEYS",
        }
    }

    /// The stream at the broker that holds it.
    #[must_use]
    pub fn stream(self) -> String {
        format!("KV_{}", self.as_str())
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Settings of an installation; everything else is the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Replicas of streams and buckets: 1 on one machine, 3 on a cluster.
    pub replicas: usize,
    /// Most bytes of each stream.
    pub stream_bytes_max: u64,
    /// Most bytes of each bucket.
    pub bucket_bytes_max: u64,
    /// Window in which the broker itself recognises a repeated commit id. Correctness does not depend on it.
    pub duplicate_window: Duration,
    /// How long a delivery may stay unsettled before it comes again.
    pub ack_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            replicas: 1,
            stream_bytes_max: 4 << 30,
            bucket_bytes_max: 1 << 30,
            duplicate_window: Duration::from_secs(600),
            ack_wait: Duration::from_secs(5),
        }
    }
}

/// Something the operations command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What: `stream SIGNALS`, `consumer routing-signals`, `bucket KEYS`.
    pub what: String,
    /// `created`, `updated` or `unchanged`.
    pub action: &'static str,
}

/// The broker is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Everything that differs, each line with what to do.
    #[error("the broker is not as it should be:\n{}", .0.join("\n"))]
    Differs(Vec<String>),
    /// The broker cannot be reached.
    #[error("the broker cannot be reached: {0}")]
    Unavailable(String),
}
