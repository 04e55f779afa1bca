//! WebSockets.
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, awaitable};
use crate::request::Request;
use crate::sys_ext::{c_text, defaults, nanoseconds};
use creche_sys as sys;
use std::ffi::{CStr, CString};
use std::ptr::null;
use std::time::Duration;

/// What a [`WebSocket`] receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// The server has closed: nothing else comes, each receive answers with this again.
    Closed {
        /// 1005 if it gave none.
        code: u16,
        /// Mostly empty.
        reason: String,
    },
}

impl Answer for Message {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Message> {
        let bytes: &[u8] = match completion.data_size {
            0 => &[],
            // SAFETY: so many bytes, which live until the callback returns.
            size => unsafe { std::slice::from_raw_parts(completion.data.cast(), size) },
        };
        Ok(match (completion.kind, completion.code) {
            (sys::CRECHE_MESSAGE, sys::CRECHE_WEBSOCKET_BINARY) => Message::Binary(bytes.to_vec()),
            (sys::CRECHE_MESSAGE, _) => Message::Text(std::str::from_utf8(bytes)?.to_owned()),
            (_, code) => Message::Closed {
                code: code as u16,
                reason: String::from_utf8_lossy(bytes).into_owned(),
            },
        })
    }
}

/// The code of a close.
impl Answer for u16 {
    unsafe fn read(completion: &sys::creche_completion) -> Result<u16> {
        Ok(completion.code as u16)
    }
}

/// A WebSocket that is not asked for yet: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct WebSocketRequest<'a> {
    request: Request<'a>,
    flags: u32,
    protocols: Vec<String>,
    max_message: Option<u64>,
    heartbeat: Option<Duration>,
    close_timeout: Option<Duration>,
}

impl<'a> Request<'a> {
    /// For a WebSocket, of a GET without a body: `ws://...`, `wss://...`, or the same with http and
    /// https.
    pub fn websocket(self) -> WebSocketRequest<'a> {
        WebSocketRequest {
            request: self,
            flags: 0,
            protocols: Vec::new(),
            max_message: None,
            heartbeat: None,
            close_timeout: None,
        }
    }
}

impl<'a> WebSocketRequest<'a> {
    /// Subprotocols to offer; the first one is liked best.
    pub fn protocols<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Of a message that is received, inflated or not; more ends the WebSocket. Without, 16 MiB.
    pub fn max_message(mut self, bytes: u64) -> Self {
        self.max_message = Some(bytes);
        self
    }

    /// After so long without a byte a ping is sent; after as long again without an answer the WebSocket
    /// ends with [`Status::TIMEOUT`](crate::Status::TIMEOUT). Without, never.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = Some(every);
        self
    }

    /// For the server to answer a close; without, 10 s.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = Some(timeout);
        self
    }

    /// Does not offer to compress messages.
    pub fn no_compression(mut self) -> Self {
        self.flags |= sys::CRECHE_WEBSOCKET_NO_COMPRESSION;
        self
    }

    /// Compresses messages with what was in those before: they are shorter, but some 300 KiB are held
    /// all the time.
    pub fn takeover(mut self) -> Self {
        self.flags |= sys::CRECHE_WEBSOCKET_TAKEOVER;
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<WebSocket> {
        let (mut request, parts) = self.request.without_get().into_parts();
        let watched = request.take_watch(None);
        let session = request.session();
        let on = session.on;
        Pending::start_pulling(on, request.task(), watched, |within, task, done, user, out| {
            let names = self.protocols.iter().map(|name| c_text(name));
            let names = names.collect::<Result<Vec<CString>>>()?;
            let protocols: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
            // SAFETY: its own init function.
            let mut o = unsafe { defaults(sys::creche_websocket_options_init) }?;
            o.flags = self.flags;
            o.protocols = protocols.as_ptr();
            o.protocols_count = protocols.len();
            o.max_message = self.max_message.unwrap_or(o.max_message);
            o.heartbeat = self.heartbeat.map_or(o.heartbeat, nanoseconds);
            o.close_timeout = self.close_timeout.map_or(o.close_timeout, nanoseconds);
            request.in_c(&parts, task, |url, options| {
                o.request = options;
                // SAFETY: the options and what they point to live until the call returns; user
                // until the completion.
                unsafe {
                    sys::creche_session_websocket(session.raw, within, url, &o, done, user, out)
                }
            })
        })
    }
}

awaitable!(WebSocketRequest<'a> => WebSocket);

/// An open WebSocket: a lease of the nearest task or group, which waits for its close. One can receive
/// while others send. Dropping it gives it up: the server hears of that if it is possible at once.
#[derive(Debug)]
pub struct WebSocket {
    raw: sys::creche_websocket,
    on: sys::creche_loop,
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_websocket_release(self.raw) };
    }
}

