use super::*;
use std::sync::atomic::AtomicUsize;

#[tokio::test]
async fn an_interval_follows_its_grid_whatever_runs_take() {
    let lab = Lab::new();
    let log = Log::default();
    let (seen, clock) = (log.clone(), lab.clock.clone());
    let slow = move |run: Run| {
        let (seen, clock) = (seen.clone(), clock.clone());
        async move {
            seen.add(&run);
            clock.sleep_until(clock.monotonic() + 30).await;
            Ok(())
        }
    };
    let task = lab.background.every("grid", ms(100), slow).unwrap();
    assert_eq!(task.stats().next_run_at, None, "the driver has not run yet");
    lab.pass(0).await;
    assert_eq!(task.stats().next_run_at, Some(START + 100));
    lab.pass(450).await;
    assert_eq!(log.slots(), [100, 200, 300, 400]);
    let stats = task.stats();
    assert_eq!((stats.runs, stats.failures, stats.skipped, stats.missed), (4, 0, 0, 0));
    assert_eq!(stats.next_run_at, Some(START + 500));
    lab.background.stop(NOW).await;
    lab.pass(1000).await;
    assert_eq!(log.len(), 4);
    assert_eq!(task.stats().next_run_at, None);
}

#[tokio::test]
async fn an_immediate_task_runs_at_once_and_jitter_moves_starts_but_not_the_grid() {
    let lab = Lab::new();
    let log = Log::default();
    let options = TaskOptions {
        immediate: true,
        jitter: ms(50),
        ..TaskOptions::every(ms(100))
    };
    lab.background.task("jitter", options, log.note()).unwrap();
    lab.pass(350).await;
    assert_eq!(log.slots()[..3], [0, 100, 200]);
    for run in &log.0.lock()[1..] {
        let late = run.started_at - run.scheduled_at;
        assert!((0..50).contains(&late), "{late}");
    }
}

#[tokio::test]
async fn ticks_that_passed_are_made_up_once() {
    let lab = Lab::new();
    let log = Log::default();
    let task = lab.background.every("sleepy", ms(100), log.note()).unwrap();
    lab.pass(100).await;
    // The process slept: all clocks jumped at once.
    lab.clock.step(ms(1050));
    lab.pass(0).await;
    assert_eq!(log.slots(), [100, 200]);
    assert_eq!(task.stats().missed, 9);
    lab.pass(50).await;
    assert_eq!(log.slots(), [100, 200, 1200], "and the grid goes on");
}

#[tokio::test]
async fn overlapping_runs_are_skipped_queued_or_allowed() {
    for (overlap, started, skipped, queued) in [(Overlap::Skip, 1, 4, 0), (Overlap::Queue, 1, 2, 2), (Overlap::Allow, 3, 2, 0)] {
        let lab = Lab::new();
        let log = Log::default();
        let options = TaskOptions {
            overlap,
            max_concurrent: 3,
            max_queued: 2,
            ..TaskOptions::every(ms(10))
        };
        let task = lab.background.task("busy", options, log.hang()).unwrap();
        lab.pass(50).await;
        let stats = task.stats();
        assert_eq!((log.len(), stats.skipped, stats.queued), (started, skipped, queued), "{overlap:?}");
        assert_eq!(stats.running, started);
        lab.background.stop(NOW).await;
        assert_eq!((task.stats().running, task.stats().queued), (0, 0));
    }
}

#[tokio::test]
async fn a_queued_run_follows_the_one_that_ends() {
    let lab = Lab::new();
    let log = Log::default();
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (seen, open) = (log.clone(), gate.clone());
    let handler = move |run: Run| {
        let (seen, open) = (seen.clone(), open.clone());
        async move {
            seen.add(&run);
            open.acquire().await.unwrap().forget();
            Ok(())
        }
    };
    let options = TaskOptions {
        overlap: Overlap::Queue,
        ..TaskOptions::every(ms(10))
    };
    let task = lab.background.task("queued", options, handler).unwrap();
    lab.pass(35).await;
    assert_eq!(log.slots(), [10]);
    gate.add_permits(1);
    lab.pass(0).await;
    assert_eq!(log.slots(), [10, 20], "the tick of 20 waited, that of 30 was skipped");
    assert_eq!((task.stats().runs, task.stats().skipped, task.stats().running), (1, 1, 1));
}

