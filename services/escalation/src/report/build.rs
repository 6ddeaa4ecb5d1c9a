//! From histories to counts: every case is classified as it was known on a day, and counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use voordeur_chassis::Problem;
use voordeur_escalation_domain::{
    Baseline,
    outcome::{
        CaseFact, Cause, Class, Classified, Classifier, Day, ESC_1, Endpoint, FactKind, Question, Reason,
        Reviews, join, merge,
    },
    words::LeavingDestination,
};
use voordeur_eventlog::Deadline;
use voordeur_kernel::ChildAlias;
use voordeur_outcome_report::{
    LONG_WINDOW_DAYS, Period, SETTLING_DAYS, Tally, WINDOW_DAYS, days_between,
    input::{self, Case, Closing, Floor, Goals, Judged, Need, Outcome, Survival, Verdict, Why},
};

use super::{
    compact::{CentreIndex, EpisodeFacts, Gathered, QuestionFacts, What, half},
    gather::timed_out,
};

/// Cases between two looks at the clock.
const LOOK_EVERY: usize = 4_096;
/// Windows of ESC-1 as the rules take them.
const WINDOW: u16 = WINDOW_DAYS as u16;
const LONG_WINDOW: u16 = LONG_WINDOW_DAYS as u16;
/// Until this day a request counts as one that waited for the window to pass.
const JUST_AFTER: u16 = WINDOW + SETTLING_DAYS as u16;

/// What one report counts.
#[derive(Debug, Clone)]
pub(crate) struct Count {
    /// Centres.
    pub(crate) centres: BTreeSet<CentreIndex>,
    /// Days of the judgements.
    pub(crate) period: Period,
    /// What was known by the end of this day.
    pub(crate) known_on: Date,
    /// The same for the period before.
    pub(crate) known_before: Date,
    /// Minutes beschikkingsvrij that were agreed.
    pub(crate) available: Option<u64>,
}

/// Cases of all histories: places of those that are one child in one window, the earliest first.
pub(crate) struct Cases {
    groups: Vec<Vec<usize>>,
    /// First days of every episode of a child, and of every further signal, for those with more than one.
    asked: HashMap<ChildAlias, Vec<Day>>,
}

impl Cases {
    /// Joins histories of children whose aliases were linked.
    pub(crate) fn of(all: &Gathered) -> Self {
        // The place of the history that a history leads to, over as many links as there are.
        let mut root: BTreeMap<usize, usize> = BTreeMap::new();
        for (place, episode) in all.episodes.iter().enumerate() {
            if let Some(earlier) = episode.earlier.and_then(|earlier| all.by_episode.get(&earlier)) {
                root.insert(place, *earlier);
            }
        }
        let end = |mut place: usize| {
            // A circle of links cannot be; should there be one, it ends here.
            for _ in 0..64 {
                match root.get(&place) {
                    Some(earlier) => place = *earlier,
                    None => break,
                }
            }
            place
        };
        let mut linked: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in root.keys() {
            linked.entry(end(*place)).or_default().push(*place);
        }
        let mut groups = Vec::with_capacity(all.episodes.len());
        for place in 0..all.episodes.len() {
            if root.contains_key(&place) {
                continue;
            }
            let Some(others) = linked.get(&place) else {
                groups.push(vec![place]);
                continue;
            };
            let members: Vec<usize> = std::iter::once(place).chain(others.iter().copied()).collect();
            let facts: Vec<&[CaseFact]> = members
                .iter()
                .filter_map(|member| all.episodes.get(*member).map(EpisodeFacts::facts))
                .collect();
            for joined in join(&facts, WINDOW) {
                groups.push(joined.into_iter().filter_map(|at| members.get(at).copied()).collect());
            }
        }
        let mut asked: HashMap<ChildAlias, Vec<Day>> = HashMap::new();
        for episode in &all.episodes {
            let signals = episode.facts().iter().filter(|fact| matches!(fact.kind, FactKind::Signal(_)));
            asked.entry(episode.child).or_default().extend(signals.map(|fact| fact.effective));
        }
        asked.retain(|_, days| {
            days.sort_unstable();
            days.len() > 1
        });
        Self { groups, asked }
    }

