//! `voordeur activity`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use voordeur_contracts::{
    common::{DateRange, Position, SealedText, TextPurpose},
    escalation::{
        Activity, CorrectActivityRequest, GetFloorPictureRequest, GetFloorPictureResponse,
        ListActivitiesRequest, NoteActivityRequest, RecordLookBackRequest,
    },
    event::{ActivityNoted, Funding},
    intake::SealTextRequest,
};

use crate::{
    arguments::{Act, Global},
    client::{Client, drawn_key},
    failure::Failure,
    output, plain,
    wire::{shown_position, to_json, word, words},
};

const ACTIVITY: &str = "voordeur.escalation.v1.Activity";

/// What was done, beside its kind and minutes.
#[derive(Debug, Args)]
pub(crate) struct More {
    /// Key of the group; the whole centre when it is left out
    #[arg(long)]
    group: Option<String>,
    /// What it was about, at most three times
    #[arg(long = "theme", value_name = "THEME", value_parser = words("voordeur.common.v1.ConcernDomain"))]
    themes: Vec<i32>,
    /// What pays for it; beschikkingsvrij when it is left out
    #[arg(long, value_parser = words("voordeur.event.v1.Funding"))]
    funding: Option<i32>,
    /// What was agreed; sealed before it is sent on. Never a name of a child
    #[arg(long, value_name = "TEXT")]
    agreed: Option<String>,
    /// When somebody looks back: 2026-12-01
    #[arg(long, value_name = "DAY")]
    look_back: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Note work on the floor; a kind and minutes are enough
    #[command(after_help = "\
Examples:
  voordeur activity note --centre de-wilg --kind meekijken --minutes 45 --as person:noor
  voordeur activity note --centre de-wilg --kind coaching --minutes 30 --group vossen --theme gedrag \\
      --agreed \"Elke ochtend samen de dag openen.\" --look-back 2027-01-15 --as person:noor")]
    Note {
        /// Key of the centre
        #[arg(long)]
        centre: String,
        /// On which day: 2026-11-23; today when it is left out
        #[arg(long, value_name = "DAY")]
        on: Option<String>,
        /// What kind of work
        #[arg(long, value_parser = words("voordeur.event.v1.ActivityKind"))]
        kind: i32,
        /// How long it took
        #[arg(long)]
        minutes: u32,
        #[command(flatten)]
        more: More,
        #[command(flatten)]
        act: Act,
    },
    /// Say that it counts no more, or what it should have been
    #[command(after_help = "\
Examples:
  voordeur activity correct act_0011… --centre de-wilg --void --as person:noor
  voordeur activity correct act_0011… --centre de-wilg --kind coaching --minutes 60 --as person:noor")]
    Correct {
        /// act_…
        activity: String,
        /// Key of the centre
        #[arg(long)]
        centre: String,
        /// It counts no more
        #[arg(long, conflicts_with_all = ["kind", "minutes", "group", "themes", "funding", "agreed", "look_back"])]
        void: bool,
        /// What kind of work it was
        #[arg(long, required_unless_present = "void", value_parser = words("voordeur.event.v1.ActivityKind"))]
        kind: Option<i32>,
        /// How long it took
        #[arg(long, required_unless_present = "void")]
        minutes: Option<u32>,
        #[command(flatten)]
        more: More,
        #[command(flatten)]
        act: Act,
    },
    /// Say what became of the agreed step
    #[command(after_help = "\
Example:
  voordeur activity look-back act_0011… --centre de-wilg --result works --as person:noor")]
    LookBack {
        /// act_…
        activity: String,
        /// Key of the centre
        #[arg(long)]
        centre: String,
        /// What became of it
        #[arg(long, value_parser = words("voordeur.event.v1.LookBackResult"))]
        result: i32,
        #[command(flatten)]
        act: Act,
    },
    /// Activities of a centre, newest first
    #[command(after_help = "\
Examples:
  voordeur activity list --centre de-wilg --as person:noor
  voordeur activity list --centre de-wilg --group vossen --from 2026-09-01 --json --as person:marit")]
    List {
        /// Key of the centre
        #[arg(long)]
        centre: String,
        /// Only this group
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        period: Days,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Themes, agreed steps and hours of a centre or a group; never names
    #[command(after_help = "\
Examples:
  voordeur activity picture --centre de-wilg --as person:marit
  voordeur activity picture --centre de-wilg --group vossen --from 2026-09-01 --until 2026-11-30 --as person:noor")]
    Picture {
        /// Key of the centre
        #[arg(long)]
        centre: String,
        /// Only this group
        #[arg(long)]
        group: Option<String>,
        #[command(flatten)]
        period: Days,
    },
}

