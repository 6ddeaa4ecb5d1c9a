//! What to do now, in Dutch that everybody can read (B1), ready to show. The system never says that it has reported anything, or that
//! somebody is there: only what the roster says, with the absences that were said.

use voordeur_contracts::intake::{Guidance, GuidanceKind, OnDuty, PhoneNumber};
use voordeur_directory::{Directory, OrganisationKind};

/// Name of the message, for details of errors.
pub(crate) const NAME: &str = "voordeur.intake.v1.Guidance";

/// What a refusal carries that comes before a request was read. Nobody knows whether somebody is in need, so what to do then is said.
pub(crate) fn of_refusal(method: &str) -> Option<prost_types::Any> {
    const ABOUT_ONE: [&str; 5] =
        ["SubmitSignal", "SubmitSignals", "GetSignal", "WithdrawSignal", "AcknowledgeAnswer"];
    let name = method.strip_prefix("voordeur.intake.v1.SignalIntakeService/")?;
    ABOUT_ONE.contains(&name).then(|| {
        let nowhere = Scene { directory: None, organisation: "", on_duty: OnDuty::Unknown }.safety();
        prost_types::Any {
            type_url: format!("type.googleapis.com/{NAME}"),
            value: prost::Message::encode_to_vec(&nowhere),
        }
    })
}

/// What is known of where the question comes from. Anything may be missing: guidance comes all the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) directory: Option<&'a Directory>,
    pub(crate) organisation: &'a str,
    /// Is somebody on duty there now, by the weekly hours and by what people said?
    pub(crate) on_duty: OnDuty,
}

impl Scene<'_> {
    /// For a safety signal, in every reply.
    pub(crate) fn safety(&self) -> Guidance {
        let mut lines = self.safety_lines();
        lines.push(duty_line(self.on_duty).to_owned());
        Guidance {
            kind: GuidanceKind::Safety.into(),
            lines,
            phone_numbers: phone_numbers(),
            on_duty: self.on_duty.into(),
        }
    }

    fn safety_lines(&self) -> Vec<String> {
        let own = self.directory.and_then(|d| d.organisation(self.organisation));
        let desk = match own.and_then(|organisation| organisation.aandachtsfunctionaris.as_deref()) {
            Some(desk) => format!("Ga ook naar de aandachtsfunctionaris: {desk}."),
            None => "Ga ook naar de aandachtsfunctionaris van je organisatie.".to_owned(),
        };
        [
            "Is er nu gevaar? Bel 112.",
            "Bel Veilig Thuis: 0800-2000. Dat kan dag en nacht en het is gratis. Je kunt ook advies vragen zonder een naam te noemen.",
            &desk,
            "Dit bericht vervangt de meldcode niet. Volg de stappen van de meldcode van je organisatie.",
            "Er is niets gemeld. Voordeur meldt of belt nooit voor jou.",
        ]
        .map(str::to_owned)
        .into()
    }

    /// For a question about a colleague or the holder. The meldcode does not cover it: Wko art. 1.51b and 1.51c, WPO art. 4a.
    pub(crate) fn about_colleague(&self, safety: bool) -> Guidance {
        let own = self.directory.and_then(|d| d.organisation(self.organisation));
        let mut lines = vec!["Er is niets opgeslagen van wat je schreef.".to_owned()];
        if safety {
            lines.insert(0, "Is er nu gevaar? Bel 112.".to_owned());
        }
        lines.push("Praat er niet over met de collega om wie het gaat.".to_owned());
        let kind = own.map(|organisation| organisation.kind);
        if kind != Some(OrganisationKind::School) {
            lines.push(
                "Werk je in de opvang? Vertel het meteen aan de houder. De houder overlegt direct met de vertrouwensinspecteur."
                    .to_owned(),
            );
            lines.push(
                "Gaat het over de houder zelf? Bel dan zelf de vertrouwensinspecteur en doe aangifte bij de politie."
                    .to_owned(),
            );
        }
        if kind != Some(OrganisationKind::Childcare) {
            lines.push(
                "Werk je op school? Vertel het meteen aan het bevoegd gezag (het bestuur). Het bestuur overlegt direct met de vertrouwensinspecteur."
                    .to_owned(),
            );
        }
        if let Some(desk) = own.and_then(|organisation| organisation.vertrouwensinspecteur.as_deref()) {
            lines.push(format!("Vertrouwensinspecteur: {desk}."));
        }
        if safety {
            lines.push(
                "Je kunt ook Veilig Thuis bellen: 0800-2000, dag en nacht, ook zonder een naam te noemen."
                    .to_owned(),
            );
            lines.push("Er is niets gemeld. Voordeur meldt of belt nooit voor jou.".to_owned());
        }
        if safety {
            lines.push(duty_line(self.on_duty).to_owned());
        }
        Guidance {
            kind: GuidanceKind::AboutColleague.into(),
            lines,
            phone_numbers: if safety { phone_numbers() } else { Vec::new() },
            on_duty: self.on_duty.into(),
        }
    }

    /// Consent is missing: the question may be asked without a name.
    pub(crate) fn offer_consult(&self) -> Guidance {
        Guidance {
            kind: GuidanceKind::OfferConsult.into(),
            lines: [
                "Je hebt nog geen toestemming om dit kind met naam te bespreken.",
                "Je kunt je vraag nu al stellen zonder naam, als consult. Je krijgt dan ook antwoord.",
                "Schrijf dan niets op waaraan iemand het kind herkent.",
            ]
            .map(str::to_owned)
            .into(),
            phone_numbers: Vec::new(),
            on_duty: self.on_duty.into(),
        }
    }
}

