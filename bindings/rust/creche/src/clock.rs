//! Virtual clocks: who can run holds them.
//!
//! The clock of a virtual loop jumps when nobody can do anything. A future can from when it is woken
//! until it has been polled: the callback that wakes it leaves a [`Hold`] beside the result, which the
//! poll takes; and polls of groups and tasks, where further things are started, hold the clock
//! themselves. In a process without virtual loops all this is one load of a counter.
//!
//! What wakes a future without the library (a channel of another crate, a `yield` that wakes itself, a
//! timer of an executor) leaves no hold: the clock may jump before that future is polled.
use crate::sync::lock;
use creche_sys as sys;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many virtual loops there are, and which.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static VIRTUAL: Mutex<Vec<sys::creche_loop>> = Mutex::new(Vec::new());

/// A loop with a virtual clock was opened.
pub(crate) fn opened(on: sys::creche_loop) {
    lock(&VIRTUAL).push(on);
    COUNT.fetch_add(1, Ordering::SeqCst);
}

/// A loop has ended.
pub(crate) fn ended(on: sys::creche_loop) {
    let mut virtuals = lock(&VIRTUAL);
    if let Some(index) = virtuals.iter().position(|other| *other == on) {
        virtuals.swap_remove(index);
        COUNT.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Keeps the clock of a virtual loop from jumping until it is dropped: see [`Loop::hold`](crate::Loop::hold).
#[derive(Debug)]
#[must_use = "the clock is held until this is dropped"]
pub struct Hold {
    on: sys::creche_loop,
}

impl Hold {
    /// None if its clock is the real one, or it has ended.
    pub(crate) fn new(on: sys::creche_loop) -> Option<Hold> {
        if COUNT.load(Ordering::SeqCst) == 0 || !lock(&VIRTUAL).contains(&on) {
            return None;
        }
        // SAFETY: any thread, any handle.
        let status = unsafe { sys::creche_clock_hold(on) };
        (status == sys::CRECHE_OK).then_some(Hold { on })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: any thread, any handle; it holds one.
        unsafe { sys::creche_clock_release(self.on) };
    }
}

/// Polls a future of a group or task: nothing happens behind its back.
pub(crate) async fn holding<F: Future>(on: sys::creche_loop, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _hold = Hold::new(on);
        future.as_mut().poll(context)
    })
    .await
}
