//! What escalation keeps of its own stream: open episodes, where to find every episode, and what is due.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message as _;
use voordeur_contracts::event::EpisodeEvent;
use voordeur_escalation_domain::{Change, ChangeKind, Episode, Opened, evolve};
use voordeur_eventlog::{
    Recorded, StreamName, Subject,
    fold::{Machine, Unreadable},
    log::BadSubject,
};
use voordeur_kernel::{CentreKey, EpisodeId, Timestamp};

use crate::codec::read_event;

/// Prefix of the subjects of episodes.
const PREFIX: &str = "voordeur.episode.v1";

/// The stream of these histories.
pub(crate) const STREAM: StreamName = StreamName::Episodes;

/// The history of an episode.
pub(crate) fn subject(episode: EpisodeId) -> Result<Subject, BadSubject> {
    Subject::of(PREFIX, &episode.to_hex())
}

/// Where an episode stands in lists: newest first is the largest first. The moment in milliseconds.
pub(crate) type Place = (i64, EpisodeId);

/// What has to be found quickly. Episodes that ended stay in here: lists show them, and what they wait for still comes. The episodes of a
/// child need no list: their ids are derived from the child.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_centre: HashMap<CentreKey, BTreeMap<Place, bool>>,
    /// Places of episodes that ended. Those that are open are in memory, and say it themselves. In order rather than by hash: a table of a
    /// million that doubles stands half empty, and everybody waits meanwhile.
    ended: BTreeMap<EpisodeId, Placed>,
    due: BTreeSet<Place>,
    /// Episodes that name this one as the one that began earlier.
    later: HashMap<EpisodeId, Vec<EpisodeId>>,
}

/// Where an episode stands in the lists.
#[derive(Debug)]
struct Placed {
    opened_ms: i64,
    /// The soonest moment that it waits for.
    due_ms: Option<i64>,
    centre: CentreKey,
    /// Nearly every episode has one centre; no others take no room.
    others: Box<[CentreKey]>,
}

impl Index {
    /// Did this episode end?
    pub(crate) fn has_ended(&self, episode: EpisodeId) -> bool {
        self.ended.contains_key(&episode)
    }

    /// Episodes that name this one as the one that began earlier.
    pub(crate) fn later_than(&self, episode: EpisodeId) -> &[EpisodeId] {
        self.later.get(&episode).map_or(&[], Vec::as_slice)
    }

    /// Episodes with a moment at or before this one, the longest overdue first.
    pub(crate) fn due_at(&self, now: Timestamp) -> impl Iterator<Item = Place> + '_ {
        let now = now.as_millisecond();
        self.due.iter().take_while(move |(due, _)| *due <= now).copied()
    }

    /// Episodes of a centre before a place, newest first, each with whether it is open.
    pub(crate) fn at_centre<'a>(
        &'a self,
        centre: &str,
        before: Option<Place>,
    ) -> Box<dyn Iterator<Item = (Place, bool)> + 'a> {
        let Some(list) = self.by_centre.get(centre) else { return Box::new(std::iter::empty()) };
        let entries = match before {
            Some(before) => list.range(..before),
            None => list.range(..),
        };
        Box::new(entries.rev().map(|(place, open)| (*place, *open)))
    }

    fn put(&mut self, id: EpisodeId, episode: &Episode) {
        for fact in episode.facts() {
            if let Change::EpisodesLinked { earlier } = fact.change {
                let later = self.later.entry(earlier).or_default();
                if !later.contains(&id) {
                    later.push(id);
                }
            }
        }
        let Some(placed) = Placed::of(episode) else { return };
        for centre in placed.centres() {
            let centre = self.shared(centre);
            let list = self.by_centre.entry(centre).or_default();
            list.insert((placed.opened_ms, id), episode.is_open());
        }
        self.due.extend(placed.due_ms.map(|due| (due, id)));
        if Episodes::leaves_memory(episode) {
            let shared = |centre: &CentreKey| self.shared(centre);
            let (centre, others) = (shared(&placed.centre), placed.others.iter().map(shared).collect());
            self.ended.insert(id, Placed { centre, others, ..placed });
        }
    }

    /// The same key, but the one whose text the lists hold already.
    fn shared(&self, centre: &CentreKey) -> CentreKey {
        self.by_centre.get_key_value(centre).map_or(centre, |(known, _)| known).clone()
    }

    /// `before`: as it stood in memory. One that had ended was not there; its place is known here.
    fn take_out(&mut self, id: EpisodeId, before: Option<&Episode>) {
        let ended = self.ended.remove(&id);
        let Some(placed) = before.and_then(Placed::of).or(ended) else { return };
        if let Some(due) = placed.due_ms {
            self.due.remove(&(due, id));
        }
        for centre in placed.centres() {
            if let Some(list) = self.by_centre.get_mut(centre) {
                list.remove(&(placed.opened_ms, id));
                if list.is_empty() {
                    self.by_centre.remove(centre);
                }
            }
        }
    }

    /// Most events only move what the episode waits for.
    fn move_due(&mut self, id: EpisodeId, before: &Episode, after: &Episode) {
        let (before, after) = (soonest(before), soonest(after));
        if before != after {
            before.map(|due| self.due.remove(&(due, id)));
            self.due.extend(after.map(|due| (due, id)));
        }
    }
}

