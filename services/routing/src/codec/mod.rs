//! Events between the domain and the contract.

pub(crate) mod plan;
pub(crate) mod presence;
pub(crate) mod read;
pub(crate) mod sight;
mod task_read;
mod task_write;
pub(crate) mod words;

use voordeur_contracts::{
    common::{Actor as WireActor, Person, SealedText, actor::Who},
    convert::to_wire_time,
    event::EventMeta,
};
use voordeur_kernel::{CommandId, CommitId, DataKeyId};
use voordeur_routing_domain::task::{Actor, Meta, Sealed};

use read::{Read, bad, id, moment, wire_id, within, word};
pub(crate) use task_read::read_task;
pub use task_write::write_task;
pub(crate) use task_write::{deadlines, step_taken, wire_plan};
use words::Word as _;

/// `ce-type` of a task's history.
pub(crate) const TASK_KIND: &str = "nl.voordeur.task.v1";
/// `ce-type` of a presence's history.
pub(crate) const PRESENCE_KIND: &str = "nl.voordeur.presence.v1";
/// `ce-source` of everything that this service writes.
pub(crate) const SOURCE: &str = "voordeur/routing";
/// Name of this service as an actor.
pub(crate) const SERVICE: &str = "routing";

pub(crate) fn write_meta(meta: &Meta) -> EventMeta {
    EventMeta {
        recorded_at: Some(to_wire_time(meta.recorded_at)),
        actor: Some(write_actor(&meta.actor)),
        command_id: wire_id(meta.command.as_bytes()),
        directory_version: meta.directory_version,
        ordinal: meta.ordinal,
    }
}

pub(crate) fn write_actor(actor: &Actor) -> WireActor {
    let who = match actor {
        Actor::Organisation(key) => Who::Organisation(key.to_string()),
        Actor::Person(key, role) => Who::Person(Person { key: key.to_string(), role: role.number() }),
        Actor::Service(name) => Who::Service(name.clone()),
    };
    WireActor { who: Some(who) }
}

/// Reads what every event carries. The commit id stands in the headers, not in the event.
pub(crate) fn read_meta(meta: Option<&EventMeta>, commit: Option<CommitId>) -> Read<Meta> {
    let Some(meta) = meta else { return bad("meta") };
    let Some(commit) = commit else { return bad("headers.Nats-Msg-Id") };
    let actor = match meta.actor.as_ref().and_then(|actor| actor.who.as_ref()) {
        Some(Who::Organisation(key)) => {
            Actor::Organisation(read::organisation(key, "meta.actor.organisation")?)
        }
        Some(Who::Person(person)) => Actor::Person(
            read::person(&person.key, "meta.actor.person.key")?,
            word(person.role, "meta.actor.person.role")?,
        ),
        Some(Who::Service(name)) => Actor::Service(name.clone()),
        None => return bad("meta.actor"),
    };
    Ok(Meta {
        recorded_at: within("meta", moment(meta.recorded_at.as_ref(), "recorded_at"))?,
        actor,
        command: id(&meta.command_id, CommandId::parse_bytes, "meta.command_id")?,
        commit,
        directory_version: meta.directory_version,
        ordinal: meta.ordinal,
    })
}

pub(crate) fn write_sealed(sealed: &Sealed) -> SealedText {
    SealedText {
        key_id: wire_id(sealed.key.as_bytes()),
        r#box: sealed.content.clone().into(),
        purpose: sealed.purpose,
        owner: wire_id(&sealed.owner),
    }
}

pub(crate) fn read_sealed(sealed: &SealedText) -> Read<Sealed> {
    Ok(Sealed {
        key: id(&sealed.key_id, DataKeyId::parse_bytes, "key_id")?,
        content: sealed.r#box.to_vec(),
        purpose: sealed.purpose,
        owner: id(&sealed.owner, |bytes| bytes.try_into(), "owner")?,
    })
}

#[cfg(test)]
mod tests;
