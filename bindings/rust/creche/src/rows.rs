//! Rows: answers of statements, as one block of memory; and streams of such blocks.
use crate::cell::{Cell, FromSql};
use crate::error::{Error, Result};
use crate::flow::{Flow, Flowing, Next};
use crate::pending::Answer;
use crate::scope::Scope;
use crate::status::Status;
use creche_sys as sys;
use std::ffi::CStr;
use std::fmt;
use std::future::poll_fn;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The rows of an answer. They stay valid after their pool and loop are gone.
pub struct Rows {
    raw: sys::creche_rows, // none, if others share its memory:
    _kept: Option<Arc<OwnedValue>>,
    block: NonNull<sys::creche_row_block>,
}

// SAFETY: the block is immutable, "any thread" (creche/rows.h), and lives until the handle is released,
// which is ours.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

/// What a completion owned.
#[derive(Debug)]
pub(crate) struct OwnedValue(pub(crate) u64);

impl Drop for OwnedValue {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_value_release(self.0) };
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_rows_release(self.raw) };
    }
}

impl Rows {
    /// A block in memory of somebody else's; none if it is NULL.
    pub(crate) fn inside(
        kept: &Arc<OwnedValue>,
        block: *const sys::creche_row_block,
    ) -> Option<Rows> {
        let block = NonNull::new(block.cast_mut())?;
        Some(Rows { raw: sys::creche_rows::default(), _kept: Some(kept.clone()), block })
    }
}

impl Answer for Rows {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Rows> {
        let raw = sys::creche_rows { id: completion.value };
        match NonNull::new(completion.data.cast_mut().cast()) {
            Some(block) => Ok(Rows { raw, _kept: None, block }),
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
    pub(crate) fn block(&self) -> &sys::creche_row_block {
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

    /// The name of a type, `int8`, `mood`: of a built-in one, or of one that these rows have values of.
    pub fn type_name(&self, oid: u32) -> Option<&str> {
        // SAFETY: a good block; NULL if it is not known; the text lives as long as the block.
        unsafe {
            let name = sys::creche_row_type_name(self.block(), oid);
            if name.is_null() { None } else { CStr::from_ptr(name).to_str().ok() }
        }
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

impl Flowing for Rows {
    const KIND: u32 = sys::CRECHE_ROWS;
}

/// The rows of a statement, block by block, as they come. Blocks that you hold back hold the server
/// back. Dropping it cancels the statement.
#[must_use = "dropping it cancels the statement"]
pub struct RowStream {
    flow: Flow<Rows>,
    affected: Option<u64>,
}

impl RowStream {
    pub(crate) fn new(flow: Flow<Rows>) -> RowStream {
        RowStream { flow, affected: None }
    }

    /// The operation's own scope.
    pub fn scope(&self) -> Scope {
        self.flow.scope()
    }

    /// The next block; None at the end.
    pub async fn next(&mut self) -> Result<Option<Rows>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for adapters to other streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Rows>>> {
        self.flow.poll_next(context).map_ok(|next| match next {
            Next::Item(block) => Some(block),
            Next::End(affected) => {
                self.affected = Some(affected.into());
                None
            }
            Next::Over => None,
        })
    }

    /// After its end: how many rows there were.
    pub fn affected(&self) -> Option<u64> {
        self.affected
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("scope", &self.scope()).finish_non_exhaustive()
    }
}