impl Placed {
    /// Voided signals as well: their tasks and centres still lead to the episode. None before the first one.
    fn of(episode: &Episode) -> Option<Self> {
        let (mut opened_ms, mut centres) = (i64::MAX, BTreeSet::new());
        for fact in episode.facts() {
            if let Change::Opened(Opened { signal, .. }) | Change::SignalJoined(signal) = fact.change {
                opened_ms = opened_ms.min(fact.effective_at.as_millisecond());
                centres.insert(signal.centre);
            }
        }
        let centre = centres.pop_first()?;
        Some(Self { opened_ms, due_ms: soonest(episode), centre, others: centres.into_iter().collect() })
    }

    fn centres(&self) -> impl Iterator<Item = &CentreKey> {
        self.others.iter().chain([&self.centre])
    }
}

fn soonest(episode: &Episode) -> Option<i64> {
    episode.deadlines().next().map(|deadline| deadline.due.as_millisecond())
}

/// The machine of the histories of episodes.
#[derive(Debug)]
pub(crate) struct Episodes;

fn unreadable(what: impl Into<String>) -> Unreadable {
    Unreadable::Event(what.into())
}

fn id_of(subject: &Subject) -> Option<EpisodeId> {
    if subject.prefix() == PREFIX { EpisodeId::parse_hex(subject.key()).ok() } else { None }
}

impl Machine for Episodes {
    type State = Episode;
    type Index = Index;

    fn concerns(subject: &Subject) -> bool {
        subject.prefix() == PREFIX
    }

    fn evolve(state: Option<Episode>, message: &Recorded) -> Result<Episode, Unreadable> {
        if id_of(&message.subject).is_none() {
            return Err(unreadable("the subject is no episode"));
        }
        let commit = message.commit.ok_or_else(|| unreadable("the message has no commit id"))?;
        let wire = EpisodeEvent::decode(&*message.data).map_err(|_| unreadable("no EpisodeEvent"))?;
        let event = read_event(&wire).map_err(unreadable)?;
        if state.is_none() && event.meta.ordinal > 1 {
            return Err(Unreadable::EarlierEventsNeeded);
        }
        evolve(state, &event, commit).map_err(|error| unreadable(error.to_string()))
    }

    fn leaves_memory(state: &Episode) -> bool {
        !state.is_open()
    }

    fn index(index: &mut Index, subject: &Subject, before: Option<&Episode>, after: Option<&Episode>) {
        let Some(id) = id_of(subject) else { return };
        if let (Some(before), Some(after)) = (before, after)
            && !moves_lists(after.last_change())
        {
            index.move_due(id, before, after);
            return;
        }
        index.take_out(id, before);
        // A history that froze leaves the lists; the fold knows that it froze, so that no second episode is opened beside it.
        if let Some(after) = after {
            index.put(id, after);
        }
    }
}

/// Does an event of this kind change where an episode is found?
const fn moves_lists(change: ChangeKind) -> bool {
    matches!(
        change,
        ChangeKind::Opened
            | ChangeKind::SignalJoined
            | ChangeKind::EpisodesLinked
            | ChangeKind::Closed
            | ChangeKind::Corrected
    )
}
