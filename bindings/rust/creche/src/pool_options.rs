//! What a pool of connections is told, and what it counts.
use crate::error::Result;
use crate::histogram::Histogram;
use crate::pool_body::PoolBody;
use crate::pool_calls::{Called, Functions, Notice, PasswordRequest};
use crate::runtime::Loop;
use crate::status::Status;
use crate::sys_ext::{c_text, check, defaults, nanoseconds};
use creche_sys as sys;
use std::ptr::null;
use std::sync::Arc;
use std::time::Duration;

/// Options of a [`Pool`](crate::Pool). What is not set is as the library has it.
#[derive(Clone, Debug, Default)]
pub struct PoolOptions {
    flags: u32,
    initial_size: Option<u32>,
    min_size: Option<u32>,
    max_size: Option<u32>,
    max_waiting: Option<u32>,
    max_uses: Option<u32>,
    statement_cache: Option<u32>,
    pipeline_depth: Option<u32>,
    keep_state: bool,
    connect_timeout: Option<Duration>,
    acquire_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    max_lifetime: Option<Duration>,
    cancel_timeout: Option<Duration>,
    statement_lifetime: Option<Duration>,
    application_name: Option<String>,
    init: Option<String>,
    setup: Option<String>,
    command_timeout: Option<Duration>,
    pub(crate) functions: Functions,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        $($(#[$doc])*
        pub fn $name(mut self, value: $type) -> Self {
            self.$name = Some(value);
            self
        })*
    };
}

impl PoolOptions {
    /// The library's defaults.
    pub fn new() -> PoolOptions {
        PoolOptions::default()
    }

    setters! {
        /// Connections opened at the start.
        initial_size: u32,
        /// Connections kept open.
        min_size: u32,
        /// Connections at the most.
        max_size: u32,
        /// Callers that may wait for a connection; 0: no limit.
        max_waiting: u32,
        /// A connection that was given out so often is closed; no limit.
        max_uses: u32,
        /// Prepared statements kept on each connection; 0: none.
        statement_cache: u32,
        /// Statements in flight on one shared connection.
        pipeline_depth: u32,
        /// For one attempt, all of it.
        connect_timeout: Duration,
        /// Waiting for a connection.
        acquire_timeout: Duration,
        /// An idle connection over `min_size` is closed.
        idle_timeout: Duration,
        /// Of a connection; it is closed in the last tenth of it.
        max_lifetime: Duration,
        /// Cleaning up after a cancel before the connection is dropped.
        cancel_timeout: Duration,
        /// Of a prepared statement, which is then prepared anew.
        statement_lifetime: Duration,
        /// Of a statement that says no time of its own.
        command_timeout: Duration,
    }

    /// Gives the password of each connection, in place of the DSN's: for tokens that are good for a
    /// while. It may block; it is called on threads of the library. What is refused by the server is
    /// asked for once more.
    pub fn password(
        mut self,
        give: impl Fn(&PasswordRequest<'_>) -> std::result::Result<String, Status>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.functions.password = Some(Arc::new(give));
        self
    }

    /// Is told what servers say beside their answers: RAISE NOTICE, warnings. It runs on the loop, and
    /// must not block.
    pub fn notice(mut self, tell: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.functions.notice = Some(Arc::new(tell));
        self
    }

    /// Once on each new connection, before anybody gets it, behind [`init`](PoolOptions::init): what is
    /// to be done with it. Called on the loop: it must not block, but spawn
    /// [`PoolBody::run`](crate::PoolBody::run). Within `connect_timeout`. If it fails, so does who has
    /// waited longest.
    ///
    /// ```no_run
    /// # fn spawn(f: impl Future<Output = ()> + Send + 'static) {}
    /// let options = creche::PoolOptions::new().on_init(|body| {
    ///     spawn(body.run(async |connection| {
    ///         connection.execute("select load_my_extension()", &[]).await?;
    ///         Ok(())
    ///     }));
    /// });
    /// # drop(options);
    /// ```
    pub fn on_init(mut self, run: impl Fn(PoolBody) + Send + Sync + 'static) -> Self {
        self.functions.init = Some(Arc::new(run));
        self
    }

    /// The same each time that somebody gets a connection of his own, behind
    /// [`setup`](PoolOptions::setup), within `acquire_timeout`. If it fails, so does that.
    pub fn on_setup(mut self, run: impl Fn(PoolBody) + Send + Sync + 'static) -> Self {
        self.functions.setup = Some(Arc::new(run));
        self
    }

    /// The same each time that a connection is given back by whom it was given to alone, behind a
    /// rollback and before the reset. If it fails the connection is closed.
    pub fn on_reset(mut self, run: impl Fn(PoolBody) + Send + Sync + 'static) -> Self {
        self.functions.reset = Some(Arc::new(run));
        self
    }

    /// Never prepares by name: behind a transaction-pooling PgBouncer.
    pub fn no_prepare(mut self) -> Self {
        self.flags |= sys::CRECHE_POOL_NO_PREPARE;
        self
    }

    /// One statement at a time on each connection.
    pub fn no_pipeline(mut self) -> Self {
        self.flags |= sys::CRECHE_POOL_NO_PIPELINE;
        self
    }

    /// A connection that is given back keeps its settings: only an open transaction is rolled back.
    pub fn no_reset(mut self) -> Self {
        self.keep_state = true;
        self
    }

    /// For the server's views.
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = Some(name.into());
        self
    }

