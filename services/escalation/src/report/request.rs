//! Reading what callers ask for, and who may ask.

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::Date;
use voordeur_chassis::{Identity, Problem, edge::read_position};
use voordeur_contracts::{common, escalation::ReportQuestion};
use voordeur_directory::{Directory, OrganisationKind, municipality};
use voordeur_eventlog::Position;
use voordeur_kernel::{Faults, ProfessionalKey, Role, identifier::Scheme};
use voordeur_outcome_report::{FILE_BYTES_MAX, Period, Population, Question, Subject};

use super::register::Publication;
use crate::machine::STREAM;

/// Most centres in one question.
const CENTRES_MAX: usize = 500;

/// A coordinator who asks for a report.
#[derive(Debug, Clone)]
pub(crate) struct Coordinator {
    pub(crate) directory: Arc<Directory>,
    pub(crate) key: ProfessionalKey,
}

impl Coordinator {
    pub(crate) fn of(directory: Arc<Directory>, who: &Identity) -> Result<Self, Problem> {
        let Identity::Person(key) = who else {
            return Err(Problem::not_allowed(
                "COORDINATOR_ONLY",
                "only a coordinator makes and publishes reports; published ones are in ListReports",
            ));
        };
        match directory.person(key.as_str()).map(|person| person.role) {
            Some(Role::Coordinator) => Ok(Self { directory, key: key.clone() }),
            Some(_) => Err(Problem::not_allowed(
                "COORDINATOR_ONLY",
                "only a coordinator makes and publishes reports; published ones are in ListReports",
            )),
            None => Err(Problem::not_allowed(
                "UNKNOWN_PERSON",
                "you are not in the directory; ask the coordinator to add you",
            )),
        }
    }
}

/// A question that was read.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) population: Option<Population>,
}

/// Reads a question, with every fault at once. `known_on_default` is also the last day that may be asked for.
pub(crate) fn read(
    caller: &Coordinator,
    wire: Option<&ReportQuestion>,
    known_on_default: Date,
) -> Result<Asked, Problem> {
    let mut faults = Faults::new();
    let empty = ReportQuestion::default();
    let wire = wire.unwrap_or(&empty);
    let period = period(wire.period.as_ref(), &mut faults);
    let known_on = match wire.known_on.as_str() {
        "" => Some(known_on_default),
        text => {
            let day = day(text).filter(|day| *day <= known_on_default);
            if day.is_none() {
                faults.add(
                    "question.known_on",
                    "NO_DAY",
                    format!("write yyyy-mm-dd, at most {known_on_default}"),
                );
            }
            day
        }
    };
    let subject = subject(caller, wire, &mut faults);
    let population = match (&subject, wire.population_csv.is_empty()) {
        (Some(subject), false) => population(&wire.population_csv, subject, &mut faults),
        _ => None,
    };
    let parts = period.zip(known_on).zip(subject);
    let ((period, known_on), subject) = faults.finish(parts).map_err(Problem::invalid)?;
    if let Some(foreign) =
        subject.centres.iter().find(|(key, _)| !caller.directory.works_at(caller.key.as_str(), key))
    {
        return Err(Problem::not_allowed(
            "NOT_YOUR_CENTRE",
            format!("a report needs a coordinator of every centre; you are not one of {}", foreign.0),
        ));
    }
    let ruleset = voordeur_escalation_domain::outcome::ESC_1.name.to_owned();
    let question =
        Question { subject, period, known_on, ruleset, directory_version: caller.directory.version() };
    Ok(Asked { question, population })
}

fn day(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|day| day.to_string() == text)
}

fn period(wire: Option<&common::DateRange>, faults: &mut Faults) -> Option<Period> {
    let from = wire.and_then(|range| day(&range.from));
    let until = wire.and_then(|range| day(&range.until));
    if from.is_none() {
        faults.add("question.period.from", "NO_DAY", "write the first day of the judgements as yyyy-mm-dd");
    }
    if until.is_none() {
        faults.add("question.period.until", "NO_DAY", "write the last day of the judgements as yyyy-mm-dd");
    }
    match Period::new(from?, until?) {
        Ok(period) => Some(period),
        Err(error) => {
            faults.add("question.period.until", "BAD_PERIOD", error.to_string());
            None
        }
    }
}

