//! What a concern is about and how safe the child is. The names are the field's own and are stable; labels belong to screens.

/// Domain of a concern. At most [`crate::limits::DOMAINS_MAX`] on one signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConcernDomain {
    /// Druk, boos, grensoverschrijdend gedrag.
    Gedrag,
    /// Stil, angstig, somber, teruggetrokken: apart from behaviour, because it is what is missed.
    EmotieTerugtrekkend,
    /// Contact met andere kinderen, pesten.
    Sociaal,
    /// Spraak en taal.
    SpraakTaal,
    /// Bewegen, zien, horen.
    MotoriekZintuigen,
    /// Ontwikkeling, leren, aandacht.
    OntwikkelingLeren,
    /// Zindelijkheid, eten, slapen.
    Zelfredzaamheid,
    /// Lichamelijke gezondheid.
    Gezondheid,
    /// Opvoedvragen, gezinssituatie, scheiding.
    ThuisOpvoeding,
    /// Geld, wonen.
    ThuisBestaanszekerheid,
    /// Verzuim, te laat, niet opgehaald.
    Aanwezigheid,
    /// Zorg over veiligheid: opens the help of the meldcode, is never only routed.
    Veiligheid,
    /// Anders.
    Anders,
}

impl ConcernDomain {
    /// Every domain, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 13] = [
        Self::Gedrag,
        Self::EmotieTerugtrekkend,
        Self::Sociaal,
        Self::SpraakTaal,
        Self::MotoriekZintuigen,
        Self::OntwikkelingLeren,
        Self::Zelfredzaamheid,
        Self::Gezondheid,
        Self::ThuisOpvoeding,
        Self::ThuisBestaanszekerheid,
        Self::Aanwezigheid,
        Self::Veiligheid,
        Self::Anders,
    ];

    /// The name in files and contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gedrag => "GEDRAG",
            Self::EmotieTerugtrekkend => "EMOTIE_TERUGTREKKEND",
            Self::Sociaal => "SOCIAAL",
            Self::SpraakTaal => "SPRAAK_TAAL",
            Self::MotoriekZintuigen => "MOTORIEK_ZINTUIGEN",
            Self::OntwikkelingLeren => "ONTWIKKELING_LEREN",
            Self::Zelfredzaamheid => "ZELFREDZAAMHEID",
            Self::Gezondheid => "GEZONDHEID",
            Self::ThuisOpvoeding => "THUIS_OPVOEDING",
            Self::ThuisBestaanszekerheid => "THUIS_BESTAANSZEKERHEID",
            Self::Aanwezigheid => "AANWEZIGHEID",
            Self::Veiligheid => "VEILIGHEID",
            Self::Anders => "ANDERS",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|domain| domain.name() == name)
    }
}

/// Safety as the field's norm weighs it (afwegingskader meldcode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SafetyLevel {
    /// No concern about safety.
    None,
    /// Structural unsafety.
    Structural,
    /// In danger now or in the coming days, or a child told.
    Acute,
}

impl SafetyLevel {
    /// Every level, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 3] = [Self::None, Self::Structural, Self::Acute];

    /// Is it a safety signal?
    #[must_use]
    pub const fn is_safety(self) -> bool {
        !matches!(self, Self::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_domain_has_one_name() {
        for domain in ConcernDomain::ALL {
            assert_eq!(ConcernDomain::by_name(domain.name()), Some(domain));
        }
    }
}
