//! Reading every copy of a stream side by side, window by window, and telling which differs. Whatever looks wrong is read once more
//! before it counts: a delivery can get lost, and keys of a bucket are overwritten while we read.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{
    super::{Core, monitor},
    Class, Look, Progress, Subject, Whereabouts,
    reader::Reader,
    repair,
};

/// Messages of each copy that are in memory at a time.
const WINDOW: u64 = 2_000;
/// Sequences that are named in a finding.
const NAMED: usize = 5;
/// How often what looks wrong is read again before it counts.
const LOOKS: usize = 2;
/// After so many windows with faults that stayed, a copy's further faults are believed at once.
const DOUBTED_WINDOWS: usize = 3;

/// What each node sent: a digest by sequence.
type Window<'a> = BTreeMap<&'a str, BTreeMap<u64, u64>>;

/// What is wrong with one copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wrong {
    missing: BTreeSet<u64>,
    changed: BTreeSet<u64>,
    /// Windows in which something was wrong.
    windows: usize,
}

impl Wrong {
    fn is_none(&self) -> bool {
        self.missing.is_empty() && self.changed.is_empty()
    }

    fn bounds(&self) -> Option<(u64, u64)> {
        let all = || self.missing.iter().chain(&self.changed);
        Some((*all().min()?, *all().max()?))
    }
}

/// What differs between the copies, from one sequence to another. Nothing may be missing in a stream; in a bucket, only what no copy has.
fn compare<'a>(window: &Window<'a>, from: u64, to: u64, overwritten: bool) -> BTreeMap<&'a str, Wrong> {
    let mut wrong: BTreeMap<&str, Wrong> = BTreeMap::new();
    let somewhere = || window.values().flat_map(|copy| copy.range(from..=to).map(|(sequence, _)| *sequence));
    let expected: BTreeSet<u64> = if overwritten { somewhere().collect() } else { (from..=to).collect() };
    for sequence in expected {
        let mut votes: BTreeMap<u64, usize> = BTreeMap::new();
        for copy in window.values() {
            if let Some(digest) = copy.get(&sequence) {
                *votes.entry(*digest).or_default() += 1;
            }
        }
        let voters: usize = votes.values().sum();
        let right = votes.iter().find(|(_, count)| **count * 2 > voters).map(|(digest, _)| *digest);
        for (node, copy) in window {
            match copy.get(&sequence) {
                None => _ = wrong.entry(node).or_default().missing.insert(sequence),
                // Two that contradict each other: nobody knows which is right.
                Some(digest) if voters > 1 && Some(*digest) != right => {
                    _ = wrong.entry(node).or_default().changed.insert(sequence);
                }
                Some(_) => {}
            }
        }
    }
    wrong
}

/// Reads the same part of every copy, each from a reader of its own.
async fn read_again<'a>(
    core: &Core,
    stream: &str,
    nodes: &[&'a str],
    alone: bool,
    from: u64,
    to: u64,
) -> Window<'a> {
    let reading = nodes.iter().map(|node| async move {
        let mut reader = Reader::new(core, stream, node, alone, from);
        let seen = reader.up_to(to).await;
        reader.close().await;
        (*node, seen)
    });
    let read = join_all(reading).await.into_iter();
    read.filter_map(|(node, seen)| Some((node, seen.ok()?.into_iter().collect()))).collect()
}

