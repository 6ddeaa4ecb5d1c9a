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
}
