//! Between Rust and C: statuses, texts, times.
use crate::error::{Error, Result};
use crate::status::Status;
use creche_sys as sys;
use std::ffi::CString;
use std::mem::zeroed;
use std::time::Duration;

/// The answer of a call: an error if it failed.
pub(crate) fn check(status: sys::creche_status) -> Result<()> {
    if status == sys::CRECHE_OK { Ok(()) } else { Err(Error::last(status)) }
}

/// Text for C: it must hold no NUL.
pub(crate) fn c_text(text: &str) -> Result<CString> {
    // Without the text: it may be a DSN.
    CString::new(text).map_err(|nul| {
        let text = format!("there is a NUL byte at {}: remove it", nul.nul_position());
        Error::own(Status::INVALID, text)
    })
}

/// For C: what does not fit lasts for ever.
pub(crate) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(sys::CRECHE_NEVER)
}

/// A sized struct of C, as a function that looks at something fills it.
///
/// # Safety
/// `T` is numbers and pointers; `fill` writes no more than a `T` of that size.
pub(crate) unsafe fn filled<T>(
    fill: impl FnOnce(*mut T, usize) -> sys::creche_status,
) -> Result<T> {
    // SAFETY: the caller's promise.
    let mut all: T = unsafe { zeroed() };
    check(fill(&mut all, size_of::<T>()))?;
    Ok(all)
}

/// Options of C with the library's defaults. All options are made of these.
///
/// # Safety
/// `init` is the init function of `T`.
pub(crate) unsafe fn defaults<T>(
    init: unsafe extern "C" fn(*mut T, usize) -> sys::creche_status,
) -> Result<T> {
    // SAFETY: the caller's promise.
    unsafe { filled(|options, size| init(options, size)) }
}
