//! Two worlds of which we know the truth: one in which nothing works, and one in which a quarter of referrals really does not happen. A
//! report may claim nothing in either.

use voordeur_outcome_report::{
    Absent, Publications, Report, Value,
    lint::{Evidence, forbidden},
};

use crate::world::{ALL, DRAWS, FINAL, World, made};

/// Worlds of each kind.
const SEEDS: u64 = 40;

fn report(world: &World) -> Report {
    made(world, &ALL, FINAL, None, &mut Publications::new(DRAWS)).0
}

/// The truth about a constant hazard beside others that compete: the share with a referral first, within a year.
fn truth(referred: f64) -> f64 {
    let hazard = |within: f64| -(1.0 - within).ln();
    let (referral, all) = (hazard(referred), hazard(referred) + hazard(0.08) + hazard(0.02));
    referral / all * (1.0 - (-all).exp())
}

fn percent(value: &Value) -> f64 {
    match value {
        Value::Percent(percent) => f64::from(*percent),
        Value::Percent90OrMore => 100.0,
        other => panic!("{other:?}"),
    }
}

/// Does the printed interval hold the truth, give or take its rounding?
fn holds(report: &Report, path: &str, truth: f64) -> bool {
    let cell = report.cell(path).unwrap();
    let (low, high) = cell.between.as_ref().unwrap_or_else(|| panic!("{path}: {cell:?}"));
    percent(low) - 0.5 <= truth * 100.0 && truth * 100.0 <= percent(high) + 0.5
}

fn claims_nothing(report: &Report) {
    let text = report.to_text().unwrap();
    assert_eq!(forbidden(&text, Evidence::TwoPeriods), []);
    for sentence in [
        "kunnen we uit deze cijfers niet zien",
        "Waardoor cijfers van jaar tot jaar anders zijn, kunnen we hier niet zien",
    ] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(sentence), "{text}");
    }
}

#[test]
fn a_world_without_any_influence_gives_a_report_that_claims_none() {
    let (mut held, mut chance) = (0, 0);
    for seed in 0..SEEDS {
        let report = report(&World { seed, at_risk: 400, referred: [0.4, 0.4], unknown: 0.05 });
        claims_nothing(&report);
        held += u64::from(holds(&report, "escalation/incidence/imminent_365/referred", truth(0.4)));
        chance += u64::from(report.to_text().unwrap().contains("Dit verschil kan toeval zijn."));
    }
    // 95 % each; fewer than this of 40 happens once in ten thousand.
    assert!(
        held >= 33 && chance >= 33,
        "{held} intervals held the truth, {chance} reports said that it may be chance"
    );
}

#[test]
fn a_world_with_a_quarter_fewer_in_one_municipality_gives_a_report_that_says_what_it_cannot_know() {
    let (mut held, mut chance) = (0, 0);
    for seed in 100..100 + SEEDS {
        let report = report(&World { seed, at_risk: 240, referred: [0.4, 0.3], unknown: 0.05 });
        claims_nothing(&report);
        let text = report.to_text().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let before = holds(&report, "comparison/two_periods/imminent/before", truth(0.4));
        let now = holds(&report, "comparison/two_periods/imminent/now", truth(0.3));
        held += u64::from(before) + u64::from(now);
        chance += u64::from(text.contains("Dit verschil kan toeval zijn."));
        assert!(text.contains("Om een daling van een kwart meestal te kunnen zien, zijn ongeveer"), "{text}");
    }
    assert!(held >= 68, "{held} of {} intervals held the truth", 2 * SEEDS);
    assert!(chance >= SEEDS / 2, "only {chance} of {SEEDS} reports said that it may be chance");
}

#[test]
fn silence_is_not_counted_as_a_good_ending() {
    let report = report(&World { seed: 1, at_risk: 400, referred: [0.4, 0.4], unknown: 0.9 });
    let cell = |path| report.cell(path).unwrap().value.clone();
    let Ok(Value::Count(unknown)) = cell("outcome/three_counts/imminent/unknown") else {
        panic!("{report:?}")
    };
    assert!(unknown >= 80, "{unknown}");
    assert_eq!(cell("outcome/bounds/imminent/not_referred"), Err(Absent::TooMuchUnknown));
}

#[test]
fn there_is_no_share_of_children_that_were_not_referred_without_its_bounds() {
    let report = report(&World { seed: 3, at_risk: 400, referred: [0.4, 0.4], unknown: 0.05 });
    for (path, cell) in report.cells().filter(|(path, _)| path.contains("not_referred")) {
        assert!(
            matches!(
                &cell.value,
                Ok(Value::Count(_) | Value::Few | Value::Hidden | Value::Words(_)) | Err(_)
            ),
            "{path}: {cell:?}"
        );
    }
}
