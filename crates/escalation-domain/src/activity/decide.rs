//! May this be noted, and what does it change?

use jiff::{ToSpan as _, civil::Date};
use voordeur_kernel::{ActivityId, CommandId, CommitId, ErrorKind, Faults, Timestamp};

use super::{
    DAYS_MAX,
    event::{Change, Event, Noted},
    floor::{Act, Floor},
    words::LookBackResult,
};
use crate::event::{Actor, Meta};

/// One act. Who may act, and that groups and texts are of the centre, was checked before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    /// Which act it is; the same id is the same act.
    pub id: CommandId,
    /// Commit that it makes, derived from the act and its content.
    pub commit: CommitId,
    /// Who does it.
    pub actor: Actor,
    /// Now.
    pub now: Timestamp,
    /// The present day where the centre is.
    pub today: Date,
    /// Version of the directory it was decided with.
    pub directory_version: u64,
    /// What is to be done.
    pub action: Action,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Note an activity.
    Note {
        /// Its id, derived from the act.
        activity: ActivityId,
        /// On which day; `None`: today.
        on: Option<Date>,
        /// What was done.
        noted: Noted,
    },
    /// Void it, or say what it should have been.
    Correct {
        /// Which.
        activity: ActivityId,
        /// What it says instead; `None`: it counts no more.
        instead: Option<Noted>,
    },
    /// The day of a look-back came.
    LookBackPassed {
        /// Which.
        activity: ActivityId,
    },
    /// Somebody looked back.
    LookBack {
        /// Which.
        activity: ActivityId,
        /// What became of the agreed step.
        result: LookBackResult,
    },
}

/// Why the answer is no. Nothing changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The same act was done before with other content.
    #[error("this idempotency key was used for another act; take a new one")]
    OtherContent,
    /// It is not there, or only counted by now.
    #[error("there is no such activity, or it is from before the two calendar years that can be corrected")]
    NotThere,
    /// It was voided.
    #[error("this activity counts no more; note it anew")]
    Voided,
    /// Its look-back was asked for, so its date cannot move.
    #[error("its look-back was asked for already; leave look_back_on as it is")]
    LookBackAsked,
    /// Days that cannot be.
    #[error("a day lies too far away")]
    Days(Faults),
}

impl Refusal {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::OtherContent => ErrorKind::AlreadyExists,
            Self::NotThere => ErrorKind::NotFound,
            Self::Voided | Self::LookBackAsked => ErrorKind::Refused,
            Self::Days(_) => ErrorKind::Invalid,
        }
    }

    /// Stable code.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::OtherContent => "IDEMPOTENCY_KEY_REUSED",
            Self::NotThere => "NO_SUCH_ACTIVITY",
            Self::Voided => "ACTIVITY_VOIDED",
            Self::LookBackAsked => "LOOK_BACK_ASKED",
            Self::Days(_) => "OUT_OF_RANGE",
        }
    }
}

/// What is wrong with the days of an activity. `part` is the field that holds the activity.
pub fn check_days(
    today: Date,
    on: Option<Date>,
    look_back_on: Option<Date>,
    part: &str,
    faults: &mut Faults,
) {
    let far = |days: i32| today.checked_add(days.days()).unwrap_or(today);
    if on.is_some_and(|on| on > today || on < far(-DAYS_MAX)) {
        faults.add("on", "OUT_OF_RANGE", "give a day from a year ago until today, or leave it out");
    }
    if look_back_on.is_some_and(|day| day < today || day > far(DAYS_MAX)) {
        faults.add(
            format!("{part}.look_back_on"),
            "OUT_OF_RANGE",
            "give a day from today until a year ahead, or leave it out",
        );
    }
}

/// Decides. `Ok(None)`: it is known already, or there is nothing to do any more; nothing changes.
///
/// # Errors
/// Why not.
pub fn decide(floor: Option<&Floor>, command: &Command) -> Result<Option<Event>, Refusal> {
    if let Some(known) = floor.and_then(|floor| floor.act(command.id)) {
        let same = known == Act::new(command.id, command.commit);
        return if same { Ok(None) } else { Err(Refusal::OtherContent) };
    }
    let today = command.today;
    let known = |id: ActivityId| floor.and_then(|floor| floor.activity(id)).ok_or(Refusal::NotThere);
    let counting = |id: ActivityId| {
        let activity = known(id)?;
        if activity.voided { Err(Refusal::Voided) } else { Ok(activity) }
    };
    let days = |on, look_back_on, part| {
        let mut faults = Faults::new();
        check_days(today, on, look_back_on, part, &mut faults);
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Days(faults)) }
    };
    let (on, change) = match &command.action {
        Action::Note { activity, on, noted } => {
            days(*on, noted.look_back_on, "activity")?;
            (on.unwrap_or(today), Change::Noted { activity: *activity, noted: noted.clone() })
        }
        Action::Correct { activity, instead } => {
            let known = counting(*activity)?;
            if let Some(noted) = instead
                && noted.look_back_on != known.look_back_on
            {
                if known.look_back_asked {
                    return Err(Refusal::LookBackAsked);
                }
                days(None, noted.look_back_on, "instead")?;
            }
            (known.on, Change::Corrected { activity: *activity, instead: instead.clone() })
        }
        Action::LookBackPassed { activity } => {
            // A stale deadline changes nothing: it was asked for, answered, moved or voided meanwhile.
            let Some(known) = floor.and_then(|floor| floor.activity(*activity)) else { return Ok(None) };
            let Some(day) = known.awaits().filter(|day| *day <= today) else { return Ok(None) };
            let (group, noted_by) = (known.group.clone(), known.noted_by.clone());
            (day, Change::LookBackDue { activity: *activity, group, noted_by })
        }
        Action::LookBack { activity, result } => {
            counting(*activity)?;
            (today, Change::LookedBack { activity: *activity, result: *result })
        }
    };
    Ok(Some(Event {
        meta: Meta {
            recorded_at: command.now,
            actor: command.actor.clone(),
            command: command.id,
            directory_version: command.directory_version,
            ordinal: floor.map_or(0, Floor::events) + 1,
        },
        on,
        change,
    }))
}
