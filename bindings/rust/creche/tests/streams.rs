//! What comes piece by piece, as streams of `futures_core`.
#![cfg(feature = "stream")]
mod common;

use common::{Virtual, block_on, server};
use creche::{Session, SessionOptions, Status};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;

/// All of a stream, until its end.
async fn all<S: Stream + Unpin>(mut stream: S) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Some(item) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        items.push(item);
    }
    // An end stays one.
    assert!(poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await.is_none());
    items
}

#[test]
fn rows_and_copies() {
    let Some(db) = common::pg::open() else { return };
    block_on(async {
        let blocks = all(db.query("select generate_series(1, 10000)", &[]).stream()).await;
        let rows: usize = blocks.into_iter().map(|block| block.unwrap().len()).sum();
        assert_eq!(rows, 10000);
        let chunks = all(db.copy_out("copy (select 12345) to stdout")).await;
        let bytes: Vec<u8> = chunks.iter().flat_map(|it| it.as_ref().unwrap().to_vec()).collect();
        assert_eq!(bytes, b"12345\n");
        // A failure is the last item.
        let failed = all(db.query("select 1 / 0", &[]).stream()).await;
        assert_eq!(failed.last().unwrap().as_ref().unwrap_err().status(), Status::PG);
    });
}

#[test]
fn a_body() {
    let Some(url) = server("HTTP_URL") else { return };
    let web = Session::new(SessionOptions::new()).unwrap();
    block_on(async {
        let whole = web.get(&format!("{url}/big")).await.unwrap().body().to_vec();
        let pieces =
            all(web.get(&format!("{url}/big")).stream().await.unwrap().into_stream()).await;
        assert_eq!(pieces.into_iter().flat_map(Result::unwrap).collect::<Vec<_>>(), whole);
    });
}

#[test]
fn items_of_a_channel() {
    let on = Virtual::open();
    let (sender, receiver) = on.channel(3);
    for number in 1..=3 {
        sender.try_send(number).unwrap();
    }
    drop(sender);
    let items = block_on(all(receiver.into_stream()));
    assert_eq!(items.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3]);
}
