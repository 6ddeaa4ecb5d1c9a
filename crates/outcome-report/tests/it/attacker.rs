//! Somebody who has every report that was published, and time: full reports of centres, of the municipality, provisional and final.

use voordeur_outcome_report::{
    Absent, NotPublishable, Publications, Report, Tally, Value,
    input::{Outcome, Why},
    report,
};

use crate::{
    golden::WORLD,
    world::{ALL, DRAWS, FINAL, PROVISIONAL, Placed, World, YEAR, made, question, tally},
};

fn nothing() -> voordeur_outcome_report::Beside<'static> {
    voordeur_outcome_report::Beside { population: None, agreements: &[], earlier: None }
}

fn publish(
    children: &[Placed],
    centres: &[usize],
    known_on: jiff::civil::Date,
    publications: &mut Publications<'_>,
) -> (Report, Result<(), NotPublishable>) {
    let tally: Tally = tally(children, &[], &[], centres, known_on);
    report(&tally, &question(centres, known_on), &nothing(), publications)
}

/// Every printed count is a multiple of five from ten on, and no percentage rests on fewer than thirty.
fn is_clean(report: &Report) {
    for (path, cell) in report.cells() {
        let hours = path.starts_with("support/") || path.ends_with("/hours");
        match &cell.value {
            Ok(Value::Count(count)) if !hours => assert!(*count >= 10 && count % 5 == 0, "{path}: {cell:?}"),
            Ok(Value::Percent(_) | Value::Percent90OrMore) => {
                if let Some(n) = &cell.n {
                    assert!(matches!(n, Value::Count(30..)), "{path}: {cell:?}");
                }
            }
            _ => {}
        }
        if let Some(n) = &cell.n {
            assert!(
                matches!(n, Value::Count(count) if *count >= 10 && count % 5 == 0)
                    || *n == Value::Few
                    || *n == Value::Hidden,
                "{path}: {cell:?}"
            );
        }
    }
    for line in report.to_csv().unwrap().lines().skip(1) {
        assert_eq!(line.split(';').count(), 12, "{line}");
    }
}

#[test]
fn a_report_prints_nothing_but_rounded_counts_of_ten_and_more() {
    for at_risk in [8, 30, 60, 120, 420, 3_000] {
        for seed in 0..6 {
            let world = World { seed, at_risk, ..WORLD };
            is_clean(&made(&world, &ALL, FINAL, None, &mut Publications::new(DRAWS)).0);
        }
    }
}

#[test]
fn a_municipality_whose_last_centre_has_a_few_children_is_not_published_beside_the_others() {
    // Three centres, and a fourth with six children at risk.
    let mut children = WORLD.children(YEAR);
    let mut left = 6;
    children.retain(|(centre, child)| {
        *centre != 3
            || (child.at_risk().is_some() && {
                left -= 1;
                left >= 0
            })
    });
    let mut publications = Publications::new(DRAWS);
    for centre in 0..3 {
        let (report, publishable) = publish(&children, &[centre], FINAL, &mut publications);
        assert_eq!(publishable, Ok(()));
        is_clean(&report);
    }
    let (municipality, publishable) = publish(&children, &ALL, FINAL, &mut publications);
    assert_eq!(publishable, Err(NotPublishable::GivesAway));
    assert_eq!(
        municipality.cell("outcome/three_counts/imminent/referred").unwrap().value,
        Err(Absent::Withheld)
    );
    // The other way round: the municipality first, then the centres; the last of the three would give the fourth away.
    let mut publications = Publications::new(DRAWS);
    assert_eq!(publish(&children, &ALL, FINAL, &mut publications).1, Ok(()));
    let outcomes: Vec<_> =
        (0..3).map(|centre| publish(&children, &[centre], FINAL, &mut publications).1).collect();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(NotPublishable::GivesAway)]);
}

#[test]
fn a_final_report_on_a_few_more_children_than_the_provisional_one_is_not_published() {
    let children = WORLD.children(YEAR);
    let at_risk: Vec<usize> = children
        .iter()
        .enumerate()
        .filter(|(_, (_, child))| child.at_risk().is_some())
        .map(|(at, _)| at)
        .collect();
    for (more, expected) in
        [(0, Ok(())), (1, Err(NotPublishable::GivesAway)), (9, Err(NotPublishable::GivesAway)), (12, Ok(()))]
    {
        let mut fewer = children.clone();
        // Judgements that became known between the two.
        at_risk.iter().rev().take(more).for_each(|at| _ = fewer.remove(*at));
        let mut publications = Publications::new(DRAWS);
        assert_eq!(publish(&fewer, &ALL, PROVISIONAL, &mut publications).1, Ok(()));
        assert_eq!(publish(&children, &ALL, FINAL, &mut publications).1, expected, "{more}");
    }
}

#[test]
fn the_same_children_judged_anew_may_be_published_and_only_rounding_stands_between() {
    let children = WORLD.children(YEAR);
    let mut later = children.clone();
    let changed =
        later.iter_mut().find(|(_, child)| child.outcome == Outcome::Unknown(Why::NoFollowUpCheck)).unwrap();
    changed.1.outcome = Outcome::NotReferred;
    let mut publications = Publications::new(DRAWS);
    let first = publish(&children, &ALL, PROVISIONAL, &mut publications);
    let second = publish(&later, &ALL, FINAL, &mut publications);
    assert_eq!((first.1, second.1), (Ok(()), Ok(())));
    for (path, cell) in first.0.cells().filter(|(path, _)| path.starts_with("outcome/three_counts")) {
        let now = second.0.cell(&path).unwrap();
        if let (Ok(Value::Count(was)), Ok(Value::Count(is))) = (&cell.value, &now.value) {
            assert!(was.abs_diff(*is) <= 5, "{path}: {was} {is}");
        }
    }
}

#[test]
fn asking_twice_gives_the_same_answer_and_another_installation_another() {
    let ask = || made(&WORLD, &ALL, FINAL, None, &mut Publications::new(DRAWS)).0.to_json().unwrap();
    assert_eq!(ask(), ask());
    let other = |cell: &str| crate::world::draw(&format!("other {cell}"));
    assert_ne!(made(&WORLD, &ALL, FINAL, None, &mut Publications::new(&other)).0.to_json().unwrap(), ask());
}

#[test]
fn the_order_of_children_and_questions_means_nothing() {
    let (children, questions) = (WORLD.children(YEAR), WORLD.questions(YEAR));
    let backwards: Vec<_> = children.iter().rev().cloned().collect();
    let questions_backwards: Vec<_> = questions.iter().rev().copied().collect();
    let json = |children: &[Placed], questions: &[_]| {
        let tally = tally(children, children, questions, &ALL, FINAL);
        report(&tally, &question(&ALL, FINAL), &nothing(), &mut Publications::new(DRAWS)).0.to_json().unwrap()
    };
    assert_eq!(json(&children, &questions), json(&backwards, &questions_backwards));
}

#[test]
fn too_early_and_too_small_are_refused() {
    let early = jiff::civil::date(2028, 6, 1);
    assert_eq!(
        made(&WORLD, &ALL, early, None, &mut Publications::new(DRAWS)).1,
        Err(NotPublishable::TooEarly)
    );
    let few = World { at_risk: 8, ..WORLD };
    assert_eq!(made(&few, &ALL, FINAL, None, &mut Publications::new(DRAWS)).1, Err(NotPublishable::TooSmall));
}
