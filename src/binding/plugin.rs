//! Handle of a plugin's storage.

use super::error::to_napi;
use super::events::event_sink;
use super::plugin_text::{
    LockText, Options, fields_text, info_text, lease_text, list_text, object_text, outcome_text, parse, results_text, split_text,
    version_text,
};
use super::runtime::{Settled, promise, settle};
use super::store::NativeStore;
use crate::plugin::{IncrementOptions, PluginStorage, parse_text};
use crate::value::Value;
use napi::bindgen_prelude::{Either, Env, Function, PromiseRaw};
use napi_derive::napi;
use serde_json::json;

#[napi]
pub struct NativePluginStorage {
    storage: PluginStorage,
}

impl NativePluginStorage {
    fn at(&self, now: Option<f64>) -> PluginStorage {
        match now {
            Some(now) if now.is_finite() => self.storage.at(now as i64),
            _ => self.storage.clone(),
        }
    }

    fn with(&self, options: &str) -> napi::Result<(PluginStorage, Options)> {
        let options: Options = parse(options).map_err(to_napi)?;
        Ok((self.at(options.now), options))
    }

    fn with_lock(&self, lock: &str) -> napi::Result<(PluginStorage, LockText)> {
        let lock: LockText = parse(lock).map_err(to_napi)?;
        Ok((self.at(lock.now), lock))
    }
}

#[napi]
impl NativePluginStorage {
    #[napi(constructor)]
    pub fn new(store: &NativeStore, slug: String) -> napi::Result<Self> {
        Ok(Self {
            storage: PluginStorage::new(store.relative()?, &slug).map_err(to_napi)?,
        })
    }

    #[napi]
    pub fn set_event_sink(&self, sink: Function<'_, String, ()>) -> napi::Result<()> {
        self.storage.set_event_sink(event_sink(&sink)?);
        Ok(())
    }

    #[napi]
    pub fn check_key(&self, key: String) -> napi::Result<()> {
        crate::plugin::keys::check_object(&key).map_err(to_napi)
    }

    #[napi]
    pub fn parse_values(&self, values: String) -> napi::Result<String> {
        let mut values = object_text(&values).map_err(to_napi)?;
        for value in values.values_mut() {
            if let Value::String(text) = value {
                *value = parse_text(text);
            }
        }
        Ok(fields_text(&values))
    }

    #[napi]
    pub fn split(&self, data: String, options: String) -> napi::Result<String> {
        let (storage, options) = self.with(&options)?;
        let split = object_text(&data)
            .and_then(|data| storage.split(data, &options.set()?))
            .map_err(to_napi)?;
        Ok(split_text(&split))
    }

