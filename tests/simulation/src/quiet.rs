//! The end of a run: no more troubles, everybody finishes her work, and everything is counted.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};
use voordeur_eventlog::{
    Broker, Deadline, StreamName,
    dead_letters::{DeadLetters, Standing},
    memory::Faults,
    topology::ConsumerName,
};
use voordeur_kernel::SignalId;
use voordeur_system_tests::census;

use crate::{
    audit, people,
    run::{Failure, Run, UNREADABLE},
    world::{Broken, ServiceName},
};

fn soon() -> Deadline {
    Deadline::now() + Duration::from_secs(10)
}

impl Run {
    /// No more troubles; everybody finishes her work; then everything is counted.
    pub(crate) async fn quiet(&mut self) -> Result<(), Box<Failure>> {
        self.tell("quiet");
        self.world.broker.set_available(true);
        self.world.broker.set_faults(Faults::default());
        self.world.lose_calls(0);
        self.world.be_calm();
        self.broker_back = None;
        self.make_room();
        self.reachable = true;
        for slot in self.world.slots().iter_mut() {
            slot.start_at = Instant::now();
            if let Some(process) = &slot.process {
                process.line.spare();
            }
        }
        while let Some(joined) = self.people.join_next().await {
            self.start_processes().await;
            if let Err(error) = joined {
                self.world.break_promise(0, format!("somebody could not go on: {error}"));
            }
        }
        self.settle().await?;
        for _ in 0..2 {
            let hours = i64::try_from(self.dice.between(1, 200)).expect("hours");
            self.world.clock.jump(SignedDuration::from_hours(hours));
            self.tell(format!("{hours} hours pass, and nobody does anything"));
            sleep(Duration::from_secs(15)).await;
            self.look()?;
            self.fail(self.promises.missed(&self.world))?;
        }
        for round in 0..30 {
            let open: Vec<_> = self.promises.open_tasks().cloned().collect();
            if open.is_empty() {
                break;
            }
            if round > 20 {
                self.tell(format!("{} tasks are still open", open.len()));
            }
            for task in open {
                let act = self.act();
                people::finish(&self.world, &mut self.dice, &task, act).await;
            }
            self.settle().await?;
        }
        self.settle().await?;
        if self.watching > 0 {
            // Until the slowest has had its sign of life.
            sleep(Duration::from_secs(60)).await;
            self.look()?;
        }
        let mut broken = self.promises.at_the_end(&self.world);
        broken.extend(self.explained().await);
        broken.extend(self.fresh_replay().await);
        broken.extend(self.census().await);
        broken.extend(self.dead_letters().await);
        self.fail(broken)?;
        self.look()
    }

    /// Waits until nobody has anything left to do.
    async fn settle(&mut self) -> Result<(), Box<Failure>> {
        let end = Instant::now() + Duration::from_secs(600);
        loop {
            sleep(Duration::from_millis(300)).await;
            self.start_processes().await;
            self.look()?;
            let mut waiting = Vec::new();
            for consumer in ConsumerName::ALL {
                let backlog = self.world.broker.wakeups(consumer).backlog(soon()).await.unwrap_or_default();
                if backlog.pending + backlog.unsettled > 0 {
                    waiting.push(format!("{consumer}: {backlog:?}"));
                }
            }
            for service in ServiceName::ALL {
                let end =
                    self.world.broker.log(service.owns()).end(soon()).await.map_or(0, |end| end.sequence);
                for slot in self.world.slots().iter().filter(|slot| slot.service == service) {
                    let position = slot.process.as_ref().and_then(|process| (process.digest)().position);
                    if position.map(|position| position.sequence) != Some(end) {
                        waiting.push(format!("{} has not read up to {end}", slot.name()));
                    }
                }
            }
            if waiting.is_empty() {
                return Ok(());
            }
            if Instant::now() >= end {
                let broken = waiting.into_iter().map(|what| Broken { promise: 10, what }).collect();
                return self.fail(broken);
            }
        }
    }

