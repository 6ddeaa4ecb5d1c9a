//! What a directory holds, and the look-ups.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use voordeur_kernel::{
    CentreKey, ConcernDomain, GroupKey, OrganisationKey, ProfessionalKey, Role,
    identifier::{Identifier, Scheme},
};
use voordeur_routing_domain::policy::Policy;

use crate::{
    agreement::Agreement,
    arrangement::Arrangement,
    floor_hours::FloorHours,
    notify::Notify,
    opening::{Exception, Opening},
    presence::Presence,
    school_holidays::SchoolHoliday,
    times::Times,
};

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrganisationKind {
    /// A school.
    School,
    /// A childcare organisation.
    Childcare,
    /// Employs the professionals and the coordinator.
    YouthCareProvider,
    /// Never sees a signal; employs people of the wijkteam, leerplicht and the like.
    Municipality,
    /// Somebody else around the centre: jeugdgezondheidszorg, samenwerkingsverband.
    Partner,
}

impl OrganisationKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::School, Self::Childcare, Self::YouthCareProvider, Self::Municipality, Self::Partner];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::School => "school",
            Self::Childcare => "childcare",
            Self::YouthCareProvider => "youth_care_provider",
            Self::Municipality => "municipality",
            Self::Partner => "partner",
        }
    }

    /// May it hand over signals?
    #[must_use]
    pub const fn raises_signals(self) -> bool {
        matches!(self, Self::School | Self::Childcare)
    }
}

/// Days during which something holds, both ends included; an open end is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period {
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub until: Option<Date>,
}

impl Period {
    /// Does the day lie within?
    #[must_use]
    pub fn covers(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Is there a day that lies within both?
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let starts_in_time =
            |a: &Self, b: &Self| a.from.is_none_or(|from| b.until.is_none_or(|until| from <= until));
        starts_in_time(self, other) && starts_in_time(other, self)
    }
}

/// Kind of childcare that an LRK number stands for; one address has one number for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opvang {
    /// Kinderdagverblijf.
    Kdv,
    /// Buitenschoolse opvang.
    Bso,
}

impl Opvang {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Kdv, Self::Bso];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kdv => "KDV",
            Self::Bso => "BSO",
        }
    }
}

/// A registration in a register, while it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registration {
    /// Scheme and value.
    pub identifier: Identifier,
    /// When it holds.
    pub period: Period,
    /// Kind of childcare, for LRK numbers.
    pub opvang: Option<Opvang>,
}

/// A school, a childcare organisation, a provider of youth care or a municipality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its key.
    pub key: OrganisationKey,
    /// What it is.
    pub kind: OrganisationKind,
    /// Its name for screens.
    pub label: String,
    /// Its registrations.
    pub registrations: Vec<Registration>,
    /// Keys of the grounds that the installation's privacy assessment allows this organisation for a signal about a named child.
    pub processing_bases: BTreeSet<String>,
    /// Who its aandachtsfunctionaris is and how to reach her, as shown in guidance. Present where signals are raised.
    pub aandachtsfunctionaris: Option<String>,
    /// Where to go with a concern about a colleague, as shown in guidance. Present where signals are raised.
    pub vertrouwensinspecteur: Option<String>,
}

impl Organisation {
    /// May this organisation use this processing basis?
    #[must_use]
    pub fn allows_basis(&self, basis: &str) -> bool {
        self.processing_bases.contains(basis)
    }
}

/// Region of the school holidays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HolidayRegion {
    /// Noord.
    Noord,
    /// Midden.
    Midden,
    /// Zuid.
    Zuid,
}

impl HolidayRegion {
    /// Every region.
    pub const ALL: [Self; 3] = [Self::Noord, Self::Midden, Self::Zuid];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Noord => "noord",
            Self::Midden => "midden",
            Self::Zuid => "zuid",
        }
    }
}

/// A group or class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its key, unique within the centre.
    pub key: GroupKey,
    /// Its name for screens.
    pub label: String,
    /// The school or childcare organisation whose group it is.
    pub organisation: OrganisationKey,
}

/// A kindcentrum. There is no national identifier of one, hence a key of its own and a list of registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Centre {
    /// Its key.
    pub key: CentreKey,
    /// Its name for screens.
    pub label: String,
    /// CBS code of the municipality.
    pub municipality: Identifier,
    /// Organisations that take part.
    pub organisations: BTreeSet<OrganisationKey>,
    /// BRIN6, LRK and KvK-vestiging numbers.
    pub registrations: Vec<Registration>,
    /// Region of the school holidays.
    pub holiday_region: HolidayRegion,
    /// Postcode of the building, so that registers can be compared with it.
    pub postcode: Option<String>,
    /// Opening hours of the week; Monday to Friday from 08:00 until 17:00 when there are none.
    pub opening: Vec<Opening>,
    /// Open on national holidays as on other days?
    pub open_on_holidays: bool,
    /// Its groups.
    pub groups: BTreeMap<GroupKey, Group>,
}

