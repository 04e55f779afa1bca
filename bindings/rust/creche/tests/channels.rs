//! Channels.
mod common;

use common::{Virtual, block_on, eventually, poll_once};
use creche::{
    ChannelOptions, GroupOptions, Receiver, Sender, Status, Times, channel_on, group, sleep,
};
use std::sync::{Arc, Mutex};

#[test]
fn items_come_in_order_and_then_the_end() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel(3);
    for text in ["one", "two", "three"] {
        sender.try_send(text.to_owned()).unwrap();
    }
    let full = sender.try_send("four".to_owned()).unwrap_err();
    assert_eq!((full.error.status(), full.item.as_str()), (Status::LIMIT, "four"));
    assert_eq!(creche::Error::from(full).status(), Status::LIMIT);
    let waits = sender.send("four".to_owned()).start();
    let state = receiver.state().unwrap();
    assert_eq!((state.items, state.capacity, state.sending), (3, 3, 1));
    assert_eq!(receiver.try_recv().unwrap(), "one");
    block_on(waits).unwrap();
    drop(sender);
    block_on(async {
        assert_eq!(receiver.recv().await.unwrap().as_deref(), Some("two"));
        assert_eq!(receiver.recv().await.unwrap().as_deref(), Some("three"));
        assert_eq!(receiver.try_recv().unwrap(), "four");
        assert_eq!(receiver.try_recv().unwrap_err().status(), Status::CLOSED);
        assert_eq!(receiver.recv().await.unwrap(), None);
    });
}

#[test]
fn a_full_channel_holds_its_sender_back() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel(2);
    let sent = Mutex::new(Vec::new());
    let received = Mutex::new(Vec::new());
    let (now, log) = (&|| on.now(), &sent);
    block_on(group(GroupOptions::new().within(on.0), async |g| {
        g.spawn(async move |_| {
            for i in 0..6_u64 {
                sender.send(i).await?;
                log.lock().unwrap().push(now());
            }
            Ok(())
        });
        sleep(10.secs()).await?;
        while let Some(item) = receiver.recv().await? {
            received.lock().unwrap().push((item, on.now()));
            sleep(1.secs()).await?;
        }
        Ok(())
    }))
    .unwrap();
    let seconds = |times: &[u64]| times.iter().map(|s| s.secs()).collect::<Vec<_>>();
    assert_eq!(sent.into_inner().unwrap(), seconds(&[0, 0, 10, 11, 12, 13]));
    let expected: Vec<_> = (0..6).map(|i| (i, (10 + i).secs())).collect();
    assert_eq!(received.into_inner().unwrap(), expected);
}

#[test]
fn without_a_buffer_each_send_meets_a_receive() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel(0);
    assert_eq!(sender.try_send(1).unwrap_err().error.status(), Status::LIMIT);
    assert_eq!(receiver.try_recv().unwrap_err().status(), Status::LIMIT);
    let sends = [sender.send(1).start(), sender.send(2).start()];
    assert_eq!(receiver.try_recv().unwrap(), 1);
    assert_eq!(block_on(async { receiver.recv().await }).unwrap(), Some(2));
    for send in sends {
        block_on(send).unwrap();
    }
    let receives = [receiver.recv().start(), receiver.recv().start()];
    sender.try_send(3).unwrap();
    sender.try_send(4).unwrap();
    let got: Vec<_> = receives.into_iter().map(|each| block_on(each).unwrap()).collect();
    assert_eq!(got, [Some(3), Some(4)]);
}

#[test]
fn the_last_handle_of_a_side_ends_the_waits_of_the_other() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel::<u8>(0);
    let other = sender.try_clone().unwrap();
    assert_eq!(receiver.state().unwrap().senders, 2);
    let waits = [receiver.recv().start(), receiver.recv().start()];
    drop(sender);
    assert_eq!(receiver.state().unwrap().receiving, 2);
    drop(other);
    for wait in waits {
        assert_eq!(block_on(wait).unwrap(), None);
    }

    let (sender, receiver) = on.channel(1);
    let other = receiver.try_clone().unwrap();
    sender.try_send(1).unwrap();
    let waits = [sender.send(2).start(), sender.send(3).start()];
    drop(other);
    assert_eq!(sender.state().unwrap().sending, 2);
    drop(receiver);
    for wait in waits {
        assert_eq!(block_on(wait).unwrap_err().status(), Status::CLOSED);
    }
    let refused = sender.try_send(4).unwrap_err();
    assert_eq!((refused.error.status(), refused.item), (Status::CLOSED, 4));
    let refused = block_on(async { sender.send(5).await }).unwrap_err();
    assert_eq!(refused.status(), Status::CLOSED);
}

