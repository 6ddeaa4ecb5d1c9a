//! Seals and opens texts, each signal and each later text under its own data key.

mod boxes;
mod pool;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use voordeur_contracts::common::{SealedText, TextPurpose};
use voordeur_eventlog::{Bucket, BucketError, Deadline};
use voordeur_kernel::{ChildAlias, DataKeyId, ErrorKind, OrganisationKey};
use zeroize::Zeroizing;

use crate::{DataKey, Deriver, KekError, KeyEncryptionKeys, WrappedKey};

/// Why the vault could not do it. No message holds anything of a text or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key is gone: the text was erased and nobody can read it again.
    #[error("the text was erased")]
    Erased,
    /// The box was altered, or belongs to another owner or purpose.
    #[error("the sealed text is damaged or is not the one that was asked for")]
    Damaged,
    /// The text is larger than what is ever sealed.
    #[error("the text is too large to seal")]
    TooLarge,
    /// The custodian of the key-encryption keys failed.
    #[error(transparent)]
    Keys(#[from] KekError),
    /// The bucket of wrapped keys failed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

impl VaultError {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Erased => ErrorKind::NotFound,
            Self::TooLarge => ErrorKind::TooMuch,
            Self::Keys(KekError::Unavailable) => ErrorKind::Unavailable,
            Self::Damaged | Self::Keys(_) => ErrorKind::Broken,
            Self::Bucket(error) => error.kind(),
        }
    }
}

/// How the vault works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultSettings {
    /// Data keys that are kept ready, so that a submission does not wait for one to be stored.
    pub keys_ready: usize,
    /// How long storing keys may take.
    pub store_time: Duration,
}

impl Default for VaultSettings {
    fn default() -> Self {
        Self { keys_ready: 512, store_time: Duration::from_secs(10) }
    }
}

/// Keys are made ahead again when this part of those that should be ready was taken.
const WORTH_A_WRITE: usize = 4;
/// Most keys that are stored in one write.
const KEYS_AT_ONCE: usize = 256;

/// A data key whose wrapped form is durable already: whatever is sealed under it can be opened again.
pub struct FreshKey {
    id: DataKeyId,
    key: DataKey,
}

impl FreshKey {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> DataKeyId {
        self.id
    }

    /// Seals a text for one purpose and one owner (the 16 bytes of a signal or a task).
    ///
    /// # Errors
    /// When the text is too large, or the cryptography library fails.
    pub fn seal(
        &self,
        purpose: TextPurpose,
        owner: &[u8; 16],
        text: &[u8],
    ) -> Result<SealedText, VaultError> {
        let sealed = boxes::seal(&self.key, &boxes::binding(purpose, owner, self.id), text)?;
        Ok(self.sealed(purpose, owner, sealed))
    }

    fn sealed(&self, purpose: TextPurpose, owner: &[u8; 16], sealed: Vec<u8>) -> SealedText {
        SealedText {
            key_id: Bytes::copy_from_slice(self.id.as_bytes()),
            r#box: sealed.into(),
            purpose: purpose.into(),
            owner: Bytes::copy_from_slice(owner),
        }
    }
}

impl fmt::Debug for FreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Seals, opens, and knows the aliases of children. Only intake has one.
///
/// Unwrapped keys are not kept after use: opening is rare, and so an erased text is unreadable in every replica from the moment that its
/// key is gone.
pub struct Vault {
    bucket: Arc<dyn Bucket>,
    keks: Arc<dyn KeyEncryptionKeys>,
    deriver: Deriver,
    settings: VaultSettings,
    pool: pool::Pool,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys_ready", &self.pool.len()).finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault on the bucket of keys. [`Vault::keep_keys_ready`] fills its pool.
    #[must_use]
    pub fn new(
        bucket: Arc<dyn Bucket>,
        keks: Arc<dyn KeyEncryptionKeys>,
        deriver: Deriver,
        settings: VaultSettings,
    ) -> Arc<Self> {
        Arc::new(Self { bucket, keks, deriver, settings, pool: pool::Pool::default() })
    }

    /// Data keys that are ready now.
    #[must_use]
    pub fn keys_ready(&self) -> usize {
        self.pool.len()
    }

