//! PostgreSQL: connections that are leased from pools.
use crate::batch::{Batch, Description, describe, many};
use crate::body::Body;
use crate::copy::{self, CopyIn, CopyStream};
use crate::cursor::Cursor;
use crate::error::Result;
use crate::pending::{Answer, Pending};
use crate::query::{Execute, Query, Script, Target};
use crate::rows::Rows;
use crate::sys_ext::check;
use crate::value::ToSql;
use creche_sys as sys;

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
    /// Has it closed when it is given back, instead of kept for the next one.
    pub fn expire(&self) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_connection_expire(self.raw) })
    }

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

    /// `COPY table [(columns)] FROM STDIN` of rows of values, in pieces of
    /// [`rows_bytes`](crate::rows_bytes). If all columns are of types that have a form for that, they go
    /// in binary, and what does not fit its column without loss is an error that names row and column;
    /// else as text, which the server reads.
    pub fn copy_rows<'a>(&self, sql: &'a str, body: impl Into<Body>) -> CopyIn<'a> {
        CopyIn::rows(Target::Connection(self.raw), self.on, sql, body.into())
    }

    /// One statement with many rows of parameters, all or nothing: for how many rows it has affected. In
    /// an open transaction it is a part of that.
    pub fn execute_many(&self, sql: &str, rows: &[&[&dyn ToSql]]) -> Pending<u64> {
        many(Target::Connection(self.raw), self.on, sql, rows, 0)
    }

    /// The same with rows that come in pieces of [`rows_bytes`](crate::rows_bytes), as the body of
    /// [`copy_in`](Self::copy_in) does: any number of them in little memory.
    pub fn execute_rows<'a>(&self, sql: &'a str, body: impl Into<Body>) -> CopyIn<'a> {
        CopyIn::parameters(Target::Connection(self.raw), self.on, sql, body.into())
    }

    /// The same, for the rows that it returns (RETURNING).
    pub fn execute_many_returning(&self, sql: &str, rows: &[&[&dyn ToSql]]) -> Pending<Rows> {
        many(Target::Connection(self.raw), self.on, sql, rows, sys::CRECHE_QUERY_COLLECT)
    }

    /// Several statements that are sent at once.
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(Target::Connection(self.raw), self.on)
    }

    /// What a statement takes and returns, without running it.
    pub fn describe(&self, sql: &str) -> Pending<Description> {
        describe(Target::Connection(self.raw), self.on, sql)
    }

    /// A cursor by this name, for a SELECT or VALUES. It is to be opened, or was by a statement.
    pub fn cursor(&self, name: &str) -> Cursor<'_> {
        Cursor::new(self.raw, self.on, name)
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
