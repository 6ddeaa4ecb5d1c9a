//! Working time against a slow reference, and what holds of it in every zone.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::date, tz::TimeZone};
use proptest::{collection::vec, prelude::*, sample::select};
use voordeur_kernel::{
    Span,
    calendar::{Calendar as _, Hours, NeverOpen, WorkingTime, amsterdam},
};

use crate::{
    at, hours,
    reference::{Minute, Place, minute_of},
};

/// Around which the interesting things happen: clock changes, Easter, Koningsdag (also on the 26th), Ascension, the end of a year.
const MOMENTS: [&str; 10] = [
    "2025-04-25T12:00:00Z",
    "2025-10-26T00:30:00Z",
    "2025-12-24T15:00:00Z",
    "2026-03-29T00:30:00Z",
    "2026-04-03T14:00:00Z",
    "2026-04-25T10:00:00Z",
    "2026-05-13T12:00:00Z",
    "2026-10-25T00:30:00Z",
    "2026-12-31T12:00:00Z",
    "2027-03-28T00:30:00Z",
];

fn some_hours() -> impl Strategy<Value = Vec<Hours>> {
    let one = (0_u16..94, 2_u16..40)
        .prop_map(|(from, length)| Hours::new(from * 15, (from * 15 + length * 15).min(1440)).unwrap());
    vec(one, 0..3)
}

fn some_week() -> impl Strategy<Value = [Vec<Hours>; 7]> {
    let usual = Just(WorkingTime::office_week());
    let nights: [Vec<Hours>; 7] = std::array::from_fn(|_| hours("00:00-02:30 02:45-05:00 23:00-24:00"));
    let always: [Vec<Hours>; 7] = std::array::from_fn(|_| hours("00:00-24:00"));
    let any =
        [(); 7].map(|()| some_hours()).prop_filter("never open", |week| week.iter().any(|d| !d.is_empty()));
    prop_oneof![2 => usual, 1 => Just(nights), 1 => Just(always), 6 => any]
}

/// The same place twice: the reference, and what is tested.
fn some_place() -> impl Strategy<Value = (Place, WorkingTime, Minute)> {
    let day = -3_i64..14;
    (some_week(), any::<bool>(), vec(day.clone(), 0..6), vec((day, some_hours()), 0..3), select(&MOMENTS))
        .prop_map(|(week, on_holidays, closed, open, around)| {
            let around = minute_of(around);
            let mut place = Place::new(week.clone().map(Hours::merged), on_holidays);
            let mut tested = WorkingTime::new(amsterdam(), week).unwrap();
            if on_holidays {
                tested = tested.open_on_holidays();
            }
            let first = around / 1440;
            let as_date = |day: i64| date(1970, 1, 1).checked_add(day.days()).unwrap();
            for day in closed {
                place.closed.insert(first + day);
                tested = tested.with_closed([as_date(first + day)]);
            }
            for (day, hours) in open {
                if hours.is_empty() || place.open.contains_key(&(first + day)) {
                    continue;
                }
                place.open.insert(first + day, hours.clone());
                tested = tested.with_open(as_date(first + day), hours);
            }
            (place, tested, around)
        })
}

