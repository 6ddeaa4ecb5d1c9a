//! `[routing]`: the policy of a directory, read, checked against the rest of the file, and printed back.

mod check;
mod print;
mod read;
mod span;

use std::sync::{Arc, LazyLock};

use voordeur_kernel::CentreKey;
use voordeur_routing_domain::{
    policy::{AskingKind, Facts, Place, Policy},
    task::About,
};

pub(crate) use check::{check, warn};
pub use print::when as shown_conditions;
pub(crate) use print::{flat, print};
pub(crate) use read::{PolicyDraft, read};
pub use span::shown as shown_span;

use crate::{
    finding::{FileFault, Warning},
    model::{Directory, Organisation, OrganisationKind},
};

/// The table in files.
pub(crate) const TABLE: &str = "routing";

/// The built-in policy as a file.
pub const BUILT_IN: &str = include_str!("built_in.toml");

static BUILT_IN_POLICY: LazyLock<Arc<Policy>> =
    LazyLock::new(|| Arc::new(read::built_in(BUILT_IN).unwrap_or_else(|_| Policy::built_in())));

/// What holds where a directory has no policy of its own.
pub(crate) fn built_in() -> &'static Arc<Policy> {
    &BUILT_IN_POLICY
}

/// What an organisation is, as far as a policy may ask.
pub(crate) const fn asking_kind(kind: OrganisationKind) -> Option<AskingKind> {
    match kind {
        OrganisationKind::School => Some(AskingKind::School),
        OrganisationKind::Childcare => Some(AskingKind::Childcare),
        OrganisationKind::YouthCareProvider | OrganisationKind::Municipality | OrganisationKind::Partner => {
            None
        }
    }
}

impl Directory {
    /// The policy that signals are routed by: that of the file, else the built-in one.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.own_policy().unwrap_or_else(|| built_in())
    }

    /// What a policy may look at of this work, with what the directory knows of its place.
    #[must_use]
    pub fn facts(&self, about: &About) -> Facts {
        let municipality = self.centre(about.centre.as_str()).map(|centre| centre.municipality.clone());
        let asking = about.organisation.as_ref().and_then(|key| self.organisation(key.as_str()));
        Facts::of(about, municipality, asking.and_then(|organisation| asking_kind(organisation.kind)))
    }

    /// Every place that signals come from: each centre with each organisation that raises signals there, with and without each of its groups.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        self.centres().flat_map(|centre| self.places_of(&centre.key)).collect()
    }

    /// The places of one centre.
    #[must_use]
    pub fn places_of(&self, centre: &CentreKey) -> Vec<Place> {
        let Some(centre) = self.centre(centre.as_str()) else { return Vec::new() };
        let asking = |organisation: &Organisation| {
            let kind = asking_kind(organisation.kind)?;
            Some((organisation.key.clone(), kind))
        };
        centre
            .organisations
            .iter()
            .filter_map(|key| self.organisation(key.as_str()).and_then(asking))
            .flat_map(|(organisation, kind)| {
                let theirs = centre.groups.values().filter(|group| group.organisation == organisation);
                let groups: Vec<_> =
                    theirs.map(|group| Some(group.key.clone())).chain(std::iter::once(None)).collect();
                groups.into_iter().map(move |group| Place {
                    centre: centre.key.clone(),
                    municipality: Some(centre.municipality.clone()),
                    organisation: Some(organisation.clone()),
                    organisation_kind: Some(kind),
                    group,
                })
            })
            .collect()
    }
}

/// Reads a file that has `[routing]` and nothing else: a policy that is rehearsed before it goes into a directory. Keys of organisations, centres
/// and groups cannot be compared with anything then.
///
/// # Errors
/// Every fault of the file, in order of line.
pub fn parse_alone(text: &str) -> Result<(Policy, Vec<Warning>), Vec<FileFault>> {
    read::alone(text)
}
