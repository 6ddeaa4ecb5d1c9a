//! Work on the floor: examples, and properties over any history of a centre.

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use proptest::prelude::*;
use voordeur_escalation_domain::{
    Actor,
    activity::{
        Action, ActivityKind, Change, Command, Event, Floor, Funding, LookBackResult, Noted, Refusal, decide,
        evolve,
    },
};
use voordeur_kernel::{
    ActivityId, CommandId, CommitId, ConcernDomain, GroupKey, ProfessionalKey, Role, Timestamp,
};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn noon(day: Date) -> Timestamp {
    day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn activity(number: u16) -> ActivityId {
    ActivityId::from_bytes(u128::from(number).to_be_bytes())
}

fn noted(minutes: u16) -> Noted {
    Noted {
        kind: ActivityKind::Meekijken,
        group: Some(GroupKey::parse("vossen").unwrap()),
        minutes,
        funding: Funding::Beschikkingsvrij,
        themes: vec![ConcernDomain::Gedrag],
        agreed_step: None,
        look_back_on: None,
    }
}

/// A centre with its history.
#[derive(Default)]
struct Centre {
    floor: Option<Floor>,
    history: Vec<(Event, CommitId)>,
    acts: u16,
}

impl Centre {
    fn command(&mut self, today: Date, action: Action) -> Command {
        self.acts += 1;
        let id = u128::from(self.acts) << 64;
        Command {
            id: CommandId::from_bytes(id.to_be_bytes()),
            commit: CommitId::from_bytes((id + 1).to_be_bytes()),
            actor: Actor::Person(ProfessionalKey::parse("noor").unwrap(), Role::Professional),
            now: noon(today),
            today,
            directory_version: 1,
            action,
        }
    }

    fn execute(&mut self, command: &Command) -> Result<bool, Refusal> {
        let Some(event) = decide(self.floor.as_ref(), command)? else { return Ok(false) };
        self.floor = Some(evolve(self.floor.take(), &event, command.commit).unwrap());
        self.history.push((event, command.commit));
        Ok(true)
    }

    fn does(&mut self, today: Date, action: Action) -> Result<bool, Refusal> {
        let command = self.command(today, action);
        self.execute(&command)
    }

    fn note(&mut self, today: Date, number: u16, noted: Noted) -> Result<bool, Refusal> {
        self.does(today, Action::Note { activity: activity(number), on: None, noted })
    }

    fn floor(&self) -> &Floor {
        self.floor.as_ref().unwrap()
    }

    fn total(&self, from: &str, until: &str) -> (u32, u64) {
        let total = self.floor().picture(day(from), day(until), None).unwrap().total();
        (total.activities, total.minutes_of(Funding::Beschikkingsvrij))
    }
}

#[test]
fn a_kind_and_minutes_are_enough_and_the_picture_shows_them() {
    let mut centre = Centre::default();
    let today = day("2026-11-23");
    let plain = Noted { group: None, themes: Vec::new(), ..noted(30) };
    assert_eq!(centre.note(today, 1, plain), Ok(true));
    assert_eq!(centre.note(today, 2, noted(45)), Ok(true));
    let onderwijs = Noted { funding: Funding::Onderwijs, ..noted(60) };
    assert_eq!(centre.note(today, 3, onderwijs), Ok(true));
    assert_eq!(centre.total("2026-01-01", "2026-12-31"), (3, 75));
    assert_eq!(centre.total("2026-11-24", "2026-12-31"), (0, 0));
    let vossen = GroupKey::parse("vossen").unwrap();
    let picture = centre.floor().picture(today, today, Some(&vossen)).unwrap();
    let tally = &picture.groups[&Some(vossen)];
    assert_eq!((picture.groups.len(), tally.activities, tally.themes[&ConcernDomain::Gedrag]), (1, 2, 2));
}

#[test]
fn days_that_cannot_be_are_refused_together() {
    let mut centre = Centre::default();
    let today = day("2026-11-23");
    let later = Noted { look_back_on: Some(day("2026-11-22")), ..noted(10) };
    let note = |on: &str, noted: &Noted| Action::Note {
        activity: activity(1),
        on: Some(day(on)),
        noted: noted.clone(),
    };
    let Err(Refusal::Days(faults)) = centre.does(today, note("2026-11-24", &later)) else { panic!() };
    let fields: Vec<_> = faults.as_slice().iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["on", "activity.look_back_on"]);
    for on in ["2025-11-21", "2026-11-24"] {
        assert!(matches!(centre.does(today, note(on, &noted(10))), Err(Refusal::Days(_))), "{on}");
    }
    let far = Noted { look_back_on: Some(day("2027-11-25")), ..noted(10) };
    assert!(matches!(centre.does(today, note("2026-11-23", &far)), Err(Refusal::Days(_))));
    assert_eq!(centre.floor, None, "a refused act changes nothing");
    let at_once = Noted { look_back_on: Some(today), ..noted(10) };
    assert_eq!(centre.does(today, note("2025-11-22", &at_once)), Ok(true));
}

