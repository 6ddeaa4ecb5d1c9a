//! What was written, and by whom.

use super::{Details, Person, reader::Reader, types::Name};
use crate::draft::{Draft, PersonDraft};

pub(super) fn read(draft: &Draft, child_name: Option<Name>, reader: &mut Reader<'_>) -> Details {
    let raw = &draft.details;
    if raw.text.0.trim().is_empty() {
        reader.form("details.text", "REQUIRED", "say what it is about");
    }
    let details = Details {
        text: reader.text("details.text", &raw.text),
        tried: reader.text("details.tried", &raw.tried),
        parents_say: reader.text("details.parents_say", &raw.parents_say),
        child_thinks: reader.text("details.child_thinks", &raw.child_thinks),
        signaller: raw.signaller.as_ref().and_then(|p| person("details.signaller", p, reader)),
        intern_begeleider: raw
            .intern_begeleider
            .as_ref()
            .and_then(|p| person("details.intern_begeleider", p, reader)),
        child_name,
    };
    if !raw.child_name.0.is_empty() {
        // One place for the name, so that one rule watches over it.
        reader.form("details.child_name", "NOT_HERE", "give the name of the child in child.display_name");
    }
    if draft.answer_wanted && raw.signaller.is_none() {
        reader.form(
            "details.signaller",
            "REQUIRED",
            "say who signals: only she and her intern begeleider may read the answer",
        );
    }
    details
}

fn person(path: &str, draft: &PersonDraft, reader: &mut Reader<'_>) -> Option<Person> {
    let local_id = reader.reference(&format!("{path}.local_id"), &draft.local_id);
    let name = reader.text(&format!("{path}.name"), &draft.name);
    let role = reader.optional_code(&format!("{path}.role"), draft.role);
    // In a safety signal a name without an account is still somebody to go to.
    (local_id.is_some() || name.is_some()).then_some(Person { local_id, name, role })
}
