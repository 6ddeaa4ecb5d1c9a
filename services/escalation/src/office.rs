//! What every part of the service shares about episodes: the fold, the directory, the time, and the one way in which a command takes effect.

use std::{collections::BTreeMap, sync::Arc};

use tonic::async_trait;
use voordeur_chassis::{Problem, trace_headers};
use voordeur_directory::{Directory, DirectoryWatch};
use voordeur_escalation_domain::{
    Action, Actor, Command, Episode, Event, Refusal, Rules, deadline::start_of, decide,
};
use voordeur_eventlog::{
    Commit, Deadline, Subject,
    fold::{ExecuteError, Executed, Expect, Fold, FoldError},
};
use voordeur_kernel::{ChildAlias, Clock, EpisodeId, TaskId, Timestamp};
use voordeur_vault::Deriver;

use crate::{
    clock::Deadlines,
    codec::{EPISODE_KIND, SERVICE, SOURCE, write},
    machine::{Episodes, subject},
    tasks::TaskHistories,
};

/// The shared parts.
pub(crate) struct Office {
    pub(crate) fold: Arc<Fold<Episodes>>,
    pub(crate) tasks: TaskHistories,
    pub(crate) directory: Arc<DirectoryWatch>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deriver: Deriver,
    pub(crate) rules: Rules,
}

/// An episode with its id. The fold keeps it under its subject, so it need not know it itself.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// Whose history it is.
    pub(crate) id: EpisodeId,
    /// The episode.
    pub(crate) episode: Arc<Episode>,
}

impl Office {
    /// The newest directory.
    pub(crate) fn directory(&self) -> Result<Arc<Directory>, Problem> {
        self.directory
            .current()
            .map_err(|error| Problem::new(error.kind(), error.reason(), error.to_string()))
    }

    /// The history of an episode, from memory or else from the log.
    pub(crate) async fn load(&self, id: EpisodeId, deadline: Deadline) -> Result<Option<State>, Problem> {
        let subject = subject(id).map_err(|error| Problem::broken(error.to_string()))?;
        Ok(self.fold.load(&subject, deadline).await?.map(|held| State { id, episode: held.state }))
    }

    /// How many episodes of a child are known here, which is the ordinal of the newest: each begins after the one before has ended. The fold
    /// may lie behind, never ahead.
    pub(crate) fn known_of(&self, child: ChildAlias) -> u32 {
        (0..u32::MAX)
            .find(|known| !self.knows(self.deriver.episode_id(child, known.saturating_add(1))))
            .unwrap_or(u32::MAX)
    }

    fn knows(&self, episode: EpisodeId) -> bool {
        let Ok(subject) = subject(episode) else { return false };
        let known = self.fold.read(|index, held| index.has_ended(episode) || held(&subject).is_some());
        // One that froze is there as well.
        known || self.fold.get(&subject).is_err()
    }

    /// The episode of this child to which a signal came with this task; the newest are looked at first.
    pub(crate) async fn with_task(
        &self,
        child: ChildAlias,
        task: TaskId,
        deadline: Deadline,
    ) -> Result<Option<EpisodeId>, FoldError> {
        for ordinal in (1..=self.known_of(child)).rev() {
            let id = self.deriver.episode_id(child, ordinal);
            let Ok(subject) = subject(id) else { continue };
            if self.fold.load(&subject, deadline).await?.is_some_and(|held| held.state.has_task(task)) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Today where the centres are.
    pub(crate) fn today(&self) -> jiff::civil::Date {
        voordeur_escalation_domain::deadline::day_of(self.clock.now(), &self.rules.zone)
    }

    /// Decides and stores. The command's own time is filled in at every attempt, and so is the moment of what happened today.
    pub(crate) async fn act(
        &self,
        expect: Expect,
        command: &Command,
        urgent: bool,
        deadline: Deadline,
    ) -> Result<Executed<Episode>, ExecuteError<Refusal>> {
        let subject = history_of(command.episode)?;
        let mut command = command.clone();
        self.fold
            .execute(&subject, expect, deadline, |state, _| {
                command.now = self.clock.now();
                let event = decide(state, &command, &self.rules)?;
                Ok::<_, Refusal>(event.map(|event| commit(&command, &event, urgent)))
            })
            .await
    }
}

fn commit(command: &Command, event: &Event, urgent: bool) -> Commit {
    Commit {
        id: command.commit,
        kind: EPISODE_KIND,
        source: SOURCE,
        time: event.meta.recorded_at,
        data: write(event),
        trace: trace_headers(),
        urgent,
    }
}

fn history_of(episode: EpisodeId) -> Result<Subject, ExecuteError<Refusal>> {
    subject(episode)
        .map_err(|bad| ExecuteError::Append(voordeur_eventlog::AppendError::Broken(bad.to_string())))
}

/// A refusal as a caller sees it.
pub(crate) fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NotThere => Problem::not_found("episode"),
        Refusal::VersionChanged { now } => {
            Problem::new(refusal.kind(), refusal.reason(), refusal.to_string())
                .with_metadata("version", now.to_string())
        }
        other => Problem::new(other.kind(), other.reason(), other.to_string()),
    }
}

/// What could not be decided or stored, as a caller sees it.
pub(crate) fn failed(cause: ExecuteError<Refusal>) -> Problem {
    match cause {
        ExecuteError::Refused(refusal) => refused(refusal),
        ExecuteError::Fold(cause) => cause.into(),
        ExecuteError::Append(cause) => cause.into(),
        ExecuteError::Contended => {
            let nothing: ExecuteError<Problem> = ExecuteError::Contended;
            nothing.into()
        }
    }
}

/// Moments that episodes wait for.
#[async_trait]
impl Deadlines for Office {
    type Due = EpisodeId;

    const KIND: &'static str = "episode";

    async fn ready(&self) {
        self.fold.ready().await;
    }

    fn due(&self, now: Timestamp, most: usize) -> Vec<(Timestamp, EpisodeId)> {
        self.fold.read(|index, _| {
            index
                .due_at(now)
                .take(most)
                .map(|(due, id)| (Timestamp::from_millisecond(due).unwrap_or(now), id))
                .collect()
        })
    }

    async fn fire(&self, id: EpisodeId, now: Timestamp, deadline: Deadline) -> Result<bool, Problem> {
        // A closed episode is not in memory, and waits all the same.
        let Some(state) = self.load(id, deadline).await? else { return Ok(false) };
        let mut fired = false;
        for waited in state.episode.deadlines().filter(|waited| waited.due <= now) {
            let key = format!("due:{}:{:?}:{}", id.to_hex(), waited.work, waited.due.as_millisecond());
            let command_id = self.deriver.command_id("service:escalation", &key);
            let command = Command {
                id: command_id,
                commit: self.deriver.commit_id(command_id, &[]),
                episode: id,
                actor: Actor::Service(SERVICE.to_owned()),
                now,
                // It came when it was due, whenever it is told.
                effective_at: waited.due,
                directory_version: 0,
                seen_version: 0,
                action: Action::Remind(waited),
            };
            fired |= self.act(Expect::Known, &command, false, deadline).await.map_err(failed)?.changed;
        }
        Ok(fired)
    }
}

/// The start of a day, by the rules.
pub(crate) fn start(rules: &Rules, day: jiff::civil::Date) -> Option<Timestamp> {
    start_of(day, &rules.zone)
}

/// Sorted by id: several loads in one order.
pub(crate) type States = BTreeMap<EpisodeId, State>;
