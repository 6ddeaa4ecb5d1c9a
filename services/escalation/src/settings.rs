//! What the service is told at its start.

use std::{path::Path, sync::Arc};

use serde::Deserialize;
use voordeur_chassis::StartError;
use voordeur_directory::DirectoryWatch;
use voordeur_escalation_domain::FollowUpPlan;
use voordeur_vault::KeyFile;

/// The plan that is compiled in, with its explanation.
pub const FOLLOW_UP_DEFAULT: &str = include_str!("follow_up.toml");

/// Most days of a plan.
const DAYS_MAX: usize = 24;
/// Furthest day of a plan: two years, the follow-on of the window.
const DAY_MAX: u16 = 730;

/// Settings of escalation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The derivation key; key-encryption keys are not used here.
    pub keys: Arc<KeyFile>,
    /// The directory, when somebody else follows it already; else the service follows it itself.
    pub directory: Option<Arc<DirectoryWatch>>,
    /// When children are asked after.
    pub follow_up: FollowUpPlan,
}

impl Settings {
    /// The usual settings with these keys.
    #[must_use]
    pub fn new(keys: Arc<KeyFile>) -> Self {
        Self { keys, directory: None, follow_up: FollowUpPlan::default() }
    }
}

/// A plan as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    version: u32,
    days: Vec<u16>,
    sample_percent: u8,
    ask_again_after_days: u16,
}

/// Reads a plan of follow-up checks.
///
/// # Errors
/// What is wrong, all of it at once.
pub fn read_follow_up(text: &str) -> Result<FollowUpPlan, String> {
    let file: PlanFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let mut faults = Vec::new();
    if file.version == 0 {
        faults.push("version: count from 1");
    }
    if file.days.is_empty() || file.days.len() > DAYS_MAX {
        faults.push("days: give 1-24 of them");
    }
    if file.days.iter().any(|day| !(1..=DAY_MAX).contains(day)) {
        faults.push("days: give days after the baseline, 1-730");
    }
    if file.days.windows(2).any(|pair| pair.first() >= pair.last()) {
        faults.push("days: give each once, in order");
    }
    if file.sample_percent > 100 {
        faults.push("sample_percent: give 0-100");
    }
    if !(1..=DAY_MAX).contains(&file.ask_again_after_days) {
        faults.push("ask_again_after_days: give 1-730");
    }
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    Ok(FollowUpPlan {
        version: file.version,
        days: file.days,
        sample_percent: file.sample_percent,
        ask_again_after_days: file.ask_again_after_days,
    })
}

/// Reads the plan in a file; the one that is compiled in when the path is empty.
///
/// # Errors
/// When it cannot be read, or what is wrong in it.
pub fn load_follow_up(path: &Path) -> Result<FollowUpPlan, StartError> {
    let shown = path.display();
    let wrong = |what: String| StartError::Settings(format!("escalation.follow_up_file: {shown}: {what}"));
    if path.as_os_str().is_empty() {
        return read_follow_up(FOLLOW_UP_DEFAULT).map_err(wrong);
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    read_follow_up(&text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_that_is_compiled_in_is_the_default() {
        assert_eq!(read_follow_up(FOLLOW_UP_DEFAULT), Ok(FollowUpPlan::default()));
        assert_eq!(load_follow_up(Path::new("")).unwrap(), FollowUpPlan::default());
    }

    #[test]
    fn a_plan_is_refused_with_every_fault_at_once() {
        let wrong = "version = 0\ndays = [180, 90, 0]\nsample_percent = 101\nask_again_after_days = 0";
        let told = read_follow_up(wrong).unwrap_err();
        for field in
            ["version", "days: give days", "days: give each once", "sample_percent", "ask_again_after_days"]
        {
            assert!(told.contains(field), "{field}: {told}");
        }
        assert!(
            read_follow_up(
                "version = 1\ndays = [90]\nsample_percent = 1\nask_again_after_days = 7\nmore = 1"
            )
            .is_err()
        );
        assert!(
            load_follow_up(Path::new("/nowhere/plan.toml")).unwrap_err().to_string().contains("plan.toml")
        );
    }
}
