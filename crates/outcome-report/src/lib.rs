//! The report on outcomes: from classified cases to what may be printed.
//!
//! Pure: no clock, no randomness, no wire format. Counting ([`Tally`]) is exact and stays inside; what comes out ([`Report`]) has passed the
//! rules on small cells (SDC-1, in `voordeur-outcome-statistics`) and the rules on words ([`lint`]). What each figure is and how it is worked out
//! stands in docs/domain/report.md.

mod counted;
mod declared;
mod disclosure;
pub mod input;
pub mod lint;
mod model;
mod population;
mod question;
mod render;
mod sections;
mod tally;
mod working_days;

pub use disclosure::{Draws, Publications};
pub use model::{Absent, Cell, Changed, Changes, Report, Row, Section, Table, Value};
pub use population::{ALL_CENTRES, COLUMNS, FILE_BYTES_MAX, LineFault, Population, Total};
pub use question::{
    BadPeriod, FINAL_DAYS, LONG_WINDOW_DAYS, Period, Question, SETTLING_DAYS, Status, Subject, WINDOW_DAYS,
    days_after, days_between,
};
pub use render::Refused;
pub use sections::{Beside, INDICATORS, Indicator, NotPublishable, report};
pub use tally::Tally;
pub use working_days::{is_holiday, is_working_day, working_days};

/// The rules on what may be printed.
pub const DISCLOSURE_RULES: &str = "SDC-1";
