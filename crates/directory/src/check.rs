//! The parts of a directory against each other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use voordeur_kernel::{
    CentreKey, OrganisationKey, Role,
    identifier::{Identifier, Scheme},
};

use crate::{
    agreement, arrangement,
    finding::Notes,
    floor_hours,
    model::{OrganisationKind, Period, Registration},
    municipality, opening,
    parse::{CentreDraft, Draft, PersonDraft},
    policy,
    presence::Presence,
    school_holidays::{self, SchoolHolidays},
};

pub(crate) fn check(draft: &Draft, today: Option<Date>, notes: &mut Notes) {
    let kinds: BTreeMap<&OrganisationKey, Option<OrganisationKind>> =
        draft.organisations.iter().map(|(key, organisation)| (key, organisation.kind)).collect();
    for (key, centre) in &draft.centres {
        centre_alone(key, centre, &kinds, notes);
        centre_people(key, draft, notes);
    }
    for (key, person) in &draft.people {
        person_alone(&format!("person.{key}"), person, draft, &kinds, notes);
    }
    let organisations = draft.organisations.values().flat_map(|o| &o.registrations);
    // A school and a childcare organisation may be one legal person, so these three do not tell them apart.
    registrations_once(
        organisations
            .filter(|(_, r)| !matches!(r.identifier.scheme(), Scheme::Kvk | Scheme::Rsin | Scheme::Swv)),
        notes,
    );
    registrations_once(draft.centres.values().flat_map(|c| &c.registrations), notes);
    people_once(draft, notes);
    floor_hours::check(&draft.floor_hours, &draft.centres, notes);
    arrangement::check(&draft.arrangements, &draft.centres, notes);
    if let Some(routing) = &draft.routing {
        policy::check(routing, draft, notes);
    }
    agreement::check(&draft.agreements, &draft.centres, &draft.organisations, notes);
    opening::check(&draft.exceptions, &draft.centres, &draft.organisations, notes);
    school_holidays::check(&draft.school_holidays, &draft.centres, notes);
    if let Some(today) = today {
        ended(draft, today, notes);
        unknown_holidays(draft, today, notes);
    }
}

fn centre_alone(
    key: &CentreKey,
    centre: &CentreDraft,
    kinds: &BTreeMap<&OrganisationKey, Option<OrganisationKind>>,
    notes: &mut Notes,
) {
    if let Some(code) = &centre.municipality {
        let path = format!("centre.{key}.municipality");
        if code.value() == municipality::TEST_CODE {
            notes.warn_at(&path, "TEST_MUNICIPALITY", "is the invented municipality of samples and tests");
        } else if municipality::name(code.value()).is_none() {
            notes.fault_at(&path, "UNKNOWN_MUNICIPALITY", "is not in the CBS list of municipalities of 2026");
        }
    }
    for (path, organisation) in &centre.organisations {
        if !kinds.contains_key(organisation) {
            notes.fault_at(path, "UNKNOWN_REFERENCE", "there is no organisation with this key in the file");
        }
    }
    for (group, draft) in &centre.groups {
        let Some(organisation) = &draft.organisation else { continue };
        let path = format!("centre.{key}.group.{group}.organisation");
        match kinds.get(organisation) {
            None => {
                notes.fault_at(
                    &path,
                    "UNKNOWN_REFERENCE",
                    "there is no organisation with this key in the file",
                );
            }
            Some(Some(kind)) if !kind.raises_signals() => {
                notes.fault_at(
                    &path,
                    "WRONG_KIND",
                    "a group belongs to a school or a childcare organisation",
                );
            }
            Some(_) if !centre.organisations.iter().any(|(_, known)| known == organisation) => {
                notes.fault_at(
                    &path,
                    "NOT_TAKING_PART",
                    "this organisation does not take part in the centre",
                );
            }
            Some(_) => {}
        }
    }
}

