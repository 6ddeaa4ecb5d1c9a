//! Mail that tells people to act, handed to a real server of mail; and the watch of notices.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use prost::Message as _;
use voordeur_contracts::{
    common::SafetyLevel,
    event::{NoticeEvent, notice_event::Change},
    routing::{AcceptTaskRequest, MarkAbsentRequest},
};
use voordeur_eventlog::StreamName;
use voordeur_kernel::Clock as _;
use voordeur_routing::{
    Settings,
    notices::smtp::{Smtp, SmtpSettings, Tls},
};
use voordeur_testkit::{Behaviour, Received, SmtpServer, eventually};

use crate::support::{COORDINATOR, Replica, SOON, World, command, directory, of};

const NIGHT: &str = r#", quiet_from = "18:00", quiet_until = "08:00""#;

/// A directory in which these people are told by mail.
fn told(present: &[&str], notify: &[(&str, &str)]) -> String {
    notify.iter().fold(directory(present), |text, (person, more)| {
        let number = person.bytes().fold(0_u32, |sum, byte| sum * 31 % 9973 + u32::from(byte));
        let place = format!("[person.{person}]\n");
        let with = format!("{place}notify = {{ email = \"m{number}@example.nl\"{more} }}\n");
        text.replacen(&place, &with, 1)
    })
}

fn address(person: &str) -> String {
    let text = told(&[], &[(person, "")]);
    let start = text.find("email = \"").unwrap() + 9;
    text[start..].split('"').next().unwrap().to_owned()
}

pub(crate) async fn world(present: &[&str], notify: &[(&str, &str)]) -> World {
    let world = World::with(present).await;
    world.apply(&told(present, notify), 1).await;
    world
}

fn smtp(server: &SmtpServer, tls: Tls, credentials: Option<(&str, &str)>) -> Smtp {
    Smtp::new(settings(server, tls, credentials)).unwrap()
}

pub(crate) fn settings(server: &SmtpServer, tls: Tls, credentials: Option<(&str, &str)>) -> SmtpSettings {
    SmtpSettings {
        server: "127.0.0.1".into(),
        port: server.port(),
        tls,
        from: "voordeur@example.nl".into(),
        credentials: credentials.map(|(user, password)| (user.to_owned(), password.to_owned())),
        authorities: None,
        timeout: Duration::from_secs(2),
    }
}

pub(crate) async fn start_with(world: &World, smtp: Smtp) -> Replica {
    let settings = Settings {
        notifier: Some(Arc::new(smtp)),
        worklist: "https://voordeur.example/werklijst".into(),
        ..Settings::new(world.deriver.clone())
    };
    world.start_with(settings).await
}

async fn start(world: &World, server: &SmtpServer) -> Replica {
    start_with(world, smtp(server, Tls::None, None)).await
}

pub(crate) fn seconds(world: &World, seconds: i64) {
    world.clock.advance(SignedDuration::from_secs(seconds));
}

/// Waits until so many mails were taken.
pub(crate) async fn taken(server: &SmtpServer, count: usize) -> Vec<Received> {
    eventually(&format!("{count} mails"), SOON, || async {
        let mails = server.received();
        if mails.len() >= count { Ok(mails) } else { Err(format!("{} so far", mails.len())) }
    })
    .await
}

/// What is on record of telling somebody.
fn record(world: &World, person: &str) -> Vec<&'static str> {
    let subject = format!("voordeur.notice.v1.{person}");
    let messages = world.broker.messages(StreamName::Tasks).into_iter();
    messages
        .filter(|message| message.subject.as_str() == subject)
        .map(|message| match NoticeEvent::decode(&*message.data).unwrap().change.unwrap() {
            Change::Claimed(_) => "claimed",
            Change::Sent(_) => "sent",
            Change::Failed(_) => "failed",
            Change::PassedOver(_) => "passed_over",
        })
        .collect()
}

pub(crate) async fn recorded(world: &World, person: &str, wanted: &[&str]) {
    eventually(&format!("{wanted:?} of {person}"), SOON, || async {
        let record = record(world, person);
        if record == wanted { Ok(()) } else { Err(format!("{record:?}")) }
    })
    .await;
}

