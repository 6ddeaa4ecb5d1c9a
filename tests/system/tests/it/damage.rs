//! Damage at the broker: a flipped byte and a cut file on one node of three, a full stream, a full disk, a broker that is frozen, and one
//! that does not sync. Each shows what is promised: nothing is built on a hole, nothing is lost, nothing happens twice, and it is told.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use prost::encoding::encode_varint;
use serde_json::Value;
use tokio::task::JoinSet;
use tonic::{Code, Status, transport::Endpoint};
use voordeur_contracts::{
    common::SafetyLevel,
    intake::{SubmitSignalRequest, signal_intake_service_client::SignalIntakeServiceClient},
};
use voordeur_eventlog::{Broker, Commit, Deadline, Followed, StreamName, Subject, Version, nats::NatsBroker};
use voordeur_kernel::{Clock as _, CommitId, SignalId};
use voordeur_system_tests::{
    As, Installation, Replicas, WallClock, census, get,
    rounds::load::People,
    signals::{SCHOOL, signal},
};
use voordeur_testkit::{NatsCluster, NatsServer, Sync, eventually};

const LONG: Duration = Duration::from_secs(60);
/// "Within a minute" is what is promised of `voordeur streams verify`.
const A_MINUTE: Duration = Duration::from_secs(60);

/// Hands a signal over once. The caller has more patience than the service: the service must end the call, not the caller.
async fn submit(replicas: &Replicas, request: SubmitSignalRequest) -> Result<SignalId, Status> {
    let addresses = replicas.addresses("intake", 0).ok_or_else(|| Status::unavailable("no address yet"))?;
    let endpoint = Endpoint::from_shared(format!("http://{}", addresses.grpc)).unwrap();
    let channel = endpoint.timeout(LONG).connect_lazy();
    let who = As(format!("organisation:{SCHOOL}"));
    let receipt = SignalIntakeServiceClient::with_interceptor(channel, who).submit_signal(request).await?;
    Ok(receipt.into_inner().signal_id.parse().expect("a signal id"))
}

/// Hands a signal over, again and again until there is a receipt.
async fn surely(replicas: &Replicas, request: SubmitSignalRequest) -> SignalId {
    eventually("the signal is taken", LONG, || async {
        match submit(replicas, request.clone()).await {
            Err(status) if status.code() == Code::InvalidArgument => panic!("{status:?}"),
            other => other.map_err(|status| status.to_string()),
        }
    })
    .await
}

/// Hands many over, side by side.
async fn many(
    replicas: &Arc<Replicas>,
    run: &'static str,
    numbers: std::ops::Range<usize>,
) -> BTreeSet<SignalId> {
    let mut callers = JoinSet::new();
    for number in numbers {
        let replicas = Arc::clone(replicas);
        callers.spawn(async move { surely(&replicas, signal(run, number)).await });
    }
    callers.join_all().await.into_iter().collect()
}

/// Waits until nothing contradicts the promises any more.
async fn every_promise_holds(broker: &Arc<dyn Broker>, receipts: &BTreeSet<SignalId>) {
    eventually("every promise holds", LONG, || async {
        let now = WallClock.now() - jiff::SignedDuration::from_secs(5);
        let broken = census::count(broker).await.broken_promises(receipts, now);
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
    })
    .await;
}

/// `voordeur streams verify --json`: how it ended, and what it says.
fn verify(replicas: &Replicas, arguments: &[&str]) -> (i32, Value) {
    let done = replicas.try_run(&[&["streams", "verify", "--json"], arguments].concat());
    let said = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
    });
    (done.status.code().unwrap(), said)
}

/// What was found, as code, stream and node.
fn findings(said: &Value) -> BTreeSet<(String, String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings = said["findings"].as_array().unwrap().iter();
    findings.map(|finding| (text(finding, "code"), text(finding, "stream"), text(finding, "node"))).collect()
}

