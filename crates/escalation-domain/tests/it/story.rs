//! Facts as people record them, in days: the builder that the other tests share, and what an episode takes in memory.

use jiff::civil::{Date, date};
use voordeur_escalation_domain::{
    Action, Actor, Baseline, Change, Check, CloseReason, Closing, Command, Correction, Destination, Goal,
    Jeugdhulp, Judgement, Participant, Refusal, WordSet, deadline::start_of, words::*,
};
use voordeur_kernel::{CommandId, CommitId, ConcernDomain, EpisodeId, ProfessionalKey, Role, Timestamp};

use crate::{History, completed, reached, rules, take};

/// The day of the first signal.
pub(crate) fn opened() -> Date {
    date(2026, 9, 1)
}

pub(crate) fn day(days: i32) -> Date {
    opened().checked_add(jiff::Span::new().days(days)).unwrap()
}

pub(crate) fn start(days: i32) -> Timestamp {
    start_of(day(days), &rules().zone).unwrap()
}

/// Noon.
pub(crate) fn noon(days: i32) -> Timestamp {
    start(days).checked_add(jiff::SignedDuration::from_hours(12)).unwrap()
}

pub(crate) fn key(person: &str) -> ProfessionalKey {
    ProfessionalKey::parse(person).unwrap()
}

pub(crate) fn id(number: u8) -> CommitId {
    CommitId::from_bytes([number; 16])
}

/// One fact: by whom, happened on, recorded on.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) number: u8,
    pub(crate) by: &'static str,
    pub(crate) on: i32,
    pub(crate) known: i32,
    pub(crate) change: Change,
}

pub(crate) fn told(number: u8, on: i32, change: Change) -> Told {
    Told { number, by: "noor", on, known: on, change }
}

impl Told {
    pub(crate) fn by(self, by: &'static str) -> Self {
        Self { by, ..self }
    }

    pub(crate) fn known(self, known: i32) -> Self {
        Self { known, ..self }
    }

    pub(crate) fn command(&self) -> Command {
        Command {
            id: CommandId::from_bytes([self.number; 16]),
            commit: id(self.number),
            episode: EpisodeId::from_bytes([2; 16]),
            actor: Actor::Person(key(self.by), Role::Professional),
            now: noon(self.known),
            effective_at: start(self.on),
            directory_version: 1,
            seen_version: 0,
            action: Action::Record(self.change.clone()),
        }
    }
}

/// A history with a signal on day 0 and, when given, a first contact.
pub(crate) fn history(contact: Option<i32>) -> History {
    let mut history = History::default();
    let mut give = |action, on: i32| {
        let mut command = crate::command(action, 0, 0);
        (command.effective_at, command.now) = (noon(on), noon(on));
        history.give(&command).unwrap();
    };
    give(take(1, 1), 0);
    if let Some(contact) = contact {
        give(reached(1), contact);
    }
    history
}

impl History {
    pub(crate) fn tell(&mut self, told: &Told) -> Result<bool, Refusal> {
        self.give(&told.command())
    }

    /// Tells, and it has to be taken.
    pub(crate) fn with(mut self, told: Told) -> Self {
        assert_eq!(self.tell(&told), Ok(true), "{told:?}");
        self
    }

    pub(crate) fn complete(&mut self, on: i32) {
        let mut command = crate::command(completed(1), 0, 0);
        (command.effective_at, command.now) = (noon(on), noon(on));
        self.give(&command).unwrap();
    }
}

pub(crate) fn judged(baseline: Baseline) -> Change {
    let marks: Option<ImminentMark> = (baseline == Baseline::Imminent).then_some(ImminentMark::PlaceAtStake);
    Change::BaselineAssessed(Judgement {
        baseline,
        probability_percent: 60,
        took_part: [Participant::Parent, Participant::Staff].into_iter().collect(),
        marks: marks.into_iter().collect(),
        second: false,
        plan_version: 0,
    })
}

pub(crate) fn second(baseline: Baseline) -> Change {
    match judged(baseline) {
        Change::BaselineAssessed(judgement) => {
            Change::BaselineAssessed(Judgement { second: true, ..judgement })
        }
        other => other,
    }
}

pub(crate) fn support() -> Change {
    Change::SupportGiven { kind: SupportKind::OnTheFloor, minutes: 45, funding: Funding::Beschikkingsvrij }
}

pub(crate) fn goal(number: u8) -> Change {
    Change::GoalSet(Goal { goal: id(number), domain: ConcernDomain::Gedrag, with_parents: true, text: None })
}

pub(crate) fn jeugdhulp() -> Destination {
    let (hulpvorm, productcategorie) = (Some(2), Some(45));
    Destination::Jeugdhulp(Jeugdhulp { hulpvorm, productcategorie, crisis: false, court: false })
}

