//! What a choice saw, in messages.

use voordeur_contracts::{convert::to_wire_time, event};
use voordeur_routing_domain::sight::{Seen, Sight};

use super::{
    read::{self, Read, maybe_moment, moment, person, within, word},
    words::Word as _,
};

pub(crate) fn write(sight: &Sight) -> event::Sight {
    event::Sight {
        at: Some(to_wire_time(sight.at)),
        known: text(sight.known.as_ref()),
        coordinator: sight.coordinator.to_string(),
        coordinator_absent: sight.coordinator_absent,
        people: sight.people.iter().map(write_seen).collect(),
    }
}

fn write_seen(seen: &Seen) -> event::Seen {
    event::Seen {
        professional: seen.professional.to_string(),
        expertise: seen.expertise.iter().map(|domain| domain.number()).collect(),
        attendance: seen.attendance.number(),
        there_from: seen.there_from.map(to_wire_time),
        registered: seen.registered,
        open_tasks: seen.open_tasks,
        weekly_minutes: seen.weekly_minutes,
        capacity: seen.capacity,
        too_close: seen.too_close,
        stand_in: text(seen.stand_in.as_ref()),
        neighbour: text(seen.neighbour.as_ref()),
    }
}

pub(crate) fn read(sight: &event::Sight) -> Read<Sight> {
    Ok(Sight {
        at: moment(sight.at.as_ref(), "at")?,
        known: read::maybe(&sight.known, "known", person)?,
        coordinator: person(&sight.coordinator, "coordinator")?,
        coordinator_absent: sight.coordinator_absent,
        people: within("people", sight.people.iter().map(read_seen).collect())?,
    })
}

fn read_seen(seen: &event::Seen) -> Read<Seen> {
    Ok(Seen {
        professional: person(&seen.professional, "professional")?,
        expertise: seen.expertise.iter().map(|domain| word(*domain, "expertise")).collect::<Read<_>>()?,
        attendance: word(seen.attendance, "attendance")?,
        there_from: maybe_moment(seen.there_from.as_ref(), "there_from")?,
        registered: seen.registered,
        open_tasks: seen.open_tasks,
        weekly_minutes: seen.weekly_minutes,
        capacity: seen.capacity,
        too_close: seen.too_close,
        stand_in: read::maybe(&seen.stand_in, "stand_in", person)?,
        neighbour: read::maybe(&seen.neighbour, "neighbour", read::centre)?,
    })
}

fn text(key: Option<&impl ToString>) -> String {
    key.map(ToString::to_string).unwrap_or_default()
}
