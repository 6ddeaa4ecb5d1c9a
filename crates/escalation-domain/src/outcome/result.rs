//! What comes out.

use super::{day::Day, endpoints::Endpoint};
use crate::words::Baseline;

/// The five classes. A case is always in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Threatened, supported, not referred in the window, and doing well enough. "Verwijzing uitgebleven", never "voorkomen".
    Avoided,
    /// Referred in the window.
    Referred,
    /// There was no threat, or the child was referred already.
    NotAtRisk,
    /// Not known, or outside of what may be counted.
    Undetermined,
    /// Not about one child.
    OutOfScope,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 5] =
        [Self::Avoided, Self::Referred, Self::NotAtRisk, Self::Undetermined, Self::OutOfScope];

    /// Its name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avoided => "avoided",
            Self::Referred => "referred",
            Self::NotAtRisk => "not_at_risk",
            Self::Undetermined => "undetermined",
            Self::OutOfScope => "out_of_scope",
        }
    }
}

/// Why a case is in its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Avoided.
    NoReferralInWindow,
    /// Referred, and needed: by definition, or two reviewers agree.
    Needed,
    /// Referred, and two reviewers agree that it was avoidable.
    Avoidable,
    /// Referred; whether it was needed isn't known.
    NeedNotSettled,
    /// Not at risk: referred before the judgement, and that wasn't over.
    AlreadyReferred,
    /// Not at risk: nobody considered a referral.
    NoThreat,
    /// Out of scope: a group, or a question without a name.
    NoChildUnit,
    /// No judgement in time and before anything was known.
    NoValidBaseline,
    /// Consent was withdrawn.
    ConsentWithdrawn,
    /// A report to Veilig Thuis.
    SafetyRoute,
    /// Not referred, but the child doesn't do well enough.
    UnmetNeed,
    /// Not referred; how the child does wasn't asked.
    NeedUnknown,
    /// Not referred and doing well, but nobody here gave support.
    NoSupportGiven,
    /// Referred, nobody knows when.
    ReferralDateUnknown,
    /// The child left, and nobody asked afterwards.
    LeftCentre,
    /// The window isn't over.
    Pending,
    /// The window is over, and nobody asked in both domains.
    NoFollowUpCheck,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::NoReferralInWindow,
        Self::Needed,
        Self::Avoidable,
        Self::NeedNotSettled,
        Self::AlreadyReferred,
        Self::NoThreat,
        Self::NoChildUnit,
        Self::NoValidBaseline,
        Self::ConsentWithdrawn,
        Self::SafetyRoute,
        Self::UnmetNeed,
        Self::NeedUnknown,
        Self::NoSupportGiven,
        Self::ReferralDateUnknown,
        Self::LeftCentre,
        Self::Pending,
        Self::NoFollowUpCheck,
    ];

    /// Its name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoReferralInWindow => "NO_REFERRAL_IN_WINDOW",
            Self::Needed => "needed",
            Self::Avoidable => "avoidable",
            Self::NeedNotSettled => "unknown",
            Self::AlreadyReferred => "ALREADY_REFERRED",
            Self::NoThreat => "NO_THREAT",
            Self::NoChildUnit => "NO_CHILD_UNIT",
            Self::NoValidBaseline => "NO_VALID_BASELINE",
            Self::ConsentWithdrawn => "CONSENT_WITHDRAWN",
            Self::SafetyRoute => "SAFETY_ROUTE",
            Self::UnmetNeed => "UNMET_NEED",
            Self::NeedUnknown => "NEED_UNKNOWN",
            Self::NoSupportGiven => "NO_SUPPORT_GIVEN",
            Self::ReferralDateUnknown => "REFERRAL_DATE_UNKNOWN",
            Self::LeftCentre => "LEFT_CENTRE",
            Self::Pending => "PENDING",
            Self::NoFollowUpCheck => "NO_FOLLOW_UP_CHECK",
        }
    }

    /// The class that it belongs to.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::NoReferralInWindow => Class::Avoided,
            Self::Needed | Self::Avoidable | Self::NeedNotSettled => Class::Referred,
            Self::AlreadyReferred | Self::NoThreat => Class::NotAtRisk,
            Self::NoChildUnit => Class::OutOfScope,
            Self::NoValidBaseline
            | Self::ConsentWithdrawn
            | Self::SafetyRoute
            | Self::UnmetNeed
            | Self::NeedUnknown
            | Self::NoSupportGiven
            | Self::ReferralDateUnknown
            | Self::LeftCentre
            | Self::Pending
            | Self::NoFollowUpCheck => Class::Undetermined,
        }
    }
}

