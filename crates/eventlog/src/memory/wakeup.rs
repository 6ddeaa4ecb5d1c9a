//! Durable consumers in memory.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use super::{
    Inner,
    state::{State, Unsettled},
};
use crate::{
    Deadline, Delivery, Recorded, WakeupError, Wakeups, topology::ConsumerName, topology::MAX_UNSETTLED,
    wakeup::Backlog,
};

pub(super) struct MemoryWakeups {
    inner: Arc<Inner>,
    consumer: ConsumerName,
}

impl fmt::Debug for MemoryWakeups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWakeups").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}

impl MemoryWakeups {
    pub(super) const fn new(inner: Arc<Inner>, consumer: ConsumerName) -> Self {
        Self { inner, consumer }
    }

    /// What can be delivered now, and otherwise the moment to look again.
    fn take(&self, most: usize) -> Result<Taken, WakeupError> {
        let state = &mut *self.inner.lock();
        if !state.available || state.dice.chance(state.faults.unavailable) {
            return Err(WakeupError::Unavailable);
        }
        let State { streams, consumers, dice, faults, .. } = state;
        let missing = WakeupError::Missing(self.consumer);
        let durable = consumers.get_mut(&self.consumer).ok_or_else(|| missing.clone())?;
        let table = streams.get(&self.consumer.stream()).ok_or(missing)?;
        let now = Instant::now();
        let mut taken: Vec<Box<dyn Delivery>> = Vec::new();
        let mut deliver = |message: &Recorded, attempt| {
            taken.push(Box::new(MemoryDelivery {
                inner: Arc::clone(&self.inner),
                consumer: self.consumer,
                message: message.clone(),
                attempt,
            }));
            taken.len() >= most
        };
        let mut full = most == 0;
        for (sequence, held) in &mut durable.unsettled {
            if full || held.due > now {
                continue;
            }
            held.attempt += 1;
            held.due = now + durable.ack_wait;
            if let Some(message) = table.messages.get(sequence) {
                full = deliver(message, held.attempt);
            }
        }
        while !full && durable.unsettled.len() < MAX_UNSETTLED {
            let Some((sequence, message)) = table.messages.range(durable.next..).next() else { break };
            durable.next = sequence + 1;
            if !matches(self.consumer.filter(), message.subject.as_str()) {
                continue;
            }
            let mut held = Unsettled { attempt: 1, due: now + durable.ack_wait };
            if dice.chance(faults.delayed) {
                // Comes later, behind others.
                held = Unsettled { attempt: 0, due: now + dice.part(faults.longest_delay) };
            } else {
                if dice.chance(faults.duplicated) {
                    held.due = now + dice.part(faults.longest_delay);
                }
                full = deliver(message, held.attempt);
            }
            durable.unsettled.insert(*sequence, held);
        }
        Ok((taken, durable.unsettled.values().map(|held| held.due).min()))
    }
}

/// Deliveries, and when the next one is due.
type Taken = (Vec<Box<dyn Delivery>>, Option<Instant>);

/// Does a subject match a filter with `*` for one token and `>` for all that follow?
fn matches(filter: &str, subject: &str) -> bool {
    let (mut filter, mut subject) = (filter.split('.'), subject.split('.'));
    loop {
        match (filter.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
}

#[async_trait]
impl Wakeups for MemoryWakeups {
    fn consumer(&self) -> ConsumerName {
        self.consumer
    }

    async fn next(&self, most: usize) -> Result<Vec<Box<dyn Delivery>>, WakeupError> {
        loop {
            let counted = self.inner.count();
            let (taken, again) = self.take(most)?;
            if !taken.is_empty() {
                return Ok(taken);
            }
            let due = async {
                match again {
                    Some(moment) => sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.inner.changed(counted) => {}
                () = due => {}
            }
        }
    }

    async fn backlog(&self, _deadline: Deadline) -> Result<Backlog, WakeupError> {
        if self.inner.refuses() {
            return Err(WakeupError::Unavailable);
        }
        let state = self.inner.lock();
        let missing = WakeupError::Missing(self.consumer);
        let durable = state.consumers.get(&self.consumer).ok_or_else(|| missing.clone())?;
        let table = state.streams.get(&self.consumer.stream()).ok_or(missing)?;
        let waiting = table.messages.range(durable.next..);
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Ok(Backlog {
            pending: count(
                waiting.filter(|(_, m)| matches(self.consumer.filter(), m.subject.as_str())).count(),
            ),
            unsettled: count(durable.unsettled.len()),
            redelivered: count(durable.unsettled.values().filter(|held| held.attempt > 1).count()),
        })
    }
}

struct MemoryDelivery {
    inner: Arc<Inner>,
    consumer: ConsumerName,
    message: Recorded,
    attempt: u64,
}

impl fmt::Debug for MemoryDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDelivery")
            .field("consumer", &self.consumer)
            .field("sequence", &self.message.sequence)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Delivery for MemoryDelivery {
    fn message(&self) -> &Recorded {
        &self.message
    }

    fn attempt(&self) -> u64 {
        self.attempt
    }

    async fn acknowledge(self: Box<Self>, _deadline: Deadline) -> Result<(), WakeupError> {
        if self.inner.refuses() {
            return Err(WakeupError::Unavailable);
        }
        // Room for the next message may be what somebody waits for.
        self.inner.change(|state| {
            if let Some(durable) = state.consumers.get_mut(&self.consumer) {
                durable.unsettled.remove(&self.message.sequence);
            }
            // Known to the broker, but not to us: harmless, like every repeated delivery.
            if state.dice.chance(state.faults.lost_acknowledgements) {
                Err(WakeupError::Unavailable)
            } else {
                Ok(())
            }
        })
    }

    async fn later(self: Box<Self>, delay: Duration) -> Result<(), WakeupError> {
        if self.inner.refuses() {
            return Err(WakeupError::Unavailable);
        }
        self.inner.change(|state| {
            let durable = state.consumers.get_mut(&self.consumer);
            if let Some(held) = durable.and_then(|d| d.unsettled.get_mut(&self.message.sequence)) {
                held.due = Instant::now() + delay;
            }
        });
        Ok(())
    }
}
