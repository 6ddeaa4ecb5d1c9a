//! What the auditor finds: kinds with stable codes, and how many of each.

use std::fmt;

use voordeur_kernel::{SignalId, TaskId, Timestamp};

/// Findings that are told one by one; beyond that they are only counted.
const TOLD_MAX: usize = 1_000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Nobody is expected to act on an open task.
    NobodyExpected,
    /// No deadline runs on an open task.
    NoDeadline,
    /// A deadline passed longer ago than the grace, and has no event.
    DeadlineOverdue,
    /// A deadline is gone by an event that does not end it.
    DeadlineVanished,
    /// A deadline came or moved by an event that does not set it.
    DeadlineMoved,
    /// Nobody who is expected to act is in the directory in force.
    NotInDirectory,
    /// A signal was received longer ago than the grace, and has no task.
    SignalWithoutTask,
    /// A task names a signal that was never received.
    TaskWithoutSignal,
    /// A signal has more than one task.
    SignalHasTwoTasks,
    /// The events of a history are not numbered 1, 2, 3 and so on.
    OrdinalGap,
    /// Something happened to a task after it had ended.
    MovedAfterEnd,
    /// A message cannot be read.
    Unreadable,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::NobodyExpected,
        Self::NoDeadline,
        Self::DeadlineOverdue,
        Self::DeadlineVanished,
        Self::DeadlineMoved,
        Self::NotInDirectory,
        Self::SignalWithoutTask,
        Self::TaskWithoutSignal,
        Self::SignalHasTwoTasks,
        Self::OrdinalGap,
        Self::MovedAfterEnd,
        Self::Unreadable,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NobodyExpected => "NOBODY_EXPECTED",
            Self::NoDeadline => "NO_DEADLINE",
            Self::DeadlineOverdue => "DEADLINE_OVERDUE",
            Self::DeadlineVanished => "DEADLINE_VANISHED",
            Self::DeadlineMoved => "DEADLINE_MOVED",
            Self::NotInDirectory => "NOT_IN_DIRECTORY",
            Self::SignalWithoutTask => "SIGNAL_WITHOUT_TASK",
            Self::TaskWithoutSignal => "TASK_WITHOUT_SIGNAL",
            Self::SignalHasTwoTasks => "SIGNAL_HAS_TWO_TASKS",
            Self::OrdinalGap => "ORDINAL_GAP",
            Self::MovedAfterEnd => "MOVED_AFTER_END",
            Self::Unreadable => "UNREADABLE",
        }
    }

    /// What it means, in one line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NobodyExpected => "nobody is expected to act on this open task",
            Self::NoDeadline => "no deadline runs on this open task, so nobody would ever be reminded",
            Self::DeadlineOverdue => "a deadline of this task passed and has no event",
            Self::DeadlineVanished => "a deadline is gone by an event that does not end it",
            Self::DeadlineMoved => "a deadline came or moved by an event that does not set it",
            Self::NotInDirectory => "nobody who is expected to act is in the directory in force",
            Self::SignalWithoutTask => "this signal was received and has no task",
            Self::TaskWithoutSignal => "this task names a signal that was never received",
            Self::SignalHasTwoTasks => "this signal has more than one task",
            Self::OrdinalGap => "an event of this task is missing or doubled",
            Self::MovedAfterEnd => "something happened to this task after it had ended",
            Self::Unreadable => "this message cannot be read by this release",
        }
    }

    /// What to do, in one line.
    #[must_use]
    pub const fn step(self) -> &'static str {
        match self {
            Self::NobodyExpected | Self::NotInDirectory => {
                "let the coordinator assign it: `voordeur task assign TASK`; see docs/operations.md"
            }
            Self::DeadlineOverdue => {
                "see that routing runs, is ready and can store (`voordeur streams status`); what is due then fires at once"
            }
            Self::SignalWithoutTask => {
                "see `voordeur dead-letters list`, and that routing runs and its directory knows the centre"
            }
            Self::Unreadable => "install a release that can read it; until then that history is frozen",
            Self::NoDeadline
            | Self::DeadlineVanished
            | Self::DeadlineMoved
            | Self::TaskWithoutSignal
            | Self::SignalHasTwoTasks
            | Self::OrdinalGap
            | Self::MovedAfterEnd => {
                "this is a mistake in the program or damage: `voordeur streams verify`, keep the streams, and report it"
            }
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One thing that is wrong. No name, no text: ids and places in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Which task, when it is about one.
    pub task: Option<TaskId>,
    /// Which signal, when it is about one.
    pub signal: Option<SignalId>,
    /// Place in its stream of the event that showed it; 0 when it is about how things stand.
    pub sequence: u64,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
}

impl Finding {
    pub(super) const fn of(kind: FindingKind, task: Option<TaskId>, sequence: u64) -> Self {
        Self { kind, task, signal: None, sequence, since: None }
    }
}

/// Findings, a bounded number of them one by one, and how many there are of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Findings {
    told: Vec<Finding>,
    counts: [u64; FindingKind::ALL.len()],
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        if self.told.len() < TOLD_MAX {
            self.told.push(finding);
        }
        if let Some(count) = self.counts.get_mut(finding.kind as usize) {
            *count += 1;
        }
    }
}

/// What a look brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub(super) findings: Findings,
    /// Tasks that are open.
    pub open_tasks: usize,
    /// Tasks that have ended.
    pub ended_tasks: usize,
    /// Signals that were received.
    pub signals: usize,
    /// How far the stream TASKS was read.
    pub up_to_sequence: u64,
    /// Age of the oldest deadline that passed and has no event, in seconds; 0 when there is none.
    pub oldest_overdue_s: i64,
}

impl Report {
    /// Is nothing wrong?
    #[must_use]
    pub fn all_well(&self) -> bool {
        self.findings.counts.iter().all(|count| *count == 0)
    }

    /// How many findings of a kind there are.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> u64 {
        self.findings.counts.get(kind as usize).copied().unwrap_or(0)
    }

    /// The findings one by one, at most a thousand of them.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings.told
    }
}
