//! When centres are open and people are there: what a directory says of a moment.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use voordeur_kernel::{
    CentreKey, OrganisationKey,
    calendar::{Hours, Run, Runs, WorkingTime, joined},
};

use crate::{
    model::{Centre, Directory, Organisation, OrganisationKind, Person},
    opening::{self, Differs, Exception},
    school_holidays::{SchoolHoliday, SchoolHolidays},
};

/// How far ahead somebody's next presence is looked for.
pub const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 21);
/// The longest stretch over which presence is written out.
const STRETCH_MAX: SignedDuration = SignedDuration::from_hours(24 * 92);

/// What follows from the opening hours, the exceptions and the school holidays of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Times {
    calendars: BTreeMap<CentreKey, Arc<WorkingTime>>,
    /// Of a centre that is not in the directory.
    elsewhere: Arc<WorkingTime>,
    /// Days on which one organisation of a centre is closed.
    closed: BTreeMap<(CentreKey, OrganisationKey), BTreeSet<Date>>,
    school_holidays: SchoolHolidays,
}

impl Times {
    pub(crate) fn new(
        zone: &TimeZone,
        organisations: &BTreeMap<OrganisationKey, Organisation>,
        centres: &BTreeMap<CentreKey, Centre>,
        exceptions: &[Exception],
        holidays: &[SchoolHoliday],
    ) -> Self {
        let region_of = |key: &CentreKey| centres.get(key).map(|centre| centre.holiday_region);
        let school_holidays = SchoolHolidays::new(holidays, region_of);
        let mut closed: BTreeMap<(CentreKey, OrganisationKey), BTreeSet<Date>> = BTreeMap::new();
        for exception in exceptions {
            if let (Some(organisation), Differs::Closed) = (&exception.organisation, &exception.differs) {
                let key = (exception.centre.clone(), organisation.clone());
                closed.entry(key).or_default().extend(exception.days());
            }
        }
        // An organisation that is open all the same on one of those days is open.
        for exception in exceptions {
            if let (Some(organisation), Differs::Open(_)) = (&exception.organisation, &exception.differs)
                && let Some(days) = closed.get_mut(&(exception.centre.clone(), organisation.clone()))
            {
                for day in exception.days() {
                    days.remove(&day);
                }
            }
        }
        let mut by_centre: BTreeMap<&CentreKey, Vec<&Exception>> = BTreeMap::new();
        for exception in exceptions {
            by_centre.entry(&exception.centre).or_default().push(exception);
        }
        let calendars = centres
            .values()
            .map(|centre| {
                let exceptions = by_centre.get(&centre.key).map_or(&[][..], Vec::as_slice);
                let nobody = closed_by_all(centre, organisations, &closed, &school_holidays);
                (centre.key.clone(), Arc::new(calendar(zone, centre, exceptions, nobody)))
            })
            .collect();
        Self { calendars, elsewhere: Arc::new(WorkingTime::office()), closed, school_holidays }
    }
}

/// The days on which every school and every childcare of a centre is closed. School holidays close a school and no childcare; people who
/// only work there (the provider of youth care, partners) do not keep a centre open.
fn closed_by_all(
    centre: &Centre,
    organisations: &BTreeMap<OrganisationKey, Organisation>,
    closed: &BTreeMap<(CentreKey, OrganisationKey), BTreeSet<Date>>,
    school_holidays: &SchoolHolidays,
) -> BTreeSet<Date> {
    let mut all: Option<BTreeSet<Date>> = None;
    for key in &centre.organisations {
        let Some(kind) = organisations.get(key).map(|organisation| organisation.kind) else { continue };
        if !kind.raises_signals() {
            continue;
        }
        let mut days = closed.get(&(centre.key.clone(), key.clone())).cloned().unwrap_or_default();
        if kind == OrganisationKind::School {
            for (from, until) in school_holidays.of(&centre.key, centre.holiday_region) {
                days.extend(opening::days_from(from, until));
            }
        }
        all = Some(match all {
            Some(others) => others.intersection(&days).copied().collect(),
            None => days,
        });
    }
    all.unwrap_or_default()
}