impl Look<'_> {
    /// Reads every copy that can be read and compares them, up to a sequence that all of them should reach.
    pub(super) async fn at_messages(
        &mut self,
        subject: &Subject,
        place: &Whereabouts,
        end: u64,
        progress: &(dyn Fn(Progress) + Sync),
    ) {
        let stream = subject.name.as_str();
        let core = self.core;
        let nodes = place.nodes();
        let alone = nodes.len() == 1;
        let shown: BTreeSet<String> = self
            .audit
            .replicas
            .iter()
            .filter(|replica| replica.stream == stream)
            .map(|replica| replica.node.clone())
            .collect();
        let in_step =
            |node: &String| *node == place.leader || place.others.get(node).copied().unwrap_or(false);
        let mut readers: BTreeMap<&str, Reader<'_>> = nodes
            .iter()
            .filter(|node| shown.contains(*node) && in_step(node))
            .map(|node| (node.as_str(), Reader::new(core, stream, node, alone, 1)))
            .collect();
        let mut wrong: BTreeMap<&str, Wrong> = BTreeMap::new();
        let mut read: BTreeMap<&str, u64> = BTreeMap::new();
        let mut from = 1;
        while from <= end && !readers.is_empty() {
            let to = end.min(from + WINDOW - 1);
            let reading = readers.iter_mut().map(|(node, reader)| async { (*node, reader.up_to(to).await) });
            let mut window = Window::new();
            for (node, seen) in join_all(reading).await {
                match seen {
                    Ok(seen) => {
                        *read.entry(node).or_default() += u64::try_from(seen.len()).unwrap_or(0);
                        window.insert(node, seen.into_iter().collect());
                    }
                    Err(reason) => {
                        if let Some(mut reader) = readers.remove(node) {
                            reader.close().await;
                        }
                        self.finding(
                            Class::Unseen,
                            "COPY_NOT_READ",
                            (Some(node), Some(stream)),
                            format!("its copy could not be read from sequence {from} on: {reason}"),
                            "look again; if it stays so, read the log of the node, and treat this copy as damaged",
                        );
                    }
                }
            }
            let mut found = compare(&window, from, to, subject.overwritten);
            let asked: Vec<&str> = readers.keys().copied().collect();
            let believed =
                |node: &str| wrong.get(node).is_some_and(|known: &Wrong| known.windows >= DOUBTED_WINDOWS);
            for _ in 0..LOOKS {
                let doubted = found.iter().filter(|(node, _)| !believed(node));
                let Some((first, last)) = doubted
                    .filter_map(|(_, wrong)| wrong.bounds())
                    .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
                else {
                    break;
                };
                let window = read_again(core, stream, &asked, alone, first, last).await;
                let again = compare(&window, first, last, subject.overwritten);
                for (node, wrong) in found.iter_mut().filter(|(node, _)| !believed(node)) {
                    let stays = again.get(node);
                    wrong
                        .missing
                        .retain(|sequence| stays.is_some_and(|wrong| wrong.missing.contains(sequence)));
                    wrong
                        .changed
                        .retain(|sequence| stays.is_some_and(|wrong| wrong.changed.contains(sequence)));
                }
                found.retain(|_, wrong| !wrong.is_none());
            }
            for (node, found) in found {
                let all = wrong.entry(node).or_default();
                all.missing.extend(found.missing);
                all.changed.extend(found.changed);
                all.windows += 1;
            }
            progress(Progress { stream: stream.to_owned(), read: to, end });
            from = to + 1;
        }
        for reader in readers.values_mut() {
            reader.close().await;
        }
        for replica in self.audit.replicas.iter_mut().filter(|replica| replica.stream == stream) {
            replica.read = read.get(replica.node.as_str()).copied();
        }
        if !wrong.is_empty() {
            let everybody = wrong.len() == nodes.len();
            self.tell(stream, place, &wrong, everybody).await;
        }
    }

    async fn tell(
        &mut self,
        stream: &str,
        place: &Whereabouts,
        wrong: &BTreeMap<&str, Wrong>,
        everybody: bool,
    ) {
        let account = self.account_of(stream, place).await;
        let mut lost: BTreeSet<u64> = BTreeSet::new();
        if everybody {
            let mut copies = wrong.values().map(|wrong| wrong.missing.clone());
            lost = copies.next().unwrap_or_default();
            copies.for_each(|missing| lost.retain(|sequence| missing.contains(sequence)));
        }
        if !lost.is_empty() {
            self.finding(
                Class::Damage,
                "MESSAGES_LOST",
                (None, Some(stream)),
                format!("no copy has {} of its messages ({})", lost.len(), named(&lost)),
                "delete nothing, stop the services, and restore this stream from a backup",
            );
        }
        for (node, wrong) in wrong {
            let step = repair(&account, node, stream);
            let missing: BTreeSet<u64> = wrong.missing.difference(&lost).copied().collect();
            if !missing.is_empty() {
                self.finding(
                    Class::Damage,
                    "MESSAGES_UNREADABLE",
                    (Some(node), Some(stream)),
                    format!(
                        "its copy does not deliver {} ({}), whatever its counters say; who reads there is not told",
                        super::messages(missing.len()),
                        named(&missing)
                    ),
                    step.clone(),
                );
            }
            if !wrong.changed.is_empty() {
                self.finding(
                    Class::Damage,
                    "MESSAGES_DIFFER",
                    (Some(node), Some(stream)),
                    format!(
                        "its copy holds {} otherwise than the other copies ({})",
                        super::messages(wrong.changed.len()),
                        named(&wrong.changed)
                    ),
                    step,
                );
            }
        }
    }

    /// The broker's account that the stream is in: part of the path of its files.
    async fn account_of(&self, stream: &str, place: &Whereabouts) -> String {
        for node in &self.audit.nodes {
            let copies = monitor::copies(&node.address).await.unwrap_or_default();
            let ours = copies.into_iter().find(|copy| copy.stream == stream && copy.created == place.created);
            if let Some(copy) = ours {
                return copy.account;
            }
        }
        "<ACCOUNT>".to_owned()
    }
}

