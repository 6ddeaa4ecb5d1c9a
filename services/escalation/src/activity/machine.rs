//! What is kept of work on the floor: the floor of each centre, and which look-backs are due.

use std::collections::BTreeSet;

use jiff::civil::Date;
use prost::Message as _;
use voordeur_contracts::event::ActivityEvent;
use voordeur_escalation_domain::activity::{Floor, evolve};
use voordeur_eventlog::{
    Recorded, Subject,
    fold::{Machine, Unreadable},
    log::BadSubject,
};
use voordeur_kernel::{ActivityId, CentreKey};

use super::codec::read_activity_event;

/// Prefix of the subjects of work on the floor.
const PREFIX: &str = "voordeur.activity.v1";

/// The history of the floor of a centre.
pub(super) fn subject(centre: &CentreKey) -> Result<Subject, BadSubject> {
    Subject::of(PREFIX, centre.as_str())
}

/// One history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FloorState {
    pub(super) centre: CentreKey,
    pub(super) floor: Floor,
}

/// What has to be found quickly.
#[derive(Debug, Default)]
pub(crate) struct Index {
    waiting: BTreeSet<(Date, CentreKey, ActivityId)>,
}

impl Index {
    /// Look-backs whose day has come, the longest overdue first.
    pub(super) fn due(&self, today: Date) -> impl Iterator<Item = &(Date, CentreKey, ActivityId)> {
        self.waiting.iter().take_while(move |(day, _, _)| *day <= today)
    }
}

/// The machine of work on the floor.
#[derive(Debug)]
pub(crate) struct Floors;

fn unreadable(what: impl Into<String>) -> Unreadable {
    Unreadable::Event(what.into())
}

impl Machine for Floors {
    type State = FloorState;
    type Index = Index;

    fn concerns(subject: &Subject) -> bool {
        subject.prefix() == PREFIX
    }

    fn evolve(state: Option<FloorState>, message: &Recorded) -> Result<FloorState, Unreadable> {
        let commit = message.commit.ok_or_else(|| unreadable("the message has no commit id"))?;
        let wire = ActivityEvent::decode(&*message.data).map_err(|_| unreadable("no ActivityEvent"))?;
        let event = read_activity_event(&wire).map_err(unreadable)?;
        let (centre, floor) = match state {
            Some(FloorState { centre, floor }) => (centre, Some(floor)),
            None if event.meta.ordinal > 1 => return Err(Unreadable::EarlierEventsNeeded),
            None => {
                let centre = CentreKey::parse(message.subject.key());
                (centre.map_err(|_| unreadable("the subject is no centre"))?, None)
            }
        };
        let floor = evolve(floor, &event, commit).map_err(|error| unreadable(error.to_string()))?;
        Ok(FloorState { centre, floor })
    }

    /// A floor is never done; what is long ago is only counted.
    fn leaves_memory(_: &FloorState) -> bool {
        false
    }

    fn index(index: &mut Index, _: &Subject, before: Option<&FloorState>, after: Option<&FloorState>) {
        let waiting = |state: Option<&FloorState>| -> BTreeSet<_> {
            let entries = state.into_iter().flat_map(|state| {
                state.floor.waiting().map(|(day, activity)| (day, state.centre.clone(), activity))
            });
            entries.collect()
        };
        let (before, after) = (waiting(before), waiting(after));
        for gone in before.difference(&after) {
            index.waiting.remove(gone);
        }
        index.waiting.extend(after.difference(&before).cloned());
    }
}
