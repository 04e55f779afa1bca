//! One child, for whoever awaits it.
use crate::clock::Hold;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::status::Status;
use crate::sync::{keep, lock, wake};
use creche_sys as sys;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Where a child's result waits for whoever awaits the child.
pub(super) struct Told<T> {
    state: Mutex<Telling<T>>,
    on: sys::creche_loop,
}

pub(super) struct Telling<T> {
    result: Option<Result<T>>,
    waker: Option<Waker>,
    /// From the wake-up to the poll that it is for.
    hold: Option<Hold>,
}

impl<T> Default for Telling<T> {
    fn default() -> Self {
        Telling { result: None, waker: None, hold: None }
    }
}

/// Says at least that there will be no result.
pub(super) struct Teller<T> {
    pub told: Arc<Told<T>>,
    pub scope: Scope,
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        if lock(&self.told.state).result.is_none() {
            self.scope.cancel("its group is over");
            let text = "the child's group was dropped, or was over".to_owned();
            self.told.tell(Err(Error::own(Status::CANCELLED, text)));
        }
    }
}

impl<T> Told<T> {
    pub fn new(on: sys::creche_loop) -> Arc<Told<T>> {
        Arc::new(Told { state: Mutex::default(), on })
    }

    pub fn tell(&self, result: Result<T>) {
        let mut state = lock(&self.state);
        state.result = Some(result);
        let waker = state.waker.take();
        state.hold = waker.as_ref().and_then(|_| Hold::new(self.on));
        drop(state);
        wake(waker);
    }
}

/// A spawned child. Await it for its result, or drop it: the child runs on either way, and its group
/// waits for it.
pub struct Child<T> {
    pub(super) told: Arc<Told<T>>,
    pub(super) scope: Scope,
}

impl<T> Child<T> {
    /// Its task's scope.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Cancels it, and only it.
    pub fn cancel(&self, reason: &str) {
        self.scope.cancel(reason);
    }
}

impl<T> Future for Child<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let mut state = lock(&self.told.state);
        match state.result.take() {
            Some(result) => {
                let hold = state.hold.take();
                drop(state);
                drop(hold);
                Poll::Ready(result)
            }
            None => {
                let old = keep(&mut state.waker, context.waker());
                drop(state);
                drop(old);
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.scope.raw.id).finish()
    }
}
