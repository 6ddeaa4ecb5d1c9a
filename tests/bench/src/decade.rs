//! An invented decade of a country: the episodes of its children as the events that escalation would have stored. The same seed gives the same
//! decade. How often something happens is invented too: enough of everything, so that a report has work with it.

use prost::bytes::Bytes;
use voordeur_contracts::{
    common::{Actor, ConcernDomain, Person, Role, SafetyLevel, actor::Who},
    event::{
        Baseline, BaselineAssessed, BaselineParticipant, CareEndReason, CareEnded, CareStarted, ChildLeft,
        DomainStatus, EpisodeCloseReason, EpisodeClosed, EpisodeEvent, EpisodeOpened, EpisodeTaskCompleted,
        EventMeta, FirstContactMade, FollowUpChecked, FollowUpSource, Funding, FurtherHelp, GoalScore,
        GoalScored, GoalSet, ImminentMark, JeugdhulpDestination, LeavingDestination, NeedStatus,
        OnderwijsDestination, OutcomeInformant, ReferralDecided, ReferralDecision, ReferralDestination,
        ReferralRequested, ReferralReviewed, ReviewVerdict, SignalJoined, SpecialistConsulted, SupportGiven,
        SupportKind, TaskOutcome, Toelaatbaarheid, VeiligThuisReported, Verwijzer, episode_event::Change,
        referral_destination::To,
    },
};

use crate::{
    country,
    history::{derived, hex},
};

/// Kinds of ids of this decade; the copies of the other benches have lower ones.
const CHILD: u8 = 200;
const EPISODE: u8 = 201;
const SIGNAL: u8 = 202;
const TASK: u8 = 203;
/// Command ids and commit ids: the event's place in its history is added to the number.
const COMMAND: u8 = 204;
const COMMIT: u8 = 205;
const PLACE: u8 = 206;
const GROUP_SIGNAL: u8 = 207;
/// More events than any episode has.
const EVENTS_MAX: usize = 64;
const DAY_S: i64 = 86_400;
/// 2016-01-01, in days since 1970-01-01.
const FIRST_DAY: i64 = 16_801;
/// Days of ten years, without the one in which the last episodes still run.
const DAYS: u64 = 3_287;

/// Dice that fall the same for the same number: SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64, number: usize) -> Self {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        Self(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 up to, not including, `end`.
    fn below(&mut self, end: u64) -> i64 {
        i64::try_from(self.next() % end).unwrap_or(0)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// One episode.
pub(crate) struct Story {
    /// Its history.
    pub(crate) subject: String,
    /// Its events, oldest first, each with the id of its commit.
    pub(crate) events: Vec<(String, EpisodeEvent)>,
    /// Its signals: id, child, day, severity.
    pub(crate) signals: Vec<StorySignal>,
}

/// A signal of an episode.
pub(crate) struct StorySignal {
    pub(crate) id: [u8; 16],
    /// None: it is about a group.
    pub(crate) child: Option<[u8; 16]>,
    pub(crate) at: prost_types::Timestamp,
    pub(crate) severity: u32,
    pub(crate) centre: usize,
}

/// A moment of a day: noon, so that it is the same day in Amsterdam all year.
fn noon(day: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: day * DAY_S + DAY_S / 2, nanos: 0 }
}

/// A day as it is written in events.
fn civil(day: i64) -> String {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day)).to_string()
}

/// What happened, before it is put in order. A goal and a referral go by the place where they were told until their commit is known.
struct Telling {
    number: usize,
    centre: usize,
    told: Vec<(i64, Change)>,
}

impl Telling {
    /// Something happened, and became known that day.
    fn add(&mut self, day: i64, change: Change) {
        self.told.push((day, change));
    }

    /// By what the next thing is known until its commit is.
    fn place(&self) -> Bytes {
        bytes(derived(PLACE, self.number * EVENTS_MAX + self.told.len()))
    }

