//! What outlives a cancellation: shields and clean-ups.
use crate::error::{Error, Result};
use crate::operation::Pending;
use crate::scope::{Current, ScopeOptions, current, enter};
use crate::sleep::forever;
use crate::status::Status;
use crate::task::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// While it lives, a cancelled body is polled on.
struct Guard {
    cell: Arc<Cell>,
    number: usize,
}

impl Guard {
    fn new(cell: &Arc<Cell>) -> Guard {
        Guard { cell: cell.clone(), number: cell.guard() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.cell.unguard(self.number);
    }
}

/// Runs a part of the running task so that no cancellation from outside comes in, for `timeout` at
/// the most: then the part is dropped, and the answer is an error with [`Status::TIMEOUT`]. Outside
/// of any task there is nothing to shield from, and the part just runs.
///
/// Dropping the future around it drops the part, too: a shield holds against scopes, not against
/// whoever polls.
pub async fn shield<T>(timeout: Duration, part: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(outer) = current() else { return part.await };
    let options = ScopeOptions::new().shield().move_on().timeout(timeout).name("shield");
    let inside = outer.scope.open(options)?;
    let _guard = Guard::new(&outer.cell);
    let inner = Current { scope: *inside, cell: outer.cell.clone() };
    // Ends when the shield's own deadline cancels it.
    let mut end: Pending<()> = forever(*inside);
    let mut part = pin!(part);
    poll_fn(|context| {
        if let Poll::Ready(result) = enter(Some(inner.clone()), || part.as_mut().poll(context)) {
            return Poll::Ready(result);
        }
        match pin!(&mut end).poll(context) {
            Poll::Ready(_) => Poll::Ready(Err(Error::own(
                Status::TIMEOUT,
                format!("what was shielded took longer than {timeout:?}"),
            ))),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Runs a part of the running task, and after it, whether it ended well, failed or was cancelled, a
/// clean-up under a [`shield`]. A cancelled part is dropped first; then the answer is an error with
/// [`Status::CANCELLED`]. An error of the clean-up is the answer if the part ended well.
///
/// ```no_run
/// # async fn f(db: &creche::Pool) -> creche::Result<()> {
/// use creche::Times;
/// creche::with_cleanup(
///     async { db.execute("insert into job values (1)", &[]).await.map(drop) },
///     5.secs(),
///     async || db.execute("delete from job", &[]).await.map(drop),
/// )
/// .await
/// # }
/// ```
pub async fn with_cleanup<T>(
    part: impl Future<Output = Result<T>>,
    timeout: Duration,
    cleanup: impl AsyncFnOnce() -> Result<()>,
) -> Result<T> {
    let Some(outer) = current() else {
        let result = part.await;
        let cleaned = cleanup().await;
        return result.and_then(|value| cleaned.map(|()| value));
    };
    let guard = Guard::new(&outer.cell);
    let result = {
        let mut part = pin!(Some(part));
        let result = poll_fn(|context| {
            guard.cell.watch(guard.number, context.waker());
            // A shield in between may still hold.
            if outer.cell.cancelled() && outer.scope.is_cancelled() {
                let text = "the task that it is a part of was cancelled".to_owned();
                return Poll::Ready(Err(Error::own(Status::CANCELLED, text)));
            }
            part.as_mut().as_pin_mut().expect("polled after it was ready").poll(context)
        })
        .await;
        part.set(None);
        result
    };
    let cleaned = shield(timeout, cleanup()).await;
    result.and_then(|value| cleaned.map(|()| value))
}
