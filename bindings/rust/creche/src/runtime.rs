//! Loops.
use crate::block;
use crate::clock::{self, Hold};
use crate::error::{Error, Result};
use crate::hooks;
use crate::loop_options::LoopOptions;
use crate::scope::Scope;
use crate::status::Status;
use crate::sync::lock;
use crate::sys_ext::{c_text, check, defaults, filled, nanoseconds};
use creche_sys as sys;
use std::ffi::c_char;
use std::future::Future;
use std::os::fd::RawFd;
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::time::Duration;

/// A loop and its thread: the root of a tree of scopes, which owns everything else. It is a name,
/// free to copy.
///
/// Programs need none: there is a default loop, opened when it is first needed and never joined.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Loop {
    pub(crate) raw: sys::creche_loop,
}

/// How [`Loop::dump_as`] writes the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum DumpFormat {
    /// For people.
    #[default]
    Text,
    /// For programs; `creche/loop.h` has its keys.
    Json,
    /// For Graphviz.
    Dot,
}

/// What has happened in a loop so far, and what lives in it now.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct LoopCounters {
    pub turns: u64,
    pub started: u64,
    pub ended: u64,
    pub completions: u64,
    pub cancelled: u64,
    pub unobserved: u64,
    pub posts: u64,
    pub live_tasks: u64,
    pub live_groups: u64,
    pub live_scopes: u64,
    pub live_leases: u64,
    pub stalls: u64,
    pub events_lost: u64,
}

/// The default loop, and the process that opened it.
static DEFAULT: Mutex<Option<(u32, Loop)>> = Mutex::new(None);

impl Loop {
    /// Opens a loop of your own on a thread of its own.
    pub fn open(options: LoopOptions) -> Result<Loop> {
        // SAFETY: no arguments.
        let running = unsafe { sys::creche_version() };
        if running / 1000 != sys::CRECHE_VERSION_NUMBER / 1000 {
            let text = format!(
                "libcreche is of version {}.{}; this binding was made for {}.{}",
                running / 1_000_000,
                running / 1000 % 1000,
                sys::CRECHE_VERSION_MAJOR,
                sys::CRECHE_VERSION_MINOR
            );
            return Err(Error::own(Status::UNSUPPORTED, text));
        }
        let name = options.name.as_deref().map(c_text).transpose()?;
        let hooks = options.hooks.into_c();
        let mut raw = sys::creche_loop::default();
        // SAFETY: its own init function.
        let o = unsafe { defaults(sys::creche_loop_options_init) };
        // SAFETY: plain options; they, their text and the hooks' struct live until the call returns.
        let opened = o.and_then(|mut o| unsafe {
            o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
            if let Some(limit) = options.offload_limit {
                o.offload_limit = limit;
            }
            if options.virtual_clock {
                o.clock = sys::CRECHE_CLOCK_VIRTUAL;
            }
            if options.on_caller {
                o.run = sys::CRECHE_RUN_CALLER;
            }
            o.shuffle_seed = options.shuffle_seed;
            o.busy_poll = nanoseconds(options.busy_poll);
            o.stall_after = nanoseconds(options.stall_after);
            if let Some(hooks) = &hooks {
                o.hooks = hooks.hooks.as_ref().map_or(null(), |hooks| hooks);
                o.log = hooks.log.as_ref().map_or(null(), |log| log);
            }
            if options.debug {
                o.flags |= sys::CRECHE_LOOP_DEBUG;
            }
            check(sys::creche_loop_open(&o, &mut raw))
        });
        if let Some(hooks) = &hooks {
            hooks::opened(opened.is_ok().then_some(raw), hooks);
        }
        opened?;
        if options.virtual_clock {
            clock::opened(raw);
        }
        Ok(Loop { raw })
    }

    /// The default loop of this process. A child made by `fork` gets one of its own.
    pub fn current() -> Result<Loop> {
        let mut default = lock(&DEFAULT);
        match *default {
            Some((process, on)) if process == std::process::id() => Ok(on),
            _ => {
                let on = Loop::open(LoopOptions::new().name("creche"))?;
                *default = Some((std::process::id(), on));
                Ok(on)
            }
        }
    }

    /// The loop's scope, the root of its tree.
    pub fn scope(&self) -> Scope {
        Scope { raw: self.raw.scope, on: self.raw }
    }

