//! Comparing the copies of every stream, node by node.
//!
//! A node that lost part of a file comes back, calls itself healthy, can be made leader, and leaves out what it lost. Its own counters
//! show that, on its monitoring page; nothing else does. A flipped byte they do not show at all: the node only notices when it reads
//! the message, and then leaves it out silently. So every message is read from every node, and compared.

mod compare;
mod counters;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::{
    Core, NatsBroker,
    api::{ApiError, code},
    chance, monitor, topology,
};
use crate::{
    BucketName, Deadline, ReadError, StreamName,
    resolve::until_answered,
    topology::{Change, TopologyError},
};

/// What a finding asks of whoever reads it; the order is that of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Stored messages are missing or changed.
    Damage,
    /// A copy could not be looked at: nobody knows.
    Unseen,
    /// Nothing is lost, but something is not as it must be.
    Setting,
}

impl Class {
    /// Stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Damage => "DAMAGE",
            Self::Unseen => "UNSEEN",
            Self::Setting => "SETTING",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it asks for.
    pub class: Class,
    /// Stable code, for instance `MESSAGES_MISSING`.
    pub code: &'static str,
    /// The node it is about.
    pub node: Option<String>,
    /// The stream at the broker it is about.
    pub stream: Option<String>,
    /// What was seen, and what that means.
    pub meaning: String,
    /// What to do now.
    pub step: String,
}

/// A node of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its monitoring address.
    pub address: String,
    /// Of nats-server.
    pub version: String,
    /// Does it sync before it acknowledges?
    pub sync_always: bool,
}

/// The copy of a stream at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// The stream at the broker; that of a bucket begins with `KV_`.
    pub stream: String,
    /// The node.
    pub node: String,
    /// Does it lead the stream?
    pub leads: bool,
    /// Messages it says it holds.
    pub messages: u64,
    /// The first of them.
    pub first_sequence: u64,
    /// The last of them.
    pub last_sequence: u64,
    /// Those in between that it says it does not have.
    pub deleted: u64,
    /// Messages that were read from it and compared; none when they were not read.
    pub read: Option<u64>,
}

/// What was found at the broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Every node that told about itself.
    pub nodes: Vec<Node>,
    /// Every copy that was looked at.
    pub replicas: Vec<Replica>,
    /// Everything that is not as it should be, most urgent first.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// The most urgent class that was found; none when everything is good.
    #[must_use]
    pub fn worst(&self) -> Option<Class> {
        self.findings.iter().map(|finding| finding.class).min()
    }
}

/// How far reading has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The stream at the broker.
    pub stream: String,
    /// Read up to this sequence.
    pub read: u64,
    /// Where it ends.
    pub end: u64,
}

/// A stream at the broker that is looked at.
#[derive(Debug, Clone)]
struct Subject {
    name: String,
    /// Keys of a bucket are overwritten, so that numbers between may be missing; of a stream none ever is.
    overwritten: bool,
}

/// Where a stream is, as its leader tells.
#[derive(Debug, Clone)]
struct Whereabouts {
    created: String,
    end: u64,
    leader: String,
    /// The other nodes, and whether the leader has them in step.
    others: BTreeMap<String, bool>,
}

impl Whereabouts {
    fn nodes(&self) -> BTreeSet<String> {
        self.others.keys().chain([&self.leader]).cloned().collect()
    }
}

impl NatsBroker {
    /// Looks at every node's copy of every stream and compares them; `read`: message by message, else by the nodes' own counters alone.
    /// Changes nothing. `deadline` is for finding the streams; reading takes as long as there is to read.
    pub async fn audit(&self, read: bool, deadline: Deadline, progress: &(dyn Fn(Progress) + Sync)) -> Audit {
        let mut look = Look { core: &self.core, audit: Audit::default(), deadline };
        look.at_everything(read, progress).await;
        let mut audit = look.audit;
        audit.findings.sort_by(|a, b| (a.class, &a.stream, &a.node).cmp(&(b.class, &b.stream, &b.node)));
        audit
    }

    /// Makes every durable consumer again, so that every message wakes its service once more. Changes no history.
    ///
    /// # Errors
    /// What could not be made, and why; the same again goes on from there.
    pub async fn rewake(&self, deadline: Deadline) -> Result<Vec<Change>, TopologyError> {
        topology::rewake(&self.core, deadline).await
    }
}

struct Look<'a> {
    core: &'a Core,
    audit: Audit,
    deadline: Deadline,
}

fn everything() -> Vec<Subject> {
    let streams = StreamName::ALL.into_iter().map(|name| (name.as_str().to_owned(), false));
    let buckets = BucketName::ALL.into_iter().map(|name| (name.stream(), true));
    streams.chain(buckets).map(|(name, overwritten)| Subject { name, overwritten }).collect()
}

