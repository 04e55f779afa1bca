//! What `?` makes an error of.
use crate::error::Error;
use std::error::Error as StdError;

macro_rules! foreign {
    ($($type:ty,)*) => {$(
        impl From<$type> for Error {
            fn from(error: $type) -> Error {
                Error::new(error)
            }
        }
    )*};
}

// Rust allows none for all errors there are beside what makes ours an error itself.
foreign! {
    std::io::Error,
    std::fmt::Error,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::str::ParseBoolError,
    std::char::ParseCharError,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::net::AddrParseError,
    std::array::TryFromSliceError,
    std::ffi::NulError,
    std::env::VarError,
    std::time::SystemTimeError,
    std::sync::mpsc::RecvError,
}

impl From<Box<dyn StdError + Send + Sync>> for Error {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => Error::new(error),
        }
    }
}

impl From<String> for Error {
    fn from(message: String) -> Error {
        Error::message_only(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Error {
        Error::message_only(message)
    }
}