    /// The histories of each case.
    pub(super) fn members<'a>(&'a self, all: &'a Gathered) -> impl Iterator<Item = Vec<&'a EpisodeFacts>> {
        self.groups.iter().map(|group| group.iter().filter_map(|place| all.episodes.get(*place)).collect())
    }
}

/// Counts everything that a report is about.
///
/// # Errors
/// When the deadline passes, or a history contradicts itself.
pub(crate) fn count(
    all: &Gathered,
    cases: &Cases,
    asked: &Count,
    deadline: Deadline,
) -> Result<Tally, Problem> {
    let (Some(known_on), Some(known_before)) =
        (Day::of_date(asked.known_on), Day::of_date(asked.known_before))
    else {
        return Err(Problem::broken("a day outside of the calendar"));
    };
    let mut tally = Tally::new(asked.period, asked.known_on, asked.known_before);
    let before = asked.period.before();
    let mut classifier = Classifier::new(&ESC_1);
    for (number, members) in cases.members(all).enumerate() {
        if number.is_multiple_of(LOOK_EVERY) && Deadline::now() >= deadline {
            return Err(timed_out());
        }
        let Some(first) = members.first() else { continue };
        if !asked.centres.contains(&first.centre) {
            continue;
        }
        let merged;
        let facts: &[CaseFact] = match members.as_slice() {
            [one] => one.facts(),
            many => {
                merged = merge(many.iter().map(|episode| episode.facts()))
                    .map_err(|_| Problem::broken("two facts of one id contradict each other"))?;
                &merged
            }
        };
        let one = One { all, cases, members: &members, facts, period: &asked.period };
        if let Some(case) = one.case(&mut classifier, known_on)? {
            tally.case(&case);
        }
        if let Some(before) = &before
            && let Some((level, survival)) = one.before(&mut classifier, before, known_before)?
        {
            tally.case_before(half(first.id.as_bytes()), level, survival);
        }
    }
    for (id, question) in
        all.questions.iter().filter(|(_, question)| asked.centres.contains(&question.centre))
    {
        if question.on <= known_on {
            tally.question(&as_asked(*id, question, known_on));
        }
    }
    tally.floor(Floor { minutes: floor_minutes(all, asked, known_on), available: asked.available });
    Ok(tally)
}

fn as_asked(id: u64, question: &QuestionFacts, known_on: Day) -> input::Question {
    let now = question.certainty_now.filter(|(day, _)| *day <= known_on).map(|(_, now)| now);
    input::Question {
        fingerprint: id,
        on: question.on.date(),
        about: question.about,
        lasting: question.lasting,
        asker: question.asker,
        certainty: question.certainty.zip(now),
        withdrawn: question.withdrawn.is_some_and(|day| day <= known_on),
    }
}

/// Minutes of work on the floor in the period, as they stood: the last word on each activity counts.
fn floor_minutes(all: &Gathered, asked: &Count, known_on: Day) -> u64 {
    let mut standing: HashMap<u64, (Option<Day>, u16)> = HashMap::new();
    let notes =
        all.floor.iter().filter(|note| note.recorded <= known_on && asked.centres.contains(&note.centre));
    for note in notes {
        let entry = standing.entry(note.activity).or_insert((None, 0));
        *entry = (note.on.or(entry.0), note.minutes);
    }
    let inside = |on: &Option<Day>| on.is_some_and(|on| asked.period.covers(on.date()));
    standing.values().filter(|(on, _)| inside(on)).map(|(_, minutes)| u64::from(*minutes)).sum()
}

/// One case with its histories.
pub(super) struct One<'a> {
    pub(super) all: &'a Gathered,
    pub(super) cases: &'a Cases,
    pub(super) members: &'a [&'a EpisodeFacts],
    pub(super) facts: &'a [CaseFact],
    pub(super) period: &'a Period,
}

