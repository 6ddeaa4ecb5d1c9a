//! Where rounds are played: a broker or a cluster, two replicas of each service that reach it through fault proxies, and what can be done
//! to all of them.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use tokio::{sync::Mutex, task::block_in_place};
use voordeur_eventlog::{
    Broker,
    nats::{NatsBroker, NatsSettings},
};
use voordeur_testkit::{CutOff, FaultProxy, NatsCluster, NatsServer, eventually};

use super::{
    ledger::Ledger,
    plan::{Blow, Ground, NODES, Node, REPLICAS, Strike, Victim},
};
use crate::{Replicas, SERVICES, census::Census};

/// Short clocks, so that deadlines come due while everything falls over: an offer goes on to the coordinator after two seconds, and an
/// hour passes before a clock that rang rings again.
const SETTINGS: [(&str, &str); 4] = [
    ("VOORDEUR__ROUTING__OFFER_S", "2"),
    ("VOORDEUR__ROUTING__ACCEPT_S", "4"),
    ("VOORDEUR__ROUTING__REPEAT_S", "3600"),
    ("VOORDEUR__TELEMETRY__LOG", "info"),
];

enum Brokers {
    One(Box<NatsServer>),
    Three(NatsCluster),
}

impl Brokers {
    fn nodes(&self) -> &[NatsServer] {
        match self {
            Self::One(node) => std::slice::from_ref(node),
            Self::Three(cluster) => cluster.nodes(),
        }
    }

    fn settings(&self) -> NatsSettings {
        match self {
            Self::One(node) => node.settings(),
            Self::Three(cluster) => cluster.settings(),
        }
    }
}

/// An installation that is troubled.
pub struct Site {
    /// Its services.
    pub replicas: Arc<Replicas>,
    /// What its callers and people were told.
    pub ledger: Arc<Ledger>,
    /// A connection of our own, which no fault touches.
    pub broker: Arc<dyn Broker>,
    brokers: Brokers,
    /// What stands between a replica and each node.
    proxies: BTreeMap<Victim, Vec<FaultProxy>>,
    /// One fault at a time on one victim: what is killed cannot be frozen too.
    services_in_trouble: BTreeMap<Victim, Mutex<()>>,
    nodes_in_trouble: Vec<Mutex<()>>,
    /// Events of tasks that were counted in earlier rounds.
    counted: std::sync::Mutex<BTreeMap<&'static str, usize>>,
}

fn everyone() -> impl Iterator<Item = Victim> {
    SERVICES.into_iter().flat_map(|service| (0..REPLICAS).map(move |replica| Victim { service, replica }))
}

async fn ready(replicas: &Replicas) {
    eventually("every replica is ready", Duration::from_secs(90), || async {
        block_in_place(|| replicas.all_ready())
    })
    .await;
}

impl Site {
    /// A fresh one, whole and ready.
    pub async fn prepare(ground: Ground) -> Arc<Self> {
        let brokers = match ground {
            Ground::Single => Brokers::One(Box::new(NatsServer::start().await)),
            Ground::Cluster => Brokers::Three(NatsCluster::start_divisible(NODES).await),
        };
        let urls: Vec<_> = brokers.nodes().iter().map(NatsServer::url).collect();
        let monitors: Vec<_> = brokers.nodes().iter().map(NatsServer::monitor_url).collect();
        // The fault proxies are tasks of this very program, and must go on meanwhile.
        let install = || Replicas::install(&urls, &monitors, brokers.nodes().len(), &SETTINGS);
        let replicas = Arc::new(block_in_place(install));
        let mut proxies = BTreeMap::new();
        for victim in everyone() {
            let mut leading = Vec::new();
            for node in brokers.nodes() {
                leading.push(FaultProxy::start(node.port()).await);
            }
            // Not everybody at the same node.
            let count = leading.len();
            leading.rotate_left((victim.replica + victim.service.len()) % count);
            let urls: Vec<_> = leading.iter().map(FaultProxy::url).collect();
            replicas.give(victim.service, victim.replica, "VOORDEUR__BROKER__URL", &urls.join(","));
            proxies.insert(victim, leading);
        }
        for Victim { service, replica } in everyone() {
            replicas.start(service, replica);
        }
        ready(&replicas).await;
        let broker = NatsBroker::connect(brokers.settings()).await.expect("the settings can be used");
        Arc::new(Self {
            replicas,
            ledger: Arc::default(),
            broker: Arc::new(broker),
            nodes_in_trouble: brokers.nodes().iter().map(|_| Mutex::default()).collect(),
            services_in_trouble: everyone().map(|victim| (victim, Mutex::default())).collect(),
            brokers,
            proxies,
            counted: std::sync::Mutex::default(),
        })
    }

