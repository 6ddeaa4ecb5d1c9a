//! The auditor beside the service.

use prost::Message as _;
use voordeur_chassis::{
    config::Config,
    telemetry::{Telemetry, scrape},
};
use voordeur_contracts::{
    common::SafetyLevel,
    event::{TaskEvent, task_event},
    routing::AcceptTaskRequest,
};
use voordeur_eventlog::{StreamName, Version};
use voordeur_kernel::Clock as _;
use voordeur_routing::auditor::{Auditor, FindingKind, Moment};
use voordeur_testkit::eventually;

use crate::{
    step,
    support::{COORDINATOR, SOON, World, command, of},
};

/// The value of a metric on the page that is scraped, with everything in its labels that is asked for.
fn metric(name: &str, label: &str) -> Option<f64> {
    let page = scrape().unwrap();
    let line = page.lines().find(|line| line.starts_with(name) && line.contains(label))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Everything that is wrong by the streams of this world.
fn wrong(world: &World) -> Vec<FindingKind> {
    let mut auditor = Auditor::default();
    world.broker.messages(StreamName::Tasks).iter().for_each(|message| auditor.task_message(message));
    world.broker.messages(StreamName::Signals).iter().for_each(|message| auditor.signal_message(message));
    let report = auditor.report(Moment { now: world.clock.now(), grace_s: 60, directory: None });
    report.findings().iter().map(|finding| finding.kind).collect()
}

#[tokio::test]
async fn weeks_in_which_little_is_done_leave_nothing_lying() {
    let world = World::with(&["anna", "bea", "cor"]).await;
    let replica = world.start().await;
    for signal in 1..=6_u8 {
        let task = match signal {
            1 => world.signal_with(1, |signal| signal.safety = SafetyLevel::Acute.into()).await,
            2 => world.signal_with(2, |signal| signal.urgent = true).await,
            _ => world.signal(signal).await,
        };
        replica.task(COORDINATOR, &task).await;
        if signal % 2 == 0 {
            let accept =
                AcceptTaskRequest { task_id: task.clone(), command: command(&format!("a-{signal}")) };
            replica.api.clone().accept_task(of("anna", accept)).await.unwrap();
        }
        if signal == 4 {
            step!(
                replica,
                "anna",
                record_contact,
                RecordContactRequest {
                    task_id: task.clone(),
                    command: command("contact"),
                    kind: 1,
                    with: 1,
                    reached: true
                }
            )
            .unwrap();
        }
        world.withdraw(if signal == 3 { 3 } else { 1 }).await;
    }
    for _ in 0..30 {
        world.pass(24);
        // Whatever is due fires within moments.
        eventually("nothing lies", SOON, || async {
            let wrong = wrong(&world);
            if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong:?}")) }
        })
        .await;
    }
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_a_metric_by_its_kind_and_goes_when_it_is_mended() {
    let _telemetry = Telemetry::init("voordeur-routing", &Config::default().telemetry).unwrap();
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let found = |kind: &'static str, count: f64| async move {
        eventually(&format!("{count} x {kind}"), SOON, || async {
            let now = metric("voordeur_routing_audit_findings", &format!("\"{kind}\""));
            if now == Some(count) { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
    };
    found("ORDINAL_GAP", 0.0).await;
    assert!(metric("voordeur_routing_audit_last_look_seconds", "").is_some_and(|at| at > 0.0));

    // The broker is away: what is due gets no event.
    world.broker.set_available(false);
    world.pass(24);
    found("DEADLINE_OVERDUE", 1.0).await;
    assert!(metric("voordeur_routing_audit_oldest_overdue_seconds", "").is_some_and(|age| age > 3_600.0));
    world.broker.set_available(true);
    found("DEADLINE_OVERDUE", 0.0).await;

    // An event that is not the next of its history, as no release of ours writes it.
    let id = task.trim_start_matches("tsk_");
    let last = world.history(StreamName::Tasks, id).await.pop().unwrap();
    let mut event = TaskEvent::decode(&*last.data).unwrap();
    event.meta.as_mut().unwrap().ordinal += 5;
    assert!(!matches!(event.change, None | Some(task_event::Change::Answered(_))));
    world
        .append(StreamName::Tasks, "voordeur.task.v1", id, Version(last.sequence), event.encode_to_vec())
        .await;
    found("ORDINAL_GAP", 1.0).await;
    replica.stop().await;
}
