//! `voordeur directory import`, with the binary itself. Every name and number is invented.

use std::path::{Path, PathBuf};

use crate::support::{Run, file, voordeur};

const HEADING: &str = "lrk_id;type_oko;actuele_naam_oko;status;inschrijfdatum;uitschrijfdatum;opvanglocatie_adres;opvanglocatie_postcode;kvk_nummer_houder;verantwoordelijke_gemeente;bag_id";

/// Writes a file as the register does: Windows-1252 and `\r\n`.
fn register(folder: &Path, rows: &[&str]) -> PathBuf {
    let text = [&[HEADING], rows].concat().join("\r\n") + "\r\n";
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let path = folder.join("export.csv");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn import(which: &str, export: &Path, more: &[&str]) -> Run {
    let directory = file("deploy/directory/voorbeeld.toml");
    let fixed = [
        "directory",
        "import",
        which,
        export.to_str().unwrap(),
        "--directory",
        directory.to_str().unwrap(),
        "--on",
        "2026-11-24",
    ];
    voordeur(&[fixed.as_slice(), more].concat())
}

const KDV: &str =
    "999990019;KDV;\"De \"\"Wilg\"\"; crèche\";Ingeschreven;01-08-2024;;Wilgenlaan 1;1999AB;90000002;9999;";
const BSO: &str = "999990020;BSO;De Wilg;Ingeschreven;01-08-2024;;Wilgenlaan 1;1999AB;90000002;9999;";

#[test]
fn a_register_that_agrees_ends_with_zero_and_says_that_nothing_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let run = import("lrk", &register(folder.path(), &[KDV, BSO]), &[]).ends_with(0);
    assert_eq!(run.out, "");
    assert!(run.err.contains("2 rows read") && run.err.contains("nothing was changed"), "{}", run.err);
}

#[test]
fn what_there_is_to_review_ends_with_one_and_can_be_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let closed = BSO.replace("Ingeschreven;01-08-2024;;", "Niet meer geregistreerd;01-08-2024;31-07-2026;");
    let new = "999990032;KDV;Crèche De Wîlg;Ingeschreven;01-09-2026;;Wilgenlaan 1;1999 AB;90000002;9999;";
    let odd = "1999;KDV;Te kort;Ingeschreven;gisteren;;;;;;";
    let before = std::fs::read(file("deploy/directory/voorbeeld.toml")).unwrap();
    let export = register(folder.path(), &[KDV, &closed, new, odd]);
    let run = import("lrk", &export, &[]).ends_with(1);
    assert!(run.out.contains("# look: LRK 999990020 is not registered any more"), "{}", run.out);
    assert!(run.out.contains("Crèche De Wîlg"), "{}", run.out);
    let lines: Vec<_> = run.out.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            r#"    { scheme = "LRK", value = "999990020", opvang = "BSO", from = 2024-08-01, until = 2026-07-31 },"#,
            r#"    { scheme = "LRK", value = "999990032", opvang = "KDV", from = 2026-09-01 },"#,
        ]
    );
    assert!(run.err.contains("left out: line 5: inschrijfdatum"), "{}", run.err);
    assert_eq!(
        std::fs::read(file("deploy/directory/voorbeeld.toml")).unwrap(),
        before,
        "never a silent change"
    );
    let json = &import("lrk", &export, &["--json"]).ends_with(1).json()[0];
    assert_eq!(json["rows"], 4);
    assert_eq!(json["proposals"][0]["change"], "replace");
    assert_eq!(json["proposals"][1]["change"], "add");
    assert_eq!(
        (&json["proposals"][1]["centre"], &json["proposals"][1]["line"]),
        (&"de-wilg".into(), &4.into())
    );
    assert_eq!(json["remarks"][0]["code"], "CLOSED");
    assert_eq!(json["odd"][0]["line"], 5);
}

#[test]
fn a_file_that_cannot_be_read_ends_with_two_and_names_every_fault() {
    let folder = tempfile::tempdir().unwrap();
    let broken = register(folder.path(), &[KDV, "1;2", BSO, "3"]);
    let run = import("lrk", &broken, &[]).ends_with(2);
    assert!(
        run.err.contains("line 3: has 2 fields") && run.err.contains("line 5: has 1 fields"),
        "{}",
        run.err
    );
    assert_eq!(run.out, "");
    let run = import("duo", &broken, &[]).ends_with(2);
    for column in ["INSTELLINGSCODE", "VESTIGINGSCODE", "VESTIGINGSNAAM", "POSTCODE"] {
        assert!(run.err.contains(&format!("the column {column} is missing")), "{}", run.err);
    }
    let run = import("lrk", &folder.path().join("none.csv"), &[]).ends_with(2);
    assert!(run.err.contains("none.csv"), "{}", run.err);
    let run = voordeur(&["directory", "import", "lrk", broken.to_str().unwrap()]).ends_with(2);
    assert!(run.err.contains("--directory"), "{}", run.err);
}

#[test]
fn sites_of_schools_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vestigingenbo.csv");
    std::fs::write(
        &path,
        "\u{feff}INSTELLINGSCODE,VESTIGINGSCODE,VESTIGINGSNAAM,POSTCODE\n99XA,99XA00,De Wilg,1999AB\n99XA,99XA01,\"Wilg, dependance\",1999 AB\n",
    )
    .unwrap();
    let run = import("duo", &path, &[]).ends_with(1);
    assert!(run.out.contains(r#"{ scheme = "BRIN6", value = "99XA01" },"#), "{}", run.out);
    assert!(run.out.contains("a postcode of this centre"), "{}", run.out);
    std::fs::write(
        &path,
        "INSTELLINGSCODE,VESTIGINGSCODE,VESTIGINGSNAAM,POSTCODE\n99XB,99XB00,Elders,1888AB\n",
    )
    .unwrap();
    let run = import("duo", &path, &[]).ends_with(1);
    assert!(run.out.contains("BRIN6 99XA00 is not in the list of DUO"), "{}", run.out);
}
