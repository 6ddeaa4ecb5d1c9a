//! Deadlines are data: every replica takes them from its fold, and whichever comes first stores the event. After a restart what came
//! due meanwhile fires at once. In the same way tasks follow presence and the directory.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use voordeur_chassis::Problem;
use voordeur_eventlog::Deadline as Until;
use voordeur_kernel::{ErrorKind, TaskId, Timestamp};
use voordeur_routing_domain::task::{Deadline, Wish};

use crate::{
    following::{Cause, Following, Step},
    machine::task_subject,
    office::Office,
};

/// How often the time is looked at, since it may be moved, and what has changed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Wait after a look that did not succeed whole.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// How long one deadline may take to be stored before the next look.
const FIRE_TIME_MAX: Duration = Duration::from_secs(10);
/// Deadlines that are fired side by side.
const SIDE_BY_SIDE: usize = 16;
/// Deadlines of one look; the next one goes on after them.
const AT_ONCE_MAX: usize = 1_024;

/// Fires deadlines, and lets tasks follow people, until it is told to stop.
pub(crate) async fn run(office: Arc<Office>, stop: CancellationToken) -> Result<(), Infallible> {
    tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        () = office.fold.ready() => {}
    }
    let mut following = Following::default();
    let mut round = Round::default();
    loop {
        let pause = if look(&office, &mut round, &mut following).await { LOOK_EVERY } else { AFTER_TROUBLE };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// A deadline and whose it is.
type Due = (Timestamp, TaskId);

/// Goes through the deadlines that passed, and goes on where it stopped: one that gets no event holds up no other.
#[derive(Debug, Default)]
struct Round {
    after: Option<Due>,
}

impl Round {
    /// The next ones, the longest overdue first. After the last it begins anew.
    fn take(&mut self, most: usize, due_after: impl FnOnce(Option<Due>) -> Vec<Due>) -> Vec<Due> {
        let mut due = due_after(self.after);
        due.truncate(most);
        self.after = due.last().copied().filter(|_| due.len() == most);
        due
    }
}

/// One look; `false` when something could not be done for now.
async fn look(office: &Office, round: &mut Round, following: &mut Following) -> bool {
    let troubles = AtomicUsize::new(0);
    let note = |outcome: Result<(), Problem>, what: &'static str| {
        if let Err(problem) = outcome {
            troubles.fetch_add(usize::from(report(&problem, what)), Ordering::Relaxed);
        }
    };
    let note = &note;
    let now = office.clock.now();
    let (oldest, due) = office.fold.read(|index, _| {
        let due = round
            .take(AT_ONCE_MAX, |after| index.due_after(after, now).take(AT_ONCE_MAX).collect::<Vec<Due>>());
        (index.due_after(None, now).next(), due)
    });
    let oldest = oldest.map_or(0.0, |(due, _)| now.duration_since(due).as_secs_f64());
    office.instruments.oldest_overdue(oldest);
    futures_util::stream::iter(due)
        .for_each_concurrent(SIDE_BY_SIDE, |(_, task)| async move {
            note(ring(office, task, now).await, "a deadline has no event yet");
        })
        .await;
    let steps = following.steps(office, now);
    let mut stuck: Vec<Cause> = futures_util::stream::iter(steps)
        .map(|step| follow(office, step))
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let stands_still = !stuck.is_empty();
    stuck.sort_unstable();
    stuck.into_iter().for_each(|cause| following.again(cause));
    troubles.into_inner() == 0 && !stands_still
}

/// Brings one task up to where somebody is; gives back because of whom when it could not be done for now.
async fn follow(office: &Office, step: Step) -> Option<Cause> {
    let act = office.own_act(&step.purpose);
    let until = Until::now() + FIRE_TIME_MAX;
    let outcome = office.do_own_by(&step.directory, step.task, &act, step.wish, until).await;
    // Nothing is settled by others who changed so much at once that ours found no place.
    let stuck = outcome.err().is_some_and(|problem| {
        problem.reason == "CONTENDED" || report(&problem, "a task stands at somebody who is away")
    });
    stuck.then_some(step.because_of)
}

/// Says what is wrong; `false` when nothing is: another replica was first, or the task stands otherwise by now.
fn report(problem: &Problem, what: &'static str) -> bool {
    match problem.kind {
        ErrorKind::Conflict | ErrorKind::Refused => return false,
        kind if kind.may_retry() => tracing::warn!(reason = problem.reason, "{what}; trying again"),
        _ => tracing::error!(reason = problem.reason, "{what}"),
    }
    true
}

/// Fires every deadline of one task that passed.
async fn ring(office: &Office, task: TaskId, now: Timestamp) -> Result<(), Problem> {
    let Ok(subject) = task_subject(task) else { return Ok(()) };
    let Some(held) = office.fold.get(&subject)? else { return Ok(()) };
    let passed: Vec<Deadline> = held
        .state
        .task()
        .map(|task| task.due().iter().filter(|deadline| deadline.due <= now).copied().collect())
        .unwrap_or_default();
    for deadline in passed {
        let purpose = format!(
            "deadline:{}:{}:{}:{}",
            task.to_hex(),
            deadline.clock.name(),
            deadline.due.as_nanosecond(),
            deadline.round
        );
        let act = office.own_act(&purpose);
        let until = Until::now() + FIRE_TIME_MAX;
        let span = tracing::info_span!(
            parent: None,
            "deadline",
            voordeur.service = crate::codec::SERVICE,
            voordeur.clock = deadline.clock.name(),
        );
        let acted = office.do_own(task, &act, Wish::DeadlinePassed(deadline), until).instrument(span).await?;
        if acted.changed {
            office.instruments.fired(deadline.clock.name());
            let moved = acted.task.task().and_then(|task| task.deadline(deadline.clock)).is_some();
            tracing::info!(
                clock = deadline.clock.name(),
                round = deadline.round,
                rings_again = moved,
                "a deadline passed"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_that_get_no_event_hold_up_no_others() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let all: Vec<Due> =
            (0..25).map(|n| (at(n / 5), TaskId::from_bytes([u8::try_from(n).unwrap(); 16]))).collect();
        let after = |after: Option<Due>| {
            all.iter().copied().filter(|due| after.is_none_or(|after| *due > after)).collect::<Vec<Due>>()
        };
        let mut round = Round::default();
        let looks: Vec<Vec<Due>> = (0..4).map(|_| round.take(10, after)).collect();
        assert_eq!(looks[..3].concat(), all, "each has its turn, the longest overdue first");
        assert_eq!(looks[3], all[..10], "and then again");
        assert!(round.take(10, |_| Vec::new()).is_empty());
        assert_eq!(round.take(10, after), all[..10], "after the last it begins anew");
    }
}
