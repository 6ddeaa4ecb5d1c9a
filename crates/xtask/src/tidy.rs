//! Style that no other tool checks.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::steps::{command, output};

/// Most lines of a Rust file; one subject seldom needs more.
const LINES_MAX: usize = 600;

/// Rust files that may be longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

/// Words that may not stand anywhere, each with what to do instead. Written in two halves, so that this file passes.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("TO", "DO", "finish it, or say what is absent in the documents"),
    ("FIX", "ME", "mend it"),
    ("<<<<", "<<< ", "settle the merge"),
    ("/ro", "ot/", "no paths of one machine"),
    ("#[ign", "ore", "a test runs or goes"),
];

/// The page that says which tests keep a complaint from coming true.
const NAMES_TESTS: &str = "docs/domain/never.md";

/// Files that are not ours to style.
fn is_foreign(path: &str) -> bool {
    path.starts_with("crates/contracts/src/gen/")
        || path.ends_with(".lock")
        || path.ends_with("package-lock.json")
        || path == "LICENSE"
        || path.starts_with("proto/google/")
        || path.starts_with("tests/fuzz/corpus/")
}

/// Checks every file that is or could be in the repository.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let listed =
        output(&mut command(root, "git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"]))?;
    let mut faults = Vec::new();
    let mut checked = 0;
    let (mut functions, mut named) = (BTreeSet::new(), BTreeSet::new());
    for path in listed.split('\0').filter(|path| !path.is_empty() && !is_foreign(path)) {
        // Deleted but not committed yet, or no text.
        let Ok(text) =
            fs::read(root.join(path)).map_err(drop).and_then(|b| String::from_utf8(b).map_err(drop))
        else {
            continue;
        };
        checked += 1;
        check_text(&mut faults, path, &text);
        if path.ends_with(".md") {
            check_links(&mut faults, root, path, &text);
        }
        if path.ends_with(".rs") {
            functions.extend(names_after(&text, "fn ").map(str::to_owned));
        }
        if path == NAMES_TESTS {
            named.extend(names_after(&text, "`").filter(|name| name.contains('_')).map(str::to_owned));
        }
        if path.ends_with("/Cargo.toml") {
            check_manifest(&mut faults, path, &text);
        }
    }
    let gone = named.difference(&functions).map(|name| format!("{NAMES_TESTS}: there is no test {name}"));
    faults.extend(gone);
    if faults.is_empty() {
        println!("{checked} files are tidy");
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

/// Names in the form of functions that stand right behind a mark.
fn names_after<'t>(text: &'t str, mark: &'static str) -> impl Iterator<Item = &'t str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.split(mark).skip(1).map(move |rest| rest.split_once(|c| !is_part(c)).map_or(rest, |(name, _)| name))
}

fn check_text(faults: &mut Vec<String>, path: &str, text: &str) {
    for (number, line) in (1..).zip(text.lines()) {
        for (half, rest, instead) in FORBIDDEN {
            if line.contains(&format!("{half}{rest}")) {
                faults.push(format!("{path}:{number}: {half}{rest}: {instead}"));
            }
        }
        if line.ends_with([' ', '\t']) {
            faults.push(format!("{path}:{number}: white space at the end of the line"));
        }
        if line.contains('\r') {
            faults.push(format!("{path}:{number}: a carriage return; lines end with a line feed"));
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        faults.push(format!("{path}: the last line ends with one line feed"));
    }
    let lines = text.lines().count();
    if path.ends_with(".rs") && lines > LINES_MAX && !LONGER.iter().any(|(longer, _)| *longer == path) {
        faults.push(format!(
            "{path}: {lines} lines, more than {LINES_MAX}: split it by subject, or list it in crates/xtask/src/tidy.rs with the reason"
        ));
    }
}

/// Links to files of the repository lead somewhere.
fn check_links(faults: &mut Vec<String>, root: &Path, path: &str, text: &str) {
    for target in link_targets(text) {
        let file = target.split('#').next().unwrap_or_default();
        if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
            continue;
        }
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        match inside(&folder.join(file)) {
            Some(inside) if root.join(&inside).exists() => {}
            _ => faults.push(format!("{path}: the link to {target} leads nowhere")),
        }
    }
}

/// What stands between the round brackets of `[text](target)`, outside code.
fn link_targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (start, _) in line.match_indices("](") {
            let rest = line.get(start + 2..).unwrap_or_default();
            found.extend(rest.split_once(')').map(|(target, _)| target));
        }
    }
    found
}

/// The path without `..`; nothing when it leaves the repository.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::ParentDir => {
                if !inside.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

/// Every package obeys the lints of the workspace and takes its versions from there.
fn check_manifest(faults: &mut Vec<String>, path: &str, text: &str) {
    if !text.contains("[lints]\nworkspace = true") {
        faults.push(format!("{path}: add `[lints]` with `workspace = true`"));
    }
    for line in text.lines().filter(|line| line.contains("version = \"")) {
        faults.push(format!("{path}: `{}`: versions stand in the workspace's Cargo.toml", line.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(path: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        check_text(&mut faults, path, text);
        faults
    }

    #[test]
    fn a_tidy_file_has_no_faults() {
        assert_eq!(faults_of("a.rs", "fn a() {}\n"), Vec::<String>::new());
        assert_eq!(faults_of("a.rs", ""), Vec::<String>::new());
    }

    #[test]
    fn every_untidiness_is_found_with_its_line() {
        let table = [
            ("a.md", format!("x\n{}{}\n", "TO", "DO"), "a.md:2: "),
            ("a.rs", "x \n".to_owned(), "a.rs:1: white space"),
            ("a.toml", "x\n\n".to_owned(), "one line feed"),
            ("a.toml", "x".to_owned(), "one line feed"),
            ("a.rs", "x\n".repeat(601), "601 lines"),
        ];
        for (path, text, expected) in table {
            let found = faults_of(path, &text);
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
        }
    }

    #[test]
    fn names_are_found_behind_their_mark() {
        let code: Vec<_> = names_after("fn a_test() {}\nasync fn another2(x: u8)", "fn ").collect();
        assert_eq!(code, ["a_test", "another2"]);
        let page: Vec<_> =
            names_after("| `a_test`, `Other` |", "`").filter(|name| name.contains('_')).collect();
        assert_eq!(page, ["a_test"]);
    }

    #[test]
    fn links_are_followed_inside_the_repository_only() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/adr")).unwrap();
        fs::write(root.path().join("README.md"), "").unwrap();
        let text = "[a](../../README.md#part) [b](https://example.org) [c](absent.md) [d](../../../x)\n```\n[e](f)\n```\n";
        let mut faults = Vec::new();
        check_links(&mut faults, root.path(), "docs/adr/0001.md", text);
        assert_eq!(
            faults,
            [
                "docs/adr/0001.md: the link to absent.md leads nowhere",
                "docs/adr/0001.md: the link to ../../../x leads nowhere"
            ]
        );
    }

    #[test]
    fn a_package_with_its_own_versions_or_lints_is_found() {
        let mut faults = Vec::new();
        check_manifest(&mut faults, "crates/a/Cargo.toml", "[lints]\nworkspace = true\n");
        assert!(faults.is_empty());
        check_manifest(&mut faults, "crates/a/Cargo.toml", "[dependencies]\nx = { version = \"1\" }\n");
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
