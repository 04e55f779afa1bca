//! HTTP client sessions.
use crate::auth::Auth;
use crate::error::Result;
use crate::histogram::Histogram;
use crate::middleware::Middleware;
use crate::pending::{Pending, closing};
use crate::runtime::Loop;
use crate::session_options::SessionOptions;
use crate::sockets::Looking;
use crate::sys_ext::filled;
use crate::watch::Watching;
use creche_sys as sys;

/// What a session has now and did so far.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct SessionCounters {
    pub requests: u64,
    pub connects: u64,
    pub reuses: u64,
    pub retries: u64,
    pub dns_lookups: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub active: u64,
    pub idle: u64,
    pub waiting: u64,
    /// Made by retry policies, after the first.
    pub attempts: u64,
    pub retries_denied: u64,
}

/// How long what a session did took so far: for each phase how often how long.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionTimings {
    /// Requests that waited for a connection, and got one.
    pub pool: Histogram,
    /// Of new connections: names that were looked up, or known already.
    pub dns: Histogram,
    /// Of new connections.
    pub connect: Histogram,
    /// Handshakes.
    pub tls: Histogram,
    /// Of answers that have come whole: from the end of sending to their first byte.
    pub first_byte: Histogram,
    /// Of these: from the call to the end of the body.
    pub total: Histogram,
}

/// An HTTP client with a pool of kept connections. Share it by reference; dropping it closes it.
#[derive(Debug)]
pub struct Session {
    pub(crate) raw: sys::creche_session,
    pub(crate) on: sys::creche_loop,
    _watching: Option<Watching>,
    _looking: Option<Looking>,
    _auth: Option<Auth>, // whom it asks
    _middleware: Option<Middleware>,
}

impl Session {
    /// A session on the default loop. It connects nowhere yet.
    pub fn new(options: SessionOptions) -> Result<Session> {
        Session::on(Loop::current()?, options)
    }

    /// A session on a loop of your own.
    pub fn on(on: Loop, options: SessionOptions) -> Result<Session> {
        let watching = options.watch.clone().map(Watching::new);
        let looking = Looking::new(options.sockets.as_ref());
        let raw = options.open(on, watching.as_ref(), looking.as_ref())?;
        Ok(Session {
            raw,
            on: on.raw,
            _watching: watching,
            _looking: looking,
            _auth: options.auth,
            _middleware: options.middleware,
        })
    }

    /// What it has now and did so far.
    pub fn counters(&self) -> Result<SessionCounters> {
        // SAFETY: plain numbers; the size is that of the memory.
        let c: sys::creche_session_counters =
            unsafe { filled(|c, size| sys::creche_session_get_counters(self.raw, c, size)) }?;
        Ok(SessionCounters {
            requests: c.requests,
            connects: c.connects,
            reuses: c.reuses,
            retries: c.retries,
            dns_lookups: c.dns_lookups,
            bytes_sent: c.bytes_sent,
            bytes_received: c.bytes_received,
            active: c.active,
            idle: c.idle,
            waiting: c.waiting,
            attempts: c.attempts,
            retries_denied: c.retries_denied,
        })
    }

    /// How long what it did took so far.
    pub fn timings(&self) -> Result<SessionTimings> {
        // SAFETY: plain numbers; the size is that of the memory.
        let t: sys::creche_session_timings =
            unsafe { filled(|t, size| sys::creche_session_get_timings(self.raw, t, size)) }?;
        Ok(SessionTimings {
            pool: t.pool.into(),
            dns: t.dns.into(),
            connect: t.connect.into(),
            tls: t.tls.into(),
            first_byte: t.first_byte.into(),
            total: t.total.into(),
        })
    }

    /// Closes it: requests in flight end with [`Status::CLOSED`](crate::Status::CLOSED). Starts at
    /// once; the future ends when all connections are closed.
    pub fn close(&self) -> Pending<()> {
        closing(self.on, |done, user| {
            // SAFETY: any thread; user lives until the last completion.
            unsafe { sys::creche_session_close(self.raw, done, user) }
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_session_release(self.raw) };
    }
}
