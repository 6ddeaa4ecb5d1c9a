//! Backups, and putting them back while the world has gone on.
//!
//! The operator does what the documents say: streams and buckets are copied one after the other while everything runs, what is made
//! of something before what it is made of; and before they are put back everything is stopped. Now and then somebody forgets a process,
//! which must then stop by itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{
    Broker as _, BucketName, Deadline, StreamName,
    memory::{BucketBackup, MemoryBroker, StreamBackup},
    topology::ConsumerName,
};

use crate::{
    dice::Dice,
    run::{Failure, Run},
    schools,
    world::{Broken, Process, World},
};

/// How long a process that was forgotten may go on once the broker is back.
const BOUND: Duration = Duration::from_secs(45);

/// What is copied, in this order.
#[derive(Clone, Copy)]
enum Part {
    Stream(StreamName),
    Bucket(BucketName),
}

/// First what is made of something else, then what it is made of: whatever is missing in the former is made again from the latter.
/// Keys, the directory and the record of looks come last: nothing may name what they do not hold.
const ORDER: [Part; 7] = [
    Part::Stream(StreamName::DeadLetters),
    Part::Stream(StreamName::Episodes),
    Part::Stream(StreamName::Tasks),
    Part::Stream(StreamName::Signals),
    Part::Bucket(BucketName::Keys),
    Part::Bucket(BucketName::Directory),
    Part::Stream(StreamName::Audit),
];

/// A backup of everything.
#[derive(Debug, Clone, Default)]
pub struct Backup {
    streams: Vec<StreamBackup>,
    buckets: Vec<BucketBackup>,
    /// Its parts are of moments that differ.
    uneven: bool,
}

impl Backup {
    fn add(&mut self, broker: &MemoryBroker, part: Part) {
        match part {
            Part::Stream(stream) => self.streams.extend(broker.back_up_stream(stream)),
            Part::Bucket(bucket) => self.buckets.extend(broker.back_up_bucket(bucket)),
        }
    }

    fn end(&self, stream: StreamName) -> u64 {
        self.streams.iter().find(|backup| backup.stream() == stream).map_or(0, StreamBackup::end)
    }
}

/// Takes a backup, all at once or one part after the other.
pub async fn back_up(world: World, mut dice: Dice) {
    let life = world.life();
    let mut backup = Backup { uneven: dice.chance(60), ..Backup::default() };
    for part in ORDER {
        if backup.uneven {
            sleep(Duration::from_millis(dice.between(0, 3_000))).await;
        }
        backup.add(&world.broker, part);
    }
    // Nobody copies a broker that is put back meanwhile.
    if life == world.life() {
        world.tell(format!("a backup is taken{}", if backup.uneven { ", part by part" } else { "" }));
        world.keep(backup);
    }
}

impl Run {
    /// The newest backup is put back.
    pub(crate) async fn restore(&mut self, dice: &mut Dice) -> Result<(), Box<Failure>> {
        let Some(backup) = self.world.backup() else { return Ok(()) };
        if !self.restores || self.world.life() >= 2 || self.broker_back.is_some() || self.full.is_some() {
            return Ok(());
        }
        self.look()?;
        self.done.troubles += 1;
        let made_anew = dice.chance(50);
        let broker = self.world.broker.clone();
        broker.set_available(false);
        let forgets = dice.chance(40);
        self.stop_processes(dice, &backup, made_anew, forgets);
        for stream in &backup.streams {
            broker.restore_stream(stream, made_anew);
        }
        for bucket in &backup.buckets {
            broker.restore_bucket(bucket);
        }
        broker.set_available(true);
        let soon = Deadline::now() + Duration::from_secs(60);
        // Makes the consumers again.
        broker.apply(soon).await.expect("the twin takes its own topology");
        self.promises.careless |= !self.forgotten.is_empty();
        self.world.begin_another_life(!made_anew);
        let lost = self.promises.begin_again(&self.world);
        self.tell(format!(
            "the broker is restored{}, {} signals that had a receipt are gone",
            if made_anew { " with streams that are made anew" } else { "" },
            lost.len()
        ));
        let store = DirectoryStore::new(broker.bucket(BucketName::Directory));
        if let Ok(stored) = store.current(soon).await {
            self.directory_version = stored.directory.version();
            self.world.note_directory(self.directory_version, &stored.text);
        }
        for signal in lost {
            if dice.chance(70) {
                self.people.spawn(schools::hand_over_again(self.world.clone(), dice.fork(), signal));
            }
        }
        Ok(())
    }

    /// Everything is stopped, except perhaps what somebody forgets; that must notice by itself, so only what can is forgotten.
    fn stop_processes(&mut self, dice: &mut Dice, backup: &Backup, made_anew: bool, forgets: bool) {
        for slot in self.world.slots().iter_mut() {
            let Some(process) = &slot.process else { continue };
            slot.start_at = Instant::now() + Duration::from_millis(dice.between(100, 5_000));
            let read = (process.digest)().position.map(|position| position.sequence);
            let notices =
                read.is_some_and(|read| made_anew && read > 0 || read > backup.end(slot.service.owns()));
            if forgets && notices && process.is_ready() && process.line.is_well() && dice.chance(50) {
                process.line.spare();
                tokio::spawn(stop_by_itself(process.clone()));
                self.makes_up = true;
                self.forgotten.push((slot.name(), process.clone(), Instant::now() + BOUND));
            } else {
                process.line.kill();
            }
        }
    }

    /// When the last of those who were forgotten has stopped, the operator makes the consumers anew: until it noticed, it may have
    /// acknowledged what it took for done.
    pub(crate) async fn make_up_for_the_forgotten(&mut self) {
        if !self.makes_up || !self.forgotten.is_empty() || self.broker_back.is_some() {
            return;
        }
        self.makes_up = false;
        let broker = self.world.broker.clone();
        for consumer in ConsumerName::ALL {
            broker.delete_consumer(consumer);
        }
        broker
            .apply(Deadline::now() + Duration::from_secs(60))
            .await
            .expect("the twin takes its own topology");
        self.tell("the consumers are made anew");
    }

    /// Whoever was forgotten has stopped in time.
    pub(crate) fn look_at_the_forgotten(&mut self) {
        let world = &self.world;
        self.forgotten.retain(|(name, process, until)| {
            if process.line.is_dead() {
                world.tell(format!(
                    "{name} noticed that the broker was restored: {:?}",
                    process.tasks.failed()
                ));
                return false;
            }
            if Instant::now() > *until {
                let what = format!("{name} goes on with what it knew before the broker was restored");
                world.ledger().broken.push(Broken { promise: 3, what });
                return false;
            }
            true
        });
    }
}

/// What production does when one of a process's tasks fails: what is in hand is finished, and the process ends.
async fn stop_by_itself(process: Process) {
    tokio::select! {
        biased;
        () = process.line.death() => return,
        _ = process.tasks.failure() => {}
    }
    let finished = tokio::time::timeout(Duration::from_secs(10), process.tasks.finish());
    tokio::select! {
        biased;
        () = process.line.death() => {}
        _ = finished => process.line.kill(),
    }
}
