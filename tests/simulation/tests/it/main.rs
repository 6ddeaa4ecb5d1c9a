//! The short form of the simulation, and that it repeats itself.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use voordeur_simulation::{run, run_caught};

fn seeds(range: std::ops::Range<u64>) {
    for seed in range {
        if let Err(failure) = run_caught(seed) {
            panic!("{failure}");
        }
    }
}

#[test]
fn no_promise_is_broken_under_the_first_twenty_seeds() {
    seeds(1..21);
}

#[test]
fn no_promise_is_broken_under_the_next_twenty_seeds() {
    seeds(21..41);
}

#[test]
fn the_same_seed_twice_stores_the_same_log() {
    for seed in [3, 1_000_003] {
        assert_eq!(run(seed).unwrap(), run(seed).unwrap(), "seed {seed}");
    }
}
