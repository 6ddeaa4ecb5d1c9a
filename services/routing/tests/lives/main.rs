//! Lives of tasks as the domain itself lives them, through the codec, before the auditor: it finds nothing. And a life in which one event
//! is left out, doubled or changed is found out.
#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, and a generator that is shared with the tests of the domain"
)]

#[path = "../../../../crates/routing-domain/tests/it/lives.rs"]
mod lives;
#[path = "../../../../crates/routing-domain/tests/it/support.rs"]
mod support;

use proptest::prelude::*;
use prost::{Message as _, bytes::Bytes};
use voordeur_contracts::{
    convert::to_wire_time,
    event::{EventMeta, SignalEvent, SignalReceived, TaskEvent, signal_event},
};
use voordeur_eventlog::{Recorded, Subject};
use voordeur_routing::{
    auditor::{Auditor, FindingKind, Moment, Report},
    write_task,
};
use voordeur_routing_domain::task::evolve;

use crate::{
    lives::{any_life, live},
    support::{START, TASK, World, at},
};

fn recorded(subject: &str, sequence: u64, data: Vec<u8>) -> Recorded {
    Recorded {
        subject: Subject::parse(subject).unwrap(),
        sequence,
        stored_at: at(START),
        commit: None,
        kind: String::new(),
        data: Bytes::from(data),
        headers: [].into(),
    }
}

/// The history of a life as messages.
fn messages(world: &World) -> Vec<Recorded> {
    let subject = format!("voordeur.task.v1.{}", TASK.to_hex());
    let mut task = None;
    let mut messages = Vec::new();
    for (meta, change) in &world.history {
        let after = evolve(task.take(), TASK, meta, change).unwrap();
        let data = write_task(meta, change, &after);
        messages.push(recorded(&subject, u64::from(meta.ordinal), data));
        task = Some(after);
    }
    messages
}

/// What the auditor says at the beginning, when no deadline can have passed.
fn audited(asked: bool, messages: &[Recorded]) -> Report {
    let mut auditor = Auditor::default();
    if asked {
        let event = SignalEvent {
            meta: Some(EventMeta { recorded_at: Some(to_wire_time(at(START))), ..EventMeta::default() }),
            change: Some(signal_event::Change::Received(SignalReceived::default())),
        };
        let subject = format!("voordeur.signal.v1.{}", "01".repeat(16));
        auditor.signal_message(&recorded(&subject, 1, event.encode_to_vec()));
    }
    messages.iter().for_each(|message| auditor.task_message(message));
    auditor.report(Moment { now: at(START), grace_s: 0, directory: None })
}

proptest! {
    #[test]
    fn what_the_domain_does_gives_no_finding_after_any_event((kind, mask, ops) in any_life()) {
        let messages = messages(&live(kind, mask, ops));
        for end in 1..=messages.len() {
            let report = audited(kind.is_some(), &messages[..end]);
            let last = TaskEvent::decode(&*messages[end - 1].data).unwrap();
            prop_assert!(report.all_well(), "{:?} after {:?}", report.findings(), last.change);
        }
    }

    #[test]
    fn an_event_that_is_left_out_or_doubled_is_found((kind, mask, ops) in any_life(), which in any::<prop::sample::Index>()) {
        let whole = messages(&live(kind, mask, ops));
        let place = which.index(whole.len());
        let mut doubled = whole.clone();
        doubled.insert(place, whole[place].clone());
        prop_assert!(!audited(kind.is_some(), &doubled).all_well());
        // Of what is left out at the end nobody can know.
        if place + 1 < whole.len() {
            let mut without = whole;
            without.remove(place);
            let report = audited(kind.is_some(), &without);
            prop_assert!(report.count(FindingKind::OrdinalGap) > 0);
        }
    }
}
