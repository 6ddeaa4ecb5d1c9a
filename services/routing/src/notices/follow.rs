//! The second reading of the stream, apart from the fold: the board of notices and the auditor. It begins when the fold is there, so that
//! a start is not slower for it.

use std::sync::Arc;

use futures_util::{StreamExt as _, future::Either, stream};
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use voordeur_contracts::event::TaskEvent;
use voordeur_eventlog::{EventLog, FollowError, Followed, Position, Recorded};

use super::{Desk, PREFIX, codec::notice_event};
use crate::{auditor::watch::Watch, machine::TASK_PREFIX, office::Office};

/// Follows TASKS and SIGNALS until it is told to stop.
///
/// # Errors
/// When a stream lost messages or is another one: the process must stop, with an alarm.
pub(crate) async fn follow(
    office: Arc<Office>,
    desk: Arc<Desk>,
    signals: Arc<dyn EventLog>,
    stop: CancellationToken,
) -> Result<(), FollowError> {
    tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        () = office.fold.ready() => {}
    }
    let tasks = Arc::clone(office.fold.log());
    let mut watch = Watch::new(Arc::clone(&office));
    // Tasks come to be after their signals; whichever is read first, the auditor counts both.
    let mut both =
        stream::select(tasks.follow(None).map(Either::Left), signals.follow(None).map(Either::Right));
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            // Before the messages: however many there are, it is looked from time to time.
            () = watch.due() => {
                watch.look();
                continue;
            }
            next = both.next() => next,
        };
        match next {
            Some(Either::Left(Ok(Followed::Message(message)))) => {
                task_message(&desk, &mut watch, &message);
                desk.read.send_if_modified(|read| {
                    read.as_mut().is_some_and(|read| {
                        read.sequence = read.sequence.max(message.sequence);
                        true
                    })
                });
            }
            Some(Either::Left(Ok(Followed::CaughtUp(position)))) => {
                watch.tasks_read();
                caught_up(&desk, position);
            }
            Some(Either::Right(Ok(Followed::Message(message)))) => watch.auditor.signal_message(&message),
            Some(Either::Right(Ok(Followed::CaughtUp(_)))) => watch.signals_read(),
            Some(Either::Left(Err(error)) | Either::Right(Err(error))) => return Err(error),
            None => return Ok(()),
        }
    }
}

fn caught_up(desk: &Desk, position: Position) {
    desk.read.send_modify(|read| match read {
        Some(read) if read.incarnation == position.incarnation && read.sequence > position.sequence => {}
        _ => *read = Some(position),
    });
    desk.wake.notify_one();
}

fn task_message(desk: &Desk, watch: &mut Watch, message: &Recorded) {
    match message.subject.prefix() {
        TASK_PREFIX => match TaskEvent::decode(&*message.data) {
            Ok(event) => {
                watch.auditor.task_event(message, &event);
                let new = desk.board().task_event(message, &event);
                if !new.is_empty() && desk.position().is_some() {
                    for entry in new {
                        // Nobody may be listening, which is fine.
                        let _ = desk.news.send(entry);
                    }
                    desk.wake.notify_one();
                }
            }
            Err(_) => watch.auditor.task_message(message),
        },
        PREFIX => match notice_event(message) {
            Ok(change) => {
                let (person, event) = change.into_parts();
                desk.board().notice_event(message, &person, event);
            }
            Err(error) => tracing::error!(
                sequence = message.sequence, %error,
                "it cannot be read how far somebody was told: install a release that can"
            ),
        },
        _ => watch.auditor.task_message(message),
    }
}
