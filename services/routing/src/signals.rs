//! Wake-ups of the stream SIGNALS: each reads the whole history of its signal and brings the task up to it.

use std::sync::Arc;

use async_trait::async_trait;
use prost::Message as _;
use voordeur_chassis::Problem;
use voordeur_contracts::{
    common::SubjectKind,
    event::{
        AgeBand, ConsentGiver, ConsentScope, ConsentStatus, SharingConsent, SignalEvent, SignalReceived,
        WithdrawReason, signal_event::Change,
    },
};
use voordeur_eventlog::{
    Deadline, EventLog, Recorded,
    worker::{Handler, HandlerError},
};
use voordeur_kernel::{ChildAlias, ErrorKind, SignalId, TaskId};
use voordeur_routing_domain::{
    ladder::urgency,
    reaction::{Reaction, SignalStanding, reaction},
    task::{About, Trigger, Wish},
    words::{AskedBy, CancelReason},
};

use crate::{
    codec::{
        read::{self, Read, bad, id, moment, within, word},
        words::Word as _,
    },
    machine::{State, task_subject},
    making::{Origin, settled},
    office::Office,
};

/// Makes the task of each signal, and brings it up to what became of the signal.
pub(crate) struct Signals {
    pub(crate) office: Arc<Office>,
    pub(crate) log: Arc<dyn EventLog>,
}

/// A signal as routing sees it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    about: Option<About>,
    withdrawn: Option<CancelReason>,
}

#[async_trait]
impl Handler for Signals {
    async fn handle(&self, message: &Recorded, deadline: Deadline) -> Result<(), HandlerError> {
        let signal = SignalId::parse_hex(message.subject.key())
            .map_err(|_| unreadable("the subject is no signal".to_owned()))?;
        if let Some(State::Task(task)) = self.known_task(signal, message).map_err(failed)?.as_deref() {
            return self.office.link_earlier(task.id, &task.about, deadline).await.map_err(failed);
        }
        let history =
            self.log.history_up_to(message, deadline).await.map_err(|error| failed(Problem::from(error)))?;
        let seen =
            see(signal, &history).map_err(|field| unreadable(format!("{field} is missing or wrong")))?;
        self.bring_up(signal, seen, deadline).await.map_err(failed)
    }
}

pub(crate) fn unreadable(detail: String) -> HandlerError {
    HandlerError { kind: ErrorKind::Broken, reason: "UNREADABLE", detail }
}

pub(crate) fn failed(problem: Problem) -> HandlerError {
    HandlerError { kind: problem.kind, reason: problem.reason, detail: problem.message.into_owned() }
}

/// Reads the whole history of a signal.
fn see(signal: SignalId, history: &[Recorded]) -> Read<Seen> {
    let mut seen = Seen::default();
    for message in history {
        let Ok(event) = SignalEvent::decode(&*message.data) else { return bad("SignalEvent") };
        match event.change {
            Some(Change::Received(received)) => {
                let Some(meta) = event.meta else { return bad("meta") };
                let received_at = moment(meta.recorded_at.as_ref(), "meta.recorded_at")?;
                let mut about = within("received", read_about(signal, &received))?;
                about.received_at = received_at;
                seen.about = Some(about);
            }
            Some(Change::Withdrawn(withdrawn)) => {
                seen.withdrawn = Some(match WithdrawReason::try_from(withdrawn.reason) {
                    Ok(WithdrawReason::ConsentWithdrawn) => CancelReason::ConsentWithdrawn,
                    _ => CancelReason::SignalWithdrawn,
                });
            }
            // Nothing for routing; an event of a later release that routing has to know of cannot be passed over.
            Some(
                Change::Routed(_)
                | Change::Answered(_)
                | Change::AnswerAcknowledged(_)
                | Change::Cancelled(_)
                | Change::Erased(_),
            ) => {}
            None => return bad("change"),
        }
    }
    Ok(seen)
}

