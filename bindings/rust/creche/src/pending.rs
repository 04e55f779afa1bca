//! One operation of the library as a future.
use crate::clock::Hold;
use crate::error::{Error, Result};
use crate::options::TaskOptions;
use crate::scope::Scope;
use crate::sync::{keep, lock, wake};
use crate::sys_ext::check;
use creche_sys as sys;
use std::ffi::c_void;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::null;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A result that a completion carries.
pub trait Answer: Send + Sized + 'static {
    /// Takes it, with the handle that the completion owns.
    ///
    /// # Safety
    /// The completion is alive, without a failure, and this is the only time that it is read.
    unsafe fn read(completion: &sys::creche_completion) -> Result<Self>;

    /// What is made of a failure, with the handle that the completion owns, if it does.
    ///
    /// # Safety
    /// The completion is alive, with a failure, and this is the only time that it is read.
    unsafe fn failed(completion: &sys::creche_completion) -> Result<Self> {
        // SAFETY: the caller's promise.
        Err(unsafe { Error::of(completion) })
    }

    /// Tells it the loop that it came from, for what is started from it.
    fn place(&mut self, _on: sys::creche_loop) {}
}

impl Answer for () {
    unsafe fn read(completion: &sys::creche_completion) -> Result<()> {
        if completion.flags & sys::CRECHE_OWNED != 0 {
            // SAFETY: ours, and nobody wants it.
            unsafe { sys::creche_value_release(completion.value) };
        }
        Ok(())
    }
}

/// What an operation gets that it asks for while it runs (CRECHE_PULL), on the loop.
pub(crate) trait Pull: Send + Sync {
    /// More, please: to be answered by creche_task_answer on this task.
    fn pulled(&self, task: sys::creche_task);

    /// The operation has ended: nothing is pulled any more.
    fn over(&self);
}

struct Shared<T> {
    state: Mutex<State<T>>,
    source: Option<Arc<dyn Pull>>,
    on: sys::creche_loop,
}

impl<T> Shared<T> {
    /// Nobody waits for the result any more. Returns what has come, for dropping after the lock.
    fn unwant(&self) -> Option<Result<T>> {
        let mut state = lock(&self.state);
        state.unwanted = true;
        state.result.take()
    }
}

struct State<T> {
    waker: Option<Waker>,
    result: Option<Result<T>>,
    done: bool,
    /// Nobody waits for the result, or will.
    unwanted: bool,
    /// From the wake-up to the poll that it is for.
    hold: Option<Hold>,
}

/// An operation that has been started: a future that any executor may poll, and that needs none to
/// make progress. Dropping it cancels the operation, without blocking; its group still waits for the
/// end of its clean-up.
#[must_use = "dropping it cancels the operation: await it, or detach it"]
pub struct Pending<T> {
    state: Progress<T>,
    scope: Scope,
}

enum Progress<T> {
    Running(Arc<Shared<T>>),
    Failed(Error),
    Finished,
}

/// The callback of every operation. `user` is an Arc of Shared<T>.
unsafe extern "C" fn done<T: Answer>(user: *mut c_void, completion: *const sys::creche_completion) {
    // SAFETY: the completion lives until we return.
    let completion = unsafe { &*completion };
    let shared = user.cast::<Shared<T>>().cast_const();
    if completion.flags & sys::CRECHE_MORE != 0 {
        // SAFETY: alive until the final completion.
        let shared = unsafe { &*shared };
        let _ = catch_unwind(AssertUnwindSafe(|| match (completion.kind, &shared.source) {
            (sys::CRECHE_PULL, Some(source)) => source.pulled(completion.task),
            // The head of an answer whose request is still being fed.
            // SAFETY: alive, and read once.
            (sys::CRECHE_DONE, _) => unsafe { shared.settle(completion) },
            _ => {}
        }));
        return;
    }
    // SAFETY: from Arc::into_raw in start; there is exactly one final completion.
    let shared = unsafe { Arc::from_raw(shared) };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(source) = &shared.source {
            source.over();
        }
        let early = lock(&shared.state).done;
        if !early {
            // SAFETY: alive, and read once.
            unsafe { shared.settle(completion) };
        }
        // If nobody waits any more this is the last reference: the result is released.
        drop(shared);
    }));
}

impl<T: Answer> Shared<T> {
    /// The result has come.
    ///
    /// # Safety
    /// As that of Answer::read.
    unsafe fn settle(&self, completion: &sys::creche_completion) {
        let mut result = match completion.status {
            // SAFETY: the caller's.
            sys::CRECHE_OK => unsafe { T::read(completion) },
            // SAFETY: the caller's.
            _ => unsafe { T::failed(completion) },
        };
        if let Ok(answer) = &mut result {
            answer.place(self.on);
        }
        let mut state = lock(&self.state);
        state.done = true;
        if state.unwanted {
            drop(state);
            return drop(result);
        }
        state.result = Some(result);
        let waker = state.waker.take();
        state.hold = waker.as_ref().and_then(|_| Hold::new(self.on));
        drop(state);
        wake(waker);
    }
}

