//! The facts of one episode as bytes. A country has tens of thousands of open episodes with ten facts each, most of which are a few
//! codes and a day: written one behind the other they take some thirty-five bytes each, of which sixteen are the id. They are read from the
//! first on, which is how they are always used; nothing outside of this module knows the form, and it is never stored.

mod bytes;
mod change;

use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, OrganisationKey, ProfessionalKey, Role, TaskId, Timestamp,
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
/// The service that tells nearly everything that no person tells; its name is not spelt out.
const ESCALATION: u8 = 2;
const ESCALATION_NAME: &str = "escalation";
/// This and above: a person, in the role with this number less three.
const PERSON: u8 = 3;

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
    /// It names a task that is not there.
    UnknownTask,
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
            tasks: Vec::new(),
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
        // Copied into a block of its own: nothing else is ever added but by writing it anew, and allocators leave a block that is cut shorter as
        // long as it was.
        self.bytes = Box::from(&*writer.0);
        self.facts = self.facts.saturating_add(1);
        Ok(())
    }
}

/// What is kept of a command.
type Short = [u8; 5];

/// Enough to tell the commands of one history apart: two keyed fingerprints that agree in forty bits come once in some hundred thousand
/// million commands, and then nothing is lost: the commits differ, so it is refused as a key that was used for something else.
fn short(command: CommandId) -> Short {
    let [a, b, c, d, e, ..] = *command.as_bytes();
    [a, b, c, d, e]
}

fn write_actor(writer: &mut Writer, actor: &Actor) {
    writer.byte(NEW_ACTOR);
    match actor {
        Actor::Service(name) if name == ESCALATION_NAME => writer.byte(ESCALATION),
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
    tasks: Vec<TaskId>,
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
        let actor = match self.reader.byte()? {
            SERVICE => Actor::Service(self.reader.key()?.to_owned()),
            ORGANISATION => Actor::Organisation(OrganisationKey::parse(self.reader.key()?).ok()?),
            ESCALATION => Actor::Service(ESCALATION_NAME.to_owned()),
            person => {
                let role = Role::ALL.get(usize::from(person - PERSON)).copied()?;
                Actor::Person(ProfessionalKey::parse(self.reader.key()?).ok()?, role)
            }
        };
        self.actors.push(actor.clone());
        Some(actor)
    }

    fn fact(&mut self) -> Option<(Fact, Short)> {
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