    /// A process that reads everything from the first message holds what all the others hold.
    async fn fresh_replay(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        for service in ServiceName::ALL {
            let fresh = match self.world.start(service).await {
                Ok(fresh) => fresh,
                Err(error) => {
                    broken
                        .push(Broken { promise: 3, what: format!("no fresh {}: {error}", service.as_str()) });
                    continue;
                }
            };
            let until = Instant::now() + Duration::from_secs(60);
            while !fresh.is_ready() && Instant::now() < until {
                sleep(Duration::from_millis(50)).await;
            }
            let expected = (fresh.digest)();
            for slot in self.world.slots().iter().filter(|slot| slot.service == service) {
                let Some(process) = &slot.process else { continue };
                let theirs = (process.digest)();
                if theirs != expected {
                    let what = format!("{} holds {theirs:?}, a replay {expected:?}", slot.name());
                    broken.push(Broken { promise: 3, what });
                }
            }
            fresh.line.kill();
        }
        broken
    }

    /// Of every task that was ever made it can be told why it went where it went.
    async fn explained(&mut self) -> Vec<Broken> {
        let tasks: Vec<_> = self.promises.tasks.values().cloned().collect();
        let mut broken = Vec::new();
        let directory = self.world.directory_in_force();
        for task in tasks {
            // Who catches an ended task may have left since; nobody asks in her name.
            let there =
                |known: &voordeur_directory::Directory| known.person(task.coordinator.as_str()).is_some();
            if !directory.as_deref().is_none_or(there) {
                continue;
            }
            let what = match audit::explain(&self.world, &mut self.dice, &task).await {
                Some(Ok(answer))
                    if answer.plan.is_some() && answer.sight.is_some() && !answer.timeline.is_empty() =>
                {
                    self.done.explained += 1;
                    continue;
                }
                Some(Ok(_)) => "explained without its plan, its sight or its events".to_owned(),
                Some(Err(no)) => format!("not explained: {no:?}"),
                None => "not explained in time".to_owned(),
            };
            broken.push(Broken { promise: 2, what: format!("{}: {what}", task.id) });
        }
        broken
    }

    /// The count of the tests with real processes, on this log.
    async fn census(&self) -> Vec<Broken> {
        if !self.promises.planted.is_empty() {
            // It reads every message, also those that cannot be read.
            return Vec::new();
        }
        let broker: Arc<dyn Broker> = Arc::new(self.world.broker.clone());
        let acknowledged: BTreeSet<SignalId> = self.world.ledger().acknowledged.keys().copied().collect();
        let census = census::count(&broker).await;
        let mut broken = census.broken_promises(&acknowledged, self.world.now());
        let made_up_for = |what: &str| self.promises.careless && what.ends_with("messages were parked");
        broken.retain(|what| !made_up_for(what) && !self.promises.keeps_what_it_heard(what));
        broken.into_iter().map(|what| Broken { promise: 1, what: format!("census: {what}") }).collect()
    }

    /// What was parked is there whole, and can be tried again; still unreadable, it is parked again.
    async fn dead_letters(&mut self) -> Vec<Broken> {
        if self.promises.planted.is_empty() && !self.promises.careless {
            return Vec::new();
        }
        let log = self.world.broker.log(StreamName::DeadLetters);
        let letters = DeadLetters::new(log, Arc::new(self.world.clock.clone()));
        let mut broken = Vec::new();
        let listed = letters.list(true).await.unwrap_or_default();
        for letter in &listed {
            if &*letter.message.data != UNREADABLE && !self.promises.careless {
                broken.push(Broken { promise: 10, what: format!("{} is not whole", letter.subject) });
            }
            if let Err(error) = letters.request_replay(&letter.subject, soon()).await {
                broken.push(Broken { promise: 10, what: format!("{}: {error}", letter.subject) });
            }
        }
        let until = Instant::now() + Duration::from_secs(120);
        for letter in &listed {
            // What was parked by mistake is handled when it is tried again.
            let good = &*letter.message.data != UNREADABLE;
            loop {
                let now = letters.get(&letter.subject, soon()).await;
                match now {
                    Ok(now) if good && now.standing == Standing::Handled => break,
                    Ok(now) if good && now.standing == Standing::Parked && now.replays > letter.replays => {
                        let what = format!("{} was good, and parked again: {:?}", letter.subject, now.cause);
                        broken.push(Broken { promise: 10, what });
                        break;
                    }
                    Ok(now) if now.standing == Standing::Parked && now.replays == letter.replays + 1 => break,
                    _ if Instant::now() < until => sleep(Duration::from_millis(200)).await,
                    now => {
                        let what = format!("{} was not tried again: {now:?}", letter.subject);
                        broken.push(Broken { promise: 10, what });
                        break;
                    }
                }
            }
        }
        broken
    }
}
