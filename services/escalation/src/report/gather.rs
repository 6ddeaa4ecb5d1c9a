//! Reads the streams EPISODES and SIGNALS from the first message to a fixed position, and keeps what a report needs.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use prost::Message as _;
use voordeur_chassis::Problem;
use voordeur_contracts::event::{ActivityEvent, EpisodeEvent, SignalEvent, signal_event::Change as Said};
use voordeur_contracts::{common, event};
use voordeur_escalation_domain::{
    Change, Event,
    activity::Change as FloorChange,
    outcome::{CaseFact, Day, ESC_1, take_in},
    words::{CloseReason, Funding, FurtherHelp, GoalScore, OutcomeInformant, SupportKind},
};
use voordeur_eventlog::{Deadline, EventLog, Followed, Position, Recorded};
use voordeur_kernel::{CentreKey, CommitId, EpisodeId, ErrorKind};
use voordeur_outcome_report::input::{About, Lasting};

use super::compact::{
    CentreIndex, EpisodeFacts, FloorNote, Gathered, Mending, Note, QuestionFacts, What, half, half_of, push,
};
use crate::{
    activity::read_activity_event,
    codec::{moment, read_event},
};

/// Messages between two lines about how far it is, and between two looks at how much memory it takes.
const SHOW_EVERY: u64 = 500_000;
/// Most memory that one report may take.
const BYTES_MAX: usize = 3 << 30;

/// Which histories are kept, and what was known when.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Centres whose histories are kept, each with its place.
    pub(crate) centres: BTreeMap<CentreKey, CentreIndex>,
    /// What became known after this day is passed by.
    pub(crate) known_on: Day,
    /// Where the centres are.
    pub(crate) zone: TimeZone,
}

/// Where both streams end that were read.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    pub(crate) episodes: Position,
    pub(crate) signals: Position,
}

impl Ends {
    /// Where they end now.
    pub(crate) async fn now(
        episodes: &dyn EventLog,
        signals: &dyn EventLog,
        deadline: Deadline,
    ) -> Result<Self, Problem> {
        Ok(Self { episodes: episodes.end(deadline).await?, signals: signals.end(deadline).await? })
    }
}

/// Reads both streams up to their ends.
///
/// # Errors
/// When the deadline passes, the log cannot be read, it takes too much memory, or a history of these centres cannot be understood: then
/// nobody knows what the report would leave out.
pub(crate) async fn gather(
    episodes: &Arc<dyn EventLog>,
    signals: &Arc<dyn EventLog>,
    ends: &Ends,
    wanted: &Wanted,
    deadline: Deadline,
) -> Result<Gathered, Problem> {
    let mut gathering = Gathering { wanted, all: Gathered::default(), unreadable: 0 };
    read(episodes, &ends.episodes, deadline, &mut |message| gathering.episode_stream(message)).await?;
    let (histories, bytes) = (gathering.all.episodes.len(), gathering.all.bytes());
    tracing::info!(histories, bytes, "episodes read for a report");
    read(signals, &ends.signals, deadline, &mut |message| gathering.signal_stream(message)).await?;
    let (questions, bytes) = (gathering.all.questions.len(), gathering.all.bytes());
    tracing::info!(questions, bytes, "questions read for a report");
    if gathering.unreadable > 0 {
        return Err(Problem::unavailable(
            "UNREADABLE_HISTORY",
            format!(
                "{} events of these centres cannot be read by this release; upgrade it, then ask again",
                gathering.unreadable
            ),
        ));
    }
    Ok(gathering.all)
}

