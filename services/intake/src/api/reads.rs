//! One signal, and lists.

use voordeur_chassis::{Identity, Problem, edge::wire_position};
use voordeur_contracts::{
    common::{self, TextPurpose},
    event::AuditObjectType,
    intake::{
        Answer, GetSignalRequest, GetSignalResponse, ListSignalsRequest, ListSignalsResponse, OnDuty,
        SignalStatus, get_signal_request::Signal as Which,
    },
};
use voordeur_eventlog::{Deadline, fold::FoldError};
use voordeur_intake_domain::{AnswerStatus, life::Actor};
use voordeur_kernel::{AskerId, ErrorKind, Faults, OrganisationKey, SignalId, limits};
use voordeur_vault::VaultError;

use super::{Intake, problem::vault_problem};
use crate::{
    audit::Look,
    codec,
    guidance::{self, Scene},
    machine::{Kept, Row, subject_of},
    submit::source_of,
};

impl Intake {
    pub(super) async fn get(
        &self,
        caller: &Identity,
        request: GetSignalRequest,
        deadline: Deadline,
    ) -> Result<GetSignalResponse, Problem> {
        let organisation = source_of(caller, "")?;
        let (id, reference) = match &request.signal {
            Some(Which::SignalId(id)) => (parse_id(id)?, ""),
            Some(Which::ClientReference(reference)) => {
                (self.deriver.signal_id(&organisation, reference), reference.as_str())
            }
            None => {
                return Err(Problem::fault("signal", "REQUIRED", "give a signal_id or a client_reference"));
            }
        };
        if let Err(problem) = self.wait_for(request.at_least.as_ref(), deadline).await {
            return Err(self.with_known_guidance(&organisation, id, problem, deadline).await);
        }
        let kept = match self.own_signal(&organisation, id, deadline).await {
            Ok(kept) => kept,
            Err(problem) => return Err(self.with_known_guidance(&organisation, id, problem, deadline).await),
        };
        let guidance = self.guidance_of(&kept, deadline).await;
        let answer = self.answer_for(&organisation, id, &kept, &request.asker_local_id, deadline).await;
        let answer = answer.map_err(|problem| match &guidance {
            Some(guidance) => problem.with_detail(guidance::NAME, guidance),
            None => problem,
        })?;
        Ok(GetSignalResponse {
            signal: Some(codec::view::signal(&Row::of(id, &kept), reference)),
            answer,
            position: self.place(kept.last),
            guidance,
        })
    }

    /// A signal of this organisation; anybody else's is not there.
    pub(super) async fn own_signal(
        &self,
        organisation: &OrganisationKey,
        id: SignalId,
        deadline: Deadline,
    ) -> Result<Kept, Problem> {
        let subject = subject_of(id).map_err(|_| Problem::not_found("signal"))?;
        let held = self.fold.load(&subject, deadline).await?;
        match held {
            Some(held) if held.state.signal.received.organisation == *organisation => {
                Ok(Kept::clone(&held.state))
            }
            _ => Err(Problem::not_found("signal")),
        }
    }

    /// An error that came before the signal was looked up still carries its guidance. As long as nobody can tell how safe it is,
    /// guidance is shown: a signal that is not in memory, or cannot be read.
    pub(super) async fn with_known_guidance(
        &self,
        organisation: &OrganisationKey,
        id: SignalId,
        problem: Problem,
        deadline: Deadline,
    ) -> Problem {
        if problem.kind == ErrorKind::NotFound {
            return problem;
        }
        let held = subject_of(id).ok().and_then(|subject| self.fold.get(&subject).ok().flatten());
        let guidance = match held {
            Some(held) if held.state.signal.received.organisation == *organisation => {
                self.guidance_of(&held.state, deadline).await
            }
            Some(_) => None,
            None => {
                let directory = self.directory.current().ok();
                let (directory, organisation) = (directory.as_deref(), organisation.as_str());
                Some(Scene { directory, organisation, on_duty: OnDuty::Unknown }.safety())
            }
        };
        match guidance {
            Some(guidance) => problem.with_detail(guidance::NAME, &guidance),
            None => problem,
        }
    }

    /// Guidance that every reply about this signal carries.
    pub(super) async fn guidance_of(
        &self,
        kept: &Kept,
        deadline: Deadline,
    ) -> Option<voordeur_contracts::intake::Guidance> {
        let received = &kept.signal.received;
        if !received.safety.is_safety() {
            return None;
        }
        let directory = self.directory.current().ok();
        let directory = directory.as_deref();
        let on_duty = self.duty.at(directory, received.centre.as_str(), self.clock.now(), deadline).await;
        Some(Scene { directory, organisation: received.organisation.as_str(), on_duty }.safety())
    }

    pub(super) async fn wait_for(
        &self,
        at_least: Option<&common::Position>,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let Some(wanted) = at_least else { return Ok(()) };
        let wanted = codec::parse_position(wanted).ok_or(FoldError::ForeignPosition)?;
        Ok(self.fold.reached(&wanted, deadline).await?)
    }

