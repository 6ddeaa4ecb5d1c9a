//! Who is on call: public cases of GoAlert, as tables of ours.
//!
//! NOTICE: inputs and expected results follow the tests of GoAlert (github.com/target/goalert, commit
//! 2458b9d749e7bb9cb5b0d34dcb7edb034b407baa: `oncall/activecalculator_test.go`, `usercalculator_test.go`, `singlerulecalculator_test.go`,
//! `overridecalculator_test.go`, `state_test.go`, `schedule/temporaryschedule_test.go`, `test/smoke/escalation_test.go`,
//! `escalationgap_test.go`), copyright 2020 Target Brands, Inc., licensed under the Apache License, Version 2.0
//! (<http://www.apache.org/licenses/LICENSE-2.0>). No code was taken; tables and words are ours. `docs/conformance.md` says which cases
//! map and which do not.
//!
//! A rule of a schedule is weekly hours; taking a user off is an absence; adding one is a mark that she is there, which begins when it is
//! said; replacing one by another is an absence with a stand-in who says that she is there.

use std::borrow::Cow;

use jiff::{SignedDuration, tz::TimeZone};
use voordeur_kernel::{
    CentreKey, CommandId, CommitId, Role, Span, Timestamp,
    calendar::{Hours, Run, Runs},
};
use voordeur_routing_domain::{
    ElapsedCalendar,
    ladder::{Expertise, Ladder, Rung},
    plan::{Attendance, Seen, Sight, plan},
    policy::Name,
    presence::{Absence, Presence, PresenceChange, evolve, is_present, whereabouts},
    task::{Actor, Meta, Wish},
    words::{Audience, Urgency},
};

use crate::support::{COORDINATOR, World, about, at, key, seen, sight};

fn centre() -> CentreKey {
    CentreKey::parse("kc-wilg").unwrap()
}

/// What one person said, each at its moment.
fn said(person: &str, words: &[(&str, PresenceChange)]) -> Option<Presence> {
    words.iter().enumerate().fold(None, |presence, (n, (now, change))| {
        let id = [u8::try_from(n).unwrap(); 16];
        let meta = Meta {
            recorded_at: at(now),
            actor: Actor::Person(key(person), Role::Professional),
            command: CommandId::from_bytes(id),
            commit: CommitId::from_bytes(id),
            directory_version: 1,
            ordinal: 1,
        };
        Some(evolve(presence, &key(person), &meta, change))
    })
}

fn absent(from: &str, until: &str) -> PresenceChange {
    PresenceChange::MarkedAbsent(Absence { from: at(from), until: at(until), stand_in: None })
}

fn present(until: &str) -> PresenceChange {
    PresenceChange::MarkedPresent { centre: centre(), until: at(until) }
}

fn run(from: &str, until: &str) -> Run {
    Run { from: at(from), until: at(until) }
}

/// The same hours on every day of a week, Monday first.
fn weekly(days: [bool; 7], hours: (u16, u16), from: &str, until: &str) -> Vec<Run> {
    let hours = [Hours::new(hours.0, hours.1).unwrap()];
    let on = |day: jiff::civil::Date| {
        let works = days[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())];
        if works { Cow::Borrowed(&hours[..]) } else { Cow::Borrowed(&[][..]) }
    };
    Runs::new(&TimeZone::UTC, at(from), at(until), on).collect()
}

/// Shifts of one person between two moments.
fn shifts(presence: Option<&Presence>, hours: &[Run], from: &str, until: &str) -> Vec<(String, String)> {
    let (mut now, until) = (at(from), at(until));
    let mut shifts = Vec::new();
    while now < until {
        let next = whereabouts(presence, &centre(), hours.iter().copied(), now);
        let Some(begin) = next.from.filter(|begin| *begin < until) else { break };
        let end = next.until.unwrap_or(until).min(until);
        shifts.push((begin.to_string(), end.to_string()));
        now = end;
    }
    shifts
}

