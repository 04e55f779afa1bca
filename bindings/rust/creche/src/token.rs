//! Tokens of bearers that are given later than they are asked for.
use crate::error::Result;
use crate::status::Status;
use crate::sync::lock;
use crate::sys_ext::{c_text, check};
use creche_sys as sys;
use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

/// That a token is needed. Give it now or later, from any thread; one that is dropped gives none.
#[derive(Debug)]
pub struct TokenAsk {
    session: sys::creche_session,
    id: u64,
    refused: bool,
}

impl TokenAsk {
    /// A 401 has answered the last token; else there is none yet.
    pub fn refused(&self) -> bool {
        self.refused
    }

    /// The token, for all requests from now on.
    pub fn give(mut self, token: &str) -> Result<()> {
        let token = c_text(token)?;
        self.answer(sys::CRECHE_OK, token.as_ptr())
    }

    /// There is none: those who wait fail with this status.
    pub fn fail(mut self, status: Status) -> Result<()> {
        self.answer(status.0, null())
    }

    fn answer(&mut self, status: i32, token: *const std::ffi::c_char) -> Result<()> {
        let id = self.id;
        // SAFETY: a number, and a text that lives until the call returns.
        check(unsafe { sys::creche_session_give_token(self.session, id, status, token) })?;
        self.id = 0;
        Ok(())
    }
}

impl Drop for TokenAsk {
    fn drop(&mut self) {
        if self.id != 0 {
            let _ = self.answer(sys::CRECHE_OK, null());
        }
    }
}

type Ask = dyn Fn(TokenAsk) + Send + Sync;

/// Functions that are asked, by the numbers that C is given: what comes late finds nobody.
static SOURCES: LazyLock<Mutex<HashMap<usize, Arc<Ask>>>> = LazyLock::new(Mutex::default);
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

/// A function that is asked; dropping it ends that.
pub(crate) struct Source(usize);

impl Source {
    pub(crate) fn new(ask: impl Fn(TokenAsk) + Send + Sync + 'static) -> Source {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        lock(&SOURCES).insert(number, Arc::new(ask));
        Source(number)
    }

    pub(crate) fn raw(&self) -> *mut c_void {
        self.0 as *mut c_void
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let gone = lock(&SOURCES).remove(&self.0);
        drop(gone); // without the lock: it is the user's
    }
}

pub(crate) unsafe extern "C" fn asked(user: *mut c_void, ask: *const sys::creche_token_ask) {
    // SAFETY: it lives until this returns.
    let ask = unsafe { &*ask };
    let ask = TokenAsk { session: ask.session, id: ask.id, refused: ask.refused != 0 };
    let Some(source) = lock(&SOURCES).get(&(user as usize)).cloned() else { return };
    // A panic must not get into C.
    let _ = catch_unwind(AssertUnwindSafe(|| source(ask)));
}
