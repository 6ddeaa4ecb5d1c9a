//! Reading what callers send. Every fault at once.

use jiff::civil::Date;
use voordeur_chassis::{
    Identity, Problem,
    edge::{check_command_key, read_page_size, read_position},
    identity,
};
use voordeur_contracts::{
    common::{self, CommandContext, DateRange},
    event::ActivityNoted,
};
use voordeur_directory::Directory;
use voordeur_escalation_domain::activity::{
    ActivityKind, Funding, MINUTES_MAX, Noted, SealedStep, THEMES_MAX, check_days,
};
use voordeur_eventlog::Position;
use voordeur_kernel::{ActivityId, CentreKey, ConcernDomain, Faults, GroupKey, ProfessionalKey, Role};

use super::{
    FloorOffice,
    codec::{day, minutes, read_step, word},
};
use crate::machine::STREAM;

/// Largest sealed text that is taken, in bytes: 4,000 characters of at most four bytes, with nonce and tag.
const SEALED_BYTES_MAX: usize = 16 * 1024 + 64;

/// Somebody of the team, as the directory knows her.
pub(super) struct Caller {
    pub(super) directory: std::sync::Arc<Directory>,
    pub(super) key: ProfessionalKey,
    pub(super) role: Role,
}

impl Caller {
    pub(super) fn of<T>(office: &FloorOffice, request: &tonic::Request<T>) -> Result<Self, Problem> {
        let Identity::Person(key) = identity(request)? else {
            return Err(Problem::not_allowed(
                "PEOPLE_ONLY",
                "work on the floor is noted and shown by the people of a centre only",
            ));
        };
        let directory = office
            .directory
            .current()
            .map_err(|error| Problem::new(error.kind(), error.reason(), error.to_string()))?;
        let Some(role) = directory.person(key.as_str()).map(|person| person.role) else {
            return Err(Problem::not_allowed(
                "UNKNOWN_PERSON",
                "you are not in the directory; ask the coordinator to add you",
            ));
        };
        if !role.holds_tasks() {
            return Err(Problem::not_allowed(
                "NOT_YOUR_ROLE",
                "work on the floor is noted and shown by the professionals and coordinators of a centre",
            ));
        }
        Ok(Self { directory, key: key.clone(), role })
    }
}

/// Reads the fields of one request.
pub(super) struct Reader<'a> {
    pub(super) caller: &'a Caller,
    pub(super) faults: Faults,
}

impl<'a> Reader<'a> {
    pub(super) fn new(caller: &'a Caller) -> Self {
        Self { caller, faults: Faults::new() }
    }

    /// A centre where she works.
    pub(super) fn centre(&mut self, text: &str) -> Option<CentreKey> {
        let centre = CentreKey::parse(text).ok();
        let hers =
            centre.filter(|centre| self.caller.directory.works_at(self.caller.key.as_str(), centre.as_str()));
        if hers.is_none() {
            self.faults.add("centre", "UNKNOWN_CENTRE", "give the key of a centre you work at");
        }
        hers
    }

    pub(super) fn activity(&mut self, text: &str) -> Option<ActivityId> {
        self.faults.take("activity_id", "BAD_ID", text.parse())
    }

    /// One of the words of a list.
    pub(super) fn word<T: Copy>(&mut self, field: &str, number: i32, words: &[T]) -> Option<T> {
        let found = word(number, words);
        if found.is_none() {
            self.faults.add(field, "REQUIRED", "choose one of the listed values");
        }
        found
    }

    /// A day that may be left out: `Some(None)` when it is.
    #[expect(clippy::option_option, reason = "left out, and wrong, are two things")]
    fn day(&mut self, field: &str, text: &str) -> Option<Option<Date>> {
        if text.is_empty() {
            return Some(None);
        }
        let read = day(text);
        if read.is_none() {
            self.faults.add(field, "NOT_A_DAY", "write yyyy-mm-dd, for instance 2026-11-23");
        }
        read.map(Some)
    }

    /// What was done, and on which day.
    pub(super) fn noted(
        &mut self,
        office: &FloorOffice,
        part: &str,
        on: &str,
        wire: Option<&ActivityNoted>,
        centre: Option<&CentreKey>,
    ) -> Option<(Option<Date>, Noted)> {
        let on = self.day("on", on);
        let Some(wire) = wire else {
            self.faults.add(part, "REQUIRED", "say what was done: a kind and minutes are enough");
            return None;
        };
        let at = |field: &str| format!("{part}.{field}");
        if !wire.activity.is_empty() {
            self.faults.add(at("activity"), "NOT_HERE", "leave it out; it is derived from the act");
        }
        let kind = self.word(&at("kind"), wire.kind, &ActivityKind::ALL);
        let length = minutes(wire.minutes);
        if length.is_none() {
            self.faults.add(at("minutes"), "OUT_OF_RANGE", format!("give 1-{MINUTES_MAX}"));
        }
        let funding = match wire.funding {
            0 => Some(Funding::Beschikkingsvrij),
            number => self.word(&at("funding"), number, Funding::ALL),
        };
        let group = self.group(&at("group"), &wire.group, centre);
        let themes = self.themes(&at("themes"), &wire.themes);
        let agreed_step = self.step(office, &at("agreed_step"), wire, centre);
        let look_back_on = self.day(&at("look_back_on"), &wire.look_back_on);
        if !self.faults.is_empty() {
            // What else is wrong is told with it; when nothing is, the decision looks at the days.
            let today = super::day_of(office.clock.now());
            check_days(today, on.flatten(), look_back_on.flatten(), part, &mut self.faults);
        }
        let noted = Noted {
            kind: kind?,
            group: group?,
            minutes: length?,
            funding: funding?,
            themes: themes?,
            agreed_step: agreed_step?,
            look_back_on: look_back_on?,
        };
        Some((on?, noted))
    }

