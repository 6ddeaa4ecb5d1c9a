//! From a draft to a submission: every rule at once.

mod child;
mod details;
mod reader;
mod types;

use voordeur_kernel::{
    CentreKey, ConcernDomain, Faults, GroupKey, Role, SafetyLevel, Timestamp, fault::Fault, limits,
};

pub use types::{
    Call, Certainty, ChildReference, Details, Domains, Ground, MainText, Name, NamedChild, Note,
    OwnReference, Permission, Person, ReasonText, Severity, Subject, Submission,
};

use crate::draft::{CentreReference, Code, Draft};
use reader::Reader;

/// What the rules must know of the world.
pub trait Premises {
    /// Now.
    fn now(&self) -> Timestamp;
    /// The centre that is meant, as far as the asking organisation belongs to it.
    fn centre(&self, reference: &CentreReference) -> CentreFound;
    /// The only centre of the asking organisation, if it has one.
    fn only_centre(&self) -> Option<CentreKey>;
    /// Is this a group of the centre?
    fn has_group(&self, centre: &CentreKey, group: &GroupKey) -> bool;
    /// Does the installation allow this processing basis?
    fn allows_basis(&self, key: &str) -> bool;
    /// Is this the key of a person in the directory?
    fn knows_person(&self, key: &str) -> bool;
    /// Is this number known from a register, so that it is no citizen service number?
    fn is_register_number(&self, digits: &str) -> bool;
}

/// Outcome of looking for a centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CentreFound {
    /// The asking organisation works there.
    Own(CentreKey),
    /// It exists, and the asking organisation does not belong to it.
    Foreign,
    /// There is none.
    Unknown,
}

/// What is to become of a draft.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is about a colleague: store nothing, say whom to go to.
    AboutColleague,
    /// It can be taken.
    Accept(Box<Submission>),
}

/// Why a draft is not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Everything that is wrong.
    pub faults: Faults,
    /// Consent is missing: the question may be asked without a name.
    pub offer_consult: bool,
}

/// Reason of the faults about consent.
pub const CONSENT_MISSING: &str = "CONSENT_MISSING";

/// Reads a draft. A safety signal is never refused for a formality: what is wrong is left out or put right and listed in
/// [`Submission::waived`]. What cannot be done without is the centre and something to act on.
///
/// Who hands it over is settled before, by whoever knows the caller.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn parse(draft: &Draft, premises: &dyn Premises) -> Result<Verdict, Rejection> {
    if draft.about_colleague {
        return Ok(Verdict::AboutColleague);
    }
    let mut reader = Reader::new(premises, draft.safety.known().is_some_and(SafetyLevel::is_safety));
    let submission = read(draft, &mut reader);
    let offer_consult = reader.consent_missing;
    let waived = reader.waived();
    match reader.essential.finish(submission) {
        Ok(mut submission) => {
            submission.waived = waived;
            Ok(Verdict::Accept(Box::new(submission)))
        }
        Err(faults) => Err(Rejection { faults, offer_consult }),
    }
}

fn read(draft: &Draft, reader: &mut Reader<'_>) -> Option<Submission> {
    let reference = reader.reference("client_reference", &draft.client_reference);
    let centre = read_centre(draft, reader);
    let (subject, name) = child::read_subject(draft, centre.as_ref(), reader);
    let domains = read_domains(draft, reader);
    let severity = read_severity(draft, reader);
    let safety = reader.code("safety", draft.safety);
    let duration = reader.optional_code("duration", draft.duration);
    let asked_by = match reader.code("asked_by", draft.asked_by) {
        // The path for safety goes on as if somebody of the staff had asked: nothing more is said to the parents then.
        None if reader.lenient => Some(crate::codes::AskedBy::Staff),
        other => other,
    };
    let certainty = draft.certainty.and_then(|value| {
        let certainty = Certainty::new(value);
        if certainty.is_none() {
            reader.form("certainty", "OUT_OF_RANGE", "give 0-10, or leave it out");
        }
        certainty
    });
    let details = details::read(draft, name, reader);
    let calls = read_calls(draft, reader);
    if reader.lenient && !something_to_act_on(draft, &details) {
        reader.essential.add(
            "details.text",
            "REQUIRED",
            "say what it is about, or at least who signals or which child or group",
        );
    }
    Some(Submission {
        reference,
        centre: centre?,
        subject: subject?,
        domains: domains?,
        severity: severity?,
        safety: safety?,
        duration,
        asked_by: asked_by?,
        certainty,
        answer_wanted: draft.answer_wanted,
        urgent: draft.urgent,
        details,
        calls,
        waived: Vec::new(),
    })
}

