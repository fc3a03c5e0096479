//! What the tests share: running the command in a folder, and files to run it on.

#[cfg(unix)]
pub mod browser;
#[path = "../../../src/cases.rs"]
pub mod cases;
pub mod files;
pub mod forward;
pub mod markdown;
pub mod network;
pub mod onnx;
pub mod pictures;
pub mod python;
pub mod qdq;
pub mod random;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A temporary folder that the command runs in, so that arguments name files by their bare names.
pub struct Folder(TempDir);

/// What one run of the command left behind.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Run {
    /// Standard output as words with a space between any two, wherever lines are broken.
    pub fn words(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output as CSV: its header, then its rows.
    pub fn csv(&self) -> Vec<Vec<String>> {
        csv_rows(self.stdout.as_bytes())
    }
}

/// The rows of a CSV text, the header being the first.
pub fn csv_rows(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn read_json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// Names of what lies in the folder, hidden files too.
    pub fn names(&self) -> BTreeSet<String> {
        let entries = self.0.path().read_dir().unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The command with `args`, split at spaces.
    pub fn command(&self, args: &str) -> assert_cmd::Command {
        let mut command = cargo_bin_cmd!("approx-eval");
        command.current_dir(self.0.path()).args(args.split_whitespace());
        command
    }

    /// A script of bash that finds the command by its name, and stops where a step fails.
    #[cfg(unix)]
    pub fn shell(&self, script: &str) -> assert_cmd::Command {
        let binary = assert_cmd::cargo::cargo_bin!("approx-eval").parent().unwrap().display();
        let mut shell = assert_cmd::Command::new("bash");
        shell.current_dir(self.0.path()).args(["-euo", "pipefail", "-c", script]);
        shell.env("PATH", format!("{binary}:{}", std::env::var("PATH").unwrap_or_default()));
        shell
    }

    pub fn run(&self, args: &str) -> Run {
        self.command(args).output().unwrap().into()
    }

    /// Runs, and fails the test unless the exit code is `code`.
    pub fn run_to(&self, code: i32, args: &str) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, Some(code), "{args}: {run:?}");
        run
    }

    /// The JSON that a successful run prints.
    pub fn json(&self, args: &str) -> Value {
        self.run_to(0, &format!("{args} --format json")).json()
    }

    /// The bits of the logits of a successful run, sample by sample.
    pub fn logits(&self, args: &str) -> Vec<Vec<u32>> {
        const NAME: &str = "logits-of-this-run.safetensors";
        self.run_to(0, &format!("{args} --logits {NAME}"));
        let rows = files::read_logits(&self.read(NAME));
        std::fs::remove_file(self.path(NAME)).unwrap();
        rows.iter().map(|row| row.iter().map(|logit| logit.to_bits()).collect()).collect()
    }

    /// Runs what must be refused: exit code 2, nothing on standard output, one `error:` line that
    /// has all of `needles`, no panic, and no file that was not there before.
    pub fn refuses(&self, args: &str, needles: &[&str]) -> Run {
        self.refuses_command(&mut self.command(args), args, needles)
    }

    /// The same in a shell, so that arguments may be quoted and hold any byte: in four gigabytes of address space,
    /// within a minute, its temporary files where they would be noticed.
    #[cfg(unix)]
    pub fn refuses_in_bounds(&self, args: &str, needles: &[&str]) -> Run {
        let mut shell = self.shell(&format!("ulimit -v 4000000; exec approx-eval {args}"));
        shell.env("TMPDIR", self.0.path()).env("MALLOC_ARENA_MAX", "2").timeout(std::time::Duration::from_mins(1));
        self.refuses_command(&mut shell, args, needles)
    }

    fn refuses_command(&self, command: &mut assert_cmd::Command, args: &str, needles: &[&str]) -> Run {
        let before = self.names();
        let run: Run = command.output().unwrap().into();
        assert_eq!(run.code, Some(2), "{args}: {run:?}");
        assert_eq!(run.stdout, "", "{args}");
        let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("error:")).collect();
        let &[error] = errors.as_slice() else { panic!("{args}: expected one error line: {run:?}") };
        for needle in needles {
            assert!(error.contains(needle), "{args}: no '{needle}' in: {error}");
        }
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("RUST_BACKTRACE"), "{args}: {run:?}");
        assert_eq!(self.names(), before, "{args}: files left behind");
        run
    }
}

/// A command that ignores no signal, whatever this process does: jobs in the background ignore some.
#[cfg(unix)]
pub fn with_default_signals(program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
    let mut command = std::process::Command::new("env");
    command.arg("--default-signal").arg(program);
    command
}

/// A number of a JSON document, by its JSON pointer.
pub fn number(document: &Value, pointer: &str) -> f64 {
    let value = document.pointer(pointer).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("no number at {pointer}: {document:#}"))
}

/// An integer of a JSON document, by its JSON pointer.
pub fn integer(document: &Value, pointer: &str) -> u64 {
    let value = document.pointer(pointer).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no integer at {pointer}: {document:#}"))
}

/// A text of a JSON document, by its JSON pointer.
pub fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    let value = document.pointer(pointer).and_then(Value::as_str);
    value.unwrap_or_else(|| panic!("no text at {pointer}: {document:#}"))
}

/// Whether the compiler that the command would run is there. Tests that need it say so and pass without.
pub fn has_compiler() -> bool {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let program = compiler.split_whitespace().next().unwrap_or("cc");
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: there is no C compiler");
    }
    found
}
