//! One table: what is printed, and what an attacker makes of it.

use proptest::prelude::*;
use voordeur_outcome_statistics::{
    Confidence, Subject, Timeline,
    disclosure::{
        BadTable, CURVE_DAYS, CurveValue, Dimension, Entry, Percentage, Population, Published, Release,
        Table, Withheld, curve_values,
    },
};

use crate::attacker::{Attack, Seen, see};

/// Draws that differ by cell and by seed, well mixed.
pub fn draws(seed: u64) -> impl Fn(&str) -> u64 {
    move |cell| {
        let mix = |mut x: u64| {
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        };
        cell.bytes()
            .fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte)).wrapping_add(0x9e37_79b9_7f4a_7c15))
    }
}

pub fn labelled(name: &str, count: usize) -> Dimension {
    Dimension::new(name, (0..count).map(|at| format!("{name} {at}")))
}

/// A table about children of its own.
pub fn table(counts: &[Vec<u64>]) -> Table {
    let total = counts.iter().flatten().sum();
    let (rows, columns) = (labelled("row", counts.len()), labelled("column", counts[0].len()));
    Table::new([("place", "here")], "2027-01-01", rows, columns, counts, (0..total).collect()).unwrap()
}

pub fn publish(counts: &[Vec<u64>], seed: u64) -> Published {
    Release::new(draws(seed)).publish(table(counts)).unwrap()
}

fn attacked(counts: &[Vec<u64>], seed: u64, exact: bool) -> (Attack, Seen) {
    let mut attack = Attack::default();
    let seen = see(&mut attack, &publish(counts, seed), counts, exact);
    (attack, seen)
}

/// Counts as they are: many small, some large.
pub fn count() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..10_u64, 2 => 10..15_u64, 3 => 10..40_u64, 1 => 40..200_u64]
}

pub fn counts(most: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
    (1..=most, 1..=most)
        .prop_flat_map(|(rows, columns)| prop::collection::vec(prop::collection::vec(count(), columns), rows))
}

/// Whether a true count can have been printed as it was.
fn can_be(entry: Option<Entry>, count: u64) -> bool {
    match entry {
        Some(Entry::FewerThanTen) => count < 10,
        Some(Entry::Rounded(shown)) => {
            shown % 5 == 0 && shown >= 10 && shown.abs_diff(count) < 5 && count >= 10
        }
        Some(Entry::Hidden) => count >= 10,
        None => true,
    }
}

proptest! {
    #[test]
    fn small_counts_are_never_printed_and_others_are_rounded(counts in counts(5), seed: u64) {
        let published = publish(&counts, seed);
        for (row, line) in counts.iter().enumerate() {
            prop_assert!(can_be(published.row_total(row), line.iter().sum()));
            for (column, count) in line.iter().enumerate() {
                prop_assert!(can_be(published.cell(row, column), *count));
                prop_assert!(published.cell(row, column).is_some());
            }
        }
        for column in 0..counts[0].len() {
            prop_assert!(can_be(published.column_total(column), counts.iter().map(|line| line[column]).sum()));
        }
        prop_assert!(published.total().is_some());
        prop_assert!(can_be(published.total(), counts.iter().flatten().sum()));
    }

    #[test]
    fn no_hidden_cell_is_alone_in_its_line_and_together_they_are_ten_or_more(counts in counts(5), seed: u64) {
        let published = publish(&counts, seed);
        let (rows, columns) = (counts.len(), counts[0].len());
        let by_row = (0..rows).map(|row| {
            let cells = (0..columns).map(|column| (published.cell(row, column), counts[row][column])).collect::<Vec<_>>();
            (cells, published.row_total(row))
        });
        let by_column = (0..columns).map(|column| {
            let cells = (0..rows).map(|row| (published.cell(row, column), counts[row][column])).collect::<Vec<_>>();
            (cells, published.column_total(column))
        });
        for (cells, total) in by_row.chain(by_column) {
            let hidden: Vec<u64> = cells.iter().filter(|(entry, _)| !matches!(entry, Some(Entry::Rounded(_)))).map(|(_, count)| *count).collect();
            if matches!(total, Some(Entry::Rounded(_))) && !hidden.is_empty() {
                prop_assert!(hidden.len() >= 2 && hidden.iter().sum::<u64>() >= 10, "{hidden:?}");
            }
            if matches!(total, Some(Entry::Hidden)) {
                prop_assert!(!hidden.is_empty());
            }
        }
    }

    #[test]
    fn who_reads_the_table_cannot_work_out_a_hidden_cell(counts in counts(4), seed: u64) {
        let (attack, seen) = attacked(&counts, seed, false);
        for at in seen.hidden {
            prop_assert!(attack.is_open(at), "{counts:?}");
        }
    }

    #[test]
    fn who_knows_every_shown_count_exactly_is_left_with_five_values_for_a_hidden_one(counts in counts(4)) {
        let (attack, seen) = attacked(&counts, 1, true);
        for at in seen.hidden {
            prop_assert!(attack.values(at) >= 5, "{counts:?}");
        }
    }

    #[test]
    fn who_can_run_the_rules_himself_cannot_work_out_a_hidden_cell(counts in prop::collection::vec(prop::collection::vec(count(), 2..=3), 2), seed: u64) {
        let counts: Vec<Vec<u64>> = counts.iter().map(|line| line[..counts[0].len().min(counts[1].len())].to_vec()).collect();
        let published = publish(&counts, seed);
        for row in 0..counts.len() {
            for column in 0..counts[0].len() {
                if !matches!(published.cell(row, column), Some(Entry::Rounded(_))) {
                    prop_assert!(another_truth(&counts, &published, row, column), "{counts:?} {row} {column}");
                }
            }
        }
    }

    #[test]
    fn asking_twice_gives_the_same_answer_and_another_key_another(counts in counts(5), seed: u64) {
        let mut release = Release::new(draws(seed));
        let first = release.publish(table(&counts)).unwrap();
        prop_assert_eq!(&release.publish(table(&counts)).unwrap(), &first);
        prop_assert_eq!(&publish(&counts, seed), &first);
    }

}

