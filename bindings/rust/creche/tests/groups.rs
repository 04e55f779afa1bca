//! Groups whose bodies are futures.
mod common;

use common::{Drops, Threads, block_on, eventually, poll_once};
use creche::{Error, GroupOptions, Loop, LoopOptions, Policy, Scope, Status, Times, group, sleep};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

fn options() -> GroupOptions {
    GroupOptions::new()
}

#[test]
fn a_group_ends_after_its_children_and_they_borrow() {
    let ended = AtomicUsize::new(0);
    let outcome = block_on(group(options(), async |g| {
        for i in 0..100 {
            let ended = &ended;
            g.spawn(async move |scope| {
                sleep((i % 5).millis()).within(scope).await?;
                ended.fetch_add(1, SeqCst);
                Ok(())
            });
        }
        Ok("body")
    }));
    assert_eq!(ended.load(SeqCst), 100);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.value, Some("body"));
    assert!(!outcome.caught);
}

#[test]
fn children_spawn_children_and_give_results() {
    let total = block_on(group(options(), async |g| {
        let inner = g.clone();
        let sum = g.spawn(async move |_| {
            let parts: Vec<_> =
                (1..=10u64).map(|i| inner.spawn(async move |_| Ok(i * i))).collect();
            let mut sum = 0;
            for part in parts {
                sum += part.await?;
            }
            Ok(sum)
        });
        sum.await
    }));
    assert_eq!(total.unwrap().into_value().unwrap(), 385);
}

#[test]
fn the_first_failure_cancels_the_siblings_and_is_kept() {
    let drops = Drops::default();
    let start = Instant::now();
    let error = block_on(group(options(), async |g| {
        for _ in 0..10 {
            let inside = drops.on_drop();
            g.spawn(async move |scope| {
                let _inside = inside;
                sleep(3600.secs()).within(scope).await
            });
        }
        g.spawn(async |_| {
            sleep(5.millis()).await?;
            Err::<(), _>(Error::new(std::io::Error::other("broken")))
        });
        sleep(3600.secs()).await
    }))
    .unwrap_err();
    assert!(start.elapsed() < 20.secs());
    assert_eq!(error.status(), Status::GROUP);
    assert_eq!(drops.count(), 10);
    let children = error.children();
    assert_eq!(children.len(), 1, "{error:?}");
    assert_eq!(children[0].downcast_ref::<std::io::Error>().unwrap().to_string(), "broken");
    assert_eq!(error.leaves().len(), 1);
    assert_eq!(children[0].status(), Status::USER);
}

#[test]
fn the_body_fails_like_a_child() {
    let error = block_on(group(options(), async |g| {
        g.spawn(async |scope| sleep(3600.secs()).within(scope).await);
        Err::<(), _>(Error::from("the body"))
    }))
    .unwrap_err();
    assert_eq!(error.status(), Status::GROUP);
    assert_eq!(error.children()[0].to_string(), "the body");
}

#[test]
fn errors_are_results_of_a_collecting_group() {
    let outcome = block_on(group(options().policy(Policy::Collect), async |g| {
        let children: Vec<_> = (0..10)
            .map(|i| {
                g.spawn(
                    async move |_| {
                        if i % 2 == 0 { Ok(i) } else { Err(Error::from(format!("{i}"))) }
                    },
                )
            })
            .collect();
        let mut results = Vec::new();
        for child in children {
            results.push(child.await.map_err(|error| error.to_string()));
        }
        Ok(results)
    }));
    let results = outcome.unwrap().into_value().unwrap();
    assert_eq!(results[4], Ok(4));
    assert_eq!(results[5], Err("5".to_owned()));
}

#[test]
fn the_first_success_wins_a_race() {
    let winner = Mutex::new(None);
    let outcome = block_on(group(options().policy(Policy::Race), async |g| {
        for i in [3600u64, 7200, 0] {
            let winner = &winner;
            g.spawn(async move |scope| {
                sleep(i.secs()).within(scope).await?;
                *winner.lock().unwrap() = Some(i);
                Ok(())
            });
        }
        Ok(())
    }));
    outcome.unwrap();
    assert_eq!(*winner.lock().unwrap(), Some(0));
}

#[test]
fn a_limit_holds_children_back() {
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    block_on(group(options().limit(3), async |g| {
        for _ in 0..30 {
            let (now, most) = (&now, &most);
            g.spawn(async move |scope| {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(1.millis()).within(scope).await?;
                now.fetch_sub(1, SeqCst);
                Ok(())
            });
        }
        Ok(())
    }))
    .unwrap();
    assert_eq!(most.load(SeqCst), 3);
}

