//! Making a report: reading the log, counting every earlier publication again as it was known then, and then this one.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use tokio::sync::{Semaphore, SemaphorePermit};
use voordeur_chassis::Problem;
use voordeur_directory::{Directory, DirectoryWatch};
use voordeur_escalation_domain::outcome::Day;
use voordeur_eventlog::{Deadline, EventLog, Position};
use voordeur_kernel::{CentreKey, Clock, ErrorKind};
use voordeur_outcome_report::{
    Beside, NotPublishable, Period, Publications, Report, Subject, days_between, input::Agreement, report,
};
use voordeur_vault::Deriver;

use super::{
    build::{Cases, Count, count},
    compact::{CentreIndex, half},
    gather::{Ends, Wanted, gather},
    plot::{Plot, plots},
    register::{Publication, Register},
    request::Asked,
};

/// Everything that making reports needs.
pub(crate) struct ReportOffice {
    pub(crate) episodes: Arc<dyn EventLog>,
    pub(crate) signals: Arc<dyn EventLog>,
    pub(crate) directory: Arc<DirectoryWatch>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deriver: Deriver,
    pub(crate) zone: TimeZone,
    /// One report at a time: it reads the whole log and holds much of it.
    pub(crate) one: Semaphore,
}

/// A report in every form.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) report: Report,
    pub(crate) publishable: Result<(), NotPublishable>,
    pub(crate) json: String,
    pub(crate) text: String,
    pub(crate) csv: String,
    pub(crate) plots: Vec<Plot>,
    /// The log was read up to here.
    pub(crate) position: Position,
    /// The register that it was made against.
    pub(crate) register: Register,
}

impl ReportOffice {
    /// The newest directory.
    pub(crate) fn directory(&self) -> Result<Arc<Directory>, Problem> {
        self.directory
            .current()
            .map_err(|error| Problem::new(error.kind(), error.reason(), error.to_string()))
    }

    /// Today where the centres are.
    pub(crate) fn today(&self) -> jiff::civil::Date {
        self.zone.to_datetime(self.clock.now()).date()
    }

    /// The turn to make a report.
    ///
    /// # Errors
    /// When this replica is making one.
    pub(crate) fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.one.try_acquire().map_err(|_| {
            Problem::new(
                ErrorKind::TooMuch,
                "REPORT_RUNNING",
                "this replica is making a report; it makes one at a time, so ask again in a while",
            )
            .retry_after(std::time::Duration::from_secs(20))
        })
    }

    /// Makes a report. Holds the turn meanwhile.
    pub(crate) async fn make(
        &self,
        directory: &Arc<Directory>,
        asked: Asked,
        at_least: Option<&Position>,
        deadline: Deadline,
    ) -> Result<Made, Problem> {
        let _turn = self.turn()?;
        let started = tokio::time::Instant::now();
        let ends = Ends::now(self.episodes.as_ref(), self.signals.as_ref(), deadline).await?;
        if let Some(wanted) = at_least {
            if wanted.incarnation != ends.episodes.incarnation {
                return Err(Problem::fault(
                    "at_least",
                    "FOREIGN_POSITION",
                    "is of another life of the stream; leave it out",
                ));
            }
            if wanted.sequence > ends.episodes.sequence {
                return Err(Problem::unavailable(
                    "NOT_YET",
                    "the log has not come that far; try again in a moment",
                ));
            }
        }
        let register = Register::read(&self.episodes, 0, deadline).await?;
        let plan = Plan::of(directory, &asked, &register);
        let wanted =
            Wanted { centres: plan.centres.clone(), known_on: plan.known_on, zone: self.zone.clone() };
        let gathered = gather(&self.episodes, &self.signals, &ends, &wanted, deadline).await?;
        tracing::info!(
            bytes = gathered.bytes(),
            seconds = started.elapsed().as_secs_f64(),
            "the log was read for a report"
        );
        let deriver = self.deriver.clone();
        // Counting is work for the processor alone: the others of this replica go on meanwhile.
        let counted = tokio::task::spawn_blocking(move || plan.count(&gathered, &asked, &deriver, deadline));
        let (report, publishable) =
            counted.await.map_err(|error| Problem::broken(format!("counting ended: {error}")))??;
        let refused = |error: voordeur_outcome_report::Refused| Problem::broken(error.to_string());
        let (json, text, csv) = (
            report.to_json().map_err(refused)?,
            report.to_text().map_err(refused)?,
            report.to_csv().map_err(refused)?,
        );
        let plots =
            plots(&report).map_err(|error| Problem::broken(format!("a plot could not be drawn: {error}")))?;
        tracing::info!(
            seconds = started.elapsed().as_secs_f64(),
            sections = report.sections.len(),
            "report made"
        );
        Ok(Made { report, publishable, json, text, csv, plots, position: ends.episodes, register })
    }
}

/// What is counted, worked out before anything is read.
struct Plan {
    /// Centres whose histories are read.
    centres: BTreeMap<CentreKey, CentreIndex>,
    /// The latest day of knowledge of all.
    known_on: Day,
    /// Earlier publications that could share a child, with what they counted; oldest first.
    earlier: Vec<(Subject, Count)>,
    /// This one.
    count: Count,
    agreements: Vec<Agreement>,
    last: Option<Publication>,
}

