//! Types and password hashes that later versions of s3db.js added: what 21.6.2 wrote, and every codec over generated values.

mod golden;

use golden::{cases, load, value};
use proptest::prelude::*;
use s3db::codec::packed::Packed;
use s3db::codec::{argon, base62, base64, password};
use s3db::schema::{Schema, SchemaConfig};
use s3db::value::{Object, Value, number, text};

fn packed(case: &serde_json::Value) -> Option<Packed> {
    Packed::parse(case["type"].as_str().expect("type"))
}

fn schema(definition: &str) -> Schema {
    let attributes: Object = [("a".to_owned(), Value::from(definition))].into_iter().collect();
    let config = SchemaConfig {
        attributes,
        passphrase: "golden passphrase".into(),
        ..SchemaConfig::default()
    };
    Schema::new(config).expect("a schema")
}

/// Stored form of one attribute.
fn map(definition: &str, value: Value) -> s3db::error::Result<Value> {
    let record: Object = [("a".to_owned(), value)].into_iter().collect();
    schema(definition).mapper(&record).map(|m| m["0"].clone())
}

/// Value of a stored form.
fn unmap(definition: &str, stored: Value) -> Value {
    let mapped: Object = [("0".to_owned(), stored)].into_iter().collect();
    schema(definition).unmapper(&mapped, None, None).expect("a record")["a"].clone()
}

#[test]
fn spec04_18_packed_texts_are_those_of_s3db_js_21() {
    let file = load("later-types");
    let mut seen = std::collections::BTreeSet::new();
    for case in cases(&file, "records") {
        let Some(kind) = packed(case) else { continue };
        let stored = case["stored"].as_str().expect("text");
        let read = case["read"].as_str().expect("text");
        assert_eq!(kind.unpack(stored).as_deref(), Some(read), "{case}");
        assert_eq!(kind.pack(read).as_deref(), Some(stored), "{case}");
        // Through the schema: the types of 13.6 keep their text unless `packed` is asked for.
        let definition = match kind {
            Packed::Uuid | Packed::Mac => format!("{}|packed", kind.name()),
            _ => kind.name().to_owned(),
        };
        assert_eq!(map(&definition, read.into()).expect("mapped"), Value::from(stored), "{case}");
        for definition in [definition.as_str(), kind.name()] {
            assert_eq!(unmap(definition, stored.into()), Value::from(read), "{case}");
        }
        seen.insert(kind.name());
    }
    assert_eq!(seen.len(), Packed::ALL.len());
}

#[test]
fn spec04_18_uuid_and_mac_are_written_as_text_by_default() {
    for (definition, text) in [
        ("uuid", "550E8400-e29b-41d4-a716-446655440000"),
        ("mac", "00:1A:2B:3C:4D:5E"),
        ("mac", "001a.2b3c.4d5e"),
    ] {
        assert_eq!(map(definition, text.into()).expect("mapped"), Value::from(text));
        assert_eq!(unmap(definition, text.into()), Value::from(text));
    }
}

#[test]
fn spec04_18_unpacked_text_is_read_as_it_is() {
    for case in cases(&load("later-types"), "plain") {
        let stored = case["stored"].as_str().expect("text");
        let expected = case["read"].as_str().expect("text");
        assert_eq!(
            unmap(case["type"].as_str().expect("type"), stored.into()),
            Value::from(expected),
            "{case}"
        );
    }
}

#[test]
fn spec04_18_object_notation_stores_the_text() {
    let rule = |kind: &str| {
        let rule: Object = [("type".to_owned(), Value::from(kind))].into_iter().collect();
        let attributes: Object = [("a".to_owned(), Value::Object(rule))].into_iter().collect();
        Schema::new(SchemaConfig {
            attributes,
            ..SchemaConfig::default()
        })
        .expect("a schema")
    };
    for case in cases(&load("later-types"), "object") {
        let (kind, stored) = (case["type"].as_str().expect("type"), case["stored"].as_str().expect("text"));
        let record: Object = [("a".to_owned(), value(&case["input"]))].into_iter().collect();
        let schema = rule(kind);
        let mapped = schema.mapper(&record).expect("mapped");
        assert_eq!(mapped["1"], Value::from(stored), "{case}");
        assert_eq!(schema.unmapper(&mapped, None, None).expect("a record"), record, "{case}");
    }
    // A packed-looking text is what was given, since nobody packs these.
    let mapped: Object = [("1".to_owned(), Value::from("001YGnXwa"))].into_iter().collect();
    assert_eq!(
        rule("mac").unmapper(&mapped, None, None).expect("a record")["a"],
        Value::from("001YGnXwa")
    );
}

