//! Which ladder a signal gets: a tree of named branches whose root always catches. The first branch that holds wins, and within it the
//! first of its branches; what a branch does not say it has from the branch around it.
//!
//! A safety signal never enters the tree, so no policy changes what happens to it.

mod conditions;
mod domains;
mod facts;
mod name;
mod reach;
mod regions;

use std::collections::{BTreeMap, BTreeSet};

pub use conditions::{Check, Conditions, OneOf, SeverityRange};
pub use domains::Domains;
pub use facts::{AskingKind, Facts, SEVERITY_MAX};
pub use name::{BadName, Name};
pub use reach::{Place, Reach, Universe, Unreachable, Why, reach};

use crate::{
    ladder::{Ladder, LadderFault, SomeClocks, faults_of_clocks},
    words::Urgency,
};

/// Name of the root in a path of branches.
pub const ROOT: &str = "root";
/// Deepest branch below the root.
pub const DEPTH_MAX: usize = 8;
/// Most branches of one policy.
pub const BRANCHES_MAX: usize = 1000;

/// A branch: what it asks, and what it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name, once among the branches beside it.
    pub name: Name,
    /// What it asks.
    pub when: Conditions,
    /// Name of its ladder; that of the branch around it when left out.
    pub ladder: Option<Name>,
    /// Its own clocks; the others are those around it, or of its own ladder.
    pub clocks: SomeClocks,
    /// Branches within it; when none of them holds it decides itself.
    pub branches: Vec<Branch>,
}

/// What the root brings when no branch holds. It asks nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Name of its ladder.
    pub ladder: Name,
    /// Its own clocks.
    pub clocks: SomeClocks,
    /// The branches, the first that holds wins.
    pub branches: Vec<Branch>,
}

/// A policy: ladders by name, and the tree that chooses one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    version: u64,
    ladders: BTreeMap<Name, Ladder>,
    root: Root,
}

/// Places of branches in the tree, from the root: `[1, 0]` is the first branch within the second one; empty is the root.
pub type BranchPath = Vec<usize>;

/// What keeps ladders and branches from being a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// A name that is fixed.
    #[error("the ladder {0} is fixed and cannot be made here")]
    FixedLadder(Name),
    /// A branch, or the root, names a ladder that is not there.
    #[error("there is no ladder {ladder}")]
    UnknownLadder {
        /// Which branch.
        branch: BranchPath,
        /// The name.
        ladder: Name,
    },
    /// Two branches beside each other with one name, or one that is called as the root.
    #[error("the name {name} stands beside it already")]
    NameTwice {
        /// The second one.
        branch: BranchPath,
        /// The name.
        name: Name,
    },
    /// A branch that asks for safety.
    #[error("a safety signal never enters the tree")]
    AsksForSafety(BranchPath),
    /// A branch that asks for one of no domains.
    #[error("name at least one domain")]
    NoDomain(BranchPath),
    /// The clocks that a branch ends up with.
    #[error("the clocks do not fit together: {fault}")]
    Clocks {
        /// Which branch.
        branch: BranchPath,
        /// What is wrong.
        fault: LadderFault,
    },
    /// Branches within branches within branches.
    #[error("branches lie at most {DEPTH_MAX} deep")]
    TooDeep(BranchPath),
    /// A tree that nobody can oversee.
    #[error("a policy has at most {BRANCHES_MAX} branches")]
    TooMany,
}

/// What the tree came to for one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Names of the branches that hold, the root first; empty for a safety signal.
    pub branch: Vec<Name>,
    /// The ladder with its clocks; it carries the branch and the version of the policy.
    pub ladder: Ladder,
}

/// One branch that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Names from the root to it.
    pub branch: Vec<Name>,
    /// Does it hold?
    pub holds: bool,
    /// Everything it asks, beside what was found.
    pub checks: Vec<Check>,
}

/// What a branch ends up with after inheriting.
#[derive(Debug, Clone, Copy)]
struct Inherited<'p> {
    ladder: &'p Name,
    clocks: SomeClocks,
}

