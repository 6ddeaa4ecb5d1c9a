//! A real server of mail (aiosmtpd) as a child process.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::eventually;

const PROGRAM: &str = include_str!("smtp_server.py");
const START_TIME: Duration = Duration::from_secs(15);

/// How the server treats a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it and says so.
    Accept,
    /// Says no (550).
    Refuse,
    /// Says not now (451).
    RefuseForNow,
    /// Takes it and never answers.
    Hang,
    /// Takes it and breaks the connection instead of answering.
    Drop,
}

/// How a secure server begins a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secure {
    /// In the clear; it changes over before it takes a mail.
    StartTls,
    /// Secure from the first byte.
    FirstByte,
}

/// A mail that the server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Everything: envelope, headers, text as it was on the wire.
    pub raw: String,
    /// The text, decoded.
    pub text: String,
}

impl Received {
    /// The value of a header; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let wanted = format!("{}:", name.to_lowercase());
        let head = self.raw.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let found = unfolded.lines().find(|line| line.to_lowercase().starts_with(&wanted));
        found
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    }

    fn read(path: &Path) -> Self {
        let raw = fs::read_to_string(path).expect("a mail that was taken");
        let body = raw.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        let mut received = Self { raw, text: body };
        if received.header("Content-Transfer-Encoding") == "quoted-printable" {
            received.text = decode(&received.text);
        }
        received.text = received.text.replace("\r\n", "\n");
        received
    }
}

/// Quoted-printable, as RFC 2045 has it.
fn decode(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex =
            more.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match hex.filter(|_| *first == b'=') {
            Some(byte) => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// A server of mail on this machine, on a random port; killed when dropped.
#[derive(Debug)]
pub struct SmtpServer {
    folder: TempDir,
    running: Mutex<Option<Child>>,
}

impl SmtpServer {
    /// Starts a server that takes everything.
    ///
    /// # Panics
    /// When Python or its packages are not there; the message says what to do.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts a server that asks for the user `voordeur` with a password.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_with(password: Option<&str>) -> Self {
        let files: Vec<_> = password.map(|password| ("password", password.to_owned())).into_iter().collect();
        Self::start_in_folder_with(&files).await
    }

    /// Starts a server that takes mail over a secure connection only. An authority of its own signed its certificate, for 127.0.0.1.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_secure(secure: Secure) -> Self {
        let (authority, certificate, key) = certificates();
        let tls = match secure {
            Secure::StartTls => "starttls",
            Secure::FirstByte => "tls",
        };
        let files = [
            ("tls", tls.to_owned()),
            ("ca.pem", authority),
            ("certificate.pem", certificate),
            ("key.pem", key),
        ];
        Self::start_in_folder_with(&files).await
    }

    async fn start_in_folder_with(files: &[(&str, String)]) -> Self {
        let folder = tempfile::Builder::new().prefix("voordeur-smtp-").tempdir().expect("a temporary folder");
        fs::write(folder.path().join("server.py"), PROGRAM).expect("the temporary folder can be written");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("the temporary folder can be written");
        }
        let server = Self { folder, running: Mutex::new(None) };
        server.restart().await;
        server
    }

    /// File with the certificate of the authority that signed that of a secure server.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it again after [`Self::stop`], on the same port.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn restart(&self) {
        let _ = fs::remove_file(self.path("ready"));
        let log = fs::File::options().create(true).append(true).open(self.path("log")).expect("a log file");
        let child = Command::new("python3")
            .arg("-B")
            .arg(self.path("server.py"))
            .arg(self.folder.path())
            .env("PYTHONPATH", packages())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("python3 can be started");
        *self.running() = Some(child);
        eventually("the server of mail is there", START_TIME, || async {
            if self.path("ready").is_file() {
                Ok(())
            } else {
                Err(fs::read_to_string(self.path("log")).unwrap_or_default())
            }
        })
        .await;
    }

    /// Kills it.
    ///
    /// # Panics
    /// When it does not die.
    pub async fn stop(&self) {
        let child = self.running().take();
        if let Some(mut child) = child {
            child.kill().await.expect("it dies");
        }
    }

    /// Its port; the same after a stop and a start.
    ///
    /// # Panics
    /// Never, after the start.
    #[must_use]
    pub fn port(&self) -> u16 {
        fs::read_to_string(self.path("port")).expect("its port").trim().parse().expect("a port")
    }

    /// How it treats mails from now on.
    ///
    /// # Panics
    /// When its folder is gone.
    pub fn behave(&self, behaviour: Behaviour) {
        let word = match behaviour {
            Behaviour::Accept => "accept",
            Behaviour::Refuse => "refuse",
            Behaviour::RefuseForNow => "refuse-for-now",
            Behaviour::Hang => "hang",
            Behaviour::Drop => "drop",
        };
        let filling = self.path("behaviour.filling");
        fs::write(&filling, word).expect("its folder");
        fs::rename(&filling, self.path("behaviour")).expect("its folder");
    }

    /// Every mail it took, in order.
    ///
    /// # Panics
    /// When its folder is gone.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        let mut mails: Vec<(u32, PathBuf)> = fs::read_dir(self.path("mails"))
            .expect("its folder")
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let number = path.file_name()?.to_str()?.strip_suffix(".eml")?.parse().ok()?;
                Some((number, path))
            })
            .collect();
        mails.sort();
        mails.iter().map(|(_, path)| Received::read(path)).collect()
    }
}

/// An authority, a certificate of it for 127.0.0.1, and the key of that; each as PEM. Made anew every time.
fn certificates() -> (String, String, String) {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Authority of a test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate().expect("a key");
    let certificate = authority.self_signed(&authority_key).expect("a certificate");
    let issuer = Issuer::new(authority, authority_key);
    let mut server = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key");
    let signed = server.signed_by(&key, &issuer).expect("a certificate");
    (certificate.pem(), signed.pem(), key.serialize_pem())
}

/// Where the packages are: `SMTP_PACKAGES`, else what `cargo xtask ci` installed before, else what Python has itself.
fn packages() -> PathBuf {
    if let Some(folder) = env::var_os("SMTP_PACKAGES") {
        return PathBuf::from(folder);
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| env::home_dir().map(|home| home.join(".cache"))).unwrap_or_default();
    let installed = fs::read_dir(cache.join("voordeur")).into_iter().flatten().filter_map(Result::ok);
    let ours = |path: &PathBuf| path.join("aiosmtpd").is_dir();
    installed.map(|entry| entry.path()).find(ours).unwrap_or_default()
}
