//! Events about how far somebody was told, on the wire.

use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{self, NoticeChannel, NoticeEvent, notice_event::Change},
};
use voordeur_eventlog::{Recorded, fold::Unreadable};
use voordeur_kernel::{ProfessionalKey, TaskId, Timestamp};
use voordeur_routing_domain::{
    task::Meta,
    words::{NoticeReason, Urgency},
};

use super::board::Claim;
use crate::codec::{
    read::{self, Read, bad, id, moment, wire_id, within, word},
    read_meta,
    words::Word as _,
    write_meta,
};

/// `ce-type` of these histories.
pub(super) const NOTICE_KIND: &str = "nl.voordeur.notice.v1";

/// One thing that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) task: TaskId,
    pub(crate) reason: NoticeReason,
    pub(crate) urgency: Urgency,
    pub(crate) sequence: u64,
}

/// A decision about telling somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wire {
    Claimed(Claim),
    Sent { up_to: u64, notice_id: [u8; 16] },
    Failed { notice_id: [u8; 16], reason: String, again_at: Timestamp },
    PassedOver { up_to: u64, notice_id: [u8; 16] },
}

/// What can be checked about an event of these histories from outside: who decided, about whom, and the change as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeChange {
    meta: Meta,
    person: ProfessionalKey,
    change: Wire,
}

/// Reads an event about how far somebody was told, exactly as the service does.
///
/// # Errors
/// Which field cannot be read, never what it holds.
pub fn notice_event(message: &Recorded) -> Result<NoticeChange, Unreadable> {
    let event =
        NoticeEvent::decode(&*message.data).map_err(|_| Unreadable::Event("no NoticeEvent".into()))?;
    read(&event, message).map_err(Unreadable::Event)
}

/// Such an event as bytes.
#[must_use]
pub fn write_notice(change: &NoticeChange) -> Vec<u8> {
    write(&change.meta, &change.person, &change.change)
}

impl NoticeChange {
    pub(super) fn into_parts(self) -> (ProfessionalKey, Wire) {
        (self.person, self.change)
    }
}

pub(super) fn write(meta: &Meta, person: &ProfessionalKey, change: &Wire) -> Vec<u8> {
    let change = match change {
        Wire::Claimed(claim) => Change::Claimed(event::NoticeClaimed {
            channel: NoticeChannel::Email.into(),
            up_to_sequence: claim.up_to,
            notices: claim.told.iter().map(write_told).collect(),
            claimed_until: Some(to_wire_time(claim.until)),
            notice_id: wire_id(&claim.notice_id),
            attempt: claim.attempt,
        }),
        Wire::Sent { up_to, notice_id } => {
            Change::Sent(event::NoticeSent { up_to_sequence: *up_to, notice_id: wire_id(notice_id) })
        }
        Wire::Failed { notice_id, reason, again_at } => Change::Failed(event::NoticeFailed {
            notice_id: wire_id(notice_id),
            reason: reason.clone(),
            again_at: Some(to_wire_time(*again_at)),
        }),
        Wire::PassedOver { up_to, notice_id } => Change::PassedOver(event::NoticePassedOver {
            up_to_sequence: *up_to,
            notice_id: wire_id(notice_id),
        }),
    };
    let event =
        NoticeEvent { meta: Some(write_meta(meta)), person: person.to_string(), change: Some(change) };
    event.encode_to_vec()
}

fn write_told(told: &Told) -> event::Notice {
    event::Notice {
        task: wire_id(told.task.as_bytes()),
        reason: told.reason.number(),
        urgency: told.urgency.number(),
        sequence: told.sequence,
    }
}

fn read(event: &NoticeEvent, message: &Recorded) -> Read<NoticeChange> {
    let meta = read_meta(event.meta.as_ref(), message.commit)?;
    let person = read::person(&event.person, "person")?;
    let notice_id = |bytes: &[u8], field| id(bytes, |bytes| <[u8; 16]>::try_from(bytes), field);
    let change = match &event.change {
        Some(Change::Claimed(claimed)) => {
            if claimed.channel() != NoticeChannel::Email {
                return bad("claimed.channel");
            }
            Wire::Claimed(Claim {
                notice_id: notice_id(&claimed.notice_id, "claimed.notice_id")?,
                told: within("claimed.notices", claimed.notices.iter().map(read_told).collect())?,
                up_to: claimed.up_to_sequence,
                until: moment(claimed.claimed_until.as_ref(), "claimed.claimed_until")?,
                attempt: claimed.attempt,
            })
        }
        Some(Change::Sent(sent)) => Wire::Sent {
            up_to: sent.up_to_sequence,
            notice_id: notice_id(&sent.notice_id, "sent.notice_id")?,
        },
        Some(Change::Failed(failed)) => Wire::Failed {
            notice_id: notice_id(&failed.notice_id, "failed.notice_id")?,
            reason: failed.reason.clone(),
            again_at: moment(failed.again_at.as_ref(), "failed.again_at")?,
        },
        Some(Change::PassedOver(passed)) => Wire::PassedOver {
            up_to: passed.up_to_sequence,
            notice_id: notice_id(&passed.notice_id, "passed_over.notice_id")?,
        },
        None => return bad("change"),
    };
    Ok(NoticeChange { meta, person, change })
}

fn read_told(told: &event::Notice) -> Read<Told> {
    Ok(Told {
        task: id(&told.task, TaskId::parse_bytes, "task")?,
        reason: word(told.reason, "reason")?,
        urgency: word(told.urgency, "urgency")?,
        sequence: told.sequence,
    })
}
