//! `voordeur routes check`.

use std::{path::Path, process::ExitCode};

use serde_json::{Value, json};
use voordeur_directory::Finding;
use voordeur_routing_domain::ladder::Ladder;

use super::{read_policy, text};
use crate::{
    failure::{Failure, Why},
    operations, output,
};

/// Exit code of a policy that is good, with something to look at.
const WARNINGS: u8 = 1;

pub(super) fn run(file: &Path, json: bool) -> Result<ExitCode, Failure> {
    let found = match read_policy(file)? {
        Ok(found) => found,
        Err(faults) if json => {
            output::value(&json!({ "faults": findings(faults.iter()), "warnings": [] }), true)?;
            return Ok(ExitCode::from(Why::Usage as u8));
        }
        Err(faults) => return Err(operations::directory::faulty(file, &faults)),
    };
    let warnings: Vec<&Finding> = found.warnings.iter().filter(|warning| concerns_routing(warning)).collect();
    let code = if warnings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WARNINGS) };
    let own = found.policy.version() != Ladder::BUILT_IN;
    if json {
        let mut value = json!({
            "policy": text::policy_json(&found.policy), "builtIn": !own, "faults": [],
            "warnings": findings(warnings.into_iter()), "comparedWithDirectory": found.directory.is_some(),
        });
        if let (Some(arrangements), Some(fields)) = (arrangements(&found), value.as_object_mut()) {
            fields.insert("arrangements".to_owned(), arrangements);
        }
        output::value(&value, true)?;
        return Ok(code);
    }
    let heading = if own {
        format!("policy, version {}", found.policy.version())
    } else {
        "the built-in policy: the file has no [routing]".to_owned()
    };
    output::line(&heading)?;
    text::tree(&found.policy).iter().try_for_each(|line| output::line(&format!("  {line}")))?;
    output::line("ladders")?;
    for ladder in found.policy.ladders() {
        text::ladder(ladder).iter().try_for_each(|line| output::line(&format!("  {line}")))?;
    }
    output::line("whatever stands in a policy")?;
    text::ladder(&Ladder::safety()).iter().try_for_each(|line| output::line(&format!("  {line}")))?;
    for warning in &warnings {
        output::complain(&format!("warning: {warning}"));
    }
    if found.directory.is_none() {
        output::complain(
            "the file has no directory: organisations, centres, groups and people were not compared",
        );
    }
    Ok(code)
}

/// Other parts of a directory have a check of their own.
fn concerns_routing(warning: &Finding) -> bool {
    let part = |part: &str| warning.path == part || warning.path.starts_with(&format!("{part}."));
    part("routing") || warning.path.starts_with("arrangement") || warning.reason == "NOBODY_PRESENT"
}

fn findings<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Value> {
    findings
        .map(|finding| {
            json!({
                "line": finding.line, "path": finding.path, "reason": finding.reason,
                "description": finding.description,
            })
        })
        .collect()
}

fn arrangements(found: &super::PolicyFile) -> Option<Value> {
    let directory = found.directory.as_ref()?;
    let all = directory.arrangements().map(|arrangement| {
        json!({
            "centre": arrangement.centre.as_str(), "neighbour": arrangement.neighbour.as_str(),
            "from": arrangement.period.from.map(|day| day.to_string()),
            "until": arrangement.period.until.map(|day| day.to_string()),
        })
    });
    Some(all.collect())
}
