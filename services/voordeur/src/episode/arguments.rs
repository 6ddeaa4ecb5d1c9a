//! The facts as clap reads them.

use clap::{Args, Subcommand};
use voordeur_kernel::{CommitId, EpisodeId, Timestamp};

use crate::{
    arguments::Act,
    wire::{self, words},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One episode: its facts, what it waits for, how it stands
    #[command(visible_alias = "get")]
    #[command(after_help = "\
Examples:
  voordeur episode show epi_0011… --as person:noor
  voordeur episode show tsk_0011… --as person:noor")]
    Show {
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
    /// Record one fact
    #[command(subcommand)]
    Record(Fact),
}

/// Which episode, when, and as which act.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// epi_…
    pub(crate) episode: String,
    /// The day it happened on: 2026-11-23; today when it is left out
    #[arg(long, value_name = "DAY")]
    pub(crate) on: Option<String>,
    #[command(flatten)]
    pub(crate) act: Act,
}

/// Where a referral goes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "destination", args = ["jeugdhulp", "tlv", "place", "other"])]
pub(crate) struct Destination {
    /// Youth care in the sense of the Jeugdwet
    #[arg(long)]
    pub(crate) jeugdhulp: bool,
    /// Special education: a toelaatbaarheidsverklaring for this kind of school
    #[arg(long, value_parser = words("voordeur.event.v1.Toelaatbaarheid"))]
    pub(crate) tlv: Option<i32>,
    /// Medical day-care, or the regular place ends
    #[arg(long, value_parser = words("voordeur.event.v1.PlaceDestination"))]
    pub(crate) place: Option<i32>,
    /// Help that is no endpoint
    #[arg(long, value_parser = words("voordeur.event.v1.OtherDestination"))]
    pub(crate) other: Option<i32>,
}

/// More about youth care.
#[derive(Debug, Args)]
pub(crate) struct Care {
    /// Hulpvorm of CBS: 1-4 or 11-14; left out while it is not known
    #[arg(long, requires = "jeugdhulp")]
    pub(crate) hulpvorm: Option<u32>,
    /// Productcategorie of iJw (JZ020): 40-55
    #[arg(long, requires = "jeugdhulp")]
    pub(crate) productcategorie: Option<u32>,
    /// Start in a crisis
    #[arg(long, requires = "jeugdhulp")]
    pub(crate) crisis: bool,
    /// By order of a court
    #[arg(long, requires = "jeugdhulp")]
    pub(crate) court: bool,
}

/// The id of a fact, as it was printed.
fn fact_id(text: &str) -> Result<CommitId, String> {
    let id = text.strip_prefix("fac_").and_then(|digits| CommitId::parse_hex(digits).ok());
    id.ok_or_else(|| {
        "give the id of a fact: fac_ and 32 digits, as `voordeur episode show` prints it".to_owned()
    })
}

#[derive(Debug, Subcommand)]
pub(crate) enum Fact {
    /// Is a referral considered? Judged within 14 days of the first contact
    #[command(after_help = "\
Examples:
  voordeur episode record baseline epi_0011… --answer possible --probability 40 --with parent --with staff --as person:noor
  voordeur episode record baseline epi_0011… --answer imminent --probability 80 --with parent --mark place-at-stake --as person:noor
  voordeur episode record baseline epi_0011… --answer possible --probability 50 --with colleague --second --as person:sam")]
    Baseline {
        #[command(flatten)]
        about: About,
        /// Nobody considers it, it is named as an option, or it is expected within about 90 days
        #[arg(long, value_parser = words("voordeur.event.v1.Baseline"))]
        answer: i32,
        /// Chance of a referral within 12 months if nothing extra is done here, 0-100
        #[arg(long, value_name = "PERCENT")]
        probability: u32,
        /// Who took part beside you; may be given more than once
        #[arg(long = "with", value_name = "WHO", required = true, value_parser = words("voordeur.event.v1.BaselineParticipant"))]
        took_part: Vec<i32>,
        /// Why it is imminent; may be given more than once
        #[arg(long = "mark", value_parser = words("voordeur.event.v1.ImminentMark"))]
        marks: Vec<i32>,
        /// A second judgement, made without looking at the first
        #[arg(long)]
        second: bool,
    },
    /// A goal was set, with the parents unless you say otherwise
    #[command(after_help = "\
Examples:
  voordeur episode record goal epi_0011… --domain gedrag --as person:noor
  voordeur episode record goal epi_0011… --domain sociaal --text \"Speelt elke dag even met een ander kind.\" --as person:noor")]
    Goal {
        #[command(flatten)]
        about: About,
        /// What it is about
        #[arg(long, value_parser = words("voordeur.common.v1.ConcernDomain"))]
        domain: i32,
        /// Parents did not set it along
        #[arg(long)]
        without_parents: bool,
        /// What it says; sealed before it is sent on
        #[arg(long)]
        text: Option<String>,
    },
    /// How far a goal was reached
    #[command(after_help = "\
