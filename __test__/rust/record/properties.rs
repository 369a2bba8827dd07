//! Generated records: encode then decode returns the record, for every
//! attribute type under every behaviour, through the wire form of S3.

use crate::golden::{same, same_objects};
use crate::support::*;
use proptest::prelude::*;
use s3db::record::Operation;
use s3db::schema::{Action, Params};
use s3db::value::rows::Scalar;
use s3db::value::{Object, Value, text};

const BEHAVIORS: [&str; 4] = ["user-managed", "enforce-limits", "body-overflow", "body-only"];

/// Texts that are not JSON, which declared strings return parsed (decision 29).
fn plain_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,24}",
        "[ -~]{0,24}",
        Just("null".to_owned()),
        Just("https://www.x/é".to_owned()),
        Just(" d:x ".to_owned()),
        "[\u{0}-\u{1f}é日🎈]{0,8}",
    ]
    .prop_filter("not JSON", |s| !s.starts_with(['{', '[']))
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |n| n.is_finite()),
        (-1_000_000i32..1_000_000).prop_map(f64::from),
        (-1_000_000i32..1_000_000).prop_map(|n| f64::from(n) / 1000.0),
        prop::sample::select(vec![0.0, 1e-7, 1e21, f64::MAX, f64::MIN_POSITIVE, 9_007_199_254_740_993.0]),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        plain_text().prop_map(Value::String)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-zA-Z0-9._]{0,6}", inner), 0..4).prop_map(|pairs| {
                let mut o: Object = pairs.into_iter().collect();
                s3db::value::js_order(&mut o);
                Value::Object(o)
            }),
        ]
    })
}

/// JSON whose top level is not a text (a text under `json` is JSON text itself).
fn json_root() -> impl Strategy<Value = Value> {
    json_value().prop_filter("not a text", |v| !matches!(v, Value::String(_)))
}

fn scaled(limit: i32, digits: i32) -> impl Strategy<Value = Value> {
    let factor = 10f64.powi(digits);
    (-limit..=limit).prop_map(move |n| Value::Number(f64::from(n) / factor))
}

