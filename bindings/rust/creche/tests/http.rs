//! HTTP against real servers: creche-test-servers' nginx, and small ones of our own.
mod common;

use common::{block_on, eventually, server};
use creche::{
    Body, GroupOptions, HttpTimeouts, Loop, LoopOptions, Phase, Session, SessionOptions, Status,
    Times,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn web() -> Session {
    Session::new(SessionOptions::new()).unwrap()
}

/// A server of our own: `serve` gets each connection.
fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    url
}

/// Answers one request with its method, a header field, and its body.
fn echo(stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut size, mut chunked) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            size = value.trim().parse().unwrap();
        }
        chunked |= lower.starts_with("transfer-encoding: chunked");
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; size];
    reader.read_exact(&mut body).unwrap();
    while chunked {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut piece = vec![0; size + 2];
        reader.read_exact(&mut piece).unwrap();
        body.extend_from_slice(&piece[..size]);
        chunked = size > 0;
    }
    let mut answer = head.into_bytes();
    answer.extend_from_slice(b"--\n");
    answer.extend_from_slice(&body);
    let mut stream = stream;
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    let _ = stream.write_all(&answer);
}

#[test]
fn a_page_comes_whole() {
    let Some(url) = server("HTTP_URL") else { return };
    let web = web();
    let url = format!("{url}/small");
    let page = block_on(async { web.get(&url).await }).unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.body().len(), 1024);
    assert_eq!(page.header_text("CONTENT-type"), Some("text/plain"));
    assert_eq!(page.header("nothing"), None);
    assert!(page.headers().any(|(name, _)| name.eq_ignore_ascii_case("content-length")));
    assert_eq!(page.url(), url);
    assert!(page.text().unwrap().starts_with("abc"));
    let info = page.info().unwrap();
    assert!(info.started <= info.first_byte && info.first_byte <= info.ended);
    let again = block_on(async { web.get(&url).await }).unwrap();
    assert!(again.info().unwrap().reused);
    assert_eq!(web.counters().unwrap().requests, 2);
    assert_eq!(web.counters().unwrap().reuses, 1);
    // What one holds outlives the session.
    block_on(web.close()).unwrap();
    drop(web);
    assert_eq!(page.body().len(), 1024);
}

#[test]
fn any_status_is_an_answer() {
    let Some(url) = server("HTTP_URL") else { return };
    let web = web();
    let url = format!("{url}/nothing");
    let page = block_on(async { web.get(&url).await }).unwrap();
    assert_eq!(page.status(), 404);
    let error = page.error_for_status().unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
}

#[test]
fn certificates_are_verified() {
    let (Some(url), Some(file)) = (server("HTTPS_URL"), server("CA_FILE")) else { return };
    let page = format!("{url}/small");
    let error = block_on(async { web().get(&page).await }).unwrap_err();
    assert_eq!(error.status(), Status::TLS_VERIFY, "{error:?}");
    assert_eq!(error.phase(), Phase::TLS);
    assert!(error.tls_verify().is_some());
    let web = Session::new(SessionOptions::new().ca_file(&file)).unwrap();
    let answer = block_on(async { web.get(&page).await }).unwrap();
    assert_eq!(answer.body().len(), 1024);
    assert!(answer.info().unwrap().tls);
    if let Some(wrong) = server("WRONG_NAME_URL") {
        let error = block_on(async { web.get(&wrong).await }).unwrap_err();
        assert_eq!(error.status(), Status::TLS_VERIFY);
    }
}

#[test]
fn a_body_is_read_piece_by_piece() {
    let Some(url) = server("HTTP_URL") else { return };
    let web = web();
    let url = format!("{url}/big");
    let size = block_on(async {
        let mut big = web.get(&url).stream().await?;
        assert_eq!(big.status(), 200);
        let mut size = 0;
        while let Some(piece) = big.read().await? {
            size += piece.len();
        }
        assert_eq!(big.read().await?, None);
        Ok::<_, creche::Error>(size)
    });
    assert_eq!(size.unwrap(), 64 << 20);
}