fn day(times: &[(&str, &str)]) -> Vec<(String, String)> {
    let on = |time: &str| at(&format!("2018-01-01T{time}Z")).to_string();
    times.iter().map(|(from, until)| (on(from), on(until))).collect()
}

const EVERY_DAY: [bool; 7] = [true; 7];
const EIGHT: &str = "2018-01-01T08:00:00Z";
const NINE: &str = "2018-01-01T09:00:00Z";

/// Eight until ten, every day: the rule of nearly every case.
fn morning() -> Vec<Run> {
    weekly(EVERY_DAY, (480, 600), EIGHT, "2018-01-20T00:00:00Z")
}

#[test]
fn active_and_user_calculators_a_span_runs_from_its_start_until_its_end() {
    let (start, end) = ("2000-01-02T03:04:00Z", "2000-01-02T03:08:00Z");
    let minute = |m: u8| format!("2000-01-02T03:0{m}:00Z");
    let spans =
        |list: &[(u8, u8)]| -> Vec<Run> { list.iter().map(|(a, b)| run(&minute(*a), &minute(*b))).collect() };
    let expect = |list: &[(u8, u8)]| -> Vec<(String, String)> {
        list.iter().map(|(a, b)| (at(&minute(*a)).to_string(), at(&minute(*b)).to_string())).collect()
    };
    for (name, given, expected) in [
        ("empty", &[][..], &[][..]),
        ("simple", &[(5, 7)], &[(5, 7)]),
        ("at start", &[(3, 7)], &[(4, 7)]),
        ("multiple", &[(5, 6), (7, 8)], &[(5, 6), (7, 8)]),
        ("touching spans are one", &[(5, 6), (6, 7)], &[(5, 7)]),
    ] {
        assert_eq!(shifts(None, &spans(given), start, end), expect(expected), "{name}");
    }
    let always = [Run { from: at("1970-01-01T00:00:00Z"), until: Timestamp::MAX }];
    assert_eq!(shifts(None, &always, start, end), expect(&[(4, 8)]), "full");
    // Each user has spans of her own.
    assert_eq!(shifts(None, &spans(&[(5, 7)]), start, end), expect(&[(5, 7)]));
    assert_eq!(shifts(None, &spans(&[(6, 7)]), start, end), expect(&[(6, 7)]));
}

#[test]
fn single_rule_calculator_hours_of_the_day_hold_on_that_day() {
    let (start, end) = ("2000-01-02T03:04:00Z", "2000-01-02T03:08:00Z");
    let rule = weekly(EVERY_DAY, (185, 187), start, end);
    let expected = [(at("2000-01-02T03:05:00Z").to_string(), at("2000-01-02T03:07:00Z").to_string())];
    assert_eq!(shifts(None, &rule, start, end), expected);
    assert_eq!(shifts(None, &[], start, end), []);
}

