//! What the service is told at its start.

use std::sync::Arc;

use voordeur_directory::DirectoryWatch;
use voordeur_vault::KeyFile;

/// Settings of escalation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The derivation key; key-encryption keys are not used here.
    pub keys: Arc<KeyFile>,
    /// The directory, when somebody else follows it already; else the service follows it itself.
    pub directory: Option<Arc<DirectoryWatch>>,
}

impl Settings {
    /// The usual settings with these keys.
    #[must_use]
    pub const fn new(keys: Arc<KeyFile>) -> Self {
        Self { keys, directory: None }
    }
}