/// Waits until verifying finds exactly this damage.
async fn is_found(replicas: &Replicas, expected: &[(&str, &str)], node: &NatsServer) {
    let expected: BTreeSet<_> = expected
        .iter()
        .map(|(code, stream)| ((*code).to_owned(), (*stream).to_owned(), node.name().to_owned()))
        .collect();
    eventually("the damage is found", A_MINUTE, || async {
        let (code, said) = verify(replicas, &[]);
        if code == 5 && findings(&said) == expected { Ok(()) } else { Err(format!("{code}: {said}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_at_one_node_of_a_cluster_is_found_never_built_on_and_repaired_as_the_documents_say() {
    let cluster = NatsCluster::start(3).await;
    let of = |what: fn(&NatsServer) -> String| cluster.nodes().iter().map(what).collect::<Vec<_>>();
    let replicas = Arc::new(Replicas::install(&of(NatsServer::url), &of(NatsServer::monitor_url), 3, &[]));
    replicas.start_all(1).await;
    let mut receipts = many(&replicas, "damage", 0..60).await;
    let broker: Arc<dyn Broker> = Arc::new(NatsBroker::connect(cluster.settings()).await.unwrap());
    every_promise_holds(&broker, &receipts).await;
    replicas.run(&["streams", "verify", "--wait", "60"]);

    // A byte flips on the disk of a node that does not lead.
    let leader = cluster.stream_leader("SIGNALS").await.unwrap();
    let place = (leader + 1) % 3;
    let node = &cluster.nodes()[place];
    node.stop().await;
    // A copy that cannot be looked at is another matter than a damaged one.
    let (code, said) = verify(&replicas, &["--quick"]);
    assert_eq!(code, 4, "{said}");
    let flipped = node.flip_a_byte("SIGNALS");
    node.restart().await;
    is_found(&replicas, &[("MESSAGES_UNREADABLE", "SIGNALS")], node).await;
    // Its counters do not show it: that is why everything is read.
    assert_eq!(verify(&replicas, &["--quick", "--wait", "30"]).0, 0);
    let (_, said) = verify(&replicas, &[]);
    let finding = &said["findings"][0];
    assert!(finding["meaning"].as_str().unwrap().contains(&format!("(sequence {flipped})")), "{said}");
    assert!(finding["step"].as_str().unwrap().contains(node.name()), "{said}");

    // The same node loses half a file.
    node.stop().await;
    node.cut_a_file("TASKS");
    node.restart().await;
    is_found(
        &replicas,
        &[
            ("MESSAGES_UNREADABLE", "SIGNALS"),
            ("MESSAGES_UNREADABLE", "TASKS"),
            ("MESSAGES_MISSING", "TASKS"),
        ],
        node,
    )
    .await;

    // It calls itself healthy and may lead; whoever builds on the stream stops, and says why.
    cluster.let_lead("TASKS", place).await;
    let ended = eventually("routing stops", LONG, || async {
        replicas.ended().pop().ok_or_else(|| "nobody stopped".to_owned())
    })
    .await;
    assert_eq!(ended.service, "routing", "{}", ended.how);
    assert!(ended.how.contains("messages are missing at the node that leads it"), "{}", ended.how);
    // Started again, it does not serve either.
    replicas.start("routing", 0);
    let again = eventually("routing stops again", LONG, || async {
        replicas.ended().pop().ok_or_else(|| "it did not stop".to_owned())
    })
    .await;
    assert!(again.how.contains("messages are missing"), "{}", again.how);
    // What intake takes meanwhile is stored, and waits.
    receipts.insert(surely(&replicas, signal("damage", 60)).await);

    // The repair, step by step as docs/operations.md has it.
    node.stop().await;
    for stream in ["SIGNALS", "TASKS"] {
        std::fs::remove_dir_all(node.stream_folder(stream)).unwrap();
    }
    node.restart().await;
    replicas.run(&["streams", "verify", "--wait", "120"]);
    replicas.run(&["streams", "rewake"]);
    replicas.start("routing", 0);
    replicas.ready().await;

    receipts.extend(many(&replicas, "damage", 60..80).await);
    every_promise_holds(&broker, &receipts).await;
    assert_eq!(receipts.len(), 80);
    let (code, said) = verify(&replicas, &["--wait", "30"]);
    assert_eq!((code, findings(&said)), (0, BTreeSet::new()), "{said}");
    assert!(replicas.ended().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_frozen_calls_end_in_time_and_afterwards_nothing_is_missing_or_double() {
    let installation = Installation::prepare(&[]).await;
    installation.start_all(1).await;
    let broker: Arc<dyn Broker> = Arc::new(installation.broker().await);
    let mut receipts = BTreeSet::from([surely(&installation, signal("frozen", 0)).await]);

    installation.nats.freeze();
    let mut calls = JoinSet::new();
    for number in 1..=8 {
        let installation = Arc::clone(&installation);
        calls.spawn(async move { submit(&installation, signal("frozen", number)).await });
    }
    for outcome in calls.join_all().await {
        let status = outcome.expect_err("nobody can be told yes");
        assert!(matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded), "{status:?}");
    }
    // Looked at, it says why it is not ready.
    let http = installation.addresses("intake", 0).unwrap().http;
    let page = eventually("intake says that it is not ready", LONG, || async {
        let (status, body) = get(&http, "/readyz").map_err(|error| error.to_string())?;
        if status == 503 { Ok(body) } else { Err(format!("{status} {body}")) }
    })
    .await;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!(
        (&page["ready"], &page["checks"]["broker"]),
        (&Value::Bool(false), &Value::Bool(false)),
        "{page}"
    );

    installation.nats.thaw();
    for number in 1..=8 {
        receipts.insert(surely(&installation, signal("frozen", number)).await);
    }
    installation.ready().await;
    every_promise_holds(&broker, &receipts).await;
    let stored = census::count(&broker).await;
    assert_eq!((stored.signals.len(), stored.tasks.len()), (9, 9));
    assert!(installation.ended().is_empty());
}

/// A signal with as long a text as there may be.
fn long(run: &str, number: usize, safety: SafetyLevel) -> SubmitSignalRequest {
    let mut request = signal(run, number);
    request.safety = safety.into();
    request.details.as_mut().unwrap().text = "\u{8a9e}".repeat(4_000);
    request
}

/// Hands long signals over, several at a time, until one is refused; tells those that were not, and the refusal.
async fn until_refused(
    replicas: &Arc<Replicas>,
    run: &'static str,
    safety: SafetyLevel,
    first: usize,
) -> (BTreeSet<SignalId>, Vec<usize>, Status) {
    let next = Arc::new(AtomicUsize::new(first));
    let over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (replicas, next, over) = (Arc::clone(replicas), Arc::clone(&next), Arc::clone(&over));
        callers.spawn(async move {
            let mut taken = BTreeSet::new();
            while !over.load(Ordering::SeqCst) {
                let number = next.fetch_add(1, Ordering::SeqCst);
                match submit(&replicas, long(run, number, safety)).await {
                    Ok(id) => _ = taken.insert(id),
                    Err(status) => {
                        over.store(true, Ordering::SeqCst);
                        return (taken, Some((number, status)));
                    }
                }
            }
            (taken, None)
        });
    }
    let (mut taken, mut open, mut refusal) = (BTreeSet::new(), Vec::new(), None);
    for (ids, ended) in callers.join_all().await {
        taken.extend(ids);
        if let Some((number, status)) = ended {
            open.push(number);
            refusal.get_or_insert(status);
        }
    }
    (taken, open, refusal.expect("it is full by now"))
}

/// Appends copies of a stored signal until a share of the stream is in use, each made long by a field that no release knows: filling it with
/// real ones takes a minute.
async fn fill(broker: &Arc<dyn Broker>, share: f64) {
    let log = broker.log(StreamName::Signals);
    let Some(Ok(Followed::Message(first))) = log.follow(None).next().await else {
        panic!("a signal is stored")
    };
    let mut data = first.data.to_vec();
    // Field 1000, bytes, 200,000 of them.
    let padding = 200_000_u32;
    encode_varint(1000 << 3 | 2, &mut data);
    encode_varint(padding.into(), &mut data);
    data.resize(data.len() + usize::try_from(padding).unwrap(), 0);
    for number in 0_u128.. {
        if log.usage(Deadline::now() + LONG).await.unwrap().share() >= share {
            break;
        }
        let commit = Commit {
            id: CommitId::from_bytes((1 << 120 | number).to_be_bytes()),
            kind: "nl.voordeur.signal.v1",
            source: "voordeur/intake",
            time: WallClock.now(),
            data: data.clone().into(),
            trace: Vec::new(),
            urgent: false,
        };
        let subject = Subject::of("voordeur.signal.v1", &format!("{:032x}", 1_u128 << 121 | number)).unwrap();
        log.append(&subject, Version::ABSENT, commit, Deadline::now() + LONG).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_stream_takes_safety_signals_last_loses_nothing_and_goes_on_when_it_is_enlarged() {
    let small = ("VOORDEUR__STREAMS__MEGABYTES_MAX", "16");
    let nats = NatsServer::start().await;
    let install = |settings| Replicas::install(&[nats.url()], &[nats.monitor_url()], 1, settings);
    let replicas = Arc::new(install(&[small, ("VOORDEUR__TELEMETRY__LOG", "warn")]));
    replicas.start_all(1).await;
    let broker: Arc<dyn Broker> = Arc::new(NatsBroker::connect(nats.settings()).await.unwrap());
    let share = async || broker.log(StreamName::Signals).usage(Deadline::now() + LONG).await.unwrap().share();

    let mut receipts = BTreeSet::from([surely(&replicas, signal("full", 99_999)).await]);
    fill(&broker, 0.81).await;
    // Ordinary signals are refused first, while there is room left: intake looks now and then how much others stored.
    let (next, taken) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let (refused, status) = eventually("an ordinary signal is refused", LONG, || async {
        let number = next.fetch_add(1, Ordering::SeqCst);
        match submit(&replicas, signal("full", number)).await {
            Ok(id) => {
                taken.lock().unwrap().insert(id);
                Err("it was taken")
            }
            Err(status) => Ok((number, status)),
        }
    })
    .await;
    receipts.extend(taken.into_inner().unwrap());
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let left = share().await;
    assert!((0.8..1.0).contains(&left), "{left}");
    // What is in hand is finished: people answer, and the answers are heard.
    let people = People::begin(&replicas, &Arc::default());
    eventually("a signal is answered", LONG, || async {
        let answered =
            census::count(&broker).await.signals.values().filter(|signal| signal.answered > 0).count();
        if answered > 0 { Ok(()) } else { Err("none is answered") }
    })
    .await;
    people.stop().await;

    fill(&broker, 0.97).await;
    // Safety signals are taken until nothing goes in any more; then whoever asks is told so.
    let (urgent, open, status) = until_refused(&replicas, "full", SafetyLevel::Structural, 100_000).await;
    assert!(!urgent.is_empty(), "{status:?}");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    receipts.extend(urgent);
    assert!(share().await > 0.95);

    // Enlarged, everything goes on; what was refused is taken, once.
    let larger = replicas.try_run_with(&["streams", "apply"], &[("VOORDEUR__STREAMS__MEGABYTES_MAX", "64")]);
    assert!(larger.status.success(), "{}", String::from_utf8_lossy(&larger.stderr));
    for number in open {
        receipts.insert(surely(&replicas, long("full", number, SafetyLevel::Structural)).await);
    }
    receipts.insert(surely(&replicas, signal("full", refused)).await);
    every_promise_holds(&broker, &receipts).await;
    let stored = census::count(&broker).await;
    let filling = |id: &SignalId| id.to_hex().starts_with("02000000000000");
    assert_eq!(stored.signals.keys().filter(|id| !filling(id)).cloned().collect::<BTreeSet<_>>(), receipts);
    assert!(replicas.ended().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_nobody_is_told_yes_and_with_room_again_nothing_is_missing_or_double() {
    let nats = NatsServer::start_on_a_small_disk(8).await;
    let replicas = Arc::new(Replicas::install(&[nats.url()], &[nats.monitor_url()], 1, &[]));
    replicas.start_all(1).await;

    let (mut receipts, open, status) = until_refused(&replicas, "disk", SafetyLevel::None, 0).await;
    let told = [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted];
    assert!(told.contains(&status.code()), "{status:?}");
    let (code, said) = verify(&replicas, &["--quick"]);
    assert_eq!(code, 3, "{said}");
    let expected = ("CANNOT_WRITE".to_owned(), String::new(), nats.name().to_owned());
    assert_eq!(findings(&said), BTreeSet::from([expected]), "{said}");

    // As verify says: room, then start it again.
    nats.enlarge_disk(256);
    nats.stop().await;
    nats.restart().await;
    for number in open {
        receipts.insert(surely(&replicas, long("disk", number, SafetyLevel::None)).await);
    }
    replicas.ready().await;
    let broker: Arc<dyn Broker> = Arc::new(NatsBroker::connect(nats.settings()).await.unwrap());
    every_promise_holds(&broker, &receipts).await;
    let stored = census::count(&broker).await;
    assert_eq!(stored.signals.len(), receipts.len());
    assert_eq!(verify(&replicas, &["--wait", "30"]).0, 0);
    assert!(replicas.ended().is_empty());
}

#[tokio::test]
async fn on_a_broker_that_does_not_sync_no_service_starts_unless_it_is_told_to() {
    let nats = NatsServer::start_with(Sync::Sometimes).await;
    let replicas = Replicas::install(&[nats.url()], &[nats.monitor_url()], 1, &[]);
    let (code, said) = verify(&replicas, &[]);
    let expected = ("NOT_SYNCED".to_owned(), String::new(), nats.name().to_owned());
    assert_eq!((code, findings(&said)), (3, BTreeSet::from([expected])), "{said}");

    replicas.start("routing", 0);
    let ended = eventually("routing refuses", LONG, || async {
        replicas.ended().pop().ok_or_else(|| "it did not end".to_owned())
    })
    .await;
    assert!(ended.how.contains("acknowledges before it syncs"), "{}", ended.how);

    replicas.give("routing", 0, "VOORDEUR__BROKER__ALLOW_UNSYNCED", "true");
    replicas.start("routing", 0);
    replicas.ready().await;
}
