//! Hours of a day on the wall.

/// Minutes of a day on the wall; what lasts until 24:00 ends there.
pub const DAY_MINUTES: u16 = 24 * 60;

/// From a minute of the day (included) until a minute (not included), in local time. Never empty, never past midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    from: u16,
    until: u16,
}

impl Hours {
    /// Hours of a day; nothing when they end before they begin or after 24:00 (1440). A night is two of them, on two days.
    #[must_use]
    pub const fn new(from: u16, until: u16) -> Option<Self> {
        if from < until && until <= DAY_MINUTES { Some(Self { from, until }) } else { None }
    }

    /// First minute of the day, 0-1439.
    #[must_use]
    pub const fn from(self) -> u16 {
        self.from
    }

    /// The minute in which it is over, 1-1440; 1440 is midnight.
    #[must_use]
    pub const fn until(self) -> u16 {
        self.until
    }

    /// Does this minute of the day belong to them?
    #[must_use]
    pub const fn covers(self, minute: u16) -> bool {
        self.from <= minute && minute < self.until
    }

    /// In order, and those that touch or overlap are one.
    #[must_use]
    pub fn merged(mut hours: Vec<Self>) -> Vec<Self> {
        hours.sort_unstable();
        let mut merged: Vec<Self> = Vec::with_capacity(hours.len());
        for next in hours {
            match merged.last_mut() {
                Some(last) if next.from <= last.until => last.until = last.until.max(next.until),
                _ => merged.push(next),
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_end_before_they_begin_do_not_exist() {
        assert!(
            Hours::new(600, 600).is_none() && Hours::new(601, 600).is_none() && Hours::new(0, 1441).is_none()
        );
        let all_day = Hours::new(0, DAY_MINUTES).unwrap();
        assert!(all_day.covers(0) && all_day.covers(1439) && !all_day.covers(1440));
    }

    #[test]
    fn hours_that_touch_are_one() {
        let hours =
            |list: &[(u16, u16)]| list.iter().map(|(a, b)| Hours::new(*a, *b).unwrap()).collect::<Vec<_>>();
        assert_eq!(
            Hours::merged(hours(&[(780, 1020), (480, 720), (720, 750), (490, 500)])),
            hours(&[(480, 750), (780, 1020)])
        );
        assert_eq!(Hours::merged(Vec::new()), []);
    }
}
