//! Every number of every expected file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use voordeur_outcome_statistics::{
    AalenJohansen, Confidence, Event, Interval, KaplanMeier, LogRank, Member, NotComputable, Scale, Subject,
    Survival, Timeline, Weighting, Weights, clopper_pearson, funnel, gray, kappa, log_rank, newcombe,
    sample_size_per_group, wilson,
};

use crate::walk::Walk;

const P95: Confidence = Confidence::NINETY_FIVE;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

fn stems(name: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder(name)).unwrap();
    files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Rows of a data set, by column.
struct Data(Vec<BTreeMap<String, String>>);

impl Data {
    fn read(name: &str) -> Self {
        let text = fs::read_to_string(folder("data").join(format!("{name}.csv"))).unwrap();
        let mut lines =
            text.lines().map(|line| line.split(',').map(|field| field.trim_matches('"').to_owned()));
        let names: Vec<String> = lines.next().unwrap().collect();
        Self(lines.map(|fields| names.iter().cloned().zip(fields).collect()).collect())
    }

    fn of(&self, column: &str, value: &str) -> Self {
        Self(self.0.iter().filter(|row| row[column] == value).cloned().collect())
    }

    fn subjects(&self) -> Vec<Subject> {
        let subject = |row: &BTreeMap<String, String>| Subject {
            day: row["time"].parse().unwrap(),
            cause: row.get("cause").unwrap_or_else(|| &row["status"]).parse().unwrap(),
        };
        self.0.iter().map(subject).collect()
    }

    fn timeline(&self) -> Timeline {
        Timeline::of(&self.subjects()).unwrap()
    }

    fn values(&self, column: &str) -> Vec<String> {
        self.0.iter().map(|row| row[column].clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn members(&self, groups: &str, strata: Option<&str>) -> (Vec<Member>, Vec<String>) {
        let named = self.values(groups);
        let place =
            |values: &[String], value: &String| values.iter().position(|v| v == value).unwrap() as u32;
        let strata_named = strata.map(|column| self.values(column));
        let members = self.0.iter().zip(self.subjects()).map(|(row, subject)| Member {
            stratum: strata.map_or(0, |column| place(strata_named.as_ref().unwrap(), &row[column])),
            subject,
            group: place(&named, &row[groups]),
        });
        (members.collect(), named)
    }
}

fn lower(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.lower)
}

fn upper(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.upper)
}

fn kaplan_meier(data: &Data, event: Event, expected: &Value) -> Value {
    let km = KaplanMeier::of(&data.timeline(), event);
    let days = km.days();
    let limits = |scale, pick: fn(Option<Interval>) -> Option<f64>| -> Vec<_> {
        days.iter().map(|day| pick(day.survival.interval(scale, P95))).collect()
    };
    let median = km.median(P95);
    let at: Vec<u32> = numbers(&expected["at"]["time"]);
    let then: Vec<Survival> = at.iter().map(|&day| km.at(day)).collect();
    let tau = expected["rmst"]["tau"].as_u64().unwrap_or(0) as u32;
    let mean = km.restricted_mean(tau);
    json!({
        "n": km.len(), "events": km.events(),
        "table": {
            "time": days.iter().map(|day| day.day).collect::<Vec<_>>(),
            "n_risk": days.iter().map(|day| day.at_risk).collect::<Vec<_>>(),
            "n_event": days.iter().map(|day| day.events).collect::<Vec<_>>(),
            "n_censor": days.iter().map(|day| day.censored).collect::<Vec<_>>(),
            "surv": days.iter().map(|day| day.survival.value).collect::<Vec<_>>(),
            "se_greenwood": days.iter().map(|day| day.survival.std_err()).collect::<Vec<_>>(),
            "cumhaz_nelson_aalen": days.iter().map(|day| day.cumulative_hazard).collect::<Vec<_>>(),
            "loglog_lower": limits(Scale::LogLog, lower), "loglog_upper": limits(Scale::LogLog, upper),
            "log_lower": limits(Scale::Log, lower), "log_upper": limits(Scale::Log, upper),
            "plain_lower": limits(Scale::Plain, lower), "plain_upper": limits(Scale::Plain, upper),
        },
        "median": {
            "value": median.middle, "loglog_lower": median.lower, "loglog_upper": median.upper,
            "first_time_surv_le_half": median.first_day,
        },
        "at": {
            "time": at, "n_risk": at.iter().map(|&day| km.at_risk(day)).collect::<Vec<_>>(),
            "surv": then.iter().map(|now| now.value).collect::<Vec<_>>(),
            "se_greenwood": then.iter().map(|now| now.std_err()).collect::<Vec<_>>(),
            "loglog_lower": then.iter().map(|now| lower(now.interval(Scale::LogLog, P95))).collect::<Vec<_>>(),
            "loglog_upper": then.iter().map(|now| upper(now.interval(Scale::LogLog, P95))).collect::<Vec<_>>(),
        },
        "rmst": {
            "tau": tau, "value": mean.map(|mean| mean.value), "se": mean.map(|mean| mean.std_err),
            "beyond_last_time": mean.is_none(),
        },
    })
}

