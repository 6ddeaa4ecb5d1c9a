//! Reads a table as registers publish it: with `;` or `,`, in UTF-8 or Windows-1252, quoted in any way, columns in any order.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use jiff::civil::Date;
use voordeur_kernel::identifier::{Identifier, Scheme};

/// Largest file, in bytes; the whole register of childcare is about 12 MB.
const FILE_BYTES_MAX: usize = 256 << 20;

/// Something that makes a file unreadable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// Line of the file, from 1.
    pub line: u64,
    /// What is wrong and what to do, in English.
    pub what: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// A row that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Odd {
    /// Line of the file, from 1.
    pub line: u64,
    /// Which column.
    pub column: &'static str,
    /// What is odd about it, in English. Never more of the row than its number.
    pub what: String,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.column, self.what)
    }
}

/// A table with its wanted columns.
pub(super) struct Sheet {
    columns: BTreeMap<&'static str, usize>,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// A row of it.
pub(super) struct Row<'s> {
    sheet: &'s Sheet,
    record: &'s csv::StringRecord,
    pub(super) line: u64,
}

impl Sheet {
    /// Reads a file; columns that nobody wants are passed over.
    ///
    /// # Errors
    /// Every missing column by its name, every row that does not have as many fields as the heading.
    pub(super) fn read(
        bytes: &[u8],
        needed: &[&'static str],
        further: &[&'static str],
    ) -> Result<Self, Vec<Unreadable>> {
        let whole = |what: &str| vec![Unreadable { line: 1, what: what.to_owned() }];
        if bytes.len() > FILE_BYTES_MAX {
            return Err(whole("is larger than 256 MiB; is it a register at all?"));
        }
        let text = decoded(bytes);
        let heading = text.lines().next().unwrap_or_default();
        if heading.trim().is_empty() {
            return Err(whole("is empty; a register begins with the names of its columns"));
        }
        let semicolons = heading.matches(';').count() >= heading.matches(',').count();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(if semicolons { b';' } else { b',' })
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let lines = Lines::of(&text);
        let mut records = reader.records();
        let names = match records.next() {
            Some(Ok(names)) => names,
            _ => return Err(whole("has no readable heading")),
        };
        let name = |text: &str| text.trim().trim_matches('"').to_lowercase();
        let mut columns = BTreeMap::new();
        let mut faults = Vec::new();
        for (wanted, must) in needed.iter().map(|c| (*c, true)).chain(further.iter().map(|c| (*c, false))) {
            match names.iter().position(|found| name(found) == wanted.to_lowercase()) {
                Some(index) => {
                    columns.insert(wanted, index);
                }
                None if must => {
                    faults.push(Unreadable { line: 1, what: format!("the column {wanted} is missing") });
                }
                None => {}
            }
        }
        let mut rows = Vec::new();
        for record in records {
            match record {
                Ok(record) if record.iter().all(|field| field.trim().is_empty()) => {}
                Ok(record) => {
                    let line = lines.of_record(record.position());
                    if record.len() == names.len() {
                        rows.push((line, record));
                    } else {
                        let what =
                            format!("has {} fields where the heading has {}", record.len(), names.len());
                        faults.push(Unreadable { line, what });
                    }
                }
                Err(error) => {
                    let line = lines.of_record(error.position());
                    faults.push(Unreadable { line, what: error.to_string() });
                }
            }
        }
        if rows.is_empty() && faults.is_empty() {
            faults.push(Unreadable { line: 1, what: "has a heading and no rows".to_owned() });
        }
        if faults.is_empty() { Ok(Self { columns, rows }) } else { Err(faults) }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { sheet: self, record, line: *line })
    }
}

/// Finds the line of a record. The reader of CSV counts a record after `\r\n` to the line before it.
struct Lines<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text: text.as_bytes(), starts: std::iter::once(0).chain(ends).collect() }
    }

    fn of_record(&self, position: Option<&csv::Position>) -> u64 {
        let start = position.and_then(|p| usize::try_from(p.byte()).ok()).unwrap_or_default();
        let before = self.text.iter().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.starts.partition_point(|line| *line <= start + before) as u64
    }
}

/// UTF-8 when it is that, with or without a mark; else Windows-1252, in which every byte but five is a character.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

impl Row<'_> {
    /// A field without the spaces around it; empty when the file does not have the column.
    pub(super) fn field(&self, column: &str) -> &str {
        let index = self.sheet.columns.get(column);
        index.and_then(|index| self.record.get(*index)).unwrap_or_default().trim()
    }

    pub(super) fn odd(&self, column: &'static str, what: impl Into<String>) -> Odd {
        Odd { line: self.line, column, what: what.into() }
    }

    /// A number of a register. Leading zeros that a spreadsheet has eaten are given back.
    pub(super) fn identifier(
        &self,
        column: &'static str,
        scheme: Scheme,
        digits: usize,
    ) -> Result<Identifier, Odd> {
        let text = self.field(column);
        let whole = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
            format!("{text:0>digits$}")
        } else {
            text.to_owned()
        };
        Identifier::parse(scheme, &whole).map_err(|error| self.odd(column, error.to_string()))
    }

    /// A day, as `2026-08-01`, `01-08-2026` or `20260801`, with or without a time behind it; nothing when the field is empty.
    pub(super) fn date(&self, column: &'static str) -> Result<Option<Date>, Odd> {
        let text = self.field(column);
        if text.is_empty() {
            return Ok(None);
        }
        day(text).map(Some).ok_or_else(|| self.odd(column, "is not a day; 2026-08-01 and 01-08-2026 are"))
    }

    /// A postcode without its space, in capitals; nothing when it is not one.
    pub(super) fn postcode(&self, column: &'static str) -> Option<String> {
        postcode(self.field(column))
    }
}

fn day(text: &str) -> Option<Date> {
    let text = text.split([' ', 'T']).next()?;
    let parts: Vec<&str> = if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        vec![text.get(..4)?, text.get(4..6)?, text.get(6..)?]
    } else {
        text.split(['-', '/', '.']).collect()
    };
    let [first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    if year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// A postcode in its one spelling: four digits, not beginning with 0, and two capitals that are issued.
pub(crate) fn postcode(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    let (digits, letters) = text.split_at_checked(4)?;
    let good = digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
        && letters.len() == 2
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && !["SA", "SD", "SS"].contains(&letters);
    good.then_some(text)
}

/// An address to compare with: small letters and digits only, so that `Dorpsstraat 1-A` and `dorpsstraat 1 a` are one.
pub(super) fn address(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_read_as_registers_write_them() {
        for text in
            ["2026-08-01", "01-08-2026", "1-8-2026", "20260801", "2026-08-01T00:00:00", "01/08/2026 00:00"]
        {
            assert_eq!(day(text), Some(date(2026, 8, 1)), "{text}");
        }
        for text in ["", "2026", "32-08-2026", "08-2026", "1-8-26", "morgen", "2026-08-01-02"] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn postcodes_have_one_spelling() {
        assert_eq!(postcode("1066 jm").as_deref(), Some("1066JM"));
        for text in ["0066JM", "1066J", "1066SA", "1066SS", "106JM6", "", "1066JMX", "é066JM"] {
            assert_eq!(postcode(text), None, "{text}");
        }
    }

    #[test]
    fn both_encodings_are_read() {
        assert_eq!(decoded("\u{e8}\u{e9}".as_bytes()), "èé");
        assert_eq!(decoded(b"\xef\xbb\xbf\xc3\xa9"), "é");
        assert_eq!(decoded(b"\xe9 \x80"), "é €");
    }
}
