//! Crash rounds: real processes under load, a seed that says who falls over and when, then quiet, then everything compared.
//!
//! What is tried and what came of it: `docs/reliability.md`.

pub mod check;
pub mod cli;
pub mod ledger;
pub mod load;
pub mod plan;
pub mod site;

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::SERVICES;
use plan::{Ground, Plan, REPLICAS};
use site::Site;

/// A round in which every promise held.
#[derive(Debug, Clone, Serialize)]
pub struct Played {
    /// What happened to whom and when.
    pub plan: Plan,
    /// From its first signal until everything was compared.
    pub seconds: f64,
    /// Of these, until the last receipt was there and the last fault undone.
    pub under_fire_s: f64,
    /// Receipts and confirmed acts.
    pub acknowledged: usize,
    /// Events of tasks, by name.
    pub task_events: BTreeMap<&'static str, usize>,
    /// Services that ended by themselves and were started again.
    pub ended: Vec<String>,
}

/// A round that broke a promise.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// What happened to whom and when.
    pub plan: Plan,
    /// The first seed that was played on the same installation.
    pub first: u64,
    /// What was wrong.
    pub why: String,
    /// Where its logs and the broker's files are.
    pub kept: PathBuf,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, ground, .. } = self.plan;
        let ground = match ground {
            Ground::Single => "single",
            Ground::Cluster => "cluster",
        };
        writeln!(f, "FAILED: {}{}", self.plan, self.why)?;
        writeln!(f, "logs and the broker's files: {}", self.kept.display())?;
        writeln!(f, "again:                       cargo xtask crash --{ground} --rounds 1 --seed {seed}")?;
        let rounds = seed - self.first + 1;
        write!(
            f,
            "again, with its history:     cargo xtask crash --{ground} --rounds {rounds} --seed {}",
            self.first
        )
    }
}

/// Plays rounds one after another on one fresh installation; after one that fails the rest is played on another.
pub async fn play(seeds: &[u64], ground: Ground, mut tell: impl FnMut(&Result<Played, Box<Failure>>)) {
    let mut site: Option<Arc<Site>> = None;
    let mut first = 0;
    for seed in seeds {
        if site.is_none() {
            first = *seed;
        }
        let plan = Plan::new(*seed, ground);
        let caught = {
            let (site, plan) = (site.clone(), plan.clone());
            tokio::spawn(async move {
                let site = match site {
                    Some(site) => site,
                    None => Site::prepare(ground).await,
                };
                let outcome = tokio::spawn(round(Arc::clone(&site), plan)).await;
                (site, outcome)
            })
        };
        let outcome = match caught.await {
            Ok((played_on, Ok(played))) => {
                site = Some(played_on);
                Ok(played)
            }
            Ok((played_on, Err(error))) => {
                site = None;
                let kept =
                    std::env::temp_dir().join(format!("voordeur-crash-{}-seed-{seed}", std::process::id()));
                let mut why = said(&*error.into_panic());
                if let Err(error) = played_on.keep(&kept) {
                    why.push_str(&format!("\n(the logs could not be copied: {error})"));
                }
                Err(Box::new(Failure { plan, first, why, kept }))
            }
            Err(error) => {
                let why = format!("no installation: {}", said(&*error.into_panic()));
                Err(Box::new(Failure { plan, first, why, kept: PathBuf::new() }))
            }
        };
        tell(&outcome);
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("ended without a word").to_owned()
}

/// Plays one round; panics with what is wrong.
async fn round(site: Arc<Site>, plan: Plan) -> Played {
    let began = Instant::now();
    site.ledger.begin();
    let ended = Arc::new(Mutex::new(Vec::new()));
    // A supervisor, as an installation has one.
    let mut around = tokio::task::JoinSet::new();
    around.spawn({
        let (site, ended) = (Arc::clone(&site), Arc::clone(&ended));
        async move {
            loop {
                ended.lock().unwrap().extend(site.supervise());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    let people = load::People::begin(&site.replicas, &site.ledger);
    let mut strikes = tokio::task::JoinSet::new();
    for strike in plan.strikes.clone() {
        let site = Arc::clone(&site);
        strikes.spawn(async move {
            site.ledger.moment(strike.after).await;
            site.suffer(strike).await;
        });
    }
    load::hand_over(Arc::clone(&site.replicas), Arc::clone(&site.ledger), Arc::new(plan.clone())).await;
    load::finish(&mut strikes).await;
    let under_fire_s = began.elapsed().as_secs_f64();

    site.whole_broker().await;
    for service in SERVICES {
        site.replicas.start(service, REPLICAS);
    }
    site.ready().await;
    check::everything_agrees(&site).await;
    people.stop().await;
    // What was confirmed to the last of them counts too.
    let census = check::everything_agrees(&site).await;
    check::nothing_lies(&site).await;
    check::folds_agree(&site).await;
    for service in SERVICES {
        site.replicas.remove(service, REPLICAS);
    }
    let ended = std::mem::take(&mut *ended.lock().unwrap());
    assert!(ended.is_empty() || plan.ground == Ground::Cluster, "a service ended by itself: {ended:#?}");
    Played {
        acknowledged: site.ledger.counted(),
        seconds: began.elapsed().as_secs_f64(),
        under_fire_s,
        task_events: site.new_events(&census),
        ended,
        plan,
    }
}
