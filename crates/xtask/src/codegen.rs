//! Generates `crates/contracts/src/gen` from `proto/`, with a protobuf compiler that is a library: no protoc needed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use prost::Message as _;

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