    /// Fills the pool whenever keys were taken, until it is told to stop; then it removes the keys that nobody used.
    pub async fn keep_keys_ready(self: Arc<Self>, stop: CancellationToken) {
        self.pool.is_filled(true);
        let mut wait = Duration::from_millis(50);
        loop {
            let filled = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                filled = self.fill() => filled,
            };
            let pause = match filled {
                Ok(()) => {
                    wait = Duration::from_millis(50);
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot make data keys ahead; trying again");
                    wait = wait.saturating_mul(2).min(Duration::from_secs(5));
                    Some(wait)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = async { match pause { Some(pause) => tokio::time::sleep(pause).await, None => self.pool.taken().await } } => {}
            }
        }
        self.pool.is_filled(false);
        let deadline = Deadline::now() + self.settings.store_time;
        for unused in self.pool.drain() {
            // What cannot be removed now stays behind as 60 bytes that open nothing.
            if self.erase_key(unused.id, deadline).await.is_err() {
                break;
            }
        }
    }

    /// A data key for a new owner: from the pool. When the pool is empty, the next that is made ahead, together with those of everybody
    /// else who waits; or, where it is `urgent`, one that is made on the spot.
    ///
    /// # Errors
    /// When the pool is empty and a key cannot be stored.
    pub async fn fresh_key(&self, urgent: bool, deadline: Deadline) -> Result<FreshKey, VaultError> {
        if let Some(key) = self.pool.take() {
            return Ok(key);
        }
        if urgent {
            return self.make(deadline).await;
        }
        match tokio::time::timeout_at(deadline, self.pool.next()).await {
            Ok(Some(key)) => Ok(key),
            Ok(None) => self.make(deadline).await,
            Err(_) => Err(BucketError::Unavailable.into()),
        }
    }

    /// Puts a key back that nothing was stored under.
    pub fn unused(&self, key: FreshKey) {
        self.pool.put(key);
    }

    /// Seals a text under a data key of its own.
    ///
    /// # Errors
    /// When no key can be had or the text is too large.
    pub async fn seal(
        &self,
        purpose: TextPurpose,
        owner: &[u8; 16],
        text: &[u8],
        deadline: Deadline,
    ) -> Result<SealedText, VaultError> {
        self.fresh_key(false, deadline).await?.seal(purpose, owner, text)
    }

    /// Seals a text so that the same act (`act`: who, and the key she chose for it), owner, purpose and text give the same box, in every
    /// replica: a caller that lost the answer asks again and gets what she was given before. The data key is found by a keyed
    /// fingerprint of all of these, so it never seals anything else, which is what makes a derived nonce safe.
    ///
    /// # Errors
    /// When the key cannot be stored or read, or the text is too large.
    pub async fn seal_repeatably(
        &self,
        act: &str,
        purpose: TextPurpose,
        owner: &[u8; 16],
        text: &[u8],
        deadline: Deadline,
    ) -> Result<SealedText, VaultError> {
        let purpose_bytes = i32::from(purpose).to_be_bytes();
        let id = self.deriver.fingerprint("seal", &[act.as_bytes(), &purpose_bytes, owner, text]);
        let id = DataKeyId::from_bytes(id);
        let key = match self.store_new(id, deadline).await {
            Ok(key) => key,
            Err(VaultError::Bucket(BucketError::Conflict)) => self.fetch(id, deadline).await?,
            Err(error) => return Err(error),
        };
        let nonce = self.deriver.fingerprint("nonce", &[id.as_bytes(), text]);
        let key = FreshKey { id, key };
        let sealed = boxes::seal_with_nonce(&key.key, &nonce, &boxes::binding(purpose, owner, id), text)?;
        Ok(key.sealed(purpose, owner, sealed))
    }

    /// Opens a text that was sealed for this purpose and this owner.
    ///
    /// # Errors
    /// [`VaultError::Erased`] when its key is gone, [`VaultError::Damaged`] when it is another text than was asked for.
    pub async fn open(
        &self,
        sealed: &SealedText,
        purpose: TextPurpose,
        owner: &[u8; 16],
        deadline: Deadline,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let id = DataKeyId::parse_bytes(&sealed.key_id).map_err(|_| VaultError::Damaged)?;
        if sealed.purpose != i32::from(purpose) || sealed.owner.as_ref() != owner {
            return Err(VaultError::Damaged);
        }
        let key = self.fetch(id, deadline).await?;
        boxes::open(&key, &boxes::binding(purpose, owner, id), &sealed.r#box)
    }

    /// Destroys a data key: everything that was sealed under it is gone.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn erase_key(&self, id: DataKeyId, deadline: Deadline) -> Result<(), VaultError> {
        Ok(self.bucket.purge(&entry_of(id), deadline).await?)
    }

