//! Who is there: the weekly hours of the directory, and what people say on top of them. Absence never says why.
//!
//! Absences lie apart from each other: one that overlaps another is refused. What was said about absence goes before everything else; a
//! mark that somebody is there outside her weekly hours ends the absence that runs, and gives way to one that begins later.

use jiff::SignedDuration;
use voordeur_kernel::{
    CentreKey, CommandId, CommitId, ProfessionalKey, Timestamp, WorkingTime,
    calendar::{Run, joined},
};

use crate::{
    sight::Attendance,
    task::{Meta, Refusal},
};

/// Most absences that may lie ahead of one person.
pub const ABSENCES_MAX: usize = 50;
/// How far ahead the next moment is looked for at which somebody is there.
pub const HORIZON_DAYS: i64 = 21;

/// What was said about one professional so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Presence {
    /// Who.
    pub professional: ProfessionalKey,
    /// Present at a centre outside the weekly hours, until a moment.
    pub marks: Vec<(CentreKey, Timestamp)>,
    /// Absent everywhere: what was said and had not ended when the last word was said. Soonest first, apart from each other.
    pub absences: Vec<Absence>,
    /// Acts so far, oldest first: a repeated one changes nothing.
    pub commands: Vec<(CommandId, CommitId)>,
    /// What people did so far.
    pub version: u32,
}

/// Absent from a moment (included) until a moment (not included).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Absence {
    /// When it begins.
    pub from: Timestamp,
    /// When she is back.
    pub until: Timestamp,
    /// Who takes over meanwhile.
    pub stand_in: Option<ProfessionalKey>,
}

impl Absence {
    /// Does it stand at a moment?
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.from < other.until && other.from < self.until
    }

    /// Does another one say nothing that this one does not?
    fn says_all_of(&self, other: &Self) -> bool {
        self.from <= other.from && self.until == other.until && self.stand_in == other.stand_in
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PresenceChange {
    /// Present outside the weekly hours, from now on.
    MarkedPresent {
        /// Where.
        centre: CentreKey,
        /// Until when.
        until: Timestamp,
    },
    /// Absent, now or later. One that would have begun already begins now.
    MarkedAbsent(Absence),
    /// Back earlier than said.
    Returned,
    /// An absence that has not begun does not come.
    AbsenceWithdrawn {
        /// When it would have begun.
        from: Timestamp,
    },
}

/// An act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceCommand {
    /// Who acts on what.
    pub id: CommandId,
    /// The act with its content.
    pub commit: CommitId,
    /// When.
    pub now: Timestamp,
    /// The version that the person saw; 0: not compared.
    pub seen_version: u32,
    /// About whom.
    pub professional: ProfessionalKey,
    /// What.
    pub change: PresenceChange,
}

/// Decides; `None` when there is nothing to store.
///
/// # Errors
/// Why not.
pub fn decide(
    presence: Option<&Presence>,
    command: &PresenceCommand,
) -> Result<Option<PresenceChange>, Refusal> {
    let commands = presence.map(|p| p.commands.as_slice()).unwrap_or_default();
    if let Some((_, commit)) = commands.iter().find(|(id, _)| *id == command.id) {
        return if *commit == command.commit { Ok(None) } else { Err(Refusal::KeyReused) };
    }
    let version = presence.map_or(0, |p| p.version);
    if command.seen_version != 0 && command.seen_version != version {
        return Err(Refusal::VersionChanged { now: version });
    }
    let now = command.now;
    match &command.change {
        PresenceChange::MarkedPresent { until, .. } if *until <= now => Err(Refusal::DateNotAhead),
        PresenceChange::MarkedPresent { .. } => Ok(Some(command.change.clone())),
        PresenceChange::MarkedAbsent(absence) => absent(presence, command, absence),
        // Who is not absent cannot return; saying so twice is no fault.
        PresenceChange::Returned => {
            let away = presence.is_some_and(|p| p.absent(now).is_some());
            Ok(away.then_some(PresenceChange::Returned))
        }
        PresenceChange::AbsenceWithdrawn { from } => {
            let said = presence.into_iter().flat_map(|p| &p.absences).find(|absence| absence.from == *from);
            match said {
                None => Err(Refusal::NoSuchAbsence),
                Some(absence) if absence.from <= now => Err(Refusal::AbsenceBegan),
                Some(_) => Ok(Some(command.change.clone())),
            }
        }
    }
}

