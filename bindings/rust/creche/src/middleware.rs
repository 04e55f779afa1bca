//! What stands between a session and its requests.
use crate::error::Result;
use crate::status::Status;
use crate::sync::lock;
use crate::sys_ext::{c_text, check, nanoseconds};
use creche_sys as sys;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// What a [`Turn`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnKind {
    /// Before an attempt is sent.
    Request,
    /// The head of an answer has come; its body waits.
    Response,
    /// An attempt has failed.
    Failure,
}

/// What a middleware is asked. Decide now or later, from any thread; one that is dropped lets it go on.
#[derive(Debug)]
#[non_exhaustive]
pub struct Turn {
    session: sys::creche_session,
    id: u64,
    /// What it is about.
    pub kind: TurnKind,
    /// The number of the task that makes the request.
    pub task: u64,
    /// From 1 on.
    pub attempt: u32,
    /// Of an answer, else 0.
    pub http_status: u16,
    /// Of the request.
    pub method: String,
    /// With its query, without user info.
    pub url: String,
    /// The request's own; of an answer its.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What went wrong.
    pub message: Option<String>,
}

impl Turn {
    /// Goes on, with these in place of the request's own fields of their names; `None`: it has none.
    pub fn go(self, headers: &[(&str, Option<&str>)]) -> Result<()> {
        self.decide(sys::CRECHE_TURN_GO, headers, |_| ())
    }

    /// Has it made again, with such fields, after a delay.
    pub fn again(self, delay: Duration, headers: &[(&str, Option<&str>)]) -> Result<()> {
        self.decide(sys::CRECHE_TURN_AGAIN, headers, |d| d.delay = nanoseconds(delay))
    }

    /// Answers it: nothing is sent.
    pub fn answer(self, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<()> {
        let headers: Vec<_> = headers.iter().map(|&(name, value)| (name, Some(value))).collect();
        self.decide(sys::CRECHE_TURN_ANSWER, &headers, |d| {
            d.http_status = status.into();
            d.body = body.as_ptr().cast();
            d.body_size = body.len();
        })
    }

    /// Fails it.
    pub fn fail(self, status: Status) -> Result<()> {
        self.decide(sys::CRECHE_TURN_FAIL, &[], |d| d.status = status.0)
    }

    fn decide(
        mut self,
        action: u32,
        headers: &[(&str, Option<&str>)],
        set: impl FnOnce(&mut sys::creche_decision),
    ) -> Result<()> {
        let names = headers.iter().map(|(name, _)| c_text(name)).collect::<Result<Vec<_>>>()?;
        let raw: Vec<_> = headers
            .iter()
            .zip(&names)
            .map(|((_, value), name)| sys::creche_header {
                name: name.as_ptr(),
                value: value.map_or(null(), |text| text.as_ptr().cast()),
                value_size: value.map_or(0, str::len),
            })
            .collect();
        let mut decision = sys::creche_decision {
            size: size_of::<sys::creche_decision>() as u32,
            action,
            headers: raw.as_ptr(),
            headers_count: raw.len(),
            delay: 0,
            http_status: 0,
            status: 0,
            body: null(),
            body_size: 0,
        };
        set(&mut decision);
        // SAFETY: it and what it points to live until the call returns.
        check(unsafe { sys::creche_session_decide(self.session, self.id, &decision) })?;
        self.id = 0;
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.id != 0 {
            // SAFETY: numbers alone. Refused, its request is over.
            let _ = unsafe { sys::creche_session_decide(self.session, self.id, null()) };
        }
    }
}

type Ask = dyn Fn(Turn) + Send + Sync;

/// Functions that are asked, by the numbers that C is given: what comes late finds nobody.
static ALL: LazyLock<Mutex<HashMap<usize, Arc<Ask>>>> = LazyLock::new(Mutex::default);
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

/// A function that is asked; dropping the last of them ends that.
#[derive(Clone)]
pub(crate) struct Middleware(Arc<Number>);
struct Number(usize);

impl Middleware {
    pub(crate) fn new(ask: impl Fn(Turn) + Send + Sync + 'static) -> Middleware {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        lock(&ALL).insert(number, Arc::new(ask));
        Middleware(Arc::new(Number(number)))
    }

    /// As C wants it.
    pub(crate) fn raw(&self) -> Result<sys::creche_middleware> {
        // SAFETY: plain options.
        let mut raw = unsafe { crate::sys_ext::defaults(sys::creche_middleware_init) }?;
        raw.ask = Some(asked);
        raw.user = self.0.0 as *mut c_void;
        Ok(raw)
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Middleware")
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        let gone = lock(&ALL).remove(&self.0);
        drop(gone); // without the lock: it is the user's
    }
}

unsafe extern "C" fn asked(user: *mut c_void, turn: *const sys::creche_turn) {
    // SAFETY: the turn and its texts live until this returns.
    let turn = unsafe { &*turn };
    let text = |at: *const c_char| {
        // SAFETY: as above; it has its NUL.
        unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned()
    };
    let headers = (0..turn.headers_count).map(|i| {
        // SAFETY: as above; as many as the count says, each with as many bytes as its size says.
        let header = unsafe { &*turn.headers.add(i) };
        // SAFETY: as above.
        let value = unsafe { std::slice::from_raw_parts(header.value.cast(), header.value_size) };
        (text(header.name), value.to_vec())
    });
    let turn = Turn {
        session: turn.session,
        id: turn.id,
        kind: match turn.what {
            sys::CRECHE_TURN_REQUEST => TurnKind::Request,
            sys::CRECHE_TURN_RESPONSE => TurnKind::Response,
            _ => TurnKind::Failure,
        },
        task: turn.task.scope.id,
        attempt: turn.attempt,
        http_status: turn.http_status as u16,
        method: text(turn.method),
        url: text(turn.url),
        headers: headers.collect(),
        // SAFETY: null, or an error that lives as long as the turn.
        message: unsafe { turn.error.as_ref() }.map(|error| text(error.message)),
    };
    let Some(ask) = lock(&ALL).get(&(user as usize)).cloned() else { return };
    // A panic must not get into C.
    let _ = catch_unwind(AssertUnwindSafe(|| ask(turn)));
}
