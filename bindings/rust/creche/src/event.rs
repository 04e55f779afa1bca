//! Events: something happens once, and all who wait for it go on.
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Pending, awaitable};
use crate::runtime::Loop;
use crate::sys_ext::{c_text, check, defaults};
use creche_sys as sys;
use std::ptr::null;

/// Options of an [`Event`].
#[derive(Clone, Debug, Default)]
pub struct EventOptions {
    name: Option<String>,
}

impl EventOptions {
    /// Without a name.
    pub fn new() -> EventOptions {
        EventOptions::default()
    }

    /// For dumps.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// Something that happens once; it is never cleared. Share it by reference; dropping it fails those who
/// still wait with [`Status::CLOSED`](crate::Status::CLOSED).
///
/// ```
/// # async fn f() -> creche::Result<()> {
/// let ready = creche::Event::new()?;
/// ready.set()?;
/// ready.wait().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Event {
    raw: sys::creche_event,
    on: sys::creche_loop,
}

impl Event {
    /// An event on the default loop.
    pub fn new() -> Result<Event> {
        Event::on(Loop::current()?, EventOptions::new())
    }

    /// An event on a loop of your own.
    pub fn on(on: Loop, options: EventOptions) -> Result<Event> {
        let name = options.name.as_deref().map(c_text).transpose()?;
        let mut raw = sys::creche_event::default();
        // SAFETY: plain options; they and their text live until the call returns.
        check(unsafe {
            let mut o = defaults(sys::creche_event_options_init)?;
            o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
            sys::creche_event_open(on.raw, &o, &mut raw)
        })?;
        Ok(Event { raw, on: on.raw })
    }

    /// Sets it: the waits of all who wait stand as ended when this returns, whatever is cancelled
    /// then. Again is harmless.
    pub fn set(&self) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_event_set(self.raw) })
    }

    /// Whether it is set.
    pub fn is_set(&self) -> Result<bool> {
        // SAFETY: any thread, any handle.
        match unsafe { sys::creche_event_is_set(self.raw) } {
            answer @ (0 | 1) => Ok(answer == 1),
            status => check(status).map(|()| false),
        }
    }

    /// Waits until it is set.
    pub fn wait(&self) -> WaitEvent<'_> {
        WaitEvent { event: self, task: TaskOptions::new() }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_event_release(self.raw) };
    }
}

/// A wait for an event that is not started yet: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct WaitEvent<'a> {
    event: &'a Event,
    task: TaskOptions,
}

impl WaitEvent<'_> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<()> {
        let raw = self.event.raw;
        Pending::start(self.event.on, &self.task, |within, options, done, user, task| {
            // SAFETY: options live until the call returns; user until the completion.
            Ok(unsafe { sys::creche_event_wait(raw, within, options, done, user, task) })
        })
    }
}

awaitable!(WaitEvent<'a> => ());
