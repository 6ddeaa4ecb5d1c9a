//! Wake-ups of the stream EPISODES: work that came due by itself becomes a task.
//!
//! A moment of an episode is read together with the whole history of the episode, so that the order of deliveries means nothing. The
//! look-back on work on the floor says all by itself: a centre's history is long, and nothing in it changes what a look-back asks for.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use prost::Message as _;
use voordeur_chassis::Problem;
use voordeur_contracts::event::{
    ActivityEvent, DueWork, EpisodeEvent, TaskEvent, WorkDue, activity_event, due_work::Work,
    episode_event::Change,
};
use voordeur_eventlog::{
    Deadline, EventLog, Recorded,
    worker::{Handler, HandlerError},
};
use voordeur_kernel::{
    ActivityId, CentreKey, ChildAlias, CommitId, EpisodeId, GroupKey, ProfessionalKey, SafetyLevel, TaskId,
    Timestamp,
};
use voordeur_routing_domain::{
    task::{About, TaskState, Trigger, Wish},
    words::{CancelReason, SubjectKind, Urgency},
};

use crate::{
    codec::{
        read::{self, Read, bad, id, moment, within, word},
        words::Word as _,
    },
    machine::task_subject,
    making::{Origin, settled},
    office::Office,
    signals::{failed, unreadable},
};

const EPISODE_PREFIX: &str = "voordeur.episode.v1";
const ACTIVITY_PREFIX: &str = "voordeur.activity.v1";

/// Makes the tasks of what came due.
pub(crate) struct Episodes {
    pub(crate) office: Arc<Office>,
    pub(crate) log: Arc<dyn EventLog>,
}

#[async_trait]
impl Handler for Episodes {
    async fn handle(&self, message: &Recorded, deadline: Deadline) -> Result<(), HandlerError> {
        let wrong = |field| unreadable(format!("{field} is missing or wrong"));
        match message.subject.prefix() {
            EPISODE_PREFIX => {
                let episode = EpisodeId::parse_hex(message.subject.key())
                    .map_err(|_| unreadable("the subject is no episode".to_owned()))?;
                if says_nothing(message) {
                    return Ok(());
                }
                let history = self.log.history_up_to(message, deadline).await;
                let history = history.map_err(|error| failed(Problem::from(error)))?;
                let seen = see(episode, &history).map_err(wrong)?;
                self.bring_up(seen, deadline).await.map_err(failed)
            }
            ACTIVITY_PREFIX => match look_back(message).map_err(wrong)? {
                Some((about, noted_by)) => {
                    self.make(&about, Origin::FollowUp(noted_by), deadline).await.map_err(failed)
                }
                None => Ok(()),
            },
            // Other histories of that stream ask for no work.
            _ => Ok(()),
        }
    }
}

/// Work that an episode asked for, in the order in which it did.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    about: About,
    /// Tasks that were asked for before with the same end: as long as one of them is open, there is no second one.
    before: Vec<Trigger>,
}

/// An episode as routing sees it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    asked: Vec<Asked>,
    /// Consents that were withdrawn, and not in error.
    withdrawn: Vec<CommitId>,
}

/// Does this event of an episode ask for nothing? What does ask wakes by itself. One that cannot be read may ask for anything.
fn says_nothing(message: &Recorded) -> bool {
    EpisodeEvent::decode(&*message.data).ok().and_then(|event| event.change).is_some_and(|change| {
        !matches!(change, Change::WorkDue(_) | Change::ConsentWithdrawn(_) | Change::Corrected(_))
    })
}

