//! From a file to a directory: syntax, then every table by itself, then the parts against each other ([`crate::check`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use jiff::civil::Date;
use toml::de::DeTable;
use voordeur_kernel::{
    CentreKey, ConcernDomain, GroupKey, OrganisationKey, ProfessionalKey, Role,
    calendar::amsterdam,
    identifier::{Identifier, Scheme},
    limits::NAME_CHARS_MAX,
};

use crate::{
    agreement::{self, Agreement},
    arrangement::{self, Arrangement},
    check,
    finding::{FileFault, Finding, Notes, Warning},
    floor_hours::{self, FloorHours},
    model::{
        Centre, Directory, Group, HolidayRegion, Opvang, Organisation, OrganisationKind, Period, Person,
        PersonRegistration, Registration,
    },
    notify::{self, Notify},
    opening::{self, Exception, Opening},
    policy::{self, PolicyDraft},
    presence::{self, Presence},
    read::{Reader, Value},
    register,
    school_holidays::{self, SchoolHoliday},
};

/// The version of the file format that this program reads.
const FORMAT: u16 = 1;
/// Largest file, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 16 << 20;
/// Largest text of a desk, in characters.
const DESK_CHARS_MAX: usize = 300;
/// Days of the week as they are written.
pub(crate) const WEEKDAYS: [&str; 7] = ["ma", "di", "wo", "do", "vr", "za", "zo"];
/// Roles that people of a directory have.
pub(crate) const ROLES: [Role; 10] = [
    Role::Professional,
    Role::Coordinator,
    Role::InternBegeleider,
    Role::PedagogischCoach,
    Role::Aandachtsfunctionaris,
    Role::Jgz,
    Role::SchoolmaatschappelijkWerk,
    Role::Wijkteam,
    Role::Samenwerkingsverband,
    Role::Leerplicht,
];
/// Registers in which organisations are known.
const ORGANISATION_SCHEMES: &[Scheme] = &[
    Scheme::Brin4,
    Scheme::Kvk,
    Scheme::Oin,
    Scheme::Rsin,
    Scheme::Agb,
    Scheme::RioAanbieder,
    Scheme::Swv,
    Scheme::Gemeentecode,
];
/// Registers in which sites are known.
const CENTRE_SCHEMES: &[Scheme] = &[Scheme::Brin6, Scheme::Lrk, Scheme::KvkVestiging];
/// Registers in which people are known.
const PERSON_SCHEMES: &[Scheme] = &[Scheme::Skj, Scheme::Big];

/// What could be read of an organisation; a part with a fault is left out.
#[derive(Debug, Default)]
pub(crate) struct OrganisationDraft {
    pub(crate) kind: Option<OrganisationKind>,
    pub(crate) label: Option<String>,
    pub(crate) registrations: Vec<(String, Registration)>,
    pub(crate) processing_bases: BTreeSet<String>,
    pub(crate) aandachtsfunctionaris: Option<String>,
    pub(crate) vertrouwensinspecteur: Option<String>,
}

/// What could be read of a centre.
#[derive(Debug, Default)]
pub(crate) struct CentreDraft {
    pub(crate) label: Option<String>,
    pub(crate) municipality: Option<Identifier>,
    pub(crate) organisations: Vec<(String, OrganisationKey)>,
    pub(crate) registrations: Vec<(String, Registration)>,
    pub(crate) holiday_region: Option<HolidayRegion>,
    pub(crate) postcode: Option<String>,
    pub(crate) opening: Vec<(String, Opening)>,
    /// Could every part of the opening hours be read?
    pub(crate) opening_is_good: bool,
    pub(crate) open_on_holidays: bool,
    pub(crate) groups: BTreeMap<GroupKey, GroupDraft>,
}

/// What could be read of a group.
#[derive(Debug)]
pub(crate) struct GroupDraft {
    pub(crate) label: Option<String>,
    pub(crate) organisation: Option<OrganisationKey>,
}

/// What could be read of a person.
#[derive(Debug, Default)]
pub(crate) struct PersonDraft {
    pub(crate) label: Option<String>,
    pub(crate) organisation: Option<OrganisationKey>,
    pub(crate) role: Option<Role>,
    pub(crate) desk: Option<String>,
    pub(crate) registration: Option<PersonRegistration>,
    pub(crate) expertise: BTreeSet<ConcernDomain>,
    pub(crate) hours_per_week: Option<u16>,
    pub(crate) max_open_tasks: Option<u16>,
    pub(crate) centres: Vec<(String, CentreKey)>,
    pub(crate) presence: Vec<(String, Presence)>,
    pub(crate) notify: Option<Notify>,
}

