//! What a group's or a centre's floor looks like: themes, hours and agreed steps, never names.

use std::collections::BTreeMap;

use jiff::civil::Date;
use voordeur_kernel::{ConcernDomain, GroupKey};

use super::{
    floor::{Activity, Floor, Month},
    words::{ActivityKind, LookBackResult},
};
use crate::words::Funding;

/// Counts over activities that count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tally {
    /// Activities.
    pub activities: u32,
    /// Minutes by what pays for them and the kind of work.
    pub minutes: BTreeMap<(Funding, ActivityKind), u64>,
    /// How often each theme came up.
    pub themes: BTreeMap<ConcernDomain, u32>,
    /// Activities with an agreed step.
    pub agreed_steps: u32,
    /// Look-backs that were asked for and are not done.
    pub look_backs_open: u32,
    /// How look-backs came out.
    pub look_backs: BTreeMap<LookBackResult, u32>,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, activity: &Activity) {
        self.activities += 1;
        *self.minutes.entry((activity.funding, activity.kind)).or_default() += u64::from(activity.minutes);
        for theme in activity.themes() {
            *self.themes.entry(theme).or_default() += 1;
        }
        self.agreed_steps += u32::from(activity.step_agreed);
        self.look_backs_open += u32::from(activity.is_look_back_open());
        if let Some(result) = activity.look_back {
            *self.look_backs.entry(result).or_default() += 1;
        }
    }

    /// Counts what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.activities += other.activities;
        for (key, minutes) in &other.minutes {
            *self.minutes.entry(*key).or_default() += minutes;
        }
        for (theme, count) in &other.themes {
            *self.themes.entry(*theme).or_default() += count;
        }
        self.agreed_steps += other.agreed_steps;
        self.look_backs_open += other.look_backs_open;
        for (result, count) in &other.look_backs {
            *self.look_backs.entry(*result).or_default() += count;
        }
    }

    /// Minutes that something pays for.
    #[must_use]
    pub fn minutes_of(&self, funding: Funding) -> u64 {
        self.minutes.iter().filter(|((of, _), _)| *of == funding).map(|(_, minutes)| minutes).sum()
    }
}

/// The floor in a period, by group; `None` is work with the whole centre.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FloorPicture {
    /// Counts of each group.
    pub groups: BTreeMap<Option<GroupKey>, Tally>,
}

impl FloorPicture {
    /// Everything together.
    #[must_use]
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.groups.values().for_each(|tally| total.merge(tally));
        total
    }
}

/// A month that is only counted cannot be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is longer ago than the two calendar years before this one is kept by month: give whole months")]
pub struct NotWholeMonths;

impl Floor {
    /// The picture of the days `from` to `until`, both included; of one group, or of all of them.
    ///
    /// # Errors
    /// When the period cuts through a month that is only counted.
    pub fn picture(
        &self,
        from: Date,
        until: Date,
        group: Option<&GroupKey>,
    ) -> Result<FloorPicture, NotWholeMonths> {
        let wanted = |of: Option<&GroupKey>| group.is_none() || of == group;
        let mut picture = FloorPicture::default();
        for (month, groups) in self.counted.iter().filter(|(month, _)| month.touches(from, until)) {
            if !month.is_within(from, until) {
                return Err(NotWholeMonths);
            }
            for (of, tally) in groups.iter().filter(|(of, _)| wanted(of.as_ref())) {
                picture.groups.entry(of.clone()).or_default().merge(tally);
            }
        }
        let days = self.books.range(Month::of(from)..).flat_map(|(_, book)| &book.activities);
        let counts = |activity: &&Activity| {
            !activity.voided && from <= activity.on && activity.on <= until && wanted(activity.group.as_ref())
        };
        for activity in days.filter(counts) {
            picture.groups.entry(activity.group.clone()).or_default().add(activity);
        }
        Ok(picture)
    }
}
