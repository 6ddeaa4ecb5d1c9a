//! Who must know what after an event, so that nobody has to look at a list to find out that somebody waits for her.
//!
//! What is told is that she must act, on which task and why; never about whom. How and when she hears it (a mail, an app, not at night)
//! is not decided here.

use voordeur_kernel::{ProfessionalKey, Role};

use crate::{
    task::{Actor, Change, Offer, StepTaken, Task, TaskState},
    words::{ClockKind, NoticeReason, TransferEnd, Urgency},
};

/// Is it told at once, at night too, and whatever somebody prefers?
#[must_use]
pub const fn is_safety(reason: NoticeReason) -> bool {
    matches!(reason, NoticeReason::Safety | NoticeReason::SafetyAgain)
}

/// In whose hands a task is after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hands<'a> {
    /// Who holds it.
    pub holder: Option<&'a ProfessionalKey>,
    /// Who catches it.
    pub coordinator: &'a ProfessionalKey,
}

impl<'a> Hands<'a> {
    /// Of a task.
    #[must_use]
    pub fn of(task: &'a Task) -> Self {
        Self { holder: task.holder.as_ref(), coordinator: &task.coordinator }
    }
}

/// One person to tell, and why. Nobody is told twice of one event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notice {
    /// Whom.
    pub to: ProfessionalKey,
    /// Why.
    pub reason: NoticeReason,
}

/// Who must know of an event. Nobody is told of what she did herself, unless she is asked something new.
#[must_use]
pub fn notices(change: &Change, actor: &Actor, after: Hands<'_>) -> Vec<Notice> {
    let mut told = Told { actor, notices: Vec::new() };
    if let Some(step) = change.step_taken() {
        told.step(step, change);
    }
    let decider = || after.holder.unwrap_or(after.coordinator);
    match change {
        Change::Assigned { professional, .. } => told.others(professional, NoticeReason::Yours),
        Change::ClockRang { told: people, .. } => {
            for person in people {
                let hers = after.holder == Some(person);
                told.all(person, if hers { NoticeReason::Reminder } else { NoticeReason::Escalated });
            }
        }
        Change::ColleagueAsked(colleague) => {
            if let Some(person) = &colleague.person {
                told.others(person, NoticeReason::AskedAlong);
            }
        }
        Change::CancellationRequested { .. } => {
            // Whoever holds it decides; when she asks herself, the other one who may decide hears it.
            if told.is_actor(decider()) {
                told.others(after.coordinator, NoticeReason::CancellationAsked);
            } else {
                told.all(decider(), NoticeReason::CancellationAsked);
            }
        }
        // Nobody held it, so it is the coordinator's again. A safety signal is put before everybody at once, by its clock.
        Change::CancellationDecided { confirmed: false, deadlines, .. } if after.holder.is_none() => {
            if deadlines.iter().all(|deadline| deadline.clock != ClockKind::SafetyRepeat) {
                told.others(after.coordinator, NoticeReason::Escalated);
            }
        }
        Change::Failed { coordinator, .. } => told.others(coordinator, NoticeReason::Escalated),
        Change::CoordinatorReplaced { coordinator } => told.others(coordinator, NoticeReason::Escalated),
        // A coordinator who holds it herself is not asked about herself: who catches it instead hears that it is hers to catch.
        Change::HolderAway { away, .. } if away.professional == *after.coordinator => {}
        Change::HolderAway { .. } => told.others(after.coordinator, NoticeReason::HolderAway),
        Change::TransferProposed { professional, .. } => told.others(professional, NoticeReason::TransferAsked),
        // It stays hers, and she asked for something else.
        Change::TransferEnded {
            end: TransferEnd::Declined | TransferEnd::Lapsed | TransferEnd::ColleagueAway, ..
        } => {
            if let Some(holder) = after.holder {
                told.others(holder, NoticeReason::Yours);
            }
        }
        Change::MeetingPlanned { meeting, .. } => {
            for person in &meeting.people {
                told.others(person, NoticeReason::Meeting);
            }
        }
        // Whoever is asked by a step of the plan was told above.
        Change::Requested(_)
        | Change::OffersMade { .. }
        | Change::OfferDeclined { .. }
        | Change::OfferWithdrawn { .. }
        | Change::OffersTimedOut { .. }
        | Change::HandedBack { .. }
        // Nobody has to act because of these, or whoever has to did it herself.
        | Change::Accepted { .. }
        | Change::Held { .. }
        | Change::Resumed { .. }
        | Change::ContactRecorded { .. }
        | Change::Answered { .. }
        | Change::CancellationDecided { .. }
        | Change::EnteredInError { .. }
        | Change::Linked { .. }
        | Change::HolderAwayEnded { .. }
        | Change::TransferEnded { .. }
        | Change::MeetingRecorded { .. }
        | Change::NobodyToTell { .. } => {}
    }
    told.notices
}

