//! The period before beside this one. The only part with words of level 2; it says as loudly what cannot be known.

use voordeur_outcome_statistics::{
    EVENTS_FOR_A_TEST, Event, Member, Weighting, log_rank, sample_size_per_group,
};

use crate::{
    disclosure::curve,
    model::{Absent, Cell, Section, Value},
    render::value,
    sections::{LEVELS, Making, row, table},
};

/// Two-sided, one test in a report.
const SIGNIFICANT_BELOW: f64 = 0.05;
/// Chance with which a real change should be seen.
const POWER: f64 = 0.8;
/// The change that readers think of.
const A_QUARTER: f64 = 0.25;

/// The section, and whether two periods do stand beside each other in it.
pub(super) fn section(making: &Making<'_>) -> (Section, bool) {
    let (tally, printed) = (making.tally, making.printed);
    let before = tally.period.before().unwrap_or(tally.period);
    let mut rows = Vec::new();
    let mut sentences = Vec::new();
    for (place, (key, label)) in LEVELS.iter().enumerate() {
        let year = |subjects: Option<&Vec<_>>, n: Result<Value, Absent>| -> Cell {
            let days = curve(subjects.map_or(&[], Vec::as_slice), 1, &n);
            days.into_iter()
                .find(|(day, _)| *day == 365)
                .map_or(Cell::absent(Absent::TooFew), |(_, cell)| cell)
        };
        let then = year(tally.survival_before.get(place), printed.before.row_total(place));
        let now = year(tally.survival.get(place), printed.outcome.row_total(place));
        if let (Ok(was), Ok(is), Some(was_between), Some(is_between)) =
            (&then.value, &now.value, &then.between, &now.between)
        {
            let mut sentence = format!(
                "Van de kinderen met als inschatting '{label}' werd in de periode ervoor {} verwezen binnen een jaar (waarschijnlijk \
                 tussen {} en {}) en in deze periode {} (tussen {} en {}).",
                value(was),
                value(&was_between.0),
                value(&was_between.1),
                value(is),
                value(&is_between.0),
                value(&is_between.1),
            );
            if let Some(needed) = needed(was, &now) {
                sentence.push(' ');
                sentence.push_str(&needed);
            }
            sentences.push(sentence);
        }
        rows.push(row(*key, *label, vec![then, now]));
    }
    let beside = !sentences.is_empty();
    if beside {
        sentences.push(verdict(making));
        sentences.push(
            "Waardoor cijfers van jaar tot jaar anders zijn, kunnen we hier niet zien: zonder kindcentra om mee te vergelijken is een lijn \
             omlaag alleen een lijn."
                .to_owned(),
        );
    } else {
        sentences.push(
            "In een van de twee periodes zijn er te weinig kinderen om ze naast elkaar te zetten.".to_owned(),
        );
    }
    let title = format!(
        "Verwezen binnen een jaar, naast de periode ervoor ({} t/m {})",
        crate::render::day(before.from()),
        crate::render::day(before.until())
    );
    let table = table("two_periods", &title, &[("before", "periode ervoor"), ("now", "deze periode")], rows);
    let section = Section {
        key: "comparison",
        title: "Twee periodes naast elkaar".to_owned(),
        sentences,
        tables: vec![table],
    };
    (section, beside)
}

/// One test: the hazard of referral in both periods, by level.
fn verdict(making: &Making<'_>) -> String {
    let tally = making.tally;
    let mut members = Vec::new();
    for (group, periods) in (0_u32..).zip([&tally.survival_before, &tally.survival]) {
        for (stratum, subjects) in (0_u32..).zip(periods) {
            members.extend(subjects.iter().map(|subject| Member { stratum, subject: *subject, group }));
        }
    }
    let test = log_rank(&members, 2, Event::Cause(1), Weighting::Even).ok();
    match test {
        Some(test) if test.events < EVENTS_FOR_A_TEST => {
            "Met zo weinig verwijzingen toetsen we niet. Dit verschil kan toeval zijn.".to_owned()
        }
        Some(test) if test.p.is_some_and(|p| p < SIGNIFICANT_BELOW) => {
            "Zo'n verschil zien we door toeval alleen zelden (log-rank, in 1 van de 20 keer of nog zeldzamer). Of de hulp op het kindcentrum er iets mee te maken heeft, weten we niet.".to_owned()
        }
        _ => "Dit verschil kan toeval zijn.".to_owned(),
    }
}

/// What could not have been seen with these numbers.
fn needed(was: &Value, now: &Cell) -> Option<String> {
    let (Value::Percent(was), Some(Value::Count(n))) = (was, &now.n) else { return None };
    let share = f64::from(*was) / 100.0;
    let needed = sample_size_per_group(share, share * (1.0 - A_QUARTER), POWER)?;
    (needed > *n).then(|| {
        format!(
            "Om een daling van een kwart meestal te kunnen zien, zijn ongeveer {} kinderen per periode nodig; hier waren het er ongeveer {n}.",
            needed.div_ceil(10) * 10
        )
    })
}
