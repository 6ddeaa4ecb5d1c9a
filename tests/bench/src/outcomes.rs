//! The outcome of a whole country over a decade: how long it takes to fold the episodes and to report on them, how much an open episode takes in
//! memory, and how fast cases are classified and curves are estimated, beside R on the same file.

use std::{fmt::Write as _, path::Path, process::Command, time::Instant};

use async_nats::HeaderMap;
use futures_util::{StreamExt as _, future::join, stream};
use jiff::tz::TimeZone;
use prost::{Message as _, bytes::Bytes};
use tonic::{Request, transport::Endpoint};
use voordeur_contracts::{
    common::{DateRange, SubjectKind},
    escalation::{
        MakeReportRequest, ReportQuestion, outcome_report_service_client::OutcomeReportServiceClient,
    },
    event::{SignalEvent, signal_event},
};
use voordeur_escalation::read_event;
use voordeur_escalation_domain::outcome::{CaseFact, Cause, Classifier, Day, ESC_1, Question, take_in};
use voordeur_kernel::CommitId;
use voordeur_system_tests::{As, voordeur_binary};

use crate::{
    Plan, bare,
    bare::{Entry, publish_batch, without_storing},
    country, decade,
    decade::Story,
    ground::Ground,
    history::{everything, hex},
    report::Report,
    restart,
};

/// The decade is always the same.
const SEED: u64 = 20_261_123;
/// Histories that are written at a time.
const AT_ONCE: usize = 1_000;
/// Batches on their way.
const ON_THEIR_WAY: usize = 3;
/// Most open episodes for the figure of their memory.
const OPEN_MAX: usize = 200_000;
/// The memory of a process that came to rest varies by no more than this between two looks.
const AT_REST_BYTES: f64 = 262_144.0;
/// Between two looks.
const BETWEEN_LOOKS: std::time::Duration = std::time::Duration::from_millis(500);
/// At most.
const LOOKS_MAX: usize = 40;
/// Of a hundred signals so many begin an episode; a dozen join one, and the others are about a group.
const EPISODES_PERCENT: usize = 70;
/// R keeps the influence of each subject at each moment: more than this does not fit into the memory of a small machine.
const SUBJECTS_MAX: usize = 200_000;
/// Cases that are classified again and again.
const CASES: usize = 20_000;
/// Each reads the whole log.
const REPORTS_MAX: usize = 2;
/// The report of a decade may take so long.
const REPORT_TIME: std::time::Duration = std::time::Duration::from_secs(900);

/// How stored messages look.
struct Forms {
    episode: HeaderMap,
    signal: HeaderMap,
    received: SignalEvent,
}

impl Forms {
    async fn look(ground: &Ground) -> Self {
        let episodes = everything(ground, "EPISODES").await;
        let (_, episode, _) = episodes.into_iter().next().expect("a signal about a child has an episode");
        for (_, signal, payload) in everything(ground, "SIGNALS").await {
            let event = SignalEvent::decode(payload).expect("a signal event");
            if let Some(signal_event::Change::Received(received)) = &event.change
                && !received.child.is_empty()
            {
                return Self {
                    episode: without_storing(&episode),
                    signal: without_storing(&signal),
                    received: event,
                };
            }
        }
        panic!("no signal is about a child")
    }

    fn signal_entry(&self, signal: &decade::StorySignal) -> Entry {
        let mut event = self.received.clone();
        if let Some(meta) = &mut event.meta {
            meta.recorded_at = Some(signal.at);
            meta.command_id = Bytes::copy_from_slice(&signal.id);
        }
        if let Some(signal_event::Change::Received(received)) = &mut event.change {
            match &signal.child {
                Some(child) => received.child = Bytes::copy_from_slice(child),
                None => {
                    received.child = Bytes::new();
                    received.subject = SubjectKind::Group.into();
                    "groep-3".clone_into(&mut received.group);
                }
            }
            received.severity = signal.severity;
            received.centre = country::centre_key(signal.centre);
        }
        let id = hex(signal.id);
        entry(&self.signal, format!("voordeur.signal.v1.{id}"), &id, 0, event.encode_to_vec())
    }
}

