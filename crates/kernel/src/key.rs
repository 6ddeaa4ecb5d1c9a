//! Keys that people choose in the directory: short, readable, safe in a subject of the broker. They are no names.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// Text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key has 1-64 characters of a-z, 0-9 and -, and begins and ends with a letter or digit")]
pub struct BadKey;

fn check(text: &str) -> Result<(), BadKey> {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    let inner = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
    if bytes.len() <= 64 && inner && edge(bytes.first()) && edge(bytes.last()) { Ok(()) } else { Err(BadKey) }
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Cheap to clone: one allocation is shared.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a key.
            ///
            /// # Errors
            /// When it is not 1-64 characters of `a-z0-9-` with a letter or digit at both ends.
            pub fn parse(text: &str) -> Result<Self, BadKey> {
                check(text).map(|()| Self(text.into()))
            }

            /// The key as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = BadKey;

            fn from_str(text: &str) -> Result<Self, BadKey> {
                Self::parse(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

keys! {
    /// A school or childcare organisation, or the provider of youth care.
    OrganisationKey;
    /// A kindcentrum.
    CentreKey;
    /// A group or class of a centre.
    GroupKey;
    /// A person in the directory: a professional, a coordinator or somebody else of the team.
    ProfessionalKey;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_plain() {
        for good in ["a", "de-wilg", "groep-1-2", &"x".repeat(64)] {
            assert_eq!(CentreKey::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "De-Wilg", "a.b", "a b", "a>", "*", "é", &"x".repeat(65)] {
            assert_eq!(CentreKey::parse(bad), Err(BadKey), "{bad:?}");
        }
    }
}
