use super::*;
use chrono::DateTime;

/// The next `count` times after `from` (RFC 3339), in UTC.
fn next(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let cron = CronSchedule::new(expression, zone).unwrap();
    let mut at = DateTime::parse_from_rfc3339(from).unwrap().timestamp_millis();
    let mut times = Vec::new();
    for _ in 0..count {
        at = cron.next_after(at).unwrap();
        times.push(DateTime::from_timestamp_millis(at).unwrap().format("%Y-%m-%dT%H:%M:%S").to_string());
    }
    times
}

#[test]
fn expressions_of_five_and_six_fields_with_names_steps_and_modifiers() {
    let from = "2026-03-01T00:00:00Z"; // a Sunday
    assert_eq!(next("*/15 * * * *", "UTC", from, 2), ["2026-03-01T00:15:00", "2026-03-01T00:30:00"]);
    assert_eq!(
        next("*/10 * * * * *", "UTC", from, 2),
        ["2026-03-01T00:00:10", "2026-03-01T00:00:20"]
    );
    assert_eq!(next("0 9 * * MON", "UTC", from, 1), ["2026-03-02T09:00:00"]);
    assert_eq!(next("0 0 * * 7", "UTC", from, 1), ["2026-03-08T00:00:00"]);
    assert_eq!(
        next("30 8-9 1,15 JAN-MAR *", "UTC", from, 3),
        ["2026-03-01T08:30:00", "2026-03-01T09:30:00", "2026-03-15T08:30:00"]
    );
    assert_eq!(next("0 0 L * *", "UTC", from, 2), ["2026-03-31T00:00:00", "2026-04-30T00:00:00"]);
    assert_eq!(next("0 0 ? * FRI#2", "UTC", from, 1), ["2026-03-13T00:00:00"]);
    assert_eq!(
        next("0 0 13 * FRI", "UTC", from, 3),
        ["2026-03-06T00:00:00", "2026-03-13T00:00:00", "2026-03-20T00:00:00"]
    );
    assert_eq!(next("0 0 29 2 *", "UTC", from, 1), ["2028-02-29T00:00:00"]);
    assert_eq!(next("@hourly", "UTC", from, 1), ["2026-03-01T01:00:00"]);
    assert_eq!(next("@yearly", "UTC", from, 1), ["2027-01-01T00:00:00"]);
    assert_eq!(next("0 3 * * *", "Asia/Tokyo", from, 1), ["2026-03-01T18:00:00"]);
    assert_eq!(next("0 12 * * *", "UTC", "2026-03-01T11:59:59.999Z", 1), ["2026-03-01T12:00:00"]);
}

#[test]
fn an_invalid_expression_or_zone_names_the_field_and_the_remedy() {
    for expression in [
        "",
        "* * * *",
        "61 * * * *",
        "* * * * * * *",
        "0 0 30 2 *",
        "every day",
        "*/0 * * * *",
        "5-1 * * * *",
    ] {
        let error = CronSchedule::new(expression, "UTC").unwrap_err();
        assert_eq!(
            (error.kind(), error.fields()["field"].as_str()),
            (Kind::Validation, Some("cron")),
            "{expression}"
        );
        assert!(error.message().contains("five fields"), "{error}");
    }
    let error = CronSchedule::new("* * * * *", "Mars/Olympus").unwrap_err();
    assert_eq!(error.fields()["field"], "timeZone");
    assert!(error.message().contains("Europe/Berlin"), "{error}");
}

#[test]
fn where_the_clock_goes_forward_a_fixed_time_runs_once_right_after_the_gap() {
    // Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00Z.
    let from = "2026-03-28T12:00:00Z";
    assert_eq!(
        next("30 2 * * *", "Europe/Berlin", from, 3),
        ["2026-03-29T01:00:00", "2026-03-30T00:30:00", "2026-03-31T00:30:00"]
    );
    assert_eq!(
        next("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", 3),
        ["2026-03-29T01:00:00", "2026-03-29T01:30:00", "2026-03-29T02:00:00"]
    );
    assert_eq!(
        next("0 3 * * *", "Europe/Berlin", from, 2),
        ["2026-03-29T01:00:00", "2026-03-30T01:00:00"]
    );
}

