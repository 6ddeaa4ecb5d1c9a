//! Making the task that something asks for, and telling earlier tasks of the same child about it.

use voordeur_chassis::Problem;
use voordeur_eventlog::{Deadline, fold::Expect};
use voordeur_kernel::{ErrorKind, ProfessionalKey, TaskId};
use voordeur_routing_domain::{
    ladder::Ladder,
    plan::plan,
    task::{About, By, Request, Wish},
};

use crate::{
    machine::task_subject,
    office::{Acted, Office},
};

/// What a task comes from; it decides whom it turns to and how soon.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A signal: by its urgency.
    Signal,
    /// Work that came due by itself; whose work it follows on, when that is known. Otherwise it is hers who knows the child.
    FollowUp(Option<ProfessionalKey>),
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
        let centre = &about.centre;
        self.act(task, Expect::New, deadline, &act, |before, directory, now| {
            // It comes by itself: either our directory lies behind that of the asker, or somebody has to apply one that knows the centre.
            let unknown = || {
                Problem::unavailable(
                    "CENTRE_NOT_KNOWN_YET",
                    "the directory has no coordinator for this centre",
                )
            };
            let kept = before.map(|task| &task.coordinator);
            let mut there = self.there(directory, centre, kept, now).ok_or_else(unknown)?;
            let (roster, record) =
                self.roster(directory, &there.coordinator, centre, about.child.as_ref(), now);
            let (ladder, known) = match &origin {
                Origin::Signal => (Ladder::built_in(about.urgency), record.last_holder),
                Origin::FollowUp(whose) => (Ladder::follow_up(), whose.clone().or(record.last_holder)),
            };
            let ladder = ladder.with(&self.overrides);
            if ladder.is_patient() {
                there.present = roster.sooner_or_later();
            }
            let plan = plan(&ladder, &about.domains, &roster, known.as_ref());
            let linked = record.tasks.into_iter().filter(|other| *other != task).collect();
            let request = Request { id: task, about: about.clone(), plan, linked };
            Ok((By::Service, Wish::Request(Box::new(request)), there))
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
                let act = self.own_act(&format!("link:{}:{}", other.to_hex(), task.to_hex()));
                settled(self.do_own(other, &act, Wish::Link(task), deadline).await)?;
            }
        }
        Ok(())
    }
}

/// A refusal is an answer: the task has ended meanwhile. The table takes a withdrawal and a link in every other state.
pub(crate) fn settled<T>(outcome: Result<T, Problem>) -> Result<(), Problem> {
    match outcome {
        Err(problem) if problem.kind == ErrorKind::Refused => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}
