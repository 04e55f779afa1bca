//! Requests.
use crate::auth::Auth;
use crate::body::Body;
use crate::error::Result;
use crate::form::{FilePart, Form};
use crate::http_options::{Fields, HttpTimeouts, HttpVersions};
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, Pull, awaitable};
use crate::response::{Response, Streaming};
use crate::retry::Retry;
use crate::session::Session;
use crate::sys_ext::{c_text, defaults, nanoseconds};
use crate::tls::Tls;
use crate::watch::{Watched, Watcher};
use creche_sys as sys;
use std::{ptr::null, sync::Arc, time::Duration};

impl Session {
    /// A request. A malformed URL or header fails like any other request: when it is awaited.
    pub fn request<'a>(&'a self, method: &'a str, url: &'a str) -> Request<'a> {
        Request {
            session: self,
            url,
            method: Some(method),
            headers: Fields::default(),
            params: Fields::default(),
            retry: None,
            body: None,
            file: None,
            form: None,
            coding: sys::CRECHE_CODING_NONE,
            expect_timeout: None,
            flags: 0,
            max_body: 0,
            max_redirects: None,
            versions: None,
            timeouts: HttpTimeouts::default(),
            proxy: None,
            unix_path: None,
            private_headers: None,
            auth: None,
            tls: None,
            to_file: None,
            watch: None,
            watched: None,
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
    params: Fields,
    retry: Option<Retry>,
    body: Option<Body>,
    file: Option<FilePart>,
    form: Option<Form>,
    coding: u32,
    expect_timeout: Option<Duration>,
    flags: u32,
    max_body: u64,
    max_redirects: Option<u32>,
    versions: Option<HttpVersions>,
    timeouts: HttpTimeouts,
    proxy: Option<&'a str>,
    unix_path: Option<&'a str>,
    private_headers: Option<&'a str>,
    auth: Option<Auth>,
    tls: Option<Tls>,
    pub(crate) to_file: Option<FilePart>,
    pub(crate) watch: Option<Watcher>,
    pub(crate) watched: Option<Arc<Watched>>,
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
        self.headers.push(name, value);
        self
    }

    /// A parameter, appended to the query of the URL and percent-encoded. Names may come again.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.params.push(name, value);
        self
    }

    /// Its body: bytes, text, or what a [`BodyWriter`](crate::BodyWriter) writes.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A part of a file as its body, instead of [`body`](Self::body).
    pub fn file(mut self, file: FilePart) -> Self {
        self.file = Some(file);
        self
    }

    /// A form as its body, instead of [`body`](Self::body).
    pub fn form(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }

    /// Its body is sent coded by gzip, in chunks.
    pub fn gzip(mut self) -> Self {
        self.coding = sys::CRECHE_CODING_GZIP;
        self
    }

    /// Its body is sent coded by deflate, in chunks.
    pub fn deflate(mut self) -> Self {
        self.coding = sys::CRECHE_CODING_DEFLATE;
        self
    }

    /// Asks the server with `Expect: 100-continue` whether it wants the body, and waits for its answer for
    /// so long (a second, if that is not said), then sends it all the same.
    pub fn expect_continue(mut self, timeout: Option<Duration>) -> Self {
        self.flags |= sys::CRECHE_REQUEST_EXPECT;
        self.expect_timeout = timeout;
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

    /// As [`SessionOptions::private_headers`](crate::SessionOptions::private_headers), for its own fields.
    pub fn private_headers(mut self, names: &'a str) -> Self {
        self.private_headers = Some(names);
        self
    }

    /// A proxy in place of the session's, as [`SessionOptions::proxy`](crate::SessionOptions::proxy).
    pub fn proxy(mut self, url: &'a str) -> Self {
        self.proxy = Some(url);
        self
    }

    /// A Unix socket that it goes to, with its redirects.
    pub fn unix_path(mut self, path: &'a str) -> Self {
        self.unix_path = Some(path);
        self
    }

    /// What servers are shown, in place of the session's.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Shows nothing of the session's auth and netrc.
    pub fn no_auth(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_NO_AUTH;
        self
    }

    /// Neither sends nor keeps cookies of the session's jar.
    pub fn no_cookies(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_NO_COOKIES;
        self
    }

    /// Settings of TLS in place of the session's.
    pub fn tls(mut self, tls: &Tls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// Sends no Accept-Encoding, leaves the body coded.
    pub fn no_decode(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_NO_DECODE;
        self
    }

    /// A status of 400 or above is a failure, [`Status::HTTP_STATUS`](crate::Status::HTTP_STATUS), whose
    /// [`http_body`](crate::Error::http_body) is the start of the answer's.
    pub fn fail_on_status(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_FAIL_ON_STATUS;
        self
    }

    /// Versions of HTTP that may be spoken, in place of the session's.
    pub fn versions(mut self, versions: HttpVersions) -> Self {
        self.versions = Some(versions);
        self
    }

    /// Any status is a success, whatever the session says.
    pub fn any_status(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_ANY_STATUS;
        self
    }

    /// When it is made again, instead of what the session says.
    pub fn retry(mut self, policy: Retry) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Never sends it again: neither on a new connection when a kept one was dead, nor by a policy.
    pub fn no_retry(mut self) -> Self {
        self.flags |= sys::CRECHE_REQUEST_NO_RETRY;
        self
    }

    /// For this request: as [`SessionOptions::lenient`](crate::SessionOptions::lenient).
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

    fn call<T: Answer>(mut self, call: Call) -> Pending<T> {
        let (parts, source) = self.take_body();
        let source = self.take_watch(source);
        let raw = self.session.raw;
        Pending::start_pulling(
            self.session.on,
            &self.task,
            source,
            |within, task_options, done, user, task| {
                // SAFETY: the options and what they point to live until the call returns; user until
                // the final completion.
                self.in_c(&parts, task_options, |url, o| unsafe {
                    call(raw, within, url, o, done, user, task)
                })
            },
        )
    }

    /// Takes its body out: bytes and a size, or who writes it.
    fn take_body(&mut self) -> (BodyParts, Option<Arc<dyn Pull>>) {
        match self.body.take().map(Body::into_parts) {
            None => ((None, 0), None),
            Some((Some(bytes), size, _)) => ((Some(bytes), size), None),
            Some((None, size, source)) => {
                self.flags |= sys::CRECHE_REQUEST_PULL_BODY;
                ((None, size), source)
            }
        }
    }

    /// For calls with options of their own: itself, and the body of bytes.
    pub(crate) fn into_parts(mut self) -> (Request<'a>, BodyParts) {
        let (parts, source) = self.take_body();
        if let Some(source) = source {
            source.over(); // nobody asks for it
        }
        (self, parts)
    }

    /// For what is a GET by itself, and takes no method.
    pub(crate) fn without_get(mut self) -> Self {
        self.method = self.method.filter(|method| *method != "GET");
        self
    }

    pub(crate) fn session(&self) -> &'a Session {
        self.session
    }

    pub(crate) fn task(&self) -> &TaskOptions {
        &self.task
    }

    /// Calls with its URL and options as those of C, which live until `then` returns.
    pub(crate) fn in_c(
        &self,
        (bytes, size): &BodyParts,
        task_options: *const sys::creche_task_options,
        then: impl FnOnce(
            *const std::ffi::c_char,
            *const sys::creche_request_options,
        ) -> sys::creche_status,
    ) -> Result<sys::creche_status> {
        let url = c_text(self.url)?;
        let method = self.method.map(c_text).transpose()?;
        let proxy = self.proxy.map(c_text).transpose()?;
        let retry = self.retry.as_ref().map(Retry::raw).transpose()?;
        let private_headers = self.private_headers.map(c_text).transpose()?;
        let unix_path = self.unix_path.map(c_text).transpose()?;
        // SAFETY: its own init function.
        let mut o = unsafe { defaults(sys::creche_request_options_init) }?;
        o.flags = self.flags;
        o.method = method.as_ref().map_or(null(), |text| text.as_ptr());
        o.proxy = proxy.as_ref().map_or(null(), |text| text.as_ptr());
        o.unix_path = unix_path.as_ref().map_or(null(), |text| text.as_ptr());
        o.private_headers = private_headers.as_ref().map_or(null(), |text| text.as_ptr());
        o.body = bytes.as_ref().map_or(null(), |bytes| bytes.as_ptr().cast());
        o.body_size = *size;
        o.max_body = self.max_body;
        o.versions = self.versions.map_or(0, HttpVersions::raw);
        o.max_redirects = self.max_redirects.unwrap_or(o.max_redirects);
        o.timeouts = self.timeouts.raw();
        o.tls = self.tls.as_ref().map(Tls::raw).unwrap_or_default();
        o.task = task_options;
        o.retry = retry.as_ref().map_or(null(), |retry| retry);
        o.coding = self.coding;
        o.expect_timeout = self.expect_timeout.map_or(0, |time| nanoseconds(time).max(1));
        let file = self.file.as_ref().map(FilePart::raw);
        o.body_file = file.as_ref().map_or(null(), |file| file);
        let to_file = self.to_file.as_ref().map(FilePart::raw);
        o.to_file = to_file.as_ref().map_or(null(), |file| file);
        let watch = self.watched.as_ref().map(|watched| watched.raw());
        o.watch = watch.as_ref().map_or(null(), |watch| watch);
        let empty = Form::new();
        let fields = self.form.as_ref().unwrap_or(&empty);
        if fields.multipart {
            o.flags |= sys::CRECHE_REQUEST_MULTIPART;
        }
        self.headers.with(|headers| {
            o.headers = headers.as_ptr();
            o.headers_count = headers.len();
            self.params.with_params(|params| {
                o.params = params.as_ptr();
                o.params_count = params.len();
                fields.with(|fields| {
                    o.form = if self.form.is_some() { fields.as_ptr() } else { null() };
                    o.form_count = fields.len();
                    Auth::with(self.auth.as_ref(), |auth| {
                        o.auth = auth;
                        then(url.as_ptr(), &o)
                    })
                })
            })
        })???
    }
}

/// Bytes, and the size of the body.
pub(crate) type BodyParts = (Option<Vec<u8>>, usize);

awaitable!(Request<'a> => Response);
