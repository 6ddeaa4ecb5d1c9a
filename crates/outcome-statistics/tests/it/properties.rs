//! What must hold for any subjects.

use proptest::prelude::*;
use voordeur_outcome_statistics::{
    AalenJohansen, Confidence, Event, KaplanMeier, Member, Scale, Subject, Timeline, Weighting, Weights,
    clopper_pearson, funnel, gray, kappa, log_rank, newcombe, wilson,
};

const P95: Confidence = Confidence::NINETY_FIVE;

/// Few days, so that there are ties; days 0 too.
fn subjects() -> impl Strategy<Value = Vec<Subject>> {
    let subject = (0..25_u32, 0..4_u8).prop_map(|(day, cause)| Subject { day, cause });
    prop::collection::vec(subject, 1..60)
}

fn members() -> impl Strategy<Value = Vec<Member>> {
    let member = (0..2_u32, 0..25_u32, 0..4_u8, 0..3_u32).prop_map(|(stratum, day, cause, group)| Member {
        stratum,
        subject: Subject { day, cause },
        group,
    });
    prop::collection::vec(member, 1..80)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + b.abs())
}

fn all_near(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(*a, *b))
}

/// The variance word for word, sum by sum, for one day.
fn variance_word_for_word(timeline_of: &[Subject], cause: u8, until: u32) -> f64 {
    let mut days: Vec<u32> = timeline_of.iter().map(|subject| subject.day).collect();
    days.sort_unstable();
    days.dedup();
    let mut rows = Vec::new();
    let (mut free, mut value) = (1.0, 0.0);
    for day in days.into_iter().filter(|day| *day <= until) {
        let n = timeline_of.iter().filter(|s| s.day >= day).count() as f64;
        let d = timeline_of.iter().filter(|s| s.day == day && s.cause != 0).count() as f64;
        let dk = timeline_of.iter().filter(|s| s.day == day && s.cause == cause).count() as f64;
        value += free * dk / n;
        rows.push((n, d, dk, free, value));
        free *= 1.0 - d / n;
    }
    let terms = rows.iter().map(|&(n, d, dk, free, then)| {
        let since: f64 = value - then;
        let first = if n > d { since.powi(2) * d / (n * (n - d)) } else { 0.0 };
        first + free.powi(2) * (n - dk) * dk / n.powi(3) - 2.0 * since * free * dk / n.powi(2)
    });
    terms.sum()
}

