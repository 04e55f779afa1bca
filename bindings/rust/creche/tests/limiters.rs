//! Limiters.
mod common;

use common::{Drops, Virtual, block_on, ended, eventually, poll_once};
use creche::{
    Limiter, LimiterOptions, Loop, LoopOptions, Status, TaskOptions, Times, group, sleep, task,
};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;

fn borrowed(limiter: &Limiter) -> (u32, u32) {
    let state = limiter.state().unwrap();
    (state.borrowed, state.waiting)
}

#[test]
fn tokens_go_to_who_comes_first() {
    let on = Virtual::open();
    let doors = on.limiter(1);
    let token = doors.try_acquire().unwrap();
    let mut first = pin!(doors.acquire().start());
    let mut second = pin!(doors.acquire().start());
    assert_eq!(doors.try_acquire().unwrap_err().status(), Status::LIMIT);
    assert!(poll_once(first.as_mut()).is_pending());
    assert_eq!(borrowed(&doors), (1, 2));
    drop(token);
    // It was handed over: nobody overtakes.
    assert_eq!(borrowed(&doors), (1, 1));
    assert_eq!(doors.try_acquire().unwrap_err().status(), Status::LIMIT);
    let token = block_on(first).unwrap();
    assert!(poll_once(second.as_mut()).is_pending());
    drop(token);
    drop(block_on(second).unwrap());
    assert_eq!(borrowed(&doors), (0, 0));
    assert!(on.0.dump().unwrap().lines().count() == 1);
}

#[test]
fn a_limiter_changes_its_size() {
    let on = Virtual::open();
    let doors = on.limiter(0);
    let waiting: Vec<_> = (0..4).map(|_| doors.acquire().start()).collect();
    assert_eq!(borrowed(&doors), (0, 4));
    doors.set_total(3).unwrap();
    assert_eq!(borrowed(&doors), (3, 1));
    let mut waiting = waiting.into_iter();
    let mut tokens: Vec<_> = waiting.by_ref().take(3).map(|each| block_on(each).unwrap()).collect();
    doors.set_total(1).unwrap();
    let last = waiting.next().unwrap();
    tokens.truncate(1);
    assert_eq!(borrowed(&doors), (1, 1));
    assert_eq!(doors.state().unwrap().total, 1);
    tokens.clear();
    assert_eq!(borrowed(&doors), (1, 0));
    drop(block_on(last).unwrap());
}

#[test]
fn no_token_is_lost_in_a_dropped_future() {
    let on = Virtual::open();
    let doors = on.limiter(1);
    // While it waits: those behind move up.
    let token = doors.try_acquire().unwrap();
    let first = doors.acquire().start();
    let second = doors.acquire().start();
    drop(first);
    drop(token);
    let token = block_on(second).unwrap();
    // When it has it already, and was not polled since.
    let first = doors.acquire().start();
    let second = doors.acquire().start();
    drop(token);
    assert_eq!(borrowed(&doors), (1, 1));
    drop(first);
    drop(block_on(second).unwrap());
    eventually(|| borrowed(&doors) == (0, 0));
    // Cancelled by its scope instead.
    let token = doors.try_acquire().unwrap();
    let first = doors.acquire().start();
    first.scope().cancel("enough");
    assert!(block_on(first).unwrap_err().is_cancelled());
    let late = block_on(async { doors.acquire().timeout(1.secs()).await });
    assert_eq!(late.unwrap_err().status(), Status::TIMEOUT);
    drop(token);
    assert_eq!(borrowed(&doors), (0, 0));
}

#[test]
fn a_limiter_bounds_a_group() {
    let on = Virtual::open();
    let doors = on.limiter(2);
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let outcome = block_on(group(on.group(), async |g| {
        for _ in 0..10 {
            g.spawn(async |_| {
                let _token = doors.acquire().await?;
                most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(1.secs()).await?;
                inside.fetch_sub(1, SeqCst);
                Ok(())
            });
        }
        Ok(())
    }));
    outcome.unwrap();
    assert_eq!((most.into_inner(), on.now()), (2, 5.secs()));
}