#[test]
fn where_the_clock_goes_back_a_fixed_time_runs_once() {
    // Berlin, 2026-10-25: 03:00 becomes 02:00 at 01:00Z.
    let from = "2026-10-24T12:00:00Z";
    assert_eq!(
        next("30 2 * * *", "Europe/Berlin", from, 2),
        ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]
    );
    assert_eq!(
        next("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 4),
        [
            "2026-10-25T00:30:00",
            "2026-10-25T01:00:00",
            "2026-10-25T01:30:00",
            "2026-10-25T02:00:00"
        ]
    );
    // New York in the same year, and a zone half an hour off.
    assert_eq!(
        next("15 1 * * *", "America/New_York", "2026-11-01T00:00:00Z", 2),
        ["2026-11-01T05:15:00", "2026-11-02T06:15:00"]
    );
    assert_eq!(
        next("0 0 * * *", "Asia/Kolkata", "2026-11-01T00:00:00Z", 1),
        ["2026-11-01T18:30:00"]
    );
}

#[tokio::test]
async fn a_cron_task_runs_at_its_times() {
    let lab = Lab::new();
    let log = Log::default();
    let task = lab.background.cron("quarters", "*/15 * * * *", "UTC", log.note()).unwrap();
    lab.pass(3_600_000).await;
    assert_eq!(log.slots(), [900_000, 1_800_000, 2_700_000, 3_600_000]);
    assert_eq!(task.stats().next_run_at, Some(START + 4_500_000));
    assert!(log.0.lock().iter().all(|run| run.started_at == run.scheduled_at));
}

#[tokio::test]
async fn a_yearly_task_waits_without_spinning() {
    let lab = Lab::new();
    let log = Log::default();
    lab.background.cron("yearly", "@yearly", "UTC", log.note()).unwrap();
    let year = 306 * 86_400_000;
    lab.pass(10 * 60_000).await;
    lab.clock.step(ms(year - 20 * 60_000));
    lab.pass(0).await;
    assert_eq!(log.len(), 0);
    lab.pass(10 * 60_000).await;
    assert_eq!(log.slots(), [year as i64]);
}

#[tokio::test]
async fn times_missed_while_asleep_are_made_up_once_or_not_at_all() {
    let hour = 3_600_000;
    for (catch_up, ran, missed) in [(true, vec![hour, 10 * hour], 8), (false, vec![hour], 9)] {
        let lab = Lab::new();
        let log = Log::default();
        let options = TaskOptions {
            catch_up,
            ..TaskOptions::cron("0 * * * *", "UTC").unwrap()
        };
        let task = lab.background.task("hours", options, log.note()).unwrap();
        lab.pass(3_600_000).await;
        // The wall clock of a machine that slept jumps, the other one does not.
        lab.clock.set_wall(START + 10 * hour + 600_000);
        lab.pass(60_000).await;
        assert_eq!((log.slots(), task.stats().missed), (ran, missed), "catch_up {catch_up}");
        lab.pass(3_600_000).await;
        assert_eq!(log.slots().last(), Some(&(11 * hour)), "and the schedule goes on");
    }
}

#[tokio::test]
async fn a_clock_set_back_runs_nothing_twice_and_a_correction_is_followed() {
    let lab = Lab::new();
    let log = Log::default();
    lab.background.cron("hourly", "0 * * * *", "UTC", log.note()).unwrap();
    let hour = 3_600_000;
    lab.pass(2 * 3_600_000).await;
    assert_eq!(log.slots(), [hour, 2 * hour]);
    lab.clock.set_wall(START + hour / 2);
    lab.pass(2 * 3_600_000).await;
    assert_eq!(log.slots(), [hour, 2 * hour], "half past two again: 1:00 and 2:00 have run");
    lab.pass(3_600_000).await;
    assert_eq!(log.slots(), [hour, 2 * hour, 3 * hour]);
    // A machine that started in the wrong year.
    lab.clock.set_wall(START - 365 * 24 * hour);
    lab.pass(2 * 3_600_000).await;
    assert_eq!(log.slots()[3..], [-365 * 24 * hour + hour, -365 * 24 * hour + 2 * hour]);
}
