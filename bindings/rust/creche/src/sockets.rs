//! What is set on the sockets that a session connects with.
use crate::error::Result;
use crate::status::Status;
use crate::sync::lock;
use crate::sys_ext::{c_text, defaults, nanoseconds};
use creche_sys as sys;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// A socket that is about to connect, for the time of the call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewSocket<'a> {
    /// To set options on.
    pub fd: BorrowedFd<'a>,
    /// Where it will connect to: "192.0.2.1:443", "unix:/path".
    pub address: &'a str,
}

type Look = dyn Fn(&NewSocket<'_>) -> std::result::Result<(), Status> + Send + Sync;

/// Options of sockets; what is not set is as the system has it. Without delay (`TCP_NODELAY`) they always are.
#[derive(Clone, Default)]
pub struct SocketOptions {
    keepalive: (Duration, Duration, u32),
    user_timeout: Duration,
    send_buffer: u32,
    receive_buffer: u32,
    interface: Option<String>,
    opened: Option<Arc<Look>>,
}

impl fmt::Debug for SocketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketOptions")
    }
}

impl SocketOptions {
    /// None of them.
    pub fn new() -> SocketOptions {
        SocketOptions::default()
    }

    /// Keep-alive of TCP: after `idle` of silence a probe each `interval`, `count` of them at the most. 0 in
    /// one: as the system has it.
    pub fn keepalive(mut self, idle: Duration, interval: Duration, count: u32) -> Self {
        self.keepalive = (idle, interval, count);
        self
    }

    /// How long what was sent may stay without an acknowledgement (`TCP_USER_TIMEOUT`).
    pub fn user_timeout(mut self, time: Duration) -> Self {
        self.user_timeout = time;
        self
    }

    /// `SO_SNDBUF`.
    pub fn send_buffer(mut self, bytes: u32) -> Self {
        self.send_buffer = bytes;
        self
    }

    /// `SO_RCVBUF`.
    pub fn receive_buffer(mut self, bytes: u32) -> Self {
        self.receive_buffer = bytes;
        self
    }

    /// The network interface that packets go through (`SO_BINDTODEVICE`).
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.interface = Some(name.into());
        self
    }

    /// Sees each new socket before it connects, on the loop's thread: it must return soon. A status refuses the
    /// address: others of the name are tried, and the request fails with it if none answers.
    pub fn opened(
        mut self,
        look: impl Fn(&NewSocket<'_>) -> std::result::Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        self.opened = Some(Arc::new(look));
        self
    }

    /// Gives `f` what C is told, with the function by its number.
    pub(crate) fn with<R>(
        options: Option<&SocketOptions>,
        looking: Option<&Looking>,
        f: impl FnOnce(*const sys::creche_socket_options) -> R,
    ) -> Result<R> {
        let Some(o) = options else { return Ok(f(null())) };
        let interface: Option<CString> = o.interface.as_deref().map(c_text).transpose()?;
        // SAFETY: a function that fills what it is given.
        let mut raw = unsafe { defaults(sys::creche_socket_options_init) }?;
        raw.keepalive_idle = nanoseconds(o.keepalive.0);
        raw.keepalive_interval = nanoseconds(o.keepalive.1);
        raw.keepalive_count = o.keepalive.2;
        raw.user_timeout = nanoseconds(o.user_timeout);
        raw.send_buffer = o.send_buffer;
        raw.receive_buffer = o.receive_buffer;
        raw.interface_name = interface.as_ref().map_or(null(), |name| name.as_ptr());
        if let Some(looking) = looking {
            raw.opened = Some(look);
            raw.user = looking.0 as *mut c_void;
        }
        Ok(f(&raw))
    }
}

/// Those of open sessions, by the numbers that C is given: what comes late finds nobody.
static OPEN: LazyLock<Mutex<HashMap<usize, Arc<Look>>>> = LazyLock::new(Mutex::default);
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

/// A function that is called; dropping it ends that.
#[derive(Debug)]
pub(crate) struct Looking(usize);

impl Looking {
    /// None if there is none.
    pub(crate) fn new(options: Option<&SocketOptions>) -> Option<Looking> {
        let look = options?.opened.clone()?;
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        lock(&OPEN).insert(number, look);
        Some(Looking(number))
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let gone = lock(&OPEN).remove(&self.0);
        drop(gone); // without the lock: it is the user's
    }
}

unsafe extern "C" fn look(
    user: *mut c_void,
    socket: *const sys::creche_new_socket,
) -> sys::creche_status {
    let found = lock(&OPEN).get(&(user as usize)).cloned();
    let Some(look) = found else { return sys::CRECHE_E_CLOSED };
    // SAFETY: the socket and its text live until this returns, and the descriptor stays open.
    let shown = unsafe {
        let socket = &*socket;
        NewSocket {
            fd: BorrowedFd::borrow_raw(socket.fd),
            address: CStr::from_ptr(socket.address).to_str().unwrap_or_default(),
        }
    };
    // A panic must not get into C.
    match catch_unwind(AssertUnwindSafe(|| look(&shown))) {
        Ok(Ok(())) => sys::CRECHE_OK,
        Ok(Err(status)) => status.0,
        Err(_) => sys::CRECHE_E_USER,
    }
}
