//! Tasks whose bodies are futures, shields and clean-ups.
mod common;

use common::{Virtual, block_on};
use creche::{Error, GroupOptions, Status, TaskOptions, Times, group, sleep};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

#[test]
fn a_task_has_a_deadline() {
    let error = block_on(creche::timeout(5.millis(), async {
        std::future::pending::<()>().await;
        Ok(())
    }))
    .unwrap_err();
    assert_eq!(error.status(), Status::TIMEOUT);
    let value = block_on(creche::task(TaskOptions::new().name("mine"), async |_| Ok(7)));
    assert_eq!(value.unwrap(), 7);
    let own = block_on(creche::task(TaskOptions::new(), async |_| Err::<(), _>(Error::from("x"))));
    assert_eq!(own.unwrap_err().to_string(), "x");
}

#[test]
fn a_task_waits_for_what_it_detached() {
    let start = Instant::now();
    block_on(creche::task(TaskOptions::new(), async |_| {
        sleep(30.millis()).start().detach();
        Ok(())
    }))
    .unwrap();
    assert!(start.elapsed() >= 30.millis());
}

#[test]
fn a_shield_holds_until_its_part_has_ended() {
    let cleaned = AtomicUsize::new(0);
    let outcome = block_on(group(GroupOptions::new().timeout(10.millis()).move_on(), async |g| {
        g.spawn(async |_| {
            creche::shield(10.secs(), async {
                sleep(50.millis()).await?;
                cleaned.fetch_add(1, SeqCst);
                Ok(())
            })
            .await?;
            // Not shielded any more.
            std::future::pending::<()>().await;
            Ok(())
        });
        Ok(())
    }));
    assert!(outcome.unwrap().caught);
    assert_eq!(cleaned.load(SeqCst), 1);
}

#[test]
fn a_shield_does_not_hold_for_ever() {
    let on = Virtual::open();
    let result = Mutex::new(None);
    block_on(group(GroupOptions::new().within(on.0).timeout(5.millis()).move_on(), async |g| {
        g.spawn(async |_| {
            let shielded =
                creche::shield(20.millis(), std::future::pending::<creche::Result<()>>()).await;
            *result.lock().unwrap() = Some(shielded);
            Ok(())
        });
        Ok(())
    }))
    .unwrap();
    let result = result.into_inner().unwrap().unwrap();
    assert_eq!(result.unwrap_err().status(), Status::TIMEOUT);
}

#[test]
fn a_clean_up_runs_after_whatever_happened() {
    let on = Virtual::open();
    let log = Mutex::new(Vec::new());
    block_on(group(GroupOptions::new().within(on.0).timeout(20.millis()).move_on(), async |g| {
        for name in ["well", "badly", "cancelled"] {
            let log = &log;
            g.spawn(async move |_| {
                let result = creche::with_cleanup(
                    async {
                        match name {
                            "well" => Ok(()),
                            "badly" => Err(Error::from("badly")),
                            _ => std::future::pending().await,
                        }
                    },
                    5.secs(),
                    async || {
                        sleep(30.millis()).await?;
                        log.lock().unwrap().push(name);
                        Ok(())
                    },
                )
                .await;
                match name {
                    "well" => result,
                    "badly" => {
                        assert_eq!(result.unwrap_err().to_string(), "badly");
                        Ok(())
                    }
                    _ => {
                        assert!(result.as_ref().unwrap_err().is_cancelled());
                        result
                    }
                }
            });
        }
        Ok(())
    }))
    .unwrap();
    let mut log = log.into_inner().unwrap();
    log.sort_unstable();
    assert_eq!(log, ["badly", "cancelled", "well"]);
}
