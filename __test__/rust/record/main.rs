//! Schema, behaviours and record codec against the golden vectors and their rules.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/golden.rs"]
mod golden;

mod actions;
mod behaviors;
mod defects;
mod properties;
mod records;
mod schemas;
mod support;
