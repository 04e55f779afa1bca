//! Limiters: how many may do something at once.
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending, awaitable};
use crate::runtime::Loop;
use crate::scope::Scope;
use crate::sleep::{Offload, Offloaded, offload_on};
use crate::sys_ext::{c_text, check, defaults, filled};
use creche_sys as sys;
use std::ptr::null;

/// Options of a [`Limiter`].
#[derive(Clone, Debug)]
pub struct LimiterOptions {
    total: u32,
    name: Option<String>,
}

impl Default for LimiterOptions {
    fn default() -> LimiterOptions {
        LimiterOptions { total: 1, name: None }
    }
}

impl LimiterOptions {
    /// One token: a lock.
    pub fn new() -> LimiterOptions {
        LimiterOptions::default()
    }

    /// Tokens; 0 is allowed.
    pub fn total(mut self, tokens: u32) -> Self {
        self.total = tokens;
        self
    }

    /// For dumps.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn open(&self, on: Loop) -> Result<sys::creche_limiter> {
        let name = self.name.as_deref().map(c_text).transpose()?;
        let mut limiter = sys::creche_limiter::default();
        // SAFETY: plain options; they and their text live until the call returns.
        check(unsafe {
            let mut o = defaults(sys::creche_limiter_options_init)?;
            o.total = self.total;
            o.name = name.as_ref().map_or(null(), |name| name.as_ptr());
            sys::creche_limiter_open(on.raw, &o, &mut limiter)
        })?;
        Ok(limiter)
    }
}

/// A limiter as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LimiterState {
    /// Tokens.
    pub total: u32,
    /// Of those, given out; more than `total` after that was lowered.
    pub borrowed: u32,
    /// Acquisitions, and offloaded functions, that wait for one.
    pub waiting: u32,
}

/// Tokens that are held for a while; who comes first is served first. Share it by reference; dropping it
/// fails those who wait with [`Status::CLOSED`](crate::Status::CLOSED), and tokens stay good.
///
/// ```
/// # async fn f() -> creche::Result<()> {
/// let doors = creche::Limiter::new(creche::LimiterOptions::new().total(2))?;
/// let token = doors.acquire().await?;
/// assert_eq!(doors.state()?.borrowed, 1);
/// drop(token); // the next one's, from now on
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Limiter {
    raw: sys::creche_limiter,
    on: sys::creche_loop,
}

impl Limiter {
    /// A limiter on the default loop.
    pub fn new(options: LimiterOptions) -> Result<Limiter> {
        Limiter::on(Loop::current()?, options)
    }

    /// A limiter on a loop of your own.
    pub fn on(on: Loop, options: LimiterOptions) -> Result<Limiter> {
        Ok(Limiter { raw: options.open(on)?, on: on.raw })
    }

    /// Waits for a token: a lease of the nearest task or group, which gets it back at its end at the
    /// latest. One that comes to a future that was dropped is the next one's.
    pub fn acquire(&self) -> AcquireToken<'_> {
        AcquireToken { limiter: self, borrower: 0, task: TaskOptions::new() }
    }

    /// Takes a token now: an error with [`Status::LIMIT`](crate::Status::LIMIT) says that none is free,
    /// or that others wait.
    pub fn try_acquire(&self) -> Result<Token> {
        self.acquire().try_now()
    }

    /// [`offload`](crate::offload()) that waits for a token of this limiter in place of one of the
    /// loop's worker threads. The token comes back when the function has really returned.
    pub fn offload<T, F>(&self, options: TaskOptions, function: F) -> Offloaded<T>
    where
        F: FnOnce(Offload) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        offload_on(self.on, self.raw, &options, function)
    }

    /// Changes the number of tokens. More go to those who wait at once; with fewer, those who hold one
    /// keep it, and none is given out until enough came back.
    pub fn set_total(&self, tokens: u32) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_limiter_set_total(self.raw, tokens) })
    }

    /// A look at it.
    pub fn state(&self) -> Result<LimiterState> {
        // SAFETY: plain numbers; the size is that of the memory.
        let s: sys::creche_limiter_state =
            unsafe { filled(|s, size| sys::creche_limiter_get_state(self.raw, s, size)) }?;
        Ok(LimiterState { total: s.total, borrowed: s.borrowed, waiting: s.waiting })
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_limiter_release(self.raw) };
    }
}

/// A wait for a token that is not started yet: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct AcquireToken<'a> {
    limiter: &'a Limiter,
    borrower: u64,
    task: TaskOptions,
}

impl AcquireToken<'_> {
    task_options!();

    /// Who borrows: a second token for the same one is an error with
    /// [`Status::STATE`](crate::Status::STATE). 0: nobody in particular.
    pub fn borrower(mut self, borrower: u64) -> Self {
        self.borrower = borrower;
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<Token> {
        let (raw, borrower) = (self.limiter.raw, self.borrower);
        Pending::start(self.limiter.on, &self.task, |within, options, done, user, task| {
            // SAFETY: options live until the call returns; user until the completion.
            Ok(unsafe {
                sys::creche_limiter_acquire(raw, within, borrower, options, done, user, task)
            })
        })
    }

    /// Takes the token now: see [`Limiter::try_acquire`].
    pub fn try_now(self) -> Result<Token> {
        let within = self.task.scope_on(self.limiter.on);
        let mut raw = sys::creche_token::default();
        // SAFETY: any thread, any handle; the token outlives the call.
        check(unsafe {
            sys::creche_limiter_try(self.limiter.raw, within.raw, self.borrower, &mut raw)
        })?;
        Ok(Token { raw })
    }
}

awaitable!(AcquireToken<'a> => Token);

/// A token of a [`Limiter`]. Dropping it gives it back: the first who waits has it then.
#[derive(Debug)]
#[must_use = "dropping it gives it back"]
pub struct Token {
    raw: sys::creche_token,
}

impl Answer for Token {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Token> {
        Ok(Token { raw: sys::creche_token { id: completion.value } })
    }
}

impl Token {
    /// Makes it a lease of the nearest task, group or loop around `scope`, in place of where it was
    /// acquired.
    pub fn move_to(&self, scope: impl Into<Scope>) -> Result<()> {
        // SAFETY: any thread, any handle.
        check(unsafe { sys::creche_token_move(self.raw, scope.into().raw) })
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_token_release(self.raw) };
    }
}
