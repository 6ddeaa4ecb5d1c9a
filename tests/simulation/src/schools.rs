//! Those who ask: schools and childcare organisations, through their own systems.

use futures_util::FutureExt as _;
use tonic::Code;
use voordeur_contracts::{
    common::{CommandContext, Position, SafetyLevel},
    event::{Helped, WithdrawReason},
    intake::{
        AcknowledgeAnswerRequest, CentreReference, ConsultSubject, GetSignalRequest, GroupSubject,
        SubmitSignalRequest, SubmitSignalResponse, WithdrawSignalRequest, centre_reference::Reference,
        get_signal_request, signal_intake_service_client::SignalIntakeServiceClient,
        submit_signal_request::Subject,
    },
};
use voordeur_kernel::SignalId;
use voordeur_system_tests::signals;

use crate::{
    dice::Dice,
    world::{ServiceName, World, of, reason},
};

/// The organisations, each with its centre.
pub const ORGANISATIONS: [(&str, &str); 4] = [
    ("basisschool-de-wilg", "de-wilg"),
    ("opvang-de-els", "de-els"),
    ("basisschool-de-brink", "de-brink"),
    ("opvang-de-brink", "de-brink"),
];
/// Children per organisation: few, so that signals meet.
const CHILDREN: usize = 4;

pub(crate) fn who(organisation: &str) -> String {
    format!("organisation:{organisation}")
}

pub(crate) fn request(dice: &mut Dice, centre: &str, number: usize) -> SubmitSignalRequest {
    let subject = match dice.between(0, 10) {
        0..6 => signals::about_child(dice.index(CHILDREN)),
        6..8 => Subject::Group(GroupSubject { group: "groep-3".into() }),
        _ => Subject::Consult(ConsultSubject {}),
    };
    let child = matches!(subject, Subject::Child(_));
    let safety = match dice.between(0, 20) {
        0 => SafetyLevel::Acute,
        1 => SafetyLevel::Structural,
        _ => SafetyLevel::None,
    };
    SubmitSignalRequest {
        centre: Some(CentreReference { reference: Some(Reference::Key(centre.into())) }),
        subject: Some(subject),
        permission: child.then(signals::consent),
        safety: safety.into(),
        urgent: dice.chance(20),
        ..signals::signal("simulation", number)
    }
}

async fn submit(
    world: &World,
    dice: &mut Dice,
    organisation: &str,
    request: &SubmitSignalRequest,
    attempts: usize,
) -> Option<Result<SubmitSignalResponse, tonic::Status>> {
    let outcome = world
        .insist(dice, ServiceName::Intake, attempts, |grpc| {
            let request = of(&who(organisation), request.clone());
            async move { SignalIntakeServiceClient::new(grpc).submit_signal(request).await }.boxed()
        })
        .await;
    if let Some(doubt) = world.doubt() {
        world.break_promise(9, format!("{}: {doubt}", request.client_reference));
    }
    outcome
}

/// A signal is handed over, perhaps again, perhaps with other words, and looked up.
pub async fn hand_over(world: World, mut dice: Dice, number: usize) {
    let (organisation, centre) = *dice.pick(&ORGANISATIONS);
    let request = request(&mut dice, centre, number);
    // Now and then somebody gives up before she knows.
    let attempts = if dice.chance(8) { 1 } else { 60 };
    let receipt = match submit(&world, &mut dice, organisation, &request, attempts).await {
        None => return world.tell(format!("signal {number}: gave up, unknown")),
        Some(Err(no)) => return world.break_promise(1, format!("a good signal was refused: {no:?}")),
        Some(Ok(receipt)) => receipt,
    };
    let Some(signal) = taken(&world, organisation, &request, &receipt) else { return };
    let life = world.life();
    world.tell(format!("signal {number}: acknowledged as {signal}"));
    look_up(&world, &mut dice, organisation, signal, receipt.position.clone()).await;
    if dice.chance(30) && life == world.life() {
        again(&world, &mut dice, organisation, &request, signal).await;
    }
    if dice.chance(15) && life == world.life() {
        other_words(&world, &mut dice, organisation, &request, signal).await;
    }
}

/// A signal has its receipt.
pub(crate) fn taken(
    world: &World,
    organisation: &str,
    request: &SubmitSignalRequest,
    receipt: &SubmitSignalResponse,
) -> Option<SignalId> {
    let Ok(signal) = receipt.signal_id.parse::<SignalId>() else {
        world.break_promise(1, "a receipt without an id");
        return None;
    };
    let first = {
        let mut ledger = world.ledger();
        ledger.acknowledged.insert(signal, organisation.to_owned());
        ledger.requests.insert(signal, (organisation.to_owned(), request.clone()));
        if let Some(Subject::Child(child)) = &request.subject {
            ledger.children.insert(signal, (organisation.to_owned(), child.local_number.clone()));
        }
        receipt.already_known || ledger.brought_in.insert(signal)
    };
    if !first {
        world.break_promise(9, format!("{signal}: two calls were told that they brought it in"));
    }
    if request.safety != i32::from(SafetyLevel::None) && receipt.guidance.is_none() {
        world.break_promise(5, format!("{signal}: a safety signal without guidance"));
    }
    Some(signal)
}

