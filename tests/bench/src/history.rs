//! Years of history in a minute: one real task, with its signal and its episode, is lived through the services; its stored events are then
//! written again and again under other ids, at other centres, in large atomic batches. What a service reads back differs in nothing from
//! what it would have written itself.

use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all, stream};
use prost::Message as _;
use tonic::transport::Channel;
use voordeur_contracts::{
    common::CommandContext,
    event::{
        ContactKind, ContactWith, EpisodeEvent, EventMeta, SignalEvent, TaskEvent, episode_event,
        signal_event,
    },
    routing::{
        AcceptTaskRequest, ListTasksRequest, RecordContactRequest, Task,
        task_service_client::TaskServiceClient,
    },
};
use voordeur_system_tests::{As, Caller};
use voordeur_testkit::eventually;

use crate::{
    bare::{Entry, publish_batch, without_storing},
    country,
    ground::{Ground, intake_client},
};

/// Messages of one batch: the most that the broker takes.
const BATCH: usize = 1000;
/// Batches of one stream that are on their way, so that the broker never waits for the next.
const ON_THEIR_WAY: usize = 3;
/// What stands at a place of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// 16 bytes derived from the number of the copy and this.
    Id(u8),
    /// The digits of its centre.
    Centre,
}

const SIGNAL: u8 = 0;
const TASK: u8 = 1;
const CHILD: u8 = 2;
const EPISODE: u8 = 3;
/// Numbers of signals without tasks begin here, far from those of whole lives.
const ALONE: usize = 1 << 40;
/// Command ids from here, commit ids from here plus 100.
const COMMANDS: u8 = 10;

/// A stored event with the places where copies differ.
struct Template {
    headers: HeaderMap,
    payload: Vec<u8>,
    places: Vec<(usize, Slot)>,
    commit: u8,
    /// Of a commit id as it is printed.
    prefix: String,
}

/// The events of one history.
struct Line {
    subject: &'static str,
    id: u8,
    events: Vec<Template>,
}

/// A life to copy.
pub(crate) struct History {
    lines: Vec<Line>,
    written: usize,
    /// Signals that were written without anything that follows from them.
    alone: usize,
}

/// 16 bytes that look drawn, and are the same for the same number.
pub(crate) fn derived(kind: u8, number: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut state = (u64::from(kind) << 56) ^ u64::try_from(number).unwrap_or(u64::MAX);
    for half in bytes.chunks_exact_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        half.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    bytes
}

pub(crate) fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

impl Template {
    /// Finds every place where something known stands.
    fn new(headers: &HeaderMap, payload: &[u8], known: &[(Vec<u8>, Slot)], commit: u8) -> Self {
        let mut places = Vec::new();
        for (needle, slot) in known {
            let found = payload.windows(needle.len()).enumerate().filter(|(_, window)| window == needle);
            places.extend(found.map(|(at, _)| (at, *slot)));
        }
        let id = headers.get("ce-id").map(|id| id.as_str().to_owned()).unwrap_or_default();
        let prefix = id.rsplit_once('_').map_or_else(String::new, |(prefix, _)| format!("{prefix}_"));
        Self { headers: without_storing(headers), payload: payload.to_vec(), places, commit, prefix }
    }

    fn copy(&self, subject: String, number: usize, centre: usize, expected: u64) -> Entry {
        let mut payload = self.payload.clone();
        for (at, slot) in &self.places {
            match slot {
                Slot::Id(kind) => payload[*at..*at + 16].copy_from_slice(&derived(*kind, number)),
                Slot::Centre => payload[*at..*at + 5].copy_from_slice(country::digits(centre).as_bytes()),
            }
        }
        let mut headers = self.headers.clone();
        headers.insert("ce-id", format!("{}{}", self.prefix, hex(derived(self.commit, number))).as_str());
        headers.insert("Nats-Expected-Last-Subject-Sequence", expected.to_string().as_str());
        Entry { subject, headers, payload: Bytes::from(payload) }
    }
}

impl History {
    /// Lives one task through the services and takes its stored events as templates.
    pub(crate) async fn live(ground: &Ground) -> Self {
        let signal = country::about_new_child("history", ground.numbers().next(), 0);
        let mut intake = intake_client(ground.channels(1)[0].clone(), 0);
        let receipt = intake.submit_signal(signal).await.expect("a receipt").into_inner();
        let channel = ground.services.channel("routing", 0).expect("routing runs");
        let task = task_of(&channel, &receipt.signal_id).await;
        let holder = task.offered_to.first().cloned().unwrap_or_else(|| task.holder.clone());
        let mut routing = worklist(channel, &holder);
        let command = |step: &str| {
            Some(CommandContext { idempotency_key: format!("{step}-{}", task.task_id), seen_version: 0 })
        };
        if task.holder.is_empty() {
            let accept = AcceptTaskRequest { task_id: task.task_id.clone(), command: command("accept") };
            routing.accept_task(accept).await.expect("it was offered to her");
        }
        let contact = RecordContactRequest {
            task_id: task.task_id.clone(),
            command: command("contact"),
            kind: ContactKind::InPerson.into(),
            with: ContactWith::Signaller.into(),
            reached: true,
        };
        routing.record_contact(contact).await.expect("she holds it");
        ground.settle().await;
        Self::read(ground, &receipt.signal_id, &task.task_id).await
    }

