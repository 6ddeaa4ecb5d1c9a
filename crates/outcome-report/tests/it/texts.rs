//! Every text of this crate, read for words that need more evidence. A word above its level fails the build here, also in a text that no
//! example renders.

use std::{fs, path::Path};

use voordeur_outcome_report::{
    Publications,
    lint::{Evidence, forbidden},
};

use crate::{
    golden::WORLD,
    world::{ALL, DRAWS, FINAL, World, made},
};

/// The texts in quotes of a file, without its tests, with the line of each.
fn texts(source: &str) -> Vec<(usize, String)> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let (mut texts, mut line, mut chars) = (Vec::new(), 1, source.chars().peekable());
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '/' if before == '/' => {
                // A comment.
                for c in chars.by_ref() {
                    if c == '\n' {
                        line += 1;
                        break;
                    }
                }
            }
            '\'' => {
                // A character, or a lifetime, which has no closing quote after one or two.
                let mut ahead = chars.clone();
                if ahead.next() == Some('\\') || ahead.next() == Some('\'') {
                    let escaped = chars.next() == Some('\\');
                    if escaped {
                        chars.next();
                    }
                    chars.next();
                }
            }
            '"' => {
                let (began, mut text) = (line, String::new());
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => match chars.next() {
                            // A text that goes on in the next line.
                            Some('\n') => {
                                line += 1;
                                while chars.peek().is_some_and(|c| *c == ' ') {
                                    chars.next();
                                }
                            }
                            Some(c) => text.push(c),
                            None => break,
                        },
                        c => {
                            line += usize::from(c == '\n');
                            text.push(c);
                        }
                    }
                }
                texts.push((began, text));
            }
            _ => {}
        }
        before = c;
    }
    texts
}

fn read(folder: &Path, found: &mut Vec<String>, count: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, found, count);
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // The words themselves stand in one file; another may compare two periods; tests print nothing.
        let evidence = match name.as_str() {
            "lint.rs" | "tests.rs" => continue,
            "comparison.rs" => Evidence::TwoPeriods,
            _ => Evidence::Cases,
        };
        for (line, text) in texts(&fs::read_to_string(&path).unwrap()) {
            *count += 1;
            found.extend(
                forbidden(&text, evidence).iter().map(|word| format!("{name}:{line}: {word}: {text}")),
            );
        }
    }
}

#[test]
fn no_text_in_the_source_uses_a_word_above_its_evidence() {
    let (mut found, mut count) = (Vec::new(), 0);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Titles and descriptions of plots are texts of a report too.
    for folder in ["src", "../../services/escalation/src/report"] {
        read(&here.join(folder), &mut found, &mut count);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(count > 400, "only {count} texts were found: the reader of the source is broken");
}

#[test]
fn the_reader_of_the_source_finds_texts_and_passes_comments_by() {
    let source = "// \"geen tekst\"\nfn a<'a>(c: char) { let x = 'x'; let q = '\"'; let t = \"dankzij \\\n   ons\"; }\n";
    assert_eq!(texts(source), [(2, "dankzij ons".to_owned())]);
}

#[test]
fn every_rendered_example_passes_its_own_level() {
    let small = World { at_risk: 24, ..WORLD };
    for (world, level) in [(WORLD, Evidence::TwoPeriods), (small, Evidence::Cases)] {
        let report = made(&world, &ALL, FINAL, None, &mut Publications::new(DRAWS)).0;
        assert_eq!(report.evidence, level);
        for text in [report.to_text(), report.to_json(), report.to_csv()] {
            assert_eq!(forbidden(&text.unwrap(), level), []);
        }
    }
}

#[test]
fn a_report_with_a_word_above_its_level_is_not_shown() {
    let mut report = made(&WORLD, &ALL, FINAL, None, &mut Publications::new(DRAWS)).0;
    report.sections[0].sentences.push("Dankzij ons werden 20 kinderen niet verwezen.".to_owned());
    for rendered in [report.to_text(), report.to_json()] {
        assert_eq!(rendered.unwrap_err().0[0].word, "dankzij");
    }
    report.sections[0].sentences.pop();
    report.evidence = Evidence::Cases;
    assert!(report.to_text().unwrap_err().0.iter().any(|found| found.word == "verschil"));
}

#[test]
fn what_centres_and_partners_are_called_is_theirs() {
    let mut report = made(&WORLD, &ALL, FINAL, None, &mut Publications::new(DRAWS)).0;
    report.question.subject.municipality = Some(("9999".to_owned(), "Succesdam".to_owned()));
    assert!(report.to_text().unwrap().contains("Succesdam"));
}
