//! Spans as texts: `2 working days`, `4 working hours`, `30 working minutes`, and on the clock `2 hours`, `30 minutes`, `10 seconds`.

use voordeur_kernel::Span;

/// Longest span, in days of its own kind.
const DAYS_MAX: u32 = 366;

/// What a span may look like.
const FORM: &str = "write a number and what it counts: 2 working days, 4 working hours, 30 working minutes; on the clock, at night \
                    and at weekends too: 2 hours, 30 minutes, 10 seconds";

/// Reads a span.
///
/// # Errors
/// What to write instead.
pub(crate) fn parse(text: &str) -> Result<Span, &'static str> {
    let mut words = text.split(' ');
    let (number, mut unit, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
    let working = unit == Some("working");
    if working {
        unit = rest;
    } else if rest.is_some() {
        return Err(FORM);
    }
    if words.next().is_some() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORM);
    }
    let number: u32 = number.parse().map_err(|_| FORM)?;
    let unit = unit.ok_or(FORM)?;
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    if number != 1 && singular == unit {
        return Err(FORM);
    }
    let days = |per_day: u32| number <= DAYS_MAX.saturating_mul(per_day);
    let (span, bounded) = match (working, singular) {
        (true, "day") => (Span::WorkingDays(number), days(1)),
        (true, "hour") => (Span::WorkingMinutes(number.saturating_mul(60)), days(24)),
        (true, "minute") => (Span::WorkingMinutes(number), days(24 * 60)),
        (false, "hour") => (Span::Elapsed(u64::from(number) * 60 * 60), days(24)),
        (false, "minute") => (Span::Elapsed(u64::from(number) * 60), days(24 * 60)),
        (false, "second") => (Span::Elapsed(u64::from(number)), days(24 * 60 * 60)),
        (false, "day") => return Err("write working days, or hours on the clock: 2 working days, 48 hours"),
        _ => return Err(FORM),
    };
    if bounded { Ok(span) } else { Err("give at most a year") }
}

/// Writes a span; reading it gives the same.
#[must_use]
pub fn shown(span: Span) -> String {
    let counted = |number: u64, unit: &str| {
        if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
    };
    match span {
        Span::WorkingDays(days) => counted(days.into(), "working day"),
        Span::WorkingMinutes(minutes) if minutes > 0 && minutes % 60 == 0 => {
            counted(u64::from(minutes / 60), "working hour")
        }
        Span::WorkingMinutes(minutes) => counted(minutes.into(), "working minute"),
        Span::Elapsed(seconds) if seconds > 0 && seconds % 3600 == 0 => counted(seconds / 3600, "hour"),
        Span::Elapsed(seconds) if seconds > 0 && seconds % 60 == 0 => counted(seconds / 60, "minute"),
        Span::Elapsed(seconds) => counted(seconds, "second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, span) in [
            ("1 working day", Span::WorkingDays(1)),
            ("10 working days", Span::WorkingDays(10)),
            ("4 working hours", Span::WorkingMinutes(240)),
            ("90 working minutes", Span::WorkingMinutes(90)),
            ("1 hour", Span::Elapsed(3600)),
            ("45 minutes", Span::Elapsed(2700)),
            ("10 seconds", Span::Elapsed(10)),
            ("0 working days", Span::WorkingDays(0)),
        ] {
            assert_eq!(parse(text), Ok(span), "{text}");
            assert_eq!(shown(span), text);
        }
        for bad in [
            "",
            "2",
            "two days",
            "2 days",
            "2 day",
            "-1 hours",
            "1.5 hours",
            "2 working",
            "2 working weeks",
            "2  working days",
            "working days",
            "2 working days ",
            "2 hour",
            "367 working days",
            "99999999999 hours",
            "9000 hours",
            "2 office hours",
            "+2 hours",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
