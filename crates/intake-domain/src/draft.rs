//! A signal as it came in: nothing is checked yet. A code that the contract does not know is [`Code::Unknown`].

use std::fmt;

use voordeur_kernel::{ConcernDomain, Role, SafetyLevel, Timestamp, identifier::Identifier};

use crate::codes::{
    AgeBand, AskedBy, ConcernDuration, ConsentGiver, ConsentScope, ConsentStatus, GroundKind, SafetyService,
};

/// A code as it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Code<T> {
    /// It was left out.
    #[default]
    Absent,
    /// A number that is not in the list of this release.
    Unknown,
    /// A code of the list.
    Known(T),
}

impl<T> From<T> for Code<T> {
    fn from(code: T) -> Self {
        Self::Known(code)
    }
}

impl<T: Copy> Code<T> {
    /// The code, when it is one.
    #[must_use]
    pub const fn known(self) -> Option<T> {
        match self {
            Self::Known(code) => Some(code),
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// Free text of somebody else; hidden in `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Raw(pub String);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Raw {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// One signal as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// The reference of the source system.
    pub client_reference: Raw,
    /// The first question: is it about a colleague or the holder?
    pub about_colleague: bool,
    /// Which kindcentrum.
    pub centre: Option<CentreReference>,
    /// The child, when it is about a child. Exactly one of the three subjects is wanted.
    pub child: Option<ChildDraft>,
    /// The group, when it is about a group.
    pub group: Option<Raw>,
    /// A consult.
    pub consult: bool,
    /// Concern domains.
    pub domains: Vec<Code<ConcernDomain>>,
    /// Severity 1-5.
    pub severity: u32,
    /// Safety.
    pub safety: Code<SafetyLevel>,
    /// Since when.
    pub duration: Code<ConcernDuration>,
    /// Who asked.
    pub asked_by: Code<AskedBy>,
    /// Certainty of the signaller, 0-10.
    pub certainty: Option<u32>,
    /// Is an answer wanted?
    pub answer_wanted: bool,
    /// Same working day?
    pub urgent: bool,
    /// What was written.
    pub details: DetailsDraft,
    /// Why a named child may be shared.
    pub permission: Option<PermissionDraft>,
    /// Calls to 112 or Veilig Thuis.
    pub calls: Vec<CallDraft>,
}

/// The centre, by key or by one of its registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CentreReference {
    /// Key in the directory.
    Key(Raw),
    /// A registration.
    Registration(Identifier),
    /// A registration of which the scheme or the value is wrong.
    BadRegistration,
}

/// A child as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChildDraft {
    /// The number in the own system.
    pub local_number: Raw,
    /// Age band.
    pub age_band: Code<AgeBand>,
    /// Group; may be empty.
    pub group: Raw,
    /// Name; may be empty.
    pub display_name: Raw,
}

/// What was written, as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetailsDraft {
    /// The concern or question.
    pub text: Raw,
    /// What was tried.
    pub tried: Raw,
    /// What parents say.
    pub parents_say: Raw,
    /// What the child thinks.
    pub child_thinks: Raw,
    /// Who signals.
    pub signaller: Option<PersonDraft>,
    /// With whom it was discussed.
    pub intern_begeleider: Option<PersonDraft>,
    /// Only intake fills this in; a caller that does makes a fault.
    pub child_name: Raw,
}

/// Somebody at the organisation, as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PersonDraft {
    /// Account or number in the own system.
    pub local_id: Raw,
    /// Name; may be empty.
    pub name: Raw,
    /// Role.
    pub role: Code<Role>,
}

/// Permission as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PermissionDraft {
    /// Key of the processing basis.
    pub processing_basis: Raw,
    /// Consents.
    pub consents: Vec<ConsentDraft>,
    /// Ground.
    pub ground: Option<GroundDraft>,
}

/// One consent as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsentDraft {
    /// Who.
    pub giver: Code<ConsentGiver>,
    /// What she said.
    pub status: Code<ConsentStatus>,
    /// For what.
    pub scopes: Vec<Code<ConsentScope>>,
    /// When: yyyy-mm-dd.
    pub date: Raw,
}

/// A ground as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroundDraft {
    /// Which ground.
    pub kind: Code<GroundKind>,
    /// Key of the person who decided.
    pub decided_by: Raw,
    /// Why.
    pub reason: Raw,
}

/// A call as it came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallDraft {
    /// Where.
    pub service: Code<SafetyService>,
    /// When.
    pub at: Option<Timestamp>,
    /// Role of who called.
    pub by: Code<Role>,
}
