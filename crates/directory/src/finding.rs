//! What is wrong, or merely odd, in a directory file.

use std::{borrow::Cow, collections::HashMap, fmt};

/// One finding in a file: where, what and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Line in the file, from 1.
    pub line: usize,
    /// Path in the file, for instance `centre.de-wilg.registrations[1].value`. Keys, never other values.
    pub path: String,
    /// Stable code in capitals, for instance `UNKNOWN_KEY`.
    pub reason: &'static str,
    /// What is wrong and what to do, in English.
    pub description: Cow<'static, str>,
}

/// A finding that keeps the file from becoming a directory.
pub type FileFault = Finding;

/// A finding that somebody should look at; the file is good.
pub type Warning = Finding;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {} ({})", self.line, self.path, self.description, self.reason)
    }
}

/// Collects findings while a file is read.
#[derive(Debug)]
pub(crate) struct Notes {
    line_starts: Vec<usize>,
    places: HashMap<String, usize>,
    /// What is wrong.
    pub(crate) faults: Vec<Finding>,
    /// What is odd.
    pub(crate) warnings: Vec<Finding>,
}

impl Notes {
    pub(crate) fn of(text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self {
            line_starts: std::iter::once(0).chain(starts).collect(),
            places: HashMap::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The line, from 1, in which a byte of the file stands.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    /// Remembers where a path stands, for findings that come out of comparing parts.
    pub(crate) fn place(&mut self, path: &str, line: usize) {
        self.places.insert(path.to_owned(), line);
    }

    /// The line of a path, or of the nearest part around it that was read.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.places.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return 1,
            }
        }
    }

    pub(crate) fn fault_at(
        &mut self,
        path: &str,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) {
        self.fault(self.line_of(path), path, reason, description);
    }

    pub(crate) fn warn_at(
        &mut self,
        path: &str,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) {
        self.warn(self.line_of(path), path, reason, description);
    }

    pub(crate) fn fault(
        &mut self,
        line: usize,
        path: impl Into<String>,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) {
        self.faults.push(Finding { line, path: path.into(), reason, description: description.into() });
    }

    pub(crate) fn warn(
        &mut self,
        line: usize,
        path: impl Into<String>,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) {
        self.warnings.push(Finding { line, path: path.into(), reason, description: description.into() });
    }
}
