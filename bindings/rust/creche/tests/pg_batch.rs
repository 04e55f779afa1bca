//! Several statements at once, many rows of parameters, cursors; sizes of a pool.
mod common;

use common::pg::{count, open, table};
use common::{block_on, eventually, server};
use creche::{Pool, PoolOptions, Status, oid};

#[test]
fn many_rows_of_parameters() {
    let Some(db) = open() else { return };
    block_on(async {
        table(&db, "many_rows").await.unwrap();
        let sql = "insert into many_rows values ($1, $2)";
        let ids: Vec<i32> = (0..100).collect();
        let rows: Vec<[&dyn creche::ToSql; 2]> = ids.iter().map(|id| [id as _, &7 as _]).collect();
        let rows: Vec<&[&dyn creche::ToSql]> = rows.iter().map(|row| &row[..]).collect();
        assert_eq!(db.execute_many(sql, &rows).await.unwrap(), 100);
        let error = db.execute_many(sql, &[&[&1000, &1], &[&5, &1]]).await.unwrap_err();
        assert_eq!(error.status(), Status::PG);
        let rows = db.query("select count(*) from many_rows", &[]).await.unwrap();
        assert_eq!(count(&rows), 100);
    });
}

#[test]
fn batches_and_cursors() {
    let Some(db) = open() else { return };
    block_on(async {
        table(&db, "batched").await.unwrap();
        let insert = "insert into batched values ($1, $2)";
        let (one, two): ([&dyn creche::ToSql; 2], [&dyn creche::ToSql; 2]) = ([&1, &10], [&2, &20]);
        let results = db
            .batch()
            .query(insert, &one)
            .query(insert, &two)
            .query("select count(*) from batched", &[])
            .await
            .unwrap()
            .all()
            .unwrap();
        assert_eq!(count(results.rows(2).unwrap()), 2);
        let failed = db.batch().query("select 1", &[]).query(insert, &one).query("select 2", &[]);
        let failed = failed.await.unwrap();
        assert_eq!(failed.state(0), creche::BatchState::Undone);
        assert_eq!(failed.state(2), creche::BatchState::NotRun);
        assert_eq!(failed.error(1).unwrap().status(), Status::PG);
        assert!(failed.all().is_err());
        let failed = db.batch().separate().query("selekt", &[]).query("select 7::int8", &[]);
        let failed = failed.await.unwrap();
        assert!(failed.failure().is_some());
        assert_eq!(count(failed.rows(1).unwrap()), 7);
        let d = db.describe("select $1::int8 as n").await.unwrap();
        assert_eq!(d.parameters, [oid::INT8]);
        assert_eq!(d.columns.unwrap().column_name(0), Some("n"));
        let named =
            db.query("select :a::int8 - :b::int8 + :a", &[&5_i64, &3_i64]).names(&["a", "b"]);
        assert_eq!(count(&named.await.unwrap()), 7);
        let named = db.query("select :c", &[&5_i64]).names(&["a"]);
        assert_eq!(named.await.unwrap_err().status(), Status::INVALID);
        let first = db.query("select generate_series(1, 1000000000)::int8", &[]).max_rows(1);
        assert_eq!(count(&first.await.unwrap()), 1);

        let connection = db.acquire().await.unwrap();
        let cursor = connection.cursor("rust's");
        cursor.open("select generate_series(1, 10)::int8", &[]).hold().scroll().await.unwrap();
        assert_eq!(cursor.skip(3).await.unwrap(), 3);
        assert_eq!(count(&cursor.fetch(1).await.unwrap()), 4);
        assert_eq!(cursor.fetch(creche::Cursor::ALL).await.unwrap().len(), 6);
        cursor.close().await.unwrap();
        assert_eq!(cursor.fetch(1).await.unwrap_err().status(), Status::PG);
        let rows: [&[&dyn creche::ToSql]; 2] = [&[&5_i64], &[&6_i64]];
        let returned = connection.execute_many_returning("select $1::int8", &rows).await.unwrap();
        assert_eq!(returned.len(), 2);
        assert_eq!(connection.execute_many("select $1::int8", &rows).await.unwrap(), 2);
    });
}

