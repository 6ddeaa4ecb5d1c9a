//! Troubles: what befalls processes, the broker, the clock and the directory.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;
use voordeur_directory::DirectoryStore;
use voordeur_eventlog::{Broker, BucketName, Commit, Deadline, StreamName, Subject, Version, memory::Faults};
use voordeur_kernel::{CommitId, SignalId, TaskId};

use crate::{
    dice::Dice,
    lifeline::Lifeline,
    municipality,
    run::{Run, UNREADABLE},
};

impl Run {
    pub(crate) fn kill(&mut self, dice: &mut Dice) {
        let mut slots = self.world.slots();
        let slot = dice.index(slots.len());
        let slot = &mut slots[slot];
        let name = slot.name();
        let later = Duration::from_millis(dice.between(100, 20_000));
        let Some(process) = &slot.process else { return };
        self.done.kills += 1;
        self.done.troubles += 1;
        slot.start_at = Instant::now() + later;
        if dice.chance(40) {
            process.line.kill();
            drop(slots);
            self.tell(format!("{name} is killed"));
        } else {
            let (calls, after) = (dice.between(0, 12), dice.chance(60));
            process.line.kill_at(calls, after);
            drop(slots);
            let side = if after { "after" } else { "before" };
            self.tell(format!("{name} will be killed {side} its {calls}th call to the broker"));
        }
    }

    fn on_some_process(&mut self, dice: &mut Dice, what: &str, most: u64, hit: fn(&Lifeline, Duration)) {
        let time = Duration::from_millis(dice.between(200, most));
        let slots = self.world.slots();
        let slot = &slots[dice.index(slots.len())];
        let name = slot.name();
        // Who lives through a restore must be able to notice; who is frozen through all of it cannot, see the documents.
        if let Some(process) = slot.process.as_ref().filter(|process| process.life == self.world.life()) {
            hit(&process.line, time);
            drop(slots);
            self.done.troubles += 1;
            self.tell(format!("{name} {what} for {time:?}"));
        }
    }

    pub(crate) fn freeze(&mut self, dice: &mut Dice) {
        self.on_some_process(dice, "is frozen", 20_000, Lifeline::freeze);
    }

    pub(crate) fn read_late(&mut self, dice: &mut Dice) {
        self.on_some_process(dice, "reads late", 15_000, Lifeline::delay);
    }

    pub(crate) fn weather(&mut self, dice: &mut Dice) {
        self.done.troubles += 1;
        let seed = dice.roll();
        let (name, faults, loss) = match dice.between(0, 5) {
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

    pub(crate) fn outage(&mut self, dice: &mut Dice) {
        self.done.troubles += 1;
        let time = Duration::from_millis(dice.between(200, 30_000));
        self.world.broker.set_available(false);
        self.broker_back = Some(Instant::now() + time);
        self.tell(format!("the broker is away for {time:?}"));
    }

    /// A stream is full until somebody makes room.
    pub(crate) fn fill(&mut self, dice: &mut Dice) {
        if self.full.is_some() {
            return;
        }
        self.done.troubles += 1;
        let stream = *dice.pick(&[StreamName::Signals, StreamName::Tasks, StreamName::Episodes]);
        let time = Duration::from_millis(dice.between(200, 30_000));
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

    pub(crate) fn jump(&mut self, dice: &mut Dice) {
        let minutes = match dice.between(0, 3) {
            0 => dice.between(1, 60),
            1 => dice.between(60, 600),
            _ => dice.between(600, 3 * 24 * 60),
        };
        let minutes = i64::try_from(minutes).expect("minutes");
        let passed = self.world.pass(SignedDuration::from_mins(minutes));
        self.tell(format!("{} minutes pass", passed.as_mins()));
    }

    /// Somebody leaves or comes: a coordinator, a professional.
    pub(crate) async fn new_directory(&mut self, dice: &mut Dice) {
        let expected = self.directory_version;
        let change = *dice.pick(&municipality::CHANGES);
        let before = self.changes.len();
        self.changes.retain(|known| *known != change);
        if self.changes.len() == before {
            self.changes.push(change);
        }
        let text = municipality::text(&self.changes);
        let store = DirectoryStore::new(self.world.broker.bucket(BucketName::Directory));
        let until = Deadline::now() + Duration::from_secs(5);
        match store.apply(&text, expected, until).await {
            Ok(applied) => {
                self.directory_version = applied.version;
                self.world.note_directory(applied.version, &text);
                self.tell(format!("version {} of the directory: {:?}", applied.version, self.changes));
            }
            // Perhaps it is there all the same.
            Err(_) => {
                if let Ok(stored) = store.current(Deadline::now() + Duration::from_secs(60)).await {
                    self.directory_version = stored.directory.version();
                    self.world.note_directory(self.directory_version, &stored.text);
                }
            }
        }
    }

    /// A message of a later release, or a damaged one.
    pub(crate) async fn plant(&mut self, dice: &mut Dice) {
        if !self.plants
            || self.promises.planted.len() >= 2
            || self.broker_back.is_some()
            || self.full.is_some()
        {
            return;
        }
        self.done.troubles += 1;
        let id = u128::from(dice.roll()).to_be_bytes();
        let (stream, subject) = if dice.chance(50) {
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
}
