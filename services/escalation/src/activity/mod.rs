//! Work on the floor: what the embedded professional does without a child, centre by centre.
//!
//! A fold of its own over the stream of episodes. It holds no child and no text; the agreed step stays sealed in the log.

mod api;
mod codec;
mod look_back;
mod machine;
mod request;
mod view;

use std::sync::{Arc, LazyLock};

use jiff::{civil::Date, tz::TimeZone};
use voordeur_chassis::{Environment, Problem};
use voordeur_directory::DirectoryWatch;
use voordeur_escalation_domain::activity::{self, Action, Command, Event};
use voordeur_eventlog::{
    Commit, Deadline, Position, StreamName,
    fold::{Digest, Executed, Expect, Fold},
};
use voordeur_kernel::{CentreKey, Clock, CommandId, CommitId, Timestamp, calendar::amsterdam};
use voordeur_vault::Deriver;

pub(crate) use api::ActivityApi;
pub use codec::{read_activity_event, write_activity_event};

use crate::{clock, codec::SOURCE};
use machine::{FloorState, Floors, subject};

/// `ce-type` of these histories.
const KIND: &str = "nl.voordeur.activity.v1";

/// Where the centres are.
fn zone() -> &'static TimeZone {
    static HERE: LazyLock<TimeZone> = LazyLock::new(amsterdam);
    &HERE
}

/// The calendar day of a moment where the centres are.
fn day_of(at: Timestamp) -> Date {
    zone().to_datetime(at).date()
}

/// The start of a day where the centres are; `None` at the ends of time.
fn start_of(day: Date) -> Option<Timestamp> {
    day.to_zoned(zone().clone()).ok().map(|start| start.timestamp())
}

/// An act before it is decided.
struct Act {
    id: CommandId,
    commit: CommitId,
    actor: voordeur_escalation_domain::Actor,
    action: Action,
}

/// Everything that work on the floor needs.
pub(crate) struct FloorOffice {
    fold: Arc<Fold<Floors>>,
    directory: Arc<DirectoryWatch>,
    deriver: Deriver,
    clock: Arc<dyn Clock>,
}

impl FloorOffice {
    /// Begins to read, and to fire look-backs.
    pub(crate) fn start(env: &Environment, directory: Arc<DirectoryWatch>, deriver: Deriver) -> Arc<Self> {
        let fold = Fold::<Floors>::new(env.broker.log(StreamName::Episodes));
        let (reading, stop) = (Arc::clone(&fold), env.tasks.stop());
        env.tasks.spawn("escalation activities", reading.run(stop.clone()));
        let office = Arc::new(Self { fold, directory, deriver, clock: Arc::clone(&env.clock) });
        let look_backs = clock::run(Arc::clone(&office), Arc::clone(&env.clock), stop);
        env.tasks.spawn("escalation look-backs", look_backs);
        office
    }

    /// Has it read everything?
    pub(crate) fn is_ready(&self) -> bool {
        self.fold.is_ready()
    }

    /// Fingerprint of what is in memory.
    pub(crate) fn digest(&self) -> Digest {
        self.fold.digest()
    }

    /// What an agreed step of a centre is bound to.
    fn owner(&self, centre: &CentreKey) -> [u8; 16] {
        self.deriver.floor_owner(centre)
    }

    /// Decides and stores.
    async fn act(
        &self,
        centre: &CentreKey,
        act: Act,
        directory_version: u64,
        deadline: Deadline,
    ) -> Result<Executed<FloorState>, Problem> {
        let subject = subject(centre).map_err(|error| Problem::broken(error.to_string()))?;
        let Act { id, commit, actor, action } = act;
        let trace = voordeur_chassis::trace_headers();
        let mut command = Command {
            id,
            commit,
            actor,
            now: Timestamp::UNIX_EPOCH,
            today: Date::ZERO,
            directory_version,
            action,
        };
        let executed = self.fold.execute(&subject, Expect::Known, deadline, |state, _| {
            command.now = self.clock.now();
            command.today = day_of(command.now);
            let floor = state.map(|state| &state.floor);
            let event = activity::decide(floor, &command).map_err(|refusal| refused(&refusal))?;
            Ok::<_, Problem>(event.map(|event| self.commit(centre, &command, &event, trace.clone())))
        });
        Ok(executed.await?)
    }

    fn commit(
        &self,
        centre: &CentreKey,
        command: &Command,
        event: &Event,
        trace: Vec<voordeur_eventlog::Header>,
    ) -> Commit {
        Commit {
            id: command.commit,
            kind: KIND,
            source: SOURCE,
            time: event.meta.recorded_at,
            data: codec::write(centre, event),
            trace,
            urgent: false,
        }
    }

    fn position(&self) -> Option<Position> {
        self.fold.position()
    }
}

/// A refusal of the domain as a caller sees it.
fn refused(refusal: &activity::Refusal) -> Problem {
    match refusal {
        activity::Refusal::Days(faults) => Problem::invalid(faults.clone()),
        other => Problem::new(other.kind(), other.reason(), other.to_string()),
    }
}