#[test]
fn spec04_18_a_text_that_would_be_misread_is_refused() {
    for (definition, text) in [
        ("datetime", "zzz"),
        ("semver", "beta"),
        ("phone", "12345"),
        ("uuid", "1yzBHq49i4y833Iawe1yOjy8"),
    ] {
        let error = map(definition, text.into()).expect_err(definition);
        assert_eq!(error.kind(), s3db::error::Kind::Validation, "{definition}");
        assert!(error.message().contains("'a'"), "{}", error.message());
    }
    assert_eq!(map("semver", "1.2.3-beta.1".into()).expect("mapped"), Value::from("1.2.3-beta.1"));
    assert_eq!(map("semver", "1.1000.0".into()).expect("mapped"), Value::from("1.1000.0"));
    assert!(map("phone", Value::Bool(true)).is_err());
}

#[test]
fn spec04_18_barcodes_of_eight_digits_are_told_by_their_check_digit() {
    // `1` and seven base62 digits that happen to be decimal: a packed EAN-13.
    let packed = Packed::Ean.pack("0056800235584").expect("packed");
    assert_eq!(packed, "11000000");
    assert_eq!(Packed::Ean.unpack(&packed).as_deref(), Some("0056800235584"));
    assert_eq!(Packed::Ean.unpack("96385074"), None);
    assert_eq!(unmap("ean", "96385074".into()), Value::from("96385074"));
    // Packed, with the check digit of the barcode it stands for.
    let n = base62::decode("0000013") as u64;
    assert_eq!(Packed::Ean.unpack("10000013").as_deref(), Some(format!("{n:013}").as_str()));
}

#[test]
fn spec04_18_bytes_and_bitmaps_are_base64() {
    for case in cases(&load("later-types"), "bytes") {
        let bytes = text_to_bytes(case["hex"].as_str().expect("hex"));
        let definition = case["type"].as_str().expect("type");
        let stored = Value::from(case["stored"].as_str().expect("text"));
        assert_eq!(map(definition, Value::Bytes(bytes.clone())).expect("mapped"), stored, "{case}");
        assert_eq!(map(definition, stored.clone()).expect("mapped"), stored, "{case}");
        assert_eq!(unmap(definition, stored), Value::Bytes(bytes), "{case}");
        let described = schema(definition).describe();
        let hooks = &described.as_object().expect("object")["hooks"].as_object().expect("object").clone();
        for name in ["beforeMap", "afterUnmap"] {
            let list = hooks[name].as_object().expect("object")["a"].clone();
            assert_eq!(list, value(&case["hooks"][name]), "{case}");
        }
    }
    assert!(map("bits:10", Value::Bytes(vec![1])).is_err());
    assert_eq!(unmap("bits:10", "AQ==".into()), Value::from("AQ=="));
    assert!(map("buffer", "no base64!".into()).is_err());
    assert!(map("buffer", Value::Number(5.0)).is_err());
    // What 19.5.10 leaves without padding.
    assert_eq!(unmap("buffer", "aGVsbG8".into()), Value::Bytes(b"hello".to_vec()));
}

fn text_to_bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn spec04_18_password_hashes_of_s3db_js_21_verify() {
    let file = load("later-types");
    for case in cases(&file, "passwords") {
        let plain = case["password"].as_str().expect("text");
        let pepper = case["pepper"].as_str().unwrap_or("");
        let (stored, full) = (case["stored"].as_str().expect("text"), case["full"].as_str().expect("text"));
        for hash in [stored, full] {
            assert!(password::verify(&password::peppered(plain, pepper), hash, &[]), "{case}");
            assert!(!password::verify(&format!("{plain}x{pepper}"), hash, &[]), "{case}");
            assert_eq!(password::algorithm(hash), case["algorithm"].as_str(), "{case}");
            assert!(password::is_stored_hash(hash) && password::is_marked_hash(hash), "{case}");
        }
        assert!(pepper.is_empty() || !password::verify(plain, stored, &[]), "{case}");
        assert_eq!(password::expand(stored, 10).expect("full"), full, "{case}");
        assert_eq!(
            password::compact(full, password::BcryptForm::WithCost).expect("compact"),
            stored,
            "{case}"
        );
    }
}

