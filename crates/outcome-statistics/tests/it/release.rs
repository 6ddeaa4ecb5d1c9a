//! Several tables: what one says about another.

use proptest::prelude::*;
use voordeur_outcome_statistics::disclosure::{
    Dimension, Entry, Population, Published, Release, Table, Withheld,
};

use crate::{
    attacker::{Attack, see},
    disclosure::{draws, labelled},
};

/// Children, each with a centre, a baseline and an outcome; the place in the list is its number.
type Child = (usize, usize, usize);

const CENTRES: usize = 4;
const BASELINES: usize = 2;
const OUTCOMES: usize = 3;

fn children() -> impl Strategy<Value = Vec<Child>> {
    // Centres and outcomes of unlike size.
    let child = (0..12_usize, 0..BASELINES, 0..8_usize).prop_map(|(centre, baseline, outcome)| {
        ([0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3][centre], baseline, [0, 0, 0, 0, 1, 1, 1, 2][outcome])
    });
    prop::collection::vec(child, 30..220)
}

/// Baseline by outcome of those who are chosen.
fn counted(children: &[Child], chosen: impl Fn(&Child) -> bool) -> (Vec<Vec<u64>>, Population) {
    let mut counts = vec![vec![0; OUTCOMES]; BASELINES];
    let mut members = Vec::new();
    for (number, child) in children.iter().enumerate().filter(|(_, child)| chosen(child)) {
        counts[child.1][child.2] += 1;
        members.push(number as u64);
    }
    (counts, members.into_iter().collect())
}

fn by_outcome(about: &str, edition: &str, counts: &[Vec<u64>], members: Population) -> Table {
    let (rows, columns) = (labelled("baseline", BASELINES), labelled("outcome", OUTCOMES));
    Table::new([("place", about)], edition, rows, columns, counts, members).unwrap()
}

fn less(a: &[Vec<u64>], b: &[Vec<u64>]) -> Vec<Vec<u64>> {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect()
}

/// Both tables, and the one that nobody published: the whole less the part. Are its small counts open?
fn is_difference_safe(
    whole: (&Published, &[Vec<u64>]),
    part: (&Published, &[Vec<u64>]),
    exact: bool,
) -> bool {
    let mut attack = Attack::default();
    let left = less(whole.1, part.1);
    let seen_whole = see(&mut attack, whole.0, whole.1, exact);
    let seen_part = see(&mut attack, part.0, part.1, exact);
    let mut small = Vec::new();
    let mut unknown = vec![vec![0; OUTCOMES + 1]; BASELINES + 1];
    for (row, line) in unknown.iter_mut().enumerate() {
        for (column, at) in line.iter_mut().enumerate() {
            let rows = if row < BASELINES { row..row + 1 } else { 0..BASELINES };
            let columns = if column < OUTCOMES { column..column + 1 } else { 0..OUTCOMES };
            let count: u64 = rows.map(|i| left[i][columns.clone()].iter().sum::<u64>()).sum();
            *at = attack.unknown((0, 100_000), count);
            attack.adds_up(
                &[seen_part.unknowns[row][column].unwrap(), *at],
                seen_whole.unknowns[row][column].unwrap(),
            );
            if count < 10 {
                small.push(*at);
            }
        }
    }
    for line in &unknown {
        attack.adds_up(&line[..OUTCOMES], line[OUTCOMES]);
    }
    let (totals, parts) = unknown.split_last().unwrap();
    for (column, total) in totals.iter().enumerate() {
        let parts: Vec<_> = parts.iter().map(|line| line[column]).collect();
        attack.adds_up(&parts, *total);
    }
    let hidden = seen_whole.hidden.iter().chain(&seen_part.hidden).chain(&small);
    hidden.into_iter().all(|&at| attack.is_open(at))
}

