//! Hours beschikkingsvrij: what goes in, never what comes out of it.

use crate::{
    disclosure::carries_a_mean,
    input::Direction,
    model::{Absent, Cell, Section, Value},
    sections::{Making, round, row, table},
};

pub(super) fn section(making: &Making<'_>) -> Section {
    let tally = making.tally;
    let mut minutes = tally.minutes;
    if let Some(floor) = minutes.first_mut() {
        *floor += tally.floor.minutes;
    }
    let all: u64 = minutes.iter().sum();
    let words =
        ["op de groep of in de klas", "met het kind", "met ouders", "meedenken, ook met een specialist"];
    let keys = ["floor", "child", "parents", "consultation"];
    const { assert!(Direction::ALL.len() == 4) };
    let mut rows: Vec<_> = keys
        .into_iter()
        .zip(words)
        .zip(minutes)
        .map(|((key, label), minutes)| row(key, label, vec![Cell::plain(Value::Count(hours(minutes)))]))
        .collect();
    rows.push(row("all", "samen", vec![Cell::plain(Value::Count(hours(all)))]));
    rows.push(row(
        "available",
        "beschikbaar volgens de directory",
        vec![
            tally
                .floor
                .available
                .map_or(Cell::absent(Absent::NotAsked), |minutes| Cell::plain(Value::Count(hours(minutes)))),
        ],
    ));
    let used = table("hours", "Uren beschikkingsvrij in de periode", &[("hours", "uren")], rows);
    let at_risk = making.printed.outcome.total();
    let per_case = match &at_risk {
        Ok(Value::Count(n)) => tenths(hours_of(tally.minutes_at_risk), Some(*n)).of(Value::Count(*n)),
        Ok(_) => Cell::absent(Absent::TooFew),
        Err(why) => Cell::absent(*why),
    };
    let per_100 =
        making.years.filter(|years| *years > 0.0).map_or(Cell::absent(Absent::NoPopulation), |years| {
            Cell::plain(Value::Tenths(round(hours_of(all) * 100.0 / years * 10.0)))
        });
    let share = tally.floor.available.filter(|available| *available > 0).map_or(
        Cell::absent(Absent::NotAsked),
        |available| {
            Cell::plain(Value::Words(format!("{}%", round(hours_of(all) / hours_of(available) * 100.0))))
        },
    );
    let mut days = tally.until_support.clone();
    days.sort_unstable();
    let median = if carries_a_mean(u64::try_from(days.len()).unwrap_or(0)) {
        days.get(days.len() / 2).map_or(Cell::absent(Absent::NotComputable), |day| {
            Cell::plain(Value::Tenths(i64::from(*day) * 10))
        })
    } else {
        Cell::absent(Absent::TooFew)
    };
    let ratios = table(
        "hours_per",
        "Naast de uitkomst",
        &[("value", "")],
        vec![
            row("per_threatened", "uren per kind met een dreigende verwijzing", vec![per_case]),
            row("per_100_years", "uren per 100 kindjaren", vec![per_100]),
            row("used_share", "gebruikt van wat beschikbaar was", vec![share]),
            row("until_first", "dagen van vraag tot eerste uur, de helft was eerder", vec![median]),
        ],
    );
    Section {
        key: "support",
        title: "Uren beschikkingsvrij".to_owned(),
        sentences: vec!["Uren zijn een middel, geen uitkomst.".to_owned()],
        tables: vec![used, ratios],
    }
}

/// Whole hours, half an hour up.
const fn hours(minutes: u64) -> u64 {
    (minutes + 30) / 60
}

#[expect(clippy::cast_precision_loss, reason = "hours of a municipality")]
fn hours_of(minutes: u64) -> f64 {
    minutes as f64 / 60.0
}

#[expect(clippy::cast_precision_loss, reason = "a rounded count of children")]
fn tenths(hours: f64, per: Option<u64>) -> Cell {
    match per {
        Some(per) if per > 0 => Cell::plain(Value::Tenths(round(hours / per as f64 * 10.0))),
        _ => Cell::absent(Absent::TooFew),
    }
}
