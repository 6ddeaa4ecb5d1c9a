//! Versions of the directory in a bucket.
//!
//! - `part/<sha-256>`: at most [`DIRECTORY_PART_BYTES_MAX`] bytes of a file. Its name is its content, so it never changes.
//! - `version/<n>`: which parts make version n, the digest of the whole, and which version it replaced. Never changes either.
//! - `current`: the number of the newest version and its digest; the only key that moves, by compare-and-set.
//!
//! An apply that dies before the pointer moved leaves parts and perhaps a version document that nobody refers to; the next one takes
//! another number. So numbers grow but may skip, and everything reachable from `current` was once current.

use std::{fmt::Write as _, ops::Range, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use voordeur_eventlog::{Bucket, BucketError, Deadline};
use voordeur_kernel::{ErrorKind, limits::DIRECTORY_PART_BYTES_MAX};
use voordeur_routing_domain::{ladder::Ladder, policy::Policy};

use crate::{FileFault, Warning, model::Directory, parse::FILE_BYTES_MAX};

/// Key of the pointer.
pub(crate) const CURRENT: &str = "current";
/// Numbers that an apply tries before it gives up: orphans of applies that died.
const NUMBERS_TRIED_MAX: u64 = 64;
/// Versions without a policy of their own that are passed over in search of the newest policy before them.
const POLICIES_LOOKED_BACK_MAX: usize = 64;

/// Why the directory could not be read or changed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No directory was applied yet, or this process has not read one yet.
    #[error("there is no directory yet; run `voordeur directory apply FILE`")]
    Absent,
    /// There is no such version.
    #[error("there is no version {0} of the directory")]
    NoSuchVersion(u64),
    /// The file has faults.
    #[error("the file has {} faults; the first: {}", .0.len(), first(.0))]
    Faults(Vec<FileFault>),
    /// Another version is current than the one that the change was made from.
    #[error("version {current} is current, not {expected}; look at the differences again")]
    Stale {
        /// What was expected; 0 is "none yet".
        expected: u64,
        /// What is current; 0 is "none yet".
        current: u64,
    },
    /// The policy of routing changed and its version did not go up, so that a task could not say by which of the two it was routed.
    #[error("the policy of [routing] changed, so its version must be above {newest}, and it is {version}")]
    PolicyVersion {
        /// The version in the file.
        version: u64,
        /// The newest version that was in force.
        newest: u64,
    },
    /// What is stored does not fit its digest, or cannot be read.
    #[error("version {version} of the directory is damaged: {cause}")]
    Damaged {
        /// Which version.
        version: u64,
        /// What does not fit.
        cause: &'static str,
    },
    /// The bucket.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

fn first(faults: &[FileFault]) -> String {
    faults.first().map(ToString::to_string).unwrap_or_default()
}

impl DirectoryError {
    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            // It comes when somebody applies one.
            Self::Absent => ErrorKind::Unavailable,
            Self::NoSuchVersion(_) => ErrorKind::NotFound,
            Self::Faults(_) => ErrorKind::Invalid,
            Self::Stale { .. } => ErrorKind::Conflict,
            Self::PolicyVersion { .. } => ErrorKind::Refused,
            Self::Damaged { .. } => ErrorKind::Broken,
            Self::Bucket(error) => error.kind(),
        }
    }

    /// Stable code.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Absent => "NO_DIRECTORY",
            Self::NoSuchVersion(_) => "NO_SUCH_VERSION",
            Self::Faults(_) => "FILE_HAS_FAULTS",
            Self::Stale { .. } => "VERSION_CHANGED",
            Self::PolicyVersion { .. } => "POLICY_VERSION_UNCHANGED",
            Self::Damaged { .. } => "DIRECTORY_DAMAGED",
            Self::Bucket(_) => "BUCKET",
        }
    }
}

/// What an apply came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The version that is current now.
    pub version: u64,
    /// False when this content was current already.
    pub changed: bool,
    /// What somebody should look at.
    pub warnings: Vec<Warning>,
}

/// A stored version.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The directory; its version is set.
    pub directory: Directory,
    /// The file as it was applied.
    pub text: String,
}

/// About a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// Its number.
    pub version: u64,
    /// The version it replaced; 0 for the first.
    pub previous: u64,
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    /// Size of the file.
    pub bytes: usize,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Pointer {
    version: u64,
    digest: String,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Document {
    previous: u64,
    digest: String,
    bytes: usize,
    parts: Vec<String>,
}

/// Reads and changes the stored directory.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    bucket: Arc<dyn Bucket>,
}

