//! Test support.

pub mod s3_strict;
