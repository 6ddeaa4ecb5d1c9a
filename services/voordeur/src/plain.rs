//! Messages as people read them: names of fields as words, times as clocks in the Netherlands show them, and the words that options take.
//! What is empty is left out. Programs read `--json`, where everything is as in the contracts.

use std::fmt::Write as _;

use prost::Message;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value,
};
use voordeur_contracts::{common::Position, event::Span};

use crate::{
    failure::Failure,
    output,
    wire::{decode, shown_moment, shown_position, shown_span, to_json, word},
};

/// The rpc of each step, and the step of `voordeur task` that calls it.
const STEPS: [(&str, &str); 20] = [
    ("AcceptTask", "accept"),
    ("DeclineTask", "decline"),
    ("RecordContact", "contact"),
    ("HoldTask", "hold"),
    ("ResumeTask", "resume"),
    ("HandBackTask", "hand-back"),
    ("AnswerTask", "answer"),
    ("AskColleague", "ask"),
    ("ProposeTransfer", "transfer"),
    ("AnswerTransfer", "take-over"),
    ("WithdrawTransfer", "withdraw-transfer"),
    ("PlanMeeting", "plan-meeting"),
    ("RecordMeeting", "record-meeting"),
    ("RequestFurtherWork", "further-work"),
    ("LeaveWithHolder", "leave-with-holder"),
    ("AssignTask", "assign"),
    ("RequestCancellation", "cancel"),
    ("DecideCancellation", "decide"),
    ("FailTask", "fail"),
    ("MarkEnteredInError", "error"),
];

/// Prints a message of the contracts: whole as JSON on one line, or as people read it.
pub(crate) fn print<M: Message>(name: &str, content: &M, json: bool) -> Result<(), Failure> {
    if json {
        return output::value(&to_json(name, content)?, true);
    }
    output::line(shown(name, content)?.trim_end())
}

/// A message as people read it, in lines that end with `\n`.
pub(crate) fn shown<M: Message>(name: &str, content: &M) -> Result<String, Failure> {
    let mut text = String::new();
    write(&decode(name, content)?, 0, &mut text);
    Ok(text)
}

/// The step of `voordeur task` that calls an rpc.
pub(crate) fn step(rpc: &str) -> &str {
    STEPS.iter().find(|(known, _)| *known == rpc).map_or(rpc, |(_, step)| step)
}

/// A text of a service in which steps are named by their rpc, with the words that people type instead.
pub(crate) fn with_steps(text: &str) -> String {
    STEPS.iter().fold(text.to_owned(), |text, (rpc, step)| text.replace(rpc, step))
}

fn write(message: &DynamicMessage, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    for field in message.descriptor().fields() {
        if field.supports_presence() && !message.has_field(&field) {
            continue;
        }
        let name = field.name().replace('_', " ");
        match &*message.get_field(&field) {
            Value::List(items) if items.iter().any(is_block) => {
                let _ = writeln!(text, "{indent}{name}:");
                for item in items.iter().filter_map(Value::as_message) {
                    let mut inner = String::new();
                    write(item, depth + 2, &mut inner);
                    let _ = writeln!(text, "{indent}  - {}", inner.trim());
                }
            }
            Value::List(items) => {
                let items: Vec<_> = items.iter().filter_map(|item| one(&field, item)).collect();
                line(text, &indent, &name, &items.join(", "));
            }
            Value::Map(items) => {
                let items: Vec<_> =
                    items.iter().map(|(key, item)| format!("{} {}", key_of(key), plain(item))).collect();
                line(text, &indent, &name, &items.join(", "));
            }
            Value::Message(inner) if is_block(&Value::Message(inner.clone())) => {
                let mut below = String::new();
                write(inner, depth + 1, &mut below);
                if !below.is_empty() {
                    let _ = write!(text, "{indent}{name}:\n{below}");
                } else if field.containing_oneof().is_some() {
                    // It says something by being there.
                    line(text, &indent, &name, "yes");
                }
            }
            value => line(text, &indent, &name, &one(&field, value).unwrap_or_default()),
        }
    }
}

fn line(text: &mut String, indent: &str, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(text, "{indent}{name}: {value}");
    }
}

/// Does it take lines of its own?
fn is_block(value: &Value) -> bool {
    value.as_message().is_some_and(|message| in_line(message).is_none())
}

/// The messages that are one value to people.
fn in_line(message: &DynamicMessage) -> Option<String> {
    match message.descriptor().full_name() {
        "google.protobuf.Timestamp" => Some(shown_moment(message.transcode_to().ok().as_ref())),
        "voordeur.common.v1.Position" => {
            Some(shown_position(message.transcode_to::<Position>().ok().as_ref()))
        }
        "voordeur.event.v1.Span" => Some(shown_span(message.transcode_to::<Span>().ok().as_ref())),
        _ => None,
    }
}

