//! How full the streams are and how far a service's consumers lie behind, as metrics. The consumer metrics have the names that the NATS
//! exporter gives them, so that dashboards made for it keep working.

use std::{convert::Infallible, sync::Arc, time::Duration};

use opentelemetry::KeyValue;
use tokio_util::sync::CancellationToken;
use voordeur_eventlog::{Broker, ConsumerName, Deadline, GroupFigures, StreamName};

/// How often the broker is asked.
const EVERY: Duration = Duration::from_secs(10);
/// How long one question may take.
const LOOK_TIME: Duration = Duration::from_secs(3);

/// The stream a service owns.
fn owned(service: &str) -> Option<StreamName> {
    match service {
        "intake" => Some(StreamName::Signals),
        "routing" => Some(StreamName::Tasks),
        "escalation" => Some(StreamName::Episodes),
        _ => None,
    }
}

/// How appends went out, read whenever somebody collects. The instruments live as long as the process.
fn observe_appends(service: &'static str, broker: &Arc<dyn Broker>) {
    let meter = opentelemetry::global::meter("voordeur");
    let figures = |read: fn(&GroupFigures) -> Vec<(&'static str, u64)>, label: &'static str| {
        let broker = Arc::clone(broker);
        move || {
            let all = broker.group_figures();
            all.iter()
                .flat_map(|(stream, figures)| {
                    read(figures).into_iter().map(|(kind, value)| (*stream, kind, value))
                })
                .map(|(stream, kind, value)| {
                    let labels = [
                        KeyValue::new("voordeur.service", service),
                        KeyValue::new("stream_name", stream.as_str()),
                        KeyValue::new(label, kind),
                    ];
                    (labels, value)
                })
                .collect::<Vec<_>>()
        }
    };
    let ways = figures(|f| vec![("alone", f.plain), ("urgent", f.urgent), ("batch", f.members)], "way");
    meter
        .u64_observable_counter("voordeur.append.commits")
        .with_unit("{commit}")
        .with_description("Commits sent, by the way they went: alone, at once because urgent, or in a batch.")
        .with_callback(move |observer| {
            ways().iter().for_each(|(labels, value)| observer.observe(*value, labels))
        })
        .build();
    let outcomes =
        figures(|f| vec![("stored", f.batches), ("refused", f.refused), ("in_doubt", f.in_doubt)], "outcome");
    meter
        .u64_observable_counter("voordeur.append.batches")
        .with_unit("{batch}")
        .with_description("Batches sent, by outcome. Refused and doubtful ones are settled member by member.")
        .with_callback(move |observer| {
            outcomes().iter().for_each(|(labels, value)| observer.observe(*value, labels))
        })
        .build();
    let queue = figures(|f| vec![("waiting", f.waiting)], "state");
    meter
        .u64_observable_gauge("voordeur.append.waiting")
        .with_unit("{commit}")
        .with_description("Appends that wait for their turn.")
        .with_callback(move |observer| {
            queue().iter().for_each(|(labels, value)| observer.observe(*value, labels))
        })
        .build();
    let refused = figures(|f| vec![("busy", f.turned_away)], "reason");
    meter
        .u64_observable_counter("voordeur.append.turned_away")
        .with_unit("{commit}")
        .with_description("Appends that were turned away because too many waited.")
        .with_callback(move |observer| {
            refused().iter().for_each(|(labels, value)| observer.observe(*value, labels))
        })
        .build();
}

/// Asks and records until told to stop. A broker that does not answer leaves the numbers as they were; `voordeur.broker.connected` tells.
pub(crate) async fn observe(
    service: &'static str,
    broker: Arc<dyn Broker>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    observe_appends(service, &broker);
    let meter = opentelemetry::global::meter("voordeur");
    let pending = meter.u64_gauge("jetstream.consumer.num_pending").build();
    let unsettled = meter.u64_gauge("jetstream.consumer.num_ack_pending").build();
    let redelivered = meter.u64_gauge("jetstream.consumer.num_redelivered").build();
    let used = meter
        .f64_gauge("voordeur.stream.used")
        .with_unit("1")
        .with_description("Share of the stream's bytes in use; alarm at 0.7.")
        .build();
    let messages = meter
        .u64_gauge("voordeur.stream.messages")
        .with_unit("{message}")
        .with_description("Messages in the stream. In DEAD_LETTERS every one is worth a look.")
        .build();
    let connected = meter.u64_gauge("voordeur.broker.connected").build();
    let consumers: Vec<_> =
        ConsumerName::ALL.into_iter().filter(|name| name.as_str().starts_with(service)).collect();
    // What everybody writes to is told by everybody: who is down tells nothing.
    let streams: Vec<_> =
        owned(service).into_iter().chain([StreamName::Audit, StreamName::DeadLetters]).collect();
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return Ok(()),
        }
        connected.record(broker.connected().into(), &[KeyValue::new("voordeur.service", service)]);
        for name in &consumers {
            let labels = [
                KeyValue::new("consumer_name", name.as_str()),
                KeyValue::new("stream_name", name.stream().as_str()),
            ];
            if let Ok(backlog) = broker.wakeups(*name).backlog(Deadline::now() + LOOK_TIME).await {
                pending.record(backlog.pending, &labels);
                unsettled.record(backlog.unsettled, &labels);
                redelivered.record(backlog.redelivered, &labels);
            }
        }
        for name in &streams {
            if let Ok(usage) = broker.log(*name).usage(Deadline::now() + LOOK_TIME).await {
                let labels = [KeyValue::new("stream_name", name.as_str())];
                used.record(usage.share(), &labels);
                messages.record(usage.messages, &labels);
            }
        }
    }
}
