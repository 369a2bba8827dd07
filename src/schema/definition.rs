//! Attribute definitions: shorthand text, base types, rule objects.

use super::codec::{Codec, SecretKind};
use crate::codec::packed::Packed;
use crate::codec::password::Scheme;
use crate::value::{Object, Value};

/// Base types of 13.6 (text before the first `|`, without parameters).
pub(crate) const BASE_TYPES: &[&str] = &[
    "any",
    "array",
    "boolean",
    "class",
    "crypto",
    "currency",
    "custom",
    "date",
    "decimal",
    "email",
    "embedding",
    "enum",
    "equal",
    "forbidden",
    "function",
    "geo-lat",
    "geo-lon",
    "geo-point",
    "geo:lat",
    "geo:lon",
    "geo:point",
    "ip4",
    "ip6",
    "json",
    "luhn",
    "mac",
    "money",
    "multi",
    "number",
    "object",
    "objectID",
    "password",
    "record",
    "secret",
    "secretAny",
    "secretNumber",
    "string",
    "tuple",
    "url",
    "uuid",
];

/// Spellings and types added by documentation and by later versions.
pub(crate) const LATER_TYPES: &[&str] = &[
    "bits", "bool", "buffer", "cidr", "color", "country", "cron", "dateonly", "datetime", "duration", "ean", "geoLat", "geoLon",
    "geoPoint", "locale", "phone", "semver", "timeonly",
];

/// Text before the first `|`.
pub(crate) fn base(text: &str) -> &str {
    text.split('|').next().unwrap_or("").trim()
}

/// Base without parameters: `money:4` is `money`, `geo:lat:4` is `geo:lat`.
pub(crate) fn bare(base: &str) -> &str {
    if let Some(rest) = base.strip_prefix("geo:") {
        let end = rest.find(':').map_or(base.len(), |i| i + 4);
        return &base[..end];
    }
    base.split(':').next().unwrap_or("")
}

/// True for a type that definitions may name.
pub(crate) fn is_known(bare: &str) -> bool {
    BASE_TYPES.contains(&bare) || LATER_TYPES.contains(&bare)
}

