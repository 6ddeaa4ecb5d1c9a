//! The life of a task: a state machine as data ([`table`]), `decide(state, command) -> event or refusal` and `evolve(state, event) ->
//! state`. Time, ids, who asks and who is there come inside the command; a repeated command changes nothing.

mod around;
mod away;
mod command;
mod deadlines;
mod decide;
mod event;
mod evolve;
mod further;
mod invariants;
mod kinds;
mod meeting;
mod page;
mod refusal;
mod ring;
mod route;
mod step;
pub mod table;
mod transfer;

use voordeur_kernel::{
    ActivityId, CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, EpisodeId, GroupKey,
    OrganisationKey, ProfessionalKey, Role, SafetyLevel, SignalId, TaskId, Timestamp,
};

pub use around::Around;
pub use away::Away;
pub use command::{By, Command, Request, There, Wish, allowed};
pub use decide::decide;
pub use event::{Actor, Change, Meta, Requested, Sealed, StepTaken};
pub use evolve::{Unfitting, evolve};
pub use further::further_work;
pub use invariants::{Broken, invariants};
pub use meeting::{MEETING_PEOPLE_MAX, Meeting, MeetingWish, Parents};
pub use page::document;
pub use refusal::Refusal;
pub use route::{Route, RouteStep};
pub use table::{StepKind, TaskState};
pub use transfer::Transfer;

use crate::words::{
    AnswerStatus, AskedBy, CancelReason, ClockKind, DeclineReason, FurtherWorkReason, HandOverMoment,
    SubjectKind, TaskOutcome, Urgency,
};

/// Most earlier tasks that a new one names.
pub const LINKED_MAX: usize = 10;

/// What asked for the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A signal.
    Signal(SignalId),
    /// An earlier task that has ended: there is more work.
    EarlierTask {
        /// Which task.
        task: TaskId,
        /// Why there is more.
        reason: FurtherWorkReason,
    },
    /// A follow-up check of an episode, so many days after its baseline.
    EpisodeCheck {
        /// Which episode.
        episode: EpisodeId,
        /// 90, 180 or 365 unless configured otherwise.
        day: u16,
        /// How often it was asked for before.
        asked_before: u32,
    },
    /// A warm hand-over of a child with an episode.
    HandOver {
        /// Which episode.
        episode: EpisodeId,
        /// Which hand-over.
        moment: HandOverMoment,
    },
    /// The look-back on work on the floor.
    Activity(ActivityId),
}

impl Trigger {
    /// Is there somebody who raised a signal and is to hear an answer? Nobody waits for the answer of work that came due by itself.
    #[must_use]
    pub const fn has_asker(&self) -> bool {
        matches!(self, Self::Signal(_))
    }
}

/// What the work is about; fixed when the task is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct About {
    /// What asked for it.
    pub trigger: Trigger,
    /// Which organisation asked; `None` when no signal did.
    pub organisation: Option<OrganisationKey>,
    /// Where.
    pub centre: CentreKey,
    /// Which child, when it is about one.
    pub child: Option<ChildAlias>,
    /// Which group, when that was said.
    pub group: Option<GroupKey>,
    /// What it is about.
    pub subject: SubjectKind,
    /// What the concern is about, at most three.
    pub domains: Box<[ConcernDomain]>,
    /// 1-5; 0 when it was not asked.
    pub severity: u8,
    /// How safe the child is.
    pub safety: SafetyLevel,
    /// How soon somebody must act.
    pub urgency: Urgency,
    /// Does the asker want to hear?
    pub answer_wanted: bool,
    /// Who asked.
    pub asked_by: Option<AskedBy>,
    /// When the asker was told that her signal is safe: all clocks count from here.
    pub received_at: Timestamp,
    /// Everybody who decides about the child consented to sharing it with the embedded professionals. A recorded ground is no consent.
    pub name_may_be_shared: bool,
}