#[test]
fn rounding_is_right_on_average() {
    for count in 10..15 {
        let shown = |seed| match publish(&[vec![count]], seed).cell(0, 0) {
            Some(Entry::Rounded(shown)) => shown,
            other => panic!("{other:?}"),
        };
        let sum: u64 = (0..2_000).map(shown).sum();
        // The standard deviation of one is at most 2.5, of the mean of 2,000 at most 0.056.
        assert!((sum as f64 / 2_000.0 - count as f64).abs() < 0.4, "{count}: {sum}");
    }
}

/// Whether a table with another count in the cell would have been printed the same with some draws: tables that differ by at most two in
/// each cell are tried.
fn another_truth(counts: &[Vec<u64>], published: &Published, row: usize, column: usize) -> bool {
    let mut cells: Vec<(usize, usize)> =
        (0..counts.len()).flat_map(|row| (0..counts[0].len()).map(move |column| (row, column))).collect();
    cells.retain(|cell| *cell != (row, column));
    let others = [1, -1, 2, -2].into_iter().filter_map(|by| counts[row][column].checked_add_signed(by));
    others.filter(|other| can_be(published.cell(row, column), *other)).any(|other| {
        let mut trial = counts.to_vec();
        trial[row][column] = other;
        varies_to(&mut trial, &cells, published)
    })
}

fn varies_to(trial: &mut Vec<Vec<u64>>, cells: &[(usize, usize)], published: &Published) -> bool {
    let Some((&(row, column), rest)) = cells.split_first() else { return looks_like(trial, published) };
    let count = trial[row][column];
    let found = [0, -1, 1, -2, 2].into_iter().filter_map(|by| count.checked_add_signed(by)).any(|other| {
        trial[row][column] = other;
        can_be(published.cell(row, column), other) && varies_to(trial, rest, published)
    });
    trial[row][column] = count;
    found
}

fn looks_like(counts: &[Vec<u64>], published: &Published) -> bool {
    let ours = publish(counts, 0);
    let alike = |a: Option<Entry>, b: Option<Entry>, count: u64| {
        let both_shown = matches!((a, b), (Some(Entry::Rounded(_)), Some(Entry::Rounded(_))));
        (both_shown || a == b) && can_be(b, count)
    };
    let (rows, columns) = (counts.len(), counts[0].len());
    let cell = |r: usize, c: usize| alike(ours.cell(r, c), published.cell(r, c), counts[r][c]);
    (0..rows).all(|r| (0..columns).all(|c| cell(r, c)))
        && (0..rows).all(|r| alike(ours.row_total(r), published.row_total(r), counts[r].iter().sum()))
        && (0..columns).all(|c| {
            alike(ours.column_total(c), published.column_total(c), counts.iter().map(|line| line[c]).sum())
        })
        && alike(ours.total(), published.total(), counts.iter().flatten().sum())
}

#[test]
fn zero_prints_like_nine() {
    let published = publish(&[vec![0, 9, 30, 40], vec![31, 29, 33, 41]], 1);
    assert_eq!(published.cell(0, 0), Some(Entry::FewerThanTen));
    assert_eq!(published.cell(0, 1), Some(Entry::FewerThanTen));
    assert!(matches!(published.cell(1, 3), Some(Entry::Rounded(40 | 45))));
}

#[test]
fn a_lonely_hidden_cell_takes_the_next_smallest_with_it() {
    let published = publish(&[vec![4, 25, 60], vec![50, 45, 70], vec![80, 90, 95]], 1);
    let shown = |row, column| matches!(published.cell(row, column), Some(Entry::Rounded(_)));
    assert_eq!(published.cell(0, 0), Some(Entry::FewerThanTen));
    assert_eq!([published.cell(0, 1), published.cell(1, 0), published.cell(1, 1)], [Some(Entry::Hidden); 3]);
    assert!(shown(0, 2) && shown(1, 2) && (0..3).all(|column| shown(2, column)));
}

