//! Those who watch: a professional's list, and the signals of an organisation. They follow, fall behind, go away and come back at
//! another replica with their position; what they see is noted, and looked at once the log has been read.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use voordeur_contracts::{
    common::Position,
    intake::{
        Signal, WatchSignalsRequest, signal_intake_service_client::SignalIntakeServiceClient,
        watch_signals_response,
    },
    routing::{Task, WatchTasksRequest, task_service_client::TaskServiceClient, watch_tasks_response},
};

use crate::{
    dice::Dice,
    people::{COMING_AND_GOING, PEOPLE},
    schools::{ORGANISATIONS, who},
    world::{Process, ServiceName, World, at_leisure},
};

/// Who watches what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watcher {
    /// A person her list, or a coordinator her whole centre.
    Tasks {
        /// Who.
        person: &'static str,
        /// Where she works.
        centre: &'static str,
        /// Is she a coordinator?
        coordinator: bool,
        /// The whole centre?
        whole: bool,
        /// Whether what is on her list depends on nothing but the tasks: she stays whatever the directory says.
        settled: bool,
    },
    /// The system of an organisation.
    Signals {
        /// Which.
        organisation: &'static str,
    },
}

/// What a watcher saw.
#[derive(Debug, Clone)]
pub enum What {
    /// It begins to watch: without a position, or after one.
    Begins {
        /// Without.
        anew: bool,
    },
    /// A task, perhaps with a position.
    Task(Box<Task>, Option<u64>),
    /// A task left the list.
    Gone(String),
    /// A signal.
    Signal(Box<Signal>, Option<u64>),
    /// Everything up to here was sent.
    CaughtUp(Option<u64>),
}

/// Something that a watcher saw.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Number of the watcher.
    pub number: usize,
    /// Who.
    pub watcher: Watcher,
    /// What.
    pub what: What,
}

/// One item, of either watch.
struct Item {
    what: Option<What>,
    position: Option<Position>,
}

enum Items {
    Tasks(tonic::Streaming<voordeur_contracts::routing::WatchTasksResponse>),
    Signals(tonic::Streaming<voordeur_contracts::intake::WatchSignalsResponse>),
}

impl Items {
    async fn next(&mut self) -> Result<Option<Item>, Status> {
        let sequence = |position: &Option<Position>| position.as_ref().map(|position| position.sequence);
        match self {
            Self::Tasks(items) => Ok(items.message().await?.map(|message| {
                let at = sequence(&message.position);
                let what = message.item.map(|item| match item {
                    watch_tasks_response::Item::Task(task) => What::Task(Box::new(task), at),
                    watch_tasks_response::Item::GoneTaskId(id) => What::Gone(id),
                    watch_tasks_response::Item::CaughtUp(_) => What::CaughtUp(at),
                });
                Item { what, position: message.position }
            })),
            Self::Signals(items) => Ok(items.message().await?.map(|message| {
                let at = sequence(&message.position);
                let what = message.item.map(|item| match item {
                    watch_signals_response::Item::Signal(signal) => What::Signal(Box::new(signal), at),
                    watch_signals_response::Item::CaughtUp(_) => What::CaughtUp(at),
                });
                Item { what, position: message.position }
            })),
        }
    }
}

/// Somebody watches until the run ends.
pub async fn watch(world: World, mut dice: Dice, number: usize) {
    let watcher = if dice.chance(60) {
        let (person, centre, coordinator) = *dice.pick(&PEOPLE);
        let settled = !COMING_AND_GOING.contains(&person);
        Watcher::Tasks { person, centre, coordinator, whole: coordinator && dice.chance(50), settled }
    } else {
        Watcher::Signals { organisation: dice.pick(&ORGANISATIONS).0 }
    };
    world.tell(format!("watcher {number}: {watcher:?}"));
    // Some read fast, some now and then.
    let slow = *dice.pick(&[0, 0, 10, 40]);
    let mut one = One { world, number, watcher, slow, position: None, life: 0 };
    loop {
        one.watch_once(&mut dice).await;
        tokio::time::sleep(Duration::from_millis(dice.between(10, 2_000))).await;
    }
}

struct One {
    world: World,
    number: usize,
    watcher: Watcher,
    /// How often in a hundred it takes its time over an item.
    slow: u64,
    /// Where it goes on.
    position: Option<Position>,
    /// Of which life of the broker its position is.
    life: u64,
}

impl One {
    fn note(&self, what: What) {
        let sighting = Sighting { number: self.number, watcher: self.watcher.clone(), what };
        self.world.ledger().sightings.push(sighting);
    }