    /// In the order in which it became known.
    fn events(mut self) -> Vec<(String, EpisodeEvent)> {
        self.told.sort_by_key(|(day, _)| *day);
        let commit = |index: usize| derived(COMMIT, self.number * EVENTS_MAX + index);
        let made: Vec<(Bytes, Bytes)> = self
            .told
            .iter()
            .enumerate()
            .filter_map(|(index, (_, change))| match change {
                Change::GoalSet(set) => Some((set.goal.clone(), bytes(commit(index)))),
                Change::ReferralRequested(asked) => Some((asked.referral.clone(), bytes(commit(index)))),
                _ => None,
            })
            .collect();
        let known = |place: &mut Bytes| {
            if let Some((_, id)) = made.iter().find(|(at, _)| at == place) {
                *place = id.clone();
            }
        };
        let professional = format!("noor{}", country::digits(self.centre));
        let mut events = Vec::with_capacity(self.told.len());
        for (index, (day, change)) in self.told.iter().enumerate() {
            let mut change = change.clone();
            match &mut change {
                Change::GoalSet(GoalSet { goal, .. }) | Change::GoalScored(GoalScored { goal, .. }) => {
                    known(goal);
                }
                Change::ReferralRequested(ReferralRequested { referral, .. })
                | Change::ReferralDecided(ReferralDecided { referral, .. })
                | Change::ReferralReviewed(ReferralReviewed { referral, .. })
                | Change::CareStarted(CareStarted { referral, .. })
                | Change::CareEnded(CareEnded { referral, .. }) => known(referral),
                _ => {}
            }
            let of_tasks = matches!(
                change,
                Change::Opened(_)
                    | Change::SignalJoined(_)
                    | Change::FirstContact(_)
                    | Change::TaskCompleted(_)
            );
            let who = if of_tasks {
                Who::Service("escalation".to_owned())
            } else {
                Who::Person(Person { key: professional.clone(), role: Role::Professional.into() })
            };
            let meta = EventMeta {
                recorded_at: Some(noon(*day)),
                actor: Some(Actor { who: Some(who) }),
                command_id: bytes(derived(COMMAND, self.number * EVENTS_MAX + index)),
                directory_version: 1,
                ordinal: u32::try_from(index + 1).unwrap_or(u32::MAX),
            };
            let event = EpisodeEvent {
                meta: Some(meta),
                effective_at: Some(noon(*day)),
                deadlines: None,
                change: Some(change),
            };
            events.push((hex(commit(index)), event));
        }
        events
    }
}

fn bytes(id: [u8; 16]) -> Bytes {
    Bytes::copy_from_slice(&id)
}

/// How an episode goes on after its judgement.
struct Course {
    baseline: Baseline,
    /// Days after the judgement.
    referred: Option<i64>,
    left: Option<i64>,
}

fn course(dice: &mut Dice) -> Course {
    let (baseline, risk) = match dice.below(100) {
        0..45 => (Baseline::None, 6),
        45..80 => (Baseline::Possible, 22),
        _ => (Baseline::Imminent, 38),
    };
    let referred = dice.chance(risk).then(|| dice.below(365));
    let left = dice.chance(6).then(|| dice.below(365));
    Course { baseline, referred, left }
}

fn destination(dice: &mut Dice) -> ReferralDestination {
    let to = if dice.chance(70) {
        To::Jeugdhulp(JeugdhulpDestination {
            hulpvorm: 2,
            productcategorie: 54,
            crisis: dice.chance(4),
            court: false,
        })
    } else {
        To::Onderwijs(OnderwijsDestination { toelaatbaarheid: Toelaatbaarheid::Sbo.into() })
    };
    ReferralDestination { to: Some(to) }
}

/// A signal without a child.
pub(crate) fn about_a_group(seed: u64, number: usize, centres: usize) -> StorySignal {
    let mut dice = Dice::of(seed ^ 1, number);
    StorySignal {
        id: derived(GROUP_SIGNAL, number),
        child: None,
        at: noon(FIRST_DAY + dice.below(DAYS)),
        severity: u32::try_from(1 + dice.below(5)).unwrap_or(1),
        centre: number % centres,
    }
}

