//! Reading subjects; every fault is told with its line, and none with its value.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::Path,
};

use csv::{ByteRecord, ReaderBuilder};
use voordeur_outcome_statistics::{Member, Subject};

use crate::failure::Failure;

/// Groups that are compared with each other; their matrices grow with the square. More would be a ranking.
const GROUPS_MAX: usize = 50;

/// What the file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One thing can happen.
    Status,
    /// Several can.
    Cause,
}

/// A column by which subjects are split.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) column: String,
    /// Its values in order.
    pub(super) names: Vec<String>,
    /// By subject: which value.
    pub(super) of: Vec<u32>,
}

/// The subjects of a file.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) kind: Kind,
    pub(super) subjects: Vec<Subject>,
    pub(super) splits: Vec<Split>,
    pub(super) strata: Option<Split>,
}

impl Rows {
    /// Everybody with one value of a split.
    pub(super) fn part(&self, split: &Split, value: u32) -> Vec<Subject> {
        let with = self.subjects.iter().zip(&split.of).filter(|(_, of)| **of == value);
        with.map(|(subject, _)| *subject).collect()
    }

    /// Everybody, for a comparison.
    pub(super) fn members(&self, split: &Split, strata: Option<&Split>) -> Vec<Member> {
        let strata = strata.map(|strata| strata.of.iter().copied());
        let mut strata = strata.into_iter().flatten();
        let grouped = self.subjects.iter().zip(&split.of);
        grouped
            .map(|(&subject, &group)| Member { stratum: strata.next().unwrap_or(0), subject, group })
            .collect()
    }
}

/// Reads a file; `-` is standard input.
pub(super) fn file(path: &Path, by: &[String], strata: Option<&str>) -> Result<Rows, Failure> {
    if path.as_os_str() == "-" {
        return read(io::stdin().lock(), "standard input", by, strata);
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    read(file, &name, by, strata)
}

/// Reads the content of a file.
pub(super) fn content(content: &[u8]) -> Result<Rows, Failure> {
    read(content, "the file", &[], None)
}

fn read(input: impl Read, name: &str, by: &[String], strata: Option<&str>) -> Result<Rows, Failure> {
    // With lines that end in one character, the last one too, the reader stands at the beginning of the next line after every record.
    let input = OneEnding(input).chain(&b"\n"[..]);
    let mut reader = ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(input);
    let unreadable = |error: csv::Error| Failure::usage(format!("cannot read {name}: {error}"));
    let header = reader.byte_headers().map_err(unreadable)?.clone();
    let mut parser = Parser::new(&header, by, strata).map_err(|faults| broken(name, faults))?;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        parser.take(&record, line_of(&record, reader.position().line()));
    }
    parser.finish().map_err(|faults| broken(name, faults))
}

/// Leaves out the carriage returns of files from Windows.
struct OneEnding<R>(R);

impl<R: Read> Read for OneEnding<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let taken = self.0.read(buffer)?;
            let mut kept = 0;
            for at in 0..taken {
                if buffer.get(at) != Some(&b'\r') {
                    buffer.swap(kept, at);
                    kept += 1;
                }
            }
            // Nothing kept is not the end, unless nothing came.
            if kept > 0 || taken == 0 {
                return Ok(kept);
            }
        }
    }
}

/// The line on which a record begins, when the reader stands at `next`. What the record itself says is the first of the empty lines before it.
fn line_of(record: &ByteRecord, next: u64) -> u64 {
    let first = record.position().map_or(0, csv::Position::line);
    let several_lines = record.iter().any(|field| field.contains(&b'\n'));
    if several_lines { first } else { next.saturating_sub(1).max(first) }
}

fn broken(name: &str, faults: Vec<String>) -> Failure {
    let count = match faults.len() {
        1 => "one fault".to_owned(),
        count => format!("{count} faults"),
    };
    Failure { faults, ..Failure::usage(format!("{name} has {count}")) }
        .advise("`voordeur outcome survival --help` says what the columns are")
}

/// Values of a column as they come, each with its number.
struct Values {
    column: String,
    place: usize,
    seen: HashMap<Vec<u8>, u32>,
    of: Vec<u32>,
}

impl Values {
    fn take(&mut self, value: &[u8]) {
        let next = self.seen.len() as u32;
        // Most lines bring nothing new: look before making a copy.
        let number = match self.seen.get(value) {
            Some(&number) => number,
            None => *self.seen.entry(value.to_vec()).or_insert(next),
        };
        self.of.push(number);
    }

