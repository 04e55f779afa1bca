//! What the tests of PostgreSQL share.
use creche::{Pool, PoolOptions, Rows};

/// A pool on the server, if there is one.
pub fn open() -> Option<Pool> {
    let dsn = super::server("DATABASE_URL")?;
    Some(Pool::open(&dsn, PoolOptions::new().max_size(4)).unwrap())
}

/// A table that only one test uses.
pub async fn table(db: &Pool, name: &str) -> creche::Result<()> {
    db.execute(&format!("drop table if exists {name}"), &[]).await?;
    db.execute(&format!("create table {name} (id int primary key, n int)"), &[]).await?;
    Ok(())
}

/// The first number.
pub fn count(rows: &Rows) -> i64 {
    rows.one().unwrap().get(0).unwrap()
}
