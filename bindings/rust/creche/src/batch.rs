//! Several statements that are sent at once; what a statement takes and returns.
use crate::error::{Error, Result};
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, awaitable};
use crate::query::Target;
use crate::rows::{OwnedValue, Rows};
use crate::status::Status;
use crate::sys_ext::{c_text, defaults};
use crate::value::ToSql;
use creche_sys as sys;
use std::ffi::CString;
use std::fmt;
use std::ptr::null;
use std::slice;
use std::sync::Arc;

/// Several statements that are sent at once: await it. All of them are done or none, unless they are
/// [`separate`](Batch::separate).
#[must_use = "await it, or start it"]
pub struct Batch<'a> {
    target: Target,
    on: sys::creche_loop,
    items: Vec<(&'a str, &'a [&'a dyn ToSql])>,
    separate: bool,
    task: TaskOptions,
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("statements", &self.items.len()).finish_non_exhaustive()
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn new(target: Target, on: sys::creche_loop) -> Batch<'a> {
        Batch { target, on, items: Vec::new(), separate: false, task: TaskOptions::new() }
    }

    task_options!();

    /// Adds a statement.
    pub fn query(mut self, sql: &'a str, args: &'a [&'a dyn ToSql]) -> Self {
        self.items.push((sql, args));
        self
    }

    /// Each stands for itself: one that fails does not touch the others.
    pub fn separate(mut self) -> Self {
        self.separate = true;
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<BatchResults> {
        Pending::start(self.on, &self.task, |within, options, done, user, task| {
            let texts =
                self.items.iter().map(|(sql, _)| c_text(sql)).collect::<Result<Vec<CString>>>()?;
            let values: Vec<Vec<sys::creche_value>> = self
                .items
                .iter()
                .map(|(_, args)| args.iter().map(|arg| arg.value().raw()).collect())
                .collect();
            let items: Vec<sys::creche_batch_item> = texts
                .iter()
                .zip(&values)
                .map(|(sql, values)| sys::creche_batch_item {
                    sql: sql.as_ptr(),
                    args: values.as_ptr(),
                    args_count: values.len(),
                })
                .collect();
            // SAFETY: plain options; they, the texts and the values live until the call returns, which
            // copies them; user lives until the completion.
            Ok(unsafe {
                let mut o = defaults(sys::creche_batch_options_init)?;
                if self.separate {
                    o.flags = sys::CRECHE_BATCH_SEPARATE;
                }
                o.task = options;
                let (items, count) = (items.as_ptr(), items.len());
                match self.target {
                    Target::Pool(pool) => {
                        sys::creche_pool_batch(pool, within, items, count, &o, done, user, task)
                    }
                    Target::Connection(connection) => sys::creche_connection_batch(
                        connection, within, items, count, &o, done, user, task,
                    ),
                }
            })
        })
    }
}

awaitable!(Batch<'a> => BatchResults);

/// What became of one statement of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchState {
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It had been done, and was rolled back with the one that failed.
    Undone,
    /// It was not executed.
    NotRun,
    /// It was sent, and nobody knows: the connection was lost.
    Unknown,
}

/// What became of the statements of a batch.
#[derive(Debug)]
pub struct BatchResults {
    items: Vec<(BatchState, Option<Rows>, Option<Error>)>,
    error: Option<Error>,
}

impl BatchResults {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What became of number `i`.
    ///
    /// # Panics
    /// If there is no such statement.
    pub fn state(&self, i: usize) -> BatchState {
        self.items[i].0
    }

    /// Its rows, if it is done.
    pub fn rows(&self, i: usize) -> Option<&Rows> {
        self.items.get(i)?.1.as_ref()
    }

    /// Its error, if it failed.
    pub fn error(&self, i: usize) -> Option<&Error> {
        self.items.get(i)?.2.as_ref()
    }

    /// The error of the first one that failed, if any did.
    pub fn failure(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Itself if all is done, else the error of the first one that failed.
    pub fn all(self) -> Result<BatchResults> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// # Safety
    /// The completion owns the results that its data is a view of.
    unsafe fn take(completion: &sys::creche_completion, error: Option<Error>) -> BatchResults {
        let kept = Arc::new(OwnedValue(completion.value));
        let count = completion.data_size / size_of::<sys::creche_batch_result>();
        // SAFETY: the caller's promise; the errors are alive as the results are.
        let items = unsafe {
            slice::from_raw_parts(completion.data.cast::<sys::creche_batch_result>(), count)
                .iter()
                .map(|result| {
                    let state = match result.state {
                        sys::CRECHE_BATCH_DONE => BatchState::Done,
                        sys::CRECHE_BATCH_FAILED => BatchState::Failed,
                        sys::CRECHE_BATCH_UNDONE => BatchState::Undone,
                        sys::CRECHE_BATCH_NOT_RUN => BatchState::NotRun,
                        _ => BatchState::Unknown,
                    };
                    (state, Rows::inside(&kept, result.rows), Error::keep(result.error))
                })
                .collect()
        };
        BatchResults { items, error }
    }
}

impl Answer for BatchResults {
    unsafe fn read(completion: &sys::creche_completion) -> Result<BatchResults> {
        // SAFETY: the caller's promise.
        Ok(unsafe { BatchResults::take(completion, None) })
    }

    unsafe fn failed(completion: &sys::creche_completion) -> Result<BatchResults> {
        // SAFETY: the caller's promise.
        unsafe {
            let error = Error::of(completion);
            if completion.flags & sys::CRECHE_OWNED == 0 {
                return Err(error); // it never began
            }
            Ok(BatchResults::take(completion, Some(error)))
        }
    }
}

/// What a statement takes and returns.
#[derive(Debug)]
pub struct Description {
    /// The types of its parameters.
    pub parameters: Vec<u32>,
    /// Its columns, as rows of which there are none; None: it returns no rows.
    pub columns: Option<Rows>,
}

impl Answer for Description {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Description> {
        let kept = Arc::new(OwnedValue(completion.value));
        // SAFETY: the completion's data is a description, a view into its value, which is ours.
        unsafe {
            let Some(d) = completion.data.cast::<sys::creche_description>().as_ref() else {
                return Err(Error::own(Status::INTERNAL, "no description".to_owned()));
            };
            let count = d.parameters_count as usize;
            Ok(Description {
                parameters: slice::from_raw_parts(d.parameters, count).to_vec(),
                columns: Rows::inside(&kept, d.columns),
            })
        }
    }
}

pub(crate) fn describe(target: Target, on: sys::creche_loop, sql: &str) -> Pending<Description> {
    Pending::start(on, &TaskOptions::new(), |within, options, done, user, task| {
        let sql = c_text(sql)?;
        let sql = sql.as_ptr();
        // SAFETY: the text lives until the call returns, which copies it; user until the completion.
        Ok(unsafe {
            match target {
                Target::Pool(pool) => sys::creche_pool_describe(
                    pool,
                    within,
                    sql,
                    null(),
                    0,
                    options,
                    done,
                    user,
                    task,
                ),
                Target::Connection(connection) => sys::creche_connection_describe(
                    connection,
                    within,
                    sql,
                    null(),
                    0,
                    options,
                    done,
                    user,
                    task,
                ),
            }
        })
    })
}

pub(crate) fn many<T: Answer>(
    target: Target,
    on: sys::creche_loop,
    sql: &str,
    rows: &[&[&dyn ToSql]],
    flags: u32,
) -> Pending<T> {
    let width = rows.first().map_or(0, |row| row.len());
    if let Some(at) = rows.iter().position(|row| row.len() != width) {
        let text = format!("row {at} has {} parameters, the first one {width}", rows[at].len());
        return Pending::failed(Error::own(Status::INVALID, text));
    }
    Pending::start(on, &TaskOptions::new(), |within, options, done, user, task| {
        let sql = c_text(sql)?;
        let values: Vec<_> =
            rows.iter().flat_map(|row| row.iter()).map(|arg| arg.value().raw()).collect();
        // SAFETY: plain options; they, the text and the values live until the call returns, which
        // copies them; user lives until the final completion.
        Ok(unsafe {
            let mut o = defaults(sys::creche_query_options_init)?;
            o.flags = flags;
            o.task = options;
            let (sql, values) = (sql.as_ptr(), values.as_ptr());
            let count = rows.len();
            match target {
                Target::Pool(pool) => sys::creche_pool_execute_many(
                    pool, within, sql, values, width, count, &o, done, user, task,
                ),
                Target::Connection(connection) => sys::creche_connection_execute_many(
                    connection, within, sql, values, width, count, &o, done, user, task,
                ),
            }
        })
    })
}
