//! Look-backs whose day came: each gets its event once, whichever replica is first.

use tonic::async_trait;
use voordeur_chassis::Problem;
use voordeur_escalation_domain::{Actor, activity::Action};
use voordeur_eventlog::Deadline;
use voordeur_kernel::{ActivityId, CentreKey, Timestamp};

use super::{Act, FloorOffice, day_of, start_of};
use crate::{clock::Deadlines, codec::SERVICE};

#[async_trait]
impl Deadlines for FloorOffice {
    type Due = (CentreKey, ActivityId);

    const KIND: &'static str = "look_back";

    async fn ready(&self) {
        self.fold.ready().await;
    }

    fn due(&self, now: Timestamp, most: usize) -> Vec<(Timestamp, Self::Due)> {
        self.fold.read(|index, _| {
            index
                .due(day_of(now))
                .take(most)
                .map(|(day, centre, activity)| (start_of(*day).unwrap_or(now), (centre.clone(), *activity)))
                .collect()
        })
    }

    async fn fire(
        &self,
        (centre, activity): Self::Due,
        _: Timestamp,
        deadline: Deadline,
    ) -> Result<bool, Problem> {
        // Once for an activity, so the activity alone says which act it is; every replica makes the same.
        let id = self.deriver.command_id("service:escalation", &format!("look-back:{}", activity.to_hex()));
        let act = Act {
            id,
            commit: self.deriver.commit_id(id, centre.as_str().as_bytes()),
            actor: Actor::Service(SERVICE.to_owned()),
            action: Action::LookBackPassed { activity },
        };
        Ok(self.act(&centre, act, 0, deadline).await?.changed)
    }
}
