//! Chromium, driven through its debugging pipe: what a reader of a page would see and do.
//!
//! Messages are JSON, each ended by a zero, on the browser's file descriptors 3 and 4 (Chrome DevTools Protocol), which
//! a shell connects to its standard input and output.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// A browser with one page.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    calls: u64,
    session: Option<String>,
    /// What the page reported that it should not have.
    complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// The browser that `APPROX_EVAL_CHROMIUM` names, where it names one. Tests that need it say so and pass without.
    pub fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("APPROX_EVAL_CHROMIUM") else {
            println!("skipped: APPROX_EVAL_CHROMIUM names no browser");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"]).arg(program);
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let (to, from) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let (calls, session, complaints) = (0, None, Vec::new());
        let mut browser = Browser { process, to, from, calls, session, complaints, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.resize(1400, 900);
        Some(browser)
    }

    /// Calls a method of the protocol, and waits for its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("the browser runs");
        loop {
            let mut answer = self.receive();
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }

    fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).expect("the browser runs");
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        let params = &message["params"];
        let is_complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => matches!(params["entry"]["level"].as_str(), Some("error" | "warning")),
            Some("Runtime.consoleAPICalled") => params["type"] != "log",
            Some("Network.requestWillBeSent") => {
                let url = params["request"]["url"].as_str().unwrap_or_default();
                !["file:", "data:", "blob:", "about:"].iter().any(|scheme| url.starts_with(scheme))
            }
            _ => false,
        };
        if is_complaint {
            self.complaints.push(message.to_string());
        }
        message
    }

    /// The size of the window in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the reader's system prefers: `light` or `dark` colors, on `screen` or in `print`.
    pub fn prefers(&mut self, colors: &str, media: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": colors}]);
        self.call("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
    }

    /// Opens a file, and waits until it is there whole.
    pub fn open(&mut self, page: &Path) {
        self.call("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        while self.run("document.readyState") != "complete" {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.settle();
    }

    /// Waits until what was drawn has been shown, twice: observers of sizes run between.
    pub fn settle(&mut self) {
        self.run(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))))",
        );
    }

    /// The value of an expression in the page.
    pub fn run(&mut self, script: &str) -> Value {
        let params = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let mut result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{script}: {}", result["exceptionDetails"]);
        result["result"]["value"].take()
    }

    /// The texts of all elements that a selector finds.
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let found = self.run(&format!("[...document.querySelectorAll({selector:?})].map((e) => e.textContent)"));
        serde_json::from_value(found).unwrap()
    }

    /// Types `value` into the field that a selector finds, in place of what stands there.
    pub fn enter(&mut self, selector: &str, value: &str) {
        self.run(&format!(
            "(() => {{ const field = document.querySelector({selector:?}); field.value = {value:?};
             field.dispatchEvent(new Event('input', {{bubbles: true}}));
             field.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
        ));
        self.settle();
    }

    /// Presses the first element that a selector finds.
    pub fn click(&mut self, selector: &str) {
        self.run(&format!("document.querySelector({selector:?}).click()"));
        self.settle();
    }

    /// Errors of the console and of scripts, and what the page asked of the network.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