    /// One stream, until it ends, breaks, or is left.
    async fn watch_once(&mut self, dice: &mut Dice) {
        let service = match self.watcher {
            Watcher::Tasks { .. } => ServiceName::Routing,
            Watcher::Signals { .. } => ServiceName::Intake,
        };
        let up = self.world.up(service);
        if up.is_empty() {
            return;
        }
        let process = dice.pick(&up).clone();
        if self.life != process.life && self.world.kept_name() {
            // The streams came back under their former name, and nothing about its position says that it is worth nothing: whoever
            // restores has to tell whoever watches.
            self.position = None;
        }
        let resumes = self.position.is_some();
        let opened = self.open(&process, dice);
        let opened = tokio::select! {
            biased;
            () = process.line.death() => return,
            opened = tokio::time::timeout(Duration::from_secs(30), opened) => match opened {
                Ok(opened) => opened,
                Err(_) => return,
            },
        };
        if process.life != self.world.life() {
            return;
        }
        let mut items = match opened {
            Ok(items) => items,
            Err(no) => return self.refused(&no),
        };
        if !resumes {
            self.life = process.life;
        }
        self.note(What::Begins { anew: !resumes });
        loop {
            let calm = self.world.is_calm();
            if dice.chance(self.slow) && !calm {
                let time = Duration::from_millis(dice.between(100, 45_000));
                tokio::time::sleep(time).await;
            }
            if !calm && dice.chance(4) {
                return;
            }
            let next = tokio::select! {
                biased;
                () = process.line.death() => return,
                next = items.next() => next,
            };
            if process.life != self.world.life() {
                return;
            }
            match next {
                Ok(Some(_)) if self.life != process.life => {
                    let what =
                        format!("watcher {} went on from a position of before the restore", self.number);
                    return self.world.break_promise(3, what);
                }
                Ok(Some(item)) => {
                    if let Some(what) = item.what {
                        self.note(what);
                    }
                    if item.position.is_some() {
                        self.position = item.position;
                    }
                }
                Ok(None) => return,
                Err(no) => return self.refused(&no),
            }
        }
    }

    async fn open(&self, process: &Process, dice: &mut Dice) -> Result<Items, Status> {
        let deadline = (!self.world.is_calm() && dice.chance(20))
            .then(|| Duration::from_millis(dice.between(500, 60_000)));
        let resume_after = self.position.clone();
        match &self.watcher {
            Watcher::Tasks { person, whole, .. } => {
                let request = WatchTasksRequest { resume_after, whole_centre: *whole };
                let mut request = at_leisure(&format!("person:{person}"), request);
                deadline.into_iter().for_each(|deadline| request.set_timeout(deadline));
                let items = TaskServiceClient::new(process.grpc.clone()).watch_tasks(request).await?;
                Ok(Items::Tasks(items.into_inner()))
            }
            Watcher::Signals { organisation } => {
                let request = WatchSignalsRequest { resume_after };
                let mut request = at_leisure(&who(organisation), request);
                deadline.into_iter().for_each(|deadline| request.set_timeout(deadline));
                let items =
                    SignalIntakeServiceClient::new(process.grpc.clone()).watch_signals(request).await?;
                Ok(Items::Signals(items.into_inner()))
            }
        }
    }

    /// What a refusal or a cut means for where it goes on.
    fn refused(&mut self, no: &Status) {
        let info = no.get_details_error_info();
        let reason = info.as_ref().map(|info| info.reason.clone()).unwrap_or_default();
        if no.code() != Code::PermissionDenied {
            self.world.tell(format!("watcher {}: {:?} {reason}", self.number, no.code()));
        }
        if reason == "READER_TOO_SLOW" {
            // The place to resume from, as it is told.
            let told = info.map(|info| info.metadata).unwrap_or_default();
            let sequence = told.get("sequence").and_then(|sequence| sequence.parse().ok());
            if let (Some(stream), Some(incarnation), Some(sequence)) =
                (told.get("stream"), told.get("incarnation"), sequence)
            {
                let (stream, incarnation) = (stream.clone(), incarnation.clone());
                self.position = Some(Position { stream, incarnation, sequence });
            }
        } else if no.code() == Code::InvalidArgument {
            // A position of a stream that was restored; nothing else makes one worthless.
            if self.life == self.world.life() {
                self.world.break_promise(
                    3,
                    format!("watcher {}: a good position was refused: {no:?}", self.number),
                );
            }
            self.position = None;
        }
    }
}