fn entry(headers: &HeaderMap, subject: String, commit: &str, expected: u64, payload: Vec<u8>) -> Entry {
    let mut headers = headers.clone();
    headers.insert("ce-id", format!("com_{commit}").as_str());
    headers.insert("Nats-Expected-Last-Subject-Sequence", expected.to_string().as_str());
    Entry { subject, headers, payload: Bytes::from(payload) }
}

/// Writes episodes and their signals; returns how many events there were.
async fn write(ground: &Ground, forms: &Forms, stories: Vec<Story>) -> usize {
    let client = &ground.bare.client;
    let signals = stories.iter().flat_map(|story| &story.signals);
    let signals: Vec<Entry> = signals.map(|signal| forms.signal_entry(signal)).collect();
    let count = signals.len();
    let signals = async {
        let mut signals = signals.into_iter();
        loop {
            let part: Vec<Entry> = signals.by_ref().take(AT_ONCE).collect();
            if part.is_empty() {
                return;
            }
            publish_batch(client, part).await;
        }
    };
    let episodes = async {
        let mut expected = vec![0_u64; stories.len()];
        let longest = stories.iter().map(|story| story.events.len()).max().unwrap_or(0);
        let mut written = 0;
        for place in 0..longest {
            let mut who = Vec::new();
            let mut entries = Vec::new();
            for (index, story) in stories.iter().enumerate() {
                if let Some((commit, event)) = story.events.get(place) {
                    who.push(index);
                    let subject = story.subject.clone();
                    entries.push(entry(
                        &forms.episode,
                        subject,
                        commit,
                        expected[index],
                        event.encode_to_vec(),
                    ));
                }
            }
            written += entries.len();
            let first = publish_batch(client, entries).await;
            who.into_iter().zip(first..).for_each(|(index, sequence)| expected[index] = sequence);
        }
        written
    };
    let (written, ()) = join(episodes, signals).await;
    written + count
}

/// Writes a part of the decade.
async fn fill(ground: &Ground, forms: &Forms, numbers: std::ops::Range<usize>, open: bool) -> usize {
    let (began, end) = (Instant::now(), numbers.end);
    let centres = ground.centres - 1;
    let parts = numbers.step_by(AT_ONCE).map(|first| first..end.min(first + AT_ONCE));
    let mut writing = stream::iter(parts)
        .map(|part| async move {
            let last = part.end;
            let stories = part.map(|number| decade::story(SEED, number, centres, open)).collect();
            (last, write(ground, forms, stories).await)
        })
        .buffer_unordered(ON_THEIR_WAY);
    let (mut events, mut told) = (0, began);
    while let Some((last, written)) = writing.next().await {
        events += written;
        if told.elapsed().as_secs() >= 10 {
            told = Instant::now();
            eprintln!("  about {last} of {end} episodes written, {events} events");
        }
    }
    eprintln!("  {events} events written in {:.1} s", began.elapsed().as_secs_f64());
    events
}

/// Writes signals about groups.
async fn fill_groups(ground: &Ground, forms: &Forms, count: usize) -> usize {
    let centres = ground.centres - 1;
    for first in (0..count).step_by(AT_ONCE) {
        let numbers = first..count.min(first + AT_ONCE);
        let entries = numbers.map(|number| forms.signal_entry(&decade::about_a_group(SEED, number, centres)));
        publish_batch(&ground.bare.client, entries.collect()).await;
    }
    count
}

/// Starts escalation, waits until it has read everything and its memory stays as it is, and ends it. In bytes.
async fn memory_at_rest(ground: &Ground) -> f64 {
    let (_, mut memory) = restart::start_again(ground, "escalation").await;
    let process = ground.services.process("escalation", 0).expect("it runs");
    for _ in 0..LOOKS_MAX {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let before = std::mem::replace(&mut memory, crate::process::usage(process).memory);
        if (memory - before).abs() <= AT_REST_BYTES {
            break;
        }
    }
    ground.services.kill("escalation", 0);
    memory
}

