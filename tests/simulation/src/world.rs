//! What a run consists of: one broker, the processes on it, what people know, and what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status, service::Routes};
use tonic_types::StatusExt as _;
use tower::Layer as _;
use voordeur_chassis::{
    DEV_IDENTITY, Digest, Environment, Tasks,
    config::LimitsConfig,
    grpc::{CallLayer, CallService},
};
use voordeur_contracts::intake::SubmitSignalRequest;
use voordeur_directory::Directory;
use voordeur_eventlog::{StreamName, memory::MemoryBroker};
use voordeur_kernel::{Clock as _, CommandId, SignalId, Timestamp};
use voordeur_vault::{Deriver, KeyFile, VaultSettings};

use crate::{
    clock::JumpingClock, dice::Dice, lifeline::Lifeline, municipality, restore::Backup, watchers::Sighting,
};

/// The services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// Takes signals in.
    Intake,
    /// Makes tasks of them.
    Routing,
    /// Follows episodes.
    Escalation,
}

impl ServiceName {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Intake, Self::Routing, Self::Escalation];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Routing => "routing",
            Self::Escalation => "escalation",
        }
    }

    /// The stream that is its own.
    #[must_use]
    pub const fn owns(self) -> StreamName {
        match self {
            Self::Intake => StreamName::Signals,
            Self::Routing => StreamName::Tasks,
            Self::Escalation => StreamName::Episodes,
        }
    }
}

/// A service as its callers reach it, with everything that stands around a call in production.
pub type Grpc = CallService<Routes>;

/// One running process.
#[derive(Clone)]
pub struct Process {
    /// What it hangs on.
    pub line: Lifeline,
    /// Its calls.
    pub grpc: Grpc,
    /// Fingerprint of its fold.
    pub digest: Arc<dyn Fn() -> Digest + Send + Sync>,
    /// Everything that runs in it.
    pub tasks: Tasks,
    /// How often the broker had been restored when it started.
    pub life: u64,
    ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Process {
    /// Has it read everything it needs?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        (self.ready)()
    }
}

/// A place for a process.
pub struct Slot {
    /// Which service.
    pub service: ServiceName,
    /// Which of its replicas.
    pub number: usize,
    /// What runs there.
    pub process: Option<Process>,
    /// When it is started again.
    pub start_at: Instant,
}

impl Slot {
    /// Its name in stories.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.service.as_str(), self.number)
    }
}

/// A broken promise of the design.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its number; 0 for what no promise names.
    pub promise: u8,
    /// What is wrong.
    pub what: String,
}

/// What the people of a run were told, which the log must agree with.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Signals with a receipt, each with its organisation.
    pub acknowledged: BTreeMap<SignalId, String>,
    /// What was handed over, as it was, for whoever hands it over again.
    pub requests: BTreeMap<SignalId, (String, SubmitSignalRequest)>,
    /// Signals of which somebody used the reference for something else.
    pub other_words: BTreeSet<SignalId>,
    /// Signals for which a caller was told that it is this very call that brought them in.
    pub brought_in: BTreeSet<SignalId>,
    /// Signals about a named child: which organisation knows it by which number.
    pub children: BTreeMap<SignalId, (String, String)>,
    /// Acts that were refused for good: nothing of them may be stored.
    pub refused: BTreeMap<CommandId, String>,
    /// Tasks of which a person was told that her answer stands.
    pub answered: BTreeSet<String>,
    /// Acts to which somebody said yes, and then somebody no. One that changed nothing (a colleague who was asked already) is not
    /// stored, so there is nothing to know it by when the task has moved on in between; one that is stored must be known.
    pub contradicted: BTreeMap<CommandId, String>,
    /// The same, while the one who acts has not said yet which act it is.
    doubts: BTreeMap<tokio::task::Id, String>,
    /// Texts that were shown since the broker was restored last.
    pub looks: usize,
    /// What watchers saw and nobody looked at yet.
    pub sightings: Vec<Sighting>,
    /// What was noticed on the way.
    pub broken: Vec<Broken>,
    /// Calls that were made.
    pub calls: u64,
    /// Troubles between callers and services.
    pub troubles: u64,
}

