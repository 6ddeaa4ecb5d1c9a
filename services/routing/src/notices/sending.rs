//! Sending: claim by compare-and-set, hand over, record.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use prost::bytes::Bytes;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use voordeur_directory::{Directory, MailAddress, Person};
use voordeur_eventlog::{AppendError, Commit, Deadline, Version};
use voordeur_kernel::{CommandId, CommitId, ProfessionalKey, Timestamp};
use voordeur_routing_domain::{
    notice::{is_safety, still_stands},
    task::{Actor, Meta},
};
use voordeur_vault::random_id;

use super::{
    Desk, NotSent, Notifier,
    board::{Claim, Entry, History},
    codec::{NOTICE_KIND, Wire, write},
    mail::{Line, compose},
    moment::{Moment, kind},
    plan::{Next, Standing, later, next, pause_s},
    subject,
};
use crate::{
    codec::{SERVICE, SOURCE},
    machine::task_subject,
    office::Office,
};

/// How often it is looked whose moment has come, since the time may be moved.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long handing one mail over may take, in seconds: well within a claim.
const HAND_OVER_S: i64 = 30;
/// How long one event may take to be stored.
const STORE_TIME: Duration = Duration::from_secs(10);
/// Wait before an event is stored again that could not be.
const STORE_AGAIN: Duration = Duration::from_millis(500);
/// People who are told side by side.
const SIDE_BY_SIDE: usize = 8;

/// What sending needs.
pub(crate) struct Sending {
    pub(crate) office: Arc<Office>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) notifier: Arc<dyn Notifier>,
    /// Where to look; empty: as people know it.
    pub(crate) worklist: String,
}

/// Tells people by mail until it is told to stop. What is in hand then is left as it is: its claim ends, and another replica goes on.
///
/// # Errors
/// When sending ended in a way that should not be.
pub(crate) async fn run(sending: Arc<Sending>, stop: CancellationToken) -> Result<(), JoinError> {
    let mut busy: HashSet<ProfessionalKey> = HashSet::new();
    // What a replica stored itself it may not have read back yet.
    let mut stored: HashMap<ProfessionalKey, u64> = HashMap::new();
    let mut in_hand = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            Some(done) = in_hand.join_next() => {
                let (person, version): (ProfessionalKey, u64) = done?;
                busy.remove(&person);
                stored.insert(person, version);
            }
            () = sending.desk.wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        // Until everything was read once nobody knows what was told before.
        if sending.desk.position().is_none() {
            continue;
        }
        let Ok(directory) = sending.office.directory() else { continue };
        let now = sending.office.clock.now();
        let mut oldest = 0.0_f64;
        for person in directory.people() {
            let Some(email) = person.notify.as_ref().and_then(|notify| notify.email.clone()) else {
                continue;
            };
            let history = sending.desk.board().history(&person.key);
            if stored.get(&person.key).is_some_and(|version| history.version < *version) {
                continue;
            }
            let standing = sending.standing(&directory, person, now);
            let waiting = standing.iter().filter(|one| one.allowed);
            let age = waiting.map(|one| now.duration_since(one.entry.at).as_secs_f64()).fold(0.0, f64::max);
            oldest = oldest.max(age);
            if busy.contains(&person.key) || in_hand.len() >= SIDE_BY_SIDE {
                continue;
            }
            let fresh = sending.fresh_id(&person.key, &history);
            let step = next(&standing, &history, now, fresh);
            if step == Next::Rest {
                continue;
            }
            busy.insert(person.key.clone());
            let (sending, person) = (Arc::clone(&sending), person.key.clone());
            let directory = Arc::clone(&directory);
            in_hand.spawn(async move {
                let version = sending.go(&directory, &person, &email, &history, step).await;
                (person, version)
            });
        }
        sending.office.instruments.notice_waiting(oldest);
    }
}

impl Sending {
    /// The id of a new claim: the same for every replica that would make it.
    fn fresh_id(&self, person: &ProfessionalKey, history: &History) -> [u8; 16] {
        let place = history.version.to_be_bytes();
        self.office.deriver.fingerprint("notice", &[person.as_str().as_bytes(), &place])
    }

    /// What somebody wants to hear and still stands, by the tasks as they are now.
    fn standing(&self, directory: &Directory, person: &Person, now: Timestamp) -> Vec<Standing> {
        let entries = self.desk.board().entries(&person.key);
        if entries.is_empty() {
            return Vec::new();
        }
        let moment = Moment::of(&self.office, directory, person, now);
        let wanted = |entry: &Entry| {
            kind(entry.reason)
                .is_none_or(|kind| person.notify.as_ref().is_none_or(|notify| notify.wants(kind)))
        };
        entries
            .into_iter()
            .filter(|entry| !entry.mailed && wanted(entry))
            .filter_map(|entry| {
                let urgency = self.desk.stands(&self.office, &entry)?.urgency;
                Some(Standing { urgency, allowed: moment.allows(entry.reason), entry })
            })
            .collect()
    }

