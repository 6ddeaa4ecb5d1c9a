//! What happened, as bytes: the kind, then its codes. Facts and tasks that are named are written as their place among those of the episode.

use voordeur_kernel::{
    CentreKey, CommitId, ConcernDomain, DataKeyId, EpisodeId, ProfessionalKey, SafetyLevel, SignalId, TaskId,
};

use super::{
    Facts, Unwritable,
    bytes::{Reader, Writer},
};
use crate::{
    deadline::Work,
    event::{
        Change, Check, Closing, Correction, Destination, Goal, Jeugdhulp, Judgement, Opened, Sealed,
        SignalJoined,
    },
    life::ChangeKind,
    words::WordSet,
};

/// The fact names itself; others are their place among the facts, from 1.
const ITSELF: u64 = 0;

pub(super) fn write(
    writer: &mut Writer,
    change: &Change,
    known: &Facts<'_>,
    commit: CommitId,
) -> Result<(), Unwritable> {
    writer.byte(change.kind().number());
    let place = |of: CommitId| {
        if of == commit {
            return Ok(ITSELF);
        }
        let place = known.commits.iter().position(|known| *known == of);
        place.and_then(|place| u64::try_from(place + 1).ok()).ok_or(Unwritable::UnknownFact)
    };
    match change {
        Change::Opened(Opened { signal, .. }) | Change::SignalJoined(signal) => {
            write_signal(writer, signal, known);
        }
        Change::FirstContact { task } => write_task(writer, *task, known)?,
        Change::TaskCompleted { task, outcome } => {
            write_task(writer, *task, known)?;
            writer.word(*outcome);
        }
        Change::BaselineAssessed(judgement) => {
            writer.word(judgement.baseline);
            writer.byte(judgement.probability_percent);
            writer.byte(judgement.took_part.bits());
            writer.byte(judgement.marks.bits());
            writer.flag(judgement.second);
            writer.number(judgement.plan_version.into());
        }
        Change::GoalSet(goal) => write_goal(writer, goal),
        Change::GoalScored { goal, score, with_parents } => {
            writer.number(place(*goal)?);
            writer.word(*score);
            writer.flag(*with_parents);
        }
        Change::SupportGiven { kind, minutes, funding } => {
            writer.word(*kind);
            writer.number((*minutes).into());
            writer.word(*funding);
        }
        Change::SpecialistConsulted { minutes, funding } => {
            writer.number((*minutes).into());
            writer.word(*funding);
        }
        Change::ReferralRequested { destination, verwijzer, .. } => {
            write_destination(writer, *destination);
            writer.word(*verwijzer);
        }
        Change::ReferralDecided { referral, decision } => {
            writer.number(place(*referral)?);
            writer.word(*decision);
        }
        Change::CareStarted { referral, destination, verwijzer } => {
            writer.number(place(*referral)?);
            write_destination(writer, *destination);
            writer.may_be(*verwijzer);
        }
        Change::CareEnded { referral, reason } => {
            writer.number(place(*referral)?);
            writer.word(*reason);
        }
        Change::ReferralReviewed { referral, reviewer, verdict, of_receiving_provider } => {
            writer.number(place(*referral)?);
            writer.key(reviewer.as_str());
            writer.word(*verdict);
            writer.flag(*of_receiving_provider);
        }
        Change::VeiligThuisReported | Change::YouthCareStarted => {}
        Change::ChildLeft { destination } => writer.word(*destination),
        Change::ConsentWithdrawn { scope } => writer.word(*scope),
        Change::FollowUpChecked(check) => {
            writer.date(check.covers_until);
            writer.word(check.jeugdhulp);
            writer.word(check.onderwijs);
            writer.word(check.need);
            writer.word(check.source);
            writer.number(check.day.into());
        }
        Change::HandOverPlanned { moment, on } => {
            writer.word(*moment);
            writer.date(*on);
        }
        Change::EpisodesLinked { earlier } => writer.bytes(earlier.as_bytes()),
        Change::WorkDue { work, centre, .. } => {
            write_work(writer, *work);
            write_centre(writer, centre, known);
        }
        Change::Closed(closing) => {
            writer.word(closing.reason);
            writer.may_be(closing.end);
            writer.small(closing.usefulness);
            writer.may_be(closing.informant);
            writer.may_be(closing.further_help);
            writer.small(closing.certainty_now);
            writer.small(closing.certainty_then);
        }
        Change::Corrected(correction) => {
            writer.number(place(correction.target)?);
            writer.flag(correction.void);
            writer.key(correction.second_person.as_str());
            writer.may_be(correction.reason);
            writer.may_be(correction.baseline);
            writer.flag(correction.effective_at.is_some());
            if let Some(at) = correction.effective_at {
                if !super::fits(at) {
                    return Err(Unwritable::Moment);
                }
                writer.moment(at);
            }
        }
    }
    Ok(())
}

