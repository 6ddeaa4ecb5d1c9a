//! Puts the parts together.

use std::{convert::Infallible, sync::Arc};

use voordeur_chassis::{Environment, Service, StartError, telemetry::processing};
use voordeur_contracts::escalation::episode_service_server::{EpisodeServiceServer, SERVICE_NAME};
use voordeur_directory::{DirectoryStore, DirectoryWatch};
use voordeur_eventlog::{
    BucketName, ConsumerName, StreamName, dead_letters::DeadLetters, fold::Fold, worker::Worker,
};

use crate::{
    Settings, api::EpisodeApi, audit::Audit, codec::SERVICE, machine::Episodes, reaction::TaskReaction,
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

    let reaction = Arc::new(TaskReaction {
        fold: Arc::clone(&fold),
        tasks: env.broker.log(StreamName::Tasks),
        deriver: settings.keys.deriver(),
        clock: Arc::clone(&env.clock),
    });
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

    let api = EpisodeApi {
        fold: Arc::clone(&fold),
        directory: Arc::clone(&directory),
        audit: Audit::new(env.broker.log(StreamName::Audit)),
        clock: Arc::clone(&env.clock),
    };
    let (folded, digest) = (Arc::clone(&fold), fold);
    Ok(Service {
        name: SERVICE,
        grpc: tonic::service::Routes::new(EpisodeServiceServer::new(api)),
        grpc_services: vec![SERVICE_NAME],
        refusal_detail: None,
        ready: vec![
            ("episodes", Arc::new(move || folded.is_ready())),
            ("directory", Arc::new(move || directory.is_ready())),
        ],
        folds: vec![("episodes", Arc::new(move || digest.digest()))],
    })
}
