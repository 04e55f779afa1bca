//! When a request is made again.
use crate::error::Result;
use crate::sys_ext::{defaults, nanoseconds};
use creche_sys as sys;
use std::time::Duration;

/// A policy, of a session or of a request: a request is made again after a failure that may pass, or an
/// answer that says so, if nothing can happen twice and its body is there. Three attempts in all, 100 ms
/// doubling with full jitter, `Retry-After` obeyed, and a budget that stops storms, unless it is told
/// otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    flags: u32,
    attempts: Option<u32>,
    budget: Option<u32>,
    delay: Option<Duration>,
    max_delay: Option<Duration>,
    max_retry_after: Option<Duration>,
    statuses: Option<Vec<u16>>,
}

impl Retry {
    /// The library's defaults.
    pub fn new() -> Retry {
        Retry::default()
    }

    /// In all, with the first; 1: it is never made again.
    pub fn attempts(mut self, count: u32) -> Self {
        self.attempts = Some(count);
        self
    }

    /// Retries for a hundred requests of the session.
    pub fn budget(mut self, percent: u32) -> Self {
        self.budget = Some(percent);
        self
    }

    /// However many others are made again.
    pub fn no_budget(mut self) -> Self {
        self.flags |= sys::CRECHE_RETRY_NO_BUDGET;
        self
    }

    /// The most that is waited before the second attempt; doubled before each further one.
    pub fn delay(mut self, time: Duration) -> Self {
        self.delay = Some(time);
        self
    }

    /// Up to this.
    pub fn max_delay(mut self, time: Duration) -> Self {
        self.max_delay = Some(time);
        self
    }

    /// A `Retry-After` that says more counts as this; zero: it is not looked at.
    pub fn max_retry_after(mut self, time: Duration) -> Self {
        self.max_retry_after = Some(time);
        self
    }

    /// Waits for the whole delay each time.
    pub fn no_jitter(mut self) -> Self {
        self.flags |= sys::CRECHE_RETRY_NO_JITTER;
        self
    }

    /// A POST or PATCH, too, may be made twice.
    pub fn any_method(mut self) -> Self {
        self.flags |= sys::CRECHE_RETRY_ANY_METHOD;
        self
    }

    /// The statuses after which it is made again, of 400 to 599.
    pub fn statuses(mut self, statuses: impl Into<Vec<u16>>) -> Self {
        self.statuses = Some(statuses.into());
        self
    }

    /// What C wants; it points into this.
    pub(crate) fn raw(&self) -> Result<sys::creche_retry> {
        // SAFETY: its own init function.
        let mut r = unsafe { defaults(sys::creche_retry_init) }?;
        r.flags = self.flags;
        r.attempts = self.attempts.unwrap_or(r.attempts);
        r.budget = self.budget.unwrap_or(r.budget);
        r.delay = self.delay.map_or(r.delay, nanoseconds);
        r.max_delay = self.max_delay.map_or(r.max_delay, nanoseconds);
        r.max_retry_after = self.max_retry_after.map_or(r.max_retry_after, nanoseconds);
        if let Some(statuses) = &self.statuses {
            r.statuses = statuses.as_ptr();
            r.statuses_count = statuses.len();
        }
        Ok(r)
    }
}
