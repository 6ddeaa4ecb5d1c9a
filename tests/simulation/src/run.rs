//! One run: a seed, a while of troubles, then quiet, then the count.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker, BucketName, Deadline, StreamName,
    memory::{Faults, Flavour, MemoryBroker, Options},
};

use crate::{
    bulk,
    clock::JumpingClock,
    dice::Dice,
    facts,
    fingerprint::fingerprint,
    municipality, people,
    promises::Promises,
    restore, schools,
    settings::{Kind, Settings},
    watchers,
    world::{Broken, Process, ServiceName, Slot, Story, World},
};

/// What happens at a choice.
fn kind(dice: &mut Dice) -> Kind {
    match dice.between(0, 100) {
        0..16 => Kind::HandOver,
        16..18 => Kind::Bulk,
        18..24 => Kind::ComeBack,
        24..28 => Kind::Read,
        28..53 => Kind::Work,
        53..59 => Kind::Fact,
        59..63 => Kind::Presence,
        63..65 => Kind::Watch,
        65..73 => Kind::Kill,
        73..77 => Kind::Freeze,
        77..80 => Kind::ReadLate,
        80..84 => Kind::Weather,
        84..86 => Kind::Outage,
        86..88 => Kind::Fill,
        88..93 => Kind::Jump,
        93 if dice.chance(50) => Kind::Directory,
        93 => Kind::Sleep,
        94..96 => Kind::Backup,
        96..98 => Kind::Restore,
        _ => Kind::Plant,
    }
}

/// What happens at a choice of a run of weeks: more of what people do, and every trouble less often.
fn kind_of_weeks(dice: &mut Dice) -> Kind {
    match dice.between(0, 100) {
        0..17 => Kind::HandOver,
        17..20 => Kind::ComeBack,
        20..22 => Kind::Read,
        22..60 => Kind::Work,
        60..64 => Kind::Fact,
        64..74 => Kind::Presence,
        74..76 => Kind::Watch,
        76..80 => Kind::Directory,
        80..82 => Kind::Jump,
        _ => kind(dice),
    }
}

/// A Monday morning, where runs of some days begin.
const FIRST_MOMENT: &str = "2026-03-09T08:00:00Z";
/// What no release could ever read.
pub(crate) const UNREADABLE: &[u8] = b"\xff\xff not an event";

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
    /// Times that the broker was restored from a backup.
    pub restores: u64,
    /// Items that watchers saw.
    pub sightings: u64,
    /// Calls of people and schools.
    pub calls: u64,
    /// Choices of professionals that were made again from what they saw.
    pub replayed: u64,
    /// Tasks of which it was told why they went where they went.
    pub explained: u64,
    /// People who were asked, each looked up in her hours.
    pub asked: u64,
    /// Days that passed.
    pub days: u64,
    /// What happened to tasks, by name of the event.
    pub kinds: BTreeMap<String, u64>,
    /// Fingerprint of the whole log.
    pub fingerprint: u64,
}

/// A run that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What was played.
    pub settings: Settings,
    /// At which choice.
    pub step: u64,
    /// What was broken.
    pub broken: Vec<Broken>,
    /// Everything that happened.
    pub story: Vec<String>,
}

/// Lines of a story that are printed.
const STORY_LINES: usize = 60;

impl Failure {
    /// What was broken, without anything that differs between runs that break it in the same way.
    #[must_use]
    pub fn signature(&self) -> String {
        let Some(broken) = self.broken.first() else { return String::new() };
        let words = broken.what.split(|c: char| !c.is_ascii_alphabetic() && c != '_');
        let words: Vec<&str> =
            words.filter(|word| word.len() > 2 && !word.bytes().all(|b| b.is_ascii_hexdigit())).collect();
        let words: Vec<&str> = words.into_iter().take(10).collect();
        format!("{}: {}", broken.promise, words.join(" "))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {} broke a promise at step {}:", self.settings.seed, self.step)?;
        for broken in self.broken.iter().take(10) {
            writeln!(f, "  promise {}: {}", broken.promise, broken.what)?;
        }
        let hidden = self.story.len().saturating_sub(STORY_LINES);
        writeln!(f, "what happened (seconds of the run, time of the run; {hidden} lines before these):")?;
        for line in self.story.iter().skip(hidden) {
            writeln!(f, "  {line}")?;
        }
        write!(f, "play it again: {}", self.settings)
    }
}

/// Plays one run.
///
/// # Errors
/// When a promise is broken.
pub fn run(settings: &Settings) -> Result<Done, Box<Failure>> {
    run_telling(settings, Story::default())
}

