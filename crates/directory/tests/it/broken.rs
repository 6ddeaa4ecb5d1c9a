//! Broken files: every fault at once, each at its line.

use voordeur_directory::Directory;

/// A small good file; the tests break it line by line.
const GOOD: &str = r#"format = 1
[organisation.school]
kind = "school"
label = "School"
registrations = [{ scheme = "BRIN4", value = "99XA" }]
processing_bases = ["toestemming"]
aandachtsfunctionaris = "toestel 1"
vertrouwensinspecteur = "0900"
[organisation.brug]
kind = "youth_care_provider"
label = "De Brug"
[organisation.gemeente]
kind = "municipality"
label = "Gemeente"
[centre.wilg]
label = "De Wilg"
municipality = "0363"
holiday_region = "noord"
organisations = ["school", "brug"]
registrations = [
  { scheme = "BRIN6", value = "99XA00", from = 2024-08-01 },
  { scheme = "LRK", value = "999990019", opvang = "KDV" },
]
[centre.wilg.group.groep-1]
label = "Groep 1"
organisation = "school"
[person.noor]
label = "Noor"
organisation = "brug"
role = "professional"
registration = { scheme = "SKJ", value = "990000001", valid_until = 2030-01-01 }
expertise = ["GEDRAG"]
hours_per_week = 24
centres = ["wilg"]
presence = [
  { centre = "wilg", days = ["ma", "di", "wo", "do", "vr"], from = "08:30", until = "17:00" },
]
[person.marit]
label = "Marit"
organisation = "brug"
role = "coordinator"
centres = ["wilg"]
"#;

fn faults(file: &str) -> Vec<String> {
    match Directory::parse(file) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|f| format!("{} {} {}", f.line, f.path, f.reason)).collect(),
    }
}

/// Replaces line `number` (from 1).
fn with_line(number: usize, line: &str) -> String {
    let mut lines: Vec<&str> = GOOD.lines().collect();
    lines[number - 1] = line;
    lines.join("\n") + "\n"
}

#[test]
fn the_small_file_is_good() {
    assert_eq!(faults(GOOD), [""; 0]);
    assert_eq!(Directory::parse(GOOD).unwrap().1, []);
}