/// One episode of the decade. `open`: nobody closed it.
pub(crate) fn story(seed: u64, number: usize, centres: usize, open: bool) -> Story {
    let mut dice = Dice::of(seed, number);
    let centre = number % centres;
    let mut telling = Telling { number, centre, told: Vec::with_capacity(16) };
    let (child, task) = (derived(CHILD, number), derived(TASK, number * 2));
    let first = FIRST_DAY + dice.below(DAYS);
    let severity = u32::try_from(1 + dice.below(5)).unwrap_or(1);
    let signal = derived(SIGNAL, number * 2);
    let mut signals = vec![StorySignal { id: signal, child: Some(child), at: noon(first), severity, centre }];
    telling.add(
        first,
        Change::Opened(EpisodeOpened {
            child: bytes(child),
            child_ordinal: 1,
            centre: country::centre_key(centre),
            signal: bytes(signal),
            task: bytes(task),
            safety: SafetyLevel::None.into(),
            severity,
        }),
    );
    let contact = first + dice.below(9);
    telling.add(contact, Change::FirstContact(FirstContactMade { task: bytes(task), ..Default::default() }));
    let judged = contact + dice.below(10);
    if dice.chance(92) {
        follow(&mut telling, &mut dice, judged);
    }
    telling.add(
        judged + 3,
        Change::TaskCompleted(EpisodeTaskCompleted {
            task: bytes(task),
            outcome: TaskOutcome::SupportOnTheFloor.into(),
            ..Default::default()
        }),
    );
    if dice.chance(12) {
        let (signal, task) = (derived(SIGNAL, number * 2 + 1), derived(TASK, number * 2 + 1));
        let at = judged + 20 + dice.below(200);
        signals.push(StorySignal { id: signal, child: Some(child), at: noon(at), severity, centre });
        telling.add(
            at,
            Change::SignalJoined(SignalJoined {
                signal: bytes(signal),
                task: bytes(task),
                safety: SafetyLevel::None.into(),
                severity,
                centre: country::centre_key(centre),
            }),
        );
    }
    if !open {
        // When nothing more is expected of it.
        let last = telling.told.iter().map(|(day, _)| *day).max().unwrap_or(judged);
        telling.add(last.max(judged + 390) + 10, Change::Closed(closing(&mut dice)));
    }
    Story {
        subject: format!("voordeur.episode.v1.{}", hex(derived(EPISODE, number))),
        events: telling.events(),
        signals,
    }
}

fn closing(dice: &mut Dice) -> EpisodeClosed {
    let asked = dice.chance(70);
    EpisodeClosed {
        reason: EpisodeCloseReason::WorkDone.into(),
        end: CareEndReason::VolgensPlan.into(),
        usefulness: asked.then(|| u32::try_from(4 + dice.below(7)).unwrap_or(7)),
        informant: if asked { OutcomeInformant::Parent.into() } else { 0 },
        further_help: FurtherHelp::None.into(),
        certainty_now: Some(u32::try_from(4 + dice.below(7)).unwrap_or(7)),
        certainty_then: Some(u32::try_from(2 + dice.below(6)).unwrap_or(4)),
    }
}

/// What happens from the judgement on.
fn follow(telling: &mut Telling, dice: &mut Dice, judged: i64) {
    let Course { baseline, referred, left } = course(dice);
    let risk = u32::try_from(dice.below(101)).unwrap_or(0);
    telling.add(
        judged,
        Change::BaselineAssessed(BaselineAssessed {
            baseline: baseline.into(),
            probability_percent: risk,
            took_part: vec![BaselineParticipant::Parent.into(), BaselineParticipant::Staff.into()],
            marks: if baseline == Baseline::Imminent {
                vec![ImminentMark::PlaceAtStake.into()]
            } else {
                vec![]
            },
            second_judgement: false,
            follow_up_plan_version: 1,
        }),
    );
    for _ in 0..dice.below(5) {
        let day = judged + dice.below(120);
        telling.add(
            day,
            Change::SupportGiven(SupportGiven {
                kind: SupportKind::OnTheFloor.into(),
                minutes: u32::try_from(15 + dice.below(75)).unwrap_or(30),
                funding: Funding::Beschikkingsvrij.into(),
            }),
        );
    }
    if dice.chance(25) {
        let minutes = u32::try_from(10 + dice.below(50)).unwrap_or(30);
        let consulted = SpecialistConsulted { minutes, funding: Funding::Beschikkingsvrij.into() };
        telling.add(judged + 10, Change::SpecialistConsulted(consulted));
    }
    if dice.chance(25) {
        let goal = telling.place();
        let set = GoalSet {
            goal: goal.clone(),
            domain: ConcernDomain::Gedrag.into(),
            with_parents: true,
            text: None,
        };
        telling.add(judged + 5, Change::GoalSet(set));
        let score = if dice.chance(70) { GoalScore::PartlyReached } else { GoalScore::NotReached };
        let scored = GoalScored { goal, score: score.into(), with_parents: true };
        telling.add(judged + 150, Change::GoalScored(scored));
    }
    if let Some(after) = referred {
        referral(telling, dice, judged + after);
    }
    if dice.chance(3) {
        telling.add(judged + dice.below(365), Change::VeiligThuisReported(VeiligThuisReported {}));
    }
    if let Some(after) = left {
        let left = ChildLeft { destination: LeavingDestination::Regular.into() };
        telling.add(judged + after, Change::ChildLeft(left));
    } else if baseline != Baseline::None {
        for day in [90, 180, 365] {
            if dice.chance(85) {
                check(telling, dice, judged + day, referred.is_some_and(|after| after <= day));
            }
        }
    }
}

