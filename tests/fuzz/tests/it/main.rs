//! The kept inputs, and a short run of inputs that differ a little from them. Guided by coverage: `cargo xtask fuzz`.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use voordeur_fuzz::{TARGETS, Target, check::CANARY};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn kept(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let files =
        fs::read_dir(folder().join(target.name)).unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// One small change to an input.
#[derive(Debug, Clone)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u32),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Splice(Index, Vec<u8>),
}

fn edits(inputs: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<Edit>> {
    let edges = [0, 1, 0x7f, 0x80, 0xff];
    let bytes = prop_oneof![
        vec(any::<u8>(), 1..6),
        Just(CANARY.as_bytes().to_vec()),
        Just(vec![0xff; 9]),
        Just("ä".as_bytes().to_vec())
    ];
    let edit = prop_oneof![
        (any::<Index>(), prop_oneof![any::<u8>(), select(edges.to_vec())])
            .prop_map(|(at, byte)| Edit::Set(at, byte)),
        (any::<Index>(), 0_u32..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        (any::<Index>(), bytes).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<Index>(), 1_usize..16).prop_map(|(at, length)| Edit::Remove(at, length)),
        (any::<Index>(), 1_usize..64).prop_map(|(at, length)| Edit::Repeat(at, length)),
        (any::<Index>(), select(inputs)).prop_map(|(at, other)| Edit::Splice(at, other)),
    ];
    vec(edit, 1..6)
}

fn changed(mut input: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        let place = |at: &Index| at.index(input.len() + 1);
        match edit {
            Edit::Set(at, byte) => {
                let at = place(at);
                if let Some(there) = input.get_mut(at) {
                    *there = *byte;
                }
            }
            Edit::Flip(at, bit) => {
                let at = place(at);
                if let Some(there) = input.get_mut(at) {
                    *there ^= 1_u8 << bit;
                }
            }
            Edit::Insert(at, bytes) => {
                let at = place(at);
                input.splice(at..at, bytes.iter().copied());
            }
            Edit::Remove(at, length) => {
                let at = place(at);
                let end = (at + length).min(input.len());
                input.drain(at..end);
            }
            Edit::Repeat(at, length) => {
                let at = place(at);
                let end = (at + length).min(input.len());
                let copy = input[at..end].to_vec();
                input.splice(at..at, copy);
            }
            Edit::Splice(at, other) => {
                let at = place(at);
                input.truncate(at);
                input.extend(other.iter().skip(at));
            }
        }
    }
    input
}

#[test]
fn every_target_has_kept_inputs_and_every_folder_its_target() {
    let folders: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, names);
    for target in TARGETS {
        assert!(!kept(target).is_empty(), "{}", target.name);
    }
}

#[test]
fn every_kept_input_holds() {
    let mut broken = Vec::new();
    for target in TARGETS {
        for (path, input) in kept(target) {
            if catch_unwind(|| (target.run)(&input)).is_err() {
                broken.push(path);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

fn changes_hold(targets: impl Iterator<Item = &'static Target>) {
    for target in targets {
        let inputs: Vec<_> = kept(target).into_iter().map(|(_, input)| input).chain([Vec::new()]).collect();
        let strategy =
            (select(inputs.clone()), edits(inputs)).prop_map(|(input, edits)| changed(input, &edits));
        let config = Config { cases: target.cases, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let run = target.run;
        if let Err(error) = runner.run(&strategy, |input| {
            run(&input);
            Ok(())
        }) {
            panic!("{}: keep this input in tests/fuzz/corpus/{0}: {error}", target.name);
        }
    }
}

#[test]
fn kept_inputs_that_were_changed_a_little_hold_in_every_decoder() {
    changes_hold(TARGETS.iter().filter(|target| target.cases > 100));
}

#[test]
fn kept_inputs_that_were_changed_a_little_hold_in_whole_services() {
    changes_hold(TARGETS.iter().filter(|target| target.cases <= 100));
}