/// What could be read of a whole file.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) organisations: BTreeMap<OrganisationKey, OrganisationDraft>,
    pub(crate) centres: BTreeMap<CentreKey, CentreDraft>,
    pub(crate) people: BTreeMap<ProfessionalKey, PersonDraft>,
    pub(crate) floor_hours: Vec<(String, FloorHours)>,
    pub(crate) agreements: Vec<(String, Agreement)>,
    pub(crate) exceptions: Vec<(String, Exception)>,
    pub(crate) school_holidays: Vec<(String, SchoolHoliday)>,
    pub(crate) arrangements: Vec<(String, Arrangement)>,
    pub(crate) routing: Option<PolicyDraft>,
}

impl Directory {
    /// Reads a directory file as a whole.
    ///
    /// # Errors
    /// Every fault of the file, in order of line.
    pub fn parse(text: &str) -> Result<(Self, Vec<Warning>), Vec<FileFault>> {
        Self::read(text, None)
    }

    /// The same, and warns of registrations that have ended on that day.
    ///
    /// # Errors
    /// Every fault of the file, in order of line.
    pub fn parse_as_of(text: &str, today: Date) -> Result<(Self, Vec<Warning>), Vec<FileFault>> {
        Self::read(text, Some(today))
    }

    fn read(text: &str, today: Option<Date>) -> Result<(Self, Vec<Warning>), Vec<FileFault>> {
        let mut notes = Notes::of(text);
        if text.len() > FILE_BYTES_MAX {
            notes.fault(1, "file", "TOO_LARGE", "is larger than 16 MiB; split the installation");
            return Err(notes.faults);
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(1, |span| notes.line(span.start));
            notes.fault(line, "file", "SYNTAX", error.message().to_owned());
        }
        let mut draft = read_draft(document.get_ref(), &mut notes);
        check::check(&draft, today, &mut notes);
        // A line that could not be read at all makes other parts look missing; that would only distract.
        if !errors.is_empty() {
            let consequences =
                ["REQUIRED", "UNKNOWN_REFERENCE", "NO_COORDINATOR", "NOT_TAKING_PART", "UNKNOWN_KEY"];
            notes.faults.retain(|fault| !consequences.contains(&fault.reason));
        }
        let floor_hours = plain(draft.floor_hours.clone());
        let agreements = plain(draft.agreements.clone());
        let exceptions = plain(draft.exceptions.clone());
        let school_holidays = plain(draft.school_holidays.clone());
        let arrangements = plain(std::mem::take(&mut draft.arrangements));
        let (policy, on_the_clock) =
            draft.routing.take().map(|routing| (routing.policy, routing.on_the_clock)).unwrap_or_default();
        if let (true, Some((organisations, centres, people))) = (notes.faults.is_empty(), draft.finish()) {
            let zone = amsterdam();
            let directory = Self::new(zone, organisations, centres, people, exceptions, school_holidays)
                .with_floor_hours(floor_hours)
                .with_agreements(agreements)
                .with_routing(arrangements, policy);
            policy::warn(&directory, &on_the_clock, &mut notes);
            notes.warnings.sort();
            return Ok((directory, notes.warnings));
        }
        let mut faults = notes.faults;
        if faults.is_empty() {
            // Cannot happen: what is missing from a draft has been noted. Never hand out half a directory all the same.
            faults.push(Finding {
                line: 1,
                path: "file".to_owned(),
                reason: "UNREADABLE",
                description: "could not be read".into(),
            });
        }
        faults.sort();
        faults.dedup();
        Err(faults)
    }
}

type Parts =
    (BTreeMap<OrganisationKey, Organisation>, BTreeMap<CentreKey, Centre>, BTreeMap<ProfessionalKey, Person>);