/// Days of the activities.
#[derive(Debug, Args)]
pub(crate) struct Days {
    /// First day: 2026-09-01
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day: 2026-11-30
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
}

impl Days {
    fn wire(self) -> Option<DateRange> {
        let any = self.from.is_some() || self.until.is_some();
        let Self { from, until } = self;
        any.then(|| DateRange { from: from.unwrap_or_default(), until: until.unwrap_or_default() })
    }
}

pub(crate) async fn run(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let client = &Client::new(global)?;
    let json = global.json;
    match command {
        Command::Note { centre, on, kind, minutes, more, act } => {
            let activity = Some(wire(client, &centre, (kind, minutes), more, &act).await?);
            let on = on.unwrap_or_default();
            note(client, NoteActivityRequest { command: act.context()?, centre, on, activity }, json).await?;
        }
        Command::Correct { activity, centre, void, kind, minutes, more, act } => {
            let instead = match kind.zip(minutes) {
                Some(what) if !void => Some(wire(client, &centre, what, more, &act).await?),
                _ => None,
            };
            let (command, activity_id) = (act.context()?, activity);
            let request = CorrectActivityRequest { command, centre, activity_id, void, instead };
            let service = client.activities()?;
            let reply = client.call(request, |request| {
                let mut service = service.clone();
                async move { service.correct_activity(request).await }
            });
            answer("CorrectActivityResponse", &reply.await?, json, |reply| {
                show(reply.activity.as_ref(), reply.position.as_ref())
            })?;
        }
        Command::LookBack { activity, centre, result, act } => {
            let request =
                RecordLookBackRequest { command: act.context()?, centre, activity_id: activity, result };
            let service = client.activities()?;
            let reply = client.call(request, |request| {
                let mut service = service.clone();
                async move { service.record_look_back(request).await }
            });
            answer("RecordLookBackResponse", &reply.await?, json, |reply| {
                show(reply.activity.as_ref(), reply.position.as_ref())
            })?;
        }
        Command::List { centre, group, period, limit } => {
            let request = ListActivitiesRequest {
                centre,
                group: group.unwrap_or_default(),
                period: period.wire(),
                ..Default::default()
            };
            list(client, request, limit, json).await?;
        }
        Command::Picture { centre, group, period } => {
            let request = GetFloorPictureRequest {
                centre,
                group: group.unwrap_or_default(),
                period: period.wire(),
                at_least: None,
            };
            let service = client.activities()?;
            let reply = client.call(request, |request| {
                let mut service = service.clone();
                async move { service.get_floor_picture(request).await }
            });
            answer("GetFloorPictureResponse", &reply.await?, json, picture)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn note(client: &Client, request: NoteActivityRequest, json: bool) -> Result<(), Failure> {
    let service = client.activities()?;
    let reply = client.call(request, |request| {
        let mut service = service.clone();
        async move { service.note_activity(request).await }
    });
    answer("NoteActivityResponse", &reply.await?, json, |reply| {
        show(reply.activity.as_ref(), reply.position.as_ref())
    })
}

/// Prints what was answered: whole as JSON, or as people want to see it.
fn answer<R: prost::Message>(
    name: &str,
    reply: &R,
    json: bool,
    shown: impl FnOnce(&R) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if json {
        output::value(&to_json(&format!("voordeur.escalation.v1.{name}"), reply)?, true)
    } else {
        shown(reply)
    }
}

/// What was done, with its text sealed.
async fn wire(
    client: &Client,
    centre: &str,
    (kind, minutes): (i32, u32),
    more: More,
    act: &Act,
) -> Result<ActivityNoted, Failure> {
    let agreed_step = match more.agreed {
        Some(text) => seal(client, centre, text, act).await?,
        None => None,
    };
    Ok(ActivityNoted {
        activity: Default::default(),
        kind,
        group: more.group.unwrap_or_default(),
        minutes,
        funding: more.funding.unwrap_or_else(|| Funding::Beschikkingsvrij.into()),
        themes: more.themes,
        agreed_step,
        look_back_on: more.look_back.unwrap_or_default(),
    })
}

/// Only intake seals: the text goes there first, and the box it becomes goes with the note.
async fn seal(client: &Client, centre: &str, text: String, act: &Act) -> Result<Option<SealedText>, Failure> {
    let idempotency_key = match &act.key {
        Some(key) => key.clone(),
        None => drawn_key()?,
    };
    let request = SealTextRequest {
        centre: centre.to_owned(),
        purpose: TextPurpose::Note.into(),
        text,
        idempotency_key,
        ..Default::default()
    };
    let service = client.details()?;
    let reply = client.call(request, |request| {
        let mut service = service.clone();
        async move { service.seal_text(request).await }
    });
    Ok(reply.await?.sealed)
}

fn show(activity: Option<&Activity>, position: Option<&Position>) -> Result<(), Failure> {
    if let Some(activity) = activity {
        plain::print(ACTIVITY, activity, false)?;
    }
    output::line(&format!("position: {}", shown_position(position)))
}

async fn list(
    client: &Client,
    request: ListActivitiesRequest,
    limit: u32,
    json: bool,
) -> Result<(), Failure> {
    let service = client.activities()?;
    let (mut left, mut page_token) = (limit, String::new());
    let mut rows = Vec::new();
    while left > 0 {
        let request = ListActivitiesRequest { page_size: left.min(500), page_token, ..request.clone() };
        let page = client.call(request, |request| {
            let mut service = service.clone();
            async move { service.list_activities(request).await }
        });
        let page = page.await?;
        left = left.saturating_sub(u32::try_from(page.activities.len()).unwrap_or(u32::MAX));
        for activity in page.activities {
            if json {
                output::value(&to_json(ACTIVITY, &activity)?, true)?;
            } else {
                rows.push(row(&activity));
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
    output::table(["activity", "on", "kind", "group", "minutes", "themes", "by", "look-back"], &rows)
}

fn row(activity: &Activity) -> [String; 8] {
    let noted = activity.noted.clone().unwrap_or_default();
    let theme = |theme: &i32| word("voordeur.common.v1.ConcernDomain", *theme);
    let kind = word("voordeur.event.v1.ActivityKind", noted.kind);
    let look_back = match activity.look_back {
        0 if activity.look_back_asked => format!("{} (open)", noted.look_back_on),
        0 => noted.look_back_on.clone(),
        result => word("voordeur.event.v1.LookBackResult", result),
    };
    [
        activity.activity_id.clone(),
        activity.on.clone(),
        if activity.voided { format!("{kind} (void)") } else { kind },
        noted.group.clone(),
        noted.minutes.to_string(),
        noted.themes.iter().map(theme).collect::<Vec<_>>().join(", "),
        activity.noted_by.clone(),
        look_back,
    ]
}

/// Hours and minutes.
fn hours(minutes: u64) -> String {
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

fn picture(picture: &GetFloorPictureResponse) -> Result<(), Failure> {
    let period = picture.period.clone().unwrap_or_default();
    let count = output::counted(picture.activities, "activity", "activities");
    output::line(&format!("{} to {}: {count}", period.from, period.until))?;
    let free: u64 = picture
        .used
        .iter()
        .filter(|used| used.funding == i32::from(Funding::Beschikkingsvrij))
        .map(|used| used.minutes)
        .sum();
    match picture.minutes_available {
        Some(available) => {
            output::line(&format!("hours beschikkingsvrij: {} of {}", hours(free), hours(available)))?;
        }
        None => output::line(&format!("hours beschikkingsvrij: {}", hours(free)))?,
    }
    output::line(&format!(
        "agreed steps: {}, look-backs open: {}",
        picture.agreed_steps, picture.look_backs_open
    ))?;
    let used: Vec<_> = picture
        .used
        .iter()
        .map(|used| {
            [
                word("voordeur.event.v1.Funding", used.funding),
                word("voordeur.event.v1.ActivityKind", used.kind),
                hours(used.minutes),
            ]
        })
        .collect();
    if !used.is_empty() {
        output::table(["paid", "kind", "hours"], &used)?;
    }
    let themes: Vec<_> = picture
        .themes
        .iter()
        .map(|count| {
            [
                count.group.clone(),
                word("voordeur.common.v1.ConcernDomain", count.theme),
                count.activities.to_string(),
            ]
        })
        .collect();
    if !themes.is_empty() {
        output::table(["group", "theme", "activities"], &themes)?;
    }
    let results: Vec<_> = picture
        .look_backs
        .iter()
        .map(|count| [word("voordeur.event.v1.LookBackResult", count.result), count.activities.to_string()])
        .collect();
    if results.is_empty() { Ok(()) } else { output::table(["looked back", "activities"], &results) }
}
