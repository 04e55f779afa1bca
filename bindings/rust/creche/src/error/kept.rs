//! Errors that are shared with C: its own, and ours that travel through it as cookies.
use crate::status::Status;
use crate::sync::lock;
use creche_sys as sys;
use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

/// An error that was made in Rust.
pub(super) struct Own {
    pub status: Status,
    pub message: String,
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// An error of the library that is ours to release.
pub(super) struct Kept(pub NonNull<sys::creche_error>);

// SAFETY: creche/base.h on creche_error: "Immutable, so free to read anywhere"; keep and release may
// be called from any thread, as everything that is not tagged [not on a loop].
unsafe impl Send for Kept {}
// SAFETY: as above.
unsafe impl Sync for Kept {}

impl Clone for Kept {
    fn clone(&self) -> Kept {
        // SAFETY: ours, so alive. Keeping what is kept counts a reference: it does not fail.
        let again = unsafe { sys::creche_error_keep(self.0.as_ptr()) };
        Kept(NonNull::new(again.cast_mut()).expect("a kept error can be kept again"))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: from creche_error_keep or _new, released once.
        unsafe { sys::creche_error_release(self.0.as_ptr()) }
    }
}

impl Kept {
    pub fn get(&self) -> &sys::creche_error {
        // SAFETY: alive as long as self, and immutable.
        unsafe { self.0.as_ref() }
    }
}

/// Which cookies of errors are ours: another binding in this process may have its own.
static COOKIES: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

pub(super) fn cookies() -> MutexGuard<'static, BTreeSet<usize>> {
    lock(&COOKIES)
}

pub(super) unsafe extern "C" fn free_cookie(cookie: *mut c_void) {
    cookies().remove(&(cookie as usize));
    // SAFETY: from Arc::into_raw in in_c, freed once. Its drop may run a foreign destructor: no panic
    // may leave it.
    let own = unsafe { Arc::from_raw(cookie.cast::<Own>().cast_const()) };
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(own)));
}
