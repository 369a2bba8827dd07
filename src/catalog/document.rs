//! The metadata file in memory: entries of resources are shared between states and keep their text, so that a save costs what
//! changed and one copy of the text, however many resources there are.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};
use std::sync::{Arc, OnceLock};

const RESOURCES: &str = "resources";

/// One state of the metadata.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// Members of the file; `resources` is null and only holds the place.
    pub members: Json,
    pub resources: IndexMap<String, Arc<Entry>>,
}

/// One resource of the metadata.
#[derive(Debug)]
pub(super) struct Entry {
    pub json: Json,
    /// The entry as it stands in the file; made at the first write.
    text: OnceLock<Box<str>>,
}

impl Entry {
    pub fn new(json: Json) -> Arc<Self> {
        Arc::new(Self {
            json,
            text: OnceLock::new(),
        })
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| pretty(&self.json, "    ").into_boxed_str())
    }
}

impl From<Json> for Document {
    fn from(json: Json) -> Self {
        let mut members = match json {
            Json::Object(members) => members,
            _ => Map::new(),
        };
        let resources = match members.insert(RESOURCES.to_owned(), Json::Null) {
            Some(Json::Object(resources)) => resources.into_iter().map(|(name, entry)| (name, Entry::new(entry))).collect(),
            _ => IndexMap::new(),
        };
        Self {
            members: Json::Object(members),
            resources,
        }
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
            && self.resources.len() == other.resources.len()
            && self.resources.iter().all(|(name, entry)| {
                other
                    .resources
                    .get(name)
                    .is_some_and(|o| Arc::ptr_eq(entry, o) || entry.json == o.json)
            })
    }
}

impl Document {
    /// The metadata with the resources that `wanted` lets pass.
    pub fn to_json(&self, wanted: impl Fn(&str) -> bool) -> Json {
        let mut json = self.members.clone();
        let resources = self.resources.iter().filter(|(name, _)| wanted(name));
        json[RESOURCES] = Json::Object(resources.map(|(name, entry)| (name.clone(), entry.json.clone())).collect());
        json
    }

    /// This state with the members and resources of `changes` in the place of its own.
    pub fn with(&self, changes: Self) -> Self {
        let mut next = self.clone();
        next.members = changes.members;
        next.resources.extend(changes.resources);
        next
    }

    /// Text of the file: the JSON that serde's pretty printer makes of the whole.
    pub fn to_text(&self) -> String {
        let resources: usize = self
            .resources
            .iter()
            .map(|(name, entry)| name.len() + entry.text().len() + 12)
            .sum();
        let mut text = String::with_capacity(resources + 512);
        text.push('{');
        let members = self.members.as_object();
        for (at, (name, value)) in members.into_iter().flatten().enumerate() {
            text.push_str(if at > 0 { ",\n  " } else { "\n  " });
            push_key(name, &mut text);
            if name == RESOURCES {
                self.push_resources(&mut text);
            } else {
                text.push_str(&pretty(value, "  "));
            }
        }
        text.push_str("\n}");
        text
    }

    fn push_resources(&self, text: &mut String) {
        if self.resources.is_empty() {
            text.push_str("{}");
            return;
        }
        text.push('{');
        for (at, (name, entry)) in self.resources.iter().enumerate() {
            text.push_str(if at > 0 { ",\n    " } else { "\n    " });
            push_key(name, text);
            text.push_str(entry.text());
        }
        text.push_str("\n  }");
    }
}

fn push_key(name: &str, text: &mut String) {
    crate::value::text::write_string(name, text);
    text.push_str(": ");
}

/// Pretty JSON whose lines after the first are indented by `indent` more. Strings in JSON hold no line feeds.
fn pretty(json: &Json, indent: &str) -> String {
    let text = serde_json::to_string_pretty(json).unwrap_or_default();
    text.replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_is_that_of_the_pretty_printer() {
        for json in [
            json!({ "version": "1", "resources": {}, "revision": "r" }),
            json!({ "version": "1", "resources": { "a\"\n\u{1}é": { "b": [1, { "c": null }], "d": {} }, "e": 5 }, "f": { "g": "h\ni" }, "z": [] }),
            json!({ "resources": { "only": { "versions": { "v1": { "hash": "x" } } } } }),
        ] {
            let document = Document::from(json.clone());
            assert_eq!(document.to_text(), serde_json::to_string_pretty(&json).expect("JSON"));
            assert_eq!(document.to_json(|_| true), json);
        }
    }

    #[test]
    fn changes_replace_entries_and_leave_the_others_shared() {
        let before = Document::from(json!({ "version": "1", "resources": { "a": { "n": 1 }, "b": { "n": 1 } } }));
        let after = before.with(Document::from(json!({ "version": "1", "resources": { "b": { "n": 2 }, "c": {} } })));
        assert_eq!(
            after.to_json(|_| true)["resources"],
            json!({ "a": { "n": 1 }, "b": { "n": 2 }, "c": {} })
        );
        assert!(Arc::ptr_eq(&before.resources["a"], &after.resources["a"]));
        assert_ne!(before, after);
        assert_eq!(after.to_json(|name| name == "c")["resources"], json!({ "c": {} }));
    }
}
