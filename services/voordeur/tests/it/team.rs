//! The team around a task, and its explanation, from the command line.

use std::time::Duration;

use serde_json::Value;
use voordeur_testkit::eventually;

use crate::support::{Everything, voordeur};

/// A task that is Noor's whatever the hour: the look-back on work of hers.
async fn noors(everything: &Everything) -> String {
    let run = |arguments: &[&str]| everything.run("person:noor", arguments).ends_with(0).json().remove(0);
    let today = run(&["activity", "note", "--kind", "meekijken", "--minutes", "15", "--centre", "de-wilg"]);
    let today = today["activity"]["on"].as_str().unwrap().to_owned();
    let note = [
        &["activity", "note", "--kind", "coaching", "--minutes", "30", "--group", "vossen"][..],
        &["--theme", "gedrag", "--agreed", "Elke ochtend samen de dag openen.", "--look-back", &today],
        &["--centre", "de-wilg"],
    ];
    run(&note.concat());
    eventually("the look-back is on her list", Duration::from_secs(20), || async {
        let list = everything.run("person:noor", &["task", "list"]).ends_with(0);
        let tasks = list.json();
        let found = tasks.iter().find(|task| task["followUp"]["label"] == "Terugblik");
        found.map(|task| task["taskId"].as_str().unwrap().to_owned()).ok_or(list.out)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_met_about_passed_on_explained_and_continued() {
    let everything = Everything::start().await;
    let task = noors(&everything).await;
    let does = |who: &str, arguments: &[&str]| -> Value {
        let who = format!("person:{who}");
        everything.run(&who, &[&["task"][..], arguments].concat()).ends_with(0).json().remove(0)
    };
    let noor = |arguments: &[&str]| does("noor", arguments);

    let invite = [
        &["plan-meeting", &task, "--at", "2099-01-12T15:30", "--role", "intern-begeleider"][..],
        &["--person", "marit"],
    ];
    assert_eq!(noor(&invite.concat())["task"]["meetingAt"], "2099-01-12T14:30:00Z");
    let moved = noor(&["record-meeting", &task, "--end", "moved"]);
    assert!(moved["task"]["meetingAt"].is_null(), "{moved}");
    let parents = [&invite.concat()[..], &["--invite-parents"]].concat();
    let parents = everything.run("person:noor", &[&["task"][..], &parents].concat()).ends_with(3);
    assert!(parents.err.contains("no parents to invite"), "{}", parents.err);

    let asked = noor(&["transfer", &task, "--to", "marit", "--reason", "transfer-on-request"]);
    assert_eq!((&asked["task"]["holder"], &asked["task"]["transferTo"]), (&"noor".into(), &"marit".into()));
    noor(&["withdraw-transfer", &task]);
    noor(&["transfer", &task, "--to", "marit", "--reason", "workload"]);
    does("marit", &["take-over", &task, "--no", "no-time"]);
    noor(&["transfer", &task, "--to", "marit", "--reason", "workload"]);
    let taken = does("marit", &["take-over", &task, "--yes"]);
    assert_eq!(taken["task"]["holder"], "marit");
    let left = everything.run("person:marit", &["task", "leave-with-holder", &task]).ends_with(3);
    assert!(left.err.contains("not away"), "{}", left.err);

    does("marit", &["answer", &task, "--outcome", "done"]);
    let more = does("sam", &["further-work", &task, "--reason", "agreed", "--domain", "gedrag"]);
    assert_eq!(more["task"]["continuesTaskId"], task.as_str());
    assert_eq!(more["task"]["furtherWork"], "FURTHER_WORK_REASON_AGREED");

    let explained = noor(&["explain", &task]);
    let events: Vec<&str> =
        explained["timeline"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!((events[0], *events.last().unwrap()), ("requested", "linked"));
    let endpoints = everything.endpoints.display().to_string();
    let plain =
        voordeur(&["--endpoints", &endpoints, "--as", "person:noor", "task", "explain", &task]).ends_with(0);
    for part in [
        "the built-in policy",
        "Ladder: follow-up",
        "Clocks when it was made",
        "follows_her_work",
        "noor (professional)  [workload; marit; directory 1]",
        "marit (coordinator)  [accepted; directory 1]",
    ] {
        assert!(plain.out.contains(part), "{part}\n{}", plain.out);
    }
    let neither = voordeur(&["task", "take-over", &task, "--as", "person:marit"]).ends_with(2);
    assert!(neither.err.contains("--yes"), "{}", neither.err);
}
