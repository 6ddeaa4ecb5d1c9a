//! Presence in messages.

use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{self, presence_event::Change as Wire},
};
use voordeur_kernel::{CommitId, ProfessionalKey};
use voordeur_routing_domain::{
    presence::{Absence, PresenceChange},
    task::Meta,
};

use super::{
    read::{self, Read, bad, maybe_moment, moment},
    read_meta, write_meta,
};

/// An event of somebody's presence as bytes.
#[must_use]
pub fn write_presence(meta: &Meta, professional: &ProfessionalKey, change: &PresenceChange) -> Vec<u8> {
    let change = match change {
        PresenceChange::MarkedPresent { centre, until } => Wire::Present(event::MarkedPresent {
            centre: centre.to_string(),
            until: Some(to_wire_time(*until)),
        }),
        PresenceChange::MarkedAbsent(absence) => Wire::Absent(event::MarkedAbsent {
            until: Some(to_wire_time(absence.until)),
            stand_in: absence.stand_in.as_ref().map(ToString::to_string).unwrap_or_default(),
            from: Some(to_wire_time(absence.from)),
        }),
        PresenceChange::Returned => Wire::Returned(event::Returned {}),
        PresenceChange::AbsenceWithdrawn { from } => {
            Wire::AbsenceWithdrawn(event::AbsenceWithdrawn { from: Some(to_wire_time(*from)) })
        }
    };
    let event = event::PresenceEvent {
        meta: Some(write_meta(meta)),
        professional: professional.to_string(),
        change: Some(change),
    };
    event.encode_to_vec()
}

pub(crate) fn read_presence(
    event: &event::PresenceEvent,
    commit: Option<CommitId>,
) -> Read<(Meta, ProfessionalKey, PresenceChange)> {
    let meta = read_meta(event.meta.as_ref(), commit)?;
    let professional = read::person(&event.professional, "professional")?;
    let change = match &event.change {
        Some(Wire::Present(present)) => PresenceChange::MarkedPresent {
            centre: read::centre(&present.centre, "present.centre")?,
            until: moment(present.until.as_ref(), "present.until")?,
        },
        Some(Wire::Absent(absent)) => PresenceChange::MarkedAbsent(Absence {
            from: maybe_moment(absent.from.as_ref(), "absent.from")?.unwrap_or(meta.recorded_at),
            until: moment(absent.until.as_ref(), "absent.until")?,
            stand_in: read::maybe(&absent.stand_in, "absent.stand_in", read::person)?,
        }),
        Some(Wire::Returned(_)) => PresenceChange::Returned,
        Some(Wire::AbsenceWithdrawn(withdrawn)) => PresenceChange::AbsenceWithdrawn {
            from: moment(withdrawn.from.as_ref(), "absence_withdrawn.from")?,
        },
        None => return bad("change"),
    };
    Ok((meta, professional, change))
}
