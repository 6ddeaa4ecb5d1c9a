//! More work on a task that has ended: a new task that names it, made by the person who asks for it.

use voordeur_chassis::Problem;
use voordeur_contracts::routing::RequestFurtherWorkRequest;
use voordeur_eventlog::Deadline;
use voordeur_kernel::{ConcernDomain, ProfessionalKey, TaskId, limits};
use voordeur_routing_domain::{
    task::{Refusal, Task, Wish, further_work},
    words::FurtherWorkReason,
};

use super::{
    request::{Reader, content},
    task_service::{Reply, TaskApi},
    view::{view, visible},
    wire_position,
};
use crate::{
    audit::Activity,
    machine::task_subject,
    making::{Asked, Origin, settled},
    office::{Act, Office},
    problem::refused,
};

const RPC: &str = "RequestFurtherWork";

/// What is asked for.
struct Wanted {
    earlier: TaskId,
    act: Act,
    reason: FurtherWorkReason,
    domains: Vec<ConcernDomain>,
}

impl TaskApi {
    pub(super) async fn further_work(
        &self,
        caller: &ProfessionalKey,
        request: RequestFurtherWorkRequest,
        deadline: Deadline,
    ) -> Result<Reply, Problem> {
        let wanted = read(&self.office, caller, request)?;
        let earlier = wanted.earlier;
        match self.make_further(caller, wanted, deadline).await {
            Ok(reply) => Ok(reply),
            Err(refusal) => Err(self.refused(caller, earlier, RPC, refusal, deadline).await),
        }
    }

    async fn make_further(
        &self,
        caller: &ProfessionalKey,
        wanted: Wanted,
        deadline: Deadline,
    ) -> Result<Reply, Problem> {
        let office = &self.office;
        let Wanted { earlier, act, reason, domains } = wanted;
        let directory = office.directory()?;
        let not_found = || Problem::not_found("task");
        let subject = task_subject(earlier).map_err(|error| Problem::broken(error.to_string()))?;
        let state = office.fold.load(&subject, deadline).await?.ok_or_else(not_found)?.state;
        let before = state.task().filter(|task| visible(&directory, caller, task)).ok_or_else(not_found)?;
        if act.seen_version != 0 && act.seen_version != before.version {
            return Err(refused(&Refusal::VersionChanged { now: before.version }, Some(before)));
        }
        let now = office.clock.now();
        let by = office.by(&directory, caller, before, now);
        let about = further_work(before, &by, reason, &domains, now)
            .map_err(|refusal| refused(&refusal, Some(before)))?;
        let id = office.deriver.task_for_further_work(earlier, act.id);
        let origin = Origin::FurtherWork { earlier, whose: held_by(before) };
        let made = office.make_for(id, &about, origin, Asked { by, act: &act }, deadline).await?;
        let link = office.own_act(&format!("link:{}:{}", earlier.to_hex(), id.to_hex()));
        settled(office.do_own(earlier, &link, Wish::Link(id), deadline).await)?;
        office.link_earlier(id, &about, deadline).await?;
        let task = made.task.task().ok_or_else(|| Problem::broken("a task became something else"))?;
        // A repeated request only shows how the task stands.
        if !made.changed {
            office.record(&directory, Some(caller), task, Activity::look(RPC, true), deadline).await?;
        }
        Ok((view(office, &directory, Some(caller), task, now), wire_position(&made.position)))
    }
}

/// Whose work it was; the coordinator catches, and catching is not knowing.
fn held_by(task: &Task) -> Option<ProfessionalKey> {
    task.holder.clone().filter(|holder| *holder != task.coordinator)
}

fn read(
    office: &Office,
    caller: &ProfessionalKey,
    mut request: RequestFurtherWorkRequest,
) -> Result<Wanted, Problem> {
    let context = request.command.take();
    let covered = content(RPC, &request);
    let mut reader = Reader::default();
    let earlier = reader.task(&request.task_id);
    let act = reader.act(office, caller, context.as_ref(), &covered);
    let reason = reader.word("reason", request.reason);
    let domains = reader.words("domains", &request.domains, limits::DOMAINS_MAX);
    let parts = earlier.zip(act).zip(reason).zip(domains);
    let (((earlier, act), reason), domains) = reader.finish(parts)?;
    Ok(Wanted { earlier, act, reason, domains })
}
