//! Server-sent events.
use crate::error::{Error, Result};
use crate::flow::{Flow, Flowing, Next};
use crate::pending::Answer;
use crate::request::Request;
use crate::scope::Scope;
use crate::status::Status;
use crate::sys_ext::{c_text, defaults, nanoseconds};
use crate::watch::WatchedStream;
use creche_sys as sys;
use std::fmt;
use std::future::poll_fn;
use std::ptr::{NonNull, null};
use std::task::{Context, Poll};
use std::time::Duration;

/// An event of a server. Those that you keep hold the server back.
pub struct ServerEvent {
    raw: u64,
    fields: NonNull<sys::creche_server_event>,
}

// SAFETY: immutable, and alive until the handle is released, which is ours.
unsafe impl Send for ServerEvent {}
// SAFETY: as above.
unsafe impl Sync for ServerEvent {}

impl Drop for ServerEvent {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_value_release(self.raw) };
    }
}

impl Answer for ServerEvent {
    unsafe fn read(completion: &sys::creche_completion) -> Result<ServerEvent> {
        let raw = completion.value;
        match NonNull::new(completion.data.cast_mut().cast()) {
            Some(fields) => Ok(ServerEvent { raw, fields }),
            None => Err(Error::own(Status::INTERNAL, "an event without its data".to_owned())),
        }
    }
}

impl Flowing for ServerEvent {
    const KIND: u32 = sys::CRECHE_EVENT;
}

impl ServerEvent {
    fn fields(&self) -> &sys::creche_server_event {
        // SAFETY: see Send.
        unsafe { self.fields.as_ref() }
    }

    fn text(&self, at: *const std::ffi::c_char, size: usize) -> &str {
        // SAFETY: so many bytes, as long as the handle lives.
        let bytes = unsafe { std::slice::from_raw_parts(at.cast::<u8>(), size) };
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// "message" if the server names none.
    pub fn event_type(&self) -> &str {
        self.text(self.fields().type_, self.fields().type_size)
    }

    /// Its data: lines joined by line feeds.
    pub fn data(&self) -> &str {
        self.text(self.fields().data, self.fields().data_size)
    }

    /// The last id that the server has said, in this event or before; or empty.
    pub fn id(&self) -> &str {
        self.text(self.fields().id, self.fields().id_size)
    }

    /// The number of the connection that brought it, from 1 on: a greater one than before says that the
    /// stream was lost in between.
    pub fn connection(&self) -> u32 {
        self.fields().connection
    }
}

impl fmt::Debug for ServerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerEvent")
            .field("type", &self.event_type())
            .field("data", &self.data())
            .field("id", &self.id())
            .finish()
    }
}

/// A stream of events that is not asked for yet: [`start`](Events::start) it.
#[derive(Debug)]
#[must_use = "start it"]
pub struct Events<'a> {
    request: Request<'a>,
    flags: u32,
    last_event_id: Option<&'a str>,
    retry: Option<Duration>,
    max_retry: Option<Duration>,
    max_data: Option<u64>,
    max_held: Option<u64>,
    attempts: Option<u32>,
}

impl<'a> Request<'a> {
    /// For server-sent events, as they come. The stream is asked for again when it is lost.
    pub fn events(self) -> Events<'a> {
        Events {
            request: self,
            flags: sys::CRECHE_EVENTS_KEEP,
            last_event_id: None,
            retry: None,
            max_retry: None,
            max_data: None,
            max_held: None,
            attempts: None,
        }
    }
}

impl<'a> Events<'a> {
    /// The end of the first stream is the end: nothing is asked for again.
    pub fn once(mut self) -> Self {
        self.flags |= sys::CRECHE_EVENTS_ONCE;
        self
    }

    /// Asks again also with a method that is not idempotent, such as POST.
    pub fn again(mut self) -> Self {
        self.flags |= sys::CRECHE_EVENTS_AGAIN;
        self
    }

    /// Where to go on.
    pub fn last_event_id(mut self, id: &'a str) -> Self {
        self.last_event_id = Some(id);
        self
    }

    /// The wait before the next connection, until the server says another; without, 3 s.
    pub fn retry(mut self, wait: Duration) -> Self {
        self.retry = Some(wait);
        self
    }

    /// The longest wait, whoever says so; without, 30 s.
    pub fn max_retry(mut self, wait: Duration) -> Self {
        self.max_retry = Some(wait);
        self
    }

    /// Of an event's data; without, 16 MiB.
    pub fn max_data(mut self, bytes: u64) -> Self {
        self.max_data = Some(bytes);
        self
    }

    /// Of all events that have come and are not dropped yet; without, 256 KiB.
    pub fn max_held(mut self, bytes: u64) -> Self {
        self.max_held = Some(bytes);
        self
    }

    /// Connections in a row that bring nothing before it fails; without, 10; 0: no limit.
    pub fn attempts(mut self, count: u32) -> Self {
        self.attempts = Some(count);
        self
    }

    /// Asks for it.
    pub fn start(self) -> EventStream {
        let (mut request, parts) = self.request.into_parts();
        request.take_watch(None);
        let watched = WatchedStream(request.watched.clone());
        let session = request.session();
        let flow = Flow::start(session.on, request.task(), |within, task, done, user, out| {
            let last_id = self.last_event_id.map(c_text).transpose()?;
            // SAFETY: its own init function.
            let mut o = unsafe { defaults(sys::creche_events_options_init) }?;
            o.flags = self.flags;
            o.last_event_id = last_id.as_ref().map_or(null(), |text| text.as_ptr());
            o.retry = self.retry.map_or(o.retry, nanoseconds);
            o.max_retry = self.max_retry.map_or(o.max_retry, nanoseconds);
            o.max_data = self.max_data.unwrap_or(o.max_data);
            o.max_held = self.max_held.unwrap_or(o.max_held);
            o.attempts = self.attempts.unwrap_or(o.attempts);
            request.in_c(&parts, task, |url, options| {
                o.request = options;
                // SAFETY: the options and what they point to live until the call returns; user
                // until the final completion.
                unsafe { sys::creche_session_events(session.raw, within, url, &o, done, user, out) }
            })
        });
        EventStream { flow, _watched: watched }
    }
}

/// Events as they come. Dropping it closes the connection.
#[must_use = "dropping it closes the connection"]
pub struct EventStream {
    flow: Flow<ServerEvent>,
    _watched: WatchedStream,
}

impl EventStream {
    /// The operation's own scope.
    pub fn scope(&self) -> Scope {
        self.flow.scope()
    }

    /// The next event; None when the server wants no more connections (204), or at the end of the only
    /// stream.
    pub async fn next(&mut self) -> Result<Option<ServerEvent>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for adapters to other streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<ServerEvent>>> {
        self.flow.poll_next(context).map_ok(|next| match next {
            Next::Item(event) => Some(event),
            Next::End(_) | Next::Over => None,
        })
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("scope", &self.scope()).finish_non_exhaustive()
    }
}
