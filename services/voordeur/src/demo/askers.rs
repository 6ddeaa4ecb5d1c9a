//! The systems of school and childcare: they hand over, and they hear.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;
use voordeur_contracts::{
    common::SafetyLevel,
    event::AnswerStatus,
    intake::{
        GetSignalRequest, SignalStatus, SubmitSignalRequest, SubmitSignalResponse, get_signal_request,
        signal_intake_service_client::SignalIntakeServiceClient, submit_signal_request::Subject,
    },
};

use super::{processes::Processes, story::Story};

/// Somebody who handed over a signal and waits for the answer.
#[derive(Debug)]
pub(super) struct Asker {
    organisation: String,
    reference: String,
    signal_id: String,
    local_id: String,
}

/// May the same request be sent again?
pub(super) fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::ResourceExhausted
            | Code::Cancelled
            | Code::Unknown
    )
}

fn about(signal: &SubmitSignalRequest) -> &'static str {
    match signal.subject {
        Some(Subject::Child(_)) => "about a child",
        Some(Subject::Group(_)) => "about a group",
        Some(Subject::Consult(_)) => "a question without a child",
        None => "about nothing",
    }
}

impl Asker {
    /// Hands a signal over, again and again until there is a receipt: a repeated hand-over changes nothing.
    pub(super) async fn submit(
        signal: SubmitSignalRequest,
        processes: &Processes,
        story: &Story,
        patience: Duration,
    ) -> Result<Self, String> {
        let organisation = signal.organisation.clone();
        let caller = format!("organisation:{organisation}");
        let give_up = Instant::now() + patience;
        let (receipt, took) = loop {
            let began = Instant::now();
            let outcome = match processes.channel("intake", &caller) {
                Ok(channel) => SignalIntakeServiceClient::new(channel).submit_signal(signal.clone()).await,
                Err(error) => Err(tonic::Status::unavailable(error)),
            };
            match outcome {
                Ok(receipt) => break (receipt.into_inner(), began.elapsed()),
                Err(status) if passes(status.code()) && Instant::now() < give_up => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(status) => {
                    return Err(format!(
                        "{}: {}: {}",
                        signal.client_reference,
                        status.code(),
                        status.message()
                    ));
                }
            }
        };
        story.say(&format!(
            "{organisation}: {} ({}) is safe as {} after {:.1} ms",
            signal.client_reference,
            about(&signal),
            receipt.signal_id,
            took.as_secs_f64() * 1000.0
        ));
        tell_guidance(&receipt, &signal, story);
        Ok(Self {
            organisation,
            reference: signal.client_reference,
            signal_id: receipt.signal_id,
            local_id: signal
                .details
                .and_then(|details| details.signaller)
                .map(|who| who.local_id)
                .unwrap_or_default(),
        })
    }

    /// Waits for the answer and reads it; `false` when none came in time.
    pub(super) async fn hear(
        &self,
        processes: &Processes,
        story: &Story,
        patience: Duration,
    ) -> Result<bool, String> {
        let caller = format!("organisation:{}", self.organisation);
        let give_up = Instant::now() + patience;
        loop {
            let request = GetSignalRequest {
                signal: Some(get_signal_request::Signal::SignalId(self.signal_id.clone())),
                asker_local_id: self.local_id.clone(),
                at_least: None,
            };
            let channel = processes.channel("intake", &caller)?;
            match SignalIntakeServiceClient::new(channel).get_signal(request).await {
                Ok(reply) => {
                    let reply = reply.into_inner();
                    let answered =
                        reply.signal.is_some_and(|signal| signal.status() == SignalStatus::Answered);
                    if let (true, Some(answer)) = (answered, reply.answer) {
                        let status = AnswerStatus::try_from(answer.status).unwrap_or_default().as_str_name();
                        let status = status.trim_start_matches("ANSWER_STATUS_").to_lowercase();
                        story.say(&format!("{}: {status}: \"{}\"", self.reference, answer.advice));
                        return Ok(!answer.advice.is_empty());
                    }
                }
                Err(status) if passes(status.code()) => {}
                Err(status) => {
                    return Err(format!("{}: {}: {}", self.reference, status.code(), status.message()));
                }
            }
            if Instant::now() >= give_up {
                story.say(&format!("{}: no answer within {} seconds", self.reference, patience.as_secs()));
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn tell_guidance(receipt: &SubmitSignalResponse, signal: &SubmitSignalRequest, story: &Story) {
    if signal.safety() == SafetyLevel::None {
        return;
    }
    if let Some(guidance) = &receipt.guidance {
        story.say("    the reply says at once:");
        for line in &guidance.lines {
            story.say(&format!("    | {line}"));
        }
        for number in &guidance.phone_numbers {
            story.say(&format!("    | {}: {}", number.label, number.number));
        }
    }
}
