//! The closed lists of words of an episode.

/// What the work on a task came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskOutcome {
    /// Advice to the asker.
    Advice,
    /// Support in group or class.
    SupportOnTheFloor,
    /// Support at home.
    SupportAtHome,
    /// A meeting of the team, parents invited.
    TeamMeeting,
    /// A referral was requested.
    Referred,
    /// The route of Veilig Thuis: neither failure nor success.
    VeiligThuisRoute,
    /// Nothing more was needed.
    NoActionNeeded,
}

impl TaskOutcome {
    /// Every outcome, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 7] = [
        Self::Advice,
        Self::SupportOnTheFloor,
        Self::SupportAtHome,
        Self::TeamMeeting,
        Self::Referred,
        Self::VeiligThuisRoute,
        Self::NoActionNeeded,
    ];
}

/// Wordt verwijzing overwogen? Judged and locked before any outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Baseline {
    /// Nobody considers it.
    None,
    /// Somebody names it as an option within a year.
    Possible,
    /// Expected within about 90 days without support here.
    Imminent,
}

impl Baseline {
    /// Every answer, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 3] = [Self::None, Self::Possible, Self::Imminent];
}

/// Who took part in a judgement beside the professional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Participant {
    /// A parent or guardian.
    Parent,
    /// Staff of group or class.
    Staff,
    /// The child.
    Child,
    /// A colleague in another role.
    Colleague,
}

impl Participant {
    /// Every one, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 4] = [Self::Parent, Self::Staff, Self::Child, Self::Colleague];
}

/// Why an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseReason {
    /// Its window is over.
    WindowEnded,
    /// The child left the centre.
    ChildLeft,
    /// Consent was withdrawn.
    ConsentWithdrawn,
}

impl CloseReason {
    /// Every reason, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 3] = [Self::WindowEnded, Self::ChildLeft, Self::ConsentWithdrawn];
}
