//! One run: a seed, a while of troubles, then quiet, then the count.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker, BucketName, Commit, Deadline, StreamName, Subject, Version,
    dead_letters::{DeadLetters, Standing},
    memory::{Faults, Flavour, MemoryBroker, Options},
    topology::ConsumerName,
};
use voordeur_kernel::{CommitId, SignalId, TaskId};
use voordeur_system_tests::census;

use crate::{
    clock::JumpingClock,
    dice::Dice,
    fingerprint::fingerprint,
    people,
    promises::Promises,
    schools,
    world::{Broken, ServiceName, Slot, World},
};

/// A Monday morning.
const FIRST_MOMENT: &str = "2026-03-09T08:00:00Z";
const DIRECTORY: &str = include_str!("directory.toml");

/// What one run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Choices that were made.
    pub steps: u64,
    /// Messages that were stored.
    pub events: u64,
    /// Signals among them.
    pub signals: u64,
    /// Crashes, freezes, outages, damaged messages, and calls that did not come through.
    pub troubles: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Calls of people and schools.
    pub calls: u64,
    /// Fingerprint of the whole log.
    pub fingerprint: u64,
}

/// A run that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// At which choice.
    pub step: u64,
    /// What was broken.
    pub broken: Vec<Broken>,
    /// The last things that happened.
    pub story: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {} broke a promise at step {}:", self.seed, self.step)?;
        for broken in self.broken.iter().take(10) {
            writeln!(f, "  promise {}: {}", broken.promise, broken.what)?;
        }
        writeln!(f, "what happened last (seconds of the run, time of the run):")?;
        for line in &self.story {
            writeln!(f, "  {line}")?;
        }
        write!(f, "play it again: cargo xtask simulate --seed {}", self.seed)
    }
}

/// Plays one seed.
///
/// # Errors
/// When a promise is broken.
pub fn run(seed: u64) -> Result<Done, Box<Failure>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads");
    runtime.block_on(Box::pin(play(seed)))
}

struct Run {
    seed: u64,
    dice: Dice,
    world: World,
    promises: Promises,
    people: JoinSet<()>,
    step: u64,
    acts: usize,
    signals_max: usize,
    signals: usize,
    plants: bool,
    broker_back: Option<Instant>,
    done: Done,
}

async fn play(seed: u64) -> Result<Done, Box<Failure>> {
    let mut dice = Dice::new(seed);
    let clock = JumpingClock::at(FIRST_MOMENT.parse().expect("a moment"));
    let flavour = if dice.chance(50) { Flavour::Single } else { Flavour::Replicated };
    let options = Options {
        flavour,
        faults: Faults { seed: dice.roll(), ..Faults::default() },
        clock: Some(Arc::new(clock.clone())),
        ..Options::default()
    };
    let broker = MemoryBroker::with_options(options);
    let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
    store.apply(DIRECTORY, 0, Deadline::now() + Duration::from_secs(10)).await.expect("a good directory");
    let mut slots = Vec::new();
    for service in ServiceName::ALL {
        for number in 0..2 + dice.index(2) {
            slots.push(Slot { service, number, process: None, start_at: Instant::now() });
        }
    }
    let world = World::new(broker, clock, slots);
    world.tell(format!("seed {seed}, {flavour:?}"));
    let (plants, signals_max) = (dice.chance(20), 5 + dice.index(20));
    let mut run = Run {
        seed,
        dice,
        world,
        promises: Promises::default(),
        people: JoinSet::new(),
        step: 0,
        acts: 0,
        signals_max,
        signals: 0,
        plants,
        broker_back: None,
        done: Done::default(),
    };
    run.start_processes().await;
    let steps = run.dice.between(60, 140);
    for _ in 0..steps {
        Box::pin(run.choose()).await;
        sleep(Duration::from_millis(run.dice.between(1, 1_500))).await;
        run.start_processes().await;
        run.look()?;
    }
    Box::pin(run.quiet()).await?;
    let ledger = run.world.ledger();
    Ok(Done {
        steps: run.step,
        events: run.promises.events(),
        signals: u64::try_from(run.promises.signals.len()).expect("few"),
        troubles: run.done.troubles + ledger.troubles,
        calls: ledger.calls,
        fingerprint: fingerprint(&run.world.broker),
        ..run.done
    })
}

impl Run {
    fn look(&mut self) -> Result<(), Box<Failure>> {
        let broken = self.promises.look(&self.world);
        self.fail(broken)
    }