/// What passes the arguments of a call on: gets the tail that every asynchronous call has.
macro_rules! call_type {
    () => {
        impl FnOnce(
            sys::creche_scope,
            *const sys::creche_task_options,
            sys::creche_done_fn,
            *mut c_void,
            *mut sys::creche_task,
        ) -> Result<sys::creche_status>
    };
}

impl<T: Answer> Pending<T> {
    /// Starts an operation.
    pub(crate) fn start(
        on: sys::creche_loop,
        options: &TaskOptions,
        call: call_type!(),
    ) -> Pending<T> {
        Pending::start_pulling(on, options, None, call)
    }

    /// Starts an operation that may pull: from `source`.
    pub(crate) fn start_pulling(
        on: sys::creche_loop,
        options: &TaskOptions,
        source: Option<Arc<dyn Pull>>,
        call: call_type!(),
    ) -> Pending<T> {
        let within = options.scope_on(on);
        let state = State { waker: None, result: None, done: false, unwanted: false, hold: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), source, on: within.on });
        let user = Arc::into_raw(shared.clone());
        let mut task = sys::creche_task::default();
        let status = options
            .in_c(|options| {
                call(within.raw, options, Some(done::<T>), user.cast_mut().cast(), &mut task)
            })
            .and_then(|status| status)
            .and_then(check);
        let state = match status {
            Ok(()) => Progress::Running(shared),
            Err(error) => {
                // SAFETY: an error return means no completion ever: the reference is ours again.
                let shared = unsafe { Arc::from_raw(user) };
                if let Some(source) = &shared.source {
                    source.over();
                }
                Progress::Failed(error)
            }
        };
        Pending { state, scope: Scope { raw: task.scope, on: within.on } }
    }
}

impl<T> Pending<T> {
    /// One that has failed before it was started.
    pub(crate) fn failed(error: Error) -> Pending<T> {
        let none = sys::creche_scope::default();
        let scope = Scope { raw: none, on: sys::creche_loop { scope: none } };
        Pending { state: Progress::Failed(error), scope }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.state, Progress::Running(_))
    }

    /// The operation's own scope: cancelling it stops the operation, and the future answers with
    /// [`Status::CANCELLED`](crate::Status::CANCELLED).
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Lets it run without anybody waiting: its result is released when it comes. A failure still
    /// counts for its group.
    pub fn detach(mut self) {
        let state = std::mem::replace(&mut self.state, Progress::Finished);
        let Progress::Running(shared) = state else { return };
        drop(shared.unwant());
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let result = match std::mem::replace(&mut self.state, Progress::Finished) {
            Progress::Finished => panic!("polled after it was ready"),
            Progress::Failed(error) => Err(error),
            Progress::Running(shared) => {
                let mut state = lock(&shared.state);
                match state.result.take() {
                    Some(result) => {
                        let hold = state.hold.take();
                        drop(state);
                        drop(hold);
                        result
                    }
                    None => {
                        let old = keep(&mut state.waker, context.waker());
                        drop(state);
                        drop(old);
                        self.state = Progress::Running(shared);
                        return Poll::Pending;
                    }
                }
            }
        };
        Poll::Ready(result)
    }
}

// Nothing in it is pinned: the result lies on the heap.
impl<T> Unpin for Pending<T> {}

impl<T> Pending<T> {
    /// Nobody waits any more. `cancel` says whether it is too late because the callback has begun, and
    /// its result is to be dropped before this returns.
    pub(crate) fn give_up(&mut self, cancel: impl FnOnce(sys::creche_task) -> bool) {
        let state = std::mem::replace(&mut self.state, Progress::Finished);
        let Progress::Running(shared) = state else { return };
        let done = || lock(&shared.state).done;
        if !done() && cancel(sys::creche_task { scope: self.scope.raw }) {
            // On another thread, and nobody else's code comes before it is done: a moment.
            for turn in 0.. {
                match turn {
                    _ if done() => break,
                    0..100 => std::thread::yield_now(),
                    _ => std::thread::sleep(Duration::from_micros(100)),
                }
            }
        }
        drop(shared.unwant());
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.give_up(|task| {
            // SAFETY: any thread; does not block; too late is harmless.
            unsafe { sys::creche_scope_cancel(task.scope, null()) };
            false
        });
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Makes a builder awaitable by its `start`.
macro_rules! awaitable {
    ($name:ident $(<$life:lifetime>)? => $answer:ty) => {
        impl $(<$life>)? std::future::IntoFuture for $name $(<$life>)? {
            type Output = $crate::Result<$answer>;
            type IntoFuture = $crate::Pending<$answer>;
            fn into_future(self) -> $crate::Pending<$answer> {
                self.start()
            }
        }
    };
}
pub(crate) use awaitable;

/// An operation without a `creche_task` of its own: the end of a close.
pub(crate) fn closing(
    on: sys::creche_loop,
    call: impl FnOnce(sys::creche_done_fn, *mut c_void) -> sys::creche_status,
) -> Pending<()> {
    Pending::start(on, &TaskOptions::default(), |_, _, done, user, _| Ok(call(done, user)))
}
