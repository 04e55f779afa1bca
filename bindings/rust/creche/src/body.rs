//! Bodies of requests: whole, or written while they are sent.
use crate::error::{Error, Result};
use crate::pending::Pull;
use crate::status::Status;
use crate::sync::{keep, lock, wake};
use crate::sys_ext::check;
use creche_sys as sys;
use std::fmt;
use std::future::poll_fn;
use std::ptr::null;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// The body of a request, or what a COPY takes in.
pub struct Body(Kind);

enum Kind {
    Whole(Vec<u8>),
    Written(Arc<Feed>, usize),
}

impl Body {
    /// A body that is written while the request runs, in the pace of the server. `size`: of all of it
    /// if it is known; without, it is sent in chunks.
    ///
    /// ```no_run
    /// # async fn f(web: &creche::Session) -> creche::Result<()> {
    /// let (mut writer, body) = creche::Body::written(None);
    /// let answer = web.post("http://example.com/", body).start();
    /// writer.write(b"piece by ").await?;
    /// writer.write(b"piece").await?;
    /// writer.finish();
    /// println!("{}", answer.await?.status());
    /// # Ok(()) }
    /// ```
    pub fn written(size: Option<usize>) -> (BodyWriter, Body) {
        let feed = Arc::new(Feed(Mutex::default()));
        let size = size.unwrap_or(sys::CRECHE_UNKNOWN_SIZE);
        (BodyWriter { feed: feed.clone(), finished: false }, Body(Kind::Written(feed, size)))
    }

    /// Bytes or a feed, and the size.
    pub(crate) fn into_parts(self) -> (Option<Vec<u8>>, usize, Option<Arc<dyn Pull>>) {
        match self.0 {
            Kind::Whole(bytes) => {
                let size = bytes.len();
                (Some(bytes), size, None)
            }
            Kind::Written(feed, size) => (None, size, Some(feed as Arc<dyn Pull>)),
        }
    }
}

impl Body {
    /// What is asked for its pieces: for what takes no whole ones.
    pub(crate) fn into_source(self) -> Arc<dyn Pull> {
        match self.0 {
            Kind::Whole(bytes) => Arc::new(Mutex::new(bytes)),
            Kind::Written(feed, _) => feed,
        }
    }
}

impl Pull for Mutex<Vec<u8>> {
    fn pulled(&self, task: sys::creche_task) {
        let bytes = std::mem::take(&mut *lock(self));
        answer(task, sys::CRECHE_OK, &bytes, null());
    }

    fn over(&self) {}
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Written(..) => f.write_str("Body(written)"),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body(Kind::Whole(bytes))
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Body {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for Body {
    fn from(bytes: &[u8; N]) -> Body {
        bytes.to_vec().into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        text.into_bytes().into()
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Body {
        text.as_bytes().into()
    }
}

/// Between a request that pulls its body and whoever writes it.
struct Feed(Mutex<State>);

#[derive(Default)]
struct State {
    /// The task that asked for more.
    asked: Option<sys::creche_task>,
    waker: Option<Waker>,
    /// The writer is gone; with `whole` after finish.
    gone: bool,
    whole: bool,
    /// The request is over.
    over: bool,
}

impl Pull for Feed {
    fn pulled(&self, task: sys::creche_task) {
        let mut state = lock(&self.0);
        if state.gone {
            let whole = state.whole;
            drop(state);
            return last(task, whole);
        }
        state.asked = Some(task);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    fn over(&self) {
        let mut state = lock(&self.0);
        state.over = true;
        state.asked = None;
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }
}

/// Feeds that nobody writes to any more fail their request.
fn no_writer() -> Error {
    Error::own(Status::BODY, "the body's writer was dropped before BodyWriter::finish".to_owned())
}

/// The last answer. One that comes too late is harmless; without memory for it, whoever asked would wait
/// for ever, so that is the end of his.
fn answer(task: sys::creche_task, status: i32, bytes: &[u8], error: *const sys::creche_error) {
    let data = bytes.as_ptr().cast();
    // SAFETY: any thread, any handle; the bytes are copied.
    let said = unsafe { sys::creche_task_answer(task, status, data, bytes.len(), 0, error) };
    if said == sys::CRECHE_E_NO_MEMORY {
        // SAFETY: any thread, any handle.
        unsafe { sys::creche_scope_cancel(task.scope, c"no memory for a body".as_ptr()) };
    }
}

/// The end of a body.
fn last(task: sys::creche_task, whole: bool) {
    match whole {
        true => answer(task, sys::CRECHE_OK, &[], null()),
        false => no_writer().in_c(|status, error| answer(task, status, &[], error)),
    }
}

/// Writes a body: see [`Body::written`]. Dropped before [`finish`](BodyWriter::finish), it fails the
/// request with [`Status::BODY`].
pub struct BodyWriter {
    feed: Arc<Feed>,
    finished: bool,
}

impl BodyWriter {
    /// Writes a piece once the request wants more. An error says that the request is over.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let task = poll_fn(|context| {
            let mut state = lock(&self.feed.0);
            if state.over {
                let text = "the request is over: nothing reads its body any more".to_owned();
                return Poll::Ready(Err(Error::own(Status::BODY, text)));
            }
            match state.asked.take() {
                Some(task) => Poll::Ready(Ok(task)),
                None => {
                    let old = keep(&mut state.waker, context.waker());
                    drop(state);
                    drop(old);
                    Poll::Pending
                }
            }
        })
        .await?;
        // SAFETY: any thread, any handle; the bytes are copied.
        check(unsafe {
            let (data, size) = (bytes.as_ptr().cast(), bytes.len());
            sys::creche_task_answer(task, sys::CRECHE_OK, data, size, sys::CRECHE_MORE, null())
        })
    }

    /// Ends the body.
    pub fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        let mut state = lock(&self.feed.0);
        state.gone = true;
        state.whole = self.finished;
        let asked = state.asked.take();
        drop(state);
        if let Some(task) = asked {
            last(task, self.finished);
        }
    }
}

impl fmt::Debug for BodyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyWriter")
    }
}
