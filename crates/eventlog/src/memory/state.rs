//! What the broker holds.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;
use voordeur_kernel::{CommitId, Timestamp};

use super::{
    Flavour,
    faults::{Dice, Faults},
};
use crate::{
    BucketName, Commit, ConsumerName, Entry, Position, Recorded, StreamName, Subject, Version,
    resolve::{BatchOutcome, Member, Outcome, Refusal},
    topology::{Change, Settings},
    wire::{self, InBatch},
};

/// Most members of a batch, as at the broker.
const BATCH_MEMBERS_MAX: usize = 1_000;

pub(super) struct State {
    pub(super) faults: Faults,
    pub(super) dice: Dice,
    pub(super) available: bool,
    /// So many acknowledgements are lost on request.
    pub(super) lose_next: u32,
    pub(super) streams: BTreeMap<StreamName, Table>,
    pub(super) consumers: BTreeMap<ConsumerName, Durable>,
    pub(super) buckets: BTreeMap<BucketName, Values>,
    /// Streams made so far: tells incarnations apart that were made at the same moment.
    pub(super) made: u64,
    /// How often everything that was under way was lost.
    pub(super) cuts: u64,
}

/// A stream.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) name: StreamName,
    pub(super) incarnation: Arc<str>,
    pub(super) replicas: usize,
    pub(super) bytes_max: u64,
    pub(super) duplicate_window: Duration,
    pub(super) first_sequence: u64,
    pub(super) last_sequence: u64,
    pub(super) bytes: u64,
    pub(super) messages: BTreeMap<u64, Recorded>,
    by_subject: BTreeMap<Subject, Vec<u64>>,
    seen: HashMap<CommitId, (u64, Instant)>,
}

/// A durable consumer.
#[derive(Default)]
pub(super) struct Durable {
    pub(super) ack_wait: Duration,
    /// The next sequence to look at.
    pub(super) next: u64,
    /// Delivered (or held back) and not settled, by sequence.
    pub(super) unsettled: BTreeMap<u64, Unsettled>,
}

#[derive(Clone, Copy)]
pub(super) struct Unsettled {
    pub(super) attempt: u64,
    pub(super) due: Instant,
}

/// A bucket.
#[derive(Clone, Default)]
pub(super) struct Values {
    pub(super) revision: u64,
    pub(super) entries: BTreeMap<String, (Bytes, u64)>,
}

impl State {
    pub(super) const fn new(faults: Faults) -> Self {
        Self {
            faults,
            dice: Dice::new(faults.seed),
            available: true,
            lose_next: 0,
            streams: BTreeMap::new(),
            consumers: BTreeMap::new(),
            buckets: BTreeMap::new(),
            made: 0,
            cuts: 0,
        }
    }

    pub(super) fn apply(&mut self, settings: &Settings, now: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut note = |what: String, action| changes.push(Change { what, action });
        for name in StreamName::ALL {
            let action = if let Some(table) = self.streams.get_mut(&name) {
                if table.adopt(settings) { "updated" } else { "unchanged" }
            } else {
                self.made += 1;
                let incarnation = Arc::from(format!("{now}#{}", self.made));
                self.streams.insert(name, Table::new(name, incarnation, settings));
                // Its consumers went with the stream they were on.
                self.consumers.retain(|consumer, _| consumer.stream() != name);
                "created"
            };
            note(format!("stream {name}"), action);
        }
        for name in ConsumerName::ALL {
            let action = match self.consumers.get_mut(&name) {
                Some(durable) if durable.ack_wait == settings.ack_wait => "unchanged",
                Some(durable) => {
                    durable.ack_wait = settings.ack_wait;
                    "updated"
                }
                None => {
                    let durable = Durable { ack_wait: settings.ack_wait, next: 1, ..Durable::default() };
                    self.consumers.insert(name, durable);
                    "created"
                }
            };
            note(format!("consumer {name}"), action);
        }
        for name in BucketName::ALL {
            let there = self.buckets.contains_key(&name);
            self.buckets.entry(name).or_default();
            note(format!("bucket {name}"), if there { "unchanged" } else { "created" });
        }
        changes
    }

