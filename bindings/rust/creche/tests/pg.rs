//! PostgreSQL against a real server: creche-test-servers.
mod common;

use common::pg::{count, open, table};
use common::{block_on, eventually, server};
use creche::{
    Connection, Error, GroupOptions, Loop, LoopOptions, Phase, Pool, PoolCounters, PoolOptions,
    Rows, Status, Times, Value, oid,
};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn hears_what_is_said() {
    let Some(db) = open() else { return };
    block_on(async {
        let mut listener = db.listen(&["rust \"news\""]);
        assert_eq!(listener.next().await.unwrap(), Some(creche::Heard::Started));
        db.execute("select pg_notify('rust \"news\"', 'here')", &[]).await.unwrap();
        match listener.next().await.unwrap() {
            Some(creche::Heard::Notification { channel, payload, process, dropped }) => {
                assert_eq!((channel.as_str(), payload.as_slice()), ("rust \"news\"", &b"here"[..]));
                assert!(process > 0 && dropped == 0);
            }
            other => panic!("{other:?}"),
        }
        let killed = "select pg_terminate_backend(pid) from pg_stat_activity where query like 'LISTEN \"rust%'";
        db.execute(killed, &[]).await.unwrap();
        assert_eq!(listener.next().await.unwrap(), Some(creche::Heard::Gap));
        drop(listener);
        let mut refused = db.listen(&[""]);
        assert_eq!(refused.next().await.unwrap_err().status(), Status::INVALID);
        assert!(db.counters().unwrap().acquires >= 3);
    });
}

#[test]
fn copy_in_and_out() {
    let Some(db) = open() else { return };
    block_on(async {
        let name = "copied";
        db.execute("drop table if exists copied", &[]).await.unwrap();
        db.execute("create table copied (id int, name text)", &[]).await.unwrap();
        let text = "7\tsome name\n".repeat(50_000);
        let sql = format!("copy {name} from stdin");
        assert_eq!(db.copy_in(&sql, text.as_str()).await.unwrap(), 50_000);
        let (mut writer, body) = creche::Body::written(None);
        let written = db.copy_in(&sql, body).start();
        for _ in 0..10 {
            writer.write(b"1\tone\n2\t").await.unwrap();
            writer.write(b"two\n").await.unwrap();
        }
        writer.finish();
        assert_eq!(written.await.unwrap(), 20);
        // Given up, and refused.
        let (writer, body) = creche::Body::written(None);
        let written = db.copy_in(&sql, body).start();
        drop(writer);
        assert_eq!(written.await.unwrap_err().status(), Status::BODY);
        let error = db.copy_in(&sql, "x\ty\n").await.unwrap_err();
        assert_eq!(error.status(), Status::PG);
        let sql = format!("copy (select * from {name} where id = 7) to stdout");
        let mut out = db.copy_out(&sql);
        let mut all = Vec::new();
        while let Some(chunk) = out.next().await.unwrap() {
            all.extend_from_slice(&chunk);
        }
        assert_eq!(out.affected(), Some(50_000));
        assert!(all == text.as_bytes());
        let mut refused = db.copy_out("select 1");
        assert_eq!(refused.next().await.unwrap_err().status(), Status::INVALID);
        let mut dropped = db.copy_out("copy (select generate_series(1, 10000000)) to stdout");
        assert!(dropped.next().await.unwrap().is_some());
        drop(dropped);
        let rows = db.query("select count(*) from copied where id = 2", &[]).await.unwrap();
        assert_eq!(count(&rows), 10);
    });
}

