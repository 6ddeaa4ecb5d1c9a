//! `NoticeService`: what somebody must know, for apps that ring.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use voordeur_chassis::{Problem, deadline};
use voordeur_contracts::{
    convert::to_wire_time,
    routing::{
        NoticeItem, NoticesCaughtUp, WatchNoticesRequest, WatchNoticesResponse,
        notice_service_server::NoticeService, watch_notices_response::Item,
    },
};
use voordeur_eventlog::{Deadline, Position};
use voordeur_kernel::{ErrorKind, ProfessionalKey, TaskId, limits};
use voordeur_routing_domain::notice::is_safety;

use super::{read_position, request::person, wait_for, wire_position};
use crate::{
    codec::words::Word as _,
    notices::{Desk, board::Entry, mail::screen, moment::Moment, sending::Stands},
    office::Office,
};

/// Items that may wait for one reader before the sender waits for it.
const WATCH_CHANNEL: usize = 64;
/// A sign of life, with the newest position, when nothing else came.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How long the reader may leave us standing before it is cut.
const SLOW_READER_MAX: Duration = Duration::from_secs(30);

/// The service.
#[derive(Clone)]
pub(crate) struct NoticeApi {
    pub(crate) office: Arc<Office>,
    pub(crate) desk: Arc<Desk>,
}

type Reply = Result<WatchNoticesResponse, Status>;

#[tonic::async_trait]
impl NoticeService for NoticeApi {
    type WatchNoticesStream = ReceiverStream<Reply>;

