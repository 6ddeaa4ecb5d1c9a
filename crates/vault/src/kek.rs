//! Data keys and the port of those who wrap them.

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::{
    key_wrap::{AES_256, AesKek, KeyWrapPadded},
    rand,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Why a key could not be wrapped or unwrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KekError {
    /// The key-encryption key is not there (any more).
    #[error("the key-encryption key `{0}` is not in the key file")]
    UnknownKey(String),
    /// Damaged, or wrapped with another key.
    #[error("the wrapped key is damaged")]
    Damaged,
    /// The custodian cannot be reached.
    #[error("the custodian of the keys is not available")]
    Unavailable,
    /// The cryptography library failed.
    #[error("the cryptography library failed")]
    Broken,
}

/// A key of 256 bits that seals texts. Wiped when dropped, hidden in `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// Draws a new one.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate() -> Result<Self, KekError> {
        let mut key = Self([0; 32]);
        rand::fill(&mut key.0).map_err(|_| KekError::Broken)?;
        Ok(key)
    }

    /// Takes key bytes from a custodian.
    ///
    /// # Errors
    /// When there are not exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KekError> {
        bytes.try_into().map(Self).map_err(|_| KekError::Damaged)
    }

    /// The key bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// A data key that only the holder of a key-encryption key can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which key-encryption key: 1-32 characters of `a-z0-9-`.
    pub kek: String,
    /// The wrapped key.
    pub bytes: Vec<u8>,
}

impl WrappedKey {
    const FORMAT: u8 = 1;

    /// Format byte, length of the name, name, wrapped key.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![Self::FORMAT, u8::try_from(self.kek.len()).unwrap_or(u8::MAX)];
        bytes.extend_from_slice(self.kek.as_bytes());
        bytes.extend_from_slice(&self.bytes);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, KekError> {
        let (&[format, length], rest) = bytes.split_first_chunk::<2>().ok_or(KekError::Damaged)?;
        let (name, wrapped) = rest.split_at_checked(length.into()).ok_or(KekError::Damaged)?;
        let kek = str::from_utf8(name).map_err(|_| KekError::Damaged)?;
        if format != Self::FORMAT || kek.is_empty() || wrapped.is_empty() {
            return Err(KekError::Damaged);
        }
        Ok(Self { kek: kek.to_owned(), bytes: wrapped.to_vec() })
    }
}

/// The custodian of key-encryption keys. The key file is one; a key management service or an HSM is another.
#[async_trait]
pub trait KeyEncryptionKeys: Send + Sync + fmt::Debug {
    /// Wraps with the current key-encryption key.
    async fn wrap(&self, key: &DataKey) -> Result<WrappedKey, KekError>;

    /// Unwraps with the key that it names.
    async fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, KekError>;
}

/// AES-KWP (NIST SP 800-38F, RFC 5649).
pub(crate) fn wrap_with(kek: &[u8; 32], key: &DataKey) -> Result<Vec<u8>, KekError> {
    let kek = AesKek::new(&AES_256, kek).map_err(|_| KekError::Broken)?;
    let mut output = vec![0; 32 + 15];
    let wrapped = kek.wrap_with_padding(key.expose(), &mut output).map_err(|_| KekError::Broken)?;
    Ok(wrapped.to_vec())
}

pub(crate) fn unwrap_with(kek: &[u8; 32], wrapped: &[u8]) -> Result<DataKey, KekError> {
    let kek = AesKek::new(&AES_256, kek).map_err(|_| KekError::Broken)?;
    let mut output = zeroize::Zeroizing::new(vec![0; wrapped.len()]);
    let key = kek.unwrap_with_padding(wrapped, &mut output).map_err(|_| KekError::Damaged)?;
    DataKey::from_slice(key)
}
