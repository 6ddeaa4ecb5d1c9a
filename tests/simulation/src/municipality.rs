//! The municipality of a run: three kindcentra, whoever comes and goes in their directory, and the weeks in which it plays.

use jiff::{SignedDuration, civil::Weekday, tz::TimeZone};
use voordeur_directory::Directory;
use voordeur_kernel::Timestamp;

use crate::dice::Dice;

/// The directory without anybody who comes or goes.
const DIRECTORY: &str = include_str!("directory.toml");

/// Changes of the directory, by name.
pub const CHANGES: [&str; 4] = [
    // De Wilg has another coordinator.
    "petra", // Sam left.
    "sam",   // Lotte left.
    "lotte", // De Els got a second professional.
    "ilse",
];

const ILSE: &str = r#"
[person.ilse]
label = "Ilse"
organisation = "jeugdhulp"
role = "professional"
registration = { scheme = "SKJ", value = "990000007" }
hours_per_week = 4
centres = ["de-els"]
presence = [{ centre = "de-els", days = ["vr"], from = "09:00", until = "12:00" }]
"#;

/// The file with some of the changes.
#[must_use]
pub fn text(changes: &[&str]) -> String {
    let mut text = DIRECTORY.to_owned();
    for change in changes {
        match *change {
            "petra" => text = text.replace("[person.marit]", "[person.petra]"),
            "ilse" => text.push_str(ILSE),
            who => text = without(&text, who),
        }
    }
    text
}

/// A file without somebody.
fn without(text: &str, person: &str) -> String {
    let head = format!("[person.{person}]");
    let (before, rest) = text.split_once(&head).expect("she is in the file");
    let after = rest.find("\n[").map_or("", |end| &rest[end + 1..]);
    format!("{before}{after}")
}

/// What a file says.
#[must_use]
pub fn directory(text: &str) -> Directory {
    Directory::parse(text).expect("a good directory").0
}

/// Where weeks begin: with the clock change of spring and Easter, the holidays of May with three national ones, the summer, the autumn holidays
/// with the other clock change, Christmas.
const BEGINNINGS: [&str; 6] = [
    "2026-03-09T08:00:00Z",
    "2026-03-25T13:00:00Z",
    "2026-04-20T06:30:00Z",
    "2026-07-06T06:00:00Z",
    "2026-10-05T06:00:00Z",
    "2026-12-07T07:00:00Z",
];

/// A moment to begin at.
#[must_use]
pub fn beginning(dice: &mut Dice) -> Timestamp {
    dice.pick(&BEGINNINGS).parse().expect("a moment")
}

/// How much time passes until something else happens in a run of weeks: within a working day some minutes or hours, then the night, the
/// weekend, and now and then days in which nobody touches anything.
#[must_use]
pub fn until_next(now: Timestamp, dice: &mut Dice) -> SignedDuration {
    let minutes = |minutes: u64| SignedDuration::from_mins(i64::try_from(minutes).expect("minutes"));
    let part = dice.between(0, 100);
    let some = dice.between(5, 150);
    let morning_minutes = dice.between(0, 150);
    match part {
        0..15 => SignedDuration::ZERO,
        15..72 => minutes(some),
        72..97 => {
            let zone = TimeZone::get("Europe/Amsterdam").expect("a time zone");
            let local = zone.to_datetime(now);
            let mut day = local.date().tomorrow().expect("a day");
            // Some work on Saturday; most do not.
            while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && part < 94 {
                day = day.tomorrow().expect("a day");
            }
            let morning = zone.to_timestamp(day.at(7, 0, 0, 0)).expect("a moment");
            morning.duration_since(now) + minutes(morning_minutes)
        }
        _ => minutes(some * 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_gives_a_directory_that_is_good_and_another() {
        let plain = text(&[]);
        for change in CHANGES {
            let changed = text(&[change]);
            assert_ne!(changed, plain);
            let parsed = directory(&changed);
            assert_eq!(parsed.person("sam").is_some(), change != "sam");
            assert_eq!(parsed.person("ilse").is_some(), change == "ilse");
            assert!(parsed.person("noor").is_some() && parsed.person("joke").is_some(), "{change}");
        }
        assert!(directory(&text(&CHANGES)).person("lotte").is_none());
    }
}
