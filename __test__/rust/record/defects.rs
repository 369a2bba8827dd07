//! One test for each item of spec/04 section 15 that belongs to mapping and storage.

use crate::golden::same_objects;
use crate::support::*;
use s3db::codec::{crypto, password};
use s3db::error::Kind;
use s3db::record::{Operation, RecordConfig, VersionConfig};
use s3db::schema::{Schema, SchemaConfig, grammar};
use s3db::value::{Object, Value, text};

const BEHAVIORS: [&str; 5] = ["user-managed", "enforce-limits", "truncate-data", "body-overflow", "body-only"];

fn record(pairs: &[(&str, Value)]) -> Object {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

#[test]
fn spec04_15_01_truncation_ends_and_keeps_every_key() {
    let codec = codec(r#"{"big":"string","small":"string","other":"string"}"#, "truncate-data");
    let given = record(&[
        ("big", "é".repeat(3000).into()),
        ("small", "s".into()),
        ("other", "日本".repeat(900).into()),
    ]);
    let encoded = insert(&codec, &given);
    assert!(encoded.truncated);
    let got = read(&codec, &encoded).record;
    assert_eq!(got.len(), 3);
    assert_eq!(got["small"], "s".into());
    for name in ["big", "other"] {
        let (Value::String(cut), Value::String(whole)) = (&got[name], &given[name]) else {
            panic!("texts")
        };
        assert!(whole.starts_with(cut.as_str()));
    }
    let names: usize = encoded.metadata.iter().map(|(k, v)| k.len() + v.len()).sum();
    assert!((1700..=2047).contains(&names), "{names}");
    assert_eq!(encoded.events[0].name, "truncate");
    // Names that exceed the limit alone cannot be stored.
    let attributes = (0..40)
        .map(|i| format!(r#""{}{i}":"string""#, "n".repeat(80)))
        .collect::<Vec<_>>()
        .join(",");
    let wide = with(
        SchemaConfig {
            map: Some(
                (0..40)
                    .map(|i| (format!("{}{i}", "n".repeat(80)), Value::from(format!("{}{i}", "n".repeat(80)))))
                    .collect(),
            ),
            ..schema(&format!("{{{attributes}}}"))
        },
        "truncate-data",
        "v1",
        &[],
    );
    let all: Object = (0..40).map(|i| (format!("{}{i}", "n".repeat(80)), Value::from("x"))).collect();
    assert_eq!(
        wide.encode(&all, Operation::Insert, None, None, None).unwrap_err().kind(),
        Kind::MetadataLimit
    );
}

#[test]
fn spec04_15_02_records_are_decoded_once() {
    for behavior in BEHAVIORS {
        let codec = codec(r#"{"ip":"ip4","a":"string","1":"string","j":"json","s":"secret"}"#, behavior);
        let inner = crypto::encrypt("x", "pass").unwrap();
        round_trips(
            &codec,
            &record(
                &[
                    ("1", "one".into()),
                    ("ip", "10.10.1.1".into()),
                    ("a", "A".into()),
                    ("j", Value::from(r#""{\"a\":1}""#)),
                    ("s", inner.into()),
                ]
                .map(|(k, v)| {
                    // JSON text of a text is the text itself.
                    if k == "j" {
                        (k, Value::Array(vec!["{\"a\":1}".into()]))
                    } else {
                        (k, v)
                    }
                }),
            ),
        );
    }
}

#[test]
fn spec04_15_03_body_only_reads_nested_attributes_by_the_stored_map() {
    let codec = codec(r#"{"name":"string","p":{"bio":"string","deep":{"n":"number"}}}"#, "body-only");
    round_trips(&codec, &json(r#"{"name":"x","p":{"bio":"b","deep":{"n":1.5}}}"#));
}

#[test]
fn spec04_15_04_values_are_not_unflattened() {
    for behavior in BEHAVIORS {
        let codec = codec(r#"{"f":"json"}"#, behavior);
        round_trips(&codec, &json(r#"{"f":{"4294967294":1,"a.b":2,"":3,"0":{"1":4}}}"#));
    }
}

#[test]
fn spec04_15_05_codes_beyond_35_survive_lower_casing() {
    let attributes = (0..140)
        .map(|i| format!(r#""f{i}":"string|optional""#))
        .collect::<Vec<_>>()
        .join(",");
    let codec = codec(&format!("{{{attributes}}}"), "user-managed");
    let all: Object = (0..140).map(|i| (format!("f{i}"), Value::from(format!("v{i}")))).collect();
    let encoded = insert(&codec, &all);
    assert_eq!(wire(&encoded, "-a"), Some("v36"));
    assert_eq!(wire(&encoded, "1-c"), Some("v100"));
    round_trips(&codec, &all);
    // Case-preserving stores of 13.6 keep the codes as they are.
    let plain = read_metadata(&codec, &[("A", "upper"), ("a", "lower")]).record;
    assert_eq!((&plain["f36"], &plain["f10"]), (&"upper".into(), &"lower".into()));
    // A given map whose codes differ by case only.
    let clash = with(
        SchemaConfig {
            map: Some(json(r#"{"a":"X y","b":"x_Y"}"#)),
            ..schema(r#"{"a":"string","b":"string"}"#)
        },
        "user-managed",
        "v1",
        &[],
    );
    let stored = clash.encode(&json(r#"{"a":"1","b":"2"}"#), Operation::Insert, None, None, None);
    assert!(
        stored.is_ok_and(|e| read(&clash, &e).record.len() == 2)
            || clash
                .encode(&json(r#"{"a":"1","b":"2"}"#), Operation::Insert, None, None, None)
                .unwrap_err()
                .kind()
                == Kind::Validation
    );
}

#[test]
fn spec04_15_06_old_records_are_read_with_the_map_of_their_version() {
    let old = r#"{"email":"string","age":"number"}"#;
    let codec = with(
        schema(r#"{"age":"number","email":"string","extra":{"type":"string"}}"#),
        "user-managed",
        "v2",
        &[("v1", old)],
    );
    let decoded = read_metadata(&codec, &[("_v", "v1"), ("0", "a@b.c"), ("1", "G")]);
    assert!(same_objects(&decoded.record, &json(r#"{"email":"a@b.c","age":42}"#)));
    assert_eq!(decoded.version_differs.as_deref(), Some("1"));
    let current = read_metadata(&codec, &[("_v", "v2"), ("0", "G"), ("1", "a@b.c")]);
    assert!(same_objects(&current.record, &json(r#"{"email":"a@b.c","age":42}"#)));
    assert_eq!(current.version_differs, None);
}

#[test]
fn spec04_15_06_plugin_attributes_never_take_user_codes() {
    let plugin =
        r#"{"name":"string","_x1":{"type":"boolean","optional":true,"__plugin__":"P","__pluginCreated__":1},"o":{"type":"number"}}"#;
    let codec = codec(plugin, "user-managed");
    let encoded = insert(&codec, &json(r#"{"name":"n","_x1":true,"o":3}"#));
    assert_eq!(wire(&encoded, "2"), Some("3"), "{:?}", encoded.metadata);
    round_trips(&codec, &json(r#"{"name":"n","_x1":true,"o":3}"#));
    // 13.6 after a reconnect: the rule keys of the plugin attribute took codes 1 to 4.
    let shifted = read_metadata(&codec, &[("_v", "v1"), ("0", "n"), ("6", "3")]).record;
    assert!(same_objects(&shifted, &json(r#"{"name":"n","o":3}"#)), "{shifted:?}");
}

#[test]
fn spec04_15_07_object_notation_is_protected_and_typed() {
    let attributes = r#"{"s":{"type":"secret"},"p":{"type":"password"},"n":{"type":"number"},"b":{"type":"boolean"},"m":{"type":"money"},"i":{"type":"ip4"},
        "g":{"type":"geo:lat"},"deep":{"token":{"type":"secret"},"n":{"type":"number"}},"o":{"type":"object","props":{"key":"secret","at":"date","n":"number"}}}"#;
    for behavior in BEHAVIORS {
        let codec = codec(attributes, behavior);
        let given = json(
            r#"{"s":"hush-s","p":"hush-p","n":5.5,"b":true,"m":5.25,"i":"10.10.1.1","g":40.7128,"deep":{"token":"hush-t","n":2},"o":{"key":"hush-k","n":7}}"#,
        );
        let encoded = insert(&codec, &given);
        let everything = format!("{:?}{}", encoded.metadata, body(&encoded));
        assert!(!everything.contains("hush"), "{behavior}: {everything}");
        let mut got = read(&codec, &encoded).record;
        assert!(password::verify("hush-p", got["p"].as_str().unwrap(), &[4]));
        got["p"] = "hush-p".into();
        assert!(same_objects(&got, &given), "{behavior}: {got:?}");
    }
    // The plaintext of 13.6 is returned and protected by the next write.
    let codec = codec(r#"{"s":{"type":"secret"}}"#, "user-managed");
    let decoded = read_metadata(&codec, &[("1", "plain"), ("_v", "v1")]);
    assert_eq!(decoded.record["s"], "plain".into());
    let again = update(&codec, &decoded.record, &decoded.carried);
    assert_eq!(crypto::decrypt(wire(&again, "1").unwrap(), "pass").unwrap(), "plain");
}

#[test]
fn spec04_15_08_types_are_decided_by_the_base_type() {
    let attributes = r#"{"phone":"string|label:Phone number","note":"string|label:secret sauce","list":"number[]","flags":"boolean[]"}"#;
    for behavior in BEHAVIORS {
        let codec = codec(attributes, behavior);
        let given = json(r#"{"phone":"0123","note":"open","list":[1,2.5],"flags":[true,false]}"#);
        round_trips(&codec, &given);
        assert_eq!(wire(&insert(&codec, &given), "_e"), Some("2"), "{behavior}");
        assert_eq!(wire(&insert(&codec, &json(r#"{"list":[1]}"#)), "_e"), None);
    }
    let codec = codec(attributes, "user-managed");
    assert_eq!(
        read_metadata(&codec, &[("0", "1Z")]).record["phone"],
        Value::Number(123.0),
        "the form of 13.6"
    );
}

#[test]
fn spec04_15_09_updates_store_no_plaintext() {
    for behavior in BEHAVIORS {
        let codec = codec(r#"{"s":"secret","n":"number|optional"}"#, behavior);
        let first = read(&codec, &insert(&codec, &json(r#"{"s":"topsecret","n":1}"#)));
        let mut changed = first.record.clone();
        changed.insert("n".into(), 2.0.into());
        let second = update(&codec, &changed, &first.carried);
        assert!(!format!("{:?}{}", second.metadata, body(&second)).contains("topsecret"));
        assert!(body(&second).ends_with(&format!(r#""_rev":"{TOKEN}"}}"#)), "{}", body(&second));
        assert!(same_objects(&read(&codec, &second).record, &changed));
    }
}

#[test]
fn spec04_15_10_protection_never_fails_open() {
    let bad_rounds = with(
        SchemaConfig {
            bcrypt_rounds: 99,
            ..schema(r#"{"p":"password"}"#)
        },
        "user-managed",
        "v1",
        &[],
    );
    assert!(
        bad_rounds
            .encode(&json(r#"{"p":"hunter22"}"#), Operation::Insert, None, None, None)
            .is_err()
    );
    // A secret under another passphrase keeps its bytes.
    let foreign = crypto::encrypt("theirs", "other").unwrap();
    let codec = codec(r#"{"s":"secret","n":"number|optional"}"#, "user-managed");
    let decoded = read_metadata(&codec, &[("0", &foreign), ("_v", "v1")]);
    assert_eq!(decoded.record["s"], foreign.as_str().into());
    assert_eq!(
        wire(&update(&codec, &decoded.record, &decoded.carried), "0"),
        Some(foreign.as_str())
    );
}

#[test]
fn spec04_15_11_unchanged_secrets_and_passwords_keep_their_bytes() {
    for auto_decrypt in [true, false] {
        let codec = with(
            SchemaConfig {
                auto_decrypt,
                ..schema(r#"{"p":"password","s":"secret"}"#)
            },
            "user-managed",
            "v1",
            &[],
        );
        let encoded = insert(&codec, &json(r#"{"p":"hunter22","s":"abc"}"#));
        let first = read(&codec, &encoded);
        let second = update(&codec, &first.record, &first.carried);
        for code in ["0", "1"] {
            assert_eq!(wire(&second, code), wire(&encoded, code));
        }
        let mut changed = first.record.clone();
        changed.insert("p".into(), "other".into());
        changed.insert("s".into(), "new".into());
        let third = update(&codec, &changed, &first.carried);
        assert!(password::verify("other", wire(&third, "0").unwrap(), &[4]));
        assert_eq!(crypto::decrypt(wire(&third, "1").unwrap(), "pass").unwrap(), "new");
    }
}

#[test]
fn spec04_15_12_objects_are_stored_under_their_code() {
    for behavior in BEHAVIORS {
        let codec = codec(
            r#"{"user":{"type":"object","props":{"name":"string"}},"f":"any","p":{"deep":{"x":"string"}},"a.b":"string"}"#,
            behavior,
        );
        round_trips(
            &codec,
            &json(r#"{"user":{"name":"x","more":{"y":1}},"f":{"x":1,"y":{"z":2}},"p":{"deep":{}},"a.b":"dot"}"#),
        );
    }
    let codec = codec(
        r#"{"user":{"type":"object","props":{"name":"string","age":"number"}}}"#,
        "user-managed",
    );
    let flat = read_metadata(&codec, &[("user_name", "x"), ("user_age", "3")]).record;
    assert!(
        same_objects(&flat, &json(r#"{"user":{"name":"x","age":3}}"#)),
        "the form of 13.6: {flat:?}"
    );
}

#[test]
fn spec04_15_13_undeclared_attributes_keep_names_types_and_nesting() {
    for behavior in BEHAVIORS {
        let codec = codec(r#"{"a":"string","p":{"q":"string"}}"#, behavior);
        let mut given = json(
            r#"{"a":"x","extraField":"Y","num":5,"flag":true,"nil":null,"obj":{"k":{"l":1}},"plain":"text","0":"zero","p":{"q":"q","other":[1]},"j":"[1]"}"#,
        );
        given.insert("at".into(), Value::Date(0.0));
        given.insert("raw".into(), Value::Bytes(vec![1, 2]));
        given.insert("x.y".into(), "dotted".into());
        round_trips(&codec, &given);
    }
    let codec = codec(r#"{"a":"string"}"#, "user-managed");
    assert_eq!(wire(&insert(&codec, &json(r#"{"a":"x","plain":"text"}"#)), "plain"), Some("text"));
}

#[test]
fn spec04_15_14_updates_beyond_the_limit_go_to_the_body() {
    let codec = codec(r#"{"t":"string","big":"string"}"#, "user-managed");
    let given = record(&[("t", "x".into()), ("big", "y".repeat(3000).into())]);
    let encoded = update(&codec, &given, &Default::default());
    assert_eq!(encoded.metadata, vec![("_v".to_owned(), "v1".to_owned())]);
    assert_eq!(encoded.events[0].name, "exceedsLimit");
    assert!(same_objects(&read(&codec, &encoded).record, &given));
}

#[test]
fn spec04_15_15_the_wire_form_is_measured() {
    let wide = "日".repeat(600);
    for behavior in BEHAVIORS {
        let codec = codec(r#"{"a":"string","b":"string"}"#, behavior);
        let given = record(&[("a", wide.clone().into()), ("b", "z".into())]);
        match codec.encode(&given, Operation::Insert, None, None, None) {
            Ok(encoded) => {
                let total: usize = encoded.metadata.iter().map(|(k, v)| k.len() + v.len()).sum();
                assert!(total <= 2047, "{behavior}: {total}");
                let got = read(&codec, &encoded).record;
                assert!(behavior == "truncate-data" || same_objects(&got, &given), "{behavior}");
            }
            Err(error) => {
                assert_eq!((behavior, error.kind()), ("enforce-limits", Kind::MetadataLimit));
                assert!(error.fields()["totalSize"].as_u64().unwrap() > 2047);
            }
        }
    }
}

#[test]
fn spec04_15_16_maps_give_way_to_the_limit() {
    let attributes = (0..120)
        .map(|i| format!(r#""a_rather_long_attribute_name_{i}":"string|optional""#))
        .collect::<Vec<_>>()
        .join(",");
    let codec = codec(&format!("{{{attributes}}}"), "body-only");
    let given = record(&[("a_rather_long_attribute_name_77", "x".into())]);
    assert_eq!(wire(&insert(&codec, &given), "_map"), None);
    round_trips(&codec, &given);
}

#[test]
fn spec04_15_17_system_fields_are_neither_stored_nor_returned() {
    for behavior in BEHAVIORS {
        let codec = codec(r#"{"t":"string"}"#, behavior);
        let given = json(r#"{"id":"i1","t":"x","_contentLength":5,"_etag":"e","_v":"v1","_definitionHash":"h","$overflow":"true"}"#);
        let encoded = insert(&codec, &given);
        let all = format!("{:?}{}", encoded.metadata, body(&encoded));
        assert!(!all.contains("tag") && !all.contains("ength") && !all.contains("i1"), "{all}");
        assert!(same_objects(&read(&codec, &encoded).record, &json(r#"{"t":"x"}"#)));
    }
    let codec = codec(r#"{"t":"string"}"#, "user-managed");
    let body = br#"{"t":"x","_contentLength":0,"_definitionHash":"h","metadata":{"updatedAt":"now"}}"#;
    let metadata = [("0", "x"), ("metadata_updatedat", "now"), ("id", "i1"), ("_etag", "e")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let decoded = codec.decode(&metadata, body, Some("application/json")).unwrap();
    assert!(same_objects(&decoded.record, &json(r#"{"t":"x"}"#)), "{:?}", decoded.record);
}

#[test]
fn spec04_15_18_to_23_texts_survive_the_wire() {
    for text in [
        "https://x.com/é",
        "https://例え.jp/",
        "  padded  ",
        "font/woff2",
        "constructor",
        "__proto__",
        "null",
        "undefined",
        "d:x",
        "u:x",
        "b:x",
        "tab\t",
        "\u{fffd}",
        "",
    ] {
        for behavior in BEHAVIORS {
            round_trips(&codec(r#"{"f":"string"}"#, behavior), &record(&[("f", text.into())]));
        }
    }
}

#[test]
fn spec04_15_24_numbers_come_back_exactly() {
    for n in [
        1e-7,
        1.5e-7,
        1e21,
        2f64.powi(66),
        2f64.powi(70),
        1e300,
        5e-324,
        f64::MAX,
        0.1,
        -1e-7,
        9_007_199_254_740_993.0,
    ] {
        for behavior in BEHAVIORS {
            let codec = codec(r#"{"f":"number","l":"array|items:number","i":"number|integer|optional"}"#, behavior);
            let mut given = record(&[("f", n.into()), ("l", Value::Array(vec![n.into(), 1.0.into()]))]);
            if n.fract() == 0.0 {
                given.insert("i".into(), n.into());
            }
            round_trips(&codec, &given);
        }
    }
    let codec = codec(r#"{"f":"number"}"#, "user-managed");
    let error = codec
        .encode(&record(&[("f", f64::NAN.into())]), Operation::Insert, None, None, None)
        .unwrap_err();
    assert_eq!(error.fields()["field"], "f");
}

#[test]
fn spec04_15_25_declared_types_come_back() {
    let attributes = r#"{"b":"boolean|optional","l":"array|items:string","d":"date","n":"secretNumber","o":"secretAny","t":"secretAny","a":"any","c":"any"}"#;
    for behavior in BEHAVIORS {
        let codec = codec(attributes, behavior);
        let mut given = json(r#"{"b":null,"l":[""],"n":42,"o":{"x":[1]},"t":"5","a":7,"c":true}"#);
        given.insert("d".into(), Value::Date(86_400_000.0));
        round_trips(&codec, &given);
        for list in [r#"["[1]"]"#, r#"["{}"]"#, "[]", r#"["",""]"#, r#"["a|b","c\\"]"#] {
            round_trips(&codec, &json(&format!(r#"{{"l":{list}}}"#)));
        }
    }
    let codec = codec(attributes, "user-managed");
    assert_eq!(wire(&insert(&codec, &json(r#"{"l":[""]}"#)), "1"), Some(r#"[""]"#));
    assert_eq!(
        read_metadata(&codec, &[("2", "2024-05-06T07:08:09.123Z")]).record["d"],
        Value::Date(1_714_979_289_123.0)
    );
}

#[test]
fn spec04_15_27_stored_definitions_cannot_carry_code() {
    for bad in [
        r#"{"x":"number|min:(process.exit(),0)"}"#,
        r#"{"x":{"type":"number","max":"process.exit()"}}"#,
        r#"{"x":{"type":"string","contains":"\");process.exit();(\""}}"#,
        r#"{"x":{"type":"string","enum":["a\"+process.exit()+\""]}}"#,
        r#"{"x":{"type":"string","messages":{"string":"\"+process.exit()+\""}}}"#,
        r#"{"x":{"type":"string","label":"a\\"}}"#,
        r#"{"x":{"type":"array","items":{"type":"number","length":"x"}}}"#,
        r#"{"x":{"type":"object","props":{"y":"string|length:evil()"}}}"#,
        r#"{"x":"nope"}"#,
        r#"{"x":{"type":"string","custom":"() => 1"}}"#,
        r#"{"x":{"type":"string","unknown":"text"}}"#,
        r#"{"x":{"y":5}}"#,
        r#"{"x":["string","number|min:evil"]}"#,
        r#"{"x":null}"#,
        r#"{"constructor":"string"}"#,
    ] {
        let error = grammar::check(&json(bad)).expect_err(bad);
        assert_eq!(error.kind(), Kind::Schema, "{bad}");
        assert!(error.fields().contains_key("attribute"), "{bad}");
    }
    let error = grammar::check(&json(r#"{"p":{"q":"number|min:evil"}}"#)).unwrap_err();
    assert_eq!(error.fields()["attribute"], "p.q");
    // In code the same option types hold; functions are allowed.
    assert!(grammar::check_options(&json(r#"{"x":"number|min:evil()"}"#)).is_err());
    assert!(grammar::check_options(&json(r#"{"x":{"type":"string","custom":"kept in JavaScript","mine":"x"}}"#)).is_ok());
}

#[test]
fn spec04_15_27_every_definition_of_the_vectors_is_in_the_grammar() {
    for file in ["schemas", "records", "reads"] {
        for case in crate::golden::load(file).as_array().unwrap() {
            let args = if file == "schemas" {
                &case["args"]
            } else {
                &case["resourceConfig"]
            };
            let label = format!("{file} {} {}", args["name"], case["label"]);
            if case.get("error").is_some() || args["name"] == "nested-with-type-field2" {
                continue;
            }
            grammar::check(&crate::golden::object(&args["attributes"])).unwrap_or_else(|e| panic!("{label}: {e}"));
        }
    }
}

#[test]
fn spec04_15_28_a_lost_regular_expression_does_not_fail() {
    assert!(grammar::check(&json(r#"{"x":{"type":"string","pattern":{}}}"#)).is_ok());
    assert!(Schema::new(schema(r#"{"x":{"type":"string","pattern":{}}}"#)).is_ok());
}

#[test]
fn spec04_15_29_absent_passwords_are_not_hashed() {
    let codec = codec(r#"{"p":"password|optional","t":"string"}"#, "user-managed");
    assert_eq!(wire(&insert(&codec, &json(r#"{"t":"x"}"#)), "0"), None);
}

#[test]
fn spec04_15_30_long_passwords_are_reported() {
    let codec = codec(r#"{"p":"password"}"#, "user-managed");
    let encoded = insert(&codec, &record(&[("p", "x".repeat(80).into())]));
    assert_eq!(encoded.events[0].name, "warning");
    assert!(!format!("{:?}", encoded.events).contains("xxx"));
}

#[test]
fn spec04_15_31_ipv6_with_embedded_ipv4_comes_back() {
    let codec = codec(r#"{"f":"ip6"}"#, "user-managed");
    for address in ["::ffff:192.168.1.1", "2001:db8::1", "fe80::1%eth0"] {
        round_trips(&codec, &record(&[("f", address.into())]));
    }
}

#[test]
fn spec04_15_32_coordinates_have_no_float_noise() {
    let codec = codec(r#"{"lat":"geo:lat","lon":"geo:lon:4","d":"decimal:4"}"#, "user-managed");
    round_trips(&codec, &json(r#"{"lat":40.7128,"lon":-74.006,"d":0.1234}"#));
    let error = codec
        .encode(&json(r#"{"lat":91}"#), Operation::Insert, None, None, None)
        .unwrap_err();
    assert_eq!(error.fields()["field"], "lat");
}

#[test]
fn spec04_15_33_only_record_bodies_are_merged() {
    let metadata = [("0".to_owned(), "x".to_owned()), ("_v".to_owned(), "v1".to_owned())];
    for behavior in ["user-managed", "body-overflow", "enforce-limits"] {
        let codec = codec(r#"{"t":"string","u":"string|optional"}"#, behavior);
        let decode = |body: &str, content_type| codec.decode(&metadata, body.as_bytes(), Some(content_type)).unwrap();
        for (body, content_type) in [
            (r#"{"some":"json"}"#, "application/json"),
            ("[1]", "application/json"),
            ("bytes", "text/plain"),
            (r#"{"u":"y"}"#, "text/plain"),
        ] {
            let decoded = decode(body, content_type);
            assert!(decoded.content, "{behavior} {body}");
            assert!(same_objects(&decoded.record, &json(r#"{"t":"x"}"#)), "{behavior} {body}");
        }
        let token = decode(r#"{"_rev":"t"}"#, "application/json");
        assert!(token.has_token_only_body && !token.content);
        assert!(!decode(r#"{"1":"y"}"#, "application/json").content);
    }
}

#[test]
fn spec04_15_34_events_and_debug_texts_hold_no_secret() {
    let codec = codec(r#"{"s":"secret","p":{"k":"password"},"big":"string"}"#, "user-managed");
    let mut given = json(r#"{"s":"hush-s","p":{"k":"hush-k"}}"#);
    given.insert("big".into(), "x".repeat(3000).into());
    let encoded = insert(&codec, &given);
    assert_eq!(encoded.events.len(), 1);
    assert!(!format!("{:?}", encoded.events).contains("hush"));
    let decoded = read(&codec, &encoded);
    assert!(!format!("{:?}{:?}", decoded.carried, codec).contains("hush"));
    assert!(!format!("{codec:?}").contains("\"pass\""));
}

#[test]
fn spec04_15_36_hooks_of_all_four_kinds_take_effect_by_attribute_name() {
    let schema = Schema::new(SchemaConfig {
        hooks: json(
            r#"{"beforeMap":{"t":["trim"]},"afterMap":{"n":["toString"]},"beforeUnmap":{"u":["trim"]},"afterUnmap":{"n":["toNumber"]}}"#,
        ),
        ..schema(r#"{"t":"string","n":"any","u":"string"}"#)
    })
    .unwrap();
    let mapped = schema.mapper(&json(r#"{"t":"  x ","n":5,"u":" y "}"#)).unwrap();
    assert_eq!((&mapped["0"], &mapped["1"]), (&"x".into(), &"5".into()));
    let back = schema.unmapper(&mapped, None, None).unwrap();
    assert!(same_objects(&back, &json(r#"{"t":"x","n":5,"u":"y"}"#)), "{back:?}");
    assert_eq!(schema.apply_hooks(&json(r#"{"t":" a "}"#), "beforeMap").unwrap()["t"], "a".into());
}

#[test]
fn spec04_15_38_both_spellings_of_the_plugin_map_are_read() {
    let codec = codec(
        r#"{"t":"string","_f":{"type":"string","optional":true,"__plugin__":"P"}}"#,
        "body-only",
    );
    for name in ["_pluginMap", "_pluginmap"] {
        let metadata = [("_v", "v1"), ("_map", r#"{"t":"0"}"#), (name, r#"{"_f":"pabc"}"#)].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let decoded = codec
            .decode(&metadata, br#"{"0":"x","pabc":"v"}"#, Some("application/json"))
            .unwrap();
        assert!(
            same_objects(&decoded.record, &json(r#"{"t":"x","_f":"v"}"#)),
            "{:?}",
            decoded.record
        );
    }
}

#[test]
fn spec04_15_39_prototype_names_are_refused_and_kept_inside_values() {
    for name in ["__proto__", "constructor", "prototype"] {
        for behavior in BEHAVIORS {
            let codec = codec(r#"{"t":"string","j":"json","p":{"q":"string"}}"#, behavior);
            let error = codec
                .encode(&record(&[(name, "x".into())]), Operation::Insert, None, None, None)
                .unwrap_err();
            assert_eq!((error.kind(), error.fields()["field"].as_str()), (Kind::Validation, Some(name)));
            let nested = record(&[("p", Value::Object(record(&[(name, "x".into())])))]);
            assert!(codec.encode(&nested, Operation::Insert, None, None, None).is_err());
            round_trips(&codec, &record(&[("j", Value::Object(record(&[(name, "x".into())])))]));
        }
        assert_eq!(
            Schema::new(schema(&format!(r#"{{"{name}":"string"}}"#))).unwrap_err().kind(),
            Kind::Schema
        );
    }
}

#[test]
fn spec04_15_41_converted_values_are_stored() {
    let attributes = r#"{"n":"number","m":"money","d":"decimal:2","g":"geo:lat","b":"boolean|convert","r":{"type":"number"}}"#;
    for behavior in BEHAVIORS {
        let codec = codec(attributes, behavior);
        let mut given = json(r#"{"n":true,"m":"5.25","d":"1.5","g":"12.5","b":"on","r":"7"}"#);
        let got = read(&codec, &insert(&codec, &given)).record;
        assert!(
            same_objects(&got, &json(r#"{"n":1,"m":5.25,"d":1.5,"g":12.5,"b":true,"r":7}"#)),
            "{behavior}: {got:?}"
        );
        given.insert("n".into(), Value::BigInt("10".into()));
        assert_eq!(read(&codec, &insert(&codec, &given)).record["n"], 10.0.into());
        given.insert("n".into(), Value::Date(5.0));
        assert_eq!(read(&codec, &insert(&codec, &given)).record["n"], 5.0.into());
    }
}

#[test]
fn spec04_15_42_values_without_a_stored_form_are_refused() {
    let codec = codec(r#"{"f":"any"}"#, "user-managed");
    round_trips(&codec, &record(&[("f", Value::Bytes(vec![0, 255]))]));
    for name in ["f", "undeclared"] {
        let error = codec
            .encode(
                &record(&[(name, Value::RegExp("x".into(), String::new()))]),
                Operation::Insert,
                None,
                None,
                None,
            )
            .unwrap_err();
        assert_eq!(error.fields()["field"], name);
    }
}

#[test]
fn spec04_16_01_undeclared_secrets_of_older_versions_stay_encrypted() {
    let codec = with(
        schema(r#"{"t":"string"}"#),
        "user-managed",
        "v2",
        &[("v1", r#"{"s":"secret","t":"string"}"#)],
    );
    let sealed = crypto::encrypt("hush", "pass").unwrap();
    let old = read_metadata(&codec, &[("_v", "v1"), ("0", &sealed), ("1", "x")]);
    assert_eq!(old.record["s"], "hush".into());
    let encoded = update(&codec, &old.record, &old.carried);
    assert!(!format!("{:?}{}", encoded.metadata, body(&encoded)).contains("hush"));
    let again = read(&codec, &encoded);
    assert!(same_objects(&again.record, &json(r#"{"s":"hush","t":"x"}"#)));
    assert!(!again.carried.is_empty());
}

#[test]
fn spec04_16_07_raw_strings_are_not_parsed() {
    let codec = codec(r#"{"s":"string","r":"string|raw"}"#, "user-managed");
    let got = read(&codec, &insert(&codec, &json(r#"{"s":"[1]","r":"[1]"}"#))).record;
    assert!(same_objects(&got, &json(r#"{"s":[1],"r":"[1]"}"#)));
}

#[test]
fn spec03_27_the_registry_of_later_versions_gives_base36_codes() {
    let registry =
        r#"{"schemaRegistry":{"nextIndex":41,"mapping":{"a":36,"b":0},"burned":[]},"pluginSchemaRegistry":{"P":{"mapping":{"q":"pzz1"}}}}"#;
    let codec = with(
        SchemaConfig {
            registry: Some(text::parse(registry).unwrap()),
            ..schema(r#"{"a":"string","b":"string","c":"string","q":{"type":"string","__plugin__":"P"}}"#)
        },
        "user-managed",
        "v1",
        &[],
    );
    let given = json(r#"{"a":"1","b":"2","c":"3","q":"4"}"#);
    let encoded = insert(&codec, &given);
    assert_eq!(["10", "0", "15", "pzz1"].map(|c| wire(&encoded, c)), ["1", "2", "3", "4"].map(Some));
    round_trips(&codec, &given);
}

#[test]
fn versions_with_an_explicit_map_are_read_with_it() {
    let codec = s3db::record::RecordCodec::new(RecordConfig {
        name: "r".into(),
        version: "v2".into(),
        behavior: "user-managed".into(),
        schema: Schema::new(schema(r#"{"a":"string"}"#)).unwrap(),
        versions: vec![(
            "v1".into(),
            VersionConfig {
                attributes: json(r#"{"a":"string","b":"number"}"#),
                map: Some(json(r#"{"a":"1","b":"0"}"#)),
                plugin_attributes: None,
            },
        )],
        ..RecordConfig::default()
    })
    .unwrap();
    let decoded = read_metadata(&codec, &[("_v", "v1"), ("0", "G"), ("1", "x")]);
    assert!(same_objects(&decoded.record, &json(r#"{"a":"x","b":42}"#)));
}

#[test]
fn damaged_undeclared_attributes_are_an_error_that_names_them() {
    let codec = codec(r#"{"a":"string"}"#, "user-managed");
    let metadata = [("0".to_owned(), "x".to_owned()), ("_x".to_owned(), "{bad".to_owned())];
    let error = codec.decode(&metadata, b"", None).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupted);
    assert_eq!(
        (error.fields()["resourceName"].as_str(), error.fields()["field"].as_str()),
        (Some("things"), Some("_x"))
    );
}

#[test]
fn reading_is_heavy_only_when_a_key_is_missing() {
    let codec = codec(r#"{"s":"secret","t":"string"}"#, "user-managed");
    assert!(codec.is_heavy());
    let sealed = crypto::encrypt("x", "unseen passphrase").unwrap();
    let metadata = |v: &str| vec![("0".to_owned(), v.to_owned()), ("1".to_owned(), "t".to_owned())];
    assert!(codec.heavy_read(&metadata(&sealed), b""));
    assert!(!codec.heavy_read(&[("1".to_owned(), "t".to_owned())], b""));
    let own = insert(&codec, &json(r#"{"s":"x"}"#));
    read(&codec, &own);
    assert!(!codec.heavy_read(&own.metadata, b""));
}
