//! What is to be done with connections before and behind their users.
use crate::connection::Connection;
use crate::error::Result;
use crate::sync::lock;
use crate::task::{Cell, run_body};
use creche_sys as sys;
use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::{Arc, LazyLock, Mutex};

/// A connection of a pool, and that something of yours is to be done with it: see
/// [`PoolOptions::on_init`](crate::PoolOptions::on_init). [`run`](PoolBody::run) it on an executor
/// of yours; one that is dropped fails.
#[derive(Debug)]
#[must_use = "a body that is dropped fails"]
pub struct PoolBody {
    running: Running,
    connection: sys::creche_connection,
}

/// Those that have begun, by their tasks: who is told to hurry.
static BEGUN: LazyLock<Mutex<HashMap<u64, Arc<Cell>>>> = LazyLock::new(Mutex::default);

/// A body's task until it is finished; dropped before, it is given up.
struct Running {
    cell: Arc<Cell>,
    task: sys::creche_task,
    on: sys::creche_loop,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Running").field(&self.task.scope.id).finish()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&BEGUN).remove(&self.task.scope.id);
        self.cell.give_up();
    }
}

impl PoolBody {
    /// Does it: spawn this on an executor. What the body starts are steps of it, and it is dropped at
    /// its next poll when its time is over, or the pool is closed. The connection stays the pool's.
    /// An error, or a panic, fails who waits for the connection, or has it closed behind its user.
    pub async fn run<F, Fut>(self, body: F)
    where
        F: FnOnce(Connection) -> Fut,
        Fut: Future<Output = Result<()>>,
    {
        let PoolBody { running, connection: raw } = self;
        let on = running.on;
        let connection = Connection { raw, on, owned: false };
        let body = Box::pin(async move { body(connection).await });
        run_body(&running.cell, running.task, on, body).await;
    }
}

pub(crate) type Run = dyn Fn(PoolBody) + Send + Sync;

/// What C has said to a body of the pool's. run: None if the pool is gone.
///
/// # Safety
/// `c` lives until this returns.
pub(crate) unsafe fn told(
    on: sys::creche_loop,
    run: Option<Arc<Run>>,
    c: *const sys::creche_completion,
) {
    // SAFETY: as above.
    let c = unsafe { &*c };
    if c.kind != sys::CRECHE_BEGIN {
        let cell = lock(&BEGUN).get(&c.task.scope.id).cloned();
        if let Some(cell) = cell {
            cell.notified(c, false);
        }
        return;
    }
    let Some(run) = run else {
        // SAFETY: numbers alone.
        let _ = unsafe { sys::creche_task_finish(c.task, sys::CRECHE_E_CLOSED, 0, null()) };
        return;
    };
    let cell = Cell::new(on, None);
    cell.notified(c, false);
    lock(&BEGUN).insert(c.task.scope.id, cell.clone());
    let running = Running { cell, task: c.task, on };
    let body = PoolBody { running, connection: sys::creche_connection { id: c.value } };
    // A panic must not get into C.
    let _ = catch_unwind(AssertUnwindSafe(|| run(body)));
}
