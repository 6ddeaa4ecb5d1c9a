//! Earlier: time to the first contact, how severe first questions are, how long concerns had been there.

use voordeur_outcome_statistics::{AalenJohansen, Confidence, Timeline, disclosure::LEAST};

use crate::{
    disclosure::{carries_a_mean, limits, percent, share_cell},
    model::{Absent, Cell, Section, Table, Value},
    sections::{Making, cell, counts, list, rate, row, table},
};

/// Working days within which somebody should be reached.
const PROMISE: u32 = 5;
/// The cause of having been reached.
const REACHED: u8 = 1;

pub(super) fn section(making: &Making<'_>) -> Section {
    let printed = making.printed;
    let questions = counts(
        &printed.about,
        "questions",
        "Welke vragen kwamen binnen?",
        &[("stands", "blijft staan"), ("withdrawn", "ingetrokken")],
        &[("child", "over een kind"), ("group", "over een groep"), ("consult", "zonder kind (consult)")],
    );
    let severity = list(
        &printed.severity,
        "severity",
        "Hoe ernstig was de eerste vraag over een kind?",
        "kinderen",
        &[
            ("1_2", "1-2: een vraag, of merkbaar in één situatie"),
            ("3", "3: in meer situaties, de groep past zich aan"),
            ("4_5", "4-5: dagelijks, meedoen staat onder druk, of acuut"),
            ("not_asked", "niet gevraagd"),
        ],
    );
    let lasting = list(
        &printed.lasting,
        "lasting",
        "Hoe lang was de zorg er al?",
        "vragen over een kind",
        &[
            ("under_2_weeks", "korter dan 2 weken"),
            ("under_6_weeks", "2 tot 6 weken"),
            ("under_6_months", "6 weken tot 6 maanden"),
            ("over_6_months", "langer dan 6 maanden"),
            ("not_asked", "niet gevraagd"),
        ],
    );
    Section {
        key: "early",
        title: "Eerder erbij".to_owned(),
        sentences: vec![
            "Er eerder bij zijn is: een groter deel lichte vragen én weinig late vragen. Alleen een groter deel lichte vragen zegt \
             niets, want er kunnen ook gewoon veel lichte vragen bij komen."
                .to_owned(),
            "De schaal voor ernst is van onszelf en niet gevalideerd.".to_owned(),
        ],
        tables: vec![contact(making), late(making), severity, lasting, questions],
    }
}

fn contact(making: &Making<'_>) -> Table {
    let n = making.printed.severity.total();
    let subjects = &making.tally.contact;
    let timeline = Timeline::of(subjects).ok().filter(|timeline| carries_a_mean(timeline.len()));
    let (share, median) = match (timeline, &n) {
        (Some(timeline), Ok(n @ Value::Count(_))) => {
            let estimate = AalenJohansen::of(&timeline, &[REACHED]);
            let reached =
                subjects.iter().filter(|subject| subject.cause == REACHED && subject.day <= PROMISE).count();
            let at = estimate.at(REACHED, PROMISE);
            let enough = u64::try_from(reached).is_ok_and(|reached| reached >= LEAST);
            let share = if enough {
                Cell::plain(percent(at.value)).within(at.interval(Confidence::NINETY_FIVE).map(limits))
            } else {
                Cell::absent(Absent::TooFew)
            };
            let half =
                estimate.days().iter().map(|day| day.day).find(|day| estimate.at(REACHED, *day).value >= 0.5);
            let median = half.map_or(Cell::absent(Absent::NotComputable), |day| {
                Cell::plain(Value::Tenths(i64::from(day) * 10))
            });
            (share.of(n.clone()), median.of(n.clone()))
        }
        (_, Err(why)) => (Cell::absent(*why), Cell::absent(*why)),
        _ => (Cell::absent(Absent::TooFew), Cell::absent(Absent::TooFew)),
    };
    let mut table = table(
        "first_contact",
        "Hoe snel was er contact na de eerste vraag over een kind?",
        &[("value", "")],
        vec![
            row("within_5", "binnen 5 werkdagen", vec![share]),
            row("median", "werkdagen tot de helft contact had", vec![median]),
        ],
    );
    table.notes.push("Wie nog wacht telt mee tot de kennisdatum; een vraag die voor het contact is ingetrokken telt als ingetrokken.".to_owned());
    table
}

fn late(making: &Making<'_>) -> Table {
    let printed = making.printed;
    let low = (printed.severity.cell(0, 0), printed.severity.total());
    let mut table = table(
        "late",
        "Lichte en late eerste vragen",
        &[("value", "")],
        vec![
            row("low_share", "deel licht (1-2) van alle eerste vragen", vec![share_cell(&low.0, &low.1)]),
            row(
                "late_rate",
                "late vragen (4-5) per 100 kindjaren",
                vec![rate(&printed.severity.cell(0, 2), making.years, 100.0)],
            ),
            row(
                "first_rate",
                "eerste vragen per 100 kindjaren",
                vec![rate(&printed.severity.total(), making.years, 100.0)],
            ),
            row(
                "question_rate",
                "alle vragen over een kind per 100 kindjaren",
                vec![rate(&printed.about.row_total(0), making.years, 100.0)],
            ),
            row("reach", "kinderen met een eerste vraag", vec![cell(printed.severity.total())]),
        ],
    );
    table.notes.push(
        "Het deel licht is berekend over alle eerste vragen, ook die waarbij de ernst niet is gevraagd."
            .to_owned(),
    );
    table
}
