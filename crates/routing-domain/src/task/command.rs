//! What is asked of a task: an act with everything the decision needs.

use voordeur_kernel::{CommandId, CommitId, ProfessionalKey, Role, TaskId, Timestamp};

use super::{
    About, Around, Away, Colleague, Deadline, MeetingWish, Sealed, StepKind, Task,
    table::{self, Who},
};
use crate::{
    plan::Plan,
    sight::Sight,
    words::{
        AnswerStatus, AssignReason, Attendance, AwayReason, CancelReason, ContactKind, ContactWith,
        DeclineReason, ErrorReason, FailReason, HandBackReason, HoldReason, MeetingEnd, TaskOutcome,
    },
};

/// Who asks; what she may comes from the directory and from the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The service itself.
    Service,
    /// A person.
    Person {
        /// Who.
        key: ProfessionalKey,
        /// A registered professional of the centre.
        professional: bool,
        /// The coordinator of the centre.
        coordinator: bool,
    },
}

impl By {
    /// What she is to a task.
    #[must_use]
    pub fn is(&self, task: &Task) -> Who {
        let Self::Person { key, professional, coordinator } = self else { return Who::SERVICE };
        let mut who = Who::NOBODY;
        if task.holder.as_ref() == Some(key) {
            who = who.or(Who::HOLDER);
        }
        if task.offers.iter().any(|o| o.professional == *key && o.role != Role::Coordinator) {
            who = who.or(Who::OFFERED);
        }
        if *coordinator {
            who = who.or(Who::COORDINATOR);
        }
        if *professional {
            who = who.or(Who::PROFESSIONAL);
        }
        if self.is_asked(task) {
            who = who.or(Who::ASKED);
        }
        who
    }

    /// In which role a person takes a step, for the record: as a professional where the step is for who holds the task, is asked, or works
    /// there; as the coordinator where only that permits it, and for what she caught. `None` for the service. `task` is the task before
    /// the step; `None` when it is made by it.
    #[must_use]
    pub fn role(&self, task: Option<&Task>, step: StepKind) -> Option<Role> {
        let Self::Person { professional, coordinator, .. } = self else { return None };
        let hers = Who::HOLDER.or(Who::OFFERED).or(Who::PROFESSIONAL).or(Who::ASKED);
        let as_professional = *professional
            && task.is_none_or(|task| {
                let permitted = table::row(Some(task.state), step).map_or(hers, |row| row.who);
                !task.has_failed() && permitted.and(self.is(task)).any_of(hers)
            });
        Some(if *coordinator && !as_professional { Role::Coordinator } else { Role::Professional })
    }
}

/// Steps that a person may take now: what the table permits her, where there is something to take it on.
pub fn allowed(task: &Task, by: &By) -> impl Iterator<Item = StepKind> {
    table::allowed(task.state, by.is(task)).filter(|step| possible(task, *step))
}

/// Is there something to take this step on? What the table cannot say, because it knows states only.
fn possible(task: &Task, step: StepKind) -> bool {
    match step {
        StepKind::ProposeTransfer => task.transfer().is_none(),
        StepKind::WithdrawTransfer => task.transfer().is_some(),
        StepKind::LeaveWithHolder => task.who_goes_on().is_some_and(|away| away.reason == AwayReason::Absent),
        StepKind::PlanMeeting => task.meeting().is_none(),
        StepKind::RecordMeeting => task.meeting().is_some(),
        _ => true,
    }
}

/// Who is there at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// Registered professionals present at the centre.
    pub present: Vec<ProfessionalKey>,
    /// When they and those who come later are there next, neighbours by arrangement included.
    pub around: Vec<Around>,
    /// The coordinator of the centre; where there are several, one who is there.
    pub coordinator: ProfessionalKey,
    /// Somebody said that the coordinator is absent.
    pub coordinator_absent: bool,
    /// Every coordinator of the centre.
    pub coordinators: Vec<ProfessionalKey>,
    /// Those of them of whom somebody said that they are absent.
    pub coordinators_absent: Vec<ProfessionalKey>,
    /// Version of the directory that says so, and with which everything about people in the command was decided.
    pub directory_version: u64,
}

impl There {
    /// When somebody is there next, where that is known.
    #[must_use]
    pub fn around(&self, person: &ProfessionalKey) -> Option<&Around> {
        self.around.iter().find(|around| around.professional == *person)
    }

    /// Can she be told something now? Nobody off duty is alerted.
    pub(super) fn reaches(&self, person: &ProfessionalKey) -> bool {
        if *person == self.coordinator {
            return !self.coordinator_absent;
        }
        // A coordinator has no weekly hours: each of them is there unless somebody said that she is absent.
        if self.coordinators.contains(person) {
            return !self.coordinators_absent.contains(person);
        }
        // People of a neighbour are at work there.
        let at_work = || self.around(person).is_some_and(|around| around.attendance == Attendance::Present);
        self.present.contains(person) || at_work()
    }
}

