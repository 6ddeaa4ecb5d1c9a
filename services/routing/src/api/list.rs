//! Lists of open tasks, in pages.

use std::sync::Arc;

use voordeur_chassis::Problem;
use voordeur_contracts::routing::{ListTasksRequest, ListTasksResponse};
use voordeur_directory::Directory;
use voordeur_eventlog::{Deadline, Position};
use voordeur_kernel::{Faults, ProfessionalKey, Role, TaskId, Timestamp, limits};
use voordeur_routing_domain::task::{Task, TaskState};

use super::{
    position_now,
    view::{is_coordinator, is_own, view, visible},
    wait_for, wire_position,
};
use crate::{
    audit::Activity, codec::words::Word as _, machine::State, machine::task_subject, office::Office,
};

/// Most pressing first: safety before urgent before the rest, then who waits longest. Never changes during the life of a task, so that a
/// page continues where the one before ended.
type Place = (u8, Timestamp, TaskId);

fn place(task: &Task) -> Place {
    (task.about.urgency as u8, task.about.received_at, task.id)
}

/// Which open tasks somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Her own list.
    Own,
    /// Every open task of the centres she coordinates.
    WholeCentre,
}

impl Range {
    /// Whole centres are for coordinators.
    pub(crate) fn asked(
        whole: bool,
        directory: &Directory,
        person: &ProfessionalKey,
    ) -> Result<Self, Problem> {
        if !whole {
            return Ok(Self::Own);
        }
        let coordinates = directory.centres().any(|c| is_coordinator(directory, person, c.key.as_str()));
        if coordinates {
            Ok(Self::WholeCentre)
        } else {
            Err(Problem::not_allowed("COORDINATORS_ONLY", "only a coordinator sees a whole centre"))
        }
    }

    pub(crate) fn holds(self, directory: &Directory, person: &ProfessionalKey, task: &Task) -> bool {
        match self {
            Self::Own => is_own(directory, person, task),
            Self::WholeCentre => {
                is_own(directory, person, task)
                    || !task.state.is_final() && is_coordinator(directory, person, task.about.centre.as_str())
            }
        }
    }
}

/// The open tasks of a range, as they stand at one moment, with the position of that moment.
pub(crate) fn open_tasks(
    office: &Office,
    directory: &Directory,
    person: &ProfessionalKey,
    range: Range,
) -> (Vec<(Arc<State>, u64)>, Option<Position>) {
    let centres: Vec<_> = directory
        .centres()
        .filter(|centre| is_coordinator(directory, person, centre.key.as_str()))
        .map(|centre| centre.key.clone())
        .collect();
    office.fold.read(|index, look| {
        let offered = |role| index.offered_to(person, role);
        let mut ids: Vec<TaskId> = index.held_by(person).collect();
        ids.extend(offered(Role::Professional).chain(offered(Role::Coordinator)));
        ids.extend(index.proposed_to(person));
        // A coordinator's own list is a part of her centres.
        ids.extend(centres.iter().flat_map(|centre| index.at_centre(centre)));
        ids.sort();
        ids.dedup();
        let tasks = ids
            .into_iter()
            .filter_map(|id| task_subject(id).ok().and_then(|subject| look(&subject)))
            .filter(|held| held.state.task().is_some_and(|task| range.holds(directory, person, task)))
            .map(|held| (held.state, held.version.0))
            .collect();
        (tasks, office.fold.position())
    })
}

