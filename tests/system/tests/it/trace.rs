//! One signal, followed from the school's call to the professional's stream, in a real receiver of traces; and nothing personal on the
//! way.

use std::time::Duration;

use futures_util::StreamExt as _;
use tonic::Request;
use voordeur_contracts::{
    intake::signal_intake_service_client::SignalIntakeServiceClient,
    routing::{WatchTasksRequest, task_service_client::TaskServiceClient, watch_tasks_response::Item},
};
use voordeur_system_tests::{As, Installation, get, otlp::Receiver};
use voordeur_testkit::eventually;

use voordeur_system_tests::signals::{LOCAL, NAME, SCHOOL, TEXT, signal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_signal_can_be_followed_from_the_schools_call_to_the_professionals_stream() {
    let (receiver, address) = Receiver::start().await;
    let installation = Installation::prepare(&[("VOORDEUR__TELEMETRY__OTLP_ENDPOINT", &address)]).await;
    installation.start_all(1).await;

    let channel = installation.channel("routing", 0).expect("routing is ready");
    let mut routing = TaskServiceClient::with_interceptor(channel, As("person:noor".into()));
    let mut watch = routing.watch_tasks(WatchTasksRequest::default()).await.unwrap().into_inner();

    let school = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let channel = installation.channel("intake", 0).expect("intake is ready");
    let mut intake =
        SignalIntakeServiceClient::with_interceptor(channel, As(format!("organisation:{SCHOOL}")));
    let mut request = Request::new(signal("trace", 0));
    let traceparent = format!("00-{}-{}-01", school.0, school.1);
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    let receipt = intake.submit_signal(request).await.unwrap().into_inner();

    let task = loop {
        let item = watch.next().await.expect("the stream goes on").unwrap();
        if let Some(Item::Task(task)) = item.item {
            break task;
        }
    };
    assert_eq!(task.signal_id, receipt.signal_id);

    let caller = (hex(school.0), hex(school.1));
    eventually(
        "a way back from the professional's stream to the school's call",
        Duration::from_secs(30),
        || async {
            receiver.look(|received| {
                let delivered: Vec<_> = received
                    .spans
                    .iter()
                    .filter(|(_, span)| span.name.to_lowercase().contains("deliver"))
                    .map(|(key, _)| key.clone())
                    .collect();
                match delivered.iter().find_map(|span| received.path(span, &caller)) {
                    Some(path) if path.iter().any(|name| name.contains("SubmitSignal")) => Ok(()),
                    Some(path) => Err(format!("a way that passes intake by: {path:?}")),
                    None => {
                        let names: Vec<_> = received.spans.values().map(|span| span.name.as_str()).collect();
                        Err(format!("no way from any of {delivered:?}; spans: {names:?}"))
                    }
                }
            })
        },
    )
    .await;

    // How its commit went out is counted where operators look.
    let address = installation.addresses("intake", 0).expect("intake is ready").http;
    let (_, page) = get(&address, "/metrics").expect("intake answers");
    let alone = page
        .lines()
        .find(|line| {
            line.starts_with("voordeur_append_commits_total")
                && ["stream_name=\"SIGNALS\"", "voordeur_service=\"intake\"", "way=\"alone\""]
                    .iter()
                    .all(|label| line.contains(label))
        })
        .unwrap_or_else(|| panic!("no series of appends on {page}"));
    assert!(!alone.ends_with(" 0"), "{alone}");

    for word in [NAME, TEXT, LOCAL] {
        receiver.look(|received| assert!(!received.printed.contains(word), "{word} is in the telemetry"));
        assert!(!installation.keeps(word), "{word} is readable in the broker's files or in a log");
    }
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
