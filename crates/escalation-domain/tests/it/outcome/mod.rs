//! Cases and their classes: histories with known answers, and properties over any history, compared with a second implementation.

mod conversion;
mod linked;
mod properties;
mod random;
mod slow;
mod vectors;

use jiff::civil::date;
use voordeur_escalation_domain::{
    outcome::{
        CaseFact, CheckFact, Day, Domain, Endpoint, FactKind, Question, ReferralFact, ShortKey, Subject,
    },
    words::{Baseline, DomainStatus, NeedStatus},
};
use voordeur_kernel::CommitId;

/// So many days after the first of September 2025.
pub(crate) fn day(number: i32) -> Day {
    let start = Day::of_date(date(2022, 12, 6)).unwrap();
    assert_eq!(start.plus(1000).date(), date(2025, 9, 1));
    start.plus(u16::try_from(1000 + number).unwrap())
}

pub(crate) fn id(number: u128) -> CommitId {
    CommitId::from_bytes(number.to_be_bytes())
}

/// A fact that became known on the day it happened.
pub(crate) fn fact(number: u128, on: i32, kind: FactKind) -> CaseFact {
    known(number, on, on, kind)
}

pub(crate) fn known(number: u128, on: i32, recorded: i32, kind: FactKind) -> CaseFact {
    CaseFact { id: id(number), effective: day(on), recorded: day(recorded), order: 0, kind }
}

/// Signal, contact, judgement and support of a child that is threatened with a referral; its facts have the numbers from `first` on.
pub(crate) fn threatened(first: u128, start: i32) -> Vec<CaseFact> {
    vec![
        fact(first, start - 7, FactKind::Signal(Subject::Child)),
        fact(first + 1, start - 3, FactKind::FirstContact),
        fact(first + 2, start, FactKind::Baseline(Baseline::Imminent)),
        fact(first + 3, start + 10, FactKind::Support),
    ]
}

pub(crate) const fn clear(until: Day) -> FactKind {
    FactKind::Checked(CheckFact {
        covers_until: until,
        jeugdhulp: DomainStatus::None,
        onderwijs: DomainStatus::None,
        need: NeedStatus::Ok,
    })
}

pub(crate) const fn requested(key: u64) -> FactKind {
    FactKind::Referral(ReferralFact {
        referral: ShortKey::numbered(key),
        started: false,
        domain: Domain::Jeugdhulp,
        endpoint: Endpoint::R1,
        imposed: None,
    })
}

/// Observed and known on one day.
pub(crate) fn on(number: i32, window: u16) -> Question {
    Question { observed: day(number), window, known: day(number) }
}
