//! What a round does, as data: made from its seed alone, so that it can be printed and played again.

use std::fmt;

use serde::Serialize;

use crate::{SERVICES, dice::Dice};

/// Replicas of each service.
pub const REPLICAS: usize = 2;
/// Nodes of a cluster.
pub const NODES: usize = 3;
/// Rounds that follow each other on one installation: history grows, and what an earlier round left may trouble a later one.
pub const ROUNDS_ON_ONE: u64 = 10;

/// Where a round is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// One broker.
    Single,
    /// A cluster of three nodes.
    Cluster,
}

impl Ground {
    /// Where the round of a seed is played when nobody says otherwise: every fifth installation is a cluster.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        if seed / ROUNDS_ON_ONE % 5 == 4 { Self::Cluster } else { Self::Single }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "one broker",
            Self::Cluster => "cluster",
        })
    }
}

/// A node of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// The only one.
    Only,
    /// One of the cluster, by its place.
    Place(usize),
    /// Whichever leads the cluster when its moment comes.
    MetaLeader,
    /// Whichever leads this stream when its moment comes.
    LeaderOf(&'static str),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only => f.write_str("the broker"),
            Self::Place(place) => write!(f, "node {place}"),
            Self::MetaLeader => f.write_str("the leader of the cluster"),
            Self::LeaderOf(stream) => write!(f, "the leader of {stream}"),
        }
    }
}

/// A replica of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Victim {
    /// Which service.
    pub service: &'static str,
    /// Which of its replicas.
    pub replica: usize,
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.service, self.replica)
    }
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blow {
    /// `kill -9` of a service; it is started again.
    KillService(Victim),
    /// SIGSTOP of a service, then SIGCONT.
    FreezeService(Victim),
    /// Its connection with the broker is closed, and new ones are refused.
    CutService(Victim),
    /// The broker hears it and does what it asks, and every answer is lost.
    DropAnswers(Victim),
    /// `kill -9` of a node of the broker; it is started again.
    KillNode(Node),
    /// SIGSTOP of a node of the broker, then SIGCONT.
    FreezeNode(Node),
    /// A node loses its connections with the others: they are closed and refused.
    CutOffNode(Node),
    /// A node loses what goes between it and the others, and nobody is told.
    SilenceNode(Node),
}

impl Blow {
    /// Its kind, for counts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::KillService(_) => "service_killed",
            Self::FreezeService(_) => "service_frozen",
            Self::CutService(_) => "service_cut_off",
            Self::DropAnswers(_) => "answers_dropped",
            Self::KillNode(_) => "node_killed",
            Self::FreezeNode(_) => "node_frozen",
            Self::CutOffNode(_) => "node_cut_off",
            Self::SilenceNode(_) => "node_silenced",
        }
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillService(victim) => write!(f, "kill -9 {victim}"),
            Self::FreezeService(victim) => write!(f, "freeze {victim}"),
            Self::CutService(victim) => write!(f, "cut {victim} off from the broker"),
            Self::DropAnswers(victim) => write!(f, "drop the broker's answers to {victim}"),
            Self::KillNode(node) => write!(f, "kill -9 {node}"),
            Self::FreezeNode(node) => write!(f, "freeze {node}"),
            Self::CutOffNode(node) => write!(f, "cut {node} off from the others"),
            Self::SilenceNode(node) => write!(f, "lose what goes between {node} and the others"),
        }
    }
}

/// A fault and its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Strike {
    /// When so many things of this round were acknowledged: receipts of signals, and acts of professionals.
    pub after: usize,
    /// What happens.
    pub blow: Blow,
    /// How long until it is undone.
    pub lasting_ms: u64,
}

/// One round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What it was made from.
    pub seed: u64,
    /// Where it is played.
    pub ground: Ground,
    /// Signals that are handed over.
    pub signals: usize,
    /// How long each of the callers waits after a receipt.
    pub pause_ms: u64,
    /// The faults, in the order of their moments.
    pub strikes: Vec<Strike>,
}

/// How long a freeze lasts: past the time-out of a request to the broker (2 s); past handling a delivery and the consumer's wait for its
/// acknowledgement (5 s); past the callers' own patience (10 s) and everything else.
const FREEZES_MS: [u64; 3] = [2_600, 6_500, 12_000];
/// How long connections are lost: a blink, past a request, past a delivery.
const CUTS_MS: [u64; 3] = [300, 2_600, 6_000];
/// How long until something killed is started again.
const DEATHS_MS: [u64; 3] = [0, 400, 1_500];
/// How long a node is gone; the others choose a new leader after 4 to 9 seconds.
const NODE_GONE_MS: [u64; 3] = [3_000, 7_000, 12_000];

const STREAMS: [&str; 5] = ["SIGNALS", "TASKS", "EPISODES", "AUDIT", "KV_KEYS"];

impl Plan {
    /// The plan of a seed on a ground.
    #[must_use]
    pub fn new(seed: u64, ground: Ground) -> Self {
        // Neighbouring seeds must not give neighbouring plans.
        let mut dice = Dice::new(seed).fork();
        let signals = 16 * dice.index(6) + 80;
        let pause_ms = *dice.pick(&[0, 20, 60, 120]);
        let mut strikes: Vec<_> = (0..match ground {
            Ground::Single => dice.between(2, 6),
            Ground::Cluster => dice.between(2, 5),
        })
            .map(|_| {
                let after = 1 + dice.index(signals);
                let (blow, lasting_ms) = match ground {
                    Ground::Single => on_one(&mut dice),
                    Ground::Cluster => on_three(&mut dice),
                };
                Strike { after, blow, lasting_ms }
            })
            .collect();
        strikes.sort_by_key(|strike| strike.after);
        Self { seed, ground, signals, pause_ms, strikes }
    }
}

