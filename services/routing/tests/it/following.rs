//! Tasks follow people: absence, return, whoever left, whoever catches, the same child. Nobody who is away is left with what waits.

use jiff::{SignedDuration, Timestamp};
use tonic::Code;
use voordeur_contracts::{
    common::SubjectKind,
    convert::to_wire_time,
    event::{AwayReason, TaskState},
    routing::{
        GetPresenceRequest, MarkAbsentRequest, MarkReturnedRequest, ProfessionalPresence,
        WithdrawAbsenceRequest,
    },
};
use voordeur_kernel::Clock as _;
use voordeur_testkit::eventually;

use crate::{
    step,
    support::{COORDINATOR, Replica, SOON, World, command, directory, of, refused},
};

fn wire(at: Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_wire_time(at))
}

fn hours(world: &World, hours: i64) -> Timestamp {
    world.clock.now().checked_add(SignedDuration::from_hours(hours)).unwrap()
}

fn absence(world: &World, person: &str, from: i64, until: i64, stand_in: &str) -> MarkAbsentRequest {
    MarkAbsentRequest {
        command: command(&format!("{person}-{from}-{until}")),
        professional: person.into(),
        from: (from != 0).then(|| to_wire_time(hours(world, from))),
        until: wire(hours(world, until)),
        stand_in: stand_in.into(),
    }
}

impl Replica {
    async fn absent(&self, request: MarkAbsentRequest) -> ProfessionalPresence {
        let person = request.professional.clone();
        let reply = self.presence.clone().mark_absent(of(&person, request)).await.unwrap();
        reply.into_inner().presence.unwrap()
    }

    async fn returned(&self, person: &str, key: &str) {
        let request = MarkReturnedRequest { command: command(key), professional: person.into() };
        self.presence.clone().mark_returned(of(person, request)).await.unwrap();
    }

    async fn presence_of(&self, person: &str) -> ProfessionalPresence {
        let request = GetPresenceRequest { centre: "wilg".into(), at_least: None };
        let reply = self.presence.clone().get_presence(of(COORDINATOR, request)).await.unwrap();
        reply.into_inner().professionals.into_iter().find(|p| p.professional == person).unwrap()
    }
}

async fn accepted(replica: &Replica, person: &str, id: u8) -> String {
    let task = replica.signal(id).await.task_id;
    let key = format!("accept-{id}");
    step!(replica, person, accept_task, AcceptTaskRequest { task_id: task.clone(), command: command(&key) })
        .unwrap();
    task
}

#[tokio::test]
async fn an_absence_that_was_planned_begins_and_ends_by_itself_once_among_replicas() {
    let world = World::with(&["anna", "bea"]).await;
    let (one, two) = (world.start().await, world.start().await);
    let held = accepted(&one, "anna", 1).await;
    let waiting = one.signal(2).await.task_id;
    one.absent(absence(&world, "anna", 1, 3, "bea")).await;
    assert_eq!(world.events(&held).await, ["requested", "accepted"], "it has not begun");

    world.pass(1);
    world.happened(&held, "holder_away", 1).await;
    world.happened(&waiting, "offer_withdrawn", 1).await;
    let seen = two.task_when(COORDINATOR, &held, "asks who goes on", |t| t.holder_away.is_some()).await;
    let away = seen.holder_away.clone().unwrap();
    assert_eq!((away.reason(), away.stand_in.as_str()), (AwayReason::Absent, "bea"));
    assert_eq!(away.until, wire(hours(&world, 2)));
    assert_eq!((seen.state(), seen.holder.as_str()), (TaskState::Accepted, "anna"), "it stays hers");
    assert!(two.list(COORDINATOR).await.contains(&held));
    two.task_when(COORDINATOR, &waiting, "goes on", |t| t.offered_to == ["bea"]).await;

    world.pass(2);
    world.happened(&held, "holder_away_ended", 1).await;
    one.task_when(COORDINATOR, &held, "is hers again", |t| t.holder_away.is_none()).await;
    // A third replica reads it all, and has nothing to add.
    let three = world.start().await;
    let later = three.signal(3).await.task_id;
    assert_eq!(world.events(&later).await, ["requested"]);
    assert_eq!(world.events(&held).await, ["requested", "accepted", "holder_away", "holder_away_ended"]);
    assert_eq!(world.events(&waiting).await, ["requested", "offer_withdrawn"]);
    for replica in [one, two, three] {
        replica.stop().await;
    }
}

