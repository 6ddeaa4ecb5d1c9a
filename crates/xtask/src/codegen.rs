//! Generates `crates/contracts/src/gen` from `proto/`, with a protobuf compiler that is a library: no protoc needed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use prost::Message as _;

use crate::{
    steps::{command, run},
    tools::Tools,
};

/// Where the generated code stands.
pub(crate) const FOLDER: &str = "crates/contracts/src/gen";

/// Against what breaking changes are found.
pub(crate) const BASELINE: &str = "proto/baseline/descriptors.binpb";

/// Every file of the contracts, in the order of their names.
fn proto_files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("proto/voordeur")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|x| x == "proto") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the generated code into `out`.
pub(crate) fn generate(root: &Path, out: &Path) -> Result<(), String> {
    let files = proto_files(root)?;
    let descriptors = protox::compile(&files, [root.join("proto")]).map_err(|e| format!("{e:?}"))?;
    fs::create_dir_all(out).map_err(|e| e.to_string())?;
    let mut config = tonic_prost_build::Config::new();
    config.bytes(["."]);
    config.enable_type_names();
    tonic_prost_build::configure()
        .out_dir(out)
        .compile_fds_with_config(descriptors.clone(), config)
        .map_err(|e| e.to_string())?;
    fs::write(out.join("descriptors.binpb"), descriptors.encode_to_vec()).map_err(|e| e.to_string())
}

/// Fails when the code in the tree is not what `proto/` gives.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let fresh = root.join(format!("target/codegen-{}", std::process::id()));
    let outcome = generate(root, &fresh).and_then(|()| compare(&fresh, &root.join(FOLDER)));
    let _ = fs::remove_dir_all(&fresh);
    outcome.map_err(|error| format!("{error}\nrun `cargo xtask codegen` and commit what it changes"))
}

fn compare(fresh: &Path, kept: &Path) -> Result<(), String> {
    let names = |folder: &Path| -> Result<BTreeSet<_>, String> {
        let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        entries.map(|entry| entry.map(|e| e.file_name()).map_err(|e| e.to_string())).collect()
    };
    let mut faults = Vec::new();
    for name in names(fresh)?.union(&names(kept)?) {
        match (fs::read(fresh.join(name)), fs::read(kept.join(name))) {
            (Ok(new), Ok(old)) if new == old => {}
            (Ok(_), Ok(_)) => faults.push(format!("{FOLDER}/{} is not up to date", name.display())),
            (Ok(_), Err(_)) => faults.push(format!("{FOLDER}/{} is missing", name.display())),
            (Err(_), _) => faults.push(format!("{FOLDER}/{} belongs to no contract", name.display())),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Records the contracts as they are.
pub(crate) fn record_baseline(root: &Path) -> Result<(), String> {
    let buf = Tools::new(root)?.node()?.join("node_modules/.bin/buf");
    run(&mut command(root, buf, ["build", "--output", BASELINE]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_missing_and_left_over_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let [fresh, kept] = ["fresh", "kept"].map(|name| folder.path().join(name));
        for side in [&fresh, &kept] {
            fs::create_dir(side).unwrap();
            fs::write(side.join("same.rs"), "1").unwrap();
        }
        assert_eq!(compare(&fresh, &kept), Ok(()));
        fs::write(fresh.join("changed.rs"), "1").unwrap();
        fs::write(kept.join("changed.rs"), "2").unwrap();
        fs::write(fresh.join("new.rs"), "").unwrap();
        fs::write(kept.join("old.rs"), "").unwrap();
        let error = compare(&fresh, &kept).unwrap_err();
        assert_eq!(
            error.lines().map(|line| line.rsplit('/').next().unwrap()).collect::<Vec<_>>(),
            ["changed.rs is not up to date", "new.rs is missing", "old.rs belongs to no contract"]
        );
    }

    #[test]
    fn the_code_in_the_tree_is_what_the_contracts_give() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        assert_eq!(check(&root), Ok(()));
    }
}
