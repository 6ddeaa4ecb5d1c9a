//! The public test cases of Alertmanager's routing tree, wherever the concept is the same as ours.
//!
//! NOTICE: the cases are facts taken from Prometheus Alertmanager 0.34.0, commit 68fb2d5759b3a92c0bb2a1a13d4ef7ff5b06256d,
//! `cli/testdata/conf.routing.yml`, `cli/testdata/conf.routing-reverted.yml`, `cli/test_routing_test.go` and `dispatch/route_test.go`.
//! Copyright 2015-2018 Prometheus Team, Apache License 2.0 (<http://www.apache.org/licenses/LICENSE-2.0>). They are written anew as
//! tables in our own words; docs/conformance.md says which map, which do not, and why.
//!
//! How it maps: a label is a fact of the signal (`owner` the organisation, `env` who asked, `group_by` the group, `wait` whether an answer
//! is wanted, `test` the severity), a receiver is a ladder, an option such as `group_wait` is a clock that is inherited.

use voordeur_kernel::{CentreKey, GroupKey, OrganisationKey, Span};
use voordeur_routing_domain::{
    ladder::{Ladder, SomeClocks},
    policy::{AskingKind, Branch, Conditions, Domains, Facts, Name, OneOf, Policy, Root, SeverityRange},
    words::{AskedBy, SubjectKind, Urgency},
};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn ladder(called: &str) -> Ladder {
    let regular = Ladder::built_in(Urgency::Regular);
    Ladder::new(name(called), regular.rungs().to_vec(), regular.clocks()).unwrap()
}

/// Labels of an alert as facts of a signal.
fn facts(labels: &[(&str, &str)]) -> Facts {
    let mut facts = Facts {
        urgency: Urgency::Regular,
        subject: SubjectKind::Child,
        domains: Domains::NONE,
        severity: 0,
        centre: CentreKey::parse("els").unwrap(),
        municipality: None,
        organisation: None,
        organisation_kind: Some(AskingKind::School),
        group: None,
        asked_by: None,
        answer_wanted: false,
    };
    for (label, value) in labels {
        match *label {
            "owner" => facts.organisation = Some(organisation(value)),
            "env" => facts.asked_by = environment(value),
            "group_by" => facts.group = Some(GroupKey::parse(value).unwrap()),
            "wait" => facts.answer_wanted = *value == "long",
            "test" => facts.severity = value.parse().unwrap_or(5),
            other => panic!("{other} is no label of these cases"),
        }
    }
    facts
}

fn organisation(owner: &str) -> OrganisationKey {
    OrganisationKey::parse(&owner.to_lowercase()).unwrap()
}

fn environment(env: &str) -> Option<AskedBy> {
    match env {
        "testing" => Some(AskedBy::Child),
        "production" => Some(AskedBy::Staff),
        _ => None,
    }
}

fn owner(owners: &[&str]) -> Conditions {
    Conditions { organisation: OneOf::new(owners.iter().map(|o| organisation(o))), ..Conditions::default() }
}

fn env(value: &str) -> Conditions {
    Conditions { asked_by: OneOf::new(environment(value)), ..Conditions::default() }
}

fn branch(called: &str, when: Conditions, ladder: Option<&str>, branches: Vec<Branch>) -> Branch {
    Branch { name: name(called), when, ladder: ladder.map(name), clocks: SomeClocks::default(), branches }
}

/// An option that is inherited: the clock `repeat`.
fn repeat(minutes: u32) -> SomeClocks {
    SomeClocks { repeat: Some(Span::WorkingMinutes(minutes)), ..SomeClocks::default() }
}

fn policy(root: &str, branches: Vec<Branch>) -> Policy {
    let receivers = [
        "default",
        "test1",
        "test2",
        "notify-def",
        "notify-a",
        "notify-testing",
        "notify-production-a",
        "notify-production-b",
        "notify-bc",
    ];
    let root = Root { ladder: name(root), clocks: SomeClocks::default(), branches };
    Policy::new(1, receivers.map(ladder), root).unwrap()
}

fn test_is(values: std::ops::RangeInclusive<u8>) -> Conditions {
    Conditions { severity: SeverityRange::new(*values.start(), *values.end()), ..Conditions::default() }
}

#[test]
fn the_command_line_cases_without_continue() {
    let first = || branch("first", test_is(1..=2), Some("test1"), vec![]);
    let second = || branch("second", test_is(2..=2), Some("test2"), vec![]);
    let forward = policy("default", vec![first(), second()]);
    let reverted = policy("default", vec![second(), first()]);
    // Where Alertmanager goes on after a match (`continue`), it is the first of its receivers that we have.
    for (policy, test, receiver) in [
        (&forward, "1", "test1"),
        (&forward, "2", "test1"),
        (&reverted, "2", "test2"),
        (&forward, "volovina", "default"),
    ] {
        assert_eq!(policy.select(&facts(&[("test", test)])).ladder.name().as_str(), receiver, "{test}");
    }
}

/// The tree of `TestRouteMatch`. The branch after `production`, which is only ever reached by `continue`, is not there. Within `role` a child
/// names a receiver: with us a ladder of its own brings its own clocks, so what is inherited is tried without it.
fn match_tree(within_role: Option<&str>) -> Policy {
    let testing = |around: Vec<Branch>| branch("testing", env("testing"), Some("notify-testing"), around);
    let a = branch(
        "team-a",
        owner(&["team-A"]),
        Some("notify-a"),
        vec![testing(vec![]), branch("production", env("production"), Some("notify-production-a"), vec![])],
    );
    let bc = branch("team-b-or-c", owner(&["team-B", "team-C"]), Some("notify-bc"), vec![]);
    let long = Branch {
        clocks: repeat(2),
        ..branch("long", Conditions { answer_wanted: Some(true), ..Conditions::default() }, None, vec![])
    };
    let role = Branch {
        clocks: repeat(7),
        ..branch(
            "role",
            Conditions { group: OneOf::new(GroupKey::parse("role")), ..Conditions::default() },
            None,
            vec![branch("testing", env("testing"), within_role, vec![long])],
        )
    };
    policy("notify-def", vec![a, bc, role])
}

