//! `voordeur audit`, on a broker of its own and on a running installation; `voordeur notice`.

use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{EventMeta, SignalEvent, SignalReceived, signal_event},
};
use voordeur_eventlog::{Broker as _, Commit, Deadline, StreamName, Subject, Version};
use voordeur_kernel::{CommitId, Timestamp};
use voordeur_testkit::{NatsServer, eventually};

use crate::support::{Everything, Run, command, file, voordeur};

fn audit(nats: &NatsServer, arguments: &[&str]) -> Run {
    let mut command = command(&["audit"]);
    command.env("VOORDEUR__BROKER__URL", nats.url()).env("VOORDEUR__BROKER__MONITOR", nats.monitor_url());
    command.args(arguments).output().unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_nobody_brought_anywhere_is_found_and_a_broker_that_is_away_ends_with_two() {
    let nats = NatsServer::start().await;
    let broker = nats.broker().await;
    let well = audit(&nats, &["--json"]).ends_with(0).json();
    assert_eq!((&well[0]["allWell"], &well[0]["signals"]), (&true.into(), &0.into()));

    let event = SignalEvent {
        meta: Some(EventMeta {
            recorded_at: Some(to_wire_time(Timestamp::from_second(1_700_000_000).unwrap())),
            ..EventMeta::default()
        }),
        change: Some(signal_event::Change::Received(SignalReceived::default())),
    };
    let commit = Commit {
        id: CommitId::from_bytes([1; 16]),
        kind: "nl.voordeur.signal.v1",
        source: "test",
        time: Timestamp::UNIX_EPOCH,
        data: event.encode_to_vec().into(),
        trace: Vec::new(),
        urgent: false,
    };
    let subject = Subject::of("voordeur.signal.v1", &"0a".repeat(16)).unwrap();
    let deadline = Deadline::now() + std::time::Duration::from_secs(10);
    broker.log(StreamName::Signals).append(&subject, Version::ABSENT, commit, deadline).await.unwrap();
    let found = audit(&nats, &["--json"]).ends_with(1).json();
    assert_eq!(found[0]["counts"]["SIGNAL_WITHOUT_TASK"], 1);
    assert_eq!(found[0]["findings"][0]["signal"], format!("sig_{}", "0a".repeat(16)));
    let found = audit(&nats, &["--wait", "1"]).ends_with(1);
    assert!(found.out.contains("SIGNAL_WITHOUT_TASK") && found.out.contains("dead-letters"), "{}", found.out);
    assert!(found.err.contains("looking again"), "{}", found.err);

    nats.kill().await;
    let away = audit(&nats, &["--json", "--timeout", "1"]).ends_with(2);
    assert!(away.out.is_empty() && away.err.contains("\"error\""), "{}", away.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_installation_is_well_and_its_people_see_what_they_must_act_on() {
    let everything = Everything::start().await;
    let demo = file("deploy/demo/signals.jsonl").display().to_string();
    let endpoints = everything.endpoints.display().to_string();
    voordeur(&["--endpoints", &endpoints, "signal", "submit", "--file", &demo]).ends_with(0);
    eventually("somebody must act", std::time::Duration::from_secs(20), || async {
        let run = everything.run("person:marit", &["task", "list", "--whole-centre"]);
        if run.out.contains("tsk_") { Ok(()) } else { Err(run.err) }
    })
    .await;
    let well = everything.run("operator", &["audit", "--wait", "20"]).ends_with(0).json();
    assert_eq!(well[0]["allWell"], true);
    assert!(well[0]["openTasks"].as_u64().unwrap() > 0, "{well:?}");
    let people = ["noor", "sam", "yasmina", "marit"];
    let notices = people.iter().flat_map(|person| {
        let who = format!("person:{person}");
        everything.run(&who, &["notice", "watch", "--until-caught-up"]).ends_with(0).json()
    });
    let shown: Vec<_> = notices.filter(|item| item.get("notice").is_some_and(|n| !n.is_null())).collect();
    assert!(!shown.is_empty());
    for item in shown {
        assert!(item["notice"]["noticeId"].as_str().unwrap().starts_with("ntc_"), "{item}");
    }
    everything.signal("TERM");
}
