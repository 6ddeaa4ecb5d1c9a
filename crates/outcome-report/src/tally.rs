//! Counting. Everything in here is exact and stays inside; [`crate::sections`] makes of it what may be shown.

use std::collections::BTreeMap;

use jiff::civil::Date;
use voordeur_escalation_domain::Baseline;
use voordeur_outcome_statistics::Subject;

use crate::{
    counted::{Counted, nth},
    declared::{self, Tables},
    input::{
        About, Case, Cause, Closing, Endpoint, Floor, Lasting, Outcome, Question, Survival, Verdict, Why,
    },
    question::{Period, days_between},
    working_days::working_days,
};

/// Bands of the judged chance; the first percent of each.
pub(crate) const BANDS: [u8; 5] = [0, 20, 40, 60, 80];
/// A parent finds help useful from this mark on.
pub(crate) const USEFUL_FROM: u8 = 7;

/// Place of a level in the tables; nothing when nobody considers a referral.
pub(crate) const fn place_of(level: Baseline) -> Option<usize> {
    match level {
        Baseline::Imminent => Some(0),
        Baseline::Possible => Some(1),
        Baseline::None => None,
    }
}

/// A sum with how many were summed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) n: u64,
    pub(crate) sum: i64,
}

impl Sum {
    fn add(&mut self, value: impl Into<i64>) {
        self.n += 1;
        self.sum += value.into();
    }
}

/// Certainty of one person who asked, over her questions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asker {
    pub(crate) questions: i64,
    pub(crate) then: i64,
    pub(crate) now: i64,
}

/// Everything that is counted for one report. Give it every case and every question of the centres; what lies outside the period is passed
/// by. The order does not matter.
#[derive(Debug)]
pub struct Tally {
    pub(crate) period: Period,
    pub(crate) known_on: Date,
    /// What was known of the period before by the end of this day.
    pub(crate) known_before: Date,
    pub(crate) tables: Tables,
    pub(crate) survival: [Vec<Subject>; 2],
    pub(crate) before: Counted<2, 1>,
    pub(crate) survival_before: [Vec<Subject>; 2],
    pub(crate) contact: Vec<Subject>,
    pub(crate) until_return: Vec<Subject>,
    pub(crate) askers: BTreeMap<u64, Asker>,
    pub(crate) usefulness: Sum,
    pub(crate) looked_back: Sum,
    pub(crate) chances: [Sum; 5],
    pub(crate) verdicts: [[u64; 2]; 2],
    pub(crate) second: [[u64; 3]; 3],
    pub(crate) minutes: [u64; 4],
    pub(crate) minutes_at_risk: u64,
    pub(crate) until_support: Vec<u32>,
    pub(crate) floor: Floor,
}

impl Tally {
    /// Counts nothing yet. `known_before`: the day of knowledge of the last publication on the period before, so that the comparison shows
    /// what was published; `known_on` when there is none.
    #[must_use]
    pub fn new(period: Period, known_on: Date, known_before: Date) -> Self {
        Self {
            period,
            known_on,
            known_before,
            tables: Tables::new(),
            survival: Default::default(),
            before: declared::before(),
            survival_before: Default::default(),
            contact: Vec::new(),
            until_return: Vec::new(),
            askers: BTreeMap::new(),
            usefulness: Sum::default(),
            looked_back: Sum::default(),
            chances: Default::default(),
            verdicts: Default::default(),
            second: Default::default(),
            minutes: [0; 4],
            minutes_at_risk: 0,
            until_support: Vec::new(),
            floor: Floor::default(),
        }
    }

    /// Counts a child.
    pub fn case(&mut self, case: &Case) {
        let print = case.fingerprint;
        if self.period.covers(case.opened_on) {
            self.first_question(case);
        }
        if case.judged.is_some_and(|judged| self.period.covers(judged.on)) {
            self.judged(case);
        }
        if let Some(closing) = case.closing.filter(|closing| self.period.covers(closing.on)) {
            self.closing(case, &closing);
        }
        let crises = case.crises.iter().filter(|day| self.period.covers(**day));
        (0..).zip(crises).for_each(|(n, _)| self.tables.crises.add(0, 0, nth(print, n)));
        for (sum, minutes) in self.minutes.iter_mut().zip(case.minutes) {
            *sum += minutes;
        }
    }

