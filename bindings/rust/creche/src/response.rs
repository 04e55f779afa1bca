//! Answers: whole, and read piece by piece.
use crate::error::{Error, Result};
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending};
use crate::status::Status;
use crate::sys_ext::filled;
use creche_sys as sys;
use std::ffi::{CStr, CString};
use std::fmt;
use std::mem::zeroed;
use std::time::Duration;

/// The head of an answer, and the handle that it lives in.
#[derive(Debug)]
struct Head {
    raw: sys::creche_response,
    status: u16,
}

impl Drop for Head {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_response_release(self.raw) };
    }
}

/// Where the time of a request went: points of the loop's clock, None for what did not happen.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct ResponseInfo {
    pub started: Option<Duration>,
    pub connected: Option<Duration>,
    pub sent: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub ended: Option<Duration>,
    /// As received, coded.
    pub body_bytes: u64,
    /// On a kept connection.
    pub reused: bool,
    pub redirects: u32,
    /// Of HTTP/1.x.
    pub http_minor: u32,
    pub tls: bool,
    /// 1, and what a retry policy made after the first.
    pub attempts: u32,
    /// The other end of the connection, "192.0.2.1:443"; of the proxy, if there is one.
    pub peer: Option<String>,
    /// "TLSv1.3"
    pub tls_version: Option<String>,
    pub tls_cipher: Option<String>,
}

impl Head {
    fn header(&self, name: &str) -> Option<&[u8]> {
        let name = CString::new(name).ok()?;
        let mut size = 0;
        // SAFETY: our handle; the value lives as long as it does.
        unsafe {
            let value = sys::creche_response_header(self.raw, name.as_ptr(), &mut size);
            (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast(), size))
        }
    }

    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        // SAFETY: our handle; the texts live as long as it does.
        unsafe {
            let mut header: sys::creche_header = zeroed();
            if sys::creche_response_header_at(self.raw, index, &mut header) != sys::CRECHE_OK {
                return None;
            }
            // Names are tokens: ASCII.
            let name = CStr::from_ptr(header.name).to_str().unwrap_or_default();
            Some((name, std::slice::from_raw_parts(header.value.cast(), header.value_size)))
        }
    }

    fn url(&self) -> &str {
        // SAFETY: our handle; the text lives as long as it does.
        let url = unsafe { sys::creche_response_url(self.raw) };
        if url.is_null() {
            return "";
        }
        // SAFETY: as above.
        unsafe { CStr::from_ptr(url) }.to_str().unwrap_or_default()
    }

    fn info(&self) -> Result<ResponseInfo> {
        // SAFETY: plain numbers; the size is that of the memory.
        let info: sys::creche_response_info =
            unsafe { filled(|info, size| sys::creche_response_get_info(self.raw, info, size)) }?;
        let point = |at: i64| (at > 0).then(|| Duration::from_nanos(at as u64));
        let text = |at: *const std::ffi::c_char| {
            // SAFETY: text of the response, with its NUL.
            (!at.is_null()).then(|| unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned())
        };
        Ok(ResponseInfo {
            started: point(info.started),
            connected: point(info.connected),
            sent: point(info.sent),
            first_byte: point(info.first_byte),
            ended: point(info.ended),
            body_bytes: info.body_bytes,
            reused: info.reused != 0,
            redirects: info.redirects,
            http_minor: info.http_minor,
            tls: info.tls != 0,
            attempts: info.attempts,
            peer: text(info.peer),
            tls_version: text(info.tls_version),
            tls_cipher: text(info.tls_cipher),
        })
    }
}