    async fn read(ground: &Ground, signal: &str, task: &str) -> Self {
        let bytes = |id: &str| {
            let digits = id.rsplit('_').next().unwrap_or_default();
            u128::from_str_radix(digits, 16).expect("an id").to_be_bytes().to_vec()
        };
        let (signal, task) = (bytes(signal), bytes(task));
        let digits = |id: &[u8]| hex(id.try_into().expect("16 bytes"));
        let signals = stored(ground, "SIGNALS", "voordeur.signal.v1", &digits(&signal)).await;
        let tasks = stored(ground, "TASKS", "voordeur.task.v1", &digits(&task)).await;
        let received = SignalEvent::decode(&*signals[0].1).expect("a signal event");
        let Some(signal_event::Change::Received(received)) = received.change else {
            panic!("a signal begins with its reception")
        };
        let child = received.child.to_vec();
        let episode = episode_of(ground, &child).await;
        let episodes = stored(ground, "EPISODES", "voordeur.episode.v1", &digits(&episode)).await;
        assert!(
            signals.len() == 2 && tasks.len() == 3 && episodes.len() == 2,
            "a task that was accepted, with a contact: {} events of the signal, {} of the task, {} of the episode",
            signals.len(),
            tasks.len(),
            episodes.len()
        );

        let mut known = vec![
            (signal, Slot::Id(SIGNAL)),
            (task, Slot::Id(TASK)),
            (child, Slot::Id(CHILD)),
            (episode, Slot::Id(EPISODE)),
            (country::digits(0).into_bytes(), Slot::Centre),
        ];
        let meta_of_signal = |data: &[u8]| SignalEvent::decode(data).ok().and_then(|event| event.meta);
        let meta_of_task = |data: &[u8]| TaskEvent::decode(data).ok().and_then(|event| event.meta);
        let meta_of_episode = |data: &[u8]| EpisodeEvent::decode(data).ok().and_then(|event| event.meta);
        let commands = signals.iter().map(|(_, data)| meta_of_signal(data));
        let commands = commands.chain(tasks.iter().map(|(_, data)| meta_of_task(data)));
        let commands = commands.chain(episodes.iter().map(|(_, data)| meta_of_episode(data)));
        for (index, meta) in commands.enumerate() {
            let EventMeta { command_id, .. } = meta.expect("every event has its meta");
            known
                .push((command_id.to_vec(), Slot::Id(COMMANDS + u8::try_from(index).expect("seven events"))));
        }
        let mut commit = COMMANDS + 100;
        let mut line = |subject, id, stored: Vec<(HeaderMap, Bytes)>| {
            let events = stored.into_iter().map(|(headers, payload)| {
                commit += 1;
                Template::new(&headers, &payload, &known, commit)
            });
            Line { subject, id, events: events.collect() }
        };
        let lines = vec![
            line("voordeur.signal.v1", SIGNAL, signals),
            line("voordeur.task.v1", TASK, tasks),
            line("voordeur.episode.v1", EPISODE, episodes),
        ];
        Self { lines, written: 0, alone: 0 }
    }

    /// Open tasks that were written.
    pub(crate) const fn written(&self) -> usize {
        self.written
    }

    /// Bytes of the three events of a task.
    pub(crate) fn task_bytes(&self) -> usize {
        let tasks = self.lines.iter().filter(|line| line.id == TASK).flat_map(|line| &line.events);
        tasks.map(|event| event.payload.len()).sum()
    }

    /// Headers and payload of the first event of a history, to compare with.
    pub(crate) fn first_event(&self, subject: &str) -> (HeaderMap, Bytes) {
        let line = self.lines.iter().find(|line| line.subject == subject).expect("a line of this life");
        let event = line.events.first().expect("it begins with an event");
        (event.headers.clone(), Bytes::from(event.payload.clone()))
    }

    /// Writes signals as intake stores them when they come, and nothing else.
    pub(crate) async fn signals_only(&mut self, ground: &Ground, count: usize) {
        let first = ALONE + self.alone;
        self.alone += count;
        let line = self.lines.iter().find(|line| line.id == SIGNAL).expect("a life begins with a signal");
        let received = line.events.get(..1).expect("a signal begins with its reception");
        for number in (first..first + count).step_by(BATCH) {
            let numbers = number..(first + count).min(number + BATCH);
            write(ground, line.subject, line.id, received, numbers).await;
        }
    }

