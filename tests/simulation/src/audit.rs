//! The auditor of production on every run, fed with the same messages, and `ExplainRouting` for every task that was ever made.

use futures_util::FutureExt as _;
use tonic::Status;
use voordeur_contracts::routing::{
    ExplainRoutingRequest, ExplainRoutingResponse, task_service_client::TaskServiceClient,
};
use voordeur_eventlog::{Recorded, StreamName};
use voordeur_routing::auditor::{Auditor, Finding, FindingKind, Moment, Report};
use voordeur_routing_domain::task::Task;

use crate::{
    dice::Dice,
    world::{Broken, ServiceName, World, of},
};

/// What may never be, whatever is down and however the clock jumps; the other findings are about time and who is in the directory.
const NEVER: [FindingKind; 9] = [
    FindingKind::NobodyExpected,
    FindingKind::NoDeadline,
    FindingKind::DeadlineVanished,
    FindingKind::DeadlineMoved,
    FindingKind::TaskWithoutSignal,
    FindingKind::SignalHasTwoTasks,
    FindingKind::OrdinalGap,
    FindingKind::MovedAfterEnd,
    FindingKind::Unreadable,
];
/// When all is quiet nothing that is due waits longer, in seconds.
const GRACE_S: i64 = 10;

/// The auditor, beside the fold of the service itself.
#[derive(Default)]
pub(crate) struct Audit(Auditor);

impl Audit {
    pub(crate) fn take(&mut self, stream: StreamName, message: &Recorded) {
        match stream {
            StreamName::Signals => self.0.signal_message(message),
            StreamName::Tasks => self.0.task_message(message),
            _ => {}
        }
    }

    /// At any moment.
    pub(crate) fn look(&self, world: &World) -> Vec<Broken> {
        let report = self.0.report(Moment { now: world.now(), grace_s: i64::MAX, directory: None });
        let never = told(&report).filter(|finding| NEVER.contains(&finding.kind));
        never.map(|finding| Broken { promise: 2, what: words(finding) }).collect()
    }

    /// When all is quiet.
    pub(crate) fn at_the_end(&self, world: &World) -> Vec<(u8, String)> {
        let directory = world.directory_in_force();
        let directory = directory.as_deref().map(|directory| (directory as _, jiff::Timestamp::UNIX_EPOCH));
        let report = self.0.report(Moment { now: world.now(), grace_s: GRACE_S, directory });
        told(&report).map(|finding| (2, words(finding))).collect()
    }
}

fn told(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings().iter()
}

fn words(finding: &Finding) -> String {
    let about = finding.task.map(|task| task.to_string()).or(finding.signal.map(|signal| signal.to_string()));
    let about = about.unwrap_or_default();
    format!("the auditor: {about} {}, at {} since {:?}", finding.kind.code(), finding.sequence, finding.since)
}

/// Asks why a task went where it went; its coordinator may always know.
pub(crate) async fn explain(
    world: &World,
    dice: &mut Dice,
    task: &Task,
) -> Option<Result<ExplainRoutingResponse, Status>> {
    let who = format!("person:{}", task.coordinator);
    let request = ExplainRoutingRequest { task_id: task.id.to_string() };
    let asked = world.insist(dice, ServiceName::Routing, 20, |grpc| {
        let request = of(&who, request.clone());
        async move { TaskServiceClient::new(grpc).explain_routing(request).await }.boxed()
    });
    asked.await
}
