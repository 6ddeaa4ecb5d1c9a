//! What operators alarm on.

use voordeur_chassis::{
    config::Config,
    telemetry::{Telemetry, scrape},
};
use voordeur_testkit::eventually;

use crate::support::{SOON, World};

/// The value of a metric on the page that is scraped; `None` when it is not there.
fn metric(name: &str) -> Option<f64> {
    let page = scrape().unwrap();
    let line = page.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_overdue_deadline_has_its_age_and_what_fired_is_counted() {
    let _telemetry = Telemetry::init("voordeur-routing", &Config::default().telemetry).unwrap();
    let world = World::with(&["anna", "bea"]).await;
    let replica = world.start().await;
    let task = replica.signal(1).await.task_id;
    let overdue = "voordeur_routing_deadline_oldest_overdue_seconds";
    let age = |what: &'static str, holds: fn(f64) -> bool| async move {
        eventually(what, SOON, || async {
            let age = metric(overdue);
            if age.is_some_and(holds) { Ok(()) } else { Err(format!("{age:?}")) }
        })
        .await;
    };
    age("nothing is overdue", |age| age == 0.0).await;

    // The offers ended an hour ago, and their event cannot be stored.
    world.broker.set_available(false);
    world.pass(5);
    age("an hour overdue", |age| age >= 3_600.0).await;
    world.broker.set_available(true);
    world.happened(&task, "offers_timed_out", 1).await;
    age("nothing is overdue any more", |age| age == 0.0).await;
    eventually("a deadline fired", SOON, || async {
        metric("voordeur_routing_deadline_fired_total").filter(|fired| *fired >= 1.0).ok_or_else(String::new)
    })
    .await;
    replica.stop().await;
}
