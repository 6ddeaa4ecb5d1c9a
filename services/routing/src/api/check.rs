//! What the table cannot know: the people, roles and texts that a step names.

use voordeur_chassis::Problem;
use voordeur_directory::Directory;
use voordeur_kernel::{Faults, Role, Timestamp};
use voordeur_routing_domain::task::{Colleague, Sealed, Task, Wish};

use super::view::is_coordinator;

/// Are the people of this centre, and the texts of this task?
pub(super) fn check(directory: &Directory, task: &Task, wish: &Wish, now: Timestamp) -> Result<(), Problem> {
    let centre = task.about.centre.as_str();
    match wish {
        Wish::Assign(to, _) | Wish::ProposeTransfer(to, _) => {
            let today = directory.local_date(now);
            let professional =
                directory.professionals_at(centre).any(|p| p.key == *to && p.is_registered_on(today));
            if professional || is_coordinator(directory, to, centre) {
                return Ok(());
            }
            Err(Problem::fault(
                "professional",
                "NOT_AT_CENTRE",
                "give a professional of this centre whose registration is valid, or its coordinator",
            ))
        }
        Wish::Answer { advice: Some(Sealed { owner, .. }), .. } => {
            // Intake opens an answer only with the task it was sealed for.
            if *owner == *task.id.as_bytes() {
                return Ok(());
            }
            Err(Problem::fault("advice.owner", "WRONG_OWNER", "this text was sealed for something else"))
        }
        Wish::AskColleague(Colleague { person: Some(colleague), role, .. }) => {
            let there = directory.people_at(centre).any(|p| p.key == *colleague && p.role == *role);
            if there {
                return Ok(());
            }
            Err(Problem::fault(
                "person",
                "NOT_AT_CENTRE",
                "nobody with this key has that role at this centre",
            ))
        }
        Wish::PlanMeeting(meeting) => {
            let mut faults = Faults::new();
            for (place, person) in meeting.people.iter().enumerate() {
                if !directory.people_at(centre).any(|other| other.key == *person) {
                    let field = format!("people[{place}]");
                    faults.add(field, "NOT_AT_CENTRE", "nobody with this key works at this centre");
                }
            }
            faults.finish(Some(())).map_err(Problem::invalid)
        }
        _ => Ok(()),
    }
}

/// Roles of the team around a child that may be asked along.
pub(super) const fn may_be_asked(role: Role) -> bool {
    !matches!(role, Role::Signaller | Role::Operator | Role::Auditor)
}
