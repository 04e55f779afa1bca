//! PostgreSQL: pools, and connections that are leased from them.
use crate::body::Body;
use crate::copy::{self, CopyIn, CopyStream};
use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::listen::Listener;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, awaitable, closing};
use crate::query::{Execute, Query, Script, Target};
use crate::runtime::Loop;
use crate::status::Status;
use crate::sys_ext::{c_text, check, defaults, filled, nanoseconds};
use crate::value::ToSql;
use creche_sys as sys;
use std::ptr::null;
use std::time::Duration;

/// Options of a [`Pool`]. What is not set is as the library has it.
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

    fn open(&self, on: Loop, dsn: Option<&str>) -> Result<sys::creche_pool> {
        let dsn = dsn.map(c_text).transpose()?;
        let name = self.application_name.as_deref().map(c_text).transpose()?;
        let init = self.init.as_deref().map(c_text).transpose()?;
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
    /// Closed for their age, uses or idleness, by [`Pool::resize`] or [`Pool::expire`].
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

/// A pool of connections to a PostgreSQL server. Share it by reference; dropping it closes it.
#[derive(Debug)]
pub struct Pool {
    raw: sys::creche_pool,
    on: sys::creche_loop,
}

impl Pool {
    /// A pool on the default loop. `dsn`: a URI or a key=value string. What is wrong with it, or a
    /// server that cannot be reached, fails the operations.
    pub fn open(dsn: &str, options: PoolOptions) -> Result<Pool> {
        Pool::on(Loop::current()?, Some(dsn), options)
    }

    /// A pool on a loop of your own. Without a `dsn`, the environment says it (PGHOST, ...).
    pub fn on(on: Loop, dsn: Option<&str>, options: PoolOptions) -> Result<Pool> {
        Ok(Pool { raw: options.open(on, dsn)?, on: on.raw })
    }

    /// One statement on a connection of the pool's choice, pipelined among others where that is safe.
    pub fn query<'a>(&self, sql: &'a str, args: &'a [&'a dyn ToSql]) -> Query<'a> {
        Query::new(Target::Pool(self.raw), self.on, sql, args)
    }

    /// The same, for the number of rows that it changed.
    pub fn execute<'a>(&self, sql: &'a str, args: &'a [&'a dyn ToSql]) -> Execute<'a> {
        Execute::new(self.query(sql, args))
    }

    /// COPY ... TO STDOUT: its bytes as they come.
    pub fn copy_out(&self, sql: &str) -> CopyStream {
        copy::copy_out(Target::Pool(self.raw), self.on, sql)
    }

    /// COPY ... FROM STDIN of bytes, or of a body that is [written](crate::Body::written) in the
    /// server's pace; for how many rows there were. Nothing is stored after a failure.
    pub fn copy_in<'a>(&self, sql: &'a str, body: impl Into<Body>) -> CopyIn<'a> {
        CopyIn::new(Target::Pool(self.raw), self.on, sql, body.into())
    }

    /// A connection of your own: a lease of the nearest task or group, which gets it back at its end
    /// at the latest.
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire { pool: self, task: TaskOptions::new() }
    }

    pub(crate) fn raw(&self) -> (sys::creche_pool, sys::creche_loop) {
        (self.raw, self.on)
    }

    /// One statement with many rows of parameters, all or nothing: for how many rows it has affected.
    /// It stops at the first one that fails.
    pub fn execute_many(&self, sql: &str, rows: &[&[&dyn ToSql]]) -> Pending<u64> {
        let width = rows.first().map_or(0, |row| row.len());
        if let Some(at) = rows.iter().position(|row| row.len() != width) {
            let text = format!("row {at} has {} parameters, the first one {width}", rows[at].len());
            return Pending::failed(Error::own(Status::INVALID, text));
        }
        Pending::start(self.on, &TaskOptions::new(), |within, options, done, user, task| {
            let sql = c_text(sql)?;
            let values: Vec<_> =
                rows.iter().flat_map(|row| row.iter()).map(|arg| arg.value().raw()).collect();
            // SAFETY: plain options; they, the text and the values live until the call returns, which
            // copies them; user lives until the final completion.
            Ok(unsafe {
                let mut o = defaults(sys::creche_query_options_init)?;
                o.task = options;
                let (sql, values) = (sql.as_ptr(), values.as_ptr());
                let count = rows.len();
                sys::creche_pool_execute_many(
                    self.raw, within, sql, values, width, count, &o, done, user, task,
                )
            })
        })
    }

    /// Hears what is said by NOTIFY on these channels, by their names as they are.
    pub fn listen(&self, channels: &[&str]) -> Listener {
        Listener::start(self.raw, self.on, channels)
    }

    /// What it has now and did so far.
    pub fn counters(&self) -> Result<PoolCounters> {
        // SAFETY: plain numbers; the size is that of the memory.
        let c: sys::creche_pool_counters =
            unsafe { filled(|c, size| sys::creche_pool_get_counters(self.raw, c, size)) }?;
        Ok(PoolCounters {
            connections: c.connections,
            idle: c.idle,
            leased: c.leased,
            waiting: c.waiting,
            connects: c.connects,
            statements: c.statements,
            pipelined: c.pipelined,
            prepares: c.prepares,
            cancels: c.cancels,
            resent: c.resent,
            dropped: c.dropped,
            acquires: c.acquires,
            empty_acquires: c.empty_acquires,
            cancelled_acquires: c.cancelled_acquires,
            waited: c.waited,
            min_size: c.min_size,
            max_size: c.max_size,
            connecting: c.connecting,
            connect_failures: c.connect_failures,
            refused_acquires: c.refused_acquires,
            timed_out_acquires: c.timed_out_acquires,
            retired: c.retired,
        })
    }

    /// How long it took so far.
    pub fn timings(&self) -> Result<PoolTimings> {
        // SAFETY: plain numbers; the size is that of the memory.
        let t: sys::creche_pool_timings =
            unsafe { filled(|t, size| sys::creche_pool_get_timings(self.raw, t, size)) }?;
        Ok(PoolTimings {
            acquire: t.acquire.into(),
            connect: t.connect.into(),
            query: t.query.into(),
        })
    }

    /// Changes how many connections it has: those over `max_size` are closed when they have nothing to
    /// do, those that lack for `min_size` are opened.
    pub fn resize(&self, min_size: u32, max_size: u32) -> Result<()> {
        // SAFETY: plain numbers.
        check(unsafe { sys::creche_pool_resize(self.raw, min_size, max_size) })
    }

    /// None of the connections that are open now is given out again.
    pub fn expire(&self) -> Result<()> {
        // SAFETY: any thread.
        check(unsafe { sys::creche_pool_expire(self.raw) })
    }

    /// Closes it: operations end with [`Status::CLOSED`](crate::Status::CLOSED). Starts at once; the
    /// future ends when all connections are closed.
    pub fn close(&self) -> Pending<()> {
        closing(self.on, |done, user| {
            // SAFETY: any thread; user lives until the last completion.
            unsafe { sys::creche_pool_close(self.raw, done, user) }
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_pool_release(self.raw) };
    }
}

