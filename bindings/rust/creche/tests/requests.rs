//! What requests can say, against a small server of our own.
mod common;

use common::block_on;
use creche::{FilePart, Form, Loop, LoopOptions, Retry, Session, SessionOptions, Status};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// A server that answers requests with these, one after the other, then with the first line, the header
/// and the body of what it got, which it notes down.
fn answering(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let noted = noted.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(text) = request(&mut reader) {
                    let mut noted = noted.lock().unwrap();
                    let echo =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
                    let answer = answers.get(noted.len()).copied().unwrap_or(&echo);
                    (&stream).write_all(answer.as_bytes()).unwrap();
                    noted.push(text);
                }
            });
        }
    });
    (url, seen)
}

fn request(reader: &mut impl BufRead) -> Option<String> {
    let (mut text, mut size, mut chunked) = (String::new(), 0, false);
    while !text.ends_with("\r\n\r\n") {
        let at = text.len();
        if reader.read_line(&mut text).unwrap_or(0) == 0 {
            return None;
        }
        if let Some(value) = text[at..].strip_prefix("Content-Length: ") {
            size = value.trim().parse().unwrap();
        }
        chunked |= text[at..].starts_with("Transfer-Encoding: chunked");
    }
    let mut body = vec![0; size];
    reader.read_exact(&mut body).ok()?;
    while chunked {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut piece = vec![0; size + 2];
        reader.read_exact(&mut piece).unwrap();
        body.extend_from_slice(&piece[..size]);
        chunked = size > 0;
    }
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}

const BUSY: &str = "HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nbusy";

#[test]
fn urls_are_joined_and_have_parameters() {
    let url = answering(&[]).0;
    let web = Session::new(SessionOptions::new().base_url(format!("{url}/api/"))).unwrap();
    let page = block_on(async { web.get("x?y").param("k", "a b&").param("k", "2").await }).unwrap();
    let text = page.text().unwrap();
    assert!(text.starts_with("GET /api/x?y&k=a%20b%26&k=2 HTTP/1.1\r\n"), "{text}");
    assert_eq!(creche::url_join("http://a/b/c/d;p?q", "../g#s").unwrap(), "http://a/b/g#s");
    assert_eq!(creche::url_join("http://a/b", "/\u{e4}").unwrap(), "http://a/\u{e4}");
    assert_eq!(creche::url_join("/b", "c").unwrap_err().status(), Status::URL);
    let wrong = Session::new(SessionOptions::new().base_url("/x")).unwrap_err();
    assert_eq!(wrong.status(), Status::URL);
}

#[test]
fn a_status_is_a_failure() {
    let (url, _) = answering(&[BUSY; 3]);
    let web = Session::new(SessionOptions::new().fail_on_status()).unwrap();
    let error = block_on(async { web.get(&url).await }).unwrap_err();
    assert_eq!(error.status(), Status::HTTP_STATUS, "{error:?}");
    assert_eq!((error.http_status(), error.http_body()), (Some(503), Some(&b"busy"[..])));
    assert!(error.is_retryable());
    let page = block_on(async { web.get(&url).any_status().await }).unwrap();
    assert_eq!((page.status(), page.body()), (503, &b"busy"[..]));
    let web = Session::new(SessionOptions::new()).unwrap();
    let error = block_on(async { web.get(&url).fail_on_status().stream().await }).unwrap_err();
    assert_eq!(error.http_status(), Some(503));
}

#[test]
fn requests_are_made_again() {
    let (url, seen) = answering(&[BUSY, BUSY, "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"]);
    let on = Loop::open(LoopOptions::new().virtual_clock()).unwrap();
    let policy = Retry::new().attempts(4).no_jitter().statuses([500, 503]).any_method();
    let web = Session::on(on, SessionOptions::new().retry(policy)).unwrap();
    let page = block_on(async { web.post(&url, "body").await }).unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().unwrap().ends_with("\r\n\r\nbody"));
    assert_eq!(page.info().unwrap().attempts, 4);
    assert_eq!(web.counters().unwrap().attempts, 3);
    assert_eq!(seen.lock().unwrap().len(), 4);

    let (url, _) = answering(&[BUSY; 3]);
    let twice = Retry::new().attempts(2);
    let request = web.get(&url).retry(twice).fail_on_status();
    let error = block_on(async { request.await }).unwrap_err();
    assert_eq!(error.http_attempts(), Some(2));
    let page = block_on(async { web.get(&url).no_retry().await }).unwrap();
    assert_eq!(page.status(), 503);
    let bad = SessionOptions::new().retry(Retry::new().attempts(0));
    assert_eq!(Session::on(on, bad).unwrap_err().status(), Status::INVALID);
}

/// A file without a name any more.
fn file_of(content: &str) -> std::fs::File {
    let path = std::env::temp_dir().join(format!("creche-rust-{}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

#[test]
fn bodies_are_files_and_forms() {
    let (url, _) = answering(&[]);
    let web = Session::new(SessionOptions::new()).unwrap();
    let file = file_of("0123456789");
    let part = FilePart::new(file.try_clone().unwrap()).offset(2).size(3);
    let page = block_on(async { web.request("PUT", &url).file(part).await }).unwrap();
    assert!(page.text().unwrap().ends_with("\r\n\r\n234"));
    let part = FilePart::new(file.try_clone().unwrap()).offset(9).size(3);
    let error = block_on(async { web.request("PUT", &url).file(part).await }).unwrap_err();
    assert_eq!(error.status(), Status::BODY);

    let form = || Form::new().field("a", "b c").field("d", "\u{e4}");
    let page = block_on(async { web.request("POST", &url).form(form()).await }).unwrap();
    assert!(page.text().unwrap().ends_with("\r\n\r\na=b+c&d=%C3%A4"));
    let parts = form().file("f", FilePart::new(file)).filename("f.txt").content_type("text/plain");
    let page = block_on(async { web.request("POST", &url).form(parts).await }).unwrap();
    let text = page.text().unwrap();
    for piece in [
        "multipart/form-data; boundary=",
        "name=\"a\"\r\n\r\nb c\r\n",
        "name=\"f\"; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n0123456789\r\n",
    ] {
        assert!(text.contains(piece), "{piece} in {text}");
    }
    let page =
        block_on(async { web.request("POST", &url).form(form().multipart()).await }).unwrap();
    assert!(page.text().unwrap().contains("multipart/form-data"));
    let bad = Form::new().field("a\nb", "").multipart();
    let error = block_on(async { web.request("POST", &url).form(bad).await }).unwrap_err();
    assert_eq!(error.status(), Status::INVALID);
}

#[test]
fn bodies_are_coded_and_asked_about() {
    let (url, seen) = answering(&[]);
    let web = Session::new(SessionOptions::new()).unwrap();
    block_on(async {
        web.post(&url, "body").gzip().await?;
        web.post(&url, "body").deflate().await?;
        web.post(&url, "body").expect_continue(Some(std::time::Duration::from_millis(1))).await
    })
    .unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen[0].contains("Content-Encoding: gzip\r\n") && !seen[0].ends_with("body"));
    assert!(seen[1].contains("Content-Encoding: deflate\r\n"));
    assert!(seen[2].contains("Expect: 100-continue\r\n") && seen[2].ends_with("body"));
}
