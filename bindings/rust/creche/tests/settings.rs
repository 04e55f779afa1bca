//! What options change, seen from outside: those that no other test needs.
mod common;

use common::pg::{count, open, table};
use common::{block_on, server};
use creche::{
    HttpVersions, Isolation, Loop, LoopOptions, Pool, PoolOptions, Rows, Session, SessionOptions,
    Status, Times, TransactionOptions, sleep,
};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

#[test]
fn insecure_asks_for_no_certificate() {
    let Some(url) = server("HTTPS_URL") else { return };
    let web = Session::new(SessionOptions::new().insecure()).unwrap();
    let answer = block_on(async { web.get(&format!("{url}/small")).await }).unwrap();
    assert!(answer.info().unwrap().tls);
}

/// A server that answers the first request of a connection and closes at the second, which it has read.
fn answers_once() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut request = || lines.by_ref().map_while(Result::ok).any(|line| line.is_empty());
            if request() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                request();
            }
        }
    });
    url
}

#[test]
fn no_retry_fails_on_a_kept_connection_that_was_dead() {
    let url = answers_once();
    let web = Session::new(SessionOptions::new()).unwrap();
    let get = || block_on(async { web.get(&url).await });
    get().unwrap();
    // Sent again on a new connection, which is kept then.
    get().unwrap();
    assert_eq!(web.counters().unwrap().retries, 1);
    let error = block_on(async { web.get(&url).no_retry().await }).unwrap_err();
    assert_eq!(error.status(), Status::DISCONNECTED);
    assert_eq!(web.counters().unwrap().retries, 1);
}

fn text(rows: Rows) -> String {
    rows.one().unwrap().get(0).unwrap()
}

#[test]
fn no_reset_keeps_what_was_set() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    for keeps in [false, true] {
        let mut options = PoolOptions::new().max_size(1);
        if keeps {
            options = options.no_reset();
        }
        let db = Pool::open(&dsn, options).unwrap();
        let zone = block_on(async {
            let one = db.acquire().await?;
            one.execute("set timezone to 'Asia/Tokyo'", &[]).await?;
            drop(one);
            db.query("show timezone", &[]).await
        });
        assert_eq!(text(zone.unwrap()) == "Asia/Tokyo", keeps);
    }
}

#[test]
fn no_pipeline_runs_one_statement_at_a_time() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    for pipelined in [true, false] {
        let mut options = PoolOptions::new().max_size(1);
        if !pipelined {
            options = options.no_pipeline();
        }
        let db = Pool::open(&dsn, options).unwrap();
        block_on(async {
            let one = db.acquire().await?;
            // What stands behind a failure in one flight is still run, and each has its own answer.
            let bad = one.query("select 1/0", &[]).start();
            let good = one.query("select count(*) from (values (1), (2)) v", &[]).start();
            assert_eq!(bad.await.unwrap_err().sqlstate(), Some("22012"));
            assert_eq!(count(&good.await?), 2);
            Ok::<_, creche::Error>(())
        })
        .unwrap();
    }
}

#[test]
fn transactions_are_as_their_options_say() {
    let Some(db) = open() else { return };
    block_on(async {
        table(&db, "rust_settings").await?;
        let reads = TransactionOptions::new().read_only();
        let refused = db.transaction(reads, async |tx| {
            tx.execute("insert into rust_settings values (1, 1)", &[]).await
        });
        assert_eq!(refused.await.unwrap_err().sqlstate(), Some("25006"));
        let waits =
            TransactionOptions::new().isolation(Isolation::Serializable).read_only().deferrable();
        let how = db.transaction(waits, async |tx| {
            tx.query("select current_setting('transaction_deferrable')", &[]).await
        });
        assert_eq!(text(how.await?), "on");
        let c = db.acquire().await?;
        c.query("select set_config('default_transaction_read_only', 'on', false)", &[]).await?;
        let writes = || {
            TransactionOptions::new()
                .isolation(Isolation::ReadUncommitted)
                .read_only()
                .read_write()
                .not_deferrable()
        };
        let outer = c.begin(writes()).await?;
        let mode = outer.query("select current_setting('transaction_read_only')", &[]).await?;
        assert_eq!(text(mode), "off");
        let level = outer.query("select current_setting('transaction_isolation')", &[]).await?;
        assert_eq!(text(level), "read uncommitted");
        outer.begin(writes()).await?.commit().await?;
        let other = outer.begin(TransactionOptions::new().read_only()).await;
        assert_eq!(other.unwrap_err().status(), Status::STATE);
        outer.rollback().await?;
        Ok::<_, creche::Error>(())
    })
    .unwrap();
}

#[test]
fn shutdown_lets_what_runs_go_on_for_a_while() {
    let on = Loop::open(LoopOptions::new().virtual_clock()).unwrap();
    let hold = on.hold();
    let short = sleep(1.secs()).within(on).start();
    let long = sleep(60.secs()).within(on).start();
    on.shutdown(10.secs()).unwrap();
    let late = sleep(1.secs()).within(on).start();
    drop(hold);
    assert_eq!(block_on(late).unwrap_err().status(), Status::CLOSED);
    block_on(short).unwrap();
    assert_eq!(block_on(long).unwrap_err().status(), Status::CANCELLED);
    on.join(10.secs()).unwrap();
}

#[test]
fn connections_are_opened_before_they_are_needed() {
    let Some(url) = server("HTTP_URL") else { return };
    let options = SessionOptions::new().max_requests(2).max_lifetime(3600.secs());
    let web = Session::new(options).unwrap();
    let page = format!("{url}/small");
    assert_eq!(block_on(web.get(&page).warm_up(2)).unwrap(), 2);
    assert_eq!(block_on(web.get(&page).warm_up(2)).unwrap(), 0);
    for _ in 0..3 {
        block_on(async { web.get(&page).await }).unwrap();
    }
    let counters = web.counters().unwrap();
    assert_eq!((counters.connects, counters.idle), (2, 1)); // one has carried its two
    let timings = web.timings().unwrap();
    assert_eq!((timings.connect.count, timings.total.count, timings.tls.count), (2, 3, 0));
    assert_eq!(timings.total.buckets.iter().sum::<u64>(), 3);
    assert!(timings.total.max <= timings.total.sum);
}

// A server that speaks HTTP/1.1 alone.
#[test]
fn versions_of_http() {
    let Some(url) = server("HTTPS_URL") else { return };
    let options = SessionOptions::new().insecure().versions(HttpVersions::Both);
    let web = Session::new(options.streams_per_connection(10)).unwrap();
    let page = format!("{url}/small");
    let answer = block_on(async { web.get(&page).await }).unwrap();
    assert_eq!((answer.info().unwrap().http_major, answer.info().unwrap().http_minor), (1, 1));
    let refused = block_on(async { web.get(&page).versions(HttpVersions::Http2).await });
    assert_eq!(refused.unwrap_err().status(), Status::TLS);
    block_on(async { web.get(&page).versions(HttpVersions::Http1).await }).unwrap();
}
