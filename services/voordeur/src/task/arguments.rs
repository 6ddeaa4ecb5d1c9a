//! The steps as clap reads them.

use clap::{Subcommand, builder::TypedValueParser};
use voordeur_contracts::{common::Position, event::TaskState};
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
        #[arg(long, value_parser = words("voordeur.common.v1.Role"))]
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
    /// Ask to cancel it
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
    /// Answer that question
    #[command(group(clap::ArgGroup::new("decision").required(true).args(["confirm", "refuse"])))]
    #[command(after_help = "\
Example:
  voordeur task decide tsk_0011… --confirm --as person:noor")]
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
Example:
  voordeur task explain tsk_0011… --as person:noor")]
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
