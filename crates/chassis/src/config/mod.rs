//! Settings: the compiled-in defaults, a file over them, the environment over that. Everything that is wrong is reported at once.

mod document;
mod layers;
mod rules;

use std::{net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use voordeur_kernel::Faults;

pub use document::markdown;

/// The defaults, with their documentation.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// What a variable of the environment begins with when it is a setting.
pub const ENVIRONMENT_PREFIX: &str = "VOORDEUR__";

/// Every setting. What each means stands in the defaults.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the event log lives.
    pub broker: BrokerConfig,
    /// Settings of the streams.
    pub streams: StreamsConfig,
    /// Key material.
    pub keys: KeysConfig,
    /// Traces, metrics, logs.
    pub telemetry: TelemetryConfig,
    /// Bounds.
    pub limits: LimitsConfig,
    /// Starting and stopping.
    pub lifecycle: LifecycleConfig,
    /// Addresses of intake.
    pub intake: ListenConfig,
    /// Routing.
    pub routing: RoutingConfig,
    /// Mail that tells people to act.
    pub mail: MailConfig,
    /// Escalation.
    pub escalation: EscalationConfig,
}

/// Section `broker`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerConfig {
    /// Servers, separated by commas.
    pub url: String,
    /// Monitoring addresses.
    pub monitor: Vec<String>,
    /// NKey seed; empty: none.
    pub nkey_file: PathBuf,
    /// Accept a broker that does not sync first.
    pub allow_unsynced: bool,
    /// Many appends at the same time share one write.
    pub group_commit: bool,
}

/// Section `streams`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StreamsConfig {
    /// Copies.
    pub replicas: usize,
    /// Most megabytes of each stream.
    pub megabytes_max: u64,
    /// Seconds.
    pub duplicate_window_s: u64,
    /// Seconds.
    pub ack_wait_s: u64,
}

impl StreamsConfig {
    /// The same, as the topology wants it.
    #[must_use]
    pub const fn topology(&self) -> voordeur_eventlog::topology::Settings {
        voordeur_eventlog::topology::Settings {
            replicas: self.replicas,
            stream_bytes_max: self.megabytes_max << 20,
            bucket_bytes_max: 1 << 30,
            duplicate_window: Duration::from_secs(self.duplicate_window_s),
            ack_wait: Duration::from_secs(self.ack_wait_s),
        }
    }
}

/// Section `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The key file.
    pub file: PathBuf,
}

/// Section `telemetry`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// OTLP over gRPC; empty: off.
    pub otlp_endpoint: String,
    /// Seconds.
    pub metrics_interval_s: u64,
    /// 0.0-1.0.
    pub traces_kept: f64,
    /// Levels by target.
    pub log: String,
    /// `json` or `text`.
    pub log_format: LogFormat,
    /// Name among replicas; empty: drawn.
    pub instance: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Text,
}

/// Section `limits`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Calls at the same time.
    pub calls_max: usize,
    /// Streams at the same time.
    pub streams_max: usize,
    /// Of one connection.
    pub connection_streams_max: u32,
}

/// Section `lifecycle`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleConfig {
    /// Seconds.
    pub grace_s: u64,
}

impl LifecycleConfig {
    /// Time to finish what is in hand.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_s)
    }
}

/// Addresses of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// gRPC.
    pub grpc: SocketAddr,
    /// Health, metrics, administration.
    pub http: SocketAddr,
}

/// Section `routing`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingConfig {
    /// gRPC.
    pub grpc: SocketAddr,
    /// Health, metrics, administration.
    pub http: SocketAddr,
    /// Seconds; 0: as the policy says. So are the next four.
    pub offer_s: u64,
    /// Until somebody must have accepted.
    pub accept_s: u64,
    /// Until there must have been contact.
    pub first_contact_s: u64,
    /// Until there must be an answer.
    pub answer_s: u64,
    /// Until a clock that rang rings again.
    pub repeat_s: u64,
}

impl RoutingConfig {
    /// Its addresses.
    #[must_use]
    pub const fn listen(&self) -> ListenConfig {
        ListenConfig { grpc: self.grpc, http: self.http }
    }
}

