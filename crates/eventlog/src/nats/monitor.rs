//! Reading a node's monitoring page: the only place where it tells whether it syncs before it acknowledges.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

/// A page of a node is some kilobytes.
const PAGE_BYTES_MAX: usize = 1 << 20;
const READ_TIME: Duration = Duration::from_secs(3);

/// What a node tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) sync_always: bool,
}

/// Reads a node's page.
pub(super) async fn read(address: &str) -> Result<Node, String> {
    match timeout(READ_TIME, page(address)).await {
        Ok(Ok(page)) => node(&page),
        Ok(Err(error)) => Err(error),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn node(page: &[u8]) -> Result<Node, String> {
    #[derive(Deserialize)]
    struct Page {
        server_id: String,
        server_name: String,
        version: String,
        #[serde(default)]
        jetstream: JetStream,
    }
    #[derive(Deserialize, Default)]
    struct JetStream {
        #[serde(default)]
        config: Config,
    }
    #[derive(Deserialize, Default)]
    struct Config {
        #[serde(default)]
        sync_always: bool,
    }
    let page: Page = serde_json::from_slice(page).map_err(|error| format!("unreadable page: {error}"))?;
    Ok(Node {
        id: page.server_id,
        name: page.server_name,
        version: page.version,
        sync_always: page.jetstream.config.sync_always,
    })
}

async fn page(address: &str) -> Result<Bytes, String> {
    let address: Uri =
        format!("{}/varz", address.trim_end_matches('/')).parse().map_err(|_| "not an address".to_owned())?;
    if address.scheme_str() != Some("http") {
        return Err("not an http address".to_owned());
    }
    let authority = address.authority().ok_or("not an address")?;
    let socket =
        TcpStream::connect((authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(8222)))
            .await
            .map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(socket)).await.map_err(|error| error.to_string())?;
    let request = Request::get(address.path())
        .header(HOST, authority.as_str())
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!("answered {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), PAGE_BYTES_MAX).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string())
    };
    // The connection only moves while it is polled.
    tokio::pin!(answer);
    let connection = async move {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = &mut answer => answer,
        () = connection => Err("the connection ended".to_owned()),
    }
}
