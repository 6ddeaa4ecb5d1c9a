//! Putting the service together.

use std::{convert::Infallible, future::Future, sync::Arc};

use tonic::service::Routes;
use voordeur_chassis::{Environment, Service, StartError, service::Check, telemetry};
use voordeur_contracts::intake::{
    details_service_server::DetailsServiceServer, signal_intake_service_server::SignalIntakeServiceServer,
};
use voordeur_directory::{DirectoryStore, DirectoryWatch};
use voordeur_eventlog::{
    BucketName, ConsumerName, Deadline, StreamName, dead_letters::DeadLetters, fold::Fold, worker::Worker,
};
use voordeur_kernel::limits;
use voordeur_vault::Vault;

use crate::{
    Settings,
    api::{Details, Emergencies, Intake, SourceSystems},
    audit::Audit,
    duty::Duty,
    guidance,
    machine::Signals,
    usage::Fullness,
    wakeups::Tasks,
};

/// Name of the service.
const NAME: &str = "intake";

/// Starts the service on a broker: it follows its stream, makes keys ahead and handles wake-ups until the tasks of the environment stop.
///
/// # Errors
/// When the broker is not as it should be. What goes wrong later ends the process through the tasks of the environment.
pub async fn start(environment: &Environment, settings: Settings) -> Result<Service, StartError> {
    let broker = &environment.broker;
    let tasks = &environment.tasks;
    broker.verify(Deadline::now() + limits::REQUEST_TIME_DEFAULT).await?;
    let stop = tasks.stop();
    let deriver = settings.keys.deriver();
    let vault =
        Vault::new(broker.bucket(BucketName::Keys), settings.keys.clone(), deriver.clone(), settings.vault);
    let fold = Fold::<Signals>::new(broker.log(StreamName::Signals));
    let directory = settings.directory.clone().unwrap_or_else(|| {
        let watch = DirectoryWatch::new(DirectoryStore::new(broker.bucket(BucketName::Directory)));
        tasks.spawn("directory", quiet(Arc::clone(&watch).run(stop.clone())));
        watch
    });
    let fullness = Arc::new(Fullness::new(settings.usage_refuse));
    let intake = Arc::new(Intake {
        fold: Arc::clone(&fold),
        tasks: broker.log(StreamName::Tasks),
        episodes: broker.log(StreamName::Episodes),
        audit: Audit {
            log: broker.log(StreamName::Audit),
            clock: Arc::clone(&environment.clock),
            vault: Arc::clone(&vault),
        },
        vault: Arc::clone(&vault),
        deriver,
        directory: Arc::clone(&directory),
        clock: Arc::clone(&environment.clock),
        fullness: Arc::clone(&fullness),
        emergencies: Emergencies::new(settings.emergencies_per_hour),
        duty: Duty::new(broker.log(StreamName::Tasks)),
    });
    let worker = Worker::new(
        NAME,
        broker.wakeups(ConsumerName::IntakeTasks),
        broker.wakeups(ConsumerName::IntakeReplays),
        DeadLetters::new(broker.log(StreamName::DeadLetters), Arc::clone(&environment.clock)),
        Arc::new(Tasks(Arc::clone(&intake))),
    )
    .with_span(telemetry::processing);

    tasks.spawn("signals", Arc::clone(&fold).run(stop.clone()));
    tasks.spawn("data keys", quiet(Arc::clone(&vault).keep_keys_ready(stop.clone())));
    let log = broker.log(StreamName::Signals);
    let looking = fullness.follow(log, settings.usage_every, stop.clone());
    tasks.spawn("usage", quiet(looking));
    tasks.spawn("task wake-ups", {
        let fold = Arc::clone(&fold);
        quiet(async move {
            // A wake-up that comes before the state is there could only be put off.
            tokio::select! {
                () = stop.cancelled() => return,
                () = fold.ready() => {}
            }
            worker.run(stop).await;
        })
    });

    let routes = Routes::new(
        SignalIntakeServiceServer::new(SourceSystems(Arc::clone(&intake)))
            .max_decoding_message_size(limits::REQUEST_BYTES_MAX),
    )
    .add_service(
        DetailsServiceServer::new(Details(intake)).max_decoding_message_size(limits::REQUEST_BYTES_MAX),
    );
    Ok(Service {
        name: NAME,
        grpc: routes,
        grpc_services: vec!["voordeur.intake.v1.SignalIntakeService", "voordeur.intake.v1.DetailsService"],
        refusal_detail: Some(guidance::of_refusal),
        ready: checks(&fold, &directory, &vault),
        folds: vec![(
            "signals",
            Arc::new({
                let fold = Arc::clone(&fold);
                move || fold.digest()
            }),
        )],
    })
}

fn checks(fold: &Arc<Fold<Signals>>, directory: &Arc<DirectoryWatch>, vault: &Arc<Vault>) -> Vec<Check> {
    let (fold, directory, vault) = (Arc::clone(fold), Arc::clone(directory), Arc::clone(vault));
    vec![
        ("signals", Arc::new(move || fold.is_ready())),
        ("directory", Arc::new(move || directory.is_ready())),
        // Once there is a key, a momentarily empty pool only costs a second write.
        ("data keys", {
            let seen = std::sync::atomic::AtomicBool::new(false);
            Arc::new(move || {
                seen.fetch_or(vault.keys_ready() > 0, std::sync::atomic::Ordering::Relaxed)
                    || vault.keys_ready() > 0
            })
        }),
    ]
}

/// A task that only ends when it is told to.
async fn quiet(task: impl Future<Output = ()> + Send) -> Result<(), Infallible> {
    task.await;
    Ok(())
}
