//! reqwest on one thread. usage: reqwest_bench URL CONNECTIONS SECONDS [CA_FILE]
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let connections: usize = args[2].parse().expect("connections");
    let seconds: f64 = args[3].parse().expect("seconds");
    let mut builder = reqwest::Client::builder().pool_max_idle_per_host(connections);
    if let Some(ca_file) = args.get(4) {
        let pem = std::fs::read(ca_file).expect("CA file");
        builder = builder.add_root_certificate(reqwest::Certificate::from_pem(&pem).expect("CA"));
    }
    let client = builder.build().expect("client");
    let local = tokio::task::LocalSet::new();
    let start = Instant::now();
    let until = start + Duration::from_secs_f64(seconds);
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (client, url) = (client.clone(), args[1].clone());
        workers.push(local.spawn_local(async move {
            let mut done = 0u64;
            while Instant::now() < until {
                let response = client.get(&url).send().await.expect("response");
                assert!(response.status().is_success());
                response.bytes().await.expect("body");
                done += 1;
            }
            done
        }));
    }
    let mut done = 0;
    local.run_until(async { for w in workers { done += w.await.expect("worker"); } }).await;
    println!("done {} seconds {:.6}", done, start.elapsed().as_secs_f64());
}
