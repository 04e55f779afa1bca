//! Values of answers.
use crate::error::{Error, Result};
use crate::status::Status;
use creche_sys as sys;
use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One value of an answer.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    pub(crate) block: &'a sys::creche_row_block,
    pub(crate) row: u64,
    pub(crate) column: u32,
}

impl<'a> Cell<'a> {
    /// Its type's oid.
    pub fn oid(&self) -> u32 {
        // SAFETY: a good block; out of range is 0.
        unsafe { sys::creche_row_column_type(self.block, self.column) }
    }

    /// The column's name.
    pub fn name(&self) -> Cow<'a, str> {
        // SAFETY: a good block; the text lives as long as it does.
        unsafe {
            let name = sys::creche_row_column_name(self.block, self.column);
            if name.is_null() { Cow::Borrowed("") } else { CStr::from_ptr(name).to_string_lossy() }
        }
    }

    /// Whether it is SQL NULL.
    pub fn is_null(&self) -> bool {
        // SAFETY: a good block.
        unsafe { sys::creche_row_is_null(self.block, self.row, self.column) != 0 }
    }

    /// Text-like types: the text.
    pub fn text(&self) -> Option<&'a [u8]> {
        let mut size = 0;
        // SAFETY: a good block; the text lives as long as it does.
        unsafe {
            let text = sys::creche_row_text(self.block, self.row, self.column, &mut size);
            (!text.is_null()).then(|| std::slice::from_raw_parts(text.cast(), size))
        }
    }

    /// The binary form of what is no number, bool or time.
    pub fn bytes(&self) -> Option<&'a [u8]> {
        let mut size = 0;
        // SAFETY: a good block; the bytes live as long as it does.
        unsafe {
            let bytes = sys::creche_row_bytes(self.block, self.row, self.column, &mut size);
            (!bytes.is_null()).then(|| std::slice::from_raw_parts(bytes.cast(), size))
        }
    }

    /// Integers; dates in days, timestamps in microseconds since 1970. Unchecked: NULL and every other
    /// type are 0, also numeric (`sum` of int8); [`Row::get`](crate::Row::get) checks.
    pub fn integer(&self) -> i64 {
        // SAFETY: a good block.
        unsafe { sys::creche_row_int8(self.block, self.row, self.column) }
    }

    /// Reals; integers and numeric, converted. Unchecked: NULL and every other type are 0.
    pub fn real(&self) -> f64 {
        // SAFETY: a good block.
        unsafe { sys::creche_row_float8(self.block, self.row, self.column) }
    }

    /// Any value as PostgreSQL prints it; empty for NULL.
    pub fn format(&self) -> String {
        let mut text = vec![0u8; 64];
        loop {
            // SAFETY: a good block; the capacity is that of the buffer.
            let size = unsafe {
                let buffer = text.as_mut_ptr().cast();
                sys::creche_row_format(self.block, self.row, self.column, buffer, text.len())
            };
            if size < text.len() {
                text.truncate(size);
                return String::from_utf8_lossy(&text).into_owned();
            }
            text.resize(size + 1, 0);
        }
    }

    fn refuse<T>(&self, status: Status, wanted: &str) -> Result<T> {
        let name = self.name();
        let text = match status {
            Status::NULL => {
                format!("column {name:?} is NULL, which is no {wanted}: read it as an Option")
            }
            Status::LIMIT => format!(
                "column {name:?} of type {}: {} does not fit {wanted}",
                self.oid(),
                self.format()
            ),
            _ => format!("column {name:?} has type {}, which is no {wanted}", self.oid()),
        };
        Err(Error::own(status, text))
    }

    /// What one of the checked getters of C says.
    fn checked<T: Default>(
        &self,
        wanted: &str,
        get: unsafe extern "C" fn(
            *const sys::creche_row_block,
            u64,
            u32,
            *mut T,
        ) -> sys::creche_status,
    ) -> Result<T> {
        let mut value = T::default();
        // SAFETY: a good block; the value is written to.
        match unsafe { get(self.block, self.row, self.column, &mut value) } {
            sys::CRECHE_OK => Ok(value),
            status => self.refuse(Status(status), wanted),
        }
    }

    /// NULL is told from another type.
    fn another<T>(&self, wanted: &str) -> Result<T> {
        self.refuse(if self.is_null() { Status::NULL } else { Status::TYPE }, wanted)
    }
}

impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null() { f.write_str("NULL") } else { write!(f, "{:?}", self.format()) }
    }
}