/// The first of them, as ranges.
fn named(sequences: &BTreeSet<u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for sequence in sequences {
        match ranges.last_mut() {
            Some(range) if range.1 + 1 == *sequence => range.1 = *sequence,
            _ => ranges.push((*sequence, *sequence)),
        }
    }
    let more = ranges.len() > NAMED;
    let shown: Vec<String> = ranges
        .into_iter()
        .take(NAMED)
        .map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") })
        .collect();
    let noun = if sequences.len() == 1 { "sequence" } else { "sequences" };
    format!("{noun} {}{}", shown.join(", "), if more { ", …" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(copies: &[(&'static str, &[(u64, u64)])]) -> Window<'static> {
        copies.iter().map(|(node, copy)| (*node, copy.iter().copied().collect())).collect()
    }

    fn wrong(missing: &[u64], changed: &[u64]) -> Wrong {
        Wrong {
            missing: missing.iter().copied().collect(),
            changed: changed.iter().copied().collect(),
            windows: 0,
        }
    }

    #[test]
    fn copies_that_are_the_same_have_no_fault() {
        let same: &[(u64, u64)] = &[(1, 10), (2, 20)];
        assert!(compare(&window(&[("a", same), ("b", same), ("c", same)]), 1, 2, false).is_empty());
    }

    #[test]
    fn the_one_of_three_that_differs_is_named_and_so_is_what_it_lacks() {
        let good: &[(u64, u64)] = &[(1, 10), (2, 20), (3, 30)];
        let found = compare(&window(&[("a", good), ("b", &[(1, 11), (3, 30)]), ("c", good)]), 1, 3, false);
        assert_eq!(found, BTreeMap::from([("b", wrong(&[2], &[1]))]));
    }

    #[test]
    fn two_that_contradict_each_other_are_both_named() {
        let found = compare(&window(&[("a", &[(1, 10)]), ("b", &[(1, 11)])]), 1, 1, false);
        assert_eq!(found, BTreeMap::from([("a", wrong(&[], &[1])), ("b", wrong(&[], &[1]))]));
    }

    #[test]
    fn a_number_that_no_copy_has_is_a_hole_in_a_stream_and_nothing_in_a_bucket() {
        let copies = window(&[("a", &[(1, 10), (3, 30)]), ("b", &[(1, 10), (3, 30)])]);
        let holes = compare(&copies, 1, 3, false);
        assert_eq!(holes, BTreeMap::from([("a", wrong(&[2], &[])), ("b", wrong(&[2], &[]))]));
        assert!(compare(&copies, 1, 3, true).is_empty());
        let differing = window(&[("a", &[(1, 10), (3, 30)]), ("b", &[(1, 10)])]);
        assert_eq!(compare(&differing, 1, 3, true), BTreeMap::from([("b", wrong(&[3], &[]))]));
    }

    #[test]
    fn sequences_are_named_as_ranges_and_not_all_of_them() {
        assert_eq!(named(&BTreeSet::from([7])), "sequence 7");
        assert_eq!(named(&(3..=9).chain([12]).collect()), "sequences 3-9, 12");
        assert_eq!(named(&(1..=20).filter(|n| n % 2 == 0).collect()), "sequences 2, 4, 6, 8, 10, …");
    }
}
