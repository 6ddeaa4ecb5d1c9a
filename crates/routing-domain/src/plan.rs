//! The choice of professional: a pure function of what the signal is about, who is there, what they have in hand and who knows the
//! child. It gives a plan with everybody that was looked at and why; the plan is frozen in the task.

use std::cmp::Ordering;

use voordeur_kernel::{ConcernDomain, ProfessionalKey, Span};

use crate::{
    ladder::{Clocks, Ladder, Rung},
    words::{Audience, ChoiceReason},
};

/// Is she there at this moment?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attendance {
    /// Yes.
    Present,
    /// No, by the weekly hours.
    NotScheduled,
    /// No, somebody said so. Never why.
    Absent,
}

/// One professional of the centre at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnRoster {
    /// Who.
    pub professional: ProfessionalKey,
    /// What she knows about.
    pub expertise: Vec<ConcernDomain>,
    /// Is she there?
    pub attendance: Attendance,
    /// Is her registration valid?
    pub registered: bool,
    /// Open tasks she holds.
    pub open_tasks: u32,
    /// Minutes a week that she is at the centre; 0 when unknown.
    pub weekly_minutes: u32,
    /// She said before that she stands too close to this child.
    pub too_close: bool,
}

/// The centre at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// Who catches what nobody takes.
    pub coordinator: ProfessionalKey,
    /// Everybody who works there, in any order.
    pub professionals: Vec<OnRoster>,
}

impl Roster {
    /// Who can be asked for something that waits until she is there: registered, and nobody said that she is absent.
    #[must_use]
    pub fn sooner_or_later(&self) -> Vec<ProfessionalKey> {
        let able = |person: &&OnRoster| person.registered && person.attendance != Attendance::Absent;
        self.professionals.iter().filter(able).map(|person| person.professional.clone()).collect()
    }
}

/// One person that was looked at for a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Who.
    pub professional: ProfessionalKey,
    /// Does the step turn to her?
    pub chosen: bool,
    /// Why, or why not.
    pub reasons: Vec<ChoiceReason>,
    /// Open tasks she held.
    pub open_tasks: u32,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlanStep {
    /// To whom it turns.
    pub audience: Audience,
    /// Time to respond before the next step.
    pub respond_within: Span,
    /// Everybody that was looked at, the best first.
    pub candidates: Vec<Candidate>,
}

/// The frozen plan of one task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Version of the policy; 0 is the built-in ladder.
    pub policy_version: u64,
    /// One step after the other; the last always catches.
    pub steps: Vec<PlanStep>,
    /// The clocks.
    pub clocks: Clocks,
}

impl Plan {
    /// Who takes it without being asked, because nobody else is there to choose from or because it follows on her own work; with the step
    /// she stands in.
    #[must_use]
    pub fn sole(&self) -> Option<(usize, &ProfessionalKey)> {
        self.steps.iter().enumerate().find_map(|(index, step)| {
            let hers = |reason: &ChoiceReason| {
                matches!(reason, ChoiceReason::OnlyOnePresent | ChoiceReason::FollowsHerWork)
            };
            let sole = |c: &&Candidate| c.chosen && c.reasons.iter().any(hers);
            step.candidates.iter().find(sole).map(|c| (index, &c.professional))
        })
    }
}

/// Chooses. `domains` is what the concern is about, `known` the professional who worked with this child last, or whose work it follows on.
#[must_use]
pub fn plan(
    ladder: &Ladder,
    domains: &[ConcernDomain],
    roster: &Roster,
    known: Option<&ProfessionalKey>,
) -> Plan {
    let mut choice = Choice { domains, roster, known, patient: ladder.is_patient(), asked: Vec::new() };
    let steps = ladder.rungs().iter().flat_map(|rung| choice.steps(*rung)).collect();
    Plan { policy_version: ladder.policy_version(), steps, clocks: ladder.clocks() }
}

