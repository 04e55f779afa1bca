//! HTTP client sessions.
use crate::body::Body;
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Pending, awaitable, closing};
use crate::response::{Response, Streaming};
use crate::runtime::Loop;
use crate::sys_ext::{c_text, check, nanoseconds};
use creche_sys as sys;
use std::ffi::CString;
use std::mem::zeroed;
use std::ptr::null;
use std::time::Duration;

/// Header fields as C wants them; their text lives in this.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    fn with<R>(&self, use_them: impl FnOnce(&[sys::creche_header]) -> R) -> Result<R> {
        let names =
            self.0.iter().map(|(name, _)| c_text(name)).collect::<Result<Vec<CString>>>()?;
        let raw: Vec<_> = names
            .iter()
            .zip(&self.0)
            .map(|(name, (_, value))| sys::creche_header {
                name: name.as_ptr(),
                value: value.as_ptr().cast(),
                value_size: value.len(),
            })
            .collect();
        Ok(use_them(&raw))
    }
}

/// Timeouts of the phases of a request. None: the session's, in a session the library's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpTimeouts {
    /// Waiting for a connection of the session to be free.
    pub pool: Option<Duration>,
    /// Resolving the name.
    pub dns: Option<Duration>,
    /// TCP, all addresses.
    pub connect: Option<Duration>,
    /// The handshake.
    pub tls: Option<Duration>,
    /// A gap without progress in sending.
    pub send: Option<Duration>,
    /// From the end of sending to the end of the answer's head, whatever comes before it.
    pub first_byte: Option<Duration>,
    /// Between two reads.
    pub read_gap: Option<Duration>,
}

impl HttpTimeouts {
    fn raw(&self) -> sys::creche_http_timeouts {
        // Zero is C's word for the default; a real zero is over at once.
        let one = |time: Option<Duration>| time.map_or(0, |time| nanoseconds(time).max(1));
        sys::creche_http_timeouts {
            pool: one(self.pool),
            dns: one(self.dns),
            connect: one(self.connect),
            tls: one(self.tls),
            send: one(self.send),
            first_byte: one(self.first_byte),
            read_gap: one(self.read_gap),
            reserved: 0,
        }
    }
}

/// Options of a [`Session`]. What is not set is as the library has it.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    flags: u32,
    limit: Option<u32>,
    limit_per_host: Option<u32>,
    max_waiting: Option<u32>,
    max_redirects: Option<u32>,
    max_header_bytes: Option<u32>,
    dns_ttl: Option<Duration>,
    max_body: Option<u64>,
    keepalive: Option<Duration>,
    timeouts: HttpTimeouts,
    user_agent: Option<String>,
    ca_file: Option<String>,
    headers: Fields,
}

impl SessionOptions {
    /// The library's defaults.
    pub fn new() -> SessionOptions {
        SessionOptions::default()
    }

    /// Does not verify certificates: for tests only.
    pub fn insecure(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_INSECURE;
        self
    }

    /// Sends no Accept-Encoding, leaves bodies coded.
    pub fn no_decode(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_NO_DECODE;
        self
    }

    /// Takes responses of old and small servers that are refused otherwise, as far as they can be
    /// read in one way only: line feeds alone, folded lines of framing fields, equal
    /// Content-Lengths, blanks behind the size of a chunk.
    pub fn lenient(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_LENIENT;
        self
    }

    /// Connections at the most, idle ones too; 0: no limit.
    pub fn limit(mut self, connections: u32) -> Self {
        self.limit = Some(connections);
        self
    }

    /// Connections to each origin at the most; 0: no limit.
    pub fn limit_per_host(mut self, connections: u32) -> Self {
        self.limit_per_host = Some(connections);
        self
    }

    /// Requests that may wait for a connection; 0: no limit.
    pub fn max_waiting(mut self, requests: u32) -> Self {
        self.max_waiting = Some(requests);
        self
    }

    /// Redirects followed for a request; 0: the redirect is the answer.
    pub fn max_redirects(mut self, count: u32) -> Self {
        self.max_redirects = Some(count);
        self
    }

    /// Of the head of a response.
    pub fn max_header_bytes(mut self, bytes: u32) -> Self {
        self.max_header_bytes = Some(bytes);
        self
    }

    /// How long a resolved name is kept.
    pub fn dns_ttl(mut self, ttl: Duration) -> Self {
        self.dns_ttl = Some(ttl);
        self
    }

