//! The professionals: each watches her worklist and does the next thing.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tonic::{Code, Status};
use voordeur_contracts::{
    common::{CommandContext, Position, TextPurpose},
    event::{AnswerStatus, ContactKind, ContactWith, TaskOutcome, TaskState},
    intake::{RevealDetailsRequest, SealTextRequest, details_service_client::DetailsServiceClient},
    routing::{
        AcceptTaskRequest, AnswerTaskRequest, RecordContactRequest, Task, WatchTasksRequest,
        task_service_client::TaskServiceClient, watch_tasks_response::Item,
    },
};

use super::{askers::passes, processes::Processes, story::Story};

/// How far everybody is.
#[derive(Debug, Default, Clone)]
pub(super) struct Done {
    pub(super) answered: usize,
}

/// One professional.
#[derive(Clone)]
pub(super) struct Colleague {
    pub(super) who: String,
    pub(super) processes: Arc<Processes>,
    pub(super) story: Story,
}

/// What she writes back; invented, short, useful tomorrow morning.
const ADVICE: [&str; 4] = [
    "Begin de dag vijf minuten samen aan de leestafel. Ik kijk donderdag mee en bel daarna de ouders.",
    "Verdeel de groep na het eten in twee hoeken. Ik kom maandag een uur observeren.",
    "Geef elke ochtend een vast maatje. Houd een week bij wanneer het goed gaat, dan bespreken we dat vrijdag.",
    "Ik sprak je net. Doe het zoals we afspraken. Lukt het niet? Dan hoor ik het graag meteen.",
];

impl Colleague {
    /// Watches for ever; when the stream breaks she takes it up where it broke.
    pub(super) async fn work(self, done: Arc<watch::Sender<Done>>) {
        let mut after = None;
        loop {
            if let Err(status) = self.watch(&mut after, &done).await
                && !passes(status.code())
            {
                self.story.say(&format!(
                    "{}: the worklist broke: {}: {}",
                    self.who,
                    status.code(),
                    status.message()
                ));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn watch(&self, after: &mut Option<Position>, done: &watch::Sender<Done>) -> Result<(), Status> {
        let mut client = TaskServiceClient::new(self.channel("routing")?);
        let request = WatchTasksRequest { resume_after: after.clone(), ..WatchTasksRequest::default() };
        let mut stream = client.watch_tasks(request).await?.into_inner();
        while let Some(item) = stream.next().await {
            let item = item?;
            if let Some(Item::Task(task)) = &item.item {
                self.next_step(task, done).await?;
            }
            // Only after the work: what broke off in the middle comes again.
            *after = item.position;
        }
        Ok(())
    }

    async fn next_step(&self, task: &Task, done: &watch::Sender<Done>) -> Result<(), Status> {
        match task.state() {
            TaskState::Requested if task.offered_to.contains(&self.who) => self.accept(task).await,
            TaskState::Accepted if task.holder == self.who => self.contact(task).await,
            TaskState::InProgress if task.holder == self.who => self.answer(task, done).await,
            _ => Ok(()),
        }
    }

    async fn accept(&self, task: &Task) -> Result<(), Status> {
        // A person reads before she taps; whoever is first has it.
        let mut hasher = DefaultHasher::new();
        (&task.task_id, &self.who).hash(&mut hasher);
        let hesitation = 40 + hasher.finish() % 160;
        tokio::time::sleep(Duration::from_millis(hesitation)).await;
        let request =
            AcceptTaskRequest { task_id: task.task_id.clone(), command: self.command(task, "accept") };
        match TaskServiceClient::new(self.channel("routing")?).accept_task(request).await {
            Ok(_) => {
                self.story.say(&format!("{} takes {}", self.who, short(&task.task_id)));
                Ok(())
            }
            // A colleague was first.
            Err(status)
                if matches!(
                    status.code(),
                    Code::FailedPrecondition | Code::PermissionDenied | Code::NotFound
                ) =>
            {
                Ok(())
            }
            Err(status) => Err(status),
        }
    }

    async fn contact(&self, task: &Task) -> Result<(), Status> {
        let request = RevealDetailsRequest { task_id: task.task_id.clone(), break_glass: None };
        let details =
            DetailsServiceClient::new(self.channel("intake")?).reveal_details(request).await?.into_inner();
        let characters = details.details.map_or(0, |details| details.text.chars().count());
        let request = RecordContactRequest {
            task_id: task.task_id.clone(),
            command: self.command(task, "contact"),
            kind: ContactKind::InPerson.into(),
            with: ContactWith::Signaller.into(),
            reached: true,
        };
        TaskServiceClient::new(self.channel("routing")?).record_contact(request).await?;
        self.story.say(&format!(
            "{} reads {} ({characters} characters, the look is on record) and speaks the signaller",
            self.who,
            short(&task.task_id)
        ));
        Ok(())
    }

    async fn answer(&self, task: &Task, done: &watch::Sender<Done>) -> Result<(), Status> {
        let number: usize = task.task_id.bytes().map(usize::from).sum();
        let text = ADVICE.get(number % ADVICE.len()).copied().unwrap_or_default();
        let sealed = SealTextRequest {
            task_id: task.task_id.clone(),
            purpose: TextPurpose::Answer.into(),
            text: text.to_owned(),
            idempotency_key: format!("demo-seal-{}", task.task_id),
            centre: String::new(),
        };
        let sealed =
            DetailsServiceClient::new(self.channel("intake")?).seal_text(sealed).await?.into_inner().sealed;
        let request = AnswerTaskRequest {
            task_id: task.task_id.clone(),
            command: self.command(task, "answer"),
            outcome: TaskOutcome::Advice.into(),
            status: AnswerStatus::AdviceGiven.into(),
            advice: sealed,
        };
        match TaskServiceClient::new(self.channel("routing")?).answer_task(request).await {
            Ok(_) => {
                self.story.say(&format!("{} answers {}", self.who, short(&task.task_id)));
                done.send_modify(|done| done.answered += 1);
                Ok(())
            }
            // Sealed again after a lost reply, the box differs: the key was used, so the answer stands.
            Err(status) if status.code() == Code::AlreadyExists => {
                done.send_modify(|done| done.answered += 1);
                Ok(())
            }
            Err(status) => Err(status),
        }
    }

    fn command(&self, task: &Task, act: &str) -> Option<CommandContext> {
        Some(CommandContext {
            idempotency_key: format!("demo-{act}-{}-{}", self.who, short(&task.task_id)),
            seen_version: 0,
        })
    }

    fn channel(&self, service: &str) -> Result<super::processes::Caller, Status> {
        self.processes.channel(service, &format!("person:{}", self.who)).map_err(Status::unavailable)
    }
}

/// Enough of an id to follow it with the eye.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
