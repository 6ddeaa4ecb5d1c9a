//! Making the task that something asks for, and telling earlier tasks of the same child about it.

use std::sync::Arc;

use voordeur_chassis::Problem;
use voordeur_directory::Directory;
use voordeur_eventlog::{Deadline, fold::Expect};
use voordeur_kernel::{ErrorKind, ProfessionalKey, TaskId};
use voordeur_routing_domain::{
    ladder::Ladder,
    plan::plan,
    policy::Policy,
    task::{About, By, Request, Trigger, Wish},
    words::Urgency,
};

use crate::{
    following::link,
    machine::{State, task_subject},
    office::{Act, Acted, Office},
};

/// What a task comes from; it decides whom it turns to and how soon.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A signal: by its urgency.
    Signal,
    /// Work that came due by itself; whose work it follows on, when that is known. Otherwise it is hers who knows the child.
    FollowUp(Option<ProfessionalKey>),
    /// More work on a task that has ended: whose that was is asked first, with the clocks of regular work.
    FurtherWork {
        /// Which task.
        earlier: TaskId,
        /// Who held it, when that was a professional.
        whose: Option<ProfessionalKey>,
    },
}

/// Who makes a task, by which act.
pub(crate) struct Asked<'a> {
    /// Who.
    pub(crate) by: By,
    /// By which act.
    pub(crate) act: &'a Act,
}

impl Office {
    /// Makes a task, unless it is there.
    pub(crate) async fn make(
        &self,
        task: TaskId,
        about: &About,
        origin: Origin,
        deadline: Deadline,
    ) -> Result<Acted, Problem> {
        let act = self.own_act(&format!("request:{}", task.to_hex()));
        self.make_for(task, about, origin, Asked { by: By::Service, act: &act }, deadline).await
    }

    /// Makes a task that somebody asks for, unless it is there.
    pub(crate) async fn make_for(
        &self,
        task: TaskId,
        about: &About,
        origin: Origin,
        asked: Asked<'_>,
        deadline: Deadline,
    ) -> Result<Acted, Problem> {
        let centre = &about.centre;
        self.act(task, Expect::New, deadline, asked.act, |before, directory, now| {
            // It comes by itself: either our directory lies behind that of the asker, or somebody has to apply one that knows the centre.
            let unknown = || {
                Problem::unavailable(
                    "CENTRE_NOT_KNOWN_YET",
                    "the directory has no coordinator for this centre",
                )
            };
            let kept = before.map(|task| &task.coordinator);
            let there = self.there(directory, centre, kept, now).ok_or_else(unknown)?;
            let (mut sight, record) = self.sight(directory, &there, centre, about.child.as_ref(), now);
            let ladder = match &origin {
                Origin::Signal => ladder_of(directory, directory.policy(), about),
                Origin::FollowUp(whose) => {
                    sight.known = whose.clone().or(sight.known);
                    Ladder::follow_up()
                }
                Origin::FurtherWork { whose, .. } => {
                    sight.known = whose.clone().or(sight.known);
                    ladder_of(directory, directory.policy(), about)
                }
            };
            let ladder = ladder.with(&self.overrides);
            let calendar = directory.calendar(centre.as_str());
            let plan = plan(&ladder, &about.domains, about.received_at, &sight, calendar.as_ref());
            let mut linked: Vec<TaskId> = record.tasks.into_iter().filter(|other| *other != task).collect();
            if let Origin::FurtherWork { earlier, .. } = &origin {
                // What it continues comes first, also when it is about no child.
                linked.retain(|other| other != earlier);
                linked.insert(0, *earlier);
            }
            let request = Request { id: task, about: about.clone(), plan, sight: Some(sight), linked };
            Ok((asked.by.clone(), Wish::Request(Box::new(request)), there))
        })
        .await
    }

    /// Tells the open earlier tasks of the same child about this one.
    pub(crate) async fn link_earlier(
        &self,
        task: TaskId,
        about: &About,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let Some(child) = about.child else { return Ok(()) };
        let others =
            self.fold.read(|index, _| index.child(&child).map(|c| c.tasks.clone()).unwrap_or_default());
        for other in others.into_iter().filter(|other| *other != task) {
            let Ok(subject) = task_subject(other) else { continue };
            let Some(held) = self.fold.get(&subject)? else { continue };
            let earlier = held
                .state
                .task()
                .is_some_and(|earlier| (earlier.about.received_at, earlier.id) < (about.received_at, task));
            if earlier {
                let act = self.own_act(&link(other, task));
                settled(self.do_own(other, &act, Wish::Link(task), deadline).await)?;
            }
        }
        Ok(())
    }
}

/// The ladder of a signal, or of more work on one, by a policy. That of a safety signal is fixed; more work after it is no alarm any more.
pub(crate) fn ladder_of(directory: &Directory, policy: &Policy, about: &About) -> Ladder {
    if about.urgency == Urgency::Safety {
        return Ladder::safety();
    }
    policy.select(&directory.facts(about)).ladder
}

impl Office {
    /// Tasks that continue this one, and those that continue them, open or ended.
    pub(crate) async fn continued_by(
        &self,
        task: TaskId,
        deadline: Deadline,
    ) -> Result<Vec<TaskId>, Problem> {
        let mut found: Vec<TaskId> = Vec::new();
        let mut look = vec![task];
        while let Some(id) = look.pop() {
            let Some(before) = self.loaded(id, deadline).await? else { continue };
            let linked = before.task().map(|task| task.linked.clone()).unwrap_or_default();
            for other in linked.into_iter().filter(|other| *other != task) {
                let continues = |state: &State| {
                    let trigger = state.task().map(|task| task.about.trigger);
                    matches!(trigger, Some(Trigger::EarlierTask { task, .. }) if task == id)
                };
                if !found.contains(&other)
                    && self.loaded(other, deadline).await?.as_deref().is_some_and(continues)
                {
                    found.push(other);
                    look.push(other);
                }
            }
        }
        Ok(found)
    }

    async fn loaded(&self, task: TaskId, deadline: Deadline) -> Result<Option<Arc<State>>, Problem> {
        let subject = task_subject(task).map_err(|error| Problem::broken(error.to_string()))?;
        Ok(self.fold.load(&subject, deadline).await?.map(|held| held.state))
    }
}

/// A refusal is an answer: the task has ended meanwhile. The table takes a withdrawal and a link in every other state.
pub(crate) fn settled<T>(outcome: Result<T, Problem>) -> Result<(), Problem> {
    match outcome {
        Err(problem) if problem.kind == ErrorKind::Refused => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}
