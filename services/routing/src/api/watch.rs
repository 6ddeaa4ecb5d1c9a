//! Watching a list: the tasks as they stand, then the newest state of each at every change, resumable after a position.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::sync::{
    broadcast::{self, error::TryRecvError},
    mpsc,
};
use tonic::Status;
use tracing::Instrument as _;
use voordeur_chassis::{Problem, telemetry::delivering};
use voordeur_contracts::routing::{CaughtUp, WatchTasksResponse, watch_tasks_response::Item};
use voordeur_directory::Directory;
use voordeur_eventlog::{
    Deadline, Followed, Position,
    fold::{Change, FoldError},
};
use voordeur_kernel::{ErrorKind, ProfessionalKey, TaskId, limits};

use super::{
    list::{Range, children, open_tasks},
    view::{may_have_seen, view},
    wire_position,
};
use crate::{
    machine::{State, task_subject},
    office::Office,
};

/// A sign of life, with the newest position, when nothing else came.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How long the reader may leave us standing before it is cut.
const SLOW_READER_MAX: Duration = Duration::from_secs(30);

type Sender = mpsc::Sender<Result<WatchTasksResponse, Status>>;

/// One watch.
pub(crate) struct Watch {
    pub(crate) office: Arc<Office>,
    pub(crate) person: ProfessionalKey,
    pub(crate) range: Range,
    pub(crate) to: Sender,
    /// What is on the list.
    shown: HashSet<TaskId>,
    /// Tasks about a child that this watch is on record to show.
    on_record: HashSet<TaskId>,
    position: Option<Position>,
}

/// The watch is over: the reader went away, or was told why.
struct Over;

impl Watch {
    pub(crate) fn new(office: Arc<Office>, person: ProfessionalKey, range: Range, to: Sender) -> Self {
        Self { office, person, range, to, shown: HashSet::new(), on_record: HashSet::new(), position: None }
    }

    /// Runs until the reader goes away or is cut. When the service stops, the layer around it ends the stream with a word to resume.
    pub(crate) async fn run(mut self, resume_after: Option<Position>) {
        let reader = self.to.clone();
        tokio::select! {
            biased;
            () = reader.closed() => {}
            // Either way there is nobody left to tell.
            _over = self.watch(resume_after) => {}
        }
    }

    async fn watch(&mut self, resume_after: Option<Position>) -> Result<(), Over> {
        // Listening begins before the look, so that nothing falls between the two.
        let mut changes = self.office.fold.changes();
        let begun = match resume_after {
            None => self.stand(0).await,
            Some(after) => self.resume(&after).await,
        };
        match begun {
            Ok(()) => {}
            Err(Cut::Over) => return Err(Over),
            Err(Cut::Told(problem)) => {
                let _ = self.to.send(Err(Status::from(*problem))).await;
                return Err(Over);
            }
        }
        self.caught_up().await?;
        loop {
            // In this order, so that what is simulated goes the same way twice.
            let change = tokio::select! {
                biased;
                change = changes.recv() => change,
                () = tokio::time::sleep(SIGN_OF_LIFE) => {
                    // With the position of what came last, and not with that of the fold: it is ahead of the channel for a moment,
                    // and what comes then would be passed over as known.
                    self.caught_up().await?;
                    continue;
                }
            };
            match change {
                Ok(first) => match burst(first, &mut changes) {
                    Some(burst) => self.changes(burst).await?,
                    None => return self.too_slow().await,
                },
                Err(broadcast::error::RecvError::Lagged(_)) => return self.too_slow().await,
                Err(broadcast::error::RecvError::Closed) => return Err(Over),
            }
        }
    }

    /// Everything on the list that changed after a sequence.
    async fn stand(&mut self, after: u64) -> Result<(), Cut> {
        let directory = self.office.directory()?;
        let (tasks, position) = open_tasks(&self.office, &directory, &self.person, self.range);
        self.position = position;
        let now = self.office.clock.now();
        let newer =
            tasks.iter().filter(|(_, version)| *version > after).filter_map(|(state, _)| state.task());
        self.record(&directory, children(newer)).await?;
        for (state, version) in tasks {
            let Some(task) = state.task() else { continue };
            self.shown.insert(task.id);
            if version > after {
                let item = Item::Task(view(&self.office, &directory, Some(&self.person), task, now));
                // No position: who is cut in the middle begins again.
                self.send(Some(item), None).await?;
            }
        }
        Ok(())
    }

