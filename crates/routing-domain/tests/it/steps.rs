//! Taking the steps of a plan: no time is lost on people who are not there, at no hour and on no day.

use jiff::SignedDuration;
use proptest::prelude::*;
use voordeur_kernel::{ConcernDomain, Timestamp, WorkingTime};
use voordeur_routing_domain::{
    Calendar as _,
    ladder::Ladder,
    plan::{Attendance, Plan, Sight, plan},
    task::{Around, Change, StepTaken, TaskState, There, Wish},
    words::{Audience, AwayReason, ClockKind, Urgency},
};

use crate::support::{COORDINATOR, World, about, at, follow_up, follow_up_plan, key, seen, sight};

/// Monday 2 March 2026, ten o'clock at the centre, which is an hour ahead.
const MONDAY: &str = "2026-03-02T09:00:00Z";
/// The same day at half past four, half an hour before it closes.
const LATE: &str = "2026-03-02T15:30:00Z";
const FRIDAY_EVENING: &str = "2026-03-06T18:00:00Z";

/// One person: when she is there, goes, and is back.
type Hours<'a> = (&'a str, Attendance, Option<&'a str>, Option<&'a str>, Option<&'a str>);

fn there(hours: &[Hours<'_>]) -> There {
    let around = hours.iter().map(|(name, attendance, from, until, back)| Around {
        professional: key(name),
        attendance: *attendance,
        from: from.map(at),
        until: until.map(at),
        back: back.map(at),
    });
    There {
        present: hours
            .iter()
            .filter(|(_, attendance, ..)| *attendance == Attendance::Present)
            .map(|(name, ..)| key(name))
            .collect(),
        around: around.collect(),
        ..World::with(&[]).there
    }
}

fn seen_by(there: &There, now: &str, known: Option<&str>) -> Sight {
    let people = there.around.iter().map(|around| voordeur_routing_domain::plan::Seen {
        attendance: around.attendance,
        there_from: around.from,
        ..seen(around.professional.as_str())
    });
    Sight { at: at(now), known: known.map(key), people: people.collect(), ..sight(&[]) }
}

fn office_plan(urgency: Urgency, now: &str, there: &There, known: Option<&str>) -> Plan {
    let sight = seen_by(there, now, known);
    let office = WorkingTime::office();
    plan(&Ladder::built_in(urgency), &[ConcernDomain::Sociaal], at(now), &sight, &office)
}

/// A task that was just asked for at a centre with office hours.
fn asked(urgency: Urgency, now: &str, hours: &[Hours<'_>], known: Option<&str>) -> World {
    let mut world = World::with(&[]);
    world.calendar = Box::new(WorkingTime::office());
    world.now = at(now);
    world.there = there(hours);
    let plan = office_plan(urgency, now, &world.there, known);
    let mut about = about(urgency);
    about.received_at = at(now);
    world.request_for(about, plan).unwrap();
    world
}

fn first(world: &World) -> &StepTaken {
    world.history[0].1.step_taken().unwrap()
}

fn ends(world: &World) -> Option<Timestamp> {
    world.task().deadline(ClockKind::Offer).map(|offer| offer.due)
}

const PRESENT: Attendance = Attendance::Present;
const LATER: Attendance = Attendance::LaterToday;
const OFF: Attendance = Attendance::NotScheduled;

#[test]
fn a_step_with_nobody_there_takes_no_time_at_all_and_says_so() {
    for urgency in [Urgency::Regular, Urgency::Urgent, Urgency::Consult] {
        let off = ("anna", OFF, Some("2026-03-09T08:00:00Z"), None, None);
        let world = asked(urgency, MONDAY, &[off], Some("anna"));
        assert_eq!(world.offered(), [COORDINATOR], "{urgency:?}");
        assert_eq!(first(&world).skipped.len() + 1, first(&world).step as usize + 1, "{urgency:?}");
        assert_eq!((first(&world).respond_by, ends(&world)), (None, None), "nobody is waited for");
    }
}

#[test]
fn offers_end_when_the_last_one_who_was_asked_goes_off_duty_and_is_not_back_in_time() {
    let tuesday = Some("2026-03-03T08:00:00Z");
    let thursday = Some("2026-03-05T08:00:00Z");
    // Four working hours from ten o'clock: two o'clock. Anna goes at noon until Thursday, Bea at one o'clock until Thursday.
    let anna = ("anna", PRESENT, Some(MONDAY), Some("2026-03-02T11:00:00Z"), thursday);
    let bea = ("bea", PRESENT, Some(MONDAY), Some("2026-03-02T12:00:00Z"), thursday);
    let world = asked(Urgency::Regular, MONDAY, &[anna, bea], None);
    assert_eq!(world.offered(), ["anna", "bea"]);
    assert_eq!(ends(&world), Some(at("2026-03-02T12:00:00Z")), "when Bea goes");

    // Somebody who is there all day is waited for; a break at noon is no end.
    let lunch = ("cor", PRESENT, Some(MONDAY), Some("2026-03-02T11:00:00Z"), Some("2026-03-02T11:30:00Z"));
    let world = asked(Urgency::Regular, MONDAY, &[anna, lunch], None);
    assert_eq!(ends(&world), Some(at("2026-03-02T13:00:00Z")));

    // At half past four the time runs on in the morning, when Bea is back and Anna is not.
    let bea = ("bea", PRESENT, Some(LATE), Some("2026-03-02T16:00:00Z"), tuesday);
    let anna = ("anna", PRESENT, Some(LATE), Some("2026-03-02T16:00:00Z"), thursday);
    let world = asked(Urgency::Regular, LATE, &[anna, bea], None);
    assert_eq!(ends(&world), Some(at("2026-03-03T10:30:00Z")), "Tuesday half past eleven");
    let world = asked(Urgency::Regular, LATE, &[anna, ("bea", OFF, thursday, None, None)], Some("anna"));
    assert_eq!(world.holder(), Some("anna"), "the only one");
    let cor = ("cor", PRESENT, Some(LATE), Some("2026-03-02T15:45:00Z"), thursday);
    let world = asked(Urgency::Regular, LATE, &[anna, cor], None);
    assert_eq!(ends(&world), Some(at("2026-03-02T16:00:00Z")), "when the last of them goes");
}

#[test]
fn when_everybody_has_gone_the_coordinator_has_it_at_once_and_not_in_the_morning() {
    let anna = ("anna", PRESENT, Some(LATE), Some("2026-03-02T16:00:00Z"), None);
    let bea = ("bea", PRESENT, Some(LATE), Some("2026-03-02T15:45:00Z"), None);
    let mut world = asked(Urgency::Regular, LATE, &[anna, bea], None);
    world.there = there(&[("anna", OFF, None, None, None), ("bea", OFF, None, None, None)]);
    let change = world.next_deadline().clone();
    assert!(matches!(change, Change::OffersTimedOut { .. }), "{change:?}");
    assert_eq!((world.now, world.offered()), (at("2026-03-02T16:00:00Z"), vec![COORDINATOR]));
}

#[test]
fn the_time_of_somebody_who_comes_later_runs_from_when_she_comes() {
    let anna = ("anna", LATER, Some("2026-03-02T12:00:00Z"), Some("2026-03-02T16:00:00Z"), None);
    let bea = ("bea", LATER, Some("2026-03-02T13:00:00Z"), Some("2026-03-02T16:00:00Z"), None);
    let world = asked(Urgency::Regular, MONDAY, &[anna, bea], None);
    assert_eq!(world.offered(), ["anna", "bea"]);
    // Four working hours from one o'clock: five o'clock, when the centre closes.
    assert_eq!(ends(&world), Some(at("2026-03-02T16:00:00Z")));
    // Half an hour to respond and two hours to take it: whoever comes at one o'clock is too late for what is urgent.
    let world = asked(Urgency::Urgent, MONDAY, &[anna, bea], None);
    assert_eq!(world.offered(), [COORDINATOR]);
    let cor = ("cor", LATER, Some("2026-03-02T10:15:00Z"), Some("2026-03-02T16:00:00Z"), None);
    let world = asked(Urgency::Urgent, MONDAY, &[anna, cor, bea], Some("cor"));
    assert_eq!((world.holder(), first(&world).step), (Some("cor"), 0), "the only one who is in time");
}

#[test]
fn who_knows_the_child_and_is_back_in_time_is_waited_for_until_then_and_no_longer() {
    let tuesday = "2026-03-03T08:00:00Z";
    let anna = ("anna", OFF, Some(tuesday), Some("2026-03-03T10:00:00Z"), None);
    let bea = ("bea", PRESENT, Some(MONDAY), None, None);
    let world = asked(Urgency::Regular, MONDAY, &[anna, bea], Some("anna"));
    assert_eq!(world.task().route.audience(world.task().step), Some(Audience::KnownBackInTime));
    assert_eq!(
        (world.offered(), ends(&world)),
        (vec!["anna"], Some(at("2026-03-03T10:00:00Z"))),
        "she goes at eleven"
    );

    // Is she said to be absent meanwhile, then it goes on at once.
    let mut world = asked(Urgency::Regular, MONDAY, &[anna, bea], Some("anna"));
    world.there = there(&[bea]);
    assert_eq!(world.service(Wish::WithdrawOffer(key("anna"), AwayReason::Absent)), Ok(true));
    assert_eq!(world.offered(), ["bea"]);

    // Once the moment has passed at which somebody must have taken it, nobody who is away is waited for.
    let cor = ("cor", PRESENT, Some(MONDAY), Some("2026-03-02T16:00:00Z"), Some(tuesday));
    let mut world = asked(Urgency::Regular, MONDAY, &[cor, bea], Some("cor"));
    assert_eq!(world.offered(), ["cor"]);
    world.now = at("2026-03-04T09:00:00Z");
    let accept = *world.task().deadline(ClockKind::Accept).unwrap();
    assert_eq!(world.service(Wish::DeadlinePassed(accept)), Ok(true));
    world.there = there(&[("bea", LATER, Some("2026-03-04T14:00:00Z"), None, None)]);
    let offer = *world.task().deadline(ClockKind::Offer).unwrap();
    assert_eq!(world.service(Wish::DeadlinePassed(offer)), Ok(true));
    assert_eq!(world.offered(), [COORDINATOR]);
}

#[test]
fn a_weekend_a_night_and_a_holiday_stop_the_clocks_of_work_and_not_those_of_safety() {
    let monday = "2026-03-09T07:00:00Z";
    let anna = ("anna", LATER, Some(monday), Some("2026-03-09T16:00:00Z"), None);
    let bea = ("bea", LATER, Some(monday), Some("2026-03-09T16:00:00Z"), None);
    let world = asked(Urgency::Urgent, FRIDAY_EVENING, &[anna, bea], None);
    assert_eq!(world.offered(), ["anna", "bea"], "on the next open day");
    assert_eq!(ends(&world), Some(at("2026-03-09T07:30:00Z")), "half an hour after it opens");
    let due = |world: &World, clock| world.task().deadline(clock).unwrap().due;
    assert_eq!(due(&world, ClockKind::Accept), at("2026-03-09T09:00:00Z"));

    // The Thursday before Easter 2026.
    let office = WorkingTime::office();
    let thursday = at("2026-04-02T09:00:00Z");
    let world = asked(
        Urgency::Regular,
        "2026-04-02T09:00:00Z",
        &[("anna", PRESENT, Some("2026-04-02T09:00:00Z"), None, None)],
        None,
    );
    let clocks = Ladder::built_in(Urgency::Regular).clocks();
    assert_eq!(due(&world, ClockKind::FirstContact), office.after(thursday, clocks.first_contact));
    assert!(
        due(&world, ClockKind::FirstContact) > at("2026-04-09T09:00:00Z"),
        "Easter Monday does not count"
    );

    let safety = asked(Urgency::Safety, FRIDAY_EVENING, &[anna, bea], None);
    assert_eq!(safety.offered(), [COORDINATOR], "nobody off duty is alerted");
    assert_eq!(due(&safety, ClockKind::SafetyRepeat), at("2026-03-06T18:05:00Z"));
}

#[test]
fn a_safety_signal_is_repeated_to_whoever_is_there_then_until_a_person_confirms() {
    let anna = ("anna", PRESENT, Some(MONDAY), Some("2026-03-02T16:00:00Z"), None);
    let bea = ("bea", LATER, Some("2026-03-02T09:04:00Z"), None, None);
    let mut world = asked(Urgency::Safety, MONDAY, &[anna, bea], None);
    assert_eq!((world.task().state, world.offered()), (TaskState::Requested, vec!["anna", COORDINATOR]));
    world.there = there(&[("anna", OFF, None, None, None), ("bea", PRESENT, Some(MONDAY), None, None)]);
    for round in 1..3 {
        world.next_deadline();
        assert_eq!(world.offered(), ["bea", COORDINATOR]);
        assert_eq!(world.task().deadline(ClockKind::SafetyRepeat).unwrap().round, round);
    }
    assert_eq!(world.does("bea", Wish::Accept), Ok(true));
    assert!(world.task().deadline(ClockKind::SafetyRepeat).is_none());
}

#[test]
fn work_that_can_wait_is_put_before_somebody_who_comes_another_day() {
    let thursday = Some("2026-03-05T08:00:00Z");
    let mut world = World::with(&[]);
    world.calendar = Box::new(WorkingTime::office());
    world.there = there(&[("anna", OFF, thursday, None, None), ("bea", OFF, thursday, None, None)]);
    let sight = seen_by(&world.there, MONDAY, None);
    world.request_for(follow_up(), follow_up_plan(&sight, None)).unwrap();
    assert_eq!(world.offered(), ["anna", "bea"]);
    assert!(ends(&world).unwrap() > at("2026-03-06T00:00:00Z"), "two working days from when they are there");
}

#[test]
fn the_coordinator_who_is_absent_is_not_left_with_it_while_another_one_is_there() {
    let mut world = asked(Urgency::Regular, MONDAY, &[], None);
    assert_eq!(world.offered(), [COORDINATOR]);
    let away = || Wish::CoordinatorAway(key(COORDINATOR));
    world.there.coordinators.push(key("erik"));
    world.there.coordinator = key("erik");
    assert_eq!(world.service(away()), Ok(true));
    assert_eq!((world.offered(), &world.task().coordinator), (vec!["erik"], &key("erik")));
    assert_eq!(world.service(away()), Ok(false), "she catches it no more");

    let mut world = asked(Urgency::Regular, MONDAY, &[], None);
    world.there.coordinator_absent = true;
    let before = world.task().deadlines.clone();
    assert_eq!(world.service(away()), Ok(true));
    assert!(
        matches!(world.history.last().unwrap().1, Change::NobodyToTell { .. }),
        "it says that nobody is there"
    );
    assert_eq!(world.task().deadlines, before, "and nothing moves");

    // Who has it in hand is expected to act, whoever catches it.
    let anna = ("anna", PRESENT, Some(MONDAY), None, None);
    let mut world = asked(Urgency::Regular, MONDAY, &[anna], None);
    world.there.coordinator_absent = true;
    assert_eq!(world.holder(), Some("anna"));
    assert_eq!(world.service(away()), Ok(false));
}

fn any_hours() -> impl Strategy<Value = (Attendance, i64, i64, i64)> {
    let attendance = prop_oneof![3 => Just(PRESENT), 2 => Just(LATER), 2 => Just(OFF)];
    (attendance, 1..600i64, 1..600i64, 1..5000i64)
}

proptest! {
    #[test]
    fn an_offer_never_outlasts_the_people_it_was_made_to_and_never_ends_before_it_was_made(
        people in prop::collection::vec(any_hours(), 1..5), which in 0..4usize, known in any::<bool>(), start in 0..10_000i64,
    ) {
        let now = at(MONDAY).checked_add(SignedDuration::from_mins(start)).unwrap();
        let later = |minutes: i64| now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let names = ["anna", "bea", "cor", "dirk"];
        let texts: Vec<_> = people
            .iter()
            .map(|(attendance, from, length, gap)| {
                let from = if *attendance == PRESENT { 0 } else { *from };
                (*attendance, later(from), later(from + length), later(from + length + gap))
            })
            .collect();
        let around: Vec<Around> = texts
            .iter()
            .zip(names)
            .map(|((attendance, from, until, back), name)| Around {
                professional: key(name),
                attendance: *attendance,
                from: Some(*from),
                until: Some(*until),
                back: Some(*back),
            })
            .collect();
        let urgency = Urgency::ALL[which];
        let mut world = World::with(&[]);
        world.calendar = Box::new(WorkingTime::office());
        world.now = now;
        world.there.present =
            around.iter().filter(|a| a.attendance == PRESENT).map(|a| a.professional.clone()).collect();
        world.there.around = around.clone();
        let text = now.to_string();
        let plan = office_plan(urgency, &text, &world.there, known.then_some("anna"));
        let mut about = about(urgency);
        about.received_at = now;
        world.request_for(about, plan).unwrap();
        let step = first(&world).clone();
        let asked: Vec<&Around> =
            around.iter().filter(|a| step.offers.iter().any(|o| o.professional == a.professional)).collect();
        let Some(respond_by) = step.respond_by else {
            prop_assert!(asked.is_empty() || step.assigned_to.is_some());
            return Ok(());
        };
        prop_assert!(respond_by > now);
        if urgency != Urgency::Safety {
            prop_assert!(!asked.is_empty());
            let accept = world.task().deadline(ClockKind::Accept).unwrap().due;
            for around in &asked {
                // Nobody is waited for who could not answer in time.
                prop_assert!(around.attendance == PRESENT || around.from.unwrap() < accept);
            }
            // Somebody who was asked is there, or comes, right up to the end.
            prop_assert!(asked.iter().any(|a| a.until.unwrap() >= respond_by || a.back.unwrap() < respond_by));
            // Whoever is there now goes before whoever comes later.
            let first_comes = asked.iter().map(|a| a.from.unwrap()).min().unwrap();
            let somebody_now = around.iter().any(|a| a.attendance == PRESENT);
            prop_assert!(!somebody_now || first_comes == now || known);
        }
    }
}
