use proptest::{prelude::*, sample::select};
use voordeur_kernel::CommitId;

use super::*;

fn key<K: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = K> {
    "[a-z][a-z0-9]{0,9}".prop_map(|text| text.parse::<K>().unwrap())
}

fn any_day() -> impl Strategy<Value = jiff::civil::Date> {
    (2000_i16..2100, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| jiff::civil::date(y, m, d))
}

fn activity() -> impl Strategy<Value = ActivityId> {
    any::<[u8; 16]>().prop_map(ActivityId::from_bytes)
}

fn noted() -> impl Strategy<Value = Noted> {
    let step = (any::<[u8; 16]>(), prop::collection::vec(any::<u8>(), 0..40), any::<[u8; 16]>()).prop_map(
        |(key, content, owner)| SealedStep {
            key: DataKeyId::from_bytes(key),
            content: content.into(),
            owner,
        },
    );
    (
        select(ActivityKind::ALL.to_vec()),
        prop::option::of(key::<GroupKey>()),
        1..=MINUTES_MAX,
        select(Funding::ALL.to_vec()),
        prop::collection::vec(select(ConcernDomain::ALL.to_vec()), 0..=THEMES_MAX),
        prop::option::of(step),
        prop::option::of(any_day()),
    )
        .prop_map(|(kind, group, minutes, funding, themes, agreed_step, look_back_on)| Noted {
            kind,
            group,
            minutes,
            funding,
            themes,
            agreed_step,
            look_back_on,
        })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (activity(), noted()).prop_map(|(activity, noted)| Change::Noted { activity, noted }),
        (activity(), prop::option::of(noted()))
            .prop_map(|(activity, instead)| Change::Corrected { activity, instead }),
        (activity(), prop::option::of(key()), prop::option::of(key()))
            .prop_map(|(activity, group, noted_by)| Change::LookBackDue { activity, group, noted_by }),
        (activity(), select(LookBackResult::ALL.to_vec()))
            .prop_map(|(activity, result)| Change::LookedBack { activity, result }),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Service("escalation".into())),
        key().prop_map(Actor::Organisation),
        (key(), select(Role::ALL.to_vec())).prop_map(|(key, role)| Actor::Person(key, role)),
    ]
}

proptest! {
    #[test]
    fn every_event_reads_back_what_was_written(
        change in change(),
        actor in actor(),
        on in any_day(),
        second in 0_i64..4_000_000_000,
        command: [u8; 16],
        directory_version: u64,
        ordinal: u32,
    ) {
        let meta = Meta {
            recorded_at: Timestamp::from_second(second).unwrap(),
            actor,
            command: CommandId::from_bytes(command),
            directory_version,
            ordinal,
        };
        let event = Event { meta, on, change };
        let centre = CentreKey::parse("de-wilg").unwrap();
        let wire = ActivityEvent::decode(&*write(&centre, &event)).unwrap();
        prop_assert_eq!(read_activity_event(&wire), Ok(event));
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes: Vec<u8>) {
        if let Ok(wire) = ActivityEvent::decode(&*bytes) {
            let _ = read_activity_event(&wire);
        }
    }
}

#[test]
fn an_event_that_cannot_be_read_names_the_field_and_nothing_else() {
    let noted = event::ActivityNoted {
        activity: vec![1; 16].into(),
        kind: 1,
        minutes: 30,
        funding: 1,
        ..Default::default()
    };
    let read = |change: Option<Wire>| {
        let meta = event::EventMeta {
            recorded_at: Some(to_wire_time(Timestamp::UNIX_EPOCH)),
            actor: Some(write_actor(&Actor::Service("escalation".into()))),
            command_id: bytes(CommitId::from_bytes([1; 16]).as_bytes()),
            directory_version: 0,
            ordinal: 1,
        };
        let effective_at = Some(to_wire_time(Timestamp::UNIX_EPOCH));
        read_activity_event(&ActivityEvent { meta: Some(meta), effective_at, change })
    };
    assert!(read(Some(Wire::Noted(noted.clone()))).is_ok());
    let spoil = |spoil: fn(&mut event::ActivityNoted)| {
        let mut noted = noted.clone();
        spoil(&mut noted);
        read(Some(Wire::Noted(noted))).unwrap_err()
    };
    assert_eq!(spoil(|n| n.minutes = 0), "noted.minutes is missing or wrong");
    assert_eq!(spoil(|n| n.group = "De Vossen".into()), "noted.group is missing or wrong");
    assert_eq!(spoil(|n| n.themes = vec![1, 2, 3, 4]), "noted.themes is missing or wrong");
    assert_eq!(spoil(|n| n.look_back_on = "morgen".into()), "noted.look_back_on is missing or wrong");
    assert_eq!(read(None).unwrap_err(), "change is missing or wrong", "an event of a later release");
    let both =
        event::ActivityCorrected { activity: vec![1; 16].into(), void: true, instead: Some(noted.clone()) };
    assert_eq!(read(Some(Wire::Corrected(both))).unwrap_err(), "corrected.instead is missing or wrong");
    assert_eq!(read_activity_event(&ActivityEvent::default()).unwrap_err(), "meta is missing or wrong");
}

#[test]
fn words_have_the_numbers_of_the_contract() {
    assert_eq!(number(ActivityKind::Other, &ActivityKind::ALL), i32::from(event::ActivityKind::Other));
    assert_eq!(number(ActivityKind::Consult, &ActivityKind::ALL), i32::from(event::ActivityKind::Consult));
    assert_eq!(number(Funding::Onderwijs, Funding::ALL), i32::from(event::Funding::Onderwijs));
    assert_eq!(
        number(LookBackResult::NotTried, &LookBackResult::ALL),
        i32::from(event::LookBackResult::NotTried)
    );
    assert_eq!(number(ConcernDomain::Anders, &ConcernDomain::ALL), i32::from(common::ConcernDomain::Anders));
    assert_eq!((word(0, &ActivityKind::ALL), word(7, &ActivityKind::ALL)), (None, None));
}
