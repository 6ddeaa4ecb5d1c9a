//! Good files, look-ups, differences, and printing.

use jiff::civil::date;
use proptest::prelude::*;
use voordeur_directory::{Directory, diff};
use voordeur_kernel::{
    Role, Timestamp,
    identifier::{Identifier, Scheme},
};

use crate::{DEMO, SAMPLE};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_samples_are_good_and_warn_only_of_the_invented_municipality() {
    for file in [SAMPLE, DEMO] {
        let (_, warnings) = Directory::parse_as_of(file, date(2026, 12, 1)).unwrap();
        assert_eq!(warnings.iter().map(|w| w.reason).collect::<Vec<_>>(), ["TEST_MUNICIPALITY"]);
    }
}

#[test]
fn everything_is_found_by_key_and_by_registration() {
    let (directory, _) = Directory::parse(SAMPLE).unwrap();
    let now = at("2026-12-01T10:00:00Z");
    let school = directory.organisation("basisschool-de-wilg").unwrap();
    assert!(school.allows_basis("toestemming") && !school.allows_basis("iets-anders"));
    assert!(school.aandachtsfunctionaris.is_some() && school.vertrouwensinspecteur.is_some());
    for (scheme, value) in [(Scheme::Brin6, "99XA00"), (Scheme::Lrk, "999990019"), (Scheme::Lrk, "999990020")]
    {
        let identifier = Identifier::parse(scheme, value).unwrap();
        let centre = directory.centre_by_registration(&identifier, now).unwrap();
        assert_eq!(centre.key.as_str(), "de-wilg");
        assert!(directory.centre_by_registration(&identifier, at("2024-07-31T12:00:00Z")).is_none());
    }
    let oin = Identifier::parse(Scheme::Oin, "00000099000000000002").unwrap();
    let organisation = directory.organisation_by_registration(&oin, now).unwrap();
    assert_eq!(organisation.key.as_str(), "kinderopvang-de-wilg");
    assert!(directory.is_known_lrk("999990019") && !directory.is_known_lrk("999990032"));
    assert_eq!(directory.group("de-wilg", "vossen").unwrap().organisation.as_str(), "kinderopvang-de-wilg");
    assert!(directory.group("de-wilg", "beren").is_none());
    let keys: Vec<_> = directory.professionals_at("de-wilg").map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["noor", "sam", "yasmina"]);
    assert_eq!(directory.coordinator_of("de-wilg").unwrap().key.as_str(), "marit");
    assert!(directory.works_at("noor", "de-wilg") && directory.works_at("marit", "de-wilg"));
    assert!(!directory.works_at("ib-de-wilg", "de-wilg"), "the intern begeleider holds no tasks");
    assert_eq!(directory.person("ib-de-wilg").unwrap().role, Role::InternBegeleider);
    assert!(directory.person("noor").unwrap().is_registered_on(date(2029, 12, 31)));
    assert!(!directory.person("noor").unwrap().is_registered_on(date(2030, 1, 1)));
}

#[test]
fn a_registration_ends_at_the_end_of_its_last_day_in_local_time() {
    let file = SAMPLE.replace(
        r#"value = "99XA00", from = 2024-08-01"#,
        r#"value = "99XA00", from = 2024-08-01, until = 2026-07-31"#,
    );
    let (directory, _) = Directory::parse(&file).unwrap();
    let brin = Identifier::parse(Scheme::Brin6, "99XA00").unwrap();
    // 23:59 and 00:00 in Amsterdam, in summer time.
    assert!(directory.centre_by_registration(&brin, at("2026-07-31T21:59:59Z")).is_some());
    assert!(directory.centre_by_registration(&brin, at("2026-07-31T22:00:00Z")).is_none());
}

#[test]
fn registrations_that_have_ended_are_warned_of_on_the_day() {
    let reasons = |day| {
        let (_, warnings) = Directory::parse_as_of(SAMPLE, day).unwrap();
        warnings.into_iter().filter(|w| w.reason == "ENDED").map(|w| w.path).collect::<Vec<_>>()
    };
    assert_eq!(reasons(date(2028, 6, 30)), [""; 0]);
    assert_eq!(reasons(date(2028, 7, 1)), ["person.sam.registration.valid_until"]);
}

