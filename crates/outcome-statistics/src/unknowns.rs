//! Much is unknown: bounds first (outcomes, section 3.5).

/// How the children at risk ended, as counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unknowns {
    /// Not referred, and doing well enough.
    pub avoided: u64,
    /// Referred.
    pub referred: u64,
    /// Nobody knows.
    pub undetermined: u64,
}

/// What may be said of the share that was not referred and does well enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shares {
    /// There is nobody.
    Nobody,
    /// More than 30 % is unknown: counts, and no share at all.
    CountsOnly,
    /// More than 10 % is unknown: the share lies between these, whatever the unknown ones did.
    Between {
        /// All unknown ones were referred or do badly.
        lowest: f64,
        /// None of them was.
        highest: f64,
    },
    /// At most 10 % is unknown: these bounds may be left out, they are close.
    Known {
        /// As in `Between`.
        lowest: f64,
        /// As in `Between`.
        highest: f64,
    },
}

impl Unknowns {
    /// Everybody at risk.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.avoided + self.referred + self.undetermined
    }

    /// What may be said. Compared in whole numbers, so that exactly 10 % and 30 % fall where the rule says.
    #[must_use]
    pub fn shares(self) -> Shares {
        let total = self.total();
        if total == 0 {
            return Shares::Nobody;
        }
        let share = |count: u64| count as f64 / total as f64;
        let (lowest, highest) = (share(self.avoided), share(self.avoided + self.undetermined));
        if self.undetermined * 10 > total * 3 {
            Shares::CountsOnly
        } else if self.undetermined * 10 > total {
            Shares::Between { lowest, highest }
        } else {
            Shares::Known { lowest, highest }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_is_unknown_the_less_is_said() {
        let of = |avoided, referred, undetermined| Unknowns { avoided, referred, undetermined }.shares();
        assert_eq!(of(0, 0, 0), Shares::Nobody);
        assert_eq!(of(5, 4, 1), Shares::Known { lowest: 0.5, highest: 0.6 });
        assert_eq!(of(20, 15, 5), Shares::Between { lowest: 0.5, highest: 0.625 });
        assert_eq!(of(4, 3, 3), Shares::Between { lowest: 0.4, highest: 0.7 });
        assert_eq!(of(40, 29, 31), Shares::CountsOnly);
    }
}
