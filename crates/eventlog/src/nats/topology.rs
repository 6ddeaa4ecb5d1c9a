//! Comparing the broker with the topology, and bringing it there.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use super::{
    Core,
    api::{ApiError, code},
    chance, monitor,
};
use crate::{
    BucketName, ConsumerName, Deadline, ReadError, StreamName,
    resolve::until_answered,
    topology::{Change, MAX_UNSETTLED, Settings, TopologyError},
};

/// Below this a node may lose acknowledged messages although it syncs (block compaction, inline compaction).
const OLDEST_VERSION: (u64, u64, u64) = (2, 15, 1);
const APPLY: &str = "run `voordeur streams apply`";

/// Something the broker keeps, as it must be.
struct Wanted {
    what: String,
    info: String,
    create: String,
    update: String,
    config: Value,
    /// The API wants a consumer's configuration wrapped.
    stream_of_consumer: Option<&'static str>,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn stream_like(what: String, name: &str, config: Value) -> Wanted {
    Wanted {
        what,
        info: format!("STREAM.INFO.{name}"),
        create: format!("STREAM.CREATE.{name}"),
        update: format!("STREAM.UPDATE.{name}"),
        config,
        stream_of_consumer: None,
    }
}

fn stream(name: StreamName, settings: &Settings) -> Wanted {
    let config = json!({
        "name": name.as_str(), "subjects": name.subjects(),
        "retention": "limits", "storage": "file", "num_replicas": settings.replicas,
        // Full means: refuse. The default would drop the oldest messages, silently.
        "discard": "new", "max_bytes": settings.stream_bytes_max,
        "max_msgs": -1, "max_msgs_per_subject": -1, "max_msg_size": -1, "max_consumers": -1, "max_age": 0,
        "duplicate_window": nanos(settings.duplicate_window),
        // Purging stays possible, for erasure; it cannot be allowed again once it was denied.
        "deny_delete": true, "deny_purge": false,
        "allow_direct": true, "allow_atomic": true,
        // Each of these would let a publisher remove or overwrite what others wrote.
        "allow_rollup_hdrs": false, "allow_msg_ttl": false, "allow_msg_schedules": false,
        "allow_msg_counter": false, "allow_batched": false, "no_ack": false, "sealed": false,
        "mirror": null, "sources": null, "republish": null, "subject_transform": null,
    });
    stream_like(format!("stream {name}"), name.as_str(), config)
}

fn bucket(name: BucketName, settings: &Settings) -> Wanted {
    let config = json!({
        "name": name.stream(), "subjects": [format!("$KV.{name}.>")],
        "retention": "limits", "storage": "file", "num_replicas": settings.replicas,
        "discard": "new", "max_bytes": settings.bucket_bytes_max, "max_msgs_per_subject": 1,
        "max_msgs": -1, "max_msg_size": -1, "max_consumers": -1, "max_age": 0,
        "duplicate_window": nanos(Duration::from_secs(120)),
        // Data keys are made ahead, many in one write.
        "allow_atomic": true,
        // Removing a key is a roll-up of its subject.
        "allow_rollup_hdrs": true, "deny_delete": true, "deny_purge": false, "allow_direct": true,
        "allow_msg_ttl": false, "allow_msg_schedules": false, "no_ack": false, "sealed": false,
        "mirror": null, "sources": null, "republish": null, "subject_transform": null,
    });
    stream_like(format!("bucket {name}"), &name.stream(), config)
}

fn consumer(name: ConsumerName, settings: &Settings) -> Wanted {
    let (of, filter) = (name.stream().as_str(), name.filter());
    let config = json!({
        "durable_name": name.as_str(), "name": name.as_str(), "filter_subject": filter,
        "deliver_policy": "all", "replay_policy": "instant", "ack_policy": "explicit",
        "ack_wait": nanos(settings.ack_wait), "max_deliver": -1, "max_ack_pending": MAX_UNSETTLED,
        "headers_only": false, "mem_storage": false, "deliver_subject": null, "backoff": null,
        "priority_policy": null, "pause_until": null,
    });
    let create = format!("CONSUMER.CREATE.{of}.{name}.{filter}");
    Wanted {
        what: format!("consumer {name}"),
        info: format!("CONSUMER.INFO.{of}.{name}"),
        update: create.clone(),
        create,
        config,
        stream_of_consumer: Some(of),
    }
}

fn everything(settings: &Settings) -> Vec<Wanted> {
    let streams = StreamName::ALL.into_iter().map(|name| stream(name, settings));
    let consumers = ConsumerName::ALL.into_iter().map(|name| consumer(name, settings));
    let buckets = BucketName::ALL.into_iter().map(|name| bucket(name, settings));
    streams.chain(consumers).chain(buckets).collect()
}

