//! Taking a signal in. When it returns, the signal is durable; for that it waits for one write, and for a child whom nobody knew yet
//! for a second one.

use bytes::Bytes;
use jiff::SignedDuration;
use prost::Message as _;
use voordeur_chassis::{Identity, Problem, edge::wire_position, trace_headers};
use voordeur_contracts::{
    common::TextPurpose,
    intake::{self, OnDuty, SubmitSignalRequest, SubmitSignalResponse},
};
use voordeur_directory::{Directory, Organisation};
use voordeur_eventlog::{
    Commit, Deadline, Subject as LogSubject,
    fold::{ExecuteError, Expect},
};
use voordeur_intake_domain::{
    Premises as _, Rejection, Submission, Verdict,
    draft::Code,
    life::{
        Actor, Change, Command, Event, Received, Refusal, decide,
        signal::{RecordedGround, RecordedPermission, Sealed},
    },
    parse,
    submission::{Details, Permission, Person, Subject},
};
use voordeur_kernel::{
    AskerId, ChildAlias, CommandId, CommitId, ErrorKind, OrganisationKey, SafetyLevel, SignalId, Timestamp,
};
use voordeur_vault::FreshKey;

use crate::{
    api::{
        Intake,
        problem::{refusal, vault_problem},
    },
    codec,
    guidance::{self, Scene},
    machine::{KIND, Kept, subject_of},
    premises::AtOrganisation,
};

/// How long the same words without a reference are the same signal.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What one request is known by.
struct Ids {
    signal: SignalId,
    subject: LogSubject,
    command: CommandId,
    commit: CommitId,
}

impl Intake {
    /// Takes one signal in. Every error of a safety signal carries its guidance.
    pub(crate) async fn submit(
        &self,
        caller: &Identity,
        request: SubmitSignalRequest,
        deadline: Deadline,
    ) -> Result<SubmitSignalResponse, Problem> {
        // A level that this release does not know may well be about safety: better guidance too much.
        let safety = match codec::code(&SafetyLevel::ALL, request.safety) {
            Code::Known(level) => level.is_safety(),
            Code::Unknown => true,
            Code::Absent => false,
        };
        let directory = self.directory.current().ok();
        let now = self.clock.now();
        let organisation = match caller {
            Identity::Organisation(key) => key.as_str().to_owned(),
            Identity::Person(_) | Identity::Operator => request.organisation.clone(),
        };
        let centre =
            directory.as_deref().map(|d| centre_key(d, &organisation, &request, now)).unwrap_or_default();
        let on_duty = || self.duty.at(directory.as_deref(), &centre, now, deadline);
        let scene = |on_duty| Scene { directory: directory.as_deref(), organisation: &organisation, on_duty };
        // The first question, before anything else. Nothing of the request is kept.
        if request.about_colleague {
            let guidance = Some(scene(on_duty().await).about_colleague(safety));
            return Ok(SubmitSignalResponse { guidance, ..SubmitSignalResponse::default() });
        }
        // Who is there is asked while the signal is stored, so that it waits for no roster.
        let there = async { if safety { on_duty().await } else { OnDuty::Unknown } };
        let taken = Box::pin(self.take(caller, request, directory.as_deref(), now, deadline));
        let (outcome, there) = tokio::join!(taken, there);
        match outcome {
            Ok(mut response) => {
                response.guidance = safety.then(|| scene(there).safety());
                Ok(response)
            }
            Err(problem) if safety => Err(problem.with_detail(guidance::NAME, &scene(there).safety())),
            Err(problem) if problem.reason == voordeur_intake_domain::submission::CONSENT_MISSING => {
                Err(problem.with_detail(guidance::NAME, &scene(on_duty().await).offer_consult()))
            }
            Err(problem) => Err(problem),
        }
    }