/// An acquisition that is not started yet: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct Acquire<'a> {
    pool: &'a Pool,
    task: TaskOptions,
}

impl Acquire<'_> {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<Connection> {
        Pending::start(self.pool.on, &self.task, |within, options, done, user, task| {
            // SAFETY: options live until the call returns; user until the completion.
            Ok(unsafe {
                sys::creche_pool_acquire(self.pool.raw, within, options, done, user, task)
            })
        })
    }
}

awaitable!(Acquire<'a> => Connection);

/// A connection that is leased from a pool. Dropping it gives it back: statements in flight finish, an
/// open transaction is rolled back, the session is reset.
#[derive(Debug)]
pub struct Connection {
    pub(crate) raw: sys::creche_connection,
    pub(crate) on: sys::creche_loop,
    /// Not that of a transaction's body, which is given back by the library.
    pub(crate) owned: bool,
}

impl Answer for Connection {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Connection> {
        let raw = sys::creche_connection { id: completion.value };
        Ok(Connection { raw, on: sys::creche_loop::default(), owned: true })
    }

    fn place(&mut self, on: sys::creche_loop) {
        self.on = on;
    }
}

impl Connection {
    /// One statement. Started while others are in flight, it is pipelined behind them.
    pub fn query<'a>(&self, sql: &'a str, args: &'a [&'a dyn ToSql]) -> Query<'a> {
        Query::new(Target::Connection(self.raw), self.on, sql, args)
    }

    /// The same, for the number of rows that it changed.
    pub fn execute<'a>(&self, sql: &'a str, args: &'a [&'a dyn ToSql]) -> Execute<'a> {
        Execute::new(self.query(sql, args))
    }

    /// COPY ... TO STDOUT: its bytes as they come.
    pub fn copy_out(&self, sql: &str) -> CopyStream {
        copy::copy_out(Target::Connection(self.raw), self.on, sql)
    }

    /// COPY ... FROM STDIN of bytes, or of a body that is [written](crate::Body::written) in the
    /// server's pace; for how many rows there were. Nothing is stored after a failure.
    pub fn copy_in<'a>(&self, sql: &'a str, body: impl Into<Body>) -> CopyIn<'a> {
        CopyIn::new(Target::Connection(self.raw), self.on, sql, body.into())
    }

    /// Several statements separated by semicolons, without parameters, as one implicit transaction.
    pub fn script<'a>(&self, sql: &'a str) -> Script<'a> {
        Script::new(self.raw, self.on, sql)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: ours, released once; never blocks.
            unsafe { sys::creche_connection_release(self.raw) };
        }
    }
}