/// Registration of a person in the SKJ or BIG register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonRegistration {
    /// Register and number.
    pub identifier: Identifier,
    /// Last day on which it holds, when it is known.
    pub valid_until: Option<Date>,
}

/// Somebody of the team around a centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Her key; the only thing about her that leaves the directory.
    pub key: ProfessionalKey,
    /// How colleagues know her. Shown to colleagues only; never in events, logs or metrics.
    pub label: String,
    /// Who employs her.
    pub organisation: OrganisationKey,
    /// In which role she is here.
    pub role: Role,
    /// How colleagues reach her or her desk.
    pub desk: Option<String>,
    /// SKJ or BIG registration; every professional has one.
    pub registration: Option<PersonRegistration>,
    /// Domains she knows best.
    pub expertise: BTreeSet<ConcernDomain>,
    /// Working hours a week; open work is weighed against it.
    pub hours_per_week: Option<u16>,
    /// Open tasks from which on others go first, where there is a choice. A preference: nobody is refused help by it.
    pub max_open_tasks: Option<u16>,
    /// Centres she belongs to.
    pub centres: BTreeSet<CentreKey>,
    /// When she is where, in a normal week.
    pub presence: Vec<Presence>,
    /// How she wants to hear that she must act; without it she looks in her list.
    pub notify: Option<Notify>,
}

impl Person {
    /// Does her registration hold on this day? True without a known end, false without a registration.
    #[must_use]
    pub fn is_registered_on(&self, day: Date) -> bool {
        self.registration.as_ref().is_some_and(|r| r.valid_until.is_none_or(|until| day <= until))
    }
}

/// One version of the directory: validated, immutable, with fast look-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    version: u64,
    organisations: BTreeMap<OrganisationKey, Organisation>,
    centres: BTreeMap<CentreKey, Centre>,
    people: BTreeMap<ProfessionalKey, Person>,
    centres_by_registration: BTreeMap<Identifier, Vec<(Period, CentreKey)>>,
    organisations_by_registration: BTreeMap<Identifier, Vec<(Period, OrganisationKey)>>,
    people_by_centre: BTreeMap<CentreKey, Vec<ProfessionalKey>>,
    floor_hours: Vec<FloorHours>,
    agreements: Vec<Agreement>,
    arrangements: Vec<Arrangement>,
    policy: Option<Arc<Policy>>,
    exceptions: Vec<Exception>,
    school_holidays: Vec<SchoolHoliday>,
    pub(crate) times: Times,
    zone: TimeZone,
}

impl Directory {
    pub(crate) fn new(
        zone: TimeZone,
        organisations: BTreeMap<OrganisationKey, Organisation>,
        centres: BTreeMap<CentreKey, Centre>,
        people: BTreeMap<ProfessionalKey, Person>,
        exceptions: Vec<Exception>,
        school_holidays: Vec<SchoolHoliday>,
    ) -> Self {
        let times = Times::new(&zone, &organisations, &centres, &exceptions, &school_holidays);
        let mut centres_by_registration: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for centre in centres.values() {
            for registration in &centre.registrations {
                let entry = centres_by_registration.entry(registration.identifier.clone()).or_default();
                entry.push((registration.period, centre.key.clone()));
            }
        }
        let mut organisations_by_registration: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for organisation in organisations.values() {
            for registration in &organisation.registrations {
                let entry = organisations_by_registration.entry(registration.identifier.clone()).or_default();
                entry.push((registration.period, organisation.key.clone()));
            }
        }
        let mut people_by_centre: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for person in people.values() {
            for centre in &person.centres {
                people_by_centre.entry(centre.clone()).or_default().push(person.key.clone());
            }
        }
        Self {
            version: 0,
            organisations,
            centres,
            people,
            centres_by_registration,
            organisations_by_registration,
            people_by_centre,
            floor_hours: Vec::new(),
            agreements: Vec::new(),
            arrangements: Vec::new(),
            policy: None,
            exceptions,
            school_holidays,
            times,
            zone,
        }
    }

    pub(crate) fn with_floor_hours(mut self, floor_hours: Vec<FloorHours>) -> Self {
        self.floor_hours = floor_hours;
        self
    }

    pub(crate) fn with_agreements(mut self, agreements: Vec<Agreement>) -> Self {
        self.agreements = agreements;
        self
    }

    pub(crate) fn with_routing(mut self, arrangements: Vec<Arrangement>, policy: Option<Policy>) -> Self {
        (self.arrangements, self.policy) = (arrangements, policy.map(Arc::new));
        self
    }

