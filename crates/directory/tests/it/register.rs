//! Registers of the country beside a directory. Every name and number is invented.

use jiff::civil::date;
use proptest::prelude::*;
use voordeur_directory::{
    Directory,
    register::{Register, Review, Unreadable, review},
};

use crate::SAMPLE;

/// The sample in Amsterdam.
fn directory() -> Directory {
    let file = SAMPLE.replace("\"9999\"", "\"0363\"");
    Directory::parse(&file).unwrap().0
}

const HEADING: &str = "lrk_id;type_oko;actuele_naam_oko;status;inschrijfdatum;uitschrijfdatum;opvanglocatie_adres;opvanglocatie_postcode;\
    opvanglocatie_woonplaats;aantal_kindplaatsen;kvk_nummer_houder;vestigingsnummer_houder;rechtsvorm_houder;verantwoordelijke_gemeente;lrk_url;bag_id";

/// Both registrations of the sample as they should be.
const GOOD: &str =
    "999990019;KDV;De Wilg;Ingeschreven;01-08-2024;;Wilgenlaan 1;1999 AB;Wilgenmeer;40;90000002;;;Amsterdam;;
999990020;BSO;BSO De Wilg;Ingeschreven;01-08-2024;;Wilgenlaan 1;1999AB;Wilgenmeer;60;90000002;;;Amsterdam;;";

fn lrk(rows: &str) -> Review {
    review(Register::Lrk, format!("{HEADING}\r\n{rows}\r\n").as_bytes(), &directory(), date(2026, 11, 24))
        .unwrap()
}

fn duo(file: &str) -> Review {
    review(Register::Duo, file.as_bytes(), &directory(), date(2026, 11, 24)).unwrap()
}

fn remarks(review: &Review) -> Vec<(Option<u64>, &'static str)> {
    review.remarks.iter().map(|remark| (remark.line, remark.code)).collect()
}

fn lines(review: &Review) -> Vec<(&'static str, &str)> {
    review.proposals.iter().map(|p| (p.change.name(), p.toml.as_str())).collect()
}

#[test]
fn a_register_that_agrees_leaves_nothing_to_do() {
    let review = lrk(GOOD);
    assert!(review.is_empty() && review.odd.is_empty(), "{review:?}");
    assert_eq!(review.rows, 2);
}