#[test]
fn spec04_18_passwords_are_hashed_by_the_algorithm_they_name() {
    let config = |definition: &str| SchemaConfig {
        attributes: [("a".to_owned(), Value::from(definition))].into_iter().collect(),
        bcrypt_rounds: 4,
        pepper: "pepper".into(),
        argon2: argon::Cost {
            memory: 64,
            time: 1,
            parallelism: 1,
        },
        ..SchemaConfig::default()
    };
    let record: Object = [("a".to_owned(), Value::from("hunter22"))].into_iter().collect();
    for (definition, start, algorithm) in [
        ("password:argon2id", "$j|6|1|1$", "argon2id"),
        ("password:bcrypt", "$4$", "bcrypt"),
        ("password:argon2id|required|min:8", "$j|6|1|1$", "argon2id"),
    ] {
        let schema = Schema::new(config(definition)).expect("a schema");
        let mapped = schema.mapper(&record).expect("mapped");
        let stored = mapped["0"].as_str().expect("text");
        assert!(stored.starts_with(start), "{definition}: {stored}");
        assert_eq!(password::algorithm(stored), Some(algorithm));
        assert!(password::verify("hunter22pepper", stored, &[]));
        assert!(!password::verify("hunter22", stored, &[]));
        // A hash is not hashed again, by any of the algorithms.
        let again: Object = [("a".to_owned(), Value::from(stored))].into_iter().collect();
        for other in ["password", "password:bcrypt", "password:argon2id"] {
            let mapped = Schema::new(config(other)).expect("a schema").mapper(&again).expect("mapped");
            assert_eq!(mapped["0"].as_str(), Some(stored));
        }
    }
    let bare = Schema::new(config("password")).expect("a schema");
    let mapped = bare.mapper(&record).expect("mapped");
    let stored = mapped["0"].as_str().expect("text");
    assert_eq!(stored.len(), 53);
    assert!(password::verify("hunter22pepper", stored, &[4]));
    // 53 bare characters may be a password, so they are hashed.
    let long: Object = [("a".to_owned(), Value::from(stored))].into_iter().collect();
    assert_ne!(bare.mapper(&long).expect("mapped")["0"].as_str(), Some(stored));
}

#[test]
fn spec04_18_the_cost_of_argon2_is_checked() {
    let cost = |memory, time, parallelism| argon::Cost { memory, time, parallelism };
    for (bad, field) in [
        (cost(1000, 1, 1), "memoryCost"),
        (cost(4, 1, 1), "memoryCost"),
        (cost(1 << 23, 1, 1), "memoryCost"),
        (cost(64, 0, 1), "timeCost"),
        (cost(64, 1, 0), "parallelism"),
    ] {
        let error = argon::hash("x", "", bad).expect_err(field);
        assert!(error.message().starts_with(field), "{}", error.message());
    }
    assert!(argon::hash("", "", cost(64, 1, 1)).is_err());
    // A stored hash cannot ask for more memory than a check may take.
    assert!(!password::verify(
        "x",
        "$j|u|1|1$jtlbrUIrT9YmiVqwE+RC9A$Fzzc3HdnUww9LXvAOryxOvNb90pVu+OUKCQD6vj7xCs",
        &[]
    ));
    assert!(!password::verify(
        "x",
        "$argon2id$v=19$m=4294967295,t=1,p=1$jtlbrUIrT9YmiVqwE+RC9A$Fzzc3HdnUww9LXvAOryxOg",
        &[]
    ));
}

#[test]
fn spec04_18_encrypt_leaves_a_value_that_decrypts() {
    use s3db::schema::{Action, Params};
    let params = Params {
        passphrase: "golden passphrase".into(),
        ..Params::default()
    };
    let once = Action::Encrypt.apply(&Value::from("plain"), &params).expect("encrypted");
    assert_ne!(once, Value::from("plain"));
    assert_eq!(Action::Encrypt.apply(&once, &params).expect("encrypted"), once);
    assert_eq!(Action::Decrypt.apply(&once, &params).expect("decrypted"), Value::from("plain"));
    // Under another passphrase it is a text like any other.
    let other = Params {
        passphrase: "another".into(),
        ..Params::default()
    };
    assert_ne!(Action::Encrypt.apply(&once, &other).expect("encrypted"), once);
}

