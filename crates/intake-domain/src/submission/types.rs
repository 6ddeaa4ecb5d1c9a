//! A signal that can be taken: types that cannot hold nonsense.

use voordeur_kernel::{
    CentreKey, ConcernDomain, GroupKey, ProfessionalKey, Role, SafetyLevel, Timestamp, limits,
    text::{Reference, Text},
};

use crate::{
    codes::{AgeBand, AskedBy, ConcernDuration, GroundKind, SafetyService, SubjectKind},
    consent::Consent,
};

/// A reference or number of somebody else's system.
pub type OwnReference = Reference<{ limits::REFERENCE_CHARS_MAX }>;
/// The main text.
pub type MainText = Text<{ limits::TEXT_CHARS_MAX }>;
/// A smaller text.
pub type Note = Text<{ limits::NOTE_CHARS_MAX }>;
/// A name.
pub type Name = Text<{ limits::NAME_CHARS_MAX }>;
/// A reason in words.
pub type ReasonText = Text<{ limits::REASON_CHARS_MAX }>;

/// One to three domains, each once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Domains(Vec<ConcernDomain>);

impl Domains {
    /// One to three domains, each once.
    #[must_use]
    pub fn new(domains: Vec<ConcernDomain>) -> Option<Self> {
        let each_once = domains
            .iter()
            .enumerate()
            .all(|(index, domain)| !domains.iter().take(index).any(|d| d == domain));
        ((1..=limits::DOMAINS_MAX).contains(&domains.len()) && each_once).then_some(Self(domains))
    }

    /// The domains.
    #[must_use]
    pub fn as_slice(&self) -> &[ConcernDomain] {
        &self.0
    }
}

/// Severity 1-5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Severity(u8);

impl Severity {
    /// What a safety signal gets that did not say.
    pub const HIGHEST: Self = Self(5);

    /// 1-5.
    #[must_use]
    pub fn new(value: u32) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| (1..=5).contains(value)).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Certainty 0-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Certainty(u8);

impl Certainty {
    /// 0-10.
    #[must_use]
    pub fn new(value: u32) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| *value <= 10).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A signal that can be taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The reference of the source system; only a safety signal can be without a usable one.
    pub reference: Option<OwnReference>,
    /// At which centre.
    pub centre: CentreKey,
    /// What it is about.
    pub subject: Subject,
    /// Domains.
    pub domains: Domains,
    /// Severity.
    pub severity: Severity,
    /// Safety.
    pub safety: SafetyLevel,
    /// Since when.
    pub duration: Option<ConcernDuration>,
    /// Who asked.
    pub asked_by: AskedBy,
    /// Certainty of the signaller.
    pub certainty: Option<Certainty>,
    /// Is an answer wanted?
    pub answer_wanted: bool,
    /// Same working day?
    pub urgent: bool,
    /// What was written.
    pub details: Details,
    /// Calls.
    pub calls: Vec<Call>,
    /// Faults of form that were passed over, as paths of fields, each once.
    pub waived: Vec<String>,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A named child, with why it may be named.
    Child(NamedChild),
    /// A group.
    Group(GroupKey),
    /// Nothing that can be traced. The age band may be known all the same when a safety signal lost its child reference.
    Consult {
        /// Age band, of a safety signal only.
        age_band: Option<AgeBand>,
    },
}

impl Subject {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::Child(_) => SubjectKind::Child,
            Self::Group(_) => SubjectKind::Group,
            Self::Consult { .. } => SubjectKind::Consult,
        }
    }
}

/// The number of a child in the caller's own system.
pub type ChildReference = OwnReference;

/// A named child.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedChild {
    /// Its number there.
    pub local_number: ChildReference,
    /// Its age band; only a safety signal can be without.
    pub age_band: Option<AgeBand>,
    /// Its group.
    pub group: Option<GroupKey>,
    /// Why it may be named.
    pub permission: Permission,
}

/// Why a named child may be processed and shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    /// Key of the processing basis, which the installation allows.
    pub processing_basis: String,
    /// What each said; sufficient, or else there is a ground.
    pub consents: Vec<Consent>,
    /// The ground.
    pub ground: Option<Ground>,
}

/// A ground instead of consent.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    /// Which.
    pub kind: GroundKind,
    /// Who decided.
    pub decided_by: ProfessionalKey,
    /// Why.
    pub reason: ReasonText,
}

/// What was written; it is sealed as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// The concern or question; only a safety signal can be without.
    pub text: Option<MainText>,
    /// What was tried.
    pub tried: Option<Note>,
    /// What parents say.
    pub parents_say: Option<Note>,
    /// What the child thinks.
    pub child_thinks: Option<Note>,
    /// Who signals.
    pub signaller: Option<Person>,
    /// With whom it was discussed.
    pub intern_begeleider: Option<Person>,
    /// Name of the child.
    pub child_name: Option<Name>,
}

/// Somebody at the organisation that asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Account or number there; only a safety signal can be without.
    pub local_id: Option<OwnReference>,
    /// Name.
    pub name: Option<Name>,
    /// Role.
    pub role: Option<Role>,
}

/// Somebody called; the system never calls for anyone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// Where.
    pub service: SafetyService,
    /// When.
    pub at: Timestamp,
    /// Role of who called.
    pub by: Option<Role>,
}