#[tokio::test]
async fn failures_and_panics_are_retried_with_growing_waits_and_reported() {
    let lab = Lab::new();
    let log = Log::default();
    let seen = log.clone();
    let handler = move |run: Run| {
        seen.add(&run);
        let attempt = run.attempt;
        async move {
            match attempt {
                1 => Err(boom()),
                2 => panic!("broken"),
                _ => Ok(()),
            }
        }
    };
    let mut options = TaskOptions::every(ms(10_000));
    options.attempts.retries = 3;
    options.attempts.backoff = Backoff {
        base: ms(100),
        max: ms(150),
        jitter: false,
    };
    let task = lab.background.task("flaky", options, handler).unwrap();
    let outcome = task.trigger();
    lab.pass(99).await;
    assert_eq!(log.attempts(), [1]);
    lab.pass(1).await;
    assert_eq!(log.attempts(), [1, 2]);
    lab.pass(149).await;
    assert_eq!(log.attempts(), [1, 2], "the second wait is capped at 150");
    lab.pass(1).await;
    assert!(matches!(outcome.await, Outcome::Done { attempts: 3 }));
    let stats = task.stats();
    assert_eq!((stats.runs, stats.failures, stats.retries), (1, 0, 2));
    let failures = lab.failures.lock();
    let told: Vec<_> = failures
        .iter()
        .map(|f| (f.attempt, f.will_retry, f.error.message().to_owned()))
        .collect();
    assert_eq!(
        told,
        [(1, true, "boom".to_owned()), (2, true, "the handler panicked: broken".to_owned())]
    );
}

#[tokio::test]
async fn a_handler_that_panics_before_its_future_fails_alone() {
    let lab = Lab::new();
    fn broken(_run: Run) -> std::future::Ready<Result<()>> {
        panic!("at once")
    }
    let task = lab.background.every("broken", ms(10), broken).unwrap();
    let log = Log::default();
    lab.background.every("fine", ms(10), log.note()).unwrap();
    lab.pass(30).await;
    assert_eq!((task.stats().runs, task.stats().failures, log.len()), (3, 3, 3));
    assert_eq!(lab.kinds(), [FailureKind::Failed; 3]);
}

#[tokio::test]
async fn a_timeout_frees_the_slot_and_aborts_the_signal() {
    let lab = Lab::new();
    let log = Log::default();
    let mut options = TaskOptions::every(ms(100));
    options.attempts.timeout = Some(ms(50));
    let task = lab.background.task("slow", options, log.hang()).unwrap();
    lab.pass(149).await;
    assert_eq!(log.signal(0).aborted(), None);
    lab.pass(101).await;
    assert_eq!(log.slots(), [100, 200]);
    assert_eq!(log.signal(0).aborted(), Some(AbortReason::Timeout));
    let stats = task.stats();
    assert_eq!((stats.runs, stats.failures, stats.timeouts, stats.skipped), (2, 2, 2, 0));
    assert_eq!(lab.kinds(), [FailureKind::Timeout; 2]);
    assert_eq!(lab.failures.lock()[0].error.code(), Some("BACKGROUND_TIMEOUT"));
}

#[tokio::test]
async fn a_timeout_may_keep_the_slot_until_the_handler_ends() {
    let lab = Lab::new();
    let ended = Arc::new(AtomicUsize::new(0));
    let (count, clock) = (ended.clone(), lab.clock.clone());
    let handler = move |run: Run| {
        let (count, clock) = (count.clone(), clock.clone());
        async move {
            run.signal.wait().await;
            clock.sleep_until(clock.monotonic() + 200).await;
            count.fetch_add(1, Ordering::Relaxed);
            Err(run.signal.error())
        }
    };
    let mut options = TaskOptions::every(ms(100));
    options.attempts.timeout = Some(ms(50));
    options.attempts.on_timeout = OnTimeout::Keep;
    let task = lab.background.task("kept", options, handler).unwrap();
    lab.pass(340).await;
    assert_eq!(
        (ended.load(Ordering::Relaxed), task.stats().skipped, task.stats().running),
        (0, 2, 1)
    );
    assert_eq!(
        lab.kinds(),
        [FailureKind::Timeout],
        "reported when it happens, not when the handler ends"
    );
    lab.pass(20).await;
    assert_eq!((ended.load(Ordering::Relaxed), task.stats().running), (1, 0));
    assert_eq!(lab.kinds(), [FailureKind::Timeout], "obeying the signal is no second failure");
}

#[tokio::test]
async fn stop_waits_then_aborts_then_gives_up() {
    let lab = Lab::new();
    let log = Log::default();
    let (polite, clock) = (log.clone(), lab.clock.clone());
    lab.background
        .every("polite", ms(10), move |run: Run| {
            let (polite, clock) = (polite.clone(), clock.clone());
            async move {
                polite.add(&run);
                run.signal.wait().await;
                clock.sleep_until(clock.monotonic() + 20).await;
                Err(run.signal.error())
            }
        })
        .unwrap();
    let stuck = Log::default();
    let task = lab.background.every("stuck", ms(10), stuck.hang()).unwrap();
    lab.pass(10).await;
    let stopping = lab.background.stop(StopOptions {
        grace: ms(100),
        abort_grace: ms(50),
    });
    tokio::pin!(stopping);
    assert!(futures::poll!(&mut stopping).is_pending());
    assert!(
        lab.background.every("late", ms(10), Log::default().note()).is_err(),
        "nothing starts while stopping"
    );
    lab.pass(99).await;
    assert!(futures::poll!(&mut stopping).is_pending());
    assert_eq!(log.signal(0).aborted(), None);
    lab.pass(1).await;
    assert!(futures::poll!(&mut stopping).is_pending());
    lab.pass(1).await;
    assert_eq!(log.signal(0).aborted(), Some(AbortReason::Stopped));
    lab.pass(50).await;
    stopping.await;
    assert_eq!((log.len(), stuck.len(), task.stats().running), (1, 1, 0));
    assert_eq!(lab.kinds(), [FailureKind::Detached], "the polite one ended in time");
    lab.background.every("again", ms(10), log.note()).unwrap();
    lab.pass(10).await;
    assert_eq!(log.len(), 2, "new work may start after a stop");
}

