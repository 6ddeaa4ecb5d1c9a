//! Who looked at tasks about a child, on record before anything is shown. What makes a record is told in docs/tasks.md.

use voordeur_chassis::{AuditTrail, Problem};
use voordeur_contracts::{
    common,
    event::{AuditAction, AuditControls, AuditEvent, AuditEventType, AuditObjectType, AuditOutcome},
};
use voordeur_directory::Directory;
use voordeur_eventlog::Deadline;
use voordeur_kernel::{CommitId, ErrorKind, ProfessionalKey, TaskId};
use voordeur_routing_domain::task::Task;
use voordeur_vault::random_id;

use crate::{api::is_coordinator, codec::read::wire_id, office::Office};

/// Version of the rule that the people of a centre see its tasks.
const ACCESS_RULES: &str = "team-of-centre/1";
/// Version of the rule that holding a task, being asked to, or catching it is the relation of care.
const CARE_RULES: &str = "task-holder/1";
/// Who looks when no person of the team does.
const OPERATOR: &str = "operator";

/// Writes looks down.
pub(crate) struct Audit(pub(crate) AuditTrail);

/// What somebody does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activity {
    /// The call.
    pub(crate) rpc: &'static str,
    /// A look, or a step that changes something.
    pub(crate) action: AuditAction,
    /// May she?
    pub(crate) allowed: bool,
}

impl Activity {
    pub(crate) const fn look(rpc: &'static str, allowed: bool) -> Self {
        Self { rpc, action: AuditAction::R, allowed }
    }

    /// A step that was refused; what the refusal tells about the task is a look.
    pub(crate) const fn refused_step(rpc: &'static str) -> Self {
        Self { rpc, action: AuditAction::U, allowed: false }
    }
}

impl Office {
    /// Puts a look at one task on record, when the task is about a child. `None` is an operator.
    ///
    /// # Errors
    /// When it is not on record. Nothing may be shown then.
    pub(crate) async fn record(
        &self,
        directory: &Directory,
        person: Option<&ProfessionalKey>,
        task: &Task,
        activity: Activity,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let Some(child) = task.about.child else { return Ok(()) };
        let in_care = person.is_some_and(|person| {
            task.holder.as_ref() == Some(person)
                || task.is_offered_to(person)
                || task.transfer().is_some_and(|transfer| transfer.to == *person)
                || is_coordinator(directory, person, task.about.centre.as_str())
        });
        let event = AuditEvent {
            participant_object_id: wire_id(task.id.as_bytes()),
            data_subject_id: wire_id(child.as_bytes()),
            controles: Some(AuditControls {
                autorisatie: activity.allowed,
                behandelrelatie: in_care,
                toestemming: task.about.name_may_be_shared,
                noodknop: false,
            }),
            ..event(directory, person, activity)
        };
        self.store(&task.id.to_hex(), event, deadline).await
    }

    /// Puts on record that tasks about children are shown on somebody's list. No tasks, no record.
    ///
    /// # Errors
    /// When it is not on record. Nothing may be shown then.
    pub(crate) async fn record_list(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        tasks: &[TaskId],
        rpc: &'static str,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        if tasks.is_empty() {
            return Ok(());
        }
        // Every id of this service is derived from what it is of; so is that of a list.
        let list = self.deriver.command_id("list of tasks", person.as_str());
        let event = AuditEvent {
            participant_object_id: wire_id(list.as_bytes()),
            listed_object_ids: tasks.iter().map(|task| wire_id(task.as_bytes())).collect(),
            controles: Some(AuditControls {
                autorisatie: true,
                // A list shows what she holds, is asked or catches.
                behandelrelatie: true,
                toestemming: false,
                noodknop: false,
            }),
            ..event(directory, Some(person), Activity::look(rpc, true))
        };
        self.store(&list.to_hex(), event, deadline).await
    }

    async fn store(&self, case: &str, event: AuditEvent, deadline: Deadline) -> Result<(), Problem> {
        let id = random_id().map_err(|_| Problem::broken("no randomness for an audit record"))?;
        let stored =
            self.audit.0.record(case, CommitId::from_bytes(id), self.clock.now(), event, deadline).await;
        stored.map_err(|problem| {
            if !problem.kind.may_retry() || problem.kind == ErrorKind::TooMuch {
                tracing::error!(
                    reason = problem.reason,
                    "a look cannot be put on record, so nothing is shown"
                );
            }
            Problem::unavailable(
                "NOT_ON_RECORD",
                "this look cannot be put on record now, so nothing is shown; try again",
            )
        })
    }
}

fn event(directory: &Directory, person: Option<&ProfessionalKey>, activity: Activity) -> AuditEvent {
    let (key, role) = match person {
        // Somebody whom the directory does not know has no role.
        Some(key) => {
            let known = directory.person(key.as_str());
            let role = known.map_or(common::Role::Unspecified, |person| common::Role::from(person.role));
            (key.as_str(), role)
        }
        None => (OPERATOR, common::Role::Operator),
    };
    let person_on_wire = common::Person { key: key.to_owned(), role: role.into() };
    let outcome = if activity.allowed { AuditOutcome::Success } else { AuditOutcome::Refused };
    AuditEvent {
        event_action_code: activity.action.into(),
        event_outcome_indicator: outcome.into(),
        event_id: code(activity.rpc),
        event_type_code: AuditEventType::Normal.into(),
        user: Some(common::Actor { who: Some(common::actor::Who::Person(person_on_wire)) }),
        purpose_of_use: if person.is_some() { "BEGELEIDING" } else { "BEHEER" }.to_owned(),
        participant_object_id_type: AuditObjectType::Task.into(),
        autorisatie_protocol: format!("{ACCESS_RULES} directory/{}", directory.version()),
        behandelrelatie_protocol: CARE_RULES.to_owned(),
        ..AuditEvent::default()
    }
}

/// The code of a call: `GetTask` is `get-task`.
fn code(rpc: &str) -> String {
    let mut code = String::with_capacity(rpc.len() + 4);
    for letter in rpc.chars() {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_code() {
        assert_eq!(code("GetTask"), "get-task");
        assert_eq!(code("MarkEnteredInError"), "mark-entered-in-error");
    }
}