proptest! {
    #[test]
    fn the_order_of_subjects_means_nothing(subjects in subjects(), turn in 0..60_usize) {
        let mut turned = subjects.clone();
        turned.rotate_left(turn % subjects.len());
        turned.reverse();
        prop_assert_eq!(Timeline::of(&subjects), Timeline::of(&turned));
    }

    #[test]
    fn the_order_of_members_means_nothing(members in members(), turn in 0..80_usize) {
        let mut turned = members.clone();
        turned.rotate_left(turn % members.len());
        for weighting in [Weighting::Even, Weighting::PetoPeto] {
            let test = |members: &[Member]| log_rank(members, 3, Event::Cause(1), weighting);
            prop_assert_eq!(test(&members), test(&turned));
        }
        prop_assert_eq!(gray(&members, 3, 1), gray(&turned, 3, 1));
    }

    #[test]
    fn with_one_cause_incidence_is_one_minus_survival_with_its_error_and_its_interval(subjects in subjects()) {
        let one: Vec<_> = subjects.iter().map(|s| Subject { cause: s.cause.min(1), ..*s }).collect();
        let timeline = Timeline::of(&one).unwrap();
        let (km, aj) = (KaplanMeier::of(&timeline, Event::Any), AalenJohansen::of(&timeline, &[1]));
        for (day, incidence) in km.days().iter().zip(aj.incidence(1)) {
            let free = day.survival;
            prop_assert!(near(incidence.value, 1.0 - free.value));
            prop_assert!(near(incidence.std_err, free.std_err().unwrap_or(0.0)));
            match (incidence.interval(P95), free.interval(Scale::LogLog, P95)) {
                (Some(a), Some(b)) => prop_assert!(near(a.lower, 1.0 - b.upper) && near(a.upper, 1.0 - b.lower)),
                (a, b) => prop_assert_eq!(a.is_some(), b.is_some()),
            }
        }
    }

    #[test]
    fn shares_of_all_causes_and_of_none_add_up_to_one_and_never_fall(subjects in subjects()) {
        let aj = AalenJohansen::of(&Timeline::of(&subjects).unwrap(), &[1, 2, 3]);
        let mut before = [0.0; 3];
        for (at, day) in aj.days().iter().enumerate() {
            let now = [1, 2, 3].map(|cause| aj.incidence(cause)[at].value);
            prop_assert!(near(now.iter().sum::<f64>() + day.event_free, 1.0));
            prop_assert!(now.iter().zip(before).all(|(now, before)| *now >= before));
            before = now;
        }
    }

    #[test]
    fn the_variance_of_an_incidence_is_its_formula(subjects in subjects(), cause in 1..4_u8) {
        let aj = AalenJohansen::of(&Timeline::of(&subjects).unwrap(), &[cause]);
        for (day, incidence) in aj.days().iter().zip(aj.incidence(cause)) {
            let formula = variance_word_for_word(&subjects, cause, day.day);
            prop_assert!((incidence.std_err.powi(2) - formula).abs() < 1e-12, "{} {formula}", incidence.std_err);
        }
    }

    #[test]
    fn naive_incidence_is_never_too_low(subjects in subjects()) {
        let timeline = Timeline::of(&subjects).unwrap();
        let (km, aj) = (KaplanMeier::of(&timeline, Event::Cause(1)), AalenJohansen::of(&timeline, &[1]));
        for (day, incidence) in km.days().iter().zip(aj.incidence(1)) {
            prop_assert!(1.0 - day.survival.value >= incidence.value - 1e-12);
        }
    }

    #[test]
    fn without_censoring_survival_is_a_plain_share(days in prop::collection::vec(0..25_u32, 1..60)) {
        let subjects: Vec<_> = days.iter().map(|&day| Subject { day, cause: 1 }).collect();
        let km = KaplanMeier::of(&Timeline::of(&subjects).unwrap(), Event::Any);
        let n = days.len() as f64;
        for row in km.days() {
            let share = days.iter().filter(|day| **day > row.day).count() as f64 / n;
            prop_assert!(near(row.survival.value, share));
            if let Some(error) = row.survival.std_err() {
                prop_assert!(near(error, (share * (1.0 - share) / n).sqrt()));
            }
        }
        let mean = days.iter().map(|day| f64::from(*day)).sum::<f64>() / n;
        let last = *days.iter().max().unwrap();
        prop_assert!(near(km.restricted_mean(last).unwrap().value, mean));
        prop_assert!(km.restricted_mean(last + 1).is_none());
    }

    #[test]
    fn days_without_event_and_days_lost_are_all_days(subjects in subjects(), tau in 0..25_u32) {
        let timeline = Timeline::of(&subjects).unwrap();
        let (km, aj) = (KaplanMeier::of(&timeline, Event::Any), AalenJohansen::of(&timeline, &[1, 2, 3]));
        let lost: Option<Vec<f64>> = [1, 2, 3].into_iter().map(|cause| aj.days_lost(cause, tau)).collect();
        prop_assert_eq!(lost.is_some(), tau <= timeline.last_day());
        if let (Some(lost), Some(mean)) = (lost, km.restricted_mean(tau)) {
            prop_assert!(near(lost.iter().sum::<f64>() + mean.value, f64::from(tau)));
            prop_assert!(mean.std_err >= 0.0 && mean.std_err.is_finite());
        }
    }

    #[test]
    fn limits_hold_the_estimate_between_them_and_stay_between_zero_and_one(subjects in subjects()) {
        let timeline = Timeline::of(&subjects).unwrap();
        let km = KaplanMeier::of(&timeline, Event::Any);
        for day in km.days() {
            for scale in [Scale::LogLog, Scale::Log, Scale::Plain] {
                let Some(limits) = day.survival.interval(scale, P95) else { continue };
                let value = day.survival.value;
                prop_assert!(0.0 <= limits.lower && limits.lower <= value && value <= limits.upper && limits.upper <= 1.0);
            }
        }
        let median = km.median(P95);
        prop_assert_eq!(median.first_day.is_some(), median.middle.is_some());
        if let (Some(first), Some(middle)) = (median.first_day, median.middle) {
            prop_assert!(f64::from(first) <= middle && median.lower.is_none_or(|lower| lower <= middle));
        }
    }

    #[test]
    fn groups_that_are_the_same_do_not_differ(subjects in subjects()) {
        let member = |group| move |subject: &Subject| Member { stratum: 0, subject: *subject, group };
        let members: Vec<_> = subjects.iter().map(member(0)).chain(subjects.iter().map(member(1))).collect();
        let test = log_rank(&members, 2, Event::Cause(1), Weighting::Even).unwrap();
        prop_assert!(test.chi_square.is_none_or(|chi_square| chi_square < 1e-12));
        prop_assert_eq!(test.chi_square.is_some(), test.p.is_some());
        prop_assert!(all_near(&test.observed, &test.expected));
        prop_assert!(gray(&members, 2, 1).unwrap().statistic.is_none_or(|statistic| statistic < 1e-12));
    }

    #[test]
    fn what_the_groups_are_called_does_not_matter(members in members()) {
        let renamed: Vec<_> = members.iter().map(|m| Member { group: (m.group + 1) % 3, ..*m }).collect();
        let test = |members: &[Member]| log_rank(members, 3, Event::Any, Weighting::PetoPeto).unwrap();
        let (a, b) = (test(&members), test(&renamed));
        prop_assert_eq!((a.df, a.events), (b.df, b.events));
        if let (Some(a), Some(b)) = (a.chi_square, b.chi_square) {
            prop_assert!((a - b).abs() < 1e-6 * (1.0 + a), "{a} {b}");
        }
        prop_assert!(near(a.observed.iter().sum(), a.expected.iter().sum()));
    }

    #[test]
    fn intervals_of_shares_hold_the_share_and_mirror(trials in 1..400_u64, successes in 0..400_u64) {
        let successes = successes % (trials + 1);
        let share = successes as f64 / trials as f64;
        for interval in [wilson, clopper_pearson] {
            let limits = interval(successes, trials, P95).unwrap();
            let mirrored = interval(trials - successes, trials, P95).unwrap();
            prop_assert!(0.0 <= limits.lower && limits.lower <= share && share <= limits.upper && limits.upper <= 1.0);
            prop_assert!(near(limits.lower, 1.0 - mirrored.upper) && near(limits.upper, 1.0 - mirrored.lower));
        }
        prop_assert_eq!(wilson(trials + 1, trials, P95), None);
    }

    #[test]
    fn differences_of_shares_mirror(a in (0..50_u64, 50..60_u64), b in (0..50_u64, 50..60_u64)) {
        let (one, other) = (newcombe(a, b, P95).unwrap(), newcombe(b, a, P95).unwrap());
        prop_assert!(near(one.lower, -other.upper) && near(one.upper, -other.lower));
        prop_assert!(one.lower >= -1.0 && one.upper <= 1.0 && one.lower <= one.upper);
    }

    #[test]
    fn funnels_narrow_and_hold_the_overall_share(trials in 20..2000_u64, percent in 5..95_u32) {
        let overall = f64::from(percent) / 100.0;
        let limits = funnel::limits(overall, trials).unwrap();
        prop_assert!(limits.lower_998 < limits.lower_95 && limits.lower_95 < overall);
        prop_assert!(overall < limits.upper_95 && limits.upper_95 < limits.upper_998);
        prop_assert_eq!(limits.place(overall), funnel::Place::Inside);
        let wide = limits.widened(overall, 4.0);
        prop_assert!(near(wide.upper_95 - overall, 2.0 * (limits.upper_95 - overall)));
        prop_assert_eq!(limits.widened(overall, 0.5), limits.widened(overall, 1.0));
    }

    #[test]
    fn kappa_is_one_when_judges_agree_and_does_not_care_who_is_first(counts in prop::array::uniform3(prop::array::uniform3(0..30_u64))) {
        let mut turned = [[0; 3]; 3];
        let mut agreed = [[0; 3]; 3];
        for i in 0..3 {
            agreed[i][i] = counts[i][i] + 1;
            for j in 0..3 {
                turned[j][i] = counts[i][j];
            }
        }
        for weights in [Weights::Unweighted, Weights::Linear, Weights::Quadratic] {
            prop_assert_eq!(kappa(&agreed, weights), Some(1.0));
            match (kappa(&counts, weights), kappa(&turned, weights)) {
                (Some(a), Some(b)) => prop_assert!(near(a, b) && a <= 1.0),
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }
}

#[test]
fn what_cannot_be_compared_is_not_given_a_p() {
    let member = |day, cause, group| Member { stratum: 0, subject: Subject { day, cause }, group };
    // Everybody on one day: nothing could have been otherwise.
    let all: Vec<_> = (0..6).map(|i| member(4, 1, i % 2)).collect();
    let test = log_rank(&all, 2, Event::Any, Weighting::Even).unwrap();
    assert_eq!((test.df, test.chi_square, test.p), (1, None, None));
    // A cause that never happened.
    assert_eq!(gray(&all, 2, 2).unwrap().statistic, None);
    assert_eq!(log_rank(&all, 2, Event::Cause(2), Weighting::Even).unwrap().df, -1);
    // A group that has nobody is no group.
    assert_eq!(log_rank(&all, 3, Event::Any, Weighting::Even).unwrap().df, 1);
}