#[test]
fn a_deadline_is_a_failure_or_moves_on() {
    let drops = Drops::default();
    let mut results = Vec::new();
    for options in [options(), options().move_on()] {
        results.push(block_on(group(options.timeout(10.millis()), async |g| {
            let inside = drops.on_drop();
            g.spawn(async move |_| {
                let _inside = inside;
                // Not an operation of the library: it is dropped all the same.
                std::future::pending::<creche::Result<()>>().await
            });
            Ok(1)
        })));
    }
    assert_eq!(drops.count(), 2);
    assert_eq!(results[0].as_ref().unwrap_err().status(), Status::TIMEOUT);
    assert!(results[1].as_ref().unwrap().caught);
}

#[test]
fn a_cancelled_group_catches() {
    let outcome = block_on(group(options(), async |g| {
        g.spawn(async |_| sleep(3600.secs()).await);
        g.cancel("enough");
        sleep(3600.secs()).await?;
        Ok(1)
    }))
    .unwrap();
    assert_eq!(outcome.value, None);
    assert!(outcome.caught);
}

#[test]
fn dropping_a_group_cancels_all_of_it() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    let drops = Drops::default();
    {
        let mut future = pin!(group(options().within(on), async |g| {
            for _ in 0..5 {
                let inside = drops.on_drop();
                let group = g.clone();
                g.spawn(async move |scope| {
                    let _inside = (inside, group);
                    sleep(3600.secs()).within(scope).await
                });
            }
            sleep(3600.secs()).await
        }));
        for _ in 0..50 {
            assert!(poll_once(future.as_mut()).is_pending());
            std::thread::sleep(1.millis());
        }
        assert!(on.counters().unwrap().live_tasks >= 11);
    }
    assert_eq!(drops.count(), 5);
    eventually(|| {
        let counters = on.counters().unwrap();
        counters.live_tasks == 0 && counters.live_groups == 0
    });
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn a_group_that_is_never_polled_is_nothing() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    drop(group(options().within(on), async |_| Ok(())));
    // Polled once: its body may not even have begun.
    let _ = poll_once(pin!(group(options().within(on), async |_| Ok(()))));
    eventually(|| on.counters().unwrap().live_groups == 0);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn panics_go_on_after_the_end_of_the_group() {
    let drops = Drops::default();
    for policy in [Policy::FailFast, Policy::Collect] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            block_on(group(options().policy(policy), async |g| {
                let inside = drops.on_drop();
                g.spawn(async move |_| {
                    let _inside = inside;
                    sleep(3600.secs()).await
                });
                g.spawn(async |_| {
                    sleep(1.millis()).await?;
                    if drops.count() < 9 {
                        panic!("in a child (expected)");
                    }
                    Ok(())
                });
                Ok(())
            }))
        }))
        .unwrap_err();
        assert_eq!(*panicked.downcast_ref::<&str>().unwrap(), "in a child (expected)");
    }
    assert_eq!(drops.count(), 2);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        block_on(group(options(), async |g| {
            g.spawn(async |_| sleep(3600.secs()).await);
            if drops.count() < 9 {
                panic!("in the body (expected)");
            }
            Ok(())
        }))
    }));
    assert!(panicked.is_err());
}

#[test]
fn operations_belong_to_the_running_task() {
    let on = Loop::open(LoopOptions::new()).unwrap();
    block_on(group(options().within(on), async |g| {
        let body = Scope::current().unwrap();
        g.spawn(async move |scope| {
            assert_eq!(Scope::current(), Some(scope));
            assert_ne!(scope, body);
            let sleep = sleep(3600.secs()).start();
            scope.cancel("only me");
            assert!(sleep.await.unwrap_err().is_cancelled());
            Ok(())
        });
        // Nested: in the task that runs.
        group(options(), async |_| Ok(())).await.map(drop)
    }))
    .unwrap();
    assert_eq!(Scope::current(), None);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn groups_nest_and_errors_make_a_tree() {
    let error = block_on(group(options().policy(Policy::FailFast), async |g| {
        g.spawn(async |_| {
            group(options(), async |inner| {
                inner.spawn(async |_| Err::<(), _>(Error::from("deep")));
                Ok(())
            })
            .await
            .map(drop)
        });
        Ok(())
    }))
    .unwrap_err();
    assert_eq!(error.children()[0].status(), Status::GROUP);
    assert_eq!(error.leaves()[0].to_string(), "deep");
    assert!(format!("{error:?}").contains("deep"));
}

#[test]
fn a_group_is_polled_by_an_executor_of_threads() {
    let threads = Threads::start(3);
    let answers: Vec<_> = (0..20)
        .map(|_| {
            threads.spawn(async {
                let sum = AtomicUsize::new(0);
                let sum = &sum;
                group(GroupOptions::new().limit(4), async |g| {
                    for i in 0..20 {
                        g.spawn(async move |_| {
                            sleep(1.millis()).await?;
                            sum.fetch_add(i, SeqCst);
                            Ok(())
                        });
                    }
                    Ok(())
                })
                .await?;
                Ok::<_, Error>(sum.load(SeqCst))
            })
        })
        .collect();
    for answer in answers {
        assert_eq!(answer.recv().unwrap().unwrap(), 190);
    }
}