proptest! {
    #[test]
    fn the_municipality_less_one_centre_does_not_give_the_centre_away(children in children(), centre in 0..CENTRES, part_first: bool, seed: u64) {
        let (whole, everybody) = counted(&children, |_| true);
        let (part, others) = counted(&children, |child| child.0 != centre);
        let apart = everybody.len() - others.len();
        let tables = [by_outcome("all", "k", &whole, everybody), by_outcome("all but one", "k", &part, others)];
        let mut release = Release::new(draws(seed));
        let order: [usize; 2] = if part_first { [1, 0] } else { [0, 1] };
        let [first, second] = order.map(|at| release.publish(tables[at].clone()));
        let first = first.unwrap();
        match second {
            Err(Withheld::TooClose) => prop_assert!((1..10).contains(&apart)),
            Err(error) => prop_assert!(error == Withheld::NotProtected && apart >= 10, "{error}"),
            Ok(second) => {
                prop_assert!(apart == 0 || apart >= 10);
                if apart > 0 {
                    let (shown_whole, shown_part) = if part_first { (&second, &first) } else { (&first, &second) };
                    prop_assert!(is_difference_safe((shown_whole, &whole), (shown_part, &part), false));
                    prop_assert!(is_difference_safe((shown_whole, &whole), (shown_part, &part), true), "{whole:?} {part:?}");
                }
            }
        }
    }

    #[test]
    fn definitive_figures_beside_provisional_ones_give_no_hidden_cell_away(children in children(), added in 0..25_usize, moved in prop::collection::vec((0..220_usize, 0..OUTCOMES), 0..12), seed: u64) {
        let (before, then) = counted(&children[..children.len() - added], |_| true);
        let mut later = children.clone();
        for (child, outcome) in moved {
            let at = child % later.len();
            later[at].2 = outcome;
        }
        let (after, now) = counted(&later, |_| true);
        let mut release = Release::new(draws(seed));
        let provisional = release.publish(by_outcome("all", "provisional", &before, then)).unwrap();
        match release.publish(by_outcome("all", "definitive", &after, now)) {
            Err(error) => prop_assert!(error == Withheld::TooClose && (1..10).contains(&added), "{error}"),
            Ok(definitive) => {
                prop_assert!(!(1..10).contains(&added));
                // He knows how many came in, and guesses, rightly, that no count moved by ten or more.
                let mut attack = Attack::default();
                let old = see(&mut attack, &provisional, &before, false);
                let new = see(&mut attack, &definitive, &after, false);
                let moved = |(a, b): (&u64, &u64)| a.abs_diff(*b) as i64;
                let most = before.iter().flatten().zip(after.iter().flatten()).map(moved).max().unwrap().max(9);
                for row in 0..BASELINES {
                    for column in 0..OUTCOMES {
                        let (a, b) = (old.unknowns[row][column].unwrap(), new.unknowns[row][column].unwrap());
                        // b = a + more - fewer, with more and fewer at most `most`.
                        let (a_is, b_is) = (before[row][column], after[row][column]);
                        let shifted = attack.unknown((0, 200_000), a_is.max(b_is));
                        let more = attack.unknown((0, most), b_is.saturating_sub(a_is));
                        let fewer = attack.unknown((0, most), a_is.saturating_sub(b_is));
                        attack.adds_up(&[a, more], shifted);
                        attack.adds_up(&[b, fewer], shifted);
                    }
                }
                for at in old.hidden.iter().chain(&new.hidden) {
                    prop_assert!(attack.is_open(*at), "{before:?} {after:?}");
                }
            }
        }
    }

    #[test]
    fn one_cell_prints_the_same_in_every_table_that_has_it(children in children(), seed: u64) {
        let (counts, members) = counted(&children, |_| true);
        let mut release = Release::new(draws(seed));
        let first = release.publish(by_outcome("all", "k", &counts, members.clone())).unwrap();
        // The same children by centre and outcome: the totals by outcome stand in both.
        let mut by_centre = vec![vec![0; OUTCOMES]; CENTRES];
        for child in &children {
            by_centre[child.0][child.2] += 1;
        }
        let (rows, columns) = (labelled("centre", CENTRES), labelled("outcome", OUTCOMES));
        let table = Table::new([("place", "all")], "k", rows, columns, &by_centre, members.clone()).unwrap();
        if let Ok(second) = release.publish(table) {
            prop_assert_eq!(first.total(), second.total());
            for outcome in 0..OUTCOMES {
                prop_assert_eq!(first.column_total(outcome), second.column_total(outcome));
            }
        }
        // And alone, as a table of one dimension.
        let outcomes: Vec<u64> = (0..OUTCOMES).map(|outcome| counts.iter().map(|line| line[outcome]).sum()).collect();
        let (rows, columns) = (labelled("whoever", 1), labelled("outcome", OUTCOMES));
        let table = Table::new([("place", "all")], "k", rows, columns, &[outcomes], members).unwrap();
        if let Ok(third) = release.publish(table) {
            for outcome in 0..OUTCOMES {
                prop_assert_eq!(first.column_total(outcome), third.cell(0, outcome));
            }
        }
    }

    #[test]
    fn centres_one_by_one_do_not_give_the_last_one_away(children in children(), seed: u64) {
        let (counts, everybody) = counted(&children, |_| true);
        let mut release = Release::new(draws(seed));
        let mut left = everybody.len();
        release.publish(by_outcome("all", "k", &counts, everybody)).unwrap();
        for centre in 0..CENTRES {
            let (counts, members) = counted(&children, |child| child.0 == centre);
            let size = members.len();
            if release.publish(by_outcome(&format!("centre {centre}"), "k", &counts, members)).is_ok() {
                left -= size;
            }
        }
        prop_assert!(left == 0 || left >= 10, "{left} left");
    }
}

#[test]
fn a_table_that_needs_what_is_in_print_hidden_stays_inside() {
    let mut release = Release::new(draws(1));
    let members: Population = (0..60).collect();
    let dimension = |name: &str, labels: &[&str]| Dimension::new(name, labels.iter().copied());
    let outcomes = dimension("outcome", &["referred", "not"]);
    let one = dimension("whoever", &["all"]);
    let first =
        Table::new([("place", "p")], "k", one, outcomes.clone(), &[vec![12, 48]], members.clone()).unwrap();
    let shown = release.publish(first).unwrap();
    assert!(matches!(shown.cell(0, 0), Some(Entry::Rounded(10 | 15))));
    // Ten of the twelve are in one centre: the two others could only be hidden together with the total that is in print.
    let centres = dimension("centre", &["a", "b"]);
    let second =
        Table::new([("place", "p")], "k", centres, outcomes, &[vec![10, 3], vec![2, 45]], members).unwrap();
    assert_eq!(release.publish(second), Err(Withheld::NotProtected));
}

#[test]
fn a_refusal_tells_no_count() {
    let errors = [Withheld::TooClose, Withheld::LeavesFew, Withheld::Contradicts, Withheld::NotProtected];
    assert!(errors.iter().all(|error| !error.to_string().chars().any(|c| c.is_ascii_digit())));
}
