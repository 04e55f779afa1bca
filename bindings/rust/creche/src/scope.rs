//! Scopes: the nodes of the cancel tree; and the one that the running task is in.
use crate::error::Result;
use crate::section::Section;
use crate::status::{Reason, Status};
use crate::sys_ext::{c_text, check, defaults, filled, nanoseconds};
use creche_sys as sys;
use std::cell::RefCell;
use std::ffi::CString;
use std::mem::zeroed;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::time::Duration;

/// The name of a node of the cancel tree: of a loop, a group, a task, an operation or a bare scope.
///
/// It is only a name, free to copy and to send anywhere; what it names ends by itself. Using it
/// later is an error with [`Status::ENDED`], or harmless.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Scope {
    pub(crate) raw: sys::creche_scope,
    pub(crate) on: sys::creche_loop,
}

/// What [`Scope::state`] saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ScopeState {
    /// It was cancelled itself.
    pub called: bool,
    /// It or, unless it is shielded, something around it was cancelled.
    pub cancelled: bool,
    /// Cancellation from outside does not come in.
    pub shield: bool,
    /// Work in it has ended as cancelled.
    pub reached: bool,
    /// It would absorb the cancellation if it ended now.
    pub caught: bool,
    /// Why it is cancelled.
    pub reason: Reason,
    /// Tasks, scopes, groups and leases directly in it.
    pub live: u32,
    /// How long until the nearest deadline up to and including the first shield.
    pub remaining: Option<Duration>,
}

impl Scope {
    /// The scope of the task that is being polled on this thread, if there is one: where operations
    /// belong that are not told otherwise.
    pub fn current() -> Option<Scope> {
        CURRENT.with_borrow(|current| current.as_ref().map(|current| current.scope))
    }

    /// Where something belongs that names no scope: in the running task, if that is of this loop.
    pub(crate) fn default_on(on: sys::creche_loop) -> Scope {
        match Scope::current() {
            Some(scope) if scope.on == on => scope,
            _ => Scope { raw: on.scope, on },
        }
    }

    /// Cancels it and all below that no shield protects. Takes effect before this returns. The first
    /// reason sticks; too late is harmless.
    pub fn cancel(&self, reason: &str) {
        let text: Vec<u8> = reason.bytes().filter(|byte| *byte != 0).collect();
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: any thread; a handle that has ended is an error that does not matter; the text is
        // copied.
        unsafe { sys::creche_scope_cancel(self.raw, text.as_ptr()) };
    }

    /// Moves its deadline to a time from now.
    pub fn set_timeout(&self, timeout: Duration) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_scope_set_timeout(self.raw, nanoseconds(timeout)) })
    }

    /// Takes its deadline away.
    pub fn clear_timeout(&self) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_scope_set_deadline(self.raw, sys::CRECHE_NEVER) })
    }

    /// Raises or drops its shield.
    pub fn set_shield(&self, shield: bool) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_scope_set_shield(self.raw, shield.into()) })
    }

    /// A look at it, which never changes it.
    pub fn state(&self) -> Result<ScopeState> {
        // SAFETY: plain numbers.
        let state: sys::creche_scope_state =
            unsafe { filled(|state, size| sys::creche_scope_get_state(self.raw, state, size)) }?;
        let mut now = 0;
        // SAFETY: any handle; now outlives the call.
        check(unsafe { sys::creche_now(self.on.scope, &mut now) })?;
        let left = state.effective_deadline.saturating_sub(now).max(0);
        Ok(ScopeState {
            called: state.called != 0,
            cancelled: state.effective != 0,
            shield: state.shield != 0,
            reached: state.reached != 0,
            caught: state.caught != 0,
            reason: Reason(state.reason),
            live: state.live,
            remaining: (state.effective_deadline != sys::CRECHE_NEVER)
                .then(|| Duration::from_nanos(left as u64)),
        })
    }

    /// Whether it is cancelled, itself or from further out, or has ended.
    pub fn is_cancelled(&self) -> bool {
        self.state().map_or(true, |state| state.cancelled)
    }

    /// Opens a bare scope in it, to bound a section of work: start operations
    /// [`within`](crate::Sleep::within) it, and leave it.
    pub fn open(&self, options: ScopeOptions) -> Result<OpenScope> {
        let name = options.name.as_deref().map(c_text).transpose()?;
        let mut raw = sys::creche_scope::default();
        // SAFETY: any thread, any handle; the options and their text live until the call returns.
        check(unsafe {
            let mut o = defaults(sys::creche_scope_options_init)?;
            o.shield = options.shield.into();
            o.timeout = options.timeout.map_or(sys::CRECHE_NEVER, nanoseconds);
            o.on_timeout = if options.move_on { sys::CRECHE_MOVE_ON } else { sys::CRECHE_FAIL };
            o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
            sys::creche_scope_open(self.raw, &o, &mut raw)
        })?;
        Ok(OpenScope { scope: Scope { raw, on: self.on }, open: true })
    }
}