#[test]
fn a_new_registration_is_found_by_its_address_or_by_postcode_and_holder() {
    let more = [
        // The same address and holder; another spelling of the address.
        "999990032;KDV;De Wilgjes;Ingeschreven;2026-01-01;;wilgenlaan  1;1999AB;Wilgenmeer;12;90000002;;;Amsterdam;;",
        // The postcode of the centre and a holder that takes part.
        "999990044;BSO;De Bosrand;Ingeschreven;2026-02-01;;Wilgenlaan 9;1999AB;Wilgenmeer;12;90000002;;;Amsterdam;;",
        // The address, and a stranger.
        "999990056;BSO;\"De \"\"andere\"\"; BSO\";Ingeschreven;2026-03-01;;Wilgenlaan 1;1999AB;Wilgenmeer;12;90000099;;;Amsterdam;;",
        // The postcode, and a stranger: nothing to do with the centre.
        "999990068;BSO;Verderop;Ingeschreven;;;Wilgenlaan 12;1999AB;Wilgenmeer;12;90000099;;;Amsterdam;;",
        // The holder, elsewhere.
        "999990070;KDV;Ver weg;Ingeschreven;;;Elzenlaan 1;1888AB;Elzenmeer;12;90000002;;;Amsterdam;;",
        // Closed, and a bureau of gastouders: no registration of a centre.
        "999990081;KDV;Voorbij;Niet meer geregistreerd;;2020-01-01;Wilgenlaan 1;1999AB;Wilgenmeer;12;90000002;;;Amsterdam;;",
        "999990093;GOB;Bureau;Ingeschreven;;;Wilgenlaan 1;1999AB;Wilgenmeer;;90000002;;;Amsterdam;;",
    ];
    let review = lrk(&format!("{GOOD}\n{}", more.join("\n")));
    assert_eq!(
        lines(&review),
        [
            ("add", r#"{ scheme = "LRK", value = "999990032", opvang = "KDV", from = 2026-01-01 }"#),
            ("add", r#"{ scheme = "LRK", value = "999990044", opvang = "BSO", from = 2026-02-01 }"#),
            ("add", r#"{ scheme = "LRK", value = "999990056", opvang = "BSO", from = 2026-03-01 }"#),
        ]
    );
    let why: Vec<_> = review.proposals.iter().map(|p| p.why.as_str()).collect();
    assert!(
        why[0].contains("on the address of LRK 999990019") && why[0].contains("kinderopvang-de-wilg"),
        "{why:?}"
    );
    assert!(why[1].contains("postcode of this centre") && why[1].contains("line 5"), "{why:?}");
    assert!(why[2].contains("KVK 90000099, does not take part here"), "{why:?}");
    assert_eq!(remarks(&review), []);
    // Every line can be pasted as it is, and then there is nothing left to do.
    let pasted: String = review.proposals.iter().map(|p| format!("    {},\n", p.toml)).collect();
    let file =
        directory().to_toml().replace("    { scheme = \"LRK\"", &format!("{pasted}    {{ scheme = \"LRK\""));
    let file = file.replacen(&pasted, "", 1);
    let (again, _) = Directory::parse(&file).unwrap();
    let text = format!("{HEADING}\n{GOOD}\n{}", more.join("\n"));
    let second =
        voordeur_directory::register::review(Register::Lrk, text.as_bytes(), &again, date(2026, 11, 24))
            .unwrap();
    assert_eq!(lines(&second), []);
    assert_eq!(remarks(&second), [(Some(6), "OTHER_HOLDER")], "the stranger stays worth a look");
}

#[test]
fn what_has_ended_or_differs_is_flagged() {
    let closed = GOOD.replace(
        "BSO De Wilg;Ingeschreven;01-08-2024;;",
        "BSO De Wilg;Niet meer geregistreerd;01-08-2024;31-07-2026;",
    );
    let review = lrk(&closed);
    assert_eq!(remarks(&review), [(Some(3), "CLOSED")]);
    assert_eq!(
        lines(&review),
        [(
            "replace",
            r#"{ scheme = "LRK", value = "999990020", opvang = "BSO", from = 2024-08-01, until = 2026-07-31 }"#
        )]
    );
    // A last day that has not come yet is no end.
    assert!(lrk(&GOOD.replace("01-08-2024;;", "01-08-2024;31-12-2026;")).is_empty());
    // A new number on the address of one that is closed: the holder changed.
    let successor = "999990044;BSO;De Opvolger;Ingeschreven;2026-08-01;;Wilgenlaan 1;1999AB;Wilgenmeer;60;90000002;;;Amsterdam;;";
    let review = lrk(&format!("{}\n{successor}", closed.lines().nth(1).unwrap()));
    assert_eq!(
        lines(&review).last(),
        Some(&("add", r#"{ scheme = "LRK", value = "999990044", opvang = "BSO", from = 2026-08-01 }"#))
    );
    assert!(
        review.proposals[1].why.contains("on the address of LRK 999990020"),
        "{}",
        review.proposals[1].why
    );
    // Closed without a day: somebody has to find out.
    let review = lrk(&GOOD.replace("BSO De Wilg;Ingeschreven", "BSO De Wilg;Niet meer geregistreerd"));
    assert_eq!((remarks(&review), lines(&review)), (vec![(Some(3), "CLOSED")], vec![]));
    let kind = lrk(&GOOD.replace(";KDV;", ";BSO;"));
    assert_eq!(remarks(&kind), [(Some(2), "OTHER_KIND")]);
    let elsewhere = lrk(&GOOD.replace("90000002;;;Amsterdam;;\n", "90000055;;;Diemen;;\n"));
    assert_eq!(remarks(&elsewhere), [(Some(2), "OTHER_MUNICIPALITY"), (Some(2), "OTHER_HOLDER")]);
    let missing = lrk(GOOD.lines().next().unwrap());
    assert_eq!(remarks(&missing), [(None, "NOT_FOUND")]);
    // An extract of another municipality says nothing about this one.
    let other = "999990107;KDV;Elders;Ingeschreven;;;Laan 1;1999AC;Elders;;;;;Diemen;;";
    assert!(lrk(other).is_empty());
}

#[test]
fn odd_rows_are_left_out_and_told_by_line() {
    let rows = "12345;KDV;Te kort;Ingeschreven;;;;;;;;;;;;
999990119;CRÈCHE;Oud;Ingeschreven;;;;;;;;;;;;
999990120;KDV;Dag;Ingeschreven;morgen;;;;;;;;;;;
999990132;KDV;Zonder stand;;;;;;;;;;;;;
999990144;KDV;Twee keer;Ingeschreven;;;;;;;;;;;;
999990144;KDV;Twee keer;Niet meer geregistreerd;;;;;;;;;;;;";
    let review = lrk(&format!("{GOOD}\n{rows}"));
    assert!(review.is_empty());
    let odd: Vec<_> = review.odd.iter().map(|odd| (odd.line, odd.column)).collect();
    assert_eq!(odd, [(5, "type_oko"), (6, "inschrijfdatum"), (7, "status"), (9, "lrk_id")]);
    // A number whose zeros a spreadsheet has eaten is read: 12345 is 000012345, which nobody here has.
    assert_eq!(review.rows, 8);
}

#[test]
fn lines_are_counted_alike_with_every_end_of_line() {
    let rows =
        format!("{HEADING}\n{}", GOOD.replace(";KDV;", ";BSO;").replace(";BSO;BSO", ";KDV;\"Twee\nregels\""));
    for end in ["\n", "\r\n"] {
        // A blank line in between is a line.
        let file = format!("{}\n\n", rows.replacen('\n', "\n\n", 1)).replace('\n', end);
        let review = review(Register::Lrk, file.as_bytes(), &directory(), date(2026, 11, 24)).unwrap();
        assert_eq!(remarks(&review), [(Some(3), "OTHER_KIND"), (Some(4), "OTHER_KIND")], "{end:?}");
    }
}

#[test]
fn windows_1252_and_utf_8_are_both_read_and_columns_may_stand_anywhere() {
    let utf8 = format!("{HEADING}\n{}", GOOD.replace("De Wilg", "Crèche De Wîlg"));
    let (cp1252, _, lossy) = encoding_rs::WINDOWS_1252.encode(&utf8);
    assert!(!lossy && std::str::from_utf8(&cp1252).is_err());
    let closed = |bytes: &[u8]| {
        let text = bytes.to_vec();
        let review = review(Register::Lrk, &text, &directory(), date(2024, 1, 1)).unwrap();
        assert!(review.is_empty() && review.odd.is_empty(), "{review:?}");
    };
    closed(utf8.as_bytes());
    closed(&cp1252);
    closed(&[b"\xef\xbb\xbf", utf8.as_bytes()].concat());
    // Commas, quotes around everything, other order, capitals, a column more.
    let columns = [
        "nieuw",
        "STATUS",
        "lrk_id",
        "type_oko",
        "actuele_naam_oko",
        "inschrijfdatum",
        "uitschrijfdatum",
        "opvanglocatie_adres",
        "opvanglocatie_postcode",
        "kvk_nummer_houder",
        "verantwoordelijke_gemeente",
    ];
    let quoted = |fields: &[&str]| fields.iter().map(|f| format!("\"{f}\"")).collect::<Vec<_>>().join(",");
    let row = [
        "x, y",
        "Niet meer geregistreerd",
        "999990019",
        "KDV",
        "De \"\"Wilg\"\"",
        "",
        "2026-06-30",
        "A 1",
        "1999AB",
        "",
        "Amsterdam",
    ];
    let file = format!("{}\n{}\n", quoted(&columns), quoted(&row));
    let review = review(Register::Lrk, file.as_bytes(), &directory(), date(2026, 11, 24)).unwrap();
    assert_eq!(remarks(&review), [(None, "NOT_FOUND"), (Some(2), "CLOSED")]);
    assert!(review.remarks[1].what.contains(r#""De \"Wilg\"""#), "{}", review.remarks[1].what);
}

#[test]
fn a_file_that_is_no_register_says_all_that_is_wrong_with_it() {
    let faults = |register, text: &str| -> Vec<String> {
        let told = review(register, text.as_bytes(), &directory(), date(2026, 11, 24)).unwrap_err();
        told.iter().map(Unreadable::to_string).collect()
    };
    let missing = faults(
        Register::Lrk,
        "lrk_id;type_oko;actuele_naam_oko;status;inschrijfdatum;uitschrijfdatum;opvanglocatie_postcode;verantwoordelijke_gemeente\n",
    );
    assert_eq!(
        missing,
        [
            "line 1: the column opvanglocatie_adres is missing",
            "line 1: the column kvk_nummer_houder is missing"
        ]
    );
    let broken = format!("{HEADING}\n1;2;3\n{GOOD}\n4;5\n");
    assert_eq!(
        faults(Register::Lrk, &broken),
        ["line 2: has 3 fields where the heading has 16", "line 5: has 2 fields where the heading has 16"]
    );
    assert_eq!(
        faults(Register::Duo, ""),
        ["line 1: is empty; a register begins with the names of its columns"]
    );
    assert_eq!(faults(Register::Duo, &format!("{HEADING}\n{GOOD}")).len(), 4);
    assert_eq!(faults(Register::Lrk, &format!("{HEADING}\n")), ["line 1: has a heading and no rows"]);
}

const SITES: &str =
    "PRIKDATUM;INSTELLINGSCODE;VESTIGINGSCODE;VESTIGINGSNAAM;STRAATNAAM;POSTCODE;GEMEENTENUMMER
20260901;99XA;99XA00;Basisschool De Wilg;Wilgenlaan;1999 AB;0363
";

#[test]
fn sites_of_schools_are_compared_by_their_number() {
    assert!(duo(SITES).is_empty());
    // The code of a site as two digits, and commas.
    let commas = SITES.replace("99XA00", "00").replace(';', ",");
    assert!(duo(&commas).is_empty());
    // A second site on the postcode of the centre, and one elsewhere.
    let more = format!(
        "{SITES}20260901;99XA;99XA01;De Wilg, dependance;Laan;1999AB;0363\n20260901;99XA;99XA02;Ver weg;Laan;1888AB;0363\n"
    );
    let review = duo(&more);
    assert_eq!(lines(&review), [("add", r#"{ scheme = "BRIN6", value = "99XA01" }"#)]);
    assert!(review.proposals[0].why.contains("basisschool-de-wilg"), "{}", review.proposals[0].why);
    let gone = SITES.replace("99XA;99XA00", "99XB;99XB00");
    assert_eq!(remarks(&duo(&gone)), [(None, "NOT_FOUND")]);
    let moved = SITES.replace(";0363", ";0034");
    assert_eq!(remarks(&duo(&moved)), [(Some(2), "OTHER_MUNICIPALITY")]);
    let odd =
        duo(&format!("{SITES}20260901;99xa;00;Klein;Laan;;0363\n20260901;99XA;99XB03;Anders;Laan;;0363\n"));
    assert_eq!(
        odd.odd.iter().map(|odd| (odd.line, odd.column)).collect::<Vec<_>>(),
        [(3, "INSTELLINGSCODE"), (4, "VESTIGINGSCODE")]
    );
}

#[test]
fn the_only_site_of_a_school_belongs_where_the_school_takes_part() {
    let without = directory()
        .to_toml()
        .replace("    { scheme = \"BRIN6\", value = \"99XA00\", from = 2024-08-01 },\n", "");
    let (without, _) = Directory::parse(&without).unwrap();
    let elsewhere = SITES.replace("1999 AB", "1888AB");
    let review = review(Register::Duo, elsewhere.as_bytes(), &without, date(2026, 11, 24)).unwrap();
    assert_eq!(lines(&review), [("add", r#"{ scheme = "BRIN6", value = "99XA00" }"#)]);
    assert!(review.proposals[0].why.contains("the only site"), "{}", review.proposals[0].why);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_a_register_or_a_list_of_faults(bytes in proptest::collection::vec(any::<u8>(), 0..400), headed: bool) {
        let bytes = if headed { [HEADING.as_bytes(), b"\r\n", &bytes].concat() } else { bytes };
        for register in [Register::Lrk, Register::Duo] {
            match review(register, &bytes, &directory(), date(2026, 11, 24)) {
                Ok(review) => prop_assert!(headed && review.rows > 0),
                Err(faults) => prop_assert!(!faults.is_empty() && faults.iter().all(|fault| fault.line >= 1)),
            }
        }
    }

    #[test]
    fn a_row_with_a_piece_cut_out_never_proposes_anything_false(start in 0_usize..200, length in 1_usize..60) {
        let end = (start + length).min(GOOD.len());
        let cut = format!("{HEADING}\n{}{}", &GOOD[..start], &GOOD[end..]);
        if let Ok(review) = review(Register::Lrk, cut.as_bytes(), &directory(), date(2026, 11, 24)) {
            prop_assert!(review.proposals.iter().all(|p| p.change == voordeur_directory::register::Change::Replace || p.why.contains("address")));
        }
    }
}