#[test]
fn state_shifts_follow_the_week_and_what_was_said() {
    let between = |presence: Option<&Presence>, hours: &[Run]| shifts(presence, hours, EIGHT, NINE);
    assert_eq!(between(None, &morning()), day(&[("08:00:00", "09:00:00")]), "Simple");

    let week = weekly(EVERY_DAY, (480, 540), "2018-01-01T00:00:00Z", "2018-01-08T00:00:00Z");
    let all = shifts(None, &week, "2018-01-01T00:00:00Z", "2018-01-08T00:00:00Z");
    assert_eq!(all.len(), 7, "SimpleWeek");
    assert!(all.iter().all(|(from, until)| from.ends_with("T08:00:00Z") && until.ends_with("T09:00:00Z")));

    let off = said("foobar", &[(EIGHT, absent("2018-01-01T08:30:00Z", "2018-01-01T08:45:00Z"))]);
    let cut = day(&[("08:00:00", "08:30:00"), ("08:45:00", "09:00:00")]);
    assert_eq!(
        between(off.as_ref(), &morning()),
        cut,
        "RemoveOverride, and who is replaced in ReplaceOverride"
    );
    let on = said("binbaz", &[("2018-01-01T08:30:00Z", present("2018-01-01T08:45:00Z"))]);
    let shown = shifts(on.as_ref(), &[], "2018-01-01T08:30:00Z", NINE);
    assert_eq!(shown, day(&[("08:30:00", "08:45:00")]), "ReplaceOverride, who replaces her");

    let early = said("binbaz", &[(EIGHT, present("2018-01-01T08:15:00Z"))]);
    assert_eq!(between(early.as_ref(), &[]), day(&[("08:00:00", "08:15:00")]), "AddOverride");
    assert_eq!(between(None, &morning()), day(&[("08:00:00", "09:00:00")]), "AddOverride takes nobody off");

    // Temporary Schedule: whoever is on the week is off meanwhile, somebody else is there for ten minutes.
    let off = said("foobar", &[(EIGHT, absent("2018-01-01T08:15:00Z", "2018-01-01T08:45:00Z"))]);
    assert_eq!(between(off.as_ref(), &morning()), day(&[("08:00:00", "08:15:00"), ("08:45:00", "09:00:00")]));
    let baz = said("baz", &[("2018-01-01T08:25:00Z", present("2018-01-01T08:35:00Z"))]);
    let shown = shifts(baz.as_ref(), &[], "2018-01-01T08:25:00Z", NINE);
    assert_eq!(shown, day(&[("08:25:00", "08:35:00")]));

    // ActiveFuture: one who is always there, one who comes on Mondays at half past eight.
    let always = weekly(EVERY_DAY, (0, 1440), EIGHT, "2018-01-20T00:00:00Z");
    assert_eq!(between(None, &always), day(&[("08:00:00", "09:00:00")]));
    let monday =
        weekly([true, false, false, false, false, false, false], (510, 600), EIGHT, "2018-01-20T00:00:00Z");
    assert_eq!(between(None, &monday), day(&[("08:30:00", "09:00:00")]));
}

#[test]
fn override_calculator_who_is_there_of_everybody() {
    let (before, from, until) = ("2000-01-02T03:04:00Z", "2000-01-02T03:05:00Z", "2000-01-02T03:06:00Z");
    let off = || absent(from, until);
    let people = [
        ("foo", said("foo", &[(from, present(until))]), false),
        ("bar", said("bar", &[(from, present(until))]), false),
        ("rab", said("rab", &[(before, off())]), true),
        ("baz", said("baz", &[(before, off())]), true),
        ("bin", None, true),
    ];
    let there = |now: &str| -> Vec<&str> {
        let here = people.iter().filter(|(_, presence, scheduled)| {
            // What is said later is not known yet.
            let presence = presence.as_ref().filter(|p| at(now) >= at(from) || !p.absences.is_empty());
            is_present(presence, &centre(), *scheduled, at(now))
        });
        here.map(|(name, ..)| *name).collect()
    };
    assert_eq!(there(before), ["rab", "baz", "bin"]);
    assert_eq!(there(from), ["foo", "bar", "bin"], "simple, and in the middle");
    assert_eq!(there(until), ["rab", "baz", "bin"]);
}