/// Reads the whole history of an episode.
fn see(episode: EpisodeId, history: &[Recorded]) -> Read<Seen> {
    let mut seen = Seen::default();
    let mut checks: HashMap<u16, u32> = HashMap::new();
    let mut corrections = Vec::new();
    for message in history {
        let Ok(event) = EpisodeEvent::decode(&*message.data) else { return bad("EpisodeEvent") };
        let Some(meta) = &event.meta else { return bad("meta") };
        let recorded_at = moment(meta.recorded_at.as_ref(), "meta.recorded_at")?;
        let commit = || message.commit.map_or_else(|| bad("headers.Nats-Msg-Id"), Ok);
        match &event.change {
            Some(Change::WorkDue(due)) => {
                seen.asked.push(within("work_due", read_work(episode, due, recorded_at, &mut checks))?);
            }
            Some(Change::ConsentWithdrawn(_)) => seen.withdrawn.push(commit()?),
            Some(Change::Corrected(corrected)) => {
                let target = id(&corrected.target, CommitId::parse_bytes, "corrected.target")?;
                corrections.push((recorded_at, commit()?, target, corrected.void));
            }
            Some(_) => {}
            // An event of a later release that routing has to know of cannot be passed over.
            None => return bad("change"),
        }
    }
    // Of several corrections of one event the last counts.
    corrections.sort_unstable();
    let voided: HashMap<CommitId, bool> =
        corrections.into_iter().map(|(_, _, target, void)| (target, void)).collect();
    seen.withdrawn.retain(|commit| !voided.get(commit).copied().unwrap_or(false));
    Ok(seen)
}

fn read_work(
    episode: EpisodeId,
    due: &WorkDue,
    received_at: Timestamp,
    checks: &mut HashMap<u16, u32>,
) -> Read<Asked> {
    let mut before = Vec::new();
    let trigger = match &due.work {
        Some(DueWork { work: Some(Work::FollowUpDay(day) | Work::MissedFollowUpDay(day)) }) => {
            let day = u16::try_from(*day).or_else(|_| bad("work.day"))?;
            let times = checks.entry(day).or_default();
            let asked_before = *times;
            *times += 1;
            before.extend((0..asked_before).map(|asked_before| Trigger::EpisodeCheck {
                episode,
                day,
                asked_before,
            }));
            Trigger::EpisodeCheck { episode, day, asked_before }
        }
        Some(DueWork { work: Some(Work::HandOver(moment)) }) => {
            Trigger::HandOver { episode, moment: word(*moment, "work.hand_over")? }
        }
        _ => return bad("work"),
    };
    let child = id(&due.child, ChildAlias::parse_bytes, "child")?;
    let about = About {
        child: Some(child),
        subject: SubjectKind::Child,
        ..came_due(trigger, read::centre(&due.centre, "centre")?, received_at)
    };
    Ok(Asked { about, before })
}

/// The look-back that a message asks for, and who noted the activity.
fn look_back(message: &Recorded) -> Read<Option<(About, Option<ProfessionalKey>)>> {
    let Ok(event) = ActivityEvent::decode(&*message.data) else { return bad("ActivityEvent") };
    let due = match &event.change {
        Some(activity_event::Change::LookBackDue(due)) => due,
        Some(_) => return Ok(None),
        None => return bad("change"),
    };
    let Some(meta) = &event.meta else { return bad("meta") };
    let received_at = moment(meta.recorded_at.as_ref(), "meta.recorded_at")?;
    let activity = id(&due.activity, ActivityId::parse_bytes, "look_back_due.activity")?;
    let centre = read::centre(&due.centre, "look_back_due.centre")?;
    let group: Option<GroupKey> = read::maybe(&due.group, "look_back_due.group", read::group)?;
    let noted_by = read::maybe(&due.noted_by, "look_back_due.noted_by", read::person)?;
    let about = About { group, ..came_due(Trigger::Activity(activity), centre, received_at) };
    Ok(Some((about, noted_by)))
}

/// Work that came due by itself: nobody asked, nobody waits for an answer, and there is no hurry.
fn came_due(trigger: Trigger, centre: CentreKey, received_at: Timestamp) -> About {
    About {
        trigger,
        organisation: None,
        centre,
        child: None,
        group: None,
        subject: SubjectKind::Group,
        domains: Box::default(),
        severity: 0,
        safety: SafetyLevel::None,
        urgency: Urgency::Regular,
        answer_wanted: false,
        asked_by: None,
        received_at,
        name_may_be_shared: false,
    }
}

