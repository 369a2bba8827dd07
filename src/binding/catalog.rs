//! Handle of the metadata file.

use super::error::to_napi;
use super::runtime::{Settled, settle};
use super::store::NativeStore;
use crate::catalog::Catalog;
use crate::error::{Error, Kind};
use napi::bindgen_prelude::Env;
use napi_derive::napi;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;

#[napi]
pub struct NativeCatalog {
    catalog: Arc<Catalog>,
    immediate: bool,
}

#[napi]
impl NativeCatalog {
    #[napi(constructor)]
    pub fn new(store: &NativeStore, s3db_version: String) -> napi::Result<Self> {
        let store = store.relative()?;
        let immediate = store.info().immediate;
        Ok(Self {
            catalog: Arc::new(Catalog::new(store, &s3db_version)),
            immediate,
        })
    }

    #[napi]
    pub fn load<'env>(&self, env: &'env Env) -> napi::Result<Settled<'env, String>> {
        let catalog = self.catalog.clone();
        settle(env, self.immediate, async move {
            let loaded = catalog.load().await?;
            Ok(json!({
                "metadata": loaded.metadata, "created": loaded.created, "healed": loaded.healed,
                "healingLog": loaded.healing_log, "backupKey": loaded.backup_key, "lossy": loaded.lossy,
            })
            .to_string())
        })
    }

    #[napi]
    pub fn save<'env>(&self, env: &'env Env, local: String, remove: String, partial: bool) -> napi::Result<Settled<'env, String>> {
        let catalog = self.catalog.clone();
        let parse = |text: &str| {
            serde_json::from_str::<serde_json::Value>(text)
                .map_err(|e| to_napi(Error::new(Kind::Database, format!("Invalid metadata text: {e}"))))
        };
        let local = parse(&local)?;
        let remove: Vec<String> = serde_json::from_value(parse(&remove)?).unwrap_or_default();
        settle(env, self.immediate, async move {
            let names: HashSet<String> = match local.get("resources") {
                Some(serde_json::Value::Object(resources)) if partial => resources.keys().cloned().collect(),
                _ => HashSet::new(),
            };
            let saved = catalog.save(local, partial, &remove).await?;
            let whole = !partial || saved.others;
            let metadata = saved.metadata(|name| whole || names.contains(name));
            Ok(json!({ "metadata": metadata, "whole": whole }).to_string())
        })
    }
}
