//! What people complain about in systems like this one, and what must never happen here: a night, a weekend or a holiday in which a clock
//! runs that nobody hears; time lost on people who are not there; an alarm to somebody who is off duty.

use jiff::Timestamp;
use voordeur_contracts::{
    convert::from_wire_time,
    event::{ClockKind, TaskState},
    routing::Task,
};
use voordeur_kernel::Clock as _;

use crate::{
    step,
    support::{COORDINATOR, World, command, directory},
};

const DAYS: &str = r#"days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00""#;
const OFFICE: &str = r#"days = ["ma", "di", "wo", "do", "vr"], from = "08:30", until = "16:30""#;

/// Anna and Bea work office hours, at a centre that opens from eight until five on weekdays.
async fn office_hours(now: &str) -> World {
    let world = World::with(&["anna", "bea"]).await;
    world.apply(&directory(&["anna", "bea"]).replace(DAYS, OFFICE), 1).await;
    goes_to(&world, now);
    world
}

fn goes_to(world: &World, moment: &str) {
    let moment: Timestamp = moment.parse().unwrap();
    world.clock.advance(moment.duration_since(world.clock.now()));
}

fn due(task: &Task, clock: ClockKind) -> Option<String> {
    let deadline = task.deadlines.iter().find(|deadline| deadline.clock() == clock)?;
    deadline.due.as_ref().and_then(from_wire_time).map(|due| due.to_string())
}

fn urgent(received: &mut voordeur_contracts::event::SignalReceived) {
    received.urgent = true;
}

#[tokio::test]
async fn over_a_weekend_with_a_clock_change_nothing_runs_out_and_on_monday_the_time_is_right() {
    // Friday 27 March 2026, six in the evening; on Sunday the clock goes forward.
    let world = office_hours("2026-03-27T17:00:00Z").await;
    let replica = world.start().await;
    let task = world.signal_with(1, urgent).await;
    let seen = replica.task(COORDINATOR, &task).await;
    assert_eq!(seen.offered_to, ["anna", "bea"], "they are there on the next open day");
    // Half past eight in summer time is half past six; half an hour to respond, two working hours from eight o'clock to take it.
    assert_eq!(due(&seen, ClockKind::Offer).unwrap(), "2026-03-30T07:00:00Z");
    assert_eq!(due(&seen, ClockKind::Accept).unwrap(), "2026-03-30T08:00:00Z");
    // All weekend nothing rings; a later signal shows that the clocks were looked at.
    goes_to(&world, "2026-03-30T06:59:00Z");
    let other = world.signal(2).await;
    replica.task(COORDINATOR, &other).await;
    assert_eq!(world.events(&task).await, ["requested"]);
    goes_to(&world, "2026-03-30T07:00:00Z");
    world.happened(&task, "offers_timed_out", 1).await;
    let seen = replica.task_when(COORDINATOR, &task, "goes on", |t| t.offered_to == [COORDINATOR]).await;
    assert_eq!(seen.state(), TaskState::Requested);
    replica.stop().await;
}

#[tokio::test]
async fn a_holiday_is_no_working_day_and_nobody_is_expected_on_it() {
    // The Saturday before Easter 2026: Monday is a holiday, Tuesday is open.
    let world = office_hours("2026-04-04T10:00:00Z").await;
    let replica = world.start().await;
    let seen = replica.task(COORDINATOR, &world.signal_with(1, urgent).await).await;
    assert_eq!(seen.offered_to, ["anna", "bea"]);
    assert_eq!(due(&seen, ClockKind::Offer).unwrap(), "2026-04-07T07:00:00Z");
    replica.stop().await;
}

#[tokio::test]
async fn at_night_a_safety_signal_rings_at_once_and_only_with_the_coordinator() {
    let world = office_hours("2026-03-27T23:00:00Z").await;
    let replica = world.start().await;
    let task = world.signal_with(1, |received| received.safety = 2).await;
    let seen = replica.task(COORDINATOR, &task).await;
    assert_eq!(seen.offered_to, [COORDINATOR], "nobody off duty is alerted");
    assert_eq!(
        due(&seen, ClockKind::SafetyRepeat).unwrap(),
        "2026-03-27T23:05:00Z",
        "no calendar slows it down"
    );
    for round in 1..4 {
        world.clock.advance(jiff::SignedDuration::from_mins(5));
        world.happened(&task, "offers_made", round).await;
    }
    assert_eq!(replica.task(COORDINATOR, &task).await.offered_to, [COORDINATOR]);
    // In the morning whoever is there then is asked too.
    goes_to(&world, "2026-03-30T07:00:00Z");
    replica
        .task_when(COORDINATOR, &task, "asks everybody", |t| t.offered_to == ["anna", "bea", COORDINATOR])
        .await;
    replica.stop().await;
}

#[tokio::test]
async fn no_time_is_lost_on_people_who_have_gone() {
    // Monday, a quarter past four; both leave at half past. Four working hours would last until noon on Tuesday.
    let world = office_hours("2026-03-30T14:15:00Z").await;
    let gone = directory(&["anna", "bea"]).replace(DAYS, r#"days = ["ma"], from = "08:30", until = "16:30""#);
    world.apply(&gone, 2).await;
    let replica = world.start().await;
    let task = world.signal(1).await;
    let seen = replica.task(COORDINATOR, &task).await;
    assert_eq!(seen.offered_to, ["anna", "bea"]);
    assert_eq!(due(&seen, ClockKind::Offer).unwrap(), "2026-03-30T14:30:00Z", "when they go");
    goes_to(&world, "2026-03-30T14:30:00Z");
    replica.task_when(COORDINATOR, &task, "goes on", |t| t.offered_to == [COORDINATOR]).await;
    // What comes in after that goes to the coordinator at once.
    let next = replica.task(COORDINATOR, &world.signal(2).await).await;
    assert_eq!(
        (next.offered_to.as_slice(), due(&next, ClockKind::Offer)),
        ([COORDINATOR.to_owned()].as_slice(), None)
    );
    replica.stop().await;
}

#[tokio::test]
async fn who_accepted_and_forgot_is_reminded_then_her_coordinator_and_nothing_is_closed() {
    let world = office_hours("2026-03-30T07:00:00Z").await;
    let replica = world.start().await;
    let task = world.signal(1).await;
    replica.task(COORDINATOR, &task).await;
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: task.clone(), command: command("1") })
        .unwrap();
    let seen = replica.task(COORDINATOR, &task).await;
    // Nine o'clock on Monday, with Good Friday open and Easter Monday closed: five and ten working days.
    assert_eq!(due(&seen, ClockKind::FirstContact).unwrap(), "2026-04-07T07:00:00Z");
    assert_eq!(due(&seen, ClockKind::Answer).unwrap(), "2026-04-14T07:00:00Z");
    goes_to(&world, "2026-04-07T07:00:00Z");
    world.happened(&task, "clock_rang", 1).await;
    assert!(replica.list(COORDINATOR).await.is_empty(), "she is reminded first");
    goes_to(&world, "2026-04-08T07:00:00Z");
    world.happened(&task, "clock_rang", 2).await;
    assert_eq!(replica.list(COORDINATOR).await, std::slice::from_ref(&task));
    goes_to(&world, "2026-06-30T07:00:00Z");
    world.happened(&task, "clock_rang", 4).await;
    let seen = replica.task(COORDINATOR, &task).await;
    assert_eq!((seen.state(), seen.holder.as_str(), seen.overdue), (TaskState::Accepted, "anna", true));
    replica.stop().await;
}
