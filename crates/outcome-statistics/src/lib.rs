//! The statistics of outcomes: what may be said about a few dozen children, how sure that is, and what may be printed.
//!
//! Pure: no clock, no randomness, no wire format. Time is counted in whole days. A value that does not exist is `None`, never 0 or 1:
//! print "niet te bepalen". Numbers equal those of R (survival, cmprsk, stats) to ten digits; `tests/reference` tells how that is kept.
//!
//! | question | here |
//! |---|---|
//! | how long until one thing happens | [`KaplanMeier`] |
//! | which of several things happens first | [`AalenJohansen`] |
//! | do two periods differ | [`log_rank`], [`gray`] |
//! | how sure is a share, or a difference of shares | [`wilson`], [`clopper_pearson`], [`newcombe`] |
//! | does a centre differ from the rest | [`funnel`] |
//! | do two judges agree | [`kappa`] |
//! | what if much is unknown | [`Unknowns`] |
//! | what may be printed | [`disclosure`] |

mod aalen_johansen;
mod binomial;
pub mod disclosure;
pub mod funnel;
mod gray;
mod kaplan_meier;
mod kappa;
mod linear;
mod log_rank;
mod proportion;
mod sample;
mod special;
mod unknowns;

pub use aalen_johansen::{AalenJohansen, Incidence, IncidenceDay};
pub use gray::{Gray, gray};
pub use kaplan_meier::{KaplanMeier, Median, RestrictedMean, Scale, Survival, SurvivalDay};
pub use kappa::{Weights, kappa};
pub use log_rank::{EVENTS_FOR_A_TEST, LogRank, Weighting, log_rank};
pub use proportion::{Interval, clopper_pearson, newcombe, sample_size_per_group, wilson};
pub use sample::{CENSORED, Event, Member, NotComputable, Subject, Timeline};
pub use special::{Confidence, chi_square_upper, normal_cdf, normal_quantile};
pub use unknowns::{Shares, Unknowns};
