//! A task as people see it, and whose it is.

use voordeur_contracts::{common::Role as WireRole, convert::to_wire_time, routing};
use voordeur_directory::Directory;
use voordeur_kernel::{ProfessionalKey, Timestamp};
use voordeur_routing_domain::{
    task::{By, Task, TaskState, Trigger, allowed},
    words::HandOverMoment,
};

use crate::{
    codec::{deadlines, words::Word as _},
    office::Office,
};

/// May she see that this task is there? Everybody who works with children's cases at its centre, and of its neighbours by arrangement who
/// holds it, is asked for it, or said no to it.
pub(crate) fn visible(directory: &Directory, person: &ProfessionalKey, task: &Task) -> bool {
    let centre = task.about.centre.as_str();
    let hers = || {
        task.holder.as_ref() == Some(person)
            || task.is_offered_to(person)
            || task.declined.iter().any(|(other, _)| other == person)
    };
    directory.may_see_work(person.as_str(), centre, hers)
}

/// May she hear that this task is not on her list any more? Somebody of a neighbour cannot see it by then.
pub(crate) fn may_have_seen(directory: &Directory, person: &ProfessionalKey, task: &Task) -> bool {
    directory.works_for(person.as_str(), task.about.centre.as_str())
}

/// Is it on her own list? What she holds, what she is asked to take or to take over, and for a coordinator what came to her: a cancellation
/// that nobody holds, clocks that rang more than once, and what is in the hands of somebody who is away or does not work there any more.
pub(crate) fn is_own(directory: &Directory, person: &ProfessionalKey, task: &Task) -> bool {
    if !visible(directory, person, task) || task.state.is_final() {
        return false;
    }
    let asked_to_take_over = task.transfer().is_some_and(|transfer| transfer.to == *person);
    if task.holder.as_ref() == Some(person) || task.is_offered_to(person) || asked_to_take_over {
        return true;
    }
    let undecided = task.state == TaskState::CancelRequested && task.holder.is_none();
    let escalated = task.due().iter().any(|deadline| deadline.round > 1);
    let left = task.holder.as_ref().is_some_and(|holder| !visible(directory, holder, task));
    let away = task.who_goes_on().is_some();
    (undecided || escalated || left || away) && is_coordinator(directory, person, task.about.centre.as_str())
}

/// Is she a coordinator of this centre?
pub(crate) fn is_coordinator(directory: &Directory, person: &ProfessionalKey, centre: &str) -> bool {
    directory.coordinators_of(centre).any(|other| other.key == *person)
}

/// The task for one person: what she may do comes from the table.
pub(crate) fn view(
    office: &Office,
    directory: &Directory,
    person: Option<&ProfessionalKey>,
    task: &Task,
    now: Timestamp,
) -> routing::Task {
    let by = person.map(|person| office.by(directory, person, task, now));
    let allowed = by.iter().flat_map(|by: &By| allowed(task, by));
    let about = &task.about;
    // Why it was cancelled is for the history; here it is a question.
    let asked = task.cancellation.filter(|_| !task.state.is_final());
    let (continues, further_work) = match about.trigger {
        Trigger::EarlierTask { task, reason } => (task.to_string(), reason.number()),
        _ => (String::new(), 0),
    };
    routing::Task {
        task_id: task.id.to_string(),
        state: task.state.number(),
        version: task.version.into(),
        signal_id: match about.trigger {
            Trigger::Signal(signal) => signal.to_string(),
            _ => String::new(),
        },
        organisation: text_of(about.organisation.as_ref()),
        centre: about.centre.to_string(),
        group: about.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        subject: about.subject.number(),
        domains: about.domains.iter().map(|domain| domain.number()).collect(),
        severity: about.severity.into(),
        safety: about.safety.number(),
        urgency: about.urgency.number(),
        received_at: Some(to_wire_time(about.received_at)),
        holder: text_of(task.holder.as_ref()),
        coordinator: task.coordinator.to_string(),
        offered_to: task.offers.iter().map(|offer| offer.professional.to_string()).collect(),
        deadlines: deadlines(&task.deadlines),
        first_contact_at: task.first_contact_at.map(to_wire_time),
        hold_until: task.hold_until().map(to_wire_time),
        answer_wanted: about.answer_wanted,
        linked_task_ids: task.linked.iter().map(ToString::to_string).collect(),
        allowed_steps: allowed.filter_map(|step| step.rpc()).map(str::to_owned).collect(),
        overdue: task.overdue(now),
        cancellation_reason: asked.map_or(0, |cancellation| cancellation.reason.number()),
        colleagues_asked: task.colleagues.iter().map(|c| WireRole::from(c.role).into()).collect(),
        follow_up: follow_up(about.trigger),
        transfer_to: text_of(task.transfer().map(|transfer| &transfer.to)),
        holder_away: task.who_goes_on().map(|away| routing::HolderAbsence {
            reason: away.reason.number(),
            until: away.until.map(to_wire_time),
            stand_in: text_of(away.stand_in.as_ref()),
        }),
        meeting_at: task.meeting().map(|meeting| to_wire_time(meeting.at)),
        continues_task_id: continues,
        further_work,
    }
}

fn text_of(key: Option<&impl ToString>) -> String {
    key.map(ToString::to_string).unwrap_or_default()
}

/// What asked for the work, when it was no signal.
fn follow_up(trigger: Trigger) -> Option<routing::FollowUp> {
    use routing::follow_up::Work;
    let mut asked = 0;
    let (work, episode, label) = match trigger {
        Trigger::Signal(_) | Trigger::EarlierTask { .. } => return None,
        Trigger::EpisodeCheck { episode, day, asked_before } => {
            asked = asked_before;
            let again = if asked_before > 0 { " (opnieuw gevraagd)" } else { "" };
            (Work::CheckDay(day.into()), Some(episode), format!("Controle na {day} dagen{again}"))
        }
        Trigger::HandOver { episode, moment } => {
            let label = match moment {
                HandOverMoment::ToSchool => "Warme overdracht naar school",
                HandOverMoment::ToSecondarySchool => "Warme overdracht naar het voortgezet onderwijs",
            };
            (Work::HandOver(moment.number()), Some(episode), label.to_owned())
        }
        Trigger::Activity(activity) => (Work::ActivityId(activity.to_string()), None, "Terugblik".to_owned()),
    };
    Some(routing::FollowUp {
        work: Some(work),
        episode_id: text_of(episode.as_ref()),
        asked_before: asked,
        label,
    })
}
