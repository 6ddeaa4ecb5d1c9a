//! What escalation keeps of its own stream: open episodes, and where to find every episode.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message as _;
use voordeur_contracts::event::EpisodeEvent;
use voordeur_escalation_domain::{Episode, evolve};
use voordeur_eventlog::{
    Recorded, StreamName, Subject,
    fold::{Machine, Unreadable},
    log::BadSubject,
};
use voordeur_kernel::{CentreKey, ChildAlias, EpisodeId, TaskId, Timestamp};

use crate::codec::read_event;

/// Prefix of the subjects of episodes.
const PREFIX: &str = "voordeur.episode.v1";

/// The stream of these histories.
pub(crate) const STREAM: StreamName = StreamName::Episodes;

/// The history of an episode.
pub(crate) fn subject(episode: EpisodeId) -> Result<Subject, BadSubject> {
    Subject::of(PREFIX, &episode.to_hex())
}

/// One history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Whose history it is.
    pub(crate) id: EpisodeId,
    /// The episode.
    pub(crate) episode: Episode,
}

/// Where an episode stands in lists: newest first is the largest first.
pub(crate) type Place = (Timestamp, EpisodeId);

/// What has to be found quickly. Episodes that ended stay in here: their tasks and children still lead to them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_child: HashMap<ChildAlias, BTreeMap<u32, EpisodeId>>,
    by_task: HashMap<TaskId, EpisodeId>,
    by_centre: HashMap<CentreKey, BTreeMap<Place, bool>>,
    placed: HashMap<EpisodeId, Placed>,
}

/// How an episode was put into the lists, to take it out again.
#[derive(Debug)]
struct Placed {
    place: Place,
    centres: BTreeSet<CentreKey>,
}

impl Index {
    /// The newest episode of a child that is known here, with its ordinal.
    pub(crate) fn newest_of(&self, child: ChildAlias) -> Option<(u32, EpisodeId)> {
        self.by_child.get(&child)?.last_key_value().map(|(ordinal, id)| (*ordinal, *id))
    }

    /// The episode that a task belongs to.
    pub(crate) fn of_task(&self, task: TaskId) -> Option<EpisodeId> {
        self.by_task.get(&task).copied()
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

    fn put(&mut self, state: &State) {
        let episode = &state.episode;
        self.by_child.entry(episode.child()).or_default().insert(episode.child_ordinal(), state.id);
        for signal in episode.signals() {
            self.by_task.insert(signal.task, state.id);
        }
        let picture = episode.picture();
        let Some(opened) = picture.opened else { return };
        let place = (opened.effective, state.id);
        let centres: BTreeSet<CentreKey> = picture.centres().into_iter().cloned().collect();
        for centre in &centres {
            self.by_centre.entry(centre.clone()).or_default().insert(place, episode.is_open());
        }
        self.placed.insert(state.id, Placed { place, centres });
    }

    fn take_out(&mut self, id: EpisodeId) {
        let Some(placed) = self.placed.remove(&id) else { return };
        for centre in &placed.centres {
            if let Some(list) = self.by_centre.get_mut(centre) {
                list.remove(&placed.place);
                if list.is_empty() {
                    self.by_centre.remove(centre);
                }
            }
        }
    }
}

/// The machine of the stream EPISODES.
#[derive(Debug)]
pub(crate) struct Episodes;

fn unreadable(what: impl Into<String>) -> Unreadable {
    Unreadable::Event(what.into())
}

fn id_of(subject: &Subject) -> Option<EpisodeId> {
    if subject.prefix() == PREFIX { EpisodeId::parse_hex(subject.key()).ok() } else { None }
}

impl Machine for Episodes {
    type State = State;
    type Index = Index;

    fn evolve(state: Option<State>, message: &Recorded) -> Result<State, Unreadable> {
        let id = id_of(&message.subject).ok_or_else(|| unreadable("the subject is no episode"))?;
        let commit = message.commit.ok_or_else(|| unreadable("the message has no commit id"))?;
        let wire = EpisodeEvent::decode(&*message.data).map_err(|_| unreadable("no EpisodeEvent"))?;
        let event = read_event(&wire).map_err(unreadable)?;
        if state.is_none() && event.meta.ordinal > 1 {
            return Err(Unreadable::EarlierEventsNeeded);
        }
        let episode = evolve(state.map(|state| state.episode), &event, commit)
            .map_err(|error| unreadable(error.to_string()))?;
        Ok(State { id, episode })
    }

    fn leaves_memory(state: &State) -> bool {
        !state.episode.is_open()
    }

    fn index(index: &mut Index, subject: &Subject, _: Option<&State>, after: Option<&State>) {
        // What was put in is remembered here: an episode that ended comes without its state before.
        if let Some(id) = id_of(subject) {
            index.take_out(id);
        }
        // A history that froze leaves the lists; its child and tasks still lead to it, so that no second episode is opened beside it.
        if let Some(state) = after {
            index.put(state);
        }
    }
}
