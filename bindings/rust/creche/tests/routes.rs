//! The way to a server: proxies.
mod common;

use common::block_on;
use creche::{Session, SessionOptions, Status};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Answers one request with its head.
fn echo(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{head}",
        head.len()
    );
}

fn listen() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || echo(stream));
        }
    });
    url
}

#[test]
fn requests_go_by_proxies() {
    let by = listen().replacen("http://", "http://u:p@", 1);
    let web = Session::new(
        SessionOptions::new().proxy(&by).proxy_header("x-proxy", "1").no_proxy("127.0.0.1"),
    )
    .unwrap();
    let head = |url: &str| {
        let answer = block_on(web.get(url).start()).unwrap();
        String::from_utf8(answer.body().to_vec()).unwrap()
    };
    let told = head("http://a.example/x");
    assert!(told.starts_with("GET http://a.example/x HTTP/1.1"), "{told}");
    assert!(told.contains("Proxy-Authorization: Basic dTpw"), "{told}");
    assert!(told.contains("x-proxy: 1"), "{told}");
    assert!(head(&listen()).starts_with("GET / HTTP/1.1"));
    let direct = block_on(web.get(&by).proxy("direct").start()).unwrap();
    assert!(direct.body().starts_with(b"GET / HTTP/1.1"));
    let refused = block_on(web.get(&by).proxy("ftp://x").start()).unwrap_err();
    assert_eq!(refused.status(), Status::INVALID);
    let env = Session::new(SessionOptions::new().env_proxy()).unwrap();
    assert_eq!(env.counters().unwrap().requests, 0);
}
