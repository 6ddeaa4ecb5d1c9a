//! The routing service alone, on a given broker.

use std::process::ExitCode;

use clap::Parser as _;
use voordeur::serve::{Alone, ServiceName};

#[tokio::main]
async fn main() -> ExitCode {
    voordeur::finish(voordeur::serve::alone(ServiceName::Routing, Alone::parse()).await, false)
}
