//! Events of a centre's floor. Codes, keys and sealed texts only.

use std::fmt;

use jiff::civil::Date;
use voordeur_kernel::{ActivityId, ConcernDomain, DataKeyId, GroupKey, ProfessionalKey};

use super::words::{ActivityKind, LookBackResult};
use crate::{event::Meta, words::Funding};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// About the event.
    pub meta: Meta,
    /// The day of the activity, or the day on which somebody looked back; where the centre is.
    pub on: Date,
    /// What happened.
    pub change: Change,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// Somebody worked on the floor.
    Noted {
        /// Which activity, derived from the act.
        activity: ActivityId,
        /// What was done.
        noted: Noted,
    },
    /// It was noted in error, or with another content.
    Corrected {
        /// Which.
        activity: ActivityId,
        /// What it says instead; `None`: it counts no more.
        instead: Option<Noted>,
    },
    /// The day of the look-back came.
    LookBackDue {
        /// Which.
        activity: ActivityId,
        /// Its group.
        group: Option<GroupKey>,
        /// Who noted it.
        noted_by: Option<ProfessionalKey>,
    },
    /// Somebody looked back.
    LookedBack {
        /// Which.
        activity: ActivityId,
        /// What became of the agreed step.
        result: LookBackResult,
    },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Noted {
    /// What kind of work.
    pub kind: ActivityKind,
    /// With which group; `None`: the whole centre.
    pub group: Option<GroupKey>,
    /// 1 to [`super::MINUTES_MAX`].
    pub minutes: u16,
    /// What pays for it.
    pub funding: Funding,
    /// What it was about: at most [`super::THEMES_MAX`], each once.
    pub themes: Vec<ConcernDomain>,
    /// What was agreed, sealed.
    pub agreed_step: Option<SealedStep>,
    /// When somebody looks back.
    pub look_back_on: Option<Date>,
}

/// An agreed step that only intake can open, bound to the centre, as a note.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SealedStep {
    /// Its data key.
    pub key: DataKeyId,
    /// Nonce, ciphertext and tag.
    pub content: Box<[u8]>,
    /// What it is bound to: an id that is derived from the key of the centre.
    pub owner: [u8; 16],
}

impl fmt::Debug for SealedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStep").field("key", &self.key).finish_non_exhaustive()
    }
}
