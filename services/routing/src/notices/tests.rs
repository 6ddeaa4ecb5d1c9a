#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use prost::{Message as _, bytes::Bytes};
use voordeur_contracts::{
    common::{self, actor::Who},
    convert::to_wire_time,
    event::{
        ClockKind, ClockRang, ContactRecorded, Deadline, EventMeta, Offer, OffersTimedOut, StepTaken,
        TaskAnswered, TaskAssigned, TaskEvent, TaskStanding, TaskState, TaskTrigger, task_event::Change,
        task_trigger::Source,
    },
};
use voordeur_eventlog::{Recorded, Subject};
use voordeur_kernel::{CommandId, CommitId, ProfessionalKey, TaskId, Timestamp};
use voordeur_routing_domain::{
    task::{Actor, Meta},
    words::{NoticeReason, Urgency},
};

use super::{
    board::{Board, Claim, Entry, History},
    codec::{Told, Wire, notice_event, write},
    mail::{Line, compose, screen},
    plan::{Next, Standing, next, pause_s},
};

fn key(name: &str) -> ProfessionalKey {
    ProfessionalKey::parse(name).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn recorded(subject: &str, sequence: u64, data: Vec<u8>) -> Recorded {
    Recorded {
        subject: Subject::parse(subject).unwrap(),
        sequence,
        stored_at: at(0),
        commit: Some(CommitId::from_bytes([9; 16])),
        kind: String::new(),
        data: Bytes::from(data),
        headers: [].into(),
    }
}

/// A board and the stream it reads.
#[derive(Default)]
struct Log {
    board: Board,
    sequence: u64,
}

const NOBODY: &str = "";

impl Log {
    fn task(&mut self, id: u8, by: &str, standing: (TaskState, &str, &[&str]), change: Change) -> Vec<Entry> {
        self.sequence += 1;
        let who = if by.is_empty() {
            Who::Service("routing".into())
        } else {
            Who::Person(common::Person { key: by.into(), role: common::Role::Professional.into() })
        };
        let meta = EventMeta {
            recorded_at: Some(to_wire_time(at(0))),
            actor: Some(common::Actor { who: Some(who) }),
            command_id: vec![1; 16].into(),
            ordinal: 2,
            ..EventMeta::default()
        };
        let (state, holder, offered) = standing;
        let standing = TaskStanding {
            state: state.into(),
            holder: holder.into(),
            coordinator: "dora".into(),
            trigger: Some(TaskTrigger { source: Some(Source::Signal(vec![id; 16].into())) }),
            centre: "wilg".into(),
            offered_to: offered.iter().map(|name| (*name).to_owned()).collect(),
            ..TaskStanding::default()
        };
        let event = TaskEvent { meta: Some(meta), standing: Some(standing), change: Some(change) };
        let subject = format!("voordeur.task.v1.{}", TaskId::from_bytes([id; 16]).to_hex());
        let message = recorded(&subject, self.sequence, event.encode_to_vec());
        self.board.task_event(&message, &event)
    }

    /// It is given to somebody by the coordinator.
    fn assigned(&mut self, id: u8, to: &str) -> Vec<Entry> {
        let change = TaskAssigned { professional: to.into(), reason: 3, ..TaskAssigned::default() };
        self.task(id, "dora", (TaskState::Accepted, to, &[]), Change::Assigned(change))
    }

    fn rang(&mut self, id: u8, holder: &str, told: &[&str]) -> Vec<Entry> {
        let deadline = Deadline { clock: ClockKind::Answer.into(), due: Some(to_wire_time(at(0))), round: 0 };
        let told = told.iter().map(|name| (*name).to_owned()).collect();
        let change = ClockRang { deadline: Some(deadline), told, deadlines: vec![deadline] };
        self.task(id, NOBODY, (TaskState::Accepted, holder, &[]), Change::ClockRang(change))
    }

    fn notice(&mut self, person: &str, change: &Wire) {
        self.sequence += 1;
        let meta = Meta {
            recorded_at: at(0),
            actor: Actor::Service("routing".into()),
            command: CommandId::from_bytes([1; 16]),
            commit: CommitId::from_bytes([9; 16]),
            directory_version: 0,
            ordinal: 1,
        };
        let data = write(&meta, &key(person), change);
        let message = recorded(&format!("voordeur.notice.v1.{person}"), self.sequence, data);
        let (person, read) = notice_event(&message).unwrap().into_parts();
        assert_eq!(read, *change);
        self.board.notice_event(&message, &person, read);
    }

    fn list(&self, person: &str) -> Vec<(u8, NoticeReason, u64, bool)> {
        let entries = self.board.entries(&key(person));
        entries.iter().map(|e| (e.task.as_bytes()[0], e.reason, e.sequence, e.mailed)).collect()
    }

    /// Everything of hers as something that still stands and may be told.
    fn standing(&self, person: &str) -> Vec<Standing> {
        let entries = self.board.entries(&key(person)).into_iter();
        entries.map(|entry| Standing { entry, urgency: Urgency::Regular, allowed: true }).collect()
    }

    fn next(&self, person: &str, seconds: i64) -> Next {
        next(&self.standing(person), &self.board.history(&key(person)), at(seconds), [seconds as u8; 16])
    }

    /// The next step is a claim, and it is stored.
    fn claims(&mut self, person: &str, seconds: i64) -> Claim {
        let Next::Claim(claim) = self.next(person, seconds) else {
            unreachable!("{:?}", self.next(person, seconds))
        };
        self.notice(person, &Wire::Claimed(claim.clone()));
        claim
    }
}

fn places(claim: &Claim) -> Vec<u64> {
    claim.told.iter().map(|told| told.sequence).collect()
}

use NoticeReason::{Reminder, SafetyAgain, Yours};

#[test]
fn a_board_holds_what_somebody_must_act_on_and_nothing_else() {
    let mut log = Log::default();
    log.assigned(1, "anna");
    log.assigned(2, "anna");
    assert_eq!(log.list("anna"), [(1, Yours, 1, false), (2, Yours, 2, false)]);
    assert_eq!(log.list("dora"), [], "who gave it away knows");
    // In other hands.
    log.assigned(1, "bea");
    assert_eq!(log.list("anna"), [(2, Yours, 2, false)]);
    // Told again is told anew, once.
    log.rang(2, "anna", &["anna"]);
    log.rang(2, "anna", &["anna", "dora"]);
    assert_eq!(log.list("anna"), [(2, Yours, 2, false), (2, Reminder, 5, false)]);
    assert_eq!(log.list("dora"), [(2, NoticeReason::Escalated, 5, false)]);
    // Who acts knows of it; the coordinator is still late.
    let contact = ContactRecorded {
        kind: 2,
        with: 2,
        reached: true,
        at: Some(to_wire_time(at(0))),
        ..ContactRecorded::default()
    };
    log.task(2, "anna", (TaskState::InProgress, "anna", &[]), Change::ContactRecorded(contact));
    assert_eq!((log.list("anna").len(), log.list("dora").len()), (0, 1));
    let answered = TaskAnswered { outcome: 1, status: 2, advice: None };
    log.task(2, "anna", (TaskState::Completed, "anna", &[]), Change::Answered(answered));
    assert_eq!((log.board.len(), log.list("dora").len(), log.list("bea").len()), (1, 0, 1));
}

#[test]
fn an_offer_that_ended_is_told_to_nobody() {
    let mut log = Log::default();
    let offers = |names: &[&str]| {
        let offers = names
            .iter()
            .map(|name| Offer { professional: (*name).to_owned(), role: common::Role::Professional.into() });
        let step = StepTaken { offers: offers.collect(), ..StepTaken::default() };
        Change::OffersTimedOut(OffersTimedOut { next_step: Some(step), ..OffersTimedOut::default() })
    };
    log.task(1, NOBODY, (TaskState::Requested, "", &["anna", "bea"]), offers(&["anna", "bea"]));
    assert_eq!((log.list("anna").len(), log.list("bea").len()), (1, 1));
    log.task(1, NOBODY, (TaskState::Requested, "", &["cor"]), offers(&["cor"]));
    assert_eq!((log.list("anna").len(), log.list("bea").len(), log.list("cor").len()), (0, 0, 1));
    // Somebody else took it.
    log.assigned(1, "eva");
    assert_eq!((log.list("cor").len(), log.board.len()), (0, 1));
}

#[test]
fn several_at_one_moment_are_one_mail_and_what_was_told_is_told_once() {
    let mut log = Log::default();
    log.assigned(1, "anna");
    log.assigned(2, "anna");
    assert_eq!(log.next("anna", 1), Next::Rest, "more may come at the same moment");
    let claim = log.claims("anna", 2);
    assert_eq!((places(&claim), claim.up_to, claim.attempt), (vec![1, 2], 2, 0));
    assert_eq!(claim.until, at(62));
    assert_eq!(log.next("anna", 61), Next::Rest, "another replica waits for the end of the claim");
    log.notice("anna", &Wire::Sent { up_to: claim.up_to, notice_id: claim.notice_id });
    assert_eq!(log.next("anna", 1_000), Next::Rest);
    assert!(log.list("anna").iter().all(|(.., mailed)| *mailed));
    // What rings later is told again.
    log.rang(1, "anna", &["anna"]);
    assert_eq!(places(&log.claims("anna", 1_000)), [5]);
}

#[test]
fn a_claim_that_ended_without_a_word_is_told_again_with_the_same_id_as_far_as_it_stands() {
    let mut log = Log::default();
    log.assigned(1, "anna");
    log.assigned(2, "anna");
    let first = log.claims("anna", 2);
    // Its sender died. Meanwhile one of them went to somebody else, and a third came.
    log.assigned(1, "bea");
    log.assigned(3, "anna");
    let second = log.claims("anna", 62);
    assert_eq!((second.notice_id, second.attempt, places(&second)), (first.notice_id, 1, vec![2]));
    assert_eq!(second.up_to, 2);
    log.notice("anna", &Wire::Sent { up_to: second.up_to, notice_id: second.notice_id });
    let third = log.claims("anna", 63);
    assert_eq!(places(&third), [5]);
    assert_ne!(third.notice_id, first.notice_id);
    // Nothing of it stands any more.
    log.assigned(3, "bea");
    log.assigned(2, "bea");
    assert_eq!(log.next("anna", 64), Next::Rest);
    let Next::PassOver { up_to, notice_id } = log.next("anna", 1_000) else { unreachable!() };
    log.notice("anna", &Wire::PassedOver { up_to, notice_id });
    assert_eq!(log.next("anna", 2_000), Next::Rest);
    assert_eq!(log.board.history(&key("anna")).claims, []);
}

#[test]
fn what_failed_is_tried_again_for_ever_after_growing_pauses() {
    let mut log = Log::default();
    log.assigned(1, "anna");
    let mut now = 2;
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let claim = log.claims("anna", now);
        let pause = pause_s(&claim);
        let failed = Wire::Failed {
            notice_id: claim.notice_id,
            reason: "CONNECTION".into(),
            again_at: at(now + pause),
        };
        log.notice("anna", &failed);
        assert_eq!(log.next("anna", now + pause - 1), Next::Rest);
        now += pause;
        pauses.push(pause);
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900, 900]);
}

