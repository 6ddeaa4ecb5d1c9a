//! What is kept of a centre's floor.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::civil::Date;
use voordeur_kernel::{ActivityId, CommandId, CommitId, ConcernDomain, GroupKey, ProfessionalKey, Timestamp};

use super::{
    THEMES_MAX, YEARS_KEPT,
    event::Noted,
    tally::Tally,
    words::{ActivityKind, LookBackResult},
};
use crate::words::Funding;

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self { year: day.year(), month: day.month() }
    }

    /// Its year.
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }

    /// Does the whole month lie within these days?
    #[must_use]
    pub fn is_within(self, from: Date, until: Date) -> bool {
        let first = Date::new(self.year, self.month, 1);
        first.is_ok_and(|first| from <= first && first.last_of_month() <= until)
    }

    /// Does a day of it lie within these days?
    #[must_use]
    pub fn touches(self, from: Date, until: Date) -> bool {
        Self::of(from) <= self && self <= Self::of(until)
    }
}

/// One activity as it stands: what a list and a picture need.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Activity {
    /// Which.
    pub id: ActivityId,
    /// On which day.
    pub on: Date,
    /// When it became known here.
    pub recorded_at: Timestamp,
    /// Who noted it; `None` when no person did.
    pub noted_by: Option<ProfessionalKey>,
    /// What kind of work.
    pub kind: ActivityKind,
    /// With which group; `None`: the whole centre.
    pub group: Option<GroupKey>,
    /// How long.
    pub minutes: u16,
    /// What pays for it.
    pub funding: Funding,
    themes: [Option<ConcernDomain>; THEMES_MAX],
    /// A step was agreed. Its text stays in the log.
    pub step_agreed: bool,
    /// When somebody looks back.
    pub look_back_on: Option<Date>,
    /// Its day came.
    pub look_back_asked: bool,
    /// What became of the agreed step, as it was said last.
    pub look_back: Option<LookBackResult>,
    /// It counts no more.
    pub voided: bool,
}

impl Activity {
    pub(super) fn new(
        id: ActivityId,
        on: Date,
        recorded_at: Timestamp,
        noted_by: Option<ProfessionalKey>,
        noted: &Noted,
    ) -> Self {
        let mut activity = Self {
            id,
            on,
            recorded_at,
            noted_by,
            kind: noted.kind,
            group: None,
            minutes: noted.minutes,
            funding: noted.funding,
            themes: [None; THEMES_MAX],
            step_agreed: false,
            look_back_on: None,
            look_back_asked: false,
            look_back: None,
            voided: false,
        };
        activity.say(noted);
        activity
    }

    /// Takes over what was done. A step that was agreed is not taken back by leaving it out.
    pub(super) fn say(&mut self, noted: &Noted) {
        self.kind = noted.kind;
        self.group.clone_from(&noted.group);
        self.minutes = noted.minutes;
        self.funding = noted.funding;
        self.themes = [None; THEMES_MAX];
        for (place, theme) in self.themes.iter_mut().zip(&noted.themes) {
            *place = Some(*theme);
        }
        self.step_agreed |= noted.agreed_step.is_some();
        self.look_back_on = noted.look_back_on;
    }

    /// What it was about.
    pub fn themes(&self) -> impl Iterator<Item = ConcernDomain> + '_ {
        self.themes.iter().flatten().copied()
    }

    /// The day on which its look-back is to be asked for, while that is still to happen.
    #[must_use]
    pub fn awaits(&self) -> Option<Date> {
        self.look_back_on.filter(|_| !self.voided && !self.look_back_asked && self.look_back.is_none())
    }

    /// Its look-back was asked for, and nobody has looked back yet.
    #[must_use]
    pub const fn is_look_back_open(&self) -> bool {
        self.look_back_asked && self.look_back.is_none() && !self.voided
    }
}

/// An act that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Act {
    pub(super) command: CommandId,
    /// Half of the commit id: enough to tell a repeated act from another one under the same key.
    pub(super) content: u64,
}

