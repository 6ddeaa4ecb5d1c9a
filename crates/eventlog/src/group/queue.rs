//! What waits and what is under way, as plain data: no tasks and no clock.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::{GroupSettings, Turn};
use crate::{Subject, resolve::Member};

/// An append that waits.
pub(super) struct Waiting {
    pub(super) member: Member,
    pub(super) turn: oneshot::Sender<Turn>,
    bytes: usize,
}

/// What became of a newcomer.
pub(super) enum Joined {
    /// It waits under this number.
    Waits(u64),
    /// Too many wait already.
    TooMany,
}

/// What may happen now.
pub(super) enum Step {
    Nothing,
    /// This one goes out alone; its place is taken.
    Plain(Waiting),
    /// A batch may leave; its place is taken, and its members are whoever waits when it does.
    Batch,
}

pub(super) struct Queue {
    settings: GroupSettings,
    next: u64,
    /// Those that may leave, in the order in which they came: one of each subject.
    ready: BTreeMap<u64, Waiting>,
    /// Those whose subject has somebody before them.
    behind: BTreeMap<u64, Waiting>,
    /// Subjects with somebody ready or under way, and who waits behind them.
    taken: HashMap<Subject, VecDeque<u64>>,
    /// Bytes of all that wait.
    bytes: usize,
    /// Plain publishes under way.
    plain: usize,
    /// Batches under way.
    batches: usize,
    /// Members that the batches under way took with them.
    boarded: usize,
    /// One of the batches under way has not left yet: whoever comes now comes along.
    gathers: bool,
}

/// About what a commit takes in memory and on the wire.
fn bytes_of(member: &Member) -> usize {
    /// Headers with fixed names.
    const AROUND: usize = 500;
    let trace: usize = member.commit.trace.iter().map(|header| header.name.len() + header.value.len()).sum();
    AROUND + member.subject.as_str().len() + member.commit.data.len() + trace
}

impl Queue {
    pub(super) fn new(settings: GroupSettings) -> Self {
        Self {
            settings,
            next: 0,
            ready: BTreeMap::new(),
            behind: BTreeMap::new(),
            taken: HashMap::new(),
            bytes: 0,
            plain: 0,
            batches: 0,
            boarded: 0,
            gathers: false,
        }
    }

    /// Takes a place among the plain publishes, when there is one, nobody waits, and nothing of this subject is under way.
    pub(super) fn enter_at_once(&mut self, subject: &Subject) -> bool {
        let free = self.batches == 0
            && self.plain < self.settings.side_by_side
            && self.ready.is_empty()
            && !self.taken.contains_key(subject);
        if free {
            self.plain += 1;
            self.taken.insert(subject.clone(), VecDeque::new());
        }
        free
    }

    pub(super) fn join(&mut self, member: Member, turn: oneshot::Sender<Turn>) -> Joined {
        let bytes = bytes_of(&member);
        if self.waiting() >= self.settings.waiting_max
            || self.bytes.saturating_add(bytes) > self.settings.waiting_bytes_max
        {
            return Joined::TooMany;
        }
        let number = self.next;
        self.next += 1;
        self.bytes += bytes;
        let subject = member.subject.clone();
        let waiting = Waiting { member, turn, bytes };
        if let Some(behind) = self.taken.get_mut(&subject) {
            behind.push_back(number);
            self.behind.insert(number, waiting);
        } else {
            self.taken.insert(subject, VecDeque::new());
            self.ready.insert(number, waiting);
        }
        Joined::Waits(number)
    }

    /// Takes one out that has not left yet; true when it was there.
    pub(super) fn withdraw(&mut self, number: u64) -> bool {
        if let Some(waiting) = self.ready.remove(&number) {
            self.bytes -= waiting.bytes;
            self.free(&waiting.member.subject);
            return true;
        }
        let Some(waiting) = self.behind.remove(&number) else { return false };
        self.bytes -= waiting.bytes;
        if let Some(behind) = self.taken.get_mut(&waiting.member.subject) {
            behind.retain(|other| *other != number);
        }
        true
    }

    /// The one of this subject is done: the next of it is ready.
    fn free(&mut self, subject: &Subject) {
        let Some(behind) = self.taken.get_mut(subject) else { return };
        match behind.pop_front().and_then(|number| Some((number, self.behind.remove(&number)?))) {
            Some((number, waiting)) => {
                self.ready.insert(number, waiting);
            }
            None => {
                self.taken.remove(subject);
            }
        }
    }

    pub(super) fn leave(&mut self, subject: &Subject, plain: bool) {
        if plain {
            self.plain = self.plain.saturating_sub(1);
        } else {
            self.boarded = self.boarded.saturating_sub(1);
        }
        self.free(subject);
    }

    /// A member of a batch goes out alone after all.
    pub(super) fn one_more_plain(&mut self) {
        self.boarded = self.boarded.saturating_sub(1);
        self.plain += 1;
    }

    /// A batch came to its end, or to nothing before it left.
    pub(super) fn batch_ended(&mut self, before_it_left: bool) {
        self.batches = self.batches.saturating_sub(1);
        if before_it_left {
            self.gathers = false;
        }
    }

    /// Everybody who may leave, out of the queue.
    pub(super) fn abandon(&mut self) -> Vec<Waiting> {
        let mut all = Vec::new();
        while let Some(waiting) = self.take_first() {
            self.free(&waiting.member.subject);
            all.push(waiting);
        }
        all
    }

    /// So many may leave.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// So many wait.
    pub(super) fn waiting(&self) -> usize {
        self.ready.len() + self.behind.len()
    }

    pub(super) fn next_step(&mut self, batches_allowed: bool) -> Step {
        let ready = self.ready.len();
        // A second batch leaves before the first is back only when it is as large: many small ones are slower than one.
        let enough = self.settings.batch_from.max(self.boarded).min(self.settings.members_max);
        if batches_allowed
            && !self.gathers
            && ready >= enough.max(1)
            && self.batches < self.settings.batches_max
        {
            self.batches += 1;
            self.gathers = true;
            return Step::Batch;
        }
        // While a batch is under way newcomers wait for the next one. Without batches there is nothing to wait for.
        let next_one = batches_allowed && self.batches > 0;
        if next_one || self.plain >= self.settings.side_by_side.max(1) {
            return Step::Nothing;
        }
        match self.take_first() {
            Some(waiting) => {
                self.plain += 1;
                Step::Plain(waiting)
            }
            None => Step::Nothing,
        }
    }

    fn take_first(&mut self) -> Option<Waiting> {
        let (_, waiting) = self.ready.pop_first()?;
        self.bytes -= waiting.bytes;
        Some(waiting)
    }

    /// The members of a batch that leaves now: the longest waiting first, within the bounds, each subject once.
    pub(super) fn board(&mut self) -> Vec<Waiting> {
        let mut members = Vec::new();
        let mut bytes = 0;
        while members.len() < self.settings.members_max {
            let Some(first) = self.ready.first_entry() else { break };
            bytes += first.get().bytes;
            if bytes > self.settings.bytes_max && !members.is_empty() {
                break;
            }
            members.extend(self.take_first());
        }
        self.boarded += members.len();
        self.gathers = false;
        members
    }
}
