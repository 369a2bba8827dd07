use super::*;

fn leased(ttl: u64) -> TaskOptions {
    TaskOptions {
        lease: Some(LeaseOptions {
            name: "job".to_owned(),
            ttl: ms(ttl),
        }),
        ..TaskOptions::every(ms(10_000))
    }
}

#[tokio::test]
async fn of_two_processes_one_runs_a_leased_task() {
    let one = Lab::new();
    let two = one.beside();
    let (first, second) = (Log::default(), Log::default());
    let a = one.background.task("sweep", leased(3000), first.hang()).unwrap();
    let b = two.background.task("sweep", leased(3000), second.note()).unwrap();
    one.pass(10_000).await;
    assert_eq!((first.len() + second.len(), a.stats().skipped + b.stats().skipped), (1, 1));
    one.pass(9000).await;
    assert!(one.locks.is_held("job"), "renewed beyond its time to live");
    a.stop(NOW).await;
    assert!(one.kinds().contains(&FailureKind::Detached));
    assert!(
        one.locks.is_held("job"),
        "a run that was given up may still be going on: its lock expires"
    );
    one.pass(11_000).await;
    assert_eq!(second.len(), 1, "and the other process takes over");
    assert!(!one.locks.is_held("job"), "released after a run that ended");
}

#[tokio::test]
async fn a_lost_lock_aborts_the_run() {
    let lab = Lab::new();
    let log = Log::default();
    let seen = log.clone();
    let handler = move |run: Run| {
        seen.add(&run);
        async move {
            run.signal.wait().await;
            Err(run.signal.error())
        }
    };
    let task = lab.background.task("sweep", leased(3000), handler).unwrap();
    let outcome = task.trigger();
    lab.pass(1500).await;
    lab.locks.steal("job");
    lab.pass(500).await;
    assert_eq!(log.signal(0).aborted(), Some(AbortReason::LeaseLost));
    assert!(matches!(outcome.await, Outcome::Failed { timed_out: false, .. }));
    assert_eq!(lab.kinds(), [FailureKind::LeaseLost]);
    assert!(lab.locks.is_held("job"), "the thief keeps it");
}

#[tokio::test]
async fn a_store_that_fails_is_survived_until_the_lock_would_expire() {
    let lab = Lab::new();
    let log = Log::default();
    let task = lab.background.task("sweep", leased(3000), log.hang()).unwrap();
    drop(task.trigger());
    lab.pass(900).await;
    lab.locks.fail(true);
    lab.pass(1200).await;
    assert_eq!(log.signal(0).aborted(), None);
    lab.locks.fail(false);
    lab.pass(2000).await;
    assert_eq!(log.signal(0).aborted(), None, "renewed after two failures");
    lab.locks.fail(true);
    lab.pass(4000).await;
    assert_eq!(log.signal(0).aborted(), Some(AbortReason::LeaseLost));
    assert!(lab.kinds().contains(&FailureKind::Lease));
    lab.locks.fail(false);
    task.stop(NOW).await;
}

#[tokio::test]
async fn a_lock_that_cannot_be_asked_for_is_a_failure_not_a_skip() {
    let lab = Lab::new();
    lab.locks.fail(true);
    let log = Log::default();
    let task = lab.background.task("sweep", leased(3000), log.note()).unwrap();
    assert!(matches!(task.trigger().await, Outcome::Failed { attempts: 0, .. }));
    assert_eq!((lab.kinds(), log.len(), task.stats().failures), (vec![FailureKind::Lease], 0, 1));
}

#[tokio::test]
async fn a_lease_without_locks_is_refused() {
    let ambient = Ambient {
        locks: None,
        ..Ambient::current()
    };
    let background = Background::new(ambient, |_| {});
    let error = background
        .task("sweep", leased(3000), Log::default().note())
        .err()
        .expect("refused");
    assert_eq!(error.fields()["field"], "lease");
    let leader = background.leader("chief", LeaderOptions::default(), Log::default().note(), |_| {});
    assert!(leader.is_err());
}

struct Process {
    lab: Lab,
    leader: Leader,
    terms: Log,
    changes: Arc<Mutex<Vec<bool>>>,
}

fn candidate(lab: Lab) -> Process {
    let (terms, changes) = (Log::default(), Arc::new(Mutex::new(Vec::new())));
    let (seen, told) = (terms.clone(), changes.clone());
    let work = move |run: Run| {
        seen.add(&run);
        async move {
            run.signal.wait().await;
            Err(run.signal.error())
        }
    };
    let options = LeaderOptions {
        ttl: ms(3000),
        ..LeaderOptions::default()
    };
    let leader = lab
        .background
        .leader("chief", options, work, move |leads| told.lock().push(leads))
        .unwrap();
    Process {
        lab,
        leader,
        terms,
        changes,
    }
}

#[tokio::test]
async fn one_process_leads_and_another_follows_when_it_stops() {
    let one = candidate(Lab::new());
    one.lab.pass(0).await;
    let two = candidate(one.lab.beside());
    one.lab.pass(10_000).await;
    assert_eq!((one.leader.is_leader(), two.leader.is_leader()), (true, false));
    one.leader.stop(StopOptions::default()).await;
    assert_eq!((one.changes.lock().clone(), one.leader.is_leader()), (vec![true, false], false));
    assert_eq!(
        one.terms.signal(0).aborted(),
        Some(AbortReason::Stopped),
        "without waiting for the grace"
    );
    one.lab.pass(1000).await;
    assert!(two.leader.is_leader());
    assert!(one.lab.kinds().is_empty() && two.lab.kinds().is_empty());
    assert_eq!((one.leader.stats().runs, two.leader.stats().running), (1, 1));
}

#[tokio::test]
async fn a_leader_that_cannot_renew_steps_down_before_another_can_lead() {
    let one = candidate(Lab::new());
    one.lab.pass(0).await;
    assert!(one.leader.is_leader());
    one.lab.locks.fail(true);
    one.lab.pass(2999).await;
    assert!(one.leader.is_leader());
    one.lab.pass(1).await;
    assert!(!one.leader.is_leader());
    assert_eq!(one.terms.signal(0).aborted(), Some(AbortReason::LeaseLost));
    one.lab.locks.fail(false);
    one.lab.pass(1000).await;
    assert!(one.leader.is_leader(), "and is elected again when the store is back");
    assert_eq!(one.changes.lock().clone(), [true, false, true]);
}

#[tokio::test]
async fn a_leader_steps_down_when_its_lock_is_taken_and_tries_at_once_when_asked() {
    let one = candidate(Lab::new());
    one.lab.pass(0).await;
    one.lab.locks.steal("chief");
    one.lab.pass(1000).await;
    assert!(!one.leader.is_leader());
    one.lab.locks.held.lock().clear();
    one.leader.trigger();
    one.lab.pass(0).await;
    assert!(one.leader.is_leader());
}