#[test]
fn a_small_table_says_nothing_at_all() {
    let published = publish(&[vec![3, 0], vec![2, 4]], 1);
    let hidden = Some(Entry::FewerThanTen);
    assert_eq!(
        (published.total(), published.row_total(0), published.column_total(1)),
        (hidden, hidden, hidden)
    );
}

#[test]
fn one_row_or_one_column_has_its_total_once() {
    let row = publish(&[vec![15, 20, 30]], 1);
    assert!(matches!(row.total(), Some(Entry::Rounded(65))));
    assert_eq!((row.total(), row.column_total(0)), (row.row_total(0), None));
    let column = publish(&[vec![15], vec![20]], 1);
    assert_eq!((column.total(), column.row_total(0)), (column.column_total(0), None));
    assert_eq!(publish(&[vec![15]], 1).total(), Some(Entry::Rounded(15)));
    assert_eq!(column.cell(0, 1), None);
    assert_eq!((column.row_total(2), column.column_total(1)), (None, None));
}

#[test]
fn percentages_come_from_what_is_printed() {
    let published = publish(&[vec![10, 30, 40], vec![5, 100, 15]], 1);
    let share = |part, of| Published::percentage(part, of);
    assert_eq!(share(published.cell(0, 0), published.row_total(0)), None, "hidden with the 5 below it");
    assert_eq!(share(published.cell(0, 1), published.row_total(0)), Some(Percentage::Whole(38)));
    assert_eq!(share(Some(Entry::Rounded(10)), Some(Entry::Rounded(25))), None);
    assert_eq!(share(Some(Entry::FewerThanTen), Some(Entry::Rounded(80))), None);
    assert_eq!(share(Some(Entry::Rounded(75)), Some(Entry::Rounded(80))), Some(Percentage::AtLeastNinety));
}

#[test]
fn a_table_that_does_not_fit_is_refused() {
    let make = |rows: &[&str], columns: &[&str], counts: &[Vec<u64>], members: u64| {
        let dimension = |name: &str, labels: &[&str]| Dimension::new(name, labels.iter().copied());
        let members: Population = (0..members).collect();
        Table::new([("place", "here")], "k", dimension("r", rows), dimension("c", columns), counts, members)
            .err()
    };
    let good = [vec![1, 2], vec![3, 4]];
    assert_eq!(make(&["a", "b"], &["x", "y"], &good, 10), None);
    assert_eq!(make(&[], &["x", "y"], &[], 0), Some(BadTable::NoLabels));
    assert_eq!(make(&["a", "a"], &["x", "y"], &good, 10), Some(BadTable::Twice));
    assert_eq!(make(&["a", "b"], &["x"], &good, 10), Some(BadTable::Shape));
    assert_eq!(make(&["a", "b"], &["x", "y"], &[vec![1, 2]], 3), Some(BadTable::Shape));
    assert_eq!(make(&["a", "b"], &["x", "y"], &good, 11), Some(BadTable::Total));
    let same =
        Table::new([("r", "1")], "k", labelled("r", 1), labelled("c", 1), &[vec![0]], Population::default());
    assert_eq!(same.err(), Some(BadTable::Twice));
}

#[test]
fn the_same_children_counted_otherwise_are_a_contradiction() {
    let mut release = Release::new(draws(1));
    release.publish(table(&[vec![20, 30], vec![40, 50]])).unwrap();
    assert_eq!(release.publish(table(&[vec![21, 29], vec![40, 50]])), Err(Withheld::Contradicts));
}

#[test]
fn curves_are_printed_on_three_days_only_and_never_of_few() {
    let subjects = |referred: usize, others: usize| -> Vec<Subject> {
        let referred = (0..referred).map(|i| Subject { day: 30 + 10 * i as u32, cause: 1 });
        referred.chain((0..others).map(|_| Subject { day: 400, cause: 0 })).collect()
    };
    let values =
        |subjects: &[Subject]| curve_values(&Timeline::of(subjects).unwrap(), 1, Confidence::NINETY_FIVE);
    // Events on day 30, 40, ...: seven until day 90, sixteen until day 180, twenty in all.
    let [early, half, year] = values(&subjects(20, 30));
    assert_eq!([early.0, half.0, year.0], CURVE_DAYS);
    assert_eq!(early.1, CurveValue::TooFew);
    assert!(matches!(half.1, CurveValue::Share { share: Percentage::Whole(32), .. }), "{half:?}");
    assert!(matches!(year.1, CurveValue::Share { share: Percentage::Whole(40), .. }), "{year:?}");
    // Nine left at risk, and fewer than thirty in all.
    assert_eq!(values(&subjects(30, 9))[2].1, CurveValue::TooFew);
    assert_eq!(values(&subjects(15, 14))[2].1, CurveValue::TooFew);
    // Nobody had it, or everybody: there is no interval.
    assert_eq!(values(&subjects(0, 40))[2].1, CurveValue::TooFew);
}
