//! LIST.

use super::S3Store;
use super::read::{millis, size};
use super::transport::capture;
use crate::error::{Error, Kind, Result};
use crate::store::{ListEntry, ListPage, ListRequest, bare_etag};
use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

/// Entries of a full page.
const PAGE: u32 = 1000;

impl S3Store {
    pub(super) async fn list_objects(&self, request: ListRequest) -> Result<ListPage> {
        match self.list_page(request.clone(), false).await {
            // XML cannot carry every key, and percent-encoding is asked for only then: some
            // stores say that they encode and do not.
            Err(error) if error.kind() == Kind::Unknown && error.status() == Some(200) => self.list_page(request, true).await,
            result => result,
        }
    }

    async fn list_page(&self, request: ListRequest, encode: bool) -> Result<ListPage> {
        let client = &self.connection().await?.client;
        let max_keys = match request.max_keys {
            0 => PAGE,
            n => n.min(PAGE),
        };
        let send = client
            .list_objects_v2()
            .bucket(&self.config.bucket)
            .prefix(request.prefix)
            .set_delimiter(request.delimiter)
            .set_start_after(request.start_after)
            .set_continuation_token(request.token)
            .set_max_keys(i32::try_from(max_keys).ok())
            .set_encoding_type(encode.then_some(EncodingType::Url))
            .send();
        let (result, captured) = capture(send).await;
        let output = result.map_err(|error| self.failure("ListObjectsV2", None).map(error, &captured))?;
        let encoded = encode && output.encoding_type == Some(EncodingType::Url);
        let truncated = output.is_truncated == Some(true);
        let next_token = output.next_continuation_token.filter(|_| truncated);
        if truncated && next_token.is_none() {
            return Err(Error::new(
                Kind::Unknown,
                "The store says that the listing goes on but gives no token to continue it",
            )
            .with_code("InvalidListing"));
        }
        let entries = output
            .contents
            .unwrap_or_default()
            .into_iter()
            .filter_map(|object| {
                let etag = object.e_tag().map(|tag| bare_etag(tag).to_owned());
                let last_modified = millis(object.last_modified(), captured.date);
                let size = size(object.size());
                Some(ListEntry {
                    key: decode(object.key?, encoded),
                    size,
                    etag,
                    last_modified,
                })
            })
            .collect();
        let common_prefixes = output
            .common_prefixes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|group| Some(decode(group.prefix?, encoded)))
            .collect();
        Ok(ListPage {
            entries,
            common_prefixes,
            next_token,
        })
    }
}

/// Undoes `encoding-type=url`, in which a space is `+`.
pub(super) fn decode(text: String, encoded: bool) -> String {
    if !encoded || !text.contains(['%', '+']) {
        return text;
    }
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => decoded.into_owned(),
        Err(_) => text,
    }
}