fn absent(
    presence: Option<&Presence>,
    command: &PresenceCommand,
    absence: &Absence,
) -> Result<Option<PresenceChange>, Refusal> {
    if absence.until <= command.now {
        return Err(Refusal::DateNotAhead);
    }
    let absence = Absence { from: absence.from.max(command.now), ..absence.clone() };
    if absence.until <= absence.from {
        return Err(Refusal::EndsBeforeItBegins);
    }
    if absence.stand_in.as_ref() == Some(&command.professional) {
        return Err(Refusal::OwnStandIn);
    }
    let ahead = || presence.into_iter().flat_map(|p| p.ahead(command.now));
    if ahead().any(|said| said.says_all_of(&absence)) {
        return Ok(None);
    }
    if ahead().any(|said| said.overlaps(&absence)) {
        return Err(Refusal::AbsencesOverlap);
    }
    if ahead().count() >= ABSENCES_MAX {
        return Err(Refusal::TooManyAbsences);
    }
    Ok(Some(PresenceChange::MarkedAbsent(absence)))
}

/// Takes in what happened.
#[must_use]
pub fn evolve(
    presence: Option<Presence>,
    professional: &ProfessionalKey,
    meta: &Meta,
    change: &PresenceChange,
) -> Presence {
    let mut presence = presence.unwrap_or_else(|| Presence {
        professional: professional.clone(),
        marks: Vec::new(),
        absences: Vec::new(),
        commands: Vec::new(),
        version: 0,
    });
    let now = meta.recorded_at;
    presence.absences.retain(|absence| absence.until > now);
    presence.marks.retain(|(_, until)| *until > now);
    match change {
        PresenceChange::MarkedPresent { centre, until } => {
            presence.marks.retain(|(at, _)| at != centre);
            presence.marks.push((centre.clone(), *until));
            presence.absences.retain(|absence| !absence.covers(now));
        }
        PresenceChange::MarkedAbsent(absence) => {
            // What began at once ends what was said before; later ones lie apart.
            presence.absences.retain(|said| !said.overlaps(absence));
            presence.absences.push(absence.clone());
            presence.absences.sort_by_key(|absence| absence.from);
        }
        PresenceChange::Returned => presence.absences.retain(|absence| !absence.covers(now)),
        PresenceChange::AbsenceWithdrawn { from } => {
            presence.absences.retain(|absence| absence.from != *from);
        }
    }
    presence.commands.push((meta.command, meta.commit));
    presence.version += u32::from(meta.actor.is_person());
    presence
}

impl Presence {
    /// The absence that stands at a moment.
    #[must_use]
    pub fn absent(&self, now: Timestamp) -> Option<&Absence> {
        self.absences.iter().find(|absence| absence.covers(now))
    }

    /// Absences that have not ended, soonest first.
    pub fn ahead(&self, now: Timestamp) -> impl Iterator<Item = &Absence> {
        self.absences.iter().filter(move |absence| absence.until > now)
    }

    /// When she is back from the absence that stands at a moment, with those that follow on it without a gap.
    #[must_use]
    pub fn back_at(&self, now: Timestamp) -> Option<Timestamp> {
        let mut back = self.absent(now)?.until;
        while let Some(next) = self.absent(back) {
            back = next.until;
        }
        Some(back)
    }

    /// Moments at which an absence begins or ends.
    pub fn moments(&self) -> impl Iterator<Item = Timestamp> {
        self.absences.iter().flat_map(|absence| [absence.from, absence.until])
    }

