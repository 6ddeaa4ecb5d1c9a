//! Is somebody on duty at a centre now? The weekly hours of the directory, with what people said on top of them.
//!
//! What people said stands on the stream of tasks, which routing owns. It is asked of the log when it is needed, so that every replica
//! says the same, also right after it started; what was read before is kept, and read again when there is more. When it cannot be
//! read in time it is not known, and that is what is said.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use prost::Message as _;
use voordeur_contracts::{
    convert::from_wire_time,
    event::{PresenceEvent, presence_event::Change},
    intake::OnDuty,
};
use voordeur_directory::Directory;
use voordeur_eventlog::{Deadline, EventLog, Recorded, Subject};
use voordeur_kernel::{ProfessionalKey, Timestamp};

/// A safety signal does not wait for a roster: after this, or half of what the caller allows, it is not known.
const TIME_MAX: Duration = Duration::from_millis(250);
/// People who are asked for side by side.
const SIDE_BY_SIDE: usize = 16;
/// Most people of whom something is kept.
const KEPT_MAX: usize = 50_000;
const PRESENCE_PREFIX: &str = "voordeur.presence.v1";

/// Who said what about where she is.
#[derive(Debug)]
pub(crate) struct Duty {
    log: Arc<dyn EventLog>,
    kept: Mutex<HashMap<ProfessionalKey, (u64, Arc<Said>)>>,
}

/// What one person said, as far as it had not passed when she said it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// Present at a centre, from a moment until a moment.
    marks: Vec<(String, Timestamp, Timestamp)>,
    /// Absent from a moment until a moment.
    absences: Vec<(Timestamp, Timestamp)>,
}

/// It cannot be known now.
#[derive(Debug)]
struct NotKnown;

impl Duty {
    /// Reads the stream of tasks; never writes.
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, kept: Mutex::default() }
    }

    /// Is a registered professional at the centre now? Yes only when that is known of somebody; no only when it is known of nobody.
    pub(crate) async fn at(
        &self,
        directory: Option<&Directory>,
        centre: &str,
        now: Timestamp,
        deadline: Deadline,
    ) -> OnDuty {
        let Some(directory) = directory.filter(|directory| directory.centre(centre).is_some()) else {
            return OnDuty::Unknown;
        };
        let today = directory.local_date(now);
        let mut people = Vec::new();
        for person in directory.professionals_at(centre) {
            if person.is_registered_on(today) {
                people.push((person.key.clone(), directory.is_scheduled(person.key.as_str(), centre, now)));
            }
        }
        let start = Deadline::now();
        let deadline = start + TIME_MAX.min(deadline.saturating_duration_since(start) / 2);
        let mut asked = stream::iter(people)
            .map(|(person, scheduled)| self.is_there(person, scheduled, centre, now, deadline))
            .buffer_unordered(SIDE_BY_SIDE);
        let mut found = OnDuty::No;
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(true) => return OnDuty::Yes,
                Ok(false) => {}
                Err(NotKnown) => found = OnDuty::Unknown,
            }
        }
        found
    }

    async fn is_there(
        &self,
        person: ProfessionalKey,
        scheduled: bool,
        centre: &str,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<bool, NotKnown> {
        let said = tokio::time::timeout_at(deadline, self.said(&person, deadline)).await;
        Ok(said.map_err(|_| NotKnown)??.is_there(centre, scheduled, now))
    }

    async fn said(&self, person: &ProfessionalKey, deadline: Deadline) -> Result<Arc<Said>, NotKnown> {
        let subject = Subject::of(PRESENCE_PREFIX, person.as_str()).map_err(|_| NotKnown)?;
        let last = self.log.last(&subject, deadline).await.map_err(|_| NotKnown)?;
        let Some(last) = last else { return Ok(Arc::default()) };
        let known = self.kept().get(person).filter(|(sequence, _)| *sequence == last.sequence).cloned();
        if let Some((_, said)) = known {
            return Ok(said);
        }
        let history = self.log.history(&subject, last.sequence, deadline).await.map_err(|_| NotKnown)?;
        let said = Arc::new(Said::of(&history)?);
        let mut kept = self.kept();
        let newer = kept.get(person).is_some_and(|(sequence, _)| *sequence > last.sequence);
        if !newer && (kept.len() < KEPT_MAX || kept.contains_key(person)) {
            kept.insert(person.clone(), (last.sequence, Arc::clone(&said)));
        }
        Ok(said)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<ProfessionalKey, (u64, Arc<Said>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn moment(wire: Option<&prost_types::Timestamp>) -> Result<Timestamp, NotKnown> {
    wire.and_then(from_wire_time).ok_or(NotKnown)
}

impl Said {
    /// Everything that one person said; an event of a later release makes it not known.
    fn of(history: &[Recorded]) -> Result<Self, NotKnown> {
        let mut said = Self::default();
        for message in history {
            let event = PresenceEvent::decode(message.data.clone()).map_err(|_| NotKnown)?;
            let recorded_at = event.meta.as_ref().and_then(|meta| meta.recorded_at.as_ref());
            said.take_in(event.change.as_ref().ok_or(NotKnown)?, moment(recorded_at)?)?;
        }
        Ok(said)
    }

    fn take_in(&mut self, change: &Change, now: Timestamp) -> Result<(), NotKnown> {
        self.absences.retain(|(_, until)| *until > now);
        self.marks.retain(|(_, _, until)| *until > now);
        let runs = |(from, until): &(Timestamp, Timestamp)| *from <= now && now < *until;
        match change {
            Change::Present(present) => {
                self.marks.retain(|(centre, ..)| *centre != present.centre);
                self.marks.push((present.centre.clone(), now, moment(present.until.as_ref())?));
                self.absences.retain(|absence| !runs(absence));
            }
            Change::Absent(absent) => {
                let from = absent.from.as_ref().map_or(Ok(now), |from| moment(Some(from)))?;
                let until = moment(absent.until.as_ref())?;
                self.absences.retain(|(begun, ended)| *ended <= from || until <= *begun);
                self.absences.push((from, until));
            }
            Change::Returned(_) => self.absences.retain(|absence| !runs(absence)),
            Change::AbsenceWithdrawn(withdrawn) => {
                let from = moment(withdrawn.from.as_ref())?;
                self.absences.retain(|(begun, _)| *begun != from);
            }
        }
        Ok(())
    }

    fn is_there(&self, centre: &str, scheduled: bool, now: Timestamp) -> bool {
        let absent = self.absences.iter().any(|(from, until)| *from <= now && now < *until);
        let marked = self.marks.iter().any(|(at, from, until)| at == centre && *from <= now && now < *until);
        !absent && (scheduled || marked)
    }
}
