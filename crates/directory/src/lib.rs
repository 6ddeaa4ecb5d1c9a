//! The directory: organisations, centres with their registrations and groups, the people of the team and when they are where.
//!
//! A directory is written as one TOML file, read as a whole (every fault at once, each with its line), stored as a new version under
//! compare-and-set, and followed by the services. What they hold is immutable: an [`Arc<Directory>`](std::sync::Arc) of one version.
//!
//! Names of people are here so that colleagues can be shown to each other; they never leave into events, logs or metrics.

mod agreement;
mod check;
mod diff;
mod finding;
mod floor_hours;
mod model;
pub mod municipality;
mod parse;
mod presence;
mod print;
mod read;
mod store;
mod watch;

pub use agreement::{Agreement, INDICATORS};
pub use diff::{Difference, diff};
pub use finding::{FileFault, Finding, Warning};
pub use floor_hours::FloorHours;
pub use model::{
    Centre, Directory, Group, HolidayRegion, Opvang, Organisation, OrganisationKind, Period, Person,
    PersonRegistration, Registration,
};
pub use presence::{Presence, ZONE, is_within};
pub use store::{Applied, DirectoryError, DirectoryStore, Stored, VersionInfo};
pub use watch::DirectoryWatch;
