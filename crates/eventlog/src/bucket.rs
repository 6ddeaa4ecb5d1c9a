//! The port of small values with compare-and-set.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use voordeur_kernel::ErrorKind;

use crate::{Deadline, topology::BucketName};

/// A value with its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// The value.
    pub value: Bytes,
    /// Revision for compare-and-set.
    pub revision: u64,
}

/// Why an operation on a bucket did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    /// Somebody else wrote first, or the key is there already. Nothing of ours stands there (after a lost answer it may have
    /// stood there for a moment: read and decide again).
    #[error("the value has changed; read it and decide again")]
    Conflict,
    /// The key has characters that do not fit.
    #[error("a key has 1-200 characters of A-Z a-z 0-9 _ - / = and single dots")]
    BadKey,
    /// The broker cannot be reached.
    #[error("the broker is not available")]
    Unavailable,
    /// The deadline passed; the outcome of a write is unknown.
    #[error("the deadline passed; the outcome is unknown")]
    Unknown,
    /// The broker answered something that should not be.
    #[error("the broker refused: {0}")]
    Broken(String),
}

impl BucketError {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Conflict => ErrorKind::Conflict,
            Self::BadKey => ErrorKind::Invalid,
            Self::Unavailable => ErrorKind::Unavailable,
            Self::Unknown => ErrorKind::TimedOut,
            Self::Broken(_) => ErrorKind::Broken,
        }
    }
}

/// A bucket of small values. Writes are compare-and-set only, and are resolved by reading back when their answer was lost, so
/// that "created" is never reported as a conflict with oneself.
#[async_trait]
pub trait Bucket: Send + Sync + fmt::Debug {
    /// Which bucket.
    fn name(&self) -> BucketName;

    /// The newest value, read from the leader.
    async fn get(&self, key: &str, deadline: Deadline) -> Result<Option<Entry>, BucketError>;

    /// Stores a value under a key that is not in use; returns its revision. `Conflict` when another value stands there (the same
    /// value counts as ours).
    async fn create(&self, key: &str, value: Bytes, deadline: Deadline) -> Result<u64, BucketError>;

    /// Stores several values under keys that are not in use, in one write of the broker where that works out. After an error some of
    /// them may be stored. `Conflict` when another value stands under one of the keys (the same value counts as ours).
    async fn create_all(&self, entries: Vec<(String, Bytes)>, deadline: Deadline) -> Result<(), BucketError>;

    /// Replaces the value that stands at `revision`.
    async fn update(
        &self,
        key: &str,
        value: Bytes,
        revision: u64,
        deadline: Deadline,
    ) -> Result<u64, BucketError>;

    /// Removes a key and its history.
    async fn purge(&self, key: &str, deadline: Deadline) -> Result<(), BucketError>;

    /// Every key that begins with a prefix, in order.
    async fn keys(&self, prefix: &str, deadline: Deadline) -> Result<Vec<String>, BucketError>;

    /// The value of one key now (if any) and at every change; `None` when it was removed. Waits through broken connections.
    fn watch(&self, key: &str) -> BoxStream<'static, Option<Entry>>;
}
