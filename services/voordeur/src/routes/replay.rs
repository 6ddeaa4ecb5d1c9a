//! `voordeur routes replay`: the choices that were, made again.

use std::{collections::HashMap, path::Path, process::ExitCode, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;
use voordeur_directory::{Directory, DirectoryError, DirectoryStore};
use voordeur_eventlog::{Broker as _, BucketName, StreamName, log::Followed};
use voordeur_kernel::{ErrorKind, Timestamp};
use voordeur_routing::{
    Overrides,
    rehearsal::{Past, first_asked, past},
};
use voordeur_routing_domain::{plan::Plan, policy::Policy, task::Trigger, words::Urgency};

use super::good_policy;
use crate::{
    arguments::Global,
    client::Client,
    failure::{Failure, Why, of_kind},
    output, wire,
};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What would have changed for one task.
struct Change {
    task: String,
    at: Timestamp,
    branch: Option<(String, String)>,
    first: Option<(String, String)>,
    clocks: Option<(String, String)>,
}

#[derive(Default)]
struct Tally {
    tasks: u64,
    /// Made before choices kept what they saw.
    without_sight: u64,
    /// Their directory, or their event, cannot be read by this program.
    unreadable: u64,
    /// Work that came due by itself and safety signals: no policy decides about them.
    fixed: u64,
    /// Made again by their own policy, with the same result.
    same: u64,
    /// Task ids of those that came out differently.
    different: Vec<String>,
    branch: u64,
    first: u64,
    clocks: u64,
    changed: u64,
}

pub(super) async fn run(
    file: &Path,
    since: Timestamp,
    list: bool,
    global: &Global,
) -> Result<ExitCode, Failure> {
    let new = good_policy(file)?.policy;
    let client = Client::new(global)?;
    let broker = client.broker().await?;
    let log = broker.log(StreamName::Tasks);
    let end = log.end(client.deadline()).await.map_err(|error| of_kind(error.kind(), error.to_string()))?;
    let directories = Directories {
        store: DirectoryStore::new(broker.bucket(BucketName::Directory)),
        client: client.clone(),
        read: HashMap::new(),
    };
    let mut replay = Replay { directories, new, overrides: client.overrides(), tally: Tally::default() };
    let mut messages = log.follow(None);
    let mut told = Instant::now();
    loop {
        let next = tokio::time::timeout(client.timeout(), messages.next())
            .await
            .map_err(|_| Failure::new(Why::NotAvailable, "the broker does not answer"))?;
        let message = match next {
            Some(Ok(Followed::Message(message))) => message,
            // There was nothing, or what came last was purged.
            Some(Ok(Followed::CaughtUp(_))) => break,
            None => return Err(Failure::new(Why::NotAvailable, "the broker stopped telling")),
            Some(Err(error)) => return Err(of_kind(ErrorKind::Broken, error.to_string())),
        };
        if let Some(change) = replay.message(&message, since).await?
            && list
        {
            tell(&change, global.json)?;
        }
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            output::complain(&format!("message {} of {}", message.sequence, end.sequence));
        }
        if message.sequence >= end.sequence {
            break;
        }
    }
    report(&replay.tally, &replay.new, global.json)
}

/// Versions of the directory, each read once; none when this program cannot read it.
struct Directories {
    store: DirectoryStore,
    client: Client,
    read: HashMap<u64, Option<Arc<Directory>>>,
}

impl Directories {
    async fn at(&mut self, version: u64) -> Result<Option<Arc<Directory>>, Failure> {
        if let Some(known) = self.read.get(&version) {
            return Ok(known.clone());
        }
        let found = match self.store.at(version, self.client.deadline()).await {
            Ok(stored) => Some(Arc::new(stored.directory)),
            Err(DirectoryError::Damaged { .. } | DirectoryError::NoSuchVersion(_)) => None,
            Err(error) => return Err(of_kind(error.kind(), error.to_string())),
        };
        self.read.insert(version, found.clone());
        Ok(found)
    }
}

struct Replay {
    directories: Directories,
    new: Policy,
    overrides: Overrides,
    tally: Tally,
}

impl Replay {
    async fn message(
        &mut self,
        message: &voordeur_eventlog::Recorded,
        since: Timestamp,
    ) -> Result<Option<Change>, Failure> {
        let made = match past(message) {
            Ok(Some(made)) if made.at >= since => made,
            Ok(_) => return Ok(None),
            // Only the first event of a task says when it was made; one that cannot be read may be one.
            Err(_) => {
                self.tally.unreadable += 1;
                return Ok(None);
            }
        };
        self.tally.tasks += 1;
        if made.requested.sight.is_none() {
            self.tally.without_sight += 1;
            return Ok(None);
        }
        let Some(directory) = self.directories.at(made.directory_version).await? else {
            self.tally.unreadable += 1;
            return Ok(None);
        };
        Ok(self.compare(&made, &directory))
    }