/// The task put before one person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offer {
    /// Who.
    pub professional: ProfessionalKey,
    /// As whom. The coordinator catches: she assigns or accepts, she does not decline.
    pub role: Role,
}

/// A moment with a name, before which something must have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline {
    /// When it passes.
    pub due: Timestamp,
    /// Which clock.
    pub clock: ClockKind,
    /// How often this clock rang before for the same cause.
    pub round: u32,
}

/// Somebody in another role who was asked along.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Colleague {
    /// Which role.
    pub role: Role,
    /// One person, or the role.
    pub person: Option<ProfessionalKey>,
    /// With the name of the child: only with consent.
    pub with_name: bool,
}

/// Somebody would like the task to end: the question while it stands, and why after a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cancellation {
    /// Why.
    pub reason: CancelReason,
    /// Where the task stood before.
    pub before: TaskState,
    /// The signal was withdrawn while another question stood: this is asked next, when that one is answered with no.
    pub next: Option<CancelReason>,
}

/// An act that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Done {
    /// Which act.
    pub command: CommandId,
    /// What it was about: half of the commit id, enough to tell a repeated act from another one under the same key.
    pub content: u64,
}

impl Done {
    /// An act and its content.
    #[must_use]
    pub fn new(command: CommandId, commit: CommitId) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *commit.as_bytes();
        Self { command, content: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }
}

/// What few tasks have beside the work itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Aside {
    /// Until when it waits.
    hold_until: Option<Timestamp>,
    away: Option<Away>,
    /// The coordinator left it with the holder who is away.
    left_with_her: bool,
    transfer: Option<Transfer>,
    meeting: Option<Meeting>,
}

/// A task as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Task {
    /// Which.
    pub id: TaskId,
    /// Where it stands.
    pub state: TaskState,
    /// What it is about.
    pub about: About,
    /// Who catches it.
    pub coordinator: ProfessionalKey,
    /// Newest version of the directory that a step of this task was decided with: what an older one says about people is not said here.
    pub directory_version: u64,
    /// Who holds it.
    pub holder: Option<ProfessionalKey>,
    /// Its frozen plan.
    pub route: Route,
    /// Where it is on that plan.
    pub step: u32,
    /// People with a pending offer.
    pub offers: Box<[Offer]>,
    /// People who said no, or who were not there.
    pub declined: Box<[(ProfessionalKey, DeclineReason)]>,
    /// What must happen when, soonest first, one of each clock; empty when the task has ended.
    pub deadlines: Box<[Deadline]>,
    /// When somebody was first reached.
    pub first_contact_at: Option<Timestamp>,
    /// The question whether it should end, while it stands, and why when it was cancelled.
    pub cancellation: Option<Cancellation>,
    /// How it ended, when it was completed, and what the asker heard, when there is one.
    pub outcome: Option<(TaskOutcome, Option<AnswerStatus>)>,
    /// It was answered after the moment at which it should have been; it stays visible.
    pub answered_late: bool,
    /// Other tasks on the same child, newest first.
    pub linked: Box<[TaskId]>,
    /// Who was asked along.
    pub colleagues: Box<[Colleague]>,
    /// The act behind every event, oldest first: a repeated one changes nothing.
    pub commands: Box<[Done]>,
    /// What people did so far; a reminder does not count.
    pub version: u32,
    /// Rare, so behind a box; nothing when nothing of it is there.
    aside: Option<Box<Aside>>,
}

impl Task {
    /// Deadlines that run, soonest first.
    #[must_use]
    pub fn due(&self) -> &[Deadline] {
        &self.deadlines
    }

    /// The deadline of one clock.
    #[must_use]
    pub fn deadline(&self, clock: ClockKind) -> Option<&Deadline> {
        self.deadlines.iter().find(|d| d.clock == clock)
    }