#[test]
fn any_type_has_a_text() {
    let Some(db) = open() else { return };
    let rows = block_on(async {
        db.query(
            "select inet '10.0.0.1/8', varbit '0110', int4range '[1,5)', array[point '(1,2)', null],
                    row(1, macaddr '08:00:2b:01:02:ff', 'a b'::text)",
            &[],
        )
        .await
    })
    .unwrap();
    let texts: Vec<String> = (0..rows.width())
        .map(|i| rows.one().unwrap().get::<creche::Cell<'_>>(i).unwrap().format())
        .collect();
    assert_eq!(
        texts,
        ["10.0.0.1/8", "0110", "[1,5)", "{\"(1,2)\",NULL}", "(1,08:00:2b:01:02:ff,\"a b\")"]
    );
}

#[test]
fn values_go_there_and_come_back() {
    let Some(db) = open() else { return };
    let now = UNIX_EPOCH + Duration::from_micros(1_790_000_000_123_456);
    let rows = block_on(async {
        db.query(
            "select $1::bool as b, $2::int2 as i2, $3::int4 as i4, $4::int8 as i8, $5::float4 as f4,
                    $6::float8 as f8, $7::text as t, $8::bytea as bytes, $9::timestamptz as at,
                    $10::int4 as nothing, $11::uuid as uuid, $12::numeric as big, $13::jsonb as json",
            &[
                &true,
                &-2i16,
                &-4i32,
                &i64::MIN,
                &1.5f32,
                &-0.1f64,
                &"ünï",
                &[0u8, 255, 7],
                &now,
                &None::<i32>,
                &"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                &"12345678901234567890.5",
                &Value::typed_text(oid::JSONB, "{\"a\": [1]}"),
            ],
        )
        .await
    })
    .unwrap();
    assert_eq!((rows.len(), rows.width()), (1, 13));
    assert_eq!(rows.column_name(1), Some("i2"));
    assert_eq!(rows.column_type(1), oid::INT2);
    assert_eq!(rows.tag(), "SELECT 1");
    let row = rows.one().unwrap();
    assert!(row.get::<bool>("b").unwrap());
    assert_eq!(row.get::<i16>("i2").unwrap(), -2);
    assert_eq!(row.get::<i32>("i4").unwrap(), -4);
    assert_eq!(row.get::<i64>("i2").unwrap(), -2);
    assert_eq!(row.get::<i64>(3).unwrap(), i64::MIN);
    assert_eq!(row.get::<f32>("f4").unwrap(), 1.5);
    assert_eq!(row.get::<f64>("f8").unwrap(), -0.1);
    assert_eq!(row.get::<&str>("t").unwrap(), "ünï");
    assert_eq!(row.get::<&[u8]>("bytes").unwrap(), [0, 255, 7]);
    assert_eq!(row.get::<SystemTime>("at").unwrap(), now);
    assert_eq!(row.get::<Option<i32>>("nothing").unwrap(), None);
    assert_eq!(row.get::<Option<i32>>("i4").unwrap(), Some(-4));
    assert_eq!(row.get::<Vec<u8>>("uuid").unwrap().len(), 16);
    assert_eq!(row.get::<f64>("big").unwrap(), 12345678901234567890.5);
    assert_eq!(row.get::<String>("json").unwrap(), "{\"a\": [1]}");
    assert_eq!(row.get::<creche::Cell<'_>>("i8").unwrap().format(), i64::MIN.to_string());
    assert!(format!("{row:?}").contains("\"ünï\""), "{row:?}");
    for (error, status) in [
        (row.get::<i32>("nothing").unwrap_err(), Status::NULL),
        (row.get::<String>("nothing").unwrap_err(), Status::NULL),
        (row.get::<i32>("i8").unwrap_err(), Status::LIMIT),
        (row.get::<u64>("i8").unwrap_err(), Status::LIMIT),
        (row.get::<u8>("i4").unwrap_err(), Status::LIMIT),
        (row.get::<i64>("big").unwrap_err(), Status::LIMIT),
        (row.get::<u64>("big").unwrap_err(), Status::LIMIT),
        (row.get::<i64>("f8").unwrap_err(), Status::TYPE),
        (row.get::<i64>("t").unwrap_err(), Status::TYPE),
        (row.get::<f64>("t").unwrap_err(), Status::TYPE),
        (row.get::<bool>("i4").unwrap_err(), Status::TYPE),
        (row.get::<SystemTime>("i8").unwrap_err(), Status::TYPE),
        (row.get::<&str>("i8").unwrap_err(), Status::TYPE),
        (row.get::<i32>("none").unwrap_err(), Status::TYPE),
        (row.get::<i32>(99).unwrap_err(), Status::TYPE),
    ] {
        assert_eq!(error.status(), status, "{error}");
    }
    assert_eq!(row.get::<String>("i8").unwrap(), i64::MIN.to_string());
    assert_eq!(row.get::<String>("big").unwrap(), "12345678901234567890.5");
    assert_eq!(row.get::<i16>("i4").unwrap(), -4);
    assert_eq!(row.get::<f32>("i4").unwrap(), -4.0);
    assert_eq!(row.get::<f64>("i8").unwrap(), i64::MIN as f64);
    assert!(rows.as_bytes().len() > 13 * 16);
    let elsewhere = std::thread::spawn(move || rows.iter().count());
    assert_eq!(elsewhere.join().unwrap(), 1);
}

#[test]
fn a_bad_dsn_is_not_shown() {
    let error = Pool::open("postgres://u:secret@h/d\0", PoolOptions::new()).unwrap_err();
    assert_eq!(error.status(), Status::INVALID);
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}

#[test]
fn counts_and_sums_are_integers() {
    let Some(db) = open() else { return };
    let rows = block_on(async {
        let sql = "select count(*) as n, sum(i::int8) as sum, 18446744073709551615.00 as most, \
                   1e300::float8 as far from generate_series(1, 3) i";
        db.query(sql, &[]).await
    })
    .unwrap();
    let row = rows.one().unwrap();
    assert_eq!(row.get::<i32>("n").unwrap(), 3);
    assert_eq!(row.get::<u8>("n").unwrap(), 3);
    assert_eq!(row.get::<i64>("sum").unwrap(), 6);
    assert_eq!(row.get::<u64>("sum").unwrap(), 6);
    assert_eq!(row.get::<u64>("most").unwrap(), u64::MAX);
    assert_eq!(row.get::<i64>("most").unwrap_err().status(), Status::LIMIT);
    assert_eq!(row.get::<f32>("far").unwrap_err().status(), Status::LIMIT);
}

#[test]
fn errors_have_what_the_server_said() {
    let Some(db) = open() else { return };
    let error = block_on(async { db.query("select 1 from nothing_there", &[]).await }).unwrap_err();
    assert_eq!(error.status(), Status::PG);
    assert_eq!(error.sqlstate(), Some("42P01"));
    assert_eq!(error.phase(), Phase::QUERY);
    let server = error.server().unwrap();
    assert_eq!(server.severity, "ERROR");
    assert!(server.message.contains("nothing_there"));
    assert_eq!(server.position, 15);
    assert!(!error.is_retryable());
    let wrong = Pool::open("postgres://127.0.0.1:1/x", PoolOptions::new()).unwrap();
    let error = block_on(async { wrong.query("select 1", &[]).await }).unwrap_err();
    assert_eq!(error.status(), Status::CONNECT, "{error:?}");
}

#[test]
fn rows_are_counted_and_looped_over() {
    let Some(db) = open() else { return };
    block_on(async {
        table(&db, "rust_loop").await?;
        let insert = "insert into rust_loop select i, i * i from generate_series(1, $1::int) i";
        assert_eq!(db.execute(insert, &[&100]).await?, 100);
        let rows = db.query("select id, n from rust_loop order by id", &[]).await?;
        let mut sum = 0;
        for row in &rows {
            sum += row.get::<i32>("n")?;
        }
        assert_eq!(sum, 338_350);
        assert_eq!(rows.iter().len(), 100);
        assert!(rows.row(100).is_none());
        assert_eq!(rows.one().unwrap_err().status(), Status::STATE);
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn a_dropped_query_is_cancelled_on_the_server() {
    let Some(db) = open() else { return };
    let sleeping = "select count(*) from pg_stat_activity where query like 'select pg_sleep(3601%'";
    let pending = db.query("select pg_sleep(3601)", &[]).alone().start();
    let alive = || count(&block_on(async { db.query(sleeping, &[]).await }).unwrap());
    eventually(|| alive() > 0);
    drop(pending);
    let running = format!("{sleeping} and state = 'active'");
    eventually(|| count(&block_on(async { db.query(&running, &[]).await }).unwrap()) == 0);
    assert_eq!(db.counters().unwrap().cancels, 1);
    assert_eq!(db.counters().unwrap().dropped, 0);
}

#[test]
fn a_query_has_a_timeout() {
    let Some(db) = open() else { return };
    let start = Instant::now();
    let error = block_on(async { db.query("select pg_sleep(60)", &[]).timeout(30.millis()).await })
        .unwrap_err();
    assert!(error.is_timeout());
    assert!(start.elapsed() < 20.secs());
}

#[test]
fn many_statements_share_the_pool() {
    let Some(db) = open() else { return };
    let sum = AtomicUsize::new(0);
    block_on(creche::group(GroupOptions::new(), async |g| {
        let (db, sum) = (&db, &sum);
        for i in 0..500i32 {
            g.spawn(async move |scope| {
                let rows = db.query("select $1::int4 + 1", &[&i]).within(scope).await?;
                sum.fetch_add(rows.one()?.get::<i32>(0)? as usize, SeqCst);
                Ok(())
            });
        }
        Ok(())
    }))
    .unwrap();
    assert_eq!(sum.into_inner(), (1..=500).sum());
    assert!(db.counters().unwrap().connects <= 4);
}

#[test]
fn a_stream_comes_in_blocks() {
    let Some(db) = open() else { return };
    block_on(async {
        let sql = "select i, repeat('x', 100) from generate_series(1, 50000) i";
        let mut stream = db.query(sql, &[]).block_rows(1000).blocks(2).stream();
        let (mut next, mut blocks) = (1, 0);
        while let Some(rows) = stream.next().await? {
            assert!(rows.len() <= 1000);
            for row in &rows {
                assert_eq!(row.get::<i32>(0)?, next);
                next += 1;
            }
            blocks += 1;
        }
        assert_eq!(next, 50_001);
        assert!(blocks >= 50);
        assert_eq!(stream.affected(), Some(50_000));
        assert!(stream.next().await?.is_none());
        // Left in the middle.
        let mut stream = db.query(sql, &[]).block_rows(10).stream();
        assert_eq!(stream.next().await?.unwrap().len(), 10);
        drop(stream);
        let mut stream = db.query("select 1 / (5 - i) from generate_series(1, 9) i", &[]).stream();
        let error = loop {
            match stream.next().await {
                Ok(rows) => assert!(rows.is_some()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.sqlstate(), Some("22012"));
        assert!(stream.next().await?.is_none());
        Ok::<_, Error>(())
    })
    .unwrap();
    eventually(|| db.counters().unwrap().leased == 0);
}

#[test]
fn a_closed_pool_ends_what_runs() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    let on = Loop::open(LoopOptions::new()).unwrap();
    let db = Pool::on(on, Some(&dsn), PoolOptions::new()).unwrap();
    let pending = db.query("select pg_sleep(60)", &[]).start();
    eventually(|| db.counters().unwrap().statements == 1);
    block_on(db.close()).unwrap();
    assert_eq!(block_on(pending).unwrap_err().status(), Status::CLOSED);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn handles_cross_threads() {
    fn both<T: Send + Sync>() {}
    fn sends<T: Send>(_: T) {}
    both::<Pool>();
    both::<Connection>();
    both::<Rows>();
    both::<creche::RowStream>();
    both::<creche::Query<'static>>();
    both::<creche::OpenTransaction<'static>>();
    if let Some(db) = open() {
        sends(async move {
            let args: (i32, String) = (1, "x".to_owned());
            db.query("select $1, $2", &[&args.0, &args.1]).await.map(drop)
        });
    }
}

/// Statements and connections that are too old are replaced; by default neither is within a test.
#[test]
fn lifetimes() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    let until = |options: PoolOptions, enough: fn(&PoolCounters) -> bool| {
        let db = Pool::open(&dsn, options.max_size(1)).unwrap();
        eventually(|| {
            block_on(async { db.execute("select $1::int4", &[&1]).await }).unwrap();
            enough(&db.counters().unwrap())
        });
        let counters = db.counters().unwrap();
        (counters.connects, counters.prepares)
    };
    let new = PoolOptions::new;
    assert_eq!(until(new(), |c| c.statements >= 4), (1, 1));
    let never = new().statement_lifetime(Duration::MAX).max_lifetime(Duration::MAX);
    assert_eq!(until(never, |c| c.statements >= 4), (1, 1));
    let statements = new().statement_lifetime(Duration::from_nanos(1));
    assert_eq!(until(statements, |c| c.prepares >= 3).0, 1);
    until(new().max_lifetime(Duration::from_millis(1)), |c| c.connects >= 3);
}