fn to(mails: &[Received], person: &str) -> usize {
    mails.iter().filter(|mail| mail.header("X-Envelope-To") == address(person)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_things_at_one_moment_are_one_mail_that_names_nobody() {
    let server = SmtpServer::start().await;
    let world = world(&["anna", "bea"], &[("anna", "")]).await;
    let replica = start(&world, &server).await;
    let mut ids = Vec::new();
    for signal in 1..=3 {
        ids.push(replica.signal(signal).await.task_id);
    }
    let urgent = world.signal_with(4, |signal| signal.urgent = true).await;
    replica.task(COORDINATOR, &urgent).await;
    seconds(&world, 3);
    let mails = taken(&server, 1).await;
    recorded(&world, "anna", &["claimed", "sent"]).await;
    let mail = &mails[0];
    assert_eq!(mail.header("Subject"), "Voordeur: er wachten 4 dingen op jou");
    assert!(mail.text.contains("- wilg: 4 verzoeken: neem jij deze op je? (1 met spoed)\n"), "{}", mail.text);
    assert!(mail.text.contains("https://voordeur.example/werklijst\n"), "{}", mail.text);
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("To"), address("anna"));
    assert!(mail.header("From").ends_with("<voordeur@example.nl>"));
    assert!(mail.header("Message-ID").ends_with("@example.nl>"), "{}", mail.raw);

    // Nobody's name, no number, nothing of what the signals say.
    let whole = format!("{}\n{}", mail.raw, mail.text).to_lowercase();
    let names =
        ["anna", "bea", "cor@", " cor ", COORDINATOR, "eva", "fien", "groep", "school", "hulp", "sociaal"];
    let numbers = ids.iter().map(|id| id.trim_start_matches("tsk_").to_owned());
    let numbers = numbers.chain((1..=4_u8).map(|id| format!("{id:02x}").repeat(16)));
    for word in names.iter().map(|name| (*name).to_owned()).chain(numbers) {
        assert!(!whole.contains(&word.to_lowercase()), "{word}: {whole}");
    }
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_tell_it_once() {
    let server = SmtpServer::start().await;
    let world = world(&["anna", "bea"], &[("anna", ""), ("bea", "")]).await;
    let (one, two) = (start(&world, &server).await, start(&world, &server).await);
    for signal in 1..=5 {
        one.signal(signal).await;
        seconds(&world, 3);
        let mails = taken(&server, usize::from(signal) * 2).await;
        let expected: Vec<_> = ["claimed", "sent"].repeat(usize::from(signal));
        recorded(&world, "anna", &expected).await;
        recorded(&world, "bea", &expected).await;
        assert_eq!((to(&mails, "anna"), to(&mails, "bea")), (usize::from(signal), usize::from(signal)));
    }
    // Neither does one that starts later.
    let three = start(&world, &server).await;
    seconds(&world, 120);
    one.signal(6).await;
    seconds(&world, 3);
    taken(&server, 12).await;
    recorded(&world, "anna", &["claimed", "sent"].repeat(6)).await;
    recorded(&world, "bea", &["claimed", "sent"].repeat(6)).await;
    assert_eq!(server.received().len(), 12);
    let ids: std::collections::BTreeSet<_> =
        server.received().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 12);
    for replica in [one, two, three] {
        replica.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_night_only_safety_is_told_and_what_was_taken_meanwhile_is_told_to_nobody() {
    let server = SmtpServer::start().await;
    let all = [("anna", NIGHT), ("bea", NIGHT), (COORDINATOR, NIGHT)];
    let world = world(&["anna", "bea"], &all).await;
    let replica = start(&world, &server).await;
    // 21:00 in Amsterdam.
    world.pass(11);
    let (first, _second) = (replica.signal(1).await.task_id, replica.signal(2).await.task_id);
    seconds(&world, 3);
    // A safety signal shows that the night was looked at.
    world.signal_with(3, |signal| signal.safety = SafetyLevel::Acute.into()).await;
    let mails = taken(&server, 3).await;
    assert_eq!((to(&mails, "anna"), to(&mails, "bea"), to(&mails, COORDINATOR)), (1, 1, 1));
    for mail in &mails {
        assert_eq!(mail.header("Subject"), "Voordeur, veiligheid: er wacht iets op jou");
        assert!(mail.text.contains("Bij direct gevaar: bel 112."), "{}", mail.text);
        assert_eq!(mail.header("Importance"), "high");
    }
    for person in ["anna", "bea", COORDINATOR] {
        recorded(&world, person, &["claimed", "sent"]).await;
    }
    for task in [first, world.task_of(3)] {
        let accept = AcceptTaskRequest { task_id: task.clone(), command: command(&task[4..20]) };
        replica.api.clone().accept_task(of("anna", accept)).await.unwrap();
    }
    // 09:00: only what still stands.
    world.pass(12);
    recorded(&world, "bea", &["claimed", "sent", "claimed", "sent"]).await;
    let mails = server.received();
    let hers: Vec<_> = mails.iter().filter(|m| m.header("X-Envelope-To") == address("bea")).collect();
    assert_eq!(hers[1].header("Subject"), "Voordeur: er wacht iets op jou");
    assert!(hers[1].text.contains("1 verzoek: neem jij dit op je?"), "{}", hers[1].text);
    assert_eq!(hers.len(), 2);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_absent_is_told_nothing_until_she_is_back() {
    let server = SmtpServer::start().await;
    let world = world(&["anna"], &[(COORDINATOR, ""), ("anna", r#", kinds = ["reminders"]"#)]).await;
    let replica = start(&world, &server).await;
    let until = world.clock.now().saturating_add(SignedDuration::from_hours(4)).unwrap();
    for person in ["anna", COORDINATOR] {
        let absent = MarkAbsentRequest {
            command: command("away-away"),
            professional: person.into(),
            until: Some(voordeur_contracts::convert::to_wire_time(until)),
            stand_in: String::new(),
            from: None,
        };
        replica.presence.clone().mark_absent(of(person, absent)).await.unwrap();
    }
    world.signal_with(1, |signal| signal.safety = SafetyLevel::Acute.into()).await;
    replica.task(COORDINATOR, &world.task_of(1)).await;
    seconds(&world, 3);
    assert_eq!(server.received(), []);
    world.pass(5);
    // Safety is told whatever she prefers to hear about.
    let mails = taken(&server, 2).await;
    assert_eq!((to(&mails, "anna") > 0, to(&mails, COORDINATOR) > 0), (true, true));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_or_refuses_is_tried_again_until_it_takes_the_mail_over_restarts_of_ours() {
    let server = SmtpServer::start().await;
    let world = world(&["anna", "bea"], &[("anna", "")]).await;
    server.stop().await;
    let replica = start(&world, &server).await;
    replica.signal(1).await;
    seconds(&world, 3);
    recorded(&world, "anna", &["claimed", "failed"]).await;
    replica.stop().await;

    // It refuses, in words that must not get anywhere.
    server.restart().await;
    server.behave(Behaviour::Refuse);
    let replica = start(&world, &server).await;
    seconds(&world, 29);
    replica.signal(2).await;
    assert_eq!(record(&world, "anna"), ["claimed", "failed"], "not before the pause is over");
    seconds(&world, 1);
    recorded(&world, "anna", &["claimed", "failed", "claimed", "failed"]).await;
    server.behave(Behaviour::RefuseForNow);
    seconds(&world, 60);
    recorded(&world, "anna", &["claimed", "failed"].repeat(3)).await;
    server.behave(Behaviour::Accept);
    seconds(&world, 120);
    // What was claimed first, and what came meanwhile.
    let mails = taken(&server, 2).await;
    recorded(
        &world,
        "anna",
        &[&["claimed", "failed"].repeat(3)[..], &["claimed", "sent"].repeat(2)[..]].concat(),
    )
    .await;
    assert!(mails.iter().all(|mail| mail.header("Subject") == "Voordeur: er wacht iets op jou"));
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    let mut reasons = Vec::new();
    for message in world.broker.messages(StreamName::Tasks) {
        if message.subject.prefix() == "voordeur.notice.v1" {
            let text = String::from_utf8_lossy(&message.data).to_lowercase();
            assert!(
                !text.contains("noor") && !text.contains("greylisted") && !text.contains("example"),
                "{text}"
            );
            if let Some(Change::Failed(failed)) = NoticeEvent::decode(&*message.data).unwrap().change {
                reasons.push(failed.reason);
            }
        }
    }
    assert_eq!(reasons, ["CONNECTION", "REFUSED", "REFUSED_FOR_NOW"]);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_before_it_recorded_doubles_the_mail_with_the_same_message_id_and_never_more() {
    let server = SmtpServer::start().await;
    let world = world(&["anna", "bea"], &[("anna", "")]).await;
    // It takes the mail and never says so; then our process is gone.
    server.behave(Behaviour::Hang);
    let replica = start(&world, &server).await;
    replica.signal(1).await;
    seconds(&world, 3);
    taken(&server, 1).await;
    assert_eq!(record(&world, "anna"), ["claimed"]);
    replica.stop().await;
    assert_eq!(record(&world, "anna"), ["claimed"]);

    server.behave(Behaviour::Accept);
    let replica = start(&world, &server).await;
    replica.signal(2).await;
    seconds(&world, 55);
    assert_eq!(server.received().len(), 1, "not before the claim has ended");
    seconds(&world, 10);
    let mails = taken(&server, 3).await;
    recorded(&world, "anna", &["claimed", "claimed", "sent", "claimed", "sent"]).await;
    let ids: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
    assert_eq!(mails.len(), 3);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_or_breaks_off_is_given_up_and_tried_again_with_the_same_message_id() {
    let server = SmtpServer::start().await;
    let world = world(&["anna", "bea"], &[("anna", "")]).await;
    let replica = start(&world, &server).await;
    server.behave(Behaviour::Hang);
    replica.signal(1).await;
    seconds(&world, 3);
    recorded(&world, "anna", &["claimed", "failed"]).await;
    server.behave(Behaviour::Drop);
    seconds(&world, 30);
    recorded(&world, "anna", &["claimed", "failed"].repeat(2)).await;
    server.behave(Behaviour::Accept);
    seconds(&world, 60);
    let mails = taken(&server, 3).await;
    let ids: std::collections::BTreeSet<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 1);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_while_the_server_is_away_is_passed_over() {
    let server = SmtpServer::start().await;
    let world = world(&["anna", "bea"], &[("bea", "")]).await;
    server.behave(Behaviour::RefuseForNow);
    let replica = start(&world, &server).await;
    let task = replica.signal(1).await.task_id;
    seconds(&world, 3);
    recorded(&world, "bea", &["claimed", "failed"]).await;
    let accept = AcceptTaskRequest { task_id: task, command: command("anna-accepts") };
    replica.api.clone().accept_task(of("anna", accept)).await.unwrap();
    server.behave(Behaviour::Accept);
    seconds(&world, 60);
    recorded(&world, "bea", &["claimed", "failed", "passed_over"]).await;
    assert_eq!(server.received(), []);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_password_gets_it_and_one_that_cannot_keep_a_secret_gets_no_mail() {
    let server = SmtpServer::start_with(Some("geheim")).await;
    let world = world(&["anna", "bea"], &[("anna", "")]).await;
    let wrong = start_with(&world, smtp(&server, Tls::None, Some(("voordeur", "mis")))).await;
    wrong.signal(1).await;
    seconds(&world, 3);
    recorded(&world, "anna", &["claimed", "failed"]).await;
    wrong.stop().await;
    let secret = start_with(&world, smtp(&server, Tls::StartTls, Some(("voordeur", "geheim")))).await;
    seconds(&world, 30);
    recorded(&world, "anna", &["claimed", "failed"].repeat(2)).await;
    assert_eq!(server.received(), []);
    secret.stop().await;
    let right = start_with(&world, smtp(&server, Tls::None, Some(("voordeur", "geheim")))).await;
    seconds(&world, 60);
    taken(&server, 1).await;
    right.stop().await;
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let settings = |from: &str, server: &str| SmtpSettings {
        server: server.into(),
        port: 25,
        tls: Tls::Tls,
        from: from.into(),
        credentials: None,
        authorities: None,
        timeout: Duration::from_secs(1),
    };
    assert!(Smtp::new(settings("nobody", "mail.example.nl")).is_err());
    assert!(Smtp::new(settings("voordeur@example.nl", "mail.example.nl")).is_ok());
}
