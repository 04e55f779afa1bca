use creche::{GroupOptions, Result, Times};
use std::pin::Pin;

// show: nursery
pub async fn nursery() -> Result<()> {
    let children = creche::group(GroupOptions::new(), async |g| {
        for (name, time) in [("slow", 200.millis()), ("quick", 100.millis())] {
            g.spawn(async move |_| creche::sleep(time).await.map(|()| println!("{name} is done")));
        }
        Ok(())
    });
    children.await.map(|_| println!("all are done"))
}
// end: nursery

/// Says so when it is dropped, as everything is in a future that was cancelled.
struct Says(u32);

impl Drop for Says {
    fn drop(&mut self) {
        println!("level {} ends", self.0);
    }
}

/// To be too late is no failure.
fn move_on(late: Result<()>) -> Result<()> {
    late.or_else(|error| if error.is_timeout() { Ok(()) } else { Err(error) })
}

type Boxed = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

// show: chained
fn level(depth: u32) -> Boxed {
    Box::pin(async move {
        let _says = Says(depth);
        let below = creche::group(GroupOptions::new(), async |g| {
            if depth < 3 {
                g.spawn(move |_| level(depth + 1));
            }
            creche::sleep(3600.secs()).await
        });
        below.await.map(drop)
    })
}
pub async fn chained() -> Result<()> {
    move_on(creche::timeout(100.millis(), level(1)).await)
}
// end: chained

// show: task_group
pub async fn task_group() -> Result<()> {
    let add = &async |a: i32, b: i32| creche::sleep(100.millis()).await.map(|()| a + b);
    let sums = creche::group(GroupOptions::new(), async |g| {
        let one = g.spawn(async move |_| add(1, 2).await);
        let two = g.spawn(async move |_| add(3, 4).await);
        println!("{} {}", one.await?, two.await?);
        Ok(())
    });
    sums.await.map(drop)
}
// end: task_group

// show: shield
pub async fn shield() -> Result<()> {
    let cleanup = async || creche::sleep(100.millis()).await.map(|()| println!("cleaned up"));
    let work = async { creche::sleep(3600.secs()).await };
    let work = creche::with_cleanup(work, 5.secs(), cleanup);
    move_on(creche::timeout(100.millis(), work).await)
}
// end: shield
