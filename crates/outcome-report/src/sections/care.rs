//! Whether referrals were needed, how certain staff are, and how episodes ended.

use voordeur_outcome_statistics::{Confidence, Weights, kappa};

use crate::{
    disclosure::{carries_a_mean, share_cell},
    model::{Absent, Cell, Section, Table, Value},
    sections::{Making, in_words, list, round, row, table},
    tally::Sum,
};

/// Were the referrals needed, as two independent reviewers found?
pub(super) fn need(making: &Making<'_>) -> Section {
    let shown = &making.printed.reviews;
    let reviews = list(
        shown,
        "reviews",
        "Wat vonden twee beoordelaars, los van elkaar?",
        "verwezen kinderen",
        &[
            ("needed", "beiden: nodig"),
            ("avoidable", "beiden: had zonder gekund"),
            ("disagree", "niet eens"),
            ("not_reviewed", "niet door twee beoordeeld"),
        ],
    );
    let pairs: u64 = making.tally.verdicts.iter().flatten().sum::<u64>() / 2;
    let agreement = measure(pairs, kappa(&making.tally.verdicts, Weights::Unweighted));
    let agreement = table(
        "agreement",
        "Hoe eens zijn beoordelaars het?",
        &[("kappa", "kappa")],
        vec![row("kappa", "0 is toeval, 1 is altijd eens", vec![agreement])],
    );
    let sentence = format!(
        "Bij {} verwezen kinderen vonden twee beoordelaars de verwijzing nodig, bij {} vonden beiden dat het zonder had gekund. Over de \
         niet beoordeelde verwijzingen zegt dat niets.",
        in_words(&shown.cell(0, 0)),
        in_words(&shown.cell(0, 1)),
    );
    Section {
        key: "need",
        title: "Waren de verwijzingen nodig?".to_owned(),
        sentences: vec![sentence],
        tables: vec![reviews, agreement],
    }
}

/// Certainty of whoever asked, then and now.
pub(super) fn certainty(making: &Making<'_>) -> Section {
    let tally = making.tally;
    let people: Vec<(f64, f64)> = tally
        .askers
        .values()
        .filter(|asker| asker.questions > 0)
        .map(|asker| {
            #[expect(clippy::cast_precision_loss, reason = "sums of marks of 0-10")]
            let mean = |sum: i64| sum as f64 / asker.questions as f64;
            (mean(asker.then), mean(asker.now))
        })
        .collect();
    let n = u64::try_from(people.len()).unwrap_or(0);
    let about = rounded_people(n);
    let cell = |pick: fn(&(f64, f64)) -> f64| {
        mean_cell(&people.iter().map(pick).collect::<Vec<_>>()).of(about.clone())
    };
    let looked_back = mean_of(&tally.looked_back);
    let table = table(
        "certainty",
        "Zekerheid van wie de vraag stelde, 0-10 (niet gevalideerd)",
        &[("mean", "gemiddeld")],
        vec![
            row("then", "bij de vraag", vec![cell(|(then, _)| *then)]),
            row("now", "na het antwoord", vec![cell(|(_, now)| *now)]),
            row("change", "nu min toen", vec![cell(|(then, now)| now - then)]),
            row(
                "looking_back",
                "bij de afronding: nu min 'hoe zeker was u toen, achteraf gezien'",
                vec![looked_back],
            ),
        ],
    );
    Section {
        key: "certainty",
        title: "Zekerheid van medewerkers".to_owned(),
        sentences: vec![
            "'Hoe zeker weet u wat u morgen voor dit kind kunt doen?' Deze vraag is van onszelf en niet gevalideerd. Eerst is per medewerker \
             gemiddeld, daarna over medewerkers. Mensen vragen hulp als zij vastzitten: een deel van de toename komt vanzelf."
                .to_owned(),
        ],
        tables: vec![table],
    }
}

/// How episodes ended: the national outcome set, the judgement of parents, goals.
pub(super) fn endings(making: &Making<'_>) -> Section {
    let (tally, printed) = (making.tally, making.printed);
    let one_sided = list(
        &printed.one_sided,
        "ended",
        "Afgeronde verlopen",
        "verlopen",
        &[("one_sided", "eenzijdig beëindigd door gezin of door ons"), ("other", "anders")],
    );
    let help = list(
        &printed.help,
        "further_help",
        "Zonder hulp verder?",
        "verlopen",
        &[("none", "geen andere hulp"), ("some", "andere hulp, of verwacht"), ("not_asked", "niet gevraagd")],
    );
    let useful = list(
        &printed.useful,
        "usefulness",
        "Hoe nuttig vonden ouders de hulp (1-10)?",
        "verlopen",
        &[("7_or_more", "7 of hoger"), ("below_7", "onder de 7"), ("no_answer", "geen antwoord")],
    );
    let goals = list(
        &printed.goals,
        "goals",
        "Doelen, met ouders besproken",
        "doelen",
        &[
            ("reached", "geheel of deels bereikt"),
            ("not_reached", "niet bereikt"),
            ("not_discussed", "niet besproken"),
        ],
    );
    Section {
        key: "endings",
        title: "Afronding en oordeel van ouders".to_owned(),
        sentences: vec![
            "Vergelijk kindcentra niet op tevredenheid: daarvoor is het niet bedoeld.".to_owned(),
        ],
        tables: vec![one_sided, help, useful, parents(making, &tally.usefulness), goals, shares(making)],
    }
}