fn aalen_johansen(data: &Data, causes: &[u8], expected: &Value) -> Value {
    let timeline = data.timeline();
    let aj = AalenJohansen::of(&timeline, causes);
    let naive = KaplanMeier::of(&timeline, Event::Cause(1));
    let days = aj.days();
    let at: Vec<u32> = numbers(&expected["at"]["time"]);
    let by_cause = causes.iter().map(|&cause| {
        let values = aj.incidence(cause);
        let limits = |interval: fn(&voordeur_outcome_statistics::Incidence) -> Option<f64>| -> Vec<_> {
            values.iter().map(interval).collect()
        };
        json!({
            "cause": cause,
            "cif": values.iter().map(|now| now.value).collect::<Vec<_>>(),
            "se": values.iter().map(|now| now.std_err).collect::<Vec<_>>(),
            "cloglog_lower": limits(|now| lower(now.interval(P95))),
            "cloglog_upper": limits(|now| upper(now.interval(P95))),
            "logF_lower": limits(|now| lower(now.log_log_interval(P95))),
            "logF_upper": limits(|now| upper(now.log_log_interval(P95))),
        })
    });
    let by_cause_at = causes.iter().map(|&cause| {
        json!({
            "cause": cause,
            "cif": at.iter().map(|&day| aj.at(cause, day).value).collect::<Vec<_>>(),
            "se": at.iter().map(|&day| aj.at(cause, day).std_err).collect::<Vec<_>>(),
        })
    });
    json!({
        "n": aj.len(), "causes": causes, "events": aj.causes().map(|(_, events)| events).collect::<Vec<_>>(),
        "time": days.iter().map(|day| day.day).collect::<Vec<_>>(),
        "n_risk": days.iter().map(|day| day.at_risk).collect::<Vec<_>>(),
        "event_free": days.iter().map(|day| day.event_free).collect::<Vec<_>>(),
        "event_free_se": days.iter().map(|day| day.event_free_std_err).collect::<Vec<_>>(),
        "by_cause": by_cause.collect::<Vec<_>>(),
        "naive_one_minus_km_cause1": naive.days().iter().map(|day| 1.0 - day.survival.value).collect::<Vec<_>>(),
        "at": {
            "time": at, "event_free": at.iter().map(|&day| aj.event_free_at(day)).collect::<Vec<_>>(),
            "by_cause": by_cause_at.collect::<Vec<_>>(),
            "naive_one_minus_km_cause1": at.iter().map(|&day| 1.0 - naive.at(day).value).collect::<Vec<_>>(),
        },
    })
}

fn numbers(list: &Value) -> Vec<u32> {
    list.as_array()
        .map(|list| list.iter().map(|day| day.as_u64().unwrap() as u32).collect())
        .unwrap_or_default()
}

fn test_of_rank(
    data: &Data,
    event: Event,
    weighting: Weighting,
    groups: &str,
    strata: Option<&str>,
) -> Value {
    let (members, named) = data.members(groups, strata);
    let LogRank { n, observed, expected, variance, chi_square, df, p, .. } =
        log_rank(&members, named.len(), event, weighting).unwrap();
    json!({
        "rho": u8::from(weighting == Weighting::PetoPeto), "group": named, "n": n, "observed": observed,
        "expected": expected, "variance": variance, "chisq": chi_square, "df": df, "p": p,
    })
}