    pub(crate) fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Which version this is: what events name. 0 when it did not come from the store.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Every organisation, in order of key.
    pub fn organisations(&self) -> impl Iterator<Item = &Organisation> {
        self.organisations.values()
    }

    /// Every centre, in order of key.
    pub fn centres(&self) -> impl Iterator<Item = &Centre> {
        self.centres.values()
    }

    /// Every person, in order of key.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// An organisation.
    #[must_use]
    pub fn organisation(&self, key: &str) -> Option<&Organisation> {
        self.organisations.get(key)
    }

    /// A centre.
    #[must_use]
    pub fn centre(&self, key: &str) -> Option<&Centre> {
        self.centres.get(key)
    }

    /// A group of a centre.
    #[must_use]
    pub fn group(&self, centre: &str, group: &str) -> Option<&Group> {
        self.centres.get(centre)?.groups.get(group)
    }

    /// A person.
    #[must_use]
    pub fn person(&self, key: &str) -> Option<&Person> {
        self.people.get(key)
    }

    /// The centre that is registered under this number at a moment.
    #[must_use]
    pub fn centre_by_registration(&self, identifier: &Identifier, at: Timestamp) -> Option<&Centre> {
        let day = self.local_date(at);
        let found = self.centres_by_registration.get(identifier)?.iter().find(|(p, _)| p.covers(day))?;
        self.centres.get(&found.1)
    }

    /// The organisation that is registered under this number at a moment.
    #[must_use]
    pub fn organisation_by_registration(
        &self,
        identifier: &Identifier,
        at: Timestamp,
    ) -> Option<&Organisation> {
        let day = self.local_date(at);
        let found =
            self.organisations_by_registration.get(identifier)?.iter().find(|(p, _)| p.covers(day))?;
        self.organisations.get(&found.1)
    }

    /// Everybody of the team of a centre, in order of key.
    pub fn people_at(&self, centre: &str) -> impl Iterator<Item = &Person> {
        self.people_by_centre.get(centre).into_iter().flatten().filter_map(|key| self.people.get(key))
    }

    /// The professionals of a centre, in order of key.
    pub fn professionals_at(&self, centre: &str) -> impl Iterator<Item = &Person> {
        self.people_at(centre).filter(|person| person.role == Role::Professional)
    }

    /// Days on which a centre or an organisation of it does not keep to its week, in order of centre and day.
    pub fn exceptions(&self) -> impl Iterator<Item = &Exception> {
        self.exceptions.iter()
    }

    /// School holidays of this directory's own; the national dates are compiled in.
    #[must_use]
    pub fn own_school_holidays(&self) -> &[SchoolHoliday] {
        &self.school_holidays
    }

    /// What partners agreed to work towards, in order of key.
    pub fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.iter()
    }

    /// Arrangements between neighbouring centres, in order of key.
    pub fn arrangements(&self) -> impl Iterator<Item = &Arrangement> {
        self.arrangements.iter()
    }

    /// The policy that stands in the file; nothing where the built-in one holds.
    #[must_use]
    pub fn own_policy(&self) -> Option<&Policy> {
        self.policy.as_deref()
    }

    /// Hours beschikkingsvrij that were agreed, in order of centre and first day.
    pub fn floor_hours(&self) -> impl Iterator<Item = &FloorHours> {
        self.floor_hours.iter()
    }

    /// Hours beschikkingsvrij that were agreed for a centre, in order of first day; no day stands in two of them.
    pub fn floor_hours_of(&self, centre: &str) -> impl Iterator<Item = &FloorHours> {
        self.floor_hours.iter().filter(move |hours| hours.centre.as_str() == centre)
    }

    /// The coordinators of a centre, in order of key. There is always one where there is a centre.
    pub fn coordinators_of(&self, centre: &str) -> impl Iterator<Item = &Person> {
        self.people_at(centre).filter(|person| person.role == Role::Coordinator)
    }

    /// The coordinator who catches what nobody else takes: the first in order of key.
    #[must_use]
    pub fn coordinator_of(&self, centre: &str) -> Option<&Person> {
        self.coordinators_of(centre).next()
    }

    /// Does this person work with children's cases at this centre: one of its professionals or coordinators?
    #[must_use]
    pub fn works_at(&self, person: &str, centre: &str) -> bool {
        self.person(person).is_some_and(|p| p.role.holds_tasks() && p.centres.contains(centre))
    }

    /// Is this nine-digit number an LRK number in the directory? Such a number shares length and check with a BSN.
    #[must_use]
    pub fn is_known_lrk(&self, digits: &str) -> bool {
        Identifier::parse(Scheme::Lrk, digits)
            .is_ok_and(|lrk| self.centres_by_registration.contains_key(&lrk))
    }

    /// The calendar day of a moment where the centres are.
    #[must_use]
    pub fn local_date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The time zone of the centres.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }
}
