//! Register identifiers of Dutch organisations. A bare number says nothing (KvK and AGB share a length; LRK, BSN and RSIN share a
//! length and a check), so a value always travels with its scheme.
//!
//! Sources: DUO and RIO for BRIN and RIO keys, the Landelijk Register Kinderopvang for LRK, the Kamer van Koophandel for KvK, Logius
//! for the OIN, Vektis for AGB, CBS for municipality codes, SKJ and BIG for registrations of professionals. Lengths that no public
//! source confirms (SKJ, BIG) are kept lenient.

use std::fmt;

/// The scheme of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// DUO, institution: `25BE`.
    Brin4,
    /// DUO, site: `25BE00`.
    Brin6,
    /// Landelijk Register Kinderopvang, nine digits.
    Lrk,
    /// Kamer van Koophandel, eight digits.
    Kvk,
    /// Kamer van Koophandel, site, twelve digits.
    KvkVestiging,
    /// AGB code, eight digits.
    Agb,
    /// Organisatie-identificatienummer, twenty positions.
    Oin,
    /// RSIN, nine digits.
    Rsin,
    /// RIO onderwijsaanbieder: `103A123`.
    RioAanbieder,
    /// Samenwerkingsverband passend onderwijs: `PO2202`.
    Swv,
    /// CBS code of a municipality, four digits.
    Gemeentecode,
    /// Registration in the Kwaliteitsregister Jeugd.
    Skj,
    /// Registration under art. 3 of the Wet BIG.
    Big,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 13] = [
        Self::Brin4,
        Self::Brin6,
        Self::Lrk,
        Self::Kvk,
        Self::KvkVestiging,
        Self::Agb,
        Self::Oin,
        Self::Rsin,
        Self::RioAanbieder,
        Self::Swv,
        Self::Gemeentecode,
        Self::Skj,
        Self::Big,
    ];

    /// The scheme as it is written in directory files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brin4 => "BRIN4",
            Self::Brin6 => "BRIN6",
            Self::Lrk => "LRK",
            Self::Kvk => "KVK",
            Self::KvkVestiging => "KVK_VESTIGING",
            Self::Agb => "AGB",
            Self::Oin => "OIN",
            Self::Rsin => "RSIN",
            Self::RioAanbieder => "RIO_AANBIEDER",
            Self::Swv => "SWV",
            Self::Gemeentecode => "GEMEENTECODE",
            Self::Skj => "SKJ",
            Self::Big => "BIG",
        }
    }

    /// Reads the name of a scheme.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    const fn form(self) -> &'static str {
        match self {
            Self::Brin4 => "two digits and two capitals, for instance 25BE",
            Self::Brin6 => "two digits, two capitals and two digits, for instance 25BE00",
            Self::Lrk => "nine digits",
            Self::Kvk => "eight digits",
            Self::KvkVestiging => "twelve digits",
            Self::Agb => "eight digits",
            Self::Oin => "twenty positions, beginning with 000000",
            Self::Rsin => "nine digits",
            Self::RioAanbieder => "three digits, A and three digits, for instance 103A123",
            Self::Swv => "PO or VO and four digits, for instance PO2202 or PO-22-02",
            Self::Gemeentecode => "four digits",
            Self::Skj => "six to twelve digits",
            Self::Big => "eleven digits",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value that does not have the form of its scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value of {} has {}", scheme.name(), scheme.form())]
pub struct BadIdentifier {
    /// The scheme it was given for.
    pub scheme: Scheme,
}

/// A register identifier: scheme and value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    scheme: Scheme,
    value: String,
}

/// Does the text follow a pattern of `d` (digit), `A` (capital), `x` (digit or capital), anything else literally?
fn follows(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, kind)| match kind {
            b'd' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'x' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            literal => byte == literal,
        })
}

impl Identifier {
    /// Reads a value of a scheme.
    ///
    /// # Errors
    /// When the value does not have the form of the scheme.
    pub fn parse(scheme: Scheme, value: &str) -> Result<Self, BadIdentifier> {
        let mut value = value.trim().to_owned();
        let good = match scheme {
            Scheme::Brin4 => follows(&value, "ddAA"),
            Scheme::Brin6 => follows(&value, "ddAAdd"),
            Scheme::Lrk | Scheme::Rsin => follows(&value, "ddddddddd"),
            Scheme::Kvk | Scheme::Agb => follows(&value, "dddddddd"),
            Scheme::KvkVestiging => follows(&value, "dddddddddddd"),
            Scheme::Oin => follows(&value, "000000ddxxxxxxxxxxxx"),
            // The literal A of a RIO key stands where the pattern would mean "any capital".
            Scheme::RioAanbieder => follows(&value, "dddAddd") && value.as_bytes().get(3) == Some(&b'A'),
            Scheme::Swv => {
                value.retain(|c| c != '-');
                follows(&value, "POdddd") || follows(&value, "VOdddd")
            }
            Scheme::Gemeentecode => follows(&value, "dddd"),
            Scheme::Skj => (6..=12).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit()),
            Scheme::Big => follows(&value, "ddddddddddd"),
        };
        if good { Ok(Self { scheme, value }) } else { Err(BadIdentifier { scheme }) }
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The value, in its one spelling.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Is this an LRK number that fails the check that all known ones pass? Worth a warning, no fault: no source documents it.
    #[must_use]
    pub fn is_unusual(&self) -> bool {
        self.scheme == Scheme::Lrk && !crate::text::looks_like_bsn(&self.value)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scheme, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_are_read_and_wrong_forms_are_not() {
        let table = [
            (Scheme::Brin4, "25BE", true),
            (Scheme::Brin4, "25be", false),
            (Scheme::Brin6, "11ZZ03", true),
            (Scheme::Brin6, "25BE", false),
            (Scheme::Lrk, "105897917", true),
            (Scheme::Lrk, "10589791", false),
            (Scheme::Kvk, "12345678", true),
            (Scheme::KvkVestiging, "000012345678", true),
            (Scheme::Agb, "4100000", false),
            (Scheme::Oin, "0000000700025BE00000", true),
            (Scheme::Oin, "00000001800866472000", true),
            (Scheme::Oin, "10000001800866472000", false),
            (Scheme::RioAanbieder, "103A123", true),
            (Scheme::RioAanbieder, "103B123", false),
            (Scheme::Gemeentecode, "0363", true),
            (Scheme::Skj, "100012345", true),
            (Scheme::Skj, "12345", false),
            (Scheme::Big, "12345678901", true),
            (Scheme::Brin4, "é5B", false),
        ];
        for (scheme, value, good) in table {
            assert_eq!(Identifier::parse(scheme, value).is_ok(), good, "{scheme} {value}");
        }
    }

    #[test]
    fn both_spellings_of_a_samenwerkingsverband_are_one_value() {
        let [a, b] = ["PO-22-02", "PO2202"].map(|v| Identifier::parse(Scheme::Swv, v).unwrap());
        assert_eq!(a, b);
        assert_eq!(a.to_string(), "SWV PO2202");
    }

    #[test]
    fn an_unusual_childcare_number_is_a_warning_only() {
        assert!(!Identifier::parse(Scheme::Lrk, "105897917").unwrap().is_unusual());
        assert!(Identifier::parse(Scheme::Lrk, "105897918").unwrap().is_unusual());
    }

    #[test]
    fn every_scheme_has_one_name() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::by_name(scheme.name()), Some(scheme));
        }
    }
}