#[test]
fn a_look_back_is_asked_for_once_and_its_result_counts() {
    let mut centre = Centre::default();
    let (today, due) = (day("2026-11-23"), day("2027-01-04"));
    centre.note(today, 1, Noted { look_back_on: Some(due), ..noted(30) }).unwrap();
    assert_eq!(centre.floor().waiting().collect::<Vec<_>>(), [(due, activity(1))]);
    let passed = || Action::LookBackPassed { activity: activity(1) };
    assert_eq!(centre.does(due.yesterday().unwrap(), passed()), Ok(false), "not yet");
    assert_eq!(centre.does(due, passed()), Ok(true));
    let Change::LookBackDue { noted_by, .. } = &centre.history.last().unwrap().0.change else { panic!() };
    assert_eq!(noted_by.as_ref().map(|key| key.as_str()), Some("noor"));
    assert_eq!(centre.does(due, passed()), Ok(false), "another replica was first");
    assert_eq!(centre.floor().waiting().count(), 0);
    let open = |centre: &Centre| {
        let total = centre.floor().picture(today, due, None).unwrap().total();
        (total.look_backs_open, total.look_backs.into_iter().collect::<Vec<_>>())
    };
    assert_eq!(open(&centre), (1, vec![]));
    let back = |result| Action::LookBack { activity: activity(1), result };
    assert_eq!(centre.does(due, back(LookBackResult::Partly)), Ok(true));
    assert_eq!(centre.does(due, back(LookBackResult::Works)), Ok(true), "how it stands now");
    assert_eq!(open(&centre), (0, vec![(LookBackResult::Works, 1)]));
}

#[test]
fn a_correction_says_it_anew_and_what_is_void_counts_no_more() {
    let mut centre = Centre::default();
    let today = day("2026-11-23");
    let with = |look_back_on| Noted { look_back_on, ..noted(30) };
    centre.note(today, 1, with(Some(day("2026-12-01")))).unwrap();
    let correct = |number, instead| Action::Correct { activity: activity(number), instead };
    assert_eq!(
        centre.does(today, correct(1, Some(Noted { minutes: 40, ..with(Some(day("2026-12-02"))) }))),
        Ok(true)
    );
    assert_eq!(centre.total("2026-11-23", "2026-11-23"), (1, 40));
    assert_eq!(centre.floor().waiting().next(), Some((day("2026-12-02"), activity(1))));
    let due = day("2026-12-02");
    centre.does(due, Action::LookBackPassed { activity: activity(1) }).unwrap();
    assert_eq!(centre.does(due, correct(1, Some(with(None)))), Err(Refusal::LookBackAsked));
    assert_eq!(centre.does(due, correct(1, Some(with(Some(due))))), Ok(true));
    assert_eq!(centre.does(due, correct(1, None)), Ok(true));
    assert_eq!(centre.total("2026-01-01", "2026-12-31"), (0, 0));
    assert_eq!(centre.does(due, correct(1, None)), Err(Refusal::Voided));
    assert_eq!(centre.does(due, correct(9, None)), Err(Refusal::NotThere));
}