    fn fail(&self, broken: Vec<Broken>) -> Result<(), Box<Failure>> {
        if broken.is_empty() {
            return Ok(());
        }
        Err(Box::new(Failure { seed: self.seed, step: self.step, broken, story: self.world.story(30) }))
    }

    fn tell(&self, what: impl AsRef<str>) {
        self.world.tell(what);
    }

    /// One choice.
    async fn choose(&mut self) {
        self.step += 1;
        while self.people.try_join_next().is_some() {}
        match self.dice.between(0, 100) {
            0..18 => self.hand_over(),
            18..24 => {
                let act = self.act();
                self.people.spawn(schools::come_back(self.world.clone(), self.dice.fork(), act));
            }
            24..62 => {
                let act = self.act();
                self.people.spawn(people::work(self.world.clone(), self.dice.fork(), act));
            }
            62..66 => {
                let act = self.act();
                self.people.spawn(people::say_presence(self.world.clone(), self.dice.fork(), act));
            }
            66..74 => self.kill(),
            74..78 => self.freeze(),
            78..82 => self.read_late(),
            82..86 => self.weather(),
            86..88 => self.outage(),
            88..97 => self.jump(),
            97..98 => {
                self.tell("the machine sleeps for 20 s");
                tokio::time::advance(Duration::from_secs(20)).await;
            }
            _ => self.plant().await,
        }
    }

    fn act(&mut self) -> usize {
        self.acts += 1;
        self.acts
    }

    fn hand_over(&mut self) {
        if self.signals < self.signals_max {
            self.signals += 1;
            self.people.spawn(schools::hand_over(self.world.clone(), self.dice.fork(), self.signals));
        }
    }

    fn kill(&mut self) {
        let mut slots = self.world.slots();
        let slot = self.dice.index(slots.len());
        let slot = &mut slots[slot];
        let name = slot.name();
        let later = Duration::from_millis(self.dice.between(100, 20_000));
        let Some(process) = &slot.process else { return };
        self.done.kills += 1;
        self.done.troubles += 1;
        slot.start_at = Instant::now() + later;
        if self.dice.chance(40) {
            process.line.kill();
            drop(slots);
            self.tell(format!("{name} is killed"));
        } else {
            let (calls, after) = (self.dice.between(0, 12), self.dice.chance(60));
            process.line.kill_at(calls, after);
            drop(slots);
            let side = if after { "after" } else { "before" };
            self.tell(format!("{name} will be killed {side} its {calls}th call to the broker"));
        }
    }

    fn on_some_process(&mut self, what: &str, most: u64, hit: fn(&crate::lifeline::Lifeline, Duration)) {
        let time = Duration::from_millis(self.dice.between(200, most));
        let slots = self.world.slots();
        let slot = &slots[self.dice.index(slots.len())];
        let name = slot.name();
        if let Some(process) = &slot.process {
            hit(&process.line, time);
            drop(slots);
            self.done.troubles += 1;
            self.tell(format!("{name} {what} for {time:?}"));
        }
    }

    fn freeze(&mut self) {
        self.on_some_process("is frozen", 20_000, crate::lifeline::Lifeline::freeze);
    }

    fn read_late(&mut self) {
        self.on_some_process("reads late", 15_000, crate::lifeline::Lifeline::delay);
    }

    fn weather(&mut self) {
        self.done.troubles += 1;
        let seed = self.dice.roll();
        let (name, faults, loss) = match self.dice.between(0, 4) {
            0 => ("fair", Faults { seed, ..Faults::default() }, 0),
            1 => ("rough", Faults::rough(seed), 8),
            2 => {
                let faults = Faults { late_requests: 250, lost_acknowledgements: 200, ..Faults::rough(seed) };
                ("late answers", faults, 15)
            }
            _ => {
                let longest_delay = Duration::from_secs(8);
                (
                    "disorder",
                    Faults { duplicated: 500, delayed: 500, longest_delay, ..Faults::rough(seed) },
                    4,
                )
            }
        };
        self.world.broker.set_faults(faults);
        self.world.lose_calls(loss);
        self.tell(format!("weather: {name}"));
    }

    fn outage(&mut self) {
        self.done.troubles += 1;
        let time = Duration::from_millis(self.dice.between(200, 30_000));
        self.world.broker.set_available(false);
        self.broker_back = Some(Instant::now() + time);
        self.tell(format!("the broker is away for {time:?}"));
    }

    fn jump(&mut self) {
        let minutes = match self.dice.between(0, 3) {
            0 => self.dice.between(1, 60),
            1 => self.dice.between(60, 600),
            _ => self.dice.between(600, 3 * 24 * 60),
        };
        self.world.clock.jump(SignedDuration::from_mins(i64::try_from(minutes).expect("minutes")));
        self.tell(format!("{minutes} minutes pass"));
    }