fn centre_people(key: &CentreKey, draft: &Draft, notes: &mut Notes) {
    let path = format!("centre.{key}");
    let has = |role: Role| {
        // Somebody whose role could not be read may be the one.
        draft
            .people
            .values()
            .any(|p| p.role.is_none_or(|r| r == role) && p.centres.iter().any(|(_, centre)| centre == key))
    };
    if !has(Role::Coordinator) {
        notes.fault_at(
            &path,
            "NO_COORDINATOR",
            "has no coordinator; give one person the role coordinator and this centre, employed by the provider of youth care",
        );
    }
    if !has(Role::Professional) {
        notes.warn_at(&path, "NO_PROFESSIONAL", "has no professional; everything will go to the coordinator");
    }
}

fn person_alone(
    path: &str,
    person: &PersonDraft,
    draft: &Draft,
    kinds: &BTreeMap<&OrganisationKey, Option<OrganisationKind>>,
    notes: &mut Notes,
) {
    let employer_known = employer(path, person, kinds, notes);
    for (place, centre) in &person.centres {
        let Some(centre) = draft.centres.get(centre) else {
            notes.fault_at(place, "UNKNOWN_REFERENCE", "there is no centre with this key in the file");
            continue;
        };
        let holds_tasks = person.role.is_some_and(Role::holds_tasks);
        if let Some(organisation) = &person.organisation
            && employer_known
            && holds_tasks
            && !centre.organisations.iter().any(|(_, known)| known == organisation)
        {
            notes.fault_at(place, "NOT_TAKING_PART", "her organisation does not take part in this centre");
        }
    }
    for (index, (place, interval)) in person.presence.iter().enumerate() {
        if !draft.centres.contains_key(&interval.centre) {
            notes.fault_at(
                &of_interval(place, "centre"),
                "UNKNOWN_REFERENCE",
                "there is no centre with this key in the file",
            );
        } else if !person.centres.iter().any(|(_, centre)| *centre == interval.centre) {
            notes.fault_at(
                &of_interval(place, "centre"),
                "NOT_HER_CENTRE",
                "is not among her centres; add it there or take the presence away",
            );
        }
        let clash = person.presence.iter().take(index).any(|(_, earlier)| earlier.clashes_with(interval));
        if clash {
            notes.fault_at(place, "OVERLAP", "overlaps with an interval above; nobody is in two places");
        }
        if let Some(centre) = draft.centres.get(&interval.centre)
            && centre.opening_is_good
            && never_opens(centre, interval.weekday)
        {
            notes.warn_at(
                place,
                "PRESENT_WHEN_CLOSED",
                "the centre has no opening hours on this day of the week; she counts as there, but no working time passes: add the day to opening, or take it away here",
            );
        }
    }
    if person.role == Some(Role::Professional) && person.presence.is_empty() {
        notes.warn_at(path, "NO_PRESENCE", "is never present; no task will be offered to her");
    }
}

/// Checks who employs her; returns whether the employer is in the file.
fn employer(
    path: &str,
    person: &PersonDraft,
    kinds: &BTreeMap<&OrganisationKey, Option<OrganisationKind>>,
    notes: &mut Notes,
) -> bool {
    let Some(organisation) = &person.organisation else { return false };
    let path = format!("{path}.organisation");
    let Some(kind) = kinds.get(organisation) else {
        notes.fault_at(&path, "UNKNOWN_REFERENCE", "there is no organisation with this key in the file");
        return false;
    };
    let holds_tasks = person.role.is_some_and(Role::holds_tasks);
    if holds_tasks && kind.is_some_and(|kind| kind != OrganisationKind::YouthCareProvider) {
        notes.fault_at(
            &path,
            "WRONG_EMPLOYER",
            "professionals and coordinators are employed by a youth_care_provider, never by the municipality",
        );
    }
    true
}

