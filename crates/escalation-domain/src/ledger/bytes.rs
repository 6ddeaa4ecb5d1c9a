//! Writing and reading the few shapes that facts are made of. Reading gives nothing when the bytes end early, and never panics.

use jiff::civil::Date;
use voordeur_kernel::Timestamp;

use crate::words::Word;

/// Bytes that grow.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(super) fn word<W: Word>(&mut self, word: W) {
        self.byte(word.number());
    }

    /// A word that may be left out: 0.
    pub(super) fn may_be<W: Word>(&mut self, word: Option<W>) {
        self.byte(word.map_or(0, Word::number));
    }

    /// A number that may be left out; 255 stands for that.
    pub(super) fn small(&mut self, number: Option<u8>) {
        self.byte(number.unwrap_or(u8::MAX));
    }

    pub(super) fn number(&mut self, number: u16) {
        self.bytes(&number.to_be_bytes());
    }

    pub(super) fn date(&mut self, date: Date) {
        self.bytes(&date.year().to_be_bytes());
        self.byte(date.month().unsigned_abs());
        self.byte(date.day().unsigned_abs());
    }

    /// Milliseconds in six bytes; the caller knows that they fit.
    pub(super) fn moment(&mut self, moment: Timestamp) {
        let [_, _, six @ ..] = moment.as_millisecond().to_be_bytes();
        self.bytes(&six);
    }

    /// Milliseconds between a moment and an earlier or later one, in as many groups of seven bits as it takes (LEB128, zigzag); the caller knows
    /// that both fit in six bytes.
    pub(super) fn moment_from(&mut self, base: i64, moment: Timestamp) {
        let between = moment.as_millisecond().wrapping_sub(base);
        let mut left = ((between << 1) ^ (between >> 63)).cast_unsigned();
        loop {
            let group = u8::try_from(left & 0x7f).unwrap_or_default();
            left >>= 7;
            if left == 0 {
                return self.byte(group);
            }
            self.byte(group | 0x80);
        }
    }

    /// A key, which has at most 64 characters.
    pub(super) fn key(&mut self, key: &str) {
        self.byte(u8::try_from(key.len()).unwrap_or(u8::MAX));
        self.bytes(key.as_bytes());
    }
}

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(first)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    pub(super) fn word<W: Word>(&mut self) -> Option<W> {
        self.byte().and_then(W::of)
    }

    pub(super) fn may_be<W: Word>(&mut self) -> Option<Option<W>> {
        self.byte().map(W::of)
    }

    pub(super) fn small(&mut self) -> Option<Option<u8>> {
        self.byte().map(|byte| (byte != u8::MAX).then_some(byte))
    }

    pub(super) fn number(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn date(&mut self) -> Option<Date> {
        let year = self.array().map(i16::from_be_bytes)?;
        let month = self.byte().and_then(|month| i8::try_from(month).ok())?;
        let day = self.byte().and_then(|day| i8::try_from(day).ok())?;
        Date::new(year, month, day).ok()
    }

    pub(super) fn moment(&mut self) -> Option<Timestamp> {
        let [a, b, c, d, e, f] = self.array()?;
        // The sign goes on in the two bytes that were left out.
        let sign = if a & 0x80 == 0 { 0 } else { u8::MAX };
        Timestamp::from_millisecond(i64::from_be_bytes([sign, sign, a, b, c, d, e, f])).ok()
    }

    pub(super) fn moment_from(&mut self, base: i64) -> Option<Timestamp> {
        let mut folded = 0_u64;
        for place in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            folded |= u64::from(byte & 0x7f) << place;
            if byte & 0x80 == 0 {
                let between = (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed();
                return Timestamp::from_millisecond(base.checked_add(between)?).ok();
            }
        }
        None
    }

    pub(super) fn key(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        std::str::from_utf8(self.slice(length.into())?).ok()
    }
}