struct Told<'a> {
    actor: &'a Actor,
    notices: Vec<Notice>,
}

impl Told<'_> {
    fn is_actor(&self, person: &ProfessionalKey) -> bool {
        matches!(self.actor, Actor::Person(key, _) if key == person)
    }

    /// Tells somebody, once.
    fn all(&mut self, person: &ProfessionalKey, reason: NoticeReason) {
        if self.notices.iter().all(|notice| notice.to != *person) {
            self.notices.push(Notice { to: person.clone(), reason });
        }
    }

    /// Tells somebody who did not do it herself.
    fn others(&mut self, person: &ProfessionalKey, reason: NoticeReason) {
        if !self.is_actor(person) {
            self.all(person, reason);
        }
    }

    /// Who is asked by a step of the plan. Only the step that turns to everybody on duty repeats itself.
    fn step(&mut self, step: &StepTaken, change: &Change) {
        let safety = match change {
            Change::Requested(requested) => {
                requested.about.urgency == Urgency::Safety || repeats(&requested.deadlines)
            }
            Change::OffersMade { deadlines, .. }
            | Change::OfferDeclined { deadlines, .. }
            | Change::OfferWithdrawn { deadlines, .. }
            | Change::OffersTimedOut { deadlines, .. }
            | Change::HandedBack { deadlines, .. } => repeats(deadlines),
            _ => false,
        };
        let again = matches!(change, Change::OffersMade { .. });
        let reason = |offer: &Offer| match (safety, offer.role) {
            (true, _) if again => NoticeReason::SafetyAgain,
            (true, _) => NoticeReason::Safety,
            (false, Role::Coordinator) => NoticeReason::Escalated,
            (false, _) => NoticeReason::Request,
        };
        for offer in &step.offers {
            // Also who declined as somebody on duty and is asked again as coordinator: it is another question.
            self.all(&offer.professional, reason(offer));
        }
        if let Some(person) = &step.assigned_to {
            self.others(person, if safety { NoticeReason::Safety } else { NoticeReason::Yours });
        }
    }
}

fn repeats(deadlines: &[crate::task::Deadline]) -> bool {
    deadlines.iter().any(|deadline| deadline.clock == ClockKind::SafetyRepeat)
}

/// Must she still act, as the task stands now? An offer that ended meanwhile is told to nobody. Whether she acted on it herself since is
/// for whoever follows the events to see.
#[must_use]
pub fn still_stands(to: &ProfessionalKey, reason: NoticeReason, task: &Task) -> bool {
    if task.state.is_final() {
        return false;
    }
    let holds = task.holder.as_ref() == Some(to);
    let catches = task.coordinator == *to;
    let late = || task.due().iter().any(|deadline| deadline.round > 0);
    match reason {
        NoticeReason::Request => task.is_offered_to(to),
        NoticeReason::Safety | NoticeReason::SafetyAgain => {
            task.is_offered_to(to) || holds && task.state == TaskState::Accepted
        }
        NoticeReason::Yours => holds && task.transfer().is_none() && task.state != TaskState::OnHold,
        NoticeReason::Reminder => holds && late(),
        NoticeReason::Escalated => {
            let asked = task.who_goes_on().is_some() || task.cancellation.is_some() && task.holder.is_none();
            task.is_offered_to(to) || late() || catches && (task.has_failed() || asked)
        }
        NoticeReason::CancellationAsked => task.cancellation.is_some() && (holds || catches),
        NoticeReason::TransferAsked => task.transfer().is_some_and(|transfer| transfer.to == *to),
        NoticeReason::HolderAway => catches && task.who_goes_on().is_some(),
        NoticeReason::AskedAlong => task.colleagues.iter().any(|c| c.person.as_ref() == Some(to)),
        NoticeReason::Meeting => task.meeting().is_some_and(|meeting| meeting.people.contains(to)),
    }
}
