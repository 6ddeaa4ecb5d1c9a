//! Writing and reading the few shapes that facts are made of. Reading gives nothing when the bytes end early, and never panics.

use jiff::civil::Date;
use voordeur_kernel::Timestamp;

use crate::words::Word;

/// Dates are counted from here: two bytes for a century around it.
const FIRST_DATE: Date = Date::constant(2000, 1, 1);

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

    /// In as many groups of seven bits as it takes (LEB128): most numbers are small.
    pub(super) fn number(&mut self, number: u64) {
        let mut left = number;
        loop {
            let group = u8::try_from(left & 0x7f).unwrap_or_default();
            left >>= 7;
            if left == 0 {
                return self.byte(group);
            }
            self.byte(group | 0x80);
        }
    }

    /// A number that may be negative: zigzag, so that what is near zero stays short.
    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    /// A date, as days since 2000-01-01.
    pub(super) fn date(&mut self, date: Date) {
        let days = date.duration_since(FIRST_DATE).as_hours() / 24;
        self.signed(days);
    }

    /// A moment, as milliseconds since 1970; the caller knows that they fit in six bytes.
    pub(super) fn moment(&mut self, moment: Timestamp) {
        self.moment_from(0, moment);
    }

    /// Milliseconds between a moment and an earlier or later one; the caller knows that both fit in six bytes.
    pub(super) fn moment_from(&mut self, base: i64, moment: Timestamp) {
        self.signed(moment.as_millisecond().wrapping_sub(base));
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

    /// A number that is in the range of its type.
    pub(super) fn number<N: TryFrom<u64>>(&mut self) -> Option<N> {
        let mut number = 0_u64;
        for place in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << place;
            if byte & 0x80 == 0 {
                return N::try_from(number).ok();
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let folded: u64 = self.number()?;
        Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(super) fn date(&mut self) -> Option<Date> {
        FIRST_DATE.checked_add(jiff::Span::new().try_days(self.signed()?).ok()?).ok()
    }

    pub(super) fn moment(&mut self) -> Option<Timestamp> {
        self.moment_from(0)
    }

    pub(super) fn moment_from(&mut self, base: i64) -> Option<Timestamp> {
        Timestamp::from_millisecond(base.checked_add(self.signed()?)?).ok()
    }

    pub(super) fn key(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        std::str::from_utf8(self.slice(length.into())?).ok()
    }
}