impl<'p> Inherited<'p> {
    /// A branch with a ladder of its own begins with the clocks of that ladder; single clocks around it do not reach into it.
    fn within(self, branch: &'p Branch) -> Self {
        let around = if branch.ladder.is_some() { SomeClocks::default() } else { self.clocks };
        let SomeClocks { accept, first_contact, answer, repeat } = branch.clocks;
        Self {
            ladder: branch.ladder.as_ref().unwrap_or(self.ladder),
            clocks: SomeClocks {
                accept: accept.or(around.accept),
                first_contact: first_contact.or(around.first_contact),
                answer: answer.or(around.answer),
                repeat: repeat.or(around.repeat),
            },
        }
    }
}

impl Root {
    const fn inherited(&self) -> Inherited<'_> {
        Inherited { ladder: &self.ladder, clocks: self.clocks }
    }
}

impl Policy {
    /// Makes a policy.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(
        version: u64,
        ladders: impl IntoIterator<Item = Ladder>,
        root: Root,
    ) -> Result<Self, Vec<PolicyFault>> {
        let ladders: BTreeMap<Name, Ladder> =
            ladders.into_iter().map(|ladder| (ladder.name().clone(), ladder)).collect();
        let mut faults: Vec<PolicyFault> = ladders
            .keys()
            .filter(|name| matches!(name.as_str(), Ladder::SAFETY | Ladder::FOLLOW_UP))
            .map(|name| PolicyFault::FixedLadder(name.clone()))
            .collect();
        let policy = Self { version, ladders, root };
        policy.faults_of(&mut faults);
        if faults.is_empty() { Ok(policy) } else { Err(faults) }
    }

    /// What holds where a directory brings no policy: version 0. The same stands as a file in the directory's format, for people to read
    /// and to begin with.
    #[must_use]
    pub fn built_in() -> Self {
        let by_urgency = |urgency: Urgency| Branch {
            name: Name::fixed(urgency.name()),
            when: Conditions { urgency: OneOf::new([urgency]), ..Conditions::default() },
            ladder: Some(Name::fixed(urgency.name())),
            clocks: SomeClocks::default(),
            branches: Vec::new(),
        };
        let ladders = [Urgency::Urgent, Urgency::Regular, Urgency::Consult].map(Ladder::built_in);
        let root = Root {
            ladder: Name::fixed(Urgency::Regular.name()),
            clocks: SomeClocks::default(),
            branches: vec![by_urgency(Urgency::Urgent), by_urgency(Urgency::Consult)],
        };
        let ladders = ladders.into_iter().map(|ladder| (ladder.name().clone(), ladder)).collect();
        Self { version: Ladder::BUILT_IN, ladders, root }
    }

    fn faults_of(&self, faults: &mut Vec<PolicyFault>) {
        self.faults_of_outcome(&[], self.root.inherited(), faults);
        let mut count = 0;
        let mut open: Vec<(BranchPath, Inherited<'_>, &[Branch])> =
            vec![(Vec::new(), self.root.inherited(), &self.root.branches)];
        while let Some((around, inherited, branches)) = open.pop() {
            let mut names = BTreeSet::from([ROOT]);
            for (index, branch) in branches.iter().enumerate() {
                count += 1;
                let mut path = around.clone();
                path.push(index);
                if !names.insert(branch.name.as_str()) {
                    faults.push(PolicyFault::NameTwice { branch: path.clone(), name: branch.name.clone() });
                }
                if branch.when.urgency.as_ref().is_some_and(|set| set.contains(&Urgency::Safety)) {
                    faults.push(PolicyFault::AsksForSafety(path.clone()));
                }
                if branch.when.domains.is_some_and(Domains::is_empty) {
                    faults.push(PolicyFault::NoDomain(path.clone()));
                }
                let inherited = inherited.within(branch);
                if branch.ladder.is_some() || branch.clocks != SomeClocks::default() {
                    self.faults_of_outcome(&path, inherited, faults);
                }
                if path.len() >= DEPTH_MAX && !branch.branches.is_empty() {
                    faults.push(PolicyFault::TooDeep(path));
                } else {
                    open.push((path, inherited, &branch.branches));
                }
            }
        }
        if count > BRANCHES_MAX {
            faults.push(PolicyFault::TooMany);
        }
    }

    fn faults_of_outcome(&self, branch: &[usize], inherited: Inherited<'_>, faults: &mut Vec<PolicyFault>) {
        let branch = branch.to_vec();
        let Some(ladder) = self.ladders.get(inherited.ladder) else {
            // It is told once, where it is named.
            if branch.is_empty() || self.branch(&branch).is_some_and(|branch| branch.ladder.is_some()) {
                faults.push(PolicyFault::UnknownLadder { branch, ladder: inherited.ladder.clone() });
            }
            return;
        };
        let clocks = faults_of_clocks(&inherited.clocks.over(ladder.clocks()));
        faults.extend(clocks.into_iter().map(|fault| PolicyFault::Clocks { branch: branch.clone(), fault }));
    }

    /// Its version; 0 is the built-in policy.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Its ladders, in order of name.
    pub fn ladders(&self) -> impl Iterator<Item = &Ladder> {
        self.ladders.values()
    }

    /// The root.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Names of the ladders that the root or a branch uses.
    #[must_use]
    pub fn used_ladders(&self) -> BTreeSet<&Name> {
        let mut used = BTreeSet::from([&self.root.ladder]);
        let mut open: Vec<&Branch> = self.root.branches.iter().collect();
        while let Some(branch) = open.pop() {
            used.extend(branch.ladder.as_ref());
            open.extend(&branch.branches);
        }
        used
    }

    /// A branch; nothing for the root, or when there is none at that place.
    #[must_use]
    pub fn branch(&self, path: &[usize]) -> Option<&Branch> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.root.branches.get(*first)?, |branch, index| branch.branches.get(*index))
    }

    /// Names from the root to a branch.
    #[must_use]
    pub fn names(&self, path: &[usize]) -> Vec<Name> {
        let below = (1..=path.len()).filter_map(|depth| self.branch(path.get(..depth)?));
        std::iter::once(Name::fixed(ROOT)).chain(below.map(|branch| branch.name.clone())).collect()
    }

    /// What the root and every branch come to when they decide, each branch before those within it.
    #[must_use]
    pub fn outcomes(&self) -> Vec<(BranchPath, Ladder)> {
        let mut found = Vec::new();
        let mut open: Vec<(BranchPath, Inherited<'_>, &[Branch])> =
            vec![(Vec::new(), self.root.inherited(), &self.root.branches)];
        while let Some((path, inherited, branches)) = open.pop() {
            for (index, branch) in branches.iter().enumerate().rev() {
                let below = [path.as_slice(), &[index]].concat();
                open.push((below, inherited.within(branch), &branch.branches));
            }
            let names = self.names(&path);
            found.push((path, self.outcome(inherited, names)));
        }
        found
    }

    fn outcome(&self, inherited: Inherited<'_>, names: Vec<Name>) -> Ladder {
        // Every ladder that is named is there. Were it not, the task would still come to somebody.
        let regular = || Ladder::built_in(Urgency::Regular);
        let ladder = self.ladders.get(inherited.ladder).cloned().unwrap_or_else(regular);
        let clocks = inherited.clocks.over(ladder.clocks());
        ladder.found(self.version, names, clocks)
    }

    /// What a signal gets. A safety signal gets the fixed ladder without a look at the tree.
    #[must_use]
    pub fn select(&self, facts: &Facts) -> Selection {
        self.walk(facts, None)
    }

    /// The same walk, with every branch that was looked at, in order. The last one that holds decided.
    #[must_use]
    pub fn trace(&self, facts: &Facts) -> (Selection, Vec<Look>) {
        let mut looks = Vec::new();
        let selection = self.walk(facts, Some(&mut looks));
        (selection, looks)
    }

    fn walk(&self, facts: &Facts, mut looks: Option<&mut Vec<Look>>) -> Selection {
        if facts.urgency == Urgency::Safety {
            return Selection { branch: Vec::new(), ladder: Ladder::safety() };
        }
        let mut names = vec![Name::fixed(ROOT)];
        if let Some(looks) = &mut looks {
            looks.push(Look { branch: names.clone(), holds: true, checks: Vec::new() });
        }
        let mut inherited = self.root.inherited();
        let mut branches = &self.root.branches;
        while let Some(branch) = branches.iter().find(|branch| {
            let holds = branch.when.hold(facts);
            if let Some(looks) = &mut looks {
                let branch_names = names.iter().chain([&branch.name]).cloned().collect();
                looks.push(Look { branch: branch_names, holds, checks: branch.when.checks(facts) });
            }
            holds
        }) {
            names.push(branch.name.clone());
            inherited = inherited.within(branch);
            branches = &branch.branches;
        }
        Selection { ladder: self.outcome(inherited, names.clone()), branch: names }
    }
}