impl Look<'_> {
    fn finding(
        &mut self,
        class: Class,
        code: &'static str,
        place: (Option<&str>, Option<&str>),
        meaning: impl Into<String>,
        step: impl Into<String>,
    ) {
        let (node, stream) = (place.0.map(str::to_owned), place.1.map(str::to_owned));
        let (meaning, step) = (meaning.into(), step.into());
        self.audit.findings.push(Finding { class, code, node, stream, meaning, step });
    }

    async fn at_everything(&mut self, read: bool, progress: &(dyn Fn(Progress) + Sync)) {
        self.at_nodes().await;
        for subject in everything() {
            let Some(place) = self.find(&subject.name).await else { continue };
            self.at_replicas(&subject.name, &place);
            let sound = self.at_counters(&subject, &place).await;
            if read && let Some(end) = sound {
                self.at_messages(&subject, &place, end, progress).await;
            }
        }
    }

    /// Every node by its monitoring address.
    async fn at_nodes(&mut self) {
        for address in &self.core.settings.monitor_urls {
            match monitor::read(address).await {
                Ok(node) => {
                    let (name, version) = (node.name.as_str(), node.version.as_str());
                    if !node.sync_always {
                        self.finding(
                            Class::Setting,
                            "NOT_SYNCED",
                            (Some(name), None),
                            "acknowledges before it syncs: a power failure loses acknowledged messages",
                            "set `sync_interval: always` in its jetstream block and start it again",
                        );
                    }
                    if !topology::is_recent(version) {
                        self.finding(
                            Class::Setting,
                            "OLD_VERSION",
                            (Some(name), None),
                            format!("runs nats-server {version}, which may lose acknowledged messages"),
                            format!("upgrade it to {} or later", topology::oldest_version()),
                        );
                    }
                    if let Ok(Some(error)) = monitor::write_error(address).await {
                        self.finding(
                            Class::Setting,
                            "CANNOT_WRITE",
                            (Some(name), None),
                            format!("takes nothing more in since a write failed: {error}"),
                            "make room on its disk, then start it again: it does not go on by itself",
                        );
                    }
                    self.audit.nodes.push(Node {
                        name: node.name,
                        address: address.clone(),
                        version: node.version,
                        sync_always: node.sync_always,
                    });
                }
                Err(reason) => self.finding(
                    Class::Unseen,
                    "NODE_NOT_READ",
                    (None, None),
                    format!("the monitoring address {address} cannot be read: {reason}"),
                    "start the node, or correct broker.monitor, and look again",
                ),
            }
        }
    }

    async fn whereabouts(&self, stream: &str) -> Result<Option<Whereabouts>, String> {
        #[derive(Deserialize)]
        struct Info {
            created: String,
            state: State,
            #[serde(default)]
            cluster: Cluster,
        }
        #[derive(Deserialize)]
        struct State {
            last_seq: u64,
        }
        #[derive(Deserialize, Default)]
        struct Cluster {
            #[serde(default)]
            leader: String,
            #[serde(default)]
            replicas: Vec<Peer>,
        }
        #[derive(Deserialize)]
        struct Peer {
            name: String,
            #[serde(default)]
            current: bool,
            #[serde(default)]
            offline: bool,
        }
        let info = until_answered(self.deadline, chance(), || async {
            match self.core.api::<Info>(&format!("STREAM.INFO.{stream}"), &json!({}), self.deadline).await {
                Ok(info) => Ok(Some(info)),
                Err(ApiError::Refused { code: code::STREAM_NOT_FOUND, .. }) => Ok(None),
                Err(error) => Err(ReadError::from(error)),
            }
        });
        let Some(info) = info.await.map_err(|error| error.to_string())? else { return Ok(None) };
        let others = info.cluster.replicas.into_iter().map(|peer| (peer.name, peer.current && !peer.offline));
        let leader = if info.cluster.leader.is_empty() {
            self.core.client.server_info().server_name
        } else {
            info.cluster.leader
        };
        let (created, end) = (info.created, info.state.last_seq);
        Ok(Some(Whereabouts { created, end, leader, others: others.collect() }))
    }

    async fn find(&mut self, stream: &str) -> Option<Whereabouts> {
        match self.whereabouts(stream).await {
            Ok(Some(place)) => Some(place),
            Ok(None) => {
                self.finding(
                    Class::Setting,
                    "STREAM_MISSING",
                    (None, Some(stream)),
                    "there is no such stream; if there was one, everything in it is gone",
                    "in a new installation run `voordeur streams apply`, else restore it from a backup first",
                );
                None
            }
            Err(reason) => {
                self.finding(
                    Class::Unseen,
                    "NO_LEADER",
                    (None, Some(stream)),
                    format!("nobody answers for it: {reason}"),
                    "start the nodes that are down, wait until most of them are up, and look again",
                );
                None
            }
        }
    }

    /// Are as many copies there as there must be, in step, at nodes that we can look at?
    fn at_replicas(&mut self, stream: &str, place: &Whereabouts) {
        let (found, wanted) = (place.others.len() + 1, self.core.settings.topology.replicas);
        if found < wanted {
            self.finding(
                Class::Setting,
                "TOO_FEW_REPLICAS",
                (None, Some(stream)),
                format!("{found} of {wanted} copies exist"),
                "run `voordeur streams apply`",
            );
        }
        for (node, current) in &place.others {
            if !current {
                self.finding(
                    Class::Unseen,
                    "NOT_CURRENT",
                    (Some(node), Some(stream)),
                    "its copy is away or still catching up",
                    "start the node if it is down; wait for it with `voordeur streams verify --wait 600`",
                );
            }
        }
        let seen: BTreeSet<_> = self.audit.nodes.iter().map(|node| node.name.clone()).collect();
        for node in place.nodes().difference(&seen) {
            self.finding(
                Class::Unseen,
                "NODE_UNKNOWN",
                (Some(node), Some(stream)),
                "holds a copy, and no monitoring address that answers leads to it",
                "start it, or add its address to broker.monitor",
            );
        }
    }
}

/// The documented repair, for one node and one stream.
/// So many messages, in words.
fn messages<N: std::fmt::Display + PartialEq + From<u8>>(number: N) -> String {
    let one = number == N::from(1);
    format!("{number} {}", if one { "message" } else { "messages" })
}

fn repair(account: &str, node: &str, stream: &str) -> String {
    format!(
        "repair this copy as docs/operations.md says: see that the other copies are good, stop {node}, delete \
         jetstream/{account}/streams/{stream} in its store, start it, `voordeur streams verify --wait 600`, then \
         `voordeur streams rewake`"
    )
}