    /// Counts a child at risk of the period before, for the comparison only.
    pub fn case_before(&mut self, fingerprint: u64, level: Baseline, survival: Survival) {
        let Some(place) = place_of(level) else { return };
        if let Some(subjects) = self.survival_before.get_mut(place) {
            subjects.push(subject(survival));
            self.before.add(place, 0, fingerprint);
        }
    }

    /// Counts a question as it came in.
    pub fn question(&mut self, question: &Question) {
        if !self.period.covers(question.on) {
            return;
        }
        let row = match question.about {
            About::Child => 0,
            About::Group => 1,
            About::Consult => 2,
        };
        self.tables.about.add(row, usize::from(question.withdrawn), question.fingerprint);
        if question.about == About::Child {
            let place =
                question.lasting.and_then(|lasting| Lasting::ALL.iter().position(|known| *known == lasting));
            self.tables.lasting.add(0, place.unwrap_or(4), question.fingerprint);
        }
        if let (Some(asker), Some((then, now))) = (question.asker, question.certainty) {
            let asker = self.askers.entry(asker).or_default();
            asker.questions += 1;
            asker.then += i64::from(then);
            asker.now += i64::from(now);
        }
    }

    /// Work on the floor in the period.
    pub const fn floor(&mut self, floor: Floor) {
        self.floor = floor;
    }

    /// How many children at risk are counted; to know whether there is a report at all, never to be printed.
    #[must_use]
    pub fn at_risk(&self) -> u64 {
        self.tables.outcome.len()
    }

    fn first_question(&mut self, case: &Case) {
        let place = match case.severity {
            Some(1 | 2) => 0,
            Some(3) => 1,
            Some(4 | 5) => 2,
            _ => 3,
        };
        self.tables.severity.add(0, place, case.fingerprint);
        self.tables.judged.add(0, usize::from(case.judged.is_none()), case.fingerprint);
        let known = |day: &Date| *day <= self.known_on;
        let contact = case.first_contact.filter(known);
        let withdrawn =
            case.withdrawn_on.filter(known).filter(|day| contact.is_none_or(|contact| *day < contact));
        let (until, cause) = match (withdrawn, contact) {
            (Some(day), _) => (day, 2),
            (None, Some(day)) => (day, 1),
            (None, None) => (self.known_on, 0),
        };
        self.contact.push(Subject { day: working_days(case.opened_on, until).unwrap_or(0), cause });
    }

    fn judged(&mut self, case: &Case) {
        let Some(judged) = case.judged else { return };
        // Already referred: nothing threatened any more. No judgement in time: nothing is known to have threatened.
        if matches!(case.outcome, Outcome::AlreadyReferred | Outcome::Unknown(Why::NoValidBaseline)) {
            return;
        }
        let print = case.fingerprint;
        let referred = matches!(case.outcome, Outcome::Referred(_));
        let tables = &mut self.tables;
        tables.foreseen.add(usize::from(judged.level == Baseline::None), usize::from(!referred), print);
        let corrected = match (case.voids, case.corrections, case.ignored_corrections) {
            (_, _, 1..) => 3,
            (1.., _, 0) => 2,
            (0, 1.., 0) => 1,
            (0, 0, 0) => 0,
        };
        tables.corrections.add(0, corrected, print);
        tables.second.add(0, usize::from(judged.second.is_none()), print);
        let band = BANDS.iter().rposition(|from| *from <= judged.probability).unwrap_or(0);
        let column = match case.outcome {
            Outcome::Referred(_) => 0,
            Outcome::NotReferred | Outcome::NoThreat => 1,
            _ => 2,
        };
        tables.calibration.add(band, column, print);
        if let Some(sum) = self.chances.get_mut(band) {
            sum.add(judged.probability);
        }
        let rank = |level: Baseline| match level {
            Baseline::None => 0_usize,
            Baseline::Possible => 1,
            Baseline::Imminent => 2,
        };
        if let Some(second) = judged.second
            && let Some(count) =
                self.second.get_mut(rank(judged.level)).and_then(|row| row.get_mut(rank(second)))
        {
            *count += 1;
        }
        if let Some(place) = place_of(judged.level) {
            self.threatened(case, place);
        }
    }

