//! Why something is not recorded. A refusal changes nothing, and its text says what to do.

use voordeur_kernel::ErrorKind;

macro_rules! refusals {
    ($($(#[$about:meta])* $name:ident = $kind:ident $code:literal: $text:literal;)+) => {
        /// Why the answer is no. Nothing changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refusal {
            $($(#[$about])* $name,)+
            /// Somebody did something meanwhile.
            VersionChanged {
                /// What people did so far.
                now: u32,
            },
        }

        impl Refusal {
            /// Every refusal, with a version of 0 where there is one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+ Self::VersionChanged { now: 0 }];

            /// Stable code.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                    Self::VersionChanged { .. } => "VERSION_CHANGED",
                }
            }

            /// What it means.
            #[must_use]
            pub const fn kind(self) -> ErrorKind {
                match self {
                    $(Self::$name => ErrorKind::$kind,)+
                    Self::VersionChanged { .. } => ErrorKind::Conflict,
                }
            }

            /// What to do.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                    Self::VersionChanged { .. } => "somebody recorded something since you looked; look again",
                }
            }
        }
    };
}

refusals! {
    /// The same act was done before with other content.
    OtherContent = AlreadyExists "KEY_REUSED": "this idempotency key was used for another act; take a new one";
    /// There is no such episode.
    NotThere = NotFound "NOT_FOUND": "there is no such episode";
    /// The episode is about another child.
    OtherChild = Refused "OTHER_CHILD": "the episode is about another child";
    /// Its window ended: a new signal opens the child's next episode.
    Ended = Refused "EPISODE_ENDED": "the window of this episode is over; the signal opens the next one";
    /// The task is not of this episode.
    UnknownTask = Refused "UNKNOWN_TASK": "the task is not of this episode";
    /// A deadline that the episode does not wait for, or not yet.
    NotDue = Refused "NOT_DUE": "the episode does not wait for this moment now";
    /// A moment that no calendar of a child has.
    BadMoment = Invalid "BAD_MOMENT": "give a day of this century";
    /// A service's fact came from a person, or the other way round.
    NotForPeople = Refused "NOT_FOR_PEOPLE": "this is recorded by the service itself, when a task moves or a moment comes";
    /// The table of steps has no such step.
    NotNow = Refused "NOT_NOW": "the episode is closed; record what belongs to it, or wait for a new signal";
    /// The fact has fields that contradict each other; callers are told all of them before it comes this far.
    Malformed = Invalid "MALFORMED": "the fact has fields that are missing or contradict each other";
    /// More facts than an episode can have.
    TooManyFacts = Refused "TOO_MANY_FACTS": "the episode holds as many facts as it can; tell the operator";

    /// It happens later than today.
    InTheFuture = Refused "IN_THE_FUTURE": "record it once it has happened: the day lies in the future";
    /// It happened before the episode began.
    BeforeTheEpisode = Refused "BEFORE_THE_EPISODE": "the day lies before the first signal; only referrals and care may, because they can have been there already";
    /// It happened after the work was closed.
    AfterTheEnd = Refused "AFTER_THE_END": "the day lies after the episode was closed; correct the closing when the work goes on";
    /// Consent was withdrawn before it happened.
    ConsentWithdrawn = Refused "CONSENT_WITHDRAWN": "consent was withdrawn before that day: what happened after it is not recorded";
    /// Consent was withdrawn altogether.
    ConsentWithdrawnWhole = Refused "CONSENT_WITHDRAWN_WHOLE": "consent was withdrawn altogether: nothing more is recorded about this child";
    /// It was withdrawn already.
    AlreadyWithdrawn = Refused "ALREADY_WITHDRAWN": "this withdrawal is recorded already";

    /// Nobody was reached yet.
    NoFirstContact = Refused "NO_FIRST_CONTACT": "the baseline is judged after the first contact; record the contact with the task first";
    /// It was judged before the first contact.
    BaselineBeforeContact = Refused "BASELINE_BEFORE_CONTACT": "the day of the judgement lies before the first contact";
    /// It was judged too long after the first contact.
    BaselineTooLate = Refused "BASELINE_TOO_LATE": "the baseline is judged within 14 days of the first contact; this episode goes on without one and counts as not known";
    /// It is recorded too long after the judgement.
    BaselineRecordedTooLate = Refused "BASELINE_RECORDED_TOO_LATE": "a judgement is recorded within 14 days; judge again if the 14 days after the first contact are not over";
    /// A referral is known.
    ReferralKnown = Refused "REFERRAL_KNOWN": "a referral since the first contact is known already: a judgement afterwards tells nothing";
    /// It was judged already.
    BaselineLocked = Refused "BASELINE_LOCKED": "the first judgement stands; a typing error in it is corrected within 14 days, with a second person";
    /// A second judgement without a first.
    NoFirstJudgement = Refused "NO_FIRST_JUDGEMENT": "there is no first judgement that a second one could be compared with";
    /// The second judgement by the person who made the first.
    SameJudge = Refused "SAME_JUDGE": "the second judgement is made by somebody else than the first";
    /// Two second judgements.
    SecondJudged = Refused "SECOND_JUDGED": "there is a second judgement already";

    /// A goal that is not of this episode, or was voided.
    UnknownGoal = Refused "UNKNOWN_GOAL": "there is no such goal in this episode; give the id of the fact that set it";
    /// A referral that is not of this episode, or was voided.
    UnknownReferral = Refused "UNKNOWN_REFERRAL": "there is no such referral in this episode; give the id of the fact that requested it or began care";
    /// It happened before what it names.
    BeforeItsCause = Refused "BEFORE_ITS_CAUSE": "the day lies before the fact that it names";
    /// The request was decided on.
    AlreadyDecided = Refused "ALREADY_DECIDED": "this request was decided on already; correct that fact, or record a new request";
    /// It was refused or withdrawn.
    NotGranted = Refused "NOT_GRANTED": "this request was refused or withdrawn; correct that fact, or record the care without it";
    /// The care is of another kind than was requested.
    OtherDestination = Refused "OTHER_DESTINATION": "the care is of another kind than was requested; record it without the request";
    /// The care began already.
    CareRuns = Refused "CARE_STARTED": "the care of this referral has started already";
    /// There is no care that could end or be reviewed.
    NoCare = Refused "NO_CARE": "no care of this referral has started";
    /// The care ended already.
    CareOver = Refused "CARE_ENDED": "the care of this referral has ended already";
    /// Too early for a review.
    ReviewTooEarly = Refused "REVIEW_TOO_EARLY": "a referral is reviewed no earlier than 90 days after its care began";
    /// The reviewer worked on the case.
    ReviewerOwnsCase = Refused "REVIEWER_OWNS_CASE": "the reviewer worked on this case herself; ask somebody who did not";
    /// The reviewer reviewed it already.
    SameReviewer = Refused "SAME_REVIEWER": "this reviewer has reviewed it already; the second reviewer is somebody else";
    /// Neither reviewer would be of the receiving provider.
    ReviewerOfProviderNeeded = Refused "REVIEWER_OF_PROVIDER_NEEDED": "one of the two reviewers is of the provider that received the child, and the other one is not";
    /// Two have reviewed it.
    ReviewsComplete = Refused "REVIEWS_COMPLETE": "two reviewers have judged; there is no casting vote";

    /// The check names a day after the baseline, and there is none.
    NoBaseline = Refused "NO_BASELINE": "there is no baseline, so no check was asked for; leave the day out";
    /// It does not reach the day that it answers.
    CheckTooEarly = Refused "CHECK_TOO_EARLY": "what is known does not reach that day after the baseline yet; ask on the day itself or later, or leave the day out";
    /// It says something about days to come.
    CoversTheFuture = Refused "COVERS_THE_FUTURE": "nobody knows how it goes after the day of the check";
    /// The child left already.
    AlreadyLeft = Refused "ALREADY_LEFT": "that the child left is recorded already; correct that fact when it is wrong";
    /// The hand-over would be in the past, or far away.
    HandOverDay = Refused "HAND_OVER_DAY": "plan the hand-over on a day after today and within ten years";
    /// Youth care began already.
    AlreadyYouthCare = Refused "ALREADY_YOUTH_CARE": "that youth care began is recorded already";

    /// It is closed already.
    AlreadyClosed = Refused "ALREADY_CLOSED": "the episode is closed already; correct the closing when it is wrong";
    /// Closed because the window ended, but it runs.
    WindowRuns = Refused "WINDOW_RUNS": "the window is not over on that day; choose another reason";
    /// Closed because the child left, but it did not.
    NotLeft = Refused "NOT_LEFT": "record first that the child left, and where to";
    /// Closed because consent was withdrawn, but it was not.
    ConsentStands = Refused "CONSENT_STANDS": "record first that consent was withdrawn";

    /// Linked with itself.
    SameChild = Refused "SAME_CHILD": "both episodes are of the same alias already; link those of two aliases";
    /// Linked in the wrong direction.
    LinkFromLater = Refused "LINK_FROM_LATER": "the other episode began later: record the link there, and name this one";
    /// Linked already.
    AlreadyLinked = Refused "ALREADY_LINKED": "these two episodes are linked already";

    /// A fact that is not of this episode.
    UnknownFact = Refused "UNKNOWN_FACT": "there is no such fact in this episode";
    /// Nobody agreed who could.
    SamePerson = Refused "SAME_PERSON": "the second person is somebody else than who records the correction";
    /// A correction, or a moment that came, cannot be corrected.
    NotCorrectable = Refused "NOT_CORRECTABLE": "this cannot be corrected; correct the fact itself again";
    /// It changes nothing.
    NothingCorrected = Refused "NOTHING_CORRECTED": "say what is different: void, another day or, for a baseline, another answer";
    /// The baseline is locked.
    CorrectionTooLate = Refused "CORRECTION_TOO_LATE": "a baseline is corrected within 14 days of the judgement and before a referral is known; after that it stands, unless it was about another child or a parent objects";
    /// An imminent baseline needs a mark, which a correction cannot give.
    MarkNeeded = Refused "MARK_NEEDED": "imminent needs a mark: void this judgement and record it anew, with its mark";
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.advice())?;
        if let Self::VersionChanged { now } = self {
            write!(f, " (it is at version {now} now)")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_code_of_its_own() {
        let codes: BTreeSet<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
    }
}
