//! A ladder: whom to turn to, one step after the other, and the clocks beside it. A policy brings ladders; three things are fixed in code:
//! safety, work that came due by itself, and that every ladder ends with somebody who catches.

use std::fmt;

use voordeur_kernel::{ConcernDomain, SafetyLevel, Span};

use crate::{
    policy::{Domains, Name},
    words::{Audience, ClockKind, SubjectKind, Urgency},
};

/// Minutes and hours of the safety ladder, in seconds on the clock: no calendar slows them down.
const SAFETY_REPEAT: Span = Span::Elapsed(5 * 60);
const SAFETY_CLOCKS: Clocks = Clocks {
    accept: Span::Elapsed(15 * 60),
    first_contact: Span::Elapsed(60 * 60),
    answer: Span::Elapsed(24 * 60 * 60),
    repeat: Span::Elapsed(30 * 60),
};
const FOLLOW_UP_CLOCKS: Clocks = Clocks {
    accept: Span::WorkingDays(5),
    first_contact: Span::WorkingDays(8),
    answer: Span::WorkingDays(10),
    repeat: Span::WorkingMinutes(8 * 60),
};

/// How many people one step asks at once, unless the policy says otherwise.
pub const AT_ONCE: usize = 3;
/// Most steps of one ladder.
pub const RUNGS_MAX: usize = 20;

/// The clocks of a plan. They count from the moment at which the asker was told that her signal is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Clocks {
    /// Somebody must have taken it within.
    pub accept: Span,
    /// Somebody must have been reached within.
    pub first_contact: Span,
    /// The asker must have heard within.
    pub answer: Span,
    /// A clock that rang rings again after.
    pub repeat: Span,
}

/// Some of the clocks, where a branch of a policy brings its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SomeClocks {
    /// See [`Clocks::accept`].
    pub accept: Option<Span>,
    /// See [`Clocks::first_contact`].
    pub first_contact: Option<Span>,
    /// See [`Clocks::answer`].
    pub answer: Option<Span>,
    /// See [`Clocks::repeat`].
    pub repeat: Option<Span>,
}

impl SomeClocks {
    /// Those clocks, the others as they are in `clocks`.
    #[must_use]
    pub fn over(&self, clocks: Clocks) -> Clocks {
        Clocks {
            accept: self.accept.unwrap_or(clocks.accept),
            first_contact: self.first_contact.unwrap_or(clocks.first_contact),
            answer: self.answer.unwrap_or(clocks.answer),
            repeat: self.repeat.unwrap_or(clocks.repeat),
        }
    }
}

/// Whom of its audience a step turns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Expertise {
    /// Everybody; who knows about the concern goes first.
    #[default]
    Anyone,
    /// Only who knows about one of the domains of the signal.
    OfTheConcern,
    /// Only who knows about one of these; never empty.
    OneOf(Domains),
}

impl Expertise {
    /// The domains of which somebody must know one, for a signal about `concern`; empty: nothing is asked of her.
    #[must_use]
    pub fn asked_for(self, concern: &[ConcernDomain]) -> Domains {
        match self {
            Self::Anyone => Domains::NONE,
            Self::OfTheConcern => Domains::from(concern),
            Self::OneOf(domains) => domains,
        }
    }
}

/// One step of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rung {
    /// To whom it turns.
    pub audience: Audience,
    /// Whom of them.
    pub expertise: Expertise,
    /// Time to respond before the next step; for everybody on duty: time until everybody is asked again; for the coordinator: no step follows.
    pub respond_within: Span,
    /// How many are asked at once; whoever does not fit comes in a following step of the same kind. 0 counts as 1.
    pub at_once: usize,
}

/// Whom to turn to, and when. Its last step always catches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ladder {
    policy_version: u64,
    name: Name,
    branch: Vec<Name>,
    rungs: Vec<Rung>,
    clocks: Clocks,
    patient: bool,
}

