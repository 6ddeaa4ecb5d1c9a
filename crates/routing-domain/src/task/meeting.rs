//! A meeting about a task. It invites the parents unless there is a reason, and stops no clock.

use voordeur_kernel::{ProfessionalKey, Role, Timestamp};

use super::{Change, Command, Refusal, Task, deadlines::Clockwork};
use crate::{
    calendar::Calendar,
    words::{ClockKind, MeetingEnd, SubjectKind, WithoutParentsReason},
};

/// Most people that one meeting invites by name.
pub const MEETING_PEOPLE_MAX: usize = 20;

/// A meeting that is planned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Meeting {
    /// When.
    pub at: Timestamp,
    /// Roles of the team that are invited.
    pub roles: Box<[Role]>,
    /// People who are invited by name.
    pub people: Box<[ProfessionalKey]>,
    /// Why parents are not invited; `None`: they are.
    pub without_parents: Option<WithoutParentsReason>,
}

/// Are the parents invited?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parents {
    /// As it should be: they are, unless it is about the safety of a child, or about no child.
    AsUsual,
    /// They are; on a safety signal somebody has to say so, because parents are never told automatically there.
    Invited,
    /// They are not, for this reason.
    Without(WithoutParentsReason),
}

impl Parents {
    /// Why they are not invited to a meeting about this task; `None`: they are.
    fn left_out(self, task: &Task) -> Result<Option<WithoutParentsReason>, Refusal> {
        let child = task.about.subject == SubjectKind::Child;
        match self {
            Self::Without(WithoutParentsReason::NoChild) if child => Err(Refusal::AboutAChild),
            Self::Without(reason) => Ok(Some(reason)),
            Self::Invited if !child => Err(Refusal::NoParentsToInvite),
            Self::Invited => Ok(None),
            Self::AsUsual if !child => Ok(Some(WithoutParentsReason::NoChild)),
            Self::AsUsual if task.about.safety.is_safety() => Ok(Some(WithoutParentsReason::Safety)),
            Self::AsUsual => Ok(None),
        }
    }
}

/// What is asked for when a meeting is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingWish {
    /// When.
    pub at: Timestamp,
    /// Roles of the team.
    pub roles: Vec<Role>,
    /// People of the centre; that they are was checked with the directory.
    pub people: Vec<ProfessionalKey>,
    /// Are the parents invited?
    pub parents: Parents,
}

/// Plans it.
pub(super) fn plan(
    task: &Task,
    wish: &MeetingWish,
    command: &Command,
    calendar: &dyn Calendar,
) -> Result<Change, Refusal> {
    if task.meeting().is_some() {
        return Err(Refusal::MeetingPlanned);
    }
    if wish.at <= command.now {
        return Err(Refusal::MeetingNotAhead);
    }
    let without_parents = wish.parents.left_out(task)?;
    if wish.roles.is_empty() && wish.people.is_empty() && without_parents.is_some() {
        return Err(Refusal::MeetingWithNobody);
    }
    let mut meeting = (wish.roles.clone(), wish.people.clone());
    meeting.0.sort();
    meeting.0.dedup();
    meeting.1.sort();
    meeting.1.dedup();
    let (roles, people) = (meeting.0.into(), meeting.1.into());
    // Whoever was there has some time to note what came of it.
    let due = calendar.after(wish.at, task.route.clocks().repeat);
    let deadlines = Clockwork::of(&task.deadlines).with(ClockKind::Meeting, due, 0).done();
    Ok(Change::MeetingPlanned { meeting: Meeting { at: wish.at, roles, people, without_parents }, deadlines })
}

/// Notes what became of it.
pub(super) fn record(task: &Task, end: MeetingEnd, parents_came: bool) -> Result<Change, Refusal> {
    if task.meeting().is_none() {
        return Err(Refusal::NoMeeting);
    }
    if parents_came && end != MeetingEnd::Held {
        return Err(Refusal::OnlyWhenHeld);
    }
    let deadlines = Clockwork::of(&task.deadlines).without(&[ClockKind::Meeting]).done();
    Ok(Change::MeetingRecorded { end, parents_came, deadlines })
}

/// Takes in that one is planned.
pub(super) fn planned(task: &mut Task, meeting: &Meeting) {
    task.change_aside(|aside| aside.meeting = Some(meeting.clone()));
}

/// Takes in that it is over.
pub(super) fn recorded(task: &mut Task) {
    task.change_aside(|aside| aside.meeting = None);
}
