//! The auditor in the service: fed by the second reading of the streams, looks at what stands there, and alarms.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::Instant;
use voordeur_directory::Directory;
use voordeur_kernel::{TaskId, Timestamp};

use super::{Auditor, FindingKind, Moment, Report};
use crate::office::Office;

/// How often it looks; the time may be moved, so it asks for the time itself at every look.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long something due may take to get its event before it is a finding, in seconds.
pub(crate) const GRACE_S: i64 = 60;

/// The auditor with what it needs to look.
pub(crate) struct Watch {
    office: Arc<Office>,
    pub(crate) auditor: Auditor,
    read: (bool, bool),
    next: Instant,
    /// Version of the directory at the last look, and when it was first seen.
    directory: Option<(u64, Timestamp)>,
    /// What was told already, so that an alarm is raised once.
    told: BTreeSet<(FindingKind, Option<TaskId>, u64)>,
}

impl Watch {
    pub(crate) fn new(office: Arc<Office>) -> Self {
        Self {
            office,
            auditor: Auditor::default(),
            read: (false, false),
            next: Instant::now(),
            directory: None,
            told: BTreeSet::new(),
        }
    }

    pub(crate) const fn tasks_read(&mut self) {
        self.read.0 = true;
    }

    pub(crate) const fn signals_read(&mut self) {
        self.read.1 = true;
    }

    /// Waits until it is time to look; for ever while the streams were not read once.
    pub(crate) async fn due(&self) {
        if self.read == (true, true) {
            tokio::time::sleep_until(self.next).await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// Looks, and tells what is wrong.
    pub(crate) fn look(&mut self) {
        let started = Instant::now();
        let now = self.office.clock.now();
        let directory = self.office.directory().ok();
        let since = directory.as_ref().map(|directory| self.since(directory, now));
        let moment = Moment {
            now,
            grace_s: GRACE_S,
            directory: directory.as_deref().zip(since).map(|(directory, since)| (directory as _, since)),
        };
        let report = self.auditor.report(moment);
        self.tell(&report, now);
        // A look over a million tasks takes its time; most of the time is for others all the same.
        self.next = Instant::now() + LOOK_EVERY.max(started.elapsed() * 20);
    }

    fn since(&mut self, directory: &Directory, now: Timestamp) -> Timestamp {
        match self.directory {
            Some((version, since)) if version == directory.version() => since,
            _ => {
                self.directory = Some((directory.version(), now));
                now
            }
        }
    }

    fn tell(&mut self, report: &Report, now: Timestamp) {
        let instruments = &self.office.instruments;
        for kind in FindingKind::ALL {
            instruments.findings(kind.code(), report.count(kind));
        }
        #[expect(clippy::cast_precision_loss, reason = "an age in seconds")]
        instruments.audited(now.as_second(), report.oldest_overdue_s as f64);
        let mut found = BTreeSet::new();
        for finding in report.findings() {
            let place = (finding.kind, finding.task, finding.sequence);
            if !self.told.contains(&place) {
                // The same words every time: alarms look for them.
                tracing::error!(
                    finding = finding.kind.code(),
                    task = finding.task.map(|task| task.to_string()),
                    signal = finding.signal.map(|signal| signal.to_string()),
                    sequence = finding.sequence,
                    "the auditor found something wrong: {}",
                    finding.kind.meaning()
                );
            }
            found.insert(place);
        }
        // What is mended is forgotten: when it comes back, it is told again.
        self.told = found;
    }
}
