//! The closed lists of words of a task: every reason is a word, never a text. Their names are stable.

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $word,)*
        }

        impl $name {
            /// Every word of the list.
            pub const ALL: &'static [Self] = &[$(Self::$word,)*];

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }
        }
    )*};
}

words! {
    /// What a signal is about.
    SubjectKind {
        /// One child.
        Child = "child",
        /// A group.
        Group = "group",
        /// A question without a child that can be traced.
        Consult = "consult",
    }

    /// How soon somebody must act.
    Urgency {
        /// A safety signal: everybody on duty and the coordinator at once.
        Safety = "safety",
        /// The same working day.
        Urgent = "urgent",
        /// The usual clocks.
        Regular = "regular",
        /// A question without a child.
        Consult = "consult",
    }

    /// Who asked.
    AskedBy {
        /// Staff of the school or the childcare.
        Staff = "staff",
        /// A parent.
        Parent = "parent",
        /// The child.
        Child = "child",
    }

    /// To whom a step of a ladder turns.
    Audience {
        /// The professional who knows this child, when she is there on this working day.
        KnownProfessional = "known_professional",
        /// Others who are present at the centre.
        PresentAtCentre = "present_at_centre",
        /// The team coordinator, who always exists.
        Coordinator = "coordinator",
        /// Everybody on duty and the coordinator at once.
        EverybodyOnDuty = "everybody_on_duty",
        /// A neighbouring centre, by a recorded arrangement.
        NeighbouringCentre = "neighbouring_centre",
        /// The professional who knows this child, when she is back before somebody must have taken the task.
        KnownBackInTime = "known_back_in_time",
    }

    /// Why or why not somebody was chosen.
    ChoiceReason {
        /// She knows this child.
        KnowsChild = "knows_child",
        /// She is present.
        Present = "present",
        /// Nobody else is present, so it is hers.
        OnlyOnePresent = "only_one_present",
        /// She has expertise in what the concern is about.
        HasExpertise = "has_expertise",
        /// Nobody with the same expertise has less open work for her hours.
        LeastOpenWork = "least_open_work",
        /// She is the coordinator.
        IsCoordinator = "is_coordinator",
        /// Everything else was equal; the order of keys decided.
        TieBroken = "tie_broken",
        /// A safety signal goes to everybody.
        SafetyEverybody = "safety_everybody",
        /// The work follows on work that was hers, so it is hers.
        FollowsHerWork = "follows_her_work",
        /// Not now, but on this working day.
        LaterToday = "later_today",
        /// Back before somebody must have taken it.
        BackInTime = "back_in_time",
        /// Takes over for the one who knows this child.
        StandsIn = "stands_in",
        /// Holds as many tasks as she would, so others go first.
        AtCapacity = "at_capacity",
        /// Works at a neighbouring centre, by a recorded arrangement.
        ByArrangement = "by_arrangement",
        /// Not at work at this moment.
        NotScheduled = "not_scheduled",
        /// Said to be absent.
        Absent = "absent",
        /// Said before that she stands too close to this child.
        DeclinedBefore = "declined_before",
        /// Her registration is not valid now.
        RegistrationExpired = "registration_expired",
        /// An earlier step asks her already.
        AskedInEarlierStep = "asked_in_earlier_step",
        /// Back too late.
        NotBackInTime = "not_back_in_time",
        /// The step turns to another expertise.
        LacksExpertise = "lacks_expertise",
    }

    /// A clock of a task. A clock reminds and escalates; it never closes anything.
    ClockKind {
        /// The offers of the running step end.
        Offer = "offer",
        /// Somebody must have taken the task.
        Accept = "accept",
        /// Somebody must have been reached.
        FirstContact = "first_contact",
        /// The asker must have heard.
        Answer = "answer",
        /// The date until which the task waits.
        Hold = "hold",
        /// A safety signal that nobody confirmed is put before everybody again.
        SafetyRepeat = "safety_repeat",
        /// A colleague has not answered whether she takes the task over.
        Transfer = "transfer",
        /// The meeting was, and nobody recorded what came of it.
        Meeting = "meeting",
        /// The holder is away, and nobody said who goes on.
        HolderAway = "holder_away",
    }

    /// Why somebody says no. Never why she is absent.
    DeclineReason {
        /// No time.
        NoTime = "no_time",
        /// Another expertise is needed.
        OtherExpertiseNeeded = "other_expertise_needed",
        /// Stands too close to the people concerned.
        TooClose = "too_close",
        /// Not there.
        NotPresent = "not_present",
    }

    /// Why the coordinator gave a task to somebody.
    AssignReason {
        /// Nobody accepted.
        NobodyAccepted = "nobody_accepted",
        /// Knows the child.
        KnowsChild = "knows_child",
        /// Work is spread.
        Workload = "workload",
        /// The holder is absent.
        Absence = "absence",
        /// The holder asked for it.
        TransferOnRequest = "transfer_on_request",
        /// Another reason.
        Other = "other",
    }

    /// Is somebody there, at the moment of a choice?
    Attendance {
        /// Yes.
        Present = "present",
        /// Not now, but on this working day; on the next one when the centre is closed.
        LaterToday = "later_today",
        /// Not on this working day, by the weekly hours.
        NotScheduled = "not_scheduled",
        /// Somebody said so. Never why.
        Absent = "absent",
    }

    /// That somebody is away. Never why she is.
    AwayReason {
        /// Somebody said so.
        Absent = "absent",
        /// The directory in force does not have her at this centre any more.
        LeftCentre = "left_centre",
        /// Her registration has ended.
        RegistrationEnded = "registration_ended",
    }

    /// How the question ended who goes on while the holder is away. (Another holder is an assignment.)
    HolderAwayEnd {
        /// She is back.
        Returned = "returned",
        /// The coordinator leaves it with her.
        LeftWithHer = "left_with_her",
    }

    /// How the question ended whether a colleague takes a task over.
    TransferEnd {
        /// Yes: it is hers.
        Accepted = "accepted",
        /// No.
        Declined = "declined",
        /// The holder took the question back.
        Withdrawn = "withdrawn",
        /// No answer in time.
        Lapsed = "lapsed",
        /// The colleague is not there any more.
        ColleagueAway = "colleague_away",
    }

    /// Why parents are not invited to a meeting.
    WithoutParentsReason {
        /// The safety of the child.
        Safety = "safety",
        /// It is about no child.
        NoChild = "no_child",
        /// Parents asked for it.
        ParentsAsked = "parents_asked",
        /// The young person asked for it.
        YoungPersonAsked = "young_person_asked",
    }

    /// What became of a meeting.
    MeetingEnd {
        /// It was held.
        Held = "held",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// It comes at another moment.
        Moved = "moved",
    }

    /// Why there is more work after a task has ended.
    FurtherWorkReason {
        /// It came back.
        CameBack = "came_back",
        /// It was agreed.
        Agreed = "agreed",
        /// Another expertise is needed.
        OtherExpertiseNeeded = "other_expertise_needed",
        /// Another reason.
        Other = "other",
    }

    /// Why somebody is told that she must act.
    NoticeReason {
        /// She is asked whether she takes it.
        Request = "request",
        /// It is hers now.
        Yours = "yours",
        /// A clock of her own task passed.
        Reminder = "reminder",
        /// It stands at the coordinator.
        Escalated = "escalated",
        /// A safety signal, at once.
        Safety = "safety",
        /// A safety signal that nobody confirmed yet.
        SafetyAgain = "safety_again",
        /// Somebody would like it to end.
        CancellationAsked = "cancellation_asked",
        /// A colleague asks her to take it over.
        TransferAsked = "transfer_asked",
        /// The holder is away.
        HolderAway = "holder_away",
        /// She was asked along.
        AskedAlong = "asked_along",
        /// She is invited to a meeting.
        Meeting = "meeting",
    }

    /// Why a task was given back.
    HandBackReason {
        /// No time.
        NoTime = "no_time",
        /// Another expertise is needed.
        OtherExpertiseNeeded = "other_expertise_needed",
        /// Stands too close to the people concerned.
        TooClose = "too_close",
        /// Leaves the team.
        Leaving = "leaving",
    }

    /// What a held task waits for.
    HoldReason {
        /// The parents.
        WaitingForParents = "waiting_for_parents",
        /// School or childcare.
        WaitingForSchoolOrChildcare = "waiting_for_school_or_childcare",
        /// A partner.
        WaitingForPartner = "waiting_for_partner",
        /// A meeting is planned.
        MeetingPlanned = "meeting_planned",
    }

    /// How contact was made.
    ContactKind {
        /// Face to face.
        InPerson = "in_person",
        /// By telephone.
        Phone = "phone",
        /// By message.
        Message = "message",
        /// Watching along in the group.
        Observation = "observation",
    }

    /// With whom contact was made.
    ContactWith {
        /// Who raised the signal.
        Signaller = "signaller",
        /// The parents.
        Parents = "parents",
        /// The child.
        Child = "child",
        /// The team of the group.
        Team = "team",
    }

    /// What the work came to.
    TaskOutcome {
        /// An advice.
        Advice = "advice",
        /// Support on the floor.
        SupportOnTheFloor = "support_on_the_floor",
        /// Support at home.
        SupportAtHome = "support_at_home",
        /// A meeting of the team.
        TeamMeeting = "team_meeting",
        /// Referred.
        Referred = "referred",
        /// The route of Veilig Thuis, taken by people.
        VeiligThuisRoute = "veilig_thuis_route",
        /// Nothing was needed.
        NoActionNeeded = "no_action_needed",
        /// A check, a look-back or a hand-over was done; what it brought is recorded elsewhere. Never of a signal's task.
        Done = "done",
    }

    /// Moments of a warm hand-over.
    HandOverMoment {
        /// From childcare to school, at four.
        ToSchool = "to_school",
        /// To the secondary school.
        ToSecondarySchool = "to_secondary_school",
    }

    /// The fixed status that the asker hears.
    AnswerStatus {
        /// In contact.
        InContact = "in_contact",
        /// There was an advice.
        AdviceGiven = "advice_given",
        /// Support goes on.
        SupportStarted = "support_started",
        /// Somebody else took it over with the parents.
        HandedOver = "handed_over",
        /// Nothing was needed.
        NotNeeded = "not_needed",
    }

    /// Why a task should end without an answer.
    CancelReason {
        /// The asker took the signal back.
        SignalWithdrawn = "signal_withdrawn",
        /// The same concern has another task.
        Duplicate = "duplicate",
        /// The child left.
        ChildLeft = "child_left",
        /// Consent was withdrawn.
        ConsentWithdrawn = "consent_withdrawn",
    }

    /// Why a task could not be done.
    FailReason {
        /// Nobody could be reached.
        NoContactPossible = "no_contact_possible",
        /// Nobody wanted to work along.
        NoCooperation = "no_cooperation",
        /// Outside what the holder may do.
        OutsideCompetence = "outside_competence",
        /// Another reason.
        Other = "other",
    }

    /// Why a task should never have been there.
    ErrorReason {
        /// Another child was meant.
        WrongChild = "wrong_child",
        /// Another centre was meant.
        WrongCentre = "wrong_centre",
        /// It was a test.
        Test = "test",
    }
}
