//! The published document of the streams says what the code does.

use std::collections::BTreeSet;

use voordeur_eventlog::{ConsumerName, StreamName};

const DOCUMENT: &str = include_str!("../../../../docs/events/asyncapi.yaml");

/// What stands after a key, once for every place where it stands.
fn values(key: &str) -> Vec<&'static str> {
    DOCUMENT.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": ")).collect()
}

#[test]
fn the_document_has_exactly_the_subjects_of_the_topology() {
    let addresses = values("address").into_iter().map(|address| address.split(".{").next().unwrap());
    let documented: BTreeSet<_> = addresses.zip(values("x-stream")).collect();
    let built = StreamName::ALL
        .iter()
        .flat_map(|stream| stream.prefixes().iter().map(|prefix| (*prefix, stream.as_str())))
        .collect();
    assert_eq!(documented, built);
}

#[test]
fn the_document_has_exactly_the_consumers_of_the_topology() {
    let documented: BTreeSet<_> = values("x-consumer").into_iter().collect();
    let built = ConsumerName::ALL.iter().map(|consumer| consumer.as_str()).collect();
    assert_eq!(documented, built);
}
