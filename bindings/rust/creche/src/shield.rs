//! What outlives a cancellation: shields and clean-ups.
use crate::error::{Error, Result};
use crate::pending::Pending;
use crate::scope::{Current, ScopeOptions, current, enter};
use crate::section::Section;
use crate::sleep::forever;
use crate::status::Status;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Polls a part in a section of its own until it has ended, or its scope is cancelled and nothing in
/// it outlives that: then it is dropped. None: it was.
async fn part_of<T>(inside: Current, part: impl Future<Output = T>) -> Option<T> {
    // Ends when the scope is cancelled.
    let mut end: Pending<()> = forever(inside.scope);
    let mut cancelled = false;
    let section = inside.section.clone();
    let mut stop = |context: &mut Context<'_>| {
        cancelled = cancelled || pin!(&mut end).poll(context).is_ready();
        cancelled && !section.holds(context.waker())
    };
    let mut slot = pin!(Some(part));
    let result = poll_fn(|context| {
        if stop(context) {
            return Poll::Ready(None);
        }
        let part = slot.as_mut().as_pin_mut().expect("polled after it was ready");
        match enter(Some(inside.clone()), || part.poll(context)) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            // The last shield in it may have just ended.
            Poll::Pending if stop(context) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    enter(Some(inside.clone()), || slot.set(None));
    result
}

/// Runs a part of the running task so that no cancellation from outside comes in, for `timeout` at
/// the most: then the part is dropped, and the answer is an error with [`Status::TIMEOUT`]; only what
/// is shielded in it, and its clean-ups, end first. Outside of any task there is nothing to shield
/// from, and the part just runs.
///
/// Dropping the future around it drops the part, too: a shield holds against scopes, not against
/// whoever polls.
pub async fn shield<T>(timeout: Duration, part: impl Future<Output = Result<T>>) -> Result<T> {
    let part = Box::pin(part); // shields nest: see task_on
    let Some(outer) = current() else { return part.await };
    let options = ScopeOptions::new().shield().move_on().timeout(timeout).name("shield");
    let inside = outer.scope.open(options)?;
    let _guard = outer.section.guard();
    // Its own deadline cancels it, and nothing else.
    let inner = Current { scope: *inside, section: Section::new(Some(outer.section.clone())) };
    part_of(inner, part).await.unwrap_or_else(|| {
        let text = format!("what was shielded took longer than {timeout:?}");
        Err(Error::own(Status::TIMEOUT, text))
    })
}

/// Runs a part of the running task, and after it, whether it ended well, failed or was cancelled, a
/// clean-up under a [`shield`]. A cancelled part is dropped first, after what is shielded in it and its
/// own clean-ups have ended; then the answer is an error with [`Status::CANCELLED`]. An error of the
/// clean-up is the answer if the part ended well.
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
    let part = Box::pin(part);
    let Some(outer) = current() else {
        let result = part.await;
        let cleaned = cleanup().await;
        return result.and_then(|value| cleaned.map(|()| value));
    };
    let _guard = outer.section.guard();
    let inner = Current { scope: outer.scope, section: Section::new(Some(outer.section.clone())) };
    let result = part_of(inner, part).await.unwrap_or_else(|| {
        let text = "the task that it is a part of was cancelled".to_owned();
        Err(Error::own(Status::CANCELLED, text))
    });
    let cleaned = shield(timeout, Box::pin(cleanup())).await;
    result.and_then(|value| cleaned.map(|()| value))
}
