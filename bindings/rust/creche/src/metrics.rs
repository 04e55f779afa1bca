//! Counters and histograms as text, and the threads of the library.
use crate::error::Result;
use crate::pool::Pool;
use crate::runtime::Loop;
use crate::session::Session;
use crate::sys_ext::{c_text, check, defaults};
use creche_sys as sys;
use std::ffi::c_char;

/// All counters and histograms of loops, and of the sessions, pools and groups on them, in the text
/// format of Prometheus, to be served as `text/plain; version=0.0.4; charset=utf-8`. Labels are the
/// names that were given to loops, groups, sessions and pools; no URL, host or DSN stands there.
///
/// ```
/// # fn f() -> creche::Result<()> {
/// let text = creche::metrics(&[creche::Loop::current()?])?;
/// assert!(text.contains("creche_loop_turns_total"));
/// # Ok(()) }
/// # f().unwrap();
/// ```
pub fn metrics(loops: &[Loop]) -> Result<String> {
    let loops: Vec<_> = loops.iter().map(|on| on.raw).collect();
    let mut text = vec![0u8; 16 << 10];
    loop {
        let mut size = 0;
        let buffer = text.as_mut_ptr().cast::<c_char>();
        // SAFETY: the capacity is that of the buffer, the count that of the loops.
        let status = unsafe {
            sys::creche_write_metrics(
                loops.as_ptr(),
                loops.len(),
                sys::CRECHE_METRICS_PROMETHEUS,
                buffer,
                text.len(),
                &mut size,
            )
        };
        if status == sys::CRECHE_E_LIMIT {
            text = vec![0u8; size + 4096]; // numbers grow meanwhile
            continue;
        }
        check(status)?;
        text.truncate(size - 1);
        return Ok(String::from_utf8_lossy(&text).into_owned());
    }
}

impl Session {
    /// Names it for [`metrics`].
    pub fn set_name(&self, name: &str) -> Result<()> {
        let name = c_text(name)?;
        // SAFETY: any thread; the text is copied.
        check(unsafe { sys::creche_session_set_name(self.raw, name.as_ptr()) })
    }
}

impl Pool {
    /// Names it for [`metrics`].
    pub fn set_name(&self, name: &str) -> Result<()> {
        let name = c_text(name)?;
        // SAFETY: any thread; the text is copied.
        check(unsafe { sys::creche_pool_set_name(self.raw().0, name.as_ptr()) })
    }
}

/// How the threads of the library are made from now on, in this process.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    stack_size: u64,
    prefix: Option<String>,
    workers: u32,
}

impl Threads {
    /// As they are unless something is said.
    pub fn new() -> Threads {
        Threads::default()
    }

    /// Bytes of the stack of each thread; the system's default unless given.
    pub fn stack_size(mut self, bytes: u64) -> Self {
        self.stack_size = bytes;
        self
    }

    /// What their names begin with; "creche" unless given.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Threads of each kind of work that would block a loop (names, files, ...), for each loop that is
    /// opened after this, at the most.
    pub fn workers(mut self, most: u32) -> Self {
        self.workers = most;
        self
    }

    /// Counts for threads that are started from now on.
    pub fn set(&self) -> Result<()> {
        // SAFETY: the init function of the struct.
        let mut o = unsafe { defaults(sys::creche_threads_options_init) }?;
        let prefix = self.prefix.as_deref().map(c_text).transpose()?;
        if let Some(prefix) = &prefix {
            o.prefix = prefix.as_ptr();
        }
        o.stack_size = self.stack_size;
        o.workers = self.workers;
        // SAFETY: any thread; the texts are copied.
        check(unsafe { sys::creche_set_threads(&o) })
    }
}
