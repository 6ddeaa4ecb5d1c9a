//! Every decoder that reads bytes from outside or from a stream, as a function of bytes that panics when a promise is broken.
//!
//! One table, [`TARGETS`], is used by the ordinary test (the kept corpus and some seeded changes to it) and by `cargo xtask fuzz` (guided by
//! coverage). What is promised and what was found: `docs/reliability.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test harness: a broken promise must end the run with its reason"
)]

mod broker;
pub mod check;
mod draft;
mod events;
mod kept;
mod services;
mod words;

/// A decoder that is fed.
#[derive(Debug)]
pub struct Target {
    /// Its name; also the folder of its inputs in `corpus`.
    pub name: &'static str,
    /// What it reads, and where that comes from.
    pub reads: &'static str,
    /// Feeds it one input; panics when a promise is broken.
    pub run: fn(&[u8]),
    /// How many changed inputs the ordinary test tries: fewer where one takes long.
    pub cases: u32,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "signal-event",
        reads: "an event of a signal, from the stream SIGNALS",
        run: events::signal,
        cases: 300,
    },
    Target {
        name: "task-history",
        reads: "the events of a task, from the stream TASKS: what routing folds and escalation concludes",
        run: events::task,
        cases: 300,
    },
    Target {
        name: "presence-event",
        reads: "an event of somebody's presence, from the stream TASKS",
        run: events::presence,
        cases: 300,
    },
    Target {
        name: "notice-event",
        reads: "an event about how far somebody was told, from the stream TASKS",
        run: events::notice,
        cases: 300,
    },
    Target {
        name: "episode-event",
        reads: "an event of an episode, from the stream EPISODES",
        run: events::episode,
        cases: 300,
    },
    Target {
        name: "activity-event",
        reads: "an event of work on the floor, from the stream EPISODES",
        run: events::activity,
        cases: 300,
    },
    Target {
        name: "report-event",
        reads: "an event of the register of published reports, from the stream EPISODES",
        run: events::report,
        cases: 300,
    },
    Target {
        name: "population-file",
        reads: "the population file of a report, from a caller",
        run: events::population,
        cases: 300,
    },
    Target {
        name: "audit-event",
        reads: "a record of who saw what, from the stream AUDIT",
        run: events::audit,
        cases: 300,
    },
    Target {
        name: "dead-letter",
        reads: "the events of a parked message, from the stream DEAD_LETTERS, with the headers it had",
        run: broker::dead_letter,
        cases: 100,
    },
    Target { name: "moment", reads: "a moment in a message", run: events::moment, cases: 300 },
    Target { name: "trace", reads: "trace headers of a stored message", run: broker::trace, cases: 300 },
    Target {
        name: "broker-answer",
        reads: "answers of the broker's API and its monitoring page",
        run: broker::answer,
        cases: 300,
    },
    Target { name: "directory-file", reads: "a directory file", run: kept::directory, cases: 300 },
    Target {
        name: "directory-bucket",
        reads: "pointer and documents of the directory, from their bucket",
        run: kept::directory_bucket,
        cases: 100,
    },
    Target {
        name: "register-file",
        reads: "open data of the registers of childcare and schools, beside a directory",
        run: kept::register,
        cases: 300,
    },
    Target { name: "key-file", reads: "a key file", run: kept::key_file, cases: 300 },
    Target {
        name: "wrapped-key",
        reads: "a wrapped key, from the bucket of keys",
        run: kept::wrapped_key,
        cases: 300,
    },
    Target {
        name: "sealed-text",
        reads: "a sealed text out of an event, the wrapped key and the child's look-up out of the bucket",
        run: kept::sealed_text,
        cases: 100,
    },
    Target {
        name: "settings",
        reads: "a file of settings and the environment",
        run: words::settings,
        cases: 300,
    },
    Target {
        name: "word",
        reads: "ids, keys, register identifiers, subjects, identities, positions and moments as text",
        run: words::word,
        cases: 300,
    },
    Target {
        name: "text",
        reads: "free text and references, with the guard against citizen service numbers",
        run: words::text,
        cases: 300,
    },
    Target {
        name: "json",
        reads: "a signal as protobuf JSON, on the command line",
        run: words::json,
        cases: 300,
    },
    Target {
        name: "subjects",
        reads: "a file of subjects, on the command line",
        run: words::subjects,
        cases: 300,
    },
    Target {
        name: "headers",
        reads: "headers of a call: identity, deadline, trace",
        run: services::headers,
        cases: 300,
    },
    Target {
        name: "draft",
        reads: "a submission, read with all its faults at once",
        run: draft::draft,
        cases: 300,
    },
    Target { name: "intake", reads: "requests to intake", run: services::intake, cases: 60 },
    Target { name: "routing", reads: "requests to routing", run: services::routing, cases: 60 },
    Target { name: "escalation", reads: "requests to escalation", run: services::escalation, cases: 60 },
    Target {
        name: "streams",
        reads: "anything on the streams that services follow and react to",
        run: services::streams,
        cases: 12,
    },
];

impl Target {
    /// The target with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}
