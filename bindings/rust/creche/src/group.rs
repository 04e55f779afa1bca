//! Groups: nurseries whose children are futures of yours.
use crate::error::{Error, Result, c_text, check};
use crate::operation::{lock, wake};
use crate::options::{TaskOptions, nanoseconds};
use crate::runtime::loop_for;
use crate::scope::Scope;
use crate::status::Status;
use crate::task::{Cell, Owner, Ran, notify, open, run_body};
use creche_sys as sys;
use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem::zeroed;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::ptr::null;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// What a group does with the ends of its children.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Policy {
    /// The first failure cancels the siblings.
    #[default]
    FailFast,
    /// Errors are results: of each [`Child`]; the group does not fail by them.
    Collect,
    /// The first success cancels the rest; errors count only if none succeeds.
    Race,
}

/// Options of a [`group`].
#[derive(Clone, Debug, Default)]
pub struct GroupOptions {
    within: Option<Scope>,
    policy: Policy,
    timeout: Option<Duration>,
    move_on: bool,
    shield: bool,
    limit: u32,
    max_errors: Option<u32>,
    name: Option<String>,
}

impl GroupOptions {
    /// Fail-fast, without a limit or a deadline.
    pub fn new() -> GroupOptions {
        GroupOptions::default()
    }

    /// Where it belongs; else to the task that is being polled on this thread, else to the default
    /// loop.
    pub fn within(mut self, scope: impl Into<Scope>) -> Self {
        self.within = Some(scope.into());
        self
    }

    /// What it does with the ends of its children.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long all of it may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Its timeout is no failure: what is not done by then is left.
    pub fn move_on(mut self) -> Self {
        self.move_on = true;
        self
    }

    /// Cancellation from outside does not come in.
    pub fn shielded(mut self) -> Self {
        self.shield = true;
        self
    }

    /// How many children run at a time; others wait their turn.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Failures kept in its error; more are only counted.
    pub fn max_errors(mut self, count: u32) -> Self {
        self.max_errors = Some(count);
        self
    }

    /// For dumps.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn open(&self, within: Scope, cell: &Arc<Cell>) -> Result<sys::creche_group> {
        let name = self.name.as_deref().map(c_text).transpose()?;
        let mut group = sys::creche_group::default();
        let user = cell.user();
        // SAFETY: plain options; they and their text live until the call returns; user is given back
        // by the group's completion.
        let status = unsafe {
            let mut o: sys::creche_group_options = zeroed();
            check(sys::creche_group_options_init(&mut o, size_of_val(&o))).and_then(|()| {
                o.policy = match self.policy {
                    Policy::FailFast => sys::CRECHE_FAIL_FAST,
                    Policy::Collect => sys::CRECHE_COLLECT,
                    Policy::Race => sys::CRECHE_RACE,
                };
                o.timeout = self.timeout.map_or(sys::CRECHE_NEVER, nanoseconds);
                o.on_timeout = if self.move_on { sys::CRECHE_MOVE_ON } else { sys::CRECHE_FAIL };
                o.shield = self.shield.into();
                o.limit = self.limit;
                o.max_errors = self.max_errors.unwrap_or(o.max_errors);
                o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
                check(sys::creche_group_open(within.raw, &o, Some(notify), user, &mut group))
            })
        };
        if let Err(error) = status {
            // SAFETY: an error return means no completion ever.
            drop(unsafe { Arc::from_raw(user.cast::<Cell>().cast_const()) });
            return Err(error);
        }
        Ok(group)
    }
}

/// How a group ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// What its body returned; None if the body was cancelled, and that was caught.
    pub value: Option<T>,
    /// The group was cancelled, and absorbed it.
    pub caught: bool,
}

// ---- Children ----

type ChildFuture<'env> = Pin<Box<dyn Future<Output = ()> + Send + 'env>>;

/// Which children are to be polled, and who polls the group.
#[derive(Default)]
struct Ready {
    state: Mutex<(Vec<usize>, Option<Waker>)>,
}

