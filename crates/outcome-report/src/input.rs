//! What a report is made of: facts per child and per question, already classified. Nothing here can tell who a child is.

use jiff::civil::Date;
use voordeur_escalation_domain::Baseline;

/// Keyed fingerprint of one record. Equal records have equal fingerprints on every replica; the rounding of a count is drawn from those
/// that it counts, so that the same children always give the same figure.
pub type Fingerprint = u64;

/// Was the referral needed, as two independent reviewers found?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Both say so, or a court or a crisis decided.
    Needed,
    /// Both say that it could have been done without.
    Avoidable,
    /// Not reviewed by two, or they differ.
    Unknown,
}

/// Why it is not known what became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The window still runs.
    Pending,
    /// The window is over and nobody asked, or not in both domains.
    NoFollowUpCheck,
    /// Not referred, but it does not go well enough.
    UnmetNeed,
    /// Not referred; how it goes was not asked.
    NeedUnknown,
    /// Not referred, it goes well enough, and no support was given.
    NoSupportGiven,
    /// The child left.
    LeftCentre,
    /// Consent was withdrawn.
    ConsentWithdrawn,
    /// Referred at some unknown moment.
    ReferralDateUnknown,
    /// No judgement, or one that came too late.
    NoValidBaseline,
}

impl Why {
    /// Every reason, in the order of the tables.
    pub const ALL: [Self; 9] = [
        Self::UnmetNeed,
        Self::NeedUnknown,
        Self::NoSupportGiven,
        Self::NoFollowUpCheck,
        Self::LeftCentre,
        Self::ConsentWithdrawn,
        Self::ReferralDateUnknown,
        Self::Pending,
        Self::NoValidBaseline,
    ];
}

/// What the rules say about a child, one year after the judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A referral was requested in the window.
    Referred(Need),
    /// None was, support was given, and it goes well enough.
    NotReferred,
    /// Not known.
    Unknown(Why),
    /// Reported to Veilig Thuis: a route of its own, counted neither for nor against.
    SafetyRoute,
    /// Nobody considered a referral, and none is known.
    NoThreat,
    /// Referred before it began.
    AlreadyReferred,
}

/// Which kind of referral it was: the endpoint list ESC-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Individual, not freely accessible youth care.
    R1,
    /// Special education: a TLV was requested.
    R2,
    /// Medical day-care, or the regular place ended.
    R3,
    /// Crisis, residential, court.
    R4,
}

impl Endpoint {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::R1, Self::R2, Self::R3, Self::R4];
}

/// What ended the time at risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nothing yet; last seen on that day.
    Censored,
    /// A referral.
    Referral,
    /// The child left.
    Left,
    /// A report to Veilig Thuis.
    SafetyRoute,
}

/// Days since the judgement, and what ended them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Survival {
    /// Whole days.
    pub days: u32,
    /// What ended them.
    pub cause: Cause,
}

/// The judgement that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Judged {
    /// On which day.
    pub on: Date,
    /// Is a referral considered?
    pub level: Baseline,
    /// The chance that was judged, 0-100 %.
    pub probability: u8,
    /// What somebody else judged independently.
    pub second: Option<Baseline>,
}

/// Verdict of one reviewer on a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It was needed.
    Needed,
    /// It could have been done without.
    Avoidable,
}

/// How an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Closing {
    /// On which day.
    pub on: Date,
    /// Ended by one side, the family or we.
    pub one_sided: bool,
    /// No other help runs or was requested; nothing when it was not asked.
    pub without_further_help: Option<bool>,
    /// Usefulness according to a parent, 1-10.
    pub usefulness: Option<u8>,
    /// Certainty of whoever asked, 0-10: looking back, and now.
    pub certainty: Option<(u8, u8)>,
    /// Days until a new question on the child, or until nothing is known any more: cause 1 a new question, 2 left.
    pub until_return: Survival,
}

/// How goals of a child were scored, with its parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Goals {
    /// Reached, wholly or partly.
    pub reached: u32,
    /// Not reached, or worse.
    pub not_reached: u32,
    /// Never scored, or not with the parents.
    pub not_scored: u32,
}

/// Where support went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Group or class, work without a child included.
    Floor,
    /// The child.
    Child,
    /// Its parents.
    Parents,
    /// Thinking along, specialists included.
    Consultation,
}

