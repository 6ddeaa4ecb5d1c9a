//! Texts that people and other systems write: ids, keys, identifiers, positions, moments, settings, JSON.

use voordeur::wire;
use voordeur_chassis::{Identity, config::Config};
use voordeur_contracts::intake::SubmitSignalRequest;
use voordeur_eventlog::{StreamName, Subject};
use voordeur_kernel::{
    ActivityId, AskerId, CentreKey, ChildAlias, CommandId, CommitId, DataKeyId, EpisodeId, GroupKey,
    OrganisationKey, ProfessionalKey, SignalId, TaskId,
    identifier::{Identifier, Scheme},
    text::{Reference, Text, holds_bsn, mask_bsn},
};

use crate::check::is_discreet;

const REQUEST: &str = "voordeur.intake.v1.SubmitSignalRequest";

/// What is taken prints as it was written; what is not says so without repeating it.
macro_rules! reads_back {
    ($text:ident: $($kind:ty),* $(,)?) => {$(
        match $text.parse::<$kind>() {
            Ok(read) => assert_eq!(read.to_string(), $text),
            Err(refusal) => is_discreet(&refusal.to_string()),
        }
    )*};
}

/// One word as everything that has the form of a word.
pub(crate) fn word(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    reads_back!(text: SignalId, TaskId, EpisodeId, ActivityId, ChildAlias, CommandId, CommitId, DataKeyId, AskerId);
    reads_back!(text: OrganisationKey, CentreKey, GroupKey, ProfessionalKey, Identity);
    if let Ok(id) = TaskId::parse_hex(text) {
        assert_eq!(id.to_hex(), text);
    }
    if let Ok(subject) = Subject::parse(text) {
        assert_eq!(subject.as_str(), text);
        assert!(Subject::of(subject.prefix(), subject.key()).is_ok() || subject.prefix().is_empty());
    }
    if let Some(stream) = StreamName::by_name(text) {
        assert_eq!(stream.as_str(), text);
    }
    for scheme in Scheme::ALL {
        match Identifier::parse(scheme, text) {
            Ok(identifier) => {
                assert_eq!(Identifier::parse(scheme, identifier.value()).as_ref(), Ok(&identifier));
                let _ = identifier.is_unusual();
            }
            Err(refusal) => is_discreet(&refusal.to_string()),
        }
    }
    match wire::position(text) {
        Ok(position) => {
            let shown = wire::shown_position(Some(&position));
            assert_eq!(wire::position(&shown), Ok(position));
        }
        Err(refusal) => is_discreet(&refusal),
    }
    match wire::moment(text) {
        Ok(moment) => assert_eq!(wire::moment(&moment.to_string()), Ok(moment)),
        Err(refusal) => is_discreet(&refusal),
    }
}

/// A text with a bound, and the guard against citizen service numbers.
pub(crate) fn text(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match Text::<100>::parse(text) {
        Ok(read) => {
            assert!(read.as_str().chars().count() <= 100);
            assert_eq!(Text::<100>::parse(read.as_str()).as_ref(), Ok(&read));
            is_discreet(&format!("{read:?}"));
        }
        Err(refusal) => is_discreet(&refusal.to_string()),
    }
    match Reference::<64>::parse(text) {
        Ok(read) => is_discreet(&format!("{read:?}")),
        Err(refusal) => is_discreet(&refusal.to_string()),
    }
    let none = |_: &str| false;
    let masked = mask_bsn(text, none);
    if holds_bsn(text, none) {
        assert!(!holds_bsn(&masked, none), "a number is left");
        assert_eq!(mask_bsn(&masked, none), masked);
    } else {
        assert_eq!(masked, text);
    }
    assert!(!holds_bsn(text, |_| true));
}

/// A file with settings, and after a NUL the environment, one variable a line.
pub(crate) fn settings(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let (file, environment) = text.split_once('\0').unwrap_or((text, ""));
    let environment = || {
        let lines = environment.lines().filter_map(|line| line.split_once('='));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let read = Config::from_sources(Some(("file", file)), environment());
    assert_eq!(
        format!("{read:?}"),
        format!("{:?}", Config::from_sources(Some(("file", file)), environment()))
    );
    if let Err(refusal) = read {
        // The names of settings may be repeated, so that a slip of the pen is found; what was set may not.
        refusal.0.as_slice().iter().for_each(|fault| is_discreet(&fault.description));
    }
}

/// A file for `voordeur outcome survival`.
pub(crate) fn subjects(input: &[u8]) {
    match voordeur::survival_of(input) {
        Ok(answer) => {
            assert_eq!(voordeur::survival_of(input).as_ref().ok(), Some(&answer));
            let part = ["/km/overall", "/km_cause1_others_censored/overall"];
            let overall = part.iter().find_map(|part| answer.pointer(part)).expect("everybody is estimated");
            let list = |name: &str| overall["table"][name].as_array().expect("a column of the table");
            let mut before = 1.0;
            for (free, left) in list("surv").iter().zip(list("n_risk")) {
                let free = free.as_f64().expect("a share on every day");
                assert!((0.0..=before).contains(&free), "{free} after {before}");
                assert!(left.as_u64() <= overall["n"].as_u64());
                before = free;
            }
        }
        Err(refusal) => {
            is_discreet(&refusal.message);
            refusal.faults.iter().for_each(|fault| is_discreet(fault));
        }
    }
}

/// One line of a file for `voordeur signal submit`.
pub(crate) fn json(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match wire::from_json::<SubmitSignalRequest>(REQUEST, text) {
        Ok(request) => {
            let shown = wire::to_json(REQUEST, &request).expect("what was read can be shown").to_string();
            let again = wire::from_json::<SubmitSignalRequest>(REQUEST, &shown);
            assert_eq!(again.expect("what was shown can be read"), request);
        }
        // The name of a field that is none may be repeated, so that a slip of the pen is found.
        Err(refusal) => is_discreet(refusal.message.split("field name '").next().unwrap_or_default()),
    }
}