fn moment(minute: Minute) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn working_time_is_what_the_slow_reference_counts(
        (place, tested, around) in some_place(),
        offset in prop_oneof![-3000_i64..3000, -90_i64..90],
        days in 0_u32..8,
        minutes in 0_u32..700,
        length in 0_i64..8000,
    ) {
        let start = around + offset;
        let from = moment(start);
        for minute in start..start + 200 {
            let within = moment(minute).checked_add(SignedDuration::from_secs(31)).unwrap();
            prop_assert_eq!(tested.is_open(within), place.is_open(minute), "{}", within);
        }
        prop_assert_eq!(tested.next_open(from), Some(moment(place.next_open(start))), "next after {}", from);
        prop_assert_eq!(
            tested.after(from, Span::WorkingDays(days)), moment(place.after_days(start, days)), "{} days after {}", days, from
        );
        prop_assert_eq!(
            tested.after(from, Span::WorkingMinutes(minutes)),
            moment(place.after_minutes(start, minutes)),
            "{} minutes after {}", minutes, from
        );
        prop_assert_eq!(
            tested.working_minutes_between(from, moment(start + length)),
            place.open_minutes(start, start + length),
            "from {} until {}", from, moment(start + length)
        );
    }

    #[test]
    fn it_goes_forward_in_every_zone(
        zone in select(&["Europe/Amsterdam", "America/Chicago", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "America/Havana", "Pacific/Apia"]),
        week in some_week(),
        // From 2005 on: St John's changed its clocks at one minute past midnight then, and Apia left out a day in 2011.
        start in 1_104_537_600_000_i64..1_900_000_000_000,
        later in prop_oneof![0_i64..7_200_000, 0_i64..400_000_000],
        days in 0_u32..30,
        more in 0_u32..5,
        minutes in 0_u32..3000,
    ) {
        let calendar = WorkingTime::new(TimeZone::get(zone).unwrap(), week).unwrap();
        // Every other time near a clock change, where things go wrong.
        let change = calendar.zone().following(Timestamp::from_millisecond(start).unwrap()).next();
        let start = match change {
            Some(change) if start % 2 == 0 => change.timestamp().as_millisecond() + start % 10_800_000 - 5_400_000,
            _ => start,
        };
        let (start, later) = (Timestamp::from_millisecond(start).unwrap(), Timestamp::from_millisecond(start + later).unwrap());
        for (short, long) in [
            (Span::WorkingDays(days), Span::WorkingDays(days + more)),
            (Span::WorkingMinutes(minutes), Span::WorkingMinutes(minutes + more)),
            (Span::Elapsed(u64::from(minutes)), Span::Elapsed(u64::from(minutes + more))),
        ] {
            let end = calendar.after(start, short);
            prop_assert!(start <= end, "{:?} from {} is over at {}", short, start, end);
            prop_assert!(end <= calendar.after(start, long), "{:?} and {:?} from {}", short, long, start);
            let of_later = calendar.after(later, short);
            prop_assert!(end <= of_later, "{:?} from {} and {}: {} and {}", short, start, later, end, of_later);
        }
        let end = calendar.after(start, Span::WorkingMinutes(minutes));
        prop_assert_eq!(calendar.working_minutes_between(start, end), u64::from(minutes));
        let next = calendar.next_open(start).unwrap();
        prop_assert!(start <= next && calendar.is_open(next));
        prop_assert_eq!(calendar.working_minutes_between(start, next), 0);
        prop_assert!(next == start || !calendar.is_open(start));
    }
}

#[test]
fn a_calendar_that_is_never_open_cannot_be_made() {
    assert_eq!(WorkingTime::new(amsterdam(), Default::default()), Err(NeverOpen));
    let sundays = [vec![], vec![], vec![], vec![], vec![], vec![], hours("02:00-03:00")];
    let sundays = WorkingTime::new(amsterdam(), sundays).unwrap();
    // The one hour of the week does not exist on the Sunday of spring; it is a day all the same, and the hour comes a week later.
    let friday = at("2026-03-27T12:00:00Z");
    assert_eq!(sundays.next_open(friday).unwrap(), at("2026-04-12T00:00:00Z"), "5 April is Easter");
    assert_eq!(sundays.after(friday, Span::WorkingDays(1)), at("2026-03-29T01:00:00Z"));
}

#[test]
fn counting_comes_to_an_end_however_long_the_span() {
    let once_a_year = [hours("12:00-12:01"), vec![], vec![], vec![], vec![], vec![], vec![]];
    let once_a_week = WorkingTime::new(amsterdam(), once_a_year).unwrap();
    let start = at("2026-11-23T12:00:00Z");
    assert_eq!(once_a_week.after(start, Span::WorkingDays(u32::MAX)), Timestamp::MAX);
    assert_eq!(once_a_week.after(start, Span::WorkingMinutes(u32::MAX)), Timestamp::MAX);
    assert_eq!(once_a_week.after(Timestamp::MAX, Span::WorkingDays(1)), Timestamp::MAX);
    assert_eq!(once_a_week.after(Timestamp::MAX, Span::WorkingMinutes(1)), Timestamp::MAX);
    assert_eq!(once_a_week.next_open(Timestamp::MAX), None);
    // Nothing is promised for longer than a century, and a century is still counted.
    assert!(once_a_week.after(start, Span::WorkingDays(5_000)) > at("2120-01-01T00:00:00Z"));
    let _ = once_a_week.after(Timestamp::MIN, Span::WorkingDays(1));
    assert!(once_a_week.next_open(Timestamp::MIN).is_some());
}
