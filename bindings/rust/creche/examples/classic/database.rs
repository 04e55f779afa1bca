use creche::{Pool, PoolOptions, Result, TransactionOptions};

const ADD: &str = "update account set cents = cents + $1 where name = $2";

// show: pool
pub async fn pool(dsn: &str) -> Result<()> {
    let db = Pool::open(dsn, PoolOptions::new().min_size(1).max_size(4))?;
    let squares = [1, 2, 3, 4].map(|i| db.query("select $1::int * $1", &[&i]).start());
    for square in squares {
        print!("{} ", square.await?.one()?.get::<i32>(0)?);
    }
    println!();
    Ok(())
}
// end: pool

// show: cursor
pub async fn cursor(db: &Pool) -> Result<()> {
    let mut total = 0;
    let mut blocks = db.query("select i from generate_series(1, 100000) i", &[]).stream();
    while let Some(rows) = blocks.next().await? {
        for row in &rows {
            total += row.get::<i64>("i")?;
        }
    }
    println!("{total}");
    Ok(())
}
// end: cursor

// show: transaction
pub async fn transaction(db: &Pool) -> Result<()> {
    for cents in [300, 900] {
        let transfer = db.transaction(TransactionOptions::new(), async |tx| {
            tx.execute(ADD, &[&cents, &"ben"]).await?;
            tx.execute(ADD, &[&-cents, &"anna"]).await
        });
        if transfer.await.is_err_and(|error| error.sqlstate() == Some("23514")) {
            println!("rolled back");
        }
    }
    Ok(())
}
// end: transaction

// show: records
pub async fn records(db: &Pool) -> Result<()> {
    let rows = db.query("select name, cents from account order by name", &[]).await?;
    for row in &rows {
        println!("{} {}", row.get::<String>("name")?, row.get::<i32>("cents")?);
    }
    Ok(())
}
// end: records
