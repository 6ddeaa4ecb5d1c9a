//! What a setting may be, beyond its type.

use std::net::SocketAddr;

use toml::{Table, Value};
use voordeur_kernel::Faults;

#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Address and port.
    Address,
    /// A whole number, both ends included.
    Between(i64, i64),
    /// A number, both ends included.
    Share,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An address of the web with one of these schemes; or empty.
    UrlOrEmpty(&'static [&'static str]),
    /// Addresses separated by commas, each with one of these schemes.
    Urls(&'static [&'static str]),
    /// Not empty.
    Required,
    /// Levels by target.
    Levels,
}

const YEAR_S: i64 = 366 * 24 * 3600;

pub(super) const RULES: &[(&str, &str, Rule)] = &[
    ("broker", "url", Rule::Urls(&["nats", "tls"])),
    ("broker", "monitor", Rule::Urls(&["http"])),
    ("streams", "replicas", Rule::Between(1, 5)),
    ("streams", "megabytes_max", Rule::Between(16, 1 << 20)),
    ("streams", "duplicate_window_s", Rule::Between(1, 3600)),
    ("streams", "ack_wait_s", Rule::Between(5, 600)),
    ("keys", "file", Rule::Required),
    ("telemetry", "otlp_endpoint", Rule::UrlOrEmpty(&["http", "https"])),
    ("telemetry", "metrics_interval_s", Rule::Between(1, 300)),
    ("telemetry", "traces_kept", Rule::Share),
    ("telemetry", "log", Rule::Levels),
    ("telemetry", "log_format", Rule::OneOf(&["json", "text"])),
    ("limits", "calls_max", Rule::Between(1, 100_000)),
    ("limits", "streams_max", Rule::Between(1, 100_000)),
    ("limits", "connection_streams_max", Rule::Between(1, 10_000)),
    ("lifecycle", "grace_s", Rule::Between(0, 600)),
    ("intake", "grpc", Rule::Address),
    ("intake", "http", Rule::Address),
    ("routing", "grpc", Rule::Address),
    ("routing", "http", Rule::Address),
    ("routing", "offer_s", Rule::Between(0, YEAR_S)),
    ("routing", "accept_s", Rule::Between(0, YEAR_S)),
    ("routing", "first_contact_s", Rule::Between(0, YEAR_S)),
    ("routing", "answer_s", Rule::Between(0, YEAR_S)),
    ("routing", "repeat_s", Rule::Between(0, YEAR_S)),
    ("mail", "port", Rule::Between(1, 65_535)),
    ("mail", "tls", Rule::OneOf(&["starttls", "tls", "none"])),
    ("mail", "timeout_s", Rule::Between(1, 25)),
    ("mail", "worklist", Rule::UrlOrEmpty(&["http", "https"])),
    ("escalation", "grpc", Rule::Address),
    ("escalation", "http", Rule::Address),
];

impl Rule {
    pub(super) fn text(self) -> String {
        match self {
            Self::Address => "an address and a port, for instance 127.0.0.1:7401".to_owned(),
            Self::Between(low, high) => format!("a whole number from {low} to {high}"),
            Self::Share => "a number from 0.0 to 1.0".to_owned(),
            Self::OneOf(words) => words.join(" or "),
            Self::UrlOrEmpty(schemes) => {
                format!("empty, or an address that begins with {}", schemes_text(schemes))
            }
            Self::Urls(schemes) => format!("addresses that begin with {}", schemes_text(schemes)),
            Self::Required => "not empty".to_owned(),
            Self::Levels => "levels: error, warn, info, debug, trace, or levels by target".to_owned(),
        }
    }

    fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Address, Value::String(text)) => text.parse::<SocketAddr>().is_ok(),
            (Self::Between(low, high), Value::Integer(number)) => (low..=high).contains(number),
            (Self::Share, Value::Float(number)) => (0.0..=1.0).contains(number),
            (Self::OneOf(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::UrlOrEmpty(schemes), Value::String(text)) => text.is_empty() || is_url(text, schemes),
            (Self::Urls(schemes), Value::String(text)) => {
                text.split(',').all(|part| is_url(part.trim(), schemes))
            }
            (Self::Urls(schemes), Value::Array(items)) => {
                items.iter().all(|item| item.as_str().is_some_and(|text| is_url(text, schemes)))
            }
            (Self::Required, Value::String(text)) => !text.trim().is_empty(),
            (Self::Levels, Value::String(text)) => tracing_subscriber::EnvFilter::try_new(text).is_ok(),
            _ => false,
        }
    }
}

fn schemes_text(schemes: &[&str]) -> String {
    schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ")
}

fn is_url(text: &str, schemes: &[&str]) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme_str().is_some_and(|scheme| schemes.contains(&scheme)) && uri.authority().is_some()
    })
}

pub(super) fn check(table: &Table, faults: &mut Faults) {
    for (section, key, rule) in RULES {
        let value = table.get(*section).and_then(|inner| inner.get(*key));
        if !value.is_some_and(|value| rule.holds(value)) {
            faults.add(format!("{section}.{key}"), "BAD_SETTING", format!("must be {}", rule.text()));
        }
    }
}
