//! Children that say when they are ready.
use crate::clock::holding;
use crate::error::{Error, Result};
use crate::group::{Group, Inner};
use crate::options::TaskOptions;
use crate::pending::Pending;
use crate::runtime::loop_for;
use crate::scope::Scope;
use crate::sync::lock;
use crate::sys_ext::{check, defaults};
use crate::task::{Cell, Owner, notify, run_body};
use creche_sys as sys;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What a child and whoever started it know of one another.
struct Handover<T> {
    value: Mutex<Option<T>>,
    /// The child is the group's.
    moved: AtomicBool,
    /// Of a child that is not.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Its own failure before, which says more than what comes through the library.
    failure: Mutex<Option<Error>>,
}

/// With this a child of [`Group::start`] says that it is ready.
#[must_use = "a child that never says that it has started fails with NOT_STARTED"]
pub struct Started<T> {
    task: sys::creche_task,
    handover: Arc<Handover<T>>,
}

impl<T> Started<T> {
    /// Ready: whoever called [`Group::start`] gets the value, and the child goes on as the group's. An
    /// error with [`Status::CANCELLED`](crate::Status::CANCELLED) if that is being cancelled: then the
    /// child should clean up and end.
    pub fn started(self, value: T) -> Result<()> {
        *lock(&self.handover.value) = Some(value);
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_task_started(self.task, 0) })?;
        self.handover.moved.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl<T> fmt::Debug for Started<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Started").field(&self.task.scope.id).finish()
    }
}

impl<'env> Group<'env> {
    /// Starts a child and waits until it says that it is ready: a server that listens, a connection
    /// that is made. The answer is the value that [`Started::started`] was given; the child goes on in
    /// the group.
    ///
    /// Until then it belongs to the running task: cancelling that or the group cancels it, its error
    /// or panic is the answer and does not count in the group, and dropping this future drops it. If
    /// it ends without having started, that is an error with
    /// [`Status::NOT_STARTED`](crate::Status::NOT_STARTED).
    ///
    /// ```no_run
    /// # async fn f() -> creche::Result<()> {
    /// # use creche::{GroupOptions, sleep, Times};
    /// creche::group(GroupOptions::new(), async |g| {
    ///     let port = g
    ///         .start(async |_, ready| {
    ///             sleep(1.secs()).await?; // listen
    ///             ready.started(8080)?;
    ///             sleep(1.secs()).await // serve
    ///         })
    ///         .await?;
    ///     println!("listens on {port}");
    ///     Ok(())
    /// })
    /// .await?;
    /// # Ok(()) }
    /// ```
    pub async fn start<T, F, Fut>(&self, body: F) -> Result<T>
    where
        F: FnOnce(Scope, Started<T>) -> Fut + Send + 'env,
        Fut: Future<Output = Result<()>> + Send + 'env,
        T: Send + 'env,
    {
        self.start_with(TaskOptions::new(), body).await
    }

    /// The same with options of the child: a name, a timeout of all of it, a shield. `within` is where
    /// the start belongs, unless to the running task.
    pub async fn start_with<T, F, Fut>(&self, options: TaskOptions, body: F) -> Result<T>
    where
        F: FnOnce(Scope, Started<T>) -> Fut + Send + 'env,
        Fut: Future<Output = Result<()>> + Send + 'env,
        T: Send + 'env,
    {
        let on = loop_for(options.within)?;
        holding(on, self.start_on(on, options, body)).await
    }

    async fn start_on<T, F, Fut>(
        &self,
        on: sys::creche_loop,
        options: TaskOptions,
        body: F,
    ) -> Result<T>
    where
        F: FnOnce(Scope, Started<T>) -> Fut + Send + 'env,
        Fut: Future<Output = Result<()>> + Send + 'env,
        T: Send + 'env,
    {
        let handover = Arc::new(Handover {
            value: Mutex::default(),
            moved: AtomicBool::new(false),
            panic: Mutex::default(),
            failure: Mutex::default(),
        });
        let cell = Cell::new(on, self.inner.around.clone());
        let start_options = TaskOptions { within: options.within, ..TaskOptions::new() };
        let pending = Pending::<()>::start(on, &start_options, |within, task, done, user, out| {
            // SAFETY: its own init function.
            let mut o = unsafe { defaults(sys::creche_start_options_init) }?;
            options.in_c(|child| {
                let child_user = cell.user();
                (o.task, o.child) = (task, child);
                o.child_done = Some(notify);
                o.child_user = child_user;
                let target = self.inner.raw;
                // SAFETY: the options live until the call returns; both users until their final
                // completions.
                let status = unsafe {
                    sys::creche_task_start(target, within, None, null_mut(), &o, done, user, out)
                };
                if status != sys::CRECHE_OK {
                    // SAFETY: an error return means no completion ever.
                    drop(unsafe { Arc::from_raw(child_user.cast::<Cell>().cast_const()) });
                }
                status
            })
        });
        if pending.is_running() {
            let owner = Owner { cell, task: sys::creche_task { scope: pending.scope().raw } };
            self.inner.add(Box::pin(child(owner, self.inner.clone(), handover.clone(), body)));
        }
        let result = pending.await;
        if let Some(payload) = lock(&handover.panic).take() {
            resume_unwind(payload);
        }
        match result {
            Ok(()) => lock(&handover.value).take().ok_or_else(|| {
                Error::own(crate::Status::INTERNAL, "a child started without a value".to_owned())
            }),
            Err(error) => match lock(&handover.failure).take() {
                Some(own) if own.status() == error.status() => Err(own),
                _ => Err(error),
            },
        }
    }
}

/// The life of a child that was started.
async fn child<T, F, Fut>(owner: Owner, inner: Arc<Inner<'_>>, handover: Arc<Handover<T>>, body: F)
where
    F: FnOnce(Scope, Started<T>) -> Fut,
    Fut: Future<Output = Result<()>>,
{
    let Some((task, _)) = owner.cell.begun().await else {
        owner.cell.ended().await;
        return;
    };
    let scope = Scope { raw: task.scope, on: inner.on };
    let started = Started { task, handover: handover.clone() };
    let note = |result: &Result<()>| {
        // Before the task is finished, so that it is there when the start ends.
        if let (Err(error), false) = (result, handover.moved.load(Ordering::SeqCst)) {
            *lock(&handover.failure) = Some(error.clone());
        }
    };
    let ran = run_body(&owner.cell, task, inner.on, async {
        let result = body(scope, started).await;
        note(&result);
        result
    })
    .await;
    if let Some(payload) = ran.panic {
        if handover.moved.load(Ordering::SeqCst) {
            inner.panicked(payload);
        } else {
            *lock(&handover.panic) = Some(payload);
        }
    }
    owner.cell.ended().await;
}
