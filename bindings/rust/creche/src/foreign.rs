//! Errors of others, on their way through bodies and out again.
use crate::error::{Error, Result};
use std::error::Error as StdError;

/// Makes any error one of ours, so that `?` takes it in the body of a group or a transaction; it keeps
/// its type.
///
/// ```
/// use creche::{Foreign, GroupOptions};
///
/// #[derive(Debug, PartialEq)]
/// struct NoPage(u32);
/// impl std::fmt::Display for NoPage {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "there is no page {}", self.0)
///     }
/// }
/// impl std::error::Error for NoPage {}
///
/// fn look(page: u32) -> Result<(), NoPage> {
///     Err(NoPage(page))
/// }
///
/// # async fn f() {
/// let failed = creche::group(GroupOptions::new(), async |g| {
///     g.spawn(async |_| {
///         look(7).foreign()?;
///         Ok(())
///     });
///     Ok(())
/// })
/// .await
/// .unwrap_err();
/// assert_eq!(failed.find::<NoPage>().unwrap().downcast_ref(), Some(&NoPage(7)));
/// # }
/// ```
///
/// A type of yours needs not even that where it says once what it becomes:
///
/// ```
/// # #[derive(Debug)] struct Mine;
/// # impl std::fmt::Display for Mine {
/// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
/// # }
/// # impl std::error::Error for Mine {}
/// impl From<Mine> for creche::Error {
///     fn from(mine: Mine) -> Self {
///         creche::Error::new(mine)
///     }
/// }
/// ```
pub trait Foreign<T> {
    /// The same, with an [`Error`] that has it inside.
    fn foreign(self) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Foreign<T> for std::result::Result<T, E> {
    fn foreign(self) -> Result<T> {
        self.map_err(|error| Error::from(error.into()))
    }
}

impl Error {
    /// The first error in this tree that was made of a `T`: of itself, of what it wraps, of its
    /// children. [`downcast_ref`](Error::downcast_ref) of the answer is there.
    pub fn find<T: StdError + 'static>(&self) -> Option<Error> {
        if self.downcast_ref::<T>().is_some() {
            return Some(self.clone());
        }
        let inside = self.cause().and_then(|cause| cause.find::<T>());
        inside.or_else(|| self.children().iter().find_map(Error::find::<T>))
    }
}
