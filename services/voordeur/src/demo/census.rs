//! Counts what is stored, from the streams themselves: no service is asked to praise itself.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt as _;
use prost::Message as _;
use tokio::time::Instant;
use voordeur_chassis::SystemClock;
use voordeur_contracts::event::{SignalEvent, TaskEvent, signal_event, task_event, task_trigger::Source};
use voordeur_eventlog::{Broker, Followed, Recorded, StreamName};
use voordeur_kernel::Clock as _;
use voordeur_routing::auditor::{Auditor, Moment};

use super::processes::Processes;

/// What is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) signals: usize,
    pub(super) tasks: usize,
    pub(super) signals_with_exactly_one_task: usize,
    pub(super) routed: usize,
    pub(super) parked: usize,
    /// What the auditor finds wrong.
    pub(super) findings: usize,
}

/// Counts until every signal knows its task, or patience ends.
pub(super) async fn count(processes: &Processes, patience: Duration) -> Result<Census, String> {
    let broker = processes.broker().await.map_err(|failure| failure.message)?;
    let give_up = Instant::now() + patience;
    loop {
        let census = count_once(&*broker).await?;
        if census.routed == census.signals || Instant::now() >= give_up {
            return Ok(census);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn count_once(broker: &dyn Broker) -> Result<Census, String> {
    let mut census = Census::default();
    let mut tasks_of: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut auditor = Auditor::default();
    for message in all(broker, StreamName::Tasks).await? {
        auditor.task_message(&message);
        let Ok(event) = TaskEvent::decode(message.data.clone()) else { continue };
        if let Some(task_event::Change::Requested(_)) = event.change
            && let Some(Source::Signal(signal)) =
                event.standing.and_then(|standing| standing.trigger).and_then(|trigger| trigger.source)
        {
            census.tasks += 1;
            *tasks_of.entry(signal.to_vec()).or_default() += 1;
        }
    }
    for message in all(broker, StreamName::Signals).await? {
        auditor.signal_message(&message);
        match SignalEvent::decode(message.data.clone()).map(|event| event.change) {
            Ok(Some(signal_event::Change::Received(_))) => {
                census.signals += 1;
                let id = voordeur_kernel::SignalId::parse_hex(message.subject.key());
                let tasks =
                    id.ok().and_then(|id| tasks_of.get(id.as_bytes().as_slice())).copied().unwrap_or(0);
                census.signals_with_exactly_one_task += usize::from(tasks == 1);
            }
            Ok(Some(signal_event::Change::Routed(_))) => census.routed += 1,
            _ => {}
        }
    }
    let moment = Moment { now: SystemClock.now(), grace_s: 10, directory: None };
    census.findings = auditor.report(moment).findings().len();
    census.parked = all(broker, StreamName::DeadLetters).await?.len();
    Ok(census)
}

async fn all(broker: &dyn Broker, stream: StreamName) -> Result<Vec<Recorded>, String> {
    let mut messages = Vec::new();
    let mut following = broker.log(stream).follow(None);
    while let Some(next) = following.next().await {
        match next.map_err(|error| error.to_string())? {
            Followed::Message(message) => messages.push(message),
            Followed::CaughtUp(_) => break,
        }
    }
    Ok(messages)
}
