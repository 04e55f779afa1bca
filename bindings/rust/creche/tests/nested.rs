//! What outlives a cancellation, inside of other things that do; and panics where no body runs.
mod common;

use common::{Drops, Virtual, block_on};
use creche::{
    Error, GroupOptions, Policy, Result, Status, TaskOptions, Times, group, shield, sleep, task,
    timeout, with_cleanup,
};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// What happened, and when.
#[derive(Default)]
struct Log(Mutex<Vec<(&'static str, u64)>>);

impl Log {
    fn note(&self, on: &Virtual, what: &'static str) {
        self.0.lock().unwrap().push((what, on.now().as_millis() as u64));
    }
    async fn cleanup(&self, on: &Virtual, what: &'static str) -> Result<()> {
        sleep(10.millis()).await?;
        self.note(on, what);
        Ok(())
    }
    fn taken(&self) -> Vec<(&'static str, u64)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Runs a part as the child of a group that is cancelled after 5 ms.
fn cancelled_after_5<'a, F: Future<Output = Result<()>> + Send + 'a>(on: &'a Virtual, part: F) {
    let options = on.group().timeout(5.millis()).move_on();
    let outcome = block_on(group(options, async |g| {
        g.spawn(|_| part);
        Ok(())
    }));
    assert!(outcome.unwrap().caught);
    let left = on.0.counters().unwrap();
    let live = [left.live_tasks, left.live_groups, left.live_scopes, left.live_leases];
    assert_eq!(live, [0; 4], "{}", on.0.dump().unwrap());
}

#[test]
fn a_clean_up_runs_inside_of_what_has_one() {
    let (on, log) = (Virtual::open(), Log::default());
    cancelled_after_5(&on, async {
        let inner = async {
            with_cleanup(pending::<Result<()>>(), 1.secs(), || log.cleanup(&on, "inner")).await
        };
        with_cleanup(inner, 1.secs(), || log.cleanup(&on, "outer")).await
    });
    assert_eq!(log.taken(), [("inner", 15), ("outer", 25)]);
}

#[test]
fn a_shield_holds_inside_of_what_has_a_clean_up() {
    let (on, log) = (Virtual::open(), Log::default());
    cancelled_after_5(&on, async {
        let commit = async {
            shield(1.secs(), log.cleanup(&on, "commit")).await?;
            pending::<Result<()>>().await
        };
        with_cleanup(commit, 1.secs(), || log.cleanup(&on, "clean-up")).await
    });
    assert_eq!(log.taken(), [("commit", 10), ("clean-up", 20)]);
}

#[test]
fn clean_ups_and_shields_of_nested_tasks_and_groups_are_the_bodys_too() {
    let (on, log) = (Virtual::open(), Log::default());
    cancelled_after_5(&on, async {
        timeout(
            1.secs(),
            with_cleanup(pending::<Result<()>>(), 1.secs(), || log.cleanup(&on, "task")),
        )
        .await
    });
    assert_eq!(log.taken(), [("task", 15)]);
    let on = Virtual::open();
    cancelled_after_5(&on, async {
        let log = &log;
        let on = &on;
        group(GroupOptions::new(), async |g| {
            g.spawn(async move |_| shield(1.secs(), log.cleanup(on, "shield")).await);
            g.spawn(async move |_| {
                with_cleanup(pending::<Result<()>>(), 1.secs(), || log.cleanup(on, "child")).await
            });
            with_cleanup(pending::<Result<()>>(), 1.secs(), || log.cleanup(on, "body")).await
        })
        .await
        .map(drop)
    });
    let mut log = log.taken();
    log.sort_unstable();
    assert_eq!(log, [("body", 15), ("child", 15), ("shield", 10)]);
}

#[test]
fn shielded_tasks_and_groups_end_before_a_cancelled_body_does() {
    let (on, log) = (Virtual::open(), Log::default());
    cancelled_after_5(&on, async {
        task(TaskOptions::new().shielded().timeout(1.secs()), |_| log.cleanup(&on, "task")).await?;
        pending().await
    });
    assert_eq!(log.taken(), [("task", 10)]);
    let on = Virtual::open();
    cancelled_after_5(&on, async {
        let log = &log;
        let on = &on;
        group(GroupOptions::new().shielded().timeout(1.secs()), async |g| {
            g.spawn(async move |_| log.cleanup(on, "group").await);
            Ok(())
        })
        .await?;
        pending().await
    });
    assert_eq!(log.taken(), [("group", 10)]);
}

#[test]
fn a_clean_up_runs_when_the_deadline_of_a_shield_around_it_has_passed() {
    let (on, log) = (Virtual::open(), Log::default());
    let ended = Mutex::new(None);
    cancelled_after_5(&on, async {
        let part = with_cleanup(pending::<Result<()>>(), 1.secs(), || log.cleanup(&on, "inside"));
        *ended.lock().unwrap() = Some(shield(20.millis(), part).await);
        pending().await
    });
    assert_eq!(log.taken(), [("inside", 30)]);
    assert!(ended.into_inner().unwrap().unwrap().is_err());
}

#[test]
fn what_is_beside_a_shield_hears_of_the_cancellation() {
    let (on, log) = (Virtual::open(), Log::default());
    cancelled_after_5(&on, async {
        let held = log.cleanup(&on, "held");
        let mut held = std::pin::pin!(shield(1.secs(), held));
        let mut beside = std::pin::pin!(timeout(1.secs(), pending::<Result<()>>()));
        let mut noted = false;
        std::future::poll_fn(|context| {
            if !noted && beside.as_mut().poll(context).is_ready() {
                noted = true;
                log.note(&on, "beside");
            }
            held.as_mut().poll(context)
        })
        .await?;
        pending().await
    });
    assert_eq!(log.taken(), [("beside", 5), ("held", 10)]);
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

#[test]
fn what_panics_when_it_is_dropped_is_a_panic_of_its_group() {
    for policy in [Policy::FailFast, Policy::Collect, Policy::Race] {
        let on = Virtual::open();
        let drops = Drops::default();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            block_on(group(on.group().policy(policy), async |g| {
                let sibling = drops.on_drop();
                g.spawn(async move |_| {
                    let _sibling = sibling;
                    with_cleanup(pending::<Result<()>>(), 1.secs(), async || {
                        sleep(10.millis()).await
                    })
                    .await
                });
                // What it comes to is for nobody.
                let bomb = Bomb;
                g.spawn(async move |_| {
                    sleep(1.millis()).await?;
                    Ok(bomb)
                });
                pending::<Result<()>>().await
            }))
        }));
        let payload = panicked.unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"dropped"), "{policy:?}");
        assert_eq!(drops.count(), 1);
        let left = on.0.counters().unwrap();
        assert_eq!([left.live_tasks, left.live_groups], [0, 0], "{}", on.0.dump().unwrap());
        assert_eq!(on.now().as_millis(), 11, "the group has not waited for its clean-up");
    }
}

#[test]
fn an_error_in_an_inner_clean_up_is_the_parts() {
    let on = Virtual::open();
    let result = Mutex::new(None);
    cancelled_after_5(&on, async {
        let inner =
            with_cleanup(pending::<Result<()>>(), 1.secs(), async || Err(Error::from("no")));
        let ended = with_cleanup(inner, 1.secs(), async || Ok(())).await;
        *result.lock().unwrap() = Some(ended.clone());
        ended
    });
    let error = result.into_inner().unwrap().unwrap().unwrap_err();
    assert_eq!(error.status(), Status::CANCELLED);
}

#[test]
fn nested_futures_stay_small() {
    let size = std::mem::size_of_val(&timeout(
        1.secs(),
        with_cleanup(
            timeout(1.secs(), shield(1.secs(), task(TaskOptions::new(), async |_| Ok([0u8; 64])))),
            1.secs(),
            async || Ok(()),
        ),
    ));
    assert!(size < 20_000, "{size} bytes");
}