pub(crate) async fn list(
    office: &Office,
    person: &ProfessionalKey,
    request: ListTasksRequest,
    deadline: Deadline,
) -> Result<ListTasksResponse, Problem> {
    let mut faults = Faults::new();
    let states = wanted_states(&request.states, &mut faults);
    let size = match request.page_size {
        0 => Some(limits::PAGE_ITEMS_DEFAULT),
        size => usize::try_from(size).ok().filter(|size| *size <= limits::PAGE_ITEMS_MAX),
    };
    if size.is_none() {
        faults.add("page_size", "OUT_OF_RANGE", "give 1-500, or 0 for 100");
    }
    let after = read_token(&request.page_token);
    if after.is_none() && !request.page_token.is_empty() {
        faults.add("page_token", "BAD_PAGE_TOKEN", "give the token of the page before, or none");
    }
    let size = faults.finish(size).map_err(Problem::invalid)?;
    wait_for(office, request.at_least.as_ref(), deadline).await?;
    let directory = office.directory()?;
    let range = Range::asked(request.whole_centre, &directory, person)?;
    let now = office.clock.now();
    let (tasks, position) = open_tasks(office, &directory, person, range);
    let mut tasks: Vec<&Task> = tasks
        .iter()
        .filter_map(|(state, _)| state.task())
        .filter(|task| states.is_empty() || states.contains(&task.state))
        .filter(|task| after.is_none_or(|after| place(task) > after))
        .collect();
    tasks.sort_by_key(|task| place(task));
    let more = tasks.len() > size;
    tasks.truncate(size);
    let next_page_token = if more { tasks.last().map(|task| token(place(task))) } else { None };
    let about_children = children(tasks.iter().copied());
    office.record_list(&directory, person, &about_children, "ListTasks", deadline).await?;
    Ok(ListTasksResponse {
        tasks: tasks.into_iter().map(|task| view(office, &directory, Some(person), task, now)).collect(),
        next_page_token: next_page_token.unwrap_or_default(),
        position: position.as_ref().map(wire_position).or_else(|| position_now(office)),
    })
}

/// The tasks that are about a child.
pub(crate) fn children<'a>(tasks: impl Iterator<Item = &'a Task>) -> Vec<TaskId> {
    tasks.filter(|task| task.about.child.is_some()).map(|task| task.id).collect()
}

fn wanted_states(numbers: &[i32], faults: &mut Faults) -> Vec<TaskState> {
    let mut states = Vec::with_capacity(numbers.len());
    for (place, number) in numbers.iter().enumerate() {
        match TaskState::of(*number) {
            Some(state) if !state.is_final() => states.push(state),
            Some(_) => faults.add(
                format!("states[{place}]"),
                "FINAL_STATE",
                "is a final state: ListTasks shows open tasks only; GetTask shows a task that has ended, by its id",
            ),
            None => faults.add(format!("states[{place}]"), "REQUIRED", "choose one of the listed values"),
        }
    }
    states
}

/// A place as an opaque token.
fn token((urgency, received_at, id): Place) -> String {
    format!(
        "{urgency:02x}{:032x}{}",
        received_at.as_nanosecond().wrapping_sub(i128::MIN).cast_unsigned(),
        id.to_hex()
    )
}

fn read_token(token: &str) -> Option<Place> {
    let (urgency, rest) = token.split_at_checked(2)?;
    let (nanoseconds, id) = rest.split_at_checked(32)?;
    let nanoseconds = u128::from_str_radix(nanoseconds, 16).ok()?.cast_signed().wrapping_add(i128::MIN);
    let received_at = Timestamp::from_nanosecond(nanoseconds).ok()?;
    Some((u8::from_str_radix(urgency, 16).ok()?, received_at, TaskId::parse_hex(id).ok()?))
}

/// One task, open or ended; the look is on record.
pub(crate) async fn get(
    office: &Office,
    directory: &Directory,
    person: Option<&ProfessionalKey>,
    id: TaskId,
    rpc: &'static str,
    deadline: Deadline,
) -> Result<Arc<State>, Problem> {
    let subject = task_subject(id).map_err(|error| Problem::broken(error.to_string()))?;
    let not_found = || Problem::not_found("task");
    let state = office.fold.load(&subject, deadline).await?.ok_or_else(not_found)?.state;
    let task = state.task().ok_or_else(not_found)?;
    let allowed = person.is_none_or(|person| visible(directory, person, task));
    office.record(directory, person, task, Activity::look(rpc, allowed), deadline).await?;
    // The same answer as for a task that is not there: even that it exists is about a child.
    if allowed { Ok(state) } else { Err(not_found()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_keeps_the_order() {
        let places: Vec<Place> = [(0, 5), (1, -7), (1, 3)]
            .map(|(urgency, second)| {
                (urgency, Timestamp::from_second(second).unwrap(), TaskId::from_bytes([urgency; 16]))
            })
            .to_vec();
        for place in &places {
            assert_eq!(read_token(&token(*place)), Some(*place));
        }
        assert!(places.is_sorted());
        for bad in ["", "0", "zz", "00é", &"f".repeat(66), &"0".repeat(67)] {
            assert_eq!(read_token(bad), None, "{bad}");
        }
    }
}
