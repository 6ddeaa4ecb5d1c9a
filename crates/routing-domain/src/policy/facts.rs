//! What is known of a signal when its task is made, as far as a policy may look at it.

use voordeur_kernel::{CentreKey, GroupKey, OrganisationKey, identifier::Identifier};

use super::Domains;
use crate::{
    task::About,
    words::{AskedBy, SubjectKind, Urgency},
};

/// What raises signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AskingKind {
    /// A school.
    School,
    /// A childcare organisation.
    Childcare,
}

impl AskingKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::School, Self::Childcare];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::School => "school",
            Self::Childcare => "childcare",
        }
    }
}

/// Highest severity, of 1 to 5; 0 was not asked.
pub const SEVERITY_MAX: u8 = 5;

/// What a branch may ask about a signal. How safe the child is stands in [`Urgency::Safety`], and such a signal never enters the tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Facts {
    /// How soon somebody must act.
    pub urgency: Urgency,
    /// A child, a group or neither.
    pub subject: SubjectKind,
    /// What it is about, at most three.
    pub domains: Domains,
    /// 1-5; 0 when it was not asked.
    pub severity: u8,
    /// Where.
    pub centre: CentreKey,
    /// CBS code of the municipality of the centre; none when the directory does not know the centre.
    pub municipality: Option<Identifier>,
    /// Which organisation asked, when one did.
    pub organisation: Option<OrganisationKey>,
    /// What that organisation is.
    pub organisation_kind: Option<AskingKind>,
    /// Which group, when that was said.
    pub group: Option<GroupKey>,
    /// Who asked, when that was said.
    pub asked_by: Option<AskedBy>,
    /// Does the asker want to hear?
    pub answer_wanted: bool,
}

impl Facts {
    /// The facts of a task; what the directory knows of the place comes beside it.
    #[must_use]
    pub fn of(
        about: &About,
        municipality: Option<Identifier>,
        organisation_kind: Option<AskingKind>,
    ) -> Self {
        Self {
            urgency: about.urgency,
            subject: about.subject,
            domains: Domains::from(&*about.domains),
            severity: about.severity,
            centre: about.centre.clone(),
            municipality,
            organisation: about.organisation.clone(),
            organisation_kind,
            group: about.group.clone(),
            asked_by: about.asked_by,
            answer_wanted: about.answer_wanted,
        }
    }
}
