//! A small world: one centre, four professionals, a coordinator, and a task whose history is kept.

use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, ConcernDomain, EpisodeId, OrganisationKey, ProfessionalKey,
    SafetyLevel, SignalId, TaskId, Timestamp,
};
use voordeur_routing_domain::{
    Calendar, ElapsedCalendar,
    ladder::Ladder,
    plan::{Attendance, Plan, Seen, Sight, plan},
    task::{
        About, Actor, By, Change, Command, Meta, Refusal, Request, Task, There, Trigger, Wish, decide,
        evolve, invariants,
    },
    words::{AskedBy, SubjectKind, Urgency},
};

pub(crate) fn key(text: &str) -> ProfessionalKey {
    ProfessionalKey::parse(text).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) const START: &str = "2026-03-02T09:00:00Z";
pub(crate) const COORDINATOR: &str = "coordinator";
pub(crate) const TASK: TaskId = TaskId::from_bytes([7; 16]);

pub(crate) fn seen(name: &str) -> Seen {
    Seen {
        professional: key(name),
        expertise: Vec::new(),
        attendance: Attendance::Present,
        there_from: Some(at(START)),
        registered: true,
        open_tasks: 0,
        weekly_minutes: 0,
        capacity: 0,
        too_close: false,
        stand_in: None,
        neighbour: None,
    }
}

/// These people are there; nobody knows the child.
pub(crate) fn sight(names: &[&str]) -> Sight {
    Sight {
        at: at(START),
        known: None,
        coordinator: key(COORDINATOR),
        coordinator_absent: false,
        people: names.iter().map(|name| seen(name)).collect(),
    }
}

fn knowing(sight: &Sight, known: Option<&str>) -> Sight {
    Sight { known: known.map(key), ..sight.clone() }
}

pub(crate) fn about(urgency: Urgency) -> About {
    About {
        trigger: Trigger::Signal(SignalId::from_bytes([1; 16])),
        organisation: Some(OrganisationKey::parse("de-wilg").unwrap()),
        centre: CentreKey::parse("kc-wilg").unwrap(),
        child: Some(ChildAlias::from_bytes([3; 16])),
        group: None,
        subject: SubjectKind::Child,
        domains: [ConcernDomain::Sociaal].into(),
        severity: 3,
        safety: if urgency == Urgency::Safety { SafetyLevel::Acute } else { SafetyLevel::None },
        urgency,
        answer_wanted: true,
        asked_by: Some(AskedBy::Staff),
        received_at: at(START),
        name_may_be_shared: true,
    }
}

/// A follow-up check: nobody asked, nobody waits for an answer.
pub(crate) fn follow_up() -> About {
    About {
        trigger: Trigger::EpisodeCheck { episode: EpisodeId::from_bytes([4; 16]), day: 90, asked_before: 0 },
        organisation: None,
        domains: Box::default(),
        severity: 0,
        answer_wanted: false,
        asked_by: None,
        name_may_be_shared: false,
        ..about(Urgency::Regular)
    }
}

pub(crate) fn follow_up_plan(sight: &Sight, known: Option<&str>) -> Plan {
    plan(&Ladder::follow_up(), &[], at(START), &knowing(sight, known), &ElapsedCalendar)
}

pub(crate) fn plan_for(urgency: Urgency, sight: &Sight, known: Option<&str>) -> Plan {
    let domains = [ConcernDomain::Sociaal];
    plan(&Ladder::built_in(urgency), &domains, at(START), &knowing(sight, known), &ElapsedCalendar)
}

/// One task with its whole history.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) there: There,
    pub(crate) calendar: Box<dyn Calendar>,
    pub(crate) task: Option<Task>,
    pub(crate) history: Vec<(Meta, Change)>,
    acts: u32,
}

impl World {
    /// A world without a task, with these people present.
    pub(crate) fn with(present: &[&str]) -> Self {
        let there = There {
            present: present.iter().map(|p| key(p)).collect(),
            around: Vec::new(),
            coordinator: key(COORDINATOR),
            coordinator_absent: false,
            coordinators: vec![key(COORDINATOR)],
            coordinators_absent: Vec::new(),
            directory_version: 1,
        };
        Self {
            now: at(START),
            there,
            calendar: Box::new(ElapsedCalendar),
            task: None,
            history: Vec::new(),
            acts: 0,
        }
    }

