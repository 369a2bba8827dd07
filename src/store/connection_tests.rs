use super::*;

/// `name=value` lines in property order; `undefined` for absent values.
fn shown(text: &str) -> String {
    let connection = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    connection
        .iter()
        .map(|(name, value)| format!("{name}={}", plain(value)))
        .collect::<Vec<_>>()
        .join(" ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Undefined => "undefined".to_owned(),
        Value::Object(o) => {
            let members: Vec<String> = o.iter().map(|(k, v)| format!("{k}:{}", plain(v))).collect();
            format!("{{{}}}", members.join(","))
        }
        other => format!("{other:?}"),
    }
}

fn s3(bucket: &str, key: &str, secret: &str, prefix: &str) -> String {
    format!(
        "region=us-east-1 bucket={bucket} accessKeyId={key} secretAccessKey={secret} \
         endpoint=https://s3.us-east-1.amazonaws.com keyPrefix={prefix}"
    )
}

fn http(endpoint: &str, key: &str, secret: &str, bucket: &str, prefix: &str) -> String {
    format!(
        "region=us-east-1 forcePathStyle=true endpoint={endpoint} accessKeyId={key} secretAccessKey={secret} \
         bucket={bucket} keyPrefix={prefix}"
    )
}

#[test]
fn spec01_5_s3_strings_have_the_properties_of_13_6() {
    for (text, expected) in [
        ("s3://AK:SK@bucket/pre/fix", s3("bucket", "AK", "SK", "pre/fix")),
        ("s3://bucket", s3("bucket", "", "", "")),
        ("s3://bucket/", s3("bucket", "", "", "")),
        ("s3://", s3("s3db", "", "", "")),
        ("s3://Bucket.Name", s3("Bucket.Name", "", "", "")),
        ("s3://AK%2F:S%2BK%40@bucket/a%20b/", s3("bucket", "AK/", "S+K@", "a%20b/")),
        ("s3://bucket/a//b/", s3("bucket", "", "", "a//b/")),
        ("s3:bucket/x", s3("s3db", "", "", "x")),
        ("s3:/x/y", s3("s3db", "", "", "x/y")),
        ("s3://bucket:99/p#frag", s3("bucket", "", "", "p")),
        ("s3://b%20c/p", s3("b c", "", "", "p")),
        ("s3://bucket/../x/./y", s3("bucket", "", "", "x/y")),
        ("s3://AK@bucket", s3("bucket", "AK", "", "")),
        ("s3://:SK@bucket", s3("bucket", "", "SK", "")),
        ("s3://b@c@d/p", s3("d", "b@c", "", "p")),
        ("s3://b\u{fc}cket/\u{e9}", s3("b\u{fc}cket", "", "", "%C3%A9")),
        ("s3://bucket/%zz", s3("bucket", "", "", "%zz")),
        ("s3://%2F/x", s3("/", "", "", "x")),
        ("  s3://bucket/p  ", s3("bucket", "", "", "p")),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn spec01_5_other_schemes_have_the_properties_of_13_6() {
    for (text, expected) in [
        (
            "http://AK:SK@localhost:9000/bucket/pre/fix",
            http("http://localhost:9000", "AK", "SK", "bucket", "pre/fix"),
        ),
        ("https://host", http("https://host", "", "", "s3db", "")),
        ("https://host/", http("https://host", "", "", "s3db", "")),
        ("http://host//a/b", http("http://host", "", "", "s3db", "a/b")),
        ("HTTP://HOST:80/Bucket/", http("http://host", "", "", "Bucket", "")),
        (
            "https://AK:SK@host:8443/b%20c/p%20q/",
            http("https://host:8443", "AK", "SK", "b c", "p%20q/"),
        ),
        ("http://[::1]:9000/b/c", http("http://[::1]:9000", "", "", "b", "c")),
        (
            "http://h\u{f4}st/\u{e9}/\u{fc}",
            http("http://xn--hst-kna", "", "", "\u{e9}", "%C3%BC"),
        ),
        ("http://host/b/c#f", http("http://host", "", "", "b", "c")),
        ("http://host/%2Fa/b", http("http://host", "", "", "/a", "b")),
        ("minio://AK:SK@host:9000/bucket/x", http("null", "AK", "SK", "bucket", "x")),
        ("mailto:x", http("null", "", "", "s3db", "")),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn spec01_5_every_provider_example_parses() {
    for host in [
        "s3.us-east-1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "play.min.io",
        "sfo3.digitaloceanspaces.com",
        "s3.wasabisys.com",
        "s3.us-west-002.backblazeb2.com",
        "account.r2.cloudflarestorage.com",
        "us-east-1.linodeobjects.com",
        "ewr1.vultrobjects.com",
        "s3.fr-par.scw.cloud",
        "storage.googleapis.com",
        "namespace.compat.objectstorage.us-ashburn-1.oraclecloud.com",
        "gateway.storjshare.io",
        "a1b2.la.idrivee2-1.com",
        "ceph.example.com",
        "localhost:4566",
    ] {
        let text = format!("https://KEY:SECRET@{host}/BUCKET/PREFIX");
        assert_eq!(shown(&text), http(&format!("https://{host}"), "KEY", "SECRET", "BUCKET", "PREFIX"));
        assert_eq!(effective_endpoint(&parse(&text).unwrap()), Some(format!("https://{host}").as_str()));
    }
}

#[test]
fn spec01_5_parameters_override_in_place_or_are_appended() {
    assert_eq!(
        shown("s3://bucket/p?region=eu-west-1&foo=bar&foo=baz"),
        format!(
            "{} foo=baz",
            s3("bucket", "", "", "p").replace("region=us-east-1", "region=eu-west-1")
        )
    );
    assert_eq!(
        shown("s3://b?endpoint=http%3A%2F%2Flocalhost%3A9000&forcePathStyle=true&sessionToken=T"),
        "region=us-east-1 bucket=b accessKeyId= secretAccessKey= endpoint=http://localhost:9000 keyPrefix= \
         forcePathStyle=true sessionToken=T"
    );
    assert_eq!(
        shown("http://host/b?bucket=q&keyPrefix=z&x&=v"),
        format!("{} x= =v", http("http://host", "", "", "q", "z"))
    );
    assert_eq!(parse("s3://b?forcePathStyle=true").unwrap()["forcePathStyle"], Value::from("true"));
    assert_eq!(
        shown("s3://b?1=x&a%20b=c+d&0=y"),
        format!("0=y 1=x {} a b=c d", s3("b", "", "", ""))
    );
}

#[test]
fn spec01_12_27_parameters_cannot_touch_the_prototype() {
    assert_eq!(
        shown("s3://b?__proto__=1&constructor=2&prototype=3&ok=4"),
        format!("{} ok=4", s3("b", "", "", ""))
    );
    assert!(client_options("s3://b?__proto__.x=1&a.constructor=2").unwrap().is_empty());
}

#[test]
fn spec01_14_memory_strings_name_bucket_and_decoded_prefix() {
    let memory = |bucket: &str, prefix: &str, options: &str| {
        format!(
            "region=us-east-1 bucket={bucket} accessKeyId=undefined secretAccessKey=undefined sessionToken=undefined \
             endpoint=memory://localhost keyPrefix={prefix} forcePathStyle=true clientType=memory basePath=undefined \
             clientOptions={{{options}}}"
        )
    };
    for (text, expected) in [
        ("memory://b/p", memory("b", "p", "")),
        ("memory://", memory("s3db", "", "")),
        ("memory:b/c", memory("s3db", "c", "")),
        ("memory:///x", memory("s3db", "x", "")),
        ("memory://b/a/", memory("b", "a", "")),
        ("memory://AK:SK@b/p", memory("b", "p", "")),
        ("memory://b/%zz", memory("b", "%zz", "")),
        (
            "memory://b/p%20q/?limit=5&x.y=true",
            format!("{} limit=5 x.y=true", memory("b", "p q", "limit:5,x:{y:true}")),
        ),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[cfg(unix)]
#[test]
fn spec01_14_file_strings_name_an_absolute_path() {
    let here = std::env::current_dir().unwrap();
    let here = here.to_str().unwrap();
    for (text, base) in [
        ("file:///tmp/x", "/tmp/x".to_owned()),
        ("file:///tmp/x/", "/tmp/x".to_owned()),
        ("file:///tmp/../y", "/y".to_owned()),
        ("file://./rel/x", format!("{here}/rel/x")),
        ("file://rel/x", "/rel/x".to_owned()),
        ("file:rel", "/rel".to_owned()),
        ("file:/abs", "/abs".to_owned()),
        ("file://localhost/tmp/y", "/tmp/y".to_owned()),
        ("file:///a%20b/", "/a b".to_owned()),
        (" file:///tmp/x?region=z#f ", "/tmp/x".to_owned()),
    ] {
        let connection = parse(text).unwrap();
        assert_eq!(connection["basePath"], Value::from(base.as_str()), "{text}");
        assert_eq!(connection["endpoint"], Value::from(format!("file://{base}")), "{text}");
    }
    assert_eq!(
        shown("file:///tmp/x"),
        "region=local bucket=s3db accessKeyId=undefined secretAccessKey=undefined sessionToken=undefined \
         endpoint=file:///tmp/x keyPrefix= forcePathStyle=true clientType=filesystem basePath=/tmp/x clientOptions={}"
    );
    for text in ["file://", "file:///", "file:", "file:///?x=1"] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.kind(), Kind::ConnectionString);
        assert!(error.message().contains("requires a path"), "{text}: {error}");
    }
    assert_eq!(
        parse("file:///%zz").unwrap_err().message(),
        "Invalid path in file:// connection string"
    );
}

#[test]
fn spec01_14_parameters_become_options() {
    let options =
        client_options("s3://b?x=1&y=true&a.b=2&a.c.d=q&z=1.50&n=null&neg=-3&e=1e3&emp=&h=0x10&i=Infinity&o=007&t=TRUE&f=false").unwrap();
    assert_eq!(
        plain(&Value::Object(options)),
        "{x:1,y:true,a:{b:2,c:{d:q}},z:1.5,n:null,neg:-3,e:1e3,emp:,h:0x10,i:Infinity,o:7,t:TRUE,f:false}"
    );
    assert_eq!(plain(&Value::Object(client_options("s3://b?a=1&a.b=2").unwrap())), "{a:{b:2}}");
}

#[test]
fn spec01_5_errors_have_the_messages_and_codes_of_13_6() {
    for (text, message, code) in [
        ("", "Invalid connection string: ", "ERR_INVALID_URL"),
        ("undefined", "Invalid connection string: undefined", "ERR_INVALID_URL"),
        ("null", "Invalid connection string: null", "ERR_INVALID_URL"),
        ("not a url", "Invalid connection string: not a url", "ERR_INVALID_URL"),
        ("s3://buck et/x", "Invalid connection string: s3://buck et/x", "ERR_INVALID_URL"),
        ("s3://b%zz/p", "Invalid bucket in connection string", "URIError"),
        ("http://host/b%zz", "Invalid bucket in connection string", "URIError"),
        ("http://host/%ff", "Invalid bucket in connection string", "URIError"),
        ("s3://AK%zz:x@b", "Invalid accessKeyId in connection string", "URIError"),
        ("http://A%C3@host/b", "Invalid accessKeyId in connection string", "URIError"),
        ("s3://AK:x%zz@b", "Invalid secretAccessKey in connection string", "URIError"),
        ("http://A:x%z@host/b", "Invalid secretAccessKey in connection string", "URIError"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(
            (error.kind(), error.message(), error.code()),
            (Kind::ConnectionString, message, Some(code)),
            "{text}"
        );
        assert!(error.fields().contains_key("input"), "{text}");
    }
}

#[test]
fn spec01_12_26_errors_never_carry_user_info() {
    for (text, input) in [
        ("s3://KEYID:SEC/RET@bucket/p", "s3://***@bucket/p"),
        ("s3://KEYID:SEC?RET@bucket/p", "s3://***@bucket/p"),
        ("s3://KEYID:SEC#RET@bucket/p", "s3://***@bucket/p"),
        ("s3://KEYID:SECRET@", "s3://***@"),
        ("s3://KEYID:SECRET", "s3://***"),
        ("s3://KEYID:SECRET/x", "s3://***"),
        ("https://KEYID:SEC RET@ho st/b", "https://***@ho st/b"),
        ("KEYID:SECRET@host/b", "***@host/b"),
        (
            "s3://buck et/p?secretAccessKey=SECRET&sessionToken=SECRET&accessKeyId=KEYID&a=b",
            "s3://buck et/p?secretAccessKey=***&sessionToken=***&accessKeyId=***&a=b",
        ),
        ("s3://AK:SECRET%zz@b/p", "s3://***@b/p"),
    ] {
        if let Err(error) = parse(text) {
            let seen = format!("{error} {error:?}");
            assert!(
                !seen.contains("SEC") && !seen.contains("RET@") && !seen.contains("KEYID"),
                "{text}: {seen}"
            );
        }
        assert_eq!(redact(text), input, "{text}");
    }
    assert_eq!(redact("http://[::1]:9000/b"), "http://[::1]:9000/b");
    assert_eq!(redact("http://host/b?x=a@b"), "http://host/b?x=a@b");
    // Rather too much than too little: this could be a key and a secret.
    assert_eq!(redact("http://host:9000/b?x=a@b"), "http://***@b");
}

#[test]
fn spec05_16_50_the_region_chooses_the_endpoint_of_s3_strings() {
    for (text, expected) in [
        ("s3://b", None),
        ("s3://b?region=eu-west-1", None),
        ("s3://b?region=eu-west-1&forcePathStyle=true", None),
        ("s3://b?endpoint=http://localhost:9000", Some("http://localhost:9000")),
        ("https://K:S@s3.us-east-1.amazonaws.com/b?region=eu-west-1", Some(DEFAULT_ENDPOINT)),
        ("http://K:S@localhost:9000/b", Some("http://localhost:9000")),
    ] {
        assert_eq!(effective_endpoint(&parse(text).unwrap()), expected, "{text}");
    }
}