#[test]
fn the_cases_of_matching_choose_the_same_branch_and_receiver() {
    let policy = match_tree(Some("notify-testing"));
    type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str);
    let cases: &[Case] = &[
        (&[("owner", "team-A")], "notify-a", "root/team-a"),
        (&[("owner", "team-A"), ("env", "unset")], "notify-a", "root/team-a"),
        (&[("owner", "team-C")], "notify-bc", "root/team-b-or-c"),
        (&[("owner", "team-A"), ("env", "testing")], "notify-testing", "root/team-a/testing"),
        (&[("owner", "team-A"), ("env", "production")], "notify-production-a", "root/team-a/production"),
        (&[("group_by", "role")], "notify-def", "root/role"),
        (&[("env", "testing"), ("group_by", "role")], "notify-testing", "root/role/testing"),
        (
            &[("env", "testing"), ("group_by", "role"), ("wait", "long")],
            "notify-testing",
            "root/role/testing/long",
        ),
        (&[("owner", "team-D")], "notify-def", "root"),
    ];
    for (labels, receiver, key) in cases {
        let selection = policy.select(&facts(labels));
        let path: Vec<&str> = selection.branch.iter().map(Name::as_str).collect();
        assert_eq!(
            (selection.ladder.name().as_str(), path.join("/")),
            (*receiver, (*key).to_owned()),
            "{labels:?}"
        );
    }
}

#[test]
fn options_are_inherited_until_a_branch_says_otherwise() {
    let policy = match_tree(None);
    let repeat = |labels: &[(&str, &str)]| policy.select(&facts(labels)).ladder.clocks().repeat;
    let default = ladder("default").clocks().repeat;
    assert_eq!(repeat(&[("owner", "team-A")]), default);
    assert_eq!(repeat(&[("group_by", "role")]), Span::WorkingMinutes(7));
    assert_eq!(repeat(&[("group_by", "role"), ("env", "testing")]), Span::WorkingMinutes(7));
    let long = [("group_by", "role"), ("env", "testing"), ("wait", "long")];
    assert_eq!(repeat(&long), Span::WorkingMinutes(2));

    // The case of a parent's option with one child that keeps it and one that does not.
    let parent = Branch {
        clocks: self::repeat(11),
        ..branch(
            "parent",
            owner(&["team-A"]),
            None,
            vec![
                branch("child-1", env("testing"), None, vec![]),
                Branch { clocks: self::repeat(12), ..branch("child-2", env("production"), None, vec![]) },
            ],
        )
    };
    let policy = self::policy("default", vec![parent]);
    for (env, minutes) in [("unset", 11), ("testing", 11), ("production", 12)] {
        let found = policy.select(&facts(&[("owner", "team-A"), ("env", env)])).ladder.clocks().repeat;
        assert_eq!(found, Span::WorkingMinutes(minutes), "{env}");
    }
}

#[test]
fn a_walk_visits_every_branch_before_those_within_it() {
    let visited: Vec<String> = match_tree(Some("notify-testing"))
        .outcomes()
        .iter()
        .map(|(_, ladder)| ladder.name().to_string())
        .collect();
    assert_eq!(
        visited,
        [
            "notify-def",
            "notify-a",
            "notify-testing",
            "notify-production-a",
            "notify-bc",
            "notify-def",
            "notify-testing",
            "notify-testing",
        ]
    );
}

#[test]
fn what_a_negative_matcher_keeps_out_is_caught_by_a_branch_before_it() {
    // owner="team-A" and level!="critical" becomes: critical first, then team A.
    let critical = branch("critical", test_is(5..=5), Some("notify-def"), vec![]);
    let a = branch("team-a", owner(&["team-A"]), Some("notify-a"), vec![]);
    let policy = policy("notify-def", vec![critical, a]);
    let receiver = |labels: &[(&str, &str)]| policy.select(&facts(labels)).ladder.name().to_string();
    assert_eq!(receiver(&[("owner", "team-A")]), "notify-a");
    assert_eq!(receiver(&[("owner", "team-A"), ("test", "4")]), "notify-a");
    assert_eq!(receiver(&[("owner", "team-A"), ("test", "critical")]), "notify-def");
}

#[test]
fn every_branch_has_an_identity_of_its_own() {
    // The same conditions beside each other would have one key there; there they are numbered, here they have names, and the second is
    // told to be unreachable.
    let twice = |called: &str| branch(called, owner(&["team-A"]), Some("test1"), vec![]);
    let policy = policy("default", vec![twice("first"), twice("second")]);
    let names: Vec<String> = policy
        .outcomes()
        .iter()
        .map(|(path, _)| policy.names(path).iter().map(Name::as_str).collect::<Vec<_>>().join("/"))
        .collect();
    assert_eq!(names, ["root", "root/first", "root/second"]);
    let unreachable =
        voordeur_routing_domain::policy::reach(&policy, voordeur_routing_domain::policy::Universe::Anywhere);
    assert_eq!(unreachable.unreachable.len(), 1);
}