/// Measures.
pub(crate) async fn run(plan: &Plan, ground: &Ground, report: &mut Report) {
    let forms = Forms::look(ground).await;
    ground.settle().await;
    ground.stop_services();
    let all = (plan.signals * EPISODES_PERCENT / 100).max(10);
    let open = (all / 4).clamp(2, OPEN_MAX);
    let half = open / 2;
    eprintln!("outcomes: {open} open episodes");
    let mut events = fill(ground, &forms, 0..half, true).await;
    let first = memory_at_rest(ground).await;
    events += fill(ground, &forms, half..open, true).await;
    let both = memory_at_rest(ground).await;
    #[expect(clippy::cast_precision_loss, reason = "a count of episodes")]
    let bytes = (both - first) / (open - half) as f64;
    report.derived("outcomes.bytes_per_open_episode", "bytes", bytes);

    eprintln!("outcomes: {} more episodes of ten years", all - open);
    events += fill(ground, &forms, open..all, false).await;
    let about_children = ground.messages("SIGNALS").await;
    let groups = plan.signals.saturating_sub(usize::try_from(about_children).unwrap_or(usize::MAX));
    events += fill_groups(ground, &forms, groups).await;
    #[expect(clippy::cast_precision_loss, reason = "a count of events")]
    report.derived("outcomes.events", "events", events as f64);
    let (count, reading) = bare::read_through(&ground.bare.context, "EPISODES").await;
    let (took, memory) = restart::start_again(ground, "escalation").await;
    #[expect(clippy::cast_precision_loss, reason = "a count of messages")]
    let count = count as f64;
    report.derived("outcomes.bare_reader", "1/s", count / reading.as_secs_f64());
    report.derived("outcomes.fold.ready", "s", took);
    report.derived("outcomes.fold.per_second", "1/s", count / took);
    report.derived("outcomes.fold.memory", "MB", memory / 1e6);
    report.ratio("outcomes.fold.by_reader", "outcomes.fold.per_second", "outcomes.bare_reader");
    make_report(plan, ground, report).await;
    cases(ground, report);
    estimates(ground, report);
    report.note(format!(
        "outcomes: an invented decade of {all} episodes with their signals, seed {SEED}; the report is of the whole country and ten years, made by one \
         call; the memory of an open episode is what a process holds more with {open} of them than with {half}, so that what any process holds \
         and what reading costs is in neither; R reads, estimates and prints at 90, 180 and 365 days, as \
         `voordeur outcome survival` does, on the same file of at most {SUBJECTS_MAX} subjects; without R its figures are left out"
    ));
}

async fn make_report(plan: &Plan, ground: &Ground, report: &mut Report) {
    // Without the patience of ordinary calls.
    let address = ground.services.addresses("escalation", 0).expect("escalation runs").grpc;
    let channel = Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy();
    let caller = As(format!("person:{}", country::COUNTRY_COORDINATOR));
    let mut client =
        OutcomeReportServiceClient::with_interceptor(channel, caller).max_decoding_message_size(64 << 20);
    let question = ReportQuestion {
        period: Some(DateRange { from: "2016-01-01".to_owned(), until: "2025-12-31".to_owned() }),
        municipality: country::MUNICIPALITY.to_owned(),
        known_on: "2026-10-31".to_owned(),
        ..ReportQuestion::default()
    };
    let mut before: Option<Bytes> = None;
    for _ in 0..plan.rounds.min(REPORTS_MAX) {
        let mut request =
            Request::new(MakeReportRequest { question: Some(question.clone()), at_least: None });
        request.set_timeout(REPORT_TIME);
        let began = Instant::now();
        let made = client.make_report(request).await.expect("a report").into_inner();
        report.round("outcomes.report", "s", began.elapsed().as_secs_f64());
        if let Some(before) = &before {
            assert_eq!(*before, made.json, "the same log gives the same report");
        }
        before = Some(made.json);
    }
    let process = ground.services.process("escalation", 0).expect("it runs");
    report.derived("outcomes.report.memory", "MB", crate::process::usage(process).memory / 1e6);
}

/// The cases of the decade, one after the other, as escalation would know them.
fn told_cases(ground: &Ground) -> impl Iterator<Item = Vec<CaseFact>> {
    let zone = TimeZone::get("Europe/Amsterdam").expect("a time zone");
    let centres = ground.centres - 1;
    (0..).map(move |number| {
        let mut history = Vec::new();
        for (commit, event) in decade::story(SEED, number, centres, false).events {
            let commit = CommitId::parse_hex(&commit).expect("a commit id");
            let event = read_event(&event).expect("an event");
            take_in(&mut history, &event, commit, &ESC_1.endpoints, &zone);
        }
        history
    })
}

