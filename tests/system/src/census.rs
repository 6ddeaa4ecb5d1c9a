//! Counts what is stored, from the streams alone: no service is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::StreamExt as _;
use prost::Message as _;
use voordeur_contracts::{
    convert::from_wire_time,
    event::{self, signal_event, task_event, task_trigger},
};
use voordeur_eventlog::{Broker, Followed, Recorded, StreamName};
use voordeur_kernel::{SignalId, TaskId, Timestamp};

/// One signal as the stream has it.
#[derive(Debug, Default, Clone)]
pub struct StoredSignal {
    /// How often it was received: must be 1.
    pub received: usize,
    /// Tasks it was routed to: must be 1.
    pub routed_to: Vec<TaskId>,
    /// How often it was answered.
    pub answered: usize,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
    /// How often it heard that its task ended without an answer.
    pub cancelled: usize,
}

/// One task as the stream has it.
#[derive(Debug, Clone)]
pub struct StoredTask {
    /// The signal it was made for.
    pub signal: Option<SignalId>,
    /// How often it was requested: must be 1.
    pub requested: usize,
    /// Its state after the newest event.
    pub state: event::TaskState,
    /// Deadlines that run after the newest event that set any.
    pub deadlines: Vec<(i32, Timestamp)>,
    /// Names of its events, oldest first.
    pub events: Vec<&'static str>,
}

/// Everything that is stored.
#[derive(Debug, Default)]
pub struct Census {
    /// Signals by id.
    pub signals: BTreeMap<SignalId, StoredSignal>,
    /// Tasks by id.
    pub tasks: BTreeMap<TaskId, StoredTask>,
    /// Episodes opened, by child alias.
    pub episodes: BTreeMap<Vec<u8>, usize>,
    /// Parked messages.
    pub parked: usize,
}

/// Every message of a stream up to its end now.
async fn all(broker: &dyn Broker, stream: StreamName) -> Vec<Recorded> {
    let mut messages = Vec::new();
    let mut following = broker.log(stream).follow(None);
    while let Some(next) = following.next().await {
        match next.expect("the stream is whole") {
            Followed::Message(message) => messages.push(message),
            Followed::CaughtUp(_) => break,
        }
    }
    messages
}

/// Counts everything.
pub async fn count(broker: &Arc<dyn Broker>) -> Census {
    let mut census = Census::default();
    for message in all(&**broker, StreamName::Signals).await {
        let id = SignalId::parse_hex(message.subject.key()).expect("a signal id");
        let signal = census.signals.entry(id).or_default();
        match event::SignalEvent::decode(message.data).expect("a signal event").change {
            Some(signal_event::Change::Received(_)) => signal.received += 1,
            Some(signal_event::Change::Routed(routed)) => {
                signal.routed_to.push(TaskId::parse_bytes(&routed.task).expect("a task id"));
            }
            Some(signal_event::Change::Answered(_)) => signal.answered += 1,
            Some(signal_event::Change::Withdrawn(_)) => signal.withdrawn = true,
            Some(signal_event::Change::Cancelled(_)) => signal.cancelled += 1,
            Some(_) => {}
            None => panic!("an unknown signal event"),
        }
    }
    for message in all(&**broker, StreamName::Tasks).await {
        if message.subject.prefix() == "voordeur.task.v1" {
            take_task(&mut census, &message);
        }
    }
    for message in all(&**broker, StreamName::Episodes).await {
        let event = event::EpisodeEvent::decode(message.data).expect("an episode event");
        if let Some(event::episode_event::Change::Opened(opened)) = event.change {
            *census.episodes.entry(opened.child.to_vec()).or_default() += 1;
        }
    }
    let subjects: BTreeSet<_> =
        all(&**broker, StreamName::DeadLetters).await.into_iter().map(|message| message.subject).collect();
    census.parked = subjects.len();
    census
}

