//! The graph of dependencies is a reviewed file: an edge that is not in `allowed-dependencies.toml` fails, with what to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::Deserialize;

use crate::steps::{cargo, output};

/// The reviewed file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    /// Our packages, each with our packages it may name.
    packages: BTreeMap<String, Edges>,
    /// Third-party crates that only some packages may name.
    #[serde(default)]
    reserved: Vec<Reserved>,
    /// Packages that may name nothing but what stands here.
    #[serde(default)]
    pure: Vec<Pure>,
}

#[derive(Deserialize, Default, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
struct Edges {
    #[serde(default)]
    normal: BTreeSet<String>,
    #[serde(default)]
    dev: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reserved {
    crates: Vec<String>,
    only: Vec<String>,
    #[serde(default)]
    in_tests: Vec<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pure {
    packages: Vec<String>,
    normal: Vec<String>,
    dev: Vec<String>,
    why: String,
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

impl Package {
    /// Our own packages it names, and the others: normal (and build) apart from dev.
    fn edges(&self) -> (Edges, Edges) {
        let (mut ours, mut others) = (Edges::default(), Edges::default());
        for dependency in &self.dependencies {
            let edges = if dependency.path.is_some() { &mut ours } else { &mut others };
            let of_kind =
                if dependency.kind.as_deref() == Some("dev") { &mut edges.dev } else { &mut edges.normal };
            of_kind.insert(dependency.name.clone());
        }
        (ours, others)
    }
}

const FILE: &str = "crates/xtask/allowed-dependencies.toml";

/// Compares the workspace with the reviewed file.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let metadata = output(&mut cargo(root, ["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let text = fs::read_to_string(root.join(FILE)).map_err(|e| format!("{FILE}: {e}"))?;
    let reviewed: Reviewed = toml::from_str(&text).map_err(|e| format!("{FILE}: {e}"))?;
    let faults = compare(&reviewed, &metadata);
    if faults.is_empty() {
        println!("{} packages, every edge is a reviewed one", metadata.packages.len());
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

fn compare(reviewed: &Reviewed, metadata: &Metadata) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let (ours, others) = package.edges();
        compare_edges(&mut faults, &package.name, &ours, reviewed.packages.get(&package.name));
        compare_third_party(&mut faults, reviewed, &package.name, &others);
    }
    for name in reviewed.packages.keys() {
        if !metadata.packages.iter().any(|package| package.name == *name) {
            faults.push(format!("{name}: stands in {FILE}, but there is no such package; remove it there"));
        }
    }
    faults
}

fn compare_edges(faults: &mut Vec<String>, name: &str, found: &Edges, allowed: Option<&Edges>) {
    let Some(allowed) = allowed else {
        faults.push(format!("{name}: a new package; give it a table [packages.{name}] in {FILE}"));
        return;
    };
    for (kind, found, allowed) in
        [("normal", &found.normal, &allowed.normal), ("dev", &found.dev, &allowed.dev)]
    {
        for new in found.difference(allowed) {
            faults.push(format!(
                "{name} -> {new} ({kind}): a new edge. If ARCHITECTURE.md still holds with it, add \"{new}\" to \
                 packages.{name}.{kind} in {FILE}, so that it is seen in review; otherwise remove the dependency"
            ));
        }
        for gone in allowed.difference(found) {
            faults.push(format!("{name} -> {gone} ({kind}): no longer there; remove it from {FILE}"));
        }
    }
}

fn compare_third_party(faults: &mut Vec<String>, reviewed: &Reviewed, name: &str, found: &Edges) {
    for rule in &reviewed.reserved {
        for krate in &rule.crates {
            let listed = |list: &[String]| list.iter().any(|allowed| allowed == name);
            if found.normal.contains(krate) && !listed(&rule.only) {
                faults.push(format!(
                    "{name} -> {krate}: only {} may name it: {}",
                    rule.only.join(", "),
                    rule.why
                ));
            }
            if found.dev.contains(krate) && !listed(&rule.only) && !listed(&rule.in_tests) {
                faults.push(format!("{name} -> {krate} (dev): not even in tests: {}", rule.why));
            }
        }
    }
    for rule in reviewed.pure.iter().filter(|rule| rule.packages.iter().any(|package| package == name)) {
        for (kind, found, allowed) in
            [("normal", &found.normal, &rule.normal), ("dev", &found.dev, &rule.dev)]
        {
            for krate in found.iter().filter(|krate| !allowed.contains(krate)) {
                faults.push(format!("{name} -> {krate} ({kind}): {name} is pure: {}", rule.why));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVIEWED: &str = r#"
        [packages.kernel]
        [packages.intake]
        normal = ["kernel"]
        dev = ["testkit"]
        [packages.testkit]
        normal = ["kernel"]
        [[reserved]]
        crates = ["async-nats"]
        only = ["eventlog"]
        in_tests = ["testkit"]
        why = "one room knows the broker"
        [[pure]]
        packages = ["kernel"]
        normal = ["jiff"]
        dev = ["proptest"]
        why = "it knows no runtime"
    "#;

    fn package(name: &str, dependencies: &[(&str, Option<&str>, bool)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, kind, ours)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            path: ours.then(|| "/somewhere".to_owned()),
        });
        Package { name: name.to_owned(), dependencies: dependencies.collect() }
    }

    fn faults(changed: Package) -> Vec<String> {
        let mut packages = vec![
            package("kernel", &[("jiff", None, false), ("proptest", Some("dev"), false)]),
            package(
                "intake",
                &[("kernel", None, true), ("testkit", Some("dev"), true), ("tokio", None, false)],
            ),
            package("testkit", &[("kernel", None, true), ("async-nats", Some("dev"), false)]),
        ];
        packages.retain(|package| package.name != changed.name);
        packages.push(changed);
        compare(&toml::from_str(REVIEWED).unwrap(), &Metadata { packages })
    }

    #[test]
    fn a_workspace_as_reviewed_has_no_faults() {
        let same = package("testkit", &[("kernel", None, true)]);
        assert_eq!(faults(same), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_new_edge_is_found() {
        let table = [
            (
                package("testkit", &[("kernel", None, true), ("intake", None, true)]),
                "testkit -> intake (normal)",
            ),
            (
                package("testkit", &[("kernel", None, true), ("intake", Some("dev"), true)]),
                "testkit -> intake (dev)",
            ),
            (
                package("testkit", &[("kernel", None, true), ("async-nats", None, false)]),
                "only eventlog may name it",
            ),
            (package("kernel", &[("tokio", None, false)]), "kernel is pure: it knows no runtime"),
            (package("kernel", &[("tokio", Some("dev"), false)]), "kernel -> tokio (dev)"),
            (package("kernel", &[("prost-build", Some("build"), false)]), "kernel -> prost-build (normal)"),
            (package("extra", &[]), "extra: a new package"),
        ];
        for (changed, expected) in table {
            let found = faults(changed);
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
        }
    }

    #[test]
    fn an_edge_that_went_away_leaves_the_file_too() {
        let found = faults(package("testkit", &[]));
        assert_eq!(found, [format!("testkit -> kernel (normal): no longer there; remove it from {FILE}")]);
    }

    #[test]
    fn a_test_dependency_is_no_licence_for_a_normal_one() {
        let found = faults(package("intake", &[("kernel", None, true), ("testkit", None, true)]));
        assert!(found[0].contains("intake -> testkit (normal): a new edge"), "{found:?}");
        assert!(found[1].contains("intake -> testkit (dev): no longer there"), "{found:?}");
    }
}