fn run_telling(settings: &Settings, story: Story) -> Result<Done, Box<Failure>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads");
    runtime.block_on(Box::pin(play(settings.clone(), story)))
}

pub(crate) struct Run {
    settings: Settings,
    pub(crate) dice: Dice,
    pub(crate) world: World,
    pub(crate) promises: Promises,
    pub(crate) people: JoinSet<()>,
    watchers: JoinSet<()>,
    pub(crate) watching: usize,
    story: Story,
    step: u64,
    acts: usize,
    signals_max: usize,
    signals: usize,
    pub(crate) plants: bool,
    pub(crate) restores: bool,
    pub(crate) directory_version: u64,
    /// What differs in it from the first one.
    pub(crate) changes: Vec<&'static str>,
    /// Weeks pass, and not only days.
    weeks: bool,
    pub(crate) broker_back: Option<Instant>,
    pub(crate) full: Option<(StreamName, Instant)>,
    pub(crate) reachable: bool,
    /// Processes that nobody stopped when the broker was restored, each with the moment by which it must have stopped by itself.
    pub(crate) forgotten: Vec<(String, Process, Instant)>,
    /// Once they have, the consumers are made anew.
    pub(crate) makes_up: bool,
    pub(crate) done: Done,
}

async fn play(settings: Settings, story: Story) -> Result<Done, Box<Failure>> {
    let seed = settings.seed;
    let mut dice = Dice::new(seed);
    // Some days with many troubles, or weeks with as many.
    let weeks = dice.chance(50);
    let first =
        if weeks { municipality::beginning(&mut dice) } else { FIRST_MOMENT.parse().expect("a moment") };
    let clock = JumpingClock::at(first);
    let flavour = if dice.chance(50) { Flavour::Single } else { Flavour::Replicated };
    let options = Options {
        flavour,
        faults: Faults { seed: dice.roll(), ..Faults::default() },
        clock: Some(Arc::new(clock.clone())),
        ..Options::default()
    };
    let broker = MemoryBroker::with_options(options);
    let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
    let text = municipality::text(&[]);
    store.apply(&text, 0, Deadline::now() + Duration::from_secs(10)).await.expect("a good directory");
    let mut slots = Vec::new();
    for service in ServiceName::ALL {
        let replicas = 2 + dice.index(2);
        for number in 0..settings.replicas.map_or(replicas, |most| most.min(replicas)) {
            slots.push(Slot { service, number, process: None, start_at: Instant::now() });
        }
    }
    let world = World::new(broker, clock, slots, Arc::clone(&story));
    world.note_directory(1, &text);
    world.tell(format!("seed {seed}, {flavour:?}{}", if weeks { ", weeks" } else { "" }));
    let (plants, restores, signals_max) = (dice.chance(20), dice.chance(40), 5 + dice.index(20));
    let mut run = Run {
        settings,
        dice,
        world,
        promises: Promises::default(),
        people: JoinSet::new(),
        watchers: JoinSet::new(),
        watching: 0,
        story,
        step: 0,
        acts: 100_000,
        signals_max,
        signals: 0,
        plants,
        restores,
        directory_version: 1,
        changes: Vec::new(),
        weeks,
        broker_back: None,
        full: None,
        reachable: true,
        forgotten: Vec::new(),
        makes_up: false,
        done: Done::default(),
    };
    run.start_processes().await;
    let steps = if weeks { run.dice.between(100, 220) } else { run.dice.between(60, 140) };
    let steps = run.settings.steps.map_or(steps, |most| most.min(steps));
    for _ in 0..steps {
        Box::pin(run.choose()).await?;
        run.let_time_pass();
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
        restores: run.world.life(),
        sightings: run.promises.lookout.seen,
        replayed: run.promises.duty.replayed,
        asked: run.promises.duty.asked,
        days: u64::try_from(run.world.now().duration_since(first).as_hours() / 24).expect("forward"),
        kinds: std::mem::take(&mut run.promises.kinds),
        fingerprint: fingerprint(&run.world.broker),
        ..run.done
    })
}

impl Run {
    pub(crate) fn look(&mut self) -> Result<(), Box<Failure>> {
        self.look_at_the_forgotten();
        let broken = self.promises.look(&self.world, self.full.is_none() && self.reachable);
        self.fail(broken)
    }

    pub(crate) fn fail(&self, broken: Vec<Broken>) -> Result<(), Box<Failure>> {
        if broken.is_empty() {
            return Ok(());
        }
        Err(Box::new(Failure {
            settings: self.settings.clone(),
            step: self.step,
            broken,
            story: told(&self.story),
        }))
    }

