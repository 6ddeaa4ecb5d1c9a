//! The episode: examples, and properties over any histories of tasks in any order of delivery.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say with a panic what went wrong"
)]

mod deadlines;
mod examples;
mod floor;
mod further;
mod model;
mod outcome;
mod page;
mod properties;
mod refusals;
mod story;

use jiff::tz::TimeZone;
use voordeur_escalation_domain::{
    Action, Actor, Command, Episode, Event, FollowUpPlan, Refusal, Rules, SignalJoined, TaskOutcome, decide,
    evolve,
};
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, EpisodeId, SafetyLevel, SignalId, TaskId, Timestamp,
};

pub(crate) fn rules() -> Rules {
    Rules { zone: TimeZone::get("Europe/Amsterdam").unwrap(), plan: FollowUpPlan::default() }
}

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_796_000_000 + minute * 60).unwrap()
}

pub(crate) fn task(number: u8) -> TaskId {
    TaskId::from_bytes([number; 16])
}

pub(crate) fn child(number: u8) -> ChildAlias {
    ChildAlias::from_bytes([number; 16])
}

pub(crate) fn signal(number: u8) -> SignalJoined {
    SignalJoined {
        signal: SignalId::from_bytes([number; 16]),
        task: task(number),
        centre: CentreKey::parse("de-wilg").unwrap(),
        safety: if number.is_multiple_of(3) { SafetyLevel::Structural } else { SafetyLevel::None },
        severity: Some(number % 5 + 1),
    }
}

/// A command as the service makes it: ids derived from what it says.
pub(crate) fn command(action: Action, effective: i64, now: i64) -> Command {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let fingerprint = |content: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        content(&mut hasher);
        let half = hasher.finish().to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&half);
        bytes[8..].copy_from_slice(&half);
        bytes
    };
    let id = fingerprint(&|hasher| match &action {
        Action::TakeSignal { signal, .. } => (0, signal.task).hash(hasher),
        Action::RecordContact { task, continued_by } => (1, task, continued_by, effective).hash(hasher),
        Action::RecordCompletion { task, continued_by, .. } => (2, task, continued_by).hash(hasher),
        other => other.hash(hasher),
    });
    let commit = fingerprint(&|hasher| (&action, effective).hash(hasher));
    Command {
        id: CommandId::from_bytes(id),
        commit: CommitId::from_bytes(commit),
        episode: EpisodeId::from_bytes([2; 16]),
        actor: Actor::Service("escalation".into()),
        now: at(now),
        effective_at: at(effective),
        directory_version: 3,
        seen_version: 0,
        action,
    }
}

pub(crate) fn take(child_number: u8, number: u8) -> Action {
    Action::TakeSignal { child: child(child_number), child_ordinal: 1, signal: signal(number) }
}

pub(crate) fn completed(number: u8) -> Action {
    Action::RecordCompletion { task: task(number), continued_by: None, outcome: TaskOutcome::Advice }
}

pub(crate) fn reached(number: u8) -> Action {
    Action::RecordContact { task: task(number), continued_by: None }
}

/// A history in memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct History {
    pub(crate) episode: Option<Episode>,
    pub(crate) events: Vec<(Event, CommitId)>,
}

impl History {
    /// Decides and takes in what was decided; returns whether something changed.
    pub(crate) fn give(&mut self, command: &Command) -> Result<bool, Refusal> {
        let Some(event) = decide(self.episode.as_ref(), command, &rules())? else { return Ok(false) };
        let evolved = evolve(self.episode.take(), &event, command.commit);
        self.episode = Some(evolved.expect("what decide gives is possible"));
        self.events.push((event, command.commit));
        Ok(true)
    }

    pub(crate) fn replayed(&self) -> Option<Episode> {
        self.events
            .iter()
            .fold(None, |episode, (event, commit)| Some(evolve(episode, event, *commit).expect("replays")))
    }
}