#[tokio::test]
async fn what_the_coordinator_answered_stands_until_she_is_back() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let (left, given) = (accepted(&replica, "anna", 1).await, accepted(&replica, "anna", 2).await);
    replica.absent(absence(&world, "anna", 0, 30, "")).await;
    world.happened(&left, "holder_away", 1).await;
    world.happened(&given, "holder_away", 1).await;
    step!(
        replica,
        COORDINATOR,
        leave_with_holder,
        LeaveWithHolderRequest { task_id: left.clone(), command: command("leave") }
    )
    .unwrap();
    step!(
        replica,
        COORDINATOR,
        assign_task,
        AssignTaskRequest {
            task_id: given.clone(),
            command: command("give"),
            professional: "bea",
            reason: 4
        }
    )
    .unwrap();
    // Something else happens to her, and a replica starts: nobody is asked again.
    let third = replica.signal(3).await.task_id;
    replica.stop().await;
    let replica = world.start().await;
    let fourth = replica.signal(4).await;
    assert_eq!(fourth.holder, "bea", "the only one who is there");
    replica.returned("anna", "back-1").await;
    world.happened(&left, "holder_away_ended", 2).await;
    assert_eq!(world.events(&left).await[2..], ["holder_away", "holder_away_ended", "holder_away_ended"]);
    assert_eq!(world.events(&given).await[2..], ["holder_away", "assigned"]);
    assert_eq!(replica.task(COORDINATOR, &third).await.holder, "bea");
    replica.stop().await;
}

#[tokio::test]
async fn absences_lie_apart_can_be_taken_back_and_are_shown_without_a_reason() {
    let world = World::with(&["anna"]).await;
    let replica = world.start().await;
    let said = replica.absent(absence(&world, "anna", 24, 48, "bea")).await;
    assert!(said.present && said.stand_in.is_empty());
    replica.absent(absence(&world, "anna", 72, 96, "")).await;
    let shown = replica.presence_of("anna").await;
    assert_eq!(shown.absences.len(), 2);
    assert_eq!(
        (shown.absences[0].from, shown.absences[0].stand_in.as_str()),
        (wire(hours(&world, 24)), "bea")
    );
    let overlap = absence(&world, "anna", 40, 80, "");
    let refusal = replica.presence.clone().mark_absent(of("anna", overlap)).await;
    refused(refusal, Code::FailedPrecondition, "ABSENCES_OVERLAP");
    let back_to_front = absence(&world, "anna", 60, 50, "");
    let refusal = replica.presence.clone().mark_absent(of("anna", back_to_front)).await;
    refused(refusal, Code::InvalidArgument, "ENDS_BEFORE_IT_BEGINS");

    let withdraw = |from, key: &str| WithdrawAbsenceRequest {
        command: command(key),
        professional: "anna".into(),
        from: wire(hours(&world, from)),
    };
    let taken_back =
        replica.presence.clone().withdraw_absence(of("anna", withdraw(24, "w-1"))).await.unwrap();
    assert_eq!(taken_back.into_inner().presence.unwrap().absences.len(), 1);
    replica.presence.clone().withdraw_absence(of("anna", withdraw(24, "w-1"))).await.unwrap();
    let unknown = replica.presence.clone().withdraw_absence(of("anna", withdraw(24, "w-2"))).await;
    refused(unknown, Code::NotFound, "NO_SUCH_ABSENCE");
    replica.absent(absence(&world, "anna", 0, 2, "")).await;
    let began = replica.presence.clone().withdraw_absence(of("anna", withdraw(0, "w-3"))).await;
    refused(began, Code::FailedPrecondition, "ABSENCE_BEGAN");
    let shown = replica.presence_of("anna").await;
    assert_eq!(
        (shown.present, shown.until, shown.next_present),
        (false, wire(hours(&world, 2)), wire(hours(&world, 2)))
    );
    let off = replica.presence_of("cor").await;
    assert_eq!((off.present, off.next_present), (false, None), "no hours, no moment");
    replica.stop().await;
}