/// What a value of an answer can be read as. Integers are read from int2, int4, int8, oid and a numeric
/// that is a whole number, as long as they fit; `f64` and `f32` from every type of numbers, as the
/// nearest one; `String` from everything, as PostgreSQL prints it; `&str` from text; `&[u8]` and
/// `Vec<u8>` are bytea's bytes, text, or the binary form of other types.
pub trait FromSql<'a>: Sized {
    /// An error with [`Status::NULL`] if it is NULL, with [`Status::TYPE`] if the column is of another
    /// type, with [`Status::LIMIT`] if it is one that could be read, but this value does not fit.
    fn from_sql(cell: Cell<'a>) -> Result<Self>;
}

impl<'a, T: FromSql<'a>> FromSql<'a> for Option<T> {
    fn from_sql(cell: Cell<'a>) -> Result<Option<T>> {
        if cell.is_null() { Ok(None) } else { T::from_sql(cell).map(Some) }
    }
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(cell: Cell<'a>) -> Result<Cell<'a>> {
        Ok(cell)
    }
}

macro_rules! integer_from_sql {
    ($($type:ty)*) => {
        $(impl<'a> FromSql<'a> for $type {
            fn from_sql(cell: Cell<'a>) -> Result<$type> {
                let wide = cell.checked(stringify!($type), sys::creche_row_get_int8)?;
                wide.try_into().or_else(|_| cell.refuse(Status::LIMIT, stringify!($type)))
            }
        })*
    };
}

integer_from_sql! { i8 i16 i32 i64 isize u8 u16 u32 }

impl<'a> FromSql<'a> for u64 {
    fn from_sql(cell: Cell<'a>) -> Result<u64> {
        match cell.checked("u64", sys::creche_row_get_int8) {
            Ok(wide) => wide.try_into().or_else(|_| cell.refuse(Status::LIMIT, "u64")),
            // A numeric may have the upper half, too.
            Err(error) if error.status() == Status::LIMIT => {
                let text = cell.format();
                let whole = match text.split_once('.') {
                    Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
                    _ => &text,
                };
                whole.parse().map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }
}

impl<'a> FromSql<'a> for bool {
    fn from_sql(cell: Cell<'a>) -> Result<bool> {
        Ok(cell.checked("bool", sys::creche_row_get_bool)? != 0)
    }
}

impl<'a> FromSql<'a> for f64 {
    fn from_sql(cell: Cell<'a>) -> Result<f64> {
        cell.checked("f64", sys::creche_row_get_float8)
    }
}

impl<'a> FromSql<'a> for f32 {
    fn from_sql(cell: Cell<'a>) -> Result<f32> {
        let wide = cell.checked("f32", sys::creche_row_get_float8)?;
        let near = wide as f32;
        if near.is_infinite() && wide.is_finite() {
            return cell.refuse(Status::LIMIT, "f32");
        }
        Ok(near)
    }
}

/// Of a timestamptz, a timestamp (taken as UTC) or a date (its midnight).
impl<'a> FromSql<'a> for SystemTime {
    fn from_sql(cell: Cell<'a>) -> Result<SystemTime> {
        let unix_us = cell.checked("SystemTime", sys::creche_row_get_timestamptz)?;
        time(unix_us).map_or_else(|| cell.refuse(Status::LIMIT, "SystemTime"), Ok)
    }
}

fn time(unix_us: i64) -> Option<SystemTime> {
    let distance = Duration::from_micros(unix_us.unsigned_abs());
    match unix_us {
        i64::MIN | i64::MAX => None,
        0.. => UNIX_EPOCH.checked_add(distance),
        _ => UNIX_EPOCH.checked_sub(distance),
    }
}

impl<'a> FromSql<'a> for &'a str {
    fn from_sql(cell: Cell<'a>) -> Result<&'a str> {
        match cell.text() {
            Some(text) => Ok(std::str::from_utf8(text)?),
            None => cell.another("text"),
        }
    }
}

impl<'a> FromSql<'a> for String {
    fn from_sql(cell: Cell<'a>) -> Result<String> {
        match cell.text() {
            Some(text) => Ok(std::str::from_utf8(text)?.to_owned()),
            None if cell.is_null() => cell.refuse(Status::NULL, "String"),
            None => Ok(cell.format()),
        }
    }
}

impl<'a> FromSql<'a> for &'a [u8] {
    fn from_sql(cell: Cell<'a>) -> Result<&'a [u8]> {
        cell.bytes().map_or_else(|| cell.another("bytes"), Ok)
    }
}

impl<'a> FromSql<'a> for Vec<u8> {
    fn from_sql(cell: Cell<'a>) -> Result<Vec<u8>> {
        <&[u8]>::from_sql(cell).map(<[u8]>::to_vec)
    }
}
