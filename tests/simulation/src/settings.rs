//! What a run is made of: its seed, and what is left out of it. A run that broke a promise is made smaller by leaving out more.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// What can happen at one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A signal is handed over.
    HandOver,
    /// Many signals are handed over in one stream.
    Bulk,
    /// An asker takes a signal back, or says whether it helped.
    ComeBack,
    /// Somebody reads a text.
    Read,
    /// Somebody takes a step on a task.
    Work,
    /// Somebody records a fact of an episode.
    Fact,
    /// Somebody says where she is.
    Presence,
    /// Somebody watches.
    Watch,
    /// A process is killed.
    Kill,
    /// A process is frozen.
    Freeze,
    /// A process reads its own stream late.
    ReadLate,
    /// The broker's faults change.
    Weather,
    /// The broker is away.
    Outage,
    /// A stream is full.
    Fill,
    /// The clock jumps.
    Jump,
    /// The whole machine sleeps.
    Sleep,
    /// Another version of the directory.
    Directory,
    /// A message that no release can read.
    Plant,
    /// A backup is taken.
    Backup,
    /// The newest backup is put back.
    Restore,
}

impl Kind {
    /// Every kind, each with its name.
    pub const ALL: [(Self, &'static str); 20] = [
        (Self::HandOver, "hand-over"),
        (Self::Bulk, "bulk"),
        (Self::ComeBack, "come-back"),
        (Self::Read, "read"),
        (Self::Work, "work"),
        (Self::Fact, "fact"),
        (Self::Presence, "presence"),
        (Self::Watch, "watch"),
        (Self::Kill, "kill"),
        (Self::Freeze, "freeze"),
        (Self::ReadLate, "read-late"),
        (Self::Weather, "weather"),
        (Self::Outage, "outage"),
        (Self::Fill, "fill"),
        (Self::Jump, "jump"),
        (Self::Sleep, "sleep"),
        (Self::Directory, "directory"),
        (Self::Plant, "plant"),
        (Self::Backup, "backup"),
        (Self::Restore, "restore"),
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind);
        let names = || Self::ALL.map(|(_, name)| name).join(", ");
        found.ok_or_else(|| format!("give one of {}", names()))
    }
}

/// One run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Decides everything that is not left out.
    pub seed: u64,
    /// Not more choices than this.
    pub steps: Option<u64>,
    /// Only these choices, by number from 1; at the others time passes and nothing else happens.
    pub only: Option<BTreeSet<u64>>,
    /// What does not happen.
    pub without: BTreeSet<Kind>,
    /// Not more replicas of a service than this.
    pub replicas: Option<usize>,
}

impl Settings {
    /// Everything that a seed brings.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Does this choice count?
    #[must_use]
    pub fn plays(&self, step: u64, kind: Kind) -> bool {
        !self.without.contains(&kind) && self.only.as_ref().is_none_or(|only| only.contains(&step))
    }
}

/// The command that plays it.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo xtask simulate --seed {}", self.seed)?;
        if let Some(steps) = self.steps {
            write!(f, " --steps {steps}")?;
        }
        if let Some(replicas) = self.replicas {
            write!(f, " --replicas {replicas}")?;
        }
        if !self.without.is_empty() {
            let names: Vec<&str> = self.without.iter().map(|kind| kind.name()).collect();
            write!(f, " --without {}", names.join(","))?;
        }
        if let Some(only) = &self.only {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            write!(f, " --only {}", if only.is_empty() { "0".to_owned() } else { only.join(",") })?;
        }
        Ok(())
    }
}
