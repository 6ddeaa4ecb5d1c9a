//! Mail over a secure connection: to a server whose authority is trusted, and to nobody else.

use prost::Message as _;
use voordeur_contracts::event::{NoticeEvent, notice_event::Change};
use voordeur_eventlog::StreamName;
use voordeur_routing::notices::smtp::{Smtp, SmtpSettings, Tls, read_authorities};
use voordeur_testkit::{Secure, SmtpServer};

use crate::{
    notices::{recorded, seconds, settings, start_with, taken, world},
    support::World,
};

/// What was recorded as the reason of every mail that was not sent.
fn failures(world: &World) -> Vec<String> {
    let messages = world.broker.messages(StreamName::Tasks).into_iter();
    let notices = messages.filter(|message| message.subject.prefix() == "voordeur.notice.v1");
    let changes = notices.filter_map(|message| NoticeEvent::decode(&*message.data).unwrap().change);
    changes
        .filter_map(|change| match change {
            Change::Failed(failed) => Some(failed.reason),
            _ => None,
        })
        .collect()
}

async fn is_refused_until_its_authority_is_trusted(secure: Secure, tls: Tls) {
    let server = SmtpServer::start_secure(secure).await;
    let world = world(&["anna", "bea"], &[("anna", "")]).await;
    let untrusted = start_with(&world, Smtp::new(settings(&server, tls, None)).unwrap()).await;
    untrusted.signal(1).await;
    seconds(&world, 3);
    recorded(&world, "anna", &["claimed", "failed"]).await;
    assert_eq!(server.received(), []);
    untrusted.stop().await;

    // The right authority, and a name that the certificate does not have.
    let authorities = Some(read_authorities(&server.authority()).unwrap());
    let trusting = SmtpSettings { authorities, ..settings(&server, tls, None) };
    let other = SmtpSettings { server: "localhost".into(), ..trusting.clone() };
    let other = start_with(&world, Smtp::new(other).unwrap()).await;
    seconds(&world, 30);
    recorded(&world, "anna", &["claimed", "failed"].repeat(2)).await;
    assert_eq!(server.received(), []);
    other.stop().await;
    assert_eq!(failures(&world), ["CERTIFICATE", "CERTIFICATE"]);

    let trusted = start_with(&world, Smtp::new(trusting).unwrap()).await;
    seconds(&world, 60);
    let mails = taken(&server, 1).await;
    recorded(&world, "anna", &["claimed", "failed", "claimed", "failed", "claimed", "sent"]).await;
    assert_eq!(mails[0].header("Subject"), "Voordeur: er wacht iets op jou");
    assert_eq!(mails.len(), 1);
    trusted.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_changes_over_is_refused_until_its_authority_is_trusted_and_the_mail_is_not_lost() {
    is_refused_until_its_authority_is_trusted(Secure::StartTls, Tls::StartTls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_secure_at_once_is_refused_until_its_authority_is_trusted_and_the_mail_is_not_lost()
{
    is_refused_until_its_authority_is_trusted(Secure::FirstByte, Tls::Tls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_speaks_in_the_clear_where_it_should_be_secure_gets_no_mail() {
    let server = SmtpServer::start().await;
    let world = world(&["anna", "bea"], &[("anna", "")]).await;
    let replica = start_with(&world, Smtp::new(settings(&server, Tls::Tls, None)).unwrap()).await;
    replica.signal(1).await;
    seconds(&world, 3);
    recorded(&world, "anna", &["claimed", "failed"]).await;
    assert_eq!(failures(&world), ["TLS"]);
    assert_eq!(server.received(), []);
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_authorities_that_cannot_work_is_refused_at_the_start_and_says_why() {
    let server = SmtpServer::start_secure(Secure::StartTls).await;
    let folder = server.authority().parent().unwrap().to_owned();
    let told = |file: &str| read_authorities(&folder.join(file)).unwrap_err().to_string();
    assert!(told("nothing.pem").contains("mail.ca_file"), "{}", told("nothing.pem"));
    assert!(told("key.pem").contains("BEGIN CERTIFICATE"), "{}", told("key.pem"));
    let refused = |pem: &[u8], tls| {
        let settings = SmtpSettings { authorities: Some(pem.to_vec()), ..settings(&server, tls, None) };
        Smtp::new(settings).unwrap_err().to_string()
    };
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(refused(broken, Tls::StartTls).contains("mail.ca_file"), "{}", refused(broken, Tls::StartTls));
    let good = std::fs::read(server.authority()).unwrap();
    assert!(refused(&good, Tls::None).contains("mail.tls"), "{}", refused(&good, Tls::None));
}
