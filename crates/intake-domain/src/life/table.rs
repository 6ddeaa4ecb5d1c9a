//! The table of steps.

/// Where a signal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Durable; no task is known yet.
    Received,
    /// A professional has it as a task.
    Routed,
    /// It has its answer.
    Answered,
    /// Taken back, before or after somebody worked on it.
    Withdrawn,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 4] = [Self::Received, Self::Routed, Self::Answered, Self::Withdrawn];
}

/// What can be done to a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Routing made its task.
    Route,
    /// The professional answered.
    Answer,
    /// The task ended with a cancellation.
    Cancel,
    /// The asker takes it back.
    Withdraw,
    /// The asker heard the answer.
    Acknowledge,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 5] = [Self::Route, Self::Answer, Self::Cancel, Self::Withdraw, Self::Acknowledge];

    /// Who may: people of the asking organisation, or the service itself when it hears of a task.
    #[must_use]
    pub const fn by_asker(self) -> bool {
        matches!(self, Self::Withdraw | Self::Acknowledge)
    }
}

/// What an act comes to in a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It leads to this stage.
    Goes(Stage),
    /// It has happened already, or does not matter any more: nothing is stored.
    Nothing,
    /// It is not possible here; stable reason.
    Refused(&'static str),
}

/// Every act in every stage.
pub const STEPS: [(Stage, Act, Outcome); 20] = {
    use Act::{Acknowledge, Answer, Cancel, Route, Withdraw};
    use Outcome::{Goes, Nothing, Refused};
    use Stage::{Answered, Received, Routed, Withdrawn};
    [
        (Received, Route, Goes(Routed)),
        // Hearing of the task comes first; whoever reads the task's history does both.
        (Received, Answer, Refused("NOT_ROUTED")),
        (Received, Cancel, Refused("NOT_ROUTED")),
        (Received, Withdraw, Goes(Withdrawn)),
        (Received, Acknowledge, Refused("NOT_ANSWERED")),
        (Routed, Route, Nothing),
        (Routed, Answer, Goes(Answered)),
        (Routed, Cancel, Goes(Withdrawn)),
        // A request: routing asks the holder.
        (Routed, Withdraw, Goes(Routed)),
        (Routed, Acknowledge, Refused("NOT_ANSWERED")),
        (Answered, Route, Nothing),
        (Answered, Answer, Nothing),
        (Answered, Cancel, Nothing),
        (Answered, Withdraw, Refused("ALREADY_ANSWERED")),
        (Answered, Acknowledge, Goes(Answered)),
        // Routing had made the task before it heard that the signal was taken back: now it asks the holder.
        (Withdrawn, Route, Goes(Routed)),
        // A task that is known ended already when this stage was reached through it.
        (Withdrawn, Answer, Refused("NOT_ROUTED")),
        (Withdrawn, Cancel, Nothing),
        (Withdrawn, Withdraw, Nothing),
        (Withdrawn, Acknowledge, Refused("NOT_ANSWERED")),
    ]
};

/// Looks a step up.
#[must_use]
pub fn step(stage: Stage, act: Act) -> Outcome {
    STEPS
        .iter()
        .find(|(from, what, _)| (*from, *what) == (stage, act))
        .map_or(Outcome::Refused("NO_SUCH_STEP"), |(_, _, outcome)| *outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_in_every_stage_is_in_the_table_once() {
        for stage in Stage::ALL {
            for act in Act::ALL {
                assert_eq!(
                    STEPS.iter().filter(|s| (s.0, s.1) == (stage, act)).count(),
                    1,
                    "{stage:?} {act:?}"
                );
            }
        }
    }

    #[test]
    fn only_an_answer_or_its_asker_ends_a_signal() {
        for (from, act, outcome) in STEPS {
            match outcome {
                Outcome::Goes(Stage::Answered) => assert!(matches!(act, Act::Answer | Act::Acknowledge)),
                Outcome::Goes(Stage::Withdrawn) => assert!(matches!(act, Act::Withdraw | Act::Cancel)),
                Outcome::Goes(Stage::Received) => panic!("nothing goes back to {from:?}"),
                _ => {}
            }
        }
    }
}