fn read_draft(document: &DeTable<'_>, notes: &mut Notes) -> Draft {
    let mut draft = Draft::default();
    let mut file = Reader::new(document, String::new(), 1);
    match file.optional(notes, "format") {
        Some(format) => {
            format.number(notes, FORMAT..=FORMAT);
        }
        None => notes.fault(
            1,
            "format",
            "REQUIRED",
            format!("is missing; a directory says how it is written: write format = {FORMAT} above its first table"),
        ),
    }
    for (key, mut table) in file.named_tables(notes, "organisation") {
        if let Some(key) = key_of::<OrganisationKey>(&key, &table, notes) {
            draft.organisations.insert(key, organisation(&mut table, notes));
            table.finish(notes);
        }
    }
    for (key, mut table) in file.named_tables(notes, "centre") {
        if let Some(key) = key_of::<CentreKey>(&key, &table, notes) {
            draft.centres.insert(key, centre(&mut table, notes));
            table.finish(notes);
        }
    }
    for (key, mut table) in file.named_tables(notes, "person") {
        if let Some(key) = key_of::<ProfessionalKey>(&key, &table, notes) {
            draft.people.insert(key, person(&mut table, notes));
            table.finish(notes);
        }
    }
    draft.floor_hours = floor_hours::read(&mut file, notes);
    draft.agreements = agreement::read(&mut file, notes);
    draft.exceptions = opening::read(&mut file, notes);
    draft.school_holidays = school_holidays::read(&mut file, notes);
    draft.arrangements = arrangement::read(&mut file, notes);
    draft.routing = policy::read(&mut file, notes);
    file.finish(notes);
    draft
}

fn key_of<K: FromStr>(text: &str, table: &Reader<'_, '_>, notes: &mut Notes) -> Option<K>
where
    K::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: K::Err| notes.fault(table.line(), table.path(), "BAD_KEY", error.to_string()))
        .ok()
}

fn organisation(table: &mut Reader<'_, '_>, notes: &mut Notes) -> OrganisationDraft {
    let kind = table
        .required(notes, "kind")
        .and_then(|v| v.word(notes, OrganisationKind::ALL, OrganisationKind::name));
    let label = table.required(notes, "label").and_then(|v| v.text::<NAME_CHARS_MAX>(notes));
    let registrations = registrations(table, notes, ORGANISATION_SCHEMES);
    let mut processing_bases = BTreeSet::new();
    if let Some(bases) = table.optional(notes, "processing_bases") {
        for item in bases.items(notes) {
            // The grounds have the form of keys, so that they can stand in events.
            if let Some(key) = item.parsed(notes, "BAD_KEY", GroupKey::parse)
                && !processing_bases.insert(key.as_str().to_owned())
            {
                notes.fault(item.line, item.path, "DUPLICATE", "stands here twice");
            }
        }
    }
    // Guidance has to name somebody, so both texts are needed where signals come from.
    let raises = kind.is_some_and(OrganisationKind::raises_signals);
    let mut desk = |key| {
        let value = if raises { table.required(notes, key) } else { table.optional(notes, key) };
        value.and_then(|v| v.text::<DESK_CHARS_MAX>(notes))
    };
    let aandachtsfunctionaris = desk("aandachtsfunctionaris");
    let vertrouwensinspecteur = desk("vertrouwensinspecteur");
    OrganisationDraft {
        kind,
        label,
        registrations,
        processing_bases,
        aandachtsfunctionaris,
        vertrouwensinspecteur,
    }
}

fn centre(table: &mut Reader<'_, '_>, notes: &mut Notes) -> CentreDraft {
    let label = table.required(notes, "label").and_then(|v| v.text::<NAME_CHARS_MAX>(notes));
    let municipality = table.required(notes, "municipality").and_then(|v| {
        v.parsed(notes, "BAD_IDENTIFIER", |text| Identifier::parse(Scheme::Gemeentecode, text))
    });
    let organisations =
        table.required(notes, "organisations").map_or_else(Vec::new, |list| keys(&list, notes));
    let registrations = registrations(table, notes, CENTRE_SCHEMES);
    let holiday_region = table
        .required(notes, "holiday_region")
        .and_then(|v| v.word(notes, HolidayRegion::ALL, HolidayRegion::name));
    let postcode = table.optional(notes, "postcode").and_then(|v| {
        v.parsed(notes, "BAD_POSTCODE", |text| {
            register::postcode(text).ok_or("write a postcode, for instance 1234AB")
        })
    });
    let faults = notes.faults.len();
    let opening = opening::read_week(table, notes);
    let opening_is_good = notes.faults.len() == faults;
    let open_on_holidays =
        table.optional(notes, "open_on_holidays").and_then(|v| v.truth(notes)).unwrap_or(false);
    let mut groups = BTreeMap::new();
    for (key, mut group) in table.named_tables(notes, "group") {
        if let Some(key) = key_of::<GroupKey>(&key, &group, notes) {
            let label = group.required(notes, "label").and_then(|v| v.text::<NAME_CHARS_MAX>(notes));
            let organisation = group
                .required(notes, "organisation")
                .and_then(|v| v.parsed(notes, "BAD_KEY", OrganisationKey::parse));
            groups.insert(key, GroupDraft { label, organisation });
            group.finish(notes);
        }
    }
    CentreDraft {
        label,
        municipality,
        organisations,
        registrations,
        holiday_region,
        postcode,
        opening,
        opening_is_good,
        open_on_holidays,
        groups,
    }
}

