//! WebSockets, with small servers of our own.
mod common;

use common::ws::{Peer, serving};
use common::{block_on, eventually};
use creche::{Message, Session, SessionOptions, Status, Times};
use std::future::IntoFuture;
use std::time::Duration;

fn run<F: IntoFuture>(what: F) -> F::Output {
    block_on(what.into_future())
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

fn closed(code: u16, reason: &str) -> Message {
    Message::Closed { code, reason: reason.to_owned() }
}

#[test]
fn messages_there_and_back_and_a_close() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let (url, server) = serving("", |mut peer: Peer| {
        peer.echo();
        peer.head
    });
    run(async {
        let socket = web.get(&url).header("X-Who", "me").websocket().await.unwrap();
        assert_eq!(socket.protocol(), None);
        socket.send_text("gr\u{fc}\u{df}e").await.unwrap();
        socket.send_text("").await.unwrap();
        assert_eq!(socket.receive().await.unwrap(), text("gr\u{fc}\u{df}e"));
        assert_eq!(socket.receive().await.unwrap(), text(""));
        let bytes: Vec<u8> = (0..50_000).map(|at| (at % 251) as u8).collect();
        socket.send_binary(&bytes).await.unwrap();
        assert_eq!(socket.receive().await.unwrap(), Message::Binary(bytes));
        assert_eq!(socket.close(4000, "bye").await.unwrap(), 4000);
        for _ in 0..2 {
            assert_eq!(socket.receive().await.unwrap(), closed(4000, "bye"));
        }
        assert_eq!(socket.send_text("x").await.unwrap_err().status(), Status::CLOSED);
        assert_eq!(socket.close(1000, "").await.unwrap(), 4000);
        assert!(format!("{socket:?}").contains("WebSocket"));
    });
    let head = server.join().unwrap();
    assert!(head.starts_with("GET /chat HTTP/1.1\r\n") && head.contains("X-Who: me\r\n"));
    assert!(head.contains("permessage-deflate"));
    let counters = web.counters().unwrap();
    assert_eq!((counters.active, counters.idle), (0, 0));
}

#[test]
fn the_server_closes() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let (url, server) = serving("", |mut peer: Peer| {
        peer.send(0x81, b"last");
        peer.send(0x88, b"\x03\xe9away");
        peer.take()
    });
    run(async {
        let socket = web.get(&url).websocket().await.unwrap();
        assert_eq!(socket.receive().await.unwrap(), text("last"));
        assert_eq!(socket.receive().await.unwrap(), closed(1001, "away"));
        assert_eq!(socket.close(0, "").await.unwrap(), 1001);
    });
    assert_eq!(server.join().unwrap(), Some((0x88, b"\x03\xe9".to_vec())));
    // Without a code.
    let (url, server) = serving("", |mut peer: Peer| {
        peer.send(0x88, b"");
        peer.take()
    });
    let socket = run(web.get(&url).websocket()).unwrap();
    assert_eq!(run(socket.receive()).unwrap(), closed(1005, ""));
    assert_eq!(server.join().unwrap(), Some((0x88, Vec::new())));
}

#[test]
fn subprotocols_and_options() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let (url, server) = serving("Sec-WebSocket-Protocol: chat.v2\r\n", |mut peer: Peer| {
        peer.send(0x82, &[7; 17]);
        peer.echo();
        peer.head
    });
    let request = web.get(&url).websocket().protocols(["mqtt", "chat.v2"]).no_compression();
    let request = request.takeover().max_message(16).close_timeout(5.secs());
    let socket = run(request).unwrap();
    assert_eq!(socket.protocol(), Some("chat.v2"));
    // One byte more than it may have.
    assert_eq!(run(socket.receive()).unwrap_err().status(), Status::LIMIT);
    let head = server.join().unwrap();
    assert!(head.contains("Sec-WebSocket-Protocol: mqtt, chat.v2\r\n"));
    assert!(!head.contains("Sec-WebSocket-Extensions"));
}