    pub(super) fn differences(&self, settings: &Settings) -> Vec<String> {
        let apply = "run `voordeur streams apply`";
        let mut differences = Vec::new();
        for name in StreamName::ALL {
            match self.streams.get(&name) {
                None => differences.push(format!("stream {name} is missing: {apply}")),
                Some(table) if !table.is_as(settings) => {
                    differences.push(format!("stream {name} has other settings: {apply}"));
                }
                Some(_) => {}
            }
        }
        for name in ConsumerName::ALL {
            match self.consumers.get(&name) {
                None => differences.push(format!("consumer {name} is missing: {apply}")),
                Some(durable) if durable.ack_wait != settings.ack_wait => {
                    differences.push(format!("consumer {name} has other settings: {apply}"));
                }
                Some(_) => {}
            }
        }
        let missing = BucketName::ALL.into_iter().filter(|name| !self.buckets.contains_key(name));
        differences.extend(missing.map(|name| format!("bucket {name} is missing: {apply}")));
        differences
    }
}

impl Table {
    fn new(name: StreamName, incarnation: Arc<str>, settings: &Settings) -> Self {
        Self {
            name,
            incarnation,
            replicas: settings.replicas,
            bytes_max: settings.stream_bytes_max,
            duplicate_window: settings.duplicate_window,
            first_sequence: 1,
            last_sequence: 0,
            bytes: 0,
            messages: BTreeMap::new(),
            by_subject: BTreeMap::new(),
            seen: HashMap::new(),
        }
    }

    fn is_as(&self, settings: &Settings) -> bool {
        self.replicas == settings.replicas
            && self.bytes_max == settings.stream_bytes_max
            && self.duplicate_window == settings.duplicate_window
    }

    fn adopt(&mut self, settings: &Settings) -> bool {
        let changes = !self.is_as(settings);
        self.replicas = settings.replicas;
        self.bytes_max = settings.stream_bytes_max;
        self.duplicate_window = settings.duplicate_window;
        changes
    }

    /// Takes a commit in, or says why not, in the order in which the broker of this flavour compares.
    pub(super) fn store(
        &mut self,
        flavour: Flavour,
        subject: &Subject,
        expected: Version,
        commit: &Commit,
        stored_at: Timestamp,
    ) -> Outcome {
        let last = self.by_subject.get(subject).and_then(|all| all.last()).copied().unwrap_or(0);
        let window = self.duplicate_window;
        let seen = self.seen.get(&commit.id).filter(|(_, at)| at.elapsed() < window).map(|(seq, _)| *seq);
        match (flavour, seen) {
            (Flavour::Replicated, Some(sequence)) => return Outcome::Duplicate(sequence),
            _ if last != expected.0 => return Outcome::WrongLast,
            (Flavour::Single, Some(sequence)) => return Outcome::Duplicate(sequence),
            _ => {}
        }
        let headers = wire::headers(commit, expected);
        let message =
            wire::recorded(subject.clone(), self.last_sequence + 1, stored_at, headers, commit.data.clone());
        if self.bytes + size(&message) > self.bytes_max {
            return Outcome::Full;
        }
        self.keep(message, commit.id);
        Outcome::Stored(self.last_sequence)
    }

    fn keep(&mut self, message: Recorded, commit: CommitId) {
        self.last_sequence = message.sequence;
        self.bytes += size(&message);
        self.by_subject.entry(message.subject.clone()).or_default().push(message.sequence);
        self.seen.insert(commit, (message.sequence, Instant::now()));
        self.messages.insert(message.sequence, message);
    }

    /// Takes several commits in, all or nothing, or says why not. In a batch one replica and three compare in the same order: a known
    /// commit id comes before the version.
    pub(super) fn store_batch(&mut self, id: &str, members: &[Member], stored_at: Timestamp) -> BatchOutcome {
        if members.len() > BATCH_MEMBERS_MAX {
            return BatchOutcome::Refused(Refusal::TooMany);
        }
        let mut messages: Vec<(CommitId, Recorded)> = Vec::with_capacity(members.len());
        let (mut ids, mut subjects, mut bytes) = (BTreeSet::new(), BTreeSet::new(), self.bytes);
        for (member, sequence) in members.iter().zip(self.last_sequence + 1..) {
            let Member { subject, expected, commit, .. } = member;
            let known = self.seen.get(&commit.id).is_some_and(|(_, at)| at.elapsed() < self.duplicate_window);
            if known || !ids.insert(commit.id) {
                return BatchOutcome::Refused(Refusal::Duplicate);
            }
            if !subjects.insert(subject) {
                return BatchOutcome::Refused(Refusal::SubjectTwice);
            }
            if self.by_subject.get(subject).and_then(|all| all.last()).copied().unwrap_or(0) != expected.0 {
                return BatchOutcome::Refused(Refusal::WrongLast);
            }
            let number = messages.len() + 1;
            let place = InBatch { id, number, last: number == members.len() };
            let mut headers = wire::headers(commit, *expected);
            wire::in_batch(&mut headers, place);
            let message = wire::recorded(subject.clone(), sequence, stored_at, headers, commit.data.clone());
            bytes += size(&message);
            if bytes > self.bytes_max {
                return BatchOutcome::Refused(Refusal::Full);
            }
            messages.push((commit.id, message));
        }
        let first = self.last_sequence + 1;
        messages.into_iter().for_each(|(commit, message)| self.keep(message, commit));
        BatchOutcome::Stored { first }
    }