/// Everything of one run. Clones are the same world.
#[derive(Clone)]
pub struct World {
    /// The broker's twin.
    pub broker: MemoryBroker,
    /// The time.
    pub clock: JumpingClock,
    /// Ids, as the services derive them.
    pub deriver: Deriver,
    keys: Arc<KeyFile>,
    slots: Arc<Mutex<Vec<Slot>>>,
    ledger: Arc<Mutex<Ledger>>,
    story: Story,
    /// How often the broker was restored.
    restored: Arc<AtomicU64>,
    kept_name: Arc<AtomicBool>,
    backup: Arc<Mutex<Option<Backup>>>,
    directories: Arc<Mutex<BTreeMap<u64, Arc<Directory>>>>,
    /// Moments that acts under way name as being ahead.
    ahead: Arc<Mutex<Vec<Weak<Timestamp>>>>,
    /// Nobody is slow or goes away any more.
    calm: Arc<AtomicBool>,
    began: Instant,
    /// How often in a hundred a request or an answer between a caller and a service is lost.
    loss: Arc<Mutex<u64>>,
}

/// What happened so far. Kept outside the run, so that it is there when the run ends in a panic.
pub type Story = Arc<Mutex<Vec<String>>>;

/// How long a caller waits for one answer.
const PATIENCE: Duration = Duration::from_secs(8);

impl World {
    pub(crate) fn new(broker: MemoryBroker, clock: JumpingClock, slots: Vec<Slot>, story: Story) -> Self {
        let keys = Arc::new(keys());
        Self {
            broker,
            clock,
            deriver: keys.deriver(),
            keys,
            slots: Arc::new(Mutex::new(slots)),
            ledger: Arc::default(),
            story,
            restored: Arc::default(),
            kept_name: Arc::default(),
            backup: Arc::default(),
            directories: Arc::default(),
            ahead: Arc::default(),
            calm: Arc::default(),
            began: Instant::now(),
            loss: Arc::default(),
        }
    }

    /// The places of processes. Not across a wait.
    pub fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What people were told. Not across a wait.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what happened.
    pub fn tell(&self, what: impl AsRef<str>) {
        let line = format!("{:>9.3} {} {}", self.began.elapsed().as_secs_f64(), self.now(), what.as_ref());
        self.story.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// How often the broker was restored.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.restored.load(Ordering::Relaxed)
    }

    /// The broker is restored: what is known of before is worth nothing. `kept_name`: its streams are still called what they were.
    pub(crate) fn begin_another_life(&self, kept_name: bool) {
        self.restored.fetch_add(1, Ordering::Relaxed);
        self.kept_name.store(kept_name, Ordering::Relaxed);
    }

    /// Did the streams keep their incarnations when they were restored last?
    #[must_use]
    pub fn kept_name(&self) -> bool {
        self.kept_name.load(Ordering::Relaxed)
    }

