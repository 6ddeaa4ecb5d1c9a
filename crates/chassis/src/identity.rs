//! Who calls. Roles are not part of it: they come from the directory, never from the caller.

use std::{fmt, str::FromStr};

use voordeur_kernel::{ErrorKind, OrganisationKey, ProfessionalKey};

use crate::Problem;

/// Metadata by which a caller says who it is while a server runs for development.
pub const DEV_IDENTITY: &str = "x-voordeur-dev-identity";

/// Who calls, as the authentication layer established it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A source system, by the key of its organisation in the directory.
    Organisation(OrganisationKey),
    /// A person, by her key in the directory.
    Person(ProfessionalKey),
    /// Somebody who runs the installation.
    Operator,
}

/// Text that is no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an identity is organisation:<key>, person:<key> or operator")]
pub struct BadIdentity;

impl FromStr for Identity {
    type Err = BadIdentity;

    fn from_str(text: &str) -> Result<Self, BadIdentity> {
        match text.split_once(':') {
            Some(("organisation", key)) => {
                OrganisationKey::parse(key).map(Self::Organisation).map_err(|_| BadIdentity)
            }
            Some(("person", key)) => ProfessionalKey::parse(key).map(Self::Person).map_err(|_| BadIdentity),
            None if text == "operator" => Ok(Self::Operator),
            _ => Err(BadIdentity),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation(key) => write!(f, "organisation:{key}"),
            Self::Person(key) => write!(f, "person:{key}"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

/// Who sent this request.
///
/// # Errors
/// When nobody said who they are.
pub fn identity<T>(request: &tonic::Request<T>) -> Result<&Identity, Problem> {
    request.extensions().get::<Identity>().ok_or_else(|| {
        Problem::new(
            ErrorKind::NotAuthenticated,
            "NOT_AUTHENTICATED",
            "say who you are: this call needs an identity",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back_what_it_prints() {
        for text in ["organisation:basisschool-de-wilg", "person:noor", "operator"] {
            assert_eq!(text.parse::<Identity>().unwrap().to_string(), text);
        }
        for text in ["", "operator:x", "person:", "person:A", "nobody", "organisation"] {
            assert_eq!(text.parse::<Identity>(), Err(BadIdentity), "{text}");
        }
    }

    #[test]
    fn a_request_without_an_identity_is_not_authenticated() {
        let mut request = tonic::Request::new(());
        assert_eq!(identity(&request).unwrap_err().kind, ErrorKind::NotAuthenticated);
        request.extensions_mut().insert(Identity::Operator);
        assert_eq!(identity(&request).unwrap(), &Identity::Operator);
    }
}