fn check(telling: &mut Telling, dice: &mut Dice, on: i64, referred: bool) {
    let status = if referred { DomainStatus::Unknown } else { DomainStatus::None };
    let need = if dice.chance(85) { NeedStatus::Ok } else { NeedStatus::Concern };
    telling.add(
        on,
        Change::FollowUpChecked(FollowUpChecked {
            covers_until: civil(on),
            jeugdhulp: status.into(),
            onderwijs: status.into(),
            need: need.into(),
            source: FollowUpSource::ParentsAndStaff.into(),
            day: 0,
        }),
    );
}

fn referral(telling: &mut Telling, dice: &mut Dice, on: i64) {
    let referral = telling.place();
    let destination = destination(dice);
    telling.add(
        on,
        Change::ReferralRequested(ReferralRequested {
            referral: referral.clone(),
            destination: Some(destination),
            verwijzer: Verwijzer::Gemeente.into(),
        }),
    );
    let granted = dice.chance(90);
    let decision = if granted { ReferralDecision::Granted } else { ReferralDecision::Refused };
    let decided = ReferralDecided { referral: referral.clone(), decision: decision.into() };
    telling.add(on + 20, Change::ReferralDecided(decided));
    if !granted {
        return;
    }
    telling.add(
        on + 60,
        Change::CareStarted(CareStarted {
            referral: referral.clone(),
            destination: Some(destination),
            verwijzer: Verwijzer::Gemeente.into(),
        }),
    );
    if dice.chance(30) {
        let verdict = if dice.chance(70) { ReviewVerdict::Needed } else { ReviewVerdict::Avoidable };
        for (reviewer, of_receiving_provider) in [("sam", false), ("behandelaar", true)] {
            let reviewer = format!("{reviewer}{}", country::digits(telling.centre));
            let reviewed = ReferralReviewed {
                referral: referral.clone(),
                reviewer,
                verdict: verdict.into(),
                of_receiving_provider,
            };
            telling.add(on + 160, Change::ReferralReviewed(reviewed));
        }
    }
    if dice.chance(60) {
        let ended = CareEnded { referral, reason: CareEndReason::VolgensPlan.into() };
        telling.add(on + 250, Change::CareEnded(ended));
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_episode_and_another_seed_another_one() {
        let told = |seed| {
            let story = story(seed, 7, 50, false);
            story.events.iter().map(|(_, event)| event.encode_to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(told(1), told(1));
        assert_ne!(told(1), told(2));
    }

    #[test]
    fn days_are_written_as_in_the_calendar() {
        assert_eq!([civil(0), civil(FIRST_DAY), civil(19_782)], ["1970-01-01", "2016-01-01", "2024-02-29"]);
    }

    #[test]
    fn a_decade_has_six_to_nine_events_for_each_episode_and_every_kind_of_course() {
        let stories: Vec<Story> = (0..2_000).map(|number| story(3, number, 50, false)).collect();
        let events: usize = stories.iter().map(|story| story.events.len()).sum();
        assert!((6 * 2_000..12 * 2_000).contains(&events), "{events}");
        assert!(stories.iter().all(|story| story.events.len() <= EVENTS_MAX));
        let has = |wanted: fn(&Change) -> bool| {
            stories.iter().flat_map(|s| &s.events).filter_map(|(_, e)| e.change.as_ref()).any(wanted)
        };
        assert!(has(|change| matches!(change, Change::ReferralReviewed(_))));
        assert!(has(|change| matches!(change, Change::VeiligThuisReported(_))));
        assert!(has(|change| matches!(change, Change::ChildLeft(_))));
        assert!(has(|change| matches!(change, Change::SignalJoined(_))));
    }
}
