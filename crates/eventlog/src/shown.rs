//! A value that others wait for.
//!
//! What `tokio::sync::watch` does, with one difference: whoever waits is woken in the order of waiting. A `watch` channel wakes in a
//! random order, which no seed can fix, and then the simulation would not repeat itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Shown<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Shown<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Changes it and wakes whoever waits; `false` of the change means that there is nothing to see.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T) -> bool) {
        if change(&mut self.lock()) {
            self.changed.notify_waiters();
        }
    }

    /// Waits until a look finds what it looks for.
    pub(crate) async fn until<R>(&self, mut look: impl FnMut(&T) -> Option<R>) -> R {
        let mut notified = std::pin::pin!(self.changed.notified());
        loop {
            // In line before the look, so that no change is missed between the two.
            notified.as_mut().enable();
            if let Some(found) = look(&self.lock()) {
                return found;
            }
            notified.as_mut().await;
            notified.set(self.changed.notified());
        }
    }
}
