//! Binary content of records.

use super::resource::{NativeRead, NativeResource};
use super::runtime::{Settled, settle};
use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, Env};
use napi_derive::napi;

/// Content of a record.
#[napi(object)]
pub struct NativeContent {
    pub body: Buffer,
    pub content_type: Option<String>,
}

#[napi]
impl NativeResource {
    #[napi]
    pub fn set_content<'env>(
        &self,
        env: &'env Env,
        read: &NativeRead,
        content: Buffer,
        content_type: String,
    ) -> napi::Result<Settled<'env, String>> {
        let (resource, read) = (self.resource.clone(), read.read.clone());
        let content = Bytes::from(content.to_vec());
        settle(env, resource.is_immediate(), async move {
            Ok(resource.set_content(&read, content, &content_type).await?.to_text())
        })
    }

    #[napi]
    pub fn content<'env>(&self, env: &'env Env, id: String) -> napi::Result<Settled<'env, Option<NativeContent>>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move {
            Ok(resource.content(&id).await?.map(|content| NativeContent {
                body: content.body.to_vec().into(),
                content_type: content.content_type,
            }))
        })
    }

    #[napi]
    pub fn has_content<'env>(&self, env: &'env Env, id: String) -> napi::Result<Settled<'env, bool>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move { resource.has_content(&id).await })
    }

    #[napi]
    pub fn delete_content<'env>(&self, env: &'env Env, id: String) -> napi::Result<Settled<'env, String>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move {
            Ok(resource.delete_content(&id).await?.to_text())
        })
    }
}