    /// Writes copies until there are so many open tasks. No service runs meanwhile, nor afterwards: whichever is started then has all of it
    /// in its past.
    pub(crate) async fn fill(&mut self, ground: &Ground, open: usize) {
        ground.settle().await;
        ground.stop_services();
        let (began, from) = (Instant::now(), self.written);
        let parts = (from..open).step_by(BATCH).map(|first| first..open.min(first + BATCH));
        let lines = &self.lines;
        let mut writing = stream::iter(parts)
            .map(|numbers| async move {
                let lines = lines
                    .iter()
                    .map(|line| write(ground, line.subject, line.id, &line.events, numbers.clone()));
                join_all(lines).await;
                numbers.len()
            })
            .buffer_unordered(ON_THEIR_WAY);
        let (mut written, mut told) = (from, began);
        while let Some(count) = writing.next().await {
            written += count;
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                eprintln!("  {written} of {open} open tasks written");
            }
        }
        drop(writing);
        self.written = written;
        ground.pass_over().await;
        eprintln!(
            "  {} open tasks written with their signals and episodes in {:.1} s",
            written - from,
            began.elapsed().as_secs_f64()
        );
    }
}

/// Writes the histories of some tasks in one stream, event by event.
async fn write(
    ground: &Ground,
    prefix: &str,
    kind: u8,
    events: &[Template],
    numbers: std::ops::Range<usize>,
) {
    // Nothing lies at the quiet centre.
    let centres = ground.centres - 1;
    let mut expected: Vec<u64> = vec![0; numbers.len()];
    for template in events {
        let entries = numbers.clone().zip(&expected).map(|(number, expected)| {
            let subject = format!("{prefix}.{}", hex(derived(kind, number)));
            template.copy(subject, number, number % centres, *expected)
        });
        let first = publish_batch(&ground.bare.client, entries.collect()).await;
        expected = (first..).take(numbers.len()).collect();
    }
}

/// A client of the worklist.
pub(crate) fn worklist(channel: Channel, who: &str) -> TaskServiceClient<Caller> {
    TaskServiceClient::with_interceptor(channel, As(format!("person:{who}")))
}

async fn task_of(channel: &Channel, signal: &str) -> Task {
    let client = worklist(channel.clone(), &country::coordinator(0));
    eventually("the task of the first signal", Duration::from_secs(30), || async {
        let request = ListTasksRequest { whole_centre: true, page_size: 500, ..ListTasksRequest::default() };
        let list = client.clone().list_tasks(request).await.map_err(|status| status.to_string())?;
        let tasks = list.into_inner().tasks;
        tasks.into_iter().find(|task| task.signal_id == signal).ok_or_else(|| "not there yet".to_owned())
    })
    .await
}

/// The stored events of one history, oldest first.
async fn stored(ground: &Ground, stream: &str, prefix: &str, id: &str) -> Vec<(HeaderMap, Bytes)> {
    let subject = format!("{prefix}.{id}");
    everything(ground, stream)
        .await
        .into_iter()
        .filter(|(found, _, _)| *found == subject)
        .map(|(_, headers, payload)| (headers, payload))
        .collect()
}

async fn episode_of(ground: &Ground, child: &[u8]) -> Vec<u8> {
    for (subject, _, payload) in everything(ground, "EPISODES").await {
        let event = EpisodeEvent::decode(payload).expect("an episode event");
        if let Some(episode_event::Change::Opened(opened)) = event.change
            && opened.child == child
        {
            let digits = subject.rsplit('.').next().unwrap_or_default();
            return u128::from_str_radix(digits, 16).expect("an id").to_be_bytes().to_vec();
        }
    }
    panic!("the child of the first signal has no episode")
}

/// Every message of a stream that is still small.
pub(crate) async fn everything(ground: &Ground, stream: &str) -> Vec<(String, HeaderMap, Bytes)> {
    let stream = ground.stream(stream).await;
    let mut messages = Vec::new();
    for sequence in 1..=stream.cached_info().state.last_sequence {
        let message = stream.get_raw_message(sequence).await.expect("a stream without holes");
        messages.push((message.subject.to_string(), message.headers, message.payload));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_differs_from_its_original_in_ids_and_centre_and_nothing_else() {
        let known = vec![(vec![7; 16], Slot::Id(TASK)), (b"-0000".to_vec(), Slot::Centre)];
        let payload = [b"ab".as_slice(), &[7; 16], b"noor-0000;centrum-0000"].concat();
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", "x");
        headers.insert("ce-type", "t");
        headers.insert("ce-id", "com_00");
        let template = Template::new(&headers, &payload, &known, 120);
        let copy = template.copy("s".to_owned(), 5, 42, 9);
        let expected = [b"ab".as_slice(), &derived(TASK, 5), b"noor-0042;centrum-0042"].concat();
        assert_eq!(copy.payload, expected);
        assert!(copy.headers.get("Nats-Msg-Id").is_none() && copy.headers.get("ce-type").is_some());
        let id = copy.headers.get("ce-id").unwrap().as_str().to_owned();
        assert_eq!(
            (id, copy.headers.get("Nats-Expected-Last-Subject-Sequence").unwrap().as_str()),
            (format!("com_{}", hex(derived(120, 5))), "9")
        );
    }

    #[test]
    fn derived_ids_differ_by_kind_and_number() {
        let ids: std::collections::BTreeSet<_> =
            (0..4).flat_map(|kind| (0..100).map(move |number| derived(kind, number))).collect();
        assert_eq!(ids.len(), 400);
    }
}