Example:
  voordeur episode record goal-score epi_0011… --goal fac_0011… --score partly-reached --as person:noor")]
    GoalScore {
        #[command(flatten)]
        about: About,
        /// The fact that set it
        #[arg(long, value_parser = fact_id)]
        goal: CommitId,
        /// How far
        #[arg(long, value_parser = words("voordeur.event.v1.GoalScore"))]
        score: i32,
        /// Parents did not score it along
        #[arg(long)]
        without_parents: bool,
    },
    /// Support that you gave
    #[command(after_help = "\
Example:
  voordeur episode record support epi_0011… --kind on-the-floor --minutes 45 --on 2026-11-20 --as person:noor")]
    Support {
        #[command(flatten)]
        about: About,
        /// Where it went
        #[arg(long, value_parser = words("voordeur.event.v1.SupportKind"))]
        kind: i32,
        /// 1-1440
        #[arg(long)]
        minutes: u32,
        /// What pays for it
        #[arg(long, default_value = "beschikkingsvrij", value_parser = words("voordeur.event.v1.Funding"))]
        funding: i32,
    },
    /// A specialist thought along; no referral
    #[command(after_help = "\
Example:
  voordeur episode record consult epi_0011… --minutes 30 --as person:noor")]
    Consult {
        #[command(flatten)]
        about: About,
        /// 0-1440; 0 when it is not known
        #[arg(long, default_value_t = 0)]
        minutes: u32,
        /// What pays for it
        #[arg(long, default_value = "beschikkingsvrij", value_parser = words("voordeur.event.v1.Funding"))]
        funding: i32,
    },
    /// Somebody asked for specialist care or special education
    #[command(after_help = "\
Examples:
  voordeur episode record referral epi_0011… --jeugdhulp --hulpvorm 2 --productcategorie 45 --verwijzer huisarts --as person:noor
  voordeur episode record referral epi_0011… --tlv sbo --verwijzer onderwijs --on 2026-11-20 --as person:noor")]
    Referral {
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        to: Destination,
        #[command(flatten)]
        care: Care,
        /// Who refers
        #[arg(long, value_parser = words("voordeur.event.v1.Verwijzer"))]
        verwijzer: i32,
    },
    /// A request was granted, refused or withdrawn
    #[command(after_help = "\
Example:
  voordeur episode record decision epi_0011… --referral fac_0011… --decision granted --as person:noor")]
    Decision {
        #[command(flatten)]
        about: About,
        /// The fact that requested it
        #[arg(long, value_parser = fact_id)]
        referral: CommitId,
        /// What was decided
        #[arg(long, value_parser = words("voordeur.event.v1.ReferralDecision"))]
        decision: i32,
    },
    /// Care began, of a known request or without one
    #[command(after_help = "\
