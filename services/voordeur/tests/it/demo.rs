//! The demonstration, as far as it can be stopped. That it ends well is what the two commands of the README show.

use std::{process::Stdio, time::Duration};

use voordeur_testkit::eventually;

use crate::support::{command, file, kill};

/// Processes whose command line names the folder.
fn processes_of(folder: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(folder))
        .collect()
}

#[tokio::test]
async fn a_demonstration_that_is_stopped_in_the_middle_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let mut demo = command(&["demo"]);
        demo.env("TMPDIR", folder.path())
            .arg("--signals")
            .arg(file("deploy/demo/signals.jsonl"))
            .arg("--directory")
            .arg(file("deploy/directory/demo.toml"));
        let mut demo = demo.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let path = folder.path().to_str().unwrap();
        eventually("the broker and the services run", Duration::from_secs(60), || async {
            let found = processes_of(path);
            if found.len() >= 4 { Ok(()) } else { Err(found.join("\n")) }
        })
        .await;
        kill(demo.id(), signal);
        assert_eq!(demo.wait().unwrap().code(), Some(1));
        eventually("nothing of it runs", Duration::from_secs(20), || async {
            let found = processes_of(path);
            if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
        })
        .await;
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "the temporary folder is left behind"
        );
    }
}
