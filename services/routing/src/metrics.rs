//! Instruments of this service. Nothing about a person is ever an attribute.

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge},
};

/// The instruments.
#[derive(Debug, Clone)]
pub(crate) struct Instruments {
    oldest_overdue: Gauge<f64>,
    fired: Counter<u64>,
    nobody: Counter<u64>,
    broken: Counter<u64>,
    findings: Gauge<u64>,
    audited: Gauge<i64>,
    audited_overdue: Gauge<f64>,
    notices_sent: Counter<u64>,
    notices_failed: Counter<u64>,
    notices_waiting: Gauge<f64>,
}

impl Instruments {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("voordeur");
        Self {
            oldest_overdue: meter
                .f64_gauge("voordeur.routing.deadline.oldest_overdue")
                .with_unit("s")
                .with_description(
                    "Age of the oldest deadline that passed and has no event yet; 0 when there is none.",
                )
                .build(),
            fired: meter
                .u64_counter("voordeur.routing.deadline.fired")
                .with_unit("{deadline}")
                .with_description("Deadlines that got their event from this replica, by clock.")
                .build(),
            nobody: meter
                .u64_counter("voordeur.routing.nobody_to_tell")
                .with_unit("{deadline}")
                .with_description("Deadlines that passed while nobody could be told. Alarm on any.")
                .build(),
            broken: meter
                .u64_counter("voordeur.routing.promise.broken")
                .with_unit("{task}")
                .with_description("Decisions that broke a promise. Alarm on any.")
                .build(),
            findings: meter
                .u64_gauge("voordeur.routing.audit.findings")
                .with_unit("{finding}")
                .with_description("What the auditor finds wrong now, by kind. Alarm on any.")
                .build(),
            audited: meter
                .i64_gauge("voordeur.routing.audit.last_look")
                .with_unit("s")
                .with_description("When the auditor last looked, in seconds since 1970. Alarm when it stands still.")
                .build(),
            audited_overdue: meter
                .f64_gauge("voordeur.routing.audit.oldest_overdue")
                .with_unit("s")
                .with_description("Age of the oldest deadline that passed and has no event, as the auditor sees it from the log.")
                .build(),
            notices_sent: meter
                .u64_counter("voordeur.routing.notice.sent")
                .with_unit("{mail}")
                .with_description("Mails that tell somebody to act, handed over by this replica.")
                .build(),
            notices_failed: meter
                .u64_counter("voordeur.routing.notice.failed")
                .with_unit("{mail}")
                .with_description("Attempts to hand over a mail that did not succeed, by reason; each is tried again.")
                .build(),
            notices_waiting: meter
                .f64_gauge("voordeur.routing.notice.oldest_waiting")
                .with_unit("s")
                .with_description(
                    "Age of the oldest notice that may be told now by mail and was not; 0 when there is none.",
                )
                .build(),
        }
    }

    pub(crate) fn oldest_overdue(&self, seconds: f64) {
        self.oldest_overdue.record(seconds, &[]);
    }

    pub(crate) fn fired(&self, clock: &'static str) {
        self.fired.add(1, &[KeyValue::new("voordeur.clock", clock)]);
    }

    pub(crate) fn nobody(&self) {
        self.nobody.add(1, &[]);
    }

    pub(crate) fn broken(&self) {
        self.broken.add(1, &[]);
    }

    pub(crate) fn findings(&self, kind: &'static str, count: u64) {
        self.findings.record(count, &[KeyValue::new("voordeur.finding", kind)]);
    }

    pub(crate) fn audited(&self, at_s: i64, oldest_overdue_s: f64) {
        self.audited.record(at_s, &[]);
        self.audited_overdue.record(oldest_overdue_s, &[]);
    }

    pub(crate) fn notice_sent(&self) {
        self.notices_sent.add(1, &[]);
    }

    pub(crate) fn notice_failed(&self, reason: &'static str) {
        self.notices_failed.add(1, &[KeyValue::new("voordeur.reason", reason)]);
    }

    pub(crate) fn notice_waiting(&self, seconds: f64) {
        self.notices_waiting.record(seconds, &[]);
    }
}