impl Act {
    pub(super) fn new(command: CommandId, commit: CommitId) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *commit.as_bytes();
        Self { command, content: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }
}

/// The activities of one month, in the order in which they became known, and the acts on them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Book {
    pub(super) activities: Vec<Activity>,
    pub(super) acts: Vec<Act>,
}

/// What was counted of one month, by group.
pub(super) type Counted = BTreeMap<Option<GroupKey>, Tally>;

/// The floor of one centre. Cheap to clone: months that do not change are shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Floor {
    pub(super) events: u32,
    pub(super) books: BTreeMap<Month, Arc<Book>>,
    /// Months that are only counted.
    pub(super) counted: Arc<BTreeMap<Month, Counted>>,
    /// Months before this year are only counted.
    pub(super) kept_from: i16,
    /// Look-backs whose day is still to come, or to be noticed.
    waiting: BTreeSet<(Date, ActivityId)>,
}

impl Floor {
    /// Events so far.
    #[must_use]
    pub const fn events(&self) -> u32 {
        self.events
    }

    /// An activity that stands one by one.
    #[must_use]
    pub fn activity(&self, id: ActivityId) -> Option<&Activity> {
        self.activities().find(|activity| activity.id == id)
    }

    /// Activities that stand one by one, the newest months first; within a month in no useful order.
    pub fn activities(&self) -> impl Iterator<Item = &Activity> {
        self.books.values().rev().flat_map(|book| &book.activities)
    }

    /// Look-backs that wait for their day, the soonest first.
    pub fn waiting(&self) -> impl Iterator<Item = (Date, ActivityId)> + '_ {
        self.waiting.iter().copied()
    }

    pub(super) fn act(&self, command: CommandId) -> Option<Act> {
        self.books.values().flat_map(|book| &book.acts).find(|act| act.command == command).copied()
    }

    /// Changes one activity, together with the act that did it.
    pub(super) fn change(&mut self, id: ActivityId, act: Act, change: impl FnOnce(&mut Activity)) -> bool {
        let of_month = |book: &Arc<Book>| book.activities.iter().position(|activity| activity.id == id);
        let found = self.books.values_mut().find_map(|book| of_month(book).map(|at| (book, at)));
        let Some((book, at)) = found else { return false };
        let book = Arc::make_mut(book);
        book.acts.push(act);
        let Some(activity) = book.activities.get_mut(at) else { return false };
        let before = activity.awaits();
        change(activity);
        let after = activity.awaits();
        if before != after {
            before.map(|day| self.waiting.remove(&(day, id)));
            after.map(|day| self.waiting.insert((day, id)));
        }
        true
    }

    pub(super) fn add(&mut self, activity: Activity, act: Act) {
        if let Some(day) = activity.awaits() {
            self.waiting.insert((day, activity.id));
        }
        let book = Arc::make_mut(self.books.entry(Month::of(activity.on)).or_default());
        book.activities.push(activity);
        book.acts.push(act);
    }

    /// Years that are too long ago are only counted from here on. Activities whose look-back is not done stay one by one until it is.
    pub(super) fn close_years(&mut self, present: i16) {
        let kept_from = present.saturating_sub(YEARS_KEPT);
        if kept_from <= self.kept_from {
            return;
        }
        self.kept_from = kept_from;
        let old: Vec<Month> = self.books.keys().copied().filter(|month| month.year() < kept_from).collect();
        for month in old {
            let Some(book) = self.books.remove(&month) else { continue };
            let Book { activities, acts } = Arc::unwrap_or_clone(book);
            let (open, done): (Vec<_>, Vec<_>) = activities
                .into_iter()
                .partition(|activity| activity.awaits().is_some() || activity.is_look_back_open());
            let counted = Arc::make_mut(&mut self.counted).entry(month).or_default();
            for activity in done.iter().filter(|activity| !activity.voided) {
                counted.entry(activity.group.clone()).or_default().add(activity);
            }
            if !open.is_empty() {
                self.books.insert(month, Arc::new(Book { activities: open, acts }));
            }
        }
    }
}
