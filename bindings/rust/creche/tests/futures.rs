//! Operations as futures: without a runtime, dropped, on many threads; what is Send and Sync.
mod common;

use common::{Drops, Threads, block_on, eventually, poll_once};
use creche::{Loop, LoopOptions, Scope, ScopeOptions, Status, TaskOptions, Times, sleep};
use std::pin::pin;
use std::time::{Duration, Instant};

#[test]
fn a_sleep_ends_and_never_early() {
    let start = Instant::now();
    block_on(async { sleep(20.millis()).await }).unwrap();
    assert!(start.elapsed() >= 20.millis());
}

#[test]
fn a_loop_that_polls_busily_is_like_any_other() {
    let on = Loop::open(LoopOptions::new().busy_poll(Duration::from_micros(50))).unwrap();
    for i in 0..10 {
        block_on(async { sleep(Duration::from_micros(i * 20)).within(on).await }).unwrap();
    }
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn started_operations_run_at_once_and_together() {
    let start = Instant::now();
    let sleeps: Vec<_> = (0..50).map(|_| sleep(50.millis()).start()).collect();
    block_on(async {
        for sleep in sleeps {
            sleep.await.unwrap();
        }
    });
    assert!(start.elapsed() < 1500.millis());
}

#[test]
fn dropping_a_future_cancels_its_operation() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    let sleep = sleep(3600.secs()).within(on).start();
    let scope = sleep.scope();
    assert!(!scope.is_cancelled());
    assert_eq!(on.counters().unwrap().live_tasks, 1);
    drop(sleep);
    eventually(|| on.counters().unwrap().live_tasks == 0);
    assert_eq!(on.counters().unwrap().cancelled, 1);
    assert_eq!(scope.state().unwrap_err().status(), Status::ENDED);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn a_detached_operation_runs_on() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    sleep(10.millis()).within(on).start().detach();
    eventually(|| on.counters().unwrap().live_tasks == 0);
    assert_eq!(on.counters().unwrap().cancelled, 0);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn a_cancelled_operation_says_why() {
    let error = block_on(async {
        let sleep = sleep(3600.secs()).start();
        sleep.scope().cancel("enough");
        sleep.await
    })
    .unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(error.reason(), creche::Reason::EXPLICIT);
    assert_eq!(error.reason_text().as_deref(), Some("enough"));
    assert!(!error.is_retryable());
    assert!(error.to_string().len() > 10, "{error}");
}

#[test]
fn an_operation_has_a_timeout_of_its_own() {
    let error = block_on(async { sleep(3600.secs()).timeout(5.millis()).await }).unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(error.reason(), creche::Reason::DEADLINE);
}

#[test]
fn misuse_is_an_error_of_the_future() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    let scope = on.scope();
    on.close().unwrap();
    on.join(10.secs()).unwrap();
    let error = block_on(async { sleep(1.millis()).within(scope).await }).unwrap_err();
    assert_eq!(error.status(), Status::ENDED);
    let error = block_on(async { sleep(1.millis()).name("a\0b").await }).unwrap_err();
    assert_eq!(error.status(), Status::INVALID);
    assert_eq!(on.join(0.secs()).unwrap_err().status(), Status::ENDED);
    assert_eq!(format!("{}", Status::ENDED), "CRECHE_E_ENDED");
    assert_eq!(format!("{:?}", Status(-4242)), "status -4242");
}

#[test]
fn a_bare_scope_bounds_a_section() {
    let on = Loop::current().unwrap();
    block_on(async {
        let mut section =
            on.scope().open(ScopeOptions::new().timeout(10.millis()).move_on()).unwrap();
        let busy = sleep(3600.secs()).within(&section).start();
        assert_eq!(section.leave().unwrap_err().status(), Status::BUSY);
        assert!(section.state().unwrap().remaining.unwrap() <= 10.millis());
        assert!(busy.await.unwrap_err().is_cancelled());
        // The operation's last callback has returned before its scope is empty.
        let left = loop {
            match section.leave() {
                Err(error) if error.status() == Status::BUSY => std::thread::yield_now(),
                left => break left.unwrap(),
            }
        };
        assert_eq!(left.status, Status::OK);
        assert!(left.caught);
        assert_eq!(left.reason, creche::Reason::DEADLINE);
    });
}

#[test]
fn shields_and_deadlines_change_while_a_scope_runs() {
    let on = Loop::current().unwrap();
    let outer = on.scope().open(ScopeOptions::new()).unwrap();
    let inner = outer.open(ScopeOptions::new().shield()).unwrap();
    outer.cancel("outside");
    assert!(outer.is_cancelled());
    assert!(!inner.is_cancelled());
    inner.set_timeout(3600.secs()).unwrap();
    assert!(inner.state().unwrap().remaining.is_some());
    inner.clear_timeout().unwrap();
    assert!(inner.state().unwrap().remaining.is_none());
    inner.set_shield(false).unwrap();
    assert!(inner.is_cancelled());
}

