//! Subjects, and their days in order.

use thiserror::Error;

/// The cause of a subject who was last seen without an event.
pub const CENSORED: u8 = 0;

/// One subject: the day of the event, or the last day on which it was known that there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Whole days since the start. Day 0 is a day like any other.
    pub day: u32,
    /// What happened: [`CENSORED`], or the number of a cause.
    pub cause: u8,
}

/// One subject among others it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// Only within a stratum are groups compared; 0 when there is one.
    pub stratum: u32,
    /// The subject.
    pub subject: Subject,
    /// Index of its group, from 0.
    pub group: u32,
}

/// Which endings count as the event; the others count as censored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Any cause.
    Any,
    /// One cause; for a cause-specific hazard.
    Cause(u8),
}

impl Event {
    /// Whether an ending counts.
    #[must_use]
    pub const fn is(self, cause: u8) -> bool {
        match self {
            Self::Any => cause != CENSORED,
            Self::Cause(wanted) => cause == wanted && cause != CENSORED,
        }
    }
}

/// Why there is no answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotComputable {
    /// Nobody was observed.
    #[error("there are no observations")]
    NoObservations,
    /// Nothing to compare with.
    #[error("there is only one group; a comparison needs two")]
    OneGroup,
}

/// Subjects counted by day, once sorted; every estimator reads from it.
///
/// On one day events come before censorings: who is censored on a day was at risk on that day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    days: Vec<DayCounts>,
}

/// One distinct day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayCounts {
    pub(crate) day: u32,
    /// Everybody whose day is this one or later.
    pub(crate) at_risk: u64,
    /// How many ended, by cause, [`CENSORED`] included; ascending, only those that occur.
    pub(crate) ended: Vec<(u8, u64)>,
}

impl DayCounts {
    /// How many had the event on this day.
    pub(crate) fn events(&self, event: Event) -> u64 {
        self.ended.iter().filter(|(cause, _)| event.is(*cause)).map(|(_, count)| count).sum()
    }

    /// How many left on this day, for whatever reason.
    pub(crate) fn left(&self) -> u64 {
        self.ended.iter().map(|(_, count)| count).sum()
    }
}

impl Timeline {
    /// Sorts and counts; the order of the subjects means nothing.
    pub fn of(subjects: &[Subject]) -> Result<Self, NotComputable> {
        if subjects.is_empty() {
            return Err(NotComputable::NoObservations);
        }
        // One number a subject sorts several times faster than a pair.
        let mut packed: Vec<u64> =
            subjects.iter().map(|subject| u64::from(subject.day) << 8 | u64::from(subject.cause)).collect();
        packed.sort_unstable();
        let mut at_risk = packed.len() as u64;
        let mut days: Vec<DayCounts> = Vec::new();
        for same in packed.chunk_by(|a, b| a == b) {
            let (Some(&first), count) = (same.first(), same.len() as u64) else { continue };
            let (day, cause) = ((first >> 8) as u32, (first & 0xff) as u8);
            match days.last_mut() {
                Some(last) if last.day == day => last.ended.push((cause, count)),
                _ => days.push(DayCounts { day, at_risk, ended: vec![(cause, count)] }),
            }
            at_risk -= count;
        }
        Ok(Self { days })
    }

    /// How many subjects there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.days.first().map_or(0, |first| first.at_risk)
    }

    /// Never: a timeline has at least one subject.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The last day on which somebody was seen.
    #[must_use]
    pub fn last_day(&self) -> u32 {
        self.days.last().map_or(0, |last| last.day)
    }

    pub(crate) fn days(&self) -> &[DayCounts] {
        &self.days
    }

    /// How many had the event.
    #[must_use]
    pub fn events(&self, event: Event) -> u64 {
        self.days.iter().map(|day| day.events(event)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_one_day_everybody_is_at_risk_together() {
        let subject = |day, cause| Subject { day, cause };
        let timeline =
            Timeline::of(&[subject(5, 0), subject(2, 1), subject(5, 2), subject(2, 0), subject(0, 1)])
                .unwrap();
        let rows: Vec<_> = timeline.days().iter().map(|day| (day.day, day.at_risk, day.left())).collect();
        assert_eq!(rows, [(0, 5, 1), (2, 4, 2), (5, 2, 2)]);
        assert_eq!((timeline.len(), timeline.last_day(), timeline.events(Event::Any)), (5, 5, 3));
        assert_eq!(timeline.events(Event::Cause(2)), 1);
        assert_eq!(Timeline::of(&[]), Err(NotComputable::NoObservations));
    }
}