/// Gives every message up to a position to `take`, which answers how much memory is in use.
async fn read(
    log: &Arc<dyn EventLog>,
    end: &Position,
    deadline: Deadline,
    take: &mut (dyn FnMut(&Recorded) -> Option<usize> + Send),
) -> Result<(), Problem> {
    if end.sequence == 0 {
        return Ok(());
    }
    let mut messages = log.follow(None);
    let mut count = 0_u64;
    loop {
        let next = tokio::time::timeout_at(deadline, messages.next()).await.map_err(|_| timed_out())?;
        match next {
            Some(Ok(Followed::Message(message))) => {
                let bytes = take(&message);
                count += 1;
                if count.is_multiple_of(SHOW_EVERY) {
                    tracing::info!(stream = %log.stream(), read = message.sequence, end = end.sequence, "reading for a report");
                }
                if bytes.is_some_and(|bytes| bytes > BYTES_MAX) {
                    return Err(Problem::new(
                        ErrorKind::TooMuch,
                        "TOO_LARGE",
                        "these centres have more histories than one report may hold; ask for fewer centres",
                    ));
                }
                if message.sequence >= end.sequence {
                    return Ok(());
                }
            }
            // Only messages that are there were asked for, so the end comes before this; a purge may have taken the last ones.
            Some(Ok(Followed::CaughtUp(position))) if position.sequence >= end.sequence => return Ok(()),
            Some(Ok(Followed::CaughtUp(_))) => {}
            Some(Err(error)) => {
                return Err(Problem::unavailable("LOG_NOT_READ", format!("the log cannot be read: {error}")));
            }
            None => return Err(Problem::unavailable("LOG_NOT_READ", "the log ended while it was read")),
        }
    }
}

pub(crate) fn timed_out() -> Problem {
    Problem::new(
        ErrorKind::TimedOut,
        "TIMED_OUT",
        "the report was not ready in time; give it more (a report reads the whole log)",
    )
}

struct Gathering<'a> {
    wanted: &'a Wanted,
    all: Gathered,
    unreadable: u64,
}

