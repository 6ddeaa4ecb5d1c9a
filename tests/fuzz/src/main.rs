//! One target under libFuzzer; `cargo xtask fuzz` builds and starts it.
#![no_main]
#![allow(clippy::panic, reason = "a harness: there is nobody to return an error to")]

use std::sync::LazyLock;

use voordeur_fuzz::Target;

/// Names the target; libFuzzer keeps the command line to itself.
const VARIABLE: &str = "VOORDEUR_FUZZ_TARGET";

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "libFuzzer's own main leaves no other way")]
    let name = std::env::var(VARIABLE).unwrap_or_default();
    Target::by_name(&name).unwrap_or_else(|| panic!("{VARIABLE}: there is no target {name:?}"))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (TARGET.run)(input));
