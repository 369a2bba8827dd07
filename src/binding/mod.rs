//! The napi binding: conversion, promises, handles. The only room that names napi.
//!
//! Texts are tagged JSON, errors are JSON in the message of a thrown error
//! (`js/native/binding.d.ts` is the contract). Calls on immediate stores are
//! polled once on the JavaScript thread and usually complete there; everything
//! else runs on the runtime below.

// The napi macros expand to unsafe glue and undocumented shims.
#![allow(unsafe_code, missing_docs)]

mod background;
mod background_options;
mod cache;
mod catalog;
mod content;
mod error;
mod events;
mod function;
mod logs;
mod plugin;
mod plugin_text;
mod query;
mod resource;
mod runtime;
mod schema;
mod store;
mod store_js;
