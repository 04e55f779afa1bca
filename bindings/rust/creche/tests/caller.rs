//! Loops without a thread, run by who waits.
mod common;

use common::{Drops, server};
use creche::{
    Event, EventOptions, GroupOptions, Loop, LoopOptions, Session, SessionOptions, Status, Times,
    group, sleep, yield_now,
};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

fn caller() -> Loop {
    Loop::open(LoopOptions::new().on_caller()).unwrap()
}

fn end(on: Loop) {
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn who_waits_runs_the_loop() {
    let on = caller();
    assert_eq!(on.block_on(async { 7 }).unwrap(), 7);
    on.block_on(async { sleep(1.millis()).within(on).await }).unwrap().unwrap();
    let sum = on.block_on(group(GroupOptions::new().within(on), async |g| {
        let children: Vec<_> = (0..10)
            .map(|i| {
                g.spawn(async move |_| {
                    yield_now().await?;
                    Ok(i)
                })
            })
            .collect();
        let mut sum = 0;
        for child in children {
            sum += child.await?;
        }
        Ok(sum)
    }));
    assert_eq!(sum.unwrap().unwrap().value, Some(45));
    let mut polls = 0;
    let woke_itself = poll_fn(|context| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(polls);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    assert_eq!(on.block_on(woke_itself).unwrap(), 3);
    end(on);
}

#[test]
fn another_thread_ends_the_wait() {
    let on = caller();
    let (sender, receiver) = mpsc::channel::<Waker>();
    let other = thread::spawn(move || receiver.recv().unwrap().wake());
    let mut polled = false;
    let woken = poll_fn(|context| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        sender.send(context.waker().clone()).unwrap();
        Poll::Pending
    });
    on.block_on(woken).unwrap();
    other.join().unwrap();
    let event = Event::on(on, EventOptions::new()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| event.set().unwrap());
        on.block_on(async { event.wait().await }).unwrap().unwrap();
    });
    drop(event);
    end(on);
}

#[test]
fn requests_need_no_other_thread() {
    let Some(url) = server("HTTP_URL") else { return };
    let on = caller();
    let web = Session::on(on, SessionOptions::new()).unwrap();
    let page = format!("{url}/small");
    for _ in 0..3 {
        let answer = on.block_on(async { web.get(&page).await }).unwrap().unwrap();
        assert_eq!(answer.body().len(), 1024);
    }
    assert_eq!(web.counters().unwrap().connects, 1);
    drop(web);
    end(on);
}

async fn forever<M>(_mark: M) {
    pending::<()>().await
}

#[test]
fn misuse_is_told_and_the_future_dropped() {
    let drops = Drops::default();
    let threaded = Loop::open(LoopOptions::new()).unwrap();
    let error = threaded.block_on(forever(drops.on_drop())).unwrap_err();
    assert_eq!(error.status(), Status::STATE);
    assert_eq!(drops.count(), 1);
    end(threaded);

    let on = caller();
    on.close().unwrap();
    let error = on.block_on(forever(drops.on_drop())).unwrap_err();
    assert_eq!(error.status(), Status::ENDED);
    assert_eq!(drops.count(), 2);
    on.join(10.secs()).unwrap();
}

/// Runs a loop where it is woken: on the thread of another.
struct RunsLoop {
    on: Loop,
    answer: Mutex<mpsc::Sender<Status>>,
}

impl Wake for RunsLoop {
    fn wake(self: Arc<Self>) {
        let status = self.on.block_on(async {}).unwrap_err().status();
        self.answer.lock().unwrap().send(status).unwrap();
    }
}

#[test]
fn no_loop_is_run_on_the_thread_of_another() {
    let on = caller();
    let (answer, answers) = mpsc::channel();
    let waker = Waker::from(Arc::new(RunsLoop { on, answer: Mutex::new(answer) }));
    let mut nap = sleep(1.millis()).start();
    assert!(Pin::new(&mut nap).poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(answers.recv().unwrap(), Status::WOULD_DEADLOCK);
    end(on);
}

#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    revents: i16,
}

unsafe extern "C" {
    /// The C library's, with which this event loop waits.
    fn poll(fds: *mut PollFd, count: std::ffi::c_ulong, timeout: i32) -> i32;
}

#[test]
fn another_event_loop_watches_it() {
    let Some(url) = server("HTTP_URL") else { return };
    let on = caller();
    let web = Session::on(on, SessionOptions::new()).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut page = web.get(&format!("{url}/small")).start();
    let answer = loop {
        if let Poll::Ready(answer) = Pin::new(&mut page).poll(&mut context) {
            break answer.unwrap();
        }
        let most = on.next_timeout().unwrap().unwrap_or(60.secs()).as_nanos();
        let mut watched = PollFd { fd: on.fd().unwrap(), events: 1, revents: 0 };
        // SAFETY: one descriptor, which the loop has while it lives.
        unsafe { poll(&mut watched, 1, most.div_ceil(1_000_000) as i32) };
        on.poll(0.secs()).unwrap();
    };
    assert_eq!(answer.body().len(), 1024);
    drop((answer, web));
    end(on);
    assert_eq!(on.fd().unwrap_err().status(), Status::ENDED);
}
