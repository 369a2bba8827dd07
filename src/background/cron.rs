//! Cron expressions: the times at which a task runs.
//!
//! Five fields, or six with seconds first; names, ranges, steps, lists, `?`, `L`, `#`, `W`, 7 for Sunday, and
//! `@hourly` to `@yearly`. A day matches when day of month or day of week does, if both are restricted.
//! Where the clock goes forward, a task at a fixed time of day that falls into the gap runs right after it; where it
//! goes back, such a task runs once, and one with several times a day runs in both hours.

use crate::error::{Error, Result};
use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub struct CronSchedule {
    cron: Box<Cron>,
    zone: Tz,
}

impl CronSchedule {
    /// Parses an expression; `time_zone` is a name of the IANA database.
    ///
    /// # Errors
    /// Validation, naming `cron` or `timeZone`, also for an expression that no date fulfils (`0 0 30 2 *`).
    pub fn new(expression: &str, time_zone: &str) -> Result<Self> {
        let zone: Tz = time_zone.parse().map_err(|_| {
            Error::validation(
                "timeZone",
                format!("Unknown time zone '{time_zone}': give a name of the IANA database, such as 'UTC' or 'Europe/Berlin'"),
            )
        })?;
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(expression).map_err(|e| invalid(expression, &e.to_string()))?;
        let schedule = Self {
            cron: Box::new(cron),
            zone,
        };
        // No pattern depends on the year: what four years and a century exception cannot fulfil never happens.
        match schedule.next_after(crate::ambient::now_ms()) {
            Some(_) => Ok(schedule),
            None => Err(invalid(expression, "no date fulfils it")),
        }
    }

    /// First time after the second of `wall` (both epoch milliseconds); None when there is none.
    pub fn next_after(&self, wall: i64) -> Option<i64> {
        let from: DateTime<Tz> = self.zone.timestamp_opt(wall.div_euclid(1000), 0).single()?;
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        let at = next.timestamp_millis();
        // Guards the loops above this against a time that does not move.
        (at > wall).then_some(at)
    }
}

fn invalid(expression: &str, reason: &str) -> Error {
    Error::validation(
        "cron",
        format!(
            "Invalid cron expression '{expression}': {reason}. Give five fields (minute hour day month weekday), six with \
             seconds first, or one of @hourly, @daily, @weekly, @monthly, @yearly"
        ),
    )
}
