//! What was published: one history for all reports of the installation. Whether one may be published depends on every other (rule 6 of
//! SDC-1), so all are decided on the same version, by compare-and-set.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;
use prost::Message as _;
use voordeur_chassis::Problem;
use voordeur_contracts::event::{self, ReportEvent, ReportPublished, ReportStatus, report_event::Change};
use voordeur_eventlog::{Deadline, EventLog, Subject as History, Version};
use voordeur_outcome_report::{Period, Status, Subject, input::Earlier};

/// `ce-type` of the register.
pub(crate) const REPORT_KIND: &str = "nl.voordeur.report.v1";
const PREFIX: &str = "voordeur.report.v1";
const KEY: &str = "register";

/// One publication.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) event: ReportEvent,
    pub(crate) period: Period,
    pub(crate) known_on: Date,
    pub(crate) centres: Vec<String>,
    pub(crate) municipality: Option<String>,
    pub(crate) status: Status,
    pub(crate) ruleset: String,
    pub(crate) json: Vec<u8>,
}

impl Publication {
    /// Is it about the same centres, asked for in the same way?
    pub(crate) fn is_about(&self, subject: &Subject) -> bool {
        let municipality = subject.municipality.as_ref().map(|(code, _)| code);
        self.municipality.as_ref() == municipality
            && (municipality.is_some() || self.centres.iter().eq(subject.centres.iter().map(|(key, _)| key)))
    }

    /// Could a child be in both?
    pub(crate) fn touches(&self, centres: &[String], period: &Period) -> bool {
        let spans = |period: &Period| period.before().map_or(period.from(), |before| before.from());
        self.centres.iter().any(|centre| centres.contains(centre))
            && spans(&self.period) <= period.until()
            && spans(period) <= self.period.until()
    }

    /// Its figures, to say what changed.
    pub(crate) fn earlier(&self) -> Earlier {
        Earlier {
            known_on: self.known_on,
            status: self.status.name().to_owned(),
            ruleset: self.ruleset.clone(),
            figures: figures(&self.json),
        }
    }
}

/// Paths and what was printed there; nothing of a document that cannot be read.
fn figures(json: &[u8]) -> BTreeMap<String, String> {
    let document: serde_json::Value = serde_json::from_slice(json).unwrap_or_default();
    let list = |value: &serde_json::Value, key: &str| {
        value.get(key).and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
    };
    let text = |value: &serde_json::Value, key: &str| {
        value.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let mut figures = BTreeMap::new();
    for section in list(&document, "sections") {
        for table in list(&section, "tables") {
            let columns = list(&table, "columns");
            for row in list(&table, "rows") {
                for (column, cell) in columns.iter().zip(list(&row, "cells")) {
                    let path = [&section, &table, &row, column].map(|part| text(part, "key")).join("/");
                    figures.insert(path, text(&cell, "shown"));
                }
            }
        }
    }
    figures
}

/// The register as it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Register {
    /// Oldest first.
    pub(crate) publications: Vec<Publication>,
    pub(crate) version: Version,
}

impl Register {
    /// The history.
    pub(crate) fn history() -> Result<History, Problem> {
        History::of(PREFIX, KEY).map_err(|error| Problem::broken(error.to_string()))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the log cannot be read, or holds something that this release does not understand: then nobody knows what was published.
    pub(crate) async fn read(
        log: &Arc<dyn EventLog>,
        at_least: u64,
        deadline: Deadline,
    ) -> Result<Self, Problem> {
        let messages = log.history(&Self::history()?, at_least, deadline).await?;
        let mut register = Self::default();
        for message in messages {
            let unreadable = || {
                Problem::unavailable(
                    "UNREADABLE_HISTORY",
                    "the register of reports holds something this release cannot read; upgrade it",
                )
            };
            let event = ReportEvent::decode(message.data.clone()).map_err(|_| unreadable())?;
            register.publications.push(publication(event).ok_or_else(unreadable)?);
            register.version = Version(message.sequence);
        }
        Ok(register)
    }

    /// The very same publication.
    pub(crate) fn same(&self, subject: &Subject, period: &Period, known_on: Date) -> Option<&Publication> {
        self.publications
            .iter()
            .find(|known| known.is_about(subject) && known.period == *period && known.known_on == known_on)
    }

    /// The last publication on these centres and this period that knew less.
    pub(crate) fn before(&self, subject: &Subject, period: &Period, known_on: Date) -> Option<&Publication> {
        self.publications
            .iter()
            .filter(|known| known.is_about(subject) && known.period == *period && known.known_on < known_on)
            .max_by_key(|known| known.known_on)
    }

    /// The day of knowledge by which the period before is compared: that of its last publication, so that what stands beside this one is what
    /// was published; else the same day.
    pub(crate) fn known_before(&self, subject: &Subject, period: &Period, known_on: Date) -> Date {
        let Some(before) = period.before() else { return known_on };
        self.publications
            .iter()
            .filter(|known| known.is_about(subject) && known.period == before && known.known_on <= known_on)
            .map(|known| known.known_on)
            .max()
            .unwrap_or(known_on)
    }
}

/// Reads an event of the register.
fn publication(event: ReportEvent) -> Option<Publication> {
    let Some(Change::Published(published)) = &event.change else { return None };
    event.meta.as_ref()?.recorded_at.as_ref()?;
    let status = match published.status() {
        ReportStatus::Voorlopig => Status::Provisional,
        ReportStatus::Definitief => Status::Final,
        ReportStatus::Unspecified => return None,
    };
    let day = |text: &str| text.parse::<Date>().ok();
    let period = Period::new(day(&published.period_from)?, day(&published.period_until)?).ok()?;
    let (known_on, centres) = (day(&published.known_on)?, published.centres.clone());
    let municipality = (!published.municipality.is_empty()).then(|| published.municipality.clone());
    let (ruleset, json) = (published.ruleset.clone(), published.published_json.to_vec());
    Some(Publication { event, period, known_on, centres, municipality, status, ruleset, json })
}

/// Can a service read this event of the register? Its figures are read too, since the next report compares with them.
///
/// # Errors
/// That it cannot; never what it holds.
pub fn read_report_event(event: &ReportEvent) -> Result<(), &'static str> {
    let publication =
        publication(event.clone()).ok_or("the event is not one that this release understands")?;
    let _ = publication.earlier();
    Ok(())
}

/// The word of the contract.
pub(crate) const fn status_to_wire(status: Status) -> ReportStatus {
    match status {
        Status::Running => ReportStatus::Unspecified,
        Status::Provisional => ReportStatus::Voorlopig,
        Status::Final => ReportStatus::Definitief,
    }
}

/// An event of the register.
pub(crate) fn event_of(meta: event::EventMeta, published: ReportPublished) -> ReportEvent {
    ReportEvent { meta: Some(meta), change: Some(Change::Published(published)) }
}
