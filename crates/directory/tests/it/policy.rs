//! `[routing]` and `[[arrangement]]`: read, checked with lines, printed back, compared, versioned.

use std::{sync::Arc, time::Duration};

use proptest::{collection::vec, option, prelude::*, sample::subsequence};
use voordeur_directory::{
    Directory, DirectoryError, DirectoryStore, Finding, diff,
    policy::{BUILT_IN, shown_span},
};
use voordeur_eventlog::{Broker as _, BucketName, Deadline, memory::MemoryBroker};
use voordeur_kernel::{ConcernDomain, Span};
use voordeur_routing_domain::{
    ladder::Ladder,
    policy::{Policy, Universe, reach},
    words::{Audience, Urgency},
};

use crate::{DEMO, SAMPLE};

/// The small directory, with these lines after it.
fn with(lines: &str) -> String {
    format!("{DEMO}\n{lines}")
}

fn read(lines: &str) -> (Directory, Vec<Finding>) {
    Directory::parse(&with(lines)).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// Reason and what stands in the line that a finding names.
fn found<'t>(text: &'t str, findings: &[Finding]) -> Vec<(&'static str, &'t str)> {
    let line = |number: usize| text.lines().nth(number - 1).unwrap_or_default();
    findings.iter().map(|finding| (finding.reason, line(finding.line))).collect()
}

fn faults(text: &str) -> Vec<(&'static str, &str)> {
    found(text, &Directory::parse(text).unwrap_err())
}