    async fn watch_notices(
        &self,
        request: Request<WatchNoticesRequest>,
    ) -> Result<Response<Self::WatchNoticesStream>, Status> {
        let until = deadline(&request);
        let caller = person(&request)?;
        let resume_after = read_position(request.into_inner().resume_after.as_ref(), "resume_after")?;
        wait_for(&self.office, None, until).await?;
        let (to, stream) = mpsc::channel(WATCH_CHANNEL);
        let watch = Watch {
            office: Arc::clone(&self.office),
            desk: Arc::clone(&self.desk),
            person: caller,
            to,
            on_record: HashSet::new(),
            position: None,
        };
        tokio::spawn(watch.run(resume_after));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// One watch.
struct Watch {
    office: Arc<Office>,
    desk: Arc<Desk>,
    person: ProfessionalKey,
    to: mpsc::Sender<Reply>,
    /// Tasks about a child that this watch is on record to show.
    on_record: HashSet<TaskId>,
    position: Option<Position>,
}

/// Why a watch ends.
enum Over {
    /// The reader is gone.
    Gone,
    /// The reader has to be told.
    Told(Box<Problem>),
}

impl From<Problem> for Over {
    fn from(problem: Problem) -> Self {
        Self::Told(Box::new(problem))
    }
}

impl Watch {
    async fn run(mut self, resume_after: Option<Position>) {
        let reader = self.to.clone();
        tokio::select! {
            biased;
            () = reader.closed() => {}
            over = self.watch(resume_after) => if let Err(Over::Told(problem)) = over {
                let _ = tokio::time::timeout(SLOW_READER_MAX, reader.send(Err(Status::from(*problem)))).await;
            }
        }
    }

    async fn watch(&mut self, resume_after: Option<Position>) -> Result<(), Over> {
        // Listening begins before the look, so that nothing falls between the two.
        let mut news = self.desk.news();
        let from = resume_after.as_ref().map_or(0, |after| after.sequence);
        let reached = tokio::time::timeout(SLOW_READER_MAX, self.desk.reached(from)).await;
        let now = self.desk.position().filter(|_| reached.is_ok());
        let Some(now) = now else {
            return Err(
                Problem::unavailable("NOT_READY", "still reading the log; try again in a moment").into()
            );
        };
        if resume_after.is_some_and(|after| after.incarnation != now.incarnation) {
            let gone = "this position cannot be resumed from; watch without one";
            return Err(Problem::fault("resume_after", "POSITION_GONE", gone).into());
        }
        let entries = self.desk.board().entries(&self.person);
        let mut seen = entries.last().map_or(0, |entry| entry.sequence);
        let newer = entries.into_iter().filter(|entry| entry.sequence > from).collect();
        self.show(newer).await?;
        self.position = Some(now);
        self.caught_up().await?;
        loop {
            let entry = tokio::select! {
                biased;
                entry = news.recv() => entry,
                () = tokio::time::sleep(SIGN_OF_LIFE) => {
                    self.caught_up().await?;
                    continue;
                }
            };
            match entry {
                Ok(entry) if entry.to != self.person || entry.sequence <= seen => {}
                Ok(entry) => {
                    seen = entry.sequence;
                    self.show(vec![entry]).await?;
                }
                Err(RecvError::Lagged(_)) => return Err(self.too_slow().into()),
                Err(broadcast::error::RecvError::Closed) => return Err(Over::Gone),
            }
        }
    }

    /// Shows what still stands, oldest first; what is about a child is on record before.
    async fn show(&mut self, entries: Vec<Entry>) -> Result<(), Over> {
        let Some(last) = entries.last().map(|entry| entry.sequence) else { return Ok(()) };
        let until = Deadline::now() + limits::REQUEST_TIME_DEFAULT;
        if let Some(read) = self.office.fold.position() {
            let wanted = Position { sequence: last, ..read };
            self.office.fold.reached(&wanted, until).await.map_err(Problem::from)?;
        }
        let shown: Vec<(Entry, Stands)> = entries
            .into_iter()
            .filter_map(|entry| self.desk.stands(&self.office, &entry).map(|stands| (entry, stands)))
            .collect();
        let directory = self.office.directory()?;
        let mut children: Vec<TaskId> =
            shown.iter().filter(|(_, stands)| stands.about_child).map(|(entry, _)| entry.task).collect();
        children.retain(|task| !self.on_record.contains(task));
        children.sort();
        children.dedup();
        self.office.record_list(&directory, &self.person, &children, "WatchNotices", until).await?;
        self.on_record.extend(children);
        let now = self.office.clock.now();
        let person = directory.person(self.person.as_str());
        let moment = person.map(|person| Moment::of(&self.office, &directory, person, now));
        for (entry, stands) in shown {
            let quiet = !is_safety(entry.reason) && !moment.is_some_and(|moment| moment.allows(entry.reason));
            let item = NoticeItem {
                notice_id: self.id(&entry),
                task_id: entry.task.to_string(),
                reason: entry.reason.number(),
                urgency: stands.urgency.number(),
                centre: stands.centre.to_string(),
                at: Some(to_wire_time(entry.at)),
                text: screen(entry.reason).to_owned(),
                quiet,
            };
            if let Some(position) = self.desk.position() {
                self.position = Some(Position { sequence: entry.sequence, ..position });
            }
            self.send(Item::Notice(item)).await?;
        }
        Ok(())
    }

    /// The same whenever the same notice is shown.
    fn id(&self, entry: &Entry) -> String {
        let parts = [
            self.person.as_str().as_bytes(),
            entry.task.as_bytes(),
            &entry.reason.number().to_be_bytes(),
            &entry.sequence.to_be_bytes(),
        ];
        let id = self.office.deriver.fingerprint("notice on a screen", &parts);
        id.iter().fold("ntc_".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }

    async fn caught_up(&self) -> Result<(), Over> {
        self.send(Item::CaughtUp(NoticesCaughtUp {})).await
    }

    async fn send(&self, item: Item) -> Result<(), Over> {
        let position = self.position.as_ref().map(wire_position);
        let message = WatchNoticesResponse { item: Some(item), position };
        // A reader that takes nothing for long is cut, so that it does not hold memory; it may come back.
        match tokio::time::timeout(SLOW_READER_MAX, self.to.send(Ok(message))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over::Gone),
        }
    }

    fn too_slow(&self) -> Problem {
        let problem = Problem::new(
            ErrorKind::TooMuch,
            "READER_TOO_SLOW",
            "too many notices were waiting; watch again from the position in the details",
        );
        match &self.position {
            Some(position) => problem
                .with_metadata("stream", position.stream.as_str())
                .with_metadata("incarnation", position.incarnation.to_string())
                .with_metadata("sequence", position.sequence.to_string()),
            None => problem,
        }
    }
}
