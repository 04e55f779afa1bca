//! What went wrong, with the tree of failures of a group.
use crate::status::{Phase, Reason, Status};
use creche_sys as sys;
use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::ffi::{CStr, CString, c_char};
use std::fmt;
use std::ptr::{NonNull, null, null_mut};
use std::sync::Arc;

mod from;
mod kept;

use kept::{Kept, Own, cookies, free_cookie};

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: of an operation, or of your own code. Cheap to clone.
#[derive(Clone)]
pub struct Error(Repr);

#[derive(Clone)]
enum Repr {
    /// The library's.
    Kept(Kept),
    /// Made in Rust.
    Own(Arc<Own>),
    /// The library had no memory for more.
    Bare(Status),
}

/// The fields that a PostgreSQL server sends with an error. Empty texts for what it did not send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct ServerError {
    pub severity: String,
    pub message: String,
    pub detail: String,
    pub hint: String,
    pub context: String,
    pub schema: String,
    pub table: String,
    pub column: String,
    pub datatype: String,
    pub constraint: String,
    pub routine: String,
    /// 1-based character in the statement, or 0.
    pub position: i32,
}

impl Error {
    /// An error of your own, which keeps its type: see [`Error::downcast_ref`].
    pub fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        let source = source.into();
        let message = source.to_string();
        let source = Some(source);
        Error(Repr::Own(Arc::new(Own { status: Status::USER, message, source })))
    }

    /// An error of your own that is only a text.
    pub fn message_only(message: impl Into<String>) -> Error {
        Error::own(Status::USER, message.into())
    }

    pub(crate) fn own(status: Status, message: String) -> Error {
        Error(Repr::Own(Arc::new(Own { status, message, source: None })))
    }

    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Error {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("something that is no text");
        Error::own(Status::USER, format!("panicked: {text}"))
    }

    /// The last synchronous failure of this thread.
    pub(crate) fn last(status: sys::creche_status) -> Error {
        // SAFETY: never NULL, valid until the next failing call of this thread; keep copies it.
        let error = unsafe { Error::keep(sys::creche_last_error()) };
        match error {
            Some(error) if error.status().0 == status => error,
            _ => Error(Repr::Bare(Status(status))),
        }
    }

    /// # Safety
    /// `error` is NULL or an error that is alive.
    pub(crate) unsafe fn keep(error: *const sys::creche_error) -> Option<Error> {
        // SAFETY: the caller's promise; keep takes NULL, too.
        let kept = unsafe { sys::creche_error_keep(error) };
        let kept = Kept(NonNull::new(kept.cast_mut())?);
        let cookie = kept.get().cookie;
        if !cookie.is_null() && cookies().contains(&(cookie as usize)) {
            let own = cookie.cast::<Own>().cast_const();
            // SAFETY: one of our cookies, alive as long as the error that we hold.
            let own = unsafe {
                Arc::increment_strong_count(own);
                Arc::from_raw(own)
            };
            return Some(Error(Repr::Own(own)));
        }
        Some(Error(Repr::Kept(kept)))
    }

    /// The error of a completion that failed.
    ///
    /// # Safety
    /// The completion is alive, and so is its error.
    pub(crate) unsafe fn of(completion: &sys::creche_completion) -> Error {
        // SAFETY: the caller's promise.
        unsafe { Error::keep(completion.error) }
            .unwrap_or(Error(Repr::Bare(Status(completion.status))))
    }

    /// Calls `use_it` with what creche_task_finish wants for this failure.
    pub(crate) fn in_c<R>(
        &self,
        use_it: impl FnOnce(sys::creche_status, *const sys::creche_error) -> R,
    ) -> R {
        let own = match &self.0 {
            Repr::Kept(kept) => return use_it(kept.get().status, kept.0.as_ptr()),
            Repr::Bare(status) => return use_it(status.0, null()),
            Repr::Own(own) => own,
        };
        let text: Vec<u8> = own.message.bytes().filter(|byte| *byte != 0).collect();
        let text = CString::new(text).unwrap_or_default();
        let cookie = Arc::into_raw(own.clone());
        cookies().insert(cookie as usize);
        let mut made = null();
        // SAFETY: the text is copied; the cookie goes to the error, or stays ours if it fails.
        let status = unsafe {
            sys::creche_error_new(
                Status::USER.0,
                text.as_ptr(),
                cookie.cast_mut().cast(),
                Some(free_cookie),
                null(),
                &mut made,
            )
        };
        if status != sys::CRECHE_OK {
            // SAFETY: "on failure cookie stays yours".
            unsafe { free_cookie(cookie.cast_mut().cast()) };
            return use_it(own.status.0, null());
        }
        let result = use_it(own.status.0, made);
        // SAFETY: made above, released once.
        unsafe { sys::creche_error_release(made) };
        result
    }

    fn kept(&self) -> Option<&sys::creche_error> {
        match &self.0 {
            Repr::Kept(kept) => Some(kept.get()),
            _ => None,
        }
    }

    /// What it is.
    pub fn status(&self) -> Status {
        match &self.0 {
            Repr::Kept(kept) => Status(kept.get().status),
            Repr::Own(own) => own.status,
            Repr::Bare(status) => *status,
        }
    }

    /// What happened and what to do, in one line.
    pub fn message(&self) -> Cow<'_, str> {
        match &self.0 {
            // SAFETY: never NULL; lives as long as the error.
            Repr::Kept(kept) => unsafe { CStr::from_ptr(kept.get().message) }.to_string_lossy(),
            Repr::Own(own) => Cow::Borrowed(&own.message),
            Repr::Bare(status) => Cow::Owned(status.to_string()),
        }
    }

    /// Where the operation was when it failed.
    pub fn phase(&self) -> Phase {
        match &self.0 {
            Repr::Own(_) => Phase::TASK,
            _ => Phase(self.kept().map_or(0, |kept| kept.phase)),
        }
    }

    /// Why it was cancelled.
    pub fn reason(&self) -> Reason {
        Reason(self.kept().map_or(0, |kept| kept.reason))
    }

    /// The text that was given with an explicit cancellation.
    pub fn reason_text(&self) -> Option<Cow<'_, str>> {
        self.text(self.kept()?.reason_text)
    }

    /// Stopped by a scope.
    pub fn is_cancelled(&self) -> bool {
        self.status() == Status::CANCELLED
    }

    /// A deadline of its own, or a phase's timeout, ran out.
    pub fn is_timeout(&self) -> bool {
        self.status() == Status::TIMEOUT
    }

    /// The same call may well succeed later, and doing it again is safe.
    pub fn is_retryable(&self) -> bool {
        // SAFETY: alive; NULL is never passed.
        self.kept().is_some_and(|kept| unsafe { sys::creche_error_is_retryable(kept) } != 0)
    }

    /// Nothing of the request or statement reached the server.
    pub fn is_unsent(&self) -> bool {
        self.kept().is_some_and(|kept| kept.flags & sys::CRECHE_ERROR_UNSENT != 0)
    }

    /// `errno` of the system call that failed; for a name that was not resolved, an `EAI_*` code.
    pub fn system_errno(&self) -> Option<i32> {
        self.kept().map(|kept| kept.system_errno).filter(|number| *number != 0)
    }

    /// `X509_V_ERR_*` of a certificate that was refused.
    pub fn tls_verify(&self) -> Option<i32> {
        self.kept().map(|kept| kept.tls_verify).filter(|number| *number != 0)
    }

    /// The HTTP status of an answer that is the failure.
    pub fn http_status(&self) -> Option<u16> {
        self.kept().map(|kept| kept.http_status as u16).filter(|number| *number != 0)
    }

    /// The start of the body of an answer that is the failure, decoded: up to 4096 bytes.
    pub fn http_body(&self) -> Option<&[u8]> {
        let kept = self.kept().filter(|kept| !kept.http_body.is_null())?;
        // SAFETY: so many bytes, as long as the error.
        Some(unsafe { std::slice::from_raw_parts(kept.http_body.cast(), kept.http_body_size) })
    }

    /// How often a retry policy let the request be made, the first time counted.
    pub fn http_attempts(&self) -> Option<u32> {
        self.kept().map(|kept| kept.http_attempts).filter(|number| *number != 0)
    }

    /// The five characters of PostgreSQL's SQLSTATE.
    pub fn sqlstate(&self) -> Option<&str> {
        let bytes = &self.kept()?.sqlstate;
        // SAFETY: c_char and u8 have one layout; the slice is a part of the error.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), bytes.len()) };
        let end = bytes.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&bytes[..end]).ok().filter(|text| !text.is_empty())
    }

    /// What a PostgreSQL server said about it.
    pub fn server(&self) -> Option<ServerError> {
        let kept = self.kept().filter(|kept| !kept.server_message.is_null())?;
        let text = |pointer| self.text(pointer).map(Cow::into_owned).unwrap_or_default();
        Some(ServerError {
            severity: text(kept.server_severity),
            message: text(kept.server_message),
            detail: text(kept.server_detail),
            hint: text(kept.server_hint),
            context: text(kept.server_context),
            schema: text(kept.server_schema),
            table: text(kept.server_table),
            column: text(kept.server_column),
            datatype: text(kept.server_datatype),
            constraint: text(kept.server_constraint),
            routine: text(kept.server_routine),
            position: kept.server_position,
        })
    }

    fn text(&self, pointer: *const c_char) -> Option<Cow<'_, str>> {
        // SAFETY: texts of an error are NULL or live as long as it does.
        (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy())
    }

    /// The failures of a group's children, in the order of their completion.
    pub fn children(&self) -> Vec<Error> {
        let Some(kept) = self.kept().filter(|kept| kept.children_count > 0) else {
            return Vec::new();
        };
        // SAFETY: an array of children_count errors that live as long as their parent.
        unsafe {
            std::slice::from_raw_parts(kept.children, kept.children_count)
                .iter()
                .filter_map(|child| Error::keep(*child))
                .collect()
        }
    }

    /// Failures over the group's `max_errors`: counted, not kept.
    pub fn children_dropped(&self) -> usize {
        self.kept().map_or(0, |kept| kept.children_dropped)
    }

    /// The failures at the leaves of the tree of groups; of any other error, itself.
    pub fn leaves(&self) -> Vec<Error> {
        let Some(kept) = self.kept() else {
            return vec![self.clone()];
        };
        // SAFETY: alive; NULL for capacity 0 is allowed; the leaves live as long as the error.
        unsafe {
            let count = sys::creche_error_flatten(kept, null_mut(), 0);
            let mut leaves = vec![null(); count];
            let count = sys::creche_error_flatten(kept, leaves.as_mut_ptr(), count);
            leaves.iter().take(count).filter_map(|leaf| Error::keep(*leaf)).collect()
        }
    }

    /// The error that this one wraps.
    pub fn cause(&self) -> Option<Error> {
        // SAFETY: NULL, or alive as long as this one.
        unsafe { Error::keep(self.kept()?.cause) }
    }

    /// The error given to [`Error::new`], if it is a `T`.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        match &self.0 {
            Repr::Own(own) => own.source.as_deref()?.downcast_ref::<T>(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("status", &self.status()).field("message", &self.message());
        if let Some(state) = self.sqlstate() {
            debug.field("sqlstate", &state);
        }
        let children = self.children();
        if !children.is_empty() {
            debug.field("children", &children);
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Repr::Own(own) => own.source.as_deref().map(|source| source as &dyn StdError),
            _ => None,
        }
    }
}