/// Definition, and values of it that come back as they are.
fn attribute() -> impl Strategy<Value = (Value, Value)> {
    fn of(definition: &'static str, values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<(Value, Value)> {
        values.prop_map(move |v| (text::parse(definition).unwrap(), v)).boxed()
    }
    let texts = || plain_text().prop_map(Value::String);
    let numbers = || number().prop_map(Value::Number);
    let ip4 = || any::<[u8; 4]>().prop_map(|b| Value::String(std::net::Ipv4Addr::from(b).to_string()));
    prop_oneof![
        of(r#""string|optional""#, texts()),
        of(r#""string|raw""#, "\\PC{0,24}".prop_map(Value::String)),
        of(r#""string|label:a number""#, texts()),
        of(r#"{"type":"string"}"#, texts()),
        of(r#""number|min:0""#, numbers()),
        of(r#"{"type":"number"}"#, numbers()),
        of(
            r#""number|integer""#,
            (-1_000_000i32..1_000_000).prop_map(|n| Value::Number(f64::from(n)))
        ),
        of(r#""boolean""#, prop_oneof![any::<bool>().prop_map(Value::Bool), Just(Value::Null)]),
        of(r#"{"type":"boolean"}"#, any::<bool>().prop_map(Value::Bool)),
        of(r#""json""#, json_root()),
        of(r#"{"type":"json"}"#, json_root()),
        of(r#""object""#, json_root()),
        of(r#""any""#, json_value()),
        of(r#"["string","number"]"#, prop_oneof![texts(), numbers()]),
        of(r#""array""#, prop::collection::vec(json_value(), 0..4).prop_map(Value::Array)),
        of(r#""number[]""#, prop::collection::vec(numbers(), 0..4).prop_map(Value::Array)),
        of(
            r#""array|items:string""#,
            prop::collection::vec("[a-z|\\\\é\\[\\]{}0-9\"]{0,6}".prop_map(Value::String), 0..4).prop_map(Value::Array)
        ),
        of(
            r#"{"type":"array","items":"string"}"#,
            prop::collection::vec(texts(), 0..4).prop_map(Value::Array)
        ),
        of(
            r#""array|items:number""#,
            prop::collection::vec(numbers(), 0..4).prop_map(Value::Array)
        ),
        of(
            r#""array|items:number|integer""#,
            prop::collection::vec((-1000i32..1000).prop_map(|n| Value::Number(f64::from(n))), 0..4).prop_map(Value::Array)
        ),
        of(
            r#""embedding:3""#,
            prop::collection::vec(scaled(1_000_000, 6), 0..4).prop_map(Value::Array)
        ),
        of(
            r#""secret""#,
            texts().prop_filter("13.6 reads these as values", |v| !matches!(v.as_str(), Some("null" | "undefined")))
        ),
        of(
            r#"{"type":"secret"}"#,
            "[a-z]{0,9}".prop_filter("13.6", |s| s != "null").prop_map(Value::String)
        ),
        of(r#""secretNumber""#, numbers()),
        of(r#""secretAny""#, json_value()),
        of(r#""ip4""#, ip4()),
        of(r#"{"type":"ip4"}"#, ip4()),
        of(
            r#""ip6""#,
            any::<[u16; 8]>().prop_map(|g| Value::String(std::net::Ipv6Addr::from(g).to_string()))
        ),
        of(r#""money""#, scaled(1_000_000, 2)),
        of(r#"{"type":"money"}"#, scaled(1_000_000, 2)),
        of(r#""crypto""#, scaled(1_000_000, 8)),
        of(r#""decimal:4""#, scaled(1_000_000, 4)),
        of(r#""geo:lat""#, scaled(90_000_000, 6)),
        of(r#"{"type":"geo:lon"}"#, scaled(180_000_000, 6)),
        of(
            r#""date""#,
            (-1_000_000_000_000i64..4_000_000_000_000).prop_map(|ms| Value::Date(ms as f64))
        ),
        of(
            r#"{"type":"date"}"#,
            (0i64..4_000_000_000_000).prop_map(|ms| Value::Date(ms as f64))
        ),
        of(
            r#"{"type":"buffer"}"#,
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes)
        ),
        of(r#""url""#, texts()),
    ]
}

/// Definitions and a record of them; some nested, some undeclared.
fn case() -> impl Strategy<Value = (Object, Object)> {
    let named = prop::collection::vec((("[a-zA-Z][a-zA-Z0-9]{0,5}", attribute()), prop::option::of("[n-q]")), 1..7);
    let extra = prop::collection::vec(("[ -~]{1,6}", json_value()), 0..3);
    (named, extra).prop_map(|(named, extra)| {
        let (mut definitions, mut record) = (Object::default(), Object::default());
        let reserved = |n: &str| n == "id" || n == "type" || n == "metadata" || n.starts_with(['_', '$']);
        for ((name, (definition, value)), parent) in named {
            if reserved(&name) {
                continue;
            }
            let (names, values) = match parent {
                None => (&mut definitions, &mut record),
                Some(parent) => {
                    let names = definitions
                        .entry(parent.clone())
                        .or_insert_with(|| Value::Object(Object::default()));
                    let values = record.entry(parent).or_insert_with(|| Value::Object(Object::default()));
                    match (names, values) {
                        (Value::Object(names), Value::Object(values)) if !names.contains_key("type") => (names, values),
                        _ => continue,
                    }
                }
            };
            if !names.contains_key(&name) {
                names.insert(name.clone(), definition);
                values.insert(name, value);
            }
        }
        for (name, value) in extra {
            if !reserved(&name) && !definitions.contains_key(&name) {
                record.insert(name, value);
            }
        }
        s3db::value::js_order(&mut definitions);
        (definitions, record)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_come_back_as_they_went_in((definitions, record) in case()) {
        let tagged = text::to_tagged(&Value::Object(definitions));
        for behavior in BEHAVIORS {
            let codec = codec(&tagged, behavior);
            let encoded = match codec.encode(&record, Operation::Insert, None, None, None) {
                Ok(encoded) => encoded,
                Err(error) => {
                    prop_assert!(error.kind() == s3db::error::Kind::MetadataLimit, "{behavior}: {error}");
                    continue;
                }
            };
            let total: usize = encoded.metadata.iter().map(|(k, v)| k.len() + v.len()).sum();
            prop_assert!(total <= 2047);
            for (name, value) in &encoded.metadata {
                prop_assert!(value.bytes().all(|b| (0x20..0x7f).contains(&b)) && value.trim() == value, "{name}={value:?}");
            }
            let decoded = read(&codec, &encoded);
            prop_assert!(!decoded.content);
            prop_assert!(
                same_objects(&decoded.record, &record),
                "{behavior}: {} from {:?} {} instead of {} with {tagged}",
                text::to_tagged(&Value::Object(decoded.record.clone())), encoded.metadata, body(&encoded), text::to_tagged(&Value::Object(record.clone()))
            );
            prop_assert!(same(&Value::Object(decoded.record.clone()), &Value::Object(encoded.composed.clone())), "composed differs");
            // A rewrite of what was read stores the same, token aside.
            let again = update(&codec, &decoded.record, &decoded.carried);
            if !encoded.overflow {
                let sorted = |m: &s3db::store::Metadata| {
                    // Members of `_x` follow the order of the record.
                    let mut m: Vec<_> = m.iter().filter(|(k, _)| k != "_x").cloned().collect();
                    m.sort();
                    m
                };
                prop_assert_eq!(sorted(&again.metadata), sorted(&encoded.metadata));
            }
            prop_assert!(same_objects(&read(&codec, &again).record, &record));
        }
    }

    /// A row stores what the record of its values stores; the record of a row reads back as it was given.
    #[test]
    fn rows_equal_records((definitions, record) in case()) {
        let tagged = text::to_tagged(&Value::Object(definitions));
        for behavior in BEHAVIORS.into_iter().chain(["truncate-data"]) {
            let codec = codec(&tagged, behavior);
            // The largest part of the record that can be a row.
            let plain: Object = record
                .iter()
                .filter(|(name, value)| Scalar::of(value).is_some() && codec.row_shape(&[name]).is_some())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            let names: Vec<&String> = plain.keys().collect();
            let Some(shape) = codec.row_shape(&names) else { continue };
            let values: Vec<Scalar<'_>> = plain.values().filter_map(Scalar::of).collect();
            prop_assert_eq!(shape.width(), values.len());
            let Some(row) = codec.encode_row(&shape, &values) else { continue };
            let encoded = codec.encode_owned(plain.clone(), Operation::Insert, Some("id1"), None, None).expect("a row is valid");
            prop_assert!(encoded.as_given && encoded.body.is_empty());
            prop_assert_eq!(row.size(), encoded.wire_size);
            prop_assert_eq!(row.unpack(), encoded.metadata);
        }
    }

    /// The short path of plain records and the general path store the same and return the same.
    #[test]
    fn express_equals_general((definitions, record) in case(), token in any::<bool>()) {
        let tagged = text::to_tagged(&Value::Object(definitions));
        let revision = token.then_some("tokentokentokentokento");
        for behavior in BEHAVIORS.into_iter().chain(["truncate-data"]) {
            let codec = codec(&tagged, behavior);
            for operation in [Operation::Insert, Operation::Update] {
                let general = codec.encode(&record, operation, Some("id1"), None, revision);
                let express = codec.encode_owned(record.clone(), operation, Some("id1"), None, revision);
                let (Ok(general), Ok(express)) = (general, express) else { continue };
                if tagged.contains("secret") || tagged.contains("password") {
                    continue; // random bytes differ
                }
                // The planners of body-overflow and truncate-data start with `_v`; the order of headers means nothing.
                let sorted = |m: &s3db::store::Metadata| {
                    let mut m = m.clone();
                    m.sort();
                    m
                };
                prop_assert_eq!(sorted(&express.metadata), sorted(&general.metadata));
                prop_assert_eq!(&express.body, &general.body);
                prop_assert_eq!(express.content_type, general.content_type);
                prop_assert_eq!(express.wire_size, general.wire_size);
                prop_assert!(same(&Value::Object(express.composed.clone()), &Value::Object(general.composed.clone())));
                prop_assert!(express.composed.keys().eq(general.composed.keys()));
            }
        }
    }

    #[test]
    fn truncated_records_keep_their_keys_and_fit((definitions, record) in case(), size in 0usize..6000, wide in any::<bool>()) {
        let mut definitions = definitions;
        definitions.insert("zzbig".into(), "string".into());
        let mut record = record;
        record.insert("zzbig".into(), (if wide { "日" } else { "x" }).repeat(size).into());
        let codec = codec(&text::to_tagged(&Value::Object(definitions)), "truncate-data");
        let Ok(encoded) = codec.encode(&record, Operation::Insert, None, None, None) else { return Ok(()) };
        let total: usize = encoded.metadata.iter().map(|(k, v)| k.len() + v.len()).sum();
        prop_assert!(total <= 2047);
        let decoded = read(&codec, &encoded);
        prop_assert!(decoded.record.contains_key("zzbig"));
        if !encoded.truncated {
            prop_assert!(same_objects(&decoded.record, &record));
        }
    }

    #[test]
    fn reading_anything_never_panics(
        (definitions, _) in case(),
        metadata in prop::collection::vec(("[a-z0-9_-]{1,4}|_map|_x|_e|_overflow|_pluginmap", "\\PC{0,20}|[\\[{].{0,9}|[bud]:.{0,9}"), 0..8),
        body in "\\PC{0,20}|\\{\"[a-z0-9_]{1,3}\":(1|\"x\"|null|\\{\\}|\\[\\])\\}",
    ) {
        let tagged = text::to_tagged(&Value::Object(definitions));
        for behavior in BEHAVIORS {
            let codec = codec(&tagged, behavior);
            let _ = codec.decode(&metadata, body.as_bytes(), None);
            let _ = codec.heavy_read(&metadata, body.as_bytes());
        }
    }

    #[test]
    fn actions_never_panic(value in json_value(), separator in any::<char>(), precision in 0u32..400) {
        let params = Params { separator, precision: Some(precision), decimals: precision, ..Params::default() };
        for action in Action::ALL.iter().filter(|a| !a.is_heavy()) {
            let _ = action.apply(&value, &params);
        }
    }
}
