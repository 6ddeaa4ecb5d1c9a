//! JSON, written by hand: this crate knows no wire format, and the order of keys is part of the contract.

use std::fmt::Write as _;

use super::{decimal, shown};
use crate::model::{Cell, Report, Section, Table, Value};

/// Version of the layout of the document.
const FORMAT: u32 = 1;

pub(super) fn json(report: &Report) -> String {
    let mut out = Out::default();
    out.object(|out| {
        out.key("format").raw(&FORMAT.to_string());
        out.key("ruleset").text(&report.question.ruleset);
        out.key("disclosure_rules").text(report.disclosure);
        out.key("status").text(report.status.name());
        out.key("evidence_level").raw(&report.evidence.level().to_string());
        out.key("period_from").text(&report.question.period.from().to_string());
        out.key("period_until").text(&report.question.period.until().to_string());
        out.key("known_on").text(&report.question.known_on.to_string());
        out.key("directory_version").raw(&report.question.directory_version.to_string());
        match &report.question.subject.municipality {
            Some((code, name)) => out.key("municipality").object(|out| {
                out.key("code").text(code);
                out.key("name").text(name);
            }),
            None => out.key("municipality").raw("null"),
        }
        out.key("centres").array(&report.question.subject.centres, |out, (key, name)| {
            out.object(|out| {
                out.key("key").text(key);
                out.key("name").text(name);
            });
        });
        out.key("sections").array(&report.sections, section);
        match &report.changes {
            None => out.key("changes").raw("null"),
            Some(changes) => out.key("changes").object(|out| {
                out.key("since_known_on").text(&changes.known_on.to_string());
                out.key("since_status").text(&changes.status);
                match &changes.other_ruleset {
                    Some(ruleset) => out.key("since_ruleset").text(ruleset),
                    None => out.key("since_ruleset").raw("null"),
                }
                out.key("figures").array(&changes.figures, |out, figure| {
                    out.object(|out| {
                        out.key("path").text(&figure.path);
                        out.key("was").text(&figure.was);
                        out.key("is").text(&figure.is);
                    });
                });
            }),
        }
    });
    let mut text = out.0;
    text.push('\n');
    text
}

fn section(out: &mut Out, section: &Section) {
    out.object(|out| {
        out.key("key").text(section.key);
        out.key("title").text(&section.title);
        out.key("sentences").array(&section.sentences, |out, sentence| out.text(sentence));
        out.key("tables").array(&section.tables, table);
    });
}

fn table(out: &mut Out, table: &Table) {
    out.object(|out| {
        out.key("key").text(table.key);
        out.key("title").text(&table.title);
        out.key("columns").array(&table.columns, |out, (key, label)| {
            out.object(|out| {
                out.key("key").text(key);
                out.key("label").text(label);
            });
        });
        out.key("rows").array(&table.rows, |out, row| {
            out.object(|out| {
                out.key("key").text(&row.key);
                out.key("label").text(&row.label);
                out.key("cells").array(&row.cells, cell);
            });
        });
        out.key("notes").array(&table.notes, |out, note| out.text(note));
    });
}

fn cell(out: &mut Out, cell: &Cell) {
    out.object(|out| {
        match &cell.value {
            Ok(found) => out.key("value").value(found),
            Err(why) => {
                out.key("value").raw("null");
                out.key("absent").text(why.name());
            }
        }
        if let Some((low, high)) = &cell.between {
            out.key("low").value(low);
            out.key("high").value(high);
        }
        if let Some(n) = &cell.n {
            out.key("n").value(n);
        }
        out.key("shown").text(&shown(cell));
    });
}

/// JSON with an indent of one space for each level.
#[derive(Default)]
struct Out(String, Vec<bool>);

impl Out {
    fn new_item(&mut self) {
        if let Some(first) = self.1.last_mut() {
            if !std::mem::replace(first, false) {
                self.0.push(',');
            }
            self.0.push('\n');
            let depth = self.1.len();
            self.0.extend(std::iter::repeat_n(' ', depth));
        }
    }

    fn key(&mut self, key: &str) -> &mut Self {
        self.new_item();
        self.text(key);
        self.0.push_str(": ");
        self
    }

    fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Count(count) => self.raw(&count.to_string()),
            Value::Percent(percent) => self.raw(&percent.to_string()),
            Value::Tenths(tenths) => self.raw(&decimal(*tenths, 10, '.')),
            Value::Hundredths(hundredths) => self.raw(&decimal(*hundredths, 100, '.')),
            Value::Few => self.text("<10"),
            Value::Hidden => self.text("."),
            Value::Percent90OrMore => self.text(">=90"),
            Value::Day(day) => self.text(&day.to_string()),
            Value::Words(words) => self.text(words),
        }
    }

    fn text(&mut self, text: &str) {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                c if u32::from(c) < 0x20 => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }

    fn close(&mut self, end: char) {
        let empty = self.1.pop().unwrap_or(true);
        if !empty {
            self.0.push('\n');
            let depth = self.1.len();
            self.0.extend(std::iter::repeat_n(' ', depth));
        }
        self.0.push(end);
    }

    fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.0.push('{');
        self.1.push(true);
        fill(self);
        self.close('}');
    }

    fn array<T>(&mut self, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.0.push('[');
        self.1.push(true);
        for item in items {
            self.new_item();
            each(self, item);
        }
        self.close(']');
    }
}
