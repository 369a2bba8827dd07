//! Money as scaled base62 (spec/04 5.6).

use super::base62;
use crate::error::{Error, Result};
use crate::value::number::js_round;

/// Decimals that are not 2, by currency code.
const DECIMALS: &[(&str, u32)] = &[
    ("KWD", 3),
    ("JPY", 0),
    ("KRW", 0),
    ("VND", 0),
    ("CLP", 0),
    ("ISK", 0),
    ("PYG", 0),
    ("BTC", 8),
    ("ETH", 18),
    ("GWEI", 9),
    ("USDT", 6),
    ("USDC", 6),
    ("BUSD", 18),
    ("DAI", 18),
    ("BNB", 18),
    ("XRP", 6),
    ("ADA", 6),
    ("SOL", 9),
    ("MATIC", 18),
    ("AVAX", 18),
    ("DOT", 10),
    ("LINK", 18),
    ("UNI", 18),
];

/// All 71 supported currencies, in documented order.
pub const CURRENCIES: &[&str] = &[
    "USD", "BRL", "EUR", "GBP", "CAD", "AUD", "MXN", "ARS", "COP", "PEN", "UYU", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON",
    "BGN", "HRK", "RSD", "TRY", "ZAR", "EGP", "NGN", "KES", "GHS", "INR", "PKR", "BDT", "LKR", "NPR", "THB", "MYR", "SGD", "PHP", "IDR",
    "CNY", "HKD", "TWD", "ILS", "SAR", "AED", "QAR", "KWD", "RUB", "UAH", "KZT", "JPY", "KRW", "VND", "CLP", "ISK", "PYG", "BTC", "ETH",
    "GWEI", "USDT", "USDC", "BUSD", "DAI", "BNB", "XRP", "ADA", "SOL", "MATIC", "AVAX", "DOT", "LINK", "UNI",
];

/// Decimals of a currency; 2 for unknown codes.
pub fn decimals(currency: &str) -> u32 {
    let upper = currency.to_ascii_uppercase();
    DECIMALS.iter().find(|(c, _)| *c == upper).map_or(2, |(_, d)| *d)
}

/// Whether the table holds the currency, in any case.
pub fn is_supported(currency: &str) -> bool {
    let upper = currency.to_ascii_uppercase();
    CURRENCIES.contains(&upper.as_str())
}

/// `$` and base62 of the value in its smallest unit; `$undefined` for what is no finite number.
pub fn encode(n: f64, decimals: u32) -> String {
    format!(
        "${}",
        base62::encode(js_round(n * 10f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX))))
    )
}

/// [`encode`] of the public module, which refuses negative values.
pub fn encode_currency(n: f64, currency: &str) -> Result<String> {
    if n < 0.0 {
        return Err(Error::validation("value", "Money value cannot be negative")
            .with_status(400)
            .with("value", n));
    }
    Ok(encode(n, decimals(currency)))
}

/// Value of a text; `None` without `$`, NaN for bad digits.
pub fn decode(text: &str, decimals: u32) -> Option<f64> {
    Some(base62::decode(text.strip_prefix('$')?) / 10f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX)))
}
