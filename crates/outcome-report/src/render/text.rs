//! For a terminal.

use super::{day, shown};
use crate::{
    lint::Evidence,
    model::{Report, Table},
    question::Status,
};

/// Columns of a line.
const WIDTH: usize = 100;
/// A column of a table is at most so wide; what is longer goes on below.
const COLUMN_MAX: usize = 26;
/// The same where there are only one or two.
const WIDE_COLUMN_MAX: usize = 40;
/// The first column of a table.
const LABEL_MAX: usize = 44;

pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    head(report, &mut out);
    for (number, section) in (1..).zip(&report.sections) {
        out.push_str(&format!(
            "\n{number}. {}\n{}\n",
            section.title,
            "=".repeat(3 + section.title.chars().count())
        ));
        for sentence in &section.sentences {
            paragraph(sentence, &mut out);
        }
        for shown in &section.tables {
            table(shown, &mut out);
        }
    }
    changes(report, &mut out);
    foot(report, &mut out);
    out
}

fn head(report: &Report, out: &mut String) {
    let question = &report.question;
    let whom = match &question.subject.municipality {
        Some((code, name)) => {
            format!("Gemeente {name} ({code}), {} kindcentra", question.subject.centres.len())
        }
        None => question.subject.centres.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", "),
    };
    out.push_str("AFSPRAKEN EN UITKOMSTEN\n");
    paragraph(&whom, out);
    let status = match report.status {
        Status::Running => format!(
            "TUSSENSTAND, alleen voor het team. Voorlopig op {}, definitief op {}.",
            day(Status::provisional_from(&question.period)),
            day(Status::final_from(&question.period)),
        ),
        Status::Provisional => {
            format!("VOORLOPIG. Definitief vanaf {}.", day(Status::final_from(&question.period)))
        }
        Status::Final => "DEFINITIEF.".to_owned(),
    };
    for line in [
        format!("Inschattingen van {} t/m {}.", day(question.period.from()), day(question.period.until())),
        format!("Wat bekend was op {}.", day(question.known_on)),
        status,
        format!(
            "Regels: {} (wat telt), {} (wat we tonen). Bewijsniveau {}: {}",
            question.ruleset,
            report.disclosure,
            report.evidence.level(),
            match report.evidence {
                Evidence::Cases => "aantallen kinderen.",
                Evidence::TwoPeriods => "twee periodes naast elkaar.",
                Evidence::Comparison => "met kindcentra om mee te vergelijken.",
            }
        ),
    ] {
        paragraph(&line, out);
    }
}

fn foot(report: &Report, out: &mut String) {
    out.push_str("\nHoe we tellen\n=============\n");
    for line in [
        "'<10' is 0 tot en met 9. Een punt staat voor 10 of hoger dat we niet tonen, omdat een ander getal anders te herleiden is. \
         Andere aantallen zijn afgerond op een veelvoud van 5, omhoog of omlaag; optellingen kloppen daardoor niet precies.",
        "'Tussen' geeft aan waar het echte cijfer waarschijnlijk ligt (95%).",
        "Niets in dit rapport gaat over één medewerker, en kindcentra staan niet op volgorde.",
    ] {
        paragraph(line, out);
    }
    if report.status == Status::Running {
        paragraph("Dit is een tussenstand: een deel van de kinderen wordt nog gevolgd.", out);
    }
}

fn changes(report: &Report, out: &mut String) {
    const TITLE: &str = "Wat is anders sinds de vorige publicatie?";
    out.push_str(&format!("\n{TITLE}\n{}\n", "=".repeat(TITLE.len())));
    let Some(changes) = &report.changes else {
        paragraph("Over deze kindcentra en deze periode is niet eerder gepubliceerd.", out);
        return;
    };
    paragraph(
        &format!("Vorige publicatie: {}, met wat bekend was op {}.", changes.status, day(changes.known_on)),
        out,
    );
    if let Some(ruleset) = &changes.other_ruleset {
        paragraph(&format!("Die volgde andere regels ({ruleset}): de cijfers zijn niet vergelijkbaar."), out);
    }
    if changes.figures.is_empty() {
        paragraph("Geen enkel cijfer is anders.", out);
    }
    for figure in &changes.figures {
        let or_none =
            |text: &str| if text.is_empty() { "(stond er niet)".to_owned() } else { text.to_owned() };
        out.push_str(&format!("  {}: {} -> {}\n", figure.path, or_none(&figure.was), or_none(&figure.is)));
    }
}

/// Words in lines of at most the width.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let taken = line.chars().count();
        if taken > 0 && taken + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if taken > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn paragraph(text: &str, out: &mut String) {
    for line in wrapped(text, WIDTH) {
        out.push_str(&line);
        out.push('\n');
    }
}

fn table(table: &Table, out: &mut String) {
    out.push('\n');
    paragraph(&table.title, out);
    let with_n = |cell: &crate::model::Cell| match &cell.n {
        Some(n) => format!("{}, n={}", shown(cell), super::value(n)),
        None => shown(cell),
    };
    let column_max = if table.columns.len() <= 2 { WIDE_COLUMN_MAX } else { COLUMN_MAX };
    let head: Vec<Vec<String>> = std::iter::once(vec![String::new()])
        .chain(table.columns.iter().map(|(_, label)| wrapped(label, column_max)))
        .collect();
    let rows: Vec<Vec<Vec<String>>> = table
        .rows
        .iter()
        .map(|row| {
            std::iter::once(wrapped(&row.label, LABEL_MAX))
                .chain(row.cells.iter().map(|cell| wrapped(&with_n(cell), column_max)))
                .collect()
        })
        .collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|place| {
            std::iter::once(&head)
                .chain(&rows)
                .filter_map(|row| row.get(place))
                .flatten()
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    if table.columns.iter().any(|(_, label)| !label.is_empty()) {
        lines(&head, &widths, out);
    }
    for row in &rows {
        lines(row, &widths, out);
    }
    for note in &table.notes {
        for line in wrapped(note, WIDTH - 2) {
            out.push_str(&format!("  {line}\n"));
        }
    }
}

fn lines(cells: &[Vec<String>], widths: &[usize], out: &mut String) {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..height {
        let line: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{:<width$}", cell.get(at).map_or("", String::as_str)))
            .collect();
        out.push_str("  ");
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
}
