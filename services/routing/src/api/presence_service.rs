//! `PresenceService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use voordeur_chassis::{Problem, deadline};
use voordeur_contracts::{
    common::{self, CommandContext},
    convert::to_wire_time,
    routing::{
        GetPresenceRequest, GetPresenceResponse, MarkAbsentRequest, MarkAbsentResponse, MarkPresentRequest,
        MarkPresentResponse, MarkReturnedRequest, MarkReturnedResponse, PlannedAbsence, ProfessionalPresence,
        WithdrawAbsenceRequest, WithdrawAbsenceResponse, presence_service_server::PresenceService,
    },
};
use voordeur_directory::{Directory, Person};
use voordeur_eventlog::Deadline;
use voordeur_kernel::{CentreKey, ProfessionalKey, Role, Timestamp};
use voordeur_routing_domain::{
    plan::Attendance,
    presence::{Absence, Presence, PresenceChange, PresenceCommand},
};

use super::{
    position_now,
    request::{Reader, content, person},
    wait_for, wire_position,
};
use crate::{
    around::look_at,
    machine::{State, presence_subject},
    office::{Act, Office},
};

/// The service.
#[derive(Clone)]
pub(crate) struct PresenceApi {
    pub(crate) office: Arc<Office>,
}

impl PresenceApi {
    /// Herself, or a coordinator of a centre where she works.
    fn permit<'d>(
        directory: &'d Directory,
        caller: &ProfessionalKey,
        about: &ProfessionalKey,
    ) -> Result<(&'d Person, Role), Problem> {
        let found = directory.person(about.as_str()).filter(|p| p.role.holds_tasks());
        let same_centre = |person: &Person, centre: &CentreKey| person.centres.contains(centre);
        let caller = directory.person(caller.as_str());
        match (found, caller) {
            (Some(person), Some(caller)) if person.key == caller.key => Ok((person, caller.role)),
            (Some(person), Some(caller))
                if caller.role == Role::Coordinator
                    && caller.centres.iter().any(|centre| same_centre(person, centre)) =>
            {
                Ok((person, caller.role))
            }
            (Some(person), Some(caller))
                if caller.centres.iter().any(|centre| same_centre(person, centre)) =>
            {
                Err(Problem::not_allowed(
                    "NOT_YOUR_PRESENCE",
                    "only she herself or the coordinator says where she is",
                ))
            }
            _ => Err(Problem::not_found("professional")),
        }
    }

    async fn say(
        &self,
        caller: &ProfessionalKey,
        about: ProfessionalKey,
        act: Act,
        change: PresenceChange,
        until: Deadline,
    ) -> Result<(ProfessionalPresence, Option<common::Position>), Problem> {
        let office = &self.office;
        let directory = office.directory()?;
        let (subject, role) = Self::permit(&directory, caller, &about)?;
        check(&directory, subject, &change)?;
        let centre = match &change {
            PresenceChange::MarkedPresent { centre, .. } => Some(centre.clone()),
            _ => subject.centres.iter().next().cloned(),
        };
        let command = PresenceCommand {
            id: act.id,
            commit: act.commit,
            now: office.clock.now(),
            seen_version: act.seen_version,
            professional: about.clone(),
            change,
        };
        let said = office.say_presence(command, caller, role, until).await?;
        let (state, position) = match &said {
            Some((state, position)) => (state.presence(), Some(wire_position(position))),
            None => (None, position_now(office)),
        };
        let now = office.clock.now();
        Ok((shown(&directory, &about, state, centre.as_ref(), now), position))
    }
}

/// What the directory knows about what is said.
fn check(directory: &Directory, subject: &Person, change: &PresenceChange) -> Result<(), Problem> {
    match change {
        PresenceChange::MarkedPresent { centre, .. } if !subject.centres.contains(centre) => {
            Err(Problem::fault("centre", "NOT_AT_CENTRE", "she does not work at this centre"))
        }
        PresenceChange::MarkedAbsent(Absence { stand_in: Some(stand_in), .. })
            if !subject
                .centres
                .iter()
                .any(|centre| directory.works_at(stand_in.as_str(), centre.as_str())) =>
        {
            Err(Problem::fault("stand_in", "NOT_AT_CENTRE", "give somebody who works at the same centre"))
        }
        _ => Ok(()),
    }
}

/// Presence as colleagues see it. Never why.
fn shown(
    directory: &Directory,
    person: &ProfessionalKey,
    presence: Option<&Presence>,
    centre: Option<&CentreKey>,
    now: Timestamp,
) -> ProfessionalPresence {
    let looked = centre.map(|centre| look_at(directory, presence, person, centre, now));
    let present = looked.as_ref().is_some_and(|looked| looked.attendance == Attendance::Present);
    let absence = presence.and_then(|p| p.absent(now));
    let marked = presence.zip(centre).and_then(|(p, centre)| p.marked_until(centre, now));
    let planned = |absence: &Absence| PlannedAbsence {
        from: Some(to_wire_time(absence.from)),
        until: Some(to_wire_time(absence.until)),
        stand_in: name(absence.stand_in.as_ref()),
    };
    ProfessionalPresence {
        professional: person.to_string(),
        present,
        until: absence.map(|absence| absence.until).or(marked).map(to_wire_time),
        stand_in: name(absence.and_then(|absence| absence.stand_in.as_ref())),
        absences: presence.into_iter().flat_map(|p| p.ahead(now)).map(planned).collect(),
        next_present: looked.and_then(|looked| looked.next.from).filter(|_| !present).map(to_wire_time),
    }
}

