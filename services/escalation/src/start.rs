//! Puts the parts together.

use std::{convert::Infallible, sync::Arc};

use jiff::tz::TimeZone;
use tokio::sync::Semaphore;
use voordeur_chassis::{Environment, Service, StartError, telemetry::processing};
use voordeur_contracts::escalation::{
    activity_service_server::{self, ActivityServiceServer},
    episode_service_server::{EpisodeServiceServer, SERVICE_NAME},
    outcome_report_service_server::{self, OutcomeReportServiceServer},
};
use voordeur_directory::{DirectoryStore, DirectoryWatch, ZONE};
use voordeur_escalation_domain::Rules;
use voordeur_eventlog::{
    BucketName, ConsumerName, StreamName, dead_letters::DeadLetters, fold::Fold, worker::Worker,
};
use voordeur_kernel::limits;

use crate::{
    Settings,
    activity::{ActivityApi, FloorOffice},
    api::EpisodeApi,
    audit::Audit,
    clock,
    codec::SERVICE,
    machine::Episodes,
    metrics::FactInstruments,
    office::Office,
    reaction::TaskReaction,
    report::{ReportApi, ReportOffice},
    tasks::TaskHistories,
};

/// Starts the service: its fold, its wake-ups, and what it answers. It is ready once it has read its own stream and a directory.
///
/// # Errors
/// When the service cannot start with these settings. What is merely away for now delays readiness instead.
pub async fn start(env: &Environment, settings: Settings) -> Result<Service, StartError> {
    let stop = env.tasks.stop();
    let directory = settings.directory.unwrap_or_else(|| {
        let watch = DirectoryWatch::new(DirectoryStore::new(env.broker.bucket(BucketName::Directory)));
        let (following, stop) = (Arc::clone(&watch), stop.clone());
        env.tasks.spawn("escalation directory", async move {
            following.run(stop).await;
            Ok::<(), Infallible>(())
        });
        watch
    });

    let fold = Fold::<Episodes>::new(env.broker.log(StreamName::Episodes));
    env.tasks.spawn("escalation episodes", Arc::clone(&fold).run(stop.clone()));

    let zone = TimeZone::get(ZONE).map_err(|error| StartError::Failed(error.to_string()))?;
    let office = Arc::new(Office {
        fold: Arc::clone(&fold),
        tasks: TaskHistories(env.broker.log(StreamName::Tasks)),
        directory: Arc::clone(&directory),
        clock: Arc::clone(&env.clock),
        deriver: settings.keys.deriver(),
        rules: Rules { zone, plan: settings.follow_up },
    });
    let moments = clock::run(Arc::clone(&office), Arc::clone(&env.clock), stop.clone());
    env.tasks.spawn("escalation moments", moments);

    let reaction = Arc::new(TaskReaction { office: Arc::clone(&office) });
    let worker = Worker::new(
        SERVICE,
        env.broker.wakeups(ConsumerName::EscalationTasks),
        env.broker.wakeups(ConsumerName::EscalationReplays),
        DeadLetters::new(env.broker.log(StreamName::DeadLetters), Arc::clone(&env.clock)),
        reaction,
    )
    .with_span(processing);
    let read = Arc::clone(&fold);
    env.tasks.spawn("escalation wake-ups", async move {
        // Before that nothing could be decided; deliveries would only come again.
        tokio::select! {
            () = stop.cancelled() => {}
            () = read.ready() => worker.run(stop.clone()).await,
        }
        Ok::<(), Infallible>(())
    });

    let floor = FloorOffice::start(env, Arc::clone(&directory), settings.keys.deriver());
    let activities = ActivityServiceServer::new(ActivityApi(Arc::clone(&floor)))
        .max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    let (floor_ready, floor_digest) = (Arc::clone(&floor), floor);

    let reports = OutcomeReportServiceServer::new(ReportApi(Arc::new(ReportOffice {
        episodes: env.broker.log(StreamName::Episodes),
        signals: env.broker.log(StreamName::Signals),
        directory: Arc::clone(&directory),
        clock: Arc::clone(&env.clock),
        deriver: settings.keys.deriver(),
        zone: office.rules.zone.clone(),
        one: Semaphore::new(1),
    })))
    .max_decoding_message_size(limits::REQUEST_BYTES_MAX);

    let api = EpisodeApi {
        office,
        audit: Audit::new(env.broker.log(StreamName::Audit)),
        facts: FactInstruments::new(),
    };
    let episodes = EpisodeServiceServer::new(api).max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    let (folded, digest) = (Arc::clone(&fold), fold);
    Ok(Service {
        name: SERVICE,
        grpc: tonic::service::Routes::new(episodes).add_service(activities).add_service(reports),
        grpc_services: vec![
            SERVICE_NAME,
            activity_service_server::SERVICE_NAME,
            outcome_report_service_server::SERVICE_NAME,
        ],
        refusal_detail: None,
        ready: vec![
            ("episodes", Arc::new(move || folded.is_ready())),
            ("activities", Arc::new(move || floor_ready.is_ready())),
            ("directory", Arc::new(move || directory.is_ready())),
        ],
        folds: vec![
            ("episodes", Arc::new(move || digest.digest())),
            ("activities", Arc::new(move || floor_digest.digest())),
        ],
    })
}