/// What a new task is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id, derived from its trigger.
    pub id: TaskId,
    /// What it is about.
    pub about: About,
    /// Its plan; frozen from here on.
    pub plan: Plan,
    /// What the choice saw.
    pub sight: Option<Sight>,
    /// Earlier tasks on the same child, newest first.
    pub linked: Vec<TaskId>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Make the task.
    Request(Box<Request>),
    /// I take it.
    Accept,
    /// I don't take it.
    Decline(DeclineReason),
    /// She is not there any more, or does not work there any more: her offer goes on to others.
    WithdrawOffer(ProfessionalKey, AwayReason),
    /// Whoever holds it is away: the coordinator is asked who goes on.
    HolderAway(Away),
    /// She is back: what was asked because of her absence falls away.
    HolderBack(ProfessionalKey),
    /// The holder is away, and it stays hers all the same.
    LeaveWithHolder,
    /// Will you take it over?
    ProposeTransfer(ProfessionalKey, AssignReason),
    /// Yes (`None`), or no.
    AnswerTransfer(Option<DeclineReason>),
    /// Never mind.
    WithdrawTransfer,
    /// The colleague who is asked to take it over is not there any more.
    ColleagueAway(ProfessionalKey),
    /// There will be a meeting.
    PlanMeeting(MeetingWish),
    /// What became of it.
    RecordMeeting {
        /// How it went.
        end: MeetingEnd,
        /// Did the parents come?
        parents_came: bool,
    },
    /// Give it to somebody. That she may hold it was checked with the directory.
    Assign(ProfessionalKey, AssignReason),
    /// I give it back.
    HandBack(HandBackReason),
    /// It waits until a date.
    Hold(HoldReason, Timestamp),
    /// It goes on.
    Resume,
    /// Contact was made or tried.
    RecordContact {
        /// How.
        kind: ContactKind,
        /// With whom.
        with: ContactWith,
        /// Was somebody reached?
        reached: bool,
    },
    /// It is done; the asker hears, when there is one.
    Answer {
        /// What it came to.
        outcome: TaskOutcome,
        /// What she hears; needed when somebody asked, and only then.
        status: Option<AnswerStatus>,
        /// An advice, sealed.
        advice: Option<Sealed>,
    },
    /// Ask a colleague along.
    AskColleague(Colleague),
    /// It should end.
    RequestCancellation(CancelReason),
    /// Yes or no to that.
    DecideCancellation(bool),
    /// I can't.
    Fail(FailReason),
    /// It should never have been there.
    MarkEnteredInError(ErrorReason),
    /// A deadline passed. A stale one changes nothing.
    DeadlinePassed(Deadline),
    /// Another task on the same child came after this one.
    Link(TaskId),
    /// Whoever the directory names as coordinator catches it, when it stands at somebody who is that no more.
    FollowDirectory,
    /// The coordinator who catches it is absent: another one of the centre catches, and when there is none, it says that nobody is there.
    CoordinatorAway(ProfessionalKey),
}

impl Wish {
    /// Does it follow from where somebody is, or is not any more, by a directory and by what was said about absence? The service decides
    /// that, and only with the newest directory that the task has seen.
    pub(super) const fn says_who_is_there(&self) -> bool {
        matches!(
            self,
            Self::WithdrawOffer(..)
                | Self::HolderAway(_)
                | Self::HolderBack(_)
                | Self::ColleagueAway(_)
                | Self::Assign(..)
                | Self::FollowDirectory
                | Self::CoordinatorAway(_)
        )
    }

    /// The kind of step in the table; `None` for a deadline, whose kind depends on its clock.
    #[must_use]
    pub const fn kind(&self) -> Option<StepKind> {
        Some(match self {
            Self::Request(_) => StepKind::Request,
            Self::Accept => StepKind::Accept,
            Self::Decline(_) => StepKind::Decline,
            Self::WithdrawOffer(..) => StepKind::WithdrawOffer,
            Self::HolderAway(_) => StepKind::NoteHolderAway,
            Self::HolderBack(_) => StepKind::NoteHolderBack,
            Self::LeaveWithHolder => StepKind::LeaveWithHolder,
            Self::ProposeTransfer(..) => StepKind::ProposeTransfer,
            Self::AnswerTransfer(_) => StepKind::AnswerTransfer,
            Self::WithdrawTransfer => StepKind::WithdrawTransfer,
            Self::ColleagueAway(_) => StepKind::EndTransfer,
            Self::PlanMeeting(_) => StepKind::PlanMeeting,
            Self::RecordMeeting { .. } => StepKind::RecordMeeting,
            Self::Assign(..) => StepKind::Assign,
            Self::HandBack(_) => StepKind::HandBack,
            Self::Hold(..) => StepKind::Hold,
            Self::Resume => StepKind::Resume,
            Self::RecordContact { .. } => StepKind::RecordContact,
            Self::Answer { .. } => StepKind::Answer,
            Self::AskColleague(_) => StepKind::AskColleague,
            Self::RequestCancellation(_) => StepKind::RequestCancellation,
            Self::DecideCancellation(_) => StepKind::DecideCancellation,
            Self::Fail(_) => StepKind::Fail,
            Self::MarkEnteredInError(_) => StepKind::MarkEnteredInError,
            Self::DeadlinePassed(_) => return None,
            Self::Link(_) => StepKind::Link,
            Self::FollowDirectory | Self::CoordinatorAway(_) => StepKind::ReplaceCoordinator,
        })
    }
}

/// A command: an act with everything the decision needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The act.
    pub id: CommandId,
    /// The act with its content.
    pub commit: CommitId,
    /// Who asks.
    pub by: By,
    /// The version that the person saw; 0: not compared.
    pub seen_version: u32,
    /// When.
    pub now: Timestamp,
    /// Who is there.
    pub there: There,
    /// What is asked for.
    pub wish: Wish,
}
