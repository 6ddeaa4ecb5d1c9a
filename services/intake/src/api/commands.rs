//! Taking back, and hearing the answer.

use prost::Message as _;
use voordeur_chassis::{Identity, Problem, edge::wire_position, trace_headers};
use voordeur_contracts::intake::{
    AcknowledgeAnswerRequest, AcknowledgeAnswerResponse, Guidance, Signal, WithdrawSignalRequest,
    WithdrawSignalResponse,
};
use voordeur_eventlog::{Deadline, Position, fold::Expect};
use voordeur_intake_domain::{
    Helped, WithdrawReason,
    life::{Actor, Change, Command, decide},
    submission::Certainty,
};
use voordeur_kernel::{Faults, SignalId};

use super::{
    Intake,
    problem::{idempotency_key, refusal},
    reads::parse_id,
};
use crate::{
    codec, guidance,
    machine::{Row, subject_of},
    submit::{commit_of, source_of},
};

/// What an asker wants to happen.
struct Wish {
    signal: SignalId,
    key: String,
    seen_version: u64,
    /// The request as bytes, without what may differ between retries (nothing does).
    content: Vec<u8>,
    change: Change,
}

/// What came of it.
struct Done {
    signal: Signal,
    position: Position,
    guidance: Option<Guidance>,
}

impl Intake {
    pub(super) async fn withdraw(
        &self,
        caller: &Identity,
        request: WithdrawSignalRequest,
        deadline: Deadline,
    ) -> Result<WithdrawSignalResponse, Problem> {
        let mut faults = Faults::new();
        let (key, seen_version) = idempotency_key(request.command.as_ref(), &mut faults);
        let reason = codec::code(WithdrawReason::ALL, request.reason).known();
        if reason.is_none() {
            faults.add("reason", "REQUIRED", "say why, with a code of the list");
        }
        let signal = self.wish_id(&request.signal_id, &mut faults);
        let parts = faults.finish(signal.zip(reason)).map_err(Problem::invalid);
        let wish = parts.map(|(signal, reason)| Wish {
            signal,
            key,
            seen_version,
            content: request.encode_to_vec(),
            change: Change::Withdrawn { reason },
        });
        let done = self.wish(caller, &request.signal_id, wish, deadline).await?;
        let position = Some(wire_position(&done.position));
        Ok(WithdrawSignalResponse { signal: Some(done.signal), position, guidance: done.guidance })
    }

    pub(super) async fn acknowledge(
        &self,
        caller: &Identity,
        request: AcknowledgeAnswerRequest,
        deadline: Deadline,
    ) -> Result<AcknowledgeAnswerResponse, Problem> {
        let mut faults = Faults::new();
        let (key, seen_version) = idempotency_key(request.command.as_ref(), &mut faults);
        let helped = codec::code(Helped::ALL, request.helped).known();
        if helped.is_none() {
            faults.add("helped", "REQUIRED", "say whether it helped, with a code of the list");
        }
        let certainty_now = request.certainty_now.and_then(Certainty::new);
        if request.certainty_now.is_some() && certainty_now.is_none() {
            faults.add("certainty_now", "OUT_OF_RANGE", "give 0-10, or leave it out");
        }
        let signal = self.wish_id(&request.signal_id, &mut faults);
        let parts = faults.finish(signal.zip(helped)).map_err(Problem::invalid);
        let wish = parts.map(|(signal, helped)| Wish {
            signal,
            key,
            seen_version,
            content: request.encode_to_vec(),
            change: Change::Acknowledged { helped, certainty_now },
        });
        let done = self.wish(caller, &request.signal_id, wish, deadline).await?;
        let position = Some(wire_position(&done.position));
        Ok(AcknowledgeAnswerResponse { signal: Some(done.signal), position, guidance: done.guidance })
    }

    fn wish_id(&self, id: &str, faults: &mut Faults) -> Option<SignalId> {
        let parsed = parse_id(id).ok();
        if parsed.is_none() {
            faults.add("signal_id", "BAD_ID", "give sig_ and 32 hexadecimal digits");
        }
        parsed
    }

    /// Does what the asker wants. An error about a safety signal carries its guidance, also when the request itself was wrong.
    async fn wish(
        &self,
        caller: &Identity,
        id: &str,
        wish: Result<Wish, Problem>,
        deadline: Deadline,
    ) -> Result<Done, Problem> {
        let organisation = source_of(caller, "")?;
        let signal = match (&wish, parse_id(id)) {
            (_, Ok(signal)) => signal,
            (_, Err(problem)) => return Err(wish.err().unwrap_or(problem)),
        };
        let kept = match self.own_signal(&organisation, signal, deadline).await {
            Ok(kept) => kept,
            Err(problem) => {
                return Err(self.with_known_guidance(&organisation, signal, problem, deadline).await);
            }
        };
        let guidance = self.guidance_of(&kept, deadline).await;
        let outcome = match wish {
            Ok(wish) => self.fulfil(Actor::Organisation(organisation), wish, deadline).await,
            Err(problem) => Err(problem),
        };
        match (outcome, guidance) {
            (Ok((signal, position)), guidance) => Ok(Done { signal, position, guidance }),
            (Err(problem), Some(guidance)) => Err(problem.with_detail(guidance::NAME, &guidance)),
            (Err(problem), None) => Err(problem),
        }
    }

    async fn fulfil(
        &self,
        actor: Actor,
        wish: Wish,
        deadline: Deadline,
    ) -> Result<(Signal, Position), Problem> {
        let who = match &actor {
            Actor::Organisation(key) => format!("organisation:{key}"),
            Actor::Person(key, _) => format!("person:{key}"),
            Actor::Service(name) => format!("service:{name}"),
        };
        let command_id = self.deriver.command_id(&who, &wish.key);
        let command = Command {
            actor,
            now: self.clock.now(),
            command: command_id,
            commit: self.deriver.commit_id(command_id, &wish.content),
            directory_version: 0,
            seen_version: wish.seen_version,
            change: wish.change,
        };
        let subject = subject_of(wish.signal).map_err(|_| Problem::not_found("signal"))?;
        let trace = trace_headers();
        let executed = self
            .fold
            .execute(&subject, Expect::Known, deadline, |kept, _| {
                let event = decide(kept.map(|kept| &kept.signal), &command).map_err(refusal)?;
                let urgent = kept.is_some_and(|kept| kept.signal.received.safety.is_safety());
                Ok::<_, Problem>(event.map(|event| commit_of(&event, trace.clone(), urgent)))
            })
            .await?;
        let row = Row::of(wish.signal, &executed.state);
        Ok((codec::view::signal(&row, ""), executed.position))
    }
}
