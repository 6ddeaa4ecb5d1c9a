//! Ids and look-up keys that make a retry harmless, always keyed.

use std::{fmt, sync::Arc};

use aws_lc_rs::hmac;
use voordeur_kernel::{
    ActivityId, AskerId, CentreKey, ChildAlias, CommandId, CommitId, EpisodeId, OrganisationKey, SignalId,
    TaskId,
};

/// Derives ids with HMAC-SHA-256 under the derivation key of the installation. Each kind of id has its own domain, and the parts of
/// an input are length-prefixed, so that no two inputs run together. Cheap to clone.
///
/// An id keeps the first 128 bits; a look-up key keeps all 256, because a collision there would join two children.
#[derive(Clone)]
pub struct Deriver(Arc<hmac::Key>);

impl fmt::Debug for Deriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deriver(..)")
    }
}

impl Deriver {
    /// Takes the derivation key. It can never be changed: every id in every stream depends on it.
    #[must_use]
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    /// The signal that an organisation knows by its own reference.
    #[must_use]
    pub fn signal_id(&self, organisation: &OrganisationKey, client_reference: &str) -> SignalId {
        SignalId::from_bytes(
            self.short("signal", &[organisation.as_str().as_bytes(), client_reference.as_bytes()]),
        )
    }

    /// The task that a signal asks for.
    #[must_use]
    pub fn task_for_signal(&self, signal: SignalId) -> TaskId {
        TaskId::from_bytes(self.short("task-of-signal", &[signal.as_bytes()]))
    }

    /// The task of a follow-up check of an episode, so many days after its baseline; a check that was not made is asked for again.
    #[must_use]
    pub fn task_for_check(&self, episode: EpisodeId, day: u16, asked_before: u32) -> TaskId {
        let parts: [&[u8]; 3] = [episode.as_bytes(), &day.to_be_bytes(), &asked_before.to_be_bytes()];
        TaskId::from_bytes(self.short("task-of-check", &parts))
    }

    /// The task of a warm hand-over of a child with an episode. `moment` is its number in the contract.
    #[must_use]
    pub fn task_for_hand_over(&self, episode: EpisodeId, moment: u8) -> TaskId {
        TaskId::from_bytes(self.short("task-of-hand-over", &[episode.as_bytes(), &[moment]]))
    }

    /// The task of the look-back on work on the floor.
    #[must_use]
    pub fn task_for_look_back(&self, activity: ActivityId) -> TaskId {
        TaskId::from_bytes(self.short("task-of-look-back", &[activity.as_bytes()]))
    }

    /// The task that continues one that has ended, by the act that asked for it.
    #[must_use]
    pub fn task_for_further_work(&self, earlier: TaskId, act: CommandId) -> TaskId {
        TaskId::from_bytes(self.short("task-of-further-work", &[earlier.as_bytes(), act.as_bytes()]))
    }

    /// The work on the floor that an act noted.
    #[must_use]
    pub fn activity_id(&self, act: CommandId) -> ActivityId {
        ActivityId::from_bytes(self.short("activity", &[act.as_bytes()]))
    }

    /// What texts about the work on the floor of a centre are bound to.
    #[must_use]
    pub fn floor_owner(&self, centre: &CentreKey) -> [u8; 16] {
        self.short("floor", &[centre.as_str().as_bytes()])
    }

    /// The n-th episode of a child, from 1.
    #[must_use]
    pub fn episode_id(&self, child: ChildAlias, ordinal: u32) -> EpisodeId {
        EpisodeId::from_bytes(self.short("episode", &[child.as_bytes(), &ordinal.to_be_bytes()]))
    }

    /// Somebody at an organisation who asks, by the number or account she has there.
    #[must_use]
    pub fn asker_id(&self, organisation: &OrganisationKey, local_id: &str) -> AskerId {
        AskerId::from_bytes(self.short("asker", &[organisation.as_str().as_bytes(), local_id.as_bytes()]))
    }

    /// One act: an actor (for instance `organisation:de-wilg` or `service:routing`) and the key she chose for it.
    #[must_use]
    pub fn command_id(&self, actor: &str, key: &str) -> CommandId {
        CommandId::from_bytes(self.short("command", &[actor.as_bytes(), key.as_bytes()]))
    }

    /// One commit: an act and everything it asks for. The same act with other content has another commit id.
    #[must_use]
    pub fn commit_id(&self, command: CommandId, content: &[u8]) -> CommitId {
        CommitId::from_bytes(self.short("commit", &[command.as_bytes(), content]))
    }

    /// The key under which the alias of a child is found; 64 hexadecimal digits.
    #[must_use]
    pub fn child_lookup(&self, organisation: &OrganisationKey, local_number: &str) -> String {
        let tag = self.tag("child", &[organisation.as_str().as_bytes(), local_number.as_bytes()]);
        crate::hex::encode(&tag).to_string()
    }

    /// A keyed fingerprint of anything else, for a purpose that is named.
    #[must_use]
    pub fn fingerprint(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut all = vec![purpose.as_bytes()];
        all.extend_from_slice(parts);
        self.short("fingerprint", &all)
    }

    fn short(&self, domain: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(self.tag(domain, parts)) {
            *to = from;
        }
        id
    }

    fn tag(&self, domain: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(&domain.as_bytes()).chain(parts) {
            // usize is at most 64 bits on everything that this runs on.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; 32];
        for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        tag
    }
}

/// SHA-256, for whoever wants to compare what is public anyway.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in
        out.iter_mut().zip(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
    {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deriver() -> Deriver {
        Deriver::from_key(&[7; 32])
    }

    fn organisation(key: &str) -> OrganisationKey {
        OrganisationKey::parse(key).unwrap()
    }

    #[test]
    fn the_same_input_gives_the_same_id_and_another_key_gives_another() {
        let org = organisation("de-wilg");
        assert_eq!(deriver().signal_id(&org, "r-1"), deriver().signal_id(&org, "r-1"));
        assert_ne!(deriver().signal_id(&org, "r-1"), Deriver::from_key(&[8; 32]).signal_id(&org, "r-1"));
        assert_ne!(deriver().signal_id(&org, "r-1"), deriver().signal_id(&organisation("de-els"), "r-1"));
    }

    #[test]
    fn ids_stay_what_they_were_in_every_release() {
        // Golden values, computed with another implementation of HMAC (Python's): a change here would make every retry of an older caller a second signal.
        let org = organisation("de-wilg");
        assert_eq!(deriver().signal_id(&org, "r-1").to_hex(), GOLDEN_SIGNAL);
        assert_eq!(deriver().task_for_signal(SignalId::from_bytes([1; 16])).to_hex(), GOLDEN_TASK);
    }

    const GOLDEN_SIGNAL: &str = "91473204be9491fd03dfb363e4553cad";
    const GOLDEN_TASK: &str = "a8a6372d3a47e8dd9b202680f8a9120c";

    #[test]
    fn kinds_of_ids_are_kept_apart() {
        let org = organisation("a");
        assert_ne!(deriver().signal_id(&org, "x").as_bytes(), deriver().asker_id(&org, "x").as_bytes());
        assert_ne!(deriver().command_id("a", "x").as_bytes(), deriver().signal_id(&org, "x").as_bytes());
    }

    proptest! {
        #[test]
        fn parts_never_run_together(a in "[a-z]{0,6}", b in "[a-z]{0,6}", c in "[a-z]{0,6}", d in "[a-z]{0,6}") {
            prop_assume!((&a, &b) != (&c, &d));
            prop_assert_ne!(deriver().command_id(&a, &b), deriver().command_id(&c, &d));
        }
    }
}
