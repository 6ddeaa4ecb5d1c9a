//! Reading a history again that had left memory.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use voordeur_kernel::limits;

use super::{Fold, Machine, Unreadable, replay};
use crate::{Deadline, FollowError, Recorded};

/// Pause before the log is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// So long the stream may look as if it had lost what was read.
const DOUBT_MAX: Duration = Duration::from_secs(1);

impl<M: Machine> Fold<M> {
    /// Evolves a history that had left memory. Waits through an absent broker: the fold cannot go on without it.
    ///
    /// # Errors
    /// When the message that was just read is not there any more: nobody follows the stream meanwhile who would notice.
    pub(super) async fn evolve_from_log(
        &self,
        message: &Recorded,
    ) -> Result<Result<M::State, Unreadable>, FollowError> {
        let mut doubtful: Option<Instant> = None;
        loop {
            let deadline = Deadline::now() + limits::REQUEST_TIME_DEFAULT;
            match self.log.history(&message.subject, message.sequence, deadline).await {
                Ok(mut messages) => {
                    // Later ones come in their own turn.
                    messages.retain(|earlier| earlier.sequence <= message.sequence);
                    let stream = self.log.stream();
                    match messages.last() {
                        Some(last) if last.sequence == message.sequence => {
                            if last.stored_at != message.stored_at {
                                return Err(FollowError::OtherIncarnation { stream });
                            }
                        }
                        _ => {
                            let (expected, found) = (message.sequence, message.sequence.saturating_add(1));
                            return Err(FollowError::Hole { stream, expected, found });
                        }
                    }
                    let replayed = replay::<M>(&messages).and_then(|held| {
                        held.map(|held| Arc::unwrap_or_clone(held.state))
                            .ok_or_else(|| Unreadable::Event("the history is empty".into()))
                    });
                    return Ok(replayed);
                }
                Err(error) => {
                    tracing::warn!(stream = %self.log.stream(), %error, "waiting for the log");
                    match self.still_there(message).await {
                        // A node that just came back may answer before it has caught up.
                        Err(error) if doubtful.is_some_and(|since| since.elapsed() >= DOUBT_MAX) => {
                            return Err(error);
                        }
                        Err(_) => doubtful = doubtful.or_else(|| Some(Instant::now())),
                        Ok(()) => doubtful = None,
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Does the stream still reach as far as a message of it that was read?
    async fn still_there(&self, message: &Recorded) -> Result<(), FollowError> {
        let stream = self.log.stream();
        let Ok(end) = self.log.end(Deadline::now() + limits::REQUEST_TIME_DEFAULT).await else {
            return Ok(());
        };
        if self.position().is_some_and(|known| known.incarnation != end.incarnation) {
            return Err(FollowError::OtherIncarnation { stream });
        }
        if end.sequence < message.sequence {
            return Err(FollowError::EndBelow { stream, end: end.sequence, read: message.sequence });
        }
        Ok(())
    }
}