    /// What is run on each session before anybody gets it, and again behind each reset: statements
    /// separated by semicolons. If it fails, so does who waits for the connection.
    pub fn init(mut self, script: impl Into<String>) -> Self {
        self.init = Some(script.into());
        self
    }

    /// What is run each time that somebody gets a connection of his own ([`Pool::acquire`],
    /// [`Pool::transaction`]): statements separated by semicolons. If it fails, so does that, with
    /// its error, and the connection is given back.
    ///
    /// [`Pool::acquire`]: crate::Pool::acquire
    /// [`Pool::transaction`]: crate::Pool::transaction
    pub fn setup(mut self, script: impl Into<String>) -> Self {
        self.setup = Some(script.into());
        self
    }

    pub(crate) fn open(
        &self,
        on: Loop,
        dsn: Option<&str>,
        called: Option<&Called>,
    ) -> Result<sys::creche_pool> {
        let dsn = dsn.map(c_text).transpose()?;
        let name = self.application_name.as_deref().map(c_text).transpose()?;
        let init = self.init.as_deref().map(c_text).transpose()?;
        let setup = self.setup.as_deref().map(c_text).transpose()?;
        let mut pool = sys::creche_pool::default();
        // SAFETY: plain options; they and what they point to live until the call returns.
        check(unsafe {
            let mut o = defaults(sys::creche_pool_options_init)?;
            o.flags = self.flags;
            o.initial_size = self.initial_size.unwrap_or(o.initial_size);
            o.min_size = self.min_size.unwrap_or(o.min_size);
            o.max_size = self.max_size.unwrap_or(o.max_size);
            o.max_waiting = self.max_waiting.unwrap_or(o.max_waiting);
            o.max_uses = self.max_uses.unwrap_or(o.max_uses);
            o.statement_cache = self.statement_cache.unwrap_or(o.statement_cache);
            o.pipeline_depth = self.pipeline_depth.unwrap_or(o.pipeline_depth);
            if self.keep_state {
                o.reset = sys::CRECHE_RESET_NONE;
            }
            o.connect_timeout = self.connect_timeout.map_or(o.connect_timeout, nanoseconds);
            o.acquire_timeout = self.acquire_timeout.map_or(o.acquire_timeout, nanoseconds);
            o.idle_timeout = self.idle_timeout.map_or(o.idle_timeout, nanoseconds);
            o.max_lifetime = self.max_lifetime.map_or(o.max_lifetime, nanoseconds);
            o.cancel_timeout = self.cancel_timeout.map_or(o.cancel_timeout, nanoseconds);
            o.statement_lifetime =
                self.statement_lifetime.map_or(o.statement_lifetime, nanoseconds);
            o.application_name = name.as_ref().map_or(null(), |name| name.as_ptr());
            o.init = init.as_ref().map_or(null(), |init| init.as_ptr());
            o.setup = setup.as_ref().map_or(null(), |setup| setup.as_ptr());
            o.command_timeout = self.command_timeout.map_or(o.command_timeout, nanoseconds);
            let mut calls = defaults(sys::creche_pool_calls_init)?;
            if let Some(called) = called {
                called.fill(&mut calls);
                o.calls = &calls;
            }
            let dsn = dsn.as_ref().map_or(null(), |dsn| dsn.as_ptr());
            sys::creche_pool_open(on.raw, dsn, &o, &mut pool)
        })?;
        Ok(pool)
    }
}

/// What a pool has now and did so far.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct PoolCounters {
    pub connections: u64,
    pub idle: u64,
    pub leased: u64,
    pub waiting: u64,
    pub connects: u64,
    pub statements: u64,
    pub pipelined: u64,
    pub prepares: u64,
    pub cancels: u64,
    pub resent: u64,
    pub dropped: u64,
    pub acquires: u64,
    pub empty_acquires: u64,
    pub cancelled_acquires: u64,
    /// Nanoseconds, of all that had to wait.
    pub waited: u64,
    /// As it is now.
    pub min_size: u64,
    /// As it is now.
    pub max_size: u64,
    pub connecting: u64,
    pub connect_failures: u64,
    pub refused_acquires: u64,
    pub timed_out_acquires: u64,
    /// Closed for their age, uses or idleness, by [`Pool::resize`](crate::Pool::resize) or [`Pool::expire`](crate::Pool::expire).
    pub retired: u64,
}

/// How long what a pool did took so far.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PoolTimings {
    /// Those that had to wait for a connection, and got one.
    pub acquire: Histogram,
    /// From the beginning to the first use.
    pub connect: Histogram,
    /// From the moment that the server could begin with it to its end.
    pub query: Histogram,
}
