//! `voordeur episode`.

use std::process::ExitCode;

use clap::Subcommand;
use voordeur_contracts::escalation::{GetEpisodeRequest, ListEpisodesRequest, get_episode_request};

use crate::{
    arguments::Global,
    client::Client,
    failure::Failure,
    output,
    wire::{shown_moment, to_json},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One episode
    #[command(after_help = "\
Examples:
  voordeur episode get epi_0011… --as person:noor
  voordeur episode get tsk_0011… --as person:noor")]
    Get {
        /// epi_…, or tsk_… for the episode that a task belongs to
        id: String,
    },
    /// Episodes, newest first
    #[command(after_help = "\
Examples:
  voordeur episode list --as person:noor
  voordeur episode list --centre de-wilg --all --json --as person:marit")]
    List {
        /// Only this centre
        #[arg(long)]
        centre: Option<String>,
        /// Closed ones too
        #[arg(long)]
        all: bool,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = Client::new(global)?;
    let service = client.episodes()?;
    match command {
        Command::Get { id } => {
            let which = if id.starts_with("tsk_") {
                get_episode_request::Episode::TaskId(id)
            } else {
                get_episode_request::Episode::EpisodeId(id)
            };
            let request = GetEpisodeRequest { episode: Some(which), at_least: None };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.get_episode(r).await }
            });
            output::value(
                &to_json("voordeur.escalation.v1.GetEpisodeResponse", &reply.await?)?,
                global.json,
            )?;
        }
        Command::List { centre, all, limit } => {
            let request = ListEpisodesRequest {
                centre: centre.unwrap_or_default(),
                open_only: !all,
                page_size: limit.min(500),
                ..Default::default()
            };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.list_episodes(r).await }
            });
            let reply = reply.await?;
            if global.json {
                for episode in &reply.episodes {
                    output::value(&to_json("voordeur.escalation.v1.Episode", episode)?, true)?;
                }
            } else {
                let rows: Vec<_> = reply
                    .episodes
                    .iter()
                    .map(|episode| {
                        let open = if episode.open { "open" } else { "closed" };
                        [
                            episode.episode_id.clone(),
                            episode.centre.clone(),
                            open.to_owned(),
                            episode.tasks.len().to_string(),
                            shown_moment(episode.opened_at.as_ref()),
                            shown_moment(episode.first_contact_at.as_ref()),
                        ]
                    })
                    .collect();
                output::table(["episode", "centre", "state", "tasks", "opened", "first contact"], &rows)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