/// What parents say, with how many answered; and the bounds for those who did not.
fn parents(making: &Making<'_>, marks: &Sum) -> Table {
    let shown = &making.printed.useful;
    let all = shown.total();
    let (useful, below, silent) = (shown.cell(0, 0), shown.cell(0, 1), shown.cell(0, 2));
    let sum = |a: &Result<Value, Absent>, b: &Result<Value, Absent>| match (a, b) {
        (Ok(Value::Count(a)), Ok(Value::Count(b))) => Ok(Value::Count(a + b)),
        (Err(why), _) | (_, Err(why)) => Err(*why),
        _ => Err(Absent::TooFew),
    };
    let answered = sum(&useful, &below);
    let low = share_cell(&useful, &all);
    let high = share_cell(&sum(&useful, &silent), &all);
    let bounds = match (low.value, high.value) {
        (Ok(low), Ok(high)) => Cell::plain(Value::Words("tussen".to_owned())).within(Some((low, high))),
        (Err(why), _) | (_, Err(why)) => Cell::absent(why),
    };
    table(
        "parents",
        "Oordeel van ouders",
        &[("value", "")],
        vec![
            row("response", "deel dat antwoord gaf", vec![share_cell(&answered, &all)]),
            row("mean", "gemiddeld cijfer", vec![mean_of(marks)]),
            row("useful", "7 of hoger, van wie antwoord gaf", vec![share_cell(&useful, &answered)]),
            row("bounds", "7 of hoger, wat ook de anderen vinden", vec![bounds]),
        ],
    )
}

/// The shares of the national outcome set.
fn shares(making: &Making<'_>) -> Table {
    let printed = making.printed;
    let scored = match (printed.goals.cell(0, 0), printed.goals.cell(0, 1)) {
        (Ok(Value::Count(a)), Ok(Value::Count(b))) => Ok(Value::Count(a + b)),
        (Err(why), _) | (_, Err(why)) => Err(why),
        _ => Err(Absent::TooFew),
    };
    table(
        "national_set",
        "Landelijke set",
        &[("share", "deel")],
        vec![
            row(
                "drop_out",
                "1 uitval: eenzijdig beëindigd",
                vec![share_cell(&printed.one_sided.cell(0, 0), &printed.one_sided.total())],
            ),
            row(
                "without_help",
                "3.1 zonder hulp verder",
                vec![share_cell(&printed.help.cell(0, 0), &printed.help.total())],
            ),
            row(
                "goals",
                "3.4 doelen geheel of deels bereikt, van de besproken doelen",
                vec![share_cell(&printed.goals.cell(0, 0), &scored)],
            ),
        ],
    )
}

/// People are no children, but few of them are known to everybody.
fn rounded_people(n: u64) -> Value {
    if n < voordeur_outcome_statistics::disclosure::LEAST {
        Value::Few
    } else {
        Value::Count((n + 2) / 5 * 5)
    }
}

fn mean_of(sum: &Sum) -> Cell {
    if !carries_a_mean(sum.n) {
        return Cell::absent(Absent::TooFew);
    }
    #[expect(clippy::cast_precision_loss, reason = "sums of marks of 0-10")]
    let mean = sum.sum as f64 / sum.n as f64;
    Cell::plain(Value::Tenths(round(mean * 10.0))).of(rounded_people(sum.n))
}

/// The mean of people with its 95 % interval.
fn mean_cell(values: &[f64]) -> Cell {
    let n = u64::try_from(values.len()).unwrap_or(0);
    if !carries_a_mean(n) {
        return Cell::absent(Absent::TooFew);
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers of people")]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let margin = Confidence::NINETY_FIVE.z() * (variance / count).sqrt();
    let tenths = |value: f64| Value::Tenths(round(value * 10.0));
    Cell::plain(tenths(mean)).within(Some((tenths(mean - margin), tenths(mean + margin))))
}

/// A measure of agreement in hundredths.
pub(super) fn measure(pairs: u64, value: Option<f64>) -> Cell {
    if !carries_a_mean(pairs) {
        return Cell::absent(Absent::TooFew);
    }
    match value {
        Some(value) => Cell::plain(Value::Hundredths(round(value * 100.0))).of(rounded_people(pairs)),
        None => Cell::absent(Absent::NotComputable),
    }
}