#[tokio::test]
async fn stop_ends_a_wait_between_attempts_and_dropping_ends_everything() {
    let lab = Lab::new();
    let log = Log::default();
    let seen = log.clone();
    let mut options = TaskOptions::every(ms(10));
    options.attempts.retries = 5;
    options.attempts.backoff.base = ms(60_000);
    let task = lab
        .background
        .task("waiting", options, move |run: Run| {
            seen.add(&run);
            async { Err(boom()) }
        })
        .unwrap();
    lab.pass(10).await;
    lab.background.stop(StopOptions::default()).await;
    assert_eq!(task.stats().running, 0);
    let other = Lab::new();
    other.background.every("dropped", ms(10), log.note()).unwrap();
    other.pass(10).await;
    let (clock, before) = (other.clock.clone(), log.len());
    drop(other.background);
    clock.advance(ms(100)).await;
    assert_eq!(log.len(), before);
}

#[tokio::test]
async fn a_triggered_run_follows_the_rules_of_the_task() {
    let lab = Lab::new();
    let log = Log::default();
    let task = lab.background.every("asked", ms(1000), log.hang()).unwrap();
    let first = task.trigger();
    lab.pass(0).await;
    assert!(matches!(task.trigger().await, Outcome::Skipped(SkipReason::Overlap)));
    task.stop(NOW).await;
    assert!(matches!(first.await, Outcome::Failed { .. }));
    assert!(matches!(task.trigger().await, Outcome::Skipped(SkipReason::Stopped)));
    assert_eq!(log.slots(), [0]);
}

#[tokio::test]
async fn options_out_of_range_name_the_field() {
    let lab = Lab::new();
    let refused = |change: fn(&mut TaskOptions)| {
        let mut options = TaskOptions::every(ms(100));
        change(&mut options);
        let error = lab.background.task("bad", options, Log::default().note()).err().expect("refused");
        assert_eq!(error.kind(), Kind::Validation);
        error.fields()["field"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(refused(|o| o.schedule = Schedule::Every(Duration::ZERO)), "every");
    assert_eq!(refused(|o| o.schedule = Schedule::Every(LONGEST * 2)), "every");
    assert_eq!(refused(|o| o.jitter = ms(100)), "jitter");
    assert_eq!(refused(|o| o.max_concurrent = 0), "maxConcurrent");
    assert_eq!(refused(|o| o.max_queued = 0), "maxQueued");
    assert_eq!(refused(|o| o.attempts.timeout = Some(Duration::ZERO)), "timeout");
    assert_eq!(
        refused(|o| o.lease = Some(LeaseOptions {
            name: "a".to_owned(),
            ttl: ms(999)
        })),
        "lease.ttl"
    );
    assert_eq!(
        refused(|o| o.lease = Some(LeaseOptions {
            name: String::new(),
            ttl: ms(9999)
        })),
        "lease.name"
    );
}

#[tokio::test]
async fn thousands_of_tasks_run_side_by_side() {
    let lab = Lab::new();
    let count = Arc::new(AtomicUsize::new(0));
    for n in 0..5000 {
        let count = count.clone();
        lab.background
            .every(&format!("task-{n}"), ms(1000), move |_run: Run| {
                count.fetch_add(1, Ordering::Relaxed);
                async { Ok(()) }
            })
            .unwrap();
    }
    lab.clock.step(ms(1000));
    for _ in 0..100 {
        lab.pass(0).await;
    }
    assert_eq!(count.load(Ordering::Relaxed), 5000);
    lab.background.stop(NOW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_machines_clock_drives_tasks_too() {
    let (send, mut ran) = tokio::sync::mpsc::unbounded_channel();
    let background = Background::new(Ambient::current(), |failure| panic!("{}", failure.error));
    let handler = move |run: Run| {
        let send = send.clone();
        async move {
            send.send(run.attempt).ok();
            Ok(())
        }
    };
    background.every("real", ms(1), handler).unwrap();
    for _ in 0..3 {
        assert_eq!(ran.recv().await, Some(1));
    }
    background.stop(StopOptions::default()).await;
    while ran.recv().await.is_some() {}
}