fn calendar(
    zone: &TimeZone,
    centre: &Centre,
    exceptions: &[&Exception],
    closed_by_all: BTreeSet<Date>,
) -> WorkingTime {
    // The reader has refused a week without hours.
    let week = opening::week(&centre.opening);
    let mut calendar = WorkingTime::new(zone.clone(), week).unwrap_or_else(|_| WorkingTime::office());
    if centre.open_on_holidays {
        calendar = calendar.open_on_holidays();
    }
    calendar = calendar.with_closed(closed_by_all);
    for exception in exceptions {
        match &exception.differs {
            Differs::Closed if exception.organisation.is_none() => {
                calendar = calendar.with_closed(exception.days());
            }
            Differs::Closed => {}
            Differs::Open(hours) => {
                for day in exception.days() {
                    calendar = calendar.with_open(day, hours.clone());
                }
            }
        }
    }
    calendar
}

impl Directory {
    /// How time is counted at a centre: its opening hours, without national holidays and days on which it is closed. Of a centre that is
    /// not in the directory: Monday to Friday from 08:00 until 17:00.
    #[must_use]
    pub fn calendar(&self, centre: &str) -> &Arc<WorkingTime> {
        self.times.calendars.get(centre).unwrap_or(&self.times.elsewhere)
    }

    /// Does the day lie in the school holidays of a centre?
    #[must_use]
    pub fn is_school_holiday(&self, centre: &str, day: Date) -> bool {
        self.centre(centre)
            .is_some_and(|centre| self.times.school_holidays.covers(&centre.key, centre.holiday_region, day))
    }

    /// At what times of a day somebody is at a centre by her weekly presence, in order. None on national holidays, on days on which the centre or
    /// her own organisation in it is closed, and in school holidays when she does not work then.
    #[must_use]
    pub fn scheduled_on(&self, person: &str, centre: &str, day: Date) -> Vec<Hours> {
        self.person(person).map_or_else(Vec::new, |person| self.hours_of(person, centre, day))
    }

    fn hours_of(&self, person: &Person, centre: &str, day: Date) -> Vec<Hours> {
        let here = || person.presence.iter().filter(|p| p.centre.as_str() == centre && p.holds_on(day));
        if here().next().is_none() || self.calendar(centre).is_closed_on(day) {
            return Vec::new();
        }
        let Some(centre) = self.centre(centre) else { return Vec::new() };
        let hers = (centre.key.clone(), person.organisation.clone());
        if self.times.closed.get(&hers).is_some_and(|days| days.contains(&day)) {
            return Vec::new();
        }
        let holiday = || self.times.school_holidays.covers(&centre.key, centre.holiday_region, day);
        let hours = here().filter(|p| p.school_holidays || !holiday()).map(|p| p.hours);
        Hours::merged(hours.collect())
    }

    /// Is she at this centre at this moment, by her weekly presence?
    #[must_use]
    pub fn is_scheduled(&self, person: &str, centre: &str, at: Timestamp) -> bool {
        let local = self.zone().to_datetime(at);
        // Presence is counted in whole minutes; the seconds of a minute belong to it.
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        self.scheduled_on(person, centre, local.date()).iter().any(|hours| hours.covers(minute))
    }

    /// The first moment at or after `at` when she is at this centre, by her weekly presence; nothing when that is more than three weeks
    /// ahead.
    #[must_use]
    pub fn next_scheduled(&self, person: &str, centre: &str, at: Timestamp) -> Option<Timestamp> {
        let limit = at.checked_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX);
        self.runs(self.person(person)?, centre, at, limit).next().map(|run| run.from)
    }

    /// When she is at this centre within `from` (included) until `until` (not included), by her weekly presence: stretches in order, those that
    /// touch as one, cut off at both ends. Of a longer stretch the first 92 days.
    #[must_use]
    pub fn scheduled_between(
        &self,
        person: &str,
        centre: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<Run> {
        let limit = from.checked_add(STRETCH_MAX).unwrap_or(Timestamp::MAX).min(until);
        self.person(person).map_or_else(Vec::new, |person| joined(self.runs(person, centre, from, limit)))
    }

    /// When she last goes off duty within `from` until `until`: the end of the last stretch of [`Directory::scheduled_between`], which is
    /// `until` when she is still there then. Nothing when she is not there at all.
    #[must_use]
    pub fn last_scheduled_before(
        &self,
        person: &str,
        centre: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Option<Timestamp> {
        self.scheduled_between(person, centre, from, until).last().map(|run| run.until)
    }

    fn runs<'a>(
        &'a self,
        person: &'a Person,
        centre: &'a str,
        from: Timestamp,
        limit: Timestamp,
    ) -> impl Iterator<Item = Run> + 'a {
        Runs::new(self.zone(), from, limit, move |day| Cow::Owned(self.hours_of(person, centre, day)))
    }
}
