//! Time, and work for other threads.
use crate::error::{Error, Result};
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, awaitable};
use crate::runtime::loop_for;
use crate::scope::Scope;
use crate::status::Status;
use crate::sys_ext::{defaults, nanoseconds};
use creche_sys as sys;
use std::ffi::c_void;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// A sleep that is not started yet: await it.
#[derive(Clone, Debug)]
#[must_use = "await it, or start it"]
pub struct Sleep {
    duration: Duration,
    task: TaskOptions,
}

/// Sleeps, never less than `duration`.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { duration, task: TaskOptions::new() }
}

impl Sleep {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<()> {
        let on = match loop_for(self.task.within) {
            Ok(on) => on,
            Err(error) => return Pending::failed(error),
        };
        let duration = nanoseconds(self.duration);
        Pending::start(on, &self.task, |within, options, done, user, task| {
            // SAFETY: options live until the call returns; user until the completion.
            Ok(unsafe { sys::creche_sleep(within, duration, options, done, user, task) })
        })
    }
}

awaitable!(Sleep => ());

/// A pause that is not started yet: await it.
#[derive(Clone, Debug)]
#[must_use = "await it, or start it"]
pub struct Yield {
    task: TaskOptions,
}

/// Lets everything go on that could run when it was called, and notices a cancellation: a checkpoint.
pub fn yield_now() -> Yield {
    Yield { task: TaskOptions::new() }
}

impl Yield {
    task_options!();

    /// Starts it without waiting.
    pub fn start(self) -> Pending<()> {
        let on = match loop_for(self.task.within) {
            Ok(on) => on,
            Err(error) => return Pending::failed(error),
        };
        Pending::start(on, &self.task, |within, options, done, user, task| {
            // SAFETY: options live until the call returns; user until the completion.
            Ok(unsafe { sys::creche_yield(within, options, done, user, task) })
        })
    }
}

awaitable!(Yield => ());

/// Ends when its scope is cancelled.
pub(crate) fn forever(within: Scope) -> Pending<()> {
    let options = TaskOptions::new().within(within);
    Pending::start(within.on, &options, |within, options, done, user, task| {
        // SAFETY: as above.
        Ok(unsafe { sys::creche_sleep_until(within, sys::CRECHE_NEVER, options, done, user, task) })
    })
}

/// Bounds a future: runs it as a [`task`](crate::task()) of its own with a deadline.
pub async fn timeout<T>(limit: Duration, part: impl Future<Output = Result<T>>) -> Result<T> {
    let part = Box::pin(part); // they nest: see task_on
    crate::task(TaskOptions::new().timeout(limit), |_| part).await
}

// ---- Offloading ----

/// A function that runs on a worker thread.
#[must_use = "dropping it cancels the function if it has not begun"]
pub struct Offloaded<T> {
    pending: Pending<Code>,
    result: Arc<Mutex<Option<Result<T>>>>,
}

/// The value that an offloaded function returned.
struct Code;

impl Answer for Code {
    unsafe fn read(_: &sys::creche_completion) -> Result<Code> {
        Ok(Code)
    }
}

type Job = Box<dyn FnOnce(sys::creche_task) -> sys::creche_status + Send>;

unsafe extern "C" fn run_job(
    job: *mut c_void,
    task: sys::creche_task,
    _value: *mut u64,
) -> sys::creche_status {
    // SAFETY: the Box<Option<Job>> of offload; free_job comes after us.
    let job = unsafe { &mut *job.cast::<Option<Job>>() }.take();
    match catch_unwind(AssertUnwindSafe(|| job.map_or(sys::CRECHE_E_INTERNAL, |job| job(task)))) {
        Ok(status) => status,
        Err(_) => sys::CRECHE_E_USER,
    }
}

unsafe extern "C" fn free_job(job: *mut c_void) {
    // SAFETY: the Box<Option<Job>> of offload, freed once.
    let job = unsafe { Box::from_raw(job.cast::<Option<Job>>()) };
    let _ = catch_unwind(AssertUnwindSafe(|| drop(job)));
}

/// What an offloaded function may ask.
#[derive(Clone, Copy, Debug)]
pub struct Offload {
    task: sys::creche_task,
}

impl Offload {
    /// Whether it should stop.
    pub fn is_cancelled(&self) -> bool {
        // SAFETY: any thread, any handle.
        unsafe { sys::creche_offload_cancelled(self.task) != 0 }
    }
}

/// Runs a blocking function on a worker thread, when one is free. It starts at once. Cancelled before
/// it began, it never runs; later, it may poll [`Offload::is_cancelled`]. A panic of it is an error.
pub fn offload<T, F>(options: TaskOptions, function: F) -> Offloaded<T>
where
    F: FnOnce(Offload) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    match loop_for(options.within) {
        Ok(on) => offload_on(on, sys::creche_limiter::default(), &options, function),
        Err(error) => Offloaded { pending: Pending::failed(error), result: Arc::default() },
    }
}

/// The same, limited by a limiter unless that is null.
pub(crate) fn offload_on<T, F>(
    on: sys::creche_loop,
    limiter: sys::creche_limiter,
    options: &TaskOptions,
    function: F,
) -> Offloaded<T>
where
    F: FnOnce(Offload) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let result = Arc::new(Mutex::new(None));
    let store = result.clone();
    let job: Job = Box::new(move |task| {
        let outcome = catch_unwind(AssertUnwindSafe(|| function(Offload { task })))
            .unwrap_or_else(|payload| Err(Error::panicked(payload.as_ref())));
        let status = match &outcome {
            Ok(_) => sys::CRECHE_OK,
            Err(error) if error.status() == Status::CANCELLED => sys::CRECHE_E_CANCELLED,
            Err(_) => sys::CRECHE_E_USER,
        };
        *crate::sync::lock(&store) = Some(outcome);
        status
    });
    let job = Box::into_raw(Box::new(Some(job)));
    let pending = Pending::start(on, options, |within, task_options, done, user, task| {
        // SAFETY: its own init function.
        let mut o = unsafe { defaults(sys::creche_offload_options_init) }?;
        o.arg_free = Some(free_job);
        o.task = task_options;
        o.limiter = limiter;
        // SAFETY: the options live until the call returns. arg_free takes the box, whatever happens,
        // unless the call fails.
        Ok(unsafe { sys::creche_offload(within, Some(run_job), job.cast(), &o, done, user, task) })
    });
    if !pending.is_running() {
        // SAFETY: "If the call fails arg stays yours."
        unsafe { free_job(job.cast()) };
    }
    Offloaded { pending, result }
}

impl<T> Future for Offloaded<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.pending).poll(context).map(|ended| {
            // Its own error says more than the status that came through the library.
            match crate::sync::lock(&self.result).take() {
                Some(own) => own,
                None => Err(ended.err().unwrap_or_else(|| {
                    Error::own(Status::INTERNAL, "an offloaded function left no result".to_owned())
                })),
            }
        })
    }
}

impl<T> Unpin for Offloaded<T> {}
