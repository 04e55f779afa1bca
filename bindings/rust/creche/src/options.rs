//! What every operation can be told.
use crate::error::Result;
use crate::scope::Scope;
use crate::sys_ext::{c_text, defaults, nanoseconds};
use creche_sys as sys;
use std::ffi::CString;
use std::ptr::null;
use std::time::Duration;

/// Options of a task; of an operation, the methods of the same names set them.
#[derive(Clone, Debug, Default)]
pub struct TaskOptions {
    pub(crate) within: Option<Scope>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) move_on: bool,
    pub(crate) shield: bool,
    pub(crate) name: Option<String>,
    pub(crate) body: bool,
}

impl TaskOptions {
    /// In the task that is running, without a deadline.
    pub fn new() -> TaskOptions {
        TaskOptions::default()
    }

    /// Where it belongs; else to the task that is being polled on this thread, else to the loop.
    pub fn within(mut self, scope: impl Into<Scope>) -> Self {
        self.within = Some(scope.into());
        self
    }

    /// How long all of it may take, from the call, waiting for a limit included.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A timeout is no failure: it ends like a cancelled one.
    pub fn move_on(mut self) -> Self {
        self.move_on = true;
        self
    }

    /// Cancellation from outside does not come in.
    pub fn shielded(mut self) -> Self {
        self.shield = true;
        self
    }

    /// For dumps and errors.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn scope_on(&self, on: sys::creche_loop) -> Scope {
        self.within.unwrap_or_else(|| Scope::default_on(on))
    }

    /// Calls `start` with these options as C wants them.
    pub(crate) fn in_c<R>(
        &self,
        start: impl FnOnce(*const sys::creche_task_options) -> R,
    ) -> Result<R> {
        let plain = self.timeout.is_none() && self.name.is_none();
        if plain && !self.move_on && !self.shield && !self.body {
            return Ok(start(null()));
        }
        let name: Option<CString> = self.name.as_deref().map(c_text).transpose()?;
        // SAFETY: its own init function.
        let mut options = unsafe { defaults(sys::creche_task_options_init) }?;
        options.flags = if self.body { sys::CRECHE_TASK_BODY } else { 0 };
        options.timeout = self.timeout.map_or(sys::CRECHE_NEVER, nanoseconds);
        options.on_timeout = if self.move_on { sys::CRECHE_MOVE_ON } else { sys::CRECHE_FAIL };
        options.shield = self.shield.into();
        options.name = name.as_ref().map_or(null(), |name| name.as_ptr());
        Ok(start(&options))
    }
}

/// The options that every operation has, as methods of it.
macro_rules! task_options {
    () => {
        /// Where it belongs: a scope; else the task that is being polled on this thread, else the
        /// loop.
        pub fn within(mut self, scope: impl Into<$crate::Scope>) -> Self {
            self.task = self.task.within(scope);
            self
        }

        /// How long all of it may take, from its start, waiting for a limit included.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.task = self.task.timeout(timeout);
            self
        }

        /// Cancellation from outside does not come in; dropping its future does.
        pub fn shielded(mut self) -> Self {
            self.task = self.task.shielded();
            self
        }

        /// For dumps and errors.
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.task = self.task.name(name);
            self
        }
    };
}
pub(crate) use task_options;

/// `10.secs()` and the like.
pub trait Times {
    /// So many seconds.
    fn secs(self) -> Duration;
    /// So many milliseconds.
    fn millis(self) -> Duration;
}

impl Times for u64 {
    fn secs(self) -> Duration {
        Duration::from_secs(self)
    }
    fn millis(self) -> Duration {
        Duration::from_millis(self)
    }
}
