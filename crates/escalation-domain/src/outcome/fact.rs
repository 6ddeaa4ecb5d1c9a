//! The dated facts that the rules look at, without anything that they do not look at.

use voordeur_kernel::CommitId;

use super::{
    day::Day,
    endpoints::{Endpoint, Imposed},
};
use crate::words::{Baseline, DomainStatus, LeavingDestination, NeedStatus, ReviewVerdict, WithdrawalScope};

/// One fact of a case.
///
/// Small on purpose, and nothing in it lies elsewhere: a case has about ten of these, a country has millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseFact {
    /// Which fact it is; corrections name it. The same id twice is the same fact.
    pub id: CommitId,
    /// The day it happened on.
    pub effective: Day,
    /// The day it became known on.
    pub recorded: Day,
    /// Among what became known on one day: which came first. 0 where that isn't known; the id decides then.
    pub order: u32,
    /// What.
    pub kind: FactKind,
}

const _: () = assert!(size_of::<CaseFact>() <= 48, "a case with ten facts must stay below 600 bytes");

impl CaseFact {
    /// Its place in the order in which things became known.
    #[must_use]
    pub const fn place(&self) -> (Day, u32, CommitId) {
        (self.recorded, self.order, self.id)
    }

    /// The first day on which it can have been known: nothing is known before it happened.
    #[must_use]
    pub fn known(&self) -> Day {
        self.recorded.max(self.effective)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// Somebody asked for help.
    Signal(Subject),
    /// The first contact that reached somebody.
    FirstContact,
    /// Is a referral considered?
    Baseline(Baseline),
    /// Support by the embedded professional.
    Support,
    /// A specialist thought along. No referral.
    Consultation,
    /// Somebody asked for specialist care or special education, or that care began.
    Referral(ReferralFact),
    /// A request was granted.
    Granted(ShortKey),
    /// A request was refused.
    Refused(ShortKey),
    /// A request was withdrawn by who asked.
    Withdrawn(ShortKey),
    /// Care ended.
    CareEnded(ShortKey),
    /// Was the referral needed?
    Reviewed {
        /// Which referral.
        referral: ShortKey,
        /// Who reviewed.
        reviewer: ShortKey,
        /// What she finds.
        verdict: ReviewVerdict,
    },
    /// A report to Veilig Thuis. Neutral.
    VeiligThuis,
    /// The child left the centre.
    Left(LeavingDestination),
    /// Consent was withdrawn.
    ConsentWithdrawn(WithdrawalScope),
    /// Somebody asked how it goes.
    Checked(CheckFact),
    /// The work on the case ended. It changes no class.
    Closed,
    /// An earlier fact was wrong.
    Corrected {
        /// That fact. A correction can't be corrected; another one on the same fact can be recorded, and the last one wins.
        target: CommitId,
        /// What is right.
        patch: Patch,
    },
}

/// Who a signal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One child.
    Child,
    /// A group.
    Group,
    /// Nobody in particular: a question without a name.
    Anonymous,
}

/// The two worlds that a follow-up check asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Youth care.
    Jeugdhulp,
    /// Special education.
    Onderwijs,
}

impl Domain {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Jeugdhulp, Self::Onderwijs];
}

/// A request or a start that is an endpoint. What isn't one (the endpoint list decides) is no fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferralFact {
    /// The same for everything about this referral.
    pub referral: ShortKey,
    /// Did care begin (true), or was it asked for (false)?
    pub started: bool,
    /// Which answer of a follow-up check it explains.
    pub domain: Domain,
    /// Its place in the endpoint list.
    pub endpoint: Endpoint,
    /// By a court or in a crisis: needed by definition.
    pub imposed: Option<Imposed>,
}

/// An answer to "how does it go?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckFact {
    /// What is said holds until this day.
    pub covers_until: Day,
    /// A referral to youth care?
    pub jeugdhulp: DomainStatus,
    /// A referral to special education?
    pub onderwijs: DomainStatus,
    /// Does the child do well enough?
    pub need: NeedStatus,
}

