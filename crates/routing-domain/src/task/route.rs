//! What of a frozen plan is needed to take its next step. The reasons stay in the history.

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use voordeur_kernel::{ProfessionalKey, Span};

use crate::{
    ladder::{Clocks, Ladder},
    plan::Plan,
    words::Audience,
};

/// The steps of a plan, one after the other; the last always catches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    frame: Arc<Frame>,
    /// The people of every step, one step after the other.
    chosen: Box<[ProfessionalKey]>,
}

/// What a ladder makes the same for many tasks.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Frame {
    steps: Box<[FrameStep]>,
    clocks: Clocks,
    patient: bool,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FrameStep {
    audience: Audience,
    respond_within: Span,
    /// How many people it turns to.
    people: usize,
}

/// One step of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteStep<'a> {
    /// To whom it turns.
    pub audience: Audience,
    /// Time to respond.
    pub respond_within: Span,
    /// The people it turns to, the best first. Empty for the coordinator and for everybody on duty: who that is, is asked when the
    /// step is taken.
    pub chosen: &'a [ProfessionalKey],
}

/// One frame in memory, however many tasks have it: there are as many as ladders and numbers of people.
fn shared(frame: Frame) -> Arc<Frame> {
    static POOL: LazyLock<Mutex<HashSet<Arc<Frame>>>> = LazyLock::new(Mutex::default);
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = pool.get(&frame) {
        return Arc::clone(known);
    }
    let frame = Arc::new(frame);
    pool.insert(Arc::clone(&frame));
    frame
}

impl From<&Plan> for Route {
    fn from(plan: &Plan) -> Self {
        let mut chosen = Vec::new();
        let steps = plan
            .steps
            .iter()
            .map(|step| {
                let before = chosen.len();
                if !matches!(step.audience, Audience::Coordinator | Audience::EverybodyOnDuty) {
                    let people = step.candidates.iter().filter(|candidate| candidate.chosen);
                    chosen.extend(people.map(|candidate| candidate.professional.clone()));
                }
                FrameStep {
                    audience: step.audience,
                    respond_within: step.respond_within,
                    people: chosen.len() - before,
                }
            })
            .collect();
        // No policy has a ladder of this name.
        let patient = plan.ladder == Ladder::FOLLOW_UP;
        Self { frame: shared(Frame { steps, clocks: plan.clocks, patient }), chosen: chosen.into() }
    }
}

impl Route {
    /// Every step, in order.
    pub fn steps(&self) -> impl Iterator<Item = RouteStep<'_>> {
        let mut rest = &*self.chosen;
        self.frame.steps.iter().map(move |step| {
            let (chosen, later) = rest.split_at_checked(step.people).unwrap_or((rest, &[]));
            rest = later;
            RouteStep { audience: step.audience, respond_within: step.respond_within, chosen }
        })
    }

    /// To whom a step turns.
    #[must_use]
    pub fn audience(&self, step: u32) -> Option<Audience> {
        self.frame.steps.get(usize::try_from(step).ok()?).map(|step| step.audience)
    }

    /// Index of the last step, the one that catches.
    #[must_use]
    pub fn last(&self) -> u32 {
        u32::try_from(self.frame.steps.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The clocks.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        self.frame.clocks
    }

    /// Can it wait until somebody is at work again?
    #[must_use]
    pub fn is_patient(&self) -> bool {
        self.frame.patient
    }

    /// Bytes it takes beside itself; the frame is shared.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of_val(&*self.chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calendar::ElapsedCalendar,
        plan::{Attendance, Seen, Sight, plan},
        words::Urgency,
    };
    use voordeur_kernel::Timestamp;

    #[test]
    fn a_route_has_the_people_of_each_step_and_shares_what_is_the_same() {
        let now = Timestamp::UNIX_EPOCH;
        let seen = |name: &str| Seen {
            professional: ProfessionalKey::parse(name).unwrap(),
            expertise: Vec::new(),
            attendance: Attendance::Present,
            there_from: Some(now),
            registered: true,
            open_tasks: 0,
            weekly_minutes: 0,
            capacity: 0,
            too_close: false,
            stand_in: None,
            neighbour: None,
        };
        let route = |names: [&str; 5], known: &str| {
            let sight = Sight {
                at: now,
                known: Some(ProfessionalKey::parse(known).unwrap()),
                coordinator: ProfessionalKey::parse("dora").unwrap(),
                coordinator_absent: false,
                people: names.map(seen).to_vec(),
            };
            let ladder = Ladder::built_in(Urgency::Regular);
            Route::from(&plan(&ladder, &[], now, &sight, &ElapsedCalendar))
        };
        let one = route(["anna", "bea", "cor", "dirk", "eef"], "dirk");
        let people = |route: &Route| -> Vec<Vec<String>> {
            route.steps().map(|step| step.chosen.iter().map(ToString::to_string).collect()).collect()
        };
        assert_eq!(people(&one), [vec!["dirk"], vec![], vec!["anna", "bea", "cor"], vec!["eef"], vec![]]);
        assert_eq!((one.last(), one.audience(4), one.audience(5)), (4, Some(Audience::Coordinator), None));
        let other = route(["fem", "gijs", "hans", "inge", "jet"], "jet");
        assert!(Arc::ptr_eq(&one.frame, &other.frame) && one != other);
        assert!(!one.is_patient());
    }
}
