//! Everything in one process: from a signal to its answer, with the broker killed in between.

use std::time::Duration;

use serde_json::Value;
use voordeur_testkit::eventually;

use crate::support::{Everything, file, kill, voordeur, voordeur_with_input};

const SCHOOL: &str = "organisation:basisschool-de-wilg";

/// The first task on somebody's list that belongs to a signal.
async fn task_of(everything: &Everything, signal: &str, people: &[&str]) -> (String, String) {
    eventually("the signal is on somebody's list", Duration::from_secs(20), || async {
        let mut seen = String::new();
        for person in people {
            let run = everything.run(person, &["task", "list"]);
            if run.code == 0
                && let Some(task) = run.json().iter().find(|task| task["signalId"] == signal)
            {
                return Ok((task["taskId"].as_str().unwrap().to_owned(), (*person).to_owned()));
            }
            seen = format!("{seen}{person}: {} {}\n", run.out, run.err);
        }
        Err(format!("{seen}{}", everything.log()))
    })
    .await
}

fn signal(reference: &str) -> String {
    let text = std::fs::read_to_string(file("deploy/demo/signals.jsonl")).unwrap();
    let mut signal: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    signal["clientReference"] = reference.into();
    signal.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_becomes_a_task_and_its_answer_is_heard_though_the_broker_is_killed() {
    let everything = Everything::start().await;
    let endpoints = everything.endpoints.to_str().unwrap();

    let submit = ["--endpoints", endpoints, "signal", "submit", "--file", "-", "--json"];
    let receipts =
        voordeur_with_input(&submit, &format!("{}\n{}\n", signal("a-1"), signal("a-2"))).ends_with(0);
    let receipts = receipts.json();
    assert_eq!(
        receipts.iter().map(|r| r["clientReference"].as_str().unwrap()).collect::<Vec<_>>(),
        ["a-1", "a-2"]
    );
    let id = receipts[0]["accepted"]["signalId"].as_str().unwrap().to_owned();
    // The same again is the same receipt; the same reference with other content is an error of that line only.
    let other = signal("a-2").replace("\"severity\":3", "\"severity\":4");
    let again = voordeur_with_input(&submit, &format!("{}\n{other}\n", signal("a-1"))).ends_with(3).json();
    assert_eq!(again[0]["accepted"]["signalId"], id);
    assert_eq!(again[0]["accepted"]["alreadyKnown"], true);
    assert_eq!(again[1]["error"]["code"], "ALREADY_EXISTS");
    // People read what to do now, also when the signal was refused.
    let mut reused: Value = serde_json::from_str(&signal("a-2")).unwrap();
    reused["safety"] = "SAFETY_LEVEL_ACUTE".into();
    let refused = voordeur_with_input(&submit[..submit.len() - 1], &format!("{reused}\n")).ends_with(3);
    assert!(refused.out.starts_with("a-2  refused: "), "{}", refused.out);
    assert!(refused.err.contains("  -> Is er nu gevaar? Bel 112."), "{}", refused.err);

    let people = ["person:noor", "person:sam", "person:yasmina"];
    let (task, person) = task_of(&everything, &id, &people).await;
    let run = |arguments: &[&str]| everything.run(&person, arguments).ends_with(0).json().remove(0);
    let accepted = run(&["task", "accept", &task, "--key", "accept-0001"]);
    assert_eq!(accepted["task"]["state"], "TASK_STATE_ACCEPTED");
    // The same act again changes nothing.
    assert_eq!(
        run(&["task", "accept", &task, "--key", "accept-0001"])["task"]["version"],
        accepted["task"]["version"]
    );
    let revealed = run(&["task", "reveal", &task]);
    assert!(revealed["details"]["text"].as_str().unwrap().contains("stil"));

    kill(everything.broker_pid(), "KILL");
    let contact = ["task", "contact", &task, "--kind", "in-person", "--with", "signaller", "--timeout", "30"];
    assert_eq!(run(&contact)["task"]["state"], "TASK_STATE_IN_PROGRESS");
    let text = "Geef een vast maatje en een rustig plekje.";
    let answer = ["task", "answer", &task, "--outcome", "advice", "--status", "advice-given", "--text", text];
    assert_eq!(run(&answer)["task"]["state"], "TASK_STATE_COMPLETED");

    let heard = eventually("the asker hears", Duration::from_secs(20), || async {
        let run = everything.run(SCHOOL, &["signal", "get", &id, "--asker", "juf-els"]).ends_with(0);
        let reply = run.json().remove(0);
        if reply["signal"]["status"] == "SIGNAL_STATUS_ANSWERED" { Ok(reply) } else { Err(run.out) }
    })
    .await;
    assert_eq!(heard["answer"]["advice"], text);
    let episode = everything.run(&person, &["episode", "get", &task]).ends_with(0).json().remove(0);
    assert_eq!(episode["episode"]["open"], true);
    let episode = episode["episode"]["episodeId"].as_str().unwrap().to_owned();
    record_facts(&everything, &person, &episode);
    let explained = everything.run(&person, &["task", "explain", &task]).ends_with(0).json().remove(0);
    assert!(!explained["timeline"].as_array().unwrap().is_empty());
    let refused = everything.run(&person, &["task", "accept", &task]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert_eq!(everything.run("operator", &["dead-letters", "list"]).ends_with(0).out, "");
    everything.run("operator", &["streams", "status"]).ends_with(0);
}

/// A baseline, a goal with a text, support and a correction, as a professional gives them.
fn record_facts(everything: &Everything, person: &str, episode: &str) {
    let record = |fact: &[&str]| {
        let arguments: Vec<&str> =
            ["episode", "record", fact[0], episode].iter().chain(&fact[1..]).copied().collect();
        everything.run(person, &arguments).ends_with(0).json().remove(0)
    };
    let judged = record(&[
        "baseline",
        "--answer",
        "possible",
        "--probability",
        "40",
        "--with",
        "parent",
        "--with",
        "staff",
    ]);
    assert_eq!(judged["episode"]["baseline"], "BASELINE_POSSIBLE");
    assert_eq!(judged["episode"]["deadlines"].as_array().unwrap().len(), 3);
    let goal = record(&["goal", "--domain", "sociaal", "--text", "Speelt elke dag even met een ander kind."]);
    let goal = goal["factId"].as_str().unwrap();
    record(&["goal-score", "--goal", goal, "--score", "partly-reached"]);
    let support = record(&["support", "--kind", "on-the-floor", "--minutes", "45", "--key", "support-0001"]);
    let again = record(&["support", "--kind", "on-the-floor", "--minutes", "45", "--key", "support-0001"]);
    assert_eq!((&again["factId"], &again["known"]), (&support["factId"], &true.into()));
    let fact = support["factId"].as_str().unwrap();
    let colleague = if person == "person:noor" { "sam" } else { "noor" };
    record(&["correct", "--fact", fact, "--void", "--reason", "double", "--second-person", colleague]);
    let refused =
        everything.run(person, &["episode", "record", "close", episode, "--reason", "window-ended"]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    let shown = everything.run(person, &["episode", "show", episode]).ends_with(0).json().remove(0);
    assert_eq!(shown["episode"]["facts"].as_array().unwrap().len(), 5);
    let listed = everything.run(person, &["episode", "list"]).ends_with(0).json();
    assert_eq!(listed[0]["classification"]["outcome"], "undetermined");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_on_a_signal_and_finds_everything_again_even_when_it_was_killed() {
    let mut everything = Everything::start().await;
    let endpoints = everything.endpoints.to_str().unwrap().to_owned();
    let data = everything.folder.path().join("data");
    let second =
        voordeur(&["serve", "all", "--dev", "--free-ports", "--data", data.to_str().unwrap()]).ends_with(2);
    assert!(second.err.contains("another"), "{}", second.err);
    let submit = ["--endpoints", &endpoints, "signal", "submit", "--file", "-", "--json"];
    voordeur_with_input(&submit, &signal("b-1")).ends_with(0);

    everything.signal("TERM");
    let status = everything.child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{}", everything.log());
    assert!(!everything.endpoints.exists());

    everything.restart().await;
    let broker = everything.broker_pid();
    everything.signal("KILL");
    everything.child.wait().unwrap();
    std::fs::remove_file(&everything.endpoints).unwrap();
    // Its broker is still there, and is ended before a new one opens the same folder.
    everything.restart().await;
    assert_ne!(everything.broker_pid(), broker);
    let found = everything.run(SCHOOL, &["signal", "get", "b-1"]).ends_with(0).json();
    assert_eq!(found[0]["signal"]["clientReference"], "b-1");
}
