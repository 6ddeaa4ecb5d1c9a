//! Pseudonyms, sealing and key wrapping, with one cryptography library (aws-lc-rs).
//!
//! - [`Deriver`]: ids and look-up keys, HMAC-SHA-256 under the derivation key of the installation. References of schools may be
//!   pupil numbers and can be guessed, so nothing is ever derived from them without a key.
//! - [`KeyFile`]: where the derivation key and the key-encryption keys live for now; [`KeyEncryptionKeys`] is the port behind which
//!   another custodian (a key management service, an HSM) fits.
//! - [`Vault`]: seals and opens texts with AES-256-GCM. Every signal and every later text has its own data key; erasing is
//!   destroying that key. Only intake has a vault.

mod derive;
mod hex;
mod kek;
mod key_file;
mod vault;

pub use derive::{Deriver, sha256};
pub use kek::{DataKey, KekError, KeyEncryptionKeys, WrappedKey};
pub use key_file::{KeyFile, KeyFileError};
pub use vault::{FreshKey, Vault, VaultError, VaultSettings, random_id};
