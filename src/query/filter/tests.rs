use super::*;
use crate::value::text;

fn parse(json: &str) -> Value {
    text::parse(json).unwrap()
}

fn is_match(filter: &str, record: &str) -> bool {
    let Value::Object(record) = parse(record) else {
        panic!("not an object")
    };
    Filter::parse(&parse(filter)).unwrap().matches(Subject::of(&record))
}

#[test]
fn plain_values_are_strictly_equal() {
    assert!(is_match(r#"{"a":1,"b":"x"}"#, r#"{"a":1,"b":"x"}"#));
    assert!(!is_match(r#"{"a":"1"}"#, r#"{"a":1}"#));
    assert!(is_match(r#"{"a":null}"#, r#"{"a":null}"#));
    assert!(!is_match(r#"{"a":null}"#, r#"{}"#));
    assert!(!is_match(r#"{"a":[1]}"#, r#"{"a":[1]}"#));
    assert!(!is_match(r#"{"a":"x"}"#, r#"{"a":["x"]}"#));
    assert!(is_match(r#"{"a.b":1}"#, r#"{"a":{"b":1}}"#));
    assert!(is_match(r#"{"a.b":1}"#, r#"{"a.b":1,"a":{"b":2}}"#));
}

#[test]
fn comparisons_stay_within_a_type() {
    assert!(is_match(r#"{"a":{"$gt":1,"$lte":3}}"#, r#"{"a":3}"#));
    assert!(!is_match(r#"{"a":{"$gt":1}}"#, r#"{"a":"2"}"#));
    assert!(is_match(r#"{"a":{"$gte":"b"}}"#, r#"{"a":"c"}"#));
    assert!(!is_match(r#"{"a":{"$lt":5}}"#, r#"{}"#));
    assert!(is_match(r#"{"a":{"$ne":5}}"#, r#"{}"#));
}

#[test]
fn operators_look_into_arrays_and_objects() {
    let record = r#"{"tags":["a","b"],"items":[{"sku":"x","n":1},{"sku":"y","n":5}]}"#;
    assert!(is_match(r#"{"tags":{"$eq":"a"}}"#, record));
    assert!(is_match(r#"{"tags":{"$all":["a","b"]}}"#, record));
    assert!(!is_match(r#"{"tags":{"$all":["a","c"]}}"#, record));
    assert!(is_match(r#"{"tags":{"$size":2}}"#, record));
    assert!(is_match(r#"{"items.n":{"$gt":4}}"#, record));
    assert!(is_match(r#"{"items.1.sku":{"$eq":"y"}}"#, record));
    assert!(!is_match(r#"{"items":{"$elemMatch":{"sku":"x","n":5}}}"#, record));
    assert!(is_match(r#"{"items":{"$elemMatch":{"sku":"y","n":{"$gte":5}}}}"#, record));
    assert!(is_match(r#"{"tags":{"$nin":["c"]}}"#, record));
    assert!(is_match(r#"{"tags":{"$contains":"b"}}"#, record));
    assert!(is_match(r#"{"items.sku":{"$contains":"y"}}"#, record));
    assert!(!is_match(r#"{"tags":{"$ne":"a"}}"#, record));
}

#[test]
fn logic() {
    assert!(is_match(r#"{"$or":[{"a":1},{"b":2}]}"#, r#"{"b":2}"#));
    assert!(is_match(r#"{"$nor":[{"a":1},{"b":3}]}"#, r#"{"b":2}"#));
    assert!(is_match(r#"{"$and":[{"a":{"$exists":false}},{"$not":{"b":3}}]}"#, r#"{"b":2}"#));
    assert!(is_match(r#"{"a":{"$not":{"$gt":5}}}"#, r#"{"a":3}"#));
    assert!(is_match(r#"{"a":{"$in":[null,2]}}"#, r#"{}"#));
}

#[test]
fn patterns_are_those_of_javascript() {
    assert!(is_match(r#"{"a":{"$regex":"^b.d$","$options":"i"}}"#, r#"{"a":"BAD"}"#));
    assert!(is_match(r#"{"a":{"$regex":"(?<!x)y"}}"#, r#"{"a":"zy"}"#));
    assert!(!is_match(r#"{"a":{"$regex":"\\d"}}"#, r#"{"a":"٣"}"#));
}

#[test]
fn mistakes_name_field_and_operator() {
    for (filter, field) in [
        (r#"{"a":{"$gtt":1}}"#, "a"),
        (r#"{"$xor":[]}"#, "filter"),
        (r#"{"$or":[]}"#, "$or"),
        (r#"{"a":{"$in":5}}"#, "a"),
        (r#"{"a":{"$gt":null}}"#, "a"),
        (r#"{"a":{"$gt":1,"b":2}}"#, "a"),
        (r#"{"a":{"$regex":"("}}"#, "a"),
        (r#"{"a":{"$options":"i"}}"#, "a"),
        (r#"{"a":{"$size":1.5}}"#, "a"),
    ] {
        let error = Filter::parse(&parse(filter)).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Validation, "{filter}");
        assert_eq!(error.fields()["field"], field, "{filter}");
        assert!(error.fields().contains_key("suggestion"), "{filter}");
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = |levels: usize| format!("{}{{\"a\":1}}{}", "{\"$not\":".repeat(levels), "}".repeat(levels));
    assert!(Filter::parse(&parse(&deep(30))).is_ok());
    assert!(Filter::parse(&parse(&deep(40))).is_err());
}

#[test]
fn fields_are_told() {
    let filter = Filter::parse(&parse(r#"{"a":1,"$or":[{"b.c":{"$gt":1}},{"$not":{"_v":"v1"}}]}"#)).unwrap();
    assert_eq!(filter.fields(), ["a", "b.c", "_v"]);
}