#[test]
fn a_server_that_is_gone() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let silent = |mut peer: Peer| while peer.take().is_some() {};
    let (url, server) = serving("", silent);
    let socket = run(web.get(&url).websocket().heartbeat(30.millis())).unwrap();
    assert_eq!(run(socket.receive()).unwrap_err().status(), Status::TIMEOUT);
    server.join().unwrap();
    let (url, server) = serving("", silent);
    let socket = run(web.get(&url).websocket().close_timeout(30.millis())).unwrap();
    assert_eq!(run(socket.close(1000, "bye")).unwrap_err().status(), Status::TIMEOUT);
    server.join().unwrap();
    let (url, server) = serving("", drop);
    let socket = run(web.get(&url).websocket()).unwrap();
    server.join().unwrap();
    assert_eq!(run(socket.receive()).unwrap_err().status(), Status::DISCONNECTED);
}

#[test]
fn receives_are_dropped_alone_and_sockets_are_released() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let (url, server) = serving("", |mut peer: Peer| {
        let first = peer.take();
        peer.send(0x81, b"answer");
        (first, peer.take())
    });
    run(async {
        let socket = web.get(&url).websocket().await.unwrap();
        let waiting = socket.receive().start();
        assert_eq!(socket.receive().await.unwrap_err().status(), Status::STATE);
        let scope = waiting.scope();
        drop(waiting);
        eventually(|| scope.state().is_err());
        let late = socket.receive().timeout(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(late.status(), Status::TIMEOUT);
        // One receives while another one sends.
        let waiting = socket.receive().start();
        socket.send_text("question").await.unwrap();
        assert_eq!(waiting.await.unwrap(), text("answer"));
    });
    let (first, last) = server.join().unwrap();
    assert_eq!(first, Some((0x81, b"question".to_vec())));
    assert_eq!(last, Some((0x88, b"\x03\xe8".to_vec())));
}

#[test]
fn it_belongs_to_its_group() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let (url, server) = serving("", |mut peer: Peer| {
        peer.send(0x81, b"hello");
        peer.take()
    });
    let (web, url) = (&web, &url);
    let socket = run(creche::group(creche::GroupOptions::new(), async |group| {
        let socket = web.get(url).within(group.scope()).websocket().await?;
        assert_eq!(socket.receive().await?, text("hello"));
        group.cancel("enough");
        Ok(socket)
    }));
    assert_eq!(server.join().unwrap(), Some((0x88, b"\x03\xe9".to_vec())));
    drop(socket);
}

#[test]
fn what_is_no_websocket() {
    let web = Session::new(SessionOptions::new()).unwrap();
    let status = |request: creche::Request<'_>| {
        run(request.websocket()).unwrap_err().status() // it is a GET without a body
    };
    assert_eq!(status(web.post("ws://127.0.0.1:1/", "x")), Status::INVALID);
    assert_eq!(status(web.request("PUT", "ws://127.0.0.1:1/")), Status::INVALID);
    assert_eq!(status(web.get("ws://127.0.0.1:1/")), Status::CONNECT);
    let twice = web.get("ws://127.0.0.1:1/").websocket().protocols(["a", "a"]);
    assert_eq!(run(twice).unwrap_err().status(), Status::INVALID);
    let nul = web.get("ws://127.0.0.1:1/").websocket().protocols(["a\0b"]);
    assert_eq!(run(nul).unwrap_err().status(), Status::INVALID);
    // It grants what was not offered.
    let (url, server) = serving("Sec-WebSocket-Protocol: mqtt\r\n", drop);
    let error = run(web.get(&url).websocket()).unwrap_err();
    assert_eq!((error.status(), error.http_status()), (Status::PROTOCOL, Some(101)));
    server.join().unwrap();
    let (url, server) = serving("", |mut peer: Peer| peer.echo());
    let socket = run(web.get(&url).websocket()).unwrap();
    assert_eq!(run(socket.close(1006, "")).unwrap_err().status(), Status::INVALID);
    assert_eq!(run(socket.close(0, "why")).unwrap_err().status(), Status::INVALID);
    assert_eq!(run(socket.close(1000, &"x".repeat(124))).unwrap_err().status(), Status::INVALID);
    drop(socket);
    server.join().unwrap();
}