fn test_of_gray(data: &Data, causes: &[u8], groups: &str) -> Value {
    let (members, named) = data.members(groups, None);
    let tests: Vec<_> = causes.iter().map(|&cause| gray(&members, named.len(), cause).unwrap()).collect();
    json!({
        "cause": causes, "stat": tests.iter().map(|test| test.statistic).collect::<Vec<_>>(),
        "df": tests.iter().map(|test| test.df).collect::<Vec<_>>(),
        "p": tests.iter().map(|test| test.p).collect::<Vec<_>>(),
    })
}

/// The part of a data set that a name in an expected file stands for.
fn part(data: &Data, name: &str) -> Data {
    match name {
        "overall" => Data(data.0.clone()),
        "imminent" | "possible" => data.of("baseline", name),
        _ => match name.strip_prefix("period") {
            Some(period) => data.of("period", period),
            None => data.of("group", name),
        },
    }
}

fn answers(name: &str, expected: &Value) -> Value {
    let data = Data::read(name);
    let last = data.subjects().iter().map(|subject| subject.cause).max().unwrap().max(1);
    let causes: Vec<u8> = (1..=last).collect();
    let mut found = Map::new();
    for (block, expected) in expected.as_object().unwrap() {
        let parts = |answer: &dyn Fn(&Data, &Value) -> Value| -> Value {
            let parts = expected.as_object().unwrap().iter();
            parts.map(|(name, expected)| (name.clone(), answer(&part(&data, name), expected))).collect()
        };
        let one = Event::Cause(1);
        let answer = match block.as_str() {
            "km" => parts(&|data, expected| kaplan_meier(data, Event::Any, expected)),
            "km_cause1_others_censored" => parts(&|data, expected| kaplan_meier(data, one, expected)),
            "aj" => parts(&|data, expected| aalen_johansen(data, &causes, expected)),
            "logrank" => test_of_rank(&data, Event::Any, Weighting::Even, "group", None),
            "peto_peto" => test_of_rank(&data, Event::Any, Weighting::PetoPeto, "group", None),
            "logrank_cause_specific_1" => test_of_rank(&data, one, Weighting::Even, "group", None),
            "logrank_cause_specific_1_by_period" => test_of_rank(&data, one, Weighting::Even, "period", None),
            "logrank_cause_specific_1_by_period_stratified_by_baseline" => {
                test_of_rank(&data, one, Weighting::Even, "period", Some("baseline"))
            }
            "gray" => test_of_gray(&data, &causes, "group"),
            "gray_by_period" => test_of_gray(&data, &causes, "period"),
            _ => continue,
        };
        found.insert(block.clone(), answer);
    }
    Value::Object(found)
}

#[test]
fn every_number_of_r_is_found_again() {
    let expected_files = stems("expected");
    assert_eq!(expected_files.len(), 26);
    let mut unused = stems("data");
    let mut walk = Walk::default();
    for name in &expected_files {
        let expected: Value = serde_json::from_str(
            &fs::read_to_string(folder("expected").join(format!("{name}.json"))).unwrap(),
        )
        .unwrap();
        let found = match name.as_str() {
            "proportions" => proportions(&expected),
            "errors" => errors(),
            _ => answers(name, &expected),
        };
        unused.remove(name);
        walk.compare(name, &expected, &found);
    }
    assert_eq!(unused, BTreeSet::new(), "data without an answer");
    assert!(
        walk.differences.is_empty(),
        "{} of {}:\n{}",
        walk.differences.len(),
        walk.compared,
        walk.differences.join("\n")
    );
    assert_eq!(walk.compared, 39_506, "every leaf of every file");
}

/// R's words for what we have an error for.
fn errors() -> Value {
    let words = |error: NotComputable| match error {
        NotComputable::OneGroup => "There is only 1 group",
        NotComputable::NoObservations => "data set has no non-missing observations",
    };
    let data = Data::read("freireich").of("group", "6MP");
    let (members, named) = data.members("group", None);
    let one_group = log_rank(&members, named.len(), Event::Any, Weighting::Even).unwrap_err();
    assert_eq!(gray(&members, named.len(), 1).unwrap_err(), NotComputable::OneGroup);
    for nothing in [log_rank(&[], 2, Event::Any, Weighting::Even).err(), gray(&[], 2, 1).err()] {
        assert_eq!(nothing, Some(NotComputable::NoObservations));
    }
    json!({
        "logrank_one_group": { "error": words(one_group) },
        "km_no_rows": words(Timeline::of(&[]).unwrap_err()),
    })
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    value.as_array().unwrap().iter().map(|item| read(item).unwrap()).collect()
}

