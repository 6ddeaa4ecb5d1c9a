//! The choice of professional: a pure function of the ladder and of what is seen at that moment. It gives a plan with everybody that was
//! looked at and why; the plan is frozen in the task.
//!
//! Whoever is not there at this moment is asked only when she is back in time: so early that she has the step's time to respond before
//! somebody must have taken the task. So no time is lost on people who are not there.

use std::cmp::Ordering;

use voordeur_kernel::{ConcernDomain, ProfessionalKey, Span, Timestamp};

pub use crate::sight::{Attendance, Seen, Sight};
use crate::{
    calendar::Calendar,
    ladder::{Clocks, Ladder, Rung},
    words::{Audience, ChoiceReason},
};

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
    /// When she is there, where that is not now and is known.
    pub there_from: Option<Timestamp>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlanStep {
    /// To whom it turns.
    pub audience: Audience,
    /// Time to respond before the next step.
    pub respond_within: Span,
    /// It turns only to people who know about one of these; empty: to everybody of its audience.
    pub expertise: Vec<ConcernDomain>,
    /// Everybody that was looked at, the best first.
    pub candidates: Vec<Candidate>,
}

/// The frozen plan of one task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Version of the policy; 0 is the built-in one.
    pub policy_version: u64,
    /// Names of the branches of the policy from the root to the one that decided; empty for safety and for work that came due by itself.
    pub branch: Vec<String>,
    /// Name of the ladder.
    pub ladder: String,
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

/// Chooses. `domains` is what the concern is about, `received_at` the moment from which the clocks count, `calendar` that of the centre.
#[must_use]
pub fn plan(
    ladder: &Ladder,
    domains: &[ConcernDomain],
    received_at: Timestamp,
    sight: &Sight,
    calendar: &dyn Calendar,
) -> Plan {
    let accept_by = calendar.after(received_at, ladder.clocks().accept);
    let patient = ladder.is_patient();
    let mut choice = Choice { domains, sight, calendar, accept_by, patient, asked: Vec::new() };
    let steps = ladder.rungs().iter().flat_map(|rung| choice.steps(rung)).collect();
    Plan {
        policy_version: ladder.policy_version(),
        branch: ladder.branch().iter().map(ToString::to_string).collect(),
        ladder: ladder.name().to_string(),
        steps,
        clocks: ladder.clocks(),
    }
}

/// Is somebody who comes at a moment there in time: can she respond within a step's time before the task must be taken?
pub(crate) fn is_in_time(
    there_from: Option<Timestamp>,
    respond_within: Span,
    accept_by: Timestamp,
    calendar: &dyn Calendar,
) -> bool {
    there_from.is_some_and(|from| calendar.after(from, respond_within) <= accept_by)
}

struct Choice<'a> {
    domains: &'a [ConcernDomain],
    sight: &'a Sight,
    calendar: &'a dyn Calendar,
    accept_by: Timestamp,
    patient: bool,
    asked: Vec<ProfessionalKey>,
}

/// Hours of somebody whose hours are unknown: a working week of 36.
const WEEKLY_MINUTES: u32 = 36 * 60;

/// Open work relative to hours, without fractions: a/x against b/y is a*y against b*x.
fn by_open_work(a: &Seen, b: &Seen) -> Ordering {
    let minutes = |person: &Seen| match person.weekly_minutes {
        0 => u64::from(WEEKLY_MINUTES),
        known => u64::from(known),
    };
    (u64::from(a.open_tasks) * minutes(b)).cmp(&(u64::from(b.open_tasks) * minutes(a)))
}