    /// The newest backup.
    pub(crate) fn backup(&self) -> Option<Backup> {
        self.backup.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a backup.
    pub(crate) fn keep(&self, backup: Backup) {
        *self.backup.lock().unwrap_or_else(PoisonError::into_inner) = Some(backup);
    }

    /// Notes what a version of the directory says.
    pub(crate) fn note_directory(&self, version: u64, text: &str) {
        let mut all = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        // What was restored away may come again with another content.
        all.retain(|known, _| *known < version);
        all.insert(version, Arc::new(municipality::directory(text)));
    }

    /// What a version of the directory says.
    #[must_use]
    pub fn directory(&self, version: u64) -> Option<Arc<Directory>> {
        self.directories.lock().unwrap_or_else(PoisonError::into_inner).get(&version).cloned()
    }

    /// What the newest version of the directory says.
    #[must_use]
    pub fn directory_in_force(&self) -> Option<Arc<Directory>> {
        let all = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        all.last_key_value().map(|(_, newest)| Arc::clone(newest))
    }

    /// Keeps the clock from being set past a moment as long as what is returned is held: an act that names it is under way.
    #[must_use]
    pub fn stays_ahead(&self, moment: Timestamp) -> Arc<Timestamp> {
        let held = Arc::new(moment);
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&held));
        held
    }

    /// Sets the clock forward, as far as the acts under way let it.
    pub fn pass(&self, by: SignedDuration) -> SignedDuration {
        let now = self.now();
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.retain(|moment| moment.strong_count() > 0);
        let soonest = ahead.iter().filter_map(Weak::upgrade).map(|moment| *moment).min();
        // They may still be repeated for minutes.
        let room = soonest.map(|moment| moment.duration_since(now) - SignedDuration::from_mins(30));
        let by = room.map_or(by, |room| by.min(room)).max(SignedDuration::ZERO);
        self.clock.jump(by);
        by
    }

    /// Is it the time in which nobody makes trouble?
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    pub(crate) fn be_calm(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Whether yes and no were said to the last act of whoever runs here.
    pub(crate) fn doubt(&self) -> Option<String> {
        let who = tokio::task::try_id()?;
        self.ledger().doubts.remove(&who)
    }

    /// Notes which act it was.
    pub(crate) fn settle_doubt(&self, command: CommandId) {
        if let Some(doubt) = self.doubt() {
            self.ledger().contradicted.insert(command, doubt);
        }
    }

    /// Notes that a promise was broken.
    pub fn break_promise(&self, promise: u8, what: impl Into<String>) {
        self.ledger().broken.push(Broken { promise, what: what.into() });
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sets how often in a hundred a call is lost on its way there or back.
    pub fn lose_calls(&self, percent: u64) {
        *self.loss.lock().unwrap_or_else(PoisonError::into_inner) = percent;
    }

    /// Starts a process from nothing.
    pub(crate) async fn start(&self, service: ServiceName) -> Result<Process, String> {
        let line = Lifeline::default();
        let environment = Environment {
            broker: line.broker(self.broker.for_another_process()),
            clock: Arc::new(self.clock.clone()),
            tasks: Tasks::new(),
            dev: true,
        };
        let started = match service {
            ServiceName::Intake => {
                let settings = voordeur_intake::Settings {
                    vault: VaultSettings { keys_ready: 3, ..VaultSettings::default() },
                    usage_every: Duration::from_secs(3600),
                    ..voordeur_intake::Settings::new(Arc::clone(&self.keys))
                };
                voordeur_intake::start(&environment, settings).await
            }
            ServiceName::Routing => {
                let settings = voordeur_routing::Settings::new(self.deriver.clone());
                voordeur_routing::start(&environment, settings).await
            }
            ServiceName::Escalation => {
                let settings = voordeur_escalation::Settings::new(Arc::clone(&self.keys));
                voordeur_escalation::start(&environment, settings).await
            }
        };
        let started = match started {
            Ok(started) => started,
            Err(error) => {
                environment.tasks.stop().cancel();
                return Err(error.to_string());
            }
        };
        let limits = LimitsConfig { calls_max: 256, streams_max: 64, connection_streams_max: 64 };
        let draining = environment.tasks.draining();
        let layer = CallLayer::new(service.as_str(), true, &limits, draining, started.refusal_detail);
        let ready = started.ready.clone();
        // What it holds when it dies stays where it is; its own wheels stop turning.
        let (stop, dying) = (environment.tasks.stop(), line.clone());
        tokio::spawn(async move {
            dying.death().await;
            stop.cancel();
        });
        Ok(Process {
            line,
            grpc: layer.layer(started.grpc),
            digest: Arc::clone(&started.folds[0].1),
            tasks: environment.tasks,
            life: self.life(),
            ready: Arc::new(move || ready.iter().all(|(_, holds)| holds())),
        })
    }

    /// Calls a service until there is an answer that stands: at whatever replica is up, again after every failure that may pass, now and
    /// then at two at once. `None` when patience ran out; then nobody knows.
    pub async fn insist<T, F>(
        &self,
        dice: &mut Dice,
        service: ServiceName,
        attempts: usize,
        call: F,
    ) -> Option<Result<T, Status>>
    where
        T: Send + 'static,
        F: Fn(Grpc) -> BoxFuture<'static, Result<Response<T>, Status>>,
    {
        // In which life of the broker somebody said yes to it.
        let mut yes = None;
        for _ in 0..attempts {
            let up = self.up(service);
            let life = self.life();
            let loss = *self.loss.lock().unwrap_or_else(PoisonError::into_inner);
            let lost_on_its_way = dice.chance(loss);
            let lost_on_its_way_back = dice.chance(loss);
            let twice = dice.chance(loss / 2);
            let pause = Duration::from_millis(dice.between(20, 1_500));
            if !up.is_empty() && !lost_on_its_way {
                self.ledger().calls += 1;
                let first = self.ask(dice.pick(&up), &call);
                let answer = if twice {
                    let second = self.ask(dice.pick(&up), &call);
                    let (first, second) = futures_util::join!(first, second);
                    if let (Ok(_), Err(no)) | (Err(no), Ok(_)) = (&first, &second)
                        && stands(no)
                    {
                        // Each may be right, of different moments. Asked once more she hears which: what is stored must be known.
                        yes = Some(life);
                        self.ledger().troubles += 1;
                        continue;
                    }
                    if first.is_ok() { first } else { second }
                } else {
                    first.await
                };
                match answer {
                    // One of two answers may have come before the other was asked of a broker that is restored by now.
                    _ if life != self.life() => self.ledger().troubles += 1,
                    Ok(_) if lost_on_its_way_back => {
                        yes = Some(life);
                        self.ledger().troubles += 1;
                    }
                    Ok(answer) => return Some(Ok(answer)),
                    Err(no) if stands(&no) => {
                        // Two processes may know different directories for a moment, and then she is nobody to one of them.
                        if yes == Some(life) && !matches!(no.code(), Code::PermissionDenied | Code::NotFound)
                        {
                            let what = format!("done, and then refused: {no:?}");
                            self.ledger().doubts.extend(tokio::task::try_id().map(|who| (who, what)));
                        }
                        return Some(Err(no));
                    }
                    Err(_) => self.ledger().troubles += 1,
                }
            }
            tokio::time::sleep(pause).await;
        }
        None
    }

    /// The processes of a service that can be called.
    #[must_use]
    pub fn up(&self, service: ServiceName) -> Vec<Process> {
        let slots = self.slots();
        let of_service = slots.iter().filter(|slot| slot.service == service);
        let processes = of_service.filter_map(|slot| slot.process.as_ref());
        processes.filter(|process| !process.line.is_dead()).cloned().collect()
    }

    async fn ask<T, F>(&self, process: &Process, call: &F) -> Result<T, Status>
    where
        F: Fn(Grpc) -> BoxFuture<'static, Result<Response<T>, Status>>,
    {
        let call = call(process.grpc.clone());
        let answer = tokio::select! {
            biased;
            () = process.line.death() => Err(Status::unavailable("the connection is gone")),
            answer = tokio::time::timeout(PATIENCE + Duration::from_secs(1), call) => match answer {
                Ok(answer) => answer.map(Response::into_inner),
                Err(_) => Err(Status::deadline_exceeded("no answer")),
            },
        };
        // Whoever was called before the broker was restored tells of what may be gone.
        if process.life == self.life() { answer } else { Err(Status::unavailable("the broker was restored")) }
    }
}

/// Is this an answer, and not a trouble that may pass?
#[must_use]
pub fn stands(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled => false,
        Code::Aborted => reason(status) == "VERSION_CHANGED",
        _ => true,
    }
}

/// The stable reason of a refusal.
#[must_use]
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// A request of somebody who waits as long as it takes.
pub fn at_leisure<T>(who: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(DEV_IDENTITY, who.parse().expect("an identity"));
    request
}

/// A request of somebody.
pub fn of<T>(who: &str, message: T) -> Request<T> {
    let mut request = at_leisure(who, message);
    request.set_timeout(PATIENCE);
    request
}

/// Keys that are the same in every run, so that derived ids are.
fn keys() -> KeyFile {
    let folder = std::env::temp_dir().join(format!("voordeur-simulation-{}", std::process::id()));
    let path = folder.join("keys");
    static ONCE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONCE.lock().unwrap_or_else(PoisonError::into_inner);
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    if !path.exists() {
        use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
        let text = format!(
            "voordeur-keys 1\nderivation {}\nkek kek-1 {}\ncurrent kek-1\n",
            "07".repeat(32),
            "08".repeat(32)
        );
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .expect("a new file");
        file.write_all(text.as_bytes()).expect("a small file");
    }
    KeyFile::load(&path).expect("good keys")
}