fn duty_line(on_duty: OnDuty) -> &'static str {
    match on_duty {
        OnDuty::Yes => {
            "Volgens het rooster is er nu een jeugdhulpprofessional op het kindcentrum. Loop langs of bel. Wacht bij gevaar niet."
        }
        OnDuty::No => "Volgens het rooster is er nu geen jeugdhulpprofessional. Wacht hier niet op antwoord.",
        OnDuty::Unknown | OnDuty::Unspecified => {
            "We weten niet of er nu een jeugdhulpprofessional is. Wacht hier niet op antwoord."
        }
    }
}

fn phone_numbers() -> Vec<PhoneNumber> {
    [("Bij direct gevaar", "112"), ("Veilig Thuis, dag en nacht", "0800-2000")]
        .map(|(label, number)| PhoneNumber { label: label.to_owned(), number: number.to_owned() })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Scene<'static> {
        Scene { directory: None, organisation: "school", on_duty: OnDuty::Unknown }
    }

    #[test]
    fn without_a_directory_the_guidance_is_still_there() {
        let guidance = nowhere().safety();
        let text = guidance.lines.join("\n");
        for needed in [
            "112",
            "0800-2000",
            "zonder een naam",
            "aandachtsfunctionaris",
            "meldcode niet",
            "niets gemeld",
            "Wacht hier niet op antwoord",
        ] {
            assert!(text.contains(needed), "{needed}");
        }
        assert_eq!(guidance.on_duty(), OnDuty::Unknown);
        let numbers: Vec<_> = guidance.phone_numbers.iter().map(|p| p.number.as_str()).collect();
        assert_eq!(numbers, ["112", "0800-2000"]);
    }

    #[test]
    fn about_a_colleague_both_roads_are_shown_when_nobody_knows_what_the_organisation_is() {
        let text = nowhere().about_colleague(false).lines.join("\n");
        for needed in ["niets opgeslagen", "houder", "bevoegd gezag", "vertrouwensinspecteur"] {
            assert!(text.contains(needed), "{needed}");
        }
        assert!(nowhere().about_colleague(true).lines[0].contains("112"));
    }
}
