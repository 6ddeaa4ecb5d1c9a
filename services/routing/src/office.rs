//! What every part of the service shares: the fold, the directory, the time, and the one way in which a command takes effect.

use std::sync::Arc;

use prost::bytes::Bytes;
use voordeur_chassis::{Problem, trace_headers};
use voordeur_directory::{Directory, DirectoryWatch};
use voordeur_eventlog::{
    Commit, Deadline, Position,
    fold::{Executed, Expect, Fold},
};
use voordeur_kernel::{
    CentreKey, ChildAlias, Clock, CommandId, CommitId, ProfessionalKey, Role, TaskId, Timestamp,
};
use voordeur_routing_domain::{
    ElapsedCalendar,
    ladder::Overrides,
    plan::{Attendance, OnRoster, Roster},
    presence::{self, Presence, PresenceCommand},
    task::{self, Actor, By, Command, Meta, Task, There, Wish, invariants},
};
use voordeur_vault::Deriver;

use crate::{
    audit::Audit,
    codec::{PRESENCE_KIND, SERVICE, SOURCE, TASK_KIND, presence::write_presence, write_task},
    machine::{ChildRecord, State, Tasks, presence_subject, task_subject},
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

    fn presence(&self, person: &ProfessionalKey) -> Option<Arc<State>> {
        let subject = presence_subject(person).ok()?;
        self.fold.get(&subject).ok().flatten().map(|held| held.state)
    }

    /// Is she there?
    pub(crate) fn attendance(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        centre: &CentreKey,
        now: Timestamp,
    ) -> Attendance {
        let scheduled = directory.is_scheduled(person.as_str(), centre.as_str(), now);
        let state = self.presence(person);
        presence::attendance(state.as_deref().and_then(State::presence), centre, scheduled, now)
    }

    /// The absence that stands now, with its place in her history.
    pub(crate) fn absence(&self, person: &ProfessionalKey, now: Timestamp) -> Option<usize> {
        let state = self.presence(person)?;
        let presence = state.presence()?;
        presence.absent(now).map(|_| presence.commands.len())
    }

    /// Who is there at a centre now. `coordinator` catches when the directory does not know the centre any more.
    pub(crate) fn there(
        &self,
        directory: &Directory,
        centre: &CentreKey,
        coordinator: Option<&ProfessionalKey>,
        now: Timestamp,
    ) -> Option<There> {
        let today = directory.local_date(now);
        let present = directory
            .professionals_at(centre.as_str())
            .filter(|person| person.is_registered_on(today))
            .map(|person| &person.key)
            .filter(|person| self.attendance(directory, person, centre, now) == Attendance::Present)
            .cloned()
            .collect();
        let coordinators: Vec<&ProfessionalKey> =
            directory.coordinators_of(centre.as_str()).map(|person| &person.key).collect();
        let absent = |person: &ProfessionalKey| self.absence(person, now).is_some();
        // Where there are several, one who is there goes before one who is not.
        let catching = coordinators.iter().find(|person| !absent(person)).or(coordinators.first()).copied();
        let coordinator = catching.or(coordinator)?.clone();
        let coordinator_absent = absent(&coordinator);
        let coordinators = coordinators.into_iter().cloned().collect();
        let directory_version = directory.version();
        Some(There { present, coordinator, coordinator_absent, coordinators, directory_version })
    }

    /// Everybody of a centre, as the choice wants to see them, and what is known of the child.
    pub(crate) fn roster(
        &self,
        directory: &Directory,
        coordinator: &ProfessionalKey,
        centre: &CentreKey,
        child: Option<&ChildAlias>,
        now: Timestamp,
    ) -> (Roster, ChildRecord) {
        let today = directory.local_date(now);
        let people: Vec<_> = directory.professionals_at(centre.as_str()).collect();
        // One look at the index; presence is asked afterwards, because it stands under the same lock.
        let (record, work): (ChildRecord, Vec<u32>) = self.fold.read(|index, _| {
            let record = child.and_then(|child| index.child(child)).cloned().unwrap_or_default();
            (record, people.iter().map(|person| index.open_work(&person.key)).collect())
        });
        let professionals = people
            .iter()
            .zip(work)
            .map(|(person, open_tasks)| OnRoster {
                professional: person.key.clone(),
                expertise: person.expertise.iter().copied().collect(),
                attendance: self.attendance(directory, &person.key, centre, now),
                registered: person.is_registered_on(today),
                open_tasks,
                weekly_minutes: u32::from(person.hours_per_week.unwrap_or(0)) * 60,
                too_close: record.too_close.contains(&person.key),
            })
            .collect();
        (Roster { coordinator: coordinator.clone(), professionals }, record)
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
        mut ask: impl FnMut(Option<&Task>, &Directory, Timestamp) -> Result<(By, Wish, There), Problem> + Send,
    ) -> Result<Acted, Problem> {
        let subject = task_subject(id).map_err(|error| Problem::broken(error.to_string()))?;
        let directory = self.directory()?;
        let executed = self
            .fold
            .execute(&subject, expect, deadline, |state, _| {
                let before = state.and_then(State::task);
                let now = self.clock.now();
                let (by, wish, there) = ask(before, &directory, now)?;
                let command = Command {
                    id: act.id,
                    commit: act.commit,
                    by,
                    seen_version: act.seen_version,
                    now,
                    there,
                    wish,
                };
                let Some(change) = task::decide(before, &command, &ElapsedCalendar)
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
        self.act(id, Expect::Known, deadline, act, |task, directory, now| {
            let task = task.ok_or_else(|| Problem::not_found("task"))?;
            let there = self.there_for(directory, task, now);
            Ok((By::Service, wish.clone(), there))
        })
        .await
    }

    /// Who is there for a task; its own coordinator catches when the directory does not know the centre any more.
    pub(crate) fn there_for(&self, directory: &Directory, task: &Task, now: Timestamp) -> There {
        self.there(directory, &task.about.centre, Some(&task.coordinator), now).unwrap_or_else(|| There {
            present: Vec::new(),
            coordinator: task.coordinator.clone(),
            coordinator_absent: false,
            coordinators: Vec::new(),
            directory_version: directory.version(),
        })
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
            By::Person { key, coordinator, professional } => {
                let role =
                    if *coordinator && !*professional { Role::Coordinator } else { Role::Professional };
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