Examples:
  voordeur episode record care-start epi_0011… --referral fac_0011… --jeugdhulp --hulpvorm 2 --as person:noor
  voordeur episode record care-start epi_0011… --place medisch-dagverblijf --verwijzer jeugdarts --as person:noor")]
    CareStart {
        #[command(flatten)]
        about: About,
        /// The fact that requested it
        #[arg(long, value_parser = fact_id)]
        referral: Option<CommitId>,
        #[command(flatten)]
        to: Destination,
        #[command(flatten)]
        care: Care,
        /// Who referred; needed when no request is named
        #[arg(long, value_parser = words("voordeur.event.v1.Verwijzer"), required_unless_present = "referral")]
        verwijzer: Option<i32>,
    },
    /// Care ended
    #[command(after_help = "\
Example:
  voordeur episode record care-end epi_0011… --referral fac_0011… --reason volgens-plan --as person:noor")]
    CareEnd {
        #[command(flatten)]
        about: About,
        /// The fact that requested or began it
        #[arg(long, value_parser = fact_id)]
        referral: CommitId,
        /// How (CBS reden beëindiging)
        #[arg(long, value_parser = words("voordeur.event.v1.CareEndReason"))]
        reason: i32,
    },
    /// Was a referral needed? Two different people, one of the receiving provider, after 90 days of care
    #[command(after_help = "\
Examples:
  voordeur episode record review epi_0011… --referral fac_0011… --reviewer marit --verdict needed --as person:noor
  voordeur episode record review epi_0011… --referral fac_0011… --reviewer behandelaar-1 --receiving-provider --verdict avoidable --as person:noor")]
    Review {
        #[command(flatten)]
        about: About,
        /// The fact that requested or began it
        #[arg(long, value_parser = fact_id)]
        referral: CommitId,
        /// Key of the reviewer; of the receiving provider the key by which it knows her, never a name
        #[arg(long)]
        reviewer: String,
        /// What she finds
        #[arg(long, value_parser = words("voordeur.event.v1.ReviewVerdict"))]
        verdict: i32,
        /// She is of the provider that received the child
        #[arg(long)]
        receiving_provider: bool,
    },
    /// A person reported to Veilig Thuis; neutral
    #[command(after_help = "\
Example:
  voordeur episode record veilig-thuis epi_0011… --on 2026-11-20 --as person:noor")]
    VeiligThuis {
        #[command(flatten)]
        about: About,
    },
    /// The child left the centre; from opvang to school in the same centre is no leaving
    #[command(after_help = "\
Example:
  voordeur episode record left epi_0011… --to regular --as person:noor")]
    Left {
        #[command(flatten)]
        about: About,
        /// Where to
        #[arg(long, value_parser = words("voordeur.event.v1.LeavingDestination"))]
        to: i32,
    },
    /// Consent was withdrawn: for what happens afterwards, or altogether
    #[command(after_help = "\
Example:
  voordeur episode record withdraw epi_0011… --scope follow-up --as person:noor")]
    Withdraw {
        #[command(flatten)]
        about: About,
        /// How far
        #[arg(long, value_parser = words("voordeur.event.v1.WithdrawalScope"))]
        scope: i32,
    },
    /// Somebody asked how it goes, in both domains
    #[command(after_help = "\
Examples:
  voordeur episode record check epi_0011… --jeugdhulp none --onderwijs none --need ok --source parents-and-staff --day 90 --as person:noor
  voordeur episode record check epi_0011… --jeugdhulp unknown --onderwijs none --need concern --source staff --as person:noor")]
    Check {
        #[command(flatten)]
        about: About,
        /// A referral to youth care?
        #[arg(long, value_parser = words("voordeur.event.v1.DomainStatus"))]
        jeugdhulp: i32,
        /// A referral to special education?
        #[arg(long, value_parser = words("voordeur.event.v1.DomainStatus"))]
        onderwijs: i32,
        /// Does the child do well enough according to parent and teacher?
        #[arg(long, value_parser = words("voordeur.event.v1.NeedStatus"))]
        need: i32,
        /// Who told
        #[arg(long, value_parser = words("voordeur.event.v1.FollowUpSource"))]
        source: i32,
        /// What is said holds until this day; the day of the check when it is left out
        #[arg(long, value_name = "DAY")]
        covers_until: Option<String>,
        /// The check that it answers, in days after the baseline; left out when nobody asked for it
        #[arg(long, default_value_t = 0)]
        day: u32,
    },
    /// Youth care in the sense of the Jeugdwet began here
    #[command(after_help = "\
