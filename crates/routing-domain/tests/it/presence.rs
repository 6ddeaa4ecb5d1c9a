use voordeur_kernel::{CentreKey, CommandId, CommitId, Role, Timestamp};
use voordeur_routing_domain::{
    plan::Attendance,
    presence::{Absence, Presence, PresenceChange, PresenceCommand, attendance, decide, evolve},
    task::{Actor, Meta, Refusal},
};

use crate::support::{at, key};

fn centre(text: &str) -> CentreKey {
    CentreKey::parse(text).unwrap()
}

fn command(id: u8, now: Timestamp, change: PresenceChange) -> PresenceCommand {
    PresenceCommand {
        id: CommandId::from_bytes([id; 16]),
        commit: CommitId::from_bytes([id; 16]),
        now,
        seen_version: 0,
        professional: key("anna"),
        change,
    }
}

fn after(presence: Option<Presence>, command: &PresenceCommand) -> Presence {
    let Some(change) = decide(presence.as_ref(), command).unwrap() else { return presence.unwrap() };
    let meta = Meta {
        recorded_at: command.now,
        actor: Actor::Person(key("anna"), Role::Professional),
        command: command.id,
        commit: command.commit,
        directory_version: 1,
        ordinal: 1,
    };
    evolve(presence, &key("anna"), &meta, &change)
}

const NINE: &str = "2026-03-02T09:00:00Z";
const TEN: &str = "2026-03-02T10:00:00Z";
const NOON: &str = "2026-03-02T12:00:00Z";

#[test]
fn what_people_say_goes_before_the_weekly_hours_and_ends_by_itself() {
    let [wilg, els] = ["kc-wilg", "kc-els"].map(centre);
    assert_eq!(attendance(None, &wilg, true, at(NINE)), Attendance::Present);
    assert_eq!(attendance(None, &wilg, false, at(NINE)), Attendance::NotScheduled);

    let mark = PresenceChange::MarkedPresent { centre: wilg.clone(), until: at(NOON) };
    let marked = after(None, &command(1, at(NINE), mark));
    assert_eq!(attendance(Some(&marked), &wilg, false, at(TEN)), Attendance::Present);
    assert_eq!(attendance(Some(&marked), &els, false, at(TEN)), Attendance::NotScheduled);
    assert_eq!(attendance(Some(&marked), &wilg, false, at(NOON)), Attendance::NotScheduled);

    let absence = Absence { until: at(NOON), stand_in: Some(key("bea")) };
    let absent = after(Some(marked), &command(2, at(TEN), PresenceChange::MarkedAbsent(absence)));
    assert_eq!(attendance(Some(&absent), &wilg, true, at(TEN)), Attendance::Absent);
    assert_eq!(attendance(Some(&absent), &wilg, true, at(NOON)), Attendance::Present);

    let back = after(Some(absent), &command(3, at(TEN), PresenceChange::Returned));
    assert_eq!(attendance(Some(&back), &wilg, true, at(TEN)), Attendance::Present);
    assert_eq!(back.version, 3);
}

#[test]
fn a_repeated_or_impossible_word_changes_nothing() {
    let absence = |until, stand_in: Option<&str>| {
        PresenceChange::MarkedAbsent(Absence { until: at(until), stand_in: stand_in.map(key) })
    };
    let first = command(1, at(NINE), absence(NOON, None));
    let absent = after(None, &first);
    assert_eq!(decide(Some(&absent), &first), Ok(None));
    let other = PresenceCommand { commit: CommitId::from_bytes([9; 16]), ..first.clone() };
    assert_eq!(decide(Some(&absent), &other), Err(Refusal::KeyReused));
    assert_eq!(decide(None, &command(2, at(NOON), absence(NINE, None))), Err(Refusal::DateNotAhead));
    assert_eq!(decide(None, &command(2, at(NINE), absence(NOON, Some("anna")))), Err(Refusal::OwnStandIn));
    assert_eq!(decide(None, &command(2, at(NINE), PresenceChange::Returned)), Ok(None));
    let stale = PresenceCommand { seen_version: 7, ..command(3, at(NINE), PresenceChange::Returned) };
    assert_eq!(decide(Some(&absent), &stale), Err(Refusal::VersionChanged { now: 1 }));
}