impl Plan {
    fn of(directory: &Directory, asked: &Asked, register: &Register) -> Self {
        let question = &asked.question;
        let keys: Vec<String> = question.subject.centres.iter().map(|(key, _)| key.clone()).collect();
        let relevant: Vec<(usize, &Publication)> = register
            .publications
            .iter()
            .enumerate()
            .filter(|(_, publication)| publication.touches(&keys, &question.period))
            .collect();
        // Aliases of one child can be at two centres of a municipality; both histories are needed then.
        let municipalities: Vec<&str> = keys
            .iter()
            .filter_map(|key| directory.centre(key))
            .map(|centre| centre.municipality.value())
            .collect();
        let near = directory
            .centres()
            .filter(|centre| municipalities.contains(&centre.municipality.value()))
            .map(|centre| centre.key.clone());
        let published = relevant.iter().flat_map(|(_, publication)| &publication.centres);
        let mut all: Vec<CentreKey> =
            near.chain(keys.iter().chain(published).filter_map(|key| CentreKey::parse(key).ok())).collect();
        all.sort();
        all.dedup();
        let centres: BTreeMap<CentreKey, CentreIndex> = all.into_iter().zip(0..).collect();
        let places =
            |keys: &[String]| keys.iter().filter_map(|key| centres.get(key.as_str()).copied()).collect();
        let earlier: Vec<(Subject, Count)> = relevant
            .iter()
            .map(|(at, publication)| {
                let subject = Subject {
                    municipality: publication.municipality.clone().map(|code| (code, String::new())),
                    centres: publication.centres.iter().map(|key| (key.clone(), String::new())).collect(),
                };
                let until_then = Register {
                    publications: register.publications.iter().take(*at).cloned().collect(),
                    version: register.version,
                };
                let known_before =
                    until_then.known_before(&subject, &publication.period, publication.known_on);
                let count = Count {
                    centres: places(&publication.centres),
                    period: publication.period,
                    known_on: publication.known_on,
                    known_before,
                    available: None,
                };
                (subject, count)
            })
            .collect();
        let latest = earlier.iter().map(|(_, count)| count.known_on).chain([question.known_on]).max();
        let count = Count {
            centres: places(&keys),
            period: question.period,
            known_on: question.known_on,
            known_before: register.known_before(&question.subject, &question.period, question.known_on),
            available: available(directory, &keys, &question.period),
        };
        Self {
            centres,
            known_on: latest.and_then(Day::of_date).unwrap_or(Day::LAST),
            earlier,
            count,
            agreements: agreements(directory, &keys),
            last: register.before(&question.subject, &question.period, question.known_on).cloned(),
        }
    }

    fn count(
        &self,
        gathered: &super::compact::Gathered,
        asked: &Asked,
        deriver: &Deriver,
        deadline: Deadline,
    ) -> Result<(Report, Result<(), NotPublishable>), Problem> {
        let cases = Cases::of(gathered);
        let draw = |cell: &str| half(&deriver.fingerprint("sdc-1", &[cell.as_bytes()]));
        let mut publications = Publications::new(&draw);
        for (subject, published) in &self.earlier {
            publications.take_in(&count(gathered, &cases, published, deadline)?, subject);
        }
        let tally = count(gathered, &cases, &self.count, deadline)?;
        let earlier = self.last.as_ref().map(Publication::earlier);
        let beside = Beside {
            population: asked.population.as_ref(),
            agreements: &self.agreements,
            earlier: earlier.as_ref(),
        };
        Ok(report(&tally, &asked.question, &beside, &mut publications))
    }
}

/// Minutes beschikkingsvrij that were agreed for centres and a period; nothing when the directory does not say it for every day of each.
fn available(directory: &Directory, centres: &[String], period: &Period) -> Option<u64> {
    let mut minutes = 0.0;
    for centre in centres {
        let mut days = 0;
        for hours in directory.floor_hours_of(centre) {
            let (from, until) = (hours.from.max(period.from()), hours.until.min(period.until()));
            let shared = days_between(from, until).map_or(0, |days| days + 1);
            let all = days_between(hours.from, hours.until).map_or(1, |days| days + 1);
            days += shared;
            minutes += f64::from(hours.hours) * 60.0 * f64::from(shared) / f64::from(all);
        }
        if days != period.days() {
            return None;
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes of a municipality")]
    Some(minutes.round() as u64)
}

/// What partners agreed for any of the centres.
fn agreements(directory: &Directory, centres: &[String]) -> Vec<Agreement> {
    let named = |key: &voordeur_kernel::OrganisationKey| {
        directory
            .organisation(key.as_str())
            .map_or_else(|| key.to_string(), |organisation| organisation.label.clone())
    };
    directory
        .agreements()
        .filter(|agreement| centres.iter().any(|centre| agreement.centres.contains(centre.as_str())))
        .map(|agreement| Agreement {
            key: agreement.key.to_string(),
            partners: agreement.partners.iter().map(named).collect(),
            indicator: agreement.indicator.to_owned(),
            start: i64::from(agreement.start),
            ambition: i64::from(agreement.ambition),
            hours: agreement.hours.map(u32::from),
            review_on: agreement.review_on,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_directory_and_the_report_know_the_same_indicators() {
        let of_report: Vec<_> =
            voordeur_outcome_report::INDICATORS.iter().map(|indicator| indicator.name).collect();
        assert_eq!(of_report, voordeur_directory::INDICATORS);
    }
}
