//! Three nodes of the broker on this machine.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use voordeur_eventlog::{
    GroupSettings,
    nats::{NatsBroker, NatsSettings},
};

use crate::{
    FaultProxy, NatsServer, Sync, eventually,
    server::{Membership, connect, free_port, small_topology},
};

/// How a node is cut off from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// Its connections with the others are closed, and new ones refused.
    Closed,
    /// What goes between it and the others is lost, and nobody is told.
    Silent,
}

/// A node that was cut off waits for an election and is then brought up to date, which can take half a minute on a busy machine.
const IN_STEP_TIME: Duration = Duration::from_secs(120);

/// A cluster whose nodes all run on this machine. Tests that use one run one after another.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<NatsServer>,
    /// What stands between one node and another, by their places; none when they reach each other directly.
    between: BTreeMap<(usize, usize), FaultProxy>,
    cut_off: Mutex<BTreeMap<usize, CutOff>>,
}

impl NatsCluster {
    /// Starts so many nodes and waits until they have a leader.
    ///
    /// # Panics
    /// When they do not come together.
    pub async fn start(size: usize) -> Self {
        let ports: Vec<u16> = (0..size).map(|_| free_port()).collect();
        let routes = vec![ports.clone(); size];
        Self::start_with(&ports, &routes, BTreeMap::new()).await
    }

    /// Like [`Self::start`], with nodes that can be cut off from each other.
    ///
    /// # Panics
    /// When they do not come together.
    pub async fn start_divisible(size: usize) -> Self {
        let ports: Vec<u16> = (0..size).map(|_| free_port()).collect();
        let mut between = BTreeMap::new();
        let mut routes = Vec::new();
        for from in 0..size {
            let mut leading = Vec::new();
            for (to, port) in ports.iter().enumerate().filter(|(to, _)| *to != from) {
                let proxy = FaultProxy::start(*port).await;
                leading.push(proxy.port());
                between.insert((from, to), proxy);
            }
            routes.push(leading);
        }
        Self::start_with(&ports, &routes, between).await
    }

    async fn start_with(
        ports: &[u16],
        routes: &[Vec<u16>],
        between: BTreeMap<(usize, usize), FaultProxy>,
    ) -> Self {
        let nodes = ports
            .iter()
            .zip(routes)
            .map(|(port, routes)| {
                NatsServer::prepare(Sync::Always, Some(&Membership { port: *port, routes: routes.clone() }))
            })
            .collect();
        let cluster = Self { nodes, between, cut_off: Mutex::default() };
        cluster.nodes.iter().for_each(NatsServer::spawn);
        for node in &cluster.nodes {
            node.await_own_answer().await;
        }
        cluster.await_leader().await;
        cluster
    }

    /// Cuts a node off from the others; its clients still reach it.
    ///
    /// # Panics
    /// When the cluster was not started as divisible.
    pub fn cut_off(&self, node: usize, how: CutOff) {
        assert!(
            !self.between.is_empty(),
            "nothing stands between these nodes: start the cluster as divisible"
        );
        self.change_cuts(|cuts| _ = cuts.insert(node, how));
    }

    /// Lets a node reach the others again.
    pub fn reconnect(&self, node: usize) {
        self.change_cuts(|cuts| _ = cuts.remove(&node));
    }

