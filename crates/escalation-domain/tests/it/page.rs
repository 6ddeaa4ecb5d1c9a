//! docs/episodes.md says what the table and the refusals say; a line that is missing there fails here.

use std::{fs, path::Path};

use voordeur_escalation_domain::{LIFE, Refusal};

#[test]
fn the_page_has_every_step_and_every_refusal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/episodes.md");
    let page = fs::read_to_string(path).unwrap();
    let steps = LIFE.iter().map(|step| {
        let (from, change, to) = (step.from.name(), step.change.name(), step.to.name());
        format!("| {from} | `{change}` | {} | {to} |", step.by.name())
    });
    let refusals =
        Refusal::ALL.iter().map(|refusal| format!("| `{}` | {} |", refusal.reason(), refusal.advice()));
    let missing: Vec<String> =
        steps.chain(refusals).filter(|line| !page.lines().any(|l| l == line)).collect();
    assert!(missing.is_empty(), "put these lines into docs/episodes.md:\n{}", missing.join("\n"));
}
