//! Invented children, from a seed.

use jiff::civil::{Date, date};
use voordeur_escalation_domain::Baseline;
use voordeur_outcome_report::{
    Beside, Draws, NotPublishable, Period, Population, Publications, Question, Report, Subject, Tally,
    days_after,
    input::{
        About, Agreement, Case, Cause, Closing, Earlier, Endpoint, Floor, Goals, Judged, Lasting, Need,
        Outcome, Question as Asked, Survival, Verdict, Why,
    },
    report,
};

/// Numbers from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).unwrap()
    }

    /// 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX)
    }

    pub(crate) fn chance(&mut self, of: f64) -> bool {
        self.share() < of
    }

    /// Days until something with a constant hazard, so that a share `within` has it within a year.
    pub(crate) fn days(&mut self, within: f64) -> f64 {
        -(1.0 - self.share()).ln() * 365.0 / -(1.0 - within).ln()
    }
}

/// How a world is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    pub(crate) seed: u64,
    /// Children at risk of each year.
    pub(crate) at_risk: u32,
    /// Share referred within a year, in the year before and in this one.
    pub(crate) referred: [f64; 2],
    /// Share of checks that are not made.
    pub(crate) unknown: f64,
}

pub(crate) const YEAR: i16 = 2027;
pub(crate) const CENTRES: usize = 4;

/// A child and its centre.
pub(crate) type Placed = (usize, Case);

impl World {
    /// Children of a year.
    pub(crate) fn children(&self, year: i16) -> Vec<Placed> {
        let mut numbers = Numbers(self.seed ^ u64::from(year.unsigned_abs()) << 40);
        let hazard = self.referred[usize::from(year == YEAR)];
        let all = self.at_risk + self.at_risk / 2;
        (0..all)
            .map(|n| (numbers.below(CENTRES as u32) as usize, self.child(&mut numbers, year, n, hazard)))
            .collect()
    }

    fn child(&self, numbers: &mut Numbers, year: i16, n: u32, hazard: f64) -> Case {
        let level = match n % 9 {
            0..=2 => Baseline::Imminent,
            3..=5 => Baseline::Possible,
            _ => Baseline::None,
        };
        let hazard = match level {
            Baseline::Imminent => hazard,
            Baseline::Possible => hazard * 0.5,
            Baseline::None => 0.03,
        };
        let opened_on = days_after(date(year, 1, 1), numbers.below(355));
        let contact = days_after(opened_on, numbers.below(9));
        let judged_on = days_after(contact, numbers.below(8));
        let (referral, left, safety) = (numbers.days(hazard), numbers.days(0.08), numbers.days(0.02));
        let first = referral.min(left).min(safety);
        let (cause, days) = if first > 365.0 {
            (Cause::Censored, 365)
        } else {
            let cause = if first == referral {
                Cause::Referral
            } else if first == left {
                Cause::Left
            } else {
                Cause::SafetyRoute
            };
            (cause, first as u32)
        };
        let asked = !numbers.chance(self.unknown);
        let days = if cause == Cause::Censored && !asked { 90 } else { days };
        let reviewed = numbers.chance(0.7).then(|| (verdict(numbers), verdict(numbers)));
        let outcome = match cause {
            Cause::Referral => Outcome::Referred(match reviewed {
                Some((Verdict::Needed, Verdict::Needed)) => Need::Needed,
                Some((Verdict::Avoidable, Verdict::Avoidable)) => Need::Avoidable,
                _ => Need::Unknown,
            }),
            _ if level == Baseline::None => Outcome::NoThreat,
            Cause::Left => Outcome::Unknown(Why::LeftCentre),
            Cause::SafetyRoute => Outcome::SafetyRoute,
            Cause::Censored if !asked => Outcome::Unknown(Why::NoFollowUpCheck),
            Cause::Censored if numbers.chance(0.1) => Outcome::Unknown(Why::UnmetNeed),
            Cause::Censored => Outcome::NotReferred,
        };
        let probability = (hazard * 100.0) as u8;
        let second =
            numbers.chance(0.3).then(|| if numbers.chance(0.7) { level } else { Baseline::Possible });
        Case {
            fingerprint: numbers.next(),
            opened_on,
            severity: numbers.chance(0.95).then(|| 1 + numbers.below(5) as u8),
            first_contact: numbers.chance(0.97).then_some(contact),
            withdrawn_on: None,
            judged: Some(Judged { on: judged_on, level, probability, second }),
            outcome,
            endpoint: (cause == Cause::Referral).then(|| Endpoint::ALL[usize::from(numbers.chance(0.3))]),
            survival: (level != Baseline::None).then_some(Survival { days, cause }),
            referred_by_730: Some(cause == Cause::Referral || numbers.chance(0.05)),
            referred_just_after: cause != Cause::Referral && numbers.chance(0.03),
            followed_up: asked,
            crises: if numbers.chance(0.05) {
                vec![days_after(judged_on, numbers.below(100))]
            } else {
                Vec::new()
            },
            reviews: reviewed.filter(|_| cause == Cause::Referral),
            closing: numbers.chance(0.8).then(|| Closing {
                on: days_after(judged_on, 30 + numbers.below(60)),
                one_sided: numbers.chance(0.15),
                without_further_help: numbers.chance(0.9).then(|| numbers.chance(0.6)),
                usefulness: numbers.chance(0.6).then(|| 4 + numbers.below(7) as u8),
                certainty: numbers
                    .chance(0.6)
                    .then(|| (3 + numbers.below(3) as u8, 6 + numbers.below(3) as u8)),
                until_return: Survival {
                    days: numbers.below(365),
                    cause: if numbers.chance(0.3) { Cause::Referral } else { Cause::Censored },
                },
            }),
            goals: Goals {
                reached: numbers.below(3),
                not_reached: numbers.below(2),
                not_scored: numbers.below(2),
            },
            minutes: [60, 30, u64::from(numbers.below(60)), 15],
            first_support: Some(days_after(contact, 3)),
            voids: u32::from(numbers.chance(0.04)),
            ignored_corrections: u32::from(numbers.chance(0.02)),
            corrections: u32::from(numbers.chance(0.1)),
        }
    }