/// The number after `prefix` in `text` (`money:` in `money:4|min:0` is 4).
fn parameter(text: &str, prefix: &str) -> Option<u32> {
    let start = text.find(prefix)? + prefix.len();
    let digits: &str = &text[start..];
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Whether `text` has the flag `name` among its modifiers.
pub(crate) fn has_flag(text: &str, name: &str) -> bool {
    text.split('|')
        .skip(1)
        .map(str::trim)
        .any(|m| m == name || m.strip_prefix(name).is_some_and(|v| v == ":true"))
}

fn integer(full: &str) -> bool {
    full.contains("integer:true") || full.contains("|integer:") || full.contains("|integer")
}

/// Algorithm named after `password:`.
fn scheme(text: &str) -> Scheme {
    let name = text.split("password:").nth(1).unwrap_or("");
    Scheme::parse(name.split(['|', ' ']).next().unwrap_or("")).unwrap_or_default()
}

/// Automatic action of spec/04 3.4 (second pass). `haystack` is searched for the type,
/// `full` for `items:`, `length:` and `integer`. `None` where no action is registered.
pub(crate) fn automatic(haystack: &str, full: &str) -> Option<Codec> {
    let has = |t: &str| haystack.contains(t);
    Some(if has("embedding") {
        Codec::Embedding
    } else if has("array") {
        if full.contains("items:string") {
            Codec::Strings
        } else if full.contains("items:number") {
            if integer(full) {
                Codec::Integers
            } else if parameter(full, "length:").is_some_and(|n| n >= 256) {
                Codec::Embedding
            } else {
                Codec::Decimals
            }
        } else {
            return None;
        }
    } else if has("secret") {
        Codec::Secret(if has("secretAny") {
            SecretKind::Any
        } else if has("secretNumber") {
            SecretKind::Number
        } else {
            SecretKind::Text
        })
    } else if has("password") {
        Codec::Password(scheme(haystack))
    } else if has("ip4") {
        Codec::Ip4
    } else if has("ip6") {
        Codec::Ip6
    } else if has("money") || has("crypto") {
        let default = if has("crypto") { 8 } else { 2 };
        Codec::Money(
            parameter(haystack, "money:")
                .or_else(|| parameter(haystack, "crypto:"))
                .unwrap_or(default),
        )
    } else if has("decimal") {
        Codec::Decimal(parameter(haystack, "decimal:").unwrap_or(2))
    } else if has("geo:lat") {
        Codec::GeoLat(parameter(haystack, "geo:lat:").unwrap_or(6))
    } else if has("geo:lon") {
        Codec::GeoLon(parameter(haystack, "geo:lon:").unwrap_or(6))
    } else if has("geo:point") {
        Codec::GeoPoint(parameter(haystack, "geo:point:").unwrap_or(6))
    } else if has("number") {
        if integer(full) { Codec::Integer } else { Codec::Number }
    } else if has("boolean") {
        Codec::Boolean
    } else if has("json") || has("object") {
        Codec::Json
    } else {
        return None;
    })
}

/// Later and documented spellings, rewritten to the types of 13.6.
fn canonical(base: &str) -> String {
    for (from, to) in [
        ("geoLat", "geo:lat"),
        ("geo-lat", "geo:lat"),
        ("geoLon", "geo:lon"),
        ("geo-lon", "geo:lon"),
        ("geoPoint", "geo:point"),
        ("geo-point", "geo:point"),
    ] {
        if let Some(rest) = base.strip_prefix(from)
            && (rest.is_empty() || rest.starts_with(':'))
        {
            return format!("{to}{rest}");
        }
    }
    if base == "bool" { "boolean".into() } else { base.to_owned() }
}

/// Codec of a base type that has no automatic action.
fn plain(base: &str, full: &str) -> Codec {
    match bare(base) {
        "array" => Codec::Array,
        "date" => Codec::Date,
        "any" | "multi" | "custom" | "enum" | "equal" | "class" | "record" | "tuple" | "function" | "forbidden" | "objectID" => Codec::Any,
        "buffer" => Codec::Bytes,
        "bits" => Codec::Bits(parameter(base, "bits:")),
        "string" if has_flag(full, "raw") => Codec::RawText,
        name => match Packed::parse(name) {
            // 13.6 has these two and expects their text.
            Some(kind @ (Packed::Uuid | Packed::Mac)) => Codec::Packed(kind, has_flag(full, "packed")),
            Some(kind) => Codec::Packed(kind, true),
            None => Codec::Text,
        },
    }
}

/// How a shorthand attribute is stored: the right codec, and the one 13.6 uses where that is another.
pub(crate) fn shorthand(text: &str) -> (Codec, Option<Codec>) {
    let base = base(text);
    if let Some(item) = base.strip_suffix("[]") {
        let original = automatic(text, text);
        if item.contains("secret") {
            return (Codec::Secret(SecretKind::Any), None);
        }
        // 13.6 leaves arrays alone in these actions and stores JSON text; the others lose the data.
        let lossy = matches!(
            original,
            Some(
                Codec::Boolean
                    | Codec::Embedding
                    | Codec::Password(_)
                    | Codec::Strings
                    | Codec::Decimals
                    | Codec::Integers
                    | Codec::Secret(_)
            )
        );
        return (Codec::Array, if lossy { original } else { None });
    }
    let type_name = canonical(base);
    let right = automatic(&type_name, text).unwrap_or_else(|| plain(&type_name, text));
    if !BASE_TYPES.contains(&bare(base)) {
        return (right, None);
    }
    let original = automatic(text, text).unwrap_or_else(|| plain(base, text));
    let original = (original != right).then_some(original);
    (right, original)
}

/// Option names of rule objects (spec/04 4.4) besides `type`.
pub(crate) const RULE_OPTIONS: &[&str] = &[
    "ObjectID",
    "alpha",
    "alphadash",
    "alphanum",
    "base64",
    "check",
    "contains",
    "convert",
    "currencySymbol",
    "custom",
    "customRegex",
    "decimalSeparator",
    "default",
    "empty",
    "enum",
    "equal",
    "field",
    "hex",
    "instanceOf",
    "integer",
    "items",
    "key",
    "label",
    "length",
    "localeLowercase",
    "localeUppercase",
    "lowercase",
    "max",
    "maxProps",
    "messages",
    "min",
    "minProps",
    "mode",
    "negative",
    "normalize",
    "notEqual",
    "nullable",
    "numeric",
    "optional",
    "packed",
    "padChar",
    "padEnd",
    "padStart",
    "pattern",
    "patternFlags",
    "positive",
    "properties",
    "props",
    "raw",
    "remove",
    "required",
    "rules",
    "singleLine",
    "strict",
    "symbolOptional",
    "thousandSeparator",
    "trim",
    "trimLeft",
    "trimRight",
    "unique",
    "uppercase",
    "value",
    "values",
    "version",
];

/// Whether an object definition is a rule (`{ type, ... }`) rather than nested attributes
/// (spec/04 2.3): `type` is a bare known type and no other key is clearly an attribute.
pub(crate) fn is_rule(definition: &Object) -> bool {
    let Some(kind) = definition.get("type") else { return false };
    let Value::String(kind) = kind else {
        return !matches!(kind, Value::Undefined | Value::Object(_));
    };
    if kind.contains('|') {
        return false;
    }
    if !is_known(bare(kind)) {
        // An unknown bare type is a mistake in a rule, not an attribute called "type".
        return true;
    }
    !definition.iter().any(|(key, value)| {
        if key == "type" || key.starts_with("__plugin") || RULE_OPTIONS.contains(&key.as_str()) {
            return false;
        }
        match value {
            Value::String(text) => text.contains('|') && is_known(bare(base(text))),
            Value::Object(inner) => {
                !key.starts_with("$$") && (is_rule(inner) || inner.values().any(|v| v.as_str().is_some_and(|t| is_known(bare(base(t))))))
            }
            _ => false,
        }
    })
}

/// How a rule object is stored: the codec and whether its values are raw text (spec/04 16.3).
pub(crate) fn rule(definition: &Object) -> (Codec, bool) {
    let kind = definition.get("type").and_then(Value::as_str).unwrap_or("any");
    if kind == "array"
        && let Some(codec) = rule_array(definition)
    {
        return (codec, false);
    }
    let type_name = canonical(kind);
    let integer = matches!(definition.get("integer"), Some(Value::Bool(true)));
    let codec = match automatic(&type_name, &type_name) {
        Some(Codec::Number) if integer => Codec::Integer,
        Some(codec) => codec,
        None if matches!(definition.get("raw"), Some(Value::Bool(true))) => Codec::RawText,
        None => plain(&type_name, &type_name),
    };
    (codec, true)
}

/// First pass of spec/04 3.4: actions of `{ type: 'array', items: 'string' | 'number' }`.
pub(crate) fn rule_array(definition: &Object) -> Option<Codec> {
    let items = definition.get("items")?.as_str()?;
    if items.contains("string") {
        Some(Codec::Strings)
    } else if items.contains("number") {
        Some(if items.contains("integer") {
            Codec::Integers
        } else if matches!(definition.get("length"), Some(Value::Number(n)) if *n >= 256.0) {
            Codec::Embedding
        } else {
            Codec::Decimals
        })
    } else {
        None
    }
}

/// Plugin that owns an object definition.
pub(crate) fn plugin_of(definition: &Object) -> Option<&str> {
    definition.get("__plugin__").and_then(Value::as_str)
}
