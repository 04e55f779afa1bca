//! Virtual clocks, starts, and what changes at run time.
mod common;

use common::{Drops, Threads, Virtual, block_on};
use creche::{
    DumpFormat, Error, GroupOptions, Loop, Policy, Reason, Scope, Status, TaskOptions, Times,
    group, sleep, task, yield_now,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

fn minutes(count: u64) -> Duration {
    (60 * count).secs()
}

/// An hour of timeouts and sleeps: what happened, and when.
fn hour(seed: u64) -> Vec<String> {
    let on = Virtual::seeded(seed);
    let log = Mutex::new(Vec::new());
    let note = |what: &str| log.lock().unwrap().push(format!("{:?} {what}", on.now()));
    let outcome = block_on(group(on.group().timeout(minutes(120)), async |g| {
        let note = &note;
        for i in (1..=10).rev() {
            g.spawn(async move |_| {
                sleep(minutes(5 * i)).await?;
                note(&format!("slept {i}"));
                Ok(())
            });
        }
        g.spawn(async move |_| {
            let late =
                task(TaskOptions::new().timeout(minutes(12)), async |_| sleep(minutes(60)).await);
            note(&format!("{}", late.await.unwrap_err().status()));
            yield_now().await
        });
        g.spawn(async move |_| {
            let inner = group(GroupOptions::new().timeout(minutes(33)).move_on(), async |g| {
                g.spawn(async |_| sleep(minutes(60)).await);
                sleep(minutes(1)).await?;
                note("inner body");
                Ok(())
            });
            note(&format!("inner {}", inner.await?.caught));
            Ok(())
        });
        sleep(minutes(60)).await?;
        note("body");
        Ok(())
    }));
    outcome.unwrap();
    note("end");
    log.into_inner().unwrap()
}

#[test]
fn an_hour_passes_in_no_time_and_always_the_same() {
    let start = Instant::now();
    let first = hour(0);
    let mut expected: Vec<_> = (1..=10).map(|i| format!("{}s slept {i}", 300 * i)).collect();
    expected.insert(0, "60s inner body".to_owned());
    expected.insert(3, "720s CRECHE_E_TIMEOUT".to_owned());
    expected.insert(8, "1980s inner true".to_owned());
    expected.extend(["3600s body".to_owned(), "3600s end".to_owned()]);
    assert_eq!(first, expected);
    for seed in 1..100 {
        assert_eq!(hour(seed), first);
    }
    assert!(start.elapsed() < minutes(50));
}

#[test]
fn the_clock_stands_still_while_a_future_can_run() {
    let on = Virtual::seeded(3);
    let threads = Threads::start(2);
    let root = on.0;
    let done = threads.spawn(async move {
        group(GroupOptions::new().within(root), async |g| {
            for i in 1..=20 {
                g.spawn(async move |_| {
                    for turn in 1..=20 {
                        sleep(i.secs()).await?;
                        if i == 1 && turn < 4 {
                            std::thread::sleep(2.millis());
                        }
                        assert_eq!(root.now()?, (i * turn).secs());
                    }
                    Ok(())
                });
            }
            Ok(())
        })
        .await
    });
    done.recv_timeout(60.secs()).unwrap().unwrap();
    assert_eq!(on.now(), 400.secs());
}

#[test]
fn hold_and_advance() {
    let on = Virtual::open();
    let hold = on.0.hold();
    assert!(hold.is_some());
    let asleep = sleep(minutes(60)).within(on.0).start();
    std::thread::sleep(20.millis());
    assert_eq!(on.now(), Duration::ZERO);
    on.0.advance(minutes(59)).unwrap();
    assert_eq!(on.now(), minutes(59));
    drop(hold);
    block_on(asleep).unwrap();
    assert_eq!(on.now(), minutes(60));
    let real = Loop::current().unwrap();
    assert!(real.hold().is_none());
    assert_eq!(real.advance(1.secs()).unwrap_err().status(), Status::STATE);
}

#[test]
fn a_woken_future_that_is_dropped_lets_the_clock_go() {
    let on = Virtual::open();
    for _ in 0..20 {
        let mut future = Box::pin(group(on.group(), async |g| {
            g.spawn(async |_| sleep(1.secs()).await);
            sleep(1.secs()).await
        }));
        let _ = common::poll_once(future.as_mut());
        std::thread::sleep(1.millis());
    }
    block_on(sleep(minutes(60)).within(on.0).start()).unwrap();
}

#[test]
fn start_waits_until_the_child_is_ready() {
    let on = Virtual::open();
    let served = AtomicBool::new(false);
    let outcome = block_on(group(on.group(), async |g| {
        let served = &served;
        let port = g
            .start(async move |_, ready| {
                sleep(minutes(1)).await?;
                ready.started(8080)?;
                sleep(minutes(60)).await?;
                served.store(true, SeqCst);
                Ok(())
            })
            .await?;
        assert_eq!((port, on.now()), (8080, minutes(1)));
        assert!(!served.load(SeqCst));
        Ok(())
    }));
    outcome.unwrap();
    assert!(served.load(SeqCst));
    assert_eq!(on.now(), minutes(61));
}

#[test]
fn a_failure_before_it_has_started_is_the_starts() {
    let on = Virtual::open();
    let drops = Drops::default();
    let outcome = block_on(group(on.group(), async |g| {
        let drops = &drops;
        let error = g.start::<u8, _, _>(async |_, _| Err("no port".into())).await.unwrap_err();
        assert_eq!(error.message(), "no port");
        let error = g.start::<u8, _, _>(async |_, _| Ok(())).await.unwrap_err();
        assert_eq!(error.status(), Status::NOT_STARTED);
        let late =
            g.start_with::<u8, _, _>(TaskOptions::new().timeout(1.secs()), async |_, ready| {
                sleep(minutes(1)).await?;
                ready.started(1)
            });
        assert_eq!(late.await.unwrap_err().status(), Status::TIMEOUT);
        // The starter is cancelled: the child is, too.
        let cut = task(TaskOptions::new().timeout(1.secs()), async |_| {
            g.start::<u8, _, _>(async move |_, _| {
                let _guard = drops.on_drop();
                sleep(minutes(1)).await
            })
            .await
        });
        assert_eq!(cut.await.unwrap_err().status(), Status::TIMEOUT);
        assert_eq!(drops.count(), 1);
        assert!(!g.scope().is_cancelled());
        sleep(1.secs()).await
    }));
    assert!(!outcome.unwrap().caught);

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        block_on(group(on.group(), async |g| {
            g.start::<u8, _, _>(async |_, _| panic!("burst")).await?;
            Ok(())
        }))
    }));
    assert_eq!(*panicked.unwrap_err().downcast_ref::<&str>().unwrap(), "burst");
}

