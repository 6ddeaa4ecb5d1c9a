//! `OutcomeReportService`: reports for the partners of a centre or a municipality.

use std::sync::Arc;

use jiff::Span;
use prost::{Message as _, bytes::Bytes};
use tonic::{Request, Response, Status, async_trait};
use voordeur_chassis::{
    Problem, deadline,
    edge::{is_idempotency_key, wire_position},
    identity, trace_headers,
};
use voordeur_contracts::{
    common,
    convert::to_wire_time,
    escalation::{
        ListReportsRequest, ListReportsResponse, MakeReportRequest, MakeReportResponse, PublishReportRequest,
        PublishReportResponse, ReportPlot, outcome_report_service_server::OutcomeReportService,
    },
    event::{EventMeta, ReportPublished},
};
use voordeur_eventlog::{AppendError, Commit, Deadline, Position};
use voordeur_kernel::{CommandId, ErrorKind, Role};
use voordeur_outcome_report::{NotPublishable, Status as Finality};
use voordeur_vault::sha256;

use super::{
    make::{Made, ReportOffice},
    register::{Publication, REPORT_KIND, Register, event_of, status_to_wire},
    request::{Coordinator, may_see, of_municipality, position, read},
};
use crate::codec::SOURCE;

/// The gRPC service.
pub(crate) struct ReportApi(pub(crate) Arc<ReportOffice>);

fn wire_report(made: &Made) -> MakeReportResponse {
    MakeReportResponse {
        json: Bytes::copy_from_slice(made.json.as_bytes()),
        text: made.text.clone(),
        csv: Bytes::copy_from_slice(made.csv.as_bytes()),
        plots: made
            .plots
            .iter()
            .map(|plot| ReportPlot { name: plot.name.clone(), svg: plot.svg.clone() })
            .collect(),
        status: status_to_wire(made.report.status).into(),
        position: Some(wire_position(&made.position)),
    }
}

#[async_trait]
impl OutcomeReportService for ReportApi {
    async fn make_report(
        &self,
        request: Request<MakeReportRequest>,
    ) -> Result<Response<MakeReportResponse>, Status> {
        let deadline = deadline(&request);
        let caller = Coordinator::of(self.0.directory()?, identity(&request)?)?;
        let request = request.get_ref();
        let asked = read(&caller, request.question.as_ref(), self.0.today())?;
        let at_least = position(request.at_least.as_ref())?;
        let made = self.0.make(&caller.directory, asked, at_least.as_ref(), deadline).await?;
        Ok(Response::new(wire_report(&made)))
    }

    async fn publish_report(
        &self,
        request: Request<PublishReportRequest>,
    ) -> Result<Response<PublishReportResponse>, Status> {
        let deadline = deadline(&request);
        let caller = Coordinator::of(self.0.directory()?, identity(&request)?)?;
        Ok(Response::new(self.publish(&caller, request.get_ref(), deadline).await?))
    }

    async fn list_reports(
        &self,
        request: Request<ListReportsRequest>,
    ) -> Result<Response<ListReportsResponse>, Status> {
        let deadline = deadline(&request);
        let (directory, who) = (self.0.directory()?, identity(&request)?.clone());
        let request = request.get_ref();
        let at_least = position(request.at_least.as_ref())?;
        let end = self.0.episodes.end(deadline).await.map_err(Problem::from)?;
        if at_least.as_ref().is_some_and(|wanted| wanted.incarnation != end.incarnation) {
            return Err(Problem::fault(
                "at_least",
                "FOREIGN_POSITION",
                "is of another life of the stream; leave it out",
            )
            .into());
        }
        let register = Register::read(&self.0.episodes, 0, deadline).await?;
        let in_municipality: Vec<String> =
            of_municipality(&directory, &request.municipality).into_iter().map(|(key, _)| key).collect();
        let asked_for = |publication: &&Publication| {
            let centre = request.centre.is_empty() || publication.centres.contains(&request.centre);
            let municipality = request.municipality.is_empty()
                || publication.municipality.as_ref() == Some(&request.municipality)
                || publication.centres.iter().all(|centre| in_municipality.contains(centre));
            centre && municipality
        };
        let reports = register
            .publications
            .iter()
            .rev()
            .filter(asked_for)
            .filter(|publication| may_see(&directory, &who, publication))
            .map(|publication| publication.event.clone())
            .collect();
        Ok(Response::new(ListReportsResponse { reports, position: Some(wire_position(&end)) }))
    }
}