    /// A world in which the task was just made.
    pub(crate) fn asked(urgency: Urgency, present: &[&str]) -> Self {
        let mut world = Self::with(present);
        world.request(urgency, plan_for(urgency, &sight(present), None)).unwrap();
        world
    }

    pub(crate) fn request(&mut self, urgency: Urgency, plan: Plan) -> Result<bool, Refusal> {
        self.request_for(about(urgency), plan)
    }

    pub(crate) fn request_for(&mut self, about: About, plan: Plan) -> Result<bool, Refusal> {
        let request = Request { id: TASK, about, plan, sight: None, linked: Vec::new() };
        let command = self.command(By::Service, Wish::Request(Box::new(request)));
        self.execute(&command)
    }

    pub(crate) fn task(&self) -> &Task {
        self.task.as_ref().unwrap()
    }

    pub(crate) fn command(&mut self, by: By, wish: Wish) -> Command {
        self.acts += 1;
        let [a, b, c, d] = self.acts.to_be_bytes();
        let id = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, a, b, c, d];
        Command {
            id: CommandId::from_bytes(id),
            commit: CommitId::from_bytes(id),
            by,
            seen_version: 0,
            now: self.now,
            there: self.there.clone(),
            wish,
        }
    }

    /// Decides and takes in; `true` when something happened. Promises are checked after every step.
    pub(crate) fn execute(&mut self, command: &Command) -> Result<bool, Refusal> {
        let Some(change) = decide(self.task.as_ref(), command, self.calendar.as_ref())? else {
            return Ok(false);
        };
        let actor = match &command.by {
            By::Service => Actor::Service("routing".to_owned()),
            By::Person { key, .. } => {
                Actor::Person(key.clone(), command.by.role(self.task.as_ref(), change.kind()).unwrap())
            }
        };
        let meta = Meta {
            recorded_at: command.now,
            actor,
            command: command.id,
            commit: command.commit,
            directory_version: command.there.directory_version,
            ordinal: u32::try_from(self.history.len()).unwrap() + 1,
        };
        let task = evolve(self.task.take(), TASK, &meta, &change).unwrap();
        self.history.push((meta, change));
        assert_eq!(invariants(&task), [], "after {:?}: {task:#?}", self.history.last());
        self.task = Some(task);
        Ok(true)
    }

    pub(crate) fn does(&mut self, name: &str, wish: Wish) -> Result<bool, Refusal> {
        let by = By::Person {
            key: key(name),
            professional: name != COORDINATOR,
            coordinator: name == COORDINATOR,
        };
        let command = self.command(by, wish);
        self.execute(&command)
    }

    pub(crate) fn service(&mut self, wish: Wish) -> Result<bool, Refusal> {
        let command = self.command(By::Service, wish);
        self.execute(&command)
    }

    /// The centre gets another coordinator, by a newer directory.
    pub(crate) fn new_coordinator(&mut self, name: &str) {
        self.there.coordinator = key(name);
        self.there.coordinators = vec![key(name)];
        self.there.directory_version += 1;
    }

    /// Moves to the next deadline and lets it pass.
    pub(crate) fn next_deadline(&mut self) -> &Change {
        let deadline = *self.task().due().first().unwrap();
        self.now = self.now.max(deadline.due);
        assert_eq!(self.service(Wish::DeadlinePassed(deadline)), Ok(true), "{deadline:?}");
        &self.history.last().unwrap().1
    }

    pub(crate) fn offered(&self) -> Vec<&str> {
        self.task().offers.iter().map(|o| o.professional.as_str()).collect()
    }

    pub(crate) fn holder(&self) -> Option<&str> {
        self.task().holder.as_ref().map(ProfessionalKey::as_str)
    }

    pub(crate) fn replay(&self) -> Option<Task> {
        let fold = |task, (meta, change): &(Meta, Change)| Some(evolve(task, TASK, meta, change).unwrap());
        self.history.iter().fold(None, fold)
    }
}
