//! A submission out of bytes: decoded, read with every fault at once, judged.

use prost::Message as _;
use voordeur_contracts::intake::SubmitSignalRequest;
use voordeur_intake_domain::{CentreFound, CentreReference, Premises, Verdict, parse};
use voordeur_kernel::{CentreKey, GroupKey, Timestamp, limits, text::holds_bsn};

use crate::check::{is_discreet, now};

/// One centre with one group; the child's school has no other.
struct OneCentre;

impl Premises for OneCentre {
    fn now(&self) -> Timestamp {
        now()
    }

    fn centre(&self, reference: &CentreReference) -> CentreFound {
        match reference {
            CentreReference::Key(key) if key.0 == "de-wilg" => {
                CentreFound::Own(CentreKey::parse("de-wilg").expect("a key"))
            }
            CentreReference::Key(key) if key.0 == "de-els" => CentreFound::Foreign,
            _ => CentreFound::Unknown,
        }
    }

    fn only_centre(&self) -> Option<CentreKey> {
        CentreKey::parse("de-wilg").ok()
    }

    fn has_group(&self, _: &CentreKey, group: &GroupKey) -> bool {
        group.as_str() == "groep-3"
    }

    fn allows_basis(&self, key: &str) -> bool {
        key == "toestemming"
    }

    fn knows_person(&self, key: &str) -> bool {
        key == "noor"
    }

    fn is_register_number(&self, digits: &str) -> bool {
        digits == "123456782"
    }
}

/// A `SubmitSignalRequest`.
pub(crate) fn draft(input: &[u8]) {
    let Ok(request) = SubmitSignalRequest::decode(input) else { return };
    let draft = voordeur_intake::draft(&request);
    let again =
        SubmitSignalRequest::decode(request.encode_to_vec().as_slice()).expect("what was written reads");
    assert_eq!(voordeur_intake::draft(&again), draft);
    is_discreet(&format!("{draft:?}").replace(&format!("{:?}", draft.centre), ""));
    let outcome = parse(&draft, &OneCentre);
    assert_eq!(outcome, parse(&draft, &OneCentre), "the same draft, another verdict");
    let lenient = draft.safety.known().is_some_and(voordeur_kernel::SafetyLevel::is_safety);
    match outcome {
        Ok(Verdict::AboutColleague) => assert!(request.about_colleague),
        Ok(Verdict::Accept(submission)) => {
            is_discreet(&format!("{submission:?}"));
            assert!(lenient || submission.waived.is_empty(), "a formality was waived without need");
            assert!(submission.waived.len() <= limits::FAULTS_MAX);
            assert!(submission.calls.len() <= limits::CALLS_MAX);
            let details = &submission.details;
            let notes = [&details.tried, &details.parents_say, &details.child_thinks];
            let texts = notes.into_iter().flatten().map(|note| note.as_str());
            for text in texts.chain(details.text.as_ref().map(|text| text.as_str())) {
                assert!(
                    !holds_bsn(text, |digits| OneCentre.is_register_number(digits)),
                    "a number got through"
                );
            }
        }
        Err(rejection) => {
            assert!(!rejection.faults.is_empty());
            let faults = rejection.faults.as_slice();
            assert!(faults.len() <= limits::FAULTS_MAX + 1, "{} faults", faults.len());
            for fault in faults {
                is_discreet(&format!("{} {} {}", fault.field, fault.reason, fault.description));
            }
        }
    }
}
