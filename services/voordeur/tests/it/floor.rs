//! Work on the floor from the command line.

use std::time::Duration;

use voordeur_testkit::eventually;

use crate::support::{Everything, voordeur};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_back_is_noted_becomes_a_task_and_shows_in_the_picture() {
    let everything = Everything::start().await;
    let run = |arguments: &[&str]| everything.run("person:noor", arguments).ends_with(0).json().remove(0);
    let centre = ["--centre", "de-wilg"];
    let taps = run(&[&["activity", "note", "--kind", "meekijken", "--minutes", "45"][..], &centre].concat());
    let today = taps["activity"]["on"].as_str().unwrap().to_owned();
    let note = [
        &["activity", "note", "--kind", "coaching", "--minutes", "30", "--group", "vossen"][..],
        &["--theme", "gedrag", "--agreed", "Elke ochtend samen de dag openen.", "--look-back", &today],
        &["--key", "note-0001"],
        &centre,
    ]
    .concat();
    let noted = run(&note);
    assert_eq!(noted["activity"]["stepAgreed"], true);
    assert_eq!(noted["activity"]["noted"]["funding"], "FUNDING_BESCHIKKINGSVRIJ");
    let activity = noted["activity"]["activityId"].as_str().unwrap().to_owned();

    let task = eventually("the look-back is on her list", Duration::from_secs(20), || async {
        let list = everything.run("person:noor", &["task", "list"]).ends_with(0);
        let tasks = list.json();
        let found = tasks.iter().find(|task| task["followUp"]["activityId"] == activity.as_str());
        found.map(|task| task["taskId"].as_str().unwrap().to_owned()).ok_or(list.out)
    })
    .await;
    let endpoints = everything.endpoints.display().to_string();
    let shown =
        voordeur(&["--endpoints", &endpoints, "--as", "person:noor", "task", "list"]).ends_with(0).out;
    assert!(shown.contains("Terugblik"), "{shown}");
    assert_eq!(run(&["task", "reveal", &task])["agreedStep"], "Elke ochtend samen de dag openen.");
    let answered = everything
        .run("person:noor", &["task", "answer", &task, "--outcome", "done", "--status", "not-needed"]);
    assert_eq!(answered.code, 3, "nobody asked: {}", answered.err);
    let done = run(&["task", "answer", &task, "--outcome", "done"]);
    assert_eq!(done["task"]["state"], "TASK_STATE_COMPLETED");

    let back = [&["activity", "look-back", &activity, "--result", "works"][..], &centre].concat();
    assert_eq!(run(&back)["activity"]["lookBack"], "LOOK_BACK_RESULT_WORKS");
    let first = taps["activity"]["activityId"].as_str().unwrap();
    let void = [&["activity", "correct", first, "--void"][..], &centre].concat();
    assert_eq!(run(&void)["activity"]["voided"], true);
    let picture = eventually("the picture shows it", Duration::from_secs(20), || async {
        let picture = run(&[&["activity", "picture"][..], &centre].concat());
        if picture["activities"] == 1 { Ok(picture) } else { Err(picture.to_string()) }
    })
    .await;
    assert_eq!(picture["used"][0]["minutes"], "30");
    assert_eq!(picture["lookBacks"][0]["activities"], 1);
    let plain = [&["--endpoints", &endpoints, "--as", "person:marit", "activity", "picture"][..], &centre];
    let plain = voordeur(&plain.concat()).ends_with(0).out;
    assert!(plain.contains("hours beschikkingsvrij: 0:30 of "), "{plain}");
    let list = [&["activity", "list", "--group", "vossen"][..], &centre].concat();
    assert_eq!(run(&list)["activityId"], activity.as_str());
    let elsewhere = everything.run("person:noor", &["activity", "list", "--centre", "de-els"]);
    assert_eq!(elsewhere.code, 3, "{}", elsewhere.err);
    let neither = voordeur(&["activity", "correct", &activity, "--centre", "de-wilg"]).ends_with(2);
    assert!(neither.err.contains("--kind"), "{}", neither.err);
}
