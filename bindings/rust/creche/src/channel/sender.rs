//! The sending side of a channel.
use crate::channel::item::{Home, Item};
use crate::channel::state::ChannelState;
use crate::error::{Error, Result};
use crate::options::{TaskOptions, task_options};
use crate::pending::Pending;
use crate::sys_ext::check;
use creche_sys as sys;
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

/// A handle of the sending side of a [`channel`](crate::channel()). Dropping it fails the sends through it that wait.
pub struct Sender<T> {
    pub(super) raw: sys::creche_sender,
    pub(super) on: sys::creche_loop,
    pub(super) home: Arc<Home<T>>,
}

/// An item that was not sent, or put back, and why.
pub struct NotSent<T> {
    /// [`Status::LIMIT`](crate::Status::LIMIT): it is full, or without a buffer and nobody waits;
    /// [`Status::CLOSED`](crate::Status::CLOSED): nobody receives any more.
    pub error: Error,
    /// The item.
    pub item: T,
}

impl<T: Send + 'static> Sender<T> {
    /// Sends an item: ends when a receiver has it or it is in the channel. Dropping the future before
    /// that takes it back: it is not sent.
    pub fn send(&self, item: T) -> SendItem<'_, T> {
        SendItem { sender: self, item, task: TaskOptions::new() }
    }

    /// Sends an item now, or gives it back.
    pub fn try_send(&self, item: T) -> Result<(), NotSent<T>> {
        let raw = Item::new(item, &self.home).into_raw();
        // SAFETY: any thread, any handle; the item is the channel's if this succeeds.
        check(unsafe { sys::creche_channel_try_send(self.raw, raw) }).map_err(|error| {
            // SAFETY: "or not at all (then it stays yours)".
            NotSent { error, item: unsafe { Item::from_raw(raw) }.take() }
        })
    }
}

impl<T> Sender<T> {
    /// Another handle of the same side.
    pub fn try_clone(&self) -> Result<Sender<T>> {
        let mut raw = sys::creche_sender::default();
        // SAFETY: any thread, any handle; the clone outlives the call.
        check(unsafe { sys::creche_sender_clone(self.raw, &mut raw) })?;
        Ok(Sender { raw, on: self.on, home: self.home.clone() })
    }

    /// A look at the channel.
    pub fn state(&self) -> Result<ChannelState> {
        // SAFETY: any thread, any handle; the size is that of the memory.
        ChannelState::of(|s, size| unsafe { sys::creche_sender_get_state(self.raw, s, size) })
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_sender_release(self.raw) };
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.raw.id).finish()
    }
}

impl<T> fmt::Debug for NotSent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NotSent").field(&self.error).finish()
    }
}

impl<T> fmt::Display for NotSent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> std::error::Error for NotSent<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl<T> From<NotSent<T>> for Error {
    fn from(not: NotSent<T>) -> Error {
        not.error
    }
}

/// A send that is not started yet: await it.
#[must_use = "await it, or start it"]
pub struct SendItem<'a, T> {
    sender: &'a Sender<T>,
    item: T,
    task: TaskOptions,
}

impl<T: Send + 'static> SendItem<'_, T> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<()> {
        let sender = self.sender.raw;
        let item = Item::new(self.item, &self.sender.home).into_raw();
        let sent =
            Pending::start(self.sender.on, &self.task, |within, options, done, user, task| {
                // SAFETY: options live until the call returns; user until the completion; the item
                // is the channel's if this succeeds.
                Ok(unsafe {
                    sys::creche_channel_send(sender, within, item, options, done, user, task)
                })
            });
        if !sent.is_running() {
            // SAFETY: "If the call fails the item stays yours".
            drop(unsafe { Item::<T>::from_raw(item) });
        }
        sent
    }
}

impl<T: Send + 'static> IntoFuture for SendItem<'_, T> {
    type Output = Result<()>;
    type IntoFuture = Pending<()>;
    fn into_future(self) -> Pending<()> {
        self.start()
    }
}

impl<T> fmt::Debug for SendItem<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendItem").field(self.sender).finish()
    }
}
