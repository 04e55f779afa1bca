//! tokio's JoinSet on one thread. usage: tokio_bench SECTION N [TOTAL]
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::sync::mpsc;
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

fn timers(n: usize) {
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
    println!("timer_cancel {:.1}", each(added, n));
    println!("timer_add {:.1}", (added - start) / n as f64);
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
        "timers" => timers(n),
        "post" => println!("post {:.1}", post(n).await),
        "drain" => {
            drain(10000).await;
            println!("queue_drain {:.1}", drain(n).await);
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
