//! Taking a task on is a promise with an end: it is reminded of again and again, told to the coordinator, and closed by no clock.

use voordeur_kernel::CommandId;
use voordeur_routing_domain::{
    task::{Change, Parents, Wish, evolve, invariants},
    words::{AwayReason, CancelReason, ClockKind, DeclineReason, FailReason, HoldReason, Urgency},
};

use crate::{
    support::{COORDINATOR, TASK, World, at, key},
    team::{ANSWER, REACHED, TRIED, annas, away, clocks, later, meeting, told, transfer_to},
};

/// Lets every clock ring for two months; those of a safety signal, which rings all the time, for some days.
fn rings(world: &mut World) -> usize {
    let days = if world.task().about.safety.is_safety() { 3 } else { 60 };
    let end = later(world, 24 * days);
    let mut rings = 0;
    while world.task().due().first().unwrap().due <= end {
        let events = world.history.len();
        let (state, holder) = (world.task().state, world.task().holder.clone());
        world.next_deadline();
        assert_eq!(world.history.len(), events + 1, "each ring has its event");
        assert_eq!((world.task().state, &world.task().holder), (state, &holder), "and closes nothing");
        rings += 1;
    }
    rings
}

/// A step that brings a task somewhere.
type Life<'a> = (&'a str, &'a dyn Fn(&mut World));

#[test]
fn in_two_months_no_clock_closes_anything_wherever_the_task_stands() {
    let until = at("2026-03-10T09:00:00Z");
    let lives: [Life<'_>; 10] = [
        ("asked", &|_| {}),
        ("taken and forgotten", &|w| {
            w.does("anna", Wish::Accept).unwrap();
        }),
        ("nobody can be reached", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            for _ in 0..3 {
                w.does("anna", TRIED).unwrap();
            }
        }),
        ("in progress", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            w.does("anna", REACHED).unwrap();
        }),
        ("on hold", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            w.does("anna", Wish::Hold(HoldReason::WaitingForPartner, until)).unwrap();
        }),
        ("failed", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            w.does("anna", Wish::Fail(FailReason::NoCooperation)).unwrap();
        }),
        ("to be cancelled", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            w.service(Wish::RequestCancellation(CancelReason::SignalWithdrawn)).unwrap();
        }),
        ("its holder away", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            w.service(away(AwayReason::LeftCentre, None)).unwrap();
            w.there.present = vec![key("bea")];
        }),
        ("to be taken over", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            w.does("anna", transfer_to("bea")).unwrap();
        }),
        ("with a meeting", &|w| {
            w.does("anna", Wish::Accept).unwrap();
            let wish = meeting(w, Parents::AsUsual);
            w.does("anna", wish).unwrap();
        }),
    ];
    for (name, begin) in lives {
        for urgency in Urgency::ALL {
            let mut world = World::asked(*urgency, &["anna", "bea"]);
            begin(&mut world);
            assert!(rings(&mut world) > 20, "{name} {urgency:?}: it rings until somebody acts");
            assert!(world.task().overdue(world.now), "{name}: visibly overdue");
            // And it can still be answered, however late, which stays to be seen.
            if world.task().holder.as_ref() == Some(&key("anna")) {
                assert_eq!(world.does("anna", ANSWER), Ok(true), "{name}");
                assert!(world.task().overdue(world.now) && world.task().due().is_empty());
            }
        }
    }
}

#[test]
fn who_was_not_there_in_a_history_of_before_is_read_as_it_was() {
    let mut world = World::asked(Urgency::Regular, &["anna", "bea"]);
    let (mut meta, _) = world.history[0].clone();
    meta.ordinal = 2;
    meta.command = CommandId::from_bytes([99; 16]);
    let change = Change::OfferDeclined {
        professional: key("anna"),
        reason: DeclineReason::NotPresent,
        next_step: None,
        deadlines: world.task().due().to_vec(),
    };
    let task = evolve(world.task.take(), TASK, &meta, &change).unwrap();
    assert_eq!(invariants(&task), []);
    world.task = Some(task);
    assert_eq!(world.offered(), ["bea"]);
}

#[test]
fn what_was_answered_in_time_is_not_late_afterwards() {
    let mut world = annas(Urgency::Regular);
    world.does("anna", ANSWER).unwrap();
    world.now = later(&world, 24 * 365);
    assert!(!world.task().overdue(world.now));
}

#[test]
fn who_tried_several_times_without_reaching_anybody_is_still_watched() {
    let mut world = annas(Urgency::Regular);
    for _ in 0..5 {
        world.does("anna", TRIED).unwrap();
    }
    assert_eq!(clocks(&world), [ClockKind::FirstContact, ClockKind::Answer]);
    assert_eq!(told(world.next_deadline()), ["anna"]);
    world.does("anna", TRIED).unwrap();
    assert_eq!(told(world.next_deadline()), ["anna", COORDINATOR], "one more try does not begin anew");
    assert!(world.task().overdue(world.now));
}