impl Episodes {
    /// The task of a trigger; always the same, so that a repeated wake-up makes no second one.
    fn task_of(&self, trigger: Trigger) -> Option<TaskId> {
        let deriver = &self.office.deriver;
        match trigger {
            Trigger::EpisodeCheck { episode, day, asked_before } => {
                Some(deriver.task_for_check(episode, day, asked_before))
            }
            Trigger::HandOver { episode, moment } => {
                let moment = u8::try_from(moment.number()).unwrap_or_default();
                Some(deriver.task_for_hand_over(episode, moment))
            }
            Trigger::Activity(activity) => Some(deriver.task_for_look_back(activity)),
            Trigger::Signal(_) | Trigger::EarlierTask { .. } => None,
        }
    }

    async fn bring_up(&self, seen: Seen, deadline: Deadline) -> Result<(), Problem> {
        for asked in &seen.asked {
            if !self.is_asked_already(asked, deadline).await? {
                self.make(&asked.about, Origin::FollowUp(None), deadline).await?;
            }
        }
        for commit in &seen.withdrawn {
            for asked in &seen.asked {
                self.ask_to_end(asked.about.trigger, *commit, deadline).await?;
            }
        }
        Ok(())
    }

    async fn make(&self, about: &About, origin: Origin, deadline: Deadline) -> Result<(), Problem> {
        let Some(task) = self.task_of(about.trigger) else { return Ok(()) };
        self.office.make(task, about, origin, deadline).await?;
        self.office.link_earlier(task, about, deadline).await
    }

    /// Was a task for the same end open when this was asked for? The answer never changes, however late it is asked: what had ended by then
    /// had ended. It is asked of the log and not of the fold, which may lie behind.
    async fn is_asked_already(&self, asked: &Asked, deadline: Deadline) -> Result<bool, Problem> {
        for trigger in &asked.before {
            let Some(subject) = self.task_of(*trigger).and_then(|task| task_subject(task).ok()) else {
                continue;
            };
            let history = self.office.fold.log().history(&subject, 0, deadline).await?;
            if !history.is_empty() && ended_at(&history)?.is_none_or(|at| at >= asked.about.received_at) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whoever holds the task decides; nothing is ended by us.
    async fn ask_to_end(
        &self,
        trigger: Trigger,
        withdrawal: CommitId,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let Some(task) = self.task_of(trigger) else { return Ok(()) };
        let subject = task_subject(task).map_err(|error| Problem::broken(error.to_string()))?;
        // It was never made when an earlier one stood for it.
        if self.office.fold.log().last(&subject, deadline).await?.is_none() {
            return Ok(());
        }
        // More work on it is about the same child.
        let continued = self.office.continued_by(task, deadline).await?;
        for task in std::iter::once(task).chain(continued) {
            let act = self.office.own_act(&format!("withdrawn:{}:{}", task.to_hex(), withdrawal.to_hex()));
            let wish = Wish::RequestCancellation(CancelReason::ConsentWithdrawn);
            settled(self.office.do_own(task, &act, wish, deadline).await)?;
        }
        Ok(())
    }
}

/// When a task ended; `None` when it has not. What comes after its end is only that another one continues it.
fn ended_at(history: &[Recorded]) -> Result<Option<Timestamp>, Problem> {
    for message in history {
        let event = TaskEvent::decode(&*message.data)
            .map_err(|_| Problem::unavailable("HISTORY_FROZEN", "a task cannot be read by this release"))?;
        let state = event.standing.as_ref().and_then(|standing| TaskState::of(standing.state));
        if state.is_some_and(TaskState::is_final) {
            return Ok(event.meta.as_ref().and_then(|meta| moment(meta.recorded_at.as_ref(), "").ok()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
