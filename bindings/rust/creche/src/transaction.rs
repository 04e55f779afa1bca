//! Transactions.
use crate::connection::Connection;
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::Pending;
use crate::pool::Pool;
use crate::scope::{Scope, current};
use crate::sys_ext::{check, defaults, nanoseconds};
use crate::task::{Cell, Owner, notify, run_body};
use creche_sys as sys;
use std::future::{Future, IntoFuture};
use std::ops::Deref;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// How much a transaction sees of others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Isolation {
    /// The session's.
    #[default]
    Default,
    ReadCommitted,
    RepeatableRead,
    Serializable,
    /// PostgreSQL does as for `ReadCommitted`.
    ReadUncommitted,
}

/// Options of a transaction.
#[derive(Clone, Debug, Default)]
pub struct TransactionOptions {
    flags: u32,
    isolation: Isolation,
    retries: u32,
    retry_delay: Option<Duration>,
    commit_timeout: Option<Duration>,
    task: TaskOptions,
}

impl TransactionOptions {
    /// The session's isolation, no retries.
    pub fn new() -> TransactionOptions {
        TransactionOptions::default()
    }

    task_options!();

    /// How much it sees of others.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// It changes nothing.
    pub fn read_only(self) -> Self {
        self.choose(sys::CRECHE_TRANSACTION_READ_ONLY, sys::CRECHE_TRANSACTION_READ_WRITE)
    }

    /// It may change something, though the session's transactions do not.
    pub fn read_write(self) -> Self {
        self.choose(sys::CRECHE_TRANSACTION_READ_WRITE, sys::CRECHE_TRANSACTION_READ_ONLY)
    }

    /// Serializable and read-only: it waits until it can never fail.
    pub fn deferrable(self) -> Self {
        self.choose(sys::CRECHE_TRANSACTION_DEFERRABLE, sys::CRECHE_TRANSACTION_NOT_DEFERRABLE)
    }

    /// It does not wait for that, though the session's transactions do.
    pub fn not_deferrable(self) -> Self {
        self.choose(sys::CRECHE_TRANSACTION_NOT_DEFERRABLE, sys::CRECHE_TRANSACTION_DEFERRABLE)
    }

    fn choose(mut self, flag: u32, opposite: u32) -> Self {
        self.flags = self.flags & !opposite | flag;
        self
    }

    /// Of [`Pool::transaction`]: how often the body is run again after a serialization failure or a
    /// deadlock.
    pub fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// How long it waits before the first of these, at the most; longer before each further one, up to
    /// a second. 5 ms if nothing is said.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.retry_delay = Some(delay);
        self
    }

    /// How long the shielded commit or rollback may take.
    pub fn commit_timeout(mut self, timeout: Duration) -> Self {
        self.commit_timeout = Some(timeout);
        self
    }

    fn in_c(
        &self,
        task: *const sys::creche_task_options,
        call: impl FnOnce(*const sys::creche_transaction_options) -> sys::creche_status,
    ) -> Result<sys::creche_status> {
        // SAFETY: its own init function.
        let mut o = unsafe { defaults(sys::creche_transaction_options_init) }?;
        o.flags = self.flags;
        o.isolation = match self.isolation {
            Isolation::Default => sys::CRECHE_ISOLATION_DEFAULT,
            Isolation::ReadCommitted => sys::CRECHE_READ_COMMITTED,
            Isolation::RepeatableRead => sys::CRECHE_REPEATABLE_READ,
            Isolation::Serializable => sys::CRECHE_SERIALIZABLE,
            Isolation::ReadUncommitted => sys::CRECHE_READ_UNCOMMITTED,
        };
        o.retries = self.retries;
        o.retry_delay = self.retry_delay.map_or(o.retry_delay, nanoseconds);
        o.commit_timeout = self.commit_timeout.map_or(o.commit_timeout, nanoseconds);
        o.task = task;
        Ok(call(&o))
    }
}

/// The connection of a transaction that [`Pool::transaction`] runs.
#[derive(Debug)]
pub struct Transaction {
    connection: Connection,
}

impl Deref for Transaction {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Pool {
    /// Runs a body in a transaction on a connection of its own. After `Ok` it commits, under a shield:
    /// no cancellation cuts that. After an error, a panic or a cancellation it rolls back. With
    /// [`retries`](TransactionOptions::retries), a serialization failure runs the body again: so it
    /// only borrows what it captures, or clones it.
    ///
    /// ```no_run
    /// # async fn f(db: &creche::Pool) -> creche::Result<()> {
    /// use creche::TransactionOptions;
    /// let left: i64 = db
    ///     .transaction(TransactionOptions::new().retries(3), async |tx| {
    ///         tx.execute("update account set cents = cents - 100 where id = $1", &[&1]).await?;
    ///         tx.execute("update account set cents = cents + 100 where id = $1", &[&2]).await?;
    ///         let rows = tx.query("select cents from account where id = $1", &[&1]).await?;
    ///         rows.one()?.get("cents")
    ///     })
    ///     .await?;
    /// # println!("{left}"); Ok(()) }
    /// ```
    pub async fn transaction<T, F, Fut>(
        &self,
        options: TransactionOptions,
        mut body: F,
    ) -> Result<T>
    where
        F: FnMut(Transaction) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let (pool, on) = self.raw();
        let owner = start(pool, on, &options)?;
        let (mut last, mut panic) = (None, None);
        while let Some((task, id)) = owner.cell.begun().await {
            let raw = sys::creche_connection { id };
            let connection = Connection { raw, on, owned: false };
            let tx = Transaction { connection };
            // Called inside of the body, so that its panics are the body's.
            let ran = run_body(&owner.cell, task, on, Box::pin(async { body(tx).await })).await;
            (last, panic) = (ran.value, ran.panic);
        }
        let end = owner.cell.ended().await;
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        match (end.status, last) {
            (sys::CRECHE_OK, Some(result)) => result,
            (_, Some(Err(own))) if own.status().0 == end.status => Err(own),
            _ => Err(end.into_error()),
        }
    }
}