#[test]
fn a_stream_is_left_in_the_middle() {
    let Some(url) = server("HTTP_URL") else { return };
    let on = Loop::open(LoopOptions::new()).unwrap();
    let web = Session::on(on, SessionOptions::new()).unwrap();
    let url = format!("{url}/big");
    block_on(async {
        let mut big = web.get(&url).stream().await?;
        let first = big.read().capacity(1000).await?.unwrap();
        assert!(!first.is_empty() && first.len() <= 1000);
        Ok::<_, creche::Error>(())
    })
    .unwrap();
    eventually(|| web.counters().unwrap().active == 0 && on.counters().unwrap().live_leases == 0);
    on.close().unwrap();
    on.join(10.secs()).unwrap();
}

#[test]
fn requests_are_what_they_were_told() {
    let url = listen(echo);
    let web =
        Session::new(SessionOptions::new().header("x-all", "every").user_agent("me")).unwrap();
    let page = block_on(async { web.post(&url, "a body").header("X-One", "1").await }).unwrap();
    let text = page.text().unwrap();
    assert!(text.starts_with("POST / HTTP/1.1\r\n"), "{text}");
    for line in ["X-One: 1\r\n", "x-all: every\r\n", "Content-Length: 6\r\n", "--\na body"] {
        assert!(text.to_ascii_lowercase().contains(&line.to_ascii_lowercase()), "{line} in {text}");
    }
    assert!(text.contains(": me\r\n"));
    assert_eq!(page.header_text("x-two"), Some("1"));
    assert_eq!(page.headers().filter(|(name, _)| name.eq_ignore_ascii_case("x-two")).count(), 2);
    let page = block_on(async { web.request("DELETE", &url).await }).unwrap();
    assert!(page.text().unwrap().starts_with("DELETE / "));
}

#[test]
fn a_body_is_written_while_it_is_sent() {
    let url = listen(echo);
    let web = web();
    for size in [None, Some(300_000)] {
        let page = block_on(async {
            let (mut writer, body) = Body::written(size);
            let answer = web.post(&url, body).start();
            for _ in 0..3 {
                writer.write(&[b'x'; 100_000]).await?;
            }
            writer.finish();
            answer.await
        })
        .unwrap();
        assert!(page.text().unwrap().ends_with(&"x".repeat(300_000)));
    }
}

/// Sends a head at once, and each chunk of the request's body as it comes.
fn parrot(stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
    }
    let mut writer = &stream;
    writer.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 0 {
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        writer.write_all(line.as_bytes()).unwrap();
        writer.write_all(&chunk).unwrap();
        line.clear();
        if size == 0 {
            return;
        }
    }
}

#[test]
fn a_body_is_written_while_the_answer_is_read() {
    let url = listen(parrot);
    let web = web();
    block_on(async {
        let (mut writer, body) = Body::written(None);
        let mut answer = web.post(&url, body).stream().await?;
        for piece in ["hello", "and", "again"] {
            writer.write(piece.as_bytes()).await?;
            assert_eq!(&answer.read().await?.unwrap()[..], piece.as_bytes());
        }
        writer.finish();
        assert_eq!(answer.read().await?, None);
        // An answer that is dropped ends the request.
        let (mut writer, body) = Body::written(None);
        let answer = web.post(&url, body).stream().await?;
        writer.write(b"some").await?;
        drop(answer);
        while writer.write(b"some").await.is_ok() {}
        // One that nobody waits for, too.
        let (mut writer, body) = Body::written(None);
        web.post(&url, body).stream().detach();
        while writer.write(b"some").await.is_ok() {}
        Ok::<_, creche::Error>(())
    })
    .unwrap();
    eventually(|| web.counters().unwrap().active == 0);
}

#[test]
fn a_body_whose_writer_is_dropped_fails_its_request() {
    let url = listen(echo);
    let web = web();
    let error = block_on(async {
        let (mut writer, body) = Body::written(None);
        let answer = web.post(&url, body).start();
        writer.write(b"some").await?;
        drop(writer);
        answer.await
    })
    .unwrap_err();
    assert_eq!(error.status(), Status::BODY, "{error:?}");
    let error = block_on(async {
        let (mut writer, body) = Body::written(None);
        drop(web.post(&url, body).start());
        while writer.write(b"some").await.is_ok() {}
        writer.write(b"some").await
    })
    .unwrap_err();
    assert_eq!(error.status(), Status::BODY, "{error:?}");
}

