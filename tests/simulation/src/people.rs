//! Those who help: professionals and coordinators. Each looks at her list and takes a step that the list says she may take.

use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::SignedDuration;
use tonic::{Code, Status};
use voordeur_contracts::{
    common::{CommandContext, SealedText, TextPurpose},
    convert::to_wire_time,
    event::{
        AnswerStatus, AssignReason, CancelReason, ContactKind, ContactWith, DeclineReason, ErrorReason,
        FailReason, FurtherWorkReason, HandBackReason, HoldReason, MeetingEnd, TaskOutcome,
        WithoutParentsReason,
    },
    intake::{RevealDetailsRequest, SealTextRequest, details_service_client::DetailsServiceClient},
    routing::{
        AcceptTaskRequest, AnswerTaskRequest, AnswerTransferRequest, AskColleagueRequest, AssignTaskRequest,
        DecideCancellationRequest, DeclineTaskRequest, FailTaskRequest, FollowUp, HandBackTaskRequest,
        HoldTaskRequest, LeaveWithHolderRequest, ListTasksRequest, MarkAbsentRequest,
        MarkEnteredInErrorRequest, MarkPresentRequest, MarkReturnedRequest, PlanMeetingRequest,
        ProposeTransferRequest, RecordContactRequest, RecordMeetingRequest, RequestCancellationRequest,
        RequestFurtherWorkRequest, ResumeTaskRequest, Task, WithdrawTransferRequest,
        presence_service_client::PresenceServiceClient, task_service_client::TaskServiceClient,
    },
};
use voordeur_kernel::Timestamp;
use voordeur_system_tests::signals;

use crate::{
    dice::Dice,
    world::{ServiceName, World, of, reason, reason as reason_of},
};

/// Professionals and coordinators, each with her centre.
pub const PEOPLE: [(&str, &str, bool); 11] = [
    ("noor", "de-wilg", false),
    ("sam", "de-wilg", false),
    ("yasmina", "de-wilg", false),
    ("eva", "de-els", false),
    ("marit", "de-wilg", true),
    // Only in every second version of the directory, in the place of Marit.
    ("petra", "de-wilg", true),
    ("fien", "de-els", true),
    ("lotte", "de-brink", false),
    ("tom", "de-brink", false),
    ("joke", "de-brink", true),
    // Only in some versions of the directory.
    ("ilse", "de-els", false),
];

/// Who comes and goes with the versions of the directory.
pub const COMING_AND_GOING: [&str; 5] = ["marit", "petra", "sam", "lotte", "ilse"];

/// Somebody of a centre who is always in the directory.
fn stays_at(centre: &str) -> &'static str {
    match centre {
        "de-wilg" => "noor",
        "de-els" => "eva",
        _ => "tom",
    }
}

type Outcome = Option<Result<(), Status>>;

/// A moment some hours ahead. No jump of the clock passes it while the second part is held.
fn in_hours(
    world: &World,
    dice: &mut Dice,
    (least, most): (u64, u64),
) -> (Option<prost_types::Timestamp>, Arc<Timestamp>) {
    let hours = i64::try_from(dice.between(least, most)).expect("hours");
    let moment = world.now().checked_add(SignedDuration::from_hours(hours)).expect("a moment");
    (Some(to_wire_time(moment)), world.stays_ahead(moment))
}

/// A step that was chosen: who, on what, with which key.
struct Act<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    who: String,
    task: &'a Task,
    command: Option<CommandContext>,
    advice: Option<SealedText>,
}

/// Calls a step of `TaskService` until it is settled.
macro_rules! step {
    ($act:ident, $rpc:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let request = $request {
            task_id: $act.task.task_id.clone(),
            command: $act.command.clone(),
            $($field: $value,)*
        };
        let who = $act.who.clone();
        let outcome = $act.world.insist($act.dice, ServiceName::Routing, 40, |grpc| {
            let request = of(&who, request.clone());
            async move { TaskServiceClient::new(grpc).$rpc(request).await }.boxed()
        });
        outcome.await.map(|outcome| outcome.map(|_| ()))
    }};
}

