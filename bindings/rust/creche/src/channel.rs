//! Channels: bounded queues between tasks and threads.
use crate::error::Result;
use crate::runtime::Loop;
use crate::sys_ext::{c_text, check, defaults};
use creche_sys as sys;
use std::fmt;
use std::ptr::{null, null_mut};
use std::sync::Arc;

mod item;
mod receiver;
mod sender;
mod state;

use item::{Home, Untaken, free_item};
pub use receiver::{ReceiveItem, Receiver, Receiving};
pub use sender::{NotSent, SendItem, Sender};
pub use state::ChannelState;

/// Options of a [`channel`].
pub struct ChannelOptions<T> {
    capacity: u32,
    name: Option<String>,
    untaken: Option<Arc<Untaken<T>>>,
}

impl<T> Default for ChannelOptions<T> {
    fn default() -> ChannelOptions<T> {
        ChannelOptions { capacity: 0, name: None, untaken: None }
    }
}

impl<T> fmt::Debug for ChannelOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelOptions")
            .field("capacity", &self.capacity)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<T> ChannelOptions<T> {
    /// Without a buffer: each send meets a receive.
    pub fn new() -> ChannelOptions<T> {
        ChannelOptions::default()
    }

    /// Items that wait for a receiver.
    pub fn capacity(mut self, items: u32) -> Self {
        self.capacity = items;
        self
    }

    /// For dumps.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What becomes of items that nobody will take; they are dropped unless given. These are those of
    /// sends that failed or were cancelled, and what is in the channel after its last receiver, or goes
    /// back to it then. Called once for each, on any thread.
    pub fn untaken(mut self, take: impl Fn(T) + Send + Sync + 'static) -> Self {
        self.untaken = Some(Arc::new(take));
        self
    }
}

/// A channel on the default loop.
///
/// Who comes first is served first, on both sides. It ends with the last handle of a side: receivers get
/// what is in it, then `None`; sends fail with [`Status::CLOSED`](crate::Status::CLOSED).
///
/// ```
/// # async fn f() -> creche::Result<()> {
/// let (sender, receiver) = creche::channel(creche::ChannelOptions::new().capacity(8))?;
/// sender.send("one").await?;
/// drop(sender);
/// assert_eq!(receiver.recv().await?, Some("one"));
/// assert_eq!(receiver.recv().await?, None);
/// # Ok(()) }
/// ```
pub fn channel<T: Send + 'static>(options: ChannelOptions<T>) -> Result<(Sender<T>, Receiver<T>)> {
    channel_on(Loop::current()?, options)
}

/// A [`channel`] on a loop of your own.
pub fn channel_on<T: Send + 'static>(
    on: Loop,
    options: ChannelOptions<T>,
) -> Result<(Sender<T>, Receiver<T>)> {
    let name = options.name.as_deref().map(c_text).transpose()?;
    let mut sender = sys::creche_sender::default();
    let mut receiver = sys::creche_receiver::default();
    // SAFETY: plain options; they and their text live until the call returns.
    check(unsafe {
        let mut o = defaults(sys::creche_channel_options_init)?;
        o.capacity = options.capacity;
        o.item_free = Some(free_item::<T>);
        o.item_user = null_mut();
        o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
        sys::creche_channel_open(on.raw, &o, &mut sender, &mut receiver)
    })?;
    let home = Home::new(options.untaken, receiver);
    let sender = Sender { raw: sender, on: on.raw, home: home.clone() };
    Ok((sender, Receiver { raw: receiver, on: on.raw, home }))
}