#[test]
fn rows_are_copied() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    block_on(async {
        let db = Pool::open(&dsn, PoolOptions::new()).unwrap();
        let name = "rust_rows";
        db.execute("drop table if exists rust_rows", &[]).await.unwrap();
        db.execute("create table rust_rows (id int8, name text, n numeric)", &[]).await.unwrap();
        let rows: [&[&dyn creche::ToSql]; 2] =
            [&[&1_i32, &"a\\\tb\n", &2_i64], &[&2_i32, &None::<&str>, &"3.5"]];
        let text = creche::copy_text(&rows).unwrap();
        assert_eq!(db.copy_in(&format!("copy {name} from stdin"), text).await.unwrap(), 2);
        let sum = format!("select (sum(id) * 10 + count(name))::int8 from {name} where n > 1");
        assert_eq!(count(&db.query(&sum, &[]).await.unwrap()), 31);
        let bytes = creche::rows_bytes(&rows).unwrap();
        assert_eq!(
            db.copy_rows(&format!("copy {name} from stdin"), bytes.clone()).await.unwrap(),
            2
        );
        assert_eq!(count(&db.query(&sum, &[]).await.unwrap()), 62);
        let connection = db.acquire().await.unwrap();
        let misfit = format!("copy {name} (name, id, n) from stdin");
        let error = connection.copy_rows(&misfit, bytes.clone()).await.unwrap_err();
        assert_eq!(error.status(), Status::TYPE);
        assert!(error.to_string().contains("row 0, column 0 (name, text)"), "{error}");
        drop(connection);
        let again = format!("insert into {name} values ($1, $2, $3::numeric)");
        assert!(db.execute_rows(&again, &bytes[..bytes.len() - 1]).await.is_err());
        assert_eq!(
            db.execute_rows(&format!("delete from {name} where $1 < 0"), "").await.unwrap(),
            0
        );
        let (mut writer, body) = creche::Body::written(None);
        let some: [&[&dyn creche::ToSql]; 1] = [&[&1_i32]];
        let deleted = db.execute_rows("delete from rust_rows where id = $1", body).start();
        writer.write(&creche::rows_bytes(&some).unwrap()).await.unwrap();
        writer.finish();
        assert_eq!(deleted.await.unwrap(), 2);
        assert!(creche::copy_text(&[&[&1_i32], &[]]).is_err());
        assert!(creche::copy_text(&[]).unwrap().is_empty());
    });
}

#[test]
fn sizes_of_a_pool() {
    let Some(dsn) = server("DATABASE_URL") else { return };
    block_on(async {
        let options = PoolOptions::new()
            .initial_size(2)
            .max_size(3)
            .init("set statement_timeout = '12345ms'")
            .setup("set lock_timeout = '4321ms'");
        let db = Pool::open(&dsn, options).unwrap();
        eventually(|| db.counters().unwrap().connects == 2);
        let own = db.acquire().await.unwrap();
        let set = "select (current_setting('lock_timeout') = '4321ms')::int::int8";
        assert_eq!(count(&own.query(set, &[]).await.unwrap()), 1);
        drop(own);
        assert_eq!(count(&db.query(set, &[]).await.unwrap()), 0);
        let pid = "select pg_backend_pid()::int8";
        let before = count(&db.query(pid, &[]).await.unwrap());
        db.resize(0, 1).unwrap();
        db.expire().unwrap();
        assert_ne!(count(&db.query(pid, &[]).await.unwrap()), before);
        let c = db.counters().unwrap();
        assert_eq!(c.max_size, 1);
        assert!(c.retired >= 2);
        assert_eq!(db.timings().unwrap().connect.count, c.connects);
        assert_eq!(db.resize(2, 1).unwrap_err().status(), Status::INVALID);
    });
}
