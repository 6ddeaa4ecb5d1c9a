//! Histories with known answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::Value;
use voordeur_escalation_domain::{
    outcome::{
        CaseFact, CheckFact, Class, Classified, Day, Domain, Endpoint, FactKind, Flag, Imposed, Patch,
        Question, Reason, ReferralFact, ShortKey, Subject, classify,
    },
    words::{Baseline, DomainStatus, LeavingDestination, NeedStatus, ReviewVerdict, WithdrawalScope},
};
use voordeur_kernel::CommitId;

use super::slow;

const GIVEN: &str = include_str!("../vectors/esc-1.json");
const PAGE: &str = include_str!("../../../../../docs/domain/outcomes.md");
const FURTHER: &str = include_str!("../vectors/esc-1-further.json");

struct Vector {
    name: String,
    facts: Vec<CaseFact>,
    question: Question,
    expect: Value,
}

fn vectors(document: &str) -> Vec<Vector> {
    let document: Value = serde_json::from_str(document).unwrap();
    document["vectors"].as_array().unwrap().iter().map(vector).collect()
}

fn vector(vector: &Value) -> Vector {
    let events = vector["events"].as_array().unwrap();
    // Ids in the order of their texts, because the order of ids decides between corrections of one day.
    let texts: BTreeSet<&str> =
        events.iter().flat_map(|e| [e["id"].as_str(), e["target"].as_str()]).flatten().collect();
    let ids: BTreeMap<&str, CommitId> = (1_u128..).map(super::id).zip(texts).map(|(id, t)| (t, id)).collect();
    let observed = day(&vector["T"]);
    Vector {
        name: format!("{} {}", vector["n"], vector["title"]),
        facts: events.iter().map(|event| fact(event, &ids)).collect(),
        question: Question {
            observed,
            window: u16::try_from(vector["W"].as_u64().unwrap()).unwrap(),
            known: if vector["K"].is_null() { observed } else { day(&vector["K"]) },
        },
        expect: vector["expect"].clone(),
    }
}

fn day(value: &Value) -> Day {
    Day::of_date(value.as_str().unwrap().parse::<Date>().unwrap()).unwrap()
}

fn word<T>(value: &Value, words: impl IntoIterator<Item = (&'static str, T)>) -> T {
    let text = value.as_str().unwrap();
    words.into_iter().find(|(name, _)| *name == text).unwrap_or_else(|| panic!("{text}")).1
}

fn level(value: &Value) -> Baseline {
    word(
        value,
        [("none", Baseline::None), ("possible", Baseline::Possible), ("imminent", Baseline::Imminent)],
    )
}

fn status(value: &Value) -> DomainStatus {
    let words = [DomainStatus::None, DomainStatus::Referred, DomainStatus::Unknown];
    word(value, ["none", "referred", "unknown"].into_iter().zip(words))
}

fn fact(event: &Value, ids: &BTreeMap<&str, CommitId>) -> CaseFact {
    let key = |name: &str| ShortKey::of_text(event[name].as_str().unwrap());
    let kind = match event["kind"].as_str().unwrap() {
        "SignalReceived" => FactKind::Signal(word(
            &event["subject"],
            [("child", Subject::Child), ("group", Subject::Group), ("anonymous", Subject::Anonymous)],
        )),
        "FirstContact" => FactKind::FirstContact,
        "BaselineAssessed" => FactKind::Baseline(level(&event["level"])),
        "SupportGiven" => FactKind::Support,
        "SpecialistConsulted" => FactKind::Consultation,
        kind @ ("ReferralRequested" | "CareStarted") => {
            let domain =
                word(&event["domain"], [("jeugdhulp", Domain::Jeugdhulp), ("onderwijs", Domain::Onderwijs)]);
            let imposed = match event["route"].as_str().unwrap() {
                "court" => Some(Imposed::Court),
                "crisis" => Some(Imposed::Crisis),
                _ => None,
            };
            FactKind::Referral(ReferralFact {
                referral: key("ref"),
                started: kind == "CareStarted",
                domain,
                endpoint: Endpoint::plain(domain, imposed),
                imposed,
            })
        }
        "ReferralGranted" => FactKind::Granted(key("ref")),
        "ReferralRefused" => FactKind::Refused(key("ref")),
        "ReferralWithdrawn" => FactKind::Withdrawn(key("ref")),
        "CareEnded" => FactKind::CareEnded(key("ref")),
        "ReferralReviewed" => FactKind::Reviewed {
            referral: key("ref"),
            reviewer: key("reviewer"),
            verdict: word(
                &event["verdict"],
                [("needed", ReviewVerdict::Needed), ("avoidable", ReviewVerdict::Avoidable)],
            ),
        },
        "VeiligThuisReported" => FactKind::VeiligThuis,
        "ChildLeft" => {
            let words =
                [LeavingDestination::Regular, LeavingDestination::Specialist, LeavingDestination::Unknown];
            FactKind::Left(word(
                &event["destination"],
                ["regular", "specialist", "unknown"].into_iter().zip(words),
            ))
        }
        "ConsentWithdrawn" => FactKind::ConsentWithdrawn(word(
            &event["scope"],
            [("follow_up", WithdrawalScope::FollowUp), ("all", WithdrawalScope::All)],
        )),
        "FollowUpChecked" => FactKind::Checked(CheckFact {
            covers_until: day(&event["covers_until"]),
            jeugdhulp: status(&event["jeugdhulp"]),
            onderwijs: status(&event["onderwijs"]),
            need: word(
                &event["need"],
                [("ok", NeedStatus::Ok), ("concern", NeedStatus::Concern), ("unknown", NeedStatus::Unknown)],
            ),
        }),
        "EpisodeClosed" => FactKind::Closed,
        "Corrected" => {
            let set = &event["set"];
            let patch = match (event["void"].as_bool(), set) {
                (Some(true), _) => Patch::Void,
                (_, Value::Null) => Patch::Stands,
                (_, set) if set["level"].is_string() => Patch::Baseline(level(&set["level"])),
                (_, set) => Patch::Effective(day(&set["effective"])),
            };
            FactKind::Corrected { target: ids[event["target"].as_str().unwrap()], patch }
        }
        other => panic!("{other}"),
    };
    CaseFact {
        id: ids[event["id"].as_str().unwrap()],
        effective: day(&event["effective"]),
        recorded: day(&event["recorded"]),
        order: 0,
        kind,
    }
}

/// What is different from what is expected.
fn differences(vector: &Vector, found: &slow::Answer) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |field: &str, found: Value| {
        if let Some(expected) = vector.expect.get(field)
            && *expected != found
        {
            differences.push(format!("{}: {field} {found} for {expected}", vector.name));
        }
    };
    compare("class", found.class.into());
    compare("reason", found.reason.into());
    compare("day", found.day.into());
    let survival = found.survival.map(|(time, cause)| serde_json::json!({"time": time, "cause": cause}));
    compare("survival", survival.into());
    for flag in vector.expect["flags_include"].as_array().into_iter().flatten() {
        if !found.flags.contains(flag.as_str().unwrap()) {
            differences.push(format!("{}: no flag {flag} in {:?}", vector.name, found.flags));
        }
    }
    differences
}

