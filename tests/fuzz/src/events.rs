//! Events as the services read them from their own and from each other's streams.

use prost::Message as _;
use voordeur_contracts::event::{ActivityEvent, AuditEvent, EpisodeEvent, ReportEvent};
use voordeur_eventlog::Recorded;
use voordeur_kernel::{CentreKey, TaskId, Timestamp};
use voordeur_outcome_report::{Period, Population};
use voordeur_routing::auditor::{Auditor, Moment};

use crate::check::{is_bounded, is_discreet, message, parts};

const SIGNAL: &str = "voordeur.signal.v1.07070707070707070707070707070707";
const TASK: &str = "voordeur.task.v1.08080808080808080808080808080808";
const PRESENCE: &str = "voordeur.presence.v1.noor";
const NOTICE: &str = "voordeur.notice.v1.noor";

/// An event of a signal: what is read is written again and read as the same.
pub(crate) fn signal(input: &[u8]) {
    match voordeur_intake::read_event(&message(SIGNAL, 1, input)) {
        Ok(event) => {
            let again = voordeur_intake::write_event(&event).encode_to_vec();
            is_bounded(again.len(), input);
            assert_eq!(voordeur_intake::read_event(&message(SIGNAL, 1, &again)).ok(), Some(event));
        }
        Err(refusal) => is_discreet(&refusal.to_string()),
    }
}

/// A history of a task: what routing folds, and what escalation concludes from it.
pub(crate) fn task(input: &[u8]) {
    let mut task = None;
    let history: Vec<Recorded> =
        (1..).zip(parts(input)).map(|(sequence, data)| message(TASK, sequence, data)).collect();
    for recorded in &history {
        let read = voordeur_routing::task_event(recorded);
        let after = voordeur_routing::task_after(task.clone(), recorded);
        match (read, after) {
            (Ok((meta, change)), Ok(after)) => {
                let again = voordeur_routing::write_task(&meta, &change, &after);
                is_bounded(again.len(), &[recorded.data.as_ref(), &[0; 4096]].concat());
                let again = message(TASK, recorded.sequence, &again);
                assert_eq!(voordeur_routing::task_event(&again).ok(), Some((meta, change)));
                assert_eq!(voordeur_routing::task_after(task, &again).ok().as_ref(), Some(&after));
                task = Some(after);
            }
            (_, Err(refusal)) | (Err(refusal), _) => {
                is_discreet(&refusal.to_string());
                break;
            }
        }
    }
    let facts = |history| voordeur_escalation::task_facts(TaskId::from_bytes([8; 16]), history);
    let told = facts(&history);
    assert_eq!(told, facts(&history));
    if let Err(refusal) = told {
        is_discreet(&refusal);
    }
}

/// An event of somebody's presence.
pub(crate) fn presence(input: &[u8]) {
    match voordeur_routing::presence_event(&message(PRESENCE, 1, input)) {
        Ok((meta, person, change)) => {
            let again = voordeur_routing::write_presence(&meta, &person, &change);
            is_bounded(again.len(), input);
            let read = voordeur_routing::presence_event(&message(PRESENCE, 1, &again));
            assert_eq!(read.ok(), Some((meta, person, change)));
        }
        Err(refusal) => is_discreet(&refusal.to_string()),
    }
}

/// An event about how far somebody was told; and the auditor, whatever the stream holds.
pub(crate) fn notice(input: &[u8]) {
    match voordeur_routing::notices::notice_event(&message(NOTICE, 1, input)) {
        Ok(change) => {
            let again = voordeur_routing::notices::write_notice(&change);
            is_bounded(again.len(), input);
            let read = voordeur_routing::notices::notice_event(&message(NOTICE, 1, &again));
            assert_eq!(read.ok(), Some(change));
        }
        Err(refusal) => is_discreet(&refusal.to_string()),
    }
    let mut auditor = Auditor::default();
    auditor.signal_message(&message(SIGNAL, 1, input));
    for (sequence, data) in (1..).zip(parts(input)) {
        auditor.task_message(&message(TASK, sequence, data));
    }
    let moment = Moment { now: Timestamp::UNIX_EPOCH, grace_s: 60, directory: None };
    assert!(auditor.report(moment).findings().len() <= 1_000);
}

/// An event of an episode.
pub(crate) fn episode(input: &[u8]) {
    let Ok(wire) = EpisodeEvent::decode(input) else { return };
    match voordeur_escalation::read_event(&wire) {
        Ok(event) => {
            let again = voordeur_escalation::write_event(&event);
            is_bounded(again.encoded_len(), input);
            assert_eq!(voordeur_escalation::read_event(&again), Ok(event));
        }
        Err(refusal) => is_discreet(&refusal),
    }
}

/// An event of the work on the floor of a centre.
pub(crate) fn activity(input: &[u8]) {
    let Ok(wire) = ActivityEvent::decode(input) else { return };
    let Ok(centre) = CentreKey::parse("de-wilg") else { return };
    match voordeur_escalation::read_activity_event(&wire) {
        Ok(event) => {
            let again = voordeur_escalation::write_activity_event(&centre, &event);
            is_bounded(again.encoded_len(), &[input, centre.as_str().as_bytes()].concat());
            assert_eq!(voordeur_escalation::read_activity_event(&again), Ok(event));
        }
        Err(refusal) => is_discreet(&refusal),
    }
}

/// An event of the register of published reports, with the figures in it.
pub(crate) fn report(input: &[u8]) {
    let Ok(event) = ReportEvent::decode(input) else { return };
    if let Err(refusal) = voordeur_escalation::read_report_event(&event) {
        is_discreet(refusal);
    }
}

/// The population file of a report.
pub(crate) fn population(input: &[u8]) {
    let centres = ["de-eik", "de-wilg"].map(str::to_owned).into();
    match Population::parse(input, &centres) {
        Ok(population) => {
            let (from, until) = (jiff::civil::date(2027, 1, 1), jiff::civil::date(2027, 12, 31));
            let period = Period::new(from, until).expect("a year");
            if let Some(years) = population.child_years(&period) {
                assert!((0.0..1e9).contains(&years), "{years}");
            }
            let _ = (population.specialist_starts(&period), population.special_education(&period));
        }
        Err(faults) => {
            assert!(!faults.is_empty() && faults.is_sorted());
            faults.iter().for_each(|fault| is_discreet(&fault.to_string()));
        }
    }
}

/// A record of who saw what: the contract alone, no service of ours reads it back.
pub(crate) fn audit(input: &[u8]) {
    match AuditEvent::decode(input) {
        Ok(event) => {
            let again = event.encode_to_vec();
            is_bounded(again.len(), input);
            assert_eq!(AuditEvent::decode(again.as_slice()), Ok(event));
        }
        Err(refusal) => is_discreet(&refusal.to_string()),
    }
}

/// A moment on the wire.
pub(crate) fn moment(input: &[u8]) {
    let Some((seconds, rest)) = input.split_first_chunk() else { return };
    let Some((nanos, _)) = rest.split_first_chunk() else { return };
    let wire =
        prost_types::Timestamp { seconds: i64::from_be_bytes(*seconds), nanos: i32::from_be_bytes(*nanos) };
    if let Some(moment) = voordeur_contracts::convert::from_wire_time(&wire) {
        assert!((Timestamp::MIN..=Timestamp::MAX).contains(&moment));
        assert_eq!(voordeur_contracts::convert::to_wire_time(moment), wire);
    }
}
