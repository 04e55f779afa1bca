//! Counters as text, and the threads of the library.
mod common;

use common::{block_on, server};
use creche::{Loop, LoopOptions, Pool, PoolOptions, Session, SessionOptions, Status, Threads};
use std::time::Duration;

#[test]
fn sessions_and_pools_by_their_names() {
    let on = Loop::open(LoopOptions::new().name("counted")).unwrap();
    let web = Session::on(on, SessionOptions::new()).unwrap();
    web.set_name("web").unwrap();
    let db = Pool::on(on, Some("host=127.0.0.1 port=1"), PoolOptions::new()).unwrap();
    db.set_name("db").unwrap();
    let mut wanted = 0;
    if let Some(url) = server("HTTP_URL") {
        block_on(async { web.get(&format!("{url}/small")).await }).unwrap();
        wanted = 1;
    }
    let text = creche::metrics(&[on]).unwrap();
    let requests =
        format!("creche_http_requests_total{{loop=\"counted\",session=\"web\"}} {wanted}\n");
    assert!(text.contains(&requests), "{text}");
    assert!(
        text.contains("creche_pg_max_connections{loop=\"counted\",pool=\"db\"} 10\n"),
        "{text}"
    );
    assert!(text.ends_with('\n'));
    assert!(creche::metrics(&[]).unwrap().is_empty());
    drop(web);
    drop(db);
    on.close().unwrap();
    on.join(Duration::from_secs(60)).unwrap();
    assert_eq!(creche::metrics(&[on]).unwrap_err().status(), Status::ENDED);
}

#[test]
fn threads_are_called_as_the_host_says() {
    let refused = Threads::new().prefix("").set().unwrap_err();
    assert_eq!(refused.status(), Status::INVALID);
    Threads::new().prefix("rusty").stack_size(512 << 10).workers(2).set().unwrap();
    let on = Loop::open(LoopOptions::new()).unwrap();
    Threads::new().set().unwrap();
    let named = std::fs::read_dir("/proc/self/task").unwrap().any(|thread| {
        let path = thread.unwrap().path().join("comm");
        std::fs::read_to_string(path).is_ok_and(|name| name.trim() == "rusty")
    });
    assert!(named);
    on.close().unwrap();
    on.join(Duration::from_secs(60)).unwrap();
}
