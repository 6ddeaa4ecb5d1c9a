//! A set of running deadlines: one of each clock, soonest first.

use voordeur_kernel::Timestamp;

use super::{About, Deadline, Route, StepTaken};
use crate::{
    calendar::Calendar,
    words::{Audience, ClockKind},
};

/// Clocks on the way from the old set to the new one.
pub(super) struct Clockwork(Vec<Deadline>);

impl Clockwork {
    pub(super) fn of(running: &[Deadline]) -> Self {
        Self(running.to_vec())
    }

    /// The clocks of a new task. Nobody waits for a first contact when nobody asked.
    pub(super) fn start(route: &Route, about: &About, calendar: &dyn Calendar) -> Self {
        let clocks = route.clocks();
        let due = |span| calendar.after(about.received_at, span);
        let started = Self(Vec::new()).with(ClockKind::Accept, due(clocks.accept), 0).with(
            ClockKind::Answer,
            due(clocks.answer),
            0,
        );
        if about.trigger.has_asker() {
            started.with(ClockKind::FirstContact, due(clocks.first_contact), 0)
        } else {
            started
        }
    }

    pub(super) fn with(mut self, clock: ClockKind, due: Timestamp, round: u32) -> Self {
        self.0.retain(|d| d.clock != clock);
        self.0.push(Deadline { due, clock, round });
        self
    }

    pub(super) fn without(mut self, clocks: &[ClockKind]) -> Self {
        self.0.retain(|d| !clocks.contains(&d.clock));
        self
    }

    /// Somebody holds it now: nobody has to take it any more.
    pub(super) fn taken(self) -> Self {
        self.without(&[ClockKind::Offer, ClockKind::Accept, ClockKind::SafetyRepeat]).released()
    }

    /// It is not hers any more who held it: what ran because of her ends. A meeting about the task stays planned.
    pub(super) fn released(self) -> Self {
        self.without(&[ClockKind::Hold, ClockKind::Transfer, ClockKind::HolderAway])
    }

    /// The clock of a step that was taken, instead of the one of the step before.
    pub(super) fn step(self, route: &Route, step: &StepTaken, round: u32) -> Self {
        let this = self.without(&[ClockKind::Offer, ClockKind::SafetyRepeat]);
        let audience = route.audience(step.step);
        match (step.respond_by, audience) {
            (Some(due), Some(Audience::EverybodyOnDuty)) => this.with(ClockKind::SafetyRepeat, due, round),
            (Some(due), _) => this.with(ClockKind::Offer, due, round),
            (None, _) => this,
        }
    }

    pub(super) fn done(self) -> Vec<Deadline> {
        let mut all = self.0;
        all.sort();
        all
    }
}
