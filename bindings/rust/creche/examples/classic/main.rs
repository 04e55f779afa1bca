//! The classic examples of sessions, pools and nurseries: `DATABASE_URL=... classic URL`
mod database;
mod nurseries;
mod web;

use creche::{Loop, LoopOptions, Pool, PoolOptions, Result, Times};

async fn real(url: &str, dsn: &str) -> Result<()> {
    web::session(url).await?;
    web::timeouts(url).await?;
    web::as_completed(url).await?;
    web::fail_fast(url).await?;
    database::pool(dsn).await?;
    let db = Pool::open(dsn, PoolOptions::new())?;
    database::cursor(&db).await?;
    database::transaction(&db).await?;
    database::records(&db).await
}

async fn virtually() -> Result<()> {
    nurseries::nursery().await?;
    nurseries::chained().await?;
    nurseries::task_group().await?;
    nurseries::shield().await
}

/// Runs it on a loop of its own, on this thread.
fn run(options: LoopOptions, program: impl Future<Output = Result<()>>) -> Result<()> {
    let on = Loop::open(options.on_caller())?;
    on.block_on(program)??;
    on.close()?;
    on.join(10.secs())
}

fn main() -> Result<()> {
    let url = std::env::args().nth(1).expect("a URL");
    let dsn = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    run(LoopOptions::new(), real(&url, &dsn))?;
    run(LoopOptions::new().virtual_clock(), virtually()) // its clock jumps
}
