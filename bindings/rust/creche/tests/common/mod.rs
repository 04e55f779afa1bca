//! What the tests share: two small executors, loops with a virtual clock, and the servers' addresses.
#![allow(dead_code)]

pub mod pg;
pub mod ws;

use creche::{
    ChannelOptions, Event, EventOptions, GroupOptions, Limiter, LimiterOptions, Loop, LoopOptions,
    Rate, RateOptions, Receiver, Sender, Times, channel_on,
};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls on this thread until it is ready; a test that hangs fails.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let tree = creche::Loop::current().and_then(|on| on.dump());
            panic!("nothing for a minute:\n{}", tree.unwrap_or_default());
        }
        thread::park_timeout(left);
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Task {
    future: Mutex<Option<Work>>,
    queue: mpsc::Sender<Arc<Task>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let _ = self.queue.clone().send(self);
    }
}

/// A plain executor of several threads: futures move between them.
pub struct Threads {
    queue: mpsc::Sender<Arc<Task>>,
}

impl Threads {
    pub fn start(count: usize) -> Threads {
        let (queue, tasks) = mpsc::channel::<Arc<Task>>();
        let tasks = Arc::new(Mutex::new(tasks));
        for _ in 0..count {
            let tasks = tasks.clone();
            thread::spawn(move || {
                loop {
                    let Ok(task) = tasks.lock().unwrap().recv() else { return };
                    let waker = Waker::from(task.clone());
                    let mut future = task.future.lock().unwrap();
                    if let Some(running) = future.as_mut() {
                        let polled = running.as_mut().poll(&mut Context::from_waker(&waker));
                        if polled.is_ready() {
                            *future = None;
                        }
                    }
                }
            });
        }
        Threads { queue }
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> mpsc::Receiver<T> {
        let (answer, answers) = mpsc::channel();
        let work: Work = Box::pin(async move {
            let _ = answer.send(future.await);
        });
        let task = Task { future: Mutex::new(Some(work)), queue: self.queue.clone() };
        self.queue.send(Arc::new(task)).unwrap();
        answers
    }
}

/// Counts how many of its kind were dropped.
#[derive(Clone, Default)]
pub struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub fn on_drop(&self) -> impl Drop + Send + 'static {
        struct Count(Arc<AtomicUsize>);
        impl Drop for Count {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        Count(self.0.clone())
    }
}

/// Polls once, with a waker that does nothing.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits until something is so.
#[track_caller]
pub fn eventually(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < end, "it has not become so in 20 s");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The address of a test server: a test that needs one fails without it, unless
/// CRECHE_TEST_OFFLINE=1 says that there are none.
#[track_caller]
pub fn server(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(address) => Some(address),
        Err(_) if std::env::var("CRECHE_TEST_OFFLINE").as_deref() == Ok("1") => {
            eprintln!("skipped: no {name}");
            None
        }
        Err(_) => panic!(
            "{name} is not set: run the tests as `creche-test-servers -- cargo test`, or with \
             CRECHE_TEST_OFFLINE=1"
        ),
    }
}

/// A loop with a virtual clock, closed at the end.
pub struct Virtual(pub Loop);

impl Virtual {
    pub fn open() -> Virtual {
        Virtual::seeded(0)
    }
    pub fn seeded(seed: u64) -> Virtual {
        Virtual(Loop::open(LoopOptions::new().virtual_clock().shuffle_seed(seed)).unwrap())
    }
    pub fn now(&self) -> Duration {
        self.0.now().unwrap()
    }
    pub fn group(&self) -> GroupOptions {
        GroupOptions::new().within(self.0)
    }
    pub fn limiter(&self, total: u32) -> Limiter {
        Limiter::on(self.0, LimiterOptions::new().total(total).name("doors")).unwrap()
    }
    pub fn rate(&self, options: RateOptions) -> Rate {
        Rate::on(self.0, options).unwrap()
    }
    pub fn event(&self) -> Event {
        Event::on(self.0, EventOptions::new().name("ready")).unwrap()
    }
    pub fn channel<T: Send + 'static>(&self, capacity: u32) -> (Sender<T>, Receiver<T>) {
        channel_on(self.0, ChannelOptions::new().capacity(capacity).name("pipe")).unwrap()
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        self.0.close().unwrap();
        self.0.join(10.secs()).unwrap();
    }
}

/// A loop that has ended.
pub fn ended<T>(make: impl FnOnce(Loop) -> T) -> T {
    let on = Loop::open(LoopOptions::new()).unwrap();
    let made = make(on);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
    made
}
