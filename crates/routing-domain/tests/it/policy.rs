//! The tree of a policy against slow, obviously right ones: what it selects, and which branches nothing reaches.

use proptest::{collection::vec, option, prelude::*, sample::subsequence};
use voordeur_kernel::{
    CentreKey, ConcernDomain, GroupKey, OrganisationKey, Span,
    identifier::{Identifier, Scheme},
};
use voordeur_routing_domain::{
    ladder::{Clocks, Ladder, LadderFault, SomeClocks},
    policy::{
        AskingKind, Branch, BranchPath, Conditions, Domains, Facts, Name, OneOf, Place, Policy, PolicyFault,
        Root, SeverityRange, Universe, Why, reach,
    },
    words::{AskedBy, Audience, ClockKind, SubjectKind, Urgency},
};

/// Domains that branches ask for, and one that none of them does.
const DOMAINS: [ConcernDomain; 4] =
    [ConcernDomain::Gedrag, ConcernDomain::Sociaal, ConcernDomain::SpraakTaal, ConcernDomain::Anders];
const MATTERS: [(Urgency, SubjectKind); 6] = [
    (Urgency::Urgent, SubjectKind::Child),
    (Urgency::Urgent, SubjectKind::Group),
    (Urgency::Urgent, SubjectKind::Consult),
    (Urgency::Regular, SubjectKind::Child),
    (Urgency::Regular, SubjectKind::Group),
    (Urgency::Consult, SubjectKind::Consult),
];

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn municipality(code: &str) -> Identifier {
    Identifier::parse(Scheme::Gemeentecode, code).unwrap()
}

fn place(centre: &str, code: &str, organisation: &str, kind: AskingKind, group: Option<&str>) -> Place {
    Place {
        centre: CentreKey::parse(centre).unwrap(),
        municipality: Some(municipality(code)),
        organisation: Some(OrganisationKey::parse(organisation).unwrap()),
        organisation_kind: Some(kind),
        group: group.map(|group| GroupKey::parse(group).unwrap()),
    }
}

/// A small country: two municipalities, three centres, a school and two childcare organisations.
fn places() -> Vec<Place> {
    vec![
        place("els", "0001", "school-a", AskingKind::School, Some("groep-1")),
        place("els", "0001", "opvang-b", AskingKind::Childcare, None),
        place("den", "0001", "school-a", AskingKind::School, None),
        place("iep", "0002", "opvang-c", AskingKind::Childcare, Some("egels")),
    ]
}

fn facts_at(
    place: &Place,
    matter: (Urgency, SubjectKind),
    domains: Domains,
    severity: u8,
    asked_by: Option<AskedBy>,
    answer_wanted: bool,
) -> Facts {
    Facts {
        urgency: matter.0,
        subject: matter.1,
        domains,
        severity,
        centre: place.centre.clone(),
        municipality: place.municipality.clone(),
        organisation: place.organisation.clone(),
        organisation_kind: place.organisation_kind,
        group: place.group.clone(),
        asked_by,
        answer_wanted,
    }
}

/// Every signal there can be, as far as branches of these tests tell signals apart.
fn everything() -> Vec<Facts> {
    let sets: Vec<Domains> = (1_u8..1 << DOMAINS.len())
        .filter(|set| set.count_ones() <= 3)
        .map(|set| DOMAINS.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, d)| *d).collect())
        .collect();
    let mut all = Vec::new();
    for place in &places() {
        for matter in MATTERS {
            for domains in &sets {
                for severity in 0..=5 {
                    for asked_by in [None, Some(AskedBy::Staff), Some(AskedBy::Parent), Some(AskedBy::Child)]
                    {
                        for answer in [false, true] {
                            all.push(facts_at(place, matter, *domains, severity, asked_by, answer));
                        }
                    }
                }
            }
        }
    }
    all
}

fn ladder(called: &str) -> Ladder {
    let regular = Ladder::built_in(Urgency::Regular);
    Ladder::new(name(called), regular.rungs().to_vec(), regular.clocks()).unwrap()
}