fn person(table: &mut Reader<'_, '_>, notes: &mut Notes) -> PersonDraft {
    let label = table.required(notes, "label").and_then(|v| v.text::<NAME_CHARS_MAX>(notes));
    let organisation = table
        .required(notes, "organisation")
        .and_then(|v| v.parsed(notes, "BAD_KEY", OrganisationKey::parse));
    let role = table.required(notes, "role").and_then(|v| v.word(notes, ROLES, Role::name));
    let desk = table.optional(notes, "desk").and_then(|v| v.text::<DESK_CHARS_MAX>(notes));
    let value = if role == Some(Role::Professional) {
        table.required(notes, "registration")
    } else {
        table.optional(notes, "registration")
    };
    let registration = value.and_then(|v| person_registration(&v, notes));
    let mut expertise = BTreeSet::new();
    if let Some(list) = table.optional(notes, "expertise") {
        for item in list.items(notes) {
            if let Some(domain) = item.word(notes, ConcernDomain::ALL, ConcernDomain::name)
                && !expertise.insert(domain)
            {
                notes.fault(item.line, item.path, "DUPLICATE", "stands here twice");
            }
        }
    }
    let value = if role == Some(Role::Professional) {
        table.required(notes, "hours_per_week")
    } else {
        table.optional(notes, "hours_per_week")
    };
    let hours_per_week = value.and_then(|v| v.number(notes, 1..=60));
    let max_open_tasks = table.optional(notes, "max_open_tasks").and_then(|v| v.number(notes, 1..=1_000));
    let centres = table.required(notes, "centres").map_or_else(Vec::new, |list| keys(&list, notes));
    let mut intervals = Vec::new();
    if let Some(list) = table.optional(notes, "presence") {
        for item in list.items(notes) {
            if let Some(mut interval) = item.table(notes) {
                presence::read(&mut interval, notes, &mut intervals);
                interval.finish(notes);
            }
        }
    }
    let notify = table.optional(notes, "notify").and_then(|v| notify::read(&v, notes));
    PersonDraft {
        notify,
        label,
        organisation,
        role,
        desk,
        registration,
        expertise,
        hours_per_week,
        max_open_tasks,
        centres,
        presence: intervals,
    }
}

pub(crate) fn weekday_name(day: u8) -> &'static str {
    usize::from(day).checked_sub(1).and_then(|index| WEEKDAYS.get(index)).copied().unwrap_or("?")
}

fn keys<K: FromStr + PartialEq>(list: &Value<'_, '_>, notes: &mut Notes) -> Vec<(String, K)>
where
    K::Err: std::fmt::Display,
{
    let mut keys: Vec<(String, K)> = Vec::new();
    for item in list.items(notes) {
        let Some(key) = item.parsed(notes, "BAD_KEY", str::parse::<K>) else { continue };
        if keys.iter().any(|(_, known)| *known == key) {
            notes.fault(item.line, item.path, "DUPLICATE", "stands here twice");
        } else {
            keys.push((item.path, key));
        }
    }
    if keys.is_empty() && list.value.as_array().is_some_and(|array| array.is_empty()) {
        notes.fault(list.line, &list.path, "REQUIRED", "is empty; name at least one");
    }
    keys
}

