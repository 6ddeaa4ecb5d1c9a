//! How somebody wants to hear that she must act. An address is hers alone: it is never printed, logged or shown in differences.

use std::{collections::BTreeSet, fmt};

use jiff::{Timestamp, tz::TimeZone};
use voordeur_kernel::calendar::DAY_MINUTES;

use crate::{
    finding::Notes,
    print::{clock, quoted},
    read::{Reader, Value},
};

/// Longest address of mail, by RFC 5321 section 4.5.3.1.3.
const ADDRESS_CHARS_MAX: usize = 254;
/// Longest part before the @, by section 4.5.3.1.1.
const LOCAL_CHARS_MAX: usize = 64;

/// What she hears about. A safety signal is told always, whatever she chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotifyKind {
    /// She is asked whether she takes something.
    Requests,
    /// Something became hers.
    OwnWork,
    /// A clock of her own work passed.
    Reminders,
    /// What stands at the coordinator, or asks for her decision.
    Coordination,
    /// She was asked along, or invited to a meeting.
    Invitations,
}

impl NotifyKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Requests, Self::OwnWork, Self::Reminders, Self::Coordination, Self::Invitations];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::OwnWork => "own_work",
            Self::Reminders => "reminders",
            Self::Coordination => "coordination",
            Self::Invitations => "invitations",
        }
    }
}

/// An address of mail.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress(String);

impl MailAddress {
    /// The address, for whoever sends the mail.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads an address: what mail servers take without quoting.
    fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "write one address as name@example.nl, without spaces";
        let (local, domain) = text.rsplit_once('@').ok_or(FORM)?;
        let atom = |part: &str, extra: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
        };
        let local_fits =
            local.len() <= LOCAL_CHARS_MAX && local.split('.').all(|part| atom(part, "!#$%&'*+/=?^_`{|}~-"));
        let domain_fits = domain.contains('.')
            && domain.split('.').all(|part| {
                part.len() <= 63 && atom(part, "-") && !part.starts_with('-') && !part.ends_with('-')
            });
        if text.len() <= ADDRESS_CHARS_MAX && local_fits && domain_fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(FORM)
        }
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAddress(…)")
    }
}

/// How somebody wants to hear that she must act.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notify {
    /// Where mail goes.
    pub email: Option<MailAddress>,
    /// From when until when of every day ordinary mail waits, in minutes of the day; it may pass midnight.
    pub quiet: Option<(u16, u16)>,
    /// What she hears about; `None`: everything.
    pub kinds: Option<BTreeSet<NotifyKind>>,
}

