//! One measurement: callers that repeat something for a while, and what came out of it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// What a measurement came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) count: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Sample {
    /// Latencies in milliseconds, and how long it took to gather them.
    pub(crate) fn of(mut latencies: Vec<f64>, elapsed: Duration) -> Self {
        latencies.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        let per_second = latencies.len() as f64 / elapsed.as_secs_f64();
        let (p50_ms, p99_ms) = (quantile(&latencies, 50), quantile(&latencies, 99));
        Self { count: latencies.len(), per_second, p50_ms, p99_ms }
    }
}

/// A value of a sorted list; `NaN` when there is none.
pub(crate) fn quantile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN)
}

/// The one in the middle; of two in the middle the higher.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Callers side by side. Each gets its number and the moment after which it begins nothing any more, and returns its latencies in
/// milliseconds; what was begun is finished and counts, in the time too.
pub(crate) async fn side_by_side<W, F>(callers: usize, length: Duration, caller: W) -> Sample
where
    W: Fn(usize, Instant) -> F,
    F: Future<Output = Vec<f64>> + Send + 'static,
{
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..callers {
        running.spawn(caller(number, began + length));
    }
    let latencies = running.join_all().await.concat();
    Sample::of(latencies, began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_tells_its_rate_and_its_quantiles() {
        let latencies: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let sample = Sample::of(latencies, Duration::from_secs(2));
        assert_eq!(sample, Sample { count: 200, per_second: 100.0, p50_ms: 100.0, p99_ms: 198.0 });
        assert!(Sample::of(Vec::new(), Duration::from_secs(1)).p50_ms.is_nan());
    }

    #[test]
    fn the_median_does_not_mind_the_order() {
        assert!((median(&[9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0]) - 4.0).abs() < f64::EPSILON);
    }
}