struct Choice<'a> {
    domains: &'a [ConcernDomain],
    roster: &'a Roster,
    known: Option<&'a ProfessionalKey>,
    patient: bool,
    asked: Vec<ProfessionalKey>,
}

/// Hours of somebody whose hours are unknown: a working week of 36.
const WEEKLY_MINUTES: u32 = 36 * 60;

/// Open work relative to hours, without fractions: a/x against b/y is a*y against b*x.
fn by_open_work(a: &OnRoster, b: &OnRoster) -> Ordering {
    let minutes = |person: &OnRoster| match person.weekly_minutes {
        0 => u64::from(WEEKLY_MINUTES),
        known => u64::from(known),
    };
    (u64::from(a.open_tasks) * minutes(b)).cmp(&(u64::from(b.open_tasks) * minutes(a)))
}

impl Choice<'_> {
    /// Why she cannot be asked at this moment.
    fn obstacles(&self, person: &OnRoster) -> Vec<ChoiceReason> {
        let mut reasons = Vec::new();
        match person.attendance {
            Attendance::NotScheduled if !self.patient => reasons.push(ChoiceReason::NotScheduled),
            Attendance::Present | Attendance::NotScheduled => {}
            Attendance::Absent => reasons.push(ChoiceReason::Absent),
        }
        if !person.registered {
            reasons.push(ChoiceReason::RegistrationExpired);
        }
        if person.too_close {
            reasons.push(ChoiceReason::DeclinedBefore);
        }
        reasons
    }

    fn steps(&mut self, rung: Rung) -> Vec<PlanStep> {
        let step = |candidates| PlanStep {
            audience: rung.audience,
            respond_within: rung.respond_within,
            candidates,
        };
        match rung.audience {
            Audience::KnownProfessional => vec![step(self.known())],
            Audience::PresentAtCentre => {
                let (chosen, passed_over) = self.present();
                let mut waves: Vec<Vec<Candidate>> =
                    chosen.chunks(rung.at_once.max(1)).map(<[Candidate]>::to_vec).collect();
                if waves.is_empty() {
                    waves.push(Vec::new());
                }
                if let Some(first) = waves.first_mut() {
                    first.extend(passed_over);
                }
                waves.into_iter().map(step).collect()
            }
            Audience::EverybodyOnDuty => vec![step(self.everybody())],
            Audience::Coordinator => vec![step(vec![self.coordinator(Vec::new())])],
            // No arrangement with a neighbour is known yet: the step is there, turns to nobody and is skipped.
            Audience::NeighbouringCentre | Audience::KnownBackInTime => vec![step(Vec::new())],
        }
    }

    /// People who can be asked now.
    fn available(&self) -> impl Iterator<Item = &OnRoster> {
        self.roster.professionals.iter().filter(|person| self.obstacles(person).is_empty())
    }

    fn is_sole(&self) -> bool {
        self.available().count() == 1
    }

    fn known(&mut self) -> Vec<Candidate> {
        let Some(known) = self.known else { return Vec::new() };
        let Some(person) = self.roster.professionals.iter().find(|p| p.professional == *known) else {
            return Vec::new();
        };
        let obstacles = self.obstacles(person);
        let chosen = obstacles.is_empty();
        let mut reasons =
            vec![if self.patient { ChoiceReason::FollowsHerWork } else { ChoiceReason::KnowsChild }];
        if chosen {
            reasons.push(at_work(person));
            if self.is_sole() {
                reasons.push(ChoiceReason::OnlyOnePresent);
            }
            self.asked.push(known.clone());
        }
        reasons.extend(obstacles);
        vec![candidate(person, chosen, reasons)]
    }

    fn has_expertise(&self, person: &OnRoster) -> bool {
        self.domains.iter().any(|domain| person.expertise.contains(domain))
    }

    /// Expertise first, then open work; by which of the two the order was settled.
    fn rank(&self, a: &OnRoster, b: &OnRoster) -> Ordering {
        self.has_expertise(b).cmp(&self.has_expertise(a)).then_with(|| by_open_work(a, b))
    }

    /// Everybody present, the best first, and everybody that was passed over.
    fn present(&mut self) -> (Vec<Candidate>, Vec<Candidate>) {
        let sole = self.is_sole();
        let asked = std::mem::take(&mut self.asked);
        let (mut able, mut unable): (Vec<_>, Vec<_>) = self
            .roster
            .professionals
            .iter()
            .partition(|p| self.obstacles(p).is_empty() && !asked.contains(&p.professional));
        able.sort_by(|a, b| self.rank(a, b).then_with(|| a.professional.cmp(&b.professional)));
        unable.sort_by(|a, b| a.professional.cmp(&b.professional));
        let chosen: Vec<Candidate> = able
            .iter()
            .enumerate()
            .map(|(index, person)| {
                let peer = |other: Option<&&OnRoster>| {
                    other.is_some_and(|o| self.rank(person, o) == Ordering::Equal)
                };
                let mut reasons = vec![at_work(person)];
                if sole {
                    reasons.push(ChoiceReason::OnlyOnePresent);
                }
                if self.has_expertise(person) {
                    reasons.push(ChoiceReason::HasExpertise);
                }
                let least = able
                    .iter()
                    .filter(|o| self.has_expertise(o) == self.has_expertise(person))
                    .all(|o| by_open_work(person, o) != Ordering::Greater);
                if !sole && least {
                    reasons.push(ChoiceReason::LeastOpenWork);
                }
                if peer(able.get(index + 1)) || index.checked_sub(1).is_some_and(|i| peer(able.get(i))) {
                    reasons.push(ChoiceReason::TieBroken);
                }
                candidate(person, true, reasons)
            })
            .collect();
        let passed_over = unable
            .iter()
            .map(|person| {
                let mut reasons = self.obstacles(person);
                if asked.contains(&person.professional) {
                    reasons.push(ChoiceReason::AskedInEarlierStep);
                }
                candidate(person, false, reasons)
            })
            .collect();
        self.asked = asked;
        self.asked.extend(chosen.iter().map(|c| c.professional.clone()));
        (chosen, passed_over)
    }

    /// Safety: everybody on duty, and the coordinator whether she is there or not.
    fn everybody(&mut self) -> Vec<Candidate> {
        let mut people: Vec<&OnRoster> = self.roster.professionals.iter().collect();
        people.sort_by(|a, b| a.professional.cmp(&b.professional));
        let coordinator = &self.roster.coordinator;
        let mut candidates: Vec<Candidate> = people
            .into_iter()
            .filter(|person| person.professional != *coordinator)
            .map(|person| {
                let obstacles = self.obstacles(person);
                if obstacles.is_empty() {
                    candidate(person, true, vec![ChoiceReason::SafetyEverybody, ChoiceReason::Present])
                } else {
                    candidate(person, false, obstacles)
                }
            })
            .collect();
        candidates.push(self.coordinator(vec![ChoiceReason::SafetyEverybody]));
        candidates
    }

    fn coordinator(&self, mut reasons: Vec<ChoiceReason>) -> Candidate {
        let coordinator = &self.roster.coordinator;
        let person = self.roster.professionals.iter().find(|p| p.professional == *coordinator);
        reasons.push(ChoiceReason::IsCoordinator);
        Candidate {
            professional: coordinator.clone(),
            chosen: true,
            reasons,
            open_tasks: person.map_or(0, |p| p.open_tasks),
        }
    }
}

/// Is she there, or back later?
fn at_work(person: &OnRoster) -> ChoiceReason {
    match person.attendance {
        Attendance::Present => ChoiceReason::Present,
        Attendance::NotScheduled => ChoiceReason::NotScheduled,
        Attendance::Absent => ChoiceReason::Absent,
    }
}

fn candidate(person: &OnRoster, chosen: bool, reasons: Vec<ChoiceReason>) -> Candidate {
    Candidate { professional: person.professional.clone(), chosen, reasons, open_tasks: person.open_tasks }
}
