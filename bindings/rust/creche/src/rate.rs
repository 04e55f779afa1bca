//! Rate limiters: how often something may be done.
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Pending, awaitable};
use crate::runtime::Loop;
use crate::sys_ext::{c_text, check, defaults, filled, nanoseconds};
use creche_sys as sys;
use std::ptr::null;
use std::time::Duration;

/// Options of a [`Rate`].
#[derive(Clone, Debug)]
pub struct RateOptions {
    permits: u32,
    interval: Duration,
    burst: u32,
    name: Option<String>,
}

impl RateOptions {
    /// So many permits in each interval.
    pub fn new(permits: u32, interval: Duration) -> RateOptions {
        RateOptions { permits, interval, burst: 0, name: None }
    }

    /// What the bucket holds; as many as there are in an interval unless given.
    pub fn burst(mut self, permits: u32) -> Self {
        self.burst = permits;
        self
    }

    /// For dumps.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn open(&self, on: Loop) -> Result<sys::creche_rate> {
        let name = self.name.as_deref().map(c_text).transpose()?;
        let mut rate = sys::creche_rate::default();
        // SAFETY: plain options; they and their text live until the call returns.
        check(unsafe {
            let mut o = defaults(sys::creche_rate_options_init)?;
            o.permits = self.permits;
            o.interval = nanoseconds(self.interval);
            o.burst = self.burst;
            o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
            sys::creche_rate_open(on.raw, &o, &mut rate)
        })?;
        Ok(rate)
    }
}

/// A rate limiter as it is now. Points are of its loop's clock: [`Loop::now`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RateState {
    /// Permits in the bucket, rounded down.
    pub available: u32,
    /// Acquisitions that wait.
    pub waiting: u32,
    /// When the first who waits, else one permit, will be served; None while it is paused for ever.
    pub next: Option<Duration>,
    /// The end of its pause, if it is paused; [`Duration::MAX`]: until [`Rate::resume`].
    pub paused_until: Option<Duration>,
}

/// Permits that are used up: a bucket that is full at first and gains some in each interval, evenly. Who
/// comes first is served first, never early. Share it by reference; dropping it fails those who wait
/// with [`Status::CLOSED`](crate::Status::CLOSED).
///
/// ```
/// use creche::Times;
/// # async fn f() -> creche::Result<()> {
/// let polite = creche::Rate::new(creche::RateOptions::new(10, 1.secs()).burst(1))?;
/// polite.acquire(1).await?; // each tenth of a second
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Rate {
    raw: sys::creche_rate,
    on: sys::creche_loop,
}

impl Rate {
    /// A rate limiter on the default loop.
    pub fn new(options: RateOptions) -> Result<Rate> {
        Rate::on(Loop::current()?, options)
    }

    /// A rate limiter on a loop of your own.
    pub fn on(on: Loop, options: RateOptions) -> Result<Rate> {
        Ok(Rate { raw: options.open(on)?, on: on.raw })
    }

    /// Waits until so many permits are there, and uses them up; also before those behind who want
    /// fewer. Dropping the future before that takes none. More than the burst would never be there: an
    /// error with [`Status::INVALID`](crate::Status::INVALID).
    pub fn acquire(&self, permits: u32) -> AcquirePermits<'_> {
        AcquirePermits { rate: self, permits, task: TaskOptions::new() }
    }

    /// Uses permits up now: an error with [`Status::LIMIT`](crate::Status::LIMIT) says that they are not
    /// there, that others wait, or that it is paused.
    pub fn try_acquire(&self, permits: u32) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_rate_try(self.raw, permits) })
    }

    /// Gives out nothing for so long: what a server wants with Retry-After. A pause is never shortened
    /// by another. [`Duration::MAX`]: until [`resume`](Rate::resume).
    pub fn pause(&self, time: Duration) -> Result<()> {
        self.pause_until(Loop { raw: self.on }.now()?.saturating_add(time))
    }

    /// The same, up to a point of the loop's clock ([`Loop::now`]).
    pub fn pause_until(&self, point: Duration) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_rate_pause(self.raw, nanoseconds(point)) })
    }

    /// Ends a pause now.
    pub fn resume(&self) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_rate_resume(self.raw) })
    }

    /// A look at it.
    pub fn state(&self) -> Result<RateState> {
        // SAFETY: plain numbers; the size is that of the memory.
        let s: sys::creche_rate_state =
            unsafe { filled(|s, size| sys::creche_rate_get_state(self.raw, s, size)) }?;
        let point = |at: i64| match at {
            sys::CRECHE_NEVER => Duration::MAX,
            at => Duration::from_nanos(at.max(0) as u64),
        };
        Ok(RateState {
            available: s.available,
            waiting: s.waiting,
            next: (s.next != sys::CRECHE_NEVER).then(|| point(s.next)),
            paused_until: (s.paused_until != 0).then(|| point(s.paused_until)),
        })
    }
}

impl Drop for Rate {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_rate_release(self.raw) };
    }
}

/// A wait for permits that is not started yet: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct AcquirePermits<'a> {
    rate: &'a Rate,
    permits: u32,
    task: TaskOptions,
}

impl AcquirePermits<'_> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<()> {
        let (raw, permits) = (self.rate.raw, self.permits);
        Pending::start(self.rate.on, &self.task, |within, options, done, user, task| {
            // SAFETY: options live until the call returns; user until the completion.
            Ok(unsafe { sys::creche_rate_acquire(raw, within, permits, options, done, user, task) })
        })
    }
}

awaitable!(AcquirePermits<'a> => ());