    fn change_cuts(&self, change: impl FnOnce(&mut BTreeMap<usize, CutOff>)) {
        let mut cuts = self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut cuts);
        for ((from, to), proxy) in &self.between {
            match cuts.get(from).or_else(|| cuts.get(to)) {
                None => proxy.pass(),
                Some(CutOff::Closed) => proxy.cut(),
                Some(CutOff::Silent) => proxy.silence(),
            }
        }
    }

    /// Waits until every node knows the leader of the cluster, and the leader has every other node in step.
    ///
    /// # Panics
    /// When it does not come to that in time.
    pub async fn await_leader(&self) {
        eventually("the cluster has a leader and is complete", IN_STEP_TIME, || async {
            let mut in_step = false;
            for node in &self.nodes {
                let page = node.page("/jsz").await?;
                let meta = page.get("meta_cluster").unwrap_or(&Value::Null);
                let leader = meta.get("leader").and_then(Value::as_str).unwrap_or_default();
                if leader.is_empty() {
                    return Err(format!("{} knows no leader: {meta}", node.name()));
                }
                let replicas = meta.get("replicas").and_then(Value::as_array).into_iter().flatten();
                let current = replicas.filter(|replica| {
                    let flag = |name: &str| replica.get(name).and_then(Value::as_bool).unwrap_or(false);
                    flag("current") && !flag("offline")
                });
                in_step |= leader == node.name() && current.count() + 1 == self.nodes.len();
            }
            if in_step { Ok(()) } else { Err("the leader does not have every node in step".to_owned()) }
        })
        .await;
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NatsServer] {
        &self.nodes
    }

    /// The place of the node that leads the cluster, as far as the nodes that answer know.
    ///
    /// # Errors
    /// When none of them knows one.
    pub async fn meta_leader(&self) -> Result<usize, String> {
        for node in &self.nodes {
            let Ok(page) = node.page("/jsz").await else { continue };
            let leader = page.pointer("/meta_cluster/leader").and_then(Value::as_str).unwrap_or_default();
            if let Some(place) = self.nodes.iter().position(|node| node.name() == leader) {
                return Ok(place);
            }
        }
        Err("no node knows a leader of the cluster".to_owned())
    }

    /// The node that leads a stream now.
    ///
    /// # Panics
    /// When no node says so in time.
    pub async fn leader_of(&self, stream: &str) -> &NatsServer {
        let find = || async {
            let place = self.stream_leader(stream).await?;
            self.nodes.get(place).ok_or_else(|| "no such node".to_owned())
        };
        eventually("the stream has a leader", Duration::from_secs(30), find).await
    }

    /// Makes a node lead a stream.
    ///
    /// # Panics
    /// When it does not come to lead it.
    pub async fn let_lead(&self, stream: &str, place: usize) {
        let name = self.nodes.get(place).map(NatsServer::name);
        eventually("the node leads the stream", Duration::from_secs(60), || async {
            let leader = self.stream_leader(stream).await?;
            if leader == place {
                return Ok(());
            }
            let wish = json!({ "placement": { "preferred": name } });
            let subject = format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}");
            let node = self.nodes.get(leader).ok_or("no such node")?;
            let answer = node.request(&subject, &wish).await?;
            Err(format!("node {leader} leads it; asked to step down, the answer was {answer}"))
        })
        .await;
    }

    /// The place of the node that says that it leads a stream.
    ///
    /// # Errors
    /// When none says so.
    pub async fn stream_leader(&self, stream: &str) -> Result<usize, String> {
        for (place, node) in self.nodes.iter().enumerate() {
            let Ok(page) = node.page("/jsz?streams=true&accounts=true").await else { continue };
            let accounts = page.get("account_details").and_then(Value::as_array).into_iter().flatten();
            let mut streams = accounts
                .filter_map(|account| account.get("stream_detail").and_then(Value::as_array))
                .flatten();
            let leads = streams.any(|detail| {
                let leader = detail.pointer("/cluster/leader").and_then(Value::as_str);
                detail.get("name").and_then(Value::as_str) == Some(stream) && leader == Some(node.name())
            });
            if leads {
                return Ok(place);
            }
        }
        Err(format!("no node leads {stream}"))
    }

    /// Settings for a connection: three replicas, small bounds.
    #[must_use]
    pub fn settings(&self) -> NatsSettings {
        NatsSettings {
            urls: self.nodes.iter().map(NatsServer::url).collect(),
            monitor_urls: self.nodes.iter().map(NatsServer::monitor_url).collect(),
            nkey_seed_file: None,
            topology: small_topology(self.nodes.len()),
            allow_unsynced: false,
            group: GroupSettings::for_replicas(self.nodes.len()),
            name: "test".to_owned(),
        }
    }

    /// A connection, with the topology in place.
    ///
    /// # Panics
    /// When the topology cannot be made.
    pub async fn broker(&self) -> NatsBroker {
        connect(self.settings()).await
    }
}