fn branch(called: &str, when: Conditions, branches: Vec<Branch>) -> Branch {
    Branch { name: name(called), when, ladder: None, clocks: SomeClocks::default(), branches }
}

fn policy(branches: Vec<Branch>) -> Policy {
    let root = Root { ladder: name("gewoon"), clocks: SomeClocks::default(), branches };
    Policy::new(7, [ladder("gewoon"), ladder("taal"), ladder("spoed")], root).unwrap()
}

fn some<T: Clone + Ord + std::fmt::Debug + 'static>(
    values: Vec<T>,
) -> impl Strategy<Value = Option<OneOf<T>>> {
    let most = values.len();
    option::weighted(0.25, subsequence(values, 1..=most)).prop_map(|set| set.and_then(OneOf::new))
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let keys = |keys: &[&str]| keys.iter().map(|key| CentreKey::parse(key).unwrap()).collect::<Vec<_>>();
    let matter = (
        some(vec![Urgency::Urgent, Urgency::Regular, Urgency::Consult]),
        some(SubjectKind::ALL.to_vec()),
        option::weighted(0.4, subsequence(DOMAINS[..3].to_vec(), 1..=3)),
        option::weighted(0.3, (1_u8..=5, 0_u8..=4)),
    );
    let asker = (
        some(AskingKind::ALL.to_vec()),
        some(keys(&["els", "den", "iep"])),
        some(vec![municipality("0001"), municipality("0002")]),
        some(["school-a", "opvang-b", "opvang-c"].map(|key| OrganisationKey::parse(key).unwrap()).to_vec()),
        some(["groep-1", "egels"].map(|key| GroupKey::parse(key).unwrap()).to_vec()),
        some(AskedBy::ALL.to_vec()),
        option::weighted(0.15, any::<bool>()),
    );
    (matter, asker).prop_map(|((urgency, subject, domains, severity), asker)| {
        let (organisation_kind, centre, municipality, organisation, group, asked_by, answer_wanted) = asker;
        Conditions {
            urgency,
            subject,
            domains: domains.map(|domains| domains.into_iter().collect()),
            severity: severity.and_then(|(from, more)| SeverityRange::new(from, (from + more).min(5))),
            organisation_kind,
            centre,
            municipality,
            organisation,
            group,
            asked_by,
            answer_wanted,
        }
    })
}

/// Trees up to three deep; branches beside each other are named by their place.
fn branches() -> impl Strategy<Value = Vec<Branch>> {
    let own_ladder = || option::weighted(0.3, prop_oneof![Just("taal"), Just("spoed")]);
    let leaf = (conditions(), own_ladder()).prop_map(|(when, ladder)| (when, ladder, Vec::new()));
    let tree = leaf.prop_recursive(2, 12, 4, move |inner| {
        (conditions(), own_ladder(), vec(inner.prop_map(made), 0..4))
            .prop_map(|(when, ladder, branches)| (when, ladder, renamed(branches)))
    });
    vec(tree.prop_map(made), 0..5).prop_map(renamed)
}

