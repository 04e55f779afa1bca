//! Rate limiters and events.
mod common;

use common::{Threads, Virtual, block_on, ended};
use creche::{
    Event, EventOptions, Limiter, LimiterOptions, Rate, RateOptions, Status, Times, group, sleep,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

// ---- Rate limiters ----

#[test]
fn permits_come_at_exact_times() {
    let on = Virtual::open();
    let rate = on.rate(RateOptions::new(10, 1.secs()).burst(3).name("polite"));
    let times = Mutex::new(Vec::new());
    block_on(group(on.group(), async |g| {
        for i in 0..8 {
            let (rate, times, on) = (&rate, &times, &on);
            g.spawn(async move |_| {
                rate.acquire(1).await?;
                times.lock().unwrap().push((i, on.now()));
                Ok(())
            });
        }
        Ok(())
    }))
    .unwrap();
    let mut times = times.into_inner().unwrap();
    times.sort_unstable();
    let expected: Vec<_> = (0..8).map(|i: u64| (i, (100 * i.saturating_sub(2)).millis())).collect();
    assert_eq!(times, expected);
    // It fills up again, and no further.
    block_on(async { sleep(1.secs()).within(on.0).await }).unwrap();
    let state = rate.state().unwrap();
    assert_eq!((state.available, state.waiting, state.paused_until), (3, 0, None));
    rate.try_acquire(3).unwrap();
    assert_eq!(rate.try_acquire(1).unwrap_err().status(), Status::LIMIT);
    assert_eq!(rate.state().unwrap().next, Some(on.now() + 100.millis()));
}

#[test]
fn who_wants_many_permits_is_not_overtaken_and_may_leave() {
    let on = Virtual::open();
    let rate = on.rate(RateOptions::new(1, 1.secs()).burst(5));
    rate.try_acquire(5).unwrap();
    let hold = on.0.hold();
    let many = rate.acquire(4).start();
    let one = rate.acquire(1).start();
    assert_eq!(rate.state().unwrap().waiting, 2);
    assert_eq!(rate.try_acquire(1).unwrap_err().status(), Status::LIMIT);
    drop(hold);
    block_on(one).unwrap();
    assert_eq!(on.now(), 5.secs());
    block_on(many).unwrap();
    assert_eq!(on.now(), 5.secs());

    let hold = on.0.hold();
    let many = rate.acquire(4).start();
    let one = rate.acquire(1).start();
    drop(many);
    drop(hold);
    block_on(one).unwrap();
    assert_eq!(on.now(), 6.secs());
    let late = block_on(async { rate.acquire(3).timeout(1.secs()).await }).unwrap_err();
    assert_eq!(late.status(), Status::TIMEOUT);
    // It took none.
    assert_eq!(rate.state().unwrap().available, 1);
}

#[test]
fn a_rate_limiter_pauses() {
    let on = Virtual::open();
    let rate = on.rate(RateOptions::new(2, 1.secs()));
    rate.pause(30.secs()).unwrap();
    rate.pause(10.secs()).unwrap();
    assert_eq!(rate.state().unwrap().paused_until, Some(30.secs()));
    assert_eq!(rate.try_acquire(1).unwrap_err().status(), Status::LIMIT);
    block_on(async { rate.acquire(1).await }).unwrap();
    assert_eq!(on.now(), 30.secs());
    rate.pause_until(60.secs()).unwrap();
    block_on(async { rate.acquire(2).await }).unwrap();
    assert_eq!(on.now(), 60.secs());

    rate.pause(Duration::MAX).unwrap();
    let waits = rate.acquire(1).start();
    let state = rate.state().unwrap();
    assert_eq!((state.next, state.paused_until), (None, Some(Duration::MAX)));
    block_on(async { sleep(3600.secs()).within(on.0).await }).unwrap();
    rate.resume().unwrap();
    block_on(waits).unwrap();
    assert_eq!(on.now(), 3660.secs());
    assert_eq!(rate.state().unwrap().paused_until, None);
}

#[test]
fn misuse_of_a_rate_limiter_is_an_error() {
    let on = Virtual::open();
    let rate = on.rate(RateOptions::new(1, 1.secs()).burst(2));
    for permits in [0, 3] {
        assert_eq!(rate.try_acquire(permits).unwrap_err().status(), Status::INVALID);
        let error = block_on(async { rate.acquire(permits).await }).unwrap_err();
        assert_eq!(error.status(), Status::INVALID);
    }
    let nothing = Rate::on(on.0, RateOptions::new(0, 1.secs())).unwrap_err();
    assert_eq!(nothing.status(), Status::INVALID);
    let never = Rate::on(on.0, RateOptions::new(1, 0.secs())).unwrap_err();
    assert_eq!(never.status(), Status::INVALID);

    rate.pause(Duration::MAX).unwrap();
    let waits = rate.acquire(1).start();
    drop(rate);
    assert_eq!(block_on(waits).unwrap_err().status(), Status::CLOSED);

    let stale = ended(|on| Rate::on(on, RateOptions::new(1, 1.secs())).unwrap());
    for result in [stale.try_acquire(1), stale.pause(1.secs()), stale.resume()] {
        assert_eq!(result.unwrap_err().status(), Status::ENDED);
    }
    assert_eq!(stale.state().unwrap_err().status(), Status::ENDED);
    let error = block_on(async { stale.acquire(1).await }).unwrap_err();
    assert_eq!(error.status(), Status::ENDED);
}

// ---- Events ----

#[test]
fn an_event_wakes_all_who_wait() {
    let on = Virtual::open();
    let ready = on.event();
    let woken = Mutex::new(Vec::new());
    block_on(group(on.group(), async |g| {
        for _ in 0..100 {
            g.spawn(async |_| {
                ready.wait().await?;
                woken.lock().unwrap().push(on.now());
                Ok(())
            });
        }
        sleep(60.secs()).await?;
        assert!(!ready.is_set()?);
        ready.set()?;
        ready.set()?;
        assert!(ready.is_set()?);
        Ok(())
    }))
    .unwrap();
    assert_eq!(woken.into_inner().unwrap(), vec![60.secs(); 100]);
    block_on(async { ready.wait().await }).unwrap();
}

#[test]
fn a_wait_that_stands_as_ended_is_not_cancelled() {
    let on = Virtual::open();
    let ready = on.event();
    let stays = ready.wait().start();
    let goes = ready.wait().start();
    goes.scope().cancel("enough");
    ready.set().unwrap();
    stays.scope().cancel("too late");
    block_on(stays).unwrap();
    assert!(block_on(goes).unwrap_err().is_cancelled());
    let late = on.event();
    let error = block_on(async { late.wait().timeout(1.secs()).await }).unwrap_err();
    assert_eq!(error.status(), Status::TIMEOUT);
}

#[test]
fn misuse_of_an_event_is_an_error() {
    let on = Virtual::open();
    let ready = on.event();
    let waits = ready.wait().start();
    drop(ready);
    assert_eq!(block_on(waits).unwrap_err().status(), Status::CLOSED);
    let stale = ended(|on| Event::on(on, EventOptions::new()).unwrap());
    assert_eq!(stale.set().unwrap_err().status(), Status::ENDED);
    assert_eq!(stale.is_set().unwrap_err().status(), Status::ENDED);
    let error = block_on(async { stale.wait().await }).unwrap_err();
    assert_eq!(error.status(), Status::ENDED);
}

#[test]
fn waits_move_between_threads() {
    let threads = Threads::start(3);
    let doors = std::sync::Arc::new(Limiter::new(LimiterOptions::new()).unwrap());
    let ready = std::sync::Arc::new(Event::new().unwrap());
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    let waits: Vec<_> = (0..50)
        .map(|_| {
            let (doors, ready, count) = (doors.clone(), ready.clone(), count.clone());
            threads.spawn(async move {
                ready.wait().await.unwrap();
                let _token = doors.acquire().await.unwrap();
                let seen = count.load(SeqCst);
                std::thread::yield_now();
                count.store(seen + 1, SeqCst);
            })
        })
        .collect();
    ready.set().unwrap();
    for wait in waits {
        wait.recv_timeout(60.secs()).unwrap();
    }
    assert_eq!(count.load(SeqCst), 50);
}
