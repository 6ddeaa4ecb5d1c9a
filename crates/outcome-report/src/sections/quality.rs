//! How much is known, and whether somebody made figures look better.

use voordeur_outcome_statistics::{Weights, kappa};

use crate::{
    disclosure::{carries_a_mean, share_cell},
    model::{Absent, Cell, Section, Table, Value},
    question::LONG_WINDOW_DAYS,
    sections::{LEVELS, Making, care::measure, counts, is_over, list, round, row, table},
    tally::Sum,
};

pub(super) fn section(making: &Making<'_>) -> Section {
    let (tally, printed) = (making.tally, making.printed);
    let followed = counts(
        &printed.followed,
        "followed",
        "Is het hele jaar nagevraagd, in beide domeinen?",
        &[("yes", "ja"), ("no", "nee"), ("pending", "jaar nog niet om")],
        &LEVELS,
    );
    let judged = list(
        &printed.judged,
        "judged",
        "Is op tijd beoordeeld of een verwijzing wordt overwogen?",
        "kinderen met een eerste vraag",
        &[("yes", "ja"), ("no", "nee, of te laat")],
    );
    let corrections = list(
        &printed.corrections,
        "corrections",
        "Verbeteringen achteraf",
        "beoordeelde kinderen",
        &[
            ("nothing", "niets verbeterd"),
            ("corrected", "iets verbeterd"),
            ("voided", "iets vervallen verklaard (met een tweede persoon)"),
            ("too_late", "inschatting te laat gewijzigd: telt niet"),
        ],
    );
    let just_after = list(
        &printed.just_after,
        "just_after",
        "Verwijzing gevraagd op dag 366 tot en met 455?",
        "kinderen met een dreigende verwijzing",
        &[("yes", "ja"), ("no", "nee")],
    );
    let second = list(
        &printed.second,
        "second",
        "Is er een tweede inschatting, los van de eerste?",
        "beoordeelde kinderen",
        &[("yes", "ja"), ("no", "nee")],
    );
    let pairs: u64 = tally.second.iter().flatten().sum();
    let agreement = table(
        "second_agreement",
        "Hoe eens zijn twee inschatters het?",
        &[("kappa", "kappa")],
        vec![row("kappa", "gewogen kappa", vec![measure(pairs, kappa(&tally.second, Weights::Linear))])],
    );
    Section {
        key: "quality",
        title: "Hoe volledig en hoe zeker zijn deze cijfers?".to_owned(),
        sentences: vec![
            "Wat niet is nagevraagd, weten we niet: het telt als onbekend, niet als goed afgelopen."
                .to_owned(),
        ],
        tables: vec![
            followed,
            shares(making),
            long(making),
            just_after,
            judged,
            corrections,
            second,
            agreement,
            calibration(making),
        ],
    }
}

fn shares(making: &Making<'_>) -> Table {
    let shown = &making.printed.followed;
    let rows = LEVELS.iter().enumerate().map(|(place, (key, label))| {
        row(*key, *label, vec![share_cell(&shown.cell(place, 0), &shown.row_total(place))])
    });
    table("followed_share", "Deel dat het hele jaar is nagevraagd", &[("share", "deel")], rows.collect())
}

/// The line at two years: shows what was only postponed.
fn long(making: &Making<'_>) -> Table {
    const TITLE: &str = "Verwezen binnen twee jaar (730 dagen), voor zover bekend";
    const COLUMNS: [(&str, &str); 2] =
        [("referred", "verwezen"), ("not_known_to_be", "voor zover bekend niet")];
    let mut long = counts(&making.printed.long, "by_730", TITLE, &COLUMNS, &LEVELS);
    if !is_over(making.question, LONG_WINDOW_DAYS) {
        long.rows
            .iter_mut()
            .flat_map(|row| &mut row.cells)
            .for_each(|cell| *cell = Cell::absent(Absent::NotYet));
    }
    long.notes.push(
        "Na het eerste jaar vraagt niemand het meer na: dit zijn alleen verwijzingen die bekend werden."
            .to_owned(),
    );
    long
}

/// The judged chance beside what became of the children.
fn calibration(making: &Making<'_>) -> Table {
    let shown = &making.printed.calibration;
    let mut table = counts(
        shown,
        "calibration",
        "De geschatte kans op een verwijzing, en wat er werd van de kinderen",
        &[("referred", "verwezen"), ("not_referred", "niet verwezen"), ("unknown", "weten we niet")],
        &[
            ("0_19", "0-19%"),
            ("20_39", "20-39%"),
            ("40_59", "40-59%"),
            ("60_79", "60-79%"),
            ("80_100", "80-100%"),
        ],
    );
    table.columns.push(("judged_mean", "gemiddeld geschat".to_owned()));
    table.columns.push(("share", "deel verwezen".to_owned()));
    for ((place, row), judged) in table.rows.iter_mut().enumerate().zip(&making.tally.chances) {
        row.cells.push(mean(judged));
        row.cells.push(share_cell(&shown.cell(place, 0), &shown.row_total(place)));
    }
    table.notes.push("De schatting was de kans zonder extra hulp. Dat er hier hulp kwam, maakt het deel verwezen en de schatting niet zonder meer vergelijkbaar.".to_owned());
    table
}

fn mean(judged: &Sum) -> Cell {
    if !carries_a_mean(judged.n) {
        return Cell::absent(Absent::TooFew);
    }
    #[expect(clippy::cast_precision_loss, reason = "sums of percentages")]
    let mean = round(judged.sum as f64 / judged.n as f64);
    u8::try_from(mean).map_or(Cell::absent(Absent::NotComputable), |mean| {
        Cell::plain(if mean >= 90 { Value::Percent90OrMore } else { Value::Percent(mean) })
    })
}
