use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use voordeur_contracts::common::{SealedText, TextPurpose};
use voordeur_eventlog::{Broker as _, BucketError, BucketName, Deadline, memory::MemoryBroker};
use voordeur_kernel::{DataKeyId, OrganisationKey};
use voordeur_vault::{KeyFile, Vault, VaultError, VaultSettings};

const OWNER: [u8; 16] = [3; 16];

struct Room {
    broker: MemoryBroker,
    keys: Arc<KeyFile>,
}

impl Room {
    fn new() -> Self {
        Self { broker: MemoryBroker::new(), keys: Arc::new(KeyFile::generate().unwrap()) }
    }

    /// Another replica of the same installation.
    fn vault(&self) -> Arc<Vault> {
        let settings = VaultSettings { keys_ready: 8, store_time: Duration::from_secs(5) };
        Vault::new(self.broker.bucket(BucketName::Keys), self.keys.clone(), self.keys.deriver(), settings)
    }

    async fn entries(&self, prefix: &str) -> Vec<String> {
        self.broker.bucket(BucketName::Keys).keys(prefix, soon()).await.unwrap()
    }
}

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(5)
}

fn key_id(sealed: &SealedText) -> DataKeyId {
    DataKeyId::parse_bytes(&sealed.key_id).unwrap()
}

