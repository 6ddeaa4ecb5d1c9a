//! The end of a round: quiet, then what was acknowledged is compared with what is stored, and the replicas with each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;
use voordeur_contracts::event::TaskState;
use voordeur_kernel::{Clock as _, Timestamp};

use super::{ledger::Told, load::is_left_alone, plan::REPLICAS, site::Site};
use crate::{
    SERVICES, WallClock,
    census::{self, Census},
};

/// When for so long nothing comes any nearer, it never will: longer than every time-out, and than a busy machine holds things up.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// A deadline may stand without its event for so long after its moment while everything is well.
const OVERDUE_MAX_S: i64 = 3;
/// Between two looks: each reads every stream.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is stored against what was told, in words.
#[must_use]
pub fn differences(census: &Census, told: &Told, now: Timestamp) -> Vec<String> {
    let mut wrong = told.contradictions.clone();
    let signals: BTreeSet<_> = told.receipts.values().copied().collect();
    let grace = jiff::SignedDuration::from_secs(OVERDUE_MAX_S);
    wrong.extend(census.broken_promises(&signals, now - grace));
    // Every caller went on until she had her receipt, so nothing else can be there.
    wrong.extend(
        census
            .signals
            .keys()
            .filter(|id| !signals.contains(id))
            .map(|id| format!("{id}: stored, and nobody has a receipt")),
    );
    if census.episodes.len() != told.children.len() {
        wrong.push(format!("{} children have {} episodes", told.children.len(), census.episodes.len()));
    }
    for (id, act) in &told.acts {
        let events = census.tasks.get(id).map(|task| &task.events[..]).unwrap_or_default();
        let times = events.iter().filter(|event| **event == act.event()).count();
        if times != 1 {
            wrong.push(format!("{id}: {act:?} was confirmed and is stored {times} times; events {events:?}"));
        }
    }
    for (id, task) in census.tasks.iter().filter(|(id, _)| !is_left_alone(**id)) {
        if task.state != TaskState::Completed {
            wrong.push(format!(
                "{id}: everybody worked, and it is {:?}; events {:?}",
                task.state, task.events
            ));
        }
    }
    wrong
}

