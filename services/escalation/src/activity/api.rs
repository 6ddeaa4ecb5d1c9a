//! `ActivityService`: what people of a centre note about their work on the floor, and see of it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;
use prost::Message;
use tonic::{Request, Response, Status, async_trait};
use voordeur_chassis::{Problem, deadline, edge::wire_position};
use voordeur_contracts::escalation::{
    self, CorrectActivityRequest, CorrectActivityResponse, GetFloorPictureRequest, GetFloorPictureResponse,
    ListActivitiesRequest, ListActivitiesResponse, NoteActivityRequest, NoteActivityResponse,
    RecordLookBackRequest, RecordLookBackResponse, activity_service_server::ActivityService,
};
use voordeur_escalation_domain::{
    Actor,
    activity::{Action, Activity, LookBackResult},
};
use voordeur_eventlog::{Deadline, Position};
use voordeur_kernel::{ActivityId, CentreKey, Timestamp};

use super::{
    Act, FloorOffice, day_of,
    machine::{FloorState, subject},
    request::{Caller, Reader},
    view,
};

/// The gRPC service.
pub(crate) struct ActivityApi(pub(crate) Arc<FloorOffice>);

/// An activity and where it can be seen.
type Told = (Option<escalation::Activity>, Option<voordeur_contracts::common::Position>);

/// What an act covers: the name of the call and the request without its context.
fn content(name: &str, request: &impl Message) -> Vec<u8> {
    let mut content = name.as_bytes().to_vec();
    content.push(0);
    content.extend(request.encode_to_vec());
    content
}

#[async_trait]
impl ActivityService for ActivityApi {
    async fn note_activity(
        &self,
        request: Request<NoteActivityRequest>,
    ) -> Result<Response<NoteActivityResponse>, Status> {
        let (deadline, caller) = (deadline(&request), Caller::of(&self.0, &request)?);
        let (activity, position) = self.note(&caller, request.into_inner(), deadline).await?;
        Ok(Response::new(NoteActivityResponse { activity, position }))
    }

    async fn correct_activity(
        &self,
        request: Request<CorrectActivityRequest>,
    ) -> Result<Response<CorrectActivityResponse>, Status> {
        let (deadline, caller) = (deadline(&request), Caller::of(&self.0, &request)?);
        let (activity, position) = self.correct(&caller, request.into_inner(), deadline).await?;
        Ok(Response::new(CorrectActivityResponse { activity, position }))
    }

    async fn record_look_back(
        &self,
        request: Request<RecordLookBackRequest>,
    ) -> Result<Response<RecordLookBackResponse>, Status> {
        let (deadline, caller) = (deadline(&request), Caller::of(&self.0, &request)?);
        let (activity, position) = self.look_back(&caller, request.into_inner(), deadline).await?;
        Ok(Response::new(RecordLookBackResponse { activity, position }))
    }

    async fn list_activities(
        &self,
        request: Request<ListActivitiesRequest>,
    ) -> Result<Response<ListActivitiesResponse>, Status> {
        let (deadline, caller) = (deadline(&request), Caller::of(&self.0, &request)?);
        Ok(Response::new(self.list(&caller, request.get_ref(), deadline).await?))
    }

    async fn get_floor_picture(
        &self,
        request: Request<GetFloorPictureRequest>,
    ) -> Result<Response<GetFloorPictureResponse>, Status> {
        let (deadline, caller) = (deadline(&request), Caller::of(&self.0, &request)?);
        Ok(Response::new(self.picture(&caller, request.get_ref(), deadline).await?))
    }
}

impl ActivityApi {
    async fn note(
        &self,
        caller: &Caller,
        mut request: NoteActivityRequest,
        deadline: Deadline,
    ) -> Result<Told, Problem> {
        let context = request.command.take();
        let covered = content("NoteActivity", &request);
        let mut reader = Reader::new(caller);
        let key = reader.key(context.as_ref());
        let centre = reader.centre(&request.centre);
        let noted =
            reader.noted(&self.0, "activity", &request.on, request.activity.as_ref(), centre.as_ref());
        let parts = key.zip(centre).zip(noted);
        let ((key, centre), (on, noted)) = reader.finish(parts)?;
        let id = self.0.deriver.command_id(&format!("person:{}", caller.key), key);
        let activity = self.0.deriver.activity_id(id);
        self.act(caller, &centre, key, &covered, activity, Action::Note { activity, on, noted }, deadline)
            .await
    }

