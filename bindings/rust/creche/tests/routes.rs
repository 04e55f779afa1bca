//! The way to a server, and who it is shown: proxies, sockets, cookies, auth.
mod common;

use common::block_on;
use creche::{Auth, CookieForm, CookieJar, Session, SessionOptions, Status, TurnKind};
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

#[test]
fn requests_go_by_other_ways() {
    let url = listen();
    let port = url.rsplit(':').next().unwrap().to_owned();
    let web = Session::new(
        SessionOptions::new()
            .host("a.invalid", format!("127.0.0.1:{port}"))
            .local_address("127.0.0.1"),
    )
    .unwrap();
    let head = block_on(web.get("http://a.invalid/x").start()).unwrap();
    assert!(String::from_utf8_lossy(head.body()).contains("Host: a.invalid"));
    let by_path = web.get("http://a.invalid/").unix_path("/nowhere/socket");
    assert_eq!(block_on(by_path.start()).unwrap_err().status(), Status::CONNECT);
    let all = Session::new(SessionOptions::new().unix_path("/nowhere/socket")).unwrap();
    assert_eq!(block_on(all.get(&url).start()).unwrap_err().status(), Status::CONNECT);
}

#[test]
fn tokens_are_given_when_they_are_asked_for() {
    let url = listen();
    let (to, asks) = std::sync::mpsc::channel();
    let auth = Auth::bearer_from(move |ask| to.send(ask).unwrap());
    let web = Session::new(SessionOptions::new().auth(auth).max_expansion(100)).unwrap();
    let giver = std::thread::spawn(move || {
        let ask: creche::TokenAsk = asks.recv().unwrap();
        assert!(!ask.refused());
        ask.give("later").unwrap();
        asks // who is asked once more would send to nobody
    });
    for _ in 0..2 {
        let head = block_on(web.get(&url).start()).unwrap();
        assert!(String::from_utf8_lossy(head.body()).contains("Authorization: Bearer later\r\n"));
    }
    drop(giver.join().unwrap());
    // One that is dropped gives none; one that fails fails the request.
    let web = Session::new(SessionOptions::new().auth(Auth::bearer_from(drop))).unwrap();
    let head = block_on(web.get(&url).start()).unwrap();
    assert!(!String::from_utf8_lossy(head.body()).contains("Authorization"));
    let fails = Auth::bearer_from(|ask| ask.fail(Status::USER).unwrap());
    let web = Session::new(SessionOptions::new().auth(fails)).unwrap();
    assert_eq!(block_on(web.get(&url).start()).unwrap_err().status(), Status::USER);
}

#[test]
fn middleware_changes_answers_and_refuses() {
    let url = listen();
    let options = SessionOptions::new().middleware(|turn| {
        if turn.kind != TurnKind::Request {
            return assert_eq!(turn.http_status, 200);
        }
        match turn.url.rsplit('/').next().unwrap() {
            "own" => turn.answer(418, &[("X-Kind", "own")], b"tea").unwrap(),
            "no" => turn.fail(Status(-1234)).unwrap(),
            _ => turn.go(&[("X-Set", Some("yes"))]).unwrap(),
        }
    });
    let web = Session::new(options).unwrap();
    let head = block_on(web.get(&url).start()).unwrap();
    assert!(String::from_utf8_lossy(head.body()).contains("X-Set: yes\r\n"));
    let own = block_on(web.get(&format!("{url}/own")).start()).unwrap();
    assert_eq!((own.status(), own.body()), (418, &b"tea"[..]));
    let no = block_on(web.get(&format!("{url}/no")).start()).unwrap_err();
    assert_eq!(no.status(), Status(-1234));
}

#[test]
fn servers_are_shown_cookies_and_auth() {
    let url = listen();
    let jar = CookieJar::new().unwrap();
    jar.receive(&url, "n=v; Max-Age=1000").unwrap();
    assert_eq!(jar.receive(&url, "n=v; Domain=other.org").unwrap_err().status(), Status::INVALID);
    assert_eq!(jar.get(&url).unwrap(), b"n=v");
    let options = SessionOptions::new().cookies(&jar).auth(Auth::basic("u", "p")).netrc();
    let web = Session::new(options).unwrap();
    let told = |request: creche::Request<'_>| {
        String::from_utf8(block_on(request.start()).unwrap().body().to_vec()).unwrap()
    };
    let head = told(web.get(&url));
    assert!(head.contains("Cookie: n=v\r\n"), "{head}");
    assert!(head.contains("Authorization: Basic dTpw\r\n"), "{head}");
    let head = told(web.get(&url).auth(Auth::bearer("t")).no_cookies());
    assert!(!head.contains("Cookie:"), "{head}");
    assert!(head.contains("Authorization: Bearer t\r\n"), "{head}");
    for auth in [Auth::digest("u", "p"), Auth::any("u", "p")] {
        assert!(!format!("{auth:?}").contains('p'.to_string().repeat(2).as_str()));
        assert!(!told(web.get(&url).auth(auth)).contains("Authorization"));
    }
    assert!(!told(web.get(&url).no_auth()).contains("Authorization"));
    for form in [CookieForm::Netscape, CookieForm::Json] {
        let other = CookieJar::new().unwrap();
        other.import(form, &jar.export(form).unwrap()).unwrap();
        assert_eq!(other.get(&url).unwrap(), b"n=v");
        let path = std::env::temp_dir().join(format!("creche-cookies-{}", std::process::id()));
        let path = path.to_str().unwrap();
        other.save(form, path).unwrap();
        other.clear(None).unwrap();
        assert_eq!(other.get(&url).unwrap(), b"");
        other.load(form, path).unwrap();
        assert_eq!(other.get(&url).unwrap(), b"n=v");
        std::fs::remove_file(path).unwrap();
    }
}
