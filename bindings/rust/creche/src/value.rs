//! Parameters of statements.
use creche_sys as sys;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::null;
use std::time::{SystemTime, UNIX_EPOCH};

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
