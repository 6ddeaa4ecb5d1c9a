//! Reading a node's monitoring pages: the only place where it tells whether it syncs before it acknowledges, and what its own copy of a
//! stream holds.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

/// A page of a node is some kilobytes.
const PAGE_BYTES_MAX: usize = 4 << 20;
const READ_TIME: Duration = Duration::from_secs(3);

/// What a node tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) sync_always: bool,
}

/// What a node tells about its own copy of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) account: String,
    pub(super) stream: String,
    pub(super) created: String,
    pub(super) messages: u64,
    pub(super) first_sequence: u64,
    pub(super) last_sequence: u64,
    /// Messages between the first and the last that are not there.
    pub(super) deleted: u64,
}

/// Reads what a node tells about itself.
pub(super) async fn read(address: &str) -> Result<Node, String> {
    node(&page_in_time(address, "/varz").await?)
}

/// Reads what a node tells about the streams it holds.
pub(super) async fn copies(address: &str) -> Result<Vec<Copy>, String> {
    copies_in(&page_in_time(address, "/jsz?accounts=true&streams=true&limit=100000").await?)
}

/// What a node says when it cannot write any more; it does not go on by itself then.
pub(super) async fn write_error(address: &str) -> Result<Option<String>, String> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        error: String,
    }
    let (_, page) = answer_in_time(address, "/healthz").await?;
    let page: Page = serde_json::from_slice(&page).map_err(|error| format!("unreadable page: {error}"))?;
    Ok(page.error.contains("write error").then_some(page.error))
}

async fn page_in_time(address: &str, path: &str) -> Result<Bytes, String> {
    match answer_in_time(address, path).await? {
        (StatusCode::OK, page) => Ok(page),
        (status, _) => Err(format!("answered {status}")),
    }
}

async fn answer_in_time(address: &str, path: &str) -> Result<(StatusCode, Bytes), String> {
    match timeout(READ_TIME, answer(address, path)).await {
        Ok(answer) => answer,
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn copies_in(page: &[u8]) -> Result<Vec<Copy>, String> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        account_details: Vec<Account>,
    }
    #[derive(Deserialize)]
    struct Account {
        name: String,
        #[serde(default)]
        stream_detail: Vec<Stream>,
    }
    #[derive(Deserialize)]
    struct Stream {
        name: String,
        created: String,
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        messages: u64,
        first_seq: u64,
        last_seq: u64,
        #[serde(default)]
        num_deleted: u64,
    }
    let page: Page = serde_json::from_slice(page).map_err(|error| format!("unreadable page: {error}"))?;
    let copies = page.account_details.into_iter().flat_map(|account| {
        let name = account.name;
        account.stream_detail.into_iter().map(move |stream| Copy {
            account: name.clone(),
            stream: stream.name,
            created: stream.created,
            messages: stream.state.messages,
            first_sequence: stream.state.first_seq,
            last_sequence: stream.state.last_seq,
            deleted: stream.state.num_deleted,
        })
    });
    Ok(copies.collect())
}

pub(super) fn node(page: &[u8]) -> Result<Node, String> {
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

async fn answer(address: &str, path: &str) -> Result<(StatusCode, Bytes), String> {
    let address: Uri = format!("{}{path}", address.trim_end_matches('/'))
        .parse()
        .map_err(|_| "not an address".to_owned())?;
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
    let request = Request::get(address.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, authority.as_str())
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), PAGE_BYTES_MAX).collect().await;
        body.map(|body| (status, body.to_bytes())).map_err(|error| error.to_string())
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