fn all_come_out(document: &str, answer: impl Fn(&Vector) -> slow::Answer) {
    let differences: Vec<_> =
        vectors(document).iter().flat_map(|vector| differences(vector, &answer(vector))).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn found(vector: &Vector) -> Classified {
    classify(&vector.facts, vector.question).unwrap()
}

#[test]
fn the_given_histories_come_out() {
    assert_eq!(vectors(GIVEN).len(), 42);
    all_come_out(GIVEN, |vector| found(vector).into());
}

#[test]
fn our_own_histories_come_out() {
    assert_eq!(vectors(FURTHER).len(), 68);
    all_come_out(FURTHER, |vector| found(vector).into());
}

#[test]
fn the_second_implementation_gives_them_too() {
    for document in [GIVEN, FURTHER] {
        all_come_out(document, |vector| slow::answer(&vector.facts, vector.question));
    }
}

#[test]
fn every_expectation_names_fields_that_are_compared() {
    for vector in [GIVEN, FURTHER].into_iter().flat_map(vectors) {
        for (field, _) in vector.expect.as_object().unwrap() {
            let known = ["class", "reason", "day", "survival", "flags_include"];
            assert!(known.contains(&field.as_str()), "{}: {field}", vector.name);
        }
        assert!(vector.expect["class"].is_string() && vector.expect["reason"].is_string(), "{}", vector.name);
    }
}

#[test]
fn the_page_for_people_names_every_class_reason_and_flag_and_every_child_of_its_examples_is_here() {
    let names = Class::ALL.iter().map(|class| class.as_str());
    let names = names.chain(Reason::ALL.iter().map(|reason| reason.as_str()));
    for name in names.chain(Flag::ALL.iter().map(|flag| flag.as_str())) {
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
    let examples = PAGE.split_once("## Worked examples").unwrap().1.split_once("\n## ").unwrap().0;
    let children: Vec<_> =
        examples.lines().filter_map(|line| line.strip_prefix("**")?.split_once(".**")).collect();
    assert_eq!(children.len(), 7);
    for (child, _) in children {
        assert!(FURTHER.contains(&format!("\"title\": \"Page: {child}")), "{child}");
    }
}
