//! The closed lists of words of an episode. Their numbers are those of the contract, and where the contract follows a list of the field
//! (CBS, iJw), those of that list.

/// A word of a closed list.
pub trait Word: Copy + Eq + Sized + 'static {
    /// Every word, in the order of the contract.
    const WORDS: &'static [Self];

    /// Its number in the contract; never 0.
    fn number(self) -> u8;

    /// The word with this number.
    #[must_use]
    fn of(number: u8) -> Option<Self> {
        Self::WORDS.iter().copied().find(|word| word.number() == number)
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $word:ident = $number:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$about])* $word,)+
        }

        impl $name {
            /// Every word, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];
        }

        impl Word for $name {
            const WORDS: &'static [Self] = Self::ALL;

            fn number(self) -> u8 {
                match self {
                    $(Self::$word => $number,)+
                }
            }
        }
    )+};
}

words! {
    /// What the work on a task came to.
    TaskOutcome {
        /// Advice to the asker.
        Advice = 1,
        /// Support in group or class.
        SupportOnTheFloor = 2,
        /// Support at home.
        SupportAtHome = 3,
        /// A meeting of the team, parents invited.
        TeamMeeting = 4,
        /// A referral was requested.
        Referred = 5,
        /// The route of Veilig Thuis: neither failure nor success.
        VeiligThuisRoute = 6,
        /// Nothing more was needed.
        NoActionNeeded = 7,
        /// A check, a look-back or a hand-over was done. Never of the task of a signal, so an episode never holds it.
        Done = 8,
    }

    /// Wordt verwijzing overwogen? Judged and locked before any outcome is known.
    Baseline {
        /// Nobody considers it.
        None = 1,
        /// Somebody names it as an option within a year.
        Possible = 2,
        /// Expected within about 90 days without support here.
        Imminent = 3,
    }

    /// Who took part in a judgement beside the professional.
    Participant {
        /// A parent or guardian.
        Parent = 1,
        /// Staff of group or class.
        Staff = 2,
        /// The child.
        Child = 3,
        /// A colleague in another role.
        Colleague = 4,
    }

    /// Why a referral is expected within about 90 days.
    ImminentMark {
        /// Somebody named or began a request: gemeente, huisarts, toelaatbaarheidsverklaring.
        RequestNamed = 1,
        /// The place in group or class is at stake.
        PlaceAtStake = 2,
        /// Severity 4 or 5.
        Severe = 3,
        /// The team says that it can no longer manage.
        TeamAtItsLimit = 4,
    }

    /// How far a goal was reached.
    GoalScore {
        /// It got worse.
        Worse = 1,
        /// Not reached.
        NotReached = 2,
        /// Partly reached.
        PartlyReached = 3,
        /// Reached.
        Reached = 4,
    }

    /// Where support went.
    SupportKind {
        /// In group or class.
        OnTheFloor = 1,
        /// To the child.
        Child = 2,
        /// To the parents.
        Parents = 3,
        /// A consultation.
        Consultation = 4,
    }

    /// What pays for it.
    Funding {
        /// Without a formal decision.
        Beschikkingsvrij = 1,
        /// With a decision of the municipality.
        MetBeschikking = 2,
        /// Of the school or the samenwerkingsverband.
        Onderwijs = 3,
        /// Something else.
        Other = 4,
    }

    /// Toelaatbaarheidsverklaring (TLV) for which kind of school.
    Toelaatbaarheid {
        /// Speciaal basisonderwijs.
        Sbo = 1,
        /// Speciaal onderwijs, category laag.
        SoLaag = 2,
        /// Speciaal onderwijs, category midden.
        SoMidden = 3,
        /// Speciaal onderwijs, category hoog.
        SoHoog = 4,
        /// Not known.
        Onbekend = 5,
    }

    /// A place that is not the regular one.
    PlaceDestination {
        /// Medical day-care.
        MedischDagverblijf = 1,
        /// The regular place ends because of the support that is needed.
        RegularPlaceEnded = 2,
    }

    /// Help that never is an endpoint.
    OtherDestination {
        /// Care under the Zorgverzekeringswet: logopedie, fysiotherapie.
        Zvw = 1,
        /// Dyslexia care; reported apart.
        Dyslexie = 2,
        /// Freely accessible help of the wijkteam.
        VrijToegankelijk = 3,
    }

    /// Who refers. CBS Verwijzer and iJw COD327; 9 is ours, because education is not in that list.
    Verwijzer {
        /// The municipality.
        Gemeente = 1,
        /// The general practitioner.
        Huisarts = 2,
        /// The doctor of the jeugdgezondheidszorg.
        Jeugdarts = 3,
        /// A gecertificeerde instelling.
        GecertificeerdeInstelling = 4,
        /// A medical specialist.
        MedischSpecialist = 5,
        /// Nobody: freely accessible.
        Geen = 6,
        /// A court, the officier van justitie, or an official of a youth institution.
        RechterOvj = 8,
        /// School or samenwerkingsverband.
        Onderwijs = 9,
    }

    /// Decisions on a request.
    ReferralDecision {
        /// Granted.
        Granted = 1,
        /// Refused.
        Refused = 2,
        /// Withdrawn by who asked.
        Withdrawn = 3,
    }

    /// CBS reden beëindiging jeugdhulp.
    CareEndReason {
        /// According to plan.
        VolgensPlan = 1,
        /// Early, both agreed.
        VoortijdigInOvereenstemming = 2,
        /// Early, one-sided by the family.
        VoortijdigDoorClient = 3,
        /// Early, one-sided by the provider.
        VoortijdigDoorAanbieder = 4,
        /// Early, by outside circumstances.
        VoortijdigExtern = 5,
    }

    /// What a reviewer of a referral finds.
    ReviewVerdict {
        /// It was needed.
        Needed = 1,
        /// It could have been avoided.
        Avoidable = 2,
    }

    /// Where a child went that left the centre.
    LeavingDestination {
        /// Another regular place.
        Regular = 1,
        /// A specialist place.
        Specialist = 2,
        /// Not known.
        Unknown = 3,
    }

    /// How far a withdrawal of consent goes.
    WithdrawalScope {
        /// Nothing that happens after it is processed.
        FollowUp = 1,
        /// Erased; one anonymous tally remains.
        All = 2,
    }

    /// Was there a referral in this domain?
    DomainStatus {
        /// None.
        None = 1,
        /// Referred; when is not known.
        Referred = 2,
        /// Not known.
        Unknown = 3,
    }

    /// Does the child do well enough according to parent and teacher?
    NeedStatus {
        /// Well enough.
        Ok = 1,
        /// There are concerns.
        Concern = 2,
        /// Not known.
        Unknown = 3,
    }

    /// Who told how it goes.
    FollowUpSource {
        /// Parents and staff.
        ParentsAndStaff = 1,
        /// Parents.
        Parents = 2,
        /// Staff.
        Staff = 3,
        /// The municipality.
        Municipality = 4,
        /// The samenwerkingsverband.
        Samenwerkingsverband = 5,
    }

    /// Moments of a warm hand-over.
    HandOverMoment {
        /// From opvang to school, at four.
        ToSchool = 1,
        /// To the secondary school.
        ToSecondarySchool = 2,
    }

    /// Why an episode was closed.
    CloseReason {
        /// Its window is over.
        WindowEnded = 1,
        /// The child left the centre.
        ChildLeft = 2,
        /// Consent was withdrawn.
        ConsentWithdrawn = 3,
        /// The work is done.
        WorkDone = 4,
        /// The family ended it.
        FamilyEnded = 5,
        /// We ended it.
        WeEnded = 6,
    }

    /// Who judged the usefulness.
    OutcomeInformant {
        /// A parent or guardian.
        Parent = 1,
        /// The child.
        Child = 2,
    }

    /// Zonder hulp verder (national outcome set, 3.1).
    FurtherHelp {
        /// The same or heavier help is needed.
        SameOrHeavier = 1,
        /// Lighter help is enough.
        Lighter = 2,
        /// None now, but it is expected.
        Expected = 3,
        /// None.
        None = 4,
    }

    /// Why an earlier event was wrong.
    CorrectionReason {
        /// A typing error.
        TypingError = 1,
        /// It was about another child.
        WrongChild = 2,
        /// It happened on another day.
        WrongDate = 3,
        /// It was recorded twice.
        Double = 4,
        /// A parent objected.
        ParentObjected = 5,
    }
}

