//! PostgreSQL: pools.
use crate::batch::{Batch, Description, describe, many};
use crate::body::Body;
use crate::connection::Connection;
use crate::copy::{self, CopyIn, CopyStream};
use crate::error::Result;
use crate::listen::Listener;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Pending, awaitable, closing};
use crate::pool_calls::Called;
use crate::pool_options::{PoolCounters, PoolOptions, PoolTimings};
use crate::query::{Execute, Query, Target};
use crate::rows::Rows;
use crate::runtime::Loop;
use crate::sys_ext::{check, filled};
use crate::value::ToSql;
use creche_sys as sys;

/// A pool of connections to a PostgreSQL server. Share it by reference; dropping it closes it.
#[derive(Debug)]
pub struct Pool {
    raw: sys::creche_pool,
    on: sys::creche_loop,
    _called: Option<Called>,
}

impl Pool {
    /// A pool on the default loop. `dsn`: a URI or a key=value string. What is wrong with it, or a
    /// server that cannot be reached, fails the operations.
    pub fn open(dsn: &str, options: PoolOptions) -> Result<Pool> {
        Pool::on(Loop::current()?, Some(dsn), options)
    }

    /// A pool on a loop of your own. Without a `dsn`, the environment says it (PGHOST, ...).
    pub fn on(on: Loop, dsn: Option<&str>, options: PoolOptions) -> Result<Pool> {
        let called = Called::new(&options.functions, on.raw);
        Ok(Pool { raw: options.open(on, dsn, called.as_ref())?, on: on.raw, _called: called })
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

    /// `COPY table [(columns)] FROM STDIN` of rows of values, in pieces of
    /// [`rows_bytes`](crate::rows_bytes). If all columns are of types that have a form for that, they go
    /// in binary, and what does not fit its column without loss is an error that names row and column;
    /// else as text, which the server reads.
    pub fn copy_rows<'a>(&self, sql: &'a str, body: impl Into<Body>) -> CopyIn<'a> {
        CopyIn::rows(Target::Pool(self.raw), self.on, sql, body.into())
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
        many(Target::Pool(self.raw), self.on, sql, rows, 0)
    }

    /// The same with rows that come in pieces of [`rows_bytes`](crate::rows_bytes), as the body of
    /// [`copy_in`](Self::copy_in) does: any number of them in little memory.
    pub fn execute_rows<'a>(&self, sql: &'a str, body: impl Into<Body>) -> CopyIn<'a> {
        CopyIn::parameters(Target::Pool(self.raw), self.on, sql, body.into())
    }

    /// The same, for the rows that it returns (RETURNING).
    pub fn execute_many_returning(&self, sql: &str, rows: &[&[&dyn ToSql]]) -> Pending<Rows> {
        many(Target::Pool(self.raw), self.on, sql, rows, sys::CRECHE_QUERY_COLLECT)
    }

    /// Several statements that are sent at once.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(Target::Pool(self.raw), self.on)
    }

    /// What a statement takes and returns, without running it.
    pub fn describe(&self, sql: &str) -> Pending<Description> {
        describe(Target::Pool(self.raw), self.on, sql)
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
