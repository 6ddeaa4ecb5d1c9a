//! Names of branches and ladders.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// Name of a branch or a ladder: short, readable, no name of a person. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1-64 characters of a-z, 0-9 and -, and begins and ends with a letter or digit")]
pub struct BadName;

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is not 1-64 characters of `a-z0-9-` with a letter or digit at both ends.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let good = bytes.len() <= 64
            && bytes.iter().all(|byte| plain(byte) || *byte == b'-')
            && bytes.first().is_some_and(plain)
            && bytes.last().is_some_and(plain);
        if good { Ok(Self(text.into())) } else { Err(BadName) }
    }

    /// A name that this crate itself gives.
    pub(crate) fn fixed(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::parse(text)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "spoed", "taal-2", &"x".repeat(64)] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "Spoed", "a.b", "a b", "é", &"x".repeat(65)] {
            assert_eq!(Name::parse(bad), Err(BadName), "{bad:?}");
        }
    }
}
