//! Versions in the bucket, and following them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use voordeur_directory::{Directory, DirectoryError, DirectoryStore, DirectoryWatch};
use voordeur_eventlog::{
    Broker as _, Bucket, BucketError, BucketName, Deadline,
    memory::{Faults, MemoryBroker},
};

use crate::{DEMO, SAMPLE};

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(30)
}

fn bucket(broker: &MemoryBroker) -> Arc<dyn Bucket> {
    broker.bucket(BucketName::Directory)
}

fn store(broker: &MemoryBroker) -> DirectoryStore {
    DirectoryStore::new(bucket(broker))
}

/// Another directory, the same but for one label.
fn variant(number: usize) -> String {
    DEMO.replace("label = \"Noor\"", &format!("label = \"Noor {number}\""))
}

async fn everything(broker: &MemoryBroker) -> Vec<(String, Bytes)> {
    let bucket = bucket(broker);
    let mut all = Vec::new();
    for key in bucket.keys("", soon()).await.unwrap() {
        let value = bucket.get(&key, soon()).await.unwrap().unwrap().value;
        all.push((key, value));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn what_is_applied_is_read_back_and_every_version_stays() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    assert_eq!(store.current(soon()).await.unwrap_err(), DirectoryError::Absent);
    let first = store.apply(SAMPLE, 0, soon()).await.unwrap();
    assert_eq!((first.version, first.changed), (1, true));
    let second = store.apply(DEMO, 1, soon()).await.unwrap();
    assert_eq!((second.version, second.changed), (2, true));
    let current = store.current(soon()).await.unwrap();
    assert_eq!((current.directory.version(), current.text.as_str()), (2, DEMO));
    let old = store.at(1, soon()).await.unwrap();
    assert_eq!((old.directory.version(), old.text.as_str()), (1, SAMPLE));
    assert_eq!(store.at(3, soon()).await.unwrap_err(), DirectoryError::NoSuchVersion(3));
    let versions = store.versions(10, soon()).await.unwrap();
    assert_eq!(versions.iter().map(|v| (v.version, v.previous)).collect::<Vec<_>>(), [(2, 1), (1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn applying_the_same_again_changes_nothing() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    store.apply(DEMO, 0, soon()).await.unwrap();
    let before = everything(&broker).await;
    for expected in [0, 1, 7] {
        let again = store.apply(DEMO, expected, soon()).await.unwrap();
        assert_eq!((again.version, again.changed), (1, false));
    }
    assert_eq!(everything(&broker).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_stale_or_faulty_apply_is_refused_and_changes_nothing() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    store.apply(DEMO, 0, soon()).await.unwrap();
    store.apply(&variant(1), 1, soon()).await.unwrap();
    let before = everything(&broker).await;
    let stale = store.apply(&variant(2), 1, soon()).await.unwrap_err();
    assert_eq!(stale, DirectoryError::Stale { expected: 1, current: 2 });
    let faulty = store.apply("format = 1\n[person.x]\n", 2, soon()).await.unwrap_err();
    assert!(matches!(faulty, DirectoryError::Faults(faults) if faults.len() >= 4));
    assert_eq!(everything(&broker).await, before);
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_exactly_one_wins() {
    for seed in 0..8 {
        let broker = MemoryBroker::with_faults(Faults::rough(seed));
        let store = store(&broker);
        apply_firmly(&store, DEMO, 0).await.unwrap();
        let tasks: Vec<_> = (0..6)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { apply_firmly(&store, &variant(number), 1).await })
            })
            .collect();
        let mut winners = Vec::new();
        for (number, task) in tasks.into_iter().enumerate() {
            match task.await.unwrap() {
                Ok(version) => winners.push((number, version)),
                Err(DirectoryError::Stale { expected: 1, .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "seed {seed}");
        broker.set_faults(Faults::default());
        let current = store.current(soon()).await.unwrap();
        assert_eq!(current.text, variant(winners[0].0));
        assert_eq!(store.versions(10, soon()).await.unwrap().len(), 2, "the losers are not in the chain");
    }
}

/// Applies through a bad day, as the command line's user would: again when the answer was lost.
async fn apply_firmly(store: &DirectoryStore, text: &str, expected: u64) -> Result<u64, DirectoryError> {
    loop {
        match store.apply(text, expected, soon()).await {
            Ok(applied) => return Ok(applied.version),
            Err(DirectoryError::Bucket(BucketError::Unavailable | BucketError::Unknown)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_died_before_the_pointer_moved_is_in_nobodys_way() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    store.apply(DEMO, 0, soon()).await.unwrap();
    bucket(&broker).create("version/2", Bytes::from_static(b"{}"), soon()).await.unwrap();
    let applied = store.apply(&variant(1), 1, soon()).await.unwrap();
    assert_eq!(applied.version, 3);
    let versions = store.versions(10, soon()).await.unwrap();
    assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [3, 1]);
}

/// A file larger than one part.
fn large() -> String {
    let mut text = DEMO.to_owned();
    for number in 0..12_000 {
        let _ = std::fmt::Write::write_fmt(
            &mut text,
            format_args!(
                "\n[centre.de-wilg.group.groep-{number}x]\nlabel = \"Groep {number}\"\norganisation = \"basisschool-de-wilg\"\n"
            ),
        );
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_large_file_is_cut_into_parts_and_put_together_again() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    let text = large();
    store.apply(&text, 0, soon()).await.unwrap();
    let parts = bucket(&broker).keys("part/", soon()).await.unwrap();
    assert!(parts.len() >= 3, "{}", parts.len());
    for (_, value) in everything(&broker).await {
        assert!(value.len() <= 500_000);
    }
    assert_eq!(store.current(soon()).await.unwrap().text, text);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_its_digest_is_damaged() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    store.apply(DEMO, 0, soon()).await.unwrap();
    let bucket = bucket(&broker);
    let part = bucket.keys("part/", soon()).await.unwrap().remove(0);
    let entry = bucket.get(&part, soon()).await.unwrap().unwrap();
    let other = Bytes::from(variant(1));
    let revision = bucket.update(&part, other, entry.revision, soon()).await.unwrap();
    assert!(matches!(store.current(soon()).await.unwrap_err(), DirectoryError::Damaged { version: 1, .. }));
    bucket.update(&part, entry.value, revision, soon()).await.unwrap();
    assert!(store.current(soon()).await.is_ok());
    bucket.purge(&part, soon()).await.unwrap();
    assert!(matches!(store.at(1, soon()).await.unwrap_err(), DirectoryError::Damaged { version: 1, .. }));
}

async fn until(watch: &DirectoryWatch, version: u64) -> Arc<Directory> {
    let mut changes = watch.changes();
    let found = tokio::time::timeout(
        Duration::from_secs(120),
        changes.wait_for(|d| d.as_ref().is_some_and(|d| d.version() == version)),
    );
    found.await.expect("the watch reads the version").unwrap().clone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_watch_follows_from_nothing_through_every_version() {
    for seed in [None, Some(1), Some(2), Some(3)] {
        let broker =
            seed.map_or_else(MemoryBroker::new, |seed| MemoryBroker::with_faults(Faults::rough(seed)));
        let store = store(&broker);
        let watch = DirectoryWatch::new(store.clone());
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&watch).run(stop.clone()));
        assert_eq!(watch.current().unwrap_err(), DirectoryError::Absent);
        apply_firmly(&store, DEMO, 0).await.unwrap();
        let first = until(&watch, 1).await;
        let version = apply_firmly(&store, &variant(1), 1).await.unwrap();
        let second = until(&watch, version).await;
        assert_eq!(first.person("noor").unwrap().label, "Noor", "who holds a version keeps it");
        assert_eq!(second.person("noor").unwrap().label, "Noor 1");
        assert_eq!(watch.unreadable(), 0);
        stop.cancel();
        running.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_cannot_be_read_leaves_the_one_before_and_the_next_good_one_heals() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    let watch = DirectoryWatch::new(store.clone());
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&watch).run(stop.clone()));
    store.apply(DEMO, 0, soon()).await.unwrap();
    until(&watch, 1).await;
    let bucket = bucket(&broker);
    let pointer = bucket.get("current", soon()).await.unwrap().unwrap();
    let bad = Bytes::from_static(br#"{"version":9,"digest":"00"}"#);
    let revision = bucket.update("current", bad, pointer.revision, soon()).await.unwrap();
    while watch.unreadable() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(watch.current().unwrap().version(), 1);
    bucket.update("current", pointer.value, revision, soon()).await.unwrap();
    store.apply(&variant(1), 1, soon()).await.unwrap();
    until(&watch, 2).await;
    assert_eq!(watch.unreadable(), 1);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_document_that_names_a_part_again_and_again_fills_no_memory() {
    let broker = MemoryBroker::new();
    let store = store(&broker);
    store.apply(SAMPLE, 0, soon()).await.unwrap();
    let entry = bucket(&broker).get("version/1", soon()).await.unwrap().unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&entry.value).unwrap();
    let part = document["parts"][0].clone();
    document["parts"] = vec![part; (16 << 20) / SAMPLE.len() + 1].into();
    let document = Bytes::from(document.to_string());
    bucket(&broker).update("version/1", document, entry.revision, soon()).await.unwrap();
    let refusal = store.current(soon()).await.unwrap_err();
    let cause = "its parts are larger than a directory file";
    assert_eq!(refusal, DirectoryError::Damaged { version: 1, cause });
}
