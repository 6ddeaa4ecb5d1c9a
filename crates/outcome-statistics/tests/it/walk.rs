//! Walks through an expected file and compares every leaf of it, so that nothing is left out unnoticed.

use serde_json::Value;

/// Said about the file, not by an estimator.
const NOT_ANSWERS: [&str; 3] = ["dataset", "made_with", "note"];

/// Every difference, one line each; and how many leaves were compared.
#[derive(Default)]
pub struct Walk {
    pub differences: Vec<String>,
    pub compared: usize,
}

impl Walk {
    pub fn compare(&mut self, path: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::Object(expected), Value::Object(found)) => {
                for (name, expected) in
                    expected.iter().filter(|(name, _)| !NOT_ANSWERS.contains(&name.as_str()))
                {
                    self.compare(
                        &format!("{path}/{name}"),
                        expected,
                        found.get(name).unwrap_or(&Value::Bool(false)),
                    );
                }
            }
            (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
                for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                    self.compare(&format!("{path}/{at}"), expected, found);
                }
            }
            (Value::Object(_) | Value::Array(_), _) => {
                self.differences.push(format!("{path}: of another shape: {}", cut(found)));
            }
            (expected, found) => {
                self.compared += 1;
                if !is_same(expected, found) {
                    self.differences.push(format!("{path}: expected {expected}, found {}", cut(found)));
                }
            }
        }
    }
}

/// Ten digits. R gives 4.6e-17 where it means 0, and 0 where `1 - pchisq` has no digits left.
fn is_same(expected: &Value, found: &Value) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) if expected.abs() < 1e-15 => found.abs() < 1e-15,
        (Some(expected), Some(found)) => (expected - found).abs() <= 1e-10 * expected.abs(),
        _ => expected == found,
    }
}

fn cut(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

#[test]
fn a_walk_sees_what_is_missing_wrong_or_of_another_shape() {
    let expected = serde_json::json!({"dataset": "x", "a": [1, 2.5, null], "b": {"c": 0.0}, "d": 4.6e-17});
    let differences = |found: Value| {
        let mut walk = Walk::default();
        walk.compare("", &expected, &found);
        (walk.differences.len(), walk.compared)
    };
    let good = serde_json::json!({"a": [1.0, 2.5, null], "b": {"c": 0}, "d": 0, "more": 1});
    assert_eq!(differences(good.clone()), (0, 5));
    for (path, wrong, faults) in [
        ("/a/1", serde_json::json!(2.500_000_001), 1),
        ("/a/2", serde_json::json!(0), 1),
        ("/a", serde_json::json!([1, 2.5]), 1),
        ("/b", serde_json::json!({}), 1),
        ("/b", serde_json::json!(null), 1),
        ("/d", serde_json::json!(1e-3), 1),
        ("/d", serde_json::json!(null), 1),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = wrong;
        assert_eq!(differences(bad).0, faults, "{path}");
    }
}
