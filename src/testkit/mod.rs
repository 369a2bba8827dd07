//! Test support.

pub mod faulty_store;