#[test]
fn a_repeated_act_changes_nothing_and_its_key_is_for_nothing_else() {
    let mut centre = Centre::default();
    let today = day("2026-11-23");
    let note = Action::Note { activity: activity(1), on: None, noted: noted(30) };
    let command = centre.command(today, note);
    assert_eq!(centre.execute(&command), Ok(true));
    // The day after, too.
    let again = Command { today: day("2026-11-24"), now: noon(day("2026-11-24")), ..command.clone() };
    assert_eq!(centre.execute(&again), Ok(false));
    let other = Command { commit: CommitId::from_bytes([9; 16]), ..command };
    assert_eq!(centre.execute(&other), Err(Refusal::OtherContent));
}

#[test]
fn what_is_long_ago_is_only_counted_and_an_open_look_back_stays() {
    let mut centre = Centre::default();
    let start = day("2026-12-30");
    centre.note(start, 1, noted(30)).unwrap();
    centre.note(start, 2, Noted { look_back_on: Some(day("2027-06-01")), ..noted(20) }).unwrap();
    centre.does(day("2027-06-01"), Action::LookBackPassed { activity: activity(2) }).unwrap();
    assert_eq!(centre.floor().activities().count(), 2);
    centre.note(day("2029-01-02"), 3, noted(10)).unwrap();
    let kept: Vec<_> = centre.floor().activities().map(|activity| activity.id).collect();
    assert_eq!(kept, [activity(3), activity(2)]);
    assert_eq!(centre.total("2026-01-01", "2029-12-31"), (3, 60));
    assert!(centre.floor().picture(day("2026-12-15"), day("2026-12-31"), None).is_err(), "whole months only");
    assert_eq!(centre.total("2026-12-01", "2026-12-31"), (2, 50));
    let back = Action::LookBack { activity: activity(2), result: LookBackResult::NotTried };
    assert_eq!(centre.does(day("2029-01-03"), back), Ok(true));
    let correct = Action::Correct { activity: activity(1), instead: None };
    assert_eq!(centre.does(day("2029-01-03"), correct), Err(Refusal::NotThere));
}

#[test]
fn two_hundred_activities_a_month_for_ten_years_stay_small() {
    let mut centre = Centre::default();
    let mut today = day("2026-01-01");
    let mut number = 0;
    while today.year() < 2036 {
        for _ in 0..2 {
            number += 1;
            centre.note(today, number, noted(15)).unwrap();
        }
        today = today.checked_add(3.days()).unwrap();
    }
    let kept = centre.floor().activities().count();
    assert!(kept <= 3 * 366 * 2 / 3 + 3, "{kept} of {number} stand one by one");
    let (activities, _) = centre.total("2026-01-01", "2035-12-31");
    assert_eq!(activities, u32::from(number));
}

/// What may happen next.
#[derive(Debug, Clone)]
enum Op {
    Note { minutes: u16, group: bool, back: Option<u8>, theme: usize },
    Correct { which: usize, minutes: Option<u16>, back: Option<u8> },
    Pass(usize),
    Back(usize, usize),
    Wait(u16),
    Repeat(usize),
}

fn any_op() -> impl Strategy<Value = Op> {
    let back = || prop::option::of(any::<u8>());
    prop_oneof![
        4 => (1..=1_440_u16, any::<bool>(), back(), 0..13_usize)
            .prop_map(|(minutes, group, back, theme)| Op::Note { minutes, group, back, theme }),
        2 => (any::<usize>(), prop::option::of(1..=1_440_u16), back())
            .prop_map(|(which, minutes, back)| Op::Correct { which, minutes, back }),
        2 => any::<usize>().prop_map(Op::Pass),
        2 => (any::<usize>(), 0..4_usize).prop_map(|(which, result)| Op::Back(which, result)),
        2 => (1..200_u16).prop_map(Op::Wait),
        1 => any::<usize>().prop_map(Op::Repeat),
    ]
}