/// The same directory, and something different about somebody.
fn changed(present: &[&str], old: &str, new: &str) -> String {
    let text = directory(present);
    assert!(text.contains(old), "{old}");
    text.replace(old, new)
}

const REGISTRATION: &str = r#"registration = { scheme = "SKJ", value = "990000001" }"#;

#[tokio::test]
async fn whose_registration_ends_at_midnight_is_asked_about_at_midnight() {
    let world = World::with(&["anna", "bea"]).await;
    let until = r#"registration = { scheme = "SKJ", value = "990000001", valid_until = 2026-01-05 }"#;
    world.apply(&changed(&["anna", "bea"], REGISTRATION, until), 1).await;
    let replica = world.start().await;
    let held = accepted(&replica, "anna", 1).await;
    let waiting = replica.signal(2).await.task_id;
    // Ten in the morning; her last day lasts until midnight.
    world.pass(13);
    let later = replica.signal(3).await.task_id;
    assert_eq!(world.events(&held).await, ["requested", "accepted"]);
    world.pass(1);
    world.happened(&held, "holder_away", 1).await;
    world.happened(&later, "offer_withdrawn", 1).await;
    world.happened(&waiting, "offers_timed_out", 1).await;
    let seen = replica.task_when(COORDINATOR, &held, "asks who goes on", |t| t.holder_away.is_some()).await;
    assert_eq!(seen.holder_away.unwrap().reason(), AwayReason::RegistrationEnded);
    // It was prolonged: what was asked falls away.
    world.apply(&directory(&["anna", "bea"]), 2).await;
    world.happened(&held, "holder_away_ended", 1).await;
    replica.stop().await;
}

#[tokio::test]
async fn a_directory_without_somebody_is_compared_with_her_tasks_also_when_it_came_while_nobody_ran() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let held = accepted(&replica, "anna", 1).await;
    let waiting = replica.signal(2).await.task_id;
    replica.stop().await;
    // She works at the other centre from now on.
    let moved = changed(&["bea"], "[person.anna]\nlabel = \"anna\"", "[person.anna]\nlabel = \"Anna\"");
    let moved = moved.replacen("centres = [\"wilg\"]", "centres = [\"els\"]", 1);
    world.apply(&moved, 1).await;
    let replica = world.start().await;
    world.happened(&held, "holder_away", 1).await;
    world.happened(&waiting, "offer_withdrawn", 1).await;
    let seen = replica.task_when(COORDINATOR, &held, "asks who goes on", |t| t.holder_away.is_some()).await;
    assert_eq!(seen.holder_away.unwrap().reason(), AwayReason::LeftCentre);
    replica.stop().await;
}

const SECOND: &str = r#"
[person.erik]
label = "erik"
organisation = "hulp"
role = "coordinator"
centres = ["wilg"]
"#;

