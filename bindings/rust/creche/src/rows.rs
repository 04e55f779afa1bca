//! Rows: answers of statements, as one block of memory; and streams of such blocks.
use crate::cell::{Cell, FromSql};
use crate::error::{Error, Result};
use crate::options::TaskOptions;
use crate::pending::Answer;
use crate::scope::Scope;
use crate::status::Status;
use crate::sync::{keep, lock, wake};
use crate::sys_ext::check;
use creche_sys as sys;
use std::collections::VecDeque;
use std::ffi::{CStr, c_void};
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// The rows of an answer. They stay valid after their pool and loop are gone.
pub struct Rows {
    raw: sys::creche_rows,
    block: NonNull<sys::creche_row_block>,
}

// SAFETY: the block is immutable, "any thread" (creche/rows.h), and lives until the handle is released,
// which is ours.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_rows_release(self.raw) };
    }
}

impl Answer for Rows {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Rows> {
        let raw = sys::creche_rows { id: completion.value };
        match NonNull::new(completion.data.cast_mut().cast()) {
            Some(block) => Ok(Rows { raw, block }),
            None => {
                // SAFETY: owned, though without a block.
                unsafe { sys::creche_rows_release(raw) };
                Err(Error::own(Status::INTERNAL, "an answer without a block of rows".to_owned()))
            }
        }
    }
}

/// Names a column: its number, or its name (the last one of several).
pub trait ColumnName {
    /// Its number among those of the rows.
    fn number(&self, rows: &Rows) -> Option<u32>;
    /// For messages.
    fn describe(&self) -> String;
}

impl ColumnName for usize {
    fn number(&self, rows: &Rows) -> Option<u32> {
        (*self < rows.width()).then_some(*self as u32)
    }
    fn describe(&self) -> String {
        format!("number {self}")
    }
}

impl ColumnName for &str {
    fn number(&self, rows: &Rows) -> Option<u32> {
        (0..rows.width()).rev().find(|i| rows.column_name(*i) == Some(*self)).map(|i| i as u32)
    }
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

impl Rows {
    fn block(&self) -> &sys::creche_row_block {
        // SAFETY: a view into the handle, which is ours.
        unsafe { self.block.as_ref() }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.block().row_count as usize
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many columns.
    pub fn width(&self) -> usize {
        self.block().column_count as usize
    }

    /// The name of a column.
    pub fn column_name(&self, column: usize) -> Option<&str> {
        // SAFETY: a good block; NULL out of range; the text lives as long as the block.
        unsafe {
            let name = sys::creche_row_column_name(self.block(), column.try_into().ok()?);
            if name.is_null() { None } else { CStr::from_ptr(name).to_str().ok() }
        }
    }

    /// The oid of a column's type; 0 out of range.
    pub fn column_type(&self, column: usize) -> u32 {
        // SAFETY: a good block.
        unsafe { sys::creche_row_column_type(self.block(), column.try_into().unwrap_or(u32::MAX)) }
    }

    /// Rows that the command changed or returned.
    pub fn affected(&self) -> u64 {
        self.block().affected.try_into().unwrap_or(0)
    }

    /// The command tag, such as `INSERT 0 5`.
    pub fn tag(&self) -> &str {
        let block = self.block();
        if block.tag_offset == 0 {
            return "";
        }
        // SAFETY: an offset into the block, of a NUL-terminated text.
        unsafe {
            let tag = self.block.as_ptr().cast::<std::ffi::c_char>().add(block.tag_offset as usize);
            CStr::from_ptr(tag).to_str().unwrap_or_default()
        }
    }

    /// The whole block as bytes: position-independent, in native order (creche/rows.h describes it).
    pub fn as_bytes(&self) -> &[u8] {
        let size = self.block().total_size as usize;
        // SAFETY: total_size bytes, immutable.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr().cast::<u8>(), size) }
    }

    /// One row.
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        (index < self.len()).then_some(Row { rows: self, index })
    }

    /// All rows.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rows: self, index: 0 }
    }

    /// The only row; any other number of rows is an error with [`Status::STATE`].
    pub fn one(&self) -> Result<Row<'_>> {
        match self.len() {
            1 => Ok(Row { rows: self, index: 0 }),
            count => Err(Error::own(Status::STATE, format!("{count} rows instead of one"))),
        }
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({} of {} columns)", self.len(), self.width())
    }
}

/// One row of an answer.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    rows: &'a Rows,
    index: usize,
}

impl<'a> Row<'a> {
    /// A value, by the number or name of its column.
    pub fn get<T: FromSql<'a>>(&self, column: impl ColumnName) -> Result<T> {
        let Some(number) = column.number(self.rows) else {
            let text = format!("there is no column {}", column.describe());
            return Err(Error::own(Status::TYPE, text));
        };
        T::from_sql(Cell { block: self.rows.block(), row: self.index as u64, column: number })
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |i| Cell { block: self.rows.block(), row: self.index as u64, column: i };
        let cells = (0..self.rows.width() as u32).map(cell);
        f.debug_map().entries(cells.map(|cell| (cell.name(), cell))).finish()
    }
}

