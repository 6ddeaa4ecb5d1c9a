//! Many signals in one stream, which breaks off now and then and is repeated from the start.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use futures_util::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use tonic::Status;
use voordeur_contracts::{
    common::SafetyLevel,
    intake::{
        SubmitSignalRequest, SubmitSignalsRequest, SubmitSignalsResponse,
        signal_intake_service_client::SignalIntakeServiceClient, submit_signals_response,
    },
};
use voordeur_kernel::SignalId;

use crate::{
    dice::Dice,
    schools::{self, ORGANISATIONS, taken, who},
    world::{Process, ServiceName, World, at_leisure},
};

/// How long nothing may come before the caller begins again.
const SILENCE: Duration = Duration::from_secs(40);

/// A stream of signals, again and again until every one of them has a receipt.
pub async fn hand_over(world: World, mut dice: Dice, numbers: Vec<usize>) {
    let (organisation, centre) = *dice.pick(&ORGANISATIONS);
    let mut items: Vec<SubmitSignalRequest> =
        numbers.iter().map(|number| schools::request(&mut dice, centre, *number)).collect();
    // Now and then one stands in the file twice.
    if dice.chance(30) {
        let twice = dice.pick(&items).clone();
        items.insert(dice.index(items.len() + 1), twice);
    }
    let mut known = BTreeMap::new();
    for attempt in 1..=40 {
        let up = world.up(ServiceName::Intake);
        if !up.is_empty() {
            world.ledger().calls += 1;
            let process = dice.pick(&up).clone();
            let one = Hand { world: &world, organisation, items: &items, process };
            if one.over(&mut dice, &mut known).await {
                return world
                    .tell(format!("{} signals in one stream: taken at attempt {attempt}", items.len()));
            }
            world.ledger().troubles += 1;
        }
        tokio::time::sleep(Duration::from_millis(dice.between(50, 3_000))).await;
    }
    world.tell(format!("{} signals in one stream: gave up", items.len()));
}

/// One stream.
struct Hand<'a> {
    world: &'a World,
    organisation: &'a str,
    items: &'a [SubmitSignalRequest],
    process: Process,
}

impl Hand<'_> {
    /// Hands everything over; `true` when every item has a receipt.
    fn over<'b>(
        &'b self,
        dice: &'b mut Dice,
        known: &'b mut BTreeMap<String, SignalId>,
    ) -> BoxFuture<'b, bool> {
        Box::pin(self.hand_over(dice, known))
    }

    async fn hand_over(&self, dice: &mut Dice, known: &mut BTreeMap<String, SignalId>) -> bool {
        // Where the caller goes away, if she does.
        let leaves_at = (!self.world.is_calm() && dice.chance(35)).then(|| dice.index(self.items.len() + 1));
        let pauses: Vec<u64> =
            self.items.iter().map(|_| if dice.chance(30) { dice.between(1, 2_000) } else { 0 }).collect();
        let items: VecDeque<(SubmitSignalRequest, u64)> = self.items.iter().cloned().zip(pauses).collect();
        let items = stream::unfold(items, |mut left| async move {
            let (signal, pause) = left.pop_front()?;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            Some((SubmitSignalsRequest { signal: Some(signal) }, left))
        });
        let items: BoxStream<'static, SubmitSignalsRequest> = items.boxed();
        let mut request = at_leisure(&who(self.organisation), items);
        if dice.chance(20) && !self.world.is_calm() {
            request.set_timeout(Duration::from_millis(dice.between(100, 8_000)));
        }
        let mut client = SignalIntakeServiceClient::new(self.process.grpc.clone());
        let call: BoxFuture<'_, Result<_, Status>> = Box::pin(client.submit_signals(request));
        let Some(Ok(reply)) = self.while_alive(call).await else { return false };
        let mut results = reply.into_inner();
        let (mut count, mut accepted) = (0, 0);
        loop {
            if leaves_at == Some(count) {
                self.world.tell(format!("a stream of signals breaks off after {count} results"));
                return false;
            }
            let next: BoxFuture<'_, Result<_, Status>> = Box::pin(results.message());
            match self.while_alive(next).await {
                Some(Ok(Some(result))) => {
                    accepted += usize::from(self.take(count, &result, known));
                    count += 1;
                }
                Some(Ok(None)) => {
                    if count != self.items.len() {
                        let what = format!("{count} results for {} items of a stream", self.items.len());
                        self.world.break_promise(1, what);
                    }
                    return accepted == self.items.len();
                }
                // It broke off: what has no result is unknown.
                Some(Err(_)) | None => return false,
            }
        }
    }

    /// `None` when the process is gone, was restored away, or says nothing for long.
    async fn while_alive<T>(&self, answer: BoxFuture<'_, Result<T, Status>>) -> Option<Result<T, Status>> {
        let answer = tokio::select! {
            biased;
            () = self.process.line.death() => None,
            answer = tokio::time::timeout(SILENCE, answer) => answer.ok(),
        };
        answer.filter(|_| self.process.life == self.world.life())
    }

    /// One result; `true` when the item was taken.
    fn take(
        &self,
        index: usize,
        result: &SubmitSignalsResponse,
        known: &mut BTreeMap<String, SignalId>,
    ) -> bool {
        let world = self.world;
        let Some(item) = self.items.get(index) else {
            world.break_promise(1, "more results than items in a stream");
            return false;
        };
        if result.index != index as u64 || result.client_reference != item.client_reference {
            world.break_promise(1, format!("result {index} of a stream is about item {}", result.index));
            return false;
        }
        let safety = item.safety != i32::from(SafetyLevel::None);
        match &result.result {
            Some(submit_signals_response::Result::Accepted(receipt)) => {
                let Some(signal) = taken(world, self.organisation, item, receipt) else { return false };
                if *known.entry(item.client_reference.clone()).or_insert(signal) != signal {
                    world.break_promise(9, format!("{signal}: the same reference under two ids"));
                }
                true
            }
            Some(submit_signals_response::Result::Error(error)) => {
                if safety && error.guidance.is_none() {
                    world.break_promise(
                        5,
                        format!("item {index} of a stream: a safety signal without guidance"),
                    );
                }
                let passes = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED"];
                if !passes.contains(&error.code.as_str()) {
                    world
                        .break_promise(1, format!("a good signal was refused in a stream: {}", error.reason));
                }
                false
            }
            None => {
                world.break_promise(1, format!("item {index} of a stream has an empty result"));
                false
            }
        }
    }
}