    pub(super) fn position(&self, sequence: u64) -> Position {
        Position { stream: self.name, incarnation: Arc::clone(&self.incarnation), sequence }
    }

    pub(super) fn history(&self, subject: &Subject, from: u64) -> Vec<Recorded> {
        let sequences = self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        sequences
            .iter()
            .filter(|sequence| **sequence >= from)
            .filter_map(|s| self.messages.get(s))
            .cloned()
            .collect()
    }

    pub(super) fn at(&self, sequence: u64) -> Option<Recorded> {
        self.messages.get(&sequence).cloned()
    }

    pub(super) fn last(&self, subject: &Subject) -> Option<Recorded> {
        let sequence = self.by_subject.get(subject)?.last()?;
        self.messages.get(sequence).cloned()
    }

    pub(super) fn messages(&self) -> Vec<Recorded> {
        self.messages.values().cloned().collect()
    }

    pub(super) fn subjects(&self) -> Vec<Subject> {
        self.by_subject.keys().cloned().collect()
    }

    pub(super) fn remove(&mut self, sequence: u64) {
        let Some(message) = self.messages.remove(&sequence) else { return };
        self.bytes -= size(&message);
        if let Some(sequences) = self.by_subject.get_mut(&message.subject) {
            sequences.retain(|s| *s != sequence);
            if sequences.is_empty() {
                self.by_subject.remove(&message.subject);
            }
        }
        self.first_sequence =
            self.messages.keys().next().copied().unwrap_or_else(|| self.last_sequence.saturating_add(1));
    }

    pub(super) fn truncate(&mut self, end: u64) {
        let lost: Vec<u64> = self.messages.range(end.saturating_add(1)..).map(|(s, _)| *s).collect();
        lost.into_iter().for_each(|sequence| self.remove(sequence));
        self.last_sequence = self.last_sequence.min(end);
        self.first_sequence = self.first_sequence.min(self.last_sequence + 1);
        self.seen.retain(|_, (sequence, _)| *sequence <= end);
    }
}

impl Values {
    pub(super) fn get(&self, key: &str) -> Option<Entry> {
        let (value, revision) = self.entries.get(key)?;
        Some(Entry { key: key.to_owned(), value: value.clone(), revision: *revision })
    }

    pub(super) fn put(&mut self, key: &str, value: Bytes, expected: u64) -> Outcome {
        if self.entries.get(key).map_or(0, |(_, revision)| *revision) != expected {
            return Outcome::WrongLast;
        }
        self.revision += 1;
        self.entries.insert(key.to_owned(), (value, self.revision));
        Outcome::Stored(self.revision)
    }

    /// Puts several values under keys that are not in use, all or nothing.
    pub(super) fn put_all(&mut self, entries: &[(String, Bytes)]) -> BatchOutcome {
        let mut keys = BTreeSet::new();
        for (key, _) in entries {
            if self.entries.contains_key(key) {
                return BatchOutcome::Refused(Refusal::WrongLast);
            }
            if !keys.insert(key) {
                return BatchOutcome::Refused(Refusal::SubjectTwice);
            }
        }
        let first = self.revision + 1;
        for (key, value) in entries {
            self.put(key, value.clone(), 0);
        }
        BatchOutcome::Stored { first }
    }
}

/// What a message takes, about as the broker counts.
fn size(message: &Recorded) -> u64 {
    let headers: usize = message.headers.iter().map(|h| h.name.len() + h.value.len() + 4).sum();
    let bytes = message.subject.as_str().len() + headers + message.data.len() + 50;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
