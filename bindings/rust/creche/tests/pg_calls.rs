//! What a pool asks, and tells beside its answers.
mod common;

use common::pg::count;
use common::{block_on, server};
use creche::{Pool, PoolOptions, Status};
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
