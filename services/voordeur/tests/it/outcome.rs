//! `voordeur outcome survival`, beside the numbers of R.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::support::{file, voordeur, voordeur_with_input};

const REFERENCE: &str = "crates/outcome-statistics/tests/reference";

/// Every leaf of the expected answer that the answer does not have, and how many were compared.
fn compare(path: &str, expected: &Value, found: &Value, faults: &mut Vec<String>) -> usize {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let about_the_file = ["made_with", "note"];
            let leaves = expected.iter().filter(|(name, _)| !about_the_file.contains(&name.as_str()));
            let missing = Value::String("nothing".into());
            leaves
                .map(|(name, value)| {
                    compare(&format!("{path}/{name}"), value, found.get(name).unwrap_or(&missing), faults)
                })
                .sum()
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            expected.iter().zip(found).map(|(a, b)| compare(path, a, b, faults)).sum()
        }
        (expected, found) => {
            let same = match (expected.as_f64(), found.as_f64()) {
                // R gives 4.6e-17 where it means 0.
                (Some(a), Some(b)) if a.abs() < 1e-15 => b.abs() < 1e-15,
                (Some(a), Some(b)) => (a - b).abs() <= 1e-10 * a.abs(),
                _ => expected == found,
            };
            if !same {
                faults.push(format!("{path}: expected {expected:.60}, found {found:.60}"));
            }
            1
        }
    }
}

/// The days and the span that an expected answer was asked for.
fn asked(expected: &Value, days: &mut BTreeSet<u64>, tau: &mut Option<u64>) {
    let Value::Object(fields) = expected else { return };
    if let Some(at) = expected.pointer("/at/time").and_then(Value::as_array) {
        days.extend(at.iter().filter_map(Value::as_u64));
    }
    *tau = tau.or(expected.pointer("/rmst/tau").and_then(Value::as_u64));
    fields.values().for_each(|value| asked(value, days, tau));
}