/// Whoever comes and goes with the directory may have lost her say between two attempts of one act: the first was stored, and to the
/// second she is told that she is nobody here.
pub(crate) fn replaced(person: &str, no: &Status) -> bool {
    matches!(no.code(), Code::PermissionDenied | Code::NotFound) && COMING_AND_GOING.contains(&person)
}

/// What somebody sees on her list; `None` when nobody answers.
pub async fn list(world: &World, dice: &mut Dice, person: &str, coordinator: bool) -> Option<Vec<Task>> {
    let request =
        ListTasksRequest { whole_centre: coordinator, page_size: 500, ..ListTasksRequest::default() };
    let who = format!("person:{person}");
    let listed = world.insist(dice, ServiceName::Routing, 10, |grpc| {
        let request = of(&who, request.clone());
        async move { TaskServiceClient::new(grpc).list_tasks(request).await }.boxed()
    });
    listed.await?.ok().map(|list| list.tasks)
}

/// Somebody looks at her list and takes a step.
pub async fn work(world: World, mut dice: Dice, number: usize) {
    let (person, centre, coordinator) = *dice.pick(&PEOPLE);
    let Some(tasks) = list(&world, &mut dice, person, coordinator).await else { return };
    if tasks.is_empty() {
        return;
    }
    let task = dice.pick(&tasks).clone();
    // Now and then she tries what she may not.
    let any = ["AcceptTask", "AnswerTask", "HandBackTask", "AssignTask", "ResumeTask", "DecideCancellation"];
    let name = if task.allowed_steps.is_empty() || dice.chance(5) {
        (*dice.pick(&any)).to_owned()
    } else {
        // Ending it in error is rare.
        match dice.pick(&task.allowed_steps).as_str() {
            "MarkEnteredInError" if !dice.chance(10) => task.allowed_steps[0].clone(),
            name => name.to_owned(),
        }
    };
    let at = PEOPLE.iter().filter(|(_, other, _)| *other == centre).map(|(who, ..)| *who);
    let colleagues: Vec<&str> = at.collect();
    take_step(&world, &mut dice, person, &task, &name, &colleagues, number).await;
}

async fn take_step(
    world: &World,
    dice: &mut Dice,
    person: &str,
    task: &Task,
    name: &str,
    colleagues: &[&str],
    number: usize,
) {
    let key = format!("person-act-{number}");
    let seen_version = if dice.chance(60) { task.version } else { 0 };
    let who = format!("person:{person}");
    let command = Some(CommandContext { idempotency_key: key.clone(), seen_version });
    let mut act = Act { world, dice, who: who.clone(), task, command, advice: None };
    if name == "AnswerTask" && task.follow_up.is_none() && act.dice.chance(40) {
        act.seal(number).await;
    }
    let life = world.life();
    let taken = act.take(name, colleagues).await;
    world.settle_doubt(world.deriver.command_id(&who, &key));
    let Some(outcome) = taken else {
        return world.tell(format!("{person}: {name} on {}: unknown", task.task_id));
    };
    let what = format!("{person}: {name} on {}", task.task_id);
    match outcome {
        Ok(()) => {
            world.tell(format!("{what}: done"));
            if name == "AnswerTask" {
                world.ledger().answered.insert(task.task_id.clone());
            }
            if name == "AnswerTask" && act.dice.chance(8) {
                return act.further(number).await;
            }
            // A second tap, later.
            if act.dice.chance(15)
                && let Some(Err(no)) = act.again(name).await
                && !replaced(person, &no)
                && life == world.life()
            {
                world.break_promise(9, format!("{what}: done, and refused when it was repeated: {no:?}"));
            }
        }
        Err(no) => {
            world.tell(format!("{what}: refused, {}", reason(&no)));
            if !replaced(person, &no) {
                world.ledger().refused.insert(world.deriver.command_id(&who, &key), what);
            }
        }
    }
}

