//! Connections of one's own, and transactions.
mod common;

use common::pg::{count, open, table};
use common::{block_on, eventually};
use creche::{Connection, Error, GroupOptions, Isolation, Status, Times, TransactionOptions};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn a_connection_is_a_lease() {
    let Some(db) = open() else { return };
    block_on(async {
        let one = db.acquire().await?;
        one.script("create temp table mine (i int); insert into mine values (1), (2)").await?;
        // Pipelined.
        let both: Vec<_> =
            (0..2).map(|_| one.query("select count(*) from mine", &[]).start()).collect();
        for pending in both {
            assert_eq!(count(&pending.await?), 2);
        }
        assert_eq!(db.counters().unwrap().leased, 1);
        Ok::<_, Error>(())
    })
    .unwrap();
    eventually(|| db.counters().unwrap().leased == 0);
    // The group takes back what its children forgot.
    let forgotten = std::sync::Mutex::new(None);
    block_on(creche::group(GroupOptions::new(), async |g| {
        g.spawn(async |_| {
            *forgotten.lock().unwrap() = Some(db.acquire().await?);
            Ok(())
        });
        Ok(())
    }))
    .unwrap();
    let forgotten: Connection = forgotten.into_inner().unwrap().unwrap();
    eventually(|| db.counters().unwrap().leased == 0);
    let error = block_on(async { forgotten.query("select 1", &[]).await }).unwrap_err();
    assert!([Status::ENDED, Status::CLOSED].contains(&error.status()), "{error:?}");
}

#[test]
fn a_transaction_commits_or_rolls_back() {
    let Some(db) = open() else { return };
    block_on(async {
        table(&db, "rust_body").await?;
        let options = TransactionOptions::new;
        let value = db.transaction(options(), async |tx| {
            tx.execute("insert into rust_body values (1, 1)", &[]).await?;
            Ok("done")
        });
        assert_eq!(value.await?, "done");
        let failed = db.transaction(options(), async |tx| {
            tx.execute("insert into rust_body values (2, 2)", &[]).await?;
            Err::<(), _>(Error::new(std::io::Error::other("mine")))
        });
        let error = failed.await.unwrap_err();
        assert!(error.downcast_ref::<std::io::Error>().is_some(), "{error:?}");
        let failed = db.transaction(options(), async |tx| {
            tx.execute("insert into rust_body values (1, 1)", &[]).await
        });
        assert_eq!(failed.await.unwrap_err().sqlstate(), Some("23505"));
        let cancelled = db.transaction(options(), async |tx| {
            tx.execute("insert into rust_body values (3, 3)", &[]).await?;
            std::future::pending::<creche::Result<()>>().await
        });
        assert!(creche::timeout(50.millis(), cancelled).await.unwrap_err().is_timeout());
        let rows = db.query("select count(*) from rust_body", &[]).await?;
        assert_eq!(count(&rows), 1);
        Ok::<_, Error>(())
    })
    .unwrap();
    eventually(|| db.counters().unwrap().leased == 0);
}

#[test]
fn a_panicking_body_rolls_back() {
    let Some(db) = open() else { return };
    block_on(table(&db, "rust_panic")).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(db.transaction(TransactionOptions::new(), async |tx| {
            tx.execute("insert into rust_panic values (1, 1)", &[]).await?;
            if tx.execute("select 1", &[]).await? == 1 {
                panic!("in a transaction (expected)");
            }
            Ok(())
        }))
    }));
    assert!(panicked.is_err());
    let rows = block_on(async { db.query("select count(*) from rust_panic", &[]).await }).unwrap();
    assert_eq!(count(&rows), 0);
}

#[test]
fn serialization_failures_run_the_body_again() {
    let Some(db) = open() else { return };
    block_on(async {
        table(&db, "rust_serial").await?;
        db.execute("insert into rust_serial values (1, 0)", &[]).await?;
        let runs = AtomicUsize::new(0);
        let options = TransactionOptions::new().isolation(Isolation::Serializable).retries(10);
        creche::group(GroupOptions::new(), async |g| {
            for _ in 0..4 {
                let (db, runs, options) = (&db, &runs, options.clone());
                g.spawn(async move |_| {
                    db.transaction(options, async |tx| {
                        runs.fetch_add(1, SeqCst);
                        let rows = tx.query("select n from rust_serial", &[]).await?;
                        let n: i32 = rows.one()?.get("n")?;
                        creche::sleep(5.millis()).await?;
                        tx.execute("update rust_serial set n = $1", &[&(n + 1)]).await.map(drop)
                    })
                    .await
                });
            }
            Ok(())
        })
        .await?;
        let rows = db.query("select n from rust_serial", &[]).await?;
        assert_eq!(rows.one()?.get::<i32>("n")?, 4);
        assert!(runs.load(SeqCst) > 4, "{}", runs.load(SeqCst));
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn transactions_by_hand_nest() {
    let Some(db) = open() else { return };
    block_on(async {
        table(&db, "rust_hand").await?;
        let one = db.acquire().await?;
        let outer = one.begin(TransactionOptions::new()).await?;
        outer.execute("insert into rust_hand values (1, 1)", &[]).await?;
        let inner = outer.begin(TransactionOptions::new()).await?;
        inner.execute("insert into rust_hand values (2, 2)", &[]).await?;
        inner.rollback().await?;
        let inner = outer.begin(TransactionOptions::new()).await?;
        inner.execute("insert into rust_hand values (3, 3)", &[]).await?;
        inner.commit().await?;
        // Dropped: rolled back.
        let inner = outer.begin(TransactionOptions::new()).await?;
        inner.execute("insert into rust_hand values (4, 4)", &[]).await?;
        drop(inner);
        outer.commit().await?;
        let outer = one.begin(TransactionOptions::new()).await?;
        outer.execute("insert into rust_hand values (5, 5)", &[]).await?;
        drop(outer);
        let rows = one.query("select id from rust_hand order by id", &[]).await?;
        let ids: creche::Result<Vec<i32>> = rows.iter().map(|row| row.get("id")).collect();
        assert_eq!(ids?, [1, 3]);
        Ok::<_, Error>(())
    })
    .unwrap();
}
