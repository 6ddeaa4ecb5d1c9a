//! `EpisodeService`: what people of a centre see of its episodes, and record. Every look is on record before it is shown.

mod child;
mod fact;
mod record;
mod view;

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tonic::{Request, Response, Status, async_trait};
use voordeur_chassis::{
    Identity, Problem, deadline,
    edge::{read_page_size, read_position, wire_position},
    identity,
};
use voordeur_contracts::{
    common,
    escalation::{
        Episode, GetEpisodeRequest, GetEpisodeResponse, ListEpisodesRequest, ListEpisodesResponse,
        RecordFactRequest, RecordFactResponse, episode_service_server::EpisodeService,
        get_episode_request::Episode as Which,
    },
};
use voordeur_directory::{Directory, Person};
use voordeur_eventlog::{Deadline, Position};
use voordeur_kernel::{CentreKey, EpisodeId, Faults, ProfessionalKey, TaskId};

use crate::{
    audit::{Audit, Doing, Look, Right},
    machine::{Place, STREAM},
    metrics::FactInstruments,
    office::{Office, State},
};

/// Looks that are put on record side by side for one page.
const RECORDED_AT_ONCE: usize = 32;

/// The gRPC service.
pub(crate) struct EpisodeApi {
    pub(crate) office: Arc<Office>,
    pub(crate) audit: Audit,
    pub(crate) facts: FactInstruments,
}

/// Somebody who asks, as the directory knows her.
struct Caller {
    directory: Arc<Directory>,
    key: ProfessionalKey,
}

impl Caller {
    fn person(&self) -> Result<&Person, Problem> {
        self.directory.person(self.key.as_str()).ok_or_else(unknown_person)
    }
}

fn unknown_person() -> Problem {
    Problem::not_allowed("UNKNOWN_PERSON", "you are not in the directory; ask the coordinator to add you")
}

#[async_trait]
impl EpisodeService for EpisodeApi {
    async fn get_episode(
        &self,
        request: Request<GetEpisodeRequest>,
    ) -> Result<Response<GetEpisodeResponse>, Status> {
        let deadline = deadline(&request);
        let caller = self.caller(&request)?;
        Ok(Response::new(self.get(&caller, request.get_ref(), deadline).await?))
    }

    async fn list_episodes(
        &self,
        request: Request<ListEpisodesRequest>,
    ) -> Result<Response<ListEpisodesResponse>, Status> {
        let deadline = deadline(&request);
        let caller = self.caller(&request)?;
        Ok(Response::new(self.list(&caller, request.get_ref(), deadline).await?))
    }

    async fn record_fact(
        &self,
        request: Request<RecordFactRequest>,
    ) -> Result<Response<RecordFactResponse>, Status> {
        let deadline = deadline(&request);
        let caller = self.caller(&request)?;
        Ok(Response::new(self.record_fact(&caller, request.into_inner(), deadline).await?))
    }
}

impl EpisodeApi {
    fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Problem> {
        let Identity::Person(key) = identity(request)? else {
            return Err(Problem::not_allowed(
                "PEOPLE_ONLY",
                "episodes are shown to the people of a centre only",
            ));
        };
        let directory = self.office.directory()?;
        let caller = Caller { directory, key: key.clone() };
        if !caller.person()?.role.holds_tasks() {
            return Err(Problem::not_allowed(
                "NOT_YOUR_ROLE",
                "episodes are shown to the professionals and coordinators of a centre",
            ));
        }
        Ok(caller)
    }

    async fn get(
        &self,
        caller: &Caller,
        request: &GetEpisodeRequest,
        deadline: Deadline,
    ) -> Result<GetEpisodeResponse, Problem> {
        let mut faults = Faults::new();
        let which = match &request.episode {
            Some(Which::EpisodeId(text)) => {
                faults.take("episode_id", "BAD_ID", text.parse::<EpisodeId>()).map(Wanted::Episode)
            }
            Some(Which::TaskId(text)) => {
                faults.take("task_id", "BAD_ID", text.parse::<TaskId>()).map(Wanted::Task)
            }
            None => {
                faults.add("episode", "REQUIRED", "give episode_id or task_id");
                None
            }
        };
        let at_least = read_position("at_least", request.at_least.as_ref(), STREAM, &mut faults);
        let which = faults.finish(which).map_err(Problem::invalid)?;
        self.reached(at_least, deadline).await?;
        let id = match which {
            Wanted::Episode(id) => Some(id),
            Wanted::Task(task) => self.office.episode_of_task(task, deadline).await?,
        };
        let id = id.ok_or_else(|| Problem::not_found("episode"))?;
        let position = self.position();
        let state = self.office.load(id, deadline).await?.ok_or_else(|| Problem::not_found("episode"))?;
        let right = self.right(&caller.directory, &caller.key, &state, deadline).await?;
        self.record(caller, &state, Doing::look("get-episode", right), deadline).await?;
        if right.is_none() {
            // The same answer as for an episode that is not there: even that it exists is about a child.
            return Err(Problem::not_found("episode"));
        }
        Ok(GetEpisodeResponse { episode: Some(self.shown(&state, deadline).await?), position })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: &ListEpisodesRequest,
        deadline: Deadline,
    ) -> Result<ListEpisodesResponse, Problem> {
        let mut faults = Faults::new();
        let centres = self.centres(caller, &request.centre, &mut faults);
        let size = read_page_size(request.page_size, &mut faults);
        let before = match request.page_token.as_str() {
            "" => None,
            token => {
                let place = read_token(token);
                if place.is_none() {
                    faults.add("page_token", "BAD_TOKEN", "give the token of the page before, unchanged");
                }
                place
            }
        };
        let at_least = read_position("at_least", request.at_least.as_ref(), STREAM, &mut faults);
        let centres = faults.finish(centres).map_err(Problem::invalid)?;
        self.reached(at_least, deadline).await?;
        let position = self.position();
        let (page, more) = self.page(&centres, before, request.open_only, size);
        let mut states = Vec::with_capacity(page.len());
        for (_, id) in &page {
            states.extend(self.office.load(*id, deadline).await?);
        }
        // Lists are of the caller's own centres.
        let doing = Doing::look("list-episodes", Some(Right::OfTheTeam));
        let looks: Vec<_> = states.iter().map(|state| self.record(caller, state, doing, deadline)).collect();
        stream::iter(looks).buffer_unordered(RECORDED_AT_ONCE).try_collect::<Vec<()>>().await?;
        let next_page_token = page.last().filter(|_| more).map(write_token).unwrap_or_default();
        let mut episodes = Vec::with_capacity(states.len());
        for state in &states {
            episodes.push(self.shown(state, deadline).await?);
        }
        Ok(ListEpisodesResponse { episodes, next_page_token, position })
    }

