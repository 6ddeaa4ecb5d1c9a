//! Who saw what: a record that is durable before anything is shown. The fields are those of NEN 7513; what a look is, each service
//! knows itself.

use std::sync::Arc;

use prost::{Message as _, bytes::Bytes};
use voordeur_contracts::{convert::to_wire_time, event::AuditEvent};
use voordeur_eventlog::{AppendError, Commit, Deadline, EventLog, Header, StreamName, Subject, Version};
use voordeur_kernel::{CommitId, Timestamp, limits};

use crate::{Problem, trace_headers};

/// `ce-type` of these histories.
const KIND: &str = "nl.voordeur.audit.v1";

/// Writes down who saw what; one for each service, which writes below its own subjects only.
#[derive(Debug, Clone)]
pub struct AuditTrail {
    log: Arc<dyn EventLog>,
    service: &'static str,
    source: &'static str,
}

impl AuditTrail {
    /// On the stream AUDIT. `service` is the name of the service, `source` what it puts into `ce-source`.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, service: &'static str, source: &'static str) -> Self {
        Self { log, service, source }
    }

    /// Stores a record under a case: 32 digits of a task, a signal, an episode or a list. When, by which service and in which trace is
    /// filled in here. `id` is random: each look is one of its own, also when the same person looks again.
    ///
    /// # Errors
    /// When it is not on record. Nothing may be shown then, and no refusal be told.
    pub async fn record(
        &self,
        case: &str,
        id: CommitId,
        at: Timestamp,
        event: AuditEvent,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let prefix = StreamName::Audit.prefixes().first().copied().unwrap_or_default();
        let subject = Subject::of(&format!("{prefix}.{}", self.service), case)
            .map_err(|_| Problem::broken("the case of an audit record makes no subject"))?;
        let trace = trace_headers();
        let event = AuditEvent {
            event_date_time: Some(to_wire_time(at)),
            network_access_point: self.service.to_owned(),
            audit_source_id: self.source.to_owned(),
            trace_id: trace_id(&trace),
            ..event
        };
        // A lone one goes out at once anyway; many at the same time share a write.
        let urgent = false;
        let data = event.encode_to_vec().into();
        let commit = Commit { id, kind: KIND, source: self.source, time: at, data, trace, urgent };
        // Records of one case follow on each other; another look in between only means to look again where the end is.
        for _ in 0..limits::CONFLICT_ROUNDS_MAX {
            let last = self.log.last(&subject, deadline).await?;
            let version = last.map_or(Version::ABSENT, |last| Version(last.sequence));
            match self.log.append(&subject, version, commit.clone(), deadline).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppendError::Conflict.into())
    }
}

/// The 16 bytes of the trace id in a `traceparent`: `00-<32 digits>-<16 digits>-<flags>`. Empty when nothing is traced.
fn trace_id(trace: &[Header]) -> Bytes {
    let parent = trace.iter().find(|header| header.name == "traceparent");
    let digits = parent.and_then(|header| header.value.split('-').nth(1)).unwrap_or_default();
    // The form of our own ids is the same 32 digits.
    CommitId::parse_hex(digits).map(|id| Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use voordeur_eventlog::{Broker as _, memory::MemoryBroker};
    use voordeur_kernel::ErrorKind;

    use super::*;

    fn soon() -> Deadline {
        Deadline::now() + Duration::from_secs(20)
    }

    #[test]
    fn a_trace_id_is_taken_from_a_traceparent() {
        let of = |value: &str| trace_id(&[Header { name: "traceparent".into(), value: value.into() }]);
        let id = of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!((id.len(), id.first(), id.last()), (16, Some(&0x0a), Some(&0x9c)));
        assert!(of("nonsense").is_empty() && trace_id(&[]).is_empty());
    }

    #[tokio::test]
    async fn looks_at_one_case_side_by_side_are_all_on_record() {
        let broker = MemoryBroker::new();
        let trail = AuditTrail::new(broker.log(StreamName::Audit), "routing", "voordeur/routing");
        let mut looks = tokio::task::JoinSet::new();
        for nth in 0..8 {
            let trail = trail.clone();
            looks.spawn(async move {
                let event = AuditEvent { event_id: "get-task".into(), ..AuditEvent::default() };
                let (case, id) = ("0".repeat(32), CommitId::from_bytes([nth; 16]));
                trail.record(&case, id, Timestamp::UNIX_EPOCH, event, soon()).await
            });
        }
        assert!(looks.join_all().await.iter().all(Result::is_ok));
        let subject = Subject::parse(&format!("voordeur.audit.v1.routing.{}", "0".repeat(32))).unwrap();
        let history = broker.log(StreamName::Audit).history(&subject, 0, soon()).await.unwrap();
        assert_eq!(history.len(), 8);
        for message in history {
            let event = AuditEvent::decode(&*message.data).unwrap();
            assert_eq!(
                (event.event_id.as_str(), event.audit_source_id.as_str()),
                ("get-task", "voordeur/routing")
            );
            assert!(event.event_date_time.is_some());
        }
    }

    #[tokio::test]
    async fn what_is_not_on_record_is_an_error() {
        let broker = MemoryBroker::new();
        let trail = AuditTrail::new(broker.log(StreamName::Audit), "routing", "voordeur/routing");
        let record = |case: &'static str| {
            let id = CommitId::from_bytes([1; 16]);
            trail.record(case, id, Timestamp::UNIX_EPOCH, AuditEvent::default(), soon())
        };
        assert_eq!(record("no case").await.unwrap_err().kind, ErrorKind::Broken);
        broker.limit(StreamName::Audit, 1);
        assert_eq!(record("a").await.unwrap_err().kind, ErrorKind::TooMuch);
    }
}
