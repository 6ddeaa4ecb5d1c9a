//! What is done next for one person, from how far she was told and what still stands: pure.

use std::time::Duration;

use voordeur_kernel::Timestamp;
use voordeur_routing_domain::{notice::is_safety, words::Urgency};

use super::{
    board::{Claim, Entry, History},
    codec::Told,
};

/// How long one replica may take to hand a mail over and record it.
pub(super) const CLAIM_S: i64 = 60;
/// What is told within so many seconds goes into one mail; safety does not wait.
pub(super) const GATHER_S: i64 = 2;
/// First pause after a failure; it doubles.
const PAUSE_S: i64 = 30;
/// Longest pause.
const PAUSE_MAX_S: i64 = 15 * 60;
/// Longest pause of what is about safety.
const PAUSE_SAFETY_MAX_S: i64 = 60;
/// Most things in one mail, so that a claim fits in an event; the rest comes in the next.
const TOLD_MAX: usize = 5_000;

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing now.
    Rest,
    /// Claim this, then send it.
    Claim(Claim),
    /// Nothing of what was claimed stands any more.
    PassOver { up_to: u64, notice_id: [u8; 16] },
}

/// One thing that still stands.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) entry: Entry,
    pub(super) urgency: Urgency,
    /// May she be told now?
    pub(super) allowed: bool,
}

pub(super) fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Duration::from_secs(seconds.unsigned_abs())).unwrap_or(now)
}

/// How long to wait after an attempt that failed: growing, and for ever. Safety is tried again every minute.
pub(super) fn pause_s(claim: &Claim) -> i64 {
    let growing = PAUSE_S.saturating_mul(1_i64.checked_shl(claim.attempt.min(16)).unwrap_or(i64::MAX));
    growing.min(if claim.is_safety() { PAUSE_SAFETY_MAX_S } else { PAUSE_MAX_S })
}

/// What is done next for somebody. `standing`: what she wants to hear, still stands and was not mailed. `fresh`: the id of a new claim.
pub(super) fn next(standing: &[Standing], history: &History, now: Timestamp, fresh: [u8; 16]) -> Next {
    let ended = history.claims.iter().filter(|claim| claim.until <= now);
    ended
        .map(|claim| again(standing, claim, now))
        .find(|step| *step != Next::Rest)
        .unwrap_or_else(|| anew(standing, &history.claims, now, fresh))
}

fn told(standing: &Standing) -> Told {
    let Entry { task, reason, sequence, .. } = standing.entry;
    Told { task, reason, urgency: standing.urgency, sequence }
}

/// What is in no claim yet. Something about safety never waits for a mail that is not about it.
fn anew(standing: &[Standing], claims: &[Claim], now: Timestamp, fresh: [u8; 16]) -> Next {
    let claimed = |one: &Standing| claims.iter().any(|claim| holds(claim, one));
    let mut ready: Vec<&Standing> =
        standing.iter().filter(|one| !one.entry.mailed && one.allowed && !claimed(one)).collect();
    let urgent = ready.iter().any(|one| is_safety(one.entry.reason));
    let gathered = ready.iter().any(|one| later(one.entry.at, GATHER_S) <= now);
    let free = if urgent { !claims.iter().any(Claim::is_safety) } else { claims.is_empty() && gathered };
    if ready.is_empty() || !free {
        return Next::Rest;
    }
    ready.sort_by_key(|one| (!is_safety(one.entry.reason), one.entry.sequence));
    ready.truncate(TOLD_MAX);
    let told: Vec<Told> = ready.into_iter().map(told).collect();
    claim(standing, told, fresh, 0, now)
}

/// A claim that ended without a word, or failed: the same again, of what still stands and may be told now.
fn again(standing: &[Standing], before: &Claim, now: Timestamp) -> Next {
    let still: Vec<&Standing> = standing.iter().filter(|one| holds(before, one)).collect();
    if still.is_empty() {
        return Next::PassOver { up_to: up_to(standing, &before.told), notice_id: before.notice_id };
    }
    let told: Vec<Told> = still.into_iter().filter(|one| one.allowed).map(told).collect();
    if told.is_empty() {
        return Next::Rest;
    }
    claim(standing, told, before.notice_id, before.attempt.saturating_add(1), now)
}

fn holds(claim: &Claim, one: &Standing) -> bool {
    let Entry { task, reason, sequence, .. } = one.entry;
    claim.told.iter().any(|told| (told.task, told.reason, told.sequence) == (task, reason, sequence))
}

fn claim(standing: &[Standing], told: Vec<Told>, notice_id: [u8; 16], attempt: u32, now: Timestamp) -> Next {
    let up_to = up_to(standing, &told);
    Next::Claim(Claim { notice_id, told, up_to, until: later(now, CLAIM_S), attempt })
}

/// The place up to which nothing is left to tell when these are told.
fn up_to(standing: &[Standing], told: &[Told]) -> u64 {
    let among = |one: &Standing| {
        told.iter().any(|told| (told.task, told.reason) == (one.entry.task, one.entry.reason))
    };
    let left =
        standing.iter().filter(|one| !one.entry.mailed && !among(one)).map(|one| one.entry.sequence).min();
    let last = told.iter().map(|told| told.sequence).max().unwrap_or(0);
    left.map_or(last, |left| last.min(left.saturating_sub(1)))
}
