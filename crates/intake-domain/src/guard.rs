//! The guard against citizen service numbers in references. Texts have theirs in the kernel; a reference needs another one, because a
//! random UUID holds nine digits in a row now and then, and a signal must not be refused by chance.

use voordeur_kernel::text::looks_like_bsn;

/// Could this reference or account be a BSN, or carry one? Nine digits in a row that pass the 11-proof are one when they stand between
/// anything that is no letter or digit, when they are the only digits there are, or when they are written in groups of 3-3-3 or
/// 4-2-3. Other groups are not joined: `2026-00012` is a year and a counter.
#[must_use]
pub fn reference_holds_bsn(reference: &str, known: impl Fn(&str) -> bool) -> bool {
    let guilty = |digits: &str| looks_like_bsn(digits) && !known(digits);
    let only_digits: String = reference.chars().filter(char::is_ascii_digit).collect();
    if guilty(&only_digits) && reference.contains(&only_digits) {
        return true;
    }
    let words: Vec<&str> = reference.split(|c: char| !c.is_alphanumeric()).collect();
    words.iter().any(|word| guilty(word))
        || words.windows(3).any(|groups| {
            let sizes = groups.iter().map(|group| group.len());
            (sizes.clone().eq([3, 3, 3]) || sizes.eq([4, 2, 3])) && guilty(&groups.concat())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONE: fn(&str) -> bool = |_| false;

    #[test]
    fn a_number_is_found_as_a_word_of_its_own_and_on_its_own() {
        for reference in [
            "999900006",
            "bsn999900006",
            "leerling/999900006/1",
            "9999.00.031",
            "2024-999900006",
            "a_999-900-006_7",
        ] {
            assert!(reference_holds_bsn(reference, NONE), "{reference}");
        }
        assert!(!reference_holds_bsn("999900006", |n| n == "999900006"), "a known number of a register");
    }

    #[test]
    fn ordinary_references_are_no_numbers() {
        for reference in [
            "sig-1",
            "999900007",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "a999900006b77c01",
            "20250829-0000012",
            "9999-00006",
        ] {
            assert!(!reference_holds_bsn(reference, NONE), "{reference}");
        }
    }

    proptest! {
        #[test]
        fn no_uuid_is_refused(bytes: [u8; 16]) {
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
            // But for one that has nine digits in all, which one in a hundred million has.
            prop_assume!(hex.bytes().filter(u8::is_ascii_digit).count() != 9);
            prop_assert!(!reference_holds_bsn(&uuid, NONE), "{}", uuid);
        }
    }
}
