//! Writes a directory as a file: one spelling for each content.

use std::fmt::Write as _;

use crate::{
    agreement, arrangement, floor_hours,
    model::{Directory, Registration},
    notify, opening, policy, presence, school_holidays,
};

impl Directory {
    /// The directory as TOML; reading it gives the same directory.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::from("format = 1\n");
        for organisation in self.organisations() {
            let _ = writeln!(out, "\n[organisation.{}]", organisation.key);
            line(&mut out, "kind", &quoted(organisation.kind.name()));
            line(&mut out, "label", &quoted(&organisation.label));
            registrations(&mut out, &organisation.registrations);
            list(&mut out, "processing_bases", organisation.processing_bases.iter().map(String::as_str));
            for (key, desk) in [
                ("aandachtsfunctionaris", &organisation.aandachtsfunctionaris),
                ("vertrouwensinspecteur", &organisation.vertrouwensinspecteur),
            ] {
                if let Some(desk) = desk {
                    line(&mut out, key, &quoted(desk));
                }
            }
        }
        for centre in self.centres() {
            let _ = writeln!(out, "\n[centre.{}]", centre.key);
            line(&mut out, "label", &quoted(&centre.label));
            line(&mut out, "municipality", &quoted(centre.municipality.value()));
            line(&mut out, "holiday_region", &quoted(centre.holiday_region.name()));
            if let Some(postcode) = &centre.postcode {
                line(&mut out, "postcode", &quoted(postcode));
            }
            opening::print_week(&mut out, &centre.opening);
            if centre.open_on_holidays {
                line(&mut out, "open_on_holidays", "true");
            }
            list(&mut out, "organisations", centre.organisations.iter().map(AsRef::as_ref));
            registrations(&mut out, &centre.registrations);
            for group in centre.groups.values() {
                let _ = writeln!(out, "\n[centre.{}.group.{}]", centre.key, group.key);
                line(&mut out, "label", &quoted(&group.label));
                line(&mut out, "organisation", &quoted(group.organisation.as_str()));
            }
        }
        for person in self.people() {
            let _ = writeln!(out, "\n[person.{}]", person.key);
            line(&mut out, "label", &quoted(&person.label));
            line(&mut out, "organisation", &quoted(person.organisation.as_str()));
            line(&mut out, "role", &quoted(person.role.name()));
            if let Some(desk) = &person.desk {
                line(&mut out, "desk", &quoted(desk));
            }
            if let Some(registration) = &person.registration {
                let identifier = &registration.identifier;
                let until =
                    registration.valid_until.map(|d| format!(", valid_until = {d}")).unwrap_or_default();
                let _ = writeln!(
                    out,
                    "registration = {{ scheme = \"{}\", value = {}{until} }}",
                    identifier.scheme(),
                    quoted(identifier.value())
                );
            }
            list(&mut out, "expertise", person.expertise.iter().map(|domain| domain.name()));
            if let Some(hours) = person.hours_per_week {
                line(&mut out, "hours_per_week", &hours.to_string());
            }
            if let Some(most) = person.max_open_tasks {
                line(&mut out, "max_open_tasks", &most.to_string());
            }
            list(&mut out, "centres", person.centres.iter().map(AsRef::as_ref));
            presence::print(&mut out, &person.presence);
            if let Some(notify) = &person.notify {
                line(&mut out, "notify", &notify::print(notify));
            }
        }
        arrangement::print(self.arrangements(), &mut out);
        if let Some(own) = self.own_policy() {
            policy::print(own, &mut out);
        }
        floor_hours::print(self.floor_hours(), &mut out);
        agreement::print(self.agreements(), &mut out);
        opening::print(self.exceptions(), &mut out);
        school_holidays::print(self.own_school_holidays(), &mut out);
        out
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key} = {value}");
}

fn list<'a>(out: &mut String, key: &str, items: impl Iterator<Item = &'a str>) {
    let items: Vec<_> = items.map(quoted).collect();
    if !items.is_empty() {
        line(out, key, &format!("[{}]", items.join(", ")));
    }
}

fn registrations(out: &mut String, registrations: &[Registration]) {
    if registrations.is_empty() {
        return;
    }
    out.push_str("registrations = [\n");
    for registration in registrations {
        let _ = writeln!(out, "    {},", registration_line(registration));
    }
    out.push_str("]\n");
}

/// A registration as it stands in a list, without the comma behind it.
pub(crate) fn registration_line(Registration { identifier, period, opvang }: &Registration) -> String {
    let mut out = format!("{{ scheme = \"{}\", value = {}", identifier.scheme(), quoted(identifier.value()));
    if let Some(opvang) = opvang {
        let _ = write!(out, ", opvang = \"{}\"", opvang.name());
    }
    for (key, day) in [("from", period.from), ("until", period.until)] {
        if let Some(day) = day {
            let _ = write!(out, ", {key} = {day}");
        }
    }
    out.push_str(" }");
    out
}

pub(crate) fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// A basic string of TOML.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
