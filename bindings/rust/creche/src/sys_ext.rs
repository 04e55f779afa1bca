//! Between Rust and C: statuses, texts, times.
use crate::error::{Error, Result};
use crate::status::Status;
use creche_sys as sys;
use std::ffi::CString;
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