impl Gathering<'_> {
    /// Answers how much memory is in use, now and then.
    fn used(&self, sequence: u64) -> Option<usize> {
        sequence.is_multiple_of(SHOW_EVERY).then(|| self.all.bytes())
    }

    fn episode_stream(&mut self, message: &Recorded) -> Option<usize> {
        match message.subject.prefix() {
            "voordeur.episode.v1" if self.episode(message).is_none() => self.unreadable += 1,
            "voordeur.activity.v1" => {
                let centre = self.wanted.centres.get(message.subject.key()).copied();
                if let Some(centre) = centre
                    && self.activity(message, centre).is_none()
                {
                    self.unreadable += 1;
                }
            }
            _ => {}
        }
        self.used(message.sequence)
    }

    /// Takes an event of an episode in; nothing when it belongs to these centres and cannot be read.
    fn episode(&mut self, message: &Recorded) -> Option<()> {
        let id = EpisodeId::parse_hex(message.subject.key()).ok()?;
        let known = self.all.by_episode.get(&id).copied();
        // The first event says which centre; without it the history is somebody else's.
        if known.is_none() && !message.is_first() && !opens(message) {
            return Some(());
        }
        let wire = EpisodeEvent::decode(message.data.clone()).ok()?;
        let event = match read_event(&wire) {
            Ok(event) => event,
            // Of another centre it does not matter.
            Err(_) => return known.is_none().then_some(()).filter(|()| !self.is_wanted_wire(&wire)),
        };
        let commit = message.commit?;
        let recorded = Day::of_moment(event.meta.recorded_at, &self.wanted.zone);
        if recorded > self.wanted.known_on {
            return Some(());
        }
        let place = match known {
            Some(place) => place,
            None => match self.open(id, &event) {
                Some(place) => place,
                None => return Some(()),
            },
        };
        let zone = &self.wanted.zone;
        let episode = self.all.episodes.get_mut(place)?;
        episode.take(&event, commit, recorded, zone);
        Some(())
    }

    fn is_wanted_wire(&self, wire: &EpisodeEvent) -> bool {
        match &wire.change {
            Some(event::episode_event::Change::Opened(opened)) => {
                self.wanted.centres.contains_key(opened.centre.as_str())
            }
            _ => false,
        }
    }

    /// Begins a history, when it is of one of the centres.
    fn open(&mut self, id: EpisodeId, event: &Event) -> Option<usize> {
        let Change::Opened(opened) = &event.change else { return None };
        let centre = *self.wanted.centres.get(&opened.signal.centre)?;
        let place = self.all.episodes.len();
        self.all.episodes.push(EpisodeFacts {
            id,
            child: opened.child,
            centre,
            signal: half(opened.signal.signal.as_bytes()),
            severity: opened.signal.severity,
            facts: Vec::new(),
            notes: Vec::new(),
            corrections: Vec::new(),
            earlier: None,
        });
        self.all.by_episode.insert(id, place);
        Some(place)
    }

    fn activity(&mut self, message: &Recorded, centre: CentreIndex) -> Option<()> {
        let wire = ActivityEvent::decode(message.data.clone()).ok()?;
        let event = read_activity_event(&wire).ok()?;
        let recorded = Day::of_moment(event.meta.recorded_at, &self.wanted.zone);
        if recorded > self.wanted.known_on {
            return Some(());
        }
        let free = |noted: &voordeur_escalation_domain::activity::Noted| {
            if noted.funding == Funding::Beschikkingsvrij { noted.minutes } else { 0 }
        };
        let (activity, on, minutes) = match &event.change {
            FloorChange::Noted { activity, noted } => (activity, Day::of_date(event.on), free(noted)),
            FloorChange::Corrected { activity, instead } => {
                (activity, None, instead.as_ref().map_or(0, free))
            }
            FloorChange::LookBackDue { .. } | FloorChange::LookedBack { .. } => return Some(()),
        };
        self.all.floor.push(FloorNote { activity: half(activity.as_bytes()), centre, recorded, on, minutes });
        Some(())
    }

    fn signal_stream(&mut self, message: &Recorded) -> Option<usize> {
        if self.signal(message).is_none() {
            self.unreadable += 1;
        }
        self.used(message.sequence)
    }

    fn signal(&mut self, message: &Recorded) -> Option<()> {
        let id = voordeur_kernel::SignalId::parse_hex(message.subject.key()).ok()?;
        let id = half(id.as_bytes());
        let wire = SignalEvent::decode(message.data.clone()).ok()?;
        let Some(change) = &wire.change else {
            // What this release cannot read matters only where the question is one of these.
            return (!self.all.questions.contains_key(&id)).then_some(());
        };
        let Ok(at) = moment(wire.meta.as_ref().and_then(|meta| meta.recorded_at.as_ref()), "meta") else {
            return None;
        };
        let day = Day::of_moment(at, &self.wanted.zone);
        if day > self.wanted.known_on {
            return Some(());
        }
        match change {
            Said::Received(received) => {
                let Some(centre) = self.wanted.centres.get(received.centre.as_str()) else { return Some(()) };
                let about = match received.subject() {
                    common::SubjectKind::Child => About::Child,
                    common::SubjectKind::Group => About::Group,
                    common::SubjectKind::Consult => About::Consult,
                    common::SubjectKind::Unspecified => return None,
                };
                let asker = received.askers.first().and_then(|asker| asker.first_chunk::<16>().map(half));
                let certainty = received.certainty.and_then(|certainty| u8::try_from(certainty).ok());
                self.all.questions.insert(
                    id,
                    QuestionFacts {
                        centre: *centre,
                        on: day,
                        about,
                        lasting: lasting(received.duration()),
                        asker,
                        certainty,
                        certainty_now: None,
                        withdrawn: None,
                    },
                );
            }
            Said::Withdrawn(_) => {
                if let Some(question) = self.all.questions.get_mut(&id) {
                    question.withdrawn = Some(question.withdrawn.map_or(day, |known| known.min(day)));
                }
            }
            Said::AnswerAcknowledged(heard) => {
                if let (Some(question), Some(now)) = (self.all.questions.get_mut(&id), heard.certainty_now) {
                    // The newest stands.
                    question.certainty_now = u8::try_from(now).ok().map(|now| (day, now));
                }
            }
            Said::Erased(_) => {
                self.all.questions.remove(&id);
            }
            Said::Routed(_) | Said::Answered(_) | Said::Cancelled(_) => {}
        }
        Some(())
    }
}

