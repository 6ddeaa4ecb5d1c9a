//! Less escalation: what came first, a referral, leaving or the route of Veilig Thuis; and who comes back.

use crate::{
    disclosure::curve,
    model::{Cell, Row, Section},
    sections::{LEVELS, Making, row, table},
};

/// Causes and their words.
const CAUSES: [(u8, &str, &str); 3] =
    [(1, "referred", "verwezen"), (2, "left", "vertrokken"), (3, "safety_route", "route Veilig Thuis")];

pub(super) fn section(making: &Making<'_>) -> Section {
    let (tally, printed) = (making.tally, making.printed);
    let mut rows: Vec<Row> = Vec::new();
    for ((place, (key, label)), subjects) in LEVELS.iter().enumerate().zip(&tally.survival) {
        let n = printed.outcome.row_total(place);
        let by_cause = CAUSES.map(|(cause, _, _)| curve(subjects, cause, &n));
        for (at, day) in [90, 180, 365].into_iter().enumerate() {
            let cells: Vec<Cell> =
                by_cause.iter().filter_map(|days| days.get(at).map(|(_, cell)| cell.clone())).collect();
            rows.push(row(format!("{key}_{day}"), format!("{label}, na {day} dagen"), cells));
        }
    }
    let columns = CAUSES.map(|(_, key, label)| (key, label));
    let mut incidence = table(
        "incidence",
        "Deel van de kinderen met een dreigende verwijzing, naar wat er het eerst gebeurde",
        &columns,
        rows,
    );
    incidence.notes.extend([
        "Berekend volgens Aalen-Johansen. Wie niet is nagevraagd telt mee tot de laatste dag waarop iets bekend was; bekende \
         verwijzingen tellen helemaal mee. Het deel verwezen valt daardoor eerder te hoog uit dan te laag."
            .to_owned(),
        "De datum van het verzoek telt, niet de start van de zorg: een wachtlijst is geen goede afloop.".to_owned(),
    ]);
    let ended = printed.one_sided.total();
    let cells = curve(&tally.until_return, 1, &ended);
    let rows = cells
        .into_iter()
        .map(|(day, cell)| row(format!("day_{day}"), format!("na {day} dagen"), vec![cell]))
        .collect();
    let mut returned = table(
        "re_entry",
        "Deel met een nieuwe vraag over het kind nadat het verloop was afgerond",
        &[("returned", "nieuwe vraag")],
        rows,
    );
    returned.notes.push("Vooruit geteld vanaf de afronding; StatLine kijkt vijf jaar terug.".to_owned());
    Section {
        key: "escalation",
        title: "Wat gebeurde het eerst, en wie kwam terug".to_owned(),
        sentences: Vec::new(),
        tables: vec![incidence, returned],
    }
}