fn subject(caller: &Coordinator, wire: &ReportQuestion, faults: &mut Faults) -> Option<Subject> {
    let directory = &caller.directory;
    match (wire.centres.is_empty(), wire.municipality.as_str()) {
        (true, "") | (false, _) if wire.centres.is_empty() || !wire.municipality.is_empty() => {
            faults.add("question", "ONE_OF", "give centres or the code of a municipality, not both");
            None
        }
        (false, _) => {
            if wire.centres.len() > CENTRES_MAX {
                faults.add("question.centres", "TOO_MANY", format!("give at most {CENTRES_MAX}"));
                return None;
            }
            let keys: BTreeSet<&str> = wire.centres.iter().map(String::as_str).collect();
            let mut centres = Vec::with_capacity(keys.len());
            for key in keys {
                match directory.centre(key) {
                    Some(centre) => centres.push((centre.key.to_string(), centre.label.clone())),
                    None => faults.add(
                        "question.centres",
                        "UNKNOWN_CENTRE",
                        "names a centre that is not in the directory",
                    ),
                }
            }
            Some(Subject { municipality: None, centres })
        }
        (true, code) => {
            let centres = of_municipality(directory, code);
            if centres.is_empty() {
                faults.add(
                    "question.municipality",
                    "UNKNOWN_MUNICIPALITY",
                    "no centre of the directory is in it",
                );
                return None;
            }
            Some(Subject { municipality: Some((code.to_owned(), name_of(directory, code))), centres })
        }
    }
}

/// Keys and names of the centres of a municipality, in order of key.
pub(crate) fn of_municipality(directory: &Directory, code: &str) -> Vec<(String, String)> {
    let centres = directory.centres().filter(|centre| centre.municipality.value() == code);
    centres.map(|centre| (centre.key.to_string(), centre.label.clone())).collect()
}

fn name_of(directory: &Directory, code: &str) -> String {
    let organisation = directory.organisations().find(|organisation| is_municipality(organisation, code));
    let label = organisation.map(|organisation| {
        organisation.label.strip_prefix("Gemeente ").unwrap_or(&organisation.label).to_owned()
    });
    municipality::name(code).map(str::to_owned).or(label).unwrap_or_else(|| code.to_owned())
}

fn is_municipality(organisation: &voordeur_directory::Organisation, code: &str) -> bool {
    organisation.kind == OrganisationKind::Municipality
        && organisation.registrations.iter().any(|registration| {
            registration.identifier.scheme() == Scheme::Gemeentecode
                && registration.identifier.value() == code
        })
}

fn population(bytes: &[u8], subject: &Subject, faults: &mut Faults) -> Option<Population> {
    if bytes.len() > FILE_BYTES_MAX {
        faults.add("question.population_csv", "TOO_LARGE", "the file is larger than 200 kB");
        return None;
    }
    let centres = subject.centres.iter().map(|(key, _)| key.clone()).collect();
    match Population::parse(bytes, &centres) {
        Ok(population) => Some(population),
        Err(found) => {
            for fault in found {
                faults.add("question.population_csv", fault.reason, fault.to_string());
            }
            None
        }
    }
}

/// The position that a caller wants to see.
pub(crate) fn position(wire: Option<&common::Position>) -> Result<Option<Position>, Problem> {
    let mut faults = Faults::new();
    let position = read_position("at_least", wire, STREAM, &mut faults);
    faults.finish(Some(position)).map_err(Problem::invalid)
}

/// May somebody see what was published on these centres? The team, organisations that take part, partners of an agreement, and the
/// municipality that the centres are in.
pub(crate) fn may_see(directory: &Directory, who: &Identity, publication: &Publication) -> bool {
    let centres = || publication.centres.iter().filter_map(|key| directory.centre(key));
    let organisation = match who {
        Identity::Operator => return false,
        Identity::Organisation(key) => Some(key),
        Identity::Person(key) => {
            let Some(person) = directory.person(key.as_str()) else { return false };
            if centres().any(|centre| person.centres.contains(&centre.key)) {
                return true;
            }
            Some(&person.organisation)
        }
    };
    let Some(organisation) = organisation.and_then(|key| directory.organisation(key.as_str())) else {
        return false;
    };
    let takes_part = centres().any(|centre| centre.organisations.contains(&organisation.key));
    let agreed = directory.agreements().any(|agreement| {
        agreement.partners.contains(&organisation.key)
            && centres().any(|centre| agreement.centres.contains(&centre.key))
    });
    let ours = publication.municipality.iter().any(|code| is_municipality(organisation, code))
        || centres().any(|centre| is_municipality(organisation, centre.municipality.value()));
    takes_part || agreed || ours
}
