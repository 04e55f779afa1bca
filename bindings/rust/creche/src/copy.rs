//! COPY: much data in and out, as bytes.
use crate::body::Body;
use crate::error::{Error, Result};
use crate::export::written;
use crate::flow::{Flow, Flowing, Next};
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, awaitable};
use crate::query::Target;
use crate::scope::Scope;
use crate::status::Status;
use crate::sys_ext::{c_text, defaults};
use crate::value::ToSql;
use creche_sys as sys;
use std::ffi::c_void;
use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// Bytes of a COPY: they may begin and end anywhere in a line.
pub struct Chunk {
    raw: sys::creche_rows,
    bytes: NonNull<u8>,
    size: usize,
}

// SAFETY: the bytes are immutable, and live until the handle is released, which is ours.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_rows_release(self.raw) };
    }
}

impl Deref for Chunk {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: a view into the handle, which is ours.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr(), self.size) }
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} bytes)", self.size)
    }
}

impl Answer for Chunk {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Chunk> {
        let raw = sys::creche_rows { id: completion.value };
        match NonNull::new(completion.data.cast_mut().cast()) {
            Some(bytes) => Ok(Chunk { raw, bytes, size: completion.data_size }),
            None => {
                // SAFETY: owned, though without bytes.
                unsafe { sys::creche_rows_release(raw) };
                Err(Error::own(Status::INTERNAL, "a chunk without bytes".to_owned()))
            }
        }
    }
}

impl Flowing for Chunk {
    const KIND: u32 = sys::CRECHE_CHUNK;
}

/// The bytes of a COPY, chunk by chunk, as they come. Chunks that you hold back hold the server back.
/// Dropping it cancels the COPY.
#[must_use = "dropping it cancels the COPY"]
pub struct CopyStream {
    flow: Flow<Chunk>,
    rows: Option<u64>,
}

impl CopyStream {
    /// The operation's own scope.
    pub fn scope(&self) -> Scope {
        self.flow.scope()
    }

    /// The next chunk; None at the end.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for adapters to other streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Chunk>>> {
        self.flow.poll_next(context).map_ok(|next| match next {
            Next::Item(chunk) => Some(chunk),
            Next::End(rows) => {
                self.rows = Some(rows.into());
                None
            }
            Next::Over => None,
        })
    }

    /// After its end: how many rows there were.
    pub fn affected(&self) -> Option<u64> {
        self.rows
    }
}

impl fmt::Debug for CopyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyStream").field("scope", &self.scope()).finish_non_exhaustive()
    }
}

pub(crate) fn copy_out(target: Target, on: sys::creche_loop, sql: &str) -> CopyStream {
    let flow = Flow::start(on, &TaskOptions::new(), |within, options, done, user, task| {
        let sql = c_text(sql)?;
        // SAFETY: plain options; they and the text live until the call returns; user lives until the
        // final completion.
        Ok(unsafe {
            let mut o = defaults(sys::creche_copy_options_init)?;
            o.task = options;
            let sql = sql.as_ptr();
            match target {
                Target::Pool(pool) => {
                    sys::creche_pool_copy_out(pool, within, sql, &o, done, user, task)
                }
                Target::Connection(connection) => {
                    sys::creche_connection_copy_out(connection, within, sql, &o, done, user, task)
                }
            }
        })
    });
    CopyStream { flow, rows: None }
}

// What the body has.
#[derive(Clone, Copy)]
enum What {
    Bytes,      // of a COPY
    Rows,       // of one
    Parameters, // of a statement
}

/// A COPY FROM STDIN that is not started yet: await it for how many rows there were.
#[must_use = "await it, or start it"]
pub struct CopyIn<'a> {
    target: Target,
    on: sys::creche_loop,
    sql: &'a str,
    body: Body,
    what: What,
    task: TaskOptions,
}

impl fmt::Debug for CopyIn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyIn").field("sql", &self.sql).finish_non_exhaustive()
    }
}

