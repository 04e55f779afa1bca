//! Server-sent events, from small servers of our own.
mod common;

use common::{block_on, eventually};
use creche::{Session, SessionOptions, Status};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// Answers each connection with the next text, and closes it; the last one is 204. What was asked.
fn answering(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heads = asked.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let size = stream.read(&mut head).unwrap();
            heads.lock().unwrap().push(String::from_utf8_lossy(&head[..size]).into_owned());
            let answer = answers.get(number).copied().unwrap_or("HTTP/1.1 204 No\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, asked)
}

#[test]
fn events_come_over_a_loss() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let (url, asked) = answering(&[
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1\nid: 7\ndata: a\ndata: b\n\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: add\ndata: \u{e9}\n\n",
    ]);
    let mut events = web.get(&url).events().last_event_id("6").start();
    let first = block_on(events.next()).unwrap().unwrap();
    assert_eq!((first.event_type(), first.data(), first.id()), ("message", "a\nb", "7"));
    assert_eq!(first.connection(), 1);
    let second = block_on(events.next()).unwrap().unwrap();
    assert_eq!((second.event_type(), second.data(), second.id()), ("add", "\u{e9}", "7"));
    assert_eq!(second.connection(), 2);
    assert!(block_on(events.next()).unwrap().is_none());
    assert!(block_on(events.next()).unwrap().is_none());
    assert_eq!(first.data(), "a\nb"); // it is ours
    assert!(format!("{second:?}").contains("add"));
    let asked = asked.lock().unwrap();
    assert!(asked[0].contains("Last-Event-ID: 6\r\n") && asked[1].contains("Last-Event-ID: 7\r\n"));
}

#[test]
fn a_post_streams_once_and_a_page_is_no_stream() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let (url, asked) = answering(&[
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: token\n\n",
        "HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n",
    ]);
    let mut events = web.post(&url, "{}").events().retry(Duration::from_millis(1)).start();
    assert_eq!(block_on(events.next()).unwrap().unwrap().data(), "token");
    assert!(block_on(events.next()).unwrap().is_none());
    let mut events = web.post(&url, "{}").events().again().start();
    let error = block_on(events.next()).unwrap_err();
    assert_eq!((error.status(), error.http_status()), (Status::PROTOCOL, Some(401)));
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[test]
fn events_that_are_kept_hold_the_server_back() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(STREAM.as_bytes()).unwrap();
        let event = format!("data: {}\n\n", "x".repeat(65536));
        while stream.write_all(event.as_bytes()).is_ok() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut events = web.get(&url).events().once().max_held(1).max_retry(Duration::ZERO).start();
    let first = block_on(events.next()).unwrap().unwrap();
    // It stands still.
    let mut before = 0;
    while before == 0 || before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(200));
    }
    drop(first);
    for _ in 0..2 * before {
        assert_eq!(block_on(events.next()).unwrap().unwrap().data().len(), 65536);
    }
    let scope = events.scope();
    drop(events); // closes the connection, and so ends the server
    server.join().unwrap();
    eventually(|| scope.state().is_err());
}
