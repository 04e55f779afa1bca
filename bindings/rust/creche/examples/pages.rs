//! Fetches pages, 50 at a time, and keeps them in PostgreSQL: `pages postgres://... URL...`
use creche::{GroupOptions, Pool, PoolOptions, Session, SessionOptions, Times};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park};

async fn pages(database: &str, urls: Vec<String>) -> creche::Result<()> {
    let web = Session::new(SessionOptions::default())?;
    let db = Pool::open(database, PoolOptions::default())?;
    let create = "create table if not exists page (url text primary key, status int, body bytea)";
    db.execute(create, &[]).await?;
    let insert = "insert into page values ($1, $2, $3) on conflict (url) do update
                  set status = excluded.status, body = excluded.body";
    creche::group(GroupOptions::new().limit(50).timeout(10.secs()), async |g| {
        let (web, db) = (&web, &db);
        for url in urls {
            g.spawn(async move |scope| {
                let page = web.get(&url).within(scope).await?;
                db.execute(insert, &[&url, &page.status(), &page.body()]).within(scope).await?;
                println!("{} {:8} {url}", page.status(), page.body().len());
                Ok(())
            });
        }
        Ok(())
    })
    .await?;
    Ok(())
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(database) = arguments.next() else {
        eprintln!("usage: pages postgres://... URL...");
        std::process::exit(2);
    };
    if let Err(error) = block_on(pages(&database, arguments.collect())) {
        for leaf in error.leaves() {
            eprintln!("{}: {leaf}", leaf.status());
        }
        std::process::exit(1);
    }
}

/// Any executor will do: this is the smallest.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => park(),
        }
    }
}
