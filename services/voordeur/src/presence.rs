//! `voordeur presence`.

use std::process::ExitCode;

use clap::Subcommand;
use voordeur_contracts::routing::{
    GetPresenceRequest, MarkAbsentRequest, MarkPresentRequest, MarkReturnedRequest, PlannedAbsence,
    ProfessionalPresence, WithdrawAbsenceRequest,
};
use voordeur_kernel::Timestamp;

use crate::{
    arguments::{Act, Global},
    client::Client,
    failure::Failure,
    output, plain,
    wire::{self, shown_moment, to_json, wire_moment},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Who works at a centre, and who is there now
    #[command(after_help = "\
Example:
  voordeur presence show de-wilg --as person:marit

NOW is `present`, `absent` (somebody said so) or `off duty` (not within her weekly hours).")]
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
  voordeur presence absent noor --from 2026-12-21 --until 2027-01-04 --stand-in sam --as person:marit

While she is absent, open requests to her go on to others and the coordinator is asked about tasks in hand. At the end it undoes itself.
Absences lie apart: one that overlaps another is refused.")]
    Absent {
        /// Key of the professional
        professional: String,
        /// From when: 2026-12-01 or 2026-12-01T13:00 (time in the Netherlands); now, when left out
        #[arg(long, value_parser = wire::moment)]
        from: Option<Timestamp>,
        /// Until when: 2026-12-01T17:00 (time in the Netherlands); a day without a time is its beginning, so she is
        /// back on that day
        #[arg(long, value_parser = wire::moment)]
        until: Timestamp,
        /// Who stands in
        #[arg(long, value_name = "PROFESSIONAL")]
        stand_in: Option<String>,
        #[command(flatten)]
        act: Act,
    },
    /// An absence that was said, and has not begun, does not come
    #[command(after_help = "\
Example:
  voordeur presence withdraw noor --from 2026-12-21 --as person:noor

`voordeur presence show` lists what is planned. For an absence that has begun:
`voordeur presence return`.")]
    Withdraw {
        /// Key of the professional
        professional: String,
        /// When it would have begun: 2026-12-21 or 2026-12-21T13:00 (time in the Netherlands)
        #[arg(long, value_parser = wire::moment)]
        from: Timestamp,
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
                let rows: Vec<_> = reply.professionals.iter().map(row).collect();
                output::table(
                    ["professional", "now", "until", "stand-in", "next there", "planned absences"],
                    &rows,
                )?;
            }
        }
        Command::Present { professional, centre, until, act } => {
            let until = Some(wire_moment(until));
            let request = MarkPresentRequest { command: act.context()?, professional, centre, until };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.mark_present(r).await }
            });
            plain::print("voordeur.routing.v1.MarkPresentResponse", &reply.await?, json)?;
        }
        Command::Absent { professional, from, until, stand_in, act } => {
            let (from, until) = (from.map(wire_moment), Some(wire_moment(until)));
            let stand_in = stand_in.unwrap_or_default();
            let request = MarkAbsentRequest { command: act.context()?, professional, until, stand_in, from };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.mark_absent(r).await }
            });
            plain::print("voordeur.routing.v1.MarkAbsentResponse", &reply.await?, json)?;
        }
        Command::Withdraw { professional, from, act } => {
            let (from, who) = (Some(wire_moment(from)), professional.clone());
            let request = WithdrawAbsenceRequest { command: act.context()?, professional, from };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.withdraw_absence(r).await }
            });
            let reply = reply.await.map_err(|failure| instead(failure, &who))?;
            plain::print("voordeur.routing.v1.WithdrawAbsenceResponse", &reply, json)?;
        }
        Command::Return { professional, act } => {
            let request = MarkReturnedRequest { command: act.context()?, professional };
            let reply = client.call(request, |r| {
                let mut s = service.clone();
                async move { s.mark_returned(r).await }
            });
            plain::print("voordeur.routing.v1.MarkReturnedResponse", &reply.await?, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Which command there is for what a withdrawal cannot do.
fn instead(failure: Failure, who: &str) -> Failure {
    match failure.reason.as_str() {
        "ABSENCE_BEGAN" => failure.advise(format!("she is back: `voordeur presence return {who}`")),
        "NO_SUCH_ABSENCE" => failure
            .advise("`voordeur presence show CENTRE` lists what is planned; --from is the moment it begins"),
        _ => failure,
    }
}

/// Absent is only who was said to be: then it is said until when. Who is merely not at work is off duty.
const fn now(one: &ProfessionalPresence) -> &'static str {
    match (one.present, one.until.is_some()) {
        (true, _) => "present",
        (false, true) => "absent",
        (false, false) => "off duty",
    }
}

/// One line of the table.
fn row(one: &ProfessionalPresence) -> [String; 6] {
    let planned = |absence: &PlannedAbsence| {
        let (from, until) = (shown_moment(absence.from.as_ref()), shown_moment(absence.until.as_ref()));
        match absence.stand_in.as_str() {
            "" => format!("{from} - {until}"),
            stand_in => format!("{from} - {until} ({stand_in})"),
        }
    };
    [
        one.professional.clone(),
        now(one).to_owned(),
        shown_moment(one.until.as_ref()),
        one.stand_in.clone(),
        shown_moment(one.next_present.as_ref()),
        one.absences.iter().map(planned).collect::<Vec<_>>().join("; "),
    ]
}