const fn lasting(duration: event::ConcernDuration) -> Option<Lasting> {
    match duration {
        event::ConcernDuration::Unspecified => None,
        event::ConcernDuration::Under2Weeks => Some(Lasting::Under2Weeks),
        event::ConcernDuration::ConcernDuration2To6Weeks => Some(Lasting::Under6Weeks),
        event::ConcernDuration::ConcernDuration6WeeksTo6Months => Some(Lasting::Under6Months),
        event::ConcernDuration::Over6Months => Some(Lasting::Over6Months),
    }
}

/// The first event of a history may have been stored without its condition being kept: look at what it says.
fn opens(message: &Recorded) -> bool {
    EpisodeEvent::decode(message.data.clone())
        .is_ok_and(|wire| matches!(wire.change, Some(event::episode_event::Change::Opened(_))))
}

impl EpisodeFacts {
    pub(super) fn take(&mut self, event: &Event, commit: CommitId, recorded: Day, zone: &TimeZone) {
        if let Change::Corrected(correction) = &event.change {
            push(
                &mut self.corrections,
                Mending { target: half_of(correction.target), recorded, void: correction.void },
            );
        }
        if let Change::EpisodesLinked { earlier } = &event.change {
            self.earlier = Some(*earlier);
        }
        if let Some(what) = what(&event.change) {
            let effective = Day::of_moment(event.effective_at, zone);
            push(&mut self.notes, Note { of: half_of(commit), effective, recorded, what });
        }
        if self.facts.len() == self.facts.capacity() {
            self.facts.reserve_exact((self.facts.len() / 2).max(4));
        }
        take_in(&mut self.facts, event, commit, &ESC_1.endpoints, zone);
    }

    /// Half of the ids of facts and notes that counted no more on a day.
    pub(crate) fn voided(&self, known_on: Day) -> Vec<u64> {
        let mut voided: Vec<u64> = Vec::new();
        // In the order of the history, so the last word on each wins.
        for mending in self.corrections.iter().filter(|mending| mending.recorded <= known_on) {
            voided.retain(|target| *target != mending.target);
            if mending.void {
                voided.push(mending.target);
            }
        }
        voided
    }

    /// The facts as the rules want them.
    pub(crate) fn facts(&self) -> &[CaseFact] {
        &self.facts
    }
}

/// What a note keeps of an event.
fn what(change: &Change) -> Option<What> {
    let free = |funding: Funding, direction: u8, minutes: u16| {
        (funding == Funding::Beschikkingsvrij && minutes > 0).then_some(What::Minutes { direction, minutes })
    };
    match change {
        Change::SupportGiven { kind, minutes, funding } => {
            let direction = match kind {
                SupportKind::OnTheFloor => 0,
                SupportKind::Child => 1,
                SupportKind::Parents => 2,
                SupportKind::Consultation => 3,
            };
            free(*funding, direction, *minutes)
        }
        Change::SpecialistConsulted { minutes, funding } => free(*funding, 3, *minutes),
        Change::BaselineAssessed(judgement) => Some(What::Judged {
            level: judgement.baseline,
            probability: judgement.probability_percent,
            second: judgement.second,
        }),
        Change::GoalSet(_) => Some(What::Goal),
        Change::GoalScored { goal, score, with_parents } => Some(What::Scored {
            goal: half_of(*goal),
            reached: matches!(score, GoalScore::PartlyReached | GoalScore::Reached),
            with_parents: *with_parents,
        }),
        Change::Closed(closing) => Some(What::Closed {
            one_sided: matches!(closing.reason, CloseReason::FamilyEnded | CloseReason::WeEnded),
            without_help: closing.further_help.map(|help| help == FurtherHelp::None),
            usefulness: closing.usefulness.filter(|_| closing.informant == Some(OutcomeInformant::Parent)),
            certainty: closing.certainty_then.zip(closing.certainty_now),
        }),
        _ => None,
    }
}
