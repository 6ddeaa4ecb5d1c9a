//! An episode as people see it.

use voordeur_contracts::{
    convert::to_wire_time,
    escalation::{Classification, Episode, EpisodeTask, Fact, FurtherWork},
};
use voordeur_escalation_domain::{
    Standing, by_people,
    deadline::day_of,
    missed_follow_ups,
    outcome::{Classified, ESC_1},
    picture,
};

use super::{
    child::{Child, WINDOW},
    fact::{fact_id, to_fact},
};
use crate::{
    codec::{deadline_to_wire, number, write_change},
    office::{Office, State},
};

/// Everything that is shown of an episode; codes only.
pub(super) fn episode(office: &Office, state: &State, child: &Child) -> Episode {
    let zone = &office.rules.zone;
    let episode = &state.episode;
    let standing = episode.standing();
    let picture = picture(&standing);
    let baseline = picture.baseline.as_ref();
    Episode {
        episode_id: state.id.to_string(),
        centre: picture.centre().map(ToString::to_string).unwrap_or_default(),
        child_ordinal: episode.child_ordinal(),
        opened_at: picture.opened.map(|at| to_wire_time(at.effective)),
        first_contact_at: picture.first_contact.map(|contact| to_wire_time(contact.at.effective)),
        tasks: picture
            .tasks
            .iter()
            .map(|task| EpisodeTask {
                task_id: task.task.to_string(),
                signal_id: task.signal.to_string(),
                joined_at: Some(to_wire_time(task.joined.effective)),
                completed_at: task.completed.map(|completion| to_wire_time(completion.at.effective)),
                outcome: task.completed.map_or(0, |completion| number(completion.outcome)),
                further_work: task
                    .further
                    .iter()
                    .map(|completion| FurtherWork {
                        completed_at: Some(to_wire_time(completion.at.effective)),
                        outcome: number(completion.outcome),
                    })
                    .collect(),
            })
            .collect(),
        open: episode.is_open(),
        baseline: baseline.map_or(0, |assessment| number(assessment.judgement.baseline)),
        version: u64::from(episode.made_by_people()),
        facts: facts(office, &standing),
        deadlines: episode.deadlines().map(|deadline| deadline_to_wire(&deadline)).collect(),
        baseline_on: baseline.map(|b| day_of(b.at.effective, zone).to_string()).unwrap_or_default(),
        classification: child.class.as_ref().map(classification),
        baseline_until: picture.baseline_until(zone).map(|day| day.to_string()).unwrap_or_default(),
        missed_follow_up_days: missed_follow_ups(&standing, zone).into_iter().map(u32::from).collect(),
        linked_episode_ids: child.linked.iter().map(ToString::to_string).collect(),
    }
}

/// What people recorded, in the order in which it happened.
fn facts(office: &Office, standing: &[Standing]) -> Vec<Fact> {
    let mut told: Vec<&Standing> = standing.iter().filter(|fact| by_people(fact.change.kind())).collect();
    told.sort_by_key(|fact| (fact.effective_at, fact.recorded_at, fact.commit));
    told.into_iter()
        .map(|fact| Fact {
            fact_id: fact_id(fact.commit),
            effective_on: fact.day(&office.rules.zone).to_string(),
            recorded_at: Some(to_wire_time(fact.recorded_at)),
            recorded_by: fact.person().map(ToString::to_string).unwrap_or_default(),
            voided: fact.voided,
            corrected: fact.corrected,
            fact: to_fact(write_change(&fact.change)),
        })
        .collect()
}

fn classification(class: &Classified) -> Classification {
    Classification {
        ruleset: ESC_1.name.to_owned(),
        window: WINDOW.into(),
        outcome: class.class.as_str().to_owned(),
        reason: class.reason.as_str().to_owned(),
        flags: class.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
    }
}
