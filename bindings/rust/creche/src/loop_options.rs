//! How a loop is opened.
use crate::hooks::Hooks;
use std::time::Duration;

/// Options of [`Loop::open`](crate::Loop::open).
#[derive(Clone, Debug, Default)]
pub struct LoopOptions {
    pub(crate) name: Option<String>,
    pub(crate) offload_limit: Option<u32>,
    pub(crate) virtual_clock: bool,
    pub(crate) on_caller: bool,
    pub(crate) shuffle_seed: u64,
    pub(crate) busy_poll: Duration,
    pub(crate) stall_after: Duration,
    pub(crate) hooks: Hooks,
    pub(crate) debug: bool,
}

impl LoopOptions {
    /// A loop on a thread of its own, unless it is said to run [`on_caller`](LoopOptions::on_caller).
    pub fn new() -> LoopOptions {
        LoopOptions::default()
    }

    /// For dumps, and the thread's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Worker threads for [`offload`](crate::offload) at the most; 40 unless given.
    pub fn offload_limit(mut self, limit: u32) -> Self {
        self.offload_limit = Some(limit);
        self
    }

    /// How long the loop looks again and again for something to do before it sleeps; zero unless
    /// given. What comes in that time is served without the price of a sleep and a wake-up, which is
    /// most of the time of a round trip on one connection; while the loop has nothing to do its
    /// thread uses all of its processor for so long, each time. 50 us is a good value for a processor
    /// that can be spared.
    pub fn busy_poll(mut self, moment: Duration) -> Self {
        self.busy_poll = moment;
        self
    }

    /// It gets no thread: it runs on the thread that waits for it, in [`Loop::block_on`](crate::Loop::block_on) and
    /// [`Loop::join`](crate::Loop::join), and stands still meanwhile. What is done one at a time is done without a
    /// wake-up of another thread, which is most of the time of a short answer.
    ///
    /// ```
    /// use creche::{Loop, LoopOptions, Times, sleep};
    /// # fn main() -> creche::Result<()> {
    /// let on = Loop::open(LoopOptions::new().on_caller())?;
    /// on.block_on(async { sleep(1.millis()).within(on).await })??;
    /// # on.close()?;
    /// # on.join(10.secs())
    /// # }
    /// ```
    pub fn on_caller(mut self) -> Self {
        self.on_caller = true;
        self
    }

    /// For tests: a clock that begins at 0, stands still while anything can happen, and jumps to the
    /// next deadline when nothing can, so that sleeping an hour takes no time. Futures of groups and
    /// tasks can do something from when they are woken until they wait for the loop again; one that
    /// was woken must be polled, or dropped, for the clock to go on.
    ///
    /// The loop knows only of what waits for it. A body that is woken by something else (a channel of
    /// another crate, an executor's own `yield_now` or timer) does not hold the clock between that and
    /// its next poll, so the clock may jump first: use [`channel`](crate::channel),
    /// [`Event`](crate::Event), [`yield_now`](crate::yield_now) and [`sleep`](crate::sleep) in such
    /// tests, or keep a [`hold`](crate::Loop::hold) until it has been polled.
    ///
    /// ```
    /// use creche::{GroupOptions, Loop, LoopOptions, Status, TaskOptions, sleep, task};
    /// use std::time::Duration;
    /// # async fn test() -> creche::Result<()> {
    /// let on = Loop::open(LoopOptions::new().virtual_clock())?;
    /// let hour = Duration::from_secs(3600);
    /// let late = task(TaskOptions::new().within(on).timeout(hour), async |_| sleep(2 * hour).await);
    /// assert_eq!(late.await.unwrap_err().status(), Status::TIMEOUT);
    /// assert_eq!(on.now()?, hour);
    /// # Ok(()) }
    /// ```
    pub fn virtual_clock(mut self) -> Self {
        self.virtual_clock = true;
        self
    }

    /// For tests: what may run in any order does so in one drawn from this seed. 0: in order.
    pub fn shuffle_seed(mut self, seed: u64) -> Self {
        self.shuffle_seed = seed;
        self
    }
}
