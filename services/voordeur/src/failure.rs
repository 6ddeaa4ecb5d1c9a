//! What can go wrong on the command line, and how it is told: what, where, and what to do.

use std::{fmt::Write as _, process::ExitCode};

use prost::Message as _;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{StatusExt as _, pb};
use voordeur_chassis::{StartError, config::BadConfig};
use voordeur_contracts::intake::Guidance;
use voordeur_eventlog::topology::TopologyError;
use voordeur_kernel::ErrorKind;

use crate::plain::with_steps;

/// Why a command did not succeed; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Something broke.
    Failed = 1,
    /// The command line, a file or a setting is wrong.
    Usage = 2,
    /// A rule said no; the same again gets the same answer.
    Refused = 3,
    /// Something is away; the same again may succeed.
    NotAvailable = 4,
}

/// A command that did not succeed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Decides the exit code.
    pub why: Why,
    /// What is wrong, one line.
    pub message: String,
    /// Stable code, where there is one.
    pub reason: String,
    /// Everything that is wrong with the input, one line each.
    pub faults: Vec<String>,
    /// What to do, one line each.
    pub advice: Vec<String>,
}

impl Failure {
    /// A failure with one line.
    pub fn new(why: Why, message: impl Into<String>) -> Self {
        Self { why, message: message.into(), reason: String::new(), faults: Vec::new(), advice: Vec::new() }
    }

    /// Wrong use.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Why::Usage, message)
    }

    /// Something broke.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Why::Failed, message)
    }

    /// Says what to do.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// The code to end with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.why as u8)
    }

    /// As it stands on standard error.
    #[must_use]
    pub fn shown(&self, json: bool) -> String {
        if json {
            let error = json!({
                "exitCode": self.why as u8, "reason": self.reason, "message": self.message,
                "faults": self.faults, "advice": self.advice,
            });
            return json!({ "error": error }).to_string();
        }
        let mut text = format!("voordeur: {}", with_steps(&self.message));
        // The only fault is the message often enough; once is enough.
        for line in self.faults.iter().filter(|line| **line != self.message) {
            let _ = write!(text, "\n  {line}");
        }
        for line in &self.advice {
            let _ = write!(text, "\n  -> {line}");
        }
        text
    }
}

/// The exit code that belongs to a gRPC code.
#[must_use]
pub const fn why(code: Code) -> Why {
    match code {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Aborted => {
            Why::NotAvailable
        }
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unauthenticated => Why::Refused,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => Why::Failed,
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let mut failure = Self::new(why(status.code()), status.message().to_owned());
        failure.reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        if let Some(bad) = details.bad_request() {
            failure.faults = bad
                .field_violations
                .iter()
                .map(|fault| format!("{}: {}", fault.field, fault.description))
                .collect();
        }
        if let Some(guidance) = guidance_in(&status) {
            failure.advice.extend(guidance_lines(&guidance));
        }
        if status.code() == Code::Unavailable && failure.reason.is_empty() {
            // Not from a service: there was none.
            failure.message = "no service answers".to_owned();
            failure.advice.push(
                "is `voordeur serve all --dev --data DIR` running? Say where with --endpoints FILE".into(),
            );
        } else if status.code() == Code::Unauthenticated {
            // The service names the header that programs set.
            failure.message = "it is not said who you are".to_owned();
            failure
                .advice
                .push("say who you are with --as organisation:<key>, person:<key> or operator".into());
        }
        if failure.message.is_empty() {
            failure.message = format!("the service answered {:?}", status.code());
        }
        failure.advice.extend(next(&failure.reason, &failure.message).map(str::to_owned));
        failure
    }
}

/// The command to go on with after a refusal of a service.
fn next(reason: &str, message: &str) -> Option<&'static str> {
    let nothing = |what: &str| reason == "NOT_FOUND" && message.contains(what);
    match reason {
        "NOT_A_SOURCE_SYSTEM" => Some("say for which organisation with --as organisation:<key>"),
        "NOT_YOUR_STEP" | "STEP_NOT_ALLOWED" | "NOT_ASKED" => {
            Some("`voordeur task show TASK` tells who holds it and what you may do now")
        }
        "ALREADY_TAKEN" => Some("`voordeur task list` shows what still waits for somebody"),
        "VERSION_CHANGED" => {
            Some("look again with `voordeur task show TASK`, then decide, with --seen of that version")
        }
        "IDEMPOTENCY_KEY_REUSED" => {
            Some("leave --key out, or give another one: this one was used for another act")
        }
        _ if nothing("such task") => {
            Some("`voordeur task list` shows yours, with --whole-centre those of a coordinator's centres")
        }
        _ if nothing("such signal") => Some("`voordeur signal list` shows those of your organisation"),
        _ if nothing("such episode") => Some("`voordeur episode list` shows those that you may see"),
        _ => None,
    }
}

fn guidance_in(status: &Status) -> Option<Guidance> {
    let rich = pb::Status::decode(status.details()).ok()?;
    let detail =
        rich.details.iter().find(|detail| detail.type_url.ends_with("/voordeur.intake.v1.Guidance"))?;
    Guidance::decode(detail.value.as_slice()).ok()
}