fn contradiction<E>(_: E) -> Problem {
    Problem::broken("two facts of one id contradict each other")
}

impl One<'_> {
    fn classified(
        &self,
        classifier: &mut Classifier,
        window: u16,
        known: Day,
    ) -> Result<Classified, Problem> {
        classifier.classify(self.facts, Question { observed: known, window, known }).map_err(contradiction)
    }

    /// The case as the report wants it; nothing when nothing may be said of it.
    pub(super) fn case(&self, classifier: &mut Classifier, known: Day) -> Result<Option<Case>, Problem> {
        let Some(first) = self.members.first() else { return Ok(None) };
        let found = self.classified(classifier, WINDOW, known)?;
        // Out of scope; or consent was withdrawn for everything, and then nothing is counted at all.
        let erased = found.reason == Reason::ConsentWithdrawn && found.baseline.is_none();
        if found.class == Class::OutOfScope || erased {
            return Ok(None);
        }
        let voided: Vec<u64> = self.members.iter().flat_map(|episode| episode.voided(known)).collect();
        let standing = |fact: &&CaseFact| {
            fact.recorded <= known
                && fact.effective <= known
                && !voided.contains(&super::compact::half_of(fact.id))
        };
        let day_of = |wanted: fn(&FactKind) -> bool| {
            self.facts
                .iter()
                .filter(standing)
                .filter(|fact| wanted(&fact.kind))
                .map(|fact| fact.effective)
                .min()
        };
        let Some(opened) = day_of(|kind| matches!(kind, FactKind::Signal(_))) else { return Ok(None) };
        let left = day_of(|kind| matches!(kind, FactKind::Left(to) if *to != LeavingDestination::Unknown));
        let outcome = outcome(&found);
        let judged = found.baseline.filter(|_| outcome != Outcome::Unknown(Why::NoValidBaseline));
        let referred = found.class == Class::Referred;
        let at_risk = judged.is_some_and(|(level, _)| level != Baseline::None);
        let beyond = |days: u16| judged.is_some_and(|(_, on)| known >= on.plus(days));
        let (mut just_after, mut by_730) = (false, None);
        if at_risk && !referred {
            just_after = self.classified(classifier, JUST_AFTER, known)?.class == Class::Referred;
        }
        if at_risk && beyond(LONG_WINDOW) {
            by_730 =
                Some(referred || self.classified(classifier, LONG_WINDOW, known)?.class == Class::Referred);
        }
        let question = self.all.questions.get(&first.signal);
        let mut case = Case {
            fingerprint: half(first.id.as_bytes()),
            opened_on: opened.date(),
            severity: first.severity,
            first_contact: day_of(|kind| *kind == FactKind::FirstContact).map(Day::date),
            withdrawn_on: question.and_then(|question| question.withdrawn).map(Day::date),
            judged: judged.map(|(level, on)| Judged { on: on.date(), level, probability: 0, second: None }),
            outcome,
            endpoint: found.endpoint.map(endpoint),
            survival: found.survival.filter(|_| judged.is_some()).map(survival),
            referred_by_730: by_730,
            referred_just_after: just_after,
            followed_up: referred
                || matches!(
                    found.reason,
                    Reason::NoReferralInWindow
                        | Reason::UnmetNeed
                        | Reason::NeedUnknown
                        | Reason::NoSupportGiven
                ),
            crises: self.crises(&standing),
            reviews: reviews(&found),
            closing: None,
            goals: Goals::default(),
            minutes: [0; 4],
            first_support: None,
            voids: u32::try_from(voided.len()).unwrap_or(u32::MAX),
            ignored_corrections: u32::from(
                found
                    .flags
                    .contains(voordeur_escalation_domain::outcome::Flag::LateBaselineCorrectionIgnored),
            ),
            corrections: self.corrections(known).saturating_sub(u32::try_from(voided.len()).unwrap_or(0)),
        };
        self.notes(&mut case, known, &voided, left);
        Ok(Some(case))
    }

    /// The comparison with the period before: level and survival of a child at risk.
    fn before(
        &self,
        classifier: &mut Classifier,
        before: &Period,
        known: Day,
    ) -> Result<Option<(Baseline, Survival)>, Problem> {
        // Most cases lie elsewhere, and this costs nothing.
        let near = self
            .facts
            .iter()
            .any(|fact| matches!(fact.kind, FactKind::Baseline(_)) && fact.recorded <= known);
        if !near {
            return Ok(None);
        }
        let found = self.classified(classifier, WINDOW, known)?;
        let counts = found.class != Class::NotAtRisk && found.reason != Reason::NoValidBaseline;
        Ok(found
            .baseline
            .zip(found.survival)
            .filter(|((level, on), _)| counts && *level != Baseline::None && before.covers(on.date()))
            .map(|((level, _), time)| (level, survival(time))))
    }

    /// Corrections that became known.
    fn corrections(&self, known: Day) -> u32 {
        let all = self.members.iter().flat_map(|episode| &episode.corrections);
        u32::try_from(all.filter(|mending| mending.recorded <= known).count()).unwrap_or(u32::MAX)
    }

    /// Days on which crisis care, a stay or a court measure began; each referral once.
    fn crises(&self, standing: &impl Fn(&&CaseFact) -> bool) -> Vec<Date> {
        let mut begun: BTreeMap<voordeur_escalation_domain::outcome::ShortKey, Day> = BTreeMap::new();
        for fact in self.facts.iter().filter(standing) {
            if let FactKind::Referral(referral) = fact.kind
                && referral.started
                && referral.endpoint == Endpoint::R4
            {
                let day = begun.entry(referral.referral).or_insert(fact.effective);
                *day = (*day).min(fact.effective);
            }
        }
        let mut days: Vec<Date> = begun.into_values().map(Day::date).collect();
        days.sort_unstable();
        days
    }

    /// What no rule looks at.
    fn notes(&self, case: &mut Case, known: Day, voided: &[u64], left: Option<Day>) {
        let mut goals: BTreeMap<u64, Option<bool>> = BTreeMap::new();
        let mut first_support: Option<Day> = None;
        let mut second: Option<(Day, Baseline)> = None;
        let mut judged_on: Option<(Day, u8)> = None;
        let notes = self.members.iter().flat_map(|episode| &episode.notes);
        let standing = notes
            .filter(|note| note.recorded <= known && note.effective <= known && !voided.contains(&note.of));
        for note in standing {
            match note.what {
                What::Minutes { direction, minutes } => {
                    first_support = Some(first_support.map_or(note.effective, |day| day.min(note.effective)));
                    if self.period.covers(note.effective.date())
                        && let Some(sum) = case.minutes.get_mut(usize::from(direction))
                    {
                        *sum += u64::from(minutes);
                    }
                }
                What::Judged { probability, second: false, .. } => {
                    if judged_on.is_none_or(|(recorded, _)| note.recorded < recorded) {
                        judged_on = Some((note.recorded, probability));
                    }
                }
                What::Judged { level, second: true, .. } => {
                    if second.is_none_or(|(recorded, _)| note.recorded < recorded) {
                        second = Some((note.recorded, level));
                    }
                }
                What::Goal => _ = goals.entry(note.of).or_insert(None),
                // The last word counts, and only together with parents.
                What::Scored { goal, reached, with_parents } => {
                    goals.insert(goal, with_parents.then_some(reached));
                }
                What::Closed { one_sided, without_help, usefulness, certainty } => {
                    case.closing = Some(Closing {
                        on: note.effective.date(),
                        one_sided,
                        without_further_help: without_help,
                        usefulness,
                        certainty,
                        until_return: self.until_return(note.effective, left, known),
                    });
                }
            }
        }
        case.first_support = first_support.map(Day::date);
        if let Some(judged) = &mut case.judged {
            judged.probability = judged_on.map_or(0, |(_, probability)| probability);
            judged.second = second.map(|(_, level)| level);
        }
        for score in goals.into_values() {
            match score {
                Some(true) => case.goals.reached += 1,
                Some(false) => case.goals.not_reached += 1,
                None => case.goals.not_scored += 1,
            }
        }
    }

    /// From an ending to the next question on the child, in this episode or a later one.
    fn until_return(&self, ended: Day, left: Option<Day>, known: Day) -> Survival {
        let children = self.members.iter().filter_map(|episode| self.cases.asked.get(&episode.child));
        let again = children.flatten().filter(|day| **day > ended && **day <= known).min().copied();
        let left = left.filter(|day| *day >= ended);
        let (day, cause) = match (again, left) {
            (Some(again), Some(left)) if left < again => (left, input::Cause::Left),
            (Some(again), _) => (again, input::Cause::Referral),
            (None, Some(left)) => (left, input::Cause::Left),
            (None, None) => (known, input::Cause::Censored),
        };
        Survival { days: days_between(ended.date(), day.date()).unwrap_or(0), cause }
    }
}

