//! Who may see the details of a signal, through the task that was made for it.

/// The task as it stands now, read where nothing newer can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskAtHand<'a> {
    /// Key of who holds it.
    pub holder: Option<&'a str>,
    /// Key of the coordinator who catches it.
    pub coordinator: Option<&'a str>,
    /// It was cancelled or entered in error: nobody works on it.
    pub void: bool,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer<'a> {
    /// Her key.
    pub key: &'a str,
    /// She holds tasks at the centre of the task, by the directory.
    pub works_there: bool,
    /// She breaks the glass.
    pub emergency: bool,
}

/// What she may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// She holds the task.
    Holder,
    /// She is its coordinator, and nobody holds it or she does.
    Coordinator,
    /// In an emergency: limited and reported.
    Emergency,
    /// No; stable reason.
    Refused(&'static str),
}

/// Decides who may look. The holder; the coordinator while nobody else holds it; in an emergency whoever works at that centre.
#[must_use]
pub fn decide(task: TaskAtHand<'_>, viewer: Viewer<'_>) -> Access {
    if task.void && !viewer.emergency {
        return Access::Refused("TASK_CLOSED");
    }
    if !viewer.works_there {
        return Access::Refused("NOT_AT_THIS_CENTRE");
    }
    if !task.void && task.holder == Some(viewer.key) {
        return Access::Holder;
    }
    if !task.void && task.holder.is_none() && task.coordinator == Some(viewer.key) {
        return Access::Coordinator;
    }
    if viewer.emergency { Access::Emergency } else { Access::Refused("NOT_THE_HOLDER") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(holder: Option<&str>, void: bool, key: &str, emergency: bool) -> Access {
        let task = TaskAtHand { holder, coordinator: Some("marit"), void };
        decide(task, Viewer { key, works_there: key != "buur", emergency })
    }

    #[test]
    fn the_holder_looks_and_the_coordinator_while_nobody_holds_it() {
        assert_eq!(look(Some("noor"), false, "noor", false), Access::Holder);
        assert_eq!(look(None, false, "marit", false), Access::Coordinator);
        assert_eq!(look(Some("marit"), false, "marit", false), Access::Holder);
        assert_eq!(look(Some("noor"), false, "marit", false), Access::Refused("NOT_THE_HOLDER"));
        assert_eq!(look(None, false, "noor", false), Access::Refused("NOT_THE_HOLDER"));
    }

    #[test]
    fn an_emergency_opens_for_who_works_there_and_is_not_one_for_who_may_look_anyway() {
        assert_eq!(look(Some("noor"), false, "sam", true), Access::Emergency);
        assert_eq!(look(Some("noor"), false, "noor", true), Access::Holder);
        assert_eq!(look(Some("noor"), false, "buur", true), Access::Refused("NOT_AT_THIS_CENTRE"));
    }

    #[test]
    fn a_void_task_shows_nothing_but_in_an_emergency() {
        assert_eq!(look(Some("noor"), true, "noor", false), Access::Refused("TASK_CLOSED"));
        assert_eq!(look(Some("noor"), true, "noor", true), Access::Emergency);
    }
}
