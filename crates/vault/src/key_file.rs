//! The key file: derivation key and key-encryption keys, in a file that only its owner may read.
//!
//! ```text
//! voordeur-keys 1
//! derivation <64 hexadecimal digits>
//! kek <name> <64 hexadecimal digits>
//! current <name>
//! ```

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use async_trait::async_trait;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::{DataKey, Deriver, KekError, KeyEncryptionKeys, WrappedKey, hex, kek};

/// Why a key file cannot be used. No message holds a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What went wrong.
        error: io::Error,
    },
    /// Others may read it.
    #[error("{path}: others may read this file; run `chmod 600 {path}`")]
    Open {
        /// Which file.
        path: String,
    },
    /// A line is wrong.
    #[error("{path}, line {line}: {what}")]
    Line {
        /// Which file.
        path: String,
        /// Which line, from 1; 0 for the file as a whole.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
}

/// Derivation key and key-encryption keys. Wiped when dropped, hidden in `Debug`.
pub struct KeyFile {
    derivation: Zeroizing<[u8; 32]>,
    keks: BTreeMap<String, Zeroizing<[u8; 32]>>,
    current: String,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("keks", &self.keks.keys())
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

fn draw() -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(key.as_mut_slice()).map_err(|_| KeyFileError::Randomness)?;
    Ok(key)
}

fn good_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl KeyFile {
    const HEADER: &'static str = "voordeur-keys 1";

    /// New keys for a new installation.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate() -> Result<Self, KeyFileError> {
        let current = "kek-1".to_owned();
        Ok(Self { derivation: draw()?, keks: BTreeMap::from([(current.clone(), draw()?)]), current })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or a line is wrong.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let shown = path.display().to_string();
        let failed = |error| KeyFileError::File { path: shown.clone(), error };
        let mut file = fs::File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileError::Open { path: shown });
        }
        // Room ahead, so that no copy stays behind when the buffer grows.
        let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
        file.read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text).map_err(|(line, what)| KeyFileError::Line { path: shown, line, what })
    }

    /// Writes a new key file, readable for its owner only. An existing file is never overwritten: without its keys everything that
    /// they sealed is lost.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        let failed = |error| KeyFileError::File { path: path.display().to_string(), error };
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(self.to_text().as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    /// Adds a new key-encryption key and makes it the current one; the earlier ones still unwrap. Returns its name.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn add_kek(&mut self) -> Result<&str, KeyFileError> {
        let number = (1u32..).find(|n| !self.keks.contains_key(&format!("kek-{n}"))).unwrap_or(u32::MAX);
        self.current = format!("kek-{number}");
        self.keks.insert(self.current.clone(), draw()?);
        Ok(&self.current)
    }

    /// The derivation of ids.
    #[must_use]
    pub fn deriver(&self) -> Deriver {
        Deriver::from_key(&self.derivation)
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// Which line is wrong, from 1 (0 for the file as a whole), and what is wrong with it; never what stands there.
    pub fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        if lines.next().map(|(_, line)| line) != Some(Self::HEADER) {
            return Err((1, "a key file begins with `voordeur-keys 1`"));
        }
        let (mut derivation, mut current, mut keks) = (None, None, BTreeMap::new());
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let bad = |what| (number, what);
            let mut words = line.split_ascii_whitespace();
            let parsed = (words.next(), words.next(), words.next(), words.next());
            match parsed {
                (Some("derivation"), Some(key), None, None) if derivation.is_none() => {
                    derivation = Some(hex::decode_32(key).ok_or(bad("give 64 hexadecimal digits"))?);
                }
                (Some("kek"), Some(name), Some(key), None) if good_name(name) => {
                    let key = hex::decode_32(key).ok_or(bad("give 64 hexadecimal digits"))?;
                    if keks.insert(name.to_owned(), key).is_some() {
                        return Err(bad("this name is there twice"));
                    }
                }
                (Some("current"), Some(name), None, None) if current.is_none() => {
                    current = Some(name.to_owned());
                }
                _ => {
                    return Err(bad(
                        "a line is `derivation KEY`, `kek NAME KEY` or `current NAME`, each name once",
                    ));
                }
            }
        }
        let derivation = derivation.ok_or((0, "there is no `derivation` line"))?;
        let current = current.ok_or((0, "there is no `current` line"))?;
        if !keks.contains_key(&current) {
            return Err((0, "the `current` key has no `kek` line"));
        }
        Ok(Self { derivation, keks, current })
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(256 + 128 * self.keks.len()));
        for part in [Self::HEADER, "\nderivation ", &hex::encode(self.derivation.as_slice()), "\n"] {
            text.push_str(part);
        }
        for (name, key) in &self.keks {
            for part in ["kek ", name, " ", &hex::encode(key.as_slice()), "\n"] {
                text.push_str(part);
            }
        }
        for part in ["current ", &self.current, "\n"] {
            text.push_str(part);
        }
        text
    }
}

