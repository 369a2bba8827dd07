//! Storage behaviours.