fn round_trip(kind: Packed, text: &str) {
    let packed = kind
        .pack(text)
        .unwrap_or_else(|| panic!("{} {text} has no packed form", kind.name()));
    assert!(packed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{packed}");
    assert_eq!(kind.unpack(&packed).as_deref(), Some(text), "{} {packed}", kind.name());
}

proptest! {
    #[test]
    fn spec04_18_uuids_come_back(bytes in any::<[u8; 16]>()) {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        round_trip(Packed::Uuid, &format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]));
    }

    #[test]
    fn spec04_18_mac_addresses_come_back(bytes in any::<[u8; 6]>()) {
        let pairs: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        round_trip(Packed::Mac, &pairs.join(":"));
        prop_assert_eq!(Packed::Mac.pack(&pairs.join("-").to_uppercase()), Packed::Mac.pack(&pairs.join(":")));
    }

    #[test]
    fn spec04_18_networks_come_back(bytes in any::<[u8; 4]>(), prefix in 0u8..=32) {
        let [a, b, c, d] = bytes;
        round_trip(Packed::Cidr, &format!("{a}.{b}.{c}.{d}/{prefix}"));
    }

    #[test]
    fn spec04_18_versions_come_back(major in 0u64..9_007_199_254, minor in 0u64..1000, patch in 0u64..1000) {
        round_trip(Packed::Semver, &format!("{major}.{minor}.{patch}"));
    }

    #[test]
    fn spec04_18_phone_numbers_come_back(number in 1u64..1_000_000_000_000_000) {
        round_trip(Packed::Phone, &format!("+{number}"));
    }

    #[test]
    fn spec04_18_colors_come_back(n in 0u32..=0xff_ffff) {
        round_trip(Packed::Color, &format!("#{n:06x}"));
    }

    #[test]
    fn spec04_18_barcodes_come_back(n in any::<u64>(), kind in 0usize..4) {
        let length = [8, 12, 13, 14][kind];
        let text = format!("{:0length$}", n % 10u64.pow(length as u32));
        let packed = Packed::Ean.pack(&text).expect("packed");
        // The one form that also is a barcode as it stands, with the right check digit, is read as that.
        match Packed::Ean.unpack(&packed) {
            Some(back) => prop_assert_eq!(back, text),
            None => prop_assert!(packed.len() == 8 && packed.bytes().all(|b| b.is_ascii_digit())),
        }
    }

    #[test]
    fn spec04_18_datetimes_come_back(ms in -8_640_000_000_000_000i64..=8_640_000_000_000_000) {
        round_trip(Packed::DateTime, &text::iso_date(ms as f64).expect("a date"));
    }

    #[test]
    fn spec04_18_dates_come_back(days in -100_000_000i64..=100_000_000) {
        let iso = text::iso_date((days * 86_400_000) as f64).expect("a date");
        round_trip(Packed::DateOnly, iso.split('T').next().expect("a date"));
    }

    #[test]
    fn spec04_18_times_come_back(ms in 0u64..86_400_000) {
        let text = format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
        round_trip(Packed::TimeOnly, &text);
    }

    #[test]
    fn spec04_18_durations_come_back(ms in 0u64..(1 << 53)) {
        let text = Packed::Duration.unpack(&base62::encode(ms as f64)).expect("a duration");
        // Fractions of seconds beside years of days keep their milliseconds.
        let packed = Packed::Duration.pack(&text).expect("packed");
        prop_assert_eq!(base62::decode(&packed), ms as f64);
    }

    #[test]
    fn spec04_18_any_text_is_read_without_panic_and_packed_texts_are_stable(text in "\\PC{0,40}|[0-9a-zA-Z-]{0,24}") {
        for kind in Packed::ALL {
            if let Some(read) = kind.unpack(&text) {
                prop_assert!(kind.unpack(&read).is_none() || *kind == Packed::Ean || *kind == Packed::Duration, "{} {read}", kind.name());
                if let Some(packed) = kind.pack(&read) {
                    prop_assert_eq!(kind.unpack(&packed), Some(read));
                }
            }
            if let Some(packed) = kind.pack(&text) {
                prop_assert!(packed.is_ascii());
            }
        }
    }

    #[test]
    fn spec04_18_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let stored = map("buffer", Value::Bytes(bytes.clone())).expect("mapped");
        prop_assert_eq!(unmap("buffer", stored), Value::Bytes(bytes.clone()));
        let bits = format!("bits:{}", bytes.len() * 8);
        let stored = map(&bits, Value::Bytes(bytes.clone())).expect("mapped");
        prop_assert_eq!(stored.as_str().map(base64::decode), Some(bytes.clone()));
        prop_assert_eq!(unmap(&bits, stored), Value::Bytes(bytes));
    }

    #[test]
    fn spec04_18_compact_argon2_hashes_expand_and_come_back(
        salt in any::<[u8; 16]>(), digest in any::<[u8; 32]>(), memory in 3u32..=22, time in 1u32..1000, lanes in 1u32..200,
    ) {
        let plain = |bytes: &[u8]| base64::encode(bytes).trim_end_matches('=').to_owned();
        let full = format!("$argon2id$v=19$m={},t={time},p={lanes}${}${}", 1u64 << memory, plain(&salt), plain(&digest));
        let compact = password::compact(&full, password::BcryptForm::Bare).expect("compact");
        prop_assert!(argon::is_compact(&compact) && !argon::is_compact(&full));
        prop_assert_eq!(password::expand(&compact, 10).expect("full"), full);
        prop_assert_eq!(number::to_text(f64::from(time)), time.to_string());
    }
}
