//! How a fold keeps the subjects of its histories. Nearly every subject ends in an id, and then 17 bytes say as much as some fifty
//! characters.

use voordeur_kernel::id::{parse_hex, to_hex};

use crate::{StreamName, Subject};

/// A subject of one stream, small: two keys are equal exactly when their subjects are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A prefix of the stream, by its place among them, and an id.
    Id(u8, [u8; 16]),
    /// Any other subject.
    Text(Subject),
}

impl Key {
    pub(super) fn of(stream: StreamName, subject: &Subject) -> Self {
        let prefix = subject.prefix();
        let place = stream.prefixes().iter().position(|known| *known == prefix);
        match place.and_then(|place| u8::try_from(place).ok()).zip(parse_hex(subject.key())) {
            Some((place, id)) => Self::Id(place, id),
            None => Self::Text(subject.clone()),
        }
    }

    pub(super) fn subject(&self, stream: StreamName) -> Subject {
        match self {
            Self::Id(place, id) => {
                let prefix = stream.prefixes().get(usize::from(*place)).copied().unwrap_or_default();
                Subject::unchecked(&format!("{prefix}.{}", to_hex(id)))
            }
            Self::Text(subject) => subject.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_with_its_history_takes_no_more_than_five_words() {
        assert_eq!(size_of::<(Key, super::super::Held<u64>)>(), 40);
    }

    #[test]
    fn what_is_not_spelt_as_an_id_is_another_subject() {
        let hex = "00112233445566778899aabbccddeeff";
        for (text, small) in [
            (format!("voordeur.task.v1.{hex}"), true),
            (format!("voordeur.presence.v1.{hex}"), true),
            (format!("voordeur.task.v1.{}", hex.to_uppercase()), false),
            (format!("voordeur.task.v1.+{}", &hex[1..]), false),
            (format!("voordeur.task.v1.{}", &hex[1..]), false),
            (format!("voordeur.task.v2.{hex}"), false),
            ("voordeur.presence.v1.noor".to_owned(), false),
            (hex.to_owned(), false),
        ] {
            let subject = Subject::unchecked(&text);
            let key = Key::of(StreamName::Tasks, &subject);
            assert_eq!(matches!(key, Key::Id(..)), small, "{text}");
            assert_eq!(key.subject(StreamName::Tasks), subject);
        }
    }

    proptest! {
        #[test]
        fn a_key_leads_back_to_its_subject(
            prefix in "voordeur\\.(task|presence|notice|signal)\\.v1|[a-z.]{0,20}",
            key in "[0-9a-f]{32}|[0-9a-fA-F+]{30,34}|[a-z-]{1,12}",
        ) {
            let subject = Subject::unchecked(&format!("{prefix}.{key}"));
            prop_assert_eq!(Key::of(StreamName::Tasks, &subject).subject(StreamName::Tasks), subject);
        }
    }
}
