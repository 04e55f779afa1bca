//! Rows as JSON, as CSV, and through the Arrow C Data Interface.
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::status::Status;
use crate::sys_ext::check;
use creche_sys as sys;
use std::any::Any;
use std::ffi::{c_char, c_void};
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// How [`Rows::to_json`] writes: `CRECHE_JSON_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonForm {
    /// A row a line, no array around them (NDJSON).
    pub lines: bool,
    /// A row is an array of values.
    pub arrays: bool,
    /// int8 and numeric as strings.
    pub exact: bool,
    /// NaN and the infinities of numbers as null.
    pub finite: bool,
}

/// How [`Rows::to_csv`] writes: `CRECHE_CSV_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvForm {
    /// The columns' names in the first line.
    pub header: bool,
    /// Lines end in CR LF.
    pub crlf: bool,
    /// Quotes around all that is not NULL.
    pub quote: bool,
    /// 0: a comma.
    pub delimiter: u8,
}

/// How [`Rows::to_arrow`] sees numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrowForm {
    /// What Arrow has no value for (an infinite date) is an error, not null.
    pub strict: bool,
    /// numeric is always text.
    pub numeric_text: bool,
    /// numeric without a declared precision is a decimal of this precision and scale, not text.
    pub decimal: Option<(u8, u8)>,
}

struct Taker<'a> {
    out: &'a mut dyn Write,
    failed: Option<io::Error>,
    panicked: Option<Box<dyn Any + Send>>,
}

unsafe extern "C" fn take(text: *const c_char, size: usize, user: *mut c_void) -> i32 {
    // SAFETY: the call that has `user` waits for this one; so many bytes are there.
    let (taker, text) = unsafe {
        (&mut *user.cast::<Taker<'_>>(), std::slice::from_raw_parts(text.cast::<u8>(), size))
    };
    // No panic may leave a function that C has called: it goes on behind the call.
    match catch_unwind(AssertUnwindSafe(|| taker.out.write_all(text))) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => taker.failed = Some(error),
        Err(panic) => taker.panicked = Some(panic),
    }
    1
}

pub(crate) fn written(
    out: &mut dyn Write,
    write: impl FnOnce(sys::creche_text_fn, *mut c_void) -> sys::creche_status,
) -> Result<()> {
    let mut taker = Taker { out, failed: None, panicked: None };
    let status = write(Some(take), (&raw mut taker).cast());
    if let Some(panic) = taker.panicked {
        resume_unwind(panic);
    }
    match taker.failed {
        Some(error) => Err(Error::own(Status::SYSTEM, error.to_string())),
        None => check(status),
    }
}

fn text(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<String> {
    let mut bytes = Vec::new();
    write(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Rows {
    /// The rows as JSON, as PostgreSQL's `row_to_json` has it: no digit of a number is lost.
    pub fn to_json(&self, form: JsonForm) -> Result<String> {
        text(|out| self.write_json(form, out))
    }

    /// The same piece by piece; an error of `out` ends it.
    pub fn write_json(&self, form: JsonForm, out: &mut dyn Write) -> Result<()> {
        let flags = (u32::from(form.lines) * sys::CRECHE_JSON_LINES)
            | (u32::from(form.arrays) * sys::CRECHE_JSON_ARRAYS)
            | (u32::from(form.exact) * sys::CRECHE_JSON_EXACT)
            | (u32::from(form.finite) * sys::CRECHE_JSON_FINITE);
        // SAFETY: a good block.
        written(out, |take, user| unsafe {
            sys::creche_rows_to_json(self.block(), flags, take, user)
        })
    }

    /// The rows as CSV, as COPY writes it.
    pub fn to_csv(&self, form: CsvForm) -> Result<String> {
        text(|out| self.write_csv(form, out))
    }

    /// The same piece by piece; an error of `out` ends it.
    pub fn write_csv(&self, form: CsvForm, out: &mut dyn Write) -> Result<()> {
        let flags = (u32::from(form.header) * sys::CRECHE_CSV_HEADER)
            | (u32::from(form.crlf) * sys::CRECHE_CSV_CRLF)
            | (u32::from(form.quote) * sys::CRECHE_CSV_QUOTE);
        // SAFETY: a good block.
        written(out, |take, user| unsafe {
            sys::creche_rows_to_csv(self.block(), flags, form.delimiter as c_char, take, user)
        })
    }

    /// The rows as a struct array with its schema: who takes them calls `release` of both, once.
    pub fn to_arrow(&self, form: ArrowForm) -> Result<(sys::ArrowSchema, sys::ArrowArray)> {
        let (precision, scale) = form.decimal.unwrap_or((0, 0));
        let flags = (u32::from(form.strict) * sys::CRECHE_ARROW_STRICT)
            | (u32::from(form.numeric_text) * sys::CRECHE_ARROW_NUMERIC_TEXT)
            | (u32::from(precision) << 8)
            | (u32::from(scale) << 16);
        let (mut schema, mut array) = (MaybeUninit::zeroed(), MaybeUninit::zeroed());
        // SAFETY: a good block; both are filled, or have no release; all zero they are good, too.
        unsafe {
            check(sys::creche_rows_to_arrow(
                self.block(),
                flags,
                schema.as_mut_ptr(),
                array.as_mut_ptr(),
            ))?;
            Ok((schema.assume_init(), array.assume_init()))
        }
    }
}