    /// Puts on record that these tasks are shown, those that are not yet; before they are.
    async fn record(&mut self, directory: &Directory, mut tasks: Vec<TaskId>) -> Result<(), Problem> {
        tasks.retain(|task| !self.on_record.contains(task));
        let deadline = Deadline::now() + limits::REQUEST_TIME_DEFAULT;
        self.office.record_list(directory, &self.person, &tasks, "WatchTasks", deadline).await?;
        self.on_record.extend(tasks);
        Ok(())
    }

    /// What changed since, also what left the list and what has ended.
    async fn resume(&mut self, after: &Position) -> Result<(), Cut> {
        let deadline = Deadline::now() + SLOW_READER_MAX;
        self.office.fold.reached(after, deadline).await.map_err(Problem::from)?;
        self.stand(after.sequence).await?;
        // After the stand: what moved in between would be in neither, and what left the list by it would stay there for good.
        let moved = self.moved_since(after, deadline).await?;
        let directory = self.office.directory()?;
        for id in moved {
            if self.shown.contains(&id) {
                continue;
            }
            let Ok(subject) = task_subject(id) else { continue };
            let held = match self.office.fold.load(&subject, deadline).await {
                // Nobody can tell whose it is, and it is on nobody's list: no reason to keep her from hers.
                Err(FoldError::Frozen) => continue,
                held => held.map_err(Problem::from)?,
            };
            let known = |task| may_have_seen(&directory, &self.person, task);
            if held.as_ref().and_then(|held| held.state.task()).is_some_and(known) {
                self.send(Some(Item::GoneTaskId(id.to_string())), None).await?;
            }
        }
        Ok(())
    }

    /// Tasks with an event after a position.
    async fn moved_since(&self, after: &Position, deadline: Deadline) -> Result<Vec<TaskId>, Problem> {
        let mut log = self.office.fold.log().follow(Some(after.clone()));
        let mut moved = Vec::new();
        let read = async {
            loop {
                match log.next().await {
                    Some(Ok(Followed::Message(message))) => {
                        if let Ok(id) = TaskId::parse_hex(message.subject.key()) {
                            moved.push(id);
                        }
                    }
                    Some(Ok(Followed::CaughtUp(_))) => return Ok(()),
                    Some(Err(_)) | None => {
                        return Err(Problem::fault(
                            "resume_after",
                            "POSITION_GONE",
                            "this position cannot be resumed from; watch without one",
                        ));
                    }
                }
            }
        };
        match tokio::time::timeout_at(deadline, read).await {
            Ok(outcome) => outcome?,
            Err(_) => {
                return Err(Problem::unavailable("BROKER_UNAVAILABLE", "the event log is not available"));
            }
        }
        moved.sort();
        moved.dedup();
        Ok(moved)
    }

