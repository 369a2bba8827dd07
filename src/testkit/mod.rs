//! Test support.

pub mod faulty_store;
pub mod s3_strict;