fn read_about(signal: SignalId, received: &SignalReceived) -> Read<About> {
    let safety = word(received.safety, "safety")?;
    let subject = word(received.subject, "subject")?;
    let child = match received.child.as_ref() {
        [] => None,
        bytes => Some(id(bytes, ChildAlias::parse_bytes, "child")?),
    };
    Ok(About {
        trigger: Trigger::Signal(signal),
        organisation: Some(read::organisation(&received.organisation, "organisation")?),
        centre: read::centre(&received.centre, "centre")?,
        child,
        group: read::maybe(&received.group, "group", read::group)?,
        subject,
        domains: received.domains.iter().map(|domain| word(*domain, "domains")).collect::<Read<_>>()?,
        // A safety signal may lack it: it was taken with its faults.
        severity: u8::try_from(received.severity).or_else(|_| bad("severity"))?,
        safety,
        urgency: urgency(safety, subject, received.urgent),
        answer_wanted: received.answer_wanted,
        asked_by: AskedBy::of(received.asked_by),
        received_at: voordeur_kernel::Timestamp::UNIX_EPOCH,
        name_may_be_shared: name_may_be_shared(received),
    })
}

/// Did everybody who decides about this child consent to sharing it with the embedded professionals? Strict: a recorded ground is no
/// consent, and nobody who is listed may have said anything else.
fn name_may_be_shared(received: &SignalReceived) -> bool {
    let consents: &[SharingConsent] = received.permission.as_ref().map_or(&[], |given| &given.consents);
    let covers = |consent: &SharingConsent| {
        consent.status() == ConsentStatus::Consented
            && consent.scopes().any(|scope| scope == ConsentScope::ShareWithProfessional)
    };
    let listed = |giver| consents.iter().any(|consent| consent.giver() == giver);
    let holders =
        [ConsentGiver::Parent1, ConsentGiver::Parent2, ConsentGiver::SoleParent, ConsentGiver::Guardian];
    let authority = matches!(
        holders.map(listed),
        [true, true, false, false] | [false, false, true, false] | [false, false, false, true]
    );
    let young = listed(ConsentGiver::YoungPerson);
    let complete = match received.age_band() {
        AgeBand::Under12 => authority,
        AgeBand::AgeBand12To15 => authority && young,
        AgeBand::AgeBand16AndOver => young,
        AgeBand::Unspecified => false,
    };
    received.subject() == SubjectKind::Child && complete && consents.iter().all(covers)
}

impl Signals {
    /// The task of a signal, when it is in memory and the message changes nothing about it: it was received or taken back by another
    /// one, which wakes us itself. Then there is nothing to read.
    fn known_task(&self, signal: SignalId, message: &Recorded) -> Result<Option<Arc<State>>, Problem> {
        let changes_nothing = SignalEvent::decode(&*message.data).is_ok_and(|event| {
            matches!(
                event.change,
                Some(
                    Change::Routed(_)
                        | Change::Answered(_)
                        | Change::AnswerAcknowledged(_)
                        | Change::Cancelled(_)
                )
            )
        });
        if !changes_nothing {
            return Ok(None);
        }
        let subject = task_subject(self.office.deriver.task_for_signal(signal));
        let Ok(subject) = subject else { return Ok(None) };
        let held = self.office.fold.get(&subject)?;
        Ok(held.map(|held| held.state))
    }

    async fn bring_up(&self, signal: SignalId, seen: Seen, deadline: Deadline) -> Result<(), Problem> {
        let task = self.office.deriver.task_for_signal(signal);
        let standing = SignalStanding { received: seen.about.is_some(), withdrawn: seen.withdrawn };
        // What is left of an erased signal.
        let Some(about) = seen.about else { return Ok(()) };
        let made = self.office.make(task, &about, Origin::Signal, deadline).await?;
        if let Reaction::Do(wish) = reaction(standing, made.task.task()) {
            self.withdraw(task, signal, wish, deadline).await?;
        }
        self.office.link_earlier(task, &about, deadline).await
    }

    async fn withdraw(
        &self,
        task: TaskId,
        signal: SignalId,
        wish: Wish,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let act = self.office.own_act(&format!("withdrawn:{}", signal.to_hex()));
        settled(self.office.do_own(task, &act, wish, deadline).await)
    }
}
