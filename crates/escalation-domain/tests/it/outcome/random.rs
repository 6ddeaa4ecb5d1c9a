//! Any histories: likely ones and odd ones, each from a seed.

use voordeur_escalation_domain::{
    outcome::{
        CaseFact, CheckFact, Domain, Endpoint, FactKind, Imposed, Patch, ReferralFact, ShortKey, Subject,
    },
    words::{Baseline, DomainStatus, LeavingDestination, NeedStatus, ReviewVerdict, WithdrawalScope},
};

use super::{day, known};

/// Numbers from a seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` up to and without `high`.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let size = u64::try_from(high - low).unwrap();
        low + i32::try_from(self.next() % size).unwrap()
    }

    pub(crate) fn percent(&mut self, share: i32) -> bool {
        self.between(0, 100) < share
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.next() % items.len() as u64).unwrap()]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.next() % (last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }
}

const LEVELS: [Baseline; 4] = [Baseline::None, Baseline::Possible, Baseline::Imminent, Baseline::Imminent];
const STATUS: [DomainStatus; 5] = [
    DomainStatus::None,
    DomainStatus::None,
    DomainStatus::None,
    DomainStatus::Referred,
    DomainStatus::Unknown,
];
const NEED: [NeedStatus; 4] = [NeedStatus::Ok, NeedStatus::Ok, NeedStatus::Concern, NeedStatus::Unknown];
const LEAVING: [LeavingDestination; 3] =
    [LeavingDestination::Regular, LeavingDestination::Specialist, LeavingDestination::Unknown];
const VERDICTS: [ReviewVerdict; 2] = [ReviewVerdict::Needed, ReviewVerdict::Avoidable];
const DOMAINS: [Domain; 2] = Domain::ALL;
const IMPOSED: [Option<Imposed>; 6] = [None, None, None, None, Some(Imposed::Court), Some(Imposed::Crisis)];
/// Days around which rules change their mind.
const BORDERS: [i32; 12] = [-1, 0, 1, 13, 14, 15, 90, 91, 364, 365, 366, 370];

fn when(dice: &mut Dice) -> i32 {
    match dice.between(0, 10) {
        0..=3 => dice.of(&BORDERS),
        4 => dice.between(-120, 0),
        5..=7 => dice.between(0, 380),
        _ => dice.between(0, 800),
    }
}

fn told(dice: &mut Dice, on: i32) -> i32 {
    match dice.between(0, 10) {
        0 => on + dice.between(0, 200),
        1 => on + dice.between(0, 20),
        _ => on,
    }
}

fn referral(dice: &mut Dice) -> FactKind {
    let (domain, imposed) = (dice.of(&DOMAINS), dice.of(&IMPOSED));
    FactKind::Referral(ReferralFact {
        referral: key(dice),
        started: dice.percent(30),
        domain,
        endpoint: Endpoint::plain(domain, imposed),
        imposed,
    })
}

fn key(dice: &mut Dice) -> ShortKey {
    ShortKey::numbered(dice.of(&[1, 1, 1, 2, 3]))
}

fn any_kind(dice: &mut Dice, on: i32) -> FactKind {
    match dice.between(0, 34) {
        0..=2 => FactKind::Signal(dice.of(&[Subject::Child, Subject::Child, Subject::Group])),
        3 => FactKind::FirstContact,
        4 | 5 => FactKind::Baseline(dice.of(&LEVELS)),
        6 | 7 => FactKind::Support,
        8 | 9 => FactKind::Consultation,
        10..=14 => referral(dice),
        15 => FactKind::Granted(key(dice)),
        16 => FactKind::Refused(key(dice)),
        17 => FactKind::Withdrawn(key(dice)),
        18 | 19 => FactKind::CareEnded(key(dice)),
        20..=22 => {
            FactKind::Reviewed { referral: key(dice), reviewer: key(dice), verdict: dice.of(&VERDICTS) }
        }
        23 => FactKind::VeiligThuis,
        24 => FactKind::Left(dice.of(&LEAVING)),
        25 => FactKind::ConsentWithdrawn(dice.of(&[
            WithdrawalScope::FollowUp,
            WithdrawalScope::FollowUp,
            WithdrawalScope::All,
        ])),
        26 => FactKind::Closed,
        _ => {
            let shift = if dice.percent(10) { dice.between(-30, 31) } else { 0 };
            FactKind::Checked(CheckFact {
                covers_until: day(on + shift),
                jeugdhulp: dice.of(&STATUS),
                onderwijs: dice.of(&STATUS),
                need: dice.of(&NEED),
            })
        }
    }
}

