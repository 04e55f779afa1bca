//! Channels: bounded queues between tasks and threads.
use crate::error::{Error, Result};
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending};
use crate::runtime::Loop;
use crate::scope::Scope;
use crate::status::Status;
use crate::sync::lock;
use crate::sys_ext::{c_text, check};
use creche_sys as sys;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::mem::zeroed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex};
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
    /// sends that failed or were cancelled, and what is in the channel after its last receiver, or goes
    /// back to it then. Called once for each, on any thread.
    pub fn untaken(mut self, take: impl Fn(T) + Send + Sync + 'static) -> Self {
        self.untaken = Some(Arc::new(take));
        self
    }
}

/// What both sides of a channel know.
struct Home<T> {
    untaken: Option<Arc<Untaken<T>>>,
    /// The handles that are not dropped.
    receivers: Mutex<Vec<sys::creche_receiver>>,
    came: Mutex<Came<T>>,
}

/// What has come to receives that were not polled since. The first of them has the first item, and so
/// on: if one is dropped the items move up, and the last goes back. So they stay in order.
struct Came<T> {
    tickets: VecDeque<u64>,
    items: VecDeque<Item<T>>,
    last: u64,
}

impl<T> Home<T> {
    fn came(self: &Arc<Home<T>>, item: Item<T>) -> Ticket<T> {
        let mut came = lock(&self.came);
        came.last += 1;
        let number = came.last;
        came.tickets.push_back(number);
        came.items.push_back(item);
        Ticket { home: self.clone(), number }
    }

    /// In front of what is in the channel, by any receiver that there is: the error of the last that
    /// could not, and the item.
    fn put_back(&self, item: Item<T>) -> std::result::Result<(), (Error, Item<T>)> {
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
    fn after_the_end(&self) -> Option<T> {
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
struct Ticket<T> {
    home: Arc<Home<T>>,
    /// 0: it is used.
    number: u64,
}

impl<T> Ticket<T> {
    fn take(mut self) -> T {
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
struct Item<T> {
    value: Option<T>,
    home: Arc<Home<T>>,
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
        if let (Some(value), Some(untaken)) = (self.value.take(), &self.home.untaken) {
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
    let home = Arc::new(Home {
        untaken: options.untaken,
        receivers: Mutex::new(vec![receiver]),
        came: Mutex::new(Came { tickets: VecDeque::new(), items: VecDeque::new(), last: 0 }),
    });
    let sender = Sender { raw: sender, on: on.raw, home: home.clone() };
    Ok((sender, Receiver { raw: receiver, on: on.raw, home }))
}

/// A channel as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChannelState {
    /// In the channel; more than `capacity` after some went back.
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
    home: Arc<Home<T>>,
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
        let raw = self.item(item).into_raw();
        // SAFETY: any thread, any handle; the item is the channel's if this succeeds.
        check(unsafe { sys::creche_channel_try_send(self.raw, raw) }).map_err(|error| {
            // SAFETY: "or not at all (then it stays yours)".
            NotSent { error, item: unsafe { Item::from_raw(raw) }.take() }
        })
    }

    fn item(&self, item: T) -> Item<T> {
        Item { value: Some(item), home: self.home.clone() }
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
    home: Arc<Home<T>>,
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
        came.items.push_front(Item { value: Some(item), home: self.home.clone() });
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
/// the last receiver was dropped an item goes where [`ChannelOptions::untaken`] says.
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
