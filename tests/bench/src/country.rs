//! An invented country: centres with their people, and the signals that come from there. Keys have a fixed width, so that a stored event
//! of one centre becomes one of another by changing its digits.

use std::fmt::Write as _;

use voordeur_contracts::{
    event::AgeBand,
    intake::{
        CentreReference, ChildSubject, SubmitSignalRequest, centre_reference::Reference,
        submit_signal_request::Subject,
    },
};
use voordeur_system_tests::signals;

/// School boards: each hands over for a part of the centres.
pub(crate) const BOARDS: usize = 4;
/// Children whom a board signals about day by day.
const CHILDREN: usize = 5_000;
/// The professionals of a centre, before the number of their centre.
const PROFESSIONALS: [&str; 3] = ["noor", "sam", "yasmina"];
const DAYS: &str = r#"["ma", "di", "wo", "do", "vr", "za", "zo"]"#;

/// Code of the one municipality: one that the CBS gave to nobody.
pub(crate) const MUNICIPALITY: &str = "9999";
/// Who may ask for a report of every centre.
pub(crate) const COUNTRY_COORDINATOR: &str = "marit-land";

/// Digits of a key.
pub(crate) fn digits(centre: usize) -> String {
    format!("-{centre:04}")
}

pub(crate) fn centre_key(centre: usize) -> String {
    format!("centrum{}", digits(centre))
}

pub(crate) fn coordinator(centre: usize) -> String {
    format!("marit{}", digits(centre))
}

/// The board that hands over for a centre.
pub(crate) const fn board_of(centre: usize) -> usize {
    centre % BOARDS
}

/// Who calls, for a board.
pub(crate) fn identity(board: usize) -> String {
    format!("organisation:bestuur-{board}")
}

/// The directory file. Every centre is childcare that never closes, because a bench runs on any day.
pub(crate) fn directory(centres: usize) -> String {
    let mut text =
        "format = 1\n\n[organisation.jeugdhulp]\nkind = \"youth_care_provider\"\nlabel = \"Jeugdhulp\"\n"
            .to_owned();
    for board in 0..BOARDS {
        let _ = write!(
            text,
            "\n[organisation.bestuur-{board}]\nkind = \"childcare\"\nlabel = \"Bestuur {board}\"\n\
             processing_bases = [\"toestemming\"]\naandachtsfunctionaris = \"kamer 1\"\n\
             vertrouwensinspecteur = \"Vertrouwensinspecteur van het onderwijs\"\n"
        );
    }
    for centre in 0..centres {
        let (key, board) = (centre_key(centre), board_of(centre));
        let _ = write!(
            text,
            "\n[centre.{key}]\nlabel = \"Centrum {centre}\"\nmunicipality = \"9999\"\nholiday_region = \"midden\"\n\
             opening = [{{ days = {DAYS}, from = \"00:00\", until = \"24:00\" }}]\nopen_on_holidays = true\n\
             organisations = [\"bestuur-{board}\", \"jeugdhulp\"]\n\
             [centre.{key}.group.groep-3]\nlabel = \"Groep 3\"\norganisation = \"bestuur-{board}\"\n"
        );
        let professionals = PROFESSIONALS.iter().enumerate().map(|(index, name)| {
            let registration = 990_000_000 + centre * PROFESSIONALS.len() + index;
            let extra = format!(
                "registration = {{ scheme = \"SKJ\", value = \"{registration}\" }}\nexpertise = [\"GEDRAG\"]\n"
            );
            (format!("{name}{}", digits(centre)), "professional", extra)
        });
        let everybody = professionals.chain([(coordinator(centre), "coordinator", String::new())]);
        for (person, role, extra) in everybody {
            let _ = write!(
                text,
                "\n[person.{person}]\nlabel = \"Iemand\"\norganisation = \"jeugdhulp\"\nrole = \"{role}\"\n{extra}\
                 hours_per_week = 28\ncentres = [\"{key}\"]\n\
                 presence = [{{ centre = \"{key}\", days = {DAYS}, from = \"00:00\", until = \"24:00\" }}]\n"
            );
        }
    }
    let all: Vec<String> = (0..centres).map(|centre| format!("\"{}\"", centre_key(centre))).collect();
    let _ = write!(
        text,
        "\n[person.{COUNTRY_COORDINATOR}]\nlabel = \"Iemand\"\norganisation = \"jeugdhulp\"\nrole = \"coordinator\"\ncentres = [{}]\n",
        all.join(", ")
    );
    text
}

/// A signal of everyday: children, groups and questions in turn, now and then one about safety. A child comes back a few times in a run.
pub(crate) fn everyday(run: &str, number: usize, centre: usize) -> SubmitSignalRequest {
    let mut signal = at(signals::signal(run, number), centre);
    if let Some(Subject::Child(_)) = signal.subject {
        signal.subject = Some(signals::about_child(number / 3 % CHILDREN));
    }
    signal
}

/// A signal about a child that nobody knew yet.
pub(crate) fn about_new_child(run: &str, number: usize, centre: usize) -> SubmitSignalRequest {
    // Every third of everyday's is about a child.
    let mut signal = at(signals::signal(run, number * 3), centre);
    signal.client_reference = format!("{run}-{number}");
    signal.safety = voordeur_contracts::common::SafetyLevel::None.into();
    signal.subject = Some(Subject::Child(ChildSubject {
        local_number: format!("{run}-{number}"),
        age_band: AgeBand::Under12.into(),
        group: String::new(),
        display_name: format!("{} {number}", signals::NAME),
    }));
    signal
}

fn at(mut signal: SubmitSignalRequest, centre: usize) -> SubmitSignalRequest {
    signal.centre = Some(CentreReference { reference: Some(Reference::Key(centre_key(centre))) });
    signal
}