fn write_signal(writer: &mut Writer, signal: &SignalJoined, known: &Facts<'_>) {
    writer.bytes(signal.signal.as_bytes());
    writer.bytes(signal.task.as_bytes());
    writer.byte(signal.safety as u8);
    writer.byte(signal.severity.unwrap_or_default());
    write_centre(writer, &signal.centre, known);
}

/// Its place among the tasks that joined.
fn write_task(writer: &mut Writer, task: TaskId, known: &Facts<'_>) -> Result<(), Unwritable> {
    let place = known.tasks.iter().position(|known| *known == task);
    writer.number(place.and_then(|place| u64::try_from(place).ok()).ok_or(Unwritable::UnknownTask)?);
    Ok(())
}

/// No characters: the centre of the first signal.
fn write_centre(writer: &mut Writer, centre: &CentreKey, known: &Facts<'_>) {
    writer.key(if known.centre() == Some(centre) { "" } else { centre.as_str() });
}

fn write_goal(writer: &mut Writer, goal: &Goal) {
    let domain = ConcernDomain::ALL.iter().position(|known| *known == goal.domain);
    writer.byte(domain.and_then(|place| u8::try_from(place).ok()).unwrap_or_default());
    writer.flag(goal.with_parents);
    writer.flag(goal.text.is_some());
    if let Some(text) = &goal.text {
        writer.bytes(text.key.as_bytes());
        writer.bytes(text.owner.as_bytes());
        writer.number(u64::try_from(text.sealed.len()).unwrap_or(u64::MAX));
        writer.bytes(&text.sealed);
    }
}

fn write_destination(writer: &mut Writer, destination: Destination) {
    match destination {
        Destination::Jeugdhulp(Jeugdhulp { hulpvorm, productcategorie, crisis, court }) => {
            writer.byte(1);
            writer.small(hulpvorm);
            writer.small(productcategorie);
            writer.byte(u8::from(crisis) | u8::from(court) << 1);
        }
        Destination::Onderwijs(kind) => {
            writer.byte(2);
            writer.word(kind);
        }
        Destination::Place(kind) => {
            writer.byte(3);
            writer.word(kind);
        }
        Destination::Other(kind) => {
            writer.byte(4);
            writer.word(kind);
        }
    }
}

fn write_work(writer: &mut Writer, work: Work) {
    match work {
        Work::FollowUp(day) => {
            writer.byte(1);
            writer.number(day.into());
        }
        Work::MissedFollowUp(day) => {
            writer.byte(2);
            writer.number(day.into());
        }
        Work::HandOver(moment) => {
            writer.byte(3);
            writer.word(moment);
        }
    }
}

pub(super) fn read(facts: &mut Facts<'_>, commit: CommitId) -> Option<Change> {
    let kind = ChangeKind::of(facts.reader.byte()?)?;
    if matches!(kind, ChangeKind::Opened | ChangeKind::SignalJoined) {
        return read_signal(facts, kind);
    }
    if kind == ChangeKind::WorkDue {
        let work = read_work(&mut facts.reader)?;
        let centre = read_centre(facts)?;
        return Some(Change::WorkDue { work, centre, child: facts.opening().0 });
    }
    let named = |reader: &mut Reader<'_>, commits: &[CommitId]| match reader.number()? {
        ITSELF => Some(commit),
        place => commits.get(usize::try_from(place - 1).ok()?).copied(),
    };
    let (commits, tasks) = (&facts.commits, &facts.tasks);
    let task = |reader: &mut Reader<'_>| tasks.get(reader.number::<usize>()?).copied();
    let reader = &mut facts.reader;
    Some(match kind {
        ChangeKind::Opened | ChangeKind::SignalJoined | ChangeKind::WorkDue => return None,
        ChangeKind::FirstContact => Change::FirstContact { task: task(reader)? },
        ChangeKind::TaskCompleted => Change::TaskCompleted { task: task(reader)?, outcome: reader.word()? },
        ChangeKind::BaselineAssessed => Change::BaselineAssessed(Judgement {
            baseline: reader.word()?,
            probability_percent: reader.byte()?,
            took_part: WordSet::of_bits(reader.byte()?),
            marks: WordSet::of_bits(reader.byte()?),
            second: reader.flag()?,
            plan_version: reader.number()?,
        }),
        ChangeKind::GoalSet => Change::GoalSet(read_goal(reader, commit)?),
        ChangeKind::GoalScored => Change::GoalScored {
            goal: named(reader, commits)?,
            score: reader.word()?,
            with_parents: reader.flag()?,
        },
        ChangeKind::SupportGiven => {
            Change::SupportGiven { kind: reader.word()?, minutes: reader.number()?, funding: reader.word()? }
        }
        ChangeKind::SpecialistConsulted => {
            Change::SpecialistConsulted { minutes: reader.number()?, funding: reader.word()? }
        }
        ChangeKind::ReferralRequested => Change::ReferralRequested {
            referral: commit,
            destination: read_destination(reader)?,
            verwijzer: reader.word()?,
        },
        ChangeKind::ReferralDecided => {
            Change::ReferralDecided { referral: named(reader, commits)?, decision: reader.word()? }
        }
        ChangeKind::CareStarted => Change::CareStarted {
            referral: named(reader, commits)?,
            destination: read_destination(reader)?,
            verwijzer: reader.may_be()?,
        },
        ChangeKind::CareEnded => {
            Change::CareEnded { referral: named(reader, commits)?, reason: reader.word()? }
        }
        ChangeKind::ReferralReviewed => Change::ReferralReviewed {
            referral: named(reader, commits)?,
            reviewer: ProfessionalKey::parse(reader.key()?).ok()?,
            verdict: reader.word()?,
            of_receiving_provider: reader.flag()?,
        },
        ChangeKind::VeiligThuisReported => Change::VeiligThuisReported,
        ChangeKind::YouthCareStarted => Change::YouthCareStarted,
        ChangeKind::ChildLeft => Change::ChildLeft { destination: reader.word()? },
        ChangeKind::ConsentWithdrawn => Change::ConsentWithdrawn { scope: reader.word()? },
        ChangeKind::FollowUpChecked => Change::FollowUpChecked(Check {
            covers_until: reader.date()?,
            jeugdhulp: reader.word()?,
            onderwijs: reader.word()?,
            need: reader.word()?,
            source: reader.word()?,
            day: reader.number()?,
        }),
        ChangeKind::HandOverPlanned => Change::HandOverPlanned { moment: reader.word()?, on: reader.date()? },
        ChangeKind::EpisodesLinked => {
            Change::EpisodesLinked { earlier: EpisodeId::from_bytes(reader.array()?) }
        }
        ChangeKind::Closed => Change::Closed(Closing {
            reason: reader.word()?,
            end: reader.may_be()?,
            usefulness: reader.small()?,
            informant: reader.may_be()?,
            further_help: reader.may_be()?,
            certainty_now: reader.small()?,
            certainty_then: reader.small()?,
        }),
        ChangeKind::Corrected => Change::Corrected(Correction {
            target: named(reader, commits)?,
            void: reader.flag()?,
            second_person: ProfessionalKey::parse(reader.key()?).ok()?,
            reason: reader.may_be()?,
            baseline: reader.may_be()?,
            effective_at: if reader.flag()? { Some(reader.moment()?) } else { None },
        }),
    })
}