/// The broker leaves out what is nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty() || text == "none",
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) => false,
    }
}

impl Wanted {
    /// What differs, each line with what to do.
    fn differences(&self, found: &Value) -> Vec<String> {
        let wanted = self.config.as_object().into_iter().flatten();
        let found_at = |name: &str| found.get(name).unwrap_or(&Value::Null);
        wanted
            .map(|(name, wanted)| (name, wanted, found_at(name)))
            .filter(|(_, wanted, found)| wanted != found && !(is_nothing(wanted) && is_nothing(found)))
            .map(|(name, wanted, found)| {
                let remedy = remedy(name, found);
                format!("{}: {name} is {found}, must be {wanted}: {remedy}", self.what)
            })
            .collect()
    }

    fn request(&self) -> Value {
        let fields = self.config.as_object().into_iter().flatten();
        let config: Map<String, Value> =
            fields.filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
        match self.stream_of_consumer {
            Some(stream) => json!({"stream_name": stream, "config": config, "action": ""}),
            None => Value::Object(config),
        }
    }
}

/// Most settings can be changed; some never.
fn remedy(name: &str, found: &Value) -> &'static str {
    match (name, found) {
        (
            "storage" | "retention" | "mirror" | "sealed" | "deliver_policy" | "ack_policy" | "mem_storage",
            _,
        )
        | ("deny_purge" | "allow_msg_ttl" | "allow_msg_schedules" | "allow_msg_counter", Value::Bool(true)) => {
            "cannot be changed: make a backup, delete it, apply, and restore"
        }
        _ => APPLY,
    }
}

/// A request that is repeated until the deadline; none when the thing is not there.
async fn ask(
    core: &Core,
    subject: &str,
    body: &Value,
    deadline: Deadline,
) -> Result<Result<Option<Value>, String>, TopologyError> {
    let answer = until_answered(deadline, chance(), || async {
        match core.api::<Value>(subject, body, deadline).await {
            Ok(answer) => Ok(Ok(Some(answer))),
            Err(ApiError::Refused { code: code::STREAM_NOT_FOUND | code::CONSUMER_NOT_FOUND, .. }) => {
                Ok(Ok(None))
            }
            // A node that just started counts as offline for a moment.
            Err(ApiError::Refused { code: code::NO_SUITABLE_PEERS, text }) if text.contains("offline") => {
                Err(ReadError::Unavailable)
            }
            Err(ApiError::Refused { text, .. }) => Ok(Err(text)),
            Err(error) => Err(ReadError::from(error)),
        }
    });
    answer.await.map_err(|error| TopologyError::Unavailable(error.to_string()))
}

/// How often the monitoring pages are read before what they do not tell counts, and how long to wait between.
const LOOKS: u32 = 5;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Compares everything; changes nothing.
pub(super) async fn verify(core: &Core, deadline: Deadline) -> Result<(), TopologyError> {
    let mut differences = Vec::new();
    let mut nodes = BTreeSet::new();
    for wanted in everything(&core.settings.topology) {
        match ask(core, &wanted.info, &json!({}), deadline).await? {
            Ok(Some(found)) => {
                differences.extend(wanted.differences(found.get("config").unwrap_or(&Value::Null)));
                nodes.extend(nodes_of(&found));
            }
            Ok(None) => differences.push(format!("{} is missing: {APPLY}", wanted.what)),
            Err(text) => differences.push(format!("{} cannot be read: {text}", wanted.what)),
        }
    }
    // A node that is being started again does not tell for a moment: only what stays so counts.
    let mut looks = 1;
    let (unsynced, outdated) = loop {
        let (unsynced, outdated) = look_at_nodes(core, &nodes).await;
        if unsynced.is_empty() || looks == LOOKS || Instant::now() + LOOK_AGAIN_AFTER >= deadline {
            break (unsynced, outdated);
        }
        looks += 1;
        sleep(LOOK_AGAIN_AFTER).await;
    };
    differences.extend(outdated);
    if core.settings.allow_unsynced {
        for line in unsynced {
            tracing::warn!(reason = line, "acknowledged messages can be lost at a power failure");
        }
    } else {
        differences.extend(unsynced);
    }
    if differences.is_empty() { Ok(()) } else { Err(TopologyError::Differs(differences)) }
}

