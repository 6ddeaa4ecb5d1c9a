//! Deadlines: what the caller gave in `grpc-timeout`, or the default. A little is kept back, so that the answer still arrives.

use std::time::Duration;

use http::HeaderMap;
use voordeur_eventlog::Deadline;
use voordeur_kernel::limits;

/// Longest time that is honoured; the protocol allows eight digits of hours.
const TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// When a handler has to have its answer, and when it is cut off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// For the handler and everything it waits for.
    pub(crate) handler: Deadline,
    /// When the call is answered for it. Before the moment the transport would end it with CANCELLED instead.
    pub(crate) hard: Deadline,
    /// The caller set it.
    pub(crate) given: bool,
}

impl Times {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, BadTimeout> {
        let given =
            headers.get("grpc-timeout").map(|value| value.to_str().ok().and_then(parse).ok_or(BadTimeout));
        let given = given.transpose()?;
        let time = given.unwrap_or(limits::REQUEST_TIME_DEFAULT).min(TIME_MAX);
        let margin = (time / 10).min(Duration::from_millis(50));
        let now = Deadline::now();
        Ok(Self {
            handler: now + (time - margin - margin / 2),
            hard: now + (time - margin),
            given: given.is_some(),
        })
    }
}

/// A `grpc-timeout` that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadTimeout;

/// Reads `grpc-timeout`: one to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    Some(match unit {
        'H' => Duration::from_secs(value * 3600),
        'M' => Duration::from_secs(value * 60),
        'S' => Duration::from_secs(value),
        'm' => Duration::from_millis(value),
        'u' => Duration::from_micros(value),
        'n' => Duration::from_nanos(value),
        _ => return None,
    })
}

/// Until when this request may take: a little before what the caller gave in `grpc-timeout`, or the default. Pass it on to
/// everything that is waited for.
#[must_use]
pub fn deadline<T>(request: &tonic::Request<T>) -> Deadline {
    request
        .extensions()
        .get::<Times>()
        .map_or_else(|| Deadline::now() + limits::REQUEST_TIME_DEFAULT, |t| t.handler)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        let table = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("100m", Some(Duration::from_millis(100))),
            ("5u", Some(Duration::from_micros(5))),
            ("7n", Some(Duration::from_nanos(7))),
            ("", None),
            ("S", None),
            ("5", None),
            ("-5S", None),
            ("1.5S", None),
            ("123456789S", None),
            ("5é", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_handler_ends_before_the_call_and_the_call_before_the_caller() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", "1S".parse().unwrap());
        let start = Deadline::now();
        let times = Times::of(&headers).unwrap();
        assert!(times.handler < times.hard && times.hard < start + Duration::from_secs(1) && times.given);
        let times = Times::of(&HeaderMap::new()).unwrap();
        assert!(times.handler > start + Duration::from_secs(9) && !times.given);
        headers.insert("grpc-timeout", "soon".parse().unwrap());
        assert_eq!(Times::of(&headers).unwrap_err(), BadTimeout);
    }
}