#[test]
fn safety_waits_for_no_mail_that_is_not_about_it() {
    let mut log = Log::default();
    log.assigned(1, "anna");
    let ordinary = log.claims("anna", 2);
    let failed = Wire::Failed { notice_id: ordinary.notice_id, reason: "REFUSED".into(), again_at: at(900) };
    log.notice("anna", &failed);
    // While that waits for its next attempt a safety signal comes.
    let mut standing = log.standing("anna");
    let entry = Entry {
        task: TaskId::from_bytes([5; 16]),
        reason: SafetyAgain,
        sequence: 9,
        ..standing[0].entry.clone()
    };
    standing.push(Standing { entry, urgency: Urgency::Safety, allowed: true });
    let history = log.board.history(&key("anna"));
    let Next::Claim(safety) = next(&standing, &history, at(3), [7; 16]) else { unreachable!() };
    assert_eq!((places(&safety), safety.notice_id), (vec![9], [7; 16]));
    assert!(safety.up_to < ordinary.told[0].sequence, "what waits is not passed over");
    assert_eq!(pause_s(&Claim { attempt: 9, ..safety.clone() }), 60);
    // It is sent; the other is still tried again.
    let claims = vec![ordinary.clone(), safety];
    assert_eq!(next(&standing, &History { claims, ..history.clone() }, at(3), [8; 16]), Next::Rest);
    standing[1].entry.mailed = true;
    let claims = vec![Claim { until: at(900), ..ordinary }];
    let Next::Claim(again) = next(&standing, &History { claims, ..history }, at(900), [8; 16]) else {
        unreachable!()
    };
    assert_eq!((places(&again), again.attempt), (vec![1], 1));
}

