//! Histories of one child that were linked afterwards.

use voordeur_escalation_domain::{
    outcome::{CaseFact, Class, Contradiction, FactKind, Flag, Reason, Subject, classify, join, merge},
    words::Baseline,
};

use super::{clear, day, fact, id, on, requested, threatened};

#[test]
fn the_earlier_start_counts() {
    // Known at school since day 0, and at the opvang, under another alias, since day 60.
    let school = threatened(1, 0);
    let opvang = threatened(11, 60);
    assert_eq!(join(&[&opvang, &school], 365), [[1, 0]]);
    let mut case = merge([school.as_slice(), opvang.as_slice()]).unwrap();
    case.push(fact(21, 370, clear(day(370))));
    let found = classify(&case, on(400, 365)).unwrap();
    assert_eq!((found.class, found.baseline), (Class::Avoided, Some((Baseline::Imminent, day(0)))));
    assert!(found.flags.contains(Flag::MoreThanOneSignal));
    // Counted from day 60 the same check is too early: 365 days are over on day 425.
    let alone = [opvang, vec![fact(21, 370, clear(day(370)))]].concat();
    assert_eq!(classify(&alone, on(430, 365)).unwrap().reason, Reason::NoFollowUpCheck);
}

#[test]
fn a_referral_under_one_alias_is_one_of_the_child() {
    let school = threatened(1, 0);
    let opvang = [threatened(11, 60), vec![fact(20, 100, requested(1))]].concat();
    let found = classify(&merge([opvang.as_slice(), &school]).unwrap(), on(400, 365)).unwrap();
    assert_eq!((found.class, found.day), (Class::Referred, Some(100)));
}

#[test]
fn what_begins_after_the_window_is_another_case() {
    let (first, inside, outside) = (threatened(1, 0), threatened(11, 365), threatened(21, 366));
    let group = vec![fact(31, 5, FactKind::Signal(Subject::Group))];
    let histories: [&[CaseFact]; 4] = [&outside, &group, &inside, &first];
    let mut cases = join(&histories, 365);
    cases.sort_unstable();
    // The window runs from the beginning of the case, not from that of its last history: 366 doesn't join by way of 365.
    assert_eq!(cases, [vec![0], vec![1], vec![3, 2]]);
    assert_eq!(join(&[], 365), Vec::<Vec<usize>>::new());
}

#[test]
fn a_fact_in_two_histories_is_one_fact_unless_it_says_two_things() {
    let school = threatened(1, 0);
    assert_eq!(merge([school.as_slice(), &school]).unwrap(), school);
    let other = vec![fact(3, 1, FactKind::Baseline(Baseline::None))];
    assert_eq!(merge([school.as_slice(), &other]), Err(Contradiction(id(3))));
}
