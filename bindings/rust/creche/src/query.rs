//! Statements.
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, awaitable};
use crate::rows::{RowStream, Rows};
use crate::status::Status;
use crate::sys_ext::{c_text, defaults};
use crate::value::ToSql;
use creche_sys as sys;
use std::ffi::{CString, c_char, c_void};
use std::fmt;

/// Where a statement runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    Pool(sys::creche_pool),
    Connection(sys::creche_connection),
}

/// A statement that is not started yet: await it for all of its rows, or
/// [`stream`](Query::stream) them.
#[must_use = "await it, or start it"]
pub struct Query<'a> {
    target: Target,
    on: sys::creche_loop,
    sql: &'a str,
    args: &'a [&'a dyn ToSql],
    flags: u32,
    max_bytes: Option<u64>,
    block_rows: Option<u32>,
    block_bytes: Option<u32>,
    blocks: Option<u32>,
    max_rows: u32,
    names: &'a [&'a str],
    task: TaskOptions,
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("sql", &self.sql).finish_non_exhaustive()
    }
}

impl<'a> Query<'a> {
    pub(crate) fn new(
        target: Target,
        on: sys::creche_loop,
        sql: &'a str,
        args: &'a [&'a dyn ToSql],
    ) -> Query<'a> {
        Query {
            target,
            on,
            sql,
            args,
            flags: 0,
            max_bytes: None,
            block_rows: None,
            block_bytes: None,
            blocks: None,
            max_rows: 0,
            names: &[],
            task: TaskOptions::new(),
        }
    }

    task_options!();

    /// Does not keep it as a prepared statement.
    pub fn no_prepare(mut self) -> Self {
        self.flags |= sys::CRECHE_QUERY_NO_PREPARE;
        self
    }

    /// Never shares a connection with other callers while it runs.
    pub fn alone(mut self) -> Self {
        self.flags |= sys::CRECHE_QUERY_ALONE;
        self
    }

    /// Of a whole result.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Of a stream: rows in a block at the most.
    pub fn block_rows(mut self, rows: u32) -> Self {
        self.block_rows = Some(rows);
        self
    }

    /// Of a stream: about how big a block may get.
    pub fn block_bytes(mut self, bytes: u32) -> Self {
        self.block_bytes = Some(bytes);
        self
    }

    /// Of a stream: blocks that may be held at a time.
    pub fn blocks(mut self, count: u32) -> Self {
        self.blocks = Some(count);
        self
    }

    /// The server stops behind so many rows.
    pub fn max_rows(mut self, rows: u32) -> Self {
        self.max_rows = rows;
        self
    }

    /// The statement has `:name` in place of `$1`, ...: the names of its parameters, in their order.
    pub fn names(mut self, names: &'a [&'a str]) -> Self {
        self.names = names;
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<Rows> {
        self.answer()
    }

    fn answer<T: Answer>(self) -> Pending<T> {
        Pending::start(self.on, &self.task, |within, options, done, user, task| {
            self.call(false, within, options, done, user, task)
        })
    }

    /// Starts it, for its rows as they come, on a connection that is its own while it runs.
    pub fn stream(self) -> RowStream {
        RowStream::new(Flow::start(self.on, &self.task, |within, options, done, user, task| {
            self.call(true, within, options, done, user, task)
        }))
    }

    fn call(
        &self,
        stream: bool,
        within: sys::creche_scope,
        task_options: *const sys::creche_task_options,
        done: sys::creche_done_fn,
        user: *mut c_void,
        task: *mut sys::creche_task,
    ) -> Result<sys::creche_status> {
        let sql = c_text(self.sql)?;
        let args: Vec<sys::creche_value> = self.args.iter().map(|arg| arg.value().raw()).collect();
        if !self.names.is_empty() && self.names.len() != args.len() {
            let text = format!("{} names for {} parameters", self.names.len(), args.len());
            return Err(Error::own(Status::INVALID, text));
        }
        let names = self.names.iter().map(|name| c_text(name)).collect::<Result<Vec<CString>>>()?;
        let pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let (sql, values, count) = (sql.as_ptr(), args.as_ptr(), args.len());
        // SAFETY: plain options; they, the text and the values live until the call returns, which
        // copies them; user lives until the final completion.
        Ok(unsafe {
            let mut o = defaults(sys::creche_query_options_init)?;
            o.flags = self.flags;
            o.max_bytes = self.max_bytes.unwrap_or(o.max_bytes);
            o.block_rows = self.block_rows.unwrap_or(o.block_rows);
            o.block_bytes = self.block_bytes.unwrap_or(o.block_bytes);
            o.blocks = self.blocks.unwrap_or(o.blocks);
            o.max_rows = self.max_rows;
            if !pointers.is_empty() {
                o.names = pointers.as_ptr();
            }
            o.task = task_options;
            match (self.target, stream) {
                (Target::Pool(pool), false) => {
                    sys::creche_pool_query(pool, within, sql, values, count, &o, done, user, task)
                }
                (Target::Pool(pool), true) => {
                    sys::creche_pool_stream(pool, within, sql, values, count, &o, done, user, task)
                }
                (Target::Connection(connection), false) => sys::creche_connection_query(
                    connection, within, sql, values, count, &o, done, user, task,
                ),
                (Target::Connection(connection), true) => sys::creche_connection_stream(
                    connection, within, sql, values, count, &o, done, user, task,
                ),
            }
        })
    }
}

awaitable!(Query<'a> => Rows);

/// A statement of which only the number of rows matters that it changed: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct Execute<'a> {
    query: Query<'a>,
}

impl Answer for u64 {
    unsafe fn read(completion: &sys::creche_completion) -> Result<u64> {
        if completion.flags & sys::CRECHE_OWNED == 0 {
            return Ok(completion.value); // of a COPY
        }
        // SAFETY: the caller's promise.
        unsafe { Rows::read(completion) }.map(|rows| rows.affected())
    }
}

impl<'a> Execute<'a> {
    pub(crate) fn new(query: Query<'a>) -> Execute<'a> {
        Execute { query }
    }

    /// As [`Query::within`].
    pub fn within(mut self, scope: impl Into<crate::Scope>) -> Self {
        self.query = self.query.within(scope);
        self
    }

    /// As [`Query::timeout`].
    pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
        self.query = self.query.timeout(timeout);
        self
    }

    /// As [`Query::shielded`].
    pub fn shielded(mut self) -> Self {
        self.query = self.query.shielded();
        self
    }

    /// As [`Query::name`].
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.query = self.query.name(name);
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<u64> {
        self.query.answer()
    }
}

awaitable!(Execute<'a> => u64);

/// Several statements separated by semicolons, without parameters: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct Script<'a> {
    connection: sys::creche_connection,
    on: sys::creche_loop,
    sql: &'a str,
    task: TaskOptions,
}

impl<'a> Script<'a> {
    pub(crate) fn new(
        connection: sys::creche_connection,
        on: sys::creche_loop,
        sql: &'a str,
    ) -> Script<'a> {
        Script { connection, on, sql, task: TaskOptions::new() }
    }

    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<()> {
        Pending::start(self.on, &self.task, |within, task_options, done, user, task| {
            let sql = c_text(self.sql)?;
            // SAFETY: as for a query.
            Ok(unsafe {
                let mut o = defaults(sys::creche_query_options_init)?;
                o.task = task_options;
                let connection = self.connection;
                sys::creche_connection_script(
                    connection,
                    within,
                    sql.as_ptr(),
                    &o,
                    done,
                    user,
                    task,
                )
            })
        })
    }
}

awaitable!(Script<'a> => ());