/// A set of words of one short list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WordSet<W> {
    bits: u8,
    of: std::marker::PhantomData<W>,
}

impl<W: Word> WordSet<W> {
    /// No word.
    #[must_use]
    pub const fn empty() -> Self {
        Self { bits: 0, of: std::marker::PhantomData }
    }

    /// Holds no word?
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The words, in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = W> {
        W::WORDS.iter().copied().filter(move |word| self.bits & bit(*word) != 0)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.bits
    }

    pub(crate) fn of_bits(bits: u8) -> Self {
        W::WORDS.iter().copied().filter(|word| bits & bit(*word) != 0).collect()
    }
}

/// Lists in sets have at most seven words.
fn bit<W: Word>(word: W) -> u8 {
    1_u8.checked_shl(u32::from(word.number())).unwrap_or(0)
}

impl<W: Word> Default for WordSet<W> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<W: Word> FromIterator<W> for WordSet<W> {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let bits = words.into_iter().fold(0, |bits, word| bits | bit(word));
        Self { bits, of: std::marker::PhantomData }
    }
}

impl<W: Word + std::fmt::Debug> std::fmt::Debug for WordSet<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_its_words() {
        for bits in 0_u8..16 {
            let words: Vec<_> =
                Participant::ALL.iter().copied().filter(|w| bits & (1 << (w.number() - 1)) != 0).collect();
            let set: WordSet<_> = words.iter().copied().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), words);
            assert_eq!(WordSet::of_bits(set.bits()), set);
        }
    }

    #[test]
    fn a_number_is_one_word() {
        for word in Verwijzer::ALL {
            assert_eq!(Verwijzer::of(word.number()), Some(*word));
        }
        assert_eq!(Verwijzer::of(7), None);
        assert_eq!(Verwijzer::of(0), None);
    }
}