    /// Numbers in order of size, words in order of the alphabet.
    fn in_order(self) -> Split {
        let mut named: Vec<(String, u32)> = self
            .seen
            .into_iter()
            .map(|(value, number)| (String::from_utf8_lossy(&value).into_owned(), number))
            .collect();
        let size = |(value, _): &(String, u32)| value.parse::<i64>().unwrap_or(i64::MAX);
        named.sort_by(|a, b| size(a).cmp(&size(b)).then_with(|| a.0.cmp(&b.0)));
        let mut place = vec![0; named.len()];
        for (at, (_, number)) in (0_u32..).zip(&named) {
            if let Some(place) = place.get_mut(*number as usize) {
                *place = at;
            }
        }
        let of = self.of.iter().map(|number| place.get(*number as usize).copied().unwrap_or(0)).collect();
        Split { column: self.column, names: named.into_iter().map(|(value, _)| value).collect(), of }
    }
}

struct Parser {
    kind: Kind,
    width: usize,
    time: usize,
    ending: usize,
    splits: Vec<Values>,
    strata: Option<Values>,
    subjects: Vec<Subject>,
    faults: Vec<String>,
}

impl Parser {
    fn new(header: &ByteRecord, by: &[String], strata: Option<&str>) -> Result<Self, Vec<String>> {
        let place = |name: &str| header.iter().position(|column| column == name.as_bytes());
        let mut faults = Vec::new();
        let mut need = |name: &str| {
            place(name).unwrap_or_else(|| {
                faults.push(format!("line 1: there is no column `{name}`"));
                0
            })
        };
        let time = need("time");
        let mut values = |name: &str| Values {
            column: name.to_owned(),
            place: need(name),
            seen: HashMap::new(),
            of: Vec::new(),
        };
        let mut splits: Vec<Values> = by.iter().map(|name| values(name)).collect();
        if by.is_empty() && place("group").is_some() {
            splits.push(values("group"));
        }
        let strata = strata.map(values);
        let (kind, ending) = match (place("status"), place("cause")) {
            (Some(status), None) => (Kind::Status, status),
            (None, Some(cause)) => (Kind::Cause, cause),
            (found, _) => {
                let count = if found.is_some() { "both columns" } else { "no column" };
                faults.push(format!(
                    "line 1: there is {count} `status` (one event) or `cause` (several); give one"
                ));
                (Kind::Status, 0)
            }
        };
        let (subjects, width) = (Vec::new(), header.len());
        let parser = Self { kind, width, time, ending, splits, strata, subjects, faults: Vec::new() };
        if faults.is_empty() { Ok(parser) } else { Err(faults) }
    }

    fn take(&mut self, record: &ByteRecord, line: u64) {
        if record.len() != self.width {
            let (found, width) = (record.len(), self.width);
            self.faults.push(format!("line {line}: {found} fields where the first line has {width}"));
            return;
        }
        let number = |place: usize| std::str::from_utf8(record.get(place)?).ok()?.parse::<u32>().ok();
        let day = number(self.time);
        if day.is_none() {
            self.faults.push(format!("line {line}: `time` is not a whole number of days, 0 or more"));
        }
        let (most, name, advice) = match self.kind {
            Kind::Status => (1, "status", "neither 0 (censored) nor 1 (the event)"),
            Kind::Cause => (u32::from(u8::MAX), "cause", "no whole number from 0 (censored) to 255"),
        };
        let cause =
            number(self.ending).filter(|cause| *cause <= most).and_then(|cause| u8::try_from(cause).ok());
        if cause.is_none() {
            self.faults.push(format!("line {line}: `{name}` is {advice}"));
        }
        for values in self.splits.iter_mut().chain(&mut self.strata) {
            let value = record.get(values.place).unwrap_or_default();
            if value.is_empty() {
                self.faults.push(format!("line {line}: `{}` is empty", values.column));
            }
            values.take(value);
        }
        if let (Some(day), Some(cause)) = (day, cause) {
            self.subjects.push(Subject { day, cause });
        }
    }

    fn finish(mut self) -> Result<Rows, Vec<String>> {
        if self.subjects.is_empty() && self.faults.is_empty() {
            self.faults.push("there are no subjects after the first line".to_owned());
        }
        let many = self.splits.iter().filter(|values| values.seen.len() > GROUPS_MAX);
        self.faults.extend(many.map(|values| {
            let (column, found) = (&values.column, values.seen.len());
            format!("`{column}` has {found} values; compare at most {GROUPS_MAX}, or leave it out")
        }));
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        Ok(Rows {
            kind: self.kind,
            subjects: self.subjects,
            splits: self.splits.into_iter().map(Values::in_order).collect(),
            strata: self.strata.map(Values::in_order),
        })
    }
}