fn made((when, ladder, branches): (Conditions, Option<&'static str>, Vec<Branch>)) -> Branch {
    Branch { ladder: ladder.map(name), ..branch("x", when, branches) }
}

fn renamed(branches: Vec<Branch>) -> Vec<Branch> {
    let named = |(index, branch): (usize, Branch)| Branch { name: name(&format!("b{index}")), ..branch };
    branches.into_iter().enumerate().map(named).collect()
}

/// Every branch with its place.
fn paths(around: &[usize], branches: &[Branch], found: &mut Vec<BranchPath>) {
    for (index, branch) in branches.iter().enumerate() {
        let path = [around, &[index]].concat();
        found.push(path.clone());
        paths(&path, &branch.branches, found);
    }
}

fn all_paths(policy: &Policy) -> Vec<BranchPath> {
    let mut found = Vec::new();
    paths(&[], &policy.root().branches, &mut found);
    found
}

/// Does a signal come to this branch? Said slowly: each branch on the way holds, and none before it at the same place does.
fn comes_to(policy: &Policy, path: &[usize], facts: &Facts) -> bool {
    (1..=path.len()).all(|depth| {
        let (around, own) = (&path[..depth - 1], path[depth - 1]);
        let holds = |index: usize| policy.branch(&[around, &[index]].concat()).unwrap().when.hold(facts);
        holds(own) && !(0..own).any(holds)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_first_branch_that_holds_wins_as_a_slow_search_says(branches in branches()) {
        let policy = policy(branches);
        let paths = all_paths(&policy);
        for facts in everything().iter().step_by(7) {
            let deepest = paths.iter().filter(|path| comes_to(&policy, path, facts)).max_by_key(|path| path.len());
            let expected = policy.names(deepest.map(Vec::as_slice).unwrap_or_default());
            let (selection, looks) = policy.trace(facts);
            prop_assert_eq!(&selection.branch, &expected);
            prop_assert_eq!(&policy.select(facts), &selection);
            prop_assert_eq!(selection.ladder.branch(), expected.as_slice());
            prop_assert_eq!(&looks.iter().rfind(|look| look.holds).unwrap().branch, &expected);
            for look in &looks {
                prop_assert_eq!(look.holds, look.checks.iter().all(|check| check.holds));
            }
        }
    }

    #[test]
    fn every_selection_ends_with_a_step_that_always_catches(branches in branches(), which in 0_usize..2000) {
        let policy = policy(branches);
        let all = everything();
        let facts = &all[which % all.len()];
        let ladder = policy.select(facts).ladder;
        prop_assert_eq!(ladder.rungs().last().unwrap().audience, Audience::Coordinator);
        prop_assert_eq!(ladder.policy_version(), 7);
        let safety = policy.select(&Facts { urgency: Urgency::Safety, ..facts.clone() });
        prop_assert_eq!(safety.ladder, Ladder::safety());
        prop_assert!(safety.branch.is_empty());
    }

    #[test]
    fn what_is_said_of_reaching_agrees_with_trying_every_signal(branches in branches()) {
        let policy = policy(branches);
        let places = places();
        let found = reach(&policy, Universe::Places(&places));
        prop_assert!(found.unsure.is_empty());
        let all = everything();
        let named: Vec<&BranchPath> = found.unreachable.iter().map(|found| &found.branch).collect();
        for path in all_paths(&policy) {
            let reached = all.iter().any(|facts| comes_to(&policy, &path, facts));
            // Of a branch that nothing reaches, those within it are not named again.
            let said = named.iter().any(|named| path.starts_with(named));
            prop_assert_eq!(said, !reached, "{:?}", path);
        }
        for one in &found.unreachable {
            let holds = |path: &[usize], facts: &Facts| policy.branch(path).unwrap().when.hold(facts);
            let arrives = |facts: &Facts| (1..=one.branch.len()).all(|depth| holds(&one.branch[..depth], facts));
            match &one.why {
                Why::Impossible => prop_assert!(!all.iter().any(|facts| holds(&one.branch, facts))),
                Why::Contradicts(around) => {
                    prop_assert!(one.branch.starts_with(around) && around.len() < one.branch.len());
                    prop_assert!(!all.iter().any(arrives));
                }
                Why::Covered(by) => {
                    let concerned: Vec<&Facts> = all.iter().filter(|facts| arrives(facts)).collect();
                    let caught = |by: &[BranchPath]| {
                        concerned.iter().all(|facts| by.iter().any(|path| holds(path, facts)))
                    };
                    prop_assert!(caught(by));
                    for left_out in 0..by.len() {
                        let mut others = by.clone();
                        others.remove(left_out);
                        prop_assert!(!caught(&others), "{:?} is not needed", by[left_out]);
                    }
                }
            }
        }
    }

    #[test]
    fn what_nobody_anywhere_reaches_is_not_reached_here_either(branches in branches()) {
        let policy = policy(branches);
        let places = places();
        let here = reach(&policy, Universe::Places(&places)).unreachable;
        for found in reach(&policy, Universe::Anywhere).unreachable {
            prop_assert!(here.iter().any(|here| found.branch.starts_with(&here.branch)), "{:?}", found);
        }
    }
}

fn when(urgency: Urgency) -> Conditions {
    Conditions { urgency: OneOf::new([urgency]), ..Conditions::default() }
}

fn about(domain: ConcernDomain) -> Conditions {
    Conditions { domains: Some([domain].into_iter().collect()), ..Conditions::default() }
}

fn severity(from: u8, until: u8) -> Conditions {
    Conditions { severity: SeverityRange::new(from, until), ..Conditions::default() }
}

#[test]
fn a_branch_that_one_or_several_before_it_catch_is_named_with_them() {
    let unreachable = |branches| reach(&policy(branches), Universe::Anywhere).unreachable;
    let covered = unreachable(vec![
        branch("taal", about(ConcernDomain::SpraakTaal), vec![]),
        branch("ernstig", severity(3, 5), vec![]),
        branch(
            "ernstige-taal",
            Conditions { domains: about(ConcernDomain::SpraakTaal).domains, ..severity(4, 4) },
            vec![branch("daarbinnen", when(Urgency::Urgent), vec![])],
        ),
    ]);
    assert_eq!(covered.len(), 1);
    assert_eq!((&covered[0].branch, &covered[0].why), (&vec![2], &Why::Covered(vec![vec![0]])));

    let together = unreachable(vec![
        branch("midden", severity(2, 4), vec![]),
        branch(
            "kind",
            Conditions { subject: OneOf::new([SubjectKind::Child]), ..Conditions::default() },
            vec![],
        ),
        branch("spoed", when(Urgency::Urgent), vec![]),
        branch("groep", Conditions { subject: OneOf::new([SubjectKind::Group]), ..severity(1, 3) }, vec![]),
        branch("rest", Conditions { urgency: OneOf::new([Urgency::Regular]), ..severity(1, 3) }, vec![]),
    ]);
    assert_eq!(together.len(), 1);
    assert_eq!(together[0].branch, [4]);
    let Why::Covered(by) = &together[0].why else { panic!("{together:?}") };
    assert_eq!(by, &[vec![1], vec![3]]);

    let contradiction = unreachable(vec![branch(
        "spoed",
        when(Urgency::Urgent),
        vec![branch("ernstig", severity(4, 5), vec![branch("rustig", when(Urgency::Regular), vec![])])],
    )]);
    assert_eq!(contradiction[0].branch, [0, 0, 0]);
    assert_eq!(contradiction[0].why, Why::Contradicts(vec![0]));

    let impossible = Conditions { subject: OneOf::new([SubjectKind::Child]), ..when(Urgency::Consult) };
    assert_eq!(unreachable(vec![branch("nooit", impossible, vec![])])[0].why, Why::Impossible);
}

#[test]
fn a_branch_inherits_and_a_ladder_of_its_own_brings_its_own_clocks() {
    let five = SomeClocks { answer: Some(Span::WorkingDays(11)), ..SomeClocks::default() };
    let tree = vec![Branch {
        clocks: five,
        branches: vec![
            branch(
                "kind",
                Conditions { subject: OneOf::new([SubjectKind::Child]), ..Conditions::default() },
                vec![],
            ),
            Branch { ladder: Some(name("spoed")), ..branch("spoed", when(Urgency::Urgent), vec![]) },
        ],
        ..branch(
            "els",
            Conditions { centre: OneOf::new([CentreKey::parse("els").unwrap()]), ..Conditions::default() },
            vec![],
        )
    }];
    let policy = policy(tree);
    let place = &places()[0];
    let select = |matter| policy.select(&facts_at(place, matter, Domains::NONE, 3, None, true));
    let clocks = |ladder: &Ladder| -> Clocks { ladder.clocks() };
    let regular = Ladder::built_in(Urgency::Regular).clocks();
    let child = select((Urgency::Regular, SubjectKind::Child));
    assert_eq!(child.branch, ["root", "els", "kind"].map(name));
    assert_eq!(clocks(&child.ladder), Clocks { answer: Span::WorkingDays(11), ..regular });
    let urgent = select((Urgency::Urgent, SubjectKind::Group));
    assert_eq!((urgent.ladder.name(), clocks(&urgent.ladder)), (&name("spoed"), regular));
}

#[test]
fn a_policy_that_makes_no_sense_cannot_be_made_and_every_fault_is_told() {
    let tree = vec![
        branch("root", Conditions::default(), vec![]),
        Branch { ladder: Some(name("weg")), ..branch("a", when(Urgency::Safety), vec![]) },
        Branch {
            clocks: SomeClocks { accept: Some(Span::WorkingDays(6)), ..SomeClocks::default() },
            ..branch("a", about(ConcernDomain::Gedrag), vec![])
        },
    ];
    let root = Root { ladder: name("gewoon"), clocks: SomeClocks::default(), branches: tree };
    let safety = Ladder::new(name("safety"), ladder("x").rungs().to_vec(), ladder("x").clocks()).unwrap();
    let faults = Policy::new(1, [ladder("gewoon"), safety], root).unwrap_err();
    assert_eq!(
        faults,
        [
            PolicyFault::FixedLadder(name("safety")),
            PolicyFault::NameTwice { branch: vec![0], name: name("root") },
            PolicyFault::AsksForSafety(vec![1]),
            PolicyFault::UnknownLadder { branch: vec![1], ladder: name("weg") },
            PolicyFault::NameTwice { branch: vec![2], name: name("a") },
            PolicyFault::Clocks { branch: vec![2], fault: LadderFault::OutOfOrder(ClockKind::Accept) },
        ]
    );
}

#[test]
fn a_trace_says_what_was_asked_and_what_was_found() {
    let policy = policy(vec![
        branch(
            "taal",
            Conditions { severity: SeverityRange::new(3, 5), ..about(ConcernDomain::SpraakTaal) },
            vec![],
        ),
        branch(
            "ouders",
            Conditions { asked_by: OneOf::new([AskedBy::Parent, AskedBy::Child]), ..Conditions::default() },
            vec![],
        ),
    ]);
    let domains = [ConcernDomain::SpraakTaal, ConcernDomain::Gedrag].into_iter().collect();
    let facts = facts_at(&places()[0], (Urgency::Regular, SubjectKind::Child), domains, 2, None, true);
    let (selection, looks) = policy.trace(&facts);
    assert_eq!(selection.branch, [name("root")]);
    let said: Vec<Vec<String>> =
        looks.iter().map(|look| look.checks.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(
        said,
        [
            vec![],
            vec!["domains is GEDRAG, SPRAAK_TAAL".to_owned(), "severity is 2, not 3-5".to_owned()],
            vec!["asked_by is not said, not parent or child".to_owned()],
        ]
    );
}

#[test]
fn the_built_in_policy_goes_by_urgency() {
    let policy = Policy::built_in();
    assert!(reach(&policy, Universe::Anywhere).unreachable.is_empty());
    for facts in everything() {
        let ladder = policy.select(&facts).ladder;
        let expected = Ladder::built_in(facts.urgency);
        assert_eq!((ladder.rungs(), ladder.clocks()), (expected.rungs(), expected.clocks()));
    }
    let used: Vec<&str> = policy.used_ladders().into_iter().map(Name::as_str).collect();
    assert_eq!(used, ["consult", "regular", "urgent"]);
    assert_eq!(policy.outcomes().len(), 3);
}
