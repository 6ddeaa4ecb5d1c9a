//! One child under several aliases: episodes that were linked afterwards, and how the child's case stands.

use voordeur_chassis::Problem;
use voordeur_escalation_domain::{
    Event, Meta,
    outcome::{CaseFact, Classified, Day, ESC_1, Question, classify, join, merge, take_in},
};
use voordeur_eventlog::Deadline;
use voordeur_kernel::{CommandId, EpisodeId};

use crate::office::{Office, State, States};

/// Window of the class that is shown.
pub(super) const WINDOW: u16 = voordeur_escalation_domain::WINDOW_DAYS;
/// Most episodes of one child that are looked at.
const LINKED_MAX: usize = 16;

/// What is known of the child beside this episode.
#[derive(Debug, Default)]
pub(super) struct Child {
    /// Episodes under other aliases, sorted.
    pub(super) linked: Vec<EpisodeId>,
    /// How the case stands; nothing when its facts contradict each other, which is an alarm.
    pub(super) class: Option<Classified>,
}

/// Follows the links in both directions and classifies the case.
pub(super) async fn of(office: &Office, state: &State, deadline: Deadline) -> Result<Child, Problem> {
    let mut all = States::new();
    let mut open = vec![state.clone()];
    all.insert(state.id, state.clone());
    while let Some(next) = open.pop() {
        for id in neighbours(office, &next, deadline).await? {
            if all.len() < LINKED_MAX
                && !all.contains_key(&id)
                && let Some(found) = office.load(id, deadline).await?
            {
                all.insert(id, found.clone());
                open.push(found);
            }
        }
    }
    let class = classified(office, state.id, &all);
    all.remove(&state.id);
    Ok(Child { linked: all.into_keys().collect(), class })
}

/// Episodes that this one names, and those that name it; a link that was voided is none.
async fn neighbours(office: &Office, state: &State, deadline: Deadline) -> Result<Vec<EpisodeId>, Problem> {
    let mut found: Vec<EpisodeId> =
        if state.episode.links() { state.episode.picture().linked.into_iter().collect() } else { Vec::new() };
    let later: Vec<EpisodeId> = office.fold.read(|index, _| index.later_than(state.id).to_vec());
    for id in later {
        let names = office.load(id, deadline).await?;
        if names.is_some_and(|other| other.episode.picture().linked.contains(&state.id)) {
            found.push(id);
        }
    }
    Ok(found)
}

fn classified(office: &Office, own: EpisodeId, all: &States) -> Option<Classified> {
    let today = Day::of_moment(office.clock.now(), &office.rules.zone);
    let histories: Vec<(EpisodeId, Vec<CaseFact>)> =
        all.iter().map(|(id, state)| (*id, case_facts(office, state))).collect();
    let facts: Vec<&[CaseFact]> = histories.iter().map(|(_, facts)| facts.as_slice()).collect();
    let place = histories.iter().position(|(id, _)| *id == own)?;
    let case = join(&facts, WINDOW).into_iter().find(|case| case.contains(&place))?;
    let case: Vec<&[CaseFact]> = case.into_iter().filter_map(|index| facts.get(index).copied()).collect();
    let question = Question { observed: today, window: WINDOW, known: today };
    let class = merge(case).and_then(|facts| classify(&facts, question));
    class.inspect_err(|_| tracing::error!("facts of an episode contradict each other; it has no class")).ok()
}

/// The facts that the rules look at, as they would be read from the log.
fn case_facts(office: &Office, state: &State) -> Vec<CaseFact> {
    let mut facts = Vec::new();
    for (fact, ordinal) in state.episode.facts().zip(1_u32..) {
        let event = Event {
            meta: Meta {
                recorded_at: fact.recorded_at,
                actor: fact.by,
                // The rules do not look at it.
                command: CommandId::from_bytes([0; 16]),
                directory_version: 0,
                ordinal,
            },
            effective_at: fact.effective_at,
            deadlines: None,
            continued_by: None,
            change: fact.change,
        };
        take_in(&mut facts, &event, fact.commit, &ESC_1.endpoints, &office.rules.zone);
    }
    facts
}