#[test]
fn differences_read_as_lines_and_never_show_a_name() {
    let (old, _) = Directory::parse(SAMPLE).unwrap();
    let changed = SAMPLE
        .replace(r#"label = "Noor""#, r#"label = "Noortje""#)
        .replace(r#"expertise = ["GEDRAG", "EMOTIE_TERUGTREKKEND", "SOCIAAL"]"#, r#"expertise = ["GEDRAG"]"#)
        .replace(r#"days = ["wo"], from = "12:30""#, r#"days = ["wo"], from = "13:00""#)
        .replace("[centre.de-wilg.group.egels]", "[centre.de-wilg.group.dassen]");
    let (new, _) = Directory::parse(&changed).unwrap();
    let lines: Vec<_> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "+ centre.de-wilg.group.dassen.label: De Egels (0-2 jaar)",
            "+ centre.de-wilg.group.dassen.organisation: kinderopvang-de-wilg",
            "- centre.de-wilg.group.egels.label: De Egels (0-2 jaar)",
            "- centre.de-wilg.group.egels.organisation: kinderopvang-de-wilg",
            "~ person.noor.expertise: GEDRAG, EMOTIE_TERUGTREKKEND, SOCIAAL -> GEDRAG",
            "~ person.noor.label",
            "~ person.yasmina.presence.de-wilg: ma 09:00-18:15, di 12:30-18:15 (from 2028-08-01), wo 12:30-18:15 (until 2028-07-31), do 09:00-18:15, vr 09:00-18:15 -> \
             ma 09:00-18:15, di 12:30-18:15 (from 2028-08-01), wo 13:00-18:15 (until 2028-07-31), do 09:00-18:15, vr 09:00-18:15",
        ]
    );
    assert_eq!(diff(&old, &old), []);
}

#[test]
fn what_is_printed_reads_back_as_the_same_directory() {
    for file in [SAMPLE, DEMO] {
        let (directory, _) = Directory::parse(file).unwrap();
        let printed = directory.to_toml();
        let (again, _) = Directory::parse(&printed).unwrap();
        assert_eq!(again, directory);
        assert_eq!(again.to_toml(), printed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_labels_and_any_week_read_back_as_they_were_printed(
        label in "[^\\p{C}]{1,40}",
        desk in "[a-z\"\\\\\n\té€ ]{0,40}",
        from in 0_u16..1439,
        length in 1_u16..1440,
        day in 0_usize..7,
    ) {
        prop_assume!(!label.trim().is_empty());
        let until = (from + length).min(1440);
        let clock = |m: u16| format!("{:02}:{:02}", m / 60, m % 60);
        let quote = |t: &str| t.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
        let days = ["ma", "di", "wo", "do", "vr", "za", "zo"];
        let desk_line = if desk.trim().is_empty() { String::new() } else { format!("desk = \"{}\"\n", quote(&desk)) };
        let file = DEMO.replace("label = \"Noor\"\n", &format!("label = \"{}\"\n{desk_line}", quote(&label))).replacen(
            r#"centre = "de-wilg", days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00""#,
            &format!(r#"centre = "de-wilg", days = ["{}"], from = "{}", until = "{}""#, days[day], clock(from), clock(until)),
            1,
        );
        let (directory, _) = Directory::parse(&file).map_err(|faults| TestCaseError::fail(format!("{faults:?}")))?;
        prop_assert_eq!(&directory.person("noor").unwrap().label, label.trim());
        let (again, _) = Directory::parse(&directory.to_toml()).map_err(|f| TestCaseError::fail(format!("{f:?}")))?;
        prop_assert_eq!(again, directory);
    }

    #[test]
    fn any_text_is_a_directory_or_a_list_of_faults(text in "(\\PC|\n|=|\\[|\\]|\"){0,200}") {
        if let Err(faults) = Directory::parse(&text) {
            let lines = text.lines().count().max(1) + 1;
            prop_assert!(!faults.is_empty() && faults.iter().all(|fault| fault.line >= 1 && fault.line <= lines));
        }
    }

    #[test]
    fn a_sample_with_a_piece_cut_out_never_panics(start in 0_usize..SAMPLE.len(), length in 1_usize..400) {
        let end = (start + length).min(SAMPLE.len());
        prop_assume!(SAMPLE.is_char_boundary(start) && SAMPLE.is_char_boundary(end));
        let cut = format!("{}{}", &SAMPLE[..start], &SAMPLE[end..]);
        if let Err(faults) = Directory::parse(&cut) {
            prop_assert!(!faults.is_empty());
        }
    }
}
