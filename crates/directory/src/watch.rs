//! Follows the stored directory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use voordeur_eventlog::{Deadline, Entry};

use crate::{
    model::Directory,
    store::{CURRENT, DirectoryError, DirectoryStore},
};

/// How long reading one version may take before it is tried again.
const READ_TIME_MAX: Duration = Duration::from_secs(10);
/// Wait before a version is tried again that could not be reached.
const RETRY_WAIT: Duration = Duration::from_millis(500);

/// Keeps the newest directory that could be read. A version that cannot be read changes nothing but a counter, and alarms.
#[derive(Debug)]
pub struct DirectoryWatch {
    store: DirectoryStore,
    newest: watch::Sender<Option<Arc<Directory>>>,
    unreadable: AtomicU64,
}

impl DirectoryWatch {
    /// A watch that has read nothing yet; [`DirectoryWatch::run`] makes it follow.
    #[must_use]
    pub fn new(store: DirectoryStore) -> Arc<Self> {
        Arc::new(Self { store, newest: watch::Sender::new(None), unreadable: AtomicU64::new(0) })
    }

    /// A watch that always shows this one directory: for tests and for `--dry-run`.
    #[must_use]
    pub fn fixed(store: DirectoryStore, directory: Directory) -> Arc<Self> {
        let watch = Self::new(store);
        watch.newest.send_replace(Some(Arc::new(directory)));
        watch
    }

    /// Follows until it is told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut pointers = self.store.bucket().watch(CURRENT);
        let mut pending: Option<Entry> = None;
        loop {
            // While a version cannot be reached it is tried again; a newer pointer takes its place.
            let pointer = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                pointer = pointers.next() => match pointer {
                    Some(Some(entry)) => entry,
                    // Nobody takes a directory away; while there is none yet there is nothing to do.
                    Some(None) => continue,
                    None => return,
                },
                () = tokio::time::sleep(RETRY_WAIT), if pending.is_some() => match pending.take() {
                    Some(entry) => entry,
                    None => continue,
                },
            };
            let read = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                read = self.store.follow(&pointer.value, Deadline::now() + READ_TIME_MAX) => read,
            };
            pending = match read {
                Ok(stored) => {
                    tracing::info!(version = stored.directory.version(), "directory read");
                    self.newest.send_replace(Some(Arc::new(stored.directory)));
                    None
                }
                Err(error) if error.kind().may_retry() => {
                    tracing::warn!(reason = error.reason(), "the directory cannot be reached; trying again");
                    Some(pointer)
                }
                Err(error) => {
                    self.unreadable.fetch_add(1, Ordering::Relaxed);
                    // `DirectoryError` says what does not fit, never what the file holds.
                    tracing::error!(reason = error.reason(), %error, "a directory version cannot be read; the one before stays");
                    None
                }
            };
        }
    }

    /// The newest directory that could be read.
    ///
    /// # Errors
    /// [`DirectoryError::Absent`] while none was read yet.
    pub fn current(&self) -> Result<Arc<Directory>, DirectoryError> {
        self.newest.borrow().clone().ok_or(DirectoryError::Absent)
    }

    /// Was one read?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.newest.borrow().is_some()
    }

    /// Waits until one was read.
    pub async fn ready(&self) -> Arc<Directory> {
        let mut changes = self.changes();
        loop {
            if let Some(directory) = changes.borrow_and_update().clone() {
                return directory;
            }
            // The sender lives in `self`.
            let _ = changes.changed().await;
        }
    }

    /// Tells of every new directory.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Option<Arc<Directory>>> {
        self.newest.subscribe()
    }

    /// Versions that could not be read.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }
}
