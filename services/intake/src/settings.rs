//! What the service is told at its start.

use std::{sync::Arc, time::Duration};

use voordeur_directory::DirectoryWatch;
use voordeur_vault::{KeyFile, VaultSettings};

/// Settings of intake.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Derivation key and key-encryption keys.
    pub keys: Arc<KeyFile>,
    /// The directory, when somebody else follows it already; else the service follows it itself.
    pub directory: Option<Arc<DirectoryWatch>>,
    /// The vault.
    pub vault: VaultSettings,
    /// How often the fullness of the stream is looked at.
    pub usage_every: Duration,
    /// From which share in use only safety signals are taken, 0.0-1.0.
    pub usage_refuse: f64,
    /// Emergency looks that one person may take in an hour, in one replica.
    pub emergencies_per_hour: usize,
}

impl Settings {
    /// The usual settings with these keys.
    #[must_use]
    pub fn new(keys: Arc<KeyFile>) -> Self {
        Self {
            keys,
            directory: None,
            vault: VaultSettings::default(),
            usage_every: Duration::from_secs(5),
            usage_refuse: 0.8,
            emergencies_per_hour: 5,
        }
    }
}