Example:
  voordeur episode record youth-care epi_0011… --as person:noor")]
    YouthCare {
        #[command(flatten)]
        about: About,
    },
    /// Plan a warm hand-over
    #[command(after_help = "\
Example:
  voordeur episode record hand-over epi_0011… --moment to-school --reminder 2027-03-01 --as person:noor")]
    HandOver {
        #[command(flatten)]
        about: About,
        /// Which one
        #[arg(long, value_parser = words("voordeur.event.v1.HandOverMoment"))]
        moment: i32,
        /// The day on which it becomes a task
        #[arg(long, value_name = "DAY")]
        reminder: String,
    },
    /// Two aliases turned out to be one child: named in the episode that began later
    #[command(after_help = "\
Example:
  voordeur episode record link epi_2233… --earlier epi_0011… --as person:noor")]
    Link {
        #[command(flatten)]
        about: About,
        /// The episode that began earlier
        #[arg(long, value_name = "EPISODE")]
        earlier: EpisodeId,
    },
    /// Close it, with the national outcome set
    #[command(after_help = "\
Examples:
  voordeur episode record close epi_0011… --reason work-done --end volgens-plan --further-help none \\
      --usefulness 8 --informant parent --certainty-now 8 --certainty-then 4 --as person:noor
  voordeur episode record close epi_0011… --reason child-left --as person:noor")]
    Close {
        #[command(flatten)]
        about: About,
        /// Why
        #[arg(long, value_parser = words("voordeur.event.v1.EpisodeCloseReason"))]
        reason: i32,
        /// How it ended, in the words of CBS
        #[arg(long, value_parser = words("voordeur.event.v1.CareEndReason"))]
        end: Option<i32>,
        /// Is more help needed?
        #[arg(long, value_parser = words("voordeur.event.v1.FurtherHelp"))]
        further_help: Option<i32>,
        /// Usefulness, 1-10; left out when it was not asked or answered
        #[arg(long, requires = "informant")]
        usefulness: Option<u32>,
        /// Who judged the usefulness
        #[arg(long, requires = "usefulness", value_parser = words("voordeur.event.v1.OutcomeInformant"))]
        informant: Option<i32>,
        /// Certainty of whoever raised the signal, 0-10: now
        #[arg(long)]
        certainty_now: Option<u32>,
        /// And looking back: then
        #[arg(long)]
        certainty_then: Option<u32>,
    },
    /// An earlier fact was wrong; takes a second person
    #[command(group(clap::ArgGroup::new("instead").required(true).multiple(true).args(["void", "count", "happened_on", "baseline"])))]
    #[command(after_help = "\
Examples:
  voordeur episode record correct epi_0011… --fact fac_0011… --void --reason wrong-child --second-person marit --as person:noor
  voordeur episode record correct epi_0011… --fact fac_0011… --happened-on 2026-11-18 --reason wrong-date --second-person marit --as person:noor")]
    Correct {
        #[command(flatten)]
        about: About,
        /// The fact that was wrong
        #[arg(long, value_parser = fact_id)]
        fact: CommitId,
        /// It counts no more
        #[arg(long, conflicts_with_all = ["count", "happened_on", "baseline"])]
        void: bool,
        /// It counts again
        #[arg(long)]
        count: bool,
        /// It happened on this day
        #[arg(long, value_name = "DAY", value_parser = wire::moment)]
        happened_on: Option<Timestamp>,
        /// What was judged, for a baseline
        #[arg(long, value_parser = words("voordeur.event.v1.Baseline"))]
        baseline: Option<i32>,
        /// Why it was wrong
        #[arg(long, value_parser = words("voordeur.event.v1.CorrectionReason"))]
        reason: i32,
        /// Key of who agrees: somebody else of the centre
        #[arg(long, value_name = "PERSON")]
        second_person: String,
    },
}
