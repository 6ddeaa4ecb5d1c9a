//! Faults of input: all of them at once, each with its place and what to do about it.

use std::{borrow::Cow, fmt};

/// One fault of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Path of the field, for instance `details.text` or `consents[1].date`. Never its value.
    pub field: String,
    /// Stable code in capitals, for instance `TOO_LONG`.
    pub reason: &'static str,
    /// What is wrong and what to do, in English, without the value.
    pub description: Cow<'static, str>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.description, self.reason)
    }
}

/// Collects faults while an input is read; an input with a fault never becomes a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Nothing wrong yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Notes a fault.
    pub fn add(
        &mut self,
        field: impl Into<String>,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(Fault { field: field.into(), reason, description: description.into() });
    }

    /// Notes the fault of a part that could not be read, and goes on without it.
    pub fn take<T, E: fmt::Display>(
        &mut self,
        field: impl Into<String>,
        reason: &'static str,
        outcome: Result<T, E>,
    ) -> Option<T> {
        outcome.map_err(|error| self.add(field, reason, error.to_string())).ok()
    }

    /// Takes over the faults of a part, each with the path of the part before it.
    pub fn absorb(&mut self, path: &str, other: Self) {
        self.0.extend(
            other.0.into_iter().map(|fault| Fault { field: format!("{path}.{}", fault.field), ..fault }),
        );
    }

    /// No faults so far?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults so far, in the order in which they were found.
    #[must_use]
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }

    /// The faults.
    #[must_use]
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }

    /// A value only when nothing is wrong.
    ///
    /// # Errors
    /// All faults, when there are any or the value could not be made.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fmt::Display::fmt(fault, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_fault_is_never_handed_out() {
        let mut faults = Faults::new();
        assert_eq!(faults.clone().finish(Some(1)), Ok(1));
        faults.add("severity", "OUT_OF_RANGE", "give 1-5");
        let mut outer = Faults::new();
        outer.absorb("signal", faults);
        assert_eq!(outer.to_string(), "signal.severity: give 1-5 (OUT_OF_RANGE)");
        assert!(outer.finish(Some(1)).is_err());
    }
}
