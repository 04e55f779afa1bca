//! What a pool asks, and tells beside its answers.
use crate::pool_body::{Run, told};
use crate::status::Status;
use crate::sync::lock;
use creche_sys as sys;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

/// Whose password is asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PasswordRequest<'a> {
    /// The server has just refused the last one: get a new one.
    pub refused: bool,
    /// As in the DSN.
    pub host: &'a str,
    /// As in the DSN.
    pub port: &'a str,
    /// The role.
    pub user: &'a str,
    /// Its name.
    pub database: &'a str,
}

/// What a server says beside an answer, for the time of the call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notice<'a> {
    /// NOTICE, WARNING and the like.
    pub severity: &'a str,
    /// Five characters.
    pub sqlstate: &'a str,
    /// As the server says it.
    pub message: &'a str,
    /// More of it.
    pub detail: Option<&'a str>,
    /// What to do.
    pub hint: Option<&'a str>,
    /// Where it was said: a function and its line.
    pub context: Option<&'a str>,
}

type Give = dyn Fn(&PasswordRequest<'_>) -> Result<String, Status> + Send + Sync;
type Tell = dyn Fn(&Notice<'_>) + Send + Sync;

/// The user's functions, as options.
#[derive(Clone, Default)]
pub(crate) struct Functions {
    pub(crate) password: Option<Arc<Give>>,
    pub(crate) notice: Option<Arc<Tell>>,
    pub(crate) init: Option<Arc<Run>>,
    pub(crate) setup: Option<Arc<Run>>,
    pub(crate) reset: Option<Arc<Run>>,
    /// Of the pool.
    pub(crate) on: sys::creche_loop,
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Functions")
    }
}

/// Those of open pools, by the numbers that C is given: what comes late finds nobody.
static OPEN: LazyLock<Mutex<HashMap<usize, Functions>>> = LazyLock::new(Mutex::default);
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

/// Functions that are called; dropping it ends that.
#[derive(Debug)]
pub(crate) struct Called(usize);

impl Called {
    /// None if there is none of them.
    pub(crate) fn new(functions: &Functions, on: sys::creche_loop) -> Option<Called> {
        let bodies = [&functions.init, &functions.setup, &functions.reset];
        let none = functions.password.is_none() && functions.notice.is_none();
        if none && bodies.iter().all(|body| body.is_none()) {
            return None;
        }
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        lock(&OPEN).insert(number, Functions { on, ..functions.clone() });
        Some(Called(number))
    }

    /// Adds them to what C is told.
    pub(crate) fn fill(&self, calls: &mut sys::creche_pool_calls) {
        let functions = find(self.0 as *mut c_void);
        calls.password = functions.password.is_some().then_some(give as _);
        calls.notice = functions.notice.is_some().then_some(tell as _);
        calls.init = functions.init.is_some().then_some(init as _);
        calls.setup = functions.setup.is_some().then_some(setup as _);
        calls.reset = functions.reset.is_some().then_some(reset as _);
        calls.user = self.0 as *mut c_void;
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        let gone = lock(&OPEN).remove(&self.0);
        drop(gone); // without the lock: it is the user's
    }
}

fn find(user: *mut c_void) -> Functions {
    lock(&OPEN).get(&(user as usize)).cloned().unwrap_or_default()
}

/// # Safety
/// `at` is null, or a text that lives as long as what it is taken from.
unsafe fn text<'a>(at: *const c_char) -> Option<&'a str> {
    // SAFETY: as above.
    (!at.is_null()).then(|| unsafe { CStr::from_ptr(at) }.to_str().unwrap_or_default())
}

unsafe extern "C" fn give(
    user: *mut c_void,
    request: *const sys::creche_password_request,
    password: *mut c_char,
    capacity: usize,
) -> sys::creche_status {
    let Some(give) = find(user).password else { return sys::CRECHE_E_CLOSED };
    // SAFETY: the request and its texts live until this returns.
    let asked = unsafe {
        let request = &*request;
        PasswordRequest {
            refused: request.refused != 0,
            host: text(request.host).unwrap_or_default(),
            port: text(request.port).unwrap_or_default(),
            user: text(request.user).unwrap_or_default(),
            database: text(request.database).unwrap_or_default(),
        }
    };
    // A panic must not get into C.
    match catch_unwind(AssertUnwindSafe(|| give(&asked))) {
        Ok(Ok(given)) if given.len() >= capacity => sys::CRECHE_E_LIMIT,
        Ok(Ok(given)) => {
            // SAFETY: there is room for so many bytes.
            unsafe {
                password.cast::<u8>().copy_from_nonoverlapping(given.as_ptr(), given.len());
                *password.add(given.len()) = 0;
            }
            sys::CRECHE_OK
        }
        Ok(Err(status)) => status.0,
        Err(_) => sys::CRECHE_E_USER,
    }
}

unsafe extern "C" fn tell(user: *mut c_void, notice: *const sys::creche_error) {
    let Some(tell) = find(user).notice else { return };
    // SAFETY: the notice and its texts live until this returns.
    let said = unsafe {
        let notice = &*notice;
        Notice {
            severity: text(notice.server_severity).unwrap_or_default(),
            sqlstate: text(notice.sqlstate.as_ptr()).unwrap_or_default(),
            message: text(notice.server_message).unwrap_or_default(),
            detail: text(notice.server_detail),
            hint: text(notice.server_hint),
            context: text(notice.server_context),
        }
    };
    let _ = catch_unwind(AssertUnwindSafe(|| tell(&said)));
}

unsafe extern "C" fn init(user: *mut c_void, c: *const sys::creche_completion) {
    let functions = find(user);
    // SAFETY: alive until this returns.
    unsafe { told(functions.on, functions.init, c) };
}

unsafe extern "C" fn setup(user: *mut c_void, c: *const sys::creche_completion) {
    let functions = find(user);
    // SAFETY: alive until this returns.
    unsafe { told(functions.on, functions.setup, c) };
}

unsafe extern "C" fn reset(user: *mut c_void, c: *const sys::creche_completion) {
    let functions = find(user);
    // SAFETY: alive until this returns.
    unsafe { told(functions.on, functions.reset, c) };
}
