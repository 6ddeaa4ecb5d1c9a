//! The steps as clap reads them.

use clap::{Subcommand, builder::TypedValueParser};
use voordeur_contracts::{
    common::{Position, Role},
    event::TaskState,
};
use voordeur_kernel::Timestamp;

use crate::{
    arguments::Act,
    wire::{self, words, words_but},
};

/// A list never holds a task that has ended.
fn open_states() -> impl TypedValueParser<Value = i32> {
    let ended = [TaskState::Completed, TaskState::Cancelled, TaskState::EnteredInError];
    words_but("voordeur.event.v1.TaskState", &ended.map(i32::from))
}

/// Roles of the team around a child; whoever raised the signal is told by the answer, and who runs the installation is no colleague.
fn roles() -> impl TypedValueParser<Value = i32> {
    words_but("voordeur.common.v1.Role", &[Role::Signaller, Role::Operator, Role::Auditor].map(i32::from))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Your tasks, most pressing first
    #[command(after_help = "\
Examples:
  voordeur task list --as person:noor
  voordeur task list --whole-centre --state requested --as person:marit")]
    List {
        /// Only these states; every open one when left out. A task that has ended: `task show`
        #[arg(long = "state", value_name = "STATE", value_parser = open_states())]
        states: Vec<i32>,
        /// Coordinators: every task of your centres
        #[arg(long)]
        whole_centre: bool,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Your tasks, then every change as it happens
    #[command(after_help = "\
Examples:
  voordeur task watch --as person:noor
  voordeur task watch --resume-after TASKS/2026-11-23T10:00:00Z/17 --json --as person:noor")]
    Watch {
        /// Go on after this position
        #[arg(long, value_name = "POSITION", value_parser = wire::position)]
        resume_after: Option<Position>,
        /// Coordinators: every task of your centres
        #[arg(long)]
        whole_centre: bool,
        /// Stop when everything so far was shown
        #[arg(long)]
        until_caught_up: bool,
    },
    /// One task, and what you may do with it now
    #[command(after_help = "\
Example:
  voordeur task show tsk_0011… --as person:noor")]
    Show {
        /// tsk_…
        task: String,
        /// Wait until this position is taken in
        #[arg(long, value_name = "POSITION", value_parser = wire::position)]
        at_least: Option<Position>,
    },
    /// Take it on
    #[command(after_help = "\
Example:
  voordeur task accept tsk_0011… --as person:noor")]
    Accept {
        /// tsk_…
        task: String,
        #[command(flatten)]
        act: Act,
    },
    /// Say no to an offer
    #[command(after_help = "\
Example:
  voordeur task decline tsk_0011… --reason no-time --as person:noor")]
    Decline {
        /// tsk_…
        task: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.DeclineReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Note that contact was made or tried
    #[command(after_help = "\
Examples:
  voordeur task contact tsk_0011… --kind in-person --with signaller --as person:noor
  voordeur task contact tsk_0011… --kind phone --with parents --not-reached --as person:noor")]
    Contact {
        /// tsk_…
        task: String,
        /// How
        #[arg(long, value_parser = words("voordeur.event.v1.ContactKind"))]
        kind: i32,
        /// With whom
        #[arg(long, value_parser = words("voordeur.event.v1.ContactWith"))]
        with: i32,
        /// It was tried only
        #[arg(long)]
        not_reached: bool,
        #[command(flatten)]
        act: Act,
    },
    /// Wait for something, until a date
    #[command(after_help = "\
Example:
  voordeur task hold tsk_0011… --reason meeting-planned --until 2026-12-01 --as person:noor")]
    Hold {
        /// tsk_…
        task: String,
        /// What for
        #[arg(long, value_parser = words("voordeur.event.v1.HoldReason"))]
        reason: i32,
        /// Until when: 2026-12-01 or 2026-12-01T17:00 (time in the Netherlands)
        #[arg(long, value_parser = wire::moment)]
        until: Timestamp,
        #[command(flatten)]
        act: Act,
    },
    /// Go on with it
    #[command(after_help = "\
Example:
  voordeur task resume tsk_0011… --as person:noor")]
    Resume {
        /// tsk_…
        task: String,
        #[command(flatten)]
        act: Act,
    },
    /// Give it back to the coordinator
    #[command(after_help = "\
Example:
  voordeur task hand-back tsk_0011… --reason no-time --as person:noor")]
    HandBack {
        /// tsk_…
        task: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.HandBackReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Complete it; the asker hears the answer
    #[command(after_help = "\
Examples:
  voordeur task answer tsk_0011… --outcome advice --status advice-given \\
      --text \"Geef Bo een vast maatje en een rustig plekje.\" --as person:noor
  voordeur task answer tsk_0011… --outcome done --as person:noor   # a check, a hand-over, a look-back")]
    Answer {
        /// tsk_…
        task: String,
        /// What came of it
        #[arg(long, value_parser = words("voordeur.event.v1.TaskOutcome"))]
        outcome: i32,
        /// What the asker is told; needed when a signal asked for the task, and only then
        #[arg(long, value_parser = words("voordeur.event.v1.AnswerStatus"))]
        status: Option<i32>,
        /// What the asker can do herself; sealed before it is sent on
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        act: Act,
    },
    /// Ask somebody in another role along
    #[command(after_help = "\
Example:
  voordeur task ask tsk_0011… --role jgz --as person:noor")]
    Ask {
        /// tsk_…
        task: String,
        /// Which role
        #[arg(long, value_parser = roles())]
        role: i32,
        /// Key of one person
        #[arg(long)]
        person: Option<String>,
        /// The child's name may be told
        #[arg(long)]
        with_name: bool,
        #[command(flatten)]
        act: Act,
    },
    /// Ask a colleague to take it over; it stays yours until she says yes
    #[command(after_help = "\
Example:
  voordeur task transfer tsk_0011… --to sam --reason workload --as person:noor")]
    Transfer {
        /// tsk_…
        task: String,
        /// Key of a colleague who is at work now, or of the coordinator
        #[arg(long, value_name = "COLLEAGUE")]
        to: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.AssignReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Answer a colleague who asks you to take it over
    #[command(group(clap::ArgGroup::new("answer").required(true).args(["yes", "no"])))]
    #[command(after_help = "\
Examples:
  voordeur task take-over tsk_0011… --yes --as person:sam
  voordeur task take-over tsk_0011… --no no-time --as person:sam")]
    TakeOver {
        /// tsk_…
        task: String,
        /// It is yours from now on
        #[arg(long)]
        yes: bool,
        /// It stays where it was; why
        #[arg(long, value_name = "REASON", value_parser = words("voordeur.event.v1.DeclineReason"))]
        no: Option<i32>,
        #[command(flatten)]
        act: Act,
    },
    /// Take back the question to a colleague
    #[command(after_help = "\
Example:
  voordeur task withdraw-transfer tsk_0011… --as person:noor")]
    WithdrawTransfer {
        /// tsk_…
        task: String,
        #[command(flatten)]
        act: Act,
    },
    /// Plan a meeting about it; the parents are invited unless there is a reason
    #[command(after_help = "\
Examples:
  voordeur task plan-meeting tsk_0011… --at 2026-12-01T15:30 \\
      --role intern-begeleider --as person:noor
  voordeur task plan-meeting tsk_0011… --at 2026-12-01T15:30 \\
      --person sam --without-parents parents-asked --as person:noor

A safety signal: parents come only when that is said
  voordeur task plan-meeting tsk_0011… --at 2026-12-01T15:30 \\
      --role jgz --invite-parents --as person:noor")]
    PlanMeeting {
        /// tsk_…
        task: String,
        /// When: 2026-12-01T15:30 (time in the Netherlands)
        #[arg(long, value_parser = wire::moment)]
        at: Timestamp,
        /// A role of the team that is invited
        #[arg(long = "role", value_name = "ROLE", value_parser = roles())]
        roles: Vec<i32>,
        /// Key of a person of the centre who is invited
        #[arg(long = "person", value_name = "PERSON")]
        people: Vec<String>,
        /// Why the parents are not invited
        #[arg(long, value_name = "REASON", conflicts_with = "invite_parents",
              value_parser = words("voordeur.event.v1.WithoutParentsReason"))]
        without_parents: Option<i32>,
        /// Invite the parents to a meeting about a safety signal too
        #[arg(long)]
        invite_parents: bool,
        #[command(flatten)]
        act: Act,
    },
    /// Note what came of the meeting
    #[command(after_help = "\
Examples:
  voordeur task record-meeting tsk_0011… --end held --parents-came --as person:noor
  voordeur task record-meeting tsk_0011… --end moved --as person:noor   # and plan the other one")]
    RecordMeeting {
        /// tsk_…
        task: String,
        /// How it went
        #[arg(long, value_parser = words("voordeur.event.v1.MeetingEnd"))]
        end: i32,
        /// The parents came
        #[arg(long)]
        parents_came: bool,
        #[command(flatten)]
        act: Act,
    },
    /// More work on a task that has ended: a new task
    #[command(after_help = "\
Example:
  voordeur task further-work tsk_0011… --reason came-back --as person:noor")]
    FurtherWork {
        /// tsk_… of the task that has ended
        task: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.FurtherWorkReason"))]
        reason: i32,
        /// What it is about now; the same as before when left out
        #[arg(long = "domain", value_name = "DOMAIN", value_parser = words("voordeur.common.v1.ConcernDomain"))]
        domains: Vec<i32>,
        #[command(flatten)]
        act: Act,
    },
    /// Coordinators: its holder is away, and it stays hers all the same
    #[command(after_help = "\
Example:
  voordeur task leave-with-holder tsk_0011… --as person:marit")]
    LeaveWithHolder {
        /// tsk_…
        task: String,
        #[command(flatten)]
        act: Act,
    },
    /// Coordinators: give it to somebody
    #[command(after_help = "\
Example:
  voordeur task assign tsk_0011… --to sam --reason nobody-accepted --as person:marit")]
    Assign {
        /// tsk_…
        task: String,
        /// Key of the professional
        #[arg(long, value_name = "PROFESSIONAL")]
        to: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.AssignReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Ask to cancel it; the holder or the coordinator then decides with `task decide`
    #[command(after_help = "\
Example:
  voordeur task cancel tsk_0011… --reason duplicate --as person:noor")]
    Cancel {
        /// tsk_…
        task: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.CancelReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Decide on a request to cancel it: --confirm ends it, --refuse lets it go on
    #[command(group(clap::ArgGroup::new("decision").required(true).args(["confirm", "refuse"])))]
    #[command(after_help = "\
Example:
  voordeur task decide tsk_0011… --confirm --as person:noor

`voordeur task show` tells under `cancellation reason` why somebody asked. Until this is decided
the task goes on, and its clocks run.")]
    Decide {
        /// tsk_…
        task: String,
        /// It is cancelled
        #[arg(long)]
        confirm: bool,
        /// It goes on
        #[arg(long)]
        refuse: bool,
        #[command(flatten)]
        act: Act,
    },
    /// It cannot be done; it returns to the coordinator
    #[command(after_help = "\
Example:
  voordeur task fail tsk_0011… --reason no-contact-possible --as person:noor")]
    Fail {
        /// tsk_…
        task: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.FailReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// It should never have been there
    #[command(after_help = "\
Example:
  voordeur task error tsk_0011… --reason test --as person:marit")]
    Error {
        /// tsk_…
        task: String,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.ErrorReason"))]
        reason: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Why it came to whom it came
    #[command(after_help = "\
What the choice saw, whom each step turns to with why or why not, the clocks as moments, and
everything that happened since. Also for a task that has ended.

Examples:
  voordeur task explain tsk_0011… --as person:noor
  voordeur task explain tsk_0011… --json --as operator")]
    Explain {
        /// tsk_…
        task: String,
    },
    /// Open what was written; who looks is on record first
    #[command(after_help = "\
Examples:
  voordeur task reveal tsk_0011… --as person:noor
  voordeur task reveal tsk_0011… --break-glass \"De collega is niet bereikbaar en het kan niet wachten.\" --as person:sam")]
    Reveal {
        /// tsk_…
        task: String,
        /// Emergency: why, in words; it is recorded and reported
        #[arg(long, value_name = "REASON")]
        break_glass: Option<String>,
    },
}