/// What to do now, line by line.
pub fn guidance_lines(guidance: &Guidance) -> Vec<String> {
    let numbers = guidance.phone_numbers.iter().map(|phone| format!("{}: {}", phone.label, phone.number));
    guidance.lines.iter().cloned().chain(numbers).collect()
}

impl From<BadConfig> for Failure {
    fn from(error: BadConfig) -> Self {
        let faults = error.0.as_slice().iter().map(|fault| format!("{}: {}", fault.field, fault.description));
        Self { faults: faults.collect(), ..Self::usage("the settings have faults") }
            .advise("`voordeur config --markdown` explains every setting")
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Broker(error) => error.into(),
            StartError::Settings(text) => Self::usage(text),
            StartError::Unavailable(text) => Self::new(Why::NotAvailable, text),
            StartError::Io { .. } | StartError::Failed(_) => Self::failed(error.to_string()),
        }
    }
}

impl From<TopologyError> for Failure {
    fn from(error: TopologyError) -> Self {
        match error {
            TopologyError::Differs(lines) => {
                Self { faults: lines, ..Self::new(Why::Refused, "the broker is not as it should be") }
            }
            TopologyError::Unavailable(text) => {
                Self::new(Why::NotAvailable, format!("the broker cannot be reached: {text}"))
                    .advise(WHERE_THE_BROKER_IS)
            }
        }
    }
}

/// A failure of a kind of the kernel.
pub fn of_kind(kind: ErrorKind, message: impl Into<String>) -> Failure {
    let why = match kind {
        ErrorKind::Invalid => Why::Usage,
        ErrorKind::Broken => Why::Failed,
        kind if kind.may_retry() => Why::NotAvailable,
        _ => Why::Refused,
    };
    let failure = Failure::new(why, message);
    if why == Why::NotAvailable { failure.advise(WHERE_THE_BROKER_IS) } else { failure }
}

/// What to look at when the broker is away.
const WHERE_THE_BROKER_IS: &str = "check broker.url, or point --endpoints at a running `voordeur serve all`";

#[cfg(test)]
mod tests {
    use voordeur_chassis::Problem;
    use voordeur_kernel::Faults;

    use super::*;

    #[test]
    fn a_refusal_tells_every_fault_and_ends_with_three() {
        let mut faults = Faults::new();
        faults.add("severity", "OUT_OF_RANGE", "give 1-5");
        faults.add("domains", "REQUIRED", "give 1-3 domains");
        let guidance = Guidance { lines: vec!["Bel 112 bij direct gevaar.".into()], ..Guidance::default() };
        let problem = Problem::invalid(faults).with_detail("voordeur.intake.v1.Guidance", &guidance);
        let failure = Failure::from(Status::from(problem));
        assert_eq!(failure.why, Why::Refused);
        assert_eq!(
            failure.shown(false),
            "voordeur: the request has 2 faults; see the details\n  severity: give 1-5\n  domains: give 1-3 domains\n  -> Bel 112 bij direct gevaar."
        );
        let json: serde_json::Value = serde_json::from_str(&failure.shown(true)).unwrap();
        assert_eq!(json["error"]["faults"][0], "severity: give 1-5");
        assert_eq!(json["error"]["exitCode"], 3);
    }

    #[test]
    fn a_refusal_names_the_commands_that_people_type_and_one_to_go_on_with() {
        let problem = Problem::new(
            ErrorKind::Refused,
            "STEP_NOT_ALLOWED",
            "the task is requested; allowed for you now: DeclineTask, AcceptTask",
        );
        let failure = Failure::from(Status::from(problem));
        let shown = failure.shown(false);
        assert!(shown.contains("allowed for you now: decline, accept\n"), "{shown}");
        assert!(shown.contains("-> `voordeur task show TASK`"), "{shown}");
        assert!(failure.shown(true).contains("AcceptTask"), "programs get what the service said");
        let unknown = Failure::from(Status::unauthenticated("set x-voordeur-dev-identity")).shown(false);
        assert!(unknown.contains("--as") && !unknown.contains("x-voordeur"), "{unknown}");
    }

    #[test]
    fn a_single_fault_is_told_once() {
        let mut faults = Faults::new();
        faults.add("severity", "OUT_OF_RANGE", "give 1-5");
        let failure = Failure::from(Status::from(Problem::invalid(faults)));
        assert_eq!(failure.shown(false), "voordeur: severity: give 1-5");
        let json: serde_json::Value = serde_json::from_str(&failure.shown(true)).unwrap();
        assert_eq!(json["error"]["faults"][0], "severity: give 1-5");
    }

    #[test]
    fn what_is_away_ends_with_four_and_says_where_to_look() {
        let failure = Failure::from(Status::unavailable("connection refused"));
        assert_eq!(failure.why, Why::NotAvailable);
        assert!(failure.shown(false).contains("--endpoints"));
        for kind in ErrorKind::ALL {
            let code = voordeur_chassis::problem::code_of(kind);
            assert_eq!(why(code) == Why::NotAvailable, kind.may_retry(), "{kind:?}");
        }
    }
}
