//! What every part of the service shares: the fold, the directory, the time, and the one way in which a command takes effect.

use std::sync::Arc;

use prost::bytes::Bytes;
use voordeur_chassis::{Problem, trace_headers};
use voordeur_directory::{Directory, DirectoryWatch};
use voordeur_eventlog::{
    Commit, Deadline, Position,
    fold::{Executed, Expect, Fold},
};
use voordeur_kernel::{Clock, CommandId, CommitId, ProfessionalKey, Role, TaskId, Timestamp};
use voordeur_routing_domain::{
    ladder::Overrides,
    presence::{self, Presence, PresenceCommand},
    task::{self, Actor, By, Command, Meta, Task, There, Wish, invariants},
};
use voordeur_vault::Deriver;

use crate::{
    audit::Audit,
    codec::{PRESENCE_KIND, SERVICE, SOURCE, TASK_KIND, presence::write_presence, write_task},
    machine::{State, Tasks, presence_subject, task_subject},
    metrics::Instruments,
    problem::refused,
};

/// The shared parts.
pub(crate) struct Office {
    pub(crate) fold: Arc<Fold<Tasks>>,
    pub(crate) directory: Arc<DirectoryWatch>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deriver: Deriver,
    pub(crate) overrides: Overrides,
    pub(crate) audit: Audit,
    pub(crate) instruments: Instruments,
}

/// An act before it is decided: who, with which key, asking for what.
pub(crate) struct Act {
    pub(crate) id: CommandId,
    pub(crate) commit: CommitId,
    pub(crate) seen_version: u32,
}

/// A task after an act.
pub(crate) struct Acted {
    pub(crate) task: Arc<State>,
    pub(crate) position: Position,
    pub(crate) changed: bool,
}

impl From<Executed<State>> for Acted {
    fn from(executed: Executed<State>) -> Self {
        Self { task: executed.state, position: executed.position, changed: executed.changed }
    }
}

impl Office {
    /// The newest directory.
    pub(crate) fn directory(&self) -> Result<Arc<Directory>, Problem> {
        self.directory
            .current()
            .map_err(|error| Problem::new(error.kind(), error.reason(), error.to_string()))
    }

    /// An act of the service itself: derived from what set it off, so that every replica makes the same one.
    pub(crate) fn own_act(&self, purpose: &str) -> Act {
        let id = self.deriver.command_id("service:routing", purpose);
        Act { id, commit: self.deriver.commit_id(id, &[]), seen_version: 0 }
    }

    /// What a person is, by the directory.
    pub(crate) fn by(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        task: &Task,
        now: Timestamp,
    ) -> By {
        let centre = task.about.centre.as_str();
        let today = directory.local_date(now);
        let professional = directory
            .professionals_at(centre)
            .any(|other| other.key == *person && other.is_registered_on(today));
        let coordinator = directory.coordinators_of(centre).any(|other| other.key == *person);
        By::Person { key: person.clone(), professional, coordinator }
    }

    /// Decides on a task and stores what was decided. `who` and `wish` are asked for every attempt, since they may depend on the task.
    pub(crate) async fn act(
        &self,
        id: TaskId,
        expect: Expect,
        deadline: Deadline,
        act: &Act,
        ask: impl FnMut(Option<&Task>, &Directory, Timestamp) -> Result<(By, Wish, There), Problem> + Send,
    ) -> Result<Acted, Problem> {
        let directory = self.directory()?;
        self.act_by(&directory, id, expect, deadline, act, ask).await
    }

    /// The same, by one directory.
    async fn act_by(
        &self,
        directory: &Directory,
        id: TaskId,
        expect: Expect,
        deadline: Deadline,
        act: &Act,
        mut ask: impl FnMut(Option<&Task>, &Directory, Timestamp) -> Result<(By, Wish, There), Problem> + Send,
    ) -> Result<Acted, Problem> {
        let subject = task_subject(id).map_err(|error| Problem::broken(error.to_string()))?;
        let executed = self
            .fold
            .execute(&subject, expect, deadline, |state, _| {
                let before = state.and_then(State::task);
                let now = self.clock.now();
                let (by, wish, there) = ask(before, directory, now)?;
                let command = Command {
                    id: act.id,
                    commit: act.commit,
                    by,
                    seen_version: act.seen_version,
                    now,
                    there,
                    wish,
                };
                let centre = match (before, &command.wish) {
                    (Some(task), _) => &task.about.centre,
                    (None, Wish::Request(request)) => &request.about.centre,
                    (None, _) => return Err(Problem::not_found("task")),
                };
                let calendar = directory.calendar(centre.as_str());
                let Some(change) = task::decide(before, &command, calendar.as_ref())
                    .map_err(|refusal| refused(&refusal, before))?
                else {
                    return Ok(None);
                };
                self.commit(id, before, &command, &change, directory.version()).map(Some)
            })
            .await?;
        Ok(executed.into())
    }

