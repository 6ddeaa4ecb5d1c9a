//! `voordeur serve`: one service on a given broker, or everything with a broker of its own.

mod endpoints;
pub(crate) mod own_broker;
mod services;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use voordeur_chassis::{
    Bound, Listen, Tasks,
    config::Config,
    lifecycle::{self, Ending, StopSignals},
    telemetry::{self, Telemetry},
};
use voordeur_eventlog::{
    Broker as _, Deadline, GroupSettings,
    nats::{NatsBroker, NatsSettings},
    topology::TopologyError,
};

use crate::{
    failure::Failure,
    operations::directory::{apply_file, checked},
    output,
    serve::{endpoints::EndpointsFile, own_broker::OwnBroker, services::Surroundings},
};

pub use services::ServiceName;
pub(crate) use services::{overrides, spans};

/// How long one look at the broker may take.
const LOOK_TIME: Duration = Duration::from_secs(5);
/// How long to wait between two looks at a broker that is not there yet.
const AGAIN_AFTER: Duration = Duration::from_millis(300);
/// How often it is told what a start is still waiting for.
const TELL_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in one process, with a broker of its own: for trying out, development and a small site
    All(All),
    /// Only intake, on the broker of the settings
    #[command(after_help = "\
Example:
  voordeur serve intake --dev --endpoints-file intake.json")]
    Intake(One),
    /// Only routing, on the broker of the settings
    #[command(after_help = "\
Example:
  voordeur serve routing --dev --endpoints-file routing.json")]
    Routing(One),
    /// Only escalation, on the broker of the settings
    #[command(after_help = "\
Example:
  voordeur serve escalation --dev --endpoints-file escalation.json")]
    Escalation(One),
}

/// What every way of serving takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Development: plaintext, loopback addresses, identities on trust. Access is not built yet, so nothing starts without it
    #[arg(long)]
    dev: bool,
    /// Take free ports instead of those of the settings
    #[arg(long)]
    free_ports: bool,
    /// Write the bound addresses to this file, as JSON, when everything is ready
    #[arg(long, value_name = "FILE")]
    endpoints_file: Option<PathBuf>,
    /// Show the settings in force, without secrets, and stop
    #[arg(long)]
    print_config: bool,
}

/// Everything in one process.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The folder holds everything: the broker's data, its settings and log, and the keys that are made
at the first start. The broker is a child process; it is started again when it dies, and the
services ride it out.

Example:
  voordeur serve all --dev --data ./data --directory directory.toml --endpoints-file endpoints.json")]
pub(crate) struct All {
    #[command(flatten)]
    common: Common,
    /// Folder for everything that is kept
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Directory file to apply before the services start
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// nats-server to start; else it is looked for on the PATH and in the tools folder
    #[arg(long, value_name = "PROGRAM", env = "NATS_SERVER", hide_env_values = true)]
    nats_server: Option<PathBuf>,
    /// Port of the broker; a free one when left out
    #[arg(long, value_name = "PORT")]
    nats_port: Option<u16>,
}

/// One service on a given broker.
#[derive(Debug, Clone, Args)]
pub(crate) struct One {
    #[command(flatten)]
    common: Common,
}

/// The command line of a binary with one service in it.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Alone {
    #[command(flatten)]
    one: One,
    /// Settings that lie over the defaults
    #[arg(long, value_name = "FILE", env = "VOORDEUR_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

/// Runs one service in a binary of its own.
///
/// # Errors
/// When it did not start, or did not end well.
pub async fn alone(name: ServiceName, alone: Alone) -> Result<ExitCode, Failure> {
    Box::pin(one(name, alone.one, Config::load(alone.config.as_deref())?)).await
}

pub(crate) async fn run(command: Command, config: Option<PathBuf>) -> Result<ExitCode, Failure> {
    let config = Config::load(config.as_deref())?;
    match command {
        Command::All(options) => Box::pin(all(options, config)).await,
        Command::Intake(options) => Box::pin(one(ServiceName::Intake, options, config)).await,
        Command::Routing(options) => Box::pin(one(ServiceName::Routing, options, config)).await,
        Command::Escalation(options) => Box::pin(one(ServiceName::Escalation, options, config)).await,
    }
}

