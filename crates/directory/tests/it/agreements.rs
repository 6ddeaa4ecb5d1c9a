//! What partners agreed to work towards.

use voordeur_directory::{Directory, FileFault, diff};

use crate::SAMPLE;

/// The sample without its agreements, and with these lines instead.
fn with(lines: &str) -> String {
    let (before, _) = SAMPLE.split_once("[[resultaatafspraak]]").unwrap();
    format!("{before}{lines}")
}

const LATE: &str = "[[resultaatafspraak]]
key = \"late\"
partners = [\"gemeente-wilgenmeer\", \"jeugdhulp-de-brug\"]
centres = [\"de-wilg\"]
indicator = \"late-vragen\"
start = 3.5
ambition = 2
hours = 640
review_on = 2028-06-01
";

#[test]
fn agreements_are_read_in_order_of_key_and_printed_back() {
    let early = LATE
        .replace("\"late\"", "\"contact\"")
        .replace("late-vragen", "contact-binnen-5-dagen")
        .replace("hours = 640\n", "");
    let (directory, _) = Directory::parse(&with(&format!("{LATE}{early}"))).unwrap();
    let read: Vec<_> = directory
        .agreements()
        .map(|a| (a.key.as_str(), a.indicator, a.start, a.ambition, a.hours, a.partners.len()))
        .collect();
    assert_eq!(
        read,
        [
            ("contact", "contact-binnen-5-dagen", 35, 20, None, 2),
            ("late", "late-vragen", 35, 20, Some(640), 2)
        ]
    );
    let (again, _) = Directory::parse(&directory.to_toml()).unwrap();
    assert_eq!(again, directory);
}

#[test]
fn a_change_is_a_difference_that_can_be_read() {
    let read = |lines: &str| Directory::parse(&with(lines)).unwrap().0;
    let lines: Vec<_> = diff(&read(LATE), &read(&LATE.replace("ambition = 2", "ambition = 1.5")))
        .iter()
        .map(ToString::to_string)
        .collect();
    let said = |ambition| {
        format!(
            "late-vragen from 3.5 to {ambition}, 640 hours a year, review 2028-06-01; de-wilg; by gemeente-wilgenmeer, jeugdhulp-de-brug"
        )
    };
    assert_eq!(lines, [format!("~ resultaatafspraak.late: {} -> {}", said("2.0"), said("1.5"))]);
}

#[test]
fn every_fault_is_found_at_its_line() {
    let wrong = [
        LATE.replace("\"late\"", "\"een\"").replace("late-vragen", "iets-anders"),
        LATE.replace("\"late\"", "\"twee\"").replace("3.5", "3.55").replace("\"de-wilg\"", "\"de-els\""),
        LATE.replace("\"late\"", "\"drie\"")
            .replace("\"gemeente-wilgenmeer\"", "\"gemeente-elders\"")
            .replace("= 2\n", "= \"2\"\n"),
        LATE.replace("\"late\"", "\"vier\"").replace("[\"de-wilg\"]", "[]"),
        LATE.replace("\"late\"", "\"vijf\"").replace("review_on", "herzien_op"),
    ];
    let first = with("").lines().count();
    let told = |f: &FileFault| {
        format!("{} {} {}", f.line - first, f.path.trim_start_matches("resultaatafspraak"), f.reason)
    };
    let found: Vec<_> = Directory::parse(&with(&wrong.concat())).unwrap_err().iter().map(told).collect();
    assert_eq!(
        found,
        [
            "5 [0].indicator UNKNOWN_WORD",
            "15 [1].start NO_NUMBER",
            "25 [2].ambition NO_NUMBER",
            "31 [3].centres REQUIRED",
            "37 [4].review_on REQUIRED",
            "45 [4].herzien_op UNKNOWN_KEY",
        ]
    );
    let twice: Vec<_> =
        Directory::parse(&with(&format!("{LATE}{LATE}"))).unwrap_err().iter().map(told).collect();
    assert_eq!(twice, ["11 [1].key DUPLICATE"]);
    let strangers =
        LATE.replace("gemeente-wilgenmeer", "gemeente-elders").replace("\"de-wilg\"", "\"de-els\"");
    let strangers: Vec<_> = Directory::parse(&with(&strangers)).unwrap_err().iter().map(told).collect();
    assert_eq!(strangers, ["3 [0].partners UNKNOWN_REFERENCE", "4 [0].centres UNKNOWN_REFERENCE"]);
}
