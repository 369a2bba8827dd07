use super::*;

type Items = Arc<Mutex<Vec<(u32, u32)>>>;

/// A handler that notes (item, attempt) and fails those the test names until an attempt.
fn noting(
    items: &Items,
    fails: impl Fn(u32, u32) -> bool + Send + Sync + 'static,
) -> impl Fn(Job<u32>) -> std::future::Ready<Result<()>> + Send + Sync + 'static {
    let items = items.clone();
    move |job| {
        items.lock().push((*job.item, job.run.attempt));
        std::future::ready(if fails(*job.item, job.run.attempt) { Err(boom()) } else { Ok(()) })
    }
}

/// A handler that waits for a permit.
fn gated(items: &Items, gate: &Arc<tokio::sync::Semaphore>) -> impl Fn(Job<u32>) -> RunFuture + Send + Sync + 'static {
    let (items, gate) = (items.clone(), gate.clone());
    move |job| {
        let (items, gate) = (items.clone(), gate.clone());
        Box::pin(async move {
            items.lock().push((*job.item, job.run.attempt));
            gate.acquire().await.unwrap().forget();
            Ok(())
        })
    }
}

fn started(items: &Items) -> Vec<u32> {
    items.lock().iter().map(|(item, _)| *item).collect()
}

#[tokio::test]
async fn items_are_handled_in_order_and_drain_waits_for_all() {
    let lab = Lab::new();
    let items = Items::default();
    let queue = lab
        .background
        .queue("orders", QueueOptions::default(), noting(&items, |_, _| false))
        .unwrap();
    queue.drain().await;
    for n in 0..100 {
        queue.push(n, None).await.unwrap();
    }
    queue.drain().await;
    assert_eq!(started(&items), (0..100).collect::<Vec<_>>());
    assert_eq!((queue.stats().tasks.runs, queue.stats().tasks.queued), (100, 0));
}

#[tokio::test]
async fn no_more_than_the_concurrency_are_in_work() {
    let lab = Lab::new();
    let (items, gate) = (Items::default(), Arc::new(tokio::sync::Semaphore::new(0)));
    let options = QueueOptions {
        concurrency: 3,
        ..QueueOptions::default()
    };
    let queue = lab.background.queue("pool", options, gated(&items, &gate)).unwrap();
    for n in 0..10 {
        queue.push(n, None).await.unwrap();
    }
    lab.pass(0).await;
    assert_eq!(
        (started(&items), queue.stats().tasks.running, queue.stats().tasks.queued),
        (vec![0, 1, 2], 3, 7)
    );
    queue.pause();
    gate.add_permits(2);
    lab.pass(0).await;
    assert_eq!(started(&items), [0, 1, 2], "paused");
    queue.resume();
    lab.pass(0).await;
    assert_eq!(started(&items), [0, 1, 2, 3, 4]);
    gate.add_permits(10);
    queue.drain().await;
    assert_eq!(items.lock().len(), 10);
}

#[tokio::test]
async fn a_full_queue_lets_pushes_wait_in_order_or_refuses_them() {
    let lab = Lab::new();
    let (items, gate) = (Items::default(), Arc::new(tokio::sync::Semaphore::new(0)));
    let options = QueueOptions {
        max_length: 2,
        ..QueueOptions::default()
    };
    let queue = lab.background.queue("narrow", options.clone(), gated(&items, &gate)).unwrap();
    queue.push(0, None).await.unwrap();
    queue.push(1, None).await.unwrap();
    let Offer::Waiting(mut third) = queue.offer(2, None).unwrap() else {
        panic!("accepted")
    };
    let Offer::Waiting(fourth) = queue.offer(3, None).unwrap() else {
        panic!("accepted")
    };
    lab.pass(0).await;
    assert!(third.try_recv().is_err());
    assert_eq!(queue.stats().waiting, 2);
    gate.add_permits(1);
    lab.pass(0).await;
    assert!(third.try_recv().unwrap().is_ok());
    assert_eq!(queue.stats().waiting, 1);
    queue.stop(NOW).await;
    assert_eq!(fourth.await.unwrap().unwrap_err().code(), Some("BACKGROUND_STOPPED"));
    assert_eq!(queue.push(9, None).await.unwrap_err().code(), Some("BACKGROUND_STOPPED"));

    let options = QueueOptions {
        overflow: Overflow::Reject,
        ..options
    };
    let queue = lab
        .background
        .queue("strict", options, gated(&items, &Arc::new(tokio::sync::Semaphore::new(0))))
        .unwrap();
    queue.push(0, None).await.unwrap();
    queue.push(1, None).await.unwrap();
    assert_eq!(queue.push(2, None).await.unwrap_err().code(), Some("BACKGROUND_QUEUE_FULL"));
    assert_eq!(queue.stats().rejected, 1);
}

