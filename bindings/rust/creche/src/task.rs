//! Futures of yours as tasks: begun, told to hurry, finished.
use crate::clock::{Hold, holding};
use crate::error::{Error, Result};
use crate::options::TaskOptions;
use crate::runtime::loop_for;
use crate::scope::{Current, Scope, current, enter};
use crate::section::Section;
use crate::status::Status;
use crate::sync::{keep, lock, wake};
use crate::sys_ext::check;
use creche_sys as sys;
use std::any::Any;
use std::ffi::c_void;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::ptr::null;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What a task of the library and the future that is its body know of one another.
pub(crate) struct Cell {
    state: Mutex<State>,
    on: sys::creche_loop,
    /// The body.
    section: Arc<Section>,
}

#[derive(Default)]
struct State {
    waker: Option<Waker>,
    /// The body's task and the value that came with CRECHE_BEGIN, until somebody takes them.
    begun: Option<(sys::creche_task, u64)>,
    /// What is running: to be finished, once.
    running: Option<sys::creche_task>,
    cancelled: bool,
    /// The future is gone.
    abandoned: bool,
    end: Option<End>,
    /// From a wake-up to the poll that it is for.
    hold: Option<Hold>,
}

/// How it ended.
pub(crate) struct End {
    pub status: sys::creche_status,
    pub flags: u32,
    pub error: Option<Error>,
}

impl Cell {
    /// `around` is what its body is polled in.
    pub(crate) fn new(on: sys::creche_loop, around: Option<Arc<Section>>) -> Arc<Cell> {
        let section = Section::new(around);
        Arc::new(Cell { state: Mutex::new(State::default()), on, section })
    }

    /// The reference that C holds: for `user`, until the final completion.
    pub(crate) fn user(self: &Arc<Cell>) -> *mut c_void {
        Arc::into_raw(self.clone()).cast_mut().cast()
    }

    fn wait<T>(
        &self,
        context: &Context<'_>,
        take: impl FnOnce(&mut State) -> Option<T>,
    ) -> Poll<T> {
        let mut state = lock(&self.state);
        let hold = state.hold.take(); // whoever polls holds the clock
        let (found, old) = match take(&mut state) {
            Some(found) => (Poll::Ready(found), None),
            None => (Poll::Pending, keep(&mut state.waker, context.waker())),
        };
        drop(state);
        drop((hold, old));
        found
    }

    /// Waits until the body may run; None if it ended before.
    pub(crate) async fn begun(&self) -> Option<(sys::creche_task, u64)> {
        poll_fn(|context| {
            self.wait(context, |state| match state.begun.take() {
                Some(begun) => Some(Some(begun)),
                None => state.end.is_some().then_some(None),
            })
        })
        .await
    }

    /// Waits for the end.
    pub(crate) fn poll_end(&self, context: &Context<'_>) -> Poll<End> {
        self.wait(context, |state| state.end.take())
    }

    pub(crate) async fn ended(&self) -> End {
        poll_fn(|context| self.poll_end(context)).await
    }

    /// Finishes what is running, unless that has been done.
    pub(crate) fn finish(&self, result: Result<(), &Error>) {
        let Some(task) = lock(&self.state).running.take() else { return };
        finish(task, result);
    }

    /// Whoever was to finish what is running will not.
    pub(crate) fn give_up(&self) {
        let running = lock(&self.state).running.take();
        if let Some(task) = running {
            cancel(task);
            finish_cancelled(task);
        }
    }