    #[napi]
    pub fn set<'env>(&self, env: &'env Env, key: String, data: String, options: String) -> napi::Result<Settled<'env, String>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            Ok(outcome_text(&storage.set(&key, object_text(&data)?, &options.set()?).await?))
        })
    }

    #[napi]
    pub fn get<'env>(&self, env: &'env Env, key: String, options: String) -> napi::Result<Settled<'env, Option<String>>> {
        let (storage, _) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            Ok(storage.get(&key).await?.as_ref().map(fields_text))
        })
    }

    #[napi]
    pub fn get_many<'env>(&self, env: &'env Env, keys: String, options: String) -> napi::Result<Settled<'env, String>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            let keys: Vec<String> = parse(&keys)?;
            let results = storage.get_many(&keys, options.parallelism()).await;
            Ok(results_text(&results))
        })
    }

    #[napi]
    pub fn list<'env>(&self, env: &'env Env, options: String) -> napi::Result<Settled<'env, String>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            let keys = storage.list(options.resource(), &options.prefix, options.limit()).await?;
            Ok(json!(keys).to_string())
        })
    }

    #[napi]
    pub fn list_data<'env>(&self, env: &'env Env, options: String) -> napi::Result<Settled<'env, String>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            let data = storage.list_data(&options.prefix, options.limit(), options.parallelism()).await?;
            Ok(list_text(data.iter()))
        })
    }

    #[napi]
    pub fn delete<'env>(&self, env: &'env Env, key: String) -> napi::Result<Settled<'env, ()>> {
        let storage = self.storage.clone();
        settle(env, storage.is_immediate(), async move { storage.delete(&key).await })
    }

    #[napi]
    pub fn delete_all<'env>(&self, env: &'env Env, options: String) -> napi::Result<Settled<'env, f64>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            Ok(storage.delete_all(options.resource.as_deref()).await? as f64)
        })
    }

    #[napi]
    pub fn is_expired<'env>(&self, env: &'env Env, key: String, options: String) -> napi::Result<Settled<'env, bool>> {
        let (storage, _) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move { storage.is_expired(&key).await })
    }

    #[napi]
    pub fn time_to_live<'env>(&self, env: &'env Env, key: String, options: String) -> napi::Result<Settled<'env, Option<f64>>> {
        let (storage, _) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move { storage.time_to_live(&key).await })
    }

    #[napi]
    pub fn touch<'env>(&self, env: &'env Env, key: String, seconds: f64, options: String) -> napi::Result<Settled<'env, bool>> {
        let (storage, _) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move { storage.touch(&key, seconds).await })
    }

    #[napi]
    pub fn increment<'env>(&self, env: &'env Env, key: String, options: String) -> napi::Result<Settled<'env, f64>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            let increment = IncrementOptions {
                ttl: options.ttl,
                content_type: options.content_type,
            };
            storage.increment(&key, options.amount, &increment).await
        })
    }

    #[napi]
    pub fn set_if<'env>(&self, env: &'env Env, key: String, data: String, options: String) -> napi::Result<Settled<'env, Option<String>>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            let set = options.set()?;
            let data = object_text(&data)?;
            match &options.version {
                None => storage.set_if_absent(&key, data, &set).await,
                Some(version) => storage.set_if_version(&key, data, version, &set).await,
            }
        })
    }

    #[napi]
    pub fn get_with_version<'env>(&self, env: &'env Env, key: String, options: String) -> napi::Result<Settled<'env, Option<String>>> {
        let (storage, _) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            let found = storage.get_with_version(&key).await?;
            Ok(found.map(|(data, version)| version_text(&version, &data)))
        })
    }

    #[napi]
    pub fn delete_if_version<'env>(&self, env: &'env Env, key: String, version: String) -> napi::Result<Settled<'env, bool>> {
        let storage = self.storage.clone();
        settle(env, storage.is_immediate(), async move {
            storage.delete_if_version(&key, &version).await
        })
    }

    #[napi]
    pub fn acquire<'env>(&self, env: &'env Env, lock: String) -> napi::Result<Settled<'env, Option<String>>> {
        let (storage, lock) = self.with_lock(&lock)?;
        let options = lock.options();
        // Waiting needs the timers of the runtime.
        let at_once = storage.is_immediate() && options.timeout <= 0.0;
        let work = async move {
            let target = lock.target(&storage)?;
            let lease = storage.acquire_target(&target, &options).await?;
            Ok(lease.as_ref().map(lease_text))
        };
        if at_once {
            return settle(env, true, work);
        }
        promise(env, work).map(Either::B)
    }

    #[napi]
    pub fn renew<'env>(&self, env: &'env Env, lock: String) -> napi::Result<Settled<'env, Option<String>>> {
        let (storage, lock) = self.with_lock(&lock)?;
        settle(env, storage.is_immediate(), async move {
            let lease = lock.lease(&storage)?;
            Ok(storage.renew(&lease, lease.ttl).await?.as_ref().map(lease_text))
        })
    }

    #[napi]
    pub fn release<'env>(&self, env: &'env Env, lock: String) -> napi::Result<Settled<'env, bool>> {
        let (storage, lock) = self.with_lock(&lock)?;
        settle(
            env,
            storage.is_immediate(),
            async move { storage.release(&lock.lease(&storage)?).await },
        )
    }

    #[napi]
    pub fn is_owner<'env>(&self, env: &'env Env, lock: String) -> napi::Result<Settled<'env, bool>> {
        let (storage, lock) = self.with_lock(&lock)?;
        settle(env, storage.is_immediate(), async move {
            storage.is_owner(&lock.lease(&storage)?).await
        })
    }

    #[napi]
    pub fn lock_info<'env>(&self, env: &'env Env, lock: String) -> napi::Result<Settled<'env, Option<String>>> {
        let (storage, lock) = self.with_lock(&lock)?;
        settle(env, storage.is_immediate(), async move {
            let found = storage.lock_info(&lock.target(&storage)?).await?;
            Ok(found.as_ref().map(info_text))
        })
    }

    #[napi]
    pub fn next_sequence<'env>(&self, env: &'env Env, options: String) -> napi::Result<PromiseRaw<'env, f64>> {
        let (storage, options) = self.with(&options)?;
        promise(env, async move { storage.next_sequence(&options.name, &options.sequence()).await })
    }

    #[napi]
    pub fn reset_sequence<'env>(&self, env: &'env Env, options: String) -> napi::Result<PromiseRaw<'env, ()>> {
        let (storage, options) = self.with(&options)?;
        promise(env, async move {
            storage.reset_sequence(&options.name, options.value, &options.sequence()).await
        })
    }

    #[napi]
    pub fn sequence<'env>(&self, env: &'env Env, options: String) -> napi::Result<Settled<'env, Option<String>>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            Ok(storage.sequence(&options.name, options.resource()).await?.as_ref().map(fields_text))
        })
    }

    #[napi]
    pub fn delete_sequence<'env>(&self, env: &'env Env, options: String) -> napi::Result<Settled<'env, bool>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            storage.delete_sequence(&options.name, options.resource()).await
        })
    }

    #[napi]
    pub fn list_sequences<'env>(&self, env: &'env Env, options: String) -> napi::Result<Settled<'env, String>> {
        let (storage, options) = self.with(&options)?;
        settle(env, storage.is_immediate(), async move {
            let found = storage.list_sequences(options.resource(), options.parallelism()).await?;
            Ok(list_text(found.iter()))
        })
    }
}
