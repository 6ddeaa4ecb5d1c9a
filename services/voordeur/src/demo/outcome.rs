//! After the answers: what the professionals record about each child and about their work on the floor, and what may be said of it so far.

use tonic::Status;
use voordeur_contracts::{
    common::{CommandContext, ConcernDomain, DateRange},
    escalation::{
        Episode, ListEpisodesRequest, MakeReportRequest, NoteActivityRequest, RecordFactRequest,
        ReportQuestion, activity_service_client::ActivityServiceClient,
        episode_service_client::EpisodeServiceClient,
        outcome_report_service_client::OutcomeReportServiceClient, record_fact_request::Fact,
    },
    event::{
        ActivityKind, ActivityNoted, Baseline, BaselineAssessed, BaselineParticipant, Funding, ImminentMark,
        SupportGiven, SupportKind,
    },
};

use super::{processes::Processes, story::Story};
use crate::failure::Failure;

/// What was recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) episodes: usize,
    pub(super) facts: usize,
}

/// Judgements in turn, so that every kind is there: baseline, percent.
const JUDGEMENTS: [(Baseline, u32); 3] =
    [(Baseline::Possible, 30), (Baseline::None, 5), (Baseline::Imminent, 70)];

/// One professional records what she knows of every child.
pub(super) async fn record(processes: &Processes, who: &str, story: &Story) -> Result<Recorded, Failure> {
    let channel = processes.channel("escalation", &format!("person:{who}")).map_err(Failure::failed)?;
    let mut client = EpisodeServiceClient::new(channel);
    let list = client.list_episodes(ListEpisodesRequest::default()).await?.into_inner();
    let mut recorded = Recorded { episodes: list.episodes.len(), facts: 0 };
    for (number, episode) in list.episodes.iter().enumerate() {
        let (baseline, percent) = JUDGEMENTS.get(number % JUDGEMENTS.len()).copied().unwrap_or_default();
        let marks =
            if baseline == Baseline::Imminent { vec![ImminentMark::PlaceAtStake.into()] } else { Vec::new() };
        let judged = BaselineAssessed {
            baseline: baseline.into(),
            probability_percent: percent,
            took_part: vec![BaselineParticipant::Parent.into(), BaselineParticipant::Staff.into()],
            marks,
            ..BaselineAssessed::default()
        };
        let support = SupportGiven {
            kind: SupportKind::OnTheFloor.into(),
            minutes: 45,
            funding: Funding::Beschikkingsvrij.into(),
        };
        for (act, fact) in
            [("baseline", Fact::BaselineAssessed(judged)), ("support", Fact::SupportGiven(support))]
        {
            client.record_fact(fact_of(episode, act, fact)).await?;
            recorded.facts += 1;
        }
    }
    story.say(&format!(
        "{who} judges for {} children whether a referral is considered, before anybody knows how it ends, and notes the support that was given",
        recorded.episodes
    ));
    Ok(recorded)
}

fn fact_of(episode: &Episode, act: &str, fact: Fact) -> RecordFactRequest {
    let id = episode.episode_id.get(..20).unwrap_or_default();
    RecordFactRequest {
        command: Some(CommandContext {
            idempotency_key: format!("demo-{act}-{}", id.replace('_', "-")),
            seen_version: 0,
        }),
        episode_id: episode.episode_id.clone(),
        effective_on: String::new(),
        fact: Some(fact),
    }
}

/// Work without a child: two taps.
pub(super) async fn note_work(
    processes: &Processes,
    who: &str,
    centre: &str,
    story: &Story,
) -> Result<(), Failure> {
    let channel = processes.channel("escalation", &format!("person:{who}")).map_err(Failure::failed)?;
    let activity = ActivityNoted {
        kind: ActivityKind::Meekijken.into(),
        minutes: 60,
        funding: Funding::Beschikkingsvrij.into(),
        themes: vec![ConcernDomain::Gedrag.into()],
        ..ActivityNoted::default()
    };
    let request = NoteActivityRequest {
        command: Some(CommandContext { idempotency_key: format!("demo-note-{who}"), seen_version: 0 }),
        centre: centre.to_owned(),
        on: String::new(),
        activity: Some(activity),
    };
    ActivityServiceClient::new(channel).note_activity(request).await?;
    story.say(&format!("{who} notes an hour of observing along in the group: no child, no name"));
    Ok(())
}

/// The report of this centre as it stands; returns its text.
pub(super) async fn report(
    processes: &Processes,
    coordinator: &str,
    centre: &str,
    day: jiff::civil::Date,
) -> Result<String, Failure> {
    let channel =
        processes.channel("escalation", &format!("person:{coordinator}")).map_err(Failure::failed)?;
    let from = day.first_of_year();
    let question = ReportQuestion {
        period: Some(DateRange { from: from.to_string(), until: day.to_string() }),
        centres: vec![centre.to_owned()],
        ..ReportQuestion::default()
    };
    let request = MakeReportRequest { question: Some(question), at_least: None };
    let made: Result<_, Status> = OutcomeReportServiceClient::new(channel)
        .max_decoding_message_size(16 << 20)
        .make_report(request)
        .await;
    Ok(made?.into_inner().text)
}