    /// Has a deadline of first contact or answer passed? Of a task that has ended: was it answered late?
    #[must_use]
    pub fn overdue(&self, now: Timestamp) -> bool {
        self.answered_late
            || self.is_past(ClockKind::FirstContact, now)
            || self.is_past(ClockKind::Answer, now)
    }

    /// Has this clock passed its moment, perhaps long ago?
    fn is_past(&self, clock: ClockKind, now: Timestamp) -> bool {
        self.deadline(clock).is_some_and(|deadline| deadline.round > 0 || deadline.due <= now)
    }

    /// Is an offer to this person pending?
    #[must_use]
    pub fn is_offered_to(&self, person: &ProfessionalKey) -> bool {
        self.offers.iter().any(|offer| offer.professional == *person)
    }

    /// Was this act taken in before, and with what content?
    #[must_use]
    pub fn knows(&self, command: CommandId) -> Option<Done> {
        self.commands.iter().find(|done| done.command == command).copied()
    }

    /// It could not be done, also when somebody asked meanwhile to cancel it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let before = self.cancellation.map_or(self.state, |cancellation| cancellation.before);
        before == TaskState::Failed
    }

    /// The holder is away, also when the coordinator left it with her.
    #[must_use]
    pub fn away(&self) -> Option<&Away> {
        self.aside.as_ref()?.away.as_ref()
    }

    /// The holder is away, and the coordinator did not say yet who goes on.
    #[must_use]
    pub fn who_goes_on(&self) -> Option<&Away> {
        let aside = self.aside.as_ref()?;
        aside.away.as_ref().filter(|_| !aside.left_with_her)
    }

    /// The colleague who is asked to take it over.
    #[must_use]
    pub fn transfer(&self) -> Option<&Transfer> {
        self.aside.as_ref()?.transfer.as_ref()
    }

    /// The meeting that is planned.
    #[must_use]
    pub fn meeting(&self) -> Option<&Meeting> {
        self.aside.as_ref()?.meeting.as_ref()
    }

    /// Until when it waits.
    #[must_use]
    pub fn hold_until(&self) -> Option<Timestamp> {
        self.aside.as_ref()?.hold_until
    }

    fn hold(&mut self, until: Option<Timestamp>) {
        if self.hold_until() != until {
            self.change_aside(|aside| aside.hold_until = until);
        }
    }

    fn change_aside(&mut self, change: impl FnOnce(&mut Aside)) {
        let mut aside = self.aside.take().unwrap_or_default();
        change(&mut aside);
        self.aside = (*aside != Aside::default()).then_some(aside);
    }

    /// Somebody else goes on: what was asked because of the holder before her falls away.
    fn passes_on(&mut self) {
        self.change_aside(|aside| {
            aside.away = None;
            aside.left_with_her = false;
            aside.transfer = None;
        });
    }

    /// Number of events so far.
    #[must_use]
    pub fn ordinal(&self) -> u32 {
        u32::try_from(self.commands.len()).unwrap_or(u32::MAX)
    }

    /// Bytes that this task takes in memory; what it shares with others (keys, frames of routes) is not counted.
    #[must_use]
    pub fn weight(&self) -> usize {
        use std::mem::{size_of, size_of_val};
        size_of::<Self>()
            + self.route.weight()
            + size_of_val(&*self.about.domains)
            + size_of_val(&*self.offers)
            + size_of_val(&*self.declined)
            + size_of_val(&*self.deadlines)
            + size_of_val(&*self.linked)
            + size_of_val(&*self.colleagues)
            + size_of_val(&*self.commands)
            + self.aside.as_ref().map_or(0, |aside| {
                let invited = aside.meeting.as_ref();
                size_of::<Aside>() + invited.map_or(0, |m| size_of_val(&*m.roles) + size_of_val(&*m.people))
            })
    }
}

/// A list with one more at its end.
fn grown<T>(list: Box<[T]>, item: T) -> Box<[T]> {
    let mut list = list.into_vec();
    list.push(item);
    list.into_boxed_slice()
}
