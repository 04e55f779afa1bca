//! What `?` makes an error of.
use crate::error::Error;
use std::error::Error as StdError;

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::new(error)
    }
}

impl From<std::fmt::Error> for Error {
    fn from(error: std::fmt::Error) -> Error {
        Error::new(error)
    }
}

impl From<std::str::Utf8Error> for Error {
    fn from(error: std::str::Utf8Error) -> Error {
        Error::new(error)
    }
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
