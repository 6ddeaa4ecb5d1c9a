//! What can be said about a fact without knowing the episode: every fault at once.

use voordeur_kernel::Faults;

use crate::{
    event::{Change, Check, Closing, Correction, Destination, Jeugdhulp, Judgement},
    words::{Baseline, CareEndReason, CloseReason, OtherDestination, Verwijzer},
};

/// Most minutes of one fact: a day.
const MINUTES_MAX: u16 = 1_440;
/// Furthest day after the baseline that a check can answer.
const FOLLOW_UP_DAY_MAX: u16 = 3_650;
/// Largest sealed text of a goal, in bytes.
const SEALED_BYTES_MAX: usize = 16 * 1024 + 64;
/// Hulpvormen of CBS Beleidsinformatie Jeugd, version 7.
const HULPVORMEN: [u8; 8] = [1, 2, 3, 4, 11, 12, 13, 14];
/// Carried out by the wijkteam: freely accessible, so nobody refers.
const HULPVORM_WIJKTEAM: u8 = 1;
/// iJw JZ020.
const PRODUCTCATEGORIEEN: std::ops::RangeInclusive<u8> = 40..=55;
/// Jeugdhulp crisis.
const PRODUCT_CRISIS: u8 = 46;
/// Jeugdreclassering and jeugdbescherming.
const PRODUCTS_COURT: [u8; 2] = [47, 48];

/// What is wrong with a fact that somebody wants to record; fields by their name in the contract.
#[must_use]
pub fn faults(change: &Change) -> Faults {
    let mut faults = Faults::new();
    match change {
        Change::BaselineAssessed(judgement) => of_judgement(judgement, &mut faults),
        Change::GoalSet(goal) if goal.text.as_ref().is_some_and(|text| !fits(&text.sealed)) => {
            faults.add("goal_set.text.box", "TOO_LONG", "give what SealText returned");
        }
        Change::SupportGiven { minutes, .. } if !(1..=MINUTES_MAX).contains(minutes) => {
            faults.add("support_given.minutes", "OUT_OF_RANGE", "give 1-1440 minutes");
        }
        Change::SpecialistConsulted { minutes, .. } if *minutes > MINUTES_MAX => {
            faults.add(
                "specialist_consulted.minutes",
                "OUT_OF_RANGE",
                "give 0-1440 minutes; 0 when it is not known",
            );
        }
        Change::ReferralRequested { destination, verwijzer, .. } => {
            of_destination("referral_requested", *destination, Some(*verwijzer), &mut faults);
        }
        Change::CareStarted { destination, verwijzer, .. } => {
            of_destination("care_started", *destination, *verwijzer, &mut faults);
        }
        Change::FollowUpChecked(check) => of_check(check, &mut faults),
        Change::Closed(closing) => of_closing(closing, &mut faults),
        Change::Corrected(correction) => of_correction(correction, &mut faults),
        _ => {}
    }
    faults
}

const fn fits(sealed: &[u8]) -> bool {
    !sealed.is_empty() && sealed.len() <= SEALED_BYTES_MAX
}

fn of_judgement(judgement: &Judgement, faults: &mut Faults) {
    if judgement.probability_percent > 100 {
        faults.add("baseline_assessed.probability_percent", "OUT_OF_RANGE", "give 0-100");
    }
    if judgement.took_part.is_empty() {
        faults.add(
            "baseline_assessed.took_part",
            "REQUIRED",
            "say who took part in the judgement: parent, staff, child or a colleague",
        );
    }
    let imminent = judgement.baseline == Baseline::Imminent;
    if imminent && judgement.marks.is_empty() {
        faults.add(
            "baseline_assessed.marks",
            "MARK_REQUIRED",
            "imminent needs a concrete mark: a request was named, the place is at stake, severity 4-5, or the team is at its limit",
        );
    }
    if !imminent && !judgement.marks.is_empty() {
        faults.add(
            "baseline_assessed.marks",
            "MARK_WITHOUT_IMMINENT",
            "a mark belongs to imminent only: judge imminent, or leave the mark out",
        );
    }
}