    /// Of a whole body, decoded.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// How long an idle connection is kept.
    pub fn keepalive(mut self, time: Duration) -> Self {
        self.keepalive = Some(time);
        self
    }

    /// Timeouts of the phases of each request.
    pub fn timeouts(mut self, timeouts: HttpTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Empty for none.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// A PEM file of trusted authorities instead of the system's.
    pub fn ca_file(mut self, path: impl Into<String>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// A header field that every request gets, unless it names the same itself.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.0.push((name.into(), value.into()));
        self
    }

    fn open(&self, on: Loop) -> Result<sys::creche_session> {
        let agent = self.user_agent.as_deref().map(c_text).transpose()?;
        let file = self.ca_file.as_deref().map(c_text).transpose()?;
        let mut session = sys::creche_session::default();
        self.headers.with(|headers| {
            // SAFETY: plain options; they and what they point to live until the call returns.
            check(unsafe {
                let mut o: sys::creche_session_options = zeroed();
                check(sys::creche_session_options_init(&mut o, size_of_val(&o)))?;
                o.flags = self.flags;
                o.limit = self.limit.unwrap_or(o.limit);
                o.limit_per_host = self.limit_per_host.unwrap_or(o.limit_per_host);
                o.max_waiting = self.max_waiting.unwrap_or(o.max_waiting);
                o.max_redirects = self.max_redirects.unwrap_or(o.max_redirects);
                o.max_header_bytes = self.max_header_bytes.unwrap_or(o.max_header_bytes);
                o.max_body = self.max_body.unwrap_or(o.max_body);
                o.keepalive = self.keepalive.map_or(o.keepalive, nanoseconds);
                if let Some(ttl) = self.dns_ttl {
                    o.dns_ttl_ms = ttl.as_millis().try_into().unwrap_or(u32::MAX);
                }
                if self.timeouts != HttpTimeouts::default() {
                    merge(&mut o.timeouts, self.timeouts.raw());
                }
                o.user_agent = agent.as_ref().map_or(o.user_agent, |text| text.as_ptr());
                o.ca_file = file.as_ref().map_or(null(), |text| text.as_ptr());
                o.headers = headers.as_ptr();
                o.headers_count = headers.len();
                sys::creche_session_open(on.raw, &o, &mut session)
            })
        })??;
        Ok(session)
    }
}

/// Sets what is given.
fn merge(all: &mut sys::creche_http_timeouts, given: sys::creche_http_timeouts) {
    for (place, value) in [
        (&mut all.pool, given.pool),
        (&mut all.dns, given.dns),
        (&mut all.connect, given.connect),
        (&mut all.tls, given.tls),
        (&mut all.send, given.send),
        (&mut all.first_byte, given.first_byte),
        (&mut all.read_gap, given.read_gap),
    ] {
        if value != 0 {
            *place = value;
        }
    }
}

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
}

/// An HTTP client with a pool of kept connections. Share it by reference; dropping it closes it.
#[derive(Debug)]
pub struct Session {
    raw: sys::creche_session,
    on: sys::creche_loop,
}

impl Session {
    /// A session on the default loop. It connects nowhere yet.
    pub fn new(options: SessionOptions) -> Result<Session> {
        Session::on(Loop::current()?, options)
    }

    /// A session on a loop of your own.
    pub fn on(on: Loop, options: SessionOptions) -> Result<Session> {
        Ok(Session { raw: options.open(on)?, on: on.raw })
    }

