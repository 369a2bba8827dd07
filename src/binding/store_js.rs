//! A store implemented by a JavaScript object, called through threadsafe functions.
//!
//! Always asynchronous. The client behind it retries by itself, so no retry
//! layer sits above. The functions are weak: a running store call never keeps
//! the process alive by itself. Every wait has a deadline, because a call that
//! reaches a dying environment is never answered.

use super::error::from_napi;
use crate::error::{Error, Kind, Result, Retry};
use crate::store::*;
use bytes::Bytes;
use napi::Status;
use napi::bindgen_prelude::{Buffer, FnArgs, Function, JsObjectValue as _, Object, Promise};
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

type TextFn = ThreadsafeFunction<String, Promise<String>, String, Status, false, true>;
type GetFn = ThreadsafeFunction<String, Promise<JsReply>, String, Status, false, true>;
type PutFn = ThreadsafeFunction<FnArgs<(String, Option<Buffer>)>, Promise<String>, FnArgs<(String, Option<Buffer>)>, Status, false, true>;

const DEADLINE: Duration = Duration::from_secs(300);

/// Reply of a `get`.
#[napi(object)]
pub struct JsReply {
    pub meta: String,
    pub body: Option<Buffer>,
}

/// The store over the callbacks of `js/client/adapter.js`.
pub(super) struct JsStore {
    info: StoreInfo,
    put: PutFn,
    get: GetFn,
    head: TextFn,
    copy: TextFn,
    delete: TextFn,
    delete_many: TextFn,
    list: TextFn,
}

impl JsStore {
    pub fn new(callbacks: &Object<'_>, bucket: String) -> napi::Result<Self> {
        let text = |name: &str| -> napi::Result<TextFn> {
            callbacks
                .get_named_property::<Function<'_, String, Promise<String>>>(name)?
                .build_threadsafe_function::<String>()
                .weak::<true>()
                .build()
        };
        Ok(Self {
            info: StoreInfo {
                kind: "js",
                bucket,
                immediate: false,
            },
            put: callbacks
                .get_named_property::<Function<'_, FnArgs<(String, Option<Buffer>)>, Promise<String>>>("put")?
                .build_threadsafe_function::<FnArgs<(String, Option<Buffer>)>>()
                .weak::<true>()
                .build()?,
            get: callbacks
                .get_named_property::<Function<'_, String, Promise<JsReply>>>("get")?
                .build_threadsafe_function::<String>()
                .weak::<true>()
                .build()?,
            head: text("head")?,
            copy: text("copy")?,
            delete: text("delete")?,
            delete_many: text("deleteMany")?,
            list: text("list")?,
        })
    }
}

/// Waits for the call and then for the promise it returned.
async fn answer<T: napi::bindgen_prelude::FromNapiValue + Send + 'static>(
    call: impl Future<Output = napi::Result<Promise<T>>> + Send,
) -> Result<T> {
    let both = async {
        let promise = call.await?;
        promise.await
    };
    match tokio::time::timeout(DEADLINE, both).await {
        Ok(result) => result.map_err(|e| from_napi(&e)),
        Err(_) => Err(Error::new(Kind::Network, "the client object did not answer within 300 s").with_retry(Retry::Exhausted)),
    }
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::new(Kind::Database, format!("the client object gave a reply of the wrong shape: {e}")))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PutReply {
    etag: Option<String>,
    version_id: Option<String>,
    last_modified: Option<f64>,
}

impl From<PutReply> for PutOutcome {
    fn from(r: PutReply) -> Self {
        Self {
            etag: r.etag.map(|e| bare_etag(&e).to_owned()),
            version_id: r.version_id,
            last_modified: r.last_modified.map(ms),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct MetaReply {
    metadata: Vec<(String, String)>,
    etag: Option<String>,
    size: f64,
    last_modified: f64,
    content_type: Option<String>,
    content_encoding: Option<String>,
    version_id: Option<String>,
    expiration: Option<String>,
}

impl From<MetaReply> for ObjectMeta {
    fn from(r: MetaReply) -> Self {
        Self {
            metadata: r.metadata,
            etag: r.etag.map(|e| bare_etag(&e).to_owned()),
            size: r.size.max(0.0) as u64,
            last_modified: ms(r.last_modified),
            content_type: r.content_type,
            content_encoding: r.content_encoding,
            version_id: r.version_id,
            expiration: r.expiration,
        }
    }
}

/// Object head from its text.
pub(super) fn meta_of(text: &str) -> Result<ObjectMeta> {
    Ok(read::<MetaReply>(text)?.into())
}

fn ms(n: f64) -> i64 {
    n as i64
}

#[derive(Deserialize)]
struct DeleteReply {
    deleted: Vec<String>,
    errors: Vec<KeyReply>,
}

#[derive(Deserialize)]
struct KeyReply {
    key: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListReply {
    entries: Vec<EntryReply>,
    #[serde(default)]
    common_prefixes: Vec<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryReply {
    key: String,
    #[serde(default)]
    size: f64,
    etag: Option<String>,
    #[serde(default)]
    last_modified: f64,
}

impl Store for JsStore {
    fn info(&self) -> StoreInfo {
        self.info.clone()
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(async move {
            let text = super::store::put_text(&request);
            let body = (!request.body.is_empty()).then(|| Buffer::from(request.body.to_vec()));
            let reply = answer(self.put.call_async(FnArgs::from((text, body)))).await?;
            Ok(read::<PutReply>(&reply)?.into())
        })
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(async move {
            let reply = answer(self.get.call_async(key.to_owned())).await?;
            let meta: ObjectMeta = read::<MetaReply>(&reply.meta)?.into();
            let body = reply.body.map(|b| Bytes::from(b.to_vec())).unwrap_or_default();
            Ok(StoredObject { meta, body })
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(async move { Ok(read::<MetaReply>(&answer(self.head.call_async(key.to_owned())).await?)?.into()) })
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(async move {
            let text = json!({
                "from": request.from, "to": request.to, "metadata": request.metadata,
                "contentType": request.content_type, "sourceIfMatch": request.source_if_match,
            });
            Ok(read::<PutReply>(&answer(self.copy.call_async(text.to_string())).await?)?.into())
        })
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let text = json!({ "key": key, "ifMatch": if_match }).to_string();
            answer(self.delete.call_async(text)).await.map(drop)
        })
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(DeleteOutcome::default());
            }
            let reply: DeleteReply = read(&answer(self.delete_many.call_async(json!(keys).to_string())).await?)?;
            let errors = reply
                .errors
                .into_iter()
                .map(|e| KeyError {
                    key: e.key,
                    code: e.code,
                    message: e.message,
                })
                .collect();
            Ok(DeleteOutcome {
                deleted: reply.deleted,
                errors,
            })
        })
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(async move {
            let reply: ListReply = read(&answer(self.list.call_async(super::store::list_text(&request))).await?)?;
            let entries = reply
                .entries
                .into_iter()
                .map(|e| ListEntry {
                    key: e.key,
                    size: e.size.max(0.0) as u64,
                    etag: e.etag.map(|t| bare_etag(&t).to_owned()),
                    last_modified: ms(e.last_modified),
                })
                .collect();
            Ok(ListPage {
                entries,
                common_prefixes: reply.common_prefixes,
                next_token: reply.next_token,
            })
        })
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        // Asked through the probe layer, which remembers the answer.
        Box::pin(crate::store::probe::probe(self))
    }
}