fn proportions(expected: &Value) -> Value {
    let intervals = |block: &Value, interval: fn(u64, u64, Confidence) -> Option<Interval>| {
        let (x, n) = (list(&block["x"], Value::as_u64), list(&block["n"], Value::as_u64));
        let found: Vec<_> = x.iter().zip(&n).map(|(x, n)| interval(*x, *n, P95).unwrap()).collect();
        let pick = |pick: fn(&Interval) -> f64| found.iter().map(pick).collect::<Vec<_>>();
        json!({"x": x, "n": n, "lower": pick(|i| i.lower), "upper": pick(|i| i.upper)})
    };
    let block = &expected["funnel_exact_binomial_interpolated"];
    let (theta, n) = (list(&block["theta"], Value::as_f64), list(&block["n"], Value::as_u64));
    let limits: Vec<_> = theta.iter().zip(&n).map(|(theta, n)| funnel::limits(*theta, *n).unwrap()).collect();
    let of = |pick: fn(&funnel::Limits) -> f64| limits.iter().map(pick).collect::<Vec<_>>();
    let block = &expected["newcombe_difference"];
    let [x1, n1, x2, n2] = ["x1", "n1", "x2", "n2"].map(|name| list(&block[name], Value::as_u64));
    let differences: Vec<_> =
        (0..x1.len()).map(|i| newcombe((x1[i], n1[i]), (x2[i], n2[i]), P95).unwrap()).collect();
    let block = &expected["sample_size_per_group_80pct_power"];
    let (p1, p2) = (list(&block["p1"], Value::as_f64), list(&block["p2"], Value::as_f64));
    let sizes: Vec<_> = p1.iter().zip(&p2).map(|(p1, p2)| sample_size_per_group(*p1, *p2, 0.8)).collect();
    let rows = list(&expected["kappa_example"]["matrix"], |row| Some(list(row, Value::as_u64)));
    let matrix: [[u64; 3]; 3] =
        rows.into_iter().map(|row| row.try_into().unwrap()).collect::<Vec<_>>().try_into().unwrap();
    json!({
        "wilson": intervals(&expected["wilson"], wilson),
        "clopper_pearson": intervals(&expected["clopper_pearson"], clopper_pearson),
        "funnel_exact_binomial_interpolated": {
            "theta": theta, "n": n, "l998": of(|l| l.lower_998), "l95": of(|l| l.lower_95),
            "u95": of(|l| l.upper_95), "u998": of(|l| l.upper_998),
        },
        "funnel_example_kc_synth": funnel_of_centres(),
        "newcombe_difference": {
            "x1": x1, "n1": n1, "x2": x2, "n2": n2,
            "lower": differences.iter().map(|d| d.lower).collect::<Vec<_>>(),
            "upper": differences.iter().map(|d| d.upper).collect::<Vec<_>>(),
        },
        "sample_size_per_group_80pct_power": {"p1": p1, "p2": p2, "n": sizes},
        "kappa_example": {
            "matrix": matrix, "unweighted": kappa(&matrix, Weights::Unweighted),
            "linear": kappa(&matrix, Weights::Linear), "quadratic": kappa(&matrix, Weights::Quadratic),
        },
    })
}

/// From the data themselves: who was referred, by centre.
fn funnel_of_centres() -> Value {
    let data = Data::read("kc_synth");
    let mut centres: Vec<u64> = data.values("centre").iter().map(|centre| centre.parse().unwrap()).collect();
    centres.sort_unstable();
    let counts: Vec<(u64, u64)> = centres
        .iter()
        .map(|centre| {
            let timeline = data.of("centre", &centre.to_string()).timeline();
            (timeline.events(Event::Cause(1)), timeline.len())
        })
        .collect();
    let overall = funnel::overall(&counts).unwrap();
    let z: Vec<f64> = counts.iter().map(|(x, n)| funnel::z_score(*x, *n, overall).unwrap()).collect();
    json!({
        "centre": centres, "n": counts.iter().map(|(_, n)| n).collect::<Vec<_>>(),
        "x": counts.iter().map(|(x, _)| x).collect::<Vec<_>>(),
        "theta0": overall, "overdispersion_phi": funnel::dispersion(&z), "z": z,
    })
}
