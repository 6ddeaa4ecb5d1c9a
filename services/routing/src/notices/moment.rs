//! Is this a moment to tell somebody? Nobody off duty is alerted, and at night only of what is about safety.

use voordeur_directory::{Directory, NotifyKind, Person};
use voordeur_kernel::{Role, Timestamp};
use voordeur_routing_domain::{notice::is_safety, sight::Attendance, words::NoticeReason};

use crate::office::Office;

/// What decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// At work now.
    pub(crate) on_duty: bool,
    /// A coordinator who was not said to be absent: safety reaches her at any hour.
    pub(crate) catches: bool,
    /// Her quiet hours.
    pub(crate) quiet: bool,
}

impl Moment {
    /// Of somebody now.
    pub(crate) fn of(office: &Office, directory: &Directory, person: &Person, now: Timestamp) -> Self {
        let absent = office.is_absent(&person.key, now);
        let at = |centre| office.look_at(directory, &person.key, centre, now).attendance;
        let scheduled = || person.centres.iter().any(|centre| at(centre) == Attendance::Present);
        // Weekly hours are kept of professionals; whoever has none in another role is there unless somebody says otherwise.
        let always = person.role != Role::Professional && person.presence.is_empty();
        Self {
            on_duty: !absent && (always || scheduled()),
            catches: !absent && person.role == Role::Coordinator,
            quiet: person.notify.as_ref().is_some_and(|notify| notify.is_quiet(directory.zone(), now)),
        }
    }

    /// May she be told this now?
    pub(crate) const fn allows(self, reason: NoticeReason) -> bool {
        if is_safety(reason) { self.on_duty || self.catches } else { self.on_duty && !self.quiet }
    }
}

/// Under which of her preferences it falls; `None`: it is told whatever she prefers.
pub(crate) const fn kind(reason: NoticeReason) -> Option<NotifyKind> {
    Some(match reason {
        NoticeReason::Safety | NoticeReason::SafetyAgain => return None,
        NoticeReason::Request | NoticeReason::TransferAsked => NotifyKind::Requests,
        NoticeReason::Yours => NotifyKind::OwnWork,
        NoticeReason::Reminder => NotifyKind::Reminders,
        NoticeReason::Escalated | NoticeReason::CancellationAsked | NoticeReason::HolderAway => {
            NotifyKind::Coordination
        }
        NoticeReason::AskedAlong | NoticeReason::Meeting => NotifyKind::Invitations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_off_duty_is_alerted_and_at_night_only_safety_is_told() {
        let moment = |on_duty, catches, quiet| Moment { on_duty, catches, quiet };
        for reason in NoticeReason::ALL.iter().copied() {
            let safety = is_safety(reason);
            assert!(moment(true, false, false).allows(reason), "at work, {}", reason.name());
            assert_eq!(moment(true, false, true).allows(reason), safety, "in quiet hours, {}", reason.name());
            assert!(!moment(false, false, false).allows(reason), "not at work, {}", reason.name());
            assert_eq!(
                moment(false, true, true).allows(reason),
                safety,
                "the coordinator, {}",
                reason.name()
            );
            assert_eq!(kind(reason).is_none(), safety, "{}", reason.name());
        }
    }
}