/// Who may refer where follows from the lists: freely accessible help has no verwijzer (CBS: always 06 with hulpvorm 01), a court refers
/// through the court or the gecertificeerde instelling, and a TLV is asked for by education, which refers to no youth care.
fn of_destination(field: &str, destination: Destination, verwijzer: Option<Verwijzer>, faults: &mut Faults) {
    let mut contradicts = |text: &'static str| {
        faults.add(format!("{field}.verwijzer"), "VERWIJZER_CONTRADICTS", text);
    };
    match (destination, verwijzer) {
        (Destination::Jeugdhulp(_), Some(Verwijzer::Onderwijs)) => {
            contradicts("school and samenwerkingsverband do not refer to jeugdhulp; say who did");
        }
        (Destination::Jeugdhulp(Jeugdhulp { hulpvorm: Some(HULPVORM_WIJKTEAM), .. }), Some(by))
            if by != Verwijzer::Geen =>
        {
            contradicts("hulpvorm 1 is freely accessible: the verwijzer is geen (6)");
        }
        (Destination::Jeugdhulp(Jeugdhulp { hulpvorm: Some(hulpvorm), .. }), Some(Verwijzer::Geen))
            if hulpvorm != HULPVORM_WIJKTEAM =>
        {
            contradicts("only hulpvorm 1 has no verwijzer; say who referred");
        }
        (Destination::Jeugdhulp(Jeugdhulp { court: true, .. }), Some(by))
            if !matches!(by, Verwijzer::GecertificeerdeInstelling | Verwijzer::RechterOvj) =>
        {
            contradicts("by order of a court the verwijzer is 8 (rechter) or 4 (gecertificeerde instelling)");
        }
        (Destination::Onderwijs(_), Some(by)) if by != Verwijzer::Onderwijs => {
            contradicts("a toelaatbaarheidsverklaring is asked for by education (9)");
        }
        (Destination::Other(OtherDestination::VrijToegankelijk), Some(by)) if by != Verwijzer::Geen => {
            contradicts("freely accessible help has no verwijzer: geen (6)");
        }
        _ => {}
    }
    let Destination::Jeugdhulp(care) = destination else { return };
    if care.hulpvorm.is_some_and(|hulpvorm| !HULPVORMEN.contains(&hulpvorm)) {
        faults.add(
            format!("{field}.destination.jeugdhulp.hulpvorm"),
            "UNKNOWN_CODE",
            "give a hulpvorm of CBS: 1-4 or 11-14; 0 while it is not known",
        );
    }
    let Some(product) = care.productcategorie else { return };
    let place = format!("{field}.destination.jeugdhulp.productcategorie");
    if !PRODUCTCATEGORIEEN.contains(&product) {
        faults.add(
            place,
            "UNKNOWN_CODE",
            "give a productcategorie of iJw (JZ020): 40-55; 0 while it is not known",
        );
    } else if product == PRODUCT_CRISIS && !care.crisis {
        faults.add(place, "CODE_CONTRADICTS", "productcategorie 46 is a start in a crisis: say so");
    } else if PRODUCTS_COURT.contains(&product) && !care.court {
        faults.add(place, "CODE_CONTRADICTS", "productcategorie 47 and 48 are by order of a court: say so");
    }
}

fn of_check(check: &Check, faults: &mut Faults) {
    if check.day > FOLLOW_UP_DAY_MAX {
        faults.add("follow_up_checked.day", "OUT_OF_RANGE", "give days after the baseline, or 0");
    }
}

fn of_closing(closing: &Closing, faults: &mut Faults) {
    if closing.usefulness.is_some_and(|mark| !(1..=10).contains(&mark)) {
        faults.add(
            "closed.usefulness",
            "OUT_OF_RANGE",
            "give 1-10, or leave it out when it was not asked or answered",
        );
    }
    if closing.usefulness.is_some() != closing.informant.is_some() {
        faults.add("closed.informant", "REQUIRED", "say who judged the usefulness, and only then");
    }
    for (field, certainty) in
        [("certainty_now", closing.certainty_now), ("certainty_then", closing.certainty_then)]
    {
        if certainty.is_some_and(|certainty| certainty > 10) {
            faults.add(format!("closed.{field}"), "OUT_OF_RANGE", "give 0-10, or leave it out");
        }
    }
    let by_people =
        matches!(closing.reason, CloseReason::WorkDone | CloseReason::FamilyEnded | CloseReason::WeEnded);
    if by_people && closing.further_help.is_none() {
        faults.add(
            "closed.further_help",
            "REQUIRED",
            "say whether more help is needed (national outcome set, 3.1)",
        );
    }
    let fits = match (closing.reason, closing.end) {
        (CloseReason::WorkDone, Some(end)) => {
            matches!(end, CareEndReason::VolgensPlan | CareEndReason::VoortijdigInOvereenstemming)
        }
        (CloseReason::FamilyEnded, Some(end)) => end == CareEndReason::VoortijdigDoorClient,
        (CloseReason::WeEnded, Some(end)) => end == CareEndReason::VoortijdigDoorAanbieder,
        (CloseReason::ChildLeft | CloseReason::ConsentWithdrawn | CloseReason::WindowEnded, _) => true,
        (_, None) => false,
    };
    if !fits {
        faults.add(
            "closed.end",
            "END_CONTRADICTS",
            "say how it ended in the words of CBS: work_done is 1 or 2, family_ended is 3, we_ended is 4",
        );
    }
}

fn of_correction(correction: &Correction, faults: &mut Faults) {
    if correction.reason.is_none() {
        faults.add("corrected_fact.reason", "REQUIRED", "say why the fact was wrong");
    }
    if correction.void && (correction.effective_at.is_some() || correction.baseline.is_some()) {
        faults.add("corrected_fact.void", "CONTRADICTS", "what is voided has no other day or answer");
    }
}
