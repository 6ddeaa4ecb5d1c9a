//! What `--help` says, word for word: scripts and habits depend on it.

use crate::support::{file, voordeur};

#[test]
fn help_is_what_it_was() {
    let pages: [(&str, &[&str]); 7] = [
        ("voordeur", &[]),
        ("serve-all", &["serve", "all"]),
        ("signal", &["signal"]),
        ("signal-submit", &["signal", "submit"]),
        ("task", &["task"]),
        ("task-answer", &["task", "answer"]),
        ("activity", &["activity"]),
    ];
    let mut changed = Vec::new();
    for (page, path) in pages {
        let mut arguments = path.to_vec();
        arguments.push("--help");
        let shown = voordeur(&arguments).ends_with(0).out;
        let golden = file(&format!("services/voordeur/tests/it/golden/{page}.txt"));
        if std::fs::read_to_string(&golden).unwrap_or_default() != shown {
            changed.push(format!(
                "voordeur {} > services/voordeur/tests/it/golden/{page}.txt",
                arguments.join(" ")
            ));
        }
    }
    assert!(changed.is_empty(), "help has changed; when it should have:\n{}", changed.join("\n"));
}

#[test]
fn every_command_has_help() {
    for command in [
        "serve",
        "signal",
        "task",
        "notice",
        "presence",
        "episode",
        "activity",
        "outcome",
        "directory",
        "audit",
        "routes",
        "streams",
        "dead-letters",
        "keys",
        "config",
    ] {
        let shown = voordeur(&[command, "--help"]).ends_with(0).out;
        assert!(shown.contains("Usage: voordeur"), "{shown}");
    }
}