#[tokio::test]
async fn failed_items_are_retried_beside_others_and_end_as_dead_letters() {
    let lab = Lab::new();
    let items = Items::default();
    let dead = Arc::new(Mutex::new(Vec::new()));
    let letters = dead.clone();
    let mut options = QueueOptions::default();
    options.attempts.retries = 2;
    options.attempts.backoff = Backoff {
        base: ms(100),
        max: ms(1000),
        jitter: false,
    };
    let handler = WithDeadLetter(
        noting(&items, |item, attempt| item == 0 || (item == 1 && attempt < 2)),
        move |letter: DeadLetter<u32>| {
            letters
                .lock()
                .push((*letter.item, letter.attempts, letter.error.message().to_owned()))
        },
    );
    let queue = lab.background.queue("flaky", options, handler).unwrap();
    for n in 0..3 {
        queue.push(n, None).await.unwrap();
    }
    lab.pass(0).await;
    assert_eq!(items.lock().clone(), [(0, 1), (1, 1), (2, 1)], "a wait takes no place in work");
    assert_eq!((queue.stats().tasks.queued, queue.stats().tasks.running), (2, 0));
    lab.pass(100).await;
    assert_eq!(items.lock()[3..].to_vec().iter().filter(|(_, attempt)| *attempt == 2).count(), 2);
    lab.pass(200).await;
    queue.drain().await;
    assert_eq!(dead.lock().clone(), [(0, 3, "boom".to_owned())]);
    let stats = queue.stats();
    assert_eq!(
        (stats.tasks.runs, stats.tasks.failures, stats.tasks.retries, stats.dead_letters),
        (3, 1, 3, 1)
    );
    assert_eq!(lab.failures.lock().iter().filter(|failure| !failure.will_retry).count(), 1);
}

#[tokio::test]
async fn items_of_one_key_keep_their_order_through_retries() {
    let lab = Lab::new();
    let items = Items::default();
    let mut options = QueueOptions {
        concurrency: 4,
        ..QueueOptions::default()
    };
    options.attempts.retries = 1;
    options.attempts.backoff = Backoff {
        base: ms(100),
        max: ms(100),
        jitter: false,
    };
    let queue = lab
        .background
        .queue("keys", options, noting(&items, |item, attempt| item == 0 && attempt == 1))
        .unwrap();
    for (item, key) in [(0, Some("a")), (1, Some("a")), (2, Some("b")), (3, None), (4, Some("a"))] {
        queue.push(item, key).await.unwrap();
    }
    lab.pass(50).await;
    assert_eq!(started(&items), [0, 2, 3], "what is behind a failed item of its key waits");
    queue.trigger();
    queue.drain().await;
    assert_eq!(started(&items), [0, 2, 3, 0, 1, 4], "the retry was made due at once");
}

#[tokio::test]
async fn an_item_that_never_ends_times_out() {
    let lab = Lab::new();
    let items = Items::default();
    let mut options = QueueOptions::default();
    options.attempts.timeout = Some(ms(100));
    let queue = lab
        .background
        .queue("stuck", options, gated(&items, &Arc::new(tokio::sync::Semaphore::new(0))))
        .unwrap();
    queue.push(0, None).await.unwrap();
    queue.push(1, None).await.unwrap();
    lab.pass(250).await;
    queue.drain().await;
    assert_eq!((queue.stats().tasks.timeouts, queue.stats().dead_letters), (2, 2));
}

#[tokio::test]
async fn stop_drops_waiting_items_and_says_so_or_goes_on_with_them() {
    for (drain_on_stop, handled, dropped) in [(false, 1, 4), (true, 5, 0)] {
        let lab = Lab::new();
        let (items, clock) = (Items::default(), lab.clock.clone());
        let seen = items.clone();
        let handler = move |job: Job<u32>| {
            let (seen, clock) = (seen.clone(), clock.clone());
            async move {
                clock.sleep_until(clock.monotonic() + 100).await;
                seen.lock().push((*job.item, job.run.attempt));
                Ok(())
            }
        };
        let options = QueueOptions {
            drain_on_stop,
            ..QueueOptions::default()
        };
        let queue = lab.background.queue("ending", options, handler).unwrap();
        for n in 0..5 {
            queue.push(n, None).await.unwrap();
        }
        lab.pass(10).await;
        let stopping = queue.stop(StopOptions {
            grace: ms(1000),
            abort_grace: ms(0),
        });
        tokio::pin!(stopping);
        assert!(futures::poll!(&mut stopping).is_pending());
        for _ in 0..6 {
            lab.pass(100).await;
            if futures::poll!(&mut stopping).is_ready() {
                break;
            }
        }
        assert_eq!(
            (items.lock().len(), queue.stats().dropped),
            (handled, dropped),
            "drain_on_stop {drain_on_stop}"
        );
        assert_eq!(lab.kinds(), if dropped == 0 { vec![] } else { vec![FailureKind::Dropped] });
    }
}

#[tokio::test]
async fn what_was_in_work_when_a_queue_was_given_up_counts_as_dropped() {
    let lab = Lab::new();
    let items = Items::default();
    let queue = lab
        .background
        .queue(
            "lost",
            QueueOptions::default(),
            gated(&items, &Arc::new(tokio::sync::Semaphore::new(0))),
        )
        .unwrap();
    queue.push(0, None).await.unwrap();
    queue.push(1, None).await.unwrap();
    lab.pass(0).await;
    assert_eq!(queue.stop(NOW).await, 2);
    assert_eq!(lab.kinds(), [FailureKind::Detached, FailureKind::Dropped]);
    queue.drain().await;
}

#[tokio::test]
async fn items_that_wait_for_a_retry_are_dropped_by_stop_and_counted() {
    let lab = Lab::new();
    let items = Items::default();
    let mut options = QueueOptions::default();
    options.attempts.retries = 1;
    let queue = lab.background.queue("delayed", options, noting(&items, |_, _| true)).unwrap();
    queue.push(0, None).await.unwrap();
    queue.push(1, None).await.unwrap();
    lab.pass(0).await;
    assert_eq!(queue.stop(NOW).await, 2);
    queue.drain().await;
    lab.pass(60_000).await;
    assert_eq!((items.lock().len(), lab.kinds().last()), (2, Some(&FailureKind::Dropped)));
}