fn name(person: Option<&ProfessionalKey>) -> String {
    person.map(ToString::to_string).unwrap_or_default()
}

macro_rules! say {
    ($self:ident, $request:ident, $name:literal, $response:ident, |$reader:ident, $message:ident| $change:expr) => {{
        let outcome: Result<_, Problem> = async {
            let until = deadline(&$request);
            let caller = person(&$request)?;
            let mut $message = $request.into_inner();
            let context: Option<CommandContext> = $message.command.take();
            let covered = content($name, &$message);
            let mut $reader = Reader::default();
            let about: Option<ProfessionalKey> = $reader.key("professional", &$message.professional);
            let act = $reader.act(&$self.office, &caller, context.as_ref(), &covered);
            let change: Option<PresenceChange> = $change;
            let all = about.zip(act).zip(change);
            let ((about, act), change) = $reader.finish(all)?;
            $self.say(&caller, about, act, change, until).await
        }
        .await;
        let (presence, position) = outcome.map_err(Status::from)?;
        Ok(Response::new($response { presence: Some(presence), position }))
    }};
}

#[tonic::async_trait]
impl PresenceService for PresenceApi {
    async fn get_presence(
        &self,
        request: Request<GetPresenceRequest>,
    ) -> Result<Response<GetPresenceResponse>, Status> {
        let until = deadline(&request);
        let caller = person(&request)?;
        let message = request.into_inner();
        let mut reader = Reader::default();
        let centre: Option<CentreKey> = reader.key("centre", &message.centre);
        let centre = reader.finish(centre)?;
        wait_for(&self.office, message.at_least.as_ref(), until).await?;
        let directory = self.office.directory()?;
        if !directory.works_at(caller.as_str(), centre.as_str()) {
            return Err(Problem::not_found("centre").into());
        }
        let now = self.office.clock.now();
        let position = position_now(&self.office);
        let people: Vec<&Person> =
            directory.people_at(centre.as_str()).filter(|person| person.role.holds_tasks()).collect();
        let mut professionals = Vec::with_capacity(people.len());
        for person in people {
            let subject =
                presence_subject(&person.key).map_err(|error| Problem::broken(error.to_string()))?;
            let held = self.office.fold.get(&subject).map_err(Problem::from)?;
            let presence = held.as_ref().and_then(|held| State::presence(&held.state));
            professionals.push(shown(&directory, &person.key, presence, Some(&centre), now));
        }
        Ok(Response::new(GetPresenceResponse { professionals, position }))
    }

    async fn mark_present(
        &self,
        request: Request<MarkPresentRequest>,
    ) -> Result<Response<MarkPresentResponse>, Status> {
        say!(self, request, "MarkPresent", MarkPresentResponse, |reader, message| {
            let centre = reader.key("centre", &message.centre);
            let until = reader.moment("until", message.until.as_ref());
            centre.zip(until).map(|(centre, until)| PresenceChange::MarkedPresent { centre, until })
        })
    }

    async fn mark_absent(
        &self,
        request: Request<MarkAbsentRequest>,
    ) -> Result<Response<MarkAbsentResponse>, Status> {
        say!(self, request, "MarkAbsent", MarkAbsentResponse, |reader, message| {
            let until = reader.moment("until", message.until.as_ref());
            let stand_in = reader.optional_key("stand_in", &message.stand_in);
            // What would have begun already begins now.
            let from = match message.from.as_ref() {
                None => Some(Timestamp::MIN),
                from => reader.moment("from", from),
            };
            until
                .zip(from)
                .map(|(until, from)| PresenceChange::MarkedAbsent(Absence { from, until, stand_in }))
        })
    }

    async fn withdraw_absence(
        &self,
        request: Request<WithdrawAbsenceRequest>,
    ) -> Result<Response<WithdrawAbsenceResponse>, Status> {
        say!(self, request, "WithdrawAbsence", WithdrawAbsenceResponse, |reader, message| {
            let from = reader.moment("from", message.from.as_ref());
            from.map(|from| PresenceChange::AbsenceWithdrawn { from })
        })
    }

    async fn mark_returned(
        &self,
        request: Request<MarkReturnedRequest>,
    ) -> Result<Response<MarkReturnedResponse>, Status> {
        say!(self, request, "MarkReturned", MarkReturnedResponse, |reader, message| Some(
            PresenceChange::Returned
        ))
    }
}
