//! How a loop gets its hooks and its log.
use crate::hooks::{HookEvent, HookKind};
use crate::log::{Log, LogLevel, LogRecord};
use crate::loop_options::LoopOptions;
use std::time::Duration;

impl LoopOptions {
    /// A function that is told of what happens in the loop, by the kinds that it asks for: those of
    /// nobody cost nothing. It is called one event at a time, in their order, on the thread that made
    /// it happen or on the loop's, and must return soon; on a loop nothing that blocks works in it.
    /// Stalls come on another thread, while the loop is blocked. It lives until the loop is joined.
    ///
    /// ```
    /// use creche::{HookKind, Loop, LoopOptions, Times, sleep};
    /// use std::sync::{Arc, Mutex};
    /// # fn main() -> creche::Result<()> {
    /// let seen = Arc::new(Mutex::new(Vec::new()));
    /// let told = seen.clone();
    /// let kinds = [HookKind::SPAWNED, HookKind::ENDED];
    /// let on = Loop::open(LoopOptions::new().on_caller().on_event(&kinds, move |event| {
    ///     told.lock().unwrap().push((event.kind, event.status));
    /// }))?;
    /// on.block_on(async { sleep(1.millis()).within(on).await })??;
    /// on.close()?;
    /// on.join(10.secs())?;
    /// assert!(seen.lock().unwrap().iter().any(|(kind, _)| *kind == HookKind::SPAWNED));
    /// # Ok(()) }
    /// ```
    pub fn on_event(
        mut self,
        kinds: &[HookKind],
        tell: impl Fn(&HookEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.add(kinds, tell);
        self
    }

    /// A function that is told when something blocks the loop's thread for longer than this (a waker
    /// that runs its task at once, a password function that waits), while it does, and again each time
    /// that the time has doubled. They are counted, too: [`LoopCounters::stalls`](crate::LoopCounters).
    pub fn on_stall(
        mut self,
        after: Duration,
        tell: impl Fn(&HookEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.stall_after = after;
        self.hooks.add(&[HookKind::STALLED], tell);
        self
    }

    /// A function that gets the records of the loop's log, up to this level: connections, retries,
    /// reconnects, what was lost, never a secret. It is called as hooks are ([`on_event`]), and lives
    /// until the loop is joined.
    ///
    /// [`on_event`]: LoopOptions::on_event
    ///
    /// ```
    /// use creche::{LogLevel, Loop, LoopOptions, Times};
    /// # fn main() -> creche::Result<()> {
    /// let on = Loop::open(LoopOptions::new().log(LogLevel::INFO, |record| {
    ///     eprintln!("{} {:?}", record.message, record.fields);
    /// }))?;
    /// # on.close()?;
    /// # on.join(10.secs()) }
    /// ```
    pub fn log(
        mut self,
        level: LogLevel,
        write: impl Fn(&LogRecord<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.log = Some(Log::new(level, write));
        self
    }

    /// The log also tells what a program does wrong without being told so: groups that were left open,
    /// completions that go nowhere, work that was refused, each with its place.
    pub fn debug(mut self) -> Self {
        self.debug = true;
        self
    }
}
