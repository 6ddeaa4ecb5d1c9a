//! The short form of the simulation, that it repeats itself, and that what breaks is made smaller.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use voordeur_simulation::{
    Failure, Settings, run, run_caught,
    settings::Kind,
    shrink::{Bound, shrink_with},
    world::Broken,
};

fn seeds(range: std::ops::Range<u64>) {
    for seed in range {
        if let Err(failure) = run_caught(&Settings::of(seed)) {
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
        let settings = Settings::of(seed);
        assert_eq!(run(&settings).unwrap(), run(&settings).unwrap(), "seed {seed}");
    }
}

/// A run that breaks when choices 7 and 40 are made, among 90, and nobody left killing out.
fn breaks(settings: &Settings) -> Option<Box<Failure>> {
    let steps = settings.steps.unwrap_or(90);
    let both = [7, 40].into_iter().all(|step| step <= steps && settings.plays(step, Kind::Kill));
    let broken = vec![Broken { promise: 9, what: format!("tsk_{steps:08x} was taken in twice") }];
    both.then(|| Box::new(Failure { settings: settings.clone(), step: steps, broken, story: Vec::new() }))
}

#[test]
fn a_run_that_breaks_a_promise_is_made_as_small_as_what_breaks_it() {
    let failure = breaks(&Settings::of(5)).unwrap();
    let shrunk = shrink_with(&failure, Bound::default(), &breaks);
    let smaller = shrunk.failure.settings;
    assert_eq!(smaller.seed, 5);
    assert_eq!(smaller.steps, Some(40));
    assert_eq!(smaller.only, Some(BTreeSet::from([7, 40])));
    assert_eq!(smaller.without.len(), Kind::ALL.len() - 1);
    let command = smaller.to_string();
    assert!(command.starts_with("cargo xtask simulate --seed 5 --steps 40 --replicas 1"), "{command}");
    assert!(command.ends_with("--only 7,40"), "{command}");
}

#[test]
fn looking_for_a_smaller_run_ends() {
    let failure = breaks(&Settings::of(5)).unwrap();
    let bound = Bound { runs: 3, ..Bound::default() };
    assert!(shrink_with(&failure, bound, &breaks).runs <= 3);
}
