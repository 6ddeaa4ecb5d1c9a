//! The table of steps: which step is allowed in which state, to whom, what it leads to and what it needs. It is data; `decide` asks
//! it, `allowed` shows it, docs/tasks.md (written by the module `page`) publishes it.

/// States of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// Nobody holds it; people were asked.
    Requested,
    /// Somebody holds it.
    Accepted,
    /// Somebody was reached.
    InProgress,
    /// It waits until a date.
    OnHold,
    /// Ended with an answer. Final.
    Completed,
    /// Somebody would like it to end.
    CancelRequested,
    /// Ended without an answer, on request. Final.
    Cancelled,
    /// It could not be done; the coordinator holds it.
    Failed,
    /// It should never have been there. Final.
    EnteredInError,
}

impl TaskState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::Accepted,
        Self::InProgress,
        Self::OnHold,
        Self::CancelRequested,
        Self::Failed,
        Self::Completed,
        Self::Cancelled,
        Self::EnteredInError,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::InProgress => "in_progress",
            Self::OnHold => "on_hold",
            Self::Completed => "completed",
            Self::CancelRequested => "cancel_requested",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::EnteredInError => "entered_in_error",
        }
    }

    /// Final: nothing happens to it any more. More work is a new, linked task.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::EnteredInError)
    }
}

/// Kinds of steps; every event of a task is one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// The task is made.
    Request,
    /// People are asked, again.
    MakeOffers,
    /// One person says no, or is not there.
    Decline,
    /// Offers end; the next step is taken.
    TimeOutOffers,
    /// One person says yes.
    Accept,
    /// The coordinator gives it to somebody.
    Assign,
    /// The holder gives it back.
    HandBack,
    /// It waits.
    Hold,
    /// It goes on.
    Resume,
    /// Contact was made or tried.
    RecordContact,
    /// The asker hears.
    Answer,
    /// A colleague is asked along.
    AskColleague,
    /// Somebody would like it to end.
    RequestCancellation,
    /// The answer to that.
    DecideCancellation,
    /// It cannot be done.
    Fail,
    /// It should never have been there.
    MarkEnteredInError,
    /// A clock passed its moment.
    RingClock,
    /// A clock passed its moment and nobody can be told.
    TellNobody,
    /// Another task on the same child came after it.
    Link,
    /// The directory names another coordinator.
    ReplaceCoordinator,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::Request,
        Self::MakeOffers,
        Self::Decline,
        Self::TimeOutOffers,
        Self::Accept,
        Self::Assign,
        Self::HandBack,
        Self::Hold,
        Self::Resume,
        Self::RecordContact,
        Self::Answer,
        Self::AskColleague,
        Self::RequestCancellation,
        Self::DecideCancellation,
        Self::Fail,
        Self::MarkEnteredInError,
        Self::RingClock,
        Self::TellNobody,
        Self::Link,
        Self::ReplaceCoordinator,
    ];

    /// Name of the event.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Request => "requested",
            Self::MakeOffers => "offers_made",
            Self::Decline => "offer_declined",
            Self::TimeOutOffers => "offers_timed_out",
            Self::Accept => "accepted",
            Self::Assign => "assigned",
            Self::HandBack => "handed_back",
            Self::Hold => "held",
            Self::Resume => "resumed",
            Self::RecordContact => "contact_recorded",
            Self::Answer => "answered",
            Self::AskColleague => "colleague_asked",
            Self::RequestCancellation => "cancellation_requested",
            Self::DecideCancellation => "cancellation_decided",
            Self::Fail => "failed",
            Self::MarkEnteredInError => "entered_in_error",
            Self::RingClock => "clock_rang",
            Self::TellNobody => "nobody_to_tell",
            Self::Link => "linked",
            Self::ReplaceCoordinator => "coordinator_replaced",
        }
    }

    /// Name of the rpc that a person calls; `None` when only the service takes this step.
    #[must_use]
    pub const fn rpc(self) -> Option<&'static str> {
        match self {
            Self::Decline => Some("DeclineTask"),
            Self::Accept => Some("AcceptTask"),
            Self::Assign => Some("AssignTask"),
            Self::HandBack => Some("HandBackTask"),
            Self::Hold => Some("HoldTask"),
            Self::Resume => Some("ResumeTask"),
            Self::RecordContact => Some("RecordContact"),
            Self::Answer => Some("AnswerTask"),
            Self::AskColleague => Some("AskColleague"),
            Self::RequestCancellation => Some("RequestCancellation"),
            Self::DecideCancellation => Some("DecideCancellation"),
            Self::Fail => Some("FailTask"),
            Self::MarkEnteredInError => Some("MarkEnteredInError"),
            Self::Request
            | Self::MakeOffers
            | Self::TimeOutOffers
            | Self::RingClock
            | Self::TellNobody
            | Self::Link
            | Self::ReplaceCoordinator => None,
        }
    }
}

