//! The short form of `cargo xtask crash`: twenty rounds, every kind of fault among them, on six installations.

use std::collections::BTreeSet;

use voordeur_system_tests::rounds::{
    plan::{Ground, Plan},
    play,
};

/// Seeds of the rounds on one broker, by installation.
const ON_ONE: [[u64; 4]; 4] = [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23], [30, 31, 32, 33]];
/// Seeds of the rounds on three nodes, by installation.
const ON_THREE: [[u64; 2]; 2] = [[40, 41], [90, 91]];

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rounds_1_to_4_on_one_broker_lose_nothing_and_double_nothing() {
    hold(&ON_ONE[0], Ground::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rounds_5_to_8_on_one_broker_lose_nothing_and_double_nothing() {
    hold(&ON_ONE[1], Ground::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rounds_9_to_12_on_one_broker_lose_nothing_and_double_nothing() {
    hold(&ON_ONE[2], Ground::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rounds_13_to_16_on_one_broker_lose_nothing_and_double_nothing() {
    hold(&ON_ONE[3], Ground::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rounds_17_and_18_on_a_cluster_lose_nothing_and_double_nothing() {
    hold(&ON_THREE[0], Ground::Cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rounds_19_and_20_on_a_cluster_lose_nothing_and_double_nothing() {
    hold(&ON_THREE[1], Ground::Cluster).await;
}

#[test]
fn the_twenty_rounds_hold_every_kind_of_fault() {
    let single = ON_ONE.as_flattened().iter().map(|seed| Plan::new(*seed, Ground::Single));
    let cluster = ON_THREE.as_flattened().iter().map(|seed| Plan::new(*seed, Ground::Cluster));
    let plans: Vec<_> = single.chain(cluster).collect();
    assert_eq!(plans.len(), 20);
    let kinds: BTreeSet<_> =
        plans.iter().flat_map(|plan| &plan.strikes).map(|strike| strike.blow.kind()).collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
}
