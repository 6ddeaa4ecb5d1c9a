//! What the demonstration tells: one line per thing that happened, with the time since it began.

use serde::Serialize;
use tokio::time::Instant;

use crate::output::counted;

/// Prints to the terminal.
#[derive(Debug, Clone)]
pub(super) struct Story {
    began: Instant,
}

impl Story {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// A new part.
    pub(super) fn chapter(&self, title: &str) {
        self.line(&format!("\n{title}"));
    }

    /// Something happened.
    pub(super) fn say(&self, text: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        for line in text.lines() {
            self.line(&format!("{seconds:7.2}s  {line}"));
        }
    }

    /// Somebody else's words, as they stand.
    pub(super) fn quote(&self, text: &str) {
        text.trim_end().lines().for_each(|line| self.line(&format!("          {line}")));
    }

    pub(super) fn summary(&self, summary: &Summary) {
        self.say(&format!(
            "{} acknowledged, {} of them with exactly one task ({} in all)",
            counted(summary.signals, "signal", "signals"),
            summary.signals_with_exactly_one_task,
            counted(summary.tasks, "task", "tasks")
        ));
        self.say(&format!("{} heard by their askers", counted(summary.answers_heard, "answer", "answers")));
        self.say(&format!(
            "{} children have an episode, with {} facts recorded; {} messages were parked",
            summary.episodes, summary.facts, summary.parked
        ));
        self.say(&format!("the auditor, which asks no service, finds {} things wrong", summary.findings));
        self.say(&format!("processes killed on the way: {}", summary.kills.join(", ")));
        self.say(if summary.holds() {
            "Nothing was lost and nothing happened twice."
        } else {
            "This is not as it should be: something was lost, doubled or not answered."
        });
    }

    pub(super) fn json(&self, summary: &Summary) {
        let mut line = serde_json::json!(summary);
        if let Some(line) = line.as_object_mut() {
            line.insert("ok".to_owned(), summary.holds().into());
        }
        self.line(&line.to_string());
    }

    #[expect(clippy::print_stdout, reason = "the story is what this command is for")]
    #[expect(clippy::unused_self, reason = "one place that prints")]
    fn line(&self, text: &str) {
        println!("{text}");
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) signals: usize,
    pub(super) tasks: usize,
    pub(super) signals_with_exactly_one_task: usize,
    pub(super) answers_heard: usize,
    pub(super) episodes: usize,
    pub(super) facts: usize,
    pub(super) parked: usize,
    pub(super) findings: usize,
    pub(super) kills: Vec<String>,
    pub(super) seconds: f64,
}

impl Summary {
    /// Is everything as promised?
    pub(super) fn holds(&self) -> bool {
        self.signals > 0
            && self.tasks == self.signals
            && self.signals_with_exactly_one_task == self.signals
            && self.answers_heard == self.signals
            && self.episodes > 0
            && self.facts == 2 * self.episodes
            && self.parked == 0
            && self.findings == 0
    }
}