    /// One fault from its beginning to its end.
    pub async fn suffer(&self, strike: Strike) {
        let lasting = Duration::from_millis(strike.lasting_ms);
        match strike.blow {
            Blow::KillService(victim) => {
                let _alone = self.services_in_trouble[&victim].lock().await;
                self.replicas.kill(victim.service, victim.replica);
                tokio::time::sleep(lasting).await;
                self.replicas.start(victim.service, victim.replica);
            }
            Blow::FreezeService(victim) => {
                let _alone = self.services_in_trouble[&victim].lock().await;
                self.replicas.freeze(victim.service, victim.replica);
                tokio::time::sleep(lasting).await;
                self.replicas.thaw(victim.service, victim.replica);
            }
            Blow::CutService(victim) => self.disturb(victim, lasting, FaultProxy::cut).await,
            Blow::DropAnswers(victim) => self.disturb(victim, lasting, FaultProxy::drop_answers).await,
            Blow::KillNode(node) => {
                let place = self.place(node).await;
                let _alone = self.nodes_in_trouble[place].lock().await;
                let node = &self.brokers.nodes()[place];
                node.kill().await;
                tokio::time::sleep(lasting).await;
                node.spawn();
            }
            Blow::FreezeNode(node) => {
                let place = self.place(node).await;
                let _alone = self.nodes_in_trouble[place].lock().await;
                let node = &self.brokers.nodes()[place];
                node.freeze();
                tokio::time::sleep(lasting).await;
                node.thaw();
            }
            Blow::CutOffNode(node) => self.divide(node, lasting, CutOff::Closed).await,
            Blow::SilenceNode(node) => self.divide(node, lasting, CutOff::Silent).await,
        }
    }

    async fn disturb(&self, victim: Victim, lasting: Duration, how: impl Fn(&FaultProxy)) {
        let _alone = self.services_in_trouble[&victim].lock().await;
        self.proxies[&victim].iter().for_each(how);
        tokio::time::sleep(lasting).await;
        self.proxies[&victim].iter().for_each(FaultProxy::pass);
    }

    async fn divide(&self, node: Node, lasting: Duration, how: CutOff) {
        let Brokers::Three(cluster) = &self.brokers else { panic!("one node has nobody to be cut off from") };
        let place = self.place(node).await;
        let _alone = self.nodes_in_trouble[place].lock().await;
        cluster.cut_off(place, how);
        tokio::time::sleep(lasting).await;
        cluster.reconnect(place);
    }

    /// The node that is meant, now. While there is no leader, somebody else is struck.
    async fn place(&self, node: Node) -> usize {
        let Brokers::Three(cluster) = &self.brokers else { return 0 };
        let leader = match node {
            Node::Only => Ok(0),
            Node::Place(place) => Ok(place),
            Node::MetaLeader => cluster.meta_leader().await,
            Node::LeaderOf(stream) => cluster.stream_leader(stream).await,
        };
        leader.unwrap_or(0)
    }

    /// Waits until every replica says that it is ready.
    pub async fn ready(&self) {
        ready(&self.replicas).await;
    }

    /// Starts again what ended by itself, as a supervisor would, and says what it was.
    pub fn supervise(&self) -> Vec<String> {
        let ended = self.replicas.ended();
        ended
            .into_iter()
            .map(|ended| {
                self.replicas.start(&ended.service, ended.number);
                ended.how
            })
            .collect()
    }

    /// How many events of each name came since the last call.
    pub fn new_events(&self, census: &Census) -> BTreeMap<&'static str, usize> {
        let mut all: BTreeMap<_, usize> = BTreeMap::new();
        for name in census.tasks.values().flat_map(|task| &task.events) {
            *all.entry(*name).or_default() += 1;
        }
        let before = std::mem::replace(&mut *self.counted.lock().unwrap(), all.clone());
        all.into_iter().map(|(name, count)| (name, count - before.get(name).unwrap_or(&0))).collect()
    }

    /// Waits until every node of the broker is there and in step.
    pub async fn whole_broker(&self) {
        for node in self.brokers.nodes() {
            eventually("every node answers", Duration::from_secs(30), || node.page("/varz")).await;
        }
        if let Brokers::Three(cluster) = &self.brokers {
            cluster.await_leader().await;
        }
    }

    /// Keeps logs and stores in a folder.
    ///
    /// # Errors
    /// When something cannot be copied.
    pub fn keep(&self, folder: &Path) -> std::io::Result<()> {
        copy(self.replicas.folder(), &folder.join("services"))?;
        for (place, node) in self.brokers.nodes().iter().enumerate() {
            copy(node.folder(), &folder.join(format!("node-{place}")))?;
        }
        Ok(())
    }
}

/// Copies a folder with everything in it; what disappears meanwhile is passed over.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let copied = if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            std::fs::copy(entry.path(), target).map(|_| ())
        };
        match copied {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
