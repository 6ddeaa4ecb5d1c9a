//! `RecordFact`: reads what a person tells, checks what only the directory knows, and lets the domain decide.

use prost::Message as _;
use voordeur_chassis::{
    Problem,
    edge::{check_command_key, wire_position},
};
use voordeur_contracts::escalation::{RecordFactRequest, RecordFactResponse};
use voordeur_escalation_domain::{
    Action, Actor, Change, Command, Correction, Earlier, Goal, Refusal, faults as faults_of,
};
use voordeur_eventlog::{
    Deadline,
    fold::{ExecuteError, Expect},
};
use voordeur_kernel::{CommitId, EpisodeId, ErrorKind, Faults, Timestamp, limits};

use super::{
    Caller, EpisodeApi,
    fact::{fact_id, to_change},
};
use crate::{
    audit::Doing,
    codec::facts::{self, Ids, day},
    office::{State, failed, refused, start},
};

/// The processing activity in the audit.
const ACTIVITY: &str = "record-fact";

/// A request that was read, without a fault.
struct Asked {
    episode: EpisodeId,
    command: voordeur_kernel::CommandId,
    commit: CommitId,
    seen_version: u32,
    /// `None`: today.
    effective_at: Option<Timestamp>,
    change: Change,
}

impl EpisodeApi {
    pub(super) async fn record_fact(
        &self,
        caller: &Caller,
        request: RecordFactRequest,
        deadline: Deadline,
    ) -> Result<RecordFactResponse, Problem> {
        let asked = self.read(caller, request)?;
        self.reached(None, deadline).await?;
        let found = self.office.load(asked.episode, deadline).await?;
        let Some(state) = found else { return Err(Problem::not_found("episode")) };
        let right = self.right(&caller.directory, &caller.key, &state, deadline).await?;
        let Some(by) = right else {
            self.record(caller, &state, Doing::refused_change(ACTIVITY, right), deadline).await?;
            return Err(Problem::not_found("episode"));
        };
        let kind = asked.change.kind().name();
        match self.decide(caller, &state, asked, deadline).await {
            Ok((fact, executed)) => {
                let after = State { id: state.id, episode: executed.state };
                if executed.changed {
                    self.facts.recorded(kind);
                }
                let doing = Doing::change(ACTIVITY, by);
                self.record(caller, &after, doing, deadline).await?;
                Ok(RecordFactResponse {
                    episode: Some(self.shown(&after, deadline).await?),
                    fact_id: fact_id(fact),
                    known: !executed.changed,
                    position: Some(wire_position(&executed.position)),
                })
            }
            Err(problem) => {
                // A refusal tells something about the child, so it is on record first.
                let tells = !matches!(
                    problem.kind,
                    ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::TooMuch | ErrorKind::Broken
                );
                if tells {
                    self.facts.refused(problem.reason);
                    self.record(caller, &state, Doing::refused_change(ACTIVITY, right), deadline).await?;
                }
                Err(problem)
            }
        }
    }

    async fn decide(
        &self,
        caller: &Caller,
        state: &State,
        asked: Asked,
        deadline: Deadline,
    ) -> Result<(CommitId, voordeur_eventlog::fold::Executed<voordeur_escalation_domain::Episode>), Problem>
    {
        self.check_people(caller, state, &asked.change, deadline).await?;
        let action = match asked.change {
            Change::EpisodesLinked { earlier } => {
                Action::Link(self.earlier(caller, earlier, deadline).await?)
            }
            change => Action::Record(change),
        };
        let today = self.office.today();
        let effective_at = asked.effective_at.or_else(|| start(&self.office.rules, today));
        let command = Command {
            id: asked.command,
            commit: asked.commit,
            episode: state.id,
            actor: Actor::Person(caller.key.clone(), caller.person()?.role),
            now: self.office.clock.now(),
            effective_at: effective_at.ok_or_else(|| refused(Refusal::BadMoment))?,
            directory_version: caller.directory.version(),
            seen_version: asked.seen_version,
            action,
        };
        let executed = self.office.act(Expect::Known, &command, false, deadline).await;
        executed
            .map(|executed| (asked.commit, executed))
            .map_err(|cause: ExecuteError<Refusal>| failed(cause))
    }

