//! Values between Rust and PostgreSQL.
use crate::error::{Error, Result};
use crate::status::Status;
use creche_sys as sys;
use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::null;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Some oids of `pg_type`.
#[allow(missing_docs)]
pub mod oid {
    use creche_sys as sys;

    pub const UNKNOWN: u32 = sys::CRECHE_PG_UNKNOWN;
    pub const BOOL: u32 = sys::CRECHE_PG_BOOL;
    pub const BYTEA: u32 = sys::CRECHE_PG_BYTEA;
    pub const INT8: u32 = sys::CRECHE_PG_INT8;
    pub const INT2: u32 = sys::CRECHE_PG_INT2;
    pub const INT4: u32 = sys::CRECHE_PG_INT4;
    pub const TEXT: u32 = sys::CRECHE_PG_TEXT;
    pub const OID: u32 = 26;
    pub const JSON: u32 = sys::CRECHE_PG_JSON;
    pub const FLOAT4: u32 = sys::CRECHE_PG_FLOAT4;
    pub const FLOAT8: u32 = sys::CRECHE_PG_FLOAT8;
    pub const DATE: u32 = sys::CRECHE_PG_DATE;
    pub const TIMESTAMP: u32 = sys::CRECHE_PG_TIMESTAMP;
    pub const TIMESTAMPTZ: u32 = sys::CRECHE_PG_TIMESTAMPTZ;
    pub const NUMERIC: u32 = sys::CRECHE_PG_NUMERIC;
    pub const UUID: u32 = sys::CRECHE_PG_UUID;
    pub const JSONB: u32 = sys::CRECHE_PG_JSONB;
}

/// One parameter of a statement, as PostgreSQL gets it.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    raw: sys::creche_value,
    life: PhantomData<&'a [u8]>,
}

// SAFETY: a view of bytes that are borrowed immutably, and numbers.
unsafe impl Send for Value<'_> {}
// SAFETY: as above.
unsafe impl Sync for Value<'_> {}

impl<'a> Value<'a> {
    fn of(type_: u32, form: u32, data: &'a [u8]) -> Value<'a> {
        let (data, size) = (data.as_ptr().cast(), data.len());
        let raw = sys::creche_value { type_, form, integer: 0, real: 0.0, data, size };
        Value { raw, life: PhantomData }
    }

    /// SQL NULL.
    pub fn null() -> Value<'static> {
        let mut null_value = Value::of(oid::UNKNOWN, sys::CRECHE_VALUE_NULL, &[]);
        null_value.raw.data = null();
        null_value
    }

    /// Text of which the server infers the type.
    pub fn text(text: &'a str) -> Value<'a> {
        Value::of(oid::UNKNOWN, sys::CRECHE_VALUE_TEXT, text.as_bytes())
    }

    /// The text form of a value of some type.
    pub fn typed_text(type_: u32, text: &'a str) -> Value<'a> {
        Value::of(type_, sys::CRECHE_VALUE_TEXT, text.as_bytes())
    }

    /// The binary form of a value of some type.
    pub fn binary(type_: u32, data: &'a [u8]) -> Value<'a> {
        Value::of(type_, sys::CRECHE_VALUE_BINARY, data)
    }

    /// For the integer types, bool, and timestamps (microseconds since 1970).
    pub fn integer(type_: u32, integer: i64) -> Value<'static> {
        let mut value = Value::of(type_, sys::CRECHE_VALUE_INTEGER, &[]);
        value.raw.integer = integer;
        value
    }

    /// For float4 and float8.
    pub fn real(type_: u32, real: f64) -> Value<'static> {
        let mut value = Value::of(type_, sys::CRECHE_VALUE_REAL, &[]);
        value.raw.real = real;
        value
    }

    pub(crate) fn raw(&self) -> sys::creche_value {
        self.raw
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value(type {})", self.raw.type_)
    }
}

/// What can be a parameter of a statement.
pub trait ToSql: Sync {
    /// As PostgreSQL gets it.
    fn value(&self) -> Value<'_>;
}

impl ToSql for Value<'_> {
    fn value(&self) -> Value<'_> {
        *self
    }
}

impl<T: ToSql + ?Sized> ToSql for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: ToSql> ToSql for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::null(), ToSql::value)
    }
}

macro_rules! to_sql {
    ($($type:ty, $self:ident => $value:expr;)*) => {
        $(impl ToSql for $type {
            fn value(&$self) -> Value<'_> {
                $value
            }
        })*
    };
}