/// What somebody is to a task; several at once are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Who(u8);

impl Who {
    /// Nobody in particular.
    pub const NOBODY: Self = Self(0);
    /// Holds it.
    pub const HOLDER: Self = Self(1);
    /// Has a pending offer as a professional.
    pub const OFFERED: Self = Self(2);
    /// Is the coordinator of the centre.
    pub const COORDINATOR: Self = Self(4);
    /// Is a registered professional of the centre.
    pub const PROFESSIONAL: Self = Self(8);
    /// The service itself: wake-ups, clocks, presence.
    pub const SERVICE: Self = Self(16);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::HOLDER, "holder"),
        (Self::OFFERED, "offered"),
        (Self::COORDINATOR, "coordinator"),
        (Self::PROFESSIONAL, "professional of the centre"),
        (Self::SERVICE, "service"),
    ];

    /// Both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// One of them at least?
    #[must_use]
    pub const fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// In words.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES.iter().filter(|(who, _)| self.any_of(*who)).map(|(_, name)| *name).collect()
    }
}

/// Where a step leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// It stays where it was.
    Same,
    /// There.
    To(TaskState),
    /// `accepted` when only one person was present, otherwise `requested`.
    Made,
    /// `in_progress` when somebody was reached, otherwise the same.
    InProgressWhenReached,
    /// `in_progress` after a first contact, otherwise `accepted`.
    Resumed,
    /// `cancelled` when confirmed; otherwise the next question, when the signal was withdrawn meanwhile, or where it stood before.
    Decided,
}

impl Next {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Same => "the same",
            Self::To(state) => state.name(),
            Self::Made => "requested; accepted when only one person is present",
            Self::InProgressWhenReached => "in_progress when somebody was reached, otherwise the same",
            Self::Resumed => "in_progress after a first contact, otherwise accepted",
            Self::Decided => {
                "cancelled when confirmed; otherwise where it stood before, or the same when the signal was withdrawn meanwhile"
            }
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Where the task stands; `None`: it is not there yet.
    pub from: Option<TaskState>,
    /// The step.
    pub step: StepKind,
    /// Who may take it.
    pub who: Who,
    /// Where it leads.
    pub next: Next,
    /// What it needs, in words.
    pub needs: &'static str,
}

struct Rule {
    step: StepKind,
    from: &'static [TaskState],
    who: Who,
    next: Next,
    needs: &'static str,
}

use TaskState::{Accepted, CancelRequested, Failed, InProgress, OnHold, Requested};

const OPEN: &[TaskState] = &[Requested, Accepted, InProgress, OnHold, CancelRequested, Failed];
const HELD: &[TaskState] = &[Accepted, InProgress, OnHold];

const fn rule(step: StepKind, from: &'static [TaskState], who: Who, next: Next, needs: &'static str) -> Rule {
    Rule { step, from, who, next, needs }
}

const HOLDER: Who = Who::HOLDER;
const COORDINATOR: Who = Who::COORDINATOR;
const SERVICE: Who = Who::SERVICE;