impl DirectoryStore {
    /// The directory in this bucket.
    #[must_use]
    pub const fn new(bucket: Arc<dyn Bucket>) -> Self {
        Self { bucket }
    }

    pub(crate) fn bucket(&self) -> &Arc<dyn Bucket> {
        &self.bucket
    }

    /// Makes a file the current version, if `expected` is current (0: none yet). A file that is current already changes nothing,
    /// whatever is expected, so that an apply whose answer was lost may be repeated.
    ///
    /// # Errors
    /// When the file has faults, another version is current, its policy changed under the same version, or the bucket is away. After
    /// [`BucketError::Unknown`] the same apply may be repeated.
    pub async fn apply(
        &self,
        text: &str,
        expected: u64,
        deadline: Deadline,
    ) -> Result<Applied, DirectoryError> {
        let (new, warnings) = Directory::parse(text).map_err(DirectoryError::Faults)?;
        let whole = hex(text.as_bytes());
        let pointer = self.bucket.get(CURRENT, deadline).await?;
        let (current, revision) = match &pointer {
            Some(entry) => (Some(read::<Pointer>(&entry.value, 0)?), Some(entry.revision)),
            None => (None, None),
        };
        let previous = current.as_ref().map_or(0, |pointer| pointer.version);
        if current.is_some_and(|pointer| pointer.digest == whole) {
            return Ok(Applied { version: previous, changed: false, warnings });
        }
        if expected != previous {
            return Err(DirectoryError::Stale { expected, current: previous });
        }
        self.fits(new.policy(), deadline).await?;
        let mut parts = Vec::new();
        for range in cut(text.len()) {
            let part = text.as_bytes().get(range).unwrap_or_default();
            let name = hex(part);
            // The same content counts as ours, so an earlier version's part is shared.
            self.bucket.create(&format!("part/{name}"), Bytes::copy_from_slice(part), deadline).await?;
            parts.push(name);
        }
        let document = Document { previous, digest: whole.clone(), bytes: text.len(), parts };
        let version = self.number(&document, deadline).await?;
        let pointer = written(&Pointer { version, digest: whole })?;
        let moved = match revision {
            Some(revision) => self.bucket.update(CURRENT, pointer, revision, deadline).await,
            None => self.bucket.create(CURRENT, pointer, deadline).await,
        };
        match moved {
            Ok(_) => Ok(Applied { version, changed: true, warnings }),
            Err(BucketError::Conflict) => {
                let current = self.pointer(deadline).await?.map_or(0, |pointer| pointer.version);
                Err(DirectoryError::Stale { expected, current })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// May this policy follow on the one in force? A changed one has a version above every earlier one; the built-in one may always return.
    ///
    /// # Errors
    /// When its version did not go up, or the bucket is away.
    pub async fn fits(&self, new: &Policy, deadline: Deadline) -> Result<(), DirectoryError> {
        let mut next = self.pointer(deadline).await?.map_or(0, |pointer| pointer.version);
        for _ in 0..POLICIES_LOOKED_BACK_MAX {
            if next == 0 || new.version() == Ladder::BUILT_IN {
                break;
            }
            let earlier = match self.load(next, None, deadline).await {
                Ok(stored) => stored.directory,
                // What cannot be read any more says nothing, and it must be possible to mend it.
                Err(DirectoryError::Damaged { .. }) => break,
                Err(error) => return Err(error),
            };
            let in_force = earlier.policy();
            if in_force.version() != Ladder::BUILT_IN {
                let newest = in_force.version();
                let fits = new == in_force || new.version() > newest;
                let unchanged = DirectoryError::PolicyVersion { version: new.version(), newest };
                return if fits { Ok(()) } else { Err(unchanged) };
            }
            next = self.document(next, deadline).await?.previous;
        }
        Ok(())
    }

    /// Stores the document under the first free number after the one it replaces.
    async fn number(&self, document: &Document, deadline: Deadline) -> Result<u64, DirectoryError> {
        let bytes = written(document)?;
        for version in document.previous + 1..=document.previous + NUMBERS_TRIED_MAX {
            match self.bucket.create(&format!("version/{version}"), bytes.clone(), deadline).await {
                Ok(_) => return Ok(version),
                Err(BucketError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DirectoryError::Damaged {
            version: document.previous,
            cause: "too many abandoned versions after it",
        })
    }

    /// The current version.
    ///
    /// # Errors
    /// When there is none, it is damaged, or the bucket is away.
    pub async fn current(&self, deadline: Deadline) -> Result<Stored, DirectoryError> {
        let pointer = self.pointer(deadline).await?.ok_or(DirectoryError::Absent)?;
        self.load(pointer.version, Some(&pointer.digest), deadline).await
    }

    /// One version, current or earlier.
    ///
    /// # Errors
    /// When there is no such version, it is damaged, or the bucket is away.
    pub async fn at(&self, version: u64, deadline: Deadline) -> Result<Stored, DirectoryError> {
        self.load(version, None, deadline).await
    }

    /// Every version that was ever current, newest first, at most `most`.
    ///
    /// # Errors
    /// When a document is damaged or the bucket is away.
    pub async fn versions(
        &self,
        most: usize,
        deadline: Deadline,
    ) -> Result<Vec<VersionInfo>, DirectoryError> {
        let mut versions = Vec::new();
        let mut next = self.pointer(deadline).await?.map_or(0, |pointer| pointer.version);
        while next != 0 && versions.len() < most {
            let Document { previous, digest, bytes, .. } = self.document(next, deadline).await?;
            if previous >= next {
                return Err(DirectoryError::Damaged { version: next, cause: "it replaces a later version" });
            }
            versions.push(VersionInfo { version: next, previous, digest, bytes });
            next = previous;
        }
        Ok(versions)
    }

    async fn pointer(&self, deadline: Deadline) -> Result<Option<Pointer>, DirectoryError> {
        let entry = self.bucket.get(CURRENT, deadline).await?;
        entry.map(|entry| read(&entry.value, 0)).transpose()
    }

    async fn document(&self, version: u64, deadline: Deadline) -> Result<Document, DirectoryError> {
        let entry = self.bucket.get(&format!("version/{version}"), deadline).await?;
        read(&entry.ok_or(DirectoryError::NoSuchVersion(version))?.value, version)
    }

    /// Reads what a pointer names.
    pub(crate) async fn follow(&self, pointer: &Bytes, deadline: Deadline) -> Result<Stored, DirectoryError> {
        let pointer: Pointer = read(pointer, 0)?;
        self.load(pointer.version, Some(&pointer.digest), deadline).await
    }

    async fn load(
        &self,
        version: u64,
        digest: Option<&str>,
        deadline: Deadline,
    ) -> Result<Stored, DirectoryError> {
        let damaged = |cause| DirectoryError::Damaged { version, cause };
        let document = self.document(version, deadline).await?;
        if digest.is_some_and(|digest| digest != document.digest) {
            return Err(damaged("the pointer names another digest"));
        }
        let mut bytes = Vec::new();
        for part in &document.parts {
            let entry = self.bucket.get(&format!("part/{part}"), deadline).await?;
            let value = entry.ok_or(damaged("a part is missing"))?.value;
            if hex(&value) != *part {
                return Err(damaged("a part has another digest than its name"));
            }
            // The document alone says how often a part is named: what would not be a directory file anyhow is not built up.
            if bytes.len() + value.len() > FILE_BYTES_MAX {
                return Err(damaged("its parts are larger than a directory file"));
            }
            bytes.extend_from_slice(&value);
        }
        if hex(&bytes) != document.digest {
            return Err(damaged("the parts together have another digest"));
        }
        let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
        // Rules may have become stricter since it was applied; then an older program still reads it, and this one says so.
        let (directory, _) =
            Directory::parse(&text).map_err(|_| damaged("this program finds faults in it"))?;
        Ok(Stored { directory: directory.with_version(version), text })
    }
}

/// Ranges of at most the largest part. An empty file has none, but an empty file is no directory either.
fn cut(length: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length)
        .step_by(DIRECTORY_PART_BYTES_MAX)
        .map(move |start| start..(start + DIRECTORY_PART_BYTES_MAX).min(length))
}

fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read<T: DeserializeOwned>(bytes: &Bytes, version: u64) -> Result<T, DirectoryError> {
    serde_json::from_slice(bytes)
        .map_err(|_| DirectoryError::Damaged { version, cause: "its document cannot be read" })
}

fn written<T: Serialize>(value: &T) -> Result<Bytes, DirectoryError> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|_| DirectoryError::Damaged { version: 0, cause: "its document cannot be written" })
}