    fn compare(&mut self, made: &Past, directory: &Directory) -> Option<Change> {
        let was = &made.requested.plan;
        let again = made.again(directory, directory.policy(), &self.overrides)?;
        if again != *was {
            self.tally.different.push(made.task.to_string());
            return None;
        }
        self.tally.same += 1;
        if is_fixed(made) {
            self.tally.fixed += 1;
            return None;
        }
        let would = made.again(directory, &self.new, &self.overrides)?;
        let change = change(made, was, &would);
        self.tally.branch += u64::from(change.branch.is_some());
        self.tally.first += u64::from(change.first.is_some());
        self.tally.clocks += u64::from(change.clocks.is_some());
        let changed = change.branch.is_some() || change.first.is_some() || change.clocks.is_some();
        self.tally.changed += u64::from(changed);
        changed.then_some(change)
    }
}

/// Does no policy decide about it?
fn is_fixed(made: &Past) -> bool {
    let about = &made.requested.about;
    let by_policy = matches!(about.trigger, Trigger::Signal(_) | Trigger::EarlierTask { .. });
    about.urgency == Urgency::Safety || !by_policy
}

fn change(made: &Past, was: &Plan, would: &Plan) -> Change {
    let differing = |was: String, would: String| (was != would).then_some((was, would));
    let people =
        |plan: &Plan| first_asked(plan).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let clocks = |plan: &Plan| super::text::clocks(&plan.clocks);
    Change {
        task: made.task.to_string(),
        at: made.at,
        branch: differing(super::text::path(&was.branch), super::text::path(&would.branch)),
        first: differing(people(was), people(would)),
        clocks: differing(clocks(was), clocks(would)),
    }
}

fn tell(change: &Change, json: bool) -> Result<(), Failure> {
    let parts = [("branch", &change.branch), ("first", &change.first), ("clocks", &change.clocks)];
    if json {
        let mut value = json!({ "taskId": change.task, "at": change.at.to_string() });
        if let Some(fields) = value.as_object_mut() {
            for (key, part) in parts {
                if let Some((was, would)) = part {
                    fields.insert(key.to_owned(), json!({ "was": was, "would": would }));
                }
            }
        }
        return output::value(&value, true);
    }
    output::line(&format!("{}  {}", change.task, wire::shown(change.at)))?;
    for (key, part) in parts {
        if let Some((was, would)) = part {
            output::line(&format!("  {key}: {was} -> {would}"))?;
        }
    }
    Ok(())
}

fn report(tally: &Tally, new: &Policy, json: bool) -> Result<ExitCode, Failure> {
    let Tally { tasks, without_sight, unreadable, fixed, same, different, branch, first, clocks, changed } =
        tally;
    if json {
        let value: Value = json!({
            "policyVersion": new.version(), "tasks": tasks, "cannotBeReplayed": without_sight, "unreadable": unreadable,
            "fixed": fixed, "same": same, "different": different, "changed": changed, "otherBranch": branch,
            "otherFirstPerson": first, "otherClocks": clocks,
        });
        output::value(&value, true)?;
    } else {
        output::line(&output::counted(*tasks, "task", "tasks"))?;
        output::line(&format!("  {same} made again by the policy that was in force, with the same result"))?;
        let told = [
            (*without_sight, "cannot be replayed: made before choices kept what they saw"),
            (*unreadable, "cannot be read by this program"),
            (*fixed, "that no policy decides about: safety signals, and work that came due by itself"),
        ];
        for (number, what) in told.iter().filter(|(number, _)| *number > 0) {
            output::line(&format!("  {number} {what}"))?;
        }
        output::line(&format!("with policy version {}", new.version()))?;
        output::line(&format!("  {changed} would have changed"))?;
        for (number, what) in
            [(branch, "another branch"), (first, "another first person"), (clocks, "other clocks")]
        {
            output::line(&format!("  {number} with {what}"))?;
        }
    }
    if different.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let mut failure = Failure::failed(format!(
        "{} differently by the very policy it was made by",
        output::counted(different.len(), "choice comes out", "choices come out")
    ))
    .advise("did the service run with spans of its own (routing.accept_s and so on)? Give its settings file with --config, or the file of its --endpoints-file with --endpoints")
    .advise("if not: see what was chosen with `voordeur task explain TASK`, and report it");
    failure.faults.clone_from(different);
    Err(failure)
}
