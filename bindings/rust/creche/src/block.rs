//! A thread that waits for a future by running the loop that the future waits for.
use crate::error::Result;
use crate::sys_ext::check;
use creche_sys as sys;
use std::ffi::c_void;
use std::future::Future;
use std::pin::pin;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

/// Whether the future is to be polled; on what, and by whom, it is waited for.
struct Woken {
    yes: AtomicBool,
    on: sys::creche_loop,
    waiter: ThreadId,
}

/// A post that only ends the loop's wait.
unsafe extern "C" fn nothing(_: *mut c_void, _: *const sys::creche_completion) {}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let before = self.yes.swap(true, Ordering::SeqCst);
        // Its own thread looks when the turn is over; others end its wait.
        if !before && thread::current().id() != self.waiter {
            // SAFETY: any thread, any handle. Refused once the loop has nothing more to run: then the
            // wait ends with the loop. Without memory it ends at what wakes the loop next.
            let _ = unsafe { sys::creche_loop_post(self.on, Some(nothing), null_mut()) };
        }
    }
}

pub(crate) fn block_on<F: Future>(on: sys::creche_loop, future: F) -> Result<F::Output> {
    let woken = Arc::new(Woken { yes: AtomicBool::new(true), on, waiter: thread::current().id() });
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    // Who may run it is asked before anything of the future is done.
    let mut wait = 0;
    loop {
        // SAFETY: any thread, any handle: misuse is an error.
        match unsafe { sys::creche_loop_poll(on, wait) } {
            sys::CRECHE_E_TIMEOUT | sys::CRECHE_E_INTERRUPTED => {}
            status => check(status)?,
        }
        if woken.yes.swap(false, Ordering::SeqCst) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
        }
        // One that woke itself is polled again after a look at the loop.
        wait = if woken.yes.load(Ordering::SeqCst) { 0 } else { sys::CRECHE_NEVER };
    }
}
