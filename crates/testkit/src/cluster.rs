//! Three nodes of the broker on this machine.

use std::time::Duration;

use serde_json::Value;
use voordeur_eventlog::{
    GroupSettings,
    nats::{NatsBroker, NatsSettings},
};

use crate::{
    NatsServer, Sync, eventually,
    server::{Membership, connect, free_port, small_topology},
};

/// A cluster whose nodes all run on this machine. Tests that use one run one after another.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<NatsServer>,
}

impl NatsCluster {
    /// Starts so many nodes and waits until they have a leader.
    ///
    /// # Panics
    /// When they do not come together.
    pub async fn start(size: usize) -> Self {
        let routes: Vec<u16> = (0..size).map(|_| free_port()).collect();
        let nodes = routes
            .iter()
            .map(|port| {
                NatsServer::prepare(Sync::Always, Some(&Membership { port: *port, routes: routes.clone() }))
            })
            .collect();
        let cluster = Self { nodes };
        cluster.nodes.iter().for_each(NatsServer::spawn);
        for node in &cluster.nodes {
            node.await_own_answer().await;
        }
        cluster.await_leader().await;
        cluster
    }

    /// Waits until every node knows the leader of the cluster, and the leader has every other node in step.
    ///
    /// # Panics
    /// When it does not come to that in time.
    pub async fn await_leader(&self) {
        eventually("the cluster has a leader and is complete", Duration::from_secs(30), || async {
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

    /// The node that leads a stream now.
    ///
    /// # Panics
    /// When no node says so in time.
    pub async fn leader_of(&self, stream: &str) -> &NatsServer {
        eventually("the stream has a leader", Duration::from_secs(30), || async {
            for node in &self.nodes {
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
                    return Ok(node);
                }
            }
            Err("no node leads it")
        })
        .await
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