impl Ready {
    fn push(&self, index: usize) {
        let mut state = lock(&self.state);
        state.0.push(index);
        let waker = state.1.take();
        drop(state);
        wake(waker);
    }
}

struct ChildWaker {
    ready: Arc<Ready>,
    index: usize,
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.index);
    }
}

struct Slot<'env> {
    /// None while it is being polled.
    future: Option<ChildFuture<'env>>,
    waker: Waker,
}

#[derive(Default)]
struct Children<'env> {
    slots: Vec<Option<Slot<'env>>>,
    free: Vec<usize>,
    /// The group's future is gone, or at its end.
    over: bool,
    /// Why a child could not even be started.
    refused: Option<Error>,
    panic: Option<Box<dyn Any + Send>>,
}

struct Inner<'env> {
    raw: sys::creche_group,
    on: sys::creche_loop,
    ready: Arc<Ready>,
    children: Mutex<Children<'env>>,
}

/// A group that is open: spawn children in it. A name, free to clone, also into its own children.
#[derive(Clone)]
pub struct Group<'env> {
    inner: Arc<Inner<'env>>,
}

impl<'env> Group<'env> {
    /// Its scope: what is started in it is its child, whose failure counts here.
    pub fn scope(&self) -> Scope {
        Scope { raw: self.inner.raw.scope, on: self.inner.on }
    }

    /// Cancels everything in it; it catches that.
    pub fn cancel(&self, reason: &str) {
        self.scope().cancel(reason);
    }

    /// Spawns a child: a task with a future of its own, polled by the group's future. Its body gets
    /// the task's scope; it begins when the group's limit lets it. What cannot be started any more
    /// fails the group.
    pub fn spawn<T, F, Fut>(&self, body: F) -> Child<T>
    where
        F: FnOnce(Scope) -> Fut + Send + 'env,
        Fut: Future<Output = Result<T>> + Send + 'env,
        T: Send + 'env,
    {
        self.spawn_with(TaskOptions::new(), body)
    }

    /// The same with options: a name, a timeout, a shield.
    pub fn spawn_with<T, F, Fut>(&self, options: TaskOptions, body: F) -> Child<T>
    where
        F: FnOnce(Scope) -> Fut + Send + 'env,
        Fut: Future<Output = Result<T>> + Send + 'env,
        T: Send + 'env,
    {
        let told = Arc::new(Told { state: Mutex::new((None, None)) });
        let options = options.within(self.scope());
        let owner = match open(self.inner.on, &options) {
            Ok(owner) => owner,
            Err(error) => {
                lock(&self.inner.children).refused.get_or_insert(error.clone());
                told.tell(Err(error));
                let none = Scope { raw: sys::creche_scope::default(), on: self.inner.on };
                return Child { told, scope: none };
            }
        };
        let scope = Scope { raw: owner.task.scope, on: self.inner.on };
        let (inner, teller) = (self.inner.clone(), Teller { told: told.clone(), scope });
        self.add(Box::pin(async move { teller.told.tell(child(owner, inner, body).await) }));
        Child { told, scope }
    }

    fn add(&self, future: ChildFuture<'env>) {
        let mut children = lock(&self.inner.children);
        if children.over {
            // Its owner gives the task up; the group is being cancelled anyway.
            drop(children);
            drop(future);
            return;
        }
        let index = children.free.pop().unwrap_or_else(|| {
            children.slots.push(None);
            children.slots.len() - 1
        });
        let ready = self.inner.ready.clone();
        let waker = Waker::from(Arc::new(ChildWaker { ready, index }));
        children.slots[index] = Some(Slot { future: Some(future), waker });
        drop(children);
        self.inner.ready.push(index);
    }
}

impl fmt::Debug for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(&self.inner.raw.scope.id).finish()
    }
}

