//! `voordeur notice`.

use std::process::ExitCode;

use clap::Subcommand;
use tonic::{Request, Response, Status};
use voordeur_contracts::{
    common::Position,
    routing::{WatchNoticesRequest, watch_notices_response::Item},
};

use crate::{
    arguments::Global,
    client::Client,
    failure::Failure,
    output,
    wire::{self, shown_moment, shown_position, to_json, word},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What you must act on: what still stands, then what is new; until Ctrl-C
    #[command(after_help = "\
Tells the same things as the mail, without waiting for a moment of yours; `quiet` says that this is
no moment to ring, which a safety notice never is. What is shown about a child's task is on record.

Examples:
  voordeur notice watch --as person:noor
  voordeur notice watch --as person:noor --until-caught-up --json
  voordeur notice watch --as person:noor --resume-after TASKS/2026-11-23T10:00:00Z/17")]
    Watch {
        /// Begin after this position, as an earlier watch printed it
        #[arg(long, value_name = "POSITION", value_parser = wire::position)]
        resume_after: Option<Position>,
        /// Stop when everything so far was shown
        #[arg(long)]
        until_caught_up: bool,
    },
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = Client::new(global)?;
    let Command::Watch { resume_after, until_caught_up } = command;
    let mut service = client.notices()?;
    let opened: Result<Response<_>, Status> =
        service.watch_notices(Request::new(WatchNoticesRequest { resume_after })).await;
    let mut stream = opened?.into_inner();
    while let Some(item) = stream.message().await? {
        if global.json {
            output::value(&to_json("voordeur.routing.v1.WatchNoticesResponse", &item)?, true)?;
        } else if let Some(Item::Notice(notice)) = &item.item {
            let row = [
                shown_moment(notice.at.as_ref()),
                notice.task_id.clone(),
                word("voordeur.event.v1.NoticeReason", notice.reason),
                word("voordeur.common.v1.Urgency", notice.urgency),
                notice.centre.clone(),
                if notice.quiet { "(quiet)".to_owned() } else { String::new() },
                notice.text.clone(),
            ];
            output::line(&row.map(|cell| cell.trim().to_owned()).join("  "))?;
        } else {
            let position = shown_position(item.position.as_ref());
            output::complain(&format!("up to date; resume after {position}"));
        }
        if until_caught_up && matches!(item.item, Some(Item::CaughtUp(_))) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}
