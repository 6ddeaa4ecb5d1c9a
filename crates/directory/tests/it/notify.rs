//! How somebody wants to hear that she must act.

use voordeur_directory::{Difference, Directory, NotifyKind, diff};

use crate::DEMO;

/// The demonstration, in which Noor has this line.
fn with(line: &str) -> String {
    let place = "[person.noor]\n";
    assert!(DEMO.contains(place));
    let text: Vec<&str> = DEMO.lines().filter(|line| !line.starts_with("notify = ")).collect();
    format!("{}\n", text.join("\n")).replacen(place, &format!("{place}{line}\n"), 1)
}

fn read(line: &str) -> Directory {
    Directory::parse(&with(line)).unwrap_or_else(|faults| panic!("{faults:?}")).0
}

fn faults(line: &str) -> Vec<String> {
    let own = with(line).lines().position(|other| other == "[person.noor]").unwrap() + 2;
    let faults = Directory::parse(&with(line)).map(|_| ()).unwrap_err();
    faults
        .iter()
        .map(|fault| {
            assert_eq!(fault.line, own, "{fault:?}");
            let shown = format!("{fault:?}");
            assert!(!shown.contains("noor@"), "an address is never repeated: {shown}");
            format!("{} {}", fault.path.trim_start_matches("person.noor."), fault.reason)
        })
        .collect()
}

const ALL: &str = r#"notify = { email = "noor@example.nl", quiet_from = "18:00", quiet_until = "08:00", kinds = ["requests", "own_work"] }"#;

#[test]
fn it_is_read_and_printed_back() {
    let directory = read(ALL);
    let notify = directory.person("noor").unwrap().notify.as_ref().unwrap();
    assert_eq!(notify.email.as_ref().unwrap().reveal(), "noor@example.nl");
    assert_eq!(notify.quiet, Some((18 * 60, 8 * 60)));
    assert!(notify.wants(NotifyKind::Requests) && !notify.wants(NotifyKind::Reminders));
    for line in [
        ALL,
        "notify = {}",
        r#"notify = { email = "n.o-o+r@mail.example.nl" }"#,
        "notify = { kinds = [] }",
        "",
    ] {
        let directory = read(line);
        let (again, _) = Directory::parse(&directory.to_toml()).unwrap();
        assert_eq!(again, directory, "{line}");
    }
    assert!(read("").person("noor").unwrap().notify.is_none());
    assert!(
        read("notify = {}").person("noor").unwrap().notify.as_ref().unwrap().wants(NotifyKind::Reminders)
    );
}

#[test]
fn differences_say_that_an_address_changed_and_not_to_what() {
    let changed = diff(&read(ALL), &read(&ALL.replace("noor@", "n.noor@").replace("18:00", "17:30")));
    assert_eq!(
        changed,
        [
            Difference::Changed {
                path: "person.noor.notify.email".into(),
                from: String::new(),
                to: String::new()
            },
            Difference::Changed {
                path: "person.noor.notify.quiet".into(),
                from: "18:00-08:00".into(),
                to: "17:30-08:00".into(),
            },
        ]
    );
    let shown = format!("{:?} {:?}", diff(&read(""), &read(ALL)), read(ALL).person("noor"));
    assert!(!shown.contains("noor@"), "{shown}");
}

#[test]
fn every_fault_is_found_at_its_line() {
    assert_eq!(faults(r#"notify = "noor@example.nl""#), ["notify WRONG_TYPE"]);
    assert_eq!(faults(r#"notify = { email = "noor@example" }"#), ["notify.email BAD_ADDRESS"]);
    assert_eq!(faults(r#"notify = { mail = "noor@example.nl" }"#), ["notify.mail UNKNOWN_KEY"]);
    assert_eq!(faults(r#"notify = { quiet_from = "18:00" }"#), ["notify.quiet_from REQUIRED"]);
    assert_eq!(
        faults(r#"notify = { quiet_from = "18:00", quiet_until = "8:00" }"#),
        ["notify.quiet_until BAD_TIME"]
    );
    assert_eq!(
        faults(r#"notify = { quiet_from = "00:00", quiet_until = "24:00" }"#),
        ["notify.quiet_until QUIET_ALL_DAY"]
    );
    assert_eq!(
        faults(r#"notify = { kinds = ["requests", "requests", "safety"] }"#),
        ["notify.kinds[1] DUPLICATE", "notify.kinds[2] UNKNOWN_WORD"]
    );
}