/// The life of one child.
async fn child<T, F, Fut>(owner: Owner, inner: Arc<Inner<'_>>, body: F) -> Result<T>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let on = inner.on;
    let ran = match owner.cell.begun().await {
        Some((task, _)) => {
            let scope = Scope { raw: task.scope, on };
            run_body(&owner.cell, task, on, async move { body(scope).await }).await
        }
        None => Ran { value: None, panic: None },
    };
    if let Some(payload) = ran.panic {
        // Whatever the policy is, a panic is nobody's result.
        let scope = Scope { raw: inner.raw.scope, on };
        scope.cancel("a child panicked");
        lock(&inner.children).panic.get_or_insert(payload);
    }
    let end = owner.cell.ended().await;
    match (end.status, ran.value) {
        (sys::CRECHE_OK, Some(result)) => result,
        (_, Some(Err(own))) if own.status().0 == end.status => Err(own),
        _ => Err(end.into_error()),
    }
}

/// Where a child's result waits for whoever awaits the child.
struct Told<T> {
    state: Mutex<(Option<Result<T>>, Option<Waker>)>,
}

/// Says at least that there will be no result.
struct Teller<T> {
    told: Arc<Told<T>>,
    scope: Scope,
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        if lock(&self.told.state).0.is_none() {
            self.scope.cancel("its group is over");
            let text = "the child's group was dropped, or was over".to_owned();
            self.told.tell(Err(Error::own(Status::CANCELLED, text)));
        }
    }
}

impl<T> Told<T> {
    fn tell(&self, result: Result<T>) {
        let mut state = lock(&self.state);
        state.0 = Some(result);
        let waker = state.1.take();
        drop(state);
        wake(waker);
    }
}

/// A spawned child. Await it for its result, or drop it: the child runs on either way, and its group
/// waits for it.
pub struct Child<T> {
    told: Arc<Told<T>>,
    scope: Scope,
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
        match state.0.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.1 = Some(context.waker().clone());
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

// ---- The group's own future ----

/// Whoever drops this gives the group up.
struct Keeper<'env> {
    inner: Arc<Inner<'env>>,
    ended: bool,
}

impl Drop for Keeper<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let scope = Scope { raw: self.inner.raw.scope, on: self.inner.on };
            scope.cancel("its future was dropped");
            // SAFETY: any thread, any handle. The body's finish closes it, too, if there is a body.
            unsafe { sys::creche_group_close(self.inner.raw) };
        }
        // Children may hold their group: this ends the circle.
        let slots = {
            let mut children = lock(&self.inner.children);
            children.over = true;
            std::mem::take(&mut children.slots)
        };
        drop(slots);
    }
}

impl<'env> Inner<'env> {
    /// Polls the children that asked for it. True if all have ended.
    fn poll_children(&self, context: &Context<'_>) -> bool {
        let mut budget = 128;
        loop {
            let woken = {
                let mut ready = lock(&self.ready.state);
                if ready.0.is_empty() || budget == 0 {
                    ready.1 = Some(context.waker().clone());
                    let more = !ready.0.is_empty();
                    drop(ready);
                    if more {
                        context.waker().wake_by_ref();
                    }
                    let children = lock(&self.children);
                    return children.slots.len() == children.free.len();
                }
                budget -= 1;
                std::mem::take(&mut ready.0)
            };
            for index in woken {
                self.poll_child(index);
            }
        }
    }

    fn poll_child(&self, index: usize) {
        let (mut future, waker) = {
            let mut children = lock(&self.children);
            let Some(slot) = children.slots.get_mut(index).and_then(Option::as_mut) else { return };
            // A wake-up of one that was in this place before, or a second one.
            let Some(future) = slot.future.take() else { return };
            (future, slot.waker.clone())
        };
        // Panics of its body are caught in it.
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut children = lock(&self.children);
        if polled.is_pending() {
            if let Some(slot) = children.slots.get_mut(index).and_then(Option::as_mut) {
                slot.future = Some(future);
                return;
            }
        } else if let Some(slot) = children.slots.get_mut(index) {
            *slot = None;
            children.free.push(index);
        }
        drop(children);
        drop(future);
    }
}