/// Settings of a connection with the broker; `name` shows there.
pub(crate) fn nats_settings(config: &Config, name: &str) -> NatsSettings {
    let urls = config.broker.url.split(',').map(|url| url.trim().to_owned()).collect();
    let seed = &config.broker.nkey_file;
    NatsSettings {
        urls,
        monitor_urls: config.broker.monitor.clone(),
        nkey_seed_file: (!seed.as_os_str().is_empty()).then(|| seed.clone()),
        topology: config.streams.topology(),
        allow_unsynced: config.broker.allow_unsynced,
        group: GroupSettings {
            enabled: config.broker.group_commit,
            ..GroupSettings::for_replicas(config.streams.replicas)
        },
        name: name.to_owned(),
    }
}

fn permit(common: &Common) -> Result<(), Failure> {
    if common.dev {
        return Ok(());
    }
    Err(Failure::usage("access is not built yet, so services only start for development")
        .advise("add --dev: plaintext, loopback addresses, identities on trust"))
}

async fn one(name: ServiceName, options: One, config: Config) -> Result<ExitCode, Failure> {
    let common = options.common;
    let config = if common.free_ports { config.on_free_ports() } else { config };
    if common.print_config {
        output::line(config.masked().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    permit(&common)?;
    name.check(&config)?;
    let keys = services::load_keys(&config.keys.file)?;
    let telemetry = Telemetry::init(name.process(), &config.telemetry)?;
    telemetry::log_panics();
    let outcome = async {
        let mut signals = StopSignals::listen()?;
        let mut file = EndpointsFile::new(common.endpoints_file.clone());
        let surroundings = Surroundings { config: &config, keys, dev: common.dev, tasks: Tasks::new() };
        hold(&[name], &surroundings, &mut signals, &mut file).await
    };
    let outcome = Box::pin(outcome).await;
    telemetry.shutdown().await;
    outcome
}

async fn all(options: All, config: Config) -> Result<ExitCode, Failure> {
    let mut config = if options.common.free_ports { config.on_free_ports() } else { config };
    if options.common.print_config {
        output::line(config.masked().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    permit(&options.common)?;
    ServiceName::ALL.into_iter().try_for_each(|name| name.check(&config))?;
    if let Some(file) = &options.directory {
        checked(file)?;
    }
    let folder = own_broker::Folder::open(&options.data)?;
    let keys = services::load_or_make_keys(&folder.path().join("voordeur.keys"))?;
    let telemetry = Telemetry::init("voordeur", &config.telemetry)?;
    telemetry::log_panics();
    let outcome = async {
        let mut signals = StopSignals::listen()?;
        let broker = OwnBroker::start(&folder, options.nats_server.as_deref(), options.nats_port).await?;
        config.broker.url = broker.url();
        config.broker.monitor = vec![broker.monitor_url()];
        let mut file = EndpointsFile::new(options.common.endpoints_file.clone());
        file.put("nats", [("url", broker.url()), ("monitor", broker.monitor_url())]);
        let surroundings = Surroundings { config: &config, keys, dev: true, tasks: Tasks::new() };
        let outcome = async {
            prepare(&config, options.directory.as_deref()).await?;
            hold(&ServiceName::ALL, &surroundings, &mut signals, &mut file).await
        };
        let outcome = Box::pin(outcome).await;
        broker.stop().await;
        outcome
    };
    let outcome = Box::pin(outcome).await;
    telemetry.shutdown().await;
    outcome
}

/// What the operations identity does before services can start.
async fn prepare(config: &Config, directory: Option<&std::path::Path>) -> Result<(), Failure> {
    let broker = connect(config, "operations").await?;
    let changes = broker.apply(Deadline::now() + LOOK_TIME * 4).await?;
    tracing::info!(
        changes = changes.iter().filter(|change| change.action != "unchanged").count(),
        "streams applied"
    );
    if let Some(file) = directory {
        let version = apply_file(&broker, file, Deadline::now() + LOOK_TIME).await?;
        tracing::info!(version, "directory applied");
    }
    broker.close().await;
    Ok(())
}

async fn connect(config: &Config, name: &str) -> Result<NatsBroker, Failure> {
    NatsBroker::connect(nats_settings(config, name)).await.map_err(|error| Failure::usage(error.to_string()))
}

/// Starts services, says where they are when they are ready, and holds them until a signal or a failure.
async fn hold(
    names: &[ServiceName],
    surroundings: &Surroundings<'_>,
    signals: &mut StopSignals,
    file: &mut EndpointsFile,
) -> Result<ExitCode, Failure> {
    let tasks = &surroundings.tasks;
    let mut brokers = Vec::new();
    let started = tokio::select! {
        started = launch(names, surroundings, &mut brokers, file) => started.map(|()| true),
        failure = tasks.failure() => Err(Failure::failed(failure.to_string())),
        () = signals.next() => Ok(false),
    };
    let grace = surroundings.config.lifecycle.grace();
    let outcome = match started {
        Ok(true) => Ok(lifecycle::run(tasks, signals, grace).await),
        Ok(false) => Ok(lifecycle::wind_down(tasks, grace, signals.next()).await),
        Err(failure) => {
            lifecycle::wind_down(tasks, grace, signals.next()).await;
            Err(failure)
        }
    };
    file.remove();
    for broker in brokers {
        broker.close().await;
    }
    match outcome? {
        Ending::Failed(failure) => Err(Failure::failed(failure.to_string())),
        ending => Ok(ending.exit_code()),
    }
}

async fn launch(
    names: &[ServiceName],
    surroundings: &Surroundings<'_>,
    brokers: &mut Vec<NatsBroker>,
    file: &mut EndpointsFile,
) -> Result<(), Failure> {
    let config = surroundings.config;
    let mut bound: Vec<Bound> = Vec::new();
    for name in names {
        let broker = connect(config, name.as_str()).await?;
        brokers.push(broker.clone());
        verified(&broker).await?;
        let environment = surroundings.environment(broker);
        let service = Box::pin(name.start(&environment, surroundings)).await?;
        let listen = Listen { addresses: name.addresses(config), limits: config.limits.clone() };
        bound.push(voordeur_chassis::serve(service, &listen, &environment).await?);
    }
    let mut tell = tokio::time::interval_at(tokio::time::Instant::now() + TELL_EVERY, TELL_EVERY);
    for one in &bound {
        let mut ready = std::pin::pin!(one.ready());
        loop {
            tokio::select! {
                () = &mut ready => break,
                _ = tell.tick() => {
                    tracing::warn!(service = one.service, checks = ?one.readiness.checks(), "not ready yet");
                }
            }
        }
    }
    for one in &bound {
        file.put(
            one.service,
            [("grpc", format!("http://{}", one.grpc)), ("http", format!("http://{}", one.http))],
        );
        output::line(&format!("{:<10}  grpc http://{}  http http://{}", one.service, one.grpc, one.http))?;
    }
    if names.contains(&ServiceName::Routing) {
        // What `voordeur routes` must count with to come to the same choices.
        let mut routing = config.routing.clone();
        file.add(
            ServiceName::Routing.as_str(),
            spans(&mut routing).map(|(name, span)| (name, span.to_string())),
        );
    }
    file.write()?;
    output::line("ready; stop with Ctrl-C")
}

/// Waits for the broker, then compares it with what it should be.
async fn verified(broker: &NatsBroker) -> Result<(), Failure> {
    loop {
        match broker.verify(Deadline::now() + LOOK_TIME).await {
            Ok(()) => return Ok(()),
            Err(TopologyError::Unavailable(cause)) => {
                tracing::warn!(cause, "the broker cannot be reached; waiting for it");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