#[tokio::test]
async fn while_a_coordinator_is_absent_another_one_catches_and_when_there_is_none_it_says_so() {
    let world = World::with(&[]).await;
    world.apply(&(directory(&[]) + SECOND), 1).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    assert_eq!(replica.task(COORDINATOR, &task).await.offered_to, [COORDINATOR]);
    replica.absent(absence(&world, COORDINATOR, 1, 100, "")).await;
    world.pass(1);
    replica.task_when(COORDINATOR, &task, "goes to the other one", |t| t.offered_to == ["erik"]).await;
    let next = replica.signal(2).await;
    assert_eq!(next.offered_to, ["erik"]);

    replica.absent(absence(&world, "erik", 1, 50, "")).await;
    world.pass(1);
    world.happened(&task, "nobody_to_tell", 1).await;
    let lonely = replica.signal(3).await.task_id;
    world.happened(&lonely, "nobody_to_tell", 1).await;
    replica.returned("erik", "back-1").await;
    let after = replica.signal(4).await;
    assert_eq!(after.offered_to, ["erik"]);
    let said = world.events(&task).await.iter().filter(|event| **event == "nobody_to_tell").count();
    assert_eq!(said, 1, "once for each absence");
    replica.stop().await;
}

fn same_child(received: &mut voordeur_contracts::event::SignalReceived) {
    received.child = vec![77; 16].into();
}

#[tokio::test]
async fn two_signals_on_one_child_at_the_same_moment_go_to_the_same_person_and_are_linked() {
    let world = World::with(&["anna", "bea", "cor"]).await;
    let (one, two) = (world.start().await, world.start().await);
    let (first, second) = tokio::join!(world.signal_with(1, same_child), world.signal_with(2, same_child));
    for task in [&first, &second] {
        one.task_when(COORDINATOR, task, "is offered", |t| t.offered_to.len() == 3).await;
    }
    step!(two, "bea", accept_task, AcceptTaskRequest { task_id: second.clone(), command: command("1") })
        .unwrap();
    let follows = one.task_when(COORDINATOR, &first, "follows", |t| t.holder == "bea").await;
    assert_eq!(follows.state(), TaskState::Accepted);
    world.happened(&first, "assigned", 1).await;
    // Both were made in the same instant, perhaps by two replicas that did not know of each other: one of them names the other.
    eventually("a link", SOON, || async {
        let tasks = [one.task(COORDINATOR, &first).await, one.task(COORDINATOR, &second).await];
        let linked = tasks[0].linked_task_ids.contains(&second) || tasks[1].linked_task_ids.contains(&first);
        if linked { Ok(()) } else { Err(format!("{tasks:?}")) }
    })
    .await;

    // A third one finds her holding both; a fourth, which she gives back, is not forced upon her again.
    let third = world.signal_with(3, same_child).await;
    one.task_when(COORDINATOR, &third, "is put before her", |t| t.offered_to == ["bea"] || t.holder == "bea")
        .await;
    world.happened(&third, "assigned", 1).await;
    let back = step!(
        one,
        "bea",
        hand_back_task,
        HandBackTaskRequest { task_id: third.clone(), command: command("2"), reason: 1 }
    );
    assert_eq!(back.unwrap().0.offered_to, [COORDINATOR]);
    let other = one.signal(4).await.task_id;
    assert_eq!(world.events(&other).await, ["requested"]);
    assert_eq!(one.task(COORDINATOR, &third).await.offered_to, [COORDINATOR]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_safety_signal_is_confirmed_by_itself_and_a_consult_is_about_no_child() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let first = world.signal_with(1, same_child).await;
    let urgent = world
        .signal_with(2, |received| {
            same_child(received);
            received.safety = 2;
        })
        .await;
    let consult = world
        .signal_with(3, |received| {
            received.subject = SubjectKind::Consult.into();
            received.child = Vec::new().into();
        })
        .await;
    replica.task(COORDINATOR, &urgent).await;
    replica.task(COORDINATOR, &consult).await;
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: first.clone(), command: command("1") })
        .unwrap();
    // A later signal on another child shows that the ones before were looked at.
    let later = replica.signal(4).await.task_id;
    replica.task(COORDINATOR, &later).await;
    assert!(replica.task(COORDINATOR, &urgent).await.holder.is_empty(), "everybody has to confirm it");
    assert_eq!(replica.task(COORDINATOR, &consult).await.offered_to, ["anna", "bea"]);
    replica.stop().await;
}