/// A correction of something, not dated ahead of itself.
fn correction(dice: &mut Dice, facts: &[CaseFact], recorded: i32) -> FactKind {
    let target = if dice.percent(5) { super::id(999) } else { dice.of(facts).id };
    let before = |dice: &mut Dice| day(dice.between(-20, recorded.max(-19) + 1));
    let patch = match dice.between(0, 20) {
        0..=2 => Patch::Void,
        3 => Patch::Stands,
        4 | 5 => Patch::Effective(before(dice)),
        6..=8 => Patch::Baseline(dice.of(&LEVELS)),
        9 => Patch::EffectiveAndBaseline(before(dice), dice.of(&LEVELS)),
        10 => Patch::Subject(Subject::Group),
        11 => Patch::CoversUntil(before(dice)),
        12 => Patch::Jeugdhulp(dice.of(&STATUS)),
        13 => Patch::Need(dice.of(&NEED)),
        14 => Patch::Left(dice.of(&LEAVING)),
        15 => Patch::Onderwijs(dice.of(&STATUS)),
        16 => Patch::Verdict(dice.of(&VERDICTS)),
        17 => Patch::Scope(WithdrawalScope::All),
        18 => Patch::Domain(dice.of(&DOMAINS)),
        _ => Patch::Imposed(dice.of(&IMPOSED)),
    };
    FactKind::Corrected { target, patch }
}

/// A history. Nothing in it is known before it happened, except through corrections.
pub(crate) fn history(seed: u64) -> Vec<CaseFact> {
    let mut dice = Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut facts: Vec<CaseFact> = Vec::with_capacity(32);
    let first = u128::from(seed % 31);
    let add = |facts: &mut Vec<CaseFact>, dice: &mut Dice, on: i32, recorded: i32, kind: FactKind| {
        // Ids in no order, so that nothing can lean on them; 31 is prime, so that each comes once.
        let number = 1 + (facts.len() as u128 * 7 + first) % 31;
        let order = u32::try_from(dice.between(0, 3)).unwrap();
        facts.push(CaseFact { order, ..known(number, on, recorded, kind) });
    };
    let contact = -dice.between(0, 15);
    if dice.percent(97) {
        let subject = if dice.percent(95) { Subject::Child } else { Subject::Anonymous };
        add(&mut facts, &mut dice, contact - 3, contact - 3, FactKind::Signal(subject));
    }
    if dice.percent(97) {
        let recorded = told(&mut dice, contact);
        add(&mut facts, &mut dice, contact, recorded, FactKind::FirstContact);
    }
    if dice.percent(97) {
        let late = if dice.percent(20) { dice.between(0, 18) } else { 0 };
        let level = dice.of(&LEVELS);
        add(&mut facts, &mut dice, 0, late, FactKind::Baseline(level));
    }
    if dice.percent(60) {
        add(&mut facts, &mut dice, 10, 10, FactKind::Support);
    }
    // A third are quiet cases that somebody asked after, so that the good answer is reached as well.
    let quiet = dice.percent(35);
    if quiet {
        let on = dice.of(&[90, 95, 365, 370, 730]);
        add(&mut facts, &mut dice, on, on, super::clear(day(on)));
    }
    for _ in 0..dice.between(0, if quiet { 3 } else { 9 }) {
        let on = when(&mut dice);
        let recorded = told(&mut dice, on);
        let kind = any_kind(&mut dice, on);
        add(&mut facts, &mut dice, on, recorded, kind);
    }
    if dice.percent(8) {
        let earlier = referral(&mut dice);
        add(&mut facts, &mut dice, -60, -60, earlier);
        let ended = FactKind::CareEnded(key(&mut dice));
        add(&mut facts, &mut dice, -30, -30, ended);
    }
    if dice.percent(20) {
        let referral = key(&mut dice);
        for reviewer in [1, 2].map(ShortKey::numbered) {
            let verdict = dice.of(&VERDICTS);
            add(&mut facts, &mut dice, 250, 250, FactKind::Reviewed { referral, reviewer, verdict });
        }
    }
    if !facts.is_empty() && dice.percent(30) {
        for _ in 0..dice.between(1, 4) {
            let recorded = if dice.percent(50) { dice.between(0, 20) } else { when(&mut dice) };
            let kind = correction(&mut dice, &facts, recorded);
            add(&mut facts, &mut dice, recorded, recorded, kind);
        }
    }
    dice.shuffle(&mut facts);
    facts
}

/// A day to ask on.
pub(crate) fn ask(dice: &mut Dice) -> i32 {
    match dice.between(0, 4) {
        0 => dice.between(-10, 100),
        1 => dice.of(&[90, 180, 365, 366, 400]),
        _ => dice.between(0, 1000),
    }
}
