//! Conversions between wire types and the kernel's types.

use prost_types::Timestamp as WireTime;
use voordeur_kernel::Timestamp;

/// A moment on the wire.
#[must_use]
pub fn to_wire_time(moment: Timestamp) -> WireTime {
    let nanos = moment.subsec_nanosecond();
    // The wire counts nanoseconds forward from the second, also before 1970.
    if nanos < 0 {
        WireTime { seconds: moment.as_second() - 1, nanos: nanos + 1_000_000_000 }
    } else {
        WireTime { seconds: moment.as_second(), nanos }
    }
}

/// A moment from the wire; `None` when it lies outside the calendar or its nanoseconds are out of range.
#[must_use]
pub fn from_wire_time(wire: &WireTime) -> Option<Timestamp> {
    if !(0..1_000_000_000).contains(&wire.nanos) {
        return None;
    }
    Timestamp::new(wire.seconds, 0)
        .ok()?
        .checked_add(jiff::SignedDuration::from_nanos(wire.nanos.into()))
        .ok()
}

/// Kinds of kernel words whose number on the wire is their place in `ALL` plus one; 0 is "not said".
macro_rules! by_place {
    ($($kernel:ident <-> $wire:ident;)*) => {$(
        impl From<voordeur_kernel::$kernel> for crate::common::$wire {
            fn from(word: voordeur_kernel::$kernel) -> Self {
                let place = voordeur_kernel::$kernel::ALL.iter().position(|w| *w == word).unwrap_or(0);
                Self::try_from(i32::try_from(place + 1).unwrap_or(0)).unwrap_or_default()
            }
        }

        impl TryFrom<crate::common::$wire> for voordeur_kernel::$kernel {
            type Error = NotSaid;

            fn try_from(word: crate::common::$wire) -> Result<Self, NotSaid> {
                let place = usize::try_from(i32::from(word)).ok().and_then(|n| n.checked_sub(1)).ok_or(NotSaid)?;
                Self::ALL.get(place).copied().ok_or(NotSaid)
            }
        }
    )*};
}

/// The word was left at its unspecified value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSaid;

impl std::fmt::Display for NotSaid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("was not said")
    }
}

impl std::error::Error for NotSaid {}

by_place! {
    ConcernDomain <-> ConcernDomain;
    Role <-> Role;
    SafetyLevel <-> SafetyLevel;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_kernel_and_of_the_wire_have_the_same_names() {
        for domain in voordeur_kernel::ConcernDomain::ALL {
            let wire = crate::common::ConcernDomain::from(domain);
            assert_eq!(wire.as_str_name(), format!("CONCERN_DOMAIN_{}", domain.name()));
            assert_eq!(voordeur_kernel::ConcernDomain::try_from(wire), Ok(domain));
        }
        for role in voordeur_kernel::Role::ALL {
            let wire = crate::common::Role::from(role);
            assert_eq!(wire.as_str_name(), format!("ROLE_{}", role.name().to_uppercase()));
            assert_eq!(voordeur_kernel::Role::try_from(wire), Ok(role));
        }
        for level in voordeur_kernel::SafetyLevel::ALL {
            let wire = crate::common::SafetyLevel::from(level);
            assert_eq!(voordeur_kernel::SafetyLevel::try_from(wire), Ok(level));
        }
        assert_eq!(
            crate::common::SafetyLevel::from(voordeur_kernel::SafetyLevel::Acute),
            crate::common::SafetyLevel::Acute
        );
        assert_eq!(voordeur_kernel::Role::try_from(crate::common::Role::Unspecified), Err(NotSaid));
    }
}
