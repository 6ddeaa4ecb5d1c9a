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
use voordeur_kernel::{CentreKey, ErrorKind, ProfessionalKey, Role, TaskId, Timestamp};
use voordeur_routing_domain::task::{Deadline, Wish};

use crate::{machine::task_subject, office::Office};

/// How often the time is looked at, since it may be moved, and what has changed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Wait after a look that did not succeed whole.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// How long one deadline may take to be stored before the next look.
const FIRE_TIME_MAX: Duration = Duration::from_secs(10);
/// Deadlines that are fired side by side.
const SIDE_BY_SIDE: usize = 16;
/// Deadlines of one look; the rest comes with the next.
const AT_ONCE_MAX: usize = 1_024;

/// Fires deadlines, takes offers back from people who were said to be absent, and brings what stands at a coordinator who is none any
/// more to the one in force, until it is told to stop.
pub(crate) async fn run(office: Arc<Office>, stop: CancellationToken) -> Result<(), Infallible> {
    tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        () = office.fold.ready() => {}
    }
    loop {
        let pause = if look(&office).await { LOOK_EVERY } else { AFTER_TROUBLE };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One look; `false` when something could not be done for now.
async fn look(office: &Office) -> bool {
    let troubles = AtomicUsize::new(0);
    let note = |outcome: Result<(), Problem>, what: &'static str| {
        if let Err(problem) = outcome {
            troubles.fetch_add(usize::from(report(&problem, what)), Ordering::Relaxed);
        }
    };
    let note = &note;
    let now = office.clock.now();
    let due: Vec<(Timestamp, TaskId)> =
        office.fold.read(|index, _| index.due_at(now).take(AT_ONCE_MAX).collect());
    let oldest = due.first().map_or(0.0, |(due, _)| now.duration_since(*due).as_secs_f64());
    office.instruments.oldest_overdue(oldest);
    futures_util::stream::iter(due)
        .for_each_concurrent(SIDE_BY_SIDE, |(_, task)| async move {
            note(ring(office, task, now).await, "a deadline has no event yet");
        })
        .await;
    for (person, task, place) in gone(office, now) {
        note(
            take_back(office, &person, task, place).await,
            "an offer to somebody who is absent stands still",
        );
    }
    for (task, place) in left_behind(office) {
        note(
            replace_coordinator(office, task, place).await,
            "a task stands at a coordinator who is none any more",
        );
    }
    troubles.into_inner() == 0
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

/// Offers to people about whom an absence stands now.
fn gone(office: &Office, now: Timestamp) -> Vec<(ProfessionalKey, TaskId, usize)> {
    let offers: Vec<(ProfessionalKey, Vec<TaskId>)> = office.fold.read(|index, _| {
        // The coordinator's offer stands, absent or not.
        let offered = |person| index.offered_to(person, Role::Professional).collect();
        index.absences().map(|person| (person.clone(), offered(person))).collect()
    });
    offers
        .into_iter()
        .filter(|(_, tasks)| !tasks.is_empty())
        .filter_map(|(person, tasks)| office.absence(&person, now).map(|place| (person, tasks, place)))
        .flat_map(|(person, tasks, place)| tasks.into_iter().map(move |task| (person.clone(), task, place)))
        .collect()
}

/// Tasks whose coordinator the directory does not name any more, each with its place in its history. A centre that the directory does
/// not know has nobody else, so what is there stays as it is.
fn left_behind(office: &Office) -> Vec<(TaskId, u32)> {
    let Ok(directory) = office.directory() else { return Vec::new() };
    office.fold.read(|index, look| {
        let in_force = |centre: &CentreKey, who: &ProfessionalKey| {
            let mut coordinators = directory.coordinators_of(centre.as_str()).peekable();
            coordinators.peek().is_none() || coordinators.any(|person| person.key == *who)
        };
        index
            .left_by_coordinator(in_force)
            .take(AT_ONCE_MAX)
            .filter_map(|id| {
                let held = task_subject(id).ok().and_then(|subject| look(&subject))?;
                Some((id, held.state.task()?.ordinal()))
            })
            .collect()
    })
}

async fn replace_coordinator(office: &Office, task: TaskId, place: u32) -> Result<(), Problem> {
    let act = office.own_act(&format!("coordinator:{}:{place}", task.to_hex()));
    let until = Until::now() + FIRE_TIME_MAX;
    office.do_own(task, &act, Wish::FollowDirectory, until).await.map(|_| ())
}

async fn take_back(
    office: &Office,
    person: &ProfessionalKey,
    task: TaskId,
    place: usize,
) -> Result<(), Problem> {
    let Ok(subject) = task_subject(task) else { return Ok(()) };
    let pending = |held: &voordeur_eventlog::fold::Held<crate::machine::State>| {
        held.state.task().is_some_and(|task| {
            task.offers.iter().any(|o| o.professional == *person && o.role == Role::Professional)
        })
    };
    if !office.fold.get(&subject)?.as_ref().is_some_and(pending) {
        return Ok(());
    }
    let act = office.own_act(&format!("absent:{}:{}:{place}", task.to_hex(), person.as_str()));
    let until = Until::now() + FIRE_TIME_MAX;
    office.do_own(task, &act, Wish::GoneAbsent(person.clone()), until).await.map(|_| ())
}
