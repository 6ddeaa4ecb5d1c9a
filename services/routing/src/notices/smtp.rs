//! Mail over SMTP.

use std::{error::Error as Cause, fmt, io, path::Path, time::Duration};

use async_trait::async_trait;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header},
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, Tls as Connection, TlsParameters},
    },
};
use voordeur_directory::MailAddress;

use super::{Mail, NotSent, Notifier};

/// How the connection with the server of mail is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: only within one machine.
    None,
    /// It begins in the clear and changes over, or is given up.
    StartTls,
    /// From the first byte.
    Tls,
}

/// Where mail goes out.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Name of the server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How it is kept secret.
    pub tls: Tls,
    /// Address that mail comes from.
    pub from: String,
    /// User and password; none where the server asks for none.
    pub credentials: Option<(String, String)>,
    /// Certificates (PEM) of authorities that are trusted beside those of the machine.
    pub authorities: Option<Vec<u8>>,
    /// How long one mail may take.
    pub timeout: Duration,
}

/// The settings are no good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMailSettings(pub String);

impl fmt::Display for BadMailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadMailSettings {}

/// Reads user and password from a file: the first two lines.
///
/// # Errors
/// What is wrong with the file, never what stands in it.
pub fn read_credentials(file: &Path) -> Result<(String, String), BadMailSettings> {
    let bad = |what: &str| BadMailSettings(format!("mail.credentials_file {}: {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| bad(unread(&error)))?;
    let mut lines = text.lines().map(str::trim);
    match (lines.next(), lines.next()) {
        (Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
            Ok((user.to_owned(), password.to_owned()))
        }
        _ => Err(bad("write the user on the first line and the password on the second")),
    }
}

/// Why a file cannot be read, without what stands in it.
fn unread(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "this user may not read it",
        io::ErrorKind::InvalidData => "is no text",
        _ => "cannot be read",
    }
}

/// Reads certificates of authorities from a file.
///
/// # Errors
/// What is wrong with the file.
pub fn read_authorities(file: &Path) -> Result<Vec<u8>, BadMailSettings> {
    let bad = |what: &str| BadMailSettings(format!("mail.ca_file {}: {what}", file.display()));
    let pem = std::fs::read(file).map_err(|error| bad(unread(&error)))?;
    let begin = b"-----BEGIN CERTIFICATE-----";
    if pem.windows(begin.len()).any(|part| part == begin) {
        Ok(pem)
    } else {
        Err(bad(
            "holds no certificate; write certificates of authorities as PEM (-----BEGIN CERTIFICATE-----)",
        ))
    }
}

/// Hands mail to a server. A connection of its own for each: mail is rare, and a kept connection is found broken when it matters.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    domain: String,
    timeout: Duration,
}

impl Smtp {
    /// Prepares; nothing is connected yet.
    ///
    /// # Errors
    /// Which setting is no good.
    pub fn new(settings: SmtpSettings) -> Result<Self, BadMailSettings> {
        let from: Address = settings.from.parse().map_err(|_| {
            BadMailSettings("mail.from must be one address, as voordeur@example.nl".to_owned())
        })?;
        let domain = from.domain().to_owned();
        let connection = match settings.tls {
            Tls::None if settings.authorities.is_some() => {
                return Err(BadMailSettings(
                    "mail.ca_file says whom to trust, and mail.tls = \"none\" asks nobody; leave one of them out".to_owned(),
                ));
            }
            Tls::None => Connection::None,
            Tls::StartTls => Connection::Required(trust(&settings)?),
            Tls::Tls => Connection::Wrapper(trust(&settings)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.server)
            .tls(connection)
            .port(settings.port)
            .timeout(Some(settings.timeout));
        if let Some((user, password)) = settings.credentials {
            builder = builder.credentials(Credentials::new(user, password));
        }
        let from = Mailbox::new(Some("Voordeur".to_owned()), from);
        Ok(Self { transport: builder.build(), from, domain, timeout: settings.timeout })
    }

    fn message(&self, to: &MailAddress, mail: &Mail) -> Result<Message, NotSent> {
        let to: Address = to.reveal().parse().map_err(|_| NotSent::Unusable)?;
        let id: String = mail.notice_id.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.clone())
            .message_id(Some(format!("<{id}@{}>", self.domain)))
            // RFC 3834: no holiday answers, please.
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .raw_header(raw("X-Auto-Response-Suppress", "All"))
            .header(header::ContentType::TEXT_PLAIN);
        if mail.urgent {
            message = message.raw_header(raw("Importance", "high"));
        }
        message.body(mail.text.clone()).map_err(|_| NotSent::Unusable)
    }
}

/// Whom to trust: the machine's authorities and those of the settings, for this name of the server.
fn trust(settings: &SmtpSettings) -> Result<TlsParameters, BadMailSettings> {
    let bad = |what: &str| BadMailSettings(what.to_owned());
    let mut trusted = TlsParameters::builder(settings.server.clone());
    if let Some(pem) = &settings.authorities {
        let authorities = Certificate::from_pem(pem)
            .map_err(|_| bad("mail.ca_file holds a certificate that cannot be read"))?;
        trusted = trusted.add_root_certificate(authorities);
    }
    trusted.build_rustls().map_err(|_| {
        bad("no certificates can be checked: a certificate of mail.ca_file is no authority's, or the machine's cannot be read")
    })
}

fn raw(name: &'static str, value: &str) -> header::HeaderValue {
    header::HeaderValue::new(header::HeaderName::new_from_ascii_str(name), value.to_owned())
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for Smtp {
    async fn send(&self, to: &MailAddress, mail: &Mail) -> Result<(), NotSent> {
        let message = self.message(to, mail)?;
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(code(&error)),
            Err(_) => Err(NotSent::NoAnswer),
        }
    }
}

fn code(error: &Error) -> NotSent {
    if error.is_transient() {
        NotSent::RefusedForNow
    } else if error.is_permanent() {
        NotSent::Refused
    } else if error.is_timeout() {
        NotSent::NoAnswer
    } else if let Some(why) = insecure(error) {
        why
    } else if error.is_tls() {
        NotSent::Tls
    } else if error.is_client() {
        NotSent::Unusable
    } else {
        NotSent::Connection
    }
}

/// What kept the connection from being secure; the mail library calls it any broken connection.
fn insecure(error: &Error) -> Option<NotSent> {
    let mut next: Option<&(dyn Cause + 'static)> = error.source();
    while let Some(cause) = next {
        // An error of input or output hides what it carries: its own cause is that of what it carries.
        let carried = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let cause = carried.map_or(cause, |carried| carried as &(dyn Cause + 'static));
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                return Some(NotSent::Certificate);
            }
            Some(_) => return Some(NotSent::Tls),
            None => next = cause.source(),
        }
    }
    None
}