#[test]
fn what_may_not_be_told_now_waits_and_is_not_passed_over_by_what_may() {
    let mut log = Log::default();
    log.assigned(1, "anna");
    log.assigned(2, "anna");
    let mut standing = log.standing("anna");
    standing[0].allowed = false;
    let Next::Claim(claim) = next(&standing, &History::default(), at(5), [7; 16]) else { unreachable!() };
    assert_eq!((places(&claim), claim.up_to), (vec![2], 0));
    log.notice("anna", &Wire::Claimed(claim.clone()));
    log.notice("anna", &Wire::Sent { up_to: claim.up_to, notice_id: claim.notice_id });
    assert_eq!(log.list("anna"), [(1, Yours, 1, false), (2, Yours, 2, true)]);
    // At night a claim whose sender died waits too.
    let ended = History { claims: vec![claim], ..History::default() };
    standing[1].allowed = false;
    assert_eq!(next(&standing, &ended, at(1_000), [7; 16]), Next::Rest);
}

#[test]
fn one_mail_holds_a_bounded_number_of_things_safety_first() {
    let entry = |sequence: u64| Entry {
        to: key("anna"),
        task: TaskId::from_bytes([u8::try_from(sequence % 250).unwrap(); 16]),
        reason: if sequence == 5_300 { SafetyAgain } else { Yours },
        sequence,
        at: at(0),
        mailed: false,
    };
    let standing = |sequence| Standing { entry: entry(sequence), urgency: Urgency::Regular, allowed: true };
    let all: Vec<_> = (1..=5_300).map(standing).collect();
    let Next::Claim(claim) = next(&all, &History::default(), at(5), [7; 16]) else { unreachable!() };
    assert_eq!((claim.told.len(), claim.told[0].sequence, claim.told[1].sequence), (5_000, 5_300, 1));
    let meta = Meta {
        recorded_at: at(0),
        actor: Actor::Service("routing".into()),
        command: CommandId::from_bytes([1; 16]),
        commit: CommitId::from_bytes([9; 16]),
        directory_version: u64::MAX,
        ordinal: u32::MAX,
    };
    let told = claim.told.iter().map(|told| Told { sequence: u64::MAX, ..*told }).collect();
    let largest = write(&meta, &key(&"a".repeat(64)), &Wire::Claimed(Claim { told, ..claim }));
    assert!(largest.len() < voordeur_kernel::limits::EVENT_BYTES_MAX, "{}", largest.len());
}

