//! What people say about where they are, and what follows from it.

use jiff::SignedDuration;
use proptest::prelude::*;
use voordeur_kernel::{CentreKey, CommandId, CommitId, Role, Timestamp, WorkingTime, calendar::Run};
use voordeur_routing_domain::{
    presence::{
        ABSENCES_MAX, Absence, Presence, PresenceChange, PresenceCommand, Whereabouts, decide, evolve,
        horizon, is_on_working_day, is_present, whereabouts,
    },
    sight::Attendance,
    task::{Actor, Meta, Refusal},
};

use crate::support::{at, key};

fn wilg() -> CentreKey {
    CentreKey::parse("kc-wilg").unwrap()
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

fn take_in(presence: Option<Presence>, command: &PresenceCommand, change: &PresenceChange) -> Presence {
    let meta = Meta {
        recorded_at: command.now,
        actor: Actor::Person(key("anna"), Role::Professional),
        command: command.id,
        commit: command.commit,
        directory_version: 1,
        ordinal: 1,
    };
    evolve(presence, &key("anna"), &meta, change)
}

fn after(presence: Option<Presence>, command: &PresenceCommand) -> Presence {
    match decide(presence.as_ref(), command).unwrap() {
        Some(change) => take_in(presence, command, &change),
        None => presence.unwrap(),
    }
}

fn absent(from: &str, until: &str) -> PresenceChange {
    PresenceChange::MarkedAbsent(Absence { from: at(from), until: at(until), stand_in: None })
}

fn withdrawn(from: &str) -> PresenceChange {
    PresenceChange::AbsenceWithdrawn { from: at(from) }
}

fn run(from: &str, until: &str) -> Run {
    Run { from: at(from), until: at(until) }
}

const NINE: &str = "2026-03-02T09:00:00Z";
const TEN: &str = "2026-03-02T10:00:00Z";
const NOON: &str = "2026-03-02T12:00:00Z";
const FIVE: &str = "2026-03-02T17:00:00Z";
const TUESDAY: &str = "2026-03-03T08:00:00Z";
const WEDNESDAY: &str = "2026-03-04T08:00:00Z";
const FRIDAY: &str = "2026-03-06T17:00:00Z";

#[test]
fn what_people_say_goes_before_the_weekly_hours_and_ends_by_itself() {
    let els = CentreKey::parse("kc-els").unwrap();
    assert!(is_present(None, &wilg(), true, at(NINE)) && !is_present(None, &wilg(), false, at(NINE)));

    let mark = PresenceChange::MarkedPresent { centre: wilg(), until: at(FIVE) };
    let marked = after(None, &command(1, at(NINE), mark));
    assert!(is_present(Some(&marked), &wilg(), false, at(TEN)));
    assert!(!is_present(Some(&marked), &els, false, at(TEN)));
    assert!(!is_present(Some(&marked), &wilg(), false, at(FIVE)));

    let away = after(Some(marked), &command(2, at(TEN), absent(TEN, NOON)));
    assert!(!is_present(Some(&away), &wilg(), true, at(TEN)));
    assert!(is_present(Some(&away), &wilg(), true, at(NOON)));
    assert!(is_present(Some(&away), &wilg(), false, at(NOON)), "what she said before holds again");

    let back = after(Some(away.clone()), &command(3, at(TEN), PresenceChange::Returned));
    assert!(is_present(Some(&back), &wilg(), true, at(TEN)));
    assert_eq!(back.version, 3);

    let mark = PresenceChange::MarkedPresent { centre: wilg(), until: at(FIVE) };
    let there = after(Some(away), &command(4, at(TEN), mark));
    assert!(there.absent(at(TEN)).is_none(), "who is there is not absent");
}

#[test]
fn an_absence_can_be_planned_and_taken_back_until_it_begins() {
    let planned = after(None, &command(1, at(NINE), absent(TUESDAY, WEDNESDAY)));
    assert_eq!((planned.absent(at(NINE)), planned.ahead(at(NINE)).count()), (None, 1));
    assert!(planned.absent(at(TUESDAY)).is_some() && planned.absent(at(WEDNESDAY)).is_none());

    assert_eq!(
        decide(Some(&planned), &command(2, at(NINE), withdrawn(WEDNESDAY))),
        Err(Refusal::NoSuchAbsence)
    );
    assert_eq!(
        decide(Some(&planned), &command(2, at(TUESDAY), withdrawn(TUESDAY))),
        Err(Refusal::AbsenceBegan)
    );
    let taken_back = after(Some(planned.clone()), &command(2, at(TEN), withdrawn(TUESDAY)));
    assert!(taken_back.absences.is_empty());

    // She is back from what runs; what lies ahead stays.
    let two = after(Some(planned), &command(3, at(NINE), absent(FRIDAY, "2026-03-07T17:00:00Z")));
    let back = after(Some(two), &command(4, at(TUESDAY), PresenceChange::Returned));
    assert_eq!(back.absences.iter().map(|absence| absence.from).collect::<Vec<_>>(), [at(FRIDAY)]);
    assert_eq!(decide(Some(&back), &command(5, at(TUESDAY), PresenceChange::Returned)), Ok(None));
}

#[test]
fn what_would_have_begun_already_begins_now_and_what_overlaps_is_refused() {
    let now = after(None, &command(1, at(TEN), absent(NINE, TUESDAY)));
    assert_eq!(now.absences[0].from, at(TEN));
    assert_eq!(decide(Some(&now), &command(2, at(NOON), absent(NINE, TUESDAY))), Ok(None), "nothing new");
    for (from, until) in [(NINE, FIVE), (NOON, FIVE), (FIVE, WEDNESDAY), (NINE, WEDNESDAY)] {
        let overlaps = decide(Some(&now), &command(2, at(NOON), absent(from, until)));
        assert_eq!(overlaps, Err(Refusal::AbsencesOverlap), "{from} {until}");
    }
    // What follows on it without a gap is one absence.
    let longer = after(Some(now), &command(3, at(NOON), absent(TUESDAY, WEDNESDAY)));
    assert_eq!(longer.back_at(at(NOON)), Some(at(WEDNESDAY)));
    assert!(longer.absent(at(TUESDAY)).is_some());
    assert_eq!(decide(None, &command(4, at(NINE), absent(FIVE, NOON))), Err(Refusal::EndsBeforeItBegins));
}

#[test]
fn a_repeated_or_impossible_word_changes_nothing() {
    let first = command(1, at(NINE), absent(NINE, NOON));
    let away = after(None, &first);
    assert_eq!(decide(Some(&away), &first), Ok(None));
    let other = PresenceCommand { commit: CommitId::from_bytes([9; 16]), ..first.clone() };
    assert_eq!(decide(Some(&away), &other), Err(Refusal::KeyReused));
    assert_eq!(decide(None, &command(2, at(NOON), absent(NINE, NINE))), Err(Refusal::DateNotAhead));
    let own = Absence { from: at(NINE), until: at(NOON), stand_in: Some(key("anna")) };
    let own = command(2, at(NINE), PresenceChange::MarkedAbsent(own));
    assert_eq!(decide(None, &own), Err(Refusal::OwnStandIn));
    assert_eq!(decide(None, &command(2, at(NINE), PresenceChange::Returned)), Ok(None));
    let stale = PresenceCommand { seen_version: 7, ..command(3, at(NINE), PresenceChange::Returned) };
    assert_eq!(decide(Some(&away), &stale), Err(Refusal::VersionChanged { now: 1 }));
}

#[test]
fn so_many_absences_may_lie_ahead_and_no_more() {
    let day = |n: usize| at(NINE).checked_add(SignedDuration::from_hours(48 * n as i64)).unwrap();
    let planned = |n: usize| {
        let until = day(n).checked_add(SignedDuration::from_hours(24)).unwrap();
        PresenceChange::MarkedAbsent(Absence { from: day(n), until, stand_in: None })
    };
    let mut presence = None;
    for n in 1..=ABSENCES_MAX {
        presence = Some(after(presence, &command(n as u8, at(NINE), planned(n))));
    }
    let more = command(200, at(NINE), planned(ABSENCES_MAX + 1));
    assert_eq!(decide(presence.as_ref(), &more), Err(Refusal::TooManyAbsences));
}

#[test]
fn the_next_moment_somebody_is_there_reckons_with_hours_marks_and_absences() {
    let hours = [run("2026-03-02T08:00:00Z", "2026-03-02T11:00:00Z"), run("2026-03-03T08:00:00Z", FRIDAY)];
    let look = |presence: Option<&Presence>, now| whereabouts(presence, &wilg(), hours, at(now));
    let shown = |w: Whereabouts| [w.from, w.until, w.back].map(|moment| moment.map(|m| m.to_string()));
    let of = |list: [Option<&str>; 3]| list.map(|text| text.map(|text| at(text).to_string()));

    assert_eq!(shown(look(None, NINE)), of([Some(NINE), Some("2026-03-02T11:00:00Z"), Some(TUESDAY)]));
    assert_eq!(shown(look(None, NOON)), of([Some(TUESDAY), Some(FRIDAY), None]));
    // A mark joins the hours; an absence cuts them in two.
    let mark = PresenceChange::MarkedPresent { centre: wilg(), until: at(NOON) };
    let marked = after(None, &command(1, at(NINE), mark));
    assert_eq!(shown(look(Some(&marked), NINE)), of([Some(NINE), Some(NOON), Some(TUESDAY)]));
    let cut = after(None, &command(1, at(NINE), absent("2026-03-03T12:00:00Z", WEDNESDAY)));
    assert_eq!(
        shown(look(Some(&cut), NOON)),
        of([Some(TUESDAY), Some("2026-03-03T12:00:00Z"), Some(WEDNESDAY)])
    );
    let away = after(None, &command(1, at(NINE), absent(NINE, WEDNESDAY)));
    assert_eq!(shown(look(Some(&away), NINE)), of([Some(WEDNESDAY), Some(FRIDAY), None]));
}

#[test]
fn later_today_is_this_working_day_and_while_the_centre_is_closed_its_next_one() {
    let office = WorkingTime::office();
    let later = |now: &str, moment: &str| is_on_working_day(&office, at(now), at(moment));
    // Monday 2 March 2026; an hour ahead of UTC.
    assert!(later(NINE, NOON) && !later(NINE, TUESDAY));
    assert!(later("2026-03-02T05:00:00Z", NINE), "before it opens");
    assert!(later("2026-03-02T19:00:00Z", TUESDAY) && !later("2026-03-02T19:00:00Z", WEDNESDAY));
    // Friday evening and Sunday: Monday. Good Friday is no holiday for centres; Easter Monday 6 April 2026 is.
    assert!(later("2026-03-06T19:00:00Z", "2026-03-09T10:00:00Z"));
    assert!(later("2026-03-08T10:00:00Z", "2026-03-09T10:00:00Z"));
    assert!(!later("2026-04-03T19:00:00Z", "2026-04-08T10:00:00Z"));
    assert!(later("2026-04-03T19:00:00Z", "2026-04-07T10:00:00Z"));
}

/// Minutes of two days, so that everything comes near everything.
fn any_change() -> impl Strategy<Value = PresenceChange> {
    let moment = |minute: i64| at(NINE).checked_add(SignedDuration::from_mins(minute)).unwrap();
    prop_oneof![
        3 => (-60..2880i64, 1..1440i64).prop_map(move |(from, length)| PresenceChange::MarkedAbsent(Absence {
            from: moment(from),
            until: moment(from + length),
            stand_in: None,
        })),
        1 => (0..2880i64).prop_map(move |until| PresenceChange::MarkedPresent { centre: wilg(), until: moment(until) }),
        1 => Just(PresenceChange::Returned),
        1 => (0..2880i64).prop_map(move |from| PresenceChange::AbsenceWithdrawn { from: moment(from) }),
    ]
}

proptest! {
    #[test]
    fn absences_lie_apart_in_order_and_every_word_is_idempotent(words in prop::collection::vec((0..300i64, any_change()), 1..24)) {
        let mut now = at(NINE);
        let mut presence: Option<Presence> = None;
        for (n, (minutes, change)) in words.into_iter().enumerate() {
            now = now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
            // Often the beginning of one that is there.
            let change = match (&change, presence.as_ref().and_then(|p| p.absences.last())) {
                (PresenceChange::AbsenceWithdrawn { .. }, Some(last)) if n % 2 == 0 => {
                    PresenceChange::AbsenceWithdrawn { from: last.from }
                }
                _ => change,
            };
            let command = command(n as u8, now, change);
            let decided = decide(presence.as_ref(), &command);
            let Ok(Some(change)) = decided else { continue };
            let after = take_in(presence.take(), &command, &change);
            prop_assert!(after.absences.iter().all(|a| a.from < a.until && a.until > now));
            prop_assert!(after.absences.windows(2).all(|pair| pair[0].until <= pair[1].from));
            match &change {
                PresenceChange::MarkedAbsent(absence) => {
                    prop_assert_eq!(after.absent(absence.from), Some(absence));
                    prop_assert!(absence.from >= now);
                }
                PresenceChange::Returned => prop_assert_eq!(after.absent(now), None),
                PresenceChange::MarkedPresent { centre, until } => {
                    prop_assert!(is_present(Some(&after), centre, false, now));
                    prop_assert!(!is_present(Some(&after), centre, false, *until));
                }
                PresenceChange::AbsenceWithdrawn { from } => {
                    prop_assert!(after.absences.iter().all(|absence| absence.from != *from));
                }
            }
            prop_assert_eq!(decide(Some(&after), &command), Ok(None), "the same act again");
            presence = Some(after);
        }
    }

    #[test]
    fn the_next_moment_is_the_first_minute_at_which_she_is_there(
        minutes in prop::collection::vec((0..5000i64, 1..900i64), 0..6),
        words in prop::collection::vec(any_change(), 0..8),
        ask in 0..3000i64,
    ) {
        let moment = |minute: i64| at(NINE).checked_add(SignedDuration::from_mins(minute)).unwrap();
        let hours: Vec<Run> = {
            let mut runs: Vec<Run> =
                minutes.iter().map(|(from, length)| Run { from: moment(*from), until: moment(from + length) }).collect();
            runs.sort_unstable();
            runs
        };
        let mut presence = None;
        for (n, change) in words.into_iter().enumerate() {
            let command = command(n as u8, at(NINE), change);
            if let Ok(Some(change)) = decide(presence.as_ref(), &command) {
                presence = Some(take_in(presence.take(), &command, &change));
            }
        }
        let now = moment(ask);
        let found = whereabouts(presence.as_ref(), &wilg(), hours.iter().copied(), now);
        // Slow and obviously right: minute by minute.
        let there = |minute: i64| {
            let at = moment(minute);
            let scheduled = hours.iter().any(|run| run.covers(at));
            is_present(presence.as_ref(), &wilg(), scheduled, at)
        };
        let from = (ask..7000).find(|minute| there(*minute));
        let until = from.and_then(|from| (from..7000).find(|minute| !there(*minute)));
        let back = until.and_then(|until| (until..7000).find(|minute| there(*minute)));
        // A mark holds from the moment at which it was said, so the slow way may look back at it from later on as well.
        prop_assert_eq!(found.from, from.map(moment));
        prop_assert_eq!(found.until, until.map(moment));
        prop_assert_eq!(found.back, back.map(moment));
        prop_assert!(found.until.is_none_or(|until| until <= horizon(now)));
        let attendance = found.attendance(presence.as_ref(), now, |_| false);
        prop_assert_eq!(attendance == Attendance::Present, there(ask));
    }
}
