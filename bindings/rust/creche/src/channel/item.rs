//! Items on their way, and those that have come but were not taken.
use crate::error::{Error, Result};
use crate::status::Status;
use crate::sync::lock;
use crate::sys_ext::check;
use creche_sys as sys;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

/// What becomes of an item that nobody will take.
pub(super) type Untaken<T> = dyn Fn(T) + Send + Sync;

/// What both sides of a channel know.
pub(super) struct Home<T> {
    untaken: Option<Arc<Untaken<T>>>,
    /// The handles that are not dropped.
    pub receivers: Mutex<Vec<sys::creche_receiver>>,
    pub came: Mutex<Came<T>>,
}

/// What has come to receives that were not polled since. The first of them has the first item, and so
/// on: if one is dropped the items move up, and the last goes back. So they stay in order.
pub(super) struct Came<T> {
    tickets: VecDeque<u64>,
    pub items: VecDeque<Item<T>>,
    last: u64,
}

impl<T> Home<T> {
    pub fn new(untaken: Option<Arc<Untaken<T>>>, receiver: sys::creche_receiver) -> Arc<Home<T>> {
        let came = Came { tickets: VecDeque::new(), items: VecDeque::new(), last: 0 };
        let receivers = Mutex::new(vec![receiver]);
        Arc::new(Home { untaken, receivers, came: Mutex::new(came) })
    }

    pub fn came(self: &Arc<Home<T>>, item: Item<T>) -> Ticket<T> {
        let mut came = lock(&self.came);
        came.last += 1;
        let number = came.last;
        came.tickets.push_back(number);
        came.items.push_back(item);
        Ticket { home: self.clone(), number }
    }

    /// In front of what is in the channel, by any receiver that there is: the error of the last that
    /// could not, and the item.
    pub fn put_back(&self, item: Item<T>) -> Result<(), (Error, Item<T>)> {
        let raw = item.into_raw();
        let mut error = None;
        // Whoever drops one first waits until we are through.
        for &receiver in lock(&self.receivers).iter() {
            // SAFETY: any thread, any handle; the item is the channel's if this succeeds.
            match check(unsafe { sys::creche_channel_put_back(receiver, raw) }) {
                Ok(()) => return Ok(()),
                Err(failed) => error = Some(failed),
            }
        }
        let closed = || Error::own(Status::CLOSED, "nobody receives any more".into());
        // SAFETY: "then the item stays yours".
        Err((error.unwrap_or_else(closed), unsafe { Item::from_raw(raw) }))
    }
}

impl<T> Home<T> {
    /// What has gone back since a receive was told of the end.
    pub fn after_the_end(&self) -> Option<T> {
        let receivers = lock(&self.receivers);
        let mut raw = 0;
        receivers.iter().find(|&&receiver| {
            // SAFETY: any thread, any handle; the item outlives the call.
            unsafe { sys::creche_channel_try_receive(receiver, &mut raw) == sys::CRECHE_OK }
        })?;
        drop(receivers);
        // SAFETY: what was sent, and is ours now.
        Some(unsafe { Item::from_raw(raw) }.take())
    }
}

/// The right to one of the items that have come.
pub(super) struct Ticket<T> {
    home: Arc<Home<T>>,
    /// 0: it is used.
    number: u64,
}

impl<T> Ticket<T> {
    pub fn take(mut self) -> T {
        let number = std::mem::take(&mut self.number);
        let mut came = lock(&self.home.came);
        let at = came.tickets.binary_search(&number).expect("a ticket is used once");
        came.tickets.remove(at);
        let item = came.items.remove(at).expect("each ticket has an item");
        drop(came);
        item.take()
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        let mut came = lock(&self.home.came);
        let Ok(at) = came.tickets.binary_search(&self.number) else { return };
        came.tickets.remove(at);
        let item = came.items.pop_back().expect("each ticket has an item");
        // Before the next one can: they go back from the last to the first.
        let left = self.home.put_back(item);
        drop(came);
        drop(left); // what becomes of it is the user's code
    }
}

/// An item on its way.
pub(super) struct Item<T> {
    value: Option<T>,
    pub home: Arc<Home<T>>,
}

impl<T> Item<T> {
    pub fn new(value: T, home: &Arc<Home<T>>) -> Item<T> {
        Item { value: Some(value), home: home.clone() }
    }

    /// For C.
    pub fn into_raw(self) -> u64 {
        Box::into_raw(Box::new(self)) as u64
    }

    /// # Safety
    /// `raw` is from `into_raw` of the same type, and this is its only return.
    pub unsafe fn from_raw(raw: u64) -> Item<T> {
        // SAFETY: the caller's promise.
        *unsafe { Box::from_raw(raw as *mut Item<T>) }
    }

    pub fn take(mut self) -> T {
        self.value.take().expect("an item is taken once")
    }
}

impl<T> Drop for Item<T> {
    fn drop(&mut self) {
        if let (Some(value), Some(untaken)) = (self.value.take(), &self.home.untaken) {
            untaken(value);
        }
    }
}

/// What a channel does with an item that nobody will take.
pub(super) unsafe extern "C" fn free_item<T>(_: *mut c_void, item: u64) {
    // SAFETY: called once for an item that nobody will take. No panic of its drop may get into C.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Item::<T>::from_raw(item) })));
}
