//! Work on the floor as people see it.

use jiff::civil::Date;
use voordeur_chassis::edge::wire_position;
use voordeur_contracts::{
    common::DateRange,
    convert::to_wire_time,
    escalation::{self, FundingMinutes, GetFloorPictureResponse, LookBackCount, ThemeCount},
    event::ActivityNoted,
};
use voordeur_directory::Directory;
use voordeur_escalation_domain::activity::{Activity, ActivityKind, FloorPicture, Funding, LookBackResult};
use voordeur_eventlog::Position;
use voordeur_kernel::{CentreKey, ConcernDomain};

use super::codec::number;

/// An activity.
pub(super) fn activity(centre: &CentreKey, activity: &Activity) -> escalation::Activity {
    let text = |key: Option<String>| key.unwrap_or_default();
    escalation::Activity {
        activity_id: activity.id.to_string(),
        centre: centre.to_string(),
        on: activity.on.to_string(),
        recorded_at: Some(to_wire_time(activity.recorded_at)),
        noted_by: text(activity.noted_by.as_ref().map(ToString::to_string)),
        noted: Some(ActivityNoted {
            activity: Default::default(),
            kind: number(activity.kind, &ActivityKind::ALL),
            group: text(activity.group.as_ref().map(ToString::to_string)),
            minutes: activity.minutes.into(),
            funding: number(activity.funding, Funding::ALL),
            themes: activity.themes().map(|theme| number(theme, &ConcernDomain::ALL)).collect(),
            agreed_step: None,
            look_back_on: text(activity.look_back_on.map(|day| day.to_string())),
        }),
        voided: activity.voided,
        look_back_asked: activity.look_back_asked,
        look_back: activity.look_back.map_or(0, |result| number(result, &LookBackResult::ALL)),
        step_agreed: activity.step_agreed,
    }
}

/// A picture of the days `from` to `until`.
pub(super) fn picture(
    picture: &FloorPicture,
    (from, until): (Date, Date),
    minutes_available: Option<u64>,
    at: Option<&Position>,
) -> GetFloorPictureResponse {
    let total = picture.total();
    let themes = picture.groups.iter().flat_map(|(group, tally)| {
        tally.themes.iter().map(|(theme, activities)| ThemeCount {
            theme: number(*theme, &ConcernDomain::ALL),
            activities: *activities,
            group: group.as_ref().map(ToString::to_string).unwrap_or_default(),
        })
    });
    let used = total.minutes.iter().map(|((funding, kind), minutes)| FundingMinutes {
        funding: number(*funding, Funding::ALL),
        kind: number(*kind, &ActivityKind::ALL),
        minutes: *minutes,
    });
    let look_backs = total.look_backs.iter().map(|(result, activities)| LookBackCount {
        result: number(*result, &LookBackResult::ALL),
        activities: *activities,
    });
    GetFloorPictureResponse {
        themes: themes.collect(),
        used: used.collect(),
        minutes_available,
        agreed_steps: total.agreed_steps,
        look_backs_open: total.look_backs_open,
        look_backs: look_backs.collect(),
        position: at.map(wire_position),
        activities: total.activities,
        period: Some(DateRange { from: from.to_string(), until: until.to_string() }),
    }
}

/// Minutes that were agreed for a centre and days. Periods of one centre do not overlap; of one that lies partly within, the part by its
/// days counts. `None` when for some day nothing was agreed.
pub(super) fn available(directory: &Directory, centre: &CentreKey, from: Date, until: Date) -> Option<u64> {
    let days = |from: Date, until: Date| {
        // From the first day to the last, both included.
        let between = from.until(until).ok()?.get_days();
        u64::try_from(between).ok()?.checked_add(1)
    };
    let (mut minutes, mut covered) = (0_u64, 0_u64);
    for agreed in directory.floor_hours_of(centre.as_str()) {
        let (first, last) = (agreed.from.max(from), agreed.until.min(until));
        if last < first {
            continue;
        }
        let (part, whole) = (days(first, last)?, days(agreed.from, agreed.until)?);
        covered += part;
        minutes += u64::from(agreed.hours) * 60 * part / whole;
    }
    (Some(covered) == days(from, until)).then_some(minutes)
}