impl Act<'_> {
    /// Has an advice sealed; without one she answers with a status alone.
    async fn seal(&mut self, number: usize) {
        let request = SealTextRequest {
            task_id: self.task.task_id.clone(),
            purpose: TextPurpose::Answer.into(),
            text: format!("{} als advies", signals::TEXT),
            idempotency_key: format!("seal-act-{number}"),
            centre: String::new(),
        };
        let who = self.who.clone();
        let sealed = self.world.insist(self.dice, ServiceName::Intake, 20, |grpc| {
            let request = of(&who, request.clone());
            async move { DetailsServiceClient::new(grpc).seal_text(request).await }.boxed()
        });
        self.advice = sealed.await.and_then(Result::ok).and_then(|reply| reply.sealed);
    }

    async fn take(&mut self, name: &str, colleagues: &[&str]) -> Outcome {
        match name {
            "DeclineTask" => {
                let all =
                    [DeclineReason::NoTime, DeclineReason::TooClose, DeclineReason::OtherExpertiseNeeded];
                let reason = (*self.dice.pick(&all)).into();
                step!(self, decline_task, DeclineTaskRequest { reason: reason })
            }
            "HandBackTask" => {
                step!(self, hand_back_task, HandBackTaskRequest { reason: HandBackReason::NoTime.into() })
            }
            "HoldTask" => {
                let (until, _ahead) = in_hours(self.world, self.dice, (24, 24 * 30));
                let reason = HoldReason::WaitingForParents.into();
                step!(self, hold_task, HoldTaskRequest { reason: reason, until: until })
            }
            "RecordContact" => {
                let reached = self.dice.chance(60);
                step!(
                    self,
                    record_contact,
                    RecordContactRequest {
                        kind: ContactKind::Phone.into(),
                        with: ContactWith::Signaller.into(),
                        reached: reached,
                    }
                )
            }
            "AskColleague" => {
                let role = voordeur_contracts::common::Role::Jgz.into();
                step!(
                    self,
                    ask_colleague,
                    AskColleagueRequest { role: role, person: String::new(), with_name: false }
                )
            }
            "AssignTask" => {
                let professional = (*self.dice.pick(colleagues)).to_owned();
                let reason = AssignReason::Workload.into();
                step!(self, assign_task, AssignTaskRequest { professional: professional, reason: reason })
            }
            "RequestCancellation" => {
                let reason = CancelReason::Duplicate.into();
                step!(self, request_cancellation, RequestCancellationRequest { reason: reason })
            }
            "DecideCancellation" => {
                let confirmed = self.dice.chance(40);
                step!(self, decide_cancellation, DecideCancellationRequest { confirmed: confirmed })
            }
            "FailTask" => {
                step!(self, fail_task, FailTaskRequest { reason: FailReason::NoCooperation.into() })
            }
            "MarkEnteredInError" => {
                let reason = ErrorReason::Test.into();
                step!(self, mark_entered_in_error, MarkEnteredInErrorRequest { reason: reason })
            }
            "ProposeTransfer" => {
                let professional = (*self.dice.pick(colleagues)).to_owned();
                let reason = AssignReason::Workload.into();
                step!(
                    self,
                    propose_transfer,
                    ProposeTransferRequest { professional: professional, reason: reason }
                )
            }
            "AnswerTransfer" => {
                let accepted = self.dice.chance(60);
                let reason = if accepted { DeclineReason::Unspecified } else { DeclineReason::NoTime };
                step!(
                    self,
                    answer_transfer,
                    AnswerTransferRequest { accepted: accepted, reason: reason.into() }
                )
            }
            "PlanMeeting" => {
                let (at, _ahead) = in_hours(self.world, self.dice, (20, 24 * 14));
                // Those in other roles at the table; parents come along unless there is a reason.
                let roles = vec![voordeur_contracts::common::Role::Jgz.into()];
                let without = self.dice.chance(20).then_some(WithoutParentsReason::ParentsAsked);
                let without = without.unwrap_or(WithoutParentsReason::Unspecified);
                step!(
                    self,
                    plan_meeting,
                    PlanMeetingRequest {
                        at: at,
                        roles: roles.clone(),
                        people: Vec::new(),
                        without_parents: without.into(),
                        invite_parents: false,
                    }
                )
            }
            "RecordMeeting" => {
                let end = *self.dice.pick(&[MeetingEnd::Held, MeetingEnd::Cancelled, MeetingEnd::Moved]);
                let came = end == MeetingEnd::Held && self.dice.chance(50);
                step!(self, record_meeting, RecordMeetingRequest { end: end.into(), parents_came: came })
            }
            name => self.again(name).await,
        }
    }

    /// There is more work after all.
    async fn further(mut self, number: usize) {
        let key = format!("further-act-{number}");
        self.command = Some(CommandContext { idempotency_key: key.clone(), seen_version: 0 });
        let reason = FurtherWorkReason::CameBack.into();
        let outcome = step!(
            self,
            request_further_work,
            RequestFurtherWorkRequest { reason: reason, domains: Vec::new() }
        );
        self.world.settle_doubt(self.world.deriver.command_id(&self.who, &key));
        let what = format!("{}: further work on {}", self.who, self.task.task_id);
        match outcome {
            None => self.world.tell(format!("{what}: unknown")),
            Some(Ok(())) => self.world.tell(format!("{what}: done")),
            Some(Err(no)) => self.world.tell(format!("{what}: refused, {}", reason_of(&no))),
        }
    }

    /// Steps that always say the same, so that they can be repeated as they were.
    async fn again(&mut self, name: &str) -> Outcome {
        match name {
            "AcceptTask" => step!(self, accept_task, AcceptTaskRequest {}),
            "ResumeTask" => step!(self, resume_task, ResumeTaskRequest {}),
            "WithdrawTransfer" => step!(self, withdraw_transfer, WithdrawTransferRequest {}),
            "LeaveWithHolder" => step!(self, leave_with_holder, LeaveWithHolderRequest {}),
            "HandBackTask" => {
                step!(self, hand_back_task, HandBackTaskRequest { reason: HandBackReason::NoTime.into() })
            }
            "AnswerTask" => {
                // Nobody waits for an answer of work that came due by itself.
                let (outcome, status, advice) = if self.task.follow_up.is_none() {
                    (TaskOutcome::Advice, AnswerStatus::AdviceGiven, self.advice.clone())
                } else {
                    (TaskOutcome::Done, AnswerStatus::Unspecified, None)
                };
                step!(
                    self,
                    answer_task,
                    AnswerTaskRequest {
                        outcome: outcome.into(),
                        status: status.into(),
                        advice: advice.clone()
                    }
                )
            }
            _ => None,
        }
    }
}

