//! A ladder: whom to turn to, one step after the other, and the clocks beside it. It is data, so that a policy can bring another one.

use voordeur_kernel::{SafetyLevel, Span};

use crate::words::{Audience, SubjectKind, Urgency};

/// Minutes and hours of the built-in ladders, in seconds on the clock where a calendar must not slow them down.
const SAFETY_REPEAT: Span = Span::Elapsed(5 * 60);
const SAFETY_ACCEPT: Span = Span::Elapsed(15 * 60);
const SAFETY_CONTACT: Span = Span::Elapsed(60 * 60);
const SAFETY_ANSWER: Span = Span::Elapsed(24 * 60 * 60);
const SAFETY_REMIND: Span = Span::Elapsed(30 * 60);

/// How many people one step asks at once, unless everybody is asked.
const AT_ONCE: usize = 3;

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

/// One step of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rung {
    /// To whom it turns.
    pub audience: Audience,
    /// Time to respond before the next step; for everybody on duty: time until everybody is asked again.
    pub respond_within: Span,
    /// How many are asked at once; whoever does not fit comes in a following step of the same kind. 0 counts as 1.
    pub at_once: usize,
}

/// Whom to turn to, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    policy_version: u64,
    rungs: Vec<Rung>,
    clocks: Clocks,
    patient: bool,
}

/// A ladder that lets a task lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the last step of a ladder turns to the coordinator or to everybody on duty, so that it always catches"
)]
pub struct NoCatch;

/// Other spans than the built-in ones, for demonstrations and tests.
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

impl Ladder {
    /// Version of the built-in ladder in a plan.
    pub const BUILT_IN: u64 = 0;

    /// Makes a ladder of a policy.
    ///
    /// # Errors
    /// When its last step does not always find somebody.
    pub fn new(policy_version: u64, rungs: Vec<Rung>, clocks: Clocks) -> Result<Self, NoCatch> {
        match rungs.last().map(|rung| rung.audience) {
            Some(Audience::Coordinator | Audience::EverybodyOnDuty) => {
                Ok(Self { policy_version, rungs, clocks, patient: false })
            }
            _ => Err(NoCatch),
        }
    }

    /// The built-in ladder: who knows the child, others present, the coordinator; for safety everybody at once.
    #[must_use]
    pub fn built_in(urgency: Urgency) -> Self {
        let (offer, clocks) = match urgency {
            Urgency::Safety => {
                let clocks = Clocks {
                    accept: SAFETY_ACCEPT,
                    first_contact: SAFETY_CONTACT,
                    answer: SAFETY_ANSWER,
                    repeat: SAFETY_REMIND,
                };
                let everybody = Rung {
                    audience: Audience::EverybodyOnDuty,
                    respond_within: SAFETY_REPEAT,
                    at_once: usize::MAX,
                };
                return Self {
                    policy_version: Self::BUILT_IN,
                    rungs: vec![everybody],
                    clocks,
                    patient: false,
                };
            }
            // The same working day.
            Urgency::Urgent => (30, clocks(Span::WorkingMinutes(120), Span::WorkingMinutes(240), 1, 60)),
            Urgency::Regular => (240, clocks(Span::WorkingDays(2), Span::WorkingDays(5), 10, 8 * 60)),
            Urgency::Consult => (240, clocks(Span::WorkingDays(1), Span::WorkingDays(2), 3, 8 * 60)),
        };
        Self::stepwise(Span::WorkingMinutes(offer), clocks, false)
    }

    /// The built-in ladder of work that came due by itself: a follow-up check, a hand-over, a look-back. There is no hurry: it waits until
    /// somebody is at work again, and it is hers whose work it follows on.
    #[must_use]
    pub fn follow_up() -> Self {
        let clocks = clocks(Span::WorkingDays(5), Span::WorkingDays(8), 10, 8 * 60);
        Self::stepwise(Span::WorkingDays(2), clocks, true)
    }

    /// Who knows, others, the coordinator.
    fn stepwise(respond_within: Span, clocks: Clocks, patient: bool) -> Self {
        let rung = |audience| Rung { audience, respond_within, at_once: AT_ONCE };
        let rungs = [Audience::KnownProfessional, Audience::PresentAtCentre, Audience::Coordinator];
        Self { policy_version: Self::BUILT_IN, rungs: rungs.map(rung).to_vec(), clocks, patient }
    }

    /// The same ladder with other spans.
    #[must_use]
    pub fn with(mut self, other: &Overrides) -> Self {
        if let Some(offer) = other.offer {
            self.rungs.iter_mut().for_each(|rung| rung.respond_within = offer);
        }
        let clocks = &mut self.clocks;
        clocks.accept = other.accept.unwrap_or(clocks.accept);
        clocks.first_contact = other.first_contact.unwrap_or(clocks.first_contact);
        clocks.answer = other.answer.unwrap_or(clocks.answer);
        clocks.repeat = other.repeat.unwrap_or(clocks.repeat);
        self
    }

    /// Version of the policy it comes from.
    #[must_use]
    pub const fn policy_version(&self) -> u64 {
        self.policy_version
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

    #[test]
    fn every_built_in_ladder_always_catches() {
        for urgency in Urgency::ALL {
            let ladder = Ladder::built_in(*urgency);
            assert!(Ladder::new(1, ladder.rungs().to_vec(), ladder.clocks()).is_ok());
        }
        let clocks = Ladder::built_in(Urgency::Regular).clocks();
        assert_eq!(Ladder::new(1, Vec::new(), clocks), Err(NoCatch));
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
    fn other_spans_take_the_place_of_the_built_in_ones_and_nothing_else_changes() {
        let other = Overrides {
            offer: Some(Span::Elapsed(3)),
            answer: Some(Span::Elapsed(9)),
            ..Overrides::default()
        };
        let (before, after) =
            (Ladder::built_in(Urgency::Regular), Ladder::built_in(Urgency::Regular).with(&other));
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
}
