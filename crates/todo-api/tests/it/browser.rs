//! The pages in a real Chromium. Counted as not run where there is none (`scripts/test`).

use std::path::PathBuf;

use test_servers::shared_redis;

use crate::chromium::Browser;
use crate::support::{Service, embedded};

/// Keys as WebDriver names them (W3C WebDriver §17.4.2).
const LEFT: &str = "\u{e012}";
const RIGHT: &str = "\u{e014}";
const ESCAPE: &str = "\u{e00c}";
/// Back space, to take a letter away, and Enter.
const SHORTER_AND_SEND: &str = "\u{e003}\u{e007}";

/// Nothing was wrong, and nobody else was asked for anything.
async fn assert_quiet(browser: &Browser, service: &Service) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:?}");
    let own = format!("http://{}/", service.address);
    let requests = browser.requests().await;
    let elsewhere: Vec<_> = requests.iter().filter(|url| !url.starts_with(&own) && !url.starts_with("data:")).collect();
    assert!(!requests.is_empty() && elsewhere.is_empty(), "{elsewhere:?}");
}

fn steps_say(text: &str) -> String {
    format!("document.querySelector('#steps li').textContent.includes({text:?})")
}

fn cell_says(text: &str) -> String {
    format!("document.getElementById('cell').textContent.includes({text:?})")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_page_shows_a_write_and_the_hit_after_it_and_what_forgetting_does() {
    let cache = shared_redis().url();
    let name = test_servers::fresh_name("page");
    let service = Service::start(&["--cache", &cache, "--cache-prefix", &name]).await;
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/live", service.address)).await;
    browser.until(&cell_says("none: a read is a miss")).await;

    browser.click("#try-write").await;
    browser.until(&steps_say("PUT 201")).await;
    browser.until(&steps_say("published to the cache")).await;
    browser.until(&cell_says("yes: fresh")).await;
    browser.click("#try-form .send").await;
    browser.until(&steps_say("GET 200")).await;
    browser.until(&steps_say("holds a fresh value")).await;
    browser.click("#try-forget").await;
    browser.until(&cell_says("none: a read is a miss")).await;
    browser.click("#try-form .send").await;
    browser.until(&steps_say("The store is read")).await;
    browser.until(&cell_says("value")).await;
    // Until a point has figures.
    browser.until("document.querySelectorAll('#charts polygon').length === 8").await;
    browser.until("[...document.querySelectorAll('#tiles dd')].length === 8").await;
    browser.until("document.getElementById('state').textContent === 'Cache and store answer.'").await;
    assert_quiet(&browser, &service).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_page_says_in_words_that_redis_was_stopped_and_marks_when() {
    let mut redis = test_servers::RedisServer::start();
    let cache = redis.url();
    let service = Service::start(&["--cache", &cache, "--redis-timeout", "1s"]).await;
    service.create("1").await;
    let browser = Browser::start().await;
    browser.screen(1280, 900, true).await;
    browser.open(&format!("http://{}/live", service.address)).await;
    browser.until("document.getElementById('state').textContent === 'Cache and store answer.'").await;
    redis.stop();
    test_servers::until("reads pass by Redis", || async {
        service.get("/todos/1").await;
        service.todos.stats().breaker != cache_aside::BreakerState::Closed
    })
    .await;
    browser.until("document.getElementById('state').textContent.includes('reads go to the store')").await;
    browser.until("document.querySelectorAll('#charts .mark').length >= 4").await;
    browser
        .until("document.getElementById('events').textContent.includes('Redis does not answer and is left alone')")
        .await;
    assert_quiet(&browser, &service).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_page_is_used_by_keys_alone() {
    let service = embedded().await;
    service.create("1").await;
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/live", service.address)).await;
    browser.until("document.querySelectorAll('#charts polygon').length === 8").await;
    browser.press("#charts", LEFT).await;
    browser.until("document.getElementById('readout').textContent.includes('hit')").await;
    browser.press("#charts", RIGHT).await;
    browser.press("#charts", ESCAPE).await;
    browser.until("document.getElementById('readout').textContent === ''").await;
    browser.press("#pause", " ").await;
    browser.until("document.getElementById('pause').getAttribute('aria-pressed') === 'true'").await;
    browser.press("#try-id", SHORTER_AND_SEND).await;
    browser.until(&steps_say("GET 404")).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_docs_page_makes_a_call() {
    let service = embedded().await;
    service.create("4711").await;
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/docs#read_todo", service.address)).await;
    browser.until("document.querySelector('#read_todo .send') !== null").await;
    browser.click("#read_todo .send").await;
    browser.until("document.querySelector('#read_todo .response').textContent.includes('200')").await;
    assert_quiet(&browser, &service).await;
    browser.close().await;
}

/// With `SCREENSHOTS=FOLDER` the pages are kept as images, to be looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_fit_a_phone_and_a_wall_light_and_dark() {
    let service = embedded().await;
    for id in ["1", "2"] {
        service.create(id).await;
    }
    let browser = Browser::start().await;
    let folder = std::env::var_os("SCREENSHOTS").map(PathBuf::from);
    for (width, height) in [(400, 800), (1280, 900), (2560, 1440), (3840, 2160)] {
        for dark in [false, true] {
            for page in ["live", "docs"] {
                browser.screen(width, height, dark).await;
                browser.open(&format!("http://{}/{page}", service.address)).await;
                match page {
                    "live" => browser.until("document.querySelectorAll('#charts polygon').length === 8").await,
                    _ => browser.until("document.querySelectorAll('details.operation').length > 5").await,
                }
                let too_wide = browser.eval("document.documentElement.scrollWidth > innerWidth").await;
                assert_eq!(too_wide, false, "/{page} at {width}, dark: {dark}");
                if let Some(folder) = &folder {
                    let scheme = if dark { "dark" } else { "light" };
                    browser.screenshot(&folder.join(format!("{page}-{width}-{scheme}.png"))).await;
                }
            }
        }
    }
    browser.close().await;
}
