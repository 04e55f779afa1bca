//! What a loop tells of itself.
mod common;

use common::block_on;
use creche::{
    GroupOptions, HookKind, LogEvent, LogLevel, Loop, LoopOptions, NodeKind, Reason, Session,
    SessionOptions, Status, TaskOptions, Times, sleep,
};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

const LIVES: [HookKind; 4] =
    [HookKind::SPAWNED, HookKind::STARTED, HookKind::ENDED, HookKind::CANCELLED];

#[test]
fn lives_of_tasks_are_told_in_their_order() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let on = Loop::open(LoopOptions::new().on_event(&LIVES, move |event| {
        assert!(event.parent.is_some() || event.node == NodeKind::LOOP, "{event:?}");
        let what = (event.kind, event.node, event.status, event.reason, event.name.to_owned());
        told.lock().unwrap().push((event.id, what, event.duration.is_some()));
    }))
    .unwrap();
    let options = GroupOptions::new().within(on).name("all");
    let failed = block_on(creche::group(options, async |g| {
        g.spawn(async |_| sleep(3600.secs()).await);
        g.spawn(async |_| Err::<(), _>("no luck".into()));
        Ok(())
    }));
    assert_eq!(failed.unwrap_err().status(), Status::GROUP);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
    let seen = seen.lock().unwrap();
    let of = |kind, node| seen.iter().filter(move |(_, what, _)| (what.0, what.1) == (kind, node));
    let group = of(HookKind::SPAWNED, NodeKind::GROUP).next().unwrap();
    assert_eq!(group.1.4, "all");
    let because = |reason| {
        let mut cancelled = seen.iter().filter(|(_, what, _)| what.0 == HookKind::CANCELLED);
        cancelled.find(|(_, what, _)| what.3 == reason).map(|(id, _, _)| *id)
    };
    assert_eq!(because(Reason::SIBLING), Some(group.0));
    let slept = of(HookKind::ENDED, NodeKind::SLEEP).next().unwrap();
    assert_eq!((slept.1.2, slept.2), (Status::CANCELLED, true));
    // Each that began has ended, in this order.
    for (id, what, _) in seen.iter().filter(|(_, what, _)| what.0 == HookKind::SPAWNED) {
        let kinds: Vec<_> =
            seen.iter().filter(|other| other.0 == *id).map(|(_, what, _)| what.0).collect();
        assert_eq!(kinds.first(), Some(&HookKind::SPAWNED), "{what:?}");
        assert_eq!(kinds.iter().filter(|kind| **kind == HookKind::ENDED).count(), 1, "{what:?}");
    }
}

#[test]
fn they_live_until_the_loop_is_joined_and_panics_stay_in_them() {
    let alive = Arc::new(());
    let held = alive.clone();
    let on = Loop::open(LoopOptions::new().on_event(&LIVES, move |_| {
        let _held = &held;
        panic!("in a hook");
    }))
    .unwrap();
    block_on(async { sleep(1.millis()).within(on).await }).unwrap();
    assert_eq!(Arc::strong_count(&alive), 2);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
    assert_eq!(Arc::strong_count(&alive), 1);
    // A loop that was never opened has none, either.
    let held = alive.clone();
    let options = LoopOptions::new().name("a\0b").on_event(&LIVES, move |_| drop(held.clone()));
    assert_eq!(Loop::open(options).unwrap_err().status(), Status::INVALID);
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// Blocks the loop until it is told that it does.
struct Blocks(Mutex<mpsc::Receiver<Duration>>, mpsc::Sender<Duration>);

impl Wake for Blocks {
    fn wake(self: Arc<Self>) {
        let told = self.0.lock().unwrap().recv_timeout(Duration::from_secs(60));
        let _ = self.1.send(told.unwrap_or_default());
    }
}

#[test]
fn a_waker_that_blocks_the_loop_is_told_while_it_does() {
    let (tell, told) = mpsc::channel();
    let (wake, woken) = mpsc::channel();
    let after = Duration::from_millis(5);
    let on = Loop::open(LoopOptions::new().on_stall(after, move |event| {
        assert_eq!(event.kind, HookKind::STALLED);
        let _ = tell.send(event.duration.unwrap_or_default());
    }))
    .unwrap();
    let waker = Waker::from(Arc::new(Blocks(Mutex::new(told), wake)));
    let mut sleeps = pin!(async { sleep(1.millis()).within(on).await });
    assert!(sleeps.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(woken.recv_timeout(Duration::from_secs(60)).unwrap() >= after);
    assert!(on.counters().unwrap().stalls > 0);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn a_child_that_overstays_its_grace_is_named() {
    let (tell, told) = mpsc::channel();
    let on = Loop::open(LoopOptions::new().on_event(&[HookKind::STALLED], move |event| {
        let _ = tell.send((event.kind, event.name.to_owned()));
    }))
    .unwrap();
    let told = Mutex::new(told);
    let options = GroupOptions::new().within(on).grace(1.millis());
    let done = block_on(creche::group(options, async |g| {
        let (group, told) = (g.scope(), &told);
        g.spawn_with(TaskOptions::new().name("deaf"), async move |_| {
            group.cancel("enough");
            // It does not look at that, until somebody says so.
            let stalled = told.lock().unwrap().recv_timeout(Duration::from_secs(60)).unwrap();
            assert_eq!(stalled, (HookKind::STALLED, "deaf".to_owned()));
            Ok(())
        });
        Ok(())
    }));
    drop(done);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn a_log_tells_what_was_lost_and_lives_as_long_as_its_loop() {
    let alive = Arc::new(());
    let (held, seen) = (alive.clone(), Arc::new(Mutex::new(Vec::new())));
    let told = seen.clone();
    let on = Loop::open(LoopOptions::new().log(LogLevel::WARN, move |record| {
        let _held = &held;
        let error = record.fields.iter().find(|field| field.name == "error");
        let phase = record.fields.iter().find(|field| field.name == "phase");
        let what = (error.map(|e| e.text.to_owned()), phase.and_then(|p| p.number));
        told.lock().unwrap().push((record.event, record.level, what));
        panic!("in a log");
    }))
    .unwrap();
    let web = Session::on(on, SessionOptions::new()).unwrap();
    let failed = block_on(async { web.get("http://127.0.0.1:1/secret").within(on).await });
    assert_eq!(failed.unwrap_err().status(), Status::CONNECT);
    drop(web);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
    let seen = seen.lock().unwrap();
    let (event, level, (error, phase)) = &seen[0];
    assert_eq!((*event, *level), (LogEvent::CONNECT_FAILED, LogLevel::WARN));
    assert_eq!(error.as_deref(), Some("CRECHE_E_CONNECT"));
    assert!(phase.is_some());
    assert_eq!(Arc::strong_count(&alive), 1);
}
