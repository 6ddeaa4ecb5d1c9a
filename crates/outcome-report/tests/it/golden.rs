//! A rendered report with invented data, byte for byte.

use std::{fs, path::PathBuf};

use voordeur_outcome_report::{Publications, Report};

use crate::world::{ALL, DRAWS, FINAL, World, made};

/// A middling municipality.
pub(crate) const WORLD: World = World { seed: 2027, at_risk: 420, referred: [0.42, 0.40], unknown: 0.12 };

fn report() -> Report {
    made(&WORLD, &ALL, FINAL, None, &mut Publications::new(DRAWS)).0
}

/// Compares with the file in `tests/golden`; records it when that is asked for.
fn compare(name: &str, bytes: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("VOORDEUR_RECORD_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    let kept = fs::read_to_string(&path)
        .expect("VOORDEUR_RECORD_GOLDEN=1 cargo test -p voordeur-outcome-report records it");
    assert!(kept == bytes, "{name} is not what it was; look at the difference, then record it again");
}

#[test]
fn a_report_reads_as_it_did() {
    compare("report.txt", &report().to_text().unwrap());
    compare("report.json", &report().to_json().unwrap());
    let csv = report().to_csv().unwrap();
    assert!(csv.ends_with("\r\n") && csv.matches('\n').count() == csv.matches("\r\n").count());
    compare("report.csv", &csv.replace("\r\n", "\n"));
}
