//! What may be printed: ruleset SDC-1, for reports that anybody may read. The team on site sees its own cases.
//!
//! 1. A fixed, declared set of tables ([`Table`]), published through one [`Release`]. No free filters on live data.
//! 2. Every count below [`LEAST`] prints as "<10", zero included: a zero tells something about everybody in the row.
//! 3. Where one hidden cell could be found by subtraction, the next smallest is hidden too (first of those that have a hidden cell in their other
//!    line, so that hiding comes to an end), until the hidden cells of a line are at least two and add up to at least 10. Then the table is tried as an attacker would: from what is shown, taken as exact, every hidden cell must
//!    keep at least five possible values; while one does not, more is hidden.
//! 4. Remaining counts are rounded to a multiple of 5, at random and without bias; the draw belongs to the cell ([`Draws`]), so that asking
//!    twice gives the same answer, in whatever table.
//! 5. Percentages only from the rounded counts, with a denominator of at least 30, in whole numbers; 90 and more prints as ">= 90%".
//! 6. Two populations that differ by 1 to 9 children are not both published, a whole and all but 1 to 9 of its parts neither. Tables of which one
//!    describes a part of the other are hidden so that the difference could be published too.
//! 7. No step curves: values at 90, 180 and 365 days, with at least 10 at risk and 10 events ([`curve_values`]).
//!
//! "Taken as exact" is the strong reading: rounding is a second lock and not the first, and which cells are hidden does not depend on
//! the draws.
//!
//! A later *edition* of a table (provisional, then definitive) is another population when children came in or went out, and rule 6 holds
//! for it. Where the same children were judged anew, only rounding and the line of ten stand between the two, because a report must be able to
//! say what changed: who knows from elsewhere that a single child was judged anew, and sees "<10" become a number, knows both counts.

mod audit;
mod beside;
mod curve;
mod grid;
mod population;
mod published;
mod release;
mod suppress;
mod table;

pub use curve::{CURVE_DAYS, CurveValue, curve_value, curve_values};
pub use population::Population;
pub use published::{Entry, Percentage, Published};
pub use release::{Draws, Release, Withheld};
pub use table::{BadTable, Dimension, Table};

/// The smallest count that may be known.
pub const LEAST: u64 = 10;