fn start(
    pool: sys::creche_pool,
    on: sys::creche_loop,
    options: &TransactionOptions,
) -> Result<Owner> {
    let cell = Cell::new(on, current().map(|current| current.section));
    let user = cell.user();
    let within = options.task.scope_on(on).raw;
    let mut task = sys::creche_task::default();
    let started = options.task.in_c(|task_options| {
        // SAFETY: the options live until the call returns. The body's user and that of the end are
        // one reference: the end comes last.
        options.in_c(task_options, |o| unsafe {
            let notify: sys::creche_done_fn = Some(notify);
            sys::creche_pool_transaction(pool, within, notify, user, o, notify, user, &mut task)
        })
    });
    if let Err(error) = started.and_then(|status| status).and_then(check) {
        // SAFETY: an error return means no completion ever.
        drop(unsafe { Arc::from_raw(user.cast::<Cell>().cast_const()) });
        return Err(error);
    }
    Ok(Owner { cell, task })
}

/// creche_connection_begin, _commit or _rollback.
type Step = unsafe extern "C" fn(
    sys::creche_connection,
    sys::creche_scope,
    *const sys::creche_transaction_options,
    sys::creche_done_fn,
    *mut std::ffi::c_void,
    *mut sys::creche_task,
) -> sys::creche_status;

fn step(connection: &Connection, options: &TransactionOptions, step: Step) -> Pending<()> {
    Pending::start(connection.on, &options.task, |within, task_options, done, user, task| {
        // SAFETY: the options live until the call returns; user until the completion.
        options.in_c(task_options, |o| unsafe { step(connection.raw, within, o, done, user, task) })
    })
}

/// The beginning of a transaction that is not started yet: await it.
#[derive(Debug)]
#[must_use = "await it"]
pub struct Begin<'a> {
    connection: &'a Connection,
    options: TransactionOptions,
}

impl Connection {
    /// Begins a transaction, or inside of one a savepoint. A savepoint is as its transaction: isolation
    /// or modes that its transaction was not begun with are [`Status::STATE`](crate::Status::STATE).
    pub fn begin(&self, options: TransactionOptions) -> Begin<'_> {
        Begin { connection: self, options }
    }
}

impl<'a> IntoFuture for Begin<'a> {
    type Output = Result<OpenTransaction<'a>>;
    type IntoFuture = Beginning<'a>;
    fn into_future(self) -> Beginning<'a> {
        let pending = step(self.connection, &self.options, sys::creche_connection_begin);
        let open =
            OpenTransaction { connection: self.connection, options: self.options, open: false };
        Beginning { pending, open: Some(open) }
    }
}

/// The beginning of a transaction.
#[derive(Debug)]
pub struct Beginning<'a> {
    pending: Pending<()>,
    open: Option<OpenTransaction<'a>>,
}

impl<'a> Future for Beginning<'a> {
    type Output = Result<OpenTransaction<'a>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.pending).poll(context).map(|begun| {
            let mut open = self.open.take().expect("polled after it was ready");
            open.open = begun.is_ok();
            begun.map(|()| open)
        })
    }
}

/// A transaction (or savepoint) that is open on a connection. Dropped, it is rolled back.
#[derive(Debug)]
pub struct OpenTransaction<'a> {
    connection: &'a Connection,
    options: TransactionOptions,
    open: bool,
}

impl OpenTransaction<'_> {
    /// Commits it, under a shield of its own: once begun, dropping this future does not stop it. If
    /// it fails and the transaction is still there, it is rolled back.
    pub async fn commit(self) -> Result<()> {
        self.end(sys::creche_connection_commit).await
    }

    /// Rolls it back.
    pub async fn rollback(self) -> Result<()> {
        self.end(sys::creche_connection_rollback).await
    }

    async fn end(mut self, how: Step) -> Result<()> {
        /// Dropped, it lets the step run on.
        struct RunOn(Option<Pending<()>>);
        impl Drop for RunOn {
            fn drop(&mut self) {
                if let Some(pending) = self.0.take() {
                    pending.detach();
                }
            }
        }
        self.open = false;
        let mut run = RunOn(Some(step(self.connection, &self.options, how)));
        let result = match &mut run.0 {
            Some(pending) => pending.await,
            None => unreachable!(),
        };
        run.0 = None;
        // Cancelled before it began, or a savepoint that could not be released.
        self.open = result.is_err();
        result
    }
}

impl Deref for OpenTransaction<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // Whatever is cancelled around us, this must reach the connection.
            let on = self.connection.on;
            let root = Scope { raw: on.scope, on };
            let options = TransactionOptions::new().within(root);
            step(self.connection, &options, sys::creche_connection_rollback).detach();
        }
    }
}