    /// Questions of a year.
    pub(crate) fn questions(&self, year: i16) -> Vec<Asked> {
        let mut numbers = Numbers(self.seed ^ 0x5157_0000 ^ u64::from(year.unsigned_abs()));
        (0..self.at_risk * 3)
            .map(|n| Asked {
                fingerprint: numbers.next(),
                on: days_after(date(year, 1, 1), numbers.below(365)),
                about: match n % 6 {
                    0..=3 => About::Child,
                    4 => About::Group,
                    _ => About::Consult,
                },
                lasting: numbers.chance(0.9).then(|| Lasting::ALL[numbers.below(4) as usize]),
                asker: Some(u64::from(numbers.below(60))),
                certainty: numbers
                    .chance(0.5)
                    .then(|| (2 + numbers.below(4) as u8, 5 + numbers.below(4) as u8)),
                withdrawn: numbers.chance(0.12),
            })
            .collect()
    }
}

fn verdict(numbers: &mut Numbers) -> Verdict {
    if numbers.chance(0.7) { Verdict::Needed } else { Verdict::Avoidable }
}

pub(crate) fn year(year: i16) -> Period {
    Period::new(date(year, 1, 1), date(year, 12, 31)).unwrap()
}

/// The municipality, or some of its centres.
pub(crate) fn subject(centres: &[usize]) -> Subject {
    let municipality = (centres.len() == CENTRES).then(|| ("9999".to_owned(), "Wilgenmeer".to_owned()));
    let centres = centres.iter().map(|n| (format!("centrum-{n}"), format!("Kindcentrum {n}"))).collect();
    Subject { municipality, centres }
}

pub(crate) const ALL: [usize; 4] = [0, 1, 2, 3];

pub(crate) fn question(centres: &[usize], known_on: Date) -> Question {
    Question {
        subject: subject(centres),
        period: year(YEAR),
        known_on,
        ruleset: "ESC-1".to_owned(),
        directory_version: 7,
    }
}

/// Provisional, and final.
pub(crate) const PROVISIONAL: Date = date(2029, 4, 15);
pub(crate) const FINAL: Date = date(2030, 1, 15);

/// The rounding draws of the tests: FNV-1a of the cell, mixed.
pub(crate) fn draw(cell: &str) -> u64 {
    let hash = cell.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Numbers(hash).next()
}

pub(crate) const DRAWS: Draws<'static> = &draw;

pub(crate) fn tally(
    children: &[Placed],
    before: &[Placed],
    questions: &[Asked],
    centres: &[usize],
    known_on: Date,
) -> Tally {
    let mut tally = Tally::new(year(YEAR), known_on, known_on);
    for (_, child) in children.iter().filter(|(centre, _)| centres.contains(centre)) {
        tally.case(child);
    }
    for (_, child) in before.iter().filter(|(centre, _)| centres.contains(centre)) {
        let at_risk = child.at_risk().zip(child.judged).zip(child.survival);
        if let Some(((level, judged), survival)) = at_risk
            && year(YEAR - 1).covers(judged.on)
        {
            tally.case_before(child.fingerprint, level, survival);
        }
    }
    questions.iter().for_each(|question| tally.question(question));
    tally.floor(Floor { minutes: 60_000, available: Some(120_000) });
    tally
}

/// Enrolment of every centre, and totals of the municipality.
pub(crate) fn population(centres: &[usize]) -> Population {
    let mut file = "centre,from,until,children,specialist_starts,sbo_so,children_4_12\n".to_owned();
    for centre in centres {
        file.push_str(&format!("centrum-{centre},2027-01-01,2027-12-31,900,,,\n"));
    }
    file.push_str("*,2027-01-01,2027-12-31,,64,38,2600\n");
    let keys = centres.iter().map(|n| format!("centrum-{n}")).collect();
    Population::parse(file.as_bytes(), &keys).unwrap()
}

pub(crate) fn agreements() -> Vec<Agreement> {
    vec![Agreement {
        key: "eerder-erbij".to_owned(),
        partners: vec!["Gemeente Wilgenmeer".to_owned(), "Jeugdhulp De Brug".to_owned()],
        indicator: "late-vragen".to_owned(),
        start: 35,
        ambition: 25,
        hours: Some(640),
        review_on: date(2028, 6, 1),
    }]
}

/// A report of a world on some centres, after what was published.
pub(crate) fn made(
    world: &World,
    centres: &[usize],
    known_on: Date,
    earlier: Option<&Earlier>,
    publications: &mut Publications<'_>,
) -> (Report, Result<(), NotPublishable>) {
    let tally =
        tally(&world.children(YEAR), &world.children(YEAR - 1), &world.questions(YEAR), centres, known_on);
    let file = population(centres);
    let agreements = agreements();
    let beside = Beside { population: Some(&file), agreements: &agreements, earlier };
    report(&tally, &question(centres, known_on), &beside, publications)
}