    /// Takes one step for one person; the place of the last event that was stored.
    async fn go(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        email: &MailAddress,
        history: &History,
        step: Next,
    ) -> u64 {
        let claim = match step {
            Next::Rest => return 0,
            Next::PassOver { up_to, notice_id } => {
                let event = Wire::PassedOver { up_to, notice_id };
                return self.store(person, history, &event, false).await.unwrap_or(0);
            }
            Next::Claim(claim) => claim,
        };
        let urgent = claim.told.iter().any(|told| is_safety(told.reason));
        let Ok(version) = self.store(person, history, &Wire::Claimed(claim.clone()), urgent).await else {
            // Another replica was first, or nobody can tell: whoever reads it back knows.
            return 0;
        };
        let mut known = History { version, ordinal: history.ordinal.saturating_add(1), claims: Vec::new() };
        let outcome = self.hand_over(directory, email, &claim).await;
        let event = match outcome {
            Ok(()) => {
                self.office.instruments.notice_sent();
                Wire::Sent { up_to: claim.up_to, notice_id: claim.notice_id }
            }
            Err(why) => {
                self.office.instruments.notice_failed(why.code());
                tracing::warn!(
                    reason = why.code(),
                    attempt = claim.attempt,
                    advice = why.advice(),
                    "a notice could not be handed over; it is tried again"
                );
                let now = self.office.clock.now();
                Wire::Failed {
                    notice_id: claim.notice_id,
                    reason: why.code().to_owned(),
                    again_at: later(now, pause_s(&claim)),
                }
            }
        };
        loop {
            match self.store(person, &known, &event, urgent).await {
                Ok(stored) => return stored,
                // Another claim of hers came in between, or somebody went on after ours had ended.
                Err(AppendError::Conflict) => {
                    let newest = self.desk.board().history(person);
                    if newest.version > known.version {
                        let ours = |other: &Claim| {
                            (other.notice_id, other.attempt) == (claim.notice_id, claim.attempt)
                        };
                        if !newest.claims.iter().any(ours) {
                            return newest.version;
                        }
                        known = newest;
                        continue;
                    }
                }
                Err(_) => {}
            }
            tokio::time::sleep(STORE_AGAIN).await;
        }
    }

    async fn hand_over(
        &self,
        directory: &Directory,
        email: &MailAddress,
        claim: &Claim,
    ) -> Result<(), NotSent> {
        // What hung for long between claiming and sending must not send into the claim of another.
        if later(self.office.clock.now(), HAND_OVER_S) > claim.until {
            return Err(NotSent::NoAnswer);
        }
        let told: Vec<_> = claim
            .told
            .iter()
            .map(|told| {
                let held =
                    task_subject(told.task).ok().and_then(|subject| self.office.fold.get(&subject).ok());
                let state = held.flatten().map(|held| held.state);
                let centre =
                    state.as_deref().and_then(|state| state.task()).map(|task| task.about.centre.clone());
                (told, centre)
            })
            .collect();
        let lines: Vec<Line<'_>> = told
            .iter()
            .map(|(told, centre)| {
                let known = centre.as_ref().and_then(|centre| directory.centre(centre.as_str()));
                let centre = known.map_or("Kindcentrum", |centre| centre.label.as_str());
                Line { reason: told.reason, urgency: told.urgency, centre }
            })
            .collect();
        let mail = compose(&lines, &self.worklist, claim.notice_id);
        let time = Duration::from_secs(HAND_OVER_S.unsigned_abs());
        tokio::time::timeout(time, self.notifier.send(email, &mail)).await.unwrap_or(Err(NotSent::NoAnswer))
    }

    async fn store(
        &self,
        person: &ProfessionalKey,
        history: &History,
        event: &Wire,
        urgent: bool,
    ) -> Result<u64, AppendError> {
        let now = self.office.clock.now();
        let broken = |what: &str| AppendError::Broken(what.to_owned());
        // Drawn: the same claim by two replicas must not be taken for one and the same.
        let id = random_id().map_err(|_| broken("no randomness for a commit"))?;
        let meta = Meta {
            recorded_at: now,
            actor: Actor::Service(SERVICE.to_owned()),
            command: CommandId::from_bytes(id),
            commit: CommitId::from_bytes(id),
            directory_version: 0,
            ordinal: history.ordinal.saturating_add(1),
        };
        let subject = subject(person).map_err(|_| broken("a key that is no token"))?;
        let commit = Commit {
            id: meta.commit,
            kind: NOTICE_KIND,
            source: SOURCE,
            time: now,
            data: Bytes::from(write(&meta, person, event)),
            trace: Vec::new(),
            urgent,
        };
        let log = self.office.fold.log();
        let deadline = Deadline::now() + STORE_TIME;
        let appended = log.append(&subject, Version(history.version), commit, deadline).await?;
        Ok(appended.position.sequence)
    }
}

/// What of a task goes with a notice.
pub(crate) struct Stands {
    pub(crate) urgency: voordeur_routing_domain::words::Urgency,
    pub(crate) centre: voordeur_kernel::CentreKey,
    pub(crate) about_child: bool,
}

impl Desk {
    /// Must she still act, by the task as it is now? What does not stand any more is taken off the board.
    pub(crate) fn stands(&self, office: &Office, entry: &Entry) -> Option<Stands> {
        let subject = task_subject(entry.task).ok()?;
        // Frozen: nobody can tell, and there is an alarm.
        let held = office.fold.get(&subject).ok()?;
        let read = office.fold.position().is_some_and(|position| position.sequence >= entry.sequence);
        if !read {
            return None;
        }
        let task = held.as_ref().and_then(|held| held.state.task());
        match task.filter(|task| still_stands(&entry.to, entry.reason, task)) {
            Some(task) => Some(Stands {
                urgency: task.about.urgency,
                centre: task.about.centre.clone(),
                about_child: task.about.child.is_some(),
            }),
            None => {
                self.board().forget(entry);
                None
            }
        }
    }
}