impl ReportApi {
    async fn publish(
        &self,
        caller: &Coordinator,
        request: &PublishReportRequest,
        deadline: Deadline,
    ) -> Result<PublishReportResponse, Problem> {
        let office = &self.0;
        let key =
            request.command.as_ref().map(|command| command.idempotency_key.as_str()).unwrap_or_default();
        if !is_idempotency_key(key) {
            return Err(Problem::fault(
                "command.idempotency_key",
                "BAD_KEY",
                "give 8-64 characters of A-Z a-z 0-9 - _",
            ));
        }
        // Only a day that is over is known in full.
        let yesterday = office
            .today()
            .checked_sub(Span::new().days(1))
            .map_err(|_| Problem::broken("a day outside of the calendar"))?;
        let asked = read(caller, request.question.as_ref(), yesterday)?;
        let question = asked.question.clone();
        let command = office.deriver.command_id(&format!("person:{}", caller.key), &format!("report:{key}"));
        let register = Register::read(&office.episodes, 0, deadline).await?;
        if let Some(known) = register.same(&question.subject, &question.period, question.known_on) {
            return Ok(known_already(known, &office.episodes.end(deadline).await?));
        }
        let used = |publication: &&Publication| {
            publication.event.meta.as_ref().is_some_and(|meta| meta.command_id.as_ref() == command.as_bytes())
        };
        if register.publications.iter().any(|publication| used(&publication)) {
            return Err(Problem::new(
                ErrorKind::AlreadyExists,
                "KEY_IN_USE",
                "this key was used for another report; choose a new one",
            ));
        }
        let made = office.make(&caller.directory, asked, None, deadline).await?;
        made.publishable.map_err(|why| refused(why, &question))?;
        let position = self.record(caller, command, &made, deadline).await?;
        Ok(PublishReportResponse {
            report: Some(wire_report(&made)),
            position: Some(wire_position(&position)),
            known: false,
        })
    }

    /// Stores that it was published, on the very register that it was made against.
    async fn record(
        &self,
        caller: &Coordinator,
        command: CommandId,
        made: &Made,
        deadline: Deadline,
    ) -> Result<Position, Problem> {
        let office = &self.0;
        let question = &made.report.question;
        let published = ReportPublished {
            period_from: question.period.from().to_string(),
            period_until: question.period.until().to_string(),
            centres: question.subject.centres.iter().map(|(key, _)| key.clone()).collect(),
            known_on: question.known_on.to_string(),
            ruleset: question.ruleset.clone(),
            disclosure_rules: made.report.disclosure.to_owned(),
            status: status_to_wire(made.report.status).into(),
            fingerprint: Bytes::copy_from_slice(&sha256(made.json.as_bytes())),
            published_json: Bytes::copy_from_slice(made.json.as_bytes()),
            municipality: question
                .subject
                .municipality
                .as_ref()
                .map(|(code, _)| code.clone())
                .unwrap_or_default(),
        };
        let content = published.encode_to_vec();
        let now = office.clock.now();
        let person = common::Person {
            key: caller.key.to_string(),
            role: common::Role::from(Role::Coordinator).into(),
        };
        let meta = EventMeta {
            recorded_at: Some(to_wire_time(now)),
            actor: Some(common::Actor { who: Some(common::actor::Who::Person(person)) }),
            command_id: Bytes::copy_from_slice(command.as_bytes()),
            directory_version: question.directory_version,
            ordinal: u32::try_from(made.register.publications.len() + 1).unwrap_or(u32::MAX),
        };
        let commit = Commit {
            id: office.deriver.commit_id(command, &content),
            kind: REPORT_KIND,
            source: SOURCE,
            time: now,
            data: event_of(meta, published).encode_to_vec().into(),
            trace: trace_headers(),
            urgent: false,
        };
        match office.episodes.append(&Register::history()?, made.register.version, commit, deadline).await {
            Ok(appended) => Ok(appended.position),
            Err(AppendError::Conflict) => Err(Problem::new(
                ErrorKind::Conflict,
                "REGISTER_MOVED",
                "another report was published meanwhile, and the two have to be compared; publish again",
            )),
            Err(error) => Err(error.into()),
        }
    }
}

fn known_already(known: &Publication, end: &Position) -> PublishReportResponse {
    let report = MakeReportResponse {
        json: Bytes::copy_from_slice(&known.json),
        status: status_to_wire(known.status).into(),
        position: Some(wire_position(end)),
        ..Default::default()
    };
    PublishReportResponse { report: Some(report), position: Some(wire_position(end)), known: true }
}

/// Why it is not published, and what to do.
fn refused(why: NotPublishable, question: &voordeur_outcome_report::Question) -> Problem {
    match why {
        NotPublishable::TooEarly => Problem::refused(
            "TOO_EARLY",
            format!(
                "the year of the last children ended too short ago; publish as voorlopig with a day of knowledge from {} on",
                Finality::provisional_from(&question.period)
            ),
        ),
        NotPublishable::TooSmall => Problem::refused(
            "TOO_SMALL",
            "there are fewer than ten children at risk; take more centres together (the municipality) or a longer period (three years)",
        ),
        NotPublishable::GivesAway => Problem::refused(
            "GIVES_AWAY",
            "together with what was published this would tell about one to nine children (SDC-1, rule 6); take the centres that were left out \
             along, take a period that differs by more children, or keep to what was published",
        ),
    }
}
