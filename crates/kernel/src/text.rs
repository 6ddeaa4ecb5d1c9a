//! Texts with a bound, and the guard against citizen service numbers.

use std::fmt;

/// Why a text was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// There is nothing but white space.
    #[error("give a text; it is empty")]
    Empty,
    /// Too long.
    #[error("has more than {max} characters")]
    TooLong {
        /// Most characters that fit.
        max: usize,
    },
    /// Control characters other than line feed and tab.
    #[error("has control characters; leave them out")]
    ControlCharacters,
}

impl BadText {
    /// Stable code of the fault.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "REQUIRED",
            Self::TooLong { .. } => "TOO_LONG",
            Self::ControlCharacters => "CONTROL_CHARACTERS",
        }
    }
}

/// A text between 1 and `MAX` characters, without control characters but line feed and tab. Its `Debug` hides the content, so that
/// it cannot slip into a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Reads a text; white space at both ends falls off.
    ///
    /// # Errors
    /// When it is empty, too long or has control characters.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadText::Empty);
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r') {
            return Err(BadText::ControlCharacters);
        }
        if text.chars().count() > MAX {
            return Err(BadText::TooLong { max: MAX });
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a text that may be left out.
    ///
    /// # Errors
    /// When it is too long or has control characters.
    pub fn parse_optional(text: &str) -> Result<Option<Self>, BadText> {
        match Self::parse(text) {
            Ok(text) => Ok(Some(text)),
            Err(BadText::Empty) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}

/// A reference of somebody else's system: 1 to `MAX` visible ASCII characters. Its `Debug` hides the content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reference<const MAX: usize>(String);

impl<const MAX: usize> Reference<MAX> {
    /// Reads a reference.
    ///
    /// # Errors
    /// When it is empty, too long or has characters that cannot be seen.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        if text.is_empty() {
            return Err(BadText::Empty);
        }
        if text.len() > MAX {
            return Err(BadText::TooLong { max: MAX });
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadText::ControlCharacters);
        }
        Ok(Self(text.to_owned()))
    }

    /// The reference.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Reference<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({} characters)", self.0.len())
    }
}

/// Does this text hold a number that could be a BSN: nine digits that pass the 11-proof, standing alone? Dots, spaces and hyphens
/// between the digits do not hide it. Numbers that `known` accepts (LRK numbers share length and check) are passed over.
///
/// A school or childcare organisation may not use the BSN for this (UAVG art. 46; Jeugdwet 7.2.1 names who may).
#[must_use]
pub fn holds_bsn(text: &str, known: impl Fn(&str) -> bool) -> bool {
    nine_digit_runs(text).iter().any(|run| looks_like_bsn(&run.digits) && !known(&run.digits))
}

/// The same text with every such number replaced by `[BSN verwijderd]`. For safety signals, which are never refused for it.
#[must_use]
pub fn mask_bsn(text: &str, known: impl Fn(&str) -> bool) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for run in nine_digit_runs(text) {
        if looks_like_bsn(&run.digits) && !known(&run.digits) {
            masked.push_str(text.get(from..run.start).unwrap_or_default());
            masked.push_str("[BSN verwijderd]");
            from = run.end;
        }
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    masked
}

/// The 11-proof of a citizen service number over nine digits, 000000000 excepted.
#[must_use]
pub fn looks_like_bsn(digits: &str) -> bool {
    let digits = digits.as_bytes();
    if digits.len() != 9 || !digits.iter().all(u8::is_ascii_digit) || digits.iter().all(|d| *d == b'0') {
        return false;
    }
    let weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
    let sum: i32 = digits.iter().zip(weights).map(|(digit, weight)| i32::from(digit - b'0') * weight).sum();
    sum % 11 == 0
}

struct Run {
    start: usize,
    end: usize,
    digits: String,
}

/// Runs of exactly nine digits, single dots, spaces or hyphens between them allowed.
fn nine_digit_runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut current: Option<Run> = None;
    let mut separators = 0;
    for (index, c) in text.char_indices() {
        if c.is_ascii_digit() {
            let run = current.get_or_insert_with(|| Run { start: index, end: index, digits: String::new() });
            run.digits.push(c);
            run.end = index + 1;
            separators = 0;
        } else if current.is_some() && matches!(c, '.' | ' ' | '-' | '\u{a0}') && separators == 0 {
            separators = 1;
        } else if let Some(run) = current.take() {
            runs.push(run);
            separators = 0;
        }
    }
    runs.extend(current);
    runs.retain(|run| run.digits.len() == 9);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONE: fn(&str) -> bool = |_| false;

    #[test]
    fn test_numbers_of_the_official_range_are_found_however_they_are_written() {
        for text in
            ["999900006", "bsn: 999900018.", "9999.00.031", "999 900 043", "x999900006y", "999-900-006"]
        {
            assert!(holds_bsn(text, NONE), "{text}");
            assert!(!holds_bsn(&mask_bsn(text, NONE), NONE), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in ["999900007", "0612345678", "000000000", "12", "9999000061", "12345678"] {
            assert!(!holds_bsn(text, NONE), "{text}");
            assert_eq!(mask_bsn(text, NONE), text);
        }
    }

    #[test]
    fn a_known_childcare_number_is_no_bsn() {
        assert!(!holds_bsn("LRK 105897917", |n| n == "105897917"));
        assert!(holds_bsn("LRK 105897917", NONE));
    }

    proptest! {
        #[test]
        fn masking_is_final_and_keeps_the_rest(before in "[a-z ,]{0,20}", after in "[a-z,]{0,20}") {
            let masked = mask_bsn(&format!("{before},999900006,{after}"), NONE);
            prop_assert_eq!(masked, format!("{before},[BSN verwijderd],{after}"));
        }

        #[test]
        fn any_text_parses_or_says_why(text in "\\PC{0,60}|[\\x00-\\x20]{0,5}") {
            match Text::<50>::parse(&text) {
                Ok(parsed) => prop_assert!(parsed.as_str().chars().count() <= 50 && !parsed.as_str().is_empty()),
                Err(error) => prop_assert!(!error.reason().is_empty()),
            }
        }
    }
}
