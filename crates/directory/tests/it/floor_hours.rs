//! Hours beschikkingsvrij that were agreed for a centre.

use voordeur_directory::{Difference, Directory, diff};

use crate::DEMO;

/// The demonstration without its hours, and with these lines instead.
fn with(lines: &str) -> String {
    let (before, _) = DEMO.split_once("[[beschikkingsvrije_ruimte]]").unwrap();
    format!("{before}{lines}")
}

fn faults(lines: &str) -> Vec<String> {
    let first = with("").lines().count();
    let faults = Directory::parse(&with(lines)).map(|_| ()).unwrap_err();
    let told = |f: &voordeur_directory::FileFault| format!("{} {} {}", f.line - first, f.path, f.reason);
    faults.iter().map(told).collect()
}

const YEAR: &str = "[[beschikkingsvrije_ruimte]]
centre = \"de-wilg\"
from = 2026-01-01
until = 2026-12-31
hours = 640
";

#[test]
fn hours_of_a_centre_are_found_in_order_and_printed_back() {
    let later = YEAR.replace("2026", "2027").replace("640", "720");
    let (directory, _) = Directory::parse(&with(&format!("{later}{YEAR}"))).unwrap();
    let hours: Vec<_> = directory.floor_hours_of("de-wilg").map(|h| (h.from.year(), h.hours)).collect();
    assert_eq!(hours, [(2026, 640), (2027, 720)]);
    assert_eq!(directory.floor_hours_of("de-els").count(), 0);
    let (again, _) = Directory::parse(&directory.to_toml()).unwrap();
    assert_eq!(again, directory);
    let (without, _) = Directory::parse(&with("")).unwrap();
    assert_eq!(without.floor_hours().count(), 0);
}

#[test]
fn a_change_of_hours_is_a_difference() {
    let read = |lines: &str| Directory::parse(&with(lines)).unwrap().0;
    let more = YEAR.replace("640", "700");
    assert_eq!(
        diff(&read(YEAR), &read(&more)),
        [Difference::Changed {
            path: "beschikkingsvrije_ruimte.de-wilg.2026-01-01".into(),
            from: "640 hours until 2026-12-31".into(),
            to: "700 hours until 2026-12-31".into(),
        }]
    );
}

#[test]
fn every_fault_is_found_at_its_line() {
    let wrong = [
        YEAR.replace("de-wilg", "de-els"),
        YEAR.replace("until = 2026-12-31", "until = 2025-12-31"),
        YEAR.replace("640", "0"),
        YEAR.replace("hours = 640\n", "uren = 640\n"),
    ];
    assert_eq!(
        faults(&wrong.concat()),
        [
            "2 beschikkingsvrije_ruimte[0].centre UNKNOWN_REFERENCE",
            "9 beschikkingsvrije_ruimte[1].until ENDS_BEFORE_START",
            "15 beschikkingsvrije_ruimte[2].hours OUT_OF_RANGE",
            "16 beschikkingsvrije_ruimte[3].hours REQUIRED",
            "20 beschikkingsvrije_ruimte[3].uren UNKNOWN_KEY",
        ]
    );
    assert_eq!(faults(&format!("{YEAR}{YEAR}")), ["6 beschikkingsvrije_ruimte[1] OVERLAP"]);
    assert_eq!(
        faults("beschikkingsvrije_ruimte = 3"),
        ["1 person.coach-de-wilg.beschikkingsvrije_ruimte UNKNOWN_KEY"],
        "it stands in the table before it"
    );
}