    async fn correct(
        &self,
        caller: &Caller,
        mut request: CorrectActivityRequest,
        deadline: Deadline,
    ) -> Result<Told, Problem> {
        let context = request.command.take();
        let covered = content("CorrectActivity", &request);
        let mut reader = Reader::new(caller);
        let key = reader.key(context.as_ref());
        let centre = reader.centre(&request.centre);
        let activity = reader.activity(&request.activity_id);
        let instead = match (request.void, &request.instead) {
            (true, None) => Some(None),
            (true, Some(_)) => {
                reader.faults.add("instead", "NOT_HERE", "leave it out when the activity counts no more");
                None
            }
            (false, wire) => reader
                .noted(&self.0, "instead", "", wire.as_ref(), centre.as_ref())
                .map(|(_, noted)| Some(noted)),
        };
        let parts = key.zip(centre).zip(activity).zip(instead);
        let (((key, centre), activity), instead) = reader.finish(parts)?;
        let action = Action::Correct { activity, instead };
        self.act(caller, &centre, key, &covered, activity, action, deadline).await
    }

    async fn look_back(
        &self,
        caller: &Caller,
        mut request: RecordLookBackRequest,
        deadline: Deadline,
    ) -> Result<Told, Problem> {
        let context = request.command.take();
        let covered = content("RecordLookBack", &request);
        let mut reader = Reader::new(caller);
        let key = reader.key(context.as_ref());
        let centre = reader.centre(&request.centre);
        let activity = reader.activity(&request.activity_id);
        let result = reader.word("result", request.result, &LookBackResult::ALL);
        let parts = key.zip(centre).zip(activity).zip(result);
        let (((key, centre), activity), result) = reader.finish(parts)?;
        let action = Action::LookBack { activity, result };
        self.act(caller, &centre, key, &covered, activity, action, deadline).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one act, each read by itself")]
    async fn act(
        &self,
        caller: &Caller,
        centre: &CentreKey,
        key: &str,
        covered: &[u8],
        activity: ActivityId,
        action: Action,
        deadline: Deadline,
    ) -> Result<Told, Problem> {
        self.reached(None, deadline).await?;
        let id = self.0.deriver.command_id(&format!("person:{}", caller.key), key);
        let act = Act {
            id,
            commit: self.0.deriver.commit_id(id, covered),
            actor: Actor::Person(caller.key.clone(), caller.role),
            action,
        };
        let executed = self.0.act(centre, act, caller.directory.version(), deadline).await?;
        let activity = executed.state.floor.activity(activity);
        Ok((
            activity.map(|activity| view::activity(centre, activity)),
            Some(wire_position(&executed.position)),
        ))
    }

    async fn list(
        &self,
        caller: &Caller,
        request: &ListActivitiesRequest,
        deadline: Deadline,
    ) -> Result<ListActivitiesResponse, Problem> {
        let mut reader = Reader::new(caller);
        let centre = reader.centre(&request.centre);
        let group = reader.wanted_group(&request.group);
        let period = reader.period(request.period.as_ref());
        let size = reader.page_size(request.page_size);
        let before = match request.page_token.as_str() {
            "" => Some(None),
            token => {
                let place = read_token(token);
                if place.is_none() {
                    let how = "give the token of the page before, unchanged";
                    reader.faults.add("page_token", "BAD_TOKEN", how);
                }
                place.map(Some)
            }
        };
        let at_least = reader.at_least(request.at_least.as_ref());
        let parts = centre.zip(group).zip(period).zip(before);
        let (((centre, group), (from, until)), before) = reader.finish(parts)?;
        self.reached(at_least, deadline).await?;
        let position = self.0.position();
        let state = self.floor(&centre)?;
        // As many as a page holds and one more, whatever there is: the oldest of them goes when a newer one comes.
        let mut page: BTreeMap<Place, &Activity> = BTreeMap::new();
        let wanted = |activity: &&Activity| {
            group.as_ref().is_none_or(|group| activity.group.as_ref() == Some(group))
                && from.is_none_or(|from| from <= activity.on)
                && until.is_none_or(|until| activity.on <= until)
        };
        for activity in state.iter().flat_map(|state| state.floor.activities()).filter(wanted) {
            let place = place(activity);
            if before.is_none_or(|before| place < before) {
                page.insert(place, activity);
                if page.len() > size + 1 {
                    page.pop_first();
                }
            }
        }
        let more = page.len() > size;
        let shown: Vec<_> = page.into_iter().rev().take(size).collect();
        let next_page_token =
            shown.last().filter(|_| more).map(|(place, _)| token(*place)).unwrap_or_default();
        Ok(ListActivitiesResponse {
            activities: shown.iter().map(|(_, activity)| view::activity(&centre, activity)).collect(),
            next_page_token,
            position: position.as_ref().map(wire_position),
        })
    }

    async fn picture(
        &self,
        caller: &Caller,
        request: &GetFloorPictureRequest,
        deadline: Deadline,
    ) -> Result<GetFloorPictureResponse, Problem> {
        let mut reader = Reader::new(caller);
        let centre = reader.centre(&request.centre);
        let group = reader.wanted_group(&request.group);
        let period = reader.period(request.period.as_ref());
        let at_least = reader.at_least(request.at_least.as_ref());
        let parts = centre.zip(group).zip(period);
        let ((centre, group), (from, until)) = reader.finish(parts)?;
        self.reached(at_least, deadline).await?;
        let today = day_of(self.0.clock.now());
        let until = until.unwrap_or(today);
        let from = from.unwrap_or_else(|| until.min(today).first_of_year());
        if until < from {
            return Err(Problem::fault(
                "period.until",
                "ENDS_BEFORE_START",
                "must not lie before period.from, or before today when it is left out",
            ));
        }
        let position = self.0.position();
        let state = self.floor(&centre)?;
        let picture = state.map(|state| state.floor.picture(from, until, group.as_ref())).transpose();
        let picture = picture.map_err(|error| Problem::fault("period", "WHOLE_MONTHS", error.to_string()))?;
        // What was agreed was agreed for the centre.
        let available = match group {
            None => view::available(&caller.directory, &centre, from, until),
            Some(_) => None,
        };
        Ok(view::picture(&picture.unwrap_or_default(), (from, until), available, position.as_ref()))
    }

    /// The floor of a centre, when anything was noted there.
    fn floor(&self, centre: &CentreKey) -> Result<Option<Arc<FloorState>>, Problem> {
        let subject = subject(centre).map_err(|error| Problem::broken(error.to_string()))?;
        Ok(self.0.fold.get(&subject)?.map(|held| held.state))
    }

    async fn reached(&self, at_least: Option<Position>, deadline: Deadline) -> Result<(), Problem> {
        if let Some(position) = at_least {
            self.0.fold.reached(&position, deadline).await?;
        }
        if self.0.fold.is_ready() {
            Ok(())
        } else {
            Err(Problem::unavailable("NOT_READY", "still reading the log; try again in a moment"))
        }
    }
}

/// Where an activity stands in lists: newest first is the largest first.
type Place = (Date, Timestamp, ActivityId);

fn place(activity: &Activity) -> Place {
    (activity.on, activity.recorded_at, activity.id)
}

fn token((on, recorded_at, id): Place) -> String {
    format!("{on}_{}_{}", recorded_at.as_nanosecond(), id.to_hex())
}

fn read_token(token: &str) -> Option<Place> {
    let (on, rest) = token.split_once('_')?;
    let (recorded_at, id) = rest.split_once('_')?;
    Some((
        on.parse().ok()?,
        Timestamp::from_nanosecond(recorded_at.parse().ok()?).ok()?,
        ActivityId::parse_hex(id).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_also_for_a_day_of_long_ago() {
        for (day, second) in [("1969-12-31", -7), ("2026-11-23", 1_795_000_000)] {
            let place = (
                day.parse().unwrap(),
                Timestamp::from_second(second).unwrap(),
                ActivityId::from_bytes([7; 16]),
            );
            assert_eq!(read_token(&token(place)), Some(place));
        }
        for bad in ["", "_", "2026-11-23", "2026-11-23_x_00", "é_é_é"] {
            assert_eq!(read_token(bad), None, "{bad}");
        }
    }
}
