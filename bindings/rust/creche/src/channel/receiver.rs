//! The receiving side of a channel.
use crate::channel::item::{Home, Item, Ticket};
use crate::channel::sender::NotSent;
use crate::channel::state::ChannelState;
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending};
use crate::scope::Scope;
use crate::sync::lock;
use crate::sys_ext::check;
use creche_sys as sys;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A handle of the receiving side of a [`channel`](crate::channel()). Dropping it fails the receives through it that wait.
pub struct Receiver<T> {
    pub(super) raw: sys::creche_receiver,
    pub(super) on: sys::creche_loop,
    pub(super) home: Arc<Home<T>>,
}

impl<T: Send + 'static> Receiver<T> {
    /// Receives an item; None after the last one, when all senders are gone. Dropping the future takes
    /// none: one that came goes back to where it was, and the order stays.
    pub fn recv(&self) -> ReceiveItem<'_, T> {
        ReceiveItem { receiver: self, task: TaskOptions::new() }
    }

    /// Receives an item now: an error with [`Status::LIMIT`](crate::Status::LIMIT) says that there is
    /// none, one with [`Status::CLOSED`](crate::Status::CLOSED) that there will be none any more.
    pub fn try_recv(&self) -> Result<T> {
        let mut raw = 0;
        // SAFETY: any thread, any handle; the item outlives the call.
        check(unsafe { sys::creche_channel_try_receive(self.raw, &mut raw) })?;
        // SAFETY: what was sent, and is ours now.
        Ok(unsafe { Item::from_raw(raw) }.take())
    }

    /// Puts an item in front of all others, as if it had never been received: for what you cannot use
    /// after all. Several keep their order if the last is put back first. It finds a place in any case,
    /// past the capacity and after the last sender, too; after the end of the loop it is given back.
    pub fn put_back(&self, item: T) -> Result<(), NotSent<T>> {
        let mut came = lock(&self.home.came);
        came.items.push_front(Item::new(item, &self.home));
        let last = came.items.pop_back().expect("there is one");
        self.home.put_back(last).map_err(|(error, last)| {
            came.items.push_back(last);
            let item = came.items.pop_front().expect("there is one");
            NotSent { error, item: item.take() }
        })
    }
}

impl<T> Receiver<T> {
    /// Another handle of the same side.
    pub fn try_clone(&self) -> Result<Receiver<T>> {
        let mut raw = sys::creche_receiver::default();
        // SAFETY: any thread, any handle; the clone outlives the call.
        check(unsafe { sys::creche_receiver_clone(self.raw, &mut raw) })?;
        lock(&self.home.receivers).push(raw);
        Ok(Receiver { raw, on: self.on, home: self.home.clone() })
    }

    /// A look at the channel.
    pub fn state(&self) -> Result<ChannelState> {
        // SAFETY: any thread, any handle; the size is that of the memory.
        ChannelState::of(|s, size| unsafe { sys::creche_receiver_get_state(self.raw, s, size) })
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        lock(&self.home.receivers).retain(|receiver| receiver.id != self.raw.id);
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_receiver_release(self.raw) };
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.raw.id).finish()
    }
}

/// A receive that is not started yet: await it.
#[must_use = "await it, or start it"]
pub struct ReceiveItem<'a, T> {
    receiver: &'a Receiver<T>,
    task: TaskOptions,
}

impl<T: Send + 'static> ReceiveItem<'_, T> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Receiving<T> {
        let Receiver { raw, on, home } = self.receiver;
        let receive = Pending::start(*on, &self.task, |within, options, done, user, task| {
            // SAFETY: options live until the call returns; user until the completion.
            Ok(unsafe { sys::creche_channel_receive(*raw, within, options, done, user, task) })
        });
        Receiving { receive, home: home.clone() }
    }
}

impl<T: Send + 'static> IntoFuture for ReceiveItem<'_, T> {
    type Output = Result<Option<T>>;
    type IntoFuture = Receiving<T>;
    fn into_future(self) -> Receiving<T> {
        self.start()
    }
}

impl<T> fmt::Debug for ReceiveItem<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceiveItem").field(self.receiver).finish()
    }
}

/// A receive that has been started. Dropping it loses nothing (in a `select`, for example): if its item
/// has come it goes back, in front of what is in the channel. Receives that were started after it, and
/// not polled since their items came, have these items in the order of sending; only an item that comes
/// to one of them at the very moment, on the loop's thread, may stay before one that goes back. After
/// the last receiver was dropped an item goes where [`ChannelOptions::untaken`](crate::ChannelOptions::untaken) says.
#[must_use = "dropping it cancels the receive: await it"]
pub struct Receiving<T> {
    receive: Pending<Option<Ticket<T>>>,
    home: Arc<Home<T>>,
}

impl<T: Send + 'static> Answer for Option<Ticket<T>> {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Option<Ticket<T>>> {
        if completion.kind == sys::CRECHE_END {
            return Ok(None);
        }
        // SAFETY: what was sent, and is ours now.
        let item = unsafe { Item::<T>::from_raw(completion.value) };
        Ok(Some(item.home.clone().came(item)))
    }
}

impl<T> Drop for Receiving<T> {
    fn drop(&mut self) {
        self.receive.give_up(|task| {
            // SAFETY: any thread; does not block. Too late: the item is on its way to the ticket.
            let status = unsafe { sys::creche_channel_unreceive(task) };
            status == sys::CRECHE_E_ENDED
        });
    }
}

impl<T> Receiving<T> {
    /// The operation's own scope: cancelling it stops the receive, unless an item has come.
    pub fn scope(&self) -> Scope {
        self.receive.scope()
    }
}

impl<T> Future for Receiving<T> {
    type Output = Result<Option<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Option<T>>> {
        Pin::new(&mut self.receive).poll(context).map_ok(|ticket| match ticket {
            Some(ticket) => Some(ticket.take()),
            None => self.home.after_the_end(),
        })
    }
}

impl<T> fmt::Debug for Receiving<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiving").field(&self.scope()).finish()
    }
}
