//! What stands in buckets and files: the directory, wrapped keys, sealed texts, key files.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use prost::Message as _;
use voordeur_contracts::common::{SealedText, TextPurpose};
use voordeur_directory::{
    Directory, DirectoryStore,
    register::{Register, review},
};
use voordeur_eventlog::{Broker as _, Bucket, BucketName, memory::MemoryBroker};
use voordeur_kernel::OrganisationKey;
use voordeur_vault::{
    DataKey, KeyEncryptionKeys as _, KeyFile, Vault, VaultError, VaultSettings, WrappedKey,
};

use crate::check::{is_discreet, parts, until, wait};

/// A small directory.
pub(crate) const DIRECTORY: &str = include_str!("directory.toml");

/// One with registrations, opening hours, days that differ and school holidays.
const REGISTERED: &str = include_str!("../corpus/directory-file/times");

static KEYS: LazyLock<Arc<KeyFile>> = LazyLock::new(|| Arc::new(keys()));

/// Keys that are the same in every run.
#[must_use]
pub(crate) fn keys() -> KeyFile {
    let text = format!(
        "voordeur-keys 1\nderivation {}\nkek kek-1 {}\ncurrent kek-1\n",
        "07".repeat(32),
        "08".repeat(32)
    );
    KeyFile::parse(&text).expect("good keys")
}

/// A directory file.
pub(crate) fn directory(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    // The same reader, on a policy that stands alone.
    if let Err(faults) = voordeur_directory::policy::parse_alone(text) {
        assert!(!faults.is_empty() && faults.is_sorted());
        faults.iter().for_each(|fault| is_discreet(&fault.description));
    }
    match Directory::parse(text) {
        Ok((directory, warnings)) => {
            let shown = directory.to_toml();
            let (again, _) = Directory::parse(&shown).expect("what was written reads");
            assert_eq!((&again, again.to_toml()), (&directory, shown));
            warnings.iter().for_each(|warning| is_discreet(&warning.description));
        }
        Err(faults) => {
            assert!(!faults.is_empty() && faults.is_sorted());
            let lines = text.lines().count().max(1) + 1;
            for fault in &faults {
                // A path names keys, so that the fault is found; never another value.
                is_discreet(&fault.description);
                assert!((1..=lines).contains(&fault.line), "line {} of {lines}", fault.line);
            }
            assert!(faults.len() <= text.len() + 8, "{} faults", faults.len());
        }
    }
}

/// A file of a national register: what is proposed can be pasted, and what is refused repeats nothing.
pub(crate) fn register(input: &[u8]) {
    static BESIDE: LazyLock<Directory> =
        LazyLock::new(|| Directory::parse(REGISTERED).expect("a good directory").0);
    // What was written is shown when it is proposed, so it has a bound too.
    let lines = input.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    for which in [Register::Lrk, Register::Duo] {
        match review(which, input, &BESIDE, jiff::civil::date(2026, 11, 24)) {
            Ok(review) => {
                assert!(review.rows > 0 && review.odd.is_sorted());
                for odd in &review.odd {
                    is_discreet(&odd.what);
                    assert!((1..=lines).contains(&odd.line), "line {} of {lines}", odd.line);
                }
                for proposal in &review.proposals {
                    let line = proposal.toml.as_str();
                    assert!(line.starts_with("{ scheme = ") && !line.contains(['\n', '\r']), "{line}");
                    assert!((1..=lines).contains(&proposal.line));
                }
                assert!(review.proposals.len() + review.remarks.len() <= review.rows * 8 + 8);
            }
            Err(faults) => {
                assert!(!faults.is_empty());
                for fault in &faults {
                    is_discreet(&fault.what);
                    assert!((1..=lines).contains(&fault.line), "line {} of {lines}", fault.line);
                }
            }
        }
    }
}

async fn replace(bucket: &Arc<dyn Bucket>, key: &str, value: &[u8]) {
    let revision = bucket.get(key, until()).await.expect("a bucket").map(|entry| entry.revision);
    let value = Bytes::copy_from_slice(value);
    let replaced = match revision {
        Some(revision) => bucket.update(key, value, revision, until()).await,
        None => bucket.create(key, value, until()).await,
    };
    replaced.expect("room for a small value");
}