/// Names of the nodes that hold replicas of it.
fn nodes_of(info: &Value) -> Vec<String> {
    let Some(cluster) = info.get("cluster") else { return Vec::new() };
    let replicas = cluster.get("replicas").and_then(Value::as_array).into_iter().flatten();
    replicas
        .filter_map(|replica| replica.get("name"))
        .chain(cluster.get("leader"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Reads every monitoring page: what is unsynced (or does not tell), and what is too old.
async fn look_at_nodes(core: &Core, nodes: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let (mut unsynced, mut outdated) = (Vec::new(), Vec::new());
    let connected_to = core.client.server_info();
    let mut seen = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut check_version = |name: &str, version: &str| {
        if !is_recent(version) {
            let oldest = oldest_version();
            outdated.push(format!(
                "node {name} runs nats-server {version}, must be {oldest} or later: upgrade it"
            ));
        }
    };
    for address in &core.settings.monitor_urls {
        match monitor::read(address).await {
            Ok(node) => {
                check_version(&node.name, &node.version);
                if !node.sync_always {
                    unsynced.push(format!(
                        "node {} acknowledges before it syncs: set `sync_interval: always` in its jetstream block",
                        node.name
                    ));
                }
                seen.insert(node.name);
                ids.insert(node.id);
            }
            Err(reason) => unsynced.push(format!(
                "monitoring address {address} cannot be read ({reason}), so its node counts as unsynced: correct it"
            )),
        }
    }
    if !ids.contains(&connected_to.server_id) {
        check_version(&connected_to.server_name, &connected_to.version);
        let name = &connected_to.server_name;
        unsynced.push(format!("no monitoring address leads to node {name}: add it to the settings"));
        seen.insert(name.clone());
    }
    let unknown = nodes.iter().filter(|node| !seen.contains(*node));
    unsynced.extend(
        unknown.map(|node| format!("no monitoring address leads to node {node}: add it to the settings")),
    );
    (unsynced, outdated)
}

/// The oldest version that will do.
pub(super) fn oldest_version() -> String {
    let (major, minor, patch) = OLDEST_VERSION;
    format!("{major}.{minor}.{patch}")
}

/// Is this version of the broker one that will do?
pub(super) fn is_recent(version: &str) -> bool {
    let version = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part()) >= OLDEST_VERSION
}

/// Creates what is missing and updates what may be updated.
pub(super) async fn apply(core: &Core, deadline: Deadline) -> Result<Vec<Change>, TopologyError> {
    let mut changes = Vec::new();
    let mut failures = Vec::new();
    for wanted in everything(&core.settings.topology) {
        let what = wanted.what.clone();
        let found = match ask(core, &wanted.info, &json!({}), deadline).await? {
            Ok(found) => found,
            Err(text) => {
                failures.push(format!("{what} cannot be read: {text}"));
                continue;
            }
        };
        let (action, subject) = match &found {
            None => ("created", &wanted.create),
            Some(found) => {
                let differences = wanted.differences(found.get("config").unwrap_or(&Value::Null));
                if differences.is_empty() {
                    changes.push(Change { what, action: "unchanged" });
                    continue;
                }
                ("updated", &wanted.update)
            }
        };
        match ask(core, subject, &wanted.request(), deadline).await? {
            Ok(Some(_)) => changes.push(Change { what, action }),
            Ok(None) => failures.push(format!("{what} cannot be {action}: its stream is missing")),
            Err(text) => failures.push(format!("{what} cannot be {action}: {text}")),
        }
    }
    if failures.is_empty() { Ok(changes) } else { Err(TopologyError::Differs(failures)) }
}

/// Makes every durable consumer again, so that every message wakes its service once more. Harmless: a delivery only says that a history
/// moved. Needed after damage: a consumer at a node that lacked a message has passed it by, and would never come back to it.
pub(super) async fn rewake(core: &Core, deadline: Deadline) -> Result<Vec<Change>, TopologyError> {
    let mut changes = Vec::new();
    for wanted in ConsumerName::ALL.map(|name| consumer(name, &core.settings.topology)) {
        let failed = |what: &str, text: String| TopologyError::Differs(vec![format!("{what}: {text}")]);
        let what = wanted.what.clone();
        let delete = wanted.info.replacen("INFO", "DELETE", 1);
        ask(core, &delete, &json!({}), deadline).await?.map_err(|text| failed(&what, text))?;
        let made = ask(core, &wanted.create, &wanted.request(), deadline).await?;
        match made.map_err(|text| failed(&what, text))? {
            Some(_) => changes.push(Change { what, action: "begins anew" }),
            None => return Err(failed(&what, format!("its stream is missing: {APPLY}"))),
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn versions_compare_by_number() {
        assert!(
            is_recent("2.15.1") && is_recent("2.15.10") && is_recent("2.16.0-beta.1") && is_recent("3.0.0")
        );
        assert!(!is_recent("2.15.0") && !is_recent("2.9.99") && !is_recent("") && !is_recent("x"));
    }
}