    /// A step of the service itself on a task that is there.
    pub(crate) async fn do_own(
        &self,
        id: TaskId,
        act: &Act,
        wish: Wish,
        deadline: Deadline,
    ) -> Result<Acted, Problem> {
        let directory = self.directory()?;
        self.do_own_by(&directory, id, act, wish, deadline).await
    }

    /// A step that follows from what a directory says: it is decided and stored by that directory, whatever is newest by now, so that the
    /// version in the event is the one that it is true of.
    pub(crate) async fn do_own_by(
        &self,
        directory: &Directory,
        id: TaskId,
        act: &Act,
        wish: Wish,
        deadline: Deadline,
    ) -> Result<Acted, Problem> {
        self.act_by(directory, id, Expect::Known, deadline, act, |task, directory, now| {
            let task = task.ok_or_else(|| Problem::not_found("task"))?;
            let there = self.there_for(directory, task, now);
            Ok((By::Service, wish.clone(), there))
        })
        .await
    }

    fn commit(
        &self,
        id: TaskId,
        before: Option<&Task>,
        command: &Command,
        change: &task::Change,
        directory_version: u64,
    ) -> Result<Commit, Problem> {
        let actor = match &command.by {
            By::Service => Actor::Service(SERVICE.to_owned()),
            By::Person { key, .. } => {
                let role = command.by.role(before, change.kind()).unwrap_or(Role::Professional);
                Actor::Person(key.clone(), role)
            }
        };
        let meta = Meta {
            recorded_at: command.now,
            actor,
            command: command.id,
            commit: command.commit,
            directory_version,
            ordinal: before.map_or(0, Task::ordinal).saturating_add(1),
        };
        let after = task::evolve(before.cloned(), id, &meta, change)
            .map_err(|error| Problem::broken(format!("our own decision does not fit: {error}")))?;
        if matches!(change, task::Change::NobodyToTell { .. }) {
            tracing::error!(
                state = after.state.name(),
                "nobody can be told; see the worklist of the coordinator"
            );
            self.instruments.nobody();
        }
        for broken in invariants(&after) {
            // A decision that breaks a promise is a fault of ours; the task is in somebody's hands all the same, so it goes on, with an alarm.
            tracing::error!(promise = broken.promise, what = broken.what, "a promise is broken");
            self.instruments.broken();
        }
        Ok(Commit {
            id: command.commit,
            kind: TASK_KIND,
            source: SOURCE,
            time: command.now,
            data: Bytes::from(write_task(&meta, change, &after)),
            trace: trace_headers(),
            urgent: after.about.safety.is_safety(),
        })
    }

    /// Decides on somebody's presence and stores what was decided; `None` when there was nothing to store on nothing.
    pub(crate) async fn say_presence(
        &self,
        command: PresenceCommand,
        by: &ProfessionalKey,
        role: Role,
        deadline: Deadline,
    ) -> Result<Option<(Arc<State>, Position)>, Problem> {
        let subject =
            presence_subject(&command.professional).map_err(|error| Problem::broken(error.to_string()))?;
        let nothing_on_nothing = {
            let held = self.fold.load(&subject, deadline).await?;
            held.is_none() && presence::decide(None, &command).map_err(|no| refused(&no, None))?.is_none()
        };
        if nothing_on_nothing {
            return Ok(None);
        }
        let directory_version = self.directory()?.version();
        let executed = self
            .fold
            .execute(&subject, Expect::Known, deadline, |state, _| {
                let before: Option<&Presence> = state.and_then(State::presence);
                let Some(change) = presence::decide(before, &command).map_err(|no| refused(&no, None))?
                else {
                    return Ok::<_, Problem>(None);
                };
                let ordinal = before.map_or(0, |p| u32::try_from(p.commands.len()).unwrap_or(u32::MAX));
                let meta = Meta {
                    recorded_at: command.now,
                    actor: Actor::Person(by.clone(), role),
                    command: command.id,
                    commit: command.commit,
                    directory_version,
                    ordinal: ordinal.saturating_add(1),
                };
                Ok(Some(Commit {
                    id: command.commit,
                    kind: PRESENCE_KIND,
                    source: SOURCE,
                    time: command.now,
                    data: Bytes::from(write_presence(&meta, &command.professional, &change)),
                    trace: trace_headers(),
                    urgent: false,
                }))
            })
            .await?;
        Ok(Some((executed.state, executed.position)))
    }
}