#[test]
fn a_future_moves_between_threads() {
    let threads = Threads::start(3);
    let answers: Vec<_> = (0..100)
        .map(|i| {
            threads.spawn(async move {
                sleep((i % 7).millis()).await?;
                sleep(1.millis()).await?;
                Ok::<u64, creche::Error>(i)
            })
        })
        .collect();
    for (i, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.recv().unwrap().unwrap(), i as u64);
    }
}

#[test]
fn many_threads_start_and_drop() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    std::thread::scope(|threads| {
        for thread in 0..8 {
            threads.spawn(move || {
                for i in 0..300 {
                    let sleep = sleep(3600.secs()).within(on).start();
                    let mut sleep = pin!(sleep);
                    if (i + thread) % 3 == 0 {
                        assert!(poll_once(sleep.as_mut()).is_pending());
                    }
                    if i % 5 == 0 {
                        sleep.scope().cancel("by hand");
                        assert!(block_on(sleep).unwrap_err().is_cancelled());
                    }
                }
            });
        }
    });
    eventually(|| on.counters().unwrap().live_tasks == 0);
    assert_eq!(on.counters().unwrap().cancelled, 8 * 300);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn offloaded_functions_run_elsewhere() {
    let here = std::thread::current().id();
    let there = block_on(creche::offload(TaskOptions::new(), |_| Ok(std::thread::current().id())));
    assert_ne!(there.unwrap(), here);
    let failed: creche::Result<()> = block_on(creche::offload(TaskOptions::new(), |_| {
        Err(creche::Error::new(std::io::Error::other("no luck")))
    }));
    let error = failed.unwrap_err();
    assert_eq!(error.downcast_ref::<std::io::Error>().unwrap().to_string(), "no luck");
    let error =
        block_on(creche::offload::<(), _>(TaskOptions::new(), |_| panic!("oh"))).unwrap_err();
    assert_eq!(error.to_string(), "panicked: oh");
}

#[test]
fn an_offloaded_function_is_freed_once_and_hears_of_cancellation() {
    let drops = Drops::default();
    let inside = drops.on_drop();
    let job = creche::offload(TaskOptions::new(), move |me| {
        let _inside = inside;
        while !me.is_cancelled() {
            std::thread::sleep(1.millis());
        }
        Ok(())
    });
    std::thread::sleep(5.millis());
    drop(job);
    eventually(|| drops.count() == 1);
    std::thread::sleep(5.millis());
    assert_eq!(drops.count(), 1);
}

#[test]
fn blocking_on_the_loop_is_refused() {
    // A waker runs on the loop's thread.
    struct Join(Loop, std::sync::Mutex<Option<Status>>);
    impl std::task::Wake for Join {
        fn wake(self: std::sync::Arc<Self>) {
            let status = self.0.join(0.secs()).unwrap_err().status();
            *self.1.lock().unwrap() = Some(status);
        }
    }
    let on = Loop::current().unwrap();
    let join = std::sync::Arc::new(Join(on, std::sync::Mutex::new(None)));
    let waker = std::task::Waker::from(join.clone());
    let mut sleep = pin!(sleep(5.millis()).start());
    let mut context = std::task::Context::from_waker(&waker);
    assert!(std::future::Future::poll(sleep.as_mut(), &mut context).is_pending());
    eventually(|| *join.1.lock().unwrap() == Some(Status::WOULD_DEADLOCK));
}

#[test]
fn a_panic_in_a_waker_does_not_reach_the_loop() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("in a waker (expected)");
        }
    }
    let waker = std::task::Waker::from(std::sync::Arc::new(Panics));
    let mut first = pin!(sleep(5.millis()).start());
    let mut context = std::task::Context::from_waker(&waker);
    assert!(std::future::Future::poll(first.as_mut(), &mut context).is_pending());
    block_on(async { sleep(20.millis()).await }).unwrap();
    block_on(first).unwrap();
}

#[test]
fn what_may_cross_threads_does() {
    fn both<T: Send + Sync>() {}
    fn sends<T: Send>(value: T) -> T {
        value
    }
    both::<creche::Error>();
    both::<creche::Scope>();
    both::<creche::OpenScope>();
    both::<creche::Loop>();
    both::<creche::Pending<()>>();
    both::<creche::Group<'static>>();
    both::<creche::Child<String>>();
    drop(sends(creche::group(creche::GroupOptions::new(), async |_| Ok(()))));
    drop(sends(creche::task(TaskOptions::new(), async |_| Ok(()))));
    drop(sends(creche::shield(1.secs(), async { Ok(()) })));
    assert_eq!(Scope::current(), None);
}