    /// A request. A malformed URL or header fails like any other request: when it is awaited.
    pub fn request<'a>(&'a self, method: &'a str, url: &'a str) -> Request<'a> {
        Request {
            session: self,
            url,
            method: Some(method),
            headers: Fields::default(),
            body: None,
            flags: 0,
            max_body: 0,
            max_redirects: None,
            timeouts: HttpTimeouts::default(),
            task: TaskOptions::new(),
        }
    }

    /// A GET.
    pub fn get<'a>(&'a self, url: &'a str) -> Request<'a> {
        self.request("GET", url)
    }

    /// A POST with a body.
    pub fn post<'a>(&'a self, url: &'a str, body: impl Into<Body>) -> Request<'a> {
        self.request("POST", url).body(body)
    }

    /// A PUT with a body.
    pub fn put<'a>(&'a self, url: &'a str, body: impl Into<Body>) -> Request<'a> {
        self.request("PUT", url).body(body)
    }

    /// What it has now and did so far.
    pub fn counters(&self) -> Result<SessionCounters> {
        // SAFETY: plain numbers; the size is that of the memory.
        let c = unsafe {
            let mut c: sys::creche_session_counters = zeroed();
            check(sys::creche_session_get_counters(self.raw, &mut c, size_of_val(&c)))?;
            c
        };
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

/// A request that is not started yet: await it for the whole answer, or [`stream`](Request::stream)
/// it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct Request<'a> {
    session: &'a Session,
    url: &'a str,
    method: Option<&'a str>,
    headers: Fields,
    body: Option<Body>,
    flags: u32,
    max_body: u64,
    max_redirects: Option<u32>,
    timeouts: HttpTimeouts,
    task: TaskOptions,
}

/// creche_session_fetch or creche_session_send.
type Call = unsafe extern "C" fn(
    sys::creche_session,
    sys::creche_scope,
    *const std::ffi::c_char,
    *const sys::creche_request_options,
    sys::creche_done_fn,
    *mut std::ffi::c_void,
    *mut sys::creche_task,
) -> sys::creche_status;

impl<'a> Request<'a> {
    task_options!();

    /// A header field.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.0.push((name.into(), value.into()));
        self
    }

    /// Its body: bytes, text, or what a [`BodyWriter`](crate::BodyWriter) writes.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Of the answer's whole body, decoded.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// Redirects followed; 0: the redirect is the answer.
    pub fn max_redirects(mut self, count: u32) -> Self {
        self.max_redirects = Some(count);
        self
    }

    /// Timeouts of its phases.
    pub fn timeouts(mut self, timeouts: HttpTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sends no Accept-Encoding, leaves the body coded.
    pub fn no_decode(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_NO_DECODE;
        self
    }

    /// Never sends it again on a new connection when a kept one was dead.
    pub fn no_retry(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_NO_RETRY;
        self
    }

    /// For this request: as [`SessionOptions::lenient`].
    pub fn lenient(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_LENIENT;
        self
    }

    /// Starts it without waiting, for the whole answer.
    pub fn start(self) -> Pending<Response> {
        self.call(sys::creche_session_fetch)
    }

    /// Starts it without waiting, for an answer whose body is read piece by piece. Until the body has
    /// been read to its end, the answer is a lease of the nearest task or group, which it holds open.
    /// A [written](Body::written) body may still be written while the answer is read.
    pub fn stream(self) -> Pending<Streaming> {
        self.call(sys::creche_session_send)
    }

    fn call<T: crate::pending::Answer>(mut self, call: Call) -> Pending<T> {
        let (bytes, size, source) = match self.body.take().map(Body::into_parts) {
            None => (None, 0, None),
            Some((Some(bytes), size, _)) => (Some(bytes), size, None),
            Some((None, size, source)) => {
                self.flags |= sys::CRECHE_REQUEST_PULL_BODY;
                (None, size, source)
            }
        };
        let on = self.session.on;
        let options = self.task.clone();
        Pending::start_pulling(on, &options, source, |within, task_options, done, user, task| {
            let url = c_text(self.url)?;
            let method = self.method.map(c_text).transpose()?;
            self.headers.with(|headers| {
                // SAFETY: plain options; they and what they point to live until the call returns;
                // user until the final completion.
                unsafe {
                    let mut o: sys::creche_request_options = zeroed();
                    match sys::creche_request_options_init(&mut o, size_of_val(&o)) {
                        sys::CRECHE_OK => {}
                        failed => return failed,
                    }
                    o.flags = self.flags;
                    o.method = method.as_ref().map_or(null(), |text| text.as_ptr());
                    o.headers = headers.as_ptr();
                    o.headers_count = headers.len();
                    o.body = bytes.as_ref().map_or(null(), |bytes| bytes.as_ptr().cast());
                    o.body_size = size;
                    o.max_body = self.max_body;
                    o.max_redirects = self.max_redirects.unwrap_or(o.max_redirects);
                    o.timeouts = self.timeouts.raw();
                    o.task = task_options;
                    call(self.session.raw, within, url.as_ptr(), &o, done, user, task)
                }
            })
        })
    }
}

awaitable!(Request<'a> => Response);
