//! tokio's JoinSet on one thread. usage: tokio_bench SECTION N [TOTAL]
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::sync::{mpsc, Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, Sleep};
use tokio_util::sync::CancellationToken;

/// CPU time of the process, as in core_bench.
fn now() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills t.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    assert_eq!(failed, 0);
    t.tv_sec as f64 * 1e9 + t.tv_nsec as f64
}

fn each(start: f64, n: usize) -> f64 {
    (now() - start) / n as f64
}

fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    text.split(' ').nth(1).expect("resident").parse::<f64>().expect("pages") * 4096.0
}

/// Long, and in no order.
fn duration(i: usize, n: usize) -> Duration {
    Duration::from_secs(1000) + Duration::from_millis((i * 7919 % n) as u64)
}

async fn groups(n: usize, width: usize) -> f64 {
    let start = now();
    for _ in 0..n / width {
        let mut set = JoinSet::new();
        for _ in 0..width {
            set.spawn(async {});
        }
        while let Some(result) = set.join_next().await {
            result.expect("task");
        }
    }
    each(start, n)
}

/// n tasks, all of them asleep.
async fn sleepers(n: usize) -> JoinSet<()> {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    BEGUN.store(0, Ordering::Relaxed);
    let mut set = JoinSet::new();
    for i in 0..n {
        let duration = duration(i, n);
        set.spawn(async move {
            BEGUN.fetch_add(1, Ordering::Relaxed);
            sleep(duration).await;
        });
    }
    while BEGUN.load(Ordering::Relaxed) < n {
        tokio::task::yield_now().await;
    }
    set
}

/// warm: the first of two rounds, which makes what the second uses again.
fn timers(n: usize, warm: bool) {
    let mut context = Context::from_waker(Waker::noop());
    let start = now();
    let mut timers: Vec<Pin<Box<Sleep>>> = Vec::with_capacity(n);
    for i in 0..n {
        let mut timer = Box::pin(sleep(duration(i, n)));
        assert!(timer.as_mut().poll(&mut context).is_pending());
        timers.push(timer);
    }
    let added = now();
    drop(timers);
    if !warm {
        println!("timer_cancel {:.1}", each(added, n));
        println!("timer_add {:.1}", (added - start) / n as f64);
    }
}

async fn post(n: usize) -> f64 {
    fn posted(count: &mut usize) {
        *count += 1;
    }
    let (sender, mut receiver) = mpsc::unbounded_channel::<fn(&mut usize)>();
    let start = now();
    let thread = std::thread::spawn(move || {
        for _ in 0..n {
            sender.send(posted).expect("send");
        }
    });
    let mut count = 0;
    while let Some(function) = receiver.recv().await {
        function(&mut count);
    }
    assert_eq!(count, n);
    let result = each(start, n);
    thread.join().expect("thread");
    result
}

async fn drain(n: usize) -> f64 {
    let (sender, mut receiver) = mpsc::unbounded_channel::<usize>();
    for i in 0..n {
        sender.send(i).expect("send");
    }
    drop(sender);
    let mut batch = Vec::with_capacity(256);
    let start = now();
    let mut all = 0;
    loop {
        let got = receiver.recv_many(&mut batch, 256).await;
        if got == 0 {
            break;
        }
        all += got;
        batch.clear();
    }
    assert_eq!(all, n);
    each(start, n)
}

/// By so many tasks, which stand in line from the start: each hands the token to the next.
async fn acquired(n: usize, tasks: usize) -> f64 {
    let one = Arc::new(Semaphore::new(1));
    let first = one.clone().acquire_owned().await.expect("open");
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        let one = one.clone();
        set.spawn(async move {
            for _ in 0..n / tasks {
                drop(one.acquire().await.expect("open"));
            }
        });
    }
    for _ in 0..100 {
        tokio::task::yield_now().await; // they stand in line
    }
    let start = now();
    drop(first);
    while let Some(result) = set.join_next().await {
        result.expect("task");
    }
    each(start, n)
}

fn tried(n: usize) -> f64 {
    let one = Semaphore::new(1);
    let start = now();
    for _ in 0..n {
        drop(std::hint::black_box(&one).try_acquire().expect("free"));
    }
    each(start, n)
}

/// n tasks that wait for one event, from their start to their end.
async fn event(n: usize) -> f64 {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    BEGUN.store(0, Ordering::Relaxed);
    let happened = Arc::new(Notify::new());
    let start = now();
    let mut set = JoinSet::new();
    for _ in 0..n {
        let happened = happened.clone();
        set.spawn(async move {
            BEGUN.fetch_add(1, Ordering::Relaxed);
            happened.notified().await;
        });
    }
    while BEGUN.load(Ordering::Relaxed) < n {
        tokio::task::yield_now().await;
    }
    happened.notify_waiters();
    while let Some(result) = set.join_next().await {
        result.expect("task");
    }
    each(start, n)
}

async fn channel(n: usize) -> f64 {
    let (sender, mut receiver) = mpsc::channel::<usize>(64);
    let start = now();
    let task = tokio::spawn(async move {
        for i in 0..n {
            sender.send(i).await.expect("send");
        }
    });
    let mut all = 0;
    while receiver.recv().await.is_some() {
        all += 1;
    }
    assert_eq!(all, n);
    task.await.expect("task");
    each(start, n)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: usize = args[2].parse().expect("n");
    let total: usize = args.get(3).map_or(n, |text| text.parse().expect("total"));
    match args[1].as_str() {
        "spawn" => {
            groups(2000, 1000).await;
            println!("spawn_join {:.1}", groups(n, 1000).await);
        }
        "scope" => {
            let root = CancellationToken::new();
            let start = now();
            for _ in 0..n {
                drop(std::hint::black_box(root.child_token()));
            }
            println!("scope_open_close {:.1}", each(start, n));
        }
        "cancel" => {
            sleepers(10000).await.shutdown().await;
            let mut set = sleepers(n).await;
            let start = now();
            set.shutdown().await;
            println!("cancel_sleeper {:.1}", each(start, n));
        }
        "timers" => {
            timers(n, true);
            timers(n, false);
        }
        "post" => println!("post {:.1}", post(n).await),
        "drain" => {
            drain(10000).await;
            println!("queue_drain {:.1}", drain(n).await);
        }
        "limiter" => {
            println!("limiter_try {:.1}", tried(n));
            println!("limiter_acquire {:.1}", acquired(n, 1).await);
            println!("limiter_handover {:.1}", acquired(n, 100).await);
        }
        "event" => {
            event(10000).await;
            println!("event_wait {:.1}", event(n).await);
        }
        "channel" => {
            channel(10000).await;
            println!("channel_item {:.1}", channel(n).await);
        }
        "memory" => {
            sleepers(1000).await.shutdown().await;
            let before = resident();
            let mut set = sleepers(n).await;
            println!("task_memory {:.1}", (resident() - before) / n as f64);
            set.shutdown().await;
        }
        "cost" => {
            groups(n, n).await;
            println!("cost_{} {:.1}", n, groups(total.div_ceil(n) * n, n).await);
        }
        other => panic!("no section {other}"),
    }
}
