//! Per 1,000 child-years: figures that do not move when more children are called threatened.

use crate::{
    model::{Absent, Cell, Section},
    sections::{Making, rate, row, table},
};

pub(super) fn section(making: &Making<'_>) -> Section {
    let from_file = |total: &Option<(crate::disclosure::Shown, f64)>| match total {
        Some((shown, of)) => rate(&shown.total(), Some(*of), 1_000.0),
        None => Cell::absent(Absent::NoPopulation),
    };
    let rows = vec![
        row(
            "specialist_starts",
            "eerste starts van specialistische jeugdhulp (opgave gemeente)",
            vec![from_file(&making.starts)],
        ),
        row(
            "special_education",
            "naar SBO of SO, per 1.000 kinderen van 4-12 jaar",
            vec![from_file(&making.special)],
        ),
        row(
            "referred",
            "verwezen na een vraag bij ons",
            vec![rate(&making.printed.foreseen.column_total(0), making.years, 1_000.0)],
        ),
        row(
            "judged_threatened",
            "verwijzing overwogen",
            vec![rate(&making.printed.outcome.total(), making.years, 1_000.0)],
        ),
        row(
            "crises",
            "crisis, verblijf of maatregel (R4)",
            vec![rate(&making.printed.crises.total(), making.years, 1_000.0)],
        ),
    ];
    let mut table = table("per_1000", "Per 1.000 kindjaren", &[("rate", "aantal")], rows);
    table.notes.extend([
        "Een kindjaar is een jaar waarin een kind staat ingeschreven. Deze cijfers worden niet beter door vaker 'verwijzing overwogen' in te vullen.".to_owned(),
        "Let op de crises: worden weinig kinderen verwezen en zijn er tegelijk veel crises, dan gaat het niet goed.".to_owned(),
    ]);
    Section {
        key: "population",
        title: "Alle ingeschreven kinderen".to_owned(),
        sentences: if making.years.is_none() {
            vec![
                "Zonder bestand met inschrijvingen over de hele periode zijn deze cijfers niet te bepalen."
                    .to_owned(),
            ]
        } else {
            Vec::new()
        },
        tables: vec![table],
    }
}