#[async_trait]
impl KeyEncryptionKeys for KeyFile {
    async fn wrap(&self, key: &DataKey) -> Result<WrappedKey, KekError> {
        let kek = self.keks.get(&self.current).ok_or_else(|| KekError::UnknownKey(self.current.clone()))?;
        Ok(WrappedKey { kek: self.current.clone(), bytes: kek::wrap_with(kek, key)? })
    }

    async fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, KekError> {
        let kek = self.keks.get(&wrapped.kek).ok_or_else(|| KekError::UnknownKey(wrapped.kek.clone()))?;
        kek::unwrap_with(kek, &wrapped.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_file_reads_back_and_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut keys = KeyFile::generate().unwrap();
        keys.add_kek().unwrap();
        keys.save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = KeyFile::load(&path).unwrap();
        assert_eq!(read.to_text(), keys.to_text());
        assert_eq!(read.current, "kek-2");
        assert!(matches!(keys.save(&path), Err(KeyFileError::File { .. })), "an existing file is kept");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(KeyFile::load(&path), Err(KeyFileError::Open { .. })));
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = KeyFile::generate().unwrap();
        let shown = format!("{keys:?} {:?} {:?}", keys.deriver(), DataKey::generate().unwrap());
        assert!(!shown.contains(hex::encode(keys.derivation.as_slice()).as_str()));
        assert_eq!(shown, "KeyFile { keks: [\"kek-1\"], current: \"kek-1\", .. } Deriver(..) DataKey(..)");
    }

    #[test]
    fn a_broken_file_says_which_line() {
        let good = "0".repeat(64);
        let table = [
            (String::new(), 1),
            (format!("voordeur-keys 1\nderivation {}\n", "0".repeat(63)), 2),
            (format!("voordeur-keys 1\nderivation {good}\nkek A {good}\ncurrent A\n"), 3),
            (format!("voordeur-keys 1\nderivation {good}\nkek a {good}\nkek a {good}\n"), 4),
            (format!("voordeur-keys 1\nderivation {good}\nkek a {good}\ncurrent b\n"), 0),
            (format!("voordeur-keys 1\nkek a {good}\ncurrent a\n"), 0),
            (format!("voordeur-keys 1\nderivation {good}\nkek a {good}\n"), 0),
        ];
        for (text, line) in table {
            assert_eq!(KeyFile::parse(&text).unwrap_err().0, line, "{text}");
        }
    }

    #[tokio::test]
    async fn an_earlier_key_still_unwraps_and_another_file_does_not() {
        let mut keys = KeyFile::generate().unwrap();
        let key = DataKey::generate().unwrap();
        let wrapped = keys.wrap(&key).await.unwrap();
        keys.add_kek().unwrap();
        assert_eq!(keys.unwrap(&wrapped).await.unwrap().expose(), key.expose());
        assert_eq!(keys.wrap(&key).await.unwrap().kek, "kek-2");
        let other = KeyFile::generate().unwrap();
        assert_eq!(other.unwrap(&wrapped).await.unwrap_err(), KekError::Damaged);
        let unknown = WrappedKey { kek: "kek-9".into(), bytes: wrapped.bytes };
        assert!(matches!(keys.unwrap(&unknown).await, Err(KekError::UnknownKey(_))));
    }
}
