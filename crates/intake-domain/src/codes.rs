//! Code lists of a signal, in the order of the contract: the number of a code there is its place here plus one. What may be absent on
//! the wire is an `Option` here. Domains, safety and roles are words of the kernel.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every code of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    )*};
}

codes! {
    /// What a signal is about.
    SubjectKind {
        /// A named child.
        Child,
        /// A group as a whole.
        Group,
        /// A question without a child that can be traced.
        Consult,
    }

    /// How long the concern has been there.
    ConcernDuration {
        /// Less than two weeks.
        Under2Weeks,
        /// Two to six weeks.
        From2To6Weeks,
        /// Six weeks to six months.
        From6WeeksTo6Months,
        /// More than six months.
        Over6Months,
    }

    /// Who asked.
    AskedBy {
        /// Somebody of the staff.
        Staff,
        /// A parent.
        Parent,
        /// The child itself.
        Child,
    }

    /// Bands of the Jeugdwet, art. 7.3.4.
    AgeBand {
        /// The parents with authority decide.
        Under12,
        /// The young person and the parents decide.
        From12To15,
        /// The young person decides.
        From16,
    }

    /// Who decides about sharing.
    ConsentGiver {
        /// One of two parents with authority.
        Parent1,
        /// The other one.
        Parent2,
        /// The only parent with authority.
        SoleParent,
        /// The guardian.
        Guardian,
        /// The young person.
        YoungPerson,
    }

    /// What the giver said. Informed is not consented.
    ConsentStatus {
        /// Yes.
        Consented,
        /// Knows of it; that is not a yes.
        Informed,
        /// No.
        Refused,
        /// Was not asked.
        NotAsked,
    }

    /// What a consent covers.
    ConsentScope {
        /// Share with the embedded professional.
        ShareWithProfessional,
        /// More than the fixed status may go back to the signaller.
        FeedbackToSignaller,
        /// Follow-up for a year.
        FollowUp,
    }

    /// A ground instead of consent.
    GroundKind {
        /// Vital interest, GDPR art. 6(1)(d).
        VitaalBelang,
        /// Conflict of duties, the six questions of the professional code.
        ConflictVanPlichten,
    }

    /// Where was called.
    SafetyService {
        /// The emergency number.
        EmergencyNumber,
        /// Veilig Thuis.
        VeiligThuis,
    }

    /// The fixed status that an asker hears.
    AnswerStatus {
        /// In gesprek.
        InContact,
        /// Afgerond met advies.
        AdviceGiven,
        /// Ondersteuning loopt.
        SupportStarted,
        /// Overgedragen, met de ouders.
        HandedOver,
        /// Niet nodig gebleken.
        NotNeeded,
    }

    /// Why a signal was taken back.
    WithdrawReason {
        /// It was entered by mistake.
        EnteredByMistake,
        /// Consent was withdrawn.
        ConsentWithdrawn,
        /// It is solved.
        Solved,
        /// Anything else.
        Other,
    }

    /// Did the answer help?
    Helped {
        /// Yes.
        Yes,
        /// Partly.
        Partly,
        /// No.
        No,
        /// Too early to say.
        TooEarly,
    }
}
