//! Channels: items of sends and receives that are dropped.
mod common;

use common::{Drops, Threads, Virtual, block_on, eventually, poll_once};
use creche::{ChannelOptions, Loop, LoopOptions, Status, Times, channel, channel_on};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake};

/// Ends when the loop has told all that it had to tell.
fn told(on: &Virtual) {
    let (sender, receiver) = on.channel(1);
    sender.try_send(()).unwrap();
    block_on(async { receiver.recv().await.unwrap() });
}

/// Keeps the loop in a callback, so that it tells nobody anything, until it lets go.
struct Busy {
    entered: Barrier,
    leaves: Barrier,
}

impl Busy {
    fn keep(on: &Virtual) -> Arc<Busy> {
        let busy = Arc::new(Busy { entered: Barrier::new(2), leaves: Barrier::new(2) });
        let event = on.event();
        let mut wait = pin!(event.wait().start());
        let waker = busy.clone().into();
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        event.set().unwrap();
        busy.entered.wait();
        busy
    }
    fn let_go(&self) {
        self.leaves.wait();
    }
}

impl Wake for Busy {
    fn wake(self: Arc<Self>) {
        self.entered.wait();
        self.leaves.wait();
    }
}

/// In which order ever they are dropped, before or after the loop has told of them; not while it
/// does, see Receiver.
#[test]
fn items_that_came_to_dropped_receives_go_back_in_order() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (order, tells) in orders.into_iter().flat_map(|order| (0..4).map(move |n| (order, n))) {
        let on = Virtual::open();
        let (sender, receiver) = on.channel(2);
        let mut receives: Vec<_> = (0..3).map(|_| Some(receiver.recv().start())).collect();
        let busy = Busy::keep(&on);
        for (at, which) in order.into_iter().enumerate() {
            if at == 0 {
                (1..=5).for_each(|item| sender.try_send(item).unwrap());
            }
            if at == tells {
                busy.let_go();
                told(&on);
            }
            drop(receives[which].take());
        }
        if tells == 3 {
            busy.let_go();
        }
        let left: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        assert_eq!(left, [1, 2, 3, 4, 5], "{order:?} {tells}");
    }
}

#[test]
fn the_next_receives_have_the_items_of_dropped_ones() {
    for tells in [false, true] {
        let on = Virtual::open();
        let (sender, receiver) = on.channel(0);
        let other = receiver.try_clone().unwrap();
        let goes = receiver.recv().start();
        let (second, third, waits) = (receiver.recv(), receiver.recv(), other.recv());
        let (second, third, waits) = (second.start(), third.start(), waits.start());
        (1..=3).for_each(|item| sender.try_send(item).unwrap());
        if tells {
            told(&on);
        }
        drop(goes);
        drop(receiver); // there is another
        assert_eq!(block_on(second).unwrap(), Some(1));
        assert_eq!(block_on(third).unwrap(), Some(2));
        assert_eq!(block_on(waits).unwrap(), Some(3));
    }
}

#[test]
fn put_back() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel(1);
    sender.try_send(1).unwrap();
    let has = receiver.recv().start();
    sender.try_send(2).unwrap();
    receiver.put_back(0).unwrap();
    assert_eq!(block_on(has).unwrap(), Some(0));
    let has = receiver.recv().start();
    told(&on);
    receiver.put_back(0).unwrap();
    assert_eq!(sender.try_send(3).unwrap_err().error.status(), Status::LIMIT);
    assert_eq!(receiver.state().unwrap().items, 2);
    assert_eq!(block_on(has).unwrap(), Some(0));
    drop(sender);
    assert_eq!(receiver.try_recv().unwrap(), 1);
    assert_eq!(receiver.try_recv().unwrap(), 2);
    assert_eq!(block_on(async { receiver.recv().await.unwrap() }), None);
    receiver.put_back(3).unwrap();
    assert_eq!(block_on(async { receiver.recv().await.unwrap() }), Some(3));
    on.0.close().unwrap();
    drop(on);
    let not = receiver.put_back(4).unwrap_err();
    assert_eq!((not.error.status(), not.item), (Status::ENDED, 4));
}

/// Receives are dropped while their items come: one who receives has all of them, in order.
#[test]
fn dropped_receives_lose_and_disorder_nothing() {
    const ITEMS: u32 = 5_000;
    let (sender, receiver) = channel(ChannelOptions::new().capacity(4)).unwrap();
    let sends = std::thread::spawn(move || {
        for item in 0..ITEMS {
            block_on(async { sender.send(item).await.unwrap() });
        }
    });
    let mut next = 0;
    let mut random = 1_u32;
    block_on(async {
        loop {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let receive = receiver.recv().start();
            if random >> 30 == 0 {
                std::thread::yield_now();
            }
            if random >> 29 & 1 == 0 {
                drop(receive);
                continue;
            }
            match receive.await.unwrap() {
                Some(item) => assert_eq!(item, next),
                None => break,
            }
            next += 1;
        }
    });
    assert_eq!(next, ITEMS);
    sends.join().unwrap();
}

