//! The frozen plan, deadlines and steps in messages.

use voordeur_contracts::{
    convert::to_wire_time,
    event::{self, span::Length},
};
use voordeur_kernel::Span;
use voordeur_routing_domain::{
    ladder::Clocks,
    plan::{Candidate, Plan, PlanStep},
    task::{Deadline, Offer, StepTaken},
};

use super::{
    read::{self, Read, bad, maybe_moment, moment, within, word},
    words::Word as _,
};

fn write_span(span: Span) -> event::Span {
    let length = match span {
        Span::Elapsed(seconds) => Length::ElapsedSeconds(seconds),
        Span::WorkingDays(days) => Length::WorkingDays(days),
        Span::WorkingMinutes(minutes) => Length::WorkingMinutes(minutes),
    };
    event::Span { length: Some(length) }
}

fn read_span(span: Option<&event::Span>, field: &str) -> Read<Span> {
    match span.and_then(|span| span.length.as_ref()) {
        Some(Length::ElapsedSeconds(seconds)) => Ok(Span::Elapsed(*seconds)),
        Some(Length::WorkingDays(days)) => Ok(Span::WorkingDays(*days)),
        Some(Length::WorkingMinutes(minutes)) => Ok(Span::WorkingMinutes(*minutes)),
        None => bad(field),
    }
}

pub(crate) fn write(plan: &Plan) -> event::Plan {
    let candidate = |candidate: &Candidate| event::Candidate {
        professional: candidate.professional.to_string(),
        chosen: candidate.chosen,
        reasons: candidate.reasons.iter().map(|reason| reason.number()).collect(),
        open_tasks: candidate.open_tasks,
        there_from: candidate.there_from.map(to_wire_time),
    };
    let step = |step: &PlanStep| event::PlanStep {
        audience: step.audience.number(),
        respond_within: Some(write_span(step.respond_within)),
        candidates: step.candidates.iter().map(candidate).collect(),
        expertise: step.expertise.iter().map(|domain| domain.number()).collect(),
    };
    let Clocks { accept, first_contact, answer, repeat } = plan.clocks;
    event::Plan {
        policy_version: plan.policy_version,
        steps: plan.steps.iter().map(step).collect(),
        clocks: Some(event::Clocks {
            accept: Some(write_span(accept)),
            first_contact: Some(write_span(first_contact)),
            answer: Some(write_span(answer)),
            repeat: Some(write_span(repeat)),
        }),
        branch: plan.branch.clone(),
        ladder: plan.ladder.clone(),
    }
}

pub(crate) fn read(plan: Option<&event::Plan>) -> Read<Plan> {
    let Some(plan) = plan else { return bad("plan") };
    let Some(clocks) = &plan.clocks else { return bad("plan.clocks") };
    let candidate = |candidate: &event::Candidate| {
        Ok(Candidate {
            professional: read::person(&candidate.professional, "candidates.professional")?,
            chosen: candidate.chosen,
            reasons: candidate
                .reasons
                .iter()
                .map(|reason| word(*reason, "candidates.reasons"))
                .collect::<Read<_>>()?,
            open_tasks: candidate.open_tasks,
            there_from: maybe_moment(candidate.there_from.as_ref(), "candidates.there_from")?,
        })
    };
    let step = |step: &event::PlanStep| {
        Ok(PlanStep {
            audience: word(step.audience, "plan.steps.audience")?,
            respond_within: read_span(step.respond_within.as_ref(), "plan.steps.respond_within")?,
            expertise: step
                .expertise
                .iter()
                .map(|domain| word(*domain, "plan.steps.expertise"))
                .collect::<Read<_>>()?,
            candidates: within("plan.steps", step.candidates.iter().map(candidate).collect())?,
        })
    };
    Ok(Plan {
        policy_version: plan.policy_version,
        branch: plan.branch.clone(),
        ladder: plan.ladder.clone(),
        steps: plan.steps.iter().map(step).collect::<Read<_>>()?,
        clocks: Clocks {
            accept: read_span(clocks.accept.as_ref(), "plan.clocks.accept")?,
            first_contact: read_span(clocks.first_contact.as_ref(), "plan.clocks.first_contact")?,
            answer: read_span(clocks.answer.as_ref(), "plan.clocks.answer")?,
            repeat: read_span(clocks.repeat.as_ref(), "plan.clocks.repeat")?,
        },
    })
}

pub(crate) fn write_deadline(deadline: &Deadline) -> event::Deadline {
    event::Deadline {
        clock: deadline.clock.number(),
        due: Some(to_wire_time(deadline.due)),
        round: deadline.round,
    }
}

pub(crate) fn write_deadlines(deadlines: &[Deadline]) -> Vec<event::Deadline> {
    deadlines.iter().map(write_deadline).collect()
}

pub(crate) fn read_deadline(deadline: &event::Deadline) -> Read<Deadline> {
    Ok(Deadline {
        clock: word(deadline.clock, "clock")?,
        due: moment(deadline.due.as_ref(), "due")?,
        round: deadline.round,
    })
}

pub(crate) fn read_deadlines(deadlines: &[event::Deadline]) -> Read<Vec<Deadline>> {
    within("deadlines", deadlines.iter().map(read_deadline).collect())
}

pub(crate) fn write_step(step: &StepTaken) -> event::StepTaken {
    let offer = |offer: &Offer| event::Offer {
        professional: offer.professional.to_string(),
        role: offer.role.number(),
    };
    event::StepTaken {
        step: step.step,
        skipped_steps: step.skipped.clone(),
        offers: step.offers.iter().map(offer).collect(),
        assigned_to: step.assigned_to.as_ref().map(ToString::to_string).unwrap_or_default(),
        respond_by: step.respond_by.map(to_wire_time),
    }
}

pub(crate) fn read_step(step: &event::StepTaken) -> Read<StepTaken> {
    let offer = |offer: &event::Offer| {
        Ok(Offer {
            professional: read::person(&offer.professional, "offers.professional")?,
            role: word(offer.role, "offers.role")?,
        })
    };
    Ok(StepTaken {
        step: step.step,
        skipped: step.skipped_steps.clone(),
        offers: step.offers.iter().map(offer).collect::<Read<_>>()?,
        assigned_to: read::maybe(&step.assigned_to, "assigned_to", read::person)?,
        respond_by: maybe_moment(step.respond_by.as_ref(), "respond_by")?,
    })
}

/// A step that has to be there.
pub(crate) fn read_step_in(step: Option<&event::StepTaken>, field: &str) -> Read<StepTaken> {
    step.map_or_else(|| bad(field), |step| within(field, read_step(step)))
}
