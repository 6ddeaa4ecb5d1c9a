//! Data keys that were made ahead.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, Semaphore};

use super::FreshKey;

pub(super) struct Pool {
    keys: Mutex<VecDeque<FreshKey>>,
    /// One permit for each key: who waits is served in turn.
    there: Semaphore,
    waiting: AtomicUsize,
    taken: Notify,
    /// Somebody fills it.
    filled: AtomicBool,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            keys: Mutex::default(),
            there: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            taken: Notify::new(),
            filled: AtomicBool::new(false),
        }
    }
}

/// Counts somebody who waits, for as long as she does.
struct Waiting<'a>(&'a Pool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    fn keys(&self) -> MutexGuard<'_, VecDeque<FreshKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.keys().len()
    }

    /// How many more would make it `full` with everybody served who waits.
    pub(super) fn missing(&self, full: usize) -> usize {
        (full + self.waiting.load(Ordering::Relaxed)).saturating_sub(self.len())
    }

    pub(super) fn put(&self, key: FreshKey) {
        self.keys().push_back(key);
        self.there.add_permits(1);
    }

    /// A key, if one is there and nobody waits for it.
    pub(super) fn take(&self) -> Option<FreshKey> {
        let permit = self.there.try_acquire();
        self.taken.notify_one();
        permit.ok()?.forget();
        self.keys().pop_front()
    }

    /// The next key that is made, in turn; none when nobody fills the pool.
    pub(super) async fn next(&self) -> Option<FreshKey> {
        if !self.filled.load(Ordering::Relaxed) {
            return None;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(self);
        self.taken.notify_one();
        self.there.acquire().await.ok()?.forget();
        self.keys().pop_front()
    }

    /// Whether somebody fills it from now on.
    pub(super) fn is_filled(&self, filled: bool) {
        self.filled.store(filled, Ordering::Relaxed);
    }

    /// Waits until a key was taken, or asked for, since the last time.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }

    pub(super) fn drain(&self) -> Vec<FreshKey> {
        std::iter::from_fn(|| self.take()).collect()
    }
}
