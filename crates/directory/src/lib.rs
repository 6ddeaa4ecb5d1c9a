//! The directory: organisations, centres with their registrations and groups, the people of the team and when they are where.
//!
//! A directory is written as one TOML file, read as a whole (every fault at once, each with its line), stored as a new version under
//! compare-and-set, and followed by the services. What they hold is immutable: an [`Arc<Directory>`](std::sync::Arc) of one version.
//!
//! Names of people are here so that colleagues can be shown to each other; they never leave into events, logs or metrics.

mod agreement;
mod arrangement;
mod check;
mod diff;
mod finding;
mod floor_hours;
mod model;
pub mod municipality;
mod notify;
mod opening;
mod parse;
pub mod policy;
mod presence;
mod print;
mod read;
pub mod register;
mod school_holidays;
mod store;
mod times;
mod watch;

pub use agreement::{Agreement, INDICATORS};
pub use arrangement::Arrangement;
pub use diff::{Difference, diff};
pub use finding::{FileFault, Finding, Warning};
pub use floor_hours::FloorHours;
pub use model::{
    Centre, Directory, Group, HolidayRegion, Opvang, Organisation, OrganisationKind, Period, Person,
    PersonRegistration, Registration,
};
pub use notify::{MailAddress, Notify, NotifyKind};
pub use opening::{Differs, Exception, Opening};
pub use presence::{Presence, Weeks};
pub use school_holidays::{HolidayScope, SchoolHoliday, SchoolYear};
pub use store::{Applied, DirectoryError, DirectoryStore, Stored, VersionInfo};
pub use times::LOOK_AHEAD;
pub use voordeur_kernel::calendar::ZONE;
pub use watch::DirectoryWatch;