/// Waits until a check finds nothing wrong any more, as long as what it finds still changes.
async fn nothing_wrong<T, R>(what: &str, mut check: impl FnMut() -> R) -> T
where
    R: Future<Output = Result<T, Vec<String>>>,
{
    let mut before = Vec::new();
    let mut end = Instant::now() + STUCK_AFTER;
    loop {
        let wrong = match check().await {
            Ok(found) => return found,
            Err(wrong) => wrong,
        };
        if wrong != before {
            before = wrong;
            end = Instant::now() + STUCK_AFTER;
        }
        assert!(
            Instant::now() < end,
            "{what}: not so, and for {STUCK_AFTER:?} nothing changed; {} things are wrong, the first of them: {:#?}",
            before.len(),
            &before[..before.len().min(5)]
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits for quiet and compares; whatever is wrong ends the round with its reason. The people work until everything is done.
pub async fn everything_agrees(site: &Site) -> Census {
    nothing_wrong("nothing is lost, nothing is doubled, everything has followed", || async {
        let census = census::count(&site.broker).await;
        let wrong = differences(&census, &site.ledger.told(), WallClock.now());
        if wrong.is_empty() { Ok(census) } else { Err(wrong) }
    })
    .await
}

/// The auditor of the command line, which asks no service, finds nothing either.
pub async fn nothing_lies(site: &Site) {
    let grace = OVERDUE_MAX_S.to_string();
    nothing_wrong("voordeur audit finds nothing", || async {
        let arguments = ["audit", "--json", "--grace", &grace];
        let looked = tokio::task::block_in_place(|| site.replicas.try_run(&arguments));
        if looked.status.success() {
            return Ok(());
        }
        let said = [&looked.stdout, &looked.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
        Err(said.to_vec())
    })
    .await;
}

/// Every replica remembers the same as one that reads the streams for the first time.
pub async fn folds_agree(site: &Site) {
    nothing_wrong("every replica agrees with a fresh replay", || async {
        let wrong: Vec<_> = SERVICES.into_iter().filter_map(|service| disagreement(site, service)).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    })
    .await;
}

fn disagreement(site: &Site, service: &str) -> Option<String> {
    let mut folds = BTreeMap::new();
    for number in 0..=REPLICAS {
        // What they hold, not the names of the replicas.
        match tokio::task::block_in_place(|| site.replicas.folds(service, number)) {
            Ok(page) if page.as_array().is_some_and(|folds| !folds.is_empty()) => {
                folds.entry(page.to_string()).or_insert_with(Vec::new).push(number);
            }
            Ok(page) => return Some(format!("{service}-{number} shows no folds: {page}")),
            Err(error) => return Some(format!("{service}-{number}: {error}")),
        }
    }
    (folds.len() != 1).then(|| format!("{service}: {folds:#?}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use voordeur_contracts::event::TaskState;
    use voordeur_kernel::{SignalId, TaskId, Timestamp};

    use super::differences;
    use crate::{
        census::{Census, StoredSignal, StoredTask},
        rounds::ledger::{Act, Told},
    };

    /// One signal with its receipt, its task and its answer.
    fn whole() -> (Census, Told) {
        let (signal, task) =
            (SignalId::parse_bytes(&[1; 16]).unwrap(), TaskId::parse_bytes(&[2; 16]).unwrap());
        let stored =
            StoredSignal { received: 1, routed_to: vec![task], answered: 1, ..StoredSignal::default() };
        let worked = StoredTask {
            signal: Some(signal),
            requested: 1,
            state: TaskState::Completed,
            deadlines: Vec::new(),
            events: vec!["requested", "accepted", "contact_recorded", "answered"],
        };
        let census = Census {
            signals: BTreeMap::from([(signal, stored)]),
            tasks: BTreeMap::from([(task, worked)]),
            ..Census::default()
        };
        let told = Told {
            receipts: BTreeMap::from([("a".to_owned(), signal)]),
            acts: [(task, Act::Accept), (task, Act::Answer)].into(),
            ..Told::default()
        };
        (census, told)
    }

    fn found(change: impl FnOnce(&mut Census, &mut Told)) -> usize {
        let (mut census, mut told) = whole();
        change(&mut census, &mut told);
        differences(&census, &told, Timestamp::UNIX_EPOCH).len()
    }

    fn the_task(census: &mut Census) -> &mut StoredTask {
        census.tasks.first_entry().unwrap().into_mut()
    }

    #[test]
    fn what_was_told_and_what_is_stored_are_compared_both_ways() {
        assert_eq!(found(|_, _| {}), 0);
        let other = SignalId::parse_bytes(&[9; 16]).unwrap();
        assert!(found(|_, told| _ = told.receipts.insert("b".to_owned(), other)) > 0, "a lost signal");
        assert!(found(|_, told| told.receipts.clear()) > 0, "a signal that nobody was told of");
        assert!(found(|census, _| _ = the_task(census).events.pop()) > 0, "a lost answer");
        assert!(found(|census, _| the_task(census).events.push("answered")) > 0, "an answer twice");
        assert!(
            found(|census, _| the_task(census).state = TaskState::Accepted) > 0,
            "work that stands still"
        );
        assert!(
            found(|census, _| census.signals.first_entry().unwrap().get_mut().answered = 0) > 0,
            "not heard"
        );
        assert!(found(|_, told| told.children.extend([7])) > 0, "a child without an episode");
        assert!(
            found(|census, _| the_task(census).deadlines.push((1, Timestamp::MIN))) > 0,
            "a deadline passed"
        );
        assert!(found(|census, _| census.parked = 1) > 0, "a parked message");
    }
}
