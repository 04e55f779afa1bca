//! What a session tells of its requests as they happen, or one request of itself.
use crate::pending::Pull;
use crate::status::Status;
use crate::sync::lock;
use creche_sys as sys;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// What happened: see the constants of C, `CRECHE_WATCH_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WatchKind(pub u32);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $raw:ident,)*) => {
        impl WatchKind {
            $($(#[$doc])* pub const $name: WatchKind = WatchKind(sys::$raw as u32);)*
        }
    };
}
kinds! {
    /// A request begins.
    REQUEST_START = CRECHE_WATCH_REQUEST_START,
    /// It has ended: its answer has come whole, or it failed, or was cancelled.
    REQUEST_END = CRECHE_WATCH_REQUEST_END,
    /// It goes to another place.
    REDIRECT = CRECHE_WATCH_REDIRECT,
    /// It is made again.
    AGAIN = CRECHE_WATCH_AGAIN,
    /// It waits for a connection.
    QUEUE_START = CRECHE_WATCH_QUEUE_START,
    /// It waits no longer.
    QUEUE_END = CRECHE_WATCH_QUEUE_END,
    /// A connection is made for it.
    CONNECTION_START = CRECHE_WATCH_CONNECTION_START,
    /// That is there, or failed.
    CONNECTION_END = CRECHE_WATCH_CONNECTION_END,
    /// It has a kept connection.
    CONNECTION_REUSED = CRECHE_WATCH_CONNECTION_REUSED,
    /// A connection was closed.
    CONNECTION_CLOSED = CRECHE_WATCH_CONNECTION_CLOSED,
    /// A name is needed.
    DNS_START = CRECHE_WATCH_DNS_START,
    /// Its addresses are there.
    DNS_END = CRECHE_WATCH_DNS_END,
    /// They were known.
    DNS_CACHE_HIT = CRECHE_WATCH_DNS_CACHE_HIT,
    /// They had to be asked for.
    DNS_CACHE_MISS = CRECHE_WATCH_DNS_CACHE_MISS,
    /// It connects.
    TCP_START = CRECHE_WATCH_TCP_START,
    /// It is connected.
    TCP_END = CRECHE_WATCH_TCP_END,
    /// A proxy is asked.
    PROXY_START = CRECHE_WATCH_PROXY_START,
    /// It has connected.
    PROXY_END = CRECHE_WATCH_PROXY_END,
    /// A handshake begins.
    TLS_START = CRECHE_WATCH_TLS_START,
    /// It is done.
    TLS_END = CRECHE_WATCH_TLS_END,
    /// The head has been sent.
    HEADERS_SENT = CRECHE_WATCH_HEADERS_SENT,
    /// Some of the body has.
    CHUNK_SENT = CRECHE_WATCH_CHUNK_SENT,
    /// An answer before the answer: 103 Early Hints and the like.
    INFORMATIONAL = CRECHE_WATCH_INFORMATIONAL,
    /// The head of an answer has come.
    HEADERS_RECEIVED = CRECHE_WATCH_HEADERS_RECEIVED,
    /// Some of its body has.
    CHUNK_RECEIVED = CRECHE_WATCH_CHUNK_RECEIVED,
}

/// One event, for the time of the call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WatchEvent<'a> {
    /// What happened.
    pub kind: WatchKind,
    /// The number of the task that makes the request; 0: none.
    pub task: u64,
    /// When, on the loop's clock.
    pub time: Duration,
    /// How long it took, of what has an end.
    pub duration: Duration,
    /// [`Status::OK`], or how it failed.
    pub status: Status,
    /// Of the last head, or 0.
    pub http_status: u16,
    /// The number of the connection in its session; 0: none yet.
    pub connection: u64,
    /// Of what was sent or received, so far.
    pub bytes: u64,
    /// Of the request.
    pub method: &'a str,
    /// Without user info and query.
    pub url: &'a str,
    /// The other end of the connection.
    pub peer: Option<&'a str>,
    /// Of heads that have come.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// What went wrong.
    pub message: Option<&'a str>,
}