/// The same reference for something else.
async fn other_words(
    world: &World,
    dice: &mut Dice,
    organisation: &str,
    request: &SubmitSignalRequest,
    signal: SignalId,
) {
    let life = world.life();
    world.ledger().other_words.insert(signal);
    let other = SubmitSignalRequest { severity: 1 + request.severity % 5, ..request.clone() };
    match submit(world, dice, organisation, &other, 30).await {
        Some(Err(no)) if no.code() == Code::AlreadyExists => {}
        None => {}
        // The signal was lost with the restore, and then these words are the first under this reference.
        Some(Ok(receipt)) if life != world.life() => {
            taken(world, organisation, &other, &receipt);
        }
        answer => world.break_promise(9, format!("{signal}: other content under its reference: {answer:?}")),
    }
}

/// A signal that is gone with a restore is handed over again, as it was.
pub async fn hand_over_again(world: World, mut dice: Dice, signal: SignalId) {
    let Some((organisation, request)) = world.ledger().requests.get(&signal).cloned() else { return };
    match submit(&world, &mut dice, &organisation, &request, 60).await {
        None => world.tell(format!("{signal} is handed over again: gave up, unknown")),
        // Somebody used its reference for something else before it came back.
        Some(Err(no)) if no.code() == Code::AlreadyExists && world.ledger().other_words.contains(&signal) => {
        }
        Some(Err(no)) => world.break_promise(1, format!("{signal}: refused when it came back: {no:?}")),
        Some(Ok(receipt)) => {
            let back = taken(&world, &organisation, &request, &receipt);
            if back != Some(signal) {
                world.break_promise(1, format!("{signal} came back as {back:?}"));
            }
            world.tell(format!("{signal} is handed over again"));
        }
    }
}

async fn again(
    world: &World,
    dice: &mut Dice,
    organisation: &str,
    request: &SubmitSignalRequest,
    signal: SignalId,
) {
    let life = world.life();
    match submit(world, dice, organisation, request, 30).await {
        None => {}
        Some(Ok(same)) if same.already_known && same.signal_id == signal.to_string() => {}
        Some(Ok(back)) if life != world.life() => {
            taken(world, organisation, request, &back);
        }
        Some(Err(_)) if life != world.life() && world.ledger().other_words.contains(&signal) => {}
        answer => world.break_promise(9, format!("{signal}: handed over again: {answer:?}")),
    }
}

async fn look_up(
    world: &World,
    dice: &mut Dice,
    organisation: &str,
    signal: SignalId,
    at_least: Option<Position>,
) {
    let request = GetSignalRequest {
        signal: Some(get_signal_request::Signal::SignalId(signal.to_string())),
        at_least,
        ..GetSignalRequest::default()
    };
    let life = world.life();
    let found = world
        .insist(dice, ServiceName::Intake, 10, |grpc| {
            let request = of(&who(organisation), request.clone());
            async move { SignalIntakeServiceClient::new(grpc).get_signal(request).await }.boxed()
        })
        .await;
    if let Some(Err(no)) = found
        && life == world.life()
    {
        world.break_promise(1, format!("{signal}: acknowledged and not found: {no:?}"));
    }
}

/// Somebody takes a signal back, or says whether the answer helped.
pub async fn come_back(world: World, mut dice: Dice, number: usize) {
    let known: Vec<(SignalId, String)> =
        world.ledger().acknowledged.iter().map(|(id, organisation)| (*id, organisation.clone())).collect();
    if known.is_empty() {
        return;
    }
    let (signal, organisation) = dice.pick(&known).clone();
    let life = world.life();
    let key = format!("school-act-{number}");
    let command = Some(CommandContext { idempotency_key: key.clone(), seen_version: 0 });
    let withdraw = dice.chance(35);
    let name = if withdraw { "takes back" } else { "says whether it helped" };
    let asker = who(&organisation);
    let outcome = if withdraw {
        let reason = *dice.pick(&[WithdrawReason::Solved, WithdrawReason::ConsentWithdrawn]);
        let request = WithdrawSignalRequest { signal_id: signal.to_string(), command, reason: reason.into() };
        let outcome = world.insist(&mut dice, ServiceName::Intake, 40, |grpc| {
            let request = of(&asker, request.clone());
            async move { SignalIntakeServiceClient::new(grpc).withdraw_signal(request).await }.boxed()
        });
        outcome.await.map(|outcome| outcome.map(|_| ()))
    } else {
        let request = AcknowledgeAnswerRequest {
            signal_id: signal.to_string(),
            command,
            helped: Helped::Partly.into(),
            certainty_now: Some(7),
        };
        let outcome = world.insist(&mut dice, ServiceName::Intake, 40, |grpc| {
            let request = of(&asker, request.clone());
            async move { SignalIntakeServiceClient::new(grpc).acknowledge_answer(request).await }.boxed()
        });
        outcome.await.map(|outcome| outcome.map(|_| ()))
    };
    let command = world.deriver.command_id(&asker, &key);
    world.settle_doubt(command);
    let what = format!("{organisation} {name} {signal}");
    match outcome {
        None => world.tell(format!("{what}: unknown")),
        Some(Ok(())) => world.tell(format!("{what}: done")),
        Some(Err(no)) => {
            world.tell(format!("{what}: refused, {}", reason(&no)));
            if no.code() == Code::NotFound && life == world.life() {
                world.break_promise(1, format!("{what}: {no:?}"));
            }
            world.ledger().refused.insert(command, what);
        }
    }
}
