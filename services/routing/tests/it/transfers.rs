//! A colleague who is asked to take a task over answers while she is there: when she goes off duty nobody waits for her, and the holder
//! hears that it was not taken.

use jiff::Timestamp;
use prost::Message as _;
use tonic::Code;
use voordeur_contracts::{
    convert::{from_wire_time, to_wire_time},
    event::{AssignReason, TaskEvent, TransferEnd, task_event::Change},
    routing::MarkPresentRequest,
};
use voordeur_eventlog::StreamName;
use voordeur_kernel::Clock as _;

use crate::{
    step,
    support::{COORDINATOR, Replica, World, command, directory, of, refused},
};

const DAYS: &str = r#"days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00""#;
const OFFICE: &str = r#"days = ["ma", "di", "wo", "do", "vr"], from = "08:30", until = "16:30""#;
const MORNING: &str = r#"days = ["ma", "di", "wo", "do", "vr"], from = "08:30", until = "12:00""#;
const AFTERNOON: &str = r#"days = ["ma", "di", "wo", "do", "vr"], from = "12:30", until = "16:30""#;

/// Who works when. It begins on Monday 30 March 2026, in summer time: two hours ahead.
async fn world(now: &str, hours: &[(&str, &str)]) -> World {
    let people: Vec<&str> = hours.iter().map(|(person, _)| *person).collect();
    let world = World::with(&people).await;
    let mut text = directory(&people);
    for (_, theirs) in hours {
        let both = theirs.replace(" + ", " }, { centre = \"wilg\", ");
        text = text.replacen(DAYS, &both, 1);
    }
    world.apply(&text, 1).await;
    goes_to(&world, now);
    world
}

fn goes_to(world: &World, moment: &str) {
    let moment: Timestamp = moment.parse().unwrap();
    world.clock.advance(moment.duration_since(world.clock.now()));
}

/// Anna holds it, and asks somebody.
async fn asked(replica: &Replica, signal: u8, to: &str) -> String {
    let task = replica.signal(signal).await.task_id;
    let accept = command(&format!("accept-{signal}"));
    step!(replica, "anna", accept_task, AcceptTaskRequest { task_id: task.clone(), command: accept })
        .unwrap();
    step!(
        replica,
        "anna",
        propose_transfer,
        ProposeTransferRequest {
            task_id: task.clone(),
            command: command(&format!("ask-{signal}")),
            professional: to,
            reason: AssignReason::Workload
        }
    )
    .unwrap();
    task
}

/// How questions about a task ended, and when.
async fn ends(world: &World, task: &str) -> Vec<(TransferEnd, String)> {
    let history = world.history(StreamName::Tasks, task.trim_start_matches("tsk_")).await;
    let events = history.iter().map(|message| TaskEvent::decode(&*message.data).unwrap());
    let end = |event: TaskEvent| match event.change.unwrap() {
        Change::TransferEnded(ended) => {
            let at = event.meta.unwrap().recorded_at.as_ref().and_then(from_wire_time).unwrap();
            Some((ended.end(), at.to_string()))
        }
        _ => None,
    };
    events.filter_map(end).collect()
}

#[tokio::test]
async fn a_question_ends_when_the_colleague_goes_off_duty_and_not_with_its_time_on_the_next_day() {
    // Monday, four o'clock; four working hours last until noon on Tuesday, when both are back.
    let world = world("2026-03-30T14:00:00Z", &[("anna", OFFICE), ("bea", OFFICE)]).await;
    let (one, two) = (world.start().await, world.start().await);
    let task = asked(&one, 1, "bea").await;
    let coordinator = asked(&one, 2, COORDINATOR).await;
    goes_to(&world, "2026-03-30T14:29:59Z");
    let later = asked(&one, 3, "bea").await;
    two.task_when("bea", &later, "is asked of Bea", |t| t.transfer_to == "bea").await;
    assert_eq!(ends(&world, &task).await, []);

    goes_to(&world, "2026-03-30T14:30:00Z");
    for task in [&task, &later] {
        world.happened(task, "transfer_ended", 1).await;
        let gone = (TransferEnd::ColleagueAway, "2026-03-30T14:30:00Z".to_owned());
        assert_eq!(ends(&world, task).await, [gone], "once among replicas");
        let seen = two.task_when("anna", task, "is asked of nobody", |t| t.transfer_to.is_empty()).await;
        assert_eq!(seen.holder, "anna");
        assert!(seen.allowed_steps.contains(&"ProposeTransfer".to_owned()), "{:?}", seen.allowed_steps);
    }
    let late = step!(
        one,
        "bea",
        answer_transfer,
        AnswerTransferRequest { task_id: task.clone(), command: command("late"), accepted: true }
    );
    refused(late, Code::FailedPrecondition, "NOT_ASKED");
    assert_eq!(ends(&world, &coordinator).await, [], "a coordinator has no hours");
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_break_is_no_end_and_the_end_of_the_day_is_also_after_a_restart() {
    let hours = [("anna", OFFICE), ("bea", &*format!("{MORNING} + {AFTERNOON}")), ("cor", MORNING)];
    let world = world("2026-03-30T09:00:00Z", &hours).await;
    let replica = world.start().await;
    let (first, second) = (asked(&replica, 1, "bea").await, asked(&replica, 2, "bea").await);
    let of_cor = asked(&replica, 3, "cor").await;
    // Noon: Cor goes home, Bea has a break of half an hour.
    goes_to(&world, "2026-03-30T10:00:00Z");
    world.happened(&of_cor, "transfer_ended", 1).await;
    replica.stop().await;
    let replica = world.start().await;
    step!(
        replica,
        "bea",
        answer_transfer,
        AnswerTransferRequest { task_id: first.clone(), command: command("yes"), accepted: true }
    )
    .unwrap();
    goes_to(&world, "2026-03-30T12:30:00Z");
    let third = asked(&replica, 4, "bea").await;
    assert_eq!(ends(&world, &second).await, []);
    // Four working hours: that of the second ends at three, that of the third tomorrow. Bea goes at half past four.
    let ended = |end, at: &str| [(end, at.to_owned())];
    goes_to(&world, "2026-03-30T13:00:00Z");
    world.happened(&second, "transfer_ended", 1).await;
    assert_eq!(ends(&world, &second).await, ended(TransferEnd::Lapsed, "2026-03-30T13:00:00Z"));
    goes_to(&world, "2026-03-30T14:30:00Z");
    world.happened(&third, "transfer_ended", 1).await;
    assert_eq!(ends(&world, &third).await, ended(TransferEnd::ColleagueAway, "2026-03-30T14:30:00Z"));
    replica.stop().await;
}

#[tokio::test]
async fn a_question_to_somebody_who_marked_herself_present_ends_with_that() {
    let world = world("2026-03-30T07:00:00Z", &[("anna", OFFICE)]).await;
    let replica = world.start().await;
    let mark = MarkPresentRequest {
        command: command("here"),
        professional: "cor".into(),
        centre: "wilg".into(),
        until: Some(to_wire_time("2026-03-30T08:15:00Z".parse().unwrap())),
    };
    replica.presence.clone().mark_present(of("cor", mark)).await.unwrap();
    let task = asked(&replica, 1, "cor").await;
    goes_to(&world, "2026-03-30T08:15:00Z");
    world.happened(&task, "transfer_ended", 1).await;
    let gone = (TransferEnd::ColleagueAway, "2026-03-30T08:15:00Z".to_owned());
    assert_eq!(ends(&world, &task).await, [gone]);
    replica.stop().await;
}
