//! ESC-1: the rows of the table, asked one after the other. The first that fits decides.

use super::{
    course::{Course, Earlier, earlier_referral, judge_referral},
    day::Day,
    fact::{CaseFact, FactKind, Subject},
    prepare::{Contradiction, prepare, standing_judgement},
    result::{Class, Classified, Flag, Flags, Reason},
    ruleset::{ESC_1, Ruleset},
};
use crate::words::{Baseline, NeedStatus, WithdrawalScope};

/// What is asked about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The day of observation: nothing that happened later counts.
    pub observed: Day,
    /// The window in days; the last day counts.
    pub window: u16,
    /// The day of knowledge: nothing that became known later counts.
    pub known: Day,
}

/// Classifies cases one after the other, in room that it keeps.
#[derive(Debug, Clone)]
pub struct Classifier {
    ruleset: &'static Ruleset,
    facts: Vec<CaseFact>,
}

impl Default for Classifier {
    fn default() -> Self {
        Self::new(&ESC_1)
    }
}

impl Classifier {
    /// Under a ruleset.
    #[must_use]
    pub const fn new(ruleset: &'static Ruleset) -> Self {
        Self { ruleset, facts: Vec::new() }
    }

    /// The class of a case. The order of the facts means nothing, and a fact that is there twice is there once.
    ///
    /// # Errors
    /// When two facts with the same id say different things.
    pub fn classify(&mut self, facts: &[CaseFact], question: Question) -> Result<Classified, Contradiction> {
        self.facts.clear();
        self.facts.extend_from_slice(facts);
        let mut flags = Flags::NONE;
        prepare(&mut self.facts, self.ruleset, question, &mut flags)?;
        Ok(rows(&self.facts, self.ruleset, question, flags))
    }
}

/// The class of one case under ESC-1; see [`Classifier`], which is the better choice for many.
///
/// # Errors
/// When two facts with the same id say different things.
pub fn classify(facts: &[CaseFact], question: Question) -> Result<Classified, Contradiction> {
    Classifier::default().classify(facts, question)
}

fn rows(facts: &[CaseFact], ruleset: &Ruleset, question: Question, mut flags: Flags) -> Classified {
    let is = |kind: FactKind| move |fact: &&CaseFact| fact.kind == kind;
    // R0
    let signals = facts.iter().filter(is(FactKind::Signal(Subject::Child))).count();
    if signals == 0 {
        return Classified::new(Reason::NoChildUnit, flags);
    }
    // R1. Nothing else is said about a case that is to be erased.
    if facts.iter().any(|fact| fact.kind == FactKind::ConsentWithdrawn(WithdrawalScope::All)) {
        return Classified::new(Reason::ConsentWithdrawn, Flags::NONE);
    }
    flags.insert_if(Flag::MoreThanOneSignal, signals > 1);
    // R2
    let Some((judgement, level)) = standing_judgement(facts, ruleset) else {
        return Classified::new(Reason::NoValidBaseline, flags);
    };
    flags.insert(Flag::of_baseline(level));
    let course = Course::of(facts, judgement.effective);
    course.flags(i32::from(question.window), &mut flags);
    let mut found = after_judgement(facts, ruleset, (&judgement, level), &course, question, flags);
    found.baseline = Some((level, judgement.effective));
    found
}

/// From R3 on: there is a judgement that was made and recorded in time.
fn after_judgement(
    facts: &[CaseFact],
    ruleset: &Ruleset,
    (judgement, level): (&CaseFact, Baseline),
    course: &Course,
    question: Question,
    mut flags: Flags,
) -> Classified {
    let start = judgement.effective;
    let window = i32::from(question.window);
    // R3
    match earlier_referral(facts, start) {
        Earlier::Running => return Classified::new(Reason::AlreadyReferred, flags),
        Earlier::Ended => flags.insert(Flag::PriorCareEnded),
        Earlier::None => {}
    }
    // R3b
    if course.referral_known.is_some_and(|known| judgement.recorded > known) {
        return Classified::new(Reason::NoValidBaseline, flags);
    }
    let survival = (level != Baseline::None).then(|| course.survival());
    // R4
    if let Some(day) = course.referral().filter(|day| *day <= window) {
        let first = course.first.filter(|first| first.day <= window);
        let (reason, reviews) = first.map_or((Reason::NeedNotSettled, None), |first| {
            let (reason, reviews) = judge_referral(facts, &first, start, &mut flags);
            (reason, Some(reviews))
        });
        let endpoint = first.and_then(|first| match first.referral {
            Some(referral) => Some(referral.endpoint),
            None => ruleset.endpoints.left_to_specialist(),
        });
        return Classified {
            day: u16::try_from(day).ok(),
            survival,
            endpoint,
            reviews,
            ..Classified::new(reason, flags)
        };
    }
    let reason = not_referred(facts, level, course, question, start);
    let later = course.first.is_some() || (reason.class() == Class::Avoided && course.any_undated());
    flags.insert_if(Flag::ReferredAfterWindow, later);
    Classified { survival, ..Classified::new(reason, flags) }
}

/// From R5 on: there is no referral in the window that anybody knows of.
fn not_referred(
    facts: &[CaseFact],
    level: Baseline,
    course: &Course,
    question: Question,
    start: Day,
) -> Reason {
    let window = i32::from(question.window);
    let in_window = |day: Option<i32>| day.is_some_and(|day| day <= window);
    // R5
    if level == Baseline::None {
        return Reason::NoThreat;
    }
    // R6
    if in_window(course.veilig_thuis) {
        return Reason::SafetyRoute;
    }
    // R7
    match course.need_at(facts, window) {
        Some(NeedStatus::Ok) if in_window(course.support) => return Reason::NoReferralInWindow,
        Some(NeedStatus::Ok) => return Reason::NoSupportGiven,
        Some(NeedStatus::Concern) => return Reason::UnmetNeed,
        Some(NeedStatus::Unknown) => return Reason::NeedUnknown,
        None => {}
    }
    // R8
    if course.any_undated() {
        return Reason::ReferralDateUnknown;
    }
    // R9
    if course.withdrawn {
        return Reason::ConsentWithdrawn;
    }
    if course.left.is_some() {
        return Reason::LeftCentre;
    }
    if question.observed.since(start) < window {
        return Reason::Pending;
    }
    // R10
    Reason::NoFollowUpCheck
}
