//! What operators do at the broker itself.

use voordeur_testkit::{NatsServer, Sync};

use crate::support::{Run, command, file};

fn at(nats: &NatsServer, arguments: &[&str]) -> Run {
    let mut command = command(arguments);
    command.env("VOORDEUR__BROKER__URL", nats.url()).env("VOORDEUR__BROKER__MONITOR", nats.monitor_url());
    // The test's broker has little room.
    command.env("VOORDEUR__STREAMS__MEGABYTES_MAX", "64").output().unwrap().into()
}

#[tokio::test]
async fn streams_are_made_once_and_then_found_good() {
    let nats = NatsServer::start().await;
    let run = at(&nats, &["streams", "status"]).ends_with(3);
    assert!(run.err.contains("streams apply"), "{}", run.err);
    let made = at(&nats, &["streams", "apply", "--json"]).ends_with(0).json();
    assert!(made.iter().all(|change| change["action"] == "created"), "{made:?}");
    let again = at(&nats, &["streams", "apply", "--json"]).ends_with(0).json();
    assert_eq!(again.len(), made.len());
    assert!(again.iter().all(|change| change["action"] == "unchanged"), "{again:?}");
    let status = at(&nats, &["streams", "status", "--json"]).ends_with(0).json();
    assert_eq!(status[0]["streams"].as_array().unwrap().len(), 5);
    assert_eq!(status[0]["consumers"][0]["pending"], 0);
    let status = at(&nats, &["streams", "status"]).ends_with(0).out;
    assert!(status.contains("syncs before it acknowledges"), "{status}");
}

#[tokio::test]
async fn a_broker_that_does_not_sync_first_is_refused() {
    let nats = NatsServer::start_with(Sync::Sometimes).await;
    at(&nats, &["streams", "apply"]);
    let run = at(&nats, &["streams", "status"]).ends_with(3);
    assert!(run.err.contains("sync"), "{}", run.err);
}

#[tokio::test]
async fn a_broker_that_is_away_ends_with_four() {
    let nats = NatsServer::start().await;
    nats.kill().await;
    at(&nats, &["streams", "status", "--timeout", "1"]).ends_with(4);
    at(&nats, &["dead-letters", "list", "--timeout", "1"]).ends_with(4);
}

#[tokio::test]
async fn a_directory_is_applied_in_versions_and_a_stale_change_is_refused() {
    let nats = NatsServer::start().await;
    at(&nats, &["streams", "apply"]).ends_with(0);
    at(&nats, &["directory", "show"]).ends_with(3);
    let demo = file("deploy/directory/demo.toml");
    let demo = demo.to_str().unwrap();
    let text = std::fs::read_to_string(demo).unwrap();
    let applied = at(&nats, &["directory", "apply", demo, "--json"]).ends_with(0).json();
    assert_eq!((&applied[0]["version"], &applied[0]["changed"]), (&1.into(), &true.into()));
    let again = at(&nats, &["directory", "apply", demo, "--json"]).ends_with(0).json();
    assert_eq!((&again[0]["version"], &again[0]["changed"]), (&1.into(), &false.into()));

    let folder = tempfile::tempdir().unwrap();
    let changed = folder.path().join("changed.toml");
    std::fs::write(&changed, text.replace("Kindcentrum De Wilg", "Kindcentrum De Wilgen")).unwrap();
    let changed = changed.to_str().unwrap();
    let dry = at(&nats, &["directory", "apply", changed, "--dry-run"]).ends_with(0).out;
    assert!(dry.contains("De Wilgen") && dry.contains("nothing was changed"), "{dry}");
    let stale = at(&nats, &["directory", "apply", changed, "--expected-version", "7"]).ends_with(3);
    assert!(stale.err.contains("--dry-run"), "{}", stale.err);
    at(&nats, &["directory", "apply", changed, "--expected-version", "1"]).ends_with(0);
    assert!(at(&nats, &["directory", "show"]).ends_with(0).out.contains("De Wilgen"));
    let shown = at(&nats, &["directory", "show", "--json"]).ends_with(0).json();
    assert_eq!(shown[0]["version"], 2);
    assert!(shown[0]["text"].as_str().unwrap().contains("De Wilgen"));
    assert_eq!(at(&nats, &["directory", "show", "--version", "1"]).ends_with(0).out.trim(), text.trim());
    let versions = at(&nats, &["directory", "show", "--versions", "--json"]).ends_with(0).json();
    assert_eq!(versions.len(), 2);
}

#[tokio::test]
async fn a_changed_policy_is_refused_until_its_version_goes_up() {
    let nats = NatsServer::start().await;
    at(&nats, &["streams", "apply"]).ends_with(0);
    let sample = std::fs::read_to_string(file("deploy/directory/voorbeeld.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.toml");
    let apply = |text: &str, more: &[&str]| {
        std::fs::write(&path, text).unwrap();
        at(&nats, &[&["directory", "apply", path.to_str().unwrap()], more].concat())
    };
    apply(&sample, &[]).ends_with(0);
    let changed = sample.replace("severity = \"4-5\"", "severity = \"5\"");
    assert_ne!(changed, sample);
    for more in [&["--dry-run"][..], &[]] {
        let refused = apply(&changed, more).ends_with(3);
        assert!(
            refused.err.contains("must be above 1") && refused.err.contains("routes replay"),
            "{}",
            refused.err
        );
    }
    let run = apply(&changed.replace("[routing]\nversion = 1", "[routing]\nversion = 2"), &[]).ends_with(0);
    assert!(run.out.contains("~ routing.version: 1 -> 2"), "{}", run.out);
}

#[tokio::test]
async fn dead_letters_are_listed_and_an_unknown_one_is_refused() {
    let nats = NatsServer::start().await;
    at(&nats, &["streams", "apply"]).ends_with(0);
    assert_eq!(at(&nats, &["dead-letters", "list", "--json"]).ends_with(0).out, "");
    at(&nats, &["dead-letters", "show", "routing.SIGNALS.17"]).ends_with(3);
    at(&nats, &["dead-letters", "replay", "a b"]).ends_with(2);
    at(&nats, &["dead-letters", "replay", "--all"]).ends_with(0);
}
