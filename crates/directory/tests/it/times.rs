//! Opening hours, days that differ, school holidays, and weekly presence under conditions.

use jiff::{Timestamp, civil::date};
use voordeur_directory::{Directory, diff};
use voordeur_kernel::{
    Span,
    calendar::{Calendar as _, Hours},
};

use crate::{DEMO, SAMPLE};

fn sample() -> Directory {
    Directory::parse(SAMPLE).unwrap().0
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The hours of somebody on a day, as text.
fn on(directory: &Directory, person: &str, day: &str) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let hours = directory.scheduled_on(person, "de-wilg", day.parse().unwrap());
    hours.iter().map(|h| format!("{}-{}", clock(h.from()), clock(h.until()))).collect::<Vec<_>>().join(" ")
}

/// A small centre with a school only, or with childcare too; `lines` are its opening, `more` stands behind the rest.
fn small(childcare: bool, lines: &str, more: &str) -> String {
    let organisations = if childcare { r#"["school", "opvang", "brug"]"# } else { r#"["school", "brug"]"# };
    format!(
        r#"format = 1
[organisation.school]
kind = "school"
label = "School"
aandachtsfunctionaris = "toestel 1"
vertrouwensinspecteur = "0900"
[organisation.opvang]
kind = "childcare"
label = "Opvang"
aandachtsfunctionaris = "toestel 2"
vertrouwensinspecteur = "0900"
[organisation.brug]
kind = "youth_care_provider"
label = "De Brug"
[centre.wilg]
label = "De Wilg"
municipality = "0363"
holiday_region = "noord"
organisations = {organisations}
{lines}
[person.noor]
label = "Noor"
organisation = "brug"
role = "professional"
registration = {{ scheme = "SKJ", value = "990000001" }}
hours_per_week = 24
centres = ["wilg"]
presence = [{{ centre = "wilg", days = ["ma", "di", "wo", "do", "vr"], from = "08:30", until = "17:00" }}]
[person.karin]
label = "Karin"
organisation = "school"
role = "intern_begeleider"
centres = ["wilg"]
presence = [{{ centre = "wilg", days = ["ma", "di", "wo", "do", "vr"], from = "08:30", until = "15:00" }}]
[person.marit]
label = "Marit"
organisation = "brug"
role = "coordinator"
centres = ["wilg"]
{more}"#
    )
}

fn parsed(text: &str) -> Directory {
    Directory::parse(text).unwrap_or_else(|faults| panic!("{faults:#?}")).0
}

#[test]
fn the_sample_opens_and_closes_as_it_says() {
    let directory = sample();
    let calendar = directory.calendar("de-wilg");
    let table = [
        ("2026-11-23", true, "a Monday"),
        ("2026-11-22", false, "a Sunday"),
        ("2026-11-25", true, "a study day of the school: childcare is open"),
        ("2026-12-22", true, "school holidays: childcare is open"),
        ("2026-12-25", false, "Christmas"),
        ("2026-12-29", false, "closed between Christmas and New Year"),
        ("2027-03-20", true, "a Saturday on which it is open"),
        ("2027-03-27", false, "another Saturday"),
        ("2027-03-29", false, "second day of Easter"),
    ];
    for (day, open, why) in table {
        assert_eq!(calendar.is_open_day(day.parse().unwrap()), open, "{day}: {why}");
    }
    assert_eq!(calendar.hours_on(date(2027, 3, 20)), [Hours::new(600, 720).unwrap()]);
    assert_eq!(calendar.hours_on(date(2026, 11, 23)), [Hours::new(450, 1110).unwrap()]);
    // Two working days from 24 December: Christmas, a weekend and four closed days, New Year and a weekend lie between.
    assert_eq!(
        calendar.after(at("2026-12-24T10:00:00+01:00"), Span::WorkingDays(2)),
        at("2027-01-05T10:00:00+01:00")
    );
    // Elsewhere nobody knows: office hours.
    assert!(directory.calendar("elders").is_open(at("2026-11-23T08:00:00+01:00")));
    assert!(!directory.calendar("elders").is_open(at("2026-11-23T07:59:00+01:00")));
}

#[test]
fn school_holidays_close_a_school_on_its_own_and_no_childcare() {
    let alone = parsed(&small(false, "", ""));
    let together = parsed(&small(true, "", ""));
    for (day, in_noord) in [
        (date(2026, 10, 12), true),
        (date(2026, 10, 19), false),
        (date(2027, 2, 22), true),
        (date(2027, 7, 12), true),
        (date(2027, 8, 23), false),
    ] {
        assert_eq!(alone.calendar("wilg").is_open_day(day), !in_noord, "{day}");
        assert!(together.calendar("wilg").is_open_day(day), "{day}");
        assert_eq!(alone.is_school_holiday("wilg", day), in_noord);
        assert_eq!(together.is_school_holiday("wilg", day), in_noord);
        // She is there when the centre is.
        assert_eq!(alone.is_scheduled("noor", "wilg", at(&format!("{day}T10:00:00Z"))), !in_noord);
        assert!(together.is_scheduled("noor", "wilg", at(&format!("{day}T10:00:00Z"))));
    }
    // A day on which everybody is closed by their own.
    let both = parsed(&small(
        true,
        "",
        "[[closed]]\ncentre = \"wilg\"\norganisation = \"school\"\non = [2026-11-24, 2026-11-25]\n\
         [[closed]]\ncentre = \"wilg\"\norganisation = \"opvang\"\nfrom = 2026-11-25\nuntil = 2026-11-26\n",
    ));
    let open = |day| both.calendar("wilg").is_open_day(date(2026, 11, day));
    assert_eq!([open(24), open(25), open(26)], [true, false, true]);
    let there = |person, day| both.is_scheduled(person, "wilg", at(&format!("2026-11-{day}T10:00:00Z")));
    assert!(!there("karin", 24) && there("noor", 24), "a study day: who works at the school is not there");
    assert!(!there("karin", 25) && !there("noor", 25) && there("karin", 26));
}

#[test]
fn a_day_that_is_open_goes_before_everything() {
    let more = "[[closed]]\ncentre = \"wilg\"\nfrom = 2026-12-21\nuntil = 2026-12-31\n\
        [[open]]\ncentre = \"wilg\"\non = [2026-12-25, 2026-12-28]\n\
        [[open]]\ncentre = \"wilg\"\norganisation = \"school\"\non = [2026-10-12]\n\
        [[open]]\ncentre = \"wilg\"\non = [2026-12-28]\nhours = [{ from = \"19:00\", until = \"20:00\" }]\n";
    let (directory, warnings) = Directory::parse(&small(false, "", more)).unwrap();
    let calendar = directory.calendar("wilg");
    let open: Vec<_> = (20..=31).filter(|day| calendar.is_open_day(date(2026, 12, *day))).collect();
    assert_eq!(open, [25, 28]);
    assert!(calendar.is_open_day(date(2026, 10, 12)), "in the autumn holiday of the school");
    assert_eq!(calendar.hours_on(date(2026, 12, 28)).len(), 2);
    assert!(directory.is_scheduled("noor", "wilg", at("2026-12-25T10:00:00Z")));
    let told: Vec<_> =
        warnings.iter().map(|w| w.reason).filter(|reason| *reason == "OPEN_AND_CLOSED").collect();
    assert_eq!(told.len(), 3);
}

#[test]
fn holidays_are_days_like_others_where_the_centre_says_so() {
    let directory = parsed(&small(true, "open_on_holidays = true", ""));
    assert!(directory.is_scheduled("noor", "wilg", at("2026-12-25T10:00:00Z")));
    let closed = parsed(&small(true, "", ""));
    assert!(!closed.is_scheduled("noor", "wilg", at("2026-12-25T10:00:00Z")));
    // The demonstration is told on Christmas as on any other day.
    let (demo, _) = Directory::parse(DEMO).unwrap();
    for moment in ["2026-12-25T03:00:00Z", "2027-05-16T22:30:00Z", "2026-10-25T00:30:00Z"] {
        assert!(
            demo.is_scheduled("noor", "de-wilg", at(moment)) && demo.calendar("de-wilg").is_open(at(moment))
        );
    }
}

#[test]
fn presence_holds_in_its_weeks_and_from_and_until_its_days() {
    let directory = sample();
    let table = [
        ("noor", "2026-11-25", "08:15-12:30", "week 48 is even"),
        ("noor", "2026-12-02", "", "week 49 is odd"),
        ("noor", "2026-12-30", "", "week 53; and closed"),
        ("noor", "2027-01-06", "", "week 1: two odd weeks follow each other"),
        ("noor", "2027-01-13", "08:15-12:30", "week 2"),
        ("noor", "2026-12-24", "08:15-17:00", "a Thursday"),
        ("noor", "2026-12-28", "", "a Monday on which the centre is closed"),
        ("noor", "2027-03-29", "", "a Monday that is a holiday"),
        ("sam", "2026-10-13", "07:30-16:00", "not yet a school holiday in midden"),
        ("sam", "2026-10-20", "", "the autumn holiday of midden"),
        ("noor", "2026-10-20", "08:15-17:00", "she works in it"),
        ("sam", "2027-05-04", "", "the week that the school has more than the region"),
        ("yasmina", "2028-07-26", "12:30-18:15", "the last Wednesday"),
        ("yasmina", "2028-08-02", "", "no Wednesday any more"),
        ("yasmina", "2028-08-01", "12:30-18:15", "a Tuesday instead"),
        ("yasmina", "2028-07-25", "", "no Tuesday yet"),
        ("ib-de-wilg", "2026-11-24", "", "no presence at all"),
        ("niemand", "2026-11-24", "", "not in the directory"),
    ];
    for (person, day, hours, why) in table {
        assert_eq!(on(&directory, person, day), hours, "{person} on {day}: {why}");
    }
    assert!(directory.scheduled_on("noor", "elders", date(2026, 11, 24)).is_empty());
}

#[test]
fn the_next_and_the_last_moment_of_somebody_are_found() {
    let directory = sample();
    let next = |person, from: &str| directory.next_scheduled(person, "de-wilg", at(from));
    assert_eq!(next("noor", "2026-11-24T20:00:00+01:00"), Some(at("2026-11-25T08:15:00+01:00")));
    // Christmas, the closed week, and an odd Wednesday in between.
    assert_eq!(next("noor", "2026-12-24T17:00:00+01:00"), Some(at("2027-01-04T08:15:00+01:00")));
    // The Christmas holiday is over within three weeks; the summer holiday is not.
    assert_eq!(next("sam", "2026-12-18T16:00:00+01:00"), Some(at("2027-01-05T07:30:00+01:00")));
    assert_eq!(next("sam", "2027-07-16T16:00:00+02:00"), None);
    let between = |from: &str, until: &str| {
        let runs = directory.scheduled_between("noor", "de-wilg", at(from), at(until));
        runs.iter().map(|run| (run.from, run.until)).collect::<Vec<_>>()
    };
    let pair = |from: &str, until: &str| (at(from), at(until));
    assert_eq!(
        between("2026-11-23T10:00:00+01:00", "2026-11-25T09:00:00+01:00"),
        [
            pair("2026-11-23T10:00:00+01:00", "2026-11-23T17:00:00+01:00"),
            pair("2026-11-24T08:15:00+01:00", "2026-11-24T17:00:00+01:00"),
            pair("2026-11-25T08:15:00+01:00", "2026-11-25T09:00:00+01:00"),
        ]
    );
    assert_eq!(between("2026-11-28T00:00:00+01:00", "2026-11-30T00:00:00+01:00"), []);
    let last =
        |from: &str, until: &str| directory.last_scheduled_before("noor", "de-wilg", at(from), at(until));
    let monday = "2026-11-23T10:00:00+01:00";
    assert_eq!(
        last(monday, "2026-11-23T16:00:00+01:00"),
        Some(at("2026-11-23T16:00:00+01:00")),
        "still there"
    );
    assert_eq!(last(monday, "2026-11-24T08:00:00+01:00"), Some(at("2026-11-23T17:00:00+01:00")));
    assert_eq!(last("2026-11-28T00:00:00+01:00", "2026-11-30T00:00:00+01:00"), None);
    assert_eq!(last(monday, monday), None);
    // Somebody who is always there has one stretch, cut off after a while however far the end.
    let (demo, _) = Directory::parse(DEMO).unwrap();
    let always = demo.scheduled_between("noor", "de-wilg", at("2026-11-23T10:00:00Z"), Timestamp::MAX);
    assert_eq!(
        (always.len(), always[0].from, always[0].until),
        (1, at("2026-11-23T10:00:00Z"), at("2027-02-23T10:00:00Z"))
    );
    assert!(
        demo.next_scheduled("noor", "de-wilg", Timestamp::MAX).is_none_or(|moment| moment == Timestamp::MAX)
    );
}

#[test]
fn school_holidays_of_the_file_replace_and_add() {
    let own = "[[school_holiday]]\nschool_year = \"2026-2027\"\nregion = \"noord\"\nname = \"herfst\"\nfrom = 2026-10-17\nuntil = 2026-10-25\n\
        [[school_holiday]]\nschool_year = \"2027-2028\"\nregion = \"noord\"\nname = \"herfst\"\nfrom = 2027-10-16\nuntil = 2027-10-24\n\
        [[school_holiday]]\nschool_year = \"2026-2027\"\nregion = \"zuid\"\nname = \"carnaval\"\nfrom = 2027-02-06\nuntil = 2027-02-09\n";
    let text = small(false, "", own);
    let directory = parsed(&text);
    let off = |year, month, day| directory.is_school_holiday("wilg", date(year, month, day));
    assert!(!off(2026, 10, 12) && off(2026, 10, 20), "moved by a week");
    assert!(off(2026, 12, 22), "what the file does not name is as the country has it");
    assert!(off(2027, 10, 20) && !off(2027, 2, 8), "a later year; another region");
    // A warning when the dates of a school year that is near are not known.
    let warned = |text: &str, day| {
        let (_, warnings) = Directory::parse_as_of(text, day).unwrap();
        let told = warnings.into_iter().filter(|w| w.reason == "NO_SCHOOL_HOLIDAYS");
        told.map(|w| format!("{} {} {}", w.line, w.path, w.description)).collect::<Vec<_>>()
    };
    let plain = small(false, "", "");
    assert_eq!(warned(&plain, date(2027, 4, 30)), [""; 0]);
    assert_eq!(
        warned(&plain, date(2027, 5, 1)),
        [
            "18 centre.wilg.holiday_region the dates of 2027-2028 are not known; add them with [[school_holiday]] tables"
        ]
    );
    assert_eq!(warned(&text, date(2027, 5, 1)), [""; 0]);
    assert_eq!(warned(&text, date(2028, 5, 1)).len(), 1);
}

const LINES: usize = 18;

/// Faults and warnings of what stands behind line 18 (`organisations`), counted from there.
fn told(lines: &str) -> Vec<String> {
    let text = small(true, lines, "");
    match Directory::parse(&text) {
        Ok((_, warnings)) => {
            let mine = warnings.iter().filter(|w| w.reason.contains("OPEN") || w.reason.contains("CLOSED"));
            mine.map(|w| format!("{} {} {}", w.line, w.path, w.reason)).collect()
        }
        Err(faults) => {
            faults.iter().map(|f| format!("{} {} {}", f.line - LINES - 1, f.path, f.reason)).collect()
        }
    }
}

#[test]
fn opening_hours_are_read_with_every_fault_at_its_line() {
    let entry = |days: &str, from: &str, until: &str| {
        format!("opening = [{{ days = [{days}], from = \"{from}\", until = \"{until}\" }}]")
    };
    // The public cases of Alertmanager's time ranges: NOTICE and list in docs/conformance.md.
    let good = [("00:00", "24:00"), ("01:35", "17:39"), ("09:35", "09:39")];
    for (from, until) in good {
        assert_eq!(
            Directory::parse(&small(true, &entry("\"ma\"", from, until), "")).err(),
            None,
            "{from}-{until}"
        );
    }
    let bad = [
        ("17:31", "17:31", "1 centre.wilg.opening[0].until ENDS_BEFORE_START"),
        ("12:30", "24:01", "1 centre.wilg.opening[0].until BAD_TIME"),
        ("09:30", "07:41", "1 centre.wilg.opening[0].until ENDS_BEFORE_START"),
        ("24:00", "17:41", "1 centre.wilg.opening[0].until ENDS_BEFORE_START"),
        ("01:99", "23:59", "1 centre.wilg.opening[0].from BAD_TIME"),
        ("00:00", "99:99", "1 centre.wilg.opening[0].until BAD_TIME"),
    ];
    for (from, until, fault) in bad {
        assert_eq!(told(&entry("\"ma\"", from, until)), [fault], "{from}-{until}");
    }
    assert_eq!(
        told("opening = [{ days = [\"ma\"], from = \"14:03\" }]"),
        ["1 centre.wilg.opening[0].until REQUIRED"]
    );
    for day in ["\"blurgsday\"", "\"1\"", "\"-2\"", "\"ma:wo\""] {
        assert_eq!(told(&entry(day, "09:00", "17:00")), ["1 centre.wilg.opening[0].days[0] UNKNOWN_WORD"]);
    }
    assert_eq!(told(&entry("1", "09:00", "17:00")), ["1 centre.wilg.opening[0].days[0] WRONG_TYPE"]);
    // And our own.
    assert_eq!(told("opening = []"), ["1 centre.wilg.opening NEVER_OPEN"]);
    assert_eq!(told(&entry("", "09:00", "17:00")), ["1 centre.wilg.opening NEVER_OPEN"]);
    assert_eq!(told("open_on_holidays = \"ja\""), ["1 centre.wilg.open_on_holidays WRONG_TYPE"]);
    let twice = "opening = [\n{ days = [\"ma\", \"di\"], from = \"09:00\", until = \"12:00\" },\n{ days = [\"di\"], from = \"11:00\", until = \"17:00\" },\n]";
    assert_eq!(told(twice), ["3 centre.wilg.opening[1].days[0] OVERLAP"]);
    let warned = told(&entry("\"ma\", \"di\", \"wo\", \"do\"", "09:00", "17:00"));
    assert_eq!(warned.len(), 2, "both are there on Friday: {warned:?}");
    assert!(warned[0].ends_with("presence[0].days[4] PRESENT_WHEN_CLOSED"), "{warned:?}");
}

#[test]
fn a_range_of_days_holds_on_its_days_only() {
    // The public case of Alertmanager's date ranges ("Easter 2020", which it is not): whole days, read as local time.
    let text = DEMO.replacen(
        r#"centre = "de-wilg", days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00""#,
        r#"centre = "de-wilg", days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00", from_date = 2020-04-04, until_date = 2020-04-06"#,
        1,
    );
    let directory = parsed(&text);
    for (moment, there) in [
        ("2020-04-04T15:04:00+02:00", true),
        ("2020-04-05T00:00:00+02:00", true),
        ("2020-04-06T23:05:00+02:00", true),
        ("2018-05-03T15:04:00+02:00", false),
        ("2020-04-03T23:59:00+02:00", false),
        ("2020-06-04T23:59:00+02:00", false),
        ("2019-04-06T23:59:00+02:00", false),
        ("2020-04-07T00:00:00+02:00", false),
    ] {
        assert_eq!(directory.is_scheduled("noor", "de-wilg", at(moment)), there, "{moment}");
    }
}

#[test]
fn days_that_differ_are_read_with_every_fault_at_its_line() {
    let faults = |more: &str| -> Vec<String> {
        let text = small(true, "", more);
        let first = small(true, "", "").lines().count();
        let faults = Directory::parse(&text).map(|_| ()).unwrap_err();
        faults.iter().map(|f| format!("{} {} {}", f.line - first, f.path, f.reason)).collect()
    };
    assert_eq!(
        faults(
            "[[closed]]\ncentre = \"els\"\non = [2026-11-25]\n[[closed]]\ncentre = \"wilg\"\norganisation = \"gemeente\"\non = []\n"
        ),
        ["2 closed[0].centre UNKNOWN_REFERENCE", "7 closed[1].on REQUIRED"]
    );
    assert_eq!(
        faults("[[closed]]\ncentre = \"wilg\"\norganisation = \"gemeente\"\non = [2026-11-25, 2026-11-26]\n"),
        ["3 closed[0].organisation UNKNOWN_REFERENCE"]
    );
    assert_eq!(
        faults(
            "[[closed]]\ncentre = \"wilg\"\nfrom = 2026-11-25\n[[open]]\ncentre = \"wilg\"\non = [2026-11-28]\nfrom = 2026-11-28\nuntil = 2026-11-28\n"
        ),
        ["1 closed[0] REQUIRED", "4 open[0] REQUIRED"]
    );
    assert_eq!(
        faults(
            "[[closed]]\ncentre = \"wilg\"\nfrom = 2026-11-25\nuntil = 2026-11-24\n[[closed]]\ncentre = \"wilg\"\nfrom = 2026-01-01\nuntil = 2027-01-03\n"
        ),
        ["4 closed[0].until ENDS_BEFORE_START", "8 closed[1].until TOO_LONG"]
    );
    assert_eq!(
        faults(
            "[[open]]\ncentre = \"wilg\"\non = [2026-11-27, 2026-11-28]\n[[open]]\ncentre = \"wilg\"\non = [2026-11-29]\nhours = [{ from = \"12:00\", until = \"10:00\" }]\nuren = 3\n"
        ),
        [
            "1 open[0] HOURS_NEEDED",
            "7 open[1].hours[0].until ENDS_BEFORE_START",
            "8 open[1].uren UNKNOWN_KEY"
        ]
    );
    assert_eq!(
        faults("[[open]]\ncentre = \"wilg\"\non = [2026-11-27]\nhours = []\n"),
        ["4 open[0].hours REQUIRED"]
    );
    let day = "[[closed]]\ncentre = \"wilg\"\non = [2026-11-25]\n";
    assert_eq!(faults(&format!("{day}{day}")), ["4 closed[1] DUPLICATE"]);
    assert_eq!(
        faults("closed = 3\n"),
        ["1 person.marit.closed UNKNOWN_KEY"],
        "it stands in the table before it"
    );
}

#[test]
fn school_holidays_are_read_with_every_fault_at_its_line() {
    let faults = |more: &str| -> Vec<String> {
        let first = small(true, "", "").lines().count();
        let faults = Directory::parse(&small(true, "", more)).map(|_| ()).unwrap_err();
        faults
            .iter()
            .map(|f| {
                format!("{} {} {}", f.line - first, f.path.trim_start_matches("school_holiday"), f.reason)
            })
            .collect()
    };
    let good = "[[school_holiday]]\nschool_year = \"2026-2027\"\nregion = \"noord\"\nname = \"herfst\"\nfrom = 2026-10-10\nuntil = 2026-10-18\n";
    for (old, new, expected) in [
        ("2026-2027", "2026-2028", "2 [0].school_year BAD_YEAR"),
        ("\"noord\"", "\"oost\"", "3 [0].region UNKNOWN_WORD"),
        ("region = \"noord\"", "centre = \"els\"", "3 [0].centre UNKNOWN_REFERENCE"),
        ("region = \"noord\"\n", "", "1 [0] REQUIRED"),
        ("region = \"noord\"\n", "region = \"noord\"\ncentre = \"wilg\"\n", "1 [0] REQUIRED"),
        ("herfst", "Herfst vakantie", "4 [0].name BAD_KEY"),
        ("from = 2026-10-10", "from = 2025-10-10", "5 [0].from OUT_OF_YEAR"),
        ("until = 2026-10-18", "until = 2026-10-09", "6 [0].until ENDS_BEFORE_START"),
        ("from", "van", "1 [0].from REQUIRED"),
    ] {
        let told = faults(&good.replacen(old, new, 1));
        assert_eq!(told.first().map(String::as_str), Some(expected), "{told:?}");
    }
    let other = good.replace("herfst", "nog-een");
    assert_eq!(faults(&format!("{good}{good}")), ["10 [1].name DUPLICATE"]);
    assert_eq!(faults(&format!("{good}{other}")), ["7 [1] OVERLAP"]);
}

#[test]
fn presence_with_conditions_is_read_with_every_fault_at_its_line() {
    let faults = |lines: &str| -> Vec<String> {
        let text = DEMO.replacen(
            r#"    { centre = "de-wilg", days = ["ma", "di", "wo", "do", "vr", "za", "zo"], from = "00:00", until = "24:00" },"#,
            lines,
            1,
        );
        let first = text.lines().position(|line| line == "presence = [").unwrap() + 1;
        match Directory::parse(&text) {
            Ok(_) => Vec::new(),
            Err(faults) => {
                faults.iter().map(|f| format!("{} {} {}", f.line - first, f.path, f.reason)).collect()
            }
        }
    };
    let with = |more: &str| {
        format!("{{ centre = \"de-wilg\", days = [\"ma\"], from = \"08:00\", until = \"12:00\"{more} }},\n")
    };
    for (more, fault) in [
        (", weeks = \"elke\"", "weeks UNKNOWN_WORD"),
        (", school_holidays = 0", "school_holidays WRONG_TYPE"),
        (", from_date = \"2026-01-01\"", "from_date WRONG_TYPE"),
        (", from_date = 2026-02-01, until_date = 2026-01-31", "until_date ENDS_BEFORE_START"),
        (", week = 3", "week UNKNOWN_KEY"),
    ] {
        assert_eq!(faults(&with(more)), [format!("1 person.noor.presence[0].{fault}")]);
    }
    // At the same time, but never in the same week or on the same day.
    for (one, other) in [
        (", weeks = \"even\"", ", weeks = \"odd\""),
        (", until_date = 2026-12-31", ", from_date = 2027-01-01"),
    ] {
        assert_eq!(faults(&(with(one) + &with(other))), [""; 0]);
    }
    for (one, other) in [
        (", weeks = \"even\"", ""),
        (", until_date = 2026-12-31", ", from_date = 2026-12-31"),
        (", school_holidays = false", ""),
    ] {
        assert_eq!(faults(&(with(one) + &with(other))), ["2 person.noor.presence[1].days[0] OVERLAP"]);
    }
}

#[test]
fn presence_that_has_ended_is_warned_of() {
    let text = SAMPLE.replace("until_date = 2028-07-31", "until_date = 2026-07-31");
    let (_, warnings) = Directory::parse_as_of(&text, date(2026, 11, 24)).unwrap();
    let ended: Vec<_> = warnings.iter().filter(|w| w.reason == "ENDED").map(|w| w.path.as_str()).collect();
    assert_eq!(ended, ["person.yasmina.presence[1]"]);
}

#[test]
fn a_change_of_times_is_a_difference_that_can_be_read() {
    let changed = SAMPLE
        .replace("until = \"18:30\"", "until = \"18:00\"")
        .replace("weeks = \"even\"", "weeks = \"odd\"")
        .replace("on = [2026-11-25, 2027-02-12]", "on = [2026-11-25]")
        .replace("until = 2027-05-09", "until = 2027-05-02")
        .replace("postcode = \"1999AB\"\n", "");
    let lines: Vec<_> = diff(&sample(), &parsed(&changed)).iter().map(ToString::to_string).collect();
    let week =
        |until: &str| ["ma", "di", "wo", "do", "vr"].map(|day| format!("{day} 07:30-{until}")).join(", ");
    let noor = |weeks: &str| {
        format!("ma 08:15-17:00, di 08:15-17:00, wo 08:15-12:30 ({weeks} weeks), do 08:15-17:00")
    };
    assert_eq!(
        lines,
        [
            format!("~ centre.de-wilg.opening: {} -> {}", week("18:30"), week("18:00")),
            "- centre.de-wilg.postcode: 1999AB".to_owned(),
            "- closed.de-wilg.basisschool-de-wilg.2027-02-12: until 2027-02-12".to_owned(),
            format!("~ person.noor.presence.de-wilg: {} -> {}", noor("even"), noor("odd")),
            "~ school_holiday.centre.de-wilg.2026-2027.mei: 2027-04-24 until 2027-05-09 -> 2027-04-24 until 2027-05-02"
                .to_owned(),
        ]
    );
}

#[test]
fn two_exceptions_of_one_day_are_both_seen_in_a_difference() {
    let entry = |from: &str, until: &str| {
        format!(
            "[[open]]\ncentre = \"wilg\"\non = [2026-12-28]\nhours = [{{ from = \"{from}\", until = \"{until}\" }}]\n"
        )
    };
    let two = parsed(&small(true, "", &(entry("09:00", "10:00") + &entry("19:00", "20:00"))));
    let other = parsed(&small(true, "", &(entry("09:00", "10:30") + &entry("19:00", "20:00"))));
    let lines: Vec<_> = diff(&two, &other).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["~ open.wilg.2026-12-28: until 2026-12-28, 09:00-10:00; until 2026-12-28, 19:00-20:00 -> \
          until 2026-12-28, 09:00-10:30; until 2026-12-28, 19:00-20:00"]
    );
}
