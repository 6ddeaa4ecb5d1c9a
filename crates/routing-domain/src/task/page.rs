//! The table of steps as a page of the documentation: docs/tasks.md.

use std::fmt::Write as _;

use super::table::{TaskState, rows};

/// The table as a page of the documentation.
#[must_use]
pub fn document() -> String {
    let mut page = String::from(PREFACE);
    for from in std::iter::once(None).chain(TaskState::ALL.into_iter().map(Some)) {
        let name = from.map_or("(not there yet)", TaskState::name);
        let _ = writeln!(page, "\n## {name}\n");
        let mut lines = rows().filter(|row| row.from == from).peekable();
        if from.is_some_and(TaskState::is_final) {
            let _ = writeln!(page, "Final: nothing happens to it any more.");
            if lines.peek().is_none() {
                continue;
            }
            let _ = writeln!(page, "More work is a new task that names this one, and is named by it.\n");
        }
        let _ = writeln!(page, "| event | call | who | leads to | needs |\n|---|---|---|---|---|");
        for row in lines {
            let call = row.step.rpc().map_or_else(|| "-".to_owned(), |rpc| format!("`{rpc}`"));
            let who = row.who.names().join(", ");
            let _ = writeln!(
                page,
                "| `{}` | {call} | {who} | {} | {} |",
                row.step.event(),
                row.next.words(),
                row.needs
            );
        }
    }
    page.push_str(AFTERWORD);
    page
}

const PREFACE: &str = "\
# The life of a task

This page is generated from the table in `crates/routing-domain/src/task/table.rs`, which the code itself asks; a test fails when the
two differ. A step that is not listed is refused, nothing changes, and the refusal names the steps that are allowed.

Who may take a step comes from the directory and from the task, never from the caller:

- **holder**: who holds the task;
- **offered**: a professional with a pending offer;
- **coordinator**: the coordinator of the centre. Her offer stands until somebody takes the task; she accepts or assigns, she cannot decline;
- **professional of the centre**: with a valid registration, asked or not: a late yes is still a yes;
- **colleague who is asked to take it over**: until she answered, the time is over, or somebody else holds it;
- **service**: the service itself, for wake-ups, clocks and presence.

A clock reminds and escalates. No clock leads to another state than the one the task is in: nothing is closed by it. A deadline that
passed has its event (`offers_timed_out`, `offers_made` for a safety signal that is repeated, `clock_rang`, or `nobody_to_tell` when
nobody who could be told is there), and rings again after a while for as long as the task stands as it did. Putting a task on hold adds
a clock and stops none: the asker still waits.

`nobody_to_tell` is rare: with the built-in ladders it takes a holder who is not there, or offers to nobody who is there, together with
a coordinator who was said to be absent. It raises an alarm, and the clock rings again.

Work that came due by itself makes a task as well: a follow-up check of an episode, asked for again when it was not made (a second task only
when the first has ended), a warm hand-over, and the look-back on work on the floor. No signal asked for it, so nobody waits for a first
contact or for an answer: `answer` takes an outcome (`done`) and neither status nor advice; what the work brought is recorded in the episode
or the activity. There is no hurry: it is at once in the hands of the professional whose work it follows on, at work at that moment or not,
as long as she works at the centre and nobody said that she is absent; she may give it back. Otherwise the other professionals are asked, and
at last the coordinator. It must be taken within 5 and done within 10 working days, and rings until it is. When a consent is withdrawn from
an episode, whoever holds its tasks is asked to end them (`cancellation_requested` with `consent_withdrawn`).

An event carries who took the step, in which role, and by which version of the directory. Who is both professional and coordinator acts as
professional where the step is for who holds the task, was asked, or works there; as coordinator where only that permits it.

When the holder of a task is away, because she is absent, left the centre, or is not registered any more, the coordinator is asked who goes on
(`holder_away`), and reminded until that is said. The task stays with its holder meanwhile, and so do its clocks: they are told to the
coordinator at once. The question is answered by an assignment, by a colleague who takes it over, by leaving it with a holder who is absent
(`LeaveWithHolder`), or by itself when she is back. What was left with her is asked again when the absence becomes another one. An offer to
somebody who is away goes on to others at once (`offer_withdrawn`); that is not a no, so she may be asked again when she is back. When
the holder who is away is the coordinator herself, another coordinator of the centre catches the task and is asked (`coordinator_replaced`);
when there is none, it says so (`nobody_to_tell`).

The holder may ask one colleague who is at work at that moment, or the coordinator, to take a task over (`ProposeTransfer`). It stays hers
until the colleague says yes; then the work goes on where it stood, and no clock begins anew. The question ends when the colleague says no,
does not answer within the time to respond of the plan's first step, goes off duty for the day, or is away, when the holder takes it back,
and with every other change of holder; a holder whose question came to nothing is told so, and can ask somebody else. Who is asked sees no
more of the child than before: what was written opens for who holds the task.

A meeting (`PlanMeeting`) invites the parents, unless a reason is given. A safety signal is a reason by itself: there they are invited only when
the call says so (`invite_parents`); so is a task about no child. A meeting stops no clock, and somebody is asked what came of it
(`RecordMeeting`) until it is said. It belongs to the task: it stays planned when somebody else goes on. Moving it is recording that it was
moved, and planning another one.

More work on a task that has ended (`RequestFurtherWork`) is a new task on the same child, group and centre. It goes first to whoever held the one
before, with the clocks of regular work; nobody is owed an answer again, and consents are asked anew. It is refused when the signal or the
consent was taken back, or when the task should never have been there.

`fail` does not end a task: the coordinator holds it from then on and answers the asker, or gives it to somebody else.

A withdrawn signal ends nothing by itself: it asks whoever holds the task (`cancellation_requested` with `signal_withdrawn` or
`consent_withdrawn`). When another cancellation is being asked at that moment, it waits for the answer: a yes ends the task, after a no it
is the next question, in the same event. Whoever said no to the withdrawal itself is not asked again.

The coordinator is the one of the directory in force. When a centre gets another one, what stood at the one before her (offers, failed
tasks, cancellations that nobody holds) is hers at once: `coordinator_replaced`. A task in the hands of somebody who does not work at the
centre any more stands on her list too.

A child's name goes along with `AskColleague` only to another professional of the centre, and only when everybody who decides about the
child consented; what people can consent to does not cover other roles. A recorded ground is no consent.
";

const AFTERWORD: &str = "
## Looks on record

Whatever shows something about a child's task is on record in the stream AUDIT before it is shown; when it cannot be put on record, nothing
is shown (`UNAVAILABLE`, reason `NOT_ON_RECORD`). Tasks about a group or a question without a child make no record.

| call | record |
|---|---|
| `GetTask`, `ExplainRouting` | one for each look under the id of the task, with the child's alias; refused looks too |
| `ListTasks` | one for each page that shows a child's task, under the id of the reader's list, naming the tasks it shows |
| `WatchNotices` | one when it begins and one whenever notices come to it, naming the tasks they are about; each task is named once in a watch |
| `WatchTasks` | one when it begins and one whenever tasks come to it, in the same form; each task is named once in a watch, not at every change |
| steps | a step that happened is itself the record (who, when, by which directory); one that was refused, or repeated, is recorded like a look |

The id of a reader's list is derived from her key; the record of a list names no child, the tasks it names do.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table_is_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tasks.md");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == document(),
            "docs/tasks.md is not up to date. Replace its content by what stands between the lines:\n\
             ----8<----\n{}----8<----",
            document()
        );
    }
}
