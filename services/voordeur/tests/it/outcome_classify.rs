//! `voordeur outcome classify`, on the histories with known answers and on broken ones.

use std::fs;

use serde_json::{Value, json};

use crate::support::{file, voordeur, voordeur_with_input};

const VECTORS: &str = "crates/escalation-domain/tests/it/vectors";

fn document(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(file(VECTORS).join(name)).unwrap()).unwrap()
}

/// The answer to an input.
fn classified(input: &Value) -> Value {
    let run = voordeur_with_input(&["outcome", "classify"], &input.to_string()).ends_with(0);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

/// What is wrong with an input.
fn faults(input: &str) -> String {
    let run = voordeur_with_input(&["outcome", "classify"], input).ends_with(2);
    assert_eq!(run.out, "");
    run.err
}

#[test]
fn every_history_with_a_known_answer_comes_out() {
    for (name, count) in [("esc-1.json", 42), ("esc-1-further.json", 68)] {
        let document = document(name);
        let vectors = document["vectors"].as_array().unwrap();
        let answers = classified(&document);
        let answers = answers.as_array().unwrap();
        assert_eq!((vectors.len(), answers.len()), (count, count));
        for (vector, answer) in vectors.iter().zip(answers) {
            assert_eq!(answer["n"], vector["n"]);
            for (field, expected) in vector["expect"].as_object().unwrap() {
                let found = &answer[if field == "flags_include" { "flags" } else { field }];
                let right = match expected.as_array() {
                    Some(flags) => flags.iter().all(|flag| found.as_array().unwrap().contains(flag)),
                    None => found == expected,
                };
                assert!(right, "{name} {}: {field} {found} for {expected}", vector["n"]);
            }
        }
    }
}

#[test]
fn one_history_gives_an_object_an_array_an_array_and_a_file_the_same() {
    let vectors = document("esc-1.json")["vectors"].clone();
    let one = classified(&vectors[0]);
    assert_eq!(one["class"], "avoided");
    assert_eq!(one["baseline"], json!({"level": "imminent", "day": "2025-09-01"}));
    assert_eq!((&one["day"], &one["survival"]), (&Value::Null, &json!({"time": 370, "cause": 0})));
    assert_eq!(classified(&json!([vectors[0]])), json!([one]));
    assert_eq!(classified(&json!([])), json!([]));
    let path = file(VECTORS).join("esc-1.json");
    let run = voordeur(&["outcome", "classify", path.to_str().unwrap()]).ends_with(0);
    assert_eq!(serde_json::from_str::<Value>(&run.out).unwrap()[0], one);
}

#[test]
fn order_and_repetition_mean_nothing() {
    let vectors = document("esc-1.json")["vectors"].clone();
    let mut turned = vectors.clone();
    for vector in turned.as_array_mut().unwrap() {
        let events = vector["events"].as_array_mut().unwrap();
        events.reverse();
        events.push(events[0].clone());
    }
    assert_eq!(classified(&turned), classified(&vectors));
}

#[test]
fn every_fault_is_told_at_once_with_its_place_and_without_its_value() {
    let broken = json!([
        {"W": -1, "T": "2026-02-30", "events": [
            {"id": "a", "kind": "SignalReceived", "effective": "2026-01-01", "recorded": "20260101", "subject": "Kees"},
            {"id": "b", "kind": "Referral", "effective": "2026-01-01", "recorded": "2026-01-01"},
            {"kind": "FollowUpChecked", "effective": "2026-01-01", "recorded": "2026-01-01", "covers_until": 7},
        ]},
        "Kees",
        {"W": 365, "T": "2026-01-01", "K": "gisteren", "events": {}},
    ]);
    let told = faults(&broken.to_string());
    for place in [
        "[0].W:",
        "[0].T:",
        "[0].events[0].recorded:",
        "[0].events[0].subject: must be one of child, group, anonymous",
        "[0].events[1].kind:",
        "[0].events[2].id: is missing",
        "[0].events[2].covers_until:",
        "[0].events[2].jeugdhulp: is missing",
        "[0].events[2].onderwijs: is missing",
        "[0].events[2].need: is missing",
        "[1]: must be an object",
        "[2].K:",
        "[2].events: must be an array",
    ] {
        assert!(told.contains(place), "{place}\n{told}");
    }
    assert!(told.contains("13 faults") && !told.contains("Kees") && !told.contains("gisteren"), "{told}");
    assert!(faults("{\"W\": 365,\n \"T\": Kees}").contains("line 2, column"));
    assert!(faults("[{}]").contains("[0].events:"));
    assert!(voordeur(&["outcome", "classify", "/nowhere.json"]).ends_with(2).err.contains("/nowhere.json"));
}

#[test]
fn one_id_with_two_contents_is_a_fault() {
    let mut history = document("esc-1.json")["vectors"][0].clone();
    let events = history["events"].as_array_mut().unwrap();
    let mut other = events[2].clone();
    other["level"] = json!("none");
    events.push(other);
    let told = faults(&history.to_string());
    assert!(told.contains("events[5].id: events[2] has the same id and says something else"), "{told}");
}

/// The first history of the given ones, with a correction of it.
fn corrected(correction: &Value) -> Value {
    let mut history = document("esc-1.json")["vectors"][0].clone();
    let mut event =
        json!({"id": "k", "kind": "Corrected", "effective": "2026-09-20", "recorded": "2026-09-20"});
    event.as_object_mut().unwrap().extend(correction.as_object().unwrap().clone());
    history["events"].as_array_mut().unwrap().push(event);
    history
}

#[test]
fn several_fields_are_corrected_at_once() {
    let set = json!({"target": "FollowUpChecked@370", "set": {"need": "concern", "effective": "2026-09-08",
        "covers_until": "2026-09-07"}});
    let found = classified(&corrected(&set));
    assert_eq!(found["reason"], "UNMET_NEED");
    assert_eq!(found["survival"], json!({"time": 371, "cause": 0}));
    assert_eq!(found["flags"], json!(["baseline_imminent", "corrected"]));
}

#[test]
fn a_correction_that_cannot_be_is_a_fault() {
    for (correction, place) in [
        (json!({"set": {"need": "ok"}}), "events[5].target: is missing"),
        (json!({"target": "SupportGiven@10"}), "events[5].set: give the fields"),
        (json!({"target": "SupportGiven@10", "set": {}}), "events[5].set: give the fields"),
        (
            json!({"target": "SupportGiven@10", "set": {"need": "ok"}}),
            "events[5].set.need: cannot be corrected",
        ),
        (
            json!({"target": "SupportGiven@10", "set": {"recorded": "2026-01-01"}}),
            "events[5].set.recorded: cannot",
        ),
        (
            json!({"target": "SupportGiven@10", "void": true, "set": {"effective": "2026-01-01"}}),
            "events[5].set: a fact",
        ),
        (json!({"target": "SupportGiven@10", "void": "ja"}), "events[5].void: must be true or false"),
        (
            json!({"target": "BaselineAssessed@0", "set": {"level": "high"}}),
            "events[5].set.level: must be one of",
        ),
    ] {
        let told = faults(&corrected(&correction).to_string());
        assert!(told.contains(place), "{correction}: {told}");
    }
}
