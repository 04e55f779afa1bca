//! Answers: whole, and read piece by piece.
use crate::error::{Error, Result};
use crate::pending::Answer;
use crate::read::{Read, Wanted};
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
    /// This end of the connection.
    pub local: Option<String>,
    /// The number of the connection in its session, from 1 on.
    pub connection: u64,
    /// Of the body, decoded: of a stream what has been read so far.
    pub decoded_bytes: u64,
    /// Sent so far, head and body, in the last attempt.
    pub request_bytes: u64,
    /// In line for a connection.
    pub queue_time: Duration,
    /// These: of a connection that was made for it.
    pub dns_time: Duration,
    pub connect_time: Duration,
    pub proxy_time: Duration,
    pub tls_time: Duration,
    /// 1, or 2: HTTP/2.
    pub http_major: u32,
    /// The number of `tls_cipher` at IANA.
    pub tls_cipher_id: Option<u32>,
    /// Behind the status: "Not Found"; empty for none, as in HTTP/2.
    pub reason: String,
    /// Of the request that was answered: redirects may have made another of it.
    pub method: String,
    /// The protocol that the TLS handshake agreed on.
    pub alpn: Option<String>,
    /// What Retry-After asks to wait: a date counts from the answer's own Date on, or from now.
    pub retry_after: Option<Duration>,
    /// Of the answer's head, as received; in HTTP/2 before compression.
    pub head_bytes: u64,
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

    fn trailer(&self, name: &str) -> Option<&[u8]> {
        let name = CString::new(name).ok()?;
        let mut size = 0;
        // SAFETY: our handle; the value lives as long as it does.
        unsafe {
            let value = sys::creche_response_trailer(self.raw, name.as_ptr(), &mut size);
            (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast(), size))
        }
    }

    fn trailer_at(&self, index: usize) -> Option<(&str, &[u8])> {
        // SAFETY: our handle; the texts live as long as it does.
        unsafe {
            let mut header: sys::creche_header = zeroed();
            if sys::creche_response_trailer_at(self.raw, index, &mut header) != sys::CRECHE_OK {
                return None;
            }
            // Names are tokens: ASCII.
            let name = CStr::from_ptr(header.name).to_str().unwrap_or_default();
            Some((name, std::slice::from_raw_parts(header.value.cast(), header.value_size)))
        }
    }

    fn certificate(&self, index: usize) -> Option<Vec<u8>> {
        let (mut size, mut bytes) = (0, Vec::new());
        loop {
            // SAFETY: our handle; as many bytes as the vector has.
            let status = unsafe {
                sys::creche_response_certificate(
                    self.raw,
                    index,
                    sys::CRECHE_CERTIFICATE_DER,
                    bytes.as_mut_ptr() as *mut std::ffi::c_void,
                    bytes.len(),
                    &mut size,
                )
            };
            match status {
                sys::CRECHE_OK => return Some(bytes),
                sys::CRECHE_E_LIMIT if size > bytes.len() => bytes.resize(size, 0),
                _ => return None,
            }
        }
    }

    fn redirect_at(&self, index: usize) -> Option<(&str, u16)> {
        // SAFETY: our handle; the text lives as long as it does.
        unsafe {
            let mut hop: sys::creche_redirect = zeroed();
            let status = sys::creche_response_redirect_at(self.raw, index, &mut hop);
            (status == sys::CRECHE_OK)
                .then(|| (CStr::from_ptr(hop.url).to_str().unwrap_or_default(), hop.status as u16))
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
        let time = |of: i64| Duration::from_nanos(of.max(0) as u64);
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
            local: text(info.local),
            connection: info.connection,
            decoded_bytes: info.decoded_bytes,
            request_bytes: info.request_bytes,
            queue_time: time(info.queue_time),
            dns_time: time(info.dns_time),
            connect_time: time(info.connect_time),
            proxy_time: time(info.proxy_time),
            tls_time: time(info.tls_time),
            http_major: info.http_major,
            tls_cipher_id: (info.tls_cipher_id != 0).then_some(info.tls_cipher_id),
            reason: text(info.reason).unwrap_or_default(),
            method: text(info.method).unwrap_or_default(),
            alpn: text(info.alpn),
            retry_after: (info.retry_after >= 0).then(|| time(info.retry_after)),
            head_bytes: info.head_bytes,
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

        /// The value of the first field of that name behind the body, in any case. It is there once the
        /// end of the body has come.
        pub fn trailer(&self, name: &str) -> Option<&[u8]> {
            self.head.trailer(name)
        }

        /// All fields behind the body.
        pub fn trailers(&self) -> impl Iterator<Item = (&str, &[u8])> {
            (0..).map_while(|index| self.head.trailer_at(index))
        }

        /// The certificates that the server has shown, as DER: its own first.
        pub fn certificates(&self) -> impl Iterator<Item = Vec<u8>> {
            (0..).map_while(|index| self.head.certificate(index))
        }

        /// The redirects that led here: who answered so, and with what status.
        pub fn redirects(&self) -> impl Iterator<Item = (&str, u16)> {
            (0..).map_while(|index| self.head.redirect_at(index))
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
        Read::new(self.head.raw, self.on, Wanted::Some(0))
    }

    /// All up to and with `delimiter`, at most `max` bytes (0: 65536): a longer record is
    /// [`Status::LIMIT`], and nothing is lost. What comes last need not end in a delimiter; None at the
    /// end.
    ///
    /// ```no_run
    /// # async fn f(web: &creche::Session) -> creche::Result<()> {
    /// let mut log = web.get("http://example.com/log").stream().await?;
    /// while let Some(line) = log.read_until(b"\n", 0).await? {
    ///     println!("{}", String::from_utf8_lossy(&line).trim_end());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn read_until<'a>(&'a mut self, delimiter: &'a [u8], max: usize) -> Read<'a> {
        Read::new(self.head.raw, self.on, Wanted::Until(delimiter, max))
    }

    /// So many bytes, no fewer: [`Status::LIMIT`] if the body ends before, and what there is can still be
    /// read; None if nothing was left.
    pub fn read_exactly(&mut self, size: usize) -> Read<'_> {
        Read::new(self.head.raw, self.on, Wanted::Exactly(size))
    }
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streaming({} {})", self.status(), self.url())
    }
}