impl Answer for WebSocket {
    unsafe fn read(completion: &sys::creche_completion) -> Result<WebSocket> {
        let raw = sys::creche_websocket { id: completion.value };
        Ok(WebSocket { raw, on: sys::creche_loop::default() })
    }

    fn place(&mut self, on: sys::creche_loop) {
        self.on = on;
    }
}

impl WebSocket {
    /// The subprotocol that was agreed on, if there is one.
    pub fn protocol(&self) -> Option<&str> {
        // SAFETY: our handle; the text lives as long as it does.
        let name = unsafe { sys::creche_websocket_protocol(self.raw) };
        if name.is_null() {
            return None;
        }
        // SAFETY: as above.
        let name = unsafe { CStr::from_ptr(name) }.to_str().unwrap_or_default();
        (!name.is_empty()).then_some(name)
    }

    /// Sends text, behind what was sent before. It ends when the system has taken all of it. Dropped
    /// before it has begun to go out, it is not sent.
    pub fn send_text<'a>(&'a self, text: &'a str) -> SendMessage<'a> {
        self.send(sys::CRECHE_WEBSOCKET_TEXT, text.as_bytes())
    }

    /// Sends bytes, as [`send_text`](WebSocket::send_text).
    pub fn send_binary<'a>(&'a self, bytes: &'a [u8]) -> SendMessage<'a> {
        self.send(sys::CRECHE_WEBSOCKET_BINARY, bytes)
    }

    fn send<'a>(&'a self, kind: u32, bytes: &'a [u8]) -> SendMessage<'a> {
        SendMessage { to: self, kind, bytes, task: TaskOptions::new() }
    }

    /// Receives the next message, one at a time: a second receive fails with
    /// [`Status::STATE`](crate::Status::STATE). Not receiving holds the server back. Dropping it
    /// cancels only that; a message that it has already got is dropped with it.
    pub fn receive(&self) -> ReceiveMessage<'_> {
        ReceiveMessage { from: self, task: TaskOptions::new() }
    }

    /// Closes in order: what was sent before goes out, then a close with this code (0: none; 1000, or
    /// 3000 to 4999) and reason, of up to 123 bytes. It ends when the server has closed, too, with its
    /// code: 1005 if it gave none, 1006 if it never closed. What had come before can still be received.
    pub fn close<'a>(&'a self, code: u16, reason: &'a str) -> CloseWebSocket<'a> {
        CloseWebSocket { what: self, code, reason, task: TaskOptions::new() }
    }
}

/// A message that is not sent yet: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct SendMessage<'a> {
    to: &'a WebSocket,
    kind: u32,
    bytes: &'a [u8],
    task: TaskOptions,
}

impl SendMessage<'_> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<()> {
        Pending::start(self.to.on, &self.task, |within, options, done, user, task| {
            let (raw, data, size) = (self.to.raw, self.bytes.as_ptr().cast(), self.bytes.len());
            // SAFETY: our handle; options and bytes live until the call returns, which copies them;
            // user until the completion.
            Ok(unsafe {
                sys::creche_websocket_send(
                    raw, within, self.kind, data, size, options, done, user, task,
                )
            })
        })
    }
}

awaitable!(SendMessage<'a> => ());

/// One receive: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct ReceiveMessage<'a> {
    from: &'a WebSocket,
    task: TaskOptions,
}

impl ReceiveMessage<'_> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<Message> {
        Pending::start(self.from.on, &self.task, |within, options, done, user, task| {
            let raw = self.from.raw;
            // SAFETY: our handle; options live until the call returns; user until the completion.
            Ok(unsafe { sys::creche_websocket_receive(raw, within, options, done, user, task) })
        })
    }
}

awaitable!(ReceiveMessage<'a> => Message);

/// A close: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct CloseWebSocket<'a> {
    what: &'a WebSocket,
    code: u16,
    reason: &'a str,
    task: TaskOptions,
}

impl CloseWebSocket<'_> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<u16> {
        Pending::start(self.what.on, &self.task, |within, options, done, user, task| {
            let reason = c_text(self.reason)?;
            let (raw, code) = (self.what.raw, self.code.into());
            let reason = if self.reason.is_empty() { null() } else { reason.as_ptr() };
            // SAFETY: our handle; options and text live until the call returns; user until the
            // completion.
            Ok(unsafe {
                sys::creche_websocket_close(raw, within, code, reason, options, done, user, task)
            })
        })
    }
}

awaitable!(CloseWebSocket<'a> => u16);
