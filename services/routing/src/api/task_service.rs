//! `TaskService`.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use voordeur_chassis::{Identity, Problem, deadline, identity};
use voordeur_contracts::{
    common::{self, CommandContext},
    routing::{self as rpc, task_service_server::TaskService},
};
use voordeur_eventlog::{Deadline, fold::Expect};
use voordeur_kernel::{ErrorKind, ProfessionalKey, TaskId};
use voordeur_routing_domain::task::{Colleague, Wish};

use super::{
    check::{check, may_be_asked},
    explain::explain,
    list::{Range, get, list},
    read_position,
    request::{Reader, content, person},
    view::{view, visible},
    wait_for,
    watch::Watch,
    wire_position,
};
use crate::{
    audit::Activity,
    machine::task_subject,
    office::{Act, Office},
};

/// Items that may wait for one reader before the sender waits for it.
const WATCH_CHANNEL: usize = 64;

/// The service.
#[derive(Clone)]
pub(crate) struct TaskApi {
    pub(crate) office: Arc<Office>,
}

/// The task after a step.
pub(super) type Reply = (rpc::Task, common::Position);

impl TaskApi {
    async fn act(
        &self,
        person: &ProfessionalKey,
        task: TaskId,
        (rpc, act): (&'static str, Act),
        wish: Wish,
        deadline: Deadline,
    ) -> Result<Reply, Problem> {
        let office = &self.office;
        let outcome = office
            .act(task, Expect::Known, deadline, &act, |task, directory, now| {
                let task = task
                    .filter(|task| visible(directory, person, task))
                    .ok_or_else(|| Problem::not_found("task"))?;
                check(directory, task, &wish, now)?;
                let by = office.by(directory, person, task, now);
                Ok((by, wish.clone(), office.there_for(directory, task, now)))
            })
            .await;
        let acted = match outcome {
            Ok(acted) => acted,
            Err(refusal) => return Err(self.refused(person, task, rpc, refusal, deadline).await),
        };
        let directory = office.directory()?;
        let task = acted.task.task().ok_or_else(|| Problem::broken("a task became something else"))?;
        // A step that happened is itself on record; a repeated one only shows how the task stands.
        if !acted.changed {
            office.record(&directory, Some(person), task, Activity::look(rpc, true), deadline).await?;
        }
        let now = office.clock.now();
        Ok((view(office, &directory, Some(person), task, now), wire_position(&acted.position)))
    }

    /// What a refused step is answered with: a refusal tells something about the task, so it is on record first.
    pub(super) async fn refused(
        &self,
        person: &ProfessionalKey,
        task: TaskId,
        rpc: &'static str,
        refusal: Problem,
        deadline: Deadline,
    ) -> Problem {
        if matches!(
            refusal.kind,
            ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::TooMuch | ErrorKind::Broken
        ) {
            return refusal;
        }
        let office = &self.office;
        let recorded = async {
            let directory = office.directory()?;
            let subject = task_subject(task).map_err(|error| Problem::broken(error.to_string()))?;
            let held = office.fold.load(&subject, deadline).await?;
            let Some(task) = held.as_ref().and_then(|held| held.state.task()) else { return Ok(()) };
            office.record(&directory, Some(person), task, Activity::refused_step(rpc), deadline).await
        };
        recorded.await.err().unwrap_or(refusal)
    }
}

macro_rules! step {
    ($self:ident, $request:ident, $name:literal, $response:ident, |$reader:ident, $message:ident| $wish:expr) => {{
        let outcome: Result<_, Problem> = async {
            let until = deadline(&$request);
            let caller = person(&$request)?;
            let mut $message = $request.into_inner();
            let context: Option<CommandContext> = $message.command.take();
            let covered = content($name, &$message);
            let mut $reader = Reader::default();
            let task = $reader.task(&$message.task_id);
            let act = $reader.act(&$self.office, &caller, context.as_ref(), &covered);
            let wish: Option<Wish> = $wish;
            let (task, act, wish) =
                $reader.finish(task.zip(act).zip(wish).map(|((task, act), wish)| (task, act, wish)))?;
            $self.act(&caller, task, ($name, act), wish, until).await
        }
        .await;
        let (task, position) = outcome.map_err(Status::from)?;
        Ok(Response::new($response { task: Some(task), position: Some(position) }))
    }};
}

use rpc::{
    AcceptTaskResponse, AnswerTaskResponse, AnswerTransferResponse, AskColleagueResponse, AssignTaskResponse,
    DecideCancellationResponse, DeclineTaskResponse, FailTaskResponse, HandBackTaskResponse,
    HoldTaskResponse, LeaveWithHolderResponse, MarkEnteredInErrorResponse, PlanMeetingResponse,
    ProposeTransferResponse, RecordContactResponse, RecordMeetingResponse, RequestCancellationResponse,
    ResumeTaskResponse, WithdrawTransferResponse,
};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl TaskService for TaskApi {
    type WatchTasksStream = ReceiverStream<Result<rpc::WatchTasksResponse, Status>>;

    async fn watch_tasks(&self, request: Request<rpc::WatchTasksRequest>) -> Answer<Self::WatchTasksStream> {
        let until = deadline(&request);
        let caller = person(&request)?;
        let message = request.into_inner();
        let resume_after = read_position(message.resume_after.as_ref(), "resume_after")?;
        wait_for(&self.office, None, until).await?;
        let directory = self.office.directory()?;
        let range = Range::asked(message.whole_centre, &directory, &caller)?;
        let (to, stream) = mpsc::channel(WATCH_CHANNEL);
        let watch = Watch::new(Arc::clone(&self.office), caller, range, to);
        tokio::spawn(watch.run(resume_after));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn list_tasks(&self, request: Request<rpc::ListTasksRequest>) -> Answer<rpc::ListTasksResponse> {
        let until = deadline(&request);
        let caller = person(&request)?;
        Ok(Response::new(list(&self.office, &caller, request.into_inner(), until).await?))
    }

    async fn get_task(&self, request: Request<rpc::GetTaskRequest>) -> Answer<rpc::GetTaskResponse> {
        let until = deadline(&request);
        let caller = looker(&request)?;
        let message = request.into_inner();
        let mut reader = Reader::default();
        let id = reader.task(&message.task_id);
        let id = reader.finish(id)?;
        wait_for(&self.office, message.at_least.as_ref(), until).await?;
        let directory = self.office.directory()?;
        // Before the look: what is shown is at least as new as what is said.
        let position = super::position_now(&self.office);
        let state = get(&self.office, &directory, caller.as_ref(), id, "GetTask", until).await?;
        let now = self.office.clock.now();
        let task = state.task().map(|task| view(&self.office, &directory, caller.as_ref(), task, now));
        Ok(Response::new(rpc::GetTaskResponse { task, position }))
    }

    async fn accept_task(&self, request: Request<rpc::AcceptTaskRequest>) -> Answer<AcceptTaskResponse> {
        step!(self, request, "AcceptTask", AcceptTaskResponse, |reader, message| Some(Wish::Accept))
    }

    async fn decline_task(&self, request: Request<rpc::DeclineTaskRequest>) -> Answer<DeclineTaskResponse> {
        step!(self, request, "DeclineTask", DeclineTaskResponse, |reader, message| reader
            .word("reason", message.reason)
            .map(Wish::Decline))
    }

    async fn hand_back_task(
        &self,
        request: Request<rpc::HandBackTaskRequest>,
    ) -> Answer<HandBackTaskResponse> {
        step!(self, request, "HandBackTask", HandBackTaskResponse, |reader, message| reader
            .word("reason", message.reason)
            .map(Wish::HandBack))
    }

    async fn hold_task(&self, request: Request<rpc::HoldTaskRequest>) -> Answer<HoldTaskResponse> {
        step!(self, request, "HoldTask", HoldTaskResponse, |reader, message| {
            let reason = reader.word("reason", message.reason);
            let until = reader.moment("until", message.until.as_ref());
            reason.zip(until).map(|(reason, until)| Wish::Hold(reason, until))
        })
    }

    async fn resume_task(&self, request: Request<rpc::ResumeTaskRequest>) -> Answer<ResumeTaskResponse> {
        step!(self, request, "ResumeTask", ResumeTaskResponse, |reader, message| Some(Wish::Resume))
    }

    async fn record_contact(
        &self,
        request: Request<rpc::RecordContactRequest>,
    ) -> Answer<RecordContactResponse> {
        step!(self, request, "RecordContact", RecordContactResponse, |reader, message| {
            let kind = reader.word("kind", message.kind);
            let with = reader.word("with", message.with);
            kind.zip(with).map(|(kind, with)| Wish::RecordContact { kind, with, reached: message.reached })
        })
    }

    async fn answer_task(&self, request: Request<rpc::AnswerTaskRequest>) -> Answer<AnswerTaskResponse> {
        step!(self, request, "AnswerTask", AnswerTaskResponse, |reader, message| {
            let outcome = reader.word("outcome", message.outcome);
            // Whether one is needed depends on who asked for the work.
            let status = match message.status {
                0 => Some(None),
                number => reader.word("status", number).map(Some),
            };
            let advice = reader.sealed("advice", message.advice.as_ref());
            outcome.zip(status).map(|(outcome, status)| Wish::Answer { outcome, status, advice })
        })
    }

    async fn ask_colleague(
        &self,
        request: Request<rpc::AskColleagueRequest>,
    ) -> Answer<AskColleagueResponse> {
        step!(self, request, "AskColleague", AskColleagueResponse, |reader, message| {
            let role: Option<voordeur_kernel::Role> = reader.word("role", message.role);
            let person = reader.optional_key("person", &message.person);
            if role.is_some_and(|role| !may_be_asked(role)) {
                reader.fault("role", "NOT_A_COLLEAGUE", "choose a role that can be asked along");
            }
            role.map(|role| Wish::AskColleague(Colleague { role, person, with_name: message.with_name }))
        })
    }

    async fn assign_task(&self, request: Request<rpc::AssignTaskRequest>) -> Answer<AssignTaskResponse> {
        step!(self, request, "AssignTask", AssignTaskResponse, |reader, message| {
            let to = reader.key("professional", &message.professional);
            let reason = reader.word("reason", message.reason);
            to.zip(reason).map(|(to, reason)| Wish::Assign(to, reason))
        })
    }

    async fn request_cancellation(
        &self,
        request: Request<rpc::RequestCancellationRequest>,
    ) -> Answer<RequestCancellationResponse> {
        step!(self, request, "RequestCancellation", RequestCancellationResponse, |reader, message| reader
            .word("reason", message.reason)
            .map(Wish::RequestCancellation))
    }

    async fn decide_cancellation(
        &self,
        request: Request<rpc::DecideCancellationRequest>,
    ) -> Answer<DecideCancellationResponse> {
        step!(self, request, "DecideCancellation", DecideCancellationResponse, |reader, message| Some(
            Wish::DecideCancellation(message.confirmed)
        ))
    }

    async fn fail_task(&self, request: Request<rpc::FailTaskRequest>) -> Answer<FailTaskResponse> {
        step!(self, request, "FailTask", FailTaskResponse, |reader, message| reader
            .word("reason", message.reason)
            .map(Wish::Fail))
    }

    async fn mark_entered_in_error(
        &self,
        request: Request<rpc::MarkEnteredInErrorRequest>,
    ) -> Answer<MarkEnteredInErrorResponse> {
        step!(self, request, "MarkEnteredInError", MarkEnteredInErrorResponse, |reader, message| reader
            .word("reason", message.reason)
            .map(Wish::MarkEnteredInError))
    }

    async fn propose_transfer(
        &self,
        request: Request<rpc::ProposeTransferRequest>,
    ) -> Answer<ProposeTransferResponse> {
        step!(self, request, "ProposeTransfer", ProposeTransferResponse, |reader, message| {
            let to = reader.key("professional", &message.professional);
            let reason = reader.word("reason", message.reason);
            to.zip(reason).map(|(to, reason)| Wish::ProposeTransfer(to, reason))
        })
    }

    async fn answer_transfer(
        &self,
        request: Request<rpc::AnswerTransferRequest>,
    ) -> Answer<AnswerTransferResponse> {
        step!(self, request, "AnswerTransfer", AnswerTransferResponse, |reader, message| {
            match (message.accepted, message.reason) {
                (true, 0) => Some(Wish::AnswerTransfer(None)),
                (true, _) => {
                    reader.fault("reason", "ONLY_WHEN_DECLINED", "leave it out, or say no");
                    None
                }
                (false, reason) => {
                    reader.word("reason", reason).map(|reason| Wish::AnswerTransfer(Some(reason)))
                }
            }
        })
    }

    async fn withdraw_transfer(
        &self,
        request: Request<rpc::WithdrawTransferRequest>,
    ) -> Answer<WithdrawTransferResponse> {
        step!(self, request, "WithdrawTransfer", WithdrawTransferResponse, |reader, message| Some(
            Wish::WithdrawTransfer
        ))
    }

    async fn plan_meeting(&self, request: Request<rpc::PlanMeetingRequest>) -> Answer<PlanMeetingResponse> {
        step!(self, request, "PlanMeeting", PlanMeetingResponse, |reader, message| reader
            .meeting(&message)
            .map(Wish::PlanMeeting))
    }

    async fn record_meeting(
        &self,
        request: Request<rpc::RecordMeetingRequest>,
    ) -> Answer<RecordMeetingResponse> {
        step!(self, request, "RecordMeeting", RecordMeetingResponse, |reader, message| {
            let end = reader.word("end", message.end);
            end.map(|end| Wish::RecordMeeting { end, parents_came: message.parents_came })
        })
    }

    async fn request_further_work(
        &self,
        request: Request<rpc::RequestFurtherWorkRequest>,
    ) -> Answer<rpc::RequestFurtherWorkResponse> {
        let until = deadline(&request);
        let caller = person(&request)?;
        let (task, position) = self.further_work(&caller, request.into_inner(), until).await?;
        let (task, position) = (Some(task), Some(position));
        Ok(Response::new(rpc::RequestFurtherWorkResponse { task, position }))
    }

    async fn leave_with_holder(
        &self,
        request: Request<rpc::LeaveWithHolderRequest>,
    ) -> Answer<LeaveWithHolderResponse> {
        step!(self, request, "LeaveWithHolder", LeaveWithHolderResponse, |reader, message| Some(
            Wish::LeaveWithHolder
        ))
    }

    async fn explain_routing(
        &self,
        request: Request<rpc::ExplainRoutingRequest>,
    ) -> Answer<rpc::ExplainRoutingResponse> {
        let until = deadline(&request);
        let caller = looker(&request)?;
        let mut reader = Reader::default();
        let id = reader.task(&request.get_ref().task_id);
        let id = reader.finish(id)?;
        wait_for(&self.office, None, until).await?;
        Ok(Response::new(explain(&self.office, caller.as_ref(), id, until).await?))
    }
}

/// Who looks at one task: a person of the team, or an operator (`None`), who sees codes and keys as in the log itself.
fn looker<T>(request: &Request<T>) -> Result<Option<ProfessionalKey>, Problem> {
    match identity(request)? {
        Identity::Operator => Ok(None),
        _ => person(request).map(Some),
    }
}