    fn threatened(&mut self, case: &Case, place: usize) {
        let (print, tables) = (case.fingerprint, &mut self.tables);
        self.minutes_at_risk += case.minutes.iter().sum::<u64>();
        if let Some(days) = case.first_support.and_then(|day| days_between(case.opened_on, day)) {
            self.until_support.push(days);
        }
        if let (Some(survival), Some(subjects)) = (case.survival, self.survival.get_mut(place)) {
            subjects.push(subject(survival));
        }
        match case.outcome {
            Outcome::Referred(_) => {
                tables.outcome.add(place, 0, print);
                let kind =
                    case.endpoint.and_then(|kind| Endpoint::ALL.iter().position(|known| *known == kind));
                tables.endpoints.add(place, kind.unwrap_or(4), print);
                let verdict = match case.reviews {
                    Some((Verdict::Needed, Verdict::Needed)) => 0,
                    Some((Verdict::Avoidable, Verdict::Avoidable)) => 1,
                    Some(_) => 2,
                    None => 3,
                };
                tables.reviews.add(0, verdict, print);
                if let Some((one, two)) = case.reviews {
                    // Nobody of the two is the first, so each pair counts both ways.
                    for (row, column) in [(one, two), (two, one)] {
                        let at = |verdict| usize::from(verdict == Verdict::Avoidable);
                        if let Some(count) =
                            self.verdicts.get_mut(at(row)).and_then(|row| row.get_mut(at(column)))
                        {
                            *count += 1;
                        }
                    }
                }
            }
            Outcome::NotReferred => tables.outcome.add(place, 1, print),
            other => {
                tables.outcome.add(place, 2, print);
                let row = match other {
                    Outcome::Unknown(Why::UnmetNeed) => 0,
                    Outcome::Unknown(Why::NeedUnknown) => 1,
                    Outcome::Unknown(Why::NoSupportGiven) => 2,
                    Outcome::Unknown(Why::NoFollowUpCheck) => 3,
                    Outcome::Unknown(Why::LeftCentre) => 4,
                    Outcome::Unknown(Why::Pending) => 5,
                    // A report to Veilig Thuis among them: a count of its own would tell that there was one.
                    _ => 6,
                };
                tables.whys.add(row, place, print);
            }
        }
        let followed = match case.outcome {
            Outcome::Unknown(Why::Pending) => 2,
            _ => usize::from(!case.followed_up),
        };
        tables.followed.add(place, followed, print);
        tables.just_after.add(0, usize::from(!case.referred_just_after), print);
        tables.long.add(place, usize::from(case.referred_by_730 != Some(true)), print);
    }

    fn closing(&mut self, case: &Case, closing: &Closing) {
        let (print, tables) = (case.fingerprint, &mut self.tables);
        tables.one_sided.add(0, usize::from(!closing.one_sided), print);
        let help = match closing.without_further_help {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        tables.help.add(0, help, print);
        let useful = match closing.usefulness {
            Some(USEFUL_FROM..) => 0,
            Some(_) => 1,
            None => 2,
        };
        tables.useful.add(0, useful, print);
        if let Some(mark) = closing.usefulness {
            self.usefulness.add(mark);
        }
        if let Some((then, now)) = closing.certainty {
            self.looked_back.add(i64::from(now) - i64::from(then));
        }
        self.until_return.push(subject(closing.until_return));
        let goals = [case.goals.reached, case.goals.not_reached, case.goals.not_scored];
        let each = goals.into_iter().enumerate().flat_map(|(column, count)| (0..count).map(move |_| column));
        (0..).zip(each).for_each(|(n, column)| tables.goals.add(0, column, nth(print, n)));
    }
}

fn subject(survival: Survival) -> Subject {
    let cause = match survival.cause {
        Cause::Censored => 0,
        Cause::Referral => 1,
        Cause::Left => 2,
        Cause::SafetyRoute => 3,
    };
    Subject { day: survival.days, cause }
}
