//! Channels: bounded queues between tasks and threads.
use crate::error::{Error, Result, c_text, check};
use crate::operation::{Answer, Pending};
use crate::options::{TaskOptions, task_options};
use crate::runtime::Loop;
use crate::scope::Scope;
use creche_sys as sys;
use std::ffi::c_void;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::mem::zeroed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::task::{Context, Poll};

type Untaken<T> = dyn Fn(T) + Send + Sync;

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
    /// sends that failed or were cancelled, what is in the channel after its last receiver, and what
    /// came to a receive that was dropped before it was polled again. Called once for each, on any
    /// thread.
    pub fn untaken(mut self, take: impl Fn(T) + Send + Sync + 'static) -> Self {
        self.untaken = Some(Arc::new(take));
        self
    }
}

/// An item on its way.
struct Item<T> {
    value: Option<T>,
    untaken: Option<Arc<Untaken<T>>>,
}

impl<T> Item<T> {
    /// For C.
    fn into_raw(self) -> u64 {
        Box::into_raw(Box::new(self)) as u64
    }

    /// # Safety
    /// `raw` is from `into_raw` of the same type, and this is its only return.
    unsafe fn from_raw(raw: u64) -> Item<T> {
        // SAFETY: the caller's promise.
        *unsafe { Box::from_raw(raw as *mut Item<T>) }
    }

    fn take(mut self) -> T {
        self.value.take().expect("an item is taken once")
    }
}

impl<T> Drop for Item<T> {
    fn drop(&mut self) {
        if let (Some(value), Some(untaken)) = (self.value.take(), &self.untaken) {
            untaken(value);
        }
    }
}

unsafe extern "C" fn free_item<T>(_: *mut c_void, item: u64) {
    // SAFETY: called once for an item that nobody will take. No panic of its drop may get into C.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Item::<T>::from_raw(item) })));
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
        let mut o: sys::creche_channel_options = zeroed();
        check(sys::creche_channel_options_init(&mut o, size_of_val(&o)))?;
        o.capacity = options.capacity;
        o.item_free = Some(free_item::<T>);
        o.item_user = null_mut();
        o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
        sys::creche_channel_open(on.raw, &o, &mut sender, &mut receiver)
    })?;
    let sender = Sender { raw: sender, on: on.raw, untaken: options.untaken };
    Ok((sender, Receiver { raw: receiver, on: on.raw, items: PhantomData }))
}

/// A channel as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChannelState {
    /// In the channel.
    pub items: u32,
    /// Items that fit.
    pub capacity: u32,
    /// Handles of the sending side.
    pub senders: u32,
    /// Handles of the receiving side.
    pub receivers: u32,
    /// Sends that wait for a place or a receiver.
    pub sending: u32,
    /// Receives that wait for an item.
    pub receiving: u32,
}

impl ChannelState {
    fn of(
        look: impl FnOnce(*mut sys::creche_channel_state, usize) -> sys::creche_status,
    ) -> Result<ChannelState> {
        // SAFETY: plain numbers.
        let mut s: sys::creche_channel_state = unsafe { zeroed() };
        check(look(&mut s, size_of_val(&s)))?;
        Ok(ChannelState {
            items: s.items,
            capacity: s.capacity,
            senders: s.senders,
            receivers: s.receivers,
            sending: s.sending,
            receiving: s.receiving,
        })
    }
}

// ---- Sending ----

/// A handle of the sending side of a [`channel`]. Dropping it fails the sends through it that wait.
pub struct Sender<T> {
    raw: sys::creche_sender,
    on: sys::creche_loop,
    untaken: Option<Arc<Untaken<T>>>,
}

/// An item that was not sent, and why.
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
        let raw = self.item(item).into_raw();
        // SAFETY: any thread, any handle; the item is the channel's if this succeeds.
        check(unsafe { sys::creche_channel_try_send(self.raw, raw) }).map_err(|error| {
            // SAFETY: "or not at all (then it stays yours)".
            NotSent { error, item: unsafe { Item::from_raw(raw) }.take() }
        })
    }

    fn item(&self, item: T) -> Item<T> {
        Item { value: Some(item), untaken: self.untaken.clone() }
    }
}

impl<T> Sender<T> {
    /// Another handle of the same side.
    pub fn try_clone(&self) -> Result<Sender<T>> {
        let mut raw = sys::creche_sender::default();
        // SAFETY: any thread, any handle; the clone outlives the call.
        check(unsafe { sys::creche_sender_clone(self.raw, &mut raw) })?;
        Ok(Sender { raw, on: self.on, untaken: self.untaken.clone() })
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
        let item = self.sender.item(self.item).into_raw();
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

// ---- Receiving ----

/// A handle of the receiving side of a [`channel`]. Dropping it fails the receives through it that wait.
pub struct Receiver<T> {
    raw: sys::creche_receiver,
    on: sys::creche_loop,
    items: PhantomData<fn() -> T>,
}

impl<T: Send + 'static> Receiver<T> {
    /// Receives an item; None after the last one, when all senders are gone. Dropping the future before
    /// an item came takes none.
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
}

impl<T> Receiver<T> {
    /// Another handle of the same side.
    pub fn try_clone(&self) -> Result<Receiver<T>> {
        let mut raw = sys::creche_receiver::default();
        // SAFETY: any thread, any handle; the clone outlives the call.
        check(unsafe { sys::creche_receiver_clone(self.raw, &mut raw) })?;
        Ok(Receiver { raw, on: self.on, items: PhantomData })
    }

    /// A look at the channel.
    pub fn state(&self) -> Result<ChannelState> {
        // SAFETY: any thread, any handle; the size is that of the memory.
        ChannelState::of(|s, size| unsafe { sys::creche_receiver_get_state(self.raw, s, size) })
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
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
        let raw = self.receiver.raw;
        Receiving(Pending::start(
            self.receiver.on,
            &self.task,
            |within, options, done, user, task| {
                // SAFETY: options live until the call returns; user until the completion.
                Ok(unsafe { sys::creche_channel_receive(raw, within, options, done, user, task) })
            },
        ))
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

/// A receive that has been started: a [`Pending`] whose item goes where
/// [`ChannelOptions::untaken`] says if it comes and this is dropped. Poll a `&mut` to it where others
/// may win (a `select`): then nothing is lost.
#[must_use = "dropping it cancels the receive: await it"]
pub struct Receiving<T>(Pending<Option<Item<T>>>);

impl<T: Send + 'static> Answer for Option<Item<T>> {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Option<Item<T>>> {
        if completion.kind == sys::CRECHE_END {
            return Ok(None);
        }
        // SAFETY: what was sent, and is ours now.
        Ok(Some(unsafe { Item::from_raw(completion.value) }))
    }
}

impl<T> Receiving<T> {
    /// The operation's own scope: cancelling it stops the receive, unless an item has come.
    pub fn scope(&self) -> Scope {
        self.0.scope()
    }
}

impl<T> Future for Receiving<T> {
    type Output = Result<Option<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Option<T>>> {
        Pin::new(&mut self.0).poll(context).map_ok(|item| item.map(Item::take))
    }
}

impl<T> fmt::Debug for Receiving<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiving").field(&self.scope()).finish()
    }
}
