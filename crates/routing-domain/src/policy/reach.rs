//! Which branches no signal ever reaches, and what is in their way. Exact: a branch is only named when truly nothing gets there.

use std::collections::{BTreeSet, HashMap};

use voordeur_kernel::{
    CentreKey, ConcernDomain, GroupKey, OrganisationKey, identifier::Identifier, limits::DOMAINS_MAX,
};

use super::{
    AskingKind, Branch, BranchPath, Conditions, Domains, Policy, SEVERITY_MAX,
    regions::{Bits, Region, cover, without},
};
use crate::words::{AskedBy, SubjectKind, Urgency};

/// A place that signals come from: what goes together in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The centre.
    pub centre: CentreKey,
    /// CBS code of its municipality.
    pub municipality: Option<Identifier>,
    /// An organisation that raises signals there.
    pub organisation: Option<OrganisationKey>,
    /// What it is.
    pub organisation_kind: Option<AskingKind>,
    /// One of its groups, or none.
    pub group: Option<GroupKey>,
}

/// Which signals there can be.
#[derive(Debug, Clone, Copy)]
pub enum Universe<'a> {
    /// Any: every organisation at every centre in every municipality, also those that nobody named.
    Anywhere,
    /// Those of a directory.
    Places(&'a [Place]),
}

/// Why nothing reaches a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// There is no signal for which all that it asks holds.
    Impossible,
    /// What it asks contradicts a branch around it.
    Contradicts(BranchPath),
    /// Earlier branches catch all of it; none of these can be left out.
    Covered(Vec<BranchPath>),
}

/// A branch that nothing reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// Which; the branches within it are not named.
    pub branch: BranchPath,
    /// Why.
    pub why: Why,
}

/// What the analysis came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Branches that nothing reaches.
    pub unreachable: Vec<Unreachable>,
    /// Branches whose branches are too many to compare.
    pub unsure: Vec<BranchPath>,
}

