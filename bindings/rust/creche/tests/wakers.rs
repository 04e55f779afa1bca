//! Wakers are foreign code: their drops may drop futures.
mod common;

use common::{block_on, poll_once};
use creche::{Child, GroupOptions, Result, Status, group};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// The waker of an executor whose tasks own their futures: the last waker drops that.
#[allow(dead_code)] // it is for dropping
struct Owner(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// The waker that a child got by its first poll owns the child's group.
fn a_child_and_its_group() {
    let place: Arc<Mutex<Option<Child<()>>>> = Arc::default();
    let there = place.clone();
    let mut future = Box::pin(async move {
        let _ = group(GroupOptions::new(), async |g| {
            *there.lock().unwrap() = Some(g.spawn(async |_| pending::<Result<()>>().await));
            pending::<Result<()>>().await
        })
        .await;
    });
    let end = Instant::now() + Duration::from_secs(10);
    while place.lock().unwrap().is_none() {
        assert!(poll_once(future.as_mut()).is_pending() && Instant::now() < end);
    }
    let mut child = place.lock().unwrap().take().unwrap();
    let waker = Waker::from(Arc::new(Owner(Mutex::new(Some(future)))));
    assert!(Pin::new(&mut child).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker); // the child has the last one, until it is polled with another
    assert_eq!(block_on(child).unwrap_err().status(), Status::CANCELLED);
}

#[test]
fn a_waker_whose_drop_drops_the_group_of_the_child_that_had_it() {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        a_child_and_its_group();
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("it hangs, or has panicked");
}