#[test]
fn a_token_is_its_tasks_unless_it_moves() {
    let on = Virtual::open();
    let doors = on.limiter(2);
    block_on(group(on.group(), async |outer| {
        let inner = task(TaskOptions::new(), async |_| {
            std::mem::forget(doors.acquire().await?);
            let moves = doors.acquire().await?;
            moves.move_to(outer.scope())?;
            std::mem::forget(moves);
            Ok(())
        });
        inner.await?;
        assert_eq!(borrowed(&doors), (1, 0));
        outer.cancel("over");
        Ok(())
    }))
    .unwrap();
    assert_eq!(borrowed(&doors), (0, 0));
}

#[test]
fn misuse_of_a_limiter_is_an_error() {
    let on = Virtual::open();
    let doors = on.limiter(3);
    let token = block_on(async { doors.acquire().borrower(7).await }).unwrap();
    let twice = doors.acquire().borrower(7).try_now();
    assert_eq!(twice.unwrap_err().status(), Status::STATE);
    let twice = block_on(async { doors.acquire().borrower(7).await });
    assert_eq!(twice.unwrap_err().status(), Status::STATE);
    drop(token);
    drop(doors.acquire().borrower(7).try_now().unwrap());
    let elsewhere = Loop::current().unwrap();
    let wrong = doors.acquire().within(elsewhere).try_now().unwrap_err();
    assert_eq!(wrong.status(), Status::WRONG_LOOP);
    let named = Limiter::on(on.0, LimiterOptions::new().name("a\0b")).unwrap_err();
    assert_eq!(named.status(), Status::INVALID);

    doors.set_total(0).unwrap();
    let waits = doors.acquire().start();
    drop(doors);
    assert_eq!(block_on(waits).unwrap_err().status(), Status::CLOSED);

    let stale = ended(|on| Limiter::on(on, LimiterOptions::new()).unwrap());
    assert_eq!(stale.try_acquire().unwrap_err().status(), Status::ENDED);
    assert_eq!(stale.state().unwrap_err().status(), Status::ENDED);
    assert_eq!(stale.set_total(1).unwrap_err().status(), Status::ENDED);
    let error = block_on(async { stale.acquire().await }).unwrap_err();
    assert_eq!(error.status(), Status::ENDED);
}

#[test]
fn offloaded_functions_have_a_limiter_of_their_own() {
    let on = Loop::open(LoopOptions::new().offload_limit(1)).unwrap();
    let doors = Limiter::on(on, LimiterOptions::new().total(2)).unwrap();
    let (say, said) = mpsc::channel();
    let mut go = Vec::new();
    let mut jobs = Vec::new();
    for i in 0..3 {
        let (let_go, wait) = mpsc::channel::<()>();
        let say = say.clone();
        go.push(let_go);
        jobs.push(doors.offload(TaskOptions::new(), move |_| {
            say.send(i).unwrap();
            wait.recv().unwrap();
            Ok(i * i)
        }));
    }
    // In place of the loop's limit of one.
    let mut begun = [said.recv().unwrap(), said.recv().unwrap()];
    begun.sort_unstable();
    assert_eq!((begun, borrowed(&doors)), ([0, 1], (2, 1)));
    assert!(said.try_recv().is_err());
    go[0].send(()).unwrap();
    assert_eq!(said.recv().unwrap(), 2);
    go[1].send(()).unwrap();
    go[2].send(()).unwrap();
    for (i, job) in jobs.into_iter().enumerate() {
        assert_eq!(block_on(job).unwrap(), i * i);
    }
    eventually(|| borrowed(&doors) == (0, 0));

    let drops = Drops::default();
    let inside = drops.on_drop();
    let refused = doors.offload(TaskOptions::new().name("a\0b"), move |_| {
        drop(inside);
        Ok(())
    });
    assert_eq!(block_on(refused).unwrap_err().status(), Status::INVALID);
    assert_eq!(drops.count(), 1);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn tokens_survive_threads_and_drops() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    let doors = Limiter::on(on, LimiterOptions::new().total(2)).unwrap();
    let inside = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let (doors, inside) = (&doors, &inside);
            threads.spawn(move || {
                for i in 0..300 {
                    let mut wait = doors.acquire().start();
                    match (i + thread) % 4 {
                        0 => drop(wait),
                        1 => drop(poll_once(pin!(&mut wait))),
                        _ => {
                            let token = block_on(wait).unwrap();
                            assert!(inside.fetch_add(1, SeqCst) < 2);
                            inside.fetch_sub(1, SeqCst);
                            drop(token);
                        }
                    }
                }
            });
        }
    });
    eventually(|| borrowed(&doors) == (0, 0));
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}
