//! Kinds of steps, with the name of the event that each is and of the call that a person makes for it.

/// Kinds of steps; every event of a task is one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// The task is made.
    Request,
    /// People are asked, again.
    MakeOffers,
    /// One person says no.
    Decline,
    /// Somebody who was asked is not there any more.
    WithdrawOffer,
    /// Offers end; the next step is taken.
    TimeOutOffers,
    /// One person says yes.
    Accept,
    /// The coordinator gives it to somebody.
    Assign,
    /// The holder gives it back.
    HandBack,
    /// It waits.
    Hold,
    /// It goes on.
    Resume,
    /// Contact was made or tried.
    RecordContact,
    /// The asker hears.
    Answer,
    /// A colleague is asked along.
    AskColleague,
    /// Somebody would like it to end.
    RequestCancellation,
    /// The answer to that.
    DecideCancellation,
    /// It cannot be done.
    Fail,
    /// It should never have been there.
    MarkEnteredInError,
    /// A clock passed its moment.
    RingClock,
    /// A clock passed its moment and nobody can be told.
    TellNobody,
    /// Another task on the same child came after it.
    Link,
    /// The directory names another coordinator.
    ReplaceCoordinator,
    /// The holder is away.
    NoteHolderAway,
    /// She is back.
    NoteHolderBack,
    /// The coordinator leaves it with her.
    LeaveWithHolder,
    /// The holder asks a colleague to take it over.
    ProposeTransfer,
    /// The colleague says yes or no.
    AnswerTransfer,
    /// The holder takes the question back.
    WithdrawTransfer,
    /// The colleague did not answer in time, or is not there any more.
    EndTransfer,
    /// A meeting is planned.
    PlanMeeting,
    /// What became of it.
    RecordMeeting,
    /// There is more work: a new task.
    RequestFurtherWork,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 31] = [
        Self::Request,
        Self::MakeOffers,
        Self::Decline,
        Self::WithdrawOffer,
        Self::TimeOutOffers,
        Self::Accept,
        Self::Assign,
        Self::HandBack,
        Self::Hold,
        Self::Resume,
        Self::RecordContact,
        Self::Answer,
        Self::AskColleague,
        Self::RequestCancellation,
        Self::DecideCancellation,
        Self::Fail,
        Self::MarkEnteredInError,
        Self::RingClock,
        Self::TellNobody,
        Self::Link,
        Self::ReplaceCoordinator,
        Self::NoteHolderAway,
        Self::NoteHolderBack,
        Self::LeaveWithHolder,
        Self::ProposeTransfer,
        Self::AnswerTransfer,
        Self::WithdrawTransfer,
        Self::EndTransfer,
        Self::PlanMeeting,
        Self::RecordMeeting,
        Self::RequestFurtherWork,
    ];

    /// Name of the event.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Request => "requested",
            Self::MakeOffers => "offers_made",
            Self::Decline => "offer_declined",
            Self::WithdrawOffer => "offer_withdrawn",
            Self::TimeOutOffers => "offers_timed_out",
            Self::Accept => "accepted",
            Self::Assign => "assigned",
            Self::HandBack => "handed_back",
            Self::Hold => "held",
            Self::Resume => "resumed",
            Self::RecordContact => "contact_recorded",
            Self::Answer => "answered",
            Self::AskColleague => "colleague_asked",
            Self::RequestCancellation => "cancellation_requested",
            Self::DecideCancellation => "cancellation_decided",
            Self::Fail => "failed",
            Self::MarkEnteredInError => "entered_in_error",
            Self::RingClock => "clock_rang",
            Self::TellNobody => "nobody_to_tell",
            Self::Link | Self::RequestFurtherWork => "linked",
            Self::ReplaceCoordinator => "coordinator_replaced",
            Self::NoteHolderAway => "holder_away",
            Self::NoteHolderBack | Self::LeaveWithHolder => "holder_away_ended",
            Self::ProposeTransfer => "transfer_proposed",
            Self::AnswerTransfer | Self::WithdrawTransfer | Self::EndTransfer => "transfer_ended",
            Self::PlanMeeting => "meeting_planned",
            Self::RecordMeeting => "meeting_recorded",
        }
    }

    /// Name of the rpc that a person calls; `None` when only the service takes this step.
    #[must_use]
    pub const fn rpc(self) -> Option<&'static str> {
        match self {
            Self::Decline => Some("DeclineTask"),
            Self::Accept => Some("AcceptTask"),
            Self::Assign => Some("AssignTask"),
            Self::HandBack => Some("HandBackTask"),
            Self::Hold => Some("HoldTask"),
            Self::Resume => Some("ResumeTask"),
            Self::RecordContact => Some("RecordContact"),
            Self::Answer => Some("AnswerTask"),
            Self::AskColleague => Some("AskColleague"),
            Self::RequestCancellation => Some("RequestCancellation"),
            Self::DecideCancellation => Some("DecideCancellation"),
            Self::Fail => Some("FailTask"),
            Self::MarkEnteredInError => Some("MarkEnteredInError"),
            Self::LeaveWithHolder => Some("LeaveWithHolder"),
            Self::ProposeTransfer => Some("ProposeTransfer"),
            Self::AnswerTransfer => Some("AnswerTransfer"),
            Self::WithdrawTransfer => Some("WithdrawTransfer"),
            Self::PlanMeeting => Some("PlanMeeting"),
            Self::RecordMeeting => Some("RecordMeeting"),
            Self::RequestFurtherWork => Some("RequestFurtherWork"),
            Self::Request
            | Self::MakeOffers
            | Self::TimeOutOffers
            | Self::RingClock
            | Self::TellNobody
            | Self::Link
            | Self::ReplaceCoordinator
            | Self::WithdrawOffer
            | Self::NoteHolderAway
            | Self::NoteHolderBack
            | Self::EndTransfer => None,
        }
    }
}
