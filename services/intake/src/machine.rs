//! What intake keeps of its own stream: every open signal, and a row of each one for lists.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use voordeur_contracts::event::SignalEvent;
use voordeur_eventlog::{
    Recorded, StreamName, Subject,
    fold::{Machine, Unreadable},
    log::BadSubject,
};
use voordeur_intake_domain::{
    SubjectKind,
    life::{self, Signal, Stage, Unfit},
};
use voordeur_kernel::{CentreKey, OrganisationKey, SafetyLevel, SignalId, Timestamp};

use crate::codec;

/// `ce-type` of these histories.
pub(crate) const KIND: &str = "nl.voordeur.signal.v1";

/// Subject of the history of a signal.
pub(crate) fn subject_of(signal: SignalId) -> Result<Subject, BadSubject> {
    Subject::of(StreamName::Signals.prefixes().first().copied().unwrap_or_default(), &signal.to_hex())
}

/// A signal with its place in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Kept {
    /// The signal.
    pub(crate) signal: Signal,
    /// Sequence of its first event: its place in lists.
    pub(crate) first: u64,
    /// Sequence of its last event: what a watch resumes after.
    pub(crate) last: u64,
}

/// What a list shows of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: SignalId,
    pub(crate) centre: CentreKey,
    pub(crate) subject: SubjectKind,
    pub(crate) safety: SafetyLevel,
    pub(crate) received_at: Timestamp,
    pub(crate) answered_at: Option<Timestamp>,
    pub(crate) acknowledged: bool,
    pub(crate) stage: Stage,
    pub(crate) closed: bool,
    pub(crate) version: u64,
    pub(crate) last: u64,
}

impl Row {
    /// The row of a signal.
    pub(crate) fn of(id: SignalId, kept: &Kept) -> Self {
        let signal = &kept.signal;
        Self {
            id,
            centre: signal.received.centre.clone(),
            subject: signal.received.subject,
            safety: signal.received.safety,
            received_at: signal.received_at,
            answered_at: signal.answered_at,
            acknowledged: signal.acknowledged.is_some(),
            stage: signal.stage,
            closed: signal.is_closed(),
            version: signal.people_version.into(),
            last: kept.last,
        }
    }
}

/// Rows of each organisation, by the sequence of the first event. Closed ones stay: a row is about 150 bytes, and the whole country makes
/// 200,000 a year.
#[derive(Debug, Default)]
pub(crate) struct Index(HashMap<OrganisationKey, BTreeMap<u64, Row>>);

impl Index {
    /// The rows of an organisation, oldest first.
    pub(crate) fn rows(
        &self,
        organisation: &OrganisationKey,
    ) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
        self.0.get(organisation).into_iter().flatten().map(|(first, row)| (*first, row))
    }

    /// The rows of an organisation that stand before a place, newest first.
    pub(crate) fn before(
        &self,
        organisation: &OrganisationKey,
        place: u64,
    ) -> impl Iterator<Item = (u64, &Row)> {
        self.0
            .get(organisation)
            .into_iter()
            .flat_map(move |rows| rows.range(..place).rev())
            .map(|(first, row)| (*first, row))
    }
}

/// Reads an event of a signal, exactly as the service does.
///
/// # Errors
/// Where it cannot be read, never what stands there.
pub fn read_event(message: &Recorded) -> Result<life::Event, Unreadable> {
    let unreadable = |what: &str| Unreadable::Event(what.to_owned());
    let commit = message.commit.ok_or_else(|| unreadable("no commit id"))?;
    let wire = SignalEvent::decode(message.data.clone()).map_err(|_| unreadable("not protobuf"))?;
    codec::event::read(wire, commit).map_err(|bad| unreadable(bad.0))
}

/// The machine of signals.
#[derive(Debug)]
pub(crate) struct Signals;

impl Machine for Signals {
    type State = Kept;
    type Index = Index;

    fn evolve(state: Option<Kept>, message: &Recorded) -> Result<Kept, Unreadable> {
        let event = read_event(message)?;
        let first = state.as_ref().map_or(message.sequence, |kept| kept.first);
        let signal = life::evolve(state.map(|kept| kept.signal), event).map_err(|unfit| match unfit {
            Unfit::NoBeginning => Unreadable::EarlierEventsNeeded,
            Unfit::SecondBeginning => Unreadable::Event("a second beginning".to_owned()),
        })?;
        Ok(Kept { signal, first, last: message.sequence })
    }

    fn leaves_memory(state: &Kept) -> bool {
        // An answered signal too: whether its asker ever says that she heard it is up to her, and its sealed text is large.
        matches!(state.signal.stage, Stage::Answered | Stage::Withdrawn)
    }

    fn index(index: &mut Index, subject: &Subject, before: Option<&Kept>, after: Option<&Kept>) {
        let Ok(id) = SignalId::parse_hex(subject.key()) else { return };
        match (before, after) {
            (_, Some(kept)) => {
                let rows = index.0.entry(kept.signal.received.organisation.clone()).or_default();
                rows.insert(kept.first, Row::of(id, kept));
            }
            // Frozen: nothing is told of it any more.
            (Some(kept), None) => {
                if let Some(rows) = index.0.get_mut(&kept.signal.received.organisation) {
                    rows.remove(&kept.first);
                }
            }
            (None, None) => {}
        }
    }
}
