//! `voordeur presence`.

use std::process::ExitCode;

use clap::Subcommand;
use voordeur_contracts::routing::{
    GetPresenceRequest, MarkAbsentRequest, MarkPresentRequest, MarkReturnedRequest,
};
use voordeur_kernel::Timestamp;

use crate::{
    arguments::{Act, Global},
    client::Client,
    failure::Failure,
    output,
    wire::{self, shown_moment, to_json, wire_moment},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Who works at a centre, and who is there now
    #[command(after_help = "\
Example:
  voordeur presence show de-wilg --as person:marit")]
    Show {
        /// Key of the centre
        centre: String,
    },
    /// Somebody is there outside her weekly hours
    #[command(after_help = "\
Example:
  voordeur presence present noor --centre de-wilg --until 2026-12-01T17:00 --as person:noor")]
    Present {
        /// Key of the professional
        professional: String,
        /// Key of the centre
        #[arg(long)]
        centre: String,
        /// Until when: 2026-12-01T17:00 (time in the Netherlands)
        #[arg(long, value_parser = wire::moment)]
        until: Timestamp,
        #[command(flatten)]
        act: Act,
    },
    /// Somebody is not there; never why
    #[command(after_help = "\
Examples:
  voordeur presence absent noor --until 2026-12-01 --as person:noor
  voordeur presence absent noor --until 2026-12-01T13:00 --stand-in sam --as person:marit")]
    Absent {
        /// Key of the professional
        professional: String,
        /// Until when: 2026-12-01 or 2026-12-01T17:00 (time in the Netherlands)
        #[arg(long, value_parser = wire::moment)]
        until: Timestamp,
        /// Who stands in
        #[arg(long, value_name = "PROFESSIONAL")]
        stand_in: Option<String>,
        #[command(flatten)]
        act: Act,
    },
    /// Somebody is back earlier than said
    #[command(after_help = "\
Example:
  voordeur presence return noor --as person:noor")]
    Return {
        /// Key of the professional
        professional: String,
        #[command(flatten)]
        act: Act,
    },
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = Client::new(global)?;
    let service = client.presence()?;
    let json = global.json;
    match command {
        Command::Show { centre } => {
            let request = GetPresenceRequest { centre, at_least: None };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.get_presence(r).await }
            });
            let reply = reply.await?;
            if json {
                output::value(&to_json("voordeur.routing.v1.GetPresenceResponse", &reply)?, true)?;
            } else {
                let rows: Vec<_> = reply
                    .professionals
                    .iter()
                    .map(|one| {
                        let present = if one.present { "present" } else { "absent" };
                        [
                            one.professional.clone(),
                            present.to_owned(),
                            shown_moment(one.until.as_ref()),
                            one.stand_in.clone(),
                        ]
                    })
                    .collect();
                output::table(["professional", "now", "until", "stand-in"], &rows)?;
            }
        }
        Command::Present { professional, centre, until, act } => {
            let until = Some(wire_moment(until));
            let request = MarkPresentRequest { command: act.context()?, professional, centre, until };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.mark_present(r).await }
            });
            output::value(&to_json("voordeur.routing.v1.MarkPresentResponse", &reply.await?)?, json)?;
        }
        Command::Absent { professional, until, stand_in, act } => {
            let until = Some(wire_moment(until));
            let stand_in = stand_in.unwrap_or_default();
            let request = MarkAbsentRequest { command: act.context()?, professional, until, stand_in, from: None };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.mark_absent(r).await }
            });
            output::value(&to_json("voordeur.routing.v1.MarkAbsentResponse", &reply.await?)?, json)?;
        }
        Command::Return { professional, act } => {
            let request = MarkReturnedRequest { command: act.context()?, professional };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.mark_returned(r).await }
            });
            output::value(&to_json("voordeur.routing.v1.MarkReturnedResponse", &reply.await?)?, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
