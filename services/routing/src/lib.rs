//! The routing service: brings each signal, as a task, to the professional who is embedded at the centre, and never lets it lie.
//!
//! Owner of the stream TASKS. It is woken by SIGNALS and by work that comes due on EPISODES, keeps open tasks and presence in a fold, fires
//! deadlines from it, and offers `TaskService`, `PresenceService` and `NoticeService`. What may happen when is one table, `docs/tasks.md`. Beside the
//! fold it reads its streams once more, for the [`auditor`] and for [`notices`].

mod api;
mod around;
mod audit;
pub mod auditor;
mod clocks;
mod codec;
mod episodes;
mod following;
mod machine;
mod making;
mod metrics;
pub mod notices;
mod office;
mod problem;
pub mod rehearsal;
mod signals;

use std::{convert::Infallible, sync::Arc};

use tonic::service::Routes;
use voordeur_chassis::{AuditTrail, Environment, Service, StartError, telemetry::processing};
use voordeur_contracts::routing::{
    notice_service_server::{self, NoticeServiceServer},
    presence_service_server::{self, PresenceServiceServer},
    task_service_server::{self, TaskServiceServer},
};
use voordeur_directory::{DirectoryStore, DirectoryWatch};
use voordeur_eventlog::{
    BucketName, ConsumerName, StreamName, dead_letters::DeadLetters, fold::Fold, worker::Worker,
};
use voordeur_kernel::limits;
use voordeur_vault::Deriver;

pub use codec::{presence::write_presence, write_task};
pub use machine::{presence_event, task_after, task_event};
pub use voordeur_routing_domain::ladder::Overrides;

use crate::{
    api::{NoticeApi, PresenceApi, TaskApi},
    audit::Audit,
    episodes::Episodes,
    metrics::Instruments,
    notices::{Desk, Notifier, Sending},
    office::Office,
    signals::Signals,
};

/// What this service has to be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Derives the ids of tasks and acts, under the key of the installation.
    pub deriver: Deriver,
    /// Other spans than the built-in ones, for demonstrations and tests.
    pub overrides: Overrides,
    /// Who hands mail over that tells people to act; `None`: nobody is told by mail.
    pub notifier: Option<Arc<dyn Notifier>>,
    /// Where people find their worklist, as a mail says it; empty: as they know it.
    pub worklist: String,
}

impl Settings {
    /// With nothing else than what every installation has.
    #[must_use]
    pub fn new(deriver: Deriver) -> Self {
        Self { deriver, overrides: Overrides::default(), notifier: None, worklist: String::new() }
    }
}

/// Starts the service. It answers once its fold has read the whole stream; until then calls get UNAVAILABLE.
///
/// # Errors
/// None at the moment: what can be wrong with the broker was verified before, and what is away is waited for.
#[expect(clippy::unused_async, reason = "every service starts in the same way")]
pub async fn start(environment: &Environment, settings: Settings) -> Result<Service, StartError> {
    let Environment { broker, clock, tasks, .. } = environment;
    let fold = Fold::new(broker.log(StreamName::Tasks));
    let directory = DirectoryWatch::new(DirectoryStore::new(broker.bucket(BucketName::Directory)));
    let office = Arc::new(Office {
        fold: Arc::clone(&fold),
        directory: Arc::clone(&directory),
        clock: Arc::clone(clock),
        deriver: settings.deriver,
        overrides: settings.overrides,
        audit: Audit(AuditTrail::new(broker.log(StreamName::Audit), codec::SERVICE, codec::SOURCE)),
        instruments: Instruments::new(),
    });

    tasks.spawn("routing fold", Arc::clone(&fold).run(tasks.stop()));
    let (following, stop) = (Arc::clone(&directory), tasks.stop());
    tasks.spawn("routing directory", async move {
        following.run(stop).await;
        Ok::<(), Infallible>(())
    });
    let desk = Desk::new();
    let signals = broker.log(StreamName::Signals);
    let following = notices::follow(Arc::clone(&office), Arc::clone(&desk), signals, tasks.stop());
    tasks.spawn("routing auditor", following);
    if let Some(notifier) = settings.notifier {
        let (office, desk) = (Arc::clone(&office), Arc::clone(&desk));
        let sending = Arc::new(Sending { office, desk, notifier, worklist: settings.worklist });
        tasks.spawn("routing notices", notices::send(sending, tasks.stop()));
    }
    tasks.spawn("routing clocks", clocks::run(Arc::clone(&office), tasks.stop()));

    let worker = Worker::new(
        codec::SERVICE,
        broker.wakeups(ConsumerName::RoutingSignals),
        broker.wakeups(ConsumerName::RoutingReplays),
        DeadLetters::new(broker.log(StreamName::DeadLetters), Arc::clone(clock)),
        Arc::new(Signals { office: Arc::clone(&office), log: broker.log(StreamName::Signals) }),
    )
    .and(
        broker.wakeups(ConsumerName::RoutingEpisodes),
        Arc::new(Episodes { office: Arc::clone(&office), log: broker.log(StreamName::Episodes) }),
    )
    .with_span(processing);
    let (ready, stop) = (Arc::clone(&office), tasks.stop());
    tasks.spawn("routing wake-ups", async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            // Before that every delivery would only be put off.
            () = async { ready.fold.ready().await; ready.directory.ready().await; } => worker.run(stop.clone()).await,
        }
        Ok::<(), Infallible>(())
    });

    let task_api = TaskServiceServer::new(TaskApi { office: Arc::clone(&office) })
        .max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    let notice_api = NoticeServiceServer::new(NoticeApi { office: Arc::clone(&office), desk })
        .max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    let presence_api = PresenceServiceServer::new(PresenceApi { office })
        .max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    let (fold_ready, fold_digest) = (Arc::clone(&fold), fold);
    Ok(Service {
        name: codec::SERVICE,
        grpc: Routes::new(task_api).add_service(presence_api).add_service(notice_api),
        grpc_services: vec![
            task_service_server::SERVICE_NAME,
            presence_service_server::SERVICE_NAME,
            notice_service_server::SERVICE_NAME,
        ],
        refusal_detail: None,
        ready: vec![
            ("fold", Arc::new(move || fold_ready.is_ready())),
            ("directory", Arc::new(move || directory.is_ready())),
        ],
        folds: vec![("TASKS", Arc::new(move || fold_digest.digest()))],
    })
}
