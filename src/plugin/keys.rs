//! Keys of plugin data (spec/05 sections 10.0, 10.1 and 18).

use crate::error::{Error, Kind, Result};

/// `resource=<name>/plugin=<slug>/<parts>`, or `plugin=<slug>/<parts>` without a resource name. Parts are not encoded.
pub fn plugin_key(slug: &str, resource: &str, parts: &[&str]) -> String {
    let path = parts.join("/");
    if resource.is_empty() {
        format!("plugin={slug}/{path}")
    } else {
        format!("resource={resource}/plugin={slug}/{path}")
    }
}

/// `plugin=<slug>/locks/<name>`.
pub fn lock_key(slug: &str, name: &str) -> String {
    plugin_key(slug, "", &["locks", name])
}

/// `plugin=<slug>/locks/namespace=<namespace>/<name>.json`, where mutexes of later versions live.
pub fn mutex_key(slug: &str, namespace: &str, name: &str) -> String {
    plugin_key(slug, "", &["locks", &format!("namespace={namespace}"), &format!("{name}.json")])
}

/// `[resource=<r>/]plugin=<slug>/sequence=<name>/<suffix>`.
pub fn sequence_key(slug: &str, resource: &str, name: &str, suffix: &str) -> String {
    plugin_key(slug, resource, &[&format!("sequence={name}"), suffix])
}

/// Refuses a key or list prefix that could leave the database path, and control characters, which no store takes alike.
pub fn check(key: &str) -> Result<()> {
    let problem = if key.split('/').any(|segment| segment == "..") {
        "a '..' segment"
    } else if key.chars().any(char::is_control) {
        "a control character"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::PluginStorage, format!("Invalid key: it contains {problem}"))
        .with_status(400)
        .with("key", key.escape_default().to_string())
        .with(
            "suggestion",
            "Remove it from the key, lock name or key part, for example by encoding it with encodeURIComponent().",
        ))
}

/// [`check`] for the name or key of one object, which must not be empty.
pub fn check_object(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::new(Kind::PluginStorage, "Invalid key: it is empty")
            .with_status(400)
            .with("suggestion", "Build the key with getPluginKey(resourceName, ...parts)."));
    }
    check(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spec05_10_1_keys_are_joined_and_not_encoded() {
        assert_eq!(plugin_key("cache", "", &["a b", "c%"]), "plugin=cache/a b/c%");
        assert_eq!(plugin_key("cache", "users", &["x"]), "resource=users/plugin=cache/x");
        assert_eq!(plugin_key("cache", "", &[]), "plugin=cache/");
        assert_eq!(lock_key("q", "msg-1"), "plugin=q/locks/msg-1");
        assert_eq!(mutex_key("q", "ns", "k"), "plugin=q/locks/namespace=ns/k.json");
        assert_eq!(
            sequence_key("q", "orders", "no", "value"),
            "resource=orders/plugin=q/sequence=no/value"
        );
    }

    #[test]
    fn spec05_16_29_parent_segments_are_refused() {
        for key in ["../x", "plugin=a/../b", "a/.."] {
            assert_eq!(check(key).expect_err(key).kind(), Kind::PluginStorage);
        }
        for key in ["a..b", "plugin=a/...", "a/./b"] {
            check(key).expect(key);
        }
        assert!(check("a\nb").is_err());
        assert!(check_object("").is_err());
    }
}