#[test]
fn failures_say_where_and_what() {
    let web = web();
    let error = block_on(async { web.get("no url").await }).unwrap_err();
    assert_eq!(error.status(), Status::URL);
    let error = block_on(async { web.get("http://a\0b/").await }).unwrap_err();
    assert_eq!(error.status(), Status::INVALID);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/");
    let error = block_on(async { web.get(&url).await }).unwrap_err();
    assert_eq!(error.status(), Status::CONNECT);
    assert_eq!(error.phase(), Phase::CONNECT);
    assert!(error.is_retryable() && error.is_unsent());
    assert!(error.system_errno().is_some());
    let url = listen(|stream| {
        let _ = BufReader::new(stream).lines().next();
    });
    let error = block_on(async { web.post(&url, "x").await }).unwrap_err();
    assert_eq!(error.status(), Status::DISCONNECTED, "{error:?}");
    let error = Session::new(SessionOptions::new().ca_file("/nonexistent")).unwrap_err();
    assert!([Status::SYSTEM, Status::TLS].contains(&error.status()), "{error:?}");
}

#[test]
fn timeouts_name_their_phase() {
    let url = listen(|_stream| thread::sleep(5.secs()));
    let web = web();
    let timeouts = HttpTimeouts { first_byte: Some(20.millis()), ..HttpTimeouts::default() };
    let error = block_on(async { web.get(&url).timeouts(timeouts).await }).unwrap_err();
    assert_eq!(error.status(), Status::TIMEOUT);
    assert_eq!(error.phase(), Phase::HEADERS);
    let error = block_on(async { web.get(&url).timeout(20.millis()).await }).unwrap_err();
    assert_eq!(error.status(), Status::TIMEOUT);
}

#[test]
fn a_dropped_request_closes_its_connection() {
    let (gone, hears) = std::sync::mpsc::channel();
    let url = listen(move |mut stream| {
        // Until the peer is gone.
        let mut scratch = [0; 1024];
        while stream.read(&mut scratch).unwrap_or(0) > 0 {}
        let _ = gone.send(());
    });
    let web = web();
    let pending = web.get(&url).start();
    eventually(|| web.counters().unwrap().active == 1);
    thread::sleep(20.millis());
    drop(pending);
    hears.recv_timeout(10.secs()).unwrap();
    eventually(|| web.counters().unwrap().active == 0);
}

#[test]
fn a_group_fetches_many() {
    let Some(url) = server("HTTP_URL") else { return };
    let web = web();
    let url = format!("{url}/small");
    let total = std::sync::atomic::AtomicUsize::new(0);
    block_on(creche::group(GroupOptions::new().limit(20), async |g| {
        let (web, url, total) = (&web, &url, &total);
        for _ in 0..500 {
            g.spawn(async move |scope| {
                let page = web.get(url).within(scope).await?;
                total.fetch_add(page.body().len(), std::sync::atomic::Ordering::Relaxed);
                Ok(())
            });
        }
        Ok(())
    }))
    .unwrap();
    assert_eq!(total.into_inner(), 500 * 1024);
    assert!(web.counters().unwrap().connects <= 20);
}

#[test]
fn a_closed_session_ends_what_is_in_flight() {
    let url = listen(|_stream| thread::sleep(5.secs()));
    let web = web();
    let pending = web.get(&url).start();
    block_on(web.close()).unwrap();
    assert_eq!(block_on(pending).unwrap_err().status(), Status::CLOSED);
    let error = block_on(async { web.get(&url).await }).unwrap_err();
    assert_eq!(error.status(), Status::CLOSED);
}

/// The kind of server that `lenient` is for: its lines end in LF alone.
#[test]
fn lenient_sessions_and_requests_take_what_is_refused_otherwise() {
    let url = listen(|mut stream| {
        let reader = BufReader::new(stream.try_clone().unwrap());
        if reader.lines().map_while(Result::ok).any(|line| line.is_empty()) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\nContent-Length: 3\n\nold");
        }
    });
    let strict = web();
    let error = block_on(async { strict.get(&url).await }).unwrap_err();
    assert_eq!(error.status(), Status::PROTOCOL);
    let response = block_on(async { strict.get(&url).lenient().await }).unwrap();
    assert_eq!(response.body(), b"old");
    let lenient = Session::new(SessionOptions::new().lenient()).unwrap();
    let response = block_on(async { lenient.get(&url).await }).unwrap();
    assert_eq!(response.body(), b"old");
}

#[test]
fn handles_cross_threads() {
    fn both<T: Send + Sync>() {}
    both::<Session>();
    both::<creche::Response>();
    both::<creche::Streaming>();
    both::<creche::Request<'static>>();
    both::<creche::BodyWriter>();
    both::<Body>();
}
