//! One number for everything that is stored. What is random on purpose (aliases of children, data keys, boxes) is left out; two runs
//! of one seed agree on all the rest: what was stored, where, when, by whom.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use bytes::Bytes;
use prost::Message as _;
use voordeur_contracts::{
    common::SealedText,
    event::{
        EpisodeEvent, EventMeta, SignalEvent, TaskEvent, episode_event, signal_event, task_event,
        task_trigger::Source,
    },
};
use voordeur_eventlog::{Recorded, StreamName, memory::MemoryBroker};

/// The fingerprint of a whole log.
#[must_use]
pub fn fingerprint(broker: &MemoryBroker) -> u64 {
    let mut hasher = DefaultHasher::new();
    for stream in [StreamName::Signals, StreamName::Tasks, StreamName::Episodes, StreamName::DeadLetters] {
        let mut subjects = HashMap::new();
        for message in broker.messages(stream) {
            let next = subjects.len();
            let subject = *subjects.entry(message.subject.clone()).or_insert(next);
            (stream.as_str(), message.sequence, message.stored_at.as_nanosecond(), subject).hash(&mut hasher);
            plain(&message).hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn clear(sealed: &mut Option<SealedText>) {
    if let Some(sealed) = sealed {
        sealed.key_id = Bytes::new();
        sealed.r#box = Bytes::new();
    }
}

/// An act of a service is derived from what it is about.
fn forget_act(meta: &mut Option<EventMeta>) {
    if let Some(meta) = meta {
        meta.command_id = Bytes::new();
    }
}

/// A message without what is random.
fn plain(message: &Recorded) -> Vec<u8> {
    match message.subject.prefix() {
        "voordeur.signal.v1" => {
            let Ok(mut event) = SignalEvent::decode(message.data.clone()) else {
                return message.data.to_vec();
            };
            match &mut event.change {
                Some(signal_event::Change::Received(received)) => {
                    received.child = Bytes::new();
                    clear(&mut received.details);
                }
                Some(signal_event::Change::Answered(answered)) => clear(&mut answered.advice),
                _ => {}
            }
            event.encode_to_vec()
        }
        "voordeur.task.v1" => {
            let Ok(mut event) = TaskEvent::decode(message.data.clone()) else { return message.data.to_vec() };
            if let Some(standing) = &mut event.standing {
                standing.child = Bytes::new();
                match standing.trigger.as_mut().and_then(|trigger| trigger.source.as_mut()) {
                    // So are the ids of tasks that follow from an episode, and of what the service does with them.
                    Some(Source::EpisodeCheck(check)) => {
                        check.episode = Bytes::new();
                        forget_act(&mut event.meta);
                    }
                    Some(Source::HandOver(hand_over)) => {
                        hand_over.episode = Bytes::new();
                        forget_act(&mut event.meta);
                    }
                    _ => {}
                }
            }
            if let Some(task_event::Change::Answered(answered)) = &mut event.change {
                clear(&mut answered.advice);
            }
            event.encode_to_vec()
        }
        "voordeur.episode.v1" => {
            let Ok(mut event) = EpisodeEvent::decode(message.data.clone()) else {
                return message.data.to_vec();
            };
            match &mut event.change {
                Some(episode_event::Change::Opened(opened)) => opened.child = Bytes::new(),
                Some(episode_event::Change::WorkDue(due)) => {
                    due.child = Bytes::new();
                    forget_act(&mut event.meta);
                }
                // Facts go by ids that cover the episode, which is derived from the alias.
                Some(episode_event::Change::GoalSet(goal)) => goal.goal = Bytes::new(),
                Some(episode_event::Change::GoalScored(score)) => score.goal = Bytes::new(),
                Some(episode_event::Change::ReferralRequested(referral)) => referral.referral = Bytes::new(),
                Some(episode_event::Change::ReferralDecided(decided)) => decided.referral = Bytes::new(),
                Some(episode_event::Change::CareStarted(care)) => care.referral = Bytes::new(),
                Some(episode_event::Change::CareEnded(care)) => care.referral = Bytes::new(),
                Some(episode_event::Change::ReferralReviewed(review)) => review.referral = Bytes::new(),
                Some(episode_event::Change::Corrected(correction)) => correction.target = Bytes::new(),
                _ => {}
            }
            event.encode_to_vec()
        }
        _ => message.data.to_vec(),
    }
}
