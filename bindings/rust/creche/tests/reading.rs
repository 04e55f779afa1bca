//! Answers read by records, what comes behind their bodies, and how they came.
mod common;

use common::block_on;
use creche::{FilePart, Session, SessionOptions, SocketOptions, Status, WatchKind};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A server that answers each request with this.
fn answers(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.by_ref().map_while(Result::ok).any(|line| line.is_empty()) {
                    stream.write_all(text.as_bytes()).unwrap();
                }
            });
        }
    });
    url
}

const LINES: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                     5\r\none\nt\r\n9\r\nwo\n012345\r\n0\r\nChecksum: abc\r\nX: \r\n\r\n";

#[test]
fn lines_and_so_many_bytes() {
    let url = answers(LINES);
    let web = Session::new(SessionOptions::new()).unwrap();
    block_on(async {
        let mut body = web.get(&url).stream().await.unwrap();
        let line = body.read_until(b"\n", 0).await.unwrap();
        assert_eq!(line.as_deref(), Some(&b"one\n"[..]));
        let error = body.read_until(b"\n", 3).await.unwrap_err();
        assert_eq!(error.status(), Status::LIMIT);
        assert_eq!(body.read_until(b"\n", 4).await.unwrap().as_deref(), Some(&b"two\n"[..]));
        assert_eq!(body.read_exactly(5).await.unwrap().as_deref(), Some(&b"01234"[..]));
        assert_eq!(body.read_exactly(2).await.unwrap_err().status(), Status::LIMIT);
        assert_eq!(body.read().capacity(8).await.unwrap().as_deref(), Some(&b"5"[..]));
        assert_eq!(body.read_exactly(1).await.unwrap(), None);
        assert_eq!(body.trailer("checksum"), Some(&b"abc"[..]));
        assert_eq!(body.info().unwrap().decoded_bytes, 14);
    });
}

#[test]
fn what_a_whole_answer_tells() {
    let url = answers(LINES);
    let web = Session::new(SessionOptions::new()).unwrap();
    let page = block_on(async { web.get(&url).await }).unwrap();
    let trailers: Vec<_> = page.trailers().collect();
    assert_eq!(trailers, [("Checksum", &b"abc"[..]), ("X", &b""[..])]);
    assert_eq!(page.certificates().count(), 0);
    let info = page.info().unwrap();
    assert_eq!((info.connection, info.http_major, info.decoded_bytes), (1, 1, 14));
    assert_eq!(
        (&*info.reason, &*info.method, info.alpn, info.retry_after),
        ("OK", "GET", None, None)
    );
    assert!(info.head_bytes > 10 && info.tls_cipher_id.is_none());
    assert!(info.request_bytes > 30 && info.local.is_some() && !info.connect_time.is_zero());
}

#[test]
fn certificates_of_a_server() {
    let Some(url) = common::server("HTTPS_URL") else { return };
    let web = Session::new(SessionOptions::new().insecure()).unwrap();
    let page = block_on(async { web.get(&format!("{url}/small")).await }).unwrap();
    let shown: Vec<_> = page.certificates().collect();
    assert_eq!(shown[0][0], 0x30); // a SEQUENCE
    assert!(!page.info().unwrap().tls_time.is_zero());
}