impl Choice<'_> {
    /// Why she cannot be asked, apart from what she knows about.
    fn obstacles(&self, person: &Seen, rung: &Rung) -> Vec<ChoiceReason> {
        let in_time = is_in_time(person.there_from, rung.respond_within, self.accept_by, self.calendar);
        let mut reasons = Vec::new();
        match (person.attendance, rung.audience) {
            (Attendance::Absent, _) => reasons.push(ChoiceReason::Absent),
            (Attendance::Present, _) => {}
            // Who is not there now is not alerted.
            (Attendance::LaterToday | Attendance::NotScheduled, Audience::EverybodyOnDuty) => {
                reasons.push(ChoiceReason::NotScheduled);
            }
            (Attendance::LaterToday | Attendance::NotScheduled, _) if self.patient => {}
            (Attendance::LaterToday, Audience::NeighbouringCentre) => {
                reasons.push(ChoiceReason::NotScheduled)
            }
            (Attendance::LaterToday, _) | (Attendance::NotScheduled, Audience::KnownBackInTime) => {
                if !in_time {
                    reasons.push(ChoiceReason::NotBackInTime);
                }
            }
            (Attendance::NotScheduled, _) => reasons.push(ChoiceReason::NotScheduled),
        }
        if !person.registered {
            reasons.push(ChoiceReason::RegistrationExpired);
        }
        if person.too_close {
            reasons.push(ChoiceReason::DeclinedBefore);
        }
        reasons
    }

    fn steps(&mut self, rung: &Rung) -> Vec<PlanStep> {
        let expertise: Vec<ConcernDomain> = rung.expertise.asked_for(self.domains).iter().collect();
        let found = match rung.audience {
            Audience::KnownProfessional | Audience::KnownBackInTime => self.known(rung, &expertise),
            Audience::PresentAtCentre | Audience::NeighbouringCentre => {
                return self.turns(rung, &expertise);
            }
            Audience::EverybodyOnDuty => self.everybody(rung),
            Audience::Coordinator => vec![self.coordinator(Vec::new())],
        };
        vec![step(rung, &expertise, found)]
    }

    /// Others, so many at once; whoever does not fit comes in a following step of the same kind.
    fn turns(&mut self, rung: &Rung, expertise: &[ConcernDomain]) -> Vec<PlanStep> {
        let (chosen, passed_over) = self.others(rung, expertise);
        let mut turns: Vec<Vec<Candidate>> =
            chosen.chunks(rung.at_once.max(1)).map(<[Candidate]>::to_vec).collect();
        if turns.is_empty() {
            turns.push(Vec::new());
        }
        if let Some(first) = turns.first_mut() {
            first.extend(passed_over);
        }
        turns.into_iter().map(|candidates| step(rung, expertise, candidates)).collect()
    }

    /// Is she the only one of the centre who can be asked, and was nobody else asked before her?
    fn is_sole(&self, person: &Seen, rung: &Rung) -> bool {
        let mut able = self.sight.own().filter(|other| self.obstacles(other, rung).is_empty());
        rung.audience != Audience::KnownBackInTime
            && able.next().is_some_and(|only| only.professional == person.professional)
            && able.next().is_none()
            && self.asked.is_empty()
    }

    /// Who knows this child; while she is absent, whoever stands in for her takes her place.
    fn known(&mut self, rung: &Rung, expertise: &[ConcernDomain]) -> Vec<Candidate> {
        let Some(knows) = self.sight.known.as_ref().and_then(|known| self.sight.person(known)) else {
            return Vec::new();
        };
        let why = if self.patient { ChoiceReason::FollowsHerWork } else { ChoiceReason::KnowsChild };
        let mut candidates = vec![self.looked_at(knows, vec![why], rung, expertise)];
        let mut away = knows;
        while away.attendance == Attendance::Absent
            && let Some(next) = away.stand_in.as_ref().and_then(|stand_in| self.sight.person(stand_in))
            && candidates.iter().all(|candidate| candidate.professional != next.professional)
        {
            candidates.push(self.looked_at(next, vec![ChoiceReason::StandsIn], rung, expertise));
            away = next;
        }
        // The one who is asked comes first.
        candidates.sort_by_key(|candidate| !candidate.chosen);
        self.asked.extend(candidates.iter().filter(|c| c.chosen).map(|c| c.professional.clone()));
        candidates
    }

    /// One named person, for a reason.
    fn looked_at(
        &self,
        person: &Seen,
        mut reasons: Vec<ChoiceReason>,
        rung: &Rung,
        expertise: &[ConcernDomain],
    ) -> Candidate {
        let mut obstacles = self.obstacles(person, rung);
        if !expertise.is_empty() && !person.knows_about(expertise) {
            obstacles.push(ChoiceReason::LacksExpertise);
        }
        if self.asked.contains(&person.professional) {
            obstacles.push(ChoiceReason::AskedInEarlierStep);
        }
        let chosen = obstacles.is_empty();
        if chosen {
            reasons.push(at_work(person, rung));
            if self.is_sole(person, rung) {
                reasons.push(ChoiceReason::OnlyOnePresent);
            }
        }
        reasons.extend(obstacles);
        candidate(person, chosen, reasons)
    }

    /// Who is there now before who comes later, then expertise, then who still has room, then open work relative to hours.
    fn rank(&self, a: &Seen, b: &Seen) -> Ordering {
        let later = |person: &Seen| !self.patient && person.attendance != Attendance::Present;
        (later(a).cmp(&later(b)))
            .then_with(|| b.knows_about(self.domains).cmp(&a.knows_about(self.domains)))
            .then_with(|| a.is_at_capacity().cmp(&b.is_at_capacity()))
            .then_with(|| by_open_work(a, b))
    }

    /// Does nobody who is like her in everything else have less open work?
    fn has_least_work(&self, person: &Seen, able: &[&Seen]) -> bool {
        let alike = |other: &&&Seen| {
            other.knows_about(self.domains) == person.knows_about(self.domains)
                && other.is_at_capacity() == person.is_at_capacity()
        };
        able.iter().filter(alike).all(|other| by_open_work(person, other) != Ordering::Greater)
    }

    /// Everybody who can be asked, the best first, and everybody that was passed over.
    fn others(&mut self, rung: &Rung, expertise: &[ConcernDomain]) -> (Vec<Candidate>, Vec<Candidate>) {
        let neighbours = rung.audience == Audience::NeighbouringCentre;
        let lacks = |person: &Seen| !expertise.is_empty() && !person.knows_about(expertise);
        let (mut able, mut unable): (Vec<&Seen>, Vec<&Seen>) =
            self.sight.people.iter().filter(|person| person.neighbour.is_some() == neighbours).partition(
                |person| {
                    self.obstacles(person, rung).is_empty()
                        && !lacks(person)
                        && !self.asked.contains(&person.professional)
                },
            );
        let by_key = |a: &Seen, b: &Seen| {
            a.professional.cmp(&b.professional).then_with(|| a.neighbour.cmp(&b.neighbour))
        };
        able.sort_by(|a, b| self.rank(a, b).then_with(|| by_key(a, b)));
        // Somebody who works at two neighbours is asked once.
        let mut once = Vec::new();
        able.retain(|person| {
            let first = !once.contains(&&person.professional);
            once.push(&person.professional);
            first
        });
        unable.sort_by(|a, b| by_key(a, b));
        let chosen: Vec<Candidate> = able
            .iter()
            .enumerate()
            .map(|(index, person)| {
                let peer = |other: Option<&&Seen>| {
                    other.is_some_and(|other| self.rank(person, other) == Ordering::Equal)
                };
                let tie =
                    peer(able.get(index + 1)) || index.checked_sub(1).is_some_and(|i| peer(able.get(i)));
                candidate(person, true, self.reasons(person, rung, &able, tie))
            })
            .collect();
        let passed_over = unable
            .iter()
            .map(|person| {
                let mut reasons = self.obstacles(person, rung);
                if lacks(person) {
                    reasons.push(ChoiceReason::LacksExpertise);
                }
                if self.asked.contains(&person.professional) {
                    reasons.push(ChoiceReason::AskedInEarlierStep);
                }
                candidate(person, false, reasons)
            })
            .collect();
        self.asked.extend(chosen.iter().map(|c| c.professional.clone()));
        (chosen, passed_over)
    }

    /// Why one of several comes where she comes.
    fn reasons(&self, person: &Seen, rung: &Rung, able: &[&Seen], tie: bool) -> Vec<ChoiceReason> {
        let sole = person.neighbour.is_none() && self.is_sole(person, rung);
        let given = [
            (person.neighbour.is_some(), ChoiceReason::ByArrangement),
            (true, at_work(person, rung)),
            (sole, ChoiceReason::OnlyOnePresent),
            (person.knows_about(self.domains), ChoiceReason::HasExpertise),
            (person.is_at_capacity(), ChoiceReason::AtCapacity),
            (!sole && self.has_least_work(person, able), ChoiceReason::LeastOpenWork),
            (tie, ChoiceReason::TieBroken),
        ];
        given.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
    }

    /// Safety: everybody on duty at this moment, and the coordinator whether she is there or not.
    fn everybody(&self, rung: &Rung) -> Vec<Candidate> {
        let coordinator = &self.sight.coordinator;
        let mut people: Vec<&Seen> =
            self.sight.own().filter(|person| person.professional != *coordinator).collect();
        people.sort_by(|a, b| a.professional.cmp(&b.professional));
        let mut candidates: Vec<Candidate> = people
            .into_iter()
            .map(|person| {
                let obstacles = self.obstacles(person, rung);
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
        let coordinator = &self.sight.coordinator;
        reasons.push(ChoiceReason::IsCoordinator);
        if self.sight.coordinator_absent {
            reasons.push(ChoiceReason::Absent);
        }
        Candidate {
            professional: coordinator.clone(),
            chosen: true,
            reasons,
            open_tasks: self.sight.person(coordinator).map_or(0, |seen| seen.open_tasks),
            there_from: None,
        }
    }
}

fn step(rung: &Rung, expertise: &[ConcernDomain], candidates: Vec<Candidate>) -> PlanStep {
    PlanStep {
        audience: rung.audience,
        respond_within: rung.respond_within,
        expertise: expertise.to_vec(),
        candidates,
    }
}

/// Is she there, or back later?
fn at_work(person: &Seen, rung: &Rung) -> ChoiceReason {
    match (person.attendance, rung.audience) {
        (Attendance::Present, _) => ChoiceReason::Present,
        (_, Audience::KnownBackInTime) => ChoiceReason::BackInTime,
        (Attendance::LaterToday, _) => ChoiceReason::LaterToday,
        (Attendance::NotScheduled, _) => ChoiceReason::NotScheduled,
        (Attendance::Absent, _) => ChoiceReason::Absent,
    }
}

fn candidate(person: &Seen, chosen: bool, reasons: Vec<ChoiceReason>) -> Candidate {
    let away = person.attendance != Attendance::Present;
    Candidate {
        professional: person.professional.clone(),
        chosen,
        reasons,
        open_tasks: person.open_tasks,
        there_from: person.there_from.filter(|_| away),
    }
}
