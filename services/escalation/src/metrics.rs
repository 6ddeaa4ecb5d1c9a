//! Instruments of what people record. Nothing about a person or a child is ever an attribute.

use opentelemetry::{KeyValue, metrics::Counter};

/// The instruments.
#[derive(Debug, Clone)]
pub(crate) struct FactInstruments {
    recorded: Counter<u64>,
    refused: Counter<u64>,
}

impl FactInstruments {
    pub(crate) fn new() -> Self {
        let meter = opentelemetry::global::meter("voordeur");
        Self {
            recorded: meter
                .u64_counter("voordeur.escalation.fact.recorded")
                .with_unit("{fact}")
                .with_description("Facts that people recorded through this replica, by kind.")
                .build(),
            refused: meter
                .u64_counter("voordeur.escalation.fact.refused")
                .with_unit("{fact}")
                .with_description("Facts that the rules of acceptance refused, by reason.")
                .build(),
        }
    }

    pub(crate) fn recorded(&self, kind: &'static str) {
        self.recorded.add(1, &[KeyValue::new("voordeur.fact", kind)]);
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.add(1, &[KeyValue::new("voordeur.reason", reason)]);
    }
}