    /// Runs a body until it has ended or must be dropped. None: it was cancelled.
    pub(crate) async fn run<T>(
        self: &Arc<Cell>,
        scope: Scope,
        body: impl Future<Output = Result<T>>,
    ) -> Option<Caught<Result<T>>> {
        let current = Current { scope, section: self.section.clone() };
        let mut slot = pin!(Some(body));
        let stop = |context: &Context<'_>| {
            let held = self.section.holds(context.waker());
            self.wait(context, |state| (state.cancelled && !held).then_some(())).is_ready()
        };
        let result = poll_fn(|context| {
            if stop(context) {
                return Poll::Ready(None);
            }
            let body = slot.as_mut().as_pin_mut().expect("polled after it was ready");
            match poll_caught(&current, body, context) {
                Poll::Ready(caught) => Poll::Ready(Some(caught)),
                // The last shield in it may have just ended.
                Poll::Pending if stop(context) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        // Its operations are cancelled by this, and they end before the task does.
        match catch_unwind(AssertUnwindSafe(|| enter(Some(current), || slot.set(None)))) {
            Ok(()) => result,
            Err(payload) => Some(Err(payload)),
        }
    }
}

/// Of a poll that panicked, the payload.
pub(crate) type Caught<T> = Result<T, Box<dyn Any + Send>>;

fn poll_caught<F: Future>(
    current: &Current,
    body: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<Caught<F::Output>> {
    let polled =
        catch_unwind(AssertUnwindSafe(|| enter(Some(current.clone()), || body.poll(context))));
    match polled {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(payload) => Poll::Ready(Err(payload)),
    }
}

fn finish(task: sys::creche_task, result: Result<(), &Error>) {
    let finish = |status, error: *const sys::creche_error| {
        // SAFETY: any thread, any handle; finishing twice is an error without effect; the error is
        // NULL or alive until the call returns.
        unsafe { sys::creche_task_finish(task, status, 0, error) }
    };
    match result {
        Ok(()) => finish(sys::CRECHE_OK, null()),
        Err(error) => error.in_c(|status, error| match finish(status, error) {
            // A number that the library does not take from us.
            sys::CRECHE_E_INVALID => finish(sys::CRECHE_E_USER, error),
            done => done,
        }),
    };
}

/// A cancelled body has been dropped.
fn finish_cancelled(task: sys::creche_task) {
    // SAFETY: any thread, any handle.
    unsafe { sys::creche_task_finish(task, sys::CRECHE_E_CANCELLED, 0, null()) };
}

/// Nobody polls any more. Cancelled first, so that its status is true. Too late is harmless.
fn cancel(task: sys::creche_task) {
    // SAFETY: any thread, any handle; the text is copied.
    unsafe { sys::creche_scope_cancel(task.scope, c"its future was dropped".as_ptr()) };
}

/// The callback of external tasks, bodies of transactions, and groups. `user` is an Arc of Cell,
/// which the final completion gives back.
pub(crate) unsafe extern "C" fn notify(
    user: *mut c_void,
    completion: *const sys::creche_completion,
) {
    // SAFETY: the completion lives until we return.
    let completion = unsafe { &*completion };
    let last = completion.flags & sys::CRECHE_MORE == 0;
    let cell = user.cast::<Cell>().cast_const();
    // SAFETY: alive until the final completion, which comes once.
    let cell = unsafe {
        if !last {
            Arc::increment_strong_count(cell);
        }
        Arc::from_raw(cell)
    };
    let _ = catch_unwind(AssertUnwindSafe(|| cell.notified(completion, last)));
}

impl Cell {
    pub(crate) fn notified(&self, completion: &sys::creche_completion, last: bool) {
        let mut state = lock(&self.state);
        match completion.kind {
            _ if last => {
                state.end = Some(End {
                    status: completion.status,
                    flags: completion.flags,
                    // SAFETY: alive until the callback returns.
                    error: (completion.status != sys::CRECHE_OK)
                        .then(|| unsafe { Error::of(completion) }),
                });
            }
            sys::CRECHE_BEGIN if state.abandoned => {
                drop(state);
                cancel(completion.task);
                return finish_cancelled(completion.task);
            }
            sys::CRECHE_BEGIN => {
                state.begun = Some((completion.task, completion.value));
                state.running = Some(completion.task);
                state.cancelled = false;
            }
            sys::CRECHE_CANCEL => state.cancelled = true,
            _ => return,
        }
        let waker = state.waker.take();
        if waker.is_some() {
            state.hold = state.hold.take().or_else(|| Hold::new(self.on));
        }
        drop(state);
        wake(waker);
    }
}

/// Whoever drops this gives its task up: it is cancelled, and ends by itself.
pub(crate) struct Owner {
    pub cell: Arc<Cell>,
    /// What to cancel: the task, or the operation around it.
    pub task: sys::creche_task,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut state = lock(&self.cell.state);
        state.abandoned = true;
        state.waker = None;
        let hold = state.hold.take();
        let running = state.running.take();
        let ended = state.end.is_some();
        drop(state);
        if !ended {
            cancel(self.task);
        }
        if let Some(task) = running {
            cancel(task);
            finish_cancelled(task);
        }
        drop(hold);
    }
}

/// Opens an external task whose events come to a cell. `around` is what its body is polled in.
pub(crate) fn open(
    on: sys::creche_loop,
    options: &TaskOptions,
    around: Option<Arc<Section>>,
) -> Result<Owner> {
    let cell = Cell::new(on, around);
    let user = cell.user();
    let within = options.scope_on(on);
    let mut task = sys::creche_task::default();
    let opened = options.in_c(|options| {
        // SAFETY: the options live until the call returns; user until the final completion.
        unsafe { sys::creche_task_open(within.raw, options, Some(notify), user, &mut task) }
    });
    if let Err(error) = opened.and_then(check) {
        // SAFETY: an error return means no completion ever.
        drop(unsafe { Arc::from_raw(user.cast::<Cell>().cast_const()) });
        return Err(error);
    }
    Ok(Owner { cell, task })
}

/// What the body came to, and the panic that goes on after the end.
pub(crate) struct Ran<T> {
    pub value: Option<Result<T>>,
    pub panic: Option<Box<dyn Any + Send>>,
}

/// Runs one body and finishes its task.
pub(crate) async fn run_body<T>(
    cell: &Arc<Cell>,
    task: sys::creche_task,
    on: sys::creche_loop,
    body: impl Future<Output = Result<T>>,
) -> Ran<T> {
    let scope = Scope { raw: task.scope, on };
    match cell.run(scope, body).await {
        None => {
            if let Some(task) = lock(&cell.state).running.take() {
                finish_cancelled(task);
            }
            Ran { value: None, panic: None }
        }
        Some(Ok(result)) => {
            cell.finish(result.as_ref().map(|_| ()));
            Ran { value: Some(result), panic: None }
        }
        Some(Err(payload)) => {
            cell.finish(Err(&Error::panicked(payload.as_ref())));
            Ran { value: None, panic: Some(payload) }
        }
    }
}

impl End {
    pub(crate) fn into_error(self) -> Error {
        let status = Status(self.status);
        self.error.unwrap_or_else(|| Error::own(status, format!("it ended with {status}")))
    }
}

/// Runs a future of yours as a task of its own: what it starts are steps of it, a deadline bounds all
/// of it, leases that it takes are given back at its end. Its body gets the task's scope, begins when
/// a limit around it lets it, and is dropped at its next poll once it is cancelled (see
/// [`shield`](crate::shield) and [`with_cleanup`](crate::with_cleanup)). This future ends after
/// everything that the body had started.
///
/// Started in the running task, it is a step of that; started [`within`](TaskOptions::within) a group,
/// it is a child of the group, and its failure counts there.
///
/// ```no_run
/// use creche::{Session, SessionOptions, TaskOptions, Times};
/// # async fn f() -> creche::Result<()> {
/// let web = Session::new(SessionOptions::new())?;
/// let both = creche::task(TaskOptions::new().timeout(2.secs()), async |_| {
///     let page = web.get("http://example.com/").await?;
///     web.get(page.header_text("link").unwrap_or("http://example.com/2")).await
/// });
/// println!("{}", both.await?.status());
/// # Ok(()) }
/// ```
pub async fn task<T, F, Fut>(options: TaskOptions, body: F) -> Result<T>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let on = loop_for(options.within)?;
    holding(on, task_on(on, options, body)).await
}

async fn task_on<T, F, Fut>(on: sys::creche_loop, options: TaskOptions, body: F) -> Result<T>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let around = current().map(|current| current.section);
    // Shielded, it is no more dropped with a cancelled body around it than a shield is.
    let _guard = around.as_ref().filter(|_| options.shield).map(Section::guard);
    let owner = open(on, &options, around)?;
    let ran = match owner.cell.begun().await {
        Some((task, _)) => {
            let scope = Scope { raw: task.scope, on };
            // Called inside of the body, so that its panics are the body's. On the heap: a future
            // that is passed on is as large again in each that has it, and tasks nest.
            run_body(&owner.cell, task, on, Box::pin(async move { body(scope).await })).await
        }
        None => Ran { value: None, panic: None },
    };
    let end = owner.cell.ended().await;
    if let Some(payload) = ran.panic {
        resume_unwind(payload);
    }
    match (end.status, ran.value) {
        (sys::CRECHE_OK, Some(result)) => result,
        (_, Some(Err(own))) if own.status().0 == end.status => Err(own),
        _ => Err(end.into_error()),
    }
}