#[test]
fn a_body_goes_into_a_file() {
    let url = answers(LINES);
    let web = Session::new(SessionOptions::new()).unwrap();
    let path = std::env::temp_dir().join(format!("creche-{}", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    let page = block_on(async { web.get(&url).to_file(FilePart::new(file)).await }).unwrap();
    assert_eq!((page.body().len(), page.info().unwrap().decoded_bytes), (0, 14));
    assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n012345");
    std::fs::remove_file(&path).unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = block_on(async { web.get(&url).to_file(FilePart::new(full)).await }).unwrap_err();
    assert_eq!(error.status(), Status::SYSTEM);
}

#[test]
fn a_session_is_watched() {
    let url = answers(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    let seen = Arc::new(Mutex::new(Vec::new()));
    let into = seen.clone();
    let options =
        SessionOptions::new().rate_per_host(1000, Duration::from_secs(1), 1).watch(move |event| {
            let link = event.headers.first().map(|(name, _)| (*name).to_owned());
            into.lock().unwrap().push((event.kind, event.http_status, link));
        });
    let web = Session::new(options).unwrap();
    block_on(async { web.get(&url).await }).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].0, WatchKind::REQUEST_START);
    assert!(seen.contains(&(WatchKind::INFORMATIONAL, 103, Some("Link".to_owned()))));
    assert_eq!(seen.last().unwrap().0, WatchKind::REQUEST_END);
}

/// A request's own watcher is told of that one, whole or a stream, and is let go when that has ended.
#[test]
fn a_request_is_watched() {
    let url = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    let web = Session::new(SessionOptions::new()).unwrap();
    let watcher = || {
        let (seen, kept) = (Arc::new(Mutex::new(Vec::new())), Arc::new(()));
        let (into, held) = (seen.clone(), Arc::downgrade(&kept));
        let tell = move |event: &creche::WatchEvent<'_>| {
            let _ = &kept;
            into.lock().unwrap().push(event.kind);
        };
        (seen, held, tell)
    };
    let whole = |seen: &Mutex<Vec<WatchKind>>| {
        let seen = seen.lock().unwrap();
        let ends = seen.iter().filter(|kind| **kind == WatchKind::REQUEST_END).count();
        assert_eq!((seen[0], ends), (WatchKind::REQUEST_START, 1));
        assert_eq!(seen.last(), Some(&WatchKind::REQUEST_END));
    };
    let gone = |held: &std::sync::Weak<()>| {
        while held.upgrade().is_some() {
            std::thread::yield_now();
        }
    };
    let (seen, held, tell) = watcher();
    block_on(async {
        web.get(&url).await.unwrap(); // of this one nobody hears
        web.get(&url).watch(tell).await.unwrap();
    });
    whole(&seen);
    gone(&held);

    let (seen, held, tell) = watcher();
    block_on(async {
        let mut stream = web.get(&url).watch(tell).stream().await.unwrap();
        while stream.read().await.unwrap().is_some() {}
    });
    gone(&held);
    whole(&seen);

    // One that never begins, and one that is given up.
    let (seen, held, tell) = watcher();
    assert!(block_on(async { web.get("nonsense").watch(tell).await }).is_err());
    gone(&held);
    assert!(seen.lock().unwrap().len() < 3);
    let (seen, held, tell) = watcher();
    drop(web.get(&url).watch(tell).stream());
    gone(&held);
    if !seen.lock().unwrap().is_empty() {
        whole(&seen);
    }
}

#[test]
fn where_requests_may_go() {
    let end = answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let text = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/b\r\nContent-Length: 0\r\n\r\n",
        end.replace("127.0.0.1", "localhost")
    );
    let url = answers(text.leak());
    let get = |options| block_on(async { Session::new(options).unwrap().get(&url).await });
    let page = get(SessionOptions::new().redirect_hosts("localhost").no_downgrade()).unwrap();
    assert_eq!(page.redirects().collect::<Vec<_>>(), [(format!("{url}/").as_str(), 302)]);
    let refused = |options| get(options).unwrap_err().status();
    assert_eq!(refused(SessionOptions::new().redirect_hosts("")), Status::REDIRECT);
    assert_eq!(refused(SessionOptions::new().public_only()), Status::URL);
    let dns =
        SessionOptions::new().dns_negative_ttl(Duration::from_secs(9)).dns_stale(Duration::ZERO);
    assert!(get(dns).is_ok());
    assert!(get(SessionOptions::new().private_headers("X-Mine, X-Yours")).is_ok());
    let web = Session::new(SessionOptions::new()).unwrap();
    let request = web.request("GET", &url).private_headers("no name");
    assert_eq!(block_on(async { request.await }).unwrap_err().status(), Status::INVALID);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sockets = |refuses: &'static str| {
        let seen = seen.clone();
        SocketOptions::new()
            .keepalive(Duration::from_secs(60), Duration::ZERO, 3)
            .user_timeout(Duration::from_secs(9))
            .receive_buffer(1 << 16)
            .opened(move |socket| {
                seen.lock().unwrap().push(socket.address.to_owned());
                let refused = !refuses.is_empty() && socket.address.starts_with(refuses);
                if refused { Err(Status(-1234)) } else { Ok(()) }
            })
    };
    assert!(get(SessionOptions::new().sockets(sockets(""))).is_ok());
    assert!(url.ends_with(&seen.lock().unwrap()[0]));
    assert_eq!(refused(SessionOptions::new().sockets(sockets("127."))), Status(-1234));
    let nowhere = SocketOptions::new().interface("nosuch0");
    assert_eq!(refused(SessionOptions::new().sockets(nowhere)), Status::CONNECT);
}
