//! Short ways to build codecs and records in tests.

use s3db::record::{Carried, Decoded, Encoded, Operation, RecordCodec, RecordConfig, VersionConfig};
use s3db::schema::{Schema, SchemaConfig};
use s3db::value::{Object, Value, text};

pub const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Object of JSON text.
pub fn json(text: &str) -> Object {
    match text::parse(text).unwrap() {
        Value::Object(o) => o,
        other => panic!("not an object: {other:?}"),
    }
}

pub fn schema(attributes: &str) -> SchemaConfig {
    SchemaConfig {
        attributes: json(attributes),
        passphrase: "pass".into(),
        bcrypt_rounds: 4,
        ..SchemaConfig::default()
    }
}

pub fn with(config: SchemaConfig, behavior: &str, version: &str, versions: &[(&str, &str)]) -> RecordCodec {
    RecordCodec::new(RecordConfig {
        name: "things".into(),
        version: version.into(),
        behavior: behavior.into(),
        schema: Schema::new(config).unwrap(),
        versions: versions
            .iter()
            .map(|(v, attributes)| {
                let config = VersionConfig {
                    attributes: json(attributes),
                    ..VersionConfig::default()
                };
                ((*v).to_owned(), config)
            })
            .collect(),
        ..RecordConfig::default()
    })
    .unwrap()
}

pub fn codec(attributes: &str, behavior: &str) -> RecordCodec {
    with(schema(attributes), behavior, "v1", &[])
}

pub fn insert(codec: &RecordCodec, record: &Object) -> Encoded {
    codec.encode(record, Operation::Insert, Some("i1"), None, None).unwrap()
}

pub fn update(codec: &RecordCodec, record: &Object, carried: &Carried) -> Encoded {
    codec
        .encode(record, Operation::Update, Some("i1"), Some(carried), Some(TOKEN))
        .unwrap()
}

/// Decodes as S3 returns it.
pub fn read(codec: &RecordCodec, encoded: &Encoded) -> Decoded {
    let metadata: Vec<_> = encoded.metadata.iter().map(|(k, v)| (k.to_ascii_lowercase(), v.clone())).collect();
    codec.decode(&metadata, &encoded.body, encoded.content_type).unwrap()
}

/// Decodes given metadata.
pub fn read_metadata(codec: &RecordCodec, metadata: &[(&str, &str)]) -> Decoded {
    let metadata: Vec<_> = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    codec.decode(&metadata, b"", None).unwrap()
}

pub fn wire<'a>(encoded: &'a Encoded, name: &str) -> Option<&'a str> {
    encoded.metadata.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
}

pub fn body(encoded: &Encoded) -> String {
    String::from_utf8(encoded.body.to_vec()).unwrap()
}

/// A record comes back as it went in, and as `composed` said.
#[track_caller]
pub fn round_trips(codec: &RecordCodec, record: &Object) {
    let encoded = insert(codec, record);
    let decoded = read(codec, &encoded);
    let all = (Value::Object(decoded.record.clone()), Value::Object(encoded.composed.clone()));
    assert!(
        crate::golden::same_objects(&decoded.record, record),
        "{:?} from {:?}",
        all.0,
        encoded.metadata
    );
    assert!(crate::golden::same(&all.0, &all.1), "composed {:?} but reads {:?}", all.1, all.0);
}
