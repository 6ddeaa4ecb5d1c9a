//! Backups of what the broker holds, and putting them back: what a restore does to a real broker.
//!
//! A stream comes back as it was: its messages, its end, and the moment at which it was made, which is its incarnation; an operator
//! who makes the stream anew and lets the messages in again gives it another one. Durable consumers do not come back: what they had
//! acknowledged may be more than what became of it and is in the backups of other streams, so they begin again from the first message.

use std::sync::Arc;

use super::{
    MemoryBroker,
    state::{Table, Values},
};
use crate::{BucketName, StreamName};

/// A stream as it was at one moment.
#[derive(Clone)]
pub struct StreamBackup(Table);

/// A bucket as it was at one moment.
#[derive(Clone)]
pub struct BucketBackup {
    name: BucketName,
    values: Values,
}

impl StreamBackup {
    /// Which stream.
    #[must_use]
    pub const fn stream(&self) -> StreamName {
        self.0.name
    }

    /// Its last sequence.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.0.last_sequence
    }
}

impl std::fmt::Debug for StreamBackup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamBackup").field("stream", &self.0.name).field("end", &self.end()).finish()
    }
}

impl std::fmt::Debug for BucketBackup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketBackup").field("bucket", &self.name).finish_non_exhaustive()
    }
}

impl MemoryBroker {
    /// A backup of a stream as it is now; `None` when there is no such stream.
    #[must_use]
    pub fn back_up_stream(&self, stream: StreamName) -> Option<StreamBackup> {
        self.inner.lock().streams.get(&stream).cloned().map(StreamBackup)
    }

    /// A backup of a bucket as it is now; `None` when there is no such bucket.
    #[must_use]
    pub fn back_up_bucket(&self, name: BucketName) -> Option<BucketBackup> {
        let values = self.inner.lock().buckets.get(&name).cloned()?;
        Some(BucketBackup { name, values })
    }

    /// Puts a stream back as it was, without its consumers; `apply` makes those again. With `made_anew` it is another incarnation.
    /// What is under way to the broker is lost with the connections.
    pub fn restore_stream(&self, backup: &StreamBackup, made_anew: bool) {
        let now = self.inner.now();
        self.inner.change(|state| {
            let mut table = backup.0.clone();
            if made_anew {
                state.made += 1;
                table.incarnation = Arc::from(format!("{now}#{}", state.made));
            }
            state.cuts += 1;
            state.consumers.retain(|consumer, _| consumer.stream() != table.name);
            state.streams.insert(table.name, table);
        });
    }

    /// Puts a bucket back as it was.
    pub fn restore_bucket(&self, backup: &BucketBackup) {
        self.inner.change(|state| {
            state.cuts += 1;
            state.buckets.insert(backup.name, backup.values.clone());
        });
    }
}
