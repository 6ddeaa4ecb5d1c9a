//! What goes wrong, and the dice that decide when.

use std::time::Duration;

/// What goes wrong, each as so many times in a thousand. The same seed brings the same troubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Seed of the dice.
    pub seed: u64,
    /// A write is stored, but its acknowledgement is lost.
    pub lost_acknowledgements: u16,
    /// A write is lost on its way; its sender cannot tell this from a lost acknowledgement.
    pub lost_requests: u16,
    /// A write arrives after its sender stopped waiting.
    pub late_requests: u16,
    /// There is no leader at the moment of a call.
    pub unavailable: u16,
    /// A wake-up is delivered twice.
    pub duplicated: u16,
    /// A wake-up is delivered later than those behind it.
    pub delayed: u16,
    /// A follower loses its connection.
    pub reconnects: u16,
    /// Longest delay of a wake-up or a late write.
    pub longest_delay: Duration,
}

impl Faults {
    /// A bad day: everything goes wrong once in five to twenty times.
    #[must_use]
    pub const fn rough(seed: u64) -> Self {
        Self {
            seed,
            lost_acknowledgements: 100,
            lost_requests: 100,
            late_requests: 50,
            unavailable: 100,
            duplicated: 200,
            delayed: 200,
            reconnects: 100,
            longest_delay: Duration::from_secs(2),
        }
    }
}

/// A small generator (splitmix64): repeatable, and nothing that needs to be unguessable depends on it.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True so many times in a thousand.
    pub(super) const fn chance(&mut self, per_thousand: u16) -> bool {
        per_thousand > 0 && self.roll() % 1000 < per_thousand as u64
    }

    /// 0-999.
    pub(super) fn thousandth(&mut self) -> u32 {
        u32::try_from(self.roll() % 1000).unwrap_or(0)
    }

    /// A part of a duration.
    pub(super) fn part(&mut self, of: Duration) -> Duration {
        of * self.thousandth() / 1000
    }
}