    async fn take(
        &self,
        caller: &Identity,
        mut request: SubmitSignalRequest,
        directory: Option<&Directory>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<SubmitSignalResponse, Problem> {
        let key = source_of(caller, &request.organisation)?;
        let directory = directory.ok_or_else(directory_away)?;
        let organisation = known_source(directory, &key)?;
        // Left out or named, it is the same request.
        request.organisation = key.to_string();
        let draft = codec::draft::draft(&request);
        let premises = AtOrganisation { directory, organisation, now };
        let submission = match parse(&draft, &premises) {
            Ok(Verdict::Accept(submission)) => *submission,
            Ok(Verdict::AboutColleague) => {
                return Err(Problem::broken("a question about a colleague came too far"));
            }
            Err(rejection) => {
                // What was taken before is answered as it was, even when the directory or the calendar has moved on since.
                let ids = self.ids(&key, &request.client_reference, &request)?;
                return match self.known(&ids, true, deadline).await? {
                    Some(kept) => Ok(self.receipt(&ids, &kept, true)),
                    None => Err(rejected(rejection)),
                };
            }
        };
        let reference = submission.reference.as_ref().map(|reference| reference.as_str().to_owned());
        let ids = match reference {
            Some(reference) => self.ids(&key, &reference, &request)?,
            None => self.ids_without_reference(&key, &request, now, deadline).await?,
        };
        let full = self.fullness.refuses() && !submission.safety.is_safety();
        if let Some(kept) = self.known(&ids, full, deadline).await? {
            return Ok(self.receipt(&ids, &kept, true));
        }
        if full {
            return Err(nearly_full());
        }
        self.store(&key, &ids, submission, directory.version(), now, deadline).await
    }

    async fn store(
        &self,
        organisation: &OrganisationKey,
        ids: &Ids,
        submission: Submission,
        directory_version: u64,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<SubmitSignalResponse, Problem> {
        let child = match &submission.subject {
            Subject::Child(child) => {
                let number = child.local_number.as_str();
                Some(self.vault.child(organisation, number, deadline).await.map_err(vault_problem)?)
            }
            Subject::Group(_) | Subject::Consult { .. } => None,
        };
        let urgent = submission.safety.is_safety();
        let key = self.vault.fresh_key(urgent, deadline).await.map_err(vault_problem)?;
        let received = self.received(organisation, ids.signal, submission, child, &key)?;
        let command = Command {
            actor: Actor::Organisation(organisation.clone()),
            now,
            command: ids.command,
            commit: ids.commit,
            directory_version,
            seen_version: 0,
            change: Change::Received(Box::new(received)),
        };
        let trace = trace_headers();
        let mut bytes = 0;
        let outcome = self
            .fold
            .execute(&ids.subject, Expect::New, deadline, |kept, _| {
                let event = decide(kept.map(|kept| &kept.signal), &command).map_err(refusal)?;
                let commit = event.map(|event| commit_of(&event, trace.clone(), urgent));
                bytes = commit.as_ref().map_or(0, |commit| commit.data.len());
                Ok::<_, Problem>(commit)
            })
            .await;
        match outcome {
            Ok(executed) => {
                // Whose box is stored tells whether it is this call that stored it, also after an attempt in doubt.
                let ours = executed.state.signal.received.details.key == *key.id().as_bytes();
                if ours {
                    self.fullness.took(bytes);
                } else {
                    self.vault.unused(key);
                }
                let mut receipt = self.receipt(ids, &executed.state, !ours);
                receipt.position = Some(wire_position(&executed.position));
                Ok(receipt)
            }
            Err(ExecuteError::Refused(problem)) => {
                self.vault.unused(key);
                Err(problem)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A safety signal without a usable reference is known by what it says. Without any reference the same words are a retry for an hour
    /// only: after that somebody is in need again, and two signals do less harm than one that is lost.
    async fn ids_without_reference(
        &self,
        organisation: &OrganisationKey,
        request: &SubmitSignalRequest,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Ids, Problem> {
        let said = self.deriver.fingerprint("submission", &[&request.encode_to_vec()]);
        let said = SignalId::from_bytes(said).to_hex();
        if !request.client_reference.is_empty() {
            return self.ids(organisation, &format!("content {said}"), request);
        }
        let hour = now.as_second().div_euclid(HOUR.as_secs());
        let in_hour = |hour: i64| self.ids(organisation, &format!("content {said} {hour}"), request);
        let before = in_hour(hour - 1)?;
        match self.known(&before, true, deadline).await? {
            Some(kept) if now.duration_since(kept.signal.received_at) < HOUR => Ok(before),
            _ => in_hour(hour),
        }
    }

    fn ids(
        &self,
        organisation: &OrganisationKey,
        reference: &str,
        request: &SubmitSignalRequest,
    ) -> Result<Ids, Problem> {
        let content = request.encode_to_vec();
        let signal = self.deriver.signal_id(organisation, reference);
        let command =
            self.deriver.command_id(&format!("organisation:{organisation}"), &format!("submit {signal}"));
        let subject =
            subject_of(signal).map_err(|_| Problem::broken("the id of a signal makes no subject"))?;
        Ok(Ids { signal, subject, command, commit: self.deriver.commit_id(command, &content) })
    }

    /// What this reference is known for already; an error when it was other content.
    async fn known(&self, ids: &Ids, look_in_log: bool, deadline: Deadline) -> Result<Option<Kept>, Problem> {
        let held = if look_in_log {
            self.fold.load(&ids.subject, deadline).await?
        } else {
            self.fold.get(&ids.subject)?
        };
        let Some(held) = held else { return Ok(None) };
        match held.state.signal.commands.first() {
            Some((_, commit)) if *commit == ids.commit => Ok(Some(Kept::clone(&held.state))),
            _ => Err(refusal(Refusal::ReferenceReused)),
        }
    }

    fn receipt(&self, ids: &Ids, kept: &Kept, already_known: bool) -> SubmitSignalResponse {
        SubmitSignalResponse {
            signal_id: ids.signal.to_string(),
            already_known,
            position: self.place(kept.last),
            received_at: Some(codec::time(kept.signal.received_at)),
            status: codec::view::status(kept.signal.stage).into(),
            guidance: None,
            waived_fields: kept.signal.received.waived.clone(),
        }
    }

    fn received(
        &self,
        organisation: &OrganisationKey,
        signal: SignalId,
        submission: Submission,
        child: Option<ChildAlias>,
        key: &FreshKey,
    ) -> Result<Received, Problem> {
        let seal = |purpose, text: &[u8]| {
            let sealed = key.seal(purpose, signal.as_bytes(), text).map_err(vault_problem)?;
            codec::event::keep_sealed(&sealed).map_err(|_| Problem::broken("a sealed text is not whole"))
        };
        let details = zeroize::Zeroizing::new(wire_details(&submission.details).encode_to_vec());
        let askers = self.askers(organisation, &submission.details);
        let details = seal(TextPurpose::SignalDetails, &details)?;
        let subject = submission.subject.kind();
        let (group, age_band, permission) = match submission.subject {
            Subject::Child(child) => (child.group, child.age_band, Some(record(child.permission, &seal)?)),
            Subject::Group(group) => (Some(group), None, None),
            Subject::Consult { age_band } => (None, age_band, None),
        };
        Ok(Received {
            organisation: organisation.clone(),
            centre: submission.centre,
            subject,
            child,
            group,
            domains: submission.domains,
            severity: submission.severity,
            safety: submission.safety,
            duration: submission.duration,
            asked_by: submission.asked_by,
            certainty: submission.certainty,
            answer_wanted: submission.answer_wanted,
            urgent: submission.urgent,
            permission,
            details,
            askers,
            calls: submission.calls,
            age_band,
            waived: submission.waived,
        })
    }

    fn askers(&self, organisation: &OrganisationKey, details: &Details) -> Vec<AskerId> {
        let mut askers: Vec<_> = [&details.signaller, &details.intern_begeleider]
            .into_iter()
            .flatten()
            .filter_map(|person| person.local_id.as_ref())
            .map(|id| self.deriver.asker_id(organisation, id.as_str()))
            .collect();
        askers.dedup();
        askers
    }
}

/// The commit of an event.
pub(crate) fn commit_of(event: &Event, trace: Vec<voordeur_eventlog::Header>, urgent: bool) -> Commit {
    Commit {
        id: event.meta.commit,
        kind: KIND,
        source: "voordeur/intake",
        time: event.meta.recorded_at,
        data: Bytes::from(codec::event::write(event).encode_to_vec()),
        trace,
        urgent,
    }
}

/// The source system that calls.
pub(crate) fn source_of(caller: &Identity, named: &str) -> Result<OrganisationKey, Problem> {
    let Identity::Organisation(key) = caller else {
        return Err(Problem::not_allowed(
            "NOT_A_SOURCE_SYSTEM",
            "only the system of an organisation may do this",
        ));
    };
    if !named.is_empty() && named != key.as_str() {
        return Err(Problem::not_allowed(
            "FOREIGN_ORGANISATION",
            "you are not the organisation that you name",
        ));
    }
    Ok(key.clone())
}

fn known_source<'a>(directory: &'a Directory, key: &OrganisationKey) -> Result<&'a Organisation, Problem> {
    let organisation = directory.organisation(key.as_str()).ok_or_else(|| {
        Problem::not_allowed("UNKNOWN_ORGANISATION", "your organisation is not in the directory")
    })?;
    if organisation.kind.raises_signals() {
        Ok(organisation)
    } else {
        Err(Problem::not_allowed(
            "NOT_A_SOURCE_SYSTEM",
            "only schools and childcare organisations hand over signals",
        ))
    }
}

pub(crate) fn directory_away() -> Problem {
    Problem::unavailable(
        "DIRECTORY_UNAVAILABLE",
        "the directory has not been read yet; try again in a moment",
    )
}

fn nearly_full() -> Problem {
    Problem::new(
        ErrorKind::TooMuch,
        "NEARLY_FULL",
        "the installation is nearly full and only takes safety signals; try again later or tell its operator",
    )
    .retry_after(std::time::Duration::from_secs(60))
}

fn rejected(rejection: Rejection) -> Problem {
    let mut problem = Problem::invalid(rejection.faults);
    if rejection.offer_consult {
        problem.reason = voordeur_intake_domain::submission::CONSENT_MISSING;
    }
    problem
}

/// Key of the centre that is named, for guidance; whether it is a good one is judged elsewhere.
fn centre_key(
    directory: &Directory,
    organisation: &str,
    request: &SubmitSignalRequest,
    now: Timestamp,
) -> String {
    use voordeur_intake_domain::CentreReference::{BadRegistration, Key, Registration};
    let named = match codec::draft::draft_centre(request) {
        Some(Key(key)) => directory.centre(&key.0),
        Some(Registration(identifier)) => directory.centre_by_registration(&identifier, now),
        Some(BadRegistration) | None => None,
    };
    // Where a safety signal goes that names none, or a wrong one.
    let only = || {
        let organisation = directory.organisation(organisation)?;
        AtOrganisation { directory, organisation, now }.only_centre()
    };
    named.map(|centre| centre.key.clone()).or_else(only).map(|key| key.to_string()).unwrap_or_default()
}

fn record(
    permission: Permission,
    seal: &impl Fn(TextPurpose, &[u8]) -> Result<Sealed, Problem>,
) -> Result<RecordedPermission, Problem> {
    let ground = permission.ground.map(|ground| {
        let reason = seal(TextPurpose::Reason, ground.reason.as_str().as_bytes())?;
        Ok::<_, Problem>(RecordedGround { kind: ground.kind, decided_by: ground.decided_by, reason })
    });
    Ok(RecordedPermission {
        processing_basis: permission.processing_basis,
        consents: permission.consents,
        ground: ground.transpose()?,
    })
}

fn wire_details(details: &Details) -> intake::SignalDetails {
    let note = |note: &Option<voordeur_intake_domain::submission::Note>| {
        note.as_ref().map(|note| note.as_str().to_owned()).unwrap_or_default()
    };
    intake::SignalDetails {
        text: details.text.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default(),
        tried: note(&details.tried),
        parents_say: note(&details.parents_say),
        child_thinks: note(&details.child_thinks),
        signaller: details.signaller.as_ref().map(wire_person),
        intern_begeleider: details.intern_begeleider.as_ref().map(wire_person),
        child_name: details.child_name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
    }
}

fn wire_person(person: &Person) -> intake::PersonReference {
    intake::PersonReference {
        local_id: person.local_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        name: person.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        role: person.role.map_or(0, |role| codec::number(&voordeur_kernel::Role::ALL, &role)),
    }
}
