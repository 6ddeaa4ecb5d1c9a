//! The file that tells where everything was bound, and what the commands of operators need to know of the settings in force.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::failure::Failure;

/// Addresses by service and kind. Other programs see the file whole or not at all.
#[derive(Debug)]
pub(super) struct EndpointsFile {
    path: Option<PathBuf>,
    content: BTreeMap<String, BTreeMap<String, String>>,
}

impl EndpointsFile {
    /// What stands there from an earlier run goes away at once: its addresses are no longer true.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        let file = Self { path, content: BTreeMap::new() };
        file.remove();
        file
    }

    pub(super) fn put<const N: usize>(&mut self, name: &str, addresses: [(&str, String); N]) {
        let addresses = addresses.map(|(kind, address)| (kind.to_owned(), address));
        self.content.insert(name.to_owned(), addresses.into());
    }

    /// More about the same service.
    pub(super) fn add<const N: usize>(&mut self, name: &str, more: [(&str, String); N]) {
        let more = more.map(|(kind, value)| (kind.to_owned(), value));
        self.content.entry(name.to_owned()).or_default().extend(more);
    }

    pub(super) fn write(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
        let text = serde_json::to_string_pretty(&self.content).map_err(|error| failed(error.into()))?;
        let mut draft = path.clone().into_os_string();
        draft.push(format!(".{}", std::process::id()));
        fs::write(&draft, text + "\n").map_err(failed)?;
        fs::rename(&draft, path).map_err(failed)
    }

    pub(super) fn remove(&self) {
        if let Some(path) = &self.path {
            // Not there is as good as removed.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoints.json");
        fs::write(&path, "of an earlier run").unwrap();
        let mut file = EndpointsFile::new(Some(path.clone()));
        assert!(!path.exists());
        file.put(
            "intake",
            [("grpc", "http://127.0.0.1:1".to_owned()), ("http", "http://127.0.0.1:2".to_owned())],
        );
        file.write().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(value["intake"]["grpc"], "http://127.0.0.1:1");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        file.remove();
        assert!(!path.exists());
    }
}