fn registrations(
    table: &mut Reader<'_, '_>,
    notes: &mut Notes,
    schemes: &'static [Scheme],
) -> Vec<(String, Registration)> {
    let Some(list) = table.optional(notes, "registrations") else { return Vec::new() };
    let mut registrations = Vec::new();
    for item in list.items(notes) {
        let Some(mut entry) = item.table(notes) else { continue };
        let identifier = identifier(&mut entry, notes, schemes);
        let from = entry.optional(notes, "from").and_then(|v| v.date(notes));
        let until = entry.optional(notes, "until").and_then(|v| v.date(notes));
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            notes.fault_at(&entry.path_of("until"), "ENDS_BEFORE_START", "must not lie before from");
        }
        let opvang = entry.optional(notes, "opvang").and_then(|v| v.word(notes, Opvang::ALL, Opvang::name));
        entry.finish(notes);
        let Some(identifier) = identifier else { continue };
        if opvang.is_some() && identifier.scheme() != Scheme::Lrk {
            notes.fault_at(&format!("{}.opvang", item.path), "NOT_HERE", "belongs to LRK numbers only");
        }
        if identifier.is_unusual() {
            notes.warn_at(
                &format!("{}.value", item.path),
                "UNUSUAL_LRK",
                "fails the check that all known LRK numbers pass; compare it with the register",
            );
        }
        let period = Period { from, until };
        registrations.push((item.path, Registration { identifier, period, opvang }));
    }
    registrations
}

fn person_registration(value: &Value<'_, '_>, notes: &mut Notes) -> Option<PersonRegistration> {
    let mut table = value.table(notes)?;
    let identifier = identifier(&mut table, notes, PERSON_SCHEMES);
    let valid_until = table.optional(notes, "valid_until").and_then(|v| v.date(notes));
    table.finish(notes);
    Some(PersonRegistration { identifier: identifier?, valid_until })
}

fn identifier(
    table: &mut Reader<'_, '_>,
    notes: &mut Notes,
    schemes: &'static [Scheme],
) -> Option<Identifier> {
    let scheme =
        table.required(notes, "scheme").and_then(|v| v.word(notes, schemes.iter().copied(), Scheme::name));
    let value = table.required(notes, "value")?;
    let scheme = scheme?;
    value.parsed(notes, "BAD_IDENTIFIER", |text| Identifier::parse(scheme, text))
}

impl Draft {
    /// The parts of a directory; nothing when something is missing.
    fn finish(self) -> Option<Parts> {
        let organisations =
            self.organisations.into_iter().map(|(key, draft)| Some((key.clone(), draft.finish(key)?)));
        let centres = self.centres.into_iter().map(|(key, draft)| Some((key.clone(), draft.finish(key)?)));
        let people = self.people.into_iter().map(|(key, draft)| Some((key.clone(), draft.finish(key)?)));
        Some((
            organisations.collect::<Option<_>>()?,
            centres.collect::<Option<_>>()?,
            people.collect::<Option<_>>()?,
        ))
    }
}

/// Drops the places; what remains is in one order whatever the order in the file.
fn plain<T: Ord>(placed: Vec<(String, T)>) -> Vec<T> {
    let mut values: Vec<T> = placed.into_iter().map(|(_, value)| value).collect();
    values.sort();
    values
}

impl OrganisationDraft {
    fn finish(self, key: OrganisationKey) -> Option<Organisation> {
        Some(Organisation {
            key,
            kind: self.kind?,
            label: self.label?,
            registrations: plain(self.registrations),
            processing_bases: self.processing_bases,
            aandachtsfunctionaris: self.aandachtsfunctionaris,
            vertrouwensinspecteur: self.vertrouwensinspecteur,
        })
    }
}

impl CentreDraft {
    fn finish(self, key: CentreKey) -> Option<Centre> {
        let groups = self.groups.into_iter().map(|(key, draft)| {
            let group = Group { key: key.clone(), label: draft.label?, organisation: draft.organisation? };
            Some((key, group))
        });
        Some(Centre {
            key,
            label: self.label?,
            municipality: self.municipality?,
            organisations: self.organisations.into_iter().map(|(_, key)| key).collect(),
            registrations: plain(self.registrations),
            holiday_region: self.holiday_region?,
            postcode: self.postcode,
            opening: plain(self.opening),
            open_on_holidays: self.open_on_holidays,
            groups: groups.collect::<Option<_>>()?,
        })
    }
}

impl PersonDraft {
    fn finish(self, key: ProfessionalKey) -> Option<Person> {
        Some(Person {
            key,
            label: self.label?,
            organisation: self.organisation?,
            role: self.role?,
            desk: self.desk,
            registration: self.registration,
            expertise: self.expertise,
            hours_per_week: self.hours_per_week,
            max_open_tasks: self.max_open_tasks,
            centres: self.centres.into_iter().map(|(_, key)| key).collect(),
            presence: plain(self.presence),
            notify: self.notify,
        })
    }
}
