//! Who must have consented before a named child may be shared (Jeugdwet art. 7.3.4 for the ages; whether it is each parent with authority
//! is settled by who is listed as having it).

use jiff::civil::Date;

use crate::codes::{AgeBand, ConsentGiver, ConsentScope, ConsentStatus};

/// What one person said about sharing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Consent {
    /// Who.
    pub giver: ConsentGiver,
    /// What she said.
    pub status: ConsentStatus,
    /// For what, in order, each once.
    pub scopes: Vec<ConsentScope>,
    /// When; always there when she consented.
    pub date: Option<Date>,
}

impl Consent {
    fn allows_sharing(&self) -> bool {
        self.status == ConsentStatus::Consented && self.scopes.contains(&ConsentScope::ShareWithProfessional)
    }
}

/// Why the consents do not suffice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Nobody with authority is listed.
    #[error("name each parent with authority (both, or the only one) or the guardian")]
    NobodyWithAuthority,
    /// A sole parent or a guardian beside another holder of authority.
    #[error("a sole parent or a guardian cannot stand beside another holder of authority")]
    Contradiction,
    /// Only one of two parents is listed.
    #[error("the other parent with authority is missing; or give the one as sole parent")]
    OtherParent,
    /// The young person is not listed.
    #[error("from 12 years on the young person must consent too")]
    YoungPerson,
    /// Somebody was informed, which is not consent.
    #[error("informed is not consented")]
    OnlyInformed,
    /// Somebody refused.
    #[error("one of them refused")]
    Refused,
    /// Somebody was not asked.
    #[error("one of them was not asked")]
    NotAsked,
    /// A consent does not cover sharing with the professional.
    #[error("a consent does not cover sharing with the professional")]
    OtherScope,
}

/// Do these consents suffice to share a child of this age with the embedded professional?
///
/// # Errors
/// The first reason why not.
pub fn suffices(age: AgeBand, consents: &[Consent]) -> Result<(), Missing> {
    let find = |giver| consents.iter().find(|consent| consent.giver == giver);
    let mut needed = Vec::new();
    if age != AgeBand::From16 {
        needed.extend(holders_of_authority(find)?);
    }
    if age != AgeBand::Under12 {
        needed.push(find(ConsentGiver::YoungPerson).ok_or(Missing::YoungPerson)?);
    }
    match needed.into_iter().find(|consent| !consent.allows_sharing()) {
        None => Ok(()),
        Some(consent) => Err(match consent.status {
            ConsentStatus::Consented => Missing::OtherScope,
            ConsentStatus::Informed => Missing::OnlyInformed,
            ConsentStatus::Refused => Missing::Refused,
            ConsentStatus::NotAsked => Missing::NotAsked,
        }),
    }
}

fn holders_of_authority<'a>(
    find: impl Fn(ConsentGiver) -> Option<&'a Consent>,
) -> Result<Vec<&'a Consent>, Missing> {
    let [first, second, sole, guardian] =
        [ConsentGiver::Parent1, ConsentGiver::Parent2, ConsentGiver::SoleParent, ConsentGiver::Guardian]
            .map(find);
    match (first, second, sole, guardian) {
        (None, None, None, None) => Err(Missing::NobodyWithAuthority),
        (Some(first), Some(second), None, None) => Ok(vec![first, second]),
        (None, None, Some(one), None) | (None, None, None, Some(one)) => Ok(vec![one]),
        (Some(_), None, None, None) | (None, Some(_), None, None) => Err(Missing::OtherParent),
        _ => Err(Missing::Contradiction),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConsentGiver::{Guardian, Parent1, Parent2, SoleParent, YoungPerson};

    fn yes(giver: ConsentGiver) -> Consent {
        said(giver, ConsentStatus::Consented)
    }

    fn said(giver: ConsentGiver, status: ConsentStatus) -> Consent {
        let date = Some(jiff::civil::date(2026, 1, 5));
        Consent { giver, status, scopes: vec![ConsentScope::ShareWithProfessional], date }
    }

    #[test]
    fn each_holder_of_authority_must_consent_below_twelve() {
        for (givers, outcome) in [
            (vec![Parent1, Parent2], Ok(())),
            (vec![SoleParent], Ok(())),
            (vec![Guardian], Ok(())),
            (vec![], Err(Missing::NobodyWithAuthority)),
            (vec![YoungPerson], Err(Missing::NobodyWithAuthority)),
            (vec![Parent1], Err(Missing::OtherParent)),
            (vec![Parent2], Err(Missing::OtherParent)),
            (vec![SoleParent, Parent2], Err(Missing::Contradiction)),
            (vec![Guardian, Parent1, Parent2], Err(Missing::Contradiction)),
        ] {
            let consents: Vec<_> = givers.iter().copied().map(yes).collect();
            assert_eq!(suffices(AgeBand::Under12, &consents), outcome, "{givers:?}");
        }
    }

    #[test]
    fn from_twelve_on_the_young_person_consents_too_and_from_sixteen_on_alone() {
        let both = [yes(SoleParent), yes(YoungPerson)];
        assert_eq!(suffices(AgeBand::From12To15, &both), Ok(()));
        assert_eq!(suffices(AgeBand::From12To15, &both[..1]), Err(Missing::YoungPerson));
        assert_eq!(suffices(AgeBand::From12To15, &both[1..]), Err(Missing::NobodyWithAuthority));
        assert_eq!(suffices(AgeBand::From16, &both[1..]), Ok(()));
        assert_eq!(suffices(AgeBand::From16, &both[..1]), Err(Missing::YoungPerson));
    }

    #[test]
    fn only_a_yes_to_sharing_is_consent() {
        for (status, missing) in [
            (ConsentStatus::Informed, Missing::OnlyInformed),
            (ConsentStatus::Refused, Missing::Refused),
            (ConsentStatus::NotAsked, Missing::NotAsked),
        ] {
            assert_eq!(suffices(AgeBand::Under12, &[yes(Parent1), said(Parent2, status)]), Err(missing));
        }
        let narrow = Consent { scopes: vec![ConsentScope::FollowUp], ..yes(SoleParent) };
        assert_eq!(suffices(AgeBand::Under12, &[narrow]), Err(Missing::OtherScope));
    }
}
