//! Because of whom tasks are to be looked at, in turn. A look has room for so many steps; it goes on where the one before stopped, so that
//! nobody waits behind somebody of whom there is more than fits, whatever comes of those steps.

use std::collections::{HashMap, VecDeque, hash_map::Entry};

use voordeur_kernel::{ChildAlias, ProfessionalKey};

/// Whom or what a step comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause {
    Person(ProfessionalKey),
    Child(ChildAlias),
}

/// Something to do, with its place among what comes from the same cause.
pub(super) trait Placed {
    /// The same at every look, and no other step's.
    fn place(&self) -> &str;
}

/// Whoever waits, first come first.
#[derive(Debug, Default)]
pub(super) struct Turns {
    order: VecDeque<Cause>,
    waiting: HashMap<Cause, Stopped>,
}

/// Where a look stopped.
#[derive(Debug, Default)]
struct Stopped {
    /// What was done up to this place; `None`: nothing yet.
    after: Option<String>,
    /// Something changed meanwhile: after the rest it begins anew.
    anew: bool,
}

impl Turns {
    /// Something changed, or could not be done for now. Who waits already keeps her turn.
    pub(super) fn add(&mut self, cause: Cause) {
        match self.waiting.entry(cause) {
            Entry::Occupied(mut waits) => {
                let stopped = waits.get_mut();
                stopped.anew |= stopped.after.is_some();
            }
            Entry::Vacant(place) => {
                self.order.push_back(place.key().clone());
                place.insert(Stopped::default());
            }
        }
    }

    /// At most so many steps: each cause has one turn, and whoever has more goes on after the others.
    pub(super) fn take<S: Placed>(
        &mut self,
        most: usize,
        mut steps_of: impl FnMut(&Cause) -> Vec<S>,
    ) -> Vec<S> {
        let mut taken: Vec<S> = Vec::new();
        for _ in 0..self.order.len() {
            let room = most.saturating_sub(taken.len());
            if room == 0 {
                break;
            }
            let Some(cause) = self.order.pop_front() else { break };
            let Stopped { after, anew } = self.waiting.remove(&cause).unwrap_or_default();
            let mut steps = steps_of(&cause);
            steps.retain(|step| after.as_deref().is_none_or(|after| step.place() > after));
            steps.sort_by(|one, other| one.place().cmp(other.place()));
            let more = steps.len() > room;
            steps.truncate(room);
            if more {
                let after = steps.last().map(|step| step.place().to_owned());
                self.order.push_back(cause.clone());
                self.waiting.insert(cause, Stopped { after, anew });
            } else if anew {
                self.add(cause);
            }
            taken.append(&mut steps);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 10;

    impl Placed for String {
        fn place(&self) -> &str {
            self
        }
    }

    fn person(name: &str) -> Cause {
        Cause::Person(ProfessionalKey::parse(name).unwrap())
    }

    /// So many steps of somebody, of which nothing ever comes.
    fn steps(cause: &Cause, count: usize) -> Vec<String> {
        (0..count).rev().map(|number| format!("{cause:?}:{number:03}")).collect()
    }

    #[test]
    fn steps_of_which_nothing_comes_hold_up_neither_others_nor_the_rest_of_the_same_person() {
        let mut turns = Turns::default();
        for name in ["anna", "bea", "cor"] {
            turns.add(person(name));
        }
        turns.add(Cause::Child(ChildAlias::from_bytes([1; 16])));
        let of = |cause: &Cause| if *cause == person("anna") { steps(cause, 35) } else { steps(cause, 2) };
        let first = turns.take(ROOM, of);
        assert_eq!(first, steps(&person("anna"), 10).into_iter().rev().collect::<Vec<_>>());
        // The others have their turn before she goes on.
        let second = turns.take(ROOM, of);
        let others = second.iter().filter(|step| !step.contains("anna")).count();
        assert_eq!((others, second.len()), (6, ROOM));
        let mut all = [first, second].concat();
        for _ in 0..3 {
            all.extend(turns.take(ROOM, of));
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 35 + 6, "everything once");
        assert!(turns.take(ROOM, of).is_empty(), "and then nothing more");
    }

    #[test]
    fn what_changes_while_somebody_is_half_done_is_looked_at_after_the_rest() {
        let mut turns = Turns::default();
        let anna = person("anna");
        turns.add(anna.clone());
        turns.add(anna.clone());
        let of = |cause: &Cause| steps(cause, 15);
        assert_eq!(turns.take(ROOM, of).len(), ROOM);
        turns.add(anna.clone());
        turns.add(anna.clone());
        assert_eq!(turns.take(ROOM, of).len(), 5);
        // From the beginning: what was done by then is not among her steps any more.
        assert_eq!(turns.take(ROOM, |cause| steps(cause, 1)), steps(&anna, 1));
        assert!(turns.take(ROOM, of).is_empty());
    }
}
