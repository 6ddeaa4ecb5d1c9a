//! What people read: plain words, local time, and what to do next.

use std::time::Duration;

use voordeur_chassis::SystemClock;
use voordeur_kernel::Clock as _;
use voordeur_testkit::eventually;

use crate::support::{Everything, Run, command, file, voordeur, voordeur_with_input};

/// A command against it as people type it: without `--json`.
fn plain(everything: &Everything, who: &str, arguments: &[&str]) -> Run {
    let endpoints = everything.endpoints.display().to_string();
    voordeur(&[&["--endpoints", &endpoints, "--as", who][..], arguments].concat())
}

fn demo_signals() -> String {
    std::fs::read_to_string(file("deploy/demo/signals.jsonl")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_shows_local_time_and_the_words_that_are_typed() {
    let everything = Everything::start().await;
    let endpoints = everything.endpoints.to_str().unwrap();
    let signals = demo_signals();
    let submit = ["--endpoints", endpoints, "signal", "submit", "--file", "-"];
    // The second line is no signal: what is wrong comes first, then how far it came, then what to do.
    let first = signals.lines().next().unwrap();
    let broken = voordeur_with_input(&submit, &format!("{first}\n{{\n")).ends_with(2);
    assert!(broken.out.contains("sig_"), "{}", broken.out);
    let told: Vec<&str> = broken.err.lines().filter(|line| !line.contains("Bel")).collect();
    assert!(told[0].starts_with("voordeur: standard input line 2: "), "{told:?}");
    assert!(told[1].starts_with("  -> 1 signal before this line: 1 taken, 0 known before"), "{told:?}");
    assert!(told[2].contains("hand the same file over again"), "{told:?}");

    let task = eventually("the task is there", Duration::from_secs(20), || async {
        let list = everything.run("person:marit", &["task", "list", "--whole-centre"]);
        let tasks = if list.code == 0 { list.json() } else { Vec::new() };
        tasks.first().map(|task| task["taskId"].as_str().unwrap().to_owned()).ok_or(list.err)
    })
    .await;
    let json = everything.run("person:marit", &["task", "show", &task]).ends_with(0).json().remove(0);
    let received: jiff::Timestamp = json["task"]["receivedAt"].as_str().unwrap().parse().unwrap();
    let local = received.in_tz("Europe/Amsterdam").unwrap().strftime("%Y-%m-%d %H:%M").to_string();
    let shown = plain(&everything, "person:marit", &["task", "show", &task]).ends_with(0).out;
    for part in [
        format!("task id: {task}"),
        "state: requested".to_owned(),
        format!("received at: {local}"),
        "allowed steps: accept, assign".to_owned(),
        "clock: first-contact".to_owned(),
    ] {
        assert!(shown.contains(&part), "{part}\n{shown}");
    }
    for code in ["TASK_STATE", "CLOCK_KIND", "AssignTask", "receivedAt"] {
        assert!(!shown.contains(code), "{code}\n{shown}");
    }
    let assign = ["task", "assign", &task, "--to", "noor", "--reason", "nobody-accepted"];
    let assigned = plain(&everything, "person:marit", &assign).ends_with(0).out;
    assert!(assigned.contains("holder: noor") && assigned.contains("position: TASKS/"), "{assigned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absence_that_runs_is_ended_by_coming_back_and_the_refusal_says_how() {
    let everything = Everything::start().await;
    let from = SystemClock.now().checked_add(jiff::SignedDuration::from_secs(2)).unwrap().to_string();
    let absent = ["presence", "absent", "noor", "--until", "2099-01-01", "--from", &from];
    let said = plain(&everything, "person:noor", &absent).ends_with(0).out;
    assert!(said.contains("2099-01-01 00:00"), "{said}");
    let withdraw = ["presence", "withdraw", "noor", "--from", &from];
    eventually("the absence has begun", Duration::from_secs(20), || async {
        let shown = plain(&everything, "person:noor", &["presence", "show", "de-wilg"]).out;
        let hers = shown.lines().find(|line| line.starts_with("noor")).unwrap_or_default();
        if hers.contains("absent") { Ok(()) } else { Err(shown) }
    })
    .await;
    let refused = plain(&everything, "person:noor", &withdraw).ends_with(3);
    assert!(refused.err.contains("-> she is back: `voordeur presence return noor`"), "{}", refused.err);
    plain(&everything, "person:noor", &["presence", "return", "noor"]).ends_with(0);
    let other = ["presence", "withdraw", "noor", "--from", "2098-01-01"];
    let refused = plain(&everything, "person:noor", &other).ends_with(3);
    assert!(refused.err.contains("voordeur presence show"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_counts_with_the_spans_of_the_service_from_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("voordeur.toml");
    std::fs::write(&settings, "[routing]\naccept_s = 77\n").unwrap();
    let everything = Everything::start_with(&["--config", settings.to_str().unwrap()]).await;
    let endpoints = everything.endpoints.to_str().unwrap();
    let signals = file("deploy/demo/signals.jsonl");
    let submit = ["--endpoints", endpoints, "signal", "submit", "--file", signals.to_str().unwrap()];
    voordeur(&submit).ends_with(0);
    let demo = file("deploy/directory/demo.toml");
    let demo = demo.to_str().unwrap();
    let replay = ["routes", "replay", "--policy", demo, "--since", "2020-01-01"];
    let told = eventually("every signal has its task", Duration::from_secs(20), || async {
        let run = everything.run("operator", &replay);
        let last = if run.code == 0 { run.json().pop() } else { None };
        last.filter(|told| told["tasks"] == 12).ok_or(format!("{} {}", run.out, run.err))
    })
    .await;
    assert_eq!((&told["same"], &told["changed"]), (&12.into(), &0.into()));

    // Without what the service told about itself: the settings file of the service, and nothing else.
    let text = std::fs::read_to_string(endpoints).unwrap();
    let mut bare: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bare["routing"]["accept_s"], "77");
    for name in ["offer_s", "accept_s", "first_contact_s", "answer_s", "repeat_s"] {
        bare["routing"].as_object_mut().unwrap().remove(name).unwrap();
    }
    let elsewhere = folder.path().join("endpoints.json");
    std::fs::write(&elsewhere, bare.to_string()).unwrap();
    let bare = [&["--endpoints", elsewhere.to_str().unwrap()][..], &replay].concat();
    let wrong = voordeur(&bare).ends_with(1);
    assert!(wrong.err.contains("12 choices come out differently"), "{}", wrong.err);
    assert!(wrong.err.contains("--config"), "{}", wrong.err);
    let mut with = command(&bare);
    let with = Run::from(with.arg("--config").arg(&settings).output().unwrap()).ends_with(0);
    assert!(with.out.contains("12 made again"), "{}", with.out);
}

#[test]
fn settings_and_files_that_cannot_work_are_found_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let no_certificate = folder.path().join("ca.pem");
    std::fs::write(&no_certificate, "nothing of the kind").unwrap();
    let serve = |settings: &[(&str, &str)], more: &[&str]| {
        let mut serve = command(&["serve", "all", "--dev", "--free-ports"]);
        serve.arg("--data").arg(&data).args(more);
        let mail = [("VOORDEUR__MAIL__SERVER", "mail.example.nl"), ("VOORDEUR__MAIL__FROM", "v@example.nl")];
        let run = Run::from(serve.envs(mail).envs(settings.iter().copied()).output().unwrap()).ends_with(2);
        assert!(!data.exists(), "{}", run.err);
        run.err
    };
    let told = serve(&[("VOORDEUR__MAIL__FROM", "nobody")], &[]);
    assert!(told.contains("mail.from must be one address"), "{told}");
    let told = serve(&[("VOORDEUR__MAIL__CA_FILE", "/nowhere/ca.pem")], &[]);
    assert!(told.contains("mail.ca_file /nowhere/ca.pem: there is no such file"), "{told}");
    let told = serve(&[("VOORDEUR__MAIL__CA_FILE", no_certificate.to_str().unwrap())], &[]);
    assert!(told.contains("BEGIN CERTIFICATE"), "{told}");
    let told = serve(&[], &["--directory", no_certificate.to_str().unwrap()]);
    assert!(told.contains("ca.pem has"), "{told}");
    let file = voordeur(&["serve", "all", "--dev", "--data", no_certificate.to_str().unwrap()]).ends_with(2);
    assert!(file.err.contains("is a file\n  -> give --data a folder"), "{}", file.err);
}

#[test]
fn a_directory_without_its_format_is_told_so_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.toml");
    let text = std::fs::read_to_string(file("deploy/directory/demo.toml")).unwrap();
    std::fs::write(&path, text.replace("format = 1\n", "")).unwrap();
    for command in ["directory", "routes"] {
        let run = voordeur(&[command, "check", path.to_str().unwrap()]).ends_with(2);
        assert!(run.err.contains("has 1 fault\n"), "{}", run.err);
        assert!(run.err.contains("write format = 1 above its first table"), "{}", run.err);
    }
    std::fs::write(&path, "version = 1\n").unwrap();
    let run = voordeur(&["routes", "check", path.to_str().unwrap()]).ends_with(2);
    assert!(run.err.contains("[routing] with version = 1"), "{}", run.err);
}

#[test]
fn every_fault_of_an_explanation_is_told_at_once() {
    let directory = file("deploy/directory/voorbeeld.toml");
    let mut signal: serde_json::Value = serde_json::from_str(demo_signals().lines().next().unwrap()).unwrap();
    signal["severity"] = 9.into();
    signal["centre"] = serde_json::json!({ "key": "nergens" });
    let arguments = [
        &["routes", "explain", "--at", "2026-11-24T10:00", "--directory", directory.to_str().unwrap()][..],
        &["--known", "niemand", "--absent", "iemand=niemand", "--open", "wie=3"],
    ];
    let run = voordeur_with_input(&arguments.concat(), &signal.to_string()).ends_with(2);
    assert!(run.err.contains("5 faults"), "{}", run.err);
    for part in ["key niemand", "key iemand", "key wie", "centre: ", "severity: "] {
        assert_eq!(run.err.matches(part).count(), 1, "{part}\n{}", run.err);
    }
    assert_eq!(run.err.matches("[person.KEY]").count(), 1, "{}", run.err);
}
