//! The declared set of tables: which there are never depends on the data.

use crate::counted::{Counted, Declared};

const LEVEL: (&str, [&str; 2]) = ("level", ["imminent", "possible"]);
const ALL: (&str, [&str; 1]) = ("all", ["all"]);
const OUTCOME: (&str, [&str; 3]) = ("outcome", ["referred", "not_referred", "unknown"]);
/// Children with a judgement in time.
const JUDGED: (&str, &str) = ("who", "judged");
/// Of those, children for whom a referral was considered.
const THREATENED: (&str, &str) = ("threat", "yes");

/// Everything that is counted in tables.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    /// Children at risk: what became of them.
    pub(crate) outcome: Counted<2, 3>,
    /// Of those referred: where to. The last column: not told.
    pub(crate) endpoints: Counted<2, 5>,
    /// Of those of whom it is not known: why.
    pub(crate) whys: Counted<7, 2>,
    /// Every child that was judged: threatened or not, referred or not.
    pub(crate) foreseen: Counted<2, 2>,
    /// Children with a first question: how severe it was.
    pub(crate) severity: Counted<1, 4>,
    /// The same children: was there a judgement in time?
    pub(crate) judged: Counted<1, 2>,
    /// Questions: whom about, and whether they were withdrawn.
    pub(crate) about: Counted<3, 2>,
    /// Questions about a child: how long the concern had been there.
    pub(crate) lasting: Counted<1, 5>,
    /// Of those referred: what two reviewers found.
    pub(crate) reviews: Counted<1, 4>,
    /// Episodes that ended: by one side or not.
    pub(crate) one_sided: Counted<1, 2>,
    /// The same: whether other help goes on.
    pub(crate) help: Counted<1, 3>,
    /// The same: what parents say.
    pub(crate) useful: Counted<1, 3>,
    /// Goals of those: reached or not.
    pub(crate) goals: Counted<1, 3>,
    /// Children at risk: was the whole year followed?
    pub(crate) followed: Counted<2, 3>,
    /// Children at risk: requested just after the window?
    pub(crate) just_after: Counted<1, 2>,
    /// Children at risk: referred within 730 days?
    pub(crate) long: Counted<2, 2>,
    /// Every child that was judged: what was corrected.
    pub(crate) corrections: Counted<1, 4>,
    /// Every child that was judged: was there a second, independent judgement?
    pub(crate) second: Counted<1, 2>,
    /// Every child that was judged: the judged chance, and what became of it.
    pub(crate) calibration: Counted<5, 3>,
    /// Starts of crisis care, stays and court measures.
    pub(crate) crises: Counted<1, 1>,
}

impl Tables {
    pub(crate) const fn new() -> Self {
        Self {
            outcome: Counted::new(Declared { about: &[JUDGED, THREATENED], rows: LEVEL, columns: OUTCOME }),
            endpoints: Counted::new(Declared {
                about: &[JUDGED, THREATENED, ("outcome", "referred")],
                rows: LEVEL,
                columns: ("endpoint", ["r1", "r2", "r3", "r4", "not_told"]),
            }),
            whys: Counted::new(Declared {
                about: &[JUDGED, THREATENED, ("outcome", "unknown")],
                rows: (
                    "why",
                    ["unmet_need", "need_unknown", "no_support", "no_check", "left", "pending", "other"],
                ),
                columns: LEVEL,
            }),
            foreseen: Counted::new(Declared {
                about: &[JUDGED],
                rows: ("threat", ["yes", "no"]),
                columns: ("outcome", ["referred", "not_known_to_be"]),
            }),
            severity: Counted::new(Declared {
                about: &[("who", "first_question")],
                rows: ALL,
                columns: ("severity", ["1_2", "3", "4_5", "not_asked"]),
            }),
            judged: Counted::new(Declared {
                about: &[("who", "first_question")],
                rows: ALL,
                columns: ("judged_in_time", ["yes", "no"]),
            }),
            about: Counted::new(Declared {
                about: &[("who", "questions")],
                rows: ("about", ["child", "group", "consult"]),
                columns: ("withdrawn", ["no", "yes"]),
            }),
            lasting: Counted::new(Declared {
                about: &[("who", "questions"), ("about", "child")],
                rows: ALL,
                columns: (
                    "lasting",
                    ["under_2_weeks", "under_6_weeks", "under_6_months", "over_6_months", "not_asked"],
                ),
            }),
            reviews: Counted::new(Declared {
                about: &[JUDGED, THREATENED, ("outcome", "referred")],
                rows: ALL,
                columns: ("review", ["needed", "avoidable", "disagree", "not_reviewed"]),
            }),
            one_sided: Counted::new(Declared {
                about: &[("who", "ended")],
                rows: ALL,
                columns: ("one_sided", ["yes", "no"]),
            }),
            help: Counted::new(Declared {
                about: &[("who", "ended")],
                rows: ALL,
                columns: ("further_help", ["none", "some", "not_asked"]),
            }),
            useful: Counted::new(Declared {
                about: &[("who", "ended")],
                rows: ALL,
                columns: ("useful", ["7_or_more", "below_7", "no_answer"]),
            }),
            goals: Counted::new(Declared {
                about: &[("who", "goals")],
                rows: ALL,
                columns: ("goal", ["reached", "not_reached", "not_discussed"]),
            }),
            followed: Counted::new(Declared {
                about: &[JUDGED, THREATENED],
                rows: LEVEL,
                columns: ("followed", ["yes", "no", "pending"]),
            }),
            just_after: Counted::new(Declared {
                about: &[JUDGED, THREATENED],
                rows: ALL,
                columns: ("just_after", ["yes", "no"]),
            }),
            long: Counted::new(Declared {
                about: &[JUDGED, THREATENED],
                rows: LEVEL,
                columns: ("by_730", ["referred", "not_known_to_be"]),
            }),
            corrections: Counted::new(Declared {
                about: &[JUDGED],
                rows: ALL,
                columns: ("corrected", ["nothing", "corrected", "voided", "too_late"]),
            }),
            second: Counted::new(Declared {
                about: &[JUDGED],
                rows: ALL,
                columns: ("second", ["yes", "no"]),
            }),
            calibration: Counted::new(Declared {
                about: &[JUDGED],
                rows: ("chance", ["0_19", "20_39", "40_59", "60_79", "80_100"]),
                columns: OUTCOME,
            }),
            crises: Counted::new(Declared {
                about: &[("who", "crises")],
                rows: ALL,
                columns: ("one", ["all"]),
            }),
        }
    }
}

/// Children at risk of the period before, for the comparison: how many.
pub(crate) const fn before() -> Counted<2, 1> {
    Counted::new(Declared { about: &[JUDGED, THREATENED], rows: LEVEL, columns: ("one", ["all"]) })
}

/// A total that somebody else counted.
pub(crate) const fn total_of(what: &'static [(&'static str, &'static str)]) -> Counted<1, 1> {
    Counted::new(Declared { about: what, rows: ALL, columns: ("one", ["all"]) })
}