fn never_opens(centre: &CentreDraft, weekday: u8) -> bool {
    let opening: Vec<_> = centre.opening.iter().map(|(_, opening)| *opening).collect();
    let week = opening::week(&opening);
    week.get(usize::from(weekday) - 1).is_none_or(Vec::is_empty)
}

/// Every centre whose region has no dates for a school year that is near: nobody would be away, and a school on its own always open.
fn unknown_holidays(draft: &Draft, today: Date, notes: &mut Notes) {
    let own: Vec<_> = draft.school_holidays.iter().map(|(_, holiday)| holiday.clone()).collect();
    let region_of = |key: &CentreKey| draft.centres.get(key).and_then(|centre| centre.holiday_region);
    let known = SchoolHolidays::new(&own, region_of);
    for (key, centre) in &draft.centres {
        let Some(region) = centre.holiday_region else { continue };
        for year in school_holidays::years_needed(today).filter(|year| !known.knows(key, region, *year)) {
            notes.warn_at(
                &format!("centre.{key}.holiday_region"),
                "NO_SCHOOL_HOLIDAYS",
                format!("the dates of {year} are not known; add them with [[school_holiday]] tables"),
            );
        }
    }
}

/// `…presence[0].days[1]` to `…presence[0].centre`.
fn of_interval(place: &str, key: &str) -> String {
    place.rsplit_once(".days").map_or_else(|| place.to_owned(), |(interval, _)| format!("{interval}.{key}"))
}

fn registrations_once<'a>(
    registrations: impl Iterator<Item = &'a (String, Registration)>,
    notes: &mut Notes,
) {
    let mut seen: BTreeMap<&Identifier, Vec<Period>> = BTreeMap::new();
    for (path, registration) in registrations {
        let periods = seen.entry(&registration.identifier).or_default();
        if periods.iter().any(|period| period.overlaps(&registration.period)) {
            notes.fault_at(
                path,
                "REGISTERED_TWICE",
                "stands elsewhere in the file for the same days; end the other one first",
            );
        }
        periods.push(registration.period);
    }
}

fn people_once(draft: &Draft, notes: &mut Notes) {
    let mut seen = BTreeSet::new();
    for (key, person) in &draft.people {
        if let Some(registration) = &person.registration
            && !seen.insert(&registration.identifier)
        {
            notes.fault_at(
                &format!("person.{key}.registration"),
                "REGISTERED_TWICE",
                "is the registration of somebody else in the file",
            );
        }
    }
}

fn ended(draft: &Draft, today: Date, notes: &mut Notes) {
    for (key, person) in &draft.people {
        if let Some(until) = person.registration.as_ref().and_then(|r| r.valid_until)
            && until < today
        {
            notes.warn_at(
                &format!("person.{key}.registration.valid_until"),
                "ENDED",
                "the registration has ended; no task will be offered to her",
            );
        }
    }
    for (key, person) in &draft.people {
        for (place, interval) in &person.presence {
            if interval.period.until.is_some_and(|until| until < today) {
                let place = place.rsplit_once(".days").map_or(place.as_str(), |(interval, _)| interval);
                notes.warn_at(place, "ENDED", "this presence has ended; take it away");
            }
        }
        let ended =
            |(_, interval): &(String, Presence)| interval.period.until.is_some_and(|until| until < today);
        if person.role == Some(Role::Professional)
            && !person.presence.is_empty()
            && person.presence.iter().all(ended)
        {
            let path = format!("person.{key}");
            notes.warn_at(&path, "NO_PRESENCE", "is never present any more; no task will be offered to her");
        }
    }
    let registrations = draft
        .organisations
        .values()
        .flat_map(|o| &o.registrations)
        .chain(draft.centres.values().flat_map(|c| &c.registrations));
    for (path, registration) in registrations {
        if registration.period.until.is_some_and(|until| until < today) {
            notes.warn_at(path, "ENDED", "has ended; signals that name it are refused");
        }
    }
}