/// Section `mail`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// Server that takes mail; empty: none.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept secret.
    pub tls: MailTls,
    /// Address that mail comes from.
    pub from: String,
    /// User and password, one a line; empty: none.
    pub credentials_file: PathBuf,
    /// Certificates of authorities that are trusted beside those of the machine; empty: none.
    pub ca_file: PathBuf,
    /// Seconds.
    pub timeout_s: u64,
    /// Address of the worklist; empty: none.
    pub worklist: String,
}

/// How the connection with the server of mail is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// It begins in the clear and changes over.
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

/// Section `escalation`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationConfig {
    /// gRPC.
    pub grpc: SocketAddr,
    /// Health, metrics, administration.
    pub http: SocketAddr,
    /// The plan of follow-up checks; empty: the one that is compiled in.
    pub follow_up_file: PathBuf,
}

impl EscalationConfig {
    /// Its addresses.
    #[must_use]
    pub const fn listen(&self) -> ListenConfig {
        ListenConfig { grpc: self.grpc, http: self.http }
    }
}

/// Settings are wrong; each fault tells where it stands and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings have faults:\n{}", lines(.0))]
pub struct BadConfig(pub Faults);

fn lines(faults: &Faults) -> String {
    faults
        .as_slice()
        .iter()
        .map(|fault| format!("  {}: {}", fault.field, fault.description))
        .collect::<Vec<_>>()
        .join("\n")
}

impl Config {
    /// Reads the settings of this process: defaults, `file` if any, environment.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn load(file: Option<&Path>) -> Result<Self, BadConfig> {
        let mut faults = Faults::new();
        let text = file.and_then(|path| match std::fs::read_to_string(path) {
            Ok(text) => Some((path.display().to_string(), text)),
            Err(error) => {
                faults.add(path.display().to_string(), "UNREADABLE", format!("cannot be read: {error}"));
                None
            }
        });
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX));
        let file = text.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        let loaded = Self::from_sources(file, environment);
        match loaded {
            Ok(config) if faults.is_empty() => Ok(config),
            Ok(_) => Err(BadConfig(faults)),
            Err(BadConfig(more)) => {
                for fault in more.into_vec() {
                    faults.add(fault.field, fault.reason, fault.description);
                }
                Err(BadConfig(faults))
            }
        }
    }

    /// Reads settings from given sources: a file with its name, and variables.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn from_sources(
        file: Option<(&str, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, BadConfig> {
        let mut faults = Faults::new();
        let mut table = layers::defaults();
        if let Some((name, text)) = file {
            layers::lay_file(&mut table, name, text, &mut faults);
        }
        let mut environment: Vec<_> = environment.into_iter().collect();
        environment.sort();
        for (name, value) in environment {
            layers::lay_variable(&mut table, &name, &value, &mut faults);
        }
        rules::check(&table, &mut faults);
        if !faults.is_empty() {
            return Err(BadConfig(faults));
        }
        let config = faults.take("settings", "BAD_SETTING", toml::Value::Table(table).try_into::<Self>());
        faults.finish(config).map_err(BadConfig)
    }

    /// The settings in force as TOML, secrets masked.
    #[must_use]
    pub fn masked(&self) -> String {
        let mut shown = self.clone();
        shown.broker.url = shown.broker.url.split(',').map(mask_url).collect::<Vec<_>>().join(",");
        for url in &mut shown.broker.monitor {
            *url = mask_url(url);
        }
        shown.telemetry.otlp_endpoint = mask_url(&shown.telemetry.otlp_endpoint);
        toml::to_string(&shown).unwrap_or_default()
    }

    /// Every address on a free port of the loopback interface, for development and tests.
    #[must_use]
    pub fn on_free_ports(mut self) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let routing = &mut self.routing;
        for address in [
            &mut self.intake.grpc,
            &mut self.intake.http,
            &mut routing.grpc,
            &mut routing.http,
            &mut self.escalation.grpc,
            &mut self.escalation.http,
        ] {
            *address = free;
        }
        self
    }
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
    fn default() -> Self {
        Self::from_sources(None, []).expect("the compiled-in defaults are good")
    }
}