#[test]
fn survival_gives_the_numbers_of_r_for_every_data_set() {
    let (mut compared, mut faults) = (0, Vec::new());
    for entry in fs::read_dir(file(REFERENCE).join("data")).unwrap() {
        let data = entry.unwrap().path();
        let name = data.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = fs::read_to_string(file(REFERENCE).join(format!("expected/{name}.json"))).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let (mut days, mut tau) = (BTreeSet::new(), None);
        asked(&expected, &mut days, &mut tau);
        let days = days.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let tau = tau.unwrap_or(365).to_string();
        let mut arguments = vec!["outcome", "survival", data.to_str().unwrap(), "--tau", &tau];
        if !days.is_empty() {
            arguments.extend(["--at", &days]);
        }
        if name == "kc_synth" {
            arguments.extend(["--by", "period", "--by", "baseline", "--strata", "baseline"]);
        }
        let found = voordeur(&arguments).ends_with(0).json();
        assert_eq!(found.len(), 1, "one line");
        compared += compare(&name, &expected, &found[0], &mut faults);
    }
    assert!(faults.is_empty(), "{} of {compared}:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(compared, 38_977, "every leaf of every file");
}

#[test]
fn standard_input_is_read_and_what_does_not_exist_is_null() {
    let run =
        voordeur_with_input(&["outcome", "survival", "-", "--json"], "time,status\n5,0\n7,0\n").ends_with(0);
    let answer = &run.json()[0];
    assert_eq!(answer["km"]["overall"]["median"]["value"], Value::Null);
    assert_eq!(answer["km"]["overall"]["rmst"]["value"], Value::Null);
    assert_eq!(answer["km"]["overall"]["rmst"]["beyond_last_time"], true);
    assert_eq!(answer["km"]["overall"]["table"]["loglog_lower"][0], Value::Null);
    assert_eq!(answer["km"]["overall"]["table"]["surv"][0], 1.0);
}

#[test]
fn a_comparison_of_few_events_says_that_it_is_not_to_be_reported() {
    let input = "time,status,group\n1,1,a\n2,1,b\n3,0,a\n4,1,b\n";
    let answer = &voordeur_with_input(&["outcome", "survival", "-"], input).ends_with(0).json()[0];
    assert!(answer["logrank"]["note"].as_str().unwrap().contains("fewer than 20"));
    assert!(answer["logrank"]["p"].is_f64());
    // One group is nothing to compare.
    let one = "time,status,group\n1,1,a\n2,1,a\n";
    let answer = &voordeur_with_input(&["outcome", "survival", "-"], one).ends_with(0).json()[0];
    assert!(answer.get("logrank").is_none() && answer["km"]["a"]["n"] == 2);
}

#[test]
fn every_fault_of_a_file_is_told_with_its_line_and_never_with_its_value() {
    let input = "id,time,cause,group\n1,5,1,a\n2,-3,1,b\nAnna,4,mazelen,a\n4,4\n\n5,4.5,256,\n";
    let run = voordeur_with_input(&["outcome", "survival", "-"], input).ends_with(2);
    assert_eq!(run.out, "");
    let faults: Vec<&str> = run.err.lines().filter_map(|line| line.trim().strip_prefix("line ")).collect();
    let begins = ["3: `time`", "4: `cause`", "5: 2 fields", "7: `time`", "7: `cause`", "7: `group` is empty"];
    assert_eq!(faults.len(), begins.len(), "{}", run.err);
    assert!(faults.iter().zip(begins).all(|(fault, begin)| fault.starts_with(begin)), "{}", run.err);
    for value in ["Anna", "mazelen", "-3", "4.5", "256"] {
        assert!(!run.err.contains(&format!(" {value}")), "{}", run.err);
    }
    let run = voordeur_with_input(&["outcome", "survival", "-", "--json"], input).ends_with(2);
    let error: Value = serde_json::from_str(run.err.trim()).unwrap();
    assert_eq!(error["error"]["faults"].as_array().unwrap().len(), 6);
}

#[test]
fn a_column_with_a_value_for_everybody_is_no_comparison() {
    let rows: String = (0..60).map(|id| format!("{id},{id},1\n")).collect();
    let input = format!("id,time,status\n{rows}");
    let run = voordeur_with_input(&["outcome", "survival", "-", "--by", "id"], &input).ends_with(2);
    assert!(run.err.contains("`id` has 60 values"), "{}", run.err);
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let refused = |input: &str| voordeur_with_input(&["outcome", "survival", "-"], input).ends_with(2).err;
    for (input, line) in [
        ("time,status\n1,1\nx,1", "line 3:"),
        ("time,status\r\n1,1\r\n\r\nx,1\r\n1,1\r\n", "line 4:"),
        ("time,status\n\n\n1,1\nx,1\n\n", "line 5:"),
        ("time,status,note\n1,1,\"two\nlines\"\nx,1,\"a\"\n", "line 4:"),
    ] {
        let err = refused(input);
        assert!(err.contains(line), "{input:?}: {err}");
    }
}

#[test]
fn a_file_without_the_columns_is_refused_with_all_that_is_missing() {
    let refused = |arguments: &[&str], input: &str| {
        voordeur_with_input(&[&["outcome", "survival", "-"], arguments].concat(), input).ends_with(2).err
    };
    let missing = refused(&["--by", "period", "--strata", "baseline"], "id,day\n1,5\n");
    for column in ["`time`", "`status`", "`period`", "`baseline`"] {
        assert!(missing.contains(column), "{missing}");
    }
    assert!(refused(&[], "time,status,cause\n1,1,1\n").contains("give one"));
    assert!(refused(&[], "time,status\n").contains("no subjects"));
    assert!(refused(&[], "").contains("`time`"));
    let run = voordeur(&["outcome", "survival", "/nowhere.csv"]).ends_with(2);
    assert!(run.err.contains("cannot read /nowhere.csv"), "{}", run.err);
}
