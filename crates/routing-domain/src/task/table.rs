//! The table of steps: which step is allowed in which state, to whom, what it leads to and what it needs. It is data; `decide` asks
//! it, `allowed` shows it, docs/tasks.md (written by the module `page`) publishes it.

pub use super::kinds::StepKind;

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
    /// Is asked to take it over.
    pub const ASKED: Self = Self(32);

    const NAMES: [(Self, &'static str); 6] = [
        (Self::HOLDER, "holder"),
        (Self::OFFERED, "offered"),
        (Self::COORDINATOR, "coordinator"),
        (Self::PROFESSIONAL, "professional of the centre"),
        (Self::ASKED, "colleague who is asked to take it over"),
        (Self::SERVICE, "service"),
    ];

    /// Both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
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

use TaskState::{Accepted, CancelRequested, Cancelled, Completed, Failed, InProgress, OnHold, Requested};

const OPEN: &[TaskState] = &[Requested, Accepted, InProgress, OnHold, CancelRequested, Failed];
const HELD: &[TaskState] = &[Accepted, InProgress, OnHold];
/// Somebody holds it, or held it before somebody asked to cancel it.
const IN_HAND: &[TaskState] = &[Accepted, InProgress, OnHold, CancelRequested];

const fn rule(step: StepKind, from: &'static [TaskState], who: Who, next: Next, needs: &'static str) -> Rule {
    Rule { step, from, who, next, needs }
}

const HOLDER: Who = Who::HOLDER;
const COORDINATOR: Who = Who::COORDINATOR;
const SERVICE: Who = Who::SERVICE;

/// The whole machine. What is not listed is refused.
const RULES: &[Rule] = &[
    rule(StepKind::MakeOffers, &[Requested], SERVICE, Next::Same, "the deadline that passed"),
    rule(StepKind::Decline, &[Requested], Who::OFFERED, Next::Same, "a reason"),
    rule(
        StepKind::WithdrawOffer,
        &[Requested],
        SERVICE,
        Next::Same,
        "somebody who was asked and is not there any more",
    ),
    rule(StepKind::TimeOutOffers, &[Requested], SERVICE, Next::Same, "the deadline that passed"),
    rule(
        StepKind::Accept,
        &[Requested],
        Who::OFFERED.or(COORDINATOR).or(Who::PROFESSIONAL),
        Next::To(Accepted),
        "nothing",
    ),
    // The service: who has taken one signal on a child has the others on that child too.
    rule(
        StepKind::Assign,
        &[Requested],
        COORDINATOR.or(SERVICE),
        Next::To(Accepted),
        "a person and a reason",
    ),
    rule(
        StepKind::Assign,
        &[Accepted, InProgress, OnHold, Failed],
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
    rule(StepKind::Link, &[Completed, Cancelled], SERVICE, Next::Same, "the task that continues it"),
    rule(StepKind::ReplaceCoordinator, OPEN, SERVICE, Next::Same, "a directory with another coordinator"),
    rule(StepKind::NoteHolderAway, IN_HAND, SERVICE, Next::Same, "a holder who is away"),
    rule(StepKind::NoteHolderBack, IN_HAND, SERVICE, Next::Same, "a holder who was away and is back"),
    rule(
        StepKind::LeaveWithHolder,
        IN_HAND,
        COORDINATOR,
        Next::Same,
        "a holder who is absent, and not said yet who goes on",
    ),
    rule(
        StepKind::ProposeTransfer,
        HELD,
        HOLDER,
        Next::Same,
        "a reason and a colleague who is at work now, or the coordinator",
    ),
    rule(
        StepKind::AnswerTransfer,
        IN_HAND,
        Who::ASKED,
        Next::Same,
        "yes: it is hers from then on; or no with a reason",
    ),
    rule(StepKind::WithdrawTransfer, IN_HAND, HOLDER, Next::Same, "a colleague who is asked"),
    rule(
        StepKind::EndTransfer,
        IN_HAND,
        SERVICE,
        Next::Same,
        "the deadline that passed, or a colleague who is not there any more",
    ),
    rule(
        StepKind::PlanMeeting,
        &[Accepted, InProgress, OnHold, Failed],
        HOLDER.or(COORDINATOR),
        Next::Same,
        "a moment ahead, and whom to invite; a reason when not the parents",
    ),
    rule(StepKind::RecordMeeting, OPEN, HOLDER.or(COORDINATOR), Next::Same, "a meeting that is planned"),
    rule(
        StepKind::RequestFurtherWork,
        &[Completed, Cancelled],
        COORDINATOR.or(Who::PROFESSIONAL),
        Next::Same,
        "a reason; it makes a new task, which names this one",
    ),
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
    fn nothing_happens_to_a_task_that_has_ended_but_that_a_new_one_continues_it() {
        for state in TaskState::ALL {
            let continues = |row: Row| {
                matches!(row.step, StepKind::Link | StepKind::RequestFurtherWork) && row.next == Next::Same
            };
            let others = rows().filter(|row| row.from == Some(state) && !continues(*row)).count();
            assert_eq!(others == 0, state.is_final(), "{state:?}");
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