impl Direction {
    /// Every direction.
    pub const ALL: [Self; 4] = [Self::Floor, Self::Child, Self::Parents, Self::Consultation];
}

/// One child with an episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// See [`Fingerprint`].
    pub fingerprint: Fingerprint,
    /// When the first question on it came.
    pub opened_on: Date,
    /// How severe it was, 1-5.
    pub severity: Option<u8>,
    /// When somebody was reached first.
    pub first_contact: Option<Date>,
    /// When the first question was withdrawn.
    pub withdrawn_on: Option<Date>,
    /// The judgement that stands.
    pub judged: Option<Judged>,
    /// What became of it.
    pub outcome: Outcome,
    /// Kind of the first referral inside the window.
    pub endpoint: Option<Endpoint>,
    /// Time at risk, for children at risk.
    pub survival: Option<Survival>,
    /// Whether a referral is known within 730 days; nothing while that is not over.
    pub referred_by_730: Option<bool>,
    /// A referral was requested on days 366-455.
    pub referred_just_after: bool,
    /// A check covered the whole window in both domains, or a referral is known.
    pub followed_up: bool,
    /// Days on which crisis care, a stay or a court measure began (R4).
    pub crises: Vec<Date>,
    /// Verdicts on its referral by two different reviewers.
    pub reviews: Option<(Verdict, Verdict)>,
    /// How it ended.
    pub closing: Option<Closing>,
    /// Its goals.
    pub goals: Goals,
    /// Minutes beschikkingsvrij in the period, by [`Direction::ALL`].
    pub minutes: [u64; 4],
    /// The first day of such support.
    pub first_support: Option<Date>,
    /// Facts that were voided.
    pub voids: u32,
    /// Corrections of a baseline that came too late and were ignored.
    pub ignored_corrections: u32,
    /// Other corrections.
    pub corrections: u32,
}

impl Case {
    /// Was a referral considered? Only those count as threatened.
    #[must_use]
    pub fn at_risk(&self) -> Option<Baseline> {
        let level = self.judged?.level;
        let counts =
            !matches!(self.outcome, Outcome::AlreadyReferred | Outcome::Unknown(Why::NoValidBaseline));
        (level != Baseline::None && counts).then_some(level)
    }
}

/// Whom a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A child.
    Child,
    /// A group.
    Group,
    /// Nobody: a consult.
    Consult,
}

/// How long a concern had been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lasting {
    /// Under two weeks.
    Under2Weeks,
    /// Two to six weeks.
    Under6Weeks,
    /// Six weeks to six months.
    Under6Months,
    /// Over six months.
    Over6Months,
}

impl Lasting {
    /// Every answer, shortest first.
    pub const ALL: [Self; 4] = [Self::Under2Weeks, Self::Under6Weeks, Self::Under6Months, Self::Over6Months];
}

/// One question or concern as it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question {
    /// See [`Fingerprint`].
    pub fingerprint: Fingerprint,
    /// When it came.
    pub on: Date,
    /// Whom it is about.
    pub about: About,
    /// How long the concern had been there.
    pub lasting: Option<Lasting>,
    /// Keyed fingerprint of whoever asked.
    pub asker: Option<u64>,
    /// Certainty of whoever asked, 0-10: when asking, and after the answer.
    pub certainty: Option<(u8, u8)>,
    /// It was withdrawn.
    pub withdrawn: bool,
}

/// Work on the floor, beschikkingsvrij, in the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Floor {
    /// Minutes that were noted.
    pub minutes: u64,
    /// Minutes that were agreed for the centres and the period; nothing when the directory does not say.
    pub available: Option<u64>,
}

/// One agreement of partners, as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its key.
    pub key: String,
    /// Names of the partners.
    pub partners: Vec<String>,
    /// What it is measured by: one of [`crate::INDICATORS`].
    pub indicator: String,
    /// Where it stood, in tenths of the unit of the indicator.
    pub start: i64,
    /// Where the partners want it, in tenths.
    pub ambition: i64,
    /// Hours a year that go into it, when that was agreed.
    pub hours: Option<u32>,
    /// When the partners look again.
    pub review_on: Date,
}

/// The publication before, to say what changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// What was known by the end of this day.
    pub known_on: Date,
    /// `voorlopig` or `definitief`.
    pub status: String,
    /// Rules that it followed.
    pub ruleset: String,
    /// Its figures: path and what was printed.
    pub figures: std::collections::BTreeMap<String, String>,
}