fn victim(dice: &mut Dice) -> Victim {
    Victim { service: SERVICES[dice.index(SERVICES.len())], replica: dice.index(REPLICAS) }
}

/// Mostly the short one.
fn length(dice: &mut Dice, lengths: [u64; 3]) -> u64 {
    lengths[match dice.index(10) {
        0..6 => 0,
        6..9 => 1,
        _ => 2,
    }]
}

fn on_service(dice: &mut Dice) -> (Blow, u64) {
    let victim = victim(dice);
    match dice.index(100) {
        0..55 => (Blow::KillService(victim), length(dice, DEATHS_MS)),
        55..70 => (Blow::FreezeService(victim), length(dice, FREEZES_MS)),
        70..85 => (Blow::CutService(victim), length(dice, CUTS_MS)),
        _ => (Blow::DropAnswers(victim), length(dice, CUTS_MS)),
    }
}

fn on_one(dice: &mut Dice) -> (Blow, u64) {
    match dice.index(100) {
        0..18 => (Blow::KillNode(Node::Only), length(dice, DEATHS_MS)),
        18..26 => (Blow::FreezeNode(Node::Only), length(dice, FREEZES_MS)),
        _ => on_service(dice),
    }
}

fn on_three(dice: &mut Dice) -> (Blow, u64) {
    if dice.chance(45) {
        return on_service(dice);
    }
    let node = match dice.index(10) {
        0..4 => Node::LeaderOf(STREAMS[dice.index(STREAMS.len())]),
        4..7 => Node::MetaLeader,
        _ => Node::Place(dice.index(NODES)),
    };
    match dice.index(10) {
        0..4 => (Blow::KillNode(node), length(dice, DEATHS_MS)),
        4..6 => (Blow::FreezeNode(node), length(dice, NODE_GONE_MS)),
        6..8 => (Blow::CutOffNode(node), length(dice, NODE_GONE_MS)),
        _ => (Blow::SilenceNode(node), length(dice, NODE_GONE_MS)),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {} on {}: {} signals, {} ms between two of a caller",
            self.seed,
            match self.ground {
                Ground::Single => "one broker",
                Ground::Cluster => "a cluster",
            },
            self.signals,
            self.pause_ms
        )?;
        for strike in &self.strikes {
            writeln!(f, "  {:>4} acknowledged: {}, {} ms", strike.after, strike.blow, strike.lasting_ms)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Blow, Ground, NODES, Node, Plan, REPLICAS};
    use crate::SERVICES;

    proptest! {
        #[test]
        fn a_plan_is_made_from_its_seed_alone_and_every_moment_of_it_comes(seed: u64, cluster: bool) {
            let ground = if cluster { Ground::Cluster } else { Ground::Single };
            let plan = Plan::new(seed, ground);
            prop_assert_eq!(&plan, &Plan::new(seed, ground));
            prop_assert!(!plan.strikes.is_empty());
            prop_assert!(plan.strikes.is_sorted_by_key(|strike| strike.after));
            for strike in &plan.strikes {
                // There are at least as many acknowledgements as signals.
                prop_assert!((1..=plan.signals).contains(&strike.after));
                match strike.blow {
                    Blow::KillService(victim) | Blow::FreezeService(victim) | Blow::CutService(victim) | Blow::DropAnswers(victim) => {
                        prop_assert!(SERVICES.contains(&victim.service) && victim.replica < REPLICAS);
                    }
                    Blow::KillNode(node) | Blow::FreezeNode(node) => {
                        prop_assert_eq!(node == Node::Only, ground == Ground::Single);
                    }
                    Blow::CutOffNode(node) | Blow::SilenceNode(node) => {
                        prop_assert_eq!(ground, Ground::Cluster);
                        prop_assert!(!matches!(node, Node::Place(place) if place >= NODES));
                    }
                }
            }
            // It can be printed whole.
            prop_assert_eq!(plan.to_string().lines().count(), plan.strikes.len() + 1);
        }
    }

    #[test]
    fn five_hundred_seeds_hold_every_kind_of_fault_on_every_victim() {
        let strikes: Vec<_> = (0..500).flat_map(|seed| Plan::new(seed, Ground::of(seed)).strikes).collect();
        let kinds: BTreeSet<_> = strikes.iter().map(|strike| strike.blow.kind()).collect();
        assert_eq!(kinds.len(), 8, "{kinds:?}");
        for service in SERVICES {
            for number in 0..REPLICAS {
                for kind in ["service_killed", "service_frozen", "service_cut_off", "answers_dropped"] {
                    let hits = |blow: &Blow| match blow {
                        Blow::KillService(victim)
                        | Blow::FreezeService(victim)
                        | Blow::CutService(victim)
                        | Blow::DropAnswers(victim) => {
                            blow.kind() == kind && victim.service == service && victim.replica == number
                        }
                        _ => false,
                    };
                    assert!(
                        strikes.iter().any(|strike| hits(&strike.blow)),
                        "{kind} never hits {service}-{number}"
                    );
                }
            }
        }
    }

    #[test]
    fn neighbouring_seeds_give_different_plans() {
        let plans: BTreeSet<_> =
            (0..100).map(|seed| format!("{:?}", Plan::new(seed, Ground::Single).strikes)).collect();
        assert_eq!(plans.len(), 100);
    }
}