#[test]
fn every_event_of_these_histories_reads_back_as_it_was_written() {
    let told = NoticeReason::ALL.iter().map(|reason| Told {
        task: TaskId::from_bytes([3; 16]),
        reason: *reason,
        urgency: Urgency::Urgent,
        sequence: 7,
    });
    let claim = Claim { notice_id: [4; 16], told: told.collect(), up_to: 6, until: at(60), attempt: 2 };
    let mut log = Log::default();
    for change in [
        Wire::Claimed(claim),
        Wire::Failed { notice_id: [4; 16], reason: "TLS".into(), again_at: at(90) },
        Wire::Sent { up_to: 6, notice_id: [4; 16] },
        Wire::PassedOver { up_to: 6, notice_id: [4; 16] },
    ] {
        log.notice("anna", &change);
    }
    assert_eq!(log.board.history(&key("anna")), History { version: 4, ordinal: 4, claims: Vec::new() });
}

#[test]
fn a_mail_says_how_many_things_wait_where_and_where_to_look() {
    let line = |reason, urgency, centre| Line { reason, urgency, centre };
    let one = compose(&[line(NoticeReason::Request, Urgency::Urgent, "De Wilg")], "", [1; 16]);
    assert_eq!(one.subject, "Voordeur: er wacht iets op jou");
    assert_eq!(
        one.text,
        "In Voordeur: er wacht iets op jou.\n\n- De Wilg: 1 verzoek: neem jij dit op je? (spoed)\n\n\
         Open je werklijst in Voordeur om te zien waar het om gaat.\n\n\
         In deze e-mail staan geen namen. Je kunt er niet op antwoorden.\n"
    );
    let lines = [
        line(NoticeReason::Request, Urgency::Regular, "De Wilg"),
        line(NoticeReason::Request, Urgency::Urgent, "De Wilg"),
        line(NoticeReason::Safety, Urgency::Safety, "De Els"),
        line(NoticeReason::Yours, Urgency::Consult, "De Els"),
    ];
    let many = compose(&lines, "https://voordeur.example/werklijst", [1; 16]);
    assert_eq!(many.subject, "Voordeur, veiligheid: er wachten 4 dingen op jou");
    assert!(many.urgent && !one.urgent);
    let body: Vec<&str> = many.text.lines().collect();
    assert_eq!(
        body[..9],
        [
            "Het gaat om de veiligheid van een kind. Kijk nu in je werklijst.",
            "Bij direct gevaar: bel 112.",
            "",
            "In Voordeur: er wachten 4 dingen op jou.",
            "",
            "- De Els: 1 vraag of zorg over veiligheid",
            "- De Els: 1 taak die van jou is",
            "- De Wilg: 2 verzoeken: neem jij deze op je? (1 met spoed)",
            "",
        ]
    );
    assert!(body.contains(&"https://voordeur.example/werklijst"));
    for reason in NoticeReason::ALL {
        assert!(!screen(*reason).is_empty() && !screen(*reason).contains("aanbod"));
    }
}
