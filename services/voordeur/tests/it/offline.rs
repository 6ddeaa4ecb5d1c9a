//! What needs no service: wrong use, files, settings.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{file, voordeur, voordeur_with_input};

#[test]
fn wrong_use_ends_with_two_and_says_what_is_right() {
    let table: [(&[&str], &str); 8] = [
        (&["serv"], "serve"),
        (&["task", "decline", "tsk_1", "--reason", "bored", "--as", "person:noor"], "no-time"),
        (&["task", "list", "--as", "noor"], "organisation:<key>"),
        (&["task", "list", "--state", "completed", "--as", "person:noor"], "on-hold"),
        (&["task", "hold", "tsk_1", "--reason", "meeting-planned", "--until", "tomorrow"], "2026-12-01"),
        (&["serve", "all", "--data", "/nowhere"], "--dev"),
        (&["task", "list", "--endpoints", "/nowhere/endpoints.json"], "--endpoints-file"),
        (&["signal", "watch", "--resume-after", "17"], "TASKS/"),
    ];
    for (arguments, advice) in table {
        let run = voordeur(arguments);
        assert!(run.err.contains(advice), "{arguments:?}: {}", run.err);
        let expected = if arguments.contains(&"--endpoints") { 4 } else { 2 };
        assert_eq!(run.code, expected, "{arguments:?}: {}", run.err);
        assert!(run.out.is_empty());
    }
}

#[test]
fn a_service_without_development_mode_does_not_start() {
    for service in ["intake", "routing", "escalation"] {
        let run = voordeur(&["serve", service]).ends_with(2);
        assert!(run.err.contains("access is not built yet"), "{}", run.err);
    }
}

#[test]
fn every_service_has_a_binary_of_its_own() {
    let binaries = [
        env!("CARGO_BIN_EXE_voordeur-intake"),
        env!("CARGO_BIN_EXE_voordeur-routing"),
        env!("CARGO_BIN_EXE_voordeur-escalation"),
    ];
    for binary in binaries {
        let output = std::process::Command::new(binary).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("access is not built yet"));
    }
}

#[test]
fn settings_are_shown_and_explained_and_a_wrong_one_is_named() {
    assert!(voordeur(&["config"]).ends_with(0).out.contains("traces_kept"));
    let page = voordeur(&["config", "--markdown"]).ends_with(0).out;
    assert_eq!(page, std::fs::read_to_string(file("docs/configuration.md")).unwrap());
    let mut command = crate::support::command(&["config"]);
    let output = command.env("VOORDEUR__LIMITS__CALLS_MAKS", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("VOORDEUR__LIMITS__CALLS_MAX"), "{text}");
    let shown = voordeur(&["serve", "intake", "--print-config"]).ends_with(0).out;
    assert!(shown.contains("[broker]"));
}

#[test]
fn keys_are_made_once_and_only_their_owner_may_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voordeur.keys");
    let path = path.to_str().unwrap();
    voordeur(&["keys", "generate", "--file", path]).ends_with(0);
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(path).unwrap();
    voordeur(&["keys", "generate", "--file", path]).ends_with(2);
    assert_eq!(std::fs::read(path).unwrap(), before);
}

#[test]
fn a_directory_file_is_checked_as_a_whole() {
    let good = file("deploy/directory/demo.toml");
    let run = voordeur(&["directory", "check", good.to_str().unwrap(), "--json"]).ends_with(0);
    assert_eq!(run.json()[0]["centres"], 1);
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "format = 1\n[organisation.a]\nkind = \"zoo\"\n[centre.B]\nlabel = 3\n").unwrap();
    let run = voordeur(&["directory", "check", bad.to_str().unwrap()]).ends_with(2);
    assert!(run.err.contains("line 3") && run.err.contains("line 4"), "{}", run.err);
}

#[test]
fn a_demonstration_that_cannot_be_told_says_why_before_anything_starts() {
    let (signals, directory) = (file("deploy/demo/signals.jsonl"), file("deploy/directory/demo.toml"));
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "format = 1\n[organisation.a]\nkind = \"zoo\"\n").unwrap();
    let empty = folder.path().join("empty.jsonl");
    std::fs::write(&empty, "\n").unwrap();
    let demo = |signals: &std::path::Path, directory: &std::path::Path| {
        let files = [signals.to_str().unwrap(), directory.to_str().unwrap()];
        let run = voordeur(&["demo", "--once", "--signals", files[0], "--directory", files[1]]).ends_with(2);
        assert_eq!(run.out, "");
        run.err
    };
    assert!(demo(&signals, &bad).contains("line 3"));
    assert!(demo(&empty, &directory).contains("holds no signals"));
    assert!(demo(&signals, &folder.path().join("none.toml")).contains("none.toml"));
}

#[test]
fn without_a_service_a_call_ends_with_four_and_says_where_to_look() {
    let folder = tempfile::tempdir().unwrap();
    let endpoints = folder.path().join("endpoints.json");
    // A port that nobody listens on: bound and let go.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(r#"{{"intake":{{"grpc":"http://{free}"}},"routing":{{"grpc":"http://{free}"}}}}"#);
    std::fs::write(&endpoints, text).unwrap();
    let endpoints = endpoints.to_str().unwrap();
    let common = ["--endpoints", endpoints, "--timeout", "0.5", "--as", "person:noor"];
    let with = |arguments: &[&'static str]| [arguments, common.as_slice()].concat();
    let run = voordeur(&with(&["task", "list"])).ends_with(4);
    assert!(run.err.contains("serve all"), "{}", run.err);
    let run = voordeur(&with(&["task", "accept", "tsk_1", "--json"])).ends_with(4);
    let error: serde_json::Value = serde_json::from_str(run.err.trim()).unwrap();
    assert_eq!(error["error"]["exitCode"], 4);
    let run =
        voordeur_with_input(&with(&["signal", "submit", "--file", "-"]), "{\"clientReference\":\"a\"}\n");
    run.ends_with(4);
}

#[test]
fn a_line_that_is_no_signal_is_named_before_anything_is_sent() {
    let run = voordeur_with_input(
        &["signal", "submit", "--file", "-", "--as", "organisation:a"],
        "\n{\"clientReferense\": \"a\"}\n",
    );
    assert!(run.err.contains("standard input line 2"), "{}", run.err);
    run.ends_with(2);
    voordeur(&["signal", "submit", "--file", "/nowhere.jsonl"]).ends_with(2);
}
