//! `schema-actions.json`: every action over every input.

use crate::golden::{load, object, same, show, value};
use s3db::schema::{Action, Params};
use s3db::value::Value;

/// Inputs where the replacement stores another text, by the item of spec/04 section 15.
fn exception(action: &str, input: &Value) -> Option<&'static str> {
    let exponent = |n: f64| n.is_finite() && (n.abs() >= 9_007_199_254_740_992.0 || (n != 0.0 && n.abs() < 1e-6));
    let large = match input {
        Value::Number(n) => exponent(*n),
        Value::String(s) => s.parse::<f64>().is_ok_and(exponent),
        Value::Array(items) => items.iter().any(|i| matches!(i, Value::Number(n) if exponent(*n))),
        _ => false,
    };
    match action {
        "toBase62" | "toBase62Decimal" | "fromArrayOfNumbers" | "fromArrayOfDecimals" if large => Some("spec04_15_24"),
        "fromBase62" if matches!(input, Value::String(s) if s.contains('.') && s.contains('e')) => Some("spec04_15_24"),
        "encodeIPv6" | "decodeIPv6" => Some("spec04_15_31"),
        "decodeIPv4" if matches!(input, Value::String(s) if s.contains('.')) => Some("spec04_15_02"),
        "encodeGeoPointPair" if matches!(input, Value::Array(items) if matches!(items[..], [Value::String(_), _])) => Some("spec04_15_41"),
        // The text depends on the time zone of the machine.
        "toString" | "toArray" if matches!(input, Value::Date(_)) => Some("host time zone"),
        "decodeGeoLatitude" | "decodeGeoLongitude" | "decodeGeoPointPair" => Some("spec04_15_32"),
        _ => None,
    }
}

#[test]
fn schema_actions_match_the_vectors() {
    let mut failures = Vec::new();
    let mut exceptions = std::collections::BTreeMap::new();
    for case in load("schema-actions").as_array().unwrap() {
        let name = case["action"].as_str().unwrap();
        let action = Action::parse(name).unwrap_or_else(|| panic!("no action {name}"));
        let params = Params::default().with(&object(&case["params"]));
        let input = case.get("input").map_or(Value::Undefined, value);
        let result = action.apply(&input, &params);
        if case.get("error").is_some() {
            assert!(result.is_err(), "{name} of {} must fail", show(&input));
            continue;
        }
        let expected = case.get("output").map_or(Value::Undefined, value);
        let got = result.unwrap_or_else(|e| panic!("{name} of {}: {e}", show(&input)));
        if !same(&got, &expected) {
            match exception(name, &input) {
                Some(item) => *exceptions.entry(item).or_insert(0) += 1,
                None => failures.push(format!(
                    "{name}({}, {}) = {} instead of {}",
                    show(&input),
                    case["params"],
                    show(&got),
                    show(&expected)
                )),
            }
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
    let total: i32 = exceptions.values().sum();
    assert!(total < 60, "too many exceptions: {exceptions:?}");
}