    /// A message of a later release, or a damaged one.
    async fn plant(&mut self) {
        if !self.plants || self.promises.planted.len() >= 2 || self.broker_back.is_some() {
            return;
        }
        self.done.troubles += 1;
        let id = u128::from(self.dice.roll()).to_be_bytes();
        let (stream, subject) = if self.dice.chance(50) {
            let key = SignalId::from_bytes(id).to_hex();
            (StreamName::Signals, Subject::of("voordeur.signal.v1", &key))
        } else {
            (StreamName::Tasks, Subject::of("voordeur.task.v1", &TaskId::from_bytes(id).to_hex()))
        };
        let subject = subject.expect("a subject");
        self.promises.planted.insert(subject.clone());
        let commit = Commit {
            id: CommitId::from_bytes(id),
            kind: "nl.voordeur.signal.v1",
            source: "simulation",
            time: self.world.now(),
            data: b"\xff\xff not an event".as_slice().into(),
            trace: Vec::new(),
            urgent: false,
        };
        let until = Deadline::now() + Duration::from_secs(60);
        let stored = self.world.broker.log(stream).append(&subject, Version::ABSENT, commit, until).await;
        if stored.is_err() {
            self.promises.planted.remove(&subject);
        }
        self.tell(format!("an unreadable message at {subject}"));
    }

    /// Buries the dead, and starts what is due.
    async fn start_processes(&mut self) {
        if self.broker_back.is_some_and(|back| back <= Instant::now()) {
            self.broker_back = None;
            self.world.broker.set_available(true);
            self.tell("the broker is back");
        }
        let mut due = Vec::new();
        let mut died = Vec::new();
        for (place, slot) in self.world.slots().iter_mut().enumerate() {
            if slot.process.as_ref().is_some_and(|process| process.line.is_dead()) {
                slot.process = None;
                died.push(slot.name());
            }
            if slot.process.is_none() && slot.start_at <= Instant::now() {
                due.push((place, slot.service));
            }
        }
        for name in died {
            self.tell(format!("{name} is dead"));
        }
        for (place, service) in due {
            let started = self.world.start(service).await;
            let mut slots = self.world.slots();
            let slot = &mut slots[place];
            let name = slot.name();
            match started {
                Ok(process) => {
                    slot.process = Some(process);
                    drop(slots);
                    self.tell(format!("{name} starts"));
                }
                Err(_) => slot.start_at = Instant::now() + Duration::from_millis(500),
            }
        }
    }

    /// No more troubles; everybody finishes her work; then everything is counted.
    async fn quiet(&mut self) -> Result<(), Box<Failure>> {
        self.tell("quiet");
        self.world.broker.set_available(true);
        self.world.broker.set_faults(Faults::default());
        self.world.lose_calls(0);
        self.broker_back = None;
        for slot in self.world.slots().iter_mut() {
            slot.start_at = Instant::now();
            if let Some(process) = &slot.process {
                process.line.spare();
            }
        }
        while let Some(joined) = self.people.join_next().await {
            self.start_processes().await;
            if let Err(error) = joined {
                self.world.break_promise(0, format!("somebody could not go on: {error}"));
            }
        }
        self.settle().await?;
        for round in 0..30 {
            let open: Vec<_> = self.promises.open_tasks().cloned().collect();
            if open.is_empty() {
                break;
            }
            if round > 20 {
                self.tell(format!("{} tasks are still open", open.len()));
            }
            for task in open {
                let act = self.act();
                people::finish(&self.world, &mut self.dice, &task, act).await;
            }
            self.settle().await?;
        }
        self.settle().await?;
        let mut broken = self.promises.at_the_end();
        broken.extend(self.fresh_replay().await);
        broken.extend(self.census().await);
        broken.extend(self.dead_letters().await);
        self.fail(broken)?;
        self.look()
    }