/// What both kinds of answer have.
macro_rules! head_of_answer {
    () => {
        /// The HTTP status. Any of them is a success of the request: see
        /// [`error_for_status`](Self::error_for_status).
        pub fn status(&self) -> u16 {
            self.head.status
        }

        /// An error for a status of 400 or more. Its text names the URL without its query, which
        /// may hold keys.
        pub fn error_for_status(self) -> Result<Self> {
            match self.status() {
                status @ 400.. => {
                    let shown = self.url().split('?').next().unwrap_or_default();
                    let text = format!("{shown} answered with status {status}");
                    Err(Error::own(Status::USER, text))
                }
                _ => Ok(self),
            }
        }

        /// The value of the first header field of that name, in any case.
        pub fn header(&self, name: &str) -> Option<&[u8]> {
            self.head.header(name)
        }

        /// The same, if it is text.
        pub fn header_text(&self, name: &str) -> Option<&str> {
            std::str::from_utf8(self.header(name)?).ok()
        }

        /// All header fields, in the order of the wire.
        pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
            (0..).map_while(|index| self.head.header_at(index))
        }

        /// The URL that answered, after redirects.
        pub fn url(&self) -> &str {
            self.head.url()
        }

        /// Where its time went.
        pub fn info(&self) -> Result<ResponseInfo> {
            self.head.info()
        }
    };
}

/// A whole answer. It stays valid after its session and loop are gone.
pub struct Response {
    head: Head,
    data: *const u8,
    size: usize,
}

// SAFETY: the body is immutable and lives until the handle is released, which is ours; functions on a
// response may be called from any thread (creche/http.h tags none of them).
unsafe impl Send for Response {}
// SAFETY: as above.
unsafe impl Sync for Response {}

impl Answer for Response {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Response> {
        let raw = sys::creche_response { id: completion.value };
        Ok(Response {
            head: Head { raw, status: completion.code as u16 },
            data: completion.data.cast(),
            size: completion.data_size,
        })
    }
}

impl Response {
    head_of_answer!();

    /// The decoded body.
    pub fn body(&self) -> &[u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: a view into the response, which lives as long as its handle.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }

    /// The body as text.
    pub fn text(&self) -> Result<&str> {
        Ok(std::str::from_utf8(self.body())?)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} {}, {} bytes)", self.status(), self.url(), self.size)
    }
}

/// An answer whose body is read piece by piece. Not reading holds the server back; dropping it before
/// the end closes the connection.
pub struct Streaming {
    head: Head,
    on: sys::creche_loop,
}

impl Answer for Streaming {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Streaming> {
        let raw = sys::creche_response { id: completion.value };
        let head = Head { raw, status: completion.code as u16 };
        Ok(Streaming { head, on: sys::creche_loop::default() })
    }

    fn place(&mut self, on: sys::creche_loop) {
        self.on = on;
    }
}

impl Streaming {
    head_of_answer!();

    /// What there is of the body, as it comes; None at its end. Dropping the read cancels only that.
    pub fn read(&mut self) -> Read<'_> {
        Read { from: self, capacity: 0, task: TaskOptions::new() }
    }
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streaming({} {})", self.status(), self.url())
    }
}

/// One read of a body: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct Read<'a> {
    from: &'a mut Streaming,
    capacity: usize,
    task: TaskOptions,
}

impl Read<'_> {
    task_options!();

    /// Bytes at the most.
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<Option<Vec<u8>>> {
        let raw = self.from.head.raw;
        Pending::start(self.from.on, &self.task, |within, options, done, user, task| {
            // SAFETY: our handle; options live until the call returns; user until the completion.
            Ok(unsafe {
                sys::creche_response_read(raw, within, self.capacity, options, done, user, task)
            })
        })
    }
}

crate::pending::awaitable!(Read<'a> => Option<Vec<u8>>);

impl Answer for Option<Vec<u8>> {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Option<Vec<u8>>> {
        if completion.kind == sys::CRECHE_END {
            return Ok(None);
        }
        if completion.data_size == 0 {
            return Ok(Some(Vec::new()));
        }
        // SAFETY: data_size bytes that live until the callback returns.
        let bytes = unsafe {
            std::slice::from_raw_parts(completion.data.cast::<u8>(), completion.data_size)
        };
        Ok(Some(bytes.to_vec()))
    }
}
