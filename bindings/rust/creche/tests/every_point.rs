//! A program that is dropped, or cancelled, at each of its polls leaves nothing behind.
mod common;

use common::Virtual;
use creche::{
    GroupOptions, Policy, Result, TaskOptions, Times, group, offload, shield, sleep, task, timeout,
    with_cleanup, yield_now,
};
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Something of everything.
async fn program(on: &Virtual) -> Result<()> {
    let (doors, ready) = (&on.limiter(1), &on.event());
    let (sender, receiver) = on.channel::<Box<u32>>(1);
    let options = on.group().policy(Policy::Collect).limit(3).timeout(60.secs());
    group(options, async |g| {
        g.spawn(async move |scope| {
            for number in 0..3 {
                let token = doors.acquire().await?;
                sender.send(Box::new(number)).await?;
                sleep(10.millis()).within(scope).await?;
                drop(token);
            }
            Ok(())
        });
        g.spawn(async move |_| {
            with_cleanup(
                async {
                    while receiver.recv().await?.is_some() {}
                    Ok(())
                },
                1.secs(),
                async || sleep(1.millis()).await,
            )
            .await?;
            ready.set()
        });
        let value = g
            .start(async |_, started| {
                let token = doors.acquire().await?;
                yield_now().await?;
                started.started(1)?;
                drop(token);
                shield(1.secs(), ready.wait().into_future()).await
            })
            .await?;
        let doubled = task(TaskOptions::new(), async |_| {
            timeout(1.secs(), offload(TaskOptions::new(), move |_| Ok(2 * value))).await
        });
        assert_eq!(doubled.await?, 2);
        group(GroupOptions::new().policy(Policy::Race).shielded(), async |g| {
            g.spawn(async |_| sleep(1.secs()).await);
            g.spawn(async |_| sleep(2.secs()).await);
            Ok(())
        })
        .await
        .map(drop)
    })
    .await
    .map(drop)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What is done before which poll.
#[derive(Clone, Copy)]
enum Point {
    Never,
    Drop(usize),
    Cancel(usize),
}

/// Polls whenever it is woken: how often, or None if it was dropped.
fn run(on: &Virtual, point: Point) -> Option<usize> {
    let mut future = pin!(task(TaskOptions::new().within(on.0), async |_| program(on).await));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let end = Instant::now() + Duration::from_secs(20);
    let mut polls = 0;
    loop {
        match point {
            Point::Drop(at) if at == polls => return None,
            Point::Cancel(at) if at == polls => on.0.scope().cancel("at this point"),
            _ => (),
        }
        polls += 1;
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            if let Point::Never = point {
                result.unwrap();
            }
            return Some(polls);
        }
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "{}", on.0.dump().unwrap());
        thread::park_timeout(left);
    }
}

fn nothing_is_left(on: &Virtual) {
    common::eventually(|| {
        let left = on.0.counters().unwrap();
        [left.live_tasks, left.live_groups, left.live_scopes, left.live_leases] == [0; 4]
    });
}

#[test]
fn a_program_dropped_or_cancelled_at_each_poll_leaves_nothing() {
    for seed in [0, 7] {
        let on = Virtual::seeded(seed);
        let polls = run(&on, Point::Never).unwrap();
        assert!(polls > 5, "{polls}");
        nothing_is_left(&on);
        for at in 0..polls {
            for point in [Point::Drop(at), Point::Cancel(at)] {
                let on = Virtual::seeded(seed);
                run(&on, point);
                nothing_is_left(&on);
            }
        }
    }
}