type Tell = dyn Fn(&WatchEvent<'_>) + Send + Sync;

/// A function of the user's, as an option.
#[derive(Clone)]
pub(crate) struct Watcher(Arc<Tell>);

impl Watcher {
    pub(crate) fn new(tell: impl Fn(&WatchEvent<'_>) + Send + Sync + 'static) -> Watcher {
        Watcher(Arc::new(tell))
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// Someone to tell. A request is told of until it has ended, also when its operation is over before that: a
/// stream's is with the head of the answer.
struct Entry {
    watcher: Watcher,
    running: bool,
    over: bool,
}

/// Those of open sessions and of requests, by the numbers that C is given: what comes late finds nobody.
static WATCHERS: LazyLock<Mutex<HashMap<usize, Entry>>> = LazyLock::new(Mutex::default);
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

fn remember(watcher: Watcher) -> usize {
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    lock(&WATCHERS).insert(number, Entry { watcher, running: false, over: false });
    number
}

/// As C wants it.
fn raw_of(number: usize) -> sys::creche_watch {
    sys::creche_watch {
        size: size_of::<sys::creche_watch>() as u32,
        flags: 0,
        events: u64::MAX,
        tell: Some(told),
        traceparent: None,
        user: number as *mut c_void,
    }
}

fn forget(number: usize, only_if: impl FnOnce(&mut Entry) -> bool) {
    let mut all = lock(&WATCHERS);
    let gone = match all.get_mut(&number).is_some_and(only_if) {
        true => all.remove(&number),
        false => None,
    };
    drop(all);
    drop(gone); // without the lock: it is the user's
}

/// A watcher that is told; dropping it ends that.
#[derive(Debug)]
pub(crate) struct Watching(usize);

impl Watching {
    pub(crate) fn new(watcher: Watcher) -> Watching {
        Watching(remember(watcher))
    }

    pub(crate) fn raw(&self) -> sys::creche_watch {
        raw_of(self.0)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        forget(self.0, |_| true);
    }
}

/// The watcher of one request, and where its body comes from.
pub(crate) struct Watched {
    number: usize,
    source: Option<Arc<dyn Pull>>,
}

impl Watched {
    pub(crate) fn new(watcher: Watcher, source: Option<Arc<dyn Pull>>) -> Watched {
        Watched { number: remember(watcher), source }
    }

    pub(crate) fn raw(&self) -> sys::creche_watch {
        raw_of(self.number)
    }
}

impl Pull for Watched {
    fn pulled(&self, task: sys::creche_task) {
        if let Some(source) = &self.source {
            source.pulled(task);
        }
    }

    fn over(&self) {
        if let Some(source) = &self.source {
            source.over();
        }
        forget(self.number, |entry| {
            entry.over = true;
            !entry.running
        });
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

/// The same for a stream of events: over when it is dropped.
#[derive(Debug)]
pub(crate) struct WatchedStream(pub(crate) Option<Arc<Watched>>);

impl Drop for WatchedStream {
    fn drop(&mut self) {
        if let Some(watched) = &self.0 {
            watched.over();
        }
    }
}

unsafe extern "C" fn told(user: *mut c_void, event: *const sys::creche_request_event) {
    // SAFETY: the event and its texts live until this returns.
    let event = unsafe { &*event };
    let kind = WatchKind(event.event);
    let number = user as usize;
    let watcher = {
        let mut all = lock(&WATCHERS);
        let Some(entry) = all.get_mut(&number) else { return };
        entry.running |= kind == WatchKind::REQUEST_START;
        entry.watcher.clone()
    };
    let text = |at: *const c_char| {
        // SAFETY: as above; it has its NUL.
        (!at.is_null()).then(|| unsafe { CStr::from_ptr(at) }.to_str().unwrap_or_default())
    };
    let headers = (0..event.headers_count)
        .map(|i| {
            // SAFETY: as above; as many as the count says.
            let header = unsafe { &*event.headers.add(i) };
            // SAFETY: as many bytes as its size says.
            let value =
                unsafe { std::slice::from_raw_parts(header.value.cast(), header.value_size) };
            (text(header.name).unwrap_or_default(), value)
        })
        .collect();
    // SAFETY: null, or an error that lives as long as the event.
    let message = unsafe { event.error.as_ref() }.and_then(|error| text(error.message));
    let span = |of: i64| Duration::from_nanos(of.max(0) as u64);
    let event = WatchEvent {
        kind,
        task: event.task.scope.id,
        time: span(event.time),
        duration: span(event.duration),
        status: Status(event.status),
        http_status: event.http_status as u16,
        connection: event.connection,
        bytes: event.bytes,
        method: text(event.method).unwrap_or_default(),
        url: text(event.url).unwrap_or_default(),
        peer: text(event.peer),
        headers,
        message,
    };
    // A panic must not get into C.
    let _ = catch_unwind(AssertUnwindSafe(|| (watcher.0)(&event)));
    if kind == WatchKind::REQUEST_END {
        forget(number, |entry| {
            entry.running = false;
            entry.over
        });
    }
    // Perhaps the last: its drop is the user's, too.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(watcher)));
}