fn read_signal(facts: &mut Facts<'_>, kind: ChangeKind) -> Option<Change> {
    let signal = SignalId::from_bytes(facts.reader.array()?);
    let task = TaskId::from_bytes(facts.reader.array()?);
    facts.tasks.push(task);
    let safety = SafetyLevel::ALL.get(usize::from(facts.reader.byte()?)).copied()?;
    let severity = Some(facts.reader.byte()?).filter(|severity| *severity != 0);
    let centre = read_centre(facts)?;
    let signal = SignalJoined { signal, task, centre, safety, severity };
    let (child, child_ordinal) = facts.opening();
    Some(match kind {
        ChangeKind::Opened => Change::Opened(Opened { child, child_ordinal, signal }),
        _ => Change::SignalJoined(signal),
    })
}

fn read_centre(facts: &mut Facts<'_>) -> Option<CentreKey> {
    match facts.reader.key()? {
        "" => facts.centre.clone(),
        key => {
            let key = CentreKey::parse(key).ok()?;
            facts.centre.get_or_insert_with(|| key.clone());
            Some(key)
        }
    }
}

fn read_goal(reader: &mut Reader<'_>, commit: CommitId) -> Option<Goal> {
    let domain = ConcernDomain::ALL.get(usize::from(reader.byte()?)).copied()?;
    let with_parents = reader.flag()?;
    let text = if reader.flag()? {
        let key = DataKeyId::from_bytes(reader.array()?);
        let owner = TaskId::from_bytes(reader.array()?);
        let length = reader.number()?;
        Some(Sealed { key, owner, sealed: reader.slice(length)?.into() })
    } else {
        None
    };
    Some(Goal { goal: commit, domain, with_parents, text })
}

fn read_destination(reader: &mut Reader<'_>) -> Option<Destination> {
    Some(match reader.byte()? {
        1 => {
            let (hulpvorm, productcategorie, flags) = (reader.small()?, reader.small()?, reader.byte()?);
            let (crisis, court) = (flags & 1 != 0, flags & 2 != 0);
            Destination::Jeugdhulp(Jeugdhulp { hulpvorm, productcategorie, crisis, court })
        }
        2 => Destination::Onderwijs(reader.word()?),
        3 => Destination::Place(reader.word()?),
        4 => Destination::Other(reader.word()?),
        _ => return None,
    })
}

fn read_work(reader: &mut Reader<'_>) -> Option<Work> {
    Some(match reader.byte()? {
        1 => Work::FollowUp(reader.number()?),
        2 => Work::MissedFollowUp(reader.number()?),
        3 => Work::HandOver(reader.word()?),
        _ => return None,
    })
}
