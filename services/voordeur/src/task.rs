//! `voordeur task`.

mod arguments;
mod explain;

use std::process::ExitCode;

use tonic::{Request, Response, Status};
use voordeur_contracts::{
    common::{Position, SealedText, TextPurpose},
    intake::{BreakGlass, RevealDetailsRequest, SealTextRequest},
    routing::{
        AcceptTaskRequest, AnswerTaskRequest, AnswerTransferRequest, AskColleagueRequest, AssignTaskRequest,
        DecideCancellationRequest, DeclineTaskRequest, FailTaskRequest, GetTaskRequest, HandBackTaskRequest,
        HoldTaskRequest, LeaveWithHolderRequest, ListTasksRequest, MarkEnteredInErrorRequest,
        PlanMeetingRequest, ProposeTransferRequest, RecordContactRequest, RecordMeetingRequest,
        RequestCancellationRequest, RequestFurtherWorkRequest, ResumeTaskRequest, Task, WatchTasksRequest,
        WithdrawTransferRequest, watch_tasks_response,
    },
};

pub(crate) use arguments::Command;

use crate::{
    arguments::{Act, Global},
    client::{Client, drawn_key},
    failure::Failure,
    output, plain,
    wire::{shown_moment, shown_position, to_json, wire_moment, word},
};

const TASK: &str = "voordeur.routing.v1.Task";