const fn endpoint(endpoint: Endpoint) -> input::Endpoint {
    match endpoint {
        Endpoint::R1 => input::Endpoint::R1,
        Endpoint::R2 => input::Endpoint::R2,
        Endpoint::R3 => input::Endpoint::R3,
        Endpoint::R4 => input::Endpoint::R4,
    }
}

fn survival(survival: voordeur_escalation_domain::outcome::Survival) -> Survival {
    let cause = match survival.cause {
        Cause::Censored => input::Cause::Censored,
        Cause::Referral => input::Cause::Referral,
        Cause::Left => input::Cause::Left,
        Cause::VeiligThuis => input::Cause::SafetyRoute,
    };
    Survival { days: u32::from(survival.time), cause }
}

const fn outcome(found: &Classified) -> Outcome {
    match found.reason {
        Reason::NoReferralInWindow => Outcome::NotReferred,
        Reason::Needed => Outcome::Referred(Need::Needed),
        Reason::Avoidable => Outcome::Referred(Need::Avoidable),
        Reason::NeedNotSettled => Outcome::Referred(Need::Unknown),
        Reason::AlreadyReferred => Outcome::AlreadyReferred,
        Reason::NoThreat => Outcome::NoThreat,
        Reason::SafetyRoute => Outcome::SafetyRoute,
        Reason::NoChildUnit | Reason::NoValidBaseline => Outcome::Unknown(Why::NoValidBaseline),
        Reason::ConsentWithdrawn => Outcome::Unknown(Why::ConsentWithdrawn),
        Reason::UnmetNeed => Outcome::Unknown(Why::UnmetNeed),
        Reason::NeedUnknown => Outcome::Unknown(Why::NeedUnknown),
        Reason::NoSupportGiven => Outcome::Unknown(Why::NoSupportGiven),
        Reason::ReferralDateUnknown => Outcome::Unknown(Why::ReferralDateUnknown),
        Reason::LeftCentre => Outcome::Unknown(Why::LeftCentre),
        Reason::Pending => Outcome::Unknown(Why::Pending),
        Reason::NoFollowUpCheck => Outcome::Unknown(Why::NoFollowUpCheck),
    }
}

/// Two verdicts by two people, when there are.
fn reviews(found: &Classified) -> Option<(Verdict, Verdict)> {
    match (found.reviews?, found.reason) {
        (Reviews::Agree, Reason::Avoidable) => Some((Verdict::Avoidable, Verdict::Avoidable)),
        (Reviews::Agree, _) => Some((Verdict::Needed, Verdict::Needed)),
        (Reviews::Disagree, _) => Some((Verdict::Needed, Verdict::Avoidable)),
        (Reviews::None | Reviews::One, _) => None,
    }
}
