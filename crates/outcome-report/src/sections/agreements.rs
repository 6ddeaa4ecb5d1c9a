//! What the partners agreed, beside what was seen.

use crate::{
    model::{Absent, Cell, Section, Value},
    sections::{Making, row, table},
};

/// What an agreement may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indicator {
    /// The word in the directory.
    pub name: &'static str,
    /// What it says on screen.
    pub label: &'static str,
    /// The cell of the report that shows it.
    pub cell: &'static str,
}

/// Everything an agreement may be about: population rates, time, certainty, parents and completeness. The share of children that was not
/// referred is not among them: it gets better by calling more children threatened.
pub const INDICATORS: [Indicator; 11] = [
    Indicator {
        name: "contact-binnen-5-dagen",
        label: "contact binnen 5 werkdagen, %",
        cell: "early/first_contact/within_5/value",
    },
    Indicator {
        name: "late-vragen",
        label: "late vragen per 100 kindjaren",
        cell: "early/late/late_rate/value",
    },
    Indicator {
        name: "eerste-vragen",
        label: "eerste vragen per 100 kindjaren",
        cell: "early/late/first_rate/value",
    },
    Indicator {
        name: "specialistische-starts",
        label: "eerste starts van specialistische jeugdhulp per 1.000 kindjaren",
        cell: "population/per_1000/specialist_starts/rate",
    },
    Indicator {
        name: "sbo-so",
        label: "naar SBO of SO per 1.000 kinderen van 4-12 jaar",
        cell: "population/per_1000/special_education/rate",
    },
    Indicator {
        name: "crises",
        label: "crisis, verblijf of maatregel per 1.000 kindjaren",
        cell: "population/per_1000/crises/rate",
    },
    Indicator {
        name: "zekerheid",
        label: "zekerheid van medewerkers, nu min toen",
        cell: "certainty/certainty/change/mean",
    },
    Indicator {
        name: "nut-volgens-ouders",
        label: "nut volgens ouders, gemiddeld cijfer",
        cell: "endings/parents/mean/value",
    },
    Indicator {
        name: "doelen",
        label: "doelen geheel of deels bereikt, %",
        cell: "endings/national_set/goals/share",
    },
    Indicator {
        name: "nagevraagd",
        label: "heel jaar nagevraagd (waarschijnlijk), %",
        cell: "quality/followed_share/imminent/share",
    },
    Indicator {
        name: "uren",
        label: "uren per 100 kindjaren",
        cell: "support/hours_per/per_100_years/value",
    },
];

pub(super) fn section(making: &Making<'_>, sections: &[Section]) -> Section {
    let cell_at = |path: &str| -> Option<Cell> {
        let mut parts = path.split('/');
        let section = sections.iter().find(|section| Some(section.key) == parts.clone().next())?;
        parts.next();
        let name = parts.next()?;
        let table = section.tables.iter().find(|table| table.key == name)?;
        let name = parts.next()?;
        let row = table.rows.iter().find(|row| row.key == name)?;
        let name = parts.next()?;
        table.columns.iter().zip(&row.cells).find(|((key, _), _)| *key == name).map(|(_, cell)| cell.clone())
    };
    let rows = making.beside.agreements.iter().map(|agreement| {
        let indicator = INDICATORS.iter().find(|indicator| indicator.name == agreement.indicator);
        let now = indicator
            .and_then(|indicator| cell_at(indicator.cell))
            .unwrap_or(Cell::absent(Absent::NotComputable));
        let label = indicator.map_or("", |indicator| indicator.label);
        let hours = agreement
            .hours
            .map_or(Cell::absent(Absent::NotAsked), |hours| Cell::plain(Value::Count(u64::from(hours))));
        row(
            agreement.key.clone(),
            label,
            vec![
                Cell::plain(Value::Words(agreement.partners.join(", "))),
                Cell::plain(Value::Tenths(agreement.start)),
                Cell::plain(Value::Tenths(agreement.ambition)),
                now,
                hours,
                Cell::plain(Value::Day(agreement.review_on)),
            ],
        )
    });
    let rows: Vec<_> = rows.collect();
    let sentences = if rows.is_empty() {
        vec![
            "De partners hebben in de directory geen resultaatafspraken voor deze kindcentra vastgelegd."
                .to_owned(),
        ]
    } else {
        vec!["Dit staat naast wat partners afspraken. Of een ambitie is gehaald, bespreken partners op de afgesproken dag, met de marges erbij.".to_owned()]
    };
    let table = table(
        "agreements",
        "Resultaatafspraken",
        &[
            ("partners", "partners"),
            ("start", "begin"),
            ("ambition", "ambitie"),
            ("now", "nu"),
            ("hours", "uren per jaar"),
            ("review_on", "opnieuw bekijken"),
        ],
        rows,
    );
    Section { key: "agreements", title: "Wat er is afgesproken".to_owned(), sentences, tables: vec![table] }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_indicator_has_its_own_name_and_cell() {
        let names: BTreeSet<_> = INDICATORS.iter().map(|indicator| indicator.name).collect();
        let cells: BTreeSet<_> = INDICATORS.iter().map(|indicator| indicator.cell).collect();
        assert_eq!((names.len(), cells.len()), (INDICATORS.len(), INDICATORS.len()));
    }
}
