//! The holder is away: the coordinator is asked who goes on. The task stays hers until that is answered: by another holder, by leaving it
//! with her, or by her return.

use voordeur_kernel::{ProfessionalKey, Timestamp};

use super::{Change, Command, Refusal, Task, deadlines::Clockwork};
use crate::{
    calendar::Calendar,
    words::{AwayReason, ClockKind, HolderAwayEnd},
};

/// Somebody who holds a task is away. Never why.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Away {
    /// Who.
    pub professional: ProfessionalKey,
    /// Absent, or not of the centre any more.
    pub reason: AwayReason,
    /// When she is back, where that is known.
    pub until: Option<Timestamp>,
    /// Who takes over for her, when somebody was named.
    pub stand_in: Option<ProfessionalKey>,
}

impl Away {
    /// The same absence, perhaps with another stand-in: whoever answered the question for it is not asked again.
    fn is_same(&self, other: &Self) -> bool {
        (&self.professional, self.reason, self.until) == (&other.professional, other.reason, other.until)
    }
}

/// The service says that the holder is away; `None` when that is known, was answered, or is no longer about the holder.
pub(super) fn note(task: &Task, away: &Away, command: &Command, calendar: &dyn Calendar) -> Option<Change> {
    // What has failed stands at the coordinator, whoever that is: there is nobody else to ask.
    if task.holder.as_ref() != Some(&away.professional) || task.has_failed() {
        return None;
    }
    let known = task
        .away()
        .is_some_and(|known| if task.who_goes_on().is_some() { known == away } else { known.is_same(away) });
    if known {
        return None;
    }
    let clocks = Clockwork::of(&task.deadlines);
    // Who hears a little more about the same absence does not wait anew.
    let clocks = if task.deadline(ClockKind::HolderAway).is_some() {
        clocks
    } else {
        clocks.with(ClockKind::HolderAway, calendar.after(command.now, task.route.clocks().repeat), 0)
    };
    Some(Change::HolderAway { away: away.clone(), deadlines: clocks.done() })
}

/// She is back; `None` when nothing was asked or left because of her.
pub(super) fn back(task: &Task, person: &ProfessionalKey) -> Option<Change> {
    task.away().is_some_and(|away| away.professional == *person).then(|| end(task, HolderAwayEnd::Returned))
}

/// The coordinator leaves it with her.
pub(super) fn leave(task: &Task) -> Result<Change, Refusal> {
    match task.who_goes_on() {
        None => Err(Refusal::NotAway),
        // Nobody would be expected to act.
        Some(away) if away.reason != AwayReason::Absent => Err(Refusal::HolderGone),
        Some(_) => Ok(end(task, HolderAwayEnd::LeftWithHer)),
    }
}

fn end(task: &Task, end: HolderAwayEnd) -> Change {
    let deadlines = Clockwork::of(&task.deadlines).without(&[ClockKind::HolderAway]).done();
    Change::HolderAwayEnded { end, deadlines }
}

/// Takes in that she is away.
pub(super) fn noted(task: &mut Task, away: &Away) {
    task.change_aside(|aside| {
        aside.away = Some(away.clone());
        aside.left_with_her = false;
    });
}

/// Takes in how that ended.
pub(super) fn ended(task: &mut Task, end: HolderAwayEnd) {
    task.change_aside(|aside| match end {
        HolderAwayEnd::Returned => {
            aside.away = None;
            aside.left_with_her = false;
        }
        // It is remembered, so that the coordinator is not asked again about the same absence.
        HolderAwayEnd::LeftWithHer => aside.left_with_her = aside.away.is_some(),
    });
}
