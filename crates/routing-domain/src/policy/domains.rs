//! A set of concern domains in one number.

use std::fmt;

use voordeur_kernel::ConcernDomain;

/// A set of concern domains.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Domains(u16);

const fn bit(domain: ConcernDomain) -> u16 {
    1 << (domain as u16)
}

impl Domains {
    /// No domain.
    pub const NONE: Self = Self(0);

    /// Is this domain in it?
    #[must_use]
    pub const fn contains(self, domain: ConcernDomain) -> bool {
        self.0 & bit(domain) != 0
    }

    /// Is there a domain that is in both?
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Is it empty?
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its domains, in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = ConcernDomain> {
        ConcernDomain::ALL.into_iter().filter(move |domain| self.contains(*domain))
    }
}

impl FromIterator<ConcernDomain> for Domains {
    fn from_iter<I: IntoIterator<Item = ConcernDomain>>(domains: I) -> Self {
        Self(domains.into_iter().fold(0, |set, domain| set | bit(domain)))
    }
}

impl From<&[ConcernDomain]> for Domains {
    fn from(domains: &[ConcernDomain]) -> Self {
        domains.iter().copied().collect()
    }
}

impl fmt::Display for Domains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(ConcernDomain::name).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for Domains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        for one in ConcernDomain::ALL {
            let set: Domains = [one].into_iter().collect();
            assert!(ConcernDomain::ALL.into_iter().all(|other| set.contains(other) == (other == one)));
        }
        let all: Domains = ConcernDomain::ALL.into_iter().collect();
        assert_eq!(all.iter().collect::<Vec<_>>(), ConcernDomain::ALL);
        assert!(!all.meets(Domains::NONE) && all.meets(all) && Domains::NONE.is_empty());
    }
}
