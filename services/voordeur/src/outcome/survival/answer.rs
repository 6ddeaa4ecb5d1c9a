//! The answer as JSON. Its names are those of the reference values in `crates/outcome-statistics/tests/reference`.

use serde_json::{Map, Value, json};
use voordeur_outcome_statistics::{
    AalenJohansen, Confidence, EVENTS_FOR_A_TEST, Event, Incidence, Interval, KaplanMeier, NotComputable,
    Scale, Subject, Survival, Timeline, Weighting, gray, log_rank,
};

use super::read::{Kind, Rows, Split};

const P95: Confidence = Confidence::NINETY_FIVE;

/// What the caller wants to see apart.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) tau: u32,
    pub(super) at: &'a [u32],
}

/// Everything that can be said about the subjects.
pub(super) fn of(name: &str, rows: &Rows, asked: Asked<'_>) -> Result<Value, NotComputable> {
    let mut answer = Map::new();
    answer.insert("dataset".into(), name.into());
    answer.insert("conf_level".into(), P95.level().into());
    match rows.kind {
        Kind::Status => {
            answer.insert("km".into(), parts(rows, |subjects| kaplan_meier(subjects, Event::Any, asked))?);
        }
        Kind::Cause => {
            let first = Event::Cause(1);
            let km = parts(rows, |subjects| kaplan_meier(subjects, first, asked))?;
            answer.insert("km_cause1_others_censored".into(), km);
            let causes = causes(rows);
            answer.insert("aj".into(), parts(rows, |subjects| aalen_johansen(subjects, &causes, asked))?);
        }
    }
    for split in rows.splits.iter().filter(|split| split.names.len() > 1) {
        compare(&mut answer, rows, split)?;
    }
    Ok(Value::Object(answer))
}

/// All causes up to the last that happened, and at least the first.
fn causes(rows: &Rows) -> Vec<u8> {
    let last = rows.subjects.iter().map(|subject| subject.cause).max().unwrap_or(0);
    (1..=last.max(1)).collect()
}

/// An estimate of everybody, and of everybody with each value of each split.
fn parts(
    rows: &Rows,
    estimate: impl Fn(&[Subject]) -> Result<Value, NotComputable>,
) -> Result<Value, NotComputable> {
    let mut parts = Map::new();
    parts.insert("overall".into(), estimate(&rows.subjects)?);
    for split in &rows.splits {
        for (value, name) in (0..).zip(&split.names) {
            parts.insert(part_name(split, name), estimate(&rows.part(split, value))?);
        }
    }
    Ok(Value::Object(parts))
}

/// A number says nothing without its column.
fn part_name(split: &Split, name: &str) -> String {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && split.column != "group" { format!("{}{name}", split.column) } else { name.to_owned() }
}

fn lower(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.lower)
}

fn upper(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.upper)
}

fn list<T, U>(items: &[T], pick: impl Fn(&T) -> U) -> Vec<U> {
    items.iter().map(pick).collect()
}

fn kaplan_meier(subjects: &[Subject], event: Event, asked: Asked<'_>) -> Result<Value, NotComputable> {
    let km = KaplanMeier::of(&Timeline::of(subjects)?, event);
    let days = km.days();
    let median = km.median(P95);
    let mean = km.restricted_mean(asked.tau);
    let at = list(asked.at, |&day| km.at(day));
    let limit = |scale, side: fn(Option<Interval>) -> Option<f64>| {
        list(days, |day| side(day.survival.interval(scale, P95)))
    };
    let limit_at = |side: fn(Option<Interval>) -> Option<f64>| {
        list(&at, |now: &Survival| side(now.interval(Scale::LogLog, P95)))
    };
    Ok(json!({
        "n": km.len(),
        "events": km.events(),
        "table": {
            "time": list(days, |day| day.day),
            "n_risk": list(days, |day| day.at_risk),
            "n_event": list(days, |day| day.events),
            "n_censor": list(days, |day| day.censored),
            "surv": list(days, |day| day.survival.value),
            "se_greenwood": list(days, |day| day.survival.std_err()),
            "cumhaz_nelson_aalen": list(days, |day| day.cumulative_hazard),
            "loglog_lower": limit(Scale::LogLog, lower),
            "loglog_upper": limit(Scale::LogLog, upper),
            "log_lower": limit(Scale::Log, lower),
            "log_upper": limit(Scale::Log, upper),
            "plain_lower": limit(Scale::Plain, lower),
            "plain_upper": limit(Scale::Plain, upper),
        },
        "median": {
            "value": median.middle,
            "loglog_lower": median.lower,
            "loglog_upper": median.upper,
            "first_time_surv_le_half": median.first_day,
        },
        "at": {
            "time": asked.at,
            "n_risk": list(asked.at, |&day| km.at_risk(day)),
            "surv": list(&at, |now| now.value),
            "se_greenwood": list(&at, |now| now.std_err()),
            "loglog_lower": limit_at(lower),
            "loglog_upper": limit_at(upper),
        },
        "rmst": {
            "tau": asked.tau,
            "value": mean.map(|mean| mean.value),
            "se": mean.map(|mean| mean.std_err),
            "beyond_last_time": mean.is_none(),
        },
    }))
}

