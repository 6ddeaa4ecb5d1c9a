//! Data keys that were made ahead.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::FreshKey;

#[derive(Default)]
pub(super) struct Pool {
    keys: Mutex<VecDeque<FreshKey>>,
    taken: Notify,
}

impl Pool {
    fn keys(&self) -> MutexGuard<'_, VecDeque<FreshKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.keys().len()
    }

    pub(super) fn put(&self, key: FreshKey) {
        self.keys().push_back(key);
    }

    pub(super) fn take(&self) -> Option<FreshKey> {
        let key = self.keys().pop_front();
        self.taken.notify_one();
        key
    }

    /// Waits until a key was taken since the last time.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }

    pub(super) fn drain(&self) -> Vec<FreshKey> {
        self.keys().drain(..).collect()
    }
}