/// Opens a group, runs its body, and ends after all of its children: whatever was spawned in it, and
/// the clean-up of what was cancelled in it, has ended when this does.
///
/// Any executor polls it; children are polled by it, so they may borrow what outlives it. Dropping it
/// cancels everything in it without waiting; the group ends by itself then. A panic of the body or of
/// a child cancels the group, and goes on here after its end.
///
/// Failures are one error with [`Status::GROUP`] and all of them as
/// [`children`](Error::children).
///
/// ```no_run
/// use creche::{GroupOptions, Session, SessionOptions, Times};
/// # async fn f(urls: Vec<String>) -> creche::Result<()> {
/// let web = Session::new(SessionOptions::new())?;
/// creche::group(GroupOptions::new().limit(50).timeout(10.secs()), async |g| {
///     let web = &web;
///     for url in urls {
///         g.spawn(async move |scope| {
///             let page = web.get(&url).within(scope).await?;
///             println!("{} {url}", page.status());
///             Ok(())
///         });
///     }
///     Ok(())
/// })
/// .await?;
/// # Ok(()) }
/// ```
pub async fn group<'env, T, F, Fut>(options: GroupOptions, body: F) -> Result<Outcome<T>>
where
    F: FnOnce(Group<'env>) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let on = loop_for(options.within)?;
    let within = options.within.unwrap_or_else(|| Scope::default_on(on));
    let cell = Cell::new();
    let raw = options.open(within, &cell)?;
    let inner = Arc::new(Inner {
        raw,
        on,
        ready: Arc::default(),
        children: Mutex::new(Children::default()),
    });
    let mut keeper = Keeper { inner: inner.clone(), ended: false };
    let mut task_options = TaskOptions::new().within(Scope { raw: raw.scope, on }).name("body");
    task_options.body = true;
    let owner = open(on, &task_options)?;

    let main = async {
        let ran = match owner.cell.begun().await {
            Some((task, _)) => {
                let group = Group { inner: inner.clone() };
                run_body(&owner.cell, task, on, async move { body(group).await }).await
            }
            None => Ran { value: None, panic: None },
        };
        if ran.panic.is_some() {
            Scope { raw: raw.scope, on }.cancel("the body panicked");
        }
        owner.cell.ended().await;
        ran
    };
    let mut main = pin!(main);
    let (mut ran, mut end) = (None, None);
    let (ran, end) = poll_fn(|context| {
        if ran.is_none() {
            if let Poll::Ready(done) = main.as_mut().poll(context) {
                ran = Some(done);
            }
        }
        let empty = inner.poll_children(context);
        if end.is_none() {
            if let Poll::Ready(done) = cell.poll_end(context) {
                end = Some(done);
            }
        }
        match (empty, ran.is_some(), end.is_some()) {
            (true, true, true) => Poll::Ready((ran.take(), end.take())),
            _ => Poll::Pending,
        }
    })
    .await;
    keeper.ended = true;
    let (mut ran, end) = (ran.expect("it has ended"), end.expect("it has ended"));
    let (refused, panic) = {
        let mut children = lock(&inner.children);
        (children.refused.take(), children.panic.take())
    };
    if let Some(payload) = ran.panic.take().or(panic) {
        resume_unwind(payload);
    }
    let caught = end.flags & sys::CRECHE_CAUGHT != 0;
    match (end.status, ran.value) {
        (sys::CRECHE_OK, value) => match (value, refused) {
            (Some(Err(error)), _) if !(caught && error.is_cancelled()) => Err(error),
            (_, Some(error)) if !caught => Err(error),
            (value, _) => Ok(Outcome { value: value.and_then(Result::ok), caught }),
        },
        _ => Err(end.into_error()),
    }
}

impl<T> Outcome<T> {
    /// The value of a group that nothing cut short.
    pub fn into_value(self) -> Result<T> {
        self.value.ok_or_else(|| {
            Error::own(Status::CANCELLED, "the group was cancelled before its body ended".into())
        })
    }
}