    /// Centres to list: the one that was asked for, or every one of the caller.
    fn centres(&self, caller: &Caller, asked: &str, faults: &mut Faults) -> Option<BTreeSet<CentreKey>> {
        let hers = caller.person().ok()?.centres.clone();
        if asked.is_empty() {
            return Some(hers);
        }
        let found = hers.get(asked).cloned();
        if found.is_none() {
            faults.add("centre", "UNKNOWN_CENTRE", "give the key of a centre you work at, or leave it out");
        }
        found.map(|centre| BTreeSet::from([centre]))
    }

    /// Places of a page, newest first, and whether there are more.
    fn page(
        &self,
        centres: &BTreeSet<CentreKey>,
        before: Option<Place>,
        open_only: bool,
        size: usize,
    ) -> (Vec<Place>, bool) {
        let mut places = self.office.fold.read(|index, _| {
            // The first of each centre are enough for the first of all; one more tells whether there are more.
            let of_centre = |centre: &CentreKey| {
                let entries = index.at_centre(centre.as_str(), before);
                entries
                    .filter(|(_, open)| *open || !open_only)
                    .map(|(place, _)| place)
                    .take(size + 1)
                    .collect()
            };
            centres.iter().map(of_centre).fold(
                BTreeSet::new(),
                |mut all: BTreeSet<Place>, some: Vec<Place>| {
                    all.extend(some);
                    all
                },
            )
        });
        let mut page = Vec::with_capacity(size);
        while page.len() < size {
            let Some(newest) = places.pop_last() else { break };
            page.push(newest);
        }
        (page, !places.is_empty())
    }

    async fn reached(&self, at_least: Option<Position>, deadline: Deadline) -> Result<(), Problem> {
        if let Some(position) = at_least {
            self.office.fold.reached(&position, deadline).await?;
        }
        if self.office.fold.is_ready() {
            Ok(())
        } else {
            Err(Problem::unavailable("NOT_READY", "still reading the log; try again in a moment"))
        }
    }

    fn position(&self) -> Option<common::Position> {
        self.office.fold.position().map(|position| wire_position(&position))
    }

    /// An episode as people see it, with what is known of the same child under other aliases.
    async fn shown(&self, state: &State, deadline: Deadline) -> Result<Episode, Problem> {
        let child = child::of(&self.office, state, deadline).await?;
        Ok(view::episode(&self.office, state, &child))
    }

    /// What lets somebody see an episode and record in it: one of its centres is hers, or she holds one of its tasks by an arrangement.
    async fn right(
        &self,
        directory: &Directory,
        person: &ProfessionalKey,
        state: &State,
        deadline: Deadline,
    ) -> Result<Option<Right>, Problem> {
        let works_at = |centre: &CentreKey| directory.works_at(person.as_str(), centre.as_str());
        if state.episode.signals().any(|signal| works_at(&signal.centre)) {
            return Ok(Some(Right::OfTheTeam));
        }
        let holds = self.office.holds_by_arrangement(directory, person.as_str(), state, deadline).await?;
        Ok(holds.then_some(Right::HoldsATask))
    }

    async fn record(
        &self,
        caller: &Caller,
        state: &State,
        doing: Doing,
        deadline: Deadline,
    ) -> Result<(), Problem> {
        let look = Look {
            person: &caller.key,
            role: caller.person()?.role,
            episode: state.id,
            child: state.episode.child(),
            doing,
            at: self.office.clock.now(),
            directory_version: caller.directory.version(),
        };
        self.audit.record(&look, deadline).await
    }
}

enum Wanted {
    Episode(EpisodeId),
    Task(TaskId),
}

/// The place of the last episode of a page: nothing about a child that the page did not show.
fn write_token((opened, id): &Place) -> String {
    format!("{opened}-{}", id.to_hex())
}

fn read_token(token: &str) -> Option<Place> {
    // A moment before 1970 begins with a minus.
    let (opened, id) = token.rsplit_once('-')?;
    Some((opened.parse().ok()?, EpisodeId::parse_hex(id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_also_for_an_episode_of_long_ago() {
        for opened in [-7_000, 0, 1_795_000_000_000] {
            let place = (opened, EpisodeId::from_bytes([7; 16]));
            assert_eq!(read_token(&write_token(&place)), Some(place));
        }
        for bad in ["", "-", "1-", "1", "x-07", "é-é"] {
            assert_eq!(read_token(bad), None, "{bad}");
        }
    }
}