/// Sends one step and shows the task after it.
macro_rules! step {
    ($client:expr, $method:ident, $response:literal, $json:expr, $request:expr) => {{
        let service = $client.tasks()?;
        let reply = $client.call($request, |request| {
            let mut service = service.clone();
            async move { service.$method(request).await }
        });
        let reply = reply.await?;
        if $json {
            output::value(&to_json(concat!("voordeur.routing.v1.", $response), &reply)?, true)
        } else {
            show_step(reply.task.as_ref(), reply.position.as_ref())
        }
    }};
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = &Client::new(global)?;
    let json = global.json;
    match command {
        Command::List { states, whole_centre, limit } => {
            list(client, states, whole_centre, limit, json).await?
        }
        Command::Watch { resume_after, whole_centre, until_caught_up } => {
            watch(client, resume_after, whole_centre, until_caught_up, json).await?
        }
        Command::Show { task, at_least } => {
            step!(client, get_task, "GetTaskResponse", json, GetTaskRequest { task_id: task, at_least })?;
        }
        Command::Explain { task } => explain::run(client, task, json).await?,
        Command::Reveal { task, break_glass } => reveal(client, task, break_glass, json).await?,
        Command::Answer { task, outcome, status, text, act } => {
            let advice = match text {
                Some(text) => seal(client, &task, text, &act).await?,
                None => None,
            };
            let status = status.unwrap_or_default();
            let request =
                AnswerTaskRequest { task_id: task, command: act.context()?, outcome, status, advice };
            step!(client, answer_task, "AnswerTaskResponse", json, request)?;
        }
        other => Box::pin(take_step(client, other, json)).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The steps that are one call and nothing else.
async fn take_step(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Accept { task, act } => {
            let request = AcceptTaskRequest { task_id: task, command: act.context()? };
            step!(client, accept_task, "AcceptTaskResponse", json, request)
        }
        Command::Decline { task, reason, act } => {
            let request = DeclineTaskRequest { task_id: task, command: act.context()?, reason };
            step!(client, decline_task, "DeclineTaskResponse", json, request)
        }
        Command::Contact { task, kind, with, not_reached, act } => {
            let request = RecordContactRequest {
                task_id: task,
                command: act.context()?,
                kind,
                with,
                reached: !not_reached,
            };
            step!(client, record_contact, "RecordContactResponse", json, request)
        }
        Command::Hold { task, reason, until, act } => {
            let until = Some(wire_moment(until));
            let request = HoldTaskRequest { task_id: task, command: act.context()?, reason, until };
            step!(client, hold_task, "HoldTaskResponse", json, request)
        }
        Command::Resume { task, act } => {
            let request = ResumeTaskRequest { task_id: task, command: act.context()? };
            step!(client, resume_task, "ResumeTaskResponse", json, request)
        }
        Command::HandBack { task, reason, act } => {
            let request = HandBackTaskRequest { task_id: task, command: act.context()?, reason };
            step!(client, hand_back_task, "HandBackTaskResponse", json, request)
        }
        Command::Ask { task, role, person, with_name, act } => {
            let person = person.unwrap_or_default();
            let request =
                AskColleagueRequest { task_id: task, command: act.context()?, role, person, with_name };
            step!(client, ask_colleague, "AskColleagueResponse", json, request)
        }
        Command::Transfer { task, to, reason, act } => {
            let request =
                ProposeTransferRequest { task_id: task, command: act.context()?, professional: to, reason };
            step!(client, propose_transfer, "ProposeTransferResponse", json, request)
        }
        Command::TakeOver { task, yes, no, act } => {
            let (accepted, reason) = (yes, no.unwrap_or_default());
            let request = AnswerTransferRequest { task_id: task, command: act.context()?, accepted, reason };
            step!(client, answer_transfer, "AnswerTransferResponse", json, request)
        }
        Command::WithdrawTransfer { task, act } => {
            let request = WithdrawTransferRequest { task_id: task, command: act.context()? };
            step!(client, withdraw_transfer, "WithdrawTransferResponse", json, request)
        }
        Command::PlanMeeting { task, at, roles, people, without_parents, invite_parents, act } => {
            let request = PlanMeetingRequest {
                task_id: task,
                command: act.context()?,
                at: Some(wire_moment(at)),
                roles,
                people,
                without_parents: without_parents.unwrap_or_default(),
                invite_parents,
            };
            step!(client, plan_meeting, "PlanMeetingResponse", json, request)
        }
        Command::RecordMeeting { task, end, parents_came, act } => {
            let request = RecordMeetingRequest { task_id: task, command: act.context()?, end, parents_came };
            step!(client, record_meeting, "RecordMeetingResponse", json, request)
        }
        Command::FurtherWork { task, reason, domains, act } => {
            let request =
                RequestFurtherWorkRequest { task_id: task, command: act.context()?, reason, domains };
            step!(client, request_further_work, "RequestFurtherWorkResponse", json, request)
        }
        Command::LeaveWithHolder { task, act } => {
            let request = LeaveWithHolderRequest { task_id: task, command: act.context()? };
            step!(client, leave_with_holder, "LeaveWithHolderResponse", json, request)
        }
        Command::Assign { task, to, reason, act } => {
            let request =
                AssignTaskRequest { task_id: task, command: act.context()?, professional: to, reason };
            step!(client, assign_task, "AssignTaskResponse", json, request)
        }
        Command::Cancel { task, reason, act } => {
            let request = RequestCancellationRequest { task_id: task, command: act.context()?, reason };
            step!(client, request_cancellation, "RequestCancellationResponse", json, request)
        }
        Command::Decide { task, confirm, refuse: _, act } => {
            let request =
                DecideCancellationRequest { task_id: task, command: act.context()?, confirmed: confirm };
            step!(client, decide_cancellation, "DecideCancellationResponse", json, request)
        }
        Command::Fail { task, reason, act } => {
            let request = FailTaskRequest { task_id: task, command: act.context()?, reason };
            step!(client, fail_task, "FailTaskResponse", json, request)
        }
        Command::Error { task, reason, act } => {
            let request = MarkEnteredInErrorRequest { task_id: task, command: act.context()?, reason };
            step!(client, mark_entered_in_error, "MarkEnteredInErrorResponse", json, request)
        }
        Command::List { .. }
        | Command::Watch { .. }
        | Command::Show { .. }
        | Command::Explain { .. }
        | Command::Reveal { .. }
        | Command::Answer { .. } => Err(Failure::failed("this step has a function of its own")),
    }
}

fn show_step(task: Option<&Task>, position: Option<&Position>) -> Result<(), Failure> {
    if let Some(task) = task {
        plain::print(TASK, task, false)?;
    }
    output::line(&format!("position: {}", shown_position(position)))
}

/// Only intake seals: the text goes there first, and the box it becomes goes with the answer.
async fn seal(client: &Client, task: &str, text: String, act: &Act) -> Result<Option<SealedText>, Failure> {
    let idempotency_key = match &act.key {
        Some(key) => key.clone(),
        None => drawn_key()?,
    };
    let request = SealTextRequest {
        task_id: task.to_owned(),
        purpose: TextPurpose::Answer.into(),
        text,
        idempotency_key,
        centre: String::new(),
    };
    let service = client.details()?;
    let reply = client.call(request, |request| {
        let mut service = service.clone();
        async move { service.seal_text(request).await }
    });
    Ok(reply.await?.sealed)
}

async fn reveal(
    client: &Client,
    task: String,
    break_glass: Option<String>,
    json: bool,
) -> Result<(), Failure> {
    let request =
        RevealDetailsRequest { task_id: task, break_glass: break_glass.map(|reason| BreakGlass { reason }) };
    let service = client.details()?;
    let reply = client.call(request, |request| {
        let mut service = service.clone();
        async move { service.reveal_details(request).await }
    });
    plain::print("voordeur.intake.v1.RevealDetailsResponse", &reply.await?, json)
}

async fn list(
    client: &Client,
    states: Vec<i32>,
    whole_centre: bool,
    limit: u32,
    json: bool,
) -> Result<(), Failure> {
    let service = client.tasks()?;
    let mut rows = Vec::new();
    let mut left = limit;
    let mut page_token = String::new();
    while left > 0 {
        let request = ListTasksRequest {
            states: states.clone(),
            whole_centre,
            page_size: left.min(500),
            page_token,
            at_least: None,
        };
        let page = client.call(request, |request| {
            let mut service = service.clone();
            async move { service.list_tasks(request).await }
        });
        let page = page.await?;
        left = left.saturating_sub(u32::try_from(page.tasks.len()).unwrap_or(u32::MAX));
        for task in page.tasks {
            if json {
                output::value(&to_json(TASK, &task)?, true)?;
            } else {
                rows.push(row(&task));
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if json {
        return Ok(());
    }
    output::table(["task", "state", "urgency", "centre", "about", "holder", "received", "next"], &rows)
}

fn row(task: &Task) -> [String; 8] {
    let next = task
        .deadlines
        .iter()
        .filter_map(|deadline| deadline.due.as_ref())
        .min_by_key(|at| (at.seconds, at.nanos));
    let holder = if !task.transfer_to.is_empty() {
        format!("{} ? {}", task.holder, task.transfer_to)
    } else if task.holder.is_empty() && !task.offered_to.is_empty() {
        format!("? {}", task.offered_to.join(", "))
    } else {
        task.holder.clone()
    };
    let mut state = word("voordeur.event.v1.TaskState", task.state);
    if task.overdue {
        state.push_str(" (late)");
    }
    if task.holder_away.is_some() {
        state.push_str(" (holder away)");
    }
    let about = match &task.follow_up {
        Some(follow_up) => follow_up.label.clone(),
        None => word("voordeur.common.v1.SubjectKind", task.subject),
    };
    [
        task.task_id.clone(),
        state,
        word("voordeur.common.v1.Urgency", task.urgency),
        task.centre.clone(),
        about,
        holder,
        shown_moment(task.received_at.as_ref()),
        shown_moment(next),
    ]
}

async fn watch(
    client: &Client,
    resume_after: Option<Position>,
    whole_centre: bool,
    until_caught_up: bool,
    json: bool,
) -> Result<(), Failure> {
    let mut service = client.tasks()?;
    let opened: Result<Response<_>, Status> =
        service.watch_tasks(Request::new(WatchTasksRequest { resume_after, whole_centre })).await;
    let mut stream = opened?.into_inner();
    while let Some(item) = stream.message().await? {
        let caught_up = matches!(item.item, Some(watch_tasks_response::Item::CaughtUp(_)));
        if json {
            output::value(&to_json("voordeur.routing.v1.WatchTasksResponse", &item)?, true)?;
        } else {
            match &item.item {
                Some(watch_tasks_response::Item::Task(task)) => output::line(&row(task).join("  "))?,
                Some(watch_tasks_response::Item::GoneTaskId(id)) => output::line(&format!("{id}  gone"))?,
                _ => output::complain(&format!(
                    "up to date; resume after {}",
                    shown_position(item.position.as_ref())
                )),
            }
        }
        if caught_up && until_caught_up {
            break;
        }
    }
    Ok(())
}