fn take_task(census: &mut Census, message: &Recorded) {
    use task_event::Change;

    let id = TaskId::parse_hex(message.subject.key()).expect("a task id");
    let event = event::TaskEvent::decode(message.data.clone()).expect("a task event");
    let standing = event.standing.expect("every task event says where the task stands");
    let signal = match standing.trigger.as_ref().and_then(|trigger| trigger.source.as_ref()) {
        Some(task_trigger::Source::Signal(signal)) => SignalId::parse_bytes(signal).ok(),
        _ => None,
    };
    let task = census.tasks.entry(id).or_insert_with(|| StoredTask {
        signal,
        requested: 0,
        state: event::TaskState::Unspecified,
        deadlines: Vec::new(),
        events: Vec::new(),
    });
    task.state = standing.state();
    let (name, deadlines) = match event.change.expect("a known task event") {
        Change::Requested(change) => {
            task.requested += 1;
            ("requested", Some(change.deadlines))
        }
        Change::OffersMade(change) => ("offers_made", Some(change.deadlines)),
        Change::OfferDeclined(change) => ("offer_declined", Some(change.deadlines)),
        Change::OffersTimedOut(change) => ("offers_timed_out", Some(change.deadlines)),
        Change::Accepted(change) => ("accepted", Some(change.deadlines)),
        Change::Assigned(change) => ("assigned", Some(change.deadlines)),
        Change::HandedBack(change) => ("handed_back", Some(change.deadlines)),
        Change::Held(change) => ("held", Some(change.deadlines)),
        Change::Resumed(change) => ("resumed", Some(change.deadlines)),
        Change::ContactRecorded(change) => ("contact_recorded", Some(change.deadlines)),
        Change::Answered(_) => ("answered", Some(Vec::new())),
        Change::ColleagueAsked(_) => ("colleague_asked", None),
        Change::CancellationRequested(change) => ("cancellation_requested", Some(change.deadlines)),
        Change::CancellationDecided(change) => ("cancellation_decided", Some(change.deadlines)),
        Change::Failed(change) => ("failed", Some(change.deadlines)),
        Change::EnteredInError(_) => ("entered_in_error", Some(Vec::new())),
        Change::ClockRang(change) => ("clock_rang", Some(change.deadlines)),
        Change::NobodyToTell(change) => ("nobody_to_tell", Some(change.deadlines)),
        Change::Linked(_) => ("linked", None),
        Change::CoordinatorReplaced(_) => ("coordinator_replaced", None),
        Change::OfferWithdrawn(change) => ("offer_withdrawn", Some(change.deadlines)),
        Change::HolderAway(change) => ("holder_away", Some(change.deadlines)),
        Change::HolderAwayEnded(change) => ("holder_away_ended", Some(change.deadlines)),
        Change::TransferProposed(change) => ("transfer_proposed", Some(change.deadlines)),
        Change::TransferEnded(change) => ("transfer_ended", Some(change.deadlines)),
        Change::MeetingPlanned(change) => ("meeting_planned", Some(change.deadlines)),
        Change::MeetingRecorded(change) => ("meeting_recorded", Some(change.deadlines)),
    };
    task.events.push(name);
    if let Some(deadlines) = deadlines {
        task.deadlines = deadlines
            .iter()
            .filter_map(|deadline| Some((deadline.clock, from_wire_time(deadline.due.as_ref()?)?)))
            .collect();
    }
}

impl Census {
    /// Everything that contradicts the promises, in words; `acknowledged` are the signals for which a caller got a receipt.
    #[must_use]
    pub fn broken_promises(&self, acknowledged: &BTreeSet<SignalId>, now: Timestamp) -> Vec<String> {
        let mut broken = Vec::new();
        for id in acknowledged {
            if !self.signals.contains_key(id) {
                broken.push(format!("{id}: acknowledged, but not stored"));
            }
        }
        let mut tasks_of: BTreeMap<SignalId, usize> = BTreeMap::new();
        for (id, task) in &self.tasks {
            if task.requested != 1 {
                broken.push(format!("{id}: requested {} times", task.requested));
            }
            if let Some(signal) = task.signal {
                *tasks_of.entry(signal).or_default() += 1;
                let told = self.signals.get(&signal).map(|signal| (signal.answered, signal.cancelled));
                let expected = match task.state {
                    event::TaskState::Completed => (1, 0),
                    event::TaskState::Cancelled | event::TaskState::EnteredInError => (0, 1),
                    _ => (0, 0),
                };
                if told != Some(expected) {
                    broken.push(format!("{id}: is {:?}, and its asker heard {told:?}", task.state));
                }
            }
            for (clock, due) in &task.deadlines {
                if *due < now {
                    broken.push(format!(
                        "{id}: clock {clock} was due at {due} and has no event; events {:?}",
                        task.events
                    ));
                }
            }
        }
        for (id, signal) in &self.signals {
            if signal.received != 1 {
                broken.push(format!("{id}: received {} times", signal.received));
            }
            if tasks_of.get(id) != Some(&1) {
                broken.push(format!("{id}: has {:?} tasks", tasks_of.get(id)));
            }
            if signal.routed_to.len() != 1 {
                broken.push(format!("{id}: routed {} times", signal.routed_to.len()));
            }
        }
        for (child, opened) in &self.episodes {
            if *opened != 1 {
                broken.push(format!("a child has {opened} episodes, alias of {} bytes", child.len()));
            }
        }
        if self.parked > 0 {
            broken.push(format!("{} messages were parked", self.parked));
        }
        broken
    }
}