impl Notify {
    /// Does ordinary mail wait at this moment?
    #[must_use]
    pub fn is_quiet(&self, zone: &TimeZone, at: Timestamp) -> bool {
        let Some((from, until)) = self.quiet else { return false };
        let time = zone.to_datetime(at).time();
        let minute = u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0);
        if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }

    /// Does she want to hear about this?
    #[must_use]
    pub fn wants(&self, kind: NotifyKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// Reads `notify = { … }`.
pub(crate) fn read(value: &Value<'_, '_>, notes: &mut Notes) -> Option<Notify> {
    let mut table = value.table(notes)?;
    let email =
        table.optional(notes, "email").and_then(|v| v.parsed(notes, "BAD_ADDRESS", MailAddress::parse));
    let quiet = quiet(&mut table, notes);
    let mut kinds = None;
    if let Some(list) = table.optional(notes, "kinds") {
        let chosen: &mut BTreeSet<_> = kinds.insert(BTreeSet::new());
        for item in list.items(notes) {
            if let Some(kind) = item.word(notes, NotifyKind::ALL, NotifyKind::name)
                && !chosen.insert(kind)
            {
                notes.fault(item.line, item.path, "DUPLICATE", "stands here twice");
            }
        }
    }
    table.finish(notes);
    Some(Notify { email, quiet, kinds })
}

fn quiet(table: &mut Reader<'_, '_>, notes: &mut Notes) -> Option<(u16, u16)> {
    let from = table.optional(notes, "quiet_from");
    let until = table.optional(notes, "quiet_until");
    for (there, missing) in [(&from, "quiet_until"), (&until, "quiet_from")] {
        if let Some(there) = there
            && (from.is_none() || until.is_none())
        {
            let text = format!("{missing} is missing; quiet hours have a begin and an end");
            notes.fault(there.line, &there.path, "REQUIRED", text);
        }
    }
    let (from, until) = (from?, until?);
    let (begins, ends) = (from.minute(notes)?, until.minute(notes)?);
    if begins == ends || (begins % DAY_MINUTES) == (ends % DAY_MINUTES) {
        let text = "must differ from quiet_from; who wants no mail at all leaves the address out";
        notes.fault(until.line, &until.path, "QUIET_ALL_DAY", text);
        return None;
    }
    Some((begins, ends))
}

/// As it stands in a file.
pub(crate) fn print(notify: &Notify) -> String {
    let mut parts = Vec::new();
    if let Some(email) = &notify.email {
        parts.push(format!("email = {}", quoted(email.reveal())));
    }
    if let Some((from, until)) = notify.quiet {
        parts.push(format!("quiet_from = \"{}\", quiet_until = \"{}\"", clock(from), clock(until)));
    }
    if let Some(kinds) = &notify.kinds {
        let kinds: Vec<_> = kinds.iter().map(|kind| quoted(kind.name())).collect();
        parts.push(format!("kinds = [{}]", kinds.join(", ")));
    }
    format!("{{ {} }}", parts.join(", "))
}

/// What differences show: the address is compared, and not printed.
pub(crate) fn flat(path: &str, notify: &Notify) -> Vec<(String, String)> {
    let mut flat = vec![(format!("{path}.notify"), "yes".to_owned())];
    if let Some(email) = &notify.email {
        flat.push((format!("{path}.notify.email"), email.reveal().to_owned()));
    }
    if let Some((from, until)) = notify.quiet {
        flat.push((format!("{path}.notify.quiet"), format!("{}-{}", clock(from), clock(until))));
    }
    if let Some(kinds) = &notify.kinds {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        flat.push((format!("{path}.notify.kinds"), format!("[{}]", kinds.join(", "))));
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mail_servers_take_are_taken_and_others_not() {
        for good in ["noor@example.nl", "noor.de-wit+taken@mail.example.nl", "n@a.b"] {
            assert_eq!(MailAddress::parse(good).unwrap().reveal(), good);
        }
        for bad in [
            "",
            "noor",
            "noor@",
            "@example.nl",
            "noor@example",
            "no or@example.nl",
            "a..b@example.nl",
            ".a@example.nl",
            "noor@-a.nl",
            "noor@a-.nl",
            "noor@a..nl",
            "noor@example.nl\r\nBcc: x@y.z",
            "Noor <noor@example.nl>",
            "é@a.nl",
        ] {
            assert!(MailAddress::parse(bad).is_err(), "{bad}");
        }
        assert!(MailAddress::parse(&format!("{}@example.nl", "a".repeat(65))).is_err());
        let shown = format!("{:?}", MailAddress::parse("noor@example.nl").unwrap());
        assert!(!shown.contains("noor"), "{shown}");
    }

    #[test]
    fn quiet_hours_may_pass_midnight_and_follow_the_clock_of_the_wall() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let night = Notify { email: None, quiet: Some((18 * 60, 8 * 60)), kinds: None };
        // Winter: an hour ahead of UTC; summer: two.
        for (moment, quiet) in [
            ("2026-01-05T16:59:00Z", false),
            ("2026-01-05T17:00:00Z", true),
            ("2026-01-05T23:30:00Z", true),
            ("2026-01-06T06:59:00Z", true),
            ("2026-01-06T07:00:00Z", false),
            ("2026-07-06T15:59:00Z", false),
            ("2026-07-06T16:00:00Z", true),
            ("2026-07-07T05:59:00Z", true),
            ("2026-07-07T06:00:00Z", false),
        ] {
            assert_eq!(night.is_quiet(&zone, at(moment)), quiet, "{moment}");
        }
        let noon = Notify { quiet: Some((12 * 60, 13 * 60)), ..night };
        assert!(
            noon.is_quiet(&zone, at("2026-01-05T11:30:00Z"))
                && !noon.is_quiet(&zone, at("2026-01-05T12:00:00Z"))
        );
    }
}
