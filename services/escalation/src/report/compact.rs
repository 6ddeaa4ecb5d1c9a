//! What is kept of a history while a report is made: some hundred bytes of an episode, less of a question, nothing that tells who.

use std::collections::HashMap;

use voordeur_escalation_domain::{
    Baseline,
    outcome::{CaseFact, Day},
};
use voordeur_kernel::{ChildAlias, CommitId, EpisodeId};
use voordeur_outcome_report::input::{About, Lasting};

/// Place of a centre in a list of centres.
pub(crate) type CentreIndex = u16;

/// One history of an episode.
#[derive(Debug)]
pub(crate) struct EpisodeFacts {
    pub(crate) id: EpisodeId,
    pub(crate) child: ChildAlias,
    /// The centre of its first signal.
    pub(crate) centre: CentreIndex,
    /// First half of the id of its first signal.
    pub(crate) signal: u64,
    /// Severity of its first signal, 1-5.
    pub(crate) severity: Option<u8>,
    /// What the rules look at.
    pub(crate) facts: Vec<CaseFact>,
    /// What they do not look at.
    pub(crate) notes: Vec<Note>,
    /// Corrections, of notes too.
    pub(crate) corrections: Vec<Mending>,
    /// The episode of the same child that began earlier.
    pub(crate) earlier: Option<EpisodeId>,
}

/// A fact that no rule looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note {
    /// Half of the id of the fact.
    pub(crate) of: u64,
    /// Happened on.
    pub(crate) effective: Day,
    /// Known on.
    pub(crate) recorded: Day,
    pub(crate) what: What,
}

/// What a note says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// Minutes beschikkingsvrij; the direction by its place.
    Minutes { direction: u8, minutes: u16 },
    /// A judgement, or a second one.
    Judged { level: Baseline, probability: u8, second: bool },
    /// A goal; it is known by the note itself.
    Goal,
    /// How far a goal was reached.
    Scored { goal: u64, reached: bool, with_parents: bool },
    /// How it was closed.
    Closed {
        one_sided: bool,
        without_help: Option<bool>,
        usefulness: Option<u8>,
        certainty: Option<(u8, u8)>,
    },
}

const _: () = assert!(size_of::<Note>() <= 32, "an episode has several of these");

/// A correction of a fact or a note.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mending {
    /// Half of the id of what was wrong.
    pub(crate) target: u64,
    /// Known on.
    pub(crate) recorded: Day,
    /// It counts no more.
    pub(crate) void: bool,
}

/// One question as it came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuestionFacts {
    pub(crate) centre: CentreIndex,
    pub(crate) on: Day,
    pub(crate) about: About,
    pub(crate) lasting: Option<Lasting>,
    pub(crate) asker: Option<u64>,
    pub(crate) certainty: Option<u8>,
    pub(crate) certainty_now: Option<(Day, u8)>,
    pub(crate) withdrawn: Option<Day>,
}

/// A piece of work on the floor, as one event tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FloorNote {
    pub(crate) activity: u64,
    pub(crate) centre: CentreIndex,
    pub(crate) recorded: Day,
    /// Stays when it is corrected.
    pub(crate) on: Option<Day>,
    /// Minutes beschikkingsvrij; 0 when it counts no more.
    pub(crate) minutes: u16,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) episodes: Vec<EpisodeFacts>,
    pub(crate) by_episode: HashMap<EpisodeId, usize>,
    pub(crate) questions: HashMap<u64, QuestionFacts>,
    /// In the order of the log.
    pub(crate) floor: Vec<FloorNote>,
}

impl Gathered {
    /// Roughly how much memory it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let of = |episode: &EpisodeFacts| {
            size_of::<EpisodeFacts>()
                + episode.facts.capacity() * size_of::<CaseFact>()
                + episode.notes.capacity() * size_of::<Note>()
                + episode.corrections.capacity() * size_of::<Mending>()
        };
        self.episodes.iter().map(of).sum::<usize>()
            + self.by_episode.capacity() * (size_of::<EpisodeId>() + size_of::<usize>() + 1)
            + self.questions.capacity() * (size_of::<u64>() + size_of::<QuestionFacts>() + 1)
            + self.floor.capacity() * size_of::<FloorNote>()
    }
}

/// The first half of an id; ids are keyed digests or random, so either half tells them apart.
pub(crate) fn half(id: &[u8; 16]) -> u64 {
    let mut half = [0; 8];
    for (to, from) in half.iter_mut().zip(id) {
        *to = *from;
    }
    u64::from_be_bytes(half)
}

/// Half of the id of a fact: the same digest as its short key would be too long a way, and commits are keyed digests as well.
pub(crate) fn half_of(commit: CommitId) -> u64 {
    half(commit.as_bytes())
}

/// Pushes without doubling: most episodes have a handful of facts, and there are many episodes.
pub(crate) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 2).max(4));
    }
    list.push(item);
}