to_sql! {
    bool, self => Value::integer(oid::BOOL, (*self).into());
    i16, self => Value::integer(oid::INT2, (*self).into());
    i32, self => Value::integer(oid::INT4, (*self).into());
    u16, self => Value::integer(oid::INT4, (*self).into());
    i64, self => Value::integer(oid::INT8, *self);
    u32, self => Value::integer(oid::INT8, (*self).into());
    f32, self => Value::real(oid::FLOAT4, (*self).into());
    f64, self => Value::real(oid::FLOAT8, *self);
    str, self => Value::text(self);
    String, self => Value::text(self);
    Cow<'_, str>, self => Value::text(self);
    [u8], self => Value::binary(oid::BYTEA, self);
    Vec<u8>, self => Value::binary(oid::BYTEA, self);
    SystemTime, self => Value::integer(oid::TIMESTAMPTZ, unix_us(*self));
}

impl<const N: usize> ToSql for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::binary(oid::BYTEA, self)
    }
}

fn unix_us(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_micros().try_into().unwrap_or(i64::MAX),
        Err(before) => before.duration().as_micros().try_into().map_or(i64::MIN, |us: i64| -us),
    }
}

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

    /// Integers; dates in days, timestamps in microseconds since 1970.
    pub fn integer(&self) -> i64 {
        // SAFETY: a good block.
        unsafe { sys::creche_row_int8(self.block, self.row, self.column) }
    }

    /// Reals; integers and numeric, converted.
    pub fn real(&self) -> f64 {
        // SAFETY: a good block.
        unsafe { sys::creche_row_float8(self.block, self.row, self.column) }
    }

    fn boolean(&self) -> bool {
        // SAFETY: a good block.
        unsafe { sys::creche_row_bool(self.block, self.row, self.column) != 0 }
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

    fn refuse<T>(&self, wanted: &str) -> Result<T> {
        let name = self.name();
        let text = if self.is_null() {
            format!("column {name:?} is NULL, which is no {wanted}: read it as an Option")
        } else {
            format!("column {name:?} has type {}, which is no {wanted}", self.oid())
        };
        Err(Error::own(Status::TYPE, text))
    }

    /// NULL, or not one of these types, is an error.
    fn only(&self, wanted: &str, types: &[u32]) -> Result<()> {
        if self.is_null() || !types.contains(&self.oid()) { self.refuse(wanted) } else { Ok(()) }
    }
}

impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null() { f.write_str("NULL") } else { write!(f, "{:?}", self.format()) }
    }
}

/// What a value of an answer can be read as.
pub trait FromSql<'a>: Sized {
    /// An error with [`Status::TYPE`] if it is NULL or of another type.
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

macro_rules! from_sql {
    ($($type:ty, $name:literal, $oids:expr, $cell:ident => $value:expr;)*) => {
        $(impl<'a> FromSql<'a> for $type {
            fn from_sql($cell: Cell<'a>) -> Result<$type> {
                $cell.only($name, &$oids)?;
                Ok($value)
            }
        })*
    };
}

from_sql! {
    bool, "bool", [oid::BOOL], cell => cell.boolean();
    i16, "i16", [oid::INT2], cell => cell.integer() as i16;
    i32, "i32", [oid::INT2, oid::INT4], cell => cell.integer() as i32;
    i64, "i64", [oid::INT2, oid::INT4, oid::INT8, oid::OID], cell => cell.integer();
    u32, "u32", [oid::OID], cell => cell.integer() as u32;
    f32, "f32", [oid::FLOAT4], cell => cell.real() as f32;
    f64, "f64", [oid::FLOAT4, oid::FLOAT8, oid::NUMERIC, oid::INT2, oid::INT4], cell => cell.real();
    SystemTime, "SystemTime", [oid::TIMESTAMP, oid::TIMESTAMPTZ], cell => time(cell.integer())
        .ok_or_else(|| {
            Error::own(Status::TYPE, format!("{} does not fit a SystemTime", cell.format()))
        })?;
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
            None => cell.refuse("text"),
        }
    }
}

impl<'a> FromSql<'a> for String {
    fn from_sql(cell: Cell<'a>) -> Result<String> {
        <&str>::from_sql(cell).map(str::to_owned)
    }
}

impl<'a> FromSql<'a> for &'a [u8] {
    fn from_sql(cell: Cell<'a>) -> Result<&'a [u8]> {
        cell.bytes().map_or_else(|| cell.refuse("bytes"), Ok)
    }
}

impl<'a> FromSql<'a> for Vec<u8> {
    fn from_sql(cell: Cell<'a>) -> Result<Vec<u8>> {
        <&[u8]>::from_sql(cell).map(<[u8]>::to_vec)
    }
}