pub(crate) fn requested(number: u8) -> Change {
    Change::ReferralRequested {
        referral: id(number),
        destination: jeugdhulp(),
        verwijzer: Verwijzer::Huisarts,
    }
}

pub(crate) fn started(referral: u8) -> Change {
    Change::CareStarted {
        referral: id(referral),
        destination: jeugdhulp(),
        verwijzer: Some(Verwijzer::Huisarts),
    }
}

pub(crate) fn reviewed(referral: u8, reviewer: &str, of_receiving_provider: bool) -> Change {
    Change::ReferralReviewed {
        referral: id(referral),
        reviewer: key(reviewer),
        verdict: ReviewVerdict::Needed,
        of_receiving_provider,
    }
}

pub(crate) fn checked(covers: i32, asked: u16) -> Change {
    Change::FollowUpChecked(Check {
        covers_until: day(covers),
        jeugdhulp: DomainStatus::None,
        onderwijs: DomainStatus::None,
        need: NeedStatus::Ok,
        source: FollowUpSource::ParentsAndStaff,
        day: asked,
    })
}

pub(crate) fn closed(reason: CloseReason) -> Change {
    Change::Closed(Closing {
        end: (reason == CloseReason::WorkDone).then_some(CareEndReason::VolgensPlan),
        further_help: Some(FurtherHelp::None),
        ..Closing::for_reason(reason)
    })
}

pub(crate) fn corrected(target: u8, void: bool) -> Correction {
    Correction {
        target: id(target),
        void,
        second_person: key("marit"),
        reason: Some(CorrectionReason::TypingError),
        effective_at: None,
        baseline: None,
    }
}

#[test]
fn a_typical_episode_takes_at_most_600_bytes() {
    let mut history = history(Some(3))
        .with(told(1, 4, judged(Baseline::Possible)))
        .with(told(2, 5, goal(2)))
        .with(told(3, 8, support()))
        .with(told(4, 15, support()))
        .with(told(5, 22, support()));
    history.complete(30);
    let history = history.with(told(6, 95, checked(95, 90)));
    let episode = history.episode.unwrap();
    assert_eq!(episode.events(), 9);
    // With the id and the two counters that the fold keeps beside it.
    let bytes = episode.memory() + 32;
    assert!(bytes <= 600, "{bytes} bytes");
}

#[test]
fn every_fact_reads_back_what_was_told() {
    let history = history(Some(3))
        .with(told(1, 4, judged(Baseline::Imminent)))
        .with(told(2, 5, second(Baseline::Possible)).by("sam"))
        .with(told(3, 6, goal(3)))
        .with(told(4, 7, support()))
        .with(told(5, 8, Change::SpecialistConsulted { minutes: 0, funding: Funding::Onderwijs }))
        .with(told(
            6,
            20,
            Change::GoalScored { goal: id(3), score: GoalScore::PartlyReached, with_parents: true },
        ))
        .with(told(7, 30, requested(7)))
        .with(told(8, 40, Change::ReferralDecided { referral: id(7), decision: ReferralDecision::Granted }))
        .with(told(9, 60, started(7)))
        .with(told(10, 70, Change::YouthCareStarted))
        .with(told(11, 80, Change::VeiligThuisReported))
        .with(told(12, 151, reviewed(7, "els", false)))
        .with(told(13, 151, reviewed(7, "arts-1", true)))
        .with(told(14, 160, Change::CareEnded { referral: id(7), reason: CareEndReason::VolgensPlan }))
        .with(told(15, 161, Change::HandOverPlanned { moment: HandOverMoment::ToSchool, on: day(400) }))
        .with(told(16, 170, checked(169, 0)))
        .with(told(17, 180, Change::ChildLeft { destination: LeavingDestination::Regular }))
        .with(told(18, 181, Change::Corrected(corrected(17, true))))
        .with(told(19, 190, closed(CloseReason::WorkDone)))
        .with(told(20, 200, Change::ConsentWithdrawn { scope: WithdrawalScope::FollowUp }));
    let episode = history.episode.clone().unwrap();
    assert_eq!(history.replayed(), history.episode);
    let kept: Vec<Change> = episode.facts().map(|fact| fact.change).collect();
    let written: Vec<Change> = history.events.iter().map(|(event, _)| event.change.clone()).collect();
    assert_eq!(kept, written);
    for (fact, (event, commit)) in episode.facts().zip(&history.events) {
        assert_eq!((fact.commit, fact.effective_at), (*commit, event.effective_at));
        assert_eq!((fact.recorded_at, &fact.by), (event.meta.recorded_at, &event.meta.actor));
        assert_eq!(episode.commit_of(event.meta.command), Some(*commit));
    }
    let none: WordSet<Participant> = WordSet::empty();
    assert!(none.is_empty());
}