/// Hides user and password in an address.
fn mask_url(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, host)) => format!("{scheme}://***@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(file: &str, environment: &[(&str, &str)]) -> Vec<(String, &'static str)> {
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let error = Config::from_sources(Some(("v.toml", file)), environment).unwrap_err();
        error.0.into_vec().into_iter().map(|fault| (fault.field, fault.reason)).collect()
    }

    #[test]
    fn the_defaults_are_good_and_say_everything() {
        let config = Config::default();
        assert_eq!(config.intake.grpc.port(), 7401);
        assert_eq!(config.streams.topology(), voordeur_eventlog::topology::Settings::default());
    }

    #[test]
    fn the_environment_lies_over_the_file_and_the_file_over_the_defaults() {
        let file = "[broker]\nurl = \"nats://a:1\"\nallow_unsynced = true\n[telemetry]\ntraces_kept = 1\n";
        let environment = [
            ("VOORDEUR__BROKER__URL", "nats://b:2"),
            ("VOORDEUR__BROKER__MONITOR", "http://b:8222, http://c:8222"),
            ("VOORDEUR__LIMITS__CALLS_MAX", "7"),
        ];
        let environment = environment.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let config = Config::from_sources(Some(("v.toml", file)), environment).unwrap();
        assert_eq!(config.broker.url, "nats://b:2");
        assert_eq!(config.broker.monitor, ["http://b:8222", "http://c:8222"]);
        assert!(config.broker.allow_unsynced);
        assert_eq!(config.limits.calls_max, 7);
        assert_eq!(config.lifecycle.grace_s, 20);
    }

    #[test]
    fn everything_that_is_wrong_is_reported_at_once() {
        let file = "[limits]\ncalls_maks = 1\ncalls_max = \"many\"\nstreams_max = 0\n[brokre]\nurl = \"x\"\n[intake]\ngrpc = \"here\"\n";
        let environment = [
            ("VOORDEUR__TELEMETRY__LOG_FORMAT", "xml"),
            ("VOORDEUR__LIFECYCLE__GRACE_S", "soon"),
            ("VOORDEUR__NO__SUCH", "1"),
            ("VOORDEUR__TELEMETRY__OTLP_ENDPOINT", "collector:4317"),
        ];
        let mut found = faults(file, &environment);
        found.sort();
        let mut expected = vec![
            ("brokre".to_owned(), "UNKNOWN_SETTING"),
            ("intake.grpc".to_owned(), "BAD_SETTING"),
            ("limits.calls_maks".to_owned(), "UNKNOWN_SETTING"),
            ("limits.calls_max".to_owned(), "WRONG_TYPE"),
            ("limits.streams_max".to_owned(), "BAD_SETTING"),
            ("VOORDEUR__LIFECYCLE__GRACE_S".to_owned(), "WRONG_TYPE"),
            ("VOORDEUR__NO__SUCH".to_owned(), "UNKNOWN_SETTING"),
            ("telemetry.log_format".to_owned(), "BAD_SETTING"),
            ("telemetry.otlp_endpoint".to_owned(), "BAD_SETTING"),
        ];
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_fault_names_its_line_and_the_nearest_setting() {
        let error = Config::from_sources(Some(("v.toml", "\n[limits]\ncalls_maks = 1\n")), []).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("v.toml line 3") && text.contains("limits.calls_max"), "{text}");
        let error = Config::from_sources(Some(("v.toml", "[limits\n")), []).unwrap_err();
        assert!(error.to_string().contains("v.toml"), "{error}");
    }

    #[test]
    fn secrets_are_masked_when_settings_are_shown() {
        let mut config = Config::default();
        config.broker.url = "nats://user:geheim@a:1,nats://b:2".into();
        let shown = config.masked();
        assert!(!shown.contains("geheim") && shown.contains("nats://***@a:1,nats://b:2"), "{shown}");
    }

    #[test]
    fn the_page_about_settings_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            page == markdown(),
            "run `cargo run -p voordeur -- config --markdown > docs/configuration.md`"
        );
    }
}
