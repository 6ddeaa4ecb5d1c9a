//! What the broker tells and keeps: answers, pages, parked messages, headers.

use std::sync::Arc;

use voordeur_eventlog::{
    Broker as _, Commit, Header, StreamName, Subject, Version,
    dead_letters::{Cause, DeadLetters, KIND},
    memory::MemoryBroker,
    nats::answers,
};
use voordeur_kernel::{CommitId, ManualClock};

use crate::check::{is_discreet, now, parts, until, wait};

/// An answer of the broker's API, and a monitoring page.
pub(crate) fn answer(input: &[u8]) {
    let _ = answers::acknowledgement(input);
    let _ = answers::stream_description(input);
    let _ = answers::monitoring_page(input);
    if let Ok(message) = answers::stored_message(input) {
        assert!(message.data.len() <= input.len());
        // What stands in the log of the service when it cannot be read names the subject only.
        let _ = message.subject.prefix();
    }
}

/// The history of a parked message.
pub(crate) fn dead_letter(input: &[u8]) {
    wait(async {
        let broker = MemoryBroker::new();
        let log = broker.log(StreamName::DeadLetters);
        let letters = DeadLetters::new(Arc::clone(&log), Arc::new(ManualClock::at(now())));
        let subject = Subject::parse("voordeur.dead.v1.routing.SIGNALS.17").expect("a subject");
        let mut version = Version::ABSENT;
        for (number, data) in (1..).zip(parts(input)) {
            let commit = Commit {
                id: CommitId::from_bytes([number; 16]),
                kind: KIND,
                source: "test",
                time: now(),
                data: data.to_vec().into(),
                trace: Vec::new(),
                urgent: false,
            };
            let Ok(stored) = log.append(&subject, version, commit, until()).await else { break };
            version = Version(stored.position.sequence);
            if number == 9 {
                break;
            }
        }
        let letter = match letters.get(&subject, until()).await {
            Ok(letter) => letter,
            Err(refusal) => {
                is_discreet(&refusal.to_string());
                return;
            }
        };
        assert!(letter.message.data.len() <= input.len());
        assert_eq!(letters.list(true).await.expect("a list").len(), 1);
        // Parked again it is the same message.
        let cause = Cause { reason: letter.cause.reason, detail: letter.cause.detail };
        letters
            .park("routing", "c", letter.stream, &letter.message, &cause, until())
            .await
            .expect("room for a small message");
        let all = letters.list(true).await.expect("a list");
        let again = all.last().expect("the one that was just parked");
        assert_eq!(again.cause.detail, cause.detail);
        assert_eq!(
            (&again.message.data, &again.message.subject),
            (&letter.message.data, &letter.message.subject)
        );
        assert_eq!(
            (&again.message.headers, again.message.commit),
            (&letter.message.headers, letter.message.commit)
        );
    });
}

/// Headers of a stored message: the trace that it was made in.
pub(crate) fn trace(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let headers = text.lines().filter_map(|line| line.split_once(':'));
    let headers: Vec<_> =
        headers.map(|(name, value)| Header { name: name.to_owned(), value: value.to_owned() }).collect();
    voordeur_chassis::link_to(&headers, &tracing::Span::none());
}
