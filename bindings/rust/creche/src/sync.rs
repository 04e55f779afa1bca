//! Locks, and who is woken.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard};
use std::task::Waker;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Wakes, whatever the executor's code does: a panic must not get into C.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}

/// Notes who is to be woken. What it returns is for dropping after the lock: it is foreign code.
#[must_use]
pub(crate) fn keep(place: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match place {
        Some(same) if same.will_wake(waker) => None,
        place => place.replace(waker.clone()),
    }
}
