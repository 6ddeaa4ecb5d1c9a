//! Waiting for a condition, never for a while.

use std::{fmt::Display, time::Duration};

use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// Waits until a check succeeds and returns what it found.
///
/// # Panics
/// When it has not succeeded in time; the message shows what it said last.
pub async fn eventually<T, S, C, R>(what: &str, within: Duration, mut check: C) -> T
where
    S: Display,
    C: FnMut() -> R,
    R: Future<Output = Result<T, S>>,
{
    let end = Instant::now() + within;
    loop {
        match check().await {
            Ok(found) => return found,
            Err(status) if Instant::now() >= end => {
                panic!("waited {within:?} for: {what}; the last status was: {status}")
            }
            Err(_) => sleep(INTERVAL).await,
        }
    }
}
