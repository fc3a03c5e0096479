//! The scripts of `tests/conformance`, which need a Python with numpy.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Whether there is a Python with numpy; without one, tests that need it say so and pass.
pub fn has_numpy() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let mut import = Command::new("python3");
        import.args(["-c", "import numpy"]).stdout(Stdio::null()).stderr(Stdio::null());
        let found = import.status().is_ok_and(|status| status.success());
        if !found {
            // Past the test harness, which keeps what `eprintln` says to itself.
            let _ = writeln!(std::io::stderr(), "skipped: python3 has no numpy to compute expected numbers with");
        }
        found
    })
}

/// Runs a script of `tests/conformance` on a path: whether it ended with 0, and what it said.
pub fn conformance(script: &str, path: &Path, options: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(script);
    let output = Command::new("python3").arg("-B").arg(script).arg(path).args(options).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.success(), text)
}