impl<'a> CopyIn<'a> {
    pub(crate) fn new(target: Target, on: sys::creche_loop, sql: &'a str, body: Body) -> Self {
        CopyIn { target, on, sql, body, what: What::Bytes, task: TaskOptions::new() }
    }

    pub(crate) fn rows(target: Target, on: sys::creche_loop, sql: &'a str, body: Body) -> Self {
        CopyIn { what: What::Rows, ..CopyIn::new(target, on, sql, body) }
    }

    pub(crate) fn parameters(
        target: Target,
        on: sys::creche_loop,
        sql: &'a str,
        body: Body,
    ) -> Self {
        CopyIn { what: What::Parameters, ..CopyIn::new(target, on, sql, body) }
    }

    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<u64> {
        let source = self.body.into_source();
        Pending::start_pulling(
            self.on,
            &self.task,
            Some(source),
            |within, options, done, user, task| {
                let sql = c_text(self.sql)?;
                // SAFETY: plain options; they and the text live until the call returns; user lives
                // until the final completion.
                Ok(unsafe {
                    let mut o = defaults(sys::creche_copy_options_init)?;
                    let mut q = defaults(sys::creche_query_options_init)?;
                    (o.task, q.task) = (options, options);
                    let sql = sql.as_ptr();
                    match (self.target, self.what) {
                        (Target::Pool(pool), What::Bytes) => {
                            sys::creche_pool_copy_in(pool, within, sql, &o, done, user, task)
                        }
                        (Target::Pool(pool), What::Rows) => {
                            sys::creche_pool_copy_rows(pool, within, sql, &o, done, user, task)
                        }
                        (Target::Pool(pool), What::Parameters) => {
                            sys::creche_pool_execute_rows(pool, within, sql, &q, done, user, task)
                        }
                        (Target::Connection(c), What::Bytes) => {
                            sys::creche_connection_copy_in(c, within, sql, &o, done, user, task)
                        }
                        (Target::Connection(c), What::Rows) => {
                            sys::creche_connection_copy_rows(c, within, sql, &o, done, user, task)
                        }
                        (Target::Connection(c), What::Parameters) => {
                            sys::creche_connection_execute_rows(
                                c, within, sql, &q, done, user, task,
                            )
                        }
                    }
                })
            },
        )
    }
}

awaitable!(CopyIn<'a> => u64);

type ToBytes = unsafe extern "C" fn(
    *const sys::creche_value,
    usize,
    usize,
    sys::creche_text_fn,
    *mut c_void,
) -> sys::creche_status;

fn bytes_of(rows: &[&[&dyn ToSql]], make: ToBytes) -> Result<Vec<u8>> {
    let width = rows.first().map_or(0, |row| row.len());
    if let Some(at) = rows.iter().position(|row| row.len() != width) {
        let text = format!("row {at} has {} values, the first one {width}", rows[at].len());
        return Err(Error::own(Status::INVALID, text));
    }
    let mut bytes = Vec::new();
    if rows.is_empty() {
        return Ok(bytes);
    }
    let values: Vec<_> =
        rows.iter().flat_map(|row| row.iter()).map(|value| value.value().raw()).collect();
    // SAFETY: so many values, which borrow from `rows`.
    written(&mut bytes, |take, user| unsafe {
        make(values.as_ptr(), width, rows.len(), take, user)
    })?;
    Ok(bytes)
}

/// Rows of values as COPY reads them in its text format, for the body of `copy_in`: values like those of
/// statements, all rows of one width. Their types need not be those of the columns: the server reads the
/// text as these have it.
pub fn copy_text(rows: &[&[&dyn ToSql]]) -> Result<Vec<u8>> {
    bytes_of(rows, sys::creche_values_to_copy)
}

/// Rows of values, for the body of `copy_rows` or `execute_rows`: all or a few of them, all of one width.
pub fn rows_bytes(rows: &[&[&dyn ToSql]]) -> Result<Vec<u8>> {
    bytes_of(rows, sys::creche_values_to_rows)
}
