//! How a fold keeps its histories by their subjects. Nearly every subject ends in an id, and then 17 bytes say as much as some fifty
//! characters.

use std::collections::BTreeMap;

use voordeur_kernel::id::{parse_hex, to_hex};

use super::Held;
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

/// Histories by their keys, in order rather than by hash: a table of a million that doubles stands half empty, and everybody waits meanwhile.
/// Those with an id are kept apart from the few others, so that a key takes 17 bytes, and not the 24 of the longer one.
#[derive(Debug)]
pub(super) struct Histories<S> {
    ids: BTreeMap<(u8, [u8; 16]), Held<S>>,
    texts: BTreeMap<Subject, Held<S>>,
}

impl<S> Histories<S> {
    pub(super) const fn new() -> Self {
        Self { ids: BTreeMap::new(), texts: BTreeMap::new() }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Held<S>> {
        match key {
            Key::Id(place, id) => self.ids.get(&(*place, *id)),
            Key::Text(subject) => self.texts.get(subject),
        }
    }

    pub(super) fn insert(&mut self, key: Key, held: Held<S>) {
        match key {
            Key::Id(place, id) => self.ids.insert((place, id), held),
            Key::Text(subject) => self.texts.insert(subject, held),
        };
    }

    pub(super) fn remove(&mut self, key: &Key) {
        match key {
            Key::Id(place, id) => self.ids.remove(&(*place, *id)),
            Key::Text(subject) => self.texts.remove(subject),
        };
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Held<S>)> {
        let ids = self.ids.iter().map(|((place, id), held)| (Key::Id(*place, *id), held));
        ids.chain(self.texts.iter().map(|(subject, held)| (Key::Text(subject.clone()), held)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_with_an_id_takes_seventeen_bytes() {
        fn key_of<K, V>(_: &BTreeMap<K, V>) -> usize {
            size_of::<K>()
        }
        assert_eq!(key_of(&Histories::<u64>::new().ids), 17);
        assert_eq!(size_of::<Held<u64>>(), 16);
    }

    #[test]
    fn histories_are_found_under_the_key_that_they_were_put_under() {
        let hex = "00112233445566778899aabbccddeeff";
        let keys =
            [format!("voordeur.task.v1.{hex}"), format!("voordeur.presence.v1.{hex}"), "noor".to_owned()];
        let keys = keys.map(|text| Key::of(StreamName::Tasks, &Subject::unchecked(&text)));
        let mut all = Histories::new();
        for (version, key) in (1..).zip(&keys) {
            all.insert(key.clone(), Held { state: version.into(), version: crate::Version(version) });
        }
        for (version, key) in (1..).zip(&keys) {
            assert_eq!(all.get(key).map(|held| *held.state), Some(version));
        }
        let told: std::collections::BTreeSet<_> = all.iter().map(|(key, held)| (key, *held.state)).collect();
        assert_eq!(told, keys.iter().cloned().zip(1..).collect());
        for (left, key) in (0..3).rev().zip(&keys) {
            all.remove(key);
            assert!(all.get(key).is_none());
            assert_eq!(all.iter().count(), left);
        }
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
