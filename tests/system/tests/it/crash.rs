//! The short form of `cargo xtask crash`: twenty rounds, every fault among them, four installations side by side.

use std::collections::BTreeSet;

use voordeur_system_tests::rounds::{
    plan::{Ground, Plan},
    play,
};

/// Seeds of these rounds, by installation; the last one is on a cluster.
const ON_ONE: [[u64; 6]; 2] = [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]];
const ON_A_CLUSTER: [[u64; 4]; 2] = [[40, 41, 42, 43], [50, 51, 52, 53]];

/// Plays seeds, and fails with the first round that broke a promise.
async fn hold(seeds: &[u64], ground: Ground) {
    let mut held = 0;
    play(seeds, ground, |outcome| match outcome {
        Ok(_) => held += 1,
        Err(failure) => panic!("{failure}"),
    })
    .await;
    assert_eq!(held, seeds.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_rounds_on_one_broker_lose_nothing_and_double_nothing() {
    hold(&ON_ONE[0], Ground::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_other_rounds_on_one_broker_lose_nothing_and_double_nothing() {
    hold(&ON_ONE[1], Ground::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_rounds_on_a_cluster_lose_nothing_and_double_nothing() {
    hold(&ON_A_CLUSTER[0], Ground::Cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_other_rounds_on_a_cluster_lose_nothing_and_double_nothing() {
    hold(&ON_A_CLUSTER[1], Ground::Cluster).await;
}

#[test]
fn these_twenty_rounds_hold_every_kind_of_fault() {
    let single = ON_ONE.as_flattened().iter().map(|seed| Plan::new(*seed, Ground::Single));
    let cluster = ON_A_CLUSTER.as_flattened().iter().map(|seed| Plan::new(*seed, Ground::Cluster));
    let plans: Vec<_> = single.chain(cluster).collect();
    assert_eq!(plans.len(), 20);
    let kinds: BTreeSet<_> =
        plans.iter().flat_map(|plan| &plan.strikes).map(|strike| strike.blow.kind()).collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
}
