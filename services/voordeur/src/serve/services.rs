//! The services by name, and what each is given.

use std::{path::Path, sync::Arc, time::Duration};

use voordeur_chassis::{
    Environment, Service, StartError, SystemClock, Tasks,
    config::{Config, ListenConfig, MailConfig, MailTls, RoutingConfig},
};
use voordeur_eventlog::nats::NatsBroker;
use voordeur_kernel::Span;
use voordeur_routing::notices::{
    Notifier,
    smtp::{self, BadMailSettings, Smtp, SmtpSettings, Tls},
};
use voordeur_vault::KeyFile;

use crate::failure::Failure;

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceName {
    /// Takes signals in.
    Intake,
    /// Brings them to professionals.
    Routing,
    /// Follows episodes.
    Escalation,
}

/// What the services of one process share.
pub(super) struct Surroundings<'a> {
    pub(super) config: &'a Config,
    pub(super) keys: Arc<KeyFile>,
    pub(super) dev: bool,
    pub(super) tasks: Tasks,
}

impl Surroundings<'_> {
    pub(super) fn environment(&self, broker: NatsBroker) -> Environment {
        Environment {
            broker: Arc::new(broker),
            clock: Arc::new(SystemClock),
            tasks: self.tasks.clone(),
            dev: self.dev,
        }
    }
}

impl ServiceName {
    /// Every service, in the order of their work.
    pub const ALL: [Self; 3] = [Self::Intake, Self::Routing, Self::Escalation];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Routing => "routing",
            Self::Escalation => "escalation",
        }
    }

    /// `service.name` of a process with this service alone.
    pub(super) const fn process(self) -> &'static str {
        match self {
            Self::Intake => "voordeur-intake",
            Self::Routing => "voordeur-routing",
            Self::Escalation => "voordeur-escalation",
        }
    }

    pub(super) const fn addresses(self, config: &Config) -> ListenConfig {
        match self {
            Self::Intake => config.intake,
            Self::Routing => config.routing.listen(),
            Self::Escalation => config.escalation.listen(),
        }
    }

    /// Finds what is wrong with the settings before anything is started for them.
    pub(super) fn check(self, config: &Config) -> Result<(), StartError> {
        match self {
            Self::Intake => Ok(()),
            Self::Routing => notifier(&config.mail).map(|_| ()),
            Self::Escalation => {
                voordeur_escalation::load_follow_up(&config.escalation.follow_up_file).map(|_| ())
            }
        }
    }

    pub(super) async fn start(
        self,
        environment: &Environment,
        surroundings: &Surroundings<'_>,
    ) -> Result<Service, StartError> {
        let keys = Arc::clone(&surroundings.keys);
        match self {
            Self::Intake => voordeur_intake::start(environment, voordeur_intake::Settings::new(keys)).await,
            Self::Routing => {
                let settings = voordeur_routing::Settings {
                    overrides: overrides(&surroundings.config.routing),
                    notifier: notifier(&surroundings.config.mail)?,
                    worklist: surroundings.config.mail.worklist.clone(),
                    ..voordeur_routing::Settings::new(keys.deriver())
                };
                voordeur_routing::start(environment, settings).await
            }
            Self::Escalation => {
                let plan = &surroundings.config.escalation.follow_up_file;
                let settings = voordeur_escalation::Settings {
                    follow_up: voordeur_escalation::load_follow_up(plan)?,
                    ..voordeur_escalation::Settings::new(keys)
                };
                voordeur_escalation::start(environment, settings).await
            }
        }
    }
}

/// Who hands mail over, when there is a server for it.
fn notifier(config: &MailConfig) -> Result<Option<Arc<dyn Notifier>>, StartError> {
    if config.server.is_empty() {
        return Ok(None);
    }
    let file = &config.credentials_file;
    let bad = |error: BadMailSettings| StartError::Settings(error.to_string());
    let credentials =
        (!file.as_os_str().is_empty()).then(|| smtp::read_credentials(file)).transpose().map_err(bad)?;
    let file = &config.ca_file;
    let authorities =
        (!file.as_os_str().is_empty()).then(|| smtp::read_authorities(file)).transpose().map_err(bad)?;
    let settings = SmtpSettings {
        server: config.server.clone(),
        port: config.port,
        tls: match config.tls {
            MailTls::StartTls => Tls::StartTls,
            MailTls::Tls => Tls::Tls,
            MailTls::None => Tls::None,
        },
        from: config.from.clone(),
        credentials,
        authorities,
        timeout: Duration::from_secs(config.timeout_s),
    };
    let smtp = Smtp::new(settings).map_err(bad)?;
    Ok(Some(Arc::new(smtp)))
}

/// Spans of the settings by their names, in seconds; 0: as the policy says.
pub(crate) fn spans(config: &mut RoutingConfig) -> [(&'static str, &mut u64); 5] {
    [
        ("offer_s", &mut config.offer_s),
        ("accept_s", &mut config.accept_s),
        ("first_contact_s", &mut config.first_contact_s),
        ("answer_s", &mut config.answer_s),
        ("repeat_s", &mut config.repeat_s),
    ]
}

/// Spans other than those of the policy, where there are any.
pub(crate) fn overrides(config: &RoutingConfig) -> voordeur_routing::Overrides {
    let span = |seconds: u64| (seconds > 0).then_some(Span::Elapsed(seconds));
    voordeur_routing::Overrides {
        offer: span(config.offer_s),
        accept: span(config.accept_s),
        first_contact: span(config.first_contact_s),
        answer: span(config.answer_s),
        repeat: span(config.repeat_s),
    }
}

/// Reads the keys of the installation.
pub(super) fn load_keys(path: &Path) -> Result<Arc<KeyFile>, Failure> {
    KeyFile::load(path).map(Arc::new).map_err(|error| {
        Failure::usage(error.to_string())
            .advise("make keys with `voordeur keys generate --file FILE`, or say where they are with VOORDEUR__KEYS__FILE")
    })
}

/// Reads the keys, or makes them at the first start.
pub(super) fn load_or_make_keys(path: &Path) -> Result<Arc<KeyFile>, Failure> {
    if !path.exists() {
        let made = KeyFile::generate().and_then(|keys| keys.save(path));
        made.map_err(|error| Failure::failed(error.to_string()))?;
    }
    load_keys(path)
}
