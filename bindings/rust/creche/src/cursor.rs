//! Cursors: results that the server keeps.
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Pending, awaitable};
use crate::rows::Rows;
use crate::sys_ext::{c_text, defaults};
use crate::value::ToSql;
use creche_sys as sys;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

/// A result that the server keeps, of which one takes as many rows at a time as one likes, and runs
/// other statements in between.
#[derive(Debug)]
pub struct Cursor<'c> {
    raw: sys::creche_connection,
    on: sys::creche_loop,
    name: String,
    connection: PhantomData<&'c ()>,
}

type Step = unsafe extern "C" fn(
    sys::creche_connection,
    sys::creche_scope,
    *const std::ffi::c_char,
    i64,
    *const sys::creche_cursor_options,
    sys::creche_done_fn,
    *mut c_void,
    *mut sys::creche_task,
) -> sys::creche_status;

impl<'c> Cursor<'c> {
    /// All rows that are left.
    pub const ALL: i64 = sys::CRECHE_CURSOR_ALL;

    pub(crate) fn new(raw: sys::creche_connection, on: sys::creche_loop, name: &str) -> Cursor<'c> {
        Cursor { raw, on, name: name.to_owned(), connection: PhantomData }
    }

    /// Opens it for a SELECT or VALUES.
    pub fn open<'a>(&'a self, sql: &'a str, args: &'a [&'a dyn ToSql]) -> OpenCursor<'a> {
        OpenCursor { cursor: self, sql, args, flags: 0, task: TaskOptions::new() }
    }

    fn step<T: crate::pending::Answer>(&self, rows: i64, step: Step) -> Pending<T> {
        Pending::start(self.on, &TaskOptions::new(), |within, options, done, user, task| {
            let name = c_text(&self.name)?;
            // SAFETY: plain options; they and the name live until the call returns; user lives until
            // the completion.
            Ok(unsafe {
                let mut o = defaults(sys::creche_cursor_options_init)?;
                o.task = options;
                step(self.raw, within, name.as_ptr(), rows, &o, done, user, task)
            })
        })
    }

    /// Takes the next rows, or goes back so many if that is negative. Fewer than that are the end.
    pub fn fetch(&self, rows: i64) -> Pending<Rows> {
        self.step(rows, sys::creche_cursor_fetch)
    }

    /// Passes over rows, for how many there were.
    pub fn skip(&self, rows: i64) -> Pending<u64> {
        self.step(rows, sys::creche_cursor_move)
    }

    /// Frees what it holds on the server.
    pub fn close(&self) -> Pending<()> {
        Pending::start(self.on, &TaskOptions::new(), |within, options, done, user, task| {
            let name = c_text(&self.name)?;
            // SAFETY: as above.
            Ok(unsafe {
                let mut o = defaults(sys::creche_cursor_options_init)?;
                o.task = options;
                sys::creche_cursor_close(self.raw, within, name.as_ptr(), &o, done, user, task)
            })
        })
    }
}

/// A cursor that is not opened yet: await it.
#[must_use = "await it, or start it"]
pub struct OpenCursor<'a> {
    cursor: &'a Cursor<'a>,
    sql: &'a str,
    args: &'a [&'a dyn ToSql],
    flags: u32,
    task: TaskOptions,
}

impl fmt::Debug for OpenCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenCursor").field("sql", &self.sql).finish_non_exhaustive()
    }
}

impl OpenCursor<'_> {
    task_options!();

    /// It outlives its transaction, and needs none.
    pub fn hold(mut self) -> Self {
        self.flags |= sys::CRECHE_CURSOR_HOLD;
        self
    }

    /// It goes backwards, too.
    pub fn scroll(mut self) -> Self {
        self.flags |= sys::CRECHE_CURSOR_SCROLL;
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<Rows> {
        let (raw, on) = (self.cursor.raw, self.cursor.on);
        Pending::start(on, &self.task, |within, options, done, user, task| {
            let (name, sql) = (c_text(&self.cursor.name)?, c_text(self.sql)?);
            let args: Vec<sys::creche_value> =
                self.args.iter().map(|arg| arg.value().raw()).collect();
            // SAFETY: plain options; they, the texts and the values live until the call returns, which
            // copies them; user lives until the completion.
            let status: Result<sys::creche_status> = Ok(unsafe {
                let mut o = defaults(sys::creche_cursor_options_init)?;
                o.flags = self.flags;
                o.task = options;
                let (name, sql) = (name.as_ptr(), sql.as_ptr());
                let (values, count) = (args.as_ptr(), args.len());
                sys::creche_cursor_open(raw, within, name, sql, values, count, &o, done, user, task)
            });
            status
        })
    }
}

awaitable!(OpenCursor<'a> => Rows);
