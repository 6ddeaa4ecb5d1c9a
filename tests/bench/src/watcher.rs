//! Somebody who watches her list, and notes when each task came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::JoinHandle};
use voordeur_contracts::routing::{Task, WatchTasksRequest, watch_tasks_response::Item};

use crate::{country, ground::Ground, history::worklist};

/// After so long a task will not come any more.
const GIVE_UP: Duration = Duration::from_secs(120);

/// A watch that runs.
pub(crate) struct Watcher {
    seen: Arc<Mutex<HashMap<String, (Instant, Task)>>>,
    news: Arc<Notify>,
    reading: JoinHandle<()>,
}

impl Watcher {
    /// Watches a whole centre as its coordinator; returns when the tasks that were there are seen.
    pub(crate) async fn begin(ground: &Ground, centre: usize) -> Self {
        let channel = ground.services.channel("routing", 0).expect("routing runs");
        let mut client = worklist(channel, &country::coordinator(centre));
        let request = WatchTasksRequest { whole_centre: true, ..WatchTasksRequest::default() };
        let mut items = client.watch_tasks(request).await.expect("a watch").into_inner();
        let seen: Arc<Mutex<HashMap<String, (Instant, Task)>>> = Arc::default();
        let news = Arc::new(Notify::new());
        let caught_up = Arc::new(Notify::new());
        let reading = tokio::spawn({
            let (seen, news, caught_up) = (Arc::clone(&seen), Arc::clone(&news), Arc::clone(&caught_up));
            async move {
                while let Ok(Some(item)) = items.message().await {
                    match item.item {
                        Some(Item::Task(task)) => {
                            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                            seen.entry(task.signal_id.clone()).or_insert_with(|| (Instant::now(), task));
                            news.notify_waiters();
                        }
                        Some(Item::CaughtUp(_)) => caught_up.notify_one(),
                        _ => {}
                    }
                }
            }
        });
        caught_up.notified().await;
        Self { seen, news, reading }
    }

    /// Waits for the task of a signal; returns when it came, and the task.
    pub(crate) async fn task_of(&self, signal: &str) -> (Instant, Task) {
        let waiting = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(signal);
                if let Some(seen) = seen {
                    return seen;
                }
                news.await;
            }
        };
        tokio::time::timeout(GIVE_UP, waiting).await.expect("the task of a signal comes within two minutes")
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