/// What keeps steps and clocks from being a ladder of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LadderFault {
    /// A ladder that lets a task lie.
    #[error("the last step turns to the coordinator, so that it always catches")]
    NoCatch,
    /// Too long.
    #[error("a ladder has at most {RUNGS_MAX} steps")]
    TooManySteps,
    /// Index of a step before the last one that turns to the coordinator: what follows would never be reached.
    #[error("the coordinator always catches, so no step after her is ever taken")]
    CatchTooSoon(usize),
    /// Index of a step that belongs to safety.
    #[error("everybody on duty is asked for safety only, and that ladder is fixed")]
    SafetyOnly(usize),
    /// Index of a step to the coordinator that asks for an expertise.
    #[error("the coordinator catches whatever she knows about")]
    ChoosyCatch(usize),
    /// Index of a step that asks for one of no domains.
    #[error("name at least one domain")]
    NoDomain(usize),
    /// Index of a step without time to respond.
    #[error("nobody can respond in no time")]
    NoTime(usize),
    /// A clock that rings at once.
    #[error("nobody can act in no time")]
    NoTimeFor(ClockKind),
    /// A clock that rings after the one that must follow it, as far as the two are counted alike.
    #[error("comes after a clock that it must come before")]
    OutOfOrder(ClockKind),
    /// A clock that rings again at once.
    #[error("a clock that rang cannot ring again at once")]
    NoPause,
}

/// Other spans than those of the policy, for demonstrations and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overrides {
    /// Time to respond to an offer, and until a safety signal is repeated.
    pub offer: Option<Span>,
    /// See [`Clocks::accept`].
    pub accept: Option<Span>,
    /// See [`Clocks::first_contact`].
    pub first_contact: Option<Span>,
    /// See [`Clocks::answer`].
    pub answer: Option<Span>,
    /// See [`Clocks::repeat`].
    pub repeat: Option<Span>,
}

const fn is_nothing(span: Span) -> bool {
    matches!(span, Span::Elapsed(0) | Span::WorkingDays(0) | Span::WorkingMinutes(0))
}

/// Is the first surely longer? Spans that are counted differently cannot be compared without a calendar.
const fn is_longer(a: Span, b: Span) -> bool {
    match (a, b) {
        (Span::Elapsed(a), Span::Elapsed(b)) => a > b,
        (Span::WorkingDays(a), Span::WorkingDays(b)) | (Span::WorkingMinutes(a), Span::WorkingMinutes(b)) => {
            a > b
        }
        _ => false,
    }
}

/// What is wrong with clocks by themselves.
#[must_use]
pub fn faults_of_clocks(clocks: &Clocks) -> Vec<LadderFault> {
    let Clocks { accept, first_contact, answer, repeat } = *clocks;
    let named =
        [(ClockKind::Accept, accept), (ClockKind::FirstContact, first_contact), (ClockKind::Answer, answer)];
    let mut faults: Vec<LadderFault> = named
        .into_iter()
        .filter(|(_, span)| is_nothing(*span))
        .map(|(clock, _)| LadderFault::NoTimeFor(clock))
        .collect();
    if is_nothing(repeat) {
        faults.push(LadderFault::NoPause);
    }
    if is_longer(accept, first_contact) || is_longer(accept, answer) {
        faults.push(LadderFault::OutOfOrder(ClockKind::Accept));
    }
    if is_longer(first_contact, answer) {
        faults.push(LadderFault::OutOfOrder(ClockKind::FirstContact));
    }
    faults
}

fn faults_of_rungs(rungs: &[Rung]) -> Vec<LadderFault> {
    let mut faults = Vec::new();
    if rungs.len() > RUNGS_MAX {
        faults.push(LadderFault::TooManySteps);
    }
    if rungs.last().is_none_or(|rung| rung.audience != Audience::Coordinator) {
        faults.push(LadderFault::NoCatch);
    }
    for (index, rung) in rungs.iter().enumerate() {
        match rung.audience {
            Audience::EverybodyOnDuty => faults.push(LadderFault::SafetyOnly(index)),
            Audience::Coordinator if index + 1 < rungs.len() => faults.push(LadderFault::CatchTooSoon(index)),
            Audience::Coordinator if rung.expertise != Expertise::Anyone => {
                faults.push(LadderFault::ChoosyCatch(index));
            }
            Audience::Coordinator => {}
            _ if is_nothing(rung.respond_within) => faults.push(LadderFault::NoTime(index)),
            _ => {}
        }
        if rung.expertise == Expertise::OneOf(Domains::NONE) {
            faults.push(LadderFault::NoDomain(index));
        }
    }
    faults
}

