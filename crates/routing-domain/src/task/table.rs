//! The table of steps: which step is allowed in which state, to whom, what it leads to and what it needs. It is data; `decide` asks
//! it, `allowed` shows it, docs/tasks.md publishes it.

use std::fmt::Write as _;

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
    fn words(self) -> &'static str {
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
        "an outcome and an answer",
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
        let made = Row { from: None, step, who: SERVICE, next: Next::Made, needs: "a signal and a plan" };
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

/// The table as a page of the documentation.
#[must_use]
pub fn document() -> String {
    let mut page = String::from(PREFACE);
    for from in std::iter::once(None).chain(TaskState::ALL.into_iter().map(Some)) {
        let name = from.map_or("(not there yet)", TaskState::name);
        let _ = writeln!(page, "\n## {name}\n");
        let mut lines = rows().filter(|row| row.from == from).peekable();
        if lines.peek().is_none() {
            let _ =
                writeln!(page, "Final. Every step is refused; more work is a new task that names this one.");
            continue;
        }
        let _ = writeln!(page, "| event | call | who | leads to | needs |\n|---|---|---|---|---|");
        for row in lines {
            let call = row.step.rpc().map_or_else(|| "-".to_owned(), |rpc| format!("`{rpc}`"));
            let who = row.who.names().join(", ");
            let _ = writeln!(
                page,
                "| `{}` | {call} | {who} | {} | {} |",
                row.step.event(),
                row.next.words(),
                row.needs
            );
        }
    }
    page.push_str(AFTERWORD);
    page
}

const PREFACE: &str = "\
# The life of a task

This page is generated from the table in `crates/routing-domain/src/task/table.rs`, which the code itself asks; a test fails when the
two differ. A step that is not listed is refused, nothing changes, and the refusal names the steps that are allowed.

Who may take a step comes from the directory and from the task, never from the caller:

- **holder**: who holds the task;
- **offered**: a professional with a pending offer;
- **coordinator**: the coordinator of the centre. Her offer stands until somebody takes the task; she accepts or assigns, she cannot decline;
- **professional of the centre**: with a valid registration, asked or not: a late yes is still a yes;
- **service**: the service itself, for wake-ups, clocks and presence.

A clock reminds and escalates. No clock leads to another state than the one the task is in: nothing is closed by it. A deadline that
passed has its event (`offers_timed_out`, `offers_made` for a safety signal that is repeated, `clock_rang`, or `nobody_to_tell` when
nobody who could be told is there), and rings again after a while for as long as the task stands as it did. Putting a task on hold adds
a clock and stops none: the asker still waits.

`nobody_to_tell` is rare: with the built-in ladders it takes a holder who is not there, or offers to nobody who is there, together with
a coordinator who was said to be absent. It raises an alarm, and the clock rings again.

`fail` does not end a task: the coordinator holds it from then on and answers the asker, or gives it to somebody else.

A withdrawn signal ends nothing by itself: it asks whoever holds the task (`cancellation_requested` with `signal_withdrawn` or
`consent_withdrawn`). When another cancellation is being asked at that moment, it waits for the answer: a yes ends the task, after a no it
is the next question, in the same event. Whoever said no to the withdrawal itself is not asked again.

The coordinator is the one of the directory in force. When a centre gets another one, what stood at the one before her (offers, failed
tasks, cancellations that nobody holds) is hers at once: `coordinator_replaced`. A task in the hands of somebody who does not work at the
centre any more stands on her list too.

A child's name goes along with `AskColleague` only to another professional of the centre, and only when everybody who decides about the
child consented; what people can consent to does not cover other roles. A recorded ground is no consent.
";

const AFTERWORD: &str = "
## Looks on record

Whatever shows something about a child's task is on record in the stream AUDIT before it is shown; when it cannot be put on record, nothing
is shown (`UNAVAILABLE`, reason `NOT_ON_RECORD`). Tasks about a group or a question without a child make no record.

| call | record |
|---|---|
| `GetTask`, `ExplainRouting` | one for each look under the id of the task, with the child's alias; refused looks too |
| `ListTasks` | one for each page that shows a child's task, under the id of the reader's list, naming the tasks it shows |
| `WatchTasks` | one when it begins and one whenever tasks come to it, in the same form; each task is named once in a watch, not at every change |
| steps | a step that happened is itself the record (who, when, by which directory); one that was refused, or repeated, is recorded like a look |

The id of a reader's list is derived from her key; the record of a list names no child, the tasks it names do.
";

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

    #[test]
    fn the_published_table_is_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tasks.md");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == document(),
            "docs/tasks.md is not up to date. Replace its content by what stands between the lines:\n\
             ----8<----\n{}----8<----",
            document()
        );
    }
}
