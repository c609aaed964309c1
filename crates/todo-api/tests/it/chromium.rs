//! `Browser`: a real Chromium without a window, driven by WebDriver (W3C).

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_servers::{Process, until};

/// A browser with one page. Ends when dropped.
pub(crate) struct Browser {
    client: Client,
    session: String,
    _driver: Process,
    _folder: TempDir,
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|file| file.is_file())
}

impl Browser {
    /// Starts one with nothing in it.
    pub(crate) async fn start() -> Self {
        let program =
            on_path(&["chromedriver"]).expect("chromedriver is on PATH: scripts/install-chromium installs it");
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let driver = Process::start(&program, &["--port=0".to_owned()], &log);
        let mut port = String::new();
        until("chromedriver says its port", || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let found = said.split_once("started successfully on port ").and_then(|(_, rest)| rest.split_once('.'));
            port = found.map(|(port, _)| port.to_owned()).unwrap_or_default();
            std::future::ready(!port.is_empty())
        })
        .await;
        let client = Client::builder().timeout(Duration::from_secs(180)).no_proxy().build().unwrap();
        // It ends with its driver, however that ends (remote-debugging-pipe).
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let mut options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--no-first-run", "--remote-debugging-pipe", profile,
        ] });
        if let Some(binary) = on_path(&["chromium", "chromium-browser", "google-chrome"]) {
            options["binary"] = binary.display().to_string().into();
        }
        let wanted =
            json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" } });
        let root = format!("http://127.0.0.1:{port}/session");
        let made = client.post(&root).json(&json!({ "capabilities": { "alwaysMatch": wanted } })).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        let id = made["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {made}"));
        let browser = Self { client, session: format!("{root}/{id}"), _driver: driver, _folder: folder };
        browser.screen(1280, 900, false).await;
        browser
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Value {
        let url = if path.is_empty() { self.session.clone() } else { format!("{}/{path}", self.session) };
        let mut request = self.client.request(method.clone(), url);
        if method == Method::POST {
            request = request.json(&body);
        }
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }

    /// Emulates a screen of so many pixels, and whether the user wants it dark, and without motion.
    pub(crate) async fn screen(&self, width: u32, height: u32, dark: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = json!({ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } });
        let motion = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [scheme, motion] })).await;
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.command(Method::POST, "goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    pub(crate) async fn open(&self, url: &str) {
        self.command(Method::POST, "url", json!({ "url": url })).await;
    }

    /// What an expression comes to in the page.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        let script = json!({ "script": format!("return {expression};"), "args": [] });
        self.command(Method::POST, "execute/sync", script).await
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, expression: &str) {
        until(expression, || async { self.eval(expression).await == true }).await;
    }

    /// The element of this selector, as the driver names it.
    async fn find(&self, selector: &str) -> String {
        let found = self.command(Method::POST, "element", json!({ "using": "css selector", "value": selector })).await;
        let id = found.as_object().and_then(|fields| fields.values().next()?.as_str());
        id.unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.command(Method::POST, &format!("element/{element}/click"), json!({})).await;
    }

    /// Presses keys in an element; those without a letter are named as WebDriver has it (§17.4.2).
    pub(crate) async fn press(&self, selector: &str, keys: &str) {
        let element = self.find(selector).await;
        self.command(Method::POST, &format!("element/{element}/value"), json!({ "text": keys })).await;
    }

    /// The whole page as an image, into a file.
    pub(crate) async fn screenshot(&self, file: &Path) {
        use base64::Engine;
        let height = self.eval("document.documentElement.scrollHeight").await.as_u64().unwrap();
        let clip = json!({ "x": 0, "y": 0, "scale": 1, "height": height, "width": self.eval("innerWidth").await });
        let how = json!({ "captureBeyondViewport": true, "clip": clip });
        let body = json!({ "cmd": "Page.captureScreenshot", "params": how });
        let image = self.command(Method::POST, "goog/cdp/execute", body).await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(image["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// What the console says that is wrong.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.command(Method::POST, "se/log", json!({ "type": "browser" })).await;
        log.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The URLs of all requests since the last look, without those of its own pages.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let log = self.command(Method::POST, "se/log", json!({ "type": "performance" })).await;
        let messages = log.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap());
        let messages = messages.map(|text| serde_json::from_str::<Value>(text).unwrap()["message"].take());
        let sent = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        let urls = sent.map(|message| message["params"]["request"]["url"].as_str().unwrap().to_owned());
        urls.filter(|url| !url.starts_with("chrome:")).collect()
    }

    /// Ends it in order.
    pub(crate) async fn close(self) {
        self.command(Method::DELETE, "", Value::Null).await;
    }
}
