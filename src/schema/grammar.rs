//! Grammar of definitions.

use crate::error::Result;
use crate::value::Object;

/// Checks definitions.
pub fn check(_attributes: &Object) -> Result<()> {
    Ok(())
}
