//! Reads tables of a TOML document with their lines: every fault is noted and reading goes on without the part.

use std::{fmt, ops::RangeInclusive};

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};
use voordeur_kernel::{calendar::DAY_MINUTES, text::Text};

use crate::finding::Notes;

/// A value with its place.
pub(crate) struct Value<'d, 'i> {
    pub(crate) value: &'d DeValue<'i>,
    pub(crate) path: String,
    pub(crate) line: usize,
}

/// A table that is being read; [`Reader::finish`] notes the keys that nobody asked for.
pub(crate) struct Reader<'d, 'i> {
    table: &'d DeTable<'i>,
    path: String,
    line: usize,
    asked: Vec<&'static str>,
}

impl<'d, 'i> Reader<'d, 'i> {
    pub(crate) const fn new(table: &'d DeTable<'i>, path: String, line: usize) -> Self {
        Self { table, path, line, asked: Vec::new() }
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A value that may be left out.
    pub(crate) fn optional(&mut self, notes: &mut Notes, key: &'static str) -> Option<Value<'d, 'i>> {
        self.asked.push(key);
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        let line = notes.line(name.span().start);
        let path = self.path_of(key);
        notes.place(&path, line);
        Some(Value { value: value.get_ref(), path, line })
    }

    /// A value that is refused wherever it stands; among the known ones it is not named.
    pub(crate) fn refused(&mut self, notes: &mut Notes, key: &'static str) -> Option<Value<'d, 'i>> {
        let found = self.optional(notes, key);
        if found.is_none() {
            self.asked.pop();
        }
        found
    }

    /// A value that must be there.
    pub(crate) fn required(&mut self, notes: &mut Notes, key: &'static str) -> Option<Value<'d, 'i>> {
        let found = self.optional(notes, key);
        if found.is_none() {
            notes.fault(self.line, self.path_of(key), "REQUIRED", "is missing; write it in this table");
        }
        found
    }

    /// The tables under a key, each with the name it stands under: `[key.name]`.
    pub(crate) fn named_tables(
        &mut self,
        notes: &mut Notes,
        key: &'static str,
    ) -> Vec<(String, Reader<'d, 'i>)> {
        let Some(outer) = self.optional(notes, key) else { return Vec::new() };
        let DeValue::Table(table) = outer.value else {
            notes.wrong_type(&outer, "tables, one for each: [key.name]");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in table {
            let line = notes.line(name.span().start);
            let path = format!("{}.{}", outer.path, name.get_ref());
            notes.place(&path, line);
            match value.get_ref() {
                DeValue::Table(inner) => {
                    tables.push((name.get_ref().clone().into_owned(), Reader::new(inner, path, line)));
                }
                other => notes.wrong_type(&Value { value: other, path, line }, "a table"),
            }
        }
        tables
    }

    pub(crate) fn finish(self, notes: &mut Notes) {
        for (name, _) in self.table {
            if !self.asked.contains(&&**name.get_ref()) {
                notes.fault(
                    notes.line(name.span().start),
                    self.path_of(name.get_ref()),
                    "UNKNOWN_KEY",
                    format!("is not known here; known are {}", self.asked.join(", ")),
                );
            }
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) const fn line(&self) -> usize {
        self.line
    }
}

impl<'d, 'i> Value<'d, 'i> {
    /// A text of at most `MAX` characters.
    pub(crate) fn text<const MAX: usize>(&self, notes: &mut Notes) -> Option<String> {
        let text = self.plain(notes, "a text in quotes")?;
        match Text::<MAX>::parse(text) {
            Ok(text) => Some(text.as_str().to_owned()),
            Err(error) => {
                notes.fault(self.line, &self.path, error.reason(), error.to_string());
                None
            }
        }
    }

    /// Something that reads itself from a text.
    pub(crate) fn parsed<T, E: fmt::Display>(
        &self,
        notes: &mut Notes,
        reason: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(self.plain(notes, "a text in quotes")?) {
            Ok(value) => Some(value),
            Err(error) => {
                notes.fault(self.line, &self.path, reason, error.to_string());
                None
            }
        }
    }

    /// One of a closed list of words.
    pub(crate) fn word<T: Copy>(
        &self,
        notes: &mut Notes,
        words: impl IntoIterator<Item = T> + Clone,
        name: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.plain(notes, "a word in quotes")?;
        let found = words.clone().into_iter().find(|word| name(*word) == text);
        if found.is_none() {
            let known: Vec<_> = words.into_iter().map(name).collect();
            notes.fault(self.line, &self.path, "UNKNOWN_WORD", format!("write one of {}", known.join(", ")));
        }
        found
    }

    /// A calendar day.
    pub(crate) fn date(&self, notes: &mut Notes) -> Option<Date> {
        const FORM: &str = "a day without quotes, for instance 2026-08-01";
        let DeValue::Datetime(moment) = self.value else {
            notes.wrong_type(self, FORM);
            return None;
        };
        let (Some(date), None, None) = (moment.date, moment.time, moment.offset) else {
            notes.wrong_type(self, FORM);
            return None;
        };
        let parts = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
        let day = match parts {
            (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
            _ => None,
        };
        if day.is_none() {
            notes.fault(self.line, &self.path, "NO_SUCH_DAY", "is not a day of the calendar");
        }
        day
    }

    /// True or false.
    pub(crate) fn truth(&self, notes: &mut Notes) -> Option<bool> {
        let truth = self.value.as_bool();
        if truth.is_none() {
            notes.wrong_type(self, "true or false, without quotes");
        }
        truth
    }

    /// A whole number.
    pub(crate) fn number(&self, notes: &mut Notes, range: RangeInclusive<u16>) -> Option<u16> {
        let DeValue::Integer(number) = self.value else {
            notes.wrong_type(self, "a whole number without quotes");
            return None;
        };
        let value = u16::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| range.contains(n));
        if value.is_none() {
            notes.fault(
                self.line,
                &self.path,
                "OUT_OF_RANGE",
                format!("give {} to {}", range.start(), range.end()),
            );
        }
        value
    }

    /// A time of day from `00:00` to `24:00`, in minutes.
    pub(crate) fn minute(&self, notes: &mut Notes) -> Option<u16> {
        self.parsed(notes, "BAD_TIME", |text| {
            let digits = |part: &str| {
                (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
                    .then(|| part.parse::<u16>().ok())
                    .flatten()
            };
            text.split_once(':')
                .and_then(|(hours, minutes)| Some((digits(hours)?, digits(minutes)?)))
                .filter(|(_, minutes)| *minutes < 60)
                .map(|(hours, minutes)| hours * 60 + minutes)
                .filter(|minute| *minute <= DAY_MINUTES)
                .ok_or("write hours and minutes, 00:00 to 24:00")
        })
    }

    /// The items of a list, each with its own place.
    pub(crate) fn items(&self, notes: &mut Notes) -> Vec<Value<'d, 'i>> {
        let DeValue::Array(array) = self.value else {
            notes.wrong_type(self, "a list in square brackets");
            return Vec::new();
        };
        let mut items = Vec::with_capacity(array.len());
        for (index, item) in array.iter().enumerate() {
            let path = format!("{}[{index}]", self.path);
            let line = notes.line(item.span().start);
            notes.place(&path, line);
            items.push(Value { value: item.get_ref(), path, line });
        }
        items
    }

    /// A table.
    pub(crate) fn table(&self, notes: &mut Notes) -> Option<Reader<'d, 'i>> {
        if let DeValue::Table(table) = self.value {
            Some(Reader::new(table, self.path.clone(), self.line))
        } else {
            notes.wrong_type(self, "a table: { ... }");
            None
        }
    }

    fn plain(&self, notes: &mut Notes, wanted: &str) -> Option<&'d str> {
        let text = self.value.as_str();
        if text.is_none() {
            notes.wrong_type(self, wanted);
        }
        text
    }
}

impl Notes {
    fn wrong_type(&mut self, value: &Value<'_, '_>, wanted: &str) {
        let found = value.value.type_str();
        self.fault(value.line, &value.path, "WRONG_TYPE", format!("is a {found}; write {wanted}"));
    }
}
