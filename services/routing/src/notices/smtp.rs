//! Mail over SMTP.

use std::{fmt, path::Path, time::Duration};

use async_trait::async_trait;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header},
    transport::smtp::{Error, authentication::Credentials},
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
    let text = std::fs::read_to_string(file).map_err(|error| bad(&error.kind().to_string()))?;
    let mut lines = text.lines().map(str::trim);
    match (lines.next(), lines.next()) {
        (Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
            Ok((user.to_owned(), password.to_owned()))
        }
        _ => Err(bad("write the user on the first line and the password on the second")),
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
        let builder = match settings.tls {
            Tls::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.server)),
            Tls::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.server),
            Tls::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.server),
        };
        let mut builder = builder
            .map_err(|_| BadMailSettings("mail.server must be the name of a server".to_owned()))?
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
    } else if error.is_tls() {
        NotSent::Tls
    } else if error.is_client() {
        NotSent::Unusable
    } else {
        NotSent::Connection
    }
}