fn live(ops: Vec<Op>) -> (Centre, Date) {
    let mut centre = Centre::default();
    let mut today = day("2026-03-02");
    let mut commands: Vec<Command> = Vec::new();
    let mut notes = 0_u16;
    for op in ops {
        let ahead = |back: Option<u8>| back.map(|days| today.checked_add(i32::from(days).days()).unwrap());
        let which = |which: usize| activity(u16::try_from(which % (usize::from(notes) + 1)).unwrap());
        let action = match op {
            Op::Wait(days) => {
                today = today.checked_add(i32::from(days).days()).unwrap();
                continue;
            }
            Op::Repeat(which) => {
                if let Some(command) = commands.get(which % commands.len().max(1)).cloned() {
                    let command = Command { today, now: noon(today), ..command };
                    let before = centre.floor.clone();
                    // Acts on what is only counted by now are forgotten; everything else is known.
                    if let Ok(changed) = centre.execute(&command) {
                        assert!(!changed);
                    }
                    assert_eq!(centre.floor, before);
                }
                continue;
            }
            Op::Note { minutes, group, back, theme } => {
                notes += 1;
                let group = group.then(|| GroupKey::parse("egels").unwrap());
                let themes = vec![ConcernDomain::ALL[theme]];
                let noted = Noted { group, themes, look_back_on: ahead(back), ..noted(minutes) };
                Action::Note { activity: activity(notes), on: Some(today), noted }
            }
            Op::Correct { which: of, minutes, back } => Action::Correct {
                activity: which(of),
                instead: minutes.map(|minutes| Noted { look_back_on: ahead(back), ..noted(minutes) }),
            },
            Op::Pass(of) => Action::LookBackPassed { activity: which(of) },
            Op::Back(of, result) => {
                Action::LookBack { activity: which(of), result: LookBackResult::ALL[result] }
            }
        };
        let command = centre.command(today, action);
        let before = centre.floor.clone();
        match centre.execute(&command) {
            Ok(true) => commands.push(command),
            Ok(false) | Err(_) => assert_eq!(centre.floor, before, "nothing changes without an event"),
        }
    }
    (centre, today)
}

proptest! {
    #[test]
    fn every_history_replays_to_the_same_floor(ops in prop::collection::vec(any_op(), 0..60)) {
        let (centre, _) = live(ops);
        let replayed = centre
            .history
            .iter()
            .fold(None, |floor, (event, commit)| Some(evolve(floor, event, *commit).unwrap()));
        prop_assert_eq!(replayed, centre.floor);
    }

    #[test]
    fn a_picture_counts_everything_that_counts_however_long_ago(ops in prop::collection::vec(any_op(), 0..60)) {
        let (centre, today) = live(ops);
        // Straight from the history, without what the floor keeps.
        let mut standing = std::collections::BTreeMap::new();
        for (event, _) in &centre.history {
            match &event.change {
                Change::Noted { activity, noted } => drop(standing.insert(*activity, u64::from(noted.minutes))),
                Change::Corrected { activity, instead: Some(noted) } => {
                    standing.insert(*activity, u64::from(noted.minutes));
                }
                Change::Corrected { activity, instead: None } => drop(standing.remove(activity)),
                Change::LookBackDue { .. } | Change::LookedBack { .. } => {}
            }
        }
        let Some(floor) = &centre.floor else { return Ok(()) };
        let picture = floor.picture(day("2026-01-01"), today.last_of_year(), None).unwrap();
        let total = picture.total();
        prop_assert_eq!(total.activities as usize, standing.len());
        prop_assert_eq!(total.minutes_of(Funding::Beschikkingsvrij), standing.values().sum::<u64>());
    }

    #[test]
    fn every_look_back_that_waits_is_asked_for_once_when_its_day_has_come(ops in prop::collection::vec(any_op(), 0..60)) {
        let (mut centre, today) = live(ops);
        let end = today.checked_add(400.days()).unwrap();
        let waiting: Vec<_> = centre.floor.iter().flat_map(Floor::waiting).map(|(_, id)| id).collect();
        for id in &waiting {
            prop_assert_eq!(centre.does(end, Action::LookBackPassed { activity: *id }), Ok(true));
            prop_assert_eq!(centre.does(end, Action::LookBackPassed { activity: *id }), Ok(false));
        }
        prop_assert_eq!(centre.floor.iter().flat_map(Floor::waiting).count(), 0);
    }
}
