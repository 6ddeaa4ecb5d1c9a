//! The promises of the design that can be stated over histories, checked against what is stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use prost::Message as _;
use tokio::time::Instant;
use voordeur_contracts::{
    common::actor::Who,
    convert::from_wire_time,
    event::{
        AuditEvent, EpisodeEvent, EventMeta, SignalEvent, TaskEvent, episode_event, signal_event, task_event,
    },
};
use voordeur_escalation_domain::ChangeKind;
use voordeur_eventlog::{Position, Recorded, StreamName, Subject};
use voordeur_intake_domain::life;
use voordeur_kernel::{CommandId, CommitId, SignalId, TaskId, Timestamp};
use voordeur_routing::task_after;
use voordeur_routing_domain::task::{Deadline, Task, Trigger, invariants};
use voordeur_system_tests::signals;

use crate::{
    audit::Audit,
    duty::{self, Duty},
    lifeline::Lifeline,
    sightings::{Lookout, States},
    world::{Broken, ServiceName, World},
};

/// How long something may be due while all is well enough to do it.
const BOUND: Duration = Duration::from_secs(90);

/// A signal as it is stored.
#[derive(Debug, Default)]
pub struct StoredSignal {
    received: usize,
    child: Vec<u8>,
    routed: Vec<TaskId>,
    answered: usize,
    cancelled: usize,
    withdrawn: usize,
    since: Option<Instant>,
}

/// What was read so far, and what was found.
#[derive(Default)]
pub struct Promises {
    read: BTreeMap<StreamName, u64>,
    /// Signals as they are stored.
    pub signals: BTreeMap<SignalId, StoredSignal>,
    /// Tasks as the service itself folds them.
    pub tasks: BTreeMap<TaskId, Task>,
    episodes: BTreeMap<Vec<u8>, usize>,
    /// Episodes as the service itself folds them.
    episode_states: BTreeMap<Subject, voordeur_escalation_domain::Episode>,
    joined: BTreeSet<SignalId>,
    commands: BTreeMap<Subject, BTreeSet<CommandId>>,
    stored: BTreeSet<CommandId>,
    commits: BTreeSet<(StreamName, CommitId)>,
    overdue: BTreeMap<(TaskId, Deadline), Instant>,
    well_since: Option<Instant>,
    /// Histories that the run damaged on purpose.
    pub planted: BTreeSet<Subject>,
    parked: BTreeSet<Subject>,
    /// Signals that had heard how they ended when their task came back open: they keep what they heard.
    heard_before: BTreeMap<SignalId, TaskId>,
    /// A process lived through a restore: until it noticed, it may have parked what it could not make sense of.
    pub careless: bool,
    looks_on_record: usize,
    /// What happened to tasks, by name of the event.
    pub kinds: BTreeMap<String, u64>,
    states: States,
    /// Processes that had read everything when they were looked at last: how far, and which process.
    stands: BTreeMap<String, (u64, Lifeline, voordeur_chassis::Digest)>,
    /// Looks at what watchers saw.
    pub lookout: Lookout,
    /// Looks at who is there.
    pub(crate) duty: Duty,
    /// The check that knows nothing but the log.
    audit: Audit,
    broken: Vec<Broken>,
}

