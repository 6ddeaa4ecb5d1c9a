//! Who is there: the weekly hours of the directory, and what people say on top of them. Absence never says why.

use voordeur_kernel::{CentreKey, CommandId, CommitId, ProfessionalKey, Timestamp};

use crate::{
    plan::Attendance,
    task::{Meta, Refusal},
};

/// What was said about one professional so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Presence {
    /// Who.
    pub professional: ProfessionalKey,
    /// Present at a centre outside the weekly hours, until a moment.
    pub marks: Vec<(CentreKey, Timestamp)>,
    /// Absent everywhere.
    pub absence: Option<Absence>,
    /// Acts so far, oldest first: a repeated one changes nothing.
    pub commands: Vec<(CommandId, CommitId)>,
    /// What people did so far.
    pub version: u32,
}

/// Absent until a moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Absence {
    /// When she is back.
    pub until: Timestamp,
    /// Who takes over meanwhile.
    pub stand_in: Option<ProfessionalKey>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PresenceChange {
    /// Present outside the weekly hours.
    MarkedPresent {
        /// Where.
        centre: CentreKey,
        /// Until when.
        until: Timestamp,
    },
    /// Absent.
    MarkedAbsent(Absence),
    /// Back earlier than said.
    Returned,
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
    match &command.change {
        PresenceChange::MarkedPresent { until, .. } | PresenceChange::MarkedAbsent(Absence { until, .. })
            if *until <= command.now =>
        {
            Err(Refusal::DateNotAhead)
        }
        PresenceChange::MarkedAbsent(Absence { stand_in: Some(stand_in), .. })
            if *stand_in == command.professional =>
        {
            Err(Refusal::OwnStandIn)
        }
        // Who is not absent cannot return; saying so twice is no fault.
        PresenceChange::Returned if presence.is_none_or(|p| p.absence.is_none()) => Ok(None),
        change => Ok(Some(change.clone())),
    }
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
        absence: None,
        commands: Vec::new(),
        version: 0,
    });
    match change {
        PresenceChange::MarkedPresent { centre, until } => {
            presence.marks.retain(|(at, end)| at != centre && *end > meta.recorded_at);
            presence.marks.push((centre.clone(), *until));
            presence.absence = None;
        }
        PresenceChange::MarkedAbsent(absence) => {
            presence.marks.clear();
            presence.absence = Some(absence.clone());
        }
        PresenceChange::Returned => presence.absence = None,
    }
    presence.commands.push((meta.command, meta.commit));
    presence.version += u32::from(meta.actor.is_person());
    presence
}

impl Presence {
    /// The absence that stands at a moment.
    #[must_use]
    pub fn absent(&self, now: Timestamp) -> Option<&Absence> {
        self.absence.as_ref().filter(|absence| now < absence.until)
    }

    /// Until when she is marked present at a centre.
    #[must_use]
    pub fn marked_until(&self, centre: &CentreKey, now: Timestamp) -> Option<Timestamp> {
        self.marks.iter().find(|(at, until)| at == centre && now < *until).map(|(_, until)| *until)
    }
}

/// Is she there? What people said goes before the weekly hours.
#[must_use]
pub fn attendance(
    presence: Option<&Presence>,
    centre: &CentreKey,
    scheduled: bool,
    now: Timestamp,
) -> Attendance {
    if presence.is_some_and(|p| p.absent(now).is_some()) {
        Attendance::Absent
    } else if scheduled || presence.is_some_and(|p| p.marked_until(centre, now).is_some()) {
        Attendance::Present
    } else {
        Attendance::NotScheduled
    }
}

/// Is she there? See [`attendance`].
#[must_use]
pub fn is_present(presence: Option<&Presence>, centre: &CentreKey, scheduled: bool, now: Timestamp) -> bool {
    attendance(presence, centre, scheduled, now) == Attendance::Present
}