/// Somebody who is called in needs a text, or somebody or a place to go to.
fn something_to_act_on(draft: &Draft, details: &Details) -> bool {
    details.text.is_some() || details.signaller.is_some() || draft.child.is_some() || draft.group.is_some()
}

fn read_centre(draft: &Draft, reader: &mut Reader<'_>) -> Option<CentreKey> {
    let (field, reason, what) = match &draft.centre {
        None => ("centre", "REQUIRED", "name the centre by its key or by one of its registrations"),
        Some(CentreReference::BadRegistration) => {
            ("centre.registration", "BAD_IDENTIFIER", "give a scheme and a value that fits it")
        }
        Some(reference) => match reader.premises.centre(reference) {
            CentreFound::Own(centre) => return Some(centre),
            // No formality: it would put a text before people of another centre, or hide a mistake about who asks.
            CentreFound::Foreign => {
                let what = "your organisation does not belong to this centre";
                reader.essential.add("centre", "FOREIGN_CENTRE", what);
                return None;
            }
            CentreFound::Unknown => ("centre", "UNKNOWN_CENTRE", "is not in the directory"),
        },
    };
    // A safety signal of an organisation with one centre can only be meant for that one.
    match reader.premises.only_centre().filter(|_| reader.lenient) {
        Some(only) => {
            reader.form(field, reason, what);
            Some(only)
        }
        None => {
            reader.essential.add(field, reason, what);
            None
        }
    }
}

fn read_domains(draft: &Draft, reader: &mut Reader<'_>) -> Option<Domains> {
    let mut known = Vec::new();
    for (index, code) in draft.domains.iter().take(limits::PAGE_ITEMS_DEFAULT).enumerate() {
        match code {
            Code::Known(domain) if known.contains(domain) => {
                reader.form(format!("domains[{index}]"), "DUPLICATE", "name each domain once");
            }
            Code::Known(domain) => known.push(*domain),
            Code::Unknown | Code::Absent => {
                reader.form(format!("domains[{index}]"), "UNKNOWN_CODE", "is not in the list of domains");
            }
        }
    }
    if draft.domains.is_empty() {
        reader.form("domains", "REQUIRED", "name 1-3 domains");
    }
    if draft.domains.len() > limits::DOMAINS_MAX {
        reader.form("domains", "TOO_MANY", "name 1-3 domains");
        known.truncate(limits::DOMAINS_MAX);
    }
    if known.is_empty() && reader.lenient {
        known.push(ConcernDomain::Veiligheid);
    }
    Domains::new(known)
}

fn read_severity(draft: &Draft, reader: &mut Reader<'_>) -> Option<Severity> {
    let severity = Severity::new(draft.severity);
    if severity.is_none() {
        reader.form("severity", "OUT_OF_RANGE", "give 1-5");
        if reader.lenient {
            return Some(Severity::HIGHEST);
        }
    }
    severity
}

fn read_calls(draft: &Draft, reader: &mut Reader<'_>) -> Vec<Call> {
    if draft.calls.len() > limits::CALLS_MAX {
        reader.form("calls", "TOO_MANY", "give at most 5 calls");
    }
    let mut calls = Vec::new();
    for (index, call) in draft.calls.iter().take(limits::CALLS_MAX).enumerate() {
        let service = reader.code(&format!("calls[{index}].service"), call.service);
        let at = reader.past_moment(&format!("calls[{index}].at"), call.at);
        let by: Option<Role> = reader.optional_code(&format!("calls[{index}].by"), call.by);
        if let (Some(service), Some(at)) = (service, at) {
            calls.push(Call { service, at, by });
        }
    }
    calls
}

/// A fault with its place, for tests and tables.
#[must_use]
pub fn places(faults: &[Fault]) -> Vec<(&str, &'static str)> {
    faults.iter().map(|fault| (fault.field.as_str(), fault.reason)).collect()
}
