//! What comes piece by piece, as `futures_core::Stream`: the feature `stream`.
use crate::channel::{Receiver, Receiving};
use crate::copy::{Chunk, CopyStream};
use crate::error::Result;
use crate::events::{EventStream, ServerEvent};
use crate::listen::{Heard, Listener};
use crate::pending::Pending;
use crate::response::Streaming;
use crate::rows::{RowStream, Rows};
use futures_core::Stream;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

macro_rules! streams {
    ($($type:ty => $item:ty,)*) => {$(
        /// With the feature `stream`.
        impl Stream for $type {
            type Item = Result<$item>;

            fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                <$type>::poll_next(self.get_mut(), context).map(Result::transpose)
            }
        }
    )*};
}

streams! {
    RowStream => Rows,
    CopyStream => Chunk,
    EventStream => ServerEvent,
    Listener => Heard,
}

/// The pieces of a body as they come, each when it is asked for: with the feature `stream`, by
/// [`Streaming::into_stream`].
#[derive(Debug)]
pub struct BodyStream {
    body: Streaming,
    reading: Option<Pending<Option<Vec<u8>>>>,
    over: bool,
}

impl Streaming {
    /// The rest of the body as a stream of pieces. Dropping it closes the connection, unless it has
    /// been read to its end.
    ///
    /// ```no_run
    /// use futures_core::Stream;
    /// use std::{future::poll_fn, pin::Pin};
    /// # async fn f(web: &creche::Session) -> creche::Result<()> {
    /// let mut pieces = web.get("https://example.org/big").stream().await?.into_stream();
    /// let mut size = 0;
    /// // Or `while let Some(piece) = pieces.next().await`, by the trait StreamExt of `futures`.
    /// while let Some(piece) = poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await {
    ///     size += piece?.len();
    /// }
    /// # println!("{size}");
    /// # Ok(()) }
    /// ```
    pub fn into_stream(self) -> BodyStream {
        BodyStream { body: self, reading: None, over: false }
    }
}

impl Stream for BodyStream {
    type Item = Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let reading = this.reading.get_or_insert_with(|| this.body.read().start());
        let Poll::Ready(piece) = Pin::new(reading).poll(context) else { return Poll::Pending };
        this.reading = None;
        this.over = !matches!(piece, Ok(Some(_)));
        Poll::Ready(piece.transpose())
    }
}

/// The items of a channel until it is closed: with the feature `stream`, by [`Receiver::into_stream`].
#[derive(Debug)]
pub struct Items<T: Send + 'static> {
    receiver: Receiver<T>,
    waiting: Option<Receiving<T>>,
    over: bool,
}

impl<T: Send + 'static> Receiver<T> {
    /// This end of the channel as a stream of items. An item that nobody has taken when it is dropped
    /// goes to another receiver.
    pub fn into_stream(self) -> Items<T> {
        Items { receiver: self, waiting: None, over: false }
    }
}

impl<T: Send + 'static> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let waiting = this.waiting.get_or_insert_with(|| this.receiver.recv().start());
        let Poll::Ready(item) = Pin::new(waiting).poll(context) else { return Poll::Pending };
        this.waiting = None;
        this.over = !matches!(item, Ok(Some(_)));
        Poll::Ready(item.transpose())
    }
}