/// Somebody wants to read what a signal says. Whoever is shown it is on record.
pub async fn read(world: World, mut dice: Dice) {
    let (person, _, coordinator) = *dice.pick(&PEOPLE);
    let Some(tasks) = list(&world, &mut dice, person, coordinator).await else { return };
    if tasks.is_empty() {
        return;
    }
    let task = dice.pick(&tasks).clone();
    let who = format!("person:{person}");
    let request = RevealDetailsRequest { task_id: task.task_id.clone(), break_glass: None };
    let shown = world.insist(&mut dice, ServiceName::Intake, 10, |grpc| {
        let request = of(&who, request.clone());
        async move { DetailsServiceClient::new(grpc).reveal_details(request).await }.boxed()
    });
    match shown.await {
        None => {}
        Some(Ok(reply)) => {
            world.ledger().looks += 1;
            world.tell(format!("{person} reads {}", task.task_id));
            if !reply.details.is_some_and(|details| details.text.starts_with(signals::TEXT)) {
                world.break_promise(6, format!("{}: another text than was handed over", task.task_id));
            }
        }
        Some(Err(no)) => world.tell(format!("{person} reads {}: refused, {}", task.task_id, reason(&no))),
    }
}

/// Somebody says where she is.
pub async fn say_presence(world: World, mut dice: Dice, number: usize) {
    let (person, centre, _) = *dice.pick(&PEOPLE);
    let who = format!("person:{person}");
    let key = format!("presence-act-{number}");
    let command = Some(CommandContext { idempotency_key: key.clone(), seen_version: 0 });
    // Planned, or from now on; for an afternoon or for weeks.
    let (from, _begins) = in_hours(&world, &mut dice, (3, 24 * 7));
    let from = from.filter(|_| dice.chance(30));
    let after = if from.is_some() { 24 * 7 } else { 0 };
    let most = if dice.chance(50) { 30 } else { 24 * 20 };
    let (until, _ends) = in_hours(&world, &mut dice, (after + 3, after + most));
    let stand_in = PEOPLE.iter().filter(|(other, at, _)| *at == centre && *other != person);
    let stand_ins: Vec<&str> = stand_in.map(|(other, ..)| *other).collect();
    let stand_in = if dice.chance(40) { (*dice.pick(&stand_ins)).to_owned() } else { String::new() };
    let professional = person.to_owned();
    let (name, outcome) = match dice.between(0, 3) {
        0 => {
            let request = MarkAbsentRequest { command, professional, until, stand_in, from };
            let outcome = world.insist(&mut dice, ServiceName::Routing, 40, |grpc| {
                let request = of(&who, request.clone());
                async move { PresenceServiceClient::new(grpc).mark_absent(request).await }.boxed()
            });
            ("is absent", outcome.await.map(|outcome| outcome.map(|_| ())))
        }
        1 => {
            let request = MarkPresentRequest { command, professional, centre: centre.to_owned(), until };
            let outcome = world.insist(&mut dice, ServiceName::Routing, 40, |grpc| {
                let request = of(&who, request.clone());
                async move { PresenceServiceClient::new(grpc).mark_present(request).await }.boxed()
            });
            ("is there", outcome.await.map(|outcome| outcome.map(|_| ())))
        }
        _ => {
            let request = MarkReturnedRequest { command, professional };
            let outcome = world.insist(&mut dice, ServiceName::Routing, 40, |grpc| {
                let request = of(&who, request.clone());
                async move { PresenceServiceClient::new(grpc).mark_returned(request).await }.boxed()
            });
            ("is back", outcome.await.map(|outcome| outcome.map(|_| ())))
        }
    };
    world.settle_doubt(world.deriver.command_id(&who, &key));
    match outcome {
        None => world.tell(format!("{person} {name}: unknown")),
        Some(Ok(())) => world.tell(format!("{person} {name}")),
        Some(Err(no)) => {
            world.tell(format!("{person} {name}: refused, {}", reason(&no)));
            if !replaced(person, &no) {
                let command = world.deriver.command_id(&who, &key);
                world.ledger().refused.insert(command, format!("{person} {name}"));
            }
        }
    }
}

/// The one step that brings a task nearer to its end, by whoever may take it.
pub async fn finish(
    world: &World,
    dice: &mut Dice,
    task: &voordeur_routing_domain::task::Task,
    number: usize,
) {
    use voordeur_routing_domain::task::TaskState;
    let coordinator = task.coordinator.as_str().to_owned();
    let gone = |holder: &str| COMING_AND_GOING.contains(&holder) && holder != coordinator;
    let (person, name) = match (&task.holder, task.state) {
        (Some(holder), _) if !gone(holder.as_str()) => (holder.as_str().to_owned(), "AnswerTask"),
        (_, TaskState::CancelRequested) => (coordinator, "DecideCancellation"),
        // She who held it left; the coordinator gives it to somebody.
        (Some(_), _) => (coordinator, "AssignTask"),
        (None, _) => (coordinator, "AcceptTask"),
    };
    let follow_up = (!task.about.trigger.has_asker()).then(FollowUp::default);
    let shown = Task { task_id: task.id.to_string(), follow_up, ..Task::default() };
    take_step(world, dice, &person, &shown, name, &[stays_at(task.about.centre.as_str())], number).await;
}
