//! Whose work the work of a centre is: of its own people, and of a neighbour's by an arrangement, in one direction.

use voordeur_directory::Directory;

use crate::SAMPLE;

/// The sample, in which people of the Buren help the Wilg for a year.
fn directory() -> Directory {
    let text = SAMPLE.to_owned()
        + r#"
[centre.de-buren]
label = "Kindcentrum De Buren"
municipality = "9999"
holiday_region = "midden"
organisations = ["jeugdhulp-de-brug"]

[person.bo]
label = "Bo"
organisation = "jeugdhulp-de-brug"
role = "professional"
registration = { scheme = "SKJ", value = "990000099" }
hours_per_week = 24
centres = ["de-buren"]

[person.bas]
label = "Bas"
organisation = "jeugdhulp-de-brug"
role = "coordinator"
centres = ["de-buren"]

[[arrangement]]
centre = "de-wilg"
neighbour = "de-buren"
from = 2026-08-01
until = 2027-07-31
"#;
    Directory::parse(&text).unwrap_or_else(|faults| panic!("{faults:?}")).0
}

#[test]
fn the_work_of_a_centre_is_that_of_its_own_people_and_of_neighbours_by_an_arrangement() {
    let directory = directory();
    for (person, wilg, buren) in [
        ("noor", true, false),
        ("marit", true, false),
        ("bo", true, true),
        ("bas", true, true),
        ("ib-de-wilg", false, false),
        ("nobody", false, false),
    ] {
        assert_eq!(directory.works_for(person, "de-wilg"), wilg, "{person}");
        assert_eq!(directory.works_for(person, "de-buren"), buren, "{person}: it holds in one direction");
    }
    assert!(!directory.works_for("bo", "nowhere"));
}

#[test]
fn an_arrangement_counts_on_its_days_and_what_was_taken_by_it_stays_hers_to_see() {
    let directory = directory();
    for (day, by_arrangement) in
        [("2026-07-31", false), ("2026-08-01", true), ("2027-07-31", true), ("2027-08-01", false)]
    {
        let day = day.parse().unwrap();
        assert_eq!(directory.works_for_on("bo", "de-wilg", day), by_arrangement, "{day}");
        assert!(
            directory.works_for_on("noor", "de-wilg", day) && directory.works_for_on("bo", "de-buren", day)
        );
        assert!(!directory.works_for_on("noor", "de-buren", day));
    }
    assert!(directory.works_for("bo", "de-wilg"));
}

#[test]
fn somebody_of_a_neighbour_sees_only_what_is_hers_and_nobody_else_is_asked_whether_it_is() {
    let directory = directory();
    for hers in [true, false] {
        assert_eq!(directory.may_see_work("bo", "de-wilg", || hers), hers);
        assert!(
            !directory.may_see_work("noor", "de-buren", || hers),
            "without an arrangement it does not matter"
        );
        assert!(
            directory.may_see_work("noor", "de-wilg", || panic!("it is open to everybody of the centre"))
        );
    }
}