    /// The alias of a child, by the number it has at an organisation. The first one who asks makes it; who asks at the same time gets the
    /// same one.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn child(
        &self,
        organisation: &OrganisationKey,
        local_number: &str,
        deadline: Deadline,
    ) -> Result<ChildAlias, VaultError> {
        let entry = format!("child/{}", self.deriver.child_lookup(organisation, local_number));
        if let Some(alias) = self.read_alias(&entry, deadline).await? {
            return Ok(alias);
        }
        let alias = ChildAlias::from_bytes(random_16()?);
        match self.bucket.create(&entry, Bytes::copy_from_slice(alias.as_bytes()), deadline).await {
            Ok(_) => Ok(alias),
            // Somebody else was first: hers is the alias.
            Err(BucketError::Conflict) => {
                self.read_alias(&entry, deadline).await?.ok_or(BucketError::Conflict.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// 16 random bytes, for ids that must not be derived from anything.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn random_id(&self) -> Result<[u8; 16], VaultError> {
        random_16()
    }

    async fn read_alias(&self, entry: &str, deadline: Deadline) -> Result<Option<ChildAlias>, VaultError> {
        match self.bucket.get(entry, deadline).await? {
            None => Ok(None),
            Some(found) => ChildAlias::parse_bytes(&found.value).map(Some).map_err(|_| VaultError::Damaged),
        }
    }

    async fn fill(&self) -> Result<(), VaultError> {
        loop {
            let missing = self.pool.missing(self.settings.keys_ready).min(KEYS_AT_ONCE);
            // A write costs the broker about the same for one key as for many, so it waits until it is worth one.
            if missing < (self.settings.keys_ready / WORTH_A_WRITE).max(1) {
                return Ok(());
            }
            let mut keys = Vec::with_capacity(missing);
            let mut entries = Vec::with_capacity(missing);
            for _ in 0..missing {
                let id = DataKeyId::from_bytes(random_16()?);
                let (key, wrapped) = self.draw().await?;
                keys.push(FreshKey { id, key });
                entries.push((entry_of(id), wrapped));
            }
            let deadline = Deadline::now() + self.settings.store_time;
            self.bucket.create_all(entries, deadline).await?;
            keys.into_iter().for_each(|key| self.pool.put(key));
        }
    }

    async fn make(&self, deadline: Deadline) -> Result<FreshKey, VaultError> {
        let id = DataKeyId::from_bytes(random_16()?);
        let key = self.store_new(id, deadline).await?;
        Ok(FreshKey { id, key })
    }

    /// Draws a key and makes its wrapped form durable before anybody uses it.
    async fn store_new(&self, id: DataKeyId, deadline: Deadline) -> Result<DataKey, VaultError> {
        let (key, wrapped) = self.draw().await?;
        self.bucket.create(&entry_of(id), wrapped, deadline).await?;
        Ok(key)
    }

    /// Draws a key; the bytes are its wrapped form.
    async fn draw(&self) -> Result<(DataKey, Bytes), VaultError> {
        let key = DataKey::generate()?;
        let wrapped = self.keks.wrap(&key).await?;
        Ok((key, wrapped.to_bytes().into()))
    }

    async fn fetch(&self, id: DataKeyId, deadline: Deadline) -> Result<DataKey, VaultError> {
        let entry = self.bucket.get(&entry_of(id), deadline).await?.ok_or(VaultError::Erased)?;
        Ok(self.keks.unwrap(&WrappedKey::parse(&entry.value)?).await?)
    }
}

fn entry_of(id: DataKeyId) -> String {
    format!("dek/{}", id.to_hex())
}

/// 16 random bytes, for ids that must not be derived from anything; for services without a vault.
///
/// # Errors
/// When the source of randomness fails.
pub fn random_id() -> Result<[u8; 16], KekError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KekError::Broken)?;
    Ok(bytes)
}

fn random_16() -> Result<[u8; 16], VaultError> {
    Ok(random_id()?)
}