/// What must be said beside the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Flag {
    /// The judgement was: nobody considers a referral.
    BaselineNone,
    /// The judgement was: possible.
    BaselinePossible,
    /// The judgement was: imminent.
    BaselineImminent,
    /// A specialist thought along, not later than the end of the window.
    SpecialistConsulted,
    /// More than one signal on the child.
    MoreThanOneSignal,
    /// Referred, but later than the window.
    ReferredAfterWindow,
    /// The request was refused, and not granted afterwards.
    RequestedNotGranted,
    /// The request was withdrawn by who asked.
    RequestedThenWithdrawn,
    /// Reviewers found different things.
    ReviewersDisagree,
    /// There was a referral before the judgement, and it was over by then.
    PriorCareEnded,
    /// The day of the first referral is that of the check that told of it.
    ReferralDateImputed,
    /// A correction was applied.
    Corrected,
    /// A correction of the judgement came too late, or after an outcome was known.
    LateBaselineCorrectionIgnored,
    /// A correction names nothing that can be corrected.
    CorrectionWithoutTarget,
}

impl Flag {
    /// Every flag, in the order in which they are printed.
    pub const ALL: [Self; 14] = [
        Self::BaselineNone,
        Self::BaselinePossible,
        Self::BaselineImminent,
        Self::SpecialistConsulted,
        Self::MoreThanOneSignal,
        Self::ReferredAfterWindow,
        Self::RequestedNotGranted,
        Self::RequestedThenWithdrawn,
        Self::ReviewersDisagree,
        Self::PriorCareEnded,
        Self::ReferralDateImputed,
        Self::Corrected,
        Self::LateBaselineCorrectionIgnored,
        Self::CorrectionWithoutTarget,
    ];

    /// Its name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BaselineNone => "baseline_none",
            Self::BaselinePossible => "baseline_possible",
            Self::BaselineImminent => "baseline_imminent",
            Self::SpecialistConsulted => "specialist_consulted",
            Self::MoreThanOneSignal => "more_than_one_signal",
            Self::ReferredAfterWindow => "referred_after_window",
            Self::RequestedNotGranted => "requested_not_granted",
            Self::RequestedThenWithdrawn => "requested_then_withdrawn",
            Self::ReviewersDisagree => "reviewers_disagree",
            Self::PriorCareEnded => "prior_care_ended",
            Self::ReferralDateImputed => "referral_date_imputed",
            Self::Corrected => "corrected",
            Self::LateBaselineCorrectionIgnored => "late_baseline_correction_ignored",
            Self::CorrectionWithoutTarget => "correction_without_target",
        }
    }

    /// The flag of a judgement.
    #[must_use]
    pub const fn of_baseline(level: Baseline) -> Self {
        match level {
            Baseline::None => Self::BaselineNone,
            Baseline::Possible => Self::BaselinePossible,
            Baseline::Imminent => Self::BaselineImminent,
        }
    }
}

/// A set of flags.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Flags(u16);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// Sets a flag.
    pub const fn insert(&mut self, flag: Flag) {
        self.0 |= 1 << flag as u8;
    }

    /// Sets a flag when something holds.
    pub const fn insert_if(&mut self, flag: Flag, holds: bool) {
        if holds {
            self.insert(flag);
        }
    }

    /// Is it set?
    #[must_use]
    pub const fn contains(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u8) != 0
    }

    /// The flags that are set, in the order of [`Flag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.contains(*flag))
    }
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What ended the time at risk first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nothing that is known: censored.
    Censored = 0,
    /// A referral.
    Referral = 1,
    /// The child left the centre.
    Left = 2,
    /// A report to Veilig Thuis.
    VeiligThuis = 3,
}

/// What a case adds to the survival statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Survival {
    /// Days from the judgement. A censored case: until the last day for which both domains were told to be clear, never until today.
    pub time: u16,
    /// What happened then.
    pub cause: Cause,
}

/// How far reviewers got with the referral that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reviews {
    /// Nobody reviewed it.
    None,
    /// One reviewer.
    One,
    /// Two or more, and they agree.
    Agree,
    /// Both verdicts were given.
    Disagree,
}

/// The answer for one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Classified {
    /// The class.
    pub class: Class,
    /// Why; for a referred case it says whether the referral was needed.
    pub reason: Reason,
    /// Days from the judgement to the referral, for a referred case.
    pub day: Option<u16>,
    /// What must be said beside it.
    pub flags: Flags,
    /// For a case at risk (judged possible or imminent, and not referred already).
    pub survival: Option<Survival>,
    /// Kind of the endpoint, for a referred case where it is known.
    pub endpoint: Option<Endpoint>,
    /// How far reviewers got, for a referred case.
    pub reviews: Option<Reviews>,
    /// The judgement that stands, and its day: the clock starts there.
    pub baseline: Option<(Baseline, Day)>,
}

impl Classified {
    pub(super) const fn new(reason: Reason, flags: Flags) -> Self {
        Self {
            class: reason.class(),
            reason,
            day: None,
            flags,
            survival: None,
            endpoint: None,
            reviews: None,
            baseline: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_told_apart_and_every_class_has_a_reason() {
        let reasons: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(reasons.len(), Reason::ALL.len());
        for class in Class::ALL {
            assert!(Reason::ALL.iter().any(|reason| reason.class() == class), "{class:?}");
        }
        let mut all = Flags::NONE;
        Flag::ALL.into_iter().for_each(|flag| all.insert(flag));
        assert_eq!(all.iter().collect::<Vec<_>>(), Flag::ALL);
    }
}
