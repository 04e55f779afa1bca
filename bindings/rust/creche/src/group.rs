//! Groups: nurseries whose children are futures of yours.
use crate::clock::holding;
use crate::error::{Error, Result};
use crate::options::TaskOptions;
use crate::runtime::loop_for;
use crate::scope::{Scope, current};
use crate::section::Section;
use crate::status::Status;
use crate::sync::lock;
use crate::task::{Cell, Owner, Ran, open, run_body};
use creche_sys as sys;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

mod child;
mod children;
mod options;

pub use child::Child;
use child::{Teller, Told};
pub(crate) use children::Inner;
pub use options::{GroupOptions, Policy};

/// How a group ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// What its body returned; None if the body was cancelled, and that was caught.
    pub value: Option<T>,
    /// The group was cancelled, and absorbed it.
    pub caught: bool,
}

/// A group that is open: spawn children in it. A name, free to clone, also into its own children.
#[derive(Clone)]
pub struct Group<'env> {
    pub(crate) inner: Arc<Inner<'env>>,
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
        let told = Told::new(self.inner.on);
        let options = options.within(self.scope());
        let owner = match open(self.inner.on, &options, self.inner.around.clone()) {
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
        self.inner.add(Box::pin(async move { teller.told.tell(child(owner, inner, body).await) }));
        Child { told, scope }
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
        inner.panicked(payload);
    }
    let end = owner.cell.ended().await;
    match (end.status, ran.value) {
        (sys::CRECHE_OK, Some(result)) => result,
        (_, Some(Err(own))) if own.status().0 == end.status => Err(own),
        _ => Err(end.into_error()),
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
        // Wake-ups that come later are for nobody.
        let woken = std::mem::take(&mut *lock(&self.inner.ready.state));
        drop(woken);
    }
}

/// Opens a group, runs its body, and ends after all of its children: whatever was spawned in it, and
/// the clean-up of what was cancelled in it, has ended when this does.
///
/// Any executor polls it; children are polled by it, so they may borrow what outlives it. Dropping it
/// cancels everything in it without waiting; the group ends by itself then. A panic of the body or of
/// a child cancels the group, and goes on here after its end.
///
/// No child can outlive what it borrows: the group ends first.
///
/// ```
/// # async fn f() -> creche::Result<()> {
/// let page = String::from("page");
/// creche::group(creche::GroupOptions::new(), async |g| {
///     let page = &page;
///     g.spawn(async move |_| Ok(page.len()));
///     Ok(())
/// })
/// .await?;
/// drop(page);
/// # Ok(()) }
/// ```
///
/// What ends before the group is no place to borrow from, be it in the body
///
/// ```compile_fail
/// # async fn f() -> creche::Result<()> {
/// creche::group(creche::GroupOptions::new(), async |g| {
///     let page = String::from("page");
///     let page = &page;
///     g.spawn(async move |_| Ok(page.len()));
///     Ok(())
/// })
/// .await?;
/// # Ok(()) }
/// ```
///
/// or outside of it:
///
/// ```compile_fail
/// # async fn f() -> creche::Result<()> {
/// let page = String::from("page");
/// let group = creche::group(creche::GroupOptions::new(), async |g| {
///     let page = &page;
///     g.spawn(async move |_| Ok(page.len()));
///     Ok(())
/// });
/// drop(page);
/// group.await?;
/// # Ok(()) }
/// ```
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
    holding(on, group_on(on, options, body)).await
}

async fn group_on<'env, T, F, Fut>(
    on: sys::creche_loop,
    options: GroupOptions,
    body: F,
) -> Result<Outcome<T>>
where
    F: FnOnce(Group<'env>) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let within = options.within.unwrap_or_else(|| Scope::default_on(on));
    let around = current().map(|current| current.section);
    // Shielded, it is no more dropped with a cancelled body around it than a shield is.
    let _guard = around.as_ref().filter(|_| options.shield).map(Section::guard);
    let cell = Cell::new(on, around.clone());
    let raw = options.open(within, &cell)?;
    let inner = Inner::new(raw, on, around.clone());
    let mut keeper = Keeper { inner: inner.clone(), ended: false };
    let mut task_options = TaskOptions::new().within(Scope { raw: raw.scope, on }).name("body");
    task_options.body = true;
    let owner = open(on, &task_options, around)?;

    let main = async {
        let ran = match owner.cell.begun().await {
            Some((task, _)) => {
                let group = Group { inner: inner.clone() };
                // On the heap for the reason that it is in a task.
                run_body(&owner.cell, task, on, Box::pin(async move { body(group).await })).await
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