/// What the bucket of the directory holds: the pointer, the document of a version, another document.
pub(crate) fn directory_bucket(input: &[u8]) {
    wait(async {
        let broker = MemoryBroker::new();
        let bucket = broker.bucket(BucketName::Directory);
        let store = DirectoryStore::new(Arc::clone(&bucket));
        store.apply(DIRECTORY, 0, until()).await.expect("a good directory");
        for (key, value) in ["current", "version/1", "version/2"].into_iter().zip(parts(input)) {
            replace(&bucket, key, value).await;
        }
        match store.current(until()).await {
            Ok(stored) => assert_eq!(stored.text, DIRECTORY),
            Err(refusal) => is_discreet(&refusal.to_string()),
        }
        match store.versions(100, until()).await {
            Ok(versions) => assert!(versions.len() <= 3),
            Err(refusal) => is_discreet(&refusal.to_string()),
        }
    });
}

/// A key file.
pub(crate) fn key_file(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match KeyFile::parse(text) {
        Ok(keys) => {
            let shown = format!("{keys:?}");
            for secret in text.split_ascii_whitespace().filter(|word| word.len() == 64) {
                assert!(!shown.contains(secret), "a key shows");
            }
            let key = DataKey::generate().expect("randomness");
            let wrapped = wait(keys.wrap(&key)).expect("a current key");
            let read = WrappedKey::parse(&wrapped.to_bytes()).expect("what was written reads");
            assert_eq!(wait(keys.unwrap(&read)).expect("its own key").expose(), key.expose());
        }
        Err((line, what)) => {
            assert!(line <= text.lines().count().max(1));
            is_discreet(what);
        }
    }
}

/// A wrapped key, as the bucket of keys holds it.
pub(crate) fn wrapped_key(input: &[u8]) {
    match WrappedKey::parse(input) {
        Ok(read) => {
            assert_eq!(read.to_bytes(), input);
            // Without the key-encryption key nobody makes one that opens.
            if let Err(refusal) = wait(KEYS.unwrap(&read)) {
                let _ = refusal.to_string();
            }
        }
        Err(refusal) => is_discreet(&refusal.to_string()),
    }
}

/// A sealed text out of an event or a request, the wrapped key beside it, and the look-up of a child.
pub(crate) fn sealed_text(input: &[u8]) {
    const OWNER: [u8; 16] = [9; 16];
    const TEXT: &[u8] = b"Kanarienaam slaapt slecht.";
    wait(async {
        let broker = MemoryBroker::new();
        let bucket = broker.bucket(BucketName::Keys);
        let keys: Arc<KeyFile> = Arc::clone(&KEYS);
        let vault = Vault::new(Arc::clone(&bucket), keys.clone(), keys.deriver(), VaultSettings::default());
        let good = vault
            .seal_repeatably("person:noor act-1", TextPurpose::Answer, &OWNER, TEXT, until())
            .await
            .expect("room for a key");
        let mut parts = parts(input).into_iter();
        let mut tried = Vec::new();
        if let Some(content) = parts.next() {
            tried.push(SealedText { r#box: Bytes::copy_from_slice(content), ..good.clone() });
            tried.extend(SealedText::decode(content));
        }
        if let Some(wrapped) = parts.next() {
            let id = voordeur_kernel::DataKeyId::parse_bytes(&good.key_id).expect("an id");
            replace(&bucket, &format!("dek/{}", id.to_hex()), wrapped).await;
            tried.push(good.clone());
        }
        for sealed in tried {
            match vault.open(&sealed, TextPurpose::Answer, &OWNER, until()).await {
                Ok(text) => assert_eq!(&text[..], TEXT),
                Err(VaultError::Bucket(_)) => panic!("the bucket was asked for a key that it does not take"),
                Err(refusal) => is_discreet(&refusal.to_string()),
            }
        }
        if let Some(alias) = parts.next() {
            let school = OrganisationKey::parse("school").expect("a key");
            let entry = format!("child/{}", keys.deriver().child_lookup(&school, "4711"));
            replace(&bucket, &entry, alias).await;
            match vault.child(&school, "4711", until()).await {
                Ok(child) => assert_eq!(child.as_bytes().as_slice(), alias),
                Err(refusal) => is_discreet(&refusal.to_string()),
            }
        }
    });
}
