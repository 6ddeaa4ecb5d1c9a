//! The endpoint list: which destinations are specialist care or special education. Versioned, because the day a kind of care changes its
//! place, figures move and no child notices.

use super::fact::Domain;
use crate::{
    event::{Destination, Jeugdhulp},
    words::{OtherDestination, PlaceDestination, Verwijzer},
};

/// Kinds of endpoints, shown apart under every total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Individual youth care that isn't freely accessible.
    R1,
    /// Special education: SBO or SO.
    R2,
    /// Medical day-care, or the regular place ends because of the support that is needed.
    R3,
    /// Crisis, residential, court measure.
    R4,
}

impl Endpoint {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::R1, Self::R2, Self::R3, Self::R4];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::R4 => "R4",
        }
    }

    /// Of a referral of which nothing more is known than its domain and whether it was imposed.
    #[must_use]
    pub const fn plain(domain: Domain, imposed: Option<Imposed>) -> Self {
        match (imposed, domain) {
            (Some(_), _) => Self::R4,
            (None, Domain::Jeugdhulp) => Self::R1,
            (None, Domain::Onderwijs) => Self::R2,
        }
    }
}

/// Needed by definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Imposed {
    /// By order of a court, or in the justice frame.
    Court,
    /// In a crisis.
    Crisis,
}

/// What a row of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Help outside of the Jeugdwet and of special education.
    Other(OtherDestination),
    /// Start in a crisis, or a productcategorie (iJw JZ020) that is crisis care.
    Crisis {
        /// Those categories.
        productcategorie: &'static [u8],
    },
    /// By order of a court, referred by one, or a productcategorie (iJw JZ020) of the justice frame.
    Court {
        /// Those categories.
        productcategorie: &'static [u8],
    },
    /// A hulpvorm of CBS Beleidsinformatie Jeugd.
    Hulpvorm(&'static [u8]),
    /// A productcategorie (iJw JZ020), when the hulpvorm isn't known.
    Productcategorie(&'static [u8]),
    /// Any other youth care, also when nothing more is known of it.
    Jeugdhulp,
    /// A toelaatbaarheidsverklaring (TLV) for any kind of school.
    Onderwijs,
    /// A place that isn't the regular one.
    Place(PlaceDestination),
    /// The child left the centre for a specialist place.
    LeftToSpecialist,
}

/// One row: the first that fits decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointRow {
    /// What fits.
    pub what: What,
    /// Which kind of endpoint it is; `None`: none.
    pub endpoint: Option<Endpoint>,
}

/// A list of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointList {
    /// Its name.
    pub name: &'static str,
    /// Its rows; the first that fits decides.
    pub rows: &'static [EndpointRow],
}

const fn row(what: What, endpoint: Option<Endpoint>) -> EndpointRow {
    EndpointRow { what, endpoint }
}

/// The endpoint list ESC-1. Unknown details count as an endpoint: a referral mustn't vanish because a code is missing.
pub(super) const ESC_1: EndpointList = EndpointList {
    name: "ESC-1",
    rows: &[
        row(What::Other(OtherDestination::Zvw), None),
        // Reported apart.
        row(What::Other(OtherDestination::Dyslexie), None),
        row(What::Other(OtherDestination::VrijToegankelijk), None),
        row(What::Crisis { productcategorie: &[46] }, Some(Endpoint::R4)),
        row(What::Court { productcategorie: &[47, 48, 49] }, Some(Endpoint::R4)),
        // Carried out by the wijkteam: freely accessible.
        row(What::Hulpvorm(&[1]), None),
        // Closed, and other stay: residential. Foster care (11) and family homes (12) are stay too, but not residential.
        row(What::Hulpvorm(&[13, 14]), Some(Endpoint::R4)),
        row(What::Hulpvorm(&[2, 3, 4, 11, 12]), Some(Endpoint::R1)),
        row(What::Productcategorie(&[43, 44]), Some(Endpoint::R4)),
        row(What::Jeugdhulp, Some(Endpoint::R1)),
        row(What::Onderwijs, Some(Endpoint::R2)),
        row(What::Place(PlaceDestination::MedischDagverblijf), Some(Endpoint::R3)),
        row(What::Place(PlaceDestination::RegularPlaceEnded), Some(Endpoint::R3)),
        row(What::LeftToSpecialist, Some(Endpoint::R3)),
    ],
};

impl EndpointList {
    /// Is a referral to this destination an endpoint, and of which kind? With what was imposed.
    #[must_use]
    pub fn of(
        &self,
        destination: Destination,
        verwijzer: Option<Verwijzer>,
    ) -> Option<(Endpoint, Option<Imposed>)> {
        let row = self.rows.iter().find(|row| row.what.fits(destination, verwijzer))?;
        let imposed = match row.what {
            What::Crisis { .. } => Some(Imposed::Crisis),
            What::Court { .. } => Some(Imposed::Court),
            _ => None,
        };
        row.endpoint.map(|endpoint| (endpoint, imposed))
    }

