//! Options of groups.
use crate::error::Result;
use crate::scope::Scope;
use crate::sys_ext::{c_text, check, defaults, nanoseconds};
use crate::task::{Cell, notify};
use creche_sys as sys;
use std::ptr::null;
use std::sync::Arc;
use std::time::Duration;

/// What a group does with the ends of its children.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Policy {
    /// The first failure cancels the siblings.
    #[default]
    FailFast,
    /// Errors are results: of each [`Child`](crate::Child); the group does not fail by them.
    Collect,
    /// The first success cancels the rest; errors count only if none succeeds.
    Race,
}

/// Options of a [`group`](crate::group()).
#[derive(Clone, Debug, Default)]
pub struct GroupOptions {
    pub(crate) within: Option<Scope>,
    policy: Policy,
    timeout: Option<Duration>,
    move_on: bool,
    pub(crate) shield: bool,
    limit: u32,
    max_errors: Option<u32>,
    grace: Option<Duration>,
    name: Option<String>,
}

impl GroupOptions {
    /// Fail-fast, without a limit or a deadline.
    pub fn new() -> GroupOptions {
        GroupOptions::default()
    }

    /// Where it belongs; else to the task that is being polled on this thread, else to the default
    /// loop.
    pub fn within(mut self, scope: impl Into<Scope>) -> Self {
        self.within = Some(scope.into());
        self
    }

    /// What it does with the ends of its children.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long all of it may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Its timeout is no failure: what is not done by then is left.
    pub fn move_on(mut self) -> Self {
        self.move_on = true;
        self
    }

    /// Cancellation from outside does not come in.
    pub fn shielded(mut self) -> Self {
        self.shield = true;
        self
    }

    /// How many children run at a time; others wait their turn.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Failures kept in its error; more are only counted.
    pub fn max_errors(mut self, count: u32) -> Self {
        self.max_errors = Some(count);
        self
    }

    /// How long children may take to end once they are cancelled, before the loop's hooks are told which
    /// of them do not ([`HookKind::STALLED`](crate::HookKind::STALLED)). Nothing is done about it.
    pub fn grace(mut self, time: Duration) -> Self {
        self.grace = Some(time);
        self
    }

    /// For dumps.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn open(&self, within: Scope, cell: &Arc<Cell>) -> Result<sys::creche_group> {
        let name = self.name.as_deref().map(c_text).transpose()?;
        // SAFETY: its own init function.
        let mut o = unsafe { defaults(sys::creche_group_options_init) }?;
        o.policy = match self.policy {
            Policy::FailFast => sys::CRECHE_FAIL_FAST,
            Policy::Collect => sys::CRECHE_COLLECT,
            Policy::Race => sys::CRECHE_RACE,
        };
        o.timeout = self.timeout.map_or(sys::CRECHE_NEVER, nanoseconds);
        o.on_timeout = if self.move_on { sys::CRECHE_MOVE_ON } else { sys::CRECHE_FAIL };
        o.shield = self.shield.into();
        o.limit = self.limit;
        o.max_errors = self.max_errors.unwrap_or(o.max_errors);
        o.grace = self.grace.map_or(o.grace, nanoseconds);
        o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
        let mut group = sys::creche_group::default();
        let user = cell.user();
        // SAFETY: the options and their text live until the call returns; user is given back by the
        // group's completion.
        let status =
            unsafe { sys::creche_group_open(within.raw, &o, Some(notify), user, &mut group) };
        if let Err(error) = check(status) {
            // SAFETY: an error return means no completion ever.
            drop(unsafe { Arc::from_raw(user.cast::<Cell>().cast_const()) });
            return Err(error);
        }
        Ok(group)
    }
}