/// One value on a line; nothing when it says nothing.
fn one(field: &FieldDescriptor, value: &Value) -> Option<String> {
    let said = field.supports_presence();
    match value {
        Value::Bool(holds) => Some(if *holds { "yes" } else { "no" }.to_owned()),
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(kind) if !says_nothing(&kind, *number) => Some(word(kind.full_name(), *number)),
            _ => None,
        },
        Value::String(text) if field.full_name() == "voordeur.routing.v1.Task.allowed_steps" => {
            Some(step(text).to_owned())
        }
        Value::Message(message) => in_line(message),
        Value::Bytes(bytes) => match bytes.as_ref() {
            [] => None,
            id if id.len() == 16 => Some(named(field, id)),
            sealed => Some(output::counted(sealed.len(), "byte", "bytes")),
        },
        other => Some(plain(other)).filter(|text| said || !(text.is_empty() || text == "0")),
    }
}

/// Goals, referrals and corrected facts are known by the id of a fact; everything else by what its field is called.
fn named(field: &FieldDescriptor, id: &[u8]) -> String {
    let prefix = match field.name() {
        "goal" | "referral" | "target" => "fac_",
        "earlier_episode" | "episode" => "epi_",
        "task" | "earlier_task" | "linked_tasks" => "tsk_",
        "signal" => "sig_",
        "activity" => "act_",
        _ => "",
    };
    id.iter().fold(prefix.to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn says_nothing(kind: &EnumDescriptor, number: i32) -> bool {
    kind.get_value(number).is_some_and(|value| value.name().ends_with("UNSPECIFIED"))
}

fn plain(value: &Value) -> String {
    match value {
        Value::I32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::F32(number) => number.to_string(),
        Value::F64(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Bool(holds) => holds.to_string(),
        Value::Bytes(_) | Value::EnumNumber(_) | Value::Message(_) | Value::List(_) | Value::Map(_) => {
            String::new()
        }
    }
}

fn key_of(key: &MapKey) -> String {
    plain(&Value::from(key.clone()))
}

#[cfg(test)]
mod tests {
    use voordeur_contracts::{
        common::{ConcernDomain, SubjectKind},
        event::{ClockKind, Deadline, TaskState},
        routing::{FollowUp, GetTaskResponse, Task, follow_up::Work},
    };
    use voordeur_routing_domain::task::StepKind;

    use super::*;

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 5 })
    }

    #[test]
    fn a_task_reads_in_local_time_and_plain_words_and_what_is_empty_is_left_out() {
        let task = Task {
            task_id: "tsk_1".into(),
            state: TaskState::InProgress.into(),
            subject: SubjectKind::Child.into(),
            domains: vec![ConcernDomain::SpraakTaal.into(), ConcernDomain::Gedrag.into()],
            received_at: at(1_767_603_600),
            offered_to: vec!["noor".into(), "sam".into()],
            deadlines: vec![Deadline {
                clock: ClockKind::FirstContact.into(),
                due: at(1_783_339_200),
                round: 2,
            }],
            allowed_steps: vec!["RecordContact".into(), "AnswerTransfer".into()],
            follow_up: Some(FollowUp { work: Some(Work::CheckDay(0)), ..FollowUp::default() }),
            ..Task::default()
        };
        let position = Position { stream: "TASKS".into(), incarnation: "i".into(), sequence: 7 };
        let reply = GetTaskResponse { task: Some(task), position: Some(position) };
        let expected = "\
task:
  task id: tsk_1
  state: in-progress
  subject: child
  domains: spraak-taal, gedrag
  received at: 2026-01-05 10:00
  offered to: noor, sam
  deadlines:
    - clock: first-contact
      due: 2026-07-06 14:00
      round: 2
  answer wanted: no
  allowed steps: contact, take-over
  overdue: no
  follow up:
    check day: 0
position: TASKS/i/7
";
        assert_eq!(shown("voordeur.routing.v1.GetTaskResponse", &reply).unwrap(), expected);
    }

    #[test]
    fn every_step_that_a_person_takes_has_its_word_and_every_word_is_a_command() {
        use clap::CommandFactory as _;
        let task = crate::arguments::Cli::command();
        let task = task.find_subcommand("task").unwrap();
        for kind in StepKind::ALL {
            if let Some(rpc) = kind.rpc() {
                assert!(task.find_subcommand(step(rpc)).is_some(), "{rpc}");
            }
        }
    }
}