    /// The kind of endpoint of a child that left for a specialist place.
    #[must_use]
    pub fn left_to_specialist(&self) -> Option<Endpoint> {
        self.rows.iter().find(|row| row.what == What::LeftToSpecialist).and_then(|row| row.endpoint)
    }
}

impl What {
    fn fits(self, destination: Destination, verwijzer: Option<Verwijzer>) -> bool {
        let care = match destination {
            Destination::Jeugdhulp(care) => Some(care),
            _ => None,
        };
        let category = |care: Option<Jeugdhulp>| care.and_then(|care| care.productcategorie);
        let is_in = |code: Option<u8>, codes: &[u8]| code.is_some_and(|code| codes.contains(&code));
        match self {
            Self::Other(which) => destination == Destination::Other(which),
            Self::Crisis { productcategorie } => {
                care.is_some_and(|care| care.crisis) || is_in(category(care), productcategorie)
            }
            Self::Court { productcategorie } => {
                care.is_some_and(|care| care.court)
                    || verwijzer == Some(Verwijzer::RechterOvj)
                    || is_in(category(care), productcategorie)
            }
            Self::Hulpvorm(codes) => is_in(care.and_then(|care| care.hulpvorm), codes),
            Self::Productcategorie(codes) => {
                care.is_some_and(|care| care.hulpvorm.is_none()) && is_in(category(care), codes)
            }
            Self::Jeugdhulp => care.is_some(),
            Self::Onderwijs => matches!(destination, Destination::Onderwijs(_)),
            Self::Place(which) => destination == Destination::Place(which),
            Self::LeftToSpecialist => false,
        }
    }
}

/// Which answer of a follow-up check a referral to this destination explains.
#[must_use]
pub(super) const fn domain_of(destination: Destination) -> Domain {
    match destination {
        Destination::Jeugdhulp(_)
        | Destination::Place(PlaceDestination::MedischDagverblijf)
        | Destination::Other(_) => Domain::Jeugdhulp,
        Destination::Onderwijs(_) | Destination::Place(PlaceDestination::RegularPlaceEnded) => {
            Domain::Onderwijs
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Toelaatbaarheid;

    const UNKNOWN: Jeugdhulp =
        Jeugdhulp { hulpvorm: None, productcategorie: None, crisis: false, court: false };

    fn of(care: Jeugdhulp) -> Option<(Endpoint, Option<Imposed>)> {
        ESC_1.of(Destination::Jeugdhulp(care), Some(Verwijzer::Gemeente))
    }

    #[test]
    fn every_hulpvorm_has_its_row() {
        let found = [1, 2, 3, 4, 11, 12, 13, 14]
            .map(|code| of(Jeugdhulp { hulpvorm: Some(code), ..UNKNOWN }).map(|(endpoint, _)| endpoint));
        let (one, four) = (Some(Endpoint::R1), Some(Endpoint::R4));
        assert_eq!(found, [None, one, one, one, one, one, four, four]);
    }

    #[test]
    fn a_crisis_and_a_court_count_whatever_the_form() {
        let wijkteam = Jeugdhulp { hulpvorm: Some(1), ..UNKNOWN };
        assert_eq!(of(Jeugdhulp { crisis: true, ..wijkteam }), Some((Endpoint::R4, Some(Imposed::Crisis))));
        assert_eq!(of(Jeugdhulp { court: true, ..wijkteam }), Some((Endpoint::R4, Some(Imposed::Court))));
        let category = |code| of(Jeugdhulp { productcategorie: Some(code), ..UNKNOWN });
        assert_eq!(category(46), Some((Endpoint::R4, Some(Imposed::Crisis))));
        assert_eq!(category(48), Some((Endpoint::R4, Some(Imposed::Court))));
        assert_eq!(category(44), Some((Endpoint::R4, None)));
        assert_eq!(category(54), Some((Endpoint::R1, None)));
        let by_court = ESC_1.of(Destination::Jeugdhulp(wijkteam), Some(Verwijzer::RechterOvj));
        assert_eq!(by_court, Some((Endpoint::R4, Some(Imposed::Court))));
    }

    #[test]
    fn what_is_not_known_is_no_way_out() {
        assert_eq!(of(UNKNOWN), Some((Endpoint::R1, None)));
        assert_eq!(ESC_1.of(Destination::Jeugdhulp(UNKNOWN), None), Some((Endpoint::R1, None)));
        let onbekend = Destination::Onderwijs(Toelaatbaarheid::Onbekend);
        assert_eq!(ESC_1.of(onbekend, None), Some((Endpoint::R2, None)));
    }

    #[test]
    fn every_place_counts_and_nothing_else_does() {
        for place in PlaceDestination::ALL {
            assert_eq!(ESC_1.of(Destination::Place(*place), None), Some((Endpoint::R3, None)));
        }
        for other in OtherDestination::ALL {
            assert_eq!(ESC_1.of(Destination::Other(*other), Some(Verwijzer::RechterOvj)), None);
        }
        assert_eq!(ESC_1.left_to_specialist(), Some(Endpoint::R3));
    }
}
