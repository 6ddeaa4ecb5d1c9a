//! Typed ids of 128 bits. They print as a prefix and 32 hexadecimal digits, for instance
//! `sig_00112233445566778899aabbccddeeff`, so that an id says what it is and fits in a subject of the broker.

use std::{fmt, str::FromStr};

/// Text that is no id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {prefix}_ and 32 hexadecimal digits")]
pub struct BadId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

/// Reads the 32 digits of an id, lower case only.
#[must_use]
pub fn parse_hex(digits: &str) -> Option<[u8; 16]> {
    let digits = digits.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let mut value = 0;
        for digit in pair {
            // Lower case only: one id, one spelling.
            let nibble = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            value = value << 4 | nibble;
        }
        *byte = value;
    }
    Some(bytes)
}

/// The 32 digits of an id.
#[must_use]
pub fn to_hex(id: &[u8; 16]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(32);
    for byte in id {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the printed form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Takes 16 bytes that were derived or drawn elsewhere.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Takes bytes from a message.
            ///
            /// # Errors
            /// When there are not exactly 16.
            pub fn parse_bytes(bytes: &[u8]) -> Result<Self, BadId> {
                bytes.try_into().map(Self).map_err(|_| BadId { prefix: $prefix })
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The 32 digits without the prefix: the token in a subject.
            #[must_use]
            pub fn to_hex(&self) -> String {
                to_hex(&self.0)
            }

            /// Reads the 32 digits without the prefix.
            ///
            /// # Errors
            /// When it is anything else than 32 lower-case hexadecimal digits.
            pub fn parse_hex(digits: &str) -> Result<Self, BadId> {
                parse_hex(digits).map(Self).ok_or(BadId { prefix: $prefix })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(parse_hex)
                    .map(Self)
                    .ok_or(BadId { prefix: $prefix })
            }
        }
    )*};
}

ids! {
    /// A signal: derived from the organisation and its own reference.
    SignalId = "sig";
    /// A task: derived from its trigger.
    TaskId = "tsk";
    /// An episode: derived from the child's alias and the ordinal.
    EpisodeId = "epi";
    /// Work on the floor.
    ActivityId = "act";
    /// A child: random, never derived from a number of the child.
    ChildAlias = "chd";
    /// One act of one actor: derived from the actor and her idempotency key, or from a trigger.
    CommandId = "cmd";
    /// One commit: derived from the command and a keyed fingerprint of its content.
    CommitId = "com";
    /// A data key of the vault.
    DataKeyId = "dek";
    /// Keyed fingerprint of somebody at the asking organisation.
    AskerId = "ask";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_reads_back_what_it_prints(bytes: [u8; 16]) {
            let id = SignalId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<SignalId>(), Ok(id));
            prop_assert_eq!(SignalId::parse_hex(&id.to_hex()), Ok(id));
            prop_assert_eq!(SignalId::parse_bytes(&bytes), Ok(id));
        }

        #[test]
        fn anything_else_is_no_id(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<TaskId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = SignalId::from_bytes([7; 16]).to_string();
        assert_eq!(id.parse::<TaskId>(), Err(BadId { prefix: "tsk" }));
    }
}