fn aalen_johansen(subjects: &[Subject], causes: &[u8], asked: Asked<'_>) -> Result<Value, NotComputable> {
    let timeline = Timeline::of(subjects)?;
    let aj = AalenJohansen::of(&timeline, causes);
    let naive = KaplanMeier::of(&timeline, Event::Cause(1));
    let days = aj.days();
    let by_cause = list(causes, |&cause| {
        let values = aj.incidence(cause);
        let limit = |pick: fn(&Incidence) -> Option<f64>| list(values, pick);
        json!({
            "cause": cause,
            "cif": list(values, |now| now.value),
            "se": list(values, |now| now.std_err),
            "cloglog_lower": limit(|now| lower(now.interval(P95))),
            "cloglog_upper": limit(|now| upper(now.interval(P95))),
            "logF_lower": limit(|now| lower(now.log_log_interval(P95))),
            "logF_upper": limit(|now| upper(now.log_log_interval(P95))),
            "days_lost": { "tau": asked.tau, "value": aj.days_lost(cause, asked.tau) },
        })
    });
    let by_cause_at = list(causes, |&cause| {
        let values = list(asked.at, |&day| aj.at(cause, day));
        json!({
            "cause": cause,
            "cif": list(&values, |now| now.value),
            "se": list(&values, |now| now.std_err),
            "cloglog_lower": list(&values, |now| lower(now.interval(P95))),
            "cloglog_upper": list(&values, |now| upper(now.interval(P95))),
        })
    });
    Ok(json!({
        "n": aj.len(),
        "causes": causes,
        "events": aj.causes().map(|(_, events)| events).collect::<Vec<_>>(),
        "time": list(days, |day| day.day),
        "n_risk": list(days, |day| day.at_risk),
        "event_free": list(days, |day| day.event_free),
        "event_free_se": list(days, |day| day.event_free_std_err),
        "by_cause": by_cause,
        "naive_one_minus_km_cause1": list(naive.days(), |day| 1.0 - day.survival.value),
        "at": {
            "time": asked.at,
            "n_risk": list(asked.at, |&day| aj.at_risk(day)),
            "event_free": list(asked.at, |&day| aj.event_free_at(day)),
            "by_cause": by_cause_at,
            "naive_one_minus_km_cause1": list(asked.at, |&day| 1.0 - naive.at(day).value),
        },
    }))
}

/// The tests that fit the file, by one column.
fn compare(answer: &mut Map<String, Value>, rows: &Rows, split: &Split) -> Result<(), NotComputable> {
    let by = if split.column == "group" { String::new() } else { format!("_by_{}", split.column) };
    let within = rows.strata.as_ref().map(|strata| (format!("{by}_stratified_by_{}", strata.column), strata));
    let compared = [Some((by.clone(), None)), within.map(|(name, strata)| (name, Some(strata)))];
    for (name, strata) in compared.into_iter().flatten() {
        let mut test = |kind: &str, event, weighting| {
            let found = rank_test(rows, split, strata, event, weighting)?;
            answer.insert(format!("{kind}{name}"), found);
            Ok(())
        };
        match rows.kind {
            Kind::Status => {
                test("logrank", Event::Any, Weighting::Even)?;
                test("peto_peto", Event::Any, Weighting::PetoPeto)?;
            }
            Kind::Cause => test("logrank_cause_specific_1", Event::Cause(1), Weighting::Even)?,
        }
    }
    if rows.kind == Kind::Cause {
        let (members, causes) = (rows.members(split, None), causes(rows));
        let tests = causes.iter().map(|&cause| gray(&members, split.names.len(), cause));
        let tests = tests.collect::<Result<Vec<_>, _>>()?;
        let found = json!({
            "cause": causes,
            "stat": list(&tests, |test| test.statistic),
            "df": list(&tests, |test| test.df),
            "p": list(&tests, |test| test.p),
        });
        answer.insert(format!("gray{by}"), found);
    }
    Ok(())
}

fn rank_test(
    rows: &Rows,
    split: &Split,
    strata: Option<&Split>,
    event: Event,
    weighting: Weighting,
) -> Result<Value, NotComputable> {
    let test = log_rank(&rows.members(split, strata), split.names.len(), event, weighting)?;
    let few = test.events < EVENTS_FOR_A_TEST;
    let note = few.then(|| format!("fewer than {EVENTS_FOR_A_TEST} events: report intervals, not this test"));
    Ok(json!({
        "rho": u8::from(weighting == Weighting::PetoPeto),
        "group": split.names,
        "n": test.n,
        "observed": test.observed,
        "expected": test.expected,
        "variance": test.variance,
        "chisq": test.chi_square,
        "df": test.df,
        "p": test.p,
        "note": note,
    }))
}
