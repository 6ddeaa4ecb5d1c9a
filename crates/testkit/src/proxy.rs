//! A connection that can be broken on request.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    Cut,
    DropAnswers,
    Silence,
}

/// Stands between a client and a server, and passes bytes on, or not.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// Stands in front of a port of this machine.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("this machine has free ports");
        let address = listener.local_addr().expect("a listener has an address");
        let (mode, modes) = watch::channel(Mode::Pass);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, port, modes.clone()));
            }
        });
        Self { address, mode, accepting }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its address as a URL for the broker's client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Passes everything on. Connections that lost bytes are closed: what follows in them would make no sense.
    pub fn pass(&self) {
        self.mode.send_replace(Mode::Pass);
    }

    /// Closes every connection, and new ones at once.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// Requests go through, answers are lost.
    pub fn drop_answers(&self) {
        self.mode.send_replace(Mode::DropAnswers);
    }

    /// Everything is lost in both directions, and connections stay open: like a cable that was pulled out.
    pub fn silence(&self) {
        self.mode.send_replace(Mode::Silence);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::Cut);
        self.accepting.abort();
    }
}

async fn serve(client: TcpStream, port: u16, mut modes: watch::Receiver<Mode>) {
    if *modes.borrow_and_update() == Mode::Cut {
        // So that a client that tries again at once does not spin.
        sleep(Duration::from_millis(20)).await;
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = |mode| mode == Mode::Silence;
    let answers = |mode| matches!(mode, Mode::Silence | Mode::DropAnswers);
    tokio::select! {
        () = pass_on(from_client, to_server, modes.clone(), requests) => {}
        () = pass_on(from_server, to_client, modes.clone(), answers) => {}
        _ = modes.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

/// Passes bytes on, or loses them; once it may pass them on again after it lost some, it ends.
async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut modes: watch::Receiver<Mode>,
    loses: impl Fn(Mode) -> bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut lost = false;
    loop {
        let count = tokio::select! {
            biased;
            changed = modes.changed() => {
                if changed.is_err() || (lost && *modes.borrow() == Mode::Pass) {
                    return;
                }
                continue;
            }
            count = from.read(&mut buffer) => count.unwrap_or(0),
        };
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { return };
        lost |= loses(*modes.borrow());
        if !lost && to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