/// The whole machine. What is not listed is refused.
const RULES: &[Rule] = &[
    rule(StepKind::MakeOffers, &[Requested], SERVICE, Next::Same, "the deadline that passed"),
    rule(StepKind::Decline, &[Requested], Who::OFFERED.or(SERVICE), Next::Same, "a reason"),
    rule(StepKind::TimeOutOffers, &[Requested], SERVICE, Next::Same, "the deadline that passed"),
    rule(
        StepKind::Accept,
        &[Requested],
        Who::OFFERED.or(COORDINATOR).or(Who::PROFESSIONAL),
        Next::To(Accepted),
        "nothing",
    ),
    rule(
        StepKind::Assign,
        &[Requested, Accepted, InProgress, OnHold, Failed],
        COORDINATOR,
        Next::To(Accepted),
        "a person and a reason",
    ),
    rule(StepKind::HandBack, HELD, HOLDER, Next::To(Requested), "a reason"),
    rule(StepKind::Hold, HELD, HOLDER, Next::To(OnHold), "a reason and a date"),
    rule(StepKind::Resume, &[OnHold], HOLDER.or(COORDINATOR), Next::Resumed, "nothing"),
    rule(
        StepKind::RecordContact,
        &[Accepted, InProgress, Failed],
        HOLDER,
        Next::InProgressWhenReached,
        "how, with whom, reached or not",
    ),
    rule(StepKind::RecordContact, &[OnHold], HOLDER, Next::Same, "how, with whom, reached or not"),
    rule(
        StepKind::Answer,
        &[Accepted, InProgress, OnHold, CancelRequested, Failed],
        HOLDER,
        Next::To(TaskState::Completed),
        "an outcome; an answer when somebody asked, and only then",
    ),
    rule(
        StepKind::AskColleague,
        &[Accepted, InProgress, OnHold, Failed],
        HOLDER.or(COORDINATOR),
        Next::Same,
        "a role; the name of a child only to professionals and with consent",
    ),
    rule(
        StepKind::RequestCancellation,
        &[Requested, Accepted, InProgress, OnHold, Failed],
        HOLDER.or(COORDINATOR).or(SERVICE),
        Next::To(CancelRequested),
        "a reason",
    ),
    rule(
        StepKind::RequestCancellation,
        &[CancelRequested],
        SERVICE,
        Next::Same,
        "a withdrawn signal: it is the next question",
    ),
    rule(
        StepKind::DecideCancellation,
        &[CancelRequested],
        HOLDER.or(COORDINATOR),
        Next::Decided,
        "yes or no",
    ),
    rule(StepKind::Fail, HELD, HOLDER, Next::To(Failed), "a reason"),
    rule(StepKind::MarkEnteredInError, OPEN, COORDINATOR, Next::To(TaskState::EnteredInError), "a reason"),
    rule(StepKind::RingClock, OPEN, SERVICE, Next::Same, "the deadline that passed"),
    rule(StepKind::TellNobody, OPEN, SERVICE, Next::Same, "the deadline that passed"),
    rule(StepKind::Link, OPEN, SERVICE, Next::Same, "the later task"),
    rule(StepKind::ReplaceCoordinator, OPEN, SERVICE, Next::Same, "a directory with another coordinator"),
];

/// The line for a step in a state; `None`: it is refused.
#[must_use]
pub fn row(from: Option<TaskState>, step: StepKind) -> Option<Row> {
    let Some(state) = from else {
        let made = Row { from: None, step, who: SERVICE, next: Next::Made, needs: "a trigger and a plan" };
        return (step == StepKind::Request).then_some(made);
    };
    let rule = RULES.iter().find(|rule| rule.step == step && rule.from.contains(&state))?;
    Some(Row { from, step, who: rule.who, next: rule.next, needs: rule.needs })
}

/// Every line, in the order of states and steps.
pub fn rows() -> impl Iterator<Item = Row> {
    std::iter::once(None)
        .chain(TaskState::ALL.into_iter().map(Some))
        .flat_map(|from| StepKind::ALL.into_iter().filter_map(move |step| row(from, step)))
}

/// Steps that somebody who is `who` to the task may take in a state.
pub fn allowed(state: TaskState, who: Who) -> impl Iterator<Item = StepKind> {
    StepKind::ALL
        .into_iter()
        .filter(move |step| row(Some(state), *step).is_some_and(|row| row.who.any_of(who)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_have_no_steps_and_every_other_state_has() {
        for state in TaskState::ALL {
            assert_eq!(rows().any(|row| row.from == Some(state)), !state.is_final(), "{state:?}");
        }
    }

    #[test]
    fn every_step_is_listed_somewhere_and_none_twice_for_a_state() {
        for step in StepKind::ALL {
            assert!(rows().any(|row| row.step == step), "{step:?}");
            for state in TaskState::ALL {
                let lines =
                    RULES.iter().filter(|rule| rule.step == step && rule.from.contains(&state)).count();
                assert!(lines <= 1, "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn no_step_of_the_service_alone_ends_a_task_and_no_clock_moves_it() {
        for row in rows().filter(|row| row.who == Who::SERVICE) {
            assert!(matches!(row.next, Next::Same | Next::Made), "{row:?}");
        }
        for row in rows().filter(|row| row.who.any_of(Who::SERVICE)) {
            assert!(!matches!(row.next, Next::To(state) if state.is_final()), "{row:?}");
        }
    }

    #[test]
    fn everybody_who_holds_a_task_can_do_something_with_it() {
        for state in OPEN {
            assert!(allowed(*state, Who::COORDINATOR).count() > 0, "{state:?}");
        }
        for state in [Accepted, InProgress, OnHold, Failed, CancelRequested] {
            assert!(allowed(state, Who::HOLDER).any(|step| step == StepKind::Answer), "{state:?}");
        }
    }
}
