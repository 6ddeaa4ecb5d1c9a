//! `voordeur episode`.

mod arguments;
mod record;

use std::process::ExitCode;

use voordeur_contracts::escalation::{
    Episode, GetEpisodeRequest, GetEpisodeResponse, ListEpisodesRequest, get_episode_request,
};

pub(crate) use arguments::Command;

use crate::{
    arguments::Global,
    client::Client,
    failure::Failure,
    output, plain,
    wire::{shown_moment, shown_position, to_json, word},
};

const EPISODE: &str = "voordeur.escalation.v1.Episode";

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = Client::new(global)?;
    match command {
        Command::Show { id } => {
            let reply = get(&client, id).await?;
            if global.json {
                output::value(&to_json("voordeur.escalation.v1.GetEpisodeResponse", &reply)?, true)?;
            } else {
                show(reply.episode.as_ref())?;
                output::line(&format!("position: {}", shown_position(reply.position.as_ref())))?;
            }
        }
        Command::List { centre, all, limit } => list(&client, centre, all, limit, global.json).await?,
        Command::Record(fact) => Box::pin(record::run(&client, fact, global.json)).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The episode by its id, or by the id of one of its tasks.
async fn get(client: &Client, id: String) -> Result<GetEpisodeResponse, Failure> {
    let which = if id.starts_with("tsk_") {
        get_episode_request::Episode::TaskId(id)
    } else {
        get_episode_request::Episode::EpisodeId(id)
    };
    let service = client.episodes()?;
    let request = GetEpisodeRequest { episode: Some(which), at_least: None };
    let reply = client.call(request, |request| {
        let mut service = service.clone();
        async move { service.get_episode(request).await }
    });
    reply.await
}

/// For people.
fn show(episode: Option<&Episode>) -> Result<(), Failure> {
    match episode {
        Some(episode) => plain::print(EPISODE, episode, false),
        None => Ok(()),
    }
}

async fn list(
    client: &Client,
    centre: Option<String>,
    all: bool,
    limit: u32,
    json: bool,
) -> Result<(), Failure> {
    let service = client.episodes()?;
    let centre = centre.unwrap_or_default();
    let mut rows = Vec::new();
    let mut left = limit;
    let mut page_token = String::new();
    while left > 0 {
        let request = ListEpisodesRequest {
            centre: centre.clone(),
            open_only: !all,
            page_size: left.min(500),
            page_token,
            ..Default::default()
        };
        let page = client.call(request, |request| {
            let mut service = service.clone();
            async move { service.list_episodes(request).await }
        });
        let page = page.await?;
        left = left.saturating_sub(u32::try_from(page.episodes.len()).unwrap_or(u32::MAX));
        for episode in page.episodes {
            if json {
                output::value(&to_json(EPISODE, &episode)?, true)?;
            } else {
                rows.push(row(&episode));
            }
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if json {
        return Ok(());
    }
    let headings =
        ["episode", "centre", "state", "tasks", "opened", "first contact", "baseline", "today", "missed"];
    output::table(headings, &rows)
}

fn row(episode: &Episode) -> [String; 9] {
    let baseline = match episode.baseline {
        0 if episode.baseline_until.is_empty() => String::new(),
        0 => format!("until {}", episode.baseline_until),
        baseline => word("voordeur.event.v1.Baseline", baseline),
    };
    let missed: Vec<String> = episode.missed_follow_up_days.iter().map(ToString::to_string).collect();
    [
        episode.episode_id.clone(),
        episode.centre.clone(),
        if episode.open { "open" } else { "closed" }.to_owned(),
        episode.tasks.len().to_string(),
        shown_moment(episode.opened_at.as_ref()),
        shown_moment(episode.first_contact_at.as_ref()),
        baseline,
        episode.classification.as_ref().map(|class| class.outcome.clone()).unwrap_or_default(),
        missed.join(", "),
    ]
}
