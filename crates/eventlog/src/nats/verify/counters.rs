//! What the nodes' own counters show. Whoever lost part of a file knows that messages are missing, and tells nobody who does not ask.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::sleep;

use super::{Class, Look, Replica, Subject, Whereabouts, repair};
use crate::nats::monitor::{self, Copy};

/// How often copies that end too early are looked at before that counts: followers are a moment behind.
const LOOKS: usize = 12;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(250);

impl Look<'_> {
    /// Every node's copy of one stream, by node.
    async fn copies(&self, stream: &str, place: &Whereabouts) -> BTreeMap<String, Copy> {
        let mut copies = BTreeMap::new();
        for node in self.audit.nodes.iter().filter(|node| place.nodes().contains(&node.name)) {
            let Ok(held) = monitor::copies(&node.address).await else { continue };
            // Another account may have a stream of this name.
            let ours = held.into_iter().find(|copy| copy.stream == stream && copy.created == place.created);
            copies.extend(ours.map(|copy| (node.name.clone(), copy)));
        }
        copies
    }

    /// Compares the counters; tells up to where every copy should reach, if there are messages to read.
    pub(super) async fn at_counters(&mut self, subject: &Subject, place: &Whereabouts) -> Option<u64> {
        let stream = subject.name.as_str();
        let mut copies = self.copies(stream, place).await;
        // The leader may be the one that ends too early.
        let end = copies.values().map(|copy| copy.last_sequence).chain([place.end]).max().unwrap_or(0);
        for _ in 1..LOOKS {
            if copies.values().all(|copy| copy.last_sequence >= end) {
                break;
            }
            sleep(LOOK_AGAIN_AFTER).await;
            copies = self.copies(stream, place).await;
        }
        for node in place.nodes() {
            let in_step = node == place.leader || place.others.get(&node).copied().unwrap_or(false);
            let known = self.audit.nodes.iter().any(|known| known.name == node);
            match copies.get(&node) {
                Some(copy) => self.judge(subject, copy, &node, end, in_step),
                // Away, or unknown: that has been told already.
                None if !in_step || !known => {}
                None => self.finding(
                    Class::Unseen,
                    "COPY_NOT_SHOWN",
                    (Some(&node), Some(stream)),
                    "counts as holding a copy, and does not show one",
                    "look again; if it stays so, start the node again",
                ),
            }
        }
        for (node, copy) in &copies {
            self.audit.replicas.push(Replica {
                stream: stream.to_owned(),
                node: node.clone(),
                leads: *node == place.leader,
                messages: copy.messages,
                first_sequence: copy.first_sequence,
                last_sequence: copy.last_sequence,
                deleted: copy.deleted,
                read: None,
            });
        }
        (end > 0).then_some(end)
    }

    fn judge(&mut self, subject: &Subject, copy: &Copy, node: &str, end: u64, in_step: bool) {
        let at = (Some(node), Some(subject.name.as_str()));
        let step = repair(&copy.account, node, &subject.name);
        if in_step && copy.last_sequence < end {
            let last = copy.last_sequence;
            let meaning = format!("its copy ends at {last} and counts as complete, others go up to {end}");
            self.finding(Class::Damage, "ENDS_EARLY", at, meaning, step.clone());
        }
        if subject.overwritten {
            return;
        }
        // Nothing is ever purged without being recorded, and nothing records it yet.
        let front =
            if copy.messages > 0 { copy.first_sequence.saturating_sub(1) } else { copy.last_sequence };
        if front + copy.deleted > 0 {
            let meaning = format!(
                "its copy lacks {} of {}, by its own counters, though it calls itself healthy",
                super::messages(front + copy.deleted),
                copy.last_sequence
            );
            self.finding(Class::Damage, "MESSAGES_MISSING", at, meaning, step);
        }
    }
}
