//! What a pool asks, and tells beside its answers.
mod common;

use common::pg::count;
use common::{block_on, server};
use creche::{Error, Pool, PoolOptions, Status};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn passwords() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let options = PoolOptions::new().max_size(1).password(move |request| {
        seen.lock().unwrap().push((request.refused, request.user.to_owned()));
        Ok("trusted anyway".into())
    });
    let db = Pool::open(&dsn, options).unwrap();
    block_on(async {
        assert_eq!(count(&db.query("select 1::int8", &[]).await.unwrap()), 1);
        assert_eq!(asked.lock().unwrap().len(), 1);
        assert!(!asked.lock().unwrap()[0].0);
        let none = PoolOptions::new().password(|_| Err(Status::DNS));
        let error = Pool::open(&dsn, none).unwrap().query("select 1", &[]).await.unwrap_err();
        assert_eq!(error.status(), Status::DNS);
        let long = PoolOptions::new().password(|_| Ok("x".repeat(20000)));
        let error = Pool::open(&dsn, long).unwrap().query("select 1", &[]).await.unwrap_err();
        assert_eq!(error.status(), Status::LIMIT);
        let panics = PoolOptions::new().password(|_| panic!("no token"));
        let error = Pool::open(&dsn, panics).unwrap().query("select 1", &[]).await.unwrap_err();
        assert_eq!(error.status(), Status::USER);
    });
}

#[test]
fn notices() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = said.clone();
    let options = PoolOptions::new().notice(move |n| {
        let hint = n.hint.unwrap_or_default();
        heard.lock().unwrap().push(format!("{} {} {} {hint}", n.severity, n.sqlstate, n.message));
    });
    let db = Pool::open(&dsn, options).unwrap();
    block_on(async {
        let raises = "do $$ begin raise warning 'careful' using hint = 'slowly'; end $$";
        db.execute(raises, &[]).await.unwrap();
    });
    assert_eq!(*said.lock().unwrap(), ["WARNING 01000 careful slowly"]);
}

#[test]
fn a_time_for_every_statement() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    let options = PoolOptions::new().command_timeout(Duration::from_secs(1));
    let db = Pool::open(&dsn, options).unwrap();
    block_on(async {
        let error = db.execute("select pg_sleep(60)", &[]).await.unwrap_err();
        assert_eq!(error.status(), Status::TIMEOUT);
    });
}

#[test]
fn bodies() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    let calls = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let (inits, setups, resets) = (calls.clone(), calls.clone(), calls.clone());
    // An executor of one's own.
    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        std::thread::spawn(|| block_on(future));
    }
    let options = PoolOptions::new()
        .max_size(1)
        .no_reset()
        .on_init(move |body| {
            inits[0].fetch_add(1, SeqCst);
            spawn(body.run(async |c| {
                c.execute("select set_config('creche.by_init', '42', false)", &[]).await?;
                Ok(())
            }));
        })
        .on_setup(move |body| match setups[1].fetch_add(1, SeqCst) {
            0 => spawn(body.run(async |c| {
                c.execute("set application_name = 'set up'", &[]).await?;
                Ok(())
            })),
            1 => spawn(body.run(async |c| {
                c.expire()?;
                Err(Error::message_only("no use"))
            })),
            2 => spawn(body.run(async |_| panic!("not well"))),
            _ => drop(body),
        })
        .on_reset(move |body| {
            resets[2].fetch_add(1, SeqCst);
            spawn(body.run(async |c| {
                c.query("select 1", &[]).await?;
                Ok(())
            }));
        });
    let db = Pool::open(&dsn, options).unwrap();
    block_on(async {
        assert_eq!(
            count(&db.query("select current_setting('creche.by_init')::int8", &[]).await.unwrap()),
            42
        );
        let connection = db.acquire().await.unwrap();
        let set = "select count(*) from (select current_setting('application_name') n) s \
                   where n = 'set up'";
        assert_eq!(count(&connection.query(set, &[]).await.unwrap()), 1);
        drop(connection);
        let said = db.acquire().await.unwrap_err().to_string();
        assert!(said.contains("no use"), "{said}");
        assert!(db.acquire().await.unwrap_err().to_string().contains("not well"));
        assert!(db.acquire().await.is_err());
        assert_eq!(
            count(&db.query("select current_setting('creche.by_init')::int8", &[]).await.unwrap()),
            42
        );
    });
    assert_eq!(calls[0].load(SeqCst), 2); // one was expired
    assert_eq!(calls[1].load(SeqCst), 4);
    assert!(calls[2].load(SeqCst) >= 1);
}
