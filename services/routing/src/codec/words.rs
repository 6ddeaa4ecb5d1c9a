//! Words of the domain and their numbers in the contract, one list each; a word without a number does not compile.

use voordeur_contracts::{common, event};
use voordeur_kernel::{ConcernDomain, Role, SafetyLevel};
use voordeur_routing_domain::{task::TaskState, words};

/// A word that stands in a message as a number.
pub(crate) trait Word: Copy + Sized {
    /// Its number.
    fn number(self) -> i32;
    /// The word behind a number; `None` for "not said" and for words of a later release.
    fn of(number: i32) -> Option<Self>;
}

macro_rules! words {
    ($($word:ty = $wire:ty { $($name:ident)* })*) => {$(
        impl Word for $word {
            fn number(self) -> i32 {
                match self {
                    $(Self::$name => <$wire>::$name as i32,)*
                }
            }

            fn of(number: i32) -> Option<Self> {
                match <$wire>::try_from(number).ok()? {
                    <$wire>::Unspecified => None,
                    $(<$wire>::$name => Some(Self::$name),)*
                }
            }
        }
    )*};
}

words! {
    words::SubjectKind = common::SubjectKind { Child Group Consult }
    words::Urgency = common::Urgency { Safety Urgent Regular Consult }
    words::AskedBy = event::AskedBy { Staff Parent Child }
    words::Audience = event::Audience {
        KnownProfessional PresentAtCentre Coordinator EverybodyOnDuty NeighbouringCentre KnownBackInTime
    }
    words::ChoiceReason = event::ChoiceReason {
        KnowsChild Present OnlyOnePresent HasExpertise LeastOpenWork IsCoordinator TieBroken SafetyEverybody
        FollowsHerWork LaterToday BackInTime StandsIn AtCapacity ByArrangement
        NotScheduled Absent DeclinedBefore RegistrationExpired AskedInEarlierStep NotBackInTime LacksExpertise
    }
    words::ClockKind = event::ClockKind { Offer Accept FirstContact Answer Hold SafetyRepeat Transfer Meeting HolderAway }
    words::DeclineReason = event::DeclineReason { NoTime OtherExpertiseNeeded TooClose NotPresent }
    words::AssignReason = event::AssignReason { NobodyAccepted KnowsChild Workload Absence TransferOnRequest Other }
    words::Attendance = event::Attendance { Present LaterToday NotScheduled Absent }
    words::AwayReason = event::AwayReason { Absent LeftCentre RegistrationEnded }
    words::HolderAwayEnd = event::HolderAwayEnd { Returned LeftWithHer }
    words::TransferEnd = event::TransferEnd { Accepted Declined Withdrawn Lapsed ColleagueAway }
    words::WithoutParentsReason = event::WithoutParentsReason { Safety NoChild ParentsAsked YoungPersonAsked }
    words::MeetingEnd = event::MeetingEnd { Held Cancelled Moved }
    words::FurtherWorkReason = event::FurtherWorkReason { CameBack Agreed OtherExpertiseNeeded Other }
    words::NoticeReason = event::NoticeReason {
        Request Yours Reminder Escalated Safety SafetyAgain CancellationAsked TransferAsked HolderAway AskedAlong Meeting
    }
    words::HandBackReason = event::HandBackReason { NoTime OtherExpertiseNeeded TooClose Leaving }
    words::HoldReason = event::HoldReason { WaitingForParents WaitingForSchoolOrChildcare WaitingForPartner MeetingPlanned }
    words::ContactKind = event::ContactKind { InPerson Phone Message Observation }
    words::ContactWith = event::ContactWith { Signaller Parents Child Team }
    words::TaskOutcome = event::TaskOutcome {
        Advice SupportOnTheFloor SupportAtHome TeamMeeting Referred VeiligThuisRoute NoActionNeeded Done
    }
    words::HandOverMoment = event::HandOverMoment { ToSchool ToSecondarySchool }
    words::AnswerStatus = event::AnswerStatus { InContact AdviceGiven SupportStarted HandedOver NotNeeded }
    words::CancelReason = event::CancelReason { SignalWithdrawn Duplicate ChildLeft ConsentWithdrawn }
    words::FailReason = event::FailReason { NoContactPossible NoCooperation OutsideCompetence Other }
    words::ErrorReason = event::ErrorReason { WrongChild WrongCentre Test }
    TaskState = event::TaskState {
        Requested Accepted InProgress OnHold Completed CancelRequested Cancelled Failed EnteredInError
    }
}

macro_rules! kernel_words {
    ($($word:ident)*) => {$(
        impl Word for $word {
            fn number(self) -> i32 {
                common::$word::from(self).into()
            }

            fn of(number: i32) -> Option<Self> {
                Self::try_from(common::$word::try_from(number).ok()?).ok()
            }
        }
    )*};
}

kernel_words! { ConcernDomain Role SafetyLevel }