    /// Until when she is marked present at a centre.
    #[must_use]
    pub fn marked_until(&self, centre: &CentreKey, now: Timestamp) -> Option<Timestamp> {
        self.marks.iter().find(|(at, until)| at == centre && now < *until).map(|(_, until)| *until)
    }
}

/// When somebody is at a centre next, within three weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Whereabouts {
    /// From when she is there; the moment that was asked for when she is there then.
    pub from: Option<Timestamp>,
    /// When she goes off duty after that.
    pub until: Option<Timestamp>,
    /// When she is there again after that.
    pub back: Option<Timestamp>,
}

/// The end of what is looked ahead from a moment.
#[must_use]
pub fn horizon(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24 * HORIZON_DAYS)).unwrap_or(Timestamp::MAX)
}

/// When somebody is at a centre next: her hours by the directory (`scheduled`, in order, from `at` until [`horizon`]), with what she said
/// herself, without her absences.
#[must_use]
pub fn whereabouts(
    presence: Option<&Presence>,
    centre: &CentreKey,
    scheduled: impl IntoIterator<Item = Run>,
    at: Timestamp,
) -> Whereabouts {
    let end = horizon(at);
    let marked = presence.and_then(|p| p.marked_until(centre, at)).map(|until| Run { from: at, until });
    let mut hours: Vec<Run> = scheduled.into_iter().chain(marked).collect();
    hours.sort_unstable();
    let absences = presence.map(|p| p.absences.as_slice()).unwrap_or_default();
    let there = without(joined(hours), absences);
    let mut there = there.into_iter().filter(|run| run.until > at);
    let (now, next) = (there.next(), there.next());
    Whereabouts {
        from: now.map(|run| run.from.max(at)),
        until: now.map(|run| run.until).filter(|until| *until < end),
        back: next.map(|run| run.from),
    }
}

/// Stretches of time without those of absences, both in order.
fn without(runs: Vec<Run>, absences: &[Absence]) -> Vec<Run> {
    let mut left = Vec::with_capacity(runs.len());
    for mut run in runs {
        for absence in absences {
            if absence.until <= run.from || absence.from >= run.until {
                continue;
            }
            if absence.from > run.from {
                left.push(Run { from: run.from, until: absence.from });
            }
            run.from = absence.until.min(run.until);
        }
        if run.from < run.until {
            left.push(run);
        }
    }
    left
}

impl Whereabouts {
    /// Is she there at the moment `at` that was asked for? `later_today` says whether a moment is still on this working day.
    #[must_use]
    pub fn attendance(
        &self,
        presence: Option<&Presence>,
        at: Timestamp,
        later_today: impl FnOnce(Timestamp) -> bool,
    ) -> Attendance {
        if presence.is_some_and(|p| p.absent(at).is_some()) {
            return Attendance::Absent;
        }
        match self.from {
            Some(from) if from <= at => Attendance::Present,
            Some(from) if later_today(from) => Attendance::LaterToday,
            _ => Attendance::NotScheduled,
        }
    }
}

/// Is she there at a moment? What people said goes before the weekly hours.
#[must_use]
pub fn is_present(presence: Option<&Presence>, centre: &CentreKey, scheduled: bool, now: Timestamp) -> bool {
    presence.is_none_or(|p| p.absent(now).is_none())
        && (scheduled || presence.is_some_and(|p| p.marked_until(centre, now).is_some()))
}

/// Is a moment still on the working day of `now`? While the centre is closed, that is its next open day.
#[must_use]
pub fn is_on_working_day(opening: &WorkingTime, now: Timestamp, moment: Timestamp) -> bool {
    let day = |at: Timestamp| opening.zone().to_datetime(at).date();
    let open = if opening.is_open(now) { Some(now) } else { opening.next_open(now) };
    open.is_some_and(|open| day(moment) <= day(open))
}