#[tokio::test]
async fn a_coordinator_who_comes_back_gets_what_stands_at_one_who_is_absent() {
    let world = World::with(&[]).await;
    world.apply(&(directory(&[]) + SECOND), 1).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    assert_eq!(replica.task(COORDINATOR, &task).await.offered_to, [COORDINATOR]);
    replica.absent(absence(&world, "erik", 0, 3, "")).await;
    replica.absent(absence(&world, COORDINATOR, 1, 100, "")).await;
    world.pass(1);
    world.happened(&task, "nobody_to_tell", 1).await;
    // By itself, and by what she says.
    world.pass(2);
    replica.task_when(COORDINATOR, &task, "goes to who is back", |t| t.offered_to == ["erik"]).await;
    replica.absent(absence(&world, "erik", 0, 50, "")).await;
    world.happened(&task, "nobody_to_tell", 2).await;
    replica.returned(COORDINATOR, "back-1").await;
    replica.task_when(COORDINATOR, &task, "goes to who is back", |t| t.offered_to == [COORDINATOR]).await;
    replica.stop().await;
}

#[tokio::test]
async fn who_holds_it_and_who_catches_it_are_away_together_and_it_says_at_once_that_nobody_is_there() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let (one, two) = (accepted(&replica, "anna", 1).await, accepted(&replica, "bea", 2).await);
    replica.absent(absence(&world, COORDINATOR, 0, 100, "")).await;
    replica.absent(absence(&world, "anna", 0, 100, "")).await;
    world.happened(&one, "nobody_to_tell", 1).await;
    replica.returned(COORDINATOR, "back-1").await;
    assert_eq!(world.events(&two).await, ["requested", "accepted"], "its holder is there");
    // The other way round.
    replica.absent(absence(&world, "bea", 0, 100, "")).await;
    world.happened(&two, "holder_away", 1).await;
    replica.absent(absence(&world, COORDINATOR, 0, 50, "")).await;
    world.happened(&two, "nobody_to_tell", 1).await;
    replica.stop().await;
}

#[tokio::test]
async fn a_signal_that_is_taken_back_asks_a_coordinator_who_is_absent_and_says_so_at_once() {
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    replica.absent(absence(&world, COORDINATOR, 0, 100, "")).await;
    assert_eq!(world.events(&task).await, ["requested"], "two others are asked");
    world.withdraw(1).await;
    world.happened(&task, "nobody_to_tell", 1).await;
    assert_eq!(world.events(&task).await, ["requested", "cancellation_requested", "nobody_to_tell"]);
    replica.stop().await;
}

#[tokio::test]
async fn a_second_signal_on_a_child_does_not_wait_for_somebody_who_is_back_too_late() {
    let world = World::with(&[]).await;
    let days = r#"days = ["ma", "di", "wo", "do", "vr", "za", "zo"]"#;
    // Anna stands first in the file, and works on Mondays.
    let mondays = directory(&["anna", "bea", "cor"]).replacen(days, r#"days = ["ma"]"#, 1);
    world.apply(&mondays, 1).await;
    let replica = world.start().await;
    let first = world.signal_with(1, same_child).await;
    replica.task(COORDINATOR, &first).await;
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: first.clone(), command: command("1") })
        .unwrap();
    // On Tuesday somebody must have taken it by Thursday.
    world.pass(24);
    let second = world.signal_with(2, same_child).await;
    let seen = replica.task(COORDINATOR, &second).await;
    assert_eq!(seen.offered_to, ["bea", "cor"]);
    replica.absent(absence(&world, "bea", 0, 10, "")).await;
    world.happened(&second, "offer_withdrawn", 1).await;
    assert_eq!(world.events(&second).await, ["requested", "offer_withdrawn"]);
    // A third one on Friday finds her in time.
    world.pass(72);
    let third = world.signal_with(3, same_child).await;
    replica.task_when(COORDINATOR, &third, "is hers", |t| t.holder == "anna").await;
    replica.stop().await;
}
