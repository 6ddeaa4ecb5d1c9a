//! The directory as the rules of a signal see it.

use voordeur_directory::{Directory, Organisation};
use voordeur_intake_domain::{CentreFound, CentreReference, Premises};
use voordeur_kernel::{CentreKey, GroupKey, Timestamp};

/// One version of the directory, for one asking organisation, at one moment.
#[derive(Debug)]
pub(crate) struct AtOrganisation<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) organisation: &'a Organisation,
    pub(crate) now: Timestamp,
}

impl Premises for AtOrganisation<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn centre(&self, reference: &CentreReference) -> CentreFound {
        let found = match reference {
            CentreReference::Key(key) => self.directory.centre(&key.0),
            CentreReference::Registration(identifier) => {
                self.directory.centre_by_registration(identifier, self.now)
            }
            CentreReference::BadRegistration => None,
        };
        match found {
            None => CentreFound::Unknown,
            Some(centre) if centre.organisations.contains(&self.organisation.key) => {
                CentreFound::Own(centre.key.clone())
            }
            Some(_) => CentreFound::Foreign,
        }
    }

    fn only_centre(&self) -> Option<CentreKey> {
        let mut own =
            self.directory.centres().filter(|centre| centre.organisations.contains(&self.organisation.key));
        let first = own.next()?;
        own.next().is_none().then(|| first.key.clone())
    }

    fn has_group(&self, centre: &CentreKey, group: &GroupKey) -> bool {
        self.directory.group(centre.as_str(), group.as_str()).is_some()
    }

    fn allows_basis(&self, key: &str) -> bool {
        self.organisation.allows_basis(key)
    }

    fn knows_person(&self, key: &str) -> bool {
        self.directory.person(key).is_some()
    }

    fn is_register_number(&self, digits: &str) -> bool {
        self.directory.is_known_lrk(digits)
    }
}
