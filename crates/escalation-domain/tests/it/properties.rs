//! Any histories of tasks, delivered in any order, any number of times, to any number of replicas that decide one after the other.

use proptest::prelude::*;
use voordeur_escalation_domain::{Command, Picture};

use crate::{History, at, command, completed, reached, take};

/// What happened to one task of the child: when its signal came, who was reached when, when it was completed.
#[derive(Debug, Clone)]
struct TaskHistory {
    number: u8,
    came: i64,
    contacts: Vec<i64>,
    completed: Option<i64>,
}

impl TaskHistory {
    /// What a handler gives after reading the task's history up to some event: everything it says, every time.
    fn commands(&self, read: usize, now: i64) -> Vec<Command> {
        let mut commands = vec![command(take(1, self.number), self.came, now)];
        let mut contacts: Vec<_> = self.contacts.iter().take(read).copied().collect();
        contacts.sort_unstable();
        commands.extend(contacts.first().map(|at| command(reached(self.number), *at, now)));
        if read > self.contacts.len() {
            commands.extend(self.completed.map(|at| command(completed(self.number), at, now)));
        }
        commands
    }
}

fn histories() -> impl Strategy<Value = Vec<TaskHistory>> {
    let one = (0_i64..20, prop::collection::vec(20_i64..40, 0..4), prop::option::of(40_i64..60));
    prop::collection::vec(one, 1..5).prop_map(|tasks| {
        let number = |index| u8::try_from(index).unwrap() + 1;
        let tasks = tasks.into_iter().enumerate();
        tasks
            .map(|(index, (came, contacts, completed))| TaskHistory {
                number: number(index),
                came,
                contacts,
                completed,
            })
            .collect()
    })
}

/// Deliveries: which task, and how far its history had been written when the handler read it.
fn deliveries() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0_usize..5, 0_usize..6), 0..20)
}

/// Runs the deliveries, then one of every whole history: what was not delivered yet will be.
fn run(tasks: &[TaskHistory], deliveries: &[(usize, usize)], last: &[usize]) -> History {
    let mut history = History::default();
    let mut now = 100;
    let whole = last.iter().map(|index| (*index, usize::MAX));
    for (index, read) in deliveries.iter().copied().chain(whole) {
        for mut command in tasks[index % tasks.len()].commands(read, now) {
            now += 1;
            command.now = at(now);
            history.give(&command).expect("what tasks tell is never refused");
        }
    }
    history
}

/// The picture without the moments at which things became known: those depend on the order of course.
fn happened(picture: &Picture) -> impl PartialEq + std::fmt::Debug + use<> {
    let tasks: Vec<_> = picture
        .tasks
        .iter()
        .map(|t| {
            let completed = t.completed.map(|c| (c.at.effective, c.outcome));
            (t.task, t.signal, t.safety, t.severity, t.joined.effective, completed)
        })
        .collect();
    (
        picture.opened.map(|m| m.effective),
        tasks,
        picture.first_contact.map(|c| (c.at.effective, c.task)),
        picture.baseline.clone().map(|b| b.judgement),
        picture.ended,
    )
}

proptest! {
    #[test]
    fn any_order_of_deliveries_gives_the_same_episode(
        tasks in histories(),
        one in deliveries(),
        other in deliveries(),
        order in Just((0_usize..5).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let last: Vec<_> = order.iter().copied().filter(|i| *i < tasks.len()).collect();
        let straight: Vec<_> = (0..tasks.len()).collect();
        let a = run(&tasks, &one, &straight);
        let b = run(&tasks, &other, &last);
        let (a, b) = (a.episode.unwrap(), b.episode.unwrap());
        prop_assert_eq!(happened(&a.picture()), happened(&b.picture()));
    }

    #[test]
    fn any_command_twice_is_once(tasks in histories(), deliveries in deliveries()) {
        let straight: Vec<_> = (0..tasks.len()).collect();
        let mut history = run(&tasks, &deliveries, &straight);
        let before = history.clone();
        for task in &tasks {
            for read in 0..6 {
                for command in task.commands(read, 1_000) {
                    // A contact that a later one made superfluous may be told again as well: it stays unrecorded.
                    let changed = history.give(&command).unwrap();
                    prop_assert!(!changed, "{:?}", command.action);
                }
            }
        }
        prop_assert_eq!(history.episode, before.episode);
    }

    #[test]
    fn replay_is_live_and_invariants_hold_after_every_event(tasks in histories(), deliveries in deliveries()) {
        let straight: Vec<_> = (0..tasks.len()).collect();
        let history = run(&tasks, &deliveries, &straight);
        prop_assert_eq!(history.replayed(), history.episode.clone());
        let mut growing = History::default();
        for (event, commit) in &history.events {
            growing.events.push((event.clone(), *commit));
            let episode = growing.replayed().unwrap();
            let picture = episode.picture();
            prop_assert_eq!(episode.events() as usize, growing.events.len());
            prop_assert_eq!(event.meta.ordinal, episode.events());
            prop_assert!(episode.is_open(), "nothing that a task does ends an episode");
            prop_assert_eq!(episode.made_by_people(), 0);
            let mut seen: Vec<_> = picture.tasks.iter().map(|t| t.task).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), picture.tasks.len(), "a task is in an episode once");
            prop_assert_eq!(picture.opened, picture.tasks.iter().map(|t| t.joined).min_by_key(|m| m.effective));
            prop_assert!(picture.tasks.windows(2).all(|p| p[0].joined.effective <= p[1].joined.effective));
            if let Some(contact) = picture.first_contact {
                prop_assert!(episode.has_task(contact.task));
            }
        }
    }

    #[test]
    fn what_was_known_on_a_day_is_what_the_episode_was_on_that_day(
        tasks in histories(),
        deliveries in deliveries(),
        cut in 0_usize..30,
    ) {
        let straight: Vec<_> = (0..tasks.len()).collect();
        let history = run(&tasks, &deliveries, &straight);
        let cut = cut.min(history.events.len() - 1);
        let then = History { episode: None, events: history.events[..=cut].to_vec() }.replayed().unwrap();
        let known_on = history.events[cut].0.meta.recorded_at;
        prop_assert_eq!(history.episode.unwrap().picture_as_known(known_on), then.picture());
    }
}
