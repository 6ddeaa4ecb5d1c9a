//! Hexadecimal text of secrets, in buffers that are wiped.

use zeroize::Zeroizing;

/// Lower-case digits.
pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble & 15)).copied().unwrap_or('0');
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    text
}

/// Exactly 32 bytes from 64 digits.
pub(crate) fn decode_32(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let nibble = char::from(*digit).to_digit(16)?;
            *byte = *byte << 4 | u8::try_from(nibble).ok()?;
        }
    }
    Some(bytes)
}