    /// The episode that is named as the one that began earlier; only one that the caller may see.
    async fn earlier(&self, caller: &Caller, id: EpisodeId, deadline: Deadline) -> Result<Earlier, Problem> {
        let unknown = || {
            Problem::fault(
                "episodes_linked.earlier_episode",
                "UNKNOWN_EPISODE",
                "give an episode of a centre you work at",
            )
        };
        let other = self.office.load(id, deadline).await?.ok_or_else(unknown)?;
        let right = self.right(&caller.directory, &caller.key, &other, deadline).await?;
        self.record(caller, &other, Doing::look("link-episode", right), deadline).await?;
        if right.is_none() {
            return Err(unknown());
        }
        let picture = other.episode.picture();
        Ok(Earlier {
            episode: id,
            child: other.episode.child(),
            opened_at: picture.opened.map(|opened| opened.effective).ok_or_else(unknown)?,
            judged: picture.baseline.is_some(),
        })
    }

    /// Reads everything before anything is looked at, and tells every fault at once.
    fn read(&self, caller: &Caller, mut request: RecordFactRequest) -> Result<Asked, Problem> {
        let mut faults = Faults::new();
        let context = request.command.take();
        let content = request.encode_to_vec();
        let episode = faults.take("episode_id", "BAD_ID", request.episode_id.parse::<EpisodeId>());
        let key = context.as_ref().map(|context| context.idempotency_key.as_str()).unwrap_or_default();
        check_command_key(key, &mut faults);
        let command = self.office.deriver.command_id(&format!("person:{}", caller.key), key);
        let commit = self.office.deriver.commit_id(command, &covered(&content));
        // A version beyond what is counted was never seen; it is compared and found wrong.
        let seen = context.map_or(0, |context| context.seen_version);
        let effective_at = self.effective_at(&request.effective_on, &mut faults);
        let change = match request.fact {
            None => {
                faults.add("fact", "REQUIRED", "say what is to be recorded");
                None
            }
            Some(fact) => {
                let change = facts::read(&to_change(fact), Ids::Derived(commit), &mut faults);
                for fault in change.iter().flat_map(|change| faults_of(change).into_vec()) {
                    faults.add(fault.field, fault.reason, fault.description);
                }
                change
            }
        };
        let read = episode.zip(change).map(|(episode, change)| Asked {
            episode,
            command,
            commit,
            seen_version: u32::try_from(seen).unwrap_or(u32::MAX),
            effective_at,
            change,
        });
        faults.finish(read).map_err(Problem::invalid)
    }

    /// The start of the day that was given.
    fn effective_at(&self, text: &str, faults: &mut Faults) -> Option<Timestamp> {
        if text.is_empty() {
            return None;
        }
        let at = day(text)
            .filter(|date| date.year() >= limits::YEAR_MIN)
            .and_then(|date| start(&self.office.rules, date));
        if at.is_none() {
            faults.add("effective_on", "BAD_DATE", "give a day as yyyy-mm-dd, or leave it out for today");
        }
        at
    }

    /// What only the directory, the episode and its tasks know of the people and texts that a fact names.
    async fn check_people(
        &self,
        caller: &Caller,
        state: &State,
        change: &Change,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let directory = &caller.directory;
        match change {
            Change::Corrected(Correction { second_person, .. })
                if self.right(directory, second_person, state, deadline).await?.is_none() =>
            {
                Err(Problem::fault(
                    "corrected_fact.second_person",
                    "NOT_AT_CENTRE",
                    "give a professional or coordinator of this centre, or who holds one of the tasks of the episode",
                ))
            }
            Change::ReferralReviewed { reviewer, of_receiving_provider: false, .. }
                if directory.person(reviewer.as_str()).is_none() =>
            {
                Err(Problem::fault(
                    "referral_reviewed.reviewer",
                    "UNKNOWN_PERSON",
                    "give the key of somebody in the directory, or say that she is of the receiving provider",
                ))
            }
            Change::GoalSet(Goal { text: Some(text), .. })
                if self.office.episode_of_task(text.owner, deadline).await? != Some(state.id) =>
            {
                Err(Problem::fault(
                    "goal_set.text.owner",
                    "WRONG_OWNER",
                    "seal the text for one of the tasks of this episode",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// What an act covers: the name of the call and everything that is asked, but not the version that was seen.
fn covered(request: &[u8]) -> Vec<u8> {
    let mut content = b"RecordFact\0".to_vec();
    content.extend_from_slice(request);
    content
}