#[test]
fn a_failure_after_it_has_started_is_the_groups() {
    let on = Virtual::open();
    let outcome = block_on(group(on.group(), async |g| {
        g.start(async |_, ready| {
            ready.started(())?;
            sleep(1.secs()).await?;
            Err::<(), _>(Error::from("lost"))
        })
        .await?;
        sleep(minutes(1)).await
    }));
    let error = outcome.unwrap_err();
    assert_eq!(error.status(), Status::GROUP);
    assert_eq!(error.children()[0].message(), "lost");
    assert_eq!(on.now(), 1.secs());
}

#[test]
fn deadlines_and_shields_change_at_run_time() {
    let on = Virtual::open();
    let error = block_on(group(on.group().timeout(minutes(1)), async |g| {
        g.scope().set_timeout(minutes(10))?;
        sleep(minutes(5)).await?;
        assert_eq!(g.scope().state()?.remaining, Some(minutes(5)));
        g.scope().clear_timeout()?;
        sleep(minutes(60)).await?;
        assert_eq!(g.scope().state()?.remaining, None);
        g.scope().set_timeout(minutes(1))?;
        sleep(minutes(60)).await
    }));
    assert_eq!(error.unwrap_err().status(), Status::TIMEOUT);
    assert_eq!(on.now(), minutes(66));

    let outcome = block_on(group(on.group(), async |outer| {
        let inner = group(GroupOptions::new(), async |g| {
            g.scope().set_shield(true)?;
            outer.cancel("outside");
            sleep(minutes(1)).await?;
            let state = g.scope().state()?;
            assert!(state.shield && !state.cancelled && !state.called && !state.caught);
            g.scope().set_shield(false)?;
            let state = g.scope().state()?;
            assert!(!state.shield && state.cancelled && !state.called);
            assert_eq!(state.reason, Reason::EXPLICIT);
            yield_now().await
        });
        let error = inner.await.unwrap_err();
        assert_eq!(error.reason_text().as_deref(), Some("outside"));
        Err::<(), _>(error)
    }));
    assert!(outcome.unwrap().caught);
}

#[test]
fn errors_have_the_reason() {
    let on = Virtual::open();
    // What an operation says that sleeps in a group while `cancel` happens.
    let reason = |options: GroupOptions, cancel: fn(Scope)| {
        let mut seen = None;
        let _ = block_on(group(options, async |g| {
            let asleep = sleep(minutes(60)).within(g.scope()).start();
            let seen = &mut seen;
            cancel(g.scope());
            // Not of the body, which is dropped.
            *seen = Some(asleep);
            sleep(minutes(60)).await
        }));
        let error = block_on(seen.unwrap()).unwrap_err();
        assert!(error.is_cancelled());
        (error.reason(), error.reason_text().map(|text| text.into_owned()))
    };
    let explicit = reason(on.group(), |scope| scope.cancel("enough"));
    assert_eq!(explicit, (Reason::EXPLICIT, Some("enough".to_owned())));
    let deadline = reason(on.group().timeout(1.secs()), |_| {});
    assert_eq!(deadline, (Reason::DEADLINE, None));
    let won = reason(on.group().policy(Policy::Race), |scope| {
        sleep(1.secs()).within(scope).start().detach();
    });
    assert_eq!(won.0, Reason::RACE);
    let failed = reason(on.group(), |scope| {
        sleep(minutes(60)).within(scope).timeout(1.secs()).start().detach();
    });
    assert_eq!(failed.0, Reason::SIBLING);
}

#[test]
fn the_tree_in_other_formats() {
    let on = Virtual::open();
    let json = on.0.dump_as(DumpFormat::Json).unwrap();
    assert!(json.starts_with("{\"format\":1,"), "{json}");
    assert!(on.0.dump_as(DumpFormat::Dot).unwrap().starts_with("digraph"));
    assert_eq!(on.0.dump().unwrap().lines().count(), 1);
}
