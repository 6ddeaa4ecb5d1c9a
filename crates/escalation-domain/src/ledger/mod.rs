//! The facts of one episode as bytes. A country has tens of thousands of open episodes with ten facts each, most of which are a few
//! codes and a day: written one behind the other they take some thirty-five bytes each, of which sixteen are the id. They are read from the
//! first on, which is how they are always used; nothing outside of this module knows the form, and it is never stored.

mod bytes;
mod change;

use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, OrganisationKey, ProfessionalKey, Role, Timestamp,
};

use crate::event::{Actor, Change, Event};
use bytes::{Reader, Writer};

/// Milliseconds that six bytes can hold; moments beyond are in no calendar of a child.
const MOMENT_MAX: i64 = (1 << 47) - 1;
/// An actor who was not mentioned before, or too late for a number of her own.
const NEW_ACTOR: u8 = u8::MAX;
/// Kinds of actors.
const SERVICE: u8 = 0;
const ORGANISATION: u8 = 1;
/// This and above: a person, in the role with this number less two.
const PERSON: u8 = 2;

/// Something the episode was told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Commit that brought it: its id. Corrections, scores and decisions name it.
    pub commit: CommitId,
    /// When it happened, to the millisecond.
    pub effective_at: Timestamp,
    /// When it became known here, to the millisecond.
    pub recorded_at: Timestamp,
    /// Who told.
    pub by: Actor,
    /// What.
    pub change: Change,
}

/// The facts, in the order in which they became known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Ledger {
    /// An opening, and a moment that came, name the child; it is kept once.
    child: ChildAlias,
    child_ordinal: u32,
    facts: u32,
    bytes: Box<[u8]>,
}

/// Why a fact cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// Its moment does not fit.
    Moment,
    /// It names a fact that is not there.
    UnknownFact,
}

/// Can this moment be kept?
pub(crate) fn fits(moment: Timestamp) -> bool {
    (-MOMENT_MAX..=MOMENT_MAX).contains(&moment.as_millisecond())
}

impl Ledger {
    pub(crate) fn new(child: ChildAlias, child_ordinal: u32) -> Self {
        Self { child, child_ordinal, facts: 0, bytes: Box::default() }
    }

    pub(crate) const fn child(&self) -> ChildAlias {
        self.child
    }

    pub(crate) const fn child_ordinal(&self) -> u32 {
        self.child_ordinal
    }

    pub(crate) const fn len(&self) -> u32 {
        self.facts
    }

    /// Bytes that it points to.
    pub(crate) fn heap(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        let expected = usize::try_from(self.facts).unwrap_or_default();
        Facts {
            ledger: self,
            reader: Reader(&self.bytes),
            commits: Vec::with_capacity(expected),
            actors: Vec::new(),
            recorded_ms: 0,
            centre: None,
        }
    }

    /// Writes one more down.
    pub(crate) fn push(&mut self, event: &Event, commit: CommitId) -> Result<(), Unwritable> {
        if !fits(event.effective_at) || !fits(event.meta.recorded_at) {
            return Err(Unwritable::Moment);
        }
        let mut known = self.facts();
        known.by_ref().for_each(drop);
        let mut writer = Writer(Vec::with_capacity(self.bytes.len() + 96));
        writer.bytes(&self.bytes);
        writer.bytes(commit.as_bytes());
        writer.bytes(&short(event.meta.command));
        writer.moment_from(known.recorded_ms, event.meta.recorded_at);
        writer.moment_from(event.meta.recorded_at.as_millisecond(), event.effective_at);
        let place = known.actors.iter().position(|actor| *actor == event.meta.actor);
        match place.and_then(|place| u8::try_from(place).ok()).filter(|place| *place != NEW_ACTOR) {
            Some(place) => writer.byte(place),
            None => write_actor(&mut writer, &event.meta.actor),
        }
        change::write(&mut writer, &event.change, &known, commit)?;
        // Exactly as long as it has to be: nothing else is ever added but by writing it anew.
        self.bytes = writer.0.into_boxed_slice();
        self.facts = self.facts.saturating_add(1);
        Ok(())
    }
}

/// Enough to tell the commands of one history apart: a false match needs two keyed fingerprints that agree in 64 bits.
fn short(command: CommandId) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *command.as_bytes();
    [a, b, c, d, e, f, g, h]
}

fn write_actor(writer: &mut Writer, actor: &Actor) {
    writer.byte(NEW_ACTOR);
    match actor {
        Actor::Service(name) => {
            writer.byte(SERVICE);
            writer.key(name);
        }
        Actor::Organisation(key) => {
            writer.byte(ORGANISATION);
            writer.key(key.as_str());
        }
        Actor::Person(key, role) => {
            let role = Role::ALL.iter().position(|known| known == role).and_then(|r| u8::try_from(r).ok());
            writer.byte(PERSON.saturating_add(role.unwrap_or_default()));
            writer.key(key.as_str());
        }
    }
}

/// Reads the facts from the first on.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    ledger: &'a Ledger,
    reader: Reader<'a>,
    commits: Vec<CommitId>,
    actors: Vec<Actor>,
    /// When the last one that was read became known: facts follow each other by hours or weeks, which takes fewer bytes than a moment.
    recorded_ms: i64,
    /// Of the first signal; nearly every other one is of the same.
    centre: Option<CentreKey>,
}

impl Facts<'_> {
    fn actor(&mut self) -> Option<Actor> {
        let place = self.reader.byte()?;
        if place != NEW_ACTOR {
            return self.actors.get(usize::from(place)).cloned();
        }
        let kind = self.reader.byte()?;
        let key = self.reader.key()?;
        let actor = match kind {
            SERVICE => Actor::Service(key.to_owned()),
            ORGANISATION => Actor::Organisation(OrganisationKey::parse(key).ok()?),
            person => {
                let role = Role::ALL.get(usize::from(person - PERSON)).copied()?;
                Actor::Person(ProfessionalKey::parse(key).ok()?, role)
            }
        };
        self.actors.push(actor.clone());
        Some(actor)
    }

    fn fact(&mut self) -> Option<(Fact, [u8; 8])> {
        let commit = CommitId::from_bytes(self.reader.array()?);
        let command = self.reader.array()?;
        let recorded_at = self.reader.moment_from(self.recorded_ms)?;
        self.recorded_ms = recorded_at.as_millisecond();
        let effective_at = self.reader.moment_from(self.recorded_ms)?;
        let by = self.actor()?;
        let change = change::read(self, commit)?;
        self.commits.push(commit);
        Some((Fact { commit, effective_at, recorded_at, by, change }, command))
    }

    /// The commit that a command made.
    pub(crate) fn of_command(mut self, command: CommandId) -> Option<CommitId> {
        let wanted = short(command);
        std::iter::from_fn(|| self.fact()).find(|(_, known)| *known == wanted).map(|(fact, _)| fact.commit)
    }

    fn centre(&self) -> Option<&CentreKey> {
        self.centre.as_ref()
    }

    fn opening(&self) -> (ChildAlias, u32) {
        (self.ledger.child, self.ledger.child_ordinal)
    }
}

impl Iterator for Facts<'_> {
    type Item = Fact;

    fn next(&mut self) -> Option<Fact> {
        self.fact().map(|(fact, _)| fact)
    }
}
