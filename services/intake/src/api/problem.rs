//! Refusals and failures as callers see them.

use voordeur_chassis::{Problem, edge::is_idempotency_key};
use voordeur_contracts::{
    common,
    intake::{FieldFault, Guidance, ItemError},
};
use voordeur_intake_domain::life::Refusal;
use voordeur_kernel::{ErrorKind, Faults};
use voordeur_vault::VaultError;

use crate::guidance;

/// A refusal of the domain.
pub(crate) fn refusal(refusal: Refusal) -> Problem {
    let message = refusal.to_string();
    match refusal {
        Refusal::NoSuchSignal => Problem::not_found("signal"),
        Refusal::ReferenceReused => Problem::new(ErrorKind::AlreadyExists, "REFERENCE_REUSED", message),
        Refusal::KeyReused => Problem::new(ErrorKind::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", message),
        Refusal::VersionChanged => Problem::new(ErrorKind::Conflict, "VERSION_CHANGED", message),
        Refusal::NotNow(reason) => Problem::refused(reason, message),
        Refusal::OtherTask => Problem::broken(message),
    }
}

/// A failure of the vault.
pub(crate) fn vault_problem(error: VaultError) -> Problem {
    match error {
        VaultError::Erased => Problem::new(ErrorKind::NotFound, "ERASED", "the text was erased"),
        VaultError::Bucket(error) => error.into(),
        other => {
            let kind = other.kind();
            if kind == ErrorKind::Broken {
                tracing::error!(error = %other, "the vault failed");
            }
            Problem::new(
                kind,
                "VAULT",
                "the text could not be sealed or opened; try again or tell the operator",
            )
        }
    }
}

/// Checks what every changing command carries.
pub(crate) fn idempotency_key(
    command: Option<&common::CommandContext>,
    faults: &mut Faults,
) -> (String, u64) {
    let Some(command) = command else {
        faults.add("command", "REQUIRED", "give an idempotency key");
        return (String::new(), 0);
    };
    check_key("command.idempotency_key", &command.idempotency_key, faults);
    (command.idempotency_key.clone(), command.seen_version)
}

/// Checks one key.
pub(crate) fn check_key(field: &str, key: &str, faults: &mut Faults) {
    if !is_idempotency_key(key) {
        faults.add(field, "BAD_KEY", "give 8-64 characters of A-Z a-z 0-9 - _");
    }
}

/// The same content as a status, for one item of a stream.
pub(crate) fn item_error(problem: Problem) -> ItemError {
    let guidance = problem.extra.iter().find(|detail| detail.type_url.ends_with(guidance::NAME));
    let guidance =
        guidance.and_then(|detail| <Guidance as prost::Message>::decode(detail.value.as_slice()).ok());
    ItemError {
        code: code_name(problem.kind).to_owned(),
        reason: problem.reason.to_owned(),
        message: problem.message.into_owned(),
        faults: problem
            .faults
            .into_vec()
            .into_iter()
            .map(|fault| FieldFault {
                field: fault.field,
                reason: fault.reason.to_owned(),
                description: fault.description.into_owned(),
            })
            .collect(),
        retry_after_ms: problem
            .retry_after
            .map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        guidance,
    }
}

const fn code_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid => "INVALID_ARGUMENT",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::AlreadyExists => "ALREADY_EXISTS",
        ErrorKind::Conflict => "ABORTED",
        ErrorKind::NotAuthenticated => "UNAUTHENTICATED",
        ErrorKind::NotAllowed => "PERMISSION_DENIED",
        ErrorKind::Refused => "FAILED_PRECONDITION",
        ErrorKind::Unavailable => "UNAVAILABLE",
        ErrorKind::TimedOut => "DEADLINE_EXCEEDED",
        ErrorKind::TooMuch => "RESOURCE_EXHAUSTED",
        ErrorKind::Broken => "INTERNAL",
    }
}