    /// Ends it: cancels everything in it. Does not wait: see [`Loop::join`].
    pub fn close(&self) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_loop_close(self.raw) })
    }

    /// The gentle end: refuses new root work, and cancels what is left after `grace`.
    pub fn shutdown(&self, grace: Duration) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_loop_shutdown(self.raw, nanoseconds(grace)) })
    }

    /// Blocks until it has ended, which needs a close before, and takes its sessions and pools with
    /// it. On a loop's own thread this is an error with [`Status::WOULD_DEADLOCK`].
    pub fn join(&self, timeout: Duration) -> Result<()> {
        let end = std::time::Instant::now().checked_add(timeout);
        loop {
            let left = end.map_or(Duration::MAX, |end| {
                end.saturating_duration_since(std::time::Instant::now())
            });
            // SAFETY: any thread, any handle: misuse is an error.
            match unsafe { sys::creche_loop_join(self.raw, nanoseconds(left)) } {
                sys::CRECHE_E_INTERRUPTED => continue,
                status => {
                    if status == sys::CRECHE_OK {
                        clock::ended(self.raw);
                        hooks::ended(self.raw);
                    }
                    return check(status);
                }
            }
        }
    }

    /// Runs a loop that is [`on_caller`](LoopOptions::on_caller) on this thread until the future is
    /// ready, and returns what it gave.
    ///
    /// Fails with [`Status::STATE`] if the loop has a thread of its own or another thread runs it, with
    /// [`Status::WOULD_DEADLOCK`] on a loop's thread, and with [`Status::ENDED`] if the loop ends before;
    /// the future is dropped then.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        block::block_on(self.raw, future)
    }

    /// Runs one turn of a loop that is [`on_caller`](LoopOptions::on_caller): waits up to `timeout` for
    /// something to do, and does it. False if there was nothing. For programs that have an event loop of
    /// their own, with [`fd`](Loop::fd) and [`next_timeout`](Loop::next_timeout).
    pub fn poll(&self, timeout: Duration) -> Result<bool> {
        // SAFETY: any thread, any handle: misuse is an error.
        match unsafe { sys::creche_loop_poll(self.raw, nanoseconds(timeout)) } {
            sys::CRECHE_E_TIMEOUT | sys::CRECHE_E_INTERRUPTED => Ok(false),
            status => check(status).map(|()| true),
        }
    }

    /// A descriptor that becomes readable when a loop that is [`on_caller`](LoopOptions::on_caller) has
    /// something to do. It is the loop's: watch it for reading, level-triggered, and nothing else.
    pub fn fd(&self) -> Result<RawFd> {
        let mut fd = -1;
        // SAFETY: any handle; fd outlives the call.
        check(unsafe { sys::creche_loop_fd(self.raw, &mut fd) })?;
        Ok(fd)
    }

    /// After what time the loop must be polled though its descriptor is not readable; zero: now; None:
    /// not before it is. To be asked after each poll, the last thing before the other loop waits: from
    /// then on whatever anybody adds makes the descriptor readable.
    pub fn next_timeout(&self) -> Result<Option<Duration>> {
        let mut timeout = 0;
        // SAFETY: any handle; timeout outlives the call.
        check(unsafe { sys::creche_loop_next_timeout(self.raw, &mut timeout) })?;
        Ok((timeout != sys::CRECHE_NEVER).then(|| Duration::from_nanos(timeout.max(0) as u64)))
    }

    /// The time of its clock.
    pub fn now(&self) -> Result<Duration> {
        let mut now = 0;
        // SAFETY: any handle; now outlives the call.
        check(unsafe { sys::creche_now(self.raw.scope, &mut now) })?;
        Ok(Duration::from_nanos(now.max(0) as u64))
    }

    /// Keeps a virtual clock from jumping until the answer is dropped; None if the clock is the real
    /// one. Futures of groups and tasks do that by themselves, from when they are woken until they
    /// wait again; it is for what runs outside of them, while it starts things.
    #[must_use = "the clock is held until this is dropped"]
    pub fn hold(&self) -> Option<Hold> {
        Hold::new(self.raw)
    }

    /// Moves a virtual clock forward at once, even if it is held. With the real clock this is an error
    /// with [`Status::STATE`].
    pub fn advance(&self, time: Duration) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_clock_advance(self.raw, nanoseconds(time)) })
    }

    /// The live tree, one node a line.
    pub fn dump(&self) -> Result<String> {
        self.dump_as(DumpFormat::Text)
    }

    /// The live tree in another format.
    pub fn dump_as(&self, format: DumpFormat) -> Result<String> {
        let format = match format {
            DumpFormat::Text => sys::CRECHE_DUMP_TEXT,
            DumpFormat::Json => sys::CRECHE_DUMP_JSON,
            DumpFormat::Dot => sys::CRECHE_DUMP_DOT,
        };
        let mut size = 0;
        // SAFETY: NULL for capacity 0.
        let status = unsafe { sys::creche_loop_dump(self.raw, format, null_mut(), 0, &mut size) };
        if status != sys::CRECHE_E_LIMIT {
            check(status)?;
        }
        loop {
            // The tree may grow meanwhile.
            let mut text = vec![0u8; size + 256];
            let buffer = text.as_mut_ptr().cast::<c_char>();
            // SAFETY: the capacity is that of the buffer.
            match unsafe { sys::creche_loop_dump(self.raw, format, buffer, text.len(), &mut size) }
            {
                sys::CRECHE_E_LIMIT => continue,
                status => check(status)?,
            }
            text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(0));
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }

    /// What has happened in it so far.
    pub fn counters(&self) -> Result<LoopCounters> {
        // SAFETY: plain numbers; the size is that of the memory.
        let c: sys::creche_loop_counters =
            unsafe { filled(|c, size| sys::creche_loop_get_counters(self.raw, c, size)) }?;
        Ok(LoopCounters {
            turns: c.turns,
            started: c.started,
            ended: c.ended,
            completions: c.completions,
            cancelled: c.cancelled,
            unobserved: c.unobserved,
            posts: c.posts,
            live_tasks: c.live_tasks,
            live_groups: c.live_groups,
            live_scopes: c.live_scopes,
            live_leases: c.live_leases,
            stalls: c.stalls,
            events_lost: c.events_lost,
        })
    }
}

impl From<Loop> for Scope {
    fn from(on: Loop) -> Scope {
        on.scope()
    }
}

impl From<&Loop> for Scope {
    fn from(on: &Loop) -> Scope {
        on.scope()
    }
}

/// The loop that something belongs to which names none: that of its scope, that of the running task,
/// the default one.
pub(crate) fn loop_for(within: Option<Scope>) -> Result<sys::creche_loop> {
    match within.or_else(Scope::current) {
        Some(scope) => Ok(scope.on),
        None => Ok(Loop::current()?.raw),
    }
}