    #[expect(clippy::option_option, reason = "left out, and wrong, are two things")]
    fn group(&mut self, field: &str, text: &str, centre: Option<&CentreKey>) -> Option<Option<GroupKey>> {
        if text.is_empty() {
            return Some(None);
        }
        // Whether a group is there cannot be said of a centre that is wrong.
        let there = |group: &GroupKey| {
            centre.is_none_or(|centre| self.caller.directory.group(centre.as_str(), group.as_str()).is_some())
        };
        let group = GroupKey::parse(text).ok().filter(there);
        if group.is_none() {
            self.faults.add(
                field,
                "UNKNOWN_GROUP",
                "give the key of a group of this centre, or leave it out",
            );
        }
        group.map(Some)
    }

    fn themes(&mut self, field: &str, wire: &[i32]) -> Option<Vec<ConcernDomain>> {
        let mut themes = Vec::with_capacity(wire.len().min(THEMES_MAX));
        let before = self.faults.as_slice().len();
        if wire.len() > THEMES_MAX {
            self.faults.add(field, "TOO_MANY", format!("give at most {THEMES_MAX}"));
        }
        for (place, theme) in wire.iter().take(THEMES_MAX).enumerate() {
            match word(*theme, &ConcernDomain::ALL) {
                Some(theme) if themes.contains(&theme) => {
                    self.faults.add(format!("{field}[{place}]"), "DUPLICATE", "stands here twice");
                }
                Some(theme) => themes.push(theme),
                None => {
                    self.faults.add(
                        format!("{field}[{place}]"),
                        "REQUIRED",
                        "choose one of the listed values",
                    );
                }
            }
        }
        (self.faults.as_slice().len() == before).then_some(themes)
    }

    #[expect(clippy::option_option, reason = "left out, and wrong, are two things")]
    fn step(
        &mut self,
        office: &FloorOffice,
        field: &str,
        wire: &ActivityNoted,
        centre: Option<&CentreKey>,
    ) -> Option<Option<SealedStep>> {
        let Some(sealed) = &wire.agreed_step else { return Some(None) };
        let step = read_step(sealed).ok().filter(|step| (1..=SEALED_BYTES_MAX).contains(&step.content.len()));
        let Some(step) = step else {
            self.faults.add(field, "NOT_SEALED", "give what SealText returned for a note");
            return None;
        };
        if centre.is_some_and(|centre| office.owner(centre) != step.owner) {
            self.faults.add(
                format!("{field}.owner"),
                "WRONG_OWNER",
                "this text was sealed for something else; seal it for this centre",
            );
        }
        Some(Some(step))
    }

    /// First and last day; open ends are left open.
    pub(super) fn period(&mut self, wire: Option<&DateRange>) -> Option<(Option<Date>, Option<Date>)> {
        let Some(wire) = wire else { return Some((None, None)) };
        let from = self.day("period.from", &wire.from);
        let until = self.day("period.until", &wire.until);
        let (from, until) = (from?, until?);
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            self.faults.add("period.until", "ENDS_BEFORE_START", "must not lie before period.from");
        }
        Some((from, until))
    }

    /// A group that is asked for; it may have left the directory.
    #[expect(clippy::option_option, reason = "left out, and wrong, are two things")]
    pub(super) fn wanted_group(&mut self, text: &str) -> Option<Option<GroupKey>> {
        if text.is_empty() {
            return Some(None);
        }
        self.faults.take("group", "NOT_A_KEY", GroupKey::parse(text)).map(Some)
    }

    pub(super) fn page_size(&mut self, asked: u32) -> usize {
        read_page_size(asked, &mut self.faults)
    }

    pub(super) fn at_least(&mut self, wire: Option<&common::Position>) -> Option<Position> {
        read_position("at_least", wire, STREAM, &mut self.faults)
    }

    /// The key of the act.
    pub(super) fn key<'c>(&mut self, context: Option<&'c CommandContext>) -> Option<&'c str> {
        let Some(context) = context else {
            self.faults.add("command", "REQUIRED", "give an idempotency key");
            return None;
        };
        let key = context.idempotency_key.as_str();
        check_command_key(key, &mut self.faults).then_some(key)
    }

    /// A value, when nothing was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.faults.finish(value).map_err(|faults| {
            if faults.is_empty() {
                Problem::broken("a request was read without a value")
            } else {
                Problem::invalid(faults)
            }
        })
    }
}
