//! The closed lists of words of work on the floor.

/// Kinds of work on the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityKind {
    /// Observing along in a group.
    Meekijken,
    /// Coaching of staff.
    Coaching,
    /// A talk of the team.
    Teamoverleg,
    /// An evening with parents.
    Ouderavond,
    /// A question of a colleague, without a child that can be traced.
    Consult,
    /// Something else.
    Other,
}

impl ActivityKind {
    /// Every kind, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 6] =
        [Self::Meekijken, Self::Coaching, Self::Teamoverleg, Self::Ouderavond, Self::Consult, Self::Other];
}

/// What became of an agreed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LookBackResult {
    /// It works.
    Works,
    /// It works in part.
    Partly,
    /// It does not work.
    Not,
    /// It was not tried.
    NotTried,
}

impl LookBackResult {
    /// Every result, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 4] = [Self::Works, Self::Partly, Self::Not, Self::NotTried];
}
