//! tokio-postgres on one thread. usage: tokio_pg_bench held|pool|stream DSN SECONDS|ROWS CONNECTIONS CONCURRENCY
use futures_util::TryStreamExt;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio_postgres::types::ToSql;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (mode, dsn) = (args[1].as_str(), args[2].as_str());
    let connections: usize = args[4].parse().expect("connections");
    let concurrency: usize = args[5].parse().expect("concurrency");
    let local = tokio::task::LocalSet::new();
    let done = local.run_until(async {
        let wanted = if mode == "stream" { 1 } else { connections };
        let mut clients = Vec::new();
        for _ in 0..wanted {
            let (client, connection) =
                tokio_postgres::connect(dsn, tokio_postgres::NoTls).await.expect("connect");
            tokio::task::spawn_local(connection);
            clients.push(Rc::new(client));
        }
        let start = Instant::now();
        let mut done = 0u64;
        if mode == "stream" {
            let rows: i32 = args[3].parse().expect("rows");
            let sql = "select i::int8, 'row ' || i from generate_series(1, $1) i";
            let params: [&(dyn ToSql + Sync); 1] = [&rows];
            let stream = clients[0].query_raw(sql, params).await.expect("query");
            futures_util::pin_mut!(stream);
            let mut sum = 0i64;
            while let Some(row) = stream.try_next().await.expect("row") {
                sum += row.get::<_, i64>(0) + row.get::<_, &str>(1).len() as i64;
                done += 1;
            }
            std::hint::black_box(sum);
        } else {
            let until = start + Duration::from_secs_f64(args[3].parse().expect("seconds"));
            // held: one query at a time on each connection; pool: several, pipelined by hand.
            let each = if mode == "held" { 1 } else { concurrency / connections };
            let mut workers = Vec::new();
            let asked = Rc::new(Cell::new(0u64)); // all walk the same keys, in one row
            for client in &clients {
                let statement =
                    client.prepare("select id, value from bench where id = $1").await.expect("prepare");
                for _ in 0..each {
                    let (client, statement, asked) = (client.clone(), statement.clone(), asked.clone());
                    workers.push(tokio::task::spawn_local(async move {
                        let mut n = 0u64;
                        while Instant::now() < until {
                            asked.set(asked.get() + 1);
                            let key = 1 + (asked.get() * 7919 % 100000) as i32;
                            client.query_one(&statement, &[&key]).await.expect("row");
                            n += 1;
                        }
                        n
                    }));
                }
            }
            for w in workers { done += w.await.expect("worker"); }
        }
        let elapsed = start.elapsed().as_secs_f64();
        println!("done {done} seconds {elapsed:.6} peak_kib {}", peak_kib());
        done
    }).await;
    assert!(done > 0);
}

/// The largest resident memory of this program so far.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|text| text.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}