impl Promises {
    fn check(&mut self, promise: u8, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(Broken { promise, what: what() });
        }
    }

    /// Messages that were read.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.read.values().sum()
    }

    /// Checks everything that can be said at this moment; `fair`: no stream is full, and the
    /// broker can be reached more often than not.
    pub fn look(&mut self, world: &World, fair: bool) -> Vec<Broken> {
        for stream in StreamName::ALL {
            let after = self.read.get(&stream).copied().unwrap_or(0);
            for message in world.broker.messages_after(stream, after) {
                self.read.insert(stream, message.sequence);
                self.take(world, stream, &message);
            }
        }
        self.look_at_ledger(world);
        self.look_at_time(world, fair);
        self.look_at_folds(world);
        self.broken.append(&mut self.audit.look(world));
        let sightings = std::mem::take(&mut world.ledger().sightings);
        self.broken.append(&mut self.lookout.look(&self.states, sightings));
        let mut broken = std::mem::take(&mut world.ledger().broken);
        broken.append(&mut self.broken);
        broken
    }

    /// The broker was restored: everything is read again, and what people were told counts as far as it is there. Returns the signals
    /// that had a receipt and are gone.
    pub fn begin_again(&mut self, world: &World) -> BTreeSet<SignalId> {
        let there: BTreeSet<Subject> =
            StreamName::ALL.into_iter().flat_map(|stream| world.broker.subjects(stream)).collect();
        let before = std::mem::take(self);
        self.planted = before.planted.into_iter().filter(|subject| there.contains(subject)).collect();
        self.kinds = before.kinds;
        self.careless = before.careless;
        self.heard_before = before.heard_before;
        self.lookout.seen = before.lookout.seen;
        for stream in StreamName::ALL {
            for message in world.broker.messages_after(stream, 0) {
                self.read.insert(stream, message.sequence);
                self.take(world, stream, &message);
            }
        }
        for (id, _) in self.signals.iter().filter(|(_, signal)| signal.answered + signal.cancelled > 0) {
            let task = world.deriver.task_for_signal(*id);
            if !self.tasks.get(&task).is_some_and(|task| task.state.is_final()) {
                self.heard_before.insert(*id, task);
            }
        }
        // Only what comes from here on answers for what is shown from here on.
        self.looks_on_record = 0;
        self.states.on_record.clear();
        let mut ledger = world.ledger();
        ledger.looks = 0;
        ledger.sightings.clear();
        let lost: BTreeSet<SignalId> =
            ledger.acknowledged.keys().filter(|id| !self.signals.contains_key(id)).copied().collect();
        ledger.acknowledged.retain(|id, _| !lost.contains(id));
        // What was stored before and said to be unknown after it was gone is no contradiction.
        ledger.contradicted.clear();
        ledger.brought_in.retain(|id| !lost.contains(id));
        ledger.answered.retain(|task| {
            let task = task.parse().ok().and_then(|id: TaskId| self.tasks.get(&id));
            task.is_some_and(|task| task.outcome.is_some())
        });
        lost
    }

    fn take(&mut self, world: &World, stream: StreamName, message: &Recorded) {
        let readable = CANARIES.iter().any(|word| holds(&message.data, word));
        self.check(6, !readable, || format!("a text or a number of a person stands readable in {stream}"));
        if stream == StreamName::Audit {
            let by_intake = message.subject.as_str().starts_with("voordeur.audit.v1.intake.");
            self.looks_on_record += usize::from(by_intake);
            if !by_intake {
                self.take_list(message);
            }
            return;
        }
        if stream == StreamName::DeadLetters {
            self.parked.insert(message.subject.clone());
            let about_planted = self.planted.iter().any(|planted| holds(&message.data, planted.as_str()));
            // Only the first event of a dead letter carries the message.
            let first = !self.commands.contains_key(&message.subject);
            self.commands.entry(message.subject.clone()).or_default();
            let careless = self.careless;
            self.check(10, !first || about_planted || careless, || {
                format!("a good message was parked: {}", message.subject)
            });
            return;
        }
        if self.planted.contains(&message.subject) {
            return;
        }
        self.audit.take(stream, message);
        let commit = message.commit.expect("every message has a commit id");
        let new = self.commits.insert((stream, commit));
        self.check(9, new, || format!("a commit id is stored twice in {stream}: {}", message.subject));
        match stream {
            StreamName::Signals => self.take_signal(message),
            StreamName::Tasks if message.subject.prefix() == "voordeur.task.v1" => {
                self.take_task(world, message);
            }
            // Which notices were told how far; nothing that a promise rests on.
            StreamName::Tasks if message.subject.prefix() == "voordeur.notice.v1" => {}
            StreamName::Tasks => {
                let event = duty::presence(message);
                self.duty.take_presence(message, &event);
                self.take_command(message, event.meta.as_ref());
            }
            _ => self.take_episode(message),
        }
    }

    /// Which tasks were shown to whom on a list.
    fn take_list(&mut self, message: &Recorded) {
        let event = AuditEvent::decode(message.data.clone()).expect("an audit event");
        let Some(Who::Person(person)) = event.user.and_then(|user| user.who) else { return };
        for task in event.listed_object_ids {
            self.states.on_record.insert((person.key.clone(), task.to_vec()));
        }
    }

    fn take_command(&mut self, message: &Recorded, meta: Option<&EventMeta>) {
        let meta = meta.expect("every event has its circumstances");
        let command = CommandId::parse_bytes(&meta.command_id).expect("every event has its act");
        let new = self.commands.entry(message.subject.clone()).or_default().insert(command);
        self.check(9, new, || format!("an act was taken in twice: {}", message.subject));
        self.stored.insert(command);
    }

    fn take_signal(&mut self, message: &Recorded) {
        let id = SignalId::parse_hex(message.subject.key()).expect("a signal id");
        let event = SignalEvent::decode(message.data.clone()).expect("a signal event");
        self.take_command(message, event.meta.as_ref());
        self.fold_signal(id, message);
        let signal = self.signals.entry(id).or_default();
        match event.change.expect("a known change") {
            signal_event::Change::Received(received) => {
                signal.received += 1;
                signal.child = received.child.to_vec();
                signal.since = Some(Instant::now());
            }
            signal_event::Change::Routed(routed) => {
                signal.routed.push(TaskId::parse_bytes(&routed.task).expect("a task id"));
            }
            signal_event::Change::Answered(_) => signal.answered += 1,
            signal_event::Change::Cancelled(_) => signal.cancelled += 1,
            signal_event::Change::Withdrawn(_) => signal.withdrawn += 1,
            signal_event::Change::AnswerAcknowledged(_) | signal_event::Change::Erased(_) => {}
        }
        let (received, routed) = (signal.received, signal.routed.len());
        let ends = signal.answered + signal.cancelled;
        self.check(1, received == 1, || format!("{id} was received {received} times"));
        self.check(1, routed <= 1, || format!("{id} was routed {routed} times"));
        self.check(4, ends <= 1, || format!("{id} ended {ends} times"));
    }

    /// The states of a signal, as the service itself folds them.
    fn fold_signal(&mut self, id: SignalId, message: &Recorded) {
        let states = self.states.signals.entry(id).or_default();
        let before = states.last().map(|(_, signal)| life::Signal::clone(signal));
        let event = voordeur_intake::read_event(message).expect("an event that intake can read");
        match life::evolve(before, event) {
            Ok(signal) => states.push((message.sequence, Arc::new(signal))),
            Err(error) => self.check(3, false, || format!("{id} cannot be replayed: {error}")),
        }
    }

    fn take_task(&mut self, world: &World, message: &Recorded) {
        let id = TaskId::parse_hex(message.subject.key()).expect("a task id");
        let event = TaskEvent::decode(message.data.clone()).expect("a task event");
        self.take_command(message, event.meta.as_ref());
        let name = format!("{:?}", event.change).replacen("Some(", "", 1);
        let name = name.split('(').next().unwrap_or_default().to_owned();
        *self.kinds.entry(name.clone()).or_default() += 1;
        let before = self.tasks.remove(&id);
        let requested = matches!(event.change, Some(task_event::Change::Requested(_)));
        self.check(1, requested == before.is_none(), || format!("{id} does not begin once"));
        // What continues it may still be told.
        let ended = before.as_ref().is_some_and(|task| task.state.is_final());
        self.check(4, !ended || name == "Linked", || format!("{id} went on after its end with {name}"));
        let task = match task_after(before.clone(), message) {
            Ok(task) => task,
            Err(error) => {
                self.check(3, false, || format!("{id} cannot be replayed: {error}"));
                return;
            }
        };
        for broken in invariants(&task) {
            self.check(broken.promise, false, || format!("{id} {}: {}", task.state.name(), broken.what));
        }
        let meta = event.meta.as_ref();
        let at = meta.and_then(|meta| from_wire_time(meta.recorded_at.as_ref()?)).expect("a moment");
        let directory = meta.and_then(|meta| world.directory(meta.directory_version));
        let mut found = self.duty.take_task(before.as_ref(), &task, at);
        if let (Some(directory), Some(requested)) = (directory, duty::choice(message)) {
            found.extend(self.duty.replay(id, &requested, &directory));
        }
        for (promise, what) in found {
            self.check(promise, false, || what);
        }
        let by_person = matches!(
            event.meta.and_then(|meta| meta.actor).and_then(|actor| actor.who),
            Some(Who::Person(_))
        );
        self.check(4, ended || !task.state.is_final() || by_person, || {
            format!("{id} was not ended by a person")
        });
        self.states.tasks.entry(id).or_default().push((message.sequence, Arc::new(task.clone())));
        self.tasks.insert(id, task);
    }

    fn take_episode(&mut self, message: &Recorded) {
        let event = EpisodeEvent::decode(message.data.clone()).expect("an episode event");
        self.take_command(message, event.meta.as_ref());
        self.fold_episode(message, &event);
        let joined = match event.change.expect("a known change") {
            episode_event::Change::Opened(opened) => {
                let count = self.episodes.entry(opened.child.to_vec()).or_default();
                *count += 1;
                let count = *count;
                self.check(1, count == 1, || format!("a child has {count} episodes"));
                opened.signal
            }
            episode_event::Change::SignalJoined(joined) => joined.signal,
            _ => return,
        };
        let signal = SignalId::parse_bytes(&joined).expect("a signal id");
        let new = self.joined.insert(signal);
        self.check(1, new, || format!("{signal} is in two episodes"));
    }

    /// An episode as the service itself folds it.
    fn fold_episode(&mut self, message: &Recorded, event: &EpisodeEvent) {
        let id = &message.subject;
        let commit = message.commit.expect("every message has a commit id");
        let change = voordeur_escalation::read_event(event).expect("an event that escalation can read");
        let kind = change.change.kind();
        *self.kinds.entry(format!("Episode.{}", kind.name())).or_default() += 1;
        let before = self.episode_states.remove(id);
        match voordeur_escalation_domain::evolve(before, &change, commit) {
            Ok(episode) => {
                let closed = kind == ChangeKind::Closed;
                let by_person = change.meta.actor.person().is_some();
                self.check(4, !closed || by_person, || format!("{id} was not closed by a person"));
                self.episode_states.insert(id.clone(), episode);
            }
            Err(error) => self.check(3, false, || format!("{id} cannot be replayed: {error}")),
        }
    }

    fn look_at_ledger(&mut self, world: &World) {
        let ledger = world.ledger();
        let (looks, recorded) = (ledger.looks, self.looks_on_record);
        self.check(7, looks <= recorded, || {
            format!("{looks} texts were shown, {recorded} looks are on record")
        });
        for signal in ledger.acknowledged.keys() {
            let stored = self.signals.contains_key(signal);
            self.check(1, stored, || format!("{signal} was acknowledged and is not stored"));
        }
        for (command, what) in &ledger.refused {
            let stored = self.stored.contains(command);
            self.check(9, !stored, || format!("refused, and yet stored: {what}"));
        }
        for (command, what) in &ledger.contradicted {
            let stored = self.stored.contains(command);
            self.check(9, !stored, || format!("stored, and {what}"));
        }
        for task in &ledger.answered {
            let id: TaskId = task.parse().expect("a task id");
            let ended = self.tasks.get(&id).is_some_and(|task| task.outcome.is_some());
            self.check(4, ended, || format!("{task} was said to be answered and is not"));
        }
    }

    /// Nothing may be due for long while there is a broker, a routing process and an intake process to do it.
    fn look_at_time(&mut self, world: &World, fair: bool) {
        let (now, instant) = (world.now(), Instant::now());
        let well = {
            let slots = world.slots();
            let up = |service| {
                slots.iter().any(|slot| {
                    let process = slot.process.as_ref().filter(|_| slot.service == service);
                    process.is_some_and(|process| {
                        process.life == world.life() && process.line.is_well() && process.is_ready()
                    })
                })
            };
            fair && voordeur_eventlog::Broker::connected(&world.broker)
                && ServiceName::ALL.into_iter().all(up)
        };
        self.well_since = if well { self.well_since.or(Some(instant)) } else { None };
        let due = self.due(now);
        self.overdue.retain(|what, _| due.contains(what));
        for what in due {
            self.overdue.entry(what).or_insert(instant);
        }
        let tasks = self.tasks.values().filter(|task| !task.state.is_final());
        for (promise, what) in self.duty.look(world, tasks, self.well_since) {
            self.broken.push(Broken { promise, what });
        }
        let Some(well_since) = self.well_since else { return };
        let too_long = |since: Instant| instant.duration_since(since.max(well_since)) > BOUND;
        let mut late = Vec::new();
        for ((task, deadline), since) in &self.overdue {
            if too_long(*since) {
                late.push((3, format!("{task}: {} was due at {}", deadline.clock.name(), deadline.due)));
            }
        }
        let tasks: BTreeSet<SignalId> = self.tasks.values().filter_map(signal_of).collect();
        for (id, signal) in &self.signals {
            let waiting = signal.since.is_some_and(too_long);
            if waiting && !tasks.contains(id) {
                late.push((1, format!("{id} has no task")));
            }
            if waiting && signal.routed.is_empty() {
                late.push((1, format!("{id} does not know its task")));
            }
        }
        for (promise, what) in late {
            self.check(promise, false, || format!("{what} ({} s in good order)", BOUND.as_secs()));
        }
    }

    /// Deadlines that nobody fired.
    #[must_use]
    pub fn missed(&self, world: &World) -> Vec<Broken> {
        let missed = self.due(world.now()).into_iter();
        let what = |(task, deadline): (TaskId, Deadline)| {
            let (clock, due) = (deadline.clock.name(), deadline.due);
            format!("{task}: {clock} of {due} has no event; it was {}", self.states.life_of(task))
        };
        missed.map(|missed| Broken { promise: 3, what: what(missed) }).collect()
    }

    fn due(&self, now: Timestamp) -> BTreeSet<(TaskId, Deadline)> {
        let open = self.tasks.values().filter(|task| !task.state.is_final());
        open.flat_map(|task| task.deadlines.iter().map(move |deadline| (task.id, *deadline)))
            .filter(|(_, deadline)| deadline.due <= now)
            .collect()
    }

    /// Processes that read equally far hold the same; and none of their tasks failed.
    fn look_at_folds(&mut self, world: &World) {
        let mut seen: BTreeMap<(ServiceName, u64), (String, voordeur_chassis::Digest)> = BTreeMap::new();
        let slots = world.slots();
        for slot in slots.iter() {
            let Some(process) = slot.process.as_ref().filter(|process| process.life == world.life()) else {
                continue;
            };
            if let Some(failure) = process.tasks.failed() {
                self.check(0, false, || format!("{} ended by itself: {failure}", slot.name()));
            }
            let end = self.read.get(&slot.service.owns()).copied().unwrap_or(0);
            // Who had read everything stands as she stood until there is more: most looks find it so, and each digest is a walk.
            let stood = self.stands.remove(&slot.name());
            let stood = stood.filter(|(at, line, _)| *at == end && line.is_same(&process.line));
            let digest = stood.map_or_else(|| (process.digest)(), |(_, _, digest)| digest);
            let Some(Position { sequence, .. }) = digest.position else { continue };
            if sequence == end {
                self.stands.insert(slot.name(), (end, process.line.clone(), digest.clone()));
            }
            let key = (slot.service, sequence);
            if let Some((other, theirs)) = seen.get(&key) {
                let same = *theirs == digest;
                self.check(3, same, || format!("{} and {other} differ at {sequence}", slot.name()));
            } else {
                seen.insert(key, (slot.name(), digest));
            }
        }
    }

    /// Does a word of the count speak of a task whose signal keeps what it heard before a restore?
    #[must_use]
    pub fn keeps_what_it_heard(&self, word: &str) -> bool {
        let about = |task: &TaskId| word.starts_with(&task.to_string());
        word.contains("its asker heard") && self.heard_before.values().any(about)
    }

    /// Tasks that are still open.
    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| !task.state.is_final())
    }

    /// Everything that must hold when all is quiet, everything is up and everybody has done her work.
    pub fn at_the_end(&self, world: &World) -> Vec<Broken> {
        let mut tasks: BTreeMap<SignalId, Vec<&Task>> = BTreeMap::new();
        for task in self.tasks.values() {
            if let Some(signal) = signal_of(task) {
                tasks.entry(signal).or_default().push(task);
            }
        }
        let mut found: Vec<(u8, String)> = Vec::new();
        found.extend(
            self.lookout.at_the_end(&self.states).into_iter().map(|broken| (broken.promise, broken.what)),
        );
        for (id, signal) in &self.signals {
            let of = tasks.get(id).map(Vec::as_slice).unwrap_or_default();
            let [task] = of else {
                found.push((1, format!("{id} has {} tasks", of.len())));
                continue;
            };
            if signal.routed != [task.id] {
                found.push((1, format!("{id} was routed to {:?}", signal.routed)));
            }
            if !task.state.is_final() {
                found.push((4, format!("{id} has a task that is {}", task.state.name())));
            }
            // A task that should never have been there leaves its signal where it was: somebody has to look.
            let error = task.state == voordeur_routing_domain::task::TaskState::EnteredInError;
            let told = signal.answered + signal.cancelled + signal.withdrawn;
            if told == 0 && !error {
                found.push((4, format!("{id} was never answered, its task is {}", task.state.name())));
            }
            let heard = signal.answered + signal.withdrawn > 0 || self.heard_before.contains_key(id);
            if task.outcome.is_some() && !heard {
                found.push((4, format!("{id} did not get the answer of its task")));
            }
            if !signal.child.is_empty() {
                if !self.joined.contains(id) {
                    found.push((1, format!("{id} is in no episode")));
                }
                if self.episodes.get(&signal.child) != Some(&1) {
                    found.push((1, format!("the child of {id} has no episode of its own")));
                }
            }
        }
        let mut aliases: BTreeMap<&(String, String), &[u8]> = BTreeMap::new();
        let ledger = world.ledger();
        for (id, child) in &ledger.children {
            let Some(signal) = self.signals.get(id) else { continue };
            if *aliases.entry(child).or_insert(&signal.child) != signal.child {
                found.push((1, format!("the child of {id} goes by two aliases")));
            }
        }
        found.extend(self.work_that_came_due(world));
        found.extend(self.audit.at_the_end(world));
        if self.parked.len() < self.planted.len() {
            found.push((
                10,
                format!("{} of {} unreadable messages were kept", self.parked.len(), self.planted.len()),
            ));
        }
        found.into_iter().map(|(promise, what)| Broken { promise, what }).collect()
    }

    /// Every moment of an episode has its event, and every such event its task.
    fn work_that_came_due(&self, world: &World) -> Vec<(u8, String)> {
        let mut found = Vec::new();
        for (subject, episode) in &self.episode_states {
            if self.planted.contains(subject) {
                continue;
            }
            let passed = episode.deadlines().filter(|deadline| deadline.due < world.now());
            found.extend(
                passed
                    .map(|deadline| (3, format!("{subject}: {:?} passed without its event", deadline.work))),
            );
            let came = episode.facts().filter(|fact| fact.change.kind() == ChangeKind::WorkDue).count();
            let id = subject.key();
            let tasks = self.tasks.values().filter(|task| match &task.about.trigger {
                Trigger::EpisodeCheck { episode, .. } | Trigger::HandOver { episode, .. } => {
                    episode.to_hex() == id
                }
                _ => false,
            });
            let tasks = tasks.count();
            // A hand-over that is planned again after it came is the same task.
            if tasks > came || (tasks == 0 && came > 0) {
                found.push((1, format!("{subject}: {came} moments came, and there are {tasks} tasks")));
            }
        }
        found
    }
}

/// Parts of every invented name, text and number.
const CANARIES: [&str; 3] = [signals::NAME, signals::TEXT, signals::LOCAL];

fn holds(data: &[u8], word: &str) -> bool {
    data.windows(word.len()).any(|part| part == word.as_bytes())
}

fn signal_of(task: &Task) -> Option<SignalId> {
    if let Trigger::Signal(signal) = task.about.trigger { Some(signal) } else { None }
}