impl Ladder {
    /// Version of the built-in policy in a plan.
    pub const BUILT_IN: u64 = 0;
    /// Name of the ladder of safety signals; no policy has a ladder of this name.
    pub const SAFETY: &'static str = "safety";
    /// Name of the ladder of work that came due by itself; no policy has a ladder of this name.
    pub const FOLLOW_UP: &'static str = "follow-up";

    /// Makes a ladder of a policy.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(name: Name, rungs: Vec<Rung>, clocks: Clocks) -> Result<Self, Vec<LadderFault>> {
        let mut faults = faults_of_rungs(&rungs);
        faults.extend(faults_of_clocks(&clocks));
        if faults.is_empty() {
            let branch = Vec::new();
            Ok(Self { policy_version: Self::BUILT_IN, name, branch, rungs, clocks, patient: false })
        } else {
            Err(faults)
        }
    }

    /// The ladder of safety signals: everybody on duty and the coordinator at once, again and again until a person confirms. It is fixed
    /// here, and no policy and no setting of a centre changes it.
    #[must_use]
    pub fn safety() -> Self {
        let everybody = Rung {
            audience: Audience::EverybodyOnDuty,
            expertise: Expertise::Anyone,
            respond_within: SAFETY_REPEAT,
            at_once: usize::MAX,
        };
        Self::fixed(Self::SAFETY, vec![everybody], SAFETY_CLOCKS, false)
    }

    /// The ladder of work that came due by itself: a follow-up check, a hand-over, a look-back. There is no hurry: it waits until somebody
    /// is at work again, and it is hers whose work it follows on.
    #[must_use]
    pub fn follow_up() -> Self {
        let audiences = [Audience::KnownProfessional, Audience::PresentAtCentre, Audience::Coordinator];
        let rungs = stepwise(&audiences, Span::WorkingDays(2), FOLLOW_UP_CLOCKS.accept);
        Self::fixed(Self::FOLLOW_UP, rungs, FOLLOW_UP_CLOCKS, true)
    }

    /// The ladder that stands in for a policy where there is none: in tests of this crate, and as what the built-in policy is compared with.
    #[must_use]
    pub fn built_in(urgency: Urgency) -> Self {
        let known = [
            Audience::KnownProfessional,
            Audience::KnownBackInTime,
            Audience::PresentAtCentre,
            Audience::Coordinator,
        ];
        let nobody_knows = [Audience::PresentAtCentre, Audience::Coordinator];
        let (audiences, offer, clocks): (&[Audience], _, _) = match urgency {
            Urgency::Safety => return Self::safety(),
            // The same working day.
            Urgency::Urgent => {
                (&known, 30, clocks(Span::WorkingMinutes(120), Span::WorkingMinutes(240), 1, 60))
            }
            Urgency::Regular => (&known, 240, clocks(Span::WorkingDays(2), Span::WorkingDays(5), 10, 8 * 60)),
            Urgency::Consult => {
                (&nobody_knows, 240, clocks(Span::WorkingDays(1), Span::WorkingDays(2), 3, 8 * 60))
            }
        };
        let rungs = stepwise(audiences, Span::WorkingMinutes(offer), clocks.accept);
        Self::fixed(urgency.name(), rungs, clocks, false)
    }

    fn fixed(name: &'static str, rungs: Vec<Rung>, clocks: Clocks, patient: bool) -> Self {
        let name = Name::fixed(name);
        Self { policy_version: Self::BUILT_IN, name, branch: Vec::new(), rungs, clocks, patient }
    }

    /// The same ladder, as a branch of a policy found it.
    #[must_use]
    pub(crate) fn found(mut self, policy_version: u64, branch: Vec<Name>, clocks: Clocks) -> Self {
        (self.policy_version, self.branch, self.clocks) = (policy_version, branch, clocks);
        self
    }

    /// The same ladder with other spans.
    #[must_use]
    pub fn with(mut self, other: &Overrides) -> Self {
        if let Some(offer) = other.offer {
            self.rungs.iter_mut().for_each(|rung| rung.respond_within = offer);
        }
        let Overrides { accept, first_contact, answer, repeat, .. } = *other;
        self.clocks = SomeClocks { accept, first_contact, answer, repeat }.over(self.clocks);
        self
    }

    /// Version of the policy it comes from.
    #[must_use]
    pub const fn policy_version(&self) -> u64 {
        self.policy_version
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// Names of the branches that led to it, the root first; empty for safety and for work that came due by itself.
    #[must_use]
    pub fn branch(&self) -> &[Name] {
        &self.branch
    }

    /// Its steps; the last one always catches.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// Can it wait until somebody is at work again? Then her not being there at this moment is no obstacle.
    #[must_use]
    pub const fn is_patient(&self) -> bool {
        self.patient
    }

    /// Its clocks.
    #[must_use]
    pub const fn clocks(&self) -> Clocks {
        self.clocks
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// Steps that ask everybody of their audience; the coordinator is expected within `accept`.
fn stepwise(audiences: &[Audience], respond_within: Span, accept: Span) -> Vec<Rung> {
    let rung = |audience| {
        let respond_within = if audience == Audience::Coordinator { accept } else { respond_within };
        Rung { audience, expertise: Expertise::Anyone, respond_within, at_once: AT_ONCE }
    };
    audiences.iter().copied().map(rung).collect()
}

const fn clocks(accept: Span, first_contact: Span, answer_days: u32, repeat_minutes: u32) -> Clocks {
    Clocks {
        accept,
        first_contact,
        answer: Span::WorkingDays(answer_days),
        repeat: Span::WorkingMinutes(repeat_minutes),
    }
}

/// How soon somebody must act. Structural unsafety counts as a safety signal, as in the afwegingskader.
#[must_use]
pub const fn urgency(safety: SafetyLevel, subject: SubjectKind, urgent: bool) -> Urgency {
    match (safety, subject, urgent) {
        (SafetyLevel::Acute | SafetyLevel::Structural, _, _) => Urgency::Safety,
        (SafetyLevel::None, _, true) => Urgency::Urgent,
        (SafetyLevel::None, SubjectKind::Consult, false) => Urgency::Consult,
        (SafetyLevel::None, SubjectKind::Child | SubjectKind::Group, false) => Urgency::Regular,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Calendar as _, ElapsedCalendar};
    use voordeur_kernel::Timestamp;

    fn name() -> Name {
        Name::parse("gewoon").unwrap()
    }

    fn regular() -> Ladder {
        Ladder::built_in(Urgency::Regular)
    }

    #[test]
    fn a_ladder_that_lets_a_task_lie_cannot_be_made() {
        let clocks = regular().clocks();
        assert_eq!(Ladder::new(name(), Vec::new(), clocks), Err(vec![LadderFault::NoCatch]));
        let without_catch = stepwise(&[Audience::PresentAtCentre], Span::WorkingMinutes(1), clocks.accept);
        assert_eq!(Ladder::new(name(), without_catch, clocks), Err(vec![LadderFault::NoCatch]));
        for urgency in [Urgency::Urgent, Urgency::Regular, Urgency::Consult] {
            let ladder = Ladder::built_in(urgency);
            assert!(Ladder::new(name(), ladder.rungs().to_vec(), ladder.clocks()).is_ok());
        }
    }

    #[test]
    fn every_fault_of_a_ladder_is_told_at_once() {
        let minute = Span::WorkingMinutes(1);
        let mut rungs = stepwise(
            &[
                Audience::KnownProfessional,
                Audience::Coordinator,
                Audience::EverybodyOnDuty,
                Audience::PresentAtCentre,
                Audience::Coordinator,
            ],
            minute,
            minute,
        );
        rungs[0].respond_within = Span::Elapsed(0);
        rungs[3].expertise = Expertise::OneOf(Domains::NONE);
        rungs[4].expertise = Expertise::OfTheConcern;
        let clocks = Clocks {
            accept: Span::WorkingDays(6),
            first_contact: Span::WorkingDays(5),
            answer: Span::WorkingDays(0),
            repeat: Span::WorkingMinutes(0),
        };
        let faults = Ladder::new(name(), rungs, clocks).unwrap_err();
        assert_eq!(
            faults,
            [
                LadderFault::NoTime(0),
                LadderFault::CatchTooSoon(1),
                LadderFault::SafetyOnly(2),
                LadderFault::NoDomain(3),
                LadderFault::ChoosyCatch(4),
                LadderFault::NoTimeFor(ClockKind::Answer),
                LadderFault::NoPause,
                LadderFault::OutOfOrder(ClockKind::Accept),
                LadderFault::OutOfOrder(ClockKind::FirstContact),
            ]
        );
    }

    #[test]
    fn clocks_come_in_order_and_offers_end_before_the_accept_clock() {
        let start: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let follow_up = (None, Ladder::follow_up());
        let signals = Urgency::ALL.iter().map(|urgency| (Some(*urgency), Ladder::built_in(*urgency)));
        for (urgency, ladder) in signals.chain([follow_up]) {
            let due = |span| ElapsedCalendar.after(start, span);
            let clocks = ladder.clocks();
            let offers = ladder
                .rungs()
                .iter()
                .filter(|rung| rung.audience != Audience::Coordinator)
                .fold(start, |moment, rung| ElapsedCalendar.after(moment, rung.respond_within));
            assert!(offers < due(clocks.accept), "{urgency:?}");
            assert!(due(clocks.accept) < due(clocks.first_contact), "{urgency:?}");
            assert!(due(clocks.first_contact) < due(clocks.answer), "{urgency:?}");
        }
    }

    #[test]
    fn other_spans_take_the_place_of_those_of_the_ladder_and_nothing_else_changes() {
        let other = Overrides {
            offer: Some(Span::Elapsed(3)),
            answer: Some(Span::Elapsed(9)),
            ..Overrides::default()
        };
        let (before, after) = (regular(), regular().with(&other));
        assert!(after.rungs().iter().all(|rung| rung.respond_within == Span::Elapsed(3)));
        assert_eq!(after.clocks(), Clocks { answer: Span::Elapsed(9), ..before.clocks() });
        assert_eq!(before.clone().with(&Overrides::default()), before);
    }

    #[test]
    fn safety_comes_before_everything() {
        for subject in SubjectKind::ALL {
            for urgent in [false, true] {
                assert_eq!(urgency(SafetyLevel::Acute, *subject, urgent), Urgency::Safety);
                assert_eq!(urgency(SafetyLevel::Structural, *subject, urgent), Urgency::Safety);
            }
        }
        assert_eq!(urgency(SafetyLevel::None, SubjectKind::Consult, true), Urgency::Urgent);
        assert_eq!(urgency(SafetyLevel::None, SubjectKind::Consult, false), Urgency::Consult);
        assert_eq!(urgency(SafetyLevel::None, SubjectKind::Group, false), Urgency::Regular);
    }

    #[test]
    fn an_expertise_is_asked_for_by_name_or_by_the_concern() {
        let concern = [ConcernDomain::Sociaal, ConcernDomain::Gedrag];
        let language: Domains = [ConcernDomain::SpraakTaal].into_iter().collect();
        assert_eq!(Expertise::Anyone.asked_for(&concern), Domains::NONE);
        assert_eq!(Expertise::OfTheConcern.asked_for(&concern), Domains::from(&concern[..]));
        assert_eq!(Expertise::OneOf(language).asked_for(&concern), language);
    }
}
