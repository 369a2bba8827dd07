//! Texts of returned records: attributes in map order, `id`, system fields (spec/03 section 5).

use super::Core;
use crate::store::ObjectMeta;
use crate::value::{Object, text};

/// System fields of a record.
pub(super) struct System<'a> {
    pub content_length: u64,
    pub last_modified: i64,
    pub mime_type: Option<&'a str>,
    pub etag: Option<&'a str>,
    pub version_id: Option<&'a str>,
    pub expires_at: Option<&'a str>,
    /// Version the object was written with, when it differs.
    pub original_version: Option<&'a str>,
    /// Partition name and values of a partition listing.
    pub partition: Option<(&'a str, &'a [(String, String)])>,
}

impl<'a> System<'a> {
    /// System fields of a read object. A body that holds only the revision token counts as empty.
    pub fn of(meta: &'a ObjectMeta, token_only: bool, original_version: Option<&'a str>) -> Self {
        Self {
            content_length: if token_only { 0 } else { meta.size },
            last_modified: meta.last_modified,
            mime_type: meta.content_type.as_deref(),
            etag: meta.etag.as_deref(),
            version_id: meta.version_id.as_deref(),
            expires_at: meta.expiration.as_deref(),
            original_version,
            partition: None,
        }
    }
}

impl Core {
    /// Tagged text of a complete record; `_lastModified` is epoch milliseconds, a `Date` for JavaScript.
    pub(super) fn record_text(&self, record: &Object, id: &str, system: &System<'_>) -> String {
        let mut out = String::with_capacity(192 + 24 * record.len());
        self.open(record, id, &mut out);
        out.push_str(",\"_contentLength\":");
        out.push_str(&system.content_length.to_string());
        out.push_str(",\"_lastModified\":");
        out.push_str(&system.last_modified.to_string());
        out.push_str(if system.content_length > 0 {
            ",\"_hasContent\":true"
        } else {
            ",\"_hasContent\":false"
        });
        out.push_str(",\"_mimeType\":");
        match system.mime_type {
            Some(mime) => text::write_string(mime, &mut out),
            None => out.push_str("null"),
        }
        if let Some(etag) = system.etag {
            self.member("_etag", &self.etag(etag), &mut out);
        }
        self.member("_v", &self.config.version, &mut out);
        self.member("_definitionHash", &self.config.definition_hash, &mut out);
        if let Some(version) = system.version_id {
            self.member("_versionId", version, &mut out);
        }
        if let Some(expires) = system.expires_at {
            self.member("_expiresAt", expires, &mut out);
        }
        if let Some(original) = system.original_version {
            self.member("_originalVersion", original, &mut out);
            out.push_str(",\"_versionMapped\":true");
        }
        if let Some((name, values)) = system.partition {
            self.member("_partition", name, &mut out);
            out.push_str(",\"_partitionValues\":{");
            for (i, (field, value)) in values.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                text::write_string(field, &mut out);
                out.push(':');
                text::write_string(value, &mut out);
            }
            out.push('}');
        }
        out.push('}');
        out
    }

    /// Attributes and id only, the result of `update`.
    pub(super) fn plain_text(&self, record: &Object, id: &str, flags: &[&str]) -> String {
        let mut out = String::with_capacity(64 + 24 * record.len());
        self.open(record, id, &mut out);
        for flag in flags {
            self.member(flag, "true", &mut out);
        }
        out.push('}');
        out
    }

    /// ETag as the client of this resource shows it.
    pub(super) fn etag(&self, etag: &str) -> String {
        if self.config.etag_quoted {
            format!("\"{etag}\"")
        } else {
            etag.to_owned()
        }
    }

    fn open(&self, record: &Object, id: &str, out: &mut String) {
        out.push('{');
        for (key, value) in record {
            if key == "id" {
                continue;
            }
            text::write_string(key, out);
            out.push(':');
            text::write_tagged(value, out);
            out.push(',');
        }
        out.push_str("\"id\":");
        text::write_string(id, out);
    }

    fn member(&self, name: &str, value: &str, out: &mut String) {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        text::write_string(value, out);
    }
}

/// Epoch milliseconds cut to whole seconds, as S3 reports them.
pub(super) fn whole_seconds(ms: i64) -> i64 {
    ms - ms.rem_euclid(1000)
}
