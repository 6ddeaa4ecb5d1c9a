//! Wire types and kernel types.

use proptest::prelude::*;
use voordeur_contracts::convert::{from_wire_time, to_wire_time};
use voordeur_kernel::Timestamp;

proptest! {
    #[test]
    fn a_moment_survives_the_wire(seconds in -377_705_023_201_i64..253_402_207_200, nanos in 0..1_000_000_000_i32) {
        let moment = Timestamp::new(seconds, nanos).unwrap();
        prop_assert_eq!(from_wire_time(&to_wire_time(moment)), Some(moment));
    }

    #[test]
    fn any_bytes_of_a_moment_are_a_moment_or_nothing(seconds: i64, nanos: i32) {
        let wire = prost_types::Timestamp { seconds, nanos };
        if let Some(moment) = from_wire_time(&wire) {
            prop_assert_eq!(to_wire_time(moment), wire);
        }
    }
}
