//! The program of the documentation, as a program.
mod common;

use common::{block_on, server};
use creche::{Pool, PoolOptions};
use std::path::Path;
use std::process::Command;

#[test]
fn pages_are_fetched_and_kept() {
    let (Some(url), Some(dsn)) = (server("HTTP_URL"), server("DATABASE_URL")) else { return };
    // Beside us: cargo builds examples before it runs tests.
    let me = std::env::current_exe().unwrap();
    let program = me.parent().and_then(Path::parent).unwrap().join("examples/pages");
    assert!(program.exists(), "run all tests, or `cargo build --examples` before this one");
    let urls = [format!("{url}/small"), format!("{url}/none")];
    let done = Command::new(&program).arg(&dsn).args(&urls).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(text.contains("200     1024 "), "{text}");
    assert!(text.contains("404 "), "{text}");
    let db = Pool::open(&dsn, PoolOptions::new()).unwrap();
    let rows = block_on(async {
        let sql = "select status, length(body) as size from page where url = $1";
        db.query(sql, &[&urls[0]]).await
    })
    .unwrap();
    let row = rows.one().unwrap();
    assert_eq!((row.get::<i32>("status").unwrap(), row.get::<i32>("size").unwrap()), (200, 1024));
    let failed = Command::new(&program).arg(&dsn).arg("http://127.0.0.1:1/").output().unwrap();
    assert!(!failed.status.success());
    let text = String::from_utf8_lossy(&failed.stderr);
    assert!(text.contains("CRECHE_E_CONNECT"), "{text}");
}
