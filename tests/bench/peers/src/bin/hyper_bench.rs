//! hyper's client connections on one thread. usage: hyper_bench URL CONNECTIONS SECONDS
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let uri: hyper::Uri = args[1].parse().expect("URL");
    let connections: usize = args[2].parse().expect("connections");
    let seconds: f64 = args[3].parse().expect("seconds");
    let authority = uri.authority().expect("authority").to_string();
    let path = uri.path().to_string();
    let local = tokio::task::LocalSet::new();
    let start = Instant::now();
    let until = start + Duration::from_secs_f64(seconds);
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (authority, path) = (authority.clone(), path.clone());
        workers.push(local.spawn_local(async move {
            let socket = tokio::net::TcpStream::connect(&authority).await.expect("connect");
            socket.set_nodelay(true).expect("nodelay");
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("handshake");
            tokio::task::spawn_local(connection);
            let mut done = 0u64;
            let mut took = Vec::new(); // of one at a time
            let one = connections == 1;
            while Instant::now() < until {
                let started = one.then(Instant::now);
                let request = hyper::Request::get(&path)
                    .header("host", &authority)
                    .body(Empty::<Bytes>::new())
                    .expect("request");
                sender.ready().await.expect("ready");
                let mut response = sender.send_request(request).await.expect("response");
                assert!(response.status().is_success());
                while let Some(frame) = response.frame().await {
                    frame.expect("frame");
                }
                done += 1;
                took.extend(started.map(|started| started.elapsed()));
            }
            (done, took)
        }));
    }
    let (mut done, mut took) = (0, Vec::new());
    local
        .run_until(async {
            for w in workers {
                let (n, times) = w.await.expect("worker");
                done += n;
                took.extend(times);
            }
        })
        .await;
    print!("done {} seconds {:.6}", done, start.elapsed().as_secs_f64());
    took.sort();
    if !took.is_empty() {
        let at = |part: usize| took[took.len() * part / 100].as_secs_f64() * 1e6;
        print!(" p50_us {:.2} p99_us {:.2}", at(50), at(99));
    }
    println!();
}