impl CheckFact {
    /// The answer about one domain.
    #[must_use]
    pub const fn status(&self, domain: Domain) -> DomainStatus {
        match domain {
            Domain::Jeugdhulp => self.jeugdhulp,
            Domain::Onderwijs => self.onderwijs,
        }
    }
}

/// What a correction says instead. Everything but [`Patch::Void`] makes a voided fact count again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Patch {
    /// It never was.
    Void,
    /// It counts again, as it stood.
    Stands,
    /// It happened on this day.
    Effective(Day),
    /// This was judged.
    Baseline(Baseline),
    /// This was judged, on this day.
    EffectiveAndBaseline(Day, Baseline),
    /// The signal is about this.
    Subject(Subject),
    /// The check holds until this day.
    CoversUntil(Day),
    /// The check says this about youth care.
    Jeugdhulp(DomainStatus),
    /// The check says this about special education.
    Onderwijs(DomainStatus),
    /// The check says this about how the child does.
    Need(NeedStatus),
    /// The child went there.
    Left(LeavingDestination),
    /// Consent was withdrawn so far.
    Scope(WithdrawalScope),
    /// The reviewer found this.
    Verdict(ReviewVerdict),
    /// The referral is in this domain.
    Domain(Domain),
    /// The referral came by a court, in a crisis, or neither.
    Imposed(Option<Imposed>),
}

impl Patch {
    /// What the fact says after it. A field that the fact doesn't have changes nothing.
    pub(super) fn apply(self, fact: &mut CaseFact) {
        match (self, &mut fact.kind) {
            (Self::Effective(day), _) => fact.effective = day,
            (Self::Baseline(level), FactKind::Baseline(said)) => *said = level,
            (Self::EffectiveAndBaseline(day, level), kind) => {
                fact.effective = day;
                if let FactKind::Baseline(said) = kind {
                    *said = level;
                }
            }
            (Self::Subject(subject), FactKind::Signal(said)) => *said = subject,
            (Self::CoversUntil(day), FactKind::Checked(check)) => check.covers_until = day,
            (Self::Jeugdhulp(status), FactKind::Checked(check)) => check.jeugdhulp = status,
            (Self::Onderwijs(status), FactKind::Checked(check)) => check.onderwijs = status,
            (Self::Need(need), FactKind::Checked(check)) => check.need = need,
            (Self::Left(destination), FactKind::Left(said)) => *said = destination,
            (Self::Scope(scope), FactKind::ConsentWithdrawn(said)) => *said = scope,
            (Self::Verdict(found), FactKind::Reviewed { verdict, .. }) => *verdict = found,
            (Self::Domain(domain), FactKind::Referral(referral)) => {
                referral.domain = domain;
                referral.endpoint = Endpoint::plain(domain, referral.imposed);
            }
            (Self::Imposed(imposed), FactKind::Referral(referral)) => {
                referral.imposed = imposed;
                referral.endpoint = Endpoint::plain(referral.domain, imposed);
            }
            _ => {}
        }
    }
}

/// Eight bytes that stand for a longer key inside one case. Two keys of one case that fell together would make two reviewers one, or two
/// referrals one: the case would say less, never more; with a handful of keys it doesn't happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortKey([u8; 8]);

impl ShortKey {
    /// A number that whoever reads a history gives out.
    #[must_use]
    pub const fn numbered(number: u64) -> Self {
        Self(number.to_be_bytes())
    }

    /// Of a commit.
    #[must_use]
    pub const fn of_commit(commit: CommitId) -> Self {
        let number = u128::from_be_bytes(*commit.as_bytes());
        // Ids are keyed digests: either half would do, and both together tell made-up ids of tests apart too.
        #[allow(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
        Self::numbered((number >> 64) as u64 ^ (number as u64).rotate_left(1))
    }

    /// Of a key of the directory or of another provider (FNV-1a).
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self::numbered(digest)
    }
}
