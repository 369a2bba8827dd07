//! Coordinates as scaled base62 (spec/04 5.5, defect 15.32 fixed).

use super::base62;
use crate::error::{Error, Result};
use crate::value::number::js_round;

/// Half of the range: 90 for latitudes, 180 for longitudes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// -90 to 90.
    Latitude,
    /// -180 to 180.
    Longitude,
}

impl Axis {
    /// Largest absolute value.
    pub fn limit(self) -> f64 {
        match self {
            Axis::Latitude => 90.0,
            Axis::Longitude => 180.0,
        }
    }
}

fn scale(precision: u32) -> f64 {
    10f64.powi(i32::try_from(precision).unwrap_or(i32::MAX))
}

/// `~` and base62 of the shifted, scaled coordinate.
pub fn encode(axis: Axis, n: f64, precision: u32) -> Result<String> {
    let limit = axis.limit();
    if !(-limit..=limit).contains(&n) {
        let (message, field) = match axis {
            Axis::Latitude => ("Latitude out of range", "lat"),
            Axis::Longitude => ("Longitude out of range", "lon"),
        };
        return Err(Error::validation(field, message)
            .with_status(400)
            .with("value", n)
            .with("min", -limit)
            .with("max", limit));
    }
    Ok(format!("~{}", base62::encode(js_round((n + limit) * scale(precision)))))
}

/// Coordinate of a text; `None` without `~`, NaN for bad digits.
pub fn decode(axis: Axis, text: &str, precision: u32) -> Option<f64> {
    let scaled = base62::decode(text.strip_prefix('~')?);
    let factor = scale(precision);
    // Subtract before dividing: 40.7128 stays 40.7128.
    Some((scaled - axis.limit() * factor) / factor)
}

/// Both coordinates, concatenated.
pub fn encode_point(lat: f64, lon: f64, precision: u32) -> Result<String> {
    Ok(encode(Axis::Latitude, lat, precision)? + &encode(Axis::Longitude, lon, precision)?)
}

/// `(latitude, longitude)`; both NaN when the text does not hold exactly two parts.
pub fn decode_point(text: &str, precision: u32) -> (f64, f64) {
    let parts: Vec<&str> = text.split('~').filter(|p| !p.is_empty()).collect();
    match parts.as_slice() {
        [lat, lon] => {
            let part = |axis, p: &str| decode(axis, &format!("~{p}"), precision).unwrap_or(f64::NAN);
            (part(Axis::Latitude, lat), part(Axis::Longitude, lon))
        }
        _ => (f64::NAN, f64::NAN),
    }
}

/// Decimals needed for an accuracy in metres.
pub fn precision_for_accuracy(metres: f64) -> u32 {
    [111_000.0, 11_000.0, 1100.0, 110.0, 11.0, 1.1, 0.11]
        .iter()
        .position(|limit| metres >= *limit)
        .and_then(|p| u32::try_from(p).ok())
        .unwrap_or(7)
}

/// Accuracy in metres of a number of decimals; unknown ones give that of 0.
pub fn accuracy_for_precision(precision: f64) -> f64 {
    const TABLE: [f64; 8] = [111_000.0, 11_000.0, 1100.0, 110.0, 11.0, 1.1, 0.11, 0.011];
    TABLE
        .iter()
        .enumerate()
        .find(|(i, _)| *i as f64 == precision)
        .map_or(TABLE[0], |(_, metres)| *metres)
}