#[test]
fn each_fault_is_reported_at_its_line() {
    let table: &[(usize, &str, &[&str])] = &[
        (1, "format = 2", &["1 format OUT_OF_RANGE"]),
        (1, "", &["1 format REQUIRED"]),
        (
            2,
            "[organisation.School]",
            &[
                "2 organisation.School BAD_KEY",
                "19 centre.wilg.organisations[0] UNKNOWN_REFERENCE",
                "26 centre.wilg.group.groep-1.organisation UNKNOWN_REFERENCE",
            ],
        ),
        (3, r#"kind = "schol""#, &["3 organisation.school.kind UNKNOWN_WORD"]),
        (3, r#"kind = "municipality""#, &["26 centre.wilg.group.groep-1.organisation WRONG_KIND"]),
        (4, "label = 12", &["4 organisation.school.label WRONG_TYPE"]),
        (4, r#"label = "  ""#, &["4 organisation.school.label REQUIRED"]),
        (
            4,
            r#"lable = "School""#,
            &["2 organisation.school.label REQUIRED", "4 organisation.school.lable UNKNOWN_KEY"],
        ),
        (
            5,
            r#"registrations = [{ scheme = "BRIN4", value = "99xa" }]"#,
            &["5 organisation.school.registrations[0].value BAD_IDENTIFIER"],
        ),
        (
            5,
            r#"registrations = [{ scheme = "LRK", value = "999990019" }]"#,
            &["5 organisation.school.registrations[0].scheme UNKNOWN_WORD"],
        ),
        (
            5,
            r#"registrations = [{ scheme = "BRIN4" }, 7]"#,
            &[
                "5 organisation.school.registrations[0].value REQUIRED",
                "5 organisation.school.registrations[1] WRONG_TYPE",
            ],
        ),
        (6, r#"processing_bases = ["Toestemming!"]"#, &["6 organisation.school.processing_bases[0] BAD_KEY"]),
        (7, "", &["2 organisation.school.aandachtsfunctionaris REQUIRED"]),
        (17, r#"municipality = "0001""#, &["17 centre.wilg.municipality UNKNOWN_MUNICIPALITY"]),
        (17, r#"municipality = "363""#, &["17 centre.wilg.municipality BAD_IDENTIFIER"]),
        (18, r#"holiday_region = "oost""#, &["18 centre.wilg.holiday_region UNKNOWN_WORD"]),
        (
            19,
            r#"organisations = ["school", "brug", "school", "bad"]"#,
            &[
                "19 centre.wilg.organisations[2] DUPLICATE",
                "19 centre.wilg.organisations[3] UNKNOWN_REFERENCE",
            ],
        ),
        (
            19,
            "organisations = []",
            &[
                "19 centre.wilg.organisations REQUIRED",
                "26 centre.wilg.group.groep-1.organisation NOT_TAKING_PART",
                "34 person.noor.centres[0] NOT_TAKING_PART",
                "42 person.marit.centres[0] NOT_TAKING_PART",
            ],
        ),
        (
            21,
            r#"  { scheme = "BRIN6", value = "99XA00", from = "2024-08-01" },"#,
            &["21 centre.wilg.registrations[0].from WRONG_TYPE"],
        ),
        (
            21,
            r#"  { scheme = "BRIN6", value = "99XA00", from = 2024-08-01, until = 2024-07-31 },"#,
            &["21 centre.wilg.registrations[0].until ENDS_BEFORE_START"],
        ),
        (
            21,
            r#"  { scheme = "BRIN6", value = "99XA00", opvang = "KDV" },"#,
            &["21 centre.wilg.registrations[0].opvang NOT_HERE"],
        ),
        (
            21,
            r#"  { scheme = "LRK", value = "999990019", until = 2025-01-01 },"#,
            &["22 centre.wilg.registrations[1] REGISTERED_TWICE"],
        ),
        (26, r#"organisation = "brug""#, &["26 centre.wilg.group.groep-1.organisation WRONG_KIND"]),
        (
            29,
            r#"organisation = "gemeente""#,
            &["29 person.noor.organisation WRONG_EMPLOYER", "34 person.noor.centres[0] NOT_TAKING_PART"],
        ),
        (29, r#"organisation = "niemand""#, &["29 person.noor.organisation UNKNOWN_REFERENCE"]),
        (30, r#"role = "baas""#, &["30 person.noor.role UNKNOWN_WORD"]),
        (31, "", &["27 person.noor.registration REQUIRED"]),
        (
            31,
            r#"registration = { scheme = "KVK", value = "1" }"#,
            &["31 person.noor.registration.scheme UNKNOWN_WORD"],
        ),
        (
            31,
            r#"registration = { scheme = "SKJ", value = "1", valid_until = 2030-01-01T00:00:00Z }"#,
            &[
                "31 person.noor.registration.valid_until WRONG_TYPE",
                "31 person.noor.registration.value BAD_IDENTIFIER",
            ],
        ),
        (
            32,
            r#"expertise = ["GEDRAG", "HOUDING", "GEDRAG"]"#,
            &["32 person.noor.expertise[1] UNKNOWN_WORD", "32 person.noor.expertise[2] DUPLICATE"],
        ),
        (33, "hours_per_week = 24\nmax_open_tasks = 0", &["34 person.noor.max_open_tasks OUT_OF_RANGE"]),
        (33, "hours_per_week = 61", &["33 person.noor.hours_per_week OUT_OF_RANGE"]),
        (33, "hours_per_week = -1", &["33 person.noor.hours_per_week OUT_OF_RANGE"]),
        (
            34,
            r#"centres = ["eik"]"#,
            &[
                "34 person.noor.centres[0] UNKNOWN_REFERENCE",
                "36 person.noor.presence[0].centre NOT_HER_CENTRE",
            ],
        ),
        (
            36,
            r#"  { centre = "wilg", days = ["ma"], from = "8:30", until = "24:01" },"#,
            &["36 person.noor.presence[0].from BAD_TIME", "36 person.noor.presence[0].until BAD_TIME"],
        ),
        (
            36,
            r#"  { centre = "wilg", days = ["ma"], from = "17:00", until = "08:00" },"#,
            &["36 person.noor.presence[0].until ENDS_BEFORE_START"],
        ),
        (
            36,
            r#"  { centre = "wilg", days = ["ma", "maandag"], from = "08:00", until = "12:00" }, { centre = "wilg", days = ["ma"], from = "11:59", until = "13:00" },"#,
            &[
                "36 person.noor.presence[0].days[1] UNKNOWN_WORD",
                "36 person.noor.presence[1].days[0] OVERLAP",
            ],
        ),
        (41, r#"role = "jgz""#, &["15 centre.wilg NO_COORDINATOR"]),
        (
            40,
            r#"organisation = "gemeente""#,
            &["40 person.marit.organisation WRONG_EMPLOYER", "42 person.marit.centres[0] NOT_TAKING_PART"],
        ),
    ];
    let differing: Vec<_> = table
        .iter()
        .map(|(number, line, expected)| {
            (format!("{number}: {line}"), faults(&with_line(*number, line)), expected)
        })
        .filter(|(_, found, expected)| found != *expected)
        .collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn many_faults_come_at_once_in_order_of_line() {
    let file = GOOD
        .replace("\"school\"\nlabel", "\"winkel\"\nlabel")
        .replace("\"0363\"", "\"0000\"")
        .replace("\"GEDRAG\"", "\"GEDOE\"")
        .replace("role = \"coordinator\"", "role = \"coordinator\"\ncolour = \"blue\"");
    assert_eq!(
        faults(&file),
        [
            "3 organisation.school.kind UNKNOWN_WORD",
            "17 centre.wilg.municipality UNKNOWN_MUNICIPALITY",
            "32 person.noor.expertise[0] UNKNOWN_WORD",
            "42 person.marit.colour UNKNOWN_KEY",
        ]
    );
}

#[test]
fn a_number_that_moved_is_no_duplicate_and_one_that_did_not_is() {
    let second = r#"
[centre.eik]
label = "De Eik"
municipality = "0363"
holiday_region = "noord"
organisations = ["brug"]
registrations = [{ scheme = "LRK", value = "999990019", from = 2025-01-02 }]
[person.eva]
label = "Eva"
organisation = "brug"
role = "coordinator"
centres = ["eik"]
"#;
    let ended = GOOD.replace(r#"opvang = "KDV" }"#, r#"opvang = "KDV", until = 2025-01-01 }"#);
    assert_eq!(faults(&format!("{ended}{second}")), [""; 0]);
    assert_eq!(faults(&format!("{GOOD}{second}")), ["22 centre.wilg.registrations[1] REGISTERED_TWICE"]);
}

#[test]
fn two_people_never_share_a_registration() {
    let file = format!("{GOOD}registration = {{ scheme = \"SKJ\", value = \"990000001\" }}\n");
    assert_eq!(faults(&file), ["31 person.noor.registration REGISTERED_TWICE"]);
}

#[test]
fn an_unusual_childcare_number_and_a_lonely_professional_are_warnings() {
    let file = GOOD
        .replace("999990019", "999990018")
        .replace(r#"days = ["ma", "di", "wo", "do", "vr"]"#, "days = []");
    let (_, warnings) = Directory::parse(&file).unwrap();
    let found: Vec<_> = warnings.iter().map(|w| (w.line, w.path.as_str(), w.reason)).collect();
    assert_eq!(
        found,
        [(22, "centre.wilg.registrations[1].value", "UNUSUAL_LRK"), (27, "person.noor", "NO_PRESENCE")]
    );
}

#[test]
fn broken_syntax_is_reported_with_the_faults_that_do_not_follow_from_it() {
    let file = with_line(4, "label = ").replace("\"GEDRAG\"", "\"GEDOE\"");
    let found = faults(&file);
    assert!(found.contains(&"4 file SYNTAX".to_owned()), "{found:?}");
    assert!(found.contains(&"32 person.noor.expertise[0] UNKNOWN_WORD".to_owned()), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_table_that_stands_twice_is_reported_where_it_comes_again() {
    let found = faults(&format!("{GOOD}[person.noor]\nlabel = \"Nog een\"\n"));
    assert_eq!(found, ["43 file SYNTAX", "44 file SYNTAX"]);
}

#[test]
fn a_file_of_the_wrong_kind_is_a_list_of_faults_and_not_a_panic() {
    assert_eq!(faults(""), ["1 format REQUIRED"]);
    assert_eq!(
        faults("format = 1\nperson = 3\ncentre = []\n"),
        ["2 person WRONG_TYPE", "3 centre WRONG_TYPE"]
    );
    assert_eq!(faults("format = 1\n[person]\nnoor = 3\n"), ["3 person.noor WRONG_TYPE"]);
}
