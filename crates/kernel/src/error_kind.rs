//! The closed list of kinds of errors. It alone decides the gRPC code, the HTTP status and what becomes of a message.

/// What an error means to whoever meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input is wrong; the same input will stay wrong.
    Invalid,
    /// It is not there (or not for the caller to know).
    NotFound,
    /// The same key was used for something else.
    AlreadyExists,
    /// Somebody else was first; look again and decide again.
    Conflict,
    /// Nobody said who they are.
    NotAuthenticated,
    /// The caller may not.
    NotAllowed,
    /// A rule of the domain says no in this state.
    Refused,
    /// Something we need is away; the same request may be repeated.
    Unavailable,
    /// The deadline passed; the outcome may be unknown, and the same request may be repeated.
    TimedOut,
    /// Too much at once or too large; later or smaller works.
    TooMuch,
    /// Our own fault, or damaged data.
    Broken,
}

/// What becomes of a delivered message when handling it ended with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageFate {
    /// Nothing more to do.
    Acknowledge,
    /// Deliver again after a while, for ever.
    Retry,
    /// Keep it whole among the dead letters, with an alarm.
    Park,
}

impl ErrorKind {
    /// Every kind, for tables in tests and documents.
    pub const ALL: [Self; 11] = [
        Self::Invalid,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::NotAuthenticated,
        Self::NotAllowed,
        Self::Refused,
        Self::Unavailable,
        Self::TimedOut,
        Self::TooMuch,
        Self::Broken,
    ];

    /// What becomes of a message.
    #[must_use]
    pub const fn fate(self) -> MessageFate {
        match self {
            Self::Conflict | Self::Unavailable | Self::TimedOut | Self::TooMuch => MessageFate::Retry,
            // A refusal is an answer: it was decided and there is nothing left to do.
            Self::Refused => MessageFate::Acknowledge,
            Self::Invalid
            | Self::NotFound
            | Self::AlreadyExists
            | Self::NotAuthenticated
            | Self::NotAllowed
            | Self::Broken => MessageFate::Park,
        }
    }

    /// May the very same request be sent again with hope of another outcome?
    #[must_use]
    pub const fn may_retry(self) -> bool {
        matches!(self, Self::Conflict | Self::Unavailable | Self::TimedOut | Self::TooMuch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_retried_is_delivered_again_and_nothing_else_is() {
        for kind in ErrorKind::ALL {
            assert_eq!(kind.may_retry(), kind.fate() == MessageFate::Retry, "{kind:?}");
        }
    }
}
