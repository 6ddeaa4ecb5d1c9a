//! What a refusal looks like from outside.

use voordeur_chassis::Problem;
use voordeur_routing_domain::task::{Refusal, Task};

/// A refusal of the domain, with what a program needs to go on.
pub(crate) fn refused(refusal: &Refusal, task: Option<&Task>) -> Problem {
    if matches!(refusal, Refusal::NotThere) {
        return Problem::not_found("task");
    }
    let field = match refusal {
        Refusal::DateNotAhead => Some("until"),
        Refusal::StatusNeeded | Refusal::NobodyAsked => Some("status"),
        Refusal::NotAnOutcomeOfASignal => Some("outcome"),
        Refusal::MeetingNotAhead => Some("at"),
        Refusal::MeetingWithNobody => Some("roles"),
        Refusal::AboutAChild => Some("without_parents"),
        Refusal::NoParentsToInvite => Some("invite_parents"),
        Refusal::OnlyWhenHeld => Some("parents_came"),
        _ => None,
    };
    if let Some(field) = field {
        return Problem::fault(field, refusal.reason(), refusal.to_string());
    }
    let mut problem = Problem::new(refusal.kind(), refusal.reason(), refusal.to_string());
    if let Refusal::NotNow { allowed, .. } = refusal {
        let allowed: Vec<&str> = allowed.iter().filter_map(|step| step.rpc()).collect();
        problem = problem.with_metadata("allowed_steps", allowed.join(","));
    }
    if let Some(task) = task {
        problem = problem
            .with_metadata("state", task.state.name())
            .with_metadata("version", task.version.to_string());
    }
    problem
}
