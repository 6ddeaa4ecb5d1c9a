//! One run: a seed, a while of troubles, then quiet, then the count.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker, BucketName, Commit, Deadline, StreamName, Subject, Version,
    memory::{Faults, Flavour, MemoryBroker, Options},
};
use voordeur_kernel::{CommitId, SignalId, TaskId};

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
/// What no release could ever read.
pub(crate) const UNREADABLE: &[u8] = b"\xff\xff not an event";
const DIRECTORY: &str = include_str!("directory.toml");

/// What one run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// What happened to tasks, by name of the event.
    pub kinds: BTreeMap<String, u64>,
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

pub(crate) struct Run {
    seed: u64,
    pub(crate) dice: Dice,
    pub(crate) world: World,
    pub(crate) promises: Promises,
    pub(crate) people: JoinSet<()>,
    step: u64,
    acts: usize,
    signals_max: usize,
    signals: usize,
    plants: bool,
    directory_version: u64,
    pub(crate) broker_back: Option<Instant>,
    full: Option<(StreamName, Instant)>,
    pub(crate) reachable: bool,
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
        directory_version: 1,
        broker_back: None,
        full: None,
        reachable: true,
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
        kinds: std::mem::take(&mut run.promises.kinds),
        fingerprint: fingerprint(&run.world.broker),
        ..run.done
    })
}

impl Run {
    pub(crate) fn look(&mut self) -> Result<(), Box<Failure>> {
        let broken = self.promises.look(&self.world, self.full.is_none() && self.reachable);
        self.fail(broken)
    }

    pub(crate) fn fail(&self, broken: Vec<Broken>) -> Result<(), Box<Failure>> {
        if broken.is_empty() {
            return Ok(());
        }
        Err(Box::new(Failure { seed: self.seed, step: self.step, broken, story: self.world.story(30) }))
    }

    pub(crate) fn tell(&self, what: impl AsRef<str>) {
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
            24..28 => drop(self.people.spawn(people::read(self.world.clone(), self.dice.fork()))),
            28..62 => {
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
            88..90 => self.fill(),
            90..97 => self.jump(),
            97 if self.dice.chance(50) => self.new_directory().await,
            97 => {
                self.tell("the machine sleeps for 20 s");
                tokio::time::advance(Duration::from_secs(20)).await;
            }
            _ => self.plant().await,
        }
    }

    pub(crate) fn act(&mut self) -> usize {
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
        let (name, faults, loss) = match self.dice.between(0, 5) {
            0 => ("fair", Faults { seed, ..Faults::default() }, 0),
            1 => ("rough", Faults::rough(seed), 8),
            2 => {
                let faults = Faults { late_requests: 250, lost_acknowledgements: 200, ..Faults::rough(seed) };
                ("late answers", faults, 15)
            }
            3 => ("hardly reachable", Faults { unavailable: 800, ..Faults::rough(seed) }, 8),
            _ => {
                let longest_delay = Duration::from_secs(8);
                (
                    "disorder",
                    Faults { duplicated: 500, delayed: 500, longest_delay, ..Faults::rough(seed) },
                    4,
                )
            }
        };
        self.reachable = name != "hardly reachable";
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

    /// A stream is full until somebody makes room.
    fn fill(&mut self) {
        if self.full.is_some() {
            return;
        }
        self.done.troubles += 1;
        let stream = *self.dice.pick(&[StreamName::Signals, StreamName::Tasks, StreamName::Episodes]);
        let time = Duration::from_millis(self.dice.between(200, 30_000));
        self.world.broker.limit(stream, 1);
        self.full = Some((stream, Instant::now() + time));
        self.tell(format!("{stream} is full for {time:?}"));
    }

    /// There is room again.
    pub(crate) fn make_room(&mut self) {
        if let Some((stream, _)) = self.full.take() {
            let room = voordeur_eventlog::topology::Settings::default().stream_bytes_max;
            self.world.broker.limit(stream, room);
            self.tell(format!("{stream} has room again"));
        }
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

    /// De Wilg gets another coordinator, or gets the former one back.
    async fn new_directory(&mut self) {
        let expected = self.directory_version;
        let text = if expected.is_multiple_of(2) {
            DIRECTORY.to_owned()
        } else {
            DIRECTORY.replace("[person.marit]", "[person.petra]")
        };
        let store = DirectoryStore::new(self.world.broker.bucket(BucketName::Directory));
        let until = Deadline::now() + Duration::from_secs(5);
        match store.apply(&text, expected, until).await {
            Ok(applied) => {
                self.directory_version = applied.version;
                self.tell(format!("version {} of the directory", applied.version));
            }
            // Perhaps it is there all the same.
            Err(_) => {
                if let Ok(stored) = store.current(Deadline::now() + Duration::from_secs(60)).await {
                    self.directory_version = stored.directory.version();
                }
            }
        }
    }

    /// A message of a later release, or a damaged one.
    async fn plant(&mut self) {
        if !self.plants
            || self.promises.planted.len() >= 2
            || self.broker_back.is_some()
            || self.full.is_some()
        {
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
            data: UNREADABLE.into(),
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
    pub(crate) async fn start_processes(&mut self) {
        if self.broker_back.is_some_and(|back| back <= Instant::now()) {
            self.broker_back = None;
            self.world.broker.set_available(true);
            self.tell("the broker is back");
        }
        if self.full.is_some_and(|(_, until)| until <= Instant::now()) {
            self.make_room();
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
