//! What of a frozen plan is needed to take its next step. The reasons stay in the history.

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use voordeur_kernel::{ProfessionalKey, Span};

use crate::{ladder::Clocks, plan::Plan, words::Audience};

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
        Self { frame: shared(Frame { steps, clocks: plan.clocks }), chosen: chosen.into() }
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
        ladder::Ladder,
        plan::{Attendance, OnRoster, Roster, plan},
        words::Urgency,
    };

    #[test]
    fn a_route_has_the_people_of_each_step_and_shares_what_is_the_same() {
        let on_roster = |name: &str| OnRoster {
            professional: ProfessionalKey::parse(name).unwrap(),
            expertise: Vec::new(),
            attendance: Attendance::Present,
            registered: true,
            open_tasks: 0,
            weekly_minutes: 0,
            too_close: false,
        };
        let route = |names: [&str; 5], known: &str| {
            let roster = Roster {
                coordinator: ProfessionalKey::parse("dora").unwrap(),
                professionals: names.map(on_roster).to_vec(),
            };
            let known = ProfessionalKey::parse(known).unwrap();
            Route::from(&plan(&Ladder::built_in(Urgency::Regular), &[], &roster, Some(&known)))
        };
        let one = route(["anna", "bea", "cor", "dirk", "eef"], "dirk");
        let people = |route: &Route| -> Vec<Vec<String>> {
            route.steps().map(|step| step.chosen.iter().map(ToString::to_string).collect()).collect()
        };
        assert_eq!(people(&one), [vec!["dirk"], vec!["anna", "bea", "cor"], vec!["eef"], vec![]]);
        assert_eq!((one.last(), one.audience(3), one.audience(4)), (3, Some(Audience::Coordinator), None));
        let other = route(["fem", "gijs", "hans", "inge", "jet"], "jet");
        assert!(Arc::ptr_eq(&one.frame, &other.frame) && one != other);
    }
}