/// One plain ladder, and whatever comes before and after it.
fn routing(top: &str, rest: &str) -> String {
    format!(
        "[routing]\nversion = 1\ndefault = \"gewoon\"\n{top}
[routing.ladder.gewoon]
steps = [
    {{ audience = \"known_professional\", within = \"4 working hours\" }},
    {{ audience = \"present_at_centre\", within = \"4 working hours\" }},
    {{ audience = \"coordinator\" }},
]
accept = \"2 working days\"
first_contact = \"5 working days\"
answer = \"10 working days\"
repeat = \"8 working hours\"
{rest}"
    )
}

#[test]
fn the_built_in_policy_as_a_file_is_the_one_in_code() {
    let (directory, _) = Directory::parse(DEMO).unwrap();
    assert_eq!(directory.policy(), &Policy::built_in());
    assert!(directory.own_policy().is_none());
    // As a start for one's own: with another version it is a good policy of a directory.
    let own = BUILT_IN.replace("version = 0", "version = 1");
    let (directory, warnings) = read(&own);
    assert!(warnings.iter().all(|warning| warning.reason == "TEST_MUNICIPALITY"), "{warnings:?}");
    let ladders = |policy: &Policy| policy.ladders().cloned().collect::<Vec<_>>();
    assert_eq!(ladders(directory.policy()), ladders(&Policy::built_in()));
    let text = with(BUILT_IN);
    assert_eq!(faults(&text), [("OUT_OF_RANGE", "version = 0")]);
}

#[test]
fn the_sample_has_a_policy_without_a_warning() {
    let (directory, warnings) = Directory::parse(SAMPLE).unwrap();
    assert_eq!(
        warnings.iter().filter(|warning| warning.path.starts_with("routing")).count(),
        0,
        "{warnings:?}"
    );
    let policy = directory.own_policy().unwrap();
    assert_eq!(policy.version(), 1);
    assert!(reach(policy, Universe::Places(&directory.places())).unreachable.is_empty());
    assert_eq!(
        policy.names(&[3, 0]).iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        ["root", "opvang", "taal-en-motoriek"]
    );
    let (again, _) = Directory::parse(&directory.to_toml()).unwrap();
    assert_eq!(again, directory);
    assert_eq!(diff(&directory, &again), []);
}

#[test]
fn every_fault_is_told_at_once_each_with_its_line() {
    let text = with(&routing(
        "answer = \"soon\"\nkleur = 1",
        r#"
[routing.ladder.safety]
steps = [{ audience = "coordinator" }]
accept = "1 hour"
first_contact = "1 hour"
answer = "1 hour"
repeat = "1 hour"

[routing.ladder.kapot]
steps = [
    { audience = "everybody_on_duty", within = "5 minutes" },
    { audience = "present_at_centre" },
    { audience = "coordinator", within = "1 hour" },
]
accept = "2 days"
first_contact = "5 working days"
answer = "10 working days"

[routing.ladder.zonder-vangnet]
steps = [{ audience = "present_at_centre", within = "4 working hours", expertise = [] }]
accept = "6 working days"
first_contact = "5 working days"
answer = "10 working days"
repeat = "0 working hours"

[[routing.route]]
name = "Taal"
when = { urgency = "safety", safety = "acute", colour = "red" }
ladder = "nergens"

[[routing.route]]
name = "plek"
when = { centre = "de-els", organisation = ["nergens", "jeugdhulp-de-brug"], municipality = "0001", group = "zebras", severity = "5-3" }

[[routing.route]]
name = "plek"
when = {}
"#,
    ));
    let told = faults(&text);
    let expected: &[(&str, &str)] = &[
        ("BAD_SPAN", "answer = \"soon\""),
        ("UNKNOWN_KEY", "kleur = 1"),
        ("SAFETY_IS_FIXED", "[routing.ladder.safety]"),
        ("SAFETY_IS_FIXED", "    { audience = \"everybody_on_duty\", within = \"5 minutes\" },"),
        ("REQUIRED", "    { audience = \"present_at_centre\" },"),
        ("NOT_HERE", "    { audience = \"coordinator\", within = \"1 hour\" },"),
        ("REQUIRED", "[routing.ladder.kapot]"),
        ("BAD_SPAN", "accept = \"2 days\""),
        (
            "REQUIRED",
            "steps = [{ audience = \"present_at_centre\", within = \"4 working hours\", expertise = [] }]",
        ),
        ("CLOCKS", "repeat = \"0 working hours\""),
        ("CLOCKS", "accept = \"6 working days\""),
        ("BAD_NAME", "name = \"Taal\""),
        ("SAFETY_IS_FIXED", "when = { urgency = \"safety\", safety = \"acute\", colour = \"red\" }"),
        ("UNKNOWN_KEY", "when = { urgency = \"safety\", safety = \"acute\", colour = \"red\" }"),
        ("UNKNOWN_REFERENCE", "ladder = \"nergens\""),
        ("DUPLICATE", "name = \"plek\""),
        ("REQUIRED", "when = {}"),
    ];
    for one in expected {
        assert!(told.contains(one), "{one:?} is not told: {told:#?}");
    }
    let place = "when = { centre = \"de-els\", organisation = [\"nergens\", \"jeugdhulp-de-brug\"], municipality = \"0001\", group = \"zebras\", severity = \"5-3\" }";
    let there: Vec<&str> =
        told.iter().filter(|(_, line)| *line == place).map(|(reason, _)| *reason).collect();
    let mut there = there;
    there.sort_unstable();
    assert_eq!(
        there,
        [
            "OUT_OF_RANGE",
            "UNKNOWN_MUNICIPALITY",
            "UNKNOWN_REFERENCE",
            "UNKNOWN_REFERENCE",
            "UNKNOWN_REFERENCE",
            "WRONG_KIND",
        ]
    );
}

#[test]
fn a_ladder_that_does_not_end_with_the_coordinator_is_a_fault() {
    let text = with(&routing(
        "",
        "\n[routing.ladder.kort]\nsteps = [\n    { audience = \"coordinator\" },\n    { audience = \"present_at_centre\", within = \"1 working hour\" },\n]
accept = \"1 working day\"\nfirst_contact = \"1 working day\"\nanswer = \"1 working day\"\nrepeat = \"1 working hour\"\n",
    ));
    assert_eq!(
        faults(&text),
        [("NO_CATCH", "steps = ["), ("UNREACHABLE", "    { audience = \"coordinator\" },")]
    );
}

#[test]
fn a_branch_that_nothing_reaches_is_a_fault_with_the_line_of_what_is_before_it() {
    let text = with(&routing(
        "",
        r#"
[[routing.route]]
name = "ernstig"
when = { severity = "3-5" }

[[routing.route]]
name = "kind-ernstig"
when = { severity = "4", subject = "child" }

[[routing.route]]
name = "taal"
when = { domains = "SPRAAK_TAAL" }

[[routing.route.route]]
name = "zonder-taal"
when = { severity = "5" }

[[routing.route]]
name = "consult"
when = { urgency = "consult", subject = "child" }
"#,
    ));
    let findings = Directory::parse(&text).unwrap_err();
    let line = |wanted: &str| {
        text.lines()
            .position(|line| line == wanted)
            .map(|index| index + 1)
            .unwrap_or_else(|| panic!("{wanted}"))
    };
    let said: Vec<(usize, String)> = findings.iter().map(|f| (f.line, f.description.to_string())).collect();
    let header = |name: &str| line(&format!("name = \"{name}\"")) - 1;
    let caught = format!(
        "no signal gets here: the branch before it in line {} catches all of it; move it up or take it away",
        header("ernstig")
    );
    assert_eq!(
        said,
        [
            (header("kind-ernstig"), caught.clone()),
            (header("zonder-taal"), caught),
            (header("consult"), "no signal gets here: what it asks never goes together".to_owned()),
        ]
    );
    assert!(findings.iter().all(|finding| finding.reason == "UNREACHABLE"));
}

#[test]
fn what_is_odd_is_a_warning_with_its_line() {
    let (_, warnings) = read(&routing(
        "",
        r#"
[routing.ladder.ongebruikt]
steps = [{ audience = "coordinator" }]
accept = "1 working day"
first_contact = "2 working days"
answer = "3 working days"
repeat = "8 working hours"

[routing.ladder.vreemd]
steps = [
    { audience = "present_at_centre", expertise = ["GEZONDHEID"], within = "2 hours" },
    { audience = "neighbouring_centre", within = "9 working hours" },
    { audience = "present_at_centre", within = "9 working hours" },
    { audience = "coordinator" },
]
accept = "1 working day"
first_contact = "2 working days"
answer = "3 working days"
repeat = "8 working hours"

[routing.ladder.lang]
steps = [
    { audience = "present_at_centre", within = "19 working hours" },
    { audience = "coordinator" },
]
accept = "2 working days"
first_contact = "16 working hours"
answer = "3 working days"
repeat = "8 working hours"

[[routing.route]]
name = "vreemd"
when = { severity = "5" }
ladder = "vreemd"

[[routing.route]]
name = "amsterdam"
when = { municipality = "0363" }
ladder = "lang"
"#,
    ));
    let told: Vec<(&str, &str)> = warnings
        .iter()
        .filter(|warning| warning.path.starts_with("routing"))
        .map(|warning| (warning.reason, warning.path.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("LADDER_UNUSED", "routing.ladder.ongebruikt"),
            ("EXPERTISE_MISSING", "routing.ladder.vreemd.steps[0]"),
            ("ON_THE_CLOCK", "routing.ladder.vreemd.steps[0].within"),
            ("NO_ARRANGEMENT", "routing.ladder.vreemd.steps[1]"),
            ("STEPS_OUTLAST_ACCEPT", "routing.ladder.lang.accept"),
            ("CLOCKS_OUT_OF_ORDER", "routing.ladder.lang.first_contact"),
            ("NOTHING_HERE", "routing.route[1]"),
        ]
    );
    let missing = warnings.iter().find(|warning| warning.reason == "EXPERTISE_MISSING").unwrap();
    assert!(missing.description.contains("so it is passed over there; give somebody there"), "{missing}");
}

#[test]
fn a_day_on_which_nobody_is_there_is_told_once_for_the_centre() {
    let text = SAMPLE
        .replace("days = [\"ma\", \"do\", \"vr\"]", "days = [\"ma\"]")
        .replace("days = [\"di\", \"wo\", \"vr\"]", "days = [\"di\", \"wo\"]");
    let (_, warnings) = Directory::parse(&text).unwrap();
    let told: Vec<(&str, &str)> = warnings
        .iter()
        .filter(|warning| warning.reason == "NOBODY_PRESENT")
        .map(|warning| (warning.path.as_str(), &*warning.description))
        .collect();
    let description =
        "no professional is ever present on vr; what comes in then waits or goes to the coordinator";
    assert_eq!(told, [("centre.de-wilg", description)]);
}

#[test]
fn an_arrangement_names_two_centres_and_a_step_that_turns_to_it() {
    let els = "
[centre.de-els]
label = \"Kindcentrum De Els\"
municipality = \"9999\"
holiday_region = \"midden\"
organisations = [\"jeugdhulp-de-brug\"]
";
    let arrangement = "
[[arrangement]]
centre = \"de-wilg\"
neighbour = \"de-els\"
from = 2026-08-01
until = 2027-07-31
";
    let two = DEMO.replace("centres = [\"de-wilg\"]", "centres = [\"de-wilg\", \"de-els\"]");
    let (directory, warnings) = Directory::parse(&format!("{two}{els}{arrangement}")).unwrap();
    assert!(warnings.iter().any(|w| (w.reason, w.path.as_str()) == ("ARRANGEMENT_UNUSED", "arrangement[0]")));
    let neighbours = |day: &str| {
        let keys = directory.neighbours_of("de-wilg", day.parse().unwrap());
        keys.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(neighbours("2027-07-31"), ["de-els"]);
    assert_eq!((neighbours("2026-07-31"), neighbours("2027-08-01")), (vec![], vec![]));
    assert_eq!(directory.neighbours_of("de-els", "2027-01-01".parse().unwrap()).count(), 0);
    let (again, _) = Directory::parse(&directory.to_toml()).unwrap();
    assert_eq!(again, directory);
    let (without, _) = Directory::parse(&format!("{two}{els}")).unwrap();
    let differences: Vec<String> = diff(&without, &directory).iter().map(ToString::to_string).collect();
    assert_eq!(differences, ["+ arrangement.de-wilg.de-els.2026-08-01: until 2027-07-31"]);

    let text = format!(
        "{two}{els}{arrangement}{arrangement}\n[[arrangement]]\ncentre = \"de-els\"\nneighbour = \"de-els\"\nfrom = 2026-08-01\n\n[[arrangement]]\ncentre = \"de-eik\"\nneighbour = \"de-els\"\nfrom = 2026-08-01\n"
    );
    let told: Vec<&str> = faults(&text).into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(told, ["OVERLAP", "ITSELF", "UNKNOWN_REFERENCE"]);
}

#[test]
fn a_changed_policy_is_a_difference_that_can_be_read() {
    let (old, _) = read(&routing("", ""));
    let (new, _) = read(
        &routing("", "\n[[routing.route]]\nname = \"spoed\"\nwhen = { urgency = \"urgent\" }\naccept = \"2 working hours\"\n")
            .replace("version = 1", "version = 2")
            .replace("answer = \"10 working days\"", "answer = \"8 working days\""),
    );
    let differences: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        differences,
        [
            "~ routing.ladder.gewoon.answer: 10 working days -> 8 working days",
            "+ routing.route.spoed.accept: 2 working hours",
            "+ routing.route.spoed.when: urgency = \"urgent\"",
            "~ routing.version: 1 -> 2",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_under_the_same_version_is_refused() {
    let broker = MemoryBroker::new();
    let store = DirectoryStore::new(Arc::clone(&broker.bucket(BucketName::Directory)));
    let soon = || Deadline::now() + Duration::from_secs(30);
    let policy = |version: u32, answer: u32| {
        let lines = routing("", "").replace("version = 1", &format!("version = {version}"));
        with(&lines.replace("10 working days", &format!("{answer} working days")))
    };
    store.apply(&policy(2, 10), 0, soon()).await.unwrap();
    let refused = Err(DirectoryError::PolicyVersion { version: 2, newest: 2 });
    assert_eq!(store.apply(&policy(2, 9), 1, soon()).await.map(|_| ()), refused);
    let lower = Err(DirectoryError::PolicyVersion { version: 1, newest: 2 });
    assert_eq!(store.apply(&policy(1, 9), 1, soon()).await.map(|_| ()), lower);
    // Another part may change under the same policy, and the built-in one may return.
    let other = policy(2, 10).replace("label = \"Noor\"", "label = \"Noor 2\"");
    store.apply(&other, 1, soon()).await.unwrap();
    store.apply(DEMO, 2, soon()).await.unwrap();
    // It does not make the old number free again.
    let refused = Err(DirectoryError::PolicyVersion { version: 2, newest: 2 });
    assert_eq!(store.apply(&policy(2, 9), 3, soon()).await.map(|_| ()), refused);
    store.apply(&policy(3, 9), 3, soon()).await.unwrap();
    assert_eq!(store.current(soon()).await.unwrap().directory.policy().version(), 3);
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (5_u32..200).prop_map(Span::WorkingDays),
        (1_u32..2000).prop_map(Span::WorkingMinutes),
        (1_u64..100_000).prop_map(Span::Elapsed),
    ]
}

/// A table in curly brackets, out of parts of which one may be left out.
fn when() -> impl Strategy<Value = String> {
    let words = |key: &'static str, all: &'static [&'static str]| {
        option::weighted(0.3, subsequence(all, 1..=all.len())).prop_map(move |some| {
            some.map(|some| {
                format!(
                    "{key} = [{}]",
                    some.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ")
                )
            })
        })
    };
    let domains = option::weighted(0.4, subsequence(ConcernDomain::ALL.to_vec(), 1..=3)).prop_map(|some| {
        some.map(|some| {
            format!(
                "domains = [{}]",
                some.iter().map(|d| format!("\"{}\"", d.name())).collect::<Vec<_>>().join(", ")
            )
        })
    });
    let severity = option::weighted(0.4, (1_u8..=5, 0_u8..=4))
        .prop_map(|some| some.map(|(from, more)| format!("severity = \"{from}-{}\"", (from + more).min(5))));
    (
        words("urgency", &["urgent", "regular", "consult"]),
        words("subject", &["child", "group", "consult"]),
        domains,
        severity,
        words("organisation_kind", &["school", "childcare"]),
        words("asked_by", &["staff", "parent", "child"]),
        words("group", &["groep-3", "vossen"]),
        option::weighted(0.2, any::<bool>())
            .prop_map(|some| some.map(|wanted| format!("answer_wanted = {wanted}"))),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| {
            [a, b, c, d, e, f, g, h].into_iter().flatten().collect::<Vec<_>>().join(", ")
        })
        .prop_filter("asks something", |parts| !parts.is_empty())
}

fn steps() -> impl Strategy<Value = String> {
    let audience = prop_oneof![
        Just(Audience::KnownProfessional),
        Just(Audience::KnownBackInTime),
        Just(Audience::PresentAtCentre),
        Just(Audience::NeighbouringCentre),
    ];
    let expertise = prop_oneof![
        Just(""),
        Just(", expertise = \"of_the_concern\""),
        Just(", expertise = [\"GEDRAG\", \"SOCIAAL\"]")
    ];
    let step = (audience, expertise, span(), option::of(1_u8..=50)).prop_map(
        |(audience, expertise, within, at_once)| {
            let at_once = at_once.map(|n| format!(", at_once = {n}")).unwrap_or_default();
            format!(
                "{{ audience = \"{}\", within = \"{}\"{expertise}{at_once} }}",
                audience.name(),
                shown_span(within)
            )
        },
    );
    vec(step, 0..5).prop_map(|steps| {
        format!("[{}, {{ audience = \"coordinator\" }}]", steps.join(", ")).replace("[, ", "[")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn printing_and_reading_is_the_identity(steps in vec(steps(), 1..4), whens in vec((when(), 0_usize..4, any::<bool>(), option::of(span())), 0..6)) {
        let mut text = String::from("[routing]\nversion = 3\ndefault = \"l0\"\n");
        for (index, steps) in steps.iter().enumerate() {
            text += &format!("[routing.ladder.l{index}]\nsteps = {steps}\naccept = \"1 working day\"\nfirst_contact = \"2 working days\"\nanswer = \"3 working days\"\nrepeat = \"8 working hours\"\n");
        }
        let mut has_parent = false;
        for (index, (when, ladder, nested, answer)) in whens.iter().enumerate() {
            let table = if *nested && has_parent { "routing.route.route" } else { has_parent = true; "routing.route" };
            text += &format!("[[{table}]]\nname = \"b{index}\"\nwhen = {{ {when} }}\n");
            if *ladder < steps.len() {
                text += &format!("ladder = \"l{ladder}\"\n");
            }
            if let Some(answer @ Span::WorkingDays(_)) = answer {
                text += &format!("answer = \"{}\"\n", shown_span(*answer));
            }
        }
        match Directory::parse(&with(&text)) {
            Ok((directory, _)) => {
                let printed = directory.to_toml();
                let (again, _) = Directory::parse(&printed).map_err(|faults| TestCaseError::fail(format!("{faults:?}")))?;
                prop_assert_eq!(&again, &directory);
                prop_assert_eq!(again.to_toml(), printed);
                prop_assert!(diff(&directory, &again).is_empty());
            }
            // A random tree may have a branch that nothing reaches; nothing else is wrong with it.
            Err(faults) => prop_assert!(faults.iter().all(|fault| fault.reason == "UNREACHABLE"), "{:#?}", faults),
        }
    }
}

#[test]
fn the_ladders_of_the_built_in_policy_have_the_spans_that_are_written_down() {
    let regular = Ladder::built_in(Urgency::Regular).clocks();
    assert_eq!(shown_span(regular.accept), "2 working days");
    assert_eq!(shown_span(regular.first_contact), "5 working days");
    assert_eq!(shown_span(regular.answer), "10 working days");
    assert_eq!(shown_span(Ladder::built_in(Urgency::Consult).clocks().answer), "3 working days");
}