    /// Waits until nobody has anything left to do.
    async fn settle(&mut self) -> Result<(), Box<Failure>> {
        let end = Instant::now() + Duration::from_secs(600);
        loop {
            sleep(Duration::from_millis(300)).await;
            self.start_processes().await;
            self.look()?;
            let mut waiting = Vec::new();
            for consumer in ConsumerName::ALL {
                let backlog = self.world.broker.wakeups(consumer).backlog(soon()).await.unwrap_or_default();
                if backlog.pending + backlog.unsettled > 0 {
                    waiting.push(format!("{consumer}: {backlog:?}"));
                }
            }
            for (service, stream) in OWNED {
                let end = self.world.broker.log(stream).end(soon()).await.map_or(0, |end| end.sequence);
                for slot in self.world.slots().iter().filter(|slot| slot.service == service) {
                    let position = slot.process.as_ref().and_then(|process| (process.digest)().position);
                    if position.map(|position| position.sequence) != Some(end) {
                        waiting.push(format!("{} has not read up to {end}", slot.name()));
                    }
                }
            }
            if waiting.is_empty() {
                return Ok(());
            }
            if Instant::now() >= end {
                let broken = waiting.into_iter().map(|what| Broken { promise: 10, what }).collect();
                return self.fail(broken);
            }
        }
    }

    /// A process that reads everything from the first message holds what all the others hold.
    async fn fresh_replay(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        for service in ServiceName::ALL {
            let fresh = match self.world.start(service).await {
                Ok(fresh) => fresh,
                Err(error) => {
                    broken
                        .push(Broken { promise: 3, what: format!("no fresh {}: {error}", service.as_str()) });
                    continue;
                }
            };
            let until = Instant::now() + Duration::from_secs(60);
            while !fresh.is_ready() && Instant::now() < until {
                sleep(Duration::from_millis(50)).await;
            }
            let expected = (fresh.digest)();
            for slot in self.world.slots().iter().filter(|slot| slot.service == service) {
                let Some(process) = &slot.process else { continue };
                let theirs = (process.digest)();
                if theirs != expected {
                    let what = format!("{} holds {theirs:?}, a replay {expected:?}", slot.name());
                    broken.push(Broken { promise: 3, what });
                }
            }
            fresh.line.kill();
        }
        broken
    }

    /// The count of the tests with real processes, on this log.
    async fn census(&self) -> Vec<Broken> {
        if !self.promises.planted.is_empty() {
            // It reads every message, also those that cannot be read.
            return Vec::new();
        }
        let broker: Arc<dyn Broker> = Arc::new(self.world.broker.clone());
        let acknowledged: BTreeSet<SignalId> = self.world.ledger().acknowledged.keys().copied().collect();
        let census = census::count(&broker).await;
        let broken = census.broken_promises(&acknowledged, self.world.now());
        broken.into_iter().map(|what| Broken { promise: 1, what: format!("census: {what}") }).collect()
    }

    /// What was parked is there whole, and can be tried again; still unreadable, it is parked again.
    async fn dead_letters(&mut self) -> Vec<Broken> {
        if self.promises.planted.is_empty() {
            return Vec::new();
        }
        let log = self.world.broker.log(StreamName::DeadLetters);
        let letters = DeadLetters::new(log, Arc::new(self.world.clock.clone()));
        let mut broken = Vec::new();
        let listed = letters.list(true).await.unwrap_or_default();
        for letter in &listed {
            if &*letter.message.data != b"\xff\xff not an event" {
                broken.push(Broken { promise: 10, what: format!("{} is not whole", letter.subject) });
            }
            if let Err(error) = letters.request_replay(&letter.subject, soon()).await {
                broken.push(Broken { promise: 10, what: format!("{}: {error}", letter.subject) });
            }
        }
        let until = Instant::now() + Duration::from_secs(120);
        for letter in &listed {
            loop {
                let now = letters.get(&letter.subject, soon()).await;
                match now {
                    Ok(now) if now.standing == Standing::Parked && now.replays == letter.replays + 1 => break,
                    _ if Instant::now() < until => sleep(Duration::from_millis(200)).await,
                    now => {
                        let what = format!("{} was not tried again: {now:?}", letter.subject);
                        broken.push(Broken { promise: 10, what });
                        break;
                    }
                }
            }
        }
        broken
    }
}

const OWNED: [(ServiceName, StreamName); 3] = [
    (ServiceName::Intake, StreamName::Signals),
    (ServiceName::Routing, StreamName::Tasks),
    (ServiceName::Escalation, StreamName::Episodes),
];

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(10)
}

/// Plays one seed; a panic of a service or of the run itself is a failure like any other.
///
/// # Errors
/// When a promise is broken.
pub fn run_caught(seed: u64) -> Result<Done, Box<Failure>> {
    match std::panic::catch_unwind(|| run(seed)) {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let broken = vec![Broken { promise: 0, what: format!("panic: {}", text.unwrap_or_default()) }];
            Err(Box::new(Failure { seed, step: 0, broken, story: Vec::new() }))
        }
    }
}
