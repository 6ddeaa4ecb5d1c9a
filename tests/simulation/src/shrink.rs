//! Making a run that broke a promise smaller: fewer choices, fewer kinds of trouble, fewer replicas, as long as the same promise breaks
//! in the same words. Every choice has dice of its own, so that leaving one out changes as little as it can of the others.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    run::{Failure, run_caught},
    settings::{Kind, Settings},
};

/// How much may be spent on one failure.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Runs.
    pub runs: usize,
    /// Time; the run that is under way is finished.
    pub time: Duration,
}

impl Default for Bound {
    fn default() -> Self {
        Self { runs: 250, time: Duration::from_secs(30) }
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The smallest run that was found, which may be the one that there was.
    pub failure: Failure,
    /// Runs that it took.
    pub runs: usize,
}

struct Search<'a> {
    best: Failure,
    signature: String,
    runs: usize,
    bound: Bound,
    began: Instant,
    play: &'a dyn Fn(&Settings) -> Option<Box<Failure>>,
}

/// Looks for a smaller run that breaks the same promise.
#[must_use]
pub fn shrink(failure: &Failure, bound: Bound) -> Shrunk {
    shrink_with(failure, bound, &|settings| run_caught(settings).err())
}

/// The same with another way to play, for tests.
pub fn shrink_with(
    failure: &Failure,
    bound: Bound,
    play: &dyn Fn(&Settings) -> Option<Box<Failure>>,
) -> Shrunk {
    let mut search = Search {
        best: failure.clone(),
        signature: failure.signature(),
        runs: 0,
        bound,
        began: Instant::now(),
        play,
    };
    search.end_early();
    for (kind, _) in Kind::ALL {
        search.leave_out(kind);
    }
    search.fewer_replicas();
    search.fewer_choices();
    Shrunk { failure: search.best, runs: search.runs }
}

impl Search<'_> {
    /// Keeps a smaller run if it breaks the same promise.
    fn try_out(&mut self, smaller: &Settings) -> bool {
        if self.runs >= self.bound.runs || self.began.elapsed() >= self.bound.time {
            return false;
        }
        self.runs += 1;
        match (self.play)(smaller) {
            Some(failure) if failure.signature() == self.signature => {
                self.best = *failure;
                true
            }
            _ => false,
        }
    }

    /// What comes after the choice at which it broke is not needed; often quiet begins much earlier.
    fn end_early(&mut self) {
        let mut low = 0;
        let mut high = self.best.step;
        while low < high {
            let middle = low + (high - low) / 2;
            let settings = Settings { steps: Some(middle), ..self.best.settings.clone() };
            if self.try_out(&settings) {
                high = middle.min(self.best.step);
            } else {
                low = middle + 1;
            }
        }
        if self.best.settings.steps.is_none() {
            let settings = Settings { steps: Some(self.best.step), ..self.best.settings.clone() };
            self.try_out(&settings);
        }
    }

    fn leave_out(&mut self, kind: Kind) {
        let mut settings = self.best.settings.clone();
        if settings.without.insert(kind) {
            self.try_out(&settings);
        }
    }

    fn fewer_replicas(&mut self) {
        for replicas in [1, 2] {
            let settings = Settings { replicas: Some(replicas), ..self.best.settings.clone() };
            if self.best.settings.replicas.is_none() && self.try_out(&settings) {
                return;
            }
        }
    }

    /// Leaves choices out, first halves, then quarters, at last one by one.
    fn fewer_choices(&mut self) {
        let mut size = self.choices().len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            let mut found = false;
            loop {
                let choices: Vec<u64> = self.choices().into_iter().collect();
                if at >= choices.len() {
                    break;
                }
                let kept = choices.iter().take(at).chain(choices.iter().skip(at + size));
                let only: BTreeSet<u64> = kept.copied().collect();
                let settings = Settings { only: Some(only), ..self.best.settings.clone() };
                if self.try_out(&settings) {
                    found = true;
                } else {
                    at += size;
                }
            }
            // One by one until nothing more can go: what was needed by something that went may go as well.
            if size > 1 || !found {
                size /= 2;
            }
        }
    }

    fn choices(&self) -> BTreeSet<u64> {
        let settings = &self.best.settings;
        settings.only.clone().unwrap_or_else(|| (1..=settings.steps.unwrap_or(self.best.step)).collect())
    }
}