    /// The fixed status for the organisation; the text for who asked, with the look on record before it is returned.
    async fn answer_for(
        &self,
        organisation: &OrganisationKey,
        id: SignalId,
        kept: &Kept,
        asker: &str,
        deadline: Deadline,
    ) -> Result<Option<Answer>, Problem> {
        let Some(answer) = &kept.signal.answer else { return Ok(None) };
        let status = codec::number(AnswerStatus::ALL, &answer.status);
        let (Some(advice), Some(task), false) = (&answer.advice, kept.signal.task, asker.is_empty()) else {
            return Ok(Some(Answer { status, advice: String::new() }));
        };
        let asker = self.deriver.asker_id(organisation, asker);
        let allowed = kept.signal.received.askers.contains(&asker);
        self.audit.record(look(organisation, id, kept, asker, allowed), deadline).await?;
        if !allowed {
            return Err(Problem::not_allowed(
                "NOT_AN_ASKER",
                "only the signaller and her named intern begeleider or coach may read the answer",
            ));
        }
        let sealed = codec::event::sealed_text(advice);
        let advice = match self.vault.open(&sealed, TextPurpose::Answer, task.as_bytes(), deadline).await {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            // The status stays when the text is gone.
            Err(VaultError::Erased) => String::new(),
            Err(VaultError::Damaged) => {
                tracing::error!("the advice of an answer does not open; its asker is shown the status alone");
                String::new()
            }
            Err(error) => return Err(vault_problem(error)),
        };
        Ok(Some(Answer { status, advice }))
    }

    pub(super) async fn list(
        &self,
        caller: &Identity,
        request: ListSignalsRequest,
        deadline: Deadline,
    ) -> Result<ListSignalsResponse, Problem> {
        let organisation = source_of(caller, "")?;
        let page = Page::parse(&request)?;
        self.wait_for(request.at_least.as_ref(), deadline).await?;
        if !self.fold.is_ready() {
            return Err(FoldError::NotReady.into());
        }
        let response = self.fold.read(|index, _| {
            let mut rows = index
                .before(&organisation, page.before)
                .filter(|(_, row)| page.wants(row))
                .map(|(first, row)| (first, codec::view::signal(row, "")));
            let mut found: Vec<_> = rows.by_ref().take(page.size).collect();
            let more = rows.next().is_some();
            let next_page_token = match found.last() {
                Some((first, _)) if more => first.to_string(),
                _ => String::new(),
            };
            let signals = found.drain(..).map(|(_, signal)| signal).collect();
            ListSignalsResponse { signals, next_page_token, position: None }
        });
        let position = self.fold.position().as_ref().map(wire_position);
        Ok(ListSignalsResponse { position, ..response })
    }
}

fn look(organisation: &OrganisationKey, id: SignalId, kept: &Kept, asker: AskerId, allowed: bool) -> Look {
    Look {
        case: id.to_hex(),
        activity: "read-answer",
        actor: Actor::Organisation(organisation.clone()),
        asker: Some(asker),
        object: *id.as_bytes(),
        object_type: AuditObjectType::Signal,
        child: kept.signal.received.child,
        allowed,
        emergency: None,
        in_care: allowed,
        consent: kept.signal.received.permission.as_ref().is_some_and(|p| !p.consents.is_empty()),
        consent_profile: kept
            .signal
            .received
            .permission
            .as_ref()
            .map(|p| p.processing_basis.clone())
            .unwrap_or_default(),
    }
}

pub(super) fn parse_id(id: &str) -> Result<SignalId, Problem> {
    id.parse().map_err(|_| Problem::fault("signal_id", "BAD_ID", "give sig_ and 32 hexadecimal digits"))
}

/// Which page of a list.
struct Page {
    before: u64,
    size: usize,
    statuses: Vec<SignalStatus>,
}

impl Page {
    fn parse(request: &ListSignalsRequest) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        let size = match usize::try_from(request.page_size) {
            Ok(0) => limits::PAGE_ITEMS_DEFAULT,
            Ok(size) if size <= limits::PAGE_ITEMS_MAX => size,
            _ => {
                faults.add("page_size", "OUT_OF_RANGE", "give 1-500, or 0 for 100");
                0
            }
        };
        let before = match request.page_token.as_str() {
            "" => Some(u64::MAX),
            token => token.parse().ok(),
        };
        if before.is_none() {
            faults.add("page_token", "BAD_TOKEN", "give the next_page_token of the page before, or nothing");
        }
        let mut statuses = Vec::new();
        for (index, status) in request.statuses.iter().enumerate() {
            match SignalStatus::try_from(*status) {
                Ok(status) if status != SignalStatus::Unspecified => statuses.push(status),
                _ => faults.add(format!("statuses[{index}]"), "UNKNOWN_CODE", "is not a status"),
            }
        }
        faults.finish(before.map(|before| Self { before, size, statuses })).map_err(Problem::invalid)
    }

    fn wants(&self, row: &Row) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&codec::view::status(row.stage))
    }
}