/// By several threads: each item is taken once, and none is left over.
#[test]
fn dropped_receives_of_many_leave_nothing_over() {
    const ITEMS: usize = 4000;
    let seen: Arc<Vec<AtomicUsize>> = Arc::new((0..ITEMS).map(|_| AtomicUsize::new(0)).collect());
    let untaken = Arc::new(AtomicUsize::new(0));
    let count = untaken.clone();
    let options = ChannelOptions::new().capacity(8).untaken(move |_: usize| {
        count.fetch_add(1, SeqCst);
    });
    let (sender, receiver) = channel(options).unwrap();
    let threads = Threads::start(3);
    let mut ends = Vec::new();
    for part in 0..3 {
        let (receiver, seen) = (receiver.try_clone().unwrap(), seen.clone());
        ends.push(threads.spawn(async move {
            for turn in part.. {
                let receive = receiver.recv().start();
                if turn % 2 == 0 {
                    continue;
                }
                match receive.await.unwrap() {
                    Some(item) => seen[item].fetch_add(1, SeqCst),
                    None => return,
                };
            }
        }));
    }
    drop(receiver);
    for item in 0..ITEMS {
        block_on(async { sender.send(item).await.unwrap() });
    }
    drop(sender);
    for end in ends {
        end.recv_timeout(60.secs()).unwrap();
    }
    assert!(seen.iter().all(|count| count.load(SeqCst) == 1));
    assert_eq!(untaken.load(SeqCst), 0);
}

#[test]
fn items_are_dropped_once_wherever_they_end() {
    let drops = Drops::default();
    let on = Loop::open(LoopOptions::new()).unwrap();
    let (sender, receiver) = channel_on(on, ChannelOptions::new().capacity(2)).unwrap();
    sender.try_send(drops.on_drop()).unwrap();
    sender.try_send(drops.on_drop()).unwrap();
    let waits = sender.send(drops.on_drop()).start();
    drop(receiver.try_recv().unwrap());
    assert_eq!(drops.count(), 1);
    block_on(waits).unwrap();
    let waits = sender.send(drops.on_drop()).start();
    on.close().unwrap();
    on.join(10.secs()).unwrap();
    block_on(waits).unwrap_err();
    eventually(|| drops.count() == 4);
    // Handles of a loop that has ended.
    let refused = sender.try_send(drops.on_drop()).unwrap_err();
    assert_eq!(refused.error.status(), Status::ENDED);
    drop(refused);
    let error = block_on(async { sender.send(drops.on_drop()).await }).unwrap_err();
    assert_eq!(error.status(), Status::ENDED);
    assert_eq!(drops.count(), 6);
    let error = block_on(async { receiver.recv().await.map(drop) }).unwrap_err();
    assert_eq!(error.status(), Status::ENDED);
    assert_eq!(receiver.try_recv().map(drop).unwrap_err().status(), Status::ENDED);
    assert_eq!(receiver.state().unwrap_err().status(), Status::ENDED);
    assert_eq!(sender.try_clone().unwrap_err().status(), Status::ENDED);
}

#[test]
fn a_panic_of_a_drop_does_not_reach_the_loop() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in a drop (expected)");
        }
    }
    let on = Virtual::open();
    let (sender, receiver) = on.channel(1);
    assert!(sender.try_send(Panics).is_ok());
    drop(receiver);
    assert_eq!(sender.state().unwrap().items, 0);
}

#[test]
fn every_item_has_one_end_whatever_is_dropped() {
    const ITEMS: usize = 2000;
    let seen: Arc<Vec<AtomicUsize>> = Arc::new((0..ITEMS).map(|_| AtomicUsize::new(0)).collect());
    let list = seen.clone();
    let options = ChannelOptions::new().capacity(3).untaken(move |item: usize| {
        list[item].fetch_add(1, SeqCst);
    });
    let (sender, receiver) = channel(options).unwrap();
    let threads = Threads::start(3);
    let mut ends = Vec::new();
    for part in 0..4 {
        let sender = sender.try_clone().unwrap();
        ends.push(threads.spawn(async move {
            for item in (part..ITEMS).step_by(4) {
                let mut send = pin!(sender.send(item).start());
                if item % 7 != 0 || poll_once(send.as_mut()).is_ready() {
                    continue;
                }
                // The first poll left a waker that does nothing.
                send.await.unwrap();
            }
        }));
    }
    drop(sender);
    for part in 0..4 {
        let (receiver, seen) = (receiver.try_clone().unwrap(), seen.clone());
        ends.push(threads.spawn(async move {
            let mut turn = part;
            loop {
                turn += 1;
                let mut receive = pin!(receiver.recv().start());
                if turn % 5 == 0 {
                    let got = match poll_once(receive.as_mut()) {
                        std::task::Poll::Pending => continue,
                        std::task::Poll::Ready(got) => got.unwrap(),
                    };
                    match got {
                        Some(item) => seen[item].fetch_add(1, SeqCst),
                        None => return,
                    };
                    continue;
                }
                match receive.await.unwrap() {
                    Some(item) => seen[item].fetch_add(1, SeqCst),
                    None => return,
                };
            }
        }));
    }
    drop(receiver);
    for end in ends {
        end.recv_timeout(60.secs()).unwrap();
    }
    eventually(|| seen.iter().all(|count| count.load(SeqCst) == 1));
}