#[test]
fn a_handle_that_goes_takes_its_own_waits_along() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel(0);
    let other = receiver.try_clone().unwrap();
    let waits = other.recv().start();
    drop(other);
    assert_eq!(block_on(waits).unwrap_err().status(), Status::CLOSED);
    let other = sender.try_clone().unwrap();
    let waits = other.send(1).start();
    drop(other);
    assert_eq!(block_on(waits).unwrap_err().status(), Status::CLOSED);
    assert_eq!(receiver.try_recv().unwrap_err().status(), Status::LIMIT);
}

#[test]
fn a_dropped_future_sends_nothing_and_takes_nothing() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel(0);
    let goes = sender.send(1).start();
    let stays = sender.send(2).start();
    drop(goes);
    assert_eq!(receiver.try_recv().unwrap(), 2);
    block_on(stays).unwrap();

    let mut goes = Box::pin(receiver.recv().start());
    assert!(poll_once(goes.as_mut()).is_pending());
    let stays = receiver.recv().start();
    drop(goes);
    sender.try_send(3).unwrap();
    assert_eq!(block_on(stays).unwrap(), Some(3));

    let cut = receiver.recv().start();
    cut.scope().cancel("enough");
    assert!(block_on(cut).unwrap_err().is_cancelled());
    let late = block_on(async { receiver.recv().timeout(1.secs()).await }).unwrap_err();
    assert_eq!(late.status(), Status::TIMEOUT);
    // An item that came is not recalled.
    let has = receiver.recv().start();
    sender.try_send(4).unwrap();
    has.scope().cancel("too late");
    assert_eq!(block_on(has).unwrap(), Some(4));
}

#[test]
fn what_nobody_takes_comes_back_once() {
    let on = Virtual::open();
    let untaken = Arc::new(Mutex::new(Vec::new()));
    let list = untaken.clone();
    let options =
        ChannelOptions::new().capacity(2).untaken(move |item: u32| list.lock().unwrap().push(item));
    let (sender, receiver) = channel_on(on.0, options).unwrap();
    let came = || {
        let mut list = untaken.lock().unwrap();
        list.sort_unstable();
        std::mem::take(&mut *list)
    };
    // Sends that end otherwise, and what is in the channel after the last receiver.
    sender.try_send(2).unwrap();
    sender.try_send(3).unwrap();
    drop(sender.send(4).start());
    eventually(|| untaken.lock().unwrap().len() == 1);
    assert_eq!(came(), [4]);
    let cut = sender.send(5).start();
    cut.scope().cancel("enough");
    block_on(cut).unwrap_err();
    let misnamed = block_on(async { sender.send(6).name("a\0b").await }).unwrap_err();
    assert_eq!(misnamed.status(), Status::INVALID);
    // What would go back when nobody receives any more.
    let receive = receiver.recv().start();
    sender.try_send(10).unwrap();
    let waits = sender.send(7).start();
    drop(receiver);
    drop(receive);
    block_on(waits).unwrap_err();
    block_on(async { sender.send(8).await }).unwrap_err();
    eventually(|| untaken.lock().unwrap().len() == 7);
    assert_eq!(came(), [2, 3, 5, 6, 7, 8, 10]);
    // What was given back is its sender's again.
    assert_eq!(sender.try_send(9).unwrap_err().item, 9);
    assert_eq!(came(), []);
}

#[test]
fn handles_cross_threads() {
    fn both<T: Send + Sync>() {}
    both::<Sender<std::cell::Cell<u8>>>();
    both::<Receiver<std::cell::Cell<u8>>>();
    both::<creche::Receiving<std::cell::Cell<u8>>>();
    both::<creche::Token>();
}
