//! `voordeur episode`.

mod arguments;
mod record;

use std::process::ExitCode;

use serde_json::Value;
use voordeur_contracts::escalation::{
    Episode, GetEpisodeRequest, GetEpisodeResponse, ListEpisodesRequest, get_episode_request,
};
use voordeur_kernel::{CommitId, EpisodeId};

pub(crate) use arguments::Command;

use crate::{
    arguments::Global,
    client::Client,
    failure::Failure,
    output,
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

/// For people: ids as they are given back, instead of bytes.
fn show(episode: Option<&Episode>) -> Result<(), Failure> {
    let Some(episode) = episode else { return Ok(()) };
    let mut value = to_json(EPISODE, episode)?;
    name_ids(&mut value);
    output::value(&value, false)
}

/// Goals, referrals and corrected facts are known by the id of a fact.
fn name_ids(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let named = match (name.as_str(), &*value) {
                    ("goal" | "referral" | "target", Value::String(text)) => {
                        sixteen(text).map(|id| format!("fac_{}", CommitId::from_bytes(id).to_hex()))
                    }
                    ("earlierEpisode", Value::String(text)) => {
                        sixteen(text).map(|id| EpisodeId::from_bytes(id).to_string())
                    }
                    _ => None,
                };
                match named {
                    Some(named) => *value = Value::String(named),
                    None => name_ids(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(name_ids),
        _ => {}
    }
}

/// The 16 bytes of an id in protobuf JSON, which is base64.
fn sixteen(text: &str) -> Option<[u8; 16]> {
    let digits = text.trim_end_matches('=');
    let mut bits = 0_u32;
    let mut bytes = Vec::with_capacity(16);
    for (place, digit) in digits.bytes().enumerate() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        // Four digits are three bytes; each digit but the first of the four completes one.
        let rest = match place % 4 {
            0 => continue,
            1 => 4,
            2 => 2,
            _ => 0,
        };
        let [_, _, _, byte] = (bits >> rest).to_be_bytes();
        bytes.push(byte);
    }
    bytes.try_into().ok()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_shown_as_they_are_given_back() {
        let mut value = json!({
            "facts": [{"goalScored": {"goal": "AAECAwQFBgcICQoLDA0ODw=="}}],
            "linked": {"earlierEpisode": "/////////////////////w=="},
            "goal": "nonsense",
        });
        name_ids(&mut value);
        assert_eq!(value["facts"][0]["goalScored"]["goal"], "fac_000102030405060708090a0b0c0d0e0f");
        assert_eq!(value["linked"]["earlierEpisode"], format!("epi_{}", "f".repeat(32)));
        assert_eq!(value["goal"], "nonsense");
    }
}
