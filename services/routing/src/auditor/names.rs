//! Keys of people and centres, each kept once.

use std::collections::HashMap;

/// A key that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u32);

impl Name {
    /// The empty key: nobody.
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// All keys that were seen; number 0 is the empty one.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Names {
    pub(super) fn of(&mut self, text: &str) -> Name {
        if text.is_empty() {
            return Name(0);
        }
        if let Some(number) = self.numbers.get(text) {
            return Name(*number);
        }
        self.texts.push(text.into());
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.into(), number);
        Name(number)
    }

    pub(super) fn text(&self, name: Name) -> &str {
        let place = usize::try_from(name.0).ok().and_then(|number| number.checked_sub(1));
        place.and_then(|place| self.texts.get(place)).map_or("", |text| text)
    }
}
