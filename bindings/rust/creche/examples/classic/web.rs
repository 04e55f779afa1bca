use creche::{GroupOptions, Result, Session, SessionOptions, Times};

// show: session
pub async fn session(url: &str) -> Result<()> {
    let web = Session::new(SessionOptions::new())?;
    for _ in 0..3 {
        let page = web.get(&format!("{url}/count")).await?;
        println!("{} {}", page.status(), page.text()?);
    }
    Ok(())
}
// end: session

// show: timeouts
pub async fn timeouts(url: &str) -> Result<()> {
    let web = Session::new(SessionOptions::new())?;
    let page = web.get(&format!("{url}/never")).timeout(200.millis()).await;
    if page.is_err_and(|error| error.is_timeout()) {
        println!("timed out");
    }
    Ok(())
}
// end: timeouts

// show: as_completed
pub async fn as_completed(url: &str) -> Result<()> {
    let web = &Session::new(SessionOptions::new().base_url(url))?;
    let all = creche::group(GroupOptions::new(), async |g| {
        for path in ["/3", "/1", "/2"] {
            g.spawn(async move |_| web.get(path).await?.text().map(|text| println!("{text}")));
        }
        Ok(())
    });
    all.await.map(drop)
}
// end: as_completed

// show: fail_fast
pub async fn fail_fast(url: &str) -> Result<()> {
    let web = &Session::new(SessionOptions::new().base_url(url).fail_on_status())?;
    let both = creche::group(GroupOptions::new(), async |g| {
        for path in ["/never", "/missing"] {
            g.spawn(async move |_| web.get(path).await);
        }
        Ok(())
    });
    if let Err(failed) = both.await {
        println!("failed with {}", failed.children()[0].http_status().unwrap_or(0));
    }
    Ok(())
}
// end: fail_fast