#[tokio::test]
async fn what_one_replica_sealed_another_one_opens() {
    let room = Room::new();
    let sealed = room.vault().seal(TextPurpose::Answer, &OWNER, b"advies", soon()).await.unwrap();
    let opened = room.vault().open(&sealed, TextPurpose::Answer, &OWNER, soon()).await.unwrap();
    assert_eq!(&**opened, b"advies");
    assert!(!sealed.r#box.windows(6).any(|part| part == b"advies"));
}

#[tokio::test]
async fn a_text_whose_key_is_gone_is_erased_in_every_replica() {
    let room = Room::new();
    let (one, other) = (room.vault(), room.vault());
    let sealed = one.seal(TextPurpose::Answer, &OWNER, b"advies", soon()).await.unwrap();
    one.open(&sealed, TextPurpose::Answer, &OWNER, soon()).await.unwrap();
    other.erase_key(key_id(&sealed), soon()).await.unwrap();
    for vault in [one, other] {
        let outcome = vault.open(&sealed, TextPurpose::Answer, &OWNER, soon()).await;
        assert_eq!(outcome, Err(VaultError::Erased));
    }
}

#[tokio::test]
async fn a_text_opens_only_for_its_owner_and_purpose() {
    let room = Room::new();
    let vault = room.vault();
    let sealed = vault.seal(TextPurpose::Answer, &OWNER, b"advies", soon()).await.unwrap();
    for (purpose, owner) in [(TextPurpose::Note, OWNER), (TextPurpose::Answer, [4; 16])] {
        assert_eq!(vault.open(&sealed, purpose, &owner, soon()).await, Err(VaultError::Damaged));
        // Not even when the label says so.
        let moved = SealedText { purpose: purpose.into(), owner: owner.to_vec().into(), ..sealed.clone() };
        assert_eq!(vault.open(&moved, purpose, &owner, soon()).await, Err(VaultError::Damaged));
    }
    let other = vault.seal(TextPurpose::Answer, &OWNER, b"iets", soon()).await.unwrap();
    let swapped = SealedText { key_id: other.key_id, ..sealed };
    assert_eq!(vault.open(&swapped, TextPurpose::Answer, &OWNER, soon()).await, Err(VaultError::Damaged));
}

#[tokio::test]
async fn keys_are_durable_before_they_are_handed_out_and_a_taken_one_needs_no_broker() {
    let room = Room::new();
    let vault = room.vault();
    let stop = CancellationToken::new();
    let filler = tokio::spawn(Arc::clone(&vault).keep_keys_ready(stop.clone()));
    wait(|| vault.keys_ready() == 8).await;
    assert_eq!(room.entries("dek/").await.len(), 8);
    room.broker.set_available(false);
    let key = vault.fresh_key(false, soon()).await.unwrap();
    let sealed = key.seal(TextPurpose::SignalDetails, &OWNER, b"tekst").unwrap();
    room.broker.set_available(true);
    assert_eq!(&**vault.open(&sealed, TextPurpose::SignalDetails, &OWNER, soon()).await.unwrap(), b"tekst");
    // One key is not worth a write; a quarter of them is.
    let second = vault.fresh_key(false, soon()).await.unwrap();
    wait(|| vault.keys_ready() == 8).await;
    stop.cancel();
    filler.await.unwrap();
    let mut used = [key.id(), second.id()].map(|id| format!("dek/{}", id.to_hex()));
    used.sort();
    let mut left = room.entries("dek/").await;
    left.sort();
    assert_eq!(left, used, "keys that nobody used are removed at the end");
}

#[tokio::test]
async fn whoever_finds_the_pool_empty_gets_one_of_the_next_keys() {
    let room = Room::new();
    let vault = room.vault();
    let stop = CancellationToken::new();
    let filler = tokio::spawn(Arc::clone(&vault).keep_keys_ready(stop.clone()));
    wait(|| vault.keys_ready() == 8).await;
    let many = (0..100).map(|_| vault.fresh_key(false, soon()));
    let mut ids: Vec<_> =
        futures_util::future::join_all(many).await.into_iter().map(|key| key.unwrap().id()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100, "nobody shares a key");
    let stored = room.entries("dek/").await;
    assert!(ids.iter().all(|id| stored.contains(&format!("dek/{}", id.to_hex()))), "each was durable");
    stop.cancel();
    filler.await.unwrap();
}

#[tokio::test]
async fn an_empty_pool_makes_a_key_on_the_spot_and_says_when_it_cannot() {
    let room = Room::new();
    let vault = room.vault();
    vault.seal(TextPurpose::Answer, &OWNER, b"x", soon()).await.unwrap();
    room.broker.set_available(false);
    let shortly = Deadline::now() + Duration::from_millis(200);
    let outcome = vault.seal(TextPurpose::Answer, &OWNER, b"x", shortly).await.unwrap_err();
    assert!(matches!(outcome, VaultError::Bucket(BucketError::Unavailable)), "{outcome}");
    assert!(outcome.kind().may_retry());
}

#[tokio::test]
async fn the_same_act_and_text_give_the_same_box_in_every_replica() {
    let room = Room::new();
    let seal = |vault: Arc<Vault>, act: &'static str, text: &'static [u8]| async move {
        vault.seal_repeatably(act, TextPurpose::Answer, &OWNER, text, soon()).await.unwrap()
    };
    let first = seal(room.vault(), "person:noor/k1", b"advies").await;
    let again = seal(room.vault(), "person:noor/k1", b"advies").await;
    assert_eq!(first, again);
    let opened = room.vault().open(&again, TextPurpose::Answer, &OWNER, soon()).await.unwrap();
    assert_eq!(&**opened, b"advies");
    assert_ne!(seal(room.vault(), "person:noor/k1", b"anders").await.key_id, first.key_id);
    assert_ne!(seal(room.vault(), "person:noor/k2", b"advies").await.key_id, first.key_id);
}

#[tokio::test]
async fn a_child_has_one_alias_whoever_asks_first() {
    let room = Room::new();
    let school = OrganisationKey::parse("school-a").unwrap();
    let other_school = OrganisationKey::parse("school-b").unwrap();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (vault, school) = (room.vault(), school.clone());
        asked.spawn(async move { vault.child(&school, "1042", soon()).await.unwrap() });
    }
    let aliases = asked.join_all().await;
    assert!(aliases.iter().all(|alias| *alias == aliases[0]));
    let vault = room.vault();
    assert_ne!(vault.child(&school, "1043", soon()).await.unwrap(), aliases[0]);
    assert_ne!(vault.child(&other_school, "1042", soon()).await.unwrap(), aliases[0]);
    assert!(room.entries("child/").await.iter().all(|key| !key.contains("1042")));
}

#[tokio::test]
async fn another_key_file_opens_nothing() {
    let room = Room::new();
    let sealed = room.vault().seal(TextPurpose::Answer, &OWNER, b"advies", soon()).await.unwrap();
    let stranger = Room { broker: room.broker.clone(), keys: Arc::new(KeyFile::generate().unwrap()) };
    let outcome = stranger.vault().open(&sealed, TextPurpose::Answer, &OWNER, soon()).await;
    assert!(matches!(outcome, Err(VaultError::Keys(_))), "{outcome:?}");
}

async fn wait(holds: impl Fn() -> bool) {
    let until = Deadline::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Deadline::now() < until, "waited too long");
        tokio::task::yield_now().await;
    }
}