#[test]
fn temporary_schedules_are_cut_and_joined() {
    let on = |hour: u8| format!("2000-01-01T{hour:02}:00:00Z");
    let hours = |list: &[(u8, u8)]| -> Vec<Run> {
        let mut runs: Vec<Run> = list.iter().map(|(a, b)| run(&on(*a), &on(*b))).collect();
        runs.sort_unstable();
        runs
    };
    let expect = |list: &[(u8, u8)]| -> Vec<(String, String)> {
        list.iter().map(|(a, b)| (at(&on(*a)).to_string(), at(&on(*b)).to_string())).collect()
    };
    let look = |list: &[(u8, u8)], from, until| shifts(None, &hours(list), &on(from), &on(until));
    assert_eq!(look(&[(12, 18)], 10, 14), expect(&[(12, 14)]), "TrimEnd, foo");
    assert_eq!(look(&[(12, 15)], 10, 14), expect(&[(12, 14)]), "TrimEnd, bar");
    assert_eq!(look(&[(12, 18)], 16, 20), expect(&[(16, 18)]), "TrimStart, foo");
    assert_eq!(look(&[(12, 15)], 16, 20), expect(&[]), "TrimStart, bar");
    assert_eq!(look(&[(12, 18), (11, 12)], 9, 20), expect(&[(11, 18)]), "Merge, foo");
    assert_eq!(look(&[(12, 15), (14, 16), (11, 15)], 9, 20), expect(&[(11, 16)]), "Merge, bar");
    assert_eq!(look(&[(21, 23)], 21, 22), expect(&[(21, 22)]), "Merge, what lies apart");
    let hole = said("foo", &[(&on(9), absent(&on(14), &on(16)))]);
    for (given, expected) in [(&[(12, 18)][..], &[(12, 14), (16, 18)][..]), (&[(12, 15)], &[(12, 14)])] {
        let left = shifts(hole.as_ref(), &hours(given), &on(10), &on(20));
        assert_eq!(left, expect(expected), "DeleteFixedShifts");
    }
}

/// A ladder of these audiences, with so many minutes each, that ends at the coordinator.
fn ladder(steps: &[(Audience, u64)]) -> Ladder {
    let rung = |audience, minutes: u64| Rung {
        audience,
        expertise: Expertise::Anyone,
        respond_within: Span::Elapsed(minutes * 60),
        at_once: 1,
    };
    let mut rungs: Vec<Rung> = steps.iter().map(|(audience, minutes)| rung(*audience, *minutes)).collect();
    rungs.push(rung(Audience::Coordinator, 60));
    let clocks = Ladder::built_in(Urgency::Regular).clocks();
    Ladder::new(Name::parse("trap").unwrap(), rungs, clocks).unwrap()
}

fn asked(ladder: &Ladder, known: Option<&str>, people: &[&str]) -> World {
    let sight = Sight { known: known.map(key), ..sight(people) };
    let plan = plan(ladder, &[], sight.at, &sight, &ElapsedCalendar);
    let mut world = World::with(people);
    world.request_for(about(Urgency::Regular), plan).unwrap();
    world
}

#[test]
fn escalation_the_next_step_follows_when_its_time_is_over() {
    let ladder = ladder(&[(Audience::KnownProfessional, 30), (Audience::PresentAtCentre, 60)]);
    let mut world = asked(&ladder, Some("bob"), &["bob", "bob2"]);
    let start = world.now;
    assert_eq!(world.offered(), ["bob"]);
    world.next_deadline();
    assert_eq!(world.now, start.checked_add(SignedDuration::from_mins(30)).unwrap());
    assert_eq!(world.offered(), ["bob2"]);
    world.next_deadline();
    assert_eq!(world.now, start.checked_add(SignedDuration::from_mins(90)).unwrap());
    assert_eq!(world.offered(), [COORDINATOR], "and never goes round without an end");
    assert_eq!(world.does("bob", Wish::Accept), Ok(true), "a late yes is a yes");
}

#[test]
fn escalation_gap_a_step_without_anybody_is_passed_over_and_the_next_one_is_taken_at_once() {
    let ladder = ladder(&[(Audience::KnownProfessional, 30), (Audience::PresentAtCentre, 60)]);
    let world = asked(&ladder, None, &["bob", "bob2"]);
    assert_eq!((world.offered(), world.task().step), (vec!["bob"], 1));
    // A replaced user: whoever stands in is asked in her place.
    let mut people = sight(&["bob", "bob2", "bob3"]);
    people.people[0] = Seen { attendance: Attendance::Absent, stand_in: Some(key("bob3")), ..seen("bob") };
    people.known = Some(key("bob"));
    let plan = plan(&ladder, &[], people.at, &people, &ElapsedCalendar);
    let first = &plan.steps[0].candidates[0];
    assert_eq!((first.professional.as_str(), first.chosen), ("bob3", true));
}