/// All rows of an answer.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rows: &'a Rows,
    index: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let row = self.rows.row(self.index)?;
        self.index += 1;
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rows.len() - self.index.min(self.rows.len());
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Rows {
    type Item = Row<'a>;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

// ---- Streams ----

#[derive(Default)]
struct Flow {
    blocks: VecDeque<Rows>,
    end: Option<Result<u64>>,
    done: bool,
    waker: Option<Waker>,
}

/// The rows of a statement, block by block, as they come. Blocks that you hold back hold the server
/// back. Dropping it cancels the statement.
#[must_use = "dropping it cancels the statement"]
pub struct RowStream {
    flow: Arc<Mutex<Flow>>,
    scope: Scope,
    affected: Option<u64>,
}

unsafe extern "C" fn flowed(user: *mut c_void, completion: *const sys::creche_completion) {
    // SAFETY: the completion lives until we return; user is an Arc that the final one gives back.
    let (completion, flow) = unsafe {
        let completion = &*completion;
        let flow = user.cast::<Mutex<Flow>>().cast_const();
        if completion.flags & sys::CRECHE_MORE != 0 {
            Arc::increment_strong_count(flow);
        }
        (completion, Arc::from_raw(flow))
    };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let more = completion.flags & sys::CRECHE_MORE != 0;
        let block = match completion.kind {
            // SAFETY: a live completion without a failure, read once.
            sys::CRECHE_ROWS => unsafe { Rows::read(completion) }.ok(),
            _ => None,
        };
        let mut state = lock(&flow);
        // Nobody waits any more: the block is released, so that the end can come.
        let unwanted = match block {
            Some(block) if !state.done => {
                state.blocks.push_back(block);
                None
            }
            block => block,
        };
        if !more {
            state.end = Some(match completion.status {
                sys::CRECHE_OK => Ok(completion.code.into()),
                // SAFETY: alive until we return.
                _ => Err(unsafe { Error::of(completion) }),
            });
        }
        let waker = state.waker.take();
        drop(state);
        drop(unwanted);
        wake(waker);
    }));
}

impl RowStream {
    pub(crate) fn start(
        on: sys::creche_loop,
        options: &TaskOptions,
        call: impl FnOnce(
            sys::creche_scope,
            *const sys::creche_task_options,
            sys::creche_done_fn,
            *mut c_void,
            *mut sys::creche_task,
        ) -> Result<sys::creche_status>,
    ) -> RowStream {
        let within = options.scope_on(on);
        let flow = Arc::new(Mutex::new(Flow::default()));
        let user = Arc::into_raw(flow.clone());
        let mut task = sys::creche_task::default();
        let status = options
            .in_c(|options| {
                call(within.raw, options, Some(flowed), user.cast_mut().cast(), &mut task)
            })
            .and_then(|status| status)
            .and_then(check);
        if let Err(error) = status {
            // SAFETY: an error return means no completion ever.
            drop(unsafe { Arc::from_raw(user) });
            lock(&flow).end = Some(Err(error));
        }
        RowStream { flow, scope: Scope { raw: task.scope, on: within.on }, affected: None }
    }

    /// The operation's own scope.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The next block; None at the end.
    pub async fn next(&mut self) -> Result<Option<Rows>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for adapters to other streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Rows>>> {
        let mut flow = lock(&self.flow);
        if let Some(block) = flow.blocks.pop_front() {
            return Poll::Ready(Ok(Some(block)));
        }
        if flow.done {
            return Poll::Ready(Ok(None));
        }
        match flow.end.take() {
            Some(end) => {
                flow.done = true;
                drop(flow);
                Poll::Ready(end.map(|affected| {
                    self.affected = Some(affected);
                    None
                }))
            }
            None => {
                let old = keep(&mut flow.waker, context.waker());
                drop(flow);
                drop(old);
                Poll::Pending
            }
        }
    }

    /// After its end: how many rows there were.
    pub fn affected(&self) -> Option<u64> {
        self.affected
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        let mut flow = lock(&self.flow);
        let ended = flow.done || flow.end.is_some();
        flow.done = true;
        flow.waker = None;
        let blocks = std::mem::take(&mut flow.blocks);
        drop(flow);
        drop(blocks);
        if !ended {
            // SAFETY: any thread; too late is harmless.
            unsafe { sys::creche_scope_cancel(self.scope.raw, null()) };
        }
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("scope", &self.scope).finish_non_exhaustive()
    }
}
