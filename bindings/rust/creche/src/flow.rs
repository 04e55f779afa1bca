//! One operation of the library that answers many times, as a stream.
use crate::error::{Error, Result};
use crate::options::TaskOptions;
use crate::pending::Answer;
use crate::scope::Scope;
use crate::sync::{keep, lock, wake};
use crate::sys_ext::check;
use creche_sys as sys;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// One of the many answers: a handle of its own, which holds the other side back while it lives.
pub(crate) trait Flowing: Answer {
    /// The kind of its completions.
    const KIND: u32;
}

struct State<T> {
    items: VecDeque<T>,
    end: Option<Result<u32>>,
    done: bool,
    waker: Option<Waker>,
}

/// What has come of an operation. Dropping it cancels the operation.
pub(crate) struct Flow<T> {
    state: Arc<Mutex<State<T>>>,
    scope: Scope,
}

unsafe extern "C" fn flowed<T: Flowing>(
    user: *mut c_void,
    completion: *const sys::creche_completion,
) {
    // SAFETY: the completion lives until we return; user is an Arc that the final one gives back.
    let (completion, shared) = unsafe {
        let completion = &*completion;
        let shared = user.cast::<Mutex<State<T>>>().cast_const();
        if completion.flags & sys::CRECHE_MORE != 0 {
            Arc::increment_strong_count(shared);
        }
        (completion, Arc::from_raw(shared))
    };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let more = completion.flags & sys::CRECHE_MORE != 0;
        let item = match completion.kind == T::KIND {
            // SAFETY: a live completion without a failure, read once.
            true => unsafe { T::read(completion) }.ok(),
            false => None,
        };
        let mut state = lock(&shared);
        // Nobody waits any more: it is released, so that the end can come.
        let unwanted = match item {
            Some(item) if !state.done => {
                state.items.push_back(item);
                None
            }
            item => item,
        };
        if !more {
            state.end = Some(match completion.status {
                sys::CRECHE_OK => Ok(completion.code),
                // SAFETY: alive until we return.
                _ => Err(unsafe { Error::of(completion) }),
            });
        }
        let waker = state.waker.take();
        drop(state);
        drop(unwanted);
        wake(waker);
    }));
}

impl<T: Flowing> Flow<T> {
    pub(crate) fn start(
        on: sys::creche_loop,
        options: &TaskOptions,
        call: impl FnOnce(
            sys::creche_scope,
            *const sys::creche_task_options,
            sys::creche_done_fn,
            *mut c_void,
            *mut sys::creche_task,
        ) -> Result<sys::creche_status>,
    ) -> Flow<T> {
        let within = options.scope_on(on);
        let state = State { items: VecDeque::new(), end: None, done: false, waker: None };
        let state = Arc::new(Mutex::new(state));
        let user = Arc::into_raw(state.clone());
        let mut task = sys::creche_task::default();
        let status = options
            .in_c(|options| {
                call(within.raw, options, Some(flowed::<T>), user.cast_mut().cast(), &mut task)
            })
            .and_then(|status| status)
            .and_then(check);
        if let Err(error) = status {
            // SAFETY: an error return means no completion ever.
            drop(unsafe { Arc::from_raw(user) });
            lock(&state).end = Some(Err(error));
        }
        Flow { state, scope: Scope { raw: task.scope, on: within.on } }
    }

    /// The next one; at the end the code of the last completion, once.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Next<T>>> {
        let mut state = lock(&self.state);
        if let Some(item) = state.items.pop_front() {
            return Poll::Ready(Ok(Next::Item(item)));
        }
        if state.done {
            return Poll::Ready(Ok(Next::Over));
        }
        match state.end.take() {
            Some(end) => {
                state.done = true;
                Poll::Ready(end.map(Next::End))
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

/// What comes next.
pub(crate) enum Next<T> {
    Item(T),
    /// The end, and its code.
    End(u32),
    /// The end was told before.
    Over,
}

impl<T> Flow<T> {
    /// The operation's own scope.
    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }
}

impl<T> Drop for Flow<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        let ended = state.done || state.end.is_some();
        state.done = true;
        state.waker = None;
        let items = std::mem::take(&mut state.items);
        drop(state);
        drop(items);
        if !ended {
            // SAFETY: any thread; too late is harmless.
            unsafe { sys::creche_scope_cancel(self.scope.raw, null()) };
        }
    }
}
