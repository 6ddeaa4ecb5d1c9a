//! Taking back, and hearing the answer.

use tonic::Code;
use voordeur_contracts::{
    common::CommandContext,
    event::{Helped, WithdrawReason, signal_event::Change},
    intake::{AcknowledgeAnswerRequest, SignalStatus, WithdrawSignalRequest},
};
use voordeur_eventlog::StreamName;
use voordeur_kernel::SignalId;

use crate::world::{Step, World, about_child, consult, fields, reason};

fn withdraw(signal: SignalId, key: &str, seen_version: u64, reason: WithdrawReason) -> WithdrawSignalRequest {
    WithdrawSignalRequest {
        signal_id: signal.to_string(),
        command: Some(CommandContext { idempotency_key: key.to_owned(), seen_version }),
        reason: reason.into(),
    }
}

fn heard(
    signal: SignalId,
    key: &str,
    helped: Helped,
    certainty_now: Option<u32>,
) -> AcknowledgeAnswerRequest {
    AcknowledgeAnswerRequest {
        signal_id: signal.to_string(),
        command: Some(CommandContext { idempotency_key: key.to_owned(), seen_version: 0 }),
        helped: helped.into(),
        certainty_now,
    }
}

#[tokio::test]
async fn a_signal_that_nobody_works_on_is_taken_back_at_once_and_once() {
    let world = World::new().await;
    let signal = world.submit(about_child("zorg-1")).await;
    let request = withdraw(signal, "sleutel-1", 1, WithdrawReason::EnteredByMistake);
    let done = world.school().withdraw_signal(request.clone()).await.unwrap().into_inner();
    let shown = done.signal.unwrap();
    assert_eq!((shown.status(), shown.version), (SignalStatus::Withdrawn, 2));
    let other = world.another().await;
    let again = other.intake("organisation:school-a").withdraw_signal(request).await.unwrap().into_inner();
    assert_eq!(
        again.signal.unwrap().status(),
        SignalStatus::Withdrawn,
        "a retry, although the version moved"
    );
    assert_eq!(world.stored(StreamName::Signals).len(), 2);
}

#[tokio::test]
async fn wrong_versions_reused_keys_and_other_peoples_signals_change_nothing() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    let stale = withdraw(signal, "sleutel-1", 7, WithdrawReason::Solved);
    let status = world.school().withdraw_signal(stale).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "VERSION_CHANGED"));
    let mut other = world.replica.intake("organisation:opvang-a");
    let foreign = withdraw(signal, "sleutel-1", 0, WithdrawReason::Solved);
    assert_eq!(other.withdraw_signal(foreign).await.unwrap_err().code(), Code::NotFound);
    let unknown = withdraw(SignalId::from_bytes([1; 16]), "sleutel-1", 0, WithdrawReason::Solved);
    assert_eq!(world.school().withdraw_signal(unknown).await.unwrap_err().code(), Code::NotFound);
    let bad = WithdrawSignalRequest { signal_id: "x".to_owned(), command: None, reason: 0 };
    let status = world.school().withdraw_signal(bad).await.unwrap_err();
    assert_eq!(fields(&status), ["command", "reason", "signal_id"]);
    assert_eq!(world.stored(StreamName::Signals).len(), 1);

    world.school().withdraw_signal(withdraw(signal, "sleutel-1", 0, WithdrawReason::Solved)).await.unwrap();
    let reused = withdraw(signal, "sleutel-1", 0, WithdrawReason::Other);
    let status = world.school().withdraw_signal(reused).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(world.stored(StreamName::Signals).len(), 2);
}

#[tokio::test]
async fn once_there_is_a_task_taking_back_is_a_request_that_the_holder_decides() {
    let world = World::new().await;
    let [agreed, answered] = [world.submit(consult("zorg-1")).await, world.submit(consult("zorg-2")).await];
    for signal in [agreed, answered] {
        world.route(signal, Step::requested("noor")).await;
        world.has_status(signal, SignalStatus::Routed).await;
        let request = withdraw(signal, "sleutel-1", 0, WithdrawReason::Solved);
        let done = world.school().withdraw_signal(request).await.unwrap().into_inner();
        assert_eq!(done.signal.unwrap().status(), SignalStatus::Routed, "the professional is asked");
    }
    let asked =
        world.signals().into_iter().filter(|e| matches!(e.change, Some(Change::Withdrawn(_)))).count();
    assert_eq!(asked, 2, "routing is woken by it");
    world.route(agreed, Step::cancelled("noor")).await;
    world.has_status(agreed, SignalStatus::Withdrawn).await;
    world.route(answered, Step::answered("noor", None)).await;
    world.has_status(answered, SignalStatus::Answered).await;
    let late = withdraw(answered, "sleutel-2", 0, WithdrawReason::Solved);
    let status = world.school().withdraw_signal(late).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "ALREADY_ANSWERED"));
}

#[tokio::test]
async fn an_answer_is_heard_once_it_is_there() {
    let world = World::new().await;
    let signal = world.submit(consult("zorg-1")).await;
    let early =
        world.school().acknowledge_answer(heard(signal, "sleutel-1", Helped::Yes, None)).await.unwrap_err();
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "NOT_ANSWERED"));
    world.answer(signal, "Advies").await;
    world.has_status(signal, SignalStatus::Answered).await;
    let bad =
        world.school().acknowledge_answer(heard(signal, "sleutel-1", Helped::Unspecified, Some(11))).await;
    assert_eq!(fields(&bad.unwrap_err()), ["helped", "certainty_now"]);
    let request = heard(signal, "sleutel-1", Helped::Partly, Some(8));
    let done = world.school().acknowledge_answer(request.clone()).await.unwrap().into_inner();
    assert!(done.signal.unwrap().answer_acknowledged);
    // It is closed and has left memory; a retry is still known.
    let again = world.school().acknowledge_answer(request).await.unwrap().into_inner();
    assert!(again.signal.unwrap().answer_acknowledged);
    let twice =
        world.school().acknowledge_answer(heard(signal, "sleutel-2", Helped::No, None)).await.unwrap_err();
    assert_eq!(reason(&twice), "ALREADY_ACKNOWLEDGED");
    let heard = world
        .signals()
        .into_iter()
        .filter(|e| matches!(e.change, Some(Change::AnswerAcknowledged(_))))
        .count();
    assert_eq!(heard, 1);
}