impl From<&Scope> for Scope {
    fn from(scope: &Scope) -> Scope {
        *scope
    }
}

impl From<&OpenScope> for Scope {
    fn from(open: &OpenScope) -> Scope {
        open.scope
    }
}

/// Options of [`Scope::open`].
#[derive(Clone, Debug, Default)]
pub struct ScopeOptions {
    timeout: Option<Duration>,
    move_on: bool,
    shield: bool,
    name: Option<String>,
}

impl ScopeOptions {
    /// No deadline, no shield.
    pub fn new() -> ScopeOptions {
        ScopeOptions::default()
    }

    /// Its deadline, from when it is opened.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// When its deadline cut work short, that is no failure.
    pub fn move_on(mut self) -> Self {
        self.move_on = true;
        self
    }

    /// Cancellation from outside does not come in.
    pub fn shield(mut self) -> Self {
        self.shield = true;
        self
    }

    /// For dumps.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// How a scope was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Left {
    /// [`Status::OK`], [`Status::TIMEOUT`], or [`Status::CANCELLED`] from further out.
    pub status: Status,
    /// It was cancelled and absorbed it.
    pub caught: bool,
    /// Why it was cancelled, if it was.
    pub reason: Reason,
}

/// A bare scope that is open. Dropping it leaves it as soon as it is empty.
#[derive(Debug)]
pub struct OpenScope {
    scope: Scope,
    open: bool,
}

impl OpenScope {
    /// Leaves it and says how it ended. With live work in it that is an error with
    /// [`Status::BUSY`], and nothing changes.
    pub fn leave(&mut self) -> Result<Left> {
        // SAFETY: any thread, any handle; the outcome outlives the call.
        let outcome = unsafe {
            let mut outcome: sys::creche_outcome = zeroed();
            check(sys::creche_scope_leave(self.scope.raw, &mut outcome))?;
            outcome
        };
        self.open = false;
        Ok(Left {
            status: Status(outcome.status),
            caught: outcome.flags & sys::CRECHE_CAUGHT != 0,
            reason: Reason(outcome.reason),
        })
    }
}

impl std::ops::Deref for OpenScope {
    type Target = Scope;
    fn deref(&self) -> &Scope {
        &self.scope
    }
}

impl Drop for OpenScope {
    fn drop(&mut self) {
        if self.open {
            // SAFETY: any thread; NULL: it goes by itself when it is empty.
            unsafe { sys::creche_scope_leave(self.scope.raw, null_mut()) };
        }
    }
}

// ---- The running task ----

/// What is being polled on this thread.
#[derive(Clone)]
pub(crate) struct Current {
    pub scope: Scope,
    pub section: Arc<Section>,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

pub(crate) fn current() -> Option<Current> {
    CURRENT.with_borrow(Clone::clone)
}

/// Polls something as a part of a task, or as a part of none.
pub(crate) fn enter<R>(inside: Option<Current>, poll: impl FnOnce() -> R) -> R {
    struct Restore(Option<Current>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            let after = CURRENT.with_borrow_mut(|current| std::mem::replace(current, before));
            drop(after);
        }
    }
    let before = CURRENT.with_borrow_mut(|current| std::mem::replace(current, inside));
    let _restore = Restore(before);
    poll()
}