/// A value, or what goes together, in one dimension.
enum Atom<'a> {
    Matter(Urgency, SubjectKind),
    Domains(Domains),
    Severity(u8),
    AskedBy(Option<AskedBy>),
    Answer(bool),
    Place(&'a Place),
    Centre(Option<&'a CentreKey>),
    Municipality(Option<&'a Identifier>),
    Organisation(Option<&'a OrganisationKey>),
    Kind(Option<AskingKind>),
    Group(Option<&'a GroupKey>),
}

impl Atom<'_> {
    /// Does what is asked in this dimension hold?
    fn holds(&self, when: &Conditions) -> bool {
        macro_rules! within {
            ($set:expr, $found:expr) => {
                $set.as_ref().is_none_or(|set| $found.is_some_and(|found| set.contains(found)))
            };
        }
        match self {
            Self::Matter(urgency, subject) => {
                within!(when.urgency, Some(urgency)) && within!(when.subject, Some(subject))
            }
            Self::Domains(domains) => when.domains.is_none_or(|wanted| wanted.meets(*domains)),
            Self::Severity(severity) => when.severity.is_none_or(|range| range.contains(*severity)),
            Self::AskedBy(asked_by) => within!(when.asked_by, asked_by.as_ref()),
            Self::Answer(answer) => when.answer_wanted.is_none_or(|wanted| wanted == *answer),
            Self::Place(place) => {
                within!(when.centre, Some(&place.centre))
                    && within!(when.municipality, place.municipality.as_ref())
                    && within!(when.organisation, place.organisation.as_ref())
                    && within!(when.organisation_kind, place.organisation_kind.as_ref())
                    && within!(when.group, place.group.as_ref())
            }
            Self::Centre(centre) => within!(when.centre, *centre),
            Self::Municipality(municipality) => within!(when.municipality, *municipality),
            Self::Organisation(organisation) => within!(when.organisation, *organisation),
            Self::Kind(kind) => within!(when.organisation_kind, kind.as_ref()),
            Self::Group(group) => within!(when.group, *group),
        }
    }
}

/// How soon and about what, as they go together: see [`crate::ladder::urgency`].
const MATTERS: [(Urgency, SubjectKind); 6] = [
    (Urgency::Urgent, SubjectKind::Child),
    (Urgency::Urgent, SubjectKind::Group),
    (Urgency::Urgent, SubjectKind::Consult),
    (Urgency::Regular, SubjectKind::Child),
    (Urgency::Regular, SubjectKind::Group),
    (Urgency::Consult, SubjectKind::Consult),
];

/// Every set of one domain up to as many as a signal has.
fn domain_sets() -> Vec<Domains> {
    let mut sets = BTreeSet::from([Vec::new()]);
    for _ in 0..DOMAINS_MAX {
        let grown: Vec<Vec<ConcernDomain>> = sets
            .iter()
            .flat_map(|set: &Vec<ConcernDomain>| {
                let last = set.last().copied();
                let later = ConcernDomain::ALL.into_iter().filter(move |domain| Some(*domain) > last);
                later.map(move |domain| set.iter().copied().chain([domain]).collect())
            })
            .collect();
        sets.extend(grown);
    }
    sets.into_iter().filter(|set| !set.is_empty()).map(|set| set.into_iter().collect()).collect()
}

/// The values that branches name, and one that none of them names.
fn named<'a, T: Ord + 'a>(
    branches: &[&'a Branch],
    set: impl Fn(&'a Conditions) -> Option<&'a super::OneOf<T>>,
) -> Vec<Option<&'a T>> {
    let values: BTreeSet<&T> =
        branches.iter().filter_map(|branch| set(&branch.when)).flat_map(super::OneOf::iter).collect();
    values.into_iter().map(Some).chain([None]).collect()
}

fn dimensions<'a>(branches: &[&'a Branch], universe: Universe<'a>) -> Vec<Vec<Atom<'a>>> {
    let askers = AskedBy::ALL.iter().copied().map(Some).chain([None]);
    let mut dimensions: Vec<Vec<Atom<'a>>> = vec![
        MATTERS.into_iter().map(|(urgency, subject)| Atom::Matter(urgency, subject)).collect(),
        domain_sets().into_iter().map(Atom::Domains).collect(),
        (0..=SEVERITY_MAX).map(Atom::Severity).collect(),
        askers.map(Atom::AskedBy).collect(),
        vec![Atom::Answer(false), Atom::Answer(true)],
    ];
    match universe {
        Universe::Places(places) => dimensions.push(places.iter().map(Atom::Place).collect()),
        Universe::Anywhere => {
            let kinds = AskingKind::ALL.into_iter().map(Some).chain([None]);
            dimensions.extend([
                named(branches, |when| when.centre.as_ref()).into_iter().map(Atom::Centre).collect(),
                named(branches, |when| when.municipality.as_ref())
                    .into_iter()
                    .map(Atom::Municipality)
                    .collect(),
                named(branches, |when| when.organisation.as_ref())
                    .into_iter()
                    .map(Atom::Organisation)
                    .collect(),
                kinds.map(Atom::Kind).collect(),
                named(branches, |when| when.group.as_ref()).into_iter().map(Atom::Group).collect::<Vec<_>>(),
            ]);
        }
    }
    dimensions
}

/// Every branch, each before those within it.
fn all(policy: &Policy) -> Vec<(BranchPath, &Branch)> {
    let mut found = Vec::new();
    let mut open: Vec<(BranchPath, &Branch)> = Vec::new();
    let within = |path: &[usize], branches: &'_ [Branch]| -> Vec<BranchPath> {
        (0..branches.len()).map(|index| [path, &[index]].concat()).collect()
    };
    let top = within(&[], &policy.root().branches);
    open.extend(top.into_iter().zip(&policy.root().branches).rev());
    while let Some((path, branch)) = open.pop() {
        let below = within(&path, &branch.branches);
        open.extend(below.into_iter().zip(&branch.branches).rev());
        found.push((path, branch));
    }
    found
}

/// What each branch asks, as a box. Values that no branch tells apart are one value.
fn boxes(
    branches: &[(BranchPath, &Branch)],
    universe: Universe<'_>,
) -> (HashMap<BranchPath, Region>, Region) {
    let plain: Vec<&Branch> = branches.iter().map(|(_, branch)| *branch).collect();
    let mut regions: Vec<Vec<Bits>> = vec![Vec::new(); plain.len()];
    let mut whole = Vec::new();
    for atoms in dimensions(&plain, universe) {
        let columns: BTreeSet<Vec<bool>> =
            atoms.iter().map(|atom| plain.iter().map(|branch| atom.holds(&branch.when)).collect()).collect();
        whole.push(Bits::of(columns.iter().map(|_| true)));
        for (row, region) in regions.iter_mut().enumerate() {
            region.push(Bits::of(columns.iter().map(|column| column.get(row).copied().unwrap_or(false))));
        }
    }
    let paths = branches.iter().map(|(path, _)| path.clone());
    (paths.zip(regions.into_iter().map(Region)).collect(), Region(whole))
}

/// Finds the branches that no signal reaches.
#[must_use]
pub fn reach(policy: &Policy, universe: Universe<'_>) -> Reach {
    let branches = all(policy);
    let (boxes, whole) = boxes(&branches, universe);
    let mut analysis = Analysis { boxes, found: Reach::default() };
    analysis.visit(
        &Around { path: Vec::new(), chain: whole.clone(), earlier: Vec::new() },
        vec![whole],
        &policy.root().branches,
    );
    analysis.found
}

struct Analysis {
    boxes: HashMap<BranchPath, Region>,
    found: Reach,
}

/// What lies around the branches that are visited.
struct Around {
    path: BranchPath,
    /// What all branches around them ask together.
    chain: Region,
    /// Branches that are looked at before them, at any depth.
    earlier: Vec<BranchPath>,
}

impl Analysis {
    fn visit(&mut self, around: &Around, mut reaching: Vec<Region>, branches: &[Branch]) {
        let mut earlier = around.earlier.clone();
        for (index, branch) in branches.iter().enumerate() {
            let path = [around.path.as_slice(), &[index]].concat();
            let Some(own) = self.boxes.get(&path).cloned() else { continue };
            let reached: Vec<Region> = reaching.iter().filter_map(|region| region.and(&own)).collect();
            match around.chain.and(&own) {
                Some(chain) if !reached.is_empty() => {
                    let inner = Around { path: path.clone(), chain, earlier: earlier.clone() };
                    self.visit(&inner, reached, &branch.branches);
                }
                chain => {
                    let why = self.why(&path, &own, chain.as_ref(), &earlier);
                    self.found.unreachable.push(Unreachable { branch: path.clone(), why });
                }
            }
            match without(&reaching, &own) {
                Some(rest) => reaching = rest,
                None => {
                    self.found.unsure.push(around.path.clone());
                    return;
                }
            }
            earlier.push(path);
        }
    }

    fn why(&self, path: &[usize], own: &Region, chain: Option<&Region>, earlier: &[BranchPath]) -> Why {
        if own.is_empty() {
            return Why::Impossible;
        }
        let Some(chain) = chain else {
            let ancestors = (1..path.len()).rev().filter_map(|depth| path.get(..depth));
            let alone = |ancestor: &&[usize]| {
                self.boxes.get(*ancestor).is_some_and(|ancestor| ancestor.and(own).is_none())
            };
            // Several together may contradict it where none does alone; then the nearest is named.
            let nearest = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
            return Why::Contradicts(ancestors.clone().find(alone).unwrap_or(nearest).to_vec());
        };
        let region = |path: &BranchPath| self.boxes.get(path);
        let alone = earlier.iter().find(|path| region(path).is_some_and(|region| cover(chain, [region])));
        if let Some(alone) = alone {
            return Why::Covered(vec![alone.clone()]);
        }
        let mut needed: Vec<BranchPath> = earlier
            .iter()
            .filter(|path| region(path).is_some_and(|region| region.and(chain).is_some()))
            .cloned()
            .collect();
        for candidate in needed.clone().into_iter().rev() {
            let others: Vec<&Region> =
                needed.iter().filter(|path| **path != candidate).filter_map(region).collect();
            if cover(chain, others) {
                needed.retain(|path| *path != candidate);
            }
        }
        Why::Covered(needed)
    }
}