    /// One or more changes: only the newest of each task, in the order of the log.
    async fn changes(&mut self, burst: Vec<Change<State>>) -> Result<(), Over> {
        let newest: HashMap<_, _> =
            burst.into_iter().map(|change| (change.subject.clone(), change)).collect();
        let mut newest: Vec<_> = newest.into_values().collect();
        newest.sort_by_key(|change| change.sequence);
        let directory = match self.office.directory() {
            Ok(directory) => directory,
            // Passing these changes over would hide them for good: the reader comes back and resumes.
            Err(problem) => {
                let _ = self.to.send(Err(Status::from(problem))).await;
                return Err(Over);
            }
        };
        // What was sent at the beginning may come once more.
        newest.retain(|change| self.position.as_ref().is_none_or(|sent| change.sequence > sent.sequence));
        let here = newest.iter().filter_map(|change| change.state.task());
        let here = here.filter(|task| self.range.holds(&directory, &self.person, task));
        let about_children = children(here);
        // Nothing of these changes was shown: the reader comes back and resumes.
        if let Err(problem) = self.record(&directory, about_children).await {
            let _ = self.to.send(Err(Status::from(problem))).await;
            return Err(Over);
        }
        let now = self.office.clock.now();
        let last = newest.last().map(|change| change.sequence);
        for change in newest {
            let position = self.place(change.sequence);
            let Some(task) = change.state.task() else { continue };
            let item = if self.range.holds(&directory, &self.person, task) {
                self.shown.insert(task.id);
                Item::Task(view(&self.office, &directory, Some(&self.person), task, now))
            } else if self.shown.remove(&task.id) {
                Item::GoneTaskId(task.id.to_string())
            } else {
                continue;
            };
            self.position = position.or(self.position.take());
            let position = self.position.clone();
            let span = delivering("routing", change.subject.prefix(), &change.headers);
            self.send(Some(item), position.as_ref()).instrument(span).await.map_err(|_| Over)?;
        }
        // What is not on this list was looked at as well: who resumes need not come back to it.
        if let Some(last) = last {
            self.position = self.place(last).or(self.position.take());
        }
        Ok(())
    }

    fn place(&self, sequence: u64) -> Option<Position> {
        self.office.fold.position().map(|now| Position { sequence, ..now })
    }

    async fn caught_up(&self) -> Result<(), Over> {
        let position = self.position.clone();
        self.send(Some(Item::CaughtUp(CaughtUp {})), position.as_ref()).await.map_err(|_| Over)
    }

    async fn send(&self, item: Option<Item>, position: Option<&Position>) -> Result<(), Cut> {
        let message = WatchTasksResponse { item, position: position.map(wire_position) };
        // A reader that takes nothing for long is cut, so that it does not hold memory; it may come back.
        match tokio::time::timeout(SLOW_READER_MAX, self.to.send(Ok(message))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Cut::Over),
        }
    }

    /// Cuts a reader that lies too far behind, with the position to resume from.
    async fn too_slow(&self) -> Result<(), Over> {
        let mut problem = Problem::new(
            ErrorKind::TooMuch,
            "READER_TOO_SLOW",
            "too many changes were waiting; watch again from the position in the details",
        );
        if let Some(position) = &self.position {
            problem = problem
                .with_metadata("stream", position.stream.as_str())
                .with_metadata("incarnation", position.incarnation.to_string())
                .with_metadata("sequence", position.sequence.to_string());
        }
        let _ = tokio::time::timeout(SLOW_READER_MAX, self.to.send(Err(Status::from(problem)))).await;
        Err(Over)
    }
}

/// A change with everything that waits behind it; nothing when some of that was lost on the way. The channel tells so once, to whoever
/// asks first.
fn burst<T: Clone>(first: T, changes: &mut broadcast::Receiver<T>) -> Option<Vec<T>> {
    let mut burst = vec![first];
    while burst.len() < limits::WATCH_BACKLOG_MAX {
        match changes.try_recv() {
            Ok(next) => burst.push(next),
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            Err(TryRecvError::Lagged(_)) => return None,
        }
    }
    Some(burst)
}

enum Cut {
    /// The reader is gone.
    Over,
    /// The reader has to be told.
    Told(Box<Problem>),
}

impl From<Problem> for Cut {
    fn from(problem: Problem) -> Self {
        Self::Told(Box::new(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_that_are_lost_between_two_looks_cut_the_reader() {
        let (sender, mut changes) = broadcast::channel(2);
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        let first = changes.recv().await.unwrap();
        assert_eq!(burst(first, &mut changes), Some(vec![1, 2]));
        sender.send(3).unwrap();
        sender.send(4).unwrap();
        let first = changes.recv().await.unwrap();
        // Meanwhile more happens than the channel holds.
        for change in 5..8 {
            sender.send(change).unwrap();
        }
        assert_eq!(burst(first, &mut changes), None);
    }
}