    pub(crate) fn tell(&self, what: impl AsRef<str>) {
        self.world.tell(what);
    }

    /// In a run of weeks time passes after every choice.
    fn let_time_pass(&mut self) {
        let mut dice = self.dice.fork();
        if self.weeks {
            let by = municipality::until_next(self.world.now(), &mut dice);
            let by = self.world.pass(by);
            if by > SignedDuration::from_hours(4) {
                self.tell(format!("{} hours pass", by.as_hours()));
            }
        }
    }

    /// One choice. It has dice of its own, so that leaving it out changes nothing for the others.
    async fn choose(&mut self) -> Result<(), Box<Failure>> {
        self.step += 1;
        while self.people.try_join_next().is_some() {}
        let mut dice = self.dice.fork();
        let dice = &mut dice;
        let kind = if self.weeks { kind_of_weeks(dice) } else { kind(dice) };
        if !self.settings.plays(self.step, kind) {
            return Ok(());
        }
        let act = usize::try_from(self.step).expect("a small number");
        let world = self.world.clone();
        match kind {
            Kind::HandOver => self.hand_over(dice),
            Kind::Bulk => self.hand_over_many(dice),
            Kind::ComeBack => drop(self.people.spawn(schools::come_back(world, dice.fork(), act))),
            Kind::Read => drop(self.people.spawn(people::read(world, dice.fork()))),
            Kind::Work => drop(self.people.spawn(people::work(world, dice.fork(), act))),
            Kind::Fact => drop(self.people.spawn(facts::record(world, dice.fork(), act))),
            Kind::Presence => drop(self.people.spawn(people::say_presence(world, dice.fork(), act))),
            Kind::Watch => self.watch(dice),
            Kind::Kill => self.kill(dice),
            Kind::Freeze => self.freeze(dice),
            Kind::ReadLate => self.read_late(dice),
            Kind::Weather => self.weather(dice),
            Kind::Outage => self.outage(dice),
            Kind::Fill => self.fill(dice),
            Kind::Jump => self.jump(dice),
            Kind::Sleep => {
                self.tell("the machine sleeps for 20 s");
                tokio::time::advance(Duration::from_secs(20)).await;
            }
            Kind::Directory => self.new_directory(dice).await,
            Kind::Plant => self.plant(dice).await,
            Kind::Backup => drop(self.people.spawn(restore::back_up(world, dice.fork()))),
            Kind::Restore => self.restore(dice).await?,
        }
        Ok(())
    }

    fn watch(&mut self, dice: &mut Dice) {
        // Each costs an item for everything that happens.
        if self.watching < 3 {
            self.watching += 1;
            self.watchers.spawn(watchers::watch(self.world.clone(), dice.fork(), self.watching));
        }
    }

    pub(crate) fn act(&mut self) -> usize {
        self.acts += 1;
        self.acts
    }

    /// Numbers of signals go by choice, so that leaving one out changes no other.
    fn number(&self, item: usize) -> usize {
        usize::try_from(self.step).expect("a small number") * 100 + item
    }

    fn hand_over(&mut self, dice: &mut Dice) {
        if self.signals < self.signals_max {
            self.signals += 1;
            let number = self.number(0);
            self.people.spawn(schools::hand_over(self.world.clone(), dice.fork(), number));
        }
    }

    fn hand_over_many(&mut self, dice: &mut Dice) {
        let count = 2 + dice.index(7);
        if self.signals < self.signals_max {
            self.signals += count;
            let numbers = (0..count).map(|item| self.number(item)).collect();
            self.people.spawn(bulk::hand_over(self.world.clone(), dice.fork(), numbers));
        }
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
        self.make_up_for_the_forgotten().await;
        let mut due = Vec::new();
        let mut died = Vec::new();
        for (place, slot) in self.world.slots().iter_mut().enumerate() {
            let dead = |process: &Process| process.line.is_dead();
            if slot.process.as_ref().is_some_and(dead) {
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

fn told(story: &Story) -> Vec<String> {
    story.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Plays one run; a panic of a service or of the run itself is a failure like any other.
///
/// # Errors
/// When a promise is broken.
pub fn run_caught(settings: &Settings) -> Result<Done, Box<Failure>> {
    let story = Story::default();
    let telling = std::panic::AssertUnwindSafe(|| run_telling(settings, Arc::clone(&story)));
    match std::panic::catch_unwind(telling) {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let broken = vec![Broken { promise: 0, what: format!("panic: {}", text.unwrap_or_default()) }];
            Err(Box::new(Failure { settings: settings.clone(), step: 0, broken, story: told(&story) }))
        }
    }
}
