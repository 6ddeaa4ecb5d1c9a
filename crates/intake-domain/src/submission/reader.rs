//! Collects what is wrong while a draft is read.

use std::collections::BTreeSet;

use jiff::{civil::Date, tz::TimeZone};
use voordeur_kernel::{
    Faults, Timestamp,
    calendar::amsterdam,
    limits,
    text::{BadText, Reference, Text, holds_bsn, mask_bsn},
};

use super::Premises;
use crate::{
    draft::{Code, Raw},
    guard::reference_holds_bsn,
};

const BSN: &str = "BSN";
const BSN_TEXT: &str = "holds a number that could be a BSN; leave it out (UAVG art. 46)";

/// Reads parts of a draft. A fault of form refuses an ordinary signal; in a safety signal (`lenient`) the part is put right or left out,
/// and listed.
pub(super) struct Reader<'a> {
    pub(super) premises: &'a dyn Premises,
    /// A safety signal.
    pub(super) lenient: bool,
    /// What refuses any signal.
    pub(super) essential: Faults,
    pub(super) consent_missing: bool,
    waived: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(premises: &'a dyn Premises, lenient: bool) -> Self {
        Self { premises, lenient, essential: Faults::new(), consent_missing: false, waived: BTreeSet::new() }
    }

    /// A fault of form.
    pub(super) fn form(&mut self, field: impl Into<String>, reason: &'static str, what: impl Into<String>) {
        if self.lenient {
            self.waived.insert(field.into());
        } else {
            self.essential.add(field, reason, what.into());
        }
    }

    /// Fields of which a fault was passed over, each once, at most as many as faults are reported.
    pub(super) fn waived(&self) -> Vec<String> {
        self.waived.iter().take(limits::FAULTS_MAX).cloned().collect()
    }

    pub(super) fn code<T: Copy>(&mut self, field: &str, code: Code<T>) -> Option<T> {
        if matches!(code, Code::Absent) {
            self.form(field, "REQUIRED", "give a code of the list");
        }
        self.optional_code(field, code)
    }

    pub(super) fn optional_code<T: Copy>(&mut self, field: &str, code: Code<T>) -> Option<T> {
        if matches!(code, Code::Unknown) {
            self.form(field, "UNKNOWN_CODE", "is not in the list of this release");
        }
        code.known()
    }

    /// A reference or account: visible, bounded, no BSN.
    pub(super) fn reference<const MAX: usize>(&mut self, field: &str, raw: &Raw) -> Option<Reference<MAX>> {
        match Reference::parse(&raw.0) {
            Err(error) => {
                let what = match error {
                    BadText::ControlCharacters => "use visible ASCII characters only".to_owned(),
                    other => other.to_string(),
                };
                self.form(field, error_reason(&raw.0, MAX), what);
                None
            }
            Ok(reference)
                if reference_holds_bsn(&raw.0, |digits| self.premises.is_register_number(digits)) =>
            {
                drop(reference);
                self.form(field, BSN, BSN_TEXT);
                None
            }
            Ok(reference) => Some(reference),
        }
    }

    /// A text that may be left out. In a safety signal it is put right: control characters go, what is too long is cut, a BSN is
    /// masked.
    pub(super) fn text<const MAX: usize>(&mut self, field: &str, raw: &Raw) -> Option<Text<MAX>> {
        let known = |digits: &str| self.premises.is_register_number(digits);
        // A text far over its bound is not searched: it is refused, or cut first.
        let within: String = raw.0.chars().take(MAX.saturating_mul(2)).collect();
        let has_bsn = holds_bsn(&within, known);
        match Text::<MAX>::parse_optional(&raw.0) {
            Ok(text) if !has_bsn => text,
            _ if self.lenient => {
                self.waived.insert(field.to_owned());
                let plain: String =
                    within.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
                let masked = mask_bsn(&plain, |digits| self.premises.is_register_number(digits));
                let cut: String = masked.trim().chars().take(MAX).collect();
                Text::parse_optional(&cut).ok().flatten()
            }
            outcome => {
                if let Err(error) = outcome {
                    self.essential.add(field, error.reason(), error.to_string());
                }
                if has_bsn {
                    self.essential.add(field, BSN, BSN_TEXT);
                }
                None
            }
        }
    }

    /// A moment that must have passed. A minute of difference between clocks is let through.
    pub(super) fn past_moment(&mut self, field: &str, moment: Option<Timestamp>) -> Option<Timestamp> {
        let Some(moment) = moment else {
            self.form(field, "REQUIRED", "say when");
            return None;
        };
        let latest =
            self.premises.now().saturating_add(jiff::SignedDuration::from_mins(1)).unwrap_or(Timestamp::MAX);
        if moment > latest {
            self.form(field, "IN_THE_FUTURE", "lies in the future");
            return None;
        }
        if moment.to_zoned(TimeZone::UTC).year() < limits::YEAR_MIN {
            self.form(field, "TOO_LONG_AGO", "lies before the year 2000");
            return None;
        }
        Some(moment)
    }

    /// A day that is not in the future, counted where the centre is.
    pub(super) fn past_day(&mut self, field: &str, raw: &Raw) -> Option<Date> {
        let fits = raw.0.len() == 10 && raw.0.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let Some(day) = raw.0.parse::<Date>().ok().filter(|_| fits) else {
            self.form(field, "BAD_DATE", "give a date as yyyy-mm-dd");
            return None;
        };
        if day > self.premises.now().to_zoned(amsterdam()).date() {
            self.form(field, "IN_THE_FUTURE", "lies in the future");
            return None;
        }
        if day.year() < limits::YEAR_MIN {
            self.form(field, "TOO_LONG_AGO", "lies before the year 2000");
            return None;
        }
        Some(day)
    }
}

fn error_reason(raw: &str, max: usize) -> &'static str {
    if raw.is_empty() {
        "REQUIRED"
    } else if raw.len() > max {
        "TOO_LONG"
    } else {
        "BAD_CHARACTERS"
    }
}
