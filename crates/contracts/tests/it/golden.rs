//! Bytes that were recorded once and must be read for ever.
//!
//! `tests/golden/<Event>.<variant>.binpb` holds a sample of every event as it is written today; a release copies them into a folder
//! with its version. A sample that changed is a change of the contract: look at it, then record it with
//! `VOORDEUR_RECORD_GOLDEN=1 cargo test -p voordeur-contracts`. Recorded files of releases never change.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use prost::Message;
use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};
use voordeur_contracts::event;

use crate::samples;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn recorded(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect()
}

/// Reads with the generated type and writes again.
fn written_again(name: &str, bytes: &[u8]) -> Vec<u8> {
    fn again<M: Message + Default>(bytes: &[u8]) -> Vec<u8> {
        M::decode(bytes).unwrap().encode_to_vec()
    }
    let event = name.split('.').next().unwrap();
    match event {
        "ActivityEvent" => again::<event::ActivityEvent>(bytes),
        "AuditEvent" => again::<event::AuditEvent>(bytes),
        "DeadLetterEvent" => again::<event::DeadLetterEvent>(bytes),
        "EpisodeEvent" => again::<event::EpisodeEvent>(bytes),
        "ReportEvent" => again::<event::ReportEvent>(bytes),
        "NoticeEvent" => again::<event::NoticeEvent>(bytes),
        "PresenceEvent" => again::<event::PresenceEvent>(bytes),
        "SignalEvent" => again::<event::SignalEvent>(bytes),
        "TaskEvent" => again::<event::TaskEvent>(bytes),
        other => panic!("{other}: an event that this test does not know; add it"),
    }
}

#[test]
fn every_event_is_written_as_it_was_recorded() {
    let fresh: BTreeMap<_, _> = samples::all(&samples::contracts())
        .into_iter()
        .map(|(name, sample)| (name, sample.encode_to_vec()))
        .collect();
    #[expect(clippy::disallowed_methods, reason = "a switch for the person who runs the test")]
    if std::env::var("VOORDEUR_RECORD_GOLDEN").is_ok() {
        for (name, bytes) in &fresh {
            fs::write(folder().join(format!("{name}.binpb")), bytes).unwrap();
        }
    }
    let kept = recorded(&folder());
    let names: BTreeSet<_> = fresh.keys().chain(kept.keys()).collect();
    let differing: Vec<String> = names
        .into_iter()
        .filter_map(|name| match (fresh.get(name), kept.get(name)) {
            (Some(new), Some(old)) if new == old => None,
            (Some(_), Some(_)) => Some(format!("{name}: changed")),
            (Some(_), None) => Some(format!("{name}: not recorded")),
            (None, _) => Some(format!("{name}: recorded, but there is no such event any more")),
        })
        .collect();
    assert!(
        differing.is_empty(),
        "look at every change, then record with VOORDEUR_RECORD_GOLDEN=1:\n{}",
        differing.join("\n")
    );
}

#[test]
fn everything_that_was_ever_recorded_is_read_whole() {
    let releases =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut seen = 0;
    for folder in releases.chain([folder()]) {
        for (name, bytes) in recorded(&folder) {
            assert_eq!(written_again(&name, &bytes), bytes, "{}/{name}", folder.display());
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} recorded events were found");
}

/// Notes the full name of every field and choice that is set.
fn note(message: &DynamicMessage, seen: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        seen.insert(field.full_name().to_owned());
        let values = match value {
            Value::List(values) => values.iter().collect(),
            single => vec![single],
        };
        for message in values.into_iter().filter_map(Value::as_message) {
            note(message, seen);
        }
    }
}

#[test]
fn the_samples_set_every_field_that_an_event_can_have() {
    let pool = samples::contracts();
    let (mut seen, mut wanted) = (BTreeSet::new(), BTreeSet::new());
    samples::all(&pool).values().for_each(|sample| note(sample, &mut seen));
    let mut open = samples::events(&pool);
    let mut known = BTreeSet::new();
    while let Some(message) = open.pop() {
        if !known.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            wanted.insert(field.full_name().to_owned());
            if let Kind::Message(inner) = field.kind() {
                open.push(inner);
            }
        }
    }
    let forgotten: Vec<_> = wanted.difference(&seen).collect();
    assert!(forgotten.is_empty(), "no sample sets {forgotten:?}");
}

#[test]
fn a_sample_reads_back_as_itself() {
    for (name, sample) in samples::all(&samples::contracts()) {
        let read = DynamicMessage::decode(sample.descriptor(), &*sample.encode_to_vec()).unwrap();
        assert_eq!(read, sample, "{name}");
    }
}
