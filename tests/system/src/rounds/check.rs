//! The end of a round: quiet, then what was acknowledged is compared with what is stored, and the replicas with each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use voordeur_contracts::event::TaskState;
use voordeur_kernel::{Clock as _, Timestamp};
use voordeur_testkit::eventually;

use super::{ledger::Told, load::is_left_alone, plan::REPLICAS, site::Site};
use crate::{
    SERVICES, WallClock,
    census::{self, Census},
};

/// How long it may take until everything that has to follow has followed; many times what it takes.
const QUIET_WITHIN: Duration = Duration::from_secs(90);
/// A deadline may stand without its event for so long after its moment while everything is well.
const OVERDUE_MAX_S: i64 = 3;
/// Between two counts: each reads every stream.
const COUNT_EVERY: Duration = Duration::from_millis(150);

/// What is stored against what was told, in words. `at_rest`: everybody has finished her work.
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

/// Waits for quiet and compares; whatever is wrong ends the round with its reason. The people work until everything is done.
pub async fn everything_agrees(site: &Site) -> Census {
    eventually("nothing is lost, nothing is doubled, everything has followed", QUIET_WITHIN, || async {
        let census = census::count(&site.broker).await;
        let wrong = differences(&census, &site.ledger.told(), WallClock.now());
        if wrong.is_empty() {
            return Ok(census);
        }
        tokio::time::sleep(COUNT_EVERY).await;
        Err(format!(
            "{} things are wrong, the first of them: {:#?}",
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        ))
    })
    .await
}

/// Every replica remembers the same as one that reads the streams for the first time.
pub async fn folds_agree(site: &Site) {
    eventually("every replica agrees with a fresh replay", QUIET_WITHIN, || async {
        for service in SERVICES {
            let mut folds = BTreeMap::new();
            for number in 0..=REPLICAS {
                // Not the names of the replicas: what they hold.
                let page = tokio::task::block_in_place(|| site.replicas.folds(service, number))?;
                if page.as_array().is_none_or(Vec::is_empty) {
                    return Err(format!("{service}-{number} shows no folds: {page}"));
                }
                folds.entry(page.to_string()).or_insert_with(Vec::new).push(number);
            }
            if folds.len() != 1 {
                return Err(format!("{service}: {folds:#?}"));
            }
        }
        Ok(())
    })
    .await;
}
