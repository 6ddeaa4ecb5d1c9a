//! What was acknowledged: the other side of the comparison with what is stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use tokio::sync::watch;
use voordeur_kernel::{SignalId, TaskId};

/// What a professional does with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// She takes it.
    Accept,
    /// She was there.
    Contact,
    /// She answers.
    Answer,
}

impl Act {
    /// The event that it leaves behind.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Contact => "contact_recorded",
            Self::Answer => "answered",
        }
    }
}

/// Everything that callers and professionals of one installation were told; one that lasts over its rounds.
#[derive(Debug)]
pub struct Ledger {
    told: Mutex<Told>,
    /// Acknowledgements of the round that is played now.
    count: watch::Sender<usize>,
}

/// What was told.
#[derive(Debug, Default, Clone)]
pub struct Told {
    /// Receipts, by reference.
    pub receipts: BTreeMap<String, SignalId>,
    /// Acts that stand.
    pub acts: BTreeSet<(TaskId, Act)>,
    /// Children that signals with a receipt were about.
    pub children: BTreeSet<usize>,
    /// What contradicts itself already.
    pub contradictions: Vec<String>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { told: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl Ledger {
    /// A receipt. The same reference twice must give the same signal.
    pub fn receipt(&self, reference: &str, child: Option<usize>, id: SignalId) {
        let mut told = self.told.lock().unwrap();
        match told.receipts.insert(reference.to_owned(), id) {
            Some(before) if before != id => {
                told.contradictions.push(format!("{reference} has receipts for {before} and for {id}"));
            }
            Some(_) => return,
            None => told.children.extend(child),
        }
        drop(told);
        self.count.send_modify(|count| *count += 1);
    }

    /// An act that was confirmed.
    pub fn act(&self, task: TaskId, act: Act) {
        if self.told.lock().unwrap().acts.insert((task, act)) {
            self.count.send_modify(|count| *count += 1);
        }
    }

    /// Everything so far.
    #[must_use]
    pub fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }

    /// Counts from nought again.
    pub fn begin(&self) {
        self.count.send_replace(0);
    }

    /// The moment at which so many acknowledgements were counted since [`Self::begin`].
    pub async fn moment(&self, count: usize) {
        let mut counts = self.count.subscribe();
        counts.wait_for(|now| *now >= count).await.expect("the ledger is there");
    }

    /// Acknowledgements since [`Self::begin`].
    #[must_use]
    pub fn counted(&self) -> usize {
        *self.count.borrow()
    }
}

#[cfg(test)]
mod tests {
    use voordeur_kernel::SignalId;

    use super::Ledger;

    fn signal(byte: u8) -> SignalId {
        SignalId::parse_bytes(&[byte; 16]).unwrap()
    }

    #[test]
    fn a_reference_with_two_signals_is_a_contradiction_and_a_repeated_receipt_counts_once() {
        let ledger = Ledger::default();
        ledger.receipt("a", Some(1), signal(1));
        ledger.receipt("a", Some(1), signal(1));
        assert_eq!((ledger.counted(), ledger.told().contradictions.len()), (1, 0));
        ledger.receipt("a", Some(1), signal(2));
        assert_eq!(ledger.told().contradictions.len(), 1);
    }

    #[tokio::test]
    async fn a_moment_comes_with_its_acknowledgement_and_not_before() {
        let ledger = Ledger::default();
        ledger.begin();
        ledger.receipt("a", None, signal(1));
        let moment = ledger.moment(2);
        tokio::pin!(moment);
        assert!(futures_util::poll!(&mut moment).is_pending());
        ledger.receipt("b", None, signal(2));
        moment.await;
    }
}