/// What is asked of each case: the year after its judgement, long after the last one.
fn question() -> Question {
    let observed = Day::of_date(jiff::civil::date(2026, 10, 31)).expect("a day");
    Question { observed, window: 365, known: observed }
}

/// Classifies cases, in this process.
fn cases(ground: &Ground, report: &mut Report) {
    let histories: Vec<_> = told_cases(ground).take(CASES).collect();
    let facts: usize = histories.iter().map(Vec::len).sum();
    let question = question();
    let mut classifier = Classifier::default();
    let (mut avoided, began) = (0_usize, Instant::now());
    let mut times = 0_u32;
    while began.elapsed().as_secs_f64() < 1.0 {
        times += 1;
        for history in &histories {
            let class = classifier.classify(history, question).expect("no contradiction").class;
            avoided += usize::from(class == voordeur_escalation_domain::outcome::Class::Avoided);
        }
    }
    assert!(avoided > 0, "some referral is avoided");
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    let (cases, facts) = (CASES as f64, facts as f64);
    report.derived(
        "outcomes.classify.per_second",
        "1/s",
        f64::from(times) * cases / began.elapsed().as_secs_f64(),
    );
    report.derived("outcomes.classify.facts_per_case", "facts", facts / cases);
}

/// A file of subjects for the estimators.
fn subjects(ground: &Ground, at_most: usize) -> String {
    let question = question();
    let mut classifier = Classifier::default();
    let mut text = "id,time,cause\n".to_owned();
    let mut count = 0;
    for history in told_cases(ground) {
        let classified = classifier.classify(&history, question).expect("no contradiction");
        let Some(survival) = classified.survival else { continue };
        let cause = match survival.cause {
            Cause::Censored => 0,
            Cause::Referral => 1,
            Cause::Left => 2,
            Cause::VeiligThuis => 3,
        };
        count += 1;
        let _ = writeln!(text, "{count},{},{cause}", survival.time);
        if count == at_most {
            break;
        }
    }
    text
}

/// The share that was referred by day 365, as R prints it.
const R: &str = r#"
suppressMessages(library(survival))
d <- read.csv(commandArgs(TRUE)[1])
f <- survfit(Surv(time, factor(cause)) ~ 1, data = d)
s <- summary(f, times = c(90, 180, 365))
cat(sprintf("%.15g", s$pstate[3, 2]))
"#;

/// Estimates from the same file, with ours and with R.
fn estimates(ground: &Ground, report: &mut Report) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("subjects.csv");
    let text = subjects(ground, SUBJECTS_MAX.min(ground.centres * 800));
    std::fs::write(&file, text).expect("the folder can be written");
    let began = Instant::now();
    let mut ours = Command::new(voordeur_binary());
    let printed = ours.args(["outcome", "survival"]).arg(&file).output().expect("the command runs");
    report.derived("outcomes.estimate", "s", began.elapsed().as_secs_f64());
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    let share = answer["aj"]["overall"]["at"]["by_cause"][0]["cif"][2].as_f64().expect("a share at 365 days");
    let Some((seconds, theirs)) = with_r(&file) else { return };
    assert!((share - theirs).abs() <= 1e-10 * theirs.abs(), "ours {share}, R {theirs}");
    report.derived("outcomes.estimate.r", "s", seconds);
    report.ratio("outcomes.estimate.by_r", "outcomes.estimate", "outcomes.estimate.r");
}

/// What R takes for it and finds; nothing where it is not installed.
fn with_r(file: &Path) -> Option<(f64, f64)> {
    let began = Instant::now();
    let done = Command::new("Rscript").args(["-e", R]).arg(file).output().ok()?;
    let printed = String::from_utf8_lossy(&done.stdout);
    match printed.trim().parse() {
        Ok(share) => Some((began.elapsed().as_secs_f64(), share)),
        Err(_) => {
            eprintln!("R is there and cannot estimate: {}", String::from_utf8_lossy(&done.stderr));
            None
        }
    }
}
